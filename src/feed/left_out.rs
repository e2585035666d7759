//! Rows that are plainly no person: a header again, totals, the end of a report.
//!
//! Such a row is left out, and a person hears of it. Whatever could be somebody stays:
//! people are called Total and Count.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::FeedError;
use super::header::HeadRow;
use super::record::{Cell, Record};
use super::report_words::{
    SIGNS, ends_report, has_digit, is_created, is_legend, is_of_report, may_be_of_report,
    names_subtotal, names_total, says_when,
};
use super::words::{is_column_name, is_example, is_instruction, is_type, normalized};
use crate::model::{NoPerson, RowNumber};

/// The most rows below the header that explain it.
const MAX_BELOW: usize = 5;
/// A table of fewer columns has rows with a single filled cell.
const COLUMNS_OF_TABLE: usize = 3;

/// The most cells of a row that says so.
const MAX_CELLS: usize = 4;
/// Which rows right below the header explain it.
pub(super) fn below_header(header: &HeadRow, below: &[HeadRow]) -> Vec<(RowNumber, NoPerson)> {
    let explaining = below.iter().take(MAX_BELOW);
    let explaining = explaining.map_while(|row| Some((row.row?, explains(header, row)?)));
    explaining.collect()
}

fn explains(header: &HeadRow, row: &HeadRow) -> Option<NoPerson> {
    let filled: Vec<_> = row.cells.iter().filter(|cell| !cell.is_empty()).collect();
    let (first, all) = (*filled.first()?, filled.len());
    let count = |is: fn(&str) -> bool| filled.iter().filter(|cell| is(cell)).count();
    let same = header.cells.iter().zip(&row.cells);
    let same = same.filter(|(name, cell)| {
        let name = normalized(name);
        !name.is_empty() && name == normalized(cell)
    });
    let (same, names, types) = (same.count(), count(is_column_name), count(is_type));
    let instructions = count(is_instruction);
    let has_address = filled.iter().any(|cell| cell.contains('@'));
    let is_plain = !has_address && !filled.iter().any(|cell| has_digit(cell));
    // An ID: people are called Max and See.
    let has_number = filled
        .iter()
        .any(|cell| cell.bytes().all(|it| it.is_ascii_digit()));
    let is_drawn = |cell: &&String| cell.bytes().all(|byte| b"-=_*".contains(&byte));
    let is_line = all >= 2 && filled.iter().all(is_drawn);
    if same >= 2 && same * 2 >= all {
        Some(NoPerson::Labels)
    } else if is_line {
        Some(NoPerson::Line)
    } else if all >= 2 && types == all {
        Some(NoPerson::Types)
    } else if names >= 2 && names * 3 >= all * 2 && is_plain {
        Some(NoPerson::Labels)
    } else if instructions >= 2 && instructions * 2 >= all && !has_address && !has_number {
        Some(NoPerson::Instructions)
    } else if is_example(first) {
        Some(NoPerson::Example)
    } else {
        None
    }
}

/// As many cells of a row are names of columns at least if it is a header.
const NAMES_OF_HEADER: usize = 3;

/// Finds rows among people that are none.
#[derive(Clone, Debug)]
pub(super) struct LeftOut {
    /// The feed, and the row of its header.
    place: (Arc<Path>, RowNumber),
    /// The header's cells; empty without a header.
    header: Vec<String>,
    /// The longest of them, which few values are as long as.
    longest: usize,
    columns: usize,
    /// What these cells begin with, in whatever case, and for each such byte a bit for each of
    /// their ends: values of few people begin and end like one.
    ends: Vec<u64>,
}

/// What a record is if not somebody whose cells are those of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// Plainly no person.
    NoPerson(NoPerson),
    /// The header again, with its columns in another order: the people below would be read
    /// with each other's values.
    OtherHeader,
}

impl LeftOut {
    /// For a table of that feed with its header in that row, if it has one, and this number
    /// of columns.
    pub(super) fn of(place: (&Arc<Path>, RowNumber), header: &[String], columns: usize) -> Self {
        let mut ends = vec![0; 256];
        for name in header {
            let [first, ..] = name.as_bytes() else {
                continue;
            };
            let bit = if name.is_ascii() {
                1 << end(name)
            } else {
                u64::MAX
            };
            for byte in [first.to_ascii_lowercase(), first.to_ascii_uppercase()] {
                ends[usize::from(byte)] |= bit;
            }
        }
        let longest = (0..header.len()).max_by_key(|index| header.get(*index).map(String::len));
        Self {
            header: header.to_vec(),
            longest: longest.unwrap_or(0),
            columns,
            ends,
            place: (Arc::clone(place.0), place.1),
        }
    }

    /// What a record is, if it is plainly no person.
    #[inline]
    pub(super) fn judge(&self, record: &Record) -> Option<Odd> {
        if self.may_repeat_header(record) && self.repeats_header(record) {
            return Some(Odd::NoPerson(NoPerson::RepeatedHeader));
        }
        let (at, first) = next_filled(record, 0)?;
        let Some((_, second)) = next_filled(record, at + 1) else {
            return self.judge_alone(first).map(Odd::NoPerson);
        };
        let may_be_header = self.is_any_name(first) || self.is_any_name(second);
        if may_be_header && self.is_other_header(record) {
            return Some(Odd::OtherHeader);
        }
        if !may_be_of_report(first) {
            return None;
        }
        self.judge_report(record).map(Odd::NoPerson)
    }

    /// Whether a cell is the name of any column: asked for each row, so how it begins and ends
    /// answers for most.
    #[inline]
    fn is_any_name(&self, cell: &str) -> bool {
        let may_be = match cell.as_bytes() {
            [first, ..] if first.is_ascii() => {
                let ends = self.ends.get(usize::from(*first));
                ends.is_some_and(|ends| ends >> end(cell) & 1 == 1)
            }
            cell => !cell.is_ascii(),
        };
        may_be && self.has_name(cell)
    }

    #[cold]
    fn has_name(&self, cell: &str) -> bool {
        self.header.iter().any(|name| is_name(name, cell))
    }

    /// Whether most cells with something in them are names of columns, each once, and one
    /// of them is not its own column's.
    fn is_other_header(&self, record: &Record) -> bool {
        let (mut all, mut moved) = (0, false);
        let mut names = HashSet::new();
        for index in 0..record.len() {
            let text = record.cell(index).map_or("", Cell::trimmed);
            if text.is_empty() {
                continue;
            }
            all += 1;
            let own = self.header.get(index).map_or("", String::as_str);
            let mut header = self.header.iter();
            if is_name(own, text) {
                names.insert(index);
            } else if let Some(at) = header.position(|name| is_name(name, text)) {
                moved |= names.insert(at);
            }
        }
        moved && names.len() >= NAMES_OF_HEADER && names.len() * 3 >= all * 2
    }

    #[cold]
    pub(super) fn other_header(&self, record: &Record) -> FeedError {
        let (path, header) = &self.place;
        FeedError::OtherHeader {
            path: Arc::clone(path),
            header: *header,
            row: record.row(),
        }
    }

    /// What a row is that has nothing but this text.
    #[cold]
    fn judge_alone(&self, text: &str) -> Option<NoPerson> {
        if self.columns < COLUMNS_OF_TABLE {
            None
        } else if names_total(text) || names_subtotal(text) {
            Some(NoPerson::Total)
        } else if ends_report(text) {
            Some(NoPerson::EndOfReport)
        } else if is_legend(text) {
            Some(NoPerson::Legend)
        } else {
            None
        }
    }

    /// What a row of several cells is whose first one may be of a report.
    #[cold]
    fn judge_report(&self, record: &Record) -> Option<NoPerson> {
        if self.columns < COLUMNS_OF_TABLE {
            return None;
        }
        let cells: Vec<_> = filled(record).collect();
        let (first, rest) = cells.split_first()?;
        let are_of_report = rest.iter().all(|cell| is_of_report(cell));
        let has_address = rest.iter().any(|cell| cell.contains('@'));
        let are_few = cells.len() <= MAX_CELLS && !has_address;
        // `on leave`, and neither a name nor a login.
        let is_small = |cell: &str| cell.starts_with(char::is_lowercase) && cell.contains(' ');
        let explains = matches!(rest, [cell] if is_small(cell));
        if names_total(first) && are_of_report || names_subtotal(first) && are_few {
            Some(NoPerson::Total)
        } else if is_created(first) && are_few || says_when(first) && are_of_report {
            Some(NoPerson::EndOfReport)
        } else if first.chars().all(|char| SIGNS.contains(&char)) && explains {
            Some(NoPerson::Legend)
        } else {
            None
        }
    }

    /// Whether a record may repeat the header, by a single cell: asked for each row.
    #[inline]
    fn may_repeat_header(&self, record: &Record) -> bool {
        let name = self.header.get(self.longest);
        name.zip(record.cell(self.longest))
            .is_some_and(|(name, cell)| {
                let text = cell.trimmed();
                text.len() == name.len() && is_name(name, text)
            })
    }

    /// Whether every cell with something in it is the name of its column, and more than
    /// one is.
    fn repeats_header(&self, record: &Record) -> bool {
        let (mut filled, mut same) = (0, 0);
        for index in 0..record.len() {
            let text = record.cell(index).map_or("", Cell::trimmed);
            let name = self.header.get(index).map_or("", String::as_str);
            filled += usize::from(!text.is_empty());
            same += usize::from(!text.is_empty() && is_name(name, text));
        }
        same == filled && (same >= 2 || self.columns == 1)
    }
}

/// How a text ends, as one of 64: by its length, and its last byte in whatever case.
#[inline]
fn end(text: &str) -> u64 {
    let last = text.as_bytes().last().map_or(0, u8::to_ascii_lowercase);
    (u64::from(last) + 11 * text.len() as u64) % 64
}

/// Whether a cell is the name of its column, whatever the case.
fn is_name(name: &str, cell: &str) -> bool {
    let are_ascii = name.is_ascii() && cell.is_ascii();
    name.eq_ignore_ascii_case(cell) || !are_ascii && name.to_lowercase() == cell.to_lowercase()
}

/// The first cell from a place on with something in it, and where it is.
#[inline]
fn next_filled(record: &Record, from: usize) -> Option<(usize, &str)> {
    for index in from..record.len() {
        let text = record.cell(index).map_or("", Cell::trimmed);
        if !text.is_empty() {
            return Some((index, text));
        }
    }
    None
}

/// The cells of a record with something in them.
fn filled(record: &Record) -> impl Iterator<Item = &str> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let (at, text) = next_filled(record, from)?;
        from = at + 1;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::super::csv::LineCells;
    use super::*;

    fn row(number: u32, cells: &str) -> HeadRow {
        HeadRow {
            row: Some(RowNumber::new(number)),
            cells: cells.split(',').map(str::to_owned).collect(),
            ..HeadRow::default()
        }
    }

    #[track_caller]
    fn below(header: &str, rows: &[&str], expected: &[NoPerson]) {
        let header = row(1, header);
        let rows: Vec<_> = (2..).zip(rows).map(|(at, it)| row(at, it)).collect();
        let found = below_header(&header, &rows);
        let expected: Vec<_> = (2..)
            .map(RowNumber::new)
            .zip(expected.iter().copied())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn labels_types_instructions_and_examples_below_the_header_are_no_people() {
        let keys = "STATUS,USERID,USERNAME,FIRSTNAME,LASTNAME,MI,JOBTITLE";
        let person = "active,E7,alee,Ann,Lee,,Nurse";
        let labels = "STATUS,USERID,Username,First Name,Last Name,Middle Name,Job Title";
        below(keys, &[labels, person], &[NoPerson::Labels]);
        let dutch = "Status,Personeelsnummer,Gebruikersnaam,Voornaam,Achternaam,,Functie";
        below(keys, &[dutch, person], &[NoPerson::Labels]);
        let types = "string,varchar(20),Text,text,text,char,String(50)";
        below(
            keys,
            &[labels, types, person],
            &[NoPerson::Labels, NoPerson::Types],
        );
        let duties = "required,required,optional,required,required,,optional";
        below(keys, &[duties, person], &[NoPerson::Types]);
        let words = "Use active,Required; at most 20,Must be unique,Required,Required,,Max. 50";
        below(keys, &[words, person], &[NoPerson::Instructions]);
        for first in ["Example:", "Example", "e.g. 1234", "Sample:", "bijv."] {
            let example = format!("{first},1,jdoe,John,Doe,,Rep");
            below(keys, &[&example, person], &[NoPerson::Example]);
        }
        below(
            keys,
            &["------,------,-----,,====,,-", person],
            &[NoPerson::Line],
        );
        below(keys, &["*,*,,*,*,,", person], &[NoPerson::Line]);
        let japanese = ("ID,NAME,MAIL", "社員番号,氏名,メール");
        below(
            japanese.0,
            &[japanese.1, "7,山田太郎,t@example.jp"],
            &[NoPerson::Labels],
        );
    }

    #[test]
    fn the_first_person_is_one_whatever_the_name_is() {
        // One word is a name as well, in a table of two columns.
        below("Login,Name", &["ann,Max"], &[]);
        below("Code,Name of center", &["ga,Do it yourself"], &[]);
        let header = "ID,First,Last,Mail,Job";
        for person in [
            "7,Ann,Lee,a@example.com,Nurse",
            "admin,Mark,Date,,Manager",
            "required,Will,First,w@example.com,Optional",
            "ann,Max,Must,max@example.com,Team lead",
            "E1,Text,Number,t@example.com,Format",
            "ann,Name,Lee,,Job coach",
            "17,Max,See,,",
            "BV,7,Ann,,Nurse",
            "B.V.,7,Ann,,Nurse",
            "EX,7,Ann,,Nurse",
            "Muster,Anna,,,Nurse",
            "Sample,Joe,,,",
        ] {
            below(header, &[person, person], &[]);
        }
        below("Name,City", &["Ann,Land", "Bo,Ghent"], &[]);
        below("First,Last", &["First,Lee"], &[]);
    }

    fn judged(header: &[String], cells: &str) -> Option<Odd> {
        let place = (&Path::new("people.csv").into(), RowNumber::new(1));
        let left_out = LeftOut::of(place, header, header.len());
        let mut record = Record::new();
        record.set_line(cells, &mut LineCells::of(cells.as_bytes(), b','));
        left_out.judge(&record)
    }

    #[test]
    fn the_names_of_the_columns_in_another_order_are_another_header() {
        let header = ["ID", "Mail", "Login", "First", "Last", "City"].map(String::from);
        let is_other = |cells| judged(&header, cells) == Some(Odd::OtherHeader);
        for cells in [
            "ID,Mail,Login,Last,First,City",
            "id,MAIL,login,last,first,city",
            "City,ID,Mail,Login,First,Last",
            // A column was left out, or is new.
            "ID,Mail,Login,First,City,",
            "ID,Mail,Dept,Login,First,Last",
            ",ID,Mail,Login,First,Last",
        ] {
            assert!(is_other(cells), "{cells}");
        }
        for cells in [
            "ID,Mail,Login,First,Last,City",
            "ID,Mail,Login,First,Last,Town",
            "ID,Mail,Login,First,Last,",
            "7,mail@example.com,login,Mail,First,City",
            "E7,a@example.com,last,Last,First,City",
            "First,Last,,,,",
            "ID,ID,ID,ID,ID,ID",
        ] {
            assert!(!is_other(cells), "{cells}");
        }
        let other = ["Naam", "Straße", "Größe"].map(String::from);
        assert_eq!(judged(&other, "GRÖßE,naam,straße"), Some(Odd::OtherHeader));
    }

    #[track_caller]
    fn judges(cells: &str, expected: Option<NoPerson>) {
        let header = ["Login", "ID", "First", "Last"].map(String::from);
        let found = match judged(&header, cells) {
            None => None,
            Some(Odd::NoPerson(what)) => Some(what),
            Some(Odd::OtherHeader) => panic!("{cells}"),
        };
        assert_eq!(found, expected, "{cells}");
    }

    #[test]
    fn totals_and_the_ends_of_reports_are_no_people() {
        for cells in [
            "Total,2,records,exported 03-05-2026",
            "Total,2,,",
            ",Total:,2,",
            "Grand Total,,,1.234,50",
            "Totaal,2,medewerkers,",
            "Summe,,2,",
            "Anzahl: 2,,,",
            "Count = 2,,,",
            "Subtotal,12,,12.5%",
            "SUM,2,2,2",
            "Subtotal,,,",
            "Subtotal Sales,,,12",
            "Sous-total,Ventes,,3",
            "Tussentotaal,,,",
        ] {
            judges(cells, Some(NoPerson::Total));
        }
        for cells in [
            "End of report,,,",
            "*** End of file ***,,,",
            "2 records,,,",
            "(2 rows affected),,,",
            "Number of employees: 2,,,",
            "Record count: 2,,,",
            "Totaal aantal medewerkers: 2,,,",
            "Generated 2026-05-03 10:00,,,",
            "Confidential,,,",
            "EOF,,,",
            "Page 1 of 3,,,",
            "Aantal medewerkers 2,,,",
            "Report run by J. Smith on 2026-05-03,,,",
            ",,Report run by J. Smith on 2026-05-03,",
            "Report run by,J. Smith,2026-05-03,",
            "Printed 01-02-2026,,,",
            "Printed: 01-02-2026,,,",
            "Printed,01-02-2026,,",
            "Erstellt am 01.02.2026,,,",
        ] {
            judges(cells, Some(NoPerson::EndOfReport));
        }
        for cells in [
            "* = on leave,,,",
            "*,on leave,,",
            "(*) part-time,,,",
            ",,M = male; F = female,",
        ] {
            judges(cells, Some(NoPerson::Legend));
        }
        judges("Login,ID,First,Last", Some(NoPerson::RepeatedHeader));
        judges("LOGIN,id,FIRST,Last", Some(NoPerson::RepeatedHeader));
        judges(" Login ,ID,First,", Some(NoPerson::RepeatedHeader));
    }

    #[test]
    fn people_are_called_total_and_count_and_sum() {
        for cells in [
            "Total,2,Ann,Total",
            "Count,7,Basie,Count",
            "sum,12,Sum,Li",
            "total,3,,total@example.com",
            "Page,4,Larry,",
            "2 Ann,5,Ann,Lee",
            "Endo,6,End,Report",
            "Sum,12,On,Le",
            "Total Ann,,,",
            "Login,8,First,Last",
            "Number of Six,9,Tricia,Helfer",
            "E7,,,",
            "Employee 12,,,",
            "Eoford,,,",
            "*,Ann,,",
            "*,ann,,",
            "*,7,Ann,Lee",
            "***,,,",
            "Printed,5,Ann,Lee",
            "Subtotal,5,a@example.com,Lee",
            "ann,7,First,Lee",
        ] {
            judges(cells, None);
        }
    }
}
