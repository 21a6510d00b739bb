//! Connections that are dead without a word, and clients that do not read.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use ringback_e2e::{Login, Lost, Options, Server, Socket, pair};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn next_text(stream: &mut Stream) -> Result<String> {
    loop {
        let message = timeout(Duration::from_secs(10), stream.next()).await.context("nothing comes")?;
        match message.context("closed")?? {
            Message::Text(text) => return Ok(text.as_str().to_owned()),
            Message::Close(frame) => bail!("closed: {frame:?}"),
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
        }
    }
}

fn register(who: &Login) -> Value {
    json!({"type": "register-user", "userId": who.user_id, "accessToken": who.token})
}

/// A plain WebSocket that says who it is, and is not looked at any more.
async fn plain(server: &Server, who: &Login) -> Result<(Stream, String)> {
    let (mut stream, _) = connect_async(server.socket_url()).await?;
    stream.send(Message::text(register(who).to_string())).await?;
    let registered: Value = serde_json::from_str(&next_text(&mut stream).await?)?;
    Ok((stream, registered["sessionId"].as_str().context("no session")?.to_owned()))
}

/// The same by Socket.IO: `0` opens Engine.IO, `40` a namespace, `42` is an event, `2` and `3` are ping and pong.
async fn socket_io(server: &Server, who: &Login) -> Result<Stream> {
    let (mut stream, _) = connect_async(format!("{}/socket.io/?EIO=4&transport=websocket", server.socket_url())).await?;
    answered(&mut stream, "0").await?;
    stream.send(Message::text("40")).await?;
    answered(&mut stream, "40").await?;
    stream.send(Message::text(format!("42{}", json!(["register-user", register(who)])))).await?;
    answered(&mut stream, "42[\"registered\"").await?;
    Ok(stream)
}

/// Waits for a packet, and answers pings so long.
async fn answered(stream: &mut Stream, start: &str) -> Result<()> {
    loop {
        let packet = next_text(stream).await?;
        if packet.starts_with(start) {
            return Ok(());
        }
        ensure!(packet == "2", "expected {start}, got {packet}");
        stream.send(Message::text("3")).await?;
    }
}

const GRACE: Duration = Duration::from_secs(2);

/// The callee's device dies; the caller hears of it 30 s and the grace period later, at the latest.
async fn dies(server: &Server, alice: &Login, bob: &Login, room: &str, callee: Stream) -> Result<()> {
    let mut caller = server.connect(alice).await?;
    let call = server.initiate(alice, room).await?;
    server.act(bob, &call, "answer").await?.expect(200)?;
    caller.hears(&["call-answered", "user-joined"]).await?;
    let heard = caller.hears_within(&["user-left", "call-ended"], Duration::from_secs(30) + GRACE + GRACE).await?;
    ensure!(heard[0]["userId"] == bob.user_id.as_str() && heard[1]["reason"] == "disconnected", "{heard:?}");
    // Only now: it was open all the time.
    drop(callee);
    Ok(())
}

#[tokio::test]
async fn a_dead_connection_is_found() -> Result<()> {
    let server = Options::new("silent_dead").set("GRACE_PERIOD", "2s").start().await?;
    let (one, other) = tokio::try_join!(pair(), pair())?;
    let plain = async {
        let (alice, bob, room) = &one;
        let (callee, _) = plain(&server, bob).await?;
        dies(&server, alice, bob, room, callee).await.context("by plain WebSocket")
    };
    let socket_io = async {
        let (alice, bob, room) = &other;
        let callee = socket_io(&server, bob).await?;
        dies(&server, alice, bob, room, callee).await.context("by Socket.IO")
    };
    tokio::try_join!(plain, socket_io).map(drop)
}

/// A client that does not read is put out when too much waits for it. It may resume, and never has a gap.
#[tokio::test]
async fn a_client_that_does_not_read() -> Result<()> {
    const COUNT: u64 = 6_000;
    let (alice, bob, room) = pair().await?;
    let server = Server::start("silent_slow").await?;
    let mut caller = server.connect(&alice).await?;
    let (mut callee, session) = plain(&server, &bob).await?;
    let call = server.initiate(&alice, &room).await?;
    server.act(&bob, &call, "answer").await?.expect(200)?;
    caller.hears(&["call-answered", "user-joined"]).await?;
    callee.send(Message::text(json!({"type": "join-call", "callId": call, "id": 1}).to_string())).await?;
    while !next_text(&mut callee).await?.contains("\"ack\"") {}
    let payload = "x".repeat(2_000);
    for _ in 0..COUNT {
        caller.send(json!({"type": "ice-candidate", "callId": call, "candidate": payload})).await?;
    }
    caller.hears(&[]).await.context("its sender does not suffer")?;
    // The ring was the first event; then came candidates, and of one that was put out not all of them.
    let mut last = 1;
    let until = Instant::now() + Duration::from_secs(15);
    while let Ok(Some(Ok(message))) = tokio::time::timeout_at(until, callee.next()).await {
        let Message::Text(text) = message else { continue };
        let event: Value = serde_json::from_str(text.as_str())?;
        let Some(id) = event["eventId"].as_u64() else { continue };
        ensure!(id == last + 1, "after event {last} came {id}");
        last = id;
    }
    ensure!(last <= COUNT, "12 MB waited for a client that does not read");
    let counted = server.metrics().await?;
    let slow = r#"ringback_sockets_closed_total{transport="websocket",why="too_slow"} 1"#;
    ensure!(counted.contains(slow), "its operator sees it");
    let mut callee: Socket = server.reconnect(&bob, &Lost { session: session.clone(), last_event: last }).await?;
    ensure!(callee.session() != session, "so much cannot be kept");
    callee.hears(&["resync"]).await?;
    callee.done(json!({"type": "join-call", "callId": call})).await?;
    caller.hears(&["user-joined"]).await?;
    caller.done(json!({"type": "ice-candidate", "callId": call, "candidate": {"candidate": "now"}})).await?;
    callee.hears(&["ice-candidate"]).await.map(drop)
}
