//! What a call is and what happens to it, decided without a clock, a socket or a database.
//!
//! - [`call`]: the life of a call: [`call::start`], [`call::Call::apply`], [`call::Call::expire`], [`call::Call::deadline`].
//! - [`signal`]: who gets an offer, an answer or a candidate, and how much waits for someone who has not joined yet.
//! - [`wire`]: every message of the contract, both directions.
//! - [`ids`]: the names of things.

pub mod call;
pub mod ids;
pub mod signal;
pub mod wire;
