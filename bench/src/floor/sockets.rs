//! Bare WebSockets: what comes from one is written to another.

use std::sync::Arc;

use anyhow::Result;
use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::RwLock;
use socketioxide::extract::SocketRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig},
};

use super::socketio;

/// How many digits a target has.
pub const TARGET: usize = 6;
/// What a socket reads at once, in bytes.
pub const BUFFER: usize = 4096;
/// How many frames may wait for a socket.
pub const WAITING: usize = 1024;

/// The sockets by their numbers.
#[derive(Default)]
pub struct Sockets(RwLock<Vec<Option<Outlet>>>);

/// The way to a client.
#[derive(Clone)]
pub enum Outlet {
    Plain(mpsc::Sender<Utf8Bytes>),
    SocketIo(SocketRef),
}

impl Sockets {
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let sockets = self.clone();
            // A socket that breaks is gone, and nobody is told.
            tokio::spawn(async move { drop(sockets.carry(stream).await) });
        }
    }

    /// Hands a frame to a socket.
    pub fn send(&self, target: usize, frame: Utf8Bytes) {
        let sockets = self.0.read();
        match sockets.get(target) {
            Some(Some(Outlet::Plain(socket))) => drop(socket.try_send(frame)),
            Some(Some(Outlet::SocketIo(socket))) => socketio::emit(socket, &frame),
            Some(None) | None => {}
        }
    }

    async fn carry(&self, stream: TcpStream) -> Result<()> {
        let config = WebSocketConfig::default().read_buffer_size(BUFFER);
        let mut socket = accept_async_with_config(stream, Some(config)).await?;
        let Some(Ok(Message::Text(number))) = socket.next().await else { return Ok(()) };
        let (sender, mut outbox) = mpsc::channel(WAITING);
        self.enter(number.parse()?, Outlet::Plain(sender));
        socket.send(Message::text(REGISTERED)).await?;
        loop {
            tokio::select! {
                frame = outbox.recv() => {
                    let Some(frame) = frame else { return Ok(()) };
                    socket.feed(Message::Text(frame)).await?;
                    while let Ok(frame) = outbox.try_recv() {
                        socket.feed(Message::Text(frame)).await?;
                    }
                    socket.flush().await?;
                }
                frame = socket.next() => match frame {
                    Some(Ok(Message::Text(frame))) => self.hand_on(&frame),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Ok(()),
                },
            }
        }
    }

    /// A socket says its number.
    pub fn enter(&self, number: usize, outlet: Outlet) {
        let mut sockets = self.0.write();
        if sockets.len() <= number {
            sockets.resize(number + 1, None);
        }
        sockets[number] = Some(outlet);
    }

    fn hand_on(&self, frame: &Utf8Bytes) {
        let Some((target, rest)) = frame.split_at_checked(TARGET) else { return };
        if let Ok(target) = target.parse() {
            self.send(target, rest.into());
        }
    }
}

/// What a socket is told that has entered.
pub const REGISTERED: &str = r#"{"type":"registered","userId":"@u000000:bench","deviceId":"D0","sessionId":"00000000000000000000000000000000","gracePeriodMs":20000,"serverTime":"2026-01-01T00:00:00.000Z"}"#;
