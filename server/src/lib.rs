//! `ringback`: a call backend for Matrix. A library only for its own benchmarks: nothing here is a promise.

mod alarm;
mod app;
mod appservice;
mod auth;
mod bus;
mod calls;
mod causes;
mod clock;
mod commands;
mod config;
mod deliver;
mod doctor;
mod error;
mod homeserver;
mod http;
mod hub;
mod ice;
mod ignored;
mod init;
mod journal;
mod lifecycle;
mod logs;
mod metrics;
#[cfg(test)]
mod model;
mod notices;
mod phone;
mod public_url;
mod secret;
mod socket;
mod store;
mod timers;
mod traces;
mod trail;
mod why;

use std::{io::Write as _, process::ExitCode};

use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};
use commands::{read_config, with_settings};
use mimalloc::MiMalloc;

/// What benchmarks measure by itself.
pub mod parts {
    pub use crate::{
        auth::Identity,
        hub::{Event, Hub},
    };
}

/// Signals are allocated by one thread and freed by another, where the system's allocator waits for a lock.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `EX_CONFIG` of sysexits(3): trying again is of no use. The systemd unit knows it.
const BAD_SETTINGS: u8 = 78;

/// The program.
pub fn main() -> ExitCode {
    // Where the kernel leaves it to programs, the allocator asks for pages of 2 MiB, of which a few small devices keep whole ones. One
    // that cannot be told so needs more memory, no worse.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    match run(&commands().get_matches()) {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to be done where even this cannot be written.
            let _ = writeln!(std::io::stderr(), "ringback: {error:#}");
            if error.is::<config::ConfigError>() { ExitCode::from(BAD_SETTINGS) } else { ExitCode::FAILURE }
        }
    }
}

fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = match matches.subcommand() {
        Some(("doctor", matches)) => {
            let args = doctor::DoctorArgs::from_arg_matches(matches)?;
            if args.why.is_some() {
                return runtime.block_on(why::run(&args)).map(|()| ExitCode::SUCCESS);
            }
            let result = runtime.block_on(doctor::run(args));
            // A name that is still being looked up must not hold up the exit.
            runtime.shutdown_background();
            return result;
        }
        Some(("serve", matches)) => {
            let (config, file) = read_config(matches)?;
            let traces = logs::start(&config)?;
            tracing::info!("settings: {file}");
            for doubt in config::doubts(&config, file.path()) {
                tracing::warn!("{doubt}");
            }
            let served = runtime.block_on(lifecycle::serve(config));
            if let Some(traces) = traces {
                traces.finish();
            }
            served
        }
        Some(("phone", matches)) => {
            let result = runtime.block_on(phone::run(phone::PhoneArgs::from_arg_matches(matches)?));
            // A read from the terminal cannot be called back, and must not hold up the exit.
            runtime.shutdown_background();
            result
        }
        Some(("init", matches)) => runtime.block_on(init::run(&init::InitArgs::from_arg_matches(matches)?)),
        Some(("config", matches)) => commands::config::run(matches),
        Some(("health", matches)) => runtime.block_on(commands::health::run(matches)),
        Some(("registration", matches)) => commands::registration::run(matches),
        Some(("forget", matches)) => runtime.block_on(commands::forget::run(matches)),
        Some(("openapi", _)) => Ok(writeln!(std::io::stdout(), "{}", http::document().to_pretty_json()?)?),
        _ => unreachable!("a subcommand is required"),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn commands() -> Command {
    Command::new("ringback")
        .about("A call backend for Matrix: makes calls ring")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(init::InitArgs::augment_args(Command::new("init").about("Ask four questions, and write the settings")))
        .subcommand(with_settings(Command::new("serve").about("Run the server")))
        .subcommand(phone::PhoneArgs::augment_args(Command::new("phone").about("A phone in the terminal, to try calls with")))
        .subcommand(doctor::DoctorArgs::augment_args(Command::new("doctor")))
        .subcommand(commands::config::command())
        .subcommand(commands::health::command())
        .subcommand(commands::registration::command())
        .subcommand(commands::forget::command())
        .subcommand(Command::new("openapi").about("Print the OpenAPI document"))
}
