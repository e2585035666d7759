//! What was written for people as leavers, where they come under another external ID.

use super::{RunError, Stages};
use crate::mapping::FieldSet;
use crate::plan::{RowIndex, RowState, RowTable};

impl Stages<'_> {
    /// Notes what must be taken back of people who get another external ID. Of all others
    /// the comparison has noted it.
    pub(super) fn take_back_renumbered(&self, rows: &mut RowTable) -> Result<(), RunError> {
        let renumbered: Vec<RowIndex> = rows
            .rows_in(&[RowState::Rekey, RowState::UnknownRekey])
            .collect();
        let Some(journal) = self.journal.as_ref().filter(|_| !renumbered.is_empty()) else {
            return Ok(());
        };
        if let Some(recorder) = self.notes.recorder() {
            // What an older run left is written before it is asked for.
            recorder.writer.flush().wait_blocking()?;
        }
        for row in renumbered {
            let detail = rows.detail(row).and_then(|it| it.renumbered.as_deref());
            let Some(from) = detail.and_then(|it| it.from.as_deref()) else {
                continue;
            };
            let fields = FieldSet::of_bits(journal.set_fields_of(&self.scope, from)?);
            if !fields.is_empty() {
                rows.detail_mut(row).take_back = fields;
            }
        }
        Ok(())
    }
}
