//! A user's devices ring together and stop together: whatever one of them does, each of the others is told once.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use ringback_e2e::{Login, Lost, Random, Server, Socket, another_device, pair};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

/// Alice with one device, and Bob with some, all connected.
struct Stage {
    server: Server,
    alice: Login,
    caller: Socket,
    bobs: Vec<Login>,
    callees: Vec<Socket>,
    room: String,
}

impl Stage {
    async fn new(name: &'static str, devices: usize) -> Result<Self> {
        let (alice, bob, room) = pair().await?;
        let server = Server::start(name).await?;
        let mut bobs = try_join_all((1..devices).map(|_| another_device(&bob))).await?;
        bobs.push(bob);
        let caller = server.connect(&alice).await?;
        let callees = try_join_all(bobs.iter().map(|bob| server.connect(bob))).await?;
        Ok(Self { server, alice, caller, bobs, callees, room })
    }

    /// Alice calls, and every device rings.
    async fn ring(&mut self) -> Result<String> {
        let body = json!({"roomId": self.room, "callType": "voice", "ringTimeoutMs": 5000});
        let initiated = self.server.post("/api/calls/initiate", &self.alice, &body).await?.expect(201)?;
        let devices = self.callees.len();
        ensure!(initiated["delivery"] == json!({"live": 1, "pending": 0, "devices": devices}), "{initiated}");
        for callee in &mut self.callees {
            let heard = callee.hears(&["incoming-call"]).await?;
            ensure!(heard[0]["callId"] == initiated["callId"], "{heard:?}");
        }
        initiated["callId"].as_str().context("no callId").map(str::to_owned)
    }

    /// All but one hear of it, once; that one hears nothing.
    async fn only_others_hear(&mut self, but: usize, action: &str) -> Result<()> {
        for (index, callee) in self.callees.iter_mut().enumerate() {
            if index == but {
                callee.hears(&[]).await.context("on the device that did it")?;
                continue;
            }
            let heard = callee.hears(&["call-handled-elsewhere"]).await?;
            ensure!(heard[0]["action"] == action, "{heard:?}");
        }
        Ok(())
    }

    /// Every device hears the end, once.
    async fn all_hear_the_end(&mut self, by: &str, reason: &str, limit: Duration) -> Result<()> {
        for socket in self.callees.iter_mut().chain([&mut self.caller]) {
            ended(&socket.hears_within(&["call-ended"], limit).await?[0], by, reason)?;
        }
        Ok(())
    }
}

fn ended(event: &Value, by: &str, reason: &str) -> Result<()> {
    ensure!(event["endedBy"] == by && event["reason"] == reason, "should be {reason} by {by}: {event}");
    Ok(())
}

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn the_first_to_answer_wins() -> Result<()> {
    let mut stage = Stage::new("devices_answer", 4).await?;
    let call = stage.ring().await?;
    stage.server.act(&stage.bobs[2], &call, "answer").await?.expect(200)?;
    let heard = stage.caller.hears(&["call-answered", "user-joined"]).await?;
    ensure!(heard[0]["answeredBy"] == stage.bobs[2].user_id.as_str(), "{heard:?}");
    ensure!(heard[1]["deviceId"] == stage.bobs[2].device_id.as_str(), "{heard:?}");
    stage.only_others_hear(2, "answered").await?;
    let late = stage.server.act(&stage.bobs[0], &call, "answer").await?;
    late.expect_refusal(409, "RINGBACK_CALL_STATE")?;
    stage.server.act(&stage.bobs[2], &call, "answer").await?.expect(200).context("the winner once more")?;
    stage.server.act(&stage.alice, &call, "end").await?.expect(200)?;
    stage.server.act(&stage.alice, &call, "end").await?.expect(200)?;
    let alice = stage.alice.user_id.clone();
    ended(&stage.caller.hears(&["call-ended"]).await?[0], &alice, "hangup")?;
    ended(&stage.callees[2].hears(&["call-ended"]).await?[0], &alice, "hangup")?;
    for index in [0, 1, 3] {
        stage.callees[index].hears(&[]).await.context("this device stopped at the answer")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_reject_stops_all() -> Result<()> {
    let mut stage = Stage::new("devices_reject", 3).await?;
    let call = stage.ring().await?;
    stage.server.act(&stage.bobs[1], &call, "reject").await?.expect(200)?;
    stage.only_others_hear(1, "rejected").await?;
    let heard = stage.caller.hears(&["call-rejected", "call-ended"]).await?;
    ended(&heard[1], &stage.bobs[1].user_id, "rejected")
}

#[tokio::test]
async fn a_cancel_stops_all() -> Result<()> {
    let mut stage = Stage::new("devices_cancel", 3).await?;
    let call = stage.ring().await?;
    stage.server.act(&stage.alice, &call, "end").await?.expect(200)?;
    let alice = stage.alice.user_id.clone();
    stage.all_hear_the_end(&alice, "cancelled", SOON).await?;
    stage.server.act(&stage.bobs[0], &call, "answer").await?.expect_refusal(409, "RINGBACK_CALL_STATE")?;
    let mut late = stage.server.connect(&stage.bobs[0]).await?;
    late.hears(&[]).await.map(drop)
}

#[tokio::test]
async fn a_timeout_stops_all() -> Result<()> {
    let mut stage = Stage::new("devices_timeout", 3).await?;
    let began = Instant::now();
    stage.ring().await?;
    stage.all_hear_the_end("system", "timeout", Duration::from_secs(8)).await?;
    let rang = began.elapsed().as_secs_f64();
    ensure!((4.9..7.0).contains(&rang), "5 s of ringing took {rang} s");
    Ok(())
}

/// Two windows of one browser: the one that acted says which it is, so that the other stops.
#[tokio::test]
async fn two_connections_of_one_device() -> Result<()> {
    let mut stage = Stage::new("devices_two_connections", 1).await?;
    let mut second = stage.server.connect(&stage.bobs[0]).await?;
    for action in ["answer", "reject"] {
        let call = stage.ring().await?;
        second.hears(&["incoming-call"]).await?;
        let body = json!({"sessionId": stage.callees[0].session()});
        stage.server.post(&format!("/api/calls/{call}/{action}"), &stage.bobs[0], &body).await?.expect(200)?;
        let heard = second.hears(&["call-handled-elsewhere"]).await?;
        ensure!(heard[0]["action"] == format!("{action}ed").as_str(), "{heard:?}");
        stage.callees[0].hears(&[]).await?;
        if action == "reject" {
            continue;
        }
        let candidate = json!({"candidate": {"candidate": "one"}});
        stage.server.post(&format!("/api/calls/{call}/ice-candidate"), &stage.alice, &candidate).await?.expect(200)?;
        stage.callees[0].hears(&["ice-candidate"]).await?;
        stage.server.act(&stage.alice, &call, "end").await?.expect(200)?;
        stage.callees[0].hears(&["call-ended"]).await?;
        second.hears(&[]).await.context("the window that was told to stop")?;
    }
    Ok(())
}

#[tokio::test]
async fn one_that_connects_late_rings_for_the_time_left() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("devices_late").await?;
    let (second, third) = (another_device(&bob).await?, another_device(&bob).await?);
    let mut first = server.connect(&bob).await?;
    let body = json!({"roomId": room, "callType": "voice"});
    let initiated = server.post("/api/calls/initiate", &alice, &body).await?.expect(201)?;
    let call = initiated["callId"].as_str().context("no callId")?;
    first.hears(&["incoming-call"]).await?;
    let mut late = server.connect(&second).await?;
    let heard = late.hears(&["resync", "incoming-call"]).await?;
    ensure!(heard[0]["calls"][0]["callId"] == call && heard[0]["calls"][0]["status"] == "ringing", "{heard:?}");
    ensure!(heard[1]["expiresAt"] == initiated["expiresAt"], "{heard:?} {initiated}");
    server.act(&bob, call, "answer").await?.expect(200)?;
    late.hears(&["call-handled-elsewhere"]).await?;
    let mut afterwards = server.connect(&third).await?;
    let heard = afterwards.hears(&["resync"]).await.context("it may take the call over, but does not ring")?;
    ensure!(heard[0]["calls"][0]["status"] == "active", "{heard:?}");
    server.act(&alice, call, "end").await?.expect(200)?;
    for socket in [&mut first, &mut afterwards] {
        socket.hears(&["call-ended"]).await.context("what knows of the call hears of its end")?;
    }
    late.hears(&[]).await.context("what has stopped does not")?;
    server.connect(&third).await?.hears(&[]).await.context("after the end").map(drop)
}

#[tokio::test]
async fn another_device_takes_the_call_over() -> Result<()> {
    let mut stage = Stage::new("devices_take_over", 2).await?;
    let call = stage.ring().await?;
    let message = |kind: &str| json!({"type": kind, "callId": call});
    stage.server.act(&stage.bobs[0], &call, "answer").await?.expect(200)?;
    stage.caller.hears(&["call-answered", "user-joined"]).await?;
    stage.callees[1].hears(&["call-handled-elsewhere"]).await?;
    stage.callees[0].done(message("join-call")).await?;
    stage.callees[1].done(message("join-call")).await?;
    let came = json!([stage.bobs[1].user_id, stage.bobs[1].device_id]);
    for socket in [&mut stage.caller, &mut stage.callees[0]] {
        let heard = socket.hears(&["user-joined"]).await?;
        ensure!(json!([heard[0]["userId"], heard[0]["deviceId"]]) == came, "{heard:?}");
    }
    stage.callees[0].done(message("leave-call")).await?;
    for socket in [&mut stage.caller, &mut stage.callees[1]] {
        let heard = socket.hears(&["user-left"]).await?;
        ensure!(heard[0]["deviceId"] == stage.bobs[0].device_id.as_str(), "{heard:?}");
    }
    ensure!(stage.server.status(&stage.alice, &call).await? == "active", "the call goes on");
    stage.caller.done(json!({"type": "ice-candidate", "callId": call, "candidate": {"candidate": "new"}})).await?;
    stage.callees[1].hears(&["ice-candidate"]).await?;
    stage.callees[1].done(json!({"type": "ice-candidate", "callId": call, "candidate": {"candidate": "back"}})).await?;
    let heard = stage.caller.hears(&["ice-candidate"]).await?;
    ensure!(heard[0]["fromDeviceId"] == stage.bobs[1].device_id.as_str(), "{heard:?}");
    stage.caller.done(message("call-ended")).await?;
    stage.callees[1].hears(&["call-ended"]).await?;
    stage.callees[0].hears(&[]).await.context("the device that has left").map(drop)
}

const UNSTEADY: usize = 20;
const ROUNDS: usize = 6;

/// What a device whose connection comes and goes has lived through.
#[derive(Default)]
struct Diary {
    /// When it had a connection.
    connected: Vec<(Instant, Instant)>,
    heard: Vec<(Instant, Value)>,
}

/// A call that one of the devices has answered.
struct Answered {
    call: String,
    by: usize,
    at: Instant,
}

/// Loses its connection again and again, and resumes, until the end.
async fn unsteady(server: &Server, who: &Login, mut random: Random, end: watch::Receiver<bool>) -> Result<Diary> {
    let mut diary = Diary::default();
    let mut lost: Option<Lost> = None;
    loop {
        let is_last = *end.borrow();
        let mut socket = match &lost {
            Some(lost) => server.reconnect(who, lost).await?,
            None => server.connect(who).await?,
        };
        ensure!(lost.is_none_or(|lost| lost.session == socket.session()), "{} could not resume", who.device_id);
        let from = Instant::now();
        let until = from + random.millis(100, 1_500);
        while let Some(event) = socket.next_until(until).await? {
            diary.heard.push((Instant::now(), event));
        }
        lost = Some(socket.cut().await?);
        let to = Instant::now();
        diary.connected.push((from, to));
        diary.heard.extend(socket.rest().into_iter().map(|event| (to, event)));
        if is_last {
            return Ok(diary);
        }
        sleep(random.millis(20, 800)).await;
    }
}

/// Alice calls some times, each time some device of Bob's answers.
async fn answered_calls(
    server: &Server,
    alice: &Login,
    bobs: &[Login],
    room: &str,
    random: &mut Random,
) -> Result<Vec<Answered>> {
    let mut answered = Vec::new();
    for _ in 0..ROUNDS {
        sleep(random.millis(200, 800)).await;
        let call = server.initiate(alice, room).await?;
        sleep(random.millis(0, 2_000)).await;
        let by = random.below(bobs.len());
        server.act(&bobs[by], &call, "answer").await?.expect(200)?;
        answered.push(Answered { call: call.clone(), by, at: Instant::now() });
        sleep(random.millis(0, 2_000)).await;
        server.act(alice, &call, "end").await?.expect(200)?;
    }
    Ok(answered)
}

/// It rang once and stopped once, and did not ring for more than a second after the answer while it had a connection.
fn stopped_in_time(diary: &Diary, answered: &Answered, answered_itself: bool) -> Result<()> {
    let about: Vec<&(Instant, Value)> =
        diary.heard.iter().filter(|(_, event)| event["callId"] == answered.call.as_str()).collect();
    let names: Vec<&str> = about.iter().map(|(_, event)| event["type"].as_str().unwrap_or_default()).collect();
    let stop = if answered_itself { "call-ended" } else { "call-handled-elsewhere" };
    ensure!(names == ["incoming-call", stop], "heard {names:?}");
    if answered_itself {
        return Ok(());
    }
    let (rang, stopped) = (about[0].0, about[1].0);
    for (from, to) in &diary.connected {
        let from = *from.max(&answered.at).max(&rang);
        let rings_on = to.min(&stopped).saturating_duration_since(from);
        ensure!(rings_on <= Duration::from_secs(1), "it rang on for {rings_on:?}");
    }
    Ok(())
}

#[tokio::test]
async fn of_twenty_that_lose_their_connections_none_rings_on() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("devices_unsteady").await?;
    let mut random = Random::new()?;
    let mut bobs = try_join_all((1..UNSTEADY).map(|_| another_device(&bob))).await?;
    bobs.push(bob);
    // All are known before the first call, so that none needs a `resync`.
    let (end, ends) = watch::channel(false);
    let devices = try_join_all(bobs.iter().map(|who| unsteady(&server, who, random.fork(), ends.clone())));
    let mut chance = random.clone();
    let calls = async {
        sleep(Duration::from_secs(1)).await;
        let answered = answered_calls(&server, &alice, &bobs, &room, &mut chance).await?;
        end.send(true)?;
        Ok(answered)
    };
    let (diaries, answered) = tokio::try_join!(devices, calls)?;
    for (index, diary) in diaries.iter().enumerate() {
        for (round, call) in answered.iter().enumerate() {
            let done = stopped_in_time(diary, call, call.by == index);
            done.with_context(|| format!("device {index} in round {round}, answered by {}", call.by))?;
        }
        ensure!(diary.connected.len() > ROUNDS, "device {index} was cut {} times only", diary.connected.len());
    }
    Ok(())
}
