//! STUN and TURN servers, made for one receiver each: one user's credentials never go to another.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use call::{
    ids::{AccessToken, UserId},
    wire::IceServer,
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use sha1::Sha1;

use crate::{
    config::Config,
    homeserver::{Failure, Homeserver, TurnServer},
    metrics,
    secret::Secret,
};

/// For how long STUN alone holds, which has no credentials.
const STUN_TTL: u64 = 24 * 3600;
/// For how long a homeserver without TURN is believed to have none.
const NO_TURN: Duration = Duration::from_mins(5);
/// Credentials never delay anybody by more than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gives out ICE servers.
pub struct Ice {
    stun: Vec<IceServer>,
    turn: Option<Turn>,
    homeserver: Arc<Homeserver>,
    borrowed: Cache<UserId, Arc<Borrowed>>,
}

/// Our own TURN, by the coturn REST scheme (draft-uberti-behave-turn-rest-00).
struct Turn {
    uris: Vec<String>,
    secret: Secret,
    ttl: Duration,
}

/// Credentials of the homeserver's TURN for one user.
struct Borrowed {
    server: Option<IceServer>,
    until: Timestamp,
    /// From then on new ones are asked for: a call that begins needs some of their time.
    fresh_until: Timestamp,
}

impl Ice {
    /// By the settings: TURN of our own, else the homeserver's.
    pub fn new(config: &Config, homeserver: Arc<Homeserver>) -> Self {
        let stun = IceServer { urls: config.stun_uris.clone(), username: None, credential: None };
        let turn = config.turn_secret.clone().map(|secret| Turn { uris: config.turn_uris.clone(), secret, ttl: config.turn_ttl });
        Self {
            stun: if stun.urls.is_empty() { Vec::new() } else { vec![stun] },
            turn,
            homeserver,
            borrowed: Cache::builder().max_capacity(100_000).time_to_live(Duration::from_hours(24)).build(),
        }
    }

    /// STUN alone, for whoever has not said who they are.
    pub fn anonymous(&self) -> Vec<IceServer> {
        self.stun.clone()
    }

    /// What there is for this user without asking anybody.
    pub fn at_hand(&self, user: &UserId, now: Timestamp) -> Vec<IceServer> {
        let turn = match &self.turn {
            Some(turn) => Some(turn.server(user, now)),
            None => self.borrowed.get(user).filter(|borrowed| borrowed.fresh_until > now).and_then(|b| b.server.clone()),
        };
        self.with(turn)
    }

    /// Everything for this user, and for how many seconds it holds. Where the homeserver's TURN cannot be had it is STUN alone.
    pub async fn fresh(&self, user: &UserId, token: Option<&AccessToken>, now: Timestamp) -> (Vec<IceServer>, u64) {
        if let Some(turn) = &self.turn {
            return (self.with(Some(turn.server(user, now))), turn.ttl.as_secs());
        }
        let borrowed = match (self.borrowed.get(user), token) {
            (Some(borrowed), _) if borrowed.fresh_until > now => Some(borrowed),
            (_, Some(token)) => self.borrow(user, token, now).await,
            (_, None) => None,
        };
        match borrowed.and_then(|borrowed| borrowed.server.clone().map(|server| (server, borrowed.until))) {
            Some((server, until)) => {
                let ttl = until.duration_since(now).as_secs().try_into().unwrap_or_default();
                (self.with(Some(server)), ttl)
            }
            None => (self.with(None), STUN_TTL),
        }
    }

    async fn borrow(&self, user: &UserId, token: &AccessToken, now: Timestamp) -> Option<Arc<Borrowed>> {
        let given = self.ask(token).await?;
        Some(self.keep(user, given, now))
    }

    /// What the homeserver gives for a token, where it is needed and can be had.
    pub async fn ask(&self, token: &AccessToken) -> Option<TurnServer> {
        if self.turn.is_some() {
            return None;
        }
        match tokio::time::timeout(PATIENCE, self.homeserver.turn_server(token)).await {
            Ok(Ok(given)) => Some(given),
            Ok(Err(Failure::NotFound)) => Some(TurnServer::default()),
            Ok(Err(failure)) => {
                tracing::warn!(%failure, "no TURN from the homeserver");
                None
            }
            Err(_) => None,
        }
    }

    /// Takes what the homeserver gave for a token that has turned out to be this user's.
    pub fn accept(&self, user: &UserId, given: Option<TurnServer>, now: Timestamp) -> Vec<IceServer> {
        if let Some(given) = given {
            self.keep(user, given, now);
        }
        self.at_hand(user, now)
    }

    fn keep(&self, user: &UserId, given: TurnServer, now: Timestamp) -> Arc<Borrowed> {
        let borrowed = Arc::new(if given.uris.is_empty() {
            Borrowed { server: None, until: now + NO_TURN, fresh_until: now + NO_TURN }
        } else {
            let ttl = SignedDuration::from_secs(given.ttl.clamp(60, 7 * 86_400).cast_signed());
            let server = IceServer { urls: given.uris, username: Some(given.username), credential: Some(given.password) };
            Borrowed { server: Some(server), until: now + ttl, fresh_until: now + ttl / 2 }
        });
        self.borrowed.insert(user.clone(), borrowed.clone());
        borrowed
    }

    fn with(&self, turn: Option<IceServer>) -> Vec<IceServer> {
        metrics::ice_made(match (&turn, &self.turn) {
            (Some(_), Some(_)) => "own",
            (Some(_), None) => "homeserver",
            (None, _) => "none",
        });
        self.stun.iter().cloned().chain(turn).collect()
    }
}

impl Turn {
    fn server(&self, user: &UserId, now: Timestamp) -> IceServer {
        let expiry = now.as_second() + self.ttl.as_secs().cast_signed();
        let username = format!("{expiry}:{user}");
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.expose().as_bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(username.as_bytes());
        let credential = STANDARD.encode(mac.finalize().into_bytes());
        IceServer { urls: self.uris.clone(), username: Some(username), credential: Some(credential) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// The figures are coturn's own: `turnadmin`'s scheme, computed with openssl's `dgst -sha1 -hmac`.
    #[test]
    fn credentials_follow_the_rest_scheme() {
        let secret = Secret::new("north".to_owned());
        let turn = Turn { uris: vec!["turn:t:3478".to_owned()], secret, ttl: Duration::from_hours(1) };
        let server = turn.server(&UserId::parse("@alice:x").unwrap(), Timestamp::from_second(1_700_000_000).unwrap());
        assert_eq!(server.username.as_deref(), Some("1700003600:@alice:x"));
        assert_eq!(server.credential.as_deref(), Some("svh3IBQBMFccXqTZQZnb61Z8SN4="));
    }
}
