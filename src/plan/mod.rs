//! People become changes: what must be done, decided before anything is sent.
//!
//! [`scan`] reads the whole feed once and keeps a few words of each row in
//! [`RowTable`]; the scope's people ([`RowTable::note_known`]) and the target's
//! ([`RowTable::note_found`]) are compared with them; [`replay`] reads the feed again
//! and hands out the rows that must be sent or recorded.
//!
//! # Invariants
//!
//! - Nothing here sends or stores anything: the same feed, people and target
//!   give the same plan.
//! - A row that was rejected is never sent, whatever is learned later.
//! - Guards are asked before anything is sent: [`guards::feed`] for the feed
//!   as a whole, [`guards::judge`] for each kind of change, and [`guards::lost()`]
//!   before anybody is created whom the LMS lost.

mod damage;
mod detail;
mod effects;
mod fingerprints;
mod grace;
mod groups;
pub mod guards;
mod holds;
pub mod identity;
mod kept;
mod other_keys;
mod profile;
mod scan;
mod replay;
mod rows;
mod steps;
mod wanted;
mod waves;
mod why;

use crate::mapping::Leavers;
use crate::model::{Counts, ExternalId};

pub use self::damage::Damage;
pub use self::detail::{
    After, IdChange, IdentityChange, InDoubt, LeftAlone, RowDetail, UnderOtherKey,
};
pub use self::fingerprints::{fields_of_listed, fingerprint_of_listed, name_words};
pub use self::grace::{Absence, TimeLeft, time_left};
pub use self::groups::{NamedGroup, NamedGroups};
pub use self::guards::{Allow, Allowed, Held, Sick};
pub use self::holds::{
    action_of, along_with, digest_of_identity, digest_of_leaver, digest_of_row, reason,
};
pub use self::kept::{Binding, KeptChange, KeptPlan, PlannedChange, key_of_plan};
pub use self::other_keys::{OtherAccount, OtherKeys, Traits};
pub use self::profile::{ColumnProfile, JoinedProfile, Profile, ProfileTally, worth_telling};
pub use self::replay::{Change, Item, LeftAloneRow, Rekey, replay, replay_as};
pub use self::rows::{Found, KnownAs, RowState, RowTable};
pub use self::scan::{MAX_FINDINGS, Scan, ScanError, own_findings, scan, with_later_causes};
pub use self::steps::{Remaining, roles, steps_for};
pub use self::wanted::{Asked, Wanted, WorkOf};
pub use self::waves::{Blocked, arrange, in_cycles};
pub use self::why::Why;
pub use crate::validate::unique::RowIndex;

/// What would be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Counts as they would be at the end, if all goes well.
    pub counts: Counts,
    /// People that this feed named before and no longer names, without those that
    /// a guard holds.
    pub leavers: Vec<ExternalId>,
}

impl Plan {
    /// Draws the plan up from the rows, after people and target were compared with
    /// them and the guards were asked.
    pub fn of(rows: &RowTable, leavers: Vec<ExternalId>, action: Leavers) -> Self {
        let gone = leavers.len() as u64;
        let counts = Counts {
            created: rows.count(RowState::New) + rows.count(RowState::UnknownCreate),
            updated: rows.count(RowState::Changed)
                + rows.count(RowState::Adopt)
                + rows.count(RowState::UnknownAdopt)
                + rows.count(RowState::Rekey)
                + rows.count(RowState::UnknownRekey)
                + rows.count(RowState::UnknownUpdate),
            unchanged: rows.count(RowState::Unchanged) + rows.count(RowState::LeftAlone),
            rejected: rows.count(RowState::Rejected),
            pending: rows.count(RowState::Held),
            ..Counts::default()
        };
        let mut plan = Self { counts, leavers };
        match action {
            Leavers::Ignore => {}
            Leavers::Deactivate { .. } => plan.counts.deactivated = gone,
            Leavers::Delete => plan.counts.deleted = gone,
            Leavers::Set => plan.counts.set = gone,
        }
        plan
    }

    /// How many changes must be sent.
    pub fn changes(&self) -> u64 {
        self.counts.changed()
    }
}
