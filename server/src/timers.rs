//! One sleeper over the deadlines in the store. It wakes when something may be due, and looks.

use std::{sync::Arc, time::Duration};

use call::ids::CallId;
use futures_util::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{calls::Calls, clock, error::ApiError, metrics, trail};

/// How many calls are settled at once: they share a commit.
const AT_ONCE: usize = 64;
/// How long notes wait for others, and keep out of the way of what made them.
const NOTES_WAIT: Duration = Duration::from_millis(250);
/// How long it waits after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Does what is due, when it is due, until `stop`.
pub async fn run(calls: Arc<Calls>, stop: CancellationToken) {
    loop {
        let pause = match settle(&calls).await {
            Ok(()) => calls.alarm.sleep(clock::now()),
            Err(error) => {
                tracing::error!(error = error.body.error, "what is due could not be done");
                metrics::timer_failed();
                AFTER_FAILURE
            }
        };
        calls.hub.sweep();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = calls.alarm.rung() => {}
            () = stop.cancelled() => return,
        }
    }
}

/// A trace of its own: nobody has asked.
async fn expire(calls: &Arc<Calls>, id: CallId) -> Result<(), ApiError> {
    let span = tracing::info_span!("timer", call_id = %id);
    trail::about(&id.clone(), calls.expire(id)).instrument(span).await
}

/// Stores the notes for the operator, a little after they were made and many at once, until `stop`.
pub async fn note(calls: Arc<Calls>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = calls.some_notes() => {}
            () = stop.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(NOTES_WAIT) => {}
            () = stop.cancelled() => return,
        }
        calls.write_notes().await;
    }
}

async fn settle(calls: &Arc<Calls>) -> Result<(), ApiError> {
    calls.catch_up().await?;
    let due = calls.store.due(clock::now()).await?;
    // One call that cannot be settled now must not hold up the others.
    let settled = stream::iter(due).map(|id| expire(calls, id)).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    settled.into_iter().collect::<Result<(), _>>()?;
    // Cleared first: what is armed while the store is asked must not be overwritten by its older answer.
    calls.alarm.clear();
    calls.alarm.learn(calls.store.next_deadline().await?);
    Ok(())
}
