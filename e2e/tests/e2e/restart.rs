//! The server is killed in the middle of a call, and people who vanish in the middle of a call.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Lost, Options, Server, Socket, pair};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Two who talk.
async fn talk(server: &Server, alice: &Login, bob: &Login, room: &str) -> Result<(Socket, Socket, String)> {
    let mut caller = server.connect(alice).await?;
    let mut callee = server.connect(bob).await?;
    let call = server.initiate(alice, room).await?;
    callee.hears(&["incoming-call"]).await?;
    server.act(bob, &call, "answer").await?.expect(200)?;
    for socket in [&mut caller, &mut callee] {
        socket.done(json!({"type": "join-call", "callId": call})).await?;
    }
    caller.hears(&["call-answered", "user-joined"]).await?;
    signals_flow(&mut caller, &mut callee, &call).await?;
    Ok((caller, callee, call))
}

async fn signals_flow(one: &mut Socket, other: &mut Socket, call: &str) -> Result<()> {
    let signal = json!({"type": "ice-candidate", "callId": call, "candidate": {"candidate": "here"}});
    one.done(signal.clone()).await?;
    other.hears(&["ice-candidate"]).await?;
    other.done(signal).await?;
    one.hears(&["ice-candidate"]).await.map(drop)
}

/// SIGKILL, then back: what both had cannot be resumed, and each is told how things stand.
async fn killed_and_back(server: &mut Server, caller: &mut Socket, callee: &mut Socket) -> Result<(Lost, Lost, Instant)> {
    server.kill9();
    let lost = (caller.cut().await?, callee.cut().await?);
    server.restart().await?;
    Ok((lost.0, lost.1, Instant::now()))
}

async fn comes_back(server: &Server, who: &Login, lost: &Lost, call: &str) -> Result<Socket> {
    let mut socket = server.reconnect(who, lost).await?;
    ensure!(socket.session() != lost.session, "sessions live in memory: {}", socket.registered);
    let resync = socket.hears(&["resync"]).await?;
    let calls = resync[0]["calls"].as_array().context("no calls")?;
    ensure!(calls.len() == 1 && calls[0]["callId"] == call && calls[0]["status"] == "active", "{resync:?}");
    let joined = |row: &&Value| row["status"] == "joined";
    let joined = calls[0]["participants"].as_array().into_iter().flatten().filter(joined).count();
    ensure!(joined == 2, "both are in it: {resync:?}");
    Ok(socket)
}

async fn a_call_outlives_the_server(options: Options) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = options.start().await?;
    let (mut caller, mut callee, call) = talk(&server, &alice, &bob, &room).await?;
    for _ in 0..2 {
        let (of_caller, of_callee, back) = killed_and_back(&mut server, &mut caller, &mut callee).await?;
        let (of_alice, of_bob) = (comes_back(&server, &alice, &of_caller, &call), comes_back(&server, &bob, &of_callee, &call));
        (caller, callee) = tokio::try_join!(of_alice, of_bob)?;
        ensure!(back.elapsed() < Duration::from_secs(2), "both were back after {:?}", back.elapsed());
        let join = json!({"type": "join-call", "callId": call});
        caller.done(join.clone()).await?;
        let heard = callee.hears(&["user-joined"]).await?;
        ensure!(heard[0]["userId"] == alice.user_id.as_str(), "{heard:?}");
        callee.done(join).await?;
        let heard = caller.hears(&["user-joined"]).await?;
        ensure!(heard[0]["userId"] == bob.user_id.as_str(), "{heard:?}");
        signals_flow(&mut caller, &mut callee, &call).await?;
    }
    ensure!(server.status(&alice, &call).await? == "active");
    callee.done(json!({"type": "call-ended", "callId": call})).await?;
    let heard = caller.hears(&["call-ended"]).await?;
    ensure!(heard[0]["reason"] == "hangup", "{heard:?}");
    Ok(())
}

#[tokio::test]
async fn a_call_outlives_the_server_on_sqlite() -> Result<()> {
    Box::pin(a_call_outlives_the_server(Options::new("restart_on_sqlite"))).await
}

#[tokio::test]
async fn a_call_outlives_the_server_on_postgres() -> Result<()> {
    Box::pin(a_call_outlives_the_server(Options::new("restart_on_postgres").on_postgres()?)).await
}

/// What one sends while the other is not back yet waits.
#[tokio::test]
async fn the_first_one_back_may_talk_at_once() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = Server::start("restart_first_back").await?;
    let (mut caller, mut callee, call) = talk(&server, &alice, &bob, &room).await?;
    let (of_caller, of_callee, _) = killed_and_back(&mut server, &mut caller, &mut callee).await?;
    let mut caller = comes_back(&server, &alice, &of_caller, &call).await?;
    caller.done(json!({"type": "join-call", "callId": call})).await?;
    for n in 0..3 {
        let candidate = json!({"candidate": format!("number {n}")});
        caller.done(json!({"type": "ice-candidate", "callId": call, "candidate": candidate})).await?;
    }
    let mut callee = comes_back(&server, &bob, &of_callee, &call).await?;
    callee.done(json!({"type": "join-call", "callId": call})).await?;
    let heard = callee.hears(&["ice-candidate"; 3]).await?;
    ensure!(heard[0]["candidate"]["candidate"] == "number 0", "{heard:?}");
    caller.hears(&["user-joined"]).await.map(drop)
}

fn gone(heard: &[Value], who: &Login) -> Result<()> {
    ensure!(heard[0]["userId"] == who.user_id.as_str() && heard[0]["deviceId"] == who.device_id.as_str(), "{heard:?}");
    ensure!(heard[1]["endedBy"] == "system" && heard[1]["reason"] == "disconnected", "{heard:?}");
    Ok(())
}

/// What was to take so long may have begun a little earlier, while the server came up.
fn took(began: Instant, expected: f64) -> Result<()> {
    let took = began.elapsed().as_secs_f64();
    ensure!((expected - 1.5..expected + 2.0).contains(&took), "it should take {expected} s, and took {took} s");
    Ok(())
}

async fn who_does_not_come_back_after_a_crash(options: Options) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = options.set("GRACE_PERIOD", "5s").start().await?;
    let (mut caller, mut callee, call) = talk(&server, &alice, &bob, &room).await?;
    let (of_caller, _, back) = killed_and_back(&mut server, &mut caller, &mut callee).await?;
    let mut caller = comes_back(&server, &alice, &of_caller, &call).await?;
    gone(&caller.hears(&["user-left", "call-ended"]).await?, &bob)?;
    took(back, 5.0)?;
    ensure!(server.status(&alice, &call).await? == "ended");
    server.connect(&bob).await?.hears(&[]).await.context("nothing is left of it").map(drop)
}

#[tokio::test]
async fn who_does_not_come_back_after_a_crash_has_left_on_sqlite() -> Result<()> {
    who_does_not_come_back_after_a_crash(Options::new("restart_never_back_on_sqlite")).await
}

#[tokio::test]
async fn who_does_not_come_back_after_a_crash_has_left_on_postgres() -> Result<()> {
    who_does_not_come_back_after_a_crash(Options::new("restart_never_back_on_postgres").on_postgres()?).await
}

/// The same without a crash, and a second crash in the middle of the grace period gives another one.
#[tokio::test]
async fn who_does_not_come_back_has_left() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = Options::new("restart_grace").set("GRACE_PERIOD", "5s").start().await?;
    let (mut caller, mut callee, _) = talk(&server, &alice, &bob, &room).await?;
    callee.cut().await?;
    let began = Instant::now();
    gone(&caller.hears(&["user-left", "call-ended"]).await?, &bob)?;
    took(began, 5.0)?;
    let (mut caller, mut callee, call) = talk(&server, &alice, &bob, &room).await?;
    callee.cut().await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (of_caller, _, back) = killed_and_back(&mut server, &mut caller, &mut callee).await?;
    let mut caller = comes_back(&server, &alice, &of_caller, &call).await?;
    gone(&caller.hears(&["user-left", "call-ended"]).await?, &bob)?;
    took(back, 5.0)
}

/// A stop that takes longer than the grace period takes nobody out: everyone has one from the start on.
#[tokio::test]
async fn a_long_stop_ends_no_call() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = Options::new("restart_long_stop").set("GRACE_PERIOD", "2s").start().await?;
    let (mut caller, mut callee, call) = talk(&server, &alice, &bob, &room).await?;
    server.sigterm()?;
    server.wait_for_end(Duration::from_secs(10)).await?;
    let lost = (caller.cut().await?, callee.cut().await?);
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.restart().await?;
    tokio::try_join!(comes_back(&server, &alice, &lost.0, &call), comes_back(&server, &bob, &lost.1, &call))?;
    ensure!(server.status(&alice, &call).await? == "active", "the call goes on");
    Ok(())
}

/// A caller who vanishes while it rings has cancelled; one who never had a connection, as `curl`, rings on.
#[tokio::test]
async fn a_caller_who_vanishes() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Options::new("restart_caller").set("GRACE_PERIOD", "2s").start().await?;
    let mut callee = server.connect(&bob).await?;
    let mut caller = server.connect(&alice).await?;
    let call = server.initiate(&alice, &room).await?;
    callee.hears(&["incoming-call"]).await?;
    caller.cut().await?;
    let ended = callee.hears(&["call-ended"]).await?;
    ensure!(ended[0]["reason"] == "disconnected" && ended[0]["endedBy"] == "system", "{ended:?}");
    ensure!(server.status(&bob, &call).await? == "ended");
    let call = server.initiate(&alice, &room).await?;
    callee.hears(&["incoming-call"]).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    ensure!(server.status(&bob, &call).await? == "ringing", "it rings on");
    callee.hears(&[]).await.map(drop)
}

/// Answered by HTTP, and never connected: out of it after a minute.
#[tokio::test]
async fn an_answerer_who_never_connects() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Options::new("restart_http_answerer").set("GRACE_PERIOD", "5s").start().await?;
    let mut caller = server.connect(&alice).await?;
    let call = server.initiate(&alice, &room).await?;
    server.act(&bob, &call, "answer").await?.expect(200)?;
    let answered = Instant::now();
    caller.hears(&["call-answered", "user-joined"]).await?;
    let heard = caller.hears_within(&["user-left", "call-ended"], Duration::from_secs(65)).await?;
    gone(&heard, &bob)?;
    took(answered, 60.0)
}
