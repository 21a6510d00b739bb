//! The client at the other end of a socket: who it is, and what its messages do.

use std::sync::Arc;

use call::{
    ids::CallId,
    wire::{Claim, Claimed, ClientMessage, ErrorBody, JoinCall, Register, ServerEvent, Signal},
};
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::{
    app::App,
    auth::{Identity, Judged, Patience},
    calls::Actor,
    clock,
    error::ApiError,
    hub::{Attached, Event, Resume, Session},
    metrics, trail,
};

/// A connection's client.
pub struct Peer {
    app: Arc<App>,
    base_url: String,
    registered: Option<Registered>,
}

/// Who it has proved to be.
struct Registered {
    who: Arc<Identity>,
    session: Arc<Session>,
    line: u64,
    /// What was said of its token last.
    judged: Option<Judged>,
}

/// A message that was obeyed.
#[derive(Default)]
pub struct Done {
    /// What the acknowledgement holds.
    pub answer: Value,
    /// After a registration: what to send first.
    pub registered: Option<Event>,
    /// After a registration: the session.
    pub attached: Option<Attached>,
}

impl Peer {
    /// Somebody who has connected.
    pub fn new(app: Arc<App>, base_url: String) -> Self {
        Self { app, base_url, registered: None }
    }

    /// Whether it has said who it is.
    pub fn is_registered(&self) -> bool {
        self.registered.is_some()
    }

    /// Does what a message asks. Signals have [a way of their own](Self::hand_on).
    ///
    /// # Errors
    /// Those of the contract.
    pub async fn handle(&mut self, message: ClientMessage) -> Result<Done, ApiError> {
        let (event, call) = (message.event(), message.call().cloned());
        let call_id = call.as_ref().map(tracing::field::display);
        let span = tracing::info_span!("socket", otel.name = format_args!("socket {event}"), otel.kind = "server", call_id);
        // In a box while it lasts: a socket that waits must not keep room for all that may be asked.
        Box::pin(trail::begin(call, self.obey(message)).instrument(span)).await
    }

    async fn obey(&mut self, message: ClientMessage) -> Result<Done, ApiError> {
        match message {
            ClientMessage::Register(register) => self.register(register).await,
            ClientMessage::Join(join) => self.join(join).await,
            ClientMessage::Signal(id, signal, claimed) => {
                self.hand_on(&id, &signal, &claimed).await?;
                Ok(Done::default())
            }
            ClientMessage::Toggle(id, media, enabled, claimed) => {
                let actor = self.actor(&claimed, Patience::Fresh).await?;
                self.app.calls.toggle(actor, id, media, enabled).await?;
                Ok(Done::default())
            }
            ClientMessage::Leave(id, claimed) => {
                let actor = self.actor(&claimed, Patience::WhileAway).await?;
                self.app.calls.leave(actor, id).await.map(Done::answering)
            }
            ClientMessage::End(id, for_all, claimed) => {
                let actor = self.actor(&claimed, Patience::WhileAway).await?;
                self.app.calls.end(actor, id, for_all).await.map(Done::answering)
            }
        }
    }

    /// Hands a signal on. There are many, and each does little: no trail is laid for them, and no span made.
    ///
    /// # Errors
    /// Those of the contract.
    pub async fn hand_on(&mut self, id: &CallId, signal: &Signal, claimed: &Claimed) -> Result<(), ApiError> {
        let who = self.proven(claimed, Patience::Fresh).await?.who.clone();
        self.app.calls.relay(&who, id, signal, || self.is_replaced()).await
    }

    async fn register(&mut self, register: Register) -> Result<Done, ApiError> {
        let who = self.app.calls.auth.asker_maybe_bare(None, &register, Patience::Fresh).await?;
        let resume = match (register.session_id, register.last_event_id) {
            (Some(session), last) => Some(Resume { session, last_event: last.unwrap_or(0) }),
            (None, _) => None,
        };
        if let Some(before) = self.registered.take_if(|before| before.who.user != who.user || before.who.device != who.device) {
            self.app.calls.hub.detach(&before.session, before.line);
            self.app.calls.hub.forget(&before.session);
            self.app.calls.departed(&before.who.user, &before.who.device).await;
        }
        if let Some(current) = &mut self.registered
            && resume.as_ref().is_none_or(|resume| resume.session == current.session.id)
        {
            // Once more on the same connection, perhaps with a renewed token: the session goes on.
            current.session.renew_token(&who);
            current.who = who;
            current.judged = None;
            let (answer, registered) = self.welcome()?;
            return Ok(Done { answer, registered: Some(registered), attached: None });
        }
        if let Some(before) = self.registered.take() {
            self.app.calls.hub.detach(&before.session, before.line);
        }
        let asked = resume.is_some();
        let attached = self.app.calls.hub.attach(&who, &self.base_url, resume.as_ref());
        let session = attached.session.clone();
        self.registered = Some(Registered { who: who.clone(), session: session.clone(), line: attached.line, judged: None });
        metrics::registered(attached.missed.is_some(), asked);
        if let Err(error) = self.app.calls.arrived(&who, &session, attached.missed.is_some(), asked).await {
            self.registered = None;
            let is_gone = self.app.calls.hub.detach(&session, attached.line);
            self.app.calls.hub.forget(&session);
            if is_gone {
                self.app.calls.departed(&who.user, &who.device).await;
            }
            return Err(error);
        }
        self.warm_up(&who);
        tracing::debug!(user = %who.user, device = %who.device, session = %session.id, "registered");
        let (answer, registered) = self.welcome()?;
        Ok(Done { answer, registered: Some(registered), attached: Some(attached) })
    }

    fn welcome(&self) -> Result<(Value, Event), ApiError> {
        let Some(Registered { who, session, .. }) = &self.registered else { return Err(ApiError::missing_token()) };
        let event = ServerEvent::Registered {
            user_id: who.user.clone(),
            device_id: who.device.clone(),
            session_id: session.id.clone(),
            grace_period_ms: u64::try_from(self.app.config.grace_period.as_millis()).unwrap_or(u64::MAX),
            server_time: clock::now(),
        };
        Ok((serde_json::to_value(&event).unwrap_or_default(), Event::new(&event)))
    }

    /// Has at hand by the time it rings what would delay the ring: TURN credentials, and whom this user ignores.
    fn warm_up(&self, who: &Arc<Identity>) {
        let (calls, who) = (self.app.calls.clone(), who.clone());
        tokio::spawn(async move {
            let _turn = calls.homeserver.unhurried().await;
            Box::pin(async { tokio::join!(calls.ice_for(&who), calls.ignored.warm_up(&who.user)) }).await;
        });
    }

    async fn join(&mut self, join: JoinCall) -> Result<Done, ApiError> {
        let mut done = Done::default();
        if self.registered.is_none() {
            let register =
                Register { user_id: join.user_id.clone(), access_token: join.access_token.clone(), ..Register::default() };
            done = self.register(register).await?;
        }
        let claimed = Claimed { user_id: join.user_id, access_token: join.access_token };
        let joined = match self.actor(&claimed, Patience::Fresh).await {
            Ok(actor) => self.app.calls.join(actor, join.call_id).await,
            Err(error) => Err(error),
        };
        match joined {
            Ok(entered) => {
                done.answer = serde_json::to_value(entered).unwrap_or_default();
                Ok(done)
            }
            Err(error) => {
                // What registered it must not hold after a refusal: nobody would read its outbox.
                if done.attached.is_some() {
                    self.gone().await;
                }
                Err(error)
            }
        }
    }

    /// Who acts, and on which session.
    async fn actor(&mut self, claimed: &(impl Claim + Sync), patience: Patience) -> Result<Actor, ApiError> {
        let registered = self.proven(claimed, patience).await?;
        // While the token was asked about, the client may have come back on another connection and said this again there.
        if registered.is_replaced() {
            return Err(ApiError::replaced());
        }
        Ok(Actor { who: registered.who.clone(), session: Some(registered.session.id.clone()) })
    }

    /// Who it is: as registered, with the token asked about again, and as the message says, where it does.
    async fn proven(&mut self, claimed: &(impl Claim + Sync), patience: Patience) -> Result<&Registered, ApiError> {
        let auth = &self.app.calls.auth;
        let Some(registered) = &mut self.registered else {
            let error = "send `register-user` first: this connection has not said who it is";
            return Err(ApiError {
                body: ErrorBody { error: error.to_owned(), ..ApiError::missing_token().body },
                ..ApiError::missing_token()
            });
        };
        let (user, token) = claimed.claim();
        if user.is_some_and(|user| *user != registered.who.user) {
            return Err(ApiError::forbidden("userId is not the one that this connection has registered: leave it out"));
        }
        let known = registered.who.token.as_ref();
        if let Some(token) = known
            && !registered.judged.as_ref().is_some_and(|judged| auth.counts_still(judged))
        {
            let judged = Box::pin(auth.judge(token, patience)).await?;
            if judged.who.user != registered.who.user {
                return Err(ApiError::forbidden("the token that this connection has registered is somebody else's now"));
            }
            registered.judged = Some(judged);
        }
        if let Some(token) = token.filter(|token| Some(*token) != known)
            && Box::pin(auth.whose(token, patience)).await?.user != registered.who.user
        {
            return Err(ApiError::forbidden("accessToken is somebody else's: leave it out"));
        }
        Ok(registered)
    }

    /// Asks about the token again.
    ///
    /// # Errors
    /// 401 where the homeserver does not know it any more. A homeserver that is away says nothing about it.
    pub async fn recheck(&self) -> Result<(), ApiError> {
        let Some(token) = self.registered.as_ref().and_then(|registered| registered.who.token.as_ref()) else { return Ok(()) };
        match Box::pin(self.app.calls.auth.whose(token, Patience::Fresh)).await {
            Err(failure) if !failure.is_outage() => Err(failure.into()),
            Err(_) | Ok(_) => Ok(()),
        }
    }

    /// Sends an event by the session, numbered; `false` where there is none.
    pub fn tell(&self, event: &Arc<Event>) -> bool {
        self.registered.as_ref().map(|registered| registered.session.send(event)).is_some()
    }

    /// Whether another connection has resumed this one's session.
    pub fn is_replaced(&self) -> bool {
        self.registered.as_ref().is_some_and(Registered::is_replaced)
    }

    /// The connection is gone.
    pub async fn gone(&mut self) {
        let Some(Registered { who, session, line, .. }) = self.registered.take() else { return };
        if self.app.calls.hub.detach(&session, line) {
            Box::pin(self.app.calls.departed(&who.user, &who.device)).await;
        }
    }
}

impl Registered {
    /// Whether another connection has resumed its session.
    fn is_replaced(&self) -> bool {
        self.session.is_on_another_line(self.line)
    }
}

impl Done {
    fn answering(answer: impl serde::Serialize) -> Self {
        Self { answer: serde_json::to_value(answer).unwrap_or_else(|_| json!({})), ..Self::default() }
    }
}
