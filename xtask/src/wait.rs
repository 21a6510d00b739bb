//! Waiting for a condition instead of for a time.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// Asks until there is an answer. An error of `ask` ends the waiting.
///
/// # Errors
/// That error, or that `what` did not come in time.
pub fn until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if started.elapsed() > limit {
            bail!("{what}: not within {} s", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether `GET url` answers 200.
#[must_use]
pub fn answers(url: &str) -> bool {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).build().into();
    agent.get(url).call().is_ok_and(|answer| answer.status() == 200)
}

/// A TCP port of loopback that nobody uses, and that this process has not given out before.
///
/// It lies below the range from which the system takes the ports of outgoing connections, so that a server which is stopped
/// for a while finds its port free when it comes back.
///
/// # Errors
/// Where there is none.
pub fn free_port() -> Result<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for _ in 0..1000 {
        let mut random = [0; 2];
        getrandom::fill(&mut random).context("no random bytes")?;
        let port = 12_000 + u16::from_le_bytes(random) % 20_000;
        if !given.contains(&port) && is_free(port) {
            given.insert(port);
            return Ok(port);
        }
    }
    bail!("no free TCP port on 127.0.0.1")
}

/// Whether a server can be bound to this port, on loopback and on every address.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

/// An error with the end of a log.
#[must_use]
pub fn with_tail(error: &anyhow::Error, log: &Path) -> anyhow::Error {
    anyhow::anyhow!("{error:#}\n{}", tail(log, 20))
}

/// The last lines of a file, indented, for an error message.
#[must_use]
pub fn tail(path: &Path, lines: usize) -> String {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return format!("({} was never written)", path.display()),
        Err(error) => return format!("({}: {error})", path.display()),
    };
    let all: Vec<&str> = text.lines().collect();
    let mut shown = format!("the end of {}:", path.display());
    for line in &all[all.len().saturating_sub(lines)..] {
        let _ = write!(shown, "\n    {line}");
    }
    shown
}
