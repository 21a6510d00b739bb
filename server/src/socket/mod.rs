//! Sockets: one loop for both transports. The loop alone writes to its socket; what others send to it waits in its outbox.

mod peer;
pub mod plain;
mod seldom;
pub mod socketio;

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use call::{
    ids::CallId,
    wire::{ClientMessage, ErrorBody, Malformed, ServerEvent},
};
use futures_util::poll;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    app::App,
    clock,
    error::ApiError,
    hub::{Attached, Event, Numbered, Outbox},
    metrics,
};
use peer::Peer;
use seldom::Seldom;

/// Both transports ping this often (contract, section 4).
pub const PING_EVERY: Duration = Duration::from_secs(20);
/// And give up when nothing has come this long after a ping.
pub const PONG_WITHIN: Duration = Duration::from_secs(10);
/// The longest frame, in bytes.
pub const MAX_FRAME: usize = 64 * 1024;
/// What a socket reads at once, and collects at most before it writes: an idle one costs this much memory.
pub const BUFFER: usize = 4 * 1024;
/// How many events are sent before the socket's own frames are looked at again, and how many signals are handed on before its events.
const AT_ONCE: usize = 64;
/// A socket that has not registered by then is closed.
const REGISTER_WITHIN: Duration = Duration::from_mins(1);
/// A socket's token is asked about again after this long, spread over a minute.
const RECHECK_EVERY: Duration = Duration::from_mins(5);
const RECHECK_SPREAD_MS: u64 = 60_000;
/// A write that takes longer has a reader that is too slow.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// A way to a client.
pub trait Transport: Send {
    /// Its name, for those who look on.
    const NAME: &'static str;

    /// How a frame is answered, where its sender wants that.
    type ReplyTo: Send;

    /// The next frame; else why to close, or `None`: the client is gone. May be dropped and called again without losing one.
    fn receive(&mut self) -> impl Future<Output = Result<Frame<Self::ReplyTo>, Option<Close>>> + Send;

    /// Looks whether the client is still there, if it is time, and says when to look again; `None`: that is done elsewhere.
    fn look_after(&mut self) -> impl Future<Output = Result<Option<Instant>, Option<Close>>> + Send {
        async { Ok(None) }
    }

    /// Takes an event for the next [flush](Transport::flush), or sends it at once.
    fn feed(&mut self, event: &Numbered) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Sends what was fed.
    fn flush(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Sends an event.
    fn send(&mut self, event: &Numbered) -> impl Future<Output = Result<(), Gone>> + Send {
        async {
            self.feed(event).await?;
            self.flush().await
        }
    }

    /// Answers a frame: done, with these fields, or refused. `event` is the name of the refused event.
    fn reply(
        &mut self,
        to: Self::ReplyTo,
        event: &str,
        result: Result<Value, ErrorBody>,
    ) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Tells of a refusal that answers no frame with an acknowledgement.
    fn refuse(&mut self, event: Option<String>, error: ErrorBody) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Says goodbye.
    fn close(&mut self, why: Close) -> impl Future<Output = ()> + Send;
}

/// What a client sends.
pub struct Frame<R> {
    /// What it asks, or why that cannot be told.
    pub message: Result<ClientMessage, Unreadable>,
    /// How to answer it.
    pub reply_to: R,
}

/// A frame that is no message.
#[derive(Debug)]
pub struct Unreadable {
    /// The event's name; empty where it has none.
    pub event: String,
    /// What is wrong with it.
    pub error: ApiError,
}

impl Unreadable {
    /// A message that is not as it should be; the refusal names the call, where the message does.
    fn new(event: &str, body: &str, malformed: Malformed) -> Self {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Named {
            call_id: CallId,
        }
        let error = ApiError::from(malformed);
        let call_id = serde_json::from_str::<Named>(body).ok().map(|named| named.call_id);
        let body = ErrorBody { call_id: error.body.call_id.or(call_id), ..error.body };
        Self { event: event.to_owned(), error: ApiError { body, ..error } }
    }
}

/// A frame without even a name.
impl From<ApiError> for Unreadable {
    fn from(error: ApiError) -> Self {
        Self { event: String::new(), error }
    }
}

/// The client cannot be reached by this socket any more.
#[derive(Debug)]
pub struct Gone;

/// Why a socket is closed from here: WebSocket close codes (RFC 6455, section 7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// It has not registered in time, or its token is dead.
    Policy,
    /// A frame was too long.
    TooBig,
    /// It reads too slowly; it may resume.
    TooSlow,
    /// Another connection has resumed its session.
    Resumed,
    /// The server goes.
    Restart,
}

impl Close {
    fn code(self) -> u16 {
        match self {
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::TooSlow => 1013,
            Self::Resumed => 1000,
            Self::Restart => 1012,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::TooBig => "too_big",
            Self::TooSlow => "too_slow",
            Self::Resumed => "resumed",
            Self::Restart => "restart",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Policy => "register with a valid token within 60 s",
            Self::TooBig => "a frame may have 64 KiB at most",
            Self::TooSlow => "read faster: connect again and resume",
            Self::Resumed => "another connection has resumed this session",
            Self::Restart => "the server goes: connect again",
        }
    }
}

/// Serves one connection until it ends.
pub async fn serve<T: Transport>(app: Arc<App>, base_url: String, mut transport: T) {
    let mut peer = Peer::new(app.clone(), base_url);
    let mut outbox = None;
    // First for registering, then for looking at the token again.
    let mut recheck_at = Instant::now() + REGISTER_WITHIN;
    // What has to be done is decided when it fires: to set a timer anew costs more than to hand on a signal.
    let mut timer = pin!(sleep(PING_EVERY));
    let mut stopping = pin!(app.stopping.cancelled());
    let mut seldom = Seldom::new();
    let why = loop {
        tokio::select! {
            frame = transport.receive() => {
                let handled = match frame {
                    Ok(frame) => handle_all(&mut transport, &mut peer, frame).await,
                    Err(why) => Err(why),
                };
                match handled {
                    Ok(Some(receiver)) => {
                        outbox = Some(receiver);
                        recheck_at = Instant::now() + RECHECK_EVERY + Duration::from_millis(clock::jitter(RECHECK_SPREAD_MS));
                    }
                    Ok(None) => {}
                    Err(why) => break why,
                }
            }
            event = next(&mut outbox) => {
                // The hub has let go of this line: its outbox was full, or another line has taken its place.
                let Some(event) = event else { break Some(if peer.is_replaced() { Close::Resumed } else { Close::TooSlow }) };
                if send_all(&mut transport, event, outbox.as_mut()).await.is_err() {
                    break Some(Close::TooSlow);
                }
            }
            is_time = seldom.wait(|context| match timer.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending => stopping.as_mut().poll(context).map(|()| false),
            }) => {
                if !is_time {
                    say_goodbye(&mut transport, &peer, outbox.as_mut()).await;
                    break Some(Close::Restart);
                }
                match look_after(&mut transport, &peer, outbox.is_some(), &mut recheck_at).await {
                    Ok(again) => timer.as_mut().reset(again),
                    Err(why) => break why,
                }
            }
        }
    };
    metrics::socket_closed(T::NAME, why.map_or("client", Close::word));
    if let Some(why) = why {
        transport.close(why).await;
    }
    peer.gone().await;
}

/// Looks whether the client is still there, and still who it has said; says when to look again.
async fn look_after<T: Transport>(
    transport: &mut T,
    peer: &Peer,
    is_registered: bool,
    recheck_at: &mut Instant,
) -> Result<Instant, Option<Close>> {
    let again = transport.look_after().await?;
    if Instant::now() >= *recheck_at {
        if !is_registered {
            return Err(Some(Close::Policy));
        }
        *recheck_at = Instant::now() + RECHECK_EVERY;
        if let Err(error) = peer.recheck().await {
            metrics::refused(T::NAME, &error.body.errcode);
            let _ = transport.refuse(None, error.body).await;
            return Err(Some(Close::Policy));
        }
    }
    Ok(again.map_or(*recheck_at, |again| again.min(*recheck_at)))
}

/// An event from the outbox, and those that wait behind it: they share a packet.
async fn send_all<T: Transport>(transport: &mut T, first: Numbered, mut outbox: Option<&mut Outbox>) -> Result<(), Gone> {
    let behind = std::iter::from_fn(|| outbox.as_mut()?.take()).take(AT_ONCE);
    for event in std::iter::once(first).chain(behind) {
        match &event.ringing {
            // How long a ring has taken is known now.
            Some(ringing) => ringing.watch(transport.send(&event)).await?,
            None => transport.feed(&event).await?,
        }
    }
    transport.flush().await
}

async fn say_goodbye<T: Transport>(transport: &mut T, peer: &Peer, outbox: Option<&mut Outbox>) {
    let reconnect_after_ms = 500 + clock::jitter(2_000);
    let goodbye = Arc::new(Event::new(&ServerEvent::ServerShutdown { reconnect_after_ms }));
    match outbox {
        Some(outbox) if peer.tell(&goodbye) => {
            while let Some(event) = outbox.take() {
                let _ = send_all(transport, event, Some(outbox)).await;
            }
        }
        Some(_) | None => drop(transport.send(&goodbye.into()).await),
    }
}

/// The fields of an answer, with `ok`.
fn done(fields: Value) -> serde_json::Map<String, Value> {
    let mut object = if let Value::Object(object) = fields { object } else { serde_json::Map::new() };
    object.insert("ok".to_owned(), true.into());
    object
}

async fn next(outbox: &mut Option<Outbox>) -> Option<Numbered> {
    match outbox {
        Some(outbox) => outbox.next().await,
        None => std::future::pending().await,
    }
}

/// What came of a frame.
enum Handled {
    /// Its sender has registered, and hears this.
    Registered(Outbox),
    /// A signal is on its way.
    HandedOn,
    /// Whatever else.
    Done,
}

/// Does what a frame asks. Signals come many at once and take no time, so those that have come behind one are handed on with it; whatever
/// may have to wait for somebody does so in the loop, where everything else is looked at, too.
async fn handle_all<T: Transport>(
    transport: &mut T,
    peer: &mut Peer,
    first: Frame<T::ReplyTo>,
) -> Result<Option<Outbox>, Option<Close>> {
    let mut frame = first;
    for left in (0..AT_ONCE).rev() {
        match handle(transport, peer, frame).await? {
            Handled::Registered(outbox) => return Ok(Some(outbox)),
            Handled::HandedOn if left > 0 => {}
            Handled::HandedOn | Handled::Done => break,
        }
        let Poll::Ready(next) = poll!(pin!(transport.receive())) else { break };
        frame = next?;
    }
    Ok(None)
}

/// Does what a frame asks, and answers it. Fails with how to close, if at all.
async fn handle<T: Transport>(
    transport: &mut T,
    peer: &mut Peer,
    Frame { message, reply_to }: Frame<T::ReplyTo>,
) -> Result<Handled, Option<Close>> {
    match message {
        // Most are signals, and their way is short: no room is made on it for what others need.
        Ok(ClientMessage::Signal(id, signal, claimed)) => {
            let result = peer.hand_on(&id, &signal, &claimed).await;
            let handled = if result.is_ok() { Handled::HandedOn } else { Handled::Done };
            answer(transport, peer, reply_to, signal.kind.event(), Some(id), result.map(|()| Value::Null)).await?;
            Ok(handled)
        }
        Ok(message) => Box::pin(obey(transport, peer, message, reply_to)).await,
        Err(Unreadable { event, error }) => {
            metrics::refused(T::NAME, &error.body.errcode);
            transport.reply(reply_to, &event, Err(error.body)).await.map_err(|Gone| None)?;
            Ok(Handled::Done)
        }
    }
}

/// The same for what is no signal.
async fn obey<T: Transport>(
    transport: &mut T,
    peer: &mut Peer,
    message: ClientMessage,
    reply_to: T::ReplyTo,
) -> Result<Handled, Option<Close>> {
    let (event, call_id) = (message.event(), message.call().cloned());
    let mut handled = Handled::Done;
    let result = match peer.handle(message).await {
        Ok(done) => {
            for event in done.registered.into_iter().map(Arc::new) {
                transport.send(&event.into()).await.map_err(|Gone| None)?;
            }
            if let Some(Attached { outbox: receiver, missed, .. }) = done.attached {
                for event in missed.unwrap_or_default() {
                    transport.send(&event).await.map_err(|Gone| None)?;
                }
                handled = Handled::Registered(receiver);
            }
            Ok(done.answer)
        }
        Err(error) => Err(error),
    };
    answer(transport, peer, reply_to, event, call_id, result).await?;
    Ok(handled)
}

/// Says what has come of a frame; a refusal names the call. A client whose token is dead is let go of.
async fn answer<T: Transport>(
    transport: &mut T,
    peer: &Peer,
    reply_to: T::ReplyTo,
    event: &str,
    call_id: Option<CallId>,
    result: Result<Value, ApiError>,
) -> Result<(), Option<Close>> {
    let result = result.map_err(|ApiError { body, .. }| {
        metrics::refused(T::NAME, &body.errcode);
        ErrorBody { call_id: body.call_id.or(call_id), ..body }
    });
    let dead = result.as_ref().is_err_and(|error| error.errcode == call::wire::errcode::UNKNOWN_TOKEN) && peer.is_registered();
    transport.reply(reply_to, event, result).await.map_err(|Gone| None)?;
    if dead { Err(Some(Close::Policy)) } else { Ok(()) }
}
