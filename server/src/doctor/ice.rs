//! Whether media will find a way: STUN, and TURN with the very credentials that clients get.

use std::{collections::BTreeMap, net::SocketAddr};

use call::wire::IceServer;
use futures_util::future::join_all;
use serde_json::Value;

use super::{
    Doctor,
    net::reach_of_ip,
    report::Check,
    turn::{self, Refused, Uri},
};

/// One URI that was tried, and what came of it: the relay's address and the server's.
type Try = (Uri, Result<(SocketAddr, SocketAddr), Refused>);

impl Doctor {
    /// Tries every server: those that a user gets, or of `call-config.json`, which has no TURN.
    pub async fn ice(&self, config: Option<&Value>, servers: Option<&[IceServer]>, clocks_agree: bool) {
        let anonymous =
            || config.and_then(|config| serde_json::from_value(config["iceServers"].clone()).ok()).unwrap_or_default();
        let all: Vec<IceServer> = servers.map_or_else(anonymous, <[IceServer]>::to_vec);
        let mut stun = Vec::new();
        let mut turn: Vec<(Uri, &IceServer)> = Vec::new();
        for server in &all {
            for url in &server.urls {
                match Uri::parse(url) {
                    Some(uri) if uri.is_turn => turn.push((uri, server)),
                    Some(uri) => stun.push(uri),
                    None => {
                        let remedy = "write it like stun:turn.example.org:3478 or turn:turn.example.org:3478?transport=udp";
                        self.notes.fail(Check::Stun, url, "this is no STUN or TURN address", remedy);
                    }
                }
            }
        }
        let (bound, tried) = tokio::join!(
            join_all(stun.iter().map(|uri| turn::bind(&self.net, uri))),
            join_all(turn.iter().map(|(uri, server)| async move {
                let (name, password) =
                    (server.username.as_deref().unwrap_or_default(), server.credential.as_deref().unwrap_or_default());
                (uri.clone(), turn::allocate(&self.net, uri, name, password).await)
            })),
        );
        let mut hosts: BTreeMap<&str, Vec<&Try>> = BTreeMap::new();
        for tried in &tried {
            hosts.entry(&tried.0.host).or_default().push(tried);
        }
        for (host, tries) in &hosts {
            let username = turn.iter().find(|(uri, _)| uri.host == **host).and_then(|(_, server)| server.username.as_deref());
            self.relay(host, tries, username.unwrap_or_default(), clocks_agree);
        }
        if servers.is_some() && turn.is_empty() {
            let remedy = "run coturn, and set `turn_uris` and `turn_secret` for Ringback, or `turn_uris` and `turn_shared_secret` in homeserver.yaml";
            self.notes.warn(
                Check::Turn,
                "",
                "users get no TURN server: calls between strict networks ring, and stay silent",
                remedy,
            );
        }
        let is_told = |uri: &Uri| hosts.get(uri.host.as_str()).is_some_and(|tries| tries.iter().any(|tried| tried.1.is_err()));
        self.stun(&stun, &bound, is_told);
    }

    fn stun(&self, uris: &[Uri], bound: &[Result<SocketAddr, Refused>], is_told: impl Fn(&Uri) -> bool) {
        if uris.is_empty() {
            return self.notes.skip(Check::Stun, "", "no STUN server is set; TURN does its work");
        }
        let list = |uris: &mut dyn Iterator<Item = &Uri>| {
            uris.map(|uri| format!("{}:{}", uri.host, uri.port)).collect::<Vec<_>>().join(", ")
        };
        let silent: Vec<(&Uri, &Refused)> =
            uris.iter().zip(bound).filter_map(|(uri, bound)| Some((uri, bound.as_ref().err()?))).collect();
        match (silent.first(), bound.iter().find_map(|bound| bound.as_ref().ok())) {
            (None, Some(address)) => self.notes.ok(Check::Stun, list(&mut uris.iter()), format!("sees us at {}", address.ip())),
            (Some((uri, _)), _) if is_told(uri) => {
                self.notes.skip(Check::Stun, list(&mut uris.iter()), "see turn: it is the same server");
            }
            (Some((_, why)), _) => {
                let remedy = "set `stun_uris` to servers that answer, e.g. your TURN server: `stun_uris = \"stun:turn.example.org:3478\"`; UDP must be let out and in";
                self.notes.warn(
                    Check::Stun,
                    list(&mut silent.iter().map(|(uri, _)| *uri)),
                    format!("does not answer: {}", told(why)),
                    remedy,
                );
            }
            (None, None) => {}
        }
    }

    /// What is to be said of one TURN server, reached in several ways.
    fn relay(&self, host: &str, tries: &[&Try], username: &str, clocks_agree: bool) {
        let ways = |tries: &[&&Try]| {
            tries.iter().map(|(uri, _)| format!("{} {}", uri.transport.name(), uri.port)).collect::<Vec<_>>().join(", ")
        };
        let (good, bad): (Vec<&&Try>, Vec<&&Try>) = tries.iter().partition(|(_, done)| done.is_ok());
        let address = format!("{host} ({})", ways(&tries.iter().collect::<Vec<_>>()));
        if let Some((_, Err(Refused::Error { code, reason }))) =
            bad.iter().find(|(_, done)| matches!(done, Err(Refused::Error { .. })))
        {
            if *code == 401 && !clocks_agree {
                return self.notes.skip(
                    Check::Turn,
                    address,
                    "refuses the credentials (401), as it must while the clocks do not agree",
                );
            }
            return self.notes.fail(Check::Turn, address, format!("says {code} {reason}"), remedy_of(*code, username));
        }
        if let Some(trouble) =
            bad.iter().find_map(|(_, done)| if let Err(Refused::Tls(trouble)) = done { Some(trouble) } else { None })
        {
            let remedy = format!(
                "{}; then name it in turnserver.conf (`cert=…/fullchain.pem`, `pkey=…`)",
                trouble.remedy(host, "the TURN server")
            );
            return self.notes.fail(Check::Turn, address, format!("by TLS: {trouble}"), remedy);
        }
        if let Some((_, Err(why))) = bad.first() {
            let saw = if good.is_empty() {
                format!("cannot be reached: {}", told(why))
            } else {
                format!("cannot be reached by {}: {}; by {} it relays", ways(&bad), told(why), ways(&good))
            };
            let remedy = if good.is_empty() {
                format!(
                    "start the TURN server (`systemctl status coturn`), open {} in its firewall, or correct `turn_uris`",
                    ways(&bad)
                )
            } else {
                format!(
                    "open {} in the firewall of {host}, and see that the TURN server listens there (coturn: no `no-udp`, `no-tcp`, `no-tls`); or take it out of `turn_uris`",
                    ways(&bad)
                )
            };
            return self.notes.fail(Check::Turn, address, saw, remedy);
        }
        let useless = good.iter().find_map(|(_, done)| {
            done.as_ref().ok().filter(|(relay, server)| reach_of_ip(relay.ip()) < reach_of_ip(server.ip()))
        });
        if let Some((relay, server)) = useless {
            let remedy =
                format!("set `external-ip={}` in turnserver.conf, and `relay-ip` to an address that others reach", server.ip());
            return self.notes.fail(Check::Turn, address, format!("relays at {}, which others cannot reach", relay.ip()), remedy);
        }
        let relay = good.iter().find_map(|(_, done)| Some(done.as_ref().ok()?.0));
        self.notes.ok(Check::Turn, address, relay.map_or_else(String::new, |relay| format!("relays, at {}", relay.ip())));
    }
}

fn told(why: &Refused) -> String {
    match why {
        Refused::NoWay(why) | Refused::Nonsense(why) => why.clone(),
        Refused::Tls(trouble) => trouble.to_string(),
        Refused::Error { code, reason } => format!("{code} {reason}"),
    }
}

fn remedy_of(code: u16, username: &str) -> String {
    let ends = username.split_once(':').and_then(|(time, _)| time.parse::<i64>().ok());
    let text = match code {
        401 if ends.is_some_and(|ends| ends < crate::clock::now().as_second()) => {
            "set the clock of the machine that makes the credentials (Ringback's or the homeserver's): they have expired when they are made"
        }
        401 | 441 => {
            "let `turn_secret` of Ringback (or `turn_shared_secret` in homeserver.yaml) be the `static-auth-secret` of turnserver.conf; \
             and see that its clock is right, for credentials expire"
        }
        403 => "allow it in turnserver.conf (`allowed-peer-ip`, `denied-peer-ip`)",
        437 => "restart the TURN server: it mistakes this request for one of an earlier relay",
        442 => "let the TURN server relay UDP (coturn: no `no-udp-relay`)",
        486 => "raise `user-quota` and `total-quota` in turnserver.conf",
        508 => "widen `min-port` to `max-port` in turnserver.conf: no relay port is left",
        _ => "see the TURN server's log",
    };
    text.to_owned()
}
