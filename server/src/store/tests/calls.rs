//! What is stored of a call reads back, and of many who change it at once one wins.

use call::{
    call::{Command, EndReason, Ender, Media, Presence, Reach, State},
    wire::Delivery,
};
use futures_util::future::join_all;

use super::*;
use crate::store::{KeyedAnswer, tests::place::Place};

on_both! {
    every_state_reads_back
    every_part_reads_back
    a_life_reads_back
    times_read_back_to_the_millisecond
    a_room_has_one_live_call
    of_fifty_calls_of_a_room_at_once_one_is_stored
    of_twenty_changes_at_once_one_is_stored
    a_stale_change_is_not_stored
    a_key_stands_for_its_first_answer
    of_twenty_requests_with_one_key_one_is_stored
    keys_are_forgotten
    a_users_live_calls_come_oldest_first
    what_is_due_comes_in_order
}

async fn every_state_reads_back(place: &Place) {
    let store = place.open().await;
    let ended = |since, by, reason| State::Ended { since, at: at(2), by, reason };
    let states = [
        State::Ringing,
        State::Active { since: at(1) },
        ended(None, Ender::User(user("alice")), EndReason::Cancelled),
        ended(Some(at(1)), Ender::User(user("bob")), EndReason::Hangup),
        ended(Some(at(1)), Ender::System, EndReason::Disconnected),
        ended(None, Ender::System, EndReason::Disconnected),
        State::Rejected { at: at(2), by: Ender::User(user("bob")) },
        State::Missed { at: at(2) },
    ];
    let mut live = Vec::new();
    for (number, state) in (0..).zip(states) {
        let kind = if number % 2 == 0 { CallType::Voice } else { CallType::Video };
        let before = Call { kind, whole_room: number % 3 == 0, ..ringing(number) };
        assert_eq!(store.put(&before).await, Created::Done);
        let after = Call { state, version: before.version + 1, ..before.clone() };
        assert!(store.change(&before, &after).await);
        store.has(&after).await;
        live.extend((!after.is_over()).then_some(after));
    }
    assert_eq!(store.live().await.unwrap(), live);
    assert_eq!(store.load(&id(200)).await.unwrap(), None);
}

async fn every_part_reads_back(place: &Place) {
    let store = place.open().await;
    let devices = BTreeMap::from([
        (device("ONE"), Presence::Connected),
        (device("TWO"), Presence::Awaited),
        (device("\"Ü\"'"), Presence::Until(at(20_001))),
    ]);
    let parts = [
        Part::Invited { until: at(60_000) },
        Part::Ringing { until: at(90_001) },
        Part::Joined { since: at(1), first: device("GONE"), devices },
        Part::Left { since: at(1), at: at(2) },
        Part::Rejected { at: at(3) },
        Part::Missed { at: at(60_000) },
    ];
    let mut before = ringing(1);
    for (number, part) in parts.iter().enumerate() {
        let participant =
            Participant { part: part.clone(), audio: number != 1, video: number == 2, screen: number == 3, muted: number == 0 };
        before.participants.insert(user(&format!("at_first_{number}")), participant);
    }
    assert_eq!(store.put(&before).await, Created::Done);
    store.has(&before).await;
    // From each part to each other: nothing of the old one may stay.
    for turn in 1..parts.len() {
        let mut after = Call { version: before.version + 1, ..before.clone() };
        for (number, part) in parts.iter().cycle().skip(turn).take(parts.len()).enumerate() {
            let participant = Participant { part: part.clone(), audio: true, video: true, screen: false, muted: turn == number };
            after.participants.insert(user(&format!("at_first_{number}")), participant.clone());
            after.participants.insert(user(&format!("new_{turn}_{number}")), participant);
        }
        assert!(store.change(&before, &after).await);
        store.has(&after).await;
        before = after;
    }
}

async fn a_life_reads_back(place: &Place) {
    let store = place.open().await;
    let mut call = ringing(1);
    assert_eq!(store.put(&call).await, Created::Done);
    let until = at(30_000);
    let online = Reach { online: true, ..Reach::default() };
    for (name, command) in [
        ("bob", Command::Answer { device: device("B1"), connected: false }),
        ("bob", Command::Connected { device: device("B1") }),
        ("alice", Command::Invite { users: vec![(user("carol"), online), (user("dave"), Reach::default())], until }),
        ("bob", Command::Toggle { media: Media::Screen, enabled: true }),
        ("carol", Command::Join { device: device("C1"), connected: true }),
        ("zoe", Command::Join { device: device("Z1"), connected: true }),
        ("bob", Command::Disconnected { device: device("B1"), until }),
        ("alice", Command::Leave { device: device("A1") }),
        ("dave", Command::Reject { reason: None }),
    ] {
        let after = apply(&call, 10, name, command);
        assert!(store.change(&call, &after).await);
        store.has(&after).await;
        call = after;
    }
    for after in [call.clone().restarted(at(40_000)), call.expire(at(30_000)).0] {
        let before = store.load(&after.id).await.unwrap().unwrap();
        let after = Call { version: before.version + 1, ..after };
        assert!(store.change(&before, &after).await);
        store.has(&after).await;
    }
}

async fn times_read_back_to_the_millisecond(place: &Place) {
    let store = place.open().await;
    for (number, milliseconds) in (0..).zip([0, 1, 10, 100, 999, 1_000, 86_399_999, -1_800_000_000_001, 100_000_000_000_000]) {
        let call = ringing_in(number, room(number), at(milliseconds));
        assert_eq!(store.put(&call).await, Created::Done);
        store.has(&call).await;
        let answered = answered(&call, milliseconds + 1);
        let over = ended(&answered, milliseconds + 3);
        assert!(store.change(&call, &answered).await && store.change(&answered, &over).await);
        store.has(&over).await;
    }
}

async fn a_room_has_one_live_call(place: &Place) {
    let store = place.open().await;
    let (first, second) = (ringing(1), ringing_in(2, room(1), at(5)));
    assert_eq!(store.put(&first).await, Created::Done);
    assert_eq!(store.put(&second).await, Created::RoomBusy(first.id.clone()));
    let active = answered(&first, 10);
    assert!(store.change(&first, &active).await);
    assert_eq!(store.put(&second).await, Created::RoomBusy(first.id.clone()));
    assert_eq!(store.load(&second.id).await.unwrap(), None, "nothing of it is stored");
    assert_eq!(store.put(&ringing(3)).await, Created::Done, "another room is free");
    assert!(store.change(&active, &ended(&active, 20)).await);
    assert_eq!(store.put(&second).await, Created::Done);
    store.has(&second).await;
}

async fn of_fifty_calls_of_a_room_at_once_one_is_stored(place: &Place) {
    let store = place.open().await;
    let calls: Vec<Call> = (0..50).map(|number| ringing_in(number, room(0), at(number.into()))).collect();
    let outcomes = join_all(calls.iter().map(|call| store.put(call))).await;
    let live = store.live().await.unwrap();
    assert_eq!(live.len(), 1);
    for (call, outcome) in calls.iter().zip(outcomes) {
        let wanted = if call.id == live[0].id { Created::Done } else { Created::RoomBusy(live[0].id.clone()) };
        assert_eq!(outcome, wanted);
        assert_eq!(store.load(&call.id).await.unwrap().as_ref(), (call.id == live[0].id).then_some(call));
    }
}

async fn of_twenty_changes_at_once_one_is_stored(place: &Place) {
    let store = place.open().await;
    let before = ringing(1);
    assert_eq!(store.put(&before).await, Created::Done);
    let answers: Vec<Call> = (0..20)
        .map(|number| apply(&before, number, "bob", Command::Answer { device: device(&format!("B{number}")), connected: true }))
        .collect();
    let outcomes = join_all(answers.iter().map(|after| store.change(&before, after))).await;
    let winners: Vec<&Call> = answers.iter().zip(&outcomes).filter(|(_, won)| **won).map(|(after, _)| after).collect();
    assert_eq!(winners.len(), 1);
    store.has(winners[0]).await;
    assert_eq!(store.count("SELECT COUNT(*) FROM call_events WHERE event_type = 'changed'").await, 1, "one transition is logged");
}

async fn a_stale_change_is_not_stored(place: &Place) {
    let store = place.open().await;
    let before = ringing(1);
    assert!(!store.change(&before, &answered(&before, 5)).await, "there is no such call");
    assert_eq!(store.put(&before).await, Created::Done);
    let now = answered(&before, 10);
    assert!(store.change(&before, &now).await);
    assert!(!store.change(&before, &ended(&before, 11)).await);
    assert!(!store.change(&before, &now).await, "not even the same again");
    store.has(&now).await;
}

async fn a_key_stands_for_its_first_answer(place: &Place) {
    let store = place.open().await;
    let alice = user("alice");
    let call = ringing(1);
    assert_eq!(store.put_with_key(&call, "k", "body").await, Created::Done);
    let pending = Delivery { live: 0, pending: 1, devices: 0 };
    let mut answer = KeyedAnswer { body_hash: "body".to_owned(), call_id: call.id.clone(), delivery: pending };
    assert_eq!(store.put_with_key(&ringing(2), "k", "another body").await, Created::KeyUsed(answer.clone()));
    assert_eq!(store.load(&id(2)).await.unwrap(), None);
    assert_eq!(store.put_with_key(&call, "k", "body").await, Created::KeyUsed(answer.clone()), "before the room is looked at");
    answer.delivery = Delivery { live: 1, pending: 0, devices: 3 };
    store.set_delivery(alice.clone(), "k".to_owned(), answer.delivery).await.unwrap();
    assert_eq!(store.keyed_answer(&alice, "k").await.unwrap(), Some(answer.clone()));
    assert!(store.change(&call, &ended(&call, 10)).await);
    assert_eq!(store.put_with_key(&call, "k", "body").await, Created::KeyUsed(answer), "also when the call is over");
    let others = Call { caller: user("bob"), ..ringing(3) };
    assert_eq!(store.put_with_key(&others, "k", "body").await, Created::Done, "a key is its user's own");
    assert_eq!(store.keyed_answer(&alice, "K").await.unwrap(), None);
    assert_eq!(store.put_with_key(&ringing_in(4, room(3), at(0)), "unused", "body").await, Created::RoomBusy(id(3)));
    assert_eq!(store.keyed_answer(&alice, "unused").await.unwrap(), None, "a call that was not stored uses no key");
}

/// A client that repeats a request because the first took too long.
async fn of_twenty_requests_with_one_key_one_is_stored(place: &Place) {
    let store = place.open().await;
    // So that all have their connection at once.
    join_all((0..20).map(|_| store.ping())).await;
    for round in 0..10 {
        let calls: Vec<Call> = (0..20).map(|number| ringing_in(20 * round + number, room(round), at(0))).collect();
        let key = format!("key {round}");
        let outcomes = join_all(calls.iter().map(|call| store.put_with_key(call, &key, "body"))).await;
        let first = store.keyed_answer(&user("alice"), &key).await.unwrap().unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Created::Done).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Created::KeyUsed(first.clone())).count(), 19, "{outcomes:?}");
    }
    assert_eq!(store.live().await.unwrap().len(), 10);
}

async fn keys_are_forgotten(place: &Place) {
    let store = place.open().await;
    let (old, new) = (ringing_in(1, room(1), at(0)), ringing_in(2, room(2), at(1)));
    assert_eq!(store.put_with_key(&old, "old", "body").await, Created::Done);
    assert_eq!(store.put_with_key(&new, "new", "body").await, Created::Done);
    store.forget_keys(at(0)).await.unwrap();
    assert!(store.keyed_answer(&user("alice"), "old").await.unwrap().is_some());
    store.forget_keys(at(1)).await.unwrap();
    assert_eq!(store.keyed_answer(&user("alice"), "old").await.unwrap(), None);
    assert!(store.keyed_answer(&user("alice"), "new").await.unwrap().is_some());
    store.has(&old).await;
    assert_eq!(store.put_with_key(&ringing(3), "old", "body").await, Created::Done);
}

async fn a_users_live_calls_come_oldest_first(place: &Place) {
    let store = place.open().await;
    let calls: Vec<Call> =
        [30, 10, 20, 0].into_iter().zip(0..).map(|(ms, number)| ringing_in(number, room(number), at(ms))).collect();
    for call in &calls {
        assert_eq!(store.put(call).await, Created::Done);
    }
    let live = async |name: &str| -> Vec<Call> { store.live_of_user(&user(name)).await.unwrap() };
    let oldest_first = [3, 1, 2, 0].map(|number: usize| calls[number].clone());
    assert_eq!(live("bob").await, oldest_first);
    assert_eq!(live("alice").await, oldest_first);
    assert_eq!(store.live().await.unwrap(), oldest_first);
    assert_eq!(live("zoe").await, []);
    let rejected = apply(&calls[3], 40, "bob", Command::Reject { reason: None });
    let active = answered(&calls[1], 40);
    assert!(store.change(&calls[3], &rejected).await && store.change(&calls[1], &active).await);
    let rest = [active, calls[2].clone(), calls[0].clone()];
    assert_eq!((live("bob").await, live("alice").await), (rest.to_vec(), rest.to_vec()));
    // In a group that goes on, whoever is out of it has no part in it any more.
    let group = apply(&rest[0], 50, "zoe", Command::Join { device: device("Z1"), connected: true });
    let without_bob = apply(&group, 60, "bob", Command::End { for_all: false });
    assert!(store.change(&rest[0], &group).await && store.change(&group, &without_bob).await);
    assert_eq!(live("bob").await, rest[1..]);
    assert_eq!(live("zoe").await, [without_bob]);
}

async fn what_is_due_comes_in_order(place: &Place) {
    let store = place.open().await;
    assert_eq!((store.next_deadline().await.unwrap(), store.due(at(i64::from(u32::MAX))).await.unwrap()), (None, vec![]));
    // Their deadlines are a minute after they began.
    let calls: Vec<Call> =
        [2_000, 999, 1_000].into_iter().zip(0..).map(|(ms, number)| ringing_in(number, room(number), at(ms))).collect();
    for call in &calls {
        assert_eq!(store.put(call).await, Created::Done);
    }
    assert_eq!(store.next_deadline().await.unwrap(), Some(at(60_999)));
    let due = async |ms| -> Vec<CallId> { store.due(at(ms)).await.unwrap() };
    assert_eq!(due(60_998).await, []);
    assert_eq!(due(60_999).await, [id(1)]);
    assert_eq!(due(90_000).await, [id(1), id(2), id(0)]);
    let active = answered(&calls[1], 5_000);
    assert!(store.change(&calls[1], &active).await);
    assert_eq!(store.next_deadline().await.unwrap(), Some(at(61_000)), "between two who talk nothing is due");
    let lost = apply(&active, 6_000, "bob", Command::Disconnected { device: device("B1"), until: at(7_000) });
    assert!(store.change(&active, &lost).await);
    assert_eq!((store.next_deadline().await.unwrap(), due(7_000).await), (Some(at(7_000)), vec![id(1)]));
    for call in [&lost, &calls[0], &calls[2]] {
        assert!(store.change(call, &ended(call, 8_000)).await);
    }
    assert_eq!((store.next_deadline().await.unwrap(), due(90_000).await), (None, vec![]), "nothing is due of what is over");
}
