//! `plan --instead-of`: what a plan does because of its mapping, and what because of the feed.

use std::collections::HashMap;

use super::exit::Failure;
use crate::model::{Action, ExternalId};
use crate::plan::{PlannedChange, RowState};
use crate::report::{count, counted};
use crate::run::Planned;

/// What another mapping would do with the same feed, by external ID.
#[derive(Default)]
pub(super) struct OtherPlan {
    changes: HashMap<String, (u128, Action)>,
    rejected: u64,
}

/// What causes a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The other mapping makes the same change.
    Feed,
    /// The other mapping changes nothing for the person.
    Mapping,
    /// The other mapping makes another change.
    Both,
}

impl Cause {
    const fn word(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Mapping => "mapping",
            Self::Both => "both",
        }
    }
}

impl OtherPlan {
    /// What the plan of the other mapping does.
    pub(super) fn of(mut other: Planned<'_>) -> Result<Self, Failure> {
        let mut changes = HashMap::new();
        other.each_change(|change| {
            let said = (change.digest, change.action);
            changes.insert(change.external_id.as_str().to_owned(), said);
            Ok::<_, Failure>(())
        })?;
        Ok(Self {
            changes,
            rejected: other.prepared.rows.count(RowState::Rejected),
        })
    }

    /// Whether the mapping or the feed causes the change of a row.
    pub(super) fn cause_of_row(&self, planned: &PlannedChange) -> &'static str {
        self.cause(planned).word()
    }

    /// The same of a leaver.
    pub(super) fn cause_of_leaver(&self, id: &ExternalId) -> &'static str {
        match self.changes.get(id.as_str()) {
            Some((_, Action::Deactivate | Action::Delete | Action::Set)) => Cause::Feed.word(),
            Some(_) => Cause::Both.word(),
            None => Cause::Mapping.word(),
        }
    }

    fn cause(&self, planned: &PlannedChange) -> Cause {
        match self.changes.get(planned.external_id.as_str()) {
            Some(other) if *other == (planned.digest, planned.action) => Cause::Feed,
            Some(_) => Cause::Both,
            None => Cause::Mapping,
        }
    }

    /// The two plans side by side, in sentences.
    pub(super) fn notes(&self, planned: &mut Planned<'_>) -> Result<Vec<String>, Failure> {
        let (mut feed, mut mapping, mut both) = (0, 0, 0);
        planned.each_change(|change| {
            *match self.cause(&change) {
                Cause::Feed => &mut feed,
                Cause::Mapping => &mut mapping,
                Cause::Both => &mut both,
            } += 1;
            Ok::<_, Failure>(())
        })?;
        let of = |changes: u64| counted(changes, "change", "changes");
        let mut notes = vec![format!(
            "{} because of the mapping alone, {} because of the feed alone, {} because of both",
            of(mapping),
            count(feed),
            count(both)
        )];
        let others = self.changes.len() as u64;
        if let Some(more @ 1..) = others.checked_sub(feed + both) {
            notes.push(format!(
                "{} of the other mapping would not be sent any more",
                of(more)
            ));
        }
        let rejected = planned.prepared.rows.count(RowState::Rejected);
        if rejected != self.rejected {
            notes.push(format!(
                "{} would be rejected; the other mapping rejects {}",
                counted(rejected, "row", "rows"),
                count(self.rejected)
            ));
        }
        Ok(notes)
    }
}
