//! What earlier runs sent and nobody has heard of: it may still land.
//!
//! A row is not decided by what the LMS shows before that time is over, and nobody
//! waits for it before all else is done. A create that went out twice is looked at
//! once more.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::left_over::LeftOvers;
use super::{RunError, Stages};
use crate::clock;
use crate::journal::{Doubt, DoubtKind, SeenPerson, SentTwice};
use crate::model::Action;
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
            let is_over = doubt.sent + self.uploader.window() <= now;
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
        self.settle_unnamed(unnamed)
    }

    /// When that was by the clock that never goes back; `None` for long ago. What
    /// seems to be still to come is as late as it can be: the clock was set back.
    fn instant_of(&self, time: Timestamp) -> Option<Instant> {
        let age = self.clock.now().duration_since(time);
        clock::monotonic().checked_sub(Duration::try_from(age).unwrap_or_default())
    }

    /// Finds out what became of people whom no row names. Where it can land still, a
    /// later run asks.
    fn settle_unnamed(&mut self, doubts: Vec<Doubt>) -> Result<(), RunError> {
        let window = self.uploader.window();
        let now = self.clock.now();
        let is_over = |doubt: &Doubt| doubt.sent + window <= now;
        let over: Vec<_> = doubts.into_iter().filter(is_over).collect();
        if over.is_empty() || self.notes.recorder().is_none() {
            return Ok(());
        }
        let (created, changed): (Vec<_>, Vec<_>) =
            (over.into_iter()).partition(|doubt| doubt.kind == DoubtKind::Create);
        let mut settled: Vec<_> = changed.into_iter().map(|it| it.external_id).collect();
        let mut seen = Vec::new();
        let questions = created.into_iter().map(|it| Question::of(it.external_id));
        let mut answer = |question: Question<()>, known| {
            match known {
                Known::There(person) => seen.push(SeenPerson {
                    external_id: question.external_id.as_str().to_owned(),
                    remote_id: Some(person.id),
                    fingerprint: None,
                    is_ambiguous: false,
                    fingerprints: None,
                }),
                Known::NotFound => {}
                Known::NotAnswered { .. } => return Ok(()),
            }
            settled.push(question.external_id);
            Ok::<_, UploadError>(())
        };
        (self.uploader).ask_all(questions.collect(), &mut answer, self.listener)?;
        // Whose feed named them is not known here: nobody's leavers, they are not removed.
        self.notes.listed(seen)?;
        Ok(self.notes.no_doubts(&settled)?)
    }
}

/// What an intent of unknown outcome may still do.
pub(super) const fn kind_of(action: Action) -> DoubtKind {
    match action {
        Action::Create => DoubtKind::Create,
        // An adoption creates nobody: it is planned again.
        Action::Adopt | Action::Update | Action::Rekey | Action::Deactivate | Action::Delete => {
            DoubtKind::Change
        }
    }
}
