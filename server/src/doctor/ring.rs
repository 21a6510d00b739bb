//! A call between two accounts, in a room made for it, taken back as soon as it has rung.

use std::time::Duration;

use anyhow::{Context as _, bail};
use call::ids::{AccessToken, UserId};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::{
    Doctor,
    account::Account,
    net::{at, base},
    report::Check,
};

/// How long a ring may take to arrive before nobody waits any more.
const RING_WITHIN: Duration = Duration::from_secs(10);
/// Making a room is work for a homeserver, and not what is measured.
const ROOM_WITHIN: Duration = Duration::from_secs(30);
/// A ring that takes longer is worth a word.
const SLOW: Duration = Duration::from_secs(2);

/// Two users, and where their homeserver is.
struct Stage<'a> {
    homeserver: &'a Url,
    caller: &'a Account,
    target: Account,
}

impl Doctor {
    /// Lets the one call the other. With one account alone the socket is registered, and that is all.
    pub async fn ring(&self, backend: &Url, homeserver: Option<&Url>, caller: &Account, other: Option<&AccessToken>) {
        let (Some(other), Some(homeserver)) = (other, homeserver) else {
            let why = match self.registered(backend, &caller.token).await {
                Ok(took) => format!(
                    "the socket registers in {} ms; a call takes a second account: give --ring-token-file",
                    took.as_millis()
                ),
                Err(why) => {
                    let remedy = "see Ringback's log; what a WebSocket says is not passed on as it is, or Ringback asks another homeserver";
                    return self.notes.fail(Check::Ring, base(backend), format!("the socket does not register: {why}"), remedy);
                }
            };
            return self.notes.skip(Check::Ring, base(backend), why);
        };
        let Some(target) = self.account(homeserver, other).await else {
            return self.notes.skip(Check::Ring, base(backend), "the second token is not known");
        };
        if target.user == caller.user {
            return self.notes.skip(
                Check::Ring,
                backend,
                "both tokens are of one user, and nobody calls themselves: give another's",
            );
        }
        let stage = Stage { homeserver, caller, target };
        match self.in_a_room(&stage, backend).await {
            Ok(Rung { after, rings_for }) if after < SLOW => {
                let saw = format!(
                    "rang {} in {} ms, for {} s, and stopped when it was taken back",
                    stage.target.user,
                    after.as_millis(),
                    rings_for.as_secs()
                );
                self.notes.ok(Check::Ring, base(backend), saw);
            }
            Ok(Rung { after, .. }) => {
                let remedy = "see what is slow: the homeserver (`ringback_homeserver_requests_total`), or the database's disk";
                self.notes.warn(Check::Ring, base(backend), format!("it rang after {:.1} s", after.as_secs_f32()), remedy);
            }
            Err(why) => {
                let remedy = "see Ringback's log for this call (`notified … on device …`), and `ringback doctor --why CALL_ID --for USER` there";
                self.notes.fail(Check::Ring, base(backend), format!("{why:#}"), remedy);
            }
        }
    }

    async fn registered(&self, backend: &Url, token: &AccessToken) -> Result<Duration, String> {
        let started = Instant::now();
        let mut socket = self.socket(backend, "/ws").await.map_err(|no| no.to_string())?;
        socket.register(token).await?;
        Ok(started.elapsed())
    }

    /// Makes a room of the two, rings in it, and takes it away again, whatever came of it.
    async fn in_a_room(&self, stage: &Stage<'_>, backend: &Url) -> anyhow::Result<Rung> {
        let (caller, target) = (stage.caller, &stage.target);
        let invitee: &UserId = &target.user;
        let room = json!({"preset": "private_chat", "is_direct": true, "name": "Ringback doctor", "invite": [invitee]});
        let made = self.matrix(stage, caller, "createRoom", room).await?;
        let room = made["room_id"].as_str().context("the homeserver made no room")?.to_owned();
        let rung = async {
            self.matrix(stage, target, &format!("join/{}", escaped(&room)), json!({})).await?;
            self.in_room(stage, backend, &room).await
        };
        let rung = rung.await;
        for who in [target, caller] {
            for verb in ["leave", "forget"] {
                // What cannot be tidied up does no harm.
                let _ = self.matrix(stage, who, &format!("rooms/{}/{verb}", escaped(&room)), json!({})).await;
            }
        }
        rung
    }

    async fn in_room(&self, stage: &Stage<'_>, backend: &Url, room: &str) -> anyhow::Result<Rung> {
        let (caller, target) = (stage.caller, &stage.target);
        let no = |what: &str| {
            let what = what.to_owned();
            move |why: String| anyhow::anyhow!("{what}: {why}")
        };
        let mut phone = self.socket(backend, "/ws").await.map_err(|why| anyhow::anyhow!("the callee has no socket: {why}"))?;
        phone.register(&target.token).await.map_err(no("the callee's socket does not register"))?;
        let started = Instant::now();
        let body = json!({"roomId": room, "callType": "voice", "invitees": [target.user]});
        let answer = self.ask_as(&caller.token, Method::POST, &at(backend, "/api/calls/initiate"), Some(body)).await;
        let answer = answer.map_err(|trouble| anyhow::anyhow!("the call cannot be started: {trouble}"))?;
        if answer.status != 201 {
            bail!("the call is refused: {}", answer.gist());
        }
        let call = answer.json().and_then(|body| body["callId"].as_str().map(str::to_owned)).context("the call has no id")?;
        let heard = phone.event("incoming-call", started + RING_WITHIN).await;
        let after = started.elapsed();
        let end = at(backend, &format!("/api/calls/{call}/end"));
        let ended = self.ask_as(&caller.token, Method::POST, &end, Some(json!({}))).await;
        let ring = heard.map_err(no(&format!("call {call} did not ring on a connected device")))?;
        let ended = ended.map_err(|trouble| anyhow::anyhow!("call {call} cannot be taken back: {trouble}"))?;
        anyhow::ensure!(ended.status == 200, "call {call} cannot be taken back: {}", ended.gist());
        phone
            .event("call-ended", Instant::now() + RING_WITHIN)
            .await
            .map_err(no(&format!("call {call} rings on, though it was taken back")))?;
        let time = |key: &str| {
            ring[key].as_str().and_then(|text| text.parse::<Timestamp>().ok()).with_context(|| format!("a ring without {key}"))
        };
        let rings_for = time("expiresAt")?.duration_since(time("createdAt")?);
        Ok(Rung { after, rings_for: rings_for.try_into().context("the ring ends before it begins")? })
    }

    async fn matrix(&self, stage: &Stage<'_>, who: &Account, path: &str, body: Value) -> anyhow::Result<Value> {
        let url = at(stage.homeserver, &format!("/_matrix/client/v3/{path}"));
        let answer = self.ask_as_within(ROOM_WITHIN, &who.token, Method::POST, &url, Some(body)).await;
        let answer = answer.map_err(|trouble| anyhow::anyhow!("no room can be made for the call: {trouble}"))?;
        anyhow::ensure!(answer.status.is_success(), "no room can be made for the call: {}", answer.gist());
        Ok(answer.json().unwrap_or_default())
    }
}

/// A call that has rung.
struct Rung {
    /// How long after it was started.
    after: Duration,
    /// For how long it would have.
    rings_for: Duration,
}

fn escaped(room: &str) -> String {
    url::form_urlencoded::byte_serialize(room.as_bytes()).collect()
}
