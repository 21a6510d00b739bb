//! Errors as Matrix has them, on HTTP and on sockets.

use serde::{Deserialize, Serialize};

use crate::{call::Status, ids::CallId};

/// The codes of the contract.
pub mod errcode {
    /// The body is not JSON.
    pub const NOT_JSON: &str = "M_NOT_JSON";
    /// It is JSON of another shape.
    pub const BAD_JSON: &str = "M_BAD_JSON";
    /// A field is missing.
    pub const MISSING_PARAM: &str = "M_MISSING_PARAM";
    /// A field has a value that makes no sense here.
    pub const INVALID_PARAM: &str = "M_INVALID_PARAM";
    /// No token.
    pub const MISSING_TOKEN: &str = "M_MISSING_TOKEN";
    /// A token that the homeserver does not know.
    pub const UNKNOWN_TOKEN: &str = "M_UNKNOWN_TOKEN";
    /// Not yours to do.
    pub const FORBIDDEN: &str = "M_FORBIDDEN";
    /// No such call, no such path.
    pub const NOT_FOUND: &str = "M_NOT_FOUND";
    /// The path is there, but not for this method or content type.
    pub const UNRECOGNIZED: &str = "M_UNRECOGNIZED";
    /// Over 64 KiB.
    pub const TOO_LARGE: &str = "M_TOO_LARGE";
    /// Too many calls started by one user.
    pub const LIMIT_EXCEEDED: &str = "M_LIMIT_EXCEEDED";
    /// A fault of the server.
    pub const UNKNOWN: &str = "M_UNKNOWN";
    /// The call is not in a state that allows it.
    pub const CALL_STATE: &str = "RINGBACK_CALL_STATE";
    /// The room has a call already.
    pub const CALL_EXISTS: &str = "RINGBACK_CALL_EXISTS";
    /// The same idempotency key with another body.
    pub const IDEMPOTENCY_KEY: &str = "RINGBACK_IDEMPOTENCY_KEY";
    /// Too many signals wait for somebody.
    pub const QUEUE_FULL: &str = "RINGBACK_QUEUE_FULL";
    /// The homeserver is away, slow or talks nonsense.
    pub const HOMESERVER: &str = "RINGBACK_HOMESERVER";
    /// The database or the bus is away, or the server is shutting down.
    pub const UNAVAILABLE: &str = "RINGBACK_UNAVAILABLE";
}

/// The body of every error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// What went wrong, for programs.
    pub errcode: String,
    /// What to do about it, for people.
    pub error: String,
    /// With `RINGBACK_CALL_STATE`: where the call stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The call that was asked for, where the request or message names one; with `RINGBACK_CALL_EXISTS`: the call to join or answer.
    #[serde(rename = "callId", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub call_id: Option<CallId>,
    /// With `M_LIMIT_EXCEEDED`: when to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
