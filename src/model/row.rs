//! Where a row is.

use std::fmt;

/// The most files of a feed: all of them are open at once.
pub const MAX_FEED_FILES: u16 = 200;

/// How many rows are named of those that are wrong for one reason.
pub const MAX_NAMED_ROWS: usize = 5;

/// Where a record starts, as a person sees it: the line of a CSV file in an editor, or
/// the row of a sheet in Excel. The first line is 1. In a feed of several files, the
/// number of the file is part of it: `12 of file 2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowNumber {
    /// The files of a feed of several count from 1; 0 is the only file of a feed.
    file: u16,
    row: u32,
}

impl RowNumber {
    /// A row of a feed that is one file.
    pub const fn new(row: u32) -> Self {
        Self { file: 0, row }
    }

    /// The same row of that file of a feed of several, which count from 1.
    #[must_use]
    pub const fn in_file(self, file: u16) -> Self {
        Self { file, ..self }
    }

    /// The line or sheet row.
    pub const fn row(self) -> u32 {
        self.row
    }

    /// The number of the file in a feed of several, from 1 on; 0 in a feed of one file.
    pub const fn file(self) -> u16 {
        self.file
    }
}

impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file {
            0 => self.row.fmt(f),
            file => write!(f, "{} of file {file}", self.row),
        }
    }
}

/// Where the numbers of rows of several files begin in the journal: below those of one file,
/// which are as they are, since all beyond is for people without a row.
const SEVERAL: i64 = -(1 << 48);

/// As the journal keeps it.
impl From<RowNumber> for i64 {
    fn from(row: RowNumber) -> Self {
        let number = Self::from(row.row);
        match row.file {
            0 => number,
            file => SEVERAL + (Self::from(file) << u32::BITS | number),
        }
    }
}

/// The number is not that of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the number of a row")]
pub struct NotARow(i64);

impl TryFrom<i64> for RowNumber {
    type Error = NotARow;

    fn try_from(kept: i64) -> Result<Self, NotARow> {
        let wrong = |_| NotARow(kept);
        if kept >= 0 {
            return Ok(Self::new(u32::try_from(kept).map_err(wrong)?));
        }
        let packed = kept.wrapping_sub(SEVERAL);
        let row = u32::try_from(packed & i64::from(u32::MAX)).map_err(wrong)?;
        let file = u16::try_from(packed >> u32::BITS).map_err(wrong)?;
        match file {
            0 => Err(NotARow(kept)),
            file => Ok(Self { file, row }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_journal_gives_back_what_it_keeps_in_the_same_order(
            files in prop_oneof![Just([0, 0]), [1..=u16::MAX, 1..=u16::MAX]], rows in any::<[u32; 2]>(),
        ) {
            let [one, other] = [0, 1].map(|at| RowNumber::new(rows[at]).in_file(files[at]));
            prop_assert_eq!(RowNumber::try_from(i64::from(one)), Ok(one));
            prop_assert_eq!(i64::from(one).cmp(&other.into()), one.cmp(&other));
            // Beyond are those without a row.
            prop_assert!(i64::from(one) <= i64::from(u32::MAX));
        }

        #[test]
        fn no_number_is_two_rows(kept in any::<i64>()) {
            if let Ok(row) = RowNumber::try_from(kept) {
                prop_assert_eq!(i64::from(row), kept);
            }
        }
    }

    #[test]
    fn a_row_of_one_file_is_kept_as_its_number() {
        assert_eq!(i64::from(RowNumber::new(12)), 12);
        for kept in [SEVERAL, i64::MIN, 1 << u32::BITS] {
            assert_eq!(RowNumber::try_from(kept), Err(NotARow(kept)));
        }
        assert_eq!(RowNumber::new(12).to_string(), "12");
        assert_eq!(RowNumber::new(12).in_file(2).to_string(), "12 of file 2");
    }
}
