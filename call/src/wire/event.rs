//! Messages of the server on the sockets (contract, section 4).

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ErrorBody, IceServer, SignalKind, Target};
use crate::{
    call::{CallType, EndReason, Ender, Handled, Status},
    ids::{CallId, DeviceId, RoomId, SessionId, UserId},
};

/// A message of the server. Without `eventId`, which each session counts for itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ServerEvent {
    /// This connection is a device of the user.
    Registered {
        /// The user.
        user_id: UserId,
        /// The device that the token belongs to.
        device_id: DeviceId,
        /// What to resume after a lost connection.
        session_id: SessionId,
        /// For how long that is possible, in milliseconds.
        grace_period_ms: u64,
        /// The server's clock.
        server_time: Timestamp,
    },
    /// A call rings.
    IncomingCall(Box<IncomingCall>),
    /// Somebody answered the caller.
    CallAnswered {
        /// The call.
        call_id: CallId,
        /// Who answered.
        answered_by: UserId,
        /// Its room.
        room_id: RoomId,
        /// Voice or video.
        call_type: CallType,
    },
    /// Somebody rejected the caller.
    CallRejected {
        /// The call.
        call_id: CallId,
        /// Who rejected.
        rejected_by: UserId,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Somebody who is being rung is in another call.
    CalleeBusy {
        /// The call that rings.
        call_id: CallId,
        /// Who is.
        user_id: UserId,
    },
    /// Another device of the same user has handled the ring: stop.
    CallHandledElsewhere {
        /// The call.
        call_id: CallId,
        /// What it did.
        action: Handled,
    },
    /// The call is over, or rings no longer: stop.
    CallEnded {
        /// The call.
        call_id: CallId,
        /// A user id, or `system`.
        ended_by: Ender,
        /// Why.
        reason: EndReason,
    },
    /// A device came into the call.
    UserJoined {
        /// The call.
        call_id: CallId,
        /// Whose device.
        user_id: UserId,
        /// Which.
        device_id: DeviceId,
    },
    /// A device went out of the call.
    UserLeft {
        /// The call.
        call_id: CallId,
        /// Whose device.
        user_id: UserId,
        /// Which.
        device_id: DeviceId,
    },
    /// The full state, where events may have been missed.
    Resync {
        /// Every call that rings for the user, or has the user in it.
        calls: Vec<ResyncCall>,
    },
    /// An offer from another device.
    WebrtcOffer {
        /// Who sends it, to whom.
        #[serde(flatten)]
        route: Route,
        /// As the browser gave it.
        offer: serde_json::Value,
    },
    /// An answer from another device.
    WebrtcAnswer {
        /// Who sends it, to whom.
        #[serde(flatten)]
        route: Route,
        /// As the browser gave it.
        answer: serde_json::Value,
    },
    /// A candidate from another device.
    IceCandidate {
        /// Who sends it, to whom.
        #[serde(flatten)]
        route: Route,
        /// As the browser gave it.
        candidate: serde_json::Value,
    },
    /// A microphone went on or off.
    AudioToggled(Toggled),
    /// A camera went on or off.
    VideoToggled(Toggled),
    /// A shared screen went on or off.
    ScreenToggled(Toggled),
    /// The server goes: connect again.
    ServerShutdown {
        /// After how many milliseconds.
        reconnect_after_ms: u64,
    },
    /// Socket.IO: a message without an acknowledgement was refused.
    CallError(Box<Refused>),
    /// Plain WebSocket: a message without an `id` was refused.
    Error(Box<Refused>),
    /// Plain WebSocket: the answer to a message with an `id`.
    Ack(Box<Ack>),
}

impl ServerEvent {
    /// The event's name, as in `type`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Registered { .. } => "registered",
            Self::IncomingCall(_) => "incoming-call",
            Self::CallAnswered { .. } => "call-answered",
            Self::CallRejected { .. } => "call-rejected",
            Self::CalleeBusy { .. } => "callee-busy",
            Self::CallHandledElsewhere { .. } => "call-handled-elsewhere",
            Self::CallEnded { .. } => "call-ended",
            Self::UserJoined { .. } => "user-joined",
            Self::UserLeft { .. } => "user-left",
            Self::Resync { .. } => "resync",
            Self::WebrtcOffer { .. } => SignalKind::Offer.event(),
            Self::WebrtcAnswer { .. } => SignalKind::Answer.event(),
            Self::IceCandidate { .. } => SignalKind::Candidate.event(),
            Self::AudioToggled(_) => "audio-toggled",
            Self::VideoToggled(_) => "video-toggled",
            Self::ScreenToggled(_) => "screen-toggled",
            Self::ServerShutdown { .. } => "server-shutdown",
            Self::CallError(_) => "call-error",
            Self::Error(_) => "error",
            Self::Ack(_) => "ack",
        }
    }
}

/// What an incoming call brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomingCall {
    /// `incoming_call`.
    pub event_type: Cow<'static, str>,
    /// The call.
    pub call_id: CallId,
    /// Voice or video.
    pub call_type: CallType,
    /// Its room.
    pub room_id: RoomId,
    /// What to show as the caller's name.
    pub caller_name: String,
    /// Who calls.
    pub caller_id: UserId,
    /// Who calls.
    pub initiator_id: UserId,
    /// The receiver's own STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Where the receiver reaches Ringback.
    pub base_url: String,
    /// When ringing stops.
    pub expires_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// Whether the receiver is in another call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub busy: bool,
}

/// A call in a [`ServerEvent::Resync`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResyncCall {
    /// The call.
    pub call_id: CallId,
    /// Its room.
    pub room_id: RoomId,
    /// Voice or video.
    pub call_type: CallType,
    /// `ringing` or `active`.
    pub status: Status,
    /// Who started it.
    pub initiator_id: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When ringing stops, or stopped.
    pub expires_at: Timestamp,
    /// Everyone in it.
    pub participants: Vec<ResyncParticipant>,
}

/// A participant in a [`ResyncCall`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResyncParticipant {
    /// Who.
    pub user_id: UserId,
    /// Where this user stands.
    pub status: super::ParticipantStatus,
    /// Whether the microphone is on.
    pub audio_enabled: bool,
    /// Whether the camera is on.
    pub video_enabled: bool,
    /// Whether the screen is shared.
    pub screen_enabled: bool,
    /// The devices in the call.
    pub devices: Vec<DeviceId>,
}

/// Who sends a signal, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// The call.
    pub call_id: CallId,
    /// The sender, as the server knows it.
    pub from_user_id: UserId,
    /// The sender's device, as the server knows it.
    pub from_device_id: DeviceId,
    /// The user it was sent to, or `all`.
    pub target_user_id: Target,
}

/// A microphone, camera or screen of a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Toggled {
    /// The call.
    pub call_id: CallId,
    /// Whose.
    pub user_id: UserId,
    /// On or off.
    pub enabled: bool,
}

/// A refused message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// `false`.
    #[serde(default)]
    pub ok: bool,
    /// The refused event's name, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Why.
    #[serde(flatten)]
    pub error: ErrorBody,
}

/// The answer to a message with an `id`, or to one with an acknowledgement callback.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ack {
    /// The `id` of the message; absent on Socket.IO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<serde_json::Value>,
    /// Whether it was done.
    pub ok: bool,
    /// Why not.
    #[serde(flatten)]
    pub error: Option<ErrorBody>,
    /// After `join-call`: what the answer to `POST …/join` holds.
    #[serde(flatten)]
    pub entered: Option<super::Entered>,
}
