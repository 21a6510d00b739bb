//! Where settings come from, and what is wrong with them.

use std::{
    collections::BTreeMap,
    fmt, fs,
    mem::discriminant,
    path::{Path, PathBuf},
};

use toml::Spanned;

use super::{SETTINGS, Setting, values::Value};

/// Variables with our prefix that are not settings of the server.
const OTHER_VARIABLES: [&str; 3] = ["RINGBACK_CONFIG", "RINGBACK_TOKEN", "RINGBACK_PASSWORD"];
/// What stands in the place of a secret.
pub const HIDDEN: &str = "(hidden)";

/// Everything that is wrong with the configuration.
#[derive(Debug)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} mistake(s):", self.0.len())?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))
    }
}

impl std::error::Error for ConfigError {}

/// Where a setting's text was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the default counts.
    Default,
    /// In the file, at this line (the first is 1).
    File(PathBuf, usize),
    /// In the variable of this name.
    Environment(String),
    /// In the flag of this name.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

impl Origin {
    /// As the beginning of a complaint about the setting `key`.
    fn of(&self, key: &str) -> String {
        match self {
            Self::Default => key.to_owned(),
            Self::File(..) => format!("{self}: {key}"),
            Self::Environment(name) | Self::Flag(name) => name.clone(),
        }
    }
}

struct Given {
    text: String,
    origin: Origin,
}

/// A setting as it may be shown to anyone.
#[derive(Debug)]
pub struct Shown {
    /// Its name.
    pub key: &'static str,
    /// Its text, secrets hidden; `None`: it is not set and has no default.
    pub value: Option<String>,
    /// Where it is from.
    pub origin: Origin,
}

/// The settings as texts, the strongest source of each, and the mistakes found so far.
pub struct Sources {
    given: BTreeMap<&'static str, Given>,
    /// What has been read, as its kind lets it be shown.
    shown: BTreeMap<&'static str, String>,
    mistakes: Vec<String>,
}

impl Sources {
    /// Reads the file, then lays the environment over it, then the flags.
    pub fn gather(
        flags: impl IntoIterator<Item = (String, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Self {
        let mut sources = Self { given: BTreeMap::new(), shown: BTreeMap::new(), mistakes: Vec::new() };
        if let Some(path) = file {
            sources.read_file(path);
        }
        for (name, text) in environment {
            let Some(rest) = name.strip_prefix("RINGBACK_") else { continue };
            if OTHER_VARIABLES.contains(&name.as_str()) || rest.starts_with("TEST_") {
                continue;
            }
            sources.put(&rest.to_ascii_lowercase(), text, Origin::Environment(name));
        }
        for (key, text) in flags {
            let origin = Origin::Flag(format!("--{}", key.replace('_', "-")));
            sources.put(&key, text, origin);
        }
        sources
    }

    fn read_file(&mut self, path: &Path) {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.complain(format!("{}: {error}", path.display())),
        };
        let origin = |at: usize| Origin::File(path.to_owned(), 1 + text.get(..at).unwrap_or_default().matches('\n').count());
        let table: BTreeMap<String, Spanned<toml::Value>> = match toml::from_str(&text) {
            Ok(table) => table,
            // Its own text would repeat the line, in which there may be a secret.
            Err(error) => {
                let origin = origin(error.span().map_or(0, |span| span.start));
                return self.complain(format!("{origin}: {}", error.message()));
            }
        };
        for (key, value) in table {
            let origin = origin(value.span().start);
            match text_of(value.get_ref()) {
                Some(text) => self.put(&key, text, origin),
                None => {
                    self.complain(format!("{}: is a {}, which no setting is", origin.of(&key), value.get_ref().type_str()));
                }
            }
        }
    }

    /// A setting, or with `_file` behind its name the file that holds it: so secrets come from where a service manager puts them.
    fn put(&mut self, key: &str, text: String, origin: Origin) {
        if let Some(setting) = find(key) {
            return self.set(setting.key, text, origin);
        }
        let Some(setting) = key.strip_suffix("_file").and_then(find) else {
            return self.complain(format!("{}: there is no such setting{}", origin.of(key), suggestion(key)));
        };
        match text.trim() {
            "" => {}
            path => match fs::read_to_string(path) {
                Ok(held) => self.set(setting.key, held.trim().to_owned(), origin),
                Err(error) => self.complain(format!("{}: {path}: {error}", origin.of(key))),
            },
        }
    }

    fn set(&mut self, key: &'static str, text: String, origin: Origin) {
        let twice = self.given.get(key).filter(|given| discriminant(&given.origin) == discriminant(&origin));
        if let Some(given) = twice {
            let mistake = format!("{origin} and {} both set {key}: leave one of them out", given.origin);
            self.complain(mistake);
        }
        self.given.insert(key, Given { text, origin });
    }

    /// Adds a mistake.
    pub fn complain(&mut self, mistake: impl Into<String>) {
        self.mistakes.push(mistake.into());
    }

    /// A setting that must be there, by its default if need be. After a mistake it has any value: [`Sources::finish`] refuses.
    pub fn required<T: Value>(&mut self, key: &'static str) -> T {
        self.optional(key).unwrap_or_else(|| {
            if !self.given.contains_key(key) {
                self.complain(format!("{key} is missing: set RINGBACK_{}", key.to_ascii_uppercase()));
            }
            T::stand_in()
        })
    }

    /// A setting that may be absent; empty text is absent too.
    pub fn optional<T: Value>(&mut self, key: &'static str) -> Option<T> {
        let (text, origin) = self.text(key)?;
        if text.trim().is_empty() {
            return None;
        }
        self.shown.insert(key, T::shown(text.trim()));
        T::parse(text.trim()).map_err(|why| self.complain(format!("{}: {why}", origin.of(key)))).ok()
    }

    /// A comma-separated list.
    pub fn list<T: Value>(&mut self, key: &'static str) -> Vec<T> {
        let Some((text, origin)) = self.text(key) else { return Vec::new() };
        let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
        self.shown.insert(key, items.iter().map(|item| T::shown(item)).collect::<Vec<_>>().join(", "));
        let mut values = Vec::new();
        for item in items {
            match T::parse(item) {
                Ok(value) => values.push(value),
                Err(why) => self.complain(format!("{}: {why}", origin.of(key))),
            }
        }
        values
    }

    fn text(&self, key: &str) -> Option<(String, Origin)> {
        match self.given.get(key) {
            Some(given) => Some((given.text.clone(), given.origin.clone())),
            None => Some((default_of(key)?.to_owned(), Origin::Default)),
        }
    }

    /// Every setting that there is. What nobody has read stays hidden: its kind is not known.
    pub fn shown(&self) -> Vec<Shown> {
        let one = |setting: &Setting| {
            let (text, origin) = self.text(setting.key).unwrap_or((String::new(), Origin::Default));
            let shown = || self.shown.get(setting.key).map_or(HIDDEN, String::as_str).to_owned();
            Shown { key: setting.key, value: (!text.trim().is_empty()).then(shown), origin }
        };
        SETTINGS.iter().map(one).collect()
    }

    /// The result, if there was no mistake.
    ///
    /// # Errors
    /// All the mistakes.
    pub fn finish<T>(self, result: T) -> Result<T, ConfigError> {
        if self.mistakes.is_empty() { Ok(result) } else { Err(ConfigError(self.mistakes)) }
    }
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

fn default_of(key: &str) -> Option<&'static str> {
    find(key).and_then(|setting| setting.default)
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => items.iter().map(text_of).collect::<Option<Vec<_>>>().map(|items| items.join(",")),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// The setting that was probably meant: the one that shares the longest beginning.
fn suggestion(key: &str) -> String {
    let shared = |setting: &Setting| setting.key.bytes().zip(key.bytes()).take_while(|(a, b)| a == b).count();
    SETTINGS
        .iter()
        .max_by_key(|setting| shared(setting))
        .filter(|setting| shared(setting) >= 4)
        .map(|setting| format!(" (did you mean {}?)", setting.key))
        .unwrap_or_default()
}
