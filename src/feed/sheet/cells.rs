//! The cells of a sheet of OOXML, put together to rows, whose numbers ascend.
//!
//! calamine gives up a workbook for one cell that it does not understand, and does
//! not say which rows are hidden, so the sheet is read here.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use calamine::{ExcelDateTime, ExcelDateTimeType};
use quick_xml::events::{BytesStart, Event};

use super::book::{self, Book, Sheet};
use super::format::CellFormat;
use super::merged::{Area, Areas};
use super::rows::{SheetBatch, SheetCell, Value};
use super::text;
use super::xml::{self, Damage, Xml};
use crate::feed::CellKind;
use crate::feed::record::MAX_COLUMNS;
use crate::model::RowNumber;

/// The most text of one row, as in a CSV file.
pub(super) const MAX_ROW_TEXT: usize = 16 << 20;
/// No error of a spreadsheet has a longer name.
const MAX_ERROR: usize = 24;

/// The cells of a sheet, row by row.
pub(super) struct Cells<'b> {
    book: &'b Book,
    xml: Xml,
    buffer: Vec<u8>,
    /// What a cell holds.
    content: Content,
    /// The row that began last.
    begun: u32,
    /// Whether that row has said its number.
    is_numbered: bool,
    /// The row that was read last.
    pub(super) row: Option<RowNumber>,
    /// The last row that the sheet says it has.
    pub(super) said: u32,
    /// The columns that are hidden, each range from its first to its last.
    pub(super) hidden_columns: Vec<(u32, u32)>,
    /// Whether the row that was read last is hidden.
    pub(super) is_hidden: bool,
    /// The areas of merged cells; all of them are known at the end.
    pub(super) merged: Areas,
    is_ended: bool,
}

/// Why there is no next row.
pub(super) enum NoRow {
    Damaged(Damage),
    TooLong,
}

impl<E: Into<Damage>> From<E> for NoRow {
    fn from(error: E) -> Self {
        Self::Damaged(error.into())
    }
}

/// What one cell holds.
#[derive(Default)]
struct Content {
    value: String,
    inline: String,
    has_value: bool,
    has_inline: bool,
    is_formula: bool,
}

/// What a cell says of itself.
#[derive(Clone, Copy, Default)]
struct About {
    column: u32,
    style: usize,
    kind: Type,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Type {
    #[default]
    Number,
    Shared,
    Inline,
    Text,
    Bool,
    Error,
    Date,
}

impl<'b> Cells<'b> {
    /// Begins to read a sheet; `None` if it is one that has no rows, such as a chart.
    pub(super) fn open(
        book: &'b Book,
        file: &File,
        sheet: &Sheet,
        packed: Arc<AtomicU64>,
    ) -> Result<Option<Self>, Damage> {
        let mut xml = xml::open(file, sheet.part()?, packed)?;
        let mut buffer = Vec::with_capacity(1024);
        let (mut said, mut hidden_columns) = (0, Vec::new());
        let mut is_sheet = None;
        loop {
            match xml.event(&mut buffer)? {
                Event::Start(element) => {
                    let name = element.local_name();
                    match name.as_ref() {
                        "sheetData" => break,
                        "dimension" => {
                            let area = xml::attribute(&element, "ref").unwrap_or_default();
                            said = Area::parse(&area).map_or(0, |area| area.last_row);
                        }
                        "col" if hidden_columns.len() < MAX_COLUMNS => {
                            hidden_columns.extend(hidden_range(&element));
                        }
                        name => {
                            is_sheet.get_or_insert(name == "worksheet");
                        }
                    }
                }
                Event::Eof if is_sheet == Some(false) => return Ok(None),
                Event::Eof => return Err(Damage::Unexpected("a sheet without rows")),
                _ => {}
            }
        }
        Ok(Some(Self {
            book,
            xml,
            buffer,
            content: Content::default(),
            begun: 0,
            is_numbered: false,
            row: None,
            said,
            hidden_columns,
            is_hidden: false,
            merged: Areas::default(),
            is_ended: false,
        }))
    }

    /// Appends the next row that has cells; false at the end.
    pub(super) fn next_row(&mut self, batch: &mut SheetBatch) -> Result<bool, NoRow> {
        while !self.is_ended {
            match self.xml.event(&mut self.buffer)? {
                Event::Start(element) if element.local_name().as_ref() == "row" => {
                    let (mut number, mut is_hidden) = (None, false);
                    xml::attributes(&element, |name, value| match name {
                        "r" => number = value.trim().parse().ok().filter(|it| *it > 0),
                        "hidden" => is_hidden = xml::is_true(value),
                        _ => {}
                    });
                    self.is_hidden = is_hidden;
                    self.is_numbered = number.is_some();
                    self.begun = number.unwrap_or_else(|| self.begun.saturating_add(1));
                    if self.cells(batch)? {
                        return Ok(true);
                    }
                }
                Event::End(element) if element.local_name().as_ref() == "sheetData" => {
                    self.rest()?;
                }
                Event::Eof => return Err(Damage::Unexpected("rows without an end").into()),
                _ => {}
            }
        }
        Ok(false)
    }

    /// Appends the cells of a row that has begun; false if all are empty.
    fn cells(&mut self, batch: &mut SheetBatch) -> Result<bool, NoRow> {
        let (start, text) = (batch.cells.len(), batch.text.len());
        let (mut next, mut in_order) = (0, true);
        loop {
            let about = match self.xml.event(&mut self.buffer)? {
                Event::Start(element) if element.local_name().as_ref() == "c" => {
                    if !self.is_numbered {
                        // Some writers give the number of a row with its cells only.
                        self.begun = self.begun.max(row(&element).unwrap_or(0));
                        self.is_numbered = true;
                    }
                    About::of(&element, next)
                }
                Event::End(element) if element.local_name().as_ref() == "row" => break,
                Event::Eof => return Err(Damage::Unexpected("a row without an end").into()),
                _ => continue,
            };
            next = about.column.saturating_add(1);
            self.content()?;
            let Ok(column) = u16::try_from(about.column) else {
                continue;
            };
            if about.column as usize >= MAX_COLUMNS {
                continue;
            }
            let Some(value) = self.value(about, batch)? else {
                continue;
            };
            if let Some(before) = batch.cells.get(start..).and_then(<[_]>::last) {
                in_order &= before.column < column;
            }
            batch.cells.push(SheetCell { column, value });
            // Out of order, the same columns can come again and again.
            let cells = batch.cells.len() - start;
            if batch.text.len() - text > MAX_ROW_TEXT || cells > 2 * MAX_COLUMNS {
                self.row = Some(RowNumber(self.begun));
                return Err(NoRow::TooLong);
            }
        }
        if batch.cells.len() == start {
            return Ok(false);
        }
        let row = RowNumber(self.begun);
        // The number identifies a row: its outcome is looked up by it. Excel, too,
        // takes such a file for damaged.
        if self.row.is_some_and(|before| before >= row) {
            return Err(Damage::Unexpected("rows that are out of order").into());
        }
        if !in_order {
            // No spreadsheet writes this; of two cells in one place the later counts.
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

    /// Reads what a cell holds, up to its end.
    fn content(&mut self) -> Result<(), NoRow> {
        let content = &mut self.content;
        content.value.clear();
        content.inline.clear();
        (content.has_value, content.has_inline, content.is_formula) = (false, false, false);
        let mut is_value = false;
        loop {
            let mut inline = false;
            match self.xml.event(&mut self.buffer)? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "v" => (is_value, content.has_value) = (true, true),
                    "f" => content.is_formula = true,
                    "is" => inline = true,
                    _ => {}
                },
                Event::Text(piece) if is_value => content.value.push_str(&piece.xml10_content()),
                Event::CData(piece) if is_value => content.value.push_str(&piece.xml10_content()),
                Event::GeneralRef(piece) if is_value => {
                    xml::push_reference(&piece, &mut content.value)?;
                }
                Event::End(element) => match element.local_name().as_ref() {
                    "v" => is_value = false,
                    "c" => return Ok(()),
                    _ => {}
                },
                Event::Eof => return Err(Damage::Unexpected("a cell without an end").into()),
                _ => {}
            }
            if inline {
                content.has_inline = true;
                book::rich_text(&mut self.xml, "is", &mut self.buffer, &mut content.inline)?;
            }
            if content.value.len() + content.inline.len() > MAX_ROW_TEXT {
                self.row = Some(RowNumber(self.begun));
                return Err(NoRow::TooLong);
            }
        }
    }

    /// Puts what a cell holds into the batch; `None` if it is empty.
    fn value(&mut self, about: About, batch: &mut SheetBatch) -> Result<Option<Value>, Damage> {
        let content = &mut self.content;
        let text = &mut batch.text;
        let start = text.len();
        let format = self.book.formats.get(about.style);
        if content.is_formula && !content.has_inline && is_uncalculated(content, about.kind) {
            return Ok(Some(Value::text(start..start, CellKind::Uncalculated)));
        }
        let kind = match about.kind {
            // Its text may be in either place.
            kind if content.has_inline && (kind == Type::Inline || !content.has_value) => {
                push_text(&content.inline, format, text);
                CellKind::Text
            }
            Type::Error => push_error(content.value.trim(), text),
            _ if content.value.is_empty() => return Ok(None),
            Type::Shared => {
                let index = content.value.trim().parse().ok();
                let shared = index.and_then(|index| self.book.strings.get(index)).ok_or(
                    Damage::Unexpected("a cell whose text is not among the shared strings"),
                )?;
                push_text(shared, format, text);
                CellKind::Text
            }
            Type::Text | Type::Inline => {
                xml::unescape_characters(&mut content.value, 0);
                if content.is_formula && is_error_in_text(&content.value) {
                    text.push_str(&content.value);
                    CellKind::Error
                } else {
                    push_text(&content.value, format, text);
                    CellKind::Text
                }
            }
            Type::Bool => push_bool(content.value.trim(), text),
            Type::Date => text::iso_date(content.value.trim(), text),
            Type::Number => {
                if let Some(value) = number(&content.value) {
                    return Ok(Some(self.number(value, about.style, text)));
                }
                // Some writers do not say that a cell is text.
                text.push_str(&content.value);
                CellKind::Text
            }
        };
        let end = text.len();
        Ok((kind != CellKind::Text || end > start).then(|| Value::text(start..end, kind)))
    }

    /// A number as its style shows it.
    fn number(&self, value: f64, style: usize, text: &mut String) -> Value {
        let start = text.len();
        let is_zero_of_formula = self.content.is_formula && value == 0.0;
        let kind = match self.book.formats.get(style) {
            Some(CellFormat::Date | CellFormat::Time | CellFormat::Duration)
                if is_zero_of_formula && self.book.is_calculated_later =>
            {
                return Value::text(start..start, CellKind::Uncalculated);
            }
            // There is no such day: the formula refers to an empty cell.
            Some(CellFormat::Date) if is_zero_of_formula => {
                text.push('0');
                return Value::text(start..text.len(), CellKind::ZeroForNothing);
            }
            Some(CellFormat::Date | CellFormat::Time) => ExcelDateTimeType::DateTime,
            Some(CellFormat::Duration) => ExcelDateTimeType::TimeDelta,
            _ => {
                let style = u16::try_from(style).unwrap_or(u16::MAX);
                return if is_zero_of_formula {
                    Value::ZeroOfFormula { style }
                } else {
                    Value::Number { value, style }
                };
            }
        };
        let days = ExcelDateTime::new(value, kind, self.book.is_1904);
        let kind = text::date(&days, text);
        Value::text(start..text.len(), kind)
    }

    /// Reads what comes behind the rows.
    fn rest(&mut self) -> Result<(), Damage> {
        self.is_ended = true;
        loop {
            match self.xml.event(&mut self.buffer)? {
                Event::Start(element) if element.local_name().as_ref() == "mergeCell" => {
                    let area = xml::attribute(&element, "ref").unwrap_or_default();
                    if let Some(area) = Area::parse(&area) {
                        self.merged.add(area)?;
                    }
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Reads the areas of merged cells, and no row.
    pub(super) fn merged_areas(mut self) -> Result<Areas, Damage> {
        loop {
            match self.xml.event(&mut self.buffer)? {
                Event::End(element) if element.local_name().as_ref() == "sheetData" => {
                    self.rest()?;
                    return Ok(self.merged);
                }
                Event::Eof => return Err(Damage::Unexpected("rows without an end")),
                _ => {}
            }
        }
    }
}

/// The columns that an element hides, if it does.
fn hidden_range(element: &BytesStart<'_>) -> Option<(u32, u32)> {
    let (mut first, mut last, mut is_hidden) = (None, None, false);
    xml::attributes(element, |name, value| match name {
        "min" => first = value.parse().ok(),
        "max" => last = value.parse().ok(),
        "hidden" => is_hidden = xml::is_true(value),
        _ => {}
    });
    is_hidden.then_some((first?, last?))
}

impl About {
    /// What a cell says of itself; `next` is its column unless it names one.
    fn of(element: &BytesStart<'_>, next: u32) -> Self {
        let mut about = Self {
            column: next,
            ..Self::default()
        };
        xml::attributes(element, |name, value| match name {
            "r" => about.column = column(value).unwrap_or(next),
            "s" => about.style = value.parse().unwrap_or(0),
            "t" => {
                about.kind = match value {
                    "s" => Type::Shared,
                    "inlineStr" | "is" => Type::Inline,
                    "str" => Type::Text,
                    "b" => Type::Bool,
                    "e" => Type::Error,
                    "d" => Type::Date,
                    _ => Type::Number,
                }
            }
            _ => {}
        });
        about
    }
}

/// The column of a reference such as `B7`, counted from 0. A reference that is none
/// counts as absent, as it does to Excel.
fn column(reference: &str) -> Option<u32> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let mut column = 0_u32;
    for letter in letters {
        let letter = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column = column.saturating_mul(26).saturating_add(letter);
    }
    column.checked_sub(1)
}

/// The row of a cell that says which it is.
fn row(cell: &BytesStart<'_>) -> Option<u32> {
    let reference = xml::attribute(cell, "r")?.replace('$', "");
    let digits = reference.trim_start_matches(|it: char| it.is_ascii_alphabetic());
    let is_reference = digits.len() < reference.len();
    digits.parse().ok().filter(|_| is_reference)
}

/// Whether a formula has no result in the file. An empty text is one.
fn is_uncalculated(content: &Content, kind: Type) -> bool {
    match kind {
        Type::Text | Type::Shared => !content.has_value,
        _ => content.value.trim().is_empty(),
    }
}

/// A number as workbooks write it, which `inf` and `nan` are not.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let may_be = |first: &u8| first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.');
    let is_finite = |value: &f64| value.is_finite();
    text.as_bytes().first().filter(|first| may_be(first))?;
    text.parse().ok().filter(is_finite)
}

fn push_text(cell: &str, format: Option<&CellFormat>, text: &mut String) {
    match format.and_then(CellFormat::around_text) {
        Some((before, behind)) if !cell.is_empty() => {
            text.push_str(before);
            text.push_str(cell);
            text.push_str(behind);
        }
        _ => text.push_str(cell),
    }
}

fn push_bool(cell: &str, text: &mut String) -> CellKind {
    let is_true = cell == "1" || cell.eq_ignore_ascii_case("true");
    if is_true || cell == "0" || cell.eq_ignore_ascii_case("false") {
        text.push_str(if is_true { "true" } else { "false" });
        return CellKind::Bool;
    }
    push_error(cell, text)
}

/// The name of an error is shown to people, so it must not be anything else.
fn push_error(cell: &str, text: &mut String) -> CellKind {
    text.push_str(if is_error(cell) { cell } else { "#ERROR!" });
    CellKind::Error
}

/// Whether the text that a formula results in is an error, and no word that begins so,
/// such as `#HR`.
fn is_error_in_text(text: &str) -> bool {
    let is_no_word = text.ends_with(['!', '?']) || text.starts_with("Err:");
    is_error(text) && (is_no_word || text == "#N/A" || text == "#GETTING_DATA")
}

/// Whether a text is the name of an error: `#SPILL!`, `#N/A`, `Err:508`.
fn is_error(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_letter = |it: u8| it.is_ascii_uppercase() || matches!(it, b'_' | b'/' | b'0');
        let word = name.strip_suffix(['!', '?']).unwrap_or(name);
        word.len() >= 2 && word.bytes().all(is_letter)
    };
    let is_number = |code: &str| !code.is_empty() && code.bytes().all(|it| it.is_ascii_digit());
    text.len() <= MAX_ERROR
        && (text.strip_prefix('#').is_some_and(is_name)
            || text.strip_prefix("Err:").is_some_and(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_its_column_or_counts_as_absent() {
        for (reference, expected) in [
            ("A1", Some(0)),
            ("aa10", Some(26)),
            ("XFD1", Some(16_383)),
            ("A:1", Some(0)),
            ("B", Some(1)),
            ("0", None),
            ("12", None),
            ("", None),
            ("$C$4", None),
            ("ZZZZZZZZZZ1", Some(u32::MAX - 1)),
        ] {
            assert_eq!(column(reference), expected, "{reference}");
        }
    }

    #[test]
    fn errors_are_known_by_their_form() {
        for name in [
            "#N/A",
            "#REF!",
            "#DIV/0!",
            "#NAME?",
            "#NULL!",
            "#NUM!",
            "#VALUE!",
            "#SPILL!",
            "#CALC!",
            "#FIELD!",
            "#BLOCKED!",
            "#GETTING_DATA",
            "#ERROR!",
            "Err:508",
        ] {
            assert!(is_error(name), "{name}");
        }
        for text in [
            "", "#", "#1", "# 12", "#Ann", "Err:", "Err:x", "Error", "#A",
        ] {
            assert!(!is_error(text), "{text}");
        }
    }
}
