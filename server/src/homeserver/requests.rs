//! The requests themselves (Matrix client-server API).

use std::collections::{BTreeMap, BTreeSet};

use call::ids::{AccessToken, RoomId, UserId};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, Homeserver, Members, PATIENCE, TurnServer, WhoAmI};
use crate::causes::causes;

#[derive(Deserialize)]
struct JoinedMembers {
    joined: BTreeMap<String, Profile>,
}

#[derive(Deserialize)]
struct IgnoredUsers {
    #[serde(default)]
    ignored_users: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Profile {
    #[serde(alias = "displayname")]
    display_name: Option<String>,
}

impl Homeserver {
    /// Whether a homeserver answers there: `GET /_matrix/client/versions`, which needs no token.
    ///
    /// # Errors
    /// A sentence about what came back.
    pub async fn probe(&self) -> Result<(), String> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["_matrix", "client", "versions"]);
        }
        let answer = self.http.get(url.clone()).timeout(PATIENCE).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("{url} answers {}", answer.status())),
            Err(error) => Err(format!("{url}: {}", causes(&error))),
        }
    }

    /// Whose the token is: `GET /account/whoami`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn whoami(&self, token: &AccessToken) -> Result<WhoAmI, Failure> {
        self.get("whoami", token, &["account", "whoami"]).await.map_err(|failure| match failure {
            // A token that may not even ask whose it is serves for nothing.
            Failure::Forbidden => Failure::UnknownToken,
            Failure::NotFound => Failure::away("it has no client-server API: check homeserver_url"),
            other @ (Failure::UnknownToken | Failure::Slow | Failure::Away(_)) => other,
        })
    }

    /// Who is in the room: `GET /rooms/{roomId}/joined_members`.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] where the asker is not in it, or there is no such room.
    pub async fn joined_members(&self, token: &AccessToken, room: &RoomId) -> Result<Members, Failure> {
        let members: JoinedMembers = self.get("joined_members", token, &["rooms", room.as_str(), "joined_members"]).await?;
        // An id that no specification allows any more is nobody who could be rung, and no reason to ring nobody.
        Ok(members.joined.into_iter().filter_map(|(user, profile)| Some((user.parse().ok()?, profile.display_name))).collect())
    }

    /// A user's name outside of any room: `GET /profile/{userId}/displayname`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn display_name(&self, token: &AccessToken, user: &UserId) -> Result<Option<String>, Failure> {
        let profile: Profile = self.get("display_name", token, &["profile", user.as_str(), "displayname"]).await?;
        Ok(profile.display_name)
    }

    /// The asker's TURN credentials: `GET /voip/turnServer`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn turn_server(&self, token: &AccessToken) -> Result<TurnServer, Failure> {
        self.get("turn_server", token, &["voip", "turnServer"]).await
    }

    /// Whom a user ignores: `GET /user/{userId}/account_data/m.ignored_user_list`; `as_user`: by an application service's token.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn ignored_users(&self, token: &AccessToken, user: &UserId, as_user: bool) -> Result<BTreeSet<UserId>, Failure> {
        let path = ["user", user.as_str(), "account_data", "m.ignored_user_list"];
        let query: &[(&str, &str)] = if as_user { &[("user_id", user.as_str())] } else { &[] };
        match self.request::<IgnoredUsers>("ignored_users", Method::GET, token, &path, query, None).await {
            Ok(list) => Ok(list.ignored_users.into_keys().filter_map(|user| user.parse().ok()).collect()),
            Err(Failure::NotFound) => Ok(BTreeSet::new()),
            Err(failure) => Err(failure),
        }
    }

    /// Whether the room is encrypted: `GET /rooms/{roomId}/state/m.room.encryption`.
    ///
    /// # Errors
    /// [`Failure`]; the asker cannot tell then, and must take it for encrypted.
    pub async fn is_encrypted(&self, token: &AccessToken, room: &RoomId) -> Result<bool, Failure> {
        match self.get::<Value>("room_encryption", token, &["rooms", room.as_str(), "state", "m.room.encryption"]).await {
            Ok(_) => Ok(true),
            Err(Failure::NotFound) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Sends a notice into the room; the same `transaction` sends it once.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn send_notice(
        &self,
        token: &AccessToken,
        room: &RoomId,
        transaction: &str,
        content: &Value,
    ) -> Result<(), Failure> {
        let path = ["rooms", room.as_str(), "send", "m.room.message", transaction];
        self.request::<Value>("send_notice", Method::PUT, token, &path, &[], Some(content)).await.map(drop)
    }
}

/// What a notice holds: a line that every client shows, and the same for programs.
pub fn notice(line: &str, call: &Value) -> Value {
    json!({ "msgtype": "m.notice", "body": line, "dev.ringback.call": call })
}
