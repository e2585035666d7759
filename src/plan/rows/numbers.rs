//! Where the rows are in their files: four bytes for each.

use std::ops::Range;

use super::RowTable;
use crate::model::RowNumber;
use crate::validate::unique::RowIndex;

/// The numbers of rows, in the order of the feed.
#[derive(Debug, Default)]
pub(super) struct RowNumbers {
    rows: Vec<u32>,
    /// The file from a place in `rows` on.
    files: Vec<(usize, u16)>,
}

impl RowNumbers {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            rows: Vec::with_capacity(rows),
            files: Vec::new(),
        }
    }

    /// Adds the rows that follow, all of one file.
    pub(super) fn extend(&mut self, file: u16, rows: &[u32]) {
        if !rows.is_empty() && self.files.last().is_none_or(|(_, last)| *last != file) {
            self.files.push((self.rows.len(), file));
        }
        self.rows.extend_from_slice(rows);
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The number at a place.
    pub(super) fn get(&self, place: usize) -> Option<RowNumber> {
        let row = RowNumber::new(*self.rows.get(place)?);
        let after = self.files.partition_point(|(start, _)| *start <= place);
        let (_, file) = self.files.get(after.checked_sub(1)?)?;
        Some(row.in_file(*file))
    }

    /// The place of a number.
    pub(super) fn find(&self, number: RowNumber) -> Option<usize> {
        let (start, rows) = self.of_file(number.file())?;
        Some(start + rows.binary_search(&number.row()).ok()?)
    }

    /// The places of the numbers from one up to the one behind, both of one file.
    pub(super) fn between(&self, from: RowNumber, behind: RowNumber) -> Range<usize> {
        let Some((start, rows)) = self.of_file(from.file()) else {
            return 0..0;
        };
        let place = |number: RowNumber| start + rows.partition_point(|it| *it < number.row());
        place(from)..place(behind)
    }

    /// The numbers of a file, and the place of the first.
    fn of_file(&self, file: u16) -> Option<(usize, &[u32])> {
        let at = self.files.binary_search_by_key(&file, |(_, file)| *file);
        let at = at.ok()?;
        let (start, _) = *self.files.get(at)?;
        let end = self.files.get(at + 1);
        let end = end.map_or(self.rows.len(), |(start, _)| *start);
        Some((start, self.rows.get(start..end)?))
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = RowNumber> {
        let mut files = self.files.iter().peekable();
        let mut file = 0;
        self.rows.iter().enumerate().map(move |(place, row)| {
            while let Some((_, next)) = files.next_if(|(start, _)| *start <= place) {
                file = *next;
            }
            RowNumber::new(*row).in_file(file)
        })
    }
}

impl RowTable {
    /// The row that is there.
    pub fn at(&self, number: RowNumber) -> Option<RowIndex> {
        let row = self.numbers.find(number)?;
        RowIndex::try_from(row).ok()
    }

    /// The rows from one up to the one behind, both of one file.
    pub(in crate::plan) fn between(&self, from: RowNumber, behind: RowNumber) -> Range<RowIndex> {
        let index = |place: usize| RowIndex::try_from(place).unwrap_or(RowIndex::MAX);
        let between = self.numbers.between(from, behind);
        index(between.start)..index(between.end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_row_is_found_where_it_is(files in prop::collection::vec(0_u32..9, 0..6)) {
            let mut numbers = RowNumbers::default();
            let mut all = Vec::new();
            for (file, count) in (1..).zip(files) {
                let rows: Vec<_> = (2..2 + count).map(|row| row * 3).collect();
                all.extend(rows.iter().map(|row| RowNumber::new(*row).in_file(file)));
                // In batches of any size.
                let (one, other) = rows.split_at(rows.len() / 3);
                numbers.extend(file, one);
                numbers.extend(file, other);
            }
            prop_assert_eq!(numbers.iter().collect::<Vec<_>>(), all.clone());
            prop_assert_eq!(numbers.len(), all.len());
            for (place, number) in all.into_iter().enumerate() {
                prop_assert_eq!(numbers.get(place), Some(number));
                prop_assert_eq!(numbers.find(number), Some(place));
            }
            prop_assert_eq!(numbers.find(RowNumber::new(7)), None);
            prop_assert_eq!(numbers.find(RowNumber::new(6).in_file(9)), None);
        }
    }
}
