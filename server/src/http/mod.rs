//! Every route, on one page.

mod act;
mod appservice;
mod discovery;
mod extract;
mod observe;
mod openapi;
mod ops;
mod signal;
mod softphone;

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderName, Method, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use call::wire::errcode;
use socketioxide::SocketIo;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{Any as AnyOrigin, CorsLayer},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    socket::{plain, socketio},
};

pub use openapi::document;
pub use ops::router as ops_router;

/// How long browsers may remember what CORS allows.
const PREFLIGHT_LASTS: Duration = Duration::from_hours(1);

/// The routes that the OpenAPI document describes.
fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::about())
        .routes(routes!(discovery::call_config))
        .routes(routes!(discovery::health))
        .routes(routes!(discovery::well_known))
        .routes(routes!(discovery::ice_servers))
        .routes(routes!(act::initiate))
        .routes(routes!(act::active))
        .routes(routes!(act::history))
        .routes(routes!(act::seen))
        .routes(routes!(act::invite))
        .routes(routes!(act::answer))
        .routes(routes!(act::reject))
        .routes(routes!(act::end))
        .routes(routes!(act::join))
        .routes(routes!(act::leave))
        .routes(routes!(act::status))
        .routes(routes!(signal::offer))
        .routes(routes!(signal::answer_sdp))
        .routes(routes!(signal::ice_candidate))
        .routes(routes!(signal::toggle_audio))
        .routes(routes!(signal::toggle_video))
        .routes(routes!(signal::toggle_screen))
}

/// Everything that clients reach, and the handle that closes the Socket.IO connections.
pub fn router(app: &Arc<App>) -> (Router, SocketIo) {
    let (sockets, io) = socketio::layer(app);
    let (described, document) = described().split_for_parts();
    let cors = CorsLayer::new()
        .allow_origin(AnyOrigin)
        .allow_methods([Method::GET, Method::POST, Method::OPTIONS])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("idempotency-key")])
        .expose_headers([header::RETRY_AFTER])
        .max_age(PREFLIGHT_LASTS);
    let router = described
        .route("/", get(softphone::root))
        .route("/ws", get(plain::upgrade))
        .merge(appservice::router())
        .merge(openapi::pages(document))
        .fallback(softphone::file_or_nothing)
        .method_not_allowed_fallback(no_such_method)
        .with_state(app.clone())
        .layer(
            ServiceBuilder::new()
                .layer(middleware::from_fn(observe::observe))
                .layer(cors)
                .layer(CatchPanicLayer::custom(panicked))
                .map_request(socketio::own_head)
                .layer(sockets)
                .map_response(matrix_error),
        );
    (router, io)
}

fn no_such_path() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, errcode::NOT_FOUND, "there is nothing at this path: see /docs for those that there are")
}

async fn no_such_method() -> ApiError {
    let error = "this path does not take this method: see /docs";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, errcode::UNRECOGNIZED, error)
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request's handler panicked");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, errcode::UNKNOWN, "something went wrong here: try again").into_response()
}

/// What the libraries below refuse in words of their own is told as Matrix tells it. Socket.IO has a way of its own to say no.
fn matrix_error(response: Response) -> Response {
    let is_plain =
        !response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let status = response.status();
    if !(is_plain && (status.is_client_error() || status.is_server_error())) {
        return response;
    }
    let sentence = status.canonical_reason().unwrap_or("refused").to_lowercase();
    ApiError::new(status, errcode::UNRECOGNIZED, sentence).into_response()
}
