//! A long time at half load: nothing may grow.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::calls::{DEVICES, Learnt, many};
use crate::{figures::Run, subject::Subject, usage::Usage};

/// How many calls are under way at most.
const AT_ONCE: usize = 64;
/// How many calls show what the full load is.
const TRIAL: usize = 3000;
/// Of how many equal parts the time consists; the first one warms up.
const PARTS: usize = 10;

/// What is seen of a part.
struct Mark {
    memory_mebibytes: f64,
    cpu_ms_a_call: f64,
    ring_p50: f64,
    ring_p99: f64,
}

impl Mark {
    fn of(before: &Usage, after: &Usage, calls: usize, learnt: &Learnt) -> Self {
        Self {
            memory_mebibytes: after.memory as f64 / 1024.0 / 1024.0,
            cpu_ms_a_call: after.cpu_since(before) * 1000.0 / calls as f64,
            ring_p50: learnt.ring.at(0.5),
            ring_p99: learnt.ring.at(0.99),
        }
    }

    fn note(&self, when: &str, run: &mut Run) {
        run.set(format!("memory MiB, {when}"), self.memory_mebibytes);
        run.set(format!("CPU ms a call, {when}"), self.cpu_ms_a_call);
        run.set(format!("ring p50 ms, {when}"), self.ring_p50);
        run.set(format!("ring p99 ms, {when}"), self.ring_p99);
    }
}

/// Calls at half of the rate that goes through, for about this long.
pub async fn run(subject: &Subject, lasts: Duration) -> Result<Run> {
    let files_empty = subject.usage()?.files;
    let devices = super::connect(subject, 0..DEVICES).await?;
    let started = Instant::now();
    many(&devices, AT_ONCE, TRIAL, 0, None).await?;
    let pace = started.elapsed() * 2 / u32::try_from(TRIAL)?;
    let part = lasts / u32::try_from(PARTS)?;
    let count = usize::try_from(part.as_nanos() / pace.as_nanos())?;
    let mut marks = Vec::new();
    for round in 1..=PARTS {
        let before = subject.usage()?;
        let learnt = many(&devices, AT_ONCE, count, round, Some(pace)).await?;
        marks.push(Mark::of(&before, &subject.usage()?, count, &learnt));
    }
    drop(devices);
    let files_after = super::settled(subject, files_empty).await?;
    let mut run = Run::default();
    run.set("calls", (count * PARTS) as f64);
    run.set("calls a second", 1.0 / pace.as_secs_f64());
    for (number, mark) in marks.iter().enumerate() {
        mark.note(&format!("tenth {:02}", number + 1), &mut run);
    }
    run.set(
        "memory grown since the first tenth %",
        (marks[PARTS - 1].memory_mebibytes / marks[0].memory_mebibytes - 1.0) * 100.0,
    );
    run.set("open files before", files_empty as f64);
    run.set("open files after", files_after as f64);
    Ok(run)
}
