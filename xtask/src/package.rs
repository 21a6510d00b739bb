//! `cargo xtask package`: the Debian package, made by `cargo-deb` of what `server/Cargo.toml` says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{pgo, process, ringback, setup};

/// Makes `ringback_VERSION_ARCHITECTURE.deb` in `target/debian`, with the binary of [`pgo`], and says where it is.
///
/// # Errors
/// Where something does not compile, or cannot be installed.
pub fn release() -> Result<PathBuf> {
    pack(&pgo::build()?.ringback, &ringback::target().join("debian"), &[])
}

/// Makes the package around any binary, quickly rather than small. The tests put their own into it: everything is as it is for
/// others but the speed of the program.
///
/// # Errors
/// Where it cannot be made, or `cargo-deb` not be installed.
pub fn around(binary: &Path, directory: &Path) -> Result<PathBuf> {
    pack(binary, directory, &["--fast"])
}

fn pack(binary: &Path, directory: &Path, flags: &[&str]) -> Result<PathBuf> {
    let cargo_deb = setup::cargo_deb()?;
    let _ = fs::remove_dir_all(directory);
    // It takes what has been compiled from a target directory; this one holds just that.
    let target = directory.join("target");
    fs::create_dir_all(target.join("release"))?;
    fs::copy(binary, target.join("release/ringback")).with_context(|| binary.display().to_string())?;
    let mut command = Command::new(cargo_deb);
    command.current_dir(crate::root()).env("CARGO_TARGET_DIR", &target).args(["--package", "ringback", "--no-build"]);
    command.args(flags).arg("--output").arg(directory.join(""));
    process::run("cargo-deb", command, Some(&crate::dev("run/logs/package.log")?), |_| ())?;
    fs::remove_dir_all(target)?;
    let made = fs::read_dir(directory)?.flatten().map(|entry| entry.path());
    made.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb")).context("cargo-deb has made no package")
}
