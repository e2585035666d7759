//! Which people exist already? Asked before the first create, by the cheaper
//! way: page by page, or person by person.

use jiff::SignedDuration;

use super::prepare::Unanswered;
use super::reading::{hand_over, read_while};
use super::{RunError, Stages};
use crate::event::Event;
use crate::journal::SeenPerson;
use crate::mapping::Bound;
use crate::plan::{self, Found, Item, RowState, RowTable, Wanted, replay};
use crate::targets::{self, Remote, Target};
use crate::upload::{Halt, Known, Listed, Question};

/// How long a resumed run trusts its first survey: others may have created people
/// meanwhile.
const SURVEY_VALID_FOR: SignedDuration = SignedDuration::from_hours(12);

/// Up to this number people are always looked up one by one: a listing cannot
/// cost less.
const ASK_EACH_UP_TO: u64 = 1;

impl Stages<'_> {
    /// Asks the LMS about the people who are not in the journal, and notes in
    /// `rows` who is there.
    ///
    /// Returns the rows about which it gave no answer. They are
    /// [`RowState::Settled`] then, since a create could be a duplicate.
    pub(super) fn survey(&mut self, rows: &mut RowTable) -> Result<Vec<Unanswered>, RunError> {
        let adopts = self.bound.mapping().adopt.is_some();
        // People to adopt are seen in the list only.
        let surveyed_at = self.resumed.as_ref().and_then(|run| run.surveyed_at);
        let surveyed_at = surveyed_at.filter(|_| !adopts);
        if surveyed_at.is_some_and(|at| self.clock.now().duration_since(at) < SURVEY_VALID_FOR) {
            return Ok(Vec::new());
        }
        let interrupted = rows.count(RowState::UnknownCreate) + rows.count(RowState::UnknownAdopt);
        let unknown = rows.count(RowState::New) + if adopts { interrupted } else { 0 };
        let mut unanswered = Vec::new();
        if unknown > 0 {
            self.listener.on_event(&Event::SurveyStarted {
                unknown_people: unknown,
            });
            if adopts {
                self.list_for_adoption(rows)?;
            } else if unknown <= ASK_EACH_UP_TO || self.list(rows, Some(unknown))? != Listed::All {
                unanswered = self.ask_each(rows)?;
            }
        }
        // Before the survey counts as done, or a resumed run would take these rows
        // for joiners.
        self.notes.unanswered(&unanswered)?;
        self.notes.surveyed()?;
        Ok(unanswered)
    }

    /// Compares everybody on the LMS with the rows. People without an external ID
    /// are seen in no other way.
    fn list_for_adoption(&mut self, rows: &mut RowTable) -> Result<(), RunError> {
        if self.list(rows, None)? != Listed::All {
            let moved = Halt::Outage {
                why: "people kept being deleted while the LMS listed them".into(),
                down: std::time::Duration::ZERO,
                ever_up: true,
            };
            return Err(moved.into());
        }
        rows.adopt();
        Ok(())
    }

    fn list(&mut self, rows: &mut RowTable, max_calls: Option<u64>) -> Result<Listed, RunError> {
        let target = targets::of(self.settings.system);
        let (bound, notes) = (&self.bound, &self.notes);
        let mut note_page = |people: &[Remote]| {
            let seen = people
                .iter()
                .filter_map(|person| note(&*target, bound, rows, person));
            Ok(notes.seen(seen.collect())?)
        };
        Ok(self
            .uploader
            .everybody(max_calls, &mut note_page, self.listener)?)
    }

    fn ask_each(&mut self, rows: &mut RowTable) -> Result<Vec<Unanswered>, RunError> {
        let (feed, bound, notes) = (&mut self.feed, &self.bound, &self.notes);
        let (uploader, listener) = (&mut self.uploader, &mut *self.listener);
        let (mut present, mut unanswered) = (Vec::new(), Vec::new());
        let reading = &*rows;
        let read = |sender| {
            replay(feed, bound, reading, Wanted::New, &[], |items| {
                for item in items {
                    if let Item::Change(change) = item {
                        let external_id = change.content.external_id.clone();
                        let about = change;
                        hand_over(&sender, Question { external_id, about })?;
                    }
                }
                Ok::<_, RunError>(())
            })
        };
        let ask = |questions| {
            let mut answer = |question: Question<Box<plan::Change>>, known| {
                let (change, external_id) = (question.about, question.external_id);
                match known {
                    Known::There(person) => {
                        let content = &change.content;
                        // The answer shows no pictures, rights and groups, and
                        // hrfeed gave none.
                        let is_same = person.is_as(content)
                            && content.sets.is_empty()
                            && content.picture.is_none()
                            && !person.is_archived;
                        notes.seen(vec![SeenPerson {
                            external_id: external_id.as_str().to_owned(),
                            remote_id: Some(person.id),
                            fingerprint: is_same.then_some(change.fingerprint),
                            is_ambiguous: false,
                            fingerprints: None,
                        }])?;
                        present.push((change.index, is_same));
                    }
                    Known::NotFound => {}
                    Known::NotAnswered {
                        no_answer,
                        attempts,
                    } => unanswered.push((
                        change.index,
                        Unanswered {
                            row: change.row,
                            external_id,
                            attempts,
                            why: format!(
                                "the LMS could not say whether the person exists ({})",
                                no_answer.why()
                            ),
                        },
                    )),
                }
                Ok(())
            };
            Ok(uploader.ask_each(questions, &mut answer, listener)?)
        };
        read_while(16, &self.stop, read, ask)?;
        for (row, is_same) in present {
            rows.mark_present(row, is_same);
        }
        let unanswered = unanswered.into_iter().map(|(row, unanswered)| {
            rows.mark_settled(row);
            unanswered
        });
        Ok(unanswered.collect())
    }
}

/// Compares a listed person with the rows. Returns what the journal should
/// remember.
fn note(
    target: &dyn Target,
    bound: &Bound<'_>,
    rows: &mut RowTable,
    person: &Remote,
) -> Option<SeenPerson> {
    let mapping = bound.mapping();
    let Some(external_id) = person.external_id.as_deref() else {
        if let (Some(field), Some(by)) = (mapping.adopt, mapping.adopt_by())
            && let Some(value) = person.get(by).filter(|value| !value.is_empty())
            && let Some(handle) = target.handle(person, by)
        {
            rows.note_candidate(field, value, &person.id, handle);
        }
        return None;
    };
    let found = rows.note_found(external_id, &person.id, |shape| {
        plan::fingerprint_of_listed(bound, shape, external_id, |field| person.get(field))
    })?;
    Some(SeenPerson {
        external_id: external_id.to_owned(),
        remote_id: Some(person.id.clone()),
        fingerprint: match found {
            Found::Same(row) => Some(rows.fingerprint(row)),
            Found::Differs | Found::Several | Found::Variant => None,
        },
        is_ambiguous: found == Found::Several,
        fingerprints: None,
    })
}
