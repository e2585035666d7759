//! `hrfeed plan`: what an import would do. Reads only, on both sides.

use std::time::Instant;

use clap::Args;

use super::context::{Context, JOURNAL, PrintError};
use super::environment;
use super::exit::{Exit, Failure};
use super::feed::{FeedArgs, note_encoding, open};
use super::output::{FormatArg, ROWS_SHOWN, cause_lines, fail_as_json, report_of};
use crate::mapping::{Leavers, Mapping};
use crate::model::{Action, ExternalId, Finding, Outcome};
use crate::plan::{self, Guard, Item, Plan, RowState, Wanted};
use crate::report::{self, Command, Format, RowLine, RowsWriter, RunReport};
use crate::run::{self, Planned, Prepared, RunRequest, Unanswered, held_in_words};
use crate::upload::GroupPlan;

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    feed: FeedArgs,
    /// How to print who would be created, updated or rejected
    #[arg(long, value_enum, default_value_t = FormatArg::Table)]
    format: FormatArg,
    /// Print all of them, not the first 50
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    plan(context, args, begun)
        .map_err(|failure| fail_as_json(context, Command::Plan, failure, begun))
}

fn plan(context: &Context, args: &PlanArgs, begun: Instant) -> Result<Exit, Failure> {
    let mapping = Mapping::load(&args.feed.mapping)?;
    let credentials = environment::credentials(&mapping.target)?;
    let feed = open(context, &args.feed, &mapping)?;
    let mut listener = context.progress();
    let mut planned = run::plan(RunRequest {
        mapping: &mapping,
        settings: mapping.target.clone(),
        credentials,
        feed,
        journal: context.journal_path(JOURNAL)?,
        resumed: None,
        allowed: Vec::new(),
        stop: context.stop(),
        listener: &mut *listener,
    })?;
    note_encoding(context, planned.encoding_note.take());
    let mut report = report_on(&planned);
    report.elapsed_seconds = begun.elapsed().as_secs_f64();
    let exit = exit_of(&planned);
    report.exit_code = exit.code();
    report.message = report::headline(&report);
    if context.json {
        context.finish(&report, &[], &[])?;
    } else {
        print_plan(context, args, &mut planned, &report)?;
    }
    Ok(exit)
}

/// How an import would end, as far as is known.
fn exit_of(planned: &Planned<'_>) -> Exit {
    let Prepared {
        plan, unanswered, ..
    } = &planned.prepared;
    if !plan.held.is_empty() {
        Exit::Guard
    } else if plan.counts.rejected > 0 || !unanswered.is_empty() {
        Exit::RowsRefused
    } else {
        Exit::Done
    }
}

fn report_on(planned: &Planned<'_>) -> RunReport {
    let prepared = &planned.prepared;
    let rows = &prepared.rows;
    let mut report = report_of(
        Command::Plan,
        &planned.feed,
        rows.len() as u64,
        prepared.skipped,
    );
    report.counts = prepared.plan.counts;
    report.counts.failed = prepared.unanswered.len() as u64;
    report.calls = planned.calls;
    report.notes = notes(&prepared.plan, &prepared.groups);
    report.notes.extend_from_slice(&planned.notes);
    let adopted = rows.count(RowState::Adopt) + rows.count(RowState::UnknownAdopt);
    if adopted > 0 {
        let people = report::counted(adopted, "person is", "people are");
        report.notes.push(format!(
            "{people} there without an external ID, and would get it"
        ));
    }
    report
}

/// Prints who would be created, updated or rejected, and the summary.
fn print_plan(
    context: &Context,
    args: &PlanArgs,
    planned: &mut Planned<'_>,
    report: &RunReport,
) -> Result<(), Failure> {
    let format = Format::from(args.format);
    let all = planned.prepared.plan.changes() + report.counts.rejected + report.counts.failed;
    let most = if args.all || format != Format::Table {
        u64::MAX
    } else {
        ROWS_SHOWN as u64
    };
    if all > 0 || format == Format::Csv {
        print_rows(context, planned, format, most)?;
    }
    if format != Format::Table {
        context.note(&report.message);
        return Ok(());
    }
    if all > most {
        context.print(&format!(
            "… and {}: `--all` shows them\n",
            report::counted(all - most, "more row", "more rows")
        ))?;
    }
    if all > 0 && !context.quiet {
        context.print("\n")?;
    }
    let prepared = &planned.prepared;
    context.finish(report, &cause_lines(&prepared.kinds), &[])?;
    let leavers = planned.bound.mapping().leavers;
    if prepared.not_in_feed > 0 && leavers == Leavers::Ignore && !context.quiet {
        context.print(&format!(
            "\n{} the journal knows and the feed does not name: left alone.\n",
            report::counted(prepared.not_in_feed, "person whom", "people whom")
        ))?;
    }
    Ok(())
}

/// What a person should know beside the rows.
fn notes(plan: &Plan, groups: &GroupPlan) -> Vec<String> {
    let mut notes: Vec<_> = plan
        .held
        .iter()
        .map(|held| {
            let what = held_in_words(held);
            match held.guard {
                Guard::Rows | Guard::Rejected => {
                    format!("an import would send nothing: {what}")
                }
                _ => format!("an import would hold back: {what}"),
            }
        })
        .collect();
    for (what, count) in [
        ("would be made", groups.create.len()),
        ("would get another name or parent", groups.change.len()),
        ("would be deleted", groups.delete.len()),
    ] {
        if count > 0 {
            let groups = report::counted(count as u64, "group", "groups");
            notes.push(format!("{groups} {what}"));
        }
    }
    notes
}

/// Somebody whom the feed no longer names.
fn leaver(id: &ExternalId, how: Leavers) -> RowLine {
    let (outcome, action) = match how {
        Leavers::Delete => (Outcome::Deleted, Action::Delete),
        Leavers::Ignore | Leavers::Deactivate { .. } => (Outcome::Deactivated, Action::Deactivate),
    };
    RowLine {
        row: None,
        external_id: Some(id.as_str().to_owned()),
        outcome,
        action: Some(action),
        status: None,
        attempts: 0,
        message: Some("the feed no longer names the person".into()),
    }
}

fn print_rows(
    context: &Context,
    planned: &mut Planned<'_>,
    format: Format,
    most: u64,
) -> Result<(), Failure> {
    let Planned {
        feed,
        bound,
        prepared,
        ..
    } = planned;
    let action = bound.mapping().leavers;
    context.print_with(|out| {
        let mut writer = RowsWriter::new(format, out, &context.out);
        let mut left = most;
        let mut write = |line: &RowLine| {
            left = left.checked_sub(1).ok_or(PrintError::Enough)?;
            Ok(writer.write(line)?)
        };
        let written = plan::replay(feed, bound, &prepared.rows, Wanted::Work, &[], |items| {
            items.iter().try_for_each(|item| write(&line(item)))
        })
        .and_then(|()| {
            let mut unanswered = prepared.unanswered.iter().map(unanswered);
            unanswered.try_for_each(|line| write(&line))
        })
        .and_then(|()| {
            let mut leavers = prepared.plan.leavers.iter();
            leavers.try_for_each(|id| write(&leaver(id, action)))
        });
        match written {
            Ok(()) | Err(PrintError::Enough) => Ok(writer.finish()?),
            Err(error) => Err(error),
        }
    })
}

/// A row as it would end.
fn line(item: &Item) -> RowLine {
    match item {
        Item::Change(change) => {
            let (outcome, why) = match change.action {
                Action::Create => (Outcome::Created, "the LMS has nobody with this external ID"),
                Action::Adopt => (
                    Outcome::Updated,
                    "the LMS has the person without an external ID, who would get it",
                ),
                _ => (
                    Outcome::Updated,
                    "differs from what the LMS has or last acknowledged",
                ),
            };
            RowLine {
                row: Some(change.row.0),
                external_id: Some(change.content.external_id.as_str().to_owned()),
                outcome,
                action: Some(change.action),
                status: None,
                attempts: 0,
                message: Some(why.into()),
            }
        }
        Item::Rejected {
            row,
            external_id,
            findings,
        } => RowLine {
            row: Some(row.0),
            external_id: external_id.as_ref().map(|id| id.as_str().to_owned()),
            outcome: Outcome::Rejected,
            action: None,
            status: None,
            attempts: 0,
            message: Some(
                findings
                    .iter()
                    .map(Finding::message)
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
        },
    }
}

fn unanswered(row: &Unanswered) -> RowLine {
    RowLine {
        row: Some(row.row.0),
        external_id: Some(row.external_id.as_str().to_owned()),
        outcome: Outcome::Failed,
        action: Some(Action::Create),
        status: None,
        attempts: row.attempts,
        message: Some(row.why.clone()),
    }
}
