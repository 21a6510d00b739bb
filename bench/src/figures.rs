//! Figures: medians of runs, their spread, ratios; as a table and as JSON.

use std::{collections::BTreeMap, fmt::Write as _, iter, time::Duration};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Latencies in nanoseconds.
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        // Three digits, up to a minute.
        Self(Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are right"))
    }
}

impl Latencies {
    /// Counts one.
    pub fn add(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1));
    }

    /// Counts all of another.
    pub fn merge(&mut self, other: &Self) {
        self.0 += &other.0;
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Milliseconds at a quantile between 0 and 1.
    pub fn at(&self, quantile: f64) -> f64 {
        let nanos = self.0.value_at_quantile(quantile) as f64;
        nanos / 1e6
    }

    /// Puts its quantiles among a run's figures, as `<name> p50`, ….
    pub fn note(&self, name: &str, run: &mut Run) {
        for (label, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
            run.set(format!("{name} {label} ms"), self.at(quantile));
        }
    }
}

/// The figures of one run by their names.
#[derive(Debug, Clone, Default)]
pub struct Run(pub BTreeMap<String, f64>);

impl Run {
    /// Notes a figure.
    pub fn set(&mut self, name: impl Into<String>, value: f64) {
        self.0.insert(name.into(), value);
    }

    /// How many times the other's figures these are.
    pub fn divided_by(&self, other: &Self) -> Self {
        let ratio = |(name, ours): (&String, &f64)| Some((name.clone(), ours / other.0.get(name)?));
        Self(self.0.iter().filter_map(ratio).collect())
    }
}

/// The runs of one server in one setting.
#[derive(Debug, Clone, Default)]
pub struct Runs(pub Vec<Run>);

impl Runs {
    /// The median of a figure over the runs, and its smallest and largest value.
    pub fn median(&self, name: &str) -> Option<(f64, f64, f64)> {
        let mut values: Vec<f64> = self.0.iter().filter_map(|run| run.0.get(name).copied()).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.get(values.len() / 2)?;
        Some((*middle, *values.first()?, *values.last()?))
    }

    /// The names of its figures.
    pub fn names(&self) -> Vec<&str> {
        self.0.first().map(|run| run.0.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let figures = self.names().into_iter().filter_map(|name| {
            let (median, least, most) = self.median(name)?;
            Some((name.to_owned(), json!({"median": median, "min": least, "max": most})))
        });
        Value::Object(figures.collect())
    }
}

/// A column of a table.
pub struct Column<'a> {
    /// What was measured.
    pub name: &'static str,
    /// Whether it is Ringback, and not what Ringback is compared with.
    pub is_ours: bool,
    /// Its figures.
    pub runs: &'a Runs,
}

/// A Markdown table, aligned for a terminal: a row for each figure with the median and the spread of each column; then how many
/// times that of each other server ours is, in the order of our columns.
pub fn table(title: &str, columns: &[Column]) -> String {
    let Some(first) = columns.first() else { return String::new() };
    let others = || columns.iter().filter(|column| !column.is_ours);
    let names = columns.iter().map(|column| column.name.to_owned());
    let mut rows =
        vec![iter::once(title.to_owned()).chain(names).chain(others().map(|other| format!("÷ {}", other.name))).collect()];
    for figure in first.runs.names() {
        let median = |column: &Column| column.runs.median(figure);
        let figures = columns.iter().map(|column| median(column).map_or_else(|| "–".to_owned(), with_spread));
        let ratios = others().map(|other| {
            let ours = columns.iter().filter(|column| column.is_ours);
            let ratio = |ours| Some(median(ours)?.0 / median(other)?.0).filter(|ratio| ratio.is_finite()).map(with_digits);
            ours.filter_map(ratio).collect::<Vec<_>>().join(" · ")
        });
        rows.push(iter::once(figure.to_owned()).chain(figures).chain(ratios).collect());
    }
    align(rows)
}

fn align(mut rows: Vec<Vec<String>>) -> String {
    let count = rows.first().map_or(0, Vec::len);
    let width = |cells: &[Vec<String>], column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(|column| width(&rows, column)).collect();
    rows.insert(1, widths.iter().enumerate().map(|(column, width)| rule(column, *width)).collect());
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(text, "| {cell:<width$} ") } else { write!(text, "| {cell:>width$} ") };
        }
        text.push_str("|\n");
    }
    text
}

/// Figures stand at the right.
fn rule(column: usize, width: usize) -> String {
    let line = "-".repeat(width.saturating_sub(1));
    if column == 0 { format!("{line}-") } else { format!("{line}:") }
}

fn with_digits(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        usual if usual >= 0.1 || usual == 0.0 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}

fn with_spread((median, least, most): (f64, f64, f64)) -> String {
    format!("{} ({}–{})", with_digits(median), with_digits(least), with_digits(most))
}
