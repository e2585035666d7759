//! The cells of a sheet as they come out of calamine, put together to rows, whose
//! numbers ascend.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calamine::{Cell, DataRef, XlsxCellReader, XlsxError};

use super::rows::{SheetBatch, SheetCell, Value};
use super::text;
use crate::feed::CellKind;
use crate::feed::record::MAX_COLUMNS;
use crate::model::RowNumber;

/// The most text of one row, as in a CSV file.
pub(super) const MAX_ROW_TEXT: usize = 16 << 20;

/// The cells of a sheet, row by row.
pub(super) struct Stream<'a> {
    cells: XlsxCellReader<'a, BufReader<Tracked>>,
    /// A cell that was read and belongs to the next row.
    ahead: Option<Place<'a>>,
    /// The row that was read last.
    pub(super) row: Option<RowNumber>,
    /// Asked on past its end, calamine's reader would miss the end.
    ended: bool,
}

/// A cell that holds something: its row, its column, the cell, its style.
type Place<'a> = (RowNumber, u16, Cell<DataRef<'a>>, usize);

pub(super) enum NoAnswer {
    Sheet(XlsxError),
    TooLong,
}

impl<'a> Stream<'a> {
    pub(super) fn new(cells: XlsxCellReader<'a, BufReader<Tracked>>) -> Self {
        Self {
            cells,
            ahead: None,
            row: None,
            ended: false,
        }
    }

    /// Appends the next row that has cells; false at the end.
    pub(super) fn next_row(&mut self, batch: &mut SheetBatch) -> Result<bool, NoAnswer> {
        let start = batch.cells.len();
        let text = batch.text.len();
        let mut row = None;
        let mut in_order = true;
        while let Some((at, column, cell, style)) = self.next_place()? {
            if *row.get_or_insert(at) != at {
                self.ahead = Some((at, column, cell, style));
                break;
            }
            if let Some(before) = batch.cells.get(start..).and_then(<[_]>::last) {
                in_order &= before.column < column;
            }
            let value = value(batch, cell.get_value(), style);
            batch.cells.push(SheetCell { column, value });
            // Out of order, the same columns can come again and again.
            let cells = batch.cells.len() - start;
            if batch.text.len() - text > MAX_ROW_TEXT || cells > 2 * MAX_COLUMNS {
                self.row = row;
                return Err(NoAnswer::TooLong);
            }
        }
        let Some(row) = row else { return Ok(false) };
        // The number identifies a row: its outcome is looked up by it. Excel, too,
        // takes such a file for damaged.
        if self.row.is_some_and(|before| before >= row) {
            return Err(NoAnswer::Sheet(XlsxError::Unexpected(
                "rows that are out of order",
            )));
        }
        if !in_order {
            // No spreadsheet writes this; of two cells in one place the later
            // counts, as it does to calamine.
            let mut cells = batch.cells.split_off(start);
            cells.reverse();
            cells.sort_by_key(|cell| cell.column);
            cells.dedup_by_key(|cell| cell.column);
            batch.cells.append(&mut cells);
        }
        batch.rows.push((row, batch.cells.len()));
        self.row = Some(row);
        Ok(true)
    }

    fn next_place(&mut self) -> Result<Option<Place<'a>>, NoAnswer> {
        match self.ahead.take() {
            Some(place) => Ok(Some(place)),
            None => self.next_cell().map_err(NoAnswer::Sheet),
        }
    }

    /// The next cell that is not empty and lies in a column that Excel has.
    fn next_cell(&mut self) -> Result<Option<Place<'a>>, XlsxError> {
        if self.ended {
            return Ok(None);
        }
        while let Some((cell, style)) = self.cells.next_cell_with_style_id()? {
            let (row, column) = cell.get_position();
            if column as usize >= MAX_COLUMNS {
                continue;
            }
            let Ok(column) = u16::try_from(column) else {
                continue;
            };
            if !matches!(cell.get_value(), DataRef::Empty) {
                return Ok(Some((
                    RowNumber(row.saturating_add(1)),
                    column,
                    cell,
                    style,
                )));
            }
        }
        self.ended = true;
        Ok(None)
    }
}

/// Puts a value into the batch.
fn value(batch: &mut SheetBatch, data: &DataRef<'_>, style: usize) -> Value {
    let text = &mut batch.text;
    let start = text.len();
    let number = |value| Value::Number {
        value,
        style: u16::try_from(style).unwrap_or(u16::MAX),
    };
    let kind = match data {
        DataRef::Float(value) => return number(*value),
        DataRef::Int(value) => return number(*value as f64),
        DataRef::String(value) | DataRef::DurationIso(value) => {
            text.push_str(value);
            CellKind::Text
        }
        DataRef::SharedString(value) => {
            text.push_str(value);
            CellKind::Text
        }
        DataRef::Bool(value) => {
            text.push_str(if *value { "true" } else { "false" });
            CellKind::Bool
        }
        DataRef::DateTime(value) => text::date(value, text),
        DataRef::DateTimeIso(value) => text::iso_date(value, text),
        DataRef::Error(value) => {
            text.push_str(&value.to_string());
            CellKind::Error
        }
        DataRef::Empty => CellKind::Text,
    };
    // A batch ends long before 32 bits do, and a row is bounded too.
    let at = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
    Value::Text {
        start: at(start),
        end: at(text.len()),
        kind,
    }
}

/// Where a file is being read.
#[derive(Debug, Default)]
pub(super) struct Position {
    pub(super) now: AtomicU64,
    /// Where reading began: the start of a part, not somewhere in it.
    pub(super) sought: AtomicU64,
}

/// A file that knows where it is being read.
pub(super) struct Tracked {
    pub(super) file: File,
    pub(super) position: Arc<Position>,
}

impl Read for Tracked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.position.now.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Tracked {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = self.file.seek(to)?;
        self.position.now.store(position, Ordering::Relaxed);
        self.position.sought.store(position, Ordering::Relaxed);
        Ok(position)
    }
}
