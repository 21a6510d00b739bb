//! Against a scripted server.

use call::{
    ids::{AccessToken, CallId},
    wire::{ClientMessage, SignalKind, Target},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::*;

type Server = WebSocketStream<TcpStream>;

async fn pair() -> (Socket, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = async {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_tungstenite::accept_async(stream).await.unwrap()
    };
    let (socket, server) = tokio::join!(Socket::connect(&url), accepted);
    (socket.unwrap(), server)
}

async fn hears(server: &mut Server) -> Value {
    let frame = server.next().await.unwrap().unwrap();
    serde_json::from_str(frame.to_text().unwrap()).unwrap()
}

async fn says(server: &mut Server, frame: Value) {
    server.send(Message::text(frame.to_string())).await.unwrap();
}

fn call_id() -> CallId {
    CallId::from_random([7; 16])
}

fn toggled(event_id: u64) -> Value {
    json!({"type": "audio-toggled", "callId": call_id(), "userId": "@a:x", "enabled": true, "eventId": event_id})
}

fn registered(session: &SessionId) -> Value {
    json!({"type": "registered", "userId": "@a:x", "deviceId": "D", "sessionId": session,
           "gracePeriodMs": 20_000, "serverTime": "2026-01-01T00:00:00Z"})
}

#[tokio::test]
async fn a_session_is_remembered_and_resumed_from_what_was_handed_out() {
    let (mut socket, mut server) = pair().await;
    let session = SessionId::from_random([1; 16]);
    let token = AccessToken::from("t".to_owned());
    let script = async {
        assert_eq!(hears(&mut server).await, json!({"type": "register-user", "accessToken": "t"}));
        says(&mut server, registered(&session)).await;
        says(&mut server, toggled(1)).await;
        says(&mut server, toggled(2)).await;
    };
    let register = Register { access_token: Some(token), ..Register::default() };
    let (told, ()) = tokio::join!(socket.register(&register), script);
    assert!(!told.unwrap().resumed);
    assert_eq!(socket.next().await.unwrap().unwrap().event_id, Some(1));
    let resume = socket.resume();
    assert_eq!((resume.session_id, resume.last_event_id), (Some(session), Some(1)));
    assert!(resume.access_token.is_none());
}

#[tokio::test]
async fn a_resumed_session_goes_on_counting_and_another_begins_anew() {
    for (named, expected) in [([1; 16], Some(41)), ([2; 16], None)] {
        let (mut socket, mut server) = pair().await;
        let session = SessionId::from_random([1; 16]);
        let register =
            Register { session_id: Some(SessionId::from_random(named)), last_event_id: Some(41), ..Register::default() };
        let (told, ()) = tokio::join!(socket.register(&register), says(&mut server, registered(&session)));
        assert_eq!(told.unwrap().resumed, expected.is_some());
        assert_eq!(socket.resume().last_event_id, expected);
    }
}

#[tokio::test]
async fn events_that_come_before_an_acknowledgement_are_kept_in_order() {
    let (mut socket, mut server) = pair().await;
    let script = async {
        let id = hears(&mut server).await["id"].clone();
        says(&mut server, toggled(1)).await;
        says(&mut server, json!({"type": "ack", "id": "another", "ok": true})).await;
        says(&mut server, toggled(2)).await;
        says(&mut server, json!({"type": "ack", "id": id, "ok": false, "errcode": "M_FORBIDDEN", "error": "no"})).await;
    };
    let join = Outgoing::join(&call_id());
    let (refused, ()) = tokio::join!(socket.request(&join), script);
    assert_eq!(refused.unwrap_err().errcode(), Some(errcode::FORBIDDEN));
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(socket.next().await.unwrap().unwrap().event_id);
    }
    assert_eq!(ids, [Some(1), None, Some(2)]);
}

#[tokio::test]
async fn a_refused_registration_says_why() {
    let (mut socket, mut server) = pair().await;
    let error = json!({"type": "error", "event": "register-user", "errcode": "M_UNKNOWN_TOKEN", "error": "log in again"});
    let register = Register::default();
    let (told, ()) = tokio::join!(socket.register(&register), says(&mut server, error));
    assert_eq!(told.unwrap_err().to_string(), "log in again (M_UNKNOWN_TOKEN)");
}

#[tokio::test]
async fn the_close_code_is_kept() {
    let (mut socket, mut server) = pair().await;
    let frame = CloseFrame { code: CloseCode::from(1012), reason: "restart".into() };
    server.close(Some(frame)).await.unwrap();
    assert!(socket.next().await.unwrap().is_none());
    assert!(socket.next().await.unwrap().is_none());
    assert_eq!(socket.closed(), Some(&Closed { code: Some(1012), reason: "restart".to_owned() }));
    assert!(matches!(socket.send(&Outgoing::join(&call_id())).await, Err(Error::Closed { .. })));
}

#[tokio::test]
async fn a_broken_connection_ends_the_events_too() {
    let (mut socket, server) = pair().await;
    drop(server);
    assert!(socket.next().await.unwrap().is_none());
    assert_eq!(socket.closed().unwrap().code, None);
}

#[tokio::test]
async fn an_event_of_a_newer_server_is_passed_on_and_a_broken_one_does_not_end_the_connection() {
    let (mut socket, mut server) = pair().await;
    says(&mut server, json!({"type": "hologram", "eventId": 5})).await;
    says(&mut server, json!({"type": "user-joined", "callId": 7})).await;
    server.send(Message::text("nonsense")).await.unwrap();
    says(&mut server, toggled(6)).await;
    let other = socket.next().await.unwrap().unwrap();
    assert!(matches!(&other.event, Event::Other(name) if name == "hologram") && other.event_id == Some(5));
    assert!(matches!(socket.next().await, Err(Error::BadMessage { event: Some(_), .. })));
    assert!(matches!(socket.next().await, Err(Error::BadMessage { event: None, .. })));
    assert_eq!(socket.next().await.unwrap().unwrap().name(), "audio-toggled");
}

#[tokio::test]
async fn nothing_there_and_something_else_there_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let page = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        stream.write_all(answer.as_bytes()).await.unwrap();
    };
    let (there, ()) = tokio::join!(Socket::connect(&url), page);
    assert_eq!(there.unwrap_err().status(), Some(404));
    drop(listener);
    let gone = Socket::connect(&url).await.unwrap_err();
    assert!(matches!(gone, Error::Unreachable { .. }) && gone.to_string().contains("ws://127.0.0.1"), "{gone}");
}

#[test]
fn the_server_reads_what_is_written() {
    let signal = |kind| Outgoing::Signal {
        call_id: call_id(),
        kind,
        payload: json!({"sdp": "v=0"}),
        target: Target::All,
        target_device: None,
    };
    let outgoing = [
        Outgoing::Register(Register { last_event_id: Some(3), ..Register::default() }),
        Outgoing::join(&call_id()),
        signal(SignalKind::Offer),
        signal(SignalKind::Answer),
        signal(SignalKind::Candidate),
        Outgoing::Toggle { call_id: call_id(), media: call::call::Media::Screen, enabled: false },
        Outgoing::Leave { call_id: call_id() },
        Outgoing::End { call_id: call_id(), for_all: true },
    ];
    for message in outgoing {
        let frame = message.frame(Some(1));
        let read = ClientMessage::parse(message.event(), &frame).expect(&frame);
        assert_eq!(read.event(), message.event());
        match (&message, read) {
            (Outgoing::End { .. }, ClientMessage::End(id, for_all, _)) => assert!(for_all && id == call_id()),
            (Outgoing::Register(_), ClientMessage::Register(register)) => assert_eq!(register.last_event_id, Some(3)),
            (Outgoing::Signal { kind, .. }, ClientMessage::Signal(_, signal, _)) => {
                assert_eq!(signal.kind, *kind);
                assert_eq!(signal.payload.get(), r#"{"sdp":"v=0"}"#);
            }
            (Outgoing::Join(_), ClientMessage::Join(_))
            | (Outgoing::Toggle { .. }, ClientMessage::Toggle(..))
            | (Outgoing::Leave { .. }, ClientMessage::Leave(..)) => {}
            (wrote, read) => panic!("{wrote:?} was read as {read:?}"),
        }
    }
}
