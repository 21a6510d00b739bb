//! Past calls (contract, section 3).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Claim, http::body};
use crate::{
    call::CallType,
    ids::{AccessToken, CallId, RoomId, UserId},
};

/// What `GET /api/calls/history` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The asker's calls that are over, newest first.
    pub calls: Vec<PastCall>,
    /// What to ask for the next page with, as `from`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_batch: Option<String>,
}

/// A call that is over, as the asker saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PastCall {
    /// The call.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub call_id: CallId,
    /// Its room.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub room_id: RoomId,
    /// Voice or video.
    pub call_type: CallType,
    /// Who started it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub initiator_id: UserId,
    /// Whether the asker was called or called.
    pub direction: Direction,
    /// What came of it for the asker.
    pub outcome: Outcome,
    /// Whether the asker was rung and did not react.
    pub missed: bool,
    /// Whether the asker has seen that; `true` where there was nothing to see.
    pub seen: bool,
    /// When it was started.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When the first answer came.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub ended_at: Option<Timestamp>,
    /// How long it lasted from the first answer, in milliseconds; `null` where they did not talk.
    pub duration_ms: Option<i64>,
}

/// Whether somebody was called or called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Was called.
    Incoming,
    /// Called.
    Outgoing,
}

/// What came of a call for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// They talked.
    Answered,
    /// Nobody answered in time.
    Missed,
    /// It was rejected.
    Rejected,
    /// The caller gave up before it was answered.
    Cancelled,
}

body! {
    /// `POST /api/calls/history/seen`.
    Seen {
        /// Which calls; all where absent. At most 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
        call_ids: Option<Vec<CallId>>,
    }
}

body! {
    /// `POST …/invite`.
    Invite {
        /// Whom to ring, members of the call's room. At most 100.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        user_ids: Vec<UserId>,
    }
}

/// What `invite` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Invited {
    /// The call.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub call_id: CallId,
    /// `active`.
    pub status: crate::call::Status,
    /// Who was reached.
    pub delivery: super::Delivery,
}
