//! What is sent to somebody who has not joined yet waits, in order and within bounds.

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Server, Socket, pair, users};
use serde_json::{Value, json};

fn candidate(call: &str, n: usize, target: &Value) -> Value {
    let mut message = json!({"type": "ice-candidate", "callId": call, "candidate": {"candidate": format!("number {n}")}});
    if !target.is_null() {
        message["targetUserId"] = target.clone();
    }
    message
}

async fn send_offer_and_candidates(caller: &mut Socket, call: &str, target: &Value) -> Result<()> {
    let mut offer = json!({"type": "webrtc-offer", "callId": call, "offer": {"type": "offer", "sdp": "v=0\r\n"}});
    if !target.is_null() {
        offer["targetUserId"] = target.clone();
    }
    caller.done(offer).await?;
    for n in 0..30 {
        caller.send(candidate(call, n, target)).await?;
    }
    caller.hears(&[]).await.context("nothing of that is refused").map(drop)
}

async fn hears_offer_and_candidates(callee: &mut Socket, from: &Login) -> Result<()> {
    let names: Vec<&str> = std::iter::once("webrtc-offer").chain(["ice-candidate"; 30]).collect();
    let heard = callee.hears(&names).await?;
    for (n, event) in heard[1..].iter().enumerate() {
        let expected = format!("number {n}");
        ensure!(event["candidate"]["candidate"] == expected.as_str(), "expected {expected}: {event}");
        ensure!(event["fromUserId"] == from.user_id.as_str() && event["fromDeviceId"] == from.device_id.as_str(), "{event}");
    }
    Ok(())
}

#[tokio::test]
async fn an_offer_and_thirty_candidates() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("waiting_offer").await?;
    let mut caller = server.connect(&alice).await?;
    for target in [json!(bob.user_id), json!("all"), Value::Null] {
        let mut callee = server.connect(&bob).await?;
        let call = server.initiate(&alice, &room).await?;
        callee.hears(&["incoming-call"]).await?;
        caller.done(json!({"type": "join-call", "callId": call})).await?;
        send_offer_and_candidates(&mut caller, &call, &target).await?;
        callee.hears(&[]).await.context("before the answer")?;
        server.act(&bob, &call, "answer").await?.expect(200)?;
        caller.hears(&["call-answered", "user-joined"]).await?;
        callee.hears(&[]).await.context("before it joins")?;
        callee.done(json!({"type": "join-call", "callId": call})).await?;
        hears_offer_and_candidates(&mut callee, &alice).await.with_context(|| format!("sent to {target}"))?;
        callee.done(candidate(&call, 0, &Value::Null)).await?;
        caller.hears(&["ice-candidate"]).await.context("nobody hears twice that the callee came")?;
        server.act(&alice, &call, "end").await?.expect(200)?;
        caller.hears(&["call-ended"]).await?;
    }
    Ok(())
}

/// With all as target they wait for each, and for those who come later too.
#[tokio::test]
async fn for_each_of_a_group() -> Result<()> {
    let [alice, bob, carol] = users(["alice", "bob", "carol"]).await?;
    let room = ringback_e2e::room(&[&alice, &bob, &carol]).await?;
    let server = Server::start("waiting_group").await?;
    let mut caller = server.connect(&alice).await?;
    let call = server.initiate(&alice, &room).await?;
    send_offer_and_candidates(&mut caller, &call, &json!("all")).await?;
    for callee in [&bob, &carol] {
        let mut socket = server.connect(callee).await?;
        socket.hears(&["resync", "incoming-call"]).await?;
        server.act(callee, &call, "answer").await?.expect(200)?;
        socket.done(json!({"type": "join-call", "callId": call})).await?;
        hears_offer_and_candidates(&mut socket, &alice).await?;
    }
    Ok(())
}

/// 256 wait; of one more the sender is told, and what waits arrives all the same.
#[tokio::test]
async fn no_more_than_256() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("waiting_full").await?;
    let mut caller = server.connect(&alice).await?;
    let call = server.initiate(&alice, &room).await?;
    for n in 0..256 {
        caller.send(candidate(&call, n, &Value::Null)).await?;
    }
    let ack = caller.ask(candidate(&call, 256, &Value::Null)).await?;
    ensure!(ack["ok"] == false && ack["errcode"] == "RINGBACK_QUEUE_FULL", "{ack}");
    let path = format!("/api/calls/{call}/ice-candidate");
    let body = json!({"candidate": {"candidate": "one more"}});
    server.post(&path, &alice, &body).await?.expect_refusal(429, "RINGBACK_QUEUE_FULL")?;
    let mut callee = server.connect(&bob).await?;
    callee.hears(&["resync", "incoming-call"]).await?;
    server.act(&bob, &call, "answer").await?.expect(200)?;
    callee.done(json!({"type": "join-call", "callId": call})).await?;
    let heard = callee.hears(&["ice-candidate"; 256]).await?;
    ensure!(heard[255]["candidate"]["candidate"] == "number 255", "{}", heard[255]);
    server.post(&path, &alice, &body).await?.expect(200).context("there is room again")?;
    callee.hears(&["ice-candidate"]).await.map(drop)
}

#[tokio::test]
async fn no_more_than_a_mebibyte() -> Result<()> {
    let (alice, _, room) = pair().await?;
    let server = Server::start("waiting_large").await?;
    let call = server.initiate(&alice, &room).await?;
    let path = format!("/api/calls/{call}/offer");
    let body = json!({"offer": {"type": "offer", "sdp": "x".repeat(60 * 1024)}});
    let mut taken = 0;
    while server.post(&path, &alice, &body).await?.status == 200 {
        taken += 1;
        ensure!(taken < 18, "{taken} signals of 60 KiB wait");
    }
    ensure!(taken >= 16, "1 MiB holds more than {taken} signals of 60 KiB");
    server.post(&path, &alice, &body).await?.expect_refusal(429, "RINGBACK_QUEUE_FULL").map(drop)
}

#[tokio::test]
async fn not_from_somebody_who_has_not_joined() -> Result<()> {
    let [alice, bob, stranger] = users(["alice", "bob", "stranger"]).await?;
    let room = ringback_e2e::room(&[&alice, &bob]).await?;
    let server = Server::start("waiting_not_joined").await?;
    let call = server.initiate(&alice, &room).await?;
    for who in [&bob, &stranger] {
        let body = json!({"candidate": {"candidate": "early"}});
        let reply = server.post(&format!("/api/calls/{call}/ice-candidate"), who, &body).await?;
        reply.expect_refusal(403, "M_FORBIDDEN")?;
        let mut socket = server.connect(who).await?;
        let ack = socket.ask(candidate(&call, 0, &Value::Null)).await?;
        ensure!(ack["ok"] == false && ack["errcode"] == "M_FORBIDDEN", "{ack}");
    }
    let mut callee = server.connect(&bob).await?;
    server.act(&bob, &call, "answer").await?.expect(200)?;
    callee.done(json!({"type": "join-call", "callId": call})).await?;
    callee.done(candidate(&call, 0, &Value::Null)).await.context("after joining").map(drop)
}
