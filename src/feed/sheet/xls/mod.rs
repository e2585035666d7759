//! The workbooks of Excel 5 to 2003 (`.xls`), which are a stream of records: BIFF5 and
//! BIFF8.
//!
//! calamine reads all cells at once and gives a number without what its cell shows, and
//! does not say what is hidden, so the records are read here. The `cfb` crate takes the
//! stream out of the file (`feed/spool.rs`).

mod cells;
mod records;

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom};

pub(super) use self::cells::XlsCells;
use self::records::{Letters, Records};
use super::book::{Book, MAX_FORMATS, MAX_SHARED, Place as AnyPlace, Sheet, Strings};
use super::format::{self, MAX_CODE};
use super::xml::Damage;

const BIFF8: u16 = 0x0600;
const BIFF5: u16 = 0x0500;
/// What a substream is.
const GLOBALS: u16 = 0x0005;
const WORKSHEET: u16 = 0x0010;

const DATE_1904: u16 = 0x0022;
const FILE_PASS: u16 = 0x002f;
const CODE_PAGE: u16 = 0x0042;
const BOUND_SHEET: u16 = 0x0085;
const XF: u16 = 0x00e0;
const SHARED_STRINGS: u16 = 0x00fc;
/// Which Excel worked out the formulas last.
const RECALC_ID: u16 = 0x01c1;
const FORMAT: u16 = 0x041e;

/// Where a sheet is in the stream.
#[derive(Clone, Copy, Debug)]
pub(in crate::feed::sheet) struct Place {
    start: u64,
    /// Where what follows begins.
    end: u64,
    letters: Letters,
}

impl Place {
    pub(super) fn length(&self) -> u64 {
        self.end - self.start
    }
}

/// Whether these first bytes are those of such a stream.
pub(in crate::feed) fn is_stream(start: &[u8]) -> bool {
    matches!(
        start,
        [0x09, 0x08, 0x08 | 0x10, 0, 0, 0x05 | 0x06, 0x05, 0, ..]
    )
}

/// Reads all of a workbook but rows.
pub(super) fn read(mut file: &File) -> Result<Book, Damage> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut records = Records::open(file, 0, length)?;
    let Some((version @ (BIFF5 | BIFF8), GLOBALS)) = records.begin()? else {
        return Err(Damage::Unexpected("no list of sheets at its start"));
    };
    let mut globals = Globals {
        letters: match version {
            BIFF8 => Letters::Wide,
            _ => Letters::of_code_page(1252),
        },
        ..Globals::default()
    };
    // Excel writes who worked out the formulas since 2002, and so do programs that can.
    globals.book.is_calculated_later = version == BIFF8;
    while records.next()? {
        globals.take(&mut records)?;
    }
    globals.book(length)
}

/// What the workbook says beside its sheets.
struct Globals {
    book: Book,
    letters: Letters,
    codes: HashMap<u32, String>,
    styles: Vec<u32>,
    /// Where the sheets of the book begin.
    starts: Vec<u32>,
    /// Where all begin, also those that have no rows.
    all_starts: Vec<u32>,
}

impl Default for Globals {
    fn default() -> Self {
        Self {
            book: Book::default(),
            letters: Letters::Wide,
            codes: HashMap::new(),
            styles: Vec::new(),
            starts: Vec::new(),
            all_starts: Vec::new(),
        }
    }
}

impl Globals {
    /// Takes one record.
    fn take(&mut self, records: &mut Records) -> Result<(), Damage> {
        match records.kind {
            FILE_PASS => return Err(Damage::Password),
            CODE_PAGE => {
                if matches!(self.letters, Letters::Bytes(_)) {
                    self.letters = Letters::of_code_page(records.u16()?);
                }
            }
            RECALC_ID => self.book.is_calculated_later = false,
            DATE_1904 => self.book.is_1904 = records.u16()? == 1,
            FORMAT if self.codes.len() < MAX_FORMATS => {
                let id = u32::from(records.u16()?);
                let is_short = matches!(self.letters, Letters::Bytes(_));
                let mut code = String::new();
                records.text(self.letters, is_short, &mut code)?;
                // No Excel writes a longer one, and none is read.
                if code.len() <= MAX_CODE {
                    self.codes.insert(id, code);
                }
            }
            XF if self.styles.len() < MAX_FORMATS => {
                records.skip(2)?;
                self.styles.push(u32::from(records.u16()?));
            }
            BOUND_SHEET => {
                let start = records.u32()?;
                let (state, kind) = (records.u8()?, records.u8()?);
                self.all_starts.push(start);
                // Others are charts and macros.
                if kind == 0 {
                    let mut name = String::new();
                    records.text(self.letters, true, &mut name)?;
                    self.starts.push(start);
                    self.book.add_sheet(Sheet {
                        name,
                        is_visible: matches!(state & 3, 0),
                        place: None,
                    });
                }
            }
            SHARED_STRINGS => self.shared_strings(records)?,
            _ => {}
        }
        Ok(())
    }

    /// Takes the texts that cells share. Some writers count them wrongly.
    fn shared_strings(&mut self, records: &mut Records) -> Result<(), Damage> {
        records.skip(4)?;
        let (counted, mut found) = (records.u32()?, 0);
        let mut strings = Strings::default();
        while records.goes_on()? {
            match strings.add(|text| records.text(self.letters, false, text)) {
                Ok(Some(())) => found += 1,
                Ok(None) => {
                    return Err(Damage::TooMuchHeld {
                        part: "its list of texts".to_owned(),
                        max: MAX_SHARED,
                    });
                }
                // What comes behind the last one is none.
                Err(_) if found >= counted => break,
                Err(error) => return Err(error),
            }
        }
        self.book.strings = strings;
        Ok(())
    }

    /// The book, in a stream of this length.
    fn book(mut self, length: u64) -> Result<Book, Damage> {
        self.book.formats = format::of_styles(&self.codes, self.styles)?;
        self.all_starts.sort_unstable();
        for (sheet, start) in self.book.sheets.iter_mut().zip(self.starts) {
            // No sheet reaches into the next, so that all together are no longer than the file.
            let after = self.all_starts.partition_point(|other| *other <= start);
            let end = self
                .all_starts
                .get(after)
                .map_or(length, |end| u64::from(*end));
            let place = Place {
                start: u64::from(start),
                end: end.min(length),
                letters: self.letters,
            };
            sheet.place = (place.start < place.end).then_some(AnyPlace::Stream(place));
        }
        Ok(self.book)
    }
}
