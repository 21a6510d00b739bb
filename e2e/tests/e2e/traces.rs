//! A call as a trace: what a collector gets, and what becomes of a server whose collector does not behave.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Collector, Options, Span, Stub, pair, reply, until};
use serde_json::json;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The one span of this name in a trace.
fn one<'a>(spans: &'a [Span], trace: &str, name: &str) -> Option<&'a Span> {
    spans.iter().find(|span| span.trace == trace && span.name == name)
}

/// Whether a span is somewhere below another.
fn is_below(spans: &[Span], mut span: Span, above: &Span) -> bool {
    while span.id != above.id {
        let Some(parent) = spans.iter().find(|other| other.id == span.parent) else { return false };
        span = parent.clone();
    }
    true
}

#[tokio::test]
async fn show_the_way_of_a_call() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let collector = Collector::start().await?;
    let mut server = Options::new("traces_of_a_call").set("OTLP_ENDPOINT", &collector.url).start().await?;
    let mut callee = server.connect(&bob).await?;
    let request = server.request("POST", "/api/calls/initiate").bearer_auth(&alice.token);
    let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
    let begun = reply(request.json(&json!({"roomId": room, "callType": "voice"}))).await?.expect(201)?;
    let call = begun["callId"].as_str().context("no callId")?;
    callee.expect("incoming-call").await?;
    server.act(&bob, call, "answer").await?.expect(200)?;
    callee.done(json!({"type": "call-ended", "callId": call})).await?;
    // What is not sent yet is sent before it goes.
    server.sigterm()?;
    server.wait_for_end(Duration::from_secs(10)).await?;
    let spans = collector.spans();
    let shown = || format!("{spans:#?}");
    let above = one(&spans, TRACE, "POST /api/calls/initiate").with_context(shown)?;
    ensure!(above.parent == PARENT, "{above:?}");
    ensure!(above.resource["service.name"] == "ringback" && above.resource.contains_key("service.version"), "{above:?}");
    ensure!(above.attributes["http.route"] == "/api/calls/initiate" && above.attributes["call_id"] == call, "{above:?}");
    for name in ["homeserver whoami", "homeserver joined_members", "store create", "deliver", "socket incoming-call"] {
        let span = one(&spans, TRACE, name).with_context(|| format!("{name} is missing:{}", shown()))?;
        ensure!(is_below(&spans, span.clone(), above), "{name} is elsewhere:{}", shown());
        ensure!(span.attributes["call_id"] == call, "{span:?}");
    }
    let deliver = one(&spans, TRACE, "deliver").context("it was there")?;
    ensure!(one(&spans, TRACE, "socket incoming-call").is_some_and(|write| write.parent == deliver.id), "{}", shown());
    // What comes later is another trace, which names the call and the trace in which it began.
    for name in ["POST /api/calls/{callId}/answer", "socket call-ended"] {
        let later = spans.iter().find(|span| span.name == name).with_context(|| format!("{name} is missing:{}", shown()))?;
        ensure!(later.trace != TRACE && later.links == [TRACE] && later.attributes["call_id"] == call, "{later:?}");
        ensure!(one(&spans, &later.trace, "store update").is_some(), "{}", shown());
    }
    Ok(())
}

#[tokio::test]
async fn show_what_a_timer_does() -> Result<()> {
    let (alice, _, room) = pair().await?;
    let collector = Collector::start().await?;
    let server = Options::new("traces_of_a_timer").set("OTLP_ENDPOINT", &collector.url).start().await?;
    let call = server.initiate_with(&alice, json!({"roomId": room, "callType": "voice", "ringTimeoutMs": 5000})).await?;
    let timer = collector.wait_for("the timer's span", |spans| spans.iter().find(|span| span.name == "timer").cloned()).await?;
    ensure!(timer.attributes["call_id"] == call && timer.links.len() == 1 && timer.parent.is_empty(), "{timer:?}");
    collector.wait_for("what it stores", |spans| one(spans, &timer.trace, "store update").map(drop)).await
}

#[tokio::test]
async fn go_on_to_the_homeserver() -> Result<()> {
    let collector = Collector::start().await?;
    let stub = Stub::homeserver("@me:localhost", 2).await?;
    let options = Options::new("traces_go_on").set("OTLP_ENDPOINT", &collector.url).set("HOMESERVER_URL", &stub.url);
    let server = options.start().await?;
    let request = server.request("GET", "/api/calls/active").bearer_auth("token").header("tracestate", "vendor=private");
    reply(request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"))).await?.expect(200)?;
    let asked =
        stub.requests().into_iter().find(|request| request.contains("/whoami")).context("it was not asked")?.to_lowercase();
    let told = asked.lines().find_map(|line| line.strip_prefix("traceparent: ")).with_context(|| asked.clone())?;
    ensure!(told.starts_with(&format!("00-{TRACE}-")) && !told.contains(PARENT) && told.ends_with("-01"), "{told}");
    ensure!(!asked.contains("vendor"), "{asked}");
    let span = collector.wait_for("the request's span", |spans| one(spans, TRACE, "homeserver whoami").cloned()).await?;
    ensure!(told.contains(&span.id), "{told} {span:?}");
    Ok(())
}

#[tokio::test]
async fn are_as_many_as_the_settings_say() -> Result<()> {
    let collector = Collector::start().await?;
    let stub = Stub::homeserver("@me:localhost", 2).await?;
    let options = Options::new("traces_of_none").set("OTLP_ENDPOINT", &collector.url).set("TRACE_RATIO", "0");
    let mut server = options.set("HOMESERVER_URL", &stub.url).start().await?;
    // Whoever asks cannot have more recorded.
    let request = server.request("GET", "/api/calls/active").bearer_auth("token");
    reply(request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"))).await?.expect(200)?;
    server.sigterm()?;
    server.wait_for_end(Duration::from_secs(10)).await?;
    ensure!(collector.spans().is_empty(), "{:?}", collector.spans());
    Ok(())
}

/// Nobody listens, or somebody who never answers: calls go on, one line says so, and the server goes when it is told to.
#[tokio::test]
async fn that_nobody_takes_disturb_nobody() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let stub = Stub::hanging().await?;
    let nobody = format!("http://127.0.0.1:{}", ringback_e2e::free_port()?);
    for (collector, fails_at_once) in [(nobody, true), (stub.url.clone(), false)] {
        let mut server = Options::new("traces_for_nobody").set("OTLP_ENDPOINT", &collector).start().await?;
        let mut callee = server.connect(&bob).await?;
        until("a second batch that fails", Duration::from_secs(20), async || {
            let call = server.initiate(&alice, &room).await?;
            callee.expect("incoming-call").await?;
            server.act(&alice, &call, "end").await?.expect(200)?;
            let shown = server.metrics().await?;
            let failed = shown.lines().find_map(|line| line.strip_prefix("ringback_trace_exports_total{outcome=\"failed\"} "));
            let failed: u64 = failed.context("no count")?.parse()?;
            Ok((failed >= 2 || !fails_at_once).then_some(()))
        })
        .await?;
        server.sigterm()?;
        server.wait_for_end(Duration::from_secs(10)).await?;
        let told = fs::read_to_string(&server.log)?.matches("traces cannot be sent").count();
        ensure!(told <= 1 && (told == 1 || !fails_at_once), "{told} warnings");
    }
    Ok(())
}
