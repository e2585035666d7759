//! The counts of a run as scripts read them.

use serde::{Deserialize, Serialize};

use super::Counts;

/// [`Counts`] with what follows from them.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Listed {
    created: u64,
    updated: u64,
    unchanged: u64,
    rejected: u64,
    invalid: u64,
    refused: u64,
    failed: u64,
    unknown: u64,
    pending: u64,
    deactivated: u64,
    deleted: u64,
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
