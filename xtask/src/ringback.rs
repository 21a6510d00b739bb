//! The server under test or on show: build it, start it, know where it logs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    process::{self, Child},
    wait, web,
};

/// A running `ringback serve`. Dropping it kills it.
#[derive(Debug)]
pub struct Ringback {
    /// Its child process.
    pub child: Child,
    /// What it logs.
    pub log: PathBuf,
    /// Its URL on loopback, without a slash at the end.
    pub url: String,
}

/// Builds the softphone and compiles the server around it; `cargo` shows its own progress.
///
/// The whole workspace is named, and one program of it: so the demo and the tests compile each dependency once, with the same
/// features.
///
/// # Errors
/// Where it does not compile.
pub fn build() -> Result<PathBuf> {
    compile(&["build", "--workspace", "--bin", "ringback"])?;
    Ok(binary())
}

/// The same, optimised: the binary to run.
///
/// # Errors
/// Where it does not compile.
pub fn build_release() -> Result<PathBuf> {
    compile(&["build", "--release", "--package", "ringback"])?;
    Ok(target().join("release/ringback"))
}

fn compile(arguments: &[&str]) -> Result<()> {
    web::build()?;
    let mut cargo = cargo();
    cargo.args(arguments);
    process::run("cargo build", cargo, None, |_| ())
}

/// Where `cargo` puts the binary.
#[must_use]
pub fn binary() -> PathBuf {
    target().join("debug/ringback")
}

/// Where `cargo` puts everything.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| crate::root().join("target"), PathBuf::from)
}

/// A `cargo` that works on this workspace.
#[must_use]
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(crate::root());
    // What `cargo run` tells us about ourselves would make build scripts that look at it (ring's) run again.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|ours| name.starts_with(ours)) {
            cargo.env_remove(&*name);
        }
    }
    cargo
}

impl Ringback {
    /// Starts `binary serve` on `address` with these settings, the `ringback.toml` of the directory if there is one, and no other
    /// `RINGBACK_*` variable, and waits until it is healthy. It adds to what `log` holds.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub fn start(binary: &Path, address: &str, settings: &[(String, String)], directory: &Path, log: &Path) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        let mut command = Command::new(binary);
        command.arg("serve").current_dir(directory);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RINGBACK_") {
                command.env_remove(name);
            }
        }
        if !directory.join("ringback.toml").exists() {
            // One of this machine's own must not count.
            command.env("RINGBACK_CONFIG", "");
        }
        command.env("RINGBACK_LISTEN", address).envs(settings.iter().cloned());
        let child = Child::start("ringback", command, Some(log))?;
        let url = format!("http://{}", address.replace("0.0.0.0", "127.0.0.1"));
        let mut ringback = Self { child, log: log.to_owned(), url };
        let health = format!("{}/health", ringback.url);
        wait::until("Ringback should answer", Duration::from_secs(20), || {
            if let Some(status) = ringback.child.ended()? {
                bail!("ringback ended at once ({status})");
            }
            Ok(wait::answers(&health).then_some(()))
        })
        .map_err(|error| wait::with_tail(&error, log))?;
        Ok(ringback)
    }

    /// Fails once it has ended by itself.
    ///
    /// # Errors
    /// With the end of its log.
    pub fn check(&mut self) -> Result<()> {
        match self.child.ended()? {
            Some(status) => bail!("ringback has ended ({status}); {}", wait::tail(&self.log, 20)),
            None => Ok(()),
        }
    }
}
