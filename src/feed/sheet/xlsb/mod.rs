//! Binary workbooks of Excel 2007 and later (`.xlsb`): an archive like that of OOXML,
//! whose parts are records instead of XML.
//!
//! calamine gives a number of such a workbook without what its cell shows, and does not say
//! what is hidden or merged, so the records are read here.

mod cells;
mod records;

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

pub(super) use self::cells::XlsbCells;
use self::records::Records;
use super::book::{Book, MAX_FORMATS, MAX_SHARED, Place, Sheet, Strings};
use super::format::{self, CellFormat};
use super::package::{MAX_HELD, Package, Relations, too_much};
use super::xml::Damage;
use crate::feed::zip::{Archive, Part};

const SHARED_STRING: u16 = 19;
const FORMAT: u16 = 44;
const XF: u16 = 47;
const WORKBOOK_PROPERTIES: u16 = 153;
const SHEET: u16 = 156;
const CALCULATION: u16 = 157;
const END_SHARED_STRINGS: u16 = 160;
const BEGIN_CELL_XFS: u16 = 617;
const END_CELL_XFS: u16 = 618;

/// The part with the list of sheets.
const WORKBOOK: &str = "xl/workbook.bin";

/// Reads all of a workbook but rows.
pub(super) fn read(file: &File, archive: &Archive) -> Result<Book, Damage> {
    let package = Package { file, archive };
    let (main, relations) = package.main(WORKBOOK, ".bin")?;
    let mut book = outline(&package, main, &relations)?;
    if let Some(part) = package.of_kind(&relations, "styles") {
        book.formats = formats(file, part)?;
    }
    if let Some(part) = package.of_kind(&relations, "sharedStrings") {
        book.strings = strings(file, part)?;
    }
    Ok(book)
}

/// Begins to read a part that may have `max` bytes.
fn open(file: &File, part: &Part, max: u64) -> Result<Records, Damage> {
    if part.unpacked > max {
        return Err(too_much(part, max));
    }
    Ok(Records::open(file, part, Arc::default())?)
}

/// The sheets and the settings of the workbook.
fn outline(package: &Package<'_>, main: &Part, relations: &Relations) -> Result<Book, Damage> {
    let mut book = Book::default();
    let mut records = open(package.file, main, MAX_HELD)?;
    while records.next(|kind| matches!(kind, WORKBOOK_PROPERTIES | SHEET | CALCULATION))? {
        match records.kind {
            WORKBOOK_PROPERTIES => book.is_1904 = records.u32()? & 1 == 1,
            CALCULATION => {
                records.skip::<24>()?;
                book.is_calculated_later = records.u16()? & 1 == 1;
            }
            _ => {
                let state = records.u32()?;
                records.skip::<4>()?;
                let (mut id, mut name) = (String::new(), String::new());
                records.text(&mut id)?;
                records.text(&mut name)?;
                let relation = relations.iter().find(|(it, _, _)| *it == id);
                // Others are charts and macros.
                if relation.is_some_and(|(_, kind, _)| kind != "worksheet") {
                    continue;
                }
                let part = relation.and_then(|(_, _, target)| package.part(target));
                book.add_sheet(Sheet {
                    name,
                    is_visible: state == 0,
                    place: part.cloned().map(Place::Records),
                });
            }
        }
    }
    Ok(book)
}

/// What each style shows of a number.
fn formats(file: &File, part: &Part) -> Result<Vec<CellFormat>, Damage> {
    let mut records = open(file, part, MAX_HELD)?;
    let mut codes: HashMap<u32, String> = HashMap::new();
    let mut styles: Vec<u32> = Vec::new();
    let mut is_of_cells = false;
    let wants = |kind| matches!(kind, FORMAT | XF | BEGIN_CELL_XFS | END_CELL_XFS);
    while records.next(wants)? {
        match records.kind {
            BEGIN_CELL_XFS => is_of_cells = true,
            END_CELL_XFS => is_of_cells = false,
            FORMAT if codes.len() < MAX_FORMATS => {
                let id = u32::from(records.u16()?);
                let mut code = String::new();
                records.text(&mut code)?;
                codes.insert(id, code);
            }
            XF if is_of_cells && styles.len() < MAX_FORMATS => {
                records.skip::<2>()?;
                styles.push(u32::from(records.u16()?));
            }
            _ => {}
        }
    }
    format::of_styles(&codes, styles)
}

/// The shared texts.
fn strings(file: &File, part: &Part) -> Result<Strings, Damage> {
    let mut records = open(file, part, MAX_SHARED)?;
    let mut strings = Strings::default();
    let mut is_ended = false;
    while records.next(|kind| matches!(kind, SHARED_STRING | END_SHARED_STRINGS))? {
        if records.kind == END_SHARED_STRINGS {
            is_ended = true;
            continue;
        }
        // Whether it has runs and how to pronounce it, which come behind the text.
        records.skip::<1>()?;
        let text = |text: &mut String| records.text(text);
        strings
            .add(text)?
            .ok_or_else(|| too_much(part, MAX_SHARED))?;
    }
    if is_ended {
        Ok(strings)
    } else {
        Err(Damage::Unexpected("shared strings without an end"))
    }
}
