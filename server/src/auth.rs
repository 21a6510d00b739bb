//! Who is asking. A token is the homeserver's to judge; its answer is kept for a minute, under a hash of the token.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use call::{
    ids::{AccessToken, DeviceId, UserId},
    wire::Claim,
};
use moka::future::Cache;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::{
    clock,
    error::ApiError,
    homeserver::{Failure, Homeserver},
};

/// For how long an answer of the homeserver counts (contract, section 2).
const FRESH: Duration = Duration::from_mins(1);
/// For how long it may still end a call while the homeserver is away.
const STALE: Duration = Duration::from_hours(24);
/// How many tokens are remembered.
const TOKENS: u64 = 200_000;
/// What stands for the device where a token has none, as an application service's.
const NO_DEVICE: &str = "no-device";

type TokenHash = [u8; 32];

/// Somebody who has proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The device that the token belongs to.
    pub device: DeviceId,
    /// The token; absent for a bare user id that the settings allow.
    pub token: Option<AccessToken>,
}

/// How old an answer of the homeserver may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// At most a minute.
    Fresh,
    /// Older where the homeserver is away: for ending and leaving, which must always be possible.
    WhileAway,
}

/// What the homeserver has said of a token, and for how long that counts.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Whose it is.
    pub who: Arc<Identity>,
    until: Instant,
    refusals: u64,
}

/// Checks tokens.
pub struct Auth {
    homeserver: Arc<Homeserver>,
    fresh: Cache<TokenHash, Judged>,
    known: Cache<TokenHash, Judged>,
    refusals: Arc<AtomicU64>,
    allow_unverified: bool,
}

impl Auth {
    /// Asks this homeserver.
    pub fn new(homeserver: Arc<Homeserver>, allow_unverified: bool) -> Self {
        let cache = |lives| Cache::builder().max_capacity(TOKENS).time_to_live(lives).build();
        let (fresh, known): (Cache<_, _>, Cache<_, _>) = (cache(FRESH), cache(STALE));
        let (caches, refusals) = ([fresh.clone(), known.clone()], Arc::new(AtomicU64::new(0)));
        let count = refusals.clone();
        homeserver.on_refusal(move |token| {
            count.fetch_add(1, Relaxed);
            let (hash, caches) = (hash(token), caches.clone());
            tokio::spawn(async move {
                for cache in caches {
                    cache.invalidate(&hash).await;
                }
            });
        });
        Self { homeserver, fresh, known, refusals, allow_unverified }
    }

    /// Whose the token is. Many who ask at once with one token cost one request.
    ///
    /// # Errors
    /// [`Failure`] of the homeserver.
    pub async fn whose(&self, token: &AccessToken, patience: Patience) -> Result<Arc<Identity>, Failure> {
        self.judge(token, patience).await.map(|judged| judged.who)
    }

    /// The same, to be kept by whoever asks about one token with every message.
    ///
    /// # Errors
    /// [`Failure`] of the homeserver.
    pub async fn judge(&self, token: &AccessToken, patience: Patience) -> Result<Judged, Failure> {
        let hash = hash(token);
        let refusals = self.refusals.load(Relaxed);
        let ask = async {
            let answer = self.homeserver.whoami(token).await?;
            let device = answer.device_id.or_else(|| DeviceId::parse(NO_DEVICE).ok()).ok_or(Failure::UnknownToken)?;
            let who = Arc::new(Identity { user: answer.user_id, device, token: Some(token.clone()) });
            let judged = Judged { who, until: Instant::now() + FRESH, refusals };
            self.known.insert(hash, judged.clone()).await;
            Ok(judged)
        };
        let failure = match self.fresh.try_get_with(hash, ask).await {
            Ok(judged) => return Ok(judged),
            Err(failure) => Failure::clone(&failure),
        };
        if patience == Patience::WhileAway
            && failure.is_outage()
            && let Some(judged) = self.known.get(&hash).await
        {
            return Ok(judged);
        }
        Err(failure)
    }

    /// Whether what was said of a token counts still: it is not too old, and no token was refused since, be it this one or another.
    pub fn counts_still(&self, judged: &Judged) -> bool {
        judged.refusals == self.refusals.load(Relaxed) && Instant::now() < judged.until
    }

    /// Whether the homeserver need not be asked whose this token is.
    pub fn knows(&self, token: &AccessToken) -> bool {
        self.fresh.contains_key(&hash(token))
    }

    /// Believes this without asking.
    #[cfg(test)]
    pub async fn trust(&self, token: &AccessToken, identity: Identity) {
        let judged = Judged { who: Arc::new(identity), until: Instant::now() + FRESH, refusals: 0 };
        self.fresh.insert(hash(token), judged).await;
    }

    /// Who sends a request or a message: by the header's token, else by that in the body. The user id in the body, if there is
    /// one, must be theirs.
    ///
    /// # Errors
    /// 401 without a token or with a dead one, 403 for somebody else's user id, 502 and 504 from the homeserver.
    pub async fn asker(
        &self,
        header: Option<AccessToken>,
        claim: &(impl Claim + Sync),
        patience: Patience,
    ) -> Result<Arc<Identity>, ApiError> {
        let (user, in_body) = claim.claim();
        let user = user.cloned();
        let token = header.or_else(|| in_body.cloned()).ok_or_else(ApiError::missing_token)?;
        let identity = self.whose(&token, patience).await?;
        match user {
            Some(user) if user != identity.user => {
                Err(ApiError::forbidden("userId is not the token's: send your own, or leave it out"))
            }
            _ => Ok(identity),
        }
    }

    /// The same; and where the settings allow it, a bare user id is believed: for registering, joining and reading.
    ///
    /// # Errors
    /// Those of [`Auth::asker`].
    pub async fn asker_maybe_bare(
        &self,
        header: Option<AccessToken>,
        claim: &(impl Claim + Sync),
        patience: Patience,
    ) -> Result<Arc<Identity>, ApiError> {
        match claim.claim() {
            (Some(user), None) if self.allow_unverified && header.is_none() => Ok(Arc::new(Self::unverified(user.clone()))),
            _ => self.asker(header, claim, patience).await,
        }
    }

    /// A bare user id, believed. Each has one device of its own making.
    fn unverified(user: UserId) -> Identity {
        let device = DeviceId::parse(&format!("unverified-{}", clock::session_id()));
        let device = device.unwrap_or_else(|_| unreachable!("hex digits make a device id"));
        Identity { user, device, token: None }
    }
}

fn hash(token: &AccessToken) -> TokenHash {
    Sha256::digest(token.expose().as_bytes()).into()
}
