//! What a whole column or the whole feed says of the mapping.

use super::Bound;
use crate::feed::{Cell, CellKind, Record};
use crate::mapping::template::Condition;
use crate::mapping::{DateForm, DateTally, Empty, FieldRule, MappingError, Origin, Verdict};
use crate::model::Remark;

/// Whether a spreadsheet could take another such cell for a date.
fn is_like_a_date(cell: Cell<'_>) -> bool {
    let has_digit = || cell.text.bytes().any(|byte| byte.is_ascii_digit());
    cell.kind.is_number() || (cell.kind == CellKind::Text && has_digit())
}

impl Bound<'_> {
    /// Whether a field is cleared for people who have no row in a joined file.
    pub fn clears_without(&self, file: usize) -> bool {
        let columns = self.columns.of_joined(file);
        let names = self.columns.names.len();
        let rules = self.mapping.fields.iter().zip(&self.origins);
        let mut clearing = rules.filter(|(rule, _)| rule.empty == Empty::Clear);
        clearing.any(|(rule, origin)| match (&rule.origin, origin) {
            (Origin::Column(_), Some(index)) => columns.contains(&(index % names)),
            // Which of the columns it needs depends on the row.
            (Origin::Template, _) => {
                let mut asked = self.for_templates.columns().iter();
                asked.any(|column| columns.contains(column))
            }
            _ => false,
        })
    }

    /// Notes the fields, by their positions, whose columns have texts or numbers among which a
    /// date is not meant.
    pub fn note_no_dates(&self, record: &Record, fields: &mut [bool]) {
        let rules = self.mapping.fields.iter().zip(&self.origins);
        for ((rule, origin), is_noted) in rules.zip(fields) {
            if !*is_noted
                && !rule.is_date()
                && let Some(cell) = origin.and_then(|index| record.cell(index))
            {
                *is_noted = is_like_a_date(cell);
            }
        }
    }

    /// What it says of the mapping's filter how many rows it keeps and leaves out.
    pub fn judge_filter(&self, kept: u64, left_out: u64) -> Option<Remark> {
        if !self.mapping.templates.has(Condition::Filter) {
            return None;
        }
        match (kept, left_out) {
            (0, 1..) => Some(Remark::FilterTakesNone),
            (1.., 0) => Some(Remark::FilterTakesAll),
            _ => None,
        }
    }

    /// What the dates of a whole column say of the form that the mapping names.
    ///
    /// # Errors
    /// They say that day and month are in each other's place.
    pub fn judge_dates(
        &self,
        field: usize,
        tally: &DateTally,
    ) -> Result<Option<Remark>, MappingError> {
        let Some(verdict) = tally.verdict() else {
            return Ok(None);
        };
        let rule = self.mapping.fields.get(field);
        let of_condition = || self.mapping.templates.date_form(Condition::Leaver);
        let Some(form) = rule.map(FieldRule::form).or_else(of_condition) else {
            return Ok(None);
        };
        let place = self.place(field);
        let (message, help) = match verdict {
            // A row without a date that `when` can read is rejected, and says so.
            Verdict::Other(_) | Verdict::FewSwapped if rule.is_none() => return Ok(None),
            Verdict::Other(found) => {
                return Ok(Some(Remark::DateForms {
                    expected: form.into(),
                    found: found.into(),
                }));
            }
            Verdict::FewSwapped => {
                return Ok(Some(Remark::DateOrder {
                    expected: form.into(),
                }));
            }
            Verdict::BothOrders => {
                let message = format!(
                    "the dates of {place} have day and month in both orders: many are of the form \
                     \"{form}\", and many are dates only the other way round"
                );
                let help = "let the export write all dates in one form, such as 2027-12-31";
                (message, Some(help.into()))
            }
            Verdict::HalfConverted => {
                let message = format!(
                    "a spreadsheet has exchanged day and month in dates of {place}: its date cells \
                     are the days up to 12, and its texts all others"
                );
                let help = "use the export as the HR system writes it, before it is opened in \
                            Excel; if the date cells are right, make dates of the texts, too";
                (message, Some(help.into()))
            }
            Verdict::Swapped => {
                let message = format!(
                    "the dates of {place} are not of the form \"{form}\": those that tell day and \
                     month apart have them the other way round"
                );
                let swapped = DateForm::compile(form).ok();
                let swapped = swapped.as_ref().and_then(DateForm::swapped);
                let help = swapped.map(|form| match rule {
                    Some(_) => format!("set date = \"{form}\""),
                    None => format!("write date('{form}')"),
                });
                (message, help)
            }
        };
        Err(match rule {
            Some(rule) => self.mapping.error_at(rule, message, help),
            None => self.condition_error(Condition::Leaver, message, help),
        })
    }

    /// A field and its column, for a sentence.
    fn place(&self, field: usize) -> String {
        let Some(rule) = self.mapping.fields.get(field) else {
            return Condition::Leaver.title().to_owned();
        };
        let name = rule.field.name;
        match self.column(field) {
            Some(column) => format!("column `{column}` ({name})"),
            None => format!("field {name}"),
        }
    }
}
