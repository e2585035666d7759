//! `hrfeed runs`, `show`, `rows` and `report`: what happened, from the journal
//! alone.

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use super::context::{Context, PrintError};
use super::exit::{Exit, Failure};
use super::output::{FormatArg, fail_as_json, write_whole};
use super::resume::find;
use super::run_report::{causes, of_run, remarks};
use crate::clock;
use crate::journal::{Journal, JournalError, RowEntry, RowFilter, Run};
use crate::model::{Outcome, RowNumber, RunState};
use crate::report::{
    self, Command, Format, PageData, RowLine, RowSection, RowsWriter, RunLine, Throughput,
};
use crate::schema::System;

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    /// How many, the newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    most: usize,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The run; the latest unless named
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

/// Arguments of `rows`.
#[derive(Debug, Args)]
pub(super) struct RowsArgs {
    /// The run; the latest unless named
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Only rows with this outcome; can be given more than once
    #[arg(long, value_enum, value_name = "OUTCOME")]
    outcome: Vec<OutcomeArg>,
    /// How to print them
    #[arg(long, value_enum, default_value_t = FormatArg::Table)]
    format: FormatArg,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The run; the latest unless named
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// The page to write
    #[arg(short, long, value_name = "FILE.html")]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutcomeArg {
    Created,
    Updated,
    Unchanged,
    Rejected,
    Failed,
    Unknown,
    Pending,
    Deactivated,
    Deleted,
}

impl From<OutcomeArg> for Outcome {
    fn from(outcome: OutcomeArg) -> Self {
        match outcome {
            OutcomeArg::Created => Self::Created,
            OutcomeArg::Updated => Self::Updated,
            OutcomeArg::Unchanged => Self::Unchanged,
            OutcomeArg::Rejected => Self::Rejected,
            OutcomeArg::Failed => Self::Failed,
            OutcomeArg::Unknown => Self::Unknown,
            OutcomeArg::Pending => Self::Pending,
            OutcomeArg::Deactivated => Self::Deactivated,
            OutcomeArg::Deleted => Self::Deleted,
        }
    }
}

pub(super) fn runs(context: &Context, args: &RunsArgs) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let zone = TimeZone::system();
    let lines: Vec<_> = journal
        .runs(args.most)?
        .into_iter()
        .map(|run| with_actual_state(&journal, run))
        .map(|run| RunLine {
            run: run.id.to_string(),
            command: run.start.command.clone(),
            state: run.state,
            started: run.start.started.to_zoned(zone.clone()),
            elapsed_seconds: run.ended.map(|_| run.elapsed.as_secs_f64()),
            feed: run.start.feed_path.clone(),
            counts: run.counts,
            exit_code: run.exit_code,
        })
        .collect();
    let text = if context.json {
        format!("{}\n", serde_json::json!({ "runs": lines }))
    } else {
        report::runs_table(&lines, &context.out)
    };
    context.print(&text)?;
    Ok(Exit::Done)
}

/// A run that says "running" and is not was killed: it could not say so.
fn with_actual_state(journal: &Journal, mut run: Run) -> Run {
    if run.state == RunState::Running && !journal.is_under_way(&run.start.scope) {
        run.state = RunState::Interrupted;
        run.message = Some("the run was killed".into());
    }
    run
}

pub(super) fn show(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let begun = clock::monotonic();
    show_run(context, args).map_err(|failure| fail_as_json(context, Command::Show, failure, begun))
}

fn show_run(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let run = with_actual_state(&journal, find(&journal, args.run.as_deref())?);
    let mut report = of_run(&run);
    report.notes = remarks(&journal, run.id)?;
    context.finish(
        &report,
        &causes(&journal, run.id)?,
        &report::next_steps(&report),
    )?;
    Ok(Exit::Done)
}

pub(super) fn rows(context: &Context, args: &RowsArgs) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let run = find(&journal, args.run.as_deref())?;
    let filter = RowFilter {
        outcomes: args
            .outcome
            .iter()
            .map(|outcome| (*outcome).into())
            .collect(),
    };
    let format = if context.json {
        Format::Json
    } else {
        args.format.into()
    };
    let mut listed = 0_u64;
    context.print_with(|out| {
        let mut writer = RowsWriter::new(format, out, &context.out);
        journal.rows(run.id, &filter, |row| {
            listed += 1;
            writer.write(&line(row))?;
            Ok::<_, PrintError>(ControlFlow::Continue(()))
        })?;
        Ok(writer.finish()?)
    })?;
    if format == Format::Table {
        context.note(&not_listed(&run, &args.outcome, listed));
    }
    Ok(Exit::Done)
}

/// What the list leaves out, since the journal counts it and stores no rows.
fn not_listed(run: &Run, outcomes: &[OutcomeArg], listed: u64) -> String {
    let counted = |outcome: OutcomeArg, number: u64, word: &str| {
        let wanted = outcomes.is_empty() || outcomes.contains(&outcome);
        (wanted && number > 0).then(|| format!("{} {word}", report::count(number)))
    };
    let left_out: Vec<_> = [
        counted(OutcomeArg::Unchanged, run.unchanged, "unchanged"),
        counted(OutcomeArg::Pending, run.counts.pending, "pending"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let listed = report::counted(listed, "row", "rows");
    match left_out.as_slice() {
        [] => format!("{listed} of run {}", run.id),
        parts => format!(
            "{listed} of run {}; counted, not listed: {}",
            run.id,
            parts.join(", ")
        ),
    }
}

pub(super) fn report(context: &Context, args: &ReportArgs) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let run = with_actual_state(&journal, find(&journal, args.run.as_deref())?);
    let mut report = of_run(&run);
    report.notes = remarks(&journal, run.id)?;
    let mut throughput = Throughput::default();
    let mut sections = [Outcome::Rejected, Outcome::Failed, Outcome::Unknown]
        .map(|outcome| (outcome, RowSection::default()));
    journal.rows(run.id, &RowFilter::default(), |row| {
        if let Some(at) = row.at {
            throughput.add(at.as_secs_f64(), row.outcome);
        }
        if let Some((_, section)) = sections
            .iter_mut()
            .find(|(outcome, _)| *outcome == row.outcome)
        {
            section.push(line(row));
        }
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    let [(_, rejected), (_, failed), (_, unknown)] = sections;
    let zone = TimeZone::system();
    let page = report::html_page(&PageData {
        next: report::next_steps(&report),
        target: Some(format!(
            "{} at {}",
            System::named(&run.start.system)
                .map_or(run.start.system.as_str(), |system| system.spec().title),
            run.start.base_url
        )),
        started: Some(run.start.started.to_zoned(zone.clone())),
        ended: run
            .ended
            .filter(|_| run.state != RunState::Running)
            .map(|ended| ended.to_zoned(zone)),
        causes: causes(&journal, run.id)?,
        throughput,
        rejected,
        failed,
        unknown,
        report,
    })
    .map_err(|error| Failure::machine(format!("cannot make the page: {error}")))?;
    write_whole(&args.output, page.as_bytes())?;
    context.note(&format!("wrote {}", args.output.display()));
    Ok(Exit::Done)
}

fn line(row: RowEntry) -> RowLine {
    RowLine {
        row: row.row.map(|RowNumber(number)| number),
        external_id: row.external_id,
        outcome: row.outcome,
        action: row.action,
        status: row.status,
        attempts: row.attempts,
        message: row.message,
    }
}
