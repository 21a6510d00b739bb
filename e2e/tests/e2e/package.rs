//! The Debian package on a clean Debian: from `apt install` to a call that rings, and away again.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Socket, World, free_port, pair, reply, until};
use serde_json::json;
use tokio::process::{Child, Command};
use xtask::machine::inside;

const SOON: Duration = Duration::from_secs(30);

/// A clean Debian. Where its systemd could not be booted, its files.
struct Debian {
    root: PathBuf,
    leader: Option<u32>,
    port: u16,
    ops_port: u16,
}

impl Debian {
    /// `None` where this does not run as root.
    fn get() -> Result<Option<Self>> {
        let Some(root) = std::env::var_os("RINGBACK_E2E_MACHINE") else { return Ok(None) };
        let leader = std::env::var("RINGBACK_E2E_LEADER")?;
        let leader = if leader.is_empty() { None } else { Some(leader.parse()?) };
        Ok(Some(Self { root: root.into(), leader, port: free_port()?, ops_port: free_port()? }))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::from(inside(&self.root, self.leader, words));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// What it prints; it must succeed.
    async fn run(&self, line: &str) -> Result<String> {
        let done = self.command(&["sh", "-c", line]).output().await?;
        let printed = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        ensure!(done.status.success(), "{line}: {}\n{printed}", done.status);
        Ok(printed.trim().to_owned())
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port 3000 may be somebody else's: this Debian has our network.
    fn ports(&self) -> [String; 2] {
        [format!("RINGBACK_LISTEN=127.0.0.1:{}", self.port), format!("RINGBACK_OPS_LISTEN=127.0.0.1:{}", self.ops_port)]
    }

    /// `ringback serve`, as one types it after `ringback init`; as `user` where that is not root.
    fn serve(&self, user: Option<&str>) -> Result<Child> {
        let [clients, operator] = self.ports();
        // Whoever enters a machine is not its process: what is to end must be named.
        let words = ["env", &clients, &operator, "sh", "-c", "echo $$ > /tmp/trial && exec ringback serve"];
        let to_user = user.map(|user| ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]);
        let words: Vec<&str> = to_user.into_iter().flatten().chain(words).collect();
        let log = fs::File::create(self.root.with_extension("ringback.log"))?;
        Ok(self.command(&words).stdout(log.try_clone()?).stderr(log).spawn()?)
    }

    /// Ends what `serve` has started.
    async fn end(&self, mut serving: Child) -> Result<()> {
        self.run("kill $(cat /tmp/trial) && rm /tmp/trial").await?;
        tokio::time::timeout(SOON, serving.wait()).await.context("it does not end")?.map(drop).context("it cannot be waited for")
    }

    async fn is_up(&self) -> Result<()> {
        let health = format!("{}/health", self.url());
        until("Ringback should answer", SOON, async || Ok(reqwest::get(&health).await.is_ok().then_some(()))).await
    }

    async fn it_rings(&self, alice: &Login, bob: &Login, room: &str) -> Result<()> {
        self.is_up().await?;
        let mut callee = Socket::open(&self.url().replacen("http", "ws", 1)).await?;
        callee.register(bob).await?;
        let http = reqwest::Client::new();
        let initiate = http.post(format!("{}/api/calls/initiate", self.url())).bearer_auth(&alice.token);
        let initiated = reply(initiate.json(&json!({"roomId": room, "callType": "voice"}))).await?.expect(201)?;
        callee.expect("incoming-call").await?;
        let call = initiated["callId"].as_str().context("no callId")?;
        let end = http.post(format!("{}/api/calls/{call}/end", self.url())).bearer_auth(&alice.token).json(&json!({}));
        reply(end).await?.expect(200).map(drop)
    }

    async fn install(&self) -> Result<()> {
        let package = std::env::var("RINGBACK_E2E_PACKAGE")?;
        fs::copy(package, self.root.join("srv/ringback.deb"))?;
        let said = self.run("apt-get install --yes --no-install-recommends /srv/ringback.deb").await?;
        ensure!(said.contains("ringback init"), "{said}");
        let folders = self.run("stat --format '%n %U:%G %a' /etc/ringback /var/lib/ringback").await?;
        ensure!(folders == "/etc/ringback root:ringback 750\n/var/lib/ringback ringback:ringback 750", "{folders}");
        let complaints = self.run("systemd-analyze verify ringback.service").await?;
        ensure!(complaints.is_empty(), "{complaints}");
        // Ten times what it shows: 2.0 at most.
        self.run("systemd-analyze security --offline=true --threshold=20 ringback.service").await.map(drop)
    }

    async fn init(&self) -> Result<()> {
        let line = format!("ringback init --yes --homeserver-url {}", World::get().homeserver.url);
        let said = self.run(&line).await?;
        ensure!(said.contains("speaks Matrix") && said.contains("systemctl"), "{said}");
        let file = self.run("stat --format '%U:%G %a' /etc/ringback/ringback.toml").await?;
        ensure!(file == "root:ringback 640", "{file}");
        ensure!(!self.root.join("etc/systemd/system/ringback.service").exists(), "the package has the unit already");
        self.run("ringback config check --strict").await?;
        Ok(())
    }

    /// As root, to try it; then as the service, with the same database.
    async fn serves(&self) -> Result<()> {
        let (alice, bob, room) = pair().await?;
        let trial = self.serve(None)?;
        self.it_rings(&alice, &bob, &room).await.context("as root")?;
        self.end(trial).await?;
        if self.leader.is_none() {
            let service = self.serve(Some("ringback"))?;
            self.it_rings(&alice, &bob, &room).await.context("as the user of the service")?;
            return self.end(service).await;
        }
        self.run("systemctl is-enabled ringback").await?;
        let folder = self.root.join("etc/systemd/system/ringback.service.d");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("ports.conf"), format!("[Service]\nEnvironment={}\n", self.ports().join(" ")))?;
        // It returns when Ringback has said that it is ready.
        let started = self.run("systemctl daemon-reload && systemctl start ringback").await;
        started.with_context(|| format!("see {}", self.root.with_extension("log").display()))?;
        self.it_rings(&alice, &bob, &room).await.context("as a service")?;
        let user = self.run("stat --format %U /proc/$(systemctl show --value --property MainPID ringback)").await?;
        ensure!(user == "ringback", "the service runs as {user}");
        let restarts = self.run("systemctl show --value --property NRestarts ringback").await?;
        ensure!(restarts == "0", "it was started {restarts} times again");
        Ok(())
    }

    async fn upgrades(&self) -> Result<()> {
        let before = fs::read_to_string(self.root.join("etc/ringback/ringback.toml"))?;
        self.run("apt-get install --yes --reinstall /srv/ringback.deb").await?;
        ensure!(fs::read_to_string(self.root.join("etc/ringback/ringback.toml"))? == before, "an upgrade changed the settings");
        ensure!(self.root.join("var/lib/ringback/ringback.db").exists(), "an upgrade took the calls");
        if self.leader.is_some() {
            self.run("systemctl is-active ringback").await?;
            self.is_up().await?;
        }
        let forgotten = self.run("ringback forget @nobody:localhost").await?;
        ensure!(forgotten.contains("is forgotten"), "it reads the same settings: {forgotten}");
        Ok(())
    }

    async fn goes(&self) -> Result<()> {
        self.run("apt-get remove --yes ringback").await?;
        ensure!(self.root.join("etc/ringback/ringback.toml").exists(), "what is removed may come back");
        if self.leader.is_some() {
            let gone = reqwest::get(format!("{}/health", self.url())).await.is_err();
            ensure!(gone, "it serves on after its removal");
        }
        self.run("apt-get purge --yes ringback").await?;
        for left in ["etc/ringback", "var/lib/ringback", "usr/bin/ringback", "lib/systemd/system/ringback.service"] {
            ensure!(!self.root.join(left).exists(), "{left} is left after a purge");
        }
        Ok(())
    }
}

#[tokio::test]
async fn installs_rings_upgrades_and_goes() -> Result<()> {
    let Some(debian) = Debian::get()? else { return Ok(()) };
    debian.install().await.context("installing")?;
    debian.init().await.context("setting up")?;
    debian.serves().await?;
    debian.upgrades().await.context("upgrading")?;
    debian.goes().await.context("removing")
}
