//! The softphone: the browser client of `web/`, whose build the binary holds. It must not know calls.

mod policy;

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rust_embed::{Embed, EmbeddedFile, RustEmbed};
use sha2::{Digest as _, Sha256};

use super::no_such_path;
use crate::{app::App, public_url::Ends, socket::plain};
use policy::Places;

/// What `vite build` has left in `web/dist`; nothing, where the softphone was not built before the binary.
#[derive(Embed)]
#[folder = "../web/dist"]
#[exclude = "*.map"]
#[allow_missing = true]
struct Dist;

const DOCUMENT: &str = "index.html";
/// Vite names these files after their content.
const HASHED: &str = "assets/";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// How a file may be packed, the best first: the coding's name, and what the build adds to the file's.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// `GET /`: a plain WebSocket for whoever wants one, else the softphone.
pub async fn root(app: State<Arc<App>>, ends: Extension<Ends>, request: Request) -> Response {
    if plain::wants_upgrade(request.headers()) {
        return plain::upgrade(app, ends, request).await;
    }
    match answer::<Dist>(DOCUMENT, request.headers(), || places(&app, *ends, request.headers())) {
        Some(page) => page,
        None => policy::protect(absent(), &places(&app, *ends, request.headers()).policy()),
    }
}

/// A path that is no route: one of the softphone's files, or nothing.
pub async fn file_or_nothing(State(app): State<Arc<App>>, Extension(ends): Extension<Ends>, request: Request) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let name = request.uri().path().trim_start_matches('/');
    let file = reads.then(|| answer::<Dist>(name, request.headers(), || places(&app, ends, request.headers()))).flatten();
    file.unwrap_or_else(|| no_such_path().into_response())
}

fn places(app: &App, ends: Ends, headers: &HeaderMap) -> Places {
    Places { here: app.urls.base(headers, ends), homeserver: app.urls.homeserver(headers, ends) }
}

/// A page for a binary that was built without the softphone.
fn absent() -> Response {
    let page = Html(include_str!("softphone/absent.html"));
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], page).into_response()
}

fn answer<Files: RustEmbed>(name: &str, asked: &HeaderMap, places: impl FnOnce() -> Places) -> Option<Response> {
    if CODINGS.iter().any(|(_, ending)| name.ends_with(ending)) {
        return None;
    }
    let plain = Files::get(name)?;
    let kind = content_type(plain.metadata.mimetype());
    let mut codings = CODINGS.into_iter().filter(|(coding, _)| accepts(asked, coding));
    let packed = codings.find_map(|(coding, ending)| Some((Some(coding), Files::get(&format!("{name}{ending}"))?)));
    let (coding, file) = packed.unwrap_or((None, plain));
    let policy = kind.starts_with("text/html").then(|| places().policy());
    let tag = entity_tag(&file, policy.as_deref().unwrap_or_default());
    let mut response = if is_known(asked, &tag) { StatusCode::NOT_MODIFIED.into_response() } else { body(file, &kind, coding) };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, if name.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN });
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.extend(HeaderValue::try_from(tag).ok().map(|tag| (header::ETAG, tag)));
    Some(match policy {
        Some(policy) => policy::protect(response, &policy),
        None => response,
    })
}

fn body(file: EmbeddedFile, kind: &str, coding: Option<&'static str>) -> Response {
    let mut response = Body::from(bytes::Bytes::from_owner(file.data)).into_response();
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(kind).ok().map(|kind| (header::CONTENT_TYPE, kind)));
    headers.extend(coding.map(|coding| (header::CONTENT_ENCODING, HeaderValue::from_static(coding))));
    response
}

fn content_type(guessed: &str) -> String {
    let is_text = guessed.starts_with("text/") && !guessed.contains("charset");
    if is_text { format!("{guessed}; charset=utf-8") } else { guessed.to_owned() }
}

/// Names what is sent: the packed bytes, and the policy of a document. A browser that hears 304 keeps the policy that it has, so
/// another policy must be another document.
fn entity_tag(file: &EmbeddedFile, policy: &str) -> String {
    let digest = Sha256::new().chain_update(file.metadata.sha256_hash()).chain_update(policy).finalize();
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..15]))
}

/// `If-None-Match` (RFC 9110, section 13.1.2): the weak comparison.
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let known = |item: &str| item == "*" || item.strip_prefix("W/").unwrap_or(item) == tag;
    items(asked, &header::IF_NONE_MATCH).any(known)
}

/// `Accept-Encoding` (RFC 9110, section 12.5.3).
fn accepts(asked: &HeaderMap, coding: &str) -> bool {
    let weight = |name: &str| {
        items(asked, &header::ACCEPT_ENCODING).find_map(|item| {
            let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let is_it = coding.trim().eq_ignore_ascii_case(name);
            is_it.then(|| weight.trim().trim_start_matches(['q', 'Q', '=']).parse::<f32>().unwrap_or(0.0))
        })
    };
    weight(coding).or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

fn items<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests;
