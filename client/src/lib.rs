//! A typed client of Ringback's contract: HTTP requests ([`Client`]), the plain WebSocket ([`Socket`]), and the little
//! that a caller needs of its homeserver ([`matrix`]).
//!
//! The tests, the load generator and `ringback phone` all speak through it. It decides nothing about calls: it keeps no
//! state but the connection's, and retries nothing.

mod error;
mod http;
pub mod matrix;
mod socket;

pub use error::Error;
pub use http::Client;
pub use socket::{Closed, Event, Outgoing, Received, Registered, Socket};
