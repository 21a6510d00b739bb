//! What the softphone's page may do in a browser: nothing but what it needs, so that text which slipped into it stays text.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use url::{Host, Url};

/// Where a client is told that things are.
pub struct Places {
    /// Ringback.
    pub here: String,
    /// The homeserver.
    pub homeserver: String,
}

/// The port at which clients look for Ringback beside a homeserver that does not say where it is.
const BESIDE_HOMESERVER: u16 = 3000;

const FEATURES: &str = "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), \
                        picture-in-picture=(self), fullscreen=(self), screen-wake-lock=(self), geolocation=(), payment=(), usb=()";

impl Places {
    /// The Content Security Policy (level 3) of a page that talks to these, and to nobody else.
    pub fn policy(&self) -> String {
        let here = Url::parse(&self.here).ok();
        let homeserver = Url::parse(&self.homeserver).ok();
        let images = homeserver.iter().filter_map(|url| source(url, url.port(), false));
        let talks = here.iter().filter_map(|url| source(url, url.port(), true)).chain(homeserver.iter().flat_map(|url| {
            let ports = [(url.port(), false), (Some(BESIDE_HOMESERVER), false), (Some(BESIDE_HOMESERVER), true)];
            ports.into_iter().filter_map(|(port, socket)| source(url, port, socket))
        }));
        let (images, talks) = (joined(images), joined(talks));
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:{images}; \
             media-src 'self' blob: mediastream:; font-src 'self'; connect-src 'self'{talks}; worker-src 'self'; \
             manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
        )
    }
}

/// Adds what every document of ours says to browsers.
pub fn protect(mut response: Response, policy: &str) -> Response {
    let headers = response.headers_mut();
    // Places that cannot stand in a header leave the page with none at all, not without a policy.
    let policy = HeaderValue::from_str(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(FEATURES));
    // A login at the homeserver's page comes back in the same window, which this leaves alone.
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}

/// The host of `url` at this port, by HTTP or by WebSocket. A policy has no words for an IPv6 address: then the scheme alone.
fn source(url: &Url, port: Option<u16>, socket: bool) -> Option<String> {
    let scheme = match (url.scheme(), socket) {
        ("https", false) => "https",
        ("https", true) => "wss",
        (_, false) => "http",
        (_, true) => "ws",
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    match url.host()? {
        Host::Domain(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) => {
            Some(format!("{scheme}://{name}{port}"))
        }
        Host::Ipv4(address) => Some(format!("{scheme}://{address}{port}")),
        Host::Ipv6(_) => Some(format!("{scheme}:")),
        Host::Domain(_) => None,
    }
}

fn joined(sources: impl Iterator<Item = String>) -> String {
    let mut list = String::new();
    for source in sources {
        if !list.split(' ').any(|known| known == source) {
            list.push(' ');
            list += &source;
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(here: &str, homeserver: &str) -> String {
        Places { here: here.to_owned(), homeserver: homeserver.to_owned() }.policy()
    }

    fn directive<'a>(policy: &'a str, name: &str) -> Vec<&'a str> {
        let found = policy.split("; ").find_map(|directive| directive.strip_prefix(name)?.strip_prefix(' '));
        found.map(|sources| sources.split(' ').collect()).unwrap_or_default()
    }

    #[test]
    fn the_page_reaches_ringback_and_the_homeserver_and_nobody_else() {
        let policy = policy("https://calls.example.org:8443", "https://matrix.example.org");
        assert_eq!(
            directive(&policy, "connect-src"),
            [
                "'self'",
                "wss://calls.example.org:8443",
                "https://matrix.example.org",
                "https://matrix.example.org:3000",
                "wss://matrix.example.org:3000",
            ]
        );
        assert_eq!(directive(&policy, "img-src"), ["'self'", "blob:", "data:", "https://matrix.example.org"]);
        assert_eq!(directive(&policy, "script-src"), ["'self'"]);
        assert_eq!(directive(&policy, "style-src"), ["'self'"]);
        assert_eq!(directive(&policy, "default-src"), ["'none'"]);
    }

    #[test]
    fn the_same_place_stands_there_once() {
        let policy = policy("http://localhost:3000", "http://localhost:8008");
        assert_eq!(
            directive(&policy, "connect-src"),
            ["'self'", "ws://localhost:3000", "http://localhost:8008", "http://localhost:3000"]
        );
    }

    #[test]
    fn an_address_that_no_policy_can_name_is_named_by_its_scheme() {
        let policy = policy("http://[::1]:3000", "http://[::1]:8008");
        assert_eq!(directive(&policy, "connect-src"), ["'self'", "ws:", "http:"]);
    }

    #[test]
    fn a_host_cannot_add_to_the_policy() {
        let policy = policy("http://a;script-src:3000", "http://evil,default-src");
        assert_eq!(directive(&policy, "connect-src"), ["'self'"]);
        assert_eq!(policy.matches("script-src").count(), 1);
    }
}
