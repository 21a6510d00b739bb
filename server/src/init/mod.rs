//! `ringback init`: from nothing to settings that work, by four questions. Flags answer them too, for scripts.

mod ask;
mod find;
mod write;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use url::Url;

use self::{
    ask::{ask, ask_secret, confirm, say},
    find::{Finder, Homeserver, Named},
    write::quoted,
};
use crate::{
    clock,
    config::{Config, DatabaseUrl, HERE, SYSTEM, TurnUri, Value as _, WebUrl, doubts, is_loopback, is_private, our_user},
};

/// Where the package's unit is.
const PACKAGED_UNITS: [&str; 2] = ["/usr/lib/systemd/system/ringback.service", "/lib/systemd/system/ringback.service"];
const UNIT: &str = "/etc/systemd/system/ringback.service";
/// Where a program goes that no package has installed.
const INSTALLED: &str = "/usr/local/bin/ringback";
const DATABASE: &str = "sqlite:///var/lib/ringback/ringback.db";

/// Asks four questions, and writes the settings (and as root the systemd unit). What a flag answers is not asked.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Ask nothing: what no flag says is left at its default
    #[arg(long)]
    pub yes: bool,
    /// 1. The server name of your homeserver, e.g. example.org; its URL is found by it
    #[arg(long, value_name = "NAME", conflicts_with = "homeserver_url")]
    pub server_name: Option<String>,
    /// 1. Or its URL, as Ringback reaches it
    #[arg(long, value_name = "URL")]
    pub homeserver_url: Option<String>,
    /// 2. The URL at which clients will reach Ringback [default: by this machine's addresses]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// 2. The URL at which clients reach the homeserver [default: as its server name says]
    #[arg(long, value_name = "URL")]
    pub public_homeserver_url: Option<String>,
    /// 3. The database [default: a SQLite file]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// 4. Whose TURN servers clients get [default: homeserver]
    #[arg(long, value_enum)]
    pub turn: Option<TurnChoice>,
    /// 4. The URIs of your coturn, comma-separated, e.g. turn:turn.example.org:3478?transport=udp
    #[arg(long, value_name = "URIS")]
    pub turn_uris: Option<String>,
    /// 4. A file that holds coturn's static-auth-secret [default: a new secret is made]
    #[arg(long, value_name = "FILE", requires = "turn_uris")]
    pub turn_secret_file: Option<PathBuf>,
    /// Where to write the settings [default: /etc/ringback/ringback.toml as root, else ./ringback.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to write a systemd unit [default: as root beside the system's own, unless the package has one or --config is given]
    #[arg(long, value_name = "FILE")]
    pub unit: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    pub force: bool,
}

/// Whose TURN servers clients get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TurnChoice {
    /// The homeserver's, where it has some
    Homeserver,
    /// A coturn that shares a secret with Ringback
    Coturn,
    /// None yet: calls between two networks may stay silent
    None,
}

/// What was answered.
pub struct Answers {
    homeserver_url: Url,
    public_homeserver_url: Option<Url>,
    public_url: Option<Url>,
    database_url: String,
    turn: Option<Turn>,
}

struct Turn {
    uris: Vec<String>,
    secret: String,
    is_new: bool,
}

impl Answers {
    /// The answer about a setting, as TOML.
    fn of(&self, key: &str) -> Option<String> {
        let url = |url: &Url| quoted(url.as_str().trim_end_matches('/'));
        match key {
            "homeserver_url" => Some(url(&self.homeserver_url)),
            "public_homeserver_url" => self.public_homeserver_url.as_ref().map(url),
            "public_url" => self.public_url.as_ref().map(url),
            // A proxy that speaks TLS stands in front, and nobody should get past it.
            "listen" => self.public_url.as_ref().filter(|url| url.scheme() == "https").map(|_| quoted("127.0.0.1:3000")),
            "database_url" => Some(quoted(&self.database_url)),
            "turn_uris" => self.turn.as_ref().map(|turn| {
                let uris: Vec<String> = turn.uris.iter().map(|uri| quoted(uri)).collect();
                format!("[{}]", uris.join(", "))
            }),
            "turn_secret" => self.turn.as_ref().map(|turn| quoted(&turn.secret)),
            _ => None,
        }
    }
}

/// Asks, writes, and says what to do next.
///
/// # Errors
/// Where the file is there already, the homeserver is not found, or nothing can be written.
pub async fn run(args: &InitArgs) -> anyhow::Result<()> {
    let is_root = our_user() == 0;
    let path = args.config.clone().unwrap_or_else(|| if is_root { SYSTEM } else { HERE }.into());
    let path = std::path::absolute(path)?;
    refuse_to_replace(&path, args)?;
    let unit = unit_path(args, is_root);
    if let Some(unit) = &unit {
        refuse_to_replace(unit, args)?;
    }
    if !args.yes {
        say("Ringback asks four questions. Enter takes what stands in [brackets].")?;
    }
    let homeserver = find_homeserver(args).await?;
    let answers = the_rest(args, &homeserver, path == Path::new(SYSTEM))?;
    let text = write::settings(&answers);
    write::private(&path, &text)?;
    if let DatabaseUrl::Sqlite(file) = DatabaseUrl::parse(&answers.database_url).map_err(anyhow::Error::msg)?
        && let Some(folder) = file.parent()
    {
        let what = || format!("cannot make {}", folder.display());
        write::folder_for_service(folder, write::service_user()).with_context(what)?;
    }
    if let Some(unit) = &unit {
        write::public(unit, &write::unit(&for_service(&env::current_exe()?), &path))?;
    }
    conclude(&path, unit.as_deref(), &answers)
}

fn refuse_to_replace(path: &Path, args: &InitArgs) -> anyhow::Result<()> {
    let there = fs::symlink_metadata(path).is_ok();
    ensure!(
        args.force || !there,
        "{} is there already: look at it with `ringback config show --config …`, or replace it with --force",
        path.display()
    );
    Ok(())
}

fn unit_path(args: &InitArgs, is_root: bool) -> Option<PathBuf> {
    let is_packaged = PACKAGED_UNITS.iter().any(|unit| Path::new(unit).exists());
    let usual = || (is_root && !is_packaged && args.config.is_none()).then(|| PathBuf::from(UNIT));
    args.unit.clone().or_else(usual)
}

/// Where the service finds the program: it cannot see into people's folders, so one from there must be put elsewhere.
fn for_service(program: &Path) -> PathBuf {
    let is_hidden = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"].iter().any(|folder| program.starts_with(folder));
    if is_hidden { PathBuf::from(INSTALLED) } else { program.to_owned() }
}

/// The first question, with a look at what is there.
async fn find_homeserver(args: &InitArgs) -> anyhow::Result<Homeserver> {
    let mut finder = Finder::new(|sentence: String| {
        // Whoever cannot be told is told by the question that follows.
        let _ = say(&format!("   {sentence}"));
    })?;
    let by_flag = args.homeserver_url.as_ref().or(args.server_name.as_ref());
    if let Some(flag) = by_flag {
        let named = Named::parse(flag).map_err(|why| anyhow::anyhow!("{why}"))?;
        return match (finder.find(&named).await, named) {
            (Some(found), _) => Ok(found),
            (None, Named::Url(url)) => {
                say("   It is written down all the same: see that it runs.")?;
                Ok(Homeserver { url, public: None })
            }
            (None, Named::Name(name)) => bail!("no homeserver of {name} was found: say where it is with --homeserver-url"),
        };
    }
    let usual = finder.usual().await;
    if args.yes {
        return usual.context("say which homeserver: --server-name example.org, or --homeserver-url http://localhost:8008");
    }
    let default = usual.as_ref().map(|found| found.url.as_str().trim_end_matches('/').to_owned());
    loop {
        let question = "1. Your homeserver: its server name, such as example.org, or its URL";
        let named = ask(question, default.as_deref(), Named::parse)?;
        if let Some(found) = finder.find(&named).await {
            return Ok(found);
        }
        if let Named::Url(url) = named
            && confirm("   It does not answer. Take it all the same?")?
        {
            return Ok(Homeserver { url, public: None });
        }
    }
}

/// The other three.
fn the_rest(args: &InitArgs, homeserver: &Homeserver, is_systems: bool) -> anyhow::Result<Answers> {
    let public_url = flag_or(args, args.public_url.as_deref(), "", web_url, || {
        "2. The URL at which clients will reach Ringback, such as https://calls.example.org; Enter: this machine's own addresses, \
         for a trial or a LAN"
            .to_owned()
    })?;
    let public_homeserver_url = public_homeserver_url(args, homeserver, public_url.as_ref())?;
    let here = || anyhow::Ok(format!("sqlite://{}", env::current_dir()?.join("ringback.db").display()));
    let database = if is_systems { DATABASE.to_owned() } else { here()? };
    let database_url = flag_or(args, args.database_url.as_deref(), &database, database_url, || {
        "3. The database: sqlite://FILE, or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()
    })?;
    Ok(Answers { homeserver_url: homeserver.url.clone(), public_homeserver_url, public_url, database_url, turn: turn(args)? })
}

/// What clients are told of the homeserver: asked for only where it cannot be known, and clients come from outside.
fn public_homeserver_url(args: &InitArgs, homeserver: &Homeserver, public_url: Option<&Url>) -> anyhow::Result<Option<Url>> {
    let known = find::public_url(homeserver);
    let is_outside = public_url.is_some_and(|url| !is_private(url));
    if args.public_homeserver_url.is_none() && (known.is_some() || !is_outside) {
        return Ok(known);
    }
    flag_or(args, args.public_homeserver_url.as_deref(), "", web_url, || {
        format!(
            "   And the homeserver? {} is no address for clients; theirs is, such as https://matrix.example.org",
            homeserver.url
        )
    })
}

/// What the flag says; else with `--yes` the default; else what is answered.
fn flag_or<T>(
    args: &InitArgs,
    flag: Option<&str>,
    default: &str,
    read: impl Fn(&str) -> Result<T, String>,
    question: impl Fn() -> String,
) -> anyhow::Result<T> {
    match flag {
        Some(flag) => read(flag).map_err(anyhow::Error::msg),
        None if args.yes => read(default).map_err(anyhow::Error::msg),
        None => ask(&question(), Some(default), read),
    }
}

fn web_url(text: &str) -> Result<Option<Url>, String> {
    if text.is_empty() { Ok(None) } else { WebUrl::parse(text).map(|url| Some(url.0)) }
}

fn database_url(text: &str) -> Result<String, String> {
    DatabaseUrl::parse(text).map(|_| text.to_owned())
}

fn turn_uris(text: &str) -> Result<Vec<String>, String> {
    let uris = text.split(',').map(str::trim).filter(|uri| !uri.is_empty());
    let uris = uris.map(|uri| TurnUri::parse(uri).map(|uri| uri.0)).collect::<Result<Vec<_>, _>>()?;
    if uris.is_empty() { Err("name at least one, such as turn:turn.example.org:3478?transport=udp".to_owned()) } else { Ok(uris) }
}

fn turn(args: &InitArgs) -> anyhow::Result<Option<Turn>> {
    let choice = match args.turn {
        Some(choice) => choice,
        None if args.turn_uris.is_some() => TurnChoice::Coturn,
        None if args.yes => TurnChoice::Homeserver,
        None => ask(
            "4. TURN, which carries calls between networks: `homeserver` (what it has), `coturn` (yours, with a shared secret), `none`",
            Some("homeserver"),
            |answer| clap::ValueEnum::from_str(answer, true),
        )?,
    };
    if choice != TurnChoice::Coturn {
        return Ok(None);
    }
    let uris = match &args.turn_uris {
        None if args.yes => bail!("--turn coturn needs --turn-uris"),
        uris => flag_or(args, uris.as_deref(), "", turn_uris, || {
            "   The URIs of your coturn, comma-separated, such as turn:turn.example.org:3478?transport=udp".to_owned()
        })?,
    };
    let given = match &args.turn_secret_file {
        Some(path) => Some(fs::read_to_string(path).with_context(|| path.display().to_string())?.trim().to_owned()),
        None if args.yes => None,
        None => ask_secret("   Its static-auth-secret; Enter makes a new one")?,
    };
    let is_new = given.is_none();
    let secret = given.unwrap_or_else(|| format!("{}{}", clock::session_id(), clock::session_id()));
    Ok(Some(Turn { uris, secret, is_new }))
}

fn conclude(path: &Path, unit: Option<&Path>, answers: &Answers) -> anyhow::Result<()> {
    let shown = path.display();
    say(&format!("\nWritten: {shown}"))?;
    if let Some(unit) = unit {
        say(&format!("Written: {}", unit.display()))?;
    }
    let config = Config::read([], [], Some(path))?;
    for doubt in doubts(&config, Some(path)) {
        say(&format!("warning: {doubt}"))?;
    }
    let is_usual = path == Path::new(SYSTEM) || env::current_dir().is_ok_and(|here| path == here.join(HERE));
    let named = if is_usual { String::new() } else { format!(" --config {shown}") };
    say("\nNext:")?;
    if let Some(turn) = &answers.turn {
        let whose = if turn.is_new { "the new turn_secret" } else { "turn_secret" };
        say(&format!("  in coturn's turnserver.conf: use-auth-secret, and static-auth-secret={whose} of {shown}"))?;
    }
    if answers.public_url.as_ref().is_some_and(|url| !is_loopback(url)) {
        say("  a proxy with a certificate in front of http://127.0.0.1:3000: docs/running.md has nginx and Caddy")?;
    }
    say(&format!("  ringback config check{named}"))?;
    if path == Path::new(SYSTEM) || unit.is_some() {
        if write::service_user().is_none() {
            let user = write::USER;
            say(&format!("  useradd --system --user-group --home-dir /var/lib/{user} --shell /usr/sbin/nologin {user}"))?;
            say(&format!("  chgrp {user} {shown} {}", path.parent().unwrap_or(path).display()))?;
        }
        let program = env::current_exe()?;
        if unit.is_some() && for_service(&program) != program {
            say(&format!("  install -m 755 {} {INSTALLED}", program.display()))?;
        }
        say("  systemctl daemon-reload && systemctl enable --now ringback    # as a service")?;
    }
    say(&format!("  ringback serve{named}    # here and now"))?;
    say("  curl http://localhost:3000/call-config.json    # from another terminal")
}
