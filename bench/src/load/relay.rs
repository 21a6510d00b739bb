//! Signals between active calls: at full speed, and at half of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::try_join_all;
use tokio::time::{Instant as Tick, interval_at};

use super::calls::CANDIDATE;
use crate::{
    device::Device,
    figures::{Latencies, Run},
    subject::Subject,
};

/// How many calls are active.
const CALLS: usize = 50;
/// How many signals of one sender are under way at once.
const WINDOW: usize = 8;

/// A server with active calls. What is measured is added up.
pub struct Relay {
    subject: Subject,
    calls: Vec<(Arc<Device>, Arc<Device>, String)>,
    signals: f64,
    took: Duration,
    cpu: f64,
    at_half: Latencies,
}

impl Relay {
    /// Brings the calls about, and sends for so long before anything is counted.
    pub async fn start(subject: Subject, lasts: Duration) -> Result<Self> {
        let devices = super::connect(&subject, 0..CALLS * 2).await?;
        let mut calls = Vec::new();
        for pair in devices.chunks_exact(2) {
            calls.push((pair[0].clone(), pair[1].clone(), active(&pair[0], &pair[1]).await?));
        }
        let relay = Self { subject, calls, signals: 0.0, took: Duration::ZERO, cpu: 0.0, at_half: Latencies::default() };
        relay.everywhere(Pace::Full, lasts).await?;
        Ok(relay)
    }

    /// As many signals as go through in this time.
    pub async fn at_full_speed(&mut self, lasts: Duration) -> Result<()> {
        let before = self.subject.usage()?;
        let started = Instant::now();
        let latencies = self.everywhere(Pace::Full, lasts).await?;
        self.took += started.elapsed();
        self.cpu += self.subject.usage()?.cpu_since(&before);
        self.signals += latencies.count() as f64;
        Ok(())
    }

    /// Half as many as have gone through at full speed so far.
    pub async fn at_half_speed(&mut self, lasts: Duration) -> Result<()> {
        let a_turn = (2 * CALLS * WINDOW) as f64;
        let each = self.took.mul_f64(2.0 * a_turn / self.signals);
        self.at_half.merge(&self.everywhere(Pace::Every(each), lasts).await?);
        Ok(())
    }

    /// What has been measured.
    pub fn figures(&self) -> Run {
        let mut run = Run::default();
        run.set("thousand signals a second", self.signals / self.took.as_secs_f64() / 1000.0);
        run.set("CPU µs a signal", self.cpu * 1e6 / self.signals);
        self.at_half.note("at half the rate", &mut run);
        run
    }

    /// Sends both ways in every call.
    async fn everywhere(&self, pace: Pace, lasts: Duration) -> Result<Latencies> {
        let pairs = self.calls.iter().flat_map(|(one, other, call)| [(one, other, call), (other, one, call)]);
        let lanes = pairs.enumerate().map(|(lane, (from, to, call))| {
            let (from, to, call) = (from.clone(), to.clone(), call.clone());
            tokio::spawn(async move { send(&from, &to, &call, pace, lane, lasts).await })
        });
        let mut all = Latencies::default();
        for latencies in try_join_all(lanes).await? {
            all.merge(&latencies?);
        }
        Ok(all)
    }
}

/// When a sender sends its next few signals: as soon as the last ones have come, or so long after they were sent.
#[derive(Clone, Copy)]
enum Pace {
    Full,
    Every(Duration),
}

async fn send(from: &Device, to: &Device, call: &str, pace: Pace, lane: usize, lasts: Duration) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    let mut at = to.events(call);
    let started = Instant::now();
    let fields = format!(r#""callId":"{call}",{CANDIDATE}"#);
    // Not all at the same moment.
    let mut ticks = match pace {
        Pace::Full => None,
        Pace::Every(each) => Some(interval_at(Tick::from_std(started) + each.mul_f64(lane as f64 / (2 * CALLS) as f64), each)),
    };
    while started.elapsed() < lasts {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let sent = Instant::now();
        for _ in 0..WINDOW {
            from.send(to, "ice-candidate", fields.clone()).await?;
        }
        for _ in 0..WINDOW {
            latencies.add(at.expect("ice-candidate").await?.at - sent);
        }
    }
    Ok(latencies)
}

/// A call that has been answered, and into which both have come.
async fn active(caller: &Device, callee: &Device) -> Result<String> {
    let room = format!("!{}.2.relay:bench", caller.number);
    let body = format!(r#"{{"roomId":"{room}","callType":"voice"}}"#);
    let call = caller.post("/api/calls/initiate", body, caller.number, callee.number).await?;
    callee.events(&call).expect("incoming-call").await?;
    callee.post(&format!("/api/calls/{call}/answer"), "{}".to_owned(), caller.number, callee.number).await?;
    caller.events(&call).expect("call-answered").await?;
    callee.send(caller, "join-call", format!(r#""callId":"{call}""#)).await?;
    Ok(call)
}
