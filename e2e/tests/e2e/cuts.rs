//! A call of two minutes over a network that loses every connection each 1 to 5 s: what is sent arrives.
//!
//! A signal whose acknowledgement was lost with its connection may have arrived. Its sender cannot tell, and sends it again until
//! it is acknowledged, before it sends the next. So what was sent `n` times may arrive up to `n` times, in one run; what was sent
//! once arrives once. Receivers leave nothing out: beside that, each checks that its session's events are counted without a gap.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use call::{
    ids::{AccessToken, CallId, UserId},
    wire::{Register, ServerEvent, SignalKind, Target},
};
use client::{Error, Event, Outgoing, Received, Socket};
use ringback_e2e::{Login, Proxy, Random, Script, Server, pair, run_script};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

const SECONDS: u32 = 120;
const PER_SECOND: u32 = 5;
const COUNT: usize = (SECONDS * PER_SECOND) as usize;

/// A device that connects again and again, sends numbers, and writes down what it hears.
struct Phone {
    login: Login,
    url: String,
    call: CallId,
    line: Option<Socket>,
    resume: Register,
    registered: usize,
    last_event: u64,
    /// How often each number was sent; the last one may not be acknowledged.
    sent: Vec<usize>,
    acknowledged: usize,
    heard: Vec<usize>,
}

impl Phone {
    /// Connects and joins over a network that works so far.
    async fn new(login: &Login, url: &str, call: &str) -> Result<Self> {
        let resume = Register {
            user_id: Some(UserId::parse(&login.user_id)?),
            access_token: Some(AccessToken::from(login.token.clone())),
            ..Register::default()
        };
        let mut phone = Self {
            login: login.clone(),
            url: url.to_owned(),
            call: CallId::parse(call)?,
            line: None,
            resume,
            registered: 0,
            last_event: 0,
            sent: Vec::new(),
            acknowledged: 0,
            heard: Vec::new(),
        };
        phone.connect().await?;
        let join = Outgoing::join(&phone.call);
        phone.line.as_mut().context("no connection")?.request(&join).await?;
        Ok(phone)
    }

    /// Sends everything, and stays until everything has come.
    async fn run(mut self) -> Result<Self> {
        let began = Instant::now();
        let limit = began + Duration::from_secs(u64::from(SECONDS) + 30);
        while self.acknowledged < COUNT || self.heard.last() != Some(&(COUNT - 1)) {
            let shown = || format!("{} of {COUNT} acknowledged, {} heard", self.acknowledged, self.heard.len());
            ensure!(Instant::now() < limit, "{}: {}", self.login.user_id, shown());
            let Some(line) = &mut self.line else {
                self.connect().await?;
                continue;
            };
            let due = began + Duration::from_secs(1) / PER_SECOND * u32::try_from(self.acknowledged)?;
            tokio::select! {
                received = line.next() => match received? {
                    Some(received) => self.hear(&received)?,
                    None => self.lose(),
                },
                () = sleep_until(due), if self.acknowledged < COUNT => self.send().await?,
            }
        }
        Ok(self)
    }

    async fn connect(&mut self) -> Result<()> {
        let Ok(mut socket) = Socket::connect(&self.url).await else {
            sleep(Duration::from_millis(20)).await;
            return Ok(());
        };
        match socket.register(&self.resume).await {
            Ok(registered) => {
                ensure!(registered.resumed || self.registered == 0, "{} could not resume", self.login.user_id);
                self.registered += 1;
                self.line = Some(socket);
                Ok(())
            }
            Err(Error::Closed { .. } | Error::NotAcknowledged { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    async fn send(&mut self) -> Result<()> {
        let number = self.acknowledged;
        let signal = Outgoing::Signal {
            call_id: self.call.clone(),
            kind: SignalKind::Candidate,
            payload: json!({"candidate": "", "number": number}),
            target: Target::All,
            target_device: None,
        };
        self.sent.resize(number + 1, 0);
        self.sent[number] += 1;
        match self.line.as_mut().context("no connection")?.request(&signal).await {
            Ok(_) => self.acknowledged += 1,
            Err(Error::Closed { .. } | Error::NotAcknowledged { .. }) => self.lose(),
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    /// What had come, but was not handed out, comes again.
    fn lose(&mut self) {
        if let Some(line) = self.line.take() {
            let Register { session_id, last_event_id, .. } = line.resume();
            self.resume = Register { session_id, last_event_id, ..self.resume.clone() };
        }
    }

    fn hear(&mut self, received: &Received) -> Result<()> {
        if let Some(id) = received.event_id {
            ensure!(id == self.last_event + 1, "after event {} came {}", self.last_event, received.text);
            self.last_event = id;
        }
        match &received.event {
            Event::Known(ServerEvent::IceCandidate { candidate, .. }) => {
                let number = candidate["number"].as_u64().context("no number")?;
                self.heard.push(usize::try_from(number)?);
            }
            Event::Known(ServerEvent::Resync { .. } | ServerEvent::UserJoined { .. }) => {
                ensure!(self.heard.is_empty(), "in the middle of the call: {}", received.text);
            }
            Event::Known(_) | Event::Other(_) => bail!("{} heard {}", self.login.user_id, received.text),
        }
        Ok(())
    }
}

/// What one has heard is what the other has sent.
fn compare(sent: &[usize], heard: &[usize]) -> Result<()> {
    let mut order = heard.to_vec();
    order.dedup();
    ensure!(order == (0..COUNT).collect::<Vec<_>>(), "a gap, or another order: {heard:?}");
    for (number, times) in sent.iter().enumerate() {
        let came = heard.iter().filter(|heard| **heard == number).count();
        ensure!(came <= *times, "{number} was sent {times} time(s), and came {came} times");
    }
    Ok(())
}

#[tokio::test]
async fn two_minutes_by_plain_websocket() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("cuts_plain").await?;
    let mut random = Random::new()?;
    let call = server.initiate(&alice, &room).await?;
    server.act(&bob, &call, "answer").await?.expect(200)?;
    let mut phones = Vec::new();
    let mut proxies = Vec::new();
    for login in [&alice, &bob] {
        let proxy = Arc::new(Proxy::start(server.url.trim_start_matches("http://")).await?);
        phones.push(Phone::new(login, &format!("http://{}", proxy.address), &call).await?);
        proxies.push(proxy);
    }
    let cutting: Vec<_> = proxies.iter().map(|proxy| proxy.cut_every(1_000, 5_000, random.fork())).collect();
    let (callee, caller) = (phones.pop().context("two")?, phones.pop().context("two")?);
    let (caller, callee) = tokio::try_join!(caller.run(), callee.run())?;
    cutting.iter().for_each(tokio::task::AbortHandle::abort);
    compare(&caller.sent, &callee.heard).context("from the caller to the callee")?;
    compare(&callee.sent, &caller.heard).context("from the callee to the caller")?;
    let lost = caller.registered + callee.registered - 2;
    ensure!(lost >= COUNT / 25, "the connections were lost only {lost} times");
    let again = caller.sent.iter().chain(&callee.sent).filter(|times| **times > 1).count();
    println!("{} signals, {lost} lost connections, {again} signals sent again", 2 * COUNT);
    ensure!(server.status(&alice, &call).await? == "active", "the call goes on");
    Ok(())
}

async fn by_socket_io(name: &'static str, transports: &'static str, seconds: u32) -> Result<String> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start(name).await?;
    run_script(Script::Resuming("socket.io-client", transports, seconds), &server, &alice, &bob, &room).await
}

#[tokio::test]
async fn two_minutes_by_socket_io() -> Result<()> {
    println!("{}", by_socket_io("cuts_socket_io", "websocket", SECONDS).await?);
    Ok(())
}

#[tokio::test]
async fn half_a_minute_by_socket_io_polling() -> Result<()> {
    println!("{}", by_socket_io("cuts_socket_io_polling", "polling", 30).await?);
    Ok(())
}
