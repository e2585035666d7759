//! Values that depend on other fields of the person, or on other files.

use super::Bound;
use crate::feed::{CellKind, Record};
use crate::mapping::phone::{self, Region};
use crate::mapping::value::{cell_value, flaw};
use crate::mapping::{COUNTRIES, Fault, Person, STATES, Slot};
use crate::model::{Remark, Rule};
use crate::schema::{self, FieldKind};

impl Bound<'_> {
    /// Writes phone numbers as the mapping wants them.
    pub(super) fn read_phones(
        &self,
        record: &Record,
        person: &mut Person,
        faults: &mut Vec<Fault>,
    ) {
        for &(field, column) in &self.phones {
            let rule = self.mapping.fields.get(field);
            let Some(phone) = rule.and_then(|rule| rule.phone.as_ref()) else {
                continue;
            };
            let Slot::Text(text) = person.get(field) else {
                continue;
            };
            let region = match &phone.region {
                Region::OfPerson => self.country.and_then(|country| person.text(country)),
                Region::Named(code) => Some(*code),
                Region::Column { default, .. } => {
                    let named = column.and_then(|column| country_in(record, column));
                    named.or(*default)
                }
            };
            let region = region.and_then(|named| COUNTRIES.named(named));
            match phone::e164(text, region) {
                Ok(number) => {
                    if number.has_extension {
                        person.remark(Some(field), Remark::PhoneExtension);
                    }
                    person.replace(field, Slot::Text(&number.text));
                }
                Err(problem) => {
                    faults.push(Fault {
                        field: Some(field),
                        rule: Rule::Phone { problem },
                        value: Some(text.into()),
                    });
                    person.replace(field, Slot::Invalid);
                }
            }
        }
    }

    /// Makes a code of a US state's name: elsewhere a state is a text.
    pub(super) fn read_state(&self, person: &mut Person) {
        let (Some(country), Some(state)) = (self.country, self.state) else {
            return;
        };
        if person.get(country) != Slot::Text("US") {
            return;
        }
        if let Slot::Text(text) = person.get(state)
            && !STATES.contains(text)
            && let Some(code) = STATES.named(text)
        {
            person.replace(state, Slot::Text(code));
        }
    }

    /// Adds the picture's digest to its name, so that another picture of the same
    /// name is a change.
    pub(super) fn add_digest(&self, field: usize, person: &mut Person, faults: &mut Vec<Fault>) {
        let Slot::Text(name) = person.get(field) else {
            return;
        };
        let digest = match &self.attachments {
            Some(attachments) => attachments.picture(name),
            None => Err("a feed from standard input has no folder"),
        };
        match digest {
            Ok(digest) => {
                let text = format!("{name}{}{digest:032x}", schema::BETWEEN);
                person.replace(field, Slot::Text(&text));
            }
            Err(problem) => {
                faults.push(Fault {
                    field: Some(field),
                    rule: Rule::Picture { problem },
                    value: Some(name.into()),
                });
                person.replace(field, Slot::Invalid);
            }
        }
    }
}

/// The country that a cell names.
fn country_in(record: &Record, column: usize) -> Option<&'static str> {
    let cell = record.cell(column)?;
    let text = cell_value(cell, cell.text.is_ascii(), FieldKind::Country, |_| {});
    let is_text = cell.kind == CellKind::Text && flaw(cell).is_none();
    COUNTRIES.named(&text).filter(|_| is_text)
}
