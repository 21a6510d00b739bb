//! A whole service of one's own, as an operator would set it up, and what the doctor says of it.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use ringback_e2e::{Authority, Kind, Login, Nginx, Options, Server, World, free_port};
use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

/// The names of the service; the doctor is told where they lead.
pub const NAMES: [&str; 3] = ["ring.test", "matrix.ring.test", "calls.ring.test"];

/// What hands every path on to Ringback, as docs/running.md has it.
pub const PROXY: &str = "proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $host;";

/// A service that is well: nginx with TLS in front of Ringback and the shared Synapse. Tests break one thing of it.
pub struct Plan {
    /// How Ringback is started.
    pub ringback: Options,
    /// `.well-known/matrix/client`; `None`: there is none.
    pub well_known: Option<Value>,
    /// With which headers it comes.
    pub well_known_headers: String,
    /// What nginx does with each request for Ringback.
    pub calls: String,
    /// More locations of Ringback's host.
    pub calls_more: String,
    /// What nginx does with each request for the homeserver.
    pub matrix: String,
    /// More locations of the homeserver's host.
    pub matrix_more: String,
    /// The certificate of all hosts.
    pub certificate: Kind,
    /// For which names it is.
    pub names: Vec<&'static str>,
    /// Ringback is down.
    pub ringback_down: bool,
    /// More flags of the doctor.
    pub flags: Vec<String>,
    /// Whose tokens the doctor gets.
    pub tokens: Vec<Login>,
    /// Its own authority.
    pub authority: Authority,
    directory: PathBuf,
}

impl Plan {
    pub fn new(name: &'static str) -> Result<Self> {
        let directory = World::get().new_directory(&format!("{name}-proxy"))?;
        let ringback = Options::new(name)
            .set("PUBLIC_URL", "https://calls.ring.test")
            .set("PUBLIC_HOMESERVER_URL", "https://matrix.ring.test")
            .set("STUN_URIS", "");
        Ok(Self {
            ringback,
            well_known: Some(json!({
                "m.homeserver": {"base_url": "https://matrix.ring.test"},
                "dev.ringback.call": {"base_url": "https://calls.ring.test"},
            })),
            well_known_headers: "add_header Access-Control-Allow-Origin * always;".to_owned(),
            calls: PROXY.to_owned(),
            calls_more: String::new(),
            matrix: format!("proxy_pass {};", World::get().homeserver.url),
            matrix_more: "location = /call-config.json { proxy_pass RINGBACK; }".to_owned(),
            certificate: Kind::Good,
            names: NAMES.to_vec(),
            ringback_down: false,
            flags: Vec::new(),
            tokens: Vec::new(),
            authority: Authority::new(&directory)?,
            directory,
        })
    }

    /// Changes Ringback's settings.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.ringback = self.ringback.set(name, value);
        self
    }

    /// More flags of the doctor.
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// Adds a line to what nginx does with each request for Ringback.
    pub fn in_proxy(mut self, line: &str) -> Self {
        self.calls = format!("{}\n    {line}", self.calls);
        self
    }

    /// Starts all of it, and asks the doctor.
    pub async fn examine(self) -> Result<Report> {
        Ok(self.start().await?.1)
    }

    /// The same, and keeps it up.
    pub async fn start(self) -> Result<(Site, Report)> {
        let site = self.stand_up().await?;
        let report = site.doctor(&["ring.test"]).await?;
        Ok((site, report))
    }

    async fn stand_up(self) -> Result<Site> {
        let Self { certificate, names, directory, flags, tokens, authority, .. } = &self;
        let pair = authority.issue(names, *certificate)?;
        let port = free_port()?;
        let mut args = vec!["--ca-file".to_owned(), authority.file.display().to_string()];
        for name in NAMES {
            args.extend(["--connect-to".to_owned(), format!("{name}:443:127.0.0.1:{port}")]);
        }
        for (token, flag) in tokens.iter().zip(["--token-file", "--ring-token-file"]) {
            let file = directory.join(flag.trim_start_matches("--"));
            fs::write(&file, &token.token)?;
            args.extend([flag.to_owned(), file.display().to_string()]);
        }
        args.extend(flags.iter().cloned());
        let tls = format!(
            "listen 127.0.0.1:{port} ssl; ssl_certificate {}; ssl_certificate_key {};",
            pair.certificate.display(),
            pair.key.display()
        );
        let well_known = self.well_known.as_ref().map_or_else(String::new, |body| {
            let headers = &self.well_known_headers;
            format!("location = /.well-known/matrix/client {{ default_type application/json; {headers} return 200 '{body}'; }}")
        });
        let blocks = format!(
            "server {{ {tls} server_name ring.test; {well_known} }}\n\
             server {{ {tls} server_name matrix.ring.test;\n{}\n  location / {{ {} }} }}\n\
             server {{ {tls} server_name calls.ring.test;\n{}\n  location / {{ proxy_pass RINGBACK;\n    {}\n  }} }}",
            self.matrix_more, self.matrix, self.calls_more, self.calls
        );
        let mut server = self.ringback.start().await?;
        let nginx = Nginx::start(&self.directory, port, &blocks.replace("RINGBACK", &server.url)).await?;
        if self.ringback_down {
            server.kill9();
        }
        Ok(Site { server, port, args, _nginx: nginx })
    }
}

/// A service that is up.
pub struct Site {
    pub server: Server,
    /// Where the proxy listens.
    pub port: u16,
    args: Vec<String>,
    _nginx: Nginx,
}

impl Site {
    /// Asks the doctor.
    pub async fn doctor(&self, more: &[&str]) -> Result<Report> {
        let args: Vec<&str> = self.args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        doctor(&args).await
    }
}

/// The doctor's command, without what the tests' own environment says.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(&World::get().binary);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RINGBACK_")) {
        command.env_remove(name);
    }
    command.arg("doctor").args(args).kill_on_drop(true);
    command
}

/// Runs the doctor; idle connections are watched for a moment alone, where the test does not say otherwise.
pub async fn doctor(args: &[&str]) -> Result<Report> {
    let mut all = vec!["--json"];
    if !args.contains(&"--idle") {
        all.extend(["--idle", "300ms"]);
    }
    all.extend(args);
    let done = timeout(Duration::from_mins(1), command(&all).output()).await.context("the doctor hangs")??;
    let text = String::from_utf8_lossy(&done.stdout);
    let body: Value =
        serde_json::from_str(&text).with_context(|| format!("not JSON: {text}\n{}", String::from_utf8_lossy(&done.stderr)))?;
    ensure!(text.lines().count() == 1, "one document, and nothing else: {text}");
    let expected = match body["result"].as_str() {
        Some("ok") => 0,
        Some("failure") => 1,
        Some("warning") => 3,
        other => bail!("a result of its own: {other:?}"),
    };
    ensure!(done.status.code() == Some(expected), "exit code {:?} for {body:#}", done.status.code());
    Ok(Report(body))
}

/// What the doctor has said.
pub struct Report(pub Value);

impl Report {
    /// All that is wrong.
    fn wrong(&self) -> Vec<&Value> {
        let is_wrong = |finding: &&Value| finding["level"] == "failure" || finding["level"] == "warning";
        self.0["findings"].as_array().into_iter().flatten().filter(is_wrong).collect()
    }

    /// Nothing is wrong.
    pub fn finds_nothing(&self) -> Result<()> {
        ensure!(self.wrong().is_empty() && self.0["result"] == "ok", "it should find nothing: {:#}", self.0);
        Ok(())
    }

    /// This one failure, with this in what was seen and this in the remedy, and nothing else.
    pub fn fails(&self, check: &str, saw: &str, remedy: &str) -> Result<()> {
        self.finds("failure", check, saw, remedy)
    }

    /// This one warning, and nothing else.
    pub fn warns(&self, check: &str, saw: &str, remedy: &str) -> Result<()> {
        self.finds("warning", check, saw, remedy)
    }

    fn finds(&self, level: &str, check: &str, saw: &str, remedy: &str) -> Result<()> {
        let wrong = self.wrong();
        let [one] = wrong[..] else { bail!("one {level} expected ({check}), not {}: {:#}", wrong.len(), self.0) };
        ensure!(one["level"] == level && one["check"] == check, "a {level} of {check} expected: {one:#}");
        let has = |key: &str, part: &str| one[key].as_str().is_some_and(|text| text.contains(part));
        ensure!(has("saw", saw), "`{saw}` is not in what was seen: {one:#}");
        ensure!(has("remedy", remedy), "`{remedy}` is not in the remedy: {one:#}");
        Ok(())
    }

    /// What it says of a check that it did look at, or why it did not.
    pub fn says(&self, check: &str, level: &str, saw: &str) -> Result<()> {
        let says = |finding: &&Value| {
            finding["check"] == check
                && finding["level"] == level
                && finding["saw"].as_str().is_some_and(|text| text.contains(saw))
        };
        let found = self.0["findings"].as_array().into_iter().flatten().any(|finding| says(&finding));
        ensure!(found, "{check} {level} `{saw}` is not in {:#}", self.0);
        Ok(())
    }
}
