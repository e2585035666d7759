//! A batch of a sheet's cells becomes records.

use super::text::{self, Padded};
use crate::feed::CellKind;
use crate::feed::record::Record;
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
}

impl SheetBatch {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
        self.rows.clear();
    }

    /// Drops the last row. Its text stays until the batch is cleared.
    pub(super) fn pop(&mut self) {
        self.rows.pop();
        let end = self.rows.last().map_or(0, |&(_, end)| end);
        self.cells.truncate(end);
    }

    pub(super) fn rows<'a>(&'a self, padded: &'a [Option<Padded>]) -> SheetRows<'a> {
        SheetRows {
            batch: self,
            padded,
            row: 0,
            cell: 0,
        }
    }
}

/// Walks through the rows of a batch.
#[derive(Debug)]
pub(in crate::feed) struct SheetRows<'a> {
    batch: &'a SheetBatch,
    /// By style: the formats that show zeros in front.
    padded: &'a [Option<Padded>],
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
            while record.len() < usize::from(cell.column) {
                record.push(CellKind::Text, |_| {});
            }
            match cell.value {
                Value::Text { start, end, kind } => {
                    let piece = self.batch.text.get(start as usize..end as usize);
                    record.push(kind, |text| text.push_str(piece.unwrap_or_default()));
                }
                Value::Number { value, style } => {
                    let padded = self.padded.get(usize::from(style)).and_then(Option::as_ref);
                    record.push(CellKind::Number, |text| match padded {
                        Some(padded) => padded.write(value, text),
                        None => text::number(value, text),
                    });
                }
            }
        }
        true
    }
}
