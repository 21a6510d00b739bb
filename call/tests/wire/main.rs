//! The JSON of every message, as the contract's tables have it: names, cases, what is absent, what is `null`.
#![allow(clippy::unwrap_used, reason = "what does not hold here is a failed test")]

mod answers;
mod events;
mod messages;

use jiff::Timestamp;
use ringback_call::{
    ids::{CallId, DeviceId, RoomId, SessionId, UserId},
    wire::{IceServer, ParticipantRow, ParticipantStatus},
};
use serde::Serialize;

const CALL: &str = "0123456789abcdef0123456789abcdef";
const SESSION: &str = "fedcba9876543210fedcba9876543210";

fn call() -> CallId {
    CALL.parse().unwrap()
}

fn session() -> SessionId {
    SESSION.parse().unwrap()
}

fn alice() -> UserId {
    "@alice:x".parse().unwrap()
}

fn bob() -> UserId {
    "@bob:x".parse().unwrap()
}

fn phone() -> DeviceId {
    "PHONE".parse().unwrap()
}

fn room() -> RoomId {
    "!room:x".parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    format!("2026-01-02T{text}Z").parse().unwrap()
}

fn stun_and_turn() -> Vec<IceServer> {
    let turn = IceServer {
        urls: vec!["turn:t:3478?transport=udp".to_owned()],
        username: Some("1767312000:@bob:x".to_owned()),
        credential: Some("secret=".to_owned()),
    };
    vec![IceServer { urls: vec!["stun:s:19302".to_owned()], username: None, credential: None }, turn]
}

fn stun() -> Vec<IceServer> {
    stun_and_turn().into_iter().take(1).collect()
}

/// One who talks, and one who has missed it.
fn rows() -> Vec<ParticipantRow> {
    let row = ParticipantRow {
        matrix_user_id: alice(),
        status: ParticipantStatus::Joined,
        audio_enabled: true,
        video_enabled: false,
        screen_enabled: false,
        joined_at: Some(at("03:04:05.678")),
        left_at: None,
    };
    let missed = ParticipantRow { matrix_user_id: bob(), status: ParticipantStatus::Missed, joined_at: None, ..row.clone() };
    vec![row, ParticipantRow { left_at: Some(at("03:05:05")), ..missed }]
}

/// As it goes over the wire, with short names for the two long ids.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap().replace(CALL, "<call>").replace(SESSION, "<session>")
}
