//! Where settings come from, and what is wrong with them.

use std::{collections::BTreeMap, fmt, path::Path};

use super::{SETTINGS, Setting, values::Value};

/// Variables with our prefix that are not settings of the server.
const OTHER_VARIABLES: [&str; 3] = ["RINGBACK_CONFIG", "RINGBACK_TOKEN", "RINGBACK_PASSWORD"];

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

struct Given {
    text: String,
    origin: String,
}

/// The settings as texts, the strongest source of each, and the mistakes found so far.
pub struct Sources {
    given: BTreeMap<&'static str, Given>,
    mistakes: Vec<String>,
}

impl Sources {
    /// Reads the file, then lays the environment over it, then the flags.
    pub fn gather(
        flags: impl IntoIterator<Item = (String, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Self {
        let mut sources = Self { given: BTreeMap::new(), mistakes: Vec::new() };
        if let Some(path) = file {
            sources.read_file(path);
        }
        for (name, text) in environment {
            let Some(rest) = name.strip_prefix("RINGBACK_") else { continue };
            if OTHER_VARIABLES.contains(&name.as_str()) || rest.starts_with("TEST_") {
                continue;
            }
            sources.put(&rest.to_ascii_lowercase(), text, name);
        }
        for (key, text) in flags {
            let origin = format!("--{}", key.replace('_', "-"));
            sources.put(&key, text, origin);
        }
        sources
    }

    fn read_file(&mut self, path: &Path) {
        let table = match std::fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| text.parse::<toml::Table>().map_err(|error| error.to_string()))
        {
            Ok(table) => table,
            Err(error) => return self.complain(format!("{}: {error}", path.display())),
        };
        for (key, value) in table {
            let origin = format!("{key} in {}", path.display());
            match text_of(&value) {
                Some(text) => self.put(&key, text, origin),
                None => self.complain(format!("{origin}: is a {}, which no setting is", value.type_str())),
            }
        }
    }

    fn put(&mut self, key: &str, text: String, origin: String) {
        match SETTINGS.iter().find(|setting| setting.key == key) {
            Some(setting) => {
                self.given.insert(setting.key, Given { text, origin });
            }
            None => self.complain(format!("{origin}: there is no such setting{}", suggestion(key))),
        }
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
        let (text, origin) = match self.given.get(key) {
            Some(given) => (given.text.clone(), given.origin.clone()),
            None => (default_of(key)?.to_owned(), key.to_owned()),
        };
        if text.trim().is_empty() {
            return None;
        }
        T::parse(text.trim()).map_err(|why| self.complain(format!("{origin}: {why}"))).ok()
    }

    /// A comma-separated list.
    pub fn list<T: Value>(&mut self, key: &'static str) -> Vec<T> {
        let (text, origin) = match self.given.get(key) {
            Some(given) => (given.text.clone(), given.origin.clone()),
            None => (default_of(key).unwrap_or_default().to_owned(), key.to_owned()),
        };
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let mut values = Vec::new();
        for item in items {
            match T::parse(item) {
                Ok(value) => values.push(value),
                Err(why) => self.complain(format!("{origin}: {why}")),
            }
        }
        values
    }

    /// The result, if there was no mistake.
    ///
    /// # Errors
    /// All the mistakes.
    pub fn finish<T>(self, result: T) -> Result<T, ConfigError> {
        if self.mistakes.is_empty() { Ok(result) } else { Err(ConfigError(self.mistakes)) }
    }
}

fn default_of(key: &str) -> Option<&'static str> {
    SETTINGS.iter().find(|setting| setting.key == key).and_then(|setting: &Setting| setting.default)
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
