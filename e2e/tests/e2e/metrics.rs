//! What an operator sees on `/metrics`; and that alerts and dashboard ask for what is there, by a real Prometheus.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use ringback_e2e::{Login, Options, Prometheus, Server, pair, until};
use serde_json::{Value, json};

/// One series of the text format: its name with its labels, and its value.
fn value(metrics: &str, series: &str) -> Result<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.with_context(|| format!("no {series}"))?.parse().context("no number")
}

fn expect(metrics: &str, series: &[(&str, f64)]) -> Result<()> {
    for (name, expected) in series {
        let got = value(metrics, name)?;
        ensure!((got - expected).abs() < f64::EPSILON, "{name} is {got}, not {expected}");
    }
    Ok(())
}

/// One call with everything: a signal that waits, an answer, signals that go through, a refusal, an end.
async fn talk(server: &Server, alice: &Login, bob: &Login, room: &str) -> Result<String> {
    let (mut caller, mut callee) = (server.connect(alice).await?, server.connect(bob).await?);
    let call = server.initiate(alice, room).await?;
    caller.done(json!({"type": "join-call", "callId": call})).await?;
    caller.done(json!({"type": "webrtc-offer", "callId": call, "offer": {"sdp": "v=0"}})).await?;
    callee.expect("incoming-call").await?;
    server.act(bob, &call, "answer").await?.expect(200)?;
    callee.done(json!({"type": "join-call", "callId": call})).await?;
    callee.expect("webrtc-offer").await?;
    callee.done(json!({"type": "webrtc-answer", "callId": call, "answer": {"sdp": "v=0"}})).await?;
    callee.done(json!({"type": "ice-candidate", "callId": call, "candidate": {"candidate": ""}})).await?;
    server.act(bob, &call, "reject").await?.expect_refusal(409, "RINGBACK_CALL_STATE")?;
    server.act(alice, &call, "end").await?.expect(200)?;
    callee.expect("call-ended").await?;
    Ok(call)
}

#[tokio::test]
async fn tell_what_has_happened() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("metrics_tell").await?;
    let call = talk(&server, &alice, &bob, &room).await?;
    // One that is rejected, one that its caller gives up, one that rings on; and bob has two devices by now.
    let (mut first, mut second) = (server.connect(&bob).await?, server.connect(&bob).await?);
    let video = json!({"roomId": room, "callType": "video"});
    let rejected = server.initiate_with(&alice, video.clone()).await?;
    server.act(&bob, &rejected, "reject").await?.expect(200)?;
    let cancelled = server.initiate_with(&alice, video.clone()).await?;
    server.act(&alice, &cancelled, "end").await?.expect(200)?;
    let rings = server.initiate_with(&alice, video).await?;
    for socket in [&mut first, &mut second] {
        for _ in 0..3 {
            socket.expect("incoming-call").await?;
        }
    }
    server
        .post("/api/calls/initiate", &bob, &json!({"roomId": room, "callType": "voice"}))
        .await?
        .expect_refusal(409, "RINGBACK_CALL_EXISTS")?;
    first.ask(json!({"type": "toggle-audio", "callId": rings, "enabled": true})).await?;
    let shown = server.metrics().await?;
    expect(
        &shown,
        &[
            (r#"ringback_calls_started_total{type="voice"}"#, 1.0),
            (r#"ringback_calls_started_total{type="video"}"#, 3.0),
            (r#"ringback_calls_answered_total{type="voice"}"#, 1.0),
            (r#"ringback_calls_ended_total{type="voice",outcome="answered",reason="hangup"}"#, 1.0),
            (r#"ringback_calls_ended_total{type="video",outcome="rejected",reason="rejected"}"#, 1.0),
            (r#"ringback_calls_ended_total{type="video",outcome="cancelled",reason="cancelled"}"#, 1.0),
            (r#"ringback_calls_live{state="ringing"}"#, 1.0),
            (r#"ringback_calls_live{state="active"}"#, 0.0),
            (r#"ringback_call_answer_seconds_count{type="voice"}"#, 1.0),
            (r#"ringback_call_duration_seconds_count{type="voice"}"#, 1.0),
            (r#"ringback_rings_total{delivery="live"}"#, 4.0),
            (r#"ringback_rings_total{delivery="pending"}"#, 0.0),
            // One device rang once, and two connections three times.
            ("ringback_rings_sent_total", 7.0),
            ("ringback_ring_latency_seconds_count", 7.0),
            (r#"ringback_signals_relayed_total{kind="webrtc-offer"}"#, 1.0),
            (r#"ringback_signals_relayed_total{kind="webrtc-answer"}"#, 1.0),
            (r#"ringback_signals_relayed_total{kind="ice-candidate"}"#, 1.0),
            ("ringback_signals_kept_total", 1.0),
            ("ringback_signals_waiting", 0.0),
            (r#"ringback_sockets{transport="websocket"}"#, 2.0),
            (r#"ringback_sessions{state="attached"}"#, 2.0),
            (r#"ringback_sessions{state="absent"}"#, 2.0),
            (r#"ringback_registrations_total{session="new"}"#, 4.0),
            (r#"ringback_refusals_total{transport="http",errcode="RINGBACK_CALL_STATE"}"#, 1.0),
            (r#"ringback_refusals_total{transport="http",errcode="RINGBACK_CALL_EXISTS"}"#, 1.0),
            (r#"ringback_refusals_total{transport="websocket",errcode="M_FORBIDDEN"}"#, 1.0),
            (r#"ringback_http_requests_total{method="POST",route="/api/calls/{callId}/answer",status="200"}"#, 1.0),
            (r#"ringback_homeserver_requests_total{request="joined_members",outcome="ok"}"#, 5.0),
            (r#"ringback_store_operation_duration_seconds_count{operation="create"}"#, 4.0),
            (r#"ringback_build_info{version="0.1.0",database="sqlite"}"#, 1.0),
        ],
    )?;
    holds_no_id(&shown, &[&call, &rings, &alice.user_id, &bob.user_id, &bob.device_id, &room, &alice.token])?;
    are_described(&shown)
}

/// A label with an id in it would make a new series for each.
fn holds_no_id(metrics: &str, ids: &[&str]) -> Result<()> {
    ids.iter().try_for_each(|id| {
        ensure!(!metrics.contains(id), "{id} is in the metrics");
        Ok(())
    })
}

fn are_described(metrics: &str) -> Result<()> {
    let named = |kind: &str| -> BTreeSet<String> {
        let rest = metrics.lines().filter_map(|line| line.strip_prefix(kind));
        rest.filter_map(|rest| rest.split(' ').next()).map(str::to_owned).collect()
    };
    let (typed, described) = (named("# TYPE "), named("# HELP "));
    ensure!(typed == described, "without a description: {:?}", typed.difference(&described));
    let page = include_str!("../../../docs/monitoring.md");
    for name in &typed {
        ensure!(page.contains(&format!("`{name}`")), "{name} is not in docs/monitoring.md");
    }
    ensure!(typed.len() > 40, "{typed:?}");
    Ok(())
}

#[tokio::test]
async fn of_a_homeserver_that_is_away_show_it() -> Result<()> {
    let url = format!("http://127.0.0.1:{}", ringback_e2e::free_port()?);
    let server = Options::new("metrics_away").set("HOMESERVER_URL", url).start().await?;
    let someone = Login { user_id: "@me:localhost".into(), device_id: "D".into(), token: "token".into() };
    let body = json!({"roomId": "!room:localhost", "callType": "voice"});
    server.post("/api/calls/initiate", &someone, &body).await?.expect_refusal(502, "RINGBACK_HOMESERVER")?;
    expect(
        &server.metrics().await?,
        &[
            (r#"ringback_homeserver_requests_total{request="whoami",outcome="away"}"#, 1.0),
            (r#"ringback_refusals_total{transport="http",errcode="RINGBACK_HOMESERVER"}"#, 1.0),
            (r#"ringback_calls_started_total{type="voice"}"#, 0.0),
        ],
    )
}

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

async fn send_packet(server: &Server, session: &str, packet: &str) -> Result<()> {
    server.request("POST", session).body(packet.to_owned()).send().await?.error_for_status()?;
    Ok(())
}

/// Polls until a packet with these words has come, and answers pings meanwhile.
async fn poll_until(server: &Server, session: &str, words: &str) -> Result<()> {
    for _ in 0..10 {
        let packets = server.request("GET", session).send().await?.error_for_status()?.text().await?;
        for packet in packets.split('\u{1e}') {
            if packet == "2" {
                send_packet(server, session, "3").await?;
            } else if packet.contains(words) {
                return Ok(());
            }
        }
    }
    bail!("no packet with {words}")
}

/// PostgreSQL has a pool to wait for in place of two threads; and a client of Socket.IO may poll.
#[tokio::test]
async fn of_another_database_and_transport_show_it() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Options::new("metrics_postgresql").on_postgres()?.start().await?;
    let opened = server.request("GET", POLLING).send().await?.text().await?;
    let opened: Value = serde_json::from_str(opened.trim_start_matches('0'))?;
    let session = format!("{POLLING}&sid={}", opened["sid"].as_str().context("no sid")?);
    send_packet(&server, &session, "40").await?;
    poll_until(&server, &session, "40{").await?;
    let register = json!(["register-user", {"userId": bob.user_id, "accessToken": bob.token}]);
    send_packet(&server, &session, &format!("42{register}")).await?;
    poll_until(&server, &session, "registered").await?;
    server.initiate(&alice, &room).await?;
    poll_until(&server, &session, "incoming-call").await?;
    expect(
        &server.metrics().await?,
        &[
            (r#"ringback_sockets{transport="socketio_polling"}"#, 1.0),
            (r#"ringback_sockets{transport="socketio_websocket"}"#, 0.0),
            ("ringback_ring_latency_seconds_count", 1.0),
            (r#"ringback_store_queue{queue="pool"}"#, 0.0),
            (r#"ringback_store_operation_duration_seconds_count{operation="create"}"#, 1.0),
            (r#"ringback_build_info{version="0.1.0",database="postgresql"}"#, 1.0),
        ],
    )
}

#[tokio::test]
async fn of_too_many_calls_show_it() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Options::new("metrics_limited").set("CALLS_PER_MINUTE", "1").start().await?;
    let call = server.initiate(&alice, &room).await?;
    server.act(&bob, &call, "reject").await?.expect(200)?;
    let again = json!({"roomId": room, "callType": "voice"});
    server.post("/api/calls/initiate", &alice, &again).await?.expect_refusal(429, "M_LIMIT_EXCEEDED")?;
    expect(&server.metrics().await?, &[(r#"ringback_rate_limited_total{limit="calls"}"#, 1.0)])
}

fn deploy(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

#[test]
fn alerts_fire_when_they_should_and_say_what_to_do() -> Result<()> {
    for arguments in [["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]] {
        let done = Command::new("promtool").args(arguments).current_dir(deploy("prometheus")).output().context("no promtool")?;
        let told = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        ensure!(done.status.success(), "{told}");
    }
    let page = include_str!("../../../docs/monitoring.md");
    let (rules, tests) =
        (fs::read_to_string(deploy("prometheus/alerts.yml"))?, fs::read_to_string(deploy("prometheus/alerts_test.yml"))?);
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    ensure!(alerts.len() > 10);
    for alert in alerts {
        ensure!(page.contains(&format!("### {alert}\n")), "docs/monitoring.md does not say what to do about {alert}");
        ensure!(rules.contains(&format!("runbook: docs/monitoring.md#{}\n", alert.to_lowercase())), "{alert} has no runbook");
        ensure!(
            tests.contains(&format!("alertname: {alert},")) && tests.contains(&format!("alertname=\"{alert}\"")),
            "{alert} is not tested"
        );
    }
    Ok(())
}

/// Every query of the dashboard, with its panel's title.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    let all = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten().map(move |target| (panel, target)));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.map(|(panel, target)| (text(&panel["title"]), text(&target["expr"]))).collect()
}

#[test]
fn the_dashboard_is_one() -> Result<()> {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(deploy("grafana/ringback.json"))?)?;
    let panels: Vec<&Value> =
        dashboard["panels"].as_array().context("no panels")?.iter().filter(|panel| panel["type"] != "row").collect();
    let ids: BTreeSet<u64> =
        dashboard["panels"].as_array().into_iter().flatten().filter_map(|panel| panel["id"].as_u64()).collect();
    ensure!(ids.len() == dashboard["panels"].as_array().map_or(0, Vec::len), "an id stands twice");
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().into_iter().flatten().filter_map(|v| v["name"].as_str()).collect();
    ensure!(variables == ["datasource", "instance"], "{variables:?}");
    for panel in panels {
        let title = &panel["title"];
        ensure!(panel["description"].as_str().is_some_and(|text| text.len() > 10), "{title} has no description");
        ensure!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
        ensure!(panel["datasource"]["uid"] == "${datasource}", "{title} has a datasource of its own");
        let place = &panel["gridPos"];
        ensure!(place["x"].as_u64().zip(place["w"].as_u64()).is_some_and(|(x, w)| x + w <= 24), "{title} is out of the page");
        for target in panel["targets"].as_array().context("no targets")? {
            ensure!(
                target["expr"].as_str().is_some_and(|expr| expr.contains("instance=~\"$instance\"")),
                "{title} shows every instance"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn alerts_and_dashboard_ask_for_what_is_there() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("metrics_prometheus").await?;
    let prometheus = Prometheus::watching(server.ops_address()).await?;
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(deploy("grafana/ringback.json"))?)?;
    let mut unanswered = queries(&dashboard);
    ensure!(unanswered.len() > 20, "{unanswered:?}");
    // A rate needs two looks, and something that happens between them.
    let elsewhere = ringback_e2e::room(&[&alice, &bob]).await?;
    until("an answer to every query", Duration::from_mins(1), async || {
        talk(&server, &alice, &bob, &room).await?;
        // Something that a timer ends; refused while the last one rings.
        let ignored = json!({"roomId": elsewhere, "callType": "video", "ringTimeoutMs": 5000});
        server.post("/api/calls/initiate", &alice, &ignored).await?;
        let mut left = Vec::new();
        for (title, expression) in std::mem::take(&mut unanswered) {
            let asked = expression.replace("$instance", ".*").replace("$__rate_interval", "10s").replace("$__range", "30s");
            let answer = prometheus.query(&asked).await?;
            if !answer.iter().any(|series| series["value"][1].as_str().is_some_and(|value| value != "NaN")) {
                left.push((title, expression));
            }
        }
        unanswered = left;
        Ok(unanswered.is_empty().then_some(()))
    })
    .await
    .with_context(|| format!("{unanswered:?}"))?;
    for rule in prometheus.rules().await? {
        ensure!(rule["health"] == "ok", "{rule}");
        are_there(&prometheus, rule["query"].as_str().unwrap_or_default()).await?;
    }
    Ok(())
}

/// Every metric in an expression has series, with every label that the expression looks at.
async fn are_there(prometheus: &Prometheus, expression: &str) -> Result<()> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = expression
        .split(|c: char| !is_word(c))
        .filter(|word| *word == "up" || ["ringback_", "process_"].iter().any(|begin| word.starts_with(begin)));
    for name in named.collect::<BTreeSet<_>>() {
        let series = prometheus.series(name).await?;
        ensure!(!series.is_empty(), "{name} is not there: {expression}");
        for (at, _) in expression.match_indices(name) {
            let Some(labels) = expression[at + name.len()..].strip_prefix('{').and_then(|rest| rest.split('}').next()) else {
                continue;
            };
            for label in labels.split(',').filter_map(|matcher| matcher.split(['=', '!']).next()) {
                ensure!(series.iter().any(|series| series.get(label.trim()).is_some()), "{name} has no {label}: {expression}");
            }
        }
    }
    Ok(())
}
