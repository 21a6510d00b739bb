//! Finding the homeserver from what an operator knows of it.

use std::{fmt, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::{
    causes::causes,
    config::{Value as _, WebUrl, is_loopback, is_private},
};

/// How long somebody who waits at the terminal waits for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where a Synapse on this machine listens if nobody has changed it.
const USUAL: &str = "http://localhost:8008";

/// A homeserver that answers.
#[derive(Debug)]
pub struct Homeserver {
    /// Where Ringback is to reach it.
    pub url: Url,
    /// Where clients reach it, as its own server name says.
    pub public: Option<Url>,
}

/// How the operator has named it.
#[derive(Debug, Clone)]
pub enum Named {
    /// By where it is.
    Url(Url),
    /// By its server name, perhaps with a port.
    Name(String),
}

impl Named {
    /// Reads `https://matrix.example.org`, `example.org`, `localhost:8008` or `@me:example.org`.
    ///
    /// # Errors
    /// A sentence that says what it should be.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            return WebUrl::parse(text).map(|url| Self::Url(url.0));
        }
        let name = if text.starts_with('@') { text.split_once(':').map_or(text, |(_, name)| name) } else { text };
        let is_host = Url::parse(&format!("https://{name}"))
            .is_ok_and(|url| url.path() == "/" && !name.contains(['/', '@', '?', '#']) && url.has_host());
        if is_host { Ok(Self::Name(name.to_owned())) } else { Err(format!("`{text}` is neither a server name nor a URL")) }
    }
}

#[derive(Deserialize)]
struct WellKnown {
    #[serde(rename = "m.homeserver")]
    homeserver: Base,
}

#[derive(Deserialize)]
struct Base {
    base_url: String,
}

#[derive(Deserialize)]
struct Versions {
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct Keys {
    server_name: String,
}

/// Looks around, and says what it sees.
pub struct Finder<T> {
    http: reqwest::Client,
    tell: T,
}

impl<T: FnMut(String)> Finder<T> {
    /// One that tells what it finds, a sentence each.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(tell: T) -> anyhow::Result<Self> {
        let http =
            reqwest::Client::builder().timeout(PATIENCE).user_agent(concat!("ringback/", env!("CARGO_PKG_VERSION"))).build()?;
        Ok(Self { http, tell })
    }

    /// The one on this machine, at the usual port.
    pub async fn usual(&mut self) -> Option<Homeserver> {
        let url = Url::parse(USUAL).ok()?;
        self.answers(&url).await.ok().map(|()| Homeserver { url, public: None })
    }

    /// By how it was named. `None` for a name behind which nothing was found.
    pub async fn find(&mut self, named: &Named) -> Option<Homeserver> {
        match named {
            Named::Url(url) => {
                let found = self.answers(url).await;
                found.ok().map(|()| Homeserver { url: url.clone(), public: None })
            }
            Named::Name(name) => self.by_name(name).await,
        }
    }

    /// Its own word first (the Matrix specification's server discovery for clients), then where it may be.
    async fn by_name(&mut self, name: &str) -> Option<Homeserver> {
        let public = self.well_known(name).await;
        if let Some(near) = self.beside_us(name, public.is_some()).await {
            return Some(Homeserver { url: near, public });
        }
        if let Some(url) = public {
            return Some(Homeserver { url: url.clone(), public: Some(url) });
        }
        let by_https = Url::parse(&format!("https://{name}")).ok()?;
        if self.answers(&by_https).await.is_ok() {
            return Some(Homeserver { url: by_https, public: None });
        }
        // Without TLS only where nobody is on the way.
        let by_http = Url::parse(&format!("http://{name}")).ok().filter(is_private)?;
        self.answers(&by_http).await.ok().map(|()| Homeserver { url: by_http, public: None })
    }

    async fn well_known(&mut self, name: &str) -> Option<Url> {
        let mut url = Url::parse(&format!("https://{name}/.well-known/matrix/client")).ok()?;
        // The file is for the host, whatever the port of the server is.
        url.set_port(None).ok()?;
        match self.get::<WellKnown>(&url).await {
            Ok(found) => {
                let base = found.homeserver.base_url;
                self.tell(format_args!("{url} says {base}"));
                let base = WebUrl::parse(&base).ok()?.0;
                self.answers(&base).await.ok().map(|()| base)
            }
            Err(why) => {
                self.tell(format_args!("{url}: {why}"));
                None
            }
        }
    }

    /// A homeserver on this machine with this very name is nearer than any proxy. One that does not tell its name will do where
    /// nothing better is known.
    async fn beside_us(&mut self, name: &str, is_known: bool) -> Option<Url> {
        let url = Url::parse(USUAL).ok()?;
        let keys = url.join("/_matrix/key/v2/server").ok()?;
        if self.get::<Versions>(&url.join("/_matrix/client/versions").ok()?).await.is_err() {
            return None;
        }
        match self.get::<Keys>(&keys).await {
            Ok(Keys { server_name }) if server_name == name => {
                self.tell(format_args!("{USUAL} is {name}, on this machine"));
                Some(url)
            }
            Ok(Keys { server_name }) => {
                self.tell(format_args!("{USUAL} is another homeserver: {server_name}"));
                None
            }
            Err(_) if is_known => None,
            Err(_) => {
                self.tell(format_args!("{USUAL} answers, and does not tell its name: taken for {name}"));
                Some(url)
            }
        }
    }

    /// Whether a homeserver answers there.
    ///
    /// # Errors
    /// Where none does; that was told.
    pub async fn answers(&mut self, url: &Url) -> Result<(), ()> {
        let mut versions = url.clone();
        if let Ok(mut segments) = versions.path_segments_mut() {
            segments.pop_if_empty().extend(["_matrix", "client", "versions"]);
        }
        match self.get::<Versions>(&versions).await {
            Ok(Versions { versions }) => {
                let newest = versions.last().map_or("an unknown version", String::as_str);
                self.tell(format_args!("{url} answers: a homeserver that speaks Matrix up to {newest}"));
                Ok(())
            }
            Err(why) => {
                self.tell(format_args!("{versions}: {why}"));
                Err(())
            }
        }
    }

    async fn get<A: DeserializeOwned>(&self, url: &Url) -> Result<A, String> {
        let answer = self.http.get(url.clone()).send().await.map_err(|error| causes(&error.without_url()))?;
        if !answer.status().is_success() {
            return Err(format!("answers {}", answer.status()));
        }
        answer.json().await.map_err(|_| "answers, but not as a homeserver does".to_owned())
    }

    fn tell(&mut self, sentence: fmt::Arguments<'_>) {
        (self.tell)(sentence.to_string());
    }
}

/// The URL for clients, as far as it can be known.
pub fn public_url(homeserver: &Homeserver) -> Option<Url> {
    let own = || Some(homeserver.url.clone()).filter(|url| !is_private(url));
    homeserver.public.clone().filter(|url| !is_loopback(url)).or_else(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_homeserver_is_named_in_several_ways() {
        for (text, name) in [
            ("example.org", "example.org"),
            ("localhost:8008", "localhost:8008"),
            ("@me:example.org", "example.org"),
            ("[::1]:8008", "[::1]:8008"),
        ] {
            assert!(matches!(Named::parse(text).unwrap(), Named::Name(found) if found == name), "{text}");
        }
        assert!(matches!(Named::parse("https://matrix.example.org").unwrap(), Named::Url(_)));
        for text in ["", "two words", "a/b", "ftp://example.org", "me@example.org", "http://me:hush@example.org"] {
            let refused = Named::parse(text).unwrap_err();
            assert!(!refused.contains("hush"), "{refused}");
        }
    }
}
