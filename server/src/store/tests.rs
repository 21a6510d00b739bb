//! One suite, run on both databases. Each PostgreSQL test has a database of its own.

mod calls;
mod history;
pub(super) mod place;
mod transactions;

use std::{collections::BTreeMap, sync::Arc};

use call::{
    call::{Call, CallType, Command, Part, Participant, State},
    ids::{CallId, DeviceId, RoomId, UserId},
};
use jiff::Timestamp;

use super::{Created, IdempotencyKey, Note, Store, Transition};

/// Makes of each `async fn name(place: &Place)` two tests: `sqlite::name` and `postgres::name`.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&super::Place::sqlite()).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let place = super::Place::postgres().await;
                super::$name(&place).await;
                place.remove().await;
            })*
        }
    };
}

use on_both;

fn user(name: &str) -> UserId {
    UserId::parse(&format!("@{name}:x")).unwrap()
}

fn device(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn id(number: u8) -> CallId {
    CallId::from_random([number; 16])
}

fn room(number: u8) -> RoomId {
    RoomId::parse(&format!("!{number}:x")).unwrap()
}

/// So many milliseconds after everything here began.
fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

/// A call of alice's to bob, whose number is its room's too.
fn ringing(number: u8) -> Call {
    ringing_in(number, room(number), at(0))
}

fn ringing_in(number: u8, room: RoomId, now: Timestamp) -> Call {
    let first = device("A1");
    let devices = BTreeMap::from([(first.clone(), call::call::Presence::Connected)]);
    let participant = |part| Participant { part, audio: true, video: false, screen: false, muted: false };
    let until = now + jiff::SignedDuration::from_secs(60);
    Call {
        id: id(number),
        room,
        kind: CallType::Voice,
        caller: user("alice"),
        caller_name: "Älice 'A\" \\ 📞".to_owned(),
        created_at: now,
        expires_at: until,
        whole_room: true,
        state: State::Ringing,
        participants: BTreeMap::from([
            (user("alice"), participant(Part::Joined { since: now, first, devices })),
            (user("bob"), participant(Part::Ringing { until })),
        ]),
        version: 0,
    }
}

fn apply(call: &Call, milliseconds: i64, name: &str, command: Command) -> Call {
    call.clone().apply(at(milliseconds), &user(name), command).unwrap().0
}

fn answered(call: &Call, milliseconds: i64) -> Call {
    apply(call, milliseconds, "bob", Command::Answer { device: device("B1"), connected: true })
}

fn ended(call: &Call, milliseconds: i64) -> Call {
    apply(call, milliseconds, "alice", Command::End { for_all: true })
}

fn log(event_type: &'static str) -> Vec<Transition> {
    vec![Transition { user: Some(user("alice")), event_type, metadata: serde_json::json!({ "a": [1, null] }) }]
}

impl Store {
    async fn put(&self, call: &Call) -> Created {
        self.create(Arc::new(call.clone()), log("invited"), None).await.unwrap()
    }

    async fn put_with_key(&self, call: &Call, key: &str, body_hash: &str) -> Created {
        let key = IdempotencyKey { key: key.to_owned(), body_hash: body_hash.to_owned() };
        self.create(Arc::new(call.clone()), log("invited"), Some(key)).await.unwrap()
    }

    async fn change(&self, before: &Call, after: &Call) -> bool {
        self.update(Arc::new(before.clone()), Arc::new(after.clone()), log("changed"), at(99)).await.unwrap()
    }

    /// Checks that the store has just this of the call.
    async fn has(&self, call: &Call) {
        assert_eq!(self.load(&call.id).await.unwrap().as_ref(), Some(call));
    }
}
