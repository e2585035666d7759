//! The last row of a text file: was the file cut off inside it?
//!
//! Many programs leave empty cells out at the end of a row, so a short row says nothing by
//! itself. A file that ends without a line end, in a row that is shorter than every other,
//! was cut off.

use super::Record;
use crate::model::RowNumber;

/// The number of rows as long as the header that shows that its program writes whole rows.
const WHOLE_ROWS: u64 = 3;

/// The number of rows of any length that shows how short a row of its program can be.
const ANY_ROWS: u64 = 20;

/// How a text file ends: the less it looks whole, the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileEnd {
    /// Nobody knows, or the file is not a text.
    #[default]
    Unknown,
    /// With the end of a line.
    OfLine,
    /// In a row that may be whole.
    InRow,
    /// In a row that is shorter than every other.
    InShortRow,
}

impl FileEnd {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 4] = [Self::Unknown, Self::OfLine, Self::InRow, Self::InShortRow];
}

/// The last row of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRow {
    /// Where it starts.
    pub row: RowNumber,
    /// Its cells.
    pub cells: usize,
    /// The columns of the header.
    pub columns: usize,
    /// How the file ends.
    pub end: FileEnd,
}

/// How long rows are, in the order of the feed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowLengths {
    /// The last row, and its cells.
    last: Option<(RowNumber, usize)>,
    /// How many others there are, and the fewest cells of one.
    others: u64,
    fewest: usize,
}

impl RowLengths {
    /// Counts a row.
    #[inline]
    pub(crate) fn add(&mut self, record: &Record) {
        self.pass();
        self.last = Some((record.row(), record.len()));
    }

    /// Adds the rows that follow.
    pub(crate) fn extend(&mut self, next: &Self) {
        if next.last.is_none() {
            return;
        }
        self.pass();
        if next.others > 0 {
            self.note(next.others, next.fewest);
        }
        self.last = next.last;
    }

    /// The row that was the last one is not.
    #[inline]
    fn pass(&mut self) {
        if let Some((_, cells)) = self.last.take() {
            self.note(1, cells);
        }
    }

    #[inline]
    fn note(&mut self, rows: u64, fewest: usize) {
        self.fewest = if self.others == 0 {
            fewest
        } else {
            self.fewest.min(fewest)
        };
        self.others += rows;
    }

    /// The last row of a feed with that many columns. `ends_line`: whether the end of the
    /// file is that of a line, if that is known.
    pub(crate) fn last_row(&self, columns: usize, ends_line: Option<bool>) -> Option<LastRow> {
        let (row, cells) = self.last?;
        let are_whole = self.fewest >= columns;
        let enough = if are_whole { WHOLE_ROWS } else { ANY_ROWS };
        let is_shortest = self.others >= enough && cells < self.fewest.min(columns);
        Some(LastRow {
            row,
            cells,
            columns,
            end: match ends_line {
                None => FileEnd::Unknown,
                Some(true) => FileEnd::OfLine,
                Some(false) if is_shortest => FileEnd::InShortRow,
                Some(false) => FileEnd::InRow,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(rows: &[usize]) -> RowLengths {
        let mut all = RowLengths::default();
        for (row, cells) in (2..).zip(rows) {
            all.extend(&RowLengths {
                last: Some((RowNumber::new(row), *cells)),
                ..RowLengths::default()
            });
        }
        all
    }

    #[test]
    fn a_short_last_row_without_a_line_end_was_cut_off_only_if_no_other_is_as_short() {
        let whole = [4; 30];
        let ragged: Vec<_> = (0..30).map(|row| 2 + row % 3).collect();
        let cases: [(&str, &[usize], usize, FileEnd); 8] = [
            ("whole rows, one cell left", &whole, 1, FileEnd::InShortRow),
            ("whole rows, one cell lost", &whole, 3, FileEnd::InShortRow),
            ("whole rows and a whole one", &whole, 4, FileEnd::InRow),
            ("one that is too long", &whole, 5, FileEnd::InRow),
            ("rows of any length", &ragged, 2, FileEnd::InRow),
            ("shorter than any", &ragged, 1, FileEnd::InShortRow),
            ("a few of any length", &ragged[..9], 1, FileEnd::InRow),
            ("hardly any others", &whole[..2], 1, FileEnd::InRow),
        ];
        for (name, others, cells, end) in cases {
            let rows = [others, &[cells]].concat();
            let last = lengths(&rows).last_row(4, Some(false)).unwrap();
            assert_eq!((last.cells, last.end), (cells, end), "{name}");
            assert_eq!(last.row.row() as usize, others.len() + 2);
            let last = lengths(&rows).last_row(4, Some(true)).unwrap();
            assert_eq!(last.end, FileEnd::OfLine, "{name}");
        }
        assert_eq!(lengths(&[]).last_row(4, Some(false)), None);
    }

    #[test]
    fn batches_of_any_size_come_to_the_same() {
        let rows: Vec<_> = (0..40).map(|row| 3 + row % 5).collect();
        let whole = lengths(&rows).last_row(9, Some(false));
        for size in 1..40 {
            let mut all = RowLengths::default();
            for (batch, start) in rows.chunks(size).zip((0..).step_by(size)) {
                let mut of_batch = lengths(batch);
                let last = of_batch.last.as_mut().unwrap();
                last.0 = RowNumber::new(last.0.row() + start);
                all.extend(&of_batch);
                all.extend(&RowLengths::default());
            }
            assert_eq!(all.last_row(9, Some(false)), whole);
        }
    }
}
