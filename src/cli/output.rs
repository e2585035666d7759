//! How commands print rows and reports.

use std::path::Path;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::run_report::{add_holds, causes, mismatches, of_run, remarks};
use crate::feed::{Feed, FeedSource};
use crate::model::hex;
use crate::report::{self, Command, FeedReport, RunReport};
use crate::run::{RunEnd, RunResult, undo_again};

/// What `check` and `plan` report of a feed.
pub(super) fn report_of(command: Command, feed: &Feed, rows: u64, skipped: u64) -> RunReport {
    let feed = FeedReport {
        path: path_of(feed.source()),
        files: files_of(feed.source()),
        sha256: feed.sha256().map(hex),
        joined_sha256: feed.joined_sha256().map(hex),
        rows,
        skipped,
    };
    RunReport::new(command, feed)
}

/// The files of a feed that may be several.
fn files_of(source: &FeedSource) -> Vec<String> {
    let files = source.several().iter();
    files
        .map(|file| file.place().display().to_string())
        .collect()
}

/// A feed's path as the command line named it; `-` is stdin.
pub(super) fn path_of(source: &FeedSource) -> String {
    match source {
        FeedSource::Stdin => "-".into(),
        source => source.place().display().to_string(),
    }
}

/// How many lines a person reads with patience.
pub(super) const ROWS_SHOWN: usize = 50;

/// Prints how a run ended. The next steps name `journal` where the commands would
/// not find it by themselves.
pub(super) fn finish(
    context: &Context,
    command: Command,
    result: RunResult,
    (journal, plan): (Option<&str>, Option<&Path>),
) -> Result<Exit, Failure> {
    let (_, exit) = result.end.state_and_exit();
    let id = result.run.id;
    let mut report = of_run(&result.run);
    report.command = command;
    let plan = plan.map(|plan| plan.display().to_string());
    report.plan = plan.or(report.plan);
    report.exit_code = exit.code();
    report.notes = result.notes;
    report.names_leavers = Some(result.names_leavers);
    report.effects = result.effects;
    report.notes.extend(remarks(&result.journal, id)?);
    report.notes.extend(mismatches(&report));
    add_holds(&result.journal, &result.run, &mut report)?;
    report.causes = causes(&result.journal, id)?;
    let next = report::next_steps(&report)
        .into_iter()
        .map(|step| match journal {
            Some(journal) => step.with_journal(journal),
            None => step,
        });
    // The run is over and in the journal: a full disk behind stdout does not change how
    // it ended.
    if let Err(mut failure) = context.finish(&report, &next.collect::<Vec<_>>()) {
        failure.help = Some(format!("`hrfeed show {id}` prints the summary of this run"));
        context.print_failure(&failure);
    }
    let is_held = matches!(result.end, RunEnd::Held(_));
    match (result.end, undo_again(&result.run)) {
        (RunEnd::Finished { .. }, _) => Ok(exit),
        (end, Some(undo)) if is_held => Err(Failure {
            help: Some(format!(
                "`hrfeed holds` lists what waits; once approved, `hrfeed undo {undo}` carries it \
                 out, or allow it at once with `--allow`"
            )),
            ..end.into()
        }),
        (end, _) => Err(end.into()),
    }
}
