//! A clean Debian beside us, to install the package on: its own files, its own systemd, our network.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    process::{self, Child},
    say, wait,
};

/// How long a small system takes to come up, at most.
const UP_WITHIN: Duration = Duration::from_mins(1);

/// A clean Debian. Dropping it ends it.
#[derive(Debug)]
pub struct Machine {
    /// Where its files are.
    pub root: PathBuf,
    /// Its first process, as seen from here; `None`: it could not be booted, and there are only its files.
    pub leader: Option<u32>,
    child: Option<Child>,
}

impl Drop for Machine {
    /// Were it killed, what has been booted would go on.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.stop();
        }
    }
}

impl Machine {
    /// Unpacks `files`, an archive, into `root`, and boots that where the system lets us. Takes root.
    ///
    /// # Errors
    /// Where it cannot be unpacked.
    pub fn start(files: &Path, root: &Path) -> Result<Self> {
        fs::create_dir_all(root)?;
        let mut tar = Command::new("tar");
        tar.arg("--directory").arg(root).arg("--extract").arg("--file").arg(files);
        process::run("tar", tar, None, |_| ())?;
        fs::write(root.join("etc/hosts"), "127.0.0.1 localhost\n")?;
        match boot(root) {
            Ok((child, leader)) => Ok(Self { root: root.to_owned(), leader: Some(leader), child: Some(child) }),
            Err(error) => {
                say::line(&format!("systemd cannot be booted here, so the package is tried without it: {error:#}"));
                Ok(Self { root: root.to_owned(), leader: None, child: None })
            }
        }
    }
}

fn boot(root: &Path) -> Result<(Child, u32)> {
    let log = root.with_extension("log");
    let mut command = Command::new("systemd-nspawn");
    command.arg("--directory").arg(root).args(["--quiet", "--register=no", "--keep-unit", "--console=pipe", "--boot"]);
    // When it is asked to end, all within ends at once: nothing there is worth an orderly end.
    command.arg("--kill-signal=SIGKILL");
    let mut child = Child::start("systemd-nspawn", command, Some(&log))?;
    let id = child.id();
    let leader = wait::until("systemd should come up", UP_WITHIN, || {
        ensure!(child.ended()?.is_none(), "systemd-nspawn ended at once");
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let Some(leader) = children.split_whitespace().next().and_then(|leader| leader.parse().ok()) else { return Ok(None) };
        let state = inside(root, Some(leader), &["systemctl", "is-system-running"]).output().context("no nsenter")?;
        match String::from_utf8_lossy(&state.stdout).trim() {
            // Something that only real hardware has may have failed.
            "running" | "degraded" => Ok(Some(leader)),
            // Before anything else it is `offline`.
            _ => Ok(None),
        }
    })
    .map_err(|error| wait::with_tail(&error, &log))?;
    Ok((child, leader))
}

/// A command inside, with nothing of our environment; where it was not booted, among its files.
#[must_use]
pub fn inside(root: &Path, leader: Option<u32>, command: &[&str]) -> Command {
    let mut entering = if let Some(leader) = leader {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd", "--target"]);
        nsenter.arg(leader.to_string()).arg("--");
        nsenter
    } else {
        let mut chroot = Command::new("chroot");
        chroot.arg(root);
        chroot
    };
    entering.args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"]).args(command);
    entering
}
