//! Offers, answers and candidates: who gets them, and how many wait for somebody who cannot get them yet.

use std::collections::VecDeque;

use crate::{
    call::{Call, Part, Refusal},
    ids::UserId,
    wire::Target,
};

/// How many signals wait for one participant (contract, section 4).
pub const MAX_WAITING: usize = 256;
/// How many bytes of signals wait for one participant (contract, section 4).
pub const MAX_WAITING_BYTES: usize = 1024 * 1024;

/// Decides which users a signal is for: those in the call, and those who may still come in.
///
/// # Errors
/// [`Refusal::NotParticipant`], [`Refusal::NotJoined`] about the sender, [`Refusal::State`] where the call is over,
/// [`Refusal::NoSuchTarget`].
pub fn route<'a>(call: &'a Call, from: &UserId, target: &Target) -> Result<Vec<&'a UserId>, Refusal> {
    let sender = call.participants.get(from).ok_or(Refusal::NotParticipant)?;
    if call.is_over() {
        return Err(Refusal::State { status: call.status(), why: "this call is over" });
    }
    if !matches!(sender.part, Part::Joined { .. }) {
        return Err(Refusal::NotJoined);
    }
    let receivers = call.participants.iter().filter(|(_, p)| match p.part {
        Part::Invited { .. } | Part::Ringing { .. } | Part::Joined { .. } => true,
        Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. } => false,
    });
    match target {
        Target::All => Ok(receivers.map(|(user, _)| user).filter(|user| *user != from).collect()),
        Target::User(wanted) => {
            receivers.map(|(user, _)| user).find(|user| *user == wanted).map(|user| vec![user]).ok_or(Refusal::NoSuchTarget)
        }
    }
}

/// Signals that wait for one participant, in order, in whatever shape they are delivered.
#[derive(Debug)]
pub struct Waiting<S> {
    signals: VecDeque<S>,
    bytes: usize,
}

impl<S> Default for Waiting<S> {
    fn default() -> Self {
        Self { signals: VecDeque::new(), bytes: 0 }
    }
}

/// No more can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many signals wait for somebody who has not joined yet: send the rest when they have")]
pub struct QueueFull;

impl<S> Waiting<S> {
    /// Appends a signal of so many bytes.
    ///
    /// # Errors
    /// [`QueueFull`] past [`MAX_WAITING`] or [`MAX_WAITING_BYTES`]; the signal is not kept then.
    pub fn push(&mut self, signal: S, bytes: usize) -> Result<(), QueueFull> {
        if self.signals.len() >= MAX_WAITING || self.bytes + bytes > MAX_WAITING_BYTES {
            return Err(QueueFull);
        }
        self.bytes += bytes;
        self.signals.push_back(signal);
        Ok(())
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.signals.len()
    }

    /// How many bytes they have.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    /// Takes all that waits, oldest first.
    pub fn take(&mut self) -> impl Iterator<Item = S> + use<S> {
        self.bytes = 0;
        std::mem::take(&mut self.signals).into_iter()
    }
}
