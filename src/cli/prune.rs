//! `hrfeed runs prune`: old runs leave the journal.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;

use super::context::{Context, JOURNAL};
use super::exit::{Exit, Failure};
use crate::clock::Clock;
use crate::journal::{Journal, JournalError, Pack, Packed, Prunable, Pruning};
use crate::mapping::{KEEP_DAYS, Mapping};
use crate::model::duration_of;
use crate::report::{self, JournalBytes, KeptLine, Pruned};
use crate::run::{RunEnd, RunResult, needed, prune_after};

/// Arguments of `runs prune`.
#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// Remove runs that ended longer ago than this, such as `90d`
    #[arg(long, value_name = "TIME", value_parser = age)]
    older_than: Duration,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
}

fn age(text: &str) -> Result<Duration, String> {
    let least = Duration::from_hours(24 * u64::from(*KEEP_DAYS.start()));
    let most = Duration::from_hours(24 * 366 * 100);
    match duration_of(text) {
        None => Err("not a duration: write, for example, `90d` or `12 weeks`".to_owned()),
        Some(age) if age < least => Err(format!(
            "too short: runs of the last {} days stay, since approvals and limits need them",
            KEEP_DAYS.start()
        )),
        Some(age) => Ok(age.min(most)),
    }
}

pub(super) fn run(context: &Context, args: &PruneArgs) -> Result<Exit, Failure> {
    let existing = context.existing_journal()?;
    let now = Clock::system().now();
    let older_than = SignedDuration::try_from(args.older_than).unwrap_or(SignedDuration::MAX);
    let pruning = Pruning {
        before: now.checked_sub(older_than).unwrap_or(jiff::Timestamp::MIN),
        now,
        only: None,
        needed: &needed,
    };
    if args.dry_run {
        let prunable = existing.prunable(&pruning)?;
        return print(context, &existing, &pruned(&pruning, &prunable, true));
    }
    drop(existing);
    let journal = Journal::open(&context.journal_path(JOURNAL)?)?;
    // What is found stays true until they are released.
    let locks = journal.lock_all()?;
    let prunable = journal.prunable(&pruning)?;
    journal.prune_all(&prunable, &locks)?;
    let packed = journal.pack(Pack::Always, &locks);
    drop(locks);
    let mut done = pruned(&pruning, &prunable, false);
    let packed = packed.map_err(|error| not_packed(&error, &done))?;
    done.journal_bytes = packed.map(|Packed { before, after }| JournalBytes { before, after });
    print(context, &journal, &done)
}

fn pruned(pruning: &Pruning<'_>, prunable: &Prunable, dry_run: bool) -> Pruned {
    let kept = prunable.kept.iter().map(|(run, why)| KeptLine {
        run: run.to_string(),
        why: why.word(),
    });
    Pruned {
        dry_run,
        before: pruning.before,
        runs: prunable.runs.len() as u64,
        rows: prunable.rows,
        holds: prunable.holds(),
        kept: kept.collect(),
        ..Pruned::default()
    }
}

fn print(context: &Context, journal: &Journal, done: &Pruned) -> Result<Exit, Failure> {
    let copies = journal.copies().into_iter();
    let done = Pruned {
        copies: copies.map(|path| path.display().to_string()).collect(),
        ..done.clone()
    };
    if context.json {
        context.print_object(&done, Exit::Done, done.headline())?;
    } else {
        context.print(&done.text(&context.out))?;
    }
    Ok(Exit::Done)
}

/// The old runs are gone, and the file is as large as before.
fn not_packed(error: &JournalError, done: &Pruned) -> Failure {
    let runs = report::counted(done.runs, "old run is", "old runs are");
    Failure {
        help: Some(
            "the disk needs room for a second copy of the journal meanwhile, also in the folder for \
             temporary files; try again, or let the next runs fill what is empty"
                .to_owned(),
        ),
        ..Failure::machine(format!(
            "{runs} removed, but the journal's file is as large as before: {error}"
        ))
    }
}

/// Removes runs that are older than the mapping says, after one that has finished. How that
/// ended does not depend on it.
pub(super) fn after(context: &Context, mapping: &Mapping, result: &RunResult) {
    let has_finished = matches!(
        result.end,
        RunEnd::Finished { .. } | RunEnd::Held(_) | RunEnd::Mismatch(_)
    );
    if has_finished {
        let pruned = prune_after(mapping, &result.run, &result.journal, Clock::system());
        if let Err(error) = pruned {
            context.warn(format!(
                "old runs stay in the journal for now (`keep` in [journal]): {error}"
            ));
        }
    }
}
