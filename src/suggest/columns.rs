//! What the first rows of a feed show of its columns.

use std::collections::HashSet;

use crate::feed::{CellKind, Feed, FeedError, Format};
use crate::validate::is_email;

/// Rows that are read.
const MAX_ROWS: u32 = 1_000;
/// Values of a column that are kept, no value twice.
const MAX_SAMPLES: usize = 200;

/// A column, and what its first cells look like.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// Another column has the same name, so that a mapping can name neither.
    pub(super) repeated: bool,
    /// Rows that were read.
    pub(super) rows: u32,
    pub(super) filled: u32,
    /// Cells that hold an e-mail address.
    pub(super) emails: u32,
    /// Cells that differ from all before.
    pub(super) distinct: u32,
    /// Some of these.
    pub(super) samples: Vec<String>,
    /// Those of them that are texts; in a workbook there are also numbers.
    pub(super) texts: Vec<String>,
}

impl Column {
    /// What shows in which form dates are written: texts, unless there are none.
    pub(super) fn date_samples(&self) -> &[String] {
        if self.texts.is_empty() {
            &self.samples
        } else {
            &self.texts
        }
    }
}

/// Reads the first rows.
pub(super) fn read(feed: &mut Feed) -> Result<Vec<Column>, FeedError> {
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
    let mut seen: Vec<HashSet<String>> = vec![HashSet::new(); width];
    let mut rows = 0;
    let read = feed.read(
        |records| {
            let mut samples: Vec<Vec<_>> = Vec::new();
            while let Some(record) = records.next_record() {
                if samples.len() < MAX_ROWS as usize {
                    let cells = (0..width).filter_map(|index| record.cell(index));
                    let cells = cells.map(|cell| (cell.text.trim().to_owned(), cell.kind));
                    samples.push(cells.collect());
                }
            }
            samples
        },
        |samples, _| {
            for sample in samples {
                if rows >= MAX_ROWS {
                    return if reads_all { Ok(()) } else { Err(Enough::Rows) };
                }
                rows += 1;
                for (index, (text, kind)) in sample
                    .into_iter()
                    .enumerate()
                    .filter(|(_, (text, kind))| !text.is_empty() || *kind == CellKind::Uncalculated)
                {
                    let column = &mut columns[index];
                    column.filled += 1;
                    if kind == CellKind::Uncalculated {
                        continue;
                    }
                    column.emails += u32::from(is_email(&text));
                    if seen[index].contains(&text) {
                        continue;
                    }
                    column.distinct += 1;
                    // A date cell needs no form.
                    if kind != CellKind::Date && column.samples.len() < MAX_SAMPLES {
                        column.samples.push(text.clone());
                        if kind == CellKind::Text {
                            column.texts.push(text.clone());
                        }
                    }
                    seen[index].insert(text);
                }
            }
            Ok(())
        },
    );
    for column in &mut columns {
        column.rows = rows;
    }
    match read {
        Ok(()) | Err(Enough::Rows) => Ok(columns),
        Err(Enough::Failed(error)) => Err(error),
    }
}
