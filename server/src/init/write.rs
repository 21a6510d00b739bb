//! The files: the settings, with a word about each, and the systemd unit.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, chown},
    path::Path,
};

use anyhow::Context as _;

use super::Answers;
use crate::config::{SETTINGS, Setting};

/// The unit of the Debian package; it names its program and its settings by the paths that are replaced here.
const UNIT: &str = include_str!("../../../deploy/systemd/ringback.service");
const UNIT_PROGRAM: &str = "/usr/bin/ringback";
const UNIT_SETTINGS: &str = "/etc/ringback/ringback.toml";
/// Who the service runs as.
pub const USER: &str = "ringback";

/// The settings as TOML: what was answered, and in comments what else there is.
pub fn settings(answers: &Answers) -> String {
    let mut text = String::from(
        "# Settings of Ringback. A line that begins with # is not in force; it shows the default.\n\
         # The environment (RINGBACK_ and the name in capitals) and flags count for more than this file.\n\
         # `ringback config check` says what is wrong, `ringback config show` what is in force.\n",
    );
    for setting in SETTINGS {
        let given = answers.of(setting.key);
        // Writing to a string cannot fail.
        let _ = write!(text, "\n# {}\n", setting.help);
        let _ = match given {
            Some(values) => writeln!(text, "{} = {values}", setting.key),
            None => writeln!(text, "#{} = {}", setting.key, default(setting)),
        };
    }
    text
}

fn default(setting: &Setting) -> String {
    let text = setting.default.unwrap_or_default();
    if text.parse::<u32>().is_ok() || text.parse::<bool>().is_ok() { text.to_owned() } else { quoted(text) }
}

/// A text as TOML has it.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The unit, for this program and these settings.
pub fn unit(program: &Path, settings: &Path) -> String {
    UNIT.replace(UNIT_PROGRAM, &program.display().to_string()).replace(UNIT_SETTINGS, &settings.display().to_string())
}

/// Writes the file whole or not at all, for its owner and the group of the service alone.
///
/// # Errors
/// With the name of the file.
pub fn private(path: &Path, text: &str) -> anyhow::Result<()> {
    file(path, text, 0o640, service_group())
}

/// Writes the file whole or not at all, for everyone to read.
///
/// # Errors
/// With the name of the file.
pub fn public(path: &Path, text: &str) -> anyhow::Result<()> {
    file(path, text, 0o644, None)
}

fn file(path: &Path, text: &str, mode: u32, group: Option<u32>) -> anyhow::Result<()> {
    let what = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        folder_for_service(folder, None).with_context(what)?;
    }
    let unfinished = path.with_extension("unfinished");
    let _ = fs::remove_file(&unfinished);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished).with_context(what)?;
    if let Some(group) = group {
        chown(&unfinished, None, Some(group)).with_context(what)?;
    }
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(what)?;
    fs::rename(&unfinished, path).with_context(what)
}

/// Makes a folder where there is none, for root and the group of the service; `owner`: the service's own.
///
/// # Errors
/// Where it cannot be made.
pub fn folder_for_service(folder: &Path, owner: Option<u32>) -> std::io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
    match service_group() {
        Some(group) => chown(folder, owner, Some(group)),
        None => Ok(()),
    }
}

/// The service's group, for root where it exists. It is a system's group, so it stands in the file and in no directory service.
pub fn service_group() -> Option<u32> {
    if crate::config::our_user() == 0 { number_in("/etc/group") } else { None }
}

/// The service's user, likewise.
pub fn service_user() -> Option<u32> {
    number_in("/etc/passwd")
}

/// `name:x:NUMBER:…`, in both files.
fn number_in(path: &str) -> Option<u32> {
    let text = fs::read_to_string(path).ok()?;
    let mut fields = text.lines().map(|line| line.split(':')).find(|line| line.clone().next() == Some(USER))?;
    fields.nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_names_what_is_replaced() {
        let unit = unit(Path::new("/opt/rb"), Path::new("/srv/rb.toml"));
        assert!(unit.contains("ExecStart=/opt/rb serve") && unit.contains("/srv/rb.toml"), "{unit}");
        assert!(!unit.contains(UNIT_PROGRAM) && !unit.contains(UNIT_SETTINGS), "{unit}");
    }
}
