//! Sentences for people.

use call::{
    call::{CallType, EndReason, Ender, Handled},
    wire::{IncomingCall, ServerEvent},
};
use client::{Event, Received};
use jiff::Timestamp;

use super::book::Book;

/// Voice or video, as a kind of call.
pub fn kind(kind: CallType) -> &'static str {
    match kind {
        CallType::Voice => "voice call",
        CallType::Video => "video call",
    }
}

/// A call that rings.
pub fn ringing(call: &IncomingCall, now: Timestamp) -> String {
    let IncomingCall { caller_name, caller_id, room_id, call_type, .. } = call;
    format!("{caller_name} ({caller_id}) · {} · {room_id} · {} s left", kind(*call_type), seconds_left(call, now))
}

/// The line at the bottom.
pub fn present(book: &Book, typed: Option<&str>, connected: bool, now: Timestamp) -> String {
    if let Some(typed) = typed {
        return format!("Room to call (Enter calls, Esc does not): {typed}");
    }
    if !connected {
        return "Not connected.".to_owned();
    }
    if let Some(call) = book.oldest_ring() {
        return format!("RINGS: {} · a answer · r reject", ringing(call, now));
    }
    let Some((_, talk)) = book.latest_talk() else { return "Waiting for calls.".to_owned() };
    let what = if talk.waiting { "Calling" } else { "In a call:" };
    let muted = if talk.muted { " · muted" } else { "" };
    format!("{what} {} · {}{muted} · h hang up · m mute", talk.room, kind(talk.kind))
}

/// An event that came; nothing for those that mean nothing to people.
pub fn event(received: &Received, now: Timestamp) -> String {
    let event = match &received.event {
        Event::Known(event) => event,
        Event::Other(name) => return format!("A message that this phone does not know: {name}"),
    };
    match event {
        ServerEvent::IncomingCall(call) => format!("Incoming: {}", ringing(call, now)),
        ServerEvent::CallAnswered { answered_by, .. } => format!("{answered_by} answered"),
        ServerEvent::CallRejected { rejected_by, reason: Some(reason), .. } => format!("{rejected_by} rejected: {reason}"),
        ServerEvent::CallRejected { rejected_by, reason: None, .. } => format!("{rejected_by} rejected"),
        ServerEvent::CalleeBusy { user_id, .. } => format!("{user_id} is in another call, and is rung all the same"),
        ServerEvent::CallHandledElsewhere { action: Handled::Answered, .. } => "Answered on another device".to_owned(),
        ServerEvent::CallHandledElsewhere { action: Handled::Rejected, .. } => "Rejected on another device".to_owned(),
        ServerEvent::CallEnded { ended_by, reason, .. } => ended(ended_by, *reason),
        ServerEvent::UserJoined { user_id, .. } => format!("{user_id} is in the call"),
        ServerEvent::UserLeft { user_id, .. } => format!("{user_id} has left the call"),
        ServerEvent::Resync { calls } if calls.is_empty() => String::new(),
        ServerEvent::Resync { calls } => format!("The server says that {} call(s) go on", calls.len()),
        ServerEvent::WebrtcOffer { route, .. } => format!("{} offers media (this phone has none)", route.from_user_id),
        ServerEvent::WebrtcAnswer { route, .. } => format!("{} answers with media (this phone has none)", route.from_user_id),
        ServerEvent::AudioToggled(toggled) => format!("{}: microphone {}", toggled.user_id, on_off(toggled.enabled)),
        ServerEvent::VideoToggled(toggled) => format!("{}: camera {}", toggled.user_id, on_off(toggled.enabled)),
        ServerEvent::ScreenToggled(toggled) => format!("{}: shared screen {}", toggled.user_id, on_off(toggled.enabled)),
        ServerEvent::ServerShutdown { .. } => "The server is about to go".to_owned(),
        ServerEvent::CallError(refused) | ServerEvent::Error(refused) => {
            format!("Refused: {} ({})", refused.error.error, refused.error.errcode)
        }
        ServerEvent::Registered { .. } | ServerEvent::IceCandidate { .. } | ServerEvent::Ack(_) => String::new(),
    }
}

fn ended(by: &Ender, reason: EndReason) -> String {
    let by = by.as_str();
    match reason {
        EndReason::Hangup => format!("The call is over: {by} hung up"),
        EndReason::Cancelled => format!("The call is over: {by} cancelled it"),
        EndReason::Rejected => format!("The call is over: {by} rejected it"),
        EndReason::Timeout => "It rings no more: nobody answered in time".to_owned(),
        EndReason::Disconnected => "The call is over: the connection to the others was lost".to_owned(),
    }
}

fn seconds_left(call: &IncomingCall, now: Timestamp) -> f64 {
    call.expires_at.duration_since(now).as_secs_f64().round().max(0.0)
}

fn on_off(enabled: bool) -> &'static str {
    if enabled { "on" } else { "off" }
}
