//! From the server name to Ringback: names, hosts, certificates, addresses.

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Kind, Options, Server, World, free_port};
use serde_json::json;

use super::stage::{Plan, doctor};

#[tokio::test]
async fn nothing_is_wrong_behind_a_proxy() -> Result<()> {
    let report = Plan::new("doctor_all_well_behind_a_proxy")?.examine().await?;
    report.finds_nothing()?;
    report.says("homeserver-config", "ok", "")?;
    report.says("websocket", "ok", "opens at /, at /ws, and by Socket.IO")?;
    report.says("host", "ok", "its certificate holds for 60 more day(s)")
}

#[tokio::test]
async fn nothing_is_wrong_on_localhost() -> Result<()> {
    let server = Options::new("doctor_all_well_on_localhost").set("STUN_URIS", "").start().await?;
    let url = server.url.replace("127.0.0.1", "localhost");
    doctor(&["--url", &url]).await?.finds_nothing()?;
    // Synapse alone does not hand on what some clients ask of it.
    let homeserver = World::get().homeserver.url.as_str();
    let report = doctor(&["localhost", "--url", &url, "--homeserver-url", homeserver]).await?;
    report.warns("homeserver-config", "404", "location = /call-config.json")?;
    doctor(&["--url", &url, "--homeserver-url", homeserver, "--skip", "homeserver-config"]).await?.finds_nothing()
}

/// For longer than Ringback waits for the answer to its second ping, by all three ways.
#[tokio::test]
async fn what_is_quiet_stays_open() -> Result<()> {
    let server = Options::new("doctor_quiet").set("STUN_URIS", "").start().await?;
    let report = doctor(&["--url", &server.url.replace("127.0.0.1", "localhost"), "--idle", "32s"]).await?;
    report.finds_nothing()?;
    report.says("idle", "ok", "stay open for 32 s")
}

/// The failure that this command is for.
#[tokio::test]
async fn the_homeservers_port_is_asked() -> Result<()> {
    let report = doctor(&["--url", &World::get().homeserver.url]).await?;
    report.fails("call-config", "this is the homeserver", "name Ringback's own address")
}

#[tokio::test]
async fn nothing_at_the_homeservers_address() -> Result<()> {
    let mut plan = Plan::new("doctor_nothing_at_the_homeserver")?;
    plan.matrix_more = String::new();
    plan.examine().await?.warns("homeserver-config", "404", "location = /call-config.json { proxy_pass")
}

#[tokio::test]
async fn the_wrong_port() -> Result<()> {
    let url = format!("http://127.0.0.1:{}", free_port()?);
    doctor(&["--url", &url]).await?.fails("host", "connection refused", "runs and listens at port")
}

#[tokio::test]
async fn http_where_it_is_https_and_the_other_way_round() -> Result<()> {
    let (site, report) = Plan::new("doctor_wrong_scheme")?.start().await?;
    report.finds_nothing()?;
    let report = site.doctor(&["--url", "http://calls.ring.test:443"]).await?;
    report.fails("call-config", "speaks TLS", "https://")?;
    let report = doctor(&["--url", &site.server.url.replace("http:", "https:")]).await?;
    report.fails("host", "does not speak TLS", "http://")
}

#[tokio::test]
async fn ringback_down_behind_the_proxy() -> Result<()> {
    let mut plan = Plan::new("doctor_ringback_down")?;
    plan.ringback_down = true;
    plan.examine().await?.fails("call-config", "Ringback behind it is not: 502", "start Ringback")
}

async fn instead_of_the_config(name: &'static str, answer: &str, saw: &str) -> Result<()> {
    let mut plan = Plan::new(name)?;
    plan.calls_more = format!("location = /call-config.json {{ {answer} }}");
    plan.examine().await?.fails("call-config", saw, "location / { proxy_pass")
}

#[tokio::test]
async fn a_page_instead_of_the_config() -> Result<()> {
    let page = "default_type text/html; return 200 '<!doctype html><title>Welcome</title>';";
    instead_of_the_config("doctor_a_page", page, "an HTML page in place of Ringback's answer").await
}

#[tokio::test]
async fn a_404_page_instead_of_the_config() -> Result<()> {
    instead_of_the_config("doctor_a_404_page", "return 404;", "404 Not Found an HTML page").await
}

#[tokio::test]
async fn no_json_instead_of_the_config() -> Result<()> {
    instead_of_the_config("doctor_no_json", "return 200 'ok';", "not JSON").await
}

#[tokio::test]
async fn a_config_with_holes() -> Result<()> {
    let answer = "return 200 '{\"baseUrl\": \"https://calls.ring.test\"}';";
    instead_of_the_config("doctor_holes", answer, "it lacks websocketUrl, homeserverUrl, iceServers").await
}

#[tokio::test]
async fn a_website_instead_of_ringback() -> Result<()> {
    let mut plan = Plan::new("doctor_a_website")?;
    plan.calls = "default_type text/html; if ($host) { return 200 '<html>Welcome</html>'; }".to_owned();
    plan.examine().await?.fails("call-config", "an HTML page", "hand every path to Ringback")
}

#[tokio::test]
async fn a_redirect_instead_of_ringback() -> Result<()> {
    let mut plan = Plan::new("doctor_a_redirect")?;
    plan.calls_more = "location = /call-config.json { return 301 https://old.ring.test/call-config.json; }".to_owned();
    plan.examine().await?.fails("call-config", "sends clients on to https://old.ring.test", "name that address")
}

async fn with_certificate(name: &'static str, kind: Kind) -> Result<super::stage::Report> {
    let mut plan = Plan::new(name)?;
    plan.certificate = kind;
    // All three hosts have the same certificate, so Ringback's alone is asked for.
    let report = plan.flags(&["--url", "https://calls.ring.test", "--skip", "well-known,homeserver-config"]);
    report.examine().await
}

#[tokio::test]
async fn a_certificate_that_has_expired() -> Result<()> {
    let mut plan = Plan::new("doctor_expired")?;
    plan.certificate = Kind::Expired;
    plan.examine().await?.fails("host", "has expired", "renew the certificate of ring.test")
}

#[tokio::test]
async fn a_certificate_that_vouches_for_itself() -> Result<()> {
    let mut plan = Plan::new("doctor_self_signed")?;
    plan.certificate = Kind::SelfSigned;
    plan.examine().await?.fails("host", "self-signed", "Let's Encrypt")
}

#[tokio::test]
async fn a_certificate_for_another_name() -> Result<()> {
    let mut plan = Plan::new("doctor_other_name")?;
    plan.names = vec!["ring.test", "matrix.ring.test"];
    plan.examine().await?.fails("host", "for another name (ring.test, matrix.ring.test)", "get a certificate for calls.ring.test")
}

#[tokio::test]
async fn a_certificate_by_somebody_unknown() -> Result<()> {
    let (site, report) = Plan::new("doctor_unknown_authority")?.start().await?;
    report.finds_nothing()?;
    // Without the authority's own certificate.
    let port = site.port;
    let way = format!("calls.ring.test:443:127.0.0.1:{port}");
    let report = doctor(&["--url", "https://calls.ring.test", "--connect-to", &way]).await?;
    report.fails("host", "not trusted (CN=an authority for tests)", "fullchain.pem")
}

#[tokio::test]
async fn a_certificate_that_ends_soon() -> Result<()> {
    let report = with_certificate("doctor_ends_soon", Kind::EndsSoon).await?;
    let wrong: Vec<_> =
        report.0["findings"].as_array().context("findings")?.iter().filter(|it| it["level"] == "warning").collect();
    ensure!(report.0["result"] == "warning" && wrong.iter().all(|it| it["check"] == "host"), "{:#}", report.0);
    report.says("host", "warning", "holds for 3 more day(s)")
}

async fn with_settings(name: &'static str, setting: &str, value: &str, saw: &str, remedy: &str) -> Result<()> {
    // At the homeserver's own address the same wrong answer would be found.
    let plan = Plan::new(name)?.set(setting, value).flags(&["--skip", "homeserver-config"]);
    plan.examine().await?.fails("addresses", saw, remedy)
}

#[tokio::test]
async fn a_loopback_address_in_the_config() -> Result<()> {
    let saw = "baseUrl is http://localhost:3000/: that is each client's own machine";
    with_settings("doctor_loopback", "PUBLIC_URL", "http://localhost:3000", saw, "public_url = \"https://calls.ring.test\"").await
}

#[tokio::test]
async fn a_private_address_in_the_config() -> Result<()> {
    let saw = "baseUrl is https://192.168.1.7/: that is an address of a private network";
    with_settings("doctor_private", "PUBLIC_URL", "https://192.168.1.7", saw, "public_url").await
}

#[tokio::test]
async fn http_in_the_config_behind_https() -> Result<()> {
    let saw = "baseUrl is http://calls.ring.test/: a page from https cannot talk to http";
    with_settings("doctor_mixed", "PUBLIC_URL", "http://calls.ring.test", saw, "trusted_proxies").await
}

#[tokio::test]
async fn a_name_in_the_config_that_leads_nowhere() -> Result<()> {
    let saw = "baseUrl is https://old.ring.test/: the name has no address";
    with_settings("doctor_old_name", "PUBLIC_URL", "https://old.ring.test", saw, "public_url").await
}

#[tokio::test]
async fn a_homeserver_in_the_config_that_is_none() -> Result<()> {
    let saw = "homeserverUrl is https://calls.ring.test/: there is no Matrix homeserver: 404";
    with_settings("doctor_no_homeserver", "PUBLIC_HOMESERVER_URL", "https://calls.ring.test", saw, "public_homeserver_url").await
}

#[tokio::test]
async fn a_homeserver_in_the_config_as_it_is_reached_inside() -> Result<()> {
    let saw = "homeserverUrl is http://localhost:8008/: that is each client's own machine";
    with_settings("doctor_inside", "PUBLIC_HOMESERVER_URL", "http://localhost:8008", saw, "public_homeserver_url").await
}

#[tokio::test]
async fn a_homeserver_that_is_down() -> Result<()> {
    let mut plan = Plan::new("doctor_homeserver_down")?;
    plan.matrix = format!("proxy_pass http://127.0.0.1:{};", free_port()?);
    plan.examine().await?.fails("homeserver", "this is no Matrix homeserver: 502", "start the homeserver")
}

async fn with_well_known(name: &'static str, key: &str, url: &str) -> Result<super::stage::Report> {
    let mut plan = Plan::new(name)?;
    plan.well_known.as_mut().context("a plan has one")?[key]["base_url"] = json!(url);
    plan.examine().await
}

#[tokio::test]
async fn a_well_known_that_names_no_homeserver() -> Result<()> {
    let report = with_well_known("doctor_no_matrix", "m.homeserver", "https://ring.test").await?;
    report.fails("homeserver", "this is no Matrix homeserver: 404", "correct \"m.homeserver\"")
}

#[tokio::test]
async fn a_well_known_for_this_machine_alone() -> Result<()> {
    let report = with_well_known("doctor_well_known_loopback", "m.homeserver", "http://localhost:8008").await?;
    report.fails("well-known", "which other machines cannot reach", "the public address")
}

#[tokio::test]
async fn a_well_known_with_a_name_that_nobody_knows() -> Result<()> {
    let report = with_well_known("doctor_unknown_name", "dev.ringback.call", "https://calls.nowhere.invalid").await?;
    report.fails("host", "the name has no address", "add a DNS record (A, AAAA) for calls.nowhere.invalid")
}

#[tokio::test]
async fn no_well_known() -> Result<()> {
    let mut plan = Plan::new("doctor_no_well_known")?;
    plan.well_known = None;
    plan.examine().await?.fails("well-known", "there is none (404)", "dev.ringback.call")
}

#[tokio::test]
async fn a_well_known_that_pages_cannot_read() -> Result<()> {
    let mut plan = Plan::new("doctor_well_known_without_cors")?;
    plan.well_known_headers = String::new();
    plan.examine().await?.fails("well-known", "browsers may not read it", "add_header Access-Control-Allow-Origin * always;")
}

#[tokio::test]
async fn a_well_known_that_is_a_page() -> Result<()> {
    let mut plan = Plan::new("doctor_well_known_page")?;
    plan.well_known = Some(json!("<html>Welcome</html>"));
    plan.examine().await?.fails("well-known", "has no base_url of m.homeserver", "m.homeserver")
}

#[tokio::test]
async fn a_well_known_without_ringback() -> Result<()> {
    let mut plan = Plan::new("doctor_well_known_without_ringback")?;
    plan.well_known = Some(json!({"m.homeserver": {"base_url": "https://matrix.ring.test"}}));
    // Some clients find it still: by the homeserver's own address.
    let (site, report) = plan.start().await?;
    report.finds_nothing()?;
    drop(site);
    let mut plan = Plan::new("doctor_ringback_nowhere")?;
    plan.well_known = Some(json!({"m.homeserver": {"base_url": "https://matrix.ring.test"}}));
    plan.matrix_more = String::new();
    plan.examine().await?.fails("call-config", "nowhere to be found", "add \"dev.ringback.call\"")
}

#[tokio::test]
async fn two_that_do_not_agree() -> Result<()> {
    let mut plan = Plan::new("doctor_two")?;
    let other = Server::start("doctor_two_other").await?;
    plan.matrix_more = format!("location = /call-config.json {{ proxy_pass {}; }}", other.url);
    plan.examine().await?.fails("homeserver-config", "it names another Ringback", "let both lead to one Ringback")
}

#[tokio::test]
async fn a_server_name_without_an_address() -> Result<()> {
    doctor(&["nowhere.invalid"]).await?.fails("host", "the name has no address", "add a DNS record (A, AAAA) for nowhere.invalid")
}
