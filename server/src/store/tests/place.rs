//! Where a test's database is.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::NoTls;
use url::Url;

use crate::{config::DatabaseUrl, store::Store};

/// The PostgreSQL server for tests, where databases may be made.
const SERVER: &str = "RINGBACK_TEST_POSTGRES";

/// An empty database.
pub struct Place {
    url: DatabaseUrl,
    /// Removed with the place.
    _folder: Option<tempfile::TempDir>,
    database: Option<String>,
}

impl Place {
    /// A file in a folder of its own.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { url: DatabaseUrl::Sqlite(folder.path().join("ringback.db")), _folder: Some(folder), database: None }
    }

    /// A database of its own on the server for tests.
    pub async fn postgres() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringback_store_test_{}_{number}", std::process::id());
        on_server(&format!("DROP DATABASE IF EXISTS {name}")).await;
        on_server(&format!("CREATE DATABASE {name}")).await;
        let mut url = server();
        url.set_path(&name);
        Self { url: DatabaseUrl::Postgres(url.into()), _folder: None, database: Some(name) }
    }

    /// Opens it, as a starting node does.
    pub async fn open(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// Its URL, to open it otherwise.
    pub fn url(&self) -> DatabaseUrl {
        self.url.clone()
    }

    /// Removes it from the server; a test that has failed leaves its database there, to be looked at.
    pub async fn remove(self) {
        if let Some(name) = &self.database {
            on_server(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

fn server() -> Url {
    let url = std::env::var(SERVER).unwrap_or_else(|_| panic!("set {SERVER} (cargo xtask test does)"));
    url.parse().unwrap_or_else(|error| panic!("{SERVER} is not a URL: {error}"))
}

async fn on_server(sql: &str) {
    let (client, connection) = tokio_postgres::connect(server().as_str(), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}
