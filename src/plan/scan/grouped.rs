//! External IDs whose digits are in groups, among others that are plain numbers.

use crate::model::{Rule, is_number_in_groups};
use crate::validate::unique::RowIndex;

/// Of this number of IDs in groups, one that is plain says that all are numbers: those
/// below 1000 have no groups.
const OF_ONE_PLAIN: u64 = 10;

/// Which rows have an external ID such as `1.526` and `1 525`. Where all IDs are written so,
/// they are meant; among plain numbers a program took them for such.
#[derive(Default)]
pub(super) struct GroupedIds {
    plain: u64,
    rows: Vec<usize>,
}

impl GroupedIds {
    /// Counts the external ID of a row.
    #[inline]
    pub(super) fn add(&mut self, row: usize, id: &str) {
        if !id.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return;
        }
        if id.bytes().all(|byte| byte.is_ascii_digit()) {
            self.plain += 1;
        } else if id.len() <= MAX_LENGTH && is_in_groups(id) {
            self.rows.push(row);
        }
    }

    /// Adds those that follow, `rows` rows after the start of the feed.
    pub(super) fn extend(&mut self, next: Self, rows: usize) {
        self.plain += next.plain;
        self.rows.extend(next.rows.iter().map(|row| rows + row));
    }

    /// The rows to be rejected, and why.
    pub(super) fn damaged(&self) -> impl Iterator<Item = (RowIndex, Rule)> {
        let grouped = self.rows.len() as u64;
        let are_numbers = self.plain * OF_ONE_PLAIN >= grouped;
        let rows = self.rows.iter().filter(move |_| are_numbers);
        let rows = rows.filter_map(|row| RowIndex::try_from(*row).ok());
        rows.map(|row| {
            let rule = Rule::ExternalIdDamaged {
                problem: "is a number with thousands separators, among external IDs that are plain \
                          numbers: a program took the ID for a number, and leading zeros may be \
                          lost; let the export write the column as text",
            };
            (row, rule)
        })
    }
}

/// Numbers of identity cards are longer: `12.345.678`.
const MAX_LENGTH: usize = "123.456".len();

fn is_in_groups(id: &str) -> bool {
    ['.', ' '].iter().any(|mark| is_number_in_groups(id, *mark))
}
