//! `ringback phone`: a phone in the terminal, for trying things out and as a fake callee in other people's tests.
//!
//! It speaks the contract through the `client` crate, and knows nothing of the server that it is built together with.
//! It carries no media: it rings, answers, rejects, calls, mutes and hangs up.
//!
//! - [`link`]: a connection that comes back by itself.
//! - [`keys`]: from a key or a line to what is wanted.
//! - [`screen`]: what is shown, for people or (with `--json`) for programs.
//! - [`book`]: the calls that ring, and those that we are in.
//! - [`desk`]: brings them together.

mod book;
mod desk;
mod keys;
mod link;
mod login;
mod screen;
mod words;

use std::time::Duration;

use anyhow::Context as _;
use call::{
    ids::{RoomId, UserId},
    wire::errcode,
};
use client::Client;

use self::{desk::Desk, keys::Keys, link::Link, screen::Screen};

/// A phone in the terminal.
///
/// The access token comes from the environment variable `RINGBACK_TOKEN`; without it the phone logs in with a password, asked
/// for or taken from `RINGBACK_PASSWORD`, and logs out again when it goes.
#[derive(Debug, clap::Args)]
pub struct PhoneArgs {
    /// Whose phone this is, e.g. @bob:example.org
    #[arg(long = "as", value_name = "USER_ID")]
    pub user: UserId,
    /// Where Ringback is
    #[arg(long, default_value = "http://localhost:3000")]
    pub url: String,
    /// Where the homeserver is, to log in at [default: what Ringback's call-config.json says]
    #[arg(long, value_name = "URL")]
    pub homeserver_url: Option<String>,
    /// Do this with every call that rings; the keys of a terminal are not read then (Ctrl-C ends it)
    #[arg(long, value_enum)]
    pub auto: Option<Auto>,
    /// Let it ring this long before doing that, e.g. 2s
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration, requires = "auto")]
    pub after: Duration,
    /// Write one JSON object a line for everything received (`received`, `message`), done (`did`, `ok`) and noticed
    #[arg(long)]
    pub json: bool,
    /// Call this room at once, e.g. '!room:example.org'
    #[arg(long, value_name = "ROOM_ID")]
    pub call: Option<RoomId>,
    /// Make video calls rather than voice calls
    #[arg(long)]
    pub video: bool,
    /// Go when the first call is over
    #[arg(long)]
    pub once: bool,
}

/// What to do with a call that rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Auto {
    /// Pick up.
    Answer,
    /// Say no.
    Reject,
    /// Let it ring.
    Ignore,
}

/// Runs the phone until its user quits, or with `--once` until the first call is over.
///
/// # Errors
/// Where Ringback or the homeserver cannot be reached at the start, the password or the token is refused, `--call` is
/// refused together with `--once`, or nothing can be written to standard output.
pub async fn run(args: PhoneArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.url).context("--url")?;
    let identity = login::identify(&args, &client).await?;
    let result = at_desk(args, &client, &identity).await;
    identity.forget().await;
    result
}

async fn at_desk(args: PhoneArgs, client: &Client, identity: &login::Identity) -> anyhow::Result<()> {
    let client = client.with_token(identity.token.clone());
    let (link, registered) =
        Link::connect(client.base_url(), &args.user, &identity.token).await.map_err(|error| explained(error, &args))?;
    let keys = Keys::open(args.auto.is_some(), args.json).context("the terminal's keys cannot be read")?;
    let screen = Screen::new(args.json, keys.is_terminal());
    Desk::new(args, client, link, keys, screen)?.run(registered).await
}

/// Adds what to do about a refusal, where that is not the server's to know.
fn explained(error: client::Error, args: &PhoneArgs) -> anyhow::Error {
    let advice = match error.errcode() {
        Some(errcode::UNKNOWN_TOKEN) => {
            format!(
                "Ringback at {} does not take this token: put a valid one into RINGBACK_TOKEN, or unset it to log in",
                args.url
            )
        }
        Some(errcode::FORBIDDEN) => format!("Ringback at {} does not take this token as that of {}", args.url, args.user),
        Some(_) => format!("Ringback at {} does not let this phone in", args.url),
        None => format!("no connection to Ringback at {}", args.url),
    };
    anyhow::Error::new(error).context(advice)
}
