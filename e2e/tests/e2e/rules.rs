//! Who may ring whom: two calls at once, busy people, ignored people, people who call too often, rooms that are too large.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Options, Server, Stub, another_device, at_homeserver, escaped, pair, users};
use serde_json::{Value, json};

/// Both dial: the second is told which call to answer.
#[tokio::test]
async fn both_dial_the_same_room() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("rules_glare").await?;
    let mut alice_rings = server.connect(&alice).await?;
    let mut bob_rings = server.connect(&bob).await?;
    let body = json!({"roomId": room, "callType": "voice"});
    let [one, other] = [&alice, &bob].map(|who| server.post("/api/calls/initiate", who, &body));
    let (one, other) = tokio::try_join!(one, other)?;
    let (won, lost, loser) = if one.status == 201 { (one, other, &bob) } else { (other, one, &alice) };
    let call = won.expect(201)?["callId"].clone();
    let refused = lost.expect_refusal(409, "RINGBACK_CALL_EXISTS")?;
    ensure!(refused["callId"] == call, "{refused}");
    let (caller, callee) =
        if loser.user_id == bob.user_id { (&mut alice_rings, &mut bob_rings) } else { (&mut bob_rings, &mut alice_rings) };
    callee.hears(&["incoming-call"]).await?;
    let call = call.as_str().context("no callId")?;
    server.act(loser, call, "answer").await?.expect(200)?;
    caller.hears(&["call-answered", "user-joined"]).await?;
    server.post("/api/calls/initiate", loser, &body).await?.expect_refusal(409, "RINGBACK_CALL_EXISTS")?;
    callee.hears(&[]).await.map(drop)
}

#[tokio::test]
async fn somebody_in_another_call_is_rung_all_the_same() -> Result<()> {
    let [alice, bob, carol] = users(["alice", "bob", "carol"]).await?;
    let with_alice = ringback_e2e::room(&[&alice, &bob]).await?;
    let with_carol = ringback_e2e::room(&[&carol, &bob]).await?;
    let server = Server::start("rules_busy").await?;
    let mut callee = server.connect(&bob).await?;
    let mut second_caller = server.connect(&carol).await?;
    let first = server.initiate(&alice, &with_alice).await?;
    let ringing = callee.hears(&["incoming-call"]).await?;
    ensure!(ringing[0]["busy"] != true, "{ringing:?}");
    server.act(&bob, &first, "answer").await?.expect(200)?;
    let second = server.initiate(&carol, &with_carol).await?;
    let ringing = callee.hears(&["incoming-call"]).await?;
    ensure!(ringing[0]["busy"] == true && ringing[0]["callId"] == second.as_str(), "{ringing:?}");
    let busy = second_caller.hears(&["callee-busy"]).await?;
    ensure!(busy[0]["callId"] == second.as_str() && busy[0]["userId"] == bob.user_id.as_str(), "{busy:?}");
    let tablet = another_device(&bob).await?;
    let late = server.connect(&tablet).await?.hears(&["resync", "incoming-call"]).await?;
    ensure!(late[1]["busy"] == true, "{late:?}");
    let path = format!("/api/calls/{second}/reject");
    server.post(&path, &bob, &json!({"reason": "busy"})).await?.expect(200)?;
    let rejected = second_caller.hears(&["call-rejected", "call-ended"]).await?;
    ensure!(rejected[0]["reason"] == "busy" && rejected[0]["rejectedBy"] == bob.user_id.as_str(), "{rejected:?}");
    ensure!(rejected[1]["reason"] == "rejected", "{rejected:?}");
    ensure!(server.status(&bob, &first).await? == "active", "the first call goes on");
    callee.hears(&[]).await.map(drop)
}

/// A caller is busy from the moment of dialling.
#[tokio::test]
async fn somebody_who_dials_is_busy() -> Result<()> {
    let [alice, bob, carol] = users(["alice", "bob", "carol"]).await?;
    let with_bob = ringback_e2e::room(&[&alice, &bob]).await?;
    let with_carol = ringback_e2e::room(&[&alice, &carol]).await?;
    let server = Server::start("rules_busy_dialling").await?;
    let mut callee = server.connect(&alice).await?;
    let first = server.initiate(&alice, &with_bob).await?;
    server.initiate(&carol, &with_carol).await?;
    let ringing = callee.hears(&["incoming-call"]).await?;
    ensure!(ringing[0]["busy"] == true, "{ringing:?}");
    server.act(&alice, &first, "end").await?.expect(200)?;
    callee.expect("call-ended").await.map(drop)
}

async fn ignore(who: &Login, ignored: &Login) -> Result<()> {
    let who = who.clone();
    let list = json!({"ignored_users": {ignored.user_id.as_str(): {}}});
    let path = format!("/_matrix/client/v3/user/{}/account_data/m.ignored_user_list", escaped(&who.user_id));
    at_homeserver(move |homeserver| homeserver.ask("PUT", &path, Some(&who), Some(&list))).await.map(drop)
}

/// What a caller can see of a callee: the answer to the call, its status, and what comes of it.
async fn as_the_caller_sees_it(server: &Server, alice: &Login, callee: &Login, room: &str) -> Result<Value> {
    let mut caller = server.connect(alice).await?;
    let body = json!({"roomId": room, "callType": "voice", "ringTimeoutMs": 5000});
    let mut initiated = server.post("/api/calls/initiate", alice, &body).await?.expect(201)?;
    let call = initiated["callId"].as_str().context("no callId")?.to_owned();
    let during = rows(server, alice, callee, &call).await?;
    let ended = caller.hears_within(&["call-ended"], Duration::from_secs(8)).await?;
    let after = rows(server, alice, callee, &call).await?;
    for changing in ["callId", "roomId", "expiresAt", "iceServers"] {
        initiated[changing] = Value::Null;
    }
    let end = json!([ended[0]["endedBy"], ended[0]["reason"], server.status(alice, &call).await?]);
    Ok(json!({"initiated": initiated, "during": during, "ended": end, "after": after}))
}

async fn rows(server: &Server, alice: &Login, callee: &Login, call: &str) -> Result<Value> {
    let details = server.get(&format!("/api/calls/{call}/status"), alice).await?.expect(200)?;
    let row =
        details["participants"].as_array().into_iter().flatten().find(|row| row["matrix_user_id"] == callee.user_id.as_str());
    let mut row = row.context("the callee is no participant")?.clone();
    let when = row["left_at"].is_string();
    row["matrix_user_id"] = Value::Null;
    row["left_at"] = json!(when);
    Ok(row)
}

/// The callee is not disturbed, and the caller cannot tell it from a callee who is not there.
#[tokio::test]
async fn an_ignored_caller_rings_nobody() -> Result<()> {
    let [alice, bob, carol, absent] = users(["alice", "bob", "carol", "absent"]).await?;
    let room = ringback_e2e::room(&[&alice, &bob]).await?;
    let empty = ringback_e2e::room(&[&carol, &absent]).await?;
    ignore(&bob, &alice).await?;
    let server = Server::start("rules_ignored").await?;
    let mut callee = server.connect(&bob).await?;
    let (ignored, nobody) = tokio::try_join!(
        as_the_caller_sees_it(&server, &alice, &bob, &room),
        as_the_caller_sees_it(&server, &carol, &absent, &empty)
    )?;
    ensure!(ignored["initiated"]["delivery"] == json!({"live": 0, "pending": 1, "devices": 0}), "{ignored}");
    ensure!(ignored == nobody, "an ignored caller can tell:\n{ignored}\n{nobody}");
    ensure!(ignored["ended"][2] == "missed", "{ignored}");
    callee.hears(&[]).await.context("the callee is told")?;
    let history = server.get("/api/calls/history", &bob).await?.expect(200)?;
    ensure!(history["calls"] == json!([]), "{history}");
    Ok(())
}

#[tokio::test]
async fn an_ignored_caller_is_nowhere_to_be_seen_while_it_rings() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    ignore(&bob, &alice).await?;
    let server = Server::start("rules_ignored_meanwhile").await?;
    let mut callee = server.connect(&bob).await?;
    let call = server.initiate(&alice, &room).await?;
    let active = server.get("/api/calls/active", &bob).await?.expect(200)?;
    ensure!(active["calls"] == json!([]), "{active}");
    let mut tablet = server.connect(&another_device(&bob).await?).await?;
    tablet.hears(&[]).await.context("on a device that connects while it rings")?;
    server.act(&alice, &call, "end").await?.expect(200)?;
    for socket in [&mut callee, &mut tablet] {
        socket.hears(&[]).await?;
    }
    let reply = server.post("/api/calls/initiate", &bob, &json!({"roomId": room, "callType": "voice"})).await?;
    reply.expect(201).context("who ignores may still call").map(drop)
}

#[tokio::test]
async fn so_many_calls_a_minute() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Options::new("rules_rate").set("CALLS_PER_MINUTE", "10").start().await?;
    for _ in 0..5 {
        let call = server.initiate(&alice, &room).await?;
        server.act(&alice, &call, "end").await?.expect(200)?;
    }
    let body = json!({"roomId": room, "callType": "voice"});
    let refused = server.post("/api/calls/initiate", &alice, &body).await?.expect_refusal(429, "M_LIMIT_EXCEEDED")?;
    let wait = refused["retry_after_ms"].as_u64().context("no retry_after_ms")?;
    ensure!((1..=6_000).contains(&wait), "one call each 6 s: {refused}");
    let call = server.initiate(&bob, &room).await.context("another user may call")?;
    server.act(&bob, &call, "end").await?.expect(200)?;
    tokio::time::sleep(Duration::from_millis(wait)).await;
    let call = server.initiate(&alice, &room).await.context("after the wait")?;
    for _ in 0..20 {
        server.act(&alice, &call, "end").await?.expect(200).context("hanging up is never limited")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_room_that_is_too_large_to_be_rung_as_a_whole() -> Result<()> {
    let me = Login { user_id: "@me:localhost".into(), device_id: "D".into(), token: "token".into() };
    for (members, status) in [(100, 201), (101, 400)] {
        let stub = Stub::homeserver(&me.user_id, members).await?;
        let server = Options::new("rules_large_room").set("HOMESERVER_URL", &stub.url).start().await?;
        let mut body = json!({"roomId": "!large:localhost", "callType": "voice"});
        let reply = server.post("/api/calls/initiate", &me, &body).await?;
        ensure!(reply.status == status, "{members} members: {} {}", reply.status, reply.body);
        if status == 201 {
            ensure!(reply.body["delivery"]["pending"] == members - 1, "{}", reply.body);
            continue;
        }
        let refused = reply.expect_refusal(400, "M_INVALID_PARAM")?;
        ensure!(refused["error"].as_str().is_some_and(|text| text.contains("invitees")), "{refused}");
        body["invitees"] = json!(["@member-1:localhost", "@member-2:localhost"]);
        let initiated = server.post("/api/calls/initiate", &me, &body).await?.expect(201)?;
        ensure!(initiated["delivery"]["pending"] == 2, "{initiated}");
        body["invitees"] = (0..=100).map(|n| format!("@member-{n}:localhost")).collect();
        server.post("/api/calls/initiate", &me, &body).await?.expect_refusal(400, "M_INVALID_PARAM")?;
    }
    Ok(())
}
