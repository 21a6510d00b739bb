//! A private TURN server.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail};
use tokio::net::TcpStream;
use xtask::{
    process::Child,
    wait::{self, free_port},
};

use crate::{World, authority::Pair};

/// A running coturn on loopback. Dropping it ends it.
#[derive(Debug)]
pub struct Coturn {
    /// Its port, for UDP and TCP.
    pub port: u16,
    /// Its port for TLS, where it has a certificate.
    pub tls_port: u16,
    /// Its `static-auth-secret`.
    pub secret: String,
    _child: Child,
}

impl Coturn {
    /// Starts one, with more lines of `turnserver.conf`, and waits until it listens.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub async fn start(name: &str, pair: Option<&Pair>, more: &str) -> Result<Self> {
        let directory = World::get().new_directory(name)?;
        let (port, tls_port, secret) = (free_port()?, free_port()?, xtask::random_hex(16));
        let tls = pair.map_or("no-tls".to_owned(), |pair| {
            format!("tls-listening-port={tls_port}\ncert={}\npkey={}", pair.certificate.display(), pair.key.display())
        });
        let at = directory.display();
        let text = format!(
            "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port={port}\nfingerprint\nuse-auth-secret\n\
             static-auth-secret={secret}\nrealm=localhost\nallow-loopback-peers\nno-dtls\nno-cli\nno-multicast-peers\n\
             userdb={at}/turndb\npidfile={at}/turn.pid\nlog-file=stdout\nsimple-log\n{tls}\n{more}\n"
        );
        let config = directory.join("turnserver.conf");
        fs::write(&config, text).with_context(|| config.display().to_string())?;
        let mut command = Command::new("turnserver");
        command.arg("-c").arg(&config);
        let log = directory.join("turn.log");
        let mut child = Child::start("coturn", command, Some(&log))?;
        // It opens the ports of UDP before those of TCP.
        crate::until("coturn should listen", Duration::from_secs(15), async || {
            if let Some(status) = child.ended()? {
                bail!("coturn ended at once ({status}); {}", wait::tail(&log, 20));
            }
            Ok(TcpStream::connect(("127.0.0.1", port)).await.ok())
        })
        .await?;
        Ok(Self { port, tls_port, secret, _child: child })
    }

    /// Its `turn:` URIs, and with TLS the `turns:` one for this host.
    #[must_use]
    pub fn uris(&self, tls_host: Option<&str>) -> String {
        let port = self.port;
        let tls = tls_host.map(|host| format!(",turns:{host}:{}", self.tls_port)).unwrap_or_default();
        format!("turn:127.0.0.1:{port}?transport=udp,turn:127.0.0.1:{port}?transport=tcp{tls}")
    }
}
