//! Calls that are over: looking back at them, and forgetting them.

use call::{
    call::Status,
    ids::{CallId, UserId},
    wire::{Direction, Outcome, ParticipantStatus, PastCall},
};
use jiff::Timestamp;

use super::{Fault, Op, Record, Row, Tx};

/// The end of the year 9999, in milliseconds: later times no database keeps.
const LAST_MS: i64 = 253_402_300_799_999;

/// Where a page of history begins: behind this call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// When the call was started.
    pub created_at: Timestamp,
    /// The call.
    pub call: CallId,
}

pub struct LookBack {
    pub user: UserId,
    pub behind: Option<Behind>,
    pub limit: usize,
}

impl Op for LookBack {
    const NAME: &'static str = "look_back";

    type Out = (Vec<PastCall>, Option<Behind>);

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Out, Fault> {
        let (before, call) = match &self.behind {
            Some(behind) => (behind.created_at, behind.call.as_str()),
            None => (Timestamp::MAX, ""),
        };
        let rows = tx
            .query(
                "SELECT s.call_id, s.room_id, s.call_type, s.initiator_id, s.status, s.created_at, s.started_at, s.ended_at, \
                 p.status, p.joined_at, p.seen FROM call_participants p JOIN call_sessions s ON s.call_number = p.call_number \
                 WHERE p.matrix_user_id = $1 AND p.muted = $2 AND (p.called_at < $3 OR (p.called_at = $3 AND p.call_id < $4)) \
                 AND s.status NOT IN ('ringing', 'active') ORDER BY p.called_at DESC, p.call_id DESC LIMIT $5",
                &[
                    self.user.as_str().into(),
                    false.into(),
                    before.into(),
                    call.into(),
                    i64::try_from(self.limit + 1).unwrap_or(i64::MAX).into(),
                ],
            )
            .await?;
        let mut calls = rows.iter().map(|row| past_call(row, &self.user)).collect::<Result<Vec<_>, _>>()?;
        let more = calls.len() > self.limit;
        calls.truncate(self.limit);
        let next = calls.last().filter(|_| more);
        let next = next.map(|last| Behind { created_at: last.created_at, call: last.call_id.clone() });
        Ok((calls, next))
    }
}

fn past_call(row: &Row, user: &UserId) -> Result<PastCall, Fault> {
    let initiator_id: UserId = row.id(3)?;
    let (started_at, ended_at) = (row.some_time(6)?, row.some_time(7)?);
    let part = row.word::<ParticipantStatus>(8)?;
    let direction = if initiator_id == *user { Direction::Outgoing } else { Direction::Incoming };
    let outcome = match (row.word::<Status>(4)?, direction, part) {
        (_, Direction::Incoming, ParticipantStatus::Rejected) | (Status::Rejected, ..) => Outcome::Rejected,
        (Status::Missed, ..) => Outcome::Missed,
        (_, Direction::Incoming, ParticipantStatus::Left | ParticipantStatus::Joined) => Outcome::Answered,
        (_, Direction::Outgoing, _) if started_at.is_some() => Outcome::Answered,
        // Others in a group talked; this one did not come in.
        (_, Direction::Incoming, _) if started_at.is_some() => Outcome::Missed,
        _ => Outcome::Cancelled,
    };
    let missed = direction == Direction::Incoming && part == ParticipantStatus::Missed;
    let talked = started_at.filter(|_| outcome == Outcome::Answered).zip(ended_at);
    Ok(PastCall {
        call_id: row.id(0)?,
        room_id: row.id(1)?,
        call_type: row.word(2)?,
        initiator_id,
        direction,
        outcome,
        missed,
        seen: !missed || row.flag(10)?,
        created_at: row.time(5)?,
        started_at,
        ended_at,
        duration_ms: talked.map(|(from, to)| to.as_millisecond() - from.as_millisecond()),
    })
}

pub struct Records {
    pub id: CallId,
}

impl Op for Records {
    const NAME: &'static str = "records";
    type Out = Vec<Record>;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Record>, Fault> {
        let sql = "SELECT matrix_user_id, event_type, metadata, created_at FROM call_events \
                   WHERE call_number = (SELECT call_number FROM call_sessions WHERE call_id = $1) ORDER BY created_at, event_id";
        let rows = tx.query(sql, &[self.id.as_str().into()]).await?;
        let record = |row: &Row| {
            Ok(Record {
                user: row.some_text(0)?.map(|user| user.parse().map_err(Fault::new)).transpose()?,
                event_type: row.text(1)?.to_owned(),
                metadata: row.json(2)?,
                at: row.time(3)?,
            })
        };
        rows.iter().map(record).collect()
    }
}

pub struct MarkSeen {
    pub user: UserId,
    pub calls: Option<Vec<CallId>>,
}

impl Op for MarkSeen {
    const NAME: &'static str = "mark_seen";

    type Out = ();

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        let Some(calls) = &self.calls else {
            let sql = "UPDATE call_participants SET seen = $1 WHERE matrix_user_id = $2 AND seen = $3 AND status = 'missed'";
            return tx.execute(sql, &[true.into(), self.user.as_str().into(), false.into()]).await.map(drop);
        };
        for call in calls {
            let sql = "UPDATE call_participants SET seen = $1 WHERE matrix_user_id = $2 \
                       AND call_number = (SELECT call_number FROM call_sessions WHERE call_id = $3)";
            tx.execute(sql, &[true.into(), self.user.as_str().into(), call.as_str().into()]).await?;
        }
        Ok(())
    }
}

pub struct ForgetCalls {
    pub before: Timestamp,
}

impl Op for ForgetCalls {
    const NAME: &'static str = "forget_calls";

    type Out = u64;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<u64, Fault> {
        tx.execute("DELETE FROM call_sessions WHERE ended_at IS NOT NULL AND ended_at < $1", &[self.before.into()]).await
    }
}

/// What forgetting a user has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Calls that the user had started, gone with all about them.
    pub started: u64,
    /// Calls of others, in which the user does not appear any more.
    pub of_others: u64,
    /// Calls that are not over yet, and keep the user until they are.
    pub live: usize,
}

pub struct ForgetUser {
    pub user: UserId,
}

impl Op for ForgetUser {
    const NAME: &'static str = "forget_user";

    type Out = Forgotten;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Forgotten, Fault> {
        let user = || [self.user.as_str().into()];
        let started = tx.execute("DELETE FROM call_sessions WHERE initiator_id = $1 AND ended_at IS NOT NULL", &user()).await?;
        let of_others = tx
            .execute(
                "DELETE FROM call_participants WHERE matrix_user_id = $1 \
                 AND call_number IN (SELECT call_number FROM call_sessions WHERE ended_at IS NOT NULL)",
                &user(),
            )
            .await?;
        tx.execute(
            "DELETE FROM call_events WHERE matrix_user_id = $1 \
             AND call_number IN (SELECT call_number FROM call_sessions WHERE ended_at IS NOT NULL)",
            &user(),
        )
        .await?;
        tx.execute("UPDATE call_sessions SET ended_by = 'system' WHERE ended_by = $1", &user()).await?;
        let live = tx.query("SELECT call_id FROM call_participants WHERE matrix_user_id = $1", &user()).await?.len();
        Ok(Forgotten { started, of_others, live })
    }
}

impl std::fmt::Display for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.created_at.as_millisecond(), self.call)
    }
}

impl std::str::FromStr for Behind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ms, call) = text.split_once('_').ok_or(())?;
        let ms = ms.parse().ok().filter(|ms| (0..=LAST_MS).contains(ms)).ok_or(())?;
        let created_at = Timestamp::from_millisecond(ms).map_err(|_| ())?;
        Ok(Self { created_at, call: CallId::parse(call).map_err(|_| ())? })
    }
}
