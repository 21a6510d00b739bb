//! The calls that are not over, in memory: a copy of the truth, the signals that wait, and who takes which turn.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use call::{
    call::{Call, Part, Status},
    ids::{AccessToken, CallId, DeviceId, RoomId, SessionId, UserId},
    signal::Waiting,
};
use opentelemetry::trace::SpanContext;
use parking_lot::{Mutex, MutexGuard};

use crate::{hub::Event, metrics::Standing, traces};

/// The calls of this node that are not over.
#[derive(Default)]
pub struct LiveCalls {
    index: Mutex<Index>,
}

#[derive(Default)]
struct Index {
    calls: HashMap<CallId, Arc<LiveCall>>,
    of_room: HashMap<RoomId, CallId>,
    /// The calls that a user is in.
    of_user: HashMap<UserId, BTreeSet<CallId>>,
}

/// One call.
pub struct LiveCall {
    /// Its name.
    pub id: CallId,
    /// Whoever changes the call or tells a device of it holds this: events leave in the order of the changes.
    pub turn: Arc<tokio::sync::Mutex<()>>,
    /// The caller's token, to leave a line in the room when the call is over.
    pub caller_token: Option<AccessToken>,
    /// The trace in which it began, if it was traced here.
    pub began: Option<SpanContext>,
    roster: Mutex<Roster>,
}

/// For whom something waits: for whichever device of a user joins first, or for one that is in the call without a connection.
pub type Receiver = (UserId, Option<DeviceId>);

/// A signal that waits, and the device that it is for, where it is for one.
pub struct Kept {
    /// Where it names one.
    pub device: Option<DeviceId>,
    /// What to send.
    pub event: Arc<Event>,
}

/// Who can be sent signals, and what waits for the others.
pub struct Roster {
    /// As it was last stored.
    pub call: Arc<Call>,
    /// What waits, by receiver.
    pub waiting: HashMap<Receiver, Waiting<Kept>>,
    /// The session that a device last joined with.
    pub joined_with: HashMap<(UserId, DeviceId), SessionId>,
    /// The devices that were in the call before a restart, and whose peers must negotiate anew when they come back.
    pub restored: HashSet<(UserId, DeviceId)>,
}

impl LiveCalls {
    /// The call, if it is here.
    pub fn get(&self, id: &CallId) -> Option<Arc<LiveCall>> {
        self.index.lock().calls.get(id).cloned()
    }

    /// The room's call.
    pub fn in_room(&self, room: &RoomId) -> Option<CallId> {
        self.index.lock().of_room.get(room).cloned()
    }

    /// The calls that this user is in.
    pub fn with_user(&self, user: &UserId) -> Vec<CallId> {
        self.index.lock().of_user.get(user).into_iter().flatten().cloned().collect()
    }

    /// Whether this user is in another call than this one.
    pub fn is_busy(&self, user: &UserId, but: &CallId) -> bool {
        self.index.lock().of_user.get(user).is_some_and(|calls| calls.iter().any(|call| call != but))
    }

    /// Takes in a call that has begun.
    pub fn begin(&self, call: &Arc<Call>, caller_token: Option<AccessToken>) -> Arc<LiveCall> {
        let live = Arc::new(LiveCall::new(call.clone(), caller_token, traces::current(), HashSet::new()));
        let mut index = self.index.lock();
        index.note(None, Some(call));
        index.calls.insert(call.id.clone(), live.clone());
        live
    }

    /// Takes in a call from the store, unless it is here by now. One that is over is not kept.
    pub fn restore(&self, call: Call) -> Arc<LiveCall> {
        let restored = call.devices().map(|(user, device)| (user.clone(), device.clone())).collect();
        let call = Arc::new(call);
        let live = Arc::new(LiveCall::new(call.clone(), None, None, restored));
        if call.is_over() {
            return live;
        }
        let mut index = self.index.lock();
        if let Some(known) = index.calls.get(&call.id) {
            return known.clone();
        }
        index.note(None, Some(&call));
        index.calls.insert(call.id.clone(), live.clone());
        live
    }

    /// The call as it is stored now. One that is over is let go of.
    pub fn set(&self, live: &LiveCall, call: &Arc<Call>) {
        let before = {
            let mut roster = live.roster.lock();
            roster.waiting.retain(|receiver, _| can_receive(call, receiver));
            std::mem::replace(&mut roster.call, call.clone())
        };
        let mut index = self.index.lock();
        if !index.calls.contains_key(&call.id) {
            return;
        }
        if call.is_over() {
            index.note(Some(&before), None);
            index.calls.remove(&call.id);
        } else {
            index.note(Some(&before), Some(call));
        }
    }

    /// Lets go of a call that could not begin.
    pub fn withdraw(&self, call: &Call) {
        let mut index = self.index.lock();
        index.note(Some(call), None);
        index.calls.remove(&call.id);
    }

    /// How many there are, and what waits in them.
    pub fn standing(&self) -> Standing {
        let calls: Vec<Arc<LiveCall>> = self.index.lock().calls.values().cloned().collect();
        let mut standing = Standing::default();
        for live in calls {
            let roster = live.roster();
            match roster.call.status() {
                Status::Ringing => standing.ringing += 1,
                Status::Active => standing.active += 1,
                Status::Ended | Status::Rejected | Status::Missed => {}
            }
            standing.waiting += roster.waiting.values().map(Waiting::len).sum::<usize>();
            standing.waiting_bytes += roster.waiting.values().map(Waiting::bytes).sum::<usize>();
        }
        standing
    }
}

impl Index {
    fn note(&mut self, before: Option<&Call>, after: Option<&Call>) {
        for (call, user) in before.into_iter().flat_map(joined) {
            if let Some(calls) = self.of_user.get_mut(user) {
                calls.remove(&call.id);
                if calls.is_empty() {
                    self.of_user.remove(user);
                }
            }
        }
        if let Some(call) = before
            && self.of_room.get(&call.room) == Some(&call.id)
        {
            self.of_room.remove(&call.room);
        }
        for (call, user) in after.into_iter().flat_map(joined) {
            self.of_user.entry(user.clone()).or_default().insert(call.id.clone());
        }
        if let Some(call) = after {
            self.of_room.entry(call.room.clone()).or_insert_with(|| call.id.clone());
        }
    }
}

/// What waits for somebody who has gone is stale when they come back.
fn can_receive(call: &Call, (user, device): &Receiver) -> bool {
    call.participants.get(user).is_some_and(|participant| match (&participant.part, device) {
        (Part::Joined { devices, .. }, Some(device)) => devices.contains_key(device),
        (Part::Invited { .. } | Part::Ringing { .. } | Part::Joined { .. }, None) => true,
        (Part::Invited { .. } | Part::Ringing { .. }, Some(_))
        | (Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. }, _) => false,
    })
}

fn joined(call: &Call) -> impl Iterator<Item = (&Call, &UserId)> {
    let is_in = |part: &Part| matches!(part, Part::Joined { .. });
    call.participants.iter().filter(move |(_, p)| is_in(&p.part)).map(move |(user, _)| (call, user))
}

impl LiveCall {
    fn new(
        call: Arc<Call>,
        caller_token: Option<AccessToken>,
        began: Option<SpanContext>,
        restored: HashSet<(UserId, DeviceId)>,
    ) -> Self {
        let id = call.id.clone();
        let roster = Roster { call, waiting: HashMap::new(), joined_with: HashMap::new(), restored };
        Self { id, turn: Arc::default(), caller_token, began, roster: Mutex::new(roster) }
    }

    /// The call as it was last stored.
    pub fn call(&self) -> Arc<Call> {
        self.roster.lock().call.clone()
    }

    /// Who can be sent signals. Held while they are handed on, so that each sender's order is kept.
    pub fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock()
    }
}
