//! The steps of the README, by `curl` and by `wscat`.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Server, World, finish, pair};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Instant, timeout, timeout_at},
};

async fn curl(arguments: &[&str]) -> Result<Value> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail-with-body"]).args(arguments);
    let printed = finish("curl", command, Duration::from_secs(15)).await?;
    serde_json::from_str(&printed).with_context(|| format!("not JSON: {printed}"))
}

/// A window with `wscat -c …` in it.
struct Window {
    _child: Child,
    keyboard: ChildStdin,
    screen: Lines<BufReader<ChildStdout>>,
}

impl Window {
    fn open(url: &str) -> Result<Self> {
        let mut command = Command::new("node");
        command.arg(World::get().node.join("node_modules/.bin/wscat")).args(["-c", url]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("cannot start wscat")?;
        let keyboard = child.stdin.take().context("no stdin")?;
        let screen = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        Ok(Self { _child: child, keyboard, screen })
    }

    /// Types a line until the window shows this event: wscat drops what is typed before it has connected, and does not say so to a
    /// pipe.
    async fn type_until(&mut self, line: &Value, event: &str) -> Result<Value> {
        for _ in 0..20 {
            self.keyboard.write_all(format!("{line}\n").as_bytes()).await.context("wscat is gone")?;
            if let Ok(shown) = timeout(Duration::from_secs(1), self.shows(event)).await {
                return shown;
            }
        }
        anyhow::bail!("wscat never showed `{event}`")
    }

    async fn shows(&mut self, event: &str) -> Result<Value> {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let line =
                timeout_at(until, self.screen.next_line()).await.with_context(|| format!("wscat shows no `{event}`"))??;
            let line = line.context("wscat has ended")?;
            // What it prints may begin with its prompt.
            let json = line.find('{').map_or("", |start| &line[start..]);
            let Ok(frame) = serde_json::from_str::<Value>(json) else { continue };
            if frame["type"] == event {
                return Ok(frame);
            }
        }
    }
}

async fn initiate_by_curl(url: &str, alice: &Login, room: &str) -> Result<Value> {
    let body = json!({"roomId": room, "callType": "voice", "accessToken": alice.token, "userId": alice.user_id});
    let (url, body) = (format!("{url}/api/calls/initiate"), body.to_string());
    curl(&["-X", "POST", &url, "-H", "Content-Type: application/json", "-d", &body]).await
}

#[tokio::test]
async fn the_steps_of_the_readme() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("the_steps_of_the_readme").await?;
    let url = server.url.replace("127.0.0.1", "localhost");
    let config = curl(&[&format!("{url}/call-config.json")]).await?;
    ensure!(config["baseUrl"] == url.as_str() && config["websocketUrl"] == url.as_str(), "{config}");
    ensure!(config["homeserverUrl"].is_string() && config["iceServers"].is_array(), "{config}");
    let mut window = Window::open(&url.replacen("http", "ws", 1))?;
    let hello = json!({"type": "register-user", "userId": bob.user_id, "accessToken": bob.token});
    let registered = window.type_until(&hello, "registered").await?;
    ensure!(registered["userId"] == bob.user_id.as_str(), "{registered}");
    let initiated = initiate_by_curl(&url, &alice, &room).await?;
    let ringing = window.shows("incoming-call").await?;
    ensure!(ringing["eventType"] == "incoming_call" && ringing["callType"] == "voice", "{ringing}");
    ensure!(ringing["callId"] == initiated["callId"] && ringing["roomId"] == room.as_str(), "{ringing}");
    ensure!(ringing["callerId"] == alice.user_id.as_str(), "{ringing}");
    ensure!(ringing["callerName"].as_str().is_some_and(|name| !name.is_empty()), "{ringing}");
    ensure!(ringing["iceServers"].as_array().is_some_and(|servers| !servers.is_empty()), "{ringing}");
    let call = initiated["callId"].as_str().context("no callId")?;
    let header = format!("Authorization: Bearer {}", bob.token);
    let active = curl(&[&format!("{url}/api/calls/active"), "-H", &header]).await?;
    ensure!(active["calls"][0]["call_id"] == call, "{active}");
    curl(&["-X", "POST", &format!("{url}/api/calls/{call}/answer"), "-H", &header, "--json", "{}"]).await?;
    let body = json!({"accessToken": alice.token, "userId": alice.user_id}).to_string();
    curl(&["-X", "POST", &format!("{url}/api/calls/{call}/end"), "--json", &body]).await?;
    let ended = window.shows("call-ended").await?;
    ensure!(ended["callId"] == call && ended["reason"] == "hangup", "{ended}");
    Ok(())
}

#[tokio::test]
async fn health_and_discovery() -> Result<()> {
    let server = Server::start("health_and_discovery").await?;
    let health = curl(&[&format!("{}/health", server.url)]).await?;
    ensure!(health == json!({"status": "healthy", "database": "connected"}), "{health}");
    let discovery = curl(&[&format!("{}/.well-known/matrix/client", server.url)]).await?;
    ensure!(discovery["m.homeserver"]["base_url"].is_string(), "{discovery}");
    ensure!(discovery["dev.ringback.call"]["base_url"] == server.url.as_str(), "{discovery}");
    let document = curl(&[&format!("{}/api/openapi.json", server.url)]).await?;
    ensure!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "not OpenAPI 3.1");
    let docs = server.request("GET", "/docs").send().await?;
    ensure!(docs.status() == 200 && docs.text().await?.contains("<html"), "no page at /docs");
    Ok(())
}
