//! Which people exist already? Asked before the first create, by the cheaper
//! way: page by page, or person by person.

use jiff::SignedDuration;

use super::decisions::Earlier;
use super::known::Compared;
use super::prepare::Unanswered;
use super::reading::{hand_over, read_while};
use super::shown::{Shown, ShownPeople};
use super::strangers::Strangers;
use super::{RunError, Stages};
use crate::event::Event;
use crate::journal::SeenPerson;
use crate::mapping::{Among, Bound, Guards, Leavers};
use crate::model::ExternalId;
use crate::plan::identity;
use crate::plan::{self, Found, Item, RowState, RowTable, Wanted, replay};
use crate::targets::{self, Fit, Remote, Target, WantedState};
use crate::upload::{Halt, Known, Listed, Question};

/// How long a resumed run trusts its first survey: others may have created people
/// meanwhile.
const SURVEY_VALID_FOR: SignedDuration = SignedDuration::from_hours(12);

/// Up to this number people are always looked up one by one: a listing cannot
/// cost less.
const ASK_EACH_UP_TO: u64 = 1;

/// What a survey found apart from the rows.
#[derive(Debug, Default)]
pub(super) struct Surveyed {
    /// The rows about which the LMS gave no answer.
    pub(super) unanswered: Vec<Unanswered>,
    /// People on the LMS whom no row names.
    pub(super) strangers: Strangers,
    /// What the LMS shows of the people of rows, where the journal has no fingerprints.
    pub(super) shown: ShownPeople,
}

impl Stages<'_> {
    /// Asks the LMS about the people who are not in the journal, and notes in
    /// `rows` who is there. Also asks what it shows of people whose rows changed, where
    /// the journal does not say what changed of too many of them.
    ///
    /// Rows about which it gives no answer are [`RowState::NotDone`] then, since a
    /// create could be a duplicate.
    pub(super) fn survey(
        &mut self,
        rows: &mut RowTable,
        compared: &Compared,
        earlier: &Earlier,
    ) -> Result<Surveyed, RunError> {
        let mapping = self.bound.mapping();
        // People to adopt, and leavers among all on the LMS, are seen in the list
        // only.
        let lists_leavers = mapping.among == Among::Lms && mapping.leavers != Leavers::Ignore;
        let must_compare = self.must_compare(rows, compared);
        let must_list = mapping.adopt.is_some()
            || self.replaces_key
            || lists_leavers
            || must_compare
            || earlier.name_strangers(rows, compared)
            || compared.without_fingerprints > 0 && rows.count(RowState::New) > 0;
        let surveyed_at = self.resumed.as_ref().and_then(|run| run.surveyed_at);
        let surveyed_at = surveyed_at.filter(|_| !must_list);
        let mut surveyed = Surveyed::default();
        if surveyed_at.is_some_and(|at| self.clock.now().duration_since(at) < SURVEY_VALID_FOR) {
            return Ok(surveyed);
        }
        let interrupted = rows.count(RowState::UnknownCreate) + rows.count(RowState::UnknownAdopt);
        let unknown = rows.count(RowState::New) + if must_list { interrupted } else { 0 };
        if unknown > 0 || lists_leavers || must_compare {
            self.listener.on_event(&Event::SurveyStarted {
                unknown_people: unknown,
            });
            // Who is there under another external ID is seen in the list only, and a
            // journal that knows nobody says nothing of it.
            let max_calls = (compared.known > 0).then_some(unknown);
            if must_list {
                self.list_whole(rows, compared, &mut surveyed)?;
            } else {
                let is_dear = max_calls.is_some_and(|it| it <= ASK_EACH_UP_TO);
                let listed = if is_dear {
                    Listed::TooMany
                } else {
                    self.list_believed(rows, compared, max_calls, &mut surveyed)?
                };
                if listed == Listed::InPart {
                    let remark = "the list of the LMS leaves out people whom it finds one by \
                                  one, so each new person was looked up";
                    self.remarks.push(remark.into());
                }
                if listed != Listed::All {
                    surveyed = self.ask_each(rows, compared)?;
                }
            }
        }
        let unanswered = &surveyed.unanswered;
        // Before the survey counts as done, or a resumed run would take these rows
        // for joiners.
        self.notes.unanswered(unanswered)?;
        // Who is there beside the rows is in no journal: a resumed run must see it,
        // too.
        if surveyed.strangers.is_empty() {
            self.notes.surveyed()?;
        }
        Ok(surveyed)
    }

    /// Whether more rows than may be other people are changed without the journal
    /// saying what changes.
    fn must_compare(&self, rows: &RowTable, compared: &Compared) -> bool {
        let there = rows.count(RowState::Unchanged) + rows.count(RowState::Changed);
        let base = compared.named_before.max(there);
        let limit = self.bound.mapping().guards.max_identities;
        let most = limit.most(base, Guards::FLOOR);
        compared.changed_without_fingerprints.len() as u64 > most
    }

    /// Compares everybody on the LMS with the rows. People without an external ID
    /// are seen in no other way.
    fn list_whole(
        &mut self,
        rows: &mut RowTable,
        compared: &Compared,
        surveyed: &mut Surveyed,
    ) -> Result<(), RunError> {
        match self.list_believed(rows, compared, None, surveyed)? {
            Listed::All => {}
            Listed::InPart => {
                let why = "its list leaves out people whom it finds one by one";
                return Err(Halt::Blind(why.into()).into());
            }
            Listed::Unconfirmed => {
                let why = "it gives no answer about most of the people whom its list leaves out";
                return Err(Halt::Blind(why.into()).into());
            }
            Listed::Moved | Listed::TooMany => {
                let moved = Halt::Outage {
                    why: "people kept being deleted while the LMS listed them".into(),
                    down: std::time::Duration::ZERO,
                    ever_up: true,
                };
                return Err(moved.into());
            }
        }
        rows.adopt();
        Ok(())
    }

    /// Lists everybody, once more where look-ups do not confirm whom the list leaves out.
    /// Whom such a list does not show must be asked for.
    fn list_believed(
        &mut self,
        rows: &mut RowTable,
        compared: &Compared,
        max_calls: Option<u64>,
        surveyed: &mut Surveyed,
    ) -> Result<Listed, RunError> {
        let mut listed = self.list_and_check(rows, compared, max_calls, surveyed)?;
        if matches!(listed, Listed::InPart | Listed::Unconfirmed) {
            self.settle()?;
            listed = self.list_and_check(rows, compared, max_calls, surveyed)?;
        }
        surveyed.strangers.are_all = listed == Listed::All;
        if listed == Listed::All {
            self.must_list(rows)?;
        }
        Ok(listed)
    }

    fn list_and_check(
        &mut self,
        rows: &mut RowTable,
        compared: &Compared,
        max_calls: Option<u64>,
        surveyed: &mut Surveyed,
    ) -> Result<Listed, RunError> {
        match self.list(rows, compared, max_calls, surveyed)? {
            Listed::All => self.check_list(rows),
            listed => Ok(listed),
        }
    }

    fn list(
        &mut self,
        rows: &mut RowTable,
        compared: &Compared,
        max_calls: Option<u64>,
        surveyed: &mut Surveyed,
    ) -> Result<Listed, RunError> {
        let target = targets::of(self.settings.system);
        let (bound, notes) = (&self.bound, &self.notes);
        let mut listing = Listing {
            target: &*target,
            bound,
            rows,
            compared,
            replaces_key: self.replaces_key,
            strangers: &mut surveyed.strangers,
            shown: &mut surveyed.shown,
        };
        let mut note_page = |people: &[Remote]| {
            let seen = people.iter().filter_map(|person| listing.note(person));
            Ok(notes.seen(seen.collect())?)
        };
        let listed = self
            .uploader
            .everybody(max_calls, &mut note_page, &mut self.listener)?;
        Ok(listed)
    }

    fn ask_each(&mut self, rows: &mut RowTable, compared: &Compared) -> Result<Surveyed, RunError> {
        self.must_see(rows)?;
        let (feed, bound, notes) = (&mut self.feed, &self.bound, &self.notes);
        let (uploader, listener) = (&mut self.uploader, &mut self.listener);
        let (mut present, mut unanswered) = (Vec::new(), Vec::new());
        let mut shown = ShownPeople::new();
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
                        let fit = WantedState::by_row(content, &plan::roles(content)).fit(&person);
                        // Nobody knows who is there now in the place of a deleted person.
                        let is_same =
                            fit == Fit::AsWanted && !compared.deleted.contains(&external_id);
                        if !is_same {
                            let is = Shown::of(bound, external_id.as_str(), &person);
                            shown.insert(change.index, is);
                        }
                        notes.seen(vec![SeenPerson {
                            external_id: external_id.as_str().to_owned(),
                            remote_id: Some(person.id),
                            fingerprint: is_same.then_some(change.fingerprint),
                            is_ambiguous: false,
                            fingerprints: is_same.then(|| change.fingerprints.packed()),
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
            rows.mark_not_done(row);
            unanswered
        });
        Ok(Surveyed {
            unanswered: unanswered.collect(),
            shown,
            ..Surveyed::default()
        })
    }
}

/// A list of the people on the LMS, compared with the rows.
struct Listing<'a> {
    target: &'a dyn Target,
    bound: &'a Bound<'a>,
    rows: &'a mut RowTable,
    compared: &'a Compared,
    replaces_key: bool,
    strangers: &'a mut Strangers,
    shown: &'a mut ShownPeople,
}

impl Listing<'_> {
    /// Compares a listed person with the rows. Returns what the journal should
    /// remember.
    fn note(&mut self, person: &Remote) -> Option<SeenPerson> {
        let Some(external_id) = person.external_id.as_deref() else {
            self.note_without_id(person);
            return None;
        };
        let is_named = self.rows.names(external_id);
        if !is_named {
            self.add_stranger(person);
            return None;
        }
        let bound = self.bound;
        let row = self.rows.named(external_id);
        let lacks = &self.compared.changed_without_fingerprints;
        if let Some(row) = row.filter(|row| lacks.contains(row)) {
            let shown = Shown::of(bound, external_id, person);
            self.shown.insert(row, shown);
        }
        // Whom hrfeed deleted and who is still shown is written again, and so is a person in
        // the archive.
        let id = ExternalId::known(external_id);
        let was_deleted = self.compared.deleted.contains(&id);
        let found = self.rows.note_found(external_id, &person.id, |shape| {
            let fingerprint =
                plan::fingerprint_of_listed(bound, shape, external_id, |field| person.get(field));
            fingerprint.filter(|_| !was_deleted && !person.is_archived)
        })?;
        if found == Found::Differs
            && let Some(row) = row
        {
            let shown = Shown::of(bound, external_id, person);
            self.shown.insert(row, shown);
        }
        let is_variant = found == Found::Variant;
        if is_variant {
            self.add_stranger(person);
        }
        Some(SeenPerson {
            external_id: external_id.to_owned(),
            remote_id: Some(person.id.clone()),
            // Later runs must know, too, whether it is the same person.
            fingerprints: is_variant
                .then(|| plan::fields_of_listed(bound, |field| person.get(field)).packed()),
            fingerprint: match found {
                Found::Same(row) => Some(self.rows.fingerprint(row)),
                Found::Differs | Found::Several | Found::Variant => None,
            },
            is_ambiguous: found == Found::Several,
        })
    }

    /// A person without an external ID of this key: to be adopted, or the account
    /// that a replaced key knew, or a stranger.
    fn note_without_id(&mut self, person: &Remote) {
        let mapping = self.bound.mapping();
        if self.replaces_key {
            let bound = self.bound;
            let listed = || plan::fields_of_listed(bound, |field| person.get(field));
            self.rows.note_account(&person.id, listed);
        }
        let is_candidate = mapping
            .adopt
            .zip(mapping.adopt_by())
            .is_some_and(|(field, by)| {
                let value = person.get(by).filter(|value| !value.is_empty());
                let handle = value.and_then(|_| self.target.handle(person, by));
                value.zip(handle).is_some_and(|(value, handle)| {
                    (self.rows).note_candidate(field, value, &person.id, handle)
                })
            });
        // Somebody may have this account whose row says another login.
        if !is_candidate {
            self.add_stranger(person);
        }
    }

    fn add_stranger(&mut self, person: &Remote) {
        let known = identity::Known {
            external_id: person.external_id.clone(),
            remote_id: Some(person.id.clone()),
            fingerprints: plan::fields_of_listed(self.bound, |field| person.get(field)),
            place: identity::Place::OnTarget,
        };
        let is_new = self.strangers.add(&known);
        let Some(id) = person.external_id.as_deref().filter(|_| is_new) else {
            return;
        };
        if self.bound.mapping().among == Among::Lms && !person.cannot_sign_in() {
            self.strangers.active.push(ExternalId::known(id));
        }
    }
}
