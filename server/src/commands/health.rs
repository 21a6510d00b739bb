//! `ringback health`: whether the server beside us can serve; for containers, which have no curl.

use std::{io::Write as _, net::SocketAddr, time::Duration};

use clap::{ArgMatches, Command};

use super::{file_argument, flag, gather};
use crate::{causes::causes, config::SETTINGS};

/// Who asks whether something lives wants to know soon.
const PATIENCE: Duration = Duration::from_secs(3);

/// The command line.
pub fn command() -> Command {
    Command::new("health")
        .about("Ask the running server whether it can serve (/readyz at ops_listen)")
        .arg(file_argument())
        .args(SETTINGS.iter().filter(|setting| setting.key == "ops_listen").map(flag))
}

/// Does it.
///
/// # Errors
/// Where it cannot serve, or does not answer.
pub async fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let (mut from, _) = gather(matches)?;
    let address = from.required::<SocketAddr>("ops_listen");
    let mut address = from.finish(address)?;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    let url = format!("http://{address}/readyz");
    let answer = reqwest::Client::builder().timeout(PATIENCE).build()?.get(&url).send().await;
    let answer = answer.map_err(|error| anyhow::anyhow!("{url}: {}", causes(&error.without_url())))?;
    anyhow::ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
    Ok(writeln!(std::io::stdout(), "ready")?)
}
