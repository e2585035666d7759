//! Feeds in all encodings, languages and manners of CSV, each read without a word in
//! the mapping: what was decided beside what is true.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;

use super::{Feed, FeedError, FeedOptions, FeedSource};

/// How a program writes CSV: the delimiter, whether every cell is quoted, the line end.
type Manner = (&'static str, bool, &'static str);

const MANNERS: [Manner; 6] = [
    (";", false, "\r\n"),
    (",", true, "\r\n"),
    ("\t", false, "\n"),
    ("|", false, "\r"),
    (",", false, "\n"),
    (";", true, "\r"),
];

/// Rows of cells, the header first.
type Rows = Vec<Vec<String>>;

struct Text {
    language: String,
    encoding: String,
    bytes: Vec<u8>,
}

/// The texts, in the order of their names.
fn texts() -> Vec<Text> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/encodings");
    let mut texts: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let (language, encoding) = name.strip_suffix(".txt")?.split_once('.')?;
            Some(Text {
                language: language.to_owned(),
                encoding: encoding.to_owned(),
                bytes: std::fs::read(&path).unwrap(),
            })
        })
        .collect();
    texts.sort_by(|a, b| (&a.language, &a.encoding).cmp(&(&b.language, &b.encoding)));
    texts
}

/// The first `rows` rows of a text as a program writes them. Neither a tab nor a line end
/// is part of a letter in any of the encodings.
fn written(text: &[u8], (delimiter, is_quoted, end): Manner, rows: usize) -> Vec<u8> {
    let quote: &[u8] = if is_quoted { b"\"" } else { b"" };
    let mut feed = Vec::new();
    for line in text.split(|&byte| byte == b'\n').take(rows + 1) {
        if line.is_empty() {
            continue;
        }
        let cells = line.split(|&byte| byte == b'\t');
        let cells: Vec<_> = cells.map(|cell| [quote, cell, quote].concat()).collect();
        feed.extend_from_slice(&cells.join(delimiter.as_bytes()));
        feed.extend_from_slice(end.as_bytes());
    }
    feed
}

/// The forms of Unicode that are not UTF-8 without a mark.
fn unicode(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf16 =
        |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
    let utf32 = |text: &str, bytes: fn(u32) -> [u8; 4]| {
        text.chars().map(u32::from).flat_map(bytes).collect()
    };
    let marked = format!("\u{feff}{text}");
    vec![
        ("UTF-8 with a mark", marked.clone().into_bytes()),
        ("UTF-16LE with a mark", utf16(&marked, u16::to_le_bytes)),
        ("UTF-16BE with a mark", utf16(&marked, u16::to_be_bytes)),
        ("UTF-16LE", utf16(text, u16::to_le_bytes)),
        ("UTF-16BE", utf16(text, u16::to_be_bytes)),
        ("UTF-32LE with a mark", utf32(&marked, u32::to_le_bytes)),
        ("UTF-32BE with a mark", utf32(&marked, u32::to_be_bytes)),
        ("UTF-32LE", utf32(text, u32::to_le_bytes)),
    ]
}

/// What a feed is read as: its encoding and rows.
fn read(bytes: &[u8]) -> Result<(&'static str, Rows), FeedError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let source = FeedSource::from_argument(file.path());
    let mut feed = Feed::open(&source, &FeedOptions::default())?;
    let mut rows = vec![feed.columns().to_vec()];
    feed.read(
        |batch| {
            let mut rows = Vec::new();
            while let Some(record) = batch.next_record() {
                let cells = (0..record.len()).map(|index| record.cell(index).unwrap().text);
                rows.push(cells.map(str::to_owned).collect());
            }
            rows
        },
        |batch: Rows, _| {
            rows.extend(batch);
            Ok::<_, FeedError>(())
        },
    )?;
    Ok((feed.format().other_encoding().unwrap_or("UTF-8"), rows))
}

/// What became of the feeds that are in one encoding.
#[derive(Default)]
struct Tally {
    right: usize,
    asked: usize,
    /// The feeds that were read as something else.
    wrong: Vec<String>,
}

/// What became of all feeds, by their encoding.
#[derive(Default)]
struct Table(BTreeMap<String, Tally>);

impl Table {
    /// Reads a feed in the encoding `truth` that has these rows.
    fn try_one(&mut self, truth: &str, language: &str, bytes: &[u8], rows: &Rows) {
        let tally = self.0.entry(truth.to_owned()).or_default();
        match read(bytes) {
            Ok((_, found)) if found == *rows => tally.right += 1,
            Ok((decided, _)) => tally.wrong.push(format!("{language} as {decided}")),
            Err(FeedError::EncodingUnclear { .. }) => tally.asked += 1,
            Err(error) => panic!("{language} in {truth}: {error}"),
        }
    }

    /// How many feeds were read rightly, asked about, and read wrongly.
    fn sums(&self) -> (usize, usize, usize) {
        let sum = |of: fn(&Tally) -> usize| self.0.values().map(of).sum();
        (
            sum(|it| it.right),
            sum(|it| it.asked),
            sum(|it| it.wrong.len()),
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (truth, tally) in &self.0 {
            let Tally {
                right,
                asked,
                wrong,
            } = tally;
            writeln!(f, "{truth}: {right} right, {asked} asked, wrong: {wrong:?}")?;
        }
        let (right, asked, wrong) = self.sums();
        let feeds = right + asked + wrong;
        writeln!(
            f,
            "{feeds} feeds, {right} right, {asked} asked, {wrong} wrong"
        )
    }
}

/// The rows of a text in UTF-8.
fn rows(text: &[u8], n_rows: usize) -> Rows {
    let text = String::from_utf8(written(text, ("\t", false, "\n"), n_rows)).unwrap();
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
    text.lines().map(cells).collect()
}

/// The same people as a text in another encoding.
fn in_utf_8<'a>(texts: &'a [Text], text: &Text) -> &'a [u8] {
    let is_whole = |it: &&Text| it.language == text.language && it.encoding == "utf-8";
    &texts.iter().find(is_whole).unwrap().bytes
}

#[test]
fn feeds_in_any_encoding_language_and_manner_are_read_rightly_or_a_person_is_asked() {
    let texts = texts();
    let mut table = Table::default();
    for (number, text) in texts.iter().enumerate() {
        let whole = in_utf_8(&texts, text);
        for (step, n_rows) in [42, 42, 12].into_iter().enumerate() {
            let manner = MANNERS[(number + step) % MANNERS.len()];
            let rows = rows(whole, n_rows);
            let feed = written(&text.bytes, manner, n_rows);
            table.try_one(&text.encoding, &text.language, &feed, &rows);
            if text.encoding == "utf-8" {
                let feed = String::from_utf8(feed).unwrap();
                for (truth, bytes) in unicode(&feed) {
                    table.try_one(truth, &text.language, &bytes, &rows);
                }
            }
        }
    }
    let (right, asked, wrong) = table.sums();
    assert_eq!(wrong, 0, "{table}");
    assert!(right * 100 >= (right + asked) * 99, "{table}");
    insta::assert_snapshot!(table);
}

/// Feeds of a few of the same people, whose letters hardly show anything. Nobody who
/// writes the usual encoding of the West is asked.
#[test]
fn of_small_feeds_few_are_read_wrongly_and_western_ones_are_never_asked_about() {
    let texts = texts();
    for (n_rows, max_wrong) in [(5, 0.0), (1, 0.03)] {
        let mut table = Table::default();
        for text in texts.iter().filter(|text| text.encoding != "utf-8") {
            let parts = |bytes: &[u8]| -> Vec<Vec<u8>> {
                let lines: Vec<_> = bytes
                    .split(|&byte| byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .skip(1)
                    .collect();
                let part = |part: &[&[u8]]| {
                    [b"no\tone\ttwo\tplace\tjob", part.join(&b'\n').as_slice()].join(&b'\n')
                };
                lines.chunks(n_rows).map(part).collect()
            };
            let whole = parts(in_utf_8(&texts, text));
            for (part, whole) in parts(&text.bytes).iter().zip(&whole) {
                let feed = written(part, (";", false, "\r\n"), n_rows);
                table.try_one(&text.encoding, &text.language, &feed, &rows(whole, n_rows));
            }
        }
        let (right, asked, wrong) = table.sums();
        let all = right + asked + wrong;
        assert!(wrong as f64 <= all as f64 * max_wrong, "{table}");
        assert_eq!(table.0["windows-1252"].asked, 0, "{table}");
        insta::assert_snapshot!(format!("parts_of_{n_rows}"), table);
    }
}
