//! The parts of a person's name, which HR systems cut in many ways.

use std::fmt::Write as _;

use super::quote::{cell, quoted};
use super::recognise::{Choice, Origin, Work, by};
use super::words;
use crate::headers::{Meaning, normalized};
use crate::mapping::fold;
use crate::schema::Field;

/// In which order a full name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `Last, First M.`
    LastCommaFirst,
    /// `First Last`
    FirstLast,
    /// `Last First`
    LastFirst,
    /// `LAST First`
    CapitalsFirst,
    /// A last name of one sign, and no space: `王小明`.
    Signs,
}

impl Form {
    const fn title(self) -> &'static str {
        match self {
            Self::LastCommaFirst => "`Last, First`",
            Self::FirstLast => "`First Last`",
            Self::LastFirst => "`Last First`",
            Self::CapitalsFirst => "`LAST First`",
            Self::Signs => "last name of one sign",
        }
    }

    /// The form that a person may prefer.
    const fn other(self) -> Self {
        match self {
            Self::FirstLast => Self::LastCommaFirst,
            Self::LastFirst | Self::LastCommaFirst | Self::CapitalsFirst => Self::FirstLast,
            Self::Signs => Self::LastFirst,
        }
    }

    fn first(self, name: &str) -> String {
        match self {
            Self::LastCommaFirst => format!("{{{{ ({name}|split(',', 1))[1:]|join|trim }}}}"),
            Self::FirstLast => format!("{{{{ {name}|split|first }}}}"),
            Self::LastFirst => format!("{{{{ ({name}|split)[1:]|join(' ') }}}}"),
            Self::CapitalsFirst => format!("{{{{ {name}|split|reject('upper')|join(' ') }}}}"),
            Self::Signs => format!("{{{{ {name}[1:] }}}}"),
        }
    }

    fn last(self, name: &str) -> String {
        match self {
            Self::LastCommaFirst => format!("{{{{ {name}|split(',', 1)|first|trim }}}}"),
            Self::FirstLast => format!("{{{{ ({name}|split)[1:]|join(' ') }}}}"),
            Self::LastFirst => format!("{{{{ {name}|split|first }}}}"),
            Self::CapitalsFirst => format!("{{{{ {name}|split|select('upper')|join(' ') }}}}"),
            Self::Signs => format!("{{{{ {name}[:1] }}}}"),
        }
    }

    /// The form of most names of a column, if they are full names; `header` may say the
    /// order.
    fn of(samples: &[String], header: &str) -> Option<Self> {
        let most = |is: &dyn Fn(&str) -> bool| {
            let count = samples.iter().filter(|it| is(it)).count();
            count * 2 > samples.len()
        };
        if most(&|it| it.contains(',')) {
            return Some(Self::LastCommaFirst);
        }
        let has_space = most(&|it| it.trim().contains(char::is_whitespace));
        if most(&|it| it.chars().any(is_sign)) {
            return Some(if has_space {
                Self::LastFirst
            } else {
                Self::Signs
            });
        }
        if !has_space {
            return None;
        }
        if most(&begins_in_capitals) {
            return Some(Self::CapitalsFirst);
        }
        let header = normalized(header);
        let is_last_first = LAST_FIRST.iter().any(|it| header.starts_with(it));
        Some(if is_last_first {
            Self::LastFirst
        } else {
            Self::FirstLast
        })
    }
}

/// How the name of a column begins whose names have the last name first.
const LAST_FIRST: [&str; 15] = [
    "lastnamefirst",
    "lastfirst",
    "namelastfirst",
    "namevorname",
    "nachnamevorname",
    "nometprenom",
    "nomprenom",
    "apellidosynombre",
    "apellidosnombre",
    "etternavnfornavn",
    "efternavnfornavn",
    "efternamnfornamn",
    "nazwiskoiimie",
    "cognomeenome",
    "cognomenome",
];

/// Whether a character is Chinese, Japanese or Korean.
fn is_sign(char: char) -> bool {
    matches!(char, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// `DUPONT Jean`.
fn begins_in_capitals(name: &str) -> bool {
    let is_capitals = |word: &str| {
        word.chars().filter(|char| char.is_alphabetic()).count() >= 2
            && !word.chars().any(char::is_lowercase)
    };
    let mut words = name.split_whitespace();
    words.next().is_some_and(is_capitals) && words.next_back().is_some_and(|it| !is_capitals(it))
}

/// Columns that are called just that have full names, or what a column beside them has not.
fn is_any_name(header: &str) -> bool {
    matches!(
        normalized(header).as_str(),
        "name" | "naam" | "navn" | "namn" | "apellido" | "nom" | "nome"
    )
}

fn is_first(field: &Field) -> bool {
    field.name == "firstName"
}

fn is_last(field: &Field) -> bool {
    field.name == "lastName"
}

impl Work<'_> {
    /// First and last name, and what is between them.
    pub(super) fn names(&mut self) {
        self.first_name();
        self.last_name();
        self.first_beside_last();
        let lacks = |choice: &Choice| {
            (is_first(choice.field) || is_last(choice.field)) && choice.origin == Origin::Nothing
        };
        if self.choices.iter().any(lacks) {
            self.full_name();
        } else {
            for index in self.named(&[Meaning::FullName]) {
                self.not(index, "first and last name have columns of their own");
            }
        }
        self.prefix();
        self.partner();
        self.capitals();
    }

    /// Names in capitals can be sent as people write them.
    fn capitals(&mut self) {
        let is_capitals = |name: &String| {
            let letters = name.chars().filter(|char| char.is_alphabetic());
            letters.count() >= 2
                && !name.chars().any(char::is_lowercase)
                && name.chars().any(char::is_uppercase)
        };
        for is in [is_first as fn(&Field) -> bool, is_last] {
            let origin = self.choice(is).map(|choice| choice.origin.clone());
            let Some(Origin::Column(index)) = origin else {
                continue;
            };
            let samples = &self.column(index).samples;
            let capitals = samples.iter().filter(|it| is_capitals(it)).count();
            if capitals * 10 < samples.len() * 8 || samples.is_empty() {
                continue;
            }
            let setting = format!("{{ column = {}, title = true }}", quoted(self.name(index)));
            if let Some(choice) = self.choice(is) {
                choice
                    .others
                    .push((setting, "names in capitals, as people write them"));
            }
        }
    }

    fn first_name(&mut self) {
        let looks_full = |index: &usize| {
            let column = self.column(*index);
            column.filled > 0 && !column.half(|it| !it.contains(' '))
        };
        // `Nome` and `Nombre` are first names or full ones, as their cells and a column for
        // the last name say.
        let has_last = !self.named(&[Meaning::LastName]).is_empty();
        let may_be_full = |index: &usize| {
            let is_either = self.rank(*index, Meaning::FullName).is_some();
            is_either && !has_last && (self.column(*index).rows == 0 || looks_full(index))
        };
        let mut full: Vec<_> = self.named(&[Meaning::FirstName]);
        full.retain(|it| !may_be_full(it));
        let first = full
            .iter()
            .copied()
            .find(|it| self.column(*it).is_filled(50));
        let first = first.or_else(|| full.first().copied());
        let called = self.named(&[Meaning::PreferredName]);
        let called = called.into_iter().find(|it| !looks_full(it));
        match (first, called) {
            (Some(first), Some(called)) if self.column(called).is_filled(90) => {
                let why = self.by_name(called);
                self.take(is_first, called, why);
                self.not(
                    first,
                    format!("`{}` is what people are called", self.name(called)),
                );
            }
            (Some(first), called) => {
                let why = self.by_name(first);
                self.take(is_first, first, why);
                if let Some(called) = called.filter(|it| self.column(*it).filled > 0) {
                    let (own, given) = (cell(self.name(called)), cell(self.name(first)));
                    let template = format!("{{{{ {own} or {given} }}}}");
                    self.other(
                        is_first,
                        &template,
                        "what people are called, where it is known",
                    );
                    self.not(called, "see the line of firstName");
                }
            }
            (None, Some(called)) if self.column(called).is_filled(50) => {
                let why = self.by_name(called);
                self.take(is_first, called, why);
            }
            (None, _) => {}
        }
    }

    fn last_name(&mut self) {
        let named = self.named(&[Meaning::LastName]);
        let last = named
            .iter()
            .copied()
            .find(|it| self.column(*it).is_filled(50));
        if let Some(last) = last.or_else(|| named.first().copied()) {
            let why = self.by_name(last);
            self.take(is_last, last, why);
            self.second_last_name(last);
            return;
        }
        let first = self
            .choice(is_first)
            .and_then(|it| it.columns().first().copied());
        // `Name` beside a column of first names.
        let whole = self.named(&[Meaning::FullName]);
        let surname = whole.into_iter().find(|index| {
            first.is_some_and(|first| !self.contains(*index, first))
                && is_any_name(self.name(*index))
        });
        if let Some(surname) = surname {
            let why = by("beside a column of first names", self.column(surname));
            self.take(is_last, surname, why);
            return;
        }
        if first.is_some()
            && let Some(&birth) = self.named(&[Meaning::BirthName]).first()
        {
            let why = self.by_name(birth);
            self.take(is_last, birth, why);
        }
    }

    /// `Name` beside a column of last names, which it does not have as well.
    fn first_beside_last(&mut self) {
        let column_of = |work: &mut Self, is: fn(&Field) -> bool| {
            let choice = work.choice(is);
            choice.and_then(|it| it.columns().first().copied())
        };
        let (None, Some(last)) = (column_of(self, is_first), column_of(self, is_last)) else {
            return;
        };
        let whole = self.named(&[Meaning::FullName]).into_iter().find(|index| {
            is_any_name(self.name(*index))
                && !self.contains(*index, last)
                && Form::of(&self.column(*index).samples, "") != Some(Form::LastCommaFirst)
        });
        if let Some(whole) = whole {
            let why = by("beside a column of last names", self.column(whole));
            self.take(is_first, whole, why);
        }
    }

    /// The second of two last names, as in Spain.
    fn second_last_name(&mut self, last: usize) {
        let Some(&second) = self.named(&[Meaning::SecondLastName]).first() else {
            return;
        };
        let template = format!(
            "{{{{ {} }}}} {{{{ {} }}}}",
            cell(self.name(last)),
            cell(self.name(second))
        );
        self.used[second] = true;
        if let Some(choice) = self.choice(is_last) {
            choice.origin = Origin::Template {
                text: template,
                columns: vec![last, second],
            };
            choice.why.push_str(", with the second last name");
        }
    }

    /// Whether most cells of a column contain those of another beside them.
    fn contains(&self, whole: usize, part: usize) -> bool {
        let pairs = self.sample.rows.iter().filter_map(|row| {
            let (whole, part) = (row.get(whole)?, row.get(part)?);
            (!whole.is_empty() && !part.is_empty()).then(|| fold(whole).contains(&fold(part)))
        });
        let (mut all, mut containing) = (0, 0);
        for contains in pairs {
            all += 1;
            containing += usize::from(contains);
        }
        all > 0 && containing * 2 >= all
    }

    fn full_name(&mut self) {
        let by_name = self.named(&[Meaning::FullName]);
        // A column that is called something else may hold full names as well.
        let called = self.named(&[Meaning::PreferredName, Meaning::LastName]);
        let found = by_name.iter().chain(&called).find_map(|index| {
            let column = self.column(*index);
            if column.is_about_others() || column.is_mostly_emails() {
                return None;
            }
            Some((*index, Form::of(&column.samples, &column.name)?))
        });
        let Some((index, form)) = found else {
            // Without rows only the name speaks.
            if let Some(&index) = by_name.first() {
                let is_empty = self.column(index).rows == 0;
                if is_empty {
                    self.split_name(index, Form::FirstLast);
                } else {
                    self.not(index, "no full names: they have no space and no comma");
                }
            }
            return;
        };
        self.split_name(index, form);
    }

    fn split_name(&mut self, index: usize, form: Form) {
        let name = cell(self.name(index));
        let why = by(
            &format!("from the full name, written {}", form.title()),
            self.column(index),
        );
        let other = form.other();
        self.used[index] = true;
        let parts = [
            (
                is_first as fn(&Field) -> bool,
                form.first(&name),
                other.first(&name),
            ),
            (is_last, form.last(&name), other.last(&name)),
        ];
        for (is, text, or) in parts {
            let Some(choice) = self.choice(is).filter(|it| it.origin == Origin::Nothing) else {
                continue;
            };
            choice.origin = Origin::Template {
                text,
                columns: vec![index],
            };
            choice.why.clone_from(&why);
            self.other(is, &or, other.title());
        }
    }

    /// Adds a template that a person could prefer.
    fn other(&mut self, is: fn(&Field) -> bool, template: &str, speaks_for: &'static str) {
        if let Some(choice) = self.choice(is) {
            let setting = format!("{{ template = {} }}", quoted(template));
            choice.others.push((setting, speaks_for));
        }
    }

    /// `van` and `von` in a column of their own: joined to the last name where the LMS has
    /// no field for them.
    fn prefix(&mut self) {
        let are_prefixes = |index: &usize| {
            let column = self.column(*index);
            column.samples.is_empty() || column.half(words::is_name_prefix)
        };
        let prefix = self
            .named(&[Meaning::NamePrefix])
            .into_iter()
            .find(are_prefixes);
        let last = self.choice(is_last).map(|it| it.origin.clone());
        let (Some(prefix), Some(Origin::Column(last))) = (prefix, last) else {
            return;
        };
        let is_joined = self.sample.rows.iter().filter_map(|row| {
            let (prefix, last) = (row.get(prefix)?, row.get(last)?);
            let has_both = !prefix.is_empty() && !last.is_empty();
            has_both.then(|| {
                let prefix = format!("{} ", prefix.to_lowercase());
                last.to_lowercase().starts_with(&prefix)
            })
        });
        let is_joined: Vec<_> = is_joined.collect();
        if is_joined.iter().any(|it| *it) {
            self.used[prefix] = true;
            self.not(prefix, format!("`{}` has it already", self.name(last)));
            return;
        }
        if self.choices.iter().any(|it| it.field.name == "middleName") {
            return;
        }
        let template = format!(
            "{{{{ {} }}}} {{{{ {} }}}}",
            cell(self.name(prefix)),
            cell(self.name(last))
        );
        let why = format!("{}; with the words before it", self.by_name(last));
        self.used[prefix] = true;
        if let Some(choice) = self.choice(is_last) {
            choice.origin = Origin::Template {
                text: template,
                columns: vec![prefix, last],
            };
            choice.why = why;
        }
    }

    /// Names of partners, with the code that says which name a person uses.
    fn partner(&mut self) {
        let column = |meaning| self.named(&[meaning]).first().copied();
        let (Some(partner), Some(order)) =
            (column(Meaning::PartnerName), column(Meaning::NameOrder))
        else {
            return;
        };
        let partner_prefix = column(Meaning::PartnerPrefix);
        let Some(choice) = self.choices.iter().find(|it| is_last(it.field)) else {
            return;
        };
        let own: Vec<_> = choice
            .columns()
            .iter()
            .map(|it| cell(self.name(*it)))
            .collect();
        if own.is_empty() {
            return;
        }
        let partners = partner_prefix.into_iter().chain([partner]);
        let partners: Vec<_> = partners.map(|it| cell(self.name(it))).collect();
        let codes = |meant: NameUse| {
            let samples = self.column(order).samples.iter();
            let words: Vec<_> = samples
                .filter(|it| NameUse::of(it) == Some(meant))
                .collect();
            let words: Vec<_> = words.iter().map(|it| super::quote::literal(it)).collect();
            words.join(", ")
        };
        let mut template = format!(
            "{{% set own = ({})|trim %}}{{% set theirs = ({})|trim %}}",
            own.join(" ~ ' ' ~ "),
            partners.join(" ~ ' ' ~ ")
        );
        let order = cell(self.name(order));
        let mut word = "if";
        for (meant, text) in [
            (NameUse::Partner, "{{ theirs }}"),
            (NameUse::OwnPartner, "{{ own }} - {{ theirs }}"),
            (NameUse::PartnerOwn, "{{ theirs }} - {{ own }}"),
        ] {
            let codes = codes(meant);
            if !codes.is_empty() {
                // Writing into a String cannot fail.
                let _infallible = write!(template, "{{% {word} {order} in [{codes}] %}}{text}");
                word = "elif";
            }
        }
        if word == "if" {
            self.not(partner, "a partner's name; no known code says who uses it");
            return;
        }
        template.push_str("{% else %}{{ own }}{% endif %}");
        self.other(is_last, &template, "the name that a person uses");
        for index in self.named(&[
            Meaning::PartnerName,
            Meaning::PartnerPrefix,
            Meaning::NameOrder,
        ]) {
            self.not(index, "see the line of lastName");
        }
    }
}

/// Which last name a person uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameUse {
    Partner,
    OwnPartner,
    PartnerOwn,
}

impl NameUse {
    /// What a code means, but for the own name alone.
    fn of(code: &str) -> Option<Self> {
        match normalized(code).as_str() {
            "p" | "partner" | "partnernaam" | "naampartner" | "2" => Some(Self::Partner),
            "bp"
            | "ep"
            | "gp"
            | "eigenpartner"
            | "geboortenaampartnernaam"
            | "eigennaampartnernaam"
            | "geboortenaamnaampartner"
            | "geboortenaampartner"
            | "1" => Some(Self::OwnPartner),
            "pb"
            | "pe"
            | "pg"
            | "partnereigen"
            | "partnernaamgeboortenaam"
            | "partnernaameigennaam"
            | "naampartnergeboortenaam"
            | "partnergeboortenaam"
            | "3" => Some(Self::PartnerOwn),
            _ => None,
        }
    }
}
