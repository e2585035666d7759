//! What a workbook of OOXML says beside its rows.

mod cells;

use std::collections::HashMap;
use std::fs::File;

use quick_xml::events::{BytesStart, Event};

pub(super) use self::cells::Cells;
use super::book::{Book, MAX_FORMATS, MAX_SHARED, Place, Sheet, Strings};
use super::format::{self, CellFormat};
use super::package::{Package, Relations, too_much};
use super::xml::{self, Damage, MAX_PIECE, Xml};
use crate::feed::zip::{Archive, Part};

/// Reads all of a workbook but rows.
pub(super) fn read(file: &File, archive: &Archive) -> Result<Book, Damage> {
    let package = Package { file, archive };
    let (mut book, relations) = package.outline()?;
    if let Some(part) = package.of_kind(&relations, "styles") {
        book.formats = package.formats(part)?;
    }
    if let Some(part) = package.of_kind(&relations, "sharedStrings") {
        book.strings = package.strings(part)?;
    }
    Ok(book)
}

impl Package<'_> {
    /// The sheets and the settings of the workbook, and what it refers to.
    fn outline(&self) -> Result<(Book, Relations), Damage> {
        let (part, relations) = self.main("xl/workbook.xml", ".xml")?;
        let mut book = Book::default();
        self.elements(part, |element| {
            match xml::local(element.name()) {
                "workbookPr" => xml::attributes(element, |name, value| {
                    book.is_1904 |= name == "date1904" && xml::is_true(value);
                }),
                "calcPr" => calculation(element, &mut book),
                "sheet" => {
                    let id = xml::attribute(element, "id").unwrap_or_default();
                    let relation = relations.iter().find(|(it, _, _)| *it == id);
                    if relation.is_some_and(|(_, kind, _)| kind != "worksheet") {
                        return Ok(());
                    }
                    let state = xml::attribute(element, "state");
                    let part = relation.and_then(|(_, _, target)| self.part(target));
                    book.add_sheet(Sheet {
                        name: xml::attribute(element, "name").unwrap_or_default(),
                        is_visible: state.is_none_or(|state| state == "visible"),
                        place: part.cloned().map(Place::Xml),
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
            match xml::local(element.name()) {
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
        format::of_styles(&codes, styles)
    }

    /// The shared texts.
    fn strings(&self, part: &Part) -> Result<Strings, Damage> {
        let mut xml = self.open(part, MAX_SHARED)?;
        let mut strings = Strings::default();
        let mut buffer = Vec::new();
        let mut is_ended = false;
        loop {
            match xml.event(&mut buffer)? {
                Event::Start(element) if xml::local(element.name()) == "si" => {
                    let text = |text: &mut String| rich_text(&mut xml, "si", &mut buffer, text);
                    strings
                        .add(text)?
                        .ok_or_else(|| too_much(part, MAX_SHARED))?;
                }
                Event::End(element) if xml::local(element.name()) == "sst" => is_ended = true,
                // Only here the checksum is known to be right.
                Event::Eof if is_ended => return Ok(strings),
                Event::Eof => return Err(Damage::Unexpected("shared strings without an end")),
                _ => {}
            }
        }
    }
}

/// When the results of formulas are worked out, and whether they were before the file was
/// written.
fn calculation(element: &BytesStart<'_>, book: &mut Book) {
    let (mut is_manual, mut is_done_on_save, mut is_completed) = (false, true, true);
    xml::attributes(element, |name, value| match name {
        "fullCalcOnLoad" => book.is_calculated_later |= xml::is_true(value),
        "calcMode" => is_manual = value == "manual",
        "calcOnSave" => is_done_on_save = xml::is_true(value),
        "calcCompleted" => is_completed = xml::is_true(value),
        _ => {}
    });
    book.has_old_results |=
        book.is_calculated_later || is_manual && !is_done_on_save || !is_completed;
}

/// Where among the styles an element is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Codes,
    Cells,
    /// Also among formats that depend on conditions, whose numbers are their own.
    Other,
}

/// Appends a text that may be in several pieces up to the end of `element`, without
/// what says how to pronounce it.
fn rich_text(
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
            Event::Start(start) => match xml::local(start.name()) {
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
            Event::End(end) => match xml::local(end.name()) {
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
