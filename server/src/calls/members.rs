//! Who may be rung: invitations into a running call, and members who come and go while it rings.

use std::{collections::BTreeSet, sync::Arc};

use call::{
    call::{Call, Command, Reach, Refusal},
    ids::{CallId, UserId},
    wire::{Delivery, Invited},
};
use jiff::SignedDuration;

use super::{Actor, Calls};
use crate::{appservice::Membership, clock, error::ApiError};

/// By how much the homeserver's clock may be behind.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(10);
/// How many can be invited at once.
const MAX_INVITED: usize = 100;

impl Calls {
    /// Rings more members of the room into a running call.
    ///
    /// # Errors
    /// 400 for nobody, too many, or somebody who is not a member; 403, 404, 409, 429, 502, 503, 504.
    pub async fn invite(self: &Arc<Self>, actor: Actor, id: CallId, users: Vec<UserId>) -> Result<Invited, ApiError> {
        if users.is_empty() || users.len() > MAX_INVITED {
            return Err(ApiError::invalid("`userIds` must name 1 to 100 members of the room"));
        }
        let call = self.find(&id).await?.call();
        if !call.participants.contains_key(&actor.who.user) {
            return Err(Refusal::NotParticipant.into());
        }
        let Some(token) = &actor.who.token else { return Err(ApiError::missing_token()) };
        let members = self.homeserver.joined_members(token, &call.room).await?;
        if let Some(stranger) = users.iter().find(|user| !members.contains_key(*user)) {
            return Err(ApiError::invalid(format!(
                "{stranger} is not a joined member of this room: invite them to the room first"
            )));
        }
        let ignoring = self.ignored.ignoring(&actor.who.user, users.iter()).await;
        let users = users.into_iter().map(|user| {
            let reach = self.reach(&user, &id, &ignoring);
            (user, reach)
        });
        self.check_rate(&actor.who.user)?;
        let ring_for = SignedDuration::try_from(self.ring_timeout).map_err(|_| Refusal::RingTime)?;
        let command = Command::Invite { users: users.collect(), until: clock::now() + ring_for };
        let (before, rung) = (call, self.command(actor, id.clone(), command).await?);
        Ok(Invited { call_id: id, status: rung.status(), delivery: self.delivery(&before, &rung) })
    }

    /// Who of those who ring now, and did not before, has a device that rings.
    fn delivery(&self, before: &Call, after: &Call) -> Delivery {
        let new = after.participants.iter().filter(|(user, p)| p.part.is_rung() && !before.rings(user));
        let mut delivery = Delivery::default();
        for (user, _) in new {
            let sessions = self.hub.sessions(user).into_iter().filter(|s| s.is_connected() && s.shows(&after.id));
            let devices: BTreeSet<_> = sessions.map(|session| session.device.clone()).collect();
            delivery.live += usize::from(!devices.is_empty());
            delivery.pending += usize::from(devices.is_empty());
            delivery.devices += devices.len();
        }
        delivery
    }

    /// What is known of somebody who is about to be rung.
    pub(super) fn reach(&self, user: &UserId, call: &CallId, ignoring: &BTreeSet<UserId>) -> Reach {
        Reach { online: self.hub.is_reachable(user), busy: self.live.is_busy(user, call), ignores: ignoring.contains(user) }
    }

    /// Somebody has come into a room or left it.
    ///
    /// # Errors
    /// 503.
    pub async fn membership_changed(self: &Arc<Self>, Membership { room, user, joined, at }: Membership) -> Result<(), ApiError> {
        let Some(id) = self.live.in_room(&room) else { return Ok(()) };
        let Some(live) = self.live.get(&id) else { return Ok(()) };
        // What happened before the call is known by its members; the homeserver may tell it late.
        if at.is_some_and(|at| at < live.call().created_at - CLOCKS_DIFFER) {
            return Ok(());
        }
        if !joined {
            return self.change(id, None, move |call| Ok(call.left_room(clock::now(), &user))).await.map(drop);
        }
        let ignoring = self.ignored.ignoring(&live.call().caller, std::iter::once(&user)).await;
        let reach = self.reach(&user, &id, &ignoring);
        self.change(id, None, move |call| Ok(call.joined_room(clock::now(), &user, reach))).await.map(drop)
    }
}
