//! What hrfeed must know of each system: one file a system.
//!
//! Pure tables. The mapping checks its field names against them, validation
//! its values, `init` writes a first mapping from them, and a target sends
//! nothing that is not in them. Nobody else asks which system it is.

mod anewspring;
mod kmi;

use std::fmt;

/// A list of systems becomes the type that names them.
macro_rules! systems {
    ($($name:ident = $module:ident,)*) => {
        /// A system that hrfeed can feed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum System {
            $(
                #[doc = concat!("See `schema/", stringify!($module), ".rs`.")]
                $name,
            )*
        }

        impl System {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What hrfeed must know of it.
            #[must_use]
            pub const fn spec(self) -> &'static SystemSpec {
                match self {
                    $(Self::$name => &$module::SPEC,)*
                }
            }
        }
    };
}

systems! {
    Kmi = kmi,
    ANewSpring = anewspring,
}

impl System {
    /// The word for it in a mapping.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.spec().word
    }

    /// The system that a mapping calls so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|system| system.word() == word)
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec().title)
    }
}

/// What hrfeed must know of a system.
#[derive(Debug)]
pub struct SystemSpec {
    /// The word for it in a mapping, and in the journal.
    pub word: &'static str,
    /// The name that people know it by.
    pub title: &'static str,
    /// Its fields, the external ID first.
    pub fields: &'static [Field],
    /// What `[groups]` says about the group that a row names: type, name, parent.
    /// Not among the fields: no person has them. Empty without groups.
    pub of_group: &'static [Field],
    /// The roles that a person can have, the one with the fewest rights first.
    pub roles: &'static [Role],
    /// Fields that the LMS sets by itself, so that no feed can.
    pub set_by_target: &'static [&'static str],
    /// Fields whose values must be unique over the feed, unless the mapping
    /// names others.
    pub unique: &'static [&'static str],
    /// Fields by which a person without an external ID can be recognised: what
    /// a list of the people on the LMS shows.
    pub adoptable: &'static [&'static str],
    /// What a person signs in with: no two people of the LMS share one.
    pub login: &'static str,
    /// The e-mail address.
    pub email: &'static str,
    /// The first and the last name.
    pub names: &'static [&'static str],
    /// The whole name, where a list of the people shows it instead of its parts.
    pub whole_name: Option<&'static str>,
    /// The header that carries the API key.
    pub key_header: &'static str,
    /// The header that carries the API secret, where a key is not enough.
    pub secret_header: Option<&'static str>,
    /// The most people that one page of a list holds; `None` where one answer
    /// holds everybody.
    pub page_size: Option<u32>,
    /// Whose external IDs are.
    pub external_ids: ExternalIds,
    /// A person has parts with calls of their own, so that each must be
    /// remembered by itself.
    pub has_parts: bool,
    /// People can be deactivated without being deleted.
    pub can_deactivate: bool,
    /// The field with which a write makes the LMS mail the person.
    pub mails: Option<&'static str>,
    /// The field with which the LMS generates a password for a new person, and mails it.
    pub generates_password: Option<&'static str>,
    /// The field that says whether the person can sign in.
    pub active: Option<&'static str>,
}

/// Whose external IDs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalIds {
    /// The API key's: another key sees none of them, and the LMS does not check that
    /// they are unique.
    OfTheKey,
    /// The LMS's: it refuses a second person with one.
    OfTheLms,
}

impl SystemSpec {
    /// The field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A field of a target.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the API and in the mapping.
    pub name: &'static str,
    /// What its values mean.
    pub kind: FieldKind,
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
    /// What a write is to do. It is not part of the person's state, so it is never
    /// compared and never remembered.
    Instruction,
    /// A picture, in a file in the feed's folder.
    Picture,
    /// Roles.
    Roles,
    /// Content libraries that the person may write for.
    AuthorLibraries,
    /// Content libraries that the person may design with.
    DesignerLibraries,
    /// User groups.
    Groups,
    /// About the row's group, not the person.
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

/// What separates the values of a set in a mapped text: a character that no value
/// can contain.
pub const BETWEEN: char = '\u{1f}';

/// What a field's values mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
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
    /// The day on which a person was born, sent likewise.
    BirthDate,
    /// `true` or `false`.
    Bool,
    /// `male` or `female`.
    Gender,
    /// A password for a new person.
    Password,
    /// One of these roles.
    Role(&'static [Role]),
    /// The external ID of a group or a library.
    Reference,
    /// The one of these roles that all members of a group have.
    GroupType(&'static [Role]),
    /// A picture's file name, in the feed's folder.
    Picture,
}

impl FieldKind {
    /// Whether its values are those of a list that says nothing about a person by itself.
    #[must_use]
    pub const fn is_closed_list(self) -> bool {
        matches!(
            self,
            Self::Country | Self::State | Self::Bool | Self::Role(_) | Self::GroupType(_)
        )
    }
}

impl FieldKind {
    /// Whether a value is a day.
    #[must_use]
    pub const fn is_date(self) -> bool {
        matches!(self, Self::Date | Self::BirthDate)
    }
}

/// A role that a person can have on the LMS.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// The API's word.
    pub word: &'static str,
    /// The front end's word, which people know.
    pub title: &'static str,
    /// Its holder can take the environment over: a mapping must name it.
    pub is_powerful: bool,
}

const fn role(word: &'static str, title: &'static str, is_powerful: bool) -> Role {
    Role {
        word,
        title,
        is_powerful,
    }
}

impl Role {
    /// The role of `roles` that `text` names, in the API's or the front end's
    /// words and in any case.
    #[must_use]
    pub fn named<'r>(text: &str, roles: &'r [Self]) -> Option<&'r Self> {
        let text = text.trim();
        roles.iter().find(|role| {
            role.word.eq_ignore_ascii_case(text) || role.title.eq_ignore_ascii_case(text)
        })
    }

    /// The words for those of `roles` that a mapping may hand out as it likes.
    #[must_use]
    pub fn titles(roles: &[Self]) -> Vec<&'static str> {
        let harmless = roles.iter().filter(|role| !role.is_powerful);
        harmless.map(|role| role.title).collect()
    }
}

/// The shortest password, as the vendor's page on importing users says.
pub const PASSWORD_CHARS: usize = 8;

/// No API page states a length. A database column of such a field commonly takes
/// 255; a longer value is a text in the wrong column.
const TEXT_CHARS: u32 = 255;

/// The longest e-mail address that can be delivered to (RFC 5321, 4.5.3.1.3,
/// less the angle brackets).
const EMAIL_CHARS: u32 = 254;

/// All values of a set together: more than a person of an HR system has.
const SET_CHARS: u32 = 20_000;

const fn required(name: &'static str, kind: FieldKind) -> Field {
    Field {
        required: true,
        ..optional(name, kind)
    }
}

const fn optional(name: &'static str, kind: FieldKind) -> Field {
    let max_chars = match kind {
        FieldKind::Email => EMAIL_CHARS,
        _ => TEXT_CHARS,
    };
    of_part(name, kind, Part::Details, max_chars)
}

const fn set(name: &'static str, kind: FieldKind, of: Part) -> Field {
    of_part(name, kind, of, SET_CHARS)
}

const fn instruction(name: &'static str, kind: FieldKind) -> Field {
    of_part(name, kind, Part::Instruction, TEXT_CHARS)
}

const fn of_group(name: &'static str, kind: FieldKind) -> Field {
    of_part(name, kind, Part::OfGroup, TEXT_CHARS)
}

const fn of_part(name: &'static str, kind: FieldKind, part: Part, max_chars: u32) -> Field {
    Field {
        name,
        kind,
        part,
        required: false,
        max_chars,
    }
}
