//! Calls, commands and outcomes in words, so that a table reads as the contract does.
//!
//! A row is `who/device | command | outcome | effects`. An outcome is a refusal (`403 NotJoined`, `409 active`), `same` for
//! a call that stays as it was and nobody is told of, or the status and everyone whose part changed. Devices carry what is
//! known of their sockets: `B1` has one, `B1~` may go without, `B1@30` counts as left at second 30. `+bob/B1 to alice/A1`
//! means that bob's device entered and alice's hears of it; `-bob/B1` that it went.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use ringback_call::{
    call::{
        Call, CallType, Command, Effect, Handled, Media, Others, Part, Participant, Presence, Reach, Refusal, Request, State,
        start,
    },
    ids::{CallId, DeviceId, RoomId, UserId},
};

/// All that anyone may ask of a call; each table has a row for each of them.
const COMMANDS: [&str; 10] =
    ["answer", "reject", "join", "leave", "end", "end for all", "invite", "toggle", "connect", "disconnect"];
/// How long a lost device has in these tests, in seconds.
const GRACE: i64 = 20;

pub fn user(name: &str) -> UserId {
    UserId::parse(&format!("@{name}:x")).unwrap()
}

pub fn device(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

/// So many seconds after every call here was started.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn second(time: Timestamp) -> i64 {
    time.as_second() - at(0).as_second()
}

pub fn request(caller: &str, invitees: Option<&[&str]>) -> Request {
    Request {
        room: RoomId::parse("!room:x").unwrap(),
        kind: CallType::Voice,
        caller: user(caller),
        caller_name: "Alice".to_owned(),
        device: device("A1"),
        connected: true,
        invitees: invitees.map(|names| names.iter().map(|name| user(name)).collect()),
        ring_for: SignedDuration::from_secs(60),
    }
}

pub fn members(names: &[&str]) -> BTreeSet<UserId> {
    names.iter().map(|name| user(name)).collect()
}

/// What is known of somebody: `bob?` cannot be told yet, `bob!` is in another call, `bob-` ignores the one who rings.
pub fn reach(name: &str) -> Reach {
    Reach { online: !name.ends_with('?'), busy: name.ends_with('!'), ignores: name.ends_with('-') }
}

/// A voice call of alice's to a whole room, on her connected device A1, that rings these for 60 s.
pub fn ringing(names: &[&str]) -> Call {
    begun(request("alice", None), names).0
}

/// The same, by `curl`: the caller's device has no socket.
pub fn ringing_without_socket(names: &[&str]) -> Call {
    begun(Request { connected: false, ..request("alice", None) }, names).0
}

/// A call in a room of alice and these.
pub fn begun(request: Request, names: &[&str]) -> (Call, Vec<Effect>) {
    let known: BTreeMap<UserId, Reach> =
        names.iter().map(|name| (user(name.trim_end_matches(['?', '!', '-'])), reach(name))).collect();
    let members = known.keys().cloned().chain([user("alice")]).collect();
    start(at(0), CallId::from_random([7; 16]), request, &members, |user| known[user]).unwrap()
}

/// The call after what happened, one line each: `12 bob/B1 answer`, or `60 expire`.
#[track_caller]
pub fn after(mut call: Call, story: &str) -> Call {
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (seconds, what) = line.split_once(' ').unwrap();
        let now = at(seconds.parse().unwrap());
        call =
            if what == "expire" { call.expire(now).0 } else { run(call, now, what).unwrap_or_else(|e| panic!("{line}: {e}")).0 };
    }
    call
}

fn run(call: Call, now: Timestamp, what: &str) -> Result<(Call, Vec<Effect>), Refusal> {
    let (who, command) = what.split_once(' ').unwrap();
    let (name, of_theirs) = who.split_once('/').unwrap();
    call.apply(now, &user(name), command_of(command, device(of_theirs), now))
}

fn command_of(words: &str, device: DeviceId, now: Timestamp) -> Command {
    match words {
        "answer" => Command::Answer { device, connected: true },
        "answer without socket" => Command::Answer { device, connected: false },
        "reject" => Command::Reject { reason: None },
        "reject: busy" => Command::Reject { reason: Some("busy".to_owned()) },
        "join" => Command::Join { device, connected: true },
        "join without socket" => Command::Join { device, connected: false },
        "leave" => Command::Leave { device },
        "end" => Command::End { for_all: false },
        "end for all" => Command::End { for_all: true },
        "invite" => command_of("invite yuri", device, now),
        "toggle" => Command::Toggle { media: Media::Audio, enabled: false },
        "audio on" => Command::Toggle { media: Media::Audio, enabled: true },
        "video on" => Command::Toggle { media: Media::Video, enabled: true },
        "screen on" => Command::Toggle { media: Media::Screen, enabled: true },
        "connect" => Command::Connected { device },
        "disconnect" => Command::Disconnected { device, until: now + SignedDuration::from_secs(GRACE) },
        other => {
            let names = other.strip_prefix("invite ").unwrap_or_else(|| panic!("no such command: {other}"));
            let users = names.split(' ').map(|name| (user(name.trim_end_matches(['?', '!', '-'])), reach(name))).collect();
            Command::Invite { users, until: now + SignedDuration::from_secs(60) }
        }
    }
}

/// Checks each row against a call of its own, and that no command of anyone in the table was forgotten.
#[track_caller]
pub fn table(call: &Call, seconds: i64, rows: &str) {
    let mut seen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let mut cells = row.splitn(3, '|').map(str::trim);
        let (who, command, wanted) = (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
        seen.entry(who).or_default().push(command);
        let outcome = run(call.clone(), at(seconds), &format!("{who} {command}"));
        assert_eq!(told(call, at(seconds), outcome), squeezed(wanted), "{who} | {command}");
    }
    for (who, commands) in seen {
        assert_eq!(commands, COMMANDS, "{who} should have a row for every command");
    }
}

/// Plays a story in which every line says what comes of it: `12 bob/B1 answer | active, … | …`, or `60 expire | …`.
#[track_caller]
pub fn story(mut call: Call, lines: &str) -> Call {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (what, wanted) = line.split_once('|').unwrap();
        let (seconds, what) = what.trim().split_once(' ').unwrap();
        let now = at(seconds.parse().unwrap());
        let before = call.clone();
        let outcome = if what == "expire" { Ok(call.expire(now)) } else { run(call, now, what) };
        call = outcome.as_ref().map_or_else(|_| before.clone(), |(after, _)| after.clone());
        assert_eq!(told(&before, now, outcome), squeezed(wanted), "{line}");
    }
    call
}

fn squeezed(cells: &str) -> String {
    let cells: Vec<String> = cells.split('|').map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    cells.join(" | ").trim_end_matches(" | ").trim_end_matches(" |").to_owned()
}

/// An outcome in words. Times that are not what they should be are said, and so is a version that did not grow by one.
pub fn told(before: &Call, now: Timestamp, outcome: Result<(Call, Vec<Effect>), Refusal>) -> String {
    let (after, effects) = match outcome {
        Ok(change) => change,
        Err(Refusal::State { status, .. }) => return format!("409 {}", format!("{status:?}").to_lowercase()),
        Err(refusal) => return format!("403 {refusal:?}"),
    };
    if after == *before && effects.is_empty() {
        return "same".to_owned();
    }
    let mut words = vec![state(before, &after, now)];
    for (who, participant) in &after.participants {
        if before.participants.get(who) != Some(participant) {
            words.push(format!("{} {}", who.localpart(), standing(before.participants.get(who), participant, now)));
        }
    }
    if after.version != before.version + 1 {
        words.push(format!("version {} after {}", after.version, before.version));
    }
    let effects: Vec<String> = effects.iter().map(effect).collect();
    squeezed(&format!("{} | {}", words.join(", "), effects.join("; ")))
}

fn state(before: &Call, after: &Call, now: Timestamp) -> String {
    let status = format!("{:?}", after.status()).to_lowercase();
    let begun = if before.state == State::Ringing { Some(now) } else { before.started_at() };
    let sound = match &after.state {
        same if *same == before.state => true,
        State::Ringing => false,
        State::Active { since } => Some(*since) == begun,
        State::Ended { since, at, .. } => *at == now && *since == before.started_at(),
        State::Rejected { at, .. } | State::Missed { at } => *at == now,
    };
    if sound { status } else { format!("{status} with wrong times {:?}", after.state) }
}

fn standing(before: Option<&Participant>, participant: &Participant, now: Timestamp) -> String {
    let came = before.and_then(|p| if let Part::Joined { since, .. } = &p.part { Some(*since) } else { None });
    let (words, sound) = match &participant.part {
        Part::Invited { until } => (format!("invited{}", rest(*until)), true),
        Part::Ringing { until } => (format!("ringing{}", rest(*until)), true),
        Part::Joined { since, devices, .. } => {
            let devices: Vec<String> = devices.iter().map(|(device, presence)| of_socket(device, *presence)).collect();
            (format!("joined {}", devices.join(" ")), *since == came.unwrap_or(now))
        }
        Part::Left { since, at } => ("left".to_owned(), *at == now && Some(*since) == came),
        Part::Rejected { at } => ("rejected".to_owned(), *at == now),
        Part::Missed { at } => ("missed".to_owned(), *at == now),
    };
    let wrong = if sound { String::new() } else { format!(" with wrong times {:?}", participant.part) };
    let media = [
        (!participant.audio, " without sound"),
        (participant.video, " with picture"),
        (participant.screen, " with screen"),
        (participant.muted, " unaware"),
    ];
    let media: String = media.into_iter().filter_map(|(on, word)| on.then_some(word)).collect();
    words + &media + &wrong
}

/// Until when somebody rings; 60 s from the start of the call go without saying.
fn rest(until: Timestamp) -> String {
    if until == at(60) { String::new() } else { format!("@{}", second(until)) }
}

fn of_socket(device: &DeviceId, presence: Presence) -> String {
    match presence {
        Presence::Connected => device.to_string(),
        Presence::Awaited => format!("{device}~"),
        Presence::Until(time) => format!("{device}@{}", second(time)),
    }
}

/// An effect in words.
pub fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Ring { user, until, busy } => {
            let busy = if *busy { " though busy" } else { "" };
            format!("ring {}{}{busy}", user.localpart(), rest(*until))
        }
        Effect::Busy { user, to } => format!("{} hears that {} is busy", to.localpart(), user.localpart()),
        Effect::Answered { by } => format!("answered by {}", by.localpart()),
        Effect::Rejected { by, reason: None } => format!("rejected by {}", by.localpart()),
        Effect::Rejected { by, reason: Some(reason) } => format!("rejected by {}: {reason}", by.localpart()),
        Effect::HandledElsewhere { user, action: Handled::Answered } => format!("{} answered elsewhere", user.localpart()),
        Effect::HandledElsewhere { user, action: Handled::Rejected } => format!("{} rejected elsewhere", user.localpart()),
        Effect::Entered { user, device, to } => format!("+{}/{device} to {}", user.localpart(), those(to)),
        Effect::Exited { user, device, to, gone: _ } => format!("-{}/{device} to {}", user.localpart(), those(to)),
        Effect::Toggled { user, media, enabled, to } => {
            let on = if *enabled { "on" } else { "off" };
            format!("{} {} {on} to {}", user.localpart(), format!("{media:?}").to_lowercase(), those(to))
        }
        Effect::StopRinging { users, reason } => {
            format!("stop ringing, {}: {}", format!("{reason:?}").to_lowercase(), names(users))
        }
        Effect::Over { by, reason, users } => {
            let by = UserId::parse(by.as_str()).map_or("system".to_owned(), |user| user.localpart().to_owned());
            format!("over by {by}, {}: {}", format!("{reason:?}").to_lowercase(), names(users))
        }
    }
}

fn names(users: &[UserId]) -> String {
    users.iter().map(UserId::localpart).collect::<Vec<_>>().join(" ")
}

fn those(others: &Others) -> String {
    let words: Vec<String> = others.iter().map(|(user, device)| format!("{}/{device}", user.localpart())).collect();
    if words.is_empty() { "nobody".to_owned() } else { words.join(" ") }
}
