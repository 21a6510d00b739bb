//! Plain WebSocket (RFC 6455) at `/` and `/ws`.

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use axum::{
    Extension, Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use call::wire::{Ack, ErrorBody, Malformed, Refused, ServerEvent, TypedFrame, errcode};
use futures_util::{SinkExt, StreamExt, poll};
use hyper::upgrade::Upgraded;
use hyper_util::{
    rt::TokioIo,
    server::conn::auto::upgrade::{Parts, downcast},
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        error::CapacityError,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use super::{BUFFER, Close, Frame, Gone, MAX_FRAME, PING_EVERY, PONG_WITHIN, Transport, Unreadable, WRITE_WITHIN, serve};
use crate::{
    app::App,
    error::ApiError,
    hub::{Event, Numbered},
    metrics,
    public_url::Ends,
};

/// How much of a frame that is too long is read before the connection is cut, so that its sender gets to read why.
const DRAIN: usize = 8 * 1024 * 1024;
/// For how long.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);
/// The longest `id` of a message, in bytes.
const MAX_ID: usize = 256;

type Socket = WebSocketStream<TcpStream>;

/// `GET /ws`, and `GET /` by whoever wants one: a socket.
pub async fn upgrade(State(app): State<Arc<App>>, Extension(ends): Extension<Ends>, mut request: Request) -> Response {
    let headers = request.headers();
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| wants_upgrade(headers)).cloned();
    let version = headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let (Some(key), true) = (key, version) else {
        let error = "this is a WebSocket: connect with a WebSocket client (version 13)";
        let mut refused = ApiError::new(StatusCode::UPGRADE_REQUIRED, errcode::UNRECOGNIZED, error).into_response();
        refused.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        refused.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return refused;
    };
    let base_url = app.urls.base(headers, ends);
    let upgrade = hyper::upgrade::on(&mut request);
    app.sockets.clone().spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let Some((stream, read)) = bare(upgraded) else {
            tracing::error!("a WebSocket did not come by the TCP connection that it should");
            return;
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_write_buffer_size(16 * 1024 * 1024)
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        let socket = WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
        metrics::websocket_opened();
        serve(app, base_url, Plain::new(socket)).await;
        metrics::websocket_gone();
    });
    let accept = derive_accept_key(key.as_bytes());
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .body(Body::empty())
        .unwrap_or_else(|_| Json(()).into_response())
}

/// The TCP stream again, and what was read of it beyond the request: what the HTTP library has put around it would be asked with every
/// frame, and its buffer kept.
fn bare(upgraded: Upgraded) -> Option<(TcpStream, Vec<u8>)> {
    let Parts { io, read_buf, .. } = downcast::<TokioIo<TcpStream>>(upgraded).ok()?;
    Some((io.into_inner(), read_buf.to_vec()))
}

/// Whether this is a WebSocket client, or says so.
pub fn wants_upgrade(headers: &HeaderMap) -> bool {
    let has = |name, word: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
    };
    has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade")
}

/// A client by plain WebSocket.
struct Plain {
    socket: Socket,
    /// When it was pinged last, or came.
    pinged_at: Instant,
    /// Whether it has said nothing since it was pinged.
    is_quiet: bool,
}

impl Transport for Plain {
    const NAME: &'static str = "websocket";

    type ReplyTo = Option<Value>;

    async fn receive(&mut self) -> Result<Frame<Option<Value>>, Option<Close>> {
        loop {
            let message = self.socket.next().await.ok_or(None)?;
            // Whatever comes shows that the client is there.
            self.is_quiet = false;
            match message {
                Ok(Message::Text(text)) => return Ok(read(text.as_str())),
                Ok(Message::Binary(_)) => {
                    let error = Malformed { errcode: errcode::NOT_JSON, error: "send text frames".to_owned() };
                    return Ok(Frame { message: Err(ApiError::from(error).into()), reply_to: None });
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Err(tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. })) => return Err(Some(Close::TooBig)),
                Ok(Message::Close(_)) | Err(_) => return Err(None),
            }
        }
    }

    /// Pings the client, and gives up one that has said nothing since.
    async fn look_after(&mut self) -> Result<Option<Instant>, Option<Close>> {
        let due = self.pinged_at + if self.is_quiet { PONG_WITHIN } else { PING_EVERY };
        let now = Instant::now();
        if now < due {
            return Ok(Some(due));
        }
        if self.is_quiet {
            return Err(None);
        }
        (self.pinged_at, self.is_quiet) = (now, true);
        self.write(Message::Ping(tungstenite::Bytes::new())).await.map_err(|Gone| None)?;
        Ok(Some(now + PONG_WITHIN))
    }

    async fn feed(&mut self, event: &Numbered) -> Result<(), Gone> {
        in_time(self.socket.feed(Message::text(event.numbered()))).await
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        in_time(self.socket.flush()).await
    }

    async fn reply(&mut self, to: Option<Value>, event: &str, result: Result<Value, ErrorBody>) -> Result<(), Gone> {
        let answer = match (to, result) {
            (None, Ok(_)) => return Ok(()),
            (Some(id), Ok(fields)) => ack(id, fields),
            (Some(id), Err(error)) => {
                Event::new(&ServerEvent::Ack(Box::new(Ack { id: Some(id), ok: false, error: Some(error), entered: None })))
            }
            (None, Err(error)) => {
                return self.refuse(Some(event.to_owned()).filter(|event| !event.is_empty()), error).await;
            }
        };
        self.send(&Arc::new(answer).into()).await
    }

    async fn refuse(&mut self, event: Option<String>, error: ErrorBody) -> Result<(), Gone> {
        let refused = Event::new(&ServerEvent::Error(Box::new(Refused { ok: false, event, error })));
        self.send(&Arc::new(refused).into()).await
    }

    async fn close(&mut self, why: Close) {
        let frame = CloseFrame { code: why.code().into(), reason: why.reason().into() };
        if self.write(Message::Close(Some(frame))).await.is_ok() {
            // In a box: its buffer would have its place in every socket that waits.
            let _ = timeout(DRAIN_WITHIN, Box::pin(drain(self.socket.get_mut()))).await;
        }
    }
}

impl Plain {
    fn new(socket: Socket) -> Self {
        Self { socket, pinged_at: Instant::now(), is_quiet: false }
    }

    async fn write(&mut self, message: Message) -> Result<(), Gone> {
        in_time(self.socket.send(message)).await
    }
}

/// Mostly the socket has room, and no clock is needed.
async fn in_time(write: impl Future<Output = Result<(), tungstenite::Error>>) -> Result<(), Gone> {
    let mut write = pin!(write);
    let written = match poll!(write.as_mut()) {
        Poll::Ready(written) => written,
        Poll::Pending => timeout(WRITE_WITHIN, write).await.map_err(|_| Gone)?,
    };
    written.map_err(|_| Gone)
}

/// The fields of an answer, with `id` and `ok`.
fn ack(id: Value, fields: Value) -> Event {
    let mut object = super::done(fields);
    object.insert("type".to_owned(), "ack".into());
    object.insert("id".to_owned(), id);
    Event::of("ack", Value::Object(object).to_string())
}

/// Reads on until the client has closed its end: bytes that nobody reads would cut the connection before our last words arrive.
async fn drain(socket: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = [0; BUFFER];
    let mut drained = 0;
    while drained < DRAIN {
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => drained += read,
        }
    }
}

fn read(text: &str) -> Frame<Option<Value>> {
    let TypedFrame { event, id, message } = match TypedFrame::read(text) {
        Ok(frame) => frame,
        Err(malformed) => return Frame { message: Err(ApiError::from(malformed).into()), reply_to: None },
    };
    if id.as_ref().is_some_and(|id| id.get().len() > MAX_ID) {
        return Frame { message: Err(ApiError::invalid("`id` must have at most 256 bytes").into()), reply_to: None };
    }
    let message = message.map_err(|malformed| Unreadable::new(&event, text, malformed));
    Frame { message, reply_to: id.and_then(|id| serde_json::from_str(id.get()).ok()) }
}

#[cfg(test)]
mod tests {
    use tokio::{net::TcpListener, task::yield_now, time::advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_is_pinged_every_20_s_and_given_up_after_10_s_of_silence() -> Result<(), Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let (stream, _) = listener.accept().await?;
        let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        let start = Instant::now();
        let mut plain = Plain::new(WebSocketStream::from_raw_socket(stream, Role::Server, None).await);
        for round in 1..=3 {
            let ping_at = start + PING_EVERY * round;
            assert_eq!(plain.look_after().await, Ok(Some(ping_at)));
            advance(ping_at - Instant::now()).await;
            assert_eq!(plain.look_after().await, Ok(Some(ping_at + PONG_WITHIN)));
            assert_eq!(client.next().await.ok_or("closed")??, Message::Ping(tungstenite::Bytes::new()));
            // Its answer goes with this.
            client.flush().await?;
            while plain.is_quiet {
                assert!(poll!(pin!(plain.receive())).is_pending());
                yield_now().await;
            }
            advance(PONG_WITHIN).await;
        }
        advance(PONG_WITHIN).await;
        plain.look_after().await.map_err(|_| "it was given up too early")?;
        advance(PONG_WITHIN).await;
        assert_eq!(plain.look_after().await, Err(None));
        Ok(())
    }
}
