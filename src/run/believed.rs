//! Whether what the LMS says of nobody can be believed: before anybody is created
//! because a list or a look-up does not show the person.
//!
//! # Invariants
//!
//! - A list is believed only where nobody of a sample of those whom it leaves out is
//!   shown by a look-up.
//! - A look-up is believed only where it shows somebody who must be there, if there is
//!   such a person.

use super::{RunError, Stages};
use crate::model::ExternalId;
use crate::plan::{Item, RowIndex, RowState, RowTable, Wanted, replay};
use crate::upload::{Halt, LostCheck, UploadError, sample};

/// How many known people are looked up whom a list leaves out.
const KNOWN: usize = 3;

impl Stages<'_> {
    /// Whether look-ups show none of a few people whom the list left out: of those who
    /// are new to the journal, and of those whom it knows.
    pub(super) fn is_list_whole(&mut self, rows: &RowTable) -> Result<bool, RunError> {
        let missed = |states: &[RowState]| {
            let rows_in = rows.rows_in(states);
            let missed: Vec<_> = rows_in.filter(|row| !rows.is_listed(*row)).collect();
            sample(&missed)
        };
        let mut asked = missed(&[RowState::New]);
        let known = missed(&[RowState::Unchanged, RowState::Changed]);
        asked.extend(known.into_iter().take(KNOWN));
        let people = self.external_ids(rows, asked)?;
        Ok(people.is_empty() || self.look_up(people)?.there.is_empty())
    }

    /// Makes sure that look-ups show somebody who must be there. It is asked again
    /// after a while before nothing is believed.
    pub(super) fn must_see(&mut self, rows: &RowTable) -> Result<(), RunError> {
        let witnesses = self.witnesses(rows)?;
        let Some(first) = witnesses.first() else {
            return Ok(());
        };
        if !self.look_up(vec![first.clone()])?.there.is_empty() {
            return Ok(());
        }
        self.settle()?;
        if self.look_up(witnesses)?.there.is_empty() {
            let why = "it does not find people who must be there";
            return Err(Halt::Blind(why.into()).into());
        }
        Ok(())
    }

    /// Gives the LMS a while.
    pub(super) fn settle(&self) -> Result<(), RunError> {
        if self.stop.wait(self.settings.settle_after) {
            return Err(Halt::Requested.into());
        }
        Ok(())
    }

    fn look_up(&mut self, people: Vec<ExternalId>) -> Result<LostCheck, UploadError> {
        self.uploader.confirm_lost(people, self.listener)
    }

    /// The external IDs of rows: the table has only their hashes.
    fn external_ids(
        &mut self,
        rows: &RowTable,
        mut of: Vec<RowIndex>,
    ) -> Result<Vec<ExternalId>, RunError> {
        let mut ids = Vec::with_capacity(of.len());
        if of.is_empty() {
            return Ok(ids);
        }
        of.sort_unstable();
        let (feed, bound) = (&mut self.feed, &self.bound);
        replay(feed, bound, rows, Wanted::These, &of, |items| {
            ids.extend(items.into_iter().filter_map(|item| match item {
                Item::Change(change) => Some(change.content.external_id),
                _ => None,
            }));
            Ok::<_, RunError>(())
        })?;
        Ok(ids)
    }
}
