//! A cell's text becomes a field's value.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::date;
use super::person::{Person, Slot};
use super::words;
use super::{Case, Empty, FieldRule, fold};
use crate::feed::{Cell, CellKind};
use crate::model::Rule;
use crate::schema::{self, FieldKind};

/// Something that could not be mapped, or that validation found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The position of the field in the mapping.
    pub field: Option<usize>,
    /// What is wrong.
    pub rule: Rule,
    /// The offending text, where it is not the field's own value.
    pub value: Option<Box<str>>,
}

/// Why a cell's text is not its value.
pub(super) fn flaw(cell: Cell<'_>) -> Option<Rule> {
    match cell.kind {
        CellKind::NotText => Some(Rule::NotText),
        CellKind::Error => Some(Rule::CellError {
            shown: cell.text.into(),
        }),
        CellKind::Uncalculated => Some(Rule::Uncalculated),
        CellKind::ZeroForNothing => Some(Rule::ZeroForNothing),
        _ => None,
    }
}

pub(super) fn invalid(
    field: usize,
    rule: Rule,
    value: Option<&str>,
    person: &mut Person,
    faults: &mut Vec<Fault>,
) {
    faults.push(Fault {
        field: Some(field),
        rule,
        value: value.map(Into::into),
    });
    person.push(Slot::Invalid);
}

/// The values of a set, sorted and each once, so that their order in the cell
/// does not matter.
fn push_set(rule: &FieldRule, text: &str, person: &mut Person) {
    let one = |value: &str| -> String {
        let value = rule
            .values
            .get(value)
            .or_else(|| rule.values.get(&fold(value)))
            .map_or(value, String::as_str);
        if let Some(word) = words::canonical(rule.field.kind, value) {
            return word.to_owned();
        }
        match rule.case {
            None => value.to_owned(),
            Some(Case::Lower) => value.to_lowercase(),
            Some(Case::Upper) => value.to_uppercase(),
        }
    };
    let mut values: Vec<String> = match &rule.split {
        Some(separator) => text
            .split(separator.as_str())
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(one)
            .filter(|value| !value.is_empty())
            .collect(),
        // Its value map is applied already.
        None => vec![one(text)],
    };
    values.sort_unstable();
    values.dedup();
    match (values.is_empty(), rule.empty) {
        (false, _) => person.push(Slot::Text(
            &values.join(schema::BETWEEN.encode_utf8(&mut [0; 4])),
        )),
        (true, Empty::Keep) => person.push(Slot::Absent),
        (true, Empty::Clear) => person.push(Slot::Clear),
    }
}

/// Default, value map, date and case, in this order, so that the keys of a
/// value map are spelled as in the feed.
pub(super) fn finish(
    field: usize,
    rule: &FieldRule,
    text: &str,
    date_cell: bool,
    person: &mut Person,
    faults: &mut Vec<Fault>,
) {
    if rule.is_plain && !text.is_empty() {
        person.push(Slot::Text(text));
        return;
    }
    let text = match (&rule.default, text) {
        (Some(default), "") => default.as_str(),
        (_, text) => text,
    };
    // The values of a set are looked up one by one.
    let text = if rule.values.is_empty() || rule.split.is_some() {
        text
    } else {
        // A value without an entry passes as it is: validation judges it, so
        // that an unforeseen country is reported instead of becoming the default.
        rule.values
            .get(text)
            .or_else(|| rule.values.get(&fold(text)))
            .map_or(text, String::as_str)
    };
    if text.is_empty() {
        person.push(match rule.empty {
            Empty::Keep => Slot::Absent,
            Empty::Clear => Slot::Clear,
        });
        return;
    }
    if rule.field.part.is_set() {
        push_set(rule, text, person);
        return;
    }
    if let Some(word) = words::canonical(rule.field.kind, text) {
        person.push(Slot::Text(word));
        return;
    }
    if rule.date.is_some() || rule.field.kind == FieldKind::Date {
        let day = match &rule.date {
            Some(form) if !date_cell => form.read(text),
            _ => date::read_iso(text),
        };
        if let Some(day) = day {
            person.push(Slot::Text(date::iso(day, &mut [0; 10])));
        } else {
            let form = rule.date.as_ref().map_or("%Y-%m-%d", |form| form.as_str());
            invalid(
                field,
                Rule::Date { form: form.into() },
                Some(text),
                person,
                faults,
            );
        }
        return;
    }
    match rule.case {
        None => person.push(Slot::Text(text)),
        Some(Case::Lower) if text.is_ascii() => person.push_with(text, str::make_ascii_lowercase),
        Some(Case::Upper) if text.is_ascii() => person.push_with(text, str::make_ascii_uppercase),
        Some(Case::Lower) => person.push(Slot::Text(&text.to_lowercase())),
        Some(Case::Upper) => person.push(Slot::Text(&text.to_uppercase())),
    }
}

/// Trimmed, in NFC. What cannot be seen counts as white space: a byte order
/// mark glued to a key is a classic.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text.trim_ascii());
    }
    let trimmed = text.trim_matches(|char: char| {
        char.is_whitespace() || matches!(char, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
    });
    match is_nfc_quick(trimmed.chars()) {
        IsNormalized::Yes => Cow::Borrowed(trimmed),
        _ => Cow::Owned(trimmed.nfc().collect()),
    }
}
