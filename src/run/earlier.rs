//! What people are like before a run that can be undone changes them.
//!
//! # Invariants
//!
//! - What is kept of a person is on disk, sealed, before the first write of the run.
//! - For people about whom the LMS gave no answer, nothing is sent.

use super::prepare::{Prepared, Unanswered};
use super::reading::{hand_over, read_while};
use super::seal::{CannotSeal, Sealer};
use super::{RunError, Stages};
use crate::event::Event;
use crate::journal::{Journal, PersonState, Scope, Settled};
use crate::mapping::{LeaverFields, Leavers};
use crate::model::{Action, Earlier, ExternalId, Outcome, RowNumber};
use crate::plan::{Asked, Change, Item, RowIndex, Wanted, WorkOf, replay_as};
use crate::schema::{Part, System};
use crate::targets::{self, Remote};
use crate::upload::{Known, Question, RunRecorder, UploadError};

/// How many people are asked for, and written, at a time.
const AT_ONCE: usize = 1_000;

/// Somebody who is about to be changed.
struct Changing {
    row: Option<(RowIndex, RowNumber)>,
    external_id: ExternalId,
    /// The external ID until now.
    known_as: ExternalId,
    /// Nobody is there, as far as is known.
    is_joiner: bool,
    earlier: Earlier,
    /// What the journal says of the person.
    state: Option<PersonState>,
    /// All that the LMS shows is kept, and not only what is written.
    keeps_all: bool,
}

/// Somebody whose earlier values could not be read, and why.
type NotRead = (Option<RowIndex>, Unanswered);

impl Stages<'_> {
    /// Reads everybody whom the run is about to change, once, and keeps what the LMS shows.
    pub(super) fn keep_earlier(
        &mut self,
        prepared: &mut Prepared,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        let Some(key) = &self.undo_key else {
            return Ok(());
        };
        let run = recorder.run;
        let known = self.journal()?.undoable(run)?;
        let known = known.ok_or(RunError::NotUndoable(run))?;
        let sealer = Sealer::again(key, &known)?.ok_or(RunError::OtherUndoKey(run))?;
        let counts = &prepared.plan.counts;
        let people = counts.updated + prepared.plan.leavers.len() as u64;
        if people + counts.created == 0 {
            return Ok(());
        }
        if people > 0 {
            self.listener.on_event(&Event::EarlierStarted { people });
        }
        let mut not_read = self.keep_of_rows(prepared, &sealer, recorder)?;
        for some in prepared.plan.leavers.chunks(AT_ONCE) {
            let leavers = some.iter().map(|id| self.leaver(id));
            let leavers = leavers.collect::<Result<_, _>>()?;
            not_read.extend(self.keep_of(leavers, &sealer, recorder)?);
        }
        self.leave_out(not_read, prepared, recorder)
    }

    /// The same for the people of rows.
    fn keep_of_rows(
        &mut self,
        prepared: &Prepared,
        sealer: &Sealer,
        recorder: &RunRecorder,
    ) -> Result<Vec<NotRead>, RunError> {
        let (journal, scope) = (self.journal()?.again()?, self.scope);
        let system = self.settings.system;
        let (feed, bound) = (&mut self.feed, &self.bound);
        let (uploader, listener) = (&mut self.uploader, &mut self.listener);
        let asked = Asked {
            rows: &prepared.rows,
            wanted: Wanted::Work {
                wave: None,
                of: WorkOf::All,
            },
            these: &[],
        };
        let read = move |sender| {
            let mut some: Vec<Changing> = Vec::new();
            replay_as(
                feed,
                bound,
                &asked,
                |item| changing(&item, system),
                |items| {
                    some.extend(items.into_iter().flatten());
                    if some.len() < AT_ONCE {
                        return Ok(());
                    }
                    hand_over(&sender, std::mem::take(&mut some))
                },
            )?;
            if some.is_empty() {
                return Ok(());
            }
            hand_over(&sender, some)
        };
        let keeper = Keeper {
            journal: &journal,
            scope: &scope,
            system,
            set: bound.mapping().leaver_fields(),
            sealer,
            recorder,
        };
        read_while(2, &self.stop, read, |mut receiver| {
            let mut not_read = Vec::new();
            while let Some(some) = receiver.blocking_recv() {
                let mut ask = |questions, answer: &mut Answer<'_>| {
                    uploader.ask_all(questions, answer, listener)
                };
                not_read.extend(keeper.keep(some, &mut ask)?);
            }
            Ok(not_read)
        })
    }

    /// The same for these people.
    fn keep_of(
        &mut self,
        some: Vec<Changing>,
        sealer: &Sealer,
        recorder: &RunRecorder,
    ) -> Result<Vec<NotRead>, RunError> {
        let journal = self.journal()?.again()?;
        let (uploader, listener) = (&mut self.uploader, &mut self.listener);
        let keeper = Keeper {
            journal: &journal,
            scope: &self.scope,
            system: self.settings.system,
            set: self.bound.mapping().leaver_fields(),
            sealer,
            recorder,
        };
        let mut ask =
            |questions, answer: &mut Answer<'_>| uploader.ask_all(questions, answer, listener);
        keeper.keep(some, &mut ask)
    }

    /// A leaver, and what is about to be written.
    fn leaver(&self, id: &ExternalId) -> Result<Changing, RunError> {
        let action = match self.bound.mapping().leavers {
            Leavers::Deactivate { .. } => Action::Deactivate,
            Leavers::Delete => Action::Delete,
            Leavers::Ignore | Leavers::Set => Action::Set,
        };
        let written = match action {
            Action::Set => self.bound.for_leavers(),
            _ => Vec::new(),
        };
        let keeps_all = action == Action::Delete;
        let sets = if keeps_all {
            let given = self.journal()?.parts(&self.scope, id)?.given;
            sets_of(self.settings.system, |_| true, &given)
        } else {
            Vec::new()
        };
        Ok(Changing {
            row: None,
            external_id: id.clone(),
            known_as: id.clone(),
            is_joiner: false,
            earlier: Earlier {
                action,
                was: None,
                is_active: true,
                has_left: false,
                written: owned(&written),
                sets,
            },
            state: None,
            keeps_all,
        })
    }

    /// Sends nothing for people whose earlier values could not be read.
    fn leave_out(
        &mut self,
        not_read: Vec<NotRead>,
        prepared: &mut Prepared,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        let mut unanswered = Vec::new();
        for (row, it) in not_read {
            let Some(row) = row else {
                prepared.plan.leavers.retain(|id| *id != it.external_id);
                recorder.writer.settle(
                    recorder.run,
                    Settled {
                        attempts: it.attempts,
                        code: Some("not-answered"),
                        message: Some(format!("{}: nothing was sent", it.why)),
                        ..Settled::new(Some(it.external_id), Outcome::Failed)
                    },
                )?;
                continue;
            };
            prepared.rows.mark_not_done(row);
            unanswered.push(it);
        }
        Ok(self.notes.unanswered(&unanswered)?)
    }
}

/// Takes answers about people in.
type Answer<'a> = dyn FnMut(Question<Changing>, Known) -> Result<(), UploadError> + 'a;

/// Asks for people.
type Ask<'a> = dyn FnMut(Vec<Question<Changing>>, &mut Answer<'_>) -> Result<(), UploadError> + 'a;

/// Where what people are like is kept.
struct Keeper<'a> {
    journal: &'a Journal,
    scope: &'a Scope,
    system: System,
    /// What is written for leavers.
    set: &'a LeaverFields,
    sealer: &'a Sealer,
    recorder: &'a RunRecorder,
}

impl Keeper<'_> {
    /// Asks for these people and keeps what the LMS shows; people who are kept already are
    /// left out. Returns those about whom the LMS gave no answer.
    fn keep(&self, some: Vec<Changing>, ask: &mut Ask<'_>) -> Result<Vec<NotRead>, RunError> {
        let (mut sealed, mut not_read) = (Vec::new(), Vec::new());
        let mut questions = Vec::new();
        for mut it in some {
            let id = it.external_id.as_str();
            if self.journal.has_earlier(self.recorder.run, id)? {
                continue;
            }
            if it.is_joiner {
                sealed.push(self.seal(&it)?);
                continue;
            }
            if it.row.is_some() {
                let given = self.journal.parts(self.scope, &it.known_as)?.given;
                let changes = |name: &str| it.earlier.sets.iter().any(|(set, _)| set == name);
                it.earlier.sets = sets_of(self.system, changes, &given);
                it.state = self.journal.state_of(self.scope, it.known_as.as_str())?;
            }
            questions.push(Question {
                external_id: it.known_as.clone(),
                about: it,
            });
        }
        let mut failed: Option<RunError> = None;
        ask(questions, &mut |question, known| {
            let mut it = question.about;
            match known {
                Known::There(person) => it.take_in(&person, self.system, self.set),
                // A lost person is created again, or left as is.
                Known::NotFound => {}
                Known::NotAnswered {
                    no_answer,
                    attempts,
                } => {
                    let (row, number) = it.row.unzip();
                    not_read.push((
                        row,
                        Unanswered {
                            row: number.unwrap_or_default(),
                            external_id: it.external_id,
                            attempts,
                            why: format!(
                                "the earlier values could not be read: {}",
                                no_answer.why()
                            ),
                        },
                    ));
                    return Ok(());
                }
            }
            match self.seal(&it) {
                Ok(kept) => sealed.push(kept),
                Err(error) => failed = Some(error.into()),
            }
            Ok(())
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if !sealed.is_empty() {
            let kept = self.recorder.writer.keep_earlier(self.recorder.run, sealed);
            kept.wait_blocking()?;
        }
        Ok(not_read)
    }

    fn seal(&self, it: &Changing) -> Result<(String, Vec<u8>), CannotSeal> {
        let id = it.external_id.as_str();
        Ok((id.to_owned(), self.sealer.seal(id, &it.earlier)?))
    }
}

impl Changing {
    /// Keeps how the LMS shows the person.
    fn take_in(&mut self, person: &Remote, system: System, set: &LeaverFields) {
        let shown = |name: &str| person.get(name).unwrap_or_default().to_owned();
        let earlier = &mut self.earlier;
        let mut fields: Vec<_> = if self.keeps_all {
            let fields = person.fields.iter();
            let fields = fields
                .filter(|(name, value)| !value.is_empty() && system.spec().field(name).is_some());
            fields
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect()
        } else {
            let written = earlier.written.iter();
            written
                .map(|(name, _)| (name.clone(), shown(name)))
                .collect()
        };
        if earlier.action == Action::Set {
            // What goes along with a write stays as it is.
            for name in targets::of(system).carried_in_updates() {
                if !fields.iter().any(|(field, _)| field == name) {
                    let carried = ((*name).to_owned(), shown(name));
                    earlier.written.push(carried.clone());
                    fields.push(carried);
                }
            }
        }
        if self.keeps_all
            && let (Some(roles), Some(name)) = (&person.roles, name_of(system, Part::Roles))
        {
            earlier.sets.retain(|(set, _)| set != name);
            earlier.sets.push((name.to_owned(), roles.clone()));
        }
        earlier.was = Some(fields);
        earlier.is_active = !person.cannot_sign_in();
        earlier.has_left = match self.state {
            Some(PersonState::Inactive) => person.cannot_sign_in(),
            Some(PersonState::Set) => set.are_shown(|name| person.get(name)),
            _ => false,
        };
    }
}

/// The person of a row that is about to be sent.
fn changing(item: &Item, system: System) -> Option<Changing> {
    let Item::Change(change) = item else {
        return None;
    };
    let Change {
        index,
        row,
        action,
        content,
        ..
    } = &**change;
    let sets = content.sets.iter();
    let sets = sets.filter_map(|(part, _)| name_of(system, *part));
    Some(Changing {
        row: Some((*index, *row)),
        external_id: content.external_id.clone(),
        known_as: change.known_as().clone(),
        // An account without an external ID is not found by it either.
        is_joiner: matches!(action, Action::Create | Action::Adopt),
        earlier: Earlier {
            action: *action,
            was: None,
            is_active: true,
            has_left: false,
            written: owned(&content.fields),
            sets: sets.map(|name| (name.to_owned(), Vec::new())).collect(),
        },
        state: None,
        keeps_all: false,
    })
}

fn owned(fields: &[(&'static str, String)]) -> Vec<(String, String)> {
    let fields = fields.iter();
    fields
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

/// The values that hrfeed gave, of those sets whose names are wanted.
fn sets_of(
    system: System,
    is_wanted: impl Fn(&str) -> bool,
    given: &[(Part, String)],
) -> Vec<(String, Vec<String>)> {
    let fields = system.spec().fields.iter();
    let sets = fields.filter(|field| field.part.is_set() && is_wanted(field.name));
    sets.map(|field| {
        let values = given.iter().filter(|(part, _)| *part == field.part);
        let values = values.map(|(_, value)| value.clone()).collect();
        (field.name.to_owned(), values)
    })
    .collect()
}

/// The name of the field that is that part of a person.
fn name_of(system: System, part: Part) -> Option<&'static str> {
    let mut fields = system.spec().fields.iter();
    fields
        .find(|field| field.part == part)
        .map(|field| field.name)
}
