//! `ringback phone`: a fake callee for other people's tests.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Server, World, finish, pair, until};
use serde_json::Value;
use tokio::process::Command;

fn phone(server: &Server, who: &Login, flags: &[&str]) -> Command {
    let mut command = Command::new(&World::get().binary);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RINGBACK_")) {
        command.env_remove(name);
    }
    command.args(["phone", "--as", &who.user_id, "--url", &server.url, "--json"]).args(flags);
    command.env("RINGBACK_TOKEN", &who.token);
    command
}

fn lines(printed: &str) -> Result<Vec<Value>> {
    printed.lines().map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))).collect()
}

/// Starts a call as soon as the phone is there to be rung.
async fn ring(server: &Server, alice: &Login, room: &str) -> Result<String> {
    until("the phone should be rung", Duration::from_secs(15), async || {
        let body = serde_json::json!({"roomId": room, "callType": "voice"});
        let initiated = server.post("/api/calls/initiate", alice, &body).await?.expect(201)?;
        let call = initiated["callId"].as_str().context("no callId")?.to_owned();
        if initiated["delivery"]["live"] == 1 {
            return Ok(Some(call));
        }
        server.act(alice, &call, "end").await?.expect(200)?;
        Ok(None)
    })
    .await
}

async fn status_becomes(server: &Server, who: &Login, call: &str, status: &str) -> Result<()> {
    until(&format!("the call should be {status}"), Duration::from_secs(10), async || {
        Ok((server.status(who, call).await? == status).then_some(()))
    })
    .await
}

#[tokio::test]
async fn answers_by_itself() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("phone_answers_by_itself").await?;
    let command = phone(&server, &bob, &["--auto", "answer", "--after", "1s"]);
    let running = tokio::spawn(async move { finish("phone", command, Duration::from_secs(40)).await });
    let call = ring(&server, &alice, &room).await?;
    ensure!(server.status(&alice, &call).await? == "ringing", "it rings for a second first");
    status_becomes(&server, &alice, &call, "active").await?;
    running.abort();
    Ok(())
}

#[tokio::test]
async fn rejects_by_itself_and_goes() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("phone_rejects_by_itself").await?;
    let mut caller = server.connect(&alice).await?;
    let command = phone(&server, &bob, &["--auto", "reject", "--after", "3s", "--once"]);
    let running = tokio::spawn(async move { finish("phone", command, Duration::from_secs(40)).await });
    let call = ring(&server, &alice, &room).await?;
    status_becomes(&server, &alice, &call, "rejected").await?;
    let rejected = caller.expect("call-rejected").await?;
    ensure!(rejected["rejectedBy"] == bob.user_id.as_str(), "{rejected}");
    let printed = running.await.context("the phone's task has panicked")??;
    let rang = lines(&printed)?.into_iter().any(|line| line.to_string().contains("incoming-call"));
    ensure!(rang, "the phone never said that it rang: {printed}");
    ensure!(!printed.contains(&bob.token), "the phone printed its token");
    Ok(())
}

#[tokio::test]
async fn calls_a_room() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("phone_calls_a_room").await?;
    let mut callee = server.connect(&bob).await?;
    let command = phone(&server, &alice, &["--auto", "ignore", "--call", &room, "--video", "--once"]);
    let running = tokio::spawn(async move { finish("phone", command, Duration::from_secs(40)).await });
    let ringing = callee.expect("incoming-call").await?;
    ensure!(ringing["callType"] == "video" && ringing["callerId"] == alice.user_id.as_str(), "{ringing}");
    let call = ringing["callId"].as_str().context("no callId")?;
    server.act(&bob, call, "reject").await?.expect(200)?;
    running.await.context("the phone's task has panicked")?.map(drop)
}
