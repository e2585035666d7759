//! OpenDocument spreadsheets (`.ods`): all sheets are in one part, one after the other.
//!
//! calamine holds all sheets of such a file at once, and gives a number without what its
//! cell shows, so they are read here.

mod cells;
mod paragraph;
mod styles;

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};

pub(super) use self::cells::OdsCells;
use self::styles::Styles;
use super::book::{Book, MAX_SHEETS, Place, Sheet};
use super::package::MAX_HELD;
use super::xml::{self, Damage, Xml};
use crate::feed::zip::{Archive, Part};

/// The part with the sheets.
const CONTENT: &str = "content.xml";
/// The most bytes that are unpacked to find sheets: each begins behind all before it.
const MAX_UNPACKED: u64 = 16 << 30;

/// Reads all of a workbook but rows.
pub(super) fn read(file: &File, archive: &Archive) -> Result<Book, Damage> {
    // Of two with one name the later one counts.
    let part = |wanted: &str| archive.parts.iter().rev().find(|part| part.name == wanted);
    if let Some(manifest) = part("META-INF/manifest.xml")
        && is_encrypted(file, manifest)?
    {
        return Err(Damage::Password);
    }
    let content = part(CONTENT).ok_or(Damage::Missing("content"))?;
    let mut styles = Styles::default();
    if let Some(common) = part("styles.xml") {
        read_styles(file, common, &mut styles)?;
    }
    let mut book = Book::default();
    sheets(file, content, &mut styles, &mut book)?;
    let per_sheet = content.unpacked.max(1);
    if book.sheets.len() as u64 > (MAX_UNPACKED / per_sheet).max(1) {
        return Err(Damage::Unexpected("hundreds of large sheets in one part"));
    }
    book.is_1904 = styles.is_1904;
    (book.formats, book.style_names) = styles.formats()?;
    Ok(book)
}

/// What an archive of OpenDocument says that it is, with its first part.
pub(in crate::feed) fn is_spreadsheet(file: &File, archive: &Archive) -> bool {
    let mut said = String::new();
    let part = archive.parts.iter().find(|part| part.name == "mimetype");
    if let Some(part) = part
        && let Ok(unpacked) = part.unpack(file, Arc::default())
    {
        // What cannot be read says nothing.
        unpacked
            .take(256)
            .read_to_string(&mut said)
            .unwrap_or_default();
    }
    !said.contains("opendocument") || said.contains("spreadsheet")
}

/// Whether parts open with a password only.
fn is_encrypted(file: &File, manifest: &Part) -> Result<bool, Damage> {
    let mut xml = open(file, manifest)?;
    let mut buffer = Vec::new();
    loop {
        match xml.event(&mut buffer)? {
            Event::Start(element) if xml::local(element.name()) == "encryption-data" => {
                return Ok(true);
            }
            Event::Eof => return Ok(false),
            _ => {}
        }
    }
}

/// Begins to read a part of which much is held.
fn open(file: &File, part: &Part) -> Result<Xml, Damage> {
    if part.unpacked > MAX_HELD {
        return Err(super::package::too_much(part, MAX_HELD));
    }
    xml::open(file, part, Arc::default())
}

/// Reads the styles that all sheets share.
fn read_styles(file: &File, part: &Part, styles: &mut Styles) -> Result<(), Damage> {
    let mut xml = open(file, part)?;
    let mut buffer = Vec::new();
    let mut is_of_pages = false;
    loop {
        match xml.event(&mut buffer)? {
            Event::Start(element) => {
                // Those of headers and footers have the same names as those of cells.
                is_of_pages |= xml::local(element.name()) == "automatic-styles";
                if !is_of_pages {
                    styles.begin(&element)?;
                }
            }
            Event::Text(text) if !is_of_pages => styles.text(&text.xml10_content()),
            Event::GeneralRef(reference) if !is_of_pages => {
                let mut text = String::new();
                xml::push_reference(&reference, &mut text)?;
                styles.text(&text);
            }
            Event::End(element) => match xml::local(element.name()) {
                "automatic-styles" => is_of_pages = false,
                name if !is_of_pages => styles.end(name),
                _ => {}
            },
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Lists the sheets, and reads the styles in front of them.
fn sheets(file: &File, content: &Part, styles: &mut Styles, book: &mut Book) -> Result<(), Damage> {
    let mut xml = xml::open(file, content, Arc::default())?;
    let mut buffer = Vec::new();
    let mut hidden: HashSet<String> = HashSet::new();
    let mut table_style = String::new();
    // How deep the sheets are.
    let mut depth = None;
    loop {
        let here = xml.depth() + 1;
        match xml.event(&mut buffer)? {
            Event::Start(element) => match (xml::local(element.name()), depth) {
                ("spreadsheet", None) => depth = Some(here + 1),
                ("table", Some(depth)) if depth == here => {
                    let index = book.n_sheets;
                    book.add_sheet(sheet(&element, index, content, &hidden));
                }
                ("table-row", Some(_)) if book.n_sheets <= MAX_SHEETS => {
                    if let Some(Sheet {
                        place: Some(Place::Table { rows, .. }),
                        ..
                    }) = book.sheets.last_mut()
                    {
                        *rows = rows.saturating_add(1);
                    }
                }
                ("style", None) => {
                    table_style = xml::attribute(&element, "name").unwrap_or_default();
                    styles.begin(&element)?;
                }
                ("table-properties", None) => {
                    let display = xml::attribute(&element, "display");
                    let is_hidden = display.is_some_and(|display| display == "false");
                    if is_hidden && hidden.len() < 2 * MAX_SHEETS {
                        styles.hold(table_style.len())?;
                        hidden.insert(table_style.clone());
                    }
                }
                ("null-date", Some(_)) | (_, None) => styles.begin(&element)?,
                _ => {}
            },
            Event::Text(text) if depth.is_none() => styles.text(&text.xml10_content()),
            Event::GeneralRef(reference) if depth.is_none() => {
                let mut text = String::new();
                xml::push_reference(&reference, &mut text)?;
                styles.text(&text);
            }
            Event::End(element) if depth.is_none() => styles.end(xml::local(element.name())),
            // Only here the checksum is known to be right.
            Event::Eof if depth.is_some() => return Ok(()),
            Event::Eof => return Err(Damage::Unexpected("no place for sheets")),
            _ => {}
        }
    }
}

fn sheet(
    element: &BytesStart<'_>,
    index: usize,
    content: &Part,
    hidden: &HashSet<String>,
) -> Sheet {
    let style = xml::attribute(element, "style-name");
    Sheet {
        name: xml::attribute(element, "name").unwrap_or_default(),
        is_visible: style.is_none_or(|style| !hidden.contains(&style)),
        place: Some(Place::Table {
            part: content.clone(),
            index,
            rows: 0,
        }),
    }
}
