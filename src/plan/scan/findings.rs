//! What is wrong with rows, and how much of it is kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::feed::Record;
use crate::mapping::{Bound, Fault, Mapped, MappingError, Person};
use crate::model::{ExternalId, Finding, MAX_NAMED_ROWS, RowNumber, Rule};
use crate::plan::rows::{RowTable, fault};
use crate::validate;

/// The most findings that are kept whole. A feed with more is wrong as a whole,
/// and a person needs their kinds.
pub const MAX_FINDINGS: usize = 100_000;

/// Findings of one rule and one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingKind {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Finding,
    /// The rows of the first few.
    pub rows: Vec<RowNumber>,
}

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
    (person, faults): (&mut Person, &mut Vec<Fault>),
) -> Result<Vec<Finding>, MappingError> {
    if bound.apply(record, person, faults)? != Mapped::Row {
        return Ok(Vec::new());
    }
    let id = validate::person(bound, person, faults).map(ExternalId::known);
    faults.sort_by_key(|fault| fault.field);
    let of_row = |fault| finding(bound, record.row(), id.clone(), fault);
    Ok(faults.drain(..).map(of_row).collect())
}

/// The kinds of findings, together with those of the rows that were rejected since
/// the first pass, by what is known of people and groups.
#[must_use]
pub fn with_later_kinds(
    bound: &Bound<'_>,
    kinds: Vec<FindingKind>,
    rows: &RowTable,
) -> Vec<FindingKind> {
    let mut all = Kinds::default();
    for kind in kinds {
        all.0.insert(Kinds::key(&kind.first), kind);
    }
    for (row, found) in rows.later_faults() {
        all.add(&finding(bound, rows.number(row), None, fault(bound, found)));
    }
    all.sorted()
}

/// By code, variety and field.
#[derive(Default)]
struct Kinds(HashMap<KindKey, FindingKind>);

type KindKey = (&'static str, &'static str, Option<Box<str>>);

impl Kinds {
    fn key(finding: &Finding) -> KindKey {
        let rule = &finding.rule;
        (rule.code(), rule.variety(), finding.field.clone())
    }

    fn add(&mut self, finding: &Finding) {
        let kind = self
            .0
            .entry(Self::key(finding))
            .or_insert_with(|| FindingKind {
                count: 0,
                first: finding.clone(),
                rows: Vec::new(),
            });
        kind.count += 1;
        if kind.rows.len() < MAX_NAMED_ROWS {
            kind.rows.push(finding.row);
        }
    }

    /// Takes in the kinds of later rows.
    fn extend(&mut self, more: Self) {
        for (key, kind) in more.0 {
            match self.0.entry(key) {
                Entry::Vacant(place) => drop(place.insert(kind)),
                Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    known.count += kind.count;
                    let room = MAX_NAMED_ROWS.saturating_sub(known.rows.len());
                    known.rows.extend(kind.rows.into_iter().take(room));
                }
            }
        }
    }

    fn sorted(self) -> Vec<FindingKind> {
        let mut kinds: Vec<_> = self.0.into_values().collect();
        kinds.sort_by_key(|kind| {
            (
                std::cmp::Reverse(kind.count),
                kind.first.row,
                kind.first.rule.code(),
                kind.first.field.clone(),
                kind.first.rule.variety(),
            )
        });
        kinds
    }
}

pub(super) struct Findings {
    pub(super) kept: Vec<Finding>,
    /// How many are kept at most.
    pub(super) max: usize,
    kinds: Kinds,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            max: MAX_FINDINGS,
            kinds: Kinds::default(),
        }
    }
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        self.kinds.add(&finding);
        if self.kept.len() < self.max {
            self.kept.push(finding);
        }
    }

    /// Takes in those of later rows.
    pub(super) fn extend(&mut self, more: Self) {
        self.kinds.extend(more.kinds);
        let room = self.max.saturating_sub(self.kept.len());
        self.kept.extend(more.kept.into_iter().take(room));
    }

    pub(super) fn finish(mut self) -> (Vec<Finding>, Vec<FindingKind>) {
        // Stable: of one row, first what is wrong with it by itself.
        self.kept.sort_by_key(|finding| finding.row);
        (self.kept, self.kinds.sorted())
    }
}

impl FindingKind {
    /// The findings in one sentence, for all of their rows.
    pub fn message(&self) -> String {
        let sentence = match &self.first.rule {
            _ if self.count == 1 => return self.first.message(),
            // The sentences of these name one row's figures.
            Rule::Duplicate { .. } => "duplicate value".into(),
            Rule::LoginTaken { .. } => "the login belongs to somebody else".into(),
            Rule::Renumbered { .. } => "somebody known under another external ID".into(),
            Rule::KnownAsVariant { .. } => {
                "differs only in case or spaces from an external ID that is known".into()
            }
            Rule::ExternalIdInUse { .. } => Rule::ExternalIdInUse { known_as: None }.to_string(),
            Rule::ExternalIdsExchanged { .. } => {
                Rule::ExternalIdsExchanged { known_as: None }.to_string()
            }
            Rule::NoSuchGroup { .. } => "the LMS does not have the group".into(),
            Rule::AdoptAmbiguous { .. } => {
                "several accounts without an external ID match the person".into()
            }
            Rule::AmbiguousOnTarget { .. } => {
                "several people in the LMS have the external ID".into()
            }
            Rule::TooLong { max, .. } => {
                format!("is longer than the {max} characters that the LMS accepts")
            }
            Rule::Country { .. } => Rule::Country { meant: None }.to_string(),
            Rule::State { .. } => Rule::State { meant: None }.to_string(),
            Rule::CellError { .. } => "contains an error instead of a value".into(),
            Rule::Undecided { .. } => "several rows are about the person, or one that cannot be \
                                       read, so that the value is not certain"
                .into(),
            Rule::TooManyCells { .. } => "the row has more cells than the header".into(),
            Rule::TooFewCells { short, .. } => {
                format!("the row has fewer cells than the header: {}", short.text())
            }
            Rule::Quotes { problem, .. } => problem.text().into(),
            _ => return self.first.message(),
        };
        match self.first.place() {
            Some(place) => format!("{place}: {sentence}"),
            None => sentence,
        }
    }
}
