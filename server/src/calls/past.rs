//! Looking back at calls.

use call::{ids::CallId, wire::History};

use super::Calls;
use crate::{auth::Identity, error::ApiError, store::Behind};

/// How many calls a page has, where nothing is said.
const PAGE: usize = 20;
/// How many it has at most, and how many can be marked at once.
const MAX_PAGE: usize = 100;

impl Calls {
    /// The asker's calls that are over, newest first.
    ///
    /// # Errors
    /// 400 for a limit out of bounds or a `from` that is not of ours, 503.
    pub async fn history(&self, who: &Identity, limit: Option<usize>, from: Option<&str>) -> Result<History, ApiError> {
        let limit = limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(ApiError::invalid("limit must be between 1 and 100"));
        }
        let behind = from.map(str::parse::<Behind>).transpose();
        let behind = behind.map_err(|()| ApiError::invalid("from must be a nextBatch of this history"))?;
        let (calls, next) = self.store.past(&who.user, behind, limit).await?;
        Ok(History { calls, next_batch: next.map(|behind| behind.to_string()) })
    }

    /// The asker has seen that these calls, or all, were missed.
    ///
    /// # Errors
    /// 400 for too many at once, 503.
    pub async fn seen(&self, who: &Identity, calls: Option<Vec<CallId>>) -> Result<(), ApiError> {
        if calls.as_ref().is_some_and(|calls| calls.len() > MAX_PAGE) {
            return Err(ApiError::invalid("`callIds` may name 100 calls at most; leave it out for all"));
        }
        Ok(self.store.mark_seen(who.user.clone(), calls).await?)
    }
}
