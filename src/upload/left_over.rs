//! What a superseded run left unknown: looked up, without its feed.

use super::look_up::LookUp;
use super::recorder::RunRecorder;
use super::{UploadError, Uploader};
use crate::event::{Event, Listener};
use crate::journal::{Acknowledged, OpenIntent, PersonNow, PersonState, Settled};
use crate::model::{Action, Outcome};
use crate::targets::Remote;

impl Uploader {
    /// Settles what a run that is superseded left unknown, without its feed:
    /// people who were to be created, adopted or removed are looked up. It is
    /// recorded where there is a recorder of that run; a plan has none.
    ///
    /// # Errors
    /// The run was halted, or the journal cannot be written.
    pub fn settle_left_over(
        &mut self,
        intents: Vec<OpenIntent>,
        recorder: Option<&RunRecorder>,
        listener: &mut dyn Listener,
    ) -> Result<Vec<LeftOver>, UploadError> {
        listener.on_event(&Event::SettleStarted {
            unknown: intents.len() as u64,
        });
        let mut left = Vec::with_capacity(intents.len());
        for intent in intents {
            // Whether an update came through cannot be seen without its content;
            // the next plan compares the person again, which costs no look-up.
            if intent.action == Action::Update {
                if let Some(recorder) = recorder {
                    settle(&intent, Outcome::Pending, 0, None, recorder)?;
                    invalidate(&intent, recorder)?;
                }
                let settlement = Settlement::Invalidated;
                left.push(LeftOver { intent, settlement });
                continue;
            }
            let job = LookUp::new(&self.target, intent.external_id.clone(), ());
            let (job, given_up) = self.drive_one(job, listener)?;
            if given_up.is_some() {
                let settlement = Settlement::Unanswered;
                left.push(LeftOver { intent, settlement });
                continue;
            }
            let (outcome, person) = outcome_after_look_up(intent.action, job.found);
            let is_open = outcome == Outcome::Pending && intent.action.is_for_leaver();
            let settlement = match &person {
                Some(person) => Settlement::Stands(person.state),
                None if is_open => Settlement::Invalidated,
                None => Settlement::NotDone,
            };
            if let Some(recorder) = recorder {
                if is_open {
                    invalidate(&intent, recorder)?;
                }
                settle(&intent, outcome, job.attempts, person, recorder)?;
            }
            left.push(LeftOver { intent, settlement });
        }
        Ok(left)
    }
}

/// What a superseded run left unknown, and what is known of it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOver {
    /// What the run was about to do.
    pub intent: OpenIntent,
    /// What is known now.
    pub settlement: Settlement,
}

/// What is known of a person that a superseded run was about to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The person has this state, with any content.
    Stands(PersonState),
    /// The person is there, and what was acknowledged may hold no more.
    Invalidated,
    /// It was not done, and nothing else is known.
    NotDone,
    /// The target could not say whether the person is there.
    Unanswered,
}

/// Notes that what was acknowledged of the person may hold no more.
fn invalidate(intent: &OpenIntent, recorder: &RunRecorder) -> Result<(), UploadError> {
    let RunRecorder { writer, run } = recorder;
    let invalidated = vec![Acknowledged::Invalidated];
    Ok(writer.acknowledge(*run, &intent.external_id, invalidated)?)
}

/// The outcome of an intent whose person was looked up, and the person's state.
/// The content is not known: a later run compares it.
fn outcome_after_look_up(action: Action, found: Option<Remote>) -> (Outcome, Option<PersonNow>) {
    let now = |state, remote_id| {
        Some(PersonNow {
            remote_id,
            fingerprint: None,
            state,
            acknowledged: Vec::new(),
            fingerprints: None,
        })
    };
    match (action, found) {
        (Action::Create, Some(person)) => {
            let person = now(PersonState::Active, Some(person.id));
            (Outcome::Created, person)
        }
        (Action::Adopt, Some(person)) => {
            let person = now(PersonState::Active, Some(person.id));
            (Outcome::Updated, person)
        }
        (Action::Deactivate, Some(person)) if person.cannot_sign_in() => {
            let person = now(PersonState::Inactive, Some(person.id));
            (Outcome::Deactivated, person)
        }
        (Action::Deactivate, None) => (Outcome::Deactivated, now(PersonState::Deleted, None)),
        (Action::Delete, None) => (Outcome::Deleted, now(PersonState::Deleted, None)),
        (_, _) => (Outcome::Pending, None),
    }
}

/// Records what became of an intent of a run that another one takes the place
/// of.
fn settle(
    intent: &OpenIntent,
    outcome: Outcome,
    attempts: u32,
    person: Option<PersonNow>,
    recorder: &RunRecorder,
) -> Result<(), UploadError> {
    recorder.writer.settle(
        recorder.run,
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
            changed: None,
            hold: None,
            rekeyed_from: None,
        },
    )?;
    Ok(())
}
