//! One sleeper over the deadlines in the store. It wakes when something may be due, and looks.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{calls::Calls, clock, error::ApiError};

/// It looks at least this often, in case the clock was set.
const AT_LEAST: Duration = Duration::from_secs(10);
/// How long it waits after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Wakes the sleeper earlier.
#[derive(Default)]
pub struct Alarm {
    next: Mutex<Option<Timestamp>>,
    earlier: Notify,
}

impl Alarm {
    /// Something is due then.
    pub fn arm(&self, deadline: Option<Timestamp>) {
        let Some(deadline) = deadline else { return };
        let mut next = self.next.lock();
        if next.is_none_or(|next| deadline < next) {
            *next = Some(deadline);
            self.earlier.notify_one();
        }
    }

    fn set(&self, deadline: Option<Timestamp>) {
        *self.next.lock() = deadline;
    }

    fn sleep(&self, now: Timestamp) -> Duration {
        let next = *self.next.lock();
        next.map_or(AT_LEAST, |next| Duration::try_from(next.duration_since(now)).unwrap_or_default().min(AT_LEAST))
    }
}

/// Does what is due, when it is due, until `stop`.
pub async fn run(calls: Arc<Calls>, alarm: Arc<Alarm>, stop: CancellationToken) {
    loop {
        let pause = match settle(&calls, &alarm).await {
            Ok(()) => alarm.sleep(clock::now()),
            Err(error) => {
                tracing::error!(error = error.body.error, "what is due could not be done");
                AFTER_FAILURE
            }
        };
        calls.hub.sweep();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = alarm.earlier.notified() => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn settle(calls: &Arc<Calls>, alarm: &Alarm) -> Result<(), ApiError> {
    for id in calls.store.due(clock::now()).await? {
        calls.expire(id).await?;
    }
    // Cleared first: what is armed while the store is asked must not be overwritten by its older answer.
    alarm.set(None);
    alarm.arm(calls.store.next_deadline().await?);
    Ok(())
}
