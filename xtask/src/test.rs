//! `cargo xtask test`: every check, in sections that are timed; what can be installed meanwhile is.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    bench, book, browser,
    coturn::Coturn,
    machine::Machine,
    package,
    postgres::Postgres,
    process,
    ringback::{self, cargo},
    say,
    setup::{self, joined},
    synapse::Synapse,
    wait, web,
};

/// How many end-to-end tests run at once: most of the time they wait.
const END_TO_END_THREADS: &str = "8";

/// Runs everything; with `fast`, what needs nothing but cargo and `PostgreSQL`; with a `name`, only the tests that contain it.
///
/// # Errors
/// Names the sections that failed.
pub fn run(fast: bool, name: Option<&str>) -> Result<()> {
    let mut report = Report { sections: Vec::new(), started: Instant::now() };
    thread::scope(|scope| {
        let postgres = scope.spawn(setup::postgres);
        let clients = (!fast).then(|| scope.spawn(install_clients));
        if name.is_none() {
            if !fast {
                // Before anything is compiled: the server holds what this builds.
                report.section("softphone", || web::check().and_then(|()| web::build()));
            }
            lints(&mut report, fast);
        }
        compile(&mut report, fast);
        tests(&mut report, name, postgres, clients);
    });
    if !fast && name.is_none() {
        report.section("book", || book::build().map(drop));
        report.section("demo", || run_task(&["demo", "--exit"]));
    }
    report.close()
}

/// Starts what the end-to-end tests share, and says how to run them against it by hand; stays up.
///
/// # Errors
/// Where it does not come up, or ends.
pub fn world() -> Result<()> {
    let database = start_database(&setup::postgres()?)?;
    let mut world = World::start(install_clients()?, &database)?;
    web::build()?;
    for (name, value) in &world.variables {
        say::line(&format!("export {name}='{value}'"));
    }
    say::line(&format!("export RINGBACK_TEST_POSTGRES='{}'", database.url()));
    say::line("# paste that into another terminal, then: cargo test --workspace; Ctrl-C here stops all");
    loop {
        world.synapse.check()?;
        thread::sleep(Duration::from_millis(200));
    }
}

/// Draws every screen of the softphone into `docs/screenshots`.
///
/// # Errors
/// Where one cannot be drawn.
pub fn screenshots() -> Result<()> {
    ringback::build()?;
    let database = start_database(&setup::postgres()?)?;
    let world = World::start(install_clients()?, &database)?;
    browser::screenshots(&world.variables)
}

pub(crate) fn start_database(programs: &Path) -> Result<Postgres> {
    let logs = crate::dev("run/logs")?;
    std::fs::create_dir_all(&logs)?;
    Postgres::start(programs, &logs)
}

fn lints(report: &mut Report, fast: bool) {
    report.section("formatting", || run_cargo(&["fmt", "--all", "--check"], &[]));
    report.section("lints", || run_cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[]));
    if !fast {
        let flags = ("RUSTDOCFLAGS", "-D warnings".to_owned());
        report.section("docs", || run_cargo(&["doc", "--workspace", "--no-deps"], &[flags]));
    }
}

fn compile(report: &mut Report, fast: bool) {
    report.section("compiling", || {
        if !fast {
            ringback::build()?;
            run_cargo(&["build", "--workspace", "--bin", "ringback-bench"], &[])?;
        }
        run_cargo(&[&["test", "--no-run"], scope_of(fast)].concat(), &[])
    });
}

fn scope_of(fast: bool) -> &'static [&'static str] {
    if fast { &["--workspace", "--exclude", "ringback-e2e"] } else { &["--workspace"] }
}

type Installing<'scope, T> = ScopedJoinHandle<'scope, Result<T>>;

fn tests(report: &mut Report, name: Option<&str>, postgres: Installing<PathBuf>, clients: Option<Installing<Clients>>) {
    let mut database = None;
    report.section("private PostgreSQL", || {
        database = Some(start_database(&joined(postgres)?)?);
        Ok(())
    });
    let Some(database) = database else { return };
    let filter: Vec<&str> = name.into_iter().collect();
    let title = if name.is_some() { "tests by name" } else { "unit, property and integration tests" };
    report.section(title, || {
        let arguments = [&["--no-fail-fast"], scope_of(true), &filter].concat();
        run_cargo_test(&arguments, &[("RINGBACK_TEST_POSTGRES", database.url())])
    });
    let Some(clients) = clients else { return };
    let mut world = None;
    report.section("private Synapse", || {
        world = Some(World::start(joined(clients)?, &database)?);
        Ok(())
    });
    let Some(world) = world else { return };
    report.section("end-to-end tests", || {
        // The whole workspace is named, and one test of it: so nothing is compiled a second time with fewer features.
        let arguments = [&["--workspace", "--test", "e2e"], filter.as_slice()].concat();
        run_cargo_test(&arguments, &world.variables)
    });
    report.section("browser tests", || browser::test(&world.variables, name));
    if name.is_none() {
        report.section("load generator", || bench::try_out(&database));
    }
}

/// What the end-to-end tests need installed.
struct Clients {
    synapse: PathBuf,
    python: PathBuf,
    node: PathBuf,
    /// What makes a package, and what it is tried on: both, where we are root.
    package: Option<PathBuf>,
    browser: browser::Programs,
    faketime: PathBuf,
}

fn install_clients() -> Result<Clients> {
    thread::scope(|scope| {
        let synapse = scope.spawn(setup::synapse);
        let python = scope.spawn(setup::python_clients);
        let node = scope.spawn(|| setup::curl().and_then(|()| setup::node_clients()));
        let package = scope.spawn(install_packaging);
        let browser = scope.spawn(browser::install);
        let faketime = scope.spawn(setup::faketime);
        let around = [setup::nginx, setup::caddy, setup::openssl, setup::prometheus, setup::sqlite3];
        let around = scope.spawn(move || around.into_iter().try_for_each(|install| install().map(drop)));
        joined(around)?;
        Ok(Clients {
            browser: joined(browser)?,
            synapse: joined(synapse)?,
            python: joined(python)?,
            node: joined(node)?,
            package: joined(package)?,
            faketime: joined(faketime)?,
        })
    })
}

/// Installing a package takes root, who alone can have a Debian beside this one.
fn install_packaging() -> Result<Option<PathBuf>> {
    if process::output("id", &["-u"]).as_deref() != Some("0") {
        say::line("not root: the Debian package is not tried");
        return Ok(None);
    }
    setup::cargo_deb()?;
    setup::clean_debian().map(Some)
}

/// What the end-to-end tests share.
struct World {
    variables: Vec<(&'static str, String)>,
    synapse: Synapse,
    /// Where the package is tried.
    _machine: Option<Machine>,
    _turn: Coturn,
}

impl World {
    fn start(clients: Clients, database: &Postgres) -> Result<Self> {
        let directory = new_directory()?;
        let turn = ["turn:127.0.0.1:3478?transport=udp"];
        let synapse = Synapse::start(&clients.synapse, &directory.join("synapse"), wait::free_port()?, &turn)?;
        let (turn, of_browser) = clients.browser.start(&directory)?;
        let shown = |path: PathBuf| path.display().to_string();
        let mut variables = vec![
            ("RINGBACK_E2E_SYNAPSE", synapse.homeserver.url.clone()),
            ("RINGBACK_E2E_SECRET", synapse.homeserver.secret.clone()),
            ("RINGBACK_E2E_SYNAPSE_PYTHON", shown(clients.synapse)),
            ("RINGBACK_E2E_POSTGRES", database.url()),
            ("RINGBACK_E2E_DIRECTORY", shown(directory.clone())),
            ("RINGBACK_E2E_BIN", shown(ringback::binary())),
            ("RINGBACK_E2E_NODE", shown(clients.node)),
            ("RINGBACK_E2E_PYTHON", shown(clients.python)),
            ("RINGBACK_E2E_FAKETIME", shown(clients.faketime)),
            ("RUST_TEST_THREADS", END_TO_END_THREADS.to_owned()),
            ("RUST_LIB_BACKTRACE", "0".to_owned()),
        ];
        let machine = clients.package.map(|files| Machine::start(&files, &directory.join("machine"))).transpose()?;
        if let Some(machine) = &machine {
            let package = package::around(&ringback::binary(), &directory.join("package"))?;
            variables.push(("RINGBACK_E2E_PACKAGE", shown(package)));
            variables.push(("RINGBACK_E2E_MACHINE", shown(machine.root.clone())));
            variables.push(("RINGBACK_E2E_LEADER", machine.leader.map(|leader| leader.to_string()).unwrap_or_default()));
        }
        variables.extend(of_browser);
        Ok(Self { variables, synapse, _machine: machine, _turn: turn })
    }
}

/// A directory for this run. Those of runs that are over are removed now, not at their end: they tell why a test failed.
fn new_directory() -> Result<PathBuf> {
    let mine = crate::dev(format!("run/tests/{}", std::process::id()))?;
    let others = std::fs::read_dir(crate::dev("run/tests/x")?.parent().unwrap_or(&mine))?;
    for other in others.flatten().map(|entry| entry.path()) {
        let runs = other.file_name().is_some_and(|id| Path::new("/proc").join(id).exists());
        if !runs || other == mine {
            std::fs::remove_dir_all(&other)?;
        }
    }
    std::fs::create_dir_all(&mine)?;
    Ok(mine)
}

fn run_cargo(arguments: &[&str], variables: &[(&str, String)]) -> Result<()> {
    let mut command = cargo();
    command.args(arguments).envs(variables.iter().cloned());
    say::command(&format!("cargo {}", arguments.join(" ")));
    process::run(&format!("cargo {}", arguments[0]), command, None, |_| ())
}

fn run_cargo_test(arguments: &[&str], variables: &[(&str, String)]) -> Result<()> {
    let mut command = cargo();
    command.arg("test").args(arguments).envs(variables.iter().cloned());
    run_tests(&format!("cargo test {}", arguments.join(" ")), command)
}

/// Runs tests. Fails with the names of those that have failed.
///
/// # Errors
/// Where one fails, or none can be run.
pub(crate) fn run_tests(shown: &str, runner: Command) -> Result<()> {
    say::command(shown);
    let mut failed = Vec::new();
    let outcome = process::run_reading(shown, runner, |line| failed.extend(failed_test(line).map(str::to_owned)));
    if failed.is_empty() { outcome } else { outcome.context(failed.join(", ")) }
}

/// The test that has failed, by a line of `cargo test` or of Playwright.
fn failed_test(line: &str) -> Option<&str> {
    let by_cargo = || line.strip_prefix("test ")?.strip_suffix(" ... FAILED");
    let by_playwright = || Some(line.trim_start().strip_prefix('✘')?.split_once('›')?.1.trim());
    by_cargo().or_else(by_playwright)
}

/// Runs this program once more, for another task.
fn run_task(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    process::run(&format!("cargo xtask {}", arguments.join(" ")), command, None, |_| ())
}

/// What was run, how long it took, and how it ended.
struct Report {
    sections: Vec<(String, Duration, Result<()>)>,
    started: Instant,
}

impl Report {
    /// Runs one section. One that fails does not keep the next from running.
    fn section(&mut self, name: &str, run: impl FnOnce() -> Result<()>) {
        say::heading(name);
        let started = Instant::now();
        let done = run();
        if let Err(error) = &done {
            say::line(&format!("{name} FAILED: {error:#}"));
        }
        self.sections.push((name.to_owned(), started.elapsed(), done));
    }

    fn close(self) -> Result<()> {
        say::heading("Summary");
        let mut failed = Vec::new();
        for (name, took, outcome) in &self.sections {
            let word = if outcome.is_ok() { "ok    " } else { "FAILED" };
            say::line(&format!("{word}  {:>8}  {name}", say::seconds(*took)));
            if let Err(error) = outcome {
                say::line(&format!("                  {error:#}"));
                failed.push(name.as_str());
            }
        }
        say::line(&format!("        {:>8}  in all", say::seconds(self.started.elapsed())));
        say::line(&format!("sections: {} passed, {} failed", self.sections.len() - failed.len(), failed.len()));
        if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::failed_test;

    #[test]
    fn a_test_that_failed_is_named() {
        assert_eq!(failed_test("test calls::tests::one_rings ... FAILED"), Some("calls::tests::one_rings"));
        assert_eq!(
            failed_test("  ✘  12 [calls] › tests/call.spec.ts:53:1 › a call (2.1s)"),
            Some("tests/call.spec.ts:53:1 › a call (2.1s)")
        );
        for passed in
            ["test one ... ok", "test result: FAILED. 1 passed; 1 failed", "  ✓  1 [calls] › tests/call.spec.ts:5:1 › it (1s)"]
        {
            assert_eq!(failed_test(passed), None, "{passed}");
        }
    }
}
