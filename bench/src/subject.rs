//! What is measured: a server as a process of its own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail};
use xtask::{
    process::Child,
    wait::{self, free_port},
};

use crate::{
    usage::{self, Usage},
    wire::Transport,
};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// Ringback.
    Ringback,
    /// The physical limit, see [`crate::floor`].
    Floor,
    /// The way it is commonly done: `bench/seed`.
    Seed,
}

impl Kind {
    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ringback => "ringback",
            Self::Floor => "floor",
            Self::Seed => "Node.js",
        }
    }
}

/// Where programs and databases are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The release build of `ringback`.
    pub ringback: PathBuf,
    /// The URL of a PostgreSQL for it, which keeps what it holds; else each process gets an SQLite file of its own.
    pub ringback_database: Option<String>,
    /// The Node.js server, and the URL of a PostgreSQL for it; its tables are made anew.
    pub seed: Option<(PathBuf, String)>,
    /// The homeserver of all.
    pub homeserver: String,
    /// A folder for databases and logs, on a real disk.
    pub directory: PathBuf,
}

/// A running server. Dropping it ends it, and waits for what it writes at its end (an instrumented one its profile).
#[derive(Debug)]
pub struct Subject {
    /// How its sockets are spoken to.
    pub transport: Transport,
    /// Where requests go.
    pub url: String,
    /// Where sockets go: the same, but for the floor's own.
    pub sockets: String,
    /// Which it is.
    pub kind: Kind,
    /// The homeserver that it asks.
    pub homeserver: String,
    child: Child,
}

impl Subject {
    /// Starts it with an empty database, and waits until it answers.
    ///
    /// # Errors
    /// Where it does not come up; its log is in the folder.
    pub fn start(kind: Kind, transport: Transport, place: &Place) -> Result<Self> {
        let (port, sockets_port) = (free_port()?, free_port()?);
        let directory = tempfile::Builder::new().prefix(kind.name()).disable_cleanup(true).tempdir_in(&place.directory)?;
        let command = match kind {
            Kind::Ringback => ringback(place, directory.path(), port),
            Kind::Floor => floor(directory.path(), port, sockets_port)?,
            Kind::Seed => seed(place, port)?,
        };
        let child = Child::start(kind.name(), command, Some(&directory.path().join("log")))?;
        let url = format!("http://127.0.0.1:{port}");
        let sockets = if transport == Transport::Bare { format!("http://127.0.0.1:{sockets_port}") } else { url.clone() };
        let mut subject = Self { transport, url, sockets, kind, homeserver: place.homeserver.clone(), child };
        let health = format!("{}/health", subject.url);
        wait::until(&format!("{} should answer", kind.name()), Duration::from_secs(20), || {
            if let Some(status) = subject.child.ended()? {
                bail!("{} ended at once ({status}); see {}", kind.name(), directory.path().display());
            }
            Ok(wait::answers(&health).then_some(()))
        })?;
        Ok(subject)
    }

    /// The CPU time of its database so far, where that is another process.
    ///
    /// # Errors
    /// Where the kernel does not tell.
    pub fn database_cpu(&self) -> Result<Duration> {
        if self.kind == Kind::Seed { usage::of_postgres() } else { Ok(Duration::ZERO) }
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.child.stop();
    }
}

fn ringback(place: &Place, directory: &Path, port: u16) -> Command {
    let mut command = Command::new(&place.ringback);
    command.arg("serve").env("RINGBACK_LISTEN", format!("0.0.0.0:{port}"));
    command.env("RINGBACK_OPS_LISTEN", "127.0.0.1:0").env("RINGBACK_HOMESERVER_URL", &place.homeserver);
    let file = || format!("sqlite://{}", directory.join("ringback.db").display());
    command.env("RINGBACK_DATABASE_URL", place.ringback_database.clone().unwrap_or_else(file));
    command.env("RINGBACK_CALLS_PER_MINUTE", "0").env("RINGBACK_LOG", "warn").env("RINGBACK_ROOM_NOTICES", "false");
    command
}

fn floor(directory: &Path, port: u16, sockets_port: u16) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["floor", "--requests", &format!("0.0.0.0:{port}"), "--sockets", &format!("0.0.0.0:{sockets_port}")]);
    command.arg("--database").arg(directory.join("floor.db"));
    Ok(command)
}

fn seed(place: &Place, port: u16) -> Result<Command> {
    let Some((server, postgres)) = &place.seed else { bail!("the Node.js server was not given") };
    let mut command = Command::new("node");
    command.arg(server).env("PORT", port.to_string()).env("NODE_ENV", "production");
    command.env("HOMESERVER_URL", &place.homeserver).env("DATABASE_URL", postgres);
    Ok(command)
}
