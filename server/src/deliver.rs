//! What follows a stored change: who is told, what the room and the log say. One exhaustive match.

use std::sync::Arc;

use call::{
    call::{Call, Effect, EndReason, Ender, Handled, Media},
    ids::{AccessToken, DeviceId, UserId},
    wire::{Delivery, ServerEvent, Toggled},
};
use jiff::Timestamp;
use serde_json::json;
use tracing::Span;

use crate::{
    bus::{Acting, Bus, Parcel, Reached, Ring},
    clock,
    hub::{Sent, Session},
    journal::{Journal, Told},
    metrics,
    notices::Notices,
    store::{Transition, word},
    traces,
};

/// Carries out effects.
pub struct Deliver {
    /// The way to the devices.
    pub bus: Bus,
    /// The way to the rooms.
    pub notices: Notices,
    /// What the operator may ask for later.
    pub journal: Journal,
}

impl Deliver {
    /// Tells everyone of a change that is stored.
    pub fn carry_out(
        &self,
        call: &Arc<Call>,
        effects: &[Effect],
        acting: Option<&Acting>,
        caller_token: impl Fn() -> Option<AccessToken>,
    ) {
        let _span = span(call).entered();
        for effect in effects {
            log(call, effect);
            if let Effect::Over { .. } = effect {
                self.notices.leave(call.clone(), caller_token());
            }
            for parcel in parcels(call, effect, acting) {
                let reached = self.bus.publish(&parcel, clock::now());
                self.note(call, effect, &reached);
            }
        }
    }

    /// The caller's devices show the call now.
    pub fn begun(&self, call: &Call) {
        let parcel = Parcel::Show { call: call.id.clone(), user: call.caller.clone() };
        self.bus.publish(&parcel, clock::now());
    }

    /// The connection of a device that is in the call shows it.
    pub fn shows(&self, call: &Call, user: &UserId, acting: Acting) {
        let parcel = Parcel::Enter { call: call.id.clone(), user: user.clone(), acting };
        self.bus.publish(&parcel, clock::now());
    }

    /// A device that was in the call is back without what it knew: the others negotiate with it anew.
    pub fn entered_anew(&self, call: &Call, user: &UserId, device: &DeviceId, acting: &Acting) {
        let entered = Effect::Entered { user: user.clone(), device: device.clone(), to: call.others(user, device) };
        for parcel in parcels(call, &entered, Some(acting)) {
            self.bus.publish(&parcel, clock::now());
        }
    }

    /// Rings one session of this node.
    pub fn ring_one(&self, session: &Session, call: &Call, until: Timestamp, busy: bool) {
        let Bus::InProcess(node) = &self.bus;
        let now = clock::now();
        if node.ring(session, &ring_of(call, until, busy), now, None) == Some(Sent::Live) {
            self.journal.notified(&call.id, &session.user, &session.device, Told::Registered, now);
        }
    }

    /// Rings, and says who of so many was reached. Somebody who is not told for reasons of their own counts as waiting.
    pub fn ring(&self, call: &Call, effects: &[Effect], rung: usize) -> Delivery {
        let _span = span(call).entered();
        let mut delivery = Delivery::default();
        for effect in effects {
            for parcel in parcels(call, effect, None) {
                let reached = self.bus.publish(&parcel, clock::now());
                self.note(call, effect, &reached);
                delivery.live += usize::from(!reached.devices.is_empty());
                delivery.devices += reached.devices.len();
            }
        }
        delivery.pending = rung.saturating_sub(delivery.live);
        delivery
    }

    /// Keeps for the operator which devices ring.
    fn note(&self, call: &Call, effect: &Effect, reached: &Reached) {
        let Effect::Ring { user, .. } = effect else { return };
        let now = clock::now();
        for device in &reached.devices {
            self.journal.notified(&call.id, user, device, Told::Connected, now);
        }
        for device in &reached.away {
            self.journal.notified(&call.id, user, device, Told::Away, now);
        }
        if reached.devices.is_empty() && reached.away.is_empty() {
            self.journal.pending(&call.id, user, now);
        }
    }
}

fn span(call: &Call) -> Span {
    traces::within(|| tracing::info_span!("deliver", call_id = %call.id))
}

/// What an incoming call is for somebody who is rung until then.
fn ring_of(call: &Call, until: Timestamp, busy: bool) -> Ring {
    Ring {
        call: call.id.clone(),
        kind: call.kind,
        room: call.room.clone(),
        caller: call.caller.clone(),
        caller_name: call.caller_name.clone(),
        created_at: call.created_at,
        expires_at: until,
        busy,
    }
}

fn parcels(call: &Call, effect: &Effect, acting: Option<&Acting>) -> Vec<Parcel> {
    let call_id = call.id.clone();
    let tell_caller = |event| Parcel::TellUser { user: call.caller.clone(), event };
    match effect {
        Effect::Ring { user, until, busy } => {
            vec![Parcel::Ring { user: user.clone(), ring: ring_of(call, *until, *busy) }]
        }
        Effect::Busy { user, to } => {
            let event = ServerEvent::CalleeBusy { call_id, user_id: user.clone() };
            vec![Parcel::TellUser { user: to.clone(), event }]
        }
        Effect::Answered { by } => vec![tell_caller(ServerEvent::CallAnswered {
            call_id,
            answered_by: by.clone(),
            room_id: call.room.clone(),
            call_type: call.kind,
        })],
        Effect::Rejected { by, reason } => {
            vec![tell_caller(ServerEvent::CallRejected { call_id, rejected_by: by.clone(), reason: reason.clone() })]
        }
        Effect::HandledElsewhere { user, action } => handled_elsewhere(call, user, *action, acting),
        Effect::Entered { user, device, to } => {
            let acting = acting.cloned().unwrap_or_else(|| Acting { device: device.clone(), session: None });
            let event = ServerEvent::UserJoined { call_id: call_id.clone(), user_id: user.clone(), device_id: device.clone() };
            vec![
                Parcel::Enter { call: call_id.clone(), user: user.clone(), acting },
                Parcel::TellDevices { call: call_id, devices: to.clone(), event },
            ]
        }
        Effect::Exited { user, device, gone, to } => {
            let event = ServerEvent::UserLeft { call_id: call_id.clone(), user_id: user.clone(), device_id: device.clone() };
            // A device that goes by another's doing, or was away for too long, must hear of it itself.
            let (ended_by, reason) = match acting {
                Some(_) => (Ender::User(user.clone()), EndReason::Hangup),
                None => (Ender::System, EndReason::Disconnected),
            };
            let ended = ServerEvent::CallEnded { call_id: call_id.clone(), ended_by, reason };
            let of = Some(device.clone()).filter(|_| !gone);
            vec![
                Parcel::Stop {
                    call: call_id.clone(),
                    user: user.clone(),
                    device: of.clone(),
                    but: acting.cloned(),
                    event: ended,
                },
                Parcel::Exit { call: call_id.clone(), user: user.clone(), device: of },
                Parcel::TellDevices { call: call_id, devices: to.clone(), event },
            ]
        }
        Effect::Toggled { user, media, enabled, to } => {
            let toggled = Toggled { call_id: call_id.clone(), user_id: user.clone(), enabled: *enabled };
            let event = match media {
                Media::Audio => ServerEvent::AudioToggled(toggled),
                Media::Video => ServerEvent::VideoToggled(toggled),
                Media::Screen => ServerEvent::ScreenToggled(toggled),
            };
            vec![Parcel::TellDevices { call: call_id, devices: to.clone(), event }]
        }
        Effect::StopRinging { users, reason } => stop(call, users, &Ender::System, *reason),
        Effect::Over { by, reason, users } => stop(call, users, by, *reason),
    }
}

fn handled_elsewhere(call: &Call, user: &UserId, action: Handled, acting: Option<&Acting>) -> Vec<Parcel> {
    let event = ServerEvent::CallHandledElsewhere { call_id: call.id.clone(), action };
    let mut parcels = vec![Parcel::Stop { call: call.id.clone(), user: user.clone(), device: None, but: acting.cloned(), event }];
    if action == Handled::Rejected {
        parcels.push(Parcel::Exit { call: call.id.clone(), user: user.clone(), device: None });
    }
    parcels
}

fn stop(call: &Call, users: &[UserId], by: &Ender, reason: EndReason) -> Vec<Parcel> {
    let event = ServerEvent::CallEnded { call_id: call.id.clone(), ended_by: by.clone(), reason };
    let parcel =
        |user: &UserId| Parcel::Stop { call: call.id.clone(), user: user.clone(), device: None, but: None, event: event.clone() };
    users.iter().map(parcel).collect()
}

fn log(call: &Call, effect: &Effect) {
    let call_id = &call.id;
    match effect {
        Effect::Ring { .. } => {}
        Effect::Busy { user, .. } => tracing::info!(%call_id, %user, "is in another call"),
        Effect::Answered { by } => tracing::info!(%call_id, user = %by, "answered"),
        Effect::Rejected { by, .. } => tracing::info!(%call_id, user = %by, "rejected"),
        Effect::HandledElsewhere { user, .. } => tracing::debug!(%call_id, %user, "handled on one device"),
        Effect::Entered { user, device, .. } => tracing::info!(%call_id, %user, %device, "device came in"),
        Effect::Exited { user, device, .. } => tracing::info!(%call_id, %user, %device, "device went"),
        Effect::Toggled { user, media, enabled, .. } => tracing::debug!(%call_id, %user, ?media, enabled, "toggled"),
        Effect::StopRinging { users, reason } => {
            tracing::info!(%call_id, ?users, reason = word(reason), "stopped ringing for some");
        }
        Effect::Over { by, reason: over, .. } => {
            let (status, reason) = (word(call.status()), word(over));
            tracing::info!(%call_id, by = by.as_str(), reason, status, "call is over");
            metrics::call_over(call, *over);
        }
    }
}

/// The rows of `call_events` for effects: one a transition.
pub fn transitions(effects: &[Effect]) -> Vec<Transition> {
    effects.iter().filter_map(transition).collect()
}

fn transition(effect: &Effect) -> Option<Transition> {
    let row = |user: Option<&UserId>, event_type, metadata| Transition { user: user.cloned(), event_type, metadata };
    Some(match effect {
        Effect::Ring { user, .. } => row(Some(user), "invited", json!({})),
        Effect::Answered { by } => row(Some(by), "answered", json!({})),
        Effect::Rejected { by, reason } => row(Some(by), "rejected", json!({ "reason": reason })),
        // A switch is no transition of the call, and can be flipped at will.
        Effect::Busy { user, .. } => row(Some(user), "busy", json!({})),
        Effect::HandledElsewhere { .. } | Effect::Toggled { .. } => return None,
        Effect::Entered { user, device, .. } => row(Some(user), "joined", json!({ "deviceId": device })),
        Effect::Exited { user, device, .. } => row(Some(user), "left", json!({ "deviceId": device })),
        Effect::StopRinging { users, reason } => row(None, "stopped-ringing", json!({ "users": users.len(), "reason": reason })),
        Effect::Over { by, reason, .. } => {
            let user = match by {
                Ender::User(user) => Some(user),
                Ender::System => None,
            };
            row(user, "ended", json!({ "reason": reason }))
        }
    })
}
