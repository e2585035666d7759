//! Which column of a feed is which field of the target, by name and content.

use super::columns::{Column, Sample};
use super::places::is_country;
use super::status::{self, Filter};
use super::systems;
use super::words;
use crate::headers::{self, Meaning, Reading, normalized};
use crate::mapping::{STATES, likely_forms};
use crate::schema::{Field, FieldKind, Part, System};

/// Where a field's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// No column was recognised.
    Nothing,
    /// A column, as it is.
    Column(usize),
    /// Computed from columns.
    Template {
        /// As in the mapping.
        text: String,
        /// What it is computed from.
        columns: Vec<usize>,
    },
}

/// What was decided about a field.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) field: &'static Field,
    pub(super) origin: Origin,
    /// Why, for a person.
    pub(super) why: String,
    /// Settings that a person could prefer, each with what speaks for it.
    pub(super) others: Vec<(String, &'static str)>,
    /// What a person must look at.
    pub(super) check: Option<String>,
}

impl Choice {
    /// The columns that it comes from.
    pub(super) fn columns(&self) -> &[usize] {
        match &self.origin {
            Origin::Nothing => &[],
            Origin::Column(index) => std::slice::from_ref(index),
            Origin::Template { columns, .. } => columns,
        }
    }
}

/// What was recognised in a feed.
#[derive(Debug)]
pub(super) struct Recognised {
    /// For each detail of a person what was decided, in the order of the schema.
    pub(super) choices: Vec<Choice>,
    /// For each column why it is not used, where that is not plain.
    pub(super) why_not: Vec<Option<String>>,
    /// Which rows belong to the feed.
    pub(super) filter: Option<Filter>,
}

impl Recognised {
    /// The column of a field that comes from one column.
    pub(super) fn column_of(&self, kind: FieldKind) -> Option<usize> {
        let choice = self.choices.iter().find(|it| it.field.kind == kind)?;
        match choice.origin {
            Origin::Column(index) => Some(index),
            _ => None,
        }
    }
}

/// For each detail of a person where it probably comes from. No column is used twice, but
/// for logins that are e-mail addresses or IDs. Roles, groups and passwords are never
/// guessed: see [`suggest_columns`].
pub(super) fn recognise(system: System, sample: &Sample) -> Recognised {
    let mut work = Work::new(system, sample);
    work.email();
    work.person_id();
    work.names();
    work.login();
    work.details();
    work.gender_by_salutation();
    work.places();
    let filter = status::filter(&mut work);
    work.explain();
    Recognised {
        choices: work.choices,
        why_not: work.why_not,
        filter,
    }
}

/// The columns to suggest for a field where a wrong guess would do harm: roles and groups.
/// The likeliest first.
pub(super) fn suggest_columns<'c>(field: &Field, columns: &'c [Column]) -> Vec<&'c Column> {
    let mut found: Vec<_> = columns
        .iter()
        .filter(|column| !column.repeated && !column.is_masked())
        .filter_map(|column| {
            let reading = column.readings().into_iter().next()?;
            let rank = meanings(field)
                .iter()
                .position(|it| *it == reading.meaning)?;
            Some(((rank, reading.rank), column))
        })
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, column)| column).collect()
}

/// What the columns of a field are about, the best first.
fn meanings(field: &Field) -> &'static [Meaning] {
    match field.name {
        "middleName" => &[Meaning::NamePrefix, Meaning::MiddleName],
        "gender" => &[Meaning::Gender],
        "title" => &[Meaning::Title],
        "initials" => &[Meaning::Initials],
        "function" => &[Meaning::JobTitle],
        "company" => &[Meaning::Company],
        "dateOfBirth" => &[Meaning::BirthDate],
        "telephoneNumber" => &[Meaning::WorkPhone, Meaning::Phone],
        "cellPhoneNumber" => &[Meaning::Mobile],
        "faxNumber" => &[Meaning::Fax],
        "address" => &[Meaning::Street],
        "address2" => &[Meaning::Address2],
        "city" | "residence" => &[Meaning::City],
        "state" => &[Meaning::State],
        "zip" => &[Meaning::Zip],
        "country" => &[Meaning::Country],
        "invoiceAddress" => &[Meaning::InvoiceAddress],
        "invoiceZip" => &[Meaning::InvoiceZip],
        "invoiceResidence" => &[Meaning::InvoiceCity],
        "invoiceCountry" => &[Meaning::InvoiceCountry],
        "expirationDate" => &[Meaning::EndDate],
        "forcePasswordChange" => &[Meaning::ForcePassword],
        "avatar" => &[Meaning::Picture],
        "role" => &[Meaning::Role],
        "group" => &[
            Meaning::Department,
            Meaning::Unit,
            Meaning::CostCentre,
            Meaning::Location,
        ],
        _ => &[],
    }
}

/// The recognition of one feed.
pub(super) struct Work<'s> {
    pub(super) sample: &'s Sample,
    /// What each column's name may mean.
    pub(super) readings: Vec<Vec<Reading>>,
    /// Whether a column is some field's.
    pub(super) used: Vec<bool>,
    pub(super) why_not: Vec<Option<String>>,
    pub(super) choices: Vec<Choice>,
}

/// What makes any other column of a field better.
const EMPTY: u32 = 500_000;
/// From this rank on an address is a private one.
const PRIVATE: u32 = 100_000;

impl<'s> Work<'s> {
    fn new(system: System, sample: &'s Sample) -> Self {
        let details = system.spec().fields.iter();
        let details = details.filter(|field| field.part == Part::Details);
        let nothing = |field| Choice {
            field,
            origin: Origin::Nothing,
            why: String::new(),
            others: Vec::new(),
            check: None,
        };
        let readings: Vec<_> = (sample.columns.iter()).map(Column::readings).collect();
        let is_out = |(column, readings): (&Column, &Vec<Reading>)| {
            let is_private =
                |it: &Reading| matches!(it.meaning, Meaning::Password | Meaning::Never(_));
            column.repeated || column.is_masked() || readings.first().is_some_and(is_private)
        };
        let used = sample.columns.iter().zip(&readings).map(is_out).collect();
        Self {
            sample,
            readings,
            used,
            why_not: vec![None; sample.columns.len()],
            choices: details.map(nothing).collect(),
        }
    }

    pub(super) fn column(&self, index: usize) -> &'s Column {
        &self.sample.columns[index]
    }

    pub(super) fn name(&self, index: usize) -> &'s str {
        &self.sample.columns[index].name
    }

    /// Whether a status is that of an account and not that of a person's employment.
    pub(super) fn is_of_accounts(&self, index: usize) -> bool {
        let name = normalized(self.name(index));
        systems::are_accounts(&self.sample.columns)
            || ["account", "user", "login"]
                .iter()
                .any(|it| name.contains(it))
    }

    /// The rank of a column's name for a meaning.
    pub(super) fn rank(&self, index: usize, meaning: Meaning) -> Option<u32> {
        let readings = self.readings[index].iter();
        let of = readings.filter(|it| it.meaning == meaning);
        of.map(|it| it.rank).min()
    }

    /// The free columns of one of these meanings, the surest first; empty ones last.
    pub(super) fn named(&self, meanings: &[Meaning]) -> Vec<usize> {
        let mut found: Vec<_> = (0..self.used.len())
            .filter(|index| !self.used[*index])
            .filter_map(|index| Some((self.rank_among(index, meanings)?, index)))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, index)| index).collect()
    }

    fn rank_among(&self, index: usize, meanings: &[Meaning]) -> Option<u32> {
        let column = self.column(index);
        let is_empty = column.rows > 0 && column.filled == 0;
        let ranks = (0..).zip(meanings).filter_map(|(at, meaning)| {
            let rank = self.rank(index, *meaning)?;
            Some(at * 20_000 + rank + if is_empty { EMPTY } else { 0 })
        });
        ranks.min()
    }

    pub(super) fn choice(&mut self, is: impl Fn(&Field) -> bool) -> Option<&mut Choice> {
        self.choices.iter_mut().find(|it| is(it.field))
    }

    /// Gives a field a column.
    pub(super) fn take(&mut self, is: impl Fn(&Field) -> bool, index: usize, why: String) {
        self.used[index] = true;
        if let Some(choice) = self.choice(is) {
            choice.origin = Origin::Column(index);
            choice.why = why;
        }
    }

    pub(super) fn not(&mut self, index: usize, why: impl Into<String>) {
        self.why_not[index].get_or_insert_with(|| why.into());
    }

    /// `by name, all filled`.
    pub(super) fn by_name(&self, index: usize) -> String {
        by("by name", self.column(index))
    }

    /// Of several columns of addresses the best filled, and never an empty one.
    fn email(&mut self) {
        let is_about_others = |index: usize| self.column(index).is_about_others();
        let named = |index: usize| {
            let ranks = [
                (Meaning::Email, 0),
                (Meaning::Login, 40_000),
                (Meaning::PrivateEmail, PRIVATE),
            ];
            let ranks = ranks.into_iter();
            let ranks = ranks.filter_map(|(it, more)| Some(self.rank(index, it)? + more));
            ranks.min()
        };
        let mut found = Vec::new();
        let mut sparse = Vec::new();
        for index in 0..self.used.len() {
            let column = self.column(index);
            if self.used[index] || is_about_others(index) {
                continue;
            }
            let by_header = named(index);
            let is_login = by_header.is_some_and(|rank| (40_000..PRIVATE).contains(&rank));
            if column.filled == 0 {
                // Without rows the name must do.
                match by_header.filter(|_| !is_login && column.rows == 0) {
                    Some(rank) => found.push((index, rank)),
                    None if by_header.is_some() && !is_login => {
                        sparse.push((index, "empty".into()));
                    }
                    None => {}
                }
            } else if column.emails > 0 && column.emails * 2 >= column.filled {
                found.push((index, by_header.unwrap_or(30_000)));
            } else if by_header.is_some() && !is_login {
                let why = format!("{} of {} cells are addresses", column.emails, column.filled);
                sparse.push((index, why));
            }
        }
        for (index, why) in sparse {
            self.not(index, why);
        }
        let most = |private: bool| {
            let of_kind = found.iter().filter(|(_, rank)| private || *rank < PRIVATE);
            let most = of_kind.map(|(index, _)| self.column(*index).emails).max();
            most.unwrap_or(0)
        };
        // A private address is one of work for nobody, unless hardly anybody has another.
        let may_be_private = most(false) * 2 < most(true);
        let is_full = |index: usize| self.column(index).emails * 10 >= most(may_be_private) * 9;
        let best = found
            .iter()
            .filter(|(_, rank)| may_be_private || *rank < PRIVATE)
            .filter(|(index, _)| is_full(*index));
        let Some(&(best, rank)) = best.min_by_key(|(index, rank)| (*rank, *index)) else {
            return;
        };
        for (index, rank) in found {
            let is_private = rank >= PRIVATE;
            let column = self.column(index);
            if index == best {
                continue;
            }
            if is_private {
                self.not(index, "a private address");
            } else if !(40_000..PRIVATE).contains(&rank) && column.rows > 0 {
                let shared = if column.distinct_emails * 2 <= column.emails {
                    ", of which several people have the same"
                } else {
                    ""
                };
                self.not(index, format!("also addresses{shared}; {}", filled(column)));
            }
        }
        let why = match rank {
            30_000 => by("by content: addresses", self.column(best)),
            PRIVATE.. => by("by name, a private address", self.column(best)),
            _ => self.by_name(best),
        };
        // A login that is an address is both.
        let stays_free = (40_000..PRIVATE).contains(&rank);
        let is_email = |field: &Field| field.kind == FieldKind::Email;
        self.take(is_email, best, why);
        self.used[best] = !stays_free;
        if rank >= PRIVATE {
            let check = format!("`{}` has private addresses", self.name(best));
            if let Some(choice) = self.choice(is_email) {
                choice.check = Some(check);
            }
        }
    }

    pub(super) fn column_of(&self, kind: FieldKind) -> Option<usize> {
        let choice = self.choices.iter().find(|it| it.field.kind == kind)?;
        match choice.origin {
            Origin::Column(index) => Some(index),
            _ => None,
        }
    }

    /// Everything else: the surest names of all fields first.
    fn details(&mut self) {
        let mut found = Vec::new();
        for (at, choice) in self.choices.iter().enumerate() {
            let field = choice.field;
            if choice.origin != Origin::Nothing || field.required {
                continue;
            }
            for index in 0..self.used.len() {
                let own = normalized(self.name(index)) == normalized(field.name);
                // Who may sign in is never guessed.
                let own = own && (field.kind != FieldKind::Bool || field.name == "renewable");
                let rank = self.rank_among(index, meanings(field));
                if let Some(rank) = rank.or(own.then_some(0)) {
                    // Beside a column of titles, `Anrede` says Mr or Mrs.
                    let later = field.name == "title" && self.are_salutations(index);
                    let rank = if later { rank + EMPTY / 2 } else { rank };
                    found.push((rank, at, index));
                }
            }
        }
        found.sort_unstable();
        for (_, at, index) in found {
            let field = self.choices[at].field;
            if self.choices[at].origin != Origin::Nothing || self.used[index] {
                continue;
            }
            if let Some(why) = self.implausible(field, index) {
                self.not(index, why);
                continue;
            }
            let why = self.by_name(index);
            self.take(|it| it.name == field.name, index, why);
            self.why_not[index] = None;
        }
    }

    /// What speaks against a column for a field, by its content.
    fn implausible(&self, field: &Field, index: usize) -> Option<String> {
        let column = self.column(index);
        if column.samples.is_empty() {
            return None;
        }
        let samples = &column.samples;
        let any = |is: &dyn Fn(&str) -> bool| samples.iter().any(|it| is(it));
        match field.name {
            "title" if !column.half(words::is_title) => Some("no titles".into()),
            "function" if column.half(words::is_title) => Some("titles, no jobs".into()),
            "middleName" if self.rank(index, Meaning::NamePrefix).is_some() => {
                let are_titles =
                    column.half(words::is_title) && !column.half(words::is_name_prefix);
                are_titles.then(|| "titles, no parts of names".into())
            }
            "country" | "invoiceCountry" if !any(&is_country) => {
                Some("no country in it is known".into())
            }
            "state" if !any(&|it| STATES.named(it).is_some()) => Some("no state of the USA".into()),
            _ if field.kind.is_date() => {
                let is_day = |it: &str| !likely_forms([it]).is_empty();
                (column.dates == 0 && !any(&is_day)).then(|| "no dates".into())
            }
            _ => None,
        }
    }

    /// Why columns of a known kind are not used.
    fn explain(&mut self) {
        for index in 0..self.used.len() {
            let reading = self.readings[index].first().copied();
            let is_private =
                |it: &Reading| matches!(it.meaning, Meaning::Password | Meaning::Never(_));
            if self.column(index).is_masked() && !reading.as_ref().is_some_and(is_private) {
                self.why_not[index] = Some("masked: its cells hide their values".into());
                continue;
            }
            if self.column(index).is_about_others() && self.column(index).emails > 0 {
                self.not(index, "addresses of somebody else");
                continue;
            }
            let Some(reading) = reading else {
                continue;
            };
            let used = self.choices.iter().any(|it| it.columns().contains(&index));
            if used {
                continue;
            }
            let why = match reading.meaning {
                Meaning::Password => "a password, left alone",
                Meaning::Never(headers::Private::Pay) => "pay, left alone",
                Meaning::Never(headers::Private::Bank) => "a bank account, left alone",
                Meaning::Never(headers::Private::Identity) => {
                    "a number of an authority, left alone"
                }
                Meaning::Never(headers::Private::Health) => "sensitive, left alone",
                Meaning::PrivatePhone | Meaning::PrivateMobile => "a private number",
                Meaning::PrivateEmail => "a private address",
                _ => continue,
            };
            self.not(index, why);
        }
    }
}

/// Whether addresses can serve as IDs: few people are without one.
pub(super) fn serves_as_id(email: &Column) -> bool {
    email.is_filled(50) && email.distinct_emails * 10 >= email.emails * 8
}

/// How a column was found, and how much of it is filled.
pub(super) fn by(how: &str, column: &Column) -> String {
    match column.rows {
        0 => how.to_owned(),
        _ => format!("{how}, {}", filled(column)),
    }
}

/// `all filled`, `97% filled`, `empty`.
pub(super) fn filled(column: &Column) -> String {
    if column.filled == 0 {
        "empty".into()
    } else if column.filled >= column.rows {
        "all filled".into()
    } else {
        match u64::from(column.filled) * 100 / u64::from(column.rows.max(1)) {
            0 => "less than 1% filled".into(),
            share => format!("{share}% filled"),
        }
    }
}
