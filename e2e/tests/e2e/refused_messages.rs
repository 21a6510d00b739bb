//! What a plain WebSocket refuses: each message, each way to get it wrong; and the connection goes on.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Server, Socket, another_device, at_homeserver, pair, users};
use serde_json::{Value, json};

/// Messages about a call: the name, and what it must bring besides `callId`.
const MESSAGES: &[(&str, Option<&str>)] = &[
    ("join-call", None),
    ("webrtc-offer", Some("offer")),
    ("webrtc-answer", Some("answer")),
    ("ice-candidate", Some("candidate")),
    ("toggle-audio", Some("enabled")),
    ("toggle-video", Some("enabled")),
    ("toggle-screen", Some("enabled")),
    ("leave-call", None),
    ("call-ended", None),
];

fn message(name: &str, required: Option<&str>, call: &str) -> Value {
    let mut message = json!({"type": name, "callId": call});
    if let Some(field) = required {
        message[field] = if field == "enabled" { json!(true) } else { json!({"sdp": "v=0\r\n", "type": "offer"}) };
    }
    message
}

async fn refused(socket: &mut Socket, message: Value, errcode: &str) -> Result<()> {
    let shown = message.to_string();
    let ack = socket.ask(message).await?;
    ensure!(ack["ok"] == false && ack["errcode"] == errcode, "{shown}: expected {errcode}, got {ack}");
    ensure!(ack["error"].as_str().is_some_and(|text| text.len() > 3), "{shown}: no sentence: {ack}");
    Ok(())
}

async fn dead_device(of: &Login) -> Result<Login> {
    let dead = another_device(of).await?;
    let gone = dead.clone();
    at_homeserver(move |homeserver| homeserver.logout(&gone)).await?;
    Ok(dead)
}

async fn still_rings(server: &mut Server, alice: &Login, bob: &Login, room: &str) -> Result<()> {
    server.check()?;
    let mut callee = server.connect(bob).await?;
    let call = server.initiate(alice, room).await?;
    ensure!(callee.expect("incoming-call").await?["callId"] == call.as_str());
    server.act(alice, &call, "end").await?.expect(200).map(drop)
}

#[tokio::test]
async fn before_it_has_registered() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = Server::start("refused_before_registered").await?;
    let call = server.initiate(&alice, &room).await?;
    let mut socket = Socket::open(&server.socket_url()).await?;
    for (name, required) in MESSAGES {
        refused(&mut socket, message(name, *required, &call), "M_MISSING_TOKEN").await?;
    }
    let dead = dead_device(&bob).await?;
    let hello = |user: &str, token: &str| json!({"type": "register-user", "userId": user, "accessToken": token});
    refused(&mut socket, json!({"type": "register-user", "userId": bob.user_id}), "M_MISSING_TOKEN").await?;
    refused(&mut socket, hello(&alice.user_id, &bob.token), "M_FORBIDDEN").await?;
    refused(&mut socket, json!({"type": "register-user", "accessToken": 7}), "M_BAD_JSON").await?;
    refused(&mut socket, hello("bob", &bob.token), "M_INVALID_PARAM").await?;
    // Whether the connection is closed for it is the server's choice; that it is told is not.
    let mut other = Socket::open(&server.socket_url()).await?;
    refused(&mut other, hello(&dead.user_id, &dead.token), "M_UNKNOWN_TOKEN").await?;
    socket.register(&bob).await.context("the connection goes on")?;
    socket.expect("incoming-call").await?;
    server.act(&alice, &call, "end").await?.expect(200)?;
    still_rings(&mut server, &alice, &bob, &room).await
}

#[tokio::test]
async fn about_a_call() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let [stranger] = users(["stranger"]).await?;
    let mut server = Server::start("refused_about_a_call").await?;
    let mut socket = server.connect(&bob).await?;
    let mut outside = server.connect(&stranger).await?;
    let call = server.initiate(&alice, &room).await?;
    for (name, required) in MESSAGES {
        let good = message(name, *required, &call);
        refused(&mut outside, good.clone(), "M_FORBIDDEN").await?;
        let changed = |field: &str, value: Value| {
            let mut message = good.clone();
            message[field] = value;
            message
        };
        refused(&mut socket, changed("userId", json!(alice.user_id)), "M_FORBIDDEN").await?;
        refused(&mut socket, changed("callId", json!("0".repeat(32))), "M_NOT_FOUND").await?;
        refused(&mut socket, changed("callId", json!(7)), "M_BAD_JSON").await?;
        refused(&mut socket, changed("userId", json!({})), "M_BAD_JSON").await?;
        for field in required.iter().copied().chain(["callId"]) {
            let mut message = good.clone();
            message.as_object_mut().context("an object")?.remove(field);
            refused(&mut socket, message, "M_MISSING_PARAM").await?;
        }
        if *required == Some("enabled") {
            refused(&mut socket, changed("enabled", json!("yes")), "M_BAD_JSON").await?;
        }
    }
    ensure!(server.status(&alice, &call).await? == "ringing", "nothing of that did anything");
    server.act(&alice, &call, "end").await?.expect(200)?;
    still_rings(&mut server, &alice, &bob, &room).await
}

#[tokio::test]
async fn that_cannot_be_read() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = Server::start("refused_that_cannot_be_read").await?;
    let mut socket = server.connect(&bob).await?;
    let frames = [
        ("", "M_NOT_JSON"),
        ("hello", "M_NOT_JSON"),
        ("{\"type\":\"join-call\",", "M_NOT_JSON"),
        ("[1]", "M_BAD_JSON"),
        ("null", "M_BAD_JSON"),
        ("{}", "M_MISSING_PARAM"),
        ("{\"type\":7}", "M_BAD_JSON"),
        ("{\"type\":\"dance\"}", "M_INVALID_PARAM"),
        ("{\"type\":\"join-call\"}", "M_MISSING_PARAM"),
    ];
    for (frame, errcode) in frames {
        socket.send_text(frame.to_owned()).await?;
        let error = socket.expect("error").await.context(frame)?;
        ensure!(error["errcode"] == errcode && error["error"].is_string(), "{frame:?}: expected {errcode}, got {error}");
    }
    let path_of_depth = "[".repeat(20_000);
    socket.send_text(format!("{{\"type\":\"join-call\",\"x\":{path_of_depth}")).await?;
    ensure!(socket.expect("error").await?["errcode"] == "M_NOT_JSON");
    refused(&mut socket, json!({"type": "join-call", "callId": "0".repeat(32)}), "M_NOT_FOUND").await?;
    still_rings(&mut server, &alice, &bob, &room).await
}

#[tokio::test]
async fn that_is_too_large() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = Server::start("refused_that_is_too_large").await?;
    for size in [65_537, 2_000_000] {
        let mut socket = server.connect(&bob).await?;
        let pad = "x".repeat(size);
        // The server may close while this is still being written.
        let _ = socket.send(json!({"type": "join-call", "callId": "0".repeat(32), "pad": pad})).await;
        let code = socket.close_code(Duration::from_secs(10)).await?;
        ensure!(code == 1009, "{size} bytes: closed with {code}, not 1009");
    }
    let mut socket = server.connect(&bob).await?;
    let most = json!({"type": "join-call", "callId": "0".repeat(32), "pad": "x".repeat(65_000)});
    refused(&mut socket, most, "M_NOT_FOUND").await.context("just under 64 KiB is read")?;
    still_rings(&mut server, &alice, &bob, &room).await
}
