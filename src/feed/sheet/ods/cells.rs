//! The cells of a sheet of OpenDocument.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jiff::civil::DateTime;
use jiff::{Span, SpanRelativeTo, Unit};
use quick_xml::events::{BytesStart, Event};

use super::paragraph::Paragraphs;
use crate::feed::CellKind;
use crate::feed::record::MAX_COLUMNS;
use crate::feed::sheet::book::Book;
use crate::feed::sheet::format::{self, CellFormat};
use crate::feed::sheet::formula::Formula;
use crate::feed::sheet::merged::{Area, Areas};
use crate::feed::sheet::rows::{SheetBatch, SheetCell, Value};
use crate::feed::sheet::source::{MAX_ROW_TEXT, NoRow, RowState};
use crate::feed::sheet::xml::{self, Damage, Xml};
use crate::feed::sheet::{cell, text};
use crate::feed::zip::Part;
use crate::model::RowNumber;

/// The last row that a spreadsheet can have.
const MAX_ROWS: u32 = 1 << 24;
/// The most cells of a sheet that are written once for several.
const MAX_REPEATED: usize = 1 << 24;

/// The cells of one sheet, row by row.
pub(in crate::feed::sheet) struct OdsCells<'b> {
    book: &'b Book,
    xml: Xml,
    buffer: Vec<u8>,
    /// How deep the sheet is.
    depth: usize,
    /// The row that comes next.
    next: u32,
    /// How often the last row comes again.
    again: u32,
    /// Its cells and their text.
    last: (Vec<SheetCell>, String),
    /// How many cells may still be written once for several.
    repeats_left: usize,
    content: Content,
    /// The styles of cells that name none: for each range of columns, up to its last one.
    column_styles: Vec<(u32, u16)>,
    /// What the row says of itself that comes next.
    row: RowStyle,
    is_ended: bool,
    pub(in crate::feed::sheet) state: RowState,
}

/// What a row says of itself.
#[derive(Default)]
struct RowStyle {
    repeated: u32,
    is_hidden: bool,
    /// The style of cells that name none.
    style: Option<u16>,
}

/// What one cell holds.
#[derive(Default)]
struct Content {
    kind: Kind,
    value: Option<String>,
    /// What it shows.
    shown: Paragraphs,
    style: Option<u16>,
    formula: Formula,
    /// In how many columns it is, and over how many rows it goes.
    repeated: u32,
    rows: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    None,
    Number,
    Percentage,
    Date,
    Time,
    Bool,
    Text,
    Error,
}

impl<'b> OdsCells<'b> {
    /// Begins to read a sheet: where its part is, and which of the sheets in it.
    pub(in crate::feed::sheet) fn open(
        book: &'b Book,
        file: &File,
        (part, index): (&Part, usize),
        packed: Arc<AtomicU64>,
    ) -> Result<Self, Damage> {
        let mut xml = xml::open(file, part, packed)?;
        let mut buffer = Vec::with_capacity(1024);
        let (mut left, mut sheets) = (index, None);
        let depth = loop {
            let here = xml.depth() + 1;
            match xml.event(&mut buffer)? {
                Event::Start(element) => match (xml::local(element.name()), sheets) {
                    ("spreadsheet", None) => sheets = Some(here + 1),
                    ("table", Some(depth)) if depth == here => {
                        if left == 0 {
                            break depth;
                        }
                        left -= 1;
                    }
                    _ => {}
                },
                Event::Eof => return Err(Damage::Missing("sheet")),
                _ => {}
            }
        };
        let mut cells = Self {
            book,
            xml,
            buffer,
            depth,
            next: 1,
            again: 0,
            last: <_>::default(),
            repeats_left: MAX_REPEATED,
            content: Content::default(),
            column_styles: Vec::new(),
            row: RowStyle::default(),
            is_ended: false,
            state: RowState::default(),
        };
        cells.find_next_row()?;
        Ok(cells)
    }

    /// Appends the next row that has cells; false at the end.
    pub(in crate::feed::sheet) fn next_row(
        &mut self,
        batch: &mut SheetBatch,
    ) -> Result<bool, NoRow> {
        if self.again > 0 {
            self.again -= 1;
            self.repeat(batch)?;
            return Ok(true);
        }
        while !self.is_ended {
            let is_found = self.cells(batch)?;
            self.find_next_row()?;
            if is_found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Goes to the start of the next row, and keeps what it says of itself.
    fn find_next_row(&mut self) -> Result<(), Damage> {
        // Charts and forms in a sheet have tables of their own.
        let mut within = None;
        loop {
            let outer = self.xml.depth();
            match self.xml.event(&mut self.buffer)? {
                Event::Start(element) if within.is_none() => match xml::local(element.name()) {
                    "shapes" | "forms" | "table" => within = Some(outer + 1),
                    "table-row" => {
                        self.row = RowStyle::of(&element, self.book);
                        return Ok(());
                    }
                    "table-column" => {
                        let columns = column(&element, self.book);
                        self.columns(columns);
                    }
                    _ => {}
                },
                Event::End(_) if within == Some(outer) => within = None,
                Event::End(_) if outer == self.depth => return self.rest(),
                Event::Eof => return Err(Damage::Unexpected("a sheet without an end")),
                _ => {}
            }
        }
    }

    /// Takes columns that come next: how many, whether they are hidden, and their style.
    fn columns(&mut self, (count, is_hidden, style): (u32, bool, u16)) {
        let before = self.column_styles.last().map_or(0, |(end, _)| *end);
        let end = before.saturating_add(count);
        if self.column_styles.len() < MAX_COLUMNS {
            self.column_styles.push((end, style));
            if is_hidden {
                self.state.hidden_columns.push((before + 1, end));
            }
        }
    }

    /// Reads what comes behind the sheet: only there the checksum is known to be right.
    fn rest(&mut self) -> Result<(), Damage> {
        self.is_ended = true;
        while !matches!(self.xml.event(&mut self.buffer)?, Event::Eof) {}
        Ok(())
    }

    /// Reads the areas of merged cells.
    pub(in crate::feed::sheet) fn merged_areas(mut self) -> Result<Areas, Damage> {
        let mut batch = SheetBatch::default();
        loop {
            batch.clear();
            // An area is known where its first row is, which need not be read again.
            self.again = 0;
            match self.next_row(&mut batch) {
                Ok(true) => {}
                Ok(false) => return Ok(self.state.merged),
                Err(NoRow::Damaged(source)) => return Err(source),
                Err(NoRow::TooLong) => return Err(Damage::Unexpected("a row of many megabytes")),
            }
        }
    }

    /// Appends the cells of a row that has begun; false if all are empty.
    fn cells(&mut self, batch: &mut SheetBatch) -> Result<bool, NoRow> {
        let depth = self.xml.depth();
        let row = self.next;
        self.next = self.next.saturating_add(self.row.repeated);
        let (first_cell, mut begun) = (batch.cells.len(), batch.begin());
        let mut next = 0_u32;
        loop {
            let outer = self.xml.depth();
            match self.xml.event(&mut self.buffer)? {
                Event::Start(element) => match xml::local(element.name()) {
                    "table-cell" | "covered-table-cell" => self.content.begin(&element, self.book),
                    _ => continue,
                },
                Event::End(_) if outer == depth => break,
                Event::Eof => return Err(Damage::Unexpected("a row without an end").into()),
                _ => continue,
            }
            self.shown()?;
            let first = next;
            next = next.saturating_add(self.content.repeated);
            self.merge(first, row)?;
            let style = self.style(first);
            for column in first..next {
                let within = u16::try_from(column)
                    .ok()
                    .filter(|column| usize::from(*column) < MAX_COLUMNS);
                let Some(column) = within else { break };
                let Some(value) = self.content.value(self.book, style, &mut batch.text) else {
                    break;
                };
                if !batch.push(&mut begun, column, value) {
                    self.state.row = Some(RowNumber::new(row));
                    return Err(NoRow::TooLong);
                }
                if column > 0 && u32::from(column) > first {
                    self.count_repeated(1)?;
                }
            }
        }
        if !batch.end(&begun, RowNumber::new(row)) {
            return Ok(false);
        }
        let last = row.saturating_add(self.row.repeated - 1);
        if last > MAX_ROWS {
            return Err(Damage::Unexpected("rows beyond the last one of a sheet").into());
        }
        self.state.follow(RowNumber::new(row))?;
        self.state.is_hidden = self.row.is_hidden;
        self.again = last - row;
        if self.again > 0 {
            let cells = batch.cells.get(first_cell..).unwrap_or_default();
            self.count_repeated(cells.len().saturating_mul(self.again as usize))?;
            self.keep(first_cell, batch);
        }
        Ok(true)
    }

    /// Keeps the area of a cell that goes over several rows.
    fn merge(&mut self, column: u32, first_row: u32) -> Result<(), Damage> {
        match u16::try_from(column) {
            Ok(column) if self.content.rows > 1 => self.state.merged.add(Area {
                column,
                first_row,
                last_row: first_row.saturating_add(self.content.rows - 1),
            }),
            _ => Ok(()),
        }
    }

    /// The style of the cell that was read, which is in this column.
    fn style(&self, column: u32) -> u16 {
        let of_column = || {
            let mut styles = self.column_styles.iter();
            styles.find(|(end, _)| column < *end).map(|(_, it)| *it)
        };
        let style = self.content.style.or(self.row.style);
        style.or_else(of_column).unwrap_or(0)
    }

    /// Counts cells that are written once for several.
    fn count_repeated(&mut self, cells: usize) -> Result<(), Damage> {
        let left = self.repeats_left.checked_sub(cells);
        self.repeats_left = left.ok_or(Damage::Unexpected("millions of cells that repeat"))?;
        Ok(())
    }

    /// Keeps the row whose cells begin there.
    fn keep(&mut self, first_cell: usize, batch: &SheetBatch) {
        let (cells, text) = &mut self.last;
        cells.clear();
        text.clear();
        for cell in batch.cells.get(first_cell..).unwrap_or_default() {
            let start = text.len();
            let piece = cell.value.range().and_then(|it| batch.text.get(it));
            text.push_str(piece.unwrap_or_default());
            cells.push(SheetCell {
                column: cell.column,
                value: cell.value.moved(start..text.len()),
            });
        }
    }

    /// Appends the last row once more.
    fn repeat(&mut self, batch: &mut SheetBatch) -> Result<(), Damage> {
        let (cells, text) = &self.last;
        let at = batch.text.len();
        batch.text.push_str(text);
        for cell in cells {
            let place = cell.value.range();
            let place = place.map_or(0..0, |it| it.start + at..it.end + at);
            batch.cells.push(SheetCell {
                column: cell.column,
                value: cell.value.moved(place),
            });
        }
        let row = RowNumber::new(self.state.row.map_or(1, |row| row.row().saturating_add(1)));
        batch.rows.push((row, batch.cells.len()));
        self.state.follow(row)
    }

    /// Reads what a cell shows, up to its end; comments and drawings are not part of it.
    fn shown(&mut self) -> Result<(), Damage> {
        let depth = self.xml.depth();
        let shown = &mut self.content.shown;
        // The paragraph, and what is none of its text.
        let (mut is_text, mut within) = (false, None);
        loop {
            let outer = self.xml.depth();
            match self.xml.event(&mut self.buffer)? {
                Event::Start(element) if within.is_none() => match xml::local(element.name()) {
                    "p" if outer == depth => {
                        shown.begin();
                        is_text = true;
                    }
                    _ if outer == depth => within = Some(outer + 1),
                    "annotation" | "frame" | "note" | "ruby-text" => within = Some(outer + 1),
                    "s" => {
                        let spaces = xml::attribute(&element, "c").and_then(|it| it.parse().ok());
                        shown.spaces(spaces.unwrap_or(1));
                    }
                    "tab" => shown.sign('\t'),
                    "line-break" => shown.sign('\n'),
                    _ => {}
                },
                Event::End(_) if outer == depth => return Ok(()),
                Event::End(_) if within == Some(outer) => within = None,
                Event::End(_) if outer == depth + 1 => {
                    shown.end();
                    is_text = false;
                }
                _ if !is_text || within.is_some() => {}
                Event::Text(piece) => shown.push(&piece.xml10_content()),
                Event::CData(piece) => shown.push(&piece.xml10_content()),
                Event::GeneralRef(piece) => {
                    let mut text = String::new();
                    xml::push_reference(&piece, &mut text)?;
                    shown.push(&text);
                }
                _ => {}
            }
            if shown.len() > MAX_ROW_TEXT {
                return Err(Damage::TooLong);
            }
        }
    }
}

/// How many columns an element stands for, whether they are hidden, and the style of their
/// cells.
fn column(element: &BytesStart<'_>, book: &Book) -> (u32, bool, u16) {
    let (mut count, mut is_hidden, mut style) = (1, false, 0);
    xml::attributes(element, |name, value| match name {
        "number-columns-repeated" => count = at_least_one(value),
        "visibility" => is_hidden = value != "visible",
        "default-cell-style-name" => style = style_of(value, book).unwrap_or(0),
        _ => {}
    });
    (count, is_hidden, style)
}

/// The number of the style with this name.
fn style_of(name: &str, book: &Book) -> Option<u16> {
    book.style_names.get(name).copied()
}

fn at_least_one(value: &str) -> u32 {
    value.trim().parse().unwrap_or(1).max(1)
}

impl RowStyle {
    fn of(element: &BytesStart<'_>, book: &Book) -> Self {
        let mut row = Self {
            repeated: 1,
            ..Self::default()
        };
        xml::attributes(element, |name, value| match name {
            "number-rows-repeated" => row.repeated = at_least_one(value),
            "visibility" => row.is_hidden = value != "visible",
            "default-cell-style-name" => row.style = style_of(value, book),
            _ => {}
        });
        row
    }
}

impl Content {
    fn begin(&mut self, element: &BytesStart<'_>, book: &Book) {
        (self.kind, self.value, self.style) = (Kind::None, None, None);
        (self.formula, self.repeated, self.rows) = (Formula::None, 1, 1);
        self.shown.clear();
        xml::attributes(element, |name, value| match name {
            // LibreOffice says in another one of the same name that it is an error.
            "value-type" if value == "error" => self.kind = Kind::Error,
            "value-type" if self.kind == Kind::None => {
                self.kind = match value {
                    "float" | "currency" => Kind::Number,
                    "percentage" => Kind::Percentage,
                    "date" => Kind::Date,
                    "time" => Kind::Time,
                    "boolean" => Kind::Bool,
                    _ => Kind::Text,
                }
            }
            "value" | "date-value" | "time-value" | "boolean-value" | "string-value" => {
                self.value = Some(xml::unescaped(value));
            }
            "style-name" => self.style = style_of(value, book),
            "formula" => self.formula = Formula::of(&xml::unescaped(value)),
            "number-columns-repeated" => self.repeated = at_least_one(value),
            "number-rows-spanned" => self.rows = at_least_one(value),
            _ => {}
        });
    }

    fn is_formula(&self) -> bool {
        self.formula != Formula::None
    }

    /// Puts what the cell holds into the text of a batch; `None` if it is empty.
    fn value(&self, book: &Book, style: u16, batch: &mut String) -> Option<Value> {
        let start = batch.len();
        let given = self.value.as_deref().unwrap_or_default();
        let is_shown = !self.shown.is_none();
        if self.is_formula() && !is_shown && self.value.is_none() && self.kind != Kind::Error {
            return Some(Value::text(start..start, CellKind::Uncalculated));
        }
        let kind = match self.kind {
            Kind::Error => cell::push_error(self.shown.text.trim(), batch),
            Kind::Number | Kind::Percentage => {
                if let Some(value) = cell::number(given) {
                    return Some(self.number(value, book, style, batch));
                }
                let is_given = !given.is_empty();
                batch.push_str(if is_given { given } else { &self.shown.text });
                CellKind::Text
            }
            Kind::Date => {
                let date = whole_seconds(given);
                match time_of_day_zero(&date, book) {
                    // There is no such day: the formula refers to an empty cell.
                    Some("00:00:00") if self.is_formula() => {
                        batch.push('0');
                        CellKind::ZeroForNothing
                    }
                    Some(time) => {
                        batch.push_str(time);
                        CellKind::Text
                    }
                    None => text::iso_date(&date, batch),
                }
            }
            Kind::Time => match (days(given), book.formats.get(usize::from(style))) {
                (Some(days), Some(CellFormat::Time | CellFormat::Duration)) => {
                    return Some(book.number(days, usize::from(style), self.formula, batch));
                }
                (Some(days), _) => text::duration(days, batch),
                (None, _) => {
                    batch.push_str(given);
                    CellKind::Text
                }
            },
            Kind::Bool => cell::push_bool(given == "true", batch),
            Kind::Text | Kind::None => {
                let text = if is_shown { &self.shown.text } else { given };
                if self.is_formula() && cell::is_error_in_text(text) {
                    cell::push_error(text, batch)
                } else if is_shown {
                    // With what its style puts around it.
                    batch.push_str(text);
                    CellKind::Text
                } else {
                    book.push_text(text, usize::from(style), batch);
                    CellKind::Text
                }
            }
        };
        let is_empty = kind == CellKind::Text && batch.len() == start;
        (!is_empty).then(|| Value::text(start..batch.len(), kind))
    }

    /// A number as its style shows it.
    fn number(&self, value: f64, book: &Book, style: u16, batch: &mut String) -> Value {
        let format = book.formats.get(usize::from(style));
        let is_plain = matches!(format, None | Some(CellFormat::Plain));
        let may_be_nothing = value == 0.0 && self.formula == Formula::Reference;
        let shown = self.shown.text.trim();
        let start = batch.len();
        let kind = if is_plain && self.is_formula() && is_truth(shown, value) {
            cell::push_bool(value != 0.0, batch)
        } else if is_plain && self.is_formula() && format::is_identifier(shown, value) {
            batch.push_str(shown);
            CellKind::Number
        } else if is_plain && self.kind == Kind::Percentage && !may_be_nothing {
            text::number(text::rounded(value * 100.0), batch);
            batch.push('%');
            CellKind::Number
        } else {
            return book.number(value, usize::from(style), self.formula, batch);
        };
        Value::text(start..batch.len(), kind)
    }
}

/// Whether a formula results in true or false, which LibreOffice writes as a number that
/// shows a word.
fn is_truth(shown: &str, value: f64) -> bool {
    let is_word = !shown.is_empty() && shown.chars().all(char::is_alphabetic);
    is_word && (value == 0.0 || (value - 1.0).abs() < f64::EPSILON)
}

/// The time of a date that is the one from which days are counted: it is none, and only
/// its time is meant.
fn time_of_day_zero<'d>(date: &'d str, book: &Book) -> Option<&'d str> {
    let zero = if book.is_1904 {
        "1904-01-01"
    } else {
        "1899-12-30"
    };
    date.strip_prefix(zero)?.strip_prefix('T')
}

/// A date with time, to the second: what is worked out is a billionth less now and then.
fn whole_seconds(given: &str) -> String {
    let rounded = given
        .parse()
        .and_then(|it: DateTime| it.round(Unit::Second));
    rounded.map_or_else(|_| given.to_owned(), |it| it.to_string())
}

/// A duration such as `PT36H00M00S`, in days.
fn days(given: &str) -> Option<f64> {
    let span: Span = given.parse().ok()?;
    let relative = SpanRelativeTo::days_are_24_hours();
    span.total((Unit::Day, relative)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_to_the_second_and_durations_are_days() {
        for (given, expected) in [
            ("2024-03-01", "2024-03-01T00:00:00"),
            ("2024-03-01T08:29:59.999999999", "2024-03-01T08:30:00"),
            ("2024-03-01T23:59:59.7", "2024-03-02T00:00:00"),
            ("12024-03-01", "12024-03-01"),
            ("", ""),
        ] {
            assert_eq!(whole_seconds(given), expected);
        }
        assert_eq!(days("PT36H00M00S"), Some(1.5));
        assert_eq!(days("-PT06H"), Some(-0.25));
        assert_eq!(days("8:30"), None);
    }
}
