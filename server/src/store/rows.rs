//! Between rows and calls.

use std::{collections::BTreeMap, str::FromStr};

use call::{
    call::{Call, CallType, EndReason, Ender, Part, Participant, Presence, State, Status},
    ids::{DeviceId, UserId},
    wire::ParticipantStatus,
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::{Fault, Row, Value};

/// The columns of `call_sessions`, in the order of [`call_of`].
pub const SESSION: &str = "call_id, room_id, call_type, initiator_id, caller_name, created_at, expires_at, \
                           status, started_at, ended_at, ended_by, end_reason, version, whole_room";

impl Row {
    pub(super) fn text(&self, index: usize) -> Result<&str, Fault> {
        match self.0.get(index) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(unexpected(index, "a text", other)),
        }
    }

    pub(super) fn some_text(&self, index: usize) -> Result<Option<&str>, Fault> {
        if matches!(self.0.get(index), Some(Value::Null)) { Ok(None) } else { self.text(index).map(Some) }
    }

    pub(super) fn id<T: FromStr>(&self, index: usize) -> Result<T, Fault> {
        self.text(index)?.parse().map_err(|_| Fault::new(format!("column {index} holds no such id")))
    }

    pub(super) fn word<T: DeserializeOwned>(&self, index: usize) -> Result<T, Fault> {
        serde_json::from_value(self.text(index)?.into()).map_err(Fault::new)
    }

    pub(super) fn json<T: DeserializeOwned>(&self, index: usize) -> Result<T, Fault> {
        serde_json::from_str(self.text(index)?).map_err(Fault::new)
    }

    fn int(&self, index: usize) -> Result<i64, Fault> {
        match self.0.get(index) {
            Some(Value::Int(number)) => Ok(*number),
            other => Err(unexpected(index, "a number", other)),
        }
    }

    pub(super) fn flag(&self, index: usize) -> Result<bool, Fault> {
        match self.0.get(index) {
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Int(number)) => Ok(*number != 0),
            other => Err(unexpected(index, "a flag", other)),
        }
    }

    pub(super) fn time(&self, index: usize) -> Result<Timestamp, Fault> {
        match self.0.get(index) {
            Some(Value::Time(time)) => Ok(*time),
            Some(Value::Text(text)) => text.parse().map_err(Fault::new),
            other => Err(unexpected(index, "a time", other)),
        }
    }

    pub(super) fn some_time(&self, index: usize) -> Result<Option<Timestamp>, Fault> {
        if matches!(self.0.get(index), Some(Value::Null)) { Ok(None) } else { self.time(index).map(Some) }
    }
}

fn unexpected(index: usize, wanted: &str, found: Option<&Value<'_>>) -> Fault {
    Fault::new(format!("column {index} should hold {wanted}, not {found:?}"))
}

/// The lower-case word that the contract and the tables have for a value.
pub fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Reads a call without its participants.
pub fn call_of(row: &Row) -> Result<Call, Fault> {
    Ok(Call {
        id: row.id(0)?,
        room: row.id(1)?,
        kind: row.word::<CallType>(2)?,
        caller: row.id(3)?,
        caller_name: row.text(4)?.to_owned(),
        created_at: row.time(5)?,
        expires_at: row.time(6)?,
        whole_room: row.flag(13)?,
        state: state_of(row)?,
        participants: BTreeMap::new(),
        version: row.int(12)?,
    })
}

fn state_of(row: &Row) -> Result<State, Fault> {
    Ok(match row.word::<Status>(7)? {
        Status::Ringing => State::Ringing,
        Status::Active => State::Active { since: row.time(8)? },
        Status::Ended => State::Ended {
            since: row.some_time(8)?,
            at: row.time(9)?,
            by: Ender::from(row.text(10)?.to_owned()),
            reason: row.word::<EndReason>(11)?,
        },
        Status::Rejected => State::Rejected { at: row.time(9)?, by: Ender::from(row.text(10)?.to_owned()) },
        Status::Missed => State::Missed { at: row.time(9)? },
    })
}

/// What a state says of its end: by whom, and why.
pub fn end_of(state: &State) -> (Option<&str>, Option<String>) {
    match state {
        State::Ringing | State::Active { .. } => (None, None),
        State::Ended { by, reason, .. } => (Some(by.as_str()), Some(word(reason))),
        State::Rejected { by, .. } => (Some(by.as_str()), Some(word(EndReason::Rejected))),
        State::Missed { .. } => (Some(Ender::System.as_str()), Some(word(EndReason::Timeout))),
    }
}

/// The columns of `call_participants`, in the order of [`participant_of`].
pub const PARTICIPANT: &str = "matrix_user_id, status, audio_enabled, video_enabled, screen_enabled, joined_at, left_at, \
                               first_device, devices, ring_until, muted";

/// Reads a participant.
pub fn participant_of(row: &Row) -> Result<(UserId, Participant), Fault> {
    let part = match row.word::<ParticipantStatus>(1)? {
        ParticipantStatus::Invited => Part::Invited { until: row.time(9)? },
        ParticipantStatus::Ringing => Part::Ringing { until: row.time(9)? },
        ParticipantStatus::Joined => {
            Part::Joined { since: row.time(5)?, first: row.id(7)?, devices: row.json::<BTreeMap<DeviceId, Presence>>(8)? }
        }
        ParticipantStatus::Left => Part::Left { since: row.time(5)?, at: row.time(6)? },
        ParticipantStatus::Rejected => Part::Rejected { at: row.time(6)? },
        ParticipantStatus::Missed => Part::Missed { at: row.time(6)? },
    };
    let participant = Participant { part, audio: row.flag(2)?, video: row.flag(3)?, screen: row.flag(4)?, muted: row.flag(10)? };
    Ok((row.some_text(0)?.unwrap_or_default().parse().map_err(Fault::new)?, participant))
}

/// A participant's status, and when it came in and went.
pub fn times_of(part: &Part) -> (ParticipantStatus, Option<Timestamp>, Option<Timestamp>) {
    match part {
        Part::Invited { .. } => (ParticipantStatus::Invited, None, None),
        Part::Ringing { .. } => (ParticipantStatus::Ringing, None, None),
        Part::Joined { since, .. } => (ParticipantStatus::Joined, Some(*since), None),
        Part::Left { since, at } => (ParticipantStatus::Left, Some(*since), Some(*at)),
        Part::Rejected { at } => (ParticipantStatus::Rejected, None, Some(*at)),
        Part::Missed { at } => (ParticipantStatus::Missed, None, Some(*at)),
    }
}
