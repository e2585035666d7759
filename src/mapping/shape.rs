//! Records whose cells do not fit the header, or do not show where they end.

use super::bound::Bound;
use super::person::{Person, Slot};
use super::value::{Fault, From, finish};
use super::{Origin, Protect};
use crate::feed::{CellKind, QuoteFlaw, Record, column_letters};
use crate::model::Rule;

impl Bound<'_> {
    /// Makes what is certain a person of a record whose quotes do not show where its cells
    /// end, so that the person whom it names does not count as a leaver. Nothing but the
    /// quotes is wrong with it.
    pub(super) fn refuse(
        &self,
        record: &Record,
        flaw: QuoteFlaw,
        person: &mut Person,
        faults: &mut Vec<Fault>,
    ) {
        let of_mapping = From {
            is_cell: false,
            ..self.from(CellKind::Text)
        };
        let of_mapping = of_mapping.of_mapping();
        let fields = self.mapping().fields().iter().zip(&self.origins);
        for (field, (rule, origin)) in fields.enumerate() {
            match (&rule.origin, *origin) {
                (Origin::Column(_), Some(index)) if index < flaw.cell => match record.cell(index) {
                    Some(cell) => self.read_cell((field, rule), cell, person, faults),
                    None => person.push(Slot::Invalid),
                },
                (Origin::Column(_), None) => person.push(Slot::Absent),
                (Origin::Constant(text), _) => {
                    finish(field, rule, text, of_mapping, person, faults);
                }
                (Origin::Column(_) | Origin::Template, _) => person.push(Slot::Invalid),
            }
        }
        let Protect { has_where, .. } = &self.mapping().protect;
        let is_named = |id| self.mapping().protect.has_id(id);
        // A row that cannot be judged is protected.
        if *has_where || person.text(0).is_some_and(is_named) {
            person.protect();
        }
        let letters = column_letters(flaw.cell);
        let column = match self.columns.names.get(flaw.cell) {
            Some(name) => format!("{letters} (`{name}`)"),
            None => letters,
        };
        faults.clear();
        faults.push(Fault {
            field: None,
            rule: Rule::Quotes {
                column: column.into(),
                line: flaw.line,
                last_line: flaw.last_line,
                problem: flaw.problem,
            },
            value: None,
        });
    }

    /// What is wrong with a record as a whole: it is longer than the header, or one of
    /// several of a person.
    pub(super) fn of_whole_row(&self, record: &Record) -> impl Iterator<Item = Fault> {
        let columns = self.columns.own;
        let is_longer = record.len() > columns && self.overflows(record);
        let too_long = is_longer.then(|| Rule::TooManyCells {
            cells: u32::try_from(record.len()).unwrap_or(u32::MAX),
            columns: u32::try_from(columns).unwrap_or(u32::MAX),
        });
        let undecided = record.undecided();
        let undecided = undecided.map(|why| Rule::Undecided { why: why.into() });
        let rules = too_long.into_iter().chain(undecided);
        rules.map(|rule| Fault {
            field: None,
            rule,
            value: None,
        })
    }

    /// Whether a cell beyond the header's columns holds something. Trailing
    /// empty cells are a habit of spreadsheets and mean nothing.
    fn overflows(&self, record: &Record) -> bool {
        (self.columns.own..record.len()).any(|index| {
            record
                .own_cell(index)
                .is_some_and(|cell| !cell.text.trim().is_empty())
        })
    }
}
