//! What a run notes in the journal while it prepares.

use super::prepare::Unanswered;
use crate::clock::Clock;
use crate::journal::{FeedKey, GroupNow, JournalError, RunChange, Scope, SeenPerson};
use crate::model::Counts;
use crate::plan::Scan;
use crate::upload::{RunRecorder, UploadError, record_not_answered};

/// Where a run notes what it learns about the feed and the target. A plan notes
/// nothing.
#[derive(Debug)]
pub(super) struct Notes(Option<Kept>);

#[derive(Debug)]
struct Kept {
    recorder: RunRecorder,
    scope: Scope,
    mapping_key: FeedKey,
    clock: Clock,
}

impl Notes {
    /// The notes of a plan.
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// The notes of a run.
    pub(super) const fn of(
        recorder: RunRecorder,
        scope: Scope,
        mapping_key: FeedKey,
        clock: Clock,
    ) -> Self {
        Self(Some(Kept {
            recorder,
            scope,
            mapping_key,
            clock,
        }))
    }

    /// Where the run is recorded, if it is one.
    pub(super) fn recorder(&self) -> Option<&RunRecorder> {
        self.0.as_ref().map(|kept| &kept.recorder)
    }

    fn with<E>(&self, note: impl FnOnce(&Kept) -> Result<(), E>) -> Result<(), E> {
        self.0.as_ref().map_or(Ok(()), note)
    }

    fn update(&self, change: RunChange) -> Result<(), JournalError> {
        self.with(|kept| kept.recorder.writer.update_run(kept.recorder.run, change))
    }

    /// The whole feed is read.
    pub(super) fn scanned(
        &self,
        scan: &Scan,
        feed_sha256: Option<[u8; 32]>,
    ) -> Result<(), JournalError> {
        self.update(RunChange {
            rows: Some(scan.rows.len() as u64),
            skipped: Some(scan.skipped),
            feed_sha256,
            ..RunChange::default()
        })
    }

    /// The feed names these people of the scope.
    pub(super) fn named(&self, people: Vec<String>) -> Result<(), JournalError> {
        self.with(|kept| {
            let writer = &kept.recorder.writer;
            writer.named(&kept.scope, kept.mapping_key, people)
        })
    }

    /// The feed no longer names these people, and another one does.
    pub(super) fn dropped(&self, people: Vec<String>) -> Result<(), JournalError> {
        self.with(|kept| kept.recorder.writer.dropped(&kept.scope, people))
    }

    /// The LMS has these people of the feed.
    pub(super) fn seen(&self, people: Vec<SeenPerson>) -> Result<(), JournalError> {
        self.with(|kept| {
            let ids = people.iter().map(|person| person.external_id.clone());
            let named = ids.collect();
            // Durable with the note that the survey is done.
            drop(kept.recorder.writer.seen(&kept.scope, people));
            // They can leave although nothing was ever sent for them.
            self.named(named)
        })
    }

    /// The survey is done.
    pub(super) fn surveyed(&self) -> Result<(), JournalError> {
        self.with(|kept| {
            let surveyed_at = Some(kept.clock.now());
            let change = RunChange {
                surveyed_at,
                ..RunChange::default()
            };
            kept.recorder.writer.update_run(kept.recorder.run, change)
        })
    }

    /// The LMS gave no answer about the people of these rows.
    pub(super) fn unanswered(&self, rows: &[Unanswered]) -> Result<(), UploadError> {
        self.with(|kept| {
            rows.iter().try_for_each(|row| {
                let id = row.external_id.clone();
                let why = format!("{}: nothing was sent", row.why);
                record_not_answered(row.row, id, row.attempts, why, &kept.recorder)
            })
        })
    }

    /// A group is there that hrfeed did not create.
    pub(super) fn group_exists(&self, id: &str) -> Result<(), JournalError> {
        let now = GroupNow::There {
            created: false,
            fingerprint: None,
        };
        self.with(|kept| {
            let writer = &kept.recorder.writer;
            writer.group(&kept.scope, kept.mapping_key, id, now)
        })
    }

    /// It is decided what will be sent.
    pub(super) fn planned(&self, counts: &Counts) -> Result<(), JournalError> {
        self.update(RunChange {
            unchanged: Some(counts.unchanged),
            ..RunChange::default()
        })
    }
}
