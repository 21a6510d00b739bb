//! Answering, rejecting, joining, leaving, ending, toggling.

use std::sync::Arc;

use call::{
    call::{Call, Command, Media, Part, Refusal},
    ids::{CallId, SessionId},
    wire::{Entered, IceServer, Stands},
};

use super::{Calls, LiveCall, presence::has_device};
use crate::{auth::Identity, bus::Acting, clock, error::ApiError, hub::Session};

/// The longest reason for a rejection, in bytes.
const MAX_REASON: usize = 255;

/// Who acts, and on which connection where that is known.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Who.
    pub who: Arc<Identity>,
    /// The connection.
    pub session: Option<SessionId>,
}

impl Actor {
    /// The connection that acts.
    pub fn acting(&self) -> Acting {
        Acting { device: self.who.device.clone(), session: self.session.clone() }
    }
}

impl Calls {
    /// Picks up.
    ///
    /// # Errors
    /// 403, 404, 409, 503.
    pub async fn answer(self: &Arc<Self>, actor: Actor, id: CallId) -> Result<Entered, ApiError> {
        self.check_may_enter(&actor.who, &id).await?;
        let device = actor.who.device.clone();
        let connected = self.hub.is_connected(&actor.who.user, &device);
        let answered = self.command(actor.clone(), id.clone(), Command::Answer { device, connected });
        let entered = self.entered(&actor, answered).await?;
        self.note_entry(&actor, &id).await;
        Ok(entered)
    }

    /// Says no.
    ///
    /// # Errors
    /// 400 for a reason that is too long, 403, 404, 409, 503.
    pub async fn reject(self: &Arc<Self>, actor: Actor, id: CallId, reason: Option<String>) -> Result<Stands, ApiError> {
        if reason.as_ref().is_some_and(|reason| reason.len() > MAX_REASON) {
            return Err(ApiError::invalid("`reason` must have at most 255 bytes"));
        }
        self.command(actor, id, Command::Reject { reason }).await.map(|call| stands(&call))
    }

    /// Enters an active call of a room that the asker is in, or brings one more device into it.
    ///
    /// # Errors
    /// 403, 404, 409, 502 and 504 where membership cannot be told, 503.
    pub async fn join(self: &Arc<Self>, actor: Actor, id: CallId) -> Result<Entered, ApiError> {
        self.check_may_enter(&actor.who, &id).await?;
        let device = actor.who.device.clone();
        let connected = self.hub.is_connected(&actor.who.user, &device);
        let joined = self.command(actor.clone(), id.clone(), Command::Join { device, connected });
        let entered = self.entered(&actor, joined).await?;
        self.hand_over_waiting(&actor, &id).await;
        Ok(entered)
    }

    /// Takes the asker's device out of the call.
    ///
    /// # Errors
    /// 403, 404, 503.
    pub async fn leave(self: &Arc<Self>, actor: Actor, id: CallId) -> Result<Stands, ApiError> {
        let device = actor.who.device.clone();
        self.command(actor, id, Command::Leave { device }).await.map(|call| stands(&call))
    }

    /// Hangs up, cancels, or (while being rung) rejects.
    ///
    /// # Errors
    /// 403, 404, 503.
    pub async fn end(self: &Arc<Self>, actor: Actor, id: CallId, for_all: bool) -> Result<Stands, ApiError> {
        self.command(actor, id, Command::End { for_all }).await.map(|call| stands(&call))
    }

    /// Turns the asker's microphone, camera or screen on or off for the others.
    ///
    /// # Errors
    /// 403, 404, 409, 503.
    pub async fn toggle(self: &Arc<Self>, actor: Actor, id: CallId, media: Media, enabled: bool) -> Result<(), ApiError> {
        self.command(actor, id, Command::Toggle { media, enabled }).await.map(drop)
    }

    pub(super) async fn command(self: &Arc<Self>, actor: Actor, id: CallId, command: Command) -> Result<Arc<Call>, ApiError> {
        let user = actor.who.user.clone();
        self.change(id, Some(actor), move |call| call.apply(clock::now(), &user, command.clone())).await
    }

    async fn entered(
        &self,
        actor: &Actor,
        change: impl Future<Output = Result<Arc<Call>, ApiError>>,
    ) -> Result<Entered, ApiError> {
        let (call, (ice_servers, _)) = tokio::join!(change, self.ice_for(&actor.who));
        let call = call?;
        Ok(Entered {
            call_id: call.id.clone(),
            status: call.status(),
            room_id: call.room.clone(),
            call_type: call.kind,
            ice_servers,
        })
    }

    /// STUN and TURN for the asker, and for how many seconds they hold.
    pub async fn ice_for(&self, who: &Identity) -> (Vec<IceServer>, u64) {
        self.ice.fresh(&who.user, who.token.as_ref(), clock::now()).await
    }

    /// Whoever is neither in the call nor being rung must be in the room.
    async fn check_may_enter(&self, who: &Identity, id: &CallId) -> Result<(), ApiError> {
        let call = self.find(id).await?.call();
        let is_expected = match call.participants.get(&who.user).map(|p| &p.part) {
            Some(Part::Invited { .. } | Part::Ringing { .. } | Part::Joined { .. }) => true,
            Some(Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. }) => call.is_over(),
            None => false,
        };
        if is_expected { Ok(()) } else { self.check_membership(who, &call).await }
    }

    /// Whether somebody who has no part in a call is in its room.
    pub(super) async fn check_membership(&self, who: &Identity, call: &Call) -> Result<(), ApiError> {
        let Some(token) = &who.token else { return Err(Refusal::NotParticipant.into()) };
        if self.homeserver.joined_members(token, &call.room).await?.contains_key(&who.user) {
            Ok(())
        } else {
            Err(Refusal::NotMember.into())
        }
    }

    /// A device has answered, perhaps once more, on another connection: that one is told of the end, too.
    async fn note_entry(&self, actor: &Actor, id: &CallId) {
        let Some(live) = self.live.get(id) else { return };
        self.note_session(&live, actor);
        let _turn = live.turn.lock().await;
        let call = live.call();
        if has_device(&call, &actor.who.user, &actor.who.device) {
            self.deliver.shows(&call, &actor.who.user, actor.acting());
        }
    }

    /// Remembers with which session a device came in: when it is back with another, its peers must negotiate anew.
    pub(super) fn note_session(&self, live: &LiveCall, actor: &Actor) {
        let (user, device) = (&actor.who.user, &actor.who.device);
        let of_device = || {
            let sessions = self.hub.sessions(user);
            let mut connected = sessions.iter().filter(|s| s.device == *device && s.is_connected());
            // Of several nobody knows which one will talk.
            connected.next().filter(|_| connected.next().is_none()).map(|s| s.id.clone())
        };
        if let Some(session) = actor.session.clone().or_else(of_device) {
            live.roster().joined_with.entry((user.clone(), device.clone())).or_insert(session);
        }
    }

    /// A device has joined: what waits for its user arrives. Where it has lost an earlier connection without resuming it, the
    /// others hear that it came in anew, and negotiate with it.
    async fn hand_over_waiting(&self, actor: &Actor, id: &CallId) {
        let Some(live) = self.live.get(id) else { return };
        let _turn = live.turn.lock().await;
        let (user, device) = (&actor.who.user, &actor.who.device);
        // It may have gone again before this turn, by another's doing too.
        if !has_device(&live.call(), user, device) {
            return;
        }
        let key = (user.clone(), device.clone());
        let anew = {
            let mut roster = live.roster();
            let restored = roster.restored.remove(&key);
            let earlier = actor.session.clone().and_then(|session| roster.joined_with.insert(key, session));
            restored || (earlier.is_some() && earlier != actor.session)
        };
        if anew {
            self.deliver.entered_anew(&live.call(), user, device, &actor.acting());
        }
        let sessions: Vec<Arc<Session>> = self.hub.sessions(user).into_iter().filter(|s| actor.acting().is(s)).collect();
        let mut roster = live.roster();
        if sessions.is_empty() {
            return;
        }
        for receiver in [(user.clone(), None), (user.clone(), Some(device.clone()))] {
            let Some(mut waiting) = roster.waiting.remove(&receiver) else { continue };
            for kept in waiting.take().filter(|kept| kept.device.as_ref().is_none_or(|target| target == device)) {
                for session in &sessions {
                    session.send(&kept.event);
                }
            }
        }
    }
}

fn stands(call: &Call) -> Stands {
    Stands { call_id: call.id.clone(), status: call.status() }
}
