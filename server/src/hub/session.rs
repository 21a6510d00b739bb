//! One session: what a device resumes. It numbers its events, and keeps the last of them for a connection that comes back.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use call::ids::{AccessToken, CallId, DeviceId, SessionId, UserId};
use parking_lot::Mutex;
use tokio::{
    sync::mpsc,
    time::{Duration, Instant},
};

use super::{Event, Numbered, kept::Kept};
use crate::{auth::Identity, metrics};

/// How many bytes may wait for a connection's socket.
const OUTBOX_BYTES: usize = 2 * 1024 * 1024;

/// A device's session, with or without a connection.
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Of which device.
    pub device: DeviceId,
    state: Mutex<State>,
}

struct State {
    line: Option<Line>,
    base_url: String,
    detached: Option<Instant>,
    last_event: u64,
    kept: Kept,
    shows: Vec<CallId>,
}

/// A session's connection.
#[derive(Clone)]
pub struct Line {
    /// Tells it from earlier and later ones.
    pub number: u64,
    /// Where its events go.
    pub outbox: mpsc::Sender<Numbered>,
    /// How many bytes wait there.
    pub waiting: Arc<AtomicUsize>,
    /// Where its client reaches Ringback.
    pub base_url: String,
    /// What it has proved itself with.
    pub token: Option<AccessToken>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Live,
    /// It waits for the connection to come back.
    Kept,
}

/// The session has not kept all that was missed.
pub struct Lost;

impl Session {
    pub(super) fn new(id: SessionId, who: &Identity, line: Line) -> Self {
        let state = State {
            base_url: line.base_url.clone(),
            line: Some(line),
            detached: None,
            last_event: 0,
            kept: Kept::default(),
            shows: Vec::new(),
        };
        Self { id, user: who.user.clone(), device: who.device.clone(), state: Mutex::new(state) }
    }

    /// Numbers an event and sends it, and keeps it in case it does not arrive.
    pub fn send(&self, event: &Arc<Event>) -> Sent {
        self.state.lock().send(event)
    }

    /// Sends an event if it shows the call, and says whether it does.
    pub fn send_if_shown(&self, call: &CallId, event: &Arc<Event>) -> bool {
        let mut state = self.state.lock();
        let shows = state.shows.contains(call);
        if shows {
            state.send(event);
        }
        shows
    }

    /// Sends what has no number: it says how things stand, and is said anew to a connection that comes back without its session.
    pub fn send_state(&self, event: Event) {
        if let Some(line) = &self.state.lock().line {
            // A full outbox closes the connection by the next event.
            line.take(Arc::new(event).into());
        }
    }

    /// Rings, if it does not already show the call.
    pub fn ring(&self, call: &CallId, event: impl FnOnce(&str) -> Event) -> Option<Sent> {
        let mut state = self.state.lock();
        if state.shows.contains(call) {
            return None;
        }
        state.shows.push(call.clone());
        let event = event(&state.base_url);
        Some(state.send(&Arc::new(event)))
    }

    /// Tells it to stop showing a call, if it does.
    pub fn stop(&self, call: &CallId, event: &Arc<Event>) {
        let mut state = self.state.lock();
        if state.forget(call) {
            state.send(event);
        }
    }

    /// It shows the call now, or no longer, by its own doing.
    pub fn set_shows(&self, call: &CallId, shows: bool) {
        let mut state = self.state.lock();
        state.forget(call);
        if shows {
            state.shows.push(call.clone());
        }
    }

    /// Whether it shows the call.
    pub fn shows(&self, call: &CallId) -> bool {
        self.state.lock().shows.contains(call)
    }

    /// The calls that it shows.
    pub fn shown(&self) -> Vec<CallId> {
        self.state.lock().shows.clone()
    }

    /// Whether it has a connection.
    pub fn is_connected(&self) -> bool {
        self.state.lock().line.is_some()
    }

    /// Lets go of its connection, which closes then.
    pub(super) fn hang_up(&self) {
        self.state.lock().line = None;
    }

    /// Whether it has another connection than this one.
    pub fn is_on_another_line(&self, line: u64) -> bool {
        self.state.lock().line.as_ref().is_some_and(|current| current.number != line)
    }

    /// Its connection has proved itself anew.
    pub fn renew_token(&self, who: &Identity) {
        if let Some(line) = &mut self.state.lock().line {
            line.token.clone_from(&who.token);
        }
    }

    /// What its connection has proved itself with.
    pub fn token(&self) -> Option<AccessToken> {
        self.state.lock().line.as_ref().and_then(|line| line.token.clone())
    }

    pub(super) fn resume(&self, line: &Line, last_event: u64, grace: Duration) -> Result<Vec<Numbered>, Lost> {
        let mut state = self.state.lock();
        if last_event > state.last_event || state.detached.is_some_and(|since| since.elapsed() >= grace) {
            return Err(Lost);
        }
        let missed = usize::try_from(state.last_event - last_event).map_err(|_| Lost)?;
        let missed = state.kept.last(missed, state.last_event).ok_or(Lost)?;
        state.base_url.clone_from(&line.base_url);
        state.line = Some(line.clone());
        state.detached = None;
        Ok(missed)
    }

    /// Whether this was its connection still.
    pub(super) fn detach(&self, line: u64) -> bool {
        let mut state = self.state.lock();
        let is_current = state.line.as_ref().map_or(state.detached.is_none(), |current| current.number == line);
        if is_current {
            state.line = None;
            state.detached = Some(Instant::now());
        }
        is_current
    }

    /// The number of its last event.
    #[cfg(test)]
    pub fn last_event(&self) -> u64 {
        self.state.lock().last_event
    }

    pub(super) fn is_detached_for(&self, grace: Duration) -> bool {
        self.state.lock().detached.is_some_and(|since| since.elapsed() >= grace)
    }
}

impl Line {
    /// Whether it has room for an event, which waits for the socket then.
    fn take(&self, event: Numbered) -> bool {
        let bytes = event.text.len();
        if self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > OUTBOX_BYTES {
            return false;
        }
        let taken = self.outbox.try_send(event).is_ok();
        metrics::outbox_holds(self.outbox.max_capacity() - self.outbox.capacity());
        taken
    }
}

impl State {
    fn send(&mut self, event: &Arc<Event>) -> Sent {
        self.last_event += 1;
        self.kept.push(event);
        match &self.line {
            // A full outbox is a reader that is too slow: its connection closes when it has read what there is, and resumes.
            Some(line) if !line.take(Numbered::new(event.clone(), self.last_event)) => {
                self.line = None;
                Sent::Kept
            }
            Some(_) => Sent::Live,
            None => Sent::Kept,
        }
    }

    fn forget(&mut self, call: &CallId) -> bool {
        let before = self.shows.len();
        self.shows.retain(|shown| shown != call);
        self.shows.len() < before
    }
}
