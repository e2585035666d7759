//! People and groups as JSON.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    people::{Uid, shown},
    person::{EMAIL, LOGIN, Person, fields},
};

/// A person in `getUsers` and `getGroupUsers`.
#[derive(Debug, Serialize)]
pub(super) struct Listed<'a> {
    /// `null` where there is no external ID.
    id: Option<&'a str>,
    uid: String,
    name: String,
    login: &'a str,
    email: &'a str,
    active: bool,
}

impl<'a> Listed<'a> {
    pub(super) fn new(uid: Uid, person: &'a Person, with_id: bool) -> Self {
        Self {
            id: person.id.as_deref().filter(|_| with_id),
            uid: shown(uid),
            name: person.name(),
            login: person.text(LOGIN),
            email: person.text(EMAIL),
            active: person.active,
        }
    }
}

/// The answer of `getUsers` and `getGroupUsers`.
#[derive(Debug, Serialize)]
pub(super) struct List<'a> {
    pub(super) users: Vec<Listed<'a>>,
}

/// A person in `getUser`, and with more in `/sandbox/users`.
#[derive(Debug)]
pub(super) struct Details<'a> {
    pub(super) uid: Uid,
    pub(super) person: &'a Person,
    /// The groups, where they are shown: they are not part of the API.
    pub(super) groups: Option<Vec<&'a str>>,
}

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let person = self.person;
        let mut map = serializer.serialize_map(None)?;
        if self.groups.is_some() {
            map.serialize_entry("api", super::NAME)?;
        }
        map.serialize_entry("id", &person.id)?;
        map.serialize_entry("uid", &shown(self.uid))?;
        for (field, name) in fields() {
            map.serialize_entry(name, person.text(field))?;
        }
        map.serialize_entry("active", &person.active)?;
        map.serialize_entry("archived", &person.archived)?;
        map.serialize_entry("renewable", &person.renewable)?;
        map.serialize_entry("forcePasswordChange", &person.force_password_change)?;
        map.serialize_entry("hasAvatar", &(person.avatar_bytes > 0))?;
        map.serialize_entry("roles", &person.roles.names())?;
        if let Some(groups) = &self.groups {
            map.serialize_entry("authorContentLabels", &person.author_of)?;
            map.serialize_entry("designerContentLabels", &person.designer_of)?;
            map.serialize_entry("groups", groups)?;
            map.serialize_entry("mails", &person.mails)?;
            map.serialize_entry("passwords_set", &person.passwords_set)?;
            map.serialize_entry("avatar_bytes", &person.avatar_bytes)?;
        }
        map.end()
    }
}

/// A group in `/sandbox/groups`.
#[derive(Debug, Serialize)]
pub(super) struct ShownGroup<'a> {
    pub(super) id: &'a str,
    pub(super) r#type: &'static str,
    pub(super) name: &'a str,
    pub(super) parent: Option<&'a str>,
    /// The external IDs, sorted.
    pub(super) users: Vec<&'a str>,
}
