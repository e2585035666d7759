//! The way back of a run: a feed of what people were like before it, and who of them is
//! still as the run left them.
//!
//! # Invariants
//!
//! - Nobody is removed who was there before the run, or may have been.
//! - A person who is not as the run left them stays as is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::known::Compared;
use super::prepare::Unanswered;
use super::seal::{Sealer, UndoKey};
use super::staying::Staying;
use super::{RunError, Stages};
use crate::feed::{FeedSource, OwnFeed};
use crate::journal::{Journal, PersonState, RowFilter, Run, RunId};
use crate::mapping::{FieldSet, FieldTag, LEAVES, Leavers, WAY_BACK, exact_cell, reversible};
use crate::model::{Action, Earlier, ExternalId, NotUndone, Outcome, Rule, counted};
use crate::plan::{RowState, RowTable};
use crate::schema::{BETWEEN, Field, FieldKind, System};
use crate::targets::Remote;
use crate::upload::{Known, Question};

/// What the journal calls a run that undoes another one, with the number of that one behind
/// it.
pub(super) const UNDO: &str = "undo";

/// The run that a run undid, if it undid one.
#[must_use]
pub fn undone_by(run: &Run) -> Option<&str> {
    let undone = undo_again(run)?;
    Some(undone.split_once(' ').map_or(undone, |(run, _)| run))
}

/// That run, with what a person said then of people whom it created: what is typed behind
/// `undo` to undo it once more.
#[must_use]
pub fn undo_again(run: &Run) -> Option<&str> {
    run.start.command.strip_prefix(UNDO)?.strip_prefix(' ')
}

/// What a person said then of people whom that run created.
#[must_use]
pub fn said_of_created(run: &Run) -> Option<&str> {
    let (_, said) = run.start.command.split_once(CREATED)?;
    Some(said)
}

/// What comes before that in the name of a run.
const CREATED: &str = " --created ";

/// How many people are asked for at a time.
const AT_ONCE: usize = 1_000;

/// The way back of a run.
#[derive(Debug)]
pub struct WayBack {
    /// The run.
    pub of: RunId,
    /// What the people of the run were like, as a feed.
    pub source: FeedSource,
    /// What a person says of people whom the run created, if anything.
    pub created: Option<String>,
    /// How many people the run created, or let in again.
    pub leaving: u64,
    people: BTreeMap<ExternalId, Back>,
    /// Those of them to whom the run gave their external ID, and who are to be changed.
    renumbered: Vec<ExternalId>,
}

/// What is known of a person of the run.
#[derive(Clone, Copy, Debug)]
enum Back {
    /// The run created the person, or let a leaver in again.
    Leaves(As),
    /// The run changed the person.
    Changed {
        /// What it wrote.
        written: As,
        /// What was there before.
        was: As,
        /// It changed sets as well, which no answer shows.
        has_sets: bool,
        /// Whether the person could sign in before it and after it, unless the fields say it.
        active: Option<(bool, bool)>,
    },
    /// The run deactivated the person.
    Deactivated,
    /// The run deleted the person.
    Deleted {
        /// The LMS acknowledged it.
        is_certain: bool,
    },
    /// Nothing is known that could be done.
    No(NotUndone),
}

/// How a person was in some fields: a digest, for this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct As {
    fields: FieldSet,
    digest: u64,
}

impl As {
    fn of<'v>(system: System, fields: FieldSet, value: impl Fn(&str) -> Option<&'v str>) -> Self {
        let mut digest = Xxh3::new();
        for name in fields.names(system) {
            // What is empty may be left out of an answer.
            let value = value(name).unwrap_or_default();
            digest.update(&(value.len() as u64).to_le_bytes());
            digest.update(value.as_bytes());
        }
        Self {
            fields,
            digest: digest.digest(),
        }
    }

    fn of_values(system: System, values: &[(String, String)]) -> Self {
        let names = values.iter().map(|(name, _)| name);
        let fields = names
            .filter_map(|name| FieldTag::of(system, name))
            .collect();
        Self::of(system, fields, |name| value_of(values, name))
    }

    fn has(self, system: System, name: &str) -> bool {
        FieldTag::of(system, name).is_some_and(|tag| self.fields.contains(tag))
    }

    fn is(self, system: System, person: &Remote) -> bool {
        Self::of(system, self.fields, |name| person.get(name)) == self
    }
}

impl WayBack {
    /// The run, and what is said of people whom it created.
    pub(super) fn name(&self) -> String {
        match &self.created {
            Some(said) => format!("{}{CREATED}{said}", self.of),
            None => self.of.to_string(),
        }
    }

    /// Whether the run created the person, or let a leaver in again.
    pub(super) fn removes(&self, id: &ExternalId) -> bool {
        matches!(self.people.get(id), Some(Back::Leaves(_)))
    }

    /// Reads what `run` kept, and writes it to a file without a name. `leaves` is what happens
    /// to people whom the run created.
    ///
    /// # Errors
    /// The run cannot be undone, or not with this key; the journal or the disk failed.
    pub fn read(
        journal: &Journal,
        run: &Run,
        key: &UndoKey,
        (system, leaves): (System, Leavers),
    ) -> Result<Self, RunError> {
        let undoable = journal.undoable(run.id)?;
        let undoable = undoable.ok_or(RunError::NotUndoable(run.id))?;
        let sealer = Sealer::again(key, &undoable)?.ok_or(RunError::OtherUndoKey(run.id))?;
        let mut begun = begun_by(journal, run.id)?;
        let mut since = HashSet::new();
        journal.sent_since(run.id, &format!("{UNDO} {}", run.id), |id| {
            since.insert(xxh3_64(id.as_bytes()));
            Ok::<_, RunError>(())
        })?;
        let mut people = BTreeMap::new();
        let columns = fields(system).map(|field| field.name);
        let columns = std::iter::once(WAY_BACK).chain(columns);
        let place = PathBuf::from(format!("what run {} changed", run.id));
        let mut rows = OwnFeed::new(place, columns)?;
        let (mut leaving, mut renumbered) = (0, Vec::new());
        journal.earlier(run.id, |id, sealed| {
            let hash = xxh3_64(id.as_bytes());
            let Some(begun) = begun.remove(&hash) else {
                // Nothing was sent for the person.
                return Ok::<_, RunError>(ControlFlow::Continue(()));
            };
            let earlier = sealer.open(id, sealed);
            let back = match &earlier {
                _ if since.contains(&hash) => Some(Back::No(NotUndone::ChangedSince)),
                None => Some(Back::No(NotUndone::NotKept)),
                Some(earlier) => {
                    let state = journal.state_of(&run.start.scope, id)?;
                    back(system, earlier, begun, (state, leaves))
                }
            };
            let Some(back) = back else {
                return Ok(ControlFlow::Continue(()));
            };
            leaving += u64::from(matches!(back, Back::Leaves(_)));
            let is_kept = matches!(back, Back::Leaves(_)) && leaves == Leavers::Ignore;
            let is_renumbered = earlier
                .as_ref()
                .is_some_and(|it| it.action == Action::Rekey);
            if is_renumbered && matches!(back, Back::Changed { .. }) {
                renumbered.push(ExternalId::known(id));
            }
            if !is_kept {
                rows.write(cells(system, id, &back, earlier.as_ref()).into_iter())?;
                people.insert(ExternalId::known(id), back);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        // What was done without that anything was kept.
        if !begun.is_empty() {
            each_begun(journal, run.id, |id, _| {
                if begun.remove(&xxh3_64(id.as_bytes())).is_some() {
                    let back = Back::No(NotUndone::NotKept);
                    rows.write(cells(system, id, &back, None).into_iter())?;
                    people.insert(ExternalId::known(id), back);
                }
                Ok(())
            })?;
        }
        Ok(Self {
            of: run.id,
            created: None,
            source: rows.finish()?,
            leaving,
            people,
            renumbered,
        })
    }
}

/// What became of what the run began for a person.
#[derive(Clone, Copy, Debug)]
struct Begun {
    outcome: Outcome,
    /// The LMS had nobody of this external ID.
    was_gone: bool,
}

/// What must be done for a person, or nothing.
fn back(
    system: System,
    earlier: &Earlier,
    begun: Begun,
    (state, leaves): (Option<PersonState>, Leavers),
) -> Option<Back> {
    let written = || As::of_values(system, &earlier.written);
    match (&earlier.was, earlier.action) {
        // It could not sign in before either.
        (Some(_), Action::Deactivate) if !earlier.is_active => None,
        (Some(_), Action::Deactivate) => Some(Back::Deactivated),
        (Some(_), Action::Delete) => Some(Back::Deleted {
            is_certain: begun.outcome == Outcome::Deleted,
        }),
        (Some(was), action) => {
            // As a leaver the person is there still.
            let stays = matches!(leaves, Leavers::Deactivate { .. } | Leavers::Set);
            let written = written();
            let says_active = system
                .spec()
                .active
                .is_some_and(|name| written.has(system, name));
            let is_let_in = earlier.has_left && action != Action::Set;
            Some(if is_let_in && stays {
                Back::Leaves(written)
            } else {
                Back::Changed {
                    written,
                    was: As::of_values(system, was),
                    has_sets: !earlier.sets.is_empty(),
                    active: (!says_active)
                        .then_some((earlier.is_active, earlier.is_active || is_let_in)),
                }
            })
        }
        // Nobody was there of this leaver, or the LMS did not show somebody who was.
        (None, Action::Deactivate | Action::Delete | Action::Set) => {
            let is_done = matches!(
                begun.outcome,
                Outcome::Deactivated | Outcome::Deleted | Outcome::Set | Outcome::Unknown
            );
            (is_done && !begun.was_gone).then_some(Back::No(NotUndone::NotKept))
        }
        (None, Action::Adopt) => Some(Back::No(NotUndone::NotKept)),
        (None, _) => match begun.outcome {
            Outcome::Created => Some(Back::Leaves(written())),
            Outcome::Unknown => Some(Back::No(NotUndone::WasUnknown)),
            // The LMS had not shown somebody who was there.
            _ if state.is_some_and(|state| state != PersonState::Deleted) => {
                Some(Back::No(NotUndone::NotKept))
            }
            _ => None,
        },
    }
}

/// The people for whom something was begun, by hashes of their external IDs.
fn begun_by(journal: &Journal, run: RunId) -> Result<HashMap<u64, Begun>, RunError> {
    let mut all = HashMap::new();
    each_begun(journal, run, |id, begun| {
        all.insert(xxh3_64(id.as_bytes()), begun);
        Ok(())
    })?;
    Ok(all)
}

fn each_begun(
    journal: &Journal,
    run: RunId,
    mut each: impl FnMut(&str, Begun) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let all = RowFilter::default();
    journal.rows(run, &all, |row| {
        let is_decided_before = row.attempts == 0 && row.outcome != Outcome::Unknown;
        let rests = matches!(row.outcome, Outcome::Unchanged | Outcome::Held);
        if let Some(id) = &row.external_id
            && !is_decided_before
            && !rests
            && row.code.as_deref() != Some("not-answered")
        {
            let begun = Begun {
                outcome: row.outcome,
                was_gone: matches!(row.status, Some(404 | 410)),
            };
            each(id, begun)?;
        }
        Ok::<_, RunError>(ControlFlow::Continue(()))
    })
}

/// What a person was like, as a row of the feed of a way back.
fn cells(system: System, id: &str, back: &Back, earlier: Option<&Earlier>) -> Vec<String> {
    let earlier = earlier.filter(|_| matches!(back, Back::Changed { .. } | Back::Deleted { .. }));
    let was = earlier.and_then(|earlier| earlier.was.as_ref());
    let values = was.map_or(&[][..], Vec::as_slice);
    let sets = earlier.map_or(&[][..], |earlier| &*earlier.sets);
    let cell = |field: &Field| {
        let set = sets.iter().find(|(set, _)| set == field.name);
        match (value_of(values, field.name), set) {
            _ if field.kind == FieldKind::ExternalId => exact_cell(id),
            (Some(value), _) => exact_cell(value),
            (None, Some((_, values))) => {
                let mut values = values.clone();
                values.sort_unstable();
                exact_cell(&values.join(BETWEEN.encode_utf8(&mut [0; 4])))
            }
            (None, None) => String::new(),
        }
    };
    let becomes = match back {
        Back::Leaves(_) => LEAVES,
        _ => "returns",
    };
    let of_fields = fields(system).map(cell);
    std::iter::once(becomes.to_owned())
        .chain(of_fields)
        .collect()
}

fn fields(system: System) -> impl Iterator<Item = &'static Field> {
    let fields = system.spec().fields.iter();
    fields.filter(|field| reversible(field))
}

fn value_of<'v>(values: &'v [(String, String)], name: &str) -> Option<&'v str> {
    let found = values.iter().find(|(field, _)| field == name);
    found.map(|(_, value)| value.as_str())
}

impl Stages<'_> {
    /// Looks at everybody whom the way back is about to change or to remove. A person
    /// who is not as the run left them stays as is.
    pub(super) fn keep_who_changed(
        &mut self,
        rows: &mut RowTable,
        compared: &mut Compared,
    ) -> Result<(), RunError> {
        let Some(way_back) = self.way_back.take() else {
            return Ok(());
        };
        let mut questions = Vec::new();
        let mut staying = Vec::new();
        for (id, back) in &way_back.people {
            let row = rows.named(id.as_str());
            let state = row.map(|row| rows.state(row));
            match (back, row, state) {
                (Back::Leaves(_), ..) if compared.is_leaver(id.as_str()) => {
                    questions.push(Question {
                        external_id: id.clone(),
                        about: *back,
                    });
                }
                (Back::No(why), Some(row), Some(state)) if state != RowState::Rejected => {
                    rows.reject(row, Rule::NotUndone { why: *why });
                }
                (Back::Deleted { is_certain }, Some(row), Some(RowState::Changed)) => {
                    if *is_certain {
                        let why = NotUndone::ThereAgain;
                        rows.reject(row, Rule::NotUndone { why });
                    } else {
                        rows.mark_unchanged(row);
                    }
                }
                (Back::Changed { .. } | Back::Deactivated, Some(row), Some(RowState::New)) => {
                    let why = NotUndone::RemovedSince;
                    rows.reject(row, Rule::NotUndone { why });
                }
                (
                    Back::Changed { .. } | Back::Deactivated,
                    _,
                    Some(RowState::Changed | RowState::UnknownUpdate),
                ) => {
                    questions.push(Question {
                        external_id: id.clone(),
                        about: *back,
                    });
                }
                _ => {}
            }
        }
        let mut unanswered = Vec::new();
        while !questions.is_empty() {
            let some = questions.split_off(questions.len().saturating_sub(AT_ONCE));
            self.look_at(some, (rows, &mut staying, &mut unanswered))?;
        }
        self.notes.unanswered(&unanswered)?;
        self.name_renumbered(&way_back.renumbered, rows)?;
        let again = way_back.people.iter().filter(|(id, back)| {
            let row = rows.named(id.as_str());
            matches!(back, Back::Deleted { .. })
                && row.is_some_and(|it| rows.state(it) == RowState::New)
        });
        let again = again.count() as u64;
        if again > 0 {
            let one = "person is created again: what the LMS had of the person's history is lost";
            let many = "people are created again: what the LMS had of their history is lost";
            self.remarks.push(counted(again, one, many));
        }
        let ids = staying.iter().map(|(id, _): &(ExternalId, _)| id.as_str());
        compared.keep(ids);
        self.note_staying(staying)
    }

    fn look_at(
        &mut self,
        some: Vec<Question<Back>>,
        (rows, staying, unanswered): (
            &mut RowTable,
            &mut Vec<(ExternalId, Staying)>,
            &mut Vec<Unanswered>,
        ),
    ) -> Result<(), RunError> {
        let system = self.settings.system;
        let mut answer = |question: Question<Back>, known| {
            let (id, back) = (question.external_id, question.about);
            let row = rows.named(id.as_str());
            match (verdict(system, back, known), row) {
                (Verdict::Goes, _) | (Verdict::IsBack, None) => {}
                // What was begun is read back, and recorded.
                (Verdict::IsBack, Some(row)) if rows.state(row).is_under_way() => {}
                (Verdict::IsBack, Some(row)) => rows.mark_unchanged(row),
                (Verdict::Stays(why), Some(row)) => rows.reject(row, Rule::NotUndone { why }),
                (Verdict::Stays(why), None) => staying.push((id, Staying::Kept(why))),
                (Verdict::Unknown { why, .. }, None) => {
                    staying.push((id, Staying::Unknown(why)));
                }
                (Verdict::Unknown { why, attempts }, Some(row)) => {
                    rows.mark_not_done(row);
                    unanswered.push(Unanswered {
                        row: rows.number(row),
                        external_id: id,
                        attempts,
                        why,
                    });
                }
            }
            Ok(())
        };
        Ok(self
            .uploader
            .ask_all(some, &mut answer, &mut self.listener)?)
    }
}

/// What a look at a person says.
enum Verdict {
    /// As the run left them: the way back goes on.
    Goes,
    /// As before the run.
    IsBack,
    Stays(NotUndone),
    /// The LMS did not say.
    Unknown {
        why: String,
        attempts: u32,
    },
}

fn verdict(system: System, back: Back, known: Known) -> Verdict {
    let person = match known {
        Known::There(person) => person,
        // Somebody who was created and is gone has left.
        Known::NotFound if matches!(back, Back::Leaves(_)) => return Verdict::Goes,
        Known::NotFound => return Verdict::Stays(NotUndone::RemovedSince),
        Known::NotAnswered {
            no_answer,
            attempts,
        } => {
            return Verdict::Unknown {
                why: no_answer.why(),
                attempts,
            };
        }
    };
    match back {
        Back::Leaves(written) if written.is(system, &person) => Verdict::Goes,
        Back::Changed {
            written,
            was,
            has_sets,
            active,
        } => {
            let is_active = !person.cannot_sign_in();
            let (before, after) = active.unwrap_or((is_active, is_active));
            // What a run wrote can be what was there before.
            let is_back = is_active == before && was.is(system, &person);
            if is_back && !has_sets {
                Verdict::IsBack
            } else if is_back || is_active == after && written.is(system, &person) {
                Verdict::Goes
            } else {
                Verdict::Stays(NotUndone::ChangedSince)
            }
        }
        Back::Deactivated if person.cannot_sign_in() => Verdict::Goes,
        Back::Deactivated => Verdict::IsBack,
        Back::Leaves(_) => Verdict::Stays(NotUndone::ChangedSince),
        Back::Deleted { .. } => Verdict::Stays(NotUndone::ThereAgain),
        Back::No(why) => Verdict::Stays(why),
    }
}
