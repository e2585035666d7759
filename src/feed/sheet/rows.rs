//! A batch of a sheet's cells becomes records.

use std::ops::Range;

use super::format::CellFormat;
use super::formula::Formula;
use super::source::MAX_ROW_TEXT;
use super::text;
use crate::feed::CellKind;
use crate::feed::record::{MAX_COLUMNS, Record};
use crate::model::RowNumber;

/// Rows of a sheet, in few buffers.
#[derive(Debug, Default)]
pub(in crate::feed) struct SheetBatch {
    /// The text of all cells that are not numbers.
    pub(super) text: String,
    pub(super) cells: Vec<SheetCell>,
    /// Each row, and where its cells end.
    pub(super) rows: Vec<(RowNumber, usize)>,
}

/// A row that is being read.
pub(super) struct Begun {
    /// Where it begins.
    cells: usize,
    text: usize,
    is_in_order: bool,
}

/// A cell that is not empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct SheetCell {
    pub(super) column: u16,
    pub(super) value: Value,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    /// A piece of [`SheetBatch::text`].
    Text {
        start: u32,
        end: u32,
        kind: CellKind,
    },
    /// A number, written as text after the reading stage, which is the
    /// bottleneck.
    Number { value: f64, style: u16 },
    /// The number 0 as the result of a formula.
    ZeroOfFormula { style: u16, formula: Formula },
}

/// What a formula's 0 means in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Zero {
    /// The number.
    #[default]
    Number,
    /// The number, which may be nothing where a formula shows another cell.
    NumberOrNothing,
    /// That the formula found nothing, unless it works out a number.
    Nothing,
    /// The same, and that nobody has worked out the number.
    NothingOrUncalculated,
    /// That nobody has worked it out.
    Uncalculated,
}

/// How the cells of a sheet are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    /// By style.
    pub(super) formats: &'a [CellFormat],
    /// By column.
    pub(super) zeros: &'a [Zero],
}

impl Value {
    /// A piece of the batch's text. A batch ends long before 32 bits do, and a row is
    /// bounded too.
    pub(super) fn text(place: Range<usize>, kind: CellKind) -> Self {
        let at = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        Self::Text {
            start: at(place.start),
            end: at(place.end),
            kind,
        }
    }

    /// Where its text is.
    pub(super) fn range(self) -> Option<Range<usize>> {
        match self {
            Self::Text { start, end, .. } => Some(start as usize..end as usize),
            Self::Number { .. } | Self::ZeroOfFormula { .. } => None,
        }
    }

    /// Whether it can be what a formula gave: neither nothing nor an error.
    pub(super) fn is_result(self) -> bool {
        !matches!(
            self,
            Self::Text {
                kind: CellKind::Uncalculated | CellKind::Error,
                ..
            }
        )
    }

    /// The same with its text in another place.
    pub(super) fn moved(self, place: Range<usize>) -> Self {
        match self {
            Self::Text { kind, .. } => Self::text(place, kind),
            other => other,
        }
    }
}

impl SheetBatch {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
        self.rows.clear();
    }

    /// Begins a row.
    pub(super) fn begin(&self) -> Begun {
        Begun {
            cells: self.cells.len(),
            text: self.text.len(),
            is_in_order: true,
        }
    }

    /// Appends a cell to a row that has begun. False if the row becomes too long.
    pub(super) fn push(&mut self, begun: &mut Begun, column: u16, value: Value) -> bool {
        if let Some(before) = self.cells.get(begun.cells..).and_then(<[_]>::last) {
            begun.is_in_order &= before.column < column;
        }
        self.cells.push(SheetCell { column, value });
        // Out of order, the same columns can come again and again.
        let cells = self.cells.len() - begun.cells;
        self.text.len() - begun.text <= MAX_ROW_TEXT && cells <= 2 * MAX_COLUMNS
    }

    /// Ends a row; false if it has no cell.
    pub(super) fn end(&mut self, begun: &Begun, row: RowNumber) -> bool {
        if self.cells.len() == begun.cells {
            return false;
        }
        if !begun.is_in_order {
            // No spreadsheet writes this; of two cells in one place the later counts.
            let mut cells = self.cells.split_off(begun.cells);
            cells.reverse();
            cells.sort_by_key(|cell| cell.column);
            cells.dedup_by_key(|cell| cell.column);
            self.cells.append(&mut cells);
        }
        self.rows.push((row, self.cells.len()));
        true
    }

    /// Drops the last row. Its text stays until the batch is cleared.
    pub(super) fn pop(&mut self) {
        self.rows.pop();
        let end = self.rows.last().map_or(0, |&(_, end)| end);
        self.cells.truncate(end);
    }

    pub(super) fn rows<'a>(&'a self, shown: Shown<'a>) -> SheetRows<'a> {
        SheetRows {
            batch: self,
            shown,
            row: 0,
            cell: 0,
        }
    }
}

/// Walks through the rows of a batch.
#[derive(Debug)]
pub(in crate::feed) struct SheetRows<'a> {
    batch: &'a SheetBatch,
    shown: Shown<'a>,
    row: usize,
    cell: usize,
}

impl SheetRows<'_> {
    /// Reads the next row; false at the end.
    pub(in crate::feed) fn read(&mut self, record: &mut Record) -> bool {
        let Some(&(row, end)) = self.batch.rows.get(self.row) else {
            return false;
        };
        let cells = self.batch.cells.get(self.cell..end).unwrap_or_default();
        self.row += 1;
        self.cell = end;
        record.start(row);
        for cell in cells {
            // The cells of a row are in order, and none appears twice.
            let column = usize::from(cell.column);
            while record.len() < column {
                record.push(CellKind::Text, |_| {});
            }
            let zero = self.shown.zeros.get(column).copied().unwrap_or_default();
            match (cell.value, zero) {
                (Value::Text { start, end, kind }, _) => {
                    let piece = self.batch.text.get(start as usize..end as usize);
                    record.push(kind, |text| text.push_str(piece.unwrap_or_default()));
                }
                (Value::Number { value, style }, _) => self.push_number(record, value, style),
                (Value::ZeroOfFormula { style, formula }, zero) => {
                    match (zero, formula == Formula::Reference) {
                        (Zero::NumberOrNothing, true) => {
                            record.push(CellKind::ZeroOfReference, |text| text.push('0'));
                        }
                        (Zero::Number | Zero::NumberOrNothing, _) | (Zero::Nothing, false) => {
                            self.push_number(record, 0.0, style);
                        }
                        (Zero::Nothing | Zero::NothingOrUncalculated, true) => {
                            record.push(CellKind::ZeroForNothing, |text| text.push('0'));
                        }
                        (Zero::NothingOrUncalculated, false) | (Zero::Uncalculated, _) => {
                            record.push(CellKind::Uncalculated, |_| {});
                        }
                    }
                }
            }
        }
        record.end();
        true
    }

    fn push_number(&self, record: &mut Record, value: f64, style: u16) {
        let format = self.shown.formats.get(usize::from(style));
        let kind = match format {
            Some(format) if format.shortens(value) => CellKind::Shortened,
            _ => CellKind::Number,
        };
        record.push(kind, |text| match format {
            Some(format) => format.write(value, text),
            None => text::number(value, text),
        });
    }
}
