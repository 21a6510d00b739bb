//! Bare handlers: commit, hand the frame on, answer with as many bytes as the real thing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use anyhow::Result;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
    serve::ListenerExt as _,
};
use tokio::net::TcpListener;
use tower::util::MapRequestLayer;

use super::{
    commits::{Commits, Step},
    socketio,
    sockets::Sockets,
};
use crate::homeserver::user_id;

struct Floor {
    sockets: Arc<Sockets>,
    commits: Commits,
    calls: AtomicU64,
}

pub async fn serve(listener: TcpListener, sockets: Arc<Sockets>, commits: Commits) -> Result<()> {
    let socket_io = socketio::layer(sockets.clone());
    let floor = Arc::new(Floor { sockets, commits, calls: AtomicU64::new(0) });
    let router = Router::new()
        .route("/health", get(async || "{}"))
        .route("/api/calls/initiate", post(initiate))
        .route("/api/calls/{call}/answer", post(answer))
        .route("/api/calls/{call}/end", post(end))
        .with_state(floor)
        .layer(socket_io)
        .layer(MapRequestLayer::new(socketio::own_head));
    // Frames are small and must not wait for each other.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, router).await?)
}

/// Whose the request is, and who is called.
fn pair(headers: &HeaderMap) -> (usize, usize) {
    let number = |name| headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_default();
    (number("caller"), number("callee"))
}

async fn initiate(State(floor): State<Arc<Floor>>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let (caller, callee) = pair(&headers);
    let call = format!("{:032x}", floor.calls.fetch_add(1, Relaxed));
    let room = body.split('"').find(|part| part.starts_with('!')).unwrap_or_default().to_owned();
    let step = Step::Start { call: call.clone(), room, caller: user_id(caller), callee: user_id(callee) };
    floor.commits.commit(step).await;
    let ring = format!(
        r#"{{"type":"incoming-call","eventType":"incoming_call","callId":"{call}","callType":"voice","roomId":"!000000.2.000000:bench","callerName":"User 000000","callerId":"@u000000:bench","initiatorId":"@u000000:bench","iceServers":[{{"urls":["stun:stun.l.google.com:19302","stun:stun1.l.google.com:19302","stun:stun2.l.google.com:19302"]}}],"baseUrl":"http://127.0.0.1:30000","expiresAt":"2026-01-01T00:00:00.000Z","createdAt":"2026-01-01T00:00:00.000Z","eventId":1}}"#
    );
    floor.sockets.send(callee, ring.into());
    let answer = format!(
        r#"{{"callId":"{call}","roomId":"!000000.2.000000:bench","callType":"voice","status":"ringing","iceServers":[{{"urls":["stun:stun.l.google.com:19302","stun:stun1.l.google.com:19302","stun:stun2.l.google.com:19302"]}}],"expiresAt":"2026-01-01T00:00:00.000Z","delivery":{{"live":1,"pending":0,"devices":1}}}}"#
    );
    (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], answer)
}

async fn answer(State(floor): State<Arc<Floor>>, Path(call): Path<String>, headers: HeaderMap) -> impl IntoResponse {
    let (caller, callee) = pair(&headers);
    floor.commits.commit(Step::Answer { call: call.clone(), callee: user_id(callee) }).await;
    let answered = format!(
        r#"{{"type":"call-answered","callId":"{call}","answeredBy":"@u000000:bench","roomId":"!000000.2.000000:bench","callType":"voice","eventId":1}}"#
    );
    floor.sockets.send(caller, answered.into());
    let joined = format!(r#"{{"type":"user-joined","callId":"{call}","userId":"@u000000:bench","deviceId":"D0","eventId":2}}"#);
    floor.sockets.send(caller, joined.into());
    let entered = format!(
        r#"{{"callId":"{call}","status":"active","roomId":"!000000.2.000000:bench","callType":"voice","iceServers":[{{"urls":["stun:stun.l.google.com:19302","stun:stun1.l.google.com:19302","stun:stun2.l.google.com:19302"]}}]}}"#
    );
    ([(header::CONTENT_TYPE, "application/json")], entered)
}

async fn end(State(floor): State<Arc<Floor>>, Path(call): Path<String>, headers: HeaderMap) -> impl IntoResponse {
    let (caller, callee) = pair(&headers);
    floor.commits.commit(Step::End { call: call.clone() }).await;
    let ended = format!(r#"{{"type":"call-ended","callId":"{call}","endedBy":"@u000000:bench","reason":"hangup","eventId":3}}"#);
    for device in [caller, callee] {
        floor.sockets.send(device, ended.as_str().into());
    }
    ([(header::CONTENT_TYPE, "application/json")], format!(r#"{{"callId":"{call}","status":"ended"}}"#))
}
