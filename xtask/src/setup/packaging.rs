//! What makes the Debian package, and what it is tried on.

use std::{fs, path::PathBuf, process::Command};

use anyhow::Result;

use super::{apt, holds, step};
use crate::process;

/// The program that makes Debian packages of what `cargo` has compiled.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn cargo_deb() -> Result<PathBuf> {
    const VERSION: &str = "=3.8.0";
    if process::find("dpkg-shlibdeps").is_none() || process::find("xz").is_none() {
        apt("what Debian packages are made with", &["dpkg-dev", "xz-utils"])?;
    }
    let directory = crate::dev("cargo")?;
    let (program, stamp) = (directory.join("bin/cargo-deb"), directory.join("cargo-deb-version"));
    if !(holds(&stamp, VERSION) && program.is_file()) {
        let mut cargo = crate::ringback::cargo();
        // Not optimised, and with the system's xz: it compiles in half the time, and its own work is small.
        cargo.args([
            "install",
            "cargo-deb",
            "--version",
            VERSION,
            "--locked",
            "--debug",
            "--no-default-features",
            "--force",
            "--root",
        ]);
        cargo.arg(&directory).env("CARGO_TARGET_DIR", directory.join("target"));
        step("cargo-deb", "cargo-deb", cargo)?;
        fs::remove_dir_all(directory.join("target"))?;
        fs::write(stamp, VERSION)?;
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
