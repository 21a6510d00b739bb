//! Bare WebSockets: what comes from one is written to another.

use std::sync::Arc;

use anyhow::Result;
use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::RwLock;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig},
};

/// How many digits a target has.
pub const TARGET: usize = 6;

/// The sockets by their numbers.
#[derive(Default)]
pub struct Sockets(RwLock<Vec<Option<mpsc::Sender<Utf8Bytes>>>>);

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
        if let Some(Some(socket)) = sockets.get(target) {
            let _ = socket.try_send(frame);
        }
    }

    async fn carry(&self, stream: TcpStream) -> Result<()> {
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let mut socket = accept_async_with_config(stream, Some(config)).await?;
        let Some(Ok(Message::Text(number))) = socket.next().await else { return Ok(()) };
        let (sender, mut outbox) = mpsc::channel(1024);
        self.enter(number.parse()?, sender);
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

    fn enter(&self, number: usize, sender: mpsc::Sender<Utf8Bytes>) {
        let mut sockets = self.0.write();
        if sockets.len() <= number {
            sockets.resize(number + 1, None);
        }
        sockets[number] = Some(sender);
    }

    fn hand_on(&self, frame: &Utf8Bytes) {
        let Some((target, rest)) = frame.split_at_checked(TARGET) else { return };
        if let Ok(target) = target.parse() {
            self.send(target, rest.into());
        }
    }
}

const REGISTERED: &str = r#"{"type":"registered","userId":"@u000000:bench","deviceId":"D0","sessionId":"00000000000000000000000000000000","gracePeriodMs":20000,"serverTime":"2026-01-01T00:00:00.000Z"}"#;
