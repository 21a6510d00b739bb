//! Handing signals on. No SQL on this path: the call is in memory while it lives.

use std::sync::Arc;

use call::{
    call::{Part, Refusal},
    ids::{CallId, DeviceId, UserId},
    signal::route,
    wire::{Signal, SignalKind, Target},
};
use serde::Serialize;

use super::{
    Calls,
    live::{Kept, Receiver, Roster},
};
use crate::{
    auth::Identity,
    error::ApiError,
    hub::{Event, Session},
    metrics,
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
        let call = roster.call.clone();
        let receivers = route(&call, &who.user, &signal.target)?;
        let event = Arc::new(write(who, id, signal));
        let mut full = Ok(());
        for user in receivers {
            let sent = self.hand_on(&mut roster, user, signal, &event);
            full = full.and(sent);
        }
        metrics::signal(signal.kind);
        full
    }

    /// To the user's devices in the call. It waits for somebody who has not joined, and for a device without a connection; and it
    /// waits behind what waits already.
    fn hand_on(&self, roster: &mut Roster, user: &UserId, signal: &Signal, event: &Arc<Event>) -> Result<(), ApiError> {
        let any = (user.clone(), None);
        let keep = |roster: &mut Roster, receiver: Receiver| {
            let kept = Kept { device: signal.target_device.clone(), event: event.clone() };
            roster.waiting.entry(receiver).or_default().push(kept, event.text.len()).inspect(|()| metrics::signal_kept())
        };
        let waits =
            |roster: &Roster, receiver: &Receiver| roster.waiting.get(receiver).is_some_and(|waiting| !waiting.is_empty());
        let devices: Vec<DeviceId> = match roster.call.participants.get(user).map(|p| &p.part) {
            Some(Part::Joined { devices, .. }) => devices.keys().cloned().collect(),
            _ => return Ok(keep(roster, any)?),
        };
        let is_target = |device: &&DeviceId| signal.target_device.as_ref().is_none_or(|target| target == *device);
        let mut targets = devices.iter().filter(is_target).peekable();
        if targets.peek().is_none() {
            return Err(Refusal::NoSuchTarget.into());
        }
        if waits(roster, &any) {
            return Ok(keep(roster, any)?);
        }
        for device in targets {
            let receiver = (user.clone(), Some(device.clone()));
            let sessions = if waits(roster, &receiver) { Vec::new() } else { self.showing(roster, user, device) };
            if sessions.is_empty() {
                keep(roster, receiver)?;
            }
            for session in sessions {
                session.send(event);
            }
        }
        Ok(())
    }

    fn showing(&self, roster: &Roster, user: &UserId, device: &DeviceId) -> Vec<Arc<Session>> {
        let is_meant = |session: &Arc<Session>| session.device == *device && session.shows(&roster.call.id);
        self.hub.sessions(user).into_iter().filter(is_meant).collect()
    }
}

/// How many bytes there are around what the browser gave.
const PAYLOAD_NEEDS: usize = ",\"candidate\":}".len();

/// A signal's way, as its receivers are told; what the browser gave follows it verbatim.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Route<'a> {
    #[serde(rename = "type")]
    name: &'static str,
    call_id: &'a CallId,
    from_user_id: &'a UserId,
    from_device_id: &'a DeviceId,
    target_user_id: &'a Target,
}

fn write(who: &Identity, id: &CallId, signal: &Signal) -> Event {
    let name = signal.kind.event();
    let field = match signal.kind {
        SignalKind::Offer => "offer",
        SignalKind::Answer => "answer",
        SignalKind::Candidate => "candidate",
    };
    let route = Route { name, call_id: id, from_user_id: &who.user, from_device_id: &who.device, target_user_id: &signal.target };
    let mut text = serde_json::to_string(&route).unwrap_or_else(|_| unreachable!("ids are plain data"));
    text.pop();
    text.reserve_exact(PAYLOAD_NEEDS + signal.payload.get().len());
    for part in [",\"", field, "\":", signal.payload.get(), "}"] {
        text.push_str(part);
    }
    Event::of(name, text)
}
