//! The dialect of a CSV file, found in its start: delimiter, header, length of
//! a row.

use super::cut::scan;
use super::rows::CsvRows;
use crate::feed::header::{self, HeadRow};
use crate::feed::record::Record;

/// Candidates, the likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// The start of a file, read with one delimiter.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) delimiter: u8,
    pub(super) rows: Vec<HeadRow>,
    /// Where each row ends in the sample, and the line there.
    pub(super) ends: Vec<(usize, u32)>,
    /// How far the sample was read: up to the last whole record.
    pub(super) examined: usize,
    /// A quote that the sample leaves open.
    pub(super) open: Option<usize>,
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
    if let [s, e, p, b'=', delimiter, rest @ ..] = text
        && [*s, *e, *p].eq_ignore_ascii_case(b"sep")
        && is_delimiter(*delimiter)
    {
        let length = match rest {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => return (mark, 1, None),
        };
        return (mark + 5 + length, 2, Some(*delimiter));
    }
    (mark, 1, None)
}

/// Whether a byte can part cells.
pub(super) fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0)
}

/// Reads the first rows with one delimiter. `until` is a line that must be
/// among them.
pub(super) fn head(
    sample: &[u8],
    (at, line): (usize, u32),
    whole: bool,
    delimiter: u8,
    until: u32,
) -> Head {
    let text = sample.get(at..).unwrap_or_default();
    let found = scan(text, delimiter);
    let end = if whole { text.len() } else { found.end };
    let text = text.get(..end).unwrap_or_default();
    let mut head = Head {
        delimiter,
        rows: Vec::new(),
        ends: Vec::new(),
        examined: at + end,
        open: found.open.map(|open| at + open),
    };
    let mut rows = CsvRows::new(text, delimiter, line);
    let mut record = Record::new();
    while head.rows.len() < header::ROWS_EXAMINED || record.row().0 < until {
        if !rows.read(&mut record) {
            break;
        }
        if record.is_blank() {
            continue;
        }
        head.rows.push(HeadRow {
            row: Some(record.row()),
            cells: header::cells(&record),
            not_text: record.not_text(),
            width: record.len(),
        });
        head.ends.push((at + rows.position(), rows.line()));
    }
    head
}

/// Reads the first rows with the delimiter that makes a table of them.
pub(super) fn best_head(
    sample: &[u8],
    start: (usize, u32),
    whole: bool,
    until: u32,
) -> Option<Head> {
    DELIMITERS
        .iter()
        .map(|&delimiter| head(sample, start, whole, delimiter, until))
        .map(|head| (score(&head), head))
        // Of equals the first stays.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, head)| head)
}

/// How much rows look like a table: rows of equal width, as wide as what would
/// be the header. How often a delimiter occurs does not count: decimal commas
/// and `Last, First` are many.
fn score(head: &Head) -> f64 {
    let index = header::find(&head.rows).unwrap_or(0);
    let Some((header, below)) = head.rows.get(index..).and_then(<[_]>::split_first) else {
        return 0.0;
    };
    let mut widths: Vec<_> = below.iter().map(|row| row.width).collect();
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
        let head = best_head(sample.as_bytes(), (at, line), true, 0).unwrap();
        assert_eq!(char::from(head.delimiter), char::from(expected), "{sample}");
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
        assert_eq!(start(b"sep=x,y\n"), (0, 1, None));
        assert_eq!(start(b"\xef\xbb\xbfid\n"), (3, 1, None));
    }
}
