//! The words of hrfeed as types: rows, people, changes, outcomes, findings.
//!
//! Everything here is plain data. Nothing in this module reads a file, opens a
//! socket or asks the clock, so every other module may depend on it.

mod advice;
mod byte_set;
mod cause;
mod change;
pub mod corrections;
mod counts;
mod duration;
mod earlier;
mod effects;
mod exit;
mod external_id;
mod finding;
mod fingerprint;
mod hold;
mod invisible;
mod limit;
mod loopback;
mod number;
mod outage;
mod proof;
mod joined;
mod remark;
mod remarked;
mod row;
mod rule_words;
mod secret;
mod sentences;
mod signs;
mod workbook;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::advice::advice;
pub(crate) use self::byte_set::ByteSet;
pub use self::cause::{Cause, Causes};
pub use self::change::{Action, BeforeGroups, Content, Parts, Picture, SetFields, Step};
pub use self::duration::duration_of;
pub use self::earlier::{Earlier, NotUndone};
pub use self::effects::Effects;
pub use self::exit::Exit;
pub use self::external_id::{ExternalId, is_number_in_groups, latin_like, looks_latin};
pub use self::finding::{DuplicateFate, Finding, QuoteProblem, Rule, ShortRow};
pub use self::fingerprint::{FingerprintKey, PersonFingerprints, pack, unpack};
pub use self::hold::{HoldKind, HoldState};
pub use self::invisible::{is_invisible, is_shaping};
pub use self::joined::Joined;
pub use self::limit::Limit;
pub use self::loopback::is_loopback;
pub use self::number::{count, counted, hex};
pub use self::outage::{Aftermath, Outage};
pub use self::proof::{Differs, Proof, Twice};
pub use self::remark::{Garbled, NoPerson, QuotingStyle, Remark, Removed};
pub use self::remarked::{Remarked, RemarkedFile, Remarks};
pub use self::row::{MAX_FEED_FILES, MAX_NAMED_ROWS, NotARow, RowNumber};
pub use self::secret::Secret;
pub(crate) use self::signs::{STEP, Seen, Signs};
pub use self::workbook::InWorkbook;

/// Whether a text contains a control character, such as a line break.
pub(crate) fn has_control(text: &str) -> bool {
    let bytes = text.as_bytes();
    // No branch in the loop, which runs over every value of a feed.
    let (mut control, mut beyond) = (0, 0);
    for &byte in bytes {
        control |= u8::from(byte < b' ') | u8::from(byte == 0x7f);
        beyond |= byte;
    }
    // Beyond ASCII the control characters are U+0080 to U+009F.
    let is_c1 = |at: usize| {
        bytes
            .get(at + 1)
            .is_some_and(|byte| (0x80..=0x9f).contains(byte))
    };
    control != 0 || (beyond >= 0x80 && memchr::memchr_iter(0xc2, bytes).any(is_c1))
}

/// The outcome of a row. Each row of a feed ends with exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The person was created.
    Created,
    /// The person was updated.
    Updated,
    /// The person was up to date: no request was sent.
    Unchanged,
    /// The row is invalid, or the LMS refused it. Sending it again unchanged
    /// is useless.
    Rejected,
    /// The row may be valid, but the LMS could not process it: another run
    /// may succeed.
    Failed,
    /// Sent, but not confirmed. The person is read back before anything is sent
    /// again.
    Unknown,
    /// Not sent yet.
    Pending,
    /// A leaver was deactivated.
    Deactivated,
    /// A leaver was deleted.
    Deleted,
    /// Fields were written for a leaver.
    Set,
    /// Kept back by a guard until a person decides: counted as pending.
    Held,
}

impl Outcome {
    /// All outcomes that are counted, in the order in which counts are listed.
    /// [`Outcome::Held`] counts as pending.
    pub const ALL: [Self; 10] = [
        Self::Created,
        Self::Updated,
        Self::Unchanged,
        Self::Rejected,
        Self::Failed,
        Self::Unknown,
        Self::Pending,
        Self::Deactivated,
        Self::Deleted,
        Self::Set,
    ];

    /// The word that the journal's readers, the JSON and the tables use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::Set => "set",
            Self::Held => "held",
        }
    }
}

/// How many rows ended how. `deactivated`, `deleted` and `set` are people, not rows
/// of the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "counts::Listed", from = "counts::Listed")]
pub struct Counts {
    /// People created.
    pub created: u64,
    /// People updated.
    pub updated: u64,
    /// Rows that needed no request.
    pub unchanged: u64,
    /// Rows that are invalid, or were refused.
    pub rejected: u64,
    /// Those of them that the LMS refused; the others are wrong in the feed.
    pub refused: u64,
    /// Rows that the LMS could not process.
    pub failed: u64,
    /// Rows sent, but not confirmed.
    pub unknown: u64,
    /// Rows not sent yet.
    pub pending: u64,
    /// Leavers deactivated.
    pub deactivated: u64,
    /// Leavers deleted.
    pub deleted: u64,
    /// Leavers for whom fields were written.
    pub set: u64,
}

impl Counts {
    /// The count of one outcome.
    #[must_use]
    pub const fn of(mut self, outcome: Outcome) -> u64 {
        *self.of_mut(outcome)
    }

    /// The same, to be changed.
    pub const fn of_mut(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Failed => &mut self.failed,
            Outcome::Unknown => &mut self.unknown,
            Outcome::Pending | Outcome::Held => &mut self.pending,
            Outcome::Deactivated => &mut self.deactivated,
            Outcome::Deleted => &mut self.deleted,
            Outcome::Set => &mut self.set,
        }
    }

    /// Rows that are wrong in the feed.
    #[must_use]
    pub const fn invalid(&self) -> u64 {
        self.rejected.saturating_sub(self.refused)
    }

    /// The rows of the feed: every outcome that is a row's.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.created
            + self.updated
            + self.unchanged
            + self.rejected
            + self.failed
            + self.unknown
            + self.pending
    }

    /// The people who left.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.deactivated + self.deleted + self.set
    }

    /// The people who are changed on the LMS.
    #[must_use]
    pub const fn changed(&self) -> u64 {
        self.created + self.updated + self.left()
    }
}

/// The requests of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calls {
    /// All requests, reads and retries included.
    pub total: u64,
    /// Requests that repeated one which got no usable answer.
    pub retried: u64,
    /// Answers with which the LMS asked to slow down (429, or 503 with
    /// `Retry-After`).
    pub throttled: u64,
}

impl std::ops::Add for Calls {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            total: self.total + more.total,
            retried: self.retried + more.retried,
            throttled: self.throttled + more.throttled,
        }
    }
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Under way, or killed before it could say otherwise.
    Running,
    /// Every row has an outcome.
    Finished,
    /// Ended early in order; `hrfeed resume` goes on with it.
    Interrupted,
    /// Ended by a failure of the machine or the program; can be resumed too.
    Failed,
    /// A later import of the same scope took its place.
    Superseded,
}

impl RunState {
    /// The word that the journal's readers, the JSON and the tables use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_is_one_and_nothing_else() {
        for char in (0..=0x2100).filter_map(char::from_u32) {
            assert_eq!(
                has_control(&format!("aé{char}ß")),
                char.is_control(),
                "{char:?}"
            );
        }
    }

    #[test]
    fn counts_add_up_to_rows_without_leavers() {
        let mut counts = Counts::default();
        for outcome in Outcome::ALL {
            *counts.of_mut(outcome) += 1;
        }
        assert_eq!(counts.rows(), 7);
        assert_eq!(counts.of(Outcome::Held), counts.pending);
        assert!(Outcome::ALL.iter().all(|&outcome| counts.of(outcome) == 1));
    }
}
