//! Socket.IO at `/socket.io/`, by socketioxide: clients of version 4 by websocket and polling, of version 2 by websocket.
//!
//! Its handlers only put frames into the connection's inbox, in the order in which they come; the loop does the rest.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{OriginalUri, Request},
    http::HeaderValue,
};
use call::wire::{ClientMessage, ErrorBody, Refused, ServerEvent};
use serde_json::{Value, value::RawValue};
use socketioxide::{
    SendError, SocketError, SocketIo, SocketIoBuilder,
    adapter::LocalAdapter,
    extract::{AckSender, SocketRef},
    handler::{ConnectHandler as _, FromMessageParts},
    layer::SocketIoLayer,
    socket::Socket,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{BUFFER, Close, Frame, Gone, MAX_FRAME, PING_EVERY, PONG_WITHIN, Transport, Unreadable, WRITE_WITHIN, serve};
use crate::{
    app::App,
    error::ApiError,
    hub::{Event, Numbered},
    metrics,
    public_url::Ends,
};

/// What the paths of its requests begin with.
const PATH: &str = "/socket.io";
/// How many frames of one client may wait to be handled; past it they are refused.
const INBOX: usize = 256;
/// How long to wait for a slow client before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The layer that serves `/socket.io/`, and the handle that closes every connection.
pub fn layer(app: &Arc<App>) -> (SocketIoLayer, SocketIo) {
    let builder: SocketIoBuilder = SocketIo::builder()
        .ping_interval(PING_EVERY)
        .ping_timeout(PONG_WITHIN)
        .max_payload(MAX_FRAME as u64)
        .ws_max_message_size(MAX_FRAME)
        .ws_max_frame_size(MAX_FRAME)
        .ws_read_buffer_size(BUFFER)
        .max_buffer_size(crate::hub::OUTBOX);
    let (layer, io) = builder.build_layer();
    let app = app.clone();
    // As a middleware, which runs before the client is told that it is connected: a message that came before there is somebody to
    // handle it would be lost, and its sender never answered.
    let connecting = move |socket: SocketRef| {
        connected(&app, socket);
        std::future::ready(Ok::<(), Infallible>(()))
    };
    io.ns("/", (|| std::future::ready(())).with(connecting));
    (layer, io)
}

/// The request with a head that holds nothing else in memory. The library keeps the head as long as the connection, and what the HTTP
/// library gives are slices of all that it has read: 16 KiB for each client.
pub fn own_head(mut request: Request) -> Request {
    if !request.uri().path().starts_with(PATH) {
        return request;
    }
    for value in request.headers_mut().values_mut() {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copy;
        }
    }
    if let Ok(copy) = request.uri().to_string().parse() {
        *request.uri_mut() = copy;
        request.extensions_mut().remove::<OriginalUri>();
    }
    request
}

fn connected(app: &Arc<App>, socket: SocketRef) {
    let (sender, inbox) = mpsc::channel(INBOX);
    let gone = CancellationToken::new();
    let left = gone.clone();
    socket.on_disconnect(move || {
        left.cancel();
        std::future::ready(())
    });
    socket.on_fallback(move |packet: Packet, ack: Acknowledge| {
        if let Err(mpsc::error::TrySendError::Full(waiting)) = sender.try_send(Box::new((packet, ack))) {
            let (_, ack) = *waiting;
            let error = ApiError::unavailable("too many messages wait to be handled: send slower").body;
            metrics::refused(Client::NAME, &error.errcode);
            let _ = ack.sender.send(&Answer { ok: false, error });
        }
        std::future::ready(())
    });
    let request = socket.req_parts();
    let Some(ends) = request.extensions.get::<Ends>() else {
        tracing::error!("a Socket.IO connection came without its addresses");
        return;
    };
    let base_url = app.urls.base(&request.headers, *ends);
    let app = app.clone();
    app.sockets.clone().spawn(async move {
        serve(app, base_url, Client { socket, inbox, gone }).await;
    });
}

/// A packet as it came: one JSON array, the event's name first.
struct Packet(String);

impl FromMessageParts<LocalAdapter> for Packet {
    type Error = Infallible;

    fn from_message_parts(
        _: &Arc<Socket<LocalAdapter>>,
        value: &mut socketioxide_core::Value,
        _: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self(match value {
            socketioxide_core::Value::Str(text, _) => text.as_str().to_owned(),
            socketioxide_core::Value::Bytes(_) => String::new(),
        }))
    }
}

/// The way to answer a packet, if its sender wants an answer.
struct Acknowledge {
    sender: AckSender,
    wanted: bool,
}

impl FromMessageParts<LocalAdapter> for Acknowledge {
    type Error = Infallible;

    fn from_message_parts(
        socket: &Arc<Socket<LocalAdapter>>,
        value: &mut socketioxide_core::Value,
        id: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self { sender: AckSender::from_message_parts(socket, value, id)?, wanted: id.is_some() })
    }
}

/// A client by Socket.IO.
struct Client {
    socket: SocketRef,
    /// In boxes: a channel makes room for its first 32 items beforehand, for each connection.
    inbox: mpsc::Receiver<Box<(Packet, Acknowledge)>>,
    gone: CancellationToken,
}

impl Transport for Client {
    const NAME: &'static str = "socket.io";

    type ReplyTo = Acknowledge;

    async fn receive(&mut self) -> Result<Frame<Acknowledge>, Option<Close>> {
        tokio::select! {
            biased;
            frame = self.inbox.recv() => {
                let (Packet(text), reply_to) = *frame.ok_or(None)?;
                Ok(Frame { message: read(&text), reply_to })
            }
            () = self.gone.cancelled() => Err(None),
        }
    }

    async fn feed(&mut self, event: &Numbered) -> Result<(), Gone> {
        let Ok(body) = RawValue::from_string(event.numbered()) else { return Err(Gone) };
        let patience = Instant::now() + WRITE_WITHIN;
        loop {
            match self.socket.emit(event.name, &body) {
                Ok(()) => return Ok(()),
                Err(SendError::Socket(SocketError::InternalChannelFull)) if Instant::now() < patience => sleep(LOOK_AGAIN).await,
                Err(_) => return Err(Gone),
            }
        }
    }

    /// The library sends by itself what was emitted, together where it is much.
    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    async fn reply(&mut self, to: Acknowledge, event: &str, result: Result<Value, ErrorBody>) -> Result<(), Gone> {
        match (to.wanted, result) {
            (false, Ok(_)) => Ok(()),
            (true, Ok(fields)) => to.sender.send(&super::done(fields)).map_err(|_| Gone),
            (true, Err(error)) => to.sender.send(&Answer { ok: false, error }).map_err(|_| Gone),
            (false, Err(error)) => self.refuse(Some(event.to_owned()).filter(|event| !event.is_empty()), error).await,
        }
    }

    /// A client takes a disconnection for final, and does not come back by itself. A server that goes cuts the connections below
    /// instead, all at once, and clients come back.
    async fn close(&mut self, why: Close) {
        match why {
            Close::Policy | Close::TooBig | Close::Resumed | Close::TooSlow => {
                let patience = Instant::now() + PING_EVERY + PONG_WITHIN;
                // While its buffer is full not even this can be said; when that never changes, the heartbeat ends it.
                while let Err(SocketError::InternalChannelFull) = self.socket.clone().disconnect()
                    && Instant::now() < patience
                {
                    sleep(LOOK_AGAIN).await;
                }
            }
            Close::Restart => {}
        }
    }

    async fn refuse(&mut self, event: Option<String>, error: ErrorBody) -> Result<(), Gone> {
        let refused = Event::new(&ServerEvent::CallError(Box::new(Refused { ok: false, event, error })));
        self.send(&Arc::new(refused).into()).await
    }
}

#[derive(serde::Serialize)]
struct Answer {
    ok: bool,
    #[serde(flatten)]
    error: ErrorBody,
}

/// The event's name and its one object; no object is an empty one.
fn read(packet: &str) -> Result<ClientMessage, Unreadable> {
    let parts: Vec<&RawValue> = serde_json::from_str(packet).map_err(|_| ApiError::invalid("send an event with one object"))?;
    let name = parts.first().and_then(|name| serde_json::from_str::<String>(name.get()).ok());
    let name = name.ok_or_else(|| ApiError::invalid("send an event with a name"))?;
    let body = parts.get(1).map_or("{}", |body| body.get());
    ClientMessage::parse(&name, body).map_err(|malformed| Unreadable::new(&name, body, malformed))
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, Bytes},
        http::Uri,
    };

    use super::*;

    #[test]
    fn a_head_of_its_own_lets_go_of_what_was_read() -> Result<(), Box<dyn std::error::Error>> {
        let read = Bytes::from(b"GET /socket.io/?EIO=4 HTTP/1.1\r\nhost: example.org\r\n".to_vec());
        let uri = Uri::from_maybe_shared(read.slice(4..21))?;
        let mut request = Request::builder().uri(uri.clone()).body(Body::empty())?;
        request.headers_mut().insert("host", HeaderValue::from_maybe_shared(read.slice(38..49))?);
        request.extensions_mut().insert(OriginalUri(uri));
        assert!(!read.is_unique());
        let request = own_head(request);
        assert_eq!(request.uri(), "/socket.io/?EIO=4");
        assert_eq!(request.headers()["host"], "example.org");
        assert!(read.is_unique());
        Ok(())
    }
}
