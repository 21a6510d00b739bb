//! What the operator asks, on a port of its own.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, routing::get};

use super::discovery::database_answers;
use crate::app::App;

/// `/metrics`, `/livez`, `/readyz`.
pub fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(app.clone())
}

async fn metrics(State(app): State<Arc<App>>) -> String {
    metrics::gauge!("ringback_sessions").set(as_gauge(app.calls.hub.len()));
    metrics::gauge!("ringback_live_calls").set(as_gauge(app.calls.live_calls()));
    app.metrics.render()
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody has 2^52 devices")]
fn as_gauge(count: usize) -> f64 {
    count as f64
}

async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    if app.stopping.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else if database_answers(&app).await {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database is away\n")
    }
}
