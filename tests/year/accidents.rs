//! Accidents: what makes a sound feed, an LMS or a key other than it should be.

use std::collections::HashSet;

use fastrand::Rng;

use crate::organisation::{
    CITY, DEPARTMENT, EMAIL, FIRST, ID, LAST, LOGIN, Member, Organisation, Row,
};
use crate::simulation::Plan;
use crate::support::System::{self, Kmi};

/// What went wrong before hrfeed began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Accident {
    /// The export broke off after three rows.
    ThreeRows,
    /// The export broke off after 70 % of the rows.
    SevenTenths,
    /// A spreadsheet took the IDs for numbers.
    ZerosCut,
    /// The ID column has the logins.
    LoginsAsIds,
    /// All columns but the IDs were sorted by last name.
    IdsSortedApart,
    /// Names, e-mail addresses and logins slipped by one row.
    Shifted,
    /// The last names alone were sorted.
    LastNamesSorted,
    /// The e-mail addresses alone were sorted.
    EmailsSorted,
    /// A column is empty, and an empty cell clears the field.
    ClearedColumn,
    /// A column is empty, and an empty cell says nothing.
    EmptiedColumn,
    /// The file of another company, which numbers its people alike.
    OthersWithTheseIds,
    /// The file of another company, with IDs of its own.
    OthersWithTheirIds,
    /// Everybody has one e-mail address.
    OneEmail,
    /// Every row is there twice.
    Doubled,
    /// The file is that of ten days ago.
    OldFile,
    /// Night after night 4.9 % of the people are missing as well.
    Leak,
    /// Night after night 0.8 % are missing as well: not much, in a night.
    SlowLeak,
    /// The account behind the key sees nobody.
    BlindKey,
    /// The key was replaced.
    NewKey,
}

impl Accident {
    const ALL: [Self; 19] = [
        Self::ThreeRows,
        Self::SevenTenths,
        Self::ZerosCut,
        Self::LoginsAsIds,
        Self::IdsSortedApart,
        Self::Shifted,
        Self::LastNamesSorted,
        Self::EmailsSorted,
        Self::ClearedColumn,
        Self::EmptiedColumn,
        Self::OthersWithTheseIds,
        Self::OthersWithTheirIds,
        Self::OneEmail,
        Self::Doubled,
        Self::OldFile,
        Self::Leak,
        Self::SlowLeak,
        Self::BlindKey,
        Self::NewKey,
    ];

    /// What can happen on that system. On aNewSpring an external ID is nobody's but the
    /// account's, so another key finds everybody.
    pub(crate) fn on(system: System) -> Vec<Self> {
        let happens = |accident: &Self| system == Kmi || *accident != Self::NewKey;
        Self::ALL.into_iter().filter(happens).collect()
    }

    /// How many people of a thousand are missing as well, each night of a leak.
    pub(crate) const fn swallows(self) -> Option<usize> {
        match self {
            Self::Leak => Some(49),
            Self::SlowLeak => Some(8),
            _ => None,
        }
    }

    /// What becomes of a sound feed.
    pub(crate) fn befall(self, rows: &mut Vec<Row>, organisation: &mut Organisation) {
        match self {
            Self::ThreeRows => rows.truncate(3),
            Self::SevenTenths => rows.truncate(rows.len() * 7 / 10),
            Self::ZerosCut => {
                for row in rows {
                    row[ID] = row[ID].trim_start_matches('0').into();
                }
            }
            Self::LoginsAsIds => {
                for row in rows {
                    let login = row[LOGIN].clone();
                    row[ID] = login;
                }
            }
            Self::IdsSortedApart => {
                let ids: Vec<_> = rows.iter().map(|row| row[ID].clone()).collect();
                rows.sort_by(|a, b| a[LAST..].cmp(&b[LAST..]));
                for (row, id) in rows.iter_mut().zip(ids) {
                    row[ID] = id;
                }
            }
            Self::Shifted => {
                for column in [FIRST, LAST, EMAIL, LOGIN] {
                    change_column(rows, column, |texts| texts.rotate_right(1));
                }
            }
            Self::LastNamesSorted => change_column(rows, LAST, |texts| texts.sort()),
            Self::EmailsSorted => change_column(rows, EMAIL, |texts| texts.sort()),
            Self::ClearedColumn => change_column(rows, CITY, |texts| texts.fill(String::new())),
            Self::EmptiedColumn => {
                change_column(rows, DEPARTMENT, |texts| texts.fill(String::new()));
            }
            Self::OthersWithTheseIds => {
                let ids: Vec<_> = rows.iter().map(|row| row[ID].clone()).collect();
                *rows = organisation.another_company(ids.into_iter());
            }
            Self::OthersWithTheirIds => {
                let ids = (0..rows.len() * 95 / 100).map(|number| format!("X{number:06}"));
                *rows = organisation.another_company(ids);
            }
            Self::OneEmail => change_column(rows, EMAIL, |texts| {
                texts.fill("noreply@example.com".to_owned());
            }),
            Self::Doubled => rows.extend_from_within(..),
            // Nothing is wrong with the feed.
            Self::OldFile | Self::Leak | Self::SlowLeak | Self::BlindKey | Self::NewKey => {}
        }
    }
}

fn change_column(rows: &mut [Row], column: usize, change: impl FnOnce(&mut Vec<String>)) {
    let mut texts = rows.iter().map(|row| row[column].clone()).collect();
    change(&mut texts);
    for (row, text) in rows.iter_mut().zip(texts) {
        row[column] = text;
    }
}

/// What a night of the simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Night {
    /// People come, change and go.
    Ordinary,
    /// And a department gets another name.
    DepartmentRenamed,
    /// And another company joins.
    Merger,
    Accident(Accident),
}

/// Which night is what.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    pub(crate) nights: Vec<Night>,
}

impl Calendar {
    /// Each accident `times` times, and each leak once, in a year of that many nights.
    pub(crate) fn draw(plan: &Plan, accidents: &[Accident], rng: &mut Rng) -> Self {
        let nights = plan.nights;
        let mut calendar = Self {
            nights: vec![Night::Ordinary; nights],
        };
        // A year begins with some sound nights. At its end a week's budget is free
        // again after whatever happened.
        let (first, last) = (6, nights - 9);
        let mut free: Vec<usize> = (first..last).collect();
        rng.shuffle(&mut free);
        for leak in [Accident::Leak, Accident::SlowLeak] {
            let nights = vec![Night::Accident(leak); plan.leak];
            calendar.place(&mut free, &nights);
        }
        // What was approved then is carried out in the night after it.
        calendar.place(&mut free, &[Night::Merger, Night::Ordinary]);
        for _ in 0..plan.times {
            calendar.place(&mut free, &[Night::DepartmentRenamed]);
            let one_night = accidents.iter().filter(|it| it.swallows().is_none());
            for accident in one_night {
                let night = Night::Accident(*accident);
                match accident {
                    // After an accident, joiners are due still, and would be the new
                    // key's alone.
                    Accident::NewKey => calendar.place(&mut free, &[Night::Ordinary, night]),
                    _ => calendar.place(&mut free, &[night]),
                }
            }
        }
        calendar
    }

    /// Puts these nights, in turn, where as many are free.
    fn place(&mut self, free: &mut Vec<usize>, nights: &[Night]) {
        let is_free = |place: usize| free.contains(&place);
        let begin = *free
            .iter()
            .find(|&&begin| (begin..begin + nights.len()).all(is_free))
            .expect("the year is too short for so many accidents");
        let places = begin..begin + nights.len();
        self.nights[places.clone()].copy_from_slice(nights);
        free.retain(|place| !places.contains(place));
    }
}

/// The people whom a leak swallowed.
#[derive(Debug, Default)]
pub(crate) struct Leak {
    swallowed: HashSet<usize>,
}

impl Leak {
    /// Another night of it: of a thousand people who are left so many more are
    /// missing. Returns who is still in the feed.
    pub(crate) fn swallow(
        &mut self,
        of_a_thousand: usize,
        members: &[Member],
        rng: &mut Rng,
    ) -> Vec<Row> {
        let mut left: Vec<_> = members.iter().map(|it| it.human).collect();
        left.retain(|human| !self.swallowed.contains(human));
        rng.shuffle(&mut left);
        let more = left.len() * of_a_thousand / 1000;
        self.swallowed.extend(&left[..more]);
        let members = members.iter();
        let rest = members.filter(|it| !self.swallowed.contains(&it.human));
        rest.map(|it| it.row.clone()).collect()
    }
}
