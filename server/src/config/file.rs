//! Which file the settings are read from.

use std::{
    ffi::OsStr,
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{bail, ensure};

/// The name that is looked for in the current folder.
pub const HERE: &str = "ringback.toml";
/// Where the system's settings are.
pub const SYSTEM: &str = "/etc/ringback/ringback.toml";

/// The file, and how it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsFile {
    /// By `--config` or `RINGBACK_CONFIG`.
    Named(PathBuf),
    /// It was there.
    Found(PathBuf),
    /// There is none.
    None,
    /// By an empty name.
    Unwanted,
}

impl SettingsFile {
    /// The one that was named; an empty name means none. Else `ringback.toml` of the current folder; else the system's.
    ///
    /// # Errors
    /// Where the choice is not clear or not safe: with what to do about it.
    pub fn choose(named: Option<&OsStr>) -> anyhow::Result<Self> {
        match named {
            Some(name) if name.is_empty() => Ok(Self::Unwanted),
            Some(name) => Ok(Self::Named(name.into())),
            None => Self::look(&[Path::new(HERE), Path::new(SYSTEM)]),
        }
    }

    fn look(places: &[&Path]) -> anyhow::Result<Self> {
        for place in places {
            match fs::metadata(place) {
                Ok(found) => {
                    // Somebody else's file in a folder such as /tmp must not decide whom we believe.
                    let mine = [0, our_user()].contains(&found.uid()) && found.mode() & 0o002 == 0;
                    let place = std::path::absolute(place)?;
                    let shown = place.display();
                    ensure!(
                        mine,
                        "{shown} is writable for others than you: if it is meant, say `--config {shown}`; else RINGBACK_CONFIG= \
                         (empty) reads no file"
                    );
                    return Ok(Self::Found(place));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => bail!(
                    "{}: {error}. Become root or the user `ringback` to use it; name another with --config; or set RINGBACK_CONFIG= \
                     (empty) to read no file",
                    place.display()
                ),
            }
        }
        Ok(Self::None)
    }

    /// Where it is.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Named(path) | Self::Found(path) => Some(path),
            Self::None | Self::Unwanted => None,
        }
    }
}

impl fmt::Display for SettingsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(path) => write!(f, "{}, as it was named", path.display()),
            Self::Found(path) => write!(f, "{}, as it was found", path.display()),
            Self::Unwanted => f.write_str("no file, as it was asked for"),
            Self::None => write!(f, "no file (no --config, no RINGBACK_CONFIG, no ./{HERE}, no {SYSTEM})"),
        }
    }
}

/// The user that this process runs as, by its number.
pub fn our_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_first_that_is_there_counts() {
        let folder = tempfile::tempdir().unwrap();
        let places = [folder.path().join("a"), folder.path().join("b")];
        let look = || SettingsFile::look(&[&places[0], &places[1]]);
        assert_eq!(look().unwrap(), SettingsFile::None);
        fs::write(&places[1], "").unwrap();
        assert_eq!(look().unwrap().path(), Some(places[1].as_path()));
        fs::write(&places[0], "").unwrap();
        assert_eq!(look().unwrap().path(), Some(places[0].as_path()));
    }

    #[test]
    fn a_file_that_others_can_write_is_not_taken_by_itself() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).unwrap();
        assert!(SettingsFile::look(&[file.path()]).unwrap_err().to_string().contains("--config"));
        assert!(matches!(SettingsFile::choose(Some(file.path().as_os_str())).unwrap(), SettingsFile::Named(_)));
        assert_eq!(SettingsFile::choose(Some(OsStr::new(""))).unwrap(), SettingsFile::Unwanted);
    }
}
