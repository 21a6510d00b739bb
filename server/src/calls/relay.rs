//! Handing signals on. No SQL on this path: the call is in memory while it lives.

use std::{collections::HashMap, sync::Arc};

use super::{
    Calls,
    live::{Kept, Receiver, Roster},
};
use crate::{auth::Identity, error::ApiError, hub::Event, metrics};
use call::{
    call::{Call, Part, Refusal},
    ids::{CallId, DeviceId, UserId},
    signal::{Waiting, route},
    wire::{Signal, SignalKind, Target},
};

impl Calls {
    /// Hands an offer, an answer or a candidate to those it is for, or keeps it for them. The sender is who has proved to be.
    /// `is_replaced`: whether the sender has come back on another connection, and says there again what was not acknowledged here.
    ///
    /// # Errors
    /// 403, 404, 409; 503 for a connection that is replaced; 429 where no more can wait for somebody: the others have got it then.
    pub async fn relay(
        &self,
        who: &Identity,
        id: &CallId,
        signal: &Signal,
        is_replaced: impl Fn() -> bool,
    ) -> Result<(), ApiError> {
        let live = self.find(id).await?;
        let mut roster = live.roster();
        // Asked while nobody else hands on: a signal of the earlier connection can not come behind one of the later.
        if is_replaced() {
            return Err(ApiError::replaced());
        }
        let Roster { call, waiting, .. } = &mut *roster;
        let receivers = route(call, &who.user, &signal.target)?;
        let event = Arc::new(write(who, id, signal));
        let mut full = Ok(());
        for user in receivers {
            let sent = self.hand_on(call, waiting, user, signal, &event);
            full = full.and(sent);
        }
        metrics::signal(signal.kind);
        full
    }

    /// To the user's devices in the call. It waits for somebody who has not joined, and for a device without a connection; and it
    /// waits behind what waits already.
    fn hand_on(
        &self,
        call: &Call,
        waiting: &mut HashMap<Receiver, Waiting<Kept>>,
        user: &UserId,
        signal: &Signal,
        event: &Arc<Event>,
    ) -> Result<(), ApiError> {
        let keep = |waiting: &mut HashMap<Receiver, Waiting<Kept>>, device: Option<&DeviceId>| {
            let kept = Kept { device: signal.target_device.clone(), event: event.clone() };
            let behind = waiting.entry((user.clone(), device.cloned())).or_default();
            behind.push(kept, event.text.len()).inspect(|()| metrics::signal_kept())
        };
        let waits = |waiting: &HashMap<Receiver, Waiting<Kept>>, device: Option<&DeviceId>| {
            // Mostly nothing waits for anybody, and no key need be made.
            let before = (!waiting.is_empty()).then(|| waiting.get(&(user.clone(), device.cloned())));
            before.flatten().is_some_and(|before| !before.is_empty())
        };
        let Some(Part::Joined { devices, .. }) = call.participants.get(user).map(|p| &p.part) else {
            return Ok(keep(waiting, None)?);
        };
        let is_target = |device: &&DeviceId| signal.target_device.as_ref().is_none_or(|target| target == *device);
        let mut targets = devices.keys().filter(is_target).peekable();
        if targets.peek().is_none() {
            return Err(Refusal::NoSuchTarget.into());
        }
        if waits(waiting, None) {
            return Ok(keep(waiting, None)?);
        }
        for device in targets {
            if waits(waiting, Some(device)) || !self.hub.send_where_shown(&call.id, user, device, event) {
                keep(waiting, Some(device))?;
            }
        }
        Ok(())
    }
}

/// About how many bytes there are around the ids and what the browser gave.
const AROUND: usize = 160;

/// What the receivers are told: where it comes from, and what the browser gave, verbatim. Signals are most of what goes out, so it is
/// written into one string at once.
fn write(who: &Identity, id: &CallId, signal: &Signal) -> Event {
    let name = signal.kind.event();
    let field = match signal.kind {
        SignalKind::Offer => "offer",
        SignalKind::Answer => "answer",
        SignalKind::Candidate => "candidate",
    };
    let target = match &signal.target {
        Target::All => "all",
        Target::User(user) => user.as_str(),
    };
    let (user, device, payload) = (who.user.as_str(), who.device.as_str(), signal.payload.get());
    let mut text = String::with_capacity(AROUND + user.len() + device.len() + target.len() + payload.len());
    for part in ["{\"type\":\"", name, "\",\"callId\":\"", id.as_str()] {
        text.push_str(part);
    }
    for (part, id) in [("\",\"fromUserId\":", user), (",\"fromDeviceId\":", device), (",\"targetUserId\":", target)] {
        text.push_str(part);
        push_quoted(&mut text, id);
    }
    for part in [",\"", field, "\":", payload, "}"] {
        text.push_str(part);
    }
    Event::of(name, text)
}

/// As a JSON string. Hardly any id has something to escape.
fn push_quoted(text: &mut String, id: &str) {
    if id.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        text.push_str(&serde_json::to_string(id).unwrap_or_else(|_| unreachable!("an id is plain data")));
    } else {
        text.push('"');
        text.push_str(id);
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use call::wire::ServerEvent;

    use super::*;

    #[test]
    fn a_signal_is_written_as_the_contract_says() -> Result<(), Box<dyn std::error::Error>> {
        for (user, device) in [("@alice:x", "PHONE"), ("@al\"ice\\:x", "Alice's \"phone\" \\ 2 – ü")] {
            let (user, device) = (UserId::parse(user)?, DeviceId::parse(device)?);
            let who = Identity { user: user.clone(), device: device.clone(), token: None };
            let payload = r#"{"candidate":"candidate:1 \"x\"","sdpMid":"0"}"#;
            for kind in [SignalKind::Offer, SignalKind::Answer, SignalKind::Candidate] {
                for target in [Target::All, Target::User(user.clone())] {
                    let payload = serde_json::value::RawValue::from_string(payload.to_owned())?;
                    let signal = Signal { kind, payload, target: target.clone(), target_device: None };
                    let event = write(&who, &CallId::from_random([7; 16]), &signal);
                    let told: ServerEvent = serde_json::from_str(&event.text)?;
                    assert_eq!(told.name(), kind.event());
                    assert_eq!(Event::new(&told).text, event.text);
                }
            }
        }
        Ok(())
    }
}
