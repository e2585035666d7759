//! Whether what the LMS says of nobody can be believed: before anybody is created
//! because a list or a look-up does not show the person.
//!
//! # Invariants
//!
//! - A list is believed only where nobody of a sample of those whom it leaves out is
//!   shown by a look-up.
//! - A look-up is believed only where it shows somebody who must be there, if there is
//!   such a person.

use tokio::sync::mpsc;

use super::{RunError, Stages};
use crate::model::ExternalId;
use crate::plan::{Item, RowIndex, RowState, RowTable, Wanted, replay};
use crate::targets::Remote;
use crate::upload::{Halt, Known, Question, UploadError, sample};

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
        let known = missed(&[RowState::Unchanged]);
        asked.extend(known.into_iter().take(KNOWN));
        let people = self.external_ids(rows, asked)?;
        // Those who cannot sign in may be on no list.
        let shown = self.shown(people)?;
        Ok(shown.iter().all(Remote::cannot_sign_in))
    }

    /// Makes sure that look-ups show somebody who must be there. It is asked again
    /// after a while before nothing is believed.
    pub(super) fn must_see(&mut self, rows: &RowTable) -> Result<(), RunError> {
        let witnesses = self.witnesses(rows)?;
        let Some(first) = witnesses.first() else {
            return Ok(());
        };
        // One may have been deleted by hand.
        let first = vec![first.clone()];
        if !self.shown(first)?.is_empty() || !self.shown(witnesses.clone())?.is_empty() {
            return Ok(());
        }
        self.settle()?;
        if !self.shown(witnesses)?.is_empty() {
            return Ok(());
        }
        let why = "it does not find people who must be there";
        Err(Halt::Blind(why.into()).into())
    }

    /// Gives the LMS a while.
    pub(super) fn settle(&self) -> Result<(), RunError> {
        if self.stop.wait(self.settings.settle_after) {
            return Err(Halt::Requested.into());
        }
        Ok(())
    }

    /// Those of these people whom look-ups show.
    fn shown(&mut self, people: Vec<ExternalId>) -> Result<Vec<Remote>, UploadError> {
        let (sender, questions) = mpsc::channel(people.len().max(1));
        for external_id in people {
            let about = ();
            // There is room for all of them.
            let _sent = sender.try_send(Question { external_id, about });
        }
        drop(sender);
        let mut shown = Vec::new();
        let mut answer = |_: Question<()>, known| {
            if let Known::There(person) = known {
                shown.push(person);
            }
            Ok(())
        };
        self.uploader
            .ask_each(questions, &mut answer, self.listener)?;
        Ok(shown)
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
