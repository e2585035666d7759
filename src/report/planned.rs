//! A row as a plan shows it: what would be done, with a sign for the eye.

use serde::Serialize;

use super::RowLine;
use super::lines::{Line, shown, text};
use super::table::{Column, Fit};
use crate::model::{Action, Outcome};

/// A row or a leaver as an import would treat it. Serialized, it is the [`RowLine`] of how it
/// would end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PlannedLine(pub RowLine);

impl PlannedLine {
    /// What would be done: `+ create`, `~ update`, `- delete`; `?` waits for approval, `!`
    /// needs a correction, `=` stays.
    fn change(&self) -> String {
        let line = &self.0;
        let action = line.action.map_or("change", |action| match action {
            Action::Adopt => "link",
            Action::Rekey => "renumber",
            action => action.word(),
        });
        match line.outcome {
            Outcome::Created => format!("+ {action}"),
            Outcome::Updated => format!("~ {action}"),
            Outcome::Deactivated | Outcome::Deleted | Outcome::Set => format!("- {action}"),
            Outcome::Held => format!("? {action}"),
            Outcome::Rejected => "! reject".into(),
            Outcome::Failed | Outcome::Unknown => "! no answer".into(),
            Outcome::Unchanged | Outcome::Pending => "= keep".into(),
        }
    }
}

impl PlannedLine {
    /// Why, and what of it causes it.
    fn why(&self) -> String {
        let details = self.0.details();
        match self.0.because_of {
            Some(cause) if details.is_empty() => format!("by {cause}"),
            Some("both") => format!("{details} (by mapping and feed)"),
            Some(cause) => format!("{details} (by the {cause})"),
            None => details,
        }
    }
}

impl Line for PlannedLine {
    const COLUMNS: &'static [Column] = &[
        Column("Change", Fit::Text),
        Column("Row", Fit::Number),
        Column("External ID", Fit::Text),
        Column("Why", Fit::Rest),
    ];
    const FIELDS: &'static [&'static str] = RowLine::FIELDS;

    fn cells(&self) -> Vec<String> {
        vec![
            self.change(),
            text(self.0.row),
            shown(self.0.external_id.as_deref()),
            self.why(),
        ]
    }
}
