//! A person: what is kept of one, and what a call may change.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{form::Form, refusal::Refusal};

/// The details that are texts.
pub(super) const TEXTS: [&str; 30] = [
    "login",
    "firstName",
    "middleName",
    "lastName",
    "gender",
    "title",
    "initials",
    "email",
    "function",
    "company",
    "dateOfBirth",
    "telephoneNumber",
    "faxNumber",
    "cellPhoneNumber",
    "address",
    "zip",
    "residence",
    "country",
    "invoiceAddress",
    "invoiceZip",
    "invoiceResidence",
    "invoiceCountry",
    "custom1",
    "custom2",
    "custom3",
    "custom4",
    "custom5",
    "locale",
    "timeZoneGroup",
    "timeZone",
];

/// A place in [`TEXTS`].
pub(super) type Field = u8;

/// Places in [`TEXTS`].
pub(super) const LOGIN: Field = 0;
const FIRST_NAME: Field = 1;
const MIDDLE_NAME: Field = 2;
const LAST_NAME: Field = 3;
const GENDER: Field = 4;
/// See [`LOGIN`].
pub(super) const EMAIL: Field = 7;
const DATE_OF_BIRTH: Field = 10;

/// What a new person must have, and nobody can lose.
const MANDATORY: [Field; 3] = [FIRST_NAME, LAST_NAME, LOGIN];

/// Letters, not bytes.
const SHORTEST_PASSWORD: usize = 8;

/// The roles, in the order in which they are listed.
pub(super) const ROLES: [&str; 8] = [
    "student",
    "teacher",
    "mentor",
    "author",
    "designer",
    "administrator",
    "reseller",
    "tenant",
];

/// A set of [`ROLES`], one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles(u8);

impl Roles {
    /// The set of one role. `None` where there is no such role.
    pub(super) fn of(name: &str) -> Option<Self> {
        let place = ROLES.iter().position(|role| *role == name)?;
        Some(Self(1 << place))
    }

    /// The roles that a call names.
    pub(super) fn read(form: &Form) -> Result<Self, Refusal> {
        let mut roles = Self::default();
        for name in form.many("role")? {
            let role = Self::of(name).ok_or_else(|| {
                let known = ROLES.join(", ");
                Refusal::bad(format!("{name} is not a role: the roles are {known}"))
            })?;
            roles = roles.and(role);
        }
        Ok(roles)
    }

    pub(super) fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// The roles that are in both sets.
    pub(super) fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn names(self) -> Vec<&'static str> {
        let names = ROLES.into_iter().enumerate();
        names
            .filter(|(place, _)| self.0 & (1 << place) != 0)
            .map(|(_, name)| name)
            .collect()
    }
}

/// One person.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a yes or no of the API, independent of the others"
)]
pub(super) struct Person {
    /// The external ID, if there is one.
    pub(super) id: Option<Box<str>>,
    /// The texts that are not empty.
    texts: BTreeMap<Field, Box<str>>,
    pub(super) roles: Roles,
    pub(super) active: bool,
    pub(super) archived: bool,
    pub(super) renewable: bool,
    pub(super) force_password_change: bool,
    /// The content libraries that the person has author rights for.
    pub(super) author_of: BTreeSet<Box<str>>,
    /// The content libraries that the person has designer rights for.
    pub(super) designer_of: BTreeSet<Box<str>>,
    /// How long the avatar is; 0 where there is none.
    pub(super) avatar_bytes: usize,
    /// How often the person was mailed.
    pub(super) mails: u32,
    /// How often a password was set.
    pub(super) passwords_set: u32,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            id: None,
            texts: BTreeMap::new(),
            roles: Roles::default(),
            active: true,
            archived: false,
            renewable: false,
            force_password_change: false,
            author_of: BTreeSet::new(),
            designer_of: BTreeSet::new(),
            avatar_bytes: 0,
            mails: 0,
            passwords_set: 0,
        }
    }
}

impl Person {
    pub(super) fn text(&self, field: Field) -> &str {
        self.texts.get(&field).map_or("", |text| text)
    }

    pub(super) fn set_text(&mut self, field: Field, text: &str) {
        if text.is_empty() {
            self.texts.remove(&field);
        } else {
            self.texts.insert(field, text.into());
        }
    }

    /// The whole name.
    pub(super) fn name(&self) -> String {
        let parts = [FIRST_NAME, MIDDLE_NAME, LAST_NAME].map(|field| self.text(field));
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }

    /// What a message calls the person.
    pub(super) fn called(&self) -> &str {
        self.id.as_deref().unwrap_or_else(|| self.text(LOGIN))
    }

    /// Says which mandatory detail is missing, if one is.
    pub(super) fn check_mandatory(&self) -> Result<(), Refusal> {
        match MANDATORY.iter().find(|field| self.text(**field).is_empty()) {
            Some(field) => Err(Refusal::bad(format!("{} is mandatory", name_of(*field)))),
            None => Ok(()),
        }
    }
}

/// A parameter's name.
fn name_of(field: Field) -> &'static str {
    TEXTS.get(usize::from(field)).copied().unwrap_or_default()
}

/// Each field and its name.
pub(super) fn fields() -> impl Iterator<Item = (Field, &'static str)> {
    (0..).zip(TEXTS)
}

/// What a call changes about a person's details, checked as far as this is
/// possible without knowing anybody else.
#[derive(Debug, Default)]
pub(super) struct Edit<'a> {
    texts: Vec<(Field, &'a str)>,
    active: Option<bool>,
    renewable: Option<bool>,
    force_password_change: Option<bool>,
    sets_password: bool,
    mails: bool,
    /// The new avatar's length; 0 takes the avatar away.
    avatar_bytes: Option<usize>,
}

impl<'a> Edit<'a> {
    /// Reads the parameters that a create and an update have in common.
    pub(super) fn read(form: &'a Form) -> Result<Self, Refusal> {
        let mut edit = Self::default();
        for (field, name) in fields() {
            if let Some(text) = form.one(name)? {
                check_text(field, text)?;
                edit.texts.push((field, text));
            }
        }
        let password = form.one("password")?;
        if password.is_some_and(|password| password.chars().count() < SHORTEST_PASSWORD) {
            return Err(Refusal::bad(format!(
                "password must have at least {SHORTEST_PASSWORD} characters"
            )));
        }
        let generate = form.flag("generatePassword")? == Some(true);
        if generate && password.is_some() {
            return Err(Refusal::bad(
                "password and generatePassword exclude each other",
            ));
        }
        edit.active = form.flag("active")?;
        edit.renewable = form.flag("renewable")?;
        edit.force_password_change = form.flag("forcePasswordChange")?;
        edit.sets_password = password.is_some() || generate;
        edit.mails = form.flag("notify")? == Some(true) || generate;
        let delete_avatar = form.flag("deleteAvatar")? == Some(true);
        edit.avatar_bytes = match form.file("avatar")? {
            Some(_) if delete_avatar => {
                return Err(Refusal::bad("avatar and deleteAvatar exclude each other"));
            }
            Some(bytes) if !is_image(bytes) => {
                return Err(Refusal::bad("avatar is not a PNG, JPEG or GIF image"));
            }
            Some(bytes) => Some(bytes.len()),
            None => delete_avatar.then_some(0),
        };
        if edit.force_password_change == Some(true) && !edit.sets_password {
            return Err(Refusal::conflict(
                "A forced password change is not allowed without a new password",
            ));
        }
        Ok(edit)
    }

    /// Makes the change. What is checked about the whole record comes after.
    pub(super) fn apply(&self, person: &mut Person) {
        for (field, text) in &self.texts {
            person.set_text(*field, text);
        }
        for (wanted, flag) in [
            (self.active, &mut person.active),
            (self.renewable, &mut person.renewable),
            (
                self.force_password_change,
                &mut person.force_password_change,
            ),
        ] {
            *flag = wanted.unwrap_or(*flag);
        }
        person.avatar_bytes = self.avatar_bytes.unwrap_or(person.avatar_bytes);
        person.mails += u32::from(self.mails);
        person.passwords_set += u32::from(self.sets_password);
    }
}

/// Checks one text by itself. An empty one clears.
pub(super) fn check_text(field: Field, text: &str) -> Result<(), Refusal> {
    if text.is_empty() {
        return Ok(());
    }
    match field {
        GENDER if !matches!(text, "male" | "female") => {
            Err(Refusal::bad("gender must be male or female"))
        }
        DATE_OF_BIRTH if !is_date(text) => Err(Refusal::bad(format!(
            "\"{text}\" does not contain an ISO8601 date value"
        ))),
        EMAIL if !is_email(text) => Err(Refusal::bad(format!(
            "email: {text} is not an e-mail address"
        ))),
        _ => Ok(()),
    }
}

/// `YYYY-MM-DD`, a day that there was or will be.
fn is_date(text: &str) -> bool {
    let shape = text.bytes().enumerate().all(|(place, byte)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    shape && text.len() == 10 && text.parse::<Date>().is_ok()
}

fn is_email(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}

/// Whether these are the first bytes of a picture.
fn is_image(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 3] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8"];
    starts.iter().any(|start| bytes.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_four_two_and_two_digits_and_is_possible() {
        for text in ["2024-02-29", "1970-01-01"] {
            assert!(is_date(text), "{text}");
        }
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-1-1",
            "20240101",
            "01-02-2024",
            "2024-01-01T00:00",
            "2024/01/01",
            "x",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn the_named_places_are_those_of_the_fields() {
        let names = [
            LOGIN,
            FIRST_NAME,
            MIDDLE_NAME,
            LAST_NAME,
            GENDER,
            EMAIL,
            DATE_OF_BIRTH,
        ];
        assert_eq!(
            names.map(name_of),
            [
                "login",
                "firstName",
                "middleName",
                "lastName",
                "gender",
                "email",
                "dateOfBirth"
            ]
        );
    }
}
