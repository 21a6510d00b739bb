//! A private Synapse, made anew at each start: `localhost` is its name, loopback its only address.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::{matrix::Homeserver, process::Child, wait};

/// A running Synapse. Dropping it ends it.
#[derive(Debug)]
pub struct Synapse {
    /// How to reach it.
    pub homeserver: Homeserver,
    /// What it logs.
    pub log: PathBuf,
    child: Child,
}

impl Synapse {
    /// Starts one with the Python of a virtual environment that has it, and waits until it answers. What `directory` held is lost.
    /// It hands out credentials for the TURN servers of `turn_uris`.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub fn start(python: &Path, directory: &Path, port: u16, turn_uris: &[&str]) -> Result<Self> {
        Self::start_with(python, directory, port, turn_uris, &[])
    }

    /// The same, with the registrations of application services. None of these files may be in `directory`.
    ///
    /// # Errors
    /// With the end of its log, where it does not come up.
    pub fn start_with(python: &Path, directory: &Path, port: u16, turn_uris: &[&str], app_services: &[&Path]) -> Result<Self> {
        let secret = crate::random_hex(16);
        let config = config(directory, port, &secret, turn_uris, app_services);
        Self::launch(python, directory, port, secret, &config, None)
    }

    /// The same, with a module, as `homeserver.yaml` names it, that lies in `python_path`.
    ///
    /// # Errors
    /// With what it printed, where it does not come up.
    pub fn start_with_module(
        python: &Path,
        directory: &Path,
        port: u16,
        turn_uris: &[&str],
        module: Value,
        python_path: &Path,
    ) -> Result<Self> {
        let secret = crate::random_hex(16);
        let mut config = config(directory, port, &secret, turn_uris, &[]);
        config["modules"] = Value::Array(vec![module]);
        Self::launch(python, directory, port, secret, &config, Some(python_path))
    }

    fn launch(
        python: &Path,
        directory: &Path,
        port: u16,
        secret: String,
        config: &Value,
        python_path: Option<&Path>,
    ) -> Result<Self> {
        if directory.exists() {
            fs::remove_dir_all(directory).with_context(|| directory.display().to_string())?;
        }
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        let log = directory.join("homeserver.log");
        write(directory, "signing.key", &signing_key())?;
        write(directory, "log.yaml", &log_config(&log).to_string())?;
        write(directory, "homeserver.yaml", &config.to_string())?;
        let mut command = Command::new(python);
        command.args(["-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]).current_dir(directory);
        command.envs(python_path.map(|path| ("PYTHONPATH", path)));
        let output = directory.join("output.log");
        let child = Child::start("Synapse", command, Some(&output))?;
        let homeserver = Homeserver { url: format!("http://localhost:{port}"), secret };
        let mut synapse = Self { homeserver, log, child };
        synapse.ready(port, &output)?;
        Ok(synapse)
    }

    fn ready(&mut self, port: u16, output: &Path) -> Result<()> {
        let health = format!("http://127.0.0.1:{port}/health");
        wait::until("Synapse should answer", Duration::from_mins(1), || {
            if let Some(status) = self.child.ended()? {
                bail!("Synapse ended at once ({status}); {}\n{}", wait::tail(output, 20), wait::tail(&self.log, 20));
            }
            Ok(wait::answers(&health).then_some(()))
        })
    }

    /// Fails once it has ended by itself.
    ///
    /// # Errors
    /// With the end of its log.
    pub fn check(&mut self) -> Result<()> {
        match self.child.ended()? {
            Some(status) => bail!("Synapse has ended ({status}); {}", wait::tail(&self.log, 20)),
            None => Ok(()),
        }
    }

    /// Makes it hang: it accepts connections, and answers nothing.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn freeze(&self) -> Result<()> {
        self.child.signal(Signal::SIGSTOP)
    }

    /// Ends [`Synapse::freeze`].
    ///
    /// # Errors
    /// Where it is gone.
    pub fn thaw(&self) -> Result<()> {
        self.child.signal(Signal::SIGCONT)
    }
}

fn write(directory: &Path, name: &str, text: &str) -> Result<()> {
    let path = directory.join(name);
    fs::write(&path, text).with_context(|| path.display().to_string())
}

/// An Ed25519 seed in the format that Synapse reads: 32 random bytes in unpadded base64.
fn signing_key() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut random = [0; 42];
    getrandom::fill(&mut random).expect("the system gives random bytes");
    let seed: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect();
    format!("ed25519 a_ring {seed}A\n")
}

fn log_config(log: &Path) -> Value {
    json!({
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"file": {"class": "logging.FileHandler", "filename": log, "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["file"]},
        "disable_existing_loggers": false,
    })
}

/// JSON is YAML. No limit on anything, and cheap password hashes: this one is for tests.
fn config(directory: &Path, port: u16, secret: &str, turn_uris: &[&str], app_services: &[&Path]) -> Value {
    let free = json!({"per_second": 10_000, "burst_count": 10_000});
    let mut config = json!({
        "server_name": "localhost",
        "public_baseurl": format!("http://localhost:{port}/"),
        "report_stats": false,
        "pid_file": directory.join("homeserver.pid"),
        "listeners": [{
            "port": port,
            "bind_addresses": ["127.0.0.1"],
            "type": "http",
            "resources": [{"names": ["client", "federation", "openid"]}],
        }],
        "database": {"name": "sqlite3", "args": {"database": directory.join("homeserver.db"), "cp_max": 10}},
        "log_config": directory.join("log.yaml"),
        "media_store_path": directory.join("media"),
        "signing_key_path": directory.join("signing.key"),
        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "registration_shared_secret": secret,
        "macaroon_secret_key": crate::random_hex(16),
        "form_secret": crate::random_hex(16),
        "bcrypt_rounds": 4,
        "presence": {"enabled": false},
        // A client that starts again is told what is, not what was two minutes ago.
        "caches": {"sync_response_cache_duration": "0s"},
        "app_service_config_files": app_services,
        "turn_uris": turn_uris,
        "turn_shared_secret": crate::random_hex(16),
        "turn_user_lifetime": 3_600_000,
        "rc_login": {"address": free, "account": free, "failed_attempts": free},
        "rc_joins": {"local": free, "remote": free},
        "rc_invites": {"per_room": free, "per_user": free, "per_issuer": free},
    });
    for limit in ["rc_message", "rc_registration", "rc_joins_per_room", "rc_room_creation", "rc_delayed_event_mgmt"] {
        config[limit] = free.clone();
    }
    config
}
