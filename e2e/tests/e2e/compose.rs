//! `deploy/compose`: there is no container engine here, so what is in the containers is started without them, each program with
//! the very file that it would get; and the file that joins them is held against the Compose specification.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command as StdCommand,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Homeserver, Login, Options, Server, Socket, World, finish, free_port, reply, until};
use serde_json::{Value, json};
use tokio::process::Command;
use xtask::{process::Child, setup};

const SOON: Duration = Duration::from_mins(1);

/// What `setup.sh` has made of the folder, and the ports in the place of the names.
struct Stage {
    folder: PathBuf,
    synapse: u16,
    ringback: u16,
    /// Caddy's three sites.
    sites: [u16; 3],
    turn: u16,
}

impl Stage {
    async fn new() -> Result<Self> {
        let folder = World::get().new_directory("compose")?;
        let mut copy = Command::new("cp");
        copy.arg("--recursive").arg(xtask::root().join("deploy/compose/.")).arg(&folder);
        finish("cp", copy, SOON).await?;
        for left in [".env", "private"] {
            let _ = fs::remove_file(folder.join(left)).or_else(|_| fs::remove_dir_all(folder.join(left)));
        }
        let mut set_up = Command::new(folder.join("setup.sh"));
        set_up.arg("example.test");
        finish("setup.sh", set_up, SOON).await?;
        let sites = [free_port()?, free_port()?, free_port()?];
        Ok(Self { folder, synapse: free_port()?, ringback: free_port()?, sites, turn: free_port()? })
    }

    fn read(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.folder.join(name)).with_context(|| name.to_owned())
    }

    fn secret(&self, name: &str) -> Result<String> {
        let secrets = self.read("private/secrets")?;
        let held = secrets.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        Ok(held.with_context(|| format!("no {name}"))?.to_owned())
    }

    /// The services, once the specification has let them pass.
    async fn services(&self) -> Result<Value> {
        const CHECK: &str = "import compose_spec, json, sys, yaml\n\
                             text = open(sys.argv[1]).read()\n\
                             compose_spec.PyCompose.from_yaml(text).validate()\n\
                             print(json.dumps(yaml.safe_load(text)['services']))";
        let python = tokio::task::spawn_blocking(setup::compose_specification).await??;
        let mut check = Command::new(python);
        check.args(["-c", CHECK]).arg(self.folder.join("compose.yaml"));
        Ok(serde_json::from_str(&finish("compose.yaml", check, SOON).await?)?)
    }

    /// PostgreSQL's own script, on the private server of the tests; where Ringback's database is then.
    async fn database(&self) -> Result<String> {
        let beside = World::get().new_database()?;
        let (place, _) = beside.split_once('@').and_then(|(_, rest)| rest.split_once('/')).context("a URL with a host")?;
        let drop = ["DROP DATABASE IF EXISTS synapse", "DROP DATABASE IF EXISTS ringback"];
        let drop = drop.into_iter().chain(["DROP ROLE IF EXISTS synapse", "DROP ROLE IF EXISTS ringback"]);
        let mut psql = Command::new("psql");
        psql.args(["-q", "-X", "-v", "ON_ERROR_STOP=1"]).args(drop.flat_map(|statement| ["-c", statement]));
        psql.arg("-f").arg(self.folder.join("private/databases.sql")).arg(&beside);
        finish("databases.sql", psql, SOON).await?;
        let url = self.read("private/ringback_database_url")?;
        ensure!(url.contains("@postgres/"), "{url}");
        Ok(url.replace("@postgres/", &format!("@{place}/")))
    }

    fn start(&self, name: &str, command: StdCommand) -> Result<Child> {
        Child::start(name, command, Some(&self.log(name)))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// With its own file, but for the database (there is no driver for PostgreSQL here) and the paths of the container.
    fn synapse(&self) -> Result<(Child, Homeserver)> {
        let private = self.folder.join("private");
        let here = json!({
            "listeners": [{"port": self.synapse, "bind_addresses": ["127.0.0.1"], "type": "http", "x_forwarded": true,
                           "resources": [{"names": ["client", "federation"]}]}],
            "database": {"name": "sqlite3", "args": {"database": self.folder.join("homeserver.db")}},
            "log_config": private.join("log.yaml"),
            "signing_key_path": private.join("signing.key"),
            "media_store_path": self.folder.join("media"),
            "pid_file": self.folder.join("homeserver.pid"),
            "bcrypt_rounds": 4,
        });
        fs::write(self.folder.join("here.yaml"), here.to_string())?;
        let mut command = StdCommand::new(&World::get().synapse_python);
        command.args(["-m", "synapse.app.homeserver", "-c", "private/homeserver.yaml", "-c", "here.yaml"]);
        command.current_dir(&self.folder);
        let url = format!("http://127.0.0.1:{}", self.synapse);
        let homeserver = Homeserver { url, secret: self.secret("REGISTRATION_SECRET")? };
        Ok((self.start("synapse", command)?, homeserver))
    }

    /// With what `compose.yaml` says to it.
    async fn ringback(&self, services: &Value) -> Result<Server> {
        let said = services["ringback"]["environment"].as_object().context("no environment")?;
        let mut options = Options::new("compose").on_port(self.ringback);
        for (name, value) in said {
            let name = name.strip_prefix("RINGBACK_").context("somebody else's variable")?;
            let value =
                value.as_str().context("not a text")?.replace("/run/secrets", &self.folder.join("private").display().to_string());
            let value = ["MATRIX", "CALLS", "TURN"].into_iter().fold(value, |value, which| {
                value.replace(&format!("${{{which}_HOST}}"), &format!("{}.example.test", which.to_lowercase()))
            });
            if !["LISTEN", "HOMESERVER_URL", "DATABASE_URL_FILE"].contains(&name) {
                options = options.set(name, value);
            }
        }
        let url = self.folder.join("database_url");
        fs::write(&url, self.database().await?)?;
        let homeserver = format!("http://127.0.0.1:{}", self.synapse);
        options
            .without_database()
            .set("DATABASE_URL_FILE", url.display().to_string())
            .set("HOMESERVER_URL", homeserver)
            .start()
            .await
    }

    /// Its sites by HTTP, at ports of our own.
    fn caddy(&self) -> Result<Child> {
        let around = self.folder.join("around.caddyfile");
        fs::write(&around, "{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\nimport Caddyfile\n")?;
        let mut command = StdCommand::new(setup::caddy()?);
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(around).current_dir(&self.folder);
        command.env("HOME", &self.folder).env("SYNAPSE_AT", format!("127.0.0.1:{}", self.synapse));
        command.env("RINGBACK_AT", format!("127.0.0.1:{}", self.ringback));
        for (name, port) in ["SERVER_NAME", "MATRIX_HOST", "CALLS_HOST"].into_iter().zip(self.sites) {
            command.env(name, format!("http://127.0.0.1:{port}"));
        }
        self.start("caddy", command)
    }

    fn coturn(&self) -> Result<Child> {
        let mut command = StdCommand::new(setup::coturn()?.join("turnserver"));
        command.args(["-c", "private/turnserver.conf", "--verbose", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1"]);
        command.arg("--listening-port").arg(self.turn.to_string()).current_dir(&self.folder);
        command.args(["--userdb", "turndb", "--pidfile", "turnserver.pid"]);
        self.start("coturn", command)
    }

    fn site(&self, which: usize) -> String {
        format!("http://127.0.0.1:{}", self.sites[which])
    }
}

/// A relay is given for what Ringback has handed out.
async fn relays(stage: &Stage, handed_out: &Value) -> Result<()> {
    let servers = handed_out["iceServers"].as_array().cloned().unwrap_or_default();
    let turn = servers.iter().find(|server| server["credential"].is_string()).context("no TURN")?;
    ensure!(turn["urls"].to_string().contains("turn:turn.example.test:3478?transport=udp"), "{turn}");
    let field = |name: &str| turn[name].as_str().unwrap_or_default().to_owned();
    let mut client = Command::new(setup::coturn()?.join("turnutils_uclient"));
    client.args([
        "-u",
        &field("username"),
        "-w",
        &field("credential"),
        "-p",
        &stage.turn.to_string(),
        "-y",
        "-c",
        "-n",
        "1",
        "127.0.0.1",
    ]);
    // The file refuses to relay into this machine, so its end is of no interest: what counts is the relay itself.
    let _client = client.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).kill_on_drop(true).spawn()?;
    until("coturn should give a relay", SOON, async || {
        let log = fs::read_to_string(stage.log("coturn"))?;
        Ok(log.contains("ALLOCATE processed, success").then_some(()))
    })
    .await
}

async fn up(what: &str, url: String) -> Result<()> {
    until(what, SOON, async || Ok(reqwest::get(&url).await.is_ok_and(|answer| answer.status() == 200).then_some(()))).await
}

async fn two_users(homeserver: Homeserver) -> Result<(Login, Login, String)> {
    let work = move || {
        let alice = homeserver.register("alice", "correct horse")?;
        let bob = homeserver.register("bob", "correct horse")?;
        let room = homeserver.create_room(&alice, &[&bob], false)?;
        Ok((alice, bob, room))
    };
    tokio::task::spawn_blocking(work).await?
}

fn private_files_are_whole(folder: &Path) -> Result<()> {
    for file in fs::read_dir(folder.join("private"))?.flatten() {
        let text = fs::read_to_string(file.path())?;
        let left = ["@SERVER", "_HOST@", "_SECRET@", "_PASSWORD@"].into_iter().find(|mark| text.contains(mark));
        ensure!(left.is_none(), "{}: {left:?} was not filled in", file.path().display());
    }
    Ok(())
}

#[tokio::test]
async fn its_files_make_a_call_ring() -> Result<()> {
    let stage = Stage::new().await?;
    private_files_are_whole(&stage.folder)?;
    let services = stage.services().await?;
    let (_synapse, homeserver) = stage.synapse()?;
    up("Synapse should answer", format!("{}/health", homeserver.url)).await?;
    let server = stage.ringback(&services).await?;
    let (_caddy, _coturn) = (stage.caddy()?, stage.coturn()?);
    up("Caddy should lead to Ringback", format!("{}/health", stage.site(2))).await?;

    let (alice, bob, room) = two_users(homeserver).await?;
    ensure!(alice.user_id == "@alice:example.test", "{}", alice.user_id);
    let known: Value = reqwest::get(format!("{}/.well-known/matrix/client", stage.site(0))).await?.json().await?;
    ensure!(known["m.homeserver"]["base_url"].is_string() && known["dev.ringback.call"]["base_url"].is_string(), "{known}");
    let config: Value = reqwest::get(format!("{}/call-config.json", stage.site(1))).await?.json().await?;
    ensure!(
        config["baseUrl"] == "https://calls.example.test" && config["homeserverUrl"] == "https://matrix.example.test",
        "{config}"
    );
    up("Caddy should lead to Synapse", format!("{}/_matrix/client/versions", stage.site(1))).await?;
    let closed = reqwest::get(format!("{}/_synapse/admin/v1/register", stage.site(1))).await?.status();
    ensure!(closed == 404, "the admin API is open: {closed}");

    let mut callee = Socket::open(&stage.site(2).replacen("http", "ws", 1)).await?;
    callee.register(&bob).await?;
    let initiate = reqwest::Client::new().post(format!("{}/api/calls/initiate", stage.site(2))).bearer_auth(&alice.token);
    let initiated = reply(initiate.json(&json!({"roomId": room, "callType": "voice"}))).await?.expect(201)?;
    callee.expect("incoming-call").await?;
    relays(&stage, &initiated).await?;
    drop(server);
    Ok(())
}
