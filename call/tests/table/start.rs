//! Who may start a call, whom it rings, and for how long.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use ringback_call::{
    call::{Call, CallType, Effect, Part, Presence, Refusal, Request, State, start},
    ids::{CallId, UserId},
};

use crate::dsl::{after, at, begun, device, effect, members, reach, request, story, user};

fn begin(request: Request, members: &BTreeSet<UserId>) -> Result<(Call, Vec<Effect>), Refusal> {
    start(at(0), CallId::from_random([7; 16]), request, members, |_| reach(""))
}

#[track_caller]
fn rings(request: Request, of: &[&str], wanted: &str) {
    let (call, effects) = begin(request, &members(of)).unwrap();
    assert_eq!(effects.iter().map(effect).collect::<Vec<_>>().join(", "), wanted);
    assert_eq!(call.participants.len(), effects.len() + 1, "those who are rung, and the caller");
}

#[track_caller]
fn refused(request: Request, of: &[&str], refusal: &Refusal) {
    assert_eq!(begin(request, &members(of)).unwrap_err(), *refusal);
}

#[test]
fn it_rings_every_member_but_the_caller() {
    rings(request("alice", None), &["alice", "bob"], "ring bob");
    rings(request("alice", None), &["alice", "dave", "carol", "bob"], "ring bob, ring carol, ring dave");
}

#[test]
fn or_just_the_members_among_the_invitees() {
    let room = ["alice", "bob", "carol", "dave"];
    rings(request("alice", Some(&["bob"])), &room, "ring bob");
    rings(request("alice", Some(&["dave", "bob", "dave"])), &room, "ring bob, ring dave");
    rings(request("alice", Some(&["bob", "alice", "stranger"])), &room, "ring bob");
}

#[test]
fn only_a_joined_member_may_call() {
    refused(request("alice", None), &["bob", "carol"], &Refusal::NotMember);
    refused(request("alice", Some(&["bob"])), &["bob"], &Refusal::NotMember);
    refused(request("alice", None), &[], &Refusal::NotMember);
}

#[test]
fn there_must_be_somebody_to_ring() {
    refused(request("alice", None), &["alice"], &Refusal::NobodyToRing);
    for invitees in [&[][..], &["alice"], &["stranger"], &["stranger", "alice"]] {
        refused(request("alice", Some(invitees)), &["alice", "bob"], &Refusal::NobodyToRing);
    }
}

#[test]
fn it_rings_for_five_seconds_to_five_minutes() {
    let room = members(&["alice", "bob"]);
    for (milliseconds, allowed) in [
        (5_000, true),
        (60_000, true),
        (300_000, true),
        (4_999, false),
        (300_001, false),
        (0, false),
        (-1, false),
        (i64::MAX, false),
    ] {
        let ring_for = SignedDuration::from_millis(milliseconds);
        match begin(Request { ring_for, ..request("alice", None) }, &room) {
            Ok((call, _)) => {
                assert!(allowed, "{milliseconds}");
                assert_eq!(call.expires_at, at(0) + ring_for);
                assert_eq!(call.deadline(), Some(call.expires_at));
            }
            Err(refusal) => assert_eq!((allowed, refusal), (false, Refusal::RingTime), "{milliseconds}"),
        }
    }
}

#[test]
fn a_large_room_is_not_rung_as_a_whole() {
    let crowd = |count: usize| {
        let mut members: BTreeSet<UserId> = (1..count).map(|n| user(&format!("member{n}"))).collect();
        members.insert(user("alice"));
        members
    };
    assert_eq!(begin(request("alice", None), &crowd(100)).unwrap().1.len(), 99);
    assert_eq!(begin(request("alice", None), &crowd(101)).unwrap_err(), Refusal::RoomTooLarge { members: 101 });
    assert_eq!(begin(request("alice", Some(&["member1", "member2"])), &crowd(5000)).unwrap().1.len(), 2);
    assert_eq!(begin(request("zoe", None), &crowd(101)).unwrap_err(), Refusal::NotMember);
}

#[test]
fn it_begins_with_the_caller_in_it_and_the_others_rung() {
    let request = Request { kind: CallType::Video, ..request("alice", None) };
    let (call, _) = begun(request, &["bob", "carol?"]);
    assert_eq!((&call.state, call.version), (&State::Ringing, 0));
    assert_eq!((call.created_at, call.expires_at), (at(0), at(60)));
    assert_eq!((&call.caller, call.caller_name.as_str(), call.kind), (&user("alice"), "Alice", CallType::Video));
    assert_eq!(
        (&call.participants[&user("bob")].part, &call.participants[&user("carol")].part),
        (&Part::Ringing { until: at(60) }, &Part::Invited { until: at(60) })
    );
    let Part::Joined { since, first, devices } = &call.participants[&user("alice")].part else { panic!("the caller is in") };
    assert_eq!((*since, first), (at(0), &device("A1")));
    assert_eq!(devices.iter().collect::<Vec<_>>(), [(&device("A1"), &Presence::Connected)]);
    assert!(call.participants.values().all(|p| p.audio && p.video && !p.screen), "a video call begins with the cameras on");
}

#[test]
fn a_voice_call_begins_with_the_cameras_off() {
    let (call, _) = begin(Request { connected: false, ..request("alice", None) }, &members(&["alice", "bob"])).unwrap();
    assert!(call.participants.values().all(|p| p.audio && !p.video && !p.screen));
    assert!(call.participants[&user("alice")].part.devices().all(|(_, presence)| *presence == Presence::Awaited));
}

#[test]
fn somebody_in_another_call_rings_and_the_caller_hears_of_it() {
    let (_, effects) = begun(request("alice", None), &["bob!", "carol?"]);
    assert_eq!(
        effects.iter().map(effect).collect::<Vec<_>>(),
        ["ring bob though busy", "alice hears that bob is busy", "ring carol"]
    );
}

/// The caller must not learn of it: such a call rings in vain, as it does for somebody who is not connected.
#[test]
fn who_ignores_the_caller_is_not_rung() {
    let (call, effects) = begun(request("alice", None), &["bob-"]);
    assert_eq!((effects, call.rings(&user("bob")), call.deadline()), (vec![], false, Some(at(60))));
    assert_eq!(call.participants[&user("bob")].part, Part::Invited { until: at(60) });
    assert_eq!(call.clone().told(&user("bob")), None);
    story(call, "60 expire | missed, alice left, bob missed unaware | over by system, timeout: alice bob");
}

#[test]
fn whoever_is_in_the_call_may_ring_more_members() {
    let call = after(ringing_two(), "10 bob/B1 answer");
    story(
        call,
        "20 bob/B1 invite carol dave?    | active, carol ringing@80, dave invited@80 | ring carol@80; ring dave@80
         30 alice/A1 invite bob carol    | same
         40 carol/C1 reject: busy        | active, carol rejected | rejected by carol: busy; carol rejected elsewhere
         50 alice/A1 invite carol! alice | active, carol ringing@110 | ring carol@110 though busy; alice hears that carol is busy
         80 expire                       | active, dave missed | stop ringing, timeout: dave
         90 carol/C1 answer | active, carol joined C1 | answered by carol; carol answered elsewhere; +carol/C1 to alice/A1 bob/B1",
    );
}

fn ringing_two() -> Call {
    begun(request("alice", None), &["bob"]).0
}
