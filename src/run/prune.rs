//! Earlier runs leave the journal: what their mappings still count stays.

use std::path::Path;

use jiff::SignedDuration;

use crate::clock::Clock;
use crate::journal::{Journal, JournalError, LockError, Needed, Pack, Prunable, Pruning, Run};
use crate::mapping::{Counted, Mapping};

/// What the mapping at that path still needs of its runs: as much as any can, where it cannot
/// be read.
#[must_use]
pub fn needed(mapping_path: &str) -> Needed {
    let mapping = Mapping::load(Path::new(mapping_path));
    of_counted(mapping.map_or(Counted::MAX, |mapping| mapping.counted()))
}

const fn of_counted(Counted { days, feeds }: Counted) -> Needed {
    Needed { days, feeds }
}

/// Removes the earlier runs of a mapping that are older than it says; what another run is in
/// the way of waits for the next one. `run` has finished.
///
/// # Errors
/// The journal could not be written.
pub fn prune_after(
    mapping: &Mapping,
    run: &Run,
    journal: &Journal,
    clock: Clock,
) -> Result<(), JournalError> {
    let unless_held = |result| match result {
        Ok(done) => Ok(Some(done)),
        Err(LockError::Held { .. }) => Ok(None),
        Err(LockError::Journal(error)) => Err(error),
    };
    let now = clock.now();
    let before = |days: u32| now - SignedDuration::from_hours(24 * i64::from(days));
    let scope = run.start.scope;
    let of = (&scope, &*run.start.mapping_path);
    let undoable = journal.undoable_before(of, before(mapping.retention.keep_undo))?;
    if mapping.retention.keep.is_none() && undoable == 0 {
        return Ok(());
    }
    let Some(lock) = unless_held(journal.lock(&scope).map(|lock| vec![lock]))? else {
        return Ok(());
    };
    if undoable > 0 {
        journal.forget_earlier(of, before(mapping.retention.keep_undo), &lock)?;
    }
    let Some(days) = mapping.retention.keep else {
        return Ok(());
    };
    let prunable = journal.prunable(&Pruning {
        before: before(days),
        now,
        only: Some((scope, run.start.mapping_path.clone())),
        needed: &|_| of_counted(mapping.counted()),
    })?;
    if prunable.is_empty() {
        return Ok(());
    }
    journal.prune(&prunable, &lock)?;
    drop(lock);
    tell(&prunable);
    match journal.lock_all() {
        Ok(locks) => journal.pack(Pack::IfWorthIt, &locks).map(drop),
        Err(LockError::Held { .. }) => Ok(()),
        Err(LockError::Journal(error)) => Err(error),
    }
}

fn tell(prunable: &Prunable) {
    tracing::info!(
        runs = prunable.runs.len(),
        rows = prunable.rows,
        holds = prunable.holds(),
        "removed old runs from the journal"
    );
}
