//! `ringback config`: what the settings are, where they come from, and what is wrong with them.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use ringback_e2e::{Printed, World, ringback};
use serde_json::Value;

/// `EX_CONFIG`: the systemd unit does not try again.
const MISTAKES: i32 = 78;

fn folder(name: &str, settings: &str) -> Result<PathBuf> {
    let folder = World::get().new_directory(name)?;
    fs::write(folder.join("ringback.toml"), settings)?;
    Ok(folder)
}

async fn check(name: &str, settings: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Printed> {
    let folder = folder(name, settings)?;
    ringback(&folder, &[&["config", "check"], flags].concat(), variables, "").await
}

/// Every fault is in one message, with the place where it stands; `serve` says the same.
#[tokio::test]
async fn every_mistake_is_said_at_once() -> Result<()> {
    let settings = "listen = \"nowhere\"\nring_timout = \"20s\"\n\nturn_secret = \"hush-hush\"\nappservice = \"/nowhere/registration.yaml\"\n\
                    history_days = [1, [2]]\n";
    let folder = folder("every_mistake", settings)?;
    let variables = [("RINGBACK_GRACE_PERIOD", "soon"), ("RINGBACK_PUBLIC_URL_FILE", "/nowhere/url"), ("RINGBACK_NONSENSE", "1")];
    let expected = [
        "ringback.toml:1: listen: `nowhere`",
        "ringback.toml:2: ring_timout: there is no such setting (did you mean ring_timeout?)",
        "turn_secret needs turn_uris",
        "ringback.toml:5: appservice: /nowhere/registration.yaml",
        "RINGBACK_GRACE_PERIOD: `soon`",
        "RINGBACK_PUBLIC_URL_FILE: /nowhere/url",
        "RINGBACK_NONSENSE",
        "--turn-ttl: `x`",
        "homeserver_url is missing",
    ];
    for command in [&["config", "check", "--turn-ttl", "x"][..], &["serve", "--turn-ttl", "x"]] {
        let said = ringback(&folder, command, &variables, "").await?;
        ensure!(said.status == MISTAKES, "{command:?}: {said:?}");
        for part in expected {
            ensure!(said.err.contains(part), "{command:?}: `{part}` is missing in {}", said.err);
        }
        ensure!(!said.err.contains("hush-hush"), "{}", said.err);
    }
    Ok(())
}

/// A line that cannot be parsed is not repeated: there may be a secret in it.
#[tokio::test]
async fn a_broken_line_is_named_and_not_repeated() -> Result<()> {
    let said = check("broken_line", "homeserver_url = \"http://h\"\nturn_secret = \"hush-hush\n", &[], &[]).await?;
    ensure!(said.status == MISTAKES && said.err.contains("ringback.toml:2: "), "{said:?}");
    ensure!(!said.err.contains("hush-hush"), "{}", said.err);
    Ok(())
}

#[tokio::test]
async fn what_is_surely_wrong_is_warned_of() -> Result<()> {
    let settings = "homeserver_url = \"http://localhost:8008\"\npublic_url = \"https://calls.example.org\"\nallow_unverified = true\n\
                    ring_timeout = \"5s\"\ndatabase_url = \"sqlite:///nowhere/at/all/ringback.db\"\n";
    let said = check("warned_of", settings, &[], &[]).await?;
    ensure!(said.status == 0, "warnings alone are no failure: {said:?}");
    for part in ["public_homeserver_url is not set", "allow_unverified", "ring_timeout", "/nowhere/at/all", "4 warning(s)"] {
        ensure!(said.out.contains(part), "`{part}` is missing in {}", said.out);
    }
    let strict = check("warned_of_strictly", settings, &[], &["--strict"]).await?;
    ensure!(strict.status == 1, "{strict:?}");
    let good = check("good", "homeserver_url = \"http://localhost:8008\"\n", &[], &["--strict"]).await?;
    ensure!(good.status == 0 && good.out.contains("The settings are good. Read: /"), "{good:?}");
    Ok(())
}

/// Nothing that is secret is shown, wherever it stands; and each setting says where it is from.
#[tokio::test]
async fn show_hides_secrets_and_names_origins() -> Result<()> {
    let settings = "homeserver_url = \"http://localhost:8008\"\n\ngrace_period = \"30s\"\n\
                    database_url = \"postgres://ringback:hush-database@db.example.org/ringback?sslmode=disable\"\n\
                    turn_uris = [\"turn:a:1\", \"turn:b:2\"]\nbus_url = \"redis://:hush-bus@localhost/\"\n";
    let folder = folder("show", settings)?;
    fs::write(folder.join("turn"), "hush-turn\n")?;
    let variables = [("RINGBACK_TURN_SECRET_FILE", "turn"), ("RINGBACK_GRACE_PERIOD", "31s"), ("RINGBACK_RING_TIMEOUT", "40s")];
    let table = ringback(&folder, &["config", "show", "--ring-timeout", "41s"], &variables, "").await?;
    let json = ringback(&folder, &["config", "show", "--ring-timeout", "41s", "--json"], &variables, "").await?;
    for said in [&table, &json] {
        for secret in ["hush-database", "hush-turn", "hush-bus"] {
            ensure!(!format!("{said:?}").contains(secret), "{secret} is shown: {said:?}");
        }
        // This version takes no bus; what it was told is shown all the same.
        ensure!(said.err.contains("bus_url") == (said.status == MISTAKES), "{said:?}");
    }
    let json: Value = serde_json::from_str(&json.out).with_context(|| json.out.clone())?;
    let file = folder.join("ringback.toml").display().to_string();
    ensure!(json["file"] == file.as_str(), "{json}");
    for (key, value, kind, name) in [
        ("ring_timeout", "41s", "flag", Some("--ring-timeout")),
        ("grace_period", "31s", "environment", Some("RINGBACK_GRACE_PERIOD")),
        ("turn_secret", "(hidden)", "environment", Some("RINGBACK_TURN_SECRET_FILE")),
        ("homeserver_url", "http://localhost:8008", "file", Some(file.as_str())),
        ("database_url", "postgres://ringback:(hidden)@db.example.org/ringback?sslmode=disable", "file", Some(file.as_str())),
        ("turn_uris", "turn:a:1, turn:b:2", "file", Some(file.as_str())),
        ("turn_ttl", "1h", "default", None),
    ] {
        let setting = &json["settings"][key];
        let from = &setting["from"];
        ensure!(setting["value"] == value && from["kind"] == kind && from["name"].as_str() == name, "{key}: {setting}");
        ensure!(table.out.lines().any(|line| line.starts_with(key) && line.contains(value)), "{key}: {}", table.out);
    }
    ensure!(json["settings"]["grace_period"]["from"]["line"].is_null() && json["settings"]["database_url"]["from"]["line"] == 4);
    ensure!(json["settings"]["public_url"]["value"].is_null(), "{json}");
    ensure!(table.out.contains(&format!("{file}:4")), "{}", table.out);
    Ok(())
}

/// One rule for which file is read, and it can be seen.
#[tokio::test]
async fn which_file_is_read() -> Result<()> {
    let folder = folder("which_file", "homeserver_url = \"http://found\"\n")?;
    fs::write(folder.join("other.toml"), "homeserver_url = \"http://named\"\n")?;
    for (variables, flags, expected) in [
        (&[][..], &[][..], "http://found"),
        (&[("RINGBACK_CONFIG", "other.toml")], &[], "http://named"),
        (&[("RINGBACK_CONFIG", "nowhere.toml")], &["--config", "other.toml"], "http://named"),
        (&[("RINGBACK_CONFIG", ""), ("RINGBACK_HOMESERVER_URL", "http://alone")], &[], "http://alone"),
    ] {
        let shown = ringback(&folder, &[&["config", "show"], flags].concat(), variables, "").await?;
        ensure!(shown.status == 0 && shown.out.contains(expected), "{variables:?} {flags:?}: {shown:?}");
    }
    let missing = ringback(&folder, &["config", "check", "--config", "nowhere.toml"], &[], "").await?;
    ensure!(missing.status == MISTAKES && missing.err.contains("nowhere.toml"), "{missing:?}");
    Ok(())
}
