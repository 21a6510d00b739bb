//! A private `PostgreSQL`, made anew at each start, without passwords and without care for power loss.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::{
    process::{self, Child},
    wait,
};

/// A running `PostgreSQL`. Dropping it ends it, and removes its data.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    // Before its directory, so that it is dropped first.
    _child: Child,
    _directory: TempDir,
}

impl Postgres {
    /// Starts one of the programs in `programs`, and waits until it answers.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub fn start(programs: &Path, logs: &Path) -> Result<Self> {
        let directory = new_directory()?;
        let owner = Owner::of_server(directory.path())?;
        let data = directory.path().join("data");
        let log = logs.join("postgres.log");
        let _ = fs::remove_file(&log);
        let mut initdb = owner.command(&programs.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]);
        initdb.current_dir(directory.path());
        process::run("initdb", initdb, Some(&log), |_| ())?;
        let port = wait::free_port()?;
        let mut server = owner.command(&programs.join("postgres"));
        server.arg("-D").arg(&data).arg("-p").arg(port.to_string()).current_dir(directory.path());
        server.arg("-c").arg(format!("unix_socket_directories={}", directory.path().display()));
        for setting in ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=300"] {
            server.args(["-c", setting]);
        }
        let mut child = Child::start("PostgreSQL", server, Some(&log))?;
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let ready = programs.join("pg_isready").display().to_string();
        wait::until("PostgreSQL should answer", Duration::from_secs(30), || {
            if let Some(status) = child.ended()? {
                bail!("PostgreSQL ended at once ({status}); {}", wait::tail(&log, 20));
            }
            Ok(process::output(&ready, &["-q", "-d", &url]).map(drop))
        })?;
        Ok(Self { port, _child: child, _directory: directory })
    }

    /// The URL of its database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

const PREFIX: &str = "ringback-postgres-";

/// A new one, named after this process. Those of processes that were killed are removed.
fn new_directory() -> Result<TempDir> {
    for entry in fs::read_dir(std::env::temp_dir()).context("no temporary directory")?.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-'));
        if owner.is_some_and(|(id, _)| !Path::new("/proc").join(id).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let prefix = format!("{PREFIX}{}-", std::process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir().context("no temporary directory")
}

/// As whom the server runs: it refuses to run as root.
struct Owner {
    wrapper: Vec<String>,
}

impl Owner {
    /// This user; where that is root, the user `postgres`, who is given the directory.
    fn of_server(directory: &Path) -> Result<Self> {
        if fs::metadata("/proc/self").context("no /proc")?.uid() != 0 {
            return Ok(Self { wrapper: Vec::new() });
        }
        let id = |flag: &str| process::output("id", &[flag, "postgres"]).and_then(|id| id.parse::<u32>().ok());
        let (Some(user), Some(group)) = (id("-u"), id("-g")) else { bail!("there is no user postgres to run PostgreSQL as") };
        chown(directory, Some(user), Some(group)).with_context(|| directory.display().to_string())?;
        let wrapper = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "--pdeathsig", "QUIT", "--"];
        Ok(Self { wrapper: wrapper.map(str::to_owned).into() })
    }

    fn command(&self, program: &Path) -> Command {
        let Some((first, rest)) = self.wrapper.split_first() else { return Command::new(program) };
        let mut command = Command::new(process::find(first).unwrap_or_else(|| PathBuf::from(first)));
        command.args(rest).arg(program);
        command
    }
}
