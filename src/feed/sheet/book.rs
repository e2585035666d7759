//! What a workbook of OOXML says beside its rows: which sheets it has, where they are,
//! its texts, its formats.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};

use super::format::{self, CellFormat};
use super::xml::{self, Damage, MAX_PIECE, Xml};
use crate::feed::zip::{Archive, Part};

/// The most sheets of a workbook: finding one among them takes longer the more there
/// are.
pub(super) const MAX_SHEETS: usize = 1_000;
/// The most formats of cells that are kept; Excel allows 65,490. No format has the
/// number [`u16::MAX`].
const MAX_FORMATS: usize = u16::MAX as usize;
/// The most text that cells may share, in bytes: several columns that differ in each
/// of the million rows of a sheet.
const MAX_SHARED: u64 = 512 << 20;
/// The most bytes of another part of which much is held: styles and lists of sheets
/// have some kilobytes.
const MAX_HELD: u64 = 32 << 20;

/// A workbook without its rows.
pub(super) struct Book {
    /// In the order of the tabs, the first [`MAX_SHEETS`].
    pub(super) sheets: Vec<Sheet>,
    /// How many there are.
    pub(super) n_sheets: usize,
    pub(super) strings: Strings,
    /// By the number of a cell's style.
    pub(super) formats: Vec<CellFormat>,
    /// Days are counted from 1904 on.
    pub(super) is_1904: bool,
    /// The results of formulas are worked out when a spreadsheet program opens it, so
    /// what the file holds need not be one.
    pub(super) is_calculated_later: bool,
}

/// A sheet that has rows.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) is_visible: bool,
    part: Option<Part>,
}

impl Sheet {
    /// Where its rows are.
    pub(super) fn part(&self) -> Result<&Part, Damage> {
        self.part.as_ref().ok_or(Damage::Missing("sheet"))
    }
}

/// The texts that cells share.
#[derive(Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// The text with this number.
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start as usize..end as usize)
    }
}

/// Where a workbook is read from.
struct Package<'a> {
    file: &'a File,
    archive: &'a Archive,
}

impl Package<'_> {
    /// The part of this name, from the root of the archive.
    fn part(&self, name: &str) -> Option<&Part> {
        // Of two with one name the later one counts.
        let mut parts = self.archive.parts.iter().rev();
        parts.find(|part| part.name.trim_start_matches('/').eq_ignore_ascii_case(name))
    }

    /// Calls `take` with each element that begins.
    fn elements(
        &self,
        part: &Part,
        mut take: impl FnMut(&BytesStart<'_>) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let mut xml = self.open(part, MAX_HELD)?;
        let mut buffer = Vec::new();
        loop {
            match xml.event(&mut buffer)? {
                Event::Start(element) => take(&element)?,
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Begins to read a part that may have `max` bytes. No more is ever unpacked of it
    /// than the archive says.
    fn open(&self, part: &Part, max: u64) -> Result<Xml, Damage> {
        if part.unpacked > max {
            return Err(too_much(part, max));
        }
        xml::open(self.file, part, Arc::default())
    }

    fn relations(&self, of: &str) -> Result<Relations, Damage> {
        let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
        let prefix = if folder.is_empty() { "" } else { "/" };
        let mut found = Vec::new();
        let Some(part) = self.part(&format!("{folder}{prefix}_rels/{name}.rels")) else {
            return Ok(found);
        };
        self.elements(part, |element| {
            if element.local_name().as_ref() != "Relationship" {
                return Ok(());
            }
            let (mut id, mut kind, mut target) = (None, None, None);
            xml::attributes(element, |name, value| match name {
                "Id" => id = Some(xml::unescaped(value)),
                // Strict workbooks have other addresses with the same last word.
                "Type" => kind = value.rsplit('/').next().map(str::to_owned),
                "Target" => target = Some(resolved(folder, &xml::unescaped(value))),
                _ => {}
            });
            if let (Some(id), Some(kind), Some(target)) = (id, kind, target) {
                found.push((id, kind, target));
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// A part's name from the root of the archive.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "." | "" => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.join("/")
}

impl Book {
    /// Reads all of it but rows.
    pub(super) fn read(file: &File, archive: &Archive) -> Result<Self, Damage> {
        let package = Package { file, archive };
        let (mut book, relations) = package.outline()?;
        let of_kind = |wanted: &str| {
            let found = relations.iter().find(|(_, kind, _)| kind == wanted);
            found.and_then(|(_, _, target)| package.part(target))
        };
        if let Some(part) = of_kind("styles") {
            book.formats = package.formats(part)?;
        }
        if let Some(part) = of_kind("sharedStrings") {
            book.strings = package.strings(part)?;
        }
        Ok(book)
    }
}

/// What a part refers to: identifier, last word of the type, name of the part.
type Relations = Vec<(String, String, String)>;

impl Package<'_> {
    /// The sheets and the settings of the workbook, and what it refers to.
    fn outline(&self) -> Result<(Book, Relations), Damage> {
        let root = self.relations("")?;
        let main = root.iter().find(|(_, kind, _)| kind == "officeDocument");
        let main = main.map_or("xl/workbook.xml", |(_, _, target)| target.as_str());
        let part = self.part(main).ok_or(Damage::Missing("workbook part"))?;
        let mut relations = self.relations(main)?;
        // Some writers do not say where these are, and put them where everybody does.
        let (folder, _) = main.rsplit_once('/').unwrap_or_default();
        for (kind, name) in [
            ("styles", "styles.xml"),
            ("sharedStrings", "sharedStrings.xml"),
        ] {
            relations.push((String::new(), kind.to_owned(), resolved(folder, name)));
        }
        let mut book = Book {
            sheets: Vec::new(),
            n_sheets: 0,
            strings: Strings::default(),
            formats: Vec::new(),
            is_1904: false,
            is_calculated_later: false,
        };
        self.elements(part, |element| {
            match element.local_name().as_ref() {
                "workbookPr" => xml::attributes(element, |name, value| {
                    book.is_1904 |= name == "date1904" && xml::is_true(value);
                }),
                "calcPr" => xml::attributes(element, |name, value| {
                    book.is_calculated_later |= name == "fullCalcOnLoad" && xml::is_true(value);
                }),
                "sheet" if book.n_sheets >= MAX_SHEETS => book.n_sheets += 1,
                "sheet" => {
                    let id = xml::attribute(element, "id").unwrap_or_default();
                    let relation = relations.iter().find(|(it, _, _)| *it == id);
                    if relation.is_some_and(|(_, kind, _)| kind != "worksheet") {
                        return Ok(());
                    }
                    let state = xml::attribute(element, "state");
                    book.n_sheets += 1;
                    book.sheets.push(Sheet {
                        name: xml::attribute(element, "name").unwrap_or_default(),
                        is_visible: state.is_none_or(|state| state == "visible"),
                        part: relation
                            .and_then(|(_, _, target)| self.part(target))
                            .cloned(),
                    });
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok((book, relations))
    }

    /// What each style shows of a number.
    fn formats(&self, part: &Part) -> Result<Vec<CellFormat>, Damage> {
        let mut codes: HashMap<u32, String> = HashMap::new();
        let mut styles: Vec<u32> = Vec::new();
        let mut within = Within::Other;
        self.elements(part, |element| {
            let id = || xml::attribute(element, "numFmtId").and_then(|id| id.trim().parse().ok());
            match element.local_name().as_ref() {
                "numFmts" => within = Within::Codes,
                "cellXfs" => within = Within::Cells,
                "cellStyleXfs" | "cellStyles" | "dxfs" => within = Within::Other,
                "numFmt" if within == Within::Codes && codes.len() < MAX_FORMATS => {
                    let code = xml::attribute(element, "formatCode");
                    if let (Some(id), Some(code)) = (id(), code) {
                        codes.insert(id, code);
                    }
                }
                "xf" if within == Within::Cells && styles.len() < MAX_FORMATS => {
                    styles.push(id().unwrap_or(0));
                }
                _ => {}
            }
            Ok(())
        })?;
        // Thousands of styles may have one format.
        let mut formats: HashMap<u32, CellFormat> = HashMap::new();
        let format = |id: u32| {
            let format = formats.entry(id).or_insert_with(|| match codes.get(&id) {
                Some(code) => CellFormat::parse(code),
                None => format::built_in(id),
            });
            format.clone()
        };
        Ok(styles.into_iter().map(format).collect())
    }

    /// The shared texts.
    fn strings(&self, part: &Part) -> Result<Strings, Damage> {
        let mut xml = self.open(part, MAX_SHARED)?;
        let mut strings = Strings::default();
        let mut buffer = Vec::new();
        let mut is_ended = false;
        loop {
            match xml.event(&mut buffer)? {
                Event::Start(element) if element.local_name().as_ref() == "si" => {
                    rich_text(&mut xml, "si", &mut buffer, &mut strings.text)?;
                    let held = (strings.text.len() + 4 * strings.ends.len()) as u64;
                    match u32::try_from(strings.text.len()) {
                        Ok(end) if held <= MAX_SHARED => strings.ends.push(end),
                        _ => return Err(too_much(part, MAX_SHARED)),
                    }
                }
                Event::End(element) if element.local_name().as_ref() == "sst" => is_ended = true,
                // Only here the checksum is known to be right.
                Event::Eof if is_ended => return Ok(strings),
                Event::Eof => return Err(Damage::Unexpected("shared strings without an end")),
                _ => {}
            }
        }
    }
}

/// Where among the styles an element is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Codes,
    Cells,
    /// Also among formats that depend on conditions, whose numbers are their own.
    Other,
}

fn too_much(part: &Part, max: u64) -> Damage {
    Damage::TooMuchHeld {
        part: part.name.clone(),
        max,
    }
}

/// Appends a text that may be in several pieces up to the end of `element`, without
/// what says how to pronounce it.
pub(super) fn rich_text(
    xml: &mut Xml,
    element: &str,
    buffer: &mut Vec<u8>,
    text: &mut String,
) -> Result<(), Damage> {
    let begin = text.len();
    let mut is_phonetic = false;
    // Where the piece begins, and whether its white space counts.
    let mut piece = None;
    loop {
        if text.len() - begin > MAX_PIECE {
            return Err(Damage::TooLong);
        }
        match xml.event(buffer)? {
            Event::Start(start) => match start.local_name().as_ref() {
                "rPh" => is_phonetic = true,
                "t" if !is_phonetic => {
                    let space = xml::attribute(&start, "space");
                    piece = Some((text.len(), space.is_some_and(|it| it == "preserve")));
                }
                _ => {}
            },
            Event::Text(content) if piece.is_some() => text.push_str(&content.xml10_content()),
            Event::CData(content) if piece.is_some() => text.push_str(&content.xml10_content()),
            Event::GeneralRef(reference) if piece.is_some() => {
                xml::push_reference(&reference, text)?;
            }
            Event::End(end) => match end.local_name().as_ref() {
                "rPh" => is_phonetic = false,
                "t" => {
                    if let Some((start, keeps_space)) = piece.take() {
                        if !keeps_space {
                            trim(text, start);
                        }
                        xml::unescape_characters(text, start);
                    }
                }
                name if name == element => return Ok(()),
                _ => {}
            },
            Event::Eof => return Err(Damage::Unexpected("a text without an end")),
            _ => {}
        }
    }
}

/// Removes XML's white space around what begins at `start`.
fn trim(text: &mut String, start: usize) {
    let is_space = |c| matches!(c, ' ' | '\t' | '\r' | '\n');
    let piece = text.get(start..).unwrap_or_default();
    let end = piece.trim_end_matches(is_space).len();
    let begin = end.min(piece.len() - piece.trim_start_matches(is_space).len());
    text.truncate(start + end);
    text.drain(start..start + begin);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_from_the_folder_of_the_one_that_refers_to_it() {
        for (folder, target, expected) in [
            ("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            (
                "xl",
                "/xl/worksheets/sheet1.xml",
                "xl/worksheets/sheet1.xml",
            ),
            ("xl", "../other/./sheet.xml", "other/sheet.xml"),
            ("", "xl\\workbook.xml", "xl/workbook.xml"),
            ("", "../../x.xml", "x.xml"),
        ] {
            assert_eq!(resolved(folder, target), expected);
        }
    }

    #[test]
    fn white_space_around_a_piece_is_removed() {
        for (piece, expected) in [
            (" a b \n", "a b"),
            ("", ""),
            (" \t", ""),
            ("\u{a0}x", "\u{a0}x"),
        ] {
            let mut text = format!("é {piece}");
            trim(&mut text, 3);
            assert_eq!(text, format!("é {expected}"));
        }
    }
}
