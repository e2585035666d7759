//! The rows and people that are held against each other, and what comes of it.

use crate::mapping::{FieldFingerprints, FieldTag};
use crate::plan::damage::Damage;
use crate::validate::unique::RowIndex;

/// Which fields tell who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityTags {
    /// The login: nobody shares one.
    pub login: Option<FieldTag>,
    /// First and last name, where they are mapped.
    pub names: Vec<FieldTag>,
}

/// A row whose person is looked for.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The row.
    pub row: RowIndex,
    /// Its external ID.
    pub external_id: String,
    /// What is known of it by its external ID.
    pub standing: Standing,
    /// The fingerprints of its values.
    pub fingerprints: FieldFingerprints,
}

/// What is known of a row by its external ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has it.
    New,
    /// Somebody has it.
    Known,
    /// Somebody has it, and the row is not sent: only what differs is asked for.
    LeftAlone,
    /// The row is not done, since it is wrong or the LMS refused it: it only says who
    /// may be meant.
    Rejected,
    /// An interrupted run had begun to send the row, and had decided who it is.
    UnderWay {
        /// The external ID that the person gives up for the row's.
        from: Option<String>,
    },
}

/// Somebody that hrfeed or the LMS knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The external ID; `None` for somebody whom the LMS lists without one.
    pub external_id: Option<String>,
    /// The LMS's id, where it is known.
    pub remote_id: Option<String>,
    /// The fingerprints of the values that were acknowledged, or listed.
    pub fingerprints: FieldFingerprints,
    /// Where the person is named.
    pub place: Place,
}

/// Where a known person is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a row of the feed.
    Row {
        /// The row.
        row: RowIndex,
        /// The row is going to be sent, so that what it changes is changed.
        is_sent: bool,
    },
    /// By another feed.
    Elsewhere,
    /// Nowhere any more.
    Nowhere {
        /// The account is going to be deactivated or deleted in this run.
        leaves: bool,
    },
    /// Only by the LMS.
    OnTarget,
}

/// Who the person of a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody that is known under another external ID.
    AsTheIdSays,
    /// Somebody known under another external ID, or listed without one.
    Renumbered(Renumbered),
    /// Another human than the one known under the external ID, who is renumbered:
    /// the ID is free once that is done.
    TakesOver {
        /// The row of the human who had the ID.
        after: RowIndex,
        /// The row of somebody else who gives up the login.
        login_after: Option<RowIndex>,
    },
    /// The login is somebody else's, who keeps it.
    LoginTaken {
        /// The external ID of the other one, if there is one.
        by: Option<String>,
        /// The row of the other one, if the feed names one.
        row: Option<RowIndex>,
    },
    /// The login was somebody else's, whose row gives it up in this run.
    AfterRow(RowIndex),
    /// The login was a leaver's, who leaves in this run.
    AfterLeaver(String),
}

/// A human under another external ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renumbered {
    /// The external ID so far; `None` for somebody without one.
    pub from: Option<String>,
    /// The LMS's id, where it is known.
    pub remote_id: Option<String>,
    /// By what: the fields that are the same.
    pub by: Vec<FieldTag>,
    /// What happened to the external ID, where it is plain.
    pub damage: Option<Damage>,
    /// A value or the external ID shows it, and no name speaks against it. If not, a
    /// person must say so, whatever the mapping says.
    pub is_sure: bool,
    /// The row must wait until this row, which has the ID now, is done.
    pub after: Option<RowIndex>,
    /// The login is among what is the same.
    pub has_login: bool,
    /// The row of somebody else who gives up the login, for the case that the account of
    /// the external ID is changed instead.
    pub login_after: Option<RowIndex>,
}

impl Renumbered {
    /// Somebody known under this external ID, as an earlier run found out.
    #[must_use]
    pub fn known_as(external_id: &str) -> Self {
        Self {
            from: Some(external_id.into()),
            remote_id: None,
            by: Vec::new(),
            damage: None,
            is_sure: true,
            after: None,
            has_login: false,
            login_after: None,
        }
    }
}

impl Subject {
    /// Whether it is still to be found out who it is.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.standing, Standing::New | Standing::Known)
    }
}
