//! Clients that know nothing but their homeserver's origin find Ringback, and ring: behind the examples of `deploy/`, each started
//! as it stands there, with the real nginx, Caddy and Synapse.

mod caddy;
mod nginx;
mod synapse_module;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Certificate, Client, Method, RequestBuilder, redirect::Policy};
use ringback_e2e::{Login, Options, Server, World, finish, free_port, pair, reply, until};
use serde_json::{Value, json};
use tokio::process::Command;
use xtask::{
    process::Child,
    wait::{tail, with_tail},
};

/// Every way to connect; see `e2e/clients/origin.mjs`.
const WAYS: [&str; 5] = ["websocket", "polling", "upgrade", "plain", "plain/ws"];
/// The homeserver's name in the examples, which stand for themselves: clients are told where they are.
const HOMESERVER: &str = "matrix.example.org";
const OTHERS: [&str; 1] = ["calls.example.org"];

/// An example of `deploy/`, its ports and paths replaced by those of a test.
struct Example {
    text: String,
    https: u16,
    http: u16,
    ringback: u16,
    directory: PathBuf,
}

impl Example {
    fn read(file: &str) -> Result<Self> {
        let path = xtask::root().join("deploy").join(file);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let directory = World::get().new_directory("origin")?;
        let mut example = Self { text, https: free_port()?, http: free_port()?, ringback: free_port()?, directory };
        let (_, synapse) = World::get().homeserver.url.rsplit_once(':').context("a port")?;
        example.replace("127.0.0.1:8008", &format!("127.0.0.1:{synapse}"))?;
        example.replace("127.0.0.1:3000", &format!("127.0.0.1:{}", example.ringback))?;
        Ok(example)
    }

    /// What an example does not hold any more must not seem to be tested.
    fn replace(&mut self, from: &str, to: &str) -> Result<()> {
        ensure!(self.text.contains(from), "the example has no `{from}`");
        self.text = self.text.replace(from, to);
        Ok(())
    }

    /// Ringback, with the settings that the comment at the head of the example names.
    async fn ringback(&self) -> Result<Server> {
        let settings = self.text.lines().filter_map(|line| line.strip_prefix("#   RINGBACK_")?.split_once('='));
        let mut options = Options::new("origin").on_port(self.ringback);
        let mut public = 0;
        for (name, value) in settings.filter(|(name, _)| *name != "LISTEN") {
            public += usize::from(name.starts_with("PUBLIC_"));
            let port = if value.starts_with("https://") { format!(":{}", self.https) } else { String::new() };
            options = options.set(name, format!("{value}{port}"));
        }
        ensure!(public == 2, "the head of the example names the settings that belong to it");
        options.start().await
    }

    fn write(&self, name: &str, before: &str, after: &str) -> Result<PathBuf> {
        let path = self.directory.join(name);
        fs::write(&path, format!("{before}{}{after}", self.text)).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

/// A proxy that runs by an example.
struct Front {
    origin: String,
    http: u16,
    authority: PathBuf,
    log: PathBuf,
    client: Client,
    _proxy: Child,
}

impl Front {
    async fn new(example: &Example, mut proxy: Child, authority: PathBuf, log: PathBuf) -> Result<Self> {
        let origin = format!("https://{HOMESERVER}:{}", example.https);
        until("the proxy should begin", Duration::from_secs(20), async || {
            if let Some(status) = proxy.ended()? {
                bail!("it ended at once ({status}); {}", tail(&log, 20));
            }
            Ok(authority.exists().then_some(()))
        })
        .await?;
        let certificate = Certificate::from_pem(&fs::read(&authority)?)?;
        let mut client = Client::builder().add_root_certificate(certificate).redirect(Policy::none());
        for name in [HOMESERVER].iter().chain(&OTHERS) {
            client = client.resolve(name, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        let client = client.timeout(Duration::from_secs(20)).build()?;
        let front = Self { origin, http: example.http, authority, log, client, _proxy: proxy };
        until("the proxy should answer", Duration::from_secs(20), async || {
            let versions = front.request("GET", "/_matrix/client/versions").send().await;
            Ok(versions.is_ok_and(|answer| answer.status() == 200).then_some(()))
        })
        .await
        .with_context(|| tail(&front.log, 20))?;
        Ok(front)
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        self.client.request(method, format!("{}{path}", self.origin)).header("Origin", "https://app.example.org")
    }

    /// Whoever is called rings, by each way to connect.
    async fn rings(&self, server: &Server) -> Result<()> {
        let (alice, bob, _) = pair().await?;
        rings(&self.origin, Some(&self.authority), true, [&alice, &bob])
            .await
            .map_err(|error| with_tail(&with_tail(&error, &self.log), &server.log))
    }

    /// What a browser would take, and an operator would look for: one CORS header, errors in JSON, Synapse beside it.
    async fn refuses_as_ringback_does(&self, base: &str) -> Result<()> {
        let (alice, ..) = pair().await?;
        one_origin(self.request("GET", "/call-config.json"), 200).await?;
        let api = |method: &str, path: &str| {
            let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
            self.client.request(method, format!("{base}{path}")).header("Origin", "https://app.example.org")
        };
        let preflight = api("OPTIONS", "/api/calls/initiate").header("Access-Control-Request-Method", "POST");
        one_origin(preflight.header("Access-Control-Request-Headers", "authorization,content-type"), 200).await?;
        let polling = one_origin(api("GET", "/socket.io/?EIO=4&transport=polling"), 200).await?;
        ensure!(polling.starts_with("0{"), "the answer to the first poll: {polling}");
        one_origin(api("GET", "/health"), 200).await?;
        for kibibytes in [65, 2048] {
            let body = json!({"roomId": "x".repeat(kibibytes * 1024), "callType": "voice"});
            let refused = one_origin(api("POST", "/api/calls/initiate").bearer_auth(&alice.token).json(&body), 413).await;
            let refused = refused.with_context(|| format!("{kibibytes} KiB"))?;
            let refused: Value = serde_json::from_str(&refused).with_context(|| format!("{kibibytes} KiB: {refused}"))?;
            ensure!(refused["errcode"] == "M_TOO_LARGE", "{kibibytes} KiB: {refused}");
        }
        let page = self.request("GET", "/").send().await?;
        ensure!(page.status() == 302, "at the root is Synapse's page: {}", page.status());
        ensure!(
            self.request("GET", "/_synapse/admin/v1/server_version").send().await?.status() == 404,
            "Synapse's admin API is open"
        );
        Ok(())
    }

    /// All of Ringback is there, but what only the homeserver may use.
    async fn has_a_name_of_its_own(&self, base: &str) -> Result<()> {
        let page = self.client.get(base).send().await?;
        let is_html = page.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        ensure!(page.status() == 200 && is_html, "nothing for people at {base}");
        let app_service = self.client.put(format!("{base}/_matrix/app/v1/transactions/1")).json(&json!({"events": []}));
        ensure!(app_service.send().await?.status() == 404, "anybody reaches what only the homeserver may use");
        Ok(())
    }

    /// Ringback is gone: a client reads why, and the homeserver goes on.
    async fn says_that_it_is_away(&self, mut server: Server) -> Result<()> {
        server.kill9();
        let away = one_origin(self.request("GET", "/call-config.json"), 502).await?;
        let away: Value = serde_json::from_str(&away).with_context(|| away.clone())?;
        ensure!(away["errcode"] == "RINGBACK_UNAVAILABLE" && away["error"].is_string(), "{away}");
        reply(self.request("GET", "/_matrix/client/versions")).await?.expect(200)?;
        server.restart().await?;
        one_origin(self.request("GET", "/call-config.json"), 200).await.map(drop)
    }

    async fn leads_to_https(&self) -> Result<()> {
        let answer = self.client.get(format!("http://{HOMESERVER}:{}/call-config.json", self.http)).send().await?;
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
        ensure!(answer.status().is_redirection() && location.starts_with(&format!("https://{HOMESERVER}")), "{answer:?}");
        Ok(())
    }
}

/// What it says, where it has this status and allows every origin, once.
async fn one_origin(request: RequestBuilder, status: u16) -> Result<String> {
    let answer = request.send().await?;
    let (got, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await?;
    ensure!(got == status, "expected {status}, got {got} {text}");
    let allowed: Vec<_> = headers.get_all("access-control-allow-origin").iter().collect();
    ensure!(allowed == ["*"], "{status}: allows {allowed:?}");
    Ok(text)
}

/// A client that knows this origin and nothing else calls another, by each way to connect. With `well_known` it finds Ringback there
/// too.
async fn rings(origin: &str, authority: Option<&Path>, well_known: bool, [caller, callee]: [&Login; 2]) -> Result<()> {
    let well_known = well_known.then_some("well-known");
    let clients = xtask::root().join("e2e/clients");
    let mut command = Command::new("node");
    command
        .arg("--require")
        .arg(clients.join("example-names.cjs"))
        .arg(clients.join("origin.mjs"))
        .arg(origin)
        .args(WAYS)
        .args(well_known);
    command.env("RINGBACK_E2E_NODE", &World::get().node);
    command.env("RINGBACK_E2E_TOKENS", json!([caller.token, callee.token]).to_string());
    if let Some(authority) = authority {
        command.env("NODE_EXTRA_CA_CERTS", authority);
    }
    let printed = finish("origin.mjs", command, Duration::from_mins(1)).await?;
    ensure!(printed.matches("rang by").count() == WAYS.len(), "{printed}");
    Ok(())
}

/// The whole of what an example promises; `base` is where it puts Ringback.
async fn holds(example: &Example, front: Front, base: &str) -> Result<()> {
    let server = example.ringback().await?;
    front.rings(&server).await?;
    front.refuses_as_ringback_does(base).await?;
    if base != front.origin {
        front.has_a_name_of_its_own(base).await?;
    }
    front.leads_to_https().await?;
    front.says_that_it_is_away(server).await
}

/// Without `public_url`: whoever comes by the proxy is told the proxy's name, for the proxy says so and is trusted.
async fn trusted(example: &Example, front: Front) -> Result<()> {
    let options = Options::new("origin_trusted").on_port(example.ringback).set("TRUSTED_PROXIES", "127.0.0.1");
    let server = options.set("PUBLIC_HOMESERVER_URL", &front.origin).start().await?;
    front.rings(&server).await
}
