//! Chance that can be repeated.

use anyhow::{Context as _, Result};
use std::{env, time::Duration};

/// A sequence of random numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A new one, or the one that the environment asks for; says its seed, which is shown where the test fails.
    ///
    /// # Errors
    /// Where `RINGBACK_E2E_SEED` is not a number.
    #[allow(clippy::print_stdout, reason = "shown where the test fails")]
    pub fn new() -> Result<Self> {
        let seed = match env::var("RINGBACK_E2E_SEED") {
            Ok(seed) => seed.parse().context("RINGBACK_E2E_SEED must be a number")?,
            Err(_) => getrandom::u64().context("no random seed")?,
        };
        println!("to repeat this: RINGBACK_E2E_SEED={seed}");
        Ok(Self(seed))
    }

    /// One for somebody else, that goes its own way.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    /// A time between two, in milliseconds.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.next() % (to - from + 1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
