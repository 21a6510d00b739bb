//! What takes a token: whose it is, and whether Ringback takes it.

use std::time::Duration;

use call::{
    ids::{AccessToken, UserId},
    wire::IceServer,
};
use http::Method;
use serde_json::Value;
use url::Url;

use super::{
    Doctor,
    net::{Answer, PATIENCE, Trouble, at},
    report::Check,
};

/// A user whom the homeserver knows.
pub struct Account {
    /// Who.
    pub user: UserId,
    /// By which token.
    pub token: AccessToken,
}

impl Doctor {
    /// Asks the homeserver whose a token is.
    pub async fn account(&self, homeserver: &Url, token: &AccessToken) -> Option<Account> {
        let url = at(homeserver, "/_matrix/client/v3/account/whoami");
        match self.ask_as(token, Method::GET, &url, None).await {
            Ok(answer) if answer.status == 200 => {
                let user: UserId = answer.json()?["user_id"].as_str()?.parse().ok()?;
                let rooms = self.ask_as(token, Method::GET, &at(homeserver, "/_matrix/client/v3/joined_rooms"), None).await.ok();
                let rooms = rooms.and_then(|rooms| rooms.json()?["joined_rooms"].as_array().map(Vec::len)).unwrap_or(0);
                self.notes.ok(Check::Token, url, format!("is {user}'s, who is in {rooms} room(s)"));
                Some(Account { user, token: token.clone() })
            }
            Ok(answer) if answer.status == 401 => {
                let why = answer.json().and_then(|body| body["error"].as_str().map(str::to_owned)).unwrap_or_default();
                let remedy = "log in again for a new one; it is logged out, has expired, or is of another homeserver";
                self.notes.fail(Check::Token, url, format!("the homeserver does not know the token: {why}"), remedy);
                None
            }
            Ok(answer) => {
                self.notes.fail(Check::Token, url, answer.gist(), "see the homeserver's log");
                None
            }
            Err(trouble) => {
                self.notes.fail(
                    Check::Token,
                    url,
                    &trouble,
                    trouble.remedy(homeserver.host_str().unwrap_or_default(), "the homeserver"),
                );
                None
            }
        }
    }

    /// Asks Ringback for a user's STUN and TURN servers: so it must take the token.
    pub async fn ice_servers(&self, backend: &Url, account: &Account) -> Option<Vec<IceServer>> {
        let url = at(backend, "/api/ice-servers");
        let answer = match self.ask_as(&account.token, Method::GET, &url, None).await {
            Ok(answer) => answer,
            Err(trouble) => {
                self.notes.fail(Check::Token, url, &trouble, trouble.remedy(backend.host_str().unwrap_or_default(), "Ringback"));
                return None;
            }
        };
        let body = answer.json().unwrap_or_default();
        if answer.status == 200 {
            self.notes.ok(Check::Token, url, "Ringback takes it too");
            return serde_json::from_value(body["iceServers"].clone()).ok();
        }
        let remedy = match (answer.status.as_u16(), body["errcode"].as_str()) {
            (401, Some("M_MISSING_TOKEN")) => "let the proxy pass the Authorization header on to Ringback",
            (401, _) => "let `homeserver_url` of Ringback point to the homeserver whose token this is: that one knows it",
            (502 | 504, Some("RINGBACK_HOMESERVER")) => {
                "correct `homeserver_url` of Ringback: it cannot reach the homeserver (its log says `the homeserver failed`)"
            }
            _ => "see Ringback's log",
        };
        self.notes.fail(Check::Token, url, format!("Ringback does not take the token: {}", answer.gist()), remedy);
        None
    }

    /// Asks with a token.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn ask_as(&self, token: &AccessToken, method: Method, url: &Url, body: Option<Value>) -> Result<Answer, Trouble> {
        self.ask_as_within(PATIENCE, token, method, url, body).await
    }

    /// The same with another deadline.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn ask_as_within(
        &self,
        patience: Duration,
        token: &AccessToken,
        method: Method,
        url: &Url,
        body: Option<Value>,
    ) -> Result<Answer, Trouble> {
        let bearer = format!("Bearer {}", token.expose());
        self.net.ask_within(patience, method, url, &[("authorization", &bearer)], body.map(|body| body.to_string())).await
    }
}
