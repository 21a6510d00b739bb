//! What clients send: messages of sockets and bodies of HTTP, and the errcode of each way to get them wrong.

use ringback_call::{
    call::{CallType, Media},
    wire::{
        Act, AnswerSdp, Candidate, Claim, ClientMessage, End, Initiate, Invite, Malformed, Offer, Reject, Seen, Signal,
        SignalBody, SignalKind, Target, Toggle, TypedFrame, errcode, parse_object,
    },
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{CALL, SESSION, alice, bob, call, phone, room, session};

/// Fills in the two long ids.
fn filled(body: &str) -> String {
    body.replace("<call>", CALL).replace("<session>", SESSION)
}

fn parse(event: &str, body: &str) -> Result<ClientMessage, Malformed> {
    ClientMessage::parse(event, &filled(body))
}

#[track_caller]
fn refused(event: &str, body: &str, errcode: &str) {
    assert_eq!(parse(event, body).unwrap_err().errcode, errcode, "{event} {body}");
}

#[track_caller]
fn signal(event: &str, body: &str) -> Signal {
    let ClientMessage::Signal(id, signal, _) = parse(event, body).unwrap() else { panic!("{event} is a signal") };
    assert_eq!(id, call());
    signal
}

fn claim(message: &impl Claim) -> (Option<&str>, Option<&str>) {
    let (user, token) = message.claim();
    (user.map(ringback_call::ids::UserId::as_str), token.map(ringback_call::ids::AccessToken::expose))
}

#[test]
fn register_user() {
    let ClientMessage::Register(register) = parse("register-user", r#"{"userId":"@alice:x","accessToken":"t"}"#).unwrap() else {
        panic!("it registers")
    };
    assert_eq!(claim(&register), (Some("@alice:x"), Some("t")));
    assert_eq!((register.session_id, register.last_event_id), (None, None));
    let body = r#"{"type":"register-user","id":1,"accessToken":"t","sessionId":"<session>","lastEventId":41,"userId":null}"#;
    let ClientMessage::Register(register) = parse("register-user", body).unwrap() else { panic!("it registers") };
    assert_eq!((register.user_id, register.session_id, register.last_event_id), (None, Some(session()), Some(41)));
    assert!(parse("register-user", "{}").is_ok(), "that there is no token, the server says");
    refused("register-user", r#"{"userId":"alice"}"#, errcode::INVALID_PARAM);
    refused("register-user", r#"{"userId":7}"#, errcode::BAD_JSON);
    refused("register-user", r#"{"accessToken":{}}"#, errcode::BAD_JSON);
    let ClientMessage::Register(register) = parse("register-user", r#"{"sessionId":"short"}"#).unwrap() else {
        panic!("it registers")
    };
    assert!(register.session_id.is_some(), "what cannot be a session is one that cannot be resumed");
    refused("register-user", r#"{"lastEventId":"41"}"#, errcode::BAD_JSON);
}

#[test]
fn join_call() {
    let body = r#"{"callId":"<call>","userId":"@bob:x","accessToken":"t"}"#;
    let ClientMessage::Join(join) = parse("join-call", body).unwrap() else { panic!("it joins") };
    assert_eq!((&join.call_id, claim_of_join(&join)), (&call(), (Some("@bob:x"), Some("t"))));
    let ClientMessage::Join(join) = parse("join-call", r#"{"callId":"<call>"}"#).unwrap() else { panic!("it joins") };
    assert_eq!(claim_of_join(&join), (None, None));
}

fn claim_of_join(join: &ringback_call::wire::JoinCall) -> (Option<&str>, Option<&str>) {
    let user = join.user_id.as_ref().map(ringback_call::ids::UserId::as_str);
    (user, join.access_token.as_ref().map(ringback_call::ids::AccessToken::expose))
}

#[test]
fn each_signal_has_its_payload_verbatim() {
    let offer = signal("webrtc-offer", r#"{"callId":"<call>","offer":{"type":"offer", "sdp":"v=0\r\né","n":1e2}}"#);
    assert_eq!((offer.kind, offer.payload.get()), (SignalKind::Offer, r#"{"type":"offer", "sdp":"v=0\r\né","n":1e2}"#));
    let answer = signal("webrtc-answer", r#"{"callId":"<call>","answer":"v=0"}"#);
    assert_eq!((answer.kind, answer.payload.get()), (SignalKind::Answer, r#""v=0""#));
    let candidate = signal("ice-candidate", r#"{"candidate":{"candidate":"","sdpMid":"0"},"callId":"<call>"}"#);
    assert_eq!((candidate.kind, candidate.payload.get()), (SignalKind::Candidate, r#"{"candidate":"","sdpMid":"0"}"#));
}

/// A frame of the plain WebSocket is the message with its name inside; how it is spelled makes no difference.
#[test]
fn a_frame_is_named_by_its_type() {
    for (name, payload) in [("webrtc-offer", "offer"), ("webrtc-answer", "answer"), ("ice-candidate", "candidate")] {
        let rest = filled(r#""callId":"<call>","targetUserId":"@bob:x","<payload>":{"a": [1]}}"#).replace("<payload>", payload);
        let spelled = name.replace('-', "\\u002d");
        for (frame, id) in [
            (format!(r#"{{"type":"{name}",{rest}"#), None),
            (format!(r#"{{"type":"{spelled}","id":{{"n":7}},{rest}"#), Some(r#"{"n":7}"#)),
            (format!(r#" {{"id":7,"type":"{name}",{rest}"#), Some("7")),
        ] {
            let read = TypedFrame::read(&frame).unwrap();
            assert_eq!((&*read.event, read.id.as_deref().map(RawValue::get)), (name, id));
            let message = read.message.unwrap();
            assert_eq!(message.event(), name);
            let ClientMessage::Signal(_, signal, _) = message else { panic!("{frame} is a signal") };
            assert_eq!(signal.payload.get(), r#"{"a": [1]}"#);
        }
    }
    let other = TypedFrame::read(r#"{"type":"leave-call","id":1}"#).unwrap();
    assert_eq!((&*other.event, other.id.as_deref().map(RawValue::get)), ("leave-call", Some("1")));
    assert_eq!(other.message.unwrap_err().errcode, errcode::MISSING_PARAM);
    for (frame, code) in [
        ("hello", errcode::NOT_JSON),
        ("[1]", errcode::BAD_JSON),
        (r#"{"id":1}"#, errcode::MISSING_PARAM),
        (r#"{"type":1}"#, errcode::BAD_JSON),
    ] {
        assert_eq!(TypedFrame::read(frame).unwrap_err().errcode, code, "{frame}");
    }
}

#[test]
fn a_candidate_may_be_null_but_not_absent() {
    assert_eq!(signal("ice-candidate", r#"{"callId":"<call>","candidate":null}"#).payload.get(), "null");
    assert_eq!(signal("ice-candidate", r#"{"callId":"<call>","candidate":"candidate:1"}"#).payload.get(), r#""candidate:1""#);
    refused("ice-candidate", r#"{"callId":"<call>"}"#, errcode::MISSING_PARAM);
}

#[test]
fn a_session_description_is_an_object_or_a_text() {
    for (event, field) in [("webrtc-offer", "offer"), ("webrtc-answer", "answer")] {
        refused(event, r#"{"callId":"<call>"}"#, errcode::MISSING_PARAM);
        refused(event, r#"{"callId":"<call>","candidate":null}"#, errcode::MISSING_PARAM);
        for wrong in ["null", "7", "true", "[]"] {
            refused(event, &format!(r#"{{"callId":"<call>","{field}":{wrong}}}"#), errcode::BAD_JSON);
        }
    }
}

#[test]
fn a_target_is_a_user_or_all() {
    let target = |field: &str| signal("ice-candidate", &format!(r#"{{"callId":"<call>","candidate":null{field}}}"#));
    for all in ["", r#","targetUserId":null"#, r#","targetUserId":"all""#] {
        assert_eq!(target(all).target, Target::All, "{all}");
        assert_eq!(target(all).target_device, None);
    }
    let one = target(r#","targetUserId":"@bob:x","targetDeviceId":"PHONE""#);
    assert_eq!((one.target, one.target_device), (Target::User(bob()), Some(phone())));
    assert_eq!(target(r#","targetUserId":"@bob:x","targetDeviceId":null"#).target_device, None);
    let wrong =
        |field: &str, errcode| refused("ice-candidate", &format!(r#"{{"callId":"<call>","candidate":1,{field}}}"#), errcode);
    wrong(r#""targetUserId":"bob""#, errcode::INVALID_PARAM);
    wrong(r#""targetUserId":"ALL""#, errcode::INVALID_PARAM);
    wrong(r#""targetUserId":"""#, errcode::INVALID_PARAM);
    wrong(r#""targetUserId":7"#, errcode::BAD_JSON);
    wrong(r#""targetUserId":["@bob:x"]"#, errcode::BAD_JSON);
    wrong(r#""targetDeviceId":"""#, errcode::INVALID_PARAM);
    wrong(r#""targetDeviceId":{}"#, errcode::BAD_JSON);
}

#[test]
fn toggles() {
    for (event, media) in [("toggle-audio", Media::Audio), ("toggle-video", Media::Video), ("toggle-screen", Media::Screen)] {
        let body = r#"{"callId":"<call>","enabled":false,"userId":"@alice:x"}"#;
        let ClientMessage::Toggle(id, which, enabled, claimed) = parse(event, body).unwrap() else { panic!("it toggles") };
        assert_eq!((id, which, enabled, claim(&claimed)), (call(), media, false, (Some("@alice:x"), None)));
        refused(event, r#"{"callId":"<call>"}"#, errcode::MISSING_PARAM);
        refused(event, r#"{"enabled":true}"#, errcode::MISSING_PARAM);
        for wrong in ["1", "null", r#""true""#] {
            refused(event, &format!(r#"{{"callId":"<call>","enabled":{wrong}}}"#), errcode::BAD_JSON);
        }
    }
}

#[test]
fn leave_and_end() {
    let body = r#"{"callId":"<call>","userId":"@alice:x","accessToken":"t"}"#;
    let ClientMessage::Leave(id, claimed) = parse("leave-call", body).unwrap() else { panic!("it leaves") };
    assert_eq!((id, claim(&claimed)), (call(), (Some("@alice:x"), Some("t"))));
    let ClientMessage::End(id, for_all, claimed) = parse("call-ended", body).unwrap() else { panic!("it ends") };
    assert_eq!((id, for_all, claim(&claimed)), (call(), false, (Some("@alice:x"), Some("t"))));
    let for_all = parse("call-ended", r#"{"callId":"<call>","forAll":true}"#).unwrap();
    assert!(matches!(for_all, ClientMessage::End(_, true, _)));
    refused("call-ended", r#"{"callId":"<call>","forAll":"yes"}"#, errcode::BAD_JSON);
}

const IN_A_CALL: [(&str, &str); 9] = [
    ("join-call", ""),
    ("webrtc-offer", r#","offer":"v=0""#),
    ("webrtc-answer", r#","answer":"v=0""#),
    ("ice-candidate", r#","candidate":null"#),
    ("toggle-audio", r#","enabled":true"#),
    ("toggle-video", r#","enabled":true"#),
    ("toggle-screen", r#","enabled":true"#),
    ("leave-call", ""),
    ("call-ended", ""),
];

#[test]
fn whatever_is_about_a_call_names_it() {
    for (event, rest) in IN_A_CALL {
        let with = |id: &str| format!(r#"{{"x":0{id}{rest}}}"#);
        assert!(parse(event, &with(r#","callId":"<call>""#)).is_ok(), "{event}");
        refused(event, &with(""), errcode::MISSING_PARAM);
        refused(event, &with(r#","call_id":"<call>""#), errcode::MISSING_PARAM);
        refused(event, &with(r#","callId":"abc""#), errcode::INVALID_PARAM);
        refused(event, &with(r#","callId":7"#), errcode::BAD_JSON);
        refused(event, &with(r#","callId":null"#), errcode::BAD_JSON);
        refused(event, &with(r#","callId":"<call>","callId":"<call>""#), errcode::BAD_JSON);
    }
}

#[test]
fn a_body_is_one_json_object() {
    for (event, _) in IN_A_CALL.into_iter().chain([("register-user", "")]) {
        for not_json in ["", "hello", "{", r#"{"callId":}"#, "{} {}", "{'a':1}", r#"{"a":"#, "[1", "{\"a\":\"\u{1}\"}"] {
            refused(event, not_json, errcode::NOT_JSON);
        }
        for not_an_object in ["null", "[]", "7", r#""text""#, r#"[{"callId":"<call>"}]"#, r#"["<call>"]"#] {
            refused(event, not_an_object, errcode::BAD_JSON);
        }
    }
}

/// A name comes from a stranger: what is said about it is short, and holds no control characters.
#[test]
fn there_are_no_other_messages() {
    for event in ["", "incoming-call", "Register-User", "register_user", "ping", "webrtc-offer "] {
        refused(event, r#"{"callId":"<call>"}"#, errcode::INVALID_PARAM);
    }
    let error = parse(&"\u{1b}[2J\n".repeat(1000), "{}").unwrap_err().error;
    assert!(error.len() < 1000 && !error.chars().any(char::is_control), "{error}");
}

#[track_caller]
fn body<T: DeserializeOwned>(text: &str) -> T {
    parse_object(&filled(text)).unwrap()
}

#[track_caller]
fn bad<T: DeserializeOwned>(text: &str, errcode: &str) {
    assert_eq!(parse_object::<T>(&filled(text)).err().unwrap().errcode, errcode, "{text}");
}

#[test]
fn initiate() {
    let plain: Initiate = body(r#"{"roomId":"!room:x","callType":"voice","accessToken":"t","userId":"@alice:x","extra":1}"#);
    assert_eq!((&plain.room_id, plain.call_type, claim(&plain)), (&room(), CallType::Voice, (Some("@alice:x"), Some("t"))));
    assert!(plain.invitees.is_none() && plain.ring_timeout_ms.is_none());
    let full: Initiate = body(r#"{"roomId":"!r","callType":"video","invitees":["@bob:x","@alice:x"],"ringTimeoutMs":5000}"#);
    assert_eq!((full.call_type, full.invitees, full.ring_timeout_ms), (CallType::Video, Some(vec![bob(), alice()]), Some(5000)));
    bad::<Initiate>(r#"{"callType":"voice"}"#, errcode::MISSING_PARAM);
    bad::<Initiate>(r#"{"roomId":"!r"}"#, errcode::MISSING_PARAM);
    bad::<Initiate>(r#"{"roomId":"!r","callType":"Voice"}"#, errcode::INVALID_PARAM);
    for wrong_type in ["7", "null", r#"["voice"]"#, "true"] {
        bad::<Initiate>(&format!(r#"{{"roomId":"!r","callType":{wrong_type}}}"#), errcode::BAD_JSON);
    }
    bad::<Initiate>(r##"{"roomId":"#alias:x","callType":"voice"}"##, errcode::INVALID_PARAM);
    bad::<Initiate>(r#"{"roomId":"!r","callType":"voice","invitees":"@bob:x"}"#, errcode::BAD_JSON);
    bad::<Initiate>(r#"{"roomId":"!r","callType":"voice","invitees":["bob"]}"#, errcode::INVALID_PARAM);
    bad::<Initiate>(r#"{"roomId":"!r","callType":"voice","ringTimeoutMs":"60s"}"#, errcode::BAD_JSON);
    bad::<Initiate>(r#"{"roomId":"!r","callType":"voice","ringTimeoutMs":5000.5}"#, errcode::BAD_JSON);
    bad::<Initiate>(r#"{"roomId":"!r","callType":"voice","ringTimeoutMs":-1}"#, errcode::INVALID_PARAM);
}

#[test]
fn acting_on_a_call() {
    assert_eq!(body::<Act>(r#"{"sessionId":"<session>"}"#).session_id, Some(session()));
    assert_eq!(body::<Act>("{}").session_id, None);
    let reject: Reject = body(r#"{"sessionId":"<session>","reason":"busy"}"#);
    assert_eq!((reject.session_id, reject.reason.as_deref()), (Some(session()), Some("busy")));
    assert!(body::<Reject>("{}").reason.is_none());
    bad::<Reject>(r#"{"reason":1}"#, errcode::BAD_JSON);
    assert!(body::<End>(r#"{"forAll":true}"#).for_all && !body::<End>("{}").for_all);
    assert!(!body::<Toggle>(r#"{"enabled":false}"#).enabled);
    assert_eq!(body::<Invite>(r#"{"userIds":["@bob:x"]}"#).user_ids, [bob()]);
    bad::<Invite>("{}", errcode::MISSING_PARAM);
    assert_eq!(body::<Seen>(r#"{"callIds":["<call>"]}"#).call_ids, Some(vec![call()]));
    assert_eq!(body::<Seen>("{}").call_ids, None);
}

/// The bodies of HTTP are the messages of sockets, but for the call, which is in the path.
#[test]
fn signals_by_http() {
    let (offer, claimed) = body::<Offer>(r#"{"offer":{"sdp":""},"userId":"@alice:x"}"#).into_signal().unwrap();
    assert_eq!((offer.kind, offer.payload.get(), offer.target), (SignalKind::Offer, r#"{"sdp":""}"#, Target::All));
    assert_eq!(claim(&claimed), (Some("@alice:x"), None));
    let (answer, _) = body::<AnswerSdp>(r#"{"answer":"v=0","targetUserId":"@bob:x"}"#).into_signal().unwrap();
    assert_eq!((answer.kind, answer.target), (SignalKind::Answer, Target::User(bob())));
    let (candidate, _) = body::<Candidate>(r#"{"candidate":null,"targetDeviceId":"PHONE"}"#).into_signal().unwrap();
    assert_eq!(
        (candidate.kind, candidate.payload.get(), candidate.target_device),
        (SignalKind::Candidate, "null", Some(phone()))
    );
    assert_eq!(body::<Offer>(r#"{"offer":1}"#).into_signal().unwrap_err().errcode, errcode::BAD_JSON);
    bad::<Offer>("{}", errcode::MISSING_PARAM);
    bad::<AnswerSdp>(r#"{"offer":{}}"#, errcode::MISSING_PARAM);
    bad::<Candidate>(r#"{"candidate":{},"targetUserId":"nobody"}"#, errcode::INVALID_PARAM);
}

/// Whatever is wrong with it: a token is not repeated.
#[test]
fn no_complaint_repeats_a_token() {
    for text in [
        r#"{"accessToken":["syt_secret"]}"#,
        r#"{"accessToken":"syt_secret","callId":7}"#,
        r#"{"accessToken":"syt_secret","accessToken":"syt_secret"}"#,
        r#"{"accessToken":"syt_secret""#,
    ] {
        for event in ["register-user", "join-call", "leave-call"] {
            let Err(malformed) = parse(event, text) else { continue };
            assert!(!malformed.error.contains("secret"), "{event} {text}: {malformed}");
        }
    }
}
