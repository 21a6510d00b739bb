//! Counters and histograms that were made before. The recorder would find them, too, but it copies a name's labels to look.

use std::{
    collections::HashMap,
    sync::{LazyLock, PoisonError, RwLock},
};

use ::metrics::{Counter, Histogram, Label as Pair, counter, histogram};

static COUNTERS: LazyLock<Known<Counter>> = LazyLock::new(Known::default);
static HISTOGRAMS: LazyLock<Known<Histogram>> = LazyLock::new(Known::default);

/// The counter of this name with these labels.
pub fn counted(name: &'static str, labels: &[(&'static str, &str)]) -> Counter {
    COUNTERS.get(name, labels, |labels| counter!(name, labels))
}

/// The histogram of this name with these labels.
pub fn measured(name: &'static str, labels: &[(&'static str, &str)]) -> Histogram {
    HISTOGRAMS.get(name, labels, |labels| histogram!(name, labels))
}

/// By name, and then by the labels' values: there are few of each, so they are compared one after another.
struct Known<H>(RwLock<HashMap<&'static str, Vec<Made<H>>>>);

struct Made<H> {
    values: Vec<String>,
    handle: H,
}

impl<H> Default for Known<H> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<H: Clone> Known<H> {
    fn get(&self, name: &'static str, labels: &[(&'static str, &str)], make: impl FnOnce(Vec<Pair>) -> H) -> H {
        let is_it = |made: &&Made<H>| made.values.iter().zip(labels).all(|(known, (_, value))| known == value);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = known.get(name).and_then(|known| known.iter().find(is_it)) {
            return made.handle.clone();
        }
        drop(known);
        let handle = make(labels.iter().map(|(label, value)| Pair::new(*label, (*value).to_owned())).collect());
        // What is made before there is a recorder counts nothing.
        if super::HANDLE.get().is_some() {
            let values = labels.iter().map(|(_, value)| (*value).to_owned()).collect();
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            known.entry(name).or_default().push(Made { values, handle: handle.clone() });
        }
        handle
    }
}
