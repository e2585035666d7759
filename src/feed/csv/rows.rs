//! A batch of CSV bytes becomes records.

use csv_core::ReadRecordResult;
use memchr::memchr3;

use super::cut::lines;
use crate::feed::record::{MAX_COLUMNS, Record};
use crate::model::RowNumber;

/// Whole records of a CSV file, and where they are.
#[derive(Debug, Default)]
pub(in crate::feed) struct Block {
    /// Begins where a record begins, ends where one ends.
    pub(super) data: Vec<u8>,
    /// The line of the first byte.
    pub(super) line: u32,
}

impl Block {
    pub(super) fn rows(&self, delimiter: u8) -> CsvRows<'_> {
        CsvRows::new(&self.data, delimiter, self.line)
    }
}

/// Walks through the records of a block. Exactly the records and cells of the
/// csv crate with `flexible(true)`.
#[derive(Debug)]
pub(in crate::feed) struct CsvRows<'a> {
    data: &'a [u8],
    /// The same, if all of it is text: judged once for all records.
    text: Option<&'a str>,
    delimiter: u8,
    at: usize,
    line: u32,
    quoted: Option<Box<Quoted>>,
}

/// What a record with quotes needs: its cells are not as they are written.
#[derive(Debug)]
struct Quoted {
    reader: csv_core::Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> CsvRows<'a> {
    pub(in crate::feed) fn new(data: &'a [u8], delimiter: u8, line: u32) -> Self {
        Self {
            data,
            text: str::from_utf8(data).ok(),
            delimiter,
            at: 0,
            line,
            quoted: None,
        }
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
    pub(in crate::feed) fn read(&mut self, record: &mut Record) -> bool {
        let data = self.data;
        let blank = data
            .iter()
            .skip(self.at)
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        self.pass(blank);
        let rest = data.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return false;
        }
        record.start(RowNumber(self.line));

        // A record without a quote is as it is written, which is most of them.
        let stop = memchr3(b'\n', b'\r', b'"', rest).unwrap_or(rest.len());
        match (rest.get(..stop), rest.get(stop)) {
            (Some(raw), byte) if byte != Some(&b'"') => {
                let text = self.text.and_then(|text| text.get(self.at..self.at + stop));
                match text {
                    Some(text) => record.set_raw_text(text, self.delimiter),
                    None => record.set_raw(raw, self.delimiter),
                }
                self.at += stop;
                // The line end itself is passed before the next record.
            }
            _ => {
                let quoted = self
                    .quoted
                    .get_or_insert_with(|| Box::new(Quoted::new(self.delimiter)));
                let read = quoted.read(rest, record);
                self.pass(read);
            }
        }
        true
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
        // The reading stage refuses a file with more lines.
        self.line = self
            .line
            .saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
    }
}

impl Quoted {
    fn new(delimiter: u8) -> Self {
        let mut this = Self {
            reader: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            output: vec![0; 1024],
            ends: vec![0; 64],
        };
        // The first read drops a byte order mark, which is at the start of
        // the file only and is passed before.
        this.reader.read_record(&[], &mut [], &mut []);
        this
    }

    /// Reads one record from the start of `input`, and says how long it is.
    fn read(&mut self, input: &[u8], record: &mut Record) -> usize {
        let (mut read, mut written, mut n_ends, mut beyond) = (0, 0, 0, 0);
        let mut spare = [0; 64];
        loop {
            let rest = input.get(read..).unwrap_or_default();
            let output = self.output.get_mut(written..).unwrap_or_default();
            let full = n_ends >= MAX_COLUMNS;
            let ends = match self.ends.get_mut(n_ends..) {
                Some(ends) if !full => ends,
                _ => &mut spare,
            };
            let (result, n_in, n_out, n_end) = self.reader.read_record(rest, output, ends);
            read += n_in;
            written += n_out;
            if full {
                beyond += n_end;
            } else {
                n_ends += n_end;
            }
            match result {
                ReadRecordResult::OutputFull => {
                    let length = self.output.len();
                    self.output.resize(length * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if !full => {
                    let length = (self.ends.len() * 2).min(MAX_COLUMNS);
                    self.ends.resize(length, 0);
                }
                // At the end of the input, reading once more ends the record.
                ReadRecordResult::InputEmpty | ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        record.set_cells(
            self.output.get(..written).unwrap_or_default(),
            self.ends.get(..n_ends).unwrap_or_default(),
            beyond,
        );
        read
    }
}
