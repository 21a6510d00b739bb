//! Clients are told the address at which they reach Ringback.

use anyhow::{Result, ensure};
use reqwest::RequestBuilder;
use ringback_e2e::{Options, Server, Socket, pair, reply};

const BEHIND: [(&str, &str); 2] = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "calls.example.org")];

async fn config_says(request: RequestBuilder, url: &str) -> Result<()> {
    let config = reply(request).await?.expect(200)?;
    ensure!(config["baseUrl"] == url && config["websocketUrl"] == url, "expected {url}, got {config}");
    Ok(())
}

fn behind(request: RequestBuilder) -> RequestBuilder {
    BEHIND.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

#[tokio::test]
async fn by_address_name_and_port() -> Result<()> {
    let server = Server::start("by_address_name_and_port").await?;
    let config = || server.request("GET", "/call-config.json");
    config_says(config(), &server.url).await?;
    let named = server.url.replace("127.0.0.1", "localhost");
    config_says(reqwest::Client::new().get(format!("{named}/call-config.json")), &named).await?;
    config_says(config().header("Host", "calls.example.org:8443"), "http://calls.example.org:8443").await?;
    config_says(config().header("Host", "calls.example.org"), "http://calls.example.org").await
}

#[tokio::test]
async fn by_ipv6() -> Result<()> {
    let server = Options::new("by_ipv6").at("[::1]").start().await?;
    config_says(server.request("GET", "/call-config.json"), &server.url).await
}

#[tokio::test]
async fn behind_a_proxy() -> Result<()> {
    let trusting = Options::new("behind_a_trusted_proxy").set("TRUSTED_PROXIES", "127.0.0.0/8,::1/128").start().await?;
    config_says(behind(trusting.request("GET", "/call-config.json")), "https://calls.example.org").await?;
    config_says(trusting.request("GET", "/call-config.json"), &trusting.url).await?;
    let wary = Server::start("behind_an_unknown_proxy").await?;
    config_says(behind(wary.request("GET", "/call-config.json")), &wary.url).await
}

#[tokio::test]
async fn as_configured() -> Result<()> {
    let options = Options::new("as_configured").set("PUBLIC_URL", "https://ring.example.org");
    let server = options.set("PUBLIC_HOMESERVER_URL", "https://matrix.example.org").start().await?;
    config_says(behind(server.request("GET", "/call-config.json")), "https://ring.example.org").await?;
    let config = reply(server.request("GET", "/call-config.json")).await?.expect(200)?;
    let homeserver = config["homeserverUrl"].as_str().unwrap_or_default();
    ensure!(homeserver.trim_end_matches('/') == "https://matrix.example.org", "{config}");
    Ok(())
}

/// A ring names the address by which its receiver connected, not the caller's.
#[tokio::test]
async fn of_the_receiver() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("address_of_the_receiver").await?;
    let mut callee = Socket::open(&server.socket_url().replace("127.0.0.1", "localhost")).await?;
    callee.register(&bob).await?;
    let body = serde_json::json!({"roomId": room, "callType": "voice"});
    let initiate = server.request("POST", "/api/calls/initiate").bearer_auth(&alice.token).json(&body);
    reply(initiate.header("Host", "evil.example.org")).await?.expect(201)?;
    let ringing = callee.expect("incoming-call").await?;
    ensure!(ringing["baseUrl"] == server.url.replace("127.0.0.1", "localhost"), "{ringing}");
    Ok(())
}

/// Anybody may ask, from any page; a bad token is still a bad token.
#[tokio::test]
async fn for_any_origin() -> Result<()> {
    let server = Server::start("for_any_origin").await?;
    for (method, path) in [("GET", "/call-config.json"), ("GET", "/nowhere"), ("POST", "/api/calls/initiate")] {
        let answer = server.request(method, path).header("Origin", "https://app.example.org").send().await?;
        let allowed = answer.headers().get("access-control-allow-origin");
        ensure!(
            allowed.is_some_and(|origin| origin == "*" || origin == "https://app.example.org"),
            "{method} {path}: {allowed:?}"
        );
    }
    let preflight = server.request("OPTIONS", "/api/calls/initiate").header("Origin", "https://app.example.org");
    let preflight = preflight.header("Access-Control-Request-Method", "POST");
    let answer = preflight.header("Access-Control-Request-Headers", "authorization,content-type,idempotency-key").send().await?;
    ensure!(answer.status().is_success(), "preflight: {}", answer.status());
    let headers = answer.headers().get("access-control-allow-headers").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let allowed = headers.to_lowercase();
    ensure!(
        allowed == "*" || ["authorization", "content-type", "idempotency-key"].iter().all(|name| allowed.contains(name)),
        "{allowed}"
    );
    let bad = server.request("GET", "/call-config.json").bearer_auth("nonsense");
    reply(bad).await?.expect_refusal(401, "M_UNKNOWN_TOKEN").map(drop)
}
