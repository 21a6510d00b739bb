//! What users ask of a call.

use jiff::Timestamp;

use super::Reach;
use crate::ids::{DeviceId, UserId};

/// Microphone, camera or screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// The microphone.
    Audio,
    /// The camera.
    Video,
    /// The shared screen.
    Screen,
}

/// What a user asks of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Pick up.
    Answer {
        /// The device that does.
        device: DeviceId,
        /// Whether it has a socket now.
        connected: bool,
    },
    /// Say no.
    Reject {
        /// What the caller may be told.
        reason: Option<String>,
    },
    /// Enter an active call, or bring one more device into it. That a user who is not a participant is a member of the
    /// room is for the asker to check.
    Join {
        /// The device that enters.
        device: DeviceId,
        /// Whether it has a socket now.
        connected: bool,
    },
    /// Take a device out of the call.
    Leave {
        /// The device that leaves.
        device: DeviceId,
    },
    /// Hang up, cancel, or (while being rung) reject.
    End {
        /// Whether the caller ends a group call for everyone.
        for_all: bool,
    },
    /// Ring more members of the room. That they are members is for the asker to check.
    Invite {
        /// Whom, and what is known of them.
        users: Vec<(UserId, Reach)>,
        /// Until when they ring.
        until: Timestamp,
    },
    /// Microphone, camera or screen on or off.
    Toggle {
        /// Which.
        media: Media,
        /// On or off.
        enabled: bool,
    },
    /// A device that is in the call has a socket.
    Connected {
        /// The device.
        device: DeviceId,
    },
    /// A device that is in the call has lost its last socket.
    Disconnected {
        /// The device.
        device: DeviceId,
        /// When it counts as left.
        until: Timestamp,
    },
}
