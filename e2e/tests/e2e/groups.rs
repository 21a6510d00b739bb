//! Calls of three and more.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Login, Server, Socket, another_device, users};
use serde_json::{Value, json};

/// A room of some, each with a connection; the first calls.
struct Stage<const N: usize> {
    server: Server,
    logins: [Login; N],
    sockets: Vec<Socket>,
    room: String,
}

impl<const N: usize> Stage<N> {
    async fn new(name: &'static str, names: [&'static str; N]) -> Result<Self> {
        let logins = users(names).await?;
        let room = ringback_e2e::room(&logins.iter().collect::<Vec<_>>()).await?;
        let server = Server::start(name).await?;
        let mut sockets = Vec::new();
        for login in &logins {
            sockets.push(server.connect(login).await?);
        }
        Ok(Self { server, logins, sockets, room })
    }

    /// The first calls, and all others ring.
    async fn ring(&mut self) -> Result<String> {
        let body = json!({"roomId": self.room, "callType": "voice", "ringTimeoutMs": 5000});
        let initiated = self.server.post("/api/calls/initiate", &self.logins[0], &body).await?.expect(201)?;
        let others = N - 1;
        ensure!(initiated["delivery"] == json!({"live": others, "pending": 0, "devices": others}), "{initiated}");
        for socket in &mut self.sockets[1..] {
            socket.hears(&["incoming-call"]).await?;
        }
        initiated["callId"].as_str().context("no callId").map(str::to_owned)
    }

    /// One answers, and those who are in the call hear of it.
    async fn answer(&mut self, call: &str, who: usize, before: &[usize]) -> Result<()> {
        self.server.act(&self.logins[who], call, "answer").await?.expect(200)?;
        self.sockets[who].done(json!({"type": "join-call", "callId": call})).await?;
        for &index in before {
            let names: &[&str] = if index == 0 { &["call-answered", "user-joined"] } else { &["user-joined"] };
            let heard = self.sockets[index].hears(names).await?;
            let joined = heard.last().context("it heard something")?;
            ensure!(joined["userId"] == self.logins[who].user_id.as_str(), "{joined}");
        }
        Ok(())
    }

    async fn all_hear(&mut self, who: &[usize], event: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for &index in who {
            let heard = self.sockets[index].hears(&[event]).await;
            all.extend(heard.with_context(|| format!("on the socket of {}", self.logins[index].user_id))?);
        }
        Ok(all)
    }

    async fn none_hear(&mut self, who: &[usize]) -> Result<()> {
        for &index in who {
            let heard = self.sockets[index].hears(&[]).await;
            heard.with_context(|| format!("on the socket of {}", self.logins[index].user_id))?;
        }
        Ok(())
    }

    async fn status_of(&self, call: &str, who: usize) -> Result<Value> {
        let details = self.server.get(&format!("/api/calls/{call}/status"), &self.logins[0]).await?.expect(200)?;
        let rows = details["participants"].as_array().cloned().unwrap_or_default();
        let row = rows.into_iter().find(|row| row["matrix_user_id"] == self.logins[who].user_id.as_str());
        Ok(row.map(|row| row["status"].clone()).unwrap_or_default())
    }

    async fn status_is(&self, call: &str, status: &str) -> Result<()> {
        let is = self.server.status(&self.logins[0], call).await?;
        ensure!(is == status, "the call should be {status}, and is {is}");
        Ok(())
    }
}

#[tokio::test]
async fn a_reject_takes_out_the_rejecter_alone() -> Result<()> {
    let mut stage = Stage::new("groups_reject", ["alice", "bob", "carol"]).await?;
    let call = stage.ring().await?;
    let reply = stage.server.act(&stage.logins[1], &call, "reject").await?.expect(200)?;
    ensure!(reply["status"] == "ringing", "{reply}");
    let heard = stage.all_hear(&[0], "call-rejected").await?;
    ensure!(heard[0]["rejectedBy"] == stage.logins[1].user_id.as_str(), "{heard:?}");
    stage.none_hear(&[1, 2]).await?;
    stage.answer(&call, 2, &[0]).await?;
    stage.status_is(&call, "active").await?;
    ensure!(stage.status_of(&call, 1).await? == "rejected");
    stage.none_hear(&[1]).await
}

#[tokio::test]
async fn whoever_has_not_answered_rings_on_until_the_timeout_and_may_join_late() -> Result<()> {
    let mut stage = Stage::new("groups_timeout", ["alice", "bob", "carol", "dave"]).await?;
    let call = stage.ring().await?;
    stage.answer(&call, 1, &[0]).await?;
    stage.none_hear(&[2, 3]).await?;
    for index in [2, 3] {
        let heard = stage.sockets[index].hears_within(&["call-ended"], Duration::from_secs(8)).await?;
        ensure!(heard[0]["reason"] == "timeout" && heard[0]["endedBy"] == "system", "{heard:?}");
    }
    stage.none_hear(&[0, 1]).await.context("those who talk do not hear of the timeout")?;
    stage.status_is(&call, "active").await?;
    ensure!(stage.status_of(&call, 2).await? == "missed" && stage.status_of(&call, 3).await? == "missed");
    stage.server.act(&stage.logins[2], &call, "join").await?.expect(200)?;
    let joined = stage.all_hear(&[0, 1], "user-joined").await?;
    ensure!(joined.iter().all(|event| event["userId"] == stage.logins[2].user_id.as_str()), "{joined:?}");
    stage.server.act(&stage.logins[0], &call, "end").await?.expect(200)?;
    stage.all_hear(&[1, 2], "user-left").await?;
    stage.none_hear(&[3]).await
}

#[tokio::test]
async fn only_invitees_ring_and_other_members_may_join() -> Result<()> {
    let mut stage = Stage::new("groups_invitees", ["alice", "bob", "carol", "dave"]).await?;
    let [alice, bob, carol, dave] = stage.logins.clone();
    let body = json!({"roomId": stage.room, "callType": "video", "invitees": [bob.user_id, carol.user_id]});
    let initiated = stage.server.post("/api/calls/initiate", &alice, &body).await?.expect(201)?;
    let call = initiated["callId"].as_str().context("no callId")?.to_owned();
    ensure!(initiated["delivery"] == json!({"live": 2, "pending": 0, "devices": 2}), "{initiated}");
    stage.all_hear(&[1, 2], "incoming-call").await?;
    stage.none_hear(&[3]).await?;
    for action in ["answer", "reject", "end"] {
        stage.server.act(&dave, &call, action).await?.expect_refusal(403, "M_FORBIDDEN").context(action)?;
    }
    stage.server.act(&dave, &call, "join").await?.expect_refusal(409, "RINGBACK_CALL_STATE").context("before an answer")?;
    stage.answer(&call, 1, &[0]).await?;
    stage.server.act(&dave, &call, "join").await?.expect(200)?;
    stage.all_hear(&[0, 1], "user-joined").await?;
    stage.none_hear(&[2]).await
}

#[tokio::test]
async fn one_more_is_invited_into_a_running_call() -> Result<()> {
    let mut stage = Stage::new("groups_invite", ["alice", "bob", "carol", "dave"]).await?;
    let [alice, bob, carol, dave] = stage.logins.clone();
    let [stranger] = users(["stranger"]).await?;
    let call =
        stage.server.initiate_with(&alice, json!({"roomId": stage.room, "callType": "voice", "invitees": [bob.user_id]})).await?;
    stage.all_hear(&[1], "incoming-call").await?;
    let path = format!("/api/calls/{call}/invite");
    let invite = |who: &Login| json!({"userIds": [who.user_id]});
    stage.server.post(&path, &alice, &invite(&carol)).await?.expect_refusal(409, "RINGBACK_CALL_STATE").context("too early")?;
    stage.answer(&call, 1, &[0]).await?;
    stage.server.post(&path, &dave, &invite(&carol)).await?.expect_refusal(403, "M_FORBIDDEN").context("not in the call")?;
    stage
        .server
        .post(&path, &bob, &invite(&stranger))
        .await?
        .expect_refusal(400, "M_INVALID_PARAM")
        .context("not in the room")?;
    stage.server.post(&path, &bob, &json!({"userIds": []})).await?.expect_refusal(400, "M_INVALID_PARAM").context("nobody")?;
    let invited = stage.server.post(&path, &bob, &invite(&carol)).await?.expect(200)?;
    ensure!(invited["delivery"] == json!({"live": 1, "pending": 0, "devices": 1}), "{invited}");
    let heard = stage.all_hear(&[2], "incoming-call").await?;
    ensure!(heard[0]["callId"] == call.as_str() && heard[0]["initiatorId"] == alice.user_id.as_str(), "{heard:?}");
    stage.server.post(&path, &alice, &invite(&carol)).await?.expect(200).context("once more")?;
    stage.none_hear(&[2]).await.context("who rings already does not ring twice")?;
    stage.answer(&call, 2, &[0, 1]).await?;
    stage.server.act(&bob, &call, "end").await?.expect(200)?;
    stage.all_hear(&[0, 2], "user-left").await?;
    stage.status_is(&call, "active").await.context("with a third it is a group, and goes on")?;
    stage.none_hear(&[3]).await
}

#[tokio::test]
async fn end_takes_one_out_and_the_caller_ends_for_all() -> Result<()> {
    let mut stage = Stage::new("groups_end", ["alice", "bob", "carol", "dave"]).await?;
    let call = stage.ring().await?;
    stage.answer(&call, 1, &[0]).await?;
    stage.answer(&call, 2, &[0, 1]).await?;
    let reply = stage.server.act(&stage.logins[1], &call, "end").await?.expect(200)?;
    ensure!(reply["status"] == "active", "{reply}");
    let left = stage.all_hear(&[0, 2], "user-left").await?;
    ensure!(left.iter().all(|event| event["userId"] == stage.logins[1].user_id.as_str()), "{left:?}");
    stage.none_hear(&[1, 3]).await?;
    let for_all = json!({"forAll": true});
    let path = format!("/api/calls/{call}/end");
    for index in [1, 2, 3] {
        let reply = stage.server.post(&path, &stage.logins[index], &for_all).await?;
        reply.expect_refusal(403, "M_FORBIDDEN").with_context(|| stage.logins[index].user_id.clone())?;
    }
    let reply = stage.server.post(&path, &stage.logins[0], &for_all).await?.expect(200)?;
    ensure!(reply["status"] == "ended", "{reply}");
    let ended = stage.all_hear(&[0, 2, 3], "call-ended").await?;
    ensure!(ended.iter().all(|event| event["reason"] == "hangup"), "{ended:?}");
    stage.none_hear(&[1]).await
}

#[tokio::test]
async fn everyone_rejects() -> Result<()> {
    let mut stage = Stage::new("groups_all_reject", ["alice", "bob", "carol"]).await?;
    let call = stage.ring().await?;
    stage.server.act(&stage.logins[1], &call, "reject").await?.expect(200)?;
    let reply = stage.server.act(&stage.logins[2], &call, "reject").await?.expect(200)?;
    ensure!(reply["status"] == "rejected", "{reply}");
    let heard = stage.sockets[0].hears(&["call-rejected", "call-rejected", "call-ended"]).await?;
    ensure!(heard[2]["reason"] == "rejected" && heard[2]["endedBy"] == stage.logins[2].user_id.as_str(), "{heard:?}");
    stage.none_hear(&[1, 2]).await
}

#[tokio::test]
async fn the_last_one_out_ends_it() -> Result<()> {
    let mut stage = Stage::new("groups_last", ["alice", "bob", "carol"]).await?;
    let call = stage.ring().await?;
    stage.answer(&call, 1, &[0]).await?;
    stage.answer(&call, 2, &[0, 1]).await?;
    stage.server.act(&stage.logins[0], &call, "leave").await?.expect(200)?;
    stage.all_hear(&[1, 2], "user-left").await?;
    stage.sockets[1].done(json!({"type": "leave-call", "callId": call})).await?;
    stage.all_hear(&[2], "user-left").await?;
    stage.status_is(&call, "active").await.context("one is left")?;
    stage.server.act(&stage.logins[2], &call, "leave").await?.expect(200)?;
    stage.status_is(&call, "ended").await
}

/// A mesh: each pair negotiates for itself.
#[tokio::test]
async fn signals_reach_whom_they_name() -> Result<()> {
    let mut stage = Stage::new("groups_mesh", ["alice", "bob", "carol"]).await?;
    let call = stage.ring().await?;
    stage.answer(&call, 1, &[0]).await?;
    stage.answer(&call, 2, &[0, 1]).await?;
    let [alice, bob, _] = stage.logins.clone();
    let tablet = another_device(&bob).await?;
    let mut second = stage.server.connect(&tablet).await?;
    second.hears(&["resync"]).await?;
    second.done(json!({"type": "join-call", "callId": call})).await?;
    stage.all_hear(&[0, 1, 2], "user-joined").await?;
    let mut offer = json!({"type": "webrtc-offer", "callId": call, "offer": {"type": "offer", "sdp": "v=0"}});
    stage.sockets[0].done(offer.clone()).await.context("to all")?;
    stage.all_hear(&[1, 2], "webrtc-offer").await?;
    second.hears(&["webrtc-offer"]).await?;
    offer["targetUserId"] = json!(bob.user_id);
    stage.sockets[0].done(offer.clone()).await.context("to Bob")?;
    let heard = stage.all_hear(&[1], "webrtc-offer").await?;
    ensure!(heard[0]["fromUserId"] == alice.user_id.as_str() && heard[0]["targetUserId"] == bob.user_id.as_str(), "{heard:?}");
    second.hears(&["webrtc-offer"]).await?;
    offer["targetDeviceId"] = json!(tablet.device_id);
    stage.sockets[0].done(offer.clone()).await.context("to Bob's tablet")?;
    second.hears(&["webrtc-offer"]).await?;
    stage.none_hear(&[0, 1, 2]).await?;
    stage.sockets[2].done(offer.clone()).await.context("from Carol to the tablet")?;
    second.hears(&["webrtc-offer"]).await?;
    offer["targetUserId"] = json!("@nobody:localhost");
    let ack = stage.sockets[0].ask(offer).await?;
    ensure!(ack["ok"] == false && ack["errcode"] == "M_FORBIDDEN", "{ack}");
    stage.none_hear(&[0, 1, 2]).await
}

/// A signal to a device that is not in the call must not hold up those for the others of its user.
#[tokio::test]
async fn a_signal_to_a_device_that_has_gone_holds_nothing_up() -> Result<()> {
    let mut stage = Stage::new("groups_gone_device", ["alice", "bob", "carol"]).await?;
    let call = stage.ring().await?;
    stage.answer(&call, 1, &[0]).await?;
    let bob = stage.logins[1].clone();
    let signal = |text: &str| {
        json!({"type": "ice-candidate", "callId": call, "candidate": {"candidate": text},
        "targetUserId": bob.user_id})
    };
    let mut lost = signal("lost");
    lost["targetDeviceId"] = json!("GONE");
    // Refused, or swallowed: either will do.
    stage.sockets[0].ask(lost).await?;
    stage.sockets[0].done(signal("next")).await?;
    let heard = stage.all_hear(&[1], "ice-candidate").await?;
    ensure!(heard[0]["candidate"]["candidate"] == "next", "{heard:?}");
    Ok(())
}
