//! What hardly ever happens, beside what happens often.
//!
//! A task that waits for several things asks each of them whenever it runs: timers and the end of the server with every frame. These
//! are asked only when they have called.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use parking_lot::Mutex;

/// Waits for what hardly ever happens.
pub struct Seldom {
    called: Arc<Called>,
    /// The task that waits, as it was told last.
    task: Option<Waker>,
}

/// Whether to ask.
struct Called {
    is: AtomicBool,
    /// Stays when it is woken, for it is not told again each time.
    task: Mutex<Option<Waker>>,
}

impl Seldom {
    /// What has not been asked yet is asked the first time.
    pub fn new() -> Self {
        Self { called: Arc::new(Called { is: AtomicBool::new(true), task: Mutex::default() }), task: None }
    }

    /// Waits until `ask` says that something has happened. It is called again only after its waker was; after it has said so, too,
    /// for what it asks may be another thing then.
    pub async fn wait<T>(&mut self, mut ask: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let Self { called, task } = self;
        poll_fn(|context| {
            if !task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
                *called.task.lock() = Some(context.waker().clone());
                *task = Some(context.waker().clone());
            }
            if !called.is.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            called.is.store(false, Ordering::Release);
            let asked = ask(&mut Context::from_waker(&Waker::from(called.clone())));
            if asked.is_ready() {
                called.is.store(true, Ordering::Release);
            }
            asked
        })
        .await
    }
}

impl Wake for Called {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is.store(true, Ordering::Release);
        if let Some(task) = &*self.task.lock() {
            task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, pin::pin};

    use futures_util::FutureExt as _;
    use tokio::{
        sync::Notify,
        time::{Duration, sleep},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_asked_when_it_has_called_and_not_before() {
        let (mut seldom, asked) = (Seldom::new(), Cell::new(0));
        let mut timer = pin!(sleep(Duration::from_secs(5)));
        let mut wait = async || {
            let ask = |context: &mut Context<'_>| {
                asked.set(asked.get() + 1);
                timer.as_mut().poll(context)
            };
            seldom.wait(ask).await;
        };
        for _ in 0..10 {
            assert_eq!(wait().now_or_never(), None);
        }
        assert_eq!(asked.get(), 1);
        tokio::time::timeout(Duration::from_secs(6), wait()).await.unwrap();
        assert_eq!(asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_happened_is_asked_anew() {
        let mut seldom = Seldom::new();
        let mut timer = pin!(sleep(Duration::from_secs(5)));
        for _ in 0..3 {
            tokio::time::timeout(Duration::from_secs(6), seldom.wait(|context| timer.as_mut().poll(context))).await.unwrap();
            timer.as_mut().reset(tokio::time::Instant::now() + Duration::from_secs(5));
        }
    }

    #[tokio::test]
    async fn a_call_from_another_thread_while_it_is_asked_is_not_lost() {
        let (mut seldom, notify) = (Seldom::new(), Arc::new(Notify::new()));
        for _ in 0..10_000 {
            let far = notify.clone();
            let calling = tokio::task::spawn_blocking(move || far.notify_one());
            let mut notified = pin!(notify.notified());
            let waiting = seldom.wait(|context| notified.as_mut().poll(context));
            tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap();
            calling.await.unwrap();
        }
    }
}
