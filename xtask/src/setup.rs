//! Installing what is missing, each thing only then, and saying so.
//!
//! Python and JavaScript packages go into `.dev`; programs come from Debian's packages, which takes root or `sudo`.

mod packaging;
mod programs;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    thread::ScopedJoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

pub use self::packaging::{bolt, cargo_deb, clean_debian, llvm_profdata, mdbook};
pub use self::programs::{caddy, chromium, coturn, faketime, ip, nginx, openssl, prometheus, sqlite3};
use crate::{process, say};

const SYNAPSE: &str = "matrix-synapse==1.163.*\n";

/// The Python of a virtual environment that has Synapse.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn synapse() -> Result<PathBuf> {
    virtual_environment("synapse", "Synapse", SYNAPSE)
}

/// The Python of a virtual environment that has what `e2e/clients/requirements.txt` names.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn python_clients() -> Result<PathBuf> {
    let path = crate::root().join("e2e/clients/requirements.txt");
    let requirements = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    virtual_environment("clients", "the Python clients of the tests", &requirements)
}

/// The directory whose `node_modules` hold what `e2e/clients/package.json` names.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn node_clients() -> Result<PathBuf> {
    node()?;
    let directory = crate::dev("node")?;
    fs::create_dir_all(&directory)?;
    let source = crate::root().join("e2e/clients");
    let mut wanted = String::new();
    for name in ["package.json", "package-lock.json", ".npmrc"] {
        let path = source.join(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        fs::write(directory.join(name), &text)?;
        wanted += &text;
    }
    let stamp = directory.join("installed");
    if !holds(&stamp, &wanted) {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&directory);
        step("the JavaScript clients of the tests", "npm-ci", npm)?;
        fs::write(stamp, wanted)?;
    }
    Ok(directory)
}

/// The directory of the programs of the newest `PostgreSQL`.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn postgres() -> Result<PathBuf> {
    if let Some(programs) = postgres_programs() {
        return Ok(programs);
    }
    apt("PostgreSQL", &["postgresql"])?;
    postgres_programs().context("PostgreSQL was installed, but /usr/lib/postgresql/*/bin/initdb is not there")
}

/// Sees to it that `curl` is there.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn curl() -> Result<()> {
    if process::find("curl").is_none() { apt("curl", &["curl"]) } else { Ok(()) }
}

/// Sees to it that Node.js and npm are there, and new enough for Vite.
///
/// # Errors
/// Where they cannot be installed or are too old; the message says what to do.
pub fn node() -> Result<()> {
    const OLDEST: (u32, u32) = (20, 19);
    if process::find("node").is_none() || process::find("npm").is_none() {
        apt("Node.js and npm", &["nodejs", "npm"])?;
    }
    let version = process::output("node", &["--version"]).context("`node --version` fails")?;
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|number| number.parse().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    ensure!(
        found >= OLDEST,
        "Node.js {version} is too old: {}.{} or later is needed (Debian 12 has 18). Install a newer one, see https://nodejs.org, \
         and put it first in PATH",
        OLDEST.0,
        OLDEST.1
    );
    Ok(())
}

/// Installs what the lock file in a folder of the repository names, into its `node_modules`.
///
/// # Errors
/// Where that fails; with what npm says.
pub fn node_packages(folder: &str, what: &str) -> Result<()> {
    node()?;
    let directory = crate::root().join(folder);
    let read = |name: &str| fs::read_to_string(directory.join(name)).with_context(|| format!("{folder}/{name}"));
    let wanted = read("package.json")? + &read("package-lock.json")?;
    let stamp = directory.join("node_modules/.installed");
    if !holds(&stamp, &wanted) {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&directory);
        step(what, &format!("npm-{}", folder.replace('/', "-")), npm)?;
        fs::write(stamp, wanted)?;
    }
    Ok(())
}

fn postgres_programs() -> Option<PathBuf> {
    let by_path = process::find("initdb").and_then(|initdb| fs::canonicalize(initdb).ok());
    let versions = fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let mut packaged: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, programs)| programs.join("initdb").is_file() && programs.join("postgres").is_file())
        .collect();
    packaged.sort();
    packaged.pop().map(|(_, programs)| programs).or_else(|| by_path?.parent().map(Path::to_path_buf))
}

fn virtual_environment(name: &str, what: &str, requirements: &str) -> Result<PathBuf> {
    let directory = crate::dev(format!("venv/{name}"))?;
    let python = directory.join("bin/python");
    let stamp = directory.join("installed");
    if holds(&stamp, requirements) && python.is_file() {
        return Ok(python);
    }
    let _ = fs::remove_dir_all(&directory);
    make_environment(&directory)?;
    let list = directory.join("requirements.txt");
    fs::write(&list, requirements)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", "-r"]).arg(&list);
    step(what, &format!("pip-{name}"), pip)?;
    fs::write(stamp, requirements)?;
    Ok(python)
}

fn make_environment(directory: &Path) -> Result<()> {
    let make = || {
        let directory = directory.to_str().context("the path of the repository is not UTF-8")?;
        let made = process::output("python3", &["-c", "import sys; sys.exit(sys.version_info < (3, 10))"])
            .and_then(|_| process::output("python3", &["-m", "venv", directory]));
        anyhow::Ok(made.is_some())
    };
    if !make()? {
        apt("Python with venv", &["python3", "python3-venv"])?;
        ensure!(make()?, "`python3 -m venv {}` fails; Python 3.10 or later is needed", directory.display());
    }
    Ok(())
}

fn apt(what: &str, packages: &[&str]) -> Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let by_hand = format!("sudo apt-get update && sudo apt-get install {}", packages.join(" "));
    ensure!(process::find("apt-get").is_some(), "{what} is missing; install it, then run this again");
    let root = process::output("id", &["-u"]).as_deref() == Some("0");
    if !root && process::output("sudo", &["-n", "true"]).is_none() {
        bail!("{what} is missing, and installing it needs root. Type\n\n    {by_hand}\n\nthen run this again");
    }
    let install: &[&str] = &["install", "--yes", "--no-install-recommends"];
    for arguments in [&["update"][..], &[install, packages].concat()] {
        let mut command = if root { Command::new("env") } else { Command::new("sudo") };
        if !root {
            command.args(["-n", "env"]);
        }
        command.arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get").args(arguments);
        let name = format!("apt-{}-{}", arguments[0], packages[0]);
        step(&format!("{what} (apt-get {})", arguments[0]), &name, command)
            .with_context(|| format!("to install it by hand, type\n\n    {by_hand}\n"))?;
    }
    Ok(())
}

/// What a thread has installed.
///
/// # Errors
/// Those of the thread.
pub fn joined<T>(thread: ScopedJoinHandle<Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread that installs has panicked"))?
}

/// Runs one step of an installation, with its output in a log and its progress shown.
fn step(what: &str, name: &str, command: Command) -> Result<()> {
    let log = crate::dev(format!("run/logs/setup-{name}.log"))?;
    let _ = fs::remove_file(&log);
    let started = Instant::now();
    say::progress(&format!("installing {what} (the first time only) …"));
    process::run(name, command, Some(&log), |passed| still(what, passed, &log))?;
    say::progress(&format!("installed {what} ({})", say::seconds(started.elapsed())));
    Ok(())
}

fn still(what: &str, passed: Duration, log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let last: String = text.lines().last().unwrap_or_default().chars().take(90).collect();
    say::progress(&format!("still installing {what} ({} s): {last}", passed.as_secs()));
}

/// Whether a file says exactly this.
pub fn holds(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|held| held == text)
}

/// A Python that knows the Compose specification.
///
/// # Errors
/// Where it cannot be installed; the message says what to type.
pub fn compose_specification() -> Result<PathBuf> {
    virtual_environment("compose", "the Compose specification", "compose-spec==0.2.1\nPyYAML==6.*\n")
}
