//! Whom a user ignores (Matrix specification, `m.ignored_user_list`): such a caller does not ring, and cannot tell.
//!
//! A list can be read with its owner's token, which is at hand while one of their devices is connected, or as the application
//! service. Where it cannot be read the call rings: a lost call is worse than an unwanted one.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use call::ids::UserId;
use futures_util::future::join_all;
use moka::sync::Cache;

use crate::{
    appservice::AppService,
    homeserver::{Failure, Homeserver},
    hub::Hub,
};

/// For how long a list is believed.
const BELIEVED: Duration = Duration::from_secs(10);
/// For how long it still stands in for one that cannot be read.
const REMEMBERED: Duration = Duration::from_hours(24);
/// Lists never delay a ring by more than this.
const PATIENCE: Duration = Duration::from_millis(2500);
/// Of how many users lists are remembered.
const USERS: u64 = 50_000;

/// A user's list.
type List = Arc<BTreeSet<UserId>>;

/// Reads lists.
pub struct Ignored {
    homeserver: Arc<Homeserver>,
    hub: Arc<Hub>,
    appservice: Option<AppService>,
    known: Cache<UserId, (List, Instant)>,
}

impl Ignored {
    /// Reads by users' own tokens, and as the application service where there is one.
    pub fn new(homeserver: Arc<Homeserver>, hub: Arc<Hub>, appservice: Option<AppService>) -> Self {
        Self { homeserver, hub, appservice, known: Cache::builder().max_capacity(USERS).time_to_live(REMEMBERED).build() }
    }

    /// Who among these ignores the caller.
    pub async fn ignoring(&self, caller: &UserId, users: impl Iterator<Item = &UserId>) -> BTreeSet<UserId> {
        let asked = users.filter(|user| *user != caller).map(|user| async move { (user, self.list(user).await) });
        let ignores = |list: Option<List>| list.is_some_and(|list| list.contains(caller));
        join_all(asked).await.into_iter().filter_map(|(user, list)| ignores(list).then(|| user.clone())).collect()
    }

    /// Reads a list before it is needed.
    pub async fn warm_up(&self, user: &UserId) {
        self.list(user).await;
    }

    /// A list that cannot be had now is what it was when it could be had last.
    async fn list(&self, user: &UserId) -> Option<List> {
        let known = self.known.get(user);
        if let Some((list, read)) = &known
            && read.elapsed() < BELIEVED
        {
            return Some(list.clone());
        }
        match tokio::time::timeout(PATIENCE, self.read(user)).await {
            Ok(Some(Ok(list))) => {
                let list = Arc::new(list);
                self.known.insert(user.clone(), (list.clone(), Instant::now()));
                return Some(list);
            }
            Ok(Some(Err(failure))) => tracing::warn!(%user, %failure, "whom this user ignores cannot be told now"),
            Err(_) => tracing::warn!(%user, "whom this user ignores takes too long to be told"),
            Ok(None) => {}
        }
        known.map(|(list, _)| list)
    }

    async fn read(&self, user: &UserId) -> Option<Result<BTreeSet<UserId>, Failure>> {
        match (self.hub.token_of(user), &self.appservice) {
            (Some(token), _) => Some(self.homeserver.ignored_users(&token, user, false).await),
            (None, Some(service)) => Some(self.homeserver.ignored_users(&service.token(), user, true).await),
            (None, None) => None,
        }
    }
}
