//! What leads from a request to all that is done for it: since when it is under way, and which call it is about. Logs, traces and
//! measurements read it; nothing is decided by it.

use call::ids::CallId;
use opentelemetry::trace::SpanContext;
use tokio::{task::JoinHandle, time::Instant};
use tracing::Instrument as _;

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

/// Like `tokio::spawn`, without losing the trail.
pub fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let work = work.in_current_span();
    match TRAIL.try_with(Trail::clone) {
        Ok(trail) => tokio::spawn(TRAIL.scope(trail, work)),
        Err(_) => tokio::spawn(work),
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
