//! The plain WebSocket of the contract's section 4: register, send, and take what comes.
//!
//! One task owns a [`Socket`]. It answers the server's pings while it is read, so keep [`Socket::next`] polled.

mod connect;
mod message;

use std::{collections::VecDeque, time::Duration};

use call::{
    ids::{DeviceId, SessionId, UserId},
    wire::{Ack, ErrorBody, Refused, Register, ServerEvent, errcode},
};
use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

pub use message::{Event, Outgoing, Received};

use crate::Error;

/// How long to wait for `registered` or an acknowledgement.
const ACK_WITHIN: Duration = Duration::from_secs(30);
/// The server pings every 20 s; one that is silent for longer than two of those is gone.
const SILENT_FOR: Duration = Duration::from_secs(45);

/// A connection to Ringback.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    address: String,
    /// What came while something else was waited for; not handed out yet.
    waiting: VecDeque<Received>,
    heard_at: Instant,
    last_id: u64,
    session: Option<SessionId>,
    last_event_id: Option<u64>,
    closed: Option<Closed>,
}

/// What `registered` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The user.
    pub user_id: UserId,
    /// The device that the token belongs to.
    pub device_id: DeviceId,
    /// What to resume after a lost connection.
    pub session_id: SessionId,
    /// For how long that is possible.
    pub grace_period: Duration,
    /// The server's clock.
    pub server_time: Timestamp,
    /// Whether this is the session that was asked for. Either all that was missed follows, or a `resync`.
    pub resumed: bool,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The code of the close frame (RFC 6455, section 7.4); `None` where the connection broke.
    pub code: Option<u16>,
    /// What the server said, or what broke.
    pub reason: String,
}

impl Socket {
    /// Connects. Of the schemes `http` and `https` become `ws` and `wss`; `/ws` is appended where it is not there.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Unreachable`]; [`Error::Unreadable`] or [`Error::Refused`] where something answers,
    /// but does not open a WebSocket.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let address = connect::socket_address(url)?;
        let stream = connect::open(&address).await?;
        Ok(Self {
            stream,
            address,
            waiting: VecDeque::new(),
            heard_at: Instant::now(),
            last_id: 0,
            session: None,
            last_event_id: None,
            closed: None,
        })
    }

    /// The address that it is connected to.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// What to register with on another connection, so as to miss nothing and hear nothing twice: the session, and the last
    /// event that [`Socket::next`] handed out. The token is for the caller to add.
    #[must_use]
    pub fn resume(&self) -> Register {
        Register { session_id: self.session.clone(), last_event_id: self.last_event_id, ..Register::default() }
    }

    /// Says whose device this is.
    ///
    /// # Errors
    /// [`Error::MessageRefused`], [`Error::Closed`], [`Error::NotAcknowledged`].
    pub async fn register(&mut self, register: &Register) -> Result<Registered, Error> {
        let outgoing = Outgoing::Register(register.clone());
        self.send(&outgoing).await?;
        let registered = self.within(outgoing.event(), ACK_WITHIN, Self::registered).await?;
        let resumed = register.session_id.as_ref() == Some(&registered.session_id);
        self.session = Some(registered.session_id.clone());
        self.last_event_id = if resumed { register.last_event_id } else { None };
        Ok(Registered { resumed, ..registered })
    }

    /// Sends, and does not wait; a refusal comes as [`ServerEvent::Error`].
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn send(&mut self, outgoing: &Outgoing) -> Result<(), Error> {
        self.send_text(outgoing.frame(None)).await
    }

    /// Sends a frame as it is, for tests of what a server makes of it.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn send_text(&mut self, frame: String) -> Result<(), Error> {
        if self.closed.is_some() {
            return Err(self.gone());
        }
        if let Err(error) = self.stream.send(Message::text(frame)).await {
            self.broke(error.to_string());
            return Err(self.gone());
        }
        Ok(())
    }

    /// Sends, and waits for the acknowledgement. Events that come meanwhile are kept for [`Socket::next`].
    ///
    /// # Errors
    /// [`Error::MessageRefused`], [`Error::Closed`], [`Error::NotAcknowledged`].
    pub async fn request(&mut self, outgoing: &Outgoing) -> Result<Ack, Error> {
        self.last_id += 1;
        let id = self.last_id;
        self.send_text(outgoing.frame(Some(id))).await?;
        let ack = self.within(outgoing.event(), ACK_WITHIN, async |socket| socket.acknowledged(id).await).await?;
        if ack.ok {
            return Ok(ack);
        }
        let body = ack.error.unwrap_or_else(unexplained);
        Err(Error::MessageRefused { event: Some(outgoing.event().to_owned()), body })
    }

    /// The next event; `None` once the connection is gone in whatever way, and [`Socket::closed`] tells which. May be
    /// cancelled without losing anything.
    ///
    /// # Errors
    /// [`Error::BadMessage`]; the connection goes on.
    pub async fn next(&mut self) -> Result<Option<Received>, Error> {
        let received = match self.waiting.pop_front() {
            Some(received) => Some(received),
            None => self.read().await?,
        };
        if let Some(id) = received.as_ref().and_then(|received| received.event_id) {
            self.last_event_id = Some(id);
        }
        Ok(received)
    }

    /// Closes with 1000, and waits a little for the server to agree.
    pub async fn close(mut self) {
        let agreed = async {
            self.stream.close(None).await?;
            while let Some(frame) = self.stream.next().await {
                frame?;
            }
            Ok::<_, tokio_tungstenite::tungstenite::Error>(())
        };
        // Whether the server agreed or not, the connection goes with `self`.
        let _ = timeout(Duration::from_secs(1), agreed).await;
    }

    async fn registered(&mut self) -> Result<Registered, Error> {
        loop {
            let received = self.read().await?.ok_or_else(|| self.gone())?;
            match received.event {
                Event::Known(ServerEvent::Registered { user_id, device_id, session_id, grace_period_ms, server_time }) => {
                    let grace_period = Duration::from_millis(grace_period_ms);
                    return Ok(Registered { user_id, device_id, session_id, grace_period, server_time, resumed: false });
                }
                Event::Known(ServerEvent::Error(refused))
                    if refused.event.as_deref().is_none_or(|event| event == "register-user") =>
                {
                    let Refused { event, error, .. } = *refused;
                    return Err(Error::MessageRefused { event, body: error });
                }
                Event::Known(_) | Event::Other(_) => self.waiting.push_back(received),
            }
        }
    }

    async fn acknowledged(&mut self, id: u64) -> Result<Ack, Error> {
        loop {
            let received = self.read().await?.ok_or_else(|| self.gone())?;
            match received.event {
                Event::Known(ServerEvent::Ack(ack)) if ack.id.as_ref().and_then(serde_json::Value::as_u64) == Some(id) => {
                    return Ok(*ack);
                }
                Event::Known(_) | Event::Other(_) => self.waiting.push_back(received),
            }
        }
    }

    async fn within<T>(
        &mut self,
        event: &'static str,
        after: Duration,
        wait: impl AsyncFnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match timeout(after, wait(self)).await {
            Ok(result) => result,
            Err(_) => Err(Error::NotAcknowledged { address: self.address.clone(), event, after }),
        }
    }

    /// Reads one event off the connection. Pings are answered by the library while it reads.
    async fn read(&mut self) -> Result<Option<Received>, Error> {
        while self.closed.is_none() {
            let Ok(frame) = timeout_at(self.heard_at + SILENT_FOR, self.stream.next()).await else {
                self.broke(format!("nothing came for {} s", SILENT_FOR.as_secs()));
                break;
            };
            self.heard_at = Instant::now();
            match frame {
                Some(Ok(Message::Text(text))) => return Received::read(text.as_str()).map(Some),
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(Some(frame)))) => {
                    self.closed = Some(Closed { code: Some(frame.code.into()), reason: frame.reason.to_string() });
                }
                Some(Ok(Message::Close(None))) => self.broke("the server closed it without a word".to_owned()),
                Some(Err(error)) => self.broke(error.to_string()),
                None => self.broke("the server went without a word".to_owned()),
            }
        }
        Ok(None)
    }

    fn broke(&mut self, reason: String) {
        self.closed.get_or_insert(Closed { code: None, reason });
    }

    fn gone(&self) -> Error {
        let why = self.closed.as_ref().map_or_else(|| "it broke".to_owned(), ToString::to_string);
        Error::Closed { address: self.address.clone(), why }
    }
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Some(code) if self.reason.is_empty() => write!(f, "closed with {code}"),
            Some(code) => write!(f, "closed with {code}: {}", self.reason.escape_debug()),
            None => f.write_str(&self.reason),
        }
    }
}

fn unexplained() -> ErrorBody {
    ErrorBody {
        errcode: errcode::UNKNOWN.to_owned(),
        error: "the server refused without a reason: see its log".to_owned(),
        status: None,
        call_id: None,
        retry_after_ms: None,
    }
}

#[cfg(test)]
mod tests;
