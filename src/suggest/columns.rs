//! What the first rows of a feed show of its columns.

use std::collections::{HashMap, HashSet};
use std::iter;

use crate::feed::{CellKind, Feed, FeedError, Format};
use crate::headers::{self, Meaning, Reading};
use crate::model::{NoPerson, Remark, RowNumber};
use crate::validate::is_email;

/// Rows that are read.
const MAX_ROWS: u32 = 1_000;
/// Values of a column that are kept, no value twice.
const MAX_SAMPLES: usize = 200;
/// Rows with repeats that are named.
const MAX_NAMED: usize = 3;
/// Rows of which all cells are kept.
const MAX_ROWS_KEPT: usize = 200;

/// What the first rows show.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// The columns, in the order of the feed.
    pub(super) columns: Vec<Column>,
    /// The cells of the first of these rows, trimmed.
    pub(super) rows: Vec<Vec<String>>,
}

/// A column, and what its first cells look like.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// What a second header row calls it.
    pub(super) label: Option<String>,
    /// Another column has the same name, so that a mapping can name neither.
    pub(super) repeated: bool,
    /// Rows that were read.
    pub(super) rows: u32,
    pub(super) filled: u32,
    /// Cells that show that there is a value, and not which: `****`. They do not count as filled.
    pub(super) masked: u32,
    /// Cells that hold an e-mail address.
    pub(super) emails: u32,
    /// Addresses that differ from all before by more than case.
    pub(super) distinct_emails: u32,
    /// Cells that differ from all before.
    pub(super) distinct: u32,
    /// Values that several rows have.
    pub(super) repeats: u32,
    /// Rows that have one of them.
    pub(super) rows_with_repeats: u32,
    /// The first of these rows.
    pub(super) repeated_in: Vec<RowNumber>,
    /// Cells that are one more than the cell above, or 0 or 1 in the first row.
    pub(super) steps: u32,
    /// Cells that are days.
    pub(super) dates: u32,
    /// Some of the values that differ.
    pub(super) samples: Vec<String>,
    /// Those of them that are texts; in a workbook there are also numbers.
    pub(super) texts: Vec<String>,
    /// How many rows have each of the samples.
    pub(super) counts: HashMap<String, u32>,
}

impl Column {
    /// What its name may mean, the surest first, or what a second header row calls it.
    pub(super) fn readings(&self) -> Vec<Reading> {
        let own = headers::read(&self.name);
        let says_nothing = |it: &Reading| matches!(it.meaning, Meaning::Other | Meaning::WeakId);
        match &self.label {
            Some(label) if own.iter().all(says_nothing) && !self.is_about_others() => {
                let found = headers::read(label);
                if found.is_empty() { own } else { found }
            }
            _ => own,
        }
    }

    /// Whether it is about somebody else than the person of the row.
    pub(super) fn is_about_others(&self) -> bool {
        let mut names = iter::once(&self.name).chain(&self.label);
        names.any(|name| headers::is_about_others(name))
    }

    /// What shows in which form dates are written: texts, unless there are none.
    pub(super) fn date_samples(&self) -> &[String] {
        if self.texts.is_empty() {
            &self.samples
        } else {
            &self.texts
        }
    }

    /// Whether at least this many hundredths of the rows have a value. Without rows
    /// nothing speaks against it.
    pub(super) fn is_filled(&self, percent: u32) -> bool {
        self.rows == 0 || (self.filled > 0 && self.filled * 100 >= self.rows * percent)
    }

    /// Whether at least this many hundredths of the values are there once.
    pub(super) fn is_distinct(&self, percent: u32) -> bool {
        self.distinct * 100 >= self.filled * percent
    }

    /// Whether most of its values are e-mail addresses.
    pub(super) fn is_mostly_emails(&self) -> bool {
        self.filled > 0 && self.emails * 10 >= self.filled * 8
    }

    /// Whether it hides what it is about: more cells are masked than filled.
    pub(super) fn is_masked(&self) -> bool {
        self.masked > self.filled
    }

    /// Whether it numbers the rows: 1, 2, 3.
    pub(super) fn is_counter(&self) -> bool {
        self.filled >= 2 && self.steps * 20 >= self.filled * 19
    }

    /// How many rows of those read have one of the words that `is` accepts.
    pub(super) fn rows_with(&self, is: impl Fn(&str) -> bool) -> u32 {
        let counts = self.counts.iter();
        counts
            .filter(|(word, _)| is(word))
            .map(|(_, count)| count)
            .sum()
    }

    /// Whether at least half of the values that differ are accepted by `is`.
    pub(super) fn half(&self, is: impl Fn(&str) -> bool) -> bool {
        let accepted = self.samples.iter().filter(|it| is(it)).count();
        accepted * 2 >= self.samples.len()
    }
}

/// Reads the first rows.
pub(super) fn read(feed: &mut Feed) -> Result<Sample, FeedError> {
    enum Enough {
        Rows,
        Failed(FeedError),
    }
    impl From<FeedError> for Enough {
        fn from(error: FeedError) -> Self {
            Self::Failed(error)
        }
    }
    let width = feed.columns().len();
    // What a person should hear of a sheet is known at its end.
    let reads_all = matches!(feed.format(), Format::Workbook { .. });
    let mut columns: Vec<Column> = feed
        .columns()
        .iter()
        .map(|name| Column {
            name: name.clone(),
            ..Column::default()
        })
        .collect();
    for (_, same) in feed.duplicate_columns() {
        for index in same {
            columns[index].repeated = true;
        }
    }
    let mut seen: Vec<Seen> = (0..width).map(|_| Seen::default()).collect();
    let mut rows = 0;
    let mut kept: Vec<Vec<String>> = Vec::new();
    let read = feed.read(
        |records| {
            let mut samples: Vec<(RowNumber, Vec<_>)> = Vec::new();
            while let Some(record) = records.next_record() {
                if samples.len() < MAX_ROWS as usize {
                    let cells = (0..width).filter_map(|index| record.cell(index));
                    let cells = cells.map(|cell| (cell.text.trim().to_owned(), cell.kind));
                    samples.push((record.row(), cells.collect()));
                }
            }
            samples
        },
        |samples, _| {
            for (row, sample) in samples {
                if rows >= MAX_ROWS {
                    return if reads_all { Ok(()) } else { Err(Enough::Rows) };
                }
                rows += 1;
                if kept.len() < MAX_ROWS_KEPT {
                    kept.push(sample.iter().map(|(text, _)| text.clone()).collect());
                }
                for (index, (text, kind)) in sample.into_iter().enumerate() {
                    seen[index].add(&mut columns[index], (text, kind), row);
                }
            }
            Ok(())
        },
    );
    for (column, seen) in columns.iter_mut().zip(seen) {
        column.rows = rows;
        let repeats = seen.values.values().filter(|it| it.rows > 1);
        column.repeats = u32::try_from(repeats.clone().count()).unwrap_or(u32::MAX);
        column.rows_with_repeats = repeats.map(|it| it.rows).sum();
        let samples: HashSet<_> = column.samples.iter().collect();
        let counts = seen.values.iter().filter(|(it, _)| samples.contains(it));
        column.counts = counts.map(|(it, seen)| (it.clone(), seen.rows)).collect();
    }
    let labels = second_header(feed);
    for (column, label) in columns.iter_mut().zip(labels) {
        column.label = Some(label).filter(|label| !label.is_empty());
    }
    let sample = Sample {
        columns,
        rows: kept,
    };
    match read {
        Ok(()) | Err(Enough::Rows) => Ok(sample),
        Err(Enough::Failed(error)) => Err(error),
    }
}

/// What a second header row calls the columns, where there is one.
fn second_header(feed: &Feed) -> Vec<String> {
    let remarks = feed.remarks().into_iter();
    let rows: Vec<_> = remarks
        .filter(|it| {
            matches!(
                it.remark,
                Remark::NoPerson {
                    what: NoPerson::Labels
                }
            )
        })
        .flat_map(|it| it.rows)
        .collect();
    let mut named = feed.other_names().iter();
    let second = named.find(|(row, _)| rows.contains(row));
    second.map(|(_, names)| names.clone()).unwrap_or_default()
}

/// Whether a cell hides its value behind signs: `****`, `a***@example.com`.
fn is_masked(text: &str) -> bool {
    const SIGNS: [char; 4] = ['*', '•', '●', '∗'];
    const LEAST: usize = 3;
    let signs = text.split(|char| !SIGNS.contains(&char));
    signs.map(|run| run.chars().count()).any(|run| run >= LEAST)
}

/// What was in the cells of a column so far.
#[derive(Debug, Default)]
struct Seen {
    values: HashMap<String, SeenValue>,
    /// In lower case.
    emails: HashSet<String>,
    /// The number in the cell above.
    last: Option<u64>,
}

/// Where a value was.
#[derive(Clone, Copy, Debug)]
struct SeenValue {
    /// How many rows have it.
    rows: u32,
    /// The first of them.
    first: RowNumber,
}

impl Seen {
    fn add(&mut self, column: &mut Column, (text, kind): (String, CellKind), row: RowNumber) {
        if text.is_empty() && kind != CellKind::Uncalculated {
            return;
        }
        if is_masked(&text) {
            column.masked += 1;
            return;
        }
        column.filled += 1;
        if kind == CellKind::Uncalculated {
            return;
        }
        column.dates += u32::from(kind == CellKind::Date);
        if is_email(&text) {
            column.emails += 1;
            column.distinct_emails += u32::from(self.emails.insert(text.to_lowercase()));
        }
        let number = text.parse().ok().filter(|_| !text.starts_with('+'));
        let expected = self.last.map(|last: u64| last.saturating_add(1));
        let is_step = number.is_some_and(|it| expected.map_or(it <= 1, |next| it == next));
        column.steps += u32::from(is_step);
        self.last = number.or(self.last);
        if let Some(value) = self.values.get_mut(&text) {
            let first = (value.rows == 1).then_some(value.first);
            let free = MAX_NAMED.saturating_sub(column.repeated_in.len());
            column
                .repeated_in
                .extend(first.into_iter().chain([row]).take(free));
            value.rows += 1;
            return;
        }
        column.distinct += 1;
        // A date cell needs no form.
        if kind != CellKind::Date && column.samples.len() < MAX_SAMPLES {
            column.samples.push(text.clone());
            if matches!(kind, CellKind::Text | CellKind::Time) {
                column.texts.push(text.clone());
            }
        }
        let value = SeenValue {
            rows: 1,
            first: row,
        };
        self.values.insert(text, value);
    }
}
