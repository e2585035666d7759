//! What is done with bytes that anybody may have written. The fuzz targets
//! call it, and so does a test that runs over the corpus.
//!
//! Each function may refuse its bytes with an error, and says whether it took
//! them. It panics where a promise of the reader does not hold.

#[path = "../tests/support/archive.rs"]
mod archive;

use std::fs;
use std::path::Path;

use hrfeed::event::NoListener;
use hrfeed::feed::{CellKind, Feed, FeedError, FeedOptions, FeedSource};
use hrfeed::mapping::{Mapped, Mapping, Person};
use hrfeed::model::{Remark, RowNumber};
use hrfeed::{plan, validate};

use self::archive::{Part, archive, frame};

/// Divides an input into its texts.
const BETWEEN: &str = "\n-----\n";

/// Row numbers and cells, and whether all rows keep to RFC 4180.
type Records = (Vec<(RowNumber, Vec<String>)>, bool);

/// A file of any kind is read twice, with the same result. Returns whether it
/// was read.
pub(crate) fn feed(bytes: &[u8]) -> bool {
    read_twice(bytes, &FeedOptions::default()).is_some()
}

/// CSV is read as the csv crate reads it.
pub(crate) fn csv(bytes: &[u8]) -> bool {
    let is_read = feed(bytes);
    // A header in the first line, and nothing that hrfeed takes as a hint and
    // the csv crate does not.
    let options = FeedOptions {
        delimiter: Some(b','),
        header_row: Some(1),
        ..FeedOptions::default()
    };
    let plain = bytes.is_ascii() && !bytes.contains(&0) && !bytes.contains(&0x1a);
    if !plain
        || bytes
            .get(..4)
            .is_some_and(|it| it.eq_ignore_ascii_case(b"sep="))
    {
        return is_read;
    }
    let Some((found, true)) = read_twice(bytes, &options) else {
        return is_read;
    };
    let mut reader = ::csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(true)
        .from_reader(bytes);
    let expected: Vec<Vec<String>> = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .filter(|cells: &Vec<String>| cells.iter().any(|cell| !cell.trim().is_empty()))
        .collect();
    let found: Vec<_> = found.into_iter().map(|(_, cells)| cells).collect();
    if found.len() < expected.len() {
        // Rows that are plainly no people are left out, and no others.
        let mut all = expected.iter();
        assert!(found.iter().all(|cells| all.any(|it| it == cells)));
    } else {
        assert_eq!(found, expected);
    }
    is_read
}

/// The parts of a workbook with one sheet: the sheet, the shared strings, the
/// styles.
pub(crate) fn sheet(text: &str) -> bool {
    let mut texts = text.split(BETWEEN);
    let mut parts = Vec::from(frame());
    for name in [
        "xl/worksheets/sheet1.xml",
        "xl/sharedStrings.xml",
        "xl/styles.xml",
    ] {
        if let Some(text) = texts.next() {
            parts.push(Part::stored(name, text.as_bytes()));
        }
    }
    feed(&archive(&parts))
}

/// The parts of a binary workbook with one sheet: the sheet, the shared strings, the
/// styles.
pub(crate) fn xlsb(bytes: &[u8]) -> bool {
    let relations = |parts: &[(&str, &str)]| {
        let each = parts.iter().map(|(kind, target)| {
            format!("<Relationship Id=\"{kind}\" Type=\"x/{kind}\" Target=\"{target}\"/>")
        });
        let each: String = each.collect();
        format!("<Relationships>{each}</Relationships>").into_bytes()
    };
    let root = relations(&[("officeDocument", "xl/workbook.bin")]);
    let of_workbook = relations(&[("worksheet", "sheet.bin")]);
    // One sheet that is shown: its state, number, relation and name.
    let mut workbook = b"\x9c\x01\x2c\0\0\0\0\x01\0\0\0".to_vec();
    for text in ["worksheet", "Staff"] {
        workbook.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        workbook.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }
    let mut parts = vec![
        Part::stored("_rels/.rels", &root),
        Part::stored("xl/workbook.bin", &workbook),
        Part::stored("xl/_rels/workbook.bin.rels", &of_workbook),
    ];
    let mut rest = bytes;
    for name in ["xl/sheet.bin", "xl/sharedStrings.bin", "xl/styles.bin"] {
        let between = BETWEEN.as_bytes();
        let end = rest.windows(between.len()).position(|it| it == between);
        let (part, behind) = match end {
            Some(end) => (&rest[..end], Some(&rest[end + between.len()..])),
            None => (rest, None),
        };
        parts.push(Part::stored(name, part));
        let Some(behind) = behind else { break };
        rest = behind;
    }
    feed(&archive(&parts))
}

/// The parts of an OpenDocument spreadsheet: the sheets, the styles that they share.
pub(crate) fn ods(text: &str) -> bool {
    let mut texts = text.split(BETWEEN);
    let mut parts = Vec::new();
    for name in ["content.xml", "styles.xml"] {
        if let Some(text) = texts.next() {
            parts.push(Part::stored(name, text.as_bytes()));
        }
    }
    let kind = b"application/vnd.oasis.opendocument.spreadsheet";
    parts.push(Part::stored("mimetype", kind));
    feed(&archive(&parts))
}

/// A mapping, and a feed that it is applied to.
pub(crate) fn mapping(text: &str) -> bool {
    let (text, feed) = text.split_once(BETWEEN).unwrap_or((text, ""));
    let mapping = match Mapping::parse(Path::new("mapping.toml"), text) {
        Ok(mapping) => mapping,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            drop(error.help());
            return false;
        }
    };
    let file = file(feed.as_bytes());
    let Some(mut feed) = opened(file.path(), &mapping.source) else {
        return false;
    };
    let duplicates: Vec<String> = feed
        .duplicate_columns()
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    let Ok(bound) = mapping.bind(feed.columns(), &duplicates, jiff::civil::date(2026, 11, 23))
    else {
        return false;
    };
    let mut wrong = false;
    let read = feed.read(
        |rows| {
            let mut faults = Vec::new();
            while let Some(record) = rows.next_record() {
                let mut person = Person::default();
                match bound.apply(record, &mut person, &mut faults) {
                    Ok(Mapped::Skipped | Mapped::GaveWay | Mapped::Leaver) => {}
                    Ok(Mapped::Row) => {
                        let id = validate::person(&bound, &person, &mut faults);
                        assert!(id.is_some() || !faults.is_empty(), "no ID and no fault");
                    }
                    Err(_) => return true,
                }
            }
            false
        },
        |is_wrong, _| {
            wrong |= is_wrong;
            Ok::<_, FeedError>(())
        },
    );
    // The scan does the same and more, so it must come to the same end.
    let scan = plan::scan(&mut feed, &bound, 1, true, &|| false, &mut NoListener);
    assert_eq!(scan.is_ok(), read.is_ok() && !wrong);
    if let Ok(scan) = &scan {
        for finding in &scan.findings {
            assert!(!finding.message().is_empty());
        }
    }
    scan.is_ok()
}

/// A file with these bytes, gone with the handle.
fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    file
}

fn opened(path: &Path, options: &FeedOptions) -> Option<Feed> {
    match Feed::open(&FeedSource::Path(path.to_owned()), options) {
        Ok(feed) => {
            assert!(!feed.columns().is_empty());
            Some(feed)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            drop(error.help());
            None
        }
    }
}

/// Reads a file twice. Returns its records, or nothing if it is refused.
fn read_twice(bytes: &[u8], options: &FeedOptions) -> Option<Records> {
    let file = file(bytes);
    let mut feed = opened(file.path(), options)?;
    let once = read(&mut feed);
    let twice = read(&mut feed);
    match (once, twice) {
        (Ok(once), Ok(twice)) => {
            assert_eq!(once, twice, "another pass, other records");
            assert!(feed.sha256().is_some());
            let mut before = feed.header_row();
            for (row, cells) in &once.0 {
                assert!(*row > before, "rows out of order");
                before = *row;
                assert!(
                    cells.iter().any(|cell| !cell.trim().is_empty()),
                    "a blank record"
                );
            }
            Some(once)
        }
        (Err(once), Err(twice)) => {
            assert_eq!(once.to_string(), twice.to_string());
            None
        }
        (once, twice) => panic!("{once:?} and then {twice:?}"),
    }
}

fn read(feed: &mut Feed) -> Result<Records, FeedError> {
    let mut records = Vec::new();
    let mut is_plain = true;
    feed.read(
        |rows| {
            let (mut batch, mut is_plain) = (Vec::new(), true);
            while let Some(record) = rows.next_record() {
                let cells = (0..record.len()).map(|index| match record.cell(index) {
                    // A formula that nobody has worked out is not empty.
                    Some(cell) if cell.kind == CellKind::Uncalculated => "=".into(),
                    Some(cell) => cell.text.to_owned(),
                    None => String::new(),
                });
                // A cell that is not text is not empty.
                let mut cells: Vec<String> = cells.collect();
                if record.not_text().is_some() {
                    cells.push("no text".into());
                }
                // Nor is one that nobody can tell from the next.
                if record.flaw().is_some() {
                    cells.push("flawed".into());
                    is_plain = false;
                }
                batch.push((record.row(), cells));
            }
            (batch, is_plain && rows.take_remarks().is_empty())
        },
        |(batch, is_batch_plain), _| {
            records.extend(batch);
            is_plain &= is_batch_plain;
            Ok::<_, FeedError>(())
        },
    )?;
    let remarks = feed.remarks();
    is_plain &= !(remarks.iter()).any(|it| matches!(it.remark, Remark::Quoting { .. }));
    Ok((records, is_plain))
}
