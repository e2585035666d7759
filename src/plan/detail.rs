//! What is known of the few rows of which more than a state is known.

use std::collections::HashMap;
use std::time::Instant;

use super::identity::Renumbered;
use super::why::Why;
use crate::mapping::FieldSet;
use crate::model::HoldKind;
use crate::validate::unique::RowIndex;

/// What is known of a row beyond its state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowDetail {
    /// The fields that differ from what was acknowledged; `None` where that is not
    /// known.
    pub changed: Option<FieldSet>,
    /// Why the person is changed, where the state does not say it.
    pub why: Option<Why>,
    /// The digest of what the row says of who the person is, where the external ID
    /// does not say it.
    pub identity: u64,
    /// How much of what tells who the person is differs from what was
    /// acknowledged.
    pub identity_change: IdentityChange,
    /// Whom another API key of this LMS knows by the external ID.
    pub under_other_key: UnderOtherKey,
    /// The LMS's id of the account without an external ID that gets the one of
    /// the row.
    pub account: Option<Box<str>>,
    /// Somebody is known under an external ID that differs in case or spaces only.
    pub variant_of: Option<Box<str>>,
    /// The person is known under another external ID, or without one.
    pub renumbered: Option<Box<Renumbered>>,
    /// How the person comes to the external ID.
    pub id_change: IdChange,
    /// What must be done before the row is sent.
    pub after: Option<After>,
    /// The row that gives up the login, if the account of the external ID is changed
    /// although it is another human's.
    pub login_after: Option<RowIndex>,
    /// How many rows one after the other must be sent before this one.
    pub wave: u16,
    /// Which kind of hold keeps the row back.
    pub held: Option<HoldKind>,
    /// A person approved the change: no guard counts it.
    pub is_approved: bool,
    /// The number of the hold in which a person decided about it.
    pub hold: Option<i64>,
    /// Why the row is not sent although it differs.
    pub left_alone: Option<LeftAlone>,
    /// What an earlier run may have sent for the person, if nobody knows what became of
    /// it.
    pub doubt: Option<InDoubt>,
    /// Fields that were written for the person as a leaver: they get the values of the row,
    /// or else none.
    pub take_back: FieldSet,
}

/// What an earlier run may have sent, and nobody knows what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InDoubt {
    /// When it went out, at the latest; `None` for long ago.
    pub sent: Option<Instant>,
    /// This run has looked for the person already, and seen nobody.
    pub is_looked_for: bool,
}

/// The details of rows, one after the other: in a table by row, every second place
/// would be empty.
#[derive(Debug, Default)]
pub(super) struct Details {
    all: Vec<RowDetail>,
    /// By row, where in `all`.
    places: HashMap<RowIndex, u32>,
}

impl Details {
    pub(super) fn get(&self, row: RowIndex) -> Option<&RowDetail> {
        self.all.get(*self.places.get(&row)? as usize)
    }

    /// Those of the row, to be changed.
    pub(super) fn of_row(&mut self, row: RowIndex) -> &mut RowDetail {
        let all = &mut self.all;
        let place = *self.places.entry(row).or_insert_with(|| {
            all.push(RowDetail::default());
            // There are no more of them than rows.
            u32::try_from(all.len() - 1).unwrap_or(u32::MAX)
        });
        &mut all[place as usize]
    }

    /// All, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (RowIndex, &RowDetail)> {
        let places = self.places.iter();
        places.filter_map(|(row, place)| Some((*row, self.all.get(*place as usize)?)))
    }
}

/// Whom another API key of the LMS knows by the external ID of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnderOtherKey {
    /// Nobody, or it was not asked.
    #[default]
    Nobody,
    /// The person of the row, as far as is known.
    SamePerson,
    /// Somebody else, it seems.
    SomebodyElse,
}

/// How a person comes to the external ID of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdChange {
    /// The person has it, nobody has it, or it is not decided.
    #[default]
    None,
    /// The account that is known under another one gets it.
    Rekeyed,
    /// The same in exchange with others: no order leaves each with one.
    Exchanged,
    /// Another human has it, who is renumbered first.
    TakesOver,
}

/// How much of what tells who somebody is changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdentityChange {
    /// Nothing, or it is not known.
    #[default]
    None,
    /// Some of it.
    Some,
    /// All of it: another human, it seems.
    Whole,
}

impl IdentityChange {
    /// Whether anything changes.
    #[must_use]
    pub const fn is_any(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether all changes.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Whole)
    }
}

/// What must be done before a row is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// This row gives the login or the external ID up.
    Row(RowIndex),
    /// This leaver has the login.
    Leaver(String),
}

/// Why a row that differs is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftAlone {
    /// The mapping protects the person.
    Protected,
    /// A person refused the change.
    Refused,
}

impl LeftAlone {
    /// A sentence for the row.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Protected => {
                "differs from the feed and stays as it is: the mapping protects this person \
                 ([protect])"
            }
            Self::Refused => "differs from the feed and stays as it is: the change was refused",
        }
    }

    /// The code of that reason.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Refused => "refused",
        }
    }
}
