//! One socket to a server, whichever way it is spoken to.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use call::wire::Register;
use client::Socket;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::floor;

/// How sockets are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// The plain WebSocket.
    Plain,
    /// Socket.IO, by websocket.
    SocketIo,
    /// The floor's: six digits, then the frame.
    Bare,
    /// The floor's by Socket.IO: the event's name are the digits.
    BareSocketIo,
}

/// An event, and when it came.
#[derive(Debug)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// The call that it is about; empty where it is about none.
    pub call: String,
    /// When it was read off the socket.
    pub at: Instant,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(rename = "type", default)]
    name: String,
    #[serde(default)]
    call_id: String,
}

/// Engine.IO's packets.
const PING: &str = "2";
const PONG: &str = "3";

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(8 * 1024)
}

/// Waits for a packet of this type, by its first characters; a ping may come before it.
async fn answer(stream: &mut Stream, packet: &str) -> Result<()> {
    loop {
        let message = stream.next().await.context("closed")??;
        if message.to_text().is_ok_and(|text| text.starts_with(packet)) {
            return Ok(());
        }
        if message != Message::text(PING) {
            bail!("{message} in place of {packet}");
        }
        stream.send(Message::text(PONG)).await?;
    }
}

/// A socket that has registered.
pub enum Wire {
    Plain(Box<Socket>),
    SocketIo(Box<Stream>),
    Bare(Box<Stream>),
    BareSocketIo(Box<Stream>),
}

/// A Socket.IO client that is connected.
async fn connect_socket_io(url: &str) -> Result<Box<Stream>> {
    let address = format!("{}/socket.io/?EIO=4&transport=websocket", url.replacen("http", "ws", 1));
    let (mut stream, _) = connect_async_with_config(address, Some(config()), true).await?;
    answer(&mut stream, "0").await?;
    stream.send(Message::text("40")).await?;
    answer(&mut stream, "40").await?;
    Ok(Box::new(stream))
}

impl Wire {
    /// Connects and registers.
    pub async fn open(transport: Transport, url: &str, number: usize, token: &str) -> Result<Self> {
        match transport {
            Transport::Plain => {
                let mut socket = Socket::connect(url).await?;
                let register = Register { access_token: Some(token.to_owned().into()), ..Register::default() };
                socket.register(&register).await?;
                Ok(Self::Plain(Box::new(socket)))
            }
            Transport::SocketIo => {
                let mut wire = Self::SocketIo(connect_socket_io(url).await?);
                let user = crate::homeserver::user_id(number);
                wire.send(0, "register-user", &format!(r#""userId":"{user}","accessToken":"{token}""#)).await?;
                wire.registered().await?;
                Ok(wire)
            }
            Transport::BareSocketIo => {
                let mut stream = connect_socket_io(url).await?;
                stream.send(Message::text(format!(r#"42["enter",{number}]"#))).await?;
                let mut wire = Self::BareSocketIo(stream);
                wire.registered().await?;
                Ok(wire)
            }
            Transport::Bare => {
                let (mut stream, _) = connect_async_with_config(url.replacen("http", "ws", 1), Some(config()), true).await?;
                stream.send(Message::text(number.to_string())).await?;
                let mut wire = Self::Bare(Box::new(stream));
                wire.registered().await?;
                Ok(wire)
            }
        }
    }

    async fn registered(&mut self) -> Result<()> {
        loop {
            let event = self.next().await?;
            match event.name.as_str() {
                "registered" => return Ok(()),
                "call-error" => bail!("registering was refused"),
                _ => {}
            }
        }
    }

    /// Sends a message with these fields; `target` is the device that gets it, which the floor alone is told.
    pub async fn send(&mut self, target: usize, event: &str, fields: &str) -> Result<()> {
        let width = floor::TARGET;
        match self {
            Self::Plain(socket) => socket.send_text(format!(r#"{{"type":"{event}",{fields}}}"#)).await?,
            Self::SocketIo(stream) => stream.send(Message::text(format!(r#"42["{event}",{{{fields}}}]"#))).await?,
            Self::Bare(stream) => {
                stream.send(Message::text(format!(r#"{target:0width$}{{"type":"{event}",{fields}}}"#))).await?;
            }
            Self::BareSocketIo(stream) => {
                stream.send(Message::text(format!(r#"42["{target:0width$}",{{"type":"{event}",{fields}}}]"#))).await?;
            }
        }
        Ok(())
    }

    /// The next event. May be cancelled without losing anything.
    pub async fn next(&mut self) -> Result<Event> {
        loop {
            let text = match self {
                Self::Plain(socket) => socket.next().await?.with_context(|| format!("closed: {:?}", socket.closed()))?.text,
                Self::SocketIo(stream) | Self::Bare(stream) | Self::BareSocketIo(stream) => {
                    match stream.next().await.context("closed")?? {
                        Message::Text(text) => text.to_string(),
                        Message::Close(frame) => bail!("closed: {frame:?}"),
                        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
                    }
                }
            };
            let at = Instant::now();
            let (Self::SocketIo(stream) | Self::BareSocketIo(stream)) = self else {
                let Head { name, call_id } = serde_json::from_str(&text)?;
                return Ok(Event { name, call: call_id, at });
            };
            if text == PING {
                stream.send(Message::text(PONG)).await?;
            }
            if let Some(packet) = text.strip_prefix("42") {
                let (name, Head { call_id, .. }): (String, Head) = serde_json::from_str(packet)?;
                return Ok(Event { name, call: call_id, at });
            }
        }
    }
}
