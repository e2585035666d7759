//! Feeds of invented people.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

/// One person of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) email: String,
    pub(crate) login: String,
    pub(crate) city: String,
    pub(crate) country: &'static str,
    /// Day, month, year.
    pub(crate) end: Option<(u8, u8, u16)>,
    pub(crate) status: &'static str,
}

impl Person {
    /// The person with this number. Names are such as stand in no message of
    /// the program's own.
    pub(crate) fn new(number: usize) -> Self {
        Self {
            id: format!("E{number:05}"),
            first: format!("Žofie{number}"),
            last: format!("O'Quimby{number}"),
            email: format!("Zofie.Quimby{number}@Example.com"),
            login: format!("ZQuimby{number}"),
            city: ["Zwolle", "Quedlinburg", "Ypsilanti"][number % 3].into(),
            country: ["Netherlands", "Germany", ""][number % 3],
            end: number.is_multiple_of(2).then_some((31, 12, 2030)),
            status: "Employee",
        }
    }

    /// What the LMS must hold of the person.
    pub(crate) fn wanted(&self) -> Vec<(&'static str, String)> {
        let mut wanted = vec![
            ("email", self.email.to_lowercase()),
            ("firstName", self.first.clone()),
            ("lastName", self.last.clone()),
            ("loginName", self.login.to_lowercase()),
            ("city", self.city.clone()),
            (
                "country",
                match self.country {
                    "Netherlands" => "NL",
                    "Germany" => "DE",
                    _ => "US",
                }
                .into(),
            ),
        ];
        if let Some((day, month, year)) = self.end {
            wanted.push(("expirationDate", format!("{year}-{month:02}-{day:02}")));
        }
        wanted
    }

    fn cells(&self) -> [String; 9] {
        [
            self.id.clone(),
            self.first.clone(),
            self.last.clone(),
            self.email.clone(),
            self.login.clone(),
            self.city.clone(),
            self.country.to_owned(),
            self.end.map_or_else(String::new, |(day, month, year)| {
                format!("{day:02}-{month:02}-{year}")
            }),
            self.status.to_owned(),
        ]
    }
}

pub(crate) const COLUMNS: [&str; 9] = [
    "Employee ID",
    "First name",
    "Last name",
    "Work e-mail",
    "Login",
    "City",
    "Country",
    "End date",
    "Status",
];

/// A feed: the person at index 0 stands in line 2.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    pub(crate) people: Vec<Person>,
}

impl Feed {
    /// A feed of so many sound people.
    pub(crate) fn of(people: usize) -> Self {
        Self {
            people: (1..=people).map(Person::new).collect(),
        }
    }

    /// The feed with a change made to the person at `index`.
    pub(crate) fn change(mut self, index: usize, change: impl FnOnce(&mut Person)) -> Self {
        change(&mut self.people[index]);
        self
    }

    pub(crate) fn csv(&self) -> Vec<u8> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(COLUMNS).unwrap();
        for person in &self.people {
            csv.write_record(person.cells()).unwrap();
        }
        csv.into_inner().unwrap()
    }

    pub(crate) fn csv_gz(&self) -> Vec<u8> {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(&self.csv()).unwrap();
        gz.finish().unwrap()
    }

    /// As Excel would write it: title rows above the header, dates as date
    /// cells.
    pub(crate) fn xlsx(&self) -> Vec<u8> {
        let mut book = Workbook::new();
        let date = Format::new().set_num_format("dd-mm-yyyy");
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "Staff of ACME").unwrap();
        for (column, name) in (0..).zip(COLUMNS) {
            sheet.write(2, column, name).unwrap();
        }
        for (row, person) in (3..).zip(&self.people) {
            for (column, cell) in (0..).zip(person.cells()) {
                match person.end {
                    Some((day, month, year)) if column == 7 => {
                        let end = ExcelDateTime::from_ymd(year, month, day).unwrap();
                        sheet.write_with_format(row, column, end, &date).unwrap();
                    }
                    _ if cell.is_empty() => {}
                    _ => {
                        sheet.write(row, column, cell).unwrap();
                    }
                }
            }
        }
        book.save_to_buffer().unwrap()
    }
}
