//! The calls about users.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Map, Value};

use super::{
    ANewSpring, Done, Query,
    calls::Route,
    form::Form,
    invented::invented,
    people::{Uid, shown},
    person::{EMAIL, Edit, LOGIN, Person, Roles, check_text, fields},
    refusal::Refusal,
    shown::{Details, List, Listed},
};
use crate::sandbox::{
    api::{Logins, Twist},
    faults::{Fault, Lists},
};

/// The longest external ID, in letters.
const LONGEST_ID: usize = 255;

/// A content library whose external ID begins so does not exist.
const MISSING: &str = "missing";

fn check_id(id: &str) -> Result<(), Refusal> {
    if id.is_empty() {
        return Err(Refusal::bad("The ID must not be empty"));
    }
    if id.chars().count() > LONGEST_ID {
        return Err(Refusal::bad(format!(
            "The ID must have at most {LONGEST_ID} characters"
        )));
    }
    Ok(())
}

/// Refuses the parameters of another call.
fn none_of(form: &Form, call: &str, names: &[&str]) -> Result<(), Refusal> {
    match names.iter().find(|name| form.has(name)) {
        Some(name) => Err(Refusal::bad(format!("{name} is not a parameter of {call}"))),
        None => Ok(()),
    }
}

/// Refuses a person on demand, where there is an e-mail address to quote.
fn refuse(person: &Person, twist: Twist) -> Result<(), Refusal> {
    match person.text(EMAIL) {
        email if twist.refuse && !email.is_empty() => {
            Err(Refusal::demanded(format!("{email} is not allowed here")))
        }
        _ => Ok(()),
    }
}

/// The content libraries that a call names.
fn libraries(form: &Form) -> Result<Vec<&str>, Refusal> {
    let labels = form.many("contentLabel")?;
    if labels.is_empty() || labels.contains(&"") {
        return Err(Refusal::bad("contentLabel is mandatory"));
    }
    let missing: Vec<_> = labels
        .iter()
        .copied()
        .filter(|label| label.starts_with(MISSING))
        .collect();
    if missing.is_empty() {
        return Ok(labels);
    }
    let missing = missing.join(", ");
    Err(Refusal::missing(format!(
        "There is no content library with the ID {missing}"
    )))
}

/// The libraries that the person has the role's rights for.
fn rights<'a>(person: &'a mut Person, role: &str) -> &'a mut BTreeSet<Box<str>> {
    if role == "author" {
        &mut person.author_of
    } else {
        &mut person.designer_of
    }
}

impl ANewSpring {
    pub(super) fn user_exists(&self, route: Route<'_>, query: &Query<'_>) -> Result<Done, Refusal> {
        match self.person_of(route, query) {
            Ok(_) => Ok(Done::result(true)),
            Err(refusal) if refusal.is_missing() => Ok(Done::result(false)),
            Err(refusal) => Err(refusal),
        }
    }

    pub(super) fn get_user(&self, uid: Uid, twist: Twist) -> Result<Done, Refusal> {
        if twist.hides(uid) {
            return Err(Refusal::hidden("There is no such user"));
        }
        let other = self.people.places.other_than(uid, twist.pick);
        let shown = other.filter(|_| twist.wrong_person).unwrap_or(uid);
        // Where nobody else is there, an invented person has to do.
        let invented_person = (twist.wrong_person && other.is_none()).then(|| {
            let number = self.people.places.last().wrapping_add(1);
            let person = invented(number, &mut Rng::with_seed(twist.pick.into()));
            (number, person)
        });
        let (uid, person) = match &invented_person {
            Some((number, person)) => (*number, person),
            None => (shown, self.person(shown)?),
        };
        let details = Details {
            uid,
            person,
            groups: None,
        };
        let twisted = twist.wrong_person.then_some(Fault::WrongPerson);
        Ok(Done::json(&details).twisted(twisted))
    }

    pub(super) fn get_users(&self, twist: Twist) -> Done {
        let users = self.people.seen();
        let with_ids = twist.lists != Lists::Nameless;
        let mut users: Vec<_> = users
            .map(|(uid, person)| Listed::new(uid, person, with_ids))
            .collect();
        let shortened = twist.shorten(&mut users);
        Done::json(&List { users }).twisted(shortened)
    }

    fn person(&self, uid: Uid) -> Result<&Person, Refusal> {
        let missing = || Refusal::missing(format!("There is no user with the UID {}", shown(uid)));
        self.people.get(uid).ok_or_else(missing)
    }

    /// Whether nobody but `uid` has the login.
    fn check_login(&self, login: &str, uid: Option<Uid>, twist: Twist) -> Result<(), Refusal> {
        let holder = self.people.with_login(login);
        if holder.is_some() && holder != uid && twist.logins == Logins::Unique {
            return Err(Refusal::conflict(format!(
                "The login {login} is already in use"
            )));
        }
        Ok(())
    }

    /// Whether nobody but `uid` has the external ID.
    fn check_id_free(&self, id: &str, uid: Uid) -> Result<(), Refusal> {
        check_id(id)?;
        let holder = self.people.with_id(id);
        if holder.is_some_and(|holder| holder != uid) {
            return Err(Refusal::conflict(format!("The ID {id} is already in use")));
        }
        Ok(())
    }

    pub(super) fn initialize_id(&mut self, login: &str, id: &str) -> Result<Done, Refusal> {
        let Some(uid) = self.people.with_login(login) else {
            return Err(Refusal::missing(format!(
                "There is no user with the login {login}"
            )));
        };
        let mut person = self.person(uid)?.clone();
        if let Some(has) = &person.id {
            return Err(Refusal::conflict(format!(
                "The user {login} has an ID already: {has}"
            )));
        }
        self.check_id_free(id, uid)?;
        person.id = Some(id.into());
        self.people.replace(uid, person);
        Ok(Done::success(format!("The user {login} has the ID {id}")))
    }

    pub(super) fn add_user(
        &mut self,
        id: &str,
        form: &Form,
        twist: Twist,
    ) -> Result<Done, Refusal> {
        let there = self.people.with_id(id).and_then(|uid| self.people.get(uid));
        if let Some(person) = there {
            let message = if person.archived {
                format!("The user {id} is archived")
            } else {
                format!("A user with the ID {id} exists")
            };
            return Err(Refusal::conflict(message));
        }
        check_id(id)?;
        none_of(form, "addUser", &["id", "archived"])?;
        let mut person = Person::default();
        person.id = Some(id.into());
        person.roles = Roles::read(form)?;
        Edit::read(form)?.apply(&mut person);
        refuse(&person, twist)?;
        person.check_mandatory()?;
        self.check_login(person.text(LOGIN), None, twist)?;
        let twin = twist.twins.then(|| {
            let mut twin = person.clone();
            twin.id = None;
            twin
        });
        let added = self.people.insert(person);
        let twin = twin.and_then(|twin| self.people.insert(twin));
        let done = Done::success(format!("The user {id} was added"));
        added.ok_or_else(Refusal::full)?;
        Ok(done.twisted(twin.map(|_| Fault::Twins)))
    }

    pub(super) fn update_user(
        &mut self,
        uid: Uid,
        form: &Form,
        twist: Twist,
    ) -> Result<Done, Refusal> {
        let mut person = self.person(uid)?.clone();
        let archived = form.flag("archived")?;
        if person.archived && archived != Some(false) {
            return Err(Refusal::conflict(format!(
                "The user {} is archived",
                person.called()
            )));
        }
        none_of(form, "updateUser", &["role"])?;
        Edit::read(form)?.apply(&mut person);
        refuse(&person, twist)?;
        person.check_mandatory()?;
        self.check_login(person.text(LOGIN), Some(uid), twist)?;
        person.archived = archived.unwrap_or(person.archived);
        if let Some(id) = form.one("id")? {
            self.check_id_free(id, uid)?;
            person.id = Some(id.into());
        }
        let message = format!("The user {} was updated", person.called());
        self.people.replace(uid, person);
        Ok(Done::success(message))
    }

    pub(super) fn add_user_roles(&mut self, uid: Uid, form: &Form) -> Result<Done, Refusal> {
        let mut person = self.person(uid)?.clone();
        let ignore_duplicates = form.flag("ignoreDuplicates")? == Some(true);
        let roles = Roles::read(form)?;
        if roles.is_empty() {
            return Err(Refusal::bad("role is mandatory"));
        }
        let duplicates = person.roles.common(roles);
        if !duplicates.is_empty() && !ignore_duplicates {
            return Err(Refusal::conflict(format!(
                "The user {} has these roles already: {}",
                person.called(),
                duplicates.names().join(", ")
            )));
        }
        person.roles = person.roles.and(roles);
        let message = format!("The roles were added to the user {}", person.called());
        self.people.replace(uid, person);
        Ok(Done::success(message))
    }

    pub(super) fn delete_user(&mut self, uid: Uid) -> Done {
        self.people.remove(uid);
        for group in self.groups.values_mut() {
            group.users.remove(&uid);
        }
        Done::success("The user was deleted")
    }

    pub(super) fn link(&mut self, uid: Uid, role: &str, form: &Form) -> Result<Done, Refusal> {
        let mut person = self.person(uid)?.clone();
        let labels = libraries(form)?;
        let needed = Roles::of(role).unwrap_or_default();
        if person.roles.common(needed).is_empty() {
            return Err(Refusal::conflict(format!(
                "The user {} does not have the role {role}",
                person.called()
            )));
        }
        rights(&mut person, role).extend(labels.into_iter().map(Box::from));
        let message = format!("The user {} was linked", person.called());
        self.people.replace(uid, person);
        Ok(Done::success(message))
    }

    pub(super) fn unlink(&mut self, uid: Uid, role: &str, form: &Form) -> Result<Done, Refusal> {
        let mut person = self.person(uid)?.clone();
        let labels = libraries(form)?;
        rights(&mut person, role).retain(|label| !labels.contains(&&**label));
        let message = format!("The user {} was unlinked", person.called());
        self.people.replace(uid, person);
        Ok(Done::success(message))
    }

    /// Creates an account as an administrator does by hand: from JSON, without
    /// an external ID. Returns the UID.
    pub(super) fn create(&mut self, json: &[u8]) -> Result<String, String> {
        let values: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|error| format!("the body is not a JSON object: {error}"))?;
        let mut person = Person::default();
        for (name, value) in &values {
            let flag = || {
                let no_flag = || format!("`{name}` must be true or false");
                value.as_bool().ok_or_else(no_flag)
            };
            match &**name {
                "active" => person.active = flag()?,
                "archived" => person.archived = flag()?,
                "roles" => {
                    let no_role = || "`roles` must be an array of roles".to_owned();
                    for role in value.as_array().ok_or_else(no_role)? {
                        let role = role.as_str().and_then(Roles::of).ok_or_else(no_role)?;
                        person.roles = person.roles.and(role);
                    }
                }
                _ => {
                    let mut fields = fields();
                    let field = fields.find(|(_, other)| other == name);
                    let (field, _) =
                        field.ok_or_else(|| format!("a person has no field `{name}`"))?;
                    let no_text = || format!("`{name}` must be text");
                    let text = value.as_str().ok_or_else(no_text)?;
                    check_text(field, text).map_err(Refusal::into_message)?;
                    person.set_text(field, text);
                }
            }
        }
        person.check_mandatory().map_err(Refusal::into_message)?;
        self.check_login(person.text(LOGIN), None, Twist::default())
            .map_err(Refusal::into_message)?;
        let uid = self.people.insert(person);
        uid.map(shown).ok_or_else(|| Refusal::full().into_message())
    }
}
