//! What takes a token, the database, the clock; and how the command itself behaves.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Coturn, Options, Proxy, Stub, World, at_homeserver, until, users};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::stage::{Plan, command, doctor};

#[tokio::test]
async fn a_token_that_is_logged_out() -> Result<()> {
    let [alice] = users(["alice"]).await?;
    let gone = alice.clone();
    at_homeserver(move |homeserver| homeserver.logout(&gone)).await?;
    let mut plan = Plan::new("doctor_logged_out")?;
    plan.tokens = vec![alice];
    plan.examine().await?.fails("token", "the homeserver does not know the token", "log in again")
}

#[tokio::test]
async fn ringback_asks_another_homeserver() -> Result<()> {
    let [alice] = users(["alice"]).await?;
    let body = r#"{"errcode":"M_UNKNOWN_TOKEN","error":"no"}"#;
    let answer = format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let other = Stub::answering(answer.leak()).await?;
    let mut plan = Plan::new("doctor_another_homeserver")?.set("HOMESERVER_URL", &other.url);
    plan.tokens = vec![alice];
    plan.examine().await?.fails("token", "Ringback does not take the token: 401", "let `homeserver_url` of Ringback point to")
}

#[tokio::test]
async fn ringback_cannot_reach_the_homeserver() -> Result<()> {
    let [alice] = users(["alice"]).await?;
    let nowhere = format!("http://127.0.0.1:{}", ringback_e2e::free_port()?);
    let mut plan = Plan::new("doctor_homeserver_out_of_reach")?.set("HOMESERVER_URL", nowhere);
    plan.tokens = vec![alice];
    plan.examine().await?.fails("token", "502", "correct `homeserver_url` of Ringback")
}

#[tokio::test]
async fn a_proxy_that_drops_the_token() -> Result<()> {
    let [alice] = users(["alice"]).await?;
    let mut plan = Plan::new("doctor_token_dropped")?.in_proxy("proxy_set_header Authorization '';");
    plan.tokens = vec![alice];
    plan.examine().await?.fails("token", "401", "pass the Authorization header on")
}

#[tokio::test]
async fn the_database_is_gone() -> Result<()> {
    let url = World::get().new_database()?;
    let (before, rest) = url.split_once('@').context("a user in the URL")?;
    let (address, name) = rest.split_once('/').context("a database in the URL")?;
    let cable = Proxy::start(address).await?;
    let options = Options::new("doctor_no_database").set("STUN_URIS", "");
    let server = options.set("DATABASE_URL", format!("{before}@{}/{name}", cable.address)).start().await?;
    let url = server.url.replace("127.0.0.1", "localhost");
    doctor(&["--url", &url]).await?.finds_nothing()?;
    cable.cut_all();
    drop(cable);
    doctor(&["--url", &url]).await?.fails("health", "Ringback has lost its database", "database_url")
}

/// A Ringback whose clock is off by so much.
fn off_by(name: &'static str, offset: &str) -> Options {
    let options =
        Options::new(name).set("STUN_URIS", "").variable("FAKETIME", offset).variable("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    options.variable("LD_PRELOAD", World::get().faketime())
}

#[tokio::test]
async fn a_clock_that_is_an_hour_ahead() -> Result<()> {
    let server = off_by("doctor_clock_ahead", "+1h").start().await?;
    let report = doctor(&["--url", &server.url.replace("127.0.0.1", "localhost")]).await?;
    report.fails("clock", "s ahead of ours", "set the clock of Ringback's machine")
}

/// Its credentials have expired when they are made, which is no fault of TURN. A proxy puts a date of its own on every answer.
#[tokio::test]
async fn a_clock_that_is_two_hours_behind() -> Result<()> {
    let [alice] = users(["alice"]).await?;
    let coturn = Coturn::start("doctor_clock_behind_turn", None, "").await?;
    let mut plan = Plan::new("doctor_clock_behind")?;
    plan.ringback = off_by("doctor_clock_behind", "-2h").set("TURN_URIS", coturn.uris(None)).set("TURN_SECRET", &coturn.secret);
    plan = plan.set("PUBLIC_URL", "https://calls.ring.test").set("PUBLIC_HOMESERVER_URL", "https://matrix.ring.test");
    plan.tokens = vec![alice];
    let report = plan.examine().await?;
    report.fails("clock", "s behind ours", "set the clock of Ringback's machine")?;
    report.says("turn", "skipped", "while the clocks do not agree")
}

#[tokio::test]
async fn one_account_alone_rings_nobody() -> Result<()> {
    let [alice] = users(["alice"]).await?;
    let coturn = Coturn::start("doctor_one_account_turn", None, "").await?;
    let mut plan = Plan::new("doctor_one_account")?.set("TURN_URIS", coturn.uris(None)).set("TURN_SECRET", &coturn.secret);
    plan.tokens = vec![alice];
    let (site, report) = plan.start().await?;
    report.finds_nothing()?;
    report.says("ring", "skipped", "a call takes a second account")?;
    let log = std::fs::read_to_string(&site.server.log)?;
    ensure!(!log.contains("acceptance timer"), "nobody was called: {log}");
    Ok(())
}

#[tokio::test]
async fn arguments_that_make_no_sense() -> Result<()> {
    for (args, word) in [
        (&["--url", "nonsense"][..], "nonsense"),
        (&["http://localhost:3000"], "give it by --url"),
        (&["--ring-token-file", "x"], "--token-file"),
        (&["--connect-to", "a:b"], "HOST:PORT:HOST:PORT"),
        (&["--token", "syt_secret"], "--token"),
    ] {
        let done = command(args).output().await?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.code() == Some(2) && said.contains(word), "{args:?}: {:?} {said}", done.status.code());
    }
    let done = command(&["--url", "http://localhost:1", "--token-file", "/nowhere/token"]).output().await?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.code() == Some(1) && said.contains("/nowhere/token"), "{said}");
    Ok(())
}

/// For people: what is wrong and the first thing to mend, without colours where nobody sees them.
#[tokio::test]
async fn what_people_read() -> Result<()> {
    let homeserver = &World::get().homeserver.url;
    let done = command(&["--url", homeserver]).output().await?;
    let said = String::from_utf8_lossy(&done.stdout);
    ensure!(said.contains("FAIL    call-config  ") && said.contains("→ name Ringback's own address"), "{said}");
    ensure!(said.contains("1 failure(s), 0 warning(s)") && said.contains("First: call-config"), "{said}");
    ensure!(!said.contains('\u{1b}'), "{said}");
    Ok(())
}

#[tokio::test]
async fn watching_shows_what_changes() -> Result<()> {
    let mut server = Options::new("doctor_watching").set("STUN_URIS", "").start().await?;
    let url = server.url.replace("127.0.0.1", "localhost");
    let mut watching = command(&["--url", &url, "--idle", "100ms", "--json", "--watch", "200ms"])
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(watching.stdout.take().context("piped")?).lines();
    let mut next = async || anyhow::Ok(serde_json::from_str::<Value>(&lines.next_line().await?.context("it goes on")?)?);
    ensure!(next().await?["result"] == "ok");
    server.kill9();
    until("the doctor should notice", Duration::from_secs(20), async || Ok((next().await?["result"] == "failure").then_some(())))
        .await?;
    watching.kill().await?;
    Ok(())
}
