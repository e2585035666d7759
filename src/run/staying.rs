//! Who stays as is when a run is undone, and why: in the journal and in the summary.

use super::{RunError, Stages};
use crate::journal::Settled;
use crate::model::{Action, ExternalId, HoldKind, NotUndone, Outcome, Rule, counted};
use crate::plan::{self, RowState, RowTable};

/// Why somebody whom the run created stays.
pub(super) enum Staying {
    /// By what is known.
    Kept(NotUndone),
    /// The LMS did not say.
    Unknown(String),
}

impl Stages<'_> {
    /// Names people who keep the external ID that the run gave them. Where other fields go
    /// back, the row says what becomes of those.
    pub(super) fn name_renumbered(
        &mut self,
        renumbered: &[ExternalId],
        rows: &mut RowTable,
    ) -> Result<(), RunError> {
        let why = NotUndone::Renumbered;
        let mut people = 0_u64;
        for id in renumbered {
            let Some(row) = rows.named(id.as_str()) else {
                continue;
            };
            match rows.state(row) {
                RowState::Unchanged => rows.reject(row, Rule::NotUndone { why }),
                RowState::Changed | RowState::UnknownUpdate => {
                    if let Some(recorder) = self.notes.recorder() {
                        let kept = Settled {
                            action: Some(Action::Rekey),
                            code: Some(Rule::NotUndone { why }.code()),
                            message: Some(why.text().to_owned()),
                            ..Settled::new(Some(id.clone()), Outcome::Rejected)
                        };
                        recorder.writer.settle(recorder.run, kept)?;
                    }
                }
                _ => continue,
            }
            people += 1;
        }
        if people > 0 {
            let one = "person keeps the external ID that the run gave the person";
            let many = "people keep the external IDs that the run gave them";
            self.remarks.push(counted(people, one, many));
        }
        Ok(())
    }

    /// Records people whom the run created and who stay.
    pub(super) fn note_staying(
        &mut self,
        staying: Vec<(ExternalId, Staying)>,
    ) -> Result<(), RunError> {
        let kept = staying.len() as u64;
        if kept > 0 {
            let one = "person whom the run created stays: changed since, or the LMS did not answer";
            let many = "people whom the run created stay: changed since, or the LMS did not answer";
            self.remarks.push(counted(kept, one, many));
        }
        let Some(recorder) = self.notes.recorder() else {
            return Ok(());
        };
        let leaving = self.bound.mapping().leavers;
        for (id, why) in staying {
            let (outcome, code, message) = match why {
                Staying::Kept(why) => (
                    Outcome::Rejected,
                    Rule::NotUndone { why }.code(),
                    why.text().to_owned(),
                ),
                Staying::Unknown(why) => (
                    Outcome::Failed,
                    "not-answered",
                    format!("{why}: nothing was sent"),
                ),
            };
            recorder.writer.settle(
                recorder.run,
                Settled {
                    action: plan::action_of(HoldKind::Leavers, leaving),
                    code: Some(code),
                    message: Some(message),
                    ..Settled::new(Some(id), outcome)
                },
            )?;
        }
        Ok(())
    }
}
