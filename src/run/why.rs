//! Why rows are sent, where their states do not say it.

use std::collections::HashSet;

use super::known::Compared;
use super::{RunError, Stages};
use crate::journal::RunId;
use crate::mapping::FieldTag;
use crate::plan::identity::Identification;
use crate::plan::{RowIndex, RowState, RowTable, Why};

/// Which rows differ because the mapping has changed.
#[derive(Debug)]
pub(super) enum ByMapping {
    /// None: it is as in the last finished import, or nobody knows.
    Nothing,
    /// All: that run got everything done from the same feed.
    All(RunId),
    /// These: people gain fields that the mapping did not have, or lose some, and
    /// nothing else differs.
    Some(HashSet<RowIndex>),
}

impl ByMapping {
    /// Whether the last finished import had another mapping.
    pub(super) const fn are_any(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    fn has(&self, row: RowIndex) -> bool {
        match self {
            Self::Nothing => false,
            Self::All(_) => true,
            Self::Some(rows) => rows.contains(&row),
        }
    }
}

impl Stages<'_> {
    /// Which rows differ because of the mapping. `differing` are rows with the fields that
    /// differ.
    pub(super) fn by_mapping(
        &self,
        identification: &Identification,
        differing: impl Iterator<Item = RowIndex>,
    ) -> Result<ByMapping, RunError> {
        let Some(journal) = &self.journal else {
            return Ok(ByMapping::Nothing);
        };
        let Some(last) = journal.last_finished_run(&self.scope, &self.mapping_path())? else {
            return Ok(ByMapping::Nothing);
        };
        if last.start.mapping_sha256 == self.bound.mapping().sha256() {
            return Ok(ByMapping::Nothing);
        }
        let is_same = last.feed_sha256 == self.feed.sha256()
            && last.joined_sha256 == self.feed.joined_sha256();
        // What that import did not get done differs because of the feed.
        let left = last.counts.pending + last.counts.failed + last.counts.unknown;
        if last.feed_sha256.is_some() && is_same && left == 0 {
            return Ok(ByMapping::All(last.id));
        }
        let is_gained = |row: RowIndex, tag: &FieldTag| identification.is_gained(row, *tag);
        let is_of_mapping = |row: &RowIndex| {
            let changed = identification.changed_fields(*row).unwrap_or_default();
            changed.iter().all(|tag| is_gained(*row, tag))
        };
        Ok(ByMapping::Some(differing.filter(is_of_mapping).collect()))
    }
}

/// Notes which changed rows are sent because of the mapping, and which because the LMS
/// shows something else.
pub(super) fn note_changed(rows: &mut RowTable, by_mapping: &ByMapping, shown: &[RowIndex]) {
    let changed: Vec<_> = rows.rows_in(&[RowState::Changed]).collect();
    for row in changed {
        let has_why = rows.detail(row).is_some_and(|detail| detail.why.is_some());
        if has_why {
            continue;
        }
        if shown.binary_search(&row).is_ok() {
            rows.detail_mut(row).why = Some(Why::Drift);
        } else if by_mapping.has(row) {
            rows.detail_mut(row).why = Some(Why::Mapping);
        }
    }
}

impl Stages<'_> {
    /// Notes who was sent before, and who was removed.
    pub(super) fn note_sent_before(
        &self,
        rows: &mut RowTable,
        compared: &Compared,
    ) -> Result<(), RunError> {
        let is_sent = |rows: &RowTable, row: RowIndex| {
            let states = [RowState::New, RowState::Changed, RowState::Adopt];
            states.contains(&rows.state(row))
        };
        let mut note = |id: &str, why: Why| {
            let row = rows.named(id).filter(|row| is_sent(rows, *row));
            if let Some(row) = row {
                rows.detail_mut(row).why = Some(why);
            }
        };
        if let Some(journal) = &self.journal {
            for (id, _) in journal.refused(&self.scope)? {
                note(id.as_str(), Why::Retry);
            }
        }
        for id in compared.deleted.iter().chain(&compared.left) {
            note(id.as_str(), Why::Back);
        }
        Ok(())
    }
}
