//! External IDs of which only the whole feed shows that a program damaged them.

use crate::mapping::IdCells;
use crate::model::{Rule, is_number_in_groups};
use crate::validate::unique::RowIndex;

/// Of this number of IDs in groups, one that is plain says that all are numbers: those
/// below 1000 have no groups.
const OF_ONE_PLAIN: u64 = 10;

/// Which rows have an external ID that is meant where all are like it, and damaged where
/// others are not.
#[derive(Default)]
pub(super) struct OddIds {
    /// How many IDs are whole numbers.
    plain: u64,
    /// Rows whose ID is `1.526` or `1 525`.
    grouped: Vec<usize>,
    /// Rows whose ID is built of date cells, with the columns of these.
    of_dates: Vec<(usize, u64)>,
    /// The columns in which a cell of such an ID is not a date.
    others: u64,
}

impl OddIds {
    /// Counts the external ID of a row.
    #[inline]
    pub(super) fn add(&mut self, row: usize, id: &str, cells: IdCells) {
        self.others |= cells.others;
        if cells.dates != 0 {
            self.of_dates.push((row, cells.dates));
        }
        if !id.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return;
        }
        if id.bytes().all(|byte| byte.is_ascii_digit()) {
            self.plain += 1;
        } else if id.len() <= MAX_LENGTH && is_in_groups(id) {
            self.grouped.push(row);
        }
    }

    /// Adds those that follow, `rows` rows after the start of the feed.
    pub(super) fn extend(&mut self, next: &Self, rows: usize) {
        self.plain += next.plain;
        self.others |= next.others;
        self.grouped
            .extend(next.grouped.iter().map(|row| rows + row));
        let of_dates = next.of_dates.iter();
        self.of_dates
            .extend(of_dates.map(|(row, columns)| (rows + row, *columns)));
    }

    /// The rows to be rejected, and why.
    pub(super) fn damaged(&self) -> impl Iterator<Item = (RowIndex, Rule)> {
        let are_numbers = self.plain * OF_ONE_PLAIN >= self.grouped.len() as u64;
        let grouped = self.grouped.iter().filter(move |_| are_numbers);
        let grouped = grouped.map(|row| (*row, GROUPED));
        // Where all cells of the column are dates, a date is part of the ID.
        let of_dates = self.of_dates.iter();
        let of_dates = of_dates.filter(|(_, columns)| columns & self.others != 0);
        let of_dates = of_dates.map(|(row, _)| (*row, OF_DATE));
        grouped.chain(of_dates).filter_map(|(row, problem)| {
            let row = RowIndex::try_from(row).ok()?;
            Some((row, Rule::ExternalIdDamaged { problem }))
        })
    }
}

const GROUPED: &str = "is a number with thousands separators, among external IDs that are plain \
                       numbers: a program took the ID for a number, and leading zeros may be lost; \
                       let the export write the column as text";

const OF_DATE: &str = "is built of a date cell, and other cells of that column are none: the \
                       spreadsheet took a text for a date (`3-12` for 3 December); format the \
                       column as Text and enter it again, or export it as text";

/// Numbers of identity cards are longer: `12.345.678`.
const MAX_LENGTH: usize = "123.456".len();

fn is_in_groups(id: &str) -> bool {
    ['.', ' '].iter().any(|mark| is_number_in_groups(id, *mark))
}
