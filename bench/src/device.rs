//! A device: a socket that is always read, and the requests of its user.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use parking_lot::Mutex;
use reqwest::Client;
use serde::Deserialize;
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    time::timeout,
};

use crate::{
    subject::Subject,
    wire::{Event, Wire},
};

/// By how many addresses devices come.
const ADDRESSES: usize = 16;

/// What has not come by then is lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a device sends.
struct Outgoing {
    target: usize,
    event: &'static str,
    fields: String,
}

/// Events by call. Whoever is first, the event or the one who waits for it, makes the channel.
type Inbox = Mutex<HashMap<String, (UnboundedSender<Event>, Option<UnboundedReceiver<Event>>)>>;

/// A device that has registered.
pub struct Device {
    /// Which; its user is `@u<number>:bench`.
    pub number: usize,
    token: String,
    url: String,
    http: Client,
    outbox: mpsc::Sender<Outgoing>,
    inbox: Arc<Inbox>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    call_id: String,
}

impl Device {
    /// Connects and registers as this device of this user.
    pub async fn connect(subject: &Subject, number: usize, device: usize, http: Client) -> Result<Arc<Self>> {
        let token = token(number, device);
        // By several of this machine's addresses: by a single one there are ports for 28,000 connections a minute.
        let url = subject.sockets.replace("127.0.0.1", &format!("127.0.0.{}", 1 + number % ADDRESSES));
        let opening = timeout(PATIENCE, Wire::open(subject.transport, &url, number, &token));
        let mut wire = opening.await.with_context(|| format!("device {number} cannot register"))??;
        let (outbox, mut outgoing) = mpsc::channel::<Outgoing>(256);
        let inbox = Arc::new(Inbox::default());
        let arrivals = inbox.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    message = outgoing.recv() => {
                        let Some(Outgoing { target, event, fields }) = message else { return };
                        if wire.send(target, event, &fields).await.is_err() { return }
                    }
                    event = wire.next() => match event {
                        Ok(event) => {
                            deliver(&arrivals, event);
                        }
                        // Whoever waits for an event is told by the end of the channel.
                        Err(_) => return arrivals.lock().clear(),
                    },
                }
            }
        });
        Ok(Arc::new(Self { number, token, url: subject.url.clone(), http, outbox, inbox }))
    }

    /// Sends on the socket.
    pub async fn send(&self, target: &Self, event: &'static str, fields: String) -> Result<()> {
        let outgoing = Outgoing { target: target.number, event, fields };
        self.outbox.send(outgoing).await.ok().context("the socket is gone")
    }

    /// Asks by HTTP; the id of the call in the answer. Who calls whom is told to the floor alone.
    pub async fn post(&self, path: &str, body: String, caller: usize, callee: usize) -> Result<String> {
        self.post_by(&self.token, path, body, caller, callee).await
    }

    /// The same with a token of somebody else.
    pub async fn post_by(&self, token: &str, path: &str, body: String, caller: usize, callee: usize) -> Result<String> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(token);
        let request = request.header("content-type", "application/json").header("caller", caller).header("callee", callee);
        let answer = request.body(body).send().await?;
        if !answer.status().is_success() {
            bail!("{path}: {} {}", answer.status(), answer.text().await?);
        }
        Ok(answer.json::<Answer>().await?.call_id)
    }

    /// What comes for a call, from its first event on.
    pub fn events(&self, call: &str) -> Events<'_> {
        let receiver = self.inbox.lock().entry(call.to_owned()).or_insert_with(new_channel).1.take();
        Events { device: self, call: call.to_owned(), receiver }
    }
}

/// The token of a user's device.
pub fn token(number: usize, device: usize) -> String {
    format!("token.{number}.{device}")
}

fn new_channel() -> (UnboundedSender<Event>, Option<UnboundedReceiver<Event>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Some(receiver))
}

fn deliver(inbox: &Inbox, event: Event) {
    let mut inbox = inbox.lock();
    // An event of a call that is over comes to nobody: its channel is made here, and stays until the device goes.
    let (sender, _) = inbox.entry(event.call.clone()).or_insert_with(new_channel);
    let _ = sender.send(event);
}

/// The events of one call at one device.
pub struct Events<'a> {
    device: &'a Device,
    call: String,
    receiver: Option<UnboundedReceiver<Event>>,
}

impl Events<'_> {
    /// The next event of this name; others are passed over.
    pub async fn expect(&mut self, name: &str) -> Result<Event> {
        let receiver = self.receiver.as_mut().context("somebody else waits for this call")?;
        let mut next = async || timeout(PATIENCE, receiver.recv()).await.with_context(|| format!("{name} does not come"));
        while let Some(event) = next().await? {
            if event.name == name {
                return Ok(event);
            }
            if event.name == "call-error" || event.name == "error" {
                bail!("refused while waiting for {name}");
            }
        }
        bail!("the socket ended before {name}")
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        self.device.inbox.lock().remove(&self.call);
    }
}
