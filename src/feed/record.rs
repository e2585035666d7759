//! One record of a feed, in buffers that are used again for the next.

use std::borrow::Cow;

use super::csv::CellEnds;
use crate::model::{QuoteProblem, RowNumber};

/// The most cells of a record that are kept, as many as Excel has columns.
/// Cells beyond are counted, not stored.
pub(super) const MAX_COLUMNS: usize = 16_384;

/// What a cell is. CSV knows text only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// Text, or an empty cell.
    Text,
    /// A number, written as a person reads it: `1523`, `0.1`, `0597`.
    Number,
    /// A number of which the cell shows less than its digits: `1.5E+03` for 1523, `2` for
    /// 1523. It is written as it is.
    Shortened,
    /// The `0` of a formula that shows another cell, in a column where 0 can be a value: it
    /// may be empty.
    ZeroOfReference,
    /// A date `2024-03-01`, with `T08:30:00` behind it if the cell has a time.
    Date,
    /// A time of day or a duration, `08:30:00`.
    Time,
    /// `true` or `false`.
    Bool,
    /// A spreadsheet's error value, as it shows it: `#DIV/0!`.
    Error,
    /// A formula whose result the file does not hold; reads as empty.
    Uncalculated,
    /// The `0` that a formula shows where it refers to nothing.
    ZeroForNothing,
    /// Bytes that are not text in the feed's encoding; reads as empty.
    NotText,
    /// A cell of several rows, or of a row that cannot be read, whose value nobody knows:
    /// the text says why, for a person.
    Undecided,
}

impl CellKind {
    /// All of them, in the order of their numbers in a [`Store`](super::Store).
    pub(crate) const ALL: [Self; 12] = [
        Self::Text,
        Self::Number,
        Self::Date,
        Self::Bool,
        Self::Error,
        Self::Uncalculated,
        Self::ZeroForNothing,
        Self::NotText,
        Self::Undecided,
        Self::Time,
        Self::Shortened,
        Self::ZeroOfReference,
    ];

    /// Whether it is a number, however the cell shows it.
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Shortened | Self::ZeroOfReference)
    }
}

/// One cell of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Its text, white space and all. Empty if its bytes are not text in the
    /// feed's encoding, which its kind says.
    pub text: &'a str,
    /// What it is.
    pub kind: CellKind,
}

impl<'a> Cell<'a> {
    /// Its text without white space around it.
    #[inline]
    #[must_use]
    pub fn trimmed(self) -> &'a str {
        // Most have none, as their first and last bytes show.
        let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
        let bytes = self.text.as_bytes();
        if is_plain(bytes.first()) && is_plain(bytes.last()) {
            self.text
        } else {
            self.text.trim()
        }
    }
}

/// Why the quotes of a record do not show with certainty where its cells end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuoteFlaw {
    /// The first cell that is not certain, counted from 0: the record has the cells before.
    pub cell: usize,
    /// The line of that cell.
    pub line: RowNumber,
    /// The last line that is not read because of it.
    pub last_line: RowNumber,
    /// What is wrong.
    pub problem: QuoteProblem,
}

/// One record of a feed.
#[derive(Debug)]
pub struct Record {
    row: RowNumber,
    /// The cells one after the other, with `gap` bytes between two.
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    /// One for each cell, or none at all if every cell is text.
    kinds: Vec<CellKind>,
    gap: usize,
    /// Cells beyond [`MAX_COLUMNS`].
    beyond: usize,
    not_text: Option<usize>,
    /// A formula's result is not known.
    uncalculated: bool,
    ascii: bool,
    of: Origin,
    /// White space is around quotes.
    pub(super) spaced: bool,
    pub(super) flaw: Option<QuoteFlaw>,
    /// The external ID that the row had when it was handed out to be corrected.
    pub(super) noted_id: Option<Box<str>>,
    /// Where cells of other files begin. Without any, no cell is so far.
    width: usize,
    added: Added,
}

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    TextFile,
    /// Its cells are more than text.
    Workbook,
}

/// What other files add to a record.
#[derive(Debug, Default)]
struct Added {
    text: String,
    /// By position among all columns, each with the end of its text.
    cells: Vec<(usize, usize, CellKind)>,
    /// A bit for each joined file that has no row of the person.
    absent: u64,
    /// Another row of the same person counts.
    gave_way: bool,
    undecided: Option<Box<str>>,
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            row: RowNumber::new(0),
            text: String::new(),
            ends: Vec::new(),
            kinds: Vec::new(),
            gap: 0,
            beyond: 0,
            not_text: None,
            uncalculated: false,
            ascii: false,
            width: usize::MAX,
            added: Added::default(),
            of: Origin::TextFile,
            spaced: false,
            flaw: None,
            noted_id: None,
        }
    }

    /// The record of a line with commas, for the tests of others.
    #[cfg(test)]
    pub(crate) fn of_line(row: RowNumber, line: &str) -> Self {
        let mut record = Self::new();
        record.start(row);
        record.set_line(line, &mut CellEnds::of(line.as_bytes(), b','));
        record
    }

    /// Where the record starts, as a person sees it.
    pub fn row(&self) -> RowNumber {
        self.row
    }

    /// How many cells the record has, be they more or fewer than the header's.
    #[expect(clippy::len_without_is_empty, reason = "no record is without cells")]
    pub fn len(&self) -> usize {
        self.ends.len() + self.beyond
    }

    /// The cell in a column, counted from 0; `None` where the record has ended.
    #[inline]
    pub fn cell(&self, index: usize) -> Option<Cell<'_>> {
        if index >= self.width {
            return self.added_cell(index);
        }
        self.own_cell(index)
    }

    /// A cell of the row itself, also beyond the columns of the header.
    #[inline]
    pub fn own_cell(&self, index: usize) -> Option<Cell<'_>> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before)? + self.gap,
            None => 0,
        };
        Some(Cell {
            text: self.text.get(start..end)?,
            kind: self.kinds.get(index).copied().unwrap_or(CellKind::Text),
        })
    }

    fn added_cell(&self, index: usize) -> Option<Cell<'_>> {
        // Of two, the later counts.
        let at = self.added.cells.iter().rposition(|it| it.0 == index)?;
        let (_, end, kind) = *self.added.cells.get(at)?;
        let before = at.checked_sub(1).and_then(|at| self.added.cells.get(at));
        let start = before.map_or(0, |it| it.1);
        let text = self.added.text.get(start..end)?;
        Some(Cell { text, kind })
    }

    /// Whether every cell is known to be ASCII, which spares asking each.
    #[inline]
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// Whether the row, which is one of a text file, has ended before a column of its own.
    pub fn ends_before(&self, column: usize) -> bool {
        (self.len()..self.width).contains(&column) && !self.is_of_workbook()
    }

    /// Whether it is of a workbook, whose cells are more than text.
    pub fn is_of_workbook(&self) -> bool {
        self.of == Origin::Workbook
    }

    /// The first cell whose bytes are not text in the feed's encoding.
    pub fn not_text(&self) -> Option<usize> {
        self.not_text
    }

    /// Forgets what was added to the record before. From column `width` on, cells are
    /// those that are added.
    pub fn extend_from(&mut self, width: usize) {
        self.width = width;
        let added = &mut self.added;
        added.text.clear();
        added.cells.clear();
        added.absent = 0;
        added.gave_way = false;
        added.undecided = None;
    }

    /// Adds a cell in a column of another file.
    pub fn add(&mut self, column: usize, cell: Cell<'_>) {
        let added = &mut self.added;
        added.text.push_str(cell.text);
        added.cells.push((column, added.text.len(), cell.kind));
        self.ascii &= cell.text.is_ascii();
    }

    /// A joined file, by its position among the first 64, has no row of the person.
    pub fn note_absent(&mut self, file: usize) {
        self.added.absent |= u32::try_from(file)
            .ok()
            .and_then(|file| 1_u64.checked_shl(file))
            .unwrap_or(0);
    }

    /// The joined files that have no row of the person, by their positions.
    pub fn absent(&self) -> impl Iterator<Item = usize> {
        let bits = self.added.absent;
        (0..64).filter(move |file| bits >> file & 1 == 1)
    }

    /// Another row of the same person counts, and not this one.
    pub fn give_way(&mut self) {
        self.added.gave_way = true;
    }

    /// Whether another row of the same person counts, and not this one.
    pub fn gave_way(&self) -> bool {
        self.added.gave_way
    }

    /// Several rows are of the person, and why none of them counts.
    pub fn leave_undecided(&mut self, why: &str) {
        self.added.undecided = Some(why.into());
    }

    /// Why none of several rows of the person counts.
    pub fn undecided(&self) -> Option<&str> {
        self.added.undecided.as_deref()
    }

    /// Why its quotes do not show where its cells end, if they do not.
    #[inline]
    pub fn flaw(&self) -> Option<QuoteFlaw> {
        self.flaw
    }

    /// The external ID that the row had when it was handed out to be corrected, if it was.
    #[inline]
    pub fn noted_id(&self) -> Option<&str> {
        self.noted_id.as_deref()
    }

    /// Whether there is nothing in any cell but white space.
    pub(super) fn is_blank(&self) -> bool {
        if self.not_text.is_some() || self.uncalculated || self.flaw.is_some() {
            return false;
        }
        // The first cell of nearly every record shows it.
        (0..self.ends.len()).all(|index| {
            self.own_cell(index)
                .is_none_or(|cell| cell.text.trim_ascii().is_empty() || cell.text.trim().is_empty())
        })
    }

    /// Says which file of a feed of several the record is in.
    #[inline]
    pub(super) fn put_in_file(&mut self, file: u16) {
        self.row = self.row.in_file(file);
        if let Some(flaw) = &mut self.flaw {
            flaw.line = flaw.line.in_file(file);
            flaw.last_line = flaw.last_line.in_file(file);
        }
    }

    /// Takes the next record's place.
    pub(super) fn start(&mut self, row: RowNumber) {
        self.row = row;
        self.text.clear();
        self.ends.clear();
        self.kinds.clear();
        self.gap = 0;
        self.beyond = 0;
        self.not_text = None;
        self.uncalculated = false;
        self.ascii = false;
        self.of = Origin::TextFile;
        self.spaced = false;
        self.flaw = None;
        self.noted_id = None;
    }

    /// Takes a whole record that holds no quote, whose cells end there: a delimiter is
    /// between two.
    pub(super) fn set_raw(&mut self, bytes: &[u8], ends: &mut CellEnds) {
        self.set_ends(ends);
        self.set_text(bytes);
    }

    /// The same of what is known to be text.
    pub(super) fn set_line(&mut self, text: &str, ends: &mut CellEnds) {
        self.set_ends(ends);
        self.ascii = text.is_ascii();
        self.text.push_str(text);
    }

    fn set_ends(&mut self, found: &mut CellEnds) {
        self.text.clear();
        self.kinds.clear();
        self.not_text = None;
        std::mem::swap(&mut self.ends, &mut found.ends);
        self.beyond = found.beyond;
        self.gap = 1;
    }

    /// Takes cells that are one right after the other in `bytes`.
    pub(super) fn set_cells(&mut self, bytes: &[u8], ends: &[usize], beyond: usize) {
        self.ends.clear();
        self.ends.extend_from_slice(ends);
        self.beyond = beyond;
        self.gap = 0;
        self.set_text(bytes);
    }

    fn set_text(&mut self, bytes: &[u8]) {
        self.text.clear();
        self.not_text = None;
        self.kinds.clear();
        self.ascii = bytes.is_ascii();
        // Two halves of a character in two cells make a whole one together, so
        // each end is asked too where nothing is between the cells.
        match str::from_utf8(bytes) {
            Ok(text) if self.gap > 0 || self.ends.iter().all(|&end| text.is_char_boundary(end)) => {
                self.text.push_str(text);
            }
            _ => self.set_text_by_cell(bytes),
        }
    }

    /// Leaves cells that are not text empty.
    #[cold]
    fn set_text_by_cell(&mut self, bytes: &[u8]) {
        self.kinds.clear();
        let mut start = 0;
        for (index, end) in self.ends.iter_mut().enumerate() {
            let cell = bytes.get(start..*end).unwrap_or_default();
            start = *end + self.gap;
            self.kinds.push(if let Ok(text) = str::from_utf8(cell) {
                self.text.push_str(text);
                CellKind::Text
            } else {
                self.not_text = self.not_text.or(Some(index));
                CellKind::NotText
            });
            *end = self.text.len();
        }
        self.gap = 0;
    }

    /// Puts other cells in the place of its own.
    pub(super) fn rewrite(
        &mut self,
        make: impl for<'c> Fn(usize, Cell<'c>) -> (CellKind, Cow<'c, str>),
    ) {
        let (mut text, mut ends, mut kinds) = (String::new(), Vec::new(), Vec::new());
        for index in 0..self.ends.len() {
            let cell = self.own_cell(index).unwrap_or(Cell {
                text: "",
                kind: CellKind::Text,
            });
            let (kind, cell) = make(index, cell);
            text.push_str(&cell);
            ends.push(text.len());
            kinds.push(kind);
        }
        self.ascii &= text.is_ascii();
        (self.text, self.ends, self.kinds, self.gap) = (text, ends, kinds, 0);
    }

    /// All cells were appended.
    pub(super) fn end(&mut self) {
        self.ascii = self.text.is_ascii();
    }

    /// Appends a cell that `write` puts at the end of the text.
    pub(super) fn push(&mut self, kind: CellKind, write: impl FnOnce(&mut String)) {
        self.uncalculated |= kind == CellKind::Uncalculated;
        self.of = Origin::Workbook;
        write(&mut self.text);
        self.ends.push(self.text.len());
        self.kinds.push(kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(record: &Record) -> Vec<&str> {
        (0..record.len())
            .filter_map(|index| record.cell(index).map(|cell| cell.text))
            .collect()
    }

    #[test]
    fn a_cell_that_is_not_text_is_empty_and_named_and_the_others_remain() {
        let mut record = Record::new();
        let line = b"a;\xff;b;\xfe";
        record.set_raw(line, &mut CellEnds::of(line, b';'));
        assert_eq!(texts(&record), ["a", "", "b", ""]);
        assert_eq!(record.not_text(), Some(1));
        let kinds: Vec<_> = (0..4)
            .map(|index| record.cell(index).unwrap().kind)
            .collect();
        let (text, not_text) = (CellKind::Text, CellKind::NotText);
        assert_eq!(kinds, [text, not_text, text, not_text]);
        assert!(!record.is_blank());
    }

    #[test]
    fn halves_of_a_character_in_two_cells_are_not_text() {
        let mut record = Record::new();
        record.set_cells(b"\xc3\xa9x", &[1, 2, 3], 0);
        assert_eq!(texts(&record), ["", "", "x"]);
        assert_eq!(record.not_text(), Some(0));
    }

    #[test]
    fn cells_beyond_the_bound_are_counted_and_not_kept() {
        let mut record = Record::new();
        let line = vec![b','; MAX_COLUMNS + 9];
        record.set_raw(&line, &mut CellEnds::of(&line, b','));
        assert_eq!(record.len(), MAX_COLUMNS + 10);
        assert_eq!(record.cell(MAX_COLUMNS - 1).map(|cell| cell.text), Some(""));
        assert_eq!(record.cell(MAX_COLUMNS), None);
        assert!(record.is_blank());
    }
}
