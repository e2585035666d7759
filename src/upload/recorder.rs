//! Where a run is recorded, and the records that no job makes.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::UploadError;
use super::engine::End;
use super::intents::Intended;
use crate::clock::Clock;
use crate::journal::{HoldId, RunId, Settled, Writer};
use crate::model::{Action, ExternalId, Finding, Outcome, RowNumber};
use crate::plan::LeftAloneRow;
use crate::retry::NoAnswer;

/// Where a run is recorded.
#[derive(Clone, Debug)]
pub struct RunRecorder {
    /// The journal's writer.
    pub writer: Writer,
    /// The run.
    pub run: RunId,
    /// The clock that the run goes by.
    pub clock: Clock,
}

impl RunRecorder {
    /// Records that a write is about to go out.
    pub(super) fn alive(&self) -> Result<(), UploadError> {
        Ok(self.writer.alive(self.run, self.clock.now())?)
    }

    /// When that was, by the clock that the run goes by.
    pub(super) fn time_of(&self, moment: Instant) -> Timestamp {
        let now = self.clock.now();
        let age = SignedDuration::try_from(moment.elapsed());
        age.map_or(now, |age| now.checked_sub(age).unwrap_or(now))
    }

    /// Takes the intent of a job back that the run did not come to. What was
    /// done, or may have been, keeps its intent: it is read back before anything
    /// is sent again.
    pub(super) fn take_back(&self, job: &impl Intended, end: &End) -> Result<(), UploadError> {
        let intent = job.intent();
        let id = &intent.external_id;
        if !job.may_have_applied() {
            self.writer.not_sent(self.run, intent.row, id)?;
        }
        if *end == End::HaltedRefused {
            self.writer.refused_with_others(self.run, id)?;
        }
        Ok(())
    }

    /// Records a row that differs and is not sent.
    pub(super) fn leave_alone(&self, row: LeftAloneRow) -> Result<(), UploadError> {
        let settled = Settled {
            row: Some(row.row),
            code: Some(row.why.code()),
            message: Some(row.why.message().into()),
            changed: row.changed_in_words(),
            hold: row.hold.map(HoldId::from_number),
            ..Settled::new(Some(row.external_id), Outcome::Unchanged)
        };
        Ok(self.writer.settle(self.run, settled)?)
    }

    /// Records a row that is wrong: nothing is sent for it.
    pub(super) fn reject(
        &self,
        row: RowNumber,
        external_id: Option<ExternalId>,
        findings: &[Finding],
    ) -> Result<(), UploadError> {
        let messages: Vec<_> = findings.iter().map(Finding::message).collect();
        self.writer.settle(
            self.run,
            Settled {
                row: Some(row),
                code: findings.first().map(|finding| finding.rule.code()),
                message: Some(messages.join("; ")),
                ..Settled::new(external_id, Outcome::Rejected)
            },
        )?;
        Ok(())
    }
}

/// What is said of a write whose outcome is unknown.
pub(super) fn outcome_unknown(no_answer: &NoAnswer) -> String {
    format!("sent, but not confirmed: {}", no_answer.why())
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
            action: Some(Action::Create),
            attempts,
            code: Some("not-answered"),
            message: Some(why),
            ..Settled::new(Some(external_id), Outcome::Failed)
        },
    )?;
    Ok(())
}
