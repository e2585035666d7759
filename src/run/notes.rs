//! What a run notes in the journal while it prepares.

use std::sync::Arc;

use super::Done;
use super::decisions::EarlierHold;
use super::holds::HoldNow;
use super::prepare::{Unanswered, modified};
use crate::clock::Clock;
use crate::feed::Feed;
use crate::journal::{
    Absences, Doubt, FeedKey, GroupNow, HeldPerson, HoldId, JournalError, NewHold, Refreshed,
    Resumption, RunChange, RunId, Scope, SeenPerson, Settled,
};
use crate::mapping::Leavers;
use crate::model::{ExternalId, HoldState, Outcome, RowNumber};
use crate::plan::{self, Held, LeftAlone, Scan};
use crate::upload::{RunRecorder, UploadError, record_not_answered};

/// How many people who wait are written at a time.
const AT_ONCE: usize = 2_000;

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

    /// The run, which was interrupted, goes on.
    pub(super) fn resumed(&self, by: Resumption) -> Result<(), JournalError> {
        self.update(RunChange {
            resumed: Some(by),
            ..RunChange::default()
        })
    }

    /// The whole feed is read.
    pub(super) fn scanned(&self, scan: &Scan, feed: &Feed) -> Result<(), JournalError> {
        self.update(RunChange {
            rows: Some(scan.rows.counted()),
            skipped: Some(scan.rows.skipped(scan.left_out)),
            feed_sha256: feed.sha256(),
            joined_sha256: feed.joined_sha256(),
            feed_modified: modified(feed),
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

    /// That feed named these people.
    pub(super) fn named_by(&self, feed: FeedKey, people: Vec<String>) -> Result<(), JournalError> {
        self.with(|kept| kept.recorder.writer.named(&kept.scope, feed, people))
    }

    /// The mapping was renamed.
    pub(super) fn renamed(&self, from: &str, to: &str) -> Result<(), JournalError> {
        self.with(|kept| {
            let renamed = kept.recorder.writer.renamed(&kept.scope, from, to);
            // All that follows is asked of the new name.
            renamed.wait_blocking()
        })
    }

    /// The feed no longer names these people, and another one does.
    pub(super) fn dropped(&self, people: Vec<String>) -> Result<(), JournalError> {
        self.with(|kept| {
            let writer = &kept.recorder.writer;
            writer.dropped(&kept.scope, kept.mapping_key, people)
        })
    }

    /// The feed, which named these people last, no longer does, nor does another one.
    pub(super) fn absent(&self, people: Vec<String>) -> Result<(), JournalError> {
        self.with(|kept| {
            let writer = &kept.recorder.writer;
            writer.absent(&kept.scope, kept.mapping_key, people)
        })
    }

    /// Who is missing from the feed, and who no longer is; `None` where that gives nobody
    /// time.
    pub(super) fn absences(&self, absences: Option<Absences>) -> Result<(), JournalError> {
        self.with(|kept| {
            let RunRecorder { writer, run, .. } = &kept.recorder;
            let absences = absences.map(|absences| (*run, absences));
            writer.absences(&kept.scope, kept.mapping_key, absences)
        })
    }

    /// What was sent for these people may still land.
    pub(super) fn doubts(&self, doubts: Vec<Doubt>) -> Result<(), JournalError> {
        self.with(|kept| {
            let noted = kept.recorder.writer.doubts(&kept.scope, doubts);
            noted.wait_blocking()
        })
    }

    /// It is known what became of all that was sent for these people.
    pub(super) fn no_doubts(&self, people: &[ExternalId]) -> Result<(), JournalError> {
        let people: Vec<_> = people.iter().map(|id| id.as_str().to_owned()).collect();
        if people.is_empty() {
            return Ok(());
        }
        self.with(|kept| kept.recorder.writer.no_doubts(&kept.scope, people))
    }

    /// Nobody looks any more whether these people are there twice.
    pub(super) fn not_twice(&self, people: Vec<String>) -> Result<(), JournalError> {
        if people.is_empty() {
            return Ok(());
        }
        self.with(|kept| kept.recorder.writer.not_twice(&kept.scope, people))
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

    /// What the list of the LMS says of known people whom the feed does not name.
    pub(super) fn listed(&self, people: Vec<SeenPerson>) -> Result<(), JournalError> {
        self.with(|kept| {
            kept.recorder
                .writer
                .seen(&kept.scope, people)
                .wait_blocking()
        })
    }

    /// The LMS shows these known people no longer.
    pub(super) fn gone(&self, people: Vec<String>) -> Result<(), JournalError> {
        self.with(|kept| kept.recorder.writer.gone(&kept.scope, people))
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

    /// The journal gets the fingerprints that it lacks.
    pub(super) fn fingerprints(&self, people: Vec<Refreshed>) -> Result<(), JournalError> {
        self.with(|kept| {
            // Waited for, or a large feed would pile up in front of the disk.
            let writer = &kept.recorder.writer;
            writer.fingerprints(&kept.scope, people).wait_blocking()
        })
    }

    /// The mapping protects these people, or no longer does.
    pub(super) fn protect(&self, people: Vec<(String, bool)>) -> Result<(), JournalError> {
        self.with(|kept| kept.recorder.writer.protect(&kept.scope, people))
    }

    /// A new hold gets its number, instead of those that it replaces.
    pub(super) fn open_hold(
        &self,
        held: &Held,
        people: &Arc<[HeldPerson]>,
        (replaces, new): (Vec<HoldId>, u64),
    ) -> Result<Option<HoldId>, JournalError> {
        let Some(kept) = &self.0 else { return Ok(None) };
        let new_hold = NewHold {
            run: kept.recorder.run,
            kind: held.kind,
            bound: held.bound.clone(),
            why: held.why.clone(),
            people: Arc::clone(people),
            replaces,
            new,
            opened: kept.clock.now(),
        };
        kept.recorder.writer.open_hold(new_hold).map(Some)
    }

    /// The run is about to carry out a hold. False if somebody took the approval
    /// back in the meantime.
    pub(super) fn claim(&self, hold: HoldId) -> Result<bool, JournalError> {
        match &self.0 {
            Some(kept) => kept.recorder.writer.claim_hold(hold, kept.recorder.run),
            None => Ok(true),
        }
    }

    /// The same set is held again, some of it in other rows.
    pub(super) fn hold_seen(&self, it: &EarlierHold) -> Result<(), JournalError> {
        self.with(|kept| {
            let RunRecorder { writer, run, .. } = &kept.recorder;
            writer.hold_seen(it.hold.id, *run, it.moved.clone())
        })
    }

    /// These people are in the hold no longer.
    pub(super) fn release(
        &self,
        hold: HoldId,
        people: Vec<ExternalId>,
    ) -> Result<(), JournalError> {
        self.with(|kept| kept.recorder.writer.release(hold, people))
    }

    /// Nothing of an earlier hold is wanted any more.
    pub(super) fn lapses(&self, hold: HoldId) -> Result<(), JournalError> {
        self.with(|kept| {
            let writer = &kept.recorder.writer;
            writer.hold_state(hold, HoldState::Lapsed, None, kept.clock.now())
        })
    }

    /// An earlier run carried a hold out, and did not come to note it.
    pub(super) fn was_carried_out(&self, hold: HoldId, run: RunId) -> Result<(), JournalError> {
        self.with(|kept| {
            let writer = &kept.recorder.writer;
            writer.hold_state(hold, HoldState::CarriedOut, Some(run), kept.clock.now())
        })
    }

    /// These people wait for a person.
    pub(super) fn held(&self, holds: &[HoldNow], leaving: Leavers) -> Result<(), JournalError> {
        self.with(|kept| {
            for hold in holds {
                let settled = |person: &HeldPerson| Settled {
                    row: person.row,
                    action: plan::action_of(hold.held.kind, leaving),
                    code: Some("held"),
                    message: Some(person.reason.to_string()),
                    changed: person.changed.as_deref().map(str::to_owned),
                    hold: hold.id,
                    ..Settled::new(Some(person.external_id.clone()), Outcome::Held)
                };
                for people in hold.people.chunks(AT_ONCE) {
                    let settled = people.iter().map(settled).collect();
                    kept.recorder
                        .writer
                        .settle_all(kept.recorder.run, settled)?;
                }
            }
            Ok(())
        })
    }

    /// A person who differs is left alone.
    pub(super) fn left_alone(
        &self,
        row: RowNumber,
        external_id: &ExternalId,
        why: LeftAlone,
    ) -> Result<(), JournalError> {
        self.with(|kept| {
            let settled = Settled {
                row: Some(row),
                code: Some(why.code()),
                message: Some(why.message().into()),
                ..Settled::new(Some(external_id.clone()), Outcome::Unchanged)
            };
            kept.recorder.writer.settle(kept.recorder.run, settled)
        })
    }

    /// The run has finished: what the next ones are held against.
    pub(super) fn finished(&self, done: &Done) -> Result<(), JournalError> {
        self.with(|kept| {
            let RunRecorder { writer, run, .. } = &kept.recorder;
            for hold in &done.approved {
                writer.hold_state(*hold, HoldState::CarriedOut, Some(*run), kept.clock.now())?;
            }
            let Some(profile) = &done.profile else {
                return Ok(());
            };
            writer.profile(*run, profile.to_bytes(), done.is_new_measure)
        })
    }

    /// It is decided what will be sent.
    pub(super) fn planned(&self, unchanged: u64) -> Result<(), JournalError> {
        self.update(RunChange {
            unchanged: Some(unchanged),
            ..RunChange::default()
        })
    }
}
