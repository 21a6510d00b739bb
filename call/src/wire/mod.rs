//! Every message that crosses the wire, both directions, in one place.
//!
//! JSON in camelCase, times in RFC 3339 UTC. A message between sockets carries its event's name in `type`, on both
//! transports; Socket.IO has it as the event's name too.

mod error;
mod event;
mod history;
mod http;
mod parse;
mod socket;

pub use error::{ErrorBody, errcode};
pub use event::*;
pub use history::*;
pub use http::*;
pub use parse::{Malformed, parse_object};
pub use socket::*;

use serde::{Deserialize, Serialize};

/// One entry of `RTCConfiguration.iceServers` (W3C WebRTC, section 4.2.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IceServer {
    /// `stun:` and `turn:` URIs (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// The TURN user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The TURN password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}
