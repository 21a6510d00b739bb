//! The calls that ring here, and those that we are in. It decides nothing; the server does.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use call::{
    call::CallType,
    ids::{CallId, RoomId},
    wire::{IncomingCall, Initiated, ResyncCall},
};
use jiff::Timestamp;
use tokio::time::Instant;

/// How long after its time a ring is dropped that nobody has ended.
const RING_AFTER_END: Duration = Duration::from_secs(5);
/// How many calls that are over are remembered, for answers that come late.
const REMEMBERED: usize = 64;

/// A call that rings here.
#[derive(Debug)]
pub struct Ring {
    /// As it came.
    pub call: IncomingCall,
    /// When the phone acts by itself.
    pub act_at: Option<Instant>,
    /// Whether it has been answered or rejected here, and the server has not confirmed that yet.
    pub acting: bool,
}

/// A call that we are in, or that we have started.
#[derive(Debug)]
pub struct Talk {
    /// Its room.
    pub room: RoomId,
    /// Voice or video.
    pub kind: CallType,
    /// Whether our microphone is off.
    pub muted: bool,
    /// Whether it was started here and nobody has answered.
    pub waiting: bool,
    /// Whether this connection has said that it takes part.
    pub joined: bool,
    /// Counts the talks, to know the latest.
    order: u64,
}

/// Every call that matters here.
#[derive(Debug, Default)]
pub struct Book {
    rings: BTreeMap<CallId, Ring>,
    talks: BTreeMap<CallId, Talk>,
    over: VecDeque<CallId>,
    any_over: bool,
    talks_so_far: u64,
}

impl Book {
    /// Notes that a call rings; whether that is news.
    pub fn rings(&mut self, call: IncomingCall, act_at: Option<Instant>) -> bool {
        if self.rings.contains_key(&call.call_id) || self.talks.contains_key(&call.call_id) {
            return false;
        }
        self.rings.insert(call.call_id.clone(), Ring { call, act_at, acting: false });
        true
    }

    /// Notes that a ring was answered here; whether it still counts.
    pub fn answered(&mut self, id: &CallId) -> bool {
        let Some(ring) = self.rings.remove(id) else { return false };
        self.talk(id, ring.call.room_id, ring.call.call_type, false);
        true
    }

    /// Notes a call that was started here; whether it is not over already.
    pub fn started(&mut self, initiated: &Initiated) -> bool {
        if self.over.contains(&initiated.call_id) {
            return false;
        }
        self.talk(&initiated.call_id, initiated.room_id.clone(), initiated.call_type, true);
        true
    }

    /// Notes that a call is over for us, or rings no more; whether it mattered here.
    pub fn over(&mut self, id: &CallId) -> bool {
        let known = self.rings.remove(id).is_some() | self.talks.remove(id).is_some();
        self.any_over |= known;
        if self.over.len() == REMEMBERED {
            self.over.pop_front();
        }
        self.over.push_back(id.clone());
        known
    }

    /// Notes that a call was over before the phone knew that it had begun.
    pub fn was_over(&mut self) {
        self.any_over = true;
    }

    /// Whether any call has come and gone.
    pub fn any_over(&self) -> bool {
        self.any_over
    }

    /// Takes the server's list for the truth; what it does not hold is over, and returned.
    pub fn resync(&mut self, calls: &[ResyncCall]) -> Vec<CallId> {
        let listed = |id: &CallId| calls.iter().any(|call| call.call_id == *id);
        let gone: Vec<CallId> = self.rings.keys().chain(self.talks.keys()).filter(|id| !listed(id)).cloned().collect();
        for id in &gone {
            self.over(id);
        }
        gone
    }

    /// A ring.
    pub fn ring(&mut self, id: &CallId) -> Option<&mut Ring> {
        self.rings.get_mut(id)
    }

    /// A call that we are in.
    pub fn talk_mut(&mut self, id: &CallId) -> Option<&mut Talk> {
        self.talks.get_mut(id)
    }

    /// The ring that has waited longest, of those that nothing is done about yet.
    pub fn oldest_ring(&self) -> Option<&IncomingCall> {
        self.rings.values().filter(|ring| !ring.acting).map(|ring| &ring.call).min_by_key(|call| call.created_at)
    }

    /// The call that we entered last.
    pub fn latest_talk(&self) -> Option<(&CallId, &Talk)> {
        self.talks.iter().max_by_key(|(_, talk)| talk.order)
    }

    /// Every call that we are in.
    pub fn talks(&self) -> impl Iterator<Item = &CallId> {
        self.talks.keys()
    }

    /// Another session takes part in nothing yet.
    pub fn forget_joined(&mut self) {
        for talk in self.talks.values_mut() {
            talk.joined = false;
        }
    }

    /// The calls that this connection has yet to join.
    pub fn not_joined(&self) -> Vec<CallId> {
        self.talks.iter().filter(|(_, talk)| !talk.joined).map(|(id, _)| id.clone()).collect()
    }

    /// Rings on which it is time to act.
    pub fn due(&self, now: Instant) -> Vec<CallId> {
        let due = |ring: &Ring| !ring.acting && ring.act_at.is_some_and(|at| at <= now);
        self.rings.iter().filter(|(_, ring)| due(ring)).map(|(id, _)| id.clone()).collect()
    }

    /// Rings that should have been ended by the server long ago.
    pub fn stale(&self, now: Timestamp) -> Vec<CallId> {
        let stale = |ring: &Ring| !ring.acting && now > ring.call.expires_at + RING_AFTER_END;
        self.rings.iter().filter(|(_, ring)| stale(ring)).map(|(id, _)| id.clone()).collect()
    }

    /// When to look at the rings again: the next deed, and each second for the seconds left.
    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let deeds = self.rings.values().filter(|ring| !ring.acting).filter_map(|ring| ring.act_at);
        let tick = (!self.rings.is_empty()).then(|| now + Duration::from_secs(1));
        deeds.chain(tick).min()
    }

    fn talk(&mut self, id: &CallId, room: RoomId, kind: CallType, waiting: bool) {
        self.talks_so_far += 1;
        self.talks.insert(id.clone(), Talk { room, kind, muted: false, waiting, joined: waiting, order: self.talks_so_far });
    }
}

#[cfg(test)]
mod tests {
    use call::{call::Status, ids::UserId, wire::Delivery};

    use super::*;

    fn id(byte: u8) -> CallId {
        CallId::from_random([byte; 16])
    }

    fn incoming(byte: u8) -> IncomingCall {
        let caller = UserId::parse("@a:x").unwrap();
        IncomingCall {
            event_type: "incoming_call".into(),
            call_id: id(byte),
            call_type: CallType::Voice,
            room_id: RoomId::parse("!r:x").unwrap(),
            caller_name: "A".to_owned(),
            caller_id: caller.clone(),
            initiator_id: caller,
            ice_servers: Vec::new(),
            base_url: String::new(),
            expires_at: Timestamp::UNIX_EPOCH + Duration::from_mins(1),
            created_at: Timestamp::UNIX_EPOCH + Duration::from_secs(byte.into()),
            busy: false,
        }
    }

    fn initiated(byte: u8) -> Initiated {
        let IncomingCall { call_id, room_id, call_type, expires_at, .. } = incoming(byte);
        let (ice_servers, delivery) = (Vec::new(), Delivery::default());
        Initiated { call_id, room_id, call_type, status: Status::Ringing, ice_servers, expires_at, delivery }
    }

    #[test]
    fn a_ring_told_twice_rings_once() {
        let mut book = Book::default();
        assert!(book.rings(incoming(1), None));
        assert!(!book.rings(incoming(1), None));
        assert!(book.answered(&id(1)) && !book.rings(incoming(1), None));
    }

    #[test]
    fn an_answer_that_comes_after_the_end_makes_no_talk() {
        let mut book = Book::default();
        book.rings(incoming(1), None);
        assert!(book.over(&id(1)) && !book.answered(&id(1)));
        assert!(!book.over(&id(2)) && !book.started(&initiated(2)));
        assert_eq!(book.talks().count(), 0);
    }

    #[test]
    fn a_deed_is_due_once() {
        let mut book = Book::default();
        let now = Instant::now();
        book.rings(incoming(1), Some(now));
        book.rings(incoming(2), Some(now + Duration::from_secs(9)));
        assert_eq!(book.due(now), [id(1)]);
        book.ring(&id(1)).unwrap().acting = true;
        assert!(book.due(now).is_empty());
        assert_eq!(book.oldest_ring().unwrap().call_id, id(2));
    }

    #[test]
    fn what_the_server_does_not_list_is_over() {
        let mut book = Book::default();
        book.rings(incoming(1), None);
        book.started(&initiated(2));
        assert_eq!(book.resync(&[]), [id(1), id(2)]);
        assert!(book.any_over() && book.latest_talk().is_none());
    }

    #[test]
    fn a_ring_that_nobody_ended_is_dropped_in_the_end() {
        let mut book = Book::default();
        book.rings(incoming(1), None);
        assert!(book.stale(Timestamp::UNIX_EPOCH + Duration::from_secs(64)).is_empty());
        assert_eq!(book.stale(Timestamp::UNIX_EPOCH + Duration::from_secs(66)), [id(1)]);
    }
}
