//! Traces of calls, sent to an OpenTelemetry collector (OTLP, protobuf over HTTP) where one is set. Where none is, a span costs
//! one look at a flag.
//!
//! Spans name routes and operations, and the call; never a token, a body or a session description.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use axum::http::HeaderMap;
use opentelemetry::{
    KeyValue,
    propagation::TextMapPropagator as _,
    trace::{SpanContext, TraceContextExt as _, TraceState},
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use url::Url;

use crate::metrics;

/// How many spans wait to be sent; past it they are lost.
const QUEUE: usize = 2048;
/// How often they are sent.
const SEND_EVERY: Duration = Duration::from_secs(2);
/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a server that goes waits for it.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// The way to the collector.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends spans to the collector at this address, of so many of all traces (0 to 1). By the trace's id alone: a client may give
    /// the id, but cannot have a trace recorded that would not be.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn start(collector: &Url, ratio: f64) -> anyhow::Result<Self> {
        let mut endpoint = collector.clone();
        if let Ok(mut segments) = endpoint.path_segments_mut() {
            segments.pop_if_empty().extend(["v1", "traces"]);
        }
        let exporter =
            opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(endpoint.as_str()).with_timeout(PATIENCE);
        let exporter = Watched { exporter: exporter.build()?, failing: AtomicBool::new(false) };
        let batches = BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_scheduled_delay(SEND_EVERY).build();
        let about = Resource::builder()
            .with_service_name("ringback")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::TraceIdRatioBased(ratio))
            .with_resource(about)
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .build();
        Ok(Self(provider))
    }

    /// What makes spans.
    pub fn tracer(&self) -> opentelemetry_sdk::trace::SdkTracer {
        opentelemetry::trace::TracerProvider::tracer(&self.0, "ringback")
    }

    /// Sends what waits. Not to be called by a task.
    pub fn finish(&self) {
        // A collector that is away has been warned of.
        let _ = self.0.shutdown_with_timeout(LAST_PATIENCE);
    }
}

/// The exporter, which says once that it fails, and once that it does not any more.
#[derive(Debug)]
struct Watched {
    exporter: opentelemetry_otlp::SpanExporter,
    failing: AtomicBool,
}

impl SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        metrics::spans_exported(if sent.is_ok() { "ok" } else { "failed" });
        match (&sent, self.failing.swap(sent.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => tracing::warn!(%error, "traces cannot be sent, and are lost until otlp_endpoint answers"),
            (Ok(()), true) => tracing::info!("traces are sent again"),
            (Err(_), true) | (Ok(()), false) => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The span that the present work belongs to; `None` where it is not traced.
pub fn current() -> Option<SpanContext> {
    let span = Span::current();
    if span.is_none() {
        return None;
    }
    Some(span.context().span().span_context().clone()).filter(SpanContext::is_valid)
}

/// A span within the present one. What is done for no request, call or message is not traced: it would be noise.
pub fn within(make: impl FnOnce() -> Span) -> Span {
    if Span::current().is_none() { Span::none() } else { make() }
}

/// A span below one of another task; none where there is none.
pub fn child_of(parent: Option<&SpanContext>, make: impl FnOnce() -> Span) -> Span {
    let Some(parent) = parent else { return Span::none() };
    let span = make();
    // Without a collector there is no trace to be part of.
    let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent.clone()));
    span
}

/// Links the present span to another trace: that in which the call began.
pub fn link(to: Option<&SpanContext>) {
    if let (Some(to), Some(present)) = (to, current())
        && to.trace_id() != present.trace_id()
    {
        Span::current().add_link(to.clone());
    }
}

/// Makes a span part of the trace that a client's `traceparent` names (W3C Trace Context). `tracestate` is left behind: it would
/// go on to the homeserver, and only its vendor knows what is in it.
pub fn adopt(span: &Span, headers: &HeaderMap) {
    if span.is_none() {
        return;
    }
    let context = TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &HeaderExtractor(headers));
    let remote = context.span().span_context().clone();
    if remote.is_valid() {
        let parent = SpanContext::new(remote.trace_id(), remote.span_id(), remote.trace_flags(), true, TraceState::default());
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
    }
}

/// Tells whom we ask which trace it is for.
pub fn pass_on(headers: &mut HeaderMap) {
    let span = Span::current();
    if !span.is_none() {
        TraceContextPropagator::new().inject_context(&span.context(), &mut HeaderInjector(headers));
    }
}
