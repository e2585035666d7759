//! Rows of a text file with fewer cells than the header: are they whole?
//!
//! Many programs leave out the empty cells at the end of a row, and such rows are whole.
//! Others are pieces: a line break without quotes cut them, or a cell was lost. What a
//! program does shows over all rows of the feed.

use super::Record;
use crate::model::{RowNumber, ShortRow};

/// The most short rows that are kept: a program that writes more leaves cells out.
const MAX_KEPT: usize = 10_000;
/// The most rows that a line of a whole one is cut into.
const MAX_PIECES: usize = 6;
/// The rows that Excel looks at together: it leaves out the cells that are empty in all.
const EXCEL_BLOCK: u32 = 16;
/// Of a short row there must be this number of whole ones.
const EXCEPTION: u64 = 10;
/// A single short row is an exception among this number of whole ones.
const FEW: u64 = 3;
/// This number of rows without cells that are empty in a whole row show that their program
/// leaves such cells out now and then.
const HABIT: usize = 3;
/// The cells of this number of rows of a batch are looked at.
const LOOKED_AT: u64 = 64;

/// A short row.
#[derive(Clone, Copy, Debug)]
struct Short {
    /// Its place among all records.
    order: u64,
    /// Its place among the rows, unless the mapping leaves it out.
    row: Option<usize>,
    number: RowNumber,
    cells: usize,
    /// It is not a person whom the mapping accepts.
    is_rejected: bool,
    first: Kind,
}

/// What the first cell of a row looks like, as a bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kind(u8);

impl Kind {
    fn of(record: &Record) -> Self {
        let text = record.cell(0).map_or("", |cell| cell.text.trim());
        let has = |is: fn(char) -> bool| text.chars().any(is);
        let is_spaced = has(char::is_whitespace);
        Self(
            match (has(char::is_alphabetic), has(|it| it.is_ascii_digit())) {
                _ if text.contains('@') => 1,
                (true, false) if is_spaced => 2,
                (true, false) => 4,
                (false, true) if !is_spaced => 8,
                (true, true) if !is_spaced => 16,
                (true, true) => 32,
                _ => 64,
            },
        )
    }
}

/// A row that is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooShort {
    /// Its place among the rows.
    pub(crate) row: usize,
    /// Where it is.
    pub(crate) number: RowNumber,
    /// How many cells it has.
    pub(crate) cells: u32,
    /// What speaks for it.
    pub(crate) why: ShortRow,
}

/// How long the rows of a feed are, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowWidths {
    /// Records of any kind, and rows as long as the header.
    records: u64,
    whole: u64,
    /// The fewest cells of a whole row before the empty ones at its end.
    fewest: Option<usize>,
    /// What the first cells of whole rows look like.
    kinds: u8,
    /// The number of the last one.
    last: u32,
    short: Vec<Short>,
    /// There are more than are kept.
    are_many: bool,
}

impl RowWidths {
    /// Counts a record of a feed with that number of columns. `row` is its place among the
    /// rows and whether it is rejected, unless the mapping leaves it out.
    #[inline]
    pub(crate) fn add(&mut self, record: &Record, columns: usize, row: Option<(usize, bool)>) {
        let order = self.records;
        self.records += 1;
        self.last = record.row().row();
        if record.flaw().is_some() {
            return;
        }
        let cells = record.len();
        if cells < columns {
            self.add_short(Short {
                order,
                row: row.map(|(row, _)| row),
                number: record.row(),
                cells,
                is_rejected: row.is_some_and(|(_, is_rejected)| is_rejected),
                first: Kind::of(record),
            });
            return;
        }
        self.whole += 1;
        if self.whole <= LOOKED_AT {
            self.kinds |= Kind::of(record).0;
            let is_filled = |index: &usize| {
                let cell = record.cell(*index);
                cell.is_some_and(|cell| !cell.text.trim().is_empty())
            };
            let filled = (0..columns)
                .rev()
                .find(is_filled)
                .map_or(0, |last| last + 1);
            self.fewest = Some(self.fewest.map_or(filled, |fewest| fewest.min(filled)));
        }
    }

    fn add_short(&mut self, short: Short) {
        if self.short.len() < MAX_KEPT {
            self.short.push(short);
        } else {
            self.are_many = true;
        }
    }

    /// Adds the records that follow, `rows` rows after the start of the feed.
    pub(crate) fn extend(&mut self, next: Self, rows: usize) {
        if next.records == 0 {
            return;
        }
        for mut short in next.short {
            short.order += self.records;
            short.row = short.row.map(|row| row + rows);
            self.add_short(short);
        }
        self.records += next.records;
        self.whole += next.whole;
        self.fewest = match (self.fewest, next.fewest) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.kinds |= next.kinds;
        self.last = next.last;
        self.are_many |= next.are_many;
    }

    /// The rows that are not whole.
    /// `ends_line`: whether the end of the file is that of a line.
    pub(crate) fn judge(&self, columns: usize, ends_line: Option<bool>) -> Vec<TooShort> {
        if self.short.is_empty() || self.are_many || columns < 2 {
            return Vec::new();
        }
        let pieces = self.pieces(columns);
        let is_other = |(is_piece, short): (&bool, &Short)| !is_piece && !self.is_of_excel(short);
        let others = pieces.iter().zip(&self.short);
        let others = others
            .filter(|&(piece, short)| is_other((piece, short)))
            .count() as u64;
        if others > self.whole {
            return Vec::new();
        }
        let are_exceptions = others * EXCEPTION <= self.whole || (others == 1 && self.whole >= FEW);
        let is_like_whole = |short: &Short| self.fewest.is_some_and(|it| it <= short.cells);
        let of_habit = self.short.iter().filter(|short| is_like_whole(short));
        let is_habit = of_habit.count() >= HABIT;
        let is_alone = others == 1 && self.whole > 0;
        let is_last = |short: &Short| short.number.row() == self.last && ends_line == Some(false);
        let judged = |(is_piece, short): (&bool, &Short)| {
            let why = if *is_piece {
                ShortRow::Piece
            } else if is_last(short) && (are_exceptions || is_alone) {
                ShortRow::Last
            } else if is_habit && is_like_whole(short) {
                return None;
            } else if are_exceptions && is_other((is_piece, short)) {
                ShortRow::Exception
            } else {
                return None;
            };
            Some(TooShort {
                row: short.row?,
                number: short.number,
                cells: u32::try_from(short.cells).unwrap_or(u32::MAX),
                why,
            })
        };
        pieces.iter().zip(&self.short).filter_map(judged).collect()
    }

    /// For each short row, whether it and its neighbours make one row.
    fn pieces(&self, columns: usize) -> Vec<bool> {
        let mut found = vec![false; self.short.len()];
        let mut at = 0;
        while let Some(rest) = self.short.get(at..).filter(|rest| !rest.is_empty()) {
            let length = (2..=MAX_PIECES).find(|&length| {
                rest.get(..length)
                    .is_some_and(|rows| self.make_one(rows, columns))
            });
            let length = length.unwrap_or(0);
            found
                .iter_mut()
                .skip(at)
                .take(length)
                .for_each(|it| *it = true);
            at += length.max(1);
        }
        found
    }

    /// Whether short rows follow each other, have the cells of one row together, those at a
    /// cut counted once, and are not people each.
    fn make_one(&self, rows: &[Short], columns: usize) -> bool {
        let cells: usize = rows.iter().map(|row| row.cells).sum();
        let follow = |pair: &[Short]| matches!(pair, [a, b] if a.order + 1 == b.order);
        let is_piece =
            |row: &Short| row.is_rejected || (self.kinds != 0 && self.kinds & row.first.0 == 0);
        cells == columns + rows.len() - 1
            && rows.windows(2).all(follow)
            && rows.iter().skip(1).all(is_piece)
    }

    /// Whether Excel left out the cells of a row: it does so in all rows of a block.
    fn is_of_excel(&self, short: &Short) -> bool {
        let block = |number: RowNumber| number.row().saturating_sub(1) / EXCEL_BLOCK;
        let this = block(short.number);
        let from = self.short.partition_point(|it| block(it.number) < this);
        let of_block = self.short.iter().skip(from);
        let of_block = of_block.take_while(|it| block(it.number) == this);
        let of_block = of_block.filter(|it| it.cells == short.cells);
        let rows = (self.last - this * EXCEL_BLOCK).min(EXCEL_BLOCK);
        this > 0 && of_block.count() == rows as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows below a header, one a line; `!` before one that the mapping rejects. Returns the
    /// numbers of those that are not whole, with why.
    fn judge(columns: usize, rows: &str, ends_line: bool, batch: usize) -> Vec<(u32, ShortRow)> {
        let mut all = RowWidths::default();
        let rows: Vec<_> = rows.split_whitespace().collect();
        for (index, rows) in rows.chunks(batch).enumerate() {
            let mut widths = RowWidths::default();
            for (at, row) in rows.iter().enumerate() {
                let number = u32::try_from(index * batch + at + 2).unwrap();
                let line = row.trim_start_matches('!');
                let record = Record::of_line(RowNumber::new(number), line);
                widths.add(&record, columns, Some((at, row.starts_with('!'))));
            }
            all.extend(widths, index * batch);
        }
        let judged = all.judge(columns, Some(ends_line)).into_iter();
        judged
            .map(|it| (u32::try_from(it.row).unwrap() + 2, it.why))
            .collect()
    }

    #[track_caller]
    fn check(columns: usize, rows: &str, expected: &[(u32, ShortRow)]) {
        for batch in [1, 2, 3, 100] {
            assert_eq!(judge(columns, rows, true, batch), expected, "{rows}");
        }
    }

    #[test]
    fn short_rows_that_make_one_are_pieces_unless_each_is_a_person() {
        use ShortRow::Piece;
        check(
            4,
            "1,Ann,Main1,Ghent 2,Bo,Main !Box,Ghent",
            &[(3, Piece), (4, Piece)],
        );
        check(4, "1,Ann,Main !Box,Ghent", &[(2, Piece), (3, Piece)]);
        check(
            4,
            "1,Ann,Main,Ghent 2,Bo,a !b !c,Ghent",
            &[(3, Piece), (4, Piece), (5, Piece)],
        );
        // By what IDs look like, where the mapping accepts the second.
        check(
            4,
            "1,Ann,Main,Ghent 2,Bo,Main Box,Ghent",
            &[(3, Piece), (4, Piece)],
        );
        // Two people without the last cells.
        check(3, "1,Ann,x 2,Bo 3,Cy 4,Di,x 5,Ed 6,Flo,x", &[]);
        check(3, "1,Ann,x 2,Bo 3,Cy 4,Di,x", &[]);
        // Not in turn.
        check(4, "1,Ann,Main 2,Bo,Main,Ghent !Box,Ghent", &[]);
    }

    #[test]
    fn a_short_row_in_a_feed_of_whole_rows_is_an_exception() {
        use ShortRow::Exception;
        let whole = "1,Ann,x ".repeat(30);
        check(3, &format!("{whole}2,Bo {whole}"), &[(32, Exception)]);
        check(3, "1,Ann,x 2,Bo,x 3,Cy 4,Di,x", &[(4, Exception)]);
        check(
            3,
            &format!("{whole}2,Bo 1,Ann,x 3 {whole}"),
            &[(32, Exception), (34, Exception)],
        );
        // The missing cell is empty in whole rows, too, and that is no habit.
        check(3, "1,Ann, 2,Bo,x 3,Cy 4,Di,x", &[(4, Exception)]);
        // Too few rows show anything.
        check(3, "1,Ann,x 2,Bo 3,Cy,x", &[]);
        check(1, "1 2", &[]);
    }

    #[test]
    fn programs_that_leave_out_empty_cells_write_whole_rows() {
        check(
            10,
            "a,b,c,d,e,f a,b,c,d,e,f a,b,c,d,e,f,g,h,i a,b,c,d,e,f,g,h,i,j a,b,c,d,e,f,g,h",
            &[],
        );
        check(10, "a,b,c,d,e,f,g,h a,b,c,d,e,f,g,h a,b,c,d,e,f,g,h", &[]);
        check(3, "1,Ann,x 2,Bo 3,Cy,x 4,Di 5,Ed,x 6,Flo,x", &[]);
        // Excel, in the second block of 16 rows of a sheet, and in the last one.
        let (whole, short) = ("1,Ann,x 2,Bo, ".repeat(8), "3,Cy ".repeat(16));
        let (head, rest) = ("1,Ann, ".repeat(15), "4,Di ");
        check(3, &format!("{head}{short}{whole}{rest}"), &[]);
        check(
            3,
            &format!("{head}{whole}{whole}4,Di 1,Ann,x"),
            &[(49, ShortRow::Exception)],
        );
    }

    #[test]
    fn the_last_row_of_a_file_that_ends_in_it_is_cut_off() {
        let last = |rows: &str| judge(3, rows, false, 100);
        assert_eq!(last("1,Ann,x 2,Bo"), [(3, ShortRow::Last)]);
        assert_eq!(last("1,Ann,x 2,Bo,x 3,Cy,x 4"), [(5, ShortRow::Last)]);
        assert_eq!(last("1,Ann 2,Bo 3"), []);
        assert_eq!(last("1,Ann,x 2,Bo,x"), []);
        assert_eq!(judge(3, "1,Ann,x 2,Bo", true, 100), []);
    }
}
