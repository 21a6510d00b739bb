//! What makes the Debian package and the book, and what the package is tried on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use anyhow::{Context as _, Result};

use super::{apt, holds, step};
use crate::process;

/// The program that makes Debian packages of what `cargo` has compiled.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn cargo_deb() -> Result<PathBuf> {
    if process::find("dpkg-shlibdeps").is_none() || process::find("xz").is_none() {
        apt("what Debian packages are made with", &["dpkg-dev", "xz-utils"])?;
    }
    // With the system's xz.
    cargo_program("cargo-deb", "=3.8.0", &["--no-default-features"])
}

/// The program that merges profiles: of the compiler's own LLVM, for the formats of others differ.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn llvm_profdata() -> Result<PathBuf> {
    let libraries = process::output("rustc", &["--print", "target-libdir"]).context("`rustc` fails")?;
    let program = Path::new(&libraries).with_file_name("bin/llvm-profdata");
    if !program.is_file() {
        let mut rustup = Command::new("rustup");
        rustup.args(["component", "add", "llvm-tools"]).current_dir(crate::root());
        step("LLVM's tools for profiles", "llvm-tools", rustup)?;
    }
    Ok(program)
}

/// The folder of BOLT's programs, which lay out anew what was linked. It need not be of the compiler's LLVM: this one Debian has.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn bolt() -> Result<PathBuf> {
    let programs = PathBuf::from("/usr/lib/llvm-19/bin");
    if !programs.join("llvm-bolt").is_file() {
        apt("BOLT", &["bolt-19"])?;
    }
    Ok(programs)
}

/// The program that makes books of pages.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn mdbook() -> Result<PathBuf> {
    cargo_program("mdbook", "=0.5.4", &["--no-default-features", "--features", "search"])
}

/// A program of one of crates.io's packages. Not optimised: it compiles in half the time, and its work here is small.
fn cargo_program(name: &str, version: &str, features: &[&str]) -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let directory = crate::dev("cargo")?;
    let (program, stamp) = (directory.join("bin").join(name), directory.join(format!("{name}-version")));
    if !(holds(&stamp, version) && program.is_file()) {
        let mut cargo = crate::ringback::cargo();
        cargo.args(["install", name, "--version", version, "--locked", "--debug", "--force", "--root"]).arg(&directory);
        cargo.args(features).env("CARGO_TARGET_DIR", directory.join("target"));
        step(name, name, cargo)?;
        fs::remove_dir_all(directory.join("target"))?;
        fs::write(stamp, version)?;
    }
    Ok(program)
}

/// An archive of a clean Debian with systemd, of the release that runs here, from the mirrors that are used here.
///
/// # Errors
/// Where it cannot be made; the message says what to type.
pub fn clean_debian() -> Result<PathBuf> {
    if process::find("mmdebstrap").is_none() || process::find("systemd-nspawn").is_none() {
        apt("what makes a clean Debian", &["mmdebstrap", "systemd-container"])?;
    }
    let archive = crate::dev("clean-debian.tar")?;
    if archive.is_file() {
        return Ok(archive);
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let named = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let name = named.filter(|_| release.lines().any(|line| line == "ID=debian")).unwrap_or("bookworm");
    let unfinished = archive.with_extension("unfinished.tar");
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=apt", "--include=systemd,ca-certificates", "--dpkgopt=path-exclude=/usr/share/locale/*", name]);
    command.arg(&unfinished).arg(mirror(name));
    step("a clean Debian", "clean-debian", command)?;
    fs::rename(unfinished, &archive)?;
    Ok(archive)
}

/// Where this machine has its own packages from.
fn mirror(release: &str) -> String {
    let used =
        process::output("apt-get", &["indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI)", "Created-By: Packages"]);
    let used = used.unwrap_or_default();
    let url = used.lines().find_map(|line| line.strip_prefix(&format!("Debian {release} ")));
    url.unwrap_or("http://deb.debian.org/debian").to_owned()
}
