//! A batch of CSV bytes becomes records.

use memchr::{memchr, memchr2, memchr3};

use super::cells::{Cells, Facts, Place, takes_records_in};
use super::cut::lines;
use super::line::{LineCells, Signals};
use super::quoting::Dialect;
use crate::feed::record::{QuoteFlaw, Record};
use crate::model::{QuoteProblem, RowNumber};

/// Whole records of a CSV file, and where they are.
#[derive(Debug, Default)]
pub(in crate::feed) struct Block {
    /// Begins where a record begins, ends where one ends.
    pub(super) data: Vec<u8>,
    /// The line of the first byte.
    pub(super) line: u32,
}

impl Block {
    pub(super) fn rows(&self, dialect: Dialect, columns: usize) -> CsvRows<'_> {
        CsvRows::new(&self.data, dialect, columns, self.line)
    }
}

/// Walks through the records of a block. Exactly the records and cells of the
/// csv crate with `flexible(true)`, where these keep to RFC 4180.
#[derive(Debug)]
pub(in crate::feed) struct CsvRows<'a> {
    data: &'a [u8],
    /// The same, if all of it is text: judged once for all records.
    text: Option<&'a str>,
    dialect: Dialect,
    /// Of the header; 0 if nobody knows them yet.
    columns: usize,
    at: usize,
    line: u32,
    /// The cells of a record that is written as most are.
    line_cells: LineCells,
    /// What any other needs: its cells are not as they are written.
    cells: Cells,
}

impl<'a> CsvRows<'a> {
    pub(in crate::feed) fn new(
        data: &'a [u8],
        dialect: Dialect,
        columns: usize,
        line: u32,
    ) -> Self {
        Self {
            data,
            text: simdutf8::basic::from_utf8(data).ok(),
            dialect,
            columns,
            at: 0,
            line,
            line_cells: LineCells::default(),
            cells: Cells::default(),
        }
    }

    /// What shows in the cells of the last record that had quotes.
    pub(super) fn facts(&self) -> Facts {
        self.cells.facts
    }

    /// Where the next record, or a blank line before it, begins.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The line of [`Self::position`].
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// Reads the next record; false at the end.
    pub(super) fn read(&mut self, record: &mut Record) -> bool {
        self.read_of(record, |_| true)
    }

    /// Reads the next record, of those without quotes the next that is wanted; false at the
    /// end.
    pub(in crate::feed) fn read_of(
        &mut self,
        record: &mut Record,
        is_wanted: impl Fn(RowNumber) -> bool,
    ) -> bool {
        self.cells.facts = Facts::default();
        let rest = loop {
            let rest = self.next_start();
            if rest.is_empty() {
                return false;
            }
            if is_wanted(RowNumber::new(self.line)) {
                break rest;
            }
            match self.unquoted_length(rest) {
                Some(length) => self.at += length,
                None => break rest,
            }
        };
        record.start(RowNumber::new(self.line));

        // The cells of most records are as they are written.
        if let Some(stop) = self.find_cells(rest) {
            let text = self.text.and_then(|text| text.get(self.at..self.at + stop));
            let raw = rest.get(..stop).unwrap_or_default();
            match text {
                Some(text) => record.set_line(text, &mut self.line_cells),
                None => record.set_raw(raw, &mut self.line_cells),
            }
            self.at += stop;
            // The line end itself is passed before the next record.
            return true;
        }
        self.read_quoted(rest, record);
        true
    }

    /// Passes blank lines and what programs write where files and parts of files begin and
    /// end: byte order marks, and the character 26. Returns what follows.
    fn next_start(&mut self) -> &'a [u8] {
        let data = self.data;
        loop {
            let rest = data.get(self.at..).unwrap_or_default();
            let line_end = match rest {
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n', ..] => 1,
                [0xef, 0xbb, 0xbf, ..] => {
                    self.at += 3;
                    continue;
                }
                [0x1a, ..] => {
                    self.at += 1;
                    continue;
                }
                _ => return rest,
            };
            self.at += line_end;
            // The reading stage refuses a file with more lines.
            self.line = self.line.saturating_add(1);
        }
    }

    /// The length of the line that `rest` begins with, if no mark is in it.
    fn unquoted_length(&self, rest: &[u8]) -> Option<usize> {
        // Where a mark has several bytes, all records are read.
        let quote = self.dialect.quoting.marks.byte()?;
        let stop = memchr3(b'\n', b'\r', quote, rest);
        let is_end = |&stop: &usize| rest.get(stop) != Some(&quote);
        Some(stop.unwrap_or(rest.len())).filter(is_end)
    }

    /// Finds the cells of the line that `rest` begins with, if nothing in it is to be changed
    /// or judged. Returns the length of the line.
    #[inline]
    fn find_cells(&mut self, rest: &[u8]) -> Option<usize> {
        let Dialect { delimiter, quoting } = self.dialect;
        let quote = quoting.marks.byte();
        if quote.is_none() {
            let stop = memchr2(b'\n', b'\r', rest);
            let line = rest.get(..stop.unwrap_or(rest.len()))?;
            if self.dialect.next_mark(line, 0).is_some() {
                return None;
            }
        }
        let found = self.line_cells.find(rest, Signals { delimiter, quote });
        let quoted = self.line_cells.quoted;
        // A backslash may mean something between quotes.
        let is_escaped = |length: &usize| {
            let line = rest.get(..*length).unwrap_or_default();
            quoted > 0 && quoting.has_backslashes() && memchr(b'\\', line).is_some()
        };
        let length = found.filter(|length| !is_escaped(length))?;
        self.cells.facts.quoted = quoted;
        Some(length)
    }

    /// Reads a record, cell by cell, from the start of `rest`.
    fn read_quoted(&mut self, rest: &[u8], record: &mut Record) {
        let (dialect, columns) = (self.dialect, self.columns);
        // A block ends where a record ends.
        let Some(extent) = self.cells.read(rest, dialect, columns, true) else {
            self.at = self.data.len();
            return;
        };
        let from = self.line;
        let wrong = extent
            .wrong
            .or_else(|| self.wrong_as_a_whole(rest, extent.end));
        self.pass(extent.end);
        record.spaced = self.cells.facts.spaced;
        let Some((place, problem)) = wrong else {
            record.set_cells(&self.cells.text, &self.cells.ends, self.cells.beyond);
            return;
        };
        // The cells before it are certain.
        let ends = self.cells.ends.get(..place.cell).unwrap_or_default();
        let text = self.cells.text.get(..ends.last().copied().unwrap_or(0));
        record.set_cells(text.unwrap_or_default(), ends, 0);
        let before = rest.get(..place.at).unwrap_or_default();
        let region = rest.get(..extent.end).unwrap_or_default();
        let inner = region.trim_ascii_end();
        record.flaw = Some(QuoteFlaw {
            cell: place.cell,
            line: RowNumber::new(after(from, before)),
            last_line: RowNumber::new(after(from, inner)),
            problem,
        });
    }

    /// What is wrong with a record whose cells are in order one by one.
    fn wrong_as_a_whole(&mut self, rest: &[u8], end: usize) -> Option<(Place, QuoteProblem)> {
        let (columns, delimiter) = (self.columns, self.dialect.delimiter);
        let facts = self.cells.facts;
        let is_alone = self.cells.width() == 1 && facts.quoted == 1;
        if is_alone && self.dialect.quoting.ends_as_plain() && columns != 1 {
            let start = Place { cell: 0, at: 0 };
            if self.dialect.quoting.lines {
                let is_read = self.cells.unwrap(delimiter, columns).is_some();
                let is_blank = self.cells.text.trim_ascii().is_empty();
                return (!is_read && columns > 0 && !is_blank)
                    .then_some((start, QuoteProblem::WholeLine));
            }
            let mut inner = Cells::default();
            inner.text.clone_from(&self.cells.text);
            if columns > 0 && inner.unwrap(delimiter, columns).is_some() {
                return Some((start, QuoteProblem::WholeLine));
            }
        }
        let record = rest.get(..end).unwrap_or_default();
        if columns == 0 || self.cells.width() == columns || memchr2(b'\n', b'\r', record).is_none()
        {
            return None;
        }
        let cell = takes_records_in(&self.cells, delimiter, columns)?;
        Some((Place { cell, at: 0 }, QuoteProblem::TakesLinesIn))
    }

    /// Goes on by `length` bytes and counts their line ends.
    fn pass(&mut self, length: usize) {
        let end = self.at + length;
        let passed = self.data.get(self.at..end).unwrap_or_default();
        let mut ends = lines(passed).ends;
        if passed.last() == Some(&b'\r') && self.data.get(end) == Some(&b'\n') {
            // Half of a line end: the other half counts it.
            ends -= 1;
        }
        self.at = end;
        self.line = self
            .line
            .saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
    }
}

/// The line behind `passed`, which begins in a line.
fn after(line: u32, passed: &[u8]) -> u32 {
    let ends = lines(passed).ends;
    line.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX))
}
