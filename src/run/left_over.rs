//! What interrupted runs left: rows that are settled, and changes whose outcome
//! is unknown.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::doubts::kind_of;
use super::lost::WITNESSES;
use super::{RunError, Stages};
use crate::journal::{
    Doubt, FeedKey, Journal, JournalError, Known, OpenIntent, PersonState, Run, RunChange, Scope,
    SettledRow,
};
use crate::mapping::{FieldSet, set_fields};
use crate::model::{Action, Exit, ExternalId, FingerprintKey, Outcome, RunState, SetFields};
use crate::plan::{LeftAlone, RowIndex, RowState, RowTable};
use crate::schema::System;
use crate::targets::Remote;
use crate::upload::{LeftOver, RunRecorder, Settlement};

/// The answers of the look-ups of people that older runs of the scope left
/// unknown. A run also records them; a plan has them here only.
#[derive(Debug, Default)]
pub(super) struct LeftOvers {
    /// What is known of these people, who must be compared again.
    people: HashMap<ExternalId, NowKnown>,
    /// People about whom the target gave no answer.
    pub(super) unanswered: Vec<ExternalId>,
    /// People who may have been created, and whom the LMS does not show.
    pub(super) absent: HashSet<ExternalId>,
    /// What may still land, where no run records it.
    pub(super) doubts: Vec<Doubt>,
}

/// What is known now of a person whom a run left.
#[derive(Clone, Copy, Debug)]
struct NowKnown {
    /// `None` where it is what the journal has.
    state: Option<PersonState>,
    /// The feed of the run.
    feed: FeedKey,
    /// Fields that the run may have written for the person as a leaver.
    set_fields: u64,
}

impl LeftOvers {
    fn add(&mut self, left: LeftOver, feed: FeedKey) {
        let id = left.intent.external_id;
        let now = |state| NowKnown {
            state,
            feed,
            set_fields: left.intent.set.map_or(0, |set| set.fields),
        };
        match left.settlement {
            Settlement::Stands(state) => {
                self.people.insert(id, now(Some(state)));
                // Nobody has it any more, unless another rekey gave it on.
                if let Some(from) = left.intent.from {
                    let gone = now(Some(PersonState::Deleted));
                    self.people.entry(from).or_insert(gone);
                }
            }
            // An update may have let a leaver in again, who would keep the access.
            Settlement::Invalidated if left.intent.action == Action::Update => {
                self.people.insert(id, now(Some(PersonState::Active)));
            }
            Settlement::Invalidated => drop(self.people.insert(id, now(None))),
            Settlement::NotDone => drop(self.absent.insert(id)),
            Settlement::Unanswered => self.unanswered.push(id),
        }
    }

    /// The person is there after all: a write of that feed was carried out late.
    pub(super) fn applied(&mut self, external_id: ExternalId, feed: FeedKey) {
        let there = NowKnown {
            state: Some(PersonState::Active),
            feed,
            set_fields: 0,
        };
        self.people.insert(external_id, there);
    }

    /// A person of the journal, corrected by the look-ups.
    pub(super) fn apply<'k>(&mut self, known: Known<'k>) -> Known<'k> {
        if self.people.is_empty() {
            return known;
        }
        match self.people.remove(&ExternalId::known(known.external_id)) {
            Some(now) => Known {
                fingerprint: None,
                set_fields: known.set_fields | now.set_fields,
                state: now.state.unwrap_or(match known.state {
                    PersonState::Deleted => PersonState::Active,
                    state => state,
                }),
                feed: Some(now.feed),
                other_feed: known
                    .feed
                    .filter(|before| *before != now.feed && known.absent_from.is_none())
                    .or(known.other_feed),
                absent_from: None,
                ..known
            },
            None => known,
        }
    }

    /// The people who were not in the journal.
    pub(super) fn rest(&self) -> impl Iterator<Item = Known<'_>> {
        self.people.iter().map(|(id, now)| Known {
            external_id: id.as_str(),
            remote_id: None,
            fingerprint: None,
            state: now.state.unwrap_or(PersonState::Active),
            feed: Some(now.feed),
            other_feed: None,
            is_keyed: false,
            is_protected: false,
            has_fields: false,
            absent_from: None,
            set_fields: now.set_fields,
        })
    }
}

impl Stages<'_> {
    /// Marks the rows that the resumed run has settled or left unknown.
    /// Returns the external IDs so far of people whom it may have renumbered.
    pub(super) fn mark_resumed(&self, rows: &mut RowTable) -> Result<Vec<ExternalId>, RunError> {
        let mut renumbered = Vec::new();
        let (Some(run), Some(journal)) = (&self.resumed, &self.journal) else {
            return Ok(renumbered);
        };
        journal.settled_rows(run.id, |settled| {
            if let Some(row) = rows.at(settled.row) {
                mark(rows, row, &settled);
            }
            Ok::<_, JournalError>(ControlFlow::Continue(()))
        })?;
        journal.rows_awaiting_groups(run.id, |(number, done)| {
            if let Some(row) = rows.at(number) {
                rows.await_groups(row, done);
            }
            Ok::<_, JournalError>(ControlFlow::Continue(()))
        })?;
        for intent in journal.open_intents(run.id)? {
            if let Some(row) = intent.row.and_then(|number| rows.at(number)) {
                rows.mark_unknown(row, intent.action);
                if let Some(from) = intent.from {
                    rows.note_renumbered(row, from.as_str());
                    renumbered.push(from);
                }
                if let Some(hold) = intent.hold {
                    rows.detail_mut(row).hold = Some(hold.number());
                }
                if let Some(account) = &intent.account {
                    rows.note_account_of(row, account);
                }
            }
        }
        Ok(renumbered)
    }

    /// Looks up what older runs of the scope left unknown, and the leavers of the run that
    /// is being resumed: guards and decisions judge what is still to be done, not what may
    /// be done already. A run supersedes the older ones.
    pub(super) fn settle_older_runs(&mut self) -> Result<LeftOvers, RunError> {
        let mut left_overs = LeftOvers::default();
        let Some(journal) = &self.journal else {
            return Ok(left_overs);
        };
        let recorder = self.notes.recorder().cloned();
        let (key, system) = (self.bound.fingerprint_key(), self.settings.system);
        let is_set = |set: SetFields, person: &Remote| is_set(key, system, set, person);
        // A plan holds no lock: the open rows of a run under way are not left
        // over.
        if recorder.is_none() && journal.is_under_way(&self.scope) {
            return Ok(left_overs);
        }
        for old in journal.unfinished_runs(&self.scope)? {
            let is_own = recorder.as_ref().is_some_and(|this| this.run == old.id);
            let mut intents = journal.open_intents(old.id)?;
            // Its rows are read back before they are sent again.
            intents.retain(|intent| !is_own || intent.action.is_for_leaver());
            let is_settled = intents.is_empty() || {
                let doubts = doubts_of(&old, &intents, self.clock.now());
                self.notes.doubts(doubts.clone())?;
                let begun = intents.iter().map(|it| &it.external_id);
                let witnesses = witnesses_beside(journal, &self.scope, begun)?;
                let of_old = recorder.as_ref().map(|this| RunRecorder {
                    writer: this.writer.clone(),
                    run: old.id,
                    clock: this.clock,
                });
                let left = self.uploader.settle_left_over(
                    intents,
                    (&witnesses, &is_set),
                    of_old.as_ref(),
                    &mut self.listener,
                )?;
                let feed = FeedKey::of_mapping(&old.start.mapping_path);
                let unanswered = left_overs.unanswered.len();
                for (left, doubt) in left.into_iter().zip(doubts) {
                    if recorder.is_none() && left.settlement.may_land() {
                        left_overs.doubts.push(doubt);
                    }
                    left_overs.add(left, feed);
                }
                // If not, the next run asks again.
                left_overs.unanswered.len() == unanswered
            };
            if let (true, false, Some(recorder)) = (is_settled, is_own, &recorder) {
                supersede(&old, recorder)?;
            }
        }
        if let Some(recorder) = &recorder {
            // Those that ended before they changed anything, with another key or
            // address.
            let failed = journal.failed_with(&self.mapping_path(), Exit::Repair.code())?;
            for old in failed.iter().filter(|old| old.start.scope != self.scope) {
                supersede(old, recorder)?;
            }
        }
        Ok(left_overs)
    }
}

/// A few known people for whom nothing was begun: the LMS must show them.
pub(super) fn witnesses_beside<'i>(
    journal: &Journal,
    scope: &Scope,
    begun: impl Iterator<Item = &'i ExternalId>,
) -> Result<Vec<ExternalId>, JournalError> {
    let begun: HashSet<_> = begun.map(ExternalId::as_str).collect();
    let mut witnesses = Vec::new();
    journal.people(scope, |person| {
        if person.state == PersonState::Active && !begun.contains(person.external_id) {
            witnesses.push(ExternalId::known(person.external_id));
        }
        Ok::<_, JournalError>(if witnesses.len() < WITNESSES {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    Ok(witnesses)
}

/// What of a run may still land. One of an older hrfeed does not say when it sent
/// something last.
fn doubts_of(old: &Run, intents: &[OpenIntent], now: Timestamp) -> Vec<Doubt> {
    let sent = old.sent_until.or(old.ended).unwrap_or(now);
    let feed = Some(FeedKey::of_mapping(&old.start.mapping_path));
    let doubts = intents.iter().map(|intent| Doubt {
        external_id: intent.external_id.clone(),
        sent,
        kind: kind_of(intent.action),
        feed,
    });
    doubts.collect()
}

/// Marks a row of which the resumed run has an outcome. What it decided without the LMS
/// is decided again.
fn mark(rows: &mut RowTable, row: RowIndex, settled: &SettledRow) {
    let left_alone = [LeftAlone::Protected, LeftAlone::Refused].map(LeftAlone::code);
    let code = settled.code.as_deref();
    match settled.outcome {
        Outcome::Rejected | Outcome::Failed if settled.was_sent => rows.mark_not_done(row),
        // A release that counted such rows recorded it.
        Outcome::Rejected if rows.state(row) == RowState::Superseded => rows.mark_not_done(row),
        Outcome::Rejected | Outcome::Failed => {}
        _ if code.is_some_and(|code| left_alone.contains(&code)) => {}
        _ => rows.mark_settled(row),
    }
}

/// Whether the LMS shows the fields of a person with the values that a leaver was to get.
fn is_set(key: &FingerprintKey, system: System, set: SetFields, person: &Remote) -> bool {
    let names = FieldSet::of_bits(set.fields).names(system);
    let shown: Option<Vec<_>> = names
        .map(|name| Some((name, person.get(name)?.to_owned())))
        .collect();
    shown.is_some_and(|shown| set_fields(key, system, &shown) == set)
}

fn supersede(old: &Run, by: &RunRecorder) -> Result<(), JournalError> {
    by.writer.update_run(
        old.id,
        RunChange {
            state: Some(RunState::Superseded),
            message: Some(format!("replaced by run {}", by.run)),
            ..RunChange::default()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::OpenIntent;

    const ID: &str = "E7";

    fn left(settlement: Settlement) -> LeftOvers {
        let mut left_overs = LeftOvers::default();
        let intent = OpenIntent {
            row: None,
            external_id: ExternalId::known(ID),
            action: Action::Create,
            from: None,
            account: None,
            hold: None,
            attempts: 0,
            set: None,
        };
        left_overs.add(LeftOver { intent, settlement }, feed("old"));
        left_overs
    }

    fn feed(name: &str) -> FeedKey {
        FeedKey::of_mapping(name)
    }

    fn known(state: PersonState) -> Known<'static> {
        Known {
            external_id: ID,
            remote_id: None,
            fingerprint: Some(1),
            state,
            feed: Some(feed("new")),
            other_feed: None,
            is_keyed: false,
            is_protected: false,
            has_fields: false,
            absent_from: None,
            set_fields: 0,
        }
    }

    #[test]
    fn what_a_look_up_said_stands_before_what_the_journal_holds() {
        let gone = left(Settlement::Stands(PersonState::Deleted)).apply(known(PersonState::Active));
        assert_eq!((gone.state, gone.fingerprint), (PersonState::Deleted, None));
        let back = left(Settlement::Invalidated).apply(known(PersonState::Deleted));
        assert_eq!((back.state, back.fingerprint), (PersonState::Active, None));
        let as_is = left(Settlement::NotDone).apply(known(PersonState::Active));
        assert_eq!(as_is, known(PersonState::Active));
    }

    #[test]
    fn a_run_that_has_recorded_it_sees_the_same_as_a_plan_that_has_not() {
        for settlement in [
            Settlement::Stands(PersonState::Inactive),
            Settlement::Invalidated,
        ] {
            let planned = left(settlement).apply(known(PersonState::Active));
            assert_eq!(planned.feed, Some(feed("old")));
            assert_eq!(planned.other_feed, Some(feed("new")));
            // The journal holds that by now.
            assert_eq!(left(settlement).apply(planned), planned);
        }
    }

    #[test]
    fn whoever_was_rekeyed_is_not_there_under_the_former_external_id() {
        let rekey = |from: &str, to: &str| LeftOver {
            intent: OpenIntent {
                row: None,
                external_id: ExternalId::known(to),
                action: Action::Rekey,
                from: Some(ExternalId::known(from)),
                account: None,
                hold: None,
                attempts: 0,
                set: None,
            },
            settlement: Settlement::Stands(PersonState::Active),
        };
        // In whatever order they come: E7 was given on.
        for chain in [[("E6", ID), (ID, "E8")], [(ID, "E8"), ("E6", ID)]] {
            let mut left_overs = LeftOvers::default();
            for (from, to) in chain {
                left_overs.add(rekey(from, to), feed("old"));
            }
            let mut state = |external_id| {
                let known = Known {
                    external_id,
                    ..known(PersonState::Active)
                };
                left_overs.apply(known).state
            };
            let states = ["E6", ID, "E8"].map(&mut state);
            let active = PersonState::Active;
            assert_eq!(states, [PersonState::Deleted, active, active]);
        }
    }

    #[test]
    fn whoever_the_journal_does_not_hold_is_there_all_the_same() {
        let created = left(Settlement::Stands(PersonState::Active));
        let rest: Vec<_> = created.rest().map(|person| person.external_id).collect();
        assert_eq!(rest, [ID]);
        let unanswered = left(Settlement::Unanswered);
        assert_eq!(unanswered.unanswered.len(), 1);
    }
}
