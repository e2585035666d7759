//! How commands print rows and reports, and write files.

use std::io::Write;
use std::path::Path;

use super::context::{Context, PrintError};
use super::exit::{Exit, Failure};
use super::run_report::{add_holds, causes, mismatches, of_run, remarks};
use crate::feed::{Feed, FeedSource};
use crate::model::{Outcome, RunState};
use crate::plan::FindingKind;
use crate::report::{self, CauseLine, Command, FeedReport, RunReport};
use crate::run::{RunEnd, RunResult};

/// What `check` and `plan` report of a feed.
pub(super) fn report_of(command: Command, feed: &Feed, rows: u64, skipped: u64) -> RunReport {
    let feed = FeedReport {
        path: path_of(feed.source()),
        sha256: feed.sha256().map(hex),
        rows,
        skipped,
    };
    RunReport::new(command, feed)
}

/// A feed's path as the command line named it; `-` is stdin.
pub(super) fn path_of(source: &FeedSource) -> String {
    match source {
        FeedSource::Stdin => "-".into(),
        FeedSource::Path(path) => path.display().to_string(),
    }
}

/// With `--json` in the arguments, prints on stdout that they are wrong, as the
/// one object.
pub(super) fn print_misuse(error: &clap::Error) {
    let arguments: Vec<_> = std::env::args_os().collect();
    if !arguments.iter().any(|it| it == "--json") {
        return;
    }
    let mut words = arguments.iter().filter_map(|it| it.to_str());
    let command =
        words.find_map(|it| Some(Command::named(it)).filter(|it| *it != Command::Unknown));
    let text = error.render().to_string();
    let what = text.lines().next().unwrap_or_default();
    let report = RunReport {
        state: RunState::Failed,
        exit_code: Exit::Usage.code(),
        message: what.strip_prefix("error: ").unwrap_or(what).to_owned(),
        ..RunReport::new(command.unwrap_or(Command::Unknown), FeedReport::default())
    };
    // The mistake is printed on stderr in any case.
    let _gone = writeln!(std::io::stdout().lock(), "{}", report.to_json());
}

/// How many lines a person reads with patience.
pub(super) const ROWS_SHOWN: usize = 50;

/// Kinds of findings as causes.
pub(super) fn cause_lines(kinds: &[FindingKind]) -> Vec<CauseLine> {
    kinds
        .iter()
        .map(|kind| CauseLine {
            outcome: Outcome::Rejected,
            message: kind.message(),
            count: kind.count,
            rows: kind.rows.iter().map(|row| row.0).collect(),
        })
        .collect()
}

/// Prints how a run ended. The next steps name `journal` where the commands would
/// not find it by themselves.
pub(super) fn finish(
    context: &Context,
    command: Command,
    result: RunResult,
    journal: Option<&str>,
) -> Result<Exit, Failure> {
    let (_, exit) = result.end.state_and_exit();
    let id = result.run.id;
    let mut report = of_run(&result.run);
    report.command = command;
    report.exit_code = exit.code();
    report.notes = result.notes;
    report.notes.extend(remarks(&result.journal, id)?);
    report.notes.extend(mismatches(&report));
    add_holds(&result.journal, &result.run, &mut report)?;
    let next = report::next_steps(&report)
        .into_iter()
        .map(|step| match journal {
            Some(journal) => step.with_journal(journal),
            None => step,
        });
    let causes = causes(&result.journal, id)?;
    // The run is over and in the journal: a full disk behind stdout does not change how
    // it ended.
    if let Err(mut failure) = context.finish(&report, &causes, &next.collect::<Vec<_>>()) {
        failure.help = Some(format!("`hrfeed show {id}` prints the summary of this run"));
        context.print_failure(&failure);
    }
    match result.end {
        RunEnd::Finished { .. } => Ok(exit),
        end => Err(end.into()),
    }
}

/// A digest as people and JSON see it.
pub(super) fn hex(digest: [u8; 32]) -> String {
    use std::fmt::Write as _;
    digest
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing into a String cannot fail.
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}

/// Who may read a file that a command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// As any other file.
    Everybody,
    /// The user alone: it holds data of people.
    Owner,
}

/// Writes a file whole or not at all; a device may take a part.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_file(path, Readers::Everybody, |out| Ok(out.write_all(bytes)?))
}

/// Writes what `write` writes into a file whole or not at all; a device may take a
/// part.
pub(super) fn write_file(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut dyn Write) -> Result<(), PrintError>,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let mut failure = Failure::machine(format!("cannot write `{}`: {error}", path.display()));
        failure.help = Some("check that the folder exists and can be written to".into());
        failure
    };
    let written = |result: Result<(), PrintError>| match result {
        Ok(()) | Err(PrintError::Enough) => Ok(()),
        Err(PrintError::Io(error)) => Err(failed(error)),
        Err(PrintError::Failed(failure)) => Err(failure),
    };
    // A device or a pipe is written to, not replaced by a file.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        let mut device = std::fs::OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(failed)?;
        return written(write(&mut device));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".hrfeed-")
        .tempfile_in(folder)
        .map_err(failed)?;
    written(write(&mut file))?;
    let (file, temporary) = file.keep().map_err(|error| failed(error.error))?;
    if readers == Readers::Everybody {
        open_to_others(&file);
    }
    drop(file);
    std::fs::rename(&temporary, path).map_err(|error| {
        // The temporary file goes with the failure.
        let _removed = std::fs::remove_file(&temporary);
        failed(error)
    })
}

/// A temporary file is private; a file for a person is as readable as any other.
#[cfg(unix)]
fn open_to_others(file: &std::fs::File) {
    use std::os::unix::fs::PermissionsExt as _;
    // A file that stays private is still the file.
    let _set = file.set_permissions(std::fs::Permissions::from_mode(0o644));
}

/// On Windows a file takes the rights of its folder.
#[cfg(not(unix))]
fn open_to_others(_file: &std::fs::File) {}
