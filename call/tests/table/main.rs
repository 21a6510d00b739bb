//! Every state of a call, every command, every part of whoever asks: what the contract's section 5 says comes of it.
#![allow(clippy::unwrap_used, reason = "what does not hold here is a failed test")]

mod dsl;
mod group;
mod over;
mod start;
mod stories;
mod time;
mod two;
