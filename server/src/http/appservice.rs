//! What the homeserver sends to its application service (Matrix application service API, "Pushing events").

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequestParts, State},
    http::{StatusCode, request::Parts},
    routing::{get, post, put},
};
use call::wire::errcode;
use serde_json::{Value, json};

use super::extract::bearer;
use crate::{app::App, appservice::Transaction, error::ApiError};

/// A hundred events of 64 KiB, and some.
const MAX_TRANSACTION: usize = 16 * 1024 * 1024;

/// The routes that only the homeserver may use.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/_matrix/app/v1/transactions/{id}", put(transaction))
        .route("/_matrix/app/v1/ping", post(ping))
        .route("/_matrix/app/v1/users/{id}", get(nobody))
        .route("/_matrix/app/v1/rooms/{alias}", get(nobody))
        .layer(DefaultBodyLimit::max(MAX_TRANSACTION))
}

/// The homeserver, and nobody else: decided by the request's head, before anything of its body is read.
struct Homeserver;

impl FromRequestParts<Arc<App>> for Homeserver {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?.ok_or_else(ApiError::missing_token)?;
        match &app.config.appservice {
            Some(service) if service.is_homeserver(&token) => Ok(Self),
            Some(_) | None => Err(ApiError::forbidden("only the homeserver may do this")),
        }
    }
}

/// The same transaction may come again: what it says is already so then.
async fn transaction(
    _: Homeserver,
    State(app): State<Arc<App>>,
    Json(transaction): Json<Transaction>,
) -> Result<Json<Value>, ApiError> {
    for membership in transaction.memberships() {
        app.calls.membership_changed(membership).await?;
    }
    Ok(Json(json!({})))
}

async fn ping(_: Homeserver) -> Json<Value> {
    Json(json!({}))
}

async fn nobody(_: Homeserver) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, errcode::NOT_FOUND, "Ringback makes no users and no rooms")
}
