//! The only SQL. What is stored here is the truth; whatever is in memory may be lost.
//!
//! Each operation is one [`Op`], written once in the SQL that both databases share, and run in one transaction. Every write of
//! a call is guarded by its version.

mod ops;
mod past;
mod postgres;
mod rows;
mod sqlite;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, future::Future, sync::Arc};

use call::{
    call::Call,
    ids::{CallId, UserId},
    wire::{Delivery, PastCall},
};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{Instrument as _, field::Empty};

use crate::{config::DatabaseUrl, metrics, traces, trail};

pub use past::{Behind, Forgotten};
pub use rows::{times_of, word};

/// Where the tables cannot be made as this version needs them.
const NOT_UP_TO_DATE: &str = "cannot bring the tables up to date (where a newer Ringback has used them, take that one, or a \
                              backup from before)";

/// Says so where there are tables to bring up to date, for with millions of calls that takes minutes.
fn announce(runner: &refinery::Runner, last: Result<Option<refinery::Migration>, refinery::Error>) {
    let newest = runner.get_migrations().iter().map(refinery::Migration::version).max();
    // A new database has no record of it, and is brought up to date at once.
    if let Ok(Some(last)) = last
        && Some(last.version()) < newest
    {
        tracing::info!(from = last.version(), to = newest, "bringing the database's tables up to date");
    }
}

/// The database cannot do it now.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the database failed: {0}")]
pub struct Fault(Arc<str>);

impl Fault {
    fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string().into())
    }
}

/// One database, chosen by URL.
pub enum Store {
    /// The embedded default.
    Sqlite(sqlite::Sqlite),
    /// A server, which several nodes may share.
    Postgres(postgres::Postgres),
}

/// What came of storing a new call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is stored.
    Done,
    /// The room has a live call already.
    RoomBusy(CallId),
    /// The idempotency key was used already.
    KeyUsed(KeyedAnswer),
}

/// A client's promise that a repeated request is the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The client's `Idempotency-Key`.
    pub key: String,
    /// What it was sent with.
    pub body_hash: String,
}

/// What was answered to the first request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedAnswer {
    /// What it was sent with.
    pub body_hash: String,
    /// The call that it started.
    pub call_id: CallId,
    /// Who was reached.
    pub delivery: Delivery,
}

/// A row of `call_events`: one transition, never a session description or a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Whose, where it is somebody's.
    pub user: Option<UserId>,
    /// What happened.
    pub event_type: &'static str,
    /// More about it, as JSON.
    pub metadata: serde_json::Value,
}

/// What an operator may ask for later, with its call and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The call.
    pub call: CallId,
    /// What happened.
    pub what: Transition,
    /// When.
    pub at: Timestamp,
}

/// A row of `call_events`, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose, where it is somebody's.
    pub user: Option<UserId>,
    /// What happened.
    pub event_type: String,
    /// More about it.
    pub metadata: serde_json::Value,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// With what to do about it.
    pub async fn open(url: &DatabaseUrl) -> anyhow::Result<Self> {
        Ok(match url {
            DatabaseUrl::Sqlite(path) => Self::Sqlite(sqlite::Sqlite::open(path)?),
            DatabaseUrl::Postgres(url) => Self::Postgres(postgres::Postgres::open(url).await?),
        })
    }

    /// Stores a new call, unless its room has a live one or the key was used.
    ///
    /// # Errors
    /// [`Fault`]; nothing is stored then.
    pub async fn create(&self, call: Arc<Call>, log: Vec<Transition>, key: Option<IdempotencyKey>) -> Result<Created, Fault> {
        self.write(ops::Create { call, log, key }).await
    }

    /// Stores a changed call, if nobody else has changed it since `before`.
    ///
    /// # Errors
    /// [`Fault`]; nothing is stored then.
    pub async fn update(&self, before: Arc<Call>, after: Arc<Call>, log: Vec<Transition>, at: Timestamp) -> Result<bool, Fault> {
        self.write(ops::Update { before, after, log, at }).await
    }

    /// Completes what a repeat of a request is answered.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn set_delivery(&self, user: UserId, key: String, delivery: Delivery) -> Result<(), Fault> {
        self.write(ops::SetDelivery { user, key, delivery }).await
    }

    /// Forgets idempotency keys from before then.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn forget_keys(&self, before: Timestamp) -> Result<(), Fault> {
        self.write(ops::ForgetKeys { before }).await
    }

    /// Adds to what happened to calls; those that are forgotten are passed over.
    ///
    /// # Errors
    /// [`Fault`]; nothing is stored then.
    pub async fn note(&self, notes: Vec<Note>) -> Result<(), Fault> {
        self.write(ops::AddNotes { notes }).await
    }

    /// What happened to a call, oldest first.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn records(&self, id: &CallId) -> Result<Vec<Record>, Fault> {
        self.read(past::Records { id: id.clone() }).await
    }

    /// One call.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn load(&self, id: &CallId) -> Result<Option<Call>, Fault> {
        self.read(ops::Load { id: id.clone() }).await
    }

    /// The calls that ring for this user or have this user in them, oldest first.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn live_of_user(&self, user: &UserId) -> Result<Vec<Call>, Fault> {
        self.read(ops::LiveOfUser { user: user.clone() }).await
    }

    /// Every call that is not over.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn live(&self) -> Result<Vec<Call>, Fault> {
        self.read(ops::Live).await
    }

    /// The calls with something due by then.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn due(&self, by: Timestamp) -> Result<Vec<CallId>, Fault> {
        self.read(ops::Due { by }).await
    }

    /// When the next thing is due.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn next_deadline(&self) -> Result<Option<Timestamp>, Fault> {
        self.read(ops::NextDeadline).await
    }

    /// What was answered to the first request with this key.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn keyed_answer(&self, user: &UserId, key: &str) -> Result<Option<KeyedAnswer>, Fault> {
        self.read(ops::FindKey { user: user.clone(), key: key.to_owned() }).await
    }

    /// A user's calls that are over, newest first, and where the next page begins, if there is one.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn past(
        &self,
        user: &UserId,
        behind: Option<Behind>,
        limit: usize,
    ) -> Result<(Vec<PastCall>, Option<Behind>), Fault> {
        self.read(past::LookBack { user: user.clone(), behind, limit }).await
    }

    /// The user has seen that these calls, or all, were missed.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn mark_seen(&self, user: UserId, calls: Option<Vec<CallId>>) -> Result<(), Fault> {
        self.write(past::MarkSeen { user, calls }).await
    }

    /// Forgets calls that were over before then, and says how many.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn forget_calls(&self, before: Timestamp) -> Result<u64, Fault> {
        self.write(past::ForgetCalls { before }).await
    }

    /// Forgets a user in every call that is over.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn forget_user(&self, user: UserId) -> Result<Forgotten, Fault> {
        self.write(past::ForgetUser { user }).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn ping(&self) -> Result<(), Fault> {
        self.read(ops::Ping).await
    }

    /// Writes everything to where it belongs, and closes. Whoever asks for something afterwards gets a [`Fault`].
    pub async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close(),
        }
    }

    /// How many operations wait, by queue.
    pub fn queues(&self) -> Vec<(&'static str, usize)> {
        match self {
            Self::Sqlite(sqlite) => sqlite.queues(),
            Self::Postgres(postgres) => vec![("pool", postgres.waiting())],
        }
    }

    async fn write<O: Op>(&self, op: O) -> Result<O::Out, Fault> {
        let work = async {
            match self {
                Self::Sqlite(sqlite) => sqlite.write(op).await,
                Self::Postgres(postgres) => postgres.run(op).await,
            }
        };
        self.watched::<O>(work).await
    }

    async fn read<O: Op>(&self, op: O) -> Result<O::Out, Fault> {
        let work = async {
            match self {
                Self::Sqlite(sqlite) => sqlite.read(op).await,
                Self::Postgres(postgres) => postgres.run(op).await,
            }
        };
        self.watched::<O>(work).await
    }

    async fn watched<O: Op>(&self, work: impl Future<Output = Result<O::Out, Fault>>) -> Result<O::Out, Fault> {
        let since = Instant::now();
        let system = match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgresql",
        };
        let span = traces::within(|| {
            tracing::info_span!(
                "store",
                otel.name = format_args!("store {}", O::NAME),
                otel.kind = "client",
                otel.status_code = Empty,
                db.system.name = system,
                db.operation.name = O::NAME,
                call_id = trail::call().map(tracing::field::display),
            )
        });
        let done = work.instrument(span.clone()).await;
        if done.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        metrics::store_asked(O::NAME, done.is_err(), since.elapsed());
        done
    }
}

/// Something to do in one transaction.
trait Op: Send + 'static {
    /// Its name, for those who look on.
    const NAME: &'static str;

    type Out: Send + 'static;

    fn run<T: Tx>(&self, tx: &mut T) -> impl Future<Output = Result<Self::Out, Fault>> + Send;
}

/// A transaction of either database.
trait Tx: Send {
    /// The number of rows changed.
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// The rows found.
    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> impl Future<Output = Result<Vec<Row>, Fault>> + Send;
}

/// What both databases can keep in a column.
#[derive(Debug, Clone)]
enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Text(Cow<'a, str>),
    Time(Timestamp),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row, read by position.
struct Row(Vec<Value<'static>>);
