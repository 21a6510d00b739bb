//! With a build of seven small files, whose packed forms say what they are.

use http_body_util::BodyExt as _;

use super::*;

#[derive(Embed)]
#[folder = "src/http/softphone/sample"]
#[exclude = "*.map"]
struct Sample;

#[derive(Embed)]
#[folder = "src/http/softphone/no-such-folder"]
#[allow_missing = true]
struct Nothing;

fn get(name: &str, headers: &[(header::HeaderName, &str)]) -> Option<Response> {
    get_at("http://localhost:3000", name, headers)
}

fn get_at(here: &str, name: &str, headers: &[(header::HeaderName, &str)]) -> Option<Response> {
    let headers: HeaderMap = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
    answer::<Sample>(name, &headers, || Places { here: here.to_owned(), homeserver: "http://localhost:8008".to_owned() })
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test]
async fn a_file_comes_packed_as_the_browser_likes_it() {
    for (accepted, coding, sent) in [
        ("gzip, deflate, br, zstd", "br", "the page by br\n"),
        ("gzip", "gzip", "the page by gzip\n"),
        ("br;q=0, GZIP;q=0.5", "gzip", "the page by gzip\n"),
        ("*", "br", "the page by br\n"),
        ("br;q=0,*;q=0", "", "the page\n"),
        ("identity", "", "the page\n"),
        ("br;q=nonsense", "", "the page\n"),
    ] {
        let page = get("index.html", &[(header::ACCEPT_ENCODING, accepted)]).unwrap();
        assert_eq!(header(&page, "content-encoding"), coding, "{accepted}");
        assert_eq!(header(&page, "vary"), "accept-encoding");
        assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
        assert_eq!(text(page).await, sent, "{accepted}");
    }
    let unpacked = get("icon.svg", &[(header::ACCEPT_ENCODING, "br")]).unwrap();
    assert_eq!(header(&unpacked, "content-encoding"), "");
}

#[test]
fn each_file_has_its_content_type() {
    for (name, kind) in [
        ("assets/app-Ab12.js", "text/javascript; charset=utf-8"),
        ("assets/inter-Cd34.woff2", "font/woff2"),
        ("assets/ring-Ef56.mp3", "audio/mpeg"),
        ("assets/ring-Ef56.ogg", "audio/ogg"),
        ("icon.svg", "image/svg+xml"),
        ("phone.webmanifest", "application/manifest+json"),
    ] {
        let file = get(name, &[]).unwrap();
        assert_eq!(header(&file, "content-type"), kind, "{name}");
        assert_eq!(header(&file, "x-content-type-options"), "nosniff", "{name}");
        assert_eq!(header(&file, "content-security-policy"), "", "{name} is no document");
    }
}

#[test]
fn what_is_named_after_its_content_is_kept_and_the_rest_is_asked_for_again() {
    assert_eq!(header(&get("assets/app-Ab12.js", &[]).unwrap(), "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header(&get("index.html", &[]).unwrap(), "cache-control"), "no-cache");
    assert_eq!(header(&get("icon.svg", &[]).unwrap(), "cache-control"), "no-cache");
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let br = (header::ACCEPT_ENCODING, "br");
    let first = get("index.html", std::slice::from_ref(&br)).unwrap();
    let tag = header(&first, "etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = get("index.html", &[br.clone(), (header::IF_NONE_MATCH, &known)]).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(header(&again, "etag"), tag);
        assert_eq!(header(&again, "cache-control"), "no-cache");
        assert_eq!(text(again).await, "");
    }
    let unpacked = get("index.html", &[(header::IF_NONE_MATCH, &tag)]).unwrap();
    assert_eq!(unpacked.status(), StatusCode::OK, "other bytes have another tag");
    let elsewhere = get_at("https://calls.example.org", "index.html", &[br, (header::IF_NONE_MATCH, &tag)]).unwrap();
    assert_eq!(elsewhere.status(), StatusCode::OK, "another policy is another document");
}

#[test]
fn what_is_not_there_is_not_found() {
    for name in ["assets/app-Ab12.js.map", "assets/app-Ab12.js.br", "index.html.gz", "assets/", "assets", "", "../tests.rs"] {
        assert!(get(name, &[]).is_none(), "{name}");
    }
}

#[test]
fn a_binary_without_the_softphone_says_so() {
    assert!(answer::<Nothing>(DOCUMENT, &HeaderMap::new(), || unreachable!("no document, no policy")).is_none());
    let page = policy::protect(absent(), "default-src 'none'");
    assert_eq!(header(&page, "content-security-policy"), "default-src 'none'");
    assert_eq!(header(&page, "cache-control"), "no-store");
    assert!(include_str!("absent.html").contains("cargo xtask build"));
}
