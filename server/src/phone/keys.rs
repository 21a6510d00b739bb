//! From a key or a line of input to what is wanted.
//!
//! A terminal is put into raw mode, and back again however the phone goes. Anything else is read by lines, so that a script
//! can use the phone.

use std::{
    future::pending,
    io::{self, IsTerminal as _},
    panic,
};

use crossterm::{
    event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    terminal,
};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Pick up.
    Answer,
    /// Say no.
    Reject,
    /// Hang up, or cancel.
    HangUp,
    /// Call a room; its id, unchecked.
    Call(String),
    /// Microphone off, or on again.
    Mute,
    /// Go.
    Quit,
    /// The list of keys.
    Help,
    /// Nothing yet: what is being typed has changed.
    Typing,
    /// Not one of the above.
    Unknown(String),
}

/// The keys, for people.
pub const HELP: &str = "a answer · r reject · h hang up · c call a room · m mute · q quit";

/// Where wishes come from.
pub struct Keys {
    source: Source,
    /// The room id that is being typed.
    room: Option<String>,
}

enum Source {
    Terminal(EventStream, RawMode),
    Lines(mpsc::Receiver<String>),
    Nothing,
}

impl Keys {
    /// Takes the terminal, if there is one and it is wanted; else standard input by lines.
    ///
    /// A terminal is left alone where the phone acts by itself: reading it would stop a phone in the background.
    ///
    /// # Errors
    /// Where the terminal cannot be put into raw mode.
    pub fn open(auto: bool, json: bool) -> io::Result<Self> {
        let source = match (io::stdin().is_terminal(), auto) {
            (true, true) => Source::Nothing,
            (true, false) if !json && io::stdout().is_terminal() => Source::Terminal(EventStream::new(), RawMode::enter()?),
            (true | false, _) => Source::Lines(read_lines()),
        };
        Ok(Self { source, room: None })
    }

    /// Whether the terminal is in raw mode.
    pub fn is_terminal(&self) -> bool {
        matches!(self.source, Source::Terminal(..))
    }

    /// Whether wishes are read by lines.
    pub fn is_lines(&self) -> bool {
        matches!(self.source, Source::Lines(_))
    }

    /// The room id that is being typed.
    pub fn typed(&self) -> Option<&str> {
        self.room.as_deref()
    }

    /// The next wish; never, once there is no more input. May be cancelled without losing anything.
    pub async fn next(&mut self) -> Wish {
        loop {
            match &mut self.source {
                Source::Terminal(events, _) => match events.next().await {
                    Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => {
                        if let Some(wish) = self.pressed(key) {
                            return wish;
                        }
                    }
                    Some(Ok(Event::Resize(..))) => return Wish::Typing,
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Wish::Quit,
                },
                Source::Lines(lines) => match lines.recv().await {
                    Some(line) => {
                        if let Some(wish) = self.entered(&line) {
                            return wish;
                        }
                    }
                    None => self.source = Source::Nothing,
                },
                Source::Nothing => pending::<()>().await,
            }
        }
    }

    fn pressed(&mut self, key: KeyEvent) -> Option<Wish> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return matches!(key.code, KeyCode::Char('c' | 'd')).then_some(Wish::Quit);
        }
        if self.room.is_some() {
            return self.typed_on(key.code);
        }
        let KeyCode::Char(letter) = key.code else { return None };
        self.letter(letter).or(Some(Wish::Typing))
    }

    fn typed_on(&mut self, code: KeyCode) -> Option<Wish> {
        let room = self.room.as_mut()?;
        if let KeyCode::Char(letter) = code {
            room.push(letter);
        } else if code == KeyCode::Backspace {
            room.pop();
        } else if code == KeyCode::Esc {
            self.room = None;
        } else if code == KeyCode::Enter {
            return self.room.take().map(|room| if room.trim().is_empty() { Wish::Typing } else { Wish::Call(room) });
        }
        Some(Wish::Typing)
    }

    fn entered(&mut self, line: &str) -> Option<Wish> {
        let line = line.trim();
        if self.room.take().is_some() {
            return (!line.is_empty()).then(|| Wish::Call(line.to_owned()));
        }
        if let Some(room) = line.strip_prefix("c ") {
            return Some(Wish::Call(room.trim().to_owned()));
        }
        let mut letters = line.chars();
        match (letters.next(), letters.next()) {
            (None, _) => None,
            (Some(letter), None) => self.letter(letter),
            (Some(_), Some(_)) => Some(Wish::Unknown(line.to_owned())),
        }
    }

    fn letter(&mut self, letter: char) -> Option<Wish> {
        Some(match letter.to_ascii_lowercase() {
            'a' => Wish::Answer,
            'r' => Wish::Reject,
            'h' => Wish::HangUp,
            'm' => Wish::Mute,
            'q' => Wish::Quit,
            '?' => Wish::Help,
            'c' => {
                self.room = Some(String::new());
                return None;
            }
            _ => Wish::Unknown(letter.to_string()),
        })
    }
}

/// A thread, as reading standard input cannot be cancelled; it must not keep the process from ending.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// While it lives the terminal gives each key at once.
struct RawMode;

impl RawMode {
    fn enter() -> io::Result<Self> {
        let told_before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            // Before the message, so that its lines begin at the left.
            let _ = terminal::disable_raw_mode();
            told_before(what);
        }));
        terminal::enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = terminal::disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys { source: Source::Nothing, room: None }
    }

    fn press(keys: &mut Keys, code: KeyCode) -> Option<Wish> {
        keys.pressed(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn a_room_is_typed_letter_by_letter() {
        let mut keys = keys();
        assert_eq!(press(&mut keys, KeyCode::Char('c')), Some(Wish::Typing));
        for letter in "!aq".chars() {
            assert_eq!(press(&mut keys, KeyCode::Char(letter)), Some(Wish::Typing));
        }
        press(&mut keys, KeyCode::Backspace);
        assert_eq!(keys.typed(), Some("!a"));
        assert_eq!(press(&mut keys, KeyCode::Enter), Some(Wish::Call("!a".to_owned())));
        assert_eq!(press(&mut keys, KeyCode::Char('a')), Some(Wish::Answer));
    }

    #[test]
    fn control_c_quits_even_while_typing() {
        let mut keys = keys();
        press(&mut keys, KeyCode::Char('c'));
        assert_eq!(keys.pressed(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Wish::Quit));
    }

    #[test]
    fn lines_may_name_the_room_at_once_or_on_the_next() {
        let mut keys = keys();
        assert_eq!(keys.entered("c !r:x "), Some(Wish::Call("!r:x".to_owned())));
        assert_eq!(keys.entered("c"), None);
        assert_eq!(keys.entered("!r:x"), Some(Wish::Call("!r:x".to_owned())));
        assert_eq!(keys.entered(""), None);
        assert_eq!(keys.entered("A"), Some(Wish::Answer));
        assert_eq!(keys.entered("answer"), Some(Wish::Unknown("answer".to_owned())));
    }
}
