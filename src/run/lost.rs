//! Known people whom the LMS did not find for a change: looked for once more, then
//! changed or created.

use std::collections::HashSet;

use super::{RunError, Stages};
use crate::plan::{RowIndex, RowTable, Wanted};
use crate::upload::{LostPerson, Memberships, RunRecorder, SendResult, record_not_answered};

impl Stages<'_> {
    /// Looks for a sample of those `lost`, and for all of them where the sample does
    /// not show that they are gone. People who are there are changed after all, the
    /// others are created.
    pub(super) fn send_lost(
        &mut self,
        rows: &mut RowTable,
        lost: Vec<LostPerson>,
        recorder: &RunRecorder,
    ) -> Result<Memberships, RunError> {
        let sample = LostPerson::sample(&lost);
        let mut check = self.uploader.confirm_lost(sample, self.listener)?;
        if !check.confirms_all() {
            let everybody = lost.iter().map(|person| person.external_id.clone());
            check = self
                .uploader
                .confirm_lost(everybody.collect(), self.listener)?;
        }
        let there: HashSet<_> = check.there.into_iter().collect();
        let unanswered: HashSet<_> = check.unanswered.into_iter().collect();
        let mut wanted: Vec<RowIndex> = Vec::with_capacity(lost.len());
        for person in lost {
            if unanswered.contains(&person.external_id) {
                not_done(
                    person,
                    "the LMS could not say whether the person exists",
                    recorder,
                )?;
                continue;
            }
            if !there.contains(&person.external_id) {
                rows.mark_lost(person.index);
            }
            wanted.push(person.index);
        }
        wanted.sort_unstable();
        let SendResult { memberships, lost } =
            self.send_rows(rows, (Wanted::These, &wanted), recorder)?;
        for person in lost {
            not_done(
                person,
                "the LMS shows the person and does not find it for an update",
                recorder,
            )?;
        }
        Ok(memberships)
    }
}

/// Records somebody who was neither changed nor created.
fn not_done(person: LostPerson, why: &str, recorder: &RunRecorder) -> Result<(), RunError> {
    let LostPerson {
        row, external_id, ..
    } = person;
    Ok(record_not_answered(
        row,
        external_id,
        0,
        format!("{why}: nothing was sent"),
        recorder,
    )?)
}
