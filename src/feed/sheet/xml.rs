//! The parts of a workbook as XML, unpacked and decoded while they are read.

//!
//! # Invariants
//!
//! - What is held of a part is bounded, whatever the archive says of its size: one
//!   piece of XML is held at a time, and the names of the elements around it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use encoding_rs::{Encoding, UTF_8};
use quick_xml::encoding::DecodingReader;
use quick_xml::escape;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::QName;

use crate::feed::zip::Part;

/// What is read at once.
const CHUNK: usize = 1 << 16;
/// More of a name of an attribute or of its value is not looked at.
const MAX_ATTRIBUTE: usize = 1 << 16;
/// The longest piece of XML, be it text, a tag or a comment, as long as the longest
/// record of a CSV file. Excel writes no cell longer than 32 KiB.
pub(super) const MAX_PIECE: usize = 16 << 20;
/// The most elements around a piece. Workbooks have some ten.
const MAX_DEPTH: usize = 256;

/// Why a workbook cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::feed) enum Damage {
    /// The file cannot be read, or does not unpack.
    #[error("a part of it cannot be unpacked")]
    Unpack(#[from] io::Error),
    /// A part is not well-formed.
    #[error("a part of it is not well-formed XML")]
    Xml(#[source] quick_xml::Error),
    /// A part is well-formed and not what it should be.
    #[error("it has {0}")]
    Unexpected(&'static str),
    /// What a part names is not in the archive.
    #[error("its {0} is missing")]
    Missing(&'static str),
    /// It opens with a password only.
    #[error("it is protected by a password")]
    Password,
    /// A piece of text, or a tag, is longer than [`MAX_PIECE`].
    #[error("it has a cell of many megabytes")]
    TooLong,
    /// A part that would have to be held as a whole is too large for that.
    #[error("{part} unpacks to more than {max} bytes")]
    TooMuchHeld {
        /// The part's name in the archive.
        part: String,
        /// The bound.
        max: u64,
    },
}

impl From<quick_xml::Error> for Damage {
    fn from(error: quick_xml::Error) -> Self {
        match error {
            quick_xml::Error::Io(source) => Self::Unpack(io::Error::new(source.kind(), source)),
            error => Self::Xml(error),
        }
    }
}

/// A part that is being read.
pub(super) struct Xml {
    reader: quick_xml::Reader<Bounded>,
    /// The elements around what is read.
    depth: usize,
}

impl Xml {
    /// How many elements are around what comes next.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The next piece, in place of what is in the buffer.
    pub(super) fn event<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, Damage> {
        buffer.clear();
        self.reader.get_mut().read = 0;
        let event = match self.reader.read_event_into(buffer) {
            Ok(event) => event,
            Err(_) if self.reader.get_ref().is_beyond() => return Err(Damage::TooLong),
            Err(error) => return Err(error.into()),
        };
        match event {
            Event::Start(_) if self.depth == MAX_DEPTH => {
                return Err(Damage::Unexpected("hundreds of elements in one another"));
            }
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(event)
    }
}

/// Gives no more than [`MAX_PIECE`] bytes, and what was read with them, for one piece.
struct Bounded {
    /// Asked several times for each piece: what gives its bytes is called for a whole chunk.
    inner: BufReader<Box<dyn Read + Send>>,
    /// How much was read of the piece.
    read: usize,
}

impl Bounded {
    fn is_beyond(&self) -> bool {
        self.read > MAX_PIECE
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Bounded {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.is_beyond() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.inner.fill_buf()
    }

    #[inline]
    fn consume(&mut self, amount: usize) {
        self.read += amount;
        self.inner.consume(amount);
    }
}

/// Begins to read a part. `packed` counts its packed bytes as they are read.
pub(super) fn open(file: &File, part: &Part, packed: Arc<AtomicU64>) -> Result<Xml, Damage> {
    let buffered = |bytes: Box<dyn Read + Send>| BufReader::with_capacity(CHUNK, bytes);
    let mut text = buffered(Box::new(part.unpack(file, packed)?));
    let encoding = encoding_of(text.fill_buf()?);
    let inner = match encoding {
        // Nearly all parts are, and need no decoder.
        Some(encoding) if encoding == UTF_8 => text,
        Some(encoding) => {
            let mut decoding = DecodingReader::new(text);
            decoding.set_encoding(encoding);
            buffered(Box::new(decoding))
        }
        None => buffered(Box::new(DecodingReader::new(text))),
    };
    let bounded = Bounded { inner, read: 0 };
    let mut reader = quick_xml::Reader::from_reader(bounded);
    reader.config_mut().expand_empty_elements = true;
    Ok(Xml { reader, depth: 0 })
}

/// The encoding in which a part that begins so says that it is; `None` if a decoder
/// sees it in its first bytes.
fn encoding_of(start: &[u8]) -> Option<&'static Encoding> {
    if matches!(
        start,
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, b'<', ..] | [b'<', 0, ..]
    ) {
        return None;
    }
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let declared = start.strip_prefix(b"<?xml").and_then(|start| {
        let end = memchr::memchr(b'>', start)?;
        let declaration = str::from_utf8(start.get(..end)?).ok()?;
        let (_, behind) = declaration.split_once("encoding")?;
        let mut quoted = behind.split(['"', '\'']);
        Encoding::for_label(quoted.nth(1)?.as_bytes())
    });
    // It cannot be UTF-16 and begin so.
    Some(
        declared
            .filter(|it| it.is_ascii_compatible())
            .unwrap_or(UTF_8),
    )
}

/// Calls `take` with each attribute: its name without prefix, and its value as it is
/// written. What is malformed ends the list.
pub(super) fn attributes<'e>(element: &'e BytesStart<'_>, mut take: impl FnMut(&'e str, &'e str)) {
    let raw = element.attributes_raw();
    let mut rest = raw.get(..MAX_ATTRIBUTE).unwrap_or(raw);
    while let Some((name, behind)) = parted(rest, b'=') {
        let behind = behind.trim_ascii_start();
        let Some(quote @ (b'"' | b'\'')) = behind.bytes().next() else {
            return;
        };
        let quoted = behind.get(1..).unwrap_or_default();
        let Some((value, next)) = parted(quoted, quote) else {
            return;
        };
        let name = name.trim_ascii();
        let prefix = name.bytes().rposition(|it| it == b':');
        take(
            name.get(prefix.map_or(0, |at| at + 1)..).unwrap_or(name),
            value,
        );
        rest = next;
    }
}

/// What is before and behind the first of these bytes, which is one of ASCII. Names and
/// values are so short that no search is faster.
fn parted(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|it| it == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The name of an element without its prefix, as short as those of attributes.
#[inline]
pub(super) fn local(QName(name): QName<'_>) -> &str {
    parted(name, b':').map_or(name, |(_, name)| name)
}

/// One attribute of an element, unescaped.
pub(super) fn attribute(element: &BytesStart<'_>, wanted: &str) -> Option<String> {
    let mut found = None;
    attributes(element, |name, value| {
        if name == wanted && found.is_none() {
            found = Some(value);
        }
    });
    found.map(unescaped)
}

/// An attribute's value without escapes; as it is written, if they make no sense.
pub(super) fn unescaped(value: &str) -> String {
    escape::unescape(value).map_or_else(|_| value.to_owned(), std::borrow::Cow::into_owned)
}

/// Whether an attribute says yes.
pub(super) fn is_true(value: &str) -> bool {
    matches!(value, "1" | "true" | "on")
}

/// Appends what `&amp;` or `&#233;` stands for.
pub(super) fn push_reference(reference: &BytesRef<'_>, text: &mut String) -> Result<(), Damage> {
    if let Some(known) = escape::resolve_xml_entity(reference) {
        text.push_str(known);
        return Ok(());
    }
    match reference.resolve_char_ref()? {
        Some(character) => text.push(character),
        None => return Err(Damage::Unexpected("a reference to an unknown entity")),
    }
    Ok(())
}

/// Replaces `_x000D_` and the like, from `start` on: so a workbook writes characters
/// that XML does not allow.
pub(super) fn unescape_characters(text: &mut String, start: usize) {
    const LENGTH: usize = 7;
    let piece = text.as_bytes().get(start..).unwrap_or_default();
    if !memchr::memchr_iter(b'_', piece).any(|at| piece.get(at + 1) == Some(&b'x')) {
        return;
    }
    let escaped = text.split_off(start);
    let mut rest = escaped.as_str();
    let mut units: Vec<u16> = Vec::new();
    while !rest.is_empty() {
        if let Some(unit) = unit_of(rest) {
            units.push(unit);
            rest = rest.get(LENGTH..).unwrap_or_default();
            continue;
        }
        flush(&mut units, text);
        let next = rest.char_indices().skip(1).find(|&(_, c)| c == '_');
        let (plain, behind) = rest.split_at(next.map_or(rest.len(), |(at, _)| at));
        text.push_str(plain);
        rest = behind;
    }
    flush(&mut units, text);
}

/// The UTF-16 unit that `_xHHHH_` at the start stands for.
fn unit_of(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("_x")?.get(..4)?;
    let is_closed = text.as_bytes().get(6) == Some(&b'_');
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_closed && is_hex).then(|| u16::from_str_radix(digits, 16).ok())?
}

fn flush(units: &mut Vec<u16>, text: &mut String) {
    if !units.is_empty() {
        text.push_str(&String::from_utf16_lossy(units));
        units.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_characters_become_what_they_stand_for() {
        for (escaped, expected) in [
            ("plain_text", "plain_text"),
            ("a_x000D__x000A_b", "a\r\nb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_xD83D__xDE00_", "\u{1f600}"),
            ("_x00e9", "_x00e9"),
            ("é_xZZZZ_", "é_xZZZZ_"),
        ] {
            let mut text = String::from("x");
            text.push_str(escaped);
            unescape_characters(&mut text, 1);
            assert_eq!(text, format!("x{expected}"));
        }
    }

    #[test]
    fn attributes_are_found_without_their_prefix() {
        let element = BytesStart::from_content(r#"sheet name="A &amp; B" r:id='rId1' x"#, 5);
        assert_eq!(attribute(&element, "name").unwrap(), "A & B");
        assert_eq!(attribute(&element, "id").unwrap(), "rId1");
        assert_eq!(attribute(&element, "x"), None);
    }

    #[test]
    fn what_is_malformed_ends_the_attributes() {
        for (text, expected) in [
            ("", ""),
            (" a = \"1\" b='\"'", "a:1 b:\""),
            (" é=\"ü\"b=''", "é:ü b:"),
            (" a:b:c=\"1\" :d=\"2\" a:=\"3\"", "c:1 d:2 :3"),
            (" a=\"1\" b=2 c=\"3\"", "a:1"),
            (" a=\"1\" b=é", "a:1"),
            (" a=\"1\" b=\"2", "a:1"),
            (" a=\"1\" b=", "a:1"),
        ] {
            let content = format!("c{text}");
            let mut found = Vec::new();
            attributes(&BytesStart::from_content(content, 1), |name, value| {
                found.push(format!("{name}:{value}"));
            });
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn an_element_is_known_without_its_prefix() {
        for (name, expected) in [("c", "c"), ("x:row", "row"), ("x:y:z", "y:z"), (":", "")] {
            assert_eq!(local(QName(name)), expected);
        }
    }
}
