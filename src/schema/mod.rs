//! The fields that each target knows, and what their values must be.
//!
//! Pure tables. The mapping checks its field names against them, validation
//! its values, and a target sends nothing that does not stand here.

use std::fmt;

/// A system that hrfeed can feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// KMI LMS, users API v2.
    Kmi,
    /// aNewSpring, users and user groups.
    ANewSpring,
}

impl System {
    /// The word for it in a mapping.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kmi => "kmi",
            Self::ANewSpring => "anewspring",
        }
    }

    /// The system that a mapping calls so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Kmi, Self::ANewSpring]
            .into_iter()
            .find(|system| system.word() == word)
    }

    /// The name that people know it by.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Kmi => "KMI LMS",
            Self::ANewSpring => "aNewSpring",
        }
    }

    /// Its fields, the external ID first.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Kmi => KMI,
            Self::ANewSpring => ANEWSPRING,
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// Fields that the target sets by itself, so that no feed can.
    #[must_use]
    pub const fn set_by_target(self) -> &'static [&'static str] {
        match self {
            Self::Kmi => &["id", "createdDate", "updatedDate"],
            Self::ANewSpring => &["id", "uid", "name", "roles", "archived", "deleteAvatar"],
        }
    }

    /// Fields whose values must be unique over the feed, unless the mapping
    /// names others.
    #[must_use]
    pub const fn unique(self) -> &'static [&'static str] {
        match self {
            Self::Kmi => &["externalId", "loginName"],
            Self::ANewSpring => &["userID", "login"],
        }
    }

    /// Fields by which a person who is there without an external ID can be
    /// recognised: what a list of the people on the target shows.
    #[must_use]
    pub const fn adoptable(self) -> &'static [&'static str] {
        match self {
            Self::Kmi => &["loginName", "email"],
            Self::ANewSpring => &["login", "email"],
        }
    }

    /// Whether external IDs belong to the API key, so that another key sees
    /// none of them.
    #[must_use]
    pub const fn ids_belong_to_key(self) -> bool {
        matches!(self, Self::Kmi)
    }

    /// Whether a key is enough, or a secret goes with it.
    #[must_use]
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::Kmi)
    }

    /// Whether a person has parts with calls of their own, so that each must
    /// be remembered by itself.
    #[must_use]
    pub const fn has_parts(self) -> bool {
        matches!(self, Self::ANewSpring)
    }

    /// Whether people can be made inactive without being deleted.
    ///
    /// The KMI page knows no such state; what its `expirationDate` takes is
    /// nowhere stated.
    #[must_use]
    pub const fn can_deactivate(self) -> bool {
        matches!(self, Self::ANewSpring)
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// A field of a target.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the API and in the mapping.
    pub name: &'static str,
    /// What its values mean.
    pub kind: Kind,
    /// Which part of a person it belongs to.
    pub part: Part,
    /// Whether a person cannot be without it.
    pub required: bool,
    /// The longest value, in characters.
    pub max_chars: u32,
}

/// The parts of a person: each is compared by itself and has its own calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The external ID and everything that is sent with it.
    Details,
    /// What is to happen at a write. It is no state of the person, so it is
    /// never compared, and never remembered.
    Instruction,
    /// A picture, in a file beside the feed.
    Picture,
    /// Roles.
    Roles,
    /// Content libraries that the person may write for.
    AuthorLibraries,
    /// Content libraries that the person may design with.
    DesignerLibraries,
    /// User groups.
    Groups,
    /// Says something of the row's group, not of the person.
    OfGroup,
}

impl Part {
    /// Whether the part is a set of values, so that a cell can hold several.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(
            self,
            Self::Roles | Self::AuthorLibraries | Self::DesignerLibraries | Self::Groups
        )
    }

    /// Whether a change of it makes a person changed.
    #[must_use]
    pub const fn is_compared(self) -> bool {
        !matches!(self, Self::Instruction | Self::OfGroup)
    }
}

/// What stands between the values of a set in a mapped text: a character that
/// no value can hold.
pub const BETWEEN: char = '\u{1f}';

/// What a field's values mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The external ID.
    ExternalId,
    /// Free text of one line.
    Text,
    /// What a person signs in with.
    Login,
    /// An e-mail address.
    Email,
    /// ISO 3166-1 alpha-2.
    Country,
    /// A US state or territory (INCITS 38) where the person's country is US.
    State,
    /// A day, sent as `YYYY-MM-DD`.
    Date,
    /// `true` or `false`.
    Bool,
    /// `male` or `female`.
    Gender,
    /// A password for somebody new.
    Password,
    /// One of [`ROLES`].
    Role,
    /// The external ID of something that is no person: a group, a library.
    Reference,
    /// One of [`GROUP_TYPES`].
    GroupType,
    /// A picture's file name, beside the feed.
    Picture,
}

/// A role of aNewSpring.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// The API's word.
    pub word: &'static str,
    /// The front end's word, which people know.
    pub title: &'static str,
    /// Whoever has it can take the environment over: a mapping must name it.
    pub is_powerful: bool,
}

/// The roles, page "API calls - Users": learners, instructors and observers
/// have older names in the API.
pub const ROLES: &[Role] = &[
    role("student", "Learner", false),
    role("teacher", "Instructor", false),
    role("mentor", "Observer", false),
    role("author", "Author", false),
    role("designer", "Designer", false),
    role("administrator", "Administrator", true),
    role("reseller", "Reseller", true),
    role("tenant", "Tenant", true),
];

/// The types of user groups: one for each role that can be in one.
pub const GROUP_TYPES: &[&str] = &["student", "teacher", "mentor"];

const fn role(word: &'static str, title: &'static str, is_powerful: bool) -> Role {
    Role {
        word,
        title,
        is_powerful,
    }
}

impl Role {
    /// The role that `text` names, in the API's or the front end's words and
    /// in any case.
    #[must_use]
    pub fn named(text: &str) -> Option<&'static Self> {
        let text = text.trim();
        ROLES.iter().find(|role| {
            role.word.eq_ignore_ascii_case(text) || role.title.eq_ignore_ascii_case(text)
        })
    }
}

/// The shortest password, as the vendor's page on importing users says.
pub const PASSWORD_CHARS: usize = 8;

/// No API page states a length. 255 is what a database column of such a field
/// commonly takes; a longer value is a text that slipped into the wrong
/// column.
const TEXT_CHARS: u32 = 255;

/// The longest e-mail address that can be delivered to (RFC 5321, 4.5.3.1.3,
/// less the angle brackets).
const EMAIL_CHARS: u32 = 254;

/// All values of a set together. A person in more groups than that holds is
/// none of an HR system.
const SET_CHARS: u32 = 20_000;

const fn field(name: &'static str, kind: Kind, required: bool) -> Field {
    let max_chars = match kind {
        Kind::Email => EMAIL_CHARS,
        _ => TEXT_CHARS,
    };
    part(name, kind, Part::Details, required, max_chars)
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    field(name, kind, false)
}

const fn set(name: &'static str, kind: Kind, of: Part) -> Field {
    part(name, kind, of, false, SET_CHARS)
}

const fn instruction(name: &'static str, kind: Kind) -> Field {
    part(name, kind, Part::Instruction, false, TEXT_CHARS)
}

const fn part(name: &'static str, kind: Kind, part: Part, required: bool, max_chars: u32) -> Field {
    Field {
        name,
        kind,
        part,
        required,
        max_chars,
    }
}

/// The User object of the KMI API, page "Operations with users by external
/// identifier": `email`, `firstName`, `lastName`, `loginName` are required.
const KMI: &[Field] = &[
    field("externalId", Kind::ExternalId, true),
    field("email", Kind::Email, true),
    field("firstName", Kind::Text, true),
    field("lastName", Kind::Text, true),
    field("loginName", Kind::Login, true),
    field("address", Kind::Text, false),
    field("address2", Kind::Text, false),
    field("city", Kind::Text, false),
    field("state", Kind::State, false),
    field("zip", Kind::Text, false),
    field("country", Kind::Country, false),
    field("expirationDate", Kind::Date, false),
];

/// The parameters of a user, pages "API calls - Users" and "Importing users":
/// first name, last name and login are mandatory for a new person.
const ANEWSPRING: &[Field] = &[
    field("userID", Kind::ExternalId, true),
    field("login", Kind::Login, true),
    field("firstName", Kind::Text, true),
    optional("middleName", Kind::Text),
    field("lastName", Kind::Text, true),
    optional("email", Kind::Email),
    optional("gender", Kind::Gender),
    optional("title", Kind::Text),
    optional("initials", Kind::Text),
    optional("function", Kind::Text),
    optional("company", Kind::Text),
    optional("dateOfBirth", Kind::Date),
    optional("telephoneNumber", Kind::Text),
    optional("faxNumber", Kind::Text),
    optional("cellPhoneNumber", Kind::Text),
    optional("address", Kind::Text),
    optional("zip", Kind::Text),
    optional("residence", Kind::Text),
    optional("country", Kind::Text),
    optional("invoiceAddress", Kind::Text),
    optional("invoiceZip", Kind::Text),
    optional("invoiceResidence", Kind::Text),
    optional("invoiceCountry", Kind::Text),
    optional("custom1", Kind::Text),
    optional("custom2", Kind::Text),
    optional("custom3", Kind::Text),
    optional("custom4", Kind::Text),
    optional("custom5", Kind::Text),
    optional("locale", Kind::Text),
    optional("timeZoneGroup", Kind::Text),
    optional("timeZone", Kind::Text),
    optional("active", Kind::Bool),
    optional("renewable", Kind::Bool),
    instruction("password", Kind::Password),
    instruction("generatePassword", Kind::Bool),
    instruction("forcePasswordChange", Kind::Bool),
    instruction("notify", Kind::Bool),
    part("avatar", Kind::Picture, Part::Picture, false, TEXT_CHARS),
    set("role", Kind::Role, Part::Roles),
    set("authorContentLabel", Kind::Reference, Part::AuthorLibraries),
    set(
        "designerContentLabel",
        Kind::Reference,
        Part::DesignerLibraries,
    ),
    set("group", Kind::Reference, Part::Groups),
];

/// What `[groups]` says of the group that a row names. Not among a system's
/// fields: no person has them.
pub const OF_GROUP: &[Field] = &[
    part(
        "groups.type",
        Kind::GroupType,
        Part::OfGroup,
        false,
        TEXT_CHARS,
    ),
    part("groups.name", Kind::Text, Part::OfGroup, false, TEXT_CHARS),
    part(
        "groups.parent",
        Kind::Reference,
        Part::OfGroup,
        false,
        TEXT_CHARS,
    ),
];
