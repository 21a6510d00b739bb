//! The commands that are not servers or phones, and how every command that needs settings reads them.

pub mod config;
pub mod forget;
pub mod health;
pub mod registration;

use std::{env, ffi::OsString};

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::config::{Config, SETTINGS, Setting, SettingsFile, Sources};

/// A command that reads the settings as `serve` does.
pub fn with_settings(command: Command) -> Command {
    command.arg(file_argument()).args(SETTINGS.iter().map(flag))
}

/// Which file the settings are in.
pub fn file_argument() -> Arg {
    Arg::new("config")
        .long("config")
        .env("RINGBACK_CONFIG")
        .value_name("FILE")
        .value_parser(value_parser!(OsString))
        .help("A TOML file with settings; the environment and flags count for more [default: ./ringback.toml, else /etc/ringback/ringback.toml]")
}

/// One setting as a flag.
pub fn flag(setting: &Setting) -> Arg {
    let default = setting.default.filter(|default| !default.is_empty());
    let default = default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
    Arg::new(setting.key).long(setting.key.replace('_', "-")).value_name("VALUE").help(format!(
        "{} [RINGBACK_{}]{default}",
        setting.help,
        setting.key.to_ascii_uppercase()
    ))
}

/// The settings as `serve` takes them, and the file that was read.
///
/// # Errors
/// All that is wrong with them.
pub fn read_config(matches: &ArgMatches) -> anyhow::Result<(Config, SettingsFile)> {
    let (mut from, file) = gather(matches)?;
    let config = Config::take(&mut from);
    Ok((from.finish(config)?, file))
}

/// The settings as they are given, not yet understood.
///
/// # Errors
/// Where it is not clear which file to read.
pub fn gather(matches: &ArgMatches) -> anyhow::Result<(Sources, SettingsFile)> {
    let file = SettingsFile::choose(matches.get_one::<OsString>("config").map(OsString::as_os_str))?;
    let given = |key: &'static str| matches.try_get_one::<String>(key).ok().flatten();
    let flags = SETTINGS.iter().filter_map(|setting| Some((setting.key.to_owned(), given(setting.key)?.clone())));
    Ok((Sources::gather(flags, env::vars(), file.path()), file))
}
