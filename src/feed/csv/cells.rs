//! One record becomes cells, and where it ends, however its file quotes.
//!
//! # Invariants
//!
//! - A record that cannot be read with certainty ends at the first line behind it that
//!   can: one wrong row takes few others with it, and these are refused with it.
//! - Where a record ends depends on nothing but the bytes from its start on.

use memchr::{memchr, memchr2, memchr3};

use super::quoting::{Dialect, Inner, Marks};
use crate::feed::record::MAX_COLUMNS;
use crate::model::QuoteProblem;

/// The most lines that are refused together.
const MAX_LINES: usize = 32;
/// How far a line behind a wrong record is read.
const WINDOW: usize = 1 << 16;
/// Bytes that a mark and what shows its meaning have at most.
const MARGIN: usize = 8;

/// A cell, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) cell: usize,
    pub(super) at: usize,
}

/// What is at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parsed {
    /// A record; its end is that of its line or of the bytes.
    Whole(usize),
    /// A quoted cell that does not end.
    Open(Place),
    /// A cell that cannot be read with certainty, and how far that had to be read.
    Wrong(Place, QuoteProblem, usize),
}

/// Where a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) end: usize,
    /// The first cell that cannot be read with certainty.
    pub(super) wrong: Option<(Place, QuoteProblem)>,
}

/// What shows in the cells of a record.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is seen or not, whatever else is"
)]
pub(super) struct Facts {
    /// The first cell that RFC 4180 would read in another way.
    pub(super) odd: Option<Place>,
    /// A mark is in a cell that is not quoted.
    pub(super) stray: bool,
    /// White space was around marks.
    pub(super) spaced: bool,
    /// Quoted cells.
    pub(super) quoted: usize,
    /// A mark is written twice to mean itself.
    pub(super) doubled: bool,
    /// A backslash that means itself; two in turn; one before a mark that it makes text.
    pub(super) lone: bool,
    pub(super) pairs: bool,
    pub(super) escaped: bool,
    /// The line was quoted as a whole.
    pub(super) unwrapped: bool,
}

/// The cells of one record, one right after the other.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) text: Vec<u8>,
    pub(super) ends: Vec<usize>,
    /// Cells beyond [`MAX_COLUMNS`].
    pub(super) beyond: usize,
    pub(super) facts: Facts,
}

impl Cells {
    /// How many there are.
    pub(super) fn width(&self) -> usize {
        self.ends.len() + self.beyond
    }

    /// Reads the record at the start of `data`, which is all that follows if `is_all` says
    /// so. `None` if more must be known to tell where it ends. `columns` are those of the
    /// header, 0 if nobody knows them yet.
    pub(super) fn read(
        &mut self,
        data: &[u8],
        dialect: Dialect,
        columns: usize,
        is_all: bool,
    ) -> Option<Extent> {
        let wrong = match self.parse(data, dialect) {
            Parsed::Whole(end) if end == data.len() && !is_all => return None,
            Parsed::Whole(end) => {
                let rest = data.get(end..).unwrap_or_default();
                let wrong = match self.uncertain(dialect, columns) {
                    None => self.cut_short(rest, dialect, columns, is_all)?,
                    wrong => wrong,
                };
                match wrong {
                    None => return Some(Extent { end, wrong: None }),
                    Some(wrong) => wrong,
                }
            }
            Parsed::Open(_) if !is_all => return None,
            Parsed::Open(place) => (place, QuoteProblem::Unclosed),
            Parsed::Wrong(_, _, to) if to + MARGIN > data.len() && !is_all => return None,
            Parsed::Wrong(place, problem, _) => (place, problem),
        };
        let end = behind_wrong(data, dialect, columns, is_all)?;
        // What is wrong is what these lines show: what follows may not be at hand.
        let lines = data.get(..end).unwrap_or_default();
        let wrong = match self.parse(lines, dialect) {
            Parsed::Open(place) => (place, QuoteProblem::Unclosed),
            Parsed::Wrong(place, problem, _) => (place, problem),
            Parsed::Whole(_) => wrong,
        };
        Some(Extent {
            end,
            wrong: Some(wrong),
        })
    }

    /// Takes off the quotes around the record's only cell, and reads its cells. `None` if
    /// these are not as many as the header has.
    pub(super) fn unwrap(&mut self, delimiter: u8, columns: usize) -> Option<()> {
        let dialect = Dialect::plain(delimiter);
        let mut inner = Self::default();
        let parsed = inner.parse(&self.text, dialect);
        let is_whole = parsed == Parsed::Whole(self.text.len());
        let width = inner.width();
        if !is_whole || width < 2 || (columns > 0 && width != columns) {
            return None;
        }
        *self = inner;
        self.facts.unwrapped = true;
        Some(())
    }

    /// Reads cells up to the end of the line.
    fn parse(&mut self, data: &[u8], dialect: Dialect) -> Parsed {
        self.text.clear();
        self.ends.clear();
        self.beyond = 0;
        self.facts = Facts::default();
        let mut at = 0;
        loop {
            let start = dialect.skip_blanks(data, at);
            let end = if let Some(length) = dialect.mark(data, start) {
                self.facts.spaced |= start > at;
                self.facts.quoted += 1;
                match self.quoted(data, (start, length), dialect) {
                    Ok(end) => end,
                    Err(parsed) => return parsed,
                }
            } else {
                let rest = data.get(at..).unwrap_or_default();
                let length = memchr3(dialect.delimiter, b'\n', b'\r', rest);
                let cell = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
                self.facts.stray |= dialect.next_mark(cell, 0).is_some();
                self.text.extend_from_slice(cell);
                at + cell.len()
            };
            if self.ends.len() < MAX_COLUMNS {
                self.ends.push(self.text.len());
            } else {
                self.beyond += 1;
            }
            match data.get(end) {
                Some(&byte) if byte == dialect.delimiter => at = end + 1,
                _ => return Parsed::Whole(end),
            }
        }
    }

    /// Reads a cell that a mark opens. Returns where it ends, white space included.
    fn quoted(
        &mut self,
        data: &[u8],
        (open, length): (usize, usize),
        dialect: Dialect,
    ) -> Result<usize, Parsed> {
        let place = Place {
            cell: self.width(),
            at: open,
        };
        let is_backslash = matches!(dialect.quoting.inner, Inner::Backslash { .. });
        let mut from = open + length;
        loop {
            if is_backslash {
                from = self.unescape(data, from, dialect, place)?;
            }
            let found = dialect.next_mark(data, from);
            let (at, length) = found.ok_or(Parsed::Open(place))?;
            let text = data.get(from..at).unwrap_or_default();
            self.text.extend_from_slice(text);
            let behind = at + length;
            let again = dialect.mark(data, behind);
            if again.is_some() && dialect.quoting.inner == Inner::Doubled {
                self.facts.doubled = true;
                self.push(data, at, behind);
                from = behind + length;
                continue;
            }
            let end = dialect.skip_blanks(data, behind);
            if dialect.ends_cell(data, end) {
                self.facts.spaced |= end > behind;
                return Ok(end);
            }
            let wrong = |problem| Parsed::Wrong(place, problem, end);
            // The last of the text, and the one that ends the cell; else a doubled one.
            let is_doubled = again.is_some_and(|length| {
                let end = dialect.skip_blanks(data, behind + length);
                !dialect.ends_cell(data, end)
            });
            let is_doubled = is_doubled && dialect.quoting.marks.is_plain();
            self.facts.doubled |= is_doubled;
            if is_doubled || dialect.quoting.inner != Inner::AsIs {
                return Err(wrong(QuoteProblem::TextBehind));
            }
            // One that looks as if it opened a cell.
            let before = at.checked_sub(1).and_then(|before| data.get(before));
            let opens =
                before.is_some_and(|&it| it == dialect.delimiter || b"\r\n\\".contains(&it));
            if opens {
                return Err(wrong(QuoteProblem::TextBehind));
            }
            self.facts.odd.get_or_insert(place);
            self.push(data, at, behind);
            from = behind;
        }
    }

    /// Passes what is behind backslashes up to the next mark that is not.
    fn unescape(
        &mut self,
        data: &[u8],
        mut from: usize,
        dialect: Dialect,
        place: Place,
    ) -> Result<usize, Parsed> {
        loop {
            let found = dialect.next_escape(data, from);
            let at = found.ok_or(Parsed::Open(place))?;
            if data.get(at) != Some(&b'\\') {
                return Ok(from);
            }
            self.push(data, from, at);
            from = match data.get(at + 1) {
                None => return Err(Parsed::Open(place)),
                Some(b'\\') => {
                    self.facts.pairs = true;
                    self.facts.odd.get_or_insert(place);
                    self.push(data, at, at + 1);
                    at + 2
                }
                // A line break, as databases write it.
                Some(b'\r' | b'\n') => at + 1,
                Some(_) if dialect.mark(data, at + 1).is_some() => {
                    self.facts.escaped = true;
                    self.facts.odd.get_or_insert(place);
                    self.push(data, at + 1, at + 2);
                    at + 2
                }
                Some(_) => {
                    self.facts.lone = true;
                    self.push(data, at, at + 1);
                    at + 1
                }
            };
        }
    }

    fn push(&mut self, data: &[u8], from: usize, to: usize) {
        self.text
            .extend_from_slice(data.get(from..to).unwrap_or_default());
    }

    /// Why a record that ends where it should is still not certain.
    fn uncertain(&self, dialect: Dialect, columns: usize) -> Option<(Place, QuoteProblem)> {
        let place = self.facts.odd?;
        let is_wrong = match dialect.quoting.inner {
            Inner::Doubled => false,
            Inner::Backslash { lone } => self.facts.stray || (lone && self.facts.pairs),
            Inner::AsIs => self.facts.stray || (columns > 0 && self.width() != columns),
        };
        is_wrong.then_some((place, QuoteProblem::TextBehind))
    }

    /// Whether a mark inside a value may have been taken for the one at its end: the rest of
    /// the value is in the next line then. `None` if more must be known.
    #[expect(clippy::option_option, reason = "not known, not so, or why")]
    fn cut_short(
        &self,
        rest: &[u8],
        dialect: Dialect,
        columns: usize,
        is_all: bool,
    ) -> Option<Option<(Place, QuoteProblem)>> {
        let Some(place) = self
            .facts
            .odd
            .filter(|_| dialect.quoting.inner == Inner::AsIs)
        else {
            return Some(None);
        };
        let next = rest.get(line_end(rest, 0).unwrap_or(rest.len())..);
        let next = next.unwrap_or_default();
        let end = line_end(next, 0);
        if !is_all && end.is_none() {
            return None;
        }
        // The line alone: how much of what follows it is at hand is chance.
        let line = next.get(..end.unwrap_or(next.len())).unwrap_or_default();
        let mut other = Self::default();
        let is_whole = matches!(other.parse(line, dialect), Parsed::Whole(_));
        let is_rest = is_whole && other.facts.stray && other.width() < columns;
        Some(is_rest.then_some((place, QuoteProblem::TextBehind)))
    }

    /// Whether a line behind a wrong record is a record of its own.
    fn is_sound(&self, dialect: Dialect, columns: usize, is_line: bool) -> bool {
        let width = self.width();
        let is_wide = if is_line || columns == 0 {
            width * 2 > columns
        } else {
            width == columns
        };
        is_wide && !self.facts.stray && self.uncertain(dialect, columns).is_none()
    }
}

impl Marks {
    /// Whether a mark is written twice to mean itself, in the files of most programs.
    fn is_plain(self) -> bool {
        matches!(self, Self::Double | Self::Single)
    }
}

/// Where a record ends that cannot be read: at the first line behind it that is a record
/// by itself, or after [`MAX_LINES`].
fn behind_wrong(data: &[u8], dialect: Dialect, columns: usize, is_all: bool) -> Option<usize> {
    let mut other = Cells::default();
    let mut end = line_end(data, 0);
    for _ in 1..MAX_LINES {
        let Some(at) = end else { break };
        let rest = data.get(at..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let window = rest.get(..WINDOW);
        let is_known = is_all || window.is_some();
        let rest = window.unwrap_or(rest);
        match other.parse(rest, dialect) {
            Parsed::Whole(end) if end == rest.len() && !is_known => return None,
            Parsed::Whole(end) => {
                let is_line = memchr2(b'\n', b'\r', rest.get(..end)?).is_none();
                if end > 0 && other.is_sound(dialect, columns, is_line) {
                    return Some(at);
                }
            }
            Parsed::Open(_) if !is_known => return None,
            Parsed::Wrong(_, _, to) if to + MARGIN > rest.len() && !is_known => return None,
            Parsed::Open(_) | Parsed::Wrong(..) => {}
        }
        end = line_end(data, at);
    }
    match end {
        Some(end) if end < data.len() || is_all => Some(end),
        None if is_all => Some(data.len()),
        _ => None,
    }
}

/// Where the line ends in which a place is, its line end included.
fn line_end(data: &[u8], from: usize) -> Option<usize> {
    let at = from + memchr2(b'\n', b'\r', data.get(from..)?)?;
    let is_pair = data.get(at) == Some(&b'\r') && data.get(at + 1) == Some(&b'\n');
    Some(at + 1 + usize::from(is_pair))
}

/// Whether a cell's text holds lines that may be records of their own: a quote that was
/// never closed takes them in, up to one that closes it by chance.
pub(super) fn takes_records_in(cells: &Cells, delimiter: u8, columns: usize) -> Option<usize> {
    let mut start = 0;
    for (index, &end) in cells.ends.iter().enumerate() {
        let text = cells.text.get(start..end).unwrap_or_default();
        start = end;
        let Some(first) = memchr2(b'\n', b'\r', text) else {
            continue;
        };
        let behind = text.get(first..).unwrap_or_default();
        let mut lines = behind.split(|byte| matches!(byte, b'\n' | b'\r'));
        let delimiters = |line: &[u8]| memchr::memchr_iter(delimiter, line).count();
        if lines.any(|line| memchr(delimiter, line).is_some() && delimiters(line) * 2 >= columns) {
            return Some(index);
        }
    }
    None
}
