//! The line that a call leaves in its room when it is over, sent as its caller. Off the ringing path; never into an encrypted
//! room, and never an `m.call.*` event: a client that speaks Matrix's own calls must not ring for one that it cannot answer.

use std::{sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use call::{
    call::{Call, CallType, State},
    ids::AccessToken,
};
use serde_json::json;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::{
    homeserver::{Failure, Homeserver, notice},
    traces,
};

/// Leaves lines in rooms.
pub struct Notices {
    enabled: bool,
    homeserver: Arc<Homeserver>,
    under_way: TaskTracker,
}

impl Notices {
    /// Sends to this homeserver, if it is to send at all.
    pub fn new(enabled: bool, homeserver: Arc<Homeserver>) -> Self {
        Self { enabled, homeserver, under_way: TaskTracker::new() }
    }

    /// Leaves the line, if there is a token to send it with.
    pub fn leave(&self, call: Arc<Call>, token: Option<AccessToken>) {
        if !self.enabled {
            return;
        }
        let Some(token) = token else {
            tracing::info!(call_id = %call.id, "no line in the room: the caller's token is not at hand after a restart");
            return;
        };
        let homeserver = self.homeserver.clone();
        // A span of its own: that of the request must not stay open for it.
        let span = traces::child_of(traces::current().as_ref(), || tracing::info_span!("room line", call_id = %call.id));
        let work = async move {
            let backoff = ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_times(4).with_jitter();
            let send = || async { send(&homeserver, &token, &call).await };
            if let Err(failure) = send.retry(backoff).when(Failure::is_outage).await {
                tracing::warn!(call_id = %call.id, room = %call.room, %failure, "could not leave a line in the room");
            }
        };
        self.under_way.spawn(work.instrument(span));
    }

    /// Waits for what is under way.
    pub async fn drain(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }
}

async fn send(homeserver: &Homeserver, token: &AccessToken, call: &Call) -> Result<(), Failure> {
    if homeserver.is_encrypted(token, &call.room).await? {
        tracing::debug!(call_id = %call.id, "no line in the room: it is encrypted");
        return Ok(());
    }
    let content = notice(&line(call), &json!({ "call_id": call.id, "call_type": call.kind, "status": call.status() }));
    homeserver.send_notice(token, &call.room, &format!("ringback-{}", call.id), &content).await
}

/// What people read: `Missed voice call`, `Declined video call`, `Video call, 3:12`.
fn line(call: &Call) -> String {
    let kind = match call.kind {
        CallType::Voice => "voice call",
        CallType::Video => "video call",
    };
    match &call.state {
        State::Ended { since: Some(since), at, .. } => {
            let seconds = at.duration_since(*since).as_secs().max(0);
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            let (first, rest) = kind.split_at(1);
            let kind = format!("{}{rest}", first.to_uppercase());
            if hours > 0 {
                format!("{kind}, {hours}:{minutes:02}:{seconds:02}")
            } else {
                format!("{kind}, {minutes}:{seconds:02}")
            }
        }
        State::Rejected { .. } => format!("Declined {kind}"),
        State::Missed { .. } | State::Ended { .. } | State::Ringing | State::Active { .. } => format!("Missed {kind}"),
    }
}
