//! The cells of a record that templates ask for.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::{TemplateRow, Templates};
use crate::feed::{CellKind, Record};
use crate::mapping::columns::{ColumnNames, Spelling};
use crate::mapping::value::{cell_value, flaw};
use crate::schema::FieldKind;

/// Which cells templates see, and by which names.
#[derive(Clone, Debug)]
pub(in crate::mapping) struct TemplateCells {
    /// The columns that they may ask for, sorted.
    columns: Vec<usize>,
    /// The place of each name among them.
    names: Arc<HashMap<String, usize>>,
    /// The day on which the feed is read.
    today: Date,
}

impl TemplateCells {
    /// The columns that `templates` may ask for: by the names that the feed has, which
    /// they may compute, and by those that they have in their text. How the feed spells
    /// these is added to `spellings`. The feed is read on the day `today`.
    pub(in crate::mapping) fn of(
        templates: &Templates,
        names: &ColumnNames,
        spellings: &mut Vec<Spelling>,
        today: Date,
    ) -> Self {
        let of_feed = names.exact().filter(|(name, _)| templates.ask_for(name));
        let of_feed = of_feed.map(|(name, index)| (name.to_owned(), index));
        let of_text = templates.named_columns();
        let mut by_name: HashMap<String, usize> = of_text
            .filter_map(|name| {
                let found = names.find(name)?;
                spellings.extend(found.spelling);
                Some((name.to_owned(), found.index))
            })
            .collect();
        by_name.extend(of_feed);
        let mut columns: Vec<_> = by_name.values().copied().collect();
        columns.sort_unstable();
        columns.dedup();
        let place = |index: usize| columns.binary_search(&index).ok();
        let names = by_name.into_iter();
        let names = names.filter_map(|(name, index)| Some((name, place(index)?)));
        Self {
            names: Arc::new(names.collect()),
            columns,
            today,
        }
    }

    /// The columns that templates may ask for.
    pub(in crate::mapping) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// A row whose cells are all empty.
    pub(in crate::mapping) fn empty_row(&self) -> Arc<TemplateRow> {
        Arc::new(TemplateRow::new(Arc::clone(&self.names), self.today))
    }

    /// What templates see of a record.
    pub(in crate::mapping) fn row(&self, record: &Record) -> Arc<TemplateRow> {
        let mut row = TemplateRow::new(Arc::clone(&self.names), self.today);
        for &index in &self.columns {
            if let Some(cell) = record.cell(index) {
                // A number or a text: which field it becomes is the template's matter.
                let text = cell_value(cell, false, FieldKind::Text, |removed| {
                    row.note_removed(removed);
                });
                row.push(&text, cell.kind, flaw(cell));
                continue;
            }
            row.push("", CellKind::Text, None);
            if record.ends_before(index) {
                row.note_end();
            }
        }
        Arc::new(row)
    }
}
