//! What the LMS shows of people whom the journal has no fingerprints of: where the
//! journal says nothing, a row can be held against that only.

use std::collections::HashMap;

use crate::journal::SeenPerson;
use crate::mapping::{Bound, FieldFingerprints, FieldTag};
use crate::model::Content;
use crate::plan::{self, RowIndex, identity};
use crate::targets::Remote;

/// What the LMS shows of the people of rows, by row.
pub(super) type ShownPeople = HashMap<RowIndex, Shown>;

/// What the LMS shows of the person of a row.
#[derive(Debug)]
pub(super) struct Shown {
    external_id: String,
    remote_id: String,
    /// The fingerprints of the fields that it shows.
    pub(super) fingerprints: FieldFingerprints,
    /// The words of a name that it shows as a whole.
    name: Box<[u64]>,
}

impl Shown {
    /// What an answer of the LMS says of a person who has an external ID.
    pub(super) fn of(bound: &Bound<'_>, external_id: &str, person: &Remote) -> Self {
        let spec = bound.mapping().target.system.spec();
        let name = spec.whole_name.and_then(|name| person.get(name));
        let words = name.map(|name| plan::name_words(bound, name).collect());
        Self {
            external_id: external_id.to_owned(),
            remote_id: person.id.clone(),
            fingerprints: plan::fields_of_listed(bound, |field| person.get(field)),
            name: words.unwrap_or_default(),
        }
    }

    /// Holds the person against the row, which has these fingerprints. What is not
    /// shown does not differ, as far as is known. Returns what the journal should
    /// remember.
    pub(super) fn compare(
        &self,
        bound: &Bound<'_>,
        row: &FieldFingerprints,
        content: Option<&Content>,
    ) -> (SeenPerson, FieldFingerprints) {
        let mapping = bound.mapping();
        let spec = mapping.target.system.spec();
        let parts: Vec<(FieldTag, bool)> = (spec.names.iter())
            .filter_map(|name| Some((mapping.tag(name)?, self.has_words_of(bound, name, content))))
            .collect();
        let id = (mapping.fields().first()).and_then(|rule| mapping.tag(rule.field.name));
        let is_proved = |tag| Some(tag) == id || parts.contains(&(tag, true));
        let is_another = |tag| parts.contains(&(tag, false)) && !self.name.is_empty();
        let proved = row.fields().filter(|(tag, _)| is_proved(*tag));
        let proved = self.fingerprints.or_else(proved);
        let open = row.fields().filter(|(tag, _)| !is_another(*tag));
        let fingerprints = proved.or_else(open);
        let seen = SeenPerson {
            external_id: self.external_id.clone(),
            remote_id: Some(self.remote_id.clone()),
            fingerprint: None,
            is_ambiguous: false,
            fingerprints: Some(proved.packed()),
        };
        (seen, fingerprints)
    }

    /// Whether the name that is shown as a whole has all words of this part of it.
    fn has_words_of(&self, bound: &Bound<'_>, part: &str, content: Option<&Content>) -> bool {
        let fields = content.map_or(&[][..], |content| &content.fields);
        let value = fields.iter().find(|(name, _)| *name == part);
        value.is_some_and(|(_, value)| {
            let mut words = plan::name_words(bound, value).peekable();
            words.peek().is_some() && words.all(|word| self.name.contains(&word))
        })
    }

    /// The person, to be held against all rows.
    pub(super) fn known(self, place: identity::Place) -> identity::Known {
        identity::Known {
            external_id: Some(self.external_id),
            remote_id: Some(self.remote_id),
            fingerprints: self.fingerprints,
            place,
        }
    }
}
