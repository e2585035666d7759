//! What must be done for a person, and how the person must be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ExternalId;
use crate::files::SeenFile;
use crate::schema::Part;

/// What must be done for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A joiner: nobody on the LMS has the external ID.
    Create,
    /// The person is there and the mapped content differs.
    Update,
    /// The person is there without an external ID, and gets it.
    Adopt,
    /// Somebody known, who gets another external ID.
    Rekey,
    /// A leaver, to be deactivated.
    Deactivate,
    /// A leaver, to be deleted.
    Delete,
    /// A leaver, for whom fields are to be written.
    Set,
}

impl Action {
    /// The word that the journal's readers, the JSON and the tables use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Adopt => "adopt",
            Self::Rekey => "rekey",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
            Self::Set => "set",
        }
    }

    /// Whether the person is no longer in the feed.
    #[must_use]
    pub const fn is_for_leaver(self) -> bool {
        matches!(self, Self::Deactivate | Self::Delete | Self::Set)
    }
}

/// A person's mapped content, as a target sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The external ID.
    pub external_id: ExternalId,
    /// The other details that the feed says something of, in the order of the
    /// target's schema; an empty value clears the field.
    pub fields: Vec<(&'static str, String)>,
    /// Instructions that go with a write, such as a password for a new person.
    pub instructions: Vec<(&'static str, String)>,
    /// The picture, if the feed says something of it.
    pub picture: Option<Picture>,
    /// The sets that the feed says something of: sorted, each value once; an
    /// empty set removes all.
    pub sets: Vec<(Part, Vec<String>)>,
}

/// What the feed says of a person's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// It is in this file.
    File(SeenFile),
    /// The person gets none.
    Clear,
}

impl Picture {
    /// The media type of a picture that begins with these bytes; `None` where
    /// it is none that an LMS takes.
    #[must_use]
    pub fn media_type(start: &[u8]) -> Option<&'static str> {
        const KINDS: [(&[u8], &str); 3] = [
            (b"\xff\xd8\xff", "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"GIF8", "image/gif"),
        ];
        KINDS
            .iter()
            .find(|(magic, _)| start.starts_with(magic))
            .map(|(_, kind)| *kind)
    }
}

impl Content {
    /// A person with an external ID and nothing else.
    #[must_use]
    pub const fn only(external_id: ExternalId) -> Self {
        Self {
            external_id,
            fields: Vec::new(),
            instructions: Vec::new(),
            picture: None,
            sets: Vec::new(),
        }
    }

    /// A set, if the feed says something of it.
    #[must_use]
    pub fn set(&self, part: Part) -> Option<&[String]> {
        self.sets
            .iter()
            .find(|(of, _)| *of == part)
            .map(|(_, values)| values.as_slice())
    }
}

/// What was acknowledged of a person's parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The person was deactivated as a leaver.
    pub is_inactive: bool,
    /// The fingerprint of the details.
    pub details: Option<u128>,
    /// The fingerprint of the picture.
    pub picture: Option<u128>,
    /// The values of sets that hrfeed gave, each set sorted.
    pub given: Vec<(Part, String)>,
}

impl Parts {
    /// The values of a set that hrfeed gave.
    pub fn of(&self, part: Part) -> impl Iterator<Item = &str> {
        self.given
            .iter()
            .filter(move |(of, _)| *of == part)
            .map(|(_, item)| item.as_str())
    }
}

/// One write for one person. A change is one or several of them, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The person is created, roles included.
    Create {
        /// An earlier attempt got no usable answer. Nobody was found since,
        /// but it may still be at work.
        again: bool,
        /// The roles that the person begins with.
        roles: Vec<String>,
    },
    /// The person is changed.
    Update {
        /// The details are sent.
        details: bool,
        /// The picture is sent.
        picture: bool,
        /// Undoes that the person was deactivated as a leaver.
        reactivate: bool,
    },
    /// The person leaves the archive.
    BringBack,
    /// The person is there without an external ID, and gets it.
    Adopt {
        /// The field by which the person was recognised.
        by: &'static str,
        /// What the target knows the person by: see
        /// [`Target::handle`](crate::targets::Target::handle).
        handle: String,
    },
    /// Somebody known gets another external ID, and the details with it: one
    /// update of the same account.
    Rekey {
        /// The external ID until now.
        from: ExternalId,
        /// The target's own id for the person, where the journal knows it.
        handle: Option<String>,
    },
    /// Roles are added.
    AddRoles(Vec<String>),
    /// Rights for content libraries are given.
    Link(Part, Vec<String>),
    /// Rights for content libraries are removed.
    Unlink(Part, Vec<String>),
    /// The person can no longer sign in.
    Deactivate {
        /// And is put into the archive.
        archive: bool,
    },
    /// The person is deleted for good.
    Delete,
    /// The fields of the content are written, and nothing else of the person: what `set` in
    /// the mapping says of a leaver, and what the target needs with it.
    Set,
}

/// Which fields are written for a leaver instead of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetFields {
    /// A bit for each, by its position in the schema of the system.
    pub fields: u64,
    /// Of these fields with their values, made with the journal's secret.
    pub fingerprint: u128,
}

/// What a run has done for a person whose groups are pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeforeGroups {
    /// The person was created.
    Created,
    /// The person was changed, or needed no change.
    Changed,
}
