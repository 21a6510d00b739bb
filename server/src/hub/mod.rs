//! Which devices can be reached, and how: a phone book of sessions. It decides nothing about calls; each session only remembers
//! which calls it shows, so that it rings once and is told to stop once.

mod kept;
mod session;

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU64,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use call::{
    ids::{AccessToken, CallId, DeviceId, SessionId, UserId},
    wire::ServerEvent,
};
use parking_lot::{Mutex, RwLock};
use tokio::{sync::mpsc, time::Instant};

use crate::{auth::Identity, clock, trail::Ringing};

pub use session::{Line, Sent, Session};

/// How many events may wait for one connection's socket; past it the connection is closed, and resumes.
pub const OUTBOX: usize = 1024;

/// What stands before an event's number.
const NUMBER: &str = ",\"eventId\":";

/// How many sessions a user may have; one more puts out the oldest.
const SESSIONS_OF_A_USER: usize = 100;

/// The sessions of every user.
pub struct Hub {
    grace: Duration,
    users: RwLock<HashMap<UserId, Vec<Arc<Session>>>>,
    detached: Mutex<VecDeque<(Instant, Arc<Session>)>>,
    lines: AtomicU64,
}

/// What a client asks to resume.
#[derive(Debug, Clone)]
pub struct Resume {
    /// The session of the lost connection.
    pub session: SessionId,
    /// The last event that arrived.
    pub last_event: u64,
}

/// A connection that has become a session's.
pub struct Attached {
    /// The session.
    pub session: Arc<Session>,
    /// Tells this connection of the session from an earlier or later one.
    pub line: u64,
    /// Where its events come out.
    pub outbox: Outbox,
    /// What was missed, oldest first; `None`: nothing could be resumed.
    pub missed: Option<Vec<Numbered>>,
}

/// The events that wait for a connection's socket.
pub struct Outbox {
    receiver: mpsc::Receiver<Numbered>,
    waiting: Arc<AtomicUsize>,
}

impl Outbox {
    /// The next event; `None`: the hub has let go of this connection.
    pub async fn next(&mut self) -> Option<Numbered> {
        let event = self.receiver.recv().await?;
        self.waiting.fetch_sub(event.text.len(), Ordering::Relaxed);
        Some(event)
    }

    /// The next event that is there already.
    pub fn take(&mut self) -> Option<Numbered> {
        let event = self.receiver.try_recv().ok()?;
        self.waiting.fetch_sub(event.text.len(), Ordering::Relaxed);
        Some(event)
    }
}

/// An event: JSON text, with its name beside it for Socket.IO. It is written once, for however many sessions are sent it.
#[derive(Debug)]
pub struct Event {
    /// The event's name.
    pub name: &'static str,
    /// One JSON object.
    pub text: String,
    /// Who watches it on its way, where it rings.
    pub ringing: Option<Box<Ringing>>,
}

impl Hub {
    /// Sessions outlive their connection for this long.
    pub fn new(grace: Duration) -> Self {
        Self { grace, users: RwLock::default(), detached: Mutex::default(), lines: AtomicU64::new(1) }
    }

    /// Gives a connection a session: the one it names, if that can be resumed, else a new one.
    pub fn attach(&self, who: &Identity, base_url: &str, resume: Option<&Resume>) -> Attached {
        let (sender, receiver) = mpsc::channel(OUTBOX);
        let waiting = Arc::new(AtomicUsize::new(0));
        let outbox = Outbox { receiver, waiting: waiting.clone() };
        let number = self.lines.fetch_add(1, Ordering::Relaxed);
        let line = Line { number, outbox: sender, waiting, base_url: base_url.to_owned(), token: who.token.clone() };
        let mut users = self.users.write();
        let sessions = users.entry(who.user.clone()).or_default();
        let known = resume.and_then(|resume| sessions.iter().find(|s| s.id == resume.session && s.device == who.device));
        if let (Some(session), Some(resume)) = (known, resume)
            && let Ok(missed) = session.resume(&line, resume.last_event, self.grace)
        {
            return Attached { session: session.clone(), line: number, outbox, missed: Some(missed) };
        }
        // A session that cannot be resumed would only hold back what its device will never read.
        if let Some(lost) = known.map(|session| session.id.clone()) {
            sessions.retain(|session| session.id != lost);
        }
        if sessions.len() >= SESSIONS_OF_A_USER {
            let oldest = sessions.iter().position(|session| !session.is_connected()).unwrap_or(0);
            sessions.remove(oldest).hang_up();
        }
        let session = Arc::new(Session::new(clock::session_id(), who, line));
        sessions.push(session.clone());
        Attached { session, line: number, outbox, missed: None }
    }

    /// A connection is gone; its session may be resumed for the grace period. Not if another connection has resumed it already.
    /// Says whether the device has no connection any more.
    pub fn detach(&self, session: &Arc<Session>, line: u64) -> bool {
        if session.detach(line) {
            self.detached.lock().push_back((Instant::now(), session.clone()));
        }
        !self.is_connected(&session.user, &session.device)
    }

    /// Forgets a session at once: its user has registered as somebody else on the same connection.
    pub fn forget(&self, session: &Arc<Session>) {
        let mut users = self.users.write();
        if let Some(sessions) = users.get_mut(&session.user) {
            sessions.retain(|other| !Arc::ptr_eq(other, session));
            if sessions.is_empty() {
                users.remove(&session.user);
            }
        }
    }

    /// Forgets the sessions whose grace period is over.
    pub fn sweep(&self) {
        loop {
            let gone = {
                let mut detached = self.detached.lock();
                match detached.front() {
                    Some((since, _)) if since.elapsed() >= self.grace => detached.pop_front(),
                    _ => return,
                }
            };
            if let Some((_, session)) = gone
                && session.is_detached_for(self.grace)
            {
                self.forget(&session);
            }
        }
    }

    /// A user's sessions, those within their grace period included.
    pub fn sessions(&self, user: &UserId) -> Vec<Arc<Session>> {
        self.users.read().get(user).cloned().unwrap_or_default()
    }

    /// Sends an event to the device's sessions that show the call, and says whether there are any.
    pub fn send_where_shown(&self, call: &CallId, user: &UserId, device: &DeviceId, event: &Arc<Event>) -> bool {
        let users = self.users.read();
        let mut reached = false;
        for session in users.get(user).into_iter().flatten().filter(|session| session.device == *device) {
            reached |= session.send_if_shown(call, event);
        }
        reached
    }

    /// Whether a device has a connection.
    pub fn is_connected(&self, user: &UserId, device: &DeviceId) -> bool {
        self.any(user, |session| session.device == *device && session.is_connected())
    }

    /// Whether a user has a device with a connection.
    pub fn is_reachable(&self, user: &UserId) -> bool {
        self.any(user, session::Session::is_connected)
    }

    /// A token that one of the user's connections has proved itself with.
    pub fn token_of(&self, user: &UserId) -> Option<AccessToken> {
        self.users.read().get(user)?.iter().find_map(|session| session.token())
    }

    /// How many sessions there are: with a connection, and without.
    pub fn count(&self) -> (usize, usize) {
        let users = self.users.read();
        let attached = users.values().flatten().filter(|session| session.is_connected()).count();
        (attached, users.values().map(Vec::len).sum::<usize>() - attached)
    }

    fn any(&self, user: &UserId, is: impl Fn(&Session) -> bool) -> bool {
        self.users.read().get(user).is_some_and(|sessions| sessions.iter().any(|session| is(session)))
    }
}

impl Event {
    /// An event that is written already.
    pub fn of(name: &'static str, text: String) -> Self {
        Self { name, text, ringing: None }
    }

    /// Writes an event.
    pub fn new(event: &ServerEvent) -> Self {
        let text = serde_json::to_string(event).unwrap_or_else(|_| unreachable!("events are plain data"));
        Self::of(event.name(), text)
    }
}

/// An event on its way to one session.
#[derive(Debug, Clone)]
pub struct Numbered {
    event: Arc<Event>,
    /// Its number within the session; one that says how things stand has none.
    number: Option<NonZeroU64>,
}

impl Numbered {
    fn new(event: Arc<Event>, number: u64) -> Self {
        Self { event, number: NonZeroU64::new(number) }
    }

    /// Its text as it goes out, with the number.
    pub fn numbered(&self) -> String {
        let text = &self.event.text;
        match (self.number, text.strip_suffix('}')) {
            (Some(number), Some(open)) => {
                // Exactly: what has room to spare would be moved once more on its way to the socket.
                let mut digits = itoa::Buffer::new();
                [open, NUMBER, digits.format(number.get()), "}"].concat()
            }
            (Some(_) | None, _) => text.clone(),
        }
    }
}

/// One that has no number.
impl From<Arc<Event>> for Numbered {
    fn from(event: Arc<Event>) -> Self {
        Self { event, number: None }
    }
}

impl Deref for Numbered {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}
