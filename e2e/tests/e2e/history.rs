//! Looking back at calls, and forgetting them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Options, Server, World, finish, pair, until};
use serde_json::{Value, json};
use tokio::process::Command;

const HISTORY: &str = "/api/calls/history";

async fn history(server: &Server, who: &Login, query: &str) -> Result<(Vec<Value>, Option<String>)> {
    let page = server.get(&format!("{HISTORY}{query}"), who).await?.expect(200)?;
    let calls = page["calls"].as_array().cloned().context("no calls")?;
    ensure!(page.get("nextBatch").is_none_or(Value::is_string), "nextBatch is a text or absent: {page}");
    Ok((calls, page["nextBatch"].as_str().map(str::to_owned)))
}

/// Alice's calls to Bob: answered, missed, rejected, cancelled; then one of Bob's that Alice rejects. Newest first.
async fn past(server: &Server, alice: &Login, bob: &Login, room: &str) -> Result<[String; 5]> {
    let answered = server.initiate_with(alice, json!({"roomId": room, "callType": "video"})).await?;
    server.act(bob, &answered, "answer").await?.expect(200)?;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    server.act(bob, &answered, "end").await?.expect(200)?;
    let missed = server.initiate_with(alice, json!({"roomId": room, "callType": "voice", "ringTimeoutMs": 5000})).await?;
    until("the call should be missed", Duration::from_secs(8), async || {
        Ok((server.status(alice, &missed).await? == "missed").then_some(()))
    })
    .await?;
    let rejected = server.initiate(alice, room).await?;
    server.act(bob, &rejected, "reject").await?.expect(200)?;
    let cancelled = server.initiate(alice, room).await?;
    server.act(alice, &cancelled, "end").await?.expect(200)?;
    let of_bob = server.initiate(bob, room).await?;
    server.act(alice, &of_bob, "reject").await?.expect(200)?;
    Ok([of_bob, cancelled, rejected, missed, answered])
}

fn short(call: &Value) -> Value {
    json!([call["callId"], call["direction"], call["outcome"], call["missed"], call["seen"]])
}

async fn tells_both_sides(options: Options) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = options.start().await?;
    let live = server.initiate(&alice, &room).await?;
    ensure!(history(&server, &alice, "").await? == (vec![], None), "a call that rings is not past");
    server.act(&alice, &live, "end").await?.expect(200)?;
    let ids = past(&server, &alice, &bob, &room).await?;
    let (of_alice, next) = history(&server, &alice, "?limit=5").await?;
    ensure!(next.is_some(), "the first call is on the next page");
    let expected = [
        json!([ids[0], "incoming", "rejected", false, true]),
        json!([ids[1], "outgoing", "cancelled", false, true]),
        json!([ids[2], "outgoing", "rejected", false, true]),
        json!([ids[3], "outgoing", "missed", false, true]),
        json!([ids[4], "outgoing", "answered", false, true]),
    ];
    let got: Vec<Value> = of_alice.iter().map(short).collect();
    ensure!(got == expected, "as Alice saw it: {got:#?}");
    let (of_bob, _) = history(&server, &bob, "?limit=5").await?;
    let expected = [
        json!([ids[0], "outgoing", "rejected", false, true]),
        json!([ids[1], "incoming", "cancelled", true, false]),
        json!([ids[2], "incoming", "rejected", false, true]),
        json!([ids[3], "incoming", "missed", true, false]),
        json!([ids[4], "incoming", "answered", false, true]),
    ];
    let got: Vec<Value> = of_bob.iter().map(short).collect();
    ensure!(got == expected, "as Bob saw it: {got:#?}");
    let talked = &of_bob[4];
    ensure!(talked["durationMs"].as_u64().is_some_and(|ms| (1_200..5_000).contains(&ms)), "{talked}");
    ensure!(talked["callType"] == "video" && talked["roomId"] == room.as_str(), "{talked}");
    ensure!(talked["initiatorId"] == alice.user_id.as_str() && talked["startedAt"].is_string(), "{talked}");
    for call in &of_bob {
        ensure!(call["createdAt"].is_string() && call["endedAt"].is_string(), "{call}");
        ensure!(call["durationMs"].is_null() || call["outcome"] == "answered", "{call}");
    }
    seen(&server, &bob, &ids).await
}

async fn seen(server: &Server, bob: &Login, ids: &[String; 5]) -> Result<()> {
    let unseen = async || -> Result<Vec<Value>> {
        let (calls, _) = history(server, bob, "").await?;
        Ok(calls.into_iter().filter(|call| call["seen"] == false).map(|call| call["callId"].clone()).collect())
    };
    let path = format!("{HISTORY}/seen");
    server.post(&path, bob, &json!({"callIds": [ids[1]]})).await?.expect(200)?;
    let left = unseen().await?;
    ensure!(left.len() == 2 && left[0] == ids[3].as_str(), "that one was seen, those before were not: {left:?}");
    server.post(&path, bob, &json!({})).await?.expect(200)?;
    ensure!(unseen().await?.is_empty(), "all were seen");
    let (calls, _) = history(server, bob, "?limit=2").await?;
    ensure!(calls[1]["missed"] == true, "a missed call that was seen was still missed: {calls:?}");
    server.post(&path, bob, &json!({"callIds": "all"})).await?.expect_refusal(400, "M_BAD_JSON").map(drop)
}

#[tokio::test]
async fn tells_both_sides_on_sqlite() -> Result<()> {
    tells_both_sides(Options::new("history_on_sqlite")).await
}

#[tokio::test]
async fn tells_both_sides_on_postgres() -> Result<()> {
    tells_both_sides(Options::new("history_on_postgres").on_postgres()?).await
}

async fn goes_by_pages(options: Options) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = options.start().await?;
    let mut ids = Vec::new();
    for _ in 0..7 {
        let call = server.initiate(&alice, &room).await?;
        server.act(&bob, &call, "reject").await?.expect(200)?;
        ids.insert(0, call);
    }
    for limit in [1, 3, 7] {
        let (mut seen, mut from, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let (calls, next) = history(&server, &bob, &format!("?limit={limit}{from}")).await?;
            pages += 1;
            ensure!(calls.len() <= limit, "{} calls on a page of {limit}", calls.len());
            seen.extend(calls.into_iter().map(|call| call["callId"].as_str().unwrap_or_default().to_owned()));
            let Some(next) = next else { break };
            from = format!("&from={}", ringback_e2e::escaped(&next));
        }
        ensure!(seen == ids, "newest first, each once, by pages of {limit}: {seen:?} {ids:?}");
        ensure!(pages == 7_usize.div_ceil(limit), "{pages} pages of {limit}");
    }
    for query in ["?limit=0", "?limit=101", "?limit=many", "?from=nonsense"] {
        let reply = server.get(&format!("{HISTORY}{query}"), &bob).await?;
        reply.expect_refusal(400, "M_INVALID_PARAM").context(query)?;
    }
    Ok(())
}

#[tokio::test]
async fn goes_by_pages_on_sqlite() -> Result<()> {
    goes_by_pages(Options::new("history_pages_on_sqlite")).await
}

#[tokio::test]
async fn goes_by_pages_on_postgres() -> Result<()> {
    goes_by_pages(Options::new("history_pages_on_postgres").on_postgres()?).await
}

async fn forget(database: &str, who: &Login) -> Result<String> {
    let mut command = Command::new(&World::get().binary);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RINGBACK_")) {
        command.env_remove(name);
    }
    command.args(["forget", &who.user_id]).env("RINGBACK_DATABASE_URL", database);
    finish("ringback forget", command, Duration::from_secs(20)).await
}

/// An operator forgets a user while the server runs; the others keep their history.
async fn is_forgotten(options: Options, database: &str) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = options.set("DATABASE_URL", database).start().await?;
    for (who, other) in [(&alice, &bob), (&bob, &alice)] {
        let call = server.initiate(who, &room).await?;
        server.act(other, &call, "reject").await?.expect(200)?;
    }
    let (before, _) = history(&server, &alice, "").await?;
    ensure!(before.len() == 2, "{before:?}");
    let said = forget(database, &bob).await?;
    ensure!(said.contains(&bob.user_id), "{said}");
    ensure!(history(&server, &bob, "").await? == (vec![], None), "Bob is forgotten");
    let (after, _) = history(&server, &alice, "").await?;
    ensure!(after.len() == 1 && after[0]["direction"] == "outgoing", "Alice keeps the call that she made: {after:?}");
    let call = after[0]["callId"].as_str().context("no callId")?;
    let details = server.get(&format!("/api/calls/{call}/status"), &alice).await?.expect(200)?;
    ensure!(!details.to_string().contains(&bob.user_id), "Bob is still in {details}");
    let next = server.initiate(&alice, &room).await?;
    server.act(&bob, &next, "answer").await?.expect(200).context("who was forgotten may call again").map(drop)
}

#[tokio::test]
async fn a_user_is_forgotten_on_sqlite() -> Result<()> {
    let file = World::get().new_directory("history-forgets")?.join("ringback.db");
    is_forgotten(Options::new("history_forgets_on_sqlite"), &format!("sqlite://{}", file.display())).await
}

#[tokio::test]
async fn a_user_is_forgotten_on_postgres() -> Result<()> {
    is_forgotten(Options::new("history_forgets_on_postgres"), &World::get().new_database()?).await
}
