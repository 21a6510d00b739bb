//! `systemctl stop`: everybody is told, nothing acknowledged is lost.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ringback_e2e::{Options, pair};

async fn sigterm_loses_nothing(options: Options) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = options.start().await?;
    let mut caller = server.connect(&alice).await?;
    let mut callee = server.connect(&bob).await?;
    let call = server.initiate(&alice, &room).await?;
    callee.expect("incoming-call").await?;
    let asked = Instant::now();
    server.sigterm()?;
    for socket in [&mut caller, &mut callee] {
        let event = socket.expect("server-shutdown").await?;
        ensure!(event["reconnectAfterMs"].is_u64(), "when to come back: {event}");
        let code = socket.close_code(Duration::from_secs(10)).await?;
        ensure!(code == 1012, "closed with {code}, not 1012");
    }
    let status = server.wait_for_end(Duration::from_secs(10)).await?;
    ensure!(status.code() == Some(0), "it should end with 0, but: {status}");
    ensure!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    server.restart().await?;
    ensure!(server.status(&alice, &call).await? == "ringing", "the call rings on");
    let mut callee = server.connect(&bob).await?;
    let ringing = callee.expect("incoming-call").await?;
    ensure!(ringing["callId"] == call.as_str(), "the callee is rung once more: {ringing}");
    server.act(&bob, &call, "answer").await?.expect(200)?;
    ensure!(server.status(&alice, &call).await? == "active", "and can answer");
    Ok(())
}

#[tokio::test]
async fn sigterm_on_sqlite() -> Result<()> {
    sigterm_loses_nothing(Options::new("sigterm_on_sqlite")).await
}

#[tokio::test]
async fn sigterm_on_postgres() -> Result<()> {
    sigterm_loses_nothing(Options::new("sigterm_on_postgres").on_postgres()?).await
}
