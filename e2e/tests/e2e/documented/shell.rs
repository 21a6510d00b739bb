//! Commands that the pages tell to type are typed, by `bash`, in a private world.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Options, PASSWORD, Server, World, room, users};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};
use url::Url;

use super::{blocks::Block, blocks_of};

/// Stands in for `sudo` on the machine of the example: we are somebody already.
const SUDO: &str = "#!/bin/sh\nif [ \"$1\" = -u ]; then shift 2; fi\nexec \"$@\"\n";

/// A request that is refused is a fault here.
const CURL: &str = "#!/bin/sh\nexec /usr/bin/curl --silent --show-error --fail-with-body \"$@\"\n";

/// How long one block may take.
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn every_command_works() -> Result<()> {
    let stage = Stage::set().await?;
    let mut faults = Vec::new();
    for block in blocks_of("sh")? {
        if let Err(error) = stage.play(&block).await {
            faults.push(format!("{block}: {error:#}\n\n{}", block.text));
        }
    }
    ensure!(faults.is_empty(), "\n{}", faults.join("\n\n"));
    Ok(())
}

/// What the examples speak of.
struct Stage {
    server: Server,
    directory: PathBuf,
    alice: Login,
    bob: Login,
}

impl Stage {
    async fn set() -> Result<Self> {
        let [alice, bob] = users(["alice", "bob"]).await?;
        let server = Options::new("every_command_works").set("RING_TIMEOUT", "5s").start().await?;
        let directory = server.directory.join("stage");
        for folder in ["bin", "etc", "var", "backups", "work"] {
            fs::create_dir_all(directory.join(folder))?;
        }
        symlink(&World::get().binary, directory.join("bin/ringback"))?;
        for (name, script) in [("sudo", SUDO), ("curl", CURL)] {
            let program = directory.join("bin").join(name);
            fs::write(&program, script)?;
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        }
        // What an earlier run against the same database has left.
        let clean = ["DROP DATABASE IF EXISTS ringback", "DROP ROLE IF EXISTS ringback"].map(|statement| ["-c", statement]);
        let mut psql = std::process::Command::new("psql");
        ensure!(psql.args(["-q", "-X"]).args(clean.concat()).arg(&World::get().postgres).status()?.success(), "psql fails");
        symlink(server.directory.join("ringback.db"), directory.join("var/ringback.db"))?;
        Ok(Self { server, directory, alice, bob })
    }

    async fn play(&self, block: &Block) -> Result<()> {
        // A room of its own: no call of another block is in the way.
        let room = room(&[&self.alice, &self.bob]).await?;
        let mut child = self.start(&self.in_this_world(&block.text, &room)?)?;
        let serves = block.text.lines().any(|line| line.trim_end().ends_with("ringback serve"));
        let is_called = block.text.contains("ringback phone") && !block.text.contains("--call");
        let mut output = BufReader::new(child.stderr.take().context("no output")?).lines();
        let mut said = String::new();
        let played = timeout(LIMIT, async {
            loop {
                tokio::select! {
                    line = output.next_line() => match line? {
                        Some(line) if serves && line.contains("ringback is ready") => return anyhow::Ok(true),
                        Some(line) => said += &(line + "\n"),
                        None => return Ok(child.wait().await?.success()),
                    },
                    () = tokio::time::sleep(Duration::from_millis(500)), if is_called => self.call(&room).await?,
                }
            }
        });
        let done = played.await.with_context(|| format!("not done after {} s:\n{said}", LIMIT.as_secs()))??;
        ensure!(done, "{said}");
        Ok(())
    }

    /// Lets Alice call, and hang up where she has been answered; again and again, until the phone has had enough.
    async fn call(&self, room: &str) -> Result<()> {
        let answer = self.server.post("/api/calls/initiate", &self.alice, &json!({"roomId": room, "callType": "voice"})).await?;
        if let Some(call) = answer.body["callId"].as_str().filter(|_| answer.status == 409)
            && self.server.status(&self.alice, call).await? == "active"
        {
            self.server.act(&self.alice, call, "end").await?;
        }
        Ok(())
    }

    fn start(&self, script: &str) -> Result<Child> {
        let path = format!("{}:{}", self.directory.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let script = format!("set -euo pipefail\n{script}");
        let world = World::get();
        let postgres = Url::parse(&world.postgres)?;
        let mut command = Command::new("bash");
        command.arg("-c").arg(script).current_dir(self.directory.join("work")).kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RINGBACK_") {
                command.env_remove(name);
            }
        }
        command.env("PATH", path).env("TOKEN", &self.bob.token).env("RINGBACK_PASSWORD", PASSWORD);
        command.env("RINGBACK_HOMESERVER_URL", &world.homeserver.url);
        for name in ["RINGBACK_LISTEN", "RINGBACK_OPS_LISTEN"] {
            command.env(name, format!("127.0.0.1:{}", xtask::wait::free_port()?));
        }
        command.env("PGHOST", "127.0.0.1").env("PGUSER", "postgres").env("PGPORT", postgres.port().unwrap_or(5432).to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().context("no bash")
    }

    fn in_this_world(&self, script: &str, room: &str) -> Result<String> {
        let world = World::get();
        let folder = |name: &str| self.directory.join(name).display().to_string();
        let port = Url::parse(&world.postgres)?.port().unwrap_or(5432);
        let localpart = self.bob.user_id.trim_start_matches('@').split(':').next().unwrap_or_default();
        let names: [(&str, &str); 18] = [
            ("/etc/ringback", &folder("etc")),
            ("/var/lib/ringback", &folder("var")),
            ("/var/backups", &folder("backups")),
            ("ringback phone", &format!("ringback phone --url {}", self.server.url)),
            ("http://localhost:3000", &self.server.url),
            ("https://calls.example.org", &self.server.url),
            ("curl -i H/", &format!("curl -i {}/", self.server.url)),
            ("curl -i B/", &format!("curl -i {}/", self.server.url)),
            ("http://localhost:8008", &world.homeserver.url),
            ("@localhost/ringback", &format!("@127.0.0.1:{port}/ringback")),
            ("@alice:example.org", &self.alice.user_id),
            ("@bob:example.org", &self.bob.user_id),
            ("\"user\":\"bob\"", &format!("\"user\":\"{localpart}\"")),
            ("\"password\":\"…\"", &format!("\"password\":\"{PASSWORD}\"")),
            ("!room:example.org", room),
            ("!ROOM_ID", room),
            ("ALICES_TOKEN", &self.alice.token),
            ("RINGBACK_TOKEN=…", &format!("RINGBACK_TOKEN={}", self.bob.token)),
        ];
        Ok(names.iter().fold(script.to_owned(), |script, (name, here)| script.replace(name, here)))
    }
}
