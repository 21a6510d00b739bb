//! First contact: the caller's token is one that the server has never seen.

use std::{sync::Arc, time::Instant};

use anyhow::Result;
use futures_util::future::try_join_all;

use super::Probe;
use crate::{
    device::{Device, token},
    figures::{Latencies, Run},
    subject::Subject,
};

/// Makes `count` calls that only ring, `at_once` of them at a time, each by a device of the caller that was never heard of.
pub async fn run(subject: &Subject, at_once: usize, count: usize) -> Result<Run> {
    // Everybody with an even number waits for the call of the one after them.
    let callees = super::connect(subject, (0..at_once).map(|lane| lane * 2)).await?;
    let probe = Probe::start(subject);
    let lanes = callees.into_iter().map(|callee| tokio::spawn(ring(callee, count / at_once)));
    let mut ring = Latencies::default();
    for latencies in try_join_all(lanes).await? {
        ring.merge(&latencies?);
    }
    let mut run = Run::default();
    probe.end().await?.note("homeserver round trip", &mut run);
    ring.note("ring", &mut run);
    Ok(run)
}

async fn ring(callee: Arc<Device>, count: usize) -> Result<Latencies> {
    let (caller, mut latencies) = (callee.number + 1, Latencies::default());
    for device in 1..=count {
        let token = token(caller, device);
        let body = format!(r#"{{"roomId":"!{}.2.{device}:bench","callType":"voice"}}"#, callee.number);
        let asked = Instant::now();
        let call = callee.post_by(&token, "/api/calls/initiate", body, caller, callee.number).await?;
        latencies.add(callee.events(&call).expect("incoming-call").await?.at - asked);
        callee.post_by(&token, &format!("/api/calls/{call}/end"), "{}".to_owned(), caller, callee.number).await?;
    }
    Ok(latencies)
}
