//! Rows of a feed as a workbook. A text is a text, so that no formula runs and no ID loses
//! its zeros; numbers and dates of a workbook stay what they are.

use rust_xlsxwriter::{Color, ExcelDateTime, Format, FormatAlign, Note, Workbook, Worksheet};

use super::feed_copy::{CopyCell, CopyError, CopyRow};
use crate::feed::CellKind;
use crate::model::corrections::{defused, kept_apart};

/// How the workbook is laid out.
#[derive(Clone, Copy, Debug)]
pub struct XlsxLayout<'a> {
    /// The sheet's name.
    pub sheet: &'a str,
    /// The feed is a text file: what somebody types into a cell stays as it is typed.
    pub is_text: bool,
}

/// Rows as a workbook.
pub struct XlsxCopy {
    book: Workbook,
    is_text: bool,
    columns: u16,
    added: u16,
    rows: u32,
}

impl std::fmt::Debug for XlsxCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XlsxCopy")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// What goes into a cell.
enum Written<'a> {
    Nothing,
    Text(&'a str),
    Number(f64),
    Date(ExcelDateTime),
    Bool(bool),
}

impl XlsxCopy {
    /// About as many characters as a cell shows of what is said of a row.
    const NOTE_WIDTH: f64 = 60.0;
    /// The same of a column of the feed.
    const WIDTH: f64 = 16.0;
    /// What marks a cell that is wrong.
    const WRONG: Color = Color::RGB(0x00FF_C7CE);
    /// What marks the columns that are not the feed's.
    const ADDED: Color = Color::RGB(0x00FF_F2CC);
    /// A comment has no more characters than this; the column beside has them all.
    const MAX_COMMENT: usize = 1_000;

    /// Begins a workbook with the header: the feed's columns, and those that are added.
    pub fn new(
        layout: XlsxLayout<'_>,
        columns: &[String],
        added: &[&str],
    ) -> Result<Self, CopyError> {
        let mut book = Workbook::new();
        let head = Format::new().set_bold();
        let head_of_added = head.clone().set_background_color(Self::ADDED);
        let (own, all) = (column(columns.len())?, column(columns.len() + added.len())?);
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(layout.sheet)?;
        sheet.set_freeze_panes(1, 0)?;
        for at in 0..all {
            let width = if at < own {
                Self::WIDTH
            } else {
                Self::NOTE_WIDTH
            };
            sheet.set_column_width(at, width)?;
        }
        for (at, name) in (0..).zip(columns) {
            sheet.write_string_with_format(0, at, &*kept_apart(name), &head)?;
        }
        for (at, name) in (own..).zip(added) {
            sheet.write_string_with_format(0, at, *name, &head_of_added)?;
        }
        Ok(Self {
            book,
            is_text: layout.is_text,
            columns: own,
            added: all - own,
            rows: 1,
        })
    }

    /// Writes one row.
    pub fn write(&mut self, row: &CopyRow<'_>) -> Result<(), CopyError> {
        let (is_text, number) = (self.is_text, self.rows);
        let sheet = self.book.worksheet_from_index(0)?;
        let (own, beyond) = row
            .cells
            .split_at(usize::from(self.columns).min(row.cells.len()));
        // What is wrong and what to do, and not where the row was.
        let notes = row.notes.get(..2).unwrap_or(row.notes).join("\n");
        let comment: String = notes.chars().take(Self::MAX_COMMENT).collect();
        for (at, cell) in (0..).zip(own) {
            let is_wrong = row.wrong.contains(&usize::from(at));
            write_cell(sheet, (number, at), cell, (is_text, is_wrong))?;
            if is_wrong {
                let note = Note::new(&comment).add_author_prefix(false);
                sheet.insert_note(number, at, &note)?;
            }
        }
        let wrapped = Format::new()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_background_color(Self::ADDED);
        for (at, note) in (self.columns..).zip(row.notes) {
            sheet.write_string_with_format(number, at, &*kept_apart(note), &wrapped)?;
        }
        let behind = usize::from(self.columns) + usize::from(self.added);
        for (at, cell) in (behind..).zip(beyond) {
            write_cell(sheet, (number, column(at)?), cell, (is_text, true))?;
        }
        self.rows += 1;
        Ok(())
    }

    /// The workbook's bytes.
    pub fn finish(mut self) -> Result<Vec<u8>, CopyError> {
        let last = (self.columns + self.added).saturating_sub(1);
        let sheet = self.book.worksheet_from_index(0)?;
        sheet.autofilter(0, 0, self.rows - 1, last)?;
        Ok(self.book.save_to_buffer()?)
    }
}

/// Writes a cell; where the feed is a text file, as a text.
fn write_cell(
    sheet: &mut Worksheet,
    (row, at): (u32, u16),
    cell: &CopyCell,
    (is_text, is_wrong): (bool, bool),
) -> Result<(), CopyError> {
    let (written, code) = written(cell, is_text);
    let mut format = Format::new();
    if is_wrong {
        format = format.set_background_color(XlsxCopy::WRONG);
    }
    if let Some(code) = &code {
        format = format.set_num_format(code);
    }
    if matches!(&written, Written::Text(text) if defused(text) != *text) {
        // Edited, it stays a text.
        format = format.set_quote_prefix();
    }
    let is_plain = code.is_none() && !is_wrong;
    match written {
        Written::Nothing if is_plain => {}
        Written::Nothing => drop(sheet.write_blank(row, at, &format)?),
        Written::Text(text) => {
            sheet.write_string_with_format(row, at, &*kept_apart(text), &format)?;
        }
        Written::Number(value) => {
            sheet.write_number_with_format(row, at, value, &format)?;
        }
        Written::Date(date) => {
            sheet.write_datetime_with_format(row, at, date, &format)?;
        }
        Written::Bool(value) => {
            sheet.write_boolean_with_format(row, at, value, &format)?;
        }
    }
    Ok(())
}

/// What goes into a cell, and the code of its number format.
fn written(cell: &CopyCell, is_text: bool) -> (Written<'_>, Option<String>) {
    let text = cell.text.as_str();
    let typed = match cell.kind {
        CellKind::Number | CellKind::Shortened | CellKind::ZeroOfReference => {
            number(text, cell.kind)
        }
        CellKind::Date => date(text),
        CellKind::Time => time(text),
        CellKind::Bool => match text {
            "true" => Some((Written::Bool(true), None)),
            "false" => Some((Written::Bool(false), None)),
            _ => None,
        },
        _ => None,
    };
    typed.unwrap_or_else(|| {
        // Typed again into a cell without that format, `007` would become 7.
        let is_like_number = text.starts_with(|it: char| it.is_ascii_digit() || it == '+');
        let code = (is_text || is_like_number).then(|| "@".to_owned());
        match text {
            "" => (Written::Nothing, code),
            text => (Written::Text(text), code),
        }
    })
}

type Typed<'a> = Option<(Written<'a>, Option<String>)>;

/// A number that reads again as its text does.
fn number<'a>(text: &str, kind: CellKind) -> Typed<'a> {
    /// The most digits that a number of a spreadsheet has.
    const MAX_DIGITS: usize = 15;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let value: f64 = text.parse().ok()?;
    if kind == CellKind::Shortened {
        return Some((Written::Number(value), Some("0E+00".into())));
    }
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if are_digits && digits.len() <= MAX_DIGITS && digits.len() > 1 && digits.starts_with('0') {
        let is_positive = digits.len() == text.len();
        return is_positive.then(|| (Written::Number(value), Some("0".repeat(digits.len()))));
    }
    let is_scientific = || {
        let (mantissa, exponent) = digits
            .split_once("E+")
            .or_else(|| digits.split_once("E-"))?;
        let is_number = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        (is_number(mantissa) && is_number(exponent)).then_some(())
    };
    let is_same = format!("{value}") == text || is_scientific().is_some();
    is_same.then_some((Written::Number(value), None))
}

/// A date `2024-03-01`, with `T08:30:00` behind it if there is a time.
fn date<'a>(text: &str) -> Typed<'a> {
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    // Before that, days of spreadsheets are not those of calendars.
    let is_safe = day.len() == "2024-03-01".len() && day > "1900-03-01";
    let mut parts = day.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let [month, day] = [parts.next()?, parts.next()?].map(|part| part.parse().ok());
    let date = ExcelDateTime::from_ymd(year, month?, day?).ok()?;
    let (date, code) = match time {
        None => (date, "yyyy-mm-dd"),
        Some(time) => {
            let [hour, minute, second] = clock(time)?;
            let date = date
                .and_hms(hour, u8::try_from(minute).ok()?, second)
                .ok()?;
            (date, "yyyy-mm-dd hh:mm:ss")
        }
    };
    is_safe.then_some((Written::Date(date), Some(code.into())))
}

/// A time of day or a duration, `08:30:00`.
fn time<'a>(text: &str) -> Typed<'a> {
    let [hours, minutes, seconds] = clock(text)?;
    let days =
        (f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + f64::from(seconds)) / 86_400.0;
    let code = if hours < 24 { "hh:mm:ss" } else { "[h]:mm:ss" };
    Some((Written::Number(days), Some(code.into())))
}

/// Hours, minutes and seconds.
fn clock(text: &str) -> Option<[u16; 3]> {
    let mut parts = text.splitn(3, ':').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

fn column(at: usize) -> Result<u16, CopyError> {
    u16::try_from(at).map_err(|_| CopyError::TooLarge("that many columns"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::corrections::REASON;

    const LAYOUT: XlsxLayout<'_> = XlsxLayout {
        sheet: "Held",
        is_text: true,
    };

    #[test]
    fn a_workbook_says_when_a_sheet_has_no_room() {
        let wide: Vec<_> = (0..16_384).map(|at| format!("c{at}")).collect();
        let error = XlsxCopy::new(LAYOUT, &wide, &[REASON])
            .unwrap_err()
            .to_string();
        assert!(error.contains("write a CSV file instead"), "{error}");
        let mut copy = XlsxCopy::new(LAYOUT, &wide[..1], &[REASON]).unwrap();
        let row = CopyRow {
            cells: &[CopyCell::text("x".repeat(40_000))],
            notes: &[""],
            wrong: &[],
        };
        let error = copy.write(&row).unwrap_err();
        assert!(error.to_string().contains("32,767"), "{error}");
    }
}
