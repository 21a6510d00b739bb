//! What `cargo xtask` and the end-to-end tests share: private servers, and the processes behind them.
//!
//! Everything that is installed or written lies under `.dev` at the root of the repository; a directory of `PostgreSQL`, which
//! its own user must be able to read, lies in the system's directory for temporary files.

pub mod bench;
pub mod book;
pub mod browser;
pub mod coturn;
pub mod demo;
#[cfg(test)]
mod documents;
pub mod machine;
pub mod matrix;
pub mod package;
pub mod pgo;
pub mod postgres;
pub mod process;
pub mod ringback;
pub mod say;
pub mod setup;
pub mod synapse;
pub mod test;
pub mod wait;
pub mod web;

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or(manifest.clone(), Path::to_path_buf)
}

/// A path under `.dev`, its parent directories made.
///
/// # Errors
/// Where they cannot be made.
pub fn dev(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = root().join(".dev").join(path);
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    Ok(path)
}

/// Random lower-case hex digits, for names and secrets of test servers.
///
/// # Panics
/// Where the system has no randomness.
#[must_use]
pub fn random_hex(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).expect("the system gives random bytes");
    hex(&buffer)
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
