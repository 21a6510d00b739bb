//! The browser client is in the binary: a page and a socket share one address.

use anyhow::{Context as _, Result, ensure};
use reqwest::Response;
use ringback_e2e::{Options, Server, Socket, pair, reply};

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Result<Response> {
    let request = headers.iter().fold(server.request("GET", path), |request, (name, value)| request.header(*name, *value));
    request.send().await.context("no answer")
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The script that the page loads: the path, as the page has it.
async fn script(server: &Server) -> Result<String> {
    let page = get(server, "/", &[]).await?.text().await?;
    let source = page.split("src=\"").filter_map(|rest| rest.split('"').next()).find(|path| path.contains("assets/"));
    let source = source.with_context(|| format!("no script in {page}: was this binary built by `cargo xtask build`?"))?;
    Ok(format!("/{}", source.trim_start_matches(['.', '/'])))
}

#[tokio::test]
async fn a_page_and_a_socket_at_one_address() -> Result<()> {
    let (alice, ..) = pair().await?;
    let server = Server::start("a_page_and_a_socket_at_one_address").await?;
    let page = get(&server, "/", &[("Accept", "text/html")]).await?;
    ensure!(page.status() == 200 && header(&page, "content-type") == "text/html; charset=utf-8", "{page:?}");
    Socket::open(&format!("{}/", server.socket_url())).await?.register(&alice).await?;
    let head = server.request("HEAD", "/").send().await?;
    ensure!(head.status() == 200 && header(&head, "content-length") == header(&page, "content-length"), "{head:?}");
    ensure!(head.text().await?.is_empty(), "HEAD has no body");
    let posted = server.request("POST", "/").send().await?;
    ensure!(posted.status() == 405, "{posted:?}");
    Ok(())
}

#[tokio::test]
async fn the_page_may_talk_to_ringback_and_the_homeserver_alone() -> Result<()> {
    let options = Options::new("the_page_may_talk_to").set("PUBLIC_URL", "https://ring.example.org");
    let server = options.set("PUBLIC_HOMESERVER_URL", "https://matrix.example.org").start().await?;
    let page = get(&server, "/", &[]).await?;
    let policy = header(&page, "content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self' wss://ring.example.org https://matrix.example.org https://matrix.example.org:3000",
        "frame-ancestors 'none'",
    ] {
        ensure!(policy.contains(part), "{part} is missing in: {policy}");
    }
    ensure!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in
        [("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"), ("cache-control", "no-cache")]
    {
        ensure!(header(&page, name) == value, "{name}: {:?}", header(&page, name));
    }
    ensure!(header(&page, "permissions-policy").contains("microphone=(self)"), "{page:?}");
    Ok(())
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() -> Result<()> {
    let server = Server::start("what_a_browser_has_is_not_sent_again").await?;
    let page = get(&server, "/", &[]).await?;
    let again = get(&server, "/", &[("If-None-Match", header(&page, "etag"))]).await?;
    ensure!(again.status() == 304, "{again:?}");
    let path = script(&server).await?;
    let plain = get(&server, &path, &[("Accept-Encoding", "identity")]).await?;
    ensure!(header(&plain, "content-type") == "text/javascript; charset=utf-8", "{plain:?}");
    ensure!(header(&plain, "cache-control").contains("immutable"), "{plain:?}");
    let whole = plain.bytes().await?.len();
    for (accepted, coding) in [("gzip, deflate, br", "br"), ("gzip", "gzip")] {
        let packed = get(&server, &path, &[("Accept-Encoding", accepted)]).await?;
        ensure!(
            header(&packed, "content-encoding") == coding && header(&packed, "vary").contains("accept-encoding"),
            "{packed:?}"
        );
        let length = packed.bytes().await?.len();
        ensure!(length * 2 < whole, "{coding} makes {length} bytes of {whole}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_a_matrix_error() -> Result<()> {
    let server = Server::start("what_is_not_there_is_a_matrix_error").await?;
    let map = format!("{}.map", script(&server).await?);
    for path in ["/assets/nothing.js", map.as_str(), "/assets/", "/index.html.br", "/..%2findex.html"] {
        reply(server.request("GET", path)).await?.expect_refusal(404, "M_NOT_FOUND")?;
    }
    Ok(())
}
