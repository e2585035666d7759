//! Whether what the LMS says of nobody can be believed: before anybody is created
//! because a list or a look-up does not show the person.
//!
//! # Invariants
//!
//! - A list is believed only where look-ups answer for most of a sample of those whom it
//!   leaves out, and show none of them.
//! - Neither a list nor a look-up is believed of an LMS that shows nobody who must be
//!   there, if there is such a person.

use std::time::Duration;

use super::{RunError, Stages};
use crate::event::Event;
use crate::model::ExternalId;
use crate::plan::{Item, RowIndex, RowState, RowTable, Wanted, replay};
use crate::targets::Remote;
use crate::upload::{Halt, Known, Listed, Question, UploadError, sample};

/// How many known people are looked up whom a list leaves out.
const KNOWN: usize = 3;

/// What look-ups said of some people.
#[derive(Debug, Default)]
struct Replies {
    /// Those who are there.
    shown: Vec<Remote>,
    not_found: usize,
    /// About whom the LMS gave no answer.
    unanswered: usize,
}

impl Stages<'_> {
    /// What look-ups say of a list that was read to its end. They are asked for a few
    /// people whom it left out: of those who are new to the journal, and of those whom it
    /// knows.
    pub(super) fn check_list(&mut self, rows: &RowTable) -> Result<Listed, RunError> {
        let missed = |states: &[RowState]| {
            let rows_in = rows.rows_in(states);
            let missed: Vec<_> = rows_in.filter(|row| !rows.is_listed(*row)).collect();
            sample(&missed)
        };
        let mut asked = missed(&[RowState::New]);
        let known = missed(&[RowState::Unchanged]);
        asked.extend(known.into_iter().take(KNOWN));
        let people = self.external_ids(rows, asked)?;
        let said = self.look_up(people)?;
        // Those who cannot sign in may be on no list.
        if !said.shown.iter().all(Remote::cannot_sign_in) {
            return Ok(Listed::InPart);
        }
        if said.unanswered > said.not_found + said.shown.len() {
            return Ok(Listed::Unconfirmed);
        }
        Ok(Listed::All)
    }

    /// Makes sure that the LMS shows somebody who must be there, if not in the list that
    /// was just read, then to look-ups.
    pub(super) fn must_list(&mut self, rows: &RowTable) -> Result<(), RunError> {
        let is_listed = |id: &ExternalId| {
            let row = rows.named(id.as_str());
            row.is_some_and(|row| rows.is_listed(row))
        };
        if self.witnesses(rows)?.iter().any(is_listed) {
            return Ok(());
        }
        self.must_see(rows)
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
        if !self.look_up(first)?.shown.is_empty()
            || !self.look_up(witnesses.clone())?.shown.is_empty()
        {
            return Ok(());
        }
        self.settle()?;
        let said = self.look_up(witnesses)?;
        if !said.shown.is_empty() {
            return Ok(());
        }
        let why = if said.not_found == 0 {
            "it gives no answer about people who must be there"
        } else {
            "it does not find people who must be there"
        };
        Err(Halt::Blind(why.into()).into())
    }

    /// Gives an LMS a while that does not show people who must be there.
    pub(super) fn settle(&mut self) -> Result<(), RunError> {
        let why = "the LMS does not show people who must be there";
        self.wait(self.settings.settle_after, why)
    }

    /// Waits, and says why.
    pub(super) fn wait(&mut self, wait: Duration, why: &str) -> Result<(), RunError> {
        let down = None;
        self.listener.on_event(&Event::Paused { why, wait, down });
        let is_stopped = self.stop.wait(wait);
        self.listener.on_event(&Event::Continued);
        if is_stopped {
            return Err(self.stop.why().into());
        }
        Ok(())
    }

    /// What look-ups say of these people.
    fn look_up(&mut self, people: Vec<ExternalId>) -> Result<Replies, UploadError> {
        let questions = people.into_iter().map(Question::of).collect();
        let mut said = Replies::default();
        let mut answer = |_: Question<()>, known| {
            match known {
                Known::There(person) => said.shown.push(person),
                Known::NotFound => said.not_found += 1,
                Known::NotAnswered { .. } => said.unanswered += 1,
            }
            Ok(())
        };
        self.uploader
            .ask_all(questions, &mut answer, &mut self.listener)?;
        Ok(said)
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
