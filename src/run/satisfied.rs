//! Rows that differ from what was acknowledged only in what they leave alone: an empty cell
//! of a group, say. Nothing is to be done for them.

use super::identify::refresh;
use super::known::Compared;
use super::{RunError, Stages};
use crate::mapping::FieldSet;
use crate::model::{Action, Parts};
use crate::plan::{Asked, Item, Remaining, RowState, RowTable, Wanted, replay_as, steps_for};

impl Stages<'_> {
    /// Marks such rows unchanged, so that a plan counts them as an import does, and takes in
    /// what they say, so that it is what the next feed is compared with.
    pub(super) fn leave_satisfied(
        &mut self,
        rows: &mut RowTable,
        compared: &Compared,
    ) -> Result<(), RunError> {
        // Without parts, what a row leaves alone goes out with the rest of it.
        if !self.settings.system.spec().has_parts || self.journal.is_none() {
            return Ok(());
        }
        let says_nothing_new = |row: &u32| {
            let detail = rows.detail(*row);
            let changed = detail.and_then(|detail| detail.changed);
            changed.is_some_and(FieldSet::is_empty) && compared.acknowledged.contains(row)
        };
        let these = rows.rows_in(&[RowState::Changed]).filter(says_nothing_new);
        let these: Vec<_> = these.collect();
        if these.is_empty() {
            return Ok(());
        }
        let (scope, notes) = (self.scope, &self.notes);
        let (feed, bound) = (&mut self.feed, &self.bound);
        let journal = self.journal.as_ref().ok_or(RunError::Lost)?;
        let asked = Asked {
            rows,
            wanted: Wanted::These,
            these: &these,
        };
        let mut satisfied = Vec::new();
        let change = |item| match item {
            Item::Change(change) if change.action == Action::Update => Some(change),
            _ => None,
        };
        replay_as(feed, bound, &asked, change, |changes| {
            let mut refreshed = Vec::new();
            for change in changes.into_iter().flatten() {
                let parts: Parts = journal.parts(&scope, &change.content.external_id)?;
                let remaining = steps_for(&change, change.action, &parts, false);
                if remaining == Remaining::default() {
                    satisfied.push(change.index);
                    refreshed.push(refresh(&change, true));
                }
            }
            if refreshed.is_empty() {
                return Ok(());
            }
            Ok::<_, RunError>(notes.fingerprints(refreshed)?)
        })?;
        for row in satisfied {
            rows.mark_unchanged(row);
        }
        Ok(())
    }
}
