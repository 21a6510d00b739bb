//! What happens to a call once it rings: every command in every state.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    CONNECT_WITHIN, Call, CallType, Command, Effect, EndReason, Ender, Handled, MAX_RUNG_AS_A_WHOLE, Media, Part, Participant,
    Presence, Reach, Refusal, State,
};
use crate::ids::{DeviceId, UserId};

/// The call as it is afterwards, and what others must hear.
pub type Change = (Call, Vec<Effect>);

impl Call {
    /// Decides about a command of a user. An unchanged call and no effects: it was so already.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing has changed then.
    pub fn apply(self, now: Timestamp, by: &UserId, command: Command) -> Result<Change, Refusal> {
        let version = self.version;
        let before = self.state.clone();
        let participants = self.participants.clone();
        let (mut call, effects) = match command {
            Command::Answer { device, connected } => self.answer(now, by, device, connected),
            Command::Reject { reason } => self.reject(now, by, reason),
            Command::Join { device, connected } => self.join(now, by, device, connected),
            Command::Leave { device } => self.leave(now, by, &device),
            Command::End { for_all } => self.end(now, by, for_all),
            Command::Invite { users, until } => self.invite(by, users, until),
            Command::Toggle { media, enabled } => self.toggle(by, media, enabled),
            Command::Connected { device } => Ok(self.presence(by, &device, Presence::Connected)),
            Command::Disconnected { device, until } => Ok(self.presence(by, &device, Presence::Until(until))),
        }?;
        if call.state != before || call.participants != participants {
            call.version = version + 1;
        }
        Ok((call, effects))
    }

    /// Does what is due at `now`: devices that were away too long have left, and ringing stops at the ring timeout.
    #[must_use]
    pub fn expire(mut self, now: Timestamp) -> Change {
        let mut effects = Vec::new();
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return (self, effects);
        }
        self.version += 1;
        let lost: Vec<(UserId, DeviceId)> = self
            .participants
            .iter()
            .flat_map(|(user, p)| p.part.devices().map(move |(device, presence)| (user, device, presence)))
            .filter(|(_, _, presence)| matches!(presence, Presence::Until(until) if *until <= now))
            .map(|(user, device, _)| (user.clone(), device.clone()))
            .collect();
        for (user, device) in lost {
            self.take_out(now, &user, &device, &mut effects);
        }
        self.end_if_deserted(now, &Ender::System, EndReason::Disconnected, &mut effects);
        if !self.is_over() {
            self.stop_ringing(now, &mut effects);
        }
        (self, effects)
    }

    /// After a restart nobody has a socket: everyone in the call has until `until` to come back.
    #[must_use]
    pub fn restarted(mut self, until: Timestamp) -> Call {
        let before = self.participants.clone();
        for participant in self.participants.values_mut() {
            let Part::Joined { devices, .. } = &mut participant.part else { continue };
            for presence in devices.values_mut() {
                *presence = match *presence {
                    Presence::Connected => Presence::Until(until),
                    Presence::Until(earlier) => Presence::Until(earlier.max(until)),
                    Presence::Awaited => Presence::Awaited,
                };
            }
        }
        if self.participants != before {
            self.version += 1;
        }
        self
    }

    /// A device of somebody who is rung was told; `None` where that was known, or does not matter any more.
    #[must_use]
    pub fn told(mut self, user: &UserId) -> Option<Call> {
        let participant = self.participants.get_mut(user).filter(|p| !p.muted)?;
        let Part::Invited { until } = participant.part else { return None };
        participant.part = Part::Ringing { until };
        self.version += 1;
        Some(self)
    }

    /// A user is not in the room any more: it neither rings for them nor goes on with them.
    #[must_use]
    pub fn left_room(mut self, now: Timestamp, user: &UserId) -> Change {
        let mut effects = Vec::new();
        let Some(part) = self.participants.get(user).map(|p| p.part.clone()).filter(|_| !self.is_over()) else {
            return (self, effects);
        };
        match part {
            Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. } => return (self, effects),
            Part::Invited { .. } | Part::Ringing { .. } => {
                self.give_up_on(now, vec![user.clone()], EndReason::Cancelled, &mut effects);
                if self.state == State::Ringing && !self.is_ringing_anyone() {
                    self.finish(now, State::Missed { at: now }, Ender::System, EndReason::Timeout, &mut effects);
                }
            }
            Part::Joined { .. } => {
                let reason = self.reason_to_go();
                self.take_out_whole(now, user, &mut effects);
                self.end_if_deserted(now, &Ender::User(user.clone()), reason, &mut effects);
            }
        }
        self.version += 1;
        (self, effects)
    }

    /// A user is in the room now: a call that rings the whole room rings them too, for the time that is left.
    #[must_use]
    pub fn joined_room(mut self, now: Timestamp, user: &UserId, reach: Reach) -> Change {
        let mut effects = Vec::new();
        let may_ring =
            self.whole_room && !self.is_over() && now < self.expires_at && self.participants.len() < MAX_RUNG_AS_A_WHOLE;
        let is_new = self.participants.get(user).is_none_or(|p| matches!(p.part, Part::Missed { .. }));
        if may_ring && is_new {
            let (until, caller) = (self.expires_at, self.caller.clone());
            self.ring(user.clone(), reach, until, &caller, &mut effects);
            self.version += 1;
        }
        (self, effects)
    }

    fn answer(mut self, now: Timestamp, by: &UserId, device: DeviceId, connected: bool) -> Result<Change, Refusal> {
        let part = self.part_of(by)?.clone();
        if self.is_over() {
            return Err(self.refused("this call is over"));
        }
        match part {
            Part::Joined { .. } if *by == self.caller => {
                Err(self.refused("this is your own call: wait for somebody to answer it"))
            }
            // A repeat; where the device has left in between, it comes in again.
            Part::Joined { first, .. } if first == device => self.join(now, by, device, connected),
            Part::Joined { .. } => Err(self.refused("another device of yours has answered: join the call to bring this one in")),
            Part::Invited { .. } | Part::Ringing { .. } | Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. } => {
                let mut effects = Vec::new();
                if *by != self.caller {
                    effects.push(Effect::Answered { by: by.clone() });
                }
                if part.is_rung() {
                    effects.push(Effect::HandledElsewhere { user: by.clone(), action: Handled::Answered });
                }
                if self.state == State::Ringing {
                    self.state = State::Active { since: now };
                    self.expect_sockets(now);
                }
                self.bring_in(now, by, device, connected, &mut effects);
                Ok((self, effects))
            }
        }
    }

    fn reject(mut self, now: Timestamp, by: &UserId, reason: Option<String>) -> Result<Change, Refusal> {
        match self.part_of(by)? {
            Part::Rejected { .. } => Ok((self, Vec::new())),
            Part::Joined { .. } => Err(self.refused("you are in this call: end it instead")),
            Part::Left { .. } | Part::Missed { .. } => Err(self.refused("this call does not ring for you any more")),
            Part::Invited { .. } | Part::Ringing { .. } => {
                self.set_part(by, Part::Rejected { at: now });
                let mut effects = vec![
                    Effect::Rejected { by: by.clone(), reason },
                    Effect::HandledElsewhere { user: by.clone(), action: Handled::Rejected },
                ];
                if self.state == State::Ringing && !self.is_ringing_anyone() {
                    let by = Ender::User(by.clone());
                    let state = State::Rejected { at: now, by: by.clone() };
                    self.finish(now, state, by, EndReason::Rejected, &mut effects);
                }
                Ok((self, effects))
            }
        }
    }

    fn join(mut self, now: Timestamp, by: &UserId, device: DeviceId, connected: bool) -> Result<Change, Refusal> {
        if self.is_over() {
            return Err(self.refused("this call is over"));
        }
        let part = self.participants.get(by).map(|p| p.part.clone());
        let mut effects = Vec::new();
        match part {
            Some(Part::Joined { devices, .. }) if devices.contains_key(&device) => {
                return Ok(if connected { self.presence(by, &device, Presence::Connected) } else { (self, effects) });
            }
            Some(Part::Joined { .. }) => {}
            _ if self.state == State::Ringing => {
                return Err(self.refused("nobody has answered this call yet: answer it, if it rings for you"));
            }
            Some(Part::Invited { .. } | Part::Ringing { .. }) => {
                effects.push(Effect::HandledElsewhere { user: by.clone(), action: Handled::Answered });
            }
            Some(Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. }) | None => {}
        }
        self.bring_in(now, by, device, connected, &mut effects);
        Ok((self, effects))
    }

    fn leave(mut self, now: Timestamp, by: &UserId, device: &DeviceId) -> Result<Change, Refusal> {
        let part = self.part_of(by)?.clone();
        if self.is_over() {
            return Ok((self, Vec::new()));
        }
        match part {
            Part::Invited { .. } | Part::Ringing { .. } => Err(Refusal::NotJoined),
            Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. } => Ok((self, Vec::new())),
            Part::Joined { devices, .. } => {
                let mut effects = Vec::new();
                if devices.contains_key(device) {
                    self.take_out(now, by, device, &mut effects);
                } else {
                    self.take_out_whole(now, by, &mut effects);
                }
                let reason = self.reason_to_go();
                self.end_if_deserted(now, &Ender::User(by.clone()), reason, &mut effects);
                Ok((self, effects))
            }
        }
    }

    fn end(mut self, now: Timestamp, by: &UserId, for_all: bool) -> Result<Change, Refusal> {
        let part = self.part_of(by)?.clone();
        if for_all && *by != self.caller {
            return Err(Refusal::NotCaller);
        }
        if self.is_over() {
            return Ok((self, Vec::new()));
        }
        let mut effects = Vec::new();
        match part {
            Part::Invited { .. } | Part::Ringing { .. } if !for_all => return self.reject(now, by, None),
            Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. } if !for_all => {}
            Part::Joined { .. } if self.is_group() && !for_all && self.state != State::Ringing => {
                self.take_out_whole(now, by, &mut effects);
                self.end_if_deserted(now, &Ender::User(by.clone()), EndReason::Hangup, &mut effects);
            }
            Part::Invited { .. }
            | Part::Ringing { .. }
            | Part::Joined { .. }
            | Part::Left { .. }
            | Part::Rejected { .. }
            | Part::Missed { .. } => {
                let reason = self.reason_to_go();
                self.finish_ended(now, Ender::User(by.clone()), reason, &mut effects);
            }
        }
        Ok((self, effects))
    }

    fn invite(mut self, by: &UserId, users: Vec<(UserId, Reach)>, until: Timestamp) -> Result<Change, Refusal> {
        let part = self.part_of(by)?;
        match self.state {
            State::Active { .. } => {}
            State::Ringing => return Err(self.refused("nobody has answered yet: invite more when somebody has")),
            State::Ended { .. } | State::Rejected { .. } | State::Missed { .. } => return Err(self.refused("this call is over")),
        }
        if !matches!(part, Part::Joined { .. }) {
            return Err(Refusal::NotJoined);
        }
        let mut effects = Vec::new();
        for (user, reach) in users {
            let part = self.participants.get(&user).map(|p| &p.part);
            if part.is_none_or(|part| matches!(part, Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. })) {
                self.ring(user, reach, until, by, &mut effects);
            }
        }
        Ok((self, effects))
    }

    fn toggle(mut self, by: &UserId, media: Media, enabled: bool) -> Result<Change, Refusal> {
        let part = self.part_of(by)?.clone();
        if self.is_over() {
            return Err(self.refused("this call is over"));
        }
        let Part::Joined { devices, .. } = part else { return Err(Refusal::NotJoined) };
        let Some(participant) = self.participants.get_mut(by) else { return Err(Refusal::NotParticipant) };
        let setting = match media {
            Media::Audio => &mut participant.audio,
            Media::Video => &mut participant.video,
            Media::Screen => &mut participant.screen,
        };
        if *setting == enabled {
            return Ok((self, Vec::new()));
        }
        *setting = enabled;
        let to = self
            .participants
            .iter()
            .filter(|(user, _)| *user != by)
            .flat_map(|(user, p)| p.part.devices().map(|(device, _)| (user.clone(), device.clone())))
            .chain(devices.into_keys().map(|device| (by.clone(), device)))
            .collect();
        Ok((self, vec![Effect::Toggled { user: by.clone(), media, enabled, to }]))
    }

    fn presence(mut self, by: &UserId, device: &DeviceId, presence: Presence) -> Change {
        if !self.is_over()
            && let Some(Participant { part: Part::Joined { devices, .. }, .. }) = self.participants.get_mut(by)
            && let Some(known) = devices.get_mut(device)
        {
            *known = presence;
        }
        (self, Vec::new())
    }

    fn part_of(&self, user: &UserId) -> Result<&Part, Refusal> {
        self.participants.get(user).map(|p| &p.part).ok_or(Refusal::NotParticipant)
    }

    fn set_part(&mut self, user: &UserId, part: Part) {
        if let Some(participant) = self.participants.get_mut(user) {
            participant.part = part;
        }
    }

    fn refused(&self, why: &'static str) -> Refusal {
        Refusal::State { status: self.status(), why }
    }

    /// Before an answer the caller cancels by going, afterwards whoever goes hangs up.
    fn reason_to_go(&self) -> EndReason {
        if self.state == State::Ringing { EndReason::Cancelled } else { EndReason::Hangup }
    }

    fn is_group(&self) -> bool {
        self.participants.len() > 2
    }

    /// A caller without a socket may ring, but not talk: from the answer on it has the time that an answerer has.
    fn expect_sockets(&mut self, now: Timestamp) {
        for participant in self.participants.values_mut() {
            let Part::Joined { devices, .. } = &mut participant.part else { continue };
            for presence in devices.values_mut().filter(|presence| **presence == Presence::Awaited) {
                *presence = Presence::Until(now + CONNECT_WITHIN);
            }
        }
    }

    fn bring_in(&mut self, now: Timestamp, user: &UserId, device: DeviceId, connected: bool, effects: &mut Vec<Effect>) {
        let presence = match (connected, &self.state) {
            (true, _) => Presence::Connected,
            (false, State::Ringing) => Presence::Awaited,
            (false, _) => Presence::Until(now + CONNECT_WITHIN),
        };
        let to = self.others(user, &device);
        effects.push(Effect::Entered { user: user.clone(), device: device.clone(), to });
        let video = self.kind == CallType::Video;
        match self.participants.get_mut(user) {
            Some(Participant { part: Part::Joined { devices, .. }, .. }) => drop(devices.insert(device, presence)),
            known => {
                let devices = BTreeMap::from([(device.clone(), presence)]);
                let part = Part::Joined { since: now, first: device, devices };
                if let Some(participant) = known {
                    participant.part = part;
                } else {
                    let newcomer = Participant { part, audio: true, video, screen: false, muted: false };
                    self.participants.insert(user.clone(), newcomer);
                }
            }
        }
    }

    fn take_out(&mut self, now: Timestamp, user: &UserId, device: &DeviceId, effects: &mut Vec<Effect>) {
        let Some(Participant { part, screen, .. }) = self.participants.get_mut(user) else { return };
        let Part::Joined { since, devices, .. } = part else { return };
        devices.remove(device);
        let gone = devices.is_empty();
        if gone {
            *part = Part::Left { since: *since, at: now };
            *screen = false;
        }
        let to = self.others(user, device);
        effects.push(Effect::Exited { user: user.clone(), device: device.clone(), gone, to });
    }

    fn take_out_whole(&mut self, now: Timestamp, user: &UserId, effects: &mut Vec<Effect>) {
        let devices: Vec<DeviceId> =
            self.participants.get(user).into_iter().flat_map(|p| p.part.devices()).map(|(device, _)| device.clone()).collect();
        for device in devices {
            self.take_out(now, user, &device, effects);
        }
    }

    fn end_if_deserted(&mut self, now: Timestamp, by: &Ender, reason: EndReason, effects: &mut Vec<Effect>) {
        let left = self.participants.values().filter(|p| matches!(p.part, Part::Joined { .. })).count();
        let deserted = match self.state {
            State::Ringing => left == 0,
            State::Active { .. } if self.is_group() => left == 0,
            State::Active { .. } => left < 2,
            State::Ended { .. } | State::Rejected { .. } | State::Missed { .. } => false,
        };
        if deserted {
            self.finish_ended(now, by.clone(), reason, effects);
        }
    }

    fn stop_ringing(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.state == State::Ringing {
            if self.expires_at <= now {
                self.finish(now, State::Missed { at: now }, Ender::System, EndReason::Timeout, effects);
            }
            return;
        }
        let rung = |p: &Participant| p.part.rung_until().is_some_and(|until| until <= now);
        let users: Vec<UserId> = self.participants.iter().filter(|(_, p)| rung(p)).map(|(user, _)| user.clone()).collect();
        self.give_up_on(now, users, EndReason::Timeout, effects);
    }

    fn give_up_on(&mut self, now: Timestamp, users: Vec<UserId>, reason: EndReason, effects: &mut Vec<Effect>) {
        for user in &users {
            self.set_part(user, Part::Missed { at: now });
        }
        if !users.is_empty() {
            effects.push(Effect::StopRinging { users, reason });
        }
    }

    fn finish_ended(&mut self, now: Timestamp, by: Ender, reason: EndReason, effects: &mut Vec<Effect>) {
        let state = State::Ended { since: self.started_at(), at: now, by: by.clone(), reason };
        self.finish(now, state, by, reason, effects);
    }

    fn finish(&mut self, now: Timestamp, state: State, by: Ender, reason: EndReason, effects: &mut Vec<Effect>) {
        let mut users = Vec::new();
        for (user, participant) in &mut self.participants {
            participant.part = match participant.part {
                Part::Invited { .. } | Part::Ringing { .. } => Part::Missed { at: now },
                Part::Joined { since, .. } => Part::Left { since, at: now },
                Part::Left { .. } | Part::Rejected { .. } | Part::Missed { .. } => continue,
            };
            users.push(user.clone());
        }
        self.state = state;
        effects.push(Effect::Over { by, reason, users });
    }
}
