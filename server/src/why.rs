//! `ringback doctor --why`: from the records of a call, why it did or did not ring for somebody, device by device.

use std::{fmt::Write as _, io::Write as _, path::Path};

use anyhow::Context as _;
use call::{
    call::{Call, EndReason, Ender, Part, Participant, State},
    ids::UserId,
};
use jiff::Timestamp;

use crate::{
    config::{DatabaseUrl, Value as _},
    doctor::DoctorArgs,
    store::{Record, Store, word},
};

/// Looks the call up, and tells.
///
/// # Errors
/// Where the database cannot be opened, or has no such call or user.
pub async fn run(args: &DoctorArgs) -> anyhow::Result<()> {
    let id = args.why.as_ref().context("--why names a call")?;
    let url = database_url(args)?;
    if let DatabaseUrl::Sqlite(path) = &url {
        anyhow::ensure!(path.exists(), "there is no database {}: say where it is with --database-url", path.display());
    }
    let store = Store::open(&url).await?;
    let unknown =
        || format!("there is no call {id} here: it was never started, or is forgotten (history_days, `ringback forget`)");
    let call = store.load(id).await?.with_context(unknown)?;
    let records = store.records(id).await?;
    let who: Vec<&UserId> = match &args.user {
        Some(user) => vec![user],
        None => call.participants.keys().filter(|user| **user != call.caller).collect(),
    };
    let stories: Vec<Story> = who.into_iter().map(|user| Story::of(&call, &records, user)).collect();
    let mut out = std::io::stdout();
    if args.json {
        let stories: Vec<_> = stories.iter().map(Story::json).collect();
        writeln!(out, "{}", serde_json::json!({ "callId": id, "call": heading(&call), "users": stories }))?;
    } else {
        writeln!(out, "{}", heading(&call))?;
        for story in stories {
            writeln!(out, "\n{story}")?;
        }
    }
    Ok(())
}

fn database_url(args: &DoctorArgs) -> anyhow::Result<DatabaseUrl> {
    let text = match (&args.database_url, &args.config) {
        (Some(url), _) => url.clone(),
        (None, Some(file)) => from_settings(file)?,
        (None, None) => std::env::var("RINGBACK_DATABASE_URL").unwrap_or_else(|_| DEFAULT.to_owned()),
    };
    DatabaseUrl::parse(&text).map_err(|why| anyhow::anyhow!("database_url {why}"))
}

const DEFAULT: &str = "sqlite://ringback.db";

fn from_settings(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let settings: toml::Table = text.parse().with_context(|| file.display().to_string())?;
    Ok(settings.get("database_url").and_then(|url| url.as_str()).unwrap_or(DEFAULT).to_owned())
}

fn heading(call: &Call) -> String {
    let Call { id, caller, room, created_at, expires_at, .. } = call;
    let end = match &call.state {
        State::Ringing => "it rings".to_owned(),
        State::Active { since } => format!("answered {}, and goes on", after(call, *since)),
        State::Ended { since, at, by, reason } => {
            let answered = since.map(|since| format!("answered {}, ", after(call, since))).unwrap_or_default();
            format!("{answered}ended {} by {} ({})", after(call, *at), by.as_str(), word(reason))
        }
        State::Rejected { at, by } => format!("rejected {} by {}", after(call, *at), by.as_str()),
        State::Missed { at } => format!("missed {}: nobody answered in time", after(call, *at)),
    };
    let seconds = expires_at.duration_since(*created_at).as_secs();
    format!("Call {id}: {} by {caller} in {room}, {created_at}, to ring for {seconds} s; {end}.", word(call.kind))
}

/// How long after the call began.
fn after(call: &Call, at: Timestamp) -> String {
    format!("after {:.1} s", at.duration_since(call.created_at).as_secs_f32())
}

/// What is told of one user.
struct Story {
    user: UserId,
    verdict: String,
    /// What happened, in order.
    lines: Vec<String>,
}

impl Story {
    fn of(call: &Call, records: &[Record], user: &UserId) -> Self {
        let mine: Vec<&Record> = records.iter().filter(|record| record.user.as_ref() == Some(user)).collect();
        let lines = mine.iter().filter_map(|record| line(call, record)).collect();
        Self { user: user.clone(), verdict: verdict(call, &mine, user), lines }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({ "userId": self.user, "verdict": self.verdict, "events": self.lines })
    }
}

impl std::fmt::Display for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.user, self.verdict)?;
        self.lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

fn line(call: &Call, record: &Record) -> Option<String> {
    let text = |key: &str| record.metadata[key].as_str().unwrap_or_default();
    let device = text("deviceId");
    let what = match record.event_type.as_str() {
        "invited" => "was called".to_owned(),
        "busy" => "was in another call: the ring said so, and the caller was told".to_owned(),
        "pending" => "no device was connected: the call waited for one".to_owned(),
        "notified" => match text("was") {
            "registered" => format!("device {device} registered, and was told to ring"),
            "away" => format!("device {device} had just lost its connection: the ring waited for it to resume"),
            _ => format!("device {device} was connected, and was told to ring"),
        },
        "connection-lost" => format!("device {device} lost its last connection"),
        "answered" => "answered".to_owned(),
        "joined" => format!("device {device} came in"),
        "left" => format!("device {device} went"),
        "rejected" if text("reason").is_empty() => "rejected".to_owned(),
        "rejected" => format!("rejected ({})", text("reason").escape_debug()),
        // The call's end stands at the head.
        _ => return None,
    };
    let mut line = String::new();
    let _ = write!(line, "{:>8.3} s  {what}", record.at.duration_since(call.created_at).as_secs_f64());
    Some(line)
}

fn verdict(call: &Call, mine: &[&Record], user: &UserId) -> String {
    if *user == call.caller {
        return "is the caller, and is not rung".to_owned();
    }
    let Some(participant) = call.participants.get(user) else {
        return "was not called: not a joined member of the room when it began, or not among its `invitees`; or was forgotten since".to_owned();
    };
    if participant.muted {
        return "did not ring: ignores the caller in Matrix (m.ignored_user_list), who was not told so".to_owned();
    }
    let told = |how: Option<&str>| {
        let is = |record: &&&Record| record.event_type == "notified" && how.is_none_or(|how| record.metadata["was"] == how);
        mine.iter().filter(is).count()
    };
    let (at_once, later, away) = (told(Some("connected")), told(Some("registered")), told(Some("away")));
    if told(None) > away {
        let devices = match (at_once, later) {
            (_, 0) => format!("{at_once} device(s) at once"),
            (0, _) => format!("{later} device(s) that registered meanwhile, none at once"),
            _ => format!("{at_once} device(s) at once, {later} that registered meanwhile"),
        };
        return format!(
            "rang on {devices}; {}. If a device stayed silent, it is the app, or its connection was dead",
            outcome(call, participant)
        );
    }
    if away > 0 {
        return format!(
            "{away} device(s) had just lost their connection, and none came back in time; {}",
            outcome(call, participant)
        );
    }
    if mine.iter().any(|record| record.event_type == "pending") {
        return format!(
            "rang nowhere: no device was connected, and none registered while it rang; {}. The app was closed, or could not reach the \
             socket: run `ringback doctor` from its network",
            outcome(call, participant)
        );
    }
    format!("the records do not say which devices rang (a crash, or an older version, kept none); {}", outcome(call, participant))
}

/// How it came out for a user.
fn outcome(call: &Call, participant: &Participant) -> String {
    let ended = match &call.state {
        State::Ended { by: Ender::User(by), reason: EndReason::Cancelled, .. } => format!("; {by} took the call back"),
        State::Ended { reason: EndReason::Disconnected, .. } => "; the caller lost the connection".to_owned(),
        State::Ringing | State::Active { .. } | State::Ended { .. } | State::Rejected { .. } | State::Missed { .. } => {
            String::new()
        }
    };
    match &participant.part {
        Part::Invited { until } | Part::Ringing { until } => format!("it rings until {until}"),
        Part::Joined { since, .. } => format!("came in {}", after(call, *since)),
        Part::Left { since, at } => format!("came in {}, left {}", after(call, *since), after(call, *at)),
        Part::Rejected { at } => format!("rejected {}", after(call, *at)),
        Part::Missed { at } => format!("missed {}{ended}", after(call, *at)),
    }
}
