//! `ringback init`: from nothing to a call that rings.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Options, World, finish, pair, ringback};
use tokio::process::Command;
use xtask::setup;

/// From the first word to a call that rings: what an operator is promised.
const TWO_MINUTES: Duration = Duration::from_mins(2);

/// Starts a server with what was written, and lets a call ring.
async fn it_rings(name: &'static str, folder: &Path) -> Result<()> {
    let server = Options::in_folder(name, folder).start().await?;
    let (alice, bob, room) = pair().await?;
    let mut callee = server.connect(&bob).await?;
    server.initiate(&alice, &room).await?;
    callee.expect("incoming-call").await?;
    let log = fs::read_to_string(&server.log)?;
    ensure!(log.contains(&folder.join("ringback.toml").display().to_string()), "the log names the settings: {log}");
    Ok(())
}

fn database(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("calls.db").display())
}

#[tokio::test]
async fn by_flags() -> Result<()> {
    let world = World::get();
    let (folder, began) = (world.new_directory("init_by_flags")?, Instant::now());
    let database = database(&folder);
    let flags = ["init", "--yes", "--config", "ringback.toml", "--unit", "ringback.service", "--database-url", &database];
    let by_name = world.homeserver.url.trim_start_matches("http://");
    let said = ringback(&folder, &[&flags[..], &["--server-name", by_name]].concat(), &[], "").await?;
    ensure!(said.status == 0 && said.out.contains("speaks Matrix"), "{said:?}");
    it_rings("init_by_flags", &folder).await?;
    ensure!(began.elapsed() < TWO_MINUTES, "it took {:?}", began.elapsed());
    ensure!(folder.join("calls.db").exists(), "the database is not where it was said to be");

    let written = folder.join("ringback.toml");
    let before = fs::read_to_string(&written)?;
    ensure!(fs::metadata(&written)?.permissions().mode() & 0o777 == 0o640, "others may read it");
    let unit = fs::read_to_string(folder.join("ringback.service"))?;
    let starts = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).context("no ExecStart")?;
    let (program, rest) = starts.split_once(' ').context("a program and its arguments")?;
    ensure!(program == world.binary.display().to_string() || program == "/usr/local/bin/ringback", "{unit}");
    ensure!(rest == format!("serve --config {}", written.display()), "{unit}");

    let again = ringback(&folder, &[&flags[..], &["--homeserver-url", "http://localhost:1"]].concat(), &[], "").await?;
    ensure!(again.status == 1 && again.err.contains("--force"), "{again:?}");
    ensure!(fs::read_to_string(&written)? == before, "an existing file was changed");
    let forced =
        ringback(&folder, &[&flags[..], &["--force", "--homeserver-url", "http://localhost:1"]].concat(), &[], "").await?;
    ensure!(forced.status == 0 && forced.out.contains("see that it runs"), "{forced:?}");
    ensure!(fs::read_to_string(&written)?.contains("\nhomeserver_url = \"http://localhost:1\""));
    Ok(())
}

/// Answers that are refused are asked for again; what was typed as a secret is not repeated.
#[tokio::test]
async fn by_answers() -> Result<()> {
    let world = World::get();
    let (folder, began) = (world.new_directory("init_by_answers")?, Instant::now());
    let answers = [
        "two words",
        "http://localhost:1",
        "no",
        &world.homeserver.url,
        "",
        "mysql://localhost",
        &database(&folder),
        "coturn",
        "http://turn.example.org",
        "turn:turn.example.org:3478?transport=udp",
        "hush-hush-hush-hush",
    ];
    let typed = answers.map(|answer| format!("{answer}\n")).concat();
    let said = ringback(&folder, &["init", "--config", "ringback.toml"], &[], &typed).await?;
    ensure!(said.status == 0, "{said:?}");
    for part in ["`two words`", "Connection refused", "speaks Matrix", "should be sqlite://", "not a URI", "Next:"] {
        ensure!(said.out.contains(part), "`{part}` is missing in {}", said.out);
    }
    ensure!(!format!("{said:?}").contains("hush-hush"), "{said:?}");
    ensure!(fs::read_to_string(folder.join("ringback.toml"))?.contains("\nturn_secret = \"hush-hush-hush-hush\""));
    it_rings("init_by_answers", &folder).await?;
    ensure!(began.elapsed() < TWO_MINUTES, "it took {:?}", began.elapsed());
    Ok(())
}

/// Answers that end too early, and a homeserver that is not there, leave nothing behind.
#[tokio::test]
async fn nothing_is_written_without_answers() -> Result<()> {
    let folder = World::get().new_directory("init_without_answers")?;
    let ended = ringback(&folder, &["init", "--config", "ringback.toml"], &[], "two words\n").await?;
    ensure!(ended.status == 1 && ended.err.contains("the answers end here"), "{ended:?}");
    let flags = ["init", "--yes", "--config", "ringback.toml", "--server-name", "two words"];
    let odd = ringback(&folder, &flags, &[], "").await?;
    ensure!(odd.status == 1 && odd.err.contains("two words"), "{odd:?}");
    let left = fs::read_dir(&folder).context("the folder")?.count();
    ensure!(left == 0, "{left} file(s) are left");
    Ok(())
}

/// What a server name leads to, found as clients find it; a homeserver beside us is taken if it is that very one.
#[tokio::test]
async fn by_the_servers_name() -> Result<()> {
    // Names and ports are the world's own, so this takes a network of its own, as a container does.
    if std::env::var("RINGBACK_E2E_LEADER").unwrap_or_default().is_empty() {
        return Ok(());
    }
    setup::caddy().and_then(|_| setup::ip())?;
    let here = xtask::root().join("e2e/tests/e2e/init");
    for (beside, homeserver) in [("example.test", "http://localhost:8008"), ("other.test", "https://matrix.example.test")] {
        let folder = World::get().new_directory("init_by_name")?;
        let (storage, written) = (folder.join("storage"), folder.join("ringback.toml"));
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh"]).arg(here.join("names.sh")).arg(here.join("names.caddyfile"));
        command.arg(&World::get().binary).arg(&written).env("STORAGE", &storage).env("BESIDE", beside).env("HOME", &folder);
        let said = finish("ringback init", command, TWO_MINUTES).await?;
        ensure!(said.contains("https://example.test/.well-known/matrix/client says https://matrix.example.test/"), "{said}");
        let settings = fs::read_to_string(written)?;
        for line in [
            format!("\nhomeserver_url = \"{homeserver}\""),
            "\npublic_homeserver_url = \"https://matrix.example.test\"".to_owned(),
            "\npublic_url = \"https://calls.example.test\"".to_owned(),
            "\nlisten = \"127.0.0.1:3000\"".to_owned(),
        ] {
            ensure!(settings.contains(&line), "{line} is missing: {said}\n{settings}");
        }
    }
    Ok(())
}
