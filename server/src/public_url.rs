//! Where a client reaches us: from the setting, else from its own request.

use std::net::SocketAddr;

use axum::http::{HeaderMap, header, uri::Authority};
use ipnet::IpNet;
use url::Url;

use crate::config::{Config, is_loopback};

/// The two ends of the connection that a request came by.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Who connected: a client, or a proxy.
    pub peer: SocketAddr,
    /// The address that was connected to.
    pub local: SocketAddr,
}

/// What clients are told about where things are.
#[derive(Debug, Clone)]
pub struct PublicUrls {
    here: Option<Url>,
    homeserver: Url,
    public_homeserver: Option<Url>,
    proxies: Vec<IpNet>,
}

impl PublicUrls {
    /// By the settings.
    pub fn new(config: &Config) -> Self {
        Self {
            here: config.public_url.clone(),
            homeserver: config.homeserver_url.clone(),
            public_homeserver: config.public_homeserver_url.clone(),
            proxies: config.trusted_proxies.clone(),
        }
    }

    /// Where this client reaches Ringback, without a slash at the end.
    pub fn base(&self, headers: &HeaderMap, ends: Ends) -> String {
        match &self.here {
            Some(url) => text(url),
            None => self.seen(headers, ends),
        }
    }

    /// Where this client reaches the homeserver. One that is next to us (loopback) is where the client has found us.
    pub fn homeserver(&self, headers: &HeaderMap, ends: Ends) -> String {
        if let Some(url) = &self.public_homeserver {
            return text(url);
        }
        let mut url = self.homeserver.clone();
        if is_loopback(&url)
            && let Ok(here) = Url::parse(&self.base(headers, ends))
            && let Some(host) = here.host_str()
        {
            // A host that was parsed from a URL fits into one.
            let _ = url.set_host(Some(host));
        }
        text(&url)
    }

    fn seen(&self, headers: &HeaderMap, ends: Ends) -> String {
        let forwarded = |name: &str| self.trusts(ends).then(|| first(headers, name)).flatten();
        let scheme = forwarded("x-forwarded-proto").filter(|scheme| matches!(*scheme, "http" | "https")).unwrap_or("http");
        let asked = forwarded("x-forwarded-host").or_else(|| first(headers, header::HOST.as_str())).and_then(authority);
        let Some(asked) = asked else { return format!("{scheme}://{}", ends.local) };
        let port = forwarded("x-forwarded-port").and_then(|port| port.parse::<u16>().ok());
        let default = if scheme == "https" { 443 } else { 80 };
        match (asked.port_u16(), port) {
            (None, Some(port)) if port != default => format!("{scheme}://{}:{port}", asked.host()),
            _ => format!("{scheme}://{asked}"),
        }
    }

    fn trusts(&self, ends: Ends) -> bool {
        let peer = ends.peer.ip().to_canonical();
        self.proxies.iter().any(|network| network.contains(&peer))
    }
}

fn text(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The first of a list: proxies append themselves.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    value.split(',').next().map(str::trim).filter(|item| !item.is_empty())
}

/// A host with or without a port, and nothing else.
fn authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let plain = !authority.as_str().contains('@') && Url::parse(&format!("http://{authority}")).is_ok();
    plain.then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn urls(extra: &[(&str, &str)]) -> PublicUrls {
        let settings = extra.iter().copied().chain([("homeserver_url", "http://localhost:8008")]);
        let flags: Vec<_> = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        PublicUrls::new(&Config::read(flags, [], None).unwrap())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    const ENDS: fn() -> Ends = || Ends { peer: "10.0.0.9:55555".parse().unwrap(), local: "192.168.1.22:3000".parse().unwrap() };

    #[test]
    fn a_client_is_told_the_address_that_it_used() {
        for (host, base, homeserver) in [
            ("192.168.1.22:3000", "http://192.168.1.22:3000", "http://192.168.1.22:8008"),
            ("[::1]:3000", "http://[::1]:3000", "http://[::1]:8008"),
            ("calls.example.org", "http://calls.example.org", "http://calls.example.org:8008"),
            ("me@evil/..", "http://192.168.1.22:3000", "http://192.168.1.22:8008"),
        ] {
            assert_eq!(urls(&[]).base(&headers(&[("host", host)]), ENDS()), base);
            assert_eq!(urls(&[]).homeserver(&headers(&[("host", host)]), ENDS()), homeserver);
        }
        assert_eq!(urls(&[]).base(&HeaderMap::new(), ENDS()), "http://192.168.1.22:3000");
    }

    #[test]
    fn forwarded_headers_count_from_a_trusted_proxy_alone() {
        let sent = headers(&[
            ("host", "127.0.0.1:3000"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "calls.example.org"),
            ("x-forwarded-port", "8443"),
        ]);
        assert_eq!(urls(&[]).base(&sent, ENDS()), "http://127.0.0.1:3000");
        let trusting = urls(&[("trusted_proxies", "10.0.0.0/8")]);
        assert_eq!(trusting.base(&sent, ENDS()), "https://calls.example.org:8443");
    }

    #[test]
    fn settings_come_first() {
        let told = urls(&[("public_url", "https://a.example/"), ("public_homeserver_url", "https://hs.example")]);
        let sent = headers(&[("host", "other")]);
        assert_eq!(told.base(&sent, ENDS()), "https://a.example");
        assert_eq!(told.homeserver(&sent, ENDS()), "https://hs.example");
    }
}
