//! What can be done with calls: load, decide, store, tell. Verbs; each is one file or one function.

mod act;
mod initiate;
mod live;
mod members;
mod past;
mod presence;
mod read;
mod relay;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use call::{
    call::{Call, Command, Effect, Presence, Refusal},
    ids::{CallId, DeviceId, UserId},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::SignedDuration;
use parking_lot::Mutex;

use crate::{
    alarm::Alarm,
    auth::{Auth, Identity},
    bus::{Acting, Bus},
    clock,
    config::Config,
    deliver::Deliver,
    error::ApiError,
    homeserver::Homeserver,
    hub::Hub,
    ice::Ice,
    ignored::Ignored,
    journal::Journal,
    metrics::{self, Standing},
    notices::Notices,
    store::{Fault, Store},
    traces, trail,
};

pub use act::Actor;
#[cfg(test)]
pub use initiate::Begun;
pub use live::{LiveCall, LiveCalls};

/// Everything that a use case works with.
pub struct Calls {
    /// The truth.
    pub store: Store,
    /// The homeserver.
    pub homeserver: Arc<Homeserver>,
    /// Who is who.
    pub auth: Auth,
    /// The devices.
    pub hub: Arc<Hub>,
    /// STUN and TURN.
    pub ice: Arc<Ice>,
    /// Whom users ignore.
    pub ignored: Ignored,
    live: LiveCalls,
    deliver: Deliver,
    /// Wakes the sleeper.
    pub alarm: Alarm,
    starts: Option<DefaultKeyedRateLimiter<UserId>>,
    attempts: Option<DefaultKeyedRateLimiter<UserId>>,
    unresolved: Mutex<Vec<Change>>,
    unnoted: Mutex<Vec<(UserId, DeviceId)>>,
    ring_timeout: Duration,
    grace: Duration,
    keep_history: Option<SignedDuration>,
}

/// How often a user may try to start a call, where calls are limited at all.
const ATTEMPTS_A_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// A decision, and what follows from it once it is stored.
struct Change {
    live: Arc<LiveCall>,
    after: Arc<Call>,
    effects: Vec<Effect>,
    acting: Option<Acting>,
}

/// What a decision makes of a call.
type Decided = Result<(Call, Vec<Effect>), Refusal>;

impl Calls {
    /// Puts the parts together.
    ///
    /// # Errors
    /// Where the homeserver's client cannot be made.
    pub fn new(config: &Config, store: Store) -> anyhow::Result<Self> {
        let homeserver = Arc::new(Homeserver::new(config.homeserver_url.clone())?);
        let auth = Auth::new(homeserver.clone(), config.allow_unverified);
        let ice = Arc::new(Ice::new(config, homeserver.clone()));
        let hub = Arc::new(Hub::new(config.grace_period));
        let ignored = Ignored::new(homeserver.clone(), hub.clone(), config.appservice.clone());
        let bus = Bus::InProcess(crate::bus::Node { hub: hub.clone(), ice: ice.clone() });
        let keep_history = (config.history_days > 0).then(|| SignedDuration::from_hours(24 * i64::from(config.history_days)));
        let notices = Notices::new(config.room_notices, homeserver.clone());
        let starts = NonZeroU32::new(config.calls_per_minute).map(|number| {
            let burst = NonZeroU32::new(number.get() / 2).unwrap_or(NonZeroU32::MIN);
            RateLimiter::keyed(Quota::per_minute(number).allow_burst(burst))
        });
        let attempts = starts.is_some().then(|| RateLimiter::keyed(Quota::per_minute(ATTEMPTS_A_MINUTE)));
        Ok(Self {
            store,
            homeserver,
            auth,
            hub,
            ice,
            ignored,
            live: LiveCalls::default(),
            deliver: Deliver { bus, notices, journal: Journal::default() },
            alarm: Alarm::default(),
            unresolved: Mutex::default(),
            unnoted: Mutex::default(),
            starts,
            attempts,
            ring_timeout: config.ring_timeout,
            grace: config.grace_period,
            keep_history,
        })
    }

    /// How things stand, but for the connections.
    pub fn standing(&self) -> Standing {
        let (attached, absent) = self.hub.count();
        Standing {
            attached,
            absent,
            asking: self.homeserver.under_way(),
            queues: self.store.queues(),
            overdue: self.alarm.overdue(clock::now()),
            ..self.live.standing()
        }
    }

    /// Waits for what was to be sent after calls that are over, and closes the database.
    pub async fn close(&self) {
        self.deliver.notices.drain().await;
        self.write_notes().await;
        self.store.close().await;
    }

    /// Waits until there is something to note for the operator.
    pub async fn some_notes(&self) {
        self.deliver.journal.some().await;
    }

    /// Stores the notes for the operator. They are about what has happened, so nobody waits for them.
    pub async fn write_notes(&self) {
        let notes = self.deliver.journal.take();
        if let (false, Err(fault)) = (notes.is_empty(), self.store.note(notes).await) {
            tracing::warn!(%fault, "could not note which devices rang");
        }
    }

    /// The call, from memory or from the store.
    async fn find(&self, id: &CallId) -> Result<Arc<LiveCall>, ApiError> {
        if let Some(live) = self.live.get(id) {
            return Ok(live);
        }
        let load = async { Ok::<_, ApiError>(self.store.load(id).await?) };
        let call = Box::pin(trail::about(id, load)).await?.ok_or_else(ApiError::no_such_call)?;
        Ok(self.live.restore(call))
    }

    /// Decides about a call, stores what was decided, and tells everyone. One change of a call at a time; where somebody else
    /// was quicker all the same, decides again. Carried to its end even if whoever asked goes away.
    async fn change(
        self: &Arc<Self>,
        id: CallId,
        acting: Option<Actor>,
        decide: impl Fn(Call) -> Decided + Send + Sync + 'static,
    ) -> Result<Arc<Call>, ApiError> {
        let (this, call_id) = (self.clone(), id.clone());
        let work = trail::about(&call_id, async move {
            let live = this.find(&id).await?;
            traces::link(live.began.as_ref());
            let _turn = live.turn.clone().lock_owned().await;
            this.change_in_turn(&live, acting.as_ref(), &decide).await
        });
        trail::to_its_end(work).await.unwrap_or_else(|_| {
            tracing::error!(%call_id, "a change of a call broke off");
            Err(ApiError::unavailable("something went wrong here: try again"))
        })
    }

    async fn change_in_turn(
        &self,
        live: &Arc<LiveCall>,
        actor: Option<&Actor>,
        decide: &(impl Fn(Call) -> Decided + Sync),
    ) -> Result<Arc<Call>, ApiError> {
        let after = self.store_change(live, actor, decide).await?;
        if let Some(actor) = actor {
            self.note_absence(live, &actor.who).await?;
        }
        Ok(after)
    }

    /// A device whose socket went while it came in is not in the call's memory when its departure is noted: so it is noted now.
    async fn note_absence(&self, live: &Arc<LiveCall>, who: &Identity) -> Result<(), ApiError> {
        let presence = |call: &Call| {
            let part = call.participants.get(&who.user).map(|p| &p.part)?;
            part.devices().find(|(device, _)| **device == who.device).map(|(_, presence)| *presence)
        };
        if presence(&live.call()) != Some(Presence::Connected) || self.hub.is_connected(&who.user, &who.device) {
            return Ok(());
        }
        let now = clock::now();
        let gone = Command::Disconnected { device: who.device.clone(), until: now + self.grace };
        self.store_change(live, None, &|call: Call| call.apply(now, &who.user, gone.clone())).await.map(drop)
    }

    async fn store_change(
        &self,
        live: &Arc<LiveCall>,
        actor: Option<&Actor>,
        decide: &(impl Fn(Call) -> Decided + Sync),
    ) -> Result<Arc<Call>, ApiError> {
        loop {
            let before = live.call();
            let (after, effects) = decide(Call::clone(&before))?;
            if after.version == before.version {
                return Ok(before);
            }
            let change = Change { live: live.clone(), after: Arc::new(after), effects, acting: actor.map(Actor::acting) };
            let log = crate::deliver::transitions(&change.effects);
            match self.store.update(before, change.after.clone(), log, clock::now()).await {
                Ok(true) => return Ok(self.carry_out(change)),
                Ok(false) => {
                    let current = self.store.load(&live.id).await?.ok_or_else(ApiError::no_such_call)?;
                    self.live.set(live, &Arc::new(current));
                }
                Err(fault) => return self.resolve(change, fault).await,
            }
        }
    }

    fn carry_out(&self, Change { live, after, effects, acting }: Change) -> Arc<Call> {
        if live.call().started_at().is_none() && after.started_at().is_some() {
            metrics::call_answered(&after);
        }
        self.live.set(&live, &after);
        let caller_token = || live.caller_token.clone().or_else(|| self.hub.token_of(&after.caller));
        self.deliver.carry_out(&after, &effects, acting.as_ref(), caller_token);
        self.alarm.arm(after.deadline());
        after
    }

    /// A commit whose answer was lost may have happened. Where that cannot be told now, it is told later.
    async fn resolve(&self, change: Change, fault: Fault) -> Result<Arc<Call>, ApiError> {
        match self.store.load(&change.live.id).await {
            Ok(Some(stored)) if stored == *change.after => Ok(self.carry_out(change)),
            Ok(_) => Err(fault.into()),
            Err(_) => {
                self.unresolved.lock().push(change);
                Err(fault.into())
            }
        }
    }

    /// Does what could not be done while the store was away: tells of commits that had happened after all, and notes departures.
    pub async fn catch_up(self: &Arc<Self>) -> Result<(), ApiError> {
        let unresolved = std::mem::take(&mut *self.unresolved.lock());
        for change in unresolved {
            let id = change.live.id.clone();
            trail::about(&id, self.resolve_late(change)).await?;
        }
        let departed = std::mem::take(&mut *self.unnoted.lock());
        for (user, device) in departed {
            self.departed(&user, &device).await;
        }
        Ok(())
    }

    async fn resolve_late(&self, change: Change) -> Result<(), ApiError> {
        let _turn = change.live.turn.clone().lock_owned().await;
        if change.live.call().version < change.after.version {
            match self.store.load(&change.live.id).await {
                Ok(Some(stored)) if stored == *change.after => drop(self.carry_out(change)),
                Ok(_) => {}
                Err(fault) => {
                    self.unresolved.lock().push(change);
                    return Err(fault.into());
                }
            }
        }
        Ok(())
    }

    /// Does what is due now: the ring timeout, and participants who were away too long.
    pub async fn expire(self: &Arc<Self>, id: CallId) -> Result<(), ApiError> {
        let hub = self.hub.clone();
        let decide = move |mut call: Call| {
            let now = clock::now();
            // Who is back may only not have been noted yet.
            let back = call.devices().filter(|(user, device)| hub.is_connected(user, device));
            let back: Vec<_> = back.map(|(user, device)| (user.clone(), device.clone())).collect();
            for (user, device) in back {
                (call, _) = call.apply(now, &user, Command::Connected { device })?;
            }
            Ok(call.expire(now))
        };
        let due = self.live.get(&id).and_then(|live| live.call().deadline());
        self.change(id, None, decide).await?;
        let now = clock::now();
        if let Some(due) = due.filter(|due| *due <= now) {
            metrics::timer_settled(due, now);
        }
        Ok(())
    }

    /// After a start: settles what fell due meanwhile, and gives everyone in a call a grace period to come back.
    pub async fn restore(self: &Arc<Self>) -> Result<(), ApiError> {
        let now = clock::now();
        let until = now + self.grace;
        for call in self.store.live().await? {
            let id = call.id.clone();
            self.live.restore(call);
            let settle = async {
                self.change(id.clone(), None, move |call| Ok((call.restarted(until), Vec::new()))).await?;
                self.expire(id.clone()).await
            };
            trail::about(&id, settle).await?;
        }
        self.alarm.arm(self.store.next_deadline().await?);
        Ok(())
    }

    /// Forgets what need not be remembered any more: idempotency keys after a day, and who has called lately.
    pub async fn tidy(&self) -> Result<(), Fault> {
        for limit in [&self.starts, &self.attempts].into_iter().flatten() {
            limit.retain_recent();
        }
        let now = clock::now();
        if let Some(keep) = self.keep_history {
            let forgotten = self.store.forget_calls(now - keep).await?;
            tracing::info!(forgotten, "forgot calls that are older than history_days");
        }
        self.store.forget_keys(now - initiate::KEYS_LAST).await
    }
}
