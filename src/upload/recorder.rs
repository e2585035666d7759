//! Where a run is recorded, and the records that no job makes.

use super::UploadError;
use crate::journal::{OpenIntent, PersonNow, RunId, Settled, Writer};
use crate::model::{Action, ExternalId, Outcome, RowNumber};

/// Where a run is recorded.
#[derive(Clone, Debug)]
pub struct RunRecorder {
    /// The journal's writer.
    pub writer: Writer,
    /// The run.
    pub run: RunId,
}

/// Records what became of an intent of a run that another one takes the place
/// of.
pub(super) fn left_over(
    intent: &OpenIntent,
    outcome: Outcome,
    attempts: u32,
    person: Option<PersonNow>,
    record: &RunRecorder,
) -> Result<(), UploadError> {
    record.writer.settle(
        record.run,
        Settled {
            row: intent.row,
            external_id: Some(intent.external_id.clone()),
            action: Some(intent.action),
            outcome,
            status: None,
            attempts: intent.attempts + attempts,
            code: None,
            message: None,
            person,
            awaits_groups: false,
        },
    )?;
    Ok(())
}

/// Records a row of whose person the target could not say whether it exists:
/// nothing is sent for it. `why` is a sentence without the person's data.
///
/// # Errors
/// The journal cannot be written.
pub fn record_not_answered(
    row: RowNumber,
    external_id: ExternalId,
    attempts: u32,
    why: String,
    record: &RunRecorder,
) -> Result<(), UploadError> {
    record.writer.settle(
        record.run,
        Settled {
            row: Some(row),
            external_id: Some(external_id),
            action: Some(Action::Create),
            outcome: Outcome::Failed,
            status: None,
            attempts,
            code: Some("not-answered"),
            message: Some(why),
            person: None,
            awaits_groups: false,
        },
    )?;
    Ok(())
}
