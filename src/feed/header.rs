//! Which row names the columns.
//!
//! The same for CSV and XLSX: a title above the table is passed over, and with
//! nothing better the first row that is not blank is the header. The rule only
//! ever passes a row over that is clearly no header: a file whose first row is
//! a person must not lose two people.

use std::path::Path;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::FeedError;
use super::record::Record;
use crate::model::RowNumber;

/// How many rows, blank ones left out, are examined.
pub(super) const ROWS_EXAMINED: usize = 128;
/// How many rows may be above the header.
const ABOVE: usize = 30;

/// One of the first rows of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadRow {
    pub(super) row: Option<RowNumber>,
    /// Trimmed, in NFC.
    pub(super) cells: Vec<String>,
    /// The first cell that is not text.
    pub(super) not_text: Option<usize>,
    /// Cells of the record, more than `cells` if it is absurdly wide.
    pub(super) width: usize,
}

impl HeadRow {
    /// Cells with something in them.
    pub(super) fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_empty()).count()
    }

    fn has_letters(&self) -> bool {
        self.cells
            .iter()
            .any(|cell| cell.chars().any(char::is_alphabetic))
    }
}

/// The index of the header among the first rows, none of them blank.
pub(super) fn find(rows: &[HeadRow]) -> Option<usize> {
    rows.iter()
        .enumerate()
        .take(ABOVE)
        .find(|&(index, row)| may_be_header(row, rows.get(index + 1..).unwrap_or_default()))
        .map(|(index, _)| index)
        .or(if rows.is_empty() { None } else { Some(0) })
}

/// The header among the first rows, none of them blank, and its index: the one
/// in the row that the mapping names, or the one that is found.
pub(super) fn of<'r>(
    path: &Arc<Path>,
    rows: &'r [HeadRow],
    named: Option<u32>,
) -> Result<(usize, &'r HeadRow), FeedError> {
    let index = match named {
        None => find(rows).ok_or_else(|| FeedError::Empty(path.clone()))?,
        Some(row) => rows
            .iter()
            .position(|it| it.row == Some(RowNumber(row)))
            .ok_or_else(|| FeedError::HeaderRowNotFound {
                path: path.clone(),
                row,
            })?,
    };
    let header = rows.get(index);
    let no_header = || FeedError::NoHeader(path.clone());
    header.map(|header| (index, header)).ok_or_else(no_header)
}

fn may_be_header(row: &HeadRow, below: &[HeadRow]) -> bool {
    let filled = row.filled();
    let mut widths: Vec<_> = below.iter().map(HeadRow::filled).collect();
    widths.sort_unstable();
    // Neither a totals line nor a person with few data speaks for the table.
    let Some(&typical) = widths.get(widths.len() * 3 / 4) else {
        // The last row of all: the header of an empty template, or a title.
        return filled > 0;
    };
    let title = (filled == 1 && typical >= 2)
        || (filled == 2 && typical >= 4)
        || (filled >= 3 && filled * 3 <= typical);
    // `1,2,3,…` above the names; a header of numbers alone is passed over only
    // if words follow.
    let numbers = !row.has_letters() && below.first().is_some_and(HeadRow::has_letters);
    let column_numbers = numbers && looks_like_names(below.first());
    !(title || column_numbers)
}

/// Words without a digit or an `@`, none twice: a row of names, not of people.
fn looks_like_names(row: Option<&HeadRow>) -> bool {
    let Some(row) = row else { return false };
    let mut names: Vec<_> = row.cells.iter().filter(|cell| !cell.is_empty()).collect();
    let filled = names.len();
    names.sort_unstable();
    names.dedup();
    names.len() == filled
        && names
            .iter()
            .all(|name| !name.contains(|c: char| c == '@' || c.is_ascii_digit()))
}

/// The cells of a record as a header's. A cell that is not text is not empty.
pub(super) fn cells(record: &Record) -> Vec<String> {
    (0..record.len())
        .map_while(|index| Some((index, record.cell(index)?)))
        .map(|(index, cell)| match record.not_text() {
            Some(first) if first == index => "\u{fffd}".to_owned(),
            _ => tidy(cell.text),
        })
        .collect()
}

/// Trims white space, and a byte order mark in the wrong place.
pub(super) fn tidy(cell: &str) -> String {
    cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
        .nfc()
        .collect()
}

/// The names of the columns: an empty cell gets the name under which a
/// spreadsheet knows its column, `column C`.
pub(super) fn names(cells: &[String]) -> Vec<String> {
    cells
        .iter()
        .enumerate()
        .map(|(index, cell)| {
            if cell.is_empty() {
                format!("column {}", letters(index))
            } else {
                cell.clone()
            }
        })
        .collect()
}

/// The letters of a spreadsheet's column: 0 is `A`, 26 is `AA`.
fn letters(mut index: usize) -> String {
    let mut reversed = Vec::new();
    loop {
        reversed.push(char::from(b'A' + u8::try_from(index % 26).unwrap_or(0)));
        match (index / 26).checked_sub(1) {
            Some(next) => index = next,
            None => return reversed.into_iter().rev().collect(),
        }
    }
}

/// The names that more than one column has, with all columns that have them.
pub(super) fn duplicates(columns: &[String]) -> Vec<(&str, Vec<usize>)> {
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|&index| (columns.get(index), index));
    let mut found: Vec<(&str, Vec<usize>)> = order
        .chunk_by(|&a, &b| columns.get(a) == columns.get(b))
        .filter(|same| same.len() > 1)
        .filter_map(|same| Some((columns.get(*same.first()?)?.as_str(), same.to_vec())))
        .collect();
    found.sort_by_key(|(_, same)| same.first().copied());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &[&str], expected: usize) {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| HeadRow {
                cells: row.split(',').map(tidy).collect(),
                ..HeadRow::default()
            })
            .collect();
        assert_eq!(find(&rows), Some(expected));
    }

    #[test]
    fn title_rows_are_passed_over() {
        check(&["Staff 2026", "ID,Name,Mail", "1,Ann,a@b.c"], 1);
        check(
            &[
                "Staff,2026,,",
                "Exported by,Ann,,",
                "ID,Name,Mail,City",
                "1,A,b,c",
            ],
            2,
        );
        check(&["1,2,3", "ID,Name,Mail", "1,Ann,a@b.c"], 1);
        check(&["Person,,,Job,,", "a,b,c,d,e,f", "1,2,3,4,5,6"], 1);
    }

    #[test]
    fn an_empty_template_has_its_header_below_the_titles() {
        check(&["Update people", "Fill in below", "ID,Name,Mail"], 2);
    }

    #[test]
    fn with_nothing_better_the_first_row_is_the_header() {
        check(&["ID,Name,Mail"], 0);
        check(&["mail", "a@b.c", "d@e.f"], 0);
        check(&["7,Ann,a@b.c", "8,Bob,b@b.c"], 0);
        check(&["ID,Name", "1,Ann", "2,Bob"], 0);
        check(&["ID,,Mail", "1,Ann,a@b.c"], 0);
        check(&["ID,,Mail,City", "1,Ann,a@b.c,x"], 0);
        check(&["0,1,2", "8,Bob,b@b.c"], 0);
        assert_eq!(find(&[]), None);
    }

    #[test]
    fn rows_narrower_than_the_header_do_not_matter() {
        check(&["a,b,c,d,e,f,g,h,i,j", "1,2,3,4,5,6,7,8"], 0);
    }

    #[test]
    fn an_empty_header_cell_has_the_spreadsheets_name() {
        let names = names(&["ID".into(), String::new(), String::new()]);
        assert_eq!(names, ["ID", "column B", "column C"]);
        assert_eq!(
            [25, 26, 701, 702, 16_383].map(letters),
            ["Z", "AA", "ZZ", "AAA", "XFD"]
        );
    }

    #[test]
    fn equal_names_are_listed_with_their_columns() {
        let columns = ["b", "a", "b", "c", "a", "b"].map(String::from);
        assert_eq!(
            duplicates(&columns),
            [("b", vec![0, 2, 5]), ("a", vec![1, 4])]
        );
    }
}
