//! `ringback config`: what the settings are, where they come from, and what is wrong with them.

use std::io::{Write as _, stdout};

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};

use super::{gather, read_config, with_settings};
use crate::config::{Config, Origin, SettingsFile, Shown, doubts};

/// The command line.
pub fn command() -> Command {
    let check = Command::new("check")
        .about("Say all that is wrong with the settings; reads them as `serve` does")
        .arg(Arg::new("strict").long("strict").action(ArgAction::SetTrue).help("Fail for warnings too"));
    let show = Command::new("show")
        .about("Show every setting, and where it comes from; secrets stay hidden")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("As JSON"));
    Command::new("config")
        .about("Check or show the settings")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(with_settings(check))
        .subcommand(with_settings(show))
}

/// Does it.
///
/// # Errors
/// Where the settings have mistakes; all of them.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("check", matches)) => check(matches),
        Some(("show", matches)) => show(matches),
        _ => unreachable!("a subcommand is required"),
    }
}

fn check(matches: &ArgMatches) -> anyhow::Result<()> {
    let (config, file) = read_config(matches)?;
    let doubts = doubts(&config, file.path());
    let mut out = stdout().lock();
    for doubt in &doubts {
        writeln!(out, "warning: {doubt}")?;
    }
    if !doubts.is_empty() && matches.get_flag("strict") {
        bail!("{} warning(s)", doubts.len());
    }
    let end = if doubts.is_empty() { String::new() } else { format!(", with {} warning(s)", doubts.len()) };
    Ok(writeln!(out, "The settings are good{end}. Read: {file}.")?)
}

fn show(matches: &ArgMatches) -> anyhow::Result<()> {
    let (mut from, file) = gather(matches)?;
    let config = Config::take(&mut from);
    let shown = from.shown();
    if matches.get_flag("json") {
        writeln!(stdout(), "{:#}", as_json(&shown, &file))?;
    } else {
        as_table(&shown, &file)?;
    }
    // What is wrong comes last, where it is seen.
    from.finish(config)?;
    Ok(())
}

fn as_table(shown: &[Shown], file: &SettingsFile) -> anyhow::Result<()> {
    let texts: Vec<[String; 3]> = shown
        .iter()
        .map(|Shown { key, value, origin }| {
            let value = value.clone().unwrap_or_else(|| "-".to_owned());
            [(*key).to_owned(), value, origin.to_string()]
        })
        .collect();
    let width = |column: usize, most: usize| texts.iter().map(|row| row[column].len().min(most)).max().unwrap_or_default();
    let (key_width, value_width) = (width(0, 30), width(1, 50));
    let mut out = stdout().lock();
    writeln!(out, "Read: {file}.\n\n{:key_width$}  {:value_width$}  FROM", "SETTING", "VALUE")?;
    for [key, value, origin] in &texts {
        writeln!(out, "{key:key_width$}  {value:value_width$}  {origin}")?;
    }
    Ok(())
}

fn as_json(shown: &[Shown], file: &SettingsFile) -> Value {
    let settings: Map<String, Value> = shown
        .iter()
        .map(|Shown { key, value, origin }| {
            let from = match origin {
                Origin::Default => json!({"kind": "default"}),
                Origin::File(path, line) => json!({"kind": "file", "name": path.display().to_string(), "line": line}),
                Origin::Environment(name) => json!({"kind": "environment", "name": name}),
                Origin::Flag(name) => json!({"kind": "flag", "name": name}),
            };
            ((*key).to_owned(), json!({"value": value, "from": from}))
        })
        .collect();
    json!({"file": file.path().map(|path| path.display().to_string()), "settings": settings})
}
