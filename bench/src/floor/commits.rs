//! Bare commits of the rows of a call: one thread, which commits together what arrives together, as Ringback's does.

use std::{path::Path, sync::mpsc, thread};

use anyhow::Result;
use rusqlite::Connection;
use tokio::sync::oneshot;

/// Ringback's own tables, whatever they are by now.
mod tables {
    refinery::embed_migrations!("../server/migrations/sqlite");
}

const NOW: &str = "2026-01-01T00:00:00.000Z";

/// A step of a call.
pub enum Step {
    Start { call: String, room: String, caller: String, callee: String },
    Answer { call: String, callee: String },
    End { call: String },
}

type Job = (Step, oneshot::Sender<()>);

/// The way to the thread.
#[derive(Clone)]
pub struct Commits(mpsc::Sender<Job>);

impl Commits {
    pub fn open(database: &Path) -> Result<Self> {
        let mut connection = Connection::open(database)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        tables::migrations::runner().run(&mut connection)?;
        let (sender, jobs) = mpsc::channel::<Job>();
        thread::spawn(move || {
            while let Ok(first) = jobs.recv() {
                let mut batch = vec![first];
                let arrived = || {
                    jobs.try_recv().ok().or_else(|| {
                        thread::yield_now();
                        jobs.try_recv().ok()
                    })
                };
                batch.extend(std::iter::from_fn(arrived).take(255));
                connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
                let told: Vec<_> = batch.into_iter().map(|(step, told)| write(&connection, &step).map(|()| told)).collect();
                connection.execute_batch("COMMIT").expect("the disk has room");
                for told in told {
                    let _ = told.expect("the rows are right").send(());
                }
            }
        });
        Ok(Self(sender))
    }

    /// Returns once it is on the disk.
    pub async fn commit(&self, step: Step) {
        let (told, done) = oneshot::channel();
        let _ = self.0.send((step, told));
        let _ = done.await;
    }
}

fn write(connection: &Connection, step: &Step) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql)?.execute(values).map(drop);
    let log = |call: &str, user: &str, kind: &str| {
        run(
            "INSERT INTO call_events (call_number, call_id, matrix_user_id, event_type, metadata, created_at) \
             SELECT call_number, call_id, ?, ?, '{}', ? FROM call_sessions WHERE call_id = ?",
            &[&user, &kind, &NOW, &call],
        )
    };
    match step {
        Step::Start { call, room, caller, callee } => {
            run(
                "INSERT INTO call_sessions (call_id, room_id, call_type, status, initiator_id, caller_name, created_at, expires_at, deadline, \
                 version, whole_room) VALUES (?, ?, 'voice', 'ringing', ?, 'User 1', ?, ?, ?, 1, 1)",
                &[call, room, caller, &NOW, &NOW, &NOW],
            )?;
            for (user, status) in [(caller, "joined"), (callee, "ringing")] {
                run(
                    "INSERT INTO call_participants (call_number, call_id, matrix_user_id, status, audio_enabled, video_enabled, \
                     screen_enabled, muted, called_at) SELECT call_number, call_id, ?, ?, 1, 0, 0, 0, ? FROM call_sessions WHERE call_id = ?",
                    &[user, &status, &NOW, call],
                )?;
            }
            log(call, callee, "invited")?;
            log(call, callee, "notified")
        }
        Step::Answer { call, callee } => {
            run(
                "UPDATE call_sessions SET status = 'active', started_at = ?, version = 2 WHERE call_id = ? AND version = 1",
                &[&NOW, call],
            )?;
            run(
                "UPDATE call_participants SET status = 'joined', joined_at = ? \
                 WHERE call_number = (SELECT call_number FROM call_sessions WHERE call_id = ?) AND matrix_user_id = ?",
                &[&NOW, call, callee],
            )?;
            log(call, callee, "answered")?;
            log(call, callee, "joined")
        }
        Step::End { call } => {
            run(
                "UPDATE call_sessions SET status = 'ended', ended_at = ?, deadline = NULL, version = 3 WHERE call_id = ? AND version = 2",
                &[&NOW, call],
            )?;
            run(
                "UPDATE call_participants SET status = 'left', left_at = ? \
                 WHERE call_number = (SELECT call_number FROM call_sessions WHERE call_id = ?)",
                &[&NOW, call],
            )?;
            log(call, "system", "ended")
        }
    }
}
