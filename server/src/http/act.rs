//! `/api/calls/…`: starting, answering and ending calls, and looking at them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
};
use call::wire;
use serde::Deserialize;

use super::{
    extract::{Asked, InCall, Leaving, Reader, Unproved},
    openapi::{Act, Read, Start},
};
use crate::{app::App, error::ApiError};

type Answer<T> = Result<Json<T>, ApiError>;

/// Ring a room
///
/// Rings every joined member but the caller, or just the `invitees`. With an `Idempotency-Key` a repeated request gets the first
/// answer for 24 h.
#[utoipa::path(
    post, path = "/api/calls/initiate", tag = "calls", request_body = wire::Initiate,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 bytes, the client's own")),
    responses((status = 201, body = wire::Initiated), Start)
)]
pub async fn initiate(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Unproved { token, body }: Unproved<wire::Initiate>,
) -> Result<(StatusCode, Json<wire::Initiated>), ApiError> {
    let key = match headers.get("idempotency-key") {
        Some(key) => Some(key.to_str().map_err(|_| ApiError::invalid("Idempotency-Key must be ASCII"))?.to_owned()),
        None => None,
    };
    let initiated = app.calls.initiate(token, body, key).await?;
    Ok((StatusCode::CREATED, Json(initiated)))
}

/// Pick up
#[utoipa::path(
    post, path = "/api/calls/{callId}/answer", tag = "calls", request_body = wire::Act,
    params(("callId" = String, Path)), responses((status = 200, body = wire::Entered), Act)
)]
pub async fn answer(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::Act>) -> Answer<wire::Entered> {
    let actor = asked.actor(&app, asked.body.session_id.clone());
    app.calls.answer(actor, id).await.map(Json)
}

/// Say no
#[utoipa::path(
    post, path = "/api/calls/{callId}/reject", tag = "calls", request_body = wire::Reject,
    params(("callId" = String, Path)), responses((status = 200, body = wire::Stands), Act)
)]
pub async fn reject(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::Reject>) -> Answer<wire::Stands> {
    let actor = asked.actor(&app, asked.body.session_id.clone());
    app.calls.reject(actor, id, asked.body.reason).await.map(Json)
}

/// Hang up, cancel, or (while being rung) reject
///
/// Idempotent. In a running group it takes the asker out; with `forAll` the caller ends it for everyone.
#[utoipa::path(
    post, path = "/api/calls/{callId}/end", tag = "calls", request_body = wire::End,
    params(("callId" = String, Path)), responses((status = 200, body = wire::Stands), Act)
)]
pub async fn end(State(app): State<Arc<App>>, InCall(id): InCall, Leaving(asked): Leaving<wire::End>) -> Answer<wire::Stands> {
    app.calls.end(asked.actor(&app, None), id, asked.body.for_all).await.map(Json)
}

/// Enter an active call of a room
#[utoipa::path(
    post, path = "/api/calls/{callId}/join", tag = "calls", request_body = wire::Act,
    params(("callId" = String, Path)), responses((status = 200, body = wire::Entered), Act)
)]
pub async fn join(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::Act>) -> Answer<wire::Entered> {
    let actor = asked.actor(&app, asked.body.session_id.clone());
    app.calls.join(actor, id).await.map(Json)
}

/// Leave a call that goes on
#[utoipa::path(
    post, path = "/api/calls/{callId}/leave", tag = "calls", request_body = wire::Act,
    params(("callId" = String, Path)), responses((status = 200, body = wire::Stands), Act)
)]
pub async fn leave(State(app): State<Arc<App>>, InCall(id): InCall, Leaving(asked): Leaving<wire::Act>) -> Answer<wire::Stands> {
    let actor = asked.actor(&app, asked.body.session_id.clone());
    app.calls.leave(actor, id).await.map(Json)
}

/// What rings for the asker now
#[utoipa::path(
    get, path = "/api/calls/active", tag = "calls",
    params(("userId" = Option<String>, Query, description = "the asker's own user id")),
    responses((status = 200, body = wire::Active), Read)
)]
pub async fn active(State(app): State<Arc<App>>, Reader(who): Reader) -> Answer<wire::Active> {
    app.calls.active(&who).await.map(Json)
}

/// The asker's calls that are over, newest first
#[utoipa::path(
    get, path = "/api/calls/history", tag = "calls",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "how many; 20 where absent"),
        ("from" = Option<String>, Query, description = "the `nextBatch` of the page before"),
        ("userId" = Option<String>, Query, description = "the asker's own user id")
    ),
    responses((status = 200, body = wire::History), Read)
)]
pub async fn history(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    page: Result<Query<Page>, QueryRejection>,
) -> Answer<wire::History> {
    let Query(page) = page.map_err(|_| ApiError::invalid("limit must be between 1 and 100"))?;
    app.calls.history(&who, page.limit, page.from.as_deref()).await.map(Json)
}

/// Which page of history.
#[derive(Deserialize)]
pub struct Page {
    limit: Option<usize>,
    from: Option<String>,
}

/// Note that missed calls were seen
#[utoipa::path(
    post, path = "/api/calls/history/seen", tag = "calls", request_body = wire::Seen,
    responses((status = 200, body = wire::Done), Act)
)]
pub async fn seen(State(app): State<Arc<App>>, asked: Asked<wire::Seen>) -> Answer<wire::Done> {
    app.calls.seen(&asked.who, asked.body.call_ids).await?;
    Ok(Json(wire::Done { success: true, ..wire::Done::default() }))
}

/// Ring more members of the room into a running call
#[utoipa::path(
    post, path = "/api/calls/{callId}/invite", tag = "calls", request_body = wire::Invite,
    params(("callId" = String, Path)), responses((status = 200, body = wire::Invited), Act)
)]
pub async fn invite(State(app): State<Arc<App>>, InCall(id): InCall, asked: Asked<wire::Invite>) -> Answer<wire::Invited> {
    app.calls.invite(asked.actor(&app, None), id, asked.body.user_ids).await.map(Json)
}

/// A call, for its participants and the members of its room
#[utoipa::path(
    get, path = "/api/calls/{callId}/status", tag = "calls",
    params(("callId" = String, Path), ("userId" = Option<String>, Query, description = "the asker's own user id")),
    responses((status = 200, body = wire::CallStatus), Read)
)]
pub async fn status(State(app): State<Arc<App>>, InCall(id): InCall, Reader(who): Reader) -> Answer<wire::CallStatus> {
    app.calls.status(&who, &id).await.map(Json)
}
