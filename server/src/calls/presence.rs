//! Devices that come and go.

use std::sync::Arc;

use call::{
    call::{Call, Command, Part, Participant},
    ids::{DeviceId, UserId},
    wire::{ResyncCall, ResyncParticipant, ServerEvent},
};
use tokio::sync::OwnedMutexGuard;

use super::{Actor, Calls, LiveCall};
use crate::{
    auth::Identity,
    clock,
    error::ApiError,
    hub::{Event, Session},
    store::times_of,
};

impl Calls {
    /// A device has registered: it hears the state of its calls, and rings with what still rings. `resumed`: it has got all that it
    /// missed; `asked`: it wanted to resume, and could not.
    ///
    /// # Errors
    /// 503: then the device must register again.
    pub async fn arrived(
        self: &Arc<Self>,
        who: &Arc<Identity>,
        session: &Arc<Session>,
        resumed: bool,
        asked: bool,
    ) -> Result<(), ApiError> {
        let calls = self.store.live_of_user(&who.user).await?;
        let mut turns = Vec::new();
        let mut ids: Vec<_> = calls.into_iter().map(|call| call.id).collect();
        ids.sort();
        for id in ids {
            let live = self.find(&id).await?;
            let turn = live.turn.clone().lock_owned().await;
            turns.push((live, turn));
        }
        let changed = self.tell_state(session, &turns, resumed, asked);
        drop(turns);
        for call in changed {
            let user = who.user.clone();
            if call.rings(&user) {
                self.change(call.id.clone(), None, move |call| {
                    let told = call.clone().told(&user);
                    Ok((told.unwrap_or(call), Vec::new()))
                })
                .await?;
            } else {
                let actor = Actor { who: who.clone(), session: Some(session.id.clone()) };
                self.command(actor, call.id.clone(), Command::Connected { device: who.device.clone() }).await?;
            }
        }
        Ok(())
    }

    /// Says how the calls stand. Their turns are held, so nothing changes before it is said. Gives back the calls to which the
    /// device matters.
    fn tell_state(
        &self,
        session: &Arc<Session>,
        turns: &[(Arc<LiveCall>, OwnedMutexGuard<()>)],
        resumed: bool,
        asked: bool,
    ) -> Vec<Arc<Call>> {
        let calls = || turns.iter().map(|(live, _)| live.call());
        let mine: Vec<Arc<Call>> = calls().filter(|call| call.rings(&session.user) || is_joined(call, &session.user)).collect();
        if !resumed && (asked || !mine.is_empty()) {
            let calls = mine.iter().map(|call| resync_call(call)).collect();
            session.send_state(Event::new(&ServerEvent::Resync { calls }));
        }
        for call in &mine {
            if let Some(until) = call.rung_until(&session.user) {
                self.deliver.ring_one(session, call, until, self.live.is_busy(&session.user, &call.id));
            } else if !resumed {
                session.set_shows(&call.id, true);
            }
        }
        mine.into_iter().filter(|call| call.rings(&session.user) || has_device(call, &session.user, &session.device)).collect()
    }

    /// A device has no connection any more: in each call that it is in, its grace period begins.
    pub async fn departed(self: &Arc<Self>, user: &UserId, device: &DeviceId) {
        let until = clock::now() + self.grace;
        for session in self.hub.sessions(user).iter().filter(|session| session.device == *device) {
            for id in session.shown() {
                self.deliver.journal.lost(&id, user, device, clock::now());
            }
        }
        for id in self.live.with_user(user) {
            let (by, its, hub) = (user.clone(), device.clone(), self.hub.clone());
            let decide = move |call: Call| {
                // It may have come back before this was its turn.
                if hub.is_connected(&by, &its) {
                    return Ok((call, Vec::new()));
                }
                call.apply(clock::now(), &by, Command::Disconnected { device: its.clone(), until })
            };
            if let Err(error) = self.change(id.clone(), None, decide).await {
                tracing::warn!(call_id = %id, %user, error = error.body.error, "a lost connection will be noted later");
                self.unnoted.lock().push((user.clone(), device.clone()));
            }
        }
    }
}

fn is_joined(call: &Call, user: &UserId) -> bool {
    !call.is_over() && call.participants.get(user).is_some_and(|p| matches!(p.part, Part::Joined { .. }))
}

pub(super) fn has_device(call: &Call, user: &UserId, device: &DeviceId) -> bool {
    call.participants.get(user).is_some_and(|p| p.part.devices().any(|(d, _)| d == device))
}

fn resync_call(call: &Call) -> ResyncCall {
    ResyncCall {
        call_id: call.id.clone(),
        room_id: call.room.clone(),
        call_type: call.kind,
        status: call.status(),
        initiator_id: call.caller.clone(),
        created_at: call.created_at,
        expires_at: call.expires_at,
        participants: call.participants.iter().map(resync_participant).collect(),
    }
}

fn resync_participant((user, participant): (&UserId, &Participant)) -> ResyncParticipant {
    ResyncParticipant {
        user_id: user.clone(),
        status: times_of(&participant.part).0,
        audio_enabled: participant.audio,
        video_enabled: participant.video,
        screen_enabled: participant.screen,
        devices: participant.part.devices().map(|(device, _)| device.clone()).collect(),
    }
}
