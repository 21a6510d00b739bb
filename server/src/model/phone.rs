//! A phone that believes what it is told, and complains where that cannot be right.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use call::{
    ids::{AccessToken, CallId, DeviceId, SessionId, UserId},
    wire::{ClientMessage, ErrorBody},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    app::App,
    hub::Numbered,
    socket::{Close, Frame, Gone, Transport, serve},
};

/// One device of one user.
#[derive(Clone)]
pub struct Phone {
    pub user: UserId,
    pub device: DeviceId,
    pub token: AccessToken,
    pub state: Arc<Mutex<State>>,
}

/// What it has been told.
#[derive(Default)]
pub struct State {
    pub session: Option<SessionId>,
    pub last_event: u64,
    /// Counts the connections: what comes by an earlier one is lost.
    pub connection: u64,
    pub connected: bool,
    /// Whether its user waits for an answer.
    pub acting: bool,
    socket: Option<mpsc::UnboundedSender<Frame<()>>>,
    /// The calls on its screen.
    pub shows: BTreeSet<CallId>,
    /// What it heard of each call in this session.
    seen: BTreeMap<CallId, Vec<String>>,
    /// Everything that it heard and did, for the complaint.
    pub story: Vec<String>,
    /// What cannot be right.
    pub complaints: Vec<String>,
    /// Calls that it started, answered or joined by its own doing: their end is told, though they did not ring here.
    pub in_call: BTreeSet<CallId>,
    /// Calls that it asked to enter or to leave just when it was told to stop: it may be told again.
    may_show: BTreeSet<CallId>,
    /// Calls that it has rejected, left or ended itself: an answer by HTTP may overtake a ring on the socket, which is too late then.
    done_with: BTreeSet<CallId>,
    pub calls_of_its_own: BTreeSet<CallId>,
}

impl Phone {
    pub fn new(user: &UserId, device: &str) -> Self {
        let token = AccessToken::from(format!("{user}/{device}"));
        Self { user: user.clone(), device: DeviceId::parse(device).unwrap(), token, state: Arc::default() }
    }

    /// Connects, and registers: resuming, if it was connected before.
    pub fn connect(&self, app: &Arc<App>) {
        let (socket, inbox) = mpsc::unbounded_channel();
        let mut state = self.state.lock();
        state.connection += 1;
        state.story.push("connects".to_owned());
        let mut register = json!({ "userId": self.user, "accessToken": self.token.expose() });
        if let Some(session) = &state.session {
            register["sessionId"] = json!(session);
            register["lastEventId"] = json!(state.last_event);
        }
        let _ = socket.send(frame("register-user", &register));
        state.socket = Some(socket);
        let wire = Wire { phone: self.clone(), connection: state.connection, inbox };
        tokio::spawn(serve(app.clone(), "http://here".to_owned(), wire));
    }

    /// The network is gone: what is in flight is lost. The server learns of it later, or when the phone connects again.
    pub fn lose(&self) {
        let mut state = self.state.lock();
        state.connection += 1;
        state.connected = false;
        state.story.push("loses its connection".to_owned());
    }

    /// The server learns that the connection is gone.
    pub fn hang_up_socket(&self) {
        self.lose();
        self.state.lock().socket = None;
    }

    /// Sends a message, if it is connected.
    pub fn send(&self, event: &str, body: &Value) {
        let state = self.state.lock();
        if let (true, Some(socket)) = (state.connected, &state.socket) {
            let _ = socket.send(frame(event, body));
        }
    }

    /// How often it was told to stop showing this call.
    pub fn stops(&self, call: &CallId) -> usize {
        self.state.lock().stops(call)
    }

    /// What it was told in this session that stops a call.
    pub fn stopped_by(&self) -> Vec<String> {
        let state = self.state.lock();
        state.seen.values().flatten().filter(|name| is_stop(name)).cloned().collect()
    }

    /// It has asked to come in, and is not told whether it may.
    pub fn may_come_in(&self, call: &CallId) {
        let mut state = self.state.lock();
        state.story.push("asks to come in".to_owned());
        state.may_show.insert(call.clone());
    }

    /// It is in this call now. Where it was told to stop while it asked, or has not heard all yet, that may be about before or after
    /// the server let it in.
    pub fn came_in(&self, call: &CallId, session: Option<&SessionId>, stops: usize, has_heard_all: bool) {
        let mut state = self.state.lock();
        state.story.push(format!("came in, as {session:?}"));
        if !has_heard_all || session.is_none() || state.session.as_ref() != session || state.stops(call) > stops {
            state.may_show.insert(call.clone());
        } else {
            state.shows.remove(call);
            state.in_call.insert(call.clone());
        }
        state.done_with.remove(call);
        state.seen.remove(call);
    }

    /// It has gone by its own doing.
    pub fn went(&self, call: &CallId) {
        let mut state = self.state.lock();
        state.story.push("went".to_owned());
        state.shows.remove(call);
        state.in_call.remove(call);
        state.may_show.insert(call.clone());
        state.done_with.insert(call.clone());
    }

    fn take(&self, event: &Numbered) {
        let text = event.numbered();
        let body: Value = serde_json::from_str(&text).unwrap();
        let mut state = self.state.lock();
        if let Some(number) = body.get("eventId").and_then(Value::as_u64) {
            let expected = state.last_event + 1;
            state.demand(number == expected, || format!("out of order: {text}"));
            state.last_event = number;
        }
        state.story.push(format!("< {text}"));
        state.take(event.name, &body);
    }
}

impl State {
    fn take(&mut self, name: &str, body: &Value) {
        let call = body.get("callId").and_then(Value::as_str).map(|id| CallId::parse(id).unwrap());
        match (name, call) {
            ("registered", _) => {
                let session: SessionId = serde_json::from_value(body["sessionId"].clone()).unwrap();
                let before = self.session.replace(session.clone());
                if before.as_ref() != Some(&session) {
                    self.last_event = 0;
                    self.shows.clear();
                    self.seen.clear();
                    self.in_call.clear();
                }
                self.connected = true;
            }
            ("resync", _) => {
                self.demand(body.get("eventId").is_none(), || "resync has no number".to_owned());
                self.seen.clear();
                // Which of the user's devices are in a call it does not say: the end of each may be told here.
                let calls = body["calls"].as_array().unwrap().iter();
                self.may_show.extend(calls.map(|call| CallId::parse(call["callId"].as_str().unwrap()).unwrap()));
            }
            ("incoming-call", Some(call)) => {
                self.demand(!self.was_stopped(&call), || "rings after the end".to_owned());
                if self.done_with.contains(&call) {
                    return;
                }
                let is_new = self.shows.insert(call.clone());
                self.demand(is_new, || "rings twice".to_owned());
                self.note(&call, name);
            }
            // It has come in since: what was handled elsewhere before that is told late, after a lost connection.
            ("call-handled-elsewhere", Some(call)) if self.in_call.contains(&call) => self.story.push("which is old".to_owned()),
            ("call-handled-elsewhere" | "call-ended", Some(call)) => {
                let may = self.may_show.contains(&call) || self.acting;
                self.demand(!self.was_stopped(&call) || may, || "is told to stop twice".to_owned());
                let showed = self.shows.remove(&call) | self.in_call.remove(&call);
                self.demand(showed || may || self.calls_of_its_own.contains(&call), || {
                    "is told to stop what it does not show".to_owned()
                });
                self.note(&call, name);
            }
            (_, Some(call)) => self.note(&call, name),
            (_, None) => {}
        }
    }

    /// What cannot be right is told at the end of the run, with the story that led to it.
    fn demand(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(complaint());
            self.story.push("^^^ this cannot be right".to_owned());
        }
    }

    fn note(&mut self, call: &CallId, name: &str) {
        self.seen.entry(call.clone()).or_default().push(name.to_owned());
    }

    fn stops(&self, call: &CallId) -> usize {
        self.seen.get(call).map_or(0, |events| events.iter().filter(|name| is_stop(name)).count())
    }

    fn was_stopped(&self, call: &CallId) -> bool {
        self.stops(call) > 0
    }
}

fn is_stop(event: &str) -> bool {
    event == "call-handled-elsewhere" || event == "call-ended"
}

fn frame(event: &str, body: &Value) -> Frame<()> {
    Frame { message: Ok(ClientMessage::parse(event, &body.to_string()).unwrap()), reply_to: () }
}

/// A connection of a phone.
struct Wire {
    phone: Phone,
    connection: u64,
    inbox: mpsc::UnboundedReceiver<Frame<()>>,
}

impl Transport for Wire {
    const NAME: &'static str = "model";

    type ReplyTo = ();

    async fn receive(&mut self) -> Result<Frame<()>, Option<Close>> {
        self.inbox.recv().await.ok_or(None)
    }

    async fn feed(&mut self, event: &Numbered) -> Result<(), Gone> {
        if self.phone.state.lock().connection == self.connection {
            self.phone.take(event);
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    async fn reply(&mut self, (): (), _: &str, _: Result<Value, ErrorBody>) -> Result<(), Gone> {
        Ok(())
    }

    async fn refuse(&mut self, _: Option<String>, _: ErrorBody) -> Result<(), Gone> {
        Ok(())
    }

    async fn close(&mut self, _: Close) {}
}
