//! Looking at calls.

use call::{
    call::Call,
    ids::{CallId, UserId},
    wire::{Active, ActiveCall, CallStatus, ParticipantRow, SessionRow},
};

use super::Calls;
use crate::{auth::Identity, error::ApiError, store::times_of};

impl Calls {
    /// What rings for the asker now.
    ///
    /// # Errors
    /// 503.
    pub async fn active(&self, who: &Identity) -> Result<Active, ApiError> {
        let calls = self.store.live_of_user(&who.user).await?;
        let calls = calls.iter().filter(|call| call.rings(&who.user)).map(active_call).collect();
        let (ice_servers, _) = self.ice_for(who).await;
        Ok(Active { calls, ice_servers })
    }

    /// A call as its participants and the members of its room may see it.
    ///
    /// # Errors
    /// 403, 404, 502 and 504 where membership cannot be told, 503.
    pub async fn status(&self, who: &Identity, id: &CallId) -> Result<CallStatus, ApiError> {
        let call = self.find(id).await?.call();
        if !call.participants.contains_key(&who.user) {
            self.check_membership(who, &call).await?;
        }
        Ok(CallStatus { session: session_row(&call), participants: participant_rows(&call) })
    }
}

fn active_call(call: &Call) -> ActiveCall {
    ActiveCall {
        call_id: call.id.clone(),
        room_id: call.room.clone(),
        call_type: call.kind,
        initiator_id: call.caller.clone(),
        status: call.status(),
        created_at: call.created_at,
    }
}

fn session_row(call: &Call) -> SessionRow {
    SessionRow {
        call_id: call.id.clone(),
        room_id: call.room.clone(),
        call_type: call.kind,
        status: call.status(),
        initiator_id: call.caller.clone(),
        created_at: call.created_at,
        started_at: call.started_at(),
        ended_at: call.ended_at(),
        expires_at: call.expires_at,
    }
}

/// The rows of `call_participants`.
fn participant_rows(call: &Call) -> Vec<ParticipantRow> {
    let row = |(user, participant): (&UserId, &call::call::Participant)| {
        let (status, joined_at, left_at) = times_of(&participant.part);
        ParticipantRow {
            matrix_user_id: user.clone(),
            status,
            audio_enabled: participant.audio,
            video_enabled: participant.video,
            screen_enabled: participant.screen,
            joined_at,
            left_at,
        }
    };
    call.participants.iter().map(row).collect()
}
