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

    /// Forgets what was due: the store is asked now, and what is armed meanwhile still counts.
    pub fn clear(&self) {
        *self.next.lock() = None;
    }

    /// What is due next, as the store said. It is the sleeper who asked, and who need not be woken.
    pub fn learn(&self, deadline: Option<Timestamp>) {
        let mut next = self.next.lock();
        *next = [*next, deadline].into_iter().flatten().min();
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// A sleeper that woke itself would ask the database again and again for as long as anything is due.
    #[test]
    fn only_what_is_due_earlier_wakes_the_sleeper() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let alarm = Alarm::default();
        let rings = || alarm.rung().now_or_never().is_some();
        alarm.arm(at(60));
        assert!(rings(), "the first deadline");
        alarm.clear();
        alarm.learn(at(60));
        assert!(!rings(), "what the sleeper has found itself");
        alarm.arm(at(70));
        assert!(!rings(), "a later one");
        alarm.arm(at(50));
        assert!(rings(), "an earlier one");
        alarm.clear();
        alarm.arm(at(40));
        alarm.learn(at(60));
        assert_eq!(alarm.sleep(Timestamp::from_second(39).unwrap()), Duration::from_secs(1), "what was armed meanwhile");
    }
}
