//! The softphone: its packages, its build and its checks. Each is done only where something has changed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use sha1::{Digest as _, Sha1};

use crate::{process, say, setup};

/// Builds it into `web/dist`, from where the server's build takes it.
///
/// # Errors
/// Where it cannot be installed or built, with what the build says.
pub fn build() -> Result<()> {
    let web = directory();
    let built = web.join("dist/index.html");
    let stamp = crate::dev("web/built")?;
    let sources = fingerprint(&web)?;
    if built.is_file() && setup::holds(&stamp, &sources) {
        return Ok(());
    }
    setup::node_packages("web", "the packages of the softphone")?;
    let log = crate::dev("run/logs/web-build.log")?;
    let _ = fs::remove_file(&log);
    let started = Instant::now();
    say::progress("building the softphone …");
    process::run("npm run build", npm(&["run", "build"]), Some(&log), |_| ())?;
    ensure!(built.is_file(), "the build of the softphone has left no {}", built.display());
    fs::write(stamp, sources)?;
    say::progress(&format!("built the softphone ({})", say::seconds(started.elapsed())));
    Ok(())
}

/// Runs its own checks: types, lints, unit tests.
///
/// # Errors
/// Where one fails; it has said why.
pub fn check() -> Result<()> {
    setup::node_packages("web", "the packages of the softphone")?;
    say::command("npm run check");
    process::run("npm run check", npm(&["run", "check"]), None, |_| ())
}

fn directory() -> PathBuf {
    crate::root().join("web")
}

fn npm(arguments: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(directory());
    npm
}

/// A digest of every file that the build may read.
fn fingerprint(web: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(web, &mut files)?;
    files.sort();
    let mut digest = Sha1::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
        digest.update(file.strip_prefix(web)?.as_os_str().as_encoded_bytes());
        digest.update([0]);
        digest.update(Sha1::digest(bytes));
    }
    Ok(crate::hex(&digest.finalize()))
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if !["node_modules", "dist"].iter().any(|made| entry.file_name() == *made) {
                collect(&entry.path(), files)?;
            }
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
