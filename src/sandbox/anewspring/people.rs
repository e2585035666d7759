//! Everybody, found by UID, external ID and login.
//!
//! # Invariants
//!
//! - No two people whom calls see, archived ones included, have one external ID.
//!   The caller of `insert` and `replace` has checked it, and that logins differ
//!   in more than case, unless a fault says otherwise.

use std::collections::{BTreeSet, HashMap};

use super::person::{LOGIN, Person};
pub(super) use crate::sandbox::places::Number as Uid;
use crate::sandbox::places::Places;

/// Everybody.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) places: Places<Person>,
    /// No call shows the people with the UIDs up to this one.
    pub(super) unseen: Uid,
    count: usize,
    ids: HashMap<Box<str>, Uid>,
    /// Logins in lower case.
    logins: BTreeSet<(Box<str>, Uid)>,
}

/// The UID as the API shows it. It is not a number, so that nobody takes it for
/// one.
pub(super) fn shown(uid: Uid) -> String {
    format!("U{uid}")
}

impl People {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn get(&self, uid: Uid) -> Option<&Person> {
        self.places.get(uid)
    }

    /// The person with that UID, as the API shows it.
    pub(super) fn with_uid(&self, text: &str) -> Option<Uid> {
        let uid = text.strip_prefix('U')?.parse().ok()?;
        (shown(uid) == text && self.is_seen(uid) && self.get(uid).is_some()).then_some(uid)
    }

    /// The person with that external ID.
    pub(super) fn with_id(&self, id: &str) -> Option<Uid> {
        self.ids.get(id).copied().filter(|&uid| self.is_seen(uid))
    }

    /// The person with that login, in whatever case.
    pub(super) fn with_login(&self, login: &str) -> Option<Uid> {
        let login: Box<str> = login.to_lowercase().into();
        let holders = self.logins.range((login.clone(), 0)..);
        let holders = holders.take_while(|(found, _)| *found == login);
        let mut holders = holders.map(|(_, uid)| *uid);
        holders.find(|&uid| self.is_seen(uid))
    }

    /// Whether calls see the person with that UID, if there is one.
    pub(super) const fn is_seen(&self, uid: Uid) -> bool {
        uid > self.unseen
    }

    /// Everybody whom calls see.
    pub(super) fn seen(&self) -> impl Iterator<Item = (Uid, &Person)> {
        self.places.iter().filter(|(uid, _)| self.is_seen(*uid))
    }

    /// Adds a person. `None` where no UID is left.
    pub(super) fn insert(&mut self, person: Person) -> Option<Uid> {
        let uid = self.places.push(person)?;
        self.count += 1;
        self.index(uid);
        Some(uid)
    }

    /// Puts other content in a person's place.
    pub(super) fn replace(&mut self, uid: Uid, person: Person) {
        self.forget(uid);
        if let Some(place) = self.places.get_mut(uid) {
            *place = person;
        }
        self.index(uid);
    }

    /// Counts a mail to a person.
    pub(super) fn mail(&mut self, uid: Uid) {
        if let Some(person) = self.places.get_mut(uid) {
            person.mails += 1;
        }
    }

    /// Removes a person.
    pub(super) fn remove(&mut self, uid: Uid) {
        self.forget(uid);
        if self.places.remove(uid).is_some() {
            self.count -= 1;
        }
    }

    fn index(&mut self, uid: Uid) {
        if let Some(person) = self.places.get(uid) {
            self.ids.extend(person.id.clone().map(|id| (id, uid)));
            let login = person.text(LOGIN).to_lowercase();
            self.logins.insert((login.into(), uid));
        }
    }

    fn forget(&mut self, uid: Uid) {
        if let Some(person) = self.places.get(uid) {
            // Somebody else may have taken the place of a person who was not seen.
            let login = person.text(LOGIN).to_lowercase();
            if let Some(id) = person
                .id
                .as_ref()
                .filter(|id| self.ids.get(*id) == Some(&uid))
            {
                self.ids.remove(id);
            }
            self.logins.remove(&(login.into(), uid));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::{LOGIN, People, Person, Uid, shown};

    /// What is done to the people. Few names, so that they meet.
    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, Option<u8>),
        Replace(Uid, u8, Option<u8>),
        Remove(Uid),
    }

    fn step() -> impl Strategy<Value = Step> {
        let (login, id) = (0..8u8, option::of(0..8u8));
        prop_oneof![
            (login.clone(), id.clone()).prop_map(|(login, id)| Step::Insert(login, id)),
            (0..12u32, login, id).prop_map(|(uid, login, id)| Step::Replace(uid, login, id)),
            (0..12u32).prop_map(Step::Remove),
        ]
    }

    fn person(login: u8, id: Option<u8>) -> Person {
        let mut person = Person::default();
        person.set_text(LOGIN, &format!("Login{login}"));
        person.id = id.map(|id| format!("E{id}").into());
        person
    }

    proptest! {
        #[test]
        fn people_are_found_by_what_they_have_whatever_was_done_before(
            steps in vec(step(), 0..60),
        ) {
            let mut people = People::default();
            let mut model: Vec<Option<(u8, Option<u8>)>> = Vec::new();
            for step in steps {
                // The caller has checked that both are free.
                let free = |login, id: Option<u8>, model: &[Option<(u8, Option<u8>)>]| {
                    !model.iter().flatten().any(|(other_login, other_id)| {
                        *other_login == login || id.is_some() && *other_id == id
                    })
                };
                match step {
                    Step::Insert(login, id) if free(login, id, &model) => {
                        model.push(Some((login, id)));
                        let uid = people.insert(person(login, id));
                        prop_assert_eq!(uid, Uid::try_from(model.len()).ok());
                    }
                    Step::Replace(uid, login, id) => {
                        let place = (uid as usize).wrapping_sub(1);
                        let Some(old) = model.get(place).copied().flatten() else {
                            continue;
                        };
                        model[place] = None;
                        if free(login, id, &model) {
                            people.replace(uid, person(login, id));
                            model[place] = Some((login, id));
                        } else {
                            model[place] = Some(old);
                        }
                    }
                    Step::Remove(uid) => {
                        people.remove(uid);
                        if let Some(place) = model.get_mut((uid as usize).wrapping_sub(1)) {
                            *place = None;
                        }
                    }
                    Step::Insert(..) => {}
                }
            }
            let there: Vec<Uid> = people.places.iter().map(|(uid, _)| uid).collect();
            let expected: Vec<Uid> =
                (1..).zip(&model).filter(|(_, model)| model.is_some()).map(|(uid, _)| uid).collect();
            prop_assert_eq!(people.count(), expected.len());
            prop_assert_eq!(there, expected);
            let holder = |is: &dyn Fn((u8, Option<u8>)) -> bool| {
                (1..).zip(&model).find(|(_, model)| model.is_some_and(is)).map(|(uid, _)| uid)
            };
            for number in 0..8 {
                let login = people.with_login(&format!("lOGIN{number}"));
                prop_assert_eq!(login, holder(&|(login, _)| login == number));
                let id = people.with_id(&format!("E{number}"));
                prop_assert_eq!(id, holder(&|(_, id)| id == Some(number)));
            }
            for uid in 0..12 {
                let there = people.get(uid).map(|_| uid);
                prop_assert_eq!(people.with_uid(&shown(uid)), there);
            }
        }
    }

    #[test]
    fn a_uid_is_found_only_as_it_is_shown() {
        let mut people = People::default();
        people.insert(person(1, None));
        assert_eq!(people.with_uid("U1"), Some(1));
        for text in ["1", "u1", "U01", "U+1", "U0", "U2", "U4294967297", "U", ""] {
            assert_eq!(people.with_uid(text), None, "{text}");
        }
    }
}
