//! Which row names the columns.
//!
//! The same for CSV and XLSX: a title above the table is passed over, and with
//! nothing better the first row that is not blank is the header. The rule only
//! ever passes a row over that is clearly no header: a file whose first row is
//! a person must not lose two people.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::corrections::Corrections;
use super::left_out::below_header;
use super::record::Record;
use super::words::is_column_name;
use super::{FeedError, FeedOptions};
use crate::model::{NoPerson, RowNumber};

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

/// The header of a table, and where its people begin.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Its row; 0 without a header.
    pub(super) row: RowNumber,
    /// Its cells, also of one that the mapping says is not there; empty without one.
    pub(super) cells: Vec<String>,
    /// The names of the columns.
    pub(super) columns: Vec<String>,
    /// Rows above the people that are left out, and what each is: those that explain the header,
    /// and one that the mapping says is not there.
    pub(super) below: Vec<(RowNumber, NoPerson)>,
    /// The names that columns would have by the rows around it.
    pub(super) others: Vec<(RowNumber, Vec<String>)>,
    /// How many of the first rows there are down to the one above the people.
    pub(super) rows: usize,
    /// What the file is, if its rows came back.
    pub(super) corrections: Option<Corrections>,
}

/// How many rows above the header, and as many below it, are kept because they may have the
/// names that a mapping means.
const AROUND: usize = 5;
/// What has more bytes is not a row of names.
const MAX_NAMES: usize = 1 << 14;

/// The index of the header among the first rows, none of them blank.
pub(super) fn find(rows: &[HeadRow]) -> Option<usize> {
    rows.iter()
        .enumerate()
        .take(ABOVE)
        .find(|&(index, row)| may_be_header(row, rows.get(index + 1..).unwrap_or_default()))
        .map(|(index, _)| index)
        .or(if rows.is_empty() { None } else { Some(0) })
}

/// The header among the first rows, none of them blank: the one in the row that the
/// mapping names, or the one that is found. `check` judges that row.
pub(super) fn of(
    path: &Arc<Path>,
    rows: &[HeadRow],
    options: &FeedOptions,
    check: impl FnOnce(&HeadRow) -> Result<(), FeedError>,
) -> Result<Header, FeedError> {
    if let Some((index, corrections)) = Corrections::find(rows)
        && let Some(header) = rows.get(index)
    {
        return Ok(of_corrections(header, index, corrections));
    }
    if options.has_no_header {
        return without(path, rows);
    }
    let index = match options.header_row {
        None => find(rows).ok_or_else(|| FeedError::Empty(path.clone()))?,
        Some(row) => rows
            .iter()
            .position(|it| it.row == Some(RowNumber::new(row)))
            .ok_or_else(|| FeedError::HeaderRowNotFound {
                path: path.clone(),
                row,
            })?,
    };
    let header = rows
        .get(index)
        .ok_or_else(|| FeedError::NoHeader(path.clone()))?;
    check(header)?;
    let below = below_header(header, rows.get(index + 1..).unwrap_or_default());
    Ok(Header {
        row: header.row.unwrap_or(RowNumber::new(1)),
        cells: header.cells.clone(),
        columns: names(&header.cells),
        rows: index + 1 + below.len(),
        below,
        others: others(rows, index),
        corrections: None,
    })
}

/// The header of rows that came back. What explained the feed's is not among them.
fn of_corrections(header: &HeadRow, index: usize, corrections: Corrections) -> Header {
    let cells = Corrections::header_cells(&header.cells);
    Header {
        row: header.row.unwrap_or(RowNumber::new(1)),
        columns: names(&cells),
        cells,
        below: Vec::new(),
        others: Vec::new(),
        rows: index + 1,
        corrections: Some(corrections),
    }
}

/// The names that columns would have by the rows around the header.
fn others(rows: &[HeadRow], header: usize) -> Vec<(RowNumber, Vec<String>)> {
    let around = rows.iter().enumerate();
    let around = around
        .skip(header.saturating_sub(AROUND))
        .take_while(|(at, _)| *at <= header + AROUND);
    let around = around.filter(|(at, row)| {
        *at != header && row.cells.iter().map(String::len).sum::<usize>() <= MAX_NAMES
    });
    around
        .filter_map(|(_, row)| Some((row.row?, names(&row.cells))))
        .collect()
}

/// A table without a header: its columns are named as spreadsheets name them. A header that
/// is there even so is nobody.
fn without(path: &Arc<Path>, rows: &[HeadRow]) -> Result<Header, FeedError> {
    let widest = rows.iter().map(|row| row.cells.len()).max();
    let columns = widest.ok_or_else(|| FeedError::Empty(path.clone()))?;
    let mut header = Header {
        row: RowNumber::new(0),
        cells: Vec::new(),
        columns: (0..columns).map(letters).collect(),
        below: Vec::new(),
        others: Vec::new(),
        rows: 0,
        corrections: None,
    };
    let people = |index: usize| rows.get(index + 1..).unwrap_or_default();
    let names = find(rows).and_then(|index| Some((index, rows.get(index)?)));
    if let Some((index, names)) = names.filter(|(index, row)| is_of_names(row, people(*index))) {
        header.cells.clone_from(&names.cells);
        header.below = names
            .row
            .map(|row| (row, NoPerson::Header))
            .into_iter()
            .collect();
        header.below.extend(below_header(names, people(index)));
        header.rows = index + header.below.len();
    }
    Ok(header)
}

/// Whether a row names the columns, and is not the first person: its cells are words of
/// headers, or the people have digits where it has none.
fn is_of_names(row: &HeadRow, people: &[HeadRow]) -> bool {
    let cells = || row.cells.iter().filter(|cell| !cell.is_empty());
    let is_value = |cell: &String| cell.contains('@') || !cell.contains(char::is_alphabetic);
    if row.not_text.is_some() || cells().any(is_value) {
        return false;
    }
    let names = cells().filter(|cell| is_column_name(cell)).count();
    let differing = differing(row, people);
    // `Address 2` has one.
    let has_number = |cell: &String| cell.bytes().filter(u8::is_ascii_digit).count() > 1;
    (names >= 2 && names * 3 >= row.filled() * 2)
        || (differing >= 1 && differing + names >= 2 && !cells().any(has_number))
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
    !(title || column_numbers || is_of_groups(row, below))
}

/// Whether a row names groups of columns, or is a title in several cells: the row below
/// is the header, since it has more cells, and they are names.
fn is_of_groups(row: &HeadRow, below: &[HeadRow]) -> bool {
    let [next, data @ ..] = below else {
        return false;
    };
    let (filled, wider) = (row.filled(), next.filled());
    if data.is_empty() || wider < 2 {
        return false;
    }
    let cells = next.cells.iter();
    let names = cells.filter(|cell| is_column_name(cell)).count();
    let are_known = names >= 2 && names * 3 >= wider * 2;
    let are_names = are_known || (looks_like_names(Some(next)) && differing(next, data) >= 1);
    let distinct: HashSet<_> = row.cells.iter().filter(|cell| !cell.is_empty()).collect();
    let is_repeated = filled >= 4 && distinct.len() * 2 <= filled;
    (are_names && filled * 2 <= wider) || (are_known && (filled * 3 <= wider * 2 || is_repeated))
}

/// In how many columns the rows of people have digits or addresses where this row has none.
fn differing(names: &HeadRow, people: &[HeadRow]) -> usize {
    const PEOPLE: usize = 3;
    let is_data = |cell: &str| cell.contains(|char: char| char == '@' || char.is_ascii_digit());
    let is_other = |(index, name): (usize, &String)| {
        let cells = people.iter().filter_map(|row| row.cells.get(index));
        let mut filled = cells.filter(|cell| !cell.is_empty()).peekable();
        let has_any = filled.peek().is_some();
        !name.is_empty() && !is_data(name) && has_any && filled.all(|cell| is_data(cell))
    };
    if people.len() < PEOPLE {
        return 0;
    }
    let others = names.cells.iter().enumerate().filter(|it| is_other(*it));
    others.count()
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
#[must_use]
pub fn letters(mut index: usize) -> String {
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
    fn the_names_of_groups_of_columns_are_passed_over() {
        let names = "ID,Login,First name,Last name,Phone,City,Job,Company";
        let person = "7,ann,Ann,Lee,061,Ghent,Nurse,Acme";
        for groups in [
            "Employee,,,,Contact,,Job,",
            "Report: all people, exported by HR, May 2026",
            "Person,,Names,,Contact,,Job,",
            "Person,Person,Person,Person,Contact,Contact,Job,Job",
            "A,,B,,C",
        ] {
            check(&[groups, names, person, person], 1);
        }
        // Names that nobody knows, above people whose cells are of another kind.
        let people = ["7,x,1.5,r@example.com"; 3];
        let rows = [&["Group,,Other,", "Aap,Noot,Mies,Wim"], &people[..]].concat();
        check(&rows, 1);
    }

    #[test]
    fn a_header_with_gaps_above_people_stays_the_header() {
        check(
            &["ID,,Mail,,Job", "7,Ann,a@b.c,x,Nurse", "8,Bo,b@b.c,x,Cook"],
            0,
        );
        check(&["Name,,City", "Ann,Lee,Ghent", "Bo,Kay,Ghent"], 0);
        check(
            &[
                "STATUS,USERID,,FIRSTNAME",
                "Status,User ID,Number,First name",
                "a,7,1,Ann",
            ],
            0,
        );
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
