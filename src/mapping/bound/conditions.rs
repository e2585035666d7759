//! What the conditions of a mapping say of a row.

use std::sync::Arc;

use super::Bound;
use crate::mapping::MappingError;
use crate::mapping::nothing::is_no_external_id;
use crate::mapping::person::Person;
use crate::mapping::template::{Condition, TemplateRow};
use crate::mapping::value::Fault;
use crate::model::{ExternalId, Rule};

impl Bound<'_> {
    /// What a condition says of a row; `None` if the mapping does not have it, or if it
    /// cannot judge the row, which is a fault.
    pub(super) fn says(
        &self,
        condition: Condition,
        row: &mut dyn FnMut() -> Arc<TemplateRow>,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<bool>, MappingError> {
        if !self.mapping.templates.has(condition) {
            return Ok(None);
        }
        let problem = match self.answer(condition, &row())? {
            Ok(answer) => return Ok(Some(answer)),
            Err(problem) => problem.into(),
        };
        let what = condition.cannot_judge();
        faults.push(Fault {
            field: None,
            rule: Rule::Template { what, problem },
            value: None,
        });
        Ok(None)
    }

    /// Whether the row says that its person leaves. Nobody leaves by a row that cannot be
    /// judged, nor by cells that it may have lost.
    pub(super) fn marks_leaver(
        &self,
        person: &mut Person,
        row: &mut dyn FnMut() -> Arc<TemplateRow>,
        faults: &mut Vec<Fault>,
    ) -> Result<bool, MappingError> {
        if !self.mapping.marks_leavers() {
            return Ok(false);
        }
        // What other templates asked for.
        drop((row().take_beyond(), row().take_dates()));
        let leaves = self.says(Condition::Leaver, row, faults)? == Some(true);
        for evidence in row().take_dates() {
            person.show_date(self.mapping.fields.len(), evidence);
        }
        let Some(column) = row().take_beyond().filter(|_| leaves) else {
            return Ok(leaves);
        };
        let problem = format!("the row ends before column `{column}`");
        faults.push(Fault {
            field: None,
            rule: Rule::Template {
                what: Condition::Leaver.cannot_judge(),
                problem: problem.into(),
            },
            value: None,
        });
        Ok(false)
    }

    /// Whether the row has an external ID, and is not wrong as a whole.
    pub(super) fn names_somebody(&self, person: &Person, faults: &[Fault]) -> bool {
        let Some(id) = self.mapping.unique.fields.first() else {
            return false;
        };
        let is_about_id = |fault: &Fault| fault.field.is_none_or(|field| field == *id);
        let text = person.text(*id).filter(|text| !is_no_external_id(text));
        !faults.iter().any(is_about_id) && text.is_some_and(|it| ExternalId::check(it).is_ok())
    }

    /// An error where the mapping has a condition.
    pub(super) fn condition_error(
        &self,
        condition: Condition,
        message: String,
        help: Option<String>,
    ) -> MappingError {
        let mut conditions = self.mapping.templates.conditions().iter();
        let (line, column) = conditions
            .find_map(|(other, place)| (*other == condition).then_some(*place))
            .unwrap_or((1, 1));
        MappingError::Content {
            path: self.mapping.path.clone(),
            line,
            column,
            message,
            help,
        }
    }
}
