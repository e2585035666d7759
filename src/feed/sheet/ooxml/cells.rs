//! The cells of a sheet of OOXML, put together to rows, whose numbers ascend.
//!
//! calamine gives up a workbook for one cell that it does not understand, and does
//! not say which rows are hidden, so the sheet is read here.

use std::collections::HashSet;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use quick_xml::events::{BytesStart, Event};

use crate::feed::CellKind;
use crate::feed::record::MAX_COLUMNS;
use crate::feed::sheet::book::Book;
use crate::feed::sheet::cell;
use crate::feed::sheet::formula::{Formula, MAX_FORMULA};
use crate::feed::sheet::merged::{Area, Areas};
use crate::feed::sheet::rows::{SheetBatch, Value};
use crate::feed::sheet::source::{MAX_ROW_TEXT, NoRow, RowState};
use crate::feed::sheet::text;
use crate::feed::sheet::xml::{self, Damage, Xml};
use crate::feed::zip::Part;
use crate::model::RowNumber;

/// The most formulas shared by several cells that are remembered.
const MAX_SHARED: usize = 1 << 16;

/// The cells of a sheet, row by row.
pub(in crate::feed::sheet) struct Cells<'b> {
    book: &'b Book,
    xml: Xml,
    buffer: Vec<u8>,
    /// What a cell holds.
    content: Content,
    /// The numbers of those formulas shared by several cells that work something out.
    calculations: HashSet<u32>,
    /// The row that began last.
    begun: u32,
    /// Whether that row has said its number.
    is_numbered: bool,
    pub(in crate::feed::sheet) state: RowState,
    is_ended: bool,
}

/// What one cell holds.
#[derive(Default)]
struct Content {
    value: String,
    inline: String,
    formula: String,
    /// The number of a formula shared by several cells, of which only the first has its text.
    shared: Option<u32>,
    has_value: bool,
    has_inline: bool,
    is_formula: bool,
}

/// Which of a cell's elements is read.
#[derive(Clone, Copy)]
enum Within {
    Value,
    Formula,
    Other,
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
    pub(in crate::feed::sheet) fn open(
        book: &'b Book,
        file: &File,
        part: &Part,
        packed: Arc<AtomicU64>,
    ) -> Result<Option<Self>, Damage> {
        let mut xml = xml::open(file, part, packed)?;
        let mut buffer = Vec::with_capacity(1024);
        let (mut said, mut hidden_columns) = (0, Vec::new());
        let mut is_sheet = None;
        loop {
            match xml.event(&mut buffer)? {
                Event::Start(element) => match xml::local(element.name()) {
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
                },
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
            calculations: HashSet::new(),
            begun: 0,
            is_numbered: false,
            state: RowState {
                said,
                hidden_columns,
                ..RowState::default()
            },
            is_ended: false,
        }))
    }

    /// Appends the next row that has cells; false at the end.
    pub(in crate::feed::sheet) fn next_row(
        &mut self,
        batch: &mut SheetBatch,
    ) -> Result<bool, NoRow> {
        while !self.is_ended {
            match self.xml.event(&mut self.buffer)? {
                Event::Start(element) if xml::local(element.name()) == "row" => {
                    let (mut number, mut is_hidden) = (None, false);
                    xml::attributes(&element, |name, value| match name {
                        "r" => number = value.trim().parse().ok().filter(|it| *it > 0),
                        "hidden" => is_hidden = xml::is_true(value),
                        _ => {}
                    });
                    self.state.is_hidden = is_hidden;
                    self.is_numbered = number.is_some();
                    self.begun = number.unwrap_or_else(|| self.begun.saturating_add(1));
                    if self.cells(batch)? {
                        return Ok(true);
                    }
                }
                Event::End(element) if xml::local(element.name()) == "sheetData" => {
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
        self.state.old_results.clear();
        let mut begun = batch.begin();
        let mut next = 0;
        loop {
            let about = match self.xml.event(&mut self.buffer)? {
                Event::Start(element) if xml::local(element.name()) == "c" => {
                    if !self.is_numbered {
                        // Some writers give the number of a row with its cells only.
                        self.begun = self.begun.max(row(&element).unwrap_or(0));
                        self.is_numbered = true;
                    }
                    About::of(&element, next)
                }
                Event::End(element) if xml::local(element.name()) == "row" => break,
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
            if self.book.has_old_results && self.content.is_formula && value.is_result() {
                self.state.old_results.push(column);
            }
            if !batch.push(&mut begun, column, value) {
                self.state.row = Some(RowNumber::new(self.begun));
                return Err(NoRow::TooLong);
            }
        }
        let row = RowNumber::new(self.begun);
        if !batch.end(&begun, row) {
            return Ok(false);
        }
        self.state.follow(row)?;
        Ok(true)
    }

    /// Reads what a cell holds, up to its end.
    fn content(&mut self) -> Result<(), NoRow> {
        let content = &mut self.content;
        content.value.clear();
        content.inline.clear();
        content.formula.clear();
        content.shared = None;
        (content.has_value, content.has_inline, content.is_formula) = (false, false, false);
        let mut within = Within::Other;
        loop {
            let mut inline = false;
            match self.xml.event(&mut self.buffer)? {
                Event::Start(element) => match xml::local(element.name()) {
                    "v" => (within, content.has_value) = (Within::Value, true),
                    "f" => {
                        (within, content.is_formula) = (Within::Formula, true);
                        let shared = xml::attribute(&element, "si");
                        content.shared = shared.and_then(|it| it.trim().parse().ok());
                    }
                    "is" => inline = true,
                    _ => {}
                },
                Event::Text(piece) => {
                    if let Some(text) = content.text(within) {
                        text.push_str(&piece.xml10_content());
                    }
                }
                Event::CData(piece) => {
                    if let Some(text) = content.text(within) {
                        text.push_str(&piece.xml10_content());
                    }
                }
                Event::GeneralRef(piece) => {
                    if let Some(text) = content.text(within) {
                        xml::push_reference(&piece, text)?;
                    }
                }
                Event::End(element) => match xml::local(element.name()) {
                    "v" | "f" => within = Within::Other,
                    "c" => break,
                    _ => {}
                },
                Event::Eof => return Err(Damage::Unexpected("a cell without an end").into()),
                _ => {}
            }
            if inline {
                content.has_inline = true;
                super::rich_text(&mut self.xml, "is", &mut self.buffer, &mut content.inline)?;
            }
            if content.value.len() + content.inline.len() > MAX_ROW_TEXT {
                self.state.row = Some(RowNumber::new(self.begun));
                return Err(NoRow::TooLong);
            }
        }
        if let Some(number) = content.shared.filter(|_| !content.formula.is_empty())
            && self.calculations.len() < MAX_SHARED
            && Formula::of(&content.formula) == Formula::Calculation
        {
            self.calculations.insert(number);
        }
        Ok(())
    }

    /// Puts what a cell holds into the batch; `None` if it is empty.
    fn value(&mut self, about: About, batch: &mut SheetBatch) -> Result<Option<Value>, Damage> {
        let content = &mut self.content;
        let text = &mut batch.text;
        let start = text.len();
        if content.is_formula && !content.has_inline && is_uncalculated(content, about.kind) {
            return Ok(Some(Value::text(start..start, CellKind::Uncalculated)));
        }
        let kind = match about.kind {
            // Its text may be in either place.
            kind if content.has_inline && (kind == Type::Inline || !content.has_value) => {
                self.book.push_text(&content.inline, about.style, text);
                CellKind::Text
            }
            Type::Error => cell::push_error(content.value.trim(), text),
            _ if content.value.is_empty() => return Ok(None),
            Type::Shared => {
                let index = content.value.trim().parse().ok();
                let shared = index.and_then(|index| self.book.strings.get(index)).ok_or(
                    Damage::Unexpected("a cell whose text is not among the shared strings"),
                )?;
                self.book.push_text(shared, about.style, text);
                CellKind::Text
            }
            Type::Text | Type::Inline => {
                xml::unescape_characters(&mut content.value, 0);
                if content.is_formula && cell::is_error_in_text(&content.value) {
                    text.push_str(&content.value);
                    CellKind::Error
                } else {
                    self.book.push_text(&content.value, about.style, text);
                    CellKind::Text
                }
            }
            Type::Bool => boolean(content.value.trim(), text),
            Type::Date => text::iso_date(content.value.trim(), text),
            Type::Number => {
                if let Some(value) = cell::number(&content.value) {
                    let formula = content.formula(&self.calculations, value);
                    return Ok(Some(self.book.number(value, about.style, formula, text)));
                }
                // Some writers do not say that a cell is text.
                text.push_str(&content.value);
                CellKind::Text
            }
        };
        let end = text.len();
        Ok((kind != CellKind::Text || end > start).then(|| Value::text(start..end, kind)))
    }

    /// Reads what comes behind the rows.
    fn rest(&mut self) -> Result<(), Damage> {
        self.is_ended = true;
        loop {
            match self.xml.event(&mut self.buffer)? {
                Event::Start(element) if xml::local(element.name()) == "mergeCell" => {
                    let area = xml::attribute(&element, "ref").unwrap_or_default();
                    if let Some(area) = Area::parse(&area) {
                        self.state.merged.add(area)?;
                    }
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Reads the areas of merged cells, and no row.
    pub(in crate::feed::sheet) fn merged_areas(mut self) -> Result<Areas, Damage> {
        loop {
            match self.xml.event(&mut self.buffer)? {
                Event::End(element) if xml::local(element.name()) == "sheetData" => {
                    self.rest()?;
                    return Ok(self.state.merged);
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

impl Content {
    /// Where the text of an element goes, if it is kept.
    fn text(&mut self, within: Within) -> Option<&mut String> {
        match within {
            Within::Value => Some(&mut self.value),
            // A longer one is not looked at.
            Within::Formula if self.formula.len() <= MAX_FORMULA => Some(&mut self.formula),
            _ => None,
        }
    }

    /// What a number is the result of.
    fn formula(&self, calculations: &HashSet<u32>, value: f64) -> Formula {
        match self.shared {
            _ if !self.is_formula => Formula::None,
            // Only of a 0 it matters.
            _ if value != 0.0 => Formula::Reference,
            Some(number) if self.formula.is_empty() && calculations.contains(&number) => {
                Formula::Calculation
            }
            _ => Formula::of(&self.formula),
        }
    }
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

fn boolean(value: &str, text: &mut String) -> CellKind {
    let is_true = value == "1" || value.eq_ignore_ascii_case("true");
    if is_true || value == "0" || value.eq_ignore_ascii_case("false") {
        return cell::push_bool(is_true, text);
    }
    cell::push_error(value, text)
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
}
