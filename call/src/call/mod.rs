//! The life of one call. Total functions: what may not happen is a [`Refusal`], never a panic or a silent no-op.
//!
//! ```text
//!             answer               end, or too few are left
//!  Ringing ───────────────► Active ─────────────────────────► Ended(hangup | disconnected)
//!     │ every invitee rejects ► Rejected
//!     │ caller ends           ► Ended(cancelled)
//!     │ caller is lost        ► Ended(disconnected)
//!     └ ring timeout          ► Missed
//!
//!  one participant:
//!             answer, join                leave, end, lost
//!  Invited ─► Ringing ────────────► Joined ───────────────► Left
//!     │          │ ▲                  ▲ answer or join while the call is active
//!     │          │ └── a device was told
//!     └──────────┼─► Rejected ────────┤
//!                └─► Missed ──────────┘
//! ```
//!
//! A call with two participants is *between two*: it ends when either is gone. With more it is a *group*: it ends when
//! nobody is left in it, and whoever has not answered goes on ringing until the ring timeout.
//!
//! Effects are data and name their receivers, so that they can be carried out after the new state was stored.

mod apply;
mod command;
mod outcome;
mod start;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{CallId, DeviceId, RoomId, UserId};

pub use command::{Command, Media};
pub use outcome::{Effect, Handled, Others, Refusal};
pub use start::{MAX_RING, MAX_RUNG_AS_A_WHOLE, MIN_RING, Request, start};

/// How long somebody who answered without a connection has to make one (contract, section 5).
pub const CONNECT_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// Voice or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CallType {
    /// Sound alone.
    Voice,
    /// Sound and picture.
    Video,
}

/// A call, whole: what the store keeps, and what is decided upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub id: CallId,
    /// The room whose members it rings.
    pub room: RoomId,
    /// Voice or video.
    pub kind: CallType,
    /// Who started it.
    pub caller: UserId,
    /// What to show as the caller's name.
    pub caller_name: String,
    /// When it was started.
    pub created_at: Timestamp,
    /// When ringing stops for those who were rung at the start.
    pub expires_at: Timestamp,
    /// Whether it rings every member of the room, those who come in while it rings included.
    pub whole_room: bool,
    /// Where it stands.
    pub state: State,
    /// Everyone who was invited or has joined, the caller among them.
    pub participants: BTreeMap<UserId, Participant>,
    /// Counts the changes; every write is guarded by it.
    pub version: i64,
}

/// Where a call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nobody has answered yet.
    Ringing,
    /// Somebody has answered.
    Active {
        /// When the first answer came.
        since: Timestamp,
    },
    /// Over: cancelled, hung up, or everyone was lost.
    Ended {
        /// When the first answer came, if one did.
        since: Option<Timestamp>,
        /// When it ended.
        at: Timestamp,
        /// Who ended it.
        by: Ender,
        /// Why.
        reason: EndReason,
    },
    /// Over: every invitee rejected it.
    Rejected {
        /// When the last invitee rejected.
        at: Timestamp,
        /// Who that was.
        by: Ender,
    },
    /// Over: nobody answered in time.
    Missed {
        /// When it stopped ringing.
        at: Timestamp,
    },
}

/// The status of a call, as the contract names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nobody has answered yet.
    Ringing,
    /// Somebody has answered.
    Active,
    /// Hung up, cancelled, or given up as everyone was lost.
    Ended,
    /// Every invitee rejected it.
    Rejected,
    /// Nobody answered in time.
    Missed,
}

/// Who ended a call: a user id, or `system` on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Ender {
    /// A participant did.
    User(UserId),
    /// A timer did.
    System,
}

impl Serialize for Ender {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Ender {
    /// The wire's and the store's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(user) => user.as_str(),
            Self::System => "system",
        }
    }
}

impl From<String> for Ender {
    fn from(text: String) -> Self {
        UserId::parse(&text).map_or(Self::System, Self::User)
    }
}

/// Why a call is over for those who are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// A participant ended a call that had been answered.
    Hangup,
    /// The caller ended it before anyone answered.
    Cancelled,
    /// Every invitee rejected it.
    Rejected,
    /// Nobody answered in time.
    Timeout,
    /// Too few were left after connections were lost.
    Disconnected,
}

/// What one user is to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Where this user stands.
    pub part: Part,
    /// Whether the microphone is on.
    pub audio: bool,
    /// Whether the camera is on.
    pub video: bool,
    /// Whether the screen is shared.
    pub screen: bool,
    /// Whether this user ignores the caller, and is never told. The caller sees somebody who is not connected.
    pub muted: bool,
}

/// What is known of somebody who is about to be rung.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Whether a device can be told at once.
    pub online: bool,
    /// Whether they are in another call.
    pub busy: bool,
    /// Whether they ignore the one who rings.
    pub ignores: bool,
}

/// Where a participant stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// To be rung; no device was told yet.
    Invited {
        /// When it is missed.
        until: Timestamp,
    },
    /// At least one device was told.
    Ringing {
        /// When it is missed.
        until: Timestamp,
    },
    /// In the call, with these devices.
    Joined {
        /// When this user came in (last).
        since: Timestamp,
        /// The device that answered, joined or called first.
        first: DeviceId,
        /// Every device that is in the call.
        devices: BTreeMap<DeviceId, Presence>,
    },
    /// Was in the call, and went.
    Left {
        /// When this user had come in.
        since: Timestamp,
        /// When this user went.
        at: Timestamp,
    },
    /// Said no.
    Rejected {
        /// When.
        at: Timestamp,
    },
    /// Never answered.
    Missed {
        /// When ringing stopped.
        at: Timestamp,
    },
}

/// Whether a device in the call can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It has a socket.
    Connected,
    /// It never had a socket during the call, and may go without one for now: a caller while it rings.
    Awaited,
    /// It has no socket, and has left the call if it is not back by then.
    Until(Timestamp),
}

impl Call {
    /// The status, as the contract names it.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.state {
            State::Ringing => Status::Ringing,
            State::Active { .. } => Status::Active,
            State::Ended { .. } => Status::Ended,
            State::Rejected { .. } => Status::Rejected,
            State::Missed { .. } => Status::Missed,
        }
    }

    /// Whether nothing more can happen to it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self.state, State::Ringing | State::Active { .. })
    }

    /// When the first answer came.
    #[must_use]
    pub fn started_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Active { since } => Some(since),
            State::Ended { since, .. } => since,
            State::Ringing | State::Rejected { .. } | State::Missed { .. } => None,
        }
    }

    /// When it was over.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Ended { at, .. } | State::Rejected { at, .. } | State::Missed { at } => Some(at),
            State::Ringing | State::Active { .. } => None,
        }
    }

    /// When [`Call::expire`] has something to do, unless something else happens first.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        if self.is_over() {
            return None;
        }
        let missed = match self.state {
            State::Ringing => Some(self.expires_at),
            State::Active { .. } => self.participants.values().filter_map(|p| p.part.rung_until()).min(),
            State::Ended { .. } | State::Rejected { .. } | State::Missed { .. } => None,
        };
        let absent = self.participants.values().flat_map(|p| p.part.devices()).filter_map(|(_, presence)| match presence {
            Presence::Until(until) => Some(*until),
            Presence::Connected | Presence::Awaited => None,
        });
        missed.into_iter().chain(absent).min()
    }

    /// Whether this user is being rung now.
    #[must_use]
    pub fn rings(&self, user: &UserId) -> bool {
        self.rung_until(user).is_some()
    }

    /// Until when this user is being rung.
    #[must_use]
    pub fn rung_until(&self, user: &UserId) -> Option<Timestamp> {
        let participant = self.participants.get(user).filter(|p| !p.muted && !self.is_over())?;
        participant.part.rung_until()
    }

    /// The devices in the call.
    pub fn devices(&self) -> impl Iterator<Item = (&UserId, &DeviceId)> {
        self.participants.iter().flat_map(|(user, p)| p.part.devices().map(move |(device, _)| (user, device)))
    }

    /// The devices in the call, but one.
    #[must_use]
    pub fn others(&self, user: &UserId, device: &DeviceId) -> Others {
        self.devices().filter(|other| *other != (user, device)).map(|(u, d)| (u.clone(), d.clone())).collect()
    }

    fn is_ringing_anyone(&self) -> bool {
        self.participants.values().any(|p| p.part.is_rung())
    }
}

impl Part {
    /// Whether this user's devices ring, or would if there were any.
    #[must_use]
    pub fn is_rung(&self) -> bool {
        self.rung_until().is_some()
    }

    fn rung_until(&self) -> Option<Timestamp> {
        match self {
            Self::Invited { until } | Self::Ringing { until } => Some(*until),
            Self::Joined { .. } | Self::Left { .. } | Self::Rejected { .. } | Self::Missed { .. } => None,
        }
    }

    /// The devices in the call; none for somebody who is not in it.
    pub fn devices(&self) -> impl Iterator<Item = (&DeviceId, &Presence)> {
        match self {
            Self::Joined { devices, .. } => Some(devices.iter()),
            Self::Invited { .. } | Self::Ringing { .. } | Self::Left { .. } | Self::Rejected { .. } | Self::Missed { .. } => None,
        }
        .into_iter()
        .flatten()
    }
}
