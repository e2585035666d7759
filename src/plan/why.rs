//! Why something is done for a person.

use super::detail::RowDetail;
use super::rows::RowState;

/// Why a change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody on the LMS has the external ID.
    Joiner,
    /// The feed says something else than the LMS acknowledged last.
    Changed,
    /// The feed no longer names the person, or says that the person leaves.
    Leaver,
    /// The person left by hrfeed, and the feed names the person again.
    Back,
    /// Somebody known gets another external ID.
    Renumbered,
    /// The LMS shows something else than the feed says.
    Drift,
    /// An earlier run tried, and it is not known to be done.
    Retry,
    /// The person is on the LMS without an external ID.
    Adopted,
    /// The mapping has changed since the last finished import, and nothing else that is
    /// known.
    Mapping,
}

impl Why {
    /// Why a row in this state is sent.
    #[must_use]
    pub(super) fn of_row(state: RowState, detail: Option<&RowDetail>) -> Self {
        let noted = detail.and_then(|detail| detail.why);
        noted.unwrap_or(match state {
            RowState::New => Self::Joiner,
            RowState::Adopt => Self::Adopted,
            RowState::Rekey => Self::Renumbered,
            _ if state.is_under_way() => Self::Retry,
            _ => Self::Changed,
        })
    }

    /// The word that the JSON uses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Joiner => "joiner",
            Self::Changed => "changed",
            Self::Leaver => "leaver",
            Self::Back => "back",
            Self::Renumbered => "renumbered",
            Self::Drift => "drift",
            Self::Retry => "retry",
            Self::Adopted => "adopted",
            Self::Mapping => "mapping",
        }
    }

    /// The same as a fragment of a sentence, for a plan.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Joiner => "nobody in the LMS has this external ID",
            Self::Changed => "differs from the last import",
            Self::Leaver => "no longer in the feed",
            Self::Back => "left, and named by the feed again",
            Self::Renumbered => "known under another external ID",
            Self::Drift => "the LMS has other values",
            Self::Retry => "an earlier run did not get it done",
            Self::Adopted => "in the LMS without an external ID",
            Self::Mapping => "the mapping has changed",
        }
    }
}
