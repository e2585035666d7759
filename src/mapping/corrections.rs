//! What a mapping says of rows that came back to be imported: they are not a feed.

use super::columns::{ColumnNames, Columns};
use super::guards::Allowance;
use super::value::Fault;
use super::{Among, Bound, FeedKind, Leavers, Limit, Mapping, Person};
use crate::feed::{Feed, Record};
use crate::model::Rule;

impl Mapping {
    /// Fits the mapping to what the feed is. Rows that came back are a delta of which nobody
    /// is missing and nobody leaves, be they few, old or wrong still.
    pub fn fit(&mut self, feed: &Feed) {
        if feed.corrections().is_none() || self.corrections_of.is_some() {
            return;
        }
        self.corrections_of = Some(self.kind);
        if self.kind != FeedKind::Leavers {
            self.kind = FeedKind::Delta;
            self.among = Among::Journal;
            self.leavers = Leavers::Ignore;
        }
        let guards = &mut self.guards;
        (guards.min_rows, guards.max_age) = (0, None);
        guards.max_rejected = Limit {
            bound: Allowance::Percent(100.0),
            days: None,
        };
        guards.is_max_rejected_written = true;
    }

    /// Whom the feed names whose rows came back; `None` if the file is a feed.
    pub fn corrections_of(&self) -> Option<FeedKind> {
        self.corrections_of
    }

    /// The feed's column of the keys by which several rows are one person's, if the mapping
    /// merges them.
    pub fn merged_by(&self, feed: &Feed) -> Option<usize> {
        let merge = self.merge.as_ref()?;
        let columns = Columns::of_feed(feed.own_columns(), &[], &[]);
        let found = ColumnNames::new(&columns).find(merge.column());
        found.map(|found| found.index)
    }
}

impl Bound<'_> {
    /// That a spreadsheet took the zeros of an external ID away, by what hrfeed noted of it.
    pub(super) fn of_lost_zeros(&self, record: &Record, person: &Person) -> Option<Fault> {
        let noted = record.noted_id()?;
        let field = *self.mapping().unique.fields.first()?;
        let id = person.text(field)?;
        let [without, other] = [noted, id].map(|id| id.trim_start_matches('0'));
        let are_digits = noted.bytes().all(|byte| byte.is_ascii_digit());
        (are_digits && id != noted && without == other).then_some(Fault {
            field: Some(field),
            rule: Rule::ExternalIdDamaged {
                problem: "has lost its zeros, in a spreadsheet it seems: enter it as it was, in a \
                          cell that is formatted as text",
            },
            value: None,
        })
    }
}
