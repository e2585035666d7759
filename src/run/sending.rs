//! Rows become changes on the LMS: joiners first.
//!
//! # Invariants
//!
//! - Within a wave a change of somebody who is there is begun after every joiner.
//! - No more than [`MAX_KEPT`] changes are in memory for that: where there are more, the feed
//!   is read once more.

use std::ops::Range;
use std::sync::Mutex;

use super::prepare::Prepared;
use super::reading::{hand_over, read_while};
use super::{RunError, Stages};
use crate::journal::{Journal, JournalError, Scope};
use crate::model::Parts;
use crate::plan::{Change, Item, RowIndex, RowState, RowTable, Wanted, WorkOf, replay};
use crate::upload::{RunRecorder, SendResult, Work};

/// The most changes that wait in memory until the joiners of their wave are begun: a second
/// pass over the feed takes less time than that number of requests.
pub(super) const MAX_KEPT: usize = 2_048;

/// How many of them are handed over at a time.
const AT_ONCE: usize = 256;

impl Stages<'_> {
    /// Creates people, updates others, and records the rejected rows: wave after wave,
    /// since some wait for the login or the external ID of others.
    pub(super) fn send_changes(
        &mut self,
        prepared: &mut Prepared,
        waves: Range<u16>,
        recorder: &RunRecorder,
    ) -> Result<SendResult, RunError> {
        let counts = &prepared.plan.counts;
        let mut sent = SendResult::default();
        // For leavers alone the feed need not be read again.
        let left_alone = prepared.rows.count(RowState::LeftAlone);
        let is_idle = counts.created + counts.updated + counts.rejected + left_alone == 0;
        if is_idle || waves.is_empty() {
            return Ok(sent);
        }
        self.uploader.must_show(self.witnesses(&prepared.rows)?);
        for wave in waves {
            if wave > 0 {
                self.free_for(wave, &mut prepared.rows, recorder)?;
            }
            let (passes, kept): (&[_], _) = match prepared.rows.work_of_wave(wave) {
                (0, _) => (&[WorkOf::All], 0),
                (_, changes) if changes > MAX_KEPT => {
                    (&[WorkOf::AllButChanges, WorkOf::Changes], 0)
                }
                _ => (&[WorkOf::All], MAX_KEPT),
            };
            for of in passes {
                let wave = Some(wave);
                let wanted = (Wanted::Work { wave, of: *of }, &[][..], kept);
                sent.extend(self.send_rows(&prepared.rows, wanted, recorder)?);
            }
        }
        Ok(sent)
    }

    /// Sends the wanted rows, or records them. That many changes wait until all others were
    /// handed over.
    pub(super) fn send_rows(
        &mut self,
        rows: &RowTable,
        (wanted, these, mut kept): (Wanted, &[RowIndex], usize),
        recorder: &RunRecorder,
    ) -> Result<SendResult, RunError> {
        let (journal, scope) = (self.journal()?.again()?, self.scope);
        let has_parts = self.settings.system.spec().has_parts;
        let acknowledged = move |item: &Item| match item {
            Item::Change(change) if has_parts => acknowledged_parts(&journal, &scope, change),
            _ => Ok(Parts::default()),
        };
        let (feed, bound) = (&mut self.feed, &self.bound);
        let (uploader, listener) = (&mut self.uploader, &mut self.listener);
        let protected = Mutex::new(Vec::new());
        let note_protected = |item: &Item| {
            if let Item::Change(change) = item
                && rows.is_protected(change.index)
                && let Ok(mut protected) = protected.lock()
            {
                let id = change.content.external_id.as_str();
                protected.push((id.to_owned(), true));
            }
        };
        let read = move |sender| {
            let hand_over = |items: Vec<Item>| {
                if items.is_empty() {
                    return Ok(());
                }
                let work = items.into_iter().map(|item| {
                    let parts = acknowledged(&item)?;
                    Ok((item, parts))
                });
                hand_over(&sender, work.collect::<Result<Work, JournalError>>()?)
            };
            let mut changes = Vec::new();
            replay(feed, bound, rows, wanted, these, |mut items| {
                items.iter().for_each(note_protected);
                let waiting = items.extract_if(.., |item| {
                    let waits = item.is_change() && kept > 0;
                    kept -= usize::from(waits);
                    waits
                });
                changes.extend(waiting);
                hand_over(items)
            })?;
            let mut changes = changes.into_iter();
            while changes.len() > 0 {
                hand_over(changes.by_ref().take(AT_ONCE).collect())?;
            }
            Ok::<_, RunError>(())
        };
        let send = |work| Ok(uploader.send(work, recorder, listener)?);
        let result = read_while(2, &self.stop, read, send)?;
        // Only now is everybody known.
        self.notes
            .protect(protected.into_inner().unwrap_or_default())?;
        Ok(result)
    }
}

/// What was acknowledged of the person of a change.
fn acknowledged_parts(
    journal: &Journal,
    scope: &Scope,
    change: &Change,
) -> Result<Parts, JournalError> {
    let parts = journal.parts(scope, change.known_as())?;
    // The run that is being resumed may have recorded the new external ID.
    if change.rekey.is_some() && change.may_have_applied && parts == Parts::default() {
        return journal.parts(scope, &change.content.external_id);
    }
    Ok(parts)
}
