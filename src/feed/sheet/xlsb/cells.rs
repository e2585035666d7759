//! The cells of a sheet of an `.xlsb`.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::records::Records;
use crate::feed::CellKind;
use crate::feed::record::MAX_COLUMNS;
use crate::feed::sheet::book::Book;
use crate::feed::sheet::cell;
use crate::feed::sheet::formula::Formula;
use crate::feed::sheet::merged::{Area, Areas};
use crate::feed::sheet::rows::{SheetBatch, Value};
use crate::feed::sheet::source::{NoRow, RowState};
use crate::feed::sheet::tokens::Tokens;
use crate::feed::sheet::xml::Damage;
use crate::feed::zip::Part;
use crate::model::RowNumber;

const ROW: u16 = 0;
const CELL_BLANK: u16 = 1;
const CELL_RK: u16 = 2;
const CELL_ERROR: u16 = 3;
const CELL_BOOL: u16 = 4;
const CELL_NUMBER: u16 = 5;
const CELL_TEXT: u16 = 6;
const CELL_SHARED: u16 = 7;
const FORMULA_TEXT: u16 = 8;
const FORMULA_NUMBER: u16 = 9;
const FORMULA_BOOL: u16 = 10;
const FORMULA_ERROR: u16 = 11;
/// From here to [`SHORT_SHARED`] are the kinds from [`CELL_BLANK`] to [`CELL_SHARED`] once
/// more, without a column: it is the one behind the last cell's.
const SHORT_BLANK: u16 = 12;
const SHORT_SHARED: u16 = 18;
const COLUMN_INFO: u16 = 60;
const CELL_RICH: u16 = 62;
const BEGIN_SHEET: u16 = 129;
const BEGIN_ROWS: u16 = 145;
const END_ROWS: u16 = 146;
const DIMENSION: u16 = 148;
const MERGED_CELLS: u16 = 176;

/// The last row that Excel knows, counted from 0.
const LAST_ROW: u32 = (1 << 20) - 1;

/// The cells of a sheet, row by row.
pub(in crate::feed::sheet) struct XlsbCells<'b> {
    book: &'b Book,
    records: Records,
    /// The row that has begun and is not read yet: its number, and whether it is hidden.
    pending: Option<(u32, bool)>,
    is_ended: bool,
    pub(in crate::feed::sheet) state: RowState,
}

impl<'b> XlsbCells<'b> {
    /// Begins to read a sheet; `None` if it is one that has no rows, such as a chart.
    pub(in crate::feed::sheet) fn open(
        book: &'b Book,
        file: &File,
        part: &Part,
        packed: Arc<AtomicU64>,
    ) -> Result<Option<Self>, Damage> {
        let mut records = Records::open(file, part, packed)?;
        let mut state = RowState::default();
        let mut is_sheet = false;
        let wants = |kind| matches!(kind, BEGIN_SHEET | BEGIN_ROWS | DIMENSION | COLUMN_INFO);
        loop {
            if !records.next(wants)? {
                return if is_sheet {
                    Err(Damage::Unexpected("a sheet without rows"))
                } else {
                    Ok(None)
                };
            }
            match records.kind {
                BEGIN_SHEET => is_sheet = true,
                BEGIN_ROWS => break,
                DIMENSION => {
                    records.skip::<4>()?;
                    state.said = records.u32()?.min(LAST_ROW) + 1;
                }
                _ => {
                    let (first, last) = (records.u32()?, records.u32()?);
                    records.skip::<8>()?;
                    let is_hidden = records.u16()? & 1 == 1;
                    if is_hidden && state.hidden_columns.len() < MAX_COLUMNS {
                        let number = |column: u32| column.saturating_add(1);
                        state.hidden_columns.push((number(first), number(last)));
                    }
                }
            }
        }
        Ok(Some(Self {
            book,
            records,
            pending: None,
            is_ended: false,
            state,
        }))
    }

    /// Appends the next row that has cells; false at the end.
    pub(in crate::feed::sheet) fn next_row(
        &mut self,
        batch: &mut SheetBatch,
    ) -> Result<bool, NoRow> {
        while let Some((row, is_hidden)) = self.next_begin()? {
            let number = RowNumber::new(row + 1);
            let mut begun = batch.begin();
            let mut next = 0;
            loop {
                if !self.records.next(is_of_rows)? {
                    return Err(Damage::Unexpected("rows without an end").into());
                }
                match self.records.kind {
                    ROW => {
                        self.pending = Some(self.row()?);
                        break;
                    }
                    END_ROWS => {
                        self.rest()?;
                        break;
                    }
                    _ => {}
                }
                let (kind, column) = match self.records.kind {
                    short @ SHORT_BLANK..=SHORT_SHARED => (short - SHORT_BLANK + CELL_BLANK, next),
                    kind => (kind, self.records.u32()?),
                };
                next = column.saturating_add(1);
                if kind == CELL_BLANK {
                    continue;
                }
                let Some(value) = self.value(kind, &mut batch.text)? else {
                    continue;
                };
                let Some(column) = u16::try_from(column)
                    .ok()
                    .filter(|column| usize::from(*column) < MAX_COLUMNS)
                else {
                    continue;
                };
                if !batch.push(&mut begun, column, value) {
                    self.state.row = Some(number);
                    return Err(NoRow::TooLong);
                }
            }
            if batch.end(&begun, number) {
                self.state.is_hidden = is_hidden;
                self.state.follow(number)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Goes to the next row, whose number is counted from 0; `None` at the end.
    fn next_begin(&mut self) -> Result<Option<(u32, bool)>, Damage> {
        if self.is_ended || self.pending.is_some() {
            return Ok(self.pending.take());
        }
        if !self.records.next(|kind| matches!(kind, ROW | END_ROWS))? {
            return Err(Damage::Unexpected("rows without an end"));
        }
        if self.records.kind == END_ROWS {
            self.rest()?;
            return Ok(None);
        }
        self.row().map(Some)
    }

    fn row(&mut self) -> Result<(u32, bool), Damage> {
        let row = self.records.u32()?;
        if row > LAST_ROW {
            return Err(Damage::Unexpected("rows beyond the last one of Excel"));
        }
        self.records.skip::<7>()?;
        Ok((row, self.records.u8()? & 0x10 != 0))
    }

    /// Appends what a cell of this kind holds; `None` if it is empty.
    fn value(&mut self, kind: u16, text: &mut String) -> Result<Option<Value>, Damage> {
        let start = text.len();
        let records = &mut self.records;
        // 24 bits; the others say how to pronounce it.
        let style = (records.u32()? & 0x00ff_ffff) as usize;
        let kind = match kind {
            CELL_RK => {
                let value = cell::rk(records.u32()?);
                return Ok(Some(self.book.number(value, style, Formula::None, text)));
            }
            CELL_NUMBER => {
                let value = records.f64()?;
                return Ok(Some(self.book.number(value, style, Formula::None, text)));
            }
            FORMULA_NUMBER => {
                let value = records.f64()?;
                let formula = match records.rest() {
                    // Behind what says when to work it out, its length and its tokens.
                    [_, _, a, b, c, d, tokens @ ..] if value == 0.0 => {
                        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
                        Tokens::Xlsb.formula(tokens.get(..length).unwrap_or_default())
                    }
                    _ => Formula::Reference,
                };
                return Ok(Some(self.book.number(value, style, formula, text)));
            }
            CELL_ERROR | FORMULA_ERROR => cell::push_error_code(records.u8()?, text),
            CELL_BOOL | FORMULA_BOOL => cell::push_bool(records.u8()? != 0, text),
            CELL_SHARED => {
                let shared = self.book.strings.get(records.u32()? as usize);
                let shared = shared.ok_or(Damage::Unexpected(
                    "a cell whose text is not among the shared strings",
                ))?;
                self.book.push_text(shared, style, text);
                CellKind::Text
            }
            kind => {
                if kind == CELL_RICH {
                    records.skip::<1>()?;
                }
                let mut content = String::new();
                records.text(&mut content)?;
                if kind == FORMULA_TEXT && cell::is_error_in_text(&content) {
                    text.push_str(&content);
                    CellKind::Error
                } else {
                    self.book.push_text(&content, style, text);
                    CellKind::Text
                }
            }
        };
        let end = text.len();
        Ok((kind != CellKind::Text || end > start).then(|| Value::text(start..end, kind)))
    }

    /// Reads what comes behind the rows.
    fn rest(&mut self) -> Result<(), Damage> {
        self.is_ended = true;
        // To the end of the part: only there the checksum is known to be right.
        while self.records.next(|kind| kind == MERGED_CELLS)? {
            let (first_row, last_row) = (self.records.u32()?, self.records.u32()?);
            let column = u16::try_from(self.records.u32()?).unwrap_or(u16::MAX);
            self.state.merged.add(Area {
                column,
                first_row: first_row.min(LAST_ROW) + 1,
                last_row: last_row.min(LAST_ROW) + 1,
            })?;
        }
        Ok(())
    }

    /// Reads the areas of merged cells, and no row.
    pub(in crate::feed::sheet) fn merged_areas(mut self) -> Result<Areas, Damage> {
        if !self.records.next(|kind| kind == END_ROWS)? {
            return Err(Damage::Unexpected("rows without an end"));
        }
        self.rest()?;
        Ok(self.state.merged)
    }
}

/// Whether it is a record of a row or of a cell.
fn is_of_rows(kind: u16) -> bool {
    matches!(
        kind,
        ROW | END_ROWS
            | CELL_BLANK
            | CELL_RK
            | CELL_ERROR
            | CELL_BOOL
            | CELL_NUMBER
            | CELL_TEXT
            | CELL_SHARED
            | CELL_RICH
            | FORMULA_TEXT
            | FORMULA_NUMBER
            | FORMULA_BOOL
            | FORMULA_ERROR
            | SHORT_BLANK..=SHORT_SHARED
    )
}
