//! What a file is, by its content. Names lie: HR systems call HTML `.xls` and
//! CSV `.txt`.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use memchr::memmem;

use super::compound::Compound;
use super::encoding::Charset;
use super::error::OtherFormat;
use super::openpgp::{self, Form, Found};
use super::sheet::{self, Container};
use super::spool::{Bounds, Opened};
use super::zip::{Archive, Part};
use super::{FeedError, encoding};

/// What can be read.
#[derive(Debug)]
pub(super) enum FileKind {
    /// Text; what has other bytes for ASCII's letters may still be no table.
    Text,
    /// A workbook of Excel or OpenDocument.
    Workbook(Container),
    /// The stream of this name in a compound file is a workbook.
    Compound(&'static str),
    /// A ZIP archive around the one file that it holds.
    Packed(Part),
    /// An OpenPGP message.
    OpenPgp(Form),
}

/// First bytes of files that are not tables.
const MAGIC: [(&[u8], &str); 12] = [
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"{\\rtf", "an RTF document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an XZ archive"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x1f\x8b", "a gzip file inside a gzip file"),
];

/// Finds out what a file is that begins with `start`.
///
/// # Errors
/// It is not a table, or larger than the mapping lets it be.
pub(super) fn find(
    path: &Arc<Path>,
    opened: &Opened,
    start: &[u8],
    bounds: Bounds,
) -> Result<FileKind, FeedError> {
    let file = &opened.file;
    if start.is_empty() {
        return Err(FeedError::Empty(path.clone()));
    }
    refuse_by_start(path, start, bounds.named)?;
    if opened.length > bounds.max {
        return Err(bounds.too_large(path, opened.gzip));
    }
    if let Some(Found::Message(form)) = openpgp::recognise(start) {
        return Ok(FileKind::OpenPgp(form));
    }
    if is_archive(start) {
        return workbook(path, file, bounds);
    }
    if is_ole(start) {
        return compound(path, opened).map(FileKind::Compound);
    }
    if sheet::is_stream(start) {
        return Ok(FileKind::Workbook(Container::Stream));
    }
    Ok(FileKind::Text)
}

fn is_archive(start: &[u8]) -> bool {
    start.starts_with(b"PK") && matches!(start.get(2..4), Some(b"\x03\x04" | b"\x05\x06"))
}

fn is_ole(start: &[u8]) -> bool {
    start.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

/// Refuses what its first bytes show not to be a table, before the rest is read.
/// `named` is the encoding that the mapping names.
pub(super) fn refuse_by_start(
    path: &Arc<Path>,
    start: &[u8],
    named: Option<Charset>,
) -> Result<(), FeedError> {
    if is_archive(start) || is_ole(start) || sheet::is_stream(start) {
        return Ok(());
    }
    // A workbook of Excel 2 to 4 begins with such a record.
    if matches!(start, [0x09, 0x00 | 0x02 | 0x04, 0x04 | 0x06, 0x00, ..]) {
        return Err(FeedError::format(path, OtherFormat::OldWorkbook));
    }
    if let Some(&(_, what)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(FeedError::not_a_table(path, what));
    }
    match openpgp::recognise(start) {
        Some(Found::Message(_)) => return Ok(()),
        Some(Found::Other(what)) => return Err(FeedError::not_a_table(path, what)),
        None => {}
    }
    if is_readable(start, named) {
        refuse_other_text(path, start)?;
    }
    Ok(())
}

/// Whether text that begins so has ASCII's bytes for ASCII's letters.
pub(super) fn is_readable(start: &[u8], named: Option<Charset>) -> bool {
    encoding::certain(start, named).is_none_or(|(charset, _)| charset.is_ascii_compatible())
}

/// Refuses text that is not a table: HTML, XML and JSON, all of which some
/// system exports under the name `.csv` or `.xls`. `start` is in an encoding that has
/// ASCII's bytes for ASCII's letters.
pub(super) fn refuse_other_text(path: &Arc<Path>, start: &[u8]) -> Result<(), FeedError> {
    if memchr::memchr(0, start).is_some() {
        let is_odd = |byte: &&u8| **byte < b' ' && !byte.is_ascii_whitespace();
        let odd = start.iter().filter(is_odd).count();
        return Err(FeedError::not_a_table(
            path,
            if odd * 20 < start.len() {
                "a text with zero bytes (NUL), as a transfer that broke or a wrong encoding leaves \
                 them"
            } else {
                "a binary file"
            },
        ));
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = text.trim_ascii_start();
    let pages = ["<!doctype html", "<html", "<table", "<head", "<meta"];
    if pages.iter().any(|tag| begins(text, tag)) {
        return Err(FeedError::format(path, OtherFormat::WebPage));
    }
    // So Excel and report writers save a web page in one file, which they call `.xls`.
    if begins(text, "MIME-Version:") {
        return Err(FeedError::format(path, OtherFormat::WebArchive));
    }
    if begins(text, "<?xml") || begins(text, "<workbook") {
        let excel = memmem::find(text, b"urn:schemas-microsoft-com:office:spreadsheet");
        return Err(match excel {
            Some(_) => FeedError::format(path, OtherFormat::XmlWorkbook),
            None => FeedError::not_a_table(path, "an XML document"),
        });
    }
    let mut signs = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    match (signs.next(), signs.next()) {
        (Some(b'{'), Some(b'"' | b'}')) | (Some(b'['), Some(b'{' | b'[' | b']')) => {
            Err(FeedError::not_a_table(path, "a JSON document"))
        }
        _ => Ok(()),
    }
}

fn begins(text: &[u8], what: &str) -> bool {
    let begin = text.get(..what.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(what.as_bytes()))
}

/// Distinguishes the kinds of ZIP archive.
fn workbook(path: &Arc<Path>, file: &File, bounds: Bounds) -> Result<FileKind, FeedError> {
    let archive = Archive::read(file).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            FeedError::not_a_table(path, "a damaged ZIP archive")
        }
        _ => FeedError::read(path, 0)(error),
    })?;
    let names = archive.parts.iter().map(|part| &part.name);
    let has = |name: &str| names.clone().any(|it| it.eq_ignore_ascii_case(name));
    let any = |start: &str| names.clone().any(|it| begins(it.as_bytes(), start));
    // Its files are folders to Macs, which other programs pack whole.
    let is_of_numbers =
        any("Index/") && any("Metadata/") || names.clone().any(|name| name.contains(".numbers/"));
    let container: fn(Archive) -> Container = if has("xl/workbook.bin") {
        Container::Records
    } else if any("xl/") || any("workbook.xml") {
        Container::Xml
    } else if has("mimetype") && has("content.xml") {
        if !sheet::is_spreadsheet(file, &archive) {
            let what = "an OpenDocument file without a table";
            return Err(FeedError::not_a_table(path, what));
        }
        Container::OpenDocument
    } else if is_of_numbers {
        return Err(FeedError::format(path, OtherFormat::Numbers));
    } else if any("word/") {
        return Err(FeedError::not_a_table(path, "a Word document"));
    } else if any("ppt/") {
        return Err(FeedError::not_a_table(path, "a PowerPoint document"));
    } else {
        return packed(path, archive, bounds);
    };
    let sizes = archive.parts.iter().map(|part| part.unpacked);
    if sizes.fold(0, u64::saturating_add) > bounds.max {
        return Err(bounds.too_large(path, true));
    }
    if let Some(part) = archive.parts.iter().find(|part| part.is_bomb()) {
        return Err(FeedError::Bomb {
            path: path.clone(),
            packed: part.packed,
            unpacked: part.unpacked,
        });
    }
    Ok(FileKind::Workbook(container(archive)))
}

/// The one file in an archive that is none of the known kinds.
fn packed(path: &Arc<Path>, archive: Archive, bounds: Bounds) -> Result<FileKind, FeedError> {
    // What Macs and Windows put beside the files.
    let is_of_system = |name: &str| {
        let file = name.rsplit('/').next().unwrap_or_default();
        name.starts_with("__MACOSX/") || [".DS_Store", "Thumbs.db", "desktop.ini"].contains(&file)
    };
    let mut files = archive.parts.into_iter();
    let mut files = files
        .by_ref()
        .filter(|part| !part.name.ends_with('/') && !is_of_system(&part.name));
    let (file, another) = (files.next(), files.next());
    let Some(file) = file.filter(|_| another.is_none()) else {
        return Err(FeedError::not_a_table(
            path,
            "a ZIP archive that does not hold exactly one file",
        ));
    };
    if file.is_encrypted {
        return Err(FeedError::PasswordOfArchive(path.clone()));
    }
    if !file.is_readable() {
        return Err(FeedError::not_a_table(
            path,
            "a ZIP archive that is packed in another way than with DEFLATE",
        ));
    }
    if file.unpacked > bounds.max {
        return Err(bounds.too_large(path, true));
    }
    if file.is_bomb() {
        return Err(FeedError::Bomb {
            path: path.clone(),
            packed: file.packed,
            unpacked: file.unpacked,
        });
    }
    Ok(FileKind::Packed(file))
}

/// The stream with the workbook in a compound file, in which older programs of Office save.
fn compound(path: &Arc<Path>, opened: &Opened) -> Result<&'static str, FeedError> {
    let directory = Compound::open(opened).map_err(|error| Compound::damaged(path, error))?;
    // Of a workbook that Excel 5 reads too, the later one holds more.
    if let Some(name) = ["Workbook", "Book"]
        .into_iter()
        .find(|name| directory.has(name))
    {
        return Ok(name);
    }
    Err(if directory.has("EncryptedPackage") {
        FeedError::Password(path.clone())
    } else {
        FeedError::not_a_table(path, "an old Office document")
    })
}
