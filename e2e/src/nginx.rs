//! A private nginx.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail};
use tokio::net::TcpStream;
use xtask::{process::Child, wait};

/// A running nginx. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    _child: Child,
}

impl Nginx {
    /// Starts one with these `server` blocks, one of which listens at this port of loopback, and waits until it does.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub async fn start(directory: &Path, port: u16, servers: &str) -> Result<Self> {
        let at = directory.display();
        let log = directory.join("nginx.log");
        let user = if fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0) {
            "user root;"
        } else {
            ""
        };
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {at}/nginx-{kind};"))
            .join("\n");
        let text = format!(
            "{user} daemon off; worker_processes 1; pid {at}/nginx.pid; error_log {at}/nginx.log;\n\
             events {{}}\n\
             http {{\naccess_log off;\n{temporary}\n\
             map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}\n{servers}\n}}\n"
        );
        let config = directory.join("nginx.conf");
        fs::write(&config, text).with_context(|| config.display().to_string())?;
        let program = xtask::process::find("nginx").unwrap_or_else(|| "/usr/sbin/nginx".into());
        let mut command = Command::new(program);
        command.arg("-c").arg(&config).arg("-p").arg(directory).arg("-e").arg(&log);
        let mut child = Child::start("nginx", command, Some(&directory.join("nginx.out")))?;
        crate::until("nginx should listen", Duration::from_secs(10), async || {
            if let Some(status) = child.ended()? {
                bail!(
                    "nginx ended at once ({status}); {}\n{}",
                    wait::tail(&log, 10),
                    wait::tail(&directory.join("nginx.out"), 10)
                );
            }
            Ok(TcpStream::connect(("127.0.0.1", port)).await.ok())
        })
        .await?;
        Ok(Self { _child: child })
    }
}
