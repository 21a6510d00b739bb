//! What an operator and two users would do at a homeserver, by its client-server and admin APIs.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;

/// A homeserver that lets us register users.
#[derive(Debug, Clone)]
pub struct Homeserver {
    /// Its URL, without a slash at the end.
    pub url: String,
    /// Its `registration_shared_secret`.
    pub secret: String,
}

/// One device of a user.
#[derive(Debug, Clone)]
pub struct Login {
    /// The Matrix user id.
    pub user_id: String,
    /// Its device.
    pub device_id: String,
    /// Its access token.
    pub token: String,
}

impl Homeserver {
    /// Registers a user, and so logs in its first device.
    ///
    /// # Errors
    /// Where the homeserver refuses.
    pub fn register(&self, name: &str, password: &str) -> Result<Login> {
        const PATH: &str = "/_synapse/admin/v1/register";
        let nonce = self.ask("GET", PATH, None, None)?;
        let nonce = nonce["nonce"].as_str().context("no nonce to register with")?;
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.as_bytes()).context("the secret is no key")?;
        mac.update([nonce, name, password, "notadmin"].join("\0").as_bytes());
        let mac = crate::hex(&mac.finalize().into_bytes());
        let body = json!({"nonce": nonce, "username": name, "password": password, "admin": false, "mac": mac});
        device(&self.ask("POST", PATH, None, Some(&body))?)
    }

    /// Logs in another device.
    ///
    /// # Errors
    /// Where the homeserver refuses.
    pub fn login(&self, user_id: &str, password: &str) -> Result<Login> {
        let user = json!({"type": "m.id.user", "user": user_id});
        let body = json!({"type": "m.login.password", "identifier": user, "password": password});
        device(&self.ask("POST", "/_matrix/client/v3/login", None, Some(&body))?)
    }

    /// Makes a token worthless.
    ///
    /// # Errors
    /// Where the homeserver refuses.
    pub fn logout(&self, who: &Login) -> Result<()> {
        self.ask("POST", "/_matrix/client/v3/logout", Some(who), Some(&json!({}))).map(drop)
    }

    /// Sets the name that others see.
    ///
    /// # Errors
    /// Where the homeserver refuses.
    pub fn set_display_name(&self, who: &Login, name: &str) -> Result<()> {
        let path = format!("/_matrix/client/v3/profile/{}/displayname", escaped(&who.user_id));
        self.ask("PUT", &path, Some(who), Some(&json!({"displayname": name}))).map(drop)
    }

    /// Makes a room of `who` and all `others`, and brings them in.
    ///
    /// # Errors
    /// Where the homeserver refuses.
    pub fn create_room(&self, who: &Login, others: &[&Login], encrypted: bool) -> Result<String> {
        let invite: Vec<&str> = others.iter().map(|login| login.user_id.as_str()).collect();
        let mut body = json!({"preset": "private_chat", "invite": invite});
        if encrypted {
            let content = json!({"algorithm": "m.megolm.v1.aes-sha2"});
            body["initial_state"] = json!([{"type": "m.room.encryption", "state_key": "", "content": content}]);
        }
        let room = self.ask("POST", "/_matrix/client/v3/createRoom", Some(who), Some(&body))?;
        let room = room["room_id"].as_str().context("no room id")?.to_owned();
        for other in others {
            self.ask("POST", &format!("/_matrix/client/v3/join/{}", escaped(&room)), Some(other), Some(&json!({})))?;
        }
        Ok(room)
    }

    /// The newest events of a room's timeline, newest first.
    ///
    /// # Errors
    /// Where the homeserver refuses.
    pub fn timeline(&self, who: &Login, room: &str) -> Result<Vec<Value>> {
        let path = format!("/_matrix/client/v3/rooms/{}/messages?dir=b&limit=100", escaped(room));
        let page = self.ask("GET", &path, Some(who), None)?;
        page["chunk"].as_array().cloned().context("no timeline")
    }

    /// One request; anything but a 2xx is an error.
    ///
    /// # Errors
    /// Where the homeserver is away or refuses.
    pub fn ask(&self, method: &str, path: &str, who: Option<&Login>, body: Option<&Value>) -> Result<Value> {
        let url = format!("{}{path}", self.url);
        let (status, answer) = request(method, &url, who.map(|login| login.token.as_str()), body)?;
        if !(200..300).contains(&status) {
            bail!("{method} {url}: {status} {answer}");
        }
        Ok(answer)
    }
}

/// One HTTP request with JSON on both ways: the status, and the body or `null`.
///
/// # Errors
/// Where nobody answers within 30 s.
pub fn request(method: &str, url: &str, token: Option<&str>, body: Option<&Value>) -> Result<(u16, Value)> {
    let limit = Duration::from_secs(30);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(limit)).build().into();
    let mut builder = ureq::http::Request::builder().method(method).uri(url);
    if let Some(token) = token {
        builder = builder.header("Authorization", format!("Bearer {token}"));
    }
    let what = || format!("{method} {url}");
    let answer = match body {
        Some(body) => agent.run(builder.header("Content-Type", "application/json").body(body.to_string()).with_context(what)?),
        None => agent.run(builder.body(()).with_context(what)?),
    };
    let mut answer = answer.with_context(what)?;
    let text = answer.body_mut().read_to_string().with_context(what)?;
    Ok((answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
}

/// A user or room id, fit for a path.
#[must_use]
pub fn escaped(id: &str) -> String {
    id.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn device(answer: &Value) -> Result<Login> {
    let field = |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| format!("a login without {name}"));
    Ok(Login { user_id: field("user_id")?, device_id: field("device_id")?, token: field("access_token")? })
}
