//! The fingerprints of a row's person, and of a person that the LMS lists.

use crate::mapping::{
    Bound, FieldFingerprints, FieldTag, Person, Slot, field_fingerprint, fingerprint,
    identity_fingerprint, unkeyed_fingerprint,
};
use crate::schema::{FieldKind, Part};

/// The fingerprint of a person's mapped content.
pub(super) fn of_person(bound: &Bound<'_>, person: &Person) -> u128 {
    of_parts(bound, person, Part::is_compared)
}

/// The fingerprint of some parts of a person.
pub(super) fn of_parts(bound: &Bound<'_>, person: &Person, wanted: impl Fn(Part) -> bool) -> u128 {
    fingerprint(bound.fingerprint_key(), values(bound, person, wanted))
}

/// The fingerprint of a person's mapped content as releases made it that had no
/// secret.
pub(super) fn unkeyed(bound: &Bound<'_>, person: &Person) -> u128 {
    unkeyed_fingerprint(values(bound, person, Part::is_compared))
}

/// The fingerprints of a person's fields.
pub(super) fn of_fields(bound: &Bound<'_>, person: &Person) -> FieldFingerprints {
    let key = bound.fingerprint_key();
    let mapping = bound.mapping();
    FieldFingerprints::new(
        values(bound, person, Part::is_compared).filter_map(|(name, value)| {
            Some((mapping.tag(name)?, field_fingerprint(key, name, value)))
        }),
        mapping.identity.by.iter().filter_map(|&position| {
            let name = mapping.fields().get(position)?.field.name;
            identity(bound, name, person.text(position)?)
        }),
    )
}

/// The fingerprints of a person that the LMS lists, of the fields that the list
/// shows. `get` gives the value of a field.
pub fn fields_of_listed<'p>(
    bound: &Bound<'_>,
    get: impl Fn(&str) -> Option<&'p str>,
) -> FieldFingerprints {
    let key = bound.fingerprint_key();
    let mapping = bound.mapping();
    let value = |name: &'static str| Some((name, get(name)?));
    FieldFingerprints::new(
        (mapping.fields().iter())
            .filter_map(|rule| value(rule.field.name))
            .filter_map(|(name, value)| {
                Some((mapping.tag(name)?, field_fingerprint(key, name, value)))
            }),
        mapping.identity.by.iter().filter_map(|&position| {
            let name = mapping.fields().get(position)?.field.name;
            identity(bound, name, get(name)?)
        }),
    )
}

/// A fingerprint of each word of a person's name: a list may show first and last name
/// as one, in either order.
pub fn name_words(bound: &Bound<'_>, name: &str) -> impl Iterator<Item = u64> {
    let key = bound.fingerprint_key();
    let words = name.split(|char: char| !char.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(|word| field_fingerprint(key, "word of a name", &word.to_lowercase()))
}

fn identity(bound: &Bound<'_>, name: &str, value: &str) -> Option<(FieldTag, u128)> {
    let value = (!value.trim().is_empty()).then_some(value)?;
    let key = bound.fingerprint_key();
    let tag = bound.mapping().tag(name)?;
    Some((tag, identity_fingerprint(key, name, value)))
}

/// The fingerprint of a person that the LMS lists, over the fields among the bits
/// of `shape`; `None` if the list does not have all of them. `get` gives the value
/// of a field.
pub fn fingerprint_of_listed<'p>(
    bound: &Bound<'_>,
    shape: u64,
    external_id: &'p str,
    get: impl Fn(&str) -> Option<&'p str>,
) -> Option<u128> {
    let fields = bound.mapping().fields();
    let mut pairs = Vec::with_capacity(fields.len());
    for (rule, bit) in fields.iter().zip(0..64) {
        if shape & (1 << bit) != 0 && rule.field.part.is_compared() {
            let value = match rule.field.kind {
                FieldKind::ExternalId => external_id,
                _ => get(rule.field.name)?,
            };
            pairs.push((rule.field.name, value));
        }
    }
    Some(fingerprint(bound.fingerprint_key(), pairs.into_iter()))
}

fn values<'a>(
    bound: &Bound<'a>,
    person: &'a Person,
    wanted: impl Fn(Part) -> bool,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let fields = bound.mapping().fields();
    (fields.iter().zip(person.slots()))
        .filter(move |(rule, _)| wanted(rule.field.part))
        .filter_map(|(rule, slot)| match slot {
            Slot::Text(text) => Some((rule.field.name, text)),
            Slot::Clear => Some((rule.field.name, "")),
            Slot::Absent | Slot::Invalid => None,
        })
}
