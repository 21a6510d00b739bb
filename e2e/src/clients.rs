//! Clients that other people wrote, as processes.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

use crate::{Login, Server, World};

/// A client that runs a whole call between two of its kind.
#[derive(Debug, Clone, Copy)]
pub enum Script {
    /// `e2e/clients/call.mjs` with this npm module and these transports, comma-separated.
    JavaScript(&'static str, &'static str),
    /// `e2e/clients/call.py` with these transports, comma-separated.
    Python(&'static str),
    /// `e2e/clients/resume.mjs` with this npm module and these transports; for how many seconds every connection is cut again and
    /// again, or 0: for the other scenes.
    Resuming(&'static str, &'static str, u32),
}

/// Runs it to its end; what it printed.
///
/// # Errors
/// With what it printed, where it fails.
pub async fn run_script(script: Script, server: &Server, alice: &Login, bob: &Login, room: &str) -> Result<String> {
    let world = World::get();
    let clients = xtask::root().join("e2e/clients");
    let mut limit = Duration::from_mins(1);
    let mut command = match script {
        Script::JavaScript(module, transports) => {
            let mut command = Command::new("node");
            command.arg(clients.join("call.mjs")).args([module, transports]);
            command
        }
        Script::Python(transports) => {
            let mut command = Command::new(&world.python);
            command.arg(clients.join("call.py")).arg(transports);
            command
        }
        Script::Resuming(module, transports, seconds) => {
            limit += Duration::from_secs(seconds.into());
            let mut command = Command::new("node");
            command.arg(clients.join("resume.mjs")).args([module, transports, &seconds.to_string()]);
            command
        }
    };
    let who = |login: &Login| json!({"userId": login.user_id, "deviceId": login.device_id, "accessToken": login.token});
    let stage: Value = json!({"url": server.url, "roomId": room, "alice": who(alice), "bob": who(bob)});
    command.env("RINGBACK_E2E_NODE", &world.node).env("RINGBACK_E2E_STAGE", stage.to_string());
    finish(&format!("{script:?}"), command, limit).await
}

/// A program of the Python clients' environment.
#[must_use]
pub fn tool(name: &str) -> PathBuf {
    World::get().python.with_file_name(name)
}

/// Runs a command to its end; what it printed.
///
/// # Errors
/// With what it printed, where it fails or takes too long.
pub async fn finish(name: &str, mut command: Command, limit: Duration) -> Result<String> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let done = timeout(limit, command.output()).await.with_context(|| format!("{name} goes on for too long"))?;
    let done = done.with_context(|| format!("cannot start {name}"))?;
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    ensure!(done.status.success(), "{name}: {}\n{printed}\n{}", done.status, String::from_utf8_lossy(&done.stderr));
    Ok(printed)
}

/// How a `ringback` ended, and what it printed.
#[derive(Debug)]
pub struct Printed {
    /// Its exit status.
    pub status: i32,
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub err: String,
}

/// Runs `ringback` in a folder to its end, with these variables and no other `RINGBACK_*`; `answers` is what is typed.
///
/// # Errors
/// Where it cannot be started, or goes on for longer than half a minute.
pub async fn ringback(folder: &Path, arguments: &[&str], variables: &[(&str, &str)], answers: &str) -> Result<Printed> {
    let mut command = Command::new(&World::get().binary);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RINGBACK_")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(variables.iter().copied()).current_dir(folder).kill_on_drop(true);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut typed = child.stdin.take().context("no standard input")?;
    // One that does not ask need not read.
    let _ = typed.write_all(answers.as_bytes()).await;
    drop(typed);
    let done = timeout(Duration::from_secs(30), child.wait_with_output()).await;
    let done = done.with_context(|| format!("ringback {arguments:?} goes on for too long"))??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Printed { status: done.status.code().unwrap_or(-1), out: text(&done.stdout), err: text(&done.stderr) })
}
