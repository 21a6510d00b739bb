//! What is seen of every request from outside: counted, timed, traced; and a refusal says which call it is about.

use axum::{
    Json,
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use call::{ids::CallId, wire::ErrorBody};
use tokio::time::Instant;
use tracing::{Instrument as _, Span, field::Empty};

use crate::{metrics, traces, trail};

/// Where Socket.IO is. What asks there waits by design, and is no request for anything by itself.
const SOCKET_IO: &str = "/socket.io/";
/// Every path that there is nothing at.
const NOWHERE: &str = "none";

/// Looks on while a request is handled.
pub async fn observe(request: Request, next: Next) -> Response {
    let since = Instant::now();
    let method = method_of(&request);
    let route = route_of(&request);
    let call = call_of(&route, request.uri().path());
    let span = span_of(method, &route, call.as_ref(), &request);
    let response = trail::begin(call.clone(), next.run(request)).instrument(span.clone()).await;
    let response = refusal(response, call);
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let took = (route != SOCKET_IO).then(|| since.elapsed());
    metrics::http_answered(method, &route, status.as_u16(), took);
    response
}

/// Counts a refusal, and adds the call that the path names: nothing that the asker has not sent.
fn refusal(mut response: Response, call: Option<CallId>) -> Response {
    let Some(body) = response.extensions_mut().remove::<ErrorBody>() else { return response };
    metrics::refused("http", &body.errcode);
    if call.is_none() || body.call_id.is_some() {
        return response;
    }
    let told = (response.status(), Json(ErrorBody { call_id: call, ..body })).into_response();
    let (mut head, _) = response.into_parts();
    let (told, body) = told.into_parts();
    head.headers.extend(told.headers);
    Response::from_parts(head, body)
}

/// What a client sends as a method is not for a label.
fn method_of(request: &Request) -> &'static str {
    match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn route_of(request: &Request) -> String {
    match request.extensions().get::<MatchedPath>() {
        Some(path) => path.as_str().to_owned(),
        None if request.uri().path().starts_with(SOCKET_IO) => SOCKET_IO.to_owned(),
        None => NOWHERE.to_owned(),
    }
}

/// The call in a path like `/api/calls/{callId}/answer`.
fn call_of(route: &str, path: &str) -> Option<CallId> {
    let rest = route.starts_with("/api/calls/{callId}/").then(|| path.strip_prefix("/api/calls/")).flatten()?;
    CallId::parse(rest.split('/').next()?).ok()
}

/// No span for what only asks whether we live, and for what goes on for as long as a client is there.
fn span_of(method: &'static str, route: &str, call: Option<&CallId>, request: &Request) -> Span {
    if [SOCKET_IO, NOWHERE, "/", "/ws", "/health"].contains(&route) {
        return Span::none();
    }
    let span = tracing::info_span!(
        "http",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        call_id = call.map(tracing::field::display),
    );
    traces::adopt(&span, request.headers());
    span
}
