//! The stage of the end-to-end tests: one real Synapse for all, and for each test a `ringback` of its own.
//!
//! Tests speak raw HTTP and raw JSON on purpose: a field that changes its name on both sides of our own code must fail here.

mod authority;
mod clients;
mod collector;
mod coturn;
mod nginx;
mod prometheus;
mod proxy;
mod random;
mod server;
mod socket;
mod stub;

pub use authority::{Authority, Kind, Pair};
pub use clients::{Printed, Script, finish, ringback, run_script, tool};
pub use collector::{Collector, Span};
pub use coturn::Coturn;
pub use nginx::Nginx;
pub use prometheus::Prometheus;
pub use proxy::Proxy;
pub use random::Random;
pub use server::{Options, Reply, Server, reply};
pub use socket::{Lost, Socket};
pub use stub::Stub;
pub use xtask::{
    matrix::{Homeserver, Login, escaped},
    synapse::Synapse,
    wait::free_port,
};

use std::{env, fs, path::PathBuf, process::Command, sync::LazyLock, time::Duration};

use anyhow::{Context as _, Result, bail};
use tokio::{sync::Semaphore, time::Instant};

/// What all tests share; `cargo xtask test` starts it, and says where it is by the environment.
#[derive(Debug)]
pub struct World {
    /// The shared Synapse.
    pub homeserver: Homeserver,
    /// A Python that has Synapse.
    pub synapse_python: PathBuf,
    /// A Python that has the Python clients.
    pub python: PathBuf,
    /// Where `node_modules` is.
    pub node: PathBuf,
    /// The `ringback` under test.
    pub binary: PathBuf,
    /// Where the servers of this run are.
    pub directory: PathBuf,
    /// The private `PostgreSQL`, by a URL with a database that is not ours.
    pub postgres: String,
    faketime: String,
}

impl World {
    /// The one world.
    ///
    /// # Panics
    /// Where it has not been started.
    #[must_use]
    pub fn get() -> &'static Self {
        static WORLD: LazyLock<World> = LazyLock::new(|| World {
            homeserver: Homeserver { url: variable("RINGBACK_E2E_SYNAPSE"), secret: variable("RINGBACK_E2E_SECRET") },
            synapse_python: variable("RINGBACK_E2E_SYNAPSE_PYTHON").into(),
            python: variable("RINGBACK_E2E_PYTHON").into(),
            node: variable("RINGBACK_E2E_NODE").into(),
            binary: variable("RINGBACK_E2E_BIN").into(),
            directory: variable("RINGBACK_E2E_DIRECTORY").into(),
            postgres: variable("RINGBACK_E2E_POSTGRES"),
            faketime: variable("RINGBACK_E2E_FAKETIME"),
        });
        &WORLD
    }

    /// A directory for a test, gone when the next run begins.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new_directory(&self, name: &str) -> Result<PathBuf> {
        let directory = self.directory.join(format!("{name}-{}", xtask::random_hex(4)));
        fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        Ok(directory)
    }

    /// The library that gives a program another time of day, where it is preloaded.
    #[must_use]
    pub fn faketime(&self) -> &str {
        &self.faketime
    }

    /// A new database of the private `PostgreSQL`.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new_database(&self) -> Result<String> {
        let name = format!("ringback_{}", xtask::random_hex(6));
        let statement = format!("CREATE DATABASE {name}");
        let made = Command::new("psql").args(["-q", "-X", "-c", &statement]).arg(&self.postgres).output().context("no psql")?;
        if !made.status.success() {
            bail!("{statement}: {}", String::from_utf8_lossy(&made.stderr));
        }
        let (server, _) = self.postgres.rsplit_once('/').context("a URL without a database")?;
        Ok(format!("{server}/{name}"))
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: these tests need a real Synapse, PostgreSQL and clients; run `cargo xtask test`")
    })
}

/// The shared Synapse uses one core. More work of tests at once would only make the servers under test wait behind it, until they
/// take it for dead.
static WORK_AT_HOMESERVER: Semaphore = Semaphore::const_new(2);

/// Does something with the shared homeserver, off the async threads.
///
/// # Errors
/// Those of `work`.
pub async fn at_homeserver<T: Send + 'static>(work: impl FnOnce(&'static Homeserver) -> Result<T> + Send + 'static) -> Result<T> {
    let _permit = WORK_AT_HOMESERVER.acquire().await.context("no more work")?;
    tokio::task::spawn_blocking(move || work(&World::get().homeserver)).await.context("the work has panicked")?
}

/// The password of every user of the tests.
pub const PASSWORD: &str = "correct horse";

/// New users of the shared homeserver; each name begins with the one that is given.
///
/// # Errors
/// Where the homeserver refuses.
pub async fn users<const N: usize>(names: [&'static str; N]) -> Result<[Login; N]> {
    at_homeserver(move |homeserver| {
        let logins: Result<Vec<Login>> =
            names.iter().map(|name| homeserver.register(&format!("{name}-{}", xtask::random_hex(6)), PASSWORD)).collect();
        logins?.try_into().ok().context("as many logins as names")
    })
    .await
}

/// Another device of a user.
///
/// # Errors
/// Where the homeserver refuses.
pub async fn another_device(user: &Login) -> Result<Login> {
    let user_id = user.user_id.clone();
    at_homeserver(move |homeserver| homeserver.login(&user_id, PASSWORD)).await
}

/// A room of the first and all others.
///
/// # Errors
/// Where the homeserver refuses.
pub async fn room(members: &[&Login]) -> Result<String> {
    new_room(members, false).await
}

/// A room with encryption.
///
/// # Errors
/// Where the homeserver refuses.
pub async fn encrypted_room(members: &[&Login]) -> Result<String> {
    new_room(members, true).await
}

async fn new_room(members: &[&Login], encrypted: bool) -> Result<String> {
    let members: Vec<Login> = members.iter().copied().cloned().collect();
    at_homeserver(move |homeserver| {
        let (first, others) = members.split_first().context("a room needs a member")?;
        homeserver.create_room(first, &others.iter().collect::<Vec<_>>(), encrypted)
    })
    .await
}

/// Two users who share a room: most tests begin so.
///
/// # Errors
/// Where the homeserver refuses.
pub async fn pair() -> Result<(Login, Login, String)> {
    let [alice, bob] = users(["alice", "bob"]).await?;
    let room = room(&[&alice, &bob]).await?;
    Ok((alice, bob, room))
}

/// Asks until there is an answer.
///
/// # Errors
/// That of `ask`, or that `what` did not come in time.
pub async fn until<T>(what: &str, limit: Duration, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if started.elapsed() > limit {
            bail!("{what}: not within {} s", limit.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
