//! Every metric there is: its name, its labels, what it means. What is not in this list does not exist.

/// A metric.
pub struct Metric {
    /// Its name, by Prometheus' conventions: the unit in the name, `_total` at the end of a counter.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [Label],
    /// The `HELP` text.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows, from 0 at each start.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many were at most so large, for each of these bounds.
    Histogram(&'static [f64]),
}

/// A label, and the values that it has. Those of a label without any are few too, but not known here: routes, statuses.
pub struct Label(pub &'static str, pub &'static [&'static str]);

const TYPE: Label = Label("type", &["voice", "video"]);
const TRANSPORT: Label = Label("transport", &["websocket", "socket.io"]);
const OPERATION: Label = Label(
    "operation",
    &[
        "create",
        "update",
        "load",
        "live",
        "live_of_user",
        "due",
        "next_deadline",
        "find_key",
        "set_delivery",
        "forget_keys",
        "ping",
        "add_notes",
        "look_back",
        "mark_seen",
        "forget_calls",
        "forget_user",
        "records",
    ],
);
const REQUEST: Label = Label(
    "request",
    &["whoami", "joined_members", "display_name", "turn_server", "ignored_users", "room_encryption", "send_notice"],
);

/// From a hand-over in memory to a homeserver that hangs, in seconds.
const LATENCY: Kind = Kind::Histogram(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]);
/// How long people let it ring, in seconds.
const PATIENCE: Kind = Kind::Histogram(&[1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0]);
/// How long people talk, in seconds.
const TALK: Kind = Kind::Histogram(&[5.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0]);
/// How much is done together.
const BATCH: Kind = Kind::Histogram(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:expr, [$($label:expr),*], $help:literal;)*) => {
        $(pub(super) const $constant: &str = $name;)*

        /// Every metric of our own; `metrics-process` adds those of the process.
        pub const METRICS: &[Metric] = &[$(Metric { name: $name, kind: $kind, labels: &[$($label),*], help: $help },)*];
    };
}

metrics! {
    CALLS_STARTED = "ringback_calls_started_total", Kind::Counter, [TYPE], "Calls that were stored and began to ring.";
    CALLS_ANSWERED = "ringback_calls_answered_total", Kind::Counter, [TYPE], "Calls that got their first answer.";
    CALLS_ENDED = "ringback_calls_ended_total", Kind::Counter,
        [
            TYPE,
            Label("outcome", &["answered", "missed", "rejected", "cancelled"]),
            Label("reason", &["hangup", "cancelled", "rejected", "timeout", "disconnected"])
        ],
        "Calls that are over. Outcome: answered (somebody talked), missed, rejected, or cancelled before anyone answered; \
         reason: as in the event call-ended.";
    CALLS_LIVE = "ringback_calls_live", Kind::Gauge, [Label("state", &["ringing", "active"])], "Calls that are not over.";
    ANSWER_SECONDS = "ringback_call_answer_seconds", PATIENCE, [TYPE], "From the start of a call to its first answer.";
    TALK_SECONDS = "ringback_call_duration_seconds", TALK, [TYPE], "From the first answer of a call to its end.";
    RINGS = "ringback_rings_total", Kind::Counter, [Label("delivery", &["live", "pending"])],
        "Users rung by calls that began: at once on a connected device (live), or when they connect (pending).";
    RINGS_SENT = "ringback_rings_sent_total", Kind::Counter, [],
        "Events incoming-call put into the outbox of a connected device at once when a call rang it.";
    RING_SECONDS = "ringback_ring_latency_seconds", LATENCY, [],
        "From the head of the request that rings (initiate, invite) to when incoming-call was written to the socket of a device; \
         one for each device. By Socket.IO: handed to the connection's writer.";
    SIGNALS = "ringback_signals_relayed_total", Kind::Counter,
        [Label("kind", &["webrtc-offer", "webrtc-answer", "ice-candidate"])],
        "Signals that were accepted and handed on or kept.";
    SIGNALS_KEPT = "ringback_signals_kept_total", Kind::Counter, [],
        "Signals put to wait for a user who has not joined, or for a device without a connection; one for each receiver.";
    SIGNALS_WAITING = "ringback_signals_waiting", Kind::Gauge, [], "Signals that wait now.";
    SIGNALS_WAITING_BYTES = "ringback_signals_waiting_bytes", Kind::Gauge, [], "Bytes of signals that wait now.";
    SESSIONS = "ringback_sessions", Kind::Gauge, [Label("state", &["attached", "absent"])],
        "Registered sessions of devices: with a connection, or within the grace period without one.";
    REGISTERED = "ringback_registrations_total", Kind::Counter, [Label("session", &["new", "resumed", "lost"])],
        "Devices that registered: with a new session, with one resumed, or with a new one since theirs could not be resumed.";
    SOCKETS = "ringback_sockets", Kind::Gauge,
        [Label("transport", &["websocket", "socketio_websocket", "socketio_polling"])], "Open connections of clients.";
    SOCKETS_CLOSED = "ringback_sockets_closed_total", Kind::Counter,
        [TRANSPORT, Label("why", &["client", "policy", "too_big", "too_slow", "resumed", "restart"])],
        "Connections that ended: by the client or the network, or closed from here, and why. too_slow: a slow reader, which may \
         resume.";
    OUTBOX_PEAK = "ringback_outbox_peak_events", Kind::Gauge, [],
        "The most events that waited for one connection's socket since the last scrape; at 1024 it is closed.";
    REFUSALS = "ringback_refusals_total", Kind::Counter,
        [Label("transport", &["http", "websocket", "socket.io"]), Label("errcode", &[])],
        "Requests and messages that were refused, by the errcode of the answer.";
    RATE_LIMITED = "ringback_rate_limited_total", Kind::Counter, [Label("limit", &["calls", "attempts"])],
        "Calls and invitations refused since their user had started too many (calls), or tried too often (attempts).";
    HTTP_REQUESTS = "ringback_http_requests_total", Kind::Counter,
        [Label("method", &[]), Label("route", &[]), Label("status", &[])],
        "HTTP requests of clients, by the template of the route.";
    HTTP_SECONDS = "ringback_http_request_duration_seconds", LATENCY, [Label("method", &[]), Label("route", &[])],
        "How long HTTP requests took; without those of Socket.IO, which wait by design.";
    HOMESERVER_REQUESTS = "ringback_homeserver_requests_total", Kind::Counter,
        [REQUEST, Label("outcome", &["ok", "refused", "slow", "away"])],
        "Requests to the homeserver. refused: a bad token, not a member, no such thing; slow: over 5 s; away: refuses the \
         connection, fails or talks nonsense.";
    HOMESERVER_SECONDS = "ringback_homeserver_request_duration_seconds", LATENCY, [REQUEST],
        "How long requests to the homeserver took, with their retries and the wait for their turn.";
    HOMESERVER_UNDER_WAY = "ringback_homeserver_requests_in_flight", Kind::Gauge, [],
        "Requests to the homeserver under way now; at 64 more have to wait.";
    STORE_SECONDS = "ringback_store_operation_duration_seconds", LATENCY, [OPERATION],
        "How long operations of the database took, the wait for their turn and the flush to disk included.";
    STORE_ERRORS = "ringback_store_errors_total", Kind::Counter, [OPERATION], "Operations of the database that failed.";
    STORE_BATCH = "ringback_store_commit_batch_size", BATCH, [], "Writes that were committed together (SQLite).";
    STORE_QUEUE = "ringback_store_queue", Kind::Gauge, [Label("queue", &["writer", "reader", "pool"])],
        "Operations that wait: for SQLite's writer or reader, or for a connection of PostgreSQL's pool.";
    TIMER_SECONDS = "ringback_timer_lateness_seconds", LATENCY, [],
        "By how much what was due (ring timeouts, grace periods) was done late.";
    TIMERS_OVERDUE = "ringback_timer_overdue_seconds", Kind::Gauge, [],
        "For how long the earliest deadline has been over without being dealt with; 0 where none has.";
    TIMER_FAILURES = "ringback_timer_failures_total", Kind::Counter, [],
        "Attempts to do what was due that failed; tried again every second.";
    ICE = "ringback_ice_servers_total", Kind::Counter, [Label("turn", &["own", "homeserver", "none"])],
        "Lists of ICE servers made for a user: with TURN of the settings, with the homeserver's, or with STUN alone.";
    TRACE_EXPORTS = "ringback_trace_exports_total", Kind::Counter, [Label("outcome", &["ok", "failed"])],
        "Batches of spans sent to otlp_endpoint; what could not be sent is lost.";
    BUILD_INFO = "ringback_build_info", Kind::Gauge, [Label("version", &[]), Label("database", &[])],
        "Always 1; its labels say what runs.";
}
