//! Where things are, and whether they are well.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use call::wire::{CallConfig, Health, IceServers};
use serde_json::{Value, json};

use super::{
    extract::{MaybeReader, Reader},
    openapi::Read,
};
use crate::{app::App, error::ApiError, public_url::Ends};

/// How long the database may take to show that it is there.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

/// What a client needs to begin
///
/// Without a token there are no TURN credentials in it; a bad token gets 401.
#[utoipa::path(
    get, path = "/call-config.json", tag = "discovery",
    params(("userId" = Option<String>, Query, description = "the asker's own user id")),
    responses((status = 200, body = CallConfig), Read)
)]
pub async fn call_config(
    State(app): State<Arc<App>>,
    Extension(ends): Extension<Ends>,
    headers: HeaderMap,
    MaybeReader(who): MaybeReader,
) -> Json<CallConfig> {
    let ice_servers = match &who {
        Some(who) if who.token.is_some() => app.calls.ice_for(who).await.0,
        Some(_) | None => app.calls.ice.anonymous(),
    };
    let base_url = app.urls.base(&headers, ends);
    Json(CallConfig {
        websocket_url: base_url.clone(),
        base_url,
        homeserver_url: app.urls.homeserver(&headers, ends),
        ice_servers,
    })
}

/// Whether calls can be made
#[utoipa::path(
    get, path = "/health", tag = "discovery",
    responses((status = 200, body = Health), (status = 503, body = Health, description = "the database is away"))
)]
pub async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<Health>) {
    let (status, word, database) = if database_answers(&app).await {
        (StatusCode::OK, "healthy", "connected")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy", "disconnected")
    };
    (status, Json(Health { status: word.to_owned(), database: database.to_owned() }))
}

/// Whether the database answers, soon.
pub async fn database_answers(app: &App) -> bool {
    matches!(tokio::time::timeout(DATABASE_PATIENCE, app.calls.store.ping()).await, Ok(Ok(())))
}

/// Where the homeserver and Ringback are, as Matrix clients look for it
#[utoipa::path(get, path = "/.well-known/matrix/client", tag = "discovery", responses((status = 200, body = Value)))]
pub async fn well_known(State(app): State<Arc<App>>, Extension(ends): Extension<Ends>, headers: HeaderMap) -> Json<Value> {
    Json(json!({
        "m.homeserver": { "base_url": app.urls.homeserver(&headers, ends) },
        "dev.ringback.call": { "base_url": app.urls.base(&headers, ends) },
    }))
}

/// Fresh STUN and TURN servers, for a long call
#[utoipa::path(
    get, path = "/api/ice-servers", tag = "discovery",
    params(("userId" = Option<String>, Query, description = "the asker's own user id")),
    responses((status = 200, body = IceServers), Read)
)]
pub async fn ice_servers(State(app): State<Arc<App>>, Reader(who): Reader) -> Result<Json<IceServers>, ApiError> {
    if who.token.is_none() {
        return Err(ApiError::missing_token());
    }
    let (ice_servers, ttl) = app.calls.ice_for(&who).await;
    Ok(Json(IceServers { ice_servers, ttl }))
}
