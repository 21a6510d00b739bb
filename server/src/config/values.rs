//! What a setting's text may be.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use url::Url;

use super::sources::HIDDEN;
use crate::{appservice::AppService, secret::Secret};

/// A value that a setting can have.
pub trait Value: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// A sentence that says what it should be. It repeats the text only where that is no secret.
    fn parse(text: &str) -> Result<Self, String>;

    /// What to go on with after a mistake, to find the others too.
    fn stand_in() -> Self;

    /// The text as anyone may see it: with no secret in it, also where it does not parse.
    fn shown(text: &str) -> String {
        text.to_owned()
    }
}

/// The text of a URL without its passwords: whatever stands before the last `@` after the first colon, and what the query calls a
/// password. It need not parse.
fn without_password(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (who, place) = rest.rsplit_once('@').map_or(("", rest), |(who, place)| (who, place));
    let who = match who.split_once(':') {
        Some((user, _)) => format!("{user}:{HIDDEN}@"),
        None if who.is_empty() => String::new(),
        // An `@` in the query, perhaps of a password there.
        None if who.contains('?') => return format!("{scheme}://{HIDDEN}"),
        None => format!("{who}@"),
    };
    let (place, query) = place.split_once('?').unwrap_or((place, ""));
    let query: Vec<String> = query.split('&').map(without_password_in_pair).collect();
    let (colon, mark) = (if scheme.is_empty() { "" } else { "://" }, if query == [""] { "" } else { "?" });
    format!("{scheme}{colon}{who}{place}{mark}{}", query.join("&"))
}

fn without_password_in_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}={HIDDEN}"),
        Some(_) | None => pair.to_owned(),
    }
}

impl Value for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is not an address and port, like 0.0.0.0:3000 or [::]:3000"))
    }

    fn stand_in() -> Self {
        (Ipv4Addr::LOCALHOST, 0).into()
    }
}

impl Value for IpNet {
    fn parse(text: &str) -> Result<Self, String> {
        let address = |_| text.parse::<IpAddr>().map(Self::from);
        text.parse().or_else(address).map_err(|_| format!("`{text}` is not a network, like 10.0.0.0/8, or an address"))
    }

    fn stand_in() -> Self {
        IpAddr::from(Ipv4Addr::LOCALHOST).into()
    }
}

impl Value for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text).map_err(|_| format!("`{text}` is not a duration, like 10s, 5m or 1h"))
    }

    fn stand_in() -> Self {
        Self::from_mins(1)
    }
}

impl Value for u32 {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is not a whole number"))
    }

    fn stand_in() -> Self {
        0
    }
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(format!("`{text}` is neither true nor false")),
        }
    }

    fn stand_in() -> Self {
        false
    }
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn stand_in() -> Self {
        Self::new()
    }
}

impl Value for Secret {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::new(text.to_owned()))
    }

    fn stand_in() -> Self {
        Self::new(String::new())
    }

    fn shown(_: &str) -> String {
        HIDDEN.to_owned()
    }
}

/// An `http:` or `https:` URL without query.
#[derive(Debug, Clone)]
pub struct WebUrl(pub Url);

impl Value for WebUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let complaint = || {
            let shown = without_password(text);
            format!("`{shown}` is not a URL, like http://localhost:8008 or https://calls.example.org")
        };
        let url = Url::parse(text).map_err(|_| complaint())?;
        let plain = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
        let nobody = url.username().is_empty() && url.password().is_none();
        if plain && url.has_host() && nobody { Ok(Self(url)) } else { Err(complaint()) }
    }

    fn stand_in() -> Self {
        Self(Url::parse("http://localhost").unwrap_or_else(|_| unreachable!("a constant that parses")))
    }

    fn shown(text: &str) -> String {
        without_password(text)
    }
}

/// Where the truth is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A server; the URL may hold a password.
    Postgres(String),
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres:…"),
        }
    }
}

impl Value for DatabaseUrl {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")) {
            let path = path.split('?').next().unwrap_or_default();
            return match path {
                "" | ":memory:" => {
                    Err("sqlite: needs a file, like sqlite://ringback.db: calls must outlive a restart".to_owned())
                }
                path => Ok(Self::Sqlite(path.into())),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return match text.parse::<tokio_postgres::Config>() {
                Ok(_) => Ok(Self::Postgres(text.to_owned())),
                Err(error) => Err(format!("is not a PostgreSQL URL: {error}")),
            };
        }
        Err("should be sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE".to_owned())
    }

    fn stand_in() -> Self {
        Self::Sqlite("ringback.db".into())
    }

    fn shown(text: &str) -> String {
        without_password(text)
    }
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Value for LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("`{text}` is neither text nor json")),
        }
    }

    fn stand_in() -> Self {
        Self::Text
    }
}

/// A part of a whole.
pub struct Ratio(pub f64);

impl Value for Ratio {
    fn parse(text: &str) -> Result<Self, String> {
        let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.map(Self).ok_or_else(|| format!("`{text}` is not a number between 0 and 1"))
    }

    fn stand_in() -> Self {
        Self(1.0)
    }
}

/// Several nodes are not there yet.
#[derive(Debug)]
pub struct BusUrl;

impl Value for BusUrl {
    fn parse(_: &str) -> Result<Self, String> {
        Err("this version runs as one node: leave it out".to_owned())
    }

    fn stand_in() -> Self {
        Self
    }

    fn shown(text: &str) -> String {
        without_password(text)
    }
}

/// A `turn:` or `turns:` URI (RFC 7065).
pub struct TurnUri(pub String);

impl Value for TurnUri {
    fn parse(text: &str) -> Result<Self, String> {
        scheme(text, &["turn:", "turns:"]).map(Self)
    }

    fn stand_in() -> Self {
        Self(String::new())
    }
}

/// A `stun:` or `stuns:` URI (RFC 7064).
pub struct StunUri(pub String);

impl Value for StunUri {
    fn parse(text: &str) -> Result<Self, String> {
        scheme(text, &["stun:", "stuns:"]).map(Self)
    }

    fn stand_in() -> Self {
        Self(String::new())
    }
}

fn scheme(text: &str, allowed: &[&str]) -> Result<String, String> {
    let rest =
        allowed.iter().find_map(|scheme| text.strip_prefix(scheme)).filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
    rest.map(|_| text.to_owned()).ok_or_else(|| format!("`{text}` is not a URI like {}host:port", allowed[0]))
}

/// The file that `ringback registration` wrote.
impl Value for AppService {
    fn parse(text: &str) -> Result<Self, String> {
        Self::read(text.as_ref()).map_err(|error| format!("{error:#}"))
    }

    fn stand_in() -> Self {
        unreachable!("it may be absent")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_passwords() {
        for (text, shown) in [
            ("postgres://ringback:hush@localhost/ringback", "postgres://ringback:(hidden)@localhost/ringback"),
            ("postgres://r:hu@sh/x@localhost/r?sslmode=disable", "postgres://r:(hidden)@localhost/r?sslmode=disable"),
            (
                "postgres://localhost/r?user=r&password=hush&sslmode=disable",
                "postgres://localhost/r?user=r&password=(hidden)&sslmode=disable",
            ),
            ("postgres://r:hush@a:1,b:2/r", "postgres://r:(hidden)@a:1,b:2/r"),
            ("postgres://localhost/r?password=hu@sh", "postgres://(hidden)"),
            ("r:hush@localhost", "r:(hidden)@localhost"),
            ("postgres://ringback@%2Fvar%2Frun%2Fpostgresql/ringback", "postgres://ringback@%2Fvar%2Frun%2Fpostgresql/ringback"),
            ("sqlite:///var/lib/ringback/ringback.db", "sqlite:///var/lib/ringback/ringback.db"),
        ] {
            assert_eq!(DatabaseUrl::shown(text), shown);
        }
        assert_eq!(Secret::shown("hush"), HIDDEN);
        for text in ["http://me:hush@localhost", "http://:hush@localhost"] {
            let error = WebUrl::parse(text).err().unwrap();
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
