//! What leads from a request to all that is done for it: since when it is under way, and which call it is about. Logs, traces and
//! measurements read it; nothing is decided by it.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use call::ids::CallId;
use futures_util::FutureExt as _;
use opentelemetry::trace::SpanContext;
use tokio::{runtime::Handle, time::Instant};
use tracing::{Instrument as _, Span};

use crate::{metrics, traces};

tokio::task_local! {
    static TRAIL: Trail;
}

#[derive(Clone)]
struct Trail {
    since: Instant,
    call: Option<CallId>,
}

/// Follows a request that has come just now, and may be about a call.
pub fn begin<F: Future>(call: Option<CallId>, work: F) -> impl Future<Output = F::Output> + use<F> {
    TRAIL.scope(Trail { since: Instant::now(), call }, work)
}

/// Follows what is done about a call.
pub fn about<F: Future>(call: &CallId, work: F) -> impl Future<Output = F::Output> + use<F> {
    TRAIL.scope(Trail { since: since().unwrap_or_else(Instant::now), call: Some(call.clone()) }, work)
}

/// Does work to its end, even if whoever asked goes away. It runs in their task, for one of its own would cost a wake-up each way;
/// where they go, one of its own takes over, on the same trail.
///
/// # Errors
/// What it panicked with.
pub fn to_its_end<F>(work: F) -> impl Future<Output = thread::Result<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    ToItsEnd { work: Some(work), trail: TRAIL.try_with(Trail::clone).ok(), span: Span::current() }
}

struct ToItsEnd<F: Future<Output: Send> + Send + 'static> {
    work: Option<Pin<Box<F>>>,
    trail: Option<Trail>,
    span: Span,
}

impl<F: Future<Output: Send> + Send> Future for ToItsEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let output = ready!(work.as_mut().poll(context));
        self.work = None;
        Poll::Ready(output)
    }
}

impl<F: Future<Output: Send> + Send> Drop for ToItsEnd<F> {
    fn drop(&mut self) {
        // There is none where the process ends.
        let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) else { return };
        let work = work.instrument(self.span.clone());
        match self.trail.take() {
            Some(trail) => drop(runtime.spawn(TRAIL.scope(trail, work))),
            None => drop(runtime.spawn(work)),
        }
    }
}

/// The call that the present work is about.
pub fn call() -> Option<CallId> {
    TRAIL.try_with(|trail| trail.call.clone()).ok().flatten()
}

fn since() -> Option<Instant> {
    TRAIL.try_with(|trail| trail.since).ok()
}

/// The way of an event that rings, to the socket.
#[derive(Debug, Clone)]
pub struct Ringing {
    call: CallId,
    since: Instant,
    parent: Option<SpanContext>,
}

impl Ringing {
    /// One that sets out now, if it was asked for by a request.
    pub fn set_out(call: &CallId) -> Option<Self> {
        Some(Self { call: call.clone(), since: since()?, parent: traces::current() })
    }

    /// Sees it written.
    pub async fn watch<T, E>(&self, write: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let span = traces::child_of(
            self.parent.as_ref(),
            || tracing::info_span!("socket incoming-call", otel.kind = "producer", call_id = %self.call),
        );
        let written = write.instrument(span).await?;
        metrics::ring_written(self.since.elapsed());
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::poll;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_after_its_asker_has_gone_away() {
        let id = CallId::from_random([1; 16]);
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let mut asked = Box::pin(about(&id, async {
            to_its_end(async move {
                may_go_on.await.expect("it is told");
                tell.send(call()).expect("somebody listens");
            })
            .await
        }));
        assert!(poll!(&mut asked).is_pending());
        drop(asked);
        go_on.send(()).expect("the work waits for it");
        let told = tokio::time::timeout(Duration::from_secs(5), told).await.expect("it is done");
        assert_eq!(told, Ok(Some(id)), "on the trail that it was begun on");
    }

    #[tokio::test]
    async fn what_panics_breaks_off_alone() {
        let outcome = to_its_end(async { panic!("on purpose") }).await;
        let said = outcome.expect_err("it broke off");
        assert_eq!(said.downcast_ref(), Some(&"on purpose"));
    }
}
