//! Rows that wait for a login or an external ID until somebody else gave it up.

use super::row_changes::take_out;
use super::{RunError, Stages};
use crate::model::{ExternalId, Outcome};
use crate::plan::{After, Blocked, RowTable};
use crate::upload::RunRecorder;

impl Stages<'_> {
    /// Takes the rows out of a wave that wait for something which was not done.
    pub(super) fn free_for(
        &self,
        wave: u16,
        rows: &mut RowTable,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        // What was settled is written before it is asked for.
        recorder.writer.flush().wait_blocking()?;
        let journal = self.journal()?;
        for row in rows.rows_of_wave(wave) {
            let Some(after) = rows.detail(row).and_then(|detail| detail.after.as_ref()) else {
                continue;
            };
            let outcome = match after {
                After::Row(other) => {
                    journal.outcome(recorder.run, Some(rows.number(*other)), None)?
                }
                After::Leaver(id) => {
                    let id = ExternalId::known(id);
                    journal.outcome(recorder.run, None, Some(&id))?
                }
            };
            // A leaver who is not deleted keeps the login, but is out of the way where the
            // LMS lets it be used again: it says so itself.
            let is_done = matches!(
                outcome,
                Some(
                    Outcome::Created
                        | Outcome::Updated
                        | Outcome::Unchanged
                        | Outcome::Deactivated
                        | Outcome::Deleted
                        | Outcome::Set
                )
            );
            if !is_done {
                take_out(rows, row, Blocked::NotSent);
            }
        }
        Ok(())
    }
}
