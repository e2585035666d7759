//! Whom a rejected row may mean: nobody leaves because a row is wrong.

use std::collections::{BTreeSet, HashMap};

use super::{Identification, Standing};
use crate::mapping::{FieldFingerprints, FieldTag};

/// A value of a field that tells who somebody is.
type Identity = (FieldTag, u128);

/// A first or last name.
type Name = (FieldTag, u64);

impl Identification {
    /// The external IDs of known people whom rejected rows may mean.
    #[must_use]
    pub fn meant_by_rejected(&self) -> BTreeSet<&str> {
        let mut meant = BTreeSet::new();
        let mut by_name = self.sharers_by_name();
        for (position, subject) in self.subjects.iter().enumerate() {
            if subject.standing != Standing::Rejected {
                continue;
            }
            for value in subject.fingerprints.identity() {
                if let Some([person]) = self.carriers.get(&value).map(Vec::as_slice) {
                    meant.insert(*person);
                }
                // What several have in common means those with the name of the row.
                // They are taken out: many rows may have the value and the name.
                for name in self.names(&subject.fingerprints) {
                    meant.extend(by_name.remove(&(value, name)).into_iter().flatten());
                }
            }
            meant.extend(self.damaged.get(&position).into_iter().flatten());
            meant.extend(self.held_people.get(&position));
        }
        let people = meant.into_iter().map(|person| &self.people[person]);
        people
            .filter_map(|person| person.external_id.as_deref())
            .collect()
    }

    /// The known people who share a value of a rejected row, by the value and each
    /// of their names.
    fn sharers_by_name(&self) -> HashMap<(Identity, Name), Vec<usize>> {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for value in &self.of_rejected {
            let people = self.carriers.get(value).filter(|people| people.len() > 1);
            for &person in people.into_iter().flatten() {
                for name in self.names(&self.people[person].fingerprints) {
                    by_name.entry((*value, name)).or_default().push(person);
                }
            }
        }
        by_name
    }

    fn names(&self, of: &FieldFingerprints) -> impl Iterator<Item = Name> {
        let tags = self.tags.names.iter();
        tags.filter_map(move |tag| Some((*tag, of.field(*tag)?)))
    }
}
