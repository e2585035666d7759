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
}

impl System {
    /// The word for it in a mapping.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kmi => "kmi",
        }
    }

    /// The name that people know it by.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Kmi => "KMI LMS",
        }
    }

    /// Its fields, the external ID first.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Kmi => KMI,
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
        }
    }

    /// Fields whose values must be unique over the feed, unless the mapping
    /// names others.
    #[must_use]
    pub const fn unique(self) -> &'static [&'static str] {
        match self {
            Self::Kmi => &["externalId", "loginName"],
        }
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
    /// Whether a person cannot be without it.
    pub required: bool,
    /// The longest value, in characters.
    pub max_chars: u32,
}

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
}

/// No API page states a length. 255 is what a database column of such a field
/// commonly takes; a longer value is a text that slipped into the wrong
/// column.
const TEXT_CHARS: u32 = 255;

/// The longest e-mail address that can be delivered to (RFC 5321, 4.5.3.1.3,
/// less the angle brackets).
const EMAIL_CHARS: u32 = 254;

const fn field(name: &'static str, kind: Kind, required: bool) -> Field {
    let max_chars = match kind {
        Kind::Email => EMAIL_CHARS,
        _ => TEXT_CHARS,
    };
    Field {
        name,
        kind,
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
