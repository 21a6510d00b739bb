//! An unanswered call rings for a minute, whatever happens to the server meanwhile.

use std::time::Duration;

use anyhow::{Result, ensure};
use ringback_e2e::{Options, Server, Socket, pair, until};
use tokio::time::{Instant, sleep_until};

/// SIGKILL at 20 s, a restart at 30 s, a callee who connects at 40 s, and the end at 60 s ± 1 s.
async fn missed_through_a_crash(options: Options) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = options.start().await?;
    let mut caller = server.connect(&alice).await?;
    let began = Instant::now();
    let at = |seconds| began + Duration::from_secs(seconds);
    let call = server.initiate(&alice, &room).await?;
    sleep_until(at(20)).await;
    ensure!(server.status(&alice, &call).await? == "ringing", "it rings before the crash");
    server.kill9();
    caller.close_code(Duration::from_secs(5)).await.expect_err("a crash says no goodbye");
    sleep_until(at(30)).await;
    server.restart().await?;
    ensure!(server.status(&alice, &call).await? == "ringing", "it rings after the restart");
    let mut caller = server.connect(&alice).await?;
    sleep_until(at(40)).await;
    let mut callee = server.connect(&bob).await?;
    let ringing = callee.expect("incoming-call").await?;
    ensure!(ringing["callId"] == call.as_str(), "the callee is rung by that call: {ringing}");
    let mut ended = Vec::new();
    for socket in [&mut callee, &mut caller] {
        let event = socket.expect_within("call-ended", Duration::from_secs(25)).await?;
        ended.push(began.elapsed().as_secs_f64());
        ensure!(event["reason"] == "timeout" && event["endedBy"] == "system", "not a timeout: {event}");
    }
    ensure!(ended.iter().all(|at| (59.0..=61.0).contains(at)), "it should end at 60 s ± 1 s, but ended at {ended:?}");
    ensure!(server.status(&alice, &call).await? == "missed", "a call that nobody answered is missed");
    let details = server.get(&format!("/api/calls/{call}/status"), &bob).await?.expect(200)?;
    let rows = details["participants"].as_array().cloned().unwrap_or_default();
    let callee = rows.iter().find(|row| row["matrix_user_id"] == bob.user_id.as_str());
    ensure!(callee.is_some_and(|row| row["status"] == "missed"), "the callee missed it: {details}");
    Ok(())
}

#[tokio::test]
async fn missed_through_a_crash_on_sqlite() -> Result<()> {
    missed_through_a_crash(Options::new("missed_through_a_crash_on_sqlite")).await
}

#[tokio::test]
async fn missed_through_a_crash_on_postgres() -> Result<()> {
    missed_through_a_crash(Options::new("missed_through_a_crash_on_postgres").on_postgres()?).await
}

/// A connection that never says who it is does not stay.
#[tokio::test]
async fn a_socket_that_does_not_register() -> Result<()> {
    let server = Server::start("a_socket_that_does_not_register").await?;
    let began = Instant::now();
    let mut socket = Socket::open(&server.socket_url()).await?;
    let code = socket.close_code(Duration::from_secs(70)).await?;
    let took = began.elapsed().as_secs();
    ensure!(code == 1008 && (59..=63).contains(&took), "closed with {code} after {took} s");
    Ok(())
}

/// What fell due while the server was down is settled when it comes back.
#[tokio::test]
async fn due_while_down() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = Options::new("due_while_down").set("RING_TIMEOUT", "5s").start().await?;
    let call = server.initiate(&alice, &room).await?;
    let began = Instant::now();
    server.kill9();
    sleep_until(began + Duration::from_secs(6)).await;
    server.restart().await?;
    until("the call should be missed", Duration::from_secs(2), async || {
        Ok((server.status(&alice, &call).await? == "missed").then_some(()))
    })
    .await?;
    let mut callee = server.connect(&bob).await?;
    ensure!(!callee.has_got("incoming-call").await?, "a missed call does not ring");
    Ok(())
}
