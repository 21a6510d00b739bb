//! Brings the connection, the keys, the clock and the screen together, in one loop.
//!
//! Requests run beside the loop, so that the connection's pings are answered meanwhile.

use std::time::Duration;

use anyhow::Context as _;
use call::{
    call::{CallType, Media},
    ids::{CallId, RoomId},
    wire::{Entered, IncomingCall, Initiate, Initiated, ServerEvent, Stands},
};
use client::{Client, Error, Event, Outgoing, Received, Registered};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use crate::clock;

use super::{
    Auto, PhoneArgs,
    book::Book,
    keys::{HELP, Keys, Wish},
    link::{Link, Tiding},
    screen::Screen,
    words,
};

/// How long to wait for calls to be ended when the phone goes.
const GOODBYE_WITHIN: Duration = Duration::from_secs(3);
/// When a deed that the server could not do is tried again.
const DEED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The phone, at work.
pub struct Desk {
    args: PhoneArgs,
    client: Client,
    link: Link,
    keys: Keys,
    screen: Screen,
    book: Book,
    under_way: JoinSet<Outcome>,
    interrupt: Signal,
    terminate: Signal,
    /// How far the server's clock is ahead of ours.
    ahead: SignedDuration,
    done: bool,
}

/// What became of a request.
enum Outcome {
    Initiated(RoomId, Result<Initiated, Error>),
    Answered(CallId, Result<Entered, Error>),
    Rejected(CallId, Result<Stands, Error>),
    Ended(CallId, Result<Stands, Error>),
}

enum Happening {
    Tiding(Tiding),
    Wish(Wish),
    Outcome(Outcome),
    Tick,
}

impl Desk {
    pub fn new(args: PhoneArgs, client: Client, link: Link, keys: Keys, screen: Screen) -> anyhow::Result<Self> {
        Ok(Self {
            args,
            client,
            link,
            keys,
            screen,
            book: Book::default(),
            under_way: JoinSet::new(),
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            ahead: SignedDuration::ZERO,
            done: false,
        })
    }

    /// Works until it is done, then ends what it is in.
    pub async fn run(mut self, registered: Registered) -> anyhow::Result<()> {
        let worked = self.work(registered).await;
        let left = self.leave().await;
        self.link.close().await;
        worked.and(left)
    }

    async fn work(&mut self, registered: Registered) -> anyhow::Result<()> {
        self.came_up(&registered).await?;
        if self.screen.has_present() {
            self.say(HELP, json!({ "noticed": "keys" }))?;
        } else if self.keys.is_lines() && self.args.auto.is_none() {
            self.say(
                &format!("No terminal here: keys are read as lines from standard input ({HELP}; `c ROOM` calls at once)."),
                json!({ "noticed": "input-by-lines" }),
            )?;
        }
        if let Some(room) = self.args.call.clone() {
            self.initiate(room)?;
        }
        while !self.is_done() {
            self.redraw(false)?;
            match self.happening().await? {
                Happening::Tiding(tiding) => self.take_tiding(tiding).await?,
                Happening::Wish(wish) => self.take_wish(wish).await?,
                Happening::Outcome(outcome) => self.take_outcome(outcome).await?,
                Happening::Tick => self.tick()?,
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.done || (self.args.once && self.book.any_over() && self.under_way.is_empty())
    }

    async fn happening(&mut self) -> anyhow::Result<Happening> {
        let now = Instant::now();
        let wake_at = self.book.wake_at(now);
        Ok(tokio::select! {
            _ = self.interrupt.recv() => Happening::Wish(Wish::Quit),
            _ = self.terminate.recv() => Happening::Wish(Wish::Quit),
            wish = self.keys.next() => Happening::Wish(wish),
            tiding = self.link.next() => {
                let lost = || format!("Ringback at {} does not let this phone in any more", self.args.url);
                Happening::Tiding(tiding.with_context(lost)?)
            }
            Some(outcome) = self.under_way.join_next() => Happening::Outcome(outcome?),
            () = sleep_until(wake_at.unwrap_or(now)), if wake_at.is_some() => Happening::Tick,
        })
    }

    async fn take_tiding(&mut self, tiding: Tiding) -> anyhow::Result<()> {
        match tiding {
            Tiding::Up(registered) => self.came_up(&registered).await,
            Tiding::Down { why, again_in } => {
                let sentence = format!("No connection: {why}. Trying again in {:.1} s.", again_in.as_secs_f64());
                let fields = json!({ "noticed": "connection-lost", "why": why, "againInMs": millis(again_in) });
                self.say(&sentence, fields)
            }
            Tiding::Event(received) => self.take_event(*received),
            Tiding::Nonsense(error) => self.say(&error.to_string(), json!({ "noticed": "nonsense", "why": error.to_string() })),
        }
    }

    async fn came_up(&mut self, registered: &Registered) -> anyhow::Result<()> {
        self.ahead = registered.server_time.duration_since(clock::now());
        let Registered { user_id, device_id, session_id, resumed, .. } = registered;
        let how = if *resumed { ", where it was before" } else { "" };
        let sentence = format!("Connected to {} as {user_id} (device {device_id}){how}.", self.args.url);
        let fields = json!({
            "did": "register", "ok": true, "userId": user_id, "deviceId": device_id, "sessionId": session_id, "resumed": resumed,
        });
        self.say(&sentence, fields)?;
        if !resumed {
            self.book.forget_joined();
        }
        for call in self.book.not_joined() {
            self.join(&call).await?;
        }
        Ok(())
    }

    fn take_event(&mut self, received: Received) -> anyhow::Result<()> {
        let sentence = words::event(&received, self.now());
        let message: Value = serde_json::from_str(&received.text)?;
        self.say(&sentence, json!({ "received": received.name(), "message": message }))?;
        let Event::Known(event) = received.event else { return Ok(()) };
        match event {
            ServerEvent::IncomingCall(call) => self.ring(*call)?,
            ServerEvent::CallAnswered { call_id, .. } => {
                if let Some(talk) = self.book.talk_mut(&call_id) {
                    talk.waiting = false;
                }
            }
            ServerEvent::CallHandledElsewhere { call_id, .. } => {
                // What is being done here will tell by its own outcome who was first.
                if self.book.ring(&call_id).is_some_and(|ring| !ring.acting) {
                    self.book.over(&call_id);
                }
            }
            ServerEvent::CallEnded { call_id, .. } => {
                self.book.over(&call_id);
            }
            ServerEvent::Resync { calls } => {
                for call in self.book.resync(&calls) {
                    self.say("A call was over meanwhile.", json!({ "noticed": "call-over", "callId": call }))?;
                }
            }
            ServerEvent::Registered { .. }
            | ServerEvent::CallRejected { .. }
            | ServerEvent::CalleeBusy { .. }
            | ServerEvent::UserJoined { .. }
            | ServerEvent::UserLeft { .. }
            | ServerEvent::WebrtcOffer { .. }
            | ServerEvent::WebrtcAnswer { .. }
            | ServerEvent::IceCandidate { .. }
            | ServerEvent::AudioToggled(_)
            | ServerEvent::VideoToggled(_)
            | ServerEvent::ScreenToggled(_)
            | ServerEvent::ServerShutdown { .. }
            | ServerEvent::CallError(_)
            | ServerEvent::Error(_)
            | ServerEvent::Ack(_) => {}
        }
        Ok(())
    }

    fn ring(&mut self, call: IncomingCall) -> anyhow::Result<()> {
        let act_at = match self.args.auto {
            Some(Auto::Answer | Auto::Reject) => Some(Instant::now() + self.args.after),
            Some(Auto::Ignore) | None => None,
        };
        let news = self.book.rings(call, act_at);
        self.redraw(news)
    }

    async fn take_wish(&mut self, wish: Wish) -> anyhow::Result<()> {
        let ringing = self.book.oldest_ring().map(|call| call.call_id.clone());
        let talking = self.book.latest_talk().map(|(id, talk)| (id.clone(), talk.muted));
        match (wish, ringing, talking) {
            (Wish::Answer, Some(_), Some(_)) | (Wish::Call(_), _, Some(_)) => self.hint("Hang up first (h)."),
            (Wish::Answer, Some(call), None) => {
                self.answer(call);
                Ok(())
            }
            (Wish::Reject, Some(call), _) => {
                self.reject(call);
                Ok(())
            }
            (Wish::Answer | Wish::Reject, None, _) => self.hint("Nothing rings."),
            (Wish::HangUp, _, Some((call, _))) => {
                self.end(call);
                Ok(())
            }
            (Wish::HangUp, Some(_), None) => self.hint("r rejects what rings."),
            (Wish::Mute, _, Some((call, muted))) => self.mute(call, !muted).await,
            (Wish::HangUp | Wish::Mute, _, None) => self.hint("You are in no call."),
            (Wish::Call(room), _, None) => match RoomId::parse(room.trim()) {
                Ok(room) => self.initiate(room),
                Err(error) => self.hint(&format!("`{}` {error}.", room.trim())),
            },
            (Wish::Help, _, _) => self.hint(HELP),
            (Wish::Unknown(what), _, _) => self.hint(&format!("There is no `{what}`: {HELP}")),
            (Wish::Typing, _, _) => Ok(()),
            (Wish::Quit, _, _) => {
                self.done = true;
                Ok(())
            }
        }
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        for call in self.book.due(Instant::now()) {
            match self.args.auto {
                Some(Auto::Answer) => self.answer(call),
                Some(Auto::Reject) => self.reject(call),
                Some(Auto::Ignore) | None => {}
            }
        }
        for call in self.book.stale(self.now()) {
            self.book.over(&call);
            self.say("It should ring no more by now.", json!({ "noticed": "ring-expired", "callId": call }))?;
        }
        Ok(())
    }

    fn initiate(&mut self, room: RoomId) -> anyhow::Result<()> {
        let client = self.client.clone();
        let request = Initiate {
            room_id: room.clone(),
            call_type: if self.args.video { CallType::Video } else { CallType::Voice },
            invitees: None,
            ring_timeout_ms: None,
            user_id: Some(self.args.user.clone()),
            access_token: None,
        };
        let doing = format!("Calling {room} …");
        self.under_way.spawn(async move { Outcome::Initiated(room, client.initiate(&request).await) });
        self.hint(&doing)
    }

    fn answer(&mut self, call: CallId) {
        let Some(ring) = self.book.ring(&call) else { return };
        ring.acting = true;
        let (client, session) = (self.client.clone(), self.link.session());
        self.under_way.spawn(async move {
            let result = client.answer(&call, session.as_ref()).await;
            Outcome::Answered(call, result)
        });
    }

    fn reject(&mut self, call: CallId) {
        let Some(ring) = self.book.ring(&call) else { return };
        ring.acting = true;
        let (client, session) = (self.client.clone(), self.link.session());
        self.under_way.spawn(async move {
            let result = client.reject(&call, session.as_ref(), None).await;
            Outcome::Rejected(call, result)
        });
    }

    fn end(&mut self, call: CallId) {
        let client = self.client.clone();
        self.under_way.spawn(async move {
            let result = client.end(&call, false).await;
            Outcome::Ended(call, result)
        });
    }

    async fn mute(&mut self, call: CallId, muted: bool) -> anyhow::Result<()> {
        let toggle = Outgoing::Toggle { call_id: call.clone(), media: Media::Audio, enabled: !muted };
        let result = self.link.request(&toggle).await;
        if result.is_ok()
            && let Some(talk) = self.book.talk_mut(&call)
        {
            talk.muted = muted;
        }
        let what = if muted { "Microphone off." } else { "Microphone on." };
        self.did("toggle-audio", Some(&call), what, result.map(|_| json!({ "enabled": !muted })))
    }

    async fn join(&mut self, call: &CallId) -> anyhow::Result<()> {
        let result = self.link.request(&Outgoing::join(call)).await;
        if result.as_ref().is_err_and(|error| error.body().is_some()) {
            self.book.over(call);
        } else if result.is_ok()
            && let Some(talk) = self.book.talk_mut(call)
        {
            talk.joined = true;
        }
        self.did("join-call", Some(call), "", result.map(|_| json!({})))
    }

    async fn take_outcome(&mut self, outcome: Outcome) -> anyhow::Result<()> {
        match outcome {
            Outcome::Initiated(room, result) => self.initiated(&room, result),
            Outcome::Answered(call, result) => {
                let entered = result.is_ok();
                self.settle(&call, result.as_ref().err());
                let joins = entered && self.book.answered(&call);
                self.did("answer", Some(&call), "Answered.", result.map(|entered| json!({ "answer": entered })))?;
                if joins { self.join(&call).await } else { Ok(()) }
            }
            Outcome::Rejected(call, result) => {
                self.settle(&call, result.as_ref().err());
                if result.is_ok() {
                    self.book.over(&call);
                }
                self.did("reject", Some(&call), "Rejected.", result.map(|stands| json!({ "answer": stands })))
            }
            Outcome::Ended(call, result) => {
                if result.as_ref().map_or_else(is_for_good, |_| true) {
                    self.book.over(&call);
                }
                self.did("end", Some(&call), "Hung up.", result.map(|stands| json!({ "answer": stands })))
            }
        }
    }

    fn initiated(&mut self, room: &RoomId, result: Result<Initiated, Error>) -> anyhow::Result<()> {
        let initiated = match result {
            Ok(initiated) => initiated,
            Err(error) if self.args.once => {
                self.did("initiate", None, "", Err(error.clone()))?;
                return Err(anyhow::Error::new(error).context(format!("{room} cannot be called")));
            }
            Err(error) => return self.did("initiate", None, "", Err(error)),
        };
        if !self.book.started(&initiated) {
            self.book.was_over();
        }
        let delivery = initiated.delivery;
        let sentence = format!("It rings at {} user(s); {} more are rung when they connect.", delivery.live, delivery.pending);
        self.did("initiate", Some(&initiated.call_id), &sentence, Ok(json!({ "answer": initiated })))
    }

    /// After a refusal a ring is either no more ours, or can be tried again.
    fn settle(&mut self, call: &CallId, refusal: Option<&Error>) {
        let Some(error) = refusal else { return };
        if is_for_good(error) {
            self.book.over(call);
        } else if let Some(ring) = self.book.ring(call) {
            ring.acting = false;
            ring.act_at = ring.act_at.map(|_| Instant::now() + DEED_AGAIN_AFTER);
        }
    }

    /// Hangs up whatever it is in; the others should not wait for the grace period.
    async fn leave(&mut self) -> anyhow::Result<()> {
        self.under_way.abort_all();
        for call in self.book.talks().cloned().collect::<Vec<_>>() {
            if let Ok(result) = timeout(GOODBYE_WITHIN, self.client.end(&call, false)).await {
                self.did("end", Some(&call), "Hung up.", result.map(|stands| json!({ "answer": stands })))?;
            }
        }
        self.redraw_as(String::new())
    }

    fn did(&mut self, what: &str, call: Option<&CallId>, sentence: &str, result: Result<Value, Error>) -> anyhow::Result<()> {
        let mut fields = json!({ "did": what, "ok": result.is_ok() });
        if let Some(call) = call {
            fields["callId"] = json!(call);
        }
        match result {
            Ok(Value::Object(more)) => {
                for (key, value) in more {
                    fields[key] = value;
                }
                self.say(sentence, fields)
            }
            Ok(_) => self.say(sentence, fields),
            Err(error) => {
                fields["status"] = json!(error.status());
                fields["errcode"] = json!(error.errcode());
                fields["error"] = json!(error.to_string());
                self.say(&format!("{what} failed: {error}"), fields)
            }
        }
    }

    fn hint(&mut self, sentence: &str) -> anyhow::Result<()> {
        self.say(sentence, json!({ "noticed": "hint", "hint": sentence }))
    }

    fn say(&mut self, sentence: &str, fields: Value) -> anyhow::Result<()> {
        self.screen.tell(clock::now(), sentence, fields).context("standard output is closed")
    }

    fn redraw(&mut self, beep: bool) -> anyhow::Result<()> {
        let present = words::present(&self.book, self.keys.typed(), self.link.session().is_some(), self.now());
        self.screen.show_present(present, beep).context("standard output is closed")
    }

    fn redraw_as(&mut self, present: String) -> anyhow::Result<()> {
        self.screen.show_present(present, false).context("standard output is closed")
    }

    /// The server's clock, as well as we know it.
    fn now(&self) -> Timestamp {
        clock::now().checked_add(self.ahead).unwrap_or(Timestamp::MAX)
    }
}

/// Whether asking the same again would be refused again.
fn is_for_good(error: &Error) -> bool {
    error.body().is_some() && error.status().is_none_or(|status| status < 500 && status != 429)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
