//! Where records end, without reading them.
//!
//! The reading stage cuts a file into batches, and each batch must hold whole
//! records as [`Cells::read`] sees them: a quote opens a cell only at its start, two
//! quotes inside mean one, and the closing quote is followed by the end of the cell.
//! `\r` and `\n` each end a record outside quotes.

use memchr::{memchr_iter, memchr2, memrchr2};

use super::cells::Cells;
use super::quotes::{Quotes, Twice};
use super::quoting::Dialect;
use super::step::{BITS, BYTES, Step};
use crate::model::QuoteProblem;

/// What a scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// The end of the last whole record, its line end included; 0 if there is
    /// none.
    pub(super) end: usize,
    /// The quote that is still open at the end.
    pub(super) open: Option<usize>,
}

/// Scans bytes that begin where a record begins, and are all that follows if `is_all` says
/// so. `columns` are those of the header, 0 if nobody knows them yet.
pub(super) fn scan(data: &[u8], dialect: Dialect, columns: usize, is_all: bool) -> Scan {
    let mut cells = Cells::default();
    let mut end = 0;
    loop {
        let rest = data.get(end..).unwrap_or_default();
        if rest.is_empty() {
            return Scan { end, open: None };
        }
        if dialect.quoting.ends_as_plain() {
            let found = walk(rest, dialect);
            end += found.end;
            match found.stop {
                Stop::End => {
                    let end = if is_all { data.len() } else { end };
                    return Scan { end, open: None };
                }
                Stop::Open(open) if !is_all => {
                    let open = Some(end - found.end + open);
                    return Scan { end, open };
                }
                Stop::Open(_) | Stop::Wrong => {}
            }
        }
        // One record that is not plain.
        let rest = data.get(end..).unwrap_or_default();
        let blank = blank_lines(rest);
        let record = rest.get(blank..).unwrap_or_default();
        let Some(extent) = cells.read(record, dialect, columns, is_all) else {
            let open = memchr2(b'\n', b'\r', record).map(|_| end + blank);
            return Scan { end, open };
        };
        if let Some((place, QuoteProblem::Unclosed)) = extent.wrong
            && extent.end == record.len()
        {
            let open = Some(end + blank + place.at);
            return Scan { end, open };
        }
        let read = blank + extent.end;
        let lines = blank_lines(rest.get(read..).unwrap_or_default());
        let ends_line = lines > 0 || extent.wrong.is_some();
        if !ends_line && !is_all {
            return Scan { end, open: None };
        }
        end += read + lines;
    }
}

/// How many bytes of line ends some bytes begin with.
fn blank_lines(data: &[u8]) -> usize {
    let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    data.iter().take_while(is_end).count()
}

/// How far a walk came.
struct Walked {
    /// The end of the last whole record, its line end included.
    end: usize,
    stop: Stop,
}

/// Where a walk ended.
enum Stop {
    /// At the end.
    End,
    /// There, with this quote open.
    Open(usize),
    /// In a record with text behind a closing quote.
    Wrong,
}

/// Where the last record ends of those from the start on whose quotes are right before and
/// right behind whole cells, in exports that quote nearly every cell: from quote to quote,
/// these would be the costliest work of the reading stage. 0 for other exports.
fn sound_end(data: &[u8], dialect: Dialect) -> usize {
    /// What is looked at to tell them.
    const HEAD: usize = 4096;
    /// In this number of bytes there is a quote, on average.
    const BETWEEN: usize = 32;
    let head = data.get(..HEAD).unwrap_or(data);
    if memchr_iter(b'"', head).count() * BETWEEN < head.len() {
        return 0;
    }
    let mut quotes = Quotes::new(Twice::MeansOne);
    let (mut end, mut begins) = (0, true);
    let (steps, _) = data.as_chunks::<BYTES>();
    for (step, at) in steps.iter().map(Step::of).zip((0..).step_by(BYTES)) {
        let marks = step.places_of(b'"');
        let outside = !quotes.inside(marks);
        let breaks = step.line_ends() & outside;
        let ends = step.places_of(dialect.delimiter) & outside | breaks;
        if !quotes.add(marks, (ends, begins), BITS) {
            break;
        }
        begins = ends >> (BITS - 1) == 1;
        if breaks != 0 {
            end = at + (BITS - breaks.leading_zeros()) as usize;
        }
    }
    end
}

/// One walk from quote to quote.
fn walk(data: &[u8], dialect: Dialect) -> Walked {
    let start = sound_end(data, dialect);
    let (mut end, mut state) = (start, State::Outside { from: start });
    for at in memchr_iter(b'"', data.get(start..).unwrap_or_default()) {
        let at = start + at;
        let from = match state {
            State::Inside { open } => {
                state = State::Closed { open, at };
                continue;
            }
            // Two quotes mean one, and the cell goes on.
            State::Closed { open, at: before } if before + 1 == at => {
                state = State::Inside { open };
                continue;
            }
            State::Closed { at: before, .. } if !closes(data, before + 1, dialect) => {
                let stop = Stop::Wrong;
                return Walked { end, stop };
            }
            State::Closed { at: before, .. } => before + 1,
            State::Outside { from } => from,
        };
        // Between `from` and here all is outside quotes.
        if opens(data, at, dialect) {
            end = last_end(data, from, at).unwrap_or(end);
            state = State::Inside { open: at };
        } else {
            state = State::Outside { from };
        }
    }
    let from = match state {
        State::Inside { open } => {
            let stop = Stop::Open(open);
            return Walked { end, stop };
        }
        State::Closed { at, .. } if !closes(data, at + 1, dialect) => {
            let stop = Stop::Wrong;
            return Walked { end, stop };
        }
        State::Closed { at, .. } => at + 1,
        State::Outside { from } => from,
    };
    Walked {
        end: last_end(data, from, data.len()).unwrap_or(end),
        stop: Stop::End,
    }
}

/// Whether a quote at a place opens a cell.
#[inline]
fn opens(data: &[u8], at: usize, dialect: Dialect) -> bool {
    let is_start = |at: usize| match at.checked_sub(1).and_then(|before| data.get(before)) {
        None => true,
        Some(&before) => before == dialect.delimiter || before == b'\n' || before == b'\r',
    };
    is_start(at) || is_start(dialect.blanks_before(data, at))
}

/// Whether what begins behind a quote shows that the quote ends its cell.
#[inline]
fn closes(data: &[u8], at: usize, dialect: Dialect) -> bool {
    dialect.ends_cell(data, at) || dialect.ends_cell(data, dialect.skip_blanks(data, at))
}

/// Where a walk is.
enum State {
    Outside {
        from: usize,
    },
    Inside {
        open: usize,
    },
    /// Behind a quote that closes a cell, unless another follows at once.
    Closed {
        open: usize,
        at: usize,
    },
}

/// The end of the last line that ends in a stretch outside quotes.
fn last_end(data: &[u8], from: usize, to: usize) -> Option<usize> {
    /// Shorter stretches, such as the comma between two cells, are walked.
    const SHORT: usize = 8;
    let stretch = data.get(from..to)?;
    let at = if stretch.len() <= SHORT {
        stretch
            .iter()
            .rposition(|&byte| byte == b'\n' || byte == b'\r')
    } else {
        memrchr2(b'\n', b'\r', stretch)
    };
    Some(from + at? + 1)
}

/// The line ends in some bytes: `\n`, `\r\n` and a lone `\r` are one each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// All of them.
    pub(super) ends: usize,
    /// Those that are a lone `\r`.
    pub(super) lone_cr: usize,
}

/// Counts the line ends. A `\r` that is the last byte counts as a lone one.
pub(super) fn lines(data: &[u8]) -> Lines {
    /// What is between two records is rarely longer, and not worth a search.
    const SHORT: usize = 4;
    if data.len() <= SHORT {
        let is_lone =
            |&(at, byte): &(usize, &u8)| *byte == b'\r' && data.get(at + 1) != Some(&b'\n');
        let lone_cr = data.iter().enumerate().filter(is_lone).count();
        let is_end = |byte: &&u8| matches!(byte, b'\n');
        let ends = data.iter().filter(is_end).count() + lone_cr;
        return Lines { ends, lone_cr };
    }
    let lone_cr = memchr_iter(b'\r', data)
        .filter(|&at| data.get(at + 1) != Some(&b'\n'))
        .count();
    Lines {
        ends: memchr_iter(b'\n', data).count() + lone_cr,
        lone_cr,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn csv_like() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(
            prop::sample::select(b"\"\"\"\",,;\n\n\r\rab \xc3\xa9\xff".to_vec()),
            0..120,
        )
    }

    proptest! {
        #[test]
        fn records_end_where_their_cells_do(data in csv_like(), semicolon: bool, columns in 0_usize..4) {
            let dialect = Dialect::plain(if semicolon { b';' } else { b',' });
            let found = scan(&data, dialect, columns, true);
            let mut cells = Cells::default();
            let mut at = blank_lines(&data);
            while at < found.end {
                let extent = cells.read(&data[at..], dialect, columns, true).unwrap();
                at += extent.end;
                at += blank_lines(&data[at..]);
            }
            prop_assert_eq!(at.max(found.end), found.end.max(blank_lines(&data)));
            prop_assert!(found.open.is_some() || found.end == data.len());
        }

        #[test]
        fn a_cut_is_where_records_of_the_whole_end(data in csv_like(), at in 0_usize..120) {
            let dialect = Dialect::plain(b',');
            let part = &data[..at.min(data.len())];
            let found = scan(part, dialect, 2, false).end;
            let mut cells = Cells::default();
            let mut end = blank_lines(&data);
            while end < found {
                let extent = cells.read(&data[end..], dialect, 2, true).unwrap();
                end += extent.end;
                end += blank_lines(&data[end..]);
            }
            // A cut may be between the blank lines that follow a record.
            prop_assert!(data[found..end].iter().all(|it| matches!(it, b'\r' | b'\n')));
        }

        #[test]
        fn lines_are_those_of_an_editor(data in csv_like()) {
            let text: String = data.iter().map(|&byte| char::from(byte)).collect();
            let editor = text.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(lines(&data).ends, editor.matches('\n').count());
        }
    }

    #[test]
    fn a_quote_opens_a_cell_only_as_its_first_byte() {
        for (data, end, open) in [
            (&b"a\nb"[..], 2, None),
            (b"\"a\nb", 0, Some(0)),
            (b"x,\"a\nb\"\nc", 8, None),
            (b"x, \"a\nb\" \nc", 10, None),
            (b"5\" pipe\nb", 8, None),
            (b"\"a\"\"\nb\"\nc", 8, None),
            (b"\"a\",\"b\n", 0, Some(4)),
            (b"a\n\"b\n", 2, Some(2)),
            (b"\"\"", 0, None),
            (b"\"a\"\"\nb\"\"", 0, Some(0)),
        ] {
            let found = scan(data, Dialect::plain(b','), 0, false);
            assert_eq!(found, Scan { end, open }, "{data:?}");
        }
    }
}
