//! Everybody, found by UID, external ID and login.
//!
//! # Invariants
//!
//! - A UID is a person's place in `places` plus one, and is never used again.
//! - Nobody shares an external ID or, whatever its case, a login: not with an
//!   archived person either. Who adds or replaces somebody has checked it.

use std::collections::HashMap;

use super::person::{LOGIN, Person};

/// A person's UID, as a number.
pub(super) type Uid = u32;

/// Everybody.
#[derive(Debug, Default)]
pub(super) struct People {
    places: Vec<Option<Person>>,
    ids: HashMap<Box<str>, Uid>,
    /// By the login in lower case.
    logins: HashMap<Box<str>, Uid>,
}

/// The UID as it is told. It is no number, so that nobody takes it for one.
pub(super) fn shown(uid: Uid) -> String {
    format!("U{uid}")
}

impl People {
    pub(super) fn count(&self) -> usize {
        // Everybody has a login, and only one.
        self.logins.len()
    }

    /// The highest UID that was ever given.
    pub(super) fn last(&self) -> Uid {
        Uid::try_from(self.places.len()).unwrap_or(Uid::MAX)
    }

    pub(super) fn get(&self, uid: Uid) -> Option<&Person> {
        self.places.get(place(uid))?.as_ref()
    }

    /// Everybody, in the order of their UIDs.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Uid, &Person)> {
        let all = (1..).zip(&self.places);
        all.filter_map(|(uid, person)| Some((uid, person.as_ref()?)))
    }

    /// The person whose UID is told so.
    pub(super) fn with_uid(&self, told: &str) -> Option<Uid> {
        let uid = told.strip_prefix('U')?.parse().ok()?;
        (shown(uid) == told && self.get(uid).is_some()).then_some(uid)
    }

    /// The person with that external ID.
    pub(super) fn with_id(&self, id: &str) -> Option<Uid> {
        self.ids.get(id).copied()
    }

    /// The person with that login, in whatever case.
    pub(super) fn with_login(&self, login: &str) -> Option<Uid> {
        self.logins.get(&*login.to_lowercase()).copied()
    }

    /// Somebody else than `uid`, picked by `pick`.
    pub(super) fn somebody_else(&self, uid: Uid, pick: u32) -> Option<Uid> {
        let first = pick.checked_rem(self.last())? + 1;
        (first..=self.last())
            .chain(1..first)
            .find(|&other| other != uid && self.get(other).is_some())
    }

    /// Adds a person. `None` where no UID is left.
    pub(super) fn insert(&mut self, person: Person) -> Option<Uid> {
        let uid = Uid::try_from(self.places.len() + 1).ok()?;
        self.places.push(None);
        self.replace(uid, person);
        Some(uid)
    }

    /// Puts other content in a person's place.
    pub(super) fn replace(&mut self, uid: Uid, person: Person) {
        self.remove(uid);
        if let Some(place) = self.places.get_mut(place(uid)) {
            if let Some(id) = &person.id {
                self.ids.insert(id.clone(), uid);
            }
            let login = person.text(LOGIN).to_lowercase();
            self.logins.insert(login.into(), uid);
            *place = Some(person);
        }
    }

    /// Counts a mail to a person.
    pub(super) fn mail(&mut self, uid: Uid) {
        if let Some(Some(person)) = self.places.get_mut(place(uid)) {
            person.mails += 1;
        }
    }

    /// Takes a person away.
    pub(super) fn remove(&mut self, uid: Uid) {
        let Some(old) = self.places.get_mut(place(uid)).and_then(Option::take) else {
            return;
        };
        if let Some(id) = &old.id {
            self.ids.remove(id);
        }
        self.logins.remove(&*old.text(LOGIN).to_lowercase());
    }
}

fn place(uid: Uid) -> usize {
    // The place of UID 0 is beyond the end of any list.
    (uid as usize).wrapping_sub(1)
}
