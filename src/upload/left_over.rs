//! What a superseded run left unknown: looked up, without its feed.

use super::look_up::LookUp;
use super::recorder::RunRecorder;
use super::{UploadError, Uploader};
use crate::event::{Event, Listener};
use crate::journal::{Acknowledged, OpenIntent, PersonNow, PersonState, Settled};
use crate::model::{Action, ExternalId, Outcome, SetFields};
use crate::targets::Remote;

impl Uploader {
    /// Settles what a run that is superseded left unknown, without its feed:
    /// people who were to be created, adopted, rekeyed or removed are looked up. It is
    /// recorded where there is a recorder of that run; a plan has none. That a leaver is
    /// gone is believed only of an LMS that shows one of `witnesses`, who must be there.
    /// `is_set` says whether it shows of a person what a leaver was to get.
    ///
    /// # Errors
    /// The run was halted, or the journal cannot be written.
    pub fn settle_left_over(
        &mut self,
        intents: Vec<OpenIntent>,
        (witnesses, is_set): (&[ExternalId], &IsSet<'_>),
        recorder: Option<&RunRecorder>,
        listener: &mut dyn Listener,
    ) -> Result<Vec<LeftOver>, UploadError> {
        listener.on_event(&Event::SettleStarted {
            unknown: intents.len() as u64,
        });
        let mut left = Vec::with_capacity(intents.len());
        let mut witnesses = Witnesses {
            people: witnesses,
            show_nobody: None,
            is_set,
        };
        for intent in intents {
            let settlement = self.settle_intent(&intent, &mut witnesses, recorder, listener)?;
            left.push(LeftOver { intent, settlement });
            let checked = left.len() as u64;
            listener.on_event(&Event::SettleProgress { checked });
        }
        Ok(left)
    }

    fn settle_intent(
        &mut self,
        intent: &OpenIntent,
        witnesses: &mut Witnesses<'_>,
        recorder: Option<&RunRecorder>,
        listener: &mut dyn Listener,
    ) -> Result<Settlement, UploadError> {
        // Whether an update came through cannot be seen without its content;
        // the next plan compares the person again, which costs no look-up.
        if intent.action == Action::Update {
            if let Some(recorder) = recorder {
                settle(intent, Outcome::Pending, 0, None, recorder)?;
                invalidate(intent, recorder)?;
            }
            return Ok(Settlement::Invalidated);
        }
        let Some((found, attempts)) = self.look_for(intent, listener)? else {
            return Ok(Settlement::Unanswered);
        };
        if intent.action.is_for_leaver() && found.is_none() && self.is_blind(witnesses, listener)? {
            return Ok(Settlement::Unanswered);
        }
        let (outcome, person) = outcome_after_look_up(intent, found, witnesses.is_set);
        let is_open = outcome == Outcome::Pending && intent.action.is_for_leaver();
        let settlement = match &person {
            Some(person) => Settlement::Stands(person.state),
            None if is_open => Settlement::Invalidated,
            None => Settlement::NotDone,
        };
        if let Some(recorder) = recorder {
            if is_open {
                invalidate(intent, recorder)?;
            }
            settle(intent, outcome, attempts, person, recorder)?;
        }
        Ok(settlement)
    }

    /// Whether the LMS shows nobody who must be there. It is asked once.
    fn is_blind(
        &mut self,
        witnesses: &mut Witnesses<'_>,
        listener: &mut dyn Listener,
    ) -> Result<bool, UploadError> {
        if let Some(known) = witnesses.show_nobody {
            return Ok(known);
        }
        let is_blind = self.shows_none_of(witnesses.people.to_vec(), listener)?;
        witnesses.show_nobody = Some(is_blind);
        Ok(is_blind)
    }

    /// Whom the LMS shows for an intent, and the calls that it took; `None` where it
    /// could not say. Somebody who still has the former external ID was not rekeyed:
    /// if there is a person with the new one, it is another.
    fn look_for(
        &mut self,
        intent: &OpenIntent,
        listener: &mut dyn Listener,
    ) -> Result<Option<(Option<Remote>, u32)>, UploadError> {
        let (mut found, mut attempts) = (None, 0);
        let ids = std::iter::once(&intent.external_id).chain(&intent.from);
        for (n, id) in ids.enumerate() {
            let job = LookUp::new(&self.target, id.clone(), ());
            let (job, given_up) = self.drive_one(job, listener)?;
            if given_up.is_some() {
                return Ok(None);
            }
            attempts += job.attempts;
            match (n, job.found) {
                (0, None) => break,
                (0, person) => found = person,
                (_, Some(_)) => found = None,
                (_, None) => {}
            }
        }
        Ok(Some((found, attempts)))
    }
}

/// People who must be there.
struct Witnesses<'a> {
    people: &'a [ExternalId],
    /// Whether the LMS shows none of them, once it was asked.
    show_nobody: Option<bool>,
    is_set: &'a IsSet<'a>,
}

/// Whether a person of the LMS has these fields with these values.
pub type IsSet<'a> = dyn Fn(SetFields, &Remote) -> bool + 'a;

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
    /// The target could not say whether the person is there, or shows nobody at all.
    Unanswered,
}

impl Settlement {
    /// Whether what was sent may still have an effect.
    #[must_use]
    pub const fn may_land(self) -> bool {
        matches!(self, Self::Invalidated | Self::NotDone)
    }
}

/// Notes that what was acknowledged of the person may hold no more.
fn invalidate(intent: &OpenIntent, recorder: &RunRecorder) -> Result<(), UploadError> {
    let RunRecorder { writer, run, .. } = recorder;
    let may_be_set = intent.set.map(|set| Acknowledged::MayBeSet(set.fields));
    let invalidated = std::iter::once(Acknowledged::Invalidated).chain(may_be_set);
    let invalidated = invalidated.collect();
    Ok(writer.acknowledge(*run, &intent.external_id, invalidated)?)
}

/// The outcome of an intent whose person was looked up, and the person's state.
/// The content is not known: a later run compares it.
fn outcome_after_look_up(
    intent: &OpenIntent,
    found: Option<Remote>,
    is_set: &IsSet<'_>,
) -> (Outcome, Option<PersonNow>) {
    let now = |state, remote_id| {
        Some(PersonNow {
            remote_id,
            fingerprint: None,
            state,
            acknowledged: Vec::new(),
            fingerprints: None,
        })
    };
    match (intent.action, found) {
        (Action::Create, Some(person)) => {
            let person = now(PersonState::Active, Some(person.id));
            (Outcome::Created, person)
        }
        (Action::Adopt, Some(person)) => {
            let person = now(PersonState::Active, Some(person.id));
            (Outcome::Updated, person)
        }
        (Action::Rekey, Some(person)) => {
            let state = if person.cannot_sign_in() {
                PersonState::Inactive
            } else {
                PersonState::Active
            };
            (Outcome::Updated, now(state, Some(person.id)))
        }
        (Action::Deactivate, Some(person)) if person.cannot_sign_in() => {
            let person = now(PersonState::Inactive, Some(person.id));
            (Outcome::Deactivated, person)
        }
        (Action::Set, Some(person)) if intent.set.is_some_and(|set| is_set(set, &person)) => {
            let person = now(PersonState::Set, Some(person.id));
            (Outcome::Set, person)
        }
        (Action::Set, None) => (Outcome::Set, now(PersonState::Deleted, None)),
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
            hold: intent.hold,
            may_land: None,
            rekeyed_from: (intent.from.clone()).filter(|_| outcome == Outcome::Updated),
        },
    )?;
    Ok(())
}
