//! The start of a sheet: what decides which sheet is read, below which header, and what
//! a formula's 0 means.

use std::fs::File;
use std::sync::Arc;

use super::book::{Book, Sheet};
use super::rows::{SheetBatch, SheetCell, Shown, Value, Zero};
use super::source::{NoRow, Source};
use super::xml::Damage;
use crate::feed::CellKind;
use crate::feed::header::{self, HeadRow};
use crate::feed::record::Record;
use crate::model::RowNumber;

/// Identifiers have more digits than what is counted.
const SMALLEST_IDENTIFIER: f64 = 1_000.0;

/// The most bytes of the first rows that are held, cells and their texts: a text that
/// cells share can be in all of them.
const MAX_HELD: usize = 64 << 20;

/// The start of a sheet.
pub(super) struct Head {
    /// The first rows, none of them blank.
    pub(super) rows: Vec<HeadRow>,
    /// What is in the cells of these rows.
    kinds: Vec<Vec<(u16, Kind)>>,
    /// The last row that the sheet says it has.
    pub(super) said: u32,
    /// The columns that are hidden, each range from its first to its last.
    hidden: Vec<(u32, u32)>,
}

/// What a cell says of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// An identifier, a phone number, an amount.
    LargeNumber,
    /// What is counted.
    SmallNumber,
    /// The same, or a flag.
    One,
    /// A number that somebody typed.
    Zero,
    ZeroOfFormula,
    Other,
}

impl Kind {
    fn of(cell: &SheetCell) -> Self {
        match cell.value {
            Value::Text {
                kind: CellKind::Text,
                ..
            } => Self::Text,
            Value::Text { .. } => Self::Other,
            Value::ZeroOfFormula { .. } => Self::ZeroOfFormula,
            Value::Number { value, .. } if value.abs() >= SMALLEST_IDENTIFIER => Self::LargeNumber,
            Value::Number { value: 0.0, .. } => Self::Zero,
            Value::Number { value: 1.0, .. } => Self::One,
            Value::Number { .. } => Self::SmallNumber,
        }
    }
}

/// Reads the first rows of a sheet, and those up to the row `until`. `None` if the sheet
/// is one that has no rows.
pub(super) fn read(
    book: &Book,
    file: &File,
    sheet: &Sheet,
    until: u32,
) -> Result<Option<Head>, Damage> {
    let Some(mut cells) = Source::open(book, file, sheet, Arc::default())? else {
        return Ok(None);
    };
    let mut head = Head {
        rows: Vec::new(),
        kinds: Vec::new(),
        said: 0,
        hidden: Vec::new(),
    };
    let shown = Shown {
        formats: &book.formats,
        zeros: &[],
    };
    let mut batch = SheetBatch::default();
    let mut record = Record::new();
    let mut size = 0;
    let is_above = |row: RowNumber| row.row() < until;
    while (head.rows.len() < header::ROWS_EXAMINED && size < MAX_HELD)
        || cells.state().row.is_some_and(is_above)
    {
        batch.clear();
        match cells.next_row(&mut batch) {
            Ok(true) => {}
            Ok(false) => break,
            Err(NoRow::Damaged(source)) => return Err(source),
            Err(NoRow::TooLong) => return Err(Damage::Unexpected("a row of many megabytes")),
        }
        if !batch.rows(shown).read(&mut record) || record.is_blank() {
            continue;
        }
        if size >= MAX_HELD && is_above(record.row()) {
            continue;
        }
        let kinds = batch.cells.iter().map(|cell| (cell.column, Kind::of(cell)));
        head.kinds.push(kinds.collect());
        let names = header::cells(&record);
        let sizes = names.iter().map(|it| size_of::<String>() + it.len());
        size += sizes.sum::<usize>();
        head.rows.push(HeadRow {
            row: Some(record.row()),
            cells: names,
            not_text: None,
            width: record.len(),
        });
    }
    // What comes before the rows is known by now.
    head.said = cells.state().said;
    head.hidden.clone_from(&cells.state().hidden_columns);
    Ok(Some(head))
}

impl Head {
    /// Whether a row has two cells.
    pub(super) fn has_table(&self) -> bool {
        self.rows.iter().any(|row| row.filled() >= 2)
    }

    /// What a formula's 0 means in each of the columns below the first `above` rows.
    ///
    /// A formula that refers to an empty cell shows 0. In a column of words or of
    /// identifiers that is nothing; in a column of flags it is the number, and so is the 0
    /// that a formula works out. In a column of counts without another 0 it may be either.
    pub(super) fn zeros(&self, above: usize, columns: usize, book: &Book) -> Vec<Zero> {
        let mut seen = vec![[false; 6]; columns];
        for (column, kind) in self.kinds.iter().skip(above).flatten() {
            let Some([text, large, small, flag, typed, zero]) = seen.get_mut(usize::from(*column))
            else {
                continue;
            };
            match kind {
                Kind::Text => *text = true,
                Kind::LargeNumber => *large = true,
                Kind::SmallNumber => *small = true,
                Kind::One => *flag = true,
                Kind::Zero => *typed = true,
                Kind::ZeroOfFormula => *zero = true,
                Kind::Other => {}
            }
        }
        let meant = seen
            .into_iter()
            .map(|[text, large, small, flag, typed, zero]| {
                if small && zero && !typed {
                    Zero::NumberOrNothing
                } else if small || flag || typed {
                    Zero::Number
                } else if text || large {
                    if book.is_calculated_later {
                        Zero::NothingOrUncalculated
                    } else {
                        Zero::Nothing
                    }
                } else if zero && book.is_calculated_later {
                    // A program that cannot work out formulas writes 0 for each.
                    Zero::Uncalculated
                } else {
                    Zero::Number
                }
            });
        meant.collect()
    }

    /// The names of those columns that the sheet hides.
    pub(super) fn hidden<'n>(&self, names: &'n [String]) -> impl Iterator<Item = &'n String> {
        let is_hidden = move |column: usize| {
            let number = u32::try_from(column + 1).unwrap_or(u32::MAX);
            let mut ranges = self.hidden.iter();
            ranges.any(|(first, last)| (*first..=*last).contains(&number))
        };
        let columns = names.iter().enumerate();
        columns
            .filter(move |(column, _)| is_hidden(*column))
            .map(|(_, name)| name)
    }
}
