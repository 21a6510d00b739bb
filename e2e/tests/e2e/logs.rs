//! The log as JSON: every line can be read by a program, and whatever is about a call names it; so do refusals.

use std::{fs, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Options, Server, World, pair, until};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

fn lines(server: &Server) -> Result<Vec<Value>> {
    let text = fs::read_to_string(&server.log)?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

#[tokio::test]
async fn as_json_name_the_call_in_every_line_about_it() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Options::new("logs_as_json").set("LOG_FORMAT", "json").set("LOG", "info").start().await?;
    let mut callee = server.connect(&bob).await?;
    let before = lines(&server)?.len();
    let missed = server.initiate_with(&alice, json!({"roomId": room, "callType": "voice", "ringTimeoutMs": 5000})).await?;
    callee.expect("incoming-call").await?;
    let limit = Duration::from_secs(10);
    callee.expect_within("call-ended", limit).await?;
    let call = server.initiate(&alice, &room).await?;
    server.act(&bob, &call, "answer").await?.expect(200)?;
    server.act(&bob, &call, "end").await?.expect(200)?;
    until("the end of the call", limit, async || {
        Ok(lines(&server)?.iter().any(|line| line["call_id"] == call && line["message"] == "call is over").then_some(()))
    })
    .await?;
    for line in &lines(&server)?[before..] {
        ensure!([&missed, &call].iter().any(|id| line["call_id"] == ***id), "whose is this line? {line}");
        ensure!(line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string(), "{line}");
    }
    let told = |message: &str| {
        lines(&server).is_ok_and(|lines| lines.iter().any(|line| line["message"] == message && line["call_id"] == call))
    };
    for message in
        ["started 60-second acceptance timer", "1 user(s) notified live, 0 stored as pending", "answered", "call is over"]
    {
        ensure!(told(message), "{message} is missing");
    }
    Ok(())
}

/// A database that fails under a call: the fault has the call's id, which no code near the database knows.
#[tokio::test]
async fn of_a_fault_below_name_the_call() -> Result<()> {
    tokio::try_join!(a_fault_below("json"), a_fault_below("text")).map(drop)
}

async fn a_fault_below(format: &str) -> Result<()> {
    // A lock that another process holds for longer than anybody waits for it.
    const LOCK: &str = "import sqlite3, sys, time\n\
                        db = sqlite3.connect(sys.argv[1]); db.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); time.sleep(60)";
    let (alice, bob, room) = pair().await?;
    let server = Options::new("logs_of_a_fault").set("LOG_FORMAT", format).set("LOG", "info").start().await?;
    let call = server.initiate(&alice, &room).await?;
    let mut locker = Command::new(&World::get().python);
    locker.args(["-c", LOCK]).arg(server.directory.join("ringback.db")).stdout(Stdio::piped()).kill_on_drop(true);
    let mut locker = locker.spawn().context("no Python")?;
    let mut said = BufReader::new(locker.stdout.take().context("no output")?);
    said.read_line(&mut String::new()).await?;
    let refused = server.act(&bob, &call, "answer").await?.expect_refusal(503, "RINGBACK_UNAVAILABLE")?;
    ensure!(refused["callId"] == call, "{refused}");
    let text = fs::read_to_string(&server.log)?;
    let fault = text.lines().find(|line| line.contains("the database failed")).context("no line")?;
    if format == "json" {
        ensure!(serde_json::from_str::<Value>(fault)?["call_id"] == call, "{fault}");
    } else {
        ensure!(fault.trim_end().ends_with(&format!("call_id={call}")), "{fault}");
    }
    let errors = r#"ringback_store_errors_total{operation="update"} 1"#;
    ensure!(server.metrics().await?.contains(errors), "it is counted");
    locker.kill().await.context("it has ended")
}

#[tokio::test]
async fn and_refusals_name_the_call_that_was_asked_for() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("refusals_name_the_call").await?;
    let call = server.initiate(&alice, &room).await?;
    let unknown = "0".repeat(32);
    for (who, id, action, status, errcode) in [
        (&alice, &call, "answer", 409, "RINGBACK_CALL_STATE"),
        (&alice, &call, "reject", 409, "RINGBACK_CALL_STATE"),
        (&bob, &unknown, "end", 404, "M_NOT_FOUND"),
    ] {
        let refused = server.act(who, id, action).await?.expect_refusal(status, errcode)?;
        ensure!(refused["callId"] == *id, "{refused}");
    }
    // Where the asker has named no call, or what is none, nothing is made up.
    let refused = server.act(&bob, "x", "end").await?.expect_refusal(404, "M_NOT_FOUND")?;
    ensure!(refused.get("callId").is_none(), "{refused}");
    let mut socket = server.connect(&bob).await?;
    let ack = socket.ask(json!({"type": "toggle-audio", "callId": call, "enabled": true})).await?;
    ensure!(ack["ok"] == false && ack["callId"] == call, "{ack}");
    let ack = socket.ask(json!({"type": "toggle-audio", "callId": "<script>", "enabled": true})).await?;
    ensure!(ack["ok"] == false && ack.get("callId").is_none(), "{ack}");
    socket.send(json!({"type": "ice-candidate", "callId": unknown, "candidate": null})).await?;
    let error = socket.expect("error").await?;
    ensure!(error["errcode"] == "M_NOT_FOUND" && error["callId"] == unknown, "{error}");
    Ok(())
}
