//! Ringback as an application service of the homeserver (Matrix application service API): it is told who comes into rooms and
//! who leaves them, and may read what a user's own token would be needed for.

use std::{fmt::Write as _, path::Path};

use anyhow::Context;
use call::ids::{AccessToken, RoomId, UserId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::{clock, secret::Secret};

/// A registration, of which the homeserver has a copy.
#[derive(Debug, Clone)]
pub struct AppService {
    as_token: Secret,
    hs_token: Secret,
}

#[derive(Deserialize)]
struct Registration {
    as_token: String,
    hs_token: String,
}

/// A change of somebody's membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// In which room.
    pub room: RoomId,
    /// Whose.
    pub user: UserId,
    /// Whether they are in it now.
    pub joined: bool,
    /// When, by the homeserver's clock, where it says.
    pub at: Option<Timestamp>,
}

/// What the homeserver sends.
#[derive(Debug, Deserialize)]
pub struct Transaction {
    events: Vec<Event>,
}

/// What is read of an event; everything may be missing in one that is of no interest here.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "type", default)]
    kind: Value,
    #[serde(default)]
    room_id: Value,
    #[serde(default)]
    state_key: Value,
    #[serde(default)]
    origin_server_ts: Value,
    #[serde(default)]
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
struct Content {
    #[serde(default)]
    membership: Value,
}

impl AppService {
    /// Reads a registration file.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("{}: is not a registration: write one with `ringback registration`", path.display());
        let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
        let Registration { as_token, hs_token } = serde_saphyr::from_str(&text).with_context(what)?;
        anyhow::ensure!(as_token.len() >= 16 && hs_token.len() >= 16 && as_token != hs_token, what());
        Ok(Self { as_token: Secret::new(as_token), hs_token: Secret::new(hs_token) })
    }

    /// What Ringback proves itself with to the homeserver.
    pub fn token(&self) -> AccessToken {
        AccessToken::from(self.as_token.expose().to_owned())
    }

    /// Whether it is the homeserver who asks. Compared by their hashes, so that the time it takes tells nothing.
    pub fn is_homeserver(&self, token: &AccessToken) -> bool {
        Sha256::digest(token.expose()) == Sha256::digest(self.hs_token.expose())
    }
}

impl Transaction {
    /// Who has come and gone.
    pub fn memberships(&self) -> impl Iterator<Item = Membership> {
        self.events.iter().filter(|event| event.kind == "m.room.member").filter_map(|event| {
            Some(Membership {
                room: event.room_id.as_str()?.parse().ok()?,
                user: event.state_key.as_str()?.parse().ok()?,
                joined: event.content.membership.as_str()? == "join",
                at: event.origin_server_ts.as_i64().and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            })
        })
    }
}

/// Writes a new registration, with tokens of its own.
pub fn registration(url: &Url) -> String {
    let mut text = String::new();
    let url = url.as_str().trim_end_matches('/');
    let lines = [
        "# Ringback's registration with the homeserver. Both must have it: Synapse in `app_service_config_files`,",
        "# Ringback as RINGBACK_APPSERVICE. It holds secrets: keep it from others.",
        "id: ringback",
        &format!("url: \"{url}\""),
        &format!("as_token: \"{}{}\"", clock::session_id(), clock::session_id()),
        &format!("hs_token: \"{}{}\"", clock::session_id(), clock::session_id()),
        "sender_localpart: ringback",
        "rate_limited: false",
        "namespaces:",
        "  users:",
        "    - exclusive: false",
        "      regex: \"@.*\"",
        "  rooms: []",
        "  aliases: []",
    ];
    for line in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_registration_reads_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), registration(&Url::parse("http://localhost:3000").unwrap())).unwrap();
        let service = AppService::read(file.path()).unwrap();
        assert_ne!(service.token().expose(), service.hs_token.expose());
        assert!(service.is_homeserver(&AccessToken::from(service.hs_token.expose().to_owned())));
        assert!(!service.is_homeserver(&service.token()));
        std::fs::write(file.path(), "id: x\nas_token: short\nhs_token: short").unwrap();
        assert!(AppService::read(file.path()).unwrap_err().to_string().contains("ringback registration"));
    }

    #[test]
    fn memberships_are_read_and_nonsense_is_passed_over() {
        let transaction: Transaction = serde_json::from_value(serde_json::json!({"events": [
            {"type": "m.room.message", "room_id": "!r:x", "content": {}},
            {"type": "m.room.member", "room_id": "!r:x", "state_key": "@a:x", "origin_server_ts": 1, "content": {"membership": "join"}},
            {"type": "m.room.member", "room_id": "!r:x", "state_key": "@b:x", "origin_server_ts": 1, "content": {"membership": "ban"}},
            {"type": "m.room.member", "room_id": 7, "state_key": "@c:x", "origin_server_ts": 1, "content": {"membership": "join"}},
            {"type": "m.room.member", "room_id": "!r:x", "state_key": "nobody", "origin_server_ts": 1, "content": {"membership": "join"}},
        ]}))
        .unwrap();
        let seen: Vec<_> = transaction.memberships().map(|m| (m.user.to_string(), m.joined)).collect();
        assert_eq!(seen, [("@a:x".to_owned(), true), ("@b:x".to_owned(), false)]);
    }
}
