//! Which of several sheets has the people: a cover sheet may be a table, too.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::head::Head;
use crate::feed::header;
use crate::feed::words::{is_column_name, normalized};
use crate::feed::{AmongSheets, FeedOptions};

/// A table of people has more columns than a cover sheet, which has a word and what it is on
/// each row.
const COLUMNS_OF_PEOPLE: usize = 3;
/// As many of them have names that are known.
const NAMES_OF_PEOPLE: usize = 2;

/// How much of what is wanted the header of a sheet has.
pub(super) fn merit(path: &Arc<Path>, head: &Head, options: &FeedOptions) -> usize {
    if options.among_sheets == AmongSheets::First {
        return 0;
    }
    let Ok(header) = header::of(path, &head.rows, options, |_| Ok(())) else {
        return 0;
    };
    match &options.among_sheets {
        AmongSheets::First => 0,
        AmongSheets::With(wanted) => {
            let columns: HashSet<_> = header.columns.iter().map(|it| normalized(it)).collect();
            let wanted: HashSet<_> = wanted.iter().map(|it| normalized(it)).collect();
            wanted.intersection(&columns).count()
        }
        AmongSheets::OfPeople => {
            let cells = || header.cells.iter().filter(|cell| !cell.is_empty());
            let names = cells().filter(|cell| is_column_name(cell)).count();
            let is_of_people = cells().count() >= COLUMNS_OF_PEOPLE && names >= NAMES_OF_PEOPLE;
            usize::from(is_of_people)
        }
    }
}

/// The first of the sheets that has half as much of what is wanted as any: one that lacks a
/// column or two is still the one, and not another with all of them, such as last year's.
pub(super) fn best(merits: &[usize]) -> usize {
    let most = merits.iter().max().copied().unwrap_or(0);
    let mut merits = merits.iter();
    merits.position(|merit| 2 * merit >= most).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn the_first_sheet_stays_unless_another_has_more_than_twice_as_much_of_what_is_wanted() {
        for (merits, expected) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[6, 7], 0),
            (&[3, 6], 0),
            (&[0, 6], 1),
            (&[1, 6, 7], 1),
            (&[0, 1, 6], 2),
        ] {
            assert_eq!(best(merits), expected, "{merits:?}");
        }
    }
}
