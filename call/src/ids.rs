//! The names of things: users, rooms, devices, calls, sessions; and the one secret among them, the access token.
//!
//! An id is checked where it enters, and cheap to clone from then on. A token cannot be printed or serialised by accident.

use std::{fmt, marker::PhantomData, str::FromStr, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

/// Why a text is not the id that it should be; the sentence is meant for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadId(&'static str);

/// Longest id in bytes (Matrix specification, appendix "Identifier grammar").
const MAX_ID_BYTES: usize = 255;

/// Reads an id from where it stands, without a copy of the text between.
struct Checked<T>(PhantomData<T>);

impl<T: FromStr<Err = BadId>> Visitor<'_> for Checked<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

fn has_control(text: &str) -> bool {
    // Most ids are plain ASCII, which a look at the bytes tells, many at once.
    !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.chars().any(char::is_control)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:expr, $complaint:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// [`BadId`] where the text does not follow the grammar.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                let check: fn(&str) -> bool = $check;
                if text.len() <= MAX_ID_BYTES && !has_control(text) && check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(BadId($complaint))
                }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::parse(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Checked(PhantomData))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A Matrix user id, `@localpart:server`.
    UserId,
    |text| {
        let parts = text.strip_prefix('@').and_then(|rest| rest.split_once(':'));
        parts.is_some_and(|(_, server)| !server.is_empty()) && !text.contains(char::is_whitespace)
    },
    "is not a Matrix user id: it should look like @name:server"
);

id!(
    /// A Matrix room id, `!opaque` or `!opaque:server`.
    RoomId,
    |text| text.starts_with('!') && text.len() > 1 && !text.contains(char::is_whitespace),
    "is not a Matrix room id: it should start with '!' (a room alias starts with '#', and is not one)"
);

id!(
    /// A user's device, as the homeserver's `whoami` names it: free text.
    DeviceId,
    |text| !text.is_empty(),
    "is not a device id"
);

id!(
    /// A call: 32 lower-case hex digits.
    CallId,
    is_hex32,
    "is not a call id: it should be 32 lower-case hex digits"
);

id!(
    /// What a device resumes after a lost connection: 32 lower-case hex digits.
    SessionId,
    is_hex32,
    "is not a session id: it should be 32 lower-case hex digits"
);

fn is_hex32(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex32(random: [u8; 16]) -> Arc<str> {
    format!("{:032x}", u128::from_be_bytes(random)).into()
}

impl CallId {
    /// Makes an id of 16 bytes, which must come from a cryptographic random source.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(hex32(random))
    }
}

impl SessionId {
    /// Makes an id of 16 bytes, which must come from a cryptographic random source.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(hex32(random))
    }
}

impl UserId {
    /// The part between `@` and the first `:`, to show where no display name is known.
    #[must_use]
    pub fn localpart(&self) -> &str {
        self.0.trim_start_matches('@').split(':').next().unwrap_or_default()
    }
}

/// A Matrix access token. It has no `Display` and no `Serialize`; `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct AccessToken(Arc<str>);

impl AccessToken {
    /// The secret itself, for the request that must carry it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// For `#[serde(serialize_with)]` on the fields of a client's own requests.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn reveal<S: Serializer>(token: &Option<Self>, serializer: S) -> Result<S::Ok, S::Error> {
        token.as_ref().map(Self::expose).serialize(serializer)
    }
}

impl From<String> for AccessToken {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked_where_they_enter() {
        for good in ["@a:b", "@alice:localhost:8448", "@:x"] {
            assert!(UserId::parse(good).is_ok(), "{good}");
        }
        let long = format!("@{}:x", "a".repeat(300));
        for bad in ["", "alice", "@alice", "@alice:", "@al ice:x", "@a:x\n", long.as_str()] {
            assert!(UserId::parse(bad).is_err(), "{bad}");
        }
        for (device, is_good) in [("Büro ~", true), ("a\u{1f}", false), ("a\u{7f}", false), ("ü\u{85}", false)] {
            assert_eq!(DeviceId::parse(device).is_ok(), is_good, "{device:?}");
        }
        assert!(RoomId::parse("!opaque").is_ok() && RoomId::parse("!a:b").is_ok());
        assert!(RoomId::parse("#alias:b").is_err() && RoomId::parse("!").is_err());
        assert!(CallId::parse(&"0a".repeat(16)).is_ok());
        assert!(CallId::parse(&"0A".repeat(16)).is_err() && CallId::parse("0a").is_err());
    }

    #[test]
    fn random_ids_keep_their_leading_zeros() {
        assert_eq!(CallId::from_random([0; 16]).as_str(), "0".repeat(32));
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = AccessToken::from("syt_secret".to_owned());
        assert!(!format!("{token:?}").contains("secret"));
    }
}
