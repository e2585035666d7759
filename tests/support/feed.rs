//! Feeds of invented people.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::Value;

use super::System::{self, AnewSpring, Kmi};

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
    pub(crate) parts: Parts,
}

/// What only aNewSpring has of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) roles: Vec<String>,
    pub(crate) author: Vec<String>,
    pub(crate) designer: Vec<String>,
    pub(crate) groups: Vec<String>,
    /// The name of the row's one group, for `[groups]`.
    pub(crate) group_name: String,
    pub(crate) group_parent: String,
    pub(crate) picture: String,
    pub(crate) password: String,
}

impl Person {
    /// The person with this number. No message of the program
    /// contains the names by itself.
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
            parts: Parts {
                roles: strings(&["Learner"]),
                ..Parts::default()
            },
        }
    }

    /// Panics unless `there` is how the LMS must hold the person.
    #[track_caller]
    pub(crate) fn assert_is(&self, system: System, there: &Value) {
        let wanted = match system {
            Kmi => self.wanted_on_kmi(),
            AnewSpring => self.wanted_on_anewspring(),
        };
        for (field, wanted) in wanted {
            assert_eq!(there[field], *wanted, "{field} of {}: {there:#?}", self.id);
        }
        if system == AnewSpring {
            self.parts.assert_are(there);
        }
    }

    fn wanted_on_kmi(&self) -> Vec<(&'static str, String)> {
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

    fn wanted_on_anewspring(&self) -> Vec<(&'static str, String)> {
        vec![
            ("email", self.email.to_lowercase()),
            ("firstName", self.first.clone()),
            ("lastName", self.last.clone()),
            ("login", self.login.to_lowercase()),
            ("residence", self.city.clone()),
        ]
    }

    fn cells(&self, system: System) -> Vec<String> {
        let mut cells = vec![
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
        ];
        if system == AnewSpring {
            let it = &self.parts;
            let sets = [&it.roles, &it.author, &it.designer, &it.groups];
            cells.extend(sets.map(|set| set.join(";")));
            let values = [&it.group_name, &it.group_parent, &it.picture, &it.password];
            cells.extend(values.map(Clone::clone));
        }
        cells
    }
}

impl Parts {
    /// Panics unless `there` has each of these, and no right and no group more.
    #[track_caller]
    fn assert_are(&self, there: &Value) {
        let has = |field: &str| -> Vec<String> {
            let mut set: Vec<String> = serde_json::from_value(there[field].clone()).unwrap();
            set.sort();
            set
        };
        let roles = has("roles");
        for role in &self.roles {
            let role = match role.as_str() {
                "Learner" => "student".to_owned(),
                "Instructor" => "teacher".to_owned(),
                "Observer" => "mentor".to_owned(),
                other => other.to_lowercase(),
            };
            assert!(roles.contains(&role), "{role}: {there:#}");
        }
        for (field, wanted) in [
            ("authorContentLabels", &self.author),
            ("designerContentLabels", &self.designer),
            ("groups", &self.groups),
        ] {
            let mut wanted = wanted.clone();
            wanted.sort();
            assert_eq!(has(field), wanted, "{field} of {there:#}");
        }
    }
}

/// The columns that the mappings of both systems read.
const COLUMNS: [&str; 9] = [
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

/// The columns behind them that only aNewSpring's mapping reads.
const COLUMNS_OF_PARTS: [&str; 8] = [
    "Roles",
    "Author",
    "Designer",
    "Groups",
    "Group name",
    "Group parent",
    "Photo",
    "Password",
];

fn columns(system: System) -> Vec<&'static str> {
    match system {
        Kmi => COLUMNS.to_vec(),
        AnewSpring => [&COLUMNS[..], &COLUMNS_OF_PARTS].concat(),
    }
}

/// A feed: the person at index 0 is in line 2.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    pub(crate) people: Vec<Person>,
}

impl Feed {
    /// A feed of that many sound people.
    pub(crate) fn of(people: usize) -> Self {
        Self {
            people: (1..=people).map(Person::new).collect(),
        }
    }

    /// The feed with the person at `index` changed.
    pub(crate) fn change(mut self, index: usize, change: impl FnOnce(&mut Person)) -> Self {
        change(&mut self.people[index]);
        self
    }

    /// The feed with the parts of everybody changed, by number.
    pub(crate) fn each(mut self, change: impl Fn(usize, &mut Parts)) -> Self {
        for (number, person) in (1..).zip(&mut self.people) {
            change(number, &mut person.parts);
        }
        self
    }

    /// The parts of the person at `index`.
    pub(crate) fn parts(&mut self, index: usize) -> &mut Parts {
        &mut self.people[index].parts
    }

    pub(crate) fn csv(&self, system: System) -> Vec<u8> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(columns(system)).unwrap();
        for person in &self.people {
            csv.write_record(person.cells(system)).unwrap();
        }
        csv.into_inner().unwrap()
    }

    pub(crate) fn csv_gz(&self, system: System) -> Vec<u8> {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(&self.csv(system)).unwrap();
        gz.finish().unwrap()
    }

    /// As Excel would write it: title rows above the header, dates as date
    /// cells.
    pub(crate) fn xlsx(&self, system: System) -> Vec<u8> {
        let mut book = Workbook::new();
        let date = Format::new().set_num_format("dd-mm-yyyy");
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "Staff of ACME").unwrap();
        for (column, name) in (0..).zip(columns(system)) {
            sheet.write(2, column, name).unwrap();
        }
        for (row, person) in (3..).zip(&self.people) {
            for (column, cell) in (0..).zip(person.cells(system)) {
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

pub(crate) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
