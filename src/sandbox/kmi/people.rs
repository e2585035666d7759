//! The people of the KMI sandbox, found by id, login name and external ID.
//!
//! # Invariants
//!
//! - Each living person is in `logins` once, and in `keys` once for each
//!   external ID that is set. Nobody else is.
//! - External IDs need not be unique: that is the API's documented danger.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use super::user::{self, User};
pub(super) use crate::sandbox::places::Number as Id;
use crate::sandbox::places::Places;

/// The text fields that the caller sets, but `externalId`, which belongs to a
/// key.
pub(super) const FIELDS: [&str; 11] = [
    "email",
    "firstName",
    "lastName",
    "loginName",
    "address",
    "address2",
    "city",
    "state",
    "zip",
    "country",
    "expirationDate",
];

/// Places in [`FIELDS`].
pub(super) const EMAIL: usize = 0;
/// The number of fields, from the first, that are required.
pub(super) const REQUIRED: usize = 4;
/// See [`EMAIL`].
pub(super) const LOGIN_NAME: usize = 3;
/// See [`EMAIL`].
pub(super) const STATE: usize = 7;
/// See [`EMAIL`].
pub(super) const COUNTRY: usize = 9;

/// One text for each of [`FIELDS`].
pub(super) type Values<'a> = [&'a str; FIELDS.len()];

/// The longest record, all fields together.
pub(super) const LONGEST: usize = u16::MAX as usize;

/// One living person.
#[derive(Debug)]
pub(super) struct Person {
    /// All fields, one after the other.
    text: Box<str>,
    /// Where each ends in `text`.
    ends: [u16; FIELDS.len()],
    /// Seconds since 1970.
    pub(super) created: u32,
    /// Seconds since 1970.
    pub(super) updated: u32,
}

impl Person {
    /// `None` where the record is longer than [`LONGEST`].
    pub(super) fn new(values: &Values<'_>, created: u32, updated: u32) -> Option<Self> {
        let mut ends = [0; FIELDS.len()];
        let mut end = 0_usize;
        for (place, value) in ends.iter_mut().zip(values) {
            end += value.len();
            *place = u16::try_from(end).ok()?;
        }
        Some(Self {
            text: values.concat().into_boxed_str(),
            ends,
            created,
            updated,
        })
    }

    pub(super) fn values(&self) -> Values<'_> {
        let mut start = 0;
        self.ends.map(|end| {
            let end = usize::from(end);
            let value = self.text.get(start..end).unwrap_or_default();
            start = end;
            value
        })
    }

    /// The person as a record with that id.
    pub(super) fn shown<'a>(&'a self, id: Id, external_ids: user::ExternalIds<'a>) -> User<'a> {
        User {
            id,
            values: self.values(),
            created: self.created,
            updated: self.updated,
            external_ids,
        }
    }

    /// Login names that differ in case only are the same.
    fn login(&self) -> String {
        self.values()[LOGIN_NAME].to_lowercase()
    }
}

/// The external IDs of one key.
#[derive(Debug, Default)]
struct ExternalIds {
    of_person: HashMap<Id, Box<str>>,
    /// The same by external ID, which several people may have.
    carriers: BTreeSet<(Box<str>, Id)>,
}

impl ExternalIds {
    fn set(&mut self, id: Id, external_id: &str) {
        self.remove(id);
        if !external_id.is_empty() {
            self.of_person.insert(id, external_id.into());
            self.carriers.insert((external_id.into(), id));
        }
    }

    fn remove(&mut self, id: Id) {
        if let Some(old) = self.of_person.remove(&id) {
            self.carriers.remove(&(old, id));
        }
    }

    /// The person with the lowest id from `least` on, where several have it.
    fn first(&self, external_id: &str, least: Id) -> Option<Id> {
        let from = (external_id.into(), least);
        let (found, id) = self.carriers.range(from..).next()?;
        (**found == *external_id).then_some(*id)
    }
}

/// Which people a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Created after this second.
    pub(super) created_after: Option<i64>,
    /// Updated after this second.
    pub(super) updated_after: Option<i64>,
}

impl Filter {
    fn takes(self, person: &Person) -> bool {
        // Reads no person where nothing bounds the list.
        self.created_after
            .is_none_or(|bound| i64::from(person.created) > bound)
            && self
                .updated_after
                .is_none_or(|bound| i64::from(person.updated) > bound)
    }
}

/// Everybody.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) places: Places<Person>,
    /// No call shows the people with the ids up to this one.
    pub(super) unseen: Id,
    /// Login names in lower case.
    logins: BTreeSet<(String, Id)>,
    /// By key.
    keys: BTreeMap<Box<str>, ExternalIds>,
}

impl People {
    /// How many people live.
    pub(super) fn count(&self) -> usize {
        self.logins.len()
    }

    /// The person with that id, seen by calls or not.
    pub(super) fn get(&self, id: Id) -> Option<&Person> {
        self.places.get(id)
    }

    /// Whether there is a person with that id that calls see.
    pub(super) fn is_seen(&self, id: Id) -> bool {
        id > self.unseen && self.get(id).is_some()
    }

    fn least(&self) -> Id {
        self.unseen.saturating_add(1)
    }

    /// The person's external ID under `key`, or nothing.
    pub(super) fn external_id(&self, key: &str, id: Id) -> &str {
        let ids = self.keys.get(key).map(|ids| &ids.of_person);
        ids.and_then(|ids| ids.get(&id)).map_or("", |id| id)
    }

    /// The person's external IDs under all keys, each with what its key is shown
    /// as.
    pub(super) fn external_ids(&self, id: Id) -> impl Iterator<Item = (String, &str)> {
        let keys = self.keys.iter();
        keys.filter_map(move |(key, ids)| Some((shown(key), &**ids.of_person.get(&id)?)))
    }

    /// The first person with the external ID under `key`.
    pub(super) fn with_external_id(&self, key: &str, external_id: &str) -> Option<Id> {
        self.keys.get(key)?.first(external_id, self.least())
    }

    /// The person with the login name, in whatever case.
    pub(super) fn with_login(&self, login: &str) -> Option<Id> {
        let login = login.to_lowercase();
        let from = (login.clone(), self.least());
        let (found, id) = self.logins.range(from..).next()?;
        (*found == login).then_some(*id)
    }

    /// Adds a person. `None` where no id is left.
    pub(super) fn insert(&mut self, person: Person) -> Option<Id> {
        let login = person.login();
        let id = self.places.push(person)?;
        self.logins.insert((login, id));
        Some(id)
    }

    /// Puts other content in a living person's place. The external IDs stay.
    pub(super) fn replace(&mut self, id: Id, person: Person) {
        if let Some(place) = self.places.get_mut(id) {
            self.logins.remove(&(place.login(), id));
            self.logins.insert((person.login(), id));
            *place = person;
        }
    }

    /// Sets a living person's external ID under `key`; an empty one removes
    /// it.
    pub(super) fn set_external_id(&mut self, key: &str, id: Id, external_id: &str) {
        self.keys
            .entry(key.into())
            .or_default()
            .set(id, external_id);
    }

    /// Removes a person. Says whether there was one.
    pub(super) fn remove(&mut self, id: Id) -> bool {
        let Some(person) = self.places.remove(id) else {
            return false;
        };
        self.logins.remove(&(person.login(), id));
        for ids in self.keys.values_mut() {
            ids.remove(id);
        }
        true
    }

    /// One page of the people that `filter` takes, in the order of their ids.
    pub(super) fn page(&self, offset: u64, limit: usize, filter: Filter) -> Vec<Id> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let seen = self.places.iter().filter(|(id, _)| *id > self.unseen);
        let people = seen.filter(|(_, it)| filter.takes(it));
        people.map(|(id, _)| id).skip(offset).take(limit).collect()
    }
}

/// The start of the key's SHA-256: it differs from key to key and does not
/// reveal the key.
fn shown(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let hex = digest.iter().take(6).map(|byte| format!("{byte:02x}"));
    hex.collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::{FIELDS, Filter, Id, LOGIN_NAME, LONGEST, People, Person};

    const KEYS: [&str; 2] = ["a", "b"];

    /// What is done to the people. Few names, so that they meet.
    #[derive(Clone, Debug)]
    enum Step {
        Insert(u32),
        Rename(Id, u32),
        SetExternalId(usize, Id, u8),
        Remove(Id),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..6u32).prop_map(Step::Insert),
            (0..12u32, 0..6u32).prop_map(|(id, login)| Step::Rename(id, login)),
            (0..2usize, 0..12u32, 0..4u8).prop_map(|(key, id, x)| Step::SetExternalId(key, id, x)),
            (0..12u32).prop_map(Step::Remove),
        ];
        vec(step, 0..80)
    }

    fn with_login(login: u32) -> Person {
        let login = format!("Login{login}");
        let mut values = [""; FIELDS.len()];
        values[LOGIN_NAME] = &login;
        Person::new(&values, 0, 0).unwrap()
    }

    fn place(id: Id) -> usize {
        (id as usize).wrapping_sub(1)
    }

    /// The number of the external ID; 0 is none.
    fn external_id(number: u8) -> String {
        if number == 0 {
            String::new()
        } else {
            format!("E{number}")
        }
    }

    /// A person as the model has it.
    #[derive(Clone, Copy)]
    struct Model {
        login: u32,
        external_ids: [u8; 2],
    }

    proptest! {
        #[test]
        fn people_are_found_by_what_they_have_whatever_was_done_before(steps in steps()) {
            let mut people = People::default();
            let mut model: Vec<Option<Model>> = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(login) => {
                        prop_assert_eq!(people.insert(with_login(login)), Id::try_from(model.len() + 1).ok());
                        model.push(Some(Model { login, external_ids: [0; 2] }));
                    }
                    Step::Rename(id, login) => {
                        if let Some(Some(person)) = model.get_mut(place(id)) {
                            person.login = login;
                        }
                        people.replace(id, with_login(login));
                    }
                    Step::SetExternalId(key, id, number) => {
                        if let Some(Some(person)) = model.get_mut(place(id)) {
                            person.external_ids[key] = number;
                            people.set_external_id(KEYS[key], id, &external_id(number));
                        }
                    }
                    Step::Remove(id) => {
                        let was = model.get_mut(place(id)).and_then(Option::take).is_some();
                        prop_assert_eq!(people.remove(id), was);
                    }
                }
            }
            let alive: Vec<(Id, Model)> =
                (1..).zip(&model).filter_map(|(id, model)| Some((id, (*model)?))).collect();
            prop_assert_eq!(people.count(), alive.len());
            let ids: Vec<Id> = alive.iter().map(|(id, _)| *id).collect();
            prop_assert_eq!(people.page(0, 100, Filter::default()), ids);
            for &(id, model) in &alive {
                for (key, number) in KEYS.into_iter().zip(model.external_ids) {
                    prop_assert_eq!(people.external_id(key, id), external_id(number));
                }
            }
            for login in 0..6 {
                let found = people.with_login(&format!("lOGIN{login}"));
                let expected = alive.iter().any(|(_, model)| model.login == login);
                prop_assert_eq!(found.is_some(), expected);
                if let Some(found) = found {
                    prop_assert!(alive.iter().any(|&(id, model)| id == found && model.login == login));
                }
            }
            for (key, name) in KEYS.into_iter().enumerate() {
                for number in 1..4 {
                    let expected = alive
                        .iter()
                        .find(|(_, model)| model.external_ids[key] == number)
                        .map(|(id, _)| *id);
                    prop_assert_eq!(people.with_external_id(name, &external_id(number)), expected);
                }
            }
        }

        #[test]
        fn a_record_keeps_its_fields(values in vec("\\PC{0,8}", FIELDS.len())) {
            let values: [&str; FIELDS.len()] = std::array::from_fn(|field| &*values[field]);
            let person = Person::new(&values, 1, 2).unwrap();
            prop_assert_eq!(person.values(), values);
        }

        #[test]
        fn a_page_is_a_piece_of_the_whole_list_after_any_removals(
            removed in vec(1..3000u32, 0..50),
            block in 0..3u32,
            offset in 0..3000usize,
            limit in 0..100usize,
        ) {
            let mut people = People::default();
            for login in 0..3000 {
                people.insert(with_login(login));
            }
            // A whole block, too.
            for id in removed.into_iter().chain(block * 1024 + 1..=(block + 1) * 1024) {
                people.remove(id);
            }
            let all: Vec<Id> = (1..=3000).filter(|&id| people.get(id).is_some()).collect();
            let piece: Vec<Id> = all.into_iter().skip(offset).take(limit).collect();
            let everybody = Filter { created_after: Some(-1), updated_after: None };
            prop_assert_eq!(&people.page(offset as u64, limit, everybody), &piece);
            prop_assert_eq!(people.page(offset as u64, limit, Filter::default()), piece);
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_refused_and_the_longest_is_not() {
        let text = "x".repeat(LONGEST);
        let mut values = [""; FIELDS.len()];
        values[5] = &text;
        assert!(Person::new(&values, 0, 0).is_some());
        values[10] = "y";
        assert!(Person::new(&values, 0, 0).is_none());
    }
}
