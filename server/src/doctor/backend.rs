//! Ringback's own answers: `call-config.json` and the addresses in it, health, and the clock.

use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use url::Url;

use super::{
    Doctor,
    account::Account,
    find::Backend,
    net::{Answer, Reach, at, base, reach_of},
    report::Check,
};

/// Clocks that differ by more are worth a word.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// Clocks that differ by more break credentials and ring timers.
const BAD_SKEW: SignedDuration = SignedDuration::from_mins(5);

impl Doctor {
    /// Asks for `call-config.json`. Where that is broken, Ringback itself may still be there.
    pub async fn call_config(&self, backend: &Url) -> Option<Backend> {
        let url = at(backend, "/call-config.json");
        if !self.reaches(&url, "Ringback (or the proxy in front of it)").await {
            return None;
        }
        let answer = match self.net.get(&url).await {
            Ok(answer) => answer,
            Err(trouble) => {
                self.notes.fail(
                    Check::CallConfig,
                    url.as_str(),
                    &trouble,
                    trouble.remedy(url.host_str().unwrap_or_default(), "Ringback"),
                );
                return None;
            }
        };
        let problem = match unreadable(&answer, backend) {
            Some(_) if answer.status == 404 && self.is_homeserver(backend).await.is_ok() => Some(a_homeserver(backend)),
            problem => problem,
        };
        match problem {
            None => {
                self.notes.ok(Check::CallConfig, url, "says where everything is");
                Some(Backend { url: backend.clone(), config: answer.json() })
            }
            Some((saw, remedy)) => {
                self.notes.fail(Check::CallConfig, url, saw, remedy);
                let health = self.net.get(&at(backend, "/health")).await.ok()?.json()?;
                let is_ringback = health["status"].is_string() && health["database"].is_string();
                is_ringback.then(|| Backend { url: backend.clone(), config: None })
            }
        }
    }

    /// Whether the addresses of `call-config.json` lead where they should, for whoever has asked.
    pub async fn addresses(&self, found: &Backend, named: Option<&Url>) {
        let Some(config) = &found.config else {
            return self.notes.skip(Check::Addresses, "", "call-config.json cannot be read");
        };
        let asked = base(&found.url);
        let part = |key: &str| config[key].as_str().and_then(|text| Url::parse(text).ok());
        let (Some(own), Some(socket), Some(hs)) = (part("baseUrl"), part("websocketUrl"), part("homeserverUrl")) else { return };
        let fail = |key: &str, url: &Url, why: &str, setting: &str| {
            let remedy = if setting == "public_url" {
                format!(
                    "set `public_url = \"{asked}\"` for Ringback (RINGBACK_PUBLIC_URL)\n\
                         or, for several names, `trusted_proxies = \"127.0.0.1\"`, and let the proxy send X-Forwarded-Host and X-Forwarded-Proto"
                )
            } else {
                format!(
                    "set `{setting} = \"…\"` for Ringback (RINGBACK_PUBLIC_HOMESERVER_URL) to the address of the homeserver that clients use"
                )
            };
            self.notes.fail(Check::Addresses, base(&found.url), format!("{key} is {url}: {why}"), remedy);
        };
        if let Some(why) = out_of_reach(&own, &found.url) {
            fail("baseUrl", &own, why, "public_url");
        } else if (socket.scheme(), socket.host_str(), socket.port_or_known_default())
            != (own.scheme(), own.host_str(), own.port_or_known_default())
        {
            fail("websocketUrl", &socket, "it is not baseUrl again, so something on the way changes it", "public_url");
        } else if base(&own) != asked
            && let Some(why) = self.leads_elsewhere(&own).await
        {
            fail("baseUrl", &own, &why, "public_url");
        } else if let Some(why) = out_of_reach(&hs, &found.url) {
            fail("homeserverUrl", &hs, why, "public_homeserver_url");
        } else if let Some(why) = self.no_homeserver(&hs, named).await {
            fail("homeserverUrl", &hs, &why, "public_homeserver_url");
        } else {
            self.notes.ok(Check::Addresses, base(&found.url), format!("clients are told {} and {}", base(&own), base(&hs)));
        }
    }

    async fn leads_elsewhere(&self, own: &Url) -> Option<String> {
        match self.net.get(&at(own, "/call-config.json")).await {
            Ok(answer) if answer.status.is_success() && answer.json().is_some_and(|body| body["baseUrl"].is_string()) => None,
            Ok(answer) => Some(format!("Ringback is not there: {}", answer.gist())),
            Err(trouble) => Some(trouble.to_string()),
        }
    }

    /// Why there is no homeserver at an address, unless that was noted already: it is the one that was `named`.
    async fn no_homeserver(&self, url: &Url, named: Option<&Url>) -> Option<String> {
        if named.is_some_and(|named| base(named) == base(url)) {
            return None;
        }
        match self.net.reach(url).await {
            (Err(trouble), first) => first.then(|| trouble.to_string()),
            (Ok(_), _) => self.is_homeserver(url).await.err().map(|saw| format!("there is no Matrix homeserver: {saw}")),
        }
    }

    /// Whether the database is there.
    pub async fn health(&self, backend: &Url) {
        let url = at(backend, "/health");
        match self.net.get(&url).await {
            Ok(answer) if answer.status == 200 => self.notes.ok(Check::Health, url, "healthy, the database is connected"),
            Ok(answer) if answer.status == 503 && answer.json().is_some_and(|body| body["database"] == "disconnected") => {
                let remedy = "start the database (`systemctl status postgresql`), or correct `database_url`; Ringback's log says `the database failed: …`";
                self.notes.fail(Check::Health, url, "Ringback has lost its database", remedy);
            }
            Ok(answer) => self.notes.fail(Check::Health, url, answer.gist(), "let the proxy pass on every path to Ringback"),
            Err(trouble) => {
                self.notes.fail(Check::Health, url, &trouble, trouble.remedy(backend.host_str().unwrap_or_default(), "Ringback"));
            }
        }
    }

    /// Whether the clocks agree, which is the answer: TURN credentials and ring timers hold until a time of day.
    pub async fn clock(&self, found: &Backend, homeserver: Option<&Url>, account: Option<&Account>) -> bool {
        let ahead = match account {
            Some(account) => self.ahead_by_socket(&found.url, account).await,
            None => None,
        };
        let by_date = async { if ahead.is_some() { ahead } else { self.ahead(&found.url).await } };
        let Some(ahead) = by_date.await else {
            self.notes.skip(Check::Clock, base(&found.url), "it does not say what time it is (no Date header)");
            return true;
        };
        if ahead.abs() < SKEW {
            self.notes.ok(Check::Clock, base(&found.url), format!("within {} s of ours", ahead.abs().as_secs() + 1));
            return true;
        }
        let others = match homeserver {
            Some(url) => self.ahead(url).await,
            None => None,
        };
        let saw =
            format!("its clock is {} s {} ours", ahead.abs().as_secs(), if ahead.is_positive() { "ahead of" } else { "behind" });
        if others.is_some_and(|others| (others - ahead).abs() < SKEW) {
            let remedy =
                "set the clock of this machine (`timedatectl set-ntp true`): the homeserver and Ringback agree with each other";
            self.notes.warn(Check::Clock, base(&found.url), saw, remedy);
            return false;
        }
        let remedy = "set the clock of Ringback's machine (`timedatectl set-ntp true`): TURN credentials and ring timers hold until a time of day";
        if ahead.abs() < BAD_SKEW {
            self.notes.warn(Check::Clock, base(&found.url), saw, remedy);
        } else {
            self.notes.fail(Check::Clock, base(&found.url), saw, remedy);
        }
        false
    }

    /// What a proxy cannot hide: it puts a date of its own on every answer.
    async fn ahead_by_socket(&self, backend: &Url, account: &Account) -> Option<SignedDuration> {
        let mut socket = self.socket(backend, "/ws").await.ok()?;
        let registered = socket.register(&account.token).await.ok()?;
        let time: Timestamp = registered["serverTime"].as_str()?.parse().ok()?;
        Some(time.duration_since(crate::clock::now()))
    }

    async fn ahead(&self, url: &Url) -> Option<SignedDuration> {
        let answer = self.net.get(&at(url, if url.path() == "/" { "/health" } else { "" })).await.ok()?;
        Some(date_of(&answer.headers)?.duration_since(crate::clock::now()))
    }
}

fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Why an address is of no use to somebody who has come by another.
fn out_of_reach(url: &Url, asked: &Url) -> Option<&'static str> {
    match (reach_of(url), reach_of(asked)) {
        (Reach::Loopback, Reach::Private | Reach::Public) => Some("that is each client's own machine"),
        (Reach::Private, Reach::Public) => Some("that is an address of a private network"),
        _ if url.scheme() == "http" && asked.scheme() == "https" => Some("a page from https cannot talk to http"),
        _ => None,
    }
}

/// Why an answer is no `call-config.json`, and what to do about it.
fn unreadable(answer: &Answer, backend: &Url) -> Option<(String, String)> {
    let body = answer.json();
    let address = base(backend);
    let say = |saw: String, remedy: String| Some((saw, remedy));
    if answer.status.is_redirection() {
        let to = answer.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        return say(
            format!("it sends clients on to {to}"),
            format!("name that address in place of {address} (\"dev.ringback.call\", --url)"),
        );
    }
    if matches!(answer.status.as_u16(), 502..=504) {
        let remedy = "start Ringback (`systemctl status ringback`); where it runs, correct its address in the proxy (nginx: `proxy_pass http://127.0.0.1:3000;`)";
        return say(format!("the proxy is there, and Ringback behind it is not: {}", answer.gist()), remedy.to_owned());
    }
    let pass_on = || {
        format!(
            "let the proxy of {address} hand every path to Ringback (nginx: `location / {{ proxy_pass http://127.0.0.1:3000; }}`)"
        )
    };
    if !answer.status.is_success() {
        return say(answer.gist(), pass_on());
    }
    let Some(body) = body else {
        let what = if answer.is_html() { "an HTML page" } else { "not JSON" };
        return say(format!("{what} in place of Ringback's answer: {}", answer.gist()), pass_on());
    };
    let is_url = |key: &str| body[key].as_str().is_some_and(|text| Url::parse(text).is_ok());
    let mut missing: Vec<&str> = ["baseUrl", "websocketUrl", "homeserverUrl"].into_iter().filter(|key| !is_url(key)).collect();
    missing.extend(body["iceServers"].is_null().then_some("iceServers").filter(|_| !body["iceServers"].is_array()));
    if missing.is_empty() {
        return None;
    }
    let remedy = format!("take the file of your own away that answers here, and {}", pass_on());
    say(format!("it lacks {}", missing.join(", ")), remedy)
}

fn a_homeserver(backend: &Url) -> (String, String) {
    let address = base(backend);
    let remedy = format!(
        "name Ringback's own address in place of {address} (port 3000; \"dev.ringback.call\" in .well-known/matrix/client, --url); \
         or let the proxy there hand /call-config.json on to Ringback"
    );
    ("this is the homeserver, which knows nothing of calls (404)".to_owned(), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_judged_by_who_asks() {
        let url = |text: &str| Url::parse(text).unwrap();
        for (told, asked, useless) in [
            ("http://localhost:3000", "http://localhost:3000", false),
            ("http://127.0.0.1:3000", "http://192.168.1.2:3000", true),
            ("http://192.168.1.2:3000", "http://192.168.1.2:3000", false),
            ("http://192.168.1.2:3000", "https://calls.example.org", true),
            ("http://calls.example.org", "https://calls.example.org", true),
            ("https://calls.example.org", "https://calls.example.org", false),
        ] {
            assert_eq!(out_of_reach(&url(told), &url(asked)).is_some(), useless, "{told} for {asked}");
        }
    }
}
