//! A device that loses its connection and comes back misses nothing, or is told that it did.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Lost, Options, Script, Server, Socket, another_device, pair, run_script, users};
use serde_json::{Value, json};

/// Two who talk.
struct Talk {
    server: Server,
    alice: Login,
    bob: Login,
    caller: Socket,
    callee: Socket,
    call: String,
}

impl Talk {
    async fn new(options: Options) -> Result<Self> {
        let (alice, bob, room) = pair().await?;
        let server = options.start().await?;
        let mut caller = server.connect(&alice).await?;
        let mut callee = server.connect(&bob).await?;
        let call = server.initiate(&alice, &room).await?;
        callee.hears(&["incoming-call"]).await?;
        server.act(&bob, &call, "answer").await?.expect(200)?;
        for socket in [&mut caller, &mut callee] {
            socket.done(json!({"type": "join-call", "callId": call})).await?;
        }
        caller.hears(&["call-answered", "user-joined"]).await?;
        Ok(Self { server, alice, bob, caller, callee, call })
    }

    fn candidate(&self, text: &str) -> Value {
        json!({"type": "ice-candidate", "callId": self.call, "candidate": {"candidate": text}})
    }

    /// Alice sends candidates, the last one acknowledged.
    async fn send(&mut self, count: usize, padding: usize) -> Result<()> {
        for n in 1..count {
            let candidate = self.candidate(&format!("{n} {}", "x".repeat(padding)));
            self.caller.send(candidate).await?;
        }
        let last = self.candidate(&format!("{count} {}", "x".repeat(padding)));
        self.caller.done(last).await.map(drop)
    }
}

fn numbers(heard: &[Value]) -> Vec<usize> {
    let number = |event: &Value| event["candidate"]["candidate"].as_str()?.split(' ').next()?.parse().ok();
    heard.iter().filter_map(number).collect()
}

fn resumed(socket: &Socket, lost: &Lost) -> Result<()> {
    ensure!(socket.session() == lost.session, "it should be the same session: {}", socket.registered);
    Ok(())
}

#[tokio::test]
async fn everything_that_was_missed_comes_in_order() -> Result<()> {
    let mut talk = Talk::new(Options::new("resume_all")).await?;
    let [carol] = users(["carol"]).await?;
    let other = ringback_e2e::room(&[&carol, &talk.bob]).await?;
    talk.send(3, 0).await?;
    talk.callee.hears(&["ice-candidate"; 3]).await?;
    let lost = talk.callee.cut().await?;
    talk.send(10, 0).await?;
    talk.caller.done(json!({"type": "toggle-audio", "callId": talk.call, "enabled": false})).await?;
    talk.caller.hears(&["audio-toggled"]).await?;
    let ringing = talk.server.initiate(&carol, &other).await?;
    talk.callee = talk.server.reconnect(&talk.bob, &lost).await?;
    resumed(&talk.callee, &lost)?;
    let names: Vec<&str> = ["ice-candidate"; 10].into_iter().chain(["audio-toggled", "incoming-call"]).collect();
    let heard = talk.callee.hears(&names).await?;
    ensure!(numbers(&heard) == (1..=10).collect::<Vec<_>>(), "{heard:?}");
    ensure!(heard[11]["callId"] == ringing.as_str(), "{}", heard[11]);
    talk.caller.hears(&[]).await.context("nobody hears of a connection that came back")?;
    talk.send(1, 0).await?;
    talk.callee.hears(&["ice-candidate"]).await.context("and all goes on")?;
    let reply = talk.candidate("from the callee");
    talk.callee.done(reply).await?;
    talk.caller.hears(&["ice-candidate"]).await.map(drop)
}

/// A call that came and went while the device was away must not ring on it.
#[tokio::test]
async fn a_call_that_ended_meanwhile_does_not_ring_on() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("resume_ended").await?;
    for before in [true, false] {
        let mut callee = server.connect(&bob).await?;
        let mut lost = None;
        if !before {
            lost = Some(callee.cut().await?);
            callee = server.connect(&another_device(&bob).await?).await?;
        }
        let call = server.initiate(&alice, &room).await?;
        callee.hears(&["incoming-call"]).await?;
        let lost = if let Some(lost) = lost { lost } else { callee.cut().await? };
        server.act(&alice, &call, "end").await?.expect(200)?;
        let mut callee = server.reconnect(&bob, &lost).await?;
        resumed(&callee, &lost)?;
        let names: &[&str] = if before { &["call-ended"] } else { &["incoming-call", "call-ended"] };
        callee.hears(names).await?;
    }
    Ok(())
}

/// A client whose last writes to its own memory were lost asks for more, and gets it.
#[tokio::test]
async fn from_any_event_that_is_kept() -> Result<()> {
    let mut talk = Talk::new(Options::new("resume_from_any")).await?;
    talk.send(5, 0).await?;
    talk.callee.hears(&["ice-candidate"; 5]).await?;
    let mut lost = talk.callee.cut().await?;
    lost.last_event -= 2;
    talk.callee = talk.server.reconnect(&talk.bob, &lost).await?;
    resumed(&talk.callee, &lost)?;
    let heard = talk.callee.hears(&["ice-candidate"; 2]).await?;
    ensure!(numbers(&heard) == [4, 5], "{heard:?}");
    let mut lost = talk.callee.cut().await?;
    lost.last_event += 1;
    talk.callee = talk.server.reconnect(&talk.bob, &lost).await?;
    talk.callee.hears(&["resync"]).await.context("an event that never was")?;
    ensure!(talk.callee.session() != lost.session, "{}", talk.callee.registered);
    Ok(())
}

/// Nobody waits for the server to notice that the old connection is dead.
#[tokio::test]
async fn while_the_old_connection_seems_alive() -> Result<()> {
    let mut talk = Talk::new(Options::new("resume_alive")).await?;
    let lost = Lost { session: talk.callee.session().to_owned(), last_event: 1 };
    let mut new = talk.server.reconnect(&talk.bob, &lost).await?;
    resumed(&new, &lost)?;
    ensure!(talk.callee.close_code(Duration::from_secs(5)).await? == 1000, "the old connection is closed");
    talk.send(2, 0).await?;
    new.hears(&["ice-candidate"; 2]).await?;
    talk.caller.hears(&[]).await.map(drop)
}

/// Asks for a session that cannot be had; a new one begins, with the full state.
async fn gets_resync(talk: &mut Talk, who: &Login, lost: &Lost) -> Result<Socket> {
    let mut socket = talk.server.reconnect(who, lost).await?;
    ensure!(socket.session() != lost.session, "it should be another session: {}", socket.registered);
    let heard = socket.hears(&["resync"]).await?;
    ensure!(heard[0].get("eventId").is_none(), "resync stands outside of the count, which begins anew: {}", heard[0]);
    Ok(socket)
}

fn says_all(talk: &Talk, resync: &Value) -> Result<()> {
    let calls = resync["calls"].as_array().context("no calls")?;
    ensure!(calls.len() == 1 && calls[0]["callId"] == talk.call.as_str() && calls[0]["status"] == "active", "{resync}");
    let users: Vec<&Value> = calls[0]["participants"].as_array().into_iter().flatten().map(|row| &row["userId"]).collect();
    ensure!(users.len() == 2 && users.contains(&&json!(talk.alice.user_id)), "{resync}");
    for field in ["roomId", "callType", "initiatorId", "createdAt", "expiresAt"] {
        ensure!(calls[0][field].is_string(), "no {field}: {resync}");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_not_ones_own() -> Result<()> {
    let mut talk = Talk::new(Options::new("resume_foreign")).await?;
    let tablet = another_device(&talk.bob).await?;
    let others = talk.server.connect(&tablet).await?;
    let (alices, tablets) = (talk.caller.session().to_owned(), others.session().to_owned());
    let bob = talk.bob.clone();
    let unknown = "0123456789abcdef".repeat(2);
    for session in [unknown.as_str(), alices.as_str(), tablets.as_str()] {
        let lost = Lost { session: session.to_owned(), last_event: 0 };
        let mut socket = talk.server.reconnect(&bob, &lost).await?;
        ensure!(socket.session() != session, "{session:?} was given away");
        let heard = socket.hears(&["resync"]).await.with_context(|| format!("for {session:?}"))?;
        says_all(&talk, &heard[0])?;
    }
    talk.caller.hears(&[]).await.context("those whose sessions they are notice nothing")?;
    talk.send(1, 0).await?;
    talk.callee.hears(&["ice-candidate"]).await.map(drop)
}

/// After the grace period Bob is out of the call, and learns it.
#[tokio::test]
async fn too_late() -> Result<()> {
    let [alice, bob, carol] = users(["alice", "bob", "carol"]).await?;
    let room = ringback_e2e::room(&[&alice, &bob, &carol]).await?;
    let server = Options::new("resume_late").set("GRACE_PERIOD", "2s").start().await?;
    let mut caller = server.connect(&alice).await?;
    let mut callee = server.connect(&bob).await?;
    ensure!(callee.registered["gracePeriodMs"] == 2000, "{}", callee.registered);
    let call = server.initiate(&alice, &room).await?;
    callee.hears(&["incoming-call"]).await?;
    server.act(&bob, &call, "answer").await?.expect(200)?;
    caller.hears(&["call-answered", "user-joined"]).await?;
    let lost = callee.cut().await?;
    caller.hears(&["user-left"]).await?;
    ensure!(server.status(&alice, &call).await? == "active", "in a group the others go on");
    let mut callee = server.reconnect(&bob, &lost).await?;
    ensure!(callee.session() != lost.session, "the grace period is over: {}", callee.registered);
    let heard = callee.hears(&["resync"]).await?;
    ensure!(heard[0]["calls"] == json!([]), "Bob has no call any more: {}", heard[0]);
    server.act(&bob, &call, "join").await?.expect(200)?;
    caller.hears(&["user-joined"]).await.map(drop)
}

/// Back within the grace period: nobody has left.
#[tokio::test]
async fn in_time() -> Result<()> {
    let mut talk = Talk::new(Options::new("resume_in_time").set("GRACE_PERIOD", "3s")).await?;
    for _ in 0..3 {
        let lost = talk.callee.cut().await?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        talk.callee = talk.server.reconnect(&talk.bob, &lost).await?;
        resumed(&talk.callee, &lost)?;
        talk.callee.hears(&[]).await?;
    }
    talk.caller.hears(&[]).await.context("who comes back has not left")?;
    talk.callee.cut().await?;
    talk.caller.hears(&["user-left", "call-ended"]).await.context("who stays away has left").map(drop)
}

#[tokio::test]
async fn more_than_is_kept() -> Result<()> {
    for (name, count, padding, kept) in
        [("resume_500", 500, 0, true), ("resume_600", 600, 0, false), ("resume_2_mb", 40, 50_000, false)]
    {
        let mut talk = Talk::new(Options::new(name)).await?;
        talk.send(1, 0).await?;
        talk.callee.hears(&["ice-candidate"]).await?;
        let lost = talk.callee.cut().await?;
        talk.send(count, padding).await?;
        let bob = talk.bob.clone();
        if kept {
            let mut callee = talk.server.reconnect(&bob, &lost).await?;
            resumed(&callee, &lost)?;
            let heard = callee.hears(&vec!["ice-candidate"; count]).await?;
            ensure!(numbers(&heard) == (1..=count).collect::<Vec<_>>(), "not in order");
            continue;
        }
        let mut callee = gets_resync(&mut talk, &bob, &lost).await.context(name)?;
        callee.done(json!({"type": "join-call", "callId": talk.call})).await?;
        callee.hears(&[]).await.context("a part of it would be a gap")?;
        let heard = talk.caller.hears(&["user-joined"]).await.context("the others negotiate anew")?;
        ensure!(heard[0]["userId"] == bob.user_id.as_str(), "{heard:?}");
        talk.send(1, 0).await?;
        callee.hears(&["ice-candidate"]).await?;
    }
    Ok(())
}

async fn by_socket_io(name: &'static str, module: &'static str, transports: &'static str) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start(name).await?;
    run_script(Script::Resuming(module, transports, 0), &server, &alice, &bob, &room).await.map(drop)
}

#[tokio::test]
async fn socket_io_by_websocket() -> Result<()> {
    by_socket_io("resume_socket_io_websocket", "socket.io-client", "websocket").await
}

#[tokio::test]
async fn socket_io_by_polling() -> Result<()> {
    by_socket_io("resume_socket_io_polling", "socket.io-client", "polling").await
}

#[tokio::test]
async fn socket_io_v2_by_websocket() -> Result<()> {
    by_socket_io("resume_socket_io_v2", "socket.io-client-v2", "websocket").await
}
