//! Programs of Debian's packages.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::apt;
use crate::{process, say};

/// The browser of the tests.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn chromium() -> Result<PathBuf> {
    program("chromium", "Chromium", &["chromium"])
}

/// The reverse proxy nginx.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn nginx() -> Result<PathBuf> {
    program("nginx", "nginx", &["nginx-light"])
}

/// The reverse proxy Caddy.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn caddy() -> Result<PathBuf> {
    program("caddy", "Caddy", &["caddy"])
}

/// The directory of coturn's programs, `turnserver` and `turnutils_uclient`.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn coturn() -> Result<PathBuf> {
    let server = program("turnserver", "coturn", &["coturn"])?;
    server.parent().map(Path::to_path_buf).context("a program lies in a directory")
}

/// What makes certificates.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn openssl() -> Result<PathBuf> {
    program("openssl", "OpenSSL", &["openssl"])
}

/// The shell of SQLite.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn sqlite3() -> Result<PathBuf> {
    program("sqlite3", "SQLite's shell", &["sqlite3"])
}

/// The program that sets up networks.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn ip() -> Result<PathBuf> {
    program("ip", "iproute2", &["iproute2"])
}

/// Prometheus' `promtool`; the server comes with it.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn prometheus() -> Result<PathBuf> {
    program("promtool", "Prometheus", &["prometheus"])
}

/// The library that gives a program another time of day.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn faketime() -> Result<PathBuf> {
    if let Some(library) = faketime_library() {
        return Ok(library);
    }
    apt("libfaketime", &["libfaketime"])?;
    faketime_library().context("libfaketime was installed, but /usr/lib/*/faketime/libfaketime.so.1 is not there")
}

fn faketime_library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|library| library.is_file())
}

/// Where a program is, which a package has: one that may be a service too.
fn program(name: &str, what: &str, packages: &[&str]) -> Result<PathBuf> {
    // Debian keeps servers where the search path of other users than root does not lead.
    let find = || process::find(name).or_else(|| Some(Path::new("/usr/sbin").join(name)).filter(|path| path.is_file()));
    if let Some(path) = find() {
        return Ok(path);
    }
    apt(what, packages)?;
    stop_services(packages);
    find().with_context(|| format!("{what} was installed, but {name} is not there"))
}

/// Debian starts the services that it installs, and so they would hold ports from now on. Nobody has asked for that: what the
/// tests need they start themselves. Without systemd, as in a container, nothing was started, and nothing happens here.
fn stop_services(packages: &[&str]) {
    if !Path::new("/run/systemd/system").exists() {
        return;
    }
    for package in packages {
        let service = package.trim_end_matches("-light");
        let command = ["systemctl", "disable", "--now", service];
        let stopped =
            process::output(command[0], &command[1..]).or_else(|| process::output("sudo", &[&["-n"], &command[..]].concat()));
        if stopped.is_some() {
            say::progress(&format!("stopped the service {service}, which its package had started"));
        }
    }
}
