//! The requests of the contract's section 3, one method each.

use std::time::Duration;

use call::{
    call::Media,
    ids::{AccessToken, CallId, SessionId},
    wire::{
        Act, Active, CallConfig, CallStatus, Done, End, Entered, Health, IceServers, Initiate, Initiated, Reject, SignalKind,
        Stands, Target, Toggle,
    },
};
use reqwest::{Method, RequestBuilder, StatusCode, Url, header::LOCATION, redirect::Policy};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::Error;

/// How long an answer may take, whole.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long making a connection may take.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Asks Ringback over HTTP. A clone is cheap and shares the connections.
///
/// Every method may fail with [`Error::Unreachable`], [`Error::Refused`] (what the contract's section 2 lists) or
/// [`Error::Unreadable`]. None retries.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<AccessToken>,
}

impl Client {
    /// A client without a token, for the server at an address like `http://localhost:3000`.
    ///
    /// # Errors
    /// [`Error::Address`] where it is not an http or https address; [`Error::Unreachable`] where this machine cannot do TLS.
    pub fn new(base_url: &str) -> Result<Self, Error> {
        let base = checked(base_url)?;
        Ok(Self { http: library(&base)?, base, token: None })
    }

    /// The same client, asking with this token.
    #[must_use]
    pub fn with_token(&self, token: AccessToken) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// `GET /call-config.json`: where things are. TURN credentials come with a token only.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn call_config(&self) -> Result<CallConfig, Error> {
        self.get("/call-config.json").await
    }

    /// `GET /health`. That the server is unhealthy (503) is an answer too.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn health(&self) -> Result<Health, Error> {
        let Answer { address, status, text } = self.ask(Method::GET, "/health", |request| request).await?;
        if status.is_success() || status == StatusCode::SERVICE_UNAVAILABLE {
            return read(&address, status, &text);
        }
        Err(Error::from_answer(&address, status, &text))
    }

    /// `POST /api/calls/initiate`: ring a room.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn initiate(&self, initiate: &Initiate) -> Result<Initiated, Error> {
        self.post("/api/calls/initiate", initiate).await
    }

    /// The same with an `Idempotency-Key`: a repeat with this key rings nobody and returns the first answer.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn initiate_with_key(&self, initiate: &Initiate, idempotency_key: &str) -> Result<Initiated, Error> {
        let answer = self
            .ask(Method::POST, "/api/calls/initiate", |request| request.header("Idempotency-Key", idempotency_key).json(initiate))
            .await?;
        answer.read()
    }

    /// `POST …/answer`: pick up. `session` is the connection that acts, so that every other one stops ringing.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn answer(&self, call: &CallId, session: Option<&SessionId>) -> Result<Entered, Error> {
        self.act(call, "answer", session).await
    }

    /// `POST …/reject`: say no, for a reason that the caller is told.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn reject(&self, call: &CallId, session: Option<&SessionId>, reason: Option<&str>) -> Result<Stands, Error> {
        let body = Reject { session_id: session.cloned(), reason: reason.map(str::to_owned), user_id: None, access_token: None };
        self.post(&format!("/api/calls/{call}/reject"), &body).await
    }

    /// `POST …/end`: hang up, or cancel; with `for_all` the caller ends a group call for everyone.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn end(&self, call: &CallId, for_all: bool) -> Result<Stands, Error> {
        self.post(&format!("/api/calls/{call}/end"), &End { for_all, user_id: None, access_token: None }).await
    }

    /// `POST …/join`: enter an active call.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn join(&self, call: &CallId) -> Result<Entered, Error> {
        self.act(call, "join", None).await
    }

    /// `POST …/leave`: the others go on.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn leave(&self, call: &CallId) -> Result<Stands, Error> {
        self.act(call, "leave", None).await
    }

    /// `POST …/toggle-audio`, `…/toggle-video` or `…/toggle-screen`.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn toggle(&self, call: &CallId, media: Media, enabled: bool) -> Result<Done, Error> {
        let what = match media {
            Media::Audio => "toggle-audio",
            Media::Video => "toggle-video",
            Media::Screen => "toggle-screen",
        };
        self.post(&format!("/api/calls/{call}/{what}"), &Toggle { enabled, user_id: None, access_token: None }).await
    }

    /// `POST …/offer`, `…/answer-sdp` or `…/ice-candidate`, the payload as a browser gives it.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn signal(&self, call: &CallId, kind: SignalKind, payload: &Value, target: Target) -> Result<Done, Error> {
        let (path, body) = match kind {
            SignalKind::Offer => ("offer", json!({ "offer": payload, "targetUserId": target })),
            SignalKind::Answer => ("answer-sdp", json!({ "answer": payload, "targetUserId": target })),
            SignalKind::Candidate => ("ice-candidate", json!({ "candidate": payload, "targetUserId": target })),
        };
        self.post(&format!("/api/calls/{call}/{path}"), &body).await
    }

    /// `GET /api/calls/active`: what rings for the asker now.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn active(&self) -> Result<Active, Error> {
        self.get("/api/calls/active").await
    }

    /// `GET …/status`: a call and everyone in it.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn status(&self, call: &CallId) -> Result<CallStatus, Error> {
        self.get(&format!("/api/calls/{call}/status")).await
    }

    /// `GET /api/ice-servers`: fresh credentials for a long call.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn ice_servers(&self) -> Result<IceServers, Error> {
        self.get("/api/ice-servers").await
    }

    async fn act<T: DeserializeOwned>(&self, call: &CallId, verb: &str, session: Option<&SessionId>) -> Result<T, Error> {
        let body = Act { session_id: session.cloned(), user_id: None, access_token: None };
        self.post(&format!("/api/calls/{call}/{verb}"), &body).await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.ask(Method::GET, path, |request| request).await?.read()
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Error> {
        self.ask(Method::POST, path, |request| request.json(body)).await?.read()
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, Error> {
        let address = format!("{}{path}", self.base);
        let mut request = with(self.http.request(method, &address));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let response = request.send().await.map_err(|error| Error::unreachable(&address, error))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("somewhere else").to_owned();
            return Err(Error::unreadable(&address, status, "it sends us elsewhere: use that address", &to));
        }
        let text = response.text().await.map_err(|error| Error::unreachable(&address, error))?;
        Ok(Answer { address, status, text })
    }
}

/// What came back, whatever it is.
struct Answer {
    address: String,
    status: StatusCode,
    text: String,
}

impl Answer {
    fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        let Self { address, status, text } = self;
        if status.is_success() { read(&address, status, &text) } else { Err(Error::from_answer(&address, status, &text)) }
    }
}

/// The text of a success is not shown where it cannot be read: a login's holds a token.
fn read<T: DeserializeOwned>(address: &str, status: StatusCode, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Error::unreadable(address, status, error.to_string(), ""),
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof | serde_json::error::Category::Io => {
            Error::unreadable(address, status, "it is not JSON", if text.trim_start().starts_with('{') { "{…" } else { text })
        }
    })
}

/// A redirect would turn a POST into a GET, so none is followed.
fn library(address: &str) -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .timeout(ANSWER_WITHIN)
        .connect_timeout(CONNECT_WITHIN)
        .redirect(Policy::none())
        .user_agent(concat!("ringback-client/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::unreachable(address, error))
}

/// Checks a base address, and takes the slash off its end.
pub(crate) fn checked(address: &str) -> Result<String, Error> {
    let bad = |why: String| Error::Address { address: address.to_owned(), why };
    let url = Url::parse(address.trim()).map_err(|error| bad(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(bad("it should begin with http:// or https://".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(Error::Address {
            address: format!("{}://{}…", url.scheme(), url.host_str().unwrap_or_default()),
            why: "leave out the user name, the password, `?` and `#`".to_owned(),
        });
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_is_checked_and_trimmed() {
        assert_eq!(checked("http://localhost:3000/").unwrap(), "http://localhost:3000");
        assert_eq!(checked(" https://example.org/ringback/ ").unwrap(), "https://example.org/ringback");
        assert_eq!(checked("http://[::1]:3000").unwrap(), "http://[::1]:3000");
        for bad in ["", "localhost:3000", "example.org", "ftp://x", "http://u:secret@x", "http://x/?access_token=secret"] {
            let error = checked(bad).expect_err(bad).to_string();
            assert!(error.contains("http://localhost:3000") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_success_that_cannot_be_read_does_not_show_its_values() {
        let error = read::<Initiated>("http://x", StatusCode::OK, r#"{"access_token":"syt_secret"}"#).unwrap_err();
        assert!(!error.to_string().contains("secret") && error.to_string().contains("callId"), "{error}");
    }

    #[test]
    fn a_client_never_prints_its_token() {
        let client = Client::new("http://localhost:3000").unwrap().with_token(AccessToken::from("syt_secret".to_owned()));
        assert!(!format!("{client:?}").contains("secret"));
    }
}
