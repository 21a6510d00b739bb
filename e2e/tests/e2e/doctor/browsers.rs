//! What browsers need, and what proxies do to sockets.

use anyhow::Result;

use super::stage::{PROXY, Plan};

#[tokio::test]
async fn no_cors() -> Result<()> {
    let plan = Plan::new("doctor_no_cors")?.in_proxy("proxy_hide_header Access-Control-Allow-Origin;");
    plan.examine().await?.fails("cors", "is missing", "proxy_hide_header")
}

#[tokio::test]
async fn no_cors_on_errors() -> Result<()> {
    let plan = Plan::new("doctor_no_cors_on_errors")?
        .in_proxy("proxy_hide_header Access-Control-Allow-Origin; add_header Access-Control-Allow-Origin *;");
    plan.examine().await?.fails("cors", "errors (401 Unauthorized) come without", "always")
}

#[tokio::test]
async fn cors_twice() -> Result<()> {
    let plan = Plan::new("doctor_cors_twice")?.in_proxy("add_header Access-Control-Allow-Origin * always;");
    plan.examine().await?.fails("cors", "comes twice", "no `add_header Access-Control-Allow-Origin`")
}

#[tokio::test]
async fn cors_for_another_page() -> Result<()> {
    let line =
        "proxy_hide_header Access-Control-Allow-Origin; add_header Access-Control-Allow-Origin https://app.example.org always;";
    Plan::new("doctor_cors_for_another_page")?.in_proxy(line).examine().await?.fails(
        "cors",
        "names another page",
        "which allows every page",
    )
}

#[tokio::test]
async fn a_preflight_that_is_refused() -> Result<()> {
    let plan = Plan::new("doctor_preflight_refused")?.in_proxy("if ($request_method = OPTIONS) { return 405; }");
    plan.examine().await?.fails("cors", "the preflight of a browser's POST is refused: 405", "OPTIONS")
}

#[tokio::test]
async fn a_preflight_that_the_proxy_answers_by_half() -> Result<()> {
    let answer = "if ($request_method = OPTIONS) { add_header Access-Control-Allow-Origin *; add_header Access-Control-Allow-Methods 'GET, POST'; return 204; }";
    let plan = Plan::new("doctor_preflight_by_half")?.in_proxy(answer);
    plan.examine().await?.fails("cors", "does not allow what Ringback takes", "idempotency-key")
}

#[tokio::test]
async fn no_upgrade() -> Result<()> {
    let mut plan = Plan::new("doctor_no_upgrade")?;
    plan.calls = "proxy_set_header Host $host;".to_owned();
    plan.examine().await?.fails(
        "websocket",
        "no WebSocket opens at /, /ws, /socket.io/",
        "proxy_set_header Upgrade $http_upgrade",
    )
}

#[tokio::test]
async fn no_socket_io() -> Result<()> {
    let mut plan = Plan::new("doctor_no_socket_io")?;
    plan.calls_more = "location /socket.io/ { return 404; }".to_owned();
    plan.examine().await?.fails("websocket", "no WebSocket opens at /socket.io/: it answers 404", "hand /socket.io/ on")
}

#[tokio::test]
async fn polls_that_are_refused() -> Result<()> {
    let mut plan = Plan::new("doctor_polls_refused")?;
    plan.calls_more =
        format!("location /socket.io/ {{ if ($request_method = POST) {{ return 405; }} proxy_pass RINGBACK; {PROXY} }}");
    plan.examine().await?.fails("polling", "it answers 405", "limit_except")
}

#[tokio::test]
async fn a_proxy_that_cuts_what_is_idle() -> Result<()> {
    let plan = Plan::new("doctor_idle_cut")?.in_proxy("proxy_read_timeout 4s;").flags(&["--idle", "9s"]);
    plan.examine().await?.fails("idle", "a quiet connection is cut", "proxy_read_timeout 75s;")
}

#[tokio::test]
async fn a_proxy_that_cuts_long_polls() -> Result<()> {
    let mut plan = Plan::new("doctor_long_polls_cut")?.flags(&["--idle", "9s"]);
    plan.calls_more = format!("location /socket.io/ {{ proxy_pass RINGBACK; {PROXY} proxy_read_timeout 4s; }}");
    plan.examine().await?.fails("idle", "polling of Socket.IO: 504", "proxy_read_timeout 75s;")
}
