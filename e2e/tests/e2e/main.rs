//! The real binary beside a real Synapse, with real clients: what a user would notice. Run it by `cargo xtask test`.
//!
//! One program, so that tests which mostly wait do so at the same time; one module for each theme.
#![allow(clippy::similar_names, reason = "caller and callee are the words of the field")]

mod addresses;
mod appservice;
mod clients;
mod compose;
mod config;
mod cuts;
mod devices;
mod doctor;
mod documented;
mod groups;
mod history;
mod homeserver;
mod ice;
mod init;
mod logs;
mod metrics;
mod one_winner;
mod openapi;
mod origin;
mod package;
mod pasted;
mod phone;
mod refusals;
mod refused_messages;
mod repeats;
mod restart;
mod resume;
mod room_line;
mod rules;
mod secrets;
mod shutdown;
mod silent;
mod softphone;
mod timers;
mod traces;
mod turn;
mod waiting;
