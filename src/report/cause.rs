//! Why rows were not applied, counted.

use schemars::JsonSchema;
use serde::Serialize;

use super::lines::{Place, places};
use super::sanitize;
use crate::model::{Cause, Causes, MAX_NAMED_ROWS, Outcome, RowNumber, advice};

/// The most causes that are handed to scripts.
const MAX_CAUSES: usize = 100;

/// One reason why rows were not applied, and the number of rows: an entry of `causes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CauseLine {
    /// The code of the rule that the rows break; null where the LMS says why.
    pub rule: Option<String>,
    /// The field of the LMS.
    pub field: Option<String>,
    /// The feed's column.
    pub column: Option<String>,
    /// The wrong value, where it is of a closed list and no person's data.
    pub value: Option<String>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// How the rows ended: rejected, failed, unknown or pending.
    pub outcome: Outcome,
    /// The reason, as the rows' messages give it.
    pub message: String,
    /// How many rows ended for it.
    pub count: u64,
    /// Some of the rows in ascending order; a leaver has no row.
    #[serde(serialize_with = "places")]
    #[schemars(with = "Vec<Place>")]
    pub rows: Vec<RowNumber>,
    /// What somebody does about it who knows the people and not hrfeed.
    pub help: Option<&'static str>,
    /// Whether the LMS refused the rows.
    #[serde(skip)]
    pub is_refused: bool,
}

impl From<&Cause> for CauseLine {
    fn from(cause: &Cause) -> Self {
        let (column, field) = cause.place();
        Self {
            field: field.map(str::to_owned),
            column: column.map(str::to_owned),
            value: cause.value.as_deref().map(str::to_owned),
            status: cause.status,
            outcome: cause.outcome,
            message: match (cause.sentence(), cause.status) {
                (Some(message), _) => message,
                (None, Some(status)) => format!("HTTP {status}"),
                (None, None) if cause.outcome == Outcome::Unknown => {
                    "sent but not confirmed when the run ended; `hrfeed resume` checks each one and \
                     completes it"
                        .into()
                }
                (None, None) => "no reason recorded".into(),
            },
            count: cause.count,
            rows: cause.rows.clone(),
            help: (cause.rule.as_deref())
                .filter(|_| cause.outcome == Outcome::Rejected)
                .map(advice),
            is_refused: cause.is_refused,
            rule: cause.rule.clone(),
        }
    }
}

impl CauseLine {
    /// The most frequent causes, first of all.
    #[must_use]
    pub fn all(causes: &Causes) -> Vec<Self> {
        let causes = causes.sorted();
        causes.iter().take(MAX_CAUSES).map(Self::from).collect()
    }

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
        const GROUPS: [(Outcome, bool, &str); 5] = [
            (Outcome::Rejected, false, "Wrong in the feed"),
            (Outcome::Rejected, true, "Refused by the LMS"),
            (Outcome::Failed, false, "Why rows failed"),
            (Outcome::Unknown, false, "Why outcomes are unknown"),
            (Outcome::Pending, false, "Why rows were not sent"),
        ];
        let groups = GROUPS.into_iter().map(|(outcome, is_refused, heading)| {
            let is_of = |cause: &&Self| cause.outcome == outcome && cause.is_refused == is_refused;
            let mut group: Vec<_> = causes.iter().filter(is_of).collect();
            group.sort_by_key(|cause| std::cmp::Reverse(cause.count));
            (heading, group)
        });
        groups.filter(|(_, group)| !group.is_empty()).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A cause as the journal has it: what the LMS says is of no rule.
    pub(crate) fn cause(outcome: Outcome, count: u64, message: &str, rows: &[u32]) -> CauseLine {
        let is_refused = outcome == Outcome::Rejected && message.starts_with("the LMS");
        CauseLine {
            rule: None,
            field: None,
            column: None,
            value: None,
            status: None,
            outcome,
            message: message.into(),
            count,
            rows: rows.iter().map(|row| RowNumber::new(*row)).collect(),
            help: None,
            is_refused,
        }
    }
}
