//! Values that a template makes of a row.

use std::sync::Arc;

use super::Bound;
use crate::feed::CellKind;
use crate::mapping::template::TemplateRow;
use crate::mapping::value::{From, clean, finish, invalid};
use crate::mapping::{Fault, FieldRule, MappingError, Person};
use crate::model::Rule;
use crate::schema::FieldKind;

impl Bound<'_> {
    /// Makes the value of a field by its template.
    pub(super) fn read_template(
        &self,
        (field, rule): (usize, &FieldRule),
        row: &Arc<TemplateRow>,
        person: &mut Person,
        faults: &mut Vec<Fault>,
    ) -> Result<(), MappingError> {
        let from = From {
            is_cell: false,
            ..self.from(CellKind::Text)
        };
        let text = match self.rendered(rule, row)? {
            Ok(text) => text,
            Err(problem) => {
                let broken = Rule::Template {
                    what: "the template failed",
                    problem: problem.into(),
                };
                invalid(field, broken, None, person, faults);
                return Ok(());
            }
        };
        let text = clean(&text);
        if matches!(rule.field.kind, FieldKind::ExternalId)
            && let Some(columns) = self.mapping.templates.columns(rule.field.name)
        {
            let Some(cells) = row.built_of(columns, &text) else {
                let broken = Rule::ExternalIdDamaged {
                    problem: "is built of a cell that the spreadsheet took for a time, for TRUE or \
                              FALSE, or for a number with a fraction or in short; format its column \
                              as Text and enter the ID again",
                };
                invalid(field, broken, Some(&text), person, faults);
                return Ok(());
            };
            person.build_id_of(cells);
        }
        finish(field, rule, &text, from, person, faults);
        Ok(())
    }

    /// The text that a template makes of a row, or why it cannot.
    fn rendered(
        &self,
        rule: &FieldRule,
        row: &Arc<TemplateRow>,
    ) -> Result<Result<String, String>, MappingError> {
        let rendered = self.mapping.templates.render(rule.field.name, row);
        if rendered.is_err() && row.missing().is_some() {
            return Err(self.missing(rule, row));
        }
        Ok(rendered)
    }
}
