//! What the operator asks, on a port of its own.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use socketioxide::{SocketIo, TransportType};

use super::discovery::database_answers;
use crate::{app::App, metrics::Standing};

/// Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics`, `/livez`, `/readyz`.
pub fn router(app: &Arc<App>, socket_io: &SocketIo) -> Router {
    let (scraped, socket_io) = (app.clone(), socket_io.clone());
    Router::new()
        .route("/metrics", get(move || std::future::ready(metrics(&scraped, &socket_io))))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(app.clone())
}

fn metrics(app: &App, socket_io: &SocketIo) -> impl IntoResponse + use<> {
    let sockets = socket_io.sockets();
    let by_polling = sockets.iter().filter(|socket| matches!(socket.transport_type(), TransportType::Polling)).count();
    Standing { by_websocket: sockets.len() - by_polling, by_polling, ..app.calls.standing() }.show();
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], app.metrics.render())
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
