//! The proof of a run: what it did, held against what the LMS shows.
//!
//! # Invariants
//!
//! - A proof changes nothing, and one that cannot be made is not a failure of the
//!   run: the run's notes say so.
//! - Its list costs at most one request in a hundred changes and two more, or five
//!   where that is more; up to five people are looked up besides. What `--verify`
//!   asks for is the caller's choice and comes on top.
//! - People count whom the run gave their external ID; in a list of those who are
//!   new also everybody else with an external ID, and people without one only
//!   where they share something with one who counts.

use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};

use super::roster::Roster;
use super::{RunError, Stages, read_run};
use crate::journal::{
    Journal, JournalError, PersonState, RowFilter, Run, RunId, Scope, SeenPerson,
};
use crate::model::{Action, ExternalId, Outcome, Proof, Twice, counted};
use crate::plan::RowTable;
use crate::upload::{Known, NewPeople, Question, UploadError};

/// How long before the start of the run the list of new people begins: a look-up
/// before the first change may have missed a person who was being created.
const BEFORE_START: SignedDuration = SignedDuration::from_mins(1);

/// The requests that a proof may always take.
const MIN_CALLS: u64 = 5;

/// How many people are looked up whom the list does not show.
const MAX_LOOKED_UP: u64 = 5;

/// What a run has changed, so far as a proof goes by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Changes {
    created: u64,
    /// People who were there before and got an external ID, or another one.
    given_id: u64,
    all: u64,
}

impl Changes {
    fn of(journal: &Journal, run: &Run) -> Result<Self, JournalError> {
        let counts = run.counts;
        let mut changes = Self {
            created: counts.created,
            given_id: 0,
            all: counts.changed(),
        };
        if counts.updated > 0 {
            let updated = RowFilter {
                outcomes: vec![Outcome::Updated],
            };
            journal.rows(run.id, &updated, |row| {
                changes.given_id += u64::from(gives_id(row.action));
                Ok::<_, JournalError>(ControlFlow::Continue(()))
            })?;
        }
        Ok(changes)
    }

    /// The requests that a proof of them is worth: the pages of those who are new,
    /// and one that shows the end of the list.
    fn max_calls(self) -> u64 {
        (self.all / 100 + 2).max(MIN_CALLS)
    }
}

/// Why a proof could not be made: a fragment of a sentence.
type NotProved = String;

impl Stages<'_> {
    /// Reads back what the run did, as far as that is cheap or asked for.
    pub(super) fn prove(&mut self, rows: &RowTable, run: RunId) -> Result<(), RunError> {
        let journal = self.journal()?.again()?;
        let run = read_run(&journal, run)?;
        let changes = Changes::of(&journal, &run)?;
        let calls = self.uploader.calls().total;
        let mut proof = Proof::default();
        let mut is_proved = false;
        if changes.created + changes.given_id > 0 || !self.sent_twice.is_empty() {
            let found = self.look_for_duplicates(&journal, &run, (changes, &mut proof));
            is_proved |= self.note_proved(found)?;
        }
        if self.verify.is_some() && changes.all > 0 {
            let verified = self.verify(&journal, &run, rows, &mut proof);
            is_proved |= self.note_proved(verified)?;
        }
        proof.requests = self.uploader.calls().total - calls;
        // What was found is true, whatever could not be looked at.
        self.proof = (is_proved || proof.mismatches() > 0).then_some(proof);
        Ok(())
    }

    /// Notes why a part of the proof could not be made. Returns whether it was.
    fn note_proved(
        &mut self,
        proved: Result<Result<(), NotProved>, RunError>,
    ) -> Result<bool, RunError> {
        let why = match proved {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(why)) => why,
            // The run is done, whatever stops this.
            Err(RunError::Halted(halt)) => halt.to_string(),
            Err(RunError::StoppedReading) => self.stop.why().to_string(),
            Err(error) => return Err(error),
        };
        self.remarks.push(format!("not verified: {why}"));
        Ok(false)
    }

    /// Reads who is new on the LMS: is each person of this run there, and does
    /// anybody have the external ID or the login of somebody else? Where not everybody
    /// could be looked at, what was found is in `proof`.
    fn look_for_duplicates(
        &mut self,
        journal: &Journal,
        run: &Run,
        (changes, proof): (Changes, &mut Proof),
    ) -> Result<Result<(), NotProved>, RunError> {
        let mut roster = Roster::new(self.settings.system, super::seed());
        let mut add = |people: &[_]| {
            for person in people {
                roster.add(person);
            }
            Ok(())
        };
        // By the run's own clock, which may be another one.
        let began = run.start.started;
        let from = self.twice_since().map_or(began, |since| since.min(began));
        let under_way = self.clock.now().duration_since(from);
        let since = since(self.uploader.lms_now(), under_way);
        let max_calls = changes.max_calls() + self.calls_for_sent_twice();
        let listed = self
            .uploader
            .created_since(since, max_calls, &mut add, &mut self.listener)?;
        let is_recent = match listed {
            NewPeople::Listed { is_recent } => is_recent,
            NewPeople::TooLong => {
                let requests = counted(max_calls, "request", "requests");
                let why = format!("the list of new people in the LMS takes more than {requests}");
                return Ok(Err(why));
            }
            NewPeople::Refused { status } => {
                let why = format!("the LMS does not list its new people (HTTP {status})");
                return Ok(Err(why));
            }
        };
        roster.seal();
        let hidden = mark_own(journal, run.id, &mut roster)?;
        let single = self.mark_sent_twice(&mut roster);
        let looked_up = self.look_up_hidden(&hidden)?;
        let proved = looked_up.in_words(&hidden);
        if looked_up.stand_for_all(&hidden) {
            each_new_id(journal, run.id, |id, is_created| {
                if is_created && roster.ids_of(id).next().is_none() {
                    proof.add_missing(id);
                }
            })?;
        } else {
            looked_up
                .missing
                .iter()
                .for_each(|id| proof.add_missing(id));
        }
        for twice in roster.external_ids_twice(is_recent) {
            proof.add_twice(twice);
        }
        if is_recent {
            let known = (journal, &self.scope);
            add_known_twice(known, &roster, &single, proof)?;
        }
        for twice in roster.logins_twice(is_recent) {
            proof.add_twice(twice);
        }
        if proved.is_ok() {
            self.note_single(&single)?;
            proof.checked = changes.created;
            proof.new_people = changes.created;
            proof.searched_duplicates = true;
        } else if proof.mismatches() > 0 {
            proof.checked = changes.created.saturating_sub(hidden.all) + looked_up.answered;
            proof.searched_duplicates = !proof.twice.is_empty();
        }
        Ok(proved)
    }

    /// Since when those may have been created whose create an earlier run sent twice: some
    /// LMS date an account by when they received the create.
    fn twice_since(&self) -> Option<Timestamp> {
        let first = self.sent_twice.iter().map(|it| it.since).min()?;
        Some(first.checked_sub(self.uploader.window()).unwrap_or(first))
    }

    /// The requests that it is worth to look at them again: for those who were created
    /// beside them meanwhile.
    fn calls_for_sent_twice(&self) -> u64 {
        if self.sent_twice.is_empty() {
            return 0;
        }
        let meanwhile = self.uploader.window().as_secs_f64() + BEFORE_START.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is positive and bounded"
        )]
        let created = (self.settings.requests_per_second * meanwhile) as u64;
        created / 100 + 2
    }

    /// Marks those whose create an earlier run sent twice. Returns those who are there
    /// once, or no more.
    fn mark_sent_twice(&self, roster: &mut Roster) -> Vec<SeenPerson> {
        let mut single = Vec::new();
        for twice in &self.sent_twice {
            let id = twice.external_id.as_str();
            roster.mark(id);
            let mut accounts = roster.ids_of(id);
            let account = accounts.next().map(str::to_owned);
            if accounts.next().is_none() {
                single.push(SeenPerson {
                    external_id: id.to_owned(),
                    remote_id: account,
                    fingerprint: None,
                    is_ambiguous: false,
                    fingerprints: None,
                });
            }
        }
        single
    }

    /// Whose create went out twice is there once: no later run asks again.
    fn note_single(&self, single: &[SeenPerson]) -> Result<(), JournalError> {
        let ids = single.iter().map(|it| it.external_id.clone()).collect();
        let there = single.iter().filter(|it| it.remote_id.is_some());
        self.notes.listed(there.cloned().collect())?;
        self.notes.not_twice(ids)
    }

    /// Looks up people of this run whom the list does not show: a list can lag, or
    /// have shifted under the reader.
    fn look_up_hidden(&mut self, hidden: &Hidden) -> Result<LookUpReplies, RunError> {
        let mut looked_up = LookUpReplies::default();
        if !hidden.some.is_empty() {
            let questions = hidden.some.iter().cloned().map(Question::of).collect();
            let mut answer = |question: Question<()>, known| {
                match known {
                    Known::There(_) => {}
                    Known::NotFound => looked_up.missing.push(question.external_id.to_string()),
                    Known::NotAnswered { .. } => return Ok(()),
                }
                looked_up.answered += 1;
                Ok::<_, UploadError>(())
            };
            let listener = &mut self.listener;
            let asked = self
                .uploader
                .hurried(|it| it.ask_all(questions, &mut answer, listener));
            match asked.map_err(RunError::from) {
                Ok(()) => {}
                Err(RunError::Halted(halt)) => looked_up.halted = Some(halt.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(looked_up)
    }
}

/// People whom this run created and the list does not show.
#[derive(Debug, Default)]
struct Hidden {
    /// The first of them, to be looked up.
    some: Vec<ExternalId>,
    all: u64,
}

/// What the LMS said of those who were looked up.
#[derive(Debug, Default)]
struct LookUpReplies {
    missing: Vec<String>,
    /// How many it said anything of.
    answered: u64,
    /// Why no more were asked for.
    halted: Option<String>,
}

impl LookUpReplies {
    /// Whether it has none of the many who are hidden, since it has none of some.
    fn stand_for_all(&self, hidden: &Hidden) -> bool {
        let some = hidden.some.len();
        self.missing.len() == some && hidden.all > some as u64
    }

    /// Whether it is known of everybody who is hidden.
    fn in_words(&self, hidden: &Hidden) -> Result<(), NotProved> {
        let all = counted(hidden.all, "new person", "new people");
        let are_all = hidden.all == hidden.some.len() as u64;
        match &self.halted {
            Some(why) => Err(why.clone()),
            None if self.answered < hidden.some.len() as u64 => {
                Err(format!("the list of the LMS does not show {all}"))
            }
            None if are_all || self.stand_for_all(hidden) => Ok(()),
            None => {
                let why = format!("the list of the LMS does not show {all}, though some are there");
                Err(why)
            }
        }
    }
}

/// The moment from which people are new, by the LMS's clock, for a run that began
/// so long ago.
fn since(now: Timestamp, under_way: SignedDuration) -> Timestamp {
    let start = now.checked_sub(under_way);
    let since = start.and_then(|start| start.checked_sub(BEFORE_START));
    // Beyond all calendars only with a clock that is.
    since.unwrap_or(now)
}

/// Whether a change gives an external ID to a person who was there before.
fn gives_id(action: Option<Action>) -> bool {
    matches!(action, Some(Action::Adopt | Action::Rekey))
}

/// Hands out the people to whom the run gave an external ID, and whether it created
/// them.
fn each_new_id(
    journal: &Journal,
    run: RunId,
    mut each: impl FnMut(&str, bool),
) -> Result<(), JournalError> {
    let changed = RowFilter {
        outcomes: vec![Outcome::Created, Outcome::Updated],
    };
    journal.rows(run, &changed, |row| {
        let is_created = row.outcome == Outcome::Created;
        if let (Some(id), true) = (&row.external_id, is_created || gives_id(row.action)) {
            each(id, is_created);
        }
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })
}

/// Marks the people to whom the run gave an external ID. Returns those whom it
/// created and the list does not show.
fn mark_own(journal: &Journal, run: RunId, roster: &mut Roster) -> Result<Hidden, JournalError> {
    let mut hidden = Hidden::default();
    each_new_id(journal, run, |id, is_created| {
        if !roster.mark(id) && is_created {
            hidden.all += 1;
            if hidden.all <= MAX_LOOKED_UP {
                hidden.some.push(ExternalId::known(id));
            }
        }
    })?;
    Ok(hidden)
}

/// Adds people who were created lately with the external ID of somebody who is
/// known as another person.
fn add_known_twice(
    (journal, scope): (&Journal, &Scope),
    roster: &Roster,
    single: &[SeenPerson],
    proof: &mut Proof,
) -> Result<(), JournalError> {
    journal.people(scope, |known| {
        let id = known.external_id;
        // Of two accounts that were made for one person somebody deleted the other.
        if single.iter().any(|it| it.external_id == id) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut others = roster.ids_of(id).peekable();
        if let (Some(before), true, Some(_)) = (
            known.remote_id,
            known.state != PersonState::Deleted,
            others.peek(),
        ) && roster.ids_of(id).all(|other| other != before)
        {
            let people = std::iter::once(before).chain(others);
            proof.add_twice(Twice {
                external_id: Some(id.to_owned()),
                field: Twice::EXTERNAL_ID.into(),
                people: people.map(str::to_owned).collect(),
                external_ids: vec![id.to_owned()],
            });
        }
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_costs_one_request_in_a_hundred_changes_and_the_end_of_the_list() {
        let max_calls = |all| {
            let changes = Changes {
                all,
                ..Changes::default()
            };
            changes.max_calls()
        };
        let costs = [1, 300, 301, 1_000, 100_000].map(max_calls);
        assert_eq!(costs, [5, 5, 5, 12, 1_002]);
    }

    #[test]
    fn new_people_are_those_since_a_minute_before_the_start_by_the_clock_of_the_lms() {
        let now = "2026-11-26T02:30:00Z".parse().unwrap();
        let begun = since(now, SignedDuration::from_mins(30));
        assert_eq!(begun, "2026-11-26T01:59:00Z".parse().unwrap());
        assert_eq!(since(now, SignedDuration::MAX), now);
    }
}
