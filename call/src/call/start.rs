//! How a call begins.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Call, CallType, Effect, Part, Participant, Presence, Reach, Refusal, State};
use crate::ids::{CallId, DeviceId, RoomId, UserId};

/// The shortest time a call may ring (contract, section 3).
pub const MIN_RING: SignedDuration = SignedDuration::from_secs(5);
/// The longest time a call may ring (contract, section 3).
pub const MAX_RING: SignedDuration = SignedDuration::from_secs(300);
/// How many members a room may have to be rung without naming whom.
pub const MAX_RUNG_AS_A_WHOLE: usize = 100;

/// What somebody asks for who starts a call.
#[derive(Debug, Clone)]
pub struct Request {
    /// The room to ring.
    pub room: RoomId,
    /// Voice or video.
    pub kind: CallType,
    /// Who calls.
    pub caller: UserId,
    /// What to show as the caller's name.
    pub caller_name: String,
    /// The caller's device.
    pub device: DeviceId,
    /// Whether that device has a socket now.
    pub connected: bool,
    /// Whom to ring, where not everyone.
    pub invitees: Option<Vec<UserId>>,
    /// How long to ring.
    pub ring_for: SignedDuration,
}

/// Starts a call: who is rung, and until when.
///
/// `members` are the room's joined members; `reach` tells what is known of one.
///
/// # Errors
/// [`Refusal::NotMember`], [`Refusal::NobodyToRing`], [`Refusal::RoomTooLarge`], [`Refusal::RingTime`].
pub fn start(
    now: Timestamp,
    id: CallId,
    request: Request,
    members: &BTreeSet<UserId>,
    reach: impl Fn(&UserId) -> Reach,
) -> Result<(Call, Vec<Effect>), Refusal> {
    if !members.contains(&request.caller) {
        return Err(Refusal::NotMember);
    }
    if !(MIN_RING..=MAX_RING).contains(&request.ring_for) {
        return Err(Refusal::RingTime);
    }
    let whole_room = request.invitees.is_none();
    let rung: BTreeSet<UserId> = match request.invitees {
        Some(invitees) => invitees.into_iter().filter(|user| members.contains(user)).collect(),
        None if members.len() > MAX_RUNG_AS_A_WHOLE => return Err(Refusal::RoomTooLarge { members: members.len() }),
        None => members.clone(),
    };
    let rung: Vec<UserId> = rung.into_iter().filter(|user| *user != request.caller).collect();
    if rung.is_empty() {
        return Err(Refusal::NobodyToRing);
    }

    let expires_at = now + request.ring_for;
    let presence = if request.connected { Presence::Connected } else { Presence::Awaited };
    let part = Part::Joined { since: now, devices: BTreeMap::from([(request.device.clone(), presence)]), first: request.device };
    let caller = Participant { part, audio: true, video: request.kind == CallType::Video, screen: false, muted: false };
    let mut call = Call {
        id,
        room: request.room,
        kind: request.kind,
        participants: BTreeMap::from([(request.caller.clone(), caller)]),
        caller: request.caller.clone(),
        caller_name: request.caller_name,
        created_at: now,
        expires_at,
        whole_room,
        state: State::Ringing,
        version: 0,
    };
    let mut effects = Vec::new();
    for user in rung {
        let reach = reach(&user);
        call.ring(user, reach, expires_at, &request.caller, &mut effects);
    }
    Ok((call, effects))
}

impl Call {
    /// Rings somebody. Whoever ignores the one who rings is not told, and looks like somebody who is not connected.
    pub(super) fn ring(&mut self, user: UserId, reach: Reach, until: Timestamp, by: &UserId, effects: &mut Vec<Effect>) {
        let muted = reach.ignores;
        let part = if reach.online && !muted { Part::Ringing { until } } else { Part::Invited { until } };
        let video = self.kind == CallType::Video;
        self.participants.insert(user.clone(), Participant { part, audio: true, video, screen: false, muted });
        if muted {
            return;
        }
        effects.push(Effect::Ring { user: user.clone(), until, busy: reach.busy });
        if reach.busy {
            effects.push(Effect::Busy { user, to: by.clone() });
        }
    }
}
