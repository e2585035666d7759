//! The dialect of a CSV file, found in its start: delimiter, header, length of
//! a row.

use memchr::memchr2;

use super::cells::Facts;
use super::cut::scan;
use super::quoting::{Dialect, Inner, Marks, Quoting};
use super::rows::CsvRows;
use crate::feed::corrections::{self, Corrections};
use crate::feed::header::{self, HeadRow};
use crate::feed::record::Record;
use crate::model::RowNumber;

/// Candidates, the likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// The start of a file, read in one dialect.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) dialect: Dialect,
    pub(super) rows: Vec<HeadRow>,
    /// How the quotes of each row are.
    quotes: Vec<RowQuotes>,
    /// Where each row ends in the sample, and the line there.
    pub(super) ends: Vec<(usize, u32)>,
    /// How far the sample was read: up to the last whole record.
    pub(super) examined: usize,
    /// A quote that the sample leaves open.
    pub(super) open: Option<usize>,
}

/// The quotes of a row.
#[derive(Clone, Copy, Debug, Default)]
struct RowQuotes {
    facts: Facts,
    /// They do not show where cells end.
    is_wrong: bool,
    /// A cell holds a delimiter or a line break.
    holds: bool,
}

/// Where to start: past a byte order mark and past the line `sep=;` that Excel
/// understands, which names the delimiter.
pub(super) fn start(sample: &[u8]) -> (usize, u32, Option<u8>) {
    let mark = if sample.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let text = sample.get(mark..).unwrap_or_default();
    named_delimiter(text).map_or((mark, 1, None), |(length, delimiter)| {
        (mark + length, 2, Some(delimiter))
    })
}

/// The delimiter that the first line names, and how long that line is. Programs that open
/// and save such a file put the line in quotes, or add delimiters to it.
fn named_delimiter(text: &[u8]) -> Option<(usize, u8)> {
    let length = memchr2(b'\n', b'\r', text)?;
    let line = text.get(..length)?;
    let is_pair = text.get(length..length + 2) == Some(b"\r\n");
    let (quote, said) = match line {
        [b'"', rest @ ..] => (Some(b'"'), rest),
        _ => (None, line),
    };
    let [s, e, p, b'=', delimiter, behind @ ..] = said else {
        return None;
    };
    let is_more = |&byte: &u8| byte == *delimiter || byte == b' ' || Some(byte) == quote;
    let is_named = [*s, *e, *p].eq_ignore_ascii_case(b"sep")
        && is_delimiter(*delimiter)
        && behind.iter().all(is_more);
    is_named.then_some((length + 1 + usize::from(is_pair), *delimiter))
}

/// Whether a byte can part cells.
pub(super) fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0)
}

/// The start of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample<'a> {
    pub(super) bytes: &'a [u8],
    /// Where to start, and the line there.
    pub(super) start: (usize, u32),
    /// It is the whole file.
    pub(super) whole: bool,
    /// A line that must be among those that are read.
    pub(super) until: u32,
}

/// Reads the first rows in one dialect.
pub(super) fn head(sample: Sample<'_>, dialect: Dialect) -> Head {
    let (at, line) = sample.start;
    let text = sample.bytes.get(at..).unwrap_or_default();
    let found = scan(text, dialect, 0, sample.whole);
    let end = if sample.whole { text.len() } else { found.end };
    let text = text.get(..end).unwrap_or_default();
    let mut head = Head {
        dialect,
        rows: Vec::new(),
        quotes: Vec::new(),
        ends: Vec::new(),
        examined: at + end,
        open: found.open.map(|open| at + open),
    };
    let mut rows = CsvRows::new(text, dialect, 0, line);
    let mut record = Record::new();
    while head.rows.len() < header::ROWS_EXAMINED || record.row().row() < sample.until {
        if !rows.read(&mut record) {
            break;
        }
        if record.is_blank() {
            continue;
        }
        let cells = header::cells(&record);
        let parts =
            |char: char| matches!(char, '\r' | '\n') || char == char::from(dialect.delimiter);
        head.quotes.push(RowQuotes {
            facts: rows.facts(),
            is_wrong: record.flaw().is_some(),
            holds: cells.iter().any(|cell| cell.contains(parts)),
        });
        head.rows.push(HeadRow {
            row: Some(record.row()),
            cells,
            not_text: record.not_text(),
            width: record.len(),
        });
        head.ends.push((at + rows.position(), rows.line()));
    }
    head
}

/// Reads the first rows in the dialect that makes a table of them. The delimiter is one of
/// `delimiters`.
pub(super) fn find(sample: Sample<'_>, delimiters: &[u8]) -> Option<Head> {
    let plain = best(sample, delimiters, Quoting::PLAIN, |_| true)?;
    let is_sound = !plain.is_wrong() && plain.header().is_some_and(|(_, columns)| columns > 1);
    let candidates = Quoting::candidates(sample.bytes).into_iter();
    // What is in order as it is has quotes inside quotes by chance only. A quote in a cell
    // that is not quoted may have lost what made it so, and with it the sense of backslashes.
    let is_stray = plain.quotes.iter().any(|row| row.facts.stray);
    let candidates = candidates.filter(|it| {
        let is_backslash = matches!(it.inner, Inner::Backslash { .. });
        !is_sound || it.lines || it.marks != Marks::Double || (is_stray && is_backslash)
    });
    let heads = candidates.filter_map(|it| best(sample, delimiters, it, Head::is_certain));
    // Of equals the first.
    let found = heads.min_by(|a, b| {
        let ((right_a, wrong_a), (right_b, wrong_b)) = (a.fitting(), b.fitting());
        (wrong_a + right_b).cmp(&(wrong_b + right_a))
    });
    Some(found.unwrap_or(plain).with_lone_backslashes())
}

/// Reads the first rows as those that came back, if they are such: with the delimiter that
/// makes cells of the columns that hrfeed added, and quotes as spreadsheets write them.
pub(super) fn of_corrections(sample: Sample<'_>, named: Option<u8>) -> Option<Head> {
    if !corrections::may_be_in(sample.bytes) {
        return None;
    }
    let dialects = DELIMITERS.into_iter().chain(named).map(Dialect::plain);
    let mut heads = dialects.map(|dialect| head(sample, dialect));
    heads.find(|head| Corrections::find(&head.rows).is_some())
}

/// The same for delimiters that nobody named.
pub(super) fn find_any(sample: Sample<'_>) -> Option<Head> {
    find(sample, &DELIMITERS)
}

/// Reads the first rows with the delimiter that makes most of a table of them.
fn best(
    sample: Sample<'_>,
    delimiters: &[u8],
    quoting: Quoting,
    is_possible: fn(&Head) -> bool,
) -> Option<Head> {
    delimiters
        .iter()
        .map(|&delimiter| head(sample, Dialect { delimiter, quoting }))
        .filter(is_possible)
        .map(|head| (score(&head), head))
        // Of equals the first stays.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, head)| head)
}

impl Head {
    /// Whether the quotes of the row with this number do not show where its cells end.
    pub(super) fn is_wrong_in(&self, row: RowNumber) -> bool {
        let mut rows = self.rows.iter().zip(&self.quotes);
        rows.any(|(it, quotes)| it.row == Some(row) && quotes.is_wrong)
    }

    /// Whether a row's quotes do not show where cells end.
    fn is_wrong(&self) -> bool {
        self.open.is_some() || self.quotes.iter().any(|row| row.is_wrong)
    }

    /// The index of the header, and its columns.
    fn header(&self) -> Option<(usize, usize)> {
        let index = header::find(&self.rows)?;
        Some((index, self.rows.get(index)?.width))
    }

    /// The rows from the header on.
    fn table(&self) -> impl Iterator<Item = (&HeadRow, &RowQuotes)> {
        let header = self.header().map_or(0, |(index, _)| index);
        self.rows.iter().zip(&self.quotes).skip(header)
    }

    /// In how many rows it shows that the file quotes so, and how many can then not be
    /// read.
    fn fitting(&self) -> (usize, usize) {
        let columns = self.header().map_or(0, |(_, columns)| columns);
        let is_marked = self.dialect.quoting.marks != Marks::Double;
        let (mut right, mut wrong) = (0, 0);
        for (
            row,
            RowQuotes {
                facts, is_wrong, ..
            },
        ) in self.table()
        {
            let shows = facts.odd.is_some() || facts.unwrapped || (is_marked && facts.quoted > 0);
            let fits = row.width == columns && !facts.stray;
            if *is_wrong || (shows && !fits) {
                wrong += 1;
            } else if shows {
                right += 1;
            }
        }
        (right, wrong)
    }

    /// Whether it is certain that the file quotes so, and not as RFC 4180 says. Rows that
    /// do not fit are refused, so a few of them do not speak against it.
    fn is_certain(&self) -> bool {
        let Some((header, columns)) = self.header() else {
            return false;
        };
        let quoting = self.dialect.quoting;
        let is_marked = quoting.marks != Marks::Double;
        let names = self.quotes.get(header);
        let (right, wrong) = self.fitting();
        let is_odd_header = names.is_none_or(|it| it.is_wrong);
        let tolerated = if is_marked { right / 4 } else { right };
        if columns < 2 || is_odd_header || self.open.is_some() || right == 0 || wrong > tolerated {
            return false;
        }
        // Quotes that are doubled speak against any other way.
        let is_doubled = self.table().any(|(_, row)| row.facts.doubled);
        if is_doubled && quoting.inner != Inner::Doubled {
            return false;
        }
        if !is_marked {
            return true;
        }
        // Somebody's name may be in quotes, or a nickname.
        let quoted: usize = self.table().map(|(_, row)| row.facts.quoted).sum();
        let filled: usize = self.table().map(|(row, _)| row.filled()).sum();
        let of_names = names.map_or(0, |row| row.facts.quoted);
        let in_doubles = self.table().flat_map(|(row, _)| &row.cells);
        if in_doubles.filter(|cell| cell.starts_with('"')).count() >= quoted {
            return false;
        }
        let holds = |row: &RowQuotes| row.holds && row.facts.quoted > 0 && !row.is_wrong;
        of_names * 2 > columns
            || quoted * 2 > filled
            || self.table().any(|(_, row)| holds(row))
            || self.table().skip(1).all(|(_, row)| row.facts.quoted >= 2)
    }

    /// Notes whether backslashes mean themselves, too, as far as sound rows show it.
    fn with_lone_backslashes(mut self) -> Self {
        if let Inner::Backslash { lone } = &mut self.dialect.quoting.inner {
            let mut sound = self.quotes.iter().filter(|row| !row.is_wrong);
            *lone =
                self.quotes.iter().any(|row| row.facts.lone) || !sound.any(|row| row.facts.escaped);
        }
        self
    }
}

/// How much rows look like a table: rows of equal width, as wide as what would
/// be the header. How often a delimiter occurs does not count: decimal commas
/// and `Last, First` are many.
fn score(head: &Head) -> f64 {
    let index = header::find(&head.rows).unwrap_or(0);
    let Some((header, below)) = head.rows.get(index..).and_then(<[_]>::split_first) else {
        return 0.0;
    };
    // Of a row that is not certain nobody knows the width.
    let quotes = head.quotes.iter().skip(index + 1);
    let widths = below.iter().zip(quotes);
    let mut widths: Vec<_> = widths
        .map(|(row, quotes)| if quotes.is_wrong { 0 } else { row.width })
        .collect();
    widths.sort_unstable();
    let (usual, times) = widths
        .chunk_by(|a, b| a == b)
        .map(|same| (same.first().copied().unwrap_or(0), same.len()))
        .max_by_key(|&(_, times)| times)
        .unwrap_or((header.width, 0));
    if header.width < 2 || usual < 2 {
        // One column: no table that this delimiter makes.
        return 0.0;
    }
    let regular = times as f64 / below.len().max(1) as f64;
    let agrees = f64::from(u8::from(header.width == usual && times > 0));
    let named = header.filled() as f64 / header.width as f64;
    // Rows that seem to be above the table are rather a sign of the wrong one.
    let part_of_table = (below.len() + 1) as f64 / head.rows.len() as f64;
    (regular + agrees + 0.5 * named + 0.1 * (header.width as f64).log2()) * part_of_table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sample: &str, expected: u8) {
        let (at, line, _) = start(sample.as_bytes());
        let bytes = sample.as_bytes();
        let start = (at, line);
        let (whole, until) = (true, 0);
        let sample = Sample {
            bytes,
            start,
            whole,
            until,
        };
        let dialect = find_any(sample).unwrap().dialect;
        assert_eq!(dialect, Dialect::plain(expected), "{sample:?}");
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_a_table() {
        check("id,name,mail\n1,Ann,a@b.c\n", b',');
        check(
            "id;name;mail\n1;Doe, John;a@b.c\n2;Roe, Jane, Dr., jr.;r@b.c\n",
            b';',
        );
        check("id;rate;days\n1;0,5;1,5\n2;0,8;2,5\n3;1,0;0,0\n", b';');
        check("id\tname\n1\tDoe, John; the first\n", b'\t');
        check("id|name|mail\n1|a,b|c\n", b'|');
        check(
            "Staff, all of them; as of May\n\nid;name;mail\n1;a;b\n2;c,d;e\n",
            b';',
        );
        check("id,\"name; or names\",x\n1,\"a;b\",c\n2,\"a;b\",c\n", b',');
        check("mail\na@b.c\n", b',');
        check("mail\nAnn; Bob\nCleo\nDora\n", b',');
        check("id;name;mail\n", b';');
        check("Fill in\n\nid;name;mail\n", b';');
        check("id,name,note\n1,a\n2,b,c,d,e\n3,c,d\n", b',');
    }

    #[test]
    fn what_excel_writes_in_the_first_line_names_the_delimiter() {
        assert_eq!(start(b"sep=;\r\na;b\r\n"), (7, 2, Some(b';')));
        assert_eq!(start(b"\xef\xbb\xbfSEP=|\na|b\n"), (9, 2, Some(b'|')));
        assert_eq!(start(b"\"sep=;\"\r\na;b\r\n"), (9, 2, Some(b';')));
        assert_eq!(start(b"sep=,,,\ra,b\r"), (8, 2, Some(b',')));
        assert_eq!(start(b"sep=\t\na\tb\n"), (6, 2, Some(b'\t')));
        assert_eq!(start(b"sep=x,y\n"), (0, 1, None));
        assert_eq!(start(b"\xef\xbb\xbfid\n"), (3, 1, None));
    }
}
