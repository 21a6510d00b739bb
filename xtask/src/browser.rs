//! The softphone in a real browser: what its tests and its pictures need, and running them.

use std::{path::PathBuf, process::Command, thread};

use anyhow::Result;

use crate::{
    coturn::Coturn,
    process, say,
    setup::{self, joined},
};

const FOLDER: &str = "e2e/browser";

/// What they need installed.
#[derive(Debug)]
pub struct Programs {
    chromium: PathBuf,
    coturn: PathBuf,
}

/// Installs what is missing.
///
/// # Errors
/// Where that fails; the message says what to type.
pub fn install() -> Result<Programs> {
    thread::scope(|scope| {
        let packages = scope.spawn(|| setup::node_packages(FOLDER, "the packages of the browser tests"));
        let chromium = scope.spawn(setup::chromium);
        let coturn = setup::coturn();
        joined(packages)?;
        Ok(Programs { chromium: joined(chromium)?, coturn: coturn?.join("turnserver") })
    })
}

impl Programs {
    /// Starts the TURN server that the calls go by, and says by which variables the tests find everything.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn start(&self, directory: &std::path::Path) -> Result<(Coturn, Vec<(&'static str, String)>)> {
        let turn = Coturn::start(&self.coturn, &directory.join("coturn"))?;
        let variables = vec![
            ("RINGBACK_E2E_CHROMIUM", self.chromium.display().to_string()),
            ("RINGBACK_E2E_TURN_URIS", turn.uris()),
            ("RINGBACK_E2E_TURN_SECRET", turn.secret.clone()),
        ];
        Ok((turn, variables))
    }
}

/// Checks the types of the tests, then runs them; with a `name`, only those whose title contains it.
///
/// # Errors
/// Where one fails; it has said why.
pub fn test(variables: &[(&str, String)], name: Option<&str>) -> Result<()> {
    let (shown, check) = npm(&["run", "--silent", "check"], &[]);
    say::command(&shown);
    process::run(&shown, check, None, |_| ())?;
    let filter: &[&str] = &name.map_or_else(Vec::new, |name| vec!["--pass-with-no-tests", "--grep", name]);
    let (shown, tests) = npm(&[&["run", "--silent", "test", "--"], filter].concat(), variables);
    crate::test::run_tests(&shown, tests)
}

/// Draws every screen into `docs/screenshots`.
///
/// # Errors
/// Where one cannot be drawn.
pub fn screenshots(variables: &[(&str, String)]) -> Result<()> {
    let (shown, screenshots) = npm(&["run", "--silent", "screenshots"], variables);
    say::command(&shown);
    process::run(&shown, screenshots, None, |_| ())
}

/// A command of theirs, as one would type it and as it is run.
fn npm(arguments: &[&str], variables: &[(&str, String)]) -> (String, Command) {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(crate::root().join(FOLDER)).envs(variables.iter().cloned());
    (format!("npm {}", arguments.join(" ")), npm)
}
