//! What a file is, by its content. Names lie: HR systems call HTML `.xls` and
//! CSV `.txt`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use memchr::memmem;

use super::FeedError;
use super::zip::Archive;

/// What can be read.
#[derive(Debug)]
pub(super) enum FileKind {
    /// Text, unless [`refuse_other_text`] says otherwise.
    Text,
    /// An Excel workbook.
    Workbook(Archive),
}

/// First bytes of files that are no table.
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

/// Finds out what `file` is, whose first bytes are `start`.
pub(super) fn find(path: &Arc<Path>, file: &File, start: &[u8]) -> Result<FileKind, FeedError> {
    let no_table = |what| FeedError::NotATable {
        path: path.clone(),
        what,
    };
    let format = |format| FeedError::FormatNotSupported {
        path: path.clone(),
        format,
    };
    if start.is_empty() {
        return Err(FeedError::Empty { path: path.clone() });
    }
    if start.starts_with(b"PK") && matches!(start.get(2..4), Some(b"\x03\x04" | b"\x05\x06")) {
        return workbook(path, file);
    }
    if start.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Err(match ole(file) {
            Ok(Ole::Encrypted) => FeedError::Password { path: path.clone() },
            Ok(Ole::Workbook) => format("an old Excel workbook (.xls)"),
            Ok(Ole::Other) => no_table("an old Office document"),
            Err(source) => FeedError::Read {
                path: path.clone(),
                byte: 0,
                source,
            },
        });
    }
    // A workbook of Excel 2 to 4 begins with such a record.
    if matches!(start, [0x09, 0x00 | 0x02 | 0x04, 0x04 | 0x06, 0x00, ..]) {
        return Err(format("an old Excel workbook (.xls)"));
    }
    // In UTF-16 the second half would be an empty line of zeros.
    if start.starts_with(b"\xff\xfe\0\0") || start.starts_with(b"\0\0\xfe\xff") {
        return Err(FeedError::TextNotSupported {
            path: path.clone(),
            encoding: "UTF-32",
        });
    }
    if let Some(&(_, what)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(no_table(what));
    }
    Ok(FileKind::Text)
}

/// Refuses text that is not a table. `start` is in an encoding that has
/// ASCII's bytes for ASCII's letters.
pub(super) fn refuse_other_text(path: &Arc<Path>, start: &[u8]) -> Result<(), FeedError> {
    let no_table = |what| FeedError::NotATable {
        path: path.clone(),
        what,
    };
    if memchr::memchr(0, start).is_some() {
        return Err(no_table("a binary file"));
    }
    match markup(start) {
        None => Ok(()),
        Some(Markup::Other(what)) => Err(no_table(what)),
        Some(Markup::Spreadsheet) => Err(FeedError::FormatNotSupported {
            path: path.clone(),
            format: "an XML spreadsheet of Excel 2003",
        }),
    }
}

enum Markup {
    Spreadsheet,
    Other(&'static str),
}

/// HTML, XML and JSON, all of which some system exports under the name `.csv`
/// or `.xls`.
fn markup(start: &[u8]) -> Option<Markup> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = text.trim_ascii_start();
    let begins = |what: &[u8]| {
        text.get(..what.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(what))
    };
    if ["<!doctype html", "<html", "<table", "<head", "<meta"]
        .iter()
        .any(|tag| begins(tag.as_bytes()))
    {
        return Some(Markup::Other("an HTML page"));
    }
    if begins(b"<?xml") || begins(b"<workbook") {
        let excel = memmem::find(text, b"urn:schemas-microsoft-com:office:spreadsheet");
        return Some(match excel {
            Some(_) => Markup::Spreadsheet,
            None => Markup::Other("an XML document"),
        });
    }
    let mut signs = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    match (signs.next(), signs.next()) {
        (Some(b'{'), Some(b'"' | b'}')) | (Some(b'['), Some(b'{' | b'[' | b']')) => {
            Some(Markup::Other("a JSON document"))
        }
        _ => None,
    }
}

/// Distinguishes the kinds of ZIP archive.
fn workbook(path: &Arc<Path>, file: &File) -> Result<FileKind, FeedError> {
    let archive = Archive::read(file).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => FeedError::NotATable {
            path: path.clone(),
            what: "a damaged ZIP archive",
        },
        _ => FeedError::Read {
            path: path.clone(),
            byte: 0,
            source,
        },
    })?;
    let has = |name: &str| {
        archive
            .parts
            .iter()
            .any(|part| part.name.eq_ignore_ascii_case(name))
    };
    let any = |start: &str| {
        archive.parts.iter().any(|part| {
            part.name
                .get(..start.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        })
    };
    let format = |format| FeedError::FormatNotSupported {
        path: path.clone(),
        format,
    };
    let no_table = |what| FeedError::NotATable {
        path: path.clone(),
        what,
    };
    if has("xl/workbook.bin") {
        Err(format("a binary Excel workbook (.xlsb)"))
    } else if any("xl/") || any("workbook.xml") {
        if let Some(part) = archive.parts.iter().find(|part| part.is_bomb()) {
            return Err(FeedError::Bomb {
                path: path.clone(),
                packed: part.packed,
                unpacked: part.unpacked,
            });
        }
        Ok(FileKind::Workbook(archive))
    } else if has("mimetype") && has("content.xml") {
        Err(format("an OpenDocument file (.ods)"))
    } else if any("Index/") && any("Metadata/") {
        Err(format("an Apple Numbers file"))
    } else if any("word/") {
        Err(no_table("a Word document"))
    } else if any("ppt/") {
        Err(no_table("a PowerPoint document"))
    } else {
        Err(no_table("a ZIP archive"))
    }
}

enum Ole {
    Encrypted,
    Workbook,
    Other,
}

/// What an OLE2 container holds: the names in its directory, wherever in the
/// file that lies, are UTF-16.
fn ole(mut file: &File) -> io::Result<Ole> {
    let utf16 =
        |name: &str| -> Vec<u8> { name.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let encrypted = utf16("EncryptedPackage");
    // With the zero behind it, or `Workbook` inside a cell would do.
    let workbooks = [utf16("Workbook\0"), utf16("Book\0")];
    let mut found = Ole::Other;
    file.seek(SeekFrom::Start(0))?;
    let mut window = Vec::new();
    loop {
        let read = file.take(1 << 20).read_to_end(&mut window)?;
        if memmem::find(&window, &encrypted).is_some() {
            return Ok(Ole::Encrypted);
        }
        if workbooks
            .iter()
            .any(|name| memmem::find(&window, name).is_some())
        {
            found = Ole::Workbook;
        }
        if read == 0 {
            return Ok(found);
        }
        // A name may lie across two reads.
        window.drain(..window.len().saturating_sub(64));
    }
}
