//! Whatever happens to a call, in whatever order: what must hold holds.
#![allow(clippy::unwrap_used, reason = "what does not hold here is a failed test")]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, prelude::*, sample::select};
use ringback_call::{
    call::{Call, CallType, Command, Effect, Media, Part, Reach, Request, Status, start},
    ids::{CallId, DeviceId, RoomId, UserId},
};

const USERS: [&str; 4] = ["@alice:x", "@bob:x", "@carol:x", "@dave:x"];
const DEVICES: [&str; 3] = ["ONE", "TWO", "THREE"];

/// Something that happens to a call.
#[derive(Debug, Clone)]
enum Step {
    Asks(UserId, Command),
    Expires,
    Restarts,
    IsTold(UserId),
    LeavesRoom(UserId),
    JoinsRoom(UserId, Reach),
}

/// How a call begins: with whom rung, what is known of them, and whether the caller has a socket.
#[derive(Debug, Clone)]
struct Beginning {
    invitees: Option<usize>,
    reach: [Reach; 4],
    connected: bool,
    ring_for: i64,
}

fn user() -> impl Strategy<Value = UserId> {
    select(&USERS).prop_map(|id| UserId::parse(id).unwrap())
}

fn device() -> impl Strategy<Value = DeviceId> {
    select(&DEVICES).prop_map(|id| DeviceId::parse(id).unwrap())
}

fn reach() -> impl Strategy<Value = Reach> {
    (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(online, busy, ignores)| Reach { online, busy, ignores })
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0..200_i64).prop_map(at)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn beginning() -> impl Strategy<Value = Beginning> {
    (prop::option::of(1..4_usize), [reach(), reach(), reach(), reach()], any::<bool>(), 5..90_i64)
        .prop_map(|(invitees, reach, connected, ring_for)| Beginning { invitees, reach, connected, ring_for })
}

fn command() -> impl Strategy<Value = Command> {
    let connected = prop::bool::weighted(0.7);
    let media = select(vec![Media::Audio, Media::Video, Media::Screen]);
    prop_oneof![
        4 => (device(), connected).prop_map(|(device, connected)| Command::Answer { device, connected }),
        2 => Just(Command::Reject { reason: None }),
        4 => (device(), connected).prop_map(|(device, connected)| Command::Join { device, connected }),
        3 => device().prop_map(|device| Command::Leave { device }),
        2 => prop::bool::weighted(0.3).prop_map(|for_all| Command::End { for_all }),
        2 => (vec((user(), reach()), 0..3), moment()).prop_map(|(users, until)| Command::Invite { users, until }),
        2 => (media, any::<bool>()).prop_map(|(media, enabled)| Command::Toggle { media, enabled }),
        2 => device().prop_map(|device| Command::Connected { device }),
        3 => (device(), moment()).prop_map(|(device, until)| Command::Disconnected { device, until }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (user(), command()).prop_map(|(user, command)| Step::Asks(user, command)),
        2 => Just(Step::Expires),
        1 => Just(Step::Restarts),
        1 => user().prop_map(Step::IsTold),
        1 => user().prop_map(Step::LeavesRoom),
        1 => (user(), reach()).prop_map(|(user, reach)| Step::JoinsRoom(user, reach)),
    ]
}

/// A call, and what those who were told of it believe.
struct World {
    call: Call,
    /// Whose devices ring.
    rung: BTreeSet<UserId>,
    /// The devices that have entered and not exited.
    inside: BTreeSet<(UserId, DeviceId)>,
}

impl World {
    fn begin(beginning: &Beginning) -> Self {
        let users: Vec<UserId> = USERS.iter().map(|id| UserId::parse(id).unwrap()).collect();
        let request = Request {
            room: RoomId::parse("!room:x").unwrap(),
            kind: CallType::Video,
            caller: users[0].clone(),
            caller_name: String::new(),
            device: DeviceId::parse(DEVICES[0]).unwrap(),
            connected: beginning.connected,
            invitees: beginning.invitees.map(|count| users[1..=count].to_vec()),
            ring_for: SignedDuration::from_secs(beginning.ring_for),
        };
        let reach = |who: &UserId| beginning.reach[users.iter().position(|user| user == who).unwrap()];
        let members = users.iter().cloned().collect();
        let (call, effects) = start(at(0), CallId::from_random([1; 16]), request, &members, reach).unwrap();
        let inside = call.devices().map(|(user, device)| (user.clone(), device.clone())).collect();
        let mut world = Self { call: call.clone(), rung: BTreeSet::new(), inside };
        world.hear(&effects, &call);
        world.check(at(0));
        world
    }

    fn takes(&mut self, step: Step, now: Timestamp) {
        let before = self.call.clone();
        let (after, effects) = match step {
            Step::Asks(user, command) => match before.clone().apply(now, &user, command) {
                Ok(change) => change,
                Err(_) => return,
            },
            Step::Expires => before.clone().expire(now),
            Step::Restarts => (before.clone().restarted(now + SignedDuration::from_secs(20)), Vec::new()),
            Step::IsTold(user) => (before.clone().told(&user).unwrap_or_else(|| before.clone()), Vec::new()),
            Step::LeavesRoom(user) => before.clone().left_room(now, &user),
            Step::JoinsRoom(user, reach) => before.clone().joined_room(now, &user, reach),
        };
        let moved = i64::from(after != before);
        assert_eq!(after.version, before.version + moved, "the version counts the changes");
        assert!(moved == 1 || effects.is_empty(), "nobody hears of what did not change: {effects:?}");
        assert!(moved == 0 || !before.is_over(), "a call that is over stays as it is");
        self.call = after;
        self.hear(&effects, &before);
        self.check(now);
    }

    fn hear(&mut self, effects: &[Effect], before: &Call) {
        for (index, effect) in effects.iter().enumerate() {
            match effect {
                Effect::Ring { user, .. } => assert!(self.rung.insert(user.clone()), "{user} rings twice"),
                Effect::Busy { user, to } => assert!(self.rung.contains(user) && user != to),
                Effect::Answered { by } => assert!(self.call.participants.contains_key(by)),
                Effect::Rejected { by, .. } => assert!(matches!(self.call.participants[by].part, Part::Rejected { .. })),
                Effect::HandledElsewhere { user, .. } => self.stop(user, before),
                Effect::StopRinging { users, .. } => users.iter().for_each(|user| self.stop(user, before)),
                Effect::Entered { user, device, to } => {
                    assert_eq!(*to, self.inside, "who is in the call hears that {user} {device} enters");
                    assert!(self.inside.insert((user.clone(), device.clone())), "{user} {device} enters twice");
                }
                Effect::Exited { user, device, to, gone } => {
                    assert!(self.inside.remove(&(user.clone(), device.clone())), "{user} {device} exits without having entered");
                    assert_eq!(*to, self.inside, "who is in the call hears that {user} {device} exits");
                    assert_eq!(*gone, self.inside.iter().all(|(other, _)| other != user), "{user} has gone with the last device");
                }
                Effect::Toggled { to, .. } => assert_eq!(*to, self.inside, "every device in the call hears of a toggle"),
                Effect::Over { users, .. } => {
                    assert_eq!(index + 1, effects.len(), "nothing comes after the end");
                    self.end(users, before);
                }
            }
        }
    }

    /// Each who was rung is told to stop once. Who ignores the caller was not rung, and shows nothing that could stop.
    fn stop(&mut self, user: &UserId, before: &Call) {
        assert!(self.rung.remove(user) || before.participants[user].muted, "{user} does not ring any more");
    }

    fn end(&mut self, users: &[UserId], before: &Call) {
        let told: BTreeSet<UserId> = users.iter().cloned().collect();
        assert_eq!(told.len(), users.len(), "each once");
        let (mut showing, ignoring) = (std::mem::take(&mut self.rung), |user: &UserId| before.participants[user].muted);
        showing.extend(std::mem::take(&mut self.inside).into_iter().map(|(user, _)| user));
        assert!(showing.is_subset(&told), "{showing:?} show the call, {told:?} hear of its end");
        assert!(told.difference(&showing).all(ignoring), "{told:?} hear of the end of what only {showing:?} show");
    }

    fn check(&self, now: Timestamp) {
        let call = &self.call;
        let inside: BTreeSet<_> = call.devices().map(|(user, device)| (user.clone(), device.clone())).collect();
        assert_eq!(inside, self.inside, "who is in the call was announced");
        let rung: BTreeSet<UserId> = call.participants.keys().filter(|user| call.rings(user)).cloned().collect();
        assert_eq!(rung, self.rung, "who is rung was told so, and nobody else");
        let is_in = |user: &UserId| inside.iter().any(|(other, _)| other == user);
        match call.status() {
            Status::Ringing => assert!(is_in(&call.caller) && call.participants.values().any(|p| p.part.is_rung())),
            Status::Active if call.participants.len() == 2 => assert!(call.participants.keys().all(is_in), "two talk"),
            Status::Active => assert!(!inside.is_empty(), "somebody is in a group"),
            Status::Ended | Status::Rejected | Status::Missed => {
                assert!(call.is_over() && inside.is_empty() && rung.is_empty());
                assert!(call.ended_at().unwrap() <= now && call.started_at() <= call.ended_at());
            }
        }
        self.check_deadline(now);
    }

    fn check_deadline(&self, now: Timestamp) {
        let call = &self.call;
        let Some(deadline) = call.deadline() else {
            assert_eq!(call.clone().expire(at(1_000_000)), (call.clone(), Vec::new()), "nothing is ever due");
            return;
        };
        let early = deadline - SignedDuration::from_millis(1);
        assert_eq!(call.clone().expire(early), (call.clone(), Vec::new()), "nothing is due before the deadline");
        let (after, effects) = call.clone().expire(deadline);
        assert!(after.version == call.version + 1 && !effects.is_empty(), "something is due at the deadline");
        assert!(after.deadline().is_none_or(|next| next > deadline), "what is due is done in one go");
        let settled = call.clone().expire(now).0;
        assert!(settled.deadline().is_none_or(|next| next > now), "what was due is done");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(beginning in beginning(), steps in vec((step(), 0..15_i64), 0..40)) {
        let mut world = World::begin(&beginning);
        let mut seconds = 0;
        for (step, pause) in steps {
            seconds += pause;
            world.takes(step, at(seconds));
        }
        // Whatever came before, the caller can end it; nobody is left ringing then, and nobody inside.
        let caller = world.call.caller.clone();
        world.takes(Step::Asks(caller, Command::End { for_all: true }), at(seconds));
        prop_assert!(world.call.is_over());
    }
}
