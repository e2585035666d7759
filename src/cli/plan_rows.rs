//! The rows of a plan: what would be done first, and why.

use std::collections::BTreeMap;
use std::io::Write;

use super::context::{Context, PrintError};
use super::exit::Failure;
use super::instead_of::OtherPlan;
use super::run_report::field_names;
use crate::journal::{HeldPerson, HoldId};
use crate::mapping::Leavers;
use crate::model::{Action, ExternalId, Finding, HoldKind, Outcome};
use crate::plan::{self, Change, Item, PlannedChange, RowState, TimeLeft, Wanted, Why};
use crate::report::{Format, PlannedLine, PlannedWriter, RowLine};
use crate::run::{HoldNow, Planned, Unanswered};

/// The rows in the order in which a person wants to see them: leavers come before all of
/// these.
const GROUPS: [&[RowState]; 4] = [
    &[RowState::Rejected],
    &[
        RowState::Changed,
        RowState::Adopt,
        RowState::Rekey,
        RowState::UnknownAdopt,
        RowState::UnknownUpdate,
        RowState::UnknownRekey,
    ],
    &[RowState::New, RowState::UnknownCreate],
    &[RowState::LeftAlone],
];

/// How the rows are printed.
#[derive(Clone, Copy)]
pub(super) struct Printed {
    /// In which form.
    pub(super) format: Format,
    /// With the new values of fields, which are personal data.
    pub(super) show_values: bool,
    /// The most rows.
    pub(super) most: u64,
}

/// Prints who would be removed, held, rejected, changed or created.
pub(super) fn print_rows(
    context: &Context,
    planned: &mut Planned<'_>,
    printed: Printed,
    other: Option<&OtherPlan>,
) -> Result<(), Failure> {
    context.print_with(|out| {
        let mut rows = Rows {
            writer: PlannedWriter::new(printed.format, out, &context.out),
            left: printed.most,
        };
        match rows.write_all(planned, printed.show_values, other) {
            Ok(()) | Err(PrintError::Enough) => Ok(rows.writer.finish()?),
            Err(error) => Err(error),
        }
    })
}

/// Rows that are being printed.
struct Rows<W: Write> {
    writer: PlannedWriter<W>,
    /// How many more.
    left: u64,
}

impl<W: Write> Rows<W> {
    fn write(&mut self, line: RowLine) -> Result<(), PrintError> {
        self.left = self.left.checked_sub(1).ok_or(PrintError::Enough)?;
        Ok(self.writer.write(&PlannedLine(line))?)
    }

    fn write_all(
        &mut self,
        planned: &mut Planned<'_>,
        show_values: bool,
        other: Option<&OtherPlan>,
    ) -> Result<(), PrintError> {
        let key = planned.key();
        let (feed, bound, prepared) = (&mut planned.feed, &planned.bound, &planned.prepared);
        let leaving = bound.mapping().leavers;
        for id in &prepared.plan.leavers {
            let marked = prepared.marked.contains_key(id);
            let why = marked.then(|| bound.mapping().why_marked());
            let mut line = leaver(id, leaving, why);
            line.because_of = other.map(|other| other.cause_of_leaver(id));
            self.write(line)?;
        }
        for hold in &prepared.holds {
            for person in hold.people.iter() {
                self.write(held_line(hold, person, leaving))?;
            }
        }
        for row in &prepared.unanswered {
            self.write(unanswered(row))?;
        }
        for states in GROUPS {
            let these: Vec<_> = prepared.rows.rows_in(states).collect();
            if these.is_empty() {
                continue;
            }
            plan::replay(
                feed,
                bound,
                &prepared.rows,
                Wanted::These,
                &these,
                |items| {
                    items.iter().try_for_each(|item| {
                        let mut line = line(item, show_values);
                        if let Item::Change(change) = item {
                            line.because_of = other
                                .map(|it| it.cause_of_row(&PlannedChange::of_row(change, &key)));
                        }
                        self.write(line)
                    })
                },
            )?;
        }
        for (id, left) in &prepared.waiting {
            self.write(waiting(id, *left))?;
        }
        Ok(())
    }
}

/// Somebody who is no longer in the feed, or whose row says that the person leaves.
fn leaver(id: &ExternalId, how: Leavers, why_marked: Option<&str>) -> RowLine {
    let action = plan::action_of(HoldKind::Leavers, how);
    let outcome = match action {
        Some(Action::Delete) => Outcome::Deleted,
        Some(Action::Set) => Outcome::Set,
        _ => Outcome::Deactivated,
    };
    let why = why_marked.unwrap_or(Why::Leaver.message());
    RowLine {
        action,
        why: Some(Why::Leaver.word()),
        message: Some(why.into()),
        ..RowLine::new(None, Some(id), outcome)
    }
}

/// Somebody who is missing from the feed and has time left.
fn waiting(id: &ExternalId, left: TimeLeft) -> RowLine {
    RowLine {
        message: Some(format!("no longer in the feed: leaves {left}")),
        ..RowLine::new(None, Some(id), Outcome::Unchanged)
    }
}

/// Somebody who would wait for a decision.
fn held_line(hold: &HoldNow, person: &HeldPerson, leavers: Leavers) -> RowLine {
    RowLine {
        action: plan::action_of(hold.held.kind, leavers),
        message: Some(person.reason.to_string()),
        changed: (person.changed.as_deref())
            .map(field_names)
            .unwrap_or_default(),
        known_as: person.known_as.clone(),
        hold: hold.id.map(HoldId::number),
        ..RowLine::new(person.row, Some(&person.external_id), Outcome::Held)
    }
}

/// A row as it would end.
fn line(item: &Item, show_values: bool) -> RowLine {
    match item {
        Item::Change(change) => {
            let outcome = match change.action {
                Action::Create => Outcome::Created,
                _ => Outcome::Updated,
            };
            // What changes says enough, where it is known.
            let is_said = change.why == Why::Changed && !change.changed.is_empty();
            RowLine {
                action: Some(change.action),
                why: Some(change.why.word()),
                message: (!is_said).then(|| change.why.message().into()),
                values: new_values(change, show_values),
                changed: change.changed.iter().map(|it| (*it).to_owned()).collect(),
                known_as: change.rekey.as_ref().map(|rekey| rekey.from.to_string()),
                hold: change.hold,
                ..RowLine::new(Some(change.row), Some(&change.content.external_id), outcome)
            }
        }
        Item::LeftAlone(row) => RowLine {
            message: Some(row.why.message().into()),
            changed: row.changed.iter().map(|it| (*it).to_owned()).collect(),
            hold: row.hold,
            ..RowLine::new(Some(row.row), Some(&row.external_id), Outcome::Unchanged)
        },
        Item::Rejected {
            row,
            external_id,
            findings,
            ..
        } => {
            let messages: Vec<_> = findings.iter().map(Finding::message).collect();
            RowLine {
                message: Some(messages.join("; ")),
                ..RowLine::new(Some(*row), external_id.as_ref(), Outcome::Rejected)
            }
        }
    }
}

/// The new values of the fields that change, if somebody asked for them.
fn new_values(change: &Change, show_values: bool) -> BTreeMap<String, String> {
    let fields = change.content.fields.iter();
    fields
        .filter(|(name, _)| show_values && change.changed.contains(name))
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn unanswered(row: &Unanswered) -> RowLine {
    RowLine {
        action: Some(Action::Create),
        attempts: row.attempts,
        message: Some(row.why.clone()),
        ..RowLine::new(Some(row.row), Some(&row.external_id), Outcome::Failed)
    }
}
