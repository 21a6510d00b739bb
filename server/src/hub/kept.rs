//! The last events of a session, for a connection that comes back.
//!
//! Most are short, and forgotten unread, long after they were sent. So their texts lie side by side, and to forget one touches
//! nothing of it: kept one by one, each would have to be fetched from far memory once more only to be freed.

use std::{collections::VecDeque, sync::Arc};

use tokio::time::{Duration, Instant};

use super::{Event, Numbered};

/// How many events are kept.
const EVENTS: usize = 512;
/// How many bytes of them.
const BYTES: usize = 1024 * 1024;
/// Nobody comes back for an event older than this: the longest grace period, and the time to find a connection dead.
const FOR: Duration = Duration::from_mins(11);
/// What is longer stays as it is, one text for however many sessions were sent it.
const LONG: usize = 512;

/// The last events of a session, without gaps.
#[derive(Default)]
pub struct Kept {
    events: VecDeque<Entry>,
    /// The short ones' texts.
    texts: VecDeque<u8>,
    bytes: usize,
}

struct Entry {
    since: Instant,
    text: Text,
}

enum Text {
    Short { name: &'static str, bytes: usize },
    Long(Arc<Event>),
}

impl Text {
    fn bytes(&self) -> usize {
        match self {
            Self::Short { bytes, .. } => *bytes,
            Self::Long(event) => event.text.len(),
        }
    }

    /// How many of them are in the buffer.
    fn buffered(&self) -> usize {
        match self {
            Self::Short { bytes, .. } => *bytes,
            Self::Long(_) => 0,
        }
    }
}

impl Kept {
    /// Keeps an event, and forgets those that are too many or too old.
    pub fn push(&mut self, event: &Arc<Event>) {
        let since = Instant::now();
        let text = if event.text.len() > LONG {
            Text::Long(event.clone())
        } else {
            self.texts.extend(event.text.as_bytes());
            Text::Short { name: event.name, bytes: event.text.len() }
        };
        self.bytes += text.bytes();
        self.events.push_back(Entry { since, text });
        while let Some(oldest) = self.events.front() {
            if self.events.len() <= EVENTS && self.bytes <= BYTES && since - oldest.since < FOR {
                break;
            }
            self.bytes -= oldest.text.bytes();
            self.texts.drain(..oldest.text.buffered());
            self.events.pop_front();
        }
        if self.texts.capacity() > 4 * self.texts.len().max(LONG) {
            self.texts.shrink_to(2 * self.texts.len());
        }
    }

    /// The last `count` events, of which the very last has the number `last`; `None` where so many are not kept.
    pub fn last(&self, count: usize, last: u64) -> Option<Vec<Numbered>> {
        let first = self.events.len().checked_sub(count)?;
        let mut begin: usize = self.events.range(..first).map(|entry| entry.text.buffered()).sum();
        let numbered = self.events.range(first..).zip(last + 1 - count as u64..).map(|(entry, number)| {
            let event = match &entry.text {
                Text::Long(event) => event.clone(),
                Text::Short { name, bytes } => {
                    let text: Vec<u8> = self.texts.range(begin..begin + bytes).copied().collect();
                    begin += bytes;
                    Arc::new(Event::of(name, String::from_utf8(text).unwrap_or_else(|_| unreachable!("it was a text"))))
                }
            };
            Numbered::new(event, number)
        });
        Some(numbered.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(events: &[Numbered]) -> Vec<String> {
        events.iter().map(Numbered::numbered).collect()
    }

    fn event(text: &str) -> Arc<Event> {
        Arc::new(Event::of("test", format!("{{\"text\":\"{text}\"}}")))
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_events_come_back_with_their_numbers() {
        let mut kept = Kept::default();
        for number in 1..=2_000 {
            kept.push(&event(&"é".repeat(number % 500)));
            let count = number.min(EVENTS);
            let last = kept.last(count, number as u64).unwrap();
            let first = number + 1 - count;
            let expected = |number| format!("{{\"text\":\"{}\",\"eventId\":{number}}}", "é".repeat(number % 500));
            assert_eq!(texts(&last[..1]), [expected(first)]);
            assert_eq!(texts(&last[count - 1..]), [expected(number)]);
            assert!(kept.last(count + 1, number as u64).is_none());
        }
        assert_eq!(kept.last(0, 2_000).unwrap().len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_much_or_too_old_is_forgotten() {
        let mut kept = Kept::default();
        for _ in 0..20 {
            kept.push(&event(&"x".repeat(100_000)));
        }
        assert!(kept.last(10, 20).is_some() && kept.last(11, 20).is_none(), "a mebibyte of 20 times 100 kB");
        tokio::time::advance(FOR).await;
        kept.push(&event("new"));
        assert_eq!(texts(&kept.last(1, 21).unwrap()), ["{\"text\":\"new\",\"eventId\":21}"]);
        assert!(kept.last(2, 21).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_many_are_sent_is_not_copied_for_each_and_room_is_given_back() {
        let long = event(&"x".repeat(60_000));
        let mut kept = Kept::default();
        kept.push(&long);
        assert_eq!((Arc::strong_count(&long), kept.texts.capacity()), (2, 0));
        for _ in 0..EVENTS {
            kept.push(&event(&"x".repeat(400)));
        }
        assert_eq!(Arc::strong_count(&long), 1);
        tokio::time::advance(FOR).await;
        kept.push(&event("new"));
        assert!(kept.texts.capacity() <= 4 * LONG, "{} bytes for one event", kept.texts.capacity());
    }
}
