//! Bodies of HTTP requests and answers (contract, section 3).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{IceServer, Target};
use crate::{
    call::{CallType, Status},
    ids::{AccessToken, CallId, DeviceId, RoomId, SessionId, UserId},
};

macro_rules! body {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
            /// The asker's own user id; must be the token's.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
            pub user_id: Option<UserId>,
            /// The Matrix access token, where no `Authorization` header brings it.
            #[serde(default, serialize_with = "crate::ids::AccessToken::reveal", skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
            pub access_token: Option<AccessToken>,
        }

        impl Claim for $name {
            fn claim(&self) -> (Option<&UserId>, Option<&AccessToken>) {
                (self.user_id.as_ref(), self.access_token.as_ref())
            }
        }
    };
}

pub(super) use body;

/// A body or message that may say who sends it.
pub trait Claim {
    /// The user id and the token in it.
    fn claim(&self) -> (Option<&UserId>, Option<&AccessToken>);
}

body! {
    /// `POST /api/calls/initiate`.
    Initiate {
        /// The room to ring.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "!room:example.org"))]
        room_id: RoomId,
        /// Voice or video.
        call_type: CallType,
        /// Whom to ring, where not every member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
        invitees: Option<Vec<UserId>>,
        /// How long to ring, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(minimum = 5000, maximum = 300_000))]
        ring_timeout_ms: Option<u64>,
    }
}

body! {
    /// `POST …/answer`, `…/join` and `…/leave`.
    Act {
        /// The connection that acted, so that every other one stops ringing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        session_id: Option<SessionId>,
    }
}

body! {
    /// `POST …/reject`.
    Reject {
        /// The connection that acted, so that every other one stops ringing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        session_id: Option<SessionId>,
        /// What the caller is told, e.g. `busy`; at most 255 bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}

body! {
    /// `POST …/end`.
    End {
        /// Whether the caller ends a group call for everyone.
        #[serde(default)]
        for_all: bool,
    }
}

body! {
    /// `POST …/toggle-audio`, `…/toggle-video`, `…/toggle-screen`.
    Toggle {
        /// On or off.
        enabled: bool,
    }
}

macro_rules! signal_body {
    ($(#[$doc:meta])* $name:ident, $payload:ident, $payload_doc:literal) => {
        body! {
            $(#[$doc])*
            $name {
                #[doc = $payload_doc]
                #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
                $payload: Box<RawValue>,
                /// A user id, or `all`, or absent: all others in the call.
                #[serde(default, skip_serializing_if = "Target::is_all")]
                #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
                target_user_id: Target,
                /// One device of that user.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
                target_device_id: Option<DeviceId>,
            }
        }
    };
}

signal_body!(
    /// `POST …/offer`.
    Offer, offer, "The session description, as the browser gives it."
);
signal_body!(
    /// `POST …/answer-sdp`.
    AnswerSdp, answer, "The session description, as the browser gives it."
);
signal_body!(
    /// `POST …/ice-candidate`.
    Candidate, candidate, "The candidate, as the browser gives it; `null` for the end of candidates."
);

/// What `initiate` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Initiated {
    /// The new call.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub call_id: CallId,
    /// Its room.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub room_id: RoomId,
    /// Voice or video.
    pub call_type: CallType,
    /// `ringing`.
    pub status: Status,
    /// The caller's own STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// When ringing stops.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// Who was reached.
    pub delivery: Delivery,
}

/// Who was reached by a ring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivery {
    /// Users rung at once.
    pub live: usize,
    /// Users who are rung when they connect.
    pub pending: usize,
    /// Devices rung.
    pub devices: usize,
}

/// What `answer` and `join` answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Entered {
    /// The call.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub call_id: CallId,
    /// `active`, or `ringing` for a caller who brings in a device.
    pub status: Status,
    /// Its room.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub room_id: RoomId,
    /// Voice or video.
    pub call_type: CallType,
    /// The asker's own STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
}

/// What `reject`, `end` and `leave` answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stands {
    /// The call.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub call_id: CallId,
    /// Where it stands now.
    pub status: Status,
}

/// What the signals and the toggles answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// `true`.
    pub success: bool,
    /// After `toggle-audio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_enabled: Option<bool>,
    /// After `toggle-video`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_enabled: Option<bool>,
    /// After `toggle-screen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen_enabled: Option<bool>,
}

/// What `GET /api/calls/active` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Active {
    /// What rings for the asker now.
    pub calls: Vec<ActiveCall>,
    /// The asker's own STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
}

/// A row of [`Active`], in `snake_case` as existing clients read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActiveCall {
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
    /// `ringing`, or `active` where others in a group have answered.
    pub status: Status,
    /// When it was started.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

/// What `GET /api/calls/{callId}/status` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallStatus {
    /// The row of `call_sessions`.
    pub session: SessionRow,
    /// The rows of `call_participants`.
    pub participants: Vec<ParticipantRow>,
}

/// A row of `call_sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionRow {
    /// The call.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub call_id: CallId,
    /// Its room.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub room_id: RoomId,
    /// Voice or video.
    pub call_type: CallType,
    /// Where it stands.
    pub status: Status,
    /// Who started it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub initiator_id: UserId,
    /// When it was started.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When the first answer came.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub ended_at: Option<Timestamp>,
    /// When ringing stops, or stopped.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
}

/// A row of `call_participants`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParticipantRow {
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub matrix_user_id: UserId,
    /// Where this user stands.
    pub status: ParticipantStatus,
    /// Whether the microphone is on.
    pub audio_enabled: bool,
    /// Whether the camera is on.
    pub video_enabled: bool,
    /// Whether the screen is shared.
    #[serde(default)]
    pub screen_enabled: bool,
    /// When this user came in (last).
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub joined_at: Option<Timestamp>,
    /// When this user went, rejected or missed the call.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub left_at: Option<Timestamp>,
}

/// The status of a participant, as the contract names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ParticipantStatus {
    /// To be rung.
    Invited,
    /// A device was told.
    Ringing,
    /// In the call.
    Joined,
    /// Was in the call.
    Left,
    /// Said no.
    Rejected,
    /// Never answered.
    Missed,
}

/// What `GET /call-config.json` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallConfig {
    /// Where Ringback's HTTP is.
    pub base_url: String,
    /// Where its sockets are: `baseUrl` again, with the http scheme.
    pub websocket_url: String,
    /// Where the homeserver is.
    pub homeserver_url: String,
    /// STUN servers; with a valid token TURN servers too.
    pub ice_servers: Vec<IceServer>,
}

/// What `GET /api/ice-servers` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct IceServers {
    /// The asker's own STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// For how many seconds their credentials hold.
    pub ttl: u64,
}

/// What `GET /health` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// `healthy` or `unhealthy`.
    pub status: String,
    /// `connected` or `disconnected`.
    pub database: String,
}
