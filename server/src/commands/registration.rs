//! `ringback registration`: what makes Ringback an application service of the homeserver.

use std::{
    fs::OpenOptions,
    io::{Write as _, stdout},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use anyhow::Context as _;
use clap::{Arg, ArgMatches, Command, value_parser};
use url::Url;

use crate::appservice;

/// The command line.
pub fn command() -> Command {
    Command::new("registration")
        .about("Write a registration as an application service of the homeserver")
        .arg(
            Arg::new("url")
                .long("url")
                .default_value("http://localhost:3000")
                .value_parser(value_parser!(Url))
                .help("Where the homeserver reaches Ringback"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Where to write it [default: here]"),
        )
}

/// Does it.
///
/// # Errors
/// Where the file cannot be made, or exists.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let url = matches.get_one::<Url>("url").context("--url has a default")?;
    let text = appservice::registration(url);
    let Some(path) = matches.get_one::<PathBuf>("out") else { return Ok(write!(stdout(), "{text}")?) };
    let made = OpenOptions::new().write(true).create_new(true).mode(0o640).open(path);
    let mut file = made.with_context(|| format!("cannot make {}: it must not exist yet", path.display()))?;
    file.write_all(text.as_bytes())?;
    let path = std::path::absolute(path)?;
    let path = path.display();
    let next = format!(
        "Written to {path}.\n1. Synapse's homeserver.yaml: app_service_config_files: [\"{path}\"], then restart Synapse.\n\
         2. Ringback: RINGBACK_APPSERVICE={path}, then restart Ringback."
    );
    Ok(writeln!(stdout(), "{next}")?)
}
