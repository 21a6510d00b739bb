//! Devices that wait: what each costs in memory, how fast calls ring beside them, and what happens when all come back at once.

use std::{sync::Arc, time::Instant};

use anyhow::{Context as _, Result};

use super::calls;
use crate::{device::Device, figures::Run, subject::Subject};

/// How many calls ring beside them.
const CALLS: usize = 1000;

/// So many devices register and wait, calls ring beside them, and all connections break.
pub async fn run(subject: &Subject, devices: usize) -> Result<Run> {
    // What the first few cost is the program's own; the first two hundred numbers are of those who call.
    let first = super::connect(subject, 0..calls::DEVICES).await?;
    let empty = subject.usage()?;
    let waiting = super::connect(subject, 1000..1000 + devices).await?;
    let full = subject.usage()?;
    let mut run = Run::default();
    let count = devices as f64;
    let each = |full: u64, empty: u64| full.saturating_sub(empty) as f64 / 1024.0 / count;
    run.set("KiB a device", each(full.anonymous, empty.anonymous));
    run.set("KiB a device, with pages of files", each(full.memory, empty.memory));
    drop(first);
    let beside = calls::run(subject, 16, CALLS).await?;
    for (name, value) in beside.0 {
        if name.starts_with("ring") {
            run.set(name, value);
        }
    }
    storm(subject, waiting, empty.files, &mut run).await?;
    Ok(run)
}

/// All connections break, and all devices come back at once, each with a token that the server has not seen: it must ask about every
/// one of them.
async fn storm(subject: &Subject, waiting: Vec<Arc<Device>>, files: usize, run: &mut Run) -> Result<()> {
    let homeserver = &subject.homeserver;
    let numbers: Vec<usize> = waiting.iter().map(|device| device.number).collect();
    drop(waiting);
    super::settled(subject, files).await?;
    let asked_before = ask(homeserver, "count").await?;
    ask(homeserver, "most-at-once").await?;
    let before = subject.usage()?;
    let started = Instant::now();
    let back = super::connect_at_once(subject, numbers.iter().copied(), 1).await?;
    run.set("all back after s", started.elapsed().as_secs_f64());
    let count = back.len() as f64;
    run.set("CPU ms a device coming back", subject.usage()?.cpu_since(&before) * 1000.0 / count);
    run.set("requests to the homeserver a device", (ask(homeserver, "count").await? - asked_before) / count);
    run.set("most at once at the homeserver", ask(homeserver, "most-at-once").await?);
    let after = calls::run(subject, 16, CALLS).await?;
    run.set("ring p99 ms, when all are back", after.0["ring p99 ms"]);
    Ok(())
}

async fn ask(homeserver: &str, what: &str) -> Result<f64> {
    let text = reqwest::get(format!("{homeserver}/{what}")).await?.text().await?;
    text.parse().with_context(|| format!("{what}: {text}"))
}
