//! Ringback as an application service of a Synapse of its own: it follows who comes into rooms and who leaves them, and knows whom
//! people ignore who are not connected.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Homeserver, Login, Options, Server, Socket, Synapse, World, escaped, finish, free_port, reply};
use serde_json::{Value, json};
use tokio::process::Command;

/// A Synapse and a Ringback that know each other.
struct Stage {
    synapse: Synapse,
    server: Server,
    registration: PathBuf,
}

impl Stage {
    async fn new() -> Result<Self> {
        let directory = World::get().new_directory("appservice")?;
        let (registration, port) = (directory.join("registration.yaml"), free_port()?);
        let mut command = Command::new(&World::get().binary);
        command.args(["registration", "--url", &format!("http://127.0.0.1:{port}"), "--out"]).arg(&registration);
        finish("ringback registration", command, Duration::from_secs(20)).await?;
        let known = registration.clone();
        let start = move || {
            let directory = directory.join("synapse");
            Synapse::start_with(&World::get().synapse_python, &directory, free_port()?, &[], &[&known])
        };
        let synapse = tokio::task::spawn_blocking(start).await??;
        let options = Options::new("appservice").on_port(port).set("HOMESERVER_URL", &synapse.homeserver.url);
        let server = options.set("APPSERVICE", registration.display().to_string()).set("GRACE_PERIOD", "60s").start().await?;
        Ok(Self { synapse, server, registration })
    }

    async fn at_homeserver<T: Send + 'static>(&self, work: impl FnOnce(&Homeserver) -> Result<T> + Send + 'static) -> Result<T> {
        let homeserver = self.synapse.homeserver.clone();
        tokio::task::spawn_blocking(move || work(&homeserver)).await?
    }

    async fn users<const N: usize>(&self, names: [&'static str; N]) -> Result<[Login; N]> {
        self.at_homeserver(move |homeserver| {
            let logins: Result<Vec<Login>> = names.iter().map(|name| homeserver.register(name, "secret")).collect();
            logins?.try_into().ok().context("as many logins as names")
        })
        .await
    }

    async fn room(&self, members: &[&Login]) -> Result<String> {
        let members: Vec<Login> = members.iter().copied().cloned().collect();
        self.at_homeserver(move |homeserver| homeserver.create_room(&members[0], &members[1..].iter().collect::<Vec<_>>(), false))
            .await
    }

    async fn ask(&self, method: &'static str, path: String, who: &Login, body: Value) -> Result<Value> {
        let who = who.clone();
        self.at_homeserver(move |homeserver| homeserver.ask(method, &path, Some(&who), Some(&body))).await
    }

    async fn in_room(&self, who: &Login, room: &str, action: &str, body: Value) -> Result<()> {
        self.ask("POST", format!("/_matrix/client/v3/rooms/{}/{action}", escaped(room)), who, body).await.map(drop)
    }

    async fn connected<const N: usize>(&self, logins: [&Login; N]) -> Result<Vec<Socket>> {
        let mut sockets = Vec::new();
        for login in logins {
            sockets.push(self.server.connect(login).await?);
        }
        Ok(sockets)
    }

    /// Somebody whom the callee ignores does not ring, though the callee connects only when the call is under way.
    async fn ignored_by_somebody_who_is_not_there(&self) -> Result<()> {
        let [alice, bob] = self.users(["a-ignored", "b-ignoring"]).await?;
        let room = self.room(&[&alice, &bob]).await?;
        let path = format!("/_matrix/client/v3/user/{}/account_data/m.ignored_user_list", escaped(&bob.user_id));
        self.ask("PUT", path, &bob, json!({"ignored_users": {alice.user_id.as_str(): {}}})).await?;
        let body = json!({"roomId": room, "callType": "voice"});
        let initiated = self.server.post("/api/calls/initiate", &alice, &body).await?.expect(201)?;
        ensure!(initiated["delivery"] == json!({"live": 0, "pending": 1, "devices": 0}), "{initiated}");
        let mut callee = self.server.connect(&bob).await?;
        callee.hears(&[]).await?;
        let active = self.server.get("/api/calls/active", &bob).await?.expect(200)?;
        ensure!(active["calls"] == json!([]), "{active}");
        let call = initiated["callId"].as_str().context("no callId")?;
        self.server.act(&alice, call, "end").await?.expect(200)?;
        callee.hears(&[]).await.map(drop)
    }

    async fn who_leaves_the_room_stops_ringing(&self) -> Result<()> {
        let [alice, bob, carol] = self.users(["a-left", "b-leaving", "c-staying"]).await?;
        let room = self.room(&[&alice, &bob, &carol]).await?;
        let mut sockets = self.connected([&alice, &bob, &carol]).await?;
        let call = self.server.initiate(&alice, &room).await?;
        for socket in &mut sockets[1..] {
            socket.hears(&["incoming-call"]).await?;
        }
        self.in_room(&bob, &room, "leave", json!({})).await?;
        sockets[1].hears(&["call-ended"]).await.context("who has left the room")?;
        sockets[2].hears(&[]).await.context("who has not")?;
        self.server.act(&carol, &call, "answer").await?.expect(200)?;
        sockets[0].hears(&["call-answered", "user-joined"]).await?;
        let reply = self.server.act(&bob, &call, "join").await?;
        ensure!([403, 409].contains(&reply.status), "who has left the room may not come in: {} {}", reply.status, reply.body);
        self.server.act(&alice, &call, "end").await?.expect(200)?;
        sockets[1].hears(&[]).await.map(drop)
    }

    async fn who_leaves_the_room_is_out_of_the_call(&self) -> Result<()> {
        let [alice, bob, carol] = self.users(["a-talking", "b-talking", "c-talking"]).await?;
        let room = self.room(&[&alice, &bob, &carol]).await?;
        let mut sockets = self.connected([&alice, &bob, &carol]).await?;
        let call = self.server.initiate(&alice, &room).await?;
        for (who, socket) in [&bob, &carol].into_iter().zip(&mut sockets[1..]) {
            socket.hears(&["incoming-call"]).await?;
            self.server.act(who, &call, "answer").await?.expect(200)?;
            socket.done(json!({"type": "join-call", "callId": call})).await?;
        }
        sockets[0].hears(&["call-answered", "user-joined", "call-answered", "user-joined"]).await?;
        sockets[1].hears(&["user-joined"]).await?;
        self.in_room(&alice, &room, "kick", json!({"user_id": bob.user_id})).await?;
        for index in [0, 2] {
            let left = sockets[index].hears(&["user-left"]).await?;
            ensure!(left[0]["userId"] == bob.user_id.as_str(), "{left:?}");
        }
        let signal = json!({"type": "ice-candidate", "callId": call, "candidate": {"candidate": "x"}});
        let ack = sockets[1].ask(signal.clone()).await?;
        ensure!(ack["ok"] == false && ack["errcode"] == "M_FORBIDDEN", "who was put out still talks: {ack}");
        sockets[0].done(signal).await?;
        sockets[2].hears(&["ice-candidate"]).await?;
        ensure!(!sockets[1].has_got("ice-candidate").await?, "who was put out still listens");
        let reply = self.server.act(&bob, &call, "join").await?;
        ensure!([403, 409].contains(&reply.status), "who was put out is back: {} {}", reply.status, reply.body);
        Ok(())
    }

    async fn the_last_two(&self) -> Result<()> {
        let [alice, bob] = self.users(["a-two", "b-two"]).await?;
        let room = self.room(&[&alice, &bob]).await?;
        let mut sockets = self.connected([&alice, &bob]).await?;
        let call = self.server.initiate(&alice, &room).await?;
        self.server.act(&bob, &call, "answer").await?.expect(200)?;
        sockets[0].hears(&["call-answered", "user-joined"]).await?;
        self.in_room(&bob, &room, "leave", json!({})).await?;
        sockets[0].hears(&["user-left", "call-ended"]).await?;
        ensure!(self.server.status(&alice, &call).await? == "ended");
        Ok(())
    }

    async fn who_comes_into_the_room_is_rung(&self) -> Result<()> {
        let [alice, bob, carol] = self.users(["a-waiting", "b-waiting", "c-coming"]).await?;
        let room = self.room(&[&alice, &bob]).await?;
        let mut sockets = self.connected([&alice, &bob, &carol]).await?;
        let body = json!({"roomId": room, "callType": "voice", "ringTimeoutMs": 30_000});
        let initiated = self.server.post("/api/calls/initiate", &alice, &body).await?.expect(201)?;
        sockets[1].hears(&["incoming-call"]).await?;
        self.in_room(&alice, &room, "invite", json!({"user_id": carol.user_id})).await?;
        sockets[2].hears(&[]).await.context("an invitation is no membership")?;
        self.in_room(&carol, &room, "join", json!({})).await?;
        let ringing = sockets[2].hears(&["incoming-call"]).await?;
        ensure!(ringing[0]["callId"] == initiated["callId"], "{ringing:?}");
        ensure!(ringing[0]["expiresAt"] == initiated["expiresAt"], "for the time that is left: {ringing:?} {initiated}");
        let call = initiated["callId"].as_str().context("no callId")?;
        self.server.act(&carol, call, "answer").await?.expect(200)?;
        sockets[0].hears(&["call-answered", "user-joined"]).await?;
        sockets[1].hears(&[]).await.context("others ring on, and do not ring twice").map(drop)
    }

    /// Only the homeserver may say who comes and goes.
    async fn nobody_else_says_who_leaves(&self) -> Result<()> {
        let [alice, bob] = self.users(["a-forged", "b-forged"]).await?;
        let room = self.room(&[&alice, &bob]).await?;
        let mut callee = self.server.connect(&bob).await?;
        self.server.initiate(&alice, &room).await?;
        callee.hears(&["incoming-call"]).await?;
        let left =
            json!({"type": "m.room.member", "room_id": room, "state_key": bob.user_id, "content": {"membership": "leave"}});
        let put = || self.server.request("PUT", "/_matrix/app/v1/transactions/forged").json(&json!({"events": [left]}));
        reply(put()).await?.expect_refusal(401, "M_MISSING_TOKEN")?;
        let yaml = std::fs::read_to_string(&self.registration)?;
        let as_token = yaml.lines().find_map(|line| line.strip_prefix("as_token: ")).context("no as_token")?;
        for wrong in ["wrong", alice.token.as_str(), as_token.trim_matches('"')] {
            reply(put().bearer_auth(wrong)).await?.expect_refusal(403, "M_FORBIDDEN")?;
        }
        callee.hears(&[]).await.context("it rings on")?;
        let hs_token = yaml.lines().find_map(|line| line.strip_prefix("hs_token: ")).context("no hs_token")?;
        reply(put().bearer_auth(hs_token.trim_matches('"'))).await?.expect(200)?;
        callee.hears(&["call-ended"]).await?;
        reply(put().bearer_auth(hs_token.trim_matches('"'))).await?.expect(200).context("once more")?;
        callee.hears(&[]).await.map(drop)
    }
}

/// One Synapse, several stories: it takes seconds to start.
#[tokio::test]
async fn the_rules_that_need_its_rights() -> Result<()> {
    let stage = Stage::new().await?;
    let told = tokio::join!(
        stage.ignored_by_somebody_who_is_not_there(),
        stage.who_leaves_the_room_stops_ringing(),
        stage.who_leaves_the_room_is_out_of_the_call(),
        stage.the_last_two(),
        stage.who_comes_into_the_room_is_rung(),
        stage.nobody_else_says_who_leaves(),
    );
    let stories = [
        ("somebody who is ignored", told.0),
        ("a member who leaves while it rings", told.1),
        ("a member who is put out of the room", told.2),
        ("a member who leaves a call between two", told.3),
        ("a member who comes while it rings", told.4),
        ("a forged transaction", told.5),
    ];
    let failed: Vec<String> =
        stories.into_iter().filter_map(|(story, end)| end.err().map(|error| format!("{story}: {error:#}"))).collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}
