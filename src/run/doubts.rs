//! What earlier runs sent and nobody has heard of: it may still land.
//!
//! A row is not decided by what the LMS shows before that time is over, and nobody
//! waits for it before all else is done, but for people of this feed whom no row names
//! any more: who leaves is judged first. A create that went out twice is looked at once
//! more.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::left_over::{LeftOvers, witnesses_beside};
use super::{RunError, Stages};
use crate::clock;
use crate::journal::{Doubt, DoubtKind, FeedKey, PersonState, SeenPerson, SentTwice};
use crate::mapping::Leavers;
use crate::model::{Action, ExternalId, counted};
use crate::plan::{InDoubt, RowState, RowTable};
use crate::upload::{Known, Question, UploadError};

/// How long people are looked for whose create went out twice: the list of those who
/// came since then grows. `hrfeed audit` looks at everybody.
const TWICE_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Stages<'_> {
    /// Marks the rows of people for whom an earlier write may still land. Keeps the
    /// people who may be there twice for the proof, and settles what is unknown of
    /// people whom no row names any more.
    pub(super) fn take_doubts(
        &mut self,
        rows: &mut RowTable,
        left_overs: &mut LeftOvers,
    ) -> Result<(), RunError> {
        let (mut doubts, twice) = match &self.journal {
            Some(journal) => (
                journal.doubts(&self.scope)?,
                journal.sent_twice(&self.scope)?,
            ),
            None => (Vec::new(), Vec::new()),
        };
        doubts.append(&mut left_overs.doubts);
        let now = self.clock.now();
        let is_recent = |it: &SentTwice| now.duration_since(it.since) < TWICE_FOR;
        let (recent, old): (Vec<_>, Vec<_>) = twice.into_iter().partition(is_recent);
        self.sent_twice = recent;
        let old = old.into_iter().map(|it| it.external_id.as_str().to_owned());
        self.notes.not_twice(old.collect())?;
        let (mut unnamed, mut over) = (Vec::new(), Vec::new());
        for doubt in doubts {
            let Some(row) = rows.named(doubt.external_id.as_str()) else {
                unnamed.push(doubt);
                continue;
            };
            let is_over = self.may_land_for(doubt.sent).is_zero();
            if is_over && doubt.kind == DoubtKind::Change && rows.state(row) == RowState::Unchanged
            {
                over.push(doubt.external_id);
                continue;
            }
            if doubt.kind == DoubtKind::Create && rows.state(row) == RowState::New {
                rows.mark_unknown(row, Action::Create);
            }
            let is_looked_for = left_overs.absent.contains(&doubt.external_id);
            let sent = self.instant_of(doubt.sent);
            rows.detail_mut(row).doubt = Some(InDoubt {
                sent,
                is_looked_for,
            });
        }
        self.notes.no_doubts(&over)?;
        self.settle_unnamed(unnamed, left_overs)
    }

    /// When that was by the clock that never goes back; `None` for long ago. What
    /// seems to be still to come is as late as it can be: the clock was set back.
    fn instant_of(&self, time: Timestamp) -> Option<Instant> {
        let age = self.clock.now().duration_since(time);
        clock::monotonic().checked_sub(Duration::try_from(age).unwrap_or_default())
    }

    /// Finds out what became of people whom no row names: if they are there, the feed
    /// whose run sent the write named them, and they leave with it. What a run of this feed
    /// sent is waited for, since who leaves is judged before anything is sent; of what
    /// else may land still a later run asks. A plan waits for nothing.
    fn settle_unnamed(
        &mut self,
        doubts: Vec<Doubt>,
        left_overs: &mut LeftOvers,
    ) -> Result<(), RunError> {
        let mut unknown = Vec::new();
        let mut settled = Vec::new();
        for doubt in doubts {
            if !self.is_known(&doubt)? {
                unknown.push(doubt);
            } else if self.may_land_for(doubt.sent).is_zero() {
                settled.push(doubt.external_id);
            }
        }
        let waits_for_own =
            self.notes.recorder().is_some() && self.bound.mapping().leavers != Leavers::Ignore;
        let this = Some(self.mapping_key);
        let is_awaited = |doubt: &Doubt| waits_for_own && doubt.feed == this;
        let awaited = unknown.iter().filter(|doubt| is_awaited(doubt));
        let wait = awaited.map(|doubt| self.may_land_for(doubt.sent)).max();
        unknown.retain(|it| is_awaited(it) || self.may_land_for(it.sent).is_zero());
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            self.wait(wait, "the LMS may still create people who left the feed")?;
        }
        let questions = unknown.into_iter().map(|doubt| Question {
            external_id: doubt.external_id,
            about: doubt.feed,
        });
        let questions: Vec<_> = questions.collect();
        let open = questions.len() + settled.len();
        let there = self.ask_for_unnamed(questions, &mut settled)?;
        let open = (open - settled.len()) as u64;
        if open > 0 {
            let who = counted(open, "person", "people");
            self.remarks.push(format!(
                "the LMS gave no answer about {who} who left the feed and may have been created \
                 by an earlier run: the next run asks again"
            ));
        }
        self.note_applied(there, left_overs)?;
        Ok(self.notes.no_doubts(&settled)?)
    }

    /// How long what was sent then can still land. A clock that was set back makes it
    /// twice as long at most.
    fn may_land_for(&self, sent: Timestamp) -> Duration {
        let window = self.uploader.window();
        let age = self.clock.now().duration_since(sent);
        let left = SignedDuration::try_from(window).map(|window| window.saturating_sub(age));
        let left = left.ok().and_then(|left| Duration::try_from(left).ok());
        left.unwrap_or_default().min(2 * window)
    }

    /// Whether the journal knows what became of the person. A create may have brought
    /// back somebody who was deleted; a change did not.
    fn is_known(&self, doubt: &Doubt) -> Result<bool, RunError> {
        let Some(journal) = &self.journal else {
            return Ok(false);
        };
        let state = journal.state_of(&self.scope, doubt.external_id.as_str())?;
        Ok(match doubt.kind {
            DoubtKind::Create => state.is_some_and(|state| state != PersonState::Deleted),
            DoubtKind::Change => state.is_some(),
        })
    }

    /// Asks whether these people are there, and returns those who are; `settled` gets all
    /// who were answered for. An LMS that does not show people who must be there is not
    /// asked about others.
    fn ask_for_unnamed(
        &mut self,
        questions: Vec<Question<Option<FeedKey>>>,
        settled: &mut Vec<ExternalId>,
    ) -> Result<Vec<(SeenPerson, Option<FeedKey>)>, RunError> {
        let mut there = Vec::new();
        let Some(journal) = self.journal.as_ref().filter(|_| !questions.is_empty()) else {
            return Ok(there);
        };
        let asked = questions.iter().map(|it| &it.external_id);
        let witnesses = witnesses_beside(journal, &self.scope, asked)?;
        if (self.uploader).shows_none_of(witnesses, &mut self.listener)? {
            return Ok(there);
        }
        let mut answer = |question: Question<Option<FeedKey>>, known| {
            match known {
                Known::There(person) => {
                    let person = SeenPerson {
                        external_id: question.external_id.as_str().to_owned(),
                        remote_id: Some(person.id),
                        fingerprint: None,
                        is_ambiguous: false,
                        fingerprints: None,
                    };
                    there.push((person, question.about));
                }
                Known::NotFound => {}
                Known::NotAnswered { .. } => return Ok(()),
            }
            settled.push(question.external_id);
            Ok::<_, UploadError>(())
        };
        (self.uploader).ask_all(questions, &mut answer, &mut self.listener)?;
        Ok(there)
    }

    /// These people are there. Where it is not known which feed named them, they are
    /// nobody's leavers, and not removed.
    fn note_applied(
        &self,
        there: Vec<(SeenPerson, Option<FeedKey>)>,
        left_overs: &mut LeftOvers,
    ) -> Result<(), RunError> {
        let mut of_feed = HashMap::<FeedKey, Vec<String>>::new();
        for (person, feed) in &there {
            if let Some(feed) = *feed {
                let id = &person.external_id;
                left_overs.applied(ExternalId::known(id), feed);
                of_feed.entry(feed).or_default().push(id.clone());
            }
        }
        (self.notes).listed(there.into_iter().map(|(person, _)| person).collect())?;
        for (feed, people) in of_feed {
            self.notes.named_by(feed, people)?;
        }
        Ok(())
    }
}

/// What an intent of unknown outcome may still do.
pub(super) const fn kind_of(action: Action) -> DoubtKind {
    match action {
        Action::Create => DoubtKind::Create,
        // An adoption creates nobody: it is planned again.
        Action::Adopt
        | Action::Update
        | Action::Rekey
        | Action::Deactivate
        | Action::Delete
        | Action::Set => DoubtKind::Change,
    }
}
