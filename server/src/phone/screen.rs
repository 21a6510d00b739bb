//! What is shown: sentences for people, with a line at the bottom that tells the present; or JSON for programs.

use std::io::{self, Write as _};

use crossterm::{
    cursor::MoveToColumn,
    queue,
    terminal::{self, Clear, ClearType},
};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Standard output.
pub struct Screen {
    json: bool,
    raw: bool,
    present: String,
}

impl Screen {
    /// For programs where `json`; `raw` says that the terminal is in raw mode, so there can be a line at the bottom.
    pub fn new(json: bool, raw: bool) -> Self {
        Self { json, raw, present: String::new() }
    }

    /// Whether there is a line at the bottom.
    pub fn has_present(&self) -> bool {
        self.raw
    }

    /// Tells one thing in both ways. An empty sentence is for programs alone.
    ///
    /// # Errors
    /// Where standard output is closed.
    pub fn tell(&mut self, at: Timestamp, sentence: &str, fields: Value) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            let mut record = Map::from_iter([("at".to_owned(), Value::from(at.to_string()))]);
            if let Value::Object(fields) = fields {
                record.extend(fields);
            }
            writeln!(out, "{}", Value::Object(record))?;
        } else if sentence.is_empty() {
            return Ok(());
        } else if self.raw {
            queue!(out, MoveToColumn(0), Clear(ClearType::CurrentLine))?;
            write!(out, "{}\r\n", cleaned(sentence))?;
            self.draw(&mut out)?;
        } else {
            writeln!(out, "{}", cleaned(sentence))?;
        }
        out.flush()
    }

    /// Sets the line at the bottom, and beeps where asked to.
    ///
    /// # Errors
    /// Where standard output is closed.
    pub fn show_present(&mut self, present: String, beep: bool) -> io::Result<()> {
        if !self.raw || (!beep && present == self.present) {
            return Ok(());
        }
        self.present = present;
        let mut out = io::stdout().lock();
        if beep {
            write!(out, "\u{7}")?;
        }
        queue!(out, MoveToColumn(0), Clear(ClearType::CurrentLine))?;
        self.draw(&mut out)?;
        out.flush()
    }

    fn draw(&self, out: &mut impl io::Write) -> io::Result<()> {
        let width = terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0).unwrap_or(80);
        let line: String = cleaned(&self.present).chars().take(width.saturating_sub(1)).collect();
        write!(out, "{line}")
    }
}

/// Without what could steer the terminal: names come from other people.
fn cleaned(text: &str) -> String {
    let hidden = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(cleaned("Al\u{1b}[2Jice\n\u{202e}ü☎"), "Al\u{fffd}[2Jice\u{fffd}\u{fffd}ü☎");
    }
}
