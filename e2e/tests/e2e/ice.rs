//! Everyone gets STUN and TURN servers of their own; nobody gets another's credentials.

use anyhow::{Result, ensure};
use ringback_e2e::{Options, Server, pair, reply};
use serde_json::{Value, json};

fn turn_users(holder: &Value) -> Vec<String> {
    let servers = holder["iceServers"].as_array().cloned().unwrap_or_default();
    servers.iter().filter_map(|server| Some(server["username"].as_str()?.to_owned())).collect()
}

fn belongs_to(holder: &Value, user: &str) -> Result<()> {
    let users = turn_users(holder);
    ensure!(!users.is_empty() && users.iter().all(|name| name.ends_with(user)), "expected TURN for {user}: {holder}");
    Ok(())
}

async fn credentials_are_the_receivers(server: Server) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let open = reply(server.request("GET", "/call-config.json")).await?.expect(200)?;
    ensure!(open["iceServers"].is_array() && turn_users(&open).is_empty(), "TURN without a token: {open}");
    belongs_to(&server.get("/call-config.json", &alice).await?.expect(200)?, &alice.user_id)?;
    let fresh = server.get("/api/ice-servers", &bob).await?.expect(200)?;
    belongs_to(&fresh, &bob.user_id)?;
    ensure!(fresh["ttl"].as_u64().is_some_and(|seconds| seconds > 0), "for how long: {fresh}");
    let mut callee = server.connect(&bob).await?;
    let body = json!({"roomId": room, "callType": "voice"});
    let initiated = server.post("/api/calls/initiate", &alice, &body).await?.expect(201)?;
    belongs_to(&initiated, &alice.user_id)?;
    belongs_to(&callee.expect("incoming-call").await?, &bob.user_id)?;
    let call = initiated["callId"].as_str().unwrap_or_default();
    belongs_to(&server.act(&bob, call, "answer").await?.expect(200)?, &bob.user_id)
}

#[tokio::test]
async fn from_the_homeserver() -> Result<()> {
    credentials_are_the_receivers(Server::start("ice_from_the_homeserver").await?).await
}

#[tokio::test]
async fn from_the_settings() -> Result<()> {
    let options = Options::new("ice_from_the_settings").set("TURN_SECRET", "a secret shared with coturn");
    let options = options.set("TURN_URIS", "turn:turn.example.org:3478?transport=udp,turns:turn.example.org:5349");
    credentials_are_the_receivers(options.start().await?).await
}
