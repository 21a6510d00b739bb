//! What HTTP answers (contract, section 3).

use insta::assert_snapshot;
use ringback_call::{
    call::{CallType, Status},
    wire::{
        Active, ActiveCall, CallConfig, CallStatus, Delivery, Direction, Done, Entered, ErrorBody, Health, History, IceServers,
        Initiated, Invited, Outcome, PastCall, SessionRow, Stands, errcode,
    },
};

use super::{alice, at, call, json, room, rows, stun, stun_and_turn};

#[test]
fn call_config() {
    let config = CallConfig {
        base_url: "https://calls.x".to_owned(),
        websocket_url: "https://calls.x".to_owned(),
        homeserver_url: "https://matrix.x".to_owned(),
        ice_servers: stun(),
    };
    assert_snapshot!(json(&config), @r#"{"baseUrl":"https://calls.x","websocketUrl":"https://calls.x","homeserverUrl":"https://matrix.x","iceServers":[{"urls":["stun:s:19302"]}]}"#);
}

#[test]
fn health() {
    let health = Health { status: "healthy".to_owned(), database: "connected".to_owned() };
    assert_snapshot!(json(&health), @r#"{"status":"healthy","database":"connected"}"#);
}

#[test]
fn initiate() {
    let initiated = Initiated {
        call_id: call(),
        room_id: room(),
        call_type: CallType::Video,
        status: Status::Ringing,
        ice_servers: stun_and_turn(),
        expires_at: at("03:05:05.25"),
        delivery: Delivery { live: 2, pending: 1, devices: 5 },
    };
    assert_snapshot!(json(&initiated), @r#"{"callId":"<call>","roomId":"!room:x","callType":"video","status":"ringing","iceServers":[{"urls":["stun:s:19302"]},{"urls":["turn:t:3478?transport=udp"],"username":"1767312000:@bob:x","credential":"secret="}],"expiresAt":"2026-01-02T03:05:05.25Z","delivery":{"live":2,"pending":1,"devices":5}}"#);
}

#[test]
fn answer_and_join() {
    let entered =
        Entered { call_id: call(), status: Status::Active, room_id: room(), call_type: CallType::Voice, ice_servers: stun() };
    assert_snapshot!(json(&entered), @r#"{"callId":"<call>","status":"active","roomId":"!room:x","callType":"voice","iceServers":[{"urls":["stun:s:19302"]}]}"#);
}

#[test]
fn reject_end_and_leave() {
    let stands = |status| json(&Stands { call_id: call(), status });
    assert_snapshot!(stands(Status::Ringing), @r#"{"callId":"<call>","status":"ringing"}"#);
    assert_snapshot!(stands(Status::Active), @r#"{"callId":"<call>","status":"active"}"#);
    assert_snapshot!(stands(Status::Ended), @r#"{"callId":"<call>","status":"ended"}"#);
    assert_snapshot!(stands(Status::Rejected), @r#"{"callId":"<call>","status":"rejected"}"#);
    assert_snapshot!(stands(Status::Missed), @r#"{"callId":"<call>","status":"missed"}"#);
}

#[test]
fn invite() {
    let delivery = Delivery { live: 0, pending: 1, devices: 0 };
    assert_snapshot!(json(&Invited { call_id: call(), status: Status::Active, delivery }), @r#"{"callId":"<call>","status":"active","delivery":{"live":0,"pending":1,"devices":0}}"#);
}

#[test]
fn signals_and_toggles() {
    let done = Done { success: true, ..Done::default() };
    assert_snapshot!(json(&done), @r#"{"success":true}"#);
    assert_snapshot!(json(&Done { audio_enabled: Some(false), ..done }), @r#"{"success":true,"audioEnabled":false}"#);
    assert_snapshot!(json(&Done { video_enabled: Some(true), ..done_again() }), @r#"{"success":true,"videoEnabled":true}"#);
    assert_snapshot!(json(&Done { screen_enabled: Some(true), ..done_again() }), @r#"{"success":true,"screenEnabled":true}"#);
}

fn done_again() -> Done {
    Done { success: true, ..Done::default() }
}

/// Existing clients read these rows in `snake_case`, and `iceServers` beside them in camelCase.
#[test]
fn active() {
    let row = ActiveCall {
        call_id: call(),
        room_id: room(),
        call_type: CallType::Voice,
        initiator_id: alice(),
        status: Status::Ringing,
        created_at: at("03:04:05"),
    };
    assert_snapshot!(json(&Active { calls: vec![row], ice_servers: stun() }), @r#"{"calls":[{"call_id":"<call>","room_id":"!room:x","call_type":"voice","initiator_id":"@alice:x","status":"ringing","created_at":"2026-01-02T03:04:05Z"}],"iceServers":[{"urls":["stun:s:19302"]}]}"#);
    assert_snapshot!(json(&Active { calls: vec![], ice_servers: vec![] }), @r#"{"calls":[],"iceServers":[]}"#);
}

#[test]
fn status() {
    let session = SessionRow {
        call_id: call(),
        room_id: room(),
        call_type: CallType::Voice,
        status: Status::Active,
        initiator_id: alice(),
        created_at: at("03:04:05"),
        started_at: Some(at("03:04:15")),
        ended_at: None,
        expires_at: at("03:05:05"),
    };
    assert_snapshot!(json(&CallStatus { session, participants: rows() }), @r#"{"session":{"call_id":"<call>","room_id":"!room:x","call_type":"voice","status":"active","initiator_id":"@alice:x","created_at":"2026-01-02T03:04:05Z","started_at":"2026-01-02T03:04:15Z","ended_at":null,"expires_at":"2026-01-02T03:05:05Z"},"participants":[{"matrix_user_id":"@alice:x","status":"joined","audio_enabled":true,"video_enabled":false,"screen_enabled":false,"joined_at":"2026-01-02T03:04:05.678Z","left_at":null},{"matrix_user_id":"@bob:x","status":"missed","audio_enabled":true,"video_enabled":false,"screen_enabled":false,"joined_at":null,"left_at":"2026-01-02T03:05:05Z"}]}"#);
}

#[test]
fn history() {
    let talked = PastCall {
        call_id: call(),
        room_id: room(),
        call_type: CallType::Video,
        initiator_id: alice(),
        direction: Direction::Incoming,
        outcome: Outcome::Answered,
        missed: false,
        seen: true,
        created_at: at("03:04:05"),
        started_at: Some(at("03:04:15")),
        ended_at: Some(at("03:04:16.5")),
        duration_ms: Some(1500),
    };
    assert_snapshot!(json(&talked), @r#"{"callId":"<call>","roomId":"!room:x","callType":"video","initiatorId":"@alice:x","direction":"incoming","outcome":"answered","missed":false,"seen":true,"createdAt":"2026-01-02T03:04:05Z","startedAt":"2026-01-02T03:04:15Z","endedAt":"2026-01-02T03:04:16.5Z","durationMs":1500}"#);
    let outcomes = [Outcome::Answered, Outcome::Missed, Outcome::Rejected, Outcome::Cancelled];
    assert_snapshot!(json(&outcomes), @r#"["answered","missed","rejected","cancelled"]"#);
    assert_snapshot!(json(&Direction::Outgoing), @r#""outgoing""#);
    assert_snapshot!(json(&History { calls: vec![], next_batch: None }), @r#"{"calls":[]}"#);
    assert_snapshot!(json(&History { calls: vec![], next_batch: Some("b".to_owned()) }), @r#"{"calls":[],"nextBatch":"b"}"#);
}

#[test]
fn ice_servers() {
    assert_snapshot!(json(&IceServers { ice_servers: stun_and_turn(), ttl: 3600 }), @r#"{"iceServers":[{"urls":["stun:s:19302"]},{"urls":["turn:t:3478?transport=udp"],"username":"1767312000:@bob:x","credential":"secret="}],"ttl":3600}"#);
}

#[test]
fn errors() {
    let plain = ErrorBody {
        errcode: errcode::FORBIDDEN.to_owned(),
        error: "no".to_owned(),
        status: None,
        call_id: None,
        retry_after_ms: None,
    };
    assert_snapshot!(json(&plain), @r#"{"errcode":"M_FORBIDDEN","error":"no"}"#);
    let state = ErrorBody { errcode: errcode::CALL_STATE.to_owned(), status: Some(Status::Missed), ..plain.clone() };
    assert_snapshot!(json(&state), @r#"{"errcode":"RINGBACK_CALL_STATE","error":"no","status":"missed"}"#);
    let exists = ErrorBody { errcode: errcode::CALL_EXISTS.to_owned(), call_id: Some(call()), ..plain.clone() };
    assert_snapshot!(json(&exists), @r#"{"errcode":"RINGBACK_CALL_EXISTS","error":"no","callId":"<call>"}"#);
    let limited = ErrorBody { errcode: errcode::LIMIT_EXCEEDED.to_owned(), retry_after_ms: Some(6000), ..plain };
    assert_snapshot!(json(&limited), @r#"{"errcode":"M_LIMIT_EXCEEDED","error":"no","retry_after_ms":6000}"#);
}

/// Clients compare these; they never change.
#[test]
fn errcodes() {
    let all = [
        errcode::NOT_JSON,
        errcode::BAD_JSON,
        errcode::MISSING_PARAM,
        errcode::INVALID_PARAM,
        errcode::MISSING_TOKEN,
        errcode::UNKNOWN_TOKEN,
        errcode::FORBIDDEN,
        errcode::NOT_FOUND,
        errcode::UNRECOGNIZED,
        errcode::TOO_LARGE,
        errcode::LIMIT_EXCEEDED,
        errcode::CALL_STATE,
        errcode::CALL_EXISTS,
        errcode::QUEUE_FULL,
        errcode::HOMESERVER,
        errcode::UNAVAILABLE,
    ];
    assert_snapshot!(all.join(" "), @"M_NOT_JSON M_BAD_JSON M_MISSING_PARAM M_INVALID_PARAM M_MISSING_TOKEN M_UNKNOWN_TOKEN M_FORBIDDEN M_NOT_FOUND M_UNRECOGNIZED M_TOO_LARGE M_LIMIT_EXCEEDED RINGBACK_CALL_STATE RINGBACK_CALL_EXISTS RINGBACK_QUEUE_FULL RINGBACK_HOMESERVER RINGBACK_UNAVAILABLE");
}
