//! What `wscat` is to an operator: a connection whose frames are printed as they come.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tungstenite::Message;

use crate::say;

/// An open connection.
pub struct Window {
    frames: Receiver<(Value, Instant)>,
}

impl Window {
    /// Connects and sends one message.
    pub fn open(address: &str, message: &str) -> Result<Self> {
        let (mut socket, _) = tungstenite::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        socket.send(Message::text(message)).context("cannot send")?;
        let (sender, frames) = channel();
        thread::spawn(move || {
            while let Ok(message) = socket.read() {
                let arrived = Instant::now();
                let Message::Text(text) = message else { continue };
                let frame = serde_json::from_str(text.as_str()).unwrap_or_default();
                if sender.send((frame, arrived)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { frames })
    }

    /// Prints what arrives until the event is there; gives it and when it came.
    pub fn expect(&self, event: &str) -> Result<(Value, Instant)> {
        let limit = Instant::now() + Duration::from_secs(10);
        loop {
            match self.frames.recv_timeout(limit.saturating_duration_since(Instant::now())) {
                Ok((frame, arrived)) => {
                    say::line(&format!("< {}", say::shortened(&frame)));
                    if frame["type"] == event {
                        return Ok((frame, arrived));
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!("no `{event}` arrived within 10 s"),
                Err(RecvTimeoutError::Disconnected) => bail!("the connection was closed before `{event}` arrived"),
            }
        }
    }
}
