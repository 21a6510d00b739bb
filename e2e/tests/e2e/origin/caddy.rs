//! Behind Caddy.

use std::process::Command;

use anyhow::Result;
use xtask::{process::Child, setup};

use super::{Example, Front, holds, trusted};

/// Certificates of an authority of Caddy's own, in place of a public one; ports and files of the test's own.
async fn start(file: &str) -> Result<(Example, Front)> {
    let example = Example::read(file)?;
    let (https, http, storage) = (example.https, example.http, example.directory.join("storage"));
    let global = format!(
        "{{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tdefault_bind 127.0.0.1\n\thttp_port \
         {http}\n\thttps_port {https}\n\tstorage file_system {}\n}}\n",
        storage.display()
    );
    let configuration = example.write("Caddyfile", &global, "")?;
    let mut caddy = Command::new(setup::caddy()?);
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(&configuration).env("HOME", &example.directory);
    let log = example.directory.join("caddy.log");
    let authority = storage.join("pki/authorities/local/root.crt");
    let front = Front::new(&example, Child::start("caddy", caddy, Some(&log))?, authority, log).await?;
    Ok((example, front))
}

#[tokio::test]
async fn under_the_homeservers_name() -> Result<()> {
    let (example, front) = start("caddy/matrix.example.org.caddyfile").await?;
    let base = front.origin.clone();
    holds(&example, front, &base).await
}

#[tokio::test]
async fn under_the_homeservers_name_as_a_trusted_proxy() -> Result<()> {
    let (example, front) = start("caddy/matrix.example.org.caddyfile").await?;
    trusted(&example, front).await
}

#[tokio::test]
async fn under_a_name_of_its_own() -> Result<()> {
    let (example, front) = start("caddy/calls.example.org.caddyfile").await?;
    let base = format!("https://calls.example.org:{}", example.https);
    holds(&example, front, &base).await
}
