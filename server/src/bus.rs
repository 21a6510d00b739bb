//! How a change reaches the devices that must hear of it, on whichever node they are connected.
//!
//! A [`Parcel`] is plain data: it names devices, and each node carries it out for those that it has. With one node that is all.

use std::sync::Arc;

use call::{
    call::{CallType, Others},
    ids::{CallId, DeviceId, RoomId, SessionId, UserId},
    wire::{IncomingCall, ServerEvent},
};
use jiff::Timestamp;

use crate::{
    hub::{Event, Hub, Sent, Session},
    ice::Ice,
    metrics,
    trail::Ringing,
};

/// The way to every node.
pub enum Bus {
    /// One node: whoever can be reached is connected here.
    InProcess(Node),
}

/// What this node can reach by itself.
pub struct Node {
    /// Its devices.
    pub hub: Arc<Hub>,
    /// What they are given to connect with.
    pub ice: Arc<Ice>,
}

/// Something for devices to hear.
#[derive(Debug, Clone)]
pub enum Parcel {
    /// Every device of the user rings.
    Ring {
        /// Who is rung.
        user: UserId,
        /// With what.
        ring: Ring,
    },
    /// Every device of the user that shows the call stops, but the one that acted.
    Stop {
        /// The call.
        call: CallId,
        /// Whose devices.
        user: UserId,
        /// Which of them; all where absent.
        device: Option<DeviceId>,
        /// Which is told nothing.
        but: Option<Acting>,
        /// What the others are told.
        event: ServerEvent,
    },
    /// Every device of the user is told, whether it shows the call or not.
    TellUser {
        /// Whose devices.
        user: UserId,
        /// What they are told.
        event: ServerEvent,
    },
    /// These devices are told, where they show the call.
    TellDevices {
        /// The call.
        call: CallId,
        /// Which.
        devices: Others,
        /// What they are told.
        event: ServerEvent,
    },
    /// Every device of the user shows the call now: those of a caller, who hear of answers and rejections.
    Show {
        /// The call.
        call: CallId,
        /// The user.
        user: UserId,
    },
    /// The device that acted shows the call now.
    Enter {
        /// The call.
        call: CallId,
        /// The user.
        user: UserId,
        /// Which of the user's connections.
        acting: Acting,
    },
    /// The device shows the call no longer, by its own doing.
    Exit {
        /// The call.
        call: CallId,
        /// The user.
        user: UserId,
        /// Which of the user's devices; all where absent.
        device: Option<DeviceId>,
    },
}

/// What an incoming call is, for everyone alike.
#[derive(Debug, Clone)]
pub struct Ring {
    /// The call.
    pub call: CallId,
    /// Voice or video.
    pub kind: CallType,
    /// Its room.
    pub room: RoomId,
    /// Who calls.
    pub caller: UserId,
    /// What to show as the caller's name.
    pub caller_name: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When ringing stops.
    pub expires_at: Timestamp,
    /// Whether the receiver is in another call.
    pub busy: bool,
}

/// The connection that acted: the one session where it is known, else all of the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// The device.
    pub device: DeviceId,
    /// The session.
    pub session: Option<SessionId>,
}

impl Acting {
    /// Whether this session is it.
    pub fn is(&self, session: &Session) -> bool {
        match &self.session {
            Some(id) => session.id == *id,
            None => session.device == self.device,
        }
    }
}

/// Who was reached.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The devices that were told at once.
    pub devices: Vec<DeviceId>,
    /// The devices that have just lost their connection, and ring when they resume.
    pub away: Vec<DeviceId>,
}

impl Bus {
    /// Sends a parcel to every node, and says which devices it reached.
    pub fn publish(&self, parcel: &Parcel, now: Timestamp) -> Reached {
        match self {
            Self::InProcess(node) => node.carry_out(parcel, now),
        }
    }
}

impl Node {
    fn carry_out(&self, parcel: &Parcel, now: Timestamp) -> Reached {
        let mut reached = Reached::default();
        match parcel {
            Parcel::Ring { user, ring } => {
                for session in self.hub.sessions(user) {
                    let list = match self.ring(&session, ring, now, Ringing::set_out(&ring.call)) {
                        Some(Sent::Live) => {
                            metrics::ring_sent();
                            &mut reached.devices
                        }
                        Some(Sent::Kept) => &mut reached.away,
                        None => continue,
                    };
                    if !list.contains(&session.device) {
                        list.push(session.device.clone());
                    }
                }
            }
            Parcel::Stop { call, user, device, but, event } => {
                let event = Arc::new(Event::new(event));
                let but = but.as_ref().map(|acting| self.who_acted(user, acting));
                for session in self.hub.sessions(user) {
                    let is_meant = device.as_ref().is_none_or(|device| session.device == *device);
                    if is_meant && but.as_ref().is_none_or(|acting| !acting.is(&session)) {
                        session.stop(call, &event);
                    }
                }
            }
            Parcel::TellUser { user, event } => {
                let event = Arc::new(Event::new(event));
                for session in self.hub.sessions(user) {
                    session.send(&event);
                }
            }
            Parcel::TellDevices { call, devices, event } => {
                let event = Arc::new(Event::new(event));
                for (user, device) in devices {
                    self.hub.send_where_shown(call, user, device, &event);
                }
            }
            Parcel::Show { call, user } => self.shows(call, user, |_| true, true),
            Parcel::Enter { call, user, acting } => {
                let acting = self.who_acted(user, acting);
                self.shows(call, user, |session| acting.is(session), true);
            }
            Parcel::Exit { call, user, device } => {
                self.shows(call, user, |session| device.as_ref().is_none_or(|device| session.device == *device), false);
            }
        }
        reached
    }

    /// Where the session that acted is lost for good, it is whatever the device has instead.
    fn who_acted(&self, user: &UserId, acting: &Acting) -> Acting {
        let is_here = self.hub.sessions(user).iter().any(|session| acting.is(session));
        Acting { device: acting.device.clone(), session: acting.session.clone().filter(|_| is_here) }
    }

    /// Rings one session, if it does not ring already.
    pub fn ring(&self, session: &Session, ring: &Ring, now: Timestamp, watched: Option<Ringing>) -> Option<Sent> {
        let sent = session.ring(&ring.call, |base_url| {
            let event = Event::new(&ServerEvent::IncomingCall(Box::new(IncomingCall {
                event_type: "incoming_call".into(),
                call_id: ring.call.clone(),
                call_type: ring.kind,
                room_id: ring.room.clone(),
                caller_name: ring.caller_name.clone(),
                caller_id: ring.caller.clone(),
                initiator_id: ring.caller.clone(),
                ice_servers: self.ice.at_hand(&session.user, now),
                base_url: base_url.to_owned(),
                expires_at: ring.expires_at,
                created_at: ring.created_at,
                busy: ring.busy,
            })));
            Event { ringing: watched.map(Box::new), ..event }
        });
        if sent == Some(Sent::Live) {
            let Session { user, device, .. } = session;
            tracing::info!(call_id = %ring.call, %user, %device, caller = %ring.caller, "notified {user} on device {device}");
        }
        sent
    }

    fn shows(&self, call: &CallId, user: &UserId, which: impl Fn(&Session) -> bool, shows: bool) {
        for session in self.hub.sessions(user).iter().filter(|session| which(session)) {
            session.set_shows(call, shows);
        }
    }
}
