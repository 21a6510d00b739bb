//! A homeserver that is away, slow or talks nonsense.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Options, Server, Stub, Synapse, World, free_port, pair, users};
use serde_json::json;

async fn refused_in_time(server: &Server, who: &Login, room: &str, status: u16) -> Result<()> {
    let asked = Instant::now();
    let body = json!({"roomId": room, "callType": "voice"});
    let reply = server.post("/api/calls/initiate", who, &body).await?;
    reply.expect_refusal(status, "RINGBACK_HOMESERVER")?;
    ensure!(asked.elapsed() < Duration::from_secs(6), "it took {:?}", asked.elapsed());
    Ok(())
}

fn someone() -> Login {
    Login { user_id: "@me:localhost".into(), device_id: "D".into(), token: "token".into() }
}

#[tokio::test]
async fn that_hangs() -> Result<()> {
    let stub = Stub::hanging().await?;
    let server = Options::new("homeserver_that_hangs").set("HOMESERVER_URL", &stub.url).start().await?;
    refused_in_time(&server, &someone(), "!room:localhost", 504).await
}

#[tokio::test]
async fn that_refuses_connections() -> Result<()> {
    let url = format!("http://127.0.0.1:{}", free_port()?);
    let server = Options::new("homeserver_that_refuses").set("HOMESERVER_URL", url).start().await?;
    refused_in_time(&server, &someone(), "!room:localhost", 502).await
}

#[tokio::test]
async fn that_talks_nonsense() -> Result<()> {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        "220 smtp.example.org\r\n",
    ];
    for answer in answers {
        let stub = Stub::answering(answer).await?;
        let server = Options::new("homeserver_that_talks_nonsense").set("HOMESERVER_URL", &stub.url).start().await?;
        refused_in_time(&server, &someone(), "!room:localhost", 502).await.context(answer)?;
    }
    Ok(())
}

/// A Synapse of its own is stopped in the middle: nothing is stored, ending still works, and all goes on when it comes back.
#[tokio::test]
async fn that_freezes_for_a_while() -> Result<()> {
    let directory = World::get().new_directory("frozen-synapse")?;
    let start = move || Synapse::start(&World::get().synapse_python, &directory, free_port()?, &[]);
    let synapse = tokio::task::spawn_blocking(start).await??;
    let homeserver = synapse.homeserver.clone();
    let make = move || {
        let alice = homeserver.register("alice", "secret")?;
        let bob = homeserver.register("bob", "secret")?;
        let room = homeserver.create_room(&alice, &[&bob], false)?;
        let second = homeserver.create_room(&alice, &[&bob], false)?;
        anyhow::Ok((alice, bob, room, second))
    };
    let (alice, bob, room, second) = tokio::task::spawn_blocking(make).await??;
    let url = synapse.homeserver.url.clone();
    let server = Options::new("homeserver_that_freezes").set("HOMESERVER_URL", url).start().await?;
    let mut callee = server.connect(&bob).await?;
    let call = server.initiate(&alice, &second).await?;
    callee.expect("incoming-call").await?;
    synapse.freeze()?;
    refused_in_time(&server, &alice, &room, 504).await?;
    server.act(&alice, &call, "end").await?.expect(200)?;
    callee.expect("call-ended").await?;
    ensure!(!callee.has_got("incoming-call").await?, "nobody is rung");
    synapse.thaw()?;
    let active = server.get("/api/calls/active", &bob).await?.expect(200)?;
    ensure!(active["calls"] == json!([]), "nothing is stored: {active}");
    server.initiate(&alice, &room).await?;
    callee.expect("incoming-call").await.map(drop)
}

#[tokio::test]
async fn that_does_not_know_the_caller_in_the_room() -> Result<()> {
    let (_, _, room) = pair().await?;
    let [stranger] = users(["stranger"]).await?;
    let server = Server::start("stranger_to_the_room").await?;
    for room in [room.as_str(), "!nowhere:localhost"] {
        let body = json!({"roomId": room, "callType": "voice"});
        server.post("/api/calls/initiate", &stranger, &body).await?.expect_refusal(403, "M_FORBIDDEN")?;
    }
    Ok(())
}
