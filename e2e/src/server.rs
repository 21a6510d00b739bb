//! One `ringback` for one test.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use xtask::{process::Signal, ringback::Ringback};

use crate::{Login, Lost, Socket, World};

/// How to start a server.
#[derive(Debug)]
pub struct Options {
    name: &'static str,
    host: &'static str,
    port: Option<u16>,
    folder: Option<PathBuf>,
    has_database: bool,
    settings: BTreeMap<String, String>,
}

impl Options {
    /// The defaults, `SQLite`, no limit on calls, and logs at level debug; `name` is the test's.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, host: "127.0.0.1", port: None, folder: None, has_database: true, settings: BTreeMap::new() }
            .set("CALLS_PER_MINUTE", "0")
            .set("LOG", "debug")
    }

    /// Sets `RINGBACK_<name>`.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.insert(format!("RINGBACK_{name}"), value.into());
        self
    }

    /// Sets another variable of the environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Keeps calls in a new database of the private `PostgreSQL`.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn on_postgres(self) -> Result<Self> {
        Ok(self.set("DATABASE_URL", World::get().new_database()?))
    }

    /// Listens on another address than 127.0.0.1.
    #[must_use]
    pub fn at(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    /// Listens on this port, and not on any that is free.
    #[must_use]
    pub fn on_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Says nothing of a database: the settings do, in a way of their own.
    #[must_use]
    pub fn without_database(mut self) -> Self {
        self.has_database = false;
        self
    }

    /// One that takes its settings from the `ringback.toml` of this folder, as an operator's does who types `ringback serve`
    /// there: nothing but its addresses is said to it.
    #[must_use]
    pub fn in_folder(name: &'static str, folder: &Path) -> Self {
        Self {
            name,
            host: "127.0.0.1",
            port: None,
            folder: Some(folder.to_owned()),
            has_database: false,
            settings: BTreeMap::new(),
        }
    }

    /// Starts it, and waits until it is healthy.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub async fn start(self) -> Result<Server> {
        let world = World::get();
        let Self { name, host, port, folder, has_database, mut settings } = self;
        let has_file = folder.is_some();
        let directory = folder.map_or_else(|| world.new_directory(name), Ok)?;
        let log = directory.join("ringback.log");
        say_where(&log);
        let mut default = |name: &str, value: String| {
            settings.entry(format!("RINGBACK_{name}")).or_insert(value);
        };
        default("OPS_LISTEN", format!("127.0.0.1:{}", xtask::wait::free_port()?));
        if !has_file {
            default("HOMESERVER_URL", world.homeserver.url.clone());
        }
        if has_database {
            default("DATABASE_URL", format!("sqlite://{}", directory.join("ringback.db").display()));
        }
        let address = format!("{host}:{}", port.map_or_else(xtask::wait::free_port, Ok)?);
        let settings = settings.into_iter().collect();
        let http = Client::builder().timeout(Duration::from_secs(30)).build().context("no HTTP client")?;
        let url = format!("http://{address}");
        let mut server = Server { running: None, url, directory, log, address, settings, http };
        server.restart().await?;
        Ok(server)
    }
}

/// A server, running or between two runs.
#[derive(Debug)]
pub struct Server {
    /// Its URL, without a slash at the end.
    pub url: String,
    /// Where its database is.
    pub directory: PathBuf,
    /// What it logs.
    pub log: PathBuf,
    running: Option<Ringback>,
    address: String,
    settings: Vec<(String, String)>,
    http: Client,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body, or `null` where it is not JSON.
    pub body: Value,
}

impl Server {
    /// One with the defaults.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub async fn start(name: &'static str) -> Result<Self> {
        Options::new(name).start().await
    }

    /// Starts it once more, with the same address, settings and database.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill9();
        let (address, settings, directory) = (self.address.clone(), self.settings.clone(), self.directory.clone());
        let log = self.log.clone();
        let start = move || Ringback::start(&World::get().binary, &address, &settings, &directory, &log);
        self.running = Some(tokio::task::spawn_blocking(start).await.context("the start has panicked")??);
        Ok(())
    }

    /// Kills it at once, as a power cut would.
    pub fn kill9(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.child.kill();
        }
    }

    /// Asks it to end, as an operator's `systemctl stop` would.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn sigterm(&self) -> Result<()> {
        self.running.as_ref().context("not running")?.child.signal(Signal::SIGTERM)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Where it does not end in time.
    pub async fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let mut running = self.running.take().context("not running")?;
        tokio::task::spawn_blocking(move || running.child.wait(limit)).await.context("the wait has panicked")?
    }

    /// Fails where it has ended by itself.
    ///
    /// # Errors
    /// With the end of its log.
    pub fn check(&mut self) -> Result<()> {
        self.running.as_mut().context("not running")?.check()
    }

    /// The value of `RINGBACK_<name>`, or nothing.
    #[must_use]
    pub fn setting(&self, name: &str) -> String {
        let name = format!("RINGBACK_{name}");
        self.settings.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The URL of its plain WebSocket.
    #[must_use]
    pub fn socket_url(&self) -> String {
        self.url.replacen("http", "ws", 1)
    }

    /// The operator's address, host and port.
    #[must_use]
    pub fn ops_address(&self) -> &str {
        self.settings.iter().find(|(name, _)| name == "RINGBACK_OPS_LISTEN").map_or("", |(_, address)| address)
    }

    /// What Prometheus would read now.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn metrics(&self) -> Result<String> {
        let answer = self.http.get(format!("http://{}/metrics", self.ops_address())).send().await?;
        answer.error_for_status()?.text().await.context("no body")
    }

    /// A request to build on.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// A POST with the token in the header.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn post(&self, path: &str, who: &Login, body: &Value) -> Result<Reply> {
        reply(self.request("POST", path).bearer_auth(&who.token).json(body)).await
    }

    /// A GET with the token in the header.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn get(&self, path: &str, who: &Login) -> Result<Reply> {
        reply(self.request("GET", path).bearer_auth(&who.token)).await
    }

    /// Starts a voice call.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn initiate(&self, who: &Login, room: &str) -> Result<String> {
        self.initiate_with(who, json!({"roomId": room, "callType": "voice"})).await
    }

    /// Starts a call with a body of one's own.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn initiate_with(&self, who: &Login, body: Value) -> Result<String> {
        let reply = self.post("/api/calls/initiate", who, &body).await?.expect(201)?;
        Ok(reply["callId"].as_str().context("no callId")?.to_owned())
    }

    /// `POST /api/calls/{call}/{action}`.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn act(&self, who: &Login, call: &str, action: &str) -> Result<Reply> {
        self.post(&format!("/api/calls/{call}/{action}"), who, &json!({})).await
    }

    /// The status of a call.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub async fn status(&self, who: &Login, call: &str) -> Result<String> {
        let body = self.get(&format!("/api/calls/{call}/status"), who).await?.expect(200)?;
        Ok(body["session"]["status"].as_str().context("no status")?.to_owned())
    }

    /// A plain WebSocket that has registered.
    ///
    /// # Errors
    /// Where that fails.
    pub async fn connect(&self, who: &Login) -> Result<Socket> {
        let mut socket = Socket::open(&self.socket_url()).await?;
        socket.register(who).await?;
        Ok(socket)
    }

    /// A plain WebSocket that has registered, and asked to go on with a session.
    ///
    /// # Errors
    /// Where that fails.
    pub async fn reconnect(&self, who: &Login, lost: &Lost) -> Result<Socket> {
        let mut socket = Socket::open(&self.socket_url()).await?;
        socket.resume(who, lost).await?;
        Ok(socket)
    }
}

#[allow(clippy::print_stdout, reason = "shown where the test fails")]
fn say_where(log: &Path) {
    println!("the server logs to {}", log.display());
}

/// Sends a request, reads the answer.
///
/// # Errors
/// Where none comes.
pub async fn reply(request: RequestBuilder) -> Result<Reply> {
    let answer = request.send().await.context("no answer")?;
    let status = answer.status().as_u16();
    let text = answer.text().await.context("no body")?;
    Ok(Reply { status, body: serde_json::from_str(&text).unwrap_or_default() })
}

impl Reply {
    /// The body, where the status is the expected one.
    ///
    /// # Errors
    /// Where it is another.
    pub fn expect(self, status: u16) -> Result<Value> {
        ensure!(self.status == status, "expected {status}, got {} {}", self.status, self.body);
        Ok(self.body)
    }

    /// Checks that it is this refusal, with a sentence.
    ///
    /// # Errors
    /// Where it is not.
    pub fn expect_refusal(self, status: u16, errcode: &str) -> Result<Value> {
        let Self { status: got, body } = self;
        if got != status || body["errcode"] != errcode {
            bail!("expected {status} {errcode}, got {got} {body}");
        }
        ensure!(body["error"].as_str().is_some_and(|text| text.len() > 3), "{errcode} without a sentence: {body}");
        Ok(body)
    }
}
