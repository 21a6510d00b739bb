//! The command line.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use call::ids::{AccessToken, CallId, UserId};
use url::Url;

use super::{net::ConnectTo, report::Check};

/// Finds out why calls do not ring.
///
/// Looks at the service from outside, as a client would: from the server name of your users to the homeserver, to Ringback, to STUN
/// and TURN. Each line says what was tried, what came back and, where it is wrong, what to change. Run it from where the clients are.
///
/// Exit code: 0 all is well; 1 failures; 3 warnings alone; 2 arguments that make no sense.
///
/// Tokens come from files or from the environment (`RINGBACK_TOKEN`, `RINGBACK_RING_TOKEN`), never from the command line. With both,
/// a call is made between the two accounts, in a room made for it, and taken back at once: give test accounts.
#[derive(Debug, Clone, clap::Args)]
pub struct DoctorArgs {
    /// The server name of your users, e.g. example.org [default: look at --url alone]
    #[arg(value_name = "SERVER_NAME", value_parser = server_name)]
    pub server_name: Option<String>,
    /// Where Ringback is [default: as the server name's .well-known says; without a server name <http://localhost:3000>]
    #[arg(long, value_name = "URL")]
    pub url: Option<Url>,
    /// Where the homeserver is [default: as the server name's .well-known says, else as Ringback says]
    #[arg(long, value_name = "URL")]
    pub homeserver_url: Option<Url>,
    /// A file with the access token of a user
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A file with the access token of another user, whom the first calls
    #[arg(long, value_name = "FILE", requires = "token_file")]
    pub ring_token_file: Option<PathBuf>,
    /// One JSON document, and nothing else; with --watch one a line
    #[arg(long)]
    pub json: bool,
    /// Look again and again, and show what has changed
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, default_missing_value = "60s", value_parser = humantime::parse_duration)]
    pub watch: Option<Duration>,
    /// How long an idle connection must last
    #[arg(long, default_value = "70s", value_parser = humantime::parse_duration)]
    pub idle: Duration,
    /// Certificates (PEM) of authorities to trust besides this machine's
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
    /// Go to the second host and port where the first are meant, e.g. to try a proxy before DNS names it
    #[arg(long, value_name = "HOST:PORT:HOST:PORT")]
    pub connect_to: Vec<ConnectTo>,
    /// Say nothing about these
    #[arg(long, value_name = "CHECK", value_enum, value_delimiter = ',')]
    pub skip: Vec<Check>,
    /// For whom a call did or did not ring; with --why, on the server's machine
    #[arg(long = "for", value_name = "USER_ID", requires = "why")]
    pub user: Option<UserId>,
    /// Tell from Ringback's records why this call did or did not ring
    #[arg(long, value_name = "CALL_ID", conflicts_with_all = ["server_name", "url", "homeserver_url", "watch"])]
    pub why: Option<CallId>,
    /// Where the records are, for --why [default: as --config says, else `RINGBACK_DATABASE_URL`, else ringback.db here]
    #[arg(long, value_name = "URL", requires = "why")]
    pub database_url: Option<String>,
    /// Ringback's own settings, for --why: they say where the records are
    #[arg(long, value_name = "FILE", requires = "why")]
    pub config: Option<PathBuf>,
}

fn server_name(text: &str) -> Result<String, &'static str> {
    if text.contains('/') { Err("this is an address: give it by --url, or a server name alone") } else { Ok(text.to_owned()) }
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// The user.
    pub own: Option<AccessToken>,
    /// Whom the user calls.
    pub other: Option<AccessToken>,
}

impl DoctorArgs {
    /// Reads the tokens.
    ///
    /// # Errors
    /// Where a file cannot be read, or holds no token.
    pub fn tokens(&self) -> anyhow::Result<Tokens> {
        let read = |file: Option<&PathBuf>, variable: &str| {
            let (text, whence) = match file {
                Some(path) => {
                    (Some(std::fs::read_to_string(path).with_context(|| path.display().to_string())?), path.display().to_string())
                }
                None => (std::env::var(variable).ok(), variable.to_owned()),
            };
            let Some(text) = text else { return Ok(None) };
            let token = text.trim();
            let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
            anyhow::ensure!(fits, "{whence} should hold one access token, and nothing else");
            Ok(Some(AccessToken::from(token.to_owned())))
        };
        Ok(Tokens {
            own: read(self.token_file.as_ref(), "RINGBACK_TOKEN")?,
            other: read(self.ring_token_file.as_ref(), "RINGBACK_RING_TOKEN")?,
        })
    }
}
