//! SQLite: one thread writes, another reads beside it (WAL). What arrives while the disk is busy commits together, with one
//! flush; an answer is sent after the flush (`synchronous = FULL`), so it outlives a crash and a loss of power. A third thread
//! copies what the write-ahead log holds into the file.

mod checkpoint;

use std::{
    fs::TryLockError,
    future::{Future, ready},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown},
    path::Path,
    pin::pin,
    task::{Context as TaskContext, Poll, Waker},
    thread,
    time::Duration,
};

use anyhow::Context;
use rusqlite::{Connection, types::ToSqlOutput};
use tokio::sync::{mpsc, oneshot};

use super::{Fault, NOT_UP_TO_DATE, Op, Row, Tx, Value, announce};
use crate::{config::our_user, metrics};

/// How much may wait for a thread; past it the asker waits.
const QUEUE: usize = 1024;
/// How much is committed together at most.
const BATCH: usize = 256;
/// How much of the file is kept in memory, in KiB: the upper pages of every index of a long history.
const CACHE: i64 = 16 * 1024;

mod migrations {
    refinery::embed_migrations!("migrations/sqlite");
}

/// An open database file.
pub struct Sqlite {
    writer: mpsc::Sender<Message>,
    reader: mpsc::Sender<Message>,
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Processes that open a file at the same moment make its tables one after another. The folder is locked, and not the file: to
/// close that would give up the locks that `SQLite` has on it.
fn take_turns(path: &Path) -> std::io::Result<std::fs::File> {
    let folder = std::fs::File::open(folder_of(path))?;
    if let Err(TryLockError::WouldBlock) = folder.try_lock() {
        tracing::info!("waiting for another process that makes the tables of a database in {}", folder_of(path).display());
        folder.lock()?;
    }
    Ok(folder)
}

/// Root makes a new file in a service's folder for the service: else one trial as root would lock the service out. `SQLite`
/// itself gives what lies beside the file to the file's owner.
fn give_to_its_folders_owner(path: &Path) -> std::io::Result<()> {
    let owner = std::fs::metadata(folder_of(path))?;
    if path.exists() || owner.uid() == 0 || our_user() != 0 {
        return Ok(());
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o640).open(path) {
        Ok(_) => {}
        // Another process was first, and sees to it.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

/// What a thread is there for.
struct Role {
    name: &'static str,
    begin: &'static str,
    /// How much is done in one transaction at most.
    batch: usize,
}

const WRITER: Role = Role { name: "sqlite-writer", begin: "BEGIN IMMEDIATE", batch: BATCH };
/// One transaction a reading: whoever asks must see what was committed before.
const READER: Role = Role { name: "sqlite-reader", begin: "BEGIN", batch: 1 };

/// What a thread is sent.
enum Message {
    Job(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

/// What somebody waits for.
trait Job: Send {
    /// Runs in a transaction. Where that comes to nothing it runs again, in another.
    fn run(&mut self, tx: &mut SqliteTx<'_>) -> Result<(), Fault>;

    /// Tells the outcome, once that is committed, or has failed.
    fn tell(self: Box<Self>, committed: Result<(), Fault>);
}

/// An operation, and who waits for its outcome.
struct Asked<O: Op> {
    op: O,
    out: Option<O::Out>,
    answer: oneshot::Sender<Result<O::Out, Fault>>,
}

impl<O: Op> Job for Asked<O> {
    fn run(&mut self, tx: &mut SqliteTx<'_>) -> Result<(), Fault> {
        self.out = Some(now(self.op.run(tx))?);
        Ok(())
    }

    fn tell(self: Box<Self>, committed: Result<(), Fault>) {
        let Self { out, answer, .. } = *self;
        // Whoever asked may have gone away; the work was done all the same.
        drop(answer.send(committed.and_then(|()| out.ok_or_else(|| Fault::new("it was never run")))));
    }
}

impl Sqlite {
    /// Opens or makes the file, and brings its tables up to date.
    ///
    /// # Errors
    /// With the file's name.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("cannot open the database {}: check that its folder exists and is writable", path.display());
        give_to_its_folders_owner(path).with_context(what)?;
        // Not every folder may be read, and not every filesystem has locks: whoever is alone needs none.
        let turn = take_turns(path);
        let mut writer = connect(path).with_context(what)?;
        // A migration may make a table anew that others refer to.
        writer.pragma_update(None, "foreign_keys", false).with_context(what)?;
        let runner = migrations::migrations::runner();
        announce(&runner, runner.get_last_applied_migration(&mut writer));
        let migrated = runner.run(&mut writer);
        migrated.with_context(|| format!("{NOT_UP_TO_DATE}: {}", path.display()))?;
        drop(turn);
        writer.pragma_update(None, "foreign_keys", true).with_context(what)?;
        let reader = connect(path).with_context(what)?;
        reader.pragma_update(None, "query_only", true).with_context(what)?;
        let checkpoints = checkpoint::beside(&mut writer, connect(path).with_context(what)?)?;
        Ok(Self { writer: start(WRITER, writer, Some(checkpoints))?, reader: start(READER, reader, None)? })
    }

    /// The last connection to close moves what is in the write-ahead log into the file.
    pub(super) async fn close(&self) {
        for thread in [&self.reader, &self.writer] {
            let (closed, is_closed) = oneshot::channel();
            if thread.send(Message::Close(closed)).await.is_ok() {
                let _ = is_closed.await;
            }
        }
    }

    /// How many operations wait for each thread.
    pub(super) fn queues(&self) -> Vec<(&'static str, usize)> {
        let waiting = |queue: &mpsc::Sender<Message>| queue.max_capacity() - queue.capacity();
        vec![("writer", waiting(&self.writer)), ("reader", waiting(&self.reader))]
    }

    pub(super) async fn write<O: Op>(&self, op: O) -> Result<O::Out, Fault> {
        submit(&self.writer, op).await
    }

    pub(super) async fn read<O: Op>(&self, op: O) -> Result<O::Out, Fault> {
        submit(&self.reader, op).await
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Starts a thread. What works beside its connection ends with it.
fn start(
    role: Role,
    mut connection: Connection,
    beside: Option<thread::JoinHandle<Connection>>,
) -> anyhow::Result<mpsc::Sender<Message>> {
    let (sender, mut messages) = mpsc::channel(QUEUE);
    thread::Builder::new().name(role.name.to_owned()).spawn(move || {
        let mut next = messages.blocking_recv();
        while let Some(Message::Job(first)) = next {
            next = run_batch(&role, &mut connection, first, &mut messages).or_else(|| messages.blocking_recv());
        }
        drop(connection);
        if let Some(beside) = beside {
            drop(beside.join());
        }
        if let Some(Message::Close(closed)) = next {
            let _ = closed.send(());
        }
    })?;
    Ok(sender)
}

/// Runs what has arrived in one transaction, and gives back what is not a job. Where one of them fails, each runs in a
/// transaction of its own: what fails does not take others with it, and nothing need be kept only to undo one of them.
fn run_batch(
    role: &Role,
    connection: &mut Connection,
    first: Box<dyn Job>,
    messages: &mut mpsc::Receiver<Message>,
) -> Option<Message> {
    let (mut jobs, mut other) = (vec![first], None);
    let together = in_transaction(connection, role, |tx| {
        let mut done = 0;
        while let Some(job) = jobs.get_mut(done) {
            job.run(tx)?;
            done += 1;
            if done < role.batch && other.is_none() {
                match arrived(messages) {
                    Some(Message::Job(job)) => jobs.push(job),
                    close_or_none => other = close_or_none,
                }
            }
        }
        Ok(())
    });
    if role.batch > 1 && together.is_ok() {
        metrics::committed(jobs.len());
    }
    let each_alone = together.is_err() && jobs.len() > 1;
    for mut job in jobs {
        let committed = if each_alone { in_transaction(connection, role, |tx| job.run(tx)) } else { together.clone() };
        job.tell(committed);
    }
    other
}

/// What has arrived. Where all cores are busy, whoever has something to write gets to say so first, and one flush serves them all;
/// where one is idle, there is nothing to wait for, and this does not.
fn arrived(messages: &mut mpsc::Receiver<Message>) -> Option<Message> {
    messages.try_recv().ok().or_else(|| {
        thread::yield_now();
        messages.try_recv().ok()
    })
}

/// Does the work and commits it, or leaves nothing of it.
fn in_transaction(
    connection: &mut Connection,
    role: &Role,
    work: impl FnOnce(&mut SqliteTx<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    run(connection, role.begin)?;
    let done = work(&mut SqliteTx(connection)).and_then(|()| run(connection, "COMMIT"));
    if done.is_err() {
        // A fault, a full disk say, may have ended the transaction: then this one fails, and that is well.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

/// Runs a statement that is run again and again.
fn run(connection: &Connection, sql: &str) -> Result<(), Fault> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(Fault::new)
}

async fn submit<O: Op>(thread: &mpsc::Sender<Message>, op: O) -> Result<O::Out, Fault> {
    let (answer, answered) = oneshot::channel();
    let asked = Box::new(Asked { op, out: None, answer });
    thread.send(Message::Job(asked)).await.map_err(|_| Fault::new("its thread is gone"))?;
    answered.await.map_err(|_| Fault::new("its thread is gone"))?
}

/// The outcome of a future that never waits: SQLite answers on the spot.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("SQLite's futures are ready when they are made"),
    }
}

/// One job's share of a batch.
struct SqliteTx<'a>(&'a mut Connection);

impl SqliteTx<'_> {
    fn try_query(&mut self, sql: &str, values: &[Value<'_>]) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.0.prepare_cached(sql)?;
        let width = statement.column_count();
        let rows = statement.query_map(rusqlite::params_from_iter(values), |row| {
            (0..width).map(|index| row.get_ref(index).map(owned)).collect::<Result<Vec<_>, _>>().map(Row)
        })?;
        rows.collect()
    }
}

impl Tx for SqliteTx<'_> {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> impl Future<Output = Result<u64, Fault>> + Send {
        let changed = self.0.prepare_cached(sql).and_then(|mut s| s.execute(rusqlite::params_from_iter(values)));
        ready(changed.map(|count| count as u64).map_err(Fault::new))
    }

    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> impl Future<Output = Result<Vec<Row>, Fault>> + Send {
        ready(self.try_query(sql, values).map_err(Fault::new))
    }
}

fn owned(value: rusqlite::types::ValueRef<'_>) -> Value<'static> {
    match value {
        rusqlite::types::ValueRef::Integer(number) => Value::Int(number),
        rusqlite::types::ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned().into()),
        rusqlite::types::ValueRef::Null | rusqlite::types::ValueRef::Real(_) | rusqlite::types::ValueRef::Blob(_) => Value::Null,
    }
}

/// Times are texts of one width, so that they sort as they follow each other.
impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::from(rusqlite::types::Null),
            Value::Bool(flag) => ToSqlOutput::from(*flag),
            Value::Int(number) => ToSqlOutput::from(*number),
            Value::Text(text) => ToSqlOutput::from(text.as_ref()),
            Value::Time(time) => ToSqlOutput::from(format!("{time:.3}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use call::ids::{CallId, UserId};

    use super::*;
    use crate::{config::DatabaseUrl, store::Store};

    #[tokio::test]
    async fn a_file_of_the_first_version_is_brought_up_to_date() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("ringback.db");
        let mut first = connect(&path)?;
        migrations::migrations::runner().set_target(refinery::Target::Version(1)).run(&mut first)?;
        let id = CallId::from_random([1; 16]);
        first.execute_batch(&format!(
            "INSERT INTO call_sessions VALUES ('{id}', '!room:x', 'voice', 'ringing', '@alice:x', 1, 'Alice', \
             '2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z', NULL, NULL, NULL, NULL, '2026-01-01T00:01:00.000Z', 1);
             INSERT INTO call_participants VALUES ('{id}', '@bob:x', 'ringing', 1, 0, 0, NULL, NULL, NULL, NULL, \
             '2026-01-01T00:01:00.000Z', 0, 0, '2026-01-01T00:00:00.000Z');
             INSERT INTO call_events VALUES (1, '{id}', NULL, 'started', '{{}}', '2026-01-01T00:00:00.000Z')"
        ))?;
        drop(first);
        let store = Store::open(&DatabaseUrl::Sqlite(path.clone())).await?;
        let calls = store.live_of_user(&UserId::parse("@bob:x")?).await?;
        assert_eq!(calls.iter().map(|call| (&call.id, call.participants.len())).collect::<Vec<_>>(), [(&id, 1)]);
        assert_eq!(store.records(&id).await?[0].event_type, "started");
        store.close().await;
        let after = connect(&path)?;
        let broken = after.prepare("PRAGMA foreign_key_check")?.query_map([], |_| Ok(()))?.count();
        assert_eq!(broken, 0);
        after.execute("DELETE FROM call_sessions", [])?;
        for table in ["call_participants", "call_events"] {
            let left: i64 = after.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
            assert_eq!(left, 0, "{table} still belongs to calls");
        }
        Ok(())
    }
}
