//! What is allowed, and almost surely not meant.

use std::{
    fs, io,
    net::IpAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use url::{Host, Url};

use super::{Config, DatabaseUrl};

/// Whoever answers a call needs about this long to reach for it.
const SHORT_RING: Duration = Duration::from_secs(15);
/// A phone that changes from one network to another is away for about this long.
const SHORT_GRACE: Duration = Duration::from_secs(5);
/// Clients refresh their place at a TURN server while they talk, and are refused once the credentials are too old.
const SHORT_TURN: Duration = Duration::from_mins(10);
/// What a machine that guesses cannot guess.
const SECRET_LENGTH: usize = 16;

/// A sentence for each thing that is allowed and surely wrong; `file` is where settings were read from.
pub fn doubts(config: &Config, file: Option<&Path>) -> Vec<String> {
    let doubts = [addresses(config), exposure(config), times(config), turn(config), files(config, file)];
    doubts.into_iter().flatten().collect()
}

fn addresses(config: &Config) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut doubt = |text: String| doubts.push(text);
    let homeserver = &config.homeserver_url;
    let by_https = config.public_url.as_ref().is_some_and(|url| url.scheme() == "https") || !config.trusted_proxies.is_empty();
    match &config.public_homeserver_url {
        None if config.public_url.as_ref().is_some_and(|url| !is_private(url)) && is_private(homeserver) => doubt(format!(
            "public_homeserver_url is not set: clients are told that the homeserver is where Ringback reaches it ({homeserver}), \
             which they cannot use: set it to the URL of the homeserver that clients use"
        )),
        None if by_https => doubt(
            "public_homeserver_url is not set: clients are told the homeserver's address as it is reached from here".to_owned(),
        ),
        Some(url) if is_loopback(url) && config.public_url.as_ref().is_some_and(|url| !is_loopback(url)) => {
            doubt(format!("public_homeserver_url is {url}: that is each client's own machine"));
        }
        None | Some(_) => {}
    }
    if homeserver.scheme() == "http" && !is_private(homeserver) {
        doubt(format!("homeserver_url is {homeserver}: users' tokens go over the network unencrypted; use https"));
    }
    if let Some(url) = &config.public_url {
        if url.scheme() == "http" && !is_private(url) {
            doubt(format!("public_url is {url}: without https browsers give no microphone, and anyone on the way can listen in"));
        }
        if url.path() != "/" {
            doubt(format!("public_url is {url}: clients look for Ringback at the root of a host, not below a path"));
        }
        if is_loopback(url) && !config.listen.ip().is_loopback() {
            doubt(format!("public_url is {url}: clients on other machines are sent to themselves"));
        }
    }
    doubts
}

fn exposure(config: &Config) -> Vec<String> {
    let mut doubts = Vec::new();
    if config.allow_unverified {
        let text = "allow_unverified is on: anyone who reaches this port can pose as anyone. For a trusted LAN only";
        doubts.push(text.to_owned());
    }
    for network in config.trusted_proxies.iter().filter(|network| network.prefix_len() == 0) {
        doubts.push(format!("trusted_proxies has {network}: everyone may say where they come from"));
    }
    let operator = config.ops_listen;
    if !operator.ip().is_loopback() && !is_private_address(operator.ip()) {
        doubts.push(format!("ops_listen is {operator}: metrics are shown to whoever reaches it; let a firewall keep it private"));
    }
    if config.calls_per_minute == 0 {
        doubts.push("calls_per_minute is 0: a user may make others ring without end".to_owned());
    }
    doubts
}

fn times(config: &Config) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut short = |key: &str, is: Duration, sensible: Duration, why: &str| {
        if is < sensible {
            let (is, sensible) = (humantime::format_duration(is), humantime::format_duration(sensible));
            doubts.push(format!("{key} is {is}: {why}; {sensible} is the least that is sensible"));
        }
    };
    short("ring_timeout", config.ring_timeout, SHORT_RING, "few people answer so soon");
    short("grace_period", config.grace_period, SHORT_GRACE, "a phone that changes its network is away for longer");
    short("turn_ttl", config.turn_ttl, SHORT_TURN, "a call that lasts longer may fall silent");
    doubts
}

fn turn(config: &Config) -> Vec<String> {
    let mut doubts = Vec::new();
    let is_public = config.public_url.as_ref().is_some_and(|url| !is_loopback(url));
    for uri in config.turn_uris.iter().filter(|_| is_public) {
        let place = uri.split_once(':').map_or("", |(_, rest)| rest.trim_start_matches("//"));
        if Url::parse(&format!("http://{place}")).is_ok_and(|url| is_loopback(&url)) {
            doubts.push(format!("turn_uris has {uri}: that is each client's own machine"));
        }
    }
    if config.turn_secret.as_ref().is_some_and(|secret| secret.expose().len() < SECRET_LENGTH) {
        doubts.push(format!(
            "turn_secret is shorter than {SECRET_LENGTH} characters: who guesses it relays at your expense. `openssl rand -hex 32` \
             makes a good one"
        ));
    }
    doubts
}

fn files(config: &Config, file: Option<&Path>) -> Vec<String> {
    let mut doubts = Vec::new();
    if let DatabaseUrl::Sqlite(path) = &config.database_url
        && let Err(error) = can_write(path)
    {
        doubts.push(format!(
            "database_url: {} cannot be written to by this user: {error}. Make its folder, and give it to the user that Ringback runs \
             as",
            path.display()
        ));
    }
    let has_secret = config.turn_secret.is_some() || matches!(config.database_url, DatabaseUrl::Postgres(_));
    if let Some(file) = file.filter(|file| has_secret && fs::metadata(file).is_ok_and(|found| found.mode() & 0o004 != 0)) {
        doubts.push(format!("{0} may hold a secret, and everyone on this machine can read it: chmod o= {0}", file.display()));
    }
    doubts
}

/// Whether a file can be written, or made; it is left as it is.
fn can_write(path: &Path) -> io::Result<()> {
    if path.exists() {
        return fs::OpenOptions::new().append(true).open(path).map(drop);
    }
    // There is no other way to know: rights, read-only mounts and quotas all have their say.
    let mut trial = PathBuf::from(path).into_os_string();
    trial.push(format!(".check-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&trial)?;
    fs::remove_file(trial)
}

/// Whether the URL's host is this machine itself.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    }
}

/// Whether the URL's host has a meaning in one network only.
pub fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            is_loopback(url)
                || !name.contains('.')
                || [".local", ".internal", ".lan", ".home.arpa"].iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(address)) => is_private_address(address.into()),
        Some(Host::Ipv6(address)) => is_private_address(address.into()),
        None => false,
    }
}

fn is_private_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The doubts about these settings beside good ones.
    fn about(settings: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}/ringback.db", folder.path().display());
        let good = [("homeserver_url", "http://localhost:8008"), ("database_url", database.as_str())];
        let all = good.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let all: std::collections::BTreeMap<_, _> = all.collect();
        doubts(&Config::read(all, [], None).unwrap(), None)
    }

    #[test]
    fn there_are_none_about_good_settings() {
        assert_eq!(about(&[]), [""; 0]);
        let public = [
            ("public_url", "https://calls.example.org"),
            ("public_homeserver_url", "https://matrix.example.org"),
            ("listen", "127.0.0.1:3000"),
            ("turn_uris", "turn:turn.example.org:3478?transport=udp"),
            ("turn_secret", "3f1c0a9e5d7b2468ace0"),
        ];
        assert_eq!(about(&public), [""; 0]);
    }

    #[test]
    fn each_thing_that_is_surely_wrong_is_named() {
        let public = ("public_url", "https://calls.example.org");
        for (settings, named) in [
            (&[public][..], "public_homeserver_url is not set"),
            (&[public, ("public_homeserver_url", "http://localhost:8008")], "public_homeserver_url"),
            (&[("public_url", "http://calls.example.org")], "without https"),
            (&[("public_url", "https://example.org/calls"), ("public_homeserver_url", "https://example.org")], "below a path"),
            (&[("public_url", "http://localhost:3000")], "public_url"),
            (&[("homeserver_url", "http://matrix.example.org")], "homeserver_url"),
            (&[("allow_unverified", "true")], "allow_unverified"),
            (&[("trusted_proxies", "0.0.0.0/0")], "trusted_proxies"),
            (&[("ops_listen", "0.0.0.0:9300")], "ops_listen"),
            (&[("calls_per_minute", "0")], "calls_per_minute"),
            (&[("ring_timeout", "6s")], "ring_timeout"),
            (&[("grace_period", "1s")], "grace_period"),
            (&[("turn_ttl", "2m")], "turn_ttl"),
            (&[("turn_uris", "turn:t.example.org"), ("turn_secret", "short")], "turn_secret"),
            (&[("database_url", "sqlite:///nowhere/ringback.db")], "database_url"),
        ] {
            let found = about(settings);
            assert!(found.iter().any(|doubt| doubt.contains(named)), "{settings:?}: {found:?}");
        }
        let turn = [("turn_uris", "turn:127.0.0.1:3478"), ("turn_secret", "3f1c0a9e5d7b2468ace0"), public];
        assert!(about(&turn).iter().any(|doubt| doubt.contains("turn_uris")));
    }

    #[test]
    fn a_secret_that_everyone_can_read_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        let settings = [("homeserver_url", "http://h"), ("turn_uris", "turn:t"), ("turn_secret", "3f1c0a9e5d7b2468ace0")];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let config = Config::read(settings, [], None).unwrap();
        for (mode, named) in [(0o644, true), (0o640, false)] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(doubts(&config, Some(file.path())).iter().any(|doubt| doubt.contains("chmod o=")), named);
        }
    }
}
