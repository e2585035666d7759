//! Who the people of new and changed rows are: held against everybody whom the
//! journal knows, or the LMS lists.

use std::ops::ControlFlow;

use super::decisions::Earlier;
use super::known::Compared;
use super::remarks::on_meant_by_rejected;
use super::shown::ShownPeople;
use super::survey::Surveyed;
use super::why::note_changed;
use super::{RunError, Stages};
use crate::journal::{JournalError, KnownIdentity, PersonState, Refreshed, SeenPerson};
use crate::mapping::{
    Bound, FieldFingerprints, FieldSet, FieldTag, Leavers, Mapping, Renumbered as Policy,
    packed_identity,
};
use crate::model::{PersonFingerprints, Rule};
use crate::plan::identity::{
    Identification, IdentityTags, Known, Place, Renumbered, Standing, Subject, Who,
};
use crate::plan::{
    After, Asked, Change, IdChange, IdentityChange, Item, RowDetail, RowIndex, RowState, RowTable,
    UnderOtherKey, Wanted, digest_of_identity, replay_as,
};

/// How many fingerprints are written at a time.
const AT_ONCE: usize = 5_000;

/// How many people are read one after the other in the time of one look-up.
const LOOK_UP: u64 = 10;

impl Stages<'_> {
    /// Finds out who the people of new and changed rows are, and which fields
    /// differ. Also makes the fingerprints that the journal lacks.
    pub(super) fn identify(
        &mut self,
        rows: &mut RowTable,
        compared: &mut Compared,
        earlier: &Earlier,
        mut surveyed: Surveyed,
    ) -> Result<(), RunError> {
        let to_fingerprint = rows.to_fingerprint().to_vec();
        let differing = [RowState::New, RowState::Changed, RowState::LeftAlone];
        let differing: u64 = differing.map(|state| rows.count(state)).iter().sum();
        let is_anybody_listed = !surveyed.strangers.is_empty() || !surveyed.shown.is_empty();
        let is_anybody_known = compared.known > 0 || is_anybody_listed;
        let is_needed = differing > 0 && (is_anybody_known || !earlier.is_empty());
        let leaves = self.bound.mapping().leavers != Leavers::Ignore;
        let not_done = rows.count(RowState::Rejected) + rows.count(RowState::NotDone);
        let rejected = leaves && !compared.leavers.is_empty() && not_done > 0;
        if !is_needed && !rejected && to_fingerprint.is_empty() {
            return Ok(());
        }
        let wanted = (Wanted::Differing { rejected }, to_fingerprint.as_slice());
        let subjects = self.subjects(rows, wanted, &mut surveyed.shown)?;
        let mut identification = Identification::new(self.identity_tags(), subjects);
        for (row, known_as) in earlier.renumbered(rows) {
            identification.held_as(row, known_as);
        }
        let suffices = !is_anybody_listed && !surveyed.strangers.are_all;
        // A list also shows people whose rows differ from what was acknowledged.
        let is_by_lms = |row: &&RowIndex| !compared.acknowledged.contains(row);
        let mut by_lms: Vec<_> = surveyed.shown.keys().filter(is_by_lms).copied().collect();
        by_lms.sort_unstable();
        if !(suffices && self.note_own(compared, &mut identification)?) {
            self.note_people(rows, compared, surveyed, &mut identification)?;
        }
        let stay = compared.keep(identification.meant_by_rejected().into_iter());
        self.remarks.extend(on_meant_by_rejected(stay));
        let differences = self.differences(&identification);
        let by_mapping = self.by_mapping(&identification, differences.iter().map(|it| it.0))?;
        if by_mapping.are_any() {
            let gained = self.gained(&identification);
            self.remark_on_mapping(&by_mapping, rows.count(RowState::Changed), &gained);
        }
        note_changed(rows, &by_mapping, &by_lms);
        let mut verdicts = identification.verdicts();
        let fit = self.look_again(rows, compared, &identification, &mut verdicts)?;
        let with_verdict = (identification.subjects().iter())
            .filter(|subject| verdicts.contains_key(&subject.row))
            .map(|it| (it.row, digest_of_identity(&self.bound, &it.fingerprints)));
        let digests: Vec<_> = with_verdict.collect();
        // It is large, and so are the details of many rows.
        drop(identification);
        // Of those who are on the LMS as the feed says, the journal knows it wrong.
        let is_true = differences.into_iter().filter(|it| !fit.contains(&it.0));
        for (row, changed, identity_change) in is_true {
            let detail = rows.detail_mut(row);
            (detail.changed, detail.identity_change) = (Some(changed), identity_change);
        }
        for (row, identity) in digests {
            rows.detail_mut(row).identity = identity;
        }
        let mut verdicts: Vec<_> = verdicts.into_iter().collect();
        verdicts.sort_unstable_by_key(|(row, _)| *row);
        // The other half of it: nobody leaves under the old external ID.
        let from = verdicts.iter().filter_map(|(_, who)| match who {
            Who::Renumbered(it) => it.from.as_deref(),
            _ => None,
        });
        compared.keep_renumbered(from);
        for (row, who) in verdicts {
            self.apply_verdict(rows, row, who);
        }
        Ok(())
    }

    /// The fields that tell who somebody is.
    fn identity_tags(&self) -> IdentityTags {
        let mapping = self.bound.mapping();
        let spec = self.settings.system.spec();
        let is_by = |name: &str| {
            let mut by = mapping.identity.by.iter();
            by.any(|at| {
                mapping
                    .fields()
                    .get(*at)
                    .is_some_and(|it| it.field.name == name)
            })
        };
        IdentityTags {
            login: mapping.tag(spec.login).filter(|_| is_by(spec.login)),
            names: (spec.names.iter())
                .filter(|name| mapping.position(name).is_some())
                .filter_map(|name| mapping.tag(name))
                .collect(),
        }
    }

    /// Reads the rows again that differ, and writes the fingerprints that are
    /// missing: for those that do not, as the rows have them, and for those that do
    /// as the LMS shows them.
    fn subjects(
        &mut self,
        rows: &RowTable,
        (wanted, to_fingerprint): (Wanted, &[u32]),
        shown: &mut ShownPeople,
    ) -> Result<Vec<Subject>, RunError> {
        let (mut subjects, mut refreshed, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        let (feed, bound, notes) = (&mut self.feed, &self.bound, &self.notes);
        let has_parts = self.settings.system.spec().has_parts;
        let asked = Asked {
            rows,
            wanted,
            these: to_fingerprint,
        };
        let is_shown = &*shown;
        let make = |item| match item {
            Item::Change(change) if rows.state(change.index) == RowState::Unchanged => {
                Read::Unchanged(Box::new(refresh(&change, has_parts)))
            }
            item => {
                let compared = compare_with_shown(bound, &item, is_shown);
                Read::Subject(subject(rows, item), compared.map(Box::new))
            }
        };
        let mut now_shown = Vec::new();
        replay_as(feed, bound, &asked, make, |read| {
            for row in read {
                match row {
                    Read::Subject(subject, compared) => {
                        if let Some(compared) = compared {
                            let (person, fingerprints) = *compared;
                            seen.push(person);
                            now_shown.push((subject.row, fingerprints));
                        }
                        subjects.push(subject);
                    }
                    Read::Unchanged(person) => refreshed.push(*person),
                }
            }
            if refreshed.len() >= AT_ONCE {
                notes.fingerprints(std::mem::take(&mut refreshed))?;
            }
            if seen.len() >= AT_ONCE {
                notes.listed(std::mem::take(&mut seen))?;
            }
            Ok::<_, RunError>(())
        })?;
        self.notes.listed(seen)?;
        for (row, fingerprints) in now_shown {
            if let Some(is) = shown.get_mut(&row) {
                is.fingerprints = fingerprints;
            }
        }
        if !refreshed.is_empty() {
            self.notes.fingerprints(refreshed)?;
        }
        Ok(subjects)
    }

    /// Hands the people of few rows to the identification, by their external IDs.
    /// Returns whether nobody else has to do with them.
    fn note_own(
        &self,
        compared: &Compared,
        identification: &mut Identification,
    ) -> Result<bool, RunError> {
        let subjects = identification.subjects();
        let is_known = |it: &Subject| matches!(it.standing, Standing::Known | Standing::LeftAlone);
        let Some(journal) = &self.journal else {
            return Ok(false);
        };
        if subjects.len() as u64 * LOOK_UP > compared.known || !subjects.iter().all(is_known) {
            return Ok(false);
        }
        let rows: Vec<_> = (subjects.iter())
            .map(|it| {
                let known = journal.fingerprints_of(&self.scope, &it.external_id)?;
                Ok::<_, JournalError>((it.row, known))
            })
            .collect::<Result<_, _>>()?;
        for (row, known) in rows {
            if let Some(it) = known {
                let fingerprints = FieldFingerprints::of_packed(&it.fields, &it.identity);
                identification.note_own(row, fingerprints);
            }
        }
        Ok(identification.all_keep_who_they_are())
    }

    /// Hands everybody to the identification whom the journal knows, or the LMS
    /// lists.
    fn note_people(
        &self,
        rows: &RowTable,
        compared: &Compared,
        surveyed: Surveyed,
        identification: &mut Identification,
    ) -> Result<(), RunError> {
        let are_all_listed = surveyed.strangers.are_all;
        let mut shown = surveyed.shown;
        // Who is known without fingerprints gets those that the LMS shows.
        let concerned = surveyed.strangers.concerned(|it| {
            let id = it.external_id.as_deref().unwrap_or_default();
            compared.is_missing(id)
                || identification.may_concern(id, || true, it.fingerprints.identity())
        });
        let mut strangers = concerned?;
        let mut listed = Vec::new();
        if let Some(journal) = &self.journal {
            journal.identities(&self.scope, |person| {
                let id = person.external_id;
                let row = rows.named(id);
                if let Some(is) = row.and_then(|row| shown.remove(&row)) {
                    identification.note(is.known(self.place(rows, compared, &person)));
                    return Ok(ControlFlow::Continue(()));
                }
                let stranger = strangers.remove(id).filter(|_| person.fields.is_empty());
                let is_missing = || compared.is_missing(id);
                let lacks = &compared.changed_without_fingerprints;
                let is_compared = || row.is_some_and(|row| lacks.contains(&row));
                let lacks_fields = person.fields.is_empty();
                if are_all_listed && lacks_fields && (is_missing() || is_compared()) {
                    listed.push(as_listed(id, stranger.as_ref()));
                }
                let may_concern = if let Some(it) = &stranger {
                    identification.may_concern(id, is_missing, it.fingerprints.identity())
                } else {
                    let identity = packed_identity(person.identity);
                    identification.may_concern(id, is_missing, identity)
                };
                if may_concern {
                    identification.note(Known {
                        external_id: Some(id.to_owned()),
                        remote_id: person.remote_id.map(str::to_owned),
                        place: self.place(rows, compared, &person),
                        fingerprints: match stranger {
                            Some(it) => it.fingerprints,
                            None => FieldFingerprints::of_packed(person.fields, person.identity),
                        },
                    });
                }
                Ok::<_, JournalError>(ControlFlow::Continue(()))
            })?;
        }
        self.notes.listed(listed)?;
        let mut shown: Vec<_> = shown.into_iter().collect();
        shown.sort_unstable_by_key(|(row, _)| *row);
        for (row, is) in shown {
            identification.note(is.known(row_place(rows, row)));
        }
        let mut strangers: Vec<_> = strangers.into_values().collect();
        strangers.sort_by(|one, other| one.remote_id.cmp(&other.remote_id));
        for person in strangers {
            identification.note(person);
        }
        Ok(())
    }

    /// Where a known person is named.
    fn place(&self, rows: &RowTable, compared: &Compared, person: &KnownIdentity<'_>) -> Place {
        // A feed that has come without the person names nobody any more.
        let feeds = [
            person.feed.filter(|_| person.absent_from.is_none()),
            person.other_feed,
        ];
        let mut feeds = feeds.iter().flatten();
        match rows.named(person.external_id) {
            Some(row) => row_place(rows, row),
            None if feeds.any(|it| compared.others.contains(it)) => Place::Elsewhere,
            None => Place::Nowhere {
                leaves: self.bound.mapping().leavers != Leavers::Ignore
                    && person.state == PersonState::Active
                    && compared.is_leaver(person.external_id),
            },
        }
    }

    /// Which fields of each row differ, and whether it is another human; of a joiner
    /// nothing.
    fn differences(&self, identification: &Identification) -> Vec<(u32, FieldSet, IdentityChange)> {
        let identity = IdentityGroups::of(self.bound.mapping());
        let of_subject = |subject: &Subject| {
            let changed = identification.changed_fields(subject.row)?;
            let identity_change = identity.change(&changed);
            Some((subject.row, changed.into_iter().collect(), identity_change))
        };
        let subjects = identification.subjects().iter();
        subjects.filter_map(of_subject).collect()
    }

    /// Counts the fields that people gain because the mapping has them now.
    fn gained(&self, identification: &Identification) -> Vec<(&'static str, u64)> {
        let fields = self.bound.mapping().fields().iter().map(|rule| rule.field);
        let compared = fields.filter(|field| field.part.is_compared());
        let gained = compared.filter_map(|field| {
            let tag = self.bound.mapping().tag(field.name)?;
            let gains = |subject: &&Subject| {
                let has = subject.fingerprints.field(tag).is_some();
                has && subject.standing == Standing::Known
                    && identification.is_gained(subject.row, tag)
            };
            let people = identification.subjects().iter().filter(gains).count();
            Some((field.name, people as u64))
        });
        gained.filter(|(_, people)| *people > 0).collect()
    }

    /// Takes a verdict over into the rows.
    fn apply_verdict(&self, rows: &mut RowTable, row: u32, who: Who) {
        match who {
            Who::AsTheIdSays => {}
            Who::Renumbered(renumbered) if is_of_other_key(rows, row, &renumbered) => {}
            Who::Renumbered(renumbered) => {
                if self.bound.mapping().identity.renumbered == Policy::Reject {
                    rows.reject(row, rejected(&renumbered));
                    return;
                }
                let detail = rows.detail_mut(row);
                detail.after = renumbered.after.map(After::Row);
                detail.login_after = renumbered.login_after;
                detail.renumbered = Some(Box::new(renumbered));
            }
            Who::TakesOver { after, login_after } => {
                let detail = rows.detail_mut(row);
                detail.login_after = login_after;
                detail.id_change = IdChange::TakesOver;
                detail.after = Some(After::Row(after));
            }
            Who::LoginTaken { by, row: other } => {
                let other = other.map(|other| rows.number(other));
                rows.reject(row, Rule::LoginTaken { by, row: other });
            }
            Who::AfterRow(other) => rows.detail_mut(row).after = Some(After::Row(other)),
            Who::AfterLeaver(id) => rows.detail_mut(row).after = Some(After::Leaver(id)),
        }
    }
}

/// The place of a person whom the feed names.
fn row_place(rows: &RowTable, row: RowIndex) -> Place {
    let state = rows.state(row);
    let is_open = matches!(state, RowState::New | RowState::Changed);
    Place::Row {
        row,
        is_sent: is_open || state.is_under_way(),
    }
}

/// Holds a row against what the LMS shows of its person, if it is that which counts.
/// Returns what the journal should remember of the person.
fn compare_with_shown(
    bound: &Bound<'_>,
    item: &Item,
    shown: &ShownPeople,
) -> Option<(SeenPerson, FieldFingerprints)> {
    match item {
        Item::Change(change) => {
            let is = shown.get(&change.index)?;
            Some(is.compare(bound, &change.fingerprints, Some(&change.content)))
        }
        Item::LeftAlone(row) => {
            let is = shown.get(&row.index)?;
            Some(is.compare(bound, &row.fingerprints, None))
        }
        Item::Rejected { .. } => None,
    }
}

/// What tells who a person is, independently of the external ID.
pub(super) struct IdentityGroups(Vec<Vec<FieldTag>>);

impl IdentityGroups {
    pub(super) fn of(mapping: &Mapping) -> Self {
        let tag = |position: &usize| {
            let rule = mapping.fields().get(*position)?;
            mapping.tag(rule.field.name)
        };
        let groups = mapping.identity_fields().into_iter();
        Self(
            groups
                .map(|it| it.positions.iter().filter_map(tag).collect())
                .collect(),
        )
    }

    /// How much of it is among the fields that change.
    pub(super) fn change(&self, changed: &[FieldTag]) -> IdentityChange {
        let is_in = |group: &Vec<FieldTag>| group.iter().any(|tag| changed.contains(tag));
        match self.0.iter().filter(|group| is_in(group)).count() {
            0 => IdentityChange::None,
            count if count == self.0.len() => IdentityChange::Whole,
            _ => IdentityChange::Some,
        }
    }
}

/// Whether another key of this LMS gave the account its external ID, to the person of
/// the row or to somebody else: that says more, and the guard holds it.
fn is_of_other_key(rows: &RowTable, row: u32, renumbered: &Renumbered) -> bool {
    let is_same = |it: &RowDetail| it.under_other_key == UnderOtherKey::SamePerson;
    let is_of_others = |id: &String| rows.is_of_others(row, id);
    let is_known = rows.detail(row).is_some_and(is_same)
        || renumbered.remote_id.as_ref().is_some_and(is_of_others);
    renumbered.from.is_none() && is_known
}

fn rejected(renumbered: &Renumbered) -> Rule {
    Rule::Renumbered {
        known_as: renumbered.from.clone(),
        how: renumbered.damage.map(crate::plan::Damage::clause),
    }
}

/// What is kept of a row that is read again.
enum Read {
    Subject(Subject, Option<Box<(SeenPerson, FieldFingerprints)>>),
    /// What the journal lacks of somebody who is as the feed says.
    Unchanged(Box<Refreshed>),
}

/// A row whose person is looked for.
fn subject(rows: &RowTable, item: Item) -> Subject {
    match item {
        Item::Change(change) => Subject {
            row: change.index,
            standing: match rows.state(change.index) {
                RowState::New => Standing::New,
                RowState::NotDone => Standing::Rejected,
                state if state.is_under_way() => Standing::UnderWay {
                    from: change.rekey.map(|it| it.from.as_str().to_owned()),
                },
                _ => Standing::Known,
            },
            external_id: change.content.external_id.as_str().to_owned(),
            fingerprints: change.fingerprints,
        },
        Item::Rejected {
            index,
            external_id,
            fingerprints,
            ..
        } => Subject {
            row: index,
            standing: Standing::Rejected,
            external_id: external_id.map_or_else(String::new, |id| id.as_str().to_owned()),
            fingerprints,
        },
        Item::LeftAlone(row) => Subject {
            row: row.index,
            standing: Standing::LeftAlone,
            external_id: row.external_id.as_str().to_owned(),
            fingerprints: row.fingerprints,
        },
    }
}

/// What the list says of a known person without fingerprints in the journal. Where
/// it does not show the person, later runs need not ask again.
fn as_listed(external_id: &str, listed: Option<&Known>) -> SeenPerson {
    SeenPerson {
        external_id: external_id.to_owned(),
        remote_id: listed.and_then(|it| it.remote_id.clone()),
        fingerprint: None,
        is_ambiguous: false,
        fingerprints: Some(
            listed.map_or_else(PersonFingerprints::default, |it| it.fingerprints.packed()),
        ),
    }
}

/// What the journal lacks of a person who is as the feed says.
pub(super) fn refresh(change: &Change, has_parts: bool) -> Refreshed {
    Refreshed {
        fingerprint: change.fingerprint,
        details: has_parts.then_some(change.details),
        picture: (has_parts && change.content.picture.is_some()).then_some(change.picture),
        external_id: change.content.external_id.as_str().to_owned(),
        fingerprints: change.fingerprints.packed(),
    }
}
