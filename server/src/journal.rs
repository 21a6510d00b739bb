//! Notes for the operator: which device was told of a call, and when. `ringback doctor --why` reads them.
//!
//! They say what has happened already, so they need not be stored before anyone is told: they wait here, and go to the database
//! many at once. A crash loses those of the last moment.

use std::mem;

use call::ids::{CallId, DeviceId, UserId};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Notify;

use crate::store::{Note, Transition};

/// How many notes wait at most; more are dropped, for the calls matter more.
const MOST: usize = 10_000;

/// How a device came to ring, or why nobody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was connected.
    Connected,
    /// It had just lost its connection, and rings when it resumes.
    Away,
    /// It registered while the call rang.
    Registered,
}

impl Told {
    fn word(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Away => "away",
            Self::Registered => "registered",
        }
    }
}

/// The notes that are not stored yet.
#[derive(Debug, Default)]
pub struct Journal {
    notes: Mutex<Vec<Note>>,
    some: Notify,
}

impl Journal {
    /// A device was told that a call rings.
    pub fn notified(&self, call: &CallId, user: &UserId, device: &DeviceId, how: Told, at: Timestamp) {
        self.add(call, user, "notified", json!({ "deviceId": device, "was": how.word() }), at);
    }

    /// No device of a user was there to be told.
    pub fn pending(&self, call: &CallId, user: &UserId, at: Timestamp) {
        self.add(call, user, "pending", json!({}), at);
    }

    /// A device lost its last connection while a call rang for its user, or had it in it.
    pub fn lost(&self, call: &CallId, user: &UserId, device: &DeviceId, at: Timestamp) {
        self.add(call, user, "connection-lost", json!({ "deviceId": device }), at);
    }

    fn add(&self, call: &CallId, user: &UserId, event_type: &'static str, metadata: serde_json::Value, at: Timestamp) {
        let mut notes = self.notes.lock();
        if notes.len() < MOST {
            notes.push(Note { call: call.clone(), what: Transition { user: Some(user.clone()), event_type, metadata }, at });
            self.some.notify_one();
        }
    }

    /// What waits.
    pub fn take(&self) -> Vec<Note> {
        mem::take(&mut *self.notes.lock())
    }

    /// Waits until something does.
    pub async fn some(&self) {
        self.some.notified().await;
    }
}
