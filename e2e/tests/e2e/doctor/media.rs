//! STUN and TURN, with the credentials that clients get.

use anyhow::{Result, ensure};
use ringback_e2e::{Coturn, Kind, Options, Server, Stub, free_port, users};

use super::stage::{Plan, Report, doctor};

/// A user's view of a Ringback with these TURN servers, without a proxy.
async fn seen(server: &Server, name: &str) -> Result<Report> {
    let [alice] = users(["alice"]).await?;
    let file = server.directory.join(name);
    std::fs::write(&file, alice.token)?;
    let url = server.url.replace("127.0.0.1", "localhost");
    doctor(&["--url", &url, "--token-file", &file.display().to_string()]).await
}

async fn with_turn(name: &'static str, uris: &str, secret: &str) -> Result<Report> {
    let options = Options::new(name).set("STUN_URIS", "").set("TURN_URIS", uris).set("TURN_SECRET", secret);
    seen(&options.start().await?, "token").await
}

/// With a proxy, TLS, TURN by all its ways, and a call between two users: nothing is wrong, and nothing is left behind.
#[tokio::test]
async fn all_is_well_with_turn_and_a_call() -> Result<()> {
    let [alice, bob] = users(["alice", "bob"]).await?;
    let mut plan = Plan::new("doctor_all_well")?;
    let pair = plan.authority.issue(&["calls.ring.test"], Kind::Good)?;
    let coturn = Coturn::start("doctor_all_well_turn", Some(&pair), "").await?;
    let way = format!("calls.ring.test:{0}:127.0.0.1:{0}", coturn.tls_port);
    plan = plan.set("TURN_URIS", coturn.uris(Some("calls.ring.test"))).set("TURN_SECRET", &coturn.secret);
    plan = plan.set("STUN_URIS", format!("stun:127.0.0.1:{}", coturn.port)).flags(&["--connect-to", &way]);
    plan.tokens = vec![alice.clone(), bob.clone()];
    let (_site, report) = plan.start().await?;
    report.finds_nothing()?;
    report.says("turn", "ok", "relays, at 127.0.0.1")?;
    report.says("stun", "ok", "sees us at 127.0.0.1")?;
    report.says("ring", "ok", &format!("rang {}", bob.user_id))?;
    for who in [alice, bob] {
        let rooms =
            ringback_e2e::at_homeserver(move |hs| hs.ask("GET", "/_matrix/client/v3/joined_rooms", Some(&who), None)).await?;
        ensure!(rooms["joined_rooms"].as_array().is_some_and(Vec::is_empty), "the room of the call is left: {rooms}");
    }
    Ok(())
}

#[tokio::test]
async fn the_wrong_secret() -> Result<()> {
    let coturn = Coturn::start("doctor_wrong_secret_turn", None, "").await?;
    let report = with_turn("doctor_wrong_secret", &coturn.uris(None), "another").await?;
    report.fails("turn", "says 401", "static-auth-secret")
}

#[tokio::test]
async fn turn_is_down() -> Result<()> {
    let port = free_port()?;
    let uris = format!("turn:127.0.0.1:{port}?transport=udp,turn:127.0.0.1:{port}?transport=tcp");
    with_turn("doctor_turn_down", &uris, "hush").await?.fails("turn", "cannot be reached", "systemctl status coturn")
}

#[tokio::test]
async fn udp_is_blocked() -> Result<()> {
    let coturn = Coturn::start("doctor_no_udp_turn", None, "no-udp").await?;
    let report = with_turn("doctor_no_udp", &coturn.uris(None), &coturn.secret).await?;
    report.fails("turn", "cannot be reached by UDP", &format!("open UDP {} in the firewall", coturn.port))
}

#[tokio::test]
async fn turn_with_a_certificate_that_nobody_trusts() -> Result<()> {
    let plan = Plan::new("doctor_turns_self_signed")?;
    let pair = plan.authority.issue(&["localhost"], Kind::SelfSigned)?;
    let coturn = Coturn::start("doctor_turns_self_signed_turn", Some(&pair), "").await?;
    let report = with_turn("doctor_turns", &format!("turns:localhost:{}", coturn.tls_port), &coturn.secret).await?;
    report.fails("turn", "self-signed", "certificate")
}

#[tokio::test]
async fn no_stun() -> Result<()> {
    let stun = format!("stun:127.0.0.1:{}", free_port()?);
    let server = Options::new("doctor_no_stun").set("STUN_URIS", stun).start().await?;
    doctor(&["--url", &server.url.replace("127.0.0.1", "localhost")]).await?.warns("stun", "does not answer", "stun_uris")
}

#[tokio::test]
async fn no_turn_at_all() -> Result<()> {
    let [alice] = users(["alice"]).await?;
    let mut plan = Plan::new("doctor_no_turn")?;
    let homeserver = Stub::homeserver(&alice.user_id, 2).await?;
    plan = plan.set("HOMESERVER_URL", &homeserver.url);
    plan.tokens = vec![alice];
    plan.examine().await?.warns("turn", "users get no TURN server", "run coturn")
}
