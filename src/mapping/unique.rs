//! [unique] and [adopt]: the values that must be unique, and the field by which
//! accounts without an external ID are matched.

use super::file::{Table, nearest};
use super::{Duplicates, FieldRule, MappingError, Unique, Variants};
use crate::schema::System;

pub(super) fn read_unique(
    table: Option<Table<'_>>,
    rules: &[FieldRule],
    system: System,
) -> Result<Unique, MappingError> {
    let position = |name: &str| rules.iter().position(|rule| rule.field.name == name);
    let by_default = || {
        system
            .spec()
            .unique
            .iter()
            .filter_map(|name| position(name))
            .collect::<Vec<_>>()
    };
    let mut unique = Unique {
        fields: by_default(),
        duplicates: Duplicates::Reject,
        variants: Variants::Same,
    };
    let Some(mut table) = table else {
        return Ok(unique);
    };
    let fields = table.take("fields");
    if let Some(node) = table.take("duplicates") {
        unique.duplicates = node.word(&[
            ("reject", Duplicates::Reject),
            ("first", Duplicates::First),
            ("last", Duplicates::Last),
        ])?;
    }
    if let Some(node) = table.take("variants") {
        unique.variants =
            node.word(&[("same", Variants::Same), ("distinct", Variants::Distinct)])?;
    }
    table.finish()?;
    let Some(node) = fields else {
        return Ok(unique);
    };
    let file = node.file;
    let example: Vec<_> = (system
        .spec()
        .unique
        .iter()
        .map(|name| format!("\"{name}\"")))
    .collect();
    let names = node.texts(&format!("[{}]", example.join(", ")))?;
    // The external ID is always unique: everything depends on it.
    unique.fields = by_default().into_iter().take(1).collect();
    for (name, span) in names {
        let Some(index) = position(&name) else {
            let help = match nearest(&name, rules.iter().map(|rule| rule.field.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "only a field in [fields] can be unique".into(),
            };
            return Err(file.error(
                span,
                format!("[unique] names `{name}`, which is not mapped"),
                Some(help),
            ));
        };
        if !unique.fields.contains(&index) {
            unique.fields.push(index);
        }
    }
    Ok(unique)
}

/// Reads [adopt]. Returns the position in [`Unique::fields`].
pub(super) fn read_adopt(
    mut table: Table<'_>,
    rules: &[FieldRule],
    unique: &Unique,
    system: System,
) -> Result<usize, MappingError> {
    let node = table.need("by", "for example by = \"login\"")?;
    table.finish()?;
    let words: Vec<_> = system
        .spec()
        .adoptable
        .iter()
        .map(|name| (*name, *name))
        .collect();
    let name = node.word(&words)?;
    unique
        .fields
        .iter()
        .position(|field| {
            rules
                .get(*field)
                .is_some_and(|rule| rule.field.name == name)
        })
        .ok_or_else(|| {
            node.error(
                format!("[adopt] uses `{name}`, which is not in [unique]"),
                Some(format!(
                    "add \"{name}\" to `fields` in [unique]: if two rows had the same value, \
                     hrfeed could not tell whose account it is"
                )),
            )
        })
}
