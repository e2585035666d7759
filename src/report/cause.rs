//! Why rows were not applied, counted.

use super::sanitize;
use crate::model::{MAX_NAMED_ROWS, Outcome, RowNumber};

/// One reason why rows were not applied, and the number of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseLine {
    /// How the rows ended: rejected, failed, unknown or pending.
    pub outcome: Outcome,
    /// The reason, as the rows' messages give it.
    pub message: String,
    /// How many rows ended for it.
    pub count: u64,
    /// Some of the rows in ascending order; a leaver has no row.
    pub rows: Vec<RowNumber>,
}

impl CauseLine {
    /// The reason with some row numbers, safe to show.
    pub(super) fn with_rows(&self) -> String {
        let message = sanitize(&self.message);
        match self.row_numbers() {
            Some(rows) => format!("{message} ({rows})"),
            None => message.into_owned(),
        }
    }

    /// `row 17`, `rows 17, 88, 113 …`.
    pub(super) fn row_numbers(&self) -> Option<String> {
        let named = self.rows.iter().take(MAX_NAMED_ROWS);
        let named: Vec<_> = named.map(RowNumber::to_string).collect();
        let noun = if self.count <= 1 { "row" } else { "rows" };
        let is_all = self.count <= named.len() as u64;
        let more = if is_all { "" } else { " …" };
        (!named.is_empty()).then(|| format!("{noun} {}{more}", named.join(", ")))
    }

    /// The causes under the headings of their outcomes, the most frequent first.
    pub(super) fn grouped(causes: &[Self]) -> Vec<(&'static str, Vec<&Self>)> {
        let heading = |outcome| match outcome {
            Outcome::Rejected => "Why rows were rejected",
            Outcome::Failed => "Why rows failed",
            Outcome::Unknown => "Why outcomes are unknown",
            Outcome::Pending => "Why rows were not sent",
            _ => "Other remarks",
        };
        Outcome::ALL
            .into_iter()
            .filter_map(|outcome| {
                let group = causes.iter().filter(|cause| cause.outcome == outcome);
                let mut group: Vec<_> = group.collect();
                group.sort_by_key(|cause| std::cmp::Reverse(cause.count));
                (!group.is_empty()).then(|| (heading(outcome), group))
            })
            .collect()
    }
}
