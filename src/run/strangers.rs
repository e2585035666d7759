//! People on the LMS whom no row names: there may be many more than rows, so only
//! those who may have to do with a row are in memory.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

use crate::mapping::FieldFingerprints;
use crate::model::ExternalId;
use crate::plan::identity::{Known, Place};
use crate::upload::{Kept, UploadError};

/// People on the LMS whom no row names.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// External ID, the LMS's id, fingerprints.
    people: Kept,
    /// A hash of each external ID: a list can show a person twice.
    external_ids: HashSet<u64>,
    /// The external IDs of those who can sign in, where the LMS says who leaves.
    pub(super) active: Vec<ExternalId>,
    /// Everybody was listed: there are no others.
    pub(super) are_all: bool,
}

impl Strangers {
    /// Adds somebody. Returns whether the external ID, if there is one, is new.
    pub(super) fn add(&mut self, person: &Known) -> bool {
        let packed = person.fingerprints.packed();
        self.people.add([
            bytes(person.external_id.as_deref()),
            bytes(person.remote_id.as_deref()),
            &packed.fields,
            &packed.identity,
        ]);
        let id = person.external_id.as_deref();
        id.is_some_and(|id| self.external_ids.insert(xxh3_64(id.as_bytes())))
    }

    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.people.records() == 0
    }

    /// How many of them have an external ID.
    pub(super) fn with_external_id(&self) -> u64 {
        self.external_ids.len() as u64
    }

    /// Those whom `concerns` lets through, each once: by external ID, and by the
    /// LMS's id where there is none.
    ///
    /// # Errors
    /// They cannot be read again.
    pub(super) fn concerned(
        self,
        concerns: impl Fn(&Known) -> bool,
    ) -> Result<HashMap<String, Known>, UploadError> {
        let mut concerned = HashMap::new();
        self.people
            .read(|[external_id, remote_id, fields, identity]| {
                let person = Known {
                    external_id: text(external_id),
                    remote_id: text(remote_id),
                    fingerprints: FieldFingerprints::of_packed(&fields, &identity),
                    place: Place::OnTarget,
                };
                if concerns(&person) {
                    concerned.insert(key(&person), person);
                }
            })?;
        Ok(concerned)
    }
}

/// The bytes of a text; none where there is none.
fn bytes(text: Option<&str>) -> &[u8] {
    text.unwrap_or_default().as_bytes()
}

/// A text that was added; `None` where there was none.
fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.is_empty())
}

/// By what a stranger is found again. No external ID has a control character.
fn key(person: &Known) -> String {
    let remote_id = person.remote_id.as_deref().unwrap_or_default();
    let external_id = person.external_id.as_deref();
    external_id.map_or_else(|| format!("\u{0}{remote_id}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(external_id: Option<&str>, remote_id: &str, packed: u8) -> Known {
        Known {
            external_id: external_id.map(str::to_owned),
            remote_id: Some(remote_id.to_owned()),
            fingerprints: FieldFingerprints::of_packed(&[packed; 9], &[packed; 17]),
            place: Place::OnTarget,
        }
    }

    #[test]
    fn strangers_come_back_as_they_were_and_each_once() {
        let mut strangers = Strangers::default();
        assert!(strangers.is_empty());
        let people = [
            person(Some("E1"), "1", 1),
            person(None, "2", 2),
            person(Some("É3"), "3", 3),
            // A list showed her again.
            person(Some("E1"), "1", 1),
            person(None, "2", 2),
        ];
        let new = people.each_ref().map(|person| strangers.add(person));
        assert_eq!(new, [true, false, true, false, false]);
        assert!(!strangers.is_empty());
        assert_eq!(strangers.with_external_id(), 2);
        let all = strangers.concerned(|_| true).unwrap();
        let expected = people.iter().take(3).map(|it| (key(it), it.clone()));
        assert_eq!(all, expected.collect());
    }

    #[test]
    fn of_many_strangers_only_those_who_are_asked_for_are_in_memory() {
        let mut strangers = Strangers::default();
        for number in 0..50_000 {
            strangers.add(&person(Some(&format!("E{number}")), "1", 7));
        }
        assert_eq!(strangers.with_external_id(), 50_000);
        let is_asked_for = |it: &Known| it.external_id.as_deref() == Some("E41234");
        let concerned = strangers.concerned(is_asked_for).unwrap();
        assert_eq!(concerned.into_keys().collect::<Vec<_>>(), ["E41234"]);
    }
}
