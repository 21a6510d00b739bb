//! One call into a room of many members with three devices each: the time to the last device.

use std::{sync::Arc, time::Instant};

use anyhow::Result;

use crate::{
    device::Device,
    figures::{Latencies, Run},
    subject::Subject,
};

/// How many devices each member has.
const DEVICES_EACH: usize = 3;
/// How many calls are made.
const CALLS: usize = 60;

/// Calls a room of so many members again and again; its caller is the first.
pub async fn run(subject: &Subject, members: usize) -> Result<Run> {
    let mut devices: Vec<Arc<Device>> = Vec::new();
    for device in 0..DEVICES_EACH {
        devices.extend(super::connect_another(subject, 0..members, device).await?);
    }
    let caller = devices[0].clone();
    let (mut last, mut asked) = (Latencies::default(), 0);
    let before = subject.usage()?;
    for round in 0..CALLS {
        let room = format!("!0.{members}.{round}:bench");
        let started = Instant::now();
        let body = format!(r#"{{"roomId":"{room}","callType":"voice"}}"#);
        let call = caller.post("/api/calls/initiate", body, 0, 1).await?;
        let mut at_last = None;
        for device in devices.iter().filter(|device| device.number != caller.number) {
            let at = device.events(&call).expect("incoming-call").await?.at;
            at_last = at_last.max(Some(at));
        }
        if let Some(at) = at_last {
            last.add(at - started);
        }
        asked += devices.len() - DEVICES_EACH;
        caller.post(&format!("/api/calls/{call}/end"), "{}".to_owned(), 0, 1).await?;
    }
    let mut run = Run::default();
    last.note("last device", &mut run);
    run.set("CPU µs a device rung", subject.usage()?.cpu_since(&before) * 1e6 / asked as f64);
    Ok(run)
}
