//! A person becomes findings: what is wrong with a row, before anything is
//! sent.
//!
//! [`person`] judges one person by itself; [`unique`] judges the whole feed.
//! Both are pure.

mod codes;
mod email;
mod small;
pub mod unique;

use self::codes::meant;
use crate::mapping::{
    Bound, COUNTRIES, Fault, Person, STATES, Slot, countries_of_name, is_no_external_id,
};
use crate::model::{ExternalId, Rule, has_control};
use crate::schema::{self, Field, FieldKind, Role};

/// The country code that `text` probably means, where it is neither a code nor a name of
/// a country.
pub fn country_meant(text: &str) -> Option<&'static str> {
    match COUNTRIES.named(text).or(countries_of_name(text)) {
        Some(_) => None,
        None => meant(&COUNTRIES, text),
    }
}

/// Whether a message could be sent to `text`.
pub fn is_email(text: &str) -> bool {
    email::is_valid(text)
}

/// Judges one person; what is wrong is added to `faults`. Returns the external
/// ID where it is one, also if something else is wrong.
pub fn person<'p>(
    bound: &Bound<'_>,
    person: &'p Person<'_>,
    faults: &mut Vec<Fault>,
) -> Option<&'p str> {
    let mut id = None;
    let clean = person.signs().is_without_control();
    let fields = bound.mapping().fields();
    let is_way_back = bound.mapping().is_way_back();
    for (index, rule) in fields.iter().enumerate() {
        let (field, slot) = (rule.field, person.get(index));
        let Slot::Text(text) = slot else {
            // There is a fault already for what is not a value.
            let is_missing = field.required && slot != Slot::Invalid;
            if is_missing && (!is_way_back || matches!(field.kind, FieldKind::ExternalId)) {
                faults.push(missing(index, field.kind));
            }
            continue;
        };
        // As most values are.
        if clean && text.len() <= plain_bytes(field) {
            continue;
        }
        let judged = match field.kind {
            FieldKind::ExternalId => external_id(text).map(|()| id = Some(text)),
            // The LMS had it.
            _ if is_way_back => continue,
            // Only a US state has a table; elsewhere a state is a text.
            FieldKind::State if !is_in_us(bound, person) => {
                value(FieldKind::Text, text, field.max_chars, clean)
            }
            _ if field.part.is_set() => text
                .split(schema::BETWEEN)
                .try_for_each(|one| member(field.kind, one, &bound.mapping().target.allow_roles)),
            kind => value(kind, text, field.max_chars, clean),
        };
        if let Err(broken) = judged {
            // A password is never shown, not even where values are asked for.
            let shown = (!matches!(field.kind, FieldKind::Password)).then(|| text.into());
            faults.push(Fault {
                field: Some(index),
                rule: broken,
                value: shown,
            });
        }
    }
    id
}

/// How many bytes a value of a field may have about which nothing else is asked, if it is without
/// control characters: they bound its characters, and are at hand.
#[inline]
const fn plain_bytes(field: &Field) -> usize {
    match field.kind {
        FieldKind::Text
        | FieldKind::Login
        | FieldKind::Date
        | FieldKind::BirthDate
        | FieldKind::Picture => field.max_chars as usize,
        _ => 0,
    }
}

fn missing(field: usize, kind: FieldKind) -> Fault {
    Fault {
        field: Some(field),
        rule: match kind {
            FieldKind::ExternalId => Rule::ExternalIdMissing,
            _ => Rule::Required,
        },
        value: None,
    }
}

fn external_id(text: &str) -> Result<(), Rule> {
    if is_no_external_id(text) {
        return Err(Rule::ExternalIdNothing);
    }
    ExternalId::check(text)
}

fn is_in_us(bound: &Bound<'_>, person: &Person) -> bool {
    bound
        .country()
        .is_some_and(|index| person.get(index) == Slot::Text("US"))
}

/// Whether a text has certainly no more characters: its bytes bound them, and are at hand.
const fn is_within(text: &str, max: u32) -> bool {
    text.len() <= max as usize
}

/// `clean` means that no value of the person holds a control character.
#[inline]
fn value(kind: FieldKind, text: &str, max: u32, clean: bool) -> Result<(), Rule> {
    if !is_within(text, max) {
        let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        if chars > max {
            return Err(Rule::TooLong { max, chars });
        }
    }
    match kind {
        FieldKind::Login | FieldKind::Password if !clean && has_control(text) => {
            Err(Rule::ControlCharacter)
        }
        FieldKind::Text if !clean && text.chars().any(is_odd_control) => {
            Err(Rule::ControlCharacter)
        }
        FieldKind::Email if !email::is_valid(text) => Err(Rule::Email),
        FieldKind::Country if !COUNTRIES.contains(text) => Err(match countries_of_name(text) {
            Some(either) => Rule::CountryOfTwo { either },
            None => Rule::Country {
                meant: meant(&COUNTRIES, text),
            },
        }),
        FieldKind::State if !STATES.contains(text) => Err(Rule::State {
            meant: meant(&STATES, text),
        }),
        FieldKind::Bool if !matches!(text, "true" | "false") => Err(Rule::Bool),
        FieldKind::Gender if !matches!(text, "male" | "female") => Err(Rule::Gender),
        FieldKind::Password if text.chars().count() < schema::PASSWORD_CHARS => Err(Rule::Password),
        FieldKind::GroupType(types) if Role::named(text, types).is_none() => Err(Rule::GroupType),
        FieldKind::Reference => ExternalId::check_shape(text),
        FieldKind::ExternalId
        | FieldKind::Text
        | FieldKind::Login
        | FieldKind::Email
        | FieldKind::Country
        | FieldKind::State
        | FieldKind::Date
        | FieldKind::BirthDate
        | FieldKind::Bool
        | FieldKind::Gender
        | FieldKind::Password
        | FieldKind::Role(_)
        | FieldKind::GroupType(_)
        | FieldKind::Picture => Ok(()),
    }
}

/// Judges one value of a set.
fn member(kind: FieldKind, text: &str, allowed: &[&'static str]) -> Result<(), Rule> {
    match kind {
        FieldKind::Role(roles) => match Role::named(text, roles) {
            Some(role) if role.is_powerful && !allowed.contains(&role.word) => {
                Err(Rule::RoleNotAllowed { role: role.word })
            }
            Some(_) => Ok(()),
            None => Err(Rule::Role),
        },
        _ => ExternalId::check_shape(text),
    }
}

/// A line break in an address is a habit of HR systems; a NUL is not.
fn is_odd_control(char: char) -> bool {
    char.is_control() && !matches!(char, '\n' | '\r' | '\t')
}
