//! The one place that reads the clock and the random source. Everything else is given the time.

use call::ids::{CallId, SessionId};
#[cfg(not(test))]
use jiff::{Timestamp, Unit};

#[cfg(test)]
pub use virtual_time::now;

/// Now, in whole milliseconds: what is stored reads back the same.
#[cfg(not(test))]
#[expect(clippy::disallowed_methods, reason = "this is where the time comes from")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now)
}

/// A new call's name.
pub fn call_id() -> CallId {
    CallId::from_random(random())
}

/// A new session's name.
pub fn session_id() -> SessionId {
    SessionId::from_random(random())
}

/// A number between 0 and `below`, to spread what would else happen at once.
pub fn jitter(below: u64) -> u64 {
    u64::from_be_bytes(random()) % below.max(1)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness nothing here can go on: ids would be guessable.
    getrandom::fill(&mut bytes).unwrap_or_else(|error| panic!("the system has no random source: {error}"));
    bytes
}

/// The time of tests is tokio's, which they can stop and move.
#[cfg(test)]
mod virtual_time {
    use std::sync::OnceLock;

    use jiff::{SignedDuration, Timestamp, Unit};
    use tokio::time::Instant;

    /// Now, as far as the test has moved the time.
    pub fn now() -> Timestamp {
        static START: OnceLock<Instant> = OnceLock::new();
        let passed = START.get_or_init(Instant::now).elapsed();
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 50) + passed;
        now.round(Unit::Millisecond).unwrap_or(now)
    }
}
