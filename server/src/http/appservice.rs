//! What the homeserver sends to its application service (Matrix application service API, "Pushing events").

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post, put},
};
use call::wire::errcode;
use serde_json::{Value, json};

use super::extract::bearer;
use crate::{
    app::App,
    appservice::{AppService, Transaction},
    error::ApiError,
};

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

/// The same transaction may come again: what it says is already so then.
async fn transaction(
    State(app): State<Arc<App>>,
    Path(_): Path<String>,
    headers: HeaderMap,
    Json(transaction): Json<Transaction>,
) -> Result<Json<Value>, ApiError> {
    homeserver_only(&app, &headers)?;
    for membership in transaction.memberships() {
        app.calls.membership_changed(membership).await?;
    }
    Ok(Json(json!({})))
}

async fn ping(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    homeserver_only(&app, &headers)?;
    Ok(Json(json!({})))
}

async fn nobody(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    homeserver_only(&app, &headers)?;
    Err(ApiError::new(StatusCode::NOT_FOUND, errcode::NOT_FOUND, "Ringback makes no users and no rooms"))
}

fn homeserver_only(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    let token = bearer(headers)?.ok_or_else(ApiError::missing_token)?;
    let is_homeserver = |service: &AppService| service.is_homeserver(&token);
    if app.config.appservice.as_ref().is_some_and(is_homeserver) {
        Ok(())
    } else {
        Err(ApiError::forbidden("only the homeserver may do this"))
    }
}
