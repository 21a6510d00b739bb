//! Behind nginx.

use anyhow::Result;
use ringback_e2e::finish;
use std::time::Duration;
use tokio::process::Command;
use xtask::{process::Child, setup};

use super::{Example, Front, HOMESERVER, OTHERS, holds, trusted};

/// What every nginx.conf has, kept to a directory of the test's own.
const BEFORE: &str = "daemon off; pid nginx.pid; error_log stderr notice; events {} http { access_log off;
client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; scgi_temp_path scgi; uwsgi_temp_path uwsgi;\n";

async fn start(file: &str) -> Result<(Example, Front)> {
    let mut example = Example::read(file)?;
    let (https, http) = (example.https, example.http);
    example.replace("listen 443", &format!("listen 127.0.0.1:{https}"))?;
    example.replace("listen [::]:443", &format!("listen [::1]:{https}"))?;
    example.replace("listen 80;", &format!("listen 127.0.0.1:{http};"))?;
    example.replace("listen [::]:80", &format!("listen [::1]:{http}"))?;
    let live = example.directory.join("live");
    example.replace("/etc/letsencrypt/live", &live.display().to_string())?;
    let configuration = example.write("nginx.conf", BEFORE, "}\n")?;
    let authority = example.directory.join("authority.pem");
    let key = example.directory.join("key.pem");
    let names: Vec<String> = [HOMESERVER].iter().chain(&OTHERS).map(|name| format!("DNS:{name}")).collect();
    let mut openssl = Command::new(setup::openssl()?);
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=ringback tests", "-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl
        .arg("-addext")
        .arg(format!("subjectAltName={}", names.join(",")))
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&authority);
    finish("openssl", openssl, Duration::from_secs(20)).await?;
    for name in [HOMESERVER].iter().chain(&OTHERS) {
        std::fs::create_dir_all(live.join(name))?;
        std::fs::copy(&authority, live.join(name).join("fullchain.pem"))?;
        std::fs::copy(&key, live.join(name).join("privkey.pem"))?;
    }
    let mut nginx = std::process::Command::new(setup::nginx()?);
    nginx.arg("-p").arg(&example.directory).arg("-c").arg(&configuration);
    let log = example.directory.join("nginx.log");
    let front = Front::new(&example, Child::start("nginx", nginx, Some(&log))?, authority, log).await?;
    Ok((example, front))
}

#[tokio::test]
async fn under_the_homeservers_name() -> Result<()> {
    let (example, front) = start("nginx/matrix.example.org.conf").await?;
    let base = front.origin.clone();
    holds(&example, front, &base).await
}

#[tokio::test]
async fn under_the_homeservers_name_as_a_trusted_proxy() -> Result<()> {
    let (example, front) = start("nginx/matrix.example.org.conf").await?;
    trusted(&example, front).await
}

#[tokio::test]
async fn under_a_name_of_its_own() -> Result<()> {
    let (example, front) = start("nginx/calls.example.org.conf").await?;
    let base = format!("https://calls.example.org:{}", example.https);
    holds(&example, front, &base).await
}
