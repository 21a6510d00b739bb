//! A private TURN server on loopback, for calls between two windows on one machine.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{process::Child, wait};

/// A running coturn. Dropping it ends it.
#[derive(Debug)]
pub struct Coturn {
    /// Where it listens, by UDP and TCP.
    pub port: u16,
    /// Its `static-auth-secret`.
    pub secret: String,
    child: Child,
    log: PathBuf,
}

impl Coturn {
    /// Starts `program` and waits until it listens. It relays from loopback to loopback alone.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub fn start(program: &Path, directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        let (port, secret) = (wait::free_port()?, crate::random_hex(16));
        let config = directory.join("turnserver.conf");
        fs::write(&config, settings(directory, port, &secret)).with_context(|| config.display().to_string())?;
        let log = directory.join("coturn.log");
        let _ = fs::remove_file(&log);
        let mut command = Command::new(program);
        command.arg("-c").arg(&config).current_dir(directory);
        let child = Child::start("coturn", command, Some(&log))?;
        let mut coturn = Self { port, secret, child, log };
        wait::until("coturn should listen", Duration::from_secs(20), || {
            coturn.check()?;
            Ok(TcpStream::connect(("127.0.0.1", port)).ok().map(drop))
        })?;
        Ok(coturn)
    }

    /// Its URIs, comma-separated, as `RINGBACK_TURN_URIS` has them.
    #[must_use]
    pub fn uris(&self) -> String {
        ["udp", "tcp"].map(|transport| format!("turn:127.0.0.1:{}?transport={transport}", self.port)).join(",")
    }

    /// Fails once it has ended by itself.
    ///
    /// # Errors
    /// With the end of its log.
    pub fn check(&mut self) -> Result<()> {
        match self.child.ended()? {
            Some(status) => bail!("coturn has ended ({status}); {}", wait::tail(&self.log, 20)),
            None => Ok(()),
        }
    }
}

fn settings(directory: &Path, port: u16, secret: &str) -> String {
    let directory = directory.display();
    format!(
        "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port={port}\nfingerprint\nuse-auth-secret\n\
         static-auth-secret={secret}\nrealm=localhost\nallow-loopback-peers\nno-tls\nno-dtls\nno-cli\nno-multicast-peers\n\
         userdb={directory}/turndb\npidfile={directory}/turnserver.pid\nlog-file=stdout\nsimple-log\n"
    )
}
