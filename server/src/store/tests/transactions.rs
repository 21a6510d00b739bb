//! What fails is undone alone, what was committed stays, and nodes that start together do not get in each other's way.

use std::sync::Arc;

use futures_util::future::{join, join_all};

use super::*;
use crate::store::{Fault, Op, Tx, Value, tests::place::Place};

on_both! {
    what_fails_does_not_take_others_with_it
    what_was_committed_is_there_after_reopening
    two_stores_open_an_empty_database_at_once
    it_answers
}

/// Spoils a call, then does what the database refuses.
struct Spoil {
    sql: &'static str,
}

impl Op for Spoil {
    const NAME: &'static str = "spoil";

    type Out = ();

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        let spoilt = tx.execute("UPDATE call_sessions SET caller_name = 'spoilt'", &[]).await?;
        assert_ne!(spoilt, 0, "there is something to spoil");
        tx.execute(self.sql, &[]).await.map(drop)
    }
}

/// One number.
struct Count(&'static str);

impl Op for Count {
    const NAME: &'static str = "count";

    type Out = i64;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<i64, Fault> {
        let Value::Int(number) = tx.query(self.0, &[]).await?[0].0[0] else { panic!("{} counts nothing", self.0) };
        Ok(number)
    }
}

impl Store {
    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        self.read(Count(sql)).await.unwrap()
    }
}

/// A check, a foreign key, a key that is taken, a value that is missing, a statement that is none.
const REFUSED: [&str; 5] = [
    "UPDATE call_sessions SET status = 'nonsense'",
    "INSERT INTO idempotency_keys (user_id, idempotency_key, body_hash, call_id, delivery, created_at) \
     SELECT 'u', 'k', 'b', 'no such call', '{}', created_at FROM call_sessions",
    "INSERT INTO call_sessions SELECT * FROM call_sessions",
    "UPDATE call_sessions SET version = NULL",
    "THIS IS NO SQL",
];

async fn what_fails_does_not_take_others_with_it(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.put(&ringing(0)).await, Created::Done);
    let calls: Vec<Call> = (1..=60).map(ringing).collect();
    let refused = (0..40).map(|number| store.write(Spoil { sql: REFUSED[number % REFUSED.len()] }));
    let (stored, spoilt) = join(join_all(calls.iter().map(|call| store.put(call))), join_all(refused)).await;
    assert!(stored.iter().all(|created| *created == Created::Done));
    assert!(spoilt.iter().all(Result::is_err));
    for call in &calls {
        store.has(call).await;
    }
    assert_eq!(store.count("SELECT COUNT(*) FROM call_sessions WHERE caller_name = 'spoilt'").await, 0);
    assert_eq!(store.count("SELECT COUNT(*) FROM call_sessions").await, 61);
}

async fn what_was_committed_is_there_after_reopening(place: &Place) {
    let store = place.open().await;
    let call = ringing(1);
    let active = answered(&call, 10);
    assert_eq!(store.put_with_key(&call, "k", "body").await, Created::Done);
    assert!(store.change(&call, &active).await);
    drop(store);
    let store = place.open().await;
    store.has(&active).await;
    assert!(store.keyed_answer(&user("alice"), "k").await.unwrap().is_some());
    assert_eq!(store.put(&ringing_in(2, room(1), at(5))).await, Created::RoomBusy(id(1)));
    assert!(!store.change(&call, &ended(&call, 20)).await);
    assert!(store.change(&active, &ended(&active, 20)).await);
    assert_eq!(store.count("SELECT COUNT(*) FROM call_events").await, 3, "each transition is logged once");
}

async fn two_stores_open_an_empty_database_at_once(place: &Place) {
    let open = || {
        let url = place.url();
        tokio::spawn(async move { Store::open(&url).await.map_err(|error| format!("{error:#}")) })
    };
    let (one, other) = join(open(), open()).await;
    let (one, other) = (Arc::new(one.unwrap().unwrap()), other.unwrap().unwrap());
    assert_eq!(one.put(&ringing(1)).await, Created::Done);
    other.has(&ringing(1)).await;
    assert_eq!(other.put(&ringing_in(2, room(1), at(0))).await, Created::RoomBusy(id(1)));
    assert!(other.change(&ringing(1), &answered(&ringing(1), 5)).await);
    assert!(!one.change(&ringing(1), &ended(&ringing(1), 5)).await);
}

async fn it_answers(place: &Place) {
    let store = place.open().await;
    store.ping().await.unwrap();
    assert_eq!(store.put(&ringing(1)).await, Created::Done);
    store.ping().await.unwrap();
}
