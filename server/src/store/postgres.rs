//! PostgreSQL: one transaction an operation, over a pool. The server itself flushes together what commits together.

use std::time::Duration;

use anyhow::Context;
use bytes::BytesMut;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Transaction};
use jiff::Timestamp;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::{Fault, NOT_UP_TO_DATE, Op, Row, Tx, Value, announce};
use crate::causes::causes;

/// How many connections this node holds at most.
const CONNECTIONS: usize = 16;
/// How long an operation may take, the wait for a connection included.
const PATIENCE: Duration = Duration::from_secs(5);
/// An idle connection is asked this often whether it still is one.
const KEEPALIVE: Duration = Duration::from_secs(10);
const UNREACHABLE: &str = "cannot reach PostgreSQL: check database_url, and that the server runs; if its certificate is not trusted \
                           here, install the authority's, or on a private network add ?sslmode=disable";
/// Nodes that start together take turns at migrating: "ringback" in the advisory locks' number space.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_lock(8243112118971395947)";

mod migrations {
    refinery::embed_migrations!("migrations/postgres");
}

/// A database server.
pub struct Postgres {
    pool: Pool,
}

impl Postgres {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// With what the server said.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let mut config: tokio_postgres::Config = url.parse()?;
        config.application_name("ringback").connect_timeout(PATIENCE).tcp_user_timeout(PATIENCE).keepalives_idle(KEEPALIVE);
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls);
        let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .build()?;
        let mut connection = pool.get().await.context(UNREACHABLE)?;
        connection.batch_execute(MIGRATION_LOCK).await?;
        let runner = migrations::migrations::runner();
        announce(&runner, runner.get_last_applied_migration_async(&mut **connection).await);
        runner.run_async(&mut **connection).await.context(NOT_UP_TO_DATE)?;
        // Closing the connection gives up the lock, whatever happened.
        drop(deadpool_postgres::Object::take(connection));
        Ok(Self { pool })
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }

    /// How many operations wait for a connection.
    pub(super) fn waiting(&self) -> usize {
        self.pool.status().waiting
    }

    pub(super) async fn run<O: Op>(&self, op: O) -> Result<O::Out, Fault> {
        let mut connection = self.pool.get().await.map_err(|error| Fault::new(causes(&error)))?;
        let work = async {
            let transaction = connection.transaction().await.map_err(|error| Fault::new(causes(&error)))?;
            let mut tx = PostgresTx(transaction);
            let out = op.run(&mut tx).await?;
            tx.0.commit().await.map_err(|error| Fault::new(causes(&error)))?;
            Ok(out)
        };
        let Ok(result) = tokio::time::timeout(PATIENCE, work).await else {
            // Nobody knows what it is waiting for: it must not go back to the others.
            drop(deadpool_postgres::Object::take(connection));
            return Err(Fault::new("it took too long"));
        };
        result
    }
}

struct PostgresTx<'a>(Transaction<'a>);

impl Tx for PostgresTx<'_> {
    async fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Fault> {
        let statement = self.0.prepare_cached(sql).await.map_err(|error| Fault::new(causes(&error)))?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.0.execute(&statement, &values).await.map_err(|error| Fault::new(causes(&error)))
    }

    async fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let statement = self.0.prepare_cached(sql).await.map_err(|error| Fault::new(causes(&error)))?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.0.query(&statement, &values).await.map_err(|error| Fault::new(causes(&error)))?;
        rows.iter().map(owned).collect()
    }
}

fn owned(row: &tokio_postgres::Row) -> Result<Row, Fault> {
    let value = |(index, column): (usize, &tokio_postgres::Column)| -> Result<Value<'static>, Fault> {
        let value = match *column.type_() {
            Type::BOOL => row.try_get::<_, Option<bool>>(index).map(Value::from),
            Type::INT8 => row.try_get::<_, Option<i64>>(index).map(Value::from),
            Type::TIMESTAMPTZ => row.try_get::<_, Option<Timestamp>>(index).map(Value::from),
            _ => row.try_get::<_, Option<String>>(index).map(Value::from),
        };
        value.map_err(|error| Fault::new(causes(&error)))
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map(Row)
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Bool(flag) => flag.to_sql(kind, out),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Time(time) => time.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::BOOL | Type::INT8 | Type::TEXT | Type::TIMESTAMPTZ)
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use call::ids::{CallId, UserId};
    use tokio_postgres::NoTls;

    use super::*;
    use crate::{config::DatabaseUrl, store::tests::place::Place};

    #[tokio::test]
    async fn a_database_of_the_first_version_is_brought_up_to_date() -> anyhow::Result<()> {
        let place = Place::postgres().await;
        let DatabaseUrl::Postgres(url) = place.url() else { unreachable!("this place is a PostgreSQL") };
        let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        migrations::migrations::runner().set_target(refinery::Target::Version(1)).run_async(&mut client).await?;
        let ids = [CallId::from_random([1; 16]), CallId::from_random([2; 16])];
        for id in &ids {
            client
                .batch_execute(&format!(
                    "INSERT INTO call_sessions VALUES ('{id}', '!{id}:x', 'voice', 'ended', '@alice:x', TRUE, 'Alice', \
                     now(), now(), NULL, now(), '@alice:x', 'cancelled', NULL, 1);
                     INSERT INTO call_participants VALUES ('{id}', '@alice:x', 'left', TRUE, FALSE, FALSE, now(), now(), \
                     NULL, NULL, NULL, FALSE, FALSE, now());
                     INSERT INTO call_events (call_id, event_type, metadata, created_at) VALUES ('{id}', '{id}', '{{}}', now())"
                ))
                .await?;
        }
        let store = place.open().await;
        for id in &ids {
            let types: Vec<_> = store.records(id).await?.into_iter().map(|record| record.event_type).collect();
            assert_eq!(types, [id.as_str()]);
            let call = store.load(id).await?.context("the call is there")?;
            assert_eq!(call.participants.keys().map(UserId::as_str).collect::<Vec<_>>(), ["@alice:x"]);
        }
        client.execute("DELETE FROM call_sessions WHERE call_id = $1", &[&ids[0].as_str()]).await?;
        assert!(store.records(&ids[0]).await?.is_empty());
        for table in ["call_events", "call_participants"] {
            let left: i64 = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await?.get(0);
            assert_eq!(left, 1, "{table}: what belongs to a call is forgotten with it, and only that");
        }
        store.close().await;
        place.remove().await;
        Ok(())
    }
}
