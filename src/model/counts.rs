//! The counts of a run as scripts read them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Counts;

/// How many rows ended how. `deactivated`, `deleted` and `set` are people, not rows of the
/// feed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Counts")]
#[serde(default)]
pub(super) struct Listed {
    /// People created.
    created: u64,
    /// People updated.
    updated: u64,
    /// Rows that needed nothing.
    unchanged: u64,
    /// Rows that are invalid, or were refused.
    rejected: u64,
    /// Those of them that are wrong in the feed.
    invalid: u64,
    /// Those of them that the LMS refused.
    refused: u64,
    /// Rows that the LMS could not process.
    failed: u64,
    /// Rows sent, but not confirmed.
    unknown: u64,
    /// Rows that were not sent.
    pending: u64,
    /// Leavers who were deactivated.
    deactivated: u64,
    /// Leavers who were deleted.
    deleted: u64,
    /// Leavers who got the fields of `set`.
    set: u64,
}

impl From<Counts> for Listed {
    fn from(counts: Counts) -> Self {
        Self {
            created: counts.created,
            updated: counts.updated,
            unchanged: counts.unchanged,
            rejected: counts.rejected,
            invalid: counts.invalid(),
            refused: counts.refused,
            failed: counts.failed,
            unknown: counts.unknown,
            pending: counts.pending,
            deactivated: counts.deactivated,
            deleted: counts.deleted,
            set: counts.set,
        }
    }
}

impl From<Listed> for Counts {
    fn from(listed: Listed) -> Self {
        Self {
            created: listed.created,
            updated: listed.updated,
            unchanged: listed.unchanged,
            rejected: listed.rejected,
            refused: listed.refused,
            failed: listed.failed,
            unknown: listed.unknown,
            pending: listed.pending,
            deactivated: listed.deactivated,
            deleted: listed.deleted,
            set: listed.set,
        }
    }
}
