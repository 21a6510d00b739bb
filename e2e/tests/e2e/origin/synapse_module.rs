//! Without a proxy: Synapse itself answers `call-config.json`, by the module in `deploy/synapse-ringback`.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Client, RequestBuilder};
use ringback_e2e::{Login, Options, Server, Synapse, World, finish, free_port, reply, until};
use serde_json::{Value, json};
use tokio::{process::Command, sync::OnceCell, time::timeout};

use super::{one_origin, rings};

const TURN: [&str; 1] = ["turn:127.0.0.1:3478?transport=udp"];

fn sources() -> PathBuf {
    xtask::root().join("deploy/synapse-ringback")
}

/// Where the package is installed, as an operator would install it.
async fn installed() -> Result<PathBuf> {
    static INSTALLED: OnceCell<PathBuf> = OnceCell::const_new();
    let install = async || {
        let directory = World::get().new_directory("synapse_ringback")?;
        let mut pip = Command::new(&World::get().synapse_python);
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--target"]).arg(&directory).arg(sources());
        finish("pip install", pip, Duration::from_mins(2)).await?;
        Ok(directory)
    };
    INSTALLED.get_or_try_init(install).await.cloned()
}

async fn synapse(config: Value) -> Result<Synapse> {
    let (modules, directory) = (installed().await?, World::get().new_directory("synapse_module")?.join("synapse"));
    let module = json!({"module": "synapse_ringback.Ringback", "config": config});
    let start = move || {
        let python = &World::get().synapse_python;
        Synapse::start_with_module(python, &directory, free_port()?, &TURN, module, &modules)
    };
    tokio::task::spawn_blocking(start).await?
}

/// Two users of this Synapse, who share a room.
async fn pair(synapse: &Synapse) -> Result<[Login; 2]> {
    let homeserver = synapse.homeserver.clone();
    let make = move || {
        let (alice, bob) = (homeserver.register("alice", "secret")?, homeserver.register("bob", "secret")?);
        homeserver.create_room(&alice, &[&bob], false)?;
        anyhow::Ok([alice, bob])
    };
    tokio::task::spawn_blocking(make).await?
}

fn config_of(synapse: &Synapse) -> RequestBuilder {
    let client = Client::builder().timeout(Duration::from_secs(20)).build().unwrap_or_default();
    client.get(format!("{}/call-config.json", synapse.homeserver.url)).header("Origin", "https://app.example.org")
}

async fn config_for(synapse: &Synapse, who: &Login) -> Result<Value> {
    reply(config_of(synapse).bearer_auth(&who.token)).await?.expect(200)
}

async fn log_says(synapse: &Synapse, words: &str) -> Result<()> {
    until(&format!("the log should say `{words}`"), Duration::from_secs(10), async || {
        Ok(fs::read_to_string(&synapse.log)?.contains(words).then_some(()))
    })
    .await
}

async fn is_away(synapse: &Synapse, who: &Login) -> Result<()> {
    let refused = one_origin(config_of(synapse).bearer_auth(&who.token), 502).await?;
    let refused: Value = serde_json::from_str(&refused)?;
    ensure!(refused["errcode"] == "RINGBACK_UNAVAILABLE" && refused["error"].is_string(), "{refused}");
    Ok(())
}

/// Something takes the connection, and says nothing: a client does not wait for long.
async fn hangs(synapse: &Synapse, who: &Login, port: u16) -> Result<()> {
    let _silent = std::net::TcpListener::bind(("127.0.0.1", port))?;
    timeout(Duration::from_secs(10), is_away(synapse, who)).await.context("nobody waits for that long")?
}

/// Nobody gets another's TURN credentials, and nobody without a token gets any.
async fn credentials_are_the_askers(synapse: &Synapse, [alice, bob]: &[Login; 2]) -> Result<()> {
    for who in [alice, bob, alice] {
        let config = config_for(synapse, who).await?.to_string();
        ensure!(config.contains(&format!(":{}\"", who.user_id)), "no TURN of {}: {config}", who.user_id);
        let open = one_origin(config_of(synapse), 200).await?;
        ensure!(open.contains("stun:") && !open.contains("credential"), "after {}: {open}", who.user_id);
    }
    reply(config_of(synapse).bearer_auth("nonsense")).await?.expect_refusal(401, "M_UNKNOWN_TOKEN").map(drop)
}

async fn browsers_may_ask(synapse: &Synapse) -> Result<()> {
    let url = format!("{}/call-config.json", synapse.homeserver.url);
    let preflight = Client::new().request(reqwest::Method::OPTIONS, url).header("Origin", "https://app.example.org");
    let preflight = preflight.header("Access-Control-Request-Headers", "authorization").send().await?;
    ensure!(preflight.status().is_success(), "preflight: {}", preflight.status());
    let allowed = preflight.headers().get("access-control-allow-headers").context("no allowed headers")?.to_str()?.to_owned();
    ensure!(allowed.to_lowercase().contains("authorization"), "{allowed}");
    Ok(())
}

fn server_of(synapse: &Synapse, port: u16) -> Options {
    Options::new("synapse_module").on_port(port).set("HOMESERVER_URL", &synapse.homeserver.url)
}

#[tokio::test]
async fn with_a_public_url() -> Result<()> {
    let port = free_port()?;
    let public = format!("http://localhost:{port}");
    let synapse = synapse(json!({"backend_url": format!("http://127.0.0.1:{port}"), "public_url": public})).await?;
    let options = server_of(&synapse, port).set("PUBLIC_URL", &public);
    let mut server: Server = options.set("PUBLIC_HOMESERVER_URL", &synapse.homeserver.url).start().await?;
    let users = pair(&synapse).await?;
    let [alice, bob] = &users;
    rings(&synapse.homeserver.url, None, true, [alice, bob]).await.with_context(|| xtask::wait::tail(&synapse.log, 20))?;
    credentials_are_the_askers(&synapse, &users).await?;
    browsers_may_ask(&synapse).await?;
    let back = config_of(&synapse).header("X-Synapse-Ringback", "1").send().await?;
    ensure!(back.status() == 508, "what has come from the module: {}", back.status());
    server.kill9();
    is_away(&synapse, alice).await?;
    log_says(&synapse, "Ringback cannot be asked at").await?;
    server.restart().await?;
    config_for(&synapse, alice).await?;
    log_says(&synapse, "Ringback answers again").await
}

/// On a LAN nobody has set any name: a client is told the one that it uses. And Synapse may be there first.
#[tokio::test]
async fn without_any_name() -> Result<()> {
    let port = free_port()?;
    let synapse = synapse(json!({"backend_url": format!("http://localhost:{port}")})).await?;
    let users = pair(&synapse).await?;
    let [alice, bob] = &users;
    log_says(&synapse, "Clients that ask for /call-config.json get 502").await?;
    is_away(&synapse, alice).await?;
    hangs(&synapse, alice, port).await?;
    let _server = server_of(&synapse, port).start().await?;
    rings(&synapse.homeserver.url, None, false, [alice, bob]).await.with_context(|| xtask::wait::tail(&synapse.log, 20))?;
    let by_address = synapse.homeserver.url.replace("localhost", "127.0.0.1");
    let config = reply(Client::new().get(format!("{by_address}/call-config.json"))).await?.expect(200)?;
    ensure!(config["baseUrl"] == format!("http://127.0.0.1:{port}"), "{config}");
    ensure!(config["homeserverUrl"] == by_address, "{config}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_setting_keeps_synapse_from_starting_and_says_which() -> Result<()> {
    let Err(error) = synapse(json!({"backend_url": "localhost:3000"})).await else { bail!("it has started") };
    let error = format!("{error:#}");
    for words in ["backend_url", "expected a URL of nothing but scheme, host and port, such as http://localhost:3000"] {
        ensure!(error.contains(words), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn what_needs_no_synapse_that_runs() -> Result<()> {
    let mut python = Command::new(&World::get().synapse_python);
    python.args(["-m", "unittest", "discover", "-s"]).arg(sources().join("tests"));
    python.env("PYTHONPATH", sources().join("src")).env("PYTHONDONTWRITEBYTECODE", "1");
    finish("the module's own tests", python, Duration::from_mins(2)).await.map(drop)
}
