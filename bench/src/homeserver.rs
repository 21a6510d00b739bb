//! A homeserver that knows everybody and answers after a fixed time: what it costs is not what is measured.
//!
//! A token is `token.<number>`, and belongs to `@u<number>:bench`. A room is `!<first>.<count>.<name>:bench`, and its members are the
//! `count` users from the `first` on. `GET /count` tells how many requests came, and `GET /most-at-once` how many were under way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Result;
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, put},
};
use serde_json::{Map, Value, json};
use tokio::{net::TcpListener, time::sleep};

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    under_way: AtomicU64,
    most: AtomicU64,
}

/// Serves until it is killed. `latency` is the time from a request to its answer.
///
/// # Errors
/// Where it cannot listen.
pub async fn serve(address: &str, latency: Duration) -> Result<()> {
    let counts = Arc::new(Counts::default());
    let matrix = Router::new()
        .route("/_matrix/client/versions", get(async || json_text(&json!({"versions": ["v1.11"]}))))
        .route("/_matrix/client/v3/account/whoami", get(whoami))
        .route("/_matrix/client/v3/rooms/{room}/joined_members", get(members))
        .route("/_matrix/client/v3/rooms/{room}/send/{kind}/{transaction}", put(async || json_text(&json!({"event_id": "$e"}))))
        .route("/_matrix/client/v3/voip/turnServer", get(async || json_text(&json!({}))))
        .fallback(async || (StatusCode::NOT_FOUND, json_text(&json!({"errcode": "M_NOT_FOUND", "error": "not here"}))))
        .layer(middleware::from_fn_with_state(counts.clone(), move |counts, request, next| {
            slowly(latency, counts, request, next)
        }));
    let count = counts.clone();
    let router = matrix
        .route("/count", get(async move || count.requests.load(Relaxed).to_string()))
        .route("/most-at-once", get(async move || counts.most.swap(0, Relaxed).to_string()));
    Ok(axum::serve(TcpListener::bind(address).await?, router).await?)
}

async fn slowly(latency: Duration, State(counts): State<Arc<Counts>>, request: Request, next: Next) -> Response {
    counts.requests.fetch_add(1, Relaxed);
    let under_way = UnderWay::one_more(&counts);
    let answer = next.run(request).await;
    sleep(latency).await;
    drop(under_way);
    answer
}

/// A request that is under way until this is dropped: also where whoever asked has gone away before the answer.
struct UnderWay<'a>(&'a Counts);

impl<'a> UnderWay<'a> {
    fn one_more(counts: &'a Counts) -> Self {
        let under_way = counts.under_way.fetch_add(1, Relaxed) + 1;
        counts.most.fetch_max(under_way, Relaxed);
        Self(counts)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Relaxed);
    }
}

async fn whoami(headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(number) = bearer.and_then(|bearer| bearer.strip_prefix("Bearer token.")) else {
        let body = json_text(&json!({"errcode": "M_UNKNOWN_TOKEN", "error": "no such token"}));
        return (StatusCode::UNAUTHORIZED, body).into_response();
    };
    let (user, device) = number.split_once('.').unwrap_or((number, "0"));
    json_text(&json!({"user_id": user_id(user), "device_id": format!("D{device}")})).into_response()
}

async fn members(Path(room): Path<String>) -> Response {
    let mut parts = room.trim_start_matches('!').split('.').map_while(|part| part.parse::<u64>().ok());
    let (first, count) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let joined = (first..first + count).map(|number| (user_id(number), json!({"display_name": format!("User {number}")})));
    json_text(&json!({"joined": joined.collect::<Map<String, Value>>()})).into_response()
}

/// The user's id.
pub fn user_id(number: impl std::fmt::Display) -> String {
    format!("@u{number}:bench")
}

fn json_text(value: &Value) -> impl axum::response::IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string())
}
