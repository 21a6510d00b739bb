//! coturn by the example of `deploy/`, with the credentials that Ringback gives.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use ringback_e2e::{Options, World, finish, free_port, pair, until};
use serde_json::Value;
use tokio::process::Command;
use xtask::{process::Child, setup};

/// A coturn that runs by the example, on loopback.
struct Coturn {
    settings: Vec<(String, String)>,
    port: u16,
    tls_port: u16,
    log: PathBuf,
    certificate: PathBuf,
    programs: PathBuf,
    _server: Child,
}

impl Coturn {
    async fn start() -> Result<Self> {
        let directory = World::get().new_directory("turn")?;
        let (port, tls_port, secret) = (free_port()?, free_port()?, xtask::random_hex(16));
        let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
        let mut openssl = Command::new(setup::openssl()?);
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/CN=turn.example.org", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
        finish("openssl", openssl, Duration::from_secs(20)).await?;
        let mut text = fs::read_to_string(xtask::root().join("deploy/coturn/turnserver.conf"))?;
        let shown = |path: &PathBuf| path.display().to_string();
        for (from, to) in [
            ("turn.example.org:3478", format!("127.0.0.1:{port}")),
            ("turn.example.org:5349", format!("127.0.0.1:{tls_port}")),
            ("listening-port=3478", format!("listening-port={port}")),
            ("tls-listening-port=5349", format!("tls-listening-port={tls_port}")),
            ("replace-this-by-a-long-random-secret", secret),
            ("/etc/letsencrypt/live/turn.example.org/fullchain.pem", shown(&certificate)),
            ("/etc/letsencrypt/live/turn.example.org/privkey.pem", shown(&key)),
            ("\nsyslog", "\nlog-file=stdout".to_owned()),
        ] {
            ensure!(text.contains(from), "the example has no `{from}`");
            text = text.replace(from, &to);
        }
        let settings = text.lines().filter_map(|line| line.strip_prefix("#   RINGBACK_")?.split_once('='));
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        // The peers of the test are on loopback too.
        text += "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nallow-loopback-peers\nallowed-peer-ip=127.0.0.1\n";
        text += "userdb=turndb\npidfile=pid\n";
        let (configuration, log) = (directory.join("turnserver.conf"), directory.join("coturn.log"));
        fs::write(&configuration, text)?;
        let programs = setup::coturn()?;
        let mut command = std::process::Command::new(programs.join("turnserver"));
        command.arg("-c").arg(&configuration).current_dir(&directory);
        let mut server = Child::start("coturn", command, Some(&log))?;
        until("coturn should begin", Duration::from_secs(20), async || {
            if let Some(status) = server.ended()? {
                bail!("it ended at once ({status}); {}", xtask::wait::tail(&log, 20));
            }
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", tls_port)).await.ok())
        })
        .await?;
        Ok(Self { settings, port, tls_port, log, certificate, programs, _server: server })
    }

    /// Two relays exchange packets through each other, as two phones would; or why not.
    async fn relays(&self, server: &Value, flags: &[&str]) -> Result<()> {
        let [username, credential] = ["username", "credential"].map(|field| server[field].as_str().unwrap_or_default());
        let mut client = Command::new(self.programs.join("turnutils_uclient"));
        client
            .args(["-u", username, "-w", credential, "-p", &self.port.to_string(), "-c", "-n", "5"])
            .args(flags)
            .arg("127.0.0.1");
        let printed = finish("turnutils_uclient", client, Duration::from_secs(20)).await?;
        ensure!(printed.contains("Total lost packets 0"), "{printed}\n{}", xtask::wait::tail(&self.log, 10));
        Ok(())
    }

    /// `turnutils_uclient` itself hangs now and then by TLS, whatever the server.
    async fn speaks_tls(&self) -> Result<()> {
        let mut openssl = Command::new(setup::openssl()?);
        openssl.args(["s_client", "-connect", &format!("127.0.0.1:{}", self.tls_port), "-verify_return_error"]);
        openssl.args(["-verify_hostname", "turn.example.org", "-CAfile"]).arg(&self.certificate);
        finish("openssl s_client", openssl, Duration::from_secs(20)).await.map(drop)
    }
}

#[tokio::test]
async fn coturn_by_the_example_takes_what_ringback_gives() -> Result<()> {
    let (alice, ..) = pair().await?;
    let coturn = Coturn::start().await?;
    let mut options = Options::new("turn");
    for (name, value) in &coturn.settings {
        options = options.set(name, value);
    }
    let server = options.start().await?;
    let given = server.get("/api/ice-servers", &alice).await?.expect(200)?;
    let servers = given["iceServers"].as_array().context("no iceServers")?;
    ensure!(servers[0]["urls"][0] == format!("stun:127.0.0.1:{}", coturn.port), "{:?}", servers[0]["urls"]);
    let turn = servers.iter().find(|server| server["credential"].is_string()).context("no TURN")?;
    ensure!(turn["urls"].as_array().is_some_and(|urls| urls.len() == 3), "{:?}", turn["urls"]);
    coturn.relays(turn, &["-y"]).await?;
    coturn.relays(turn, &["-y", "-t"]).await.context("by TCP")?;
    coturn.speaks_tls().await?;
    let mut wrong = turn.clone();
    wrong["credential"] = "wrong".into();
    ensure!(coturn.relays(&wrong, &["-y"]).await.is_err(), "a wrong password is taken");
    ensure!(coturn.relays(turn, &["-e", "10.0.0.1"]).await.is_err(), "it relays into private networks");
    let log = fs::read_to_string(&coturn.log)?;
    ensure!(log.contains("peer IP 10.0.0.1 denied"), "why there was no relay: {}", xtask::wait::tail(&coturn.log, 10));
    Ok(())
}
