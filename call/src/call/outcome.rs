//! What comes of a command: effects, or a refusal.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EndReason, Ender, Media, Status};
use crate::ids::{DeviceId, UserId};

/// What other people must hear of a change, once it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Every device of this user rings.
    Ring {
        /// Who is rung.
        user: UserId,
        /// Until when.
        until: Timestamp,
        /// Whether they are in another call.
        busy: bool,
    },
    /// The one who rings hears that somebody is in another call.
    Busy {
        /// Who is.
        user: UserId,
        /// Who hears of it.
        to: UserId,
    },
    /// The caller's devices hear that somebody answered.
    Answered {
        /// Who did.
        by: UserId,
    },
    /// The caller's devices hear that somebody said no.
    Rejected {
        /// Who did.
        by: UserId,
        /// What they said.
        reason: Option<String>,
    },
    /// The user's other devices stop ringing.
    HandledElsewhere {
        /// Whose devices.
        user: UserId,
        /// What was done on the one.
        action: Handled,
    },
    /// The others in the call hear that a device came in.
    Entered {
        /// Whose device.
        user: UserId,
        /// Which.
        device: DeviceId,
        /// Who hears of it.
        to: Others,
    },
    /// The others in the call hear that a device went.
    Exited {
        /// Whose device.
        user: UserId,
        /// Which.
        device: DeviceId,
        /// Whether it was the user's last.
        gone: bool,
        /// Who hears of it.
        to: Others,
    },
    /// The others in the call hear that a microphone, camera or screen went on or off.
    Toggled {
        /// Whose.
        user: UserId,
        /// Which.
        media: Media,
        /// On or off.
        enabled: bool,
        /// Who hears of it.
        to: Others,
    },
    /// The call goes on, but these stop ringing.
    StopRinging {
        /// Who has missed it.
        users: Vec<UserId>,
        /// They took too long, or may not join any more.
        reason: EndReason,
    },
    /// The call is over, on every device that still shows it.
    Over {
        /// Who ended it.
        by: Ender,
        /// Why.
        reason: EndReason,
        /// Everyone whose devices may still show it.
        users: Vec<UserId>,
    },
}

/// The devices in a call that hear of another one.
pub type Others = BTreeSet<(UserId, DeviceId)>;

/// What was done on the device that handled a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Handled {
    /// It answered or joined.
    Answered,
    /// It rejected.
    Rejected,
}

/// Why something may not be done; each maps to one status and one errcode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 403: the caller is not in the room.
    #[error("you are not a joined member of this room: join it before you call")]
    NotMember,
    /// 403: not among the participants.
    #[error("you have no part in this call")]
    NotParticipant,
    /// 403: a participant, but not in the call now.
    #[error("you have not joined this call: answer or join it first")]
    NotJoined,
    /// 403: only the caller may.
    #[error("only the caller may end this call for everyone: leave `forAll` out to leave it yourself")]
    NotCaller,
    /// 403: a signal for somebody who is not in the call.
    #[error("targetUserId, or this device of theirs, is not in this call: name a participant, or `all`")]
    NoSuchTarget,
    /// 400: alone in the room, or no member among the invitees.
    #[error("there is nobody to ring: invite a joined member of the room other than yourself")]
    NobodyToRing,
    /// 400: too many to ring without naming them.
    #[error("this room has {members} members, too many to ring as a whole: name whom to ring in `invitees`")]
    RoomTooLarge {
        /// How many joined members it has.
        members: usize,
    },
    /// 400: a ring time out of bounds.
    #[error("ringTimeoutMs must be between 5000 and 300000")]
    RingTime,
    /// 409: not in this state.
    #[error("{why}")]
    State {
        /// Where the call stands.
        status: Status,
        /// What to do about it.
        why: &'static str,
    },
}
