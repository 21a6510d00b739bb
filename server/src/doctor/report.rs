//! What was found, and how it is shown.

use std::{fmt::Display, io::Write as _, time::Duration};

use parking_lot::Mutex;
use serde::Serialize;

/// What is looked at, in the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// `.well-known/matrix/client` of the server name.
    WellKnown,
    /// Whether a host has an address, answers, and has a certificate that browsers take.
    Host,
    /// Whether the homeserver is one.
    Homeserver,
    /// `call-config.json` at the homeserver's own address, where some clients look.
    HomeserverConfig,
    /// `call-config.json` of Ringback.
    CallConfig,
    /// Whether the addresses in it lead where they should.
    Addresses,
    /// What browsers need to be allowed.
    Cors,
    /// WebSocket, plain and by Socket.IO.
    Websocket,
    /// Socket.IO without a WebSocket.
    Polling,
    /// Whether a connection that says little is left alone.
    Idle,
    /// Whether the database is there.
    Health,
    /// Whether the clocks agree.
    Clock,
    /// Whether the token is known, and known to be whose.
    Token,
    /// A call that rings.
    Ring,
    /// Whether STUN answers.
    Stun,
    /// Whether TURN relays.
    Turn,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Not looked at, and why.
    Skipped,
    /// Calls work for some, or will not for long.
    Warning,
    /// Calls do not work.
    Failure,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub check: Check,
    /// How it stands.
    pub level: Level,
    /// The address that was tried.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// What came back.
    pub saw: String,
    /// What to change, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Where the checks write what they find.
#[derive(Debug, Default)]
pub struct Notebook {
    skip: Vec<Check>,
    findings: Mutex<Vec<Finding>>,
}

impl Notebook {
    /// An empty one, that takes nothing down about these checks.
    pub fn without(skip: &[Check]) -> Self {
        Self { skip: skip.to_vec(), findings: Mutex::default() }
    }

    /// It is as it should be.
    pub fn ok(&self, check: Check, address: impl Display, saw: impl Display) {
        self.note(check, Level::Ok, &address, &saw, None);
    }

    /// It was not looked at.
    pub fn skip(&self, check: Check, address: impl Display, why: impl Display) {
        self.note(check, Level::Skipped, &address, &why, None);
    }

    /// It is not quite as it should be.
    pub fn warn(&self, check: Check, address: impl Display, saw: impl Display, remedy: impl Display) {
        self.note(check, Level::Warning, &address, &saw, Some(&remedy));
    }

    /// It is broken.
    pub fn fail(&self, check: Check, address: impl Display, saw: impl Display, remedy: impl Display) {
        self.note(check, Level::Failure, &address, &saw, Some(&remedy));
    }

    fn note(&self, check: Check, level: Level, address: &dyn Display, saw: &dyn Display, remedy: Option<&dyn Display>) {
        if !self.skip.contains(&check) {
            let (address, saw) = (shown(&address.to_string()), shown(&saw.to_string()));
            let remedy = remedy.map(ToString::to_string);
            self.findings.lock().push(Finding { check, level, address, saw, remedy });
        }
    }

    /// All of it, in order.
    pub fn close(self, took: Duration) -> Report {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|finding| (finding.check, std::cmp::Reverse(finding.level)));
        Report::new(findings, took)
    }
}

/// What others send may hold anything; what a terminal would obey, it must not.
fn shown(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// Everything that was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `ok`, `warning` or `failure`: the worst of all.
    pub result: Level,
    /// How many are broken.
    pub failures: usize,
    /// How many are not quite as they should be.
    pub warnings: usize,
    /// How many could not be looked at.
    pub skipped: usize,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What was looked at.
    pub findings: Vec<Finding>,
}

impl Report {
    fn new(findings: Vec<Finding>, took: Duration) -> Self {
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        let (failures, warnings, skipped) = (count(Level::Failure), count(Level::Warning), count(Level::Skipped));
        let result = match (failures, warnings) {
            (0, 0) => Level::Ok,
            (0, _) => Level::Warning,
            _ => Level::Failure,
        };
        let took_ms = took.as_millis().try_into().unwrap_or(u64::MAX);
        Self { result, failures, warnings, skipped, took_ms, findings }
    }

    /// What the process ends with: 0, 1 for failures, 3 for warnings alone. 2 is for arguments that make no sense.
    pub fn exit_code(&self) -> u8 {
        match self.result {
            Level::Ok | Level::Skipped => 0,
            Level::Failure => 1,
            Level::Warning => 3,
        }
    }

    /// What is to be mended first: the first of the worst.
    fn first(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.level == self.result && finding.remedy.is_some())
    }

    /// Whether another one says the same, whatever the figures in it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let gist = |report: &Self| {
            let gist = |finding: &Finding| (finding.check, finding.level, finding.address.clone(), finding.remedy.clone());
            report.findings.iter().map(gist).collect::<Vec<_>>()
        };
        gist(self) == gist(other)
    }
}

/// Shows reports on standard output.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// One JSON document each.
    pub json: bool,
    /// With colours.
    pub colours: bool,
}

impl Screen {
    /// Shows one.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub fn show(self, report: &Report) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            return writeln!(out, "{}", serde_json::to_string(report)?);
        }
        let width = report.findings.iter().map(|finding| name(finding.check).len()).max().unwrap_or(0);
        for finding in &report.findings {
            let (word, colour) = word(finding.level);
            let address = if finding.address.is_empty() { String::new() } else { format!("{}: ", finding.address) };
            writeln!(out, "{}  {:width$}  {address}{}", self.paint(word, colour), name(finding.check), finding.saw)?;
            for line in finding.remedy.iter().flat_map(|remedy| remedy.lines()) {
                writeln!(out, "{:8}{:width$}  {} {line}", "", "", self.paint("→", colour))?;
            }
        }
        writeln!(out, "\n{}", self.summary(report))
    }

    /// Counts, and what to do first.
    pub fn summary(self, report: &Report) -> String {
        let seconds = Duration::from_millis(report.took_ms).as_secs_f32();
        let Report { failures, warnings, skipped, .. } = report;
        let looked = report.findings.len() - skipped;
        let counts = match (failures, warnings) {
            (0, 0) => format!("All is well: {looked} checks in {seconds:.1} s"),
            _ => format!("{failures} failure(s), {warnings} warning(s) in {looked} checks, {seconds:.1} s"),
        };
        let counts = if *skipped == 0 { format!("{counts}.") } else { format!("{counts}; {skipped} not checked.") };
        match report.first() {
            Some(first) => {
                let (_, colour) = word(first.level);
                let remedy = first.remedy.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
                format!("{counts}\nFirst: {} ({}): {remedy}", self.paint(name(first.check), colour), first.address)
            }
            None => counts,
        }
    }

    fn paint(self, text: &str, colour: u8) -> String {
        if self.colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A level's word, six letters wide, and its colour.
fn word(level: Level) -> (&'static str, u8) {
    match level {
        Level::Ok => ("ok    ", 32),
        Level::Skipped => ("-     ", 90),
        Level::Warning => ("warn  ", 33),
        Level::Failure => ("FAIL  ", 31),
    }
}

fn name(check: Check) -> &'static str {
    match check {
        Check::WellKnown => "well-known",
        Check::Host => "host",
        Check::Homeserver => "homeserver",
        Check::HomeserverConfig => "homeserver-config",
        Check::CallConfig => "call-config",
        Check::Addresses => "addresses",
        Check::Cors => "cors",
        Check::Websocket => "websocket",
        Check::Polling => "polling",
        Check::Idle => "idle",
        Check::Health => "health",
        Check::Clock => "clock",
        Check::Token => "token",
        Check::Ring => "ring",
        Check::Stun => "stun",
        Check::Turn => "turn",
    }
}
