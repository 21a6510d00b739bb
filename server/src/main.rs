//! `ringback`: a call backend for Matrix.

mod alarm;
mod app;
mod appservice;
mod auth;
mod bus;
mod calls;
mod causes;
mod clock;
mod config;
mod deliver;
mod error;
mod homeserver;
mod http;
mod hub;
mod ice;
mod ignored;
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

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use call::ids::UserId;
use clap::{Arg, ArgMatches, Args as _, Command, FromArgMatches as _, value_parser};
use config::{Config, DatabaseUrl, SETTINGS, Value as _};
use store::{Forgotten, Store};

fn main() -> ExitCode {
    match run(&commands().get_matches()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done where even this cannot be written.
            let _ = writeln!(std::io::stderr(), "ringback: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match matches.subcommand() {
        Some(("serve", matches)) => {
            let config = read_config(matches)?;
            let traces = logs::start(&config)?;
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
        Some(("registration", matches)) => write_registration(matches),
        Some(("forget", matches)) => runtime.block_on(forget(matches)),
        Some(("openapi", _)) => Ok(writeln!(std::io::stdout(), "{}", http::document().to_pretty_json()?)?),
        _ => unreachable!("a subcommand is required"),
    }
}

fn commands() -> Command {
    Command::new("ringback")
        .about("A call backend for Matrix: makes calls ring")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve_command())
        .subcommand(phone::PhoneArgs::augment_args(Command::new("phone").about("A phone in the terminal, to try calls with")))
        .subcommand(registration_command())
        .subcommand(forget_command())
        .subcommand(Command::new("openapi").about("Print the OpenAPI document"))
}

fn serve_command() -> Command {
    let config = Arg::new("config")
        .long("config")
        .env("RINGBACK_CONFIG")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("A TOML file with settings; the environment and flags count for more");
    let flags = SETTINGS.iter().map(|setting| {
        let default = setting.default.filter(|default| !default.is_empty());
        let default = default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
        Arg::new(setting.key).long(setting.key.replace('_', "-")).value_name("VALUE").help(format!(
            "{} [RINGBACK_{}]{default}",
            setting.help,
            setting.key.to_ascii_uppercase()
        ))
    });
    Command::new("serve").about("Run the server").arg(config).args(flags)
}

fn registration_command() -> Command {
    Command::new("registration")
        .about("Write a registration as an application service of the homeserver")
        .arg(
            Arg::new("url")
                .long("url")
                .default_value("http://localhost:3000")
                .value_parser(value_parser!(url::Url))
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

fn write_registration(matches: &ArgMatches) -> anyhow::Result<()> {
    let url = matches.get_one::<url::Url>("url").context("--url has a default")?;
    let text = appservice::registration(url);
    let Some(path) = matches.get_one::<PathBuf>("out") else { return Ok(write!(std::io::stdout(), "{text}")?) };
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o640);
    let mut file = options.open(path).with_context(|| format!("cannot make {}: it must not exist yet", path.display()))?;
    file.write_all(text.as_bytes())?;
    let path = std::path::absolute(path)?;
    let path = path.display();
    let next = format!(
        "Written to {path}.\n1. Synapse's homeserver.yaml: app_service_config_files: [\"{path}\"], then restart Synapse.\n\
         2. Ringback: RINGBACK_APPSERVICE={path}, then restart Ringback."
    );
    Ok(writeln!(std::io::stdout(), "{next}")?)
}

fn forget_command() -> Command {
    Command::new("forget")
        .about("Forget a user in every call that is over; the server may be running")
        .arg(Arg::new("user").required(true).value_name("@USER:SERVER").value_parser(value_parser!(UserId)))
        .arg(Arg::new("database_url").long("database-url").env("RINGBACK_DATABASE_URL").default_value("sqlite://ringback.db"))
}

async fn forget(matches: &ArgMatches) -> anyhow::Result<()> {
    let user = matches.get_one::<UserId>("user").context("a user is required")?;
    let url = matches.get_one::<String>("database_url").context("--database-url has a default")?;
    let url = DatabaseUrl::parse(url).map_err(|why| anyhow::anyhow!("database_url {why}"))?;
    if let DatabaseUrl::Sqlite(path) = &url {
        anyhow::ensure!(path.exists(), "there is no database {}: say where it is with --database-url", path.display());
    }
    let Forgotten { started, of_others, live } = Store::open(&url).await?.forget_user(user.clone()).await?;
    writeln!(std::io::stdout(), "{user} is forgotten in {started} call(s) of their own and {of_others} of others.")?;
    if live > 0 {
        writeln!(std::io::stdout(), "{live} call(s) with them are not over yet: run this again when they are.")?;
    }
    Ok(())
}

fn read_config(matches: &ArgMatches) -> anyhow::Result<Config> {
    let flag = |key: &'static str| matches.get_one::<String>(key).map(|value| (key.to_owned(), value.clone()));
    let flags = SETTINGS.iter().filter_map(|setting| flag(setting.key));
    let file = matches.get_one::<PathBuf>("config");
    Ok(Config::read(flags, std::env::vars(), file.map(PathBuf::as_path))?)
}
