//! A client that does not know whether its request arrived may send it again.

use anyhow::{Result, ensure};
use ringback_e2e::{Login, Options, Reply, Server, pair, reply};
use serde_json::json;

async fn initiate(server: &Server, who: &Login, room: &str, kind: &str, key: &str) -> Result<Reply> {
    let request = server.request("POST", "/api/calls/initiate").bearer_auth(&who.token).header("Idempotency-Key", key);
    reply(request.json(&json!({"roomId": room, "callType": kind}))).await
}

async fn the_same_key_is_the_same_call(options: Options) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = options.start().await?;
    let mut callee = server.connect(&bob).await?;
    let first = initiate(&server, &alice, &room, "voice", "key-1").await?.expect(201)?;
    callee.expect("incoming-call").await?;
    let again = initiate(&server, &alice, &room, "voice", "key-1").await?.expect(201)?;
    ensure!(again["callId"] == first["callId"], "a repeat is the same call: {first} {again}");
    ensure!(!callee.has_got("incoming-call").await?, "a repeat does not ring again");
    let other = initiate(&server, &alice, &room, "video", "key-1").await?;
    ensure!(other.status == 409, "the same key with another body is refused: {other:?}");
    // Somebody else's key of the same name is another key.
    initiate(&server, &bob, &room, "voice", "key-1").await?.expect_refusal(409, "RINGBACK_CALL_EXISTS")?;
    server.kill9();
    server.restart().await?;
    let after = initiate(&server, &alice, &room, "voice", "key-1").await?.expect(201)?;
    ensure!(after["callId"] == first["callId"], "also after a crash: {first} {after}");
    Ok(())
}

#[tokio::test]
async fn of_initiate_on_sqlite() -> Result<()> {
    the_same_key_is_the_same_call(Options::new("of_initiate_on_sqlite")).await
}

#[tokio::test]
async fn of_initiate_on_postgres() -> Result<()> {
    the_same_key_is_the_same_call(Options::new("of_initiate_on_postgres").on_postgres()?).await
}

#[tokio::test]
async fn of_answer_and_end() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("of_answer_and_end").await?;
    let call = server.initiate(&alice, &room).await?;
    let first = server.act(&bob, &call, "answer").await?.expect(200)?;
    let again = server.act(&bob, &call, "answer").await?.expect(200)?;
    ensure!(first == again, "the winner may repeat its answer: {first} {again}");
    for _ in 0..2 {
        let ended = server.act(&alice, &call, "end").await?.expect(200)?;
        ensure!(ended["status"] == "ended", "{ended}");
    }
    Ok(())
}
