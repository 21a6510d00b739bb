//! Who gets an offer, an answer or a candidate, and how much waits for those who cannot get it yet (contract, section 4).
#![allow(clippy::unwrap_used, reason = "what does not hold here is a failed test")]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use ringback_call::{
    call::{Call, CallType, Command, Reach, Refusal, Request, Status, start},
    ids::{CallId, DeviceId, RoomId, UserId},
    signal::{MAX_WAITING, MAX_WAITING_BYTES, QueueFull, Waiting, route},
    wire::Target,
};

fn user(name: &str) -> UserId {
    UserId::parse(&format!("@{name}:x")).unwrap()
}

fn device(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// alice rings everyone else; carol has no device that could be told.
fn ringing() -> Call {
    let members: BTreeSet<UserId> = ["alice", "bob", "carol", "dave", "erin"].into_iter().map(user).collect();
    let request = Request {
        room: RoomId::parse("!room:x").unwrap(),
        kind: CallType::Voice,
        caller: user("alice"),
        caller_name: "Alice".to_owned(),
        device: device("PHONE"),
        connected: true,
        invitees: None,
        ring_for: SignedDuration::from_mins(1),
    };
    let reach = |who: &UserId| Reach { online: *who != user("carol"), ..Reach::default() };
    start(now(), CallId::from_random([3; 16]), request, &members, reach).unwrap().0
}

fn after(mut call: Call, story: &[(&str, Command)]) -> Call {
    for (name, command) in story {
        call = call.apply(now(), &user(name), command.clone()).unwrap().0;
    }
    call
}

fn answer() -> Command {
    Command::Answer { device: device("PHONE"), connected: true }
}

/// bob talks with alice, carol and dave are being rung, erin has said no.
fn active() -> Call {
    after(ringing(), &[("bob", answer()), ("erin", Command::Reject { reason: None })])
}

#[track_caller]
fn to_all(call: &Call, from: &str) -> String {
    let receivers = route(call, &user(from), &Target::All).unwrap();
    receivers.into_iter().map(UserId::localpart).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn to_one(call: &Call, from: &str, target: &str) -> Result<(), Refusal> {
    let target = user(target);
    route(call, &user(from), &Target::User(target.clone())).map(|receivers| assert_eq!(receivers, [&target]))
}

#[test]
fn a_caller_may_offer_before_anyone_has_answered() {
    let call = ringing();
    assert_eq!(to_all(&call, "alice"), "bob carol dave erin");
    assert_eq!(to_one(&call, "alice", "carol"), Ok(()));
}

#[test]
fn a_signal_for_all_is_for_those_in_the_call_and_those_who_may_still_come() {
    assert_eq!(to_all(&active(), "alice"), "bob carol dave");
    assert_eq!(to_all(&active(), "bob"), "alice carol dave");
    let later = active().expire(now() + SignedDuration::from_mins(1)).0;
    assert_eq!(to_all(&later, "alice"), "bob");
    assert_eq!(to_all(&after(later, &[("bob", Command::End { for_all: false })]), "alice"), "");
}

#[test]
fn a_signal_for_one_is_for_that_one() {
    assert_eq!(to_one(&active(), "alice", "bob"), Ok(()));
    assert_eq!(to_one(&active(), "bob", "carol"), Ok(()));
    assert_eq!(to_one(&active(), "alice", "alice"), Ok(()), "another device of one's own");
    assert_eq!(to_one(&active(), "alice", "erin"), Err(Refusal::NoSuchTarget));
    assert_eq!(to_one(&active(), "alice", "zoe"), Err(Refusal::NoSuchTarget));
    let gone = after(active(), &[("bob", Command::End { for_all: false })]);
    assert_eq!(to_one(&gone, "alice", "bob"), Err(Refusal::NoSuchTarget));
}

#[test]
fn who_has_not_joined_cannot_send() {
    for name in ["carol", "dave", "erin"] {
        assert_eq!(to_one(&active(), name, "alice"), Err(Refusal::NotJoined), "{name}");
    }
    assert_eq!(to_one(&active(), "zoe", "alice"), Err(Refusal::NotParticipant));
    let gone = after(active(), &[("bob", Command::End { for_all: false })]);
    assert_eq!(to_one(&gone, "bob", "alice"), Err(Refusal::NotJoined));
}

#[test]
fn nobody_sends_when_the_call_is_over() {
    let over = after(active(), &[("alice", Command::End { for_all: true })]);
    for name in ["alice", "bob", "carol", "erin"] {
        let refused = to_one(&over, name, "alice").unwrap_err();
        assert!(matches!(refused, Refusal::State { status: Status::Ended, .. }), "{name}: {refused:?}");
    }
    assert_eq!(to_one(&over, "zoe", "alice"), Err(Refusal::NotParticipant));
}

#[test]
fn what_waits_comes_in_order_and_once() {
    let mut waiting = Waiting::default();
    assert!(waiting.is_empty());
    for signal in 0..5 {
        waiting.push(signal, 10).unwrap();
    }
    assert!(!waiting.is_empty());
    assert_eq!(waiting.take().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(waiting.is_empty());
    assert_eq!(waiting.take().count(), 0);
}

#[test]
fn at_most_256_signals_wait() {
    let mut waiting = Waiting::default();
    for signal in 0..256 {
        waiting.push(signal, 1).unwrap();
    }
    assert_eq!(MAX_WAITING, 256);
    assert_eq!(waiting.push(256, 1), Err(QueueFull));
    assert_eq!(waiting.take().collect::<Vec<_>>(), (0..256).collect::<Vec<_>>(), "what did not fit is not kept");
    assert_eq!(waiting.push(257, 1), Ok(()), "there is room again");
}

#[test]
fn at_most_a_mebibyte_waits() {
    assert_eq!(MAX_WAITING_BYTES, 1024 * 1024);
    let mut waiting = Waiting::default();
    waiting.push("half", MAX_WAITING_BYTES / 2).unwrap();
    assert_eq!(waiting.push("too much", MAX_WAITING_BYTES / 2 + 1), Err(QueueFull));
    waiting.push("the other half", MAX_WAITING_BYTES / 2).unwrap();
    assert_eq!(waiting.push("a byte", 1), Err(QueueFull));
    assert_eq!(waiting.take().collect::<Vec<_>>(), ["half", "the other half"]);
    assert_eq!(waiting.push("whole", MAX_WAITING_BYTES), Ok(()), "the bytes are counted anew");
    assert_eq!(Waiting::default().push("too large", MAX_WAITING_BYTES + 1), Err(QueueFull));
}
