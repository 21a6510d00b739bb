//! What the server says on sockets (contract, section 4). Each session adds `eventId`.

use insta::assert_snapshot;
use ringback_call::{
    call::{CallType, EndReason, Ender, Handled, Status},
    wire::{
        Ack, Entered, ErrorBody, IncomingCall, ParticipantStatus, Refused, ResyncCall, ResyncParticipant, Route, ServerEvent,
        Target, Toggled, errcode,
    },
};
use serde_json::json as value;

use super::{alice, at, bob, call, json, phone, room, session, stun, stun_and_turn};

fn error() -> ErrorBody {
    let errcode = errcode::FORBIDDEN.to_owned();
    ErrorBody { errcode, error: "no".to_owned(), status: None, call_id: None, retry_after_ms: None }
}

/// The event as it goes out; it comes back as the same, under the name that it says.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "each event is made to be sent")]
fn sent(event: ServerEvent) -> String {
    let text = serde_json::to_string(&event).unwrap();
    let back: ServerEvent = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["type"], event.name());
    json(&event)
}

#[test]
fn registered() {
    let event = ServerEvent::Registered {
        user_id: alice(),
        device_id: phone(),
        session_id: session(),
        grace_period_ms: 20_000,
        server_time: at("03:04:05.678"),
    };
    assert_snapshot!(sent(event), @r#"{"type":"registered","userId":"@alice:x","deviceId":"PHONE","sessionId":"<session>","gracePeriodMs":20000,"serverTime":"2026-01-02T03:04:05.678Z"}"#);
}

#[test]
fn incoming_call() {
    let incoming = IncomingCall {
        event_type: "incoming_call".into(),
        call_id: call(),
        call_type: CallType::Video,
        room_id: room(),
        caller_name: "Älice \"A\"".to_owned(),
        caller_id: alice(),
        initiator_id: alice(),
        ice_servers: stun_and_turn(),
        base_url: "https://calls.x".to_owned(),
        expires_at: at("03:05:05"),
        created_at: at("03:04:05"),
        busy: false,
    };
    assert_snapshot!(sent(ServerEvent::IncomingCall(Box::new(incoming.clone()))), @r#"{"type":"incoming-call","eventType":"incoming_call","callId":"<call>","callType":"video","roomId":"!room:x","callerName":"Älice \"A\"","callerId":"@alice:x","initiatorId":"@alice:x","iceServers":[{"urls":["stun:s:19302"]},{"urls":["turn:t:3478?transport=udp"],"username":"1767312000:@bob:x","credential":"secret="}],"baseUrl":"https://calls.x","expiresAt":"2026-01-02T03:05:05Z","createdAt":"2026-01-02T03:04:05Z"}"#);
    let busy = IncomingCall { busy: true, ice_servers: stun(), call_type: CallType::Voice, ..incoming };
    assert_snapshot!(sent(ServerEvent::IncomingCall(Box::new(busy))), @r#"{"type":"incoming-call","eventType":"incoming_call","callId":"<call>","callType":"voice","roomId":"!room:x","callerName":"Älice \"A\"","callerId":"@alice:x","initiatorId":"@alice:x","iceServers":[{"urls":["stun:s:19302"]}],"baseUrl":"https://calls.x","expiresAt":"2026-01-02T03:05:05Z","createdAt":"2026-01-02T03:04:05Z","busy":true}"#);
}

#[test]
fn call_answered() {
    let event = ServerEvent::CallAnswered { call_id: call(), answered_by: bob(), room_id: room(), call_type: CallType::Voice };
    assert_snapshot!(sent(event), @r#"{"type":"call-answered","callId":"<call>","answeredBy":"@bob:x","roomId":"!room:x","callType":"voice"}"#);
}

#[test]
fn call_rejected() {
    let event = |reason: Option<&str>| ServerEvent::CallRejected {
        call_id: call(),
        rejected_by: bob(),
        reason: reason.map(str::to_owned),
    };
    assert_snapshot!(sent(event(None)), @r#"{"type":"call-rejected","callId":"<call>","rejectedBy":"@bob:x"}"#);
    assert_snapshot!(sent(event(Some("busy"))), @r#"{"type":"call-rejected","callId":"<call>","rejectedBy":"@bob:x","reason":"busy"}"#);
}

#[test]
fn callee_busy() {
    let event = ServerEvent::CalleeBusy { call_id: call(), user_id: bob() };
    assert_snapshot!(sent(event), @r#"{"type":"callee-busy","callId":"<call>","userId":"@bob:x"}"#);
}

#[test]
fn call_handled_elsewhere() {
    let event = |action| ServerEvent::CallHandledElsewhere { call_id: call(), action };
    assert_snapshot!(sent(event(Handled::Answered)), @r#"{"type":"call-handled-elsewhere","callId":"<call>","action":"answered"}"#);
    assert_snapshot!(sent(event(Handled::Rejected)), @r#"{"type":"call-handled-elsewhere","callId":"<call>","action":"rejected"}"#);
}

#[test]
fn call_ended() {
    let event = |ended_by, reason| sent(ServerEvent::CallEnded { call_id: call(), ended_by, reason });
    assert_snapshot!(event(Ender::User(bob()), EndReason::Hangup), @r#"{"type":"call-ended","callId":"<call>","endedBy":"@bob:x","reason":"hangup"}"#);
    assert_snapshot!(event(Ender::User(alice()), EndReason::Cancelled), @r#"{"type":"call-ended","callId":"<call>","endedBy":"@alice:x","reason":"cancelled"}"#);
    assert_snapshot!(event(Ender::User(bob()), EndReason::Rejected), @r#"{"type":"call-ended","callId":"<call>","endedBy":"@bob:x","reason":"rejected"}"#);
    assert_snapshot!(event(Ender::System, EndReason::Timeout), @r#"{"type":"call-ended","callId":"<call>","endedBy":"system","reason":"timeout"}"#);
    assert_snapshot!(event(Ender::System, EndReason::Disconnected), @r#"{"type":"call-ended","callId":"<call>","endedBy":"system","reason":"disconnected"}"#);
}

#[test]
fn user_joined_and_left() {
    let joined = ServerEvent::UserJoined { call_id: call(), user_id: bob(), device_id: phone() };
    assert_snapshot!(sent(joined), @r#"{"type":"user-joined","callId":"<call>","userId":"@bob:x","deviceId":"PHONE"}"#);
    let left = ServerEvent::UserLeft { call_id: call(), user_id: bob(), device_id: phone() };
    assert_snapshot!(sent(left), @r#"{"type":"user-left","callId":"<call>","userId":"@bob:x","deviceId":"PHONE"}"#);
}

#[test]
fn resync() {
    assert_snapshot!(sent(ServerEvent::Resync { calls: vec![] }), @r#"{"type":"resync","calls":[]}"#);
    let resync = ResyncCall {
        call_id: call(),
        room_id: room(),
        call_type: CallType::Voice,
        status: Status::Active,
        initiator_id: alice(),
        created_at: at("03:04:05"),
        expires_at: at("03:05:05"),
        participants: vec![ResyncParticipant {
            user_id: alice(),
            status: ParticipantStatus::Joined,
            audio_enabled: true,
            video_enabled: false,
            screen_enabled: false,
            devices: vec![phone()],
        }],
    };
    assert_snapshot!(sent(ServerEvent::Resync { calls: vec![resync] }), @r#"{"type":"resync","calls":[{"callId":"<call>","roomId":"!room:x","callType":"voice","status":"active","initiatorId":"@alice:x","createdAt":"2026-01-02T03:04:05Z","expiresAt":"2026-01-02T03:05:05Z","participants":[{"userId":"@alice:x","status":"joined","audioEnabled":true,"videoEnabled":false,"screenEnabled":false,"devices":["PHONE"]}]}]}"#);
}

#[test]
fn signals() {
    let route = |target_user_id| Route { call_id: call(), from_user_id: alice(), from_device_id: phone(), target_user_id };
    let offer = ServerEvent::WebrtcOffer { route: route(Target::All), offer: value!({ "sdp": "v=0\r\n", "type": "offer" }) };
    assert_snapshot!(sent(offer), @r#"{"type":"webrtc-offer","callId":"<call>","fromUserId":"@alice:x","fromDeviceId":"PHONE","targetUserId":"all","offer":{"sdp":"v=0\r\n","type":"offer"}}"#);
    let answer = ServerEvent::WebrtcAnswer { route: route(Target::User(bob())), answer: value!("v=0") };
    assert_snapshot!(sent(answer), @r#"{"type":"webrtc-answer","callId":"<call>","fromUserId":"@alice:x","fromDeviceId":"PHONE","targetUserId":"@bob:x","answer":"v=0"}"#);
    let end = ServerEvent::IceCandidate { route: route(Target::All), candidate: value!(null) };
    assert_snapshot!(sent(end), @r#"{"type":"ice-candidate","callId":"<call>","fromUserId":"@alice:x","fromDeviceId":"PHONE","targetUserId":"all","candidate":null}"#);
}

#[test]
fn toggled() {
    let toggled = |enabled| Toggled { call_id: call(), user_id: bob(), enabled };
    assert_snapshot!(sent(ServerEvent::AudioToggled(toggled(false))), @r#"{"type":"audio-toggled","callId":"<call>","userId":"@bob:x","enabled":false}"#);
    assert_snapshot!(sent(ServerEvent::VideoToggled(toggled(true))), @r#"{"type":"video-toggled","callId":"<call>","userId":"@bob:x","enabled":true}"#);
    assert_snapshot!(sent(ServerEvent::ScreenToggled(toggled(true))), @r#"{"type":"screen-toggled","callId":"<call>","userId":"@bob:x","enabled":true}"#);
}

#[test]
fn server_shutdown() {
    assert_snapshot!(sent(ServerEvent::ServerShutdown { reconnect_after_ms: 1500 }), @r#"{"type":"server-shutdown","reconnectAfterMs":1500}"#);
}

#[test]
fn refusals() {
    let refused = Refused { ok: false, event: Some("join-call".to_owned()), error: error() };
    assert_snapshot!(sent(ServerEvent::CallError(Box::new(refused.clone()))), @r#"{"type":"call-error","ok":false,"event":"join-call","errcode":"M_FORBIDDEN","error":"no"}"#);
    assert_snapshot!(sent(ServerEvent::Error(Box::new(Refused { event: None, ..refused }))), @r#"{"type":"error","ok":false,"errcode":"M_FORBIDDEN","error":"no"}"#);
}

#[test]
fn acknowledgements() {
    let ack =
        |id, error: Option<ErrorBody>, entered| sent(ServerEvent::Ack(Box::new(Ack { id, ok: error.is_none(), error, entered })));
    assert_snapshot!(ack(Some(value!(7)), None, None), @r#"{"type":"ack","id":7,"ok":true}"#);
    assert_snapshot!(ack(Some(value!({ "n": [null] })), Some(error()), None), @r#"{"type":"ack","id":{"n":[null]},"ok":false,"errcode":"M_FORBIDDEN","error":"no"}"#);
    let over = ErrorBody { errcode: errcode::CALL_STATE.to_owned(), status: Some(Status::Ended), ..error() };
    assert_snapshot!(ack(None, Some(over), None), @r#"{"type":"ack","ok":false,"errcode":"RINGBACK_CALL_STATE","error":"no","status":"ended"}"#);
    let entered =
        Entered { call_id: call(), status: Status::Active, room_id: room(), call_type: CallType::Voice, ice_servers: stun() };
    assert_snapshot!(json(&Ack { id: Some(value!("a")), ok: true, error: None, entered: Some(entered) }), @r#"{"id":"a","ok":true,"callId":"<call>","status":"active","roomId":"!room:x","callType":"voice","iceServers":[{"urls":["stun:s:19302"]}]}"#);
}
