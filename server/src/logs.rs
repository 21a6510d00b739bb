//! The log: lines of text or of JSON on standard error; and the way of spans to the collector of traces.
//!
//! A line that is written while something is done about a call has the call's id, whoever writes it.

use std::fmt;

use tracing::{Event, Level, Metadata, Subscriber, field::Field};
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
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
    let lines = match config.log_format {
        LogFormat::Text => lines.fmt_fields(WithCall).boxed(),
        LogFormat::Json => lines.fmt_fields(JsonFields::new()).event_format(WithCall).boxed(),
    };
    let traces = config.otlp_endpoint.as_ref().map(|url| Traces::start(url, config.trace_ratio)).transpose()?;
    let spans = traces.as_ref().map(|traces| {
        let layer = OpenTelemetryLayer::new(traces.tracer()).with_location(false).with_threads(false).with_target(false);
        let filter = filter_fn(|metadata| *metadata.level() <= Level::INFO && is_ours(metadata));
        layer.with_tracked_inactivity(false).with_filter(filter.with_max_level_hint(LevelFilter::INFO))
    });
    let lines =
        lines.with_filter(filter.and(filter_fn(|line| !line.is_span() && (*line.level() <= Level::WARN || is_ours(line)))));
    tracing_subscriber::registry().with(spans).with(lines).try_init()?;
    Ok(traces)
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
