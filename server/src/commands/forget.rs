//! `ringback forget`: a user who must not appear any more in what is remembered.

use std::io::{Write as _, stdout};

use anyhow::Context as _;
use call::ids::UserId;
use clap::{Arg, ArgMatches, Command, value_parser};

use super::{file_argument, flag, gather};
use crate::{
    config::{DatabaseUrl, SETTINGS},
    store::{Forgotten, Store},
};

/// The command line.
pub fn command() -> Command {
    Command::new("forget")
        .about("Forget a user in every call that is over; the server may be running")
        .arg(Arg::new("user").required(true).value_name("@USER:SERVER").value_parser(value_parser!(UserId)))
        .arg(file_argument())
        .args(SETTINGS.iter().filter(|setting| setting.key == "database_url").map(flag))
}

/// Does it.
///
/// # Errors
/// Where the database is not found, or fails.
pub async fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let user = matches.get_one::<UserId>("user").context("a user is required")?;
    let (mut from, file) = gather(matches)?;
    let url = from.required::<DatabaseUrl>("database_url");
    let url = from.finish(url)?;
    if let DatabaseUrl::Sqlite(path) = &url {
        anyhow::ensure!(
            path.exists(),
            "there is no database {}: say where it is with --database-url, or where the settings are with --config. Read: {file}",
            path.display()
        );
    }
    let Forgotten { started, of_others, live } = Store::open(&url).await?.forget_user(user.clone()).await?;
    let mut out = stdout().lock();
    writeln!(out, "{user} is forgotten in {started} call(s) of their own and {of_others} of others.")?;
    if live > 0 {
        writeln!(out, "{live} call(s) with them are not over yet: run this again when they are.")?;
    }
    Ok(())
}
