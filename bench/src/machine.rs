//! What the machine takes for itself: for how long a thread that does nothing but look at the clock does not run. Whoever needs a
//! core then waits for so long, whatever they do.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

use crate::figures::Run;

/// Which pauses count, in microseconds. A look at the clock takes less than one.
const OVER: [u32; 4] = [100, 500, 1000, 2000];

/// Looks at the clock on all cores at once, for so long.
///
/// # Errors
/// Where the number of cores is unknown.
pub fn cores(lasts: Duration) -> Result<Vec<Run>> {
    let count = thread::available_parallelism()?.get();
    let looking: Vec<_> = (0..count).map(|_| thread::spawn(move || look(lasts))).collect();
    looking.into_iter().map(|core| core.join().map_err(|_| anyhow!("a thread panicked"))).collect()
}

fn look(lasts: Duration) -> Run {
    let started = Instant::now();
    let (mut last, mut longest, mut paused) = (started, Duration::ZERO, OVER.map(|_| Duration::ZERO));
    while last - started < lasts {
        let now = Instant::now();
        let pause = now - last;
        for (sum, over) in paused.iter_mut().zip(OVER) {
            if pause.as_micros() > u128::from(over) {
                *sum += pause;
            }
        }
        (last, longest) = (now, longest.max(pause));
    }
    let mut run = Run::default();
    for (sum, over) in paused.iter().zip(OVER) {
        let share = sum.as_secs_f64() / lasts.as_secs_f64();
        run.set(format!("% of the time in pauses of more than {:.1} ms", f64::from(over) / 1000.0), share * 100.0);
    }
    run.set("the longest pause, ms", longest.as_secs_f64() * 1000.0);
    run
}
