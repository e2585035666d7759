//! The user groups, and the calls about them.
//!
//! # Invariants
//!
//! - A group's parent exists, is of the same type, and is neither the group
//!   nor below it.
//! - A group's members exist, and have the role of its type.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ANewSpring, Done,
    form::Form,
    people::Uid,
    person::{Person, Roles},
    refusal::Refusal,
    shown::{List, Listed, ShownGroup},
};

/// The types, each the name of the role that it needs.
const TYPES: [&str; 3] = ["student", "teacher", "mentor"];

/// One group.
#[derive(Debug)]
pub(super) struct Group {
    r#type: &'static str,
    name: String,
    parent: Option<String>,
    pub(super) users: BTreeSet<Uid>,
}

/// All groups, by external ID.
pub(super) type Groups = BTreeMap<String, Group>;

fn no_group(id: &str) -> Refusal {
    Refusal::missing(format!("There is no user group {id}"))
}

/// A text that must not be empty.
fn not_empty<'a>(name: &str, text: &'a str) -> Result<&'a str, Refusal> {
    if text.is_empty() {
        Err(Refusal::bad(format!("{name} is mandatory")))
    } else {
        Ok(text)
    }
}

impl ANewSpring {
    fn group(&self, id: &str) -> Result<&Group, Refusal> {
        self.groups.get(id).ok_or_else(|| no_group(id))
    }

    pub(super) fn group_exists(&self, id: &str) -> Done {
        Done::result(self.groups.contains_key(id))
    }

    pub(super) fn group_user_exists(&self, id: &str, user: &str) -> Result<Done, Refusal> {
        let group = self.group(id)?;
        let uid = self.by_id(user)?;
        Ok(Done::result(group.users.contains(&uid)))
    }

    pub(super) fn get_group_users(&self, id: &str) -> Result<Done, Refusal> {
        let users = self.group(id)?.users.iter();
        let users = users
            .filter(|&&uid| self.people.is_seen(uid))
            .filter_map(|&uid| Some(Listed::new(uid, self.people.get(uid)?, true)))
            .collect();
        Ok(Done::json(&List { users }))
    }

    pub(super) fn add_group(&mut self, id: &str, form: &Form) -> Result<Done, Refusal> {
        if self.groups.contains_key(id) {
            return Err(Refusal::conflict(format!("The user group {id} exists")));
        }
        let wanted = form.one("type")?.unwrap_or_default();
        let Some(r#type) = TYPES.into_iter().find(|known| *known == wanted) else {
            return Err(Refusal::bad("type must be student, teacher or mentor"));
        };
        let name = not_empty("name", form.one("name")?.unwrap_or_default())?;
        let parent = form.one("parent")?.filter(|parent| !parent.is_empty());
        if let Some(parent) = parent {
            self.check_parent(id, r#type, parent)?;
        }
        let group = Group {
            r#type,
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
            users: BTreeSet::new(),
        };
        self.groups.insert(id.to_owned(), group);
        Ok(Done::success(format!("The user group {id} was added")))
    }

    pub(super) fn update_group(&mut self, id: &str, form: &Form) -> Result<Done, Refusal> {
        let group = self.group(id)?;
        if form.has("type") {
            return Err(Refusal::bad("type is not a parameter of updateGroup"));
        }
        let name = form.one("name")?;
        let name = name.map(|name| not_empty("name", name)).transpose()?;
        let parent = form.one("parent")?;
        if let Some(parent) = parent.filter(|parent| !parent.is_empty()) {
            self.check_parent(id, group.r#type, parent)?;
        }
        if let Some(group) = self.groups.get_mut(id) {
            if let Some(name) = name {
                name.clone_into(&mut group.name);
            }
            if let Some(parent) = parent {
                group.parent = (!parent.is_empty()).then(|| parent.to_owned());
            }
        }
        Ok(Done::success(format!("The user group {id} was updated")))
    }

    /// Whether the group `id` of that type, which need not exist yet, can
    /// be below `parent`.
    fn check_parent(&self, id: &str, r#type: &str, parent: &str) -> Result<(), Refusal> {
        let group = self.group(parent)?;
        if group.r#type != r#type {
            return Err(Refusal::conflict(format!(
                "The parent {parent} is a group of the type {}",
                group.r#type
            )));
        }
        let mut above = Some(parent);
        while let Some(current) = above {
            if current == id {
                return Err(Refusal::conflict(format!(
                    "The user group {id} cannot be below itself"
                )));
            }
            let group = self.groups.get(current);
            above = group.and_then(|group| group.parent.as_deref());
        }
        Ok(())
    }

    /// The people that `user` names. All of them must exist.
    fn users_of(&self, form: &Form, ignore_missing: bool) -> Result<BTreeSet<Uid>, Refusal> {
        let ids = form.many("user")?;
        if ids.is_empty() {
            return Err(Refusal::bad("user is mandatory"));
        }
        let (mut found, mut missing) = (BTreeSet::new(), Vec::new());
        for id in ids {
            match self.people.with_id(id) {
                Some(uid) => found.extend([uid]),
                None => missing.push(id),
            }
        }
        if missing.is_empty() || ignore_missing {
            Ok(found)
        } else {
            let missing = missing.join(", ");
            Err(Refusal::missing(format!(
                "There is no user with the ID {missing}"
            )))
        }
    }

    /// The people of these that `is` holds for, as a message names them.
    fn those(&self, uids: &BTreeSet<Uid>, is: impl Fn(Uid, &Person) -> bool) -> Option<String> {
        let all = uids
            .iter()
            .filter_map(|&uid| Some((uid, self.people.get(uid)?)));
        let those: Vec<_> = all
            .filter(|(uid, person)| is(*uid, person))
            .map(|(_, person)| person.called())
            .collect();
        (!those.is_empty()).then(|| those.join(", "))
    }

    pub(super) fn add_group_users(&mut self, id: &str, form: &Form) -> Result<Done, Refusal> {
        let group = self.group(id)?;
        let ignore_duplicates = form.flag("ignoreDuplicates")? == Some(true);
        let notify = form.flag("notify")? == Some(true);
        // There are no students of teachers here, so it changes nothing.
        form.flag("addToTeacherStudents")?;
        let uids = self.users_of(form, false)?;
        let role = Roles::of(group.r#type).unwrap_or_default();
        let unfit = |_, person: &Person| person.roles.common(role).is_empty();
        if let Some(those) = self.those(&uids, unfit) {
            return Err(Refusal::conflict(format!(
                "These users do not have the role {}: {those}",
                group.r#type
            )));
        }
        let inside = |uid, _: &Person| group.users.contains(&uid);
        if let Some(those) = self.those(&uids, inside).filter(|_| !ignore_duplicates) {
            return Err(Refusal::conflict(format!(
                "These users are in the user group {id} already: {those}"
            )));
        }
        let Some(group) = self.groups.get_mut(id) else {
            return Err(no_group(id));
        };
        for uid in uids {
            if group.users.insert(uid) && notify {
                self.people.mail(uid);
            }
        }
        Ok(Done::success(format!(
            "The users were added to the user group {id}"
        )))
    }

    pub(super) fn delete_group_users(&mut self, id: &str, form: &Form) -> Result<Done, Refusal> {
        let group = self.group(id)?;
        let ignore_missing = form.flag("ignoreMissing")? == Some(true);
        let uids = self.users_of(form, ignore_missing)?;
        let outside = |uid, _: &Person| !group.users.contains(&uid);
        if let Some(those) = self.those(&uids, outside).filter(|_| !ignore_missing) {
            return Err(Refusal::conflict(format!(
                "These users are not in the user group {id}: {those}"
            )));
        }
        if let Some(group) = self.groups.get_mut(id) {
            group.users.retain(|uid| !uids.contains(uid));
        }
        Ok(Done::success(format!(
            "The users were removed from the user group {id}"
        )))
    }

    pub(super) fn delete_group(&mut self, id: &str, form: &Form) -> Result<Done, Refusal> {
        let group = self.group(id)?;
        let is_child = |group: &Group| group.parent.as_deref() == Some(id);
        let in_use = !group.users.is_empty() || self.groups.values().any(is_child);
        let force = form.flag("force")? == Some(true);
        if in_use && !force {
            return Err(Refusal::conflict(format!(
                "The user group {id} is in use: it has users or groups below it"
            )));
        }
        let parent = group.parent.clone();
        self.groups.remove(id);
        for child in self.groups.values_mut().filter(|group| is_child(group)) {
            child.parent.clone_from(&parent);
        }
        Ok(Done::success(format!("The user group {id} was deleted")))
    }

    /// All groups, for `/sandbox/groups`.
    pub(super) fn shown_groups(&self) -> impl Iterator<Item = ShownGroup<'_>> {
        self.groups.iter().map(|(id, group)| {
            let users = group.users.iter();
            let mut users: Vec<_> = users
                .filter_map(|&uid| Some(self.people.get(uid)?.called()))
                .collect();
            users.sort_unstable();
            ShownGroup {
                id,
                r#type: group.r#type,
                name: &group.name,
                parent: group.parent.as_deref(),
                users,
            }
        })
    }
}
