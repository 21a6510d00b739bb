//! What is counted and measured. Other modules say what has happened, by the functions below; names, labels, buckets and
//! descriptions are in the [list](METRICS) alone. A label never holds an id of a user, a call, a room or a device.
//!
//! What happens for each signal is one atomic addition to a counter that was looked up once ([`Hot`]).

mod known;
mod list;

use std::{
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ::metrics::{Counter, Label as Pair, counter, gauge, histogram};
use call::{
    call::{Call, CallType, EndReason, Status},
    wire::{Delivery, SignalKind},
};
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use known::{counted, measured};
use list::{Kind, Label, METRICS};

/// How often what histograms were given is put into their buckets; until then each value takes memory.
pub const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The most events that waited for one socket since the last scrape.
static OUTBOX_PEAK: AtomicUsize = AtomicUsize::new(0);

/// Where there is a recorder.
static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count. Everything that can be named beforehand is there from the start, with 0: what never happens shows too, and a
/// rate sees the first time.
pub fn install() -> PrometheusHandle {
    let start = || {
        let mut builder = PrometheusBuilder::new();
        for metric in METRICS {
            if let Kind::Histogram(bounds) = metric.kind {
                let matcher = Matcher::Full(metric.name.to_owned());
                builder = builder.set_buckets_for_metric(matcher, bounds).unwrap_or_else(|_| unreachable!("it has bounds"));
            }
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Another recorder there cannot be: this is the one place that sets one.
        let _ = ::metrics::set_global_recorder(recorder);
        describe();
        handle
    };
    // A second server in one process (tests) goes on counting with the first one's.
    HANDLE.get_or_init(start).clone()
}

fn describe() {
    for metric in METRICS {
        let (name, help) = (metric.name, metric.help);
        match metric.kind {
            Kind::Counter => ::metrics::describe_counter!(name, help),
            Kind::Gauge => ::metrics::describe_gauge!(name, help),
            Kind::Histogram(_) => ::metrics::describe_histogram!(name, help),
        }
        for labels in combinations(metric.labels) {
            match metric.kind {
                Kind::Counter => counter!(name, labels).increment(0),
                Kind::Gauge => gauge!(name, labels).set(0),
                Kind::Histogram(_) => drop(histogram!(name, labels)),
            }
        }
    }
    metrics_process::Collector::default().describe();
}

/// Every combination of the labels' values; none where a label's values are not known beforehand.
fn combinations(labels: &[Label]) -> Vec<Vec<Pair>> {
    labels.iter().fold(vec![Vec::new()], |before, Label(name, values)| {
        let with = |known: &Vec<Pair>, value: &'static str| [known.as_slice(), &[Pair::from_static_parts(name, value)]].concat();
        before.iter().flat_map(|known| values.iter().map(move |value| with(known, value))).collect()
    })
}

/// Counters for what happens with every frame.
struct Hot {
    offers: Counter,
    answers: Counter,
    candidates: Counter,
    kept: Counter,
}

static HOT: LazyLock<Hot> = LazyLock::new(|| Hot {
    offers: counter!(list::SIGNALS, "kind" => SignalKind::Offer.event()),
    answers: counter!(list::SIGNALS, "kind" => SignalKind::Answer.event()),
    candidates: counter!(list::SIGNALS, "kind" => SignalKind::Candidate.event()),
    kept: counter!(list::SIGNALS_KEPT),
});

/// What runs.
pub fn running(database: &'static str) {
    gauge!(list::BUILD_INFO, "version" => env!("CARGO_PKG_VERSION"), "database" => database).set(1);
}

/// A call is stored.
pub fn call_started(kind: CallType) {
    counted(list::CALLS_STARTED, &[("type", type_of(kind))]).increment(1);
}

/// A call rang: who was reached.
pub fn rang(delivery: Delivery) {
    counted(list::RINGS, &[("delivery", "live")]).increment(delivery.live as u64);
    counted(list::RINGS, &[("delivery", "pending")]).increment(delivery.pending as u64);
}

/// An `incoming-call` is in a device's outbox.
pub fn ring_sent() {
    counted(list::RINGS_SENT, &[]).increment(1);
}

/// An `incoming-call` is written to a device's socket, so long after it was asked for.
pub fn ring_written(after: Duration) {
    measured(list::RING_SECONDS, &[]).record(after);
}

/// A call has become active.
pub fn call_answered(call: &Call) {
    counted(list::CALLS_ANSWERED, &[("type", type_of(call.kind))]).increment(1);
    if let Some(at) = call.started_at() {
        measured(list::ANSWER_SECONDS, &[("type", type_of(call.kind))]).record(seconds(at.duration_since(call.created_at)));
    }
}

/// A call is over.
pub fn call_over(call: &Call, reason: EndReason) {
    let outcome = match (call.started_at(), call.status()) {
        (Some(_), _) => "answered",
        (None, Status::Rejected) => "rejected",
        (None, Status::Missed) => "missed",
        (None, Status::Ringing | Status::Active | Status::Ended) => "cancelled",
    };
    let (kind, reason) = (type_of(call.kind), reason_of(reason));
    counted(list::CALLS_ENDED, &[("type", kind), ("outcome", outcome), ("reason", reason)]).increment(1);
    if let (Some(since), Some(at)) = (call.started_at(), call.ended_at()) {
        measured(list::TALK_SECONDS, &[("type", kind)]).record(seconds(at.duration_since(since)));
    }
}

/// A signal was accepted.
pub fn signal(kind: SignalKind) {
    match kind {
        SignalKind::Offer => HOT.offers.increment(1),
        SignalKind::Answer => HOT.answers.increment(1),
        SignalKind::Candidate => HOT.candidates.increment(1),
    }
}

/// A signal waits for a receiver.
pub fn signal_kept() {
    HOT.kept.increment(1);
}

/// So many events wait for one socket.
pub fn outbox_holds(events: usize) {
    // Mostly it is no new peak, and a look is cheaper than a write that every core must see.
    if events > OUTBOX_PEAK.load(Ordering::Relaxed) {
        OUTBOX_PEAK.fetch_max(events, Ordering::Relaxed);
    }
}

/// A device has registered. `resumed`: it has got all that it missed; `asked`: it wanted to resume.
pub fn registered(resumed: bool, asked: bool) {
    let session = match (resumed, asked) {
        (true, _) => "resumed",
        (false, true) => "lost",
        (false, false) => "new",
    };
    counted(list::REGISTERED, &[("session", session)]).increment(1);
}

/// A plain WebSocket is open. Those of Socket.IO are counted at each scrape, for they may change from polling to WebSocket.
pub fn websocket_opened() {
    gauge!(list::SOCKETS, "transport" => "websocket").increment(1);
}

/// A plain WebSocket is not open any more.
pub fn websocket_gone() {
    gauge!(list::SOCKETS, "transport" => "websocket").decrement(1);
}

/// A connection has ended.
pub fn socket_closed(transport: &'static str, why: &'static str) {
    counted(list::SOCKETS_CLOSED, &[("transport", transport), ("why", why)]).increment(1);
}

/// Something was refused.
pub fn refused(transport: &'static str, errcode: &str) {
    counted(list::REFUSALS, &[("transport", transport), ("errcode", errcode)]).increment(1);
}

/// A user has started too much.
pub fn rate_limited(limit: &'static str) {
    counted(list::RATE_LIMITED, &[("limit", limit)]).increment(1);
}

/// An HTTP request was answered. `took`: absent where it means nothing.
pub fn http_answered(method: &'static str, route: &str, status: u16, took: Option<Duration>) {
    if let Some(took) = took {
        measured(list::HTTP_SECONDS, &[("method", method), ("route", route)]).record(took);
    }
    counted(list::HTTP_REQUESTS, &[("method", method), ("route", route), ("status", &status.to_string())]).increment(1);
}

/// The homeserver was asked.
pub fn homeserver_asked(request: &'static str, outcome: &'static str, took: Duration) {
    counted(list::HOMESERVER_REQUESTS, &[("request", request), ("outcome", outcome)]).increment(1);
    measured(list::HOMESERVER_SECONDS, &[("request", request)]).record(took);
}

/// The database was asked.
pub fn store_asked(operation: &'static str, failed: bool, took: Duration) {
    measured(list::STORE_SECONDS, &[("operation", operation)]).record(took);
    if failed {
        counted(list::STORE_ERRORS, &[("operation", operation)]).increment(1);
    }
}

/// So many writes were committed together.
pub fn committed(writes: usize) {
    measured(list::STORE_BATCH, &[]).record(as_float(writes));
}

/// What was due then was done now.
pub fn timer_settled(due: Timestamp, now: Timestamp) {
    measured(list::TIMER_SECONDS, &[]).record(seconds(now.duration_since(due)));
}

/// What is due could not be done.
pub fn timer_failed() {
    counted(list::TIMER_FAILURES, &[]).increment(1);
}

/// A list of ICE servers was made.
pub fn ice_made(turn: &'static str) {
    counted(list::ICE, &[("turn", turn)]).increment(1);
}

/// Spans were sent, or could not be.
pub fn spans_exported(outcome: &'static str) {
    counted(list::TRACE_EXPORTS, &[("outcome", outcome)]).increment(1);
}

/// How things stand when Prometheus asks.
#[derive(Default)]
pub struct Standing {
    /// Calls that ring.
    pub ringing: usize,
    /// Calls that somebody has answered.
    pub active: usize,
    /// Signals that wait.
    pub waiting: usize,
    /// Their bytes.
    pub waiting_bytes: usize,
    /// Sessions with a connection.
    pub attached: usize,
    /// Sessions without.
    pub absent: usize,
    /// Socket.IO connections by WebSocket.
    pub by_websocket: usize,
    /// Socket.IO connections by polling.
    pub by_polling: usize,
    /// Requests to the homeserver under way.
    pub asking: usize,
    /// What waits for the store, by queue.
    pub queues: Vec<(&'static str, usize)>,
    /// For how long something has been due.
    pub overdue: Duration,
}

impl Standing {
    /// Sets the gauges, those of the process too.
    pub fn show(&self) {
        gauge!(list::CALLS_LIVE, "state" => "ringing").set(as_float(self.ringing));
        gauge!(list::CALLS_LIVE, "state" => "active").set(as_float(self.active));
        gauge!(list::SIGNALS_WAITING).set(as_float(self.waiting));
        gauge!(list::SIGNALS_WAITING_BYTES).set(as_float(self.waiting_bytes));
        gauge!(list::SESSIONS, "state" => "attached").set(as_float(self.attached));
        gauge!(list::SESSIONS, "state" => "absent").set(as_float(self.absent));
        gauge!(list::SOCKETS, "transport" => "socketio_websocket").set(as_float(self.by_websocket));
        gauge!(list::SOCKETS, "transport" => "socketio_polling").set(as_float(self.by_polling));
        gauge!(list::HOMESERVER_UNDER_WAY).set(as_float(self.asking));
        for (queue, waiting) in &self.queues {
            gauge!(list::STORE_QUEUE, "queue" => *queue).set(as_float(*waiting));
        }
        gauge!(list::TIMERS_OVERDUE).set(self.overdue.as_secs_f64());
        gauge!(list::OUTBOX_PEAK).set(as_float(OUTBOX_PEAK.swap(0, Ordering::Relaxed)));
        metrics_process::Collector::default().collect();
    }
}

fn type_of(kind: CallType) -> &'static str {
    match kind {
        CallType::Voice => "voice",
        CallType::Video => "video",
    }
}

fn reason_of(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Hangup => "hangup",
        EndReason::Cancelled => "cancelled",
        EndReason::Rejected => "rejected",
        EndReason::Timeout => "timeout",
        EndReason::Disconnected => "disconnected",
    }
}

/// Of clocks that were set back in between nothing is known: 0.
fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs_f64().max(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a float; nobody has 2^52 devices")]
fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

    use super::{list::Metric, *};

    /// The table of `docs/monitoring.md`.
    fn table() -> String {
        let row = |Metric { name, kind, labels, help }: &Metric| {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            let label = |Label(name, values): &Label| {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                if values.is_empty() { format!("`{name}`") } else { format!("`{name}`: {}", values.join(", ")) }
            };
            let labels: Vec<String> = labels.iter().map(label).collect();
            format!("| `{name}` | {kind} | {} | {help} |\n", labels.join("; "))
        };
        METRICS.iter().map(row).collect()
    }

    #[test]
    fn the_page_has_exactly_these_metrics() {
        let page = include_str!("../../../docs/monitoring.md");
        let rows = page.lines().filter(|line| line.starts_with("| `ringback_"));
        let told = rows.fold(String::new(), |mut told, row| {
            let _ = writeln!(told, "{row}");
            told
        });
        assert!(told == table(), "put this table into docs/monitoring.md:\n{}", table());
    }

    #[test]
    fn names_follow_the_conventions() {
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len(), "a name stands twice");
        for Metric { name, kind, help, labels } in METRICS {
            assert!(name.starts_with("ringback_") && help.ends_with('.') && !help.contains('|'), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            if let Kind::Histogram(bounds) = kind {
                assert!(bounds.is_sorted() && (name.ends_with("_seconds") || name.ends_with("_size")), "{name}");
            }
            for Label(label, _) in *labels {
                assert!(
                    !["user", "call", "call_id", "room", "device", "session_id"].contains(label),
                    "{name}: {label} has no bound"
                );
            }
        }
    }

    /// Elsewhere a metric could be made that is in no list.
    #[test]
    fn nothing_else_makes_metrics() {
        fn look(folder: &Path) {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    look(&entry);
                } else if !entry.starts_with(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/metrics")) {
                    let text = fs::read_to_string(&entry).unwrap();
                    for made in ["counter!(", "gauge!(", "histogram!("] {
                        assert!(!text.contains(made), "{} makes a metric: use a function of metrics", entry.display());
                    }
                }
            }
        }
        look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    }

    #[test]
    fn what_can_be_named_beforehand_is_there_from_the_start() {
        let shown = install().render();
        for Metric { name, labels, .. } in METRICS {
            let is_open = labels.iter().any(|Label(_, values)| values.is_empty());
            assert_eq!(shown.contains(&format!("# HELP {name} ")), !is_open, "{name}");
        }
        assert!(shown.contains(r#"ringback_calls_ended_total{type="voice",outcome="missed",reason="timeout"} 0"#), "{shown}");
    }
}
