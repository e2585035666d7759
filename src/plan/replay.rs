//! The second pass: the feed is read again, and the rows that must be sent or
//! recorded are mapped again.

use crate::feed::{Batch as Records, Feed, FeedError};
use crate::mapping::{
    Bound, Fault, FieldFingerprints, FieldSet, Mapped, MappingError, Person, Slot,
};
use crate::model::{Action, BeforeGroups, Content, ExternalId, Finding, Picture, RowNumber, Rule};
use crate::plan::detail::{InDoubt, LeftAlone, RowDetail};
use crate::plan::fingerprints;
use crate::plan::rows::{RowState, RowTable, fault};
use crate::plan::scan::{ScanError, finding};
use crate::plan::wanted::{Asked, Wanted};
use crate::plan::why::Why;
use crate::schema::{BETWEEN, FieldKind, Part};
use crate::validate;
use crate::validate::unique::RowIndex;

/// The field by which an account is recognised that is known by its id.
const BY_ID: &str = "id";

/// A row to send or to record.
#[derive(Debug)]
pub enum Item {
    /// To be sent.
    Change(Box<Change>),
    /// To be recorded: it differs, and is not sent.
    LeftAlone(Box<LeftAloneRow>),
    /// To be recorded: what is wrong with it, at least one finding.
    Rejected {
        /// The row among the rows of the feed.
        index: RowIndex,
        /// The row in the file.
        row: RowNumber,
        /// Its external ID, where it has one.
        external_id: Option<ExternalId>,
        /// The fingerprints of those of its fields that can be read.
        fingerprints: FieldFingerprints,
        /// What is wrong.
        findings: Vec<Finding>,
    },
}

/// A row that differs and is not sent.
#[derive(Clone, Debug)]
pub struct LeftAloneRow {
    /// The row among the rows of the feed.
    pub index: RowIndex,
    /// The row in the file.
    pub row: RowNumber,
    /// The person.
    pub external_id: ExternalId,
    /// Why.
    pub why: LeftAlone,
    /// The fingerprints of its fields.
    pub fingerprints: FieldFingerprints,
    /// The fields that differ, where that is known.
    pub changed: Vec<&'static str>,
    /// The number of the hold that a person refused.
    pub hold: Option<i64>,
}

/// A change of one person on the target.
#[derive(Clone, Debug)]
pub struct Change {
    /// The row among the rows of the feed.
    pub index: RowIndex,
    /// The row in the file.
    pub row: RowNumber,
    /// What must be done.
    pub action: Action,
    /// Why.
    pub why: Why,
    /// An interrupted run may have applied it: the target is asked first.
    pub may_have_applied: bool,
    /// What an earlier run may have sent for the person, if nobody knows what became of
    /// it.
    pub doubt: Option<InDoubt>,
    /// Who, and how the person must be.
    pub content: Content,
    /// The fingerprint of the content.
    pub fingerprint: u128,
    /// The fingerprints of its fields, for the journal.
    pub fingerprints: FieldFingerprints,
    /// The fields that differ from what was acknowledged, where that is known.
    pub changed: Vec<&'static str>,
    /// The fingerprint of the details.
    pub details: u128,
    /// The fingerprint of the picture.
    pub picture: u128,
    /// Fields that were written for the person as a leaver are taken back with the details.
    pub takes_back: bool,
    /// The target's name for the person without an external ID who is this one.
    pub adopt: Option<String>,
    /// The field by which people to adopt are recognised.
    pub adopt_by: &'static str,
    /// Somebody known comes under another external ID than before.
    pub rekey: Option<Rekey>,
    /// The number of the hold in which a person approved it.
    pub hold: Option<i64>,
    /// What the run that is being resumed has done, if only the groups are left.
    pub before_groups: Option<BeforeGroups>,
}

/// The external ID that somebody known gives up for the row's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rekey {
    /// The external ID until now.
    pub from: ExternalId,
    /// The target's own id for the person, where it is known.
    pub handle: Option<String>,
}

impl Item {
    /// Whether it is sent, and changes somebody who is there.
    #[must_use]
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Change(change) if change.action != Action::Create)
    }
}

impl Change {
    /// The external ID under which the person is known before the change.
    #[must_use]
    pub fn known_as(&self) -> &ExternalId {
        match &self.rekey {
            Some(rekey) => &rekey.from,
            None => &self.content.external_id,
        }
    }

    /// The target's id of the account that gets the external ID, where it goes by
    /// that.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.adopt.as_deref().filter(|_| self.adopt_by == BY_ID)
    }

    /// The names of the fields that differ, with commas.
    #[must_use]
    pub fn changed_in_words(&self) -> Option<String> {
        in_words(&self.changed)
    }
}

impl LeftAloneRow {
    /// The names of the fields that differ, with commas.
    #[must_use]
    pub fn changed_in_words(&self) -> Option<String> {
        in_words(&self.changed)
    }
}

fn in_words(fields: &[&str]) -> Option<String> {
    (!fields.is_empty()).then(|| fields.join(", "))
}

/// The number of rows that are made of a batch at a time. A row that is made is ten times as
/// large as one that is read, and several batches are on their way at once.
const SLICE: usize = 256;

/// Some of the rows of a batch.
struct Slice<T> {
    items: Vec<T>,
    /// The last of them, if there may be more in the batch.
    last: Option<RowNumber>,
}

/// Reads the feed again and hands the wanted rows to `take`, in the order of
/// the file, a few hundred at a time.
///
/// # Errors
/// The feed cannot be read or has changed; or `take` said to stop.
pub fn replay<E: From<ScanError>>(
    feed: &mut Feed,
    bound: &Bound<'_>,
    rows: &RowTable,
    wanted: Wanted,
    these: &[RowIndex],
    take: impl FnMut(Vec<Item>) -> Result<(), E>,
) -> Result<(), E> {
    let asked = Asked {
        rows,
        wanted,
        these,
    };
    replay_in_slices(feed, bound, &asked, (SLICE, |item| item), take)
}

/// The same, with what `make` keeps of each row: several thousand rows are on their
/// way at a time, and a whole one is large.
///
/// # Errors
/// As [`replay`].
pub fn replay_as<T: Send, E: From<ScanError>>(
    feed: &mut Feed,
    bound: &Bound<'_>,
    asked: &Asked<'_>,
    make: impl Fn(Item) -> T + Sync + Send,
    take: impl FnMut(Vec<T>) -> Result<(), E>,
) -> Result<(), E> {
    replay_in_slices(feed, bound, asked, (usize::MAX, make), take)
}

/// Hands slices of at most that many rows on. The first of each batch is made beside
/// others, which is all of a batch on most nights; the rest as they are taken.
fn replay_in_slices<T: Send, E: From<ScanError>>(
    feed: &mut Feed,
    bound: &Bound<'_>,
    asked: &Asked<'_>,
    (most, make): (usize, impl Fn(Item) -> T + Sync + Send),
    mut take: impl FnMut(Vec<T>) -> Result<(), E>,
) -> Result<(), E> {
    struct Failed<E>(E);
    impl<E: From<ScanError>> From<FeedError> for Failed<E> {
        fn from(error: FeedError) -> Self {
            Self(E::from(ScanError::Feed(error)))
        }
    }
    let slice =
        |records: &mut Records<'_>, behind| slice(records, bound, asked, (most, behind), &make);
    let first = |records: &mut Records<'_>| slice(records, None);
    let wants = |from: RowNumber, behind: RowNumber| {
        let mut between = asked.rows.between(from, behind);
        between.any(|row| asked.covers(row))
    };
    feed.read_some(&wants, first, |first, _, again| {
        let mapped = |slice: Result<Slice<T>, MappingError>| {
            slice.map_err(|error| Failed(E::from(ScanError::Mapping(error))))
        };
        let mut hand_on = |items: Vec<T>| {
            if items.is_empty() {
                Ok(())
            } else {
                take(items).map_err(Failed)
            }
        };
        let Slice { items, mut last } = mapped(first)?;
        hand_on(items)?;
        if last.is_none() {
            return Ok(());
        }
        let mut records = again();
        while last.is_some() {
            let next = mapped(slice(&mut records, last))?;
            if let Some(error) = records.failure() {
                return Err(error.into());
            }
            last = next.last;
            hand_on(next.items)?;
        }
        Ok(())
    })
    .map_err(|Failed(error)| error)
}

/// Makes the next wanted rows, at most that many, of those behind a row.
fn slice<T>(
    records: &mut Records<'_>,
    bound: &Bound<'_>,
    asked: &Asked<'_>,
    (most, behind): (usize, Option<RowNumber>),
    make: impl Fn(Item) -> T,
) -> Result<Slice<T>, MappingError> {
    let rows = asked.rows;
    let wanted = |row: RowNumber| {
        if behind.is_some_and(|behind| row <= behind) {
            return None;
        }
        // A row that the filter left out has no index.
        rows.at(row).filter(|index| asked.covers(*index))
    };
    let mut slice = Slice {
        items: Vec::new(),
        last: None,
    };
    let (mut spare, mut faults) = (Person::default(), Vec::new());
    while let Some(record) = records.next_of(|row| wanted(row).is_some()) {
        let row = record.row();
        let Some(index) = wanted(row) else {
            continue;
        };
        let mut person: Person<'_> = spare;
        if bound.apply(record, &mut person, &mut faults)? == Mapped::Row {
            (slice.items).push(make(item(bound, rows, index, &person, &mut faults)));
        }
        spare = person.emptied();
        if slice.items.len() >= most {
            slice.last = Some(row);
            break;
        }
    }
    Ok(slice)
}

/// What a mapped row is: a change, or what is recorded of it.
fn item(
    bound: &Bound<'_>,
    rows: &RowTable,
    row: RowIndex,
    person: &Person,
    faults: &mut Vec<Fault>,
) -> Item {
    let number = rows.number(row);
    let external_id = validate::person(bound, person, faults).map(ExternalId::known);
    faults.extend(rows.faults(row).map(|found| fault(bound, found)));
    let adopt = adopted(bound, rows, row, person, faults);
    faults.extend(other_picture(bound, rows, row, person).filter(|_| faults.is_empty()));
    faults.sort_by_key(|fault| fault.field);
    let detail = rows.detail(row);
    match (external_id, detail.and_then(|detail| detail.left_alone)) {
        (Some(external_id), Some(why)) if faults.is_empty() => {
            Item::LeftAlone(Box::new(LeftAloneRow {
                index: row,
                row: number,
                external_id,
                why,
                fingerprints: fingerprints::of_fields(bound, person),
                changed: changed_names(bound, detail),
                hold: detail.and_then(|detail| detail.hold),
            }))
        }
        (Some(external_id), None) if faults.is_empty() => Item::Change(Box::new(change(
            bound,
            rows,
            row,
            person,
            (external_id, adopt),
        ))),
        (external_id, _) => Item::Rejected {
            index: row,
            row: number,
            fingerprints: fingerprints::of_fields(bound, person),
            findings: (faults.drain(..))
                .map(|fault| finding(bound, number, external_id.clone(), fault))
                .collect(),
            external_id,
        },
    }
}

fn change(
    bound: &Bound<'_>,
    rows: &RowTable,
    row: RowIndex,
    person: &Person,
    (external_id, adopt): (ExternalId, Option<String>),
) -> Change {
    let state = rows.state(row);
    let detail = rows.detail(row);
    let take_back = detail.map_or(FieldSet::default(), |detail| detail.take_back);
    let part = |wanted| {
        // Where all is one part, nothing asks for the others.
        let has_parts = bound.mapping().target.system.spec().has_parts;
        let of = |part| part == wanted;
        if has_parts {
            fingerprints::of_parts(bound, person, of)
        } else {
            0
        }
    };
    Change {
        index: row,
        row: rows.number(row),
        action: match state {
            RowState::New | RowState::UnknownCreate => Action::Create,
            RowState::Adopt | RowState::UnknownAdopt => Action::Adopt,
            RowState::Rekey | RowState::UnknownRekey => Action::Rekey,
            _ => Action::Update,
        },
        why: Why::of_row(state, detail),
        may_have_applied: state.is_under_way(),
        doubt: detail.and_then(|detail| detail.doubt),
        fingerprint: fingerprints::of_person(bound, person),
        fingerprints: fingerprints::of_fields(bound, person),
        details: part(Part::Details),
        picture: part(Part::Picture),
        takes_back: !take_back.is_empty(),
        adopt_by: match detail.and_then(|detail| detail.account.as_ref()) {
            Some(_) => BY_ID,
            None => bound.mapping().adopt_by().unwrap_or_default(),
        },
        adopt: (detail.and_then(|detail| detail.account.as_deref()))
            .map(str::to_owned)
            .or(adopt),
        rekey: (detail.filter(|_| matches!(state, RowState::Rekey | RowState::UnknownRekey)))
            .and_then(rekey),
        hold: detail.and_then(|detail| detail.hold),
        before_groups: rows.before_groups(row),
        changed: changed_names(bound, detail),
        content: taking_back(bound, take_back, content(bound, person, external_id)),
    }
}

/// What is wrong with a row whose picture is not the one that the scan saw, and on
/// which the plan and the guards went.
fn other_picture(
    bound: &Bound<'_>,
    rows: &RowTable,
    row: RowIndex,
    person: &Person,
) -> Option<Fault> {
    let field = bound.picture()?;
    let seen = rows.fingerprint(row);
    let is_other = seen != 0 && seen != fingerprints::of_person(bound, person);
    is_other.then_some(Fault {
        field: Some(field),
        rule: Rule::Picture {
            problem: "it changed while the run was under way; the next import sends the one \
                      that is there then",
        },
        value: None,
    })
}

/// The external ID that the person gives up for the row's, if there is one.
fn rekey(detail: &RowDetail) -> Option<Rekey> {
    let renumbered = detail.renumbered.as_deref()?;
    Some(Rekey {
        from: ExternalId::known(renumbered.from.as_deref()?),
        handle: renumbered.remote_id.clone(),
    })
}

/// The names of the fields that differ, in the order of the schema.
fn changed_names(bound: &Bound<'_>, detail: Option<&RowDetail>) -> Vec<&'static str> {
    let Some(changed) = detail.and_then(|detail| detail.changed) else {
        return Vec::new();
    };
    let take_back = detail.map_or(FieldSet::default(), |detail| detail.take_back);
    let mapping = bound.mapping();
    let names = changed.with(take_back).names(mapping.target.system);
    let is_known = |name: &&'static str| {
        let is_taken_back = |tag| take_back.contains(tag);
        mapping.position(name).is_some() || mapping.tag(name).is_some_and(is_taken_back)
    };
    names.filter(is_known).collect()
}

/// The target's name for the person to adopt for the row.
fn adopted(
    bound: &Bound<'_>,
    rows: &RowTable,
    row: RowIndex,
    person: &Person,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    // The account is known by its id.
    let has_account = |detail: &RowDetail| detail.account.is_some();
    if rows.detail(row).is_some_and(has_account) {
        return None;
    }
    let mapping = bound.mapping();
    let field = *mapping.unique.fields.get(mapping.adopt?)?;
    match rows.adopted(row, person.text(field)?) {
        Ok(handle) => handle.map(str::to_owned),
        Err(rule) => {
            faults.push(fault(bound, (None, rule)));
            None
        }
    }
}

fn content(bound: &Bound<'_>, person: &Person, external_id: ExternalId) -> Content {
    let mut content = Content::only(external_id);
    for (rule, slot) in bound.mapping().fields().iter().zip(person.slots()) {
        let (field, text) = match slot {
            Slot::Text(text) => (rule.field, text),
            Slot::Clear => (rule.field, ""),
            Slot::Absent | Slot::Invalid => continue,
        };
        match field.part {
            Part::Details if field.kind == FieldKind::ExternalId => {}
            Part::Details => content.fields.push((field.name, text.to_owned())),
            Part::Instruction => content.instructions.push((field.name, text.to_owned())),
            Part::Picture => content.picture = picture(bound, text),
            Part::Roles | Part::AuthorLibraries | Part::DesignerLibraries | Part::Groups => {
                let values = text.split(BETWEEN).filter(|value| !value.is_empty());
                content
                    .sets
                    .push((field.part, values.map(str::to_owned).collect()));
            }
            Part::OfGroup => {}
        }
    }
    content
}

/// The same, with fields that were written for the person as a leaver and of which the row
/// says nothing: they are cleared.
fn taking_back(bound: &Bound<'_>, take_back: FieldSet, mut content: Content) -> Content {
    for name in take_back.names(bound.mapping().target.system) {
        if !content.fields.iter().any(|(field, _)| *field == name) {
            content.fields.push((name, String::new()));
        }
    }
    content
}

/// The picture of a mapped value, which is a name and a digest.
fn picture(bound: &Bound<'_>, text: &str) -> Option<Picture> {
    let (name, digest) = text.split_once(BETWEEN).unwrap_or_default();
    if name.is_empty() {
        return Some(Picture::Clear);
    }
    let digest = u128::from_str_radix(digest, 16).ok()?;
    bound.attachments()?.seen(name, digest).map(Picture::File)
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
