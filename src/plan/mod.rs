//! People become changes: what must be done, decided before anything is sent.
//!
//! [`look`] reads the whole feed once and keeps a few words of each row in
//! [`Rows`]; the scope's people ([`Rows::known`]) and the target's
//! ([`Rows::found`]) are held against them; [`replay`] reads the feed again
//! and hands out the rows that something must be done for.
//!
//! # Invariants
//!
//! - Nothing here sends or stores anything: the same feed, people and target
//!   make the same plan.
//! - A row that was rejected is never sent, whatever is learned later.
//! - Leavers and guards have their place between the comparison and the
//!   replay: [`Plan`] is what they will look at.

mod look;
mod replay;
mod rows;

use crate::model::Counts;

pub use self::look::{FindingKind, Look, LookError, MOST_FINDINGS, look};
pub use self::replay::{Change, Item, Wanted, replay};
pub use self::rows::{Found, KnownAs, RowState, Rows};

/// What would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Counts as they would be at the end, if all goes well.
    pub counts: Counts,
    /// People whom the scope knows and the feed no longer names. They are left
    /// alone.
    pub not_in_feed: u64,
}

impl Plan {
    /// Draws the plan up from the rows, once people and target were held
    /// against them.
    pub fn of(rows: &Rows, not_in_feed: u64) -> Self {
        let counts = Counts {
            created: rows.count(RowState::New) + rows.count(RowState::DoubtfulNew),
            updated: rows.count(RowState::Changed) + rows.count(RowState::DoubtfulChanged),
            unchanged: rows.count(RowState::Unchanged),
            rejected: rows.count(RowState::Rejected),
            ..Counts::default()
        };
        Self {
            counts,
            not_in_feed,
        }
    }

    /// How many changes must be sent.
    pub fn changes(&self) -> u64 {
        self.counts.created + self.counts.updated
    }
}
