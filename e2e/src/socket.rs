//! A plain WebSocket client that shows what a user's device is told.

use std::{collections::VecDeque, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitSink};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::Login;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a device knows of a connection that it has lost.
#[derive(Debug, Clone)]
pub struct Lost {
    /// What it may resume.
    pub session: String,
    /// The last event that arrived.
    pub last_event: u64,
}

/// What is "soon" on a busy machine.
const SOON: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum Received {
    Event(Value),
    Closed(Close),
}

/// How a connection ended.
#[derive(Debug, Clone, Copy)]
enum Close {
    Code(u16),
    Abruptly,
}

/// An open connection. What arrives is kept until a test asks for it; an event that is lost, repeated or out of order fails the
/// test at once. Dropping it cuts the connection.
#[derive(Debug)]
pub struct Socket {
    sink: Option<SplitSink<Stream, Message>>,
    reader: JoinHandle<()>,
    incoming: UnboundedReceiver<Received>,
    kept: VecDeque<Value>,
    closed: Option<Close>,
    asked: u64,
    heard: u64,
    /// What `registered` said.
    pub registered: Value,
}

impl Socket {
    /// Connects, and says nothing yet.
    ///
    /// # Errors
    /// Where the server does not take it.
    pub async fn open(url: &str) -> Result<Self> {
        let (stream, _) = tokio_tungstenite::connect_async(url).await.with_context(|| format!("cannot connect to {url}"))?;
        let (sink, mut stream) = stream.split();
        let (sender, incoming): (UnboundedSender<Received>, _) = unbounded_channel();
        let reader = tokio::spawn(async move {
            let mut end = Close::Abruptly;
            while let Some(Ok(message)) = stream.next().await {
                match message {
                    Message::Text(text) => {
                        let event = serde_json::from_str(text.as_str()).unwrap_or_default();
                        let _ = sender.send(Received::Event(event));
                    }
                    Message::Close(Some(frame)) => end = Close::Code(frame.code.into()),
                    Message::Close(None) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                }
            }
            let _ = sender.send(Received::Closed(end));
        });
        Ok(Self {
            sink: Some(sink),
            reader,
            incoming,
            kept: VecDeque::new(),
            closed: None,
            asked: 0,
            heard: 0,
            registered: Value::Null,
        })
    }

    /// Says who it is, and waits for `registered`.
    ///
    /// # Errors
    /// Where that is refused.
    pub async fn register(&mut self, who: &Login) -> Result<()> {
        self.send(json!({"type": "register-user", "userId": who.user_id, "accessToken": who.token})).await?;
        self.registered = self.expect("registered").await?;
        Ok(())
    }

    /// Says who it is, and which session it would like to go on with; `registered` says whether it does.
    ///
    /// # Errors
    /// Where that is refused.
    pub async fn resume(&mut self, who: &Login, lost: &Lost) -> Result<()> {
        let Lost { session, last_event } = lost;
        let (user, token) = (&who.user_id, &who.token);
        let resume = json!({"type": "register-user", "userId": user, "accessToken": token,
            "sessionId": session, "lastEventId": last_event});
        self.registered = json!({"sessionId": session});
        self.heard = *last_event;
        self.send(resume).await?;
        self.registered = self.expect("registered").await?;
        Ok(())
    }

    /// The session, as `registered` named it.
    #[must_use]
    pub fn session(&self) -> &str {
        self.registered["sessionId"].as_str().unwrap_or_default()
    }

    /// The next event, whatever it is, if one comes by then.
    ///
    /// # Errors
    /// Where the connection has ended.
    pub async fn next_until(&mut self, until: Instant) -> Result<Option<Value>> {
        if let Some(event) = self.kept.pop_front() {
            return Ok(Some(event));
        }
        let Ok(received) = timeout_at(until, self.incoming.recv()).await else { return Ok(None) };
        match received.context("the reader is gone")? {
            Received::Event(event) => self.note(&event).map(|()| Some(event)),
            Received::Closed(close) => bail!("closed with {close:?}"),
        }
    }

    /// What has come, and was not asked for.
    pub fn rest(&mut self) -> Vec<Value> {
        self.kept.drain(..).collect()
    }

    /// Cuts the connection without a goodbye. What had arrived by then counts as heard.
    ///
    /// # Errors
    /// Where an event was lost, repeated or out of order.
    pub async fn cut(&mut self) -> Result<Lost> {
        self.reader.abort();
        self.sink = None;
        while let Some(received) = self.incoming.recv().await {
            if let Received::Event(event) = received {
                self.keep(event)?;
            }
        }
        Ok(Lost { session: self.session().to_owned(), last_event: self.heard })
    }

    /// Checks that exactly these events have come since it was last asked what came, in this order.
    ///
    /// # Errors
    /// Where it is not so soon.
    pub async fn hears(&mut self, names: &[&str]) -> Result<Vec<Value>> {
        self.hears_within(names, SOON).await
    }

    /// The same, within a time of one's own.
    ///
    /// # Errors
    /// Where it is not so in time.
    pub async fn hears_within(&mut self, names: &[&str], limit: Duration) -> Result<Vec<Value>> {
        let until = Instant::now() + limit;
        while self.kept.len() < names.len() && self.closed.is_none() {
            let Ok(received) = timeout_at(until, self.incoming.recv()).await else { break };
            match received.context("the reader is gone")? {
                Received::Event(event) => self.keep(event)?,
                Received::Closed(close) => self.closed = Some(close),
            }
        }
        // An answer may overtake an event that was already on its way; hardly three.
        for _ in 0..3 {
            self.ask(json!({"type": "leave-call", "callId": "0".repeat(32)})).await.context(self.shown())?;
        }
        let heard: Vec<&str> = self.kept.iter().map(|event| event["type"].as_str().unwrap_or_default()).collect();
        ensure!(heard == names, "expected {names:?}, heard:\n    {}", self.shown());
        Ok(self.kept.drain(..).collect())
    }

    /// Sends one message.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn send(&mut self, message: Value) -> Result<()> {
        self.send_text(message.to_string()).await
    }

    /// Sends one text frame, whatever it holds.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn send_text(&mut self, text: String) -> Result<()> {
        self.sink.as_mut().context("it was cut")?.send(Message::text(text)).await.context("cannot send")
    }

    /// Sends a message with an `id`, gives its `ack`.
    ///
    /// # Errors
    /// Where none comes.
    pub async fn ask(&mut self, mut message: Value) -> Result<Value> {
        self.asked += 1;
        let id = json!(self.asked);
        message["id"] = id.clone();
        let shown = message["type"].clone();
        self.send(message).await?;
        let matches = |event: &Value| event["type"] == "ack" && event["id"] == id;
        self.take(&format!("ack of {shown}"), SOON, matches).await
    }

    /// Sends a message with an `id` that must be done.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn done(&mut self, message: Value) -> Result<Value> {
        let shown = message.to_string();
        let ack = self.ask(message).await?;
        ensure!(ack["ok"] == true, "{shown} was refused: {ack}");
        Ok(ack)
    }

    /// The next event of this name; those before it are kept for later.
    ///
    /// # Errors
    /// Where it does not come soon.
    pub async fn expect(&mut self, event: &str) -> Result<Value> {
        self.expect_within(event, SOON).await
    }

    /// The next event of this name, within a time of one's own.
    ///
    /// # Errors
    /// Where it does not come in time.
    pub async fn expect_within(&mut self, event: &str, limit: Duration) -> Result<Value> {
        self.take(event, limit, |candidate| candidate["type"] == event).await
    }

    /// Whether an event of this name has come by now. A message with an answer first makes "by now" mean something.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn has_got(&mut self, event: &str) -> Result<bool> {
        // An unknown call is refused at once, after everything that was sent before.
        self.ask(json!({"type": "leave-call", "callId": "0".repeat(32)})).await?;
        Ok(self.kept.iter().any(|kept| kept["type"] == event))
    }

    /// Waits for the end of the connection; gives the close code.
    ///
    /// # Errors
    /// Where it stays open, or ends without a code.
    pub async fn close_code(&mut self, limit: Duration) -> Result<u16> {
        let until = Instant::now() + limit;
        while self.closed.is_none() {
            match timeout_at(until, self.incoming.recv()).await.context("the connection stays open")? {
                Some(Received::Event(event)) => self.keep(event)?,
                Some(Received::Closed(code)) => self.closed = Some(code),
                None => bail!("the reader is gone"),
            }
        }
        match self.closed {
            Some(Close::Code(code)) => Ok(code),
            Some(Close::Abruptly) | None => bail!("closed without a code"),
        }
    }

    async fn take(&mut self, what: &str, limit: Duration, matches: impl Fn(&Value) -> bool) -> Result<Value> {
        if let Some(position) = self.kept.iter().position(&matches) {
            return self.kept.remove(position).context("it was there");
        }
        let until = Instant::now() + limit;
        loop {
            let received = match self.closed {
                Some(code) => Received::Closed(code),
                None => match timeout_at(until, self.incoming.recv()).await {
                    Ok(received) => received.context("the reader is gone")?,
                    Err(_) => bail!("no {what} within {} s; kept: {}", limit.as_secs(), self.shown()),
                },
            };
            match received {
                Received::Event(event) if matches(&event) => {
                    self.note(&event)?;
                    return Ok(event);
                }
                Received::Event(event) => self.keep(event)?,
                Received::Closed(code) => {
                    self.closed = Some(code);
                    bail!("closed with {code:?} before {what}; kept: {}", self.shown());
                }
            }
        }
    }

    fn keep(&mut self, event: Value) -> Result<()> {
        self.note(&event)?;
        self.kept.push_back(event);
        Ok(())
    }

    /// Each session counts its events, without a gap.
    fn note(&mut self, event: &Value) -> Result<()> {
        if event["type"] == "registered" && event["sessionId"] != self.registered["sessionId"] {
            self.heard = 0;
        }
        if let Some(id) = event["eventId"].as_u64() {
            ensure!(id == self.heard + 1, "event {} should come next, but this came: {event}", self.heard + 1);
            self.heard = id;
        }
        Ok(())
    }

    fn shown(&self) -> String {
        let lines: Vec<String> = self.kept.iter().map(Value::to_string).collect();
        lines.join("\n    ")
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
