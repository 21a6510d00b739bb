//! What the parts cost by themselves: the rules of a call, the messages on the wire, the hub. `cargo bench --package ringback-bench`.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "what is measured here cannot fail, or the benchmark is wrong")]

use std::{collections::BTreeSet, hint::black_box, sync::Arc, time::Duration};

use call::{
    call::{Call, CallType, Command, Effect, Reach, Request, start},
    ids::{CallId, DeviceId, RoomId, UserId},
    signal::route,
    wire::{ClientMessage, ServerEvent, Target},
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use ringback::parts::{Event, Hub, Identity};

fn user(number: usize) -> UserId {
    UserId::parse(&format!("@user{number}:example.org")).unwrap()
}

fn device() -> DeviceId {
    DeviceId::parse("ABCDEFGHIJ").unwrap()
}

/// A call that the first of so many members starts.
fn begin(members: &BTreeSet<UserId>) -> (Call, Vec<Effect>) {
    let request = Request {
        room: RoomId::parse("!room:example.org").unwrap(),
        kind: CallType::Voice,
        caller: user(0),
        caller_name: "User".to_owned(),
        device: device(),
        connected: true,
        invitees: None,
        ring_for: SignedDuration::from_secs(60),
    };
    let reach = |_: &UserId| Reach { online: true, busy: false, ignores: false };
    start(Timestamp::UNIX_EPOCH, CallId::from_random([7; 16]), request, members, reach).unwrap()
}

fn rules(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rules");
    for count in [2, 100] {
        let members: BTreeSet<UserId> = (0..count).map(user).collect();
        group.bench_function(format!("start a call of {count}"), |bencher| bencher.iter(|| begin(black_box(&members))));
        let answer = Command::Answer { device: device(), connected: true };
        group.bench_function(format!("answer a call of {count}"), |bencher| {
            let apply = |call: Call| call.apply(Timestamp::UNIX_EPOCH, &user(1), answer.clone()).unwrap();
            bencher.iter_batched(|| begin(&members).0, apply, BatchSize::SmallInput);
        });
        let (call, _) = begin(&members).0.apply(Timestamp::UNIX_EPOCH, &user(1), answer.clone()).unwrap();
        let from = user(0);
        group.bench_function(format!("find a signal's receivers in a call of {count}"), |bencher| {
            bencher.iter(|| route(black_box(&call), &from, &Target::All).unwrap().len());
        });
    }
}

const CANDIDATE: &str = r#"{"type":"ice-candidate","callId":"0123456789abcdef0123456789abcdef","candidate":{"candidate":"candidate:842163049 1 udp 1677729535 203.0.113.17 46154 typ srflx raddr 192.168.1.22 rport 46154 generation 0 ufrag EsAw network-cost 999","sdpMid":"0","sdpMLineIndex":0}}"#;

fn wire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Bytes(CANDIDATE.len() as u64));
    group.bench_function("read a candidate", |bencher| {
        bencher.iter(|| ClientMessage::parse("ice-candidate", black_box(CANDIDATE)).unwrap());
    });
    // What any reader of JSON has to do at least.
    group.bench_function("find the end of the same text", |bencher| {
        bencher.iter(|| serde_json::from_str::<serde::de::IgnoredAny>(black_box(CANDIDATE)).unwrap());
    });
    let joined = ServerEvent::UserJoined { call_id: CallId::from_random([7; 16]), user_id: user(1), device_id: device() };
    group.bench_function("write an event", |bencher| bencher.iter(|| Event::new(black_box(&joined))));
}

fn hub(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub");
    for sessions in [1, 300] {
        let hub = Hub::new(Duration::from_secs(20));
        let attach =
            |number| hub.attach(&Identity { user: user(number), device: device(), token: None }, "http://localhost", None);
        let mut attached: Vec<_> = (0..sessions).map(attach).collect();
        let event = Arc::new(Event::of("ice-candidate", CANDIDATE.to_owned()));
        group.throughput(Throughput::Elements(sessions as u64));
        group.bench_function(format!("send one event to {sessions} sessions"), |bencher| {
            bencher.iter(|| {
                for one in &mut attached {
                    one.session.send(&event);
                    black_box(one.outbox.take().unwrap().numbered());
                }
            });
        });
    }
}

criterion_group!(parts, rules, wire, hub);
criterion_main!(parts);
