//! What a person was like before a run that can be undone changed anything.

use serde::{Deserialize, Serialize};

use super::Action;

/// What is kept of a person for the way back: how the LMS showed the person before the first
/// write of the run, and what the run was about to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// What was about to be done.
    pub action: Action,
    /// The fields as the LMS showed them, by name, those that the way back needs; `None` where
    /// nobody was there.
    pub was: Option<Vec<(String, String)>>,
    /// The person could sign in.
    pub is_active: bool,
    /// The person had been deactivated, or set aside, as a leaver, and the LMS showed it.
    pub has_left: bool,
    /// The fields that the run was about to write, by name.
    pub written: Vec<(String, String)>,
    /// The values of the sets that the run was about to change, as hrfeed had given them: by
    /// the name of the field.
    pub sets: Vec<(String, Vec<String>)>,
}

/// Why what a run changed stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotUndone {
    /// The LMS shows other values than the run wrote.
    ChangedSince,
    /// The LMS does not have the person any more.
    RemovedSince,
    /// The run removed the person, and somebody has the external ID again.
    ThereAgain,
    /// Nobody knows what the person was like.
    NotKept,
    /// It was not known whether the run had created the person.
    WasUnknown,
    /// The run gave the person another external ID, which stays.
    Renumbered,
}

impl NotUndone {
    /// A sentence for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::ChangedSince => {
                "kept: the person was changed since that run, in the LMS or by a later run"
            }
            Self::RemovedSince => "kept: the LMS no longer has this person",
            Self::ThereAgain => {
                "kept: the run had removed this person, and somebody has the external ID again"
            }
            Self::NotKept => "the run kept no earlier values of this person",
            Self::WasUnknown => {
                "nobody knew until now whether the run had created this person: undo the run again"
            }
            Self::Renumbered => "kept: the external ID that the run gave this person",
        }
    }
}
