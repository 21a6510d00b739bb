//! The little that a caller needs of its homeserver: a token, and whose it is (Matrix client-server API v1.11).

use call::ids::{AccessToken, DeviceId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Client, Error};

/// What a new device is called in the user's list of sessions.
const DEVICE_NAME: &str = "Ringback phone";

/// A new device of a user.
#[derive(Debug, Clone, Deserialize)]
pub struct Login {
    /// The user.
    pub user_id: UserId,
    /// The new device.
    pub device_id: DeviceId,
    /// Its token.
    pub access_token: AccessToken,
}

/// Whose a token is.
#[derive(Debug, Clone, Deserialize)]
pub struct Whoami {
    /// The user.
    pub user_id: UserId,
    /// The device; an application service's token has none.
    #[serde(default)]
    pub device_id: Option<DeviceId>,
}

/// Logs a new device in by a password; `user` is a user id or the part of it before the colon.
///
/// # Errors
/// [`Error::Refused`]: `M_FORBIDDEN` for a wrong password, `M_LIMIT_EXCEEDED` for too many tries; and see [`Client`].
pub async fn login(homeserver_url: &str, user: &str, password: &str) -> Result<Login, Error> {
    let body = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": user },
        "password": password,
        "initial_device_display_name": DEVICE_NAME,
    });
    Client::new(homeserver_url)?.post("/_matrix/client/v3/login", &body).await
}

/// Asks whose a token is.
///
/// # Errors
/// [`Error::Refused`]: `M_UNKNOWN_TOKEN`; and see [`Client`].
pub async fn whoami(homeserver_url: &str, token: AccessToken) -> Result<Whoami, Error> {
    Client::new(homeserver_url)?.with_token(token).get("/_matrix/client/v3/account/whoami").await
}

/// Takes a device and its token away again.
///
/// # Errors
/// See [`Client`].
pub async fn logout(homeserver_url: &str, token: AccessToken) -> Result<(), Error> {
    let client = Client::new(homeserver_url)?.with_token(token);
    client.post::<Value>("/_matrix/client/v3/logout", &json!({})).await.map(|_| ())
}
