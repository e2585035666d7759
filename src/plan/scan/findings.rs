//! What is wrong with rows, and how much of it is kept.

use crate::feed::Record;
use crate::mapping::{Bound, Fault, Mapped, MappingError, Person};
use crate::model::{Causes, ExternalId, Finding, RowNumber};
use crate::plan::rows::{RowTable, fault};
use crate::validate;

/// The most findings that are kept whole. A feed with more is wrong as a whole,
/// and a person needs their kinds.
pub const MAX_FINDINGS: usize = 100_000;

/// The most characters of a value that are kept with a finding: a feed of values
/// without an end would fill the memory.
const MAX_VALUE: usize = 1_000;

fn shorten(value: Box<str>) -> Box<str> {
    match value.char_indices().nth(MAX_VALUE) {
        Some((at, _)) => format!("{}…", value.get(..at).unwrap_or_default()).into(),
        None => value,
    }
}

/// A fault with its row, person and column.
pub(in crate::plan) fn finding(
    bound: &Bound<'_>,
    row: RowNumber,
    external_id: Option<ExternalId>,
    fault: Fault,
) -> Finding {
    let letters = fault.field.and_then(|field| bound.letters(field));
    Finding {
        row,
        cell: letters.map(|letters| format!("{letters}{}", row.row()).into()),
        external_id,
        column: fault
            .field
            .and_then(|field| bound.column(field))
            .map(Into::into),
        field: fault
            .field
            .and_then(|field| bound.mapping().fields().get(field))
            .map(|rule| rule.field.name.into()),
        rule: fault.rule,
        value: fault.value.map(shorten),
    }
}

/// What is wrong with a row by itself, in the order in which it is said: not what only
/// the other rows, the journal or the LMS show.
///
/// # Errors
/// A template asks for a column that the feed does not have.
pub fn own_findings(
    bound: &Bound<'_>,
    record: &Record,
    faults: &mut Vec<Fault>,
) -> Result<Vec<Finding>, MappingError> {
    let mut person = Person::default();
    if bound.apply(record, &mut person, faults)? != Mapped::Row {
        return Ok(Vec::new());
    }
    let id = validate::person(bound, &person, faults).map(ExternalId::known);
    faults.sort_by_key(|fault| fault.field);
    let of_row = |fault| finding(bound, record.row(), id.clone(), fault);
    Ok(faults.drain(..).map(of_row).collect())
}

/// The causes, together with those of the rows that were rejected since the first pass, by
/// what is known of people and groups.
#[must_use]
pub fn with_later_causes(bound: &Bound<'_>, mut causes: Causes, rows: &RowTable) -> Causes {
    for (row, found) in rows.later_faults() {
        causes.add_finding(&finding(bound, rows.number(row), None, fault(bound, found)));
    }
    causes
}

pub(super) struct Findings {
    pub(super) kept: Vec<Finding>,
    /// How many are kept at most.
    pub(super) max: usize,
    causes: Causes,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            max: MAX_FINDINGS,
            causes: Causes::default(),
        }
    }
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        self.causes.add_finding(&finding);
        if self.kept.len() < self.max {
            self.kept.push(finding);
        }
    }

    /// Takes in those of later rows.
    pub(super) fn extend(&mut self, more: Self) {
        self.causes.extend(more.causes);
        let room = self.max.saturating_sub(self.kept.len());
        self.kept.extend(more.kept.into_iter().take(room));
    }

    pub(super) fn finish(mut self) -> (Vec<Finding>, Causes) {
        // Stable: of one row, first what is wrong with it by itself.
        self.kept.sort_by_key(|finding| finding.row);
        (self.kept, self.causes)
    }
}
