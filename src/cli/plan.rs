//! `hrfeed plan`: what an import would do. It only reads.

use std::time::Instant;

use clap::Args;

use super::context::{Context, JOURNAL, PrintError};
use super::environment;
use super::exit::{Exit, Failure};
use super::feed::{FeedArgs, note_encoding, open};
use super::output::{ROWS_SHOWN, cause_lines, report_of, reported};
use crate::clock::Clock;
use crate::mapping::{Leavers, Mapping};
use crate::model::{Action, ExternalId, Finding, Outcome};
use crate::plan::{self, Allowed, Item, RowState, Wanted};
use crate::report::{self, Command, Format, RowLine, RowsWriter, RunReport};
use crate::run::{self, Planned, Prepared, RunRequest, Unanswered, held_in_words, sick_in_words};

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    feed: FeedArgs,
    /// Print the rows that would change in this format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print all rows, not only the first 50
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &Context, args: &PlanArgs) -> Result<Exit, Failure> {
    reported(context, Command::Plan, |begun| plan(context, args, begun))
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
        allowed: Allowed::default(),
        stop: context.stop(),
        clock: Clock::system(),
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
        plan,
        sick,
        unanswered,
        ..
    } = &planned.prepared;
    if !plan.held.is_empty() || !sick.is_empty() {
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
    report.notes = notes(prepared);
    report.notes.extend_from_slice(&planned.notes);
    let adopted = rows.count(RowState::Adopt) + rows.count(RowState::UnknownAdopt);
    if adopted > 0 {
        let one = "existing person without an external ID would be linked";
        let many = "existing people without an external ID would be linked";
        report.notes.push(report::counted(adopted, one, many));
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
    let format = args.format;
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
        let more = report::counted(all - most, "more row", "more rows");
        context.print(&format!("… and {more} (list them with `--all`)\n"))?;
    }
    if all > 0 && !context.quiet {
        context.print("\n")?;
    }
    let prepared = &planned.prepared;
    context.finish(report, &cause_lines(&prepared.kinds), &[])?;
    let leavers = planned.bound.mapping().leavers;
    if prepared.not_in_feed > 0 && leavers == Leavers::Ignore && !context.quiet {
        let one = "person from earlier imports is no longer in the feed and stays unchanged";
        let many = "people from earlier imports are no longer in the feed and stay unchanged";
        let gone = report::counted(prepared.not_in_feed, one, many);
        context.print(&format!("\n{gone}.\n"))?;
    }
    Ok(())
}

/// What a person should know besides the rows.
fn notes(prepared: &Prepared) -> Vec<String> {
    let (sick, groups) = (&prepared.sick, &prepared.groups);
    let held = prepared.plan.held.iter();
    let mut notes: Vec<_> = held
        .map(|held| format!("an import would hold back: {}", held_in_words(held)))
        .collect();
    if !sick.is_empty() {
        notes.push(format!(
            "an import would send nothing: {}",
            sick_in_words(sick)
        ));
    }
    for (what, count) in [
        ("would be created", groups.create.len()),
        ("would be renamed or moved", groups.change.len()),
        ("would be deleted", groups.delete.len()),
    ] {
        if count > 0 {
            let groups = report::counted(count as u64, "group", "groups");
            notes.push(format!("{groups} {what}"));
        }
    }
    notes
}

/// Somebody who is no longer in the feed.
fn leaver(id: &ExternalId, how: Leavers) -> RowLine {
    let (outcome, action) = match how {
        Leavers::Delete => (Outcome::Deleted, Action::Delete),
        Leavers::Ignore | Leavers::Deactivate { .. } => (Outcome::Deactivated, Action::Deactivate),
    };
    RowLine {
        action: Some(action),
        message: Some("no longer in the feed".into()),
        ..RowLine::new(None, Some(id), outcome)
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
                Action::Create => (Outcome::Created, "no one in the LMS has this external ID"),
                Action::Adopt => (
                    Outcome::Updated,
                    "exists in the LMS without an external ID and would be linked",
                ),
                _ => (
                    Outcome::Updated,
                    "differs from the LMS or from the last import",
                ),
            };
            RowLine {
                action: Some(change.action),
                message: Some(why.into()),
                ..RowLine::new(Some(change.row), Some(&change.content.external_id), outcome)
            }
        }
        Item::Rejected {
            row,
            external_id,
            findings,
        } => {
            let messages: Vec<_> = findings.iter().map(Finding::message).collect();
            RowLine {
                message: Some(messages.join("; ")),
                ..RowLine::new(Some(*row), external_id.as_ref(), Outcome::Rejected)
            }
        }
    }
}

fn unanswered(row: &Unanswered) -> RowLine {
    RowLine {
        action: Some(Action::Create),
        attempts: row.attempts,
        message: Some(row.why.clone()),
        ..RowLine::new(Some(row.row), Some(&row.external_id), Outcome::Failed)
    }
}
