//! What is asked of the database, in the SQL that both share.

use std::sync::Arc;

use call::{
    call::{Call, Part, Participant},
    ids::{CallId, RoomId, UserId},
    wire::Delivery,
};
use const_format::formatcp;
use jiff::Timestamp;

use super::{
    Created, Fault, IdempotencyKey, KeyedAnswer, Note, Op, Transition, Tx, Value,
    rows::{PARTICIPANT, SESSION, call_of, end_of, participant_of, times_of, word},
};

pub struct Create {
    pub call: Arc<Call>,
    pub log: Vec<Transition>,
    pub key: Option<IdempotencyKey>,
}

impl Op for Create {
    const NAME: &'static str = "create";

    type Out = Created;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Created, Fault> {
        let call = &*self.call;
        if let Some(key) = &self.key
            && let Some(used) = find_key(tx, &call.caller, &key.key).await?
        {
            return Ok(Created::KeyUsed(used));
        }
        let inserted = tx
            .execute(
                "INSERT INTO call_sessions (call_id, room_id, call_type, status, initiator_id, caller_name, created_at, \
                 expires_at, deadline, version, whole_room) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
                &[
                    call.id.as_str().into(),
                    call.room.as_str().into(),
                    word(call.kind).into(),
                    word(call.status()).into(),
                    call.caller.as_str().into(),
                    call.caller_name.as_str().into(),
                    call.created_at.into(),
                    call.expires_at.into(),
                    call.deadline().into(),
                    call.version.into(),
                    call.whole_room.into(),
                ],
            )
            .await?;
        if inserted == 0 {
            // On PostgreSQL the INSERT has waited for whoever was first: perhaps the very same request.
            if let Some(key) = &self.key
                && let Some(used) = find_key(tx, &call.caller, &key.key).await?
            {
                return Ok(Created::KeyUsed(used));
            }
            let live = live_in_room(tx, &call.room).await?;
            return live.map(Created::RoomBusy).ok_or_else(|| Fault::new("the room's call ended while another began: try again"));
        }
        for (user, participant) in &call.participants {
            put_participant(tx, call, user, participant).await?;
        }
        put_log(tx, &call.id, &self.log, call.created_at).await?;
        if let Some(key) = &self.key {
            tx.execute(
                "INSERT INTO idempotency_keys (user_id, idempotency_key, body_hash, call_id, delivery, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    call.caller.as_str().into(),
                    key.key.as_str().into(),
                    key.body_hash.as_str().into(),
                    call.id.as_str().into(),
                    json(&Delivery { pending: call.participants.len() - 1, ..Delivery::default() }).into(),
                    call.created_at.into(),
                ],
            )
            .await?;
        }
        Ok(Created::Done)
    }
}

pub struct Update {
    pub before: Arc<Call>,
    pub after: Arc<Call>,
    pub log: Vec<Transition>,
    pub at: Timestamp,
}

impl Op for Update {
    const NAME: &'static str = "update";

    type Out = bool;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        let (before, after) = (&*self.before, &*self.after);
        let (ended_by, end_reason) = end_of(&after.state);
        let changed = tx
            .execute(
                "UPDATE call_sessions SET status = $1, started_at = $2, ended_at = $3, ended_by = $4, end_reason = $5, \
                 deadline = $6, version = $7 WHERE call_id = $8 AND version = $9",
                &[
                    word(after.status()).into(),
                    after.started_at().into(),
                    after.ended_at().into(),
                    ended_by.into(),
                    end_reason.into(),
                    after.deadline().into(),
                    after.version.into(),
                    after.id.as_str().into(),
                    before.version.into(),
                ],
            )
            .await?;
        if changed == 0 {
            return Ok(false);
        }
        for (user, participant) in &after.participants {
            if before.participants.get(user) != Some(participant) {
                put_participant(tx, after, user, participant).await?;
            }
        }
        put_log(tx, &after.id, &self.log, self.at).await?;
        Ok(true)
    }
}

async fn put_participant<T: Tx>(tx: &mut T, call: &Call, user: &UserId, participant: &Participant) -> Result<(), Fault> {
    let (status, joined_at, left_at) = times_of(&participant.part);
    let (first, devices, until) = match &participant.part {
        Part::Joined { first, devices, .. } => (Some(first.as_str()), Some(json(devices)), None),
        Part::Invited { until } | Part::Ringing { until } => (None, None, Some(*until)),
        Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. } => (None, None, None),
    };
    tx.execute(
        "INSERT INTO call_participants (call_number, call_id, matrix_user_id, status, audio_enabled, video_enabled, screen_enabled, \
         joined_at, left_at, first_device, devices, ring_until, muted, called_at) \
         SELECT call_number, call_id, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM call_sessions WHERE call_id = $13 \
         ON CONFLICT (call_number, matrix_user_id) DO UPDATE SET status = excluded.status, audio_enabled = excluded.audio_enabled, \
         video_enabled = excluded.video_enabled, screen_enabled = excluded.screen_enabled, joined_at = excluded.joined_at, \
         left_at = excluded.left_at, first_device = excluded.first_device, devices = excluded.devices, \
         ring_until = excluded.ring_until, muted = excluded.muted, \
         seen = call_participants.seen AND excluded.status NOT IN ('invited', 'ringing')",
        &[
            user.as_str().into(),
            word(status).into(),
            participant.audio.into(),
            participant.video.into(),
            participant.screen.into(),
            joined_at.into(),
            left_at.into(),
            first.into(),
            devices.into(),
            until.into(),
            participant.muted.into(),
            call.created_at.into(),
            call.id.as_str().into(),
        ],
    )
    .await
    .map(drop)
}

async fn put_log<T: Tx>(tx: &mut T, id: &CallId, log: &[Transition], at: Timestamp) -> Result<(), Fault> {
    for transition in log {
        put_event(tx, id, transition, at).await?;
    }
    Ok(())
}

/// Adds a row about a call, if the call is there.
async fn put_event<T: Tx>(tx: &mut T, id: &CallId, what: &Transition, at: Timestamp) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO call_events (call_number, call_id, matrix_user_id, event_type, metadata, created_at) \
         SELECT call_number, call_id, $1, $2, $3, $4 FROM call_sessions WHERE call_id = $5",
        &[
            what.user.as_ref().map(UserId::as_str).into(),
            what.event_type.into(),
            what.metadata.to_string().into(),
            at.into(),
            id.as_str().into(),
        ],
    )
    .await
    .map(drop)
}

pub struct AddNotes {
    pub notes: Vec<Note>,
}

impl Op for AddNotes {
    const NAME: &'static str = "add_notes";
    type Out = ();

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        for Note { call, what, at } in &self.notes {
            put_event(tx, call, what, *at).await?;
        }
        Ok(())
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub struct Load {
    pub id: CallId,
}

impl Op for Load {
    const NAME: &'static str = "load";

    type Out = Option<Call>;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Call>, Fault> {
        let rows =
            tx.query(formatcp!("SELECT {SESSION} FROM call_sessions WHERE call_id = $1"), &[self.id.as_str().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        with_participants(tx, call_of(row)?).await.map(Some)
    }
}

async fn with_participants<T: Tx>(tx: &mut T, mut call: Call) -> Result<Call, Fault> {
    let sql = formatcp!(
        "SELECT {PARTICIPANT} FROM call_participants WHERE call_number = (SELECT call_number FROM call_sessions WHERE call_id = $1)"
    );
    let rows = tx.query(sql, &[call.id.as_str().into()]).await?;
    call.participants = rows.iter().map(participant_of).collect::<Result<_, _>>()?;
    Ok(call)
}

async fn calls<T: Tx>(tx: &mut T, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Call>, Fault> {
    let mut calls = Vec::new();
    for row in tx.query(sql, values).await? {
        calls.push(with_participants(tx, call_of(&row)?).await?);
    }
    Ok(calls)
}

pub struct Live;

impl Op for Live {
    const NAME: &'static str = "live";

    type Out = Vec<Call>;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Call>, Fault> {
        let sql = formatcp!("SELECT {SESSION} FROM call_sessions WHERE status IN ('ringing', 'active') ORDER BY created_at");
        calls(tx, sql, &[]).await
    }
}

pub struct LiveOfUser {
    pub user: UserId,
}

impl Op for LiveOfUser {
    const NAME: &'static str = "live_of_user";

    type Out = Vec<Call>;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Call>, Fault> {
        // In the words of the index.
        let sql = formatcp!(
            "SELECT {SESSION} FROM call_sessions WHERE call_number IN (SELECT call_number FROM call_participants WHERE matrix_user_id = $1 \
             AND (status = 'invited' OR status = 'ringing' OR status = 'joined')) ORDER BY created_at"
        );
        calls(tx, sql, &[self.user.as_str().into()]).await
    }
}

async fn live_in_room<T: Tx>(tx: &mut T, room: &RoomId) -> Result<Option<CallId>, Fault> {
    let sql = "SELECT call_id FROM call_sessions WHERE room_id = $1 AND status IN ('ringing', 'active')";
    tx.query(sql, &[room.as_str().into()]).await?.first().map(|row| row.id(0)).transpose()
}

pub struct Due {
    pub by: Timestamp,
}

impl Op for Due {
    const NAME: &'static str = "due";

    type Out = Vec<CallId>;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<CallId>, Fault> {
        let sql = "SELECT call_id FROM call_sessions WHERE deadline IS NOT NULL AND deadline <= $1 ORDER BY deadline";
        tx.query(sql, &[self.by.into()]).await?.iter().map(|row| row.id(0)).collect()
    }
}

pub struct NextDeadline;

impl Op for NextDeadline {
    const NAME: &'static str = "next_deadline";

    type Out = Option<Timestamp>;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Timestamp>, Fault> {
        let rows = tx.query("SELECT MIN(deadline) FROM call_sessions WHERE deadline IS NOT NULL", &[]).await?;
        rows.first().map_or(Ok(None), |row| row.some_time(0))
    }
}

pub struct FindKey {
    pub user: UserId,
    pub key: String,
}

impl Op for FindKey {
    const NAME: &'static str = "find_key";

    type Out = Option<KeyedAnswer>;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<KeyedAnswer>, Fault> {
        find_key(tx, &self.user, &self.key).await
    }
}

async fn find_key<T: Tx>(tx: &mut T, user: &UserId, key: &str) -> Result<Option<KeyedAnswer>, Fault> {
    let sql = "SELECT body_hash, call_id, delivery FROM idempotency_keys WHERE user_id = $1 AND idempotency_key = $2";
    let rows = tx.query(sql, &[user.as_str().into(), key.into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(KeyedAnswer { body_hash: row.text(0)?.to_owned(), call_id: row.id(1)?, delivery: row.json(2)? }))
}

pub struct SetDelivery {
    pub user: UserId,
    pub key: String,
    pub delivery: Delivery,
}

impl Op for SetDelivery {
    const NAME: &'static str = "set_delivery";

    type Out = ();

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        let sql = "UPDATE idempotency_keys SET delivery = $1 WHERE user_id = $2 AND idempotency_key = $3";
        let values = [json(&self.delivery).into(), self.user.as_str().into(), self.key.as_str().into()];
        tx.execute(sql, &values).await.map(drop)
    }
}

pub struct ForgetKeys {
    pub before: Timestamp,
}

impl Op for ForgetKeys {
    const NAME: &'static str = "forget_keys";

    type Out = ();

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        tx.execute("DELETE FROM idempotency_keys WHERE created_at < $1", &[self.before.into()]).await.map(drop)
    }
}

pub struct Ping;

impl Op for Ping {
    const NAME: &'static str = "ping";

    type Out = ();

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        tx.query("SELECT version FROM call_sessions LIMIT 1", &[]).await.map(drop)
    }
}
