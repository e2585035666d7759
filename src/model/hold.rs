//! The words of holds: changes that a guard kept back until a person decides.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a hold holds back.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// People whom the feed no longer names would be deactivated or deleted.
    Leavers,
    /// People would be created.
    Creates,
    /// People would be updated.
    Updates,
    /// Somebody known comes under another external ID.
    Renumbered,
    /// The LMS does not show people whom the journal knows: they would be
    /// created again.
    Lost,
    /// What identifies people would change.
    Identities,
}

impl HoldKind {
    /// All kinds, in the order in which they are listed.
    pub const ALL: [Self; 6] = [
        Self::Leavers,
        Self::Creates,
        Self::Updates,
        Self::Renumbered,
        Self::Lost,
        Self::Identities,
    ];

    /// The word that options, the JSON and the tables use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Leavers => "leavers",
            Self::Creates => "creates",
            Self::Updates => "updates",
            Self::Renumbered => "renumbered",
            Self::Lost => "lost",
            Self::Identities => "identities",
        }
    }
}

impl fmt::Display for HoldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What became of a hold.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Nobody has decided yet.
    Open,
    /// A person approved it: the next import carries it out.
    Approved,
    /// A person refused it: its people stay as they are.
    Refused,
    /// An import carried it out.
    CarriedOut,
    /// Nothing of it is wanted any more, or nobody used the approval in time.
    Lapsed,
    /// The set changed before anybody decided: another hold took its place.
    Replaced,
}

impl HoldState {
    /// All states, in the order in which they are listed.
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Approved,
        Self::Refused,
        Self::CarriedOut,
        Self::Lapsed,
        Self::Replaced,
    ];

    /// The word that the JSON and the tables use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::CarriedOut => "carried_out",
            Self::Lapsed => "lapsed",
            Self::Replaced => "replaced",
        }
    }

    /// Whether a hold may go from this state to `next`. Nothing leads out of the
    /// last three.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Open => matches!(
                next,
                Self::Approved | Self::Refused | Self::Lapsed | Self::Replaced
            ),
            // An approval can be taken back until it is used. It is not
            // replaced: it is for those people and no others.
            Self::Approved => matches!(next, Self::Refused | Self::CarriedOut | Self::Lapsed),
            // A refusal that is taken back is judged and decided again.
            Self::Refused => matches!(next, Self::Open | Self::Lapsed),
            Self::CarriedOut | Self::Lapsed | Self::Replaced => false,
        }
    }
}

impl fmt::Display for HoldState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_goes_from_one_state_to_another_as_this_table_says() {
        let table: Vec<String> = HoldState::ALL
            .into_iter()
            .map(|from| {
                let next = HoldState::ALL.into_iter().filter(|it| from.may_become(*it));
                let next: Vec<_> = next.map(HoldState::word).collect();
                format!("{from} -> {}", next.join(", "))
            })
            .collect();
        assert_eq!(
            table,
            [
                "open -> approved, refused, lapsed, replaced",
                "approved -> refused, carried_out, lapsed",
                "refused -> open, lapsed",
                "carried_out -> ",
                "lapsed -> ",
                "replaced -> ",
            ]
        );
    }

    #[test]
    fn every_kind_and_state_has_the_same_word_in_json() {
        for it in HoldKind::ALL {
            assert_eq!(serde_json::to_value(it).unwrap(), it.word());
        }
        for it in HoldState::ALL {
            assert_eq!(serde_json::to_value(it).unwrap(), it.word());
        }
    }
}
