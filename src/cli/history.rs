//! `hrfeed runs`, `show`, `rows` and `report`: past runs, from the journal alone.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum as _};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use super::context::{Context, PrintError};
use super::corrections;
use super::exit::{Exit, Failure};
use super::output_file::{Kind, OutputArgs, OutputFile};
use super::prune::{self, PruneArgs};
use super::resume::find;
use super::run_report::{
    add_holds, causes, field_names, held_counts, lms, mismatches, of_run, remarks,
};
use crate::feed::FeedSource;
use crate::journal::{HoldId, Journal, JournalError, RowEntry, RowFilter, Run, RunStart};
use crate::model::{Aftermath, Outcome, RunState};
use crate::report::{
    self, Command, Format, PageData, RowLine, RowSection, RowsWriter, RunLine, RunReport,
    TargetReport, Throughput,
};
use crate::run::absolute;

/// Arguments of `runs`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
    /// Limit the list to this many runs, newest first
    #[arg(long, alias = "most", value_name = "N", default_value_t = 20)]
    limit: usize,
    /// List only runs with this mapping: its path, or the name of its file
    #[arg(long, value_name = "MAPPING")]
    mapping: Option<String>,
    /// List only runs on this LMS: its address, its host, or the system (kmi, anewspring)
    #[arg(long, value_name = "LMS")]
    target: Option<String>,
}

impl RunsArgs {
    /// Whether a run is to be listed.
    fn is_wanted(&self, start: &RunStart) -> bool {
        let is_of_mapping = self.mapping.as_deref().is_none_or(|named| {
            let path = Path::new(&start.mapping_path);
            path == Path::new(named)
                || start.mapping_path == absolute(Path::new(named))
                || path.file_name() == Some(named.as_ref())
        });
        let is_of_target = self.target.as_deref().is_none_or(|named| {
            let address = report::address(&start.base_url);
            let host = address.split('/').next().unwrap_or_default();
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            start.system == named || [address, host, name].contains(&report::address(named))
        });
        is_of_mapping && is_of_target
    }
}

impl RunsArgs {
    /// Whether it is `runs prune`.
    pub(super) const fn is_prune(&self) -> bool {
        matches!(self.command, Some(RunsCommand::Prune(_)))
    }
}

/// The list, in the object of `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Runs {
    /// The runs, newest first.
    runs: Vec<RunLine>,
}

/// A file about a run, in the object of `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Written {
    /// The run.
    run: String,
    /// The file.
    output: String,
}

/// A file with rows of a run, in the object of `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RowsWritten {
    /// The run.
    run: String,
    /// The file.
    output: String,
    /// How many rows are in it.
    rows: u64,
}

/// What else there is to do with past runs.
#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// Remove old runs from the journal; what is known of people stays
    Prune(PruneArgs),
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Run to show (default: the latest)
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

/// Arguments of `rows`.
#[derive(Debug, Args)]
pub(super) struct RowsArgs {
    /// Run whose rows are listed (default: the latest)
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// List only rows with this outcome (repeatable, or separated by commas)
    #[arg(long, value_enum, value_delimiter = ',', value_name = "OUTCOME")]
    pub(super) outcome: Vec<Outcome>,
    /// Print the rows in this format (default: what the name of the output file
    /// says, else table)
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Copy the rows from the feed that the run read (here, or else where it was), for the
    /// HR department to correct: with what is wrong and what to do. The corrected file is
    /// imported like a feed (default outcomes: rejected, failed, unknown and held)
    #[arg(long, value_name = "FEED")]
    #[expect(
        clippy::option_option,
        reason = "clap's form of an option with an optional value"
    )]
    as_feed: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl RowsArgs {
    /// The format that was named, or the one of the output's name.
    fn format(&self, json: bool) -> Format {
        let name = self.output.output.as_deref().and_then(Path::extension);
        let of_name = name.and_then(|name| Format::from_str(name.to_str()?, true).ok());
        // A file is what its name says, and stdout what `--json` says.
        let json = json.then_some(Format::Json);
        let named = match &self.output.output {
            Some(_) => self.format.or(of_name).or(json),
            None => json.or(self.format),
        };
        named.unwrap_or(Format::Table)
    }
}

impl RowsArgs {
    /// With `--json`, prints the one object about rows that are in a file.
    fn print_written(
        &self,
        context: &Context,
        run: &Run,
        (rows, message): (u64, &str),
    ) -> Result<(), Failure> {
        match &self.output.output {
            Some(output) if context.json => {
                let written = RowsWritten {
                    run: run.id.to_string(),
                    output: output.display().to_string(),
                    rows,
                };
                context.print_object(written, Exit::Done, message)
            }
            _ => Ok(()),
        }
    }
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Run to report on (default: the latest)
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Write the report to this file
    #[arg(short, long, value_name = "FILE.html")]
    output: PathBuf,
}

pub(super) fn runs(context: &Context, args: &RunsArgs) -> Result<Exit, Failure> {
    if let Some(RunsCommand::Prune(args)) = &args.command {
        return prune::run(context, args);
    }
    let journal = context.existing_journal()?;
    let zone = TimeZone::system();
    let lines: Vec<_> = journal
        .runs_where(args.limit, |start| args.is_wanted(start))?
        .into_iter()
        .map(|run| with_actual_state(&journal, run))
        .map(|run| RunLine {
            run: run.id.to_string(),
            command: run.start.command.clone(),
            state: run.state,
            started: run.start.started.to_zoned(zone.clone()),
            elapsed_seconds: run.ended.map(|_| run.elapsed.as_secs_f64()),
            feed: run.start.feed_path.clone(),
            mapping: run.start.mapping_path.clone(),
            target: TargetReport {
                system: run.start.system.clone(),
                base_url: run.start.base_url.clone(),
            },
            counts: run.counts,
            leavers_left: Aftermath::of(run.proof.as_deref()).leavers_left,
            exit_code: run.exit_code,
        })
        .collect();
    if context.json {
        let message = report::counted(lines.len() as u64, "run.", "runs.");
        context.print_object(Runs { runs: lines }, Exit::Done, message)?;
    } else {
        let is_chosen = args.mapping.is_some() || args.target.is_some();
        let text = match lines.as_slice() {
            [] if is_chosen => "No runs with this mapping and this LMS.\n".to_owned(),
            lines => report::runs_table(lines, &context.out),
        };
        context.print(&text)?;
    }
    Ok(Exit::Done)
}

/// A run whose state is "running" without a lock was killed, or could not write the journal
/// any more. It left no exit code, and was interrupted like one that is stopped: one that has
/// not ended well must not show the code of success.
fn with_actual_state(journal: &Journal, mut run: Run) -> Run {
    if run.state == RunState::Running && !journal.is_under_way(&run.start.scope) {
        run.state = RunState::Interrupted;
        run.message = Some("the run was killed, or its end could not be recorded".into());
    }
    if run.state != RunState::Running {
        run.exit_code = run.exit_code.or(Some(Exit::Interrupted.code()));
    }
    run
}

pub(super) fn show(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let run = with_actual_state(&journal, find(&journal, args.run.as_deref())?);
    let mut report = with_remarks(&journal, &run)?;
    report.command = Command::Show;
    context.finish(&report, &report::next_steps(&report))?;
    Ok(Exit::Done)
}

/// Which file has which number, of a run whose feed was several.
fn files_of(run: &Run) -> Option<String> {
    let files = run.start.feed_files.iter().map(FeedSource::from_argument);
    let source = FeedSource::Files {
        place: PathBuf::from(&run.start.feed_path),
        files: files.collect(),
    };
    source.remark().map(|remark| remark.to_string())
}

/// A run as a report, with what a person should know about its rows.
fn with_remarks(journal: &Journal, run: &Run) -> Result<RunReport, Failure> {
    let mut report = of_run(run);
    report.notes = files_of(run).into_iter().collect();
    report.notes.extend(remarks(journal, run.id)?);
    report.notes.extend(mismatches(&report));
    add_holds(journal, run, &mut report)?;
    report.causes = causes(journal, run.id)?;
    Ok(report)
}

pub(super) fn rows(context: &Context, args: &RowsArgs) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let run = find(&journal, args.run.as_deref())?;
    if let Some(feed) = &args.as_feed {
        let rows = corrections::write(context, (&journal, &run), args, feed.as_deref())?;
        let rows_of = report::counted(rows, "row", "rows");
        args.print_written(
            context,
            &run,
            (rows, &format!("{rows_of} of run {}", run.id)),
        )?;
        return Ok(Exit::Done);
    }
    let filter = RowFilter {
        outcomes: args.outcome.clone(),
    };
    let format = args.format(context.json);
    let output =
        args.output.output.as_deref().map(|path| {
            not_over_the_run(OutputFile::new(path, Kind::Export, args.output.force), &run)
        });
    let mut listed = 0_u64;
    let mut write = |out: &mut dyn Write| {
        let mut writer = RowsWriter::new(format, out, &context.out);
        journal.rows(run.id, &filter, |row| {
            listed += 1;
            writer.write(&line(row))?;
            Ok::<_, PrintError>(ControlFlow::Continue(()))
        })?;
        Ok(writer.finish()?)
    };
    match output {
        Some(output) => output.write(context, write)?,
        None if context.json => context.print_lines(|out| write(out))?,
        None => context.print_with(|out| write(out))?,
    }
    let is_file = args.output.output.is_some();
    if format == Format::Table || (context.json && is_file) {
        let held = held_counts(&journal, run.id)?;
        let message = not_listed(&run, held.rows, &args.outcome, listed);
        args.print_written(context, &run, (listed, &message))?;
        context.note(&message);
        if let Some(files) = files_of(&run) {
            context.note(&files);
        }
    }
    Ok(Exit::Done)
}

/// How many rows are listed, and which the journal only counts.
fn not_listed(run: &Run, held: u64, outcomes: &[Outcome], listed: u64) -> String {
    // Held rows count as pending, and are listed.
    let pending = run.counts.pending.saturating_sub(held);
    let only_counted = [
        (Outcome::Unchanged, run.unchanged),
        (Outcome::Pending, pending),
    ];
    let is_wanted = |outcome| outcomes.is_empty() || outcomes.contains(&outcome);
    let left_out: Vec<_> = only_counted
        .into_iter()
        .filter(|&(outcome, number)| number > 0 && is_wanted(outcome))
        .map(|(outcome, number)| format!("{} {}", report::count(number), outcome.word()))
        .collect();
    let listed = report::counted(listed, "row", "rows");
    let left_out = match left_out.as_slice() {
        [] => String::new(),
        parts => format!(" (not listed: {})", parts.join(", ")),
    };
    format!("{listed} of run {}{left_out}", run.id)
}

pub(super) fn report(context: &Context, args: &ReportArgs) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let run = with_actual_state(&journal, find(&journal, args.run.as_deref())?);
    let output = OutputFile::new(&args.output, Kind::Report, false);
    let output = not_over_the_run(output, &run);
    output.check()?;
    let report = with_remarks(&journal, &run)?;
    let mut throughput = Throughput::default();
    let [mut rejected, mut failed, mut unknown, mut held] = <[RowSection; 4]>::default();
    journal.rows(run.id, &RowFilter::default(), |row| {
        if let Some(at) = row.at {
            throughput.add(at.as_secs_f64(), row.outcome);
        }
        match row.outcome {
            Outcome::Rejected => rejected.push(line(row)),
            Outcome::Failed => failed.push(line(row)),
            Outcome::Unknown => unknown.push(line(row)),
            Outcome::Held => held.push(line(row)),
            _ => {}
        }
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    let zone = TimeZone::system();
    let page = report::html_page(&PageData {
        next: report::next_steps(&report),
        target: Some(lms(&run.start.system, &run.start.base_url)),
        started: Some(run.start.started.to_zoned(zone.clone())),
        ended: run
            .ended
            .filter(|_| run.state != RunState::Running)
            .map(|ended| ended.to_zoned(zone)),
        throughput,
        rejected,
        failed,
        unknown,
        held,
        report,
    })
    .map_err(|error| Failure::machine(format!("cannot create the report: {error}")))?;
    output.write(context, |out| Ok(out.write_all(page.as_bytes())?))?;
    if context.json {
        let written = Written {
            run: run.id.to_string(),
            output: args.output.display().to_string(),
        };
        let message = format!("Wrote a page about run {}.", run.id);
        context.print_object(written, Exit::Done, message)?;
    }
    Ok(Exit::Done)
}

/// A file that does not take the place of what a run has read.
pub(super) fn not_over_the_run<'a>(output: OutputFile<'a>, run: &Run) -> OutputFile<'a> {
    let output = output
        .but(&run.start.feed_path, "the feed of this run")
        .but(&run.start.mapping_path, "the mapping of this run");
    let files = run.start.feed_files.iter();
    files.fold(output, |output, file| {
        output.but(file, "a file of the feed of this run")
    })
}

fn line(row: RowEntry) -> RowLine {
    RowLine {
        row: row.row,
        external_id: row.external_id,
        outcome: row.outcome,
        action: row.action,
        status: row.status,
        attempts: row.attempts,
        why: None,
        because_of: None,
        message: row.message,
        changed: row.changed.as_deref().map(field_names).unwrap_or_default(),
        known_as: row.from,
        hold: row.hold.map(HoldId::number),
        values: BTreeMap::new(),
    }
}
