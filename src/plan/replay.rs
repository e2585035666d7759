//! The second pass: the feed is read again, and the rows that must be sent or
//! recorded are mapped again.

use crate::feed::{Feed, FeedError};
use crate::mapping::{Bound, Fault, Mapped, MappingError, Person, Slot};
use crate::model::{Action, BeforeGroups, Content, ExternalId, Finding, Picture, RowNumber};
use crate::plan::rows::{RowState, RowTable, fault};
use crate::plan::scan::{ScanError, finding, fingerprint_of, fingerprint_of_parts};
use crate::schema::{BETWEEN, FieldKind, Part};
use crate::validate;
use crate::validate::unique::RowIndex;

/// Which rows a replay hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// People that the target may or may not have.
    New,
    /// Everything to send or to record: joiners, changed people, rejected rows.
    Work,
    /// These rows, sorted.
    These,
}

/// A row to send or to record.
#[derive(Debug)]
pub enum Item {
    /// To be sent.
    Change(Box<Change>),
    /// To be recorded: what is wrong with it, at least one finding.
    Rejected {
        /// The row.
        row: RowNumber,
        /// Its external ID, where it has one.
        external_id: Option<ExternalId>,
        /// What is wrong.
        findings: Vec<Finding>,
    },
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
    /// An interrupted run may have applied it: the target is asked first.
    pub may_have_applied: bool,
    /// Who, and how the person must be.
    pub content: Content,
    /// The fingerprint of the content.
    pub fingerprint: u128,
    /// The fingerprint of the details.
    pub details: u128,
    /// The fingerprint of the picture.
    pub picture: u128,
    /// The target's name for the person without an external ID who is this one.
    pub adopt: Option<String>,
    /// The field by which people to adopt are recognised.
    pub adopt_by: &'static str,
    /// Somebody known comes under another external ID than before.
    pub rekey: Option<Rekey>,
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

impl Change {
    /// The external ID under which the person is known before the change.
    #[must_use]
    pub fn known_as(&self) -> &ExternalId {
        match &self.rekey {
            Some(rekey) => &rekey.from,
            None => &self.content.external_id,
        }
    }
}

/// Reads the feed again and hands the wanted rows to `take`, in the order of
/// the file, some at a time.
///
/// # Errors
/// The feed cannot be read or has changed; or `take` said to stop.
pub fn replay<E: From<ScanError>>(
    feed: &mut Feed,
    bound: &Bound<'_>,
    rows: &RowTable,
    wanted: Wanted,
    these: &[RowIndex],
    mut take: impl FnMut(Vec<Item>) -> Result<(), E>,
) -> Result<(), E> {
    struct Failed<E>(E);
    impl<E: From<ScanError>> From<FeedError> for Failed<E> {
        fn from(error: FeedError) -> Self {
            Self(E::from(ScanError::Feed(error)))
        }
    }
    feed.read(
        |records| {
            let mut items = Vec::new();
            let (mut person, mut faults) = (Person::default(), Vec::new());
            while let Some(record) = records.next_record() {
                // A row that the filter left out has no index.
                let Some(index) = rows.at(record.row()) else {
                    continue;
                };
                let state = rows.state(index);
                let is_wanted = match wanted {
                    Wanted::New => state == RowState::New,
                    Wanted::Work => !matches!(
                        state,
                        RowState::Unchanged | RowState::Settled | RowState::Held
                    ),
                    Wanted::These => these.binary_search(&index).is_ok(),
                };
                if !is_wanted || bound.apply(record, &mut person, &mut faults)? == Mapped::Skipped {
                    continue;
                }
                let external_id =
                    validate::person(bound, &person, &mut faults).map(ExternalId::known);
                faults.extend(rows.faults(index).map(|found| fault(bound, found)));
                let adopt = adopted(bound, rows, index, &person, &mut faults);
                faults.sort_by_key(|fault| fault.field);
                items.push(match external_id {
                    Some(external_id) if faults.is_empty() => Item::Change(Box::new(Change {
                        index,
                        row: record.row(),
                        action: match state {
                            RowState::New | RowState::UnknownCreate => Action::Create,
                            RowState::Adopt | RowState::UnknownAdopt => Action::Adopt,
                            _ => Action::Update,
                        },
                        may_have_applied: matches!(
                            state,
                            RowState::UnknownCreate
                                | RowState::UnknownAdopt
                                | RowState::UnknownUpdate
                        ),
                        fingerprint: fingerprint_of(bound, &person),
                        details: fingerprint_of_parts(bound, &person, |part| part == Part::Details),
                        picture: fingerprint_of_parts(bound, &person, |part| part == Part::Picture),
                        adopt,
                        adopt_by: bound.mapping().adopt_by().unwrap_or_default(),
                        rekey: None,
                        before_groups: rows.before_groups(index),
                        content: content(bound, &person, external_id),
                    })),
                    external_id => Item::Rejected {
                        row: record.row(),
                        findings: faults
                            .drain(..)
                            .map(|fault| finding(bound, record.row(), external_id.clone(), fault))
                            .collect(),
                        external_id,
                    },
                });
            }
            Ok::<_, MappingError>(items)
        },
        |items, _| {
            let items = items.map_err(|error| Failed(E::from(ScanError::Mapping(error))))?;
            if items.is_empty() {
                Ok(())
            } else {
                take(items).map_err(Failed)
            }
        },
    )
    .map_err(|Failed(error)| error)
}

/// The target's name for the person to adopt for the row.
fn adopted(
    bound: &Bound<'_>,
    rows: &RowTable,
    row: RowIndex,
    person: &Person,
    faults: &mut Vec<Fault>,
) -> Option<String> {
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

/// The picture of a mapped value, which is a name and a digest.
fn picture(bound: &Bound<'_>, text: &str) -> Option<Picture> {
    let name = text.split(BETWEEN).next().unwrap_or_default();
    if name.is_empty() {
        return Some(Picture::Clear);
    }
    bound.attachments()?.path(name).ok().map(Picture::File)
}
