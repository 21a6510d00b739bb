//! What a request or a message is refused with. Every error of the contract is made here, and maps one to one to a status and
//! an errcode. A refusal is a value and is not logged; a fault is logged once, where it becomes one of these.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use call::{
    call::Refusal,
    ids::CallId,
    signal::QueueFull,
    wire::{ErrorBody, Malformed, errcode},
};

use crate::{homeserver, store};

/// A Matrix error with its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status; sockets have the body alone.
    pub status: StatusCode,
    /// What the other side reads.
    pub body: ErrorBody,
}

impl ApiError {
    /// An error without extra fields.
    pub fn new(status: StatusCode, errcode: &str, error: impl Into<String>) -> Self {
        let (errcode, error) = (errcode.to_owned(), error.into());
        Self { status, body: ErrorBody { errcode, error, status: None, call_id: None, retry_after_ms: None } }
    }

    /// 401: nobody says who asks.
    pub fn missing_token() -> Self {
        let error = "send your Matrix access token as `accessToken`, or with HTTP as `Authorization: Bearer …`";
        Self::new(StatusCode::UNAUTHORIZED, errcode::MISSING_TOKEN, error)
    }

    /// 401: the homeserver does not know the token.
    pub fn unknown_token() -> Self {
        let error = "the homeserver does not know this access token: log in again";
        Self::new(StatusCode::UNAUTHORIZED, errcode::UNKNOWN_TOKEN, error)
    }

    /// 403.
    pub fn forbidden(error: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, errcode::FORBIDDEN, error)
    }

    /// 400 for a value that makes no sense here.
    pub fn invalid(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, errcode::INVALID_PARAM, error)
    }

    /// 404 for a call.
    pub fn no_such_call() -> Self {
        Self::new(StatusCode::NOT_FOUND, errcode::NOT_FOUND, "there is no such call")
    }

    /// 409: the room has a call.
    pub fn call_exists(call_id: CallId) -> Self {
        let error = "this room already has a call: answer or join that one";
        let mut this = Self::new(StatusCode::CONFLICT, errcode::CALL_EXISTS, error);
        this.body.call_id = Some(call_id);
        this
    }

    /// 409: the key was used for another request.
    pub fn idempotency_key() -> Self {
        let error = "this Idempotency-Key was used with another body: use a new key for a new call";
        Self::new(StatusCode::CONFLICT, errcode::IDEMPOTENCY_KEY, error)
    }

    /// 429: too many calls started.
    pub fn too_many_calls(retry_after_ms: u64) -> Self {
        let error = format!("you have started too many calls: try again in {} s", retry_after_ms.div_ceil(1000));
        let mut this = Self::new(StatusCode::TOO_MANY_REQUESTS, errcode::LIMIT_EXCEEDED, error);
        this.body.retry_after_ms = Some(retry_after_ms);
        this
    }

    /// 503: the asker has come back on another connection.
    pub fn replaced() -> Self {
        Self::unavailable("this connection has been replaced by a later one")
    }

    /// 503.
    pub fn unavailable(error: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, errcode::UNAVAILABLE, error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry_after = self.body.retry_after_ms.map(|ms| ms.div_ceil(1000));
        let mut response = (self.status, Json(&self.body)).into_response();
        // For whoever looks on.
        response.extensions_mut().insert(self.body);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Malformed> for ApiError {
    fn from(malformed: Malformed) -> Self {
        Self::new(StatusCode::BAD_REQUEST, malformed.errcode, malformed.error)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let sentence = refusal.to_string();
        match refusal {
            Refusal::NotMember | Refusal::NotParticipant | Refusal::NotJoined | Refusal::NotCaller | Refusal::NoSuchTarget => {
                Self::forbidden(&sentence)
            }
            Refusal::NobodyToRing | Refusal::RoomTooLarge { .. } | Refusal::RingTime => Self::invalid(sentence),
            Refusal::State { status, .. } => {
                let mut this = Self::new(StatusCode::CONFLICT, errcode::CALL_STATE, sentence);
                this.body.status = Some(status);
                this
            }
        }
    }
}

impl From<QueueFull> for ApiError {
    fn from(full: QueueFull) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, errcode::QUEUE_FULL, full.to_string())
    }
}

impl From<store::Fault> for ApiError {
    fn from(fault: store::Fault) -> Self {
        tracing::error!("{fault}");
        Self::unavailable("the database is away: nothing was changed, try again")
    }
}

impl From<homeserver::Failure> for ApiError {
    fn from(failure: homeserver::Failure) -> Self {
        use homeserver::Failure;
        let away = |status, error: &str| Self::new(status, errcode::HOMESERVER, error);
        match failure {
            Failure::UnknownToken => Self::unknown_token(),
            Failure::Forbidden | Failure::NotFound => Self::from(Refusal::NotMember),
            Failure::Slow => away(StatusCode::GATEWAY_TIMEOUT, "the homeserver takes too long: nothing was changed, try again"),
            Failure::Away(why) => {
                tracing::warn!(%why, "the homeserver failed");
                away(StatusCode::BAD_GATEWAY, "the homeserver cannot be reached or fails: nothing was changed, try again")
            }
        }
    }
}
