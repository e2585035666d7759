//! Why rows did not go through, counted.

use serde::Serialize;

use super::{Style, count, sanitize};
use crate::model::Outcome;

/// One reason why rows did not go through, and how many it struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CauseLine {
    /// What became of the rows: rejected, failed, unknown or pending.
    pub outcome: Outcome,
    /// The reason, as the rows' messages give it.
    pub message: String,
    /// How many rows it struck.
    pub count: u64,
    /// Some of the rows, the first of them first; a leaver has none.
    pub rows: Vec<u32>,
}

impl CauseLine {
    /// How many row numbers are named.
    const NAMED: usize = 3;

    /// The reason and some row numbers, safe to show.
    pub(super) fn tell(&self, style: &Style) -> String {
        let message = sanitize(&self.message);
        match self.where_to_look(style) {
            Some(rows) => format!("{message} ({rows})"),
            None => message.into_owned(),
        }
    }

    /// `row 17`, `rows 17, 88, 113 …`.
    pub(super) fn where_to_look(&self, style: &Style) -> Option<String> {
        let named: Vec<_> = self
            .rows
            .iter()
            .take(Self::NAMED)
            .map(u32::to_string)
            .collect();
        if named.is_empty() {
            return None;
        }
        let noun = if self.count <= 1 { "row" } else { "rows" };
        let more = if self.count > named.len() as u64 {
            format!(" {}", style.ellipsis())
        } else {
            String::new()
        };
        Some(format!("{noun} {}{more}", named.join(", ")))
    }

    /// The heading under which causes of one outcome stand.
    pub(super) const fn heading(outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Rejected => "Why rows were rejected",
            Outcome::Failed => "Why rows failed",
            Outcome::Unknown => "Why it is not known what became of rows",
            Outcome::Pending => "Why rows were not sent",
            _ => "What was noticed",
        }
    }

    /// The causes under their headings, the most frequent first.
    pub(super) fn grouped(causes: &[Self]) -> Vec<(&'static str, Vec<&Self>)> {
        Outcome::ALL
            .into_iter()
            .filter_map(|outcome| {
                let mut group: Vec<_> = causes
                    .iter()
                    .filter(|cause| cause.outcome == outcome)
                    .collect();
                group.sort_by_key(|cause| std::cmp::Reverse(cause.count));
                (!group.is_empty()).then(|| (Self::heading(outcome), group))
            })
            .collect()
    }

    pub(super) fn shown_count(&self) -> String {
        count(self.count)
    }
}
