//! When the sleeper over the deadlines must wake.

use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// It looks at least this often, in case the clock was set.
const AT_LEAST: Duration = Duration::from_secs(10);
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

    /// What is due next, as the store says.
    pub fn set(&self, deadline: Option<Timestamp>) {
        *self.next.lock() = deadline;
    }

    /// How long the sleeper may sleep.
    pub fn sleep(&self, now: Timestamp) -> Duration {
        let next = *self.next.lock();
        next.map_or(AT_LEAST, |next| Duration::try_from(next.duration_since(now)).unwrap_or_default().min(AT_LEAST))
    }

    /// For how long the earliest deadline has been over.
    pub fn overdue(&self, now: Timestamp) -> Duration {
        let next = *self.next.lock();
        next.and_then(|next| Duration::try_from(now.duration_since(next)).ok()).unwrap_or_default()
    }

    /// Waits until something is due earlier than was known.
    pub async fn rung(&self) {
        self.earlier.notified().await;
    }
}
