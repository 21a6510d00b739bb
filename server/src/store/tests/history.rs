//! Looking back at calls that are over, and forgetting them.

use call::{
    call::Command,
    wire::{Direction, Outcome, PastCall},
};

use super::*;
use crate::store::tests::place::Place;

on_both! {
    pages_follow_each_other_without_gaps
    each_sees_a_call_as_it_was_for_them
    what_was_seen_stays_seen
    who_is_forgotten_does_not_hide_the_calls_of_others
    what_is_noted_reads_back_in_order_and_goes_with_its_call
}

async fn past(store: &Store, name: &str) -> Vec<PastCall> {
    store.past(&user(name), None, 100).await.unwrap().0
}

async fn over(store: &Store, call: &Call, after: &[Call]) {
    assert_eq!(store.put(call).await, Created::Done);
    let mut before = call;
    for next in after {
        assert!(store.change(before, next).await);
        before = next;
    }
}

async fn pages_follow_each_other_without_gaps(place: &Place) {
    let store = place.open().await;
    // Some began at the same moment.
    for number in 0..10 {
        let call = ringing_in(number, room(number), at(i64::from(number / 3)));
        over(&store, &call, &[ended(&call, 50)]).await;
    }
    assert_eq!(store.put(&ringing(99)).await, Created::Done);
    let (mut seen, mut behind) = (Vec::new(), None);
    for page in 0..4 {
        let (calls, next) = store.past(&user("bob"), behind, 3).await.unwrap();
        assert_eq!((calls.len(), next.is_some()), if page < 3 { (3, true) } else { (1, false) });
        seen.extend(calls.into_iter().map(|past| past.call_id));
        behind = next.map(|next| next.to_string().parse().unwrap());
    }
    assert_eq!(seen, (0..10).rev().map(id).collect::<Vec<_>>());
    assert_eq!(store.past(&user("bob"), None, 10).await.unwrap().1, None, "a full page may be the last");
    assert_eq!(past(&store, "zoe").await, []);
}

async fn each_sees_a_call_as_it_was_for_them(place: &Place) {
    let store = place.open().await;
    let call = ringing(1);
    let talked = answered(&call, 1_000);
    over(&store, &call, &[talked.clone(), ended(&talked, 3_500)]).await;
    let call = ringing_in(2, room(2), at(10));
    over(&store, &call, &[apply(&call, 20, "bob", Command::Reject { reason: None })]).await;
    let call = ringing_in(3, room(3), at(20));
    over(&store, &call, &[ended(&call, 30)]).await;
    let call = ringing_in(4, room(4), at(30));
    over(&store, &call, &[call.clone().expire(at(60_030)).0]).await;
    let seen = |past: Vec<PastCall>| -> Vec<(Direction, Outcome, bool, Option<i64>)> {
        past.into_iter().map(|call| (call.direction, call.outcome, call.missed, call.duration_ms)).collect()
    };
    let alices = |outcome, duration| (Direction::Outgoing, outcome, false, duration);
    assert_eq!(
        seen(past(&store, "alice").await),
        [
            alices(Outcome::Missed, None),
            alices(Outcome::Cancelled, None),
            alices(Outcome::Rejected, None),
            alices(Outcome::Answered, Some(2_500)),
        ]
    );
    let bobs = |outcome, missed, duration| (Direction::Incoming, outcome, missed, duration);
    assert_eq!(
        seen(past(&store, "bob").await),
        [
            bobs(Outcome::Missed, true, None),
            bobs(Outcome::Cancelled, true, None),
            bobs(Outcome::Rejected, false, None),
            bobs(Outcome::Answered, false, Some(2_500)),
        ]
    );
}

async fn what_was_seen_stays_seen(place: &Place) {
    let store = place.open().await;
    for number in 1..=3 {
        let call = ringing_in(number, room(number), at(number.into()));
        over(&store, &call, &[call.clone().expire(at(70_000)).0]).await;
    }
    let seen = async |name: &str| -> Vec<bool> { past(&store, name).await.into_iter().map(|call| call.seen).collect() };
    assert_eq!((seen("bob").await, seen("alice").await), (vec![false; 3], vec![true; 3]));
    store.mark_seen(user("bob"), Some(vec![id(2), id(77)])).await.unwrap();
    assert_eq!(seen("bob").await, [false, true, false]);
    store.mark_seen(user("alice"), None).await.unwrap();
    assert_eq!(seen("bob").await, [false, true, false]);
    store.mark_seen(user("bob"), None).await.unwrap();
    assert_eq!(seen("bob").await, [true; 3]);
}

async fn who_is_forgotten_does_not_hide_the_calls_of_others(place: &Place) {
    let store = place.open().await;
    let call = ringing(1);
    over(&store, &call, &[apply(&call, 20, "bob", Command::Reject { reason: None })]).await;
    let call = ringing(2);
    over(&store, &call, &[answered(&call, 5), apply(&answered(&call, 5), 20, "bob", Command::End { for_all: false })]).await;
    assert_eq!(store.put(&ringing(3)).await, Created::Done);
    let forgotten = store.forget_user(user("bob")).await.unwrap();
    assert_eq!((forgotten.started, forgotten.of_others, forgotten.live), (0, 2, 1));
    assert_eq!((past(&store, "alice").await.len(), past(&store, "bob").await.len()), (2, 0));
    for number in 1..=2 {
        let call = store.load(&id(number)).await.unwrap().unwrap();
        assert!(!format!("{call:?}").contains("@bob"), "{call:?}");
    }
    assert_eq!(store.forget_calls(at(20)).await.unwrap(), 0);
    assert_eq!(store.forget_calls(at(21)).await.unwrap(), 2);
    store.has(&ringing(3)).await;
}

async fn what_is_noted_reads_back_in_order_and_goes_with_its_call(place: &Place) {
    let store = place.open().await;
    let call = ringing(1);
    assert_eq!(store.put(&call).await, Created::Done);
    let note = |call: u8, event_type, ms| Note {
        call: id(call),
        what: Transition { user: Some(user("bob")), event_type, metadata: serde_json::json!({"deviceId": "D"}) },
        at: at(ms),
    };
    store.note(vec![note(1, "connection-lost", 7), note(1, "notified", 3), note(2, "notified", 3)]).await.unwrap();
    let noted = async || {
        let records = store.records(&call.id).await.unwrap();
        records
            .into_iter()
            .filter(|record| record.metadata["deviceId"] == "D")
            .map(|record| (record.event_type, record.at))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        noted().await,
        [("notified".to_owned(), at(3)), ("connection-lost".to_owned(), at(7))],
        "of this call alone, by time"
    );
    assert!(store.change(&call, &ended(&call, 50)).await);
    store.forget_user(user("bob")).await.unwrap();
    assert_eq!(noted().await, [], "a user's notes go with the user");
}
