//! After a full call, logged at level trace: no token, no session description, no candidate in the log (as text or JSON), in the
//! database, in the metrics or in what a collector of traces gets.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Collector, Login, Options, Server, at_homeserver, pair};
use serde_json::{Value, json};

const SDP: &str = "MARKER-SDP-4711";
const CANDIDATE: &str = "MARKER-CANDIDATE-4712";

async fn a_full_call(server: &Server, alice: &Login, bob: &Login, room: &str) -> Result<()> {
    let mut caller = server.connect(alice).await?;
    let mut callee = server.connect(bob).await?;
    let call = server.initiate(alice, room).await?;
    caller.done(json!({"type": "join-call", "callId": call})).await?;
    // One that waits for whoever joins, then one that goes straight through.
    caller.done(json!({"type": "webrtc-offer", "callId": call, "offer": {"type": "offer", "sdp": SDP}})).await?;
    let body = json!({"userId": bob.user_id, "accessToken": bob.token});
    let answer = server.request("POST", &format!("/api/calls/{call}/answer")).json(&body);
    ringback_e2e::reply(answer).await?.expect(200)?;
    callee.done(json!({"type": "join-call", "callId": call})).await?;
    callee.expect("webrtc-offer").await?;
    callee.done(json!({"type": "webrtc-answer", "callId": call, "answer": {"type": "answer", "sdp": SDP}})).await?;
    let candidate = json!({"candidate": CANDIDATE});
    caller.done(json!({"type": "ice-candidate", "callId": call, "candidate": candidate})).await?;
    server.post(&format!("/api/calls/{call}/ice-candidate"), bob, &json!({"candidate": candidate})).await?.expect(200)?;
    callee.expect("ice-candidate").await?;
    refused_on_the_way(server, alice, &call).await?;
    caller.done(json!({"type": "call-ended", "callId": call})).await?;
    callee.expect("call-ended").await.map(drop)
}

/// What is refused may be logged, too.
async fn refused_on_the_way(server: &Server, alice: &Login, call: &str) -> Result<()> {
    let path = format!("/api/calls/{call}/offer");
    for body in [format!("{{\"accessToken\":\"{}\",\"offer\":\"{SDP}", alice.token), format!("[\"{}\",\"{SDP}\"]", alice.token)] {
        let request = server.request("POST", &path).bearer_auth(&alice.token).body(body);
        let reply = ringback_e2e::reply(request.header("Content-Type", "application/json")).await?;
        ensure!(reply.status == 400 && !reply.body.to_string().contains(&alice.token), "{reply:?}");
    }
    let odd = json!({"type": "webrtc-offer", "callId": 7, "offer": SDP, "accessToken": alice.token});
    let mut socket = server.connect(alice).await?;
    let ack = socket.ask(odd).await?;
    ensure!(ack["ok"] == false && !ack.to_string().contains(&alice.token), "{ack}");
    let query = server.request("GET", &format!("/api/calls/active?access_token={}", alice.token));
    ringback_e2e::reply(query).await?.expect_refusal(401, "M_MISSING_TOKEN").map(drop)
}

fn holds_none(path: &Path, secrets: &[&str]) -> Result<()> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    ensure!(!bytes.is_empty() || path.extension().is_some_and(|end| end == "db-wal"), "{} is empty", path.display());
    has_none(&path.display().to_string(), &bytes, secrets)
}

fn has_none(name: &str, bytes: &[u8], secrets: &[&str]) -> Result<()> {
    for secret in secrets {
        let found = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
        if let Some(at) = found {
            let near = String::from_utf8_lossy(&bytes[at.saturating_sub(200)..(at + 80).min(bytes.len())]).into_owned();
            anyhow::bail!("{name} holds {secret}: … {near}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn stay_out_of_logs_database_metrics_and_traces() -> Result<()> {
    stay_out("text").await
}

#[tokio::test]
async fn stay_out_of_logs_as_json() -> Result<()> {
    stay_out("json").await
}

async fn stay_out(format: &str) -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let collector = Collector::start().await?;
    let options = Options::new("stay_out_of_logs_and_database").set("LOG", "trace").set("LOG_FORMAT", format);
    let mut server = options.set("OTLP_ENDPOINT", &collector.url).start().await?;
    a_full_call(&server, &alice, &bob, &room).await?;
    let dead = alice.clone();
    at_homeserver(move |homeserver| homeserver.logout(&dead)).await?;
    let refused: Value = server.get("/api/calls/active", &bob).await?.expect(200)?;
    ensure!(refused["calls"] == json!([]), "{refused}");
    let ice = server.get("/api/ice-servers", &bob).await?.expect(200)?;
    let turn = ice["iceServers"].as_array().into_iter().flatten().find_map(|server| server["credential"].as_str());
    let secrets = [alice.token.as_str(), &bob.token, SDP, CANDIDATE, turn.context("no TURN")?];
    let shown = server.metrics().await?;
    ensure!(shown.contains("ringback_calls_ended_total"), "{shown}");
    has_none("the metrics", shown.as_bytes(), &secrets)?;
    // Before and after the write-ahead log is folded in.
    for round in 0..2 {
        holds_none(&server.log, &secrets)?;
        for file in fs::read_dir(&server.directory)? {
            let path = file?.path();
            if path.is_file() && !path.to_string_lossy().ends_with("-shm") {
                holds_none(&path, &secrets)?;
            }
        }
        if round == 0 {
            server.sigterm()?;
            server.wait_for_end(std::time::Duration::from_secs(10)).await?;
        }
    }
    let traces = collector.bytes();
    let names = ["POST /api/calls/initiate", "homeserver whoami", "socket register-user", "store create"];
    for name in names {
        ensure!(traces.windows(name.len()).any(|window| window == name.as_bytes()), "{name} was not traced");
    }
    has_none("the traces", &traces, &secrets)?;
    Ok(())
}
