//! What a call leaves in the room, for every Matrix client to show.

use std::time::Duration;

use anyhow::{Result, ensure};
use ringback_e2e::{Login, Options, Server, at_homeserver, encrypted_room, pair, until, users};
use serde_json::{Value, json};

async fn timeline(who: &Login, room: &str) -> Result<Vec<Value>> {
    let (who, room) = (who.clone(), room.to_owned());
    at_homeserver(move |homeserver| homeserver.timeline(&who, &room)).await
}

fn lines(timeline: &[Value]) -> Vec<String> {
    let messages = timeline.iter().filter(|event| event["type"] == "m.room.message");
    messages.rev().map(|event| event["content"]["body"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Waits for as many lines.
async fn lines_of(who: &Login, room: &str, count: usize) -> Result<Vec<String>> {
    until(&format!("{count} line(s) in the room"), Duration::from_secs(10), async || {
        let timeline = timeline(who, room).await?;
        let foreign = timeline.iter().find(|event| event["type"].as_str().is_some_and(|name| name.starts_with("m.call")));
        ensure!(foreign.is_none(), "an m.call event: {foreign:?}");
        let notices = timeline.iter().filter(|event| event["type"] == "m.room.message");
        for notice in notices {
            ensure!(notice["content"]["msgtype"] == "m.notice", "not a notice: {notice}");
        }
        let lines = lines(&timeline);
        Ok((lines.len() >= count).then_some(lines))
    })
    .await
}

async fn answered_and_over(server: &Server, alice: &Login, bob: &Login, room: &str, seconds: u64) -> Result<()> {
    let call = server.initiate_with(alice, json!({"roomId": room, "callType": "video"})).await?;
    server.act(bob, &call, "answer").await?.expect(200)?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    server.act(alice, &call, "end").await?.expect(200).map(drop)
}

#[tokio::test]
async fn one_line_for_each_call() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("one_line_for_each_call").await?;
    let call = server.initiate(&alice, &room).await?;
    server.act(&bob, &call, "reject").await?.expect(200)?;
    let declined = lines_of(&bob, &room, 1).await?;
    ensure!(declined == ["Declined voice call"], "{declined:?}");
    answered_and_over(&server, &alice, &bob, &room, 2).await?;
    let video = lines_of(&bob, &room, 2).await?;
    ensure!(video.len() == 2 && ["Video call, 0:02", "Video call, 0:03"].contains(&video[1].as_str()), "{video:?}");
    server.initiate_with(&alice, json!({"roomId": room, "callType": "voice", "ringTimeoutMs": 5000})).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let missed = lines_of(&bob, &room, 3).await?;
    ensure!(missed.len() == 3 && missed[2] == "Missed voice call", "{missed:?}");
    Ok(())
}

/// A second call whose line is there proves that the first one's had its time.
#[tokio::test]
async fn nothing_in_the_clear_into_an_encrypted_room() -> Result<()> {
    let [alice, bob] = users(["alice", "bob"]).await?;
    let secret = encrypted_room(&[&alice, &bob]).await?;
    let open = ringback_e2e::room(&[&alice, &bob]).await?;
    let server = Server::start("nothing_in_the_clear").await?;
    answered_and_over(&server, &alice, &bob, &secret, 1).await?;
    answered_and_over(&server, &alice, &bob, &open, 1).await?;
    lines_of(&bob, &open, 1).await?;
    let lines = lines(&timeline(&bob, &secret).await?);
    ensure!(lines.is_empty(), "in an encrypted room: {lines:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_when_it_is_off() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let quiet = Options::new("nothing_when_it_is_off").set("ROOM_NOTICES", "false").start().await?;
    answered_and_over(&quiet, &alice, &bob, &room, 1).await?;
    let loud = Server::start("nothing_when_it_is_off_control").await?;
    let call = loud.initiate(&alice, &room).await?;
    loud.act(&bob, &call, "reject").await?.expect(200)?;
    let lines = lines_of(&bob, &room, 1).await?;
    ensure!(lines == ["Declined voice call"], "{lines:?}");
    Ok(())
}
