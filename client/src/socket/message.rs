//! Frames: from a message to its text, and from a text to its event.

use call::{
    call::Media,
    ids::{AccessToken, CallId, DeviceId},
    wire::{JoinCall, Register, ServerEvent, SignalKind, Target},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// A message to the server.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// `register-user`. [`super::Socket::register`] does it, and remembers the session.
    Register(Register),
    /// `join-call`.
    Join(JoinCall),
    /// `webrtc-offer`, `webrtc-answer` or `ice-candidate`.
    Signal {
        /// The call.
        call_id: CallId,
        /// Which of the three.
        kind: SignalKind,
        /// What a browser gives.
        payload: Value,
        /// For whom.
        target: Target,
        /// For which of that user's devices; all of them in the call where `None`.
        target_device: Option<DeviceId>,
    },
    /// `toggle-audio`, `toggle-video` or `toggle-screen`.
    Toggle {
        /// The call.
        call_id: CallId,
        /// Which.
        media: Media,
        /// On or off.
        enabled: bool,
    },
    /// `leave-call`.
    Leave {
        /// The call.
        call_id: CallId,
    },
    /// `call-ended`.
    End {
        /// The call.
        call_id: CallId,
        /// Whether the caller ends a group call for everyone.
        for_all: bool,
    },
}

impl Outgoing {
    /// `join-call` on a connection that has registered.
    #[must_use]
    pub fn join(call_id: &CallId) -> Self {
        Self::Join(JoinCall { call_id: call_id.clone(), user_id: None, access_token: None })
    }

    /// The message's name.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            Self::Register(_) => "register-user",
            Self::Join(_) => "join-call",
            Self::Signal { kind, .. } => kind.event(),
            Self::Toggle { media, .. } => match media {
                Media::Audio => "toggle-audio",
                Media::Video => "toggle-video",
                Media::Screen => "toggle-screen",
            },
            Self::Leave { .. } => "leave-call",
            Self::End { .. } => "call-ended",
        }
    }

    /// The text frame.
    pub(super) fn frame(&self, id: Option<u64>) -> String {
        let mut frame = Frame { event: self.event(), id, ..Frame::default() };
        match self {
            Self::Register(register) => frame.register = Some(register),
            Self::Join(JoinCall { call_id, user_id, access_token }) => {
                frame.call_id = Some(call_id);
                frame.user_id = user_id.as_ref().map(call::ids::UserId::as_str);
                frame.access_token = access_token.as_ref().map(AccessToken::expose);
            }
            Self::Signal { call_id, kind, payload, target, target_device } => {
                frame.call_id = Some(call_id);
                match kind {
                    SignalKind::Offer => frame.offer = Some(payload),
                    SignalKind::Answer => frame.answer = Some(payload),
                    SignalKind::Candidate => frame.candidate = Some(payload),
                }
                frame.target_user_id = Some(target);
                frame.target_device_id = target_device.as_ref();
            }
            Self::Toggle { call_id, enabled, .. } => {
                frame.call_id = Some(call_id);
                frame.enabled = Some(*enabled);
            }
            Self::Leave { call_id } => frame.call_id = Some(call_id),
            Self::End { call_id, for_all } => {
                frame.call_id = Some(call_id);
                frame.for_all = for_all.then_some(true);
            }
        }
        serde_json::to_string(&frame).expect("maps with text keys alone")
    }
}

/// Every field that a message of a client can have.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    #[serde(rename = "type")]
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(flatten)]
    register: Option<&'a Register>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_id: Option<&'a CallId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_user_id: Option<&'a Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_device_id: Option<&'a DeviceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    for_all: Option<bool>,
}

/// A message of the server.
#[derive(Debug, Clone)]
pub struct Received {
    /// Counts a session's events.
    pub event_id: Option<u64>,
    /// What it says.
    pub event: Event,
    /// The frame, as it came.
    pub text: String,
}

/// What a message says.
#[derive(Debug, Clone)]
pub enum Event {
    /// One of the contract's.
    Known(ServerEvent),
    /// Of a newer server: its name. Pass over it.
    Other(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(rename = "type")]
    name: String,
    #[serde(default)]
    event_id: Option<u64>,
}

impl Received {
    /// Reads a text frame.
    ///
    /// # Errors
    /// [`Error::BadMessage`].
    pub fn read(text: &str) -> Result<Self, Error> {
        let head: Head = serde_json::from_str(text).map_err(|error| Error::BadMessage { event: None, why: error.to_string() })?;
        let event = match serde_json::from_str(text) {
            Ok(event) => Event::Known(event),
            // serde tells an unknown tag from an unknown value in its sentence alone.
            Err(error) if error.to_string().starts_with(&format!("unknown variant `{}`", head.name)) => Event::Other(head.name),
            Err(error) => {
                let why = format!("`{}`: {error}", head.name.escape_debug());
                return Err(Error::BadMessage { event: Some(head.name), why });
            }
        };
        Ok(Self { event_id: head.event_id, event, text: text.to_owned() })
    }

    /// The event's name, as in the frame's `type`.
    #[must_use]
    pub fn name(&self) -> String {
        serde_json::from_str::<Head>(&self.text).map(|head| head.name).unwrap_or_default()
    }
}
