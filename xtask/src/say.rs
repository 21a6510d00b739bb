//! What is printed: the one place that writes to standard output.
#![allow(clippy::print_stdout, reason = "it is this program's job to tell what it does")]

use std::{io::IsTerminal as _, sync::LazyLock, time::Duration};

use serde_json::Value;

static COLOUR: LazyLock<bool> = LazyLock::new(|| std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());

fn styled(code: &str, text: &str) -> String {
    if *COLOUR { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A heading.
pub fn heading(text: &str) {
    println!("\n{}", styled("1", &format!("== {text}")));
}

/// A line.
pub fn line(text: &str) {
    println!("{text}");
}

/// A line about something that goes on.
pub fn progress(text: &str) {
    println!("{}", styled("2", &format!("   {text}")));
}

/// A command, as one would type it.
pub fn command(text: &str) {
    println!("{}", styled("36", &format!("$ {text}")));
}

/// Seconds, with one digit after the point.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// JSON on one line, its long texts and lists cut.
#[must_use]
pub fn shortened(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name:?}: {}", shortened(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => match items.as_slice() {
            [] => "[]".to_owned(),
            [one] => format!("[{}]", shortened(one)),
            [first, rest @ ..] => format!("[{}, … {} more]", shortened(first), rest.len()),
        },
        Value::String(text) if text.chars().count() > 64 => {
            format!("{:?}", text.chars().take(60).collect::<String>() + "…")
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
