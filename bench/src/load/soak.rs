//! A long time at half load: nothing may grow.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::calls::{DEVICES, many};
use crate::{figures::Run, subject::Subject, usage::Usage};

/// How many calls are under way at most.
const AT_ONCE: usize = 64;
/// How many calls show what the full load is.
const TRIAL: usize = 3000;
/// Of how many equal parts the time consists; the first one warms up.
const PARTS: usize = 10;

/// Calls at half of the rate that goes through, for about this long.
pub async fn run(subject: &Subject, lasts: Duration) -> Result<Run> {
    let files_empty = subject.usage()?.files;
    let devices = super::connect(subject, 0..DEVICES).await?;
    let started = Instant::now();
    many(&devices, AT_ONCE, TRIAL, 0, None).await?;
    let pace = started.elapsed() * 2 / u32::try_from(TRIAL)?;
    let part = lasts / u32::try_from(PARTS)?;
    let count = usize::try_from(part.as_nanos() / pace.as_nanos())?;
    let mut marks: Vec<(Usage, f64)> = Vec::new();
    for round in 1..=PARTS {
        let learnt = many(&devices, AT_ONCE, count, round, Some(pace)).await?;
        marks.push((subject.usage()?, learnt.ring.at(0.99)));
    }
    drop(devices);
    let files_after = super::settled(subject, files_empty).await?;
    let mut run = Run::default();
    let [(first, first_p99), .., (last, last_p99)] = &marks[..] else { unreachable!("there are ten parts") };
    let mebibytes = |usage: &Usage| usage.memory as f64 / 1024.0 / 1024.0;
    run.set("calls", (count * PARTS) as f64);
    run.set("calls a second", 1.0 / pace.as_secs_f64());
    run.set("memory MiB, after a tenth", mebibytes(first));
    run.set("memory MiB, at the end", mebibytes(last));
    run.set("memory grown %", (mebibytes(last) / mebibytes(first) - 1.0) * 100.0);
    run.set("ring p99 ms, in the first tenth", *first_p99);
    run.set("ring p99 ms, in the last tenth", *last_p99);
    run.set("open files before", files_empty as f64);
    run.set("open files after", files_after as f64);
    Ok(run)
}
