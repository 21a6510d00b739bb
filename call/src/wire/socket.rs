//! Messages of clients on the sockets (contract, section 4).

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};
use serde_json::value::RawValue;

use super::{Act, AnswerSdp, Candidate, Claim, End, Malformed, Offer, Toggle, errcode, parse_object};
use crate::{
    call::Media,
    ids::{AccessToken, CallId, DeviceId, SessionId, UserId},
};

/// For whom a signal is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Target {
    /// All others in the call.
    #[default]
    All,
    /// One user.
    User(UserId),
}

impl Target {
    /// Whether it is for all others.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::User(user) => user.fmt(f),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(TargetVisitor)
    }
}

struct TargetVisitor;

impl<'de> Visitor<'de> for TargetVisitor {
    type Value = Target;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_none<E: Error>(self) -> Result<Target, E> {
        Ok(Target::All)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Target, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Target, E> {
        match text {
            "all" => Ok(Target::All),
            _ => UserId::parse(text).map(Target::User).map_err(E::custom),
        }
    }
}

/// Which of the three signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// A session description that offers.
    Offer,
    /// A session description that answers.
    Answer,
    /// A candidate of trickle ICE.
    Candidate,
}

impl SignalKind {
    /// The event's name.
    #[must_use]
    pub fn event(self) -> &'static str {
        match self {
            Self::Offer => "webrtc-offer",
            Self::Answer => "webrtc-answer",
            Self::Candidate => "ice-candidate",
        }
    }

    /// The signal of this name.
    fn of(event: &str) -> Option<Self> {
        [Self::Offer, Self::Answer, Self::Candidate].into_iter().find(|kind| kind.event() == event)
    }
}

/// An offer, an answer or a candidate on its way in.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Which of the three.
    pub kind: SignalKind,
    /// What the browser gave, verbatim.
    pub payload: Box<RawValue>,
    /// For whom.
    pub target: Target,
    /// For which of that user's devices; all of them in the call where absent.
    pub target_device: Option<DeviceId>,
}

/// A message of a client.
#[derive(Debug, Clone)]
pub enum ClientMessage {
    /// `register-user`.
    Register(Register),
    /// `join-call`.
    Join(JoinCall),
    /// `webrtc-offer`, `webrtc-answer`, `ice-candidate`.
    Signal(CallId, Signal, Claimed),
    /// `toggle-audio`, `toggle-video`, `toggle-screen`.
    Toggle(CallId, Media, bool, Claimed),
    /// `leave-call`.
    Leave(CallId, Claimed),
    /// `call-ended`.
    End(CallId, bool, Claimed),
}

impl ClientMessage {
    /// The event's name.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            Self::Register(_) => "register-user",
            Self::Join(_) => "join-call",
            Self::Signal(_, signal, _) => signal.kind.event(),
            Self::Toggle(_, Media::Audio, ..) => "toggle-audio",
            Self::Toggle(_, Media::Video, ..) => "toggle-video",
            Self::Toggle(_, Media::Screen, ..) => "toggle-screen",
            Self::Leave(..) => "leave-call",
            Self::End(..) => "call-ended",
        }
    }

    /// The call that it is about.
    #[must_use]
    pub fn call(&self) -> Option<&CallId> {
        match self {
            Self::Register(_) => None,
            Self::Join(join) => Some(&join.call_id),
            Self::Signal(id, ..) | Self::Toggle(id, ..) | Self::Leave(id, _) | Self::End(id, ..) => Some(id),
        }
    }
}

/// Who a message says it is from, where it does.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// The user id.
    pub user_id: Option<UserId>,
    /// The token.
    pub access_token: Option<AccessToken>,
}

impl Claim for Claimed {
    fn claim(&self) -> (Option<&UserId>, Option<&AccessToken>) {
        (self.user_id.as_ref(), self.access_token.as_ref())
    }
}

/// `register-user`: this connection is a device of that user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Register {
    /// The user; must be the token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The Matrix access token.
    #[serde(default, serialize_with = "AccessToken::reveal", skip_serializing_if = "Option::is_none")]
    pub access_token: Option<AccessToken>,
    /// To resume: the session of the lost connection. What cannot be one is one that nobody has.
    #[serde(default, deserialize_with = "lost_session", skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// To resume: the last event that arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_id: Option<u64>,
}

impl Claim for Register {
    fn claim(&self) -> (Option<&UserId>, Option<&AccessToken>) {
        (self.user_id.as_ref(), self.access_token.as_ref())
    }
}

/// A client may have kept anything under this name; it must be able to register all the same.
fn lost_session<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SessionId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| SessionId::parse(&text).unwrap_or_else(|_| SessionId::from_random([0; 16]))))
}

/// `join-call`: this connection takes part in a call, and wants what waits for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinCall {
    /// The call.
    pub call_id: CallId,
    /// The user; must be the token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The Matrix access token, for a connection that has not registered.
    #[serde(default, serialize_with = "AccessToken::reveal", skip_serializing_if = "Option::is_none")]
    pub access_token: Option<AccessToken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InCall {
    call_id: CallId,
}

impl ClientMessage {
    /// Reads a message by its event's name.
    ///
    /// # Errors
    /// [`Malformed`]; an unknown name is `M_INVALID_PARAM`.
    pub fn parse(event: &str, body: &str) -> Result<Self, Malformed> {
        Ok(match event {
            "register-user" => Self::Register(parse_object(body)?),
            "join-call" => Self::Join(parse_object(body)?),
            "webrtc-offer" => Self::signal::<Offer>(body, SignalKind::Offer)?,
            "webrtc-answer" => Self::signal::<AnswerSdp>(body, SignalKind::Answer)?,
            "ice-candidate" => Self::signal::<Candidate>(body, SignalKind::Candidate)?,
            "toggle-audio" => Self::toggle(Media::Audio, body)?,
            "toggle-video" => Self::toggle(Media::Video, body)?,
            "toggle-screen" => Self::toggle(Media::Screen, body)?,
            "leave-call" => {
                let Act { user_id, access_token, .. } = parse_object(body)?;
                Self::Leave(call_id(body)?, Claimed { user_id, access_token })
            }
            "call-ended" => {
                let End { for_all, user_id, access_token } = parse_object(body)?;
                Self::End(call_id(body)?, for_all, Claimed { user_id, access_token })
            }
            _ => {
                let name: String = event.chars().take(64).collect();
                return Err(Malformed::invalid(format!("there is no message `{}`", name.escape_debug())));
            }
        })
    }

    /// Signals are most of what comes, so one look at a well-formed one must do; what else it may be takes as long as it takes.
    fn signal<B: serde::de::DeserializeOwned + SignalBody>(body: &str, kind: SignalKind) -> Result<Self, Malformed> {
        if let Some(message) = WellFormed::read(body).and_then(|well_formed| well_formed.signal(kind)) {
            return Ok(message);
        }
        let (signal, claimed) = parse_object::<B>(body)?.into_signal()?;
        Ok(Self::Signal(call_id(body)?, signal, claimed))
    }

    fn toggle(media: Media, body: &str) -> Result<Self, Malformed> {
        let Toggle { enabled, user_id, access_token } = parse_object(body)?;
        Ok(Self::Toggle(call_id(body)?, media, enabled, Claimed { user_id, access_token }))
    }
}

/// A frame of the plain WebSocket: the event's name is its `type`.
#[derive(Debug)]
pub struct TypedFrame<'a> {
    /// The event's name.
    pub event: Cow<'a, str>,
    /// Comes back with the acknowledgement, where the sender wants one.
    pub id: Option<Box<RawValue>>,
    /// What it asks.
    pub message: Result<ClientMessage, Malformed>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    event: String,
    id: Option<Box<RawValue>>,
}

impl<'a> TypedFrame<'a> {
    /// Reads a frame; a well-formed signal at one look.
    ///
    /// # Errors
    /// [`Malformed`] where it is no JSON object, or has no `type`.
    pub fn read(text: &'a str) -> Result<Self, Malformed> {
        if let Some(well_formed) = WellFormed::read(text)
            && let (Some(event), id) = (well_formed.event, well_formed.id)
            && let Some(message) = SignalKind::of(event).and_then(|kind| well_formed.signal(kind))
        {
            return Ok(Self { event: event.into(), id: id.map(ToOwned::to_owned), message: Ok(message) });
        }
        let Envelope { event, id } = parse_object(text)?;
        Ok(Self { message: ClientMessage::parse(&event, text), event: event.into(), id })
    }
}

/// A signal with everything that it must have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WellFormed<'a> {
    #[serde(rename = "type")]
    event: Option<&'a str>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    call_id: CallId,
    #[serde(borrow)]
    offer: Option<&'a RawValue>,
    #[serde(borrow)]
    answer: Option<&'a RawValue>,
    #[serde(borrow)]
    candidate: Option<&'a RawValue>,
    #[serde(default)]
    target_user_id: Target,
    target_device_id: Option<DeviceId>,
    user_id: Option<UserId>,
    access_token: Option<AccessToken>,
}

impl<'a> WellFormed<'a> {
    fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|_| text.trim_start().starts_with('{'))
    }

    fn signal(self, kind: SignalKind) -> Option<ClientMessage> {
        let payload = match kind {
            SignalKind::Offer => self.offer,
            SignalKind::Answer => self.answer,
            SignalKind::Candidate => self.candidate,
        };
        let payload = payload.filter(|payload| kind == SignalKind::Candidate || is_description(payload))?.to_owned();
        let signal = Signal { kind, payload, target: self.target_user_id, target_device: self.target_device_id };
        let claimed = Claimed { user_id: self.user_id, access_token: self.access_token };
        Some(ClientMessage::Signal(self.call_id, signal, claimed))
    }
}

/// Whether it can be a session description.
fn is_description(payload: &RawValue) -> bool {
    payload.get().starts_with(['{', '"'])
}

fn call_id(body: &str) -> Result<CallId, Malformed> {
    parse_object::<InCall>(body).map(|in_call| in_call.call_id)
}

/// The three bodies that carry a signal, on HTTP as in a message.
pub trait SignalBody: Claim {
    /// The signal, and who it says it is from.
    ///
    /// # Errors
    /// `M_INVALID_PARAM` for a session description that cannot be one.
    fn into_signal(self) -> Result<(Signal, Claimed), Malformed>;
}

macro_rules! signal_body {
    ($body:ident, $kind:ident, $payload:ident) => {
        impl SignalBody for $body {
            fn into_signal(self) -> Result<(Signal, Claimed), Malformed> {
                let kind = SignalKind::$kind;
                if kind != SignalKind::Candidate && !is_description(&self.$payload) {
                    let complaint =
                        concat!("`", stringify!($payload), "` must be a session description, as the browser gives it");
                    return Err(Malformed { errcode: errcode::BAD_JSON, error: complaint.to_owned() });
                }
                let signal =
                    Signal { kind, payload: self.$payload, target: self.target_user_id, target_device: self.target_device_id };
                Ok((signal, Claimed { user_id: self.user_id, access_token: self.access_token }))
            }
        }
    };
}

signal_body!(Offer, Offer, offer);
signal_body!(AnswerSdp, Answer, answer);
signal_body!(Candidate, Candidate, candidate);
