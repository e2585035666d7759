//! One record of a feed, in buffers that are used again for the next.

use std::borrow::Cow;

use super::csv::LineCells;
use crate::model::{QuoteProblem, RowNumber, Signs};

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
    /// The cells one after the other, perhaps with something between two.
    text: String,
    /// Where each cell begins and ends in `text`.
    cells: Vec<(usize, usize)>,
    /// One for each cell, or none at all if every cell is text.
    kinds: Vec<CellKind>,
    /// Cells beyond [`MAX_COLUMNS`].
    beyond: usize,
    not_text: Option<usize>,
    /// A formula's result is not known.
    uncalculated: bool,
    /// What is among the cells, those of other files included.
    signs: Signs,
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
            cells: Vec::new(),
            kinds: Vec::new(),
            beyond: 0,
            not_text: None,
            uncalculated: false,
            signs: Signs::UNKNOWN,
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
        record.set_line(line, &mut LineCells::of(line.as_bytes(), b','));
        record
    }

    /// Where the record starts, as a person sees it.
    pub fn row(&self) -> RowNumber {
        self.row
    }

    /// How many cells the record has, be they more or fewer than the header's.
    #[expect(clippy::len_without_is_empty, reason = "no record is without cells")]
    pub fn len(&self) -> usize {
        self.cells.len() + self.beyond
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
        let &(start, end) = self.cells.get(index)?;
        Some(Cell {
            text: self.text.get(start..end)?,
            kind: match self.kinds.as_slice() {
                [] => CellKind::Text,
                kinds => *kinds.get(index)?,
            },
        })
    }

    #[cold]
    fn added_cell(&self, index: usize) -> Option<Cell<'_>> {
        // Of two, the later counts.
        let at = self.added.cells.iter().rposition(|it| it.0 == index)?;
        let (_, end, kind) = *self.added.cells.get(at)?;
        let before = at.checked_sub(1).and_then(|at| self.added.cells.get(at));
        let start = before.map_or(0, |it| it.1);
        let text = self.added.text.get(start..end)?;
        Some(Cell { text, kind })
    }

    /// What is among its cells.
    #[inline]
    pub(crate) fn signs(&self) -> Signs {
        self.signs
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
        self.signs = self.signs.or(Signs::of(cell.text.as_bytes()));
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
        let mut bits = self.added.absent;
        std::iter::from_fn(move || {
            let file = (bits != 0).then_some(bits.trailing_zeros() as usize);
            bits &= bits.wrapping_sub(1);
            file
        })
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
        (0..self.cells.len()).all(|index| {
            let cell = self.own_cell(index);
            cell.is_none_or(|cell| cell.trimmed().is_empty())
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
        self.cells.clear();
        self.kinds.clear();
        self.beyond = 0;
        self.not_text = None;
        self.uncalculated = false;
        self.signs = Signs::UNKNOWN;
        self.of = Origin::TextFile;
        self.spaced = false;
        self.flaw = None;
        self.noted_id = None;
    }

    /// Takes a whole record as it is written, in which these are the cells.
    pub(super) fn set_raw(&mut self, bytes: &[u8], cells: &mut LineCells) {
        self.set_places(cells);
        match str::from_utf8(bytes) {
            Ok(text) => self.text.push_str(text),
            Err(_) => self.set_text_by_cell(bytes),
        }
    }

    /// The same of what is known to be text.
    pub(super) fn set_line(&mut self, text: &str, cells: &mut LineCells) {
        self.set_places(cells);
        self.text.push_str(text);
    }

    fn set_places(&mut self, found: &mut LineCells) {
        self.text.clear();
        self.kinds.clear();
        self.not_text = None;
        std::mem::swap(&mut self.cells, &mut found.cells);
        self.beyond = found.beyond;
        self.signs = found.signs;
    }

    /// Takes cells that are one right after the other in `bytes`.
    pub(super) fn set_cells(&mut self, bytes: &[u8], ends: &[usize], beyond: usize) {
        self.text.clear();
        self.kinds.clear();
        self.not_text = None;
        self.cells.clear();
        let starts = std::iter::once(&0).chain(ends);
        self.cells.extend(starts.copied().zip(ends.iter().copied()));
        self.beyond = beyond;
        self.signs = Signs::of(bytes);
        // Two halves of a character in two cells make a whole one together, so each end is
        // asked too.
        match str::from_utf8(bytes) {
            Ok(text) if ends.iter().all(|&end| text.is_char_boundary(end)) => {
                self.text.push_str(text);
            }
            _ => self.set_text_by_cell(bytes),
        }
    }

    /// Leaves cells that are not text empty.
    #[cold]
    fn set_text_by_cell(&mut self, bytes: &[u8]) {
        for (index, place) in self.cells.iter_mut().enumerate() {
            let (start, end) = *place;
            let cell = bytes.get(start..end).unwrap_or_default();
            let start = self.text.len();
            self.kinds.push(if let Ok(text) = str::from_utf8(cell) {
                self.text.push_str(text);
                CellKind::Text
            } else {
                self.not_text = self.not_text.or(Some(index));
                CellKind::NotText
            });
            *place = (start, self.text.len());
        }
    }

    /// Puts other cells in the place of its own.
    pub(super) fn rewrite(
        &mut self,
        make: impl for<'c> Fn(usize, Cell<'c>) -> (CellKind, Cow<'c, str>),
    ) {
        let (mut text, mut cells, mut kinds) = (String::new(), Vec::new(), Vec::new());
        for index in 0..self.cells.len() {
            let cell = self.own_cell(index).unwrap_or(Cell {
                text: "",
                kind: CellKind::Text,
            });
            let (kind, cell) = make(index, cell);
            let start = text.len();
            text.push_str(&cell);
            cells.push((start, text.len()));
            kinds.push(kind);
        }
        self.signs = self.signs.or(Signs::of(text.as_bytes()));
        (self.text, self.cells, self.kinds) = (text, cells, kinds);
    }

    /// All cells were appended.
    pub(super) fn end(&mut self) {
        self.signs = Signs::of(self.text.as_bytes());
    }

    /// Appends a cell that `write` puts at the end of the text.
    pub(super) fn push(&mut self, kind: CellKind, write: impl FnOnce(&mut String)) {
        self.uncalculated |= kind == CellKind::Uncalculated;
        self.of = Origin::Workbook;
        let start = self.text.len();
        write(&mut self.text);
        self.cells.push((start, self.text.len()));
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
        record.set_raw(line, &mut LineCells::of(line, b';'));
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
        record.set_raw(&line, &mut LineCells::of(&line, b','));
        assert_eq!(record.len(), MAX_COLUMNS + 10);
        assert_eq!(record.cell(MAX_COLUMNS - 1).map(|cell| cell.text), Some(""));
        assert_eq!(record.cell(MAX_COLUMNS), None);
        assert!(record.is_blank());
    }
}
