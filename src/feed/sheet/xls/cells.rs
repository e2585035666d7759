//! The cells of a sheet of an `.xls`.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::records::{Letters, Records};
use super::{Place, WORKSHEET};
use crate::feed::CellKind;
use crate::feed::record::MAX_COLUMNS;
use crate::feed::sheet::book::Book;
use crate::feed::sheet::cell;
use crate::feed::sheet::formula::Formula;
use crate::feed::sheet::merged::Area;
use crate::feed::sheet::rows::{Begun, SheetBatch, Value};
use crate::feed::sheet::source::{NoRow, RowState};
use crate::feed::sheet::tokens::Tokens;
use crate::feed::sheet::xml::Damage;
use crate::model::RowNumber;

const FORMULA: u16 = 0x0006;
const UNCALCULATED: u16 = 0x005e;
const COLUMN_INFO: u16 = 0x007d;
const MANY_RK: u16 = 0x00bd;
const RICH_TEXT: u16 = 0x00d6;
const MERGED_CELLS: u16 = 0x00e5;
const SHARED_TEXT: u16 = 0x00fd;
const DIMENSIONS: u16 = 0x0200;
const NUMBER: u16 = 0x0203;
const TEXT: u16 = 0x0204;
const BOOL_OR_ERROR: u16 = 0x0205;
const STRING: u16 = 0x0207;
const ROW: u16 = 0x0208;
const ARRAY: u16 = 0x0221;
const TABLE: u16 = 0x0236;
const RK: u16 = 0x027e;
const SHARED_FORMULA: u16 = 0x04bc;
/// More of the record before.
const CONTINUE: u16 = 0x003c;

/// The number of rows that such a sheet can have.
const ROWS: usize = 1 << 16;
/// The most cells that are put in order.
const MAX_OUT_OF_ORDER: usize = 1 << 22;

/// The cells of a sheet, row by row.
pub(in crate::feed::sheet) struct XlsCells<'b> {
    book: &'b Book,
    records: Records,
    letters: Letters,
    start: u64,
    read: Arc<AtomicU64>,
    /// By row, whether it is hidden.
    hidden_rows: Vec<bool>,
    /// The results of its formulas are not what they should be.
    is_uncalculated: bool,
    /// Where the cells are, if rows come out of order.
    places: Option<std::vec::IntoIter<(u16, u64)>>,
    /// The row of the record that was read and is still to come.
    pending: Option<u16>,
    pub(in crate::feed::sheet) state: RowState,
}

impl<'b> XlsCells<'b> {
    /// Begins to read a sheet; `None` if it is one that has no rows, such as a chart.
    ///
    /// What is hidden or merged may come behind the rows, and some writers write rows in
    /// the order in which they were made, so all records are looked at once.
    pub(in crate::feed::sheet) fn open(
        book: &'b Book,
        file: &File,
        place: &Place,
        read: Arc<AtomicU64>,
    ) -> Result<Option<Self>, Damage> {
        let mut records = Records::open(file, place.start, place.end)?;
        match records.begin()? {
            Some((_, WORKSHEET)) => {}
            Some(_) => return Ok(None),
            None => return Err(Damage::Missing("sheet")),
        }
        let begin = records.position();
        let mut cells = Self {
            book,
            records,
            letters: place.letters,
            start: place.start,
            read,
            hidden_rows: Vec::new(),
            is_uncalculated: false,
            places: None,
            pending: None,
            state: RowState::default(),
        };
        let is_in_order = cells.look_around()?;
        cells.records.seek(begin)?;
        if !is_in_order {
            cells.places = Some(cells.places()?.into_iter());
        }
        Ok(Some(cells))
    }

    /// Reads what is not in cells. Returns whether rows ascend.
    fn look_around(&mut self) -> Result<bool, Damage> {
        let (mut is_in_order, mut last) = (true, 0);
        while self.records.next()? {
            // What is too short says nothing, and the cells are still there.
            let length = self.records.left();
            match self.records.kind {
                DIMENSIONS if length >= 8 => {
                    self.state.said = match self.letters {
                        Letters::Wide => {
                            self.records.skip(4)?;
                            self.records.u32()?
                        }
                        Letters::Bytes(_) => {
                            self.records.skip(2)?;
                            u32::from(self.records.u16()?)
                        }
                    };
                }
                COLUMN_INFO if length >= 10 => {
                    let (first, last) = (self.records.u16()?, self.records.u16()?);
                    self.records.skip(4)?;
                    let is_hidden = self.records.u16()? & 1 == 1;
                    if is_hidden && self.state.hidden_columns.len() < MAX_COLUMNS {
                        let range = (u32::from(first) + 1, u32::from(last) + 1);
                        self.state.hidden_columns.push(range);
                    }
                }
                ROW if length >= 14 => {
                    let row = usize::from(self.records.u16()?);
                    self.records.skip(10)?;
                    if self.records.u16()? & 0x20 != 0 {
                        self.hidden_rows.resize(ROWS, false);
                        if let Some(is_hidden) = self.hidden_rows.get_mut(row) {
                            *is_hidden = true;
                        }
                    }
                }
                MERGED_CELLS if length >= 2 => self.merged_cells()?,
                UNCALCULATED => self.is_uncalculated = true,
                kind if is_cell(kind) => {
                    let row = self.records.u16()?;
                    is_in_order &= row >= last;
                    last = row;
                }
                _ => {}
            }
        }
        Ok(is_in_order)
    }

    fn merged_cells(&mut self) -> Result<(), Damage> {
        let areas = usize::from(self.records.u16()?).min(self.records.left() / 8);
        for _ in 0..areas {
            let (first_row, last_row) = (self.records.u16()?, self.records.u16()?);
            let column = self.records.u16()?;
            self.records.skip(2)?;
            self.state.merged.add(Area {
                column,
                first_row: u32::from(first_row) + 1,
                last_row: u32::from(last_row) + 1,
            })?;
        }
        Ok(())
    }

    /// Where each cell is, in the order of rows.
    fn places(&mut self) -> Result<Vec<(u16, u64)>, Damage> {
        let mut places = Vec::new();
        loop {
            let place = self.records.position();
            if !self.records.next()? {
                break;
            }
            if is_cell(self.records.kind) {
                if places.len() == MAX_OUT_OF_ORDER {
                    return Err(Damage::Unexpected("millions of cells out of order"));
                }
                places.push((self.records.u16()?, place));
            }
        }
        places.sort_by_key(|(row, _)| *row);
        Ok(places)
    }

    /// Goes to the next record that has cells. Returns its row.
    fn next_cells(&mut self) -> Result<Option<u16>, Damage> {
        if let Some(row) = self.pending.take() {
            return Ok(Some(row));
        }
        if let Some(places) = &mut self.places {
            let Some((_, place)) = places.next() else {
                return Ok(None);
            };
            self.records.seek(place)?;
            self.records.next()?;
            return self.records.u16().map(Some);
        }
        while self.records.next()? {
            if is_cell(self.records.kind) {
                return self.records.u16().map(Some);
            }
        }
        Ok(None)
    }

    /// Appends the next row that has cells; false at the end.
    pub(in crate::feed::sheet) fn next_row(
        &mut self,
        batch: &mut SheetBatch,
    ) -> Result<bool, NoRow> {
        while let Some(row) = self.next_cells()? {
            let mut begun = batch.begin();
            let number = RowNumber::new(u32::from(row) + 1);
            loop {
                if !self.take(batch, &mut begun)? {
                    self.state.row = Some(number);
                    return Err(NoRow::TooLong);
                }
                match self.next_cells()? {
                    Some(next) if next == row => {}
                    next => {
                        self.pending = next;
                        break;
                    }
                }
            }
            let read = self.records.position() - self.start;
            self.read.store(read, Ordering::Relaxed);
            if batch.end(&begun, number) {
                let is_hidden = self.hidden_rows.get(usize::from(row));
                self.state.is_hidden = is_hidden.copied().unwrap_or_default();
                self.state.follow(number)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the cells of a record, behind its row. False if the row becomes too long.
    fn take(&mut self, batch: &mut SheetBatch, begun: &mut Begun) -> Result<bool, Damage> {
        let column = self.records.u16()?;
        if self.records.kind == MANY_RK {
            let mut column = column;
            // Behind the cells is the last column.
            while self.records.left() >= 8 {
                let style = usize::from(self.records.u16()?);
                let value = cell::rk(self.records.u32()?);
                let value = self
                    .book
                    .number(value, style, Formula::None, &mut batch.text);
                if !batch.push(begun, column, value) {
                    return Ok(false);
                }
                column = column.saturating_add(1);
            }
            return Ok(true);
        }
        let style = usize::from(self.records.u16()?);
        let value = self.value(style, &mut batch.text)?;
        Ok(value.is_none_or(|value| batch.push(begun, column, value)))
    }

    /// Appends what the record's only cell holds; `None` if it is empty.
    fn value(&mut self, style: usize, text: &mut String) -> Result<Option<Value>, Damage> {
        let start = text.len();
        let records = &mut self.records;
        let kind = match records.kind {
            RK => {
                let value = cell::rk(records.u32()?);
                return Ok(Some(self.book.number(value, style, Formula::None, text)));
            }
            NUMBER => {
                let value = records.f64()?;
                return Ok(Some(self.book.number(value, style, Formula::None, text)));
            }
            BOOL_OR_ERROR => {
                let (value, is_error) = (records.u8()?, records.u8()?);
                if is_error == 0 {
                    cell::push_bool(value != 0, text)
                } else {
                    cell::push_error_code(value, text)
                }
            }
            SHARED_TEXT => {
                let shared = self.book.strings.get(records.u32()? as usize);
                let shared = shared.ok_or(Damage::Unexpected(
                    "a cell whose text is not among the shared strings",
                ))?;
                self.book.push_text(shared, style, text);
                CellKind::Text
            }
            FORMULA => return self.result(style, text),
            _ => {
                let mut content = String::new();
                records.text(self.letters, false, &mut content)?;
                self.book.push_text(&content, style, text);
                CellKind::Text
            }
        };
        let end = text.len();
        Ok((kind != CellKind::Text || end > start).then(|| Value::text(start..end, kind)))
    }

    /// Appends the result of a formula.
    fn result(&mut self, style: usize, text: &mut String) -> Result<Option<Value>, Damage> {
        let start = text.len();
        let result = self.records.bytes::<8>()?;
        // A program that cannot work out formulas writes 0 or nothing, and has them worked
        // out when the file is opened.
        let is_calculated_later = self.records.u16()? & 2 != 0 || self.is_uncalculated;
        let kind = match result {
            [0, .., 0xff, 0xff] => {
                let mut content = String::new();
                self.string(&mut content)?;
                if cell::is_error_in_text(&content) {
                    text.push_str(&content);
                    CellKind::Error
                } else {
                    self.book.push_text(&content, style, text);
                    CellKind::Text
                }
            }
            [1, _, value, .., 0xff, 0xff] => cell::push_bool(value != 0, text),
            [2, _, code, .., 0xff, 0xff] => cell::push_error_code(code, text),
            // An empty text.
            [3, .., 0xff, 0xff] if is_calculated_later || self.book.is_calculated_later => {
                CellKind::Uncalculated
            }
            [3, .., 0xff, 0xff] => return Ok(None),
            number => {
                let value = f64::from_le_bytes(number);
                if value == 0.0 && is_calculated_later {
                    return Ok(Some(Value::text(start..start, CellKind::Uncalculated)));
                }
                let formula = match (self.letters, self.records.rest()) {
                    // Behind what the program remembers, its length and its tokens.
                    (Letters::Wide, [_, _, _, _, low, high, tokens @ ..]) if value == 0.0 => {
                        let length = usize::from(u16::from_le_bytes([*low, *high]));
                        Tokens::Xls.formula(tokens.get(..length).unwrap_or_default())
                    }
                    _ => Formula::Reference,
                };
                return Ok(Some(self.book.number(value, style, formula, text)));
            }
        };
        let end = text.len();
        Ok((kind != CellKind::Text || end > start).then(|| Value::text(start..end, kind)))
    }

    /// Reads the text that a formula results in, which is in a record behind it.
    fn string(&mut self, text: &mut String) -> Result<(), Damage> {
        while self.records.next()? {
            match self.records.kind {
                STRING => return self.records.text(self.letters, false, text),
                // What belongs to the formula.
                SHARED_FORMULA | ARRAY | TABLE | CONTINUE => {}
                _ => break,
            }
        }
        Err(Damage::Unexpected(
            "a formula without the text it results in",
        ))
    }
}

fn is_cell(kind: u16) -> bool {
    matches!(
        kind,
        FORMULA | MANY_RK | RICH_TEXT | SHARED_TEXT | NUMBER | TEXT | BOOL_OR_ERROR | RK
    )
}
