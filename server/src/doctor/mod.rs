//! `ringback doctor`: looks at the service as a client would, from outside, and says what to change.
//!
//! It speaks public protocols, and knows nothing of the server that it is built together with.
//!
//! - [`net`], [`tls`]: connections, and everything that can be wrong with one.
//! - [`find`]: from a server name to the homeserver and Ringback.
//! - [`backend`]: `call-config.json`, the addresses in it, health and clock; [`cors`]: what browsers need.
//! - [`sockets`]: WebSocket and Socket.IO, and whether they last.
//! - [`account`], [`ring`]: what takes a token, and a call that rings.
//! - [`ice`], [`turn`]: STUN and TURN.
//! - [`report`]: what was found.
//!
//! One cause gives one failure: what could not be looked at because of it is skipped.

mod account;
mod args;
mod backend;
mod cors;
mod find;
mod ice;
mod net;
mod report;
mod ring;
mod sockets;
mod tls;
mod turn;

use std::{process::ExitCode, time::Duration};

use tokio::time::Instant;
use url::Url;

pub use args::DoctorArgs;

use self::{
    account::Account,
    net::Net,
    report::{Check, Notebook, Report, Screen},
    tls::Tls,
};

/// From then on a certificate is about to end.
const ENDS_SOON: Duration = Duration::from_hours(14 * 24);

/// Looks once, or again and again; says what the process ends with.
///
/// # Errors
/// Where an argument or a file makes no sense, or nothing can be written.
pub async fn run(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    use std::io::{IsTerminal as _, Write as _};
    let colours = !args.json && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let screen = Screen { json: args.json, colours };
    let Some(interval) = args.watch else {
        let report = look(&args).await?;
        screen.show(&report)?;
        return Ok(ExitCode::from(report.exit_code()));
    };
    let mut last: Option<Report> = None;
    let watching = async {
        loop {
            let report = look(&args).await?;
            let same = last.as_ref().is_some_and(|last| last.says_the_same(&report));
            let now = jiff::Zoned::new(crate::clock::now(), jiff::tz::TimeZone::UTC).strftime("%FT%TZ").to_string();
            if same && !args.json {
                writeln!(std::io::stdout(), "{now} as before: {}", screen.summary(&report).lines().next().unwrap_or_default())?;
            } else {
                if !args.json {
                    writeln!(std::io::stdout(), "{now}")?;
                }
                screen.show(&report)?;
            }
            last = Some(report);
            tokio::time::sleep(interval).await;
        }
    };
    tokio::select! {
        ended = watching => ended,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(last.map_or(0, |report| report.exit_code()))),
    }
}

/// Looks once.
async fn look(args: &DoctorArgs) -> anyhow::Result<Report> {
    let started = Instant::now();
    let doctor = Doctor {
        net: Net::new(Tls::new(args.ca_file.as_deref())?, args.connect_to.clone()),
        notes: Notebook::without(&args.skip),
        idle: args.idle,
    };
    let tokens = args.tokens()?;
    Box::pin(doctor.examine(args, tokens)).await;
    Ok(doctor.notes.close(started.elapsed()))
}

/// Looks at one service.
struct Doctor {
    net: Net,
    notes: Notebook,
    idle: Duration,
}

impl Doctor {
    async fn examine(&self, args: &DoctorArgs, tokens: args::Tokens) {
        let places = self.find(args).await;
        let homeserver = places.homeserver.as_ref();
        let account = async {
            match (homeserver, &tokens.own) {
                (Some(homeserver), Some(token)) => self.account(homeserver, token).await,
                (None, Some(_)) => {
                    self.notes.skip(Check::Token, "", "the homeserver is not there to ask");
                    None
                }
                (_, None) => {
                    self.notes.skip(Check::Token, "", "no token: give one by --token-file or RINGBACK_TOKEN");
                    None
                }
            }
        };
        let Some(found) = &places.backend else {
            account.await;
            return;
        };
        let account = account.await;
        let clocks_agree = self.clock(found, homeserver, account.as_ref()).await;
        tokio::join!(
            self.addresses(found, places.named.as_ref()),
            self.cors(found),
            self.health(&found.url),
            self.sockets(&found.url, account.as_ref()),
            self.ice_and_ring(found, homeserver, account.as_ref(), &tokens, clocks_agree),
        );
    }

    async fn ice_and_ring(
        &self,
        found: &find::Backend,
        homeserver: Option<&Url>,
        account: Option<&Account>,
        tokens: &args::Tokens,
        clocks_agree: bool,
    ) {
        let Some(account) = account else {
            self.ice(found.config.as_ref(), None, clocks_agree).await;
            self.notes.skip(Check::Turn, "", "credentials are for users: give a token by --token-file");
            self.notes.skip(Check::Ring, "", "it takes two accounts: give --token-file and --ring-token-file");
            return;
        };
        let servers = self.ice_servers(&found.url, account).await;
        let Some(servers) = servers else {
            self.notes.skip(Check::Ring, "", "Ringback does not take the token");
            return self.ice(found.config.as_ref(), None, clocks_agree).await;
        };
        tokio::join!(
            self.ice(found.config.as_ref(), Some(&servers), clocks_agree),
            self.ring(&found.url, homeserver, account, tokens.other.as_ref())
        );
    }

    /// Whether an address can be reached. What is in the way is noted once for each host.
    async fn reaches(&self, url: &Url, who: &str) -> bool {
        let (reached, first) = self.net.reach(url).await;
        if !first {
            return reached.is_ok();
        }
        let (base, host) = (net::base(url), url.host_str().unwrap_or_default());
        match &reached {
            Ok(not_after) => self.certificate(&base, host, *not_after),
            Err(trouble) => self.notes.fail(Check::Host, base, trouble, trouble.remedy(host, who)),
        }
        reached.is_ok()
    }

    fn certificate(&self, base: &str, host: &str, not_after: Option<Duration>) {
        let Some(not_after) = not_after else { return self.notes.ok(Check::Host, base, "answers, without TLS") };
        let now = Duration::from_secs(crate::clock::now().as_second().try_into().unwrap_or_default());
        let left = not_after.saturating_sub(now);
        let days = left.as_secs() / 86_400;
        let saw = format!("answers; its certificate holds for {days} more day(s)");
        if left > ENDS_SOON {
            return self.notes.ok(Check::Host, base, saw);
        }
        let remedy =
            format!("see why the certificate of {host} is not renewed (`certbot renew --dry-run`, `systemctl list-timers`)");
        self.notes.warn(Check::Host, base, saw, remedy);
    }
}
