//! The log: lines of text or of JSON on standard error; and the way of spans to the collector of traces.
//!
//! A line that is written while something is done about a call has the call's id, whoever writes it.

use std::fmt;

use tracing::{Dispatch, Event, Level, Metadata, Subscriber, field::Field};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    EnvFilter, Layer,
    field::{RecordFields, Visit},
    filter::{FilterExt as _, LevelFilter, filter_fn},
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{DefaultFields, Format, Json, JsonFields, Writer},
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::{
    config::{Config, LogFormat},
    traces::Traces,
    trail,
};

/// The field that names the call.
const CALL: &str = "call_id";

/// Begins to log, and to send traces where the settings say so.
///
/// # Errors
/// Where `log` is no filter, or the way to the collector cannot be made.
pub fn start(config: &Config) -> anyhow::Result<Option<Traces>> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| anyhow::anyhow!("log: {error}"))?;
    let traces = config.otlp_endpoint.as_ref().map(|url| Traces::start(url, config.trace_ratio)).transpose()?;
    subscriber(filter, config.log_format, traces.as_ref()).try_init()?;
    Ok(traces)
}

/// Lines do not see spans, and without a collector nobody does: then none is made.
fn subscriber(filter: EnvFilter, format: LogFormat, traces: Option<&Traces>) -> Dispatch {
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
    let lines = match format {
        LogFormat::Text => lines.fmt_fields(WithCall).boxed(),
        LogFormat::Json => lines.fmt_fields(JsonFields::new()).event_format(WithCall).boxed(),
    };
    // Without the hint libraries that use `log` would hand over each of their lines, to be thrown away here: tungstenite has several
    // for each frame.
    let most = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let heard = filter_fn(|line| !line.is_span() && (*line.level() <= Level::WARN || is_ours(line))).with_max_level_hint(most);
    let lines = lines.with_filter(filter.and(heard));
    // A layer that is `None` would have every span made.
    let Some(traces) = traces else { return tracing_subscriber::registry().with(lines).into() };
    let spans = OpenTelemetryLayer::new(traces.tracer()).with_location(false).with_threads(false).with_target(false);
    let filter = filter_fn(|metadata| *metadata.level() <= Level::INFO && is_ours(metadata));
    let spans = spans.with_tracked_inactivity(false).with_filter(filter.with_max_level_hint(LevelFilter::INFO));
    tracing_subscriber::registry().with(lines).with(spans).into()
}

/// Whatever is asked for, the libraries that see frames, headers and rows are not heard: there are secrets in them.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("ringback")
}

/// Adds the call that the present work is about, where a line does not name it itself.
struct WithCall;

impl<'writer> FormatFields<'writer> for WithCall {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut names = NamesCall(false);
        fields.record(&mut names);
        DefaultFields::new().format_fields(writer.by_ref(), fields)?;
        match trail::call() {
            Some(call) if !names.0 => write!(writer, " {CALL}={call}"),
            Some(_) | None => Ok(()),
        }
    }
}

impl<S, N> FormatEvent<S, N> for WithCall
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        let json: Format<Json> = Format::default().json().flatten_event(true).with_current_span(false).with_span_list(false);
        json.format_event(context, Writer::new(&mut line), event)?;
        match (trail::call(), event.metadata().fields().field(CALL), line.trim_end().strip_suffix('}')) {
            (Some(call), None, Some(open)) => writeln!(writer, "{open},\"{CALL}\":\"{call}\"}}"),
            _ => writer.write_str(&line),
        }
    }
}

/// Whether a field names the call.
struct NamesCall(bool);

impl Visit for NamesCall {
    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.0 |= field.name() == CALL;
    }
}

#[cfg(test)]
mod tests {
    use tracing::{Span, debug_span, dispatcher::with_default, info_span};

    use super::*;

    fn made(traces: Option<&Traces>, make: impl FnOnce() -> Span) -> bool {
        with_default(&subscriber(EnvFilter::new("trace"), LogFormat::Text, traces), || !make().is_disabled())
    }

    #[test]
    fn without_a_collector_no_span_is_made() {
        assert!(!made(None, || info_span!("one")));
        // Nothing listens there, and nothing is sent.
        let traces = Traces::start(&"http://127.0.0.1:9".parse().unwrap(), 1.0).unwrap();
        assert!(made(Some(&traces), || info_span!("another")));
        assert!(!made(Some(&traces), || debug_span!("a third")), "what is for developers alone");
        assert!(!made(Some(&traces), || info_span!(target: "hyper", "a library's")), "what libraries see may be secret");
    }
}
