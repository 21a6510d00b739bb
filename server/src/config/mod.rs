//! Every setting, from flags, environment and file, in that order of precedence; all mistakes in one message.

mod doubts;
mod file;
mod sources;
mod values;

use std::{net::SocketAddr, path::Path, time::Duration};

use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::{appservice::AppService, secret::Secret};

pub use doubts::{doubts, is_loopback, is_private};
pub use file::{HERE, SYSTEM, SettingsFile, our_user};
pub use sources::{ConfigError, Origin, Shown, Sources};
pub use values::{BusUrl, DatabaseUrl, LogFormat, TurnUri, Value, WebUrl};

/// One setting: its name in the file, and what it means, for `--help`.
pub struct Setting {
    /// As in TOML; the flag has dashes, the environment variable capitals and the prefix `RINGBACK_`.
    pub key: &'static str,
    /// The default as text; `None`: there is none.
    pub default: Option<&'static str>,
    /// One line.
    pub help: &'static str,
}

macro_rules! settings {
    ($($key:literal = $default:expr, $help:literal;)*) => {
        /// Every setting there is.
        pub const SETTINGS: &[Setting] = &[$(Setting { key: $key, default: $default, help: $help },)*];
    };
}

settings! {
    "listen" = Some("0.0.0.0:3000"), "Address for clients";
    "ops_listen" = Some("127.0.0.1:9300"), "Address for /metrics, /livez and /readyz";
    "homeserver_url" = None, "Where Ringback reaches the homeserver, e.g. http://localhost:8008 (required)";
    "public_url" = None, "The URL clients reach Ringback at [default: from the request]";
    "trusted_proxies" = Some(""), "Networks whose X-Forwarded-* headers count, comma-separated [default: none, not even loopback]";
    "public_homeserver_url" = None, "The homeserver URL clients use [default: as reached]";
    "database_url" = Some("sqlite://ringback.db"), "sqlite: or postgres:";
    "bus_url" = None, "redis:// URL that joins several nodes into one service [default: one node]";
    "ring_timeout" = Some("60s"), "How long an unanswered call rings, 5s to 5m";
    "grace_period" = Some("20s"), "How long a joined participant may be without a connection before it counts as left";
    "calls_per_minute" = Some("10"), "How many calls one user may start, with a burst of half of it; 0: no limit";
    "turn_uris" = Some(""), "turn: and turns: URIs, comma-separated";
    "turn_secret" = None, "The secret that TURN shares with Ringback (coturn: static-auth-secret)";
    "turn_ttl" = Some("1h"), "For how long TURN credentials hold";
    "stun_uris" = Some("stun:stun.l.google.com:19302,stun:stun1.l.google.com:19302,stun:stun2.l.google.com:19302"),
        "stun: URIs, comma-separated";
    "allow_unverified" = Some("false"), "For a trusted LAN only: accept a bare userId without a token";
    "room_notices" = Some("true"), "Whether a call that is over leaves a line in its (unencrypted) room";
    "history_days" = Some("0"), "For how many days calls that are over are remembered; 0: for ever";
    "appservice" = None, "The registration file that `ringback registration` wrote [default: none]";
    "log" = Some("info"), "What to log: error, warn, info, debug, or a tracing filter";
    "log_format" = Some("text"), "How to log: text or json";
    "otlp_endpoint" = None, "An OpenTelemetry collector to send traces to by HTTP, e.g. http://localhost:4318 [default: none]";
    "trace_ratio" = Some("1"), "Which part of all traces is recorded, 0 to 1";
}

/// Every setting, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address for clients.
    pub listen: SocketAddr,
    /// Address for the operator.
    pub ops_listen: SocketAddr,
    /// Where the homeserver is.
    pub homeserver_url: Url,
    /// Where clients reach Ringback, if told.
    pub public_url: Option<Url>,
    /// Whose `X-Forwarded-*` count.
    pub trusted_proxies: Vec<IpNet>,
    /// Where clients reach the homeserver, if told.
    pub public_homeserver_url: Option<Url>,
    /// Where the truth is kept.
    pub database_url: DatabaseUrl,
    /// How long an unanswered call rings.
    pub ring_timeout: Duration,
    /// How long a participant may be without a connection.
    pub grace_period: Duration,
    /// How many calls a user may start in a minute; 0: no limit.
    pub calls_per_minute: u32,
    /// TURN servers of our own.
    pub turn_uris: Vec<String>,
    /// The secret shared with them.
    pub turn_secret: Option<Secret>,
    /// For how long their credentials hold.
    pub turn_ttl: Duration,
    /// STUN servers.
    pub stun_uris: Vec<String>,
    /// Whether a bare user id is believed.
    pub allow_unverified: bool,
    /// Whether a call that is over leaves a line in its room.
    pub room_notices: bool,
    /// For how many days calls that are over are remembered; 0: for ever.
    pub history_days: u32,
    /// The registration with the homeserver, where there is one.
    pub appservice: Option<AppService>,
    /// What to log.
    pub log: String,
    /// How.
    pub log_format: LogFormat,
    /// Where traces go, if anywhere.
    pub otlp_endpoint: Option<Url>,
    /// Which part of them is recorded, 0 to 1.
    pub trace_ratio: f64,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] lists every unknown key, bad value and missing setting at once.
    pub fn read(
        flags: impl IntoIterator<Item = (String, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut from = Sources::gather(flags, environment, file);
        let config = Self::take(&mut from);
        from.finish(config)
    }

    /// Takes every setting from there; what is wrong is noted there.
    pub fn take(from: &mut Sources) -> Self {
        let config = Self {
            listen: from.required("listen"),
            ops_listen: from.required("ops_listen"),
            homeserver_url: from.required::<WebUrl>("homeserver_url").0,
            public_url: from.optional::<WebUrl>("public_url").map(|url| url.0),
            trusted_proxies: from.list("trusted_proxies"),
            public_homeserver_url: from.optional::<WebUrl>("public_homeserver_url").map(|url| url.0),
            database_url: from.required("database_url"),
            ring_timeout: from.required("ring_timeout"),
            grace_period: from.required("grace_period"),
            calls_per_minute: from.required("calls_per_minute"),
            turn_uris: from.list::<values::TurnUri>("turn_uris").into_iter().map(|uri| uri.0).collect(),
            turn_secret: from.optional("turn_secret"),
            turn_ttl: from.required("turn_ttl"),
            stun_uris: from.list::<values::StunUri>("stun_uris").into_iter().map(|uri| uri.0).collect(),
            allow_unverified: from.required("allow_unverified"),
            room_notices: from.required("room_notices"),
            history_days: from.required("history_days"),
            appservice: from.optional("appservice"),
            log: from.required("log"),
            log_format: from.required("log_format"),
            otlp_endpoint: from.optional::<WebUrl>("otlp_endpoint").map(|url| url.0),
            trace_ratio: from.required::<values::Ratio>("trace_ratio").0,
        };
        from.optional::<BusUrl>("bus_url");
        config.check(from);
        config
    }

    /// What no single setting can know.
    fn check(&self, from: &mut Sources) {
        if !(5..=300).contains(&self.ring_timeout.as_secs()) {
            from.complain("ring_timeout must be between 5s and 5m");
        }
        if self.grace_period < Duration::from_secs(1) || self.grace_period > Duration::from_mins(10) {
            from.complain("grace_period must be between 1s and 10m");
        }
        if self.turn_ttl < Duration::from_mins(1) {
            from.complain("turn_ttl must be at least 1m: credentials must outlive the set-up of a call");
        }
        if self.history_days > 36_500 {
            from.complain("history_days must be at most 36500; 0 means for ever");
        }
        if let Err(error) = EnvFilter::try_new(&self.log) {
            from.complain(format!("log: {error}"));
        }
        if self.listen == self.ops_listen && self.listen.port() != 0 {
            from.complain("listen and ops_listen are the same address: give each a port of its own");
        }
        match (self.turn_uris.is_empty(), &self.turn_secret) {
            (false, None) => from.complain("turn_uris needs turn_secret: without it nobody can log in to TURN"),
            (true, Some(_)) => from.complain("turn_secret needs turn_uris: say where TURN is"),
            (true, None) | (false, Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> Result<Config, String> {
        let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), file).unwrap();
        Config::read(pairs(flags), pairs(environment), Some(path.path())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_file() {
        let file =
            "homeserver_url = \"http://localhost:8008\"\nring_timeout = \"10s\"\ngrace_period = \"11s\"\nturn_ttl = \"3h\"";
        let environment = [("RINGBACK_RING_TIMEOUT", "20s"), ("RINGBACK_GRACE_PERIOD", "21s")];
        let config = read(&[("ring_timeout", "30s")], &environment, file).unwrap();
        assert_eq!(config.ring_timeout, Duration::from_secs(30));
        assert_eq!(config.grace_period, Duration::from_secs(21));
        assert_eq!(config.turn_ttl, Duration::from_hours(3));
        assert_eq!(config.listen.port(), 3000);
    }

    #[test]
    fn every_mistake_is_in_one_message() {
        let environment = [
            ("RINGBACK_RING_TIMOUT", "20s"),
            ("RINGBACK_GRACE_PERIOD", "soon"),
            ("RINGBACK_TURN_URIS", "http://x"),
            ("RINGBACK_LOG_FORMAT", "xml"),
            ("RINGBACK_TRACE_RATIO", "1.5"),
            ("RINGBACK_OTLP_ENDPOINT", "localhost:4317"),
            ("PATHS", "/x"),
        ];
        let error = read(&[], &environment, "listen = 7\nnonsense = true").unwrap_err();
        for part in [
            "RINGBACK_RING_TIMOUT",
            "RINGBACK_GRACE_PERIOD",
            "soon",
            "RINGBACK_TURN_URIS",
            "http://x",
            "xml",
            "1.5",
            "localhost:4317",
            "listen",
            "nonsense",
            "homeserver_url",
        ] {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
        assert!(!error.contains("PATHS"), "{error}");
    }

    #[test]
    fn numbers_booleans_and_lists_read_as_toml_has_them() {
        let file = "homeserver_url = \"http://h\"\ncalls_per_minute = 3\nallow_unverified = true\n\
                    stun_uris = [\"stun:a:1\", \"stun:b:2\"]\ntrusted_proxies = \"10.0.0.0/8, ::1\"";
        let config = read(&[], &[], file).unwrap();
        assert_eq!(config.calls_per_minute, 3);
        assert!(config.allow_unverified);
        assert_eq!(config.stun_uris, ["stun:a:1", "stun:b:2"]);
        assert_eq!(config.trusted_proxies.len(), 2);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let environment = [("RINGBACK_HOMESERVER_URL", "http://h"), ("RINGBACK_TURN_SECRET", "hush")];
        let error = read(&[], &environment, "").unwrap_err();
        assert!(error.contains("turn_secret needs turn_uris") && !error.contains("hush"), "{error}");
    }
}
