//! WebSocket and Socket.IO, through whatever is in between, and whether they last.

use std::time::Duration;

use call::ids::AccessToken;
use futures_util::{SinkExt as _, StreamExt as _};
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error as SocketError, Message, client::IntoClientRequest as _},
};
use url::Url;

use super::{
    Doctor,
    account::Account,
    net::{Io, at, base},
    report::Check,
};

/// How long a message may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Ringback closes a connection that has not registered after 60 s: without a token none lasts longer.
const UNREGISTERED: Duration = Duration::from_secs(55);
/// Ringback pings as often as that: a proxy that waits longer than this for something to come never waits in vain.
const PING_EVERY: Duration = Duration::from_secs(20);
const ENGINE: &str = "/socket.io/?EIO=4&transport=";

/// An open WebSocket.
pub struct Socket(WebSocketStream<Box<dyn Io>>);

/// How a connection begins.
#[derive(Clone, Copy)]
enum Hello<'a> {
    /// A plain one, which registers if it has what it takes.
    Plain(Option<&'a AccessToken>),
    /// Engine.IO, under Socket.IO.
    Engine,
}

/// Why there is none.
pub struct NoSocket {
    status: Option<u16>,
    why: String,
}

impl std::fmt::Display for NoSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

impl Doctor {
    /// Every way in, and whether each lasts.
    pub async fn sockets(&self, backend: &Url, account: Option<&Account>) {
        let engine = format!("{ENGINE}websocket");
        let (root, plain, engine) =
            tokio::join!(self.socket(backend, "/"), self.socket(backend, "/ws"), self.engine(backend, &engine));
        let polling = self.polling(backend).await;
        let tries = [("/", root.as_ref().err()), ("/ws", plain.as_ref().err()), ("/socket.io/", engine.as_ref().err())];
        let failed: Vec<(&str, &NoSocket)> = tries.iter().filter_map(|(path, why)| Some((*path, (*why)?))).collect();
        match failed[..] {
            [] => self.notes.ok(Check::Websocket, base(backend), "opens at /, at /ws, and by Socket.IO"),
            [(path, why), ..] => {
                let paths = failed.iter().map(|(path, _)| *path).collect::<Vec<_>>().join(", ");
                let saw = format!("no WebSocket opens at {paths}: {}", why.why);
                self.notes.fail(Check::Websocket, at(backend, path), saw, remedy(why, path));
            }
        }
        match &polling {
            Ok(_) => self.notes.ok(Check::Polling, at(backend, "/socket.io/"), "Socket.IO goes by polling too"),
            // The proxy does not pass the path on at all: that was told.
            Err(_) if engine.as_ref().is_err_and(|why| why.status == Some(404)) => {
                self.notes.skip(Check::Polling, at(backend, "/socket.io/"), "the path is not passed on");
            }
            Err(why) => {
                let remedy = "let the proxy pass GET and POST of /socket.io/ on at once (nginx: no `limit_except`, `proxy_read_timeout 60s;` or more)";
                self.notes.fail(
                    Check::Polling,
                    at(backend, "/socket.io/"),
                    format!("Socket.IO does not go by polling: {why}"),
                    remedy,
                );
            }
        }
        let token = account.map(|account| &account.token);
        self.idle(backend, plain.or(root).ok(), engine.ok(), polling.ok(), token).await;
    }

    /// Opens a WebSocket.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn socket(&self, backend: &Url, path: &str) -> Result<Socket, NoSocket> {
        let mut url = at(backend, path);
        let no = |why: String| NoSocket { status: None, why };
        let (stream, _) = self.net.open(&url).await.map_err(|trouble| no(trouble.to_string()))?;
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        let _ = url.set_scheme(scheme);
        let request = url.as_str().into_client_request().map_err(|error| no(error.to_string()))?;
        match timeout(PATIENCE, client_async(request, stream)).await {
            Ok(Ok((socket, _))) => Ok(Socket(socket)),
            Ok(Err(SocketError::Http(response))) => {
                let status = response.status();
                Err(NoSocket { status: Some(status.as_u16()), why: format!("it answers {status}") })
            }
            Ok(Err(error)) => Err(no(error.to_string())),
            Err(_) => Err(no(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    /// Opens a WebSocket of Socket.IO, up to where events come and go.
    async fn engine(&self, backend: &Url, path: &str) -> Result<Socket, NoSocket> {
        let mut socket = self.socket(backend, path).await?;
        let until = Instant::now() + PATIENCE;
        let connected = async {
            socket.next(until).await?.filter(|text| text.starts_with('0')).ok_or("nothing comes")?;
            socket.send("40".to_owned()).await?;
            while let Some(text) = socket.next(until).await? {
                match text.as_str() {
                    // The first ping may come before it, and is not asked twice.
                    "2" => socket.send("3".to_owned()).await?,
                    text if text.starts_with("40") => return Ok(()),
                    _ => {}
                }
            }
            Err("nothing comes".to_owned())
        };
        connected.await.map_err(|why| NoSocket { status: None, why })?;
        Ok(socket)
    }

    /// Opens a Socket.IO connection by polling, and says its address.
    async fn polling(&self, backend: &Url) -> Result<Url, String> {
        let url = at(backend, &format!("{ENGINE}polling"));
        let ask = async |method, url: &Url, body: Option<&str>| {
            let answer = self.net.ask(method, url, &[], body.map(str::to_owned)).await.map_err(|trouble| trouble.to_string())?;
            if answer.status.is_success() { Ok(answer.text) } else { Err(format!("it answers {}", answer.gist())) }
        };
        let opened = ask(Method::GET, &url, None).await?;
        let opened: Value =
            opened.strip_prefix('0').and_then(|text| serde_json::from_str(text).ok()).ok_or("what comes is not Socket.IO")?;
        let id = opened["sid"].as_str().ok_or("what comes is not Socket.IO")?;
        let url = at(backend, &format!("{ENGINE}polling&sid={id}"));
        ask(Method::POST, &url, Some("40")).await?;
        // A ping may come first, or along with it.
        for _ in 0..3 {
            let packets = ask(Method::GET, &url, None).await?;
            let came = |begin| packets.split('\u{1e}').any(|packet| packet.starts_with(begin));
            if came("2") {
                ask(Method::POST, &url, Some("3")).await?;
            }
            if came("40") {
                return Ok(url);
            }
        }
        Err("what comes is not Socket.IO".to_owned())
    }

    async fn idle(
        &self,
        backend: &Url,
        plain: Option<Socket>,
        engine: Option<Socket>,
        polling: Option<Url>,
        token: Option<&AccessToken>,
    ) {
        if plain.is_none() && engine.is_none() && polling.is_none() {
            return self.notes.skip(Check::Idle, base(backend), "no connection can be made");
        }
        let span = if token.is_some() { self.idle } else { self.idle.min(UNREGISTERED) };
        let started = Instant::now();
        let (plain, engine, polling) = tokio::join!(
            async { Some(plain?.stays(started + span, Hello::Plain(token)).await) },
            async { Some(engine?.stays(started + span, Hello::Engine).await) },
            async { Some(self.poll_stays(&polling?, started + span).await) },
        );
        let cut = |ended: Option<Result<(), String>>| ended.and_then(Result::err).map(|why| (started.elapsed(), why));
        let ways = [("WebSocket", cut(plain)), ("WebSocket of Socket.IO", cut(engine)), ("polling of Socket.IO", cut(polling))];
        let cuts: Vec<String> = ways.iter().filter_map(|(way, cut)| Some(format!("{way}: {}", cut.as_ref()?.1))).collect();
        if cuts.is_empty() {
            return self.notes.ok(Check::Idle, base(backend), format!("connections stay open for {} s and more", span.as_secs()));
        }
        let remedy = format!(
            "let the proxy wait for longer than the {} s between Ringback's pings:\n\
             nginx: `proxy_read_timeout 75s;` and `proxy_send_timeout 75s;` in the location\n\
             Caddy: no `read_timeout` or `stream_timeout` in `transport`; a load balancer: its idle timeout",
            PING_EVERY.as_secs()
        );
        self.notes.fail(Check::Idle, base(backend), format!("a quiet connection is cut. {}", cuts.join("; ")), remedy);
    }

    /// A poll is held until there is something to say, a ping at the latest.
    async fn poll_stays(&self, url: &Url, until: Instant) -> Result<(), String> {
        loop {
            let since = Instant::now();
            let left = until.saturating_duration_since(since);
            if left.is_zero() {
                return Ok(());
            }
            let Ok(answer) = timeout(left, self.net.ask_within(PING_EVERY * 2, Method::GET, url, &[], None)).await else {
                return Ok(());
            };
            let after = since.elapsed().as_secs_f32();
            match answer {
                Ok(answer) if answer.status.is_success() => {}
                Ok(answer) => return Err(format!("{} after {after:.1} s", answer.gist())),
                Err(trouble) => return Err(format!("after {after:.1} s {trouble}")),
            }
            let pong = self.net.ask(Method::POST, url, &[], Some("3".to_owned())).await;
            pong.map_err(|trouble| trouble.to_string())?;
        }
    }
}

impl Socket {
    /// Sends a text.
    pub async fn send(&mut self, text: String) -> Result<(), String> {
        self.0.send(Message::text(text)).await.map_err(|error| error.to_string())
    }

    /// The next text; pings are answered meanwhile.
    pub async fn next(&mut self, until: Instant) -> Result<Option<String>, String> {
        loop {
            let Ok(frame) = timeout_at(until, self.0.next()).await else { return Ok(None) };
            match frame {
                Some(Ok(Message::Text(text))) => return Ok(Some(text.as_str().to_owned())),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err(format!("closed with {}: {}", u16::from(frame.code), frame.reason));
                }
                Some(Ok(Message::Close(None))) | None => return Err("closed without a word".to_owned()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(format!("cut ({error})")),
            }
        }
    }

    /// Waits for an event by its name.
    ///
    /// # Errors
    /// That it did not come in time, or what came in its place.
    pub async fn event(&mut self, name: &str, until: Instant) -> Result<Value, String> {
        loop {
            let text = self.next(until).await?.ok_or_else(|| format!("no `{name}` in time"))?;
            let event: Value = serde_json::from_str(&text).unwrap_or_default();
            if event["type"] == name {
                return Ok(event);
            }
            if event["type"] == "error" {
                return Err(event["error"].as_str().unwrap_or("refused").to_owned());
            }
        }
    }

    /// Says whose it is.
    ///
    /// # Errors
    /// What was answered in place of `registered`.
    pub async fn register(&mut self, token: &AccessToken) -> Result<Value, String> {
        self.send(json!({"type": "register-user", "accessToken": token.expose()}).to_string()).await?;
        self.event("registered", Instant::now() + PATIENCE).await
    }

    /// Waits, saying only what must be said.
    async fn stays(mut self, until: Instant, hello: Hello<'_>) -> Result<(), String> {
        let since = Instant::now();
        match hello {
            // Whether the token is any good is another question.
            Hello::Plain(Some(token)) => drop(self.register(token).await),
            Hello::Plain(None) | Hello::Engine => {}
        }
        let is_engine = matches!(hello, Hello::Engine);
        loop {
            match self.next(until).await {
                Ok(None) => return Ok(()),
                Ok(Some(text)) if text == "2" && is_engine => self.send("3".to_owned()).await?,
                Ok(Some(_)) => {}
                Err(why) if since.elapsed() < UNREGISTERED => {
                    return Err(format!("{why} after {:.1} s", since.elapsed().as_secs_f32()));
                }
                // Ringback itself lets go of who has not registered.
                Err(why) if is_engine || why.contains("1008") => return Ok(()),
                Err(why) => return Err(format!("{why} after {:.1} s", since.elapsed().as_secs_f32())),
            }
        }
    }
}

fn remedy(why: &NoSocket, path: &str) -> String {
    match why.status {
        Some(404) => format!("let the proxy hand {path} on to Ringback (nginx: `location / {{ proxy_pass http://127.0.0.1:3000; … }}`)"),
        Some(502..=504) => "see that Ringback runs; where it does, correct its address in the proxy".to_owned(),
        Some(_) | None => "let the proxy pass the upgrade on. nginx, in the location of Ringback:\n\
                           `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;`\n\
                           with `map $http_upgrade $connection_upgrade { default upgrade; '' ''; }`. Caddy does so by itself"
            .to_owned(),
    }
}
