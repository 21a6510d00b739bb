//! What is asked of the homeserver, as the user whose token is at hand.
//!
//! Every request has one deadline over all its tries and the wait for its turn, so a homeserver that hangs costs a caller
//! five seconds and no more.

mod requests;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use call::ids::{AccessToken, DeviceId, UserId};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};
use tracing::{Instrument as _, field::Empty};
use url::Url;

use crate::{causes::causes, metrics, traces, trail};

pub use requests::notice;

/// How long one request may take, with its tries and its wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many requests are under way at once.
const UNDER_WAY: usize = 64;

/// How many of them may be requests that nobody waits for.
const UNHURRIED: usize = 8;

/// The homeserver, reached by its client-server API.
pub struct Homeserver {
    base: Url,
    http: reqwest::Client,
    turns: Semaphore,
    unhurried: Semaphore,
    on_refusal: OnceLock<OnRefusal>,
}

/// What is done when it does not know a token, whatever was asked with it.
type OnRefusal = Box<dyn Fn(&AccessToken) + Send + Sync>;

/// Why the homeserver did not give what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It does not know the token.
    #[error("it does not know the token")]
    UnknownToken,
    /// It knows the token, and says no.
    #[error("it does not allow this")]
    Forbidden,
    /// There is no such thing.
    #[error("it has no such thing")]
    NotFound,
    /// It took longer than [`PATIENCE`].
    #[error("it took over {} s", PATIENCE.as_secs())]
    Slow,
    /// It refuses the connection, fails, or talks nonsense.
    #[error("{0}")]
    Away(Arc<str>),
}

impl Failure {
    fn away(why: impl std::fmt::Display) -> Self {
        Self::Away(why.to_string().into())
    }

    /// Whether it says nothing about the token or the user.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Slow | Self::Away(_) => true,
            Self::UnknownToken | Self::Forbidden | Self::NotFound => false,
        }
    }
}

/// Whose a token is.
#[derive(Debug, Clone, Deserialize)]
pub struct WhoAmI {
    /// The user.
    pub user_id: UserId,
    /// The device; an application service's token has none.
    pub device_id: Option<DeviceId>,
}

/// A room's joined members, with their display names in that room.
pub type Members = BTreeMap<UserId, Option<String>>;

/// What `/voip/turnServer` gives; nothing at all where the homeserver has no TURN.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct TurnServer {
    /// `turn:` and `turns:` URIs.
    #[serde(default)]
    pub uris: Vec<String>,
    /// The user name.
    #[serde(default)]
    pub username: String,
    /// The password.
    #[serde(default)]
    pub password: String,
    /// For how many seconds they hold.
    #[serde(default)]
    pub ttl: u64,
}

impl Homeserver {
    /// A client for the homeserver at this URL.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(base: Url) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(PATIENCE)
            .pool_max_idle_per_host(UNDER_WAY)
            .pool_idle_timeout(Duration::from_secs(20))
            .tcp_nodelay(true)
            .user_agent(concat!("ringback/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            base,
            http,
            turns: Semaphore::new(UNDER_WAY),
            unhurried: Semaphore::new(UNHURRIED),
            on_refusal: OnceLock::new(),
        })
    }

    /// Has this done whenever a token is refused. Once.
    pub fn on_refusal(&self, act: impl Fn(&AccessToken) + Send + Sync + 'static) {
        let _ = self.on_refusal.set(Box::new(act));
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["_matrix", "client", "v3"]).extend(path);
        }
        url
    }

    /// Waits for a turn to ask what nobody waits for: such questions leave most turns to the others.
    pub async fn unhurried(&self) -> Option<SemaphorePermit<'_>> {
        self.unhurried.acquire().await.ok()
    }

    /// How many requests are under way.
    pub fn under_way(&self) -> usize {
        UNDER_WAY.saturating_sub(self.turns.available_permits())
    }

    async fn get<T: DeserializeOwned>(&self, what: &'static str, token: &AccessToken, path: &[&str]) -> Result<T, Failure> {
        self.request(what, Method::GET, token, path, &[], None).await
    }

    /// Sends what may be sent again: a reading, or a `PUT` with its own transaction id. `what` is its name for those who look on.
    async fn request<T: DeserializeOwned>(
        &self,
        what: &'static str,
        method: Method,
        token: &AccessToken,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&serde_json::Value>,
    ) -> Result<T, Failure> {
        let since = Instant::now();
        let span = traces::within(|| {
            tracing::info_span!(
                "homeserver",
                otel.name = format_args!("homeserver {what}"),
                otel.kind = "client",
                otel.status_code = Empty,
                http.request.method = method.as_str(),
                ringback.request = what,
                ringback.outcome = Empty,
                call_id = trail::call().map(tracing::field::display),
            )
        });
        let result = self.try_request(method, token, path, query, body).instrument(span.clone()).await;
        let outcome = match &result {
            Ok(_) => "ok",
            Err(Failure::UnknownToken | Failure::Forbidden | Failure::NotFound) => "refused",
            Err(Failure::Slow) => "slow",
            Err(Failure::Away(_)) => "away",
        };
        span.record("ringback.outcome", outcome);
        if result.as_ref().is_err_and(Failure::is_outage) {
            span.record("otel.status_code", "ERROR");
        }
        metrics::homeserver_asked(what, outcome, since.elapsed());
        result
    }

    async fn try_request<T: DeserializeOwned>(
        &self,
        method: Method,
        token: &AccessToken,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&serde_json::Value>,
    ) -> Result<T, Failure> {
        if !is_sendable(token) {
            return Err(Failure::UnknownToken);
        }
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut trace = HeaderMap::new();
        traces::pass_on(&mut trace);
        let backoff = ExponentialBuilder::default().with_min_delay(Duration::from_millis(50)).with_max_times(2).with_jitter();
        let attempt = || async {
            let mut request = self.http.request(method.clone(), url.clone()).headers(trace.clone()).bearer_auth(token.expose());
            if let Some(body) = body {
                request = request.json(body);
            }
            read(request.send().await.map_err(unreachable)?).await
        };
        let work = async {
            let _turn = self.turns.acquire().await.map_err(Failure::away)?;
            attempt.retry(backoff).when(|failure: &Tried| failure.again).await.map_err(|failure| failure.failure)
        };
        let result = tokio::time::timeout(PATIENCE, work).await.unwrap_or(Err(Failure::Slow));
        if let (Err(Failure::UnknownToken), Some(act)) = (&result, self.on_refusal.get()) {
            act(token);
        }
        result
    }
}

/// A token that cannot stand in a header is nobody's.
fn is_sendable(token: &AccessToken) -> bool {
    let text = token.expose();
    !text.is_empty() && text.len() <= 8192 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A failed try, and whether another may help.
struct Tried {
    failure: Failure,
    again: bool,
}

/// reqwest's errors name the URL, which holds no secret: tokens travel in headers.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreachable(error: reqwest::Error) -> Tried {
    Tried { again: true, failure: if error.is_timeout() { Failure::Slow } else { Failure::away(causes(&error)) } }
}

async fn read<T: DeserializeOwned>(response: reqwest::Response) -> Result<T, Tried> {
    let status = response.status();
    let fail = |failure, again| Err(Tried { failure, again });
    match status {
        StatusCode::OK => match response.json().await {
            Ok(answer) => Ok(answer),
            Err(error) if error.is_decode() => fail(Failure::away(format!("it answers what cannot be read: {error}")), false),
            Err(error) => Err(unreachable(error)),
        },
        StatusCode::UNAUTHORIZED => fail(Failure::UnknownToken, false),
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => fail(Failure::Forbidden, false),
        StatusCode::NOT_FOUND => fail(Failure::NotFound, false),
        StatusCode::TOO_MANY_REQUESTS => fail(Failure::away("it limits our requests (429)"), true),
        _ => fail(Failure::away(format!("it answers {status}")), status.is_server_error()),
    }
}
