//! From a request to who asks for what.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use call::{
    ids::{AccessToken, CallId, SessionId, UserId},
    wire::{self, Claim, Claimed, errcode, parse_object},
};
use http_body_util::BodyExt as _;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::{Instant, timeout_at};

use crate::{
    app::App,
    auth::{Identity, Patience},
    calls::Actor,
    error::ApiError,
};

/// The longest body, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// How much of a longer one is read to be thrown away.
const DRAIN: usize = 8 * 1024 * 1024;
/// How long a body may take in all.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);

/// Somebody who has proved who they are, and the body that they sent.
pub struct Asked<T> {
    /// Who.
    pub who: Arc<Identity>,
    /// What.
    pub body: T,
}

/// A body, and the header's token, which nobody has looked at yet.
pub struct Unproved<T> {
    /// By the header.
    pub token: Option<AccessToken>,
    /// What.
    pub body: T,
}

/// The same for ending and leaving, which must be possible while the homeserver is away.
pub struct Leaving<T>(pub Asked<T>);

/// Somebody who reads: by header, or where the settings allow it by a bare `userId`.
pub struct Reader(pub Arc<Identity>);

/// Somebody who may have said who they are; a token that is there must be good.
pub struct MaybeReader(pub Option<Arc<Identity>>);

/// The call in the path.
pub struct InCall(pub CallId);

impl<T: DeserializeOwned + Claim + Send + Sync> FromRequest<Arc<App>> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        asked(request, app, Patience::Fresh).await
    }
}

impl<T: DeserializeOwned + Claim + Send + Sync> FromRequest<Arc<App>> for Leaving<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        asked(request, app, Patience::WhileAway).await.map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Unproved<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, ApiError> {
        let token = bearer(request.headers())?;
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let bytes = read_body(request.into_body()).await?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| wire::Malformed { errcode: errcode::NOT_JSON, error: "the body is not UTF-8".to_owned() })?;
        let body = if text.is_empty() { parse_object("{}")? } else { parse_object_as(content_type.as_deref(), text)? };
        Ok(Self { token, body })
    }
}

async fn asked<T: DeserializeOwned + Claim + Sync>(
    request: Request,
    app: &Arc<App>,
    patience: Patience,
) -> Result<Asked<T>, ApiError> {
    let Unproved { token, body } = Unproved::<T>::from_request(request, app).await?;
    let who = app.calls.auth.asker(token, &body, patience).await?;
    Ok(Asked { who, body })
}

fn parse_object_as<T: DeserializeOwned>(content_type: Option<&str>, text: &str) -> Result<T, ApiError> {
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media != "application/json" && !(media.starts_with("application/") && media.ends_with("+json")) {
        let error = "send `Content-Type: application/json`";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, errcode::UNRECOGNIZED, error));
    }
    Ok(parse_object(text)?)
}

/// Reads a body up to the limit. What is over it is read on for a while and thrown away: a client that still writes when the
/// connection closes would never read why.
async fn read_body(mut body: Body) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut length = 0;
    let deadline = Instant::now() + DRAIN_WITHIN;
    while let Ok(Some(frame)) = timeout_at(deadline, body.frame()).await {
        let broken = |_| ApiError::new(StatusCode::BAD_REQUEST, errcode::NOT_JSON, "the body broke off: send it again");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        length += data.len();
        if length <= MAX_BODY {
            bytes.extend_from_slice(&data);
        } else if length > DRAIN {
            break;
        }
    }
    if length > MAX_BODY {
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, errcode::TOO_LARGE, "a body may have 64 KiB at most"));
    }
    if Instant::now() >= deadline {
        return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, errcode::NOT_JSON, "the body took too long: send it again"));
    }
    Ok(bytes)
}

/// `Authorization: Bearer …` (RFC 6750).
pub fn bearer(headers: &HeaderMap) -> Result<Option<AccessToken>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    match token.filter(|token| !token.is_empty()) {
        Some(token) => Ok(Some(AccessToken::from(token))),
        None => Err(ApiError::missing_token()),
    }
}

/// What a reader may say in the query. Tokens never stand in a URL.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asker {
    user_id: Option<UserId>,
}

impl FromRequestParts<Arc<App>> for MaybeReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let header = bearer(&parts.headers)?;
        let Query(asker) = Query::<Asker>::from_request_parts(parts, app)
            .await
            .map_err(|_| ApiError::invalid("userId is not a Matrix user id: it should look like @name:server"))?;
        if header.is_none() && asker.user_id.is_none() {
            return Ok(Self(None));
        }
        let claim = Claimed { user_id: asker.user_id, access_token: None };
        app.calls.auth.asker_maybe_bare(header, &claim, Patience::Fresh).await.map(|who| Self(Some(who)))
    }
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let MaybeReader(who) = MaybeReader::from_request_parts(parts, app).await?;
        who.map(Self).ok_or_else(ApiError::missing_token)
    }
}

impl FromRequestParts<Arc<App>> for InCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Path(id) = Path::<String>::from_request_parts(parts, app).await.map_err(|_| ApiError::no_such_call())?;
        CallId::parse(&id).map(Self).map_err(|_| ApiError::no_such_call())
    }
}

impl<T> Asked<T> {
    /// Who acts, on the connection that the body may name. One that is not the asker's device's, or not any more, says nothing.
    pub fn actor(&self, app: &App, session: Option<SessionId>) -> Actor {
        let who = self.who.clone();
        let is_of_device = |id: &SessionId| {
            let sessions = app.calls.hub.sessions(&who.user);
            sessions.iter().any(|session| session.id == *id && session.device == who.device)
        };
        Actor { session: session.filter(is_of_device), who: self.who.clone() }
    }
}
