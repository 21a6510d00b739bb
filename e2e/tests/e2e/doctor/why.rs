//! `ringback doctor --why`: from the records, why a call did or did not ring.

use std::time::Duration;

use anyhow::{Result, ensure};
use ringback_e2e::{Login, Options, Server, another_device, pair, until, users};
use serde_json::Value;

use super::stage::command;

/// What the records say of a call for a user. The server may be running; notes come a little later than what they are about.
async fn why(server: &Server, call: &str, who: &Login) -> Result<String> {
    let database = format!("sqlite://{}", server.directory.join("ringback.db").display());
    let done = command(&["--why", call, "--for", &who.user_id, "--database-url", &database]).output().await?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    ensure!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    Ok(said)
}

async fn says(server: &Server, call: &str, who: &Login, parts: &[&str]) -> Result<()> {
    let mut last = String::new();
    let said = until("the records should say so", Duration::from_secs(10), async || {
        last = why(server, call, who).await?;
        Ok(parts.iter().all(|part| last.contains(part)).then_some(()))
    });
    said.await.map_err(|error| error.context(format!("{parts:?} in {last}")))
}

#[tokio::test]
async fn on_which_devices_it_rang() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("why_it_rang").await?;
    let tablet = another_device(&bob).await?;
    let _phone = server.connect(&bob).await?;
    let call = server.initiate(&alice, &room).await?;
    let late = server.connect(&tablet).await?;
    let connected = format!("device {} was connected, and was told to ring", bob.device_id);
    let registered = format!("device {} registered, and was told to ring", tablet.device_id);
    says(
        &server,
        &call,
        &bob,
        &["rang on 1 device(s) at once, 1 that registered meanwhile", &connected, &registered, "it rings until"],
    )
    .await?;
    drop(late);
    let lost = format!("device {} lost its last connection", tablet.device_id);
    says(&server, &call, &bob, &[&lost]).await?;
    server.act(&bob, &call, "reject").await?.expect(200)?;
    says(&server, &call, &bob, &["rejected after"]).await?;
    says(&server, &call, &alice, &["is the caller"]).await
}

#[tokio::test]
async fn that_nobody_was_connected() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("why_nobody_was_there").await?;
    let call = server.initiate(&alice, &room).await?;
    server.act(&alice, &call, "end").await?.expect(200)?;
    let took = format!("{} took the call back", alice.user_id);
    says(&server, &call, &bob, &["rang nowhere: no device was connected", "no device was connected: the call waited", &took])
        .await
}

#[tokio::test]
async fn that_somebody_was_never_called() -> Result<()> {
    let (alice, _bob, room) = pair().await?;
    let server = Server::start("why_never_called").await?;
    let [carol] = users(["carol"]).await?;
    let call = server.initiate(&alice, &room).await?;
    says(&server, &call, &carol, &["was not called: not a joined member"]).await
}

#[tokio::test]
async fn that_the_caller_is_ignored() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let server = Server::start("why_ignored").await?;
    let (path, list) = (
        format!("/_matrix/client/v3/user/{}/account_data/m.ignored_user_list", ringback_e2e::escaped(&bob.user_id)),
        serde_json::json!({"ignored_users": {&alice.user_id: {}}}),
    );
    let who = bob.clone();
    ringback_e2e::at_homeserver(move |hs| hs.ask("PUT", &path, Some(&who), Some(&list))).await?;
    let _phone = server.connect(&bob).await?;
    let call = server.initiate(&alice, &room).await?;
    says(&server, &call, &bob, &["did not ring: ignores the caller"]).await
}

/// What is noted is there after a stop, on either database, and can be had by settings and as JSON.
#[tokio::test]
async fn after_a_stop_and_by_the_settings() -> Result<()> {
    let (alice, bob, room) = pair().await?;
    let mut server = Options::new("why_after_a_stop").on_postgres()?.start().await?;
    let _phone = server.connect(&bob).await?;
    let call = server.initiate(&alice, &room).await?;
    server.sigterm()?;
    server.wait_for_end(Duration::from_secs(15)).await?;
    let settings = server.directory.join("ringback.toml");
    std::fs::write(&settings, format!("homeserver_url = \"http://x\"\ndatabase_url = \"{}\"\n", server.setting("DATABASE_URL")))?;
    let done = command(&["--why", &call, "--json", "--config", &settings.display().to_string()]).output().await?;
    let said: Value = serde_json::from_slice(&done.stdout)?;
    ensure!(
        said["users"][0]["userId"] == bob.user_id
            && said["users"][0]["verdict"].as_str().is_some_and(|text| text.starts_with("rang on 1 device")),
        "{said:#}"
    );
    let done = command(&["--why", &"0".repeat(32), "--config", &settings.display().to_string()]).output().await?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(!done.status.success() && said.contains("there is no call"), "{said}");
    Ok(())
}
