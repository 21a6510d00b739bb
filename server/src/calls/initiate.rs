//! Starting a call.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use call::{
    call::{Call, Effect, MAX_RUNG_AS_A_WHOLE, Refusal, Request, start},
    ids::{AccessToken, CallId, UserId},
    wire::{Delivery, Initiate, Initiated},
};
use governor::{
    DefaultKeyedRateLimiter,
    clock::{Clock as _, DefaultClock},
};
use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use super::{Actor, Calls};
use crate::{
    auth::{Identity, Patience},
    clock,
    error::ApiError,
    homeserver::Members,
    metrics,
    store::{Created, IdempotencyKey, KeyedAnswer},
    trail,
};

/// For how long a repeated request gets the first answer (contract, section 3).
pub const KEYS_LAST: SignedDuration = SignedDuration::from_hours(24);
/// The longest `Idempotency-Key`.
const MAX_KEY: usize = 255;
/// The longest name that is shown, in characters.
const MAX_NAME: usize = 255;
/// A name never delays a ring by more than this.
const NAME_PATIENCE: Duration = Duration::from_millis(500);

impl Calls {
    /// Rings a room.
    ///
    /// What the homeserver is asked, it is asked at once: whose the token is, who is in the room, and for TURN.
    ///
    /// # Errors
    /// 400, 401, 403, 409, 429, 502, 503, 504; nothing was stored then.
    pub async fn initiate(
        self: &Arc<Self>,
        header: Option<AccessToken>,
        body: Initiate,
        key: Option<String>,
    ) -> Result<Initiated, ApiError> {
        // Named now, so that what is logged on the way can be found by the name.
        let id = clock::call_id();
        tracing::Span::current().record("call_id", id.as_str());
        trail::about(&id.clone(), self.initiate_as(id, header, body, key)).await
    }

    async fn initiate_as(
        self: &Arc<Self>,
        id: CallId,
        header: Option<AccessToken>,
        body: Initiate,
        key: Option<String>,
    ) -> Result<Initiated, ApiError> {
        let key = key.map(|key| idempotency_key(key, &body)).transpose()?;
        let ring_for = match body.ring_timeout_ms {
            Some(ms) => SignedDuration::from_millis(ms.try_into().map_err(|_| Refusal::RingTime)?),
            None => SignedDuration::try_from(self.ring_timeout).map_err(|_| Refusal::RingTime)?,
        };
        let token = header.clone().or_else(|| body.access_token.clone()).ok_or_else(ApiError::missing_token)?;
        let (who, members, ice_servers) = if self.auth.knows(&token) {
            let who = self.auth.asker(header, &body, Patience::Fresh).await?;
            if let Some(first) = self.first_answer(&who, key.as_ref()).await? {
                return Ok(first);
            }
            self.check_attempts(&who.user)?;
            let (members, (ice_servers, _)) =
                tokio::join!(self.homeserver.joined_members(&token, &body.room_id), self.ice_for(&who));
            (who, members, ice_servers)
        } else {
            let who = self.auth.asker(header, &body, Patience::Fresh);
            let (who, members, turn) =
                tokio::join!(who, self.homeserver.joined_members(&token, &body.room_id), self.ice.ask(&token));
            let who = who?;
            if let Some(first) = self.first_answer(&who, key.as_ref()).await? {
                return Ok(first);
            }
            self.check_attempts(&who.user)?;
            (who.clone(), members, self.ice.accept(&who.user, turn, clock::now()))
        };
        let members = members?;
        let named: BTreeSet<&UserId> =
            body.invitees.as_ref().map_or_else(|| members.keys().collect(), |users| users.iter().collect());
        if body.invitees.is_some() && named.len() > MAX_RUNG_AS_A_WHOLE {
            return Err(ApiError::invalid("`invitees` may name 100 users at most"));
        }
        let rung = named.into_iter().filter(|user| members.contains_key(*user)).take(MAX_RUNG_AS_A_WHOLE + 1);
        let (caller_name, ignoring) = tokio::join!(self.name_of(&who, &members), self.ignored.ignoring(&who.user, rung));
        let request = Request {
            caller_name,
            room: body.room_id,
            kind: body.call_type,
            caller: who.user.clone(),
            device: who.device.clone(),
            connected: self.hub.is_connected(&who.user, &who.device),
            invitees: body.invitees,
            ring_for,
        };
        let this = self.clone();
        let actor = Actor { who: who.clone(), session: None };
        let work = async move { this.begin(id, actor, request, members.into_keys().collect(), ignoring, key).await };
        let begun = trail::to_its_end(work).await.unwrap_or_else(|_| {
            tracing::error!("starting a call broke off");
            Err(ApiError::unavailable("something went wrong here: try again"))
        })?;
        match begun {
            Begun::Ringing(call, delivery) => Ok(initiated(&call, delivery, ice_servers)),
            Begun::Repeated(key, first) => self.repeat(&who, &key, first).await,
        }
    }

    /// What a request with this key was answered before, if it was.
    async fn first_answer(&self, who: &Identity, key: Option<&IdempotencyKey>) -> Result<Option<Initiated>, ApiError> {
        let Some(key) = key else { return Ok(None) };
        match self.store.keyed_answer(&who.user, &key.key).await? {
            Some(first) => self.repeat(who, key, first).await.map(Some),
            None => Ok(None),
        }
    }

    /// Stores the call and rings. Runs to its end even if whoever asked goes away.
    pub async fn begin(
        &self,
        id: CallId,
        actor: Actor,
        request: Request,
        members: BTreeSet<UserId>,
        ignoring: BTreeSet<UserId>,
        key: Option<IdempotencyKey>,
    ) -> Result<Begun, ApiError> {
        let reach = |user: &UserId| self.reach(user, &id, &ignoring);
        let (call, effects) = start(clock::now(), id.clone(), request, &members, reach)?;
        if let Some(other) = self.live.in_room(&call.room) {
            return Err(ApiError::call_exists(other));
        }
        self.check_rate(&call.caller)?;
        let call = Arc::new(call);
        let call_id = &call.id;
        // In the map, and its turn taken, before anyone can learn of it from the store: whoever registers meanwhile waits.
        let live = self.live.begin(&call, actor.who.token.clone());
        let _turn = live.turn.lock().await;
        let log = crate::deliver::transitions(&effects);
        match self.store.create(call.clone(), log, key.clone()).await {
            Ok(Created::Done) => {}
            Err(fault) if matches!(self.store.load(call_id).await, Ok(Some(_))) => {
                tracing::warn!(%call_id, %fault, "the answer to a commit was lost; it had happened");
            }
            refused => {
                self.live.withdraw(&call);
                return match (refused?, key) {
                    (Created::KeyUsed(first), Some(key)) => Ok(Begun::Repeated(key, first)),
                    (Created::RoomBusy(other), _) => Err(ApiError::call_exists(other)),
                    (Created::Done | Created::KeyUsed(_), _) => {
                        Err(ApiError::unavailable("something went wrong here: try again"))
                    }
                };
            }
        }
        tracing::info!(%call_id, room = %call.room, members = ?members, "room {} has {} member(s)", call.room, members.len());
        metrics::call_started(call.kind);
        self.live.set(&live, &call);
        self.deliver.begun(&call);
        self.note_session(&live, &actor);
        self.alarm.arm(call.deadline());
        let delivery = self.ring(&call, &effects);
        self.note_absence(&live, &actor.who).await?;
        if let Some(key) = key {
            let noted = self.store.set_delivery(call.caller.clone(), key.key, delivery).await;
            noted.unwrap_or_else(|fault| tracing::warn!(%call_id, %fault, "a repeat of this request will hear that all wait"));
        }
        Ok(Begun::Ringing(call.clone(), delivery))
    }

    fn ring(&self, call: &Call, effects: &[Effect]) -> Delivery {
        let call_id = &call.id;
        let seconds = call.expires_at.duration_since(call.created_at).as_secs();
        tracing::info!(%call_id, seconds, "started {seconds}-second acceptance timer");
        let delivery = self.deliver.ring(call, effects, call.participants.len() - 1);
        let Delivery { live, pending, devices } = delivery;
        tracing::info!(%call_id, live, pending, devices, "{live} user(s) notified live, {pending} stored as pending");
        metrics::rang(delivery);
        delivery
    }

    async fn repeat(&self, who: &Identity, key: &IdempotencyKey, first: KeyedAnswer) -> Result<Initiated, ApiError> {
        if key.body_hash != first.body_hash {
            return Err(ApiError::idempotency_key());
        }
        let call = self.store.load(&first.call_id).await?.ok_or_else(ApiError::no_such_call)?;
        let (ice_servers, _) = self.ice_for(who).await;
        let mut answer = initiated(&call, first.delivery, ice_servers);
        answer.status = call::call::Status::Ringing;
        Ok(answer)
    }

    /// The caller's name in the room, else the caller's own, else what the user id begins with.
    async fn name_of(&self, who: &Identity, members: &Members) -> String {
        let in_room = members.get(&who.user).cloned().flatten();
        let name = match (in_room, &who.token) {
            (Some(name), _) => Some(name),
            (None, Some(token)) if members.contains_key(&who.user) => {
                let asked = tokio::time::timeout(NAME_PATIENCE, self.homeserver.display_name(token, &who.user)).await;
                asked.ok().and_then(Result::ok).flatten()
            }
            (None, _) => None,
        };
        let name = name.map(|name| name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect::<String>());
        name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| who.user.localpart().to_owned())
    }

    /// Counts a call that is about to start.
    pub(super) fn check_rate(&self, user: &UserId) -> Result<(), ApiError> {
        within("calls", self.starts.as_ref(), user)
    }

    /// Counts an attempt, which costs the homeserver something even where it starts no call.
    fn check_attempts(&self, user: &UserId) -> Result<(), ApiError> {
        within("attempts", self.attempts.as_ref(), user)
    }
}

fn within(name: &'static str, limit: Option<&DefaultKeyedRateLimiter<UserId>>, user: &UserId) -> Result<(), ApiError> {
    let Some(limit) = limit else { return Ok(()) };
    limit.check_key(user).map_err(|not_yet| {
        metrics::rate_limited(name);
        let wait = not_yet.wait_time_from(DefaultClock::default().now());
        ApiError::too_many_calls(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1))
    })
}

/// What came of starting a call.
pub enum Begun {
    /// It rings.
    Ringing(Arc<Call>, Delivery),
    /// The key was used before.
    Repeated(IdempotencyKey, KeyedAnswer),
}

fn initiated(call: &Call, delivery: Delivery, ice_servers: Vec<call::wire::IceServer>) -> Initiated {
    Initiated {
        call_id: call.id.clone(),
        room_id: call.room.clone(),
        call_type: call.kind,
        status: call.status(),
        ice_servers,
        expires_at: call.expires_at,
        delivery,
    }
}

/// The same key must come with the same request; the token may have been renewed meanwhile.
fn idempotency_key(key: String, body: &Initiate) -> Result<IdempotencyKey, ApiError> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(ApiError::invalid("Idempotency-Key must have 1 to 255 bytes"));
    }
    let parts = serde_json::json!([body.room_id, body.call_type, body.invitees, body.ring_timeout_ms]);
    let digest = Sha256::digest(parts.to_string().as_bytes());
    Ok(IdempotencyKey { key, body_hash: STANDARD.encode(digest) })
}
