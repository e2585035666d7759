//! `hrfeed plan`: what an import would do. It only reads.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;

use super::context::{Context, JOURNAL, PrintError};
use super::environment;
use super::exit::{Exit, Failure};
use super::feed::{FeedArgs, open};
use super::key::KeyArgs;
use super::output::{ROWS_SHOWN, cause_lines, report_of};
use super::run_report::{field_names, planned_hold, remark};
use crate::clock::Clock;
use crate::journal::{HeldPerson, HoldId};
use crate::mapping::{FeedKind, Leavers};
use crate::model::{Action, ExternalId, Finding, Outcome};
use crate::plan::{self, Allowed, Change, Item, LeftAlone, RowState, RowTable, TimeLeft, Wanted};
use crate::report::{self, Command, Format, HeldCounts, RowLine, RowsWriter, RunReport};
use crate::run::{
    self, HoldNow, Planned, Prepared, RunRequest, Unanswered, sick_help, sick_reasons,
};

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
    /// Include the new values of fields that change (personal data)
    #[arg(long)]
    show_values: bool,
    #[command(flatten)]
    key: KeyArgs,
}

pub(super) fn run(context: &Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let mapping = context.load_mapping(&args.feed.mapping)?;
    let credentials = environment::credentials(context, &mapping.target)?;
    let feed = open(context, &args.feed, &mapping)?;
    let mut listener = context.progress();
    let mut planned = run::plan(RunRequest {
        mapping: &mapping,
        settings: mapping.target.clone(),
        credentials,
        feed,
        journal: context.journal_path(JOURNAL)?,
        resumed: None,
        verify: None,
        allowed: Allowed::default(),
        replaces_key: args.key.replaces_key,
        by: environment::user_at_host(),
        wait: Duration::ZERO,
        stop: context.stop(),
        clock: Clock::system(),
        listener: &mut *listener,
    })?;
    let mut report = report_on(&planned);
    report.elapsed_seconds = context.elapsed_seconds();
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
        rows,
        holds,
        silent,
        sick,
        unanswered,
        ..
    } = &planned.prepared;
    let guards = &planned.bound.mapping().guards;
    if !holds.is_empty() || !silent.is_empty() || !sick.is_empty() {
        Exit::Guard
    } else if guards.refused(plan.counts.rejected, rows.counted()) > 0 || !unanswered.is_empty() {
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
        rows.counted(),
        prepared.skipped,
    );
    report.counts = prepared.plan.counts;
    report.counts.failed = prepared.unanswered.len() as u64;
    report.calls = planned.calls;
    let holds = prepared.holds.iter().chain(&prepared.silent);
    report.holds = holds.map(planned_hold).collect();
    report.held = held_counts(&prepared.holds);
    report.is_sick = !prepared.sick.is_empty();
    report.names_leavers = Some(planned.bound.mapping().names_leavers());
    report.notes = notes(prepared);
    report.notes.extend_from_slice(&planned.notes);
    report.notes.extend(left_alone(rows));
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
    let prepared = &planned.prepared;
    let held = report.held.rows + report.held.leavers;
    let left_alone = prepared.rows.count(RowState::LeftAlone);
    let counts = &report.counts;
    let waiting = prepared.waiting.len() as u64;
    let all =
        prepared.plan.changes() + counts.rejected + counts.failed + held + left_alone + waiting;
    let most = if args.all || format != Format::Table {
        u64::MAX
    } else {
        ROWS_SHOWN as u64
    };
    if all > 0 || format == Format::Csv {
        print_rows(context, planned, (format, args.show_values), most)?;
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
    let is_full = planned.bound.mapping().kind == FeedKind::Full;
    if prepared.not_in_feed > 0 && leavers == Leavers::Ignore && is_full && !context.quiet {
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
    let mut notes = Vec::new();
    if !sick.is_empty() {
        let why = sick_reasons(sick);
        notes.push(format!(
            "an import would send nothing: {why} ({})",
            sick_help(sick)
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

/// How many people differ and would be left alone, by the reason.
fn left_alone(rows: &RowTable) -> Vec<String> {
    let why = |row| rows.detail(row).and_then(|detail| detail.left_alone);
    let of = |reason: LeftAlone| {
        let all = rows.rows_in(&[RowState::LeftAlone]);
        let mut of_reason = all.filter(|row| why(*row) == Some(reason));
        let first = rows.number(of_reason.next()?);
        let count = 1 + of_reason.count() as u64;
        Some(remark(reason.message(), count, first))
    };
    let reasons = [LeftAlone::Protected, LeftAlone::Refused];
    reasons.into_iter().filter_map(of).collect()
}

/// Somebody who is no longer in the feed, or whose row says that the person leaves.
fn leaver(id: &ExternalId, how: Leavers, is_marked: bool) -> RowLine {
    let (outcome, action) = match how {
        Leavers::Delete => (Outcome::Deleted, Action::Delete),
        Leavers::Ignore | Leavers::Deactivate { .. } => (Outcome::Deactivated, Action::Deactivate),
    };
    RowLine {
        action: Some(action),
        message: Some(
            if is_marked {
                "marked as a leaver by the feed"
            } else {
                "no longer in the feed"
            }
            .into(),
        ),
        ..RowLine::new(None, Some(id), outcome)
    }
}

/// Somebody who is missing from the feed and has time left.
fn waiting(id: &ExternalId, left: TimeLeft) -> RowLine {
    RowLine {
        message: Some(format!("no longer in the feed: leaves {left}")),
        ..RowLine::new(None, Some(id), Outcome::Unchanged)
    }
}

fn print_rows(
    context: &Context,
    planned: &mut Planned<'_>,
    (format, show_values): (Format, bool),
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
        let wanted = Wanted::Work { wave: None };
        let written = plan::replay(feed, bound, &prepared.rows, wanted, &[], |items| {
            let mut lines = items.iter().map(|item| line(item, show_values));
            lines.try_for_each(|line| write(&line))
        })
        .and_then(|()| {
            let mut unanswered = prepared.unanswered.iter().map(unanswered);
            unanswered.try_for_each(|line| write(&line))
        })
        .and_then(|()| {
            let mut leavers = prepared.plan.leavers.iter();
            let is_marked = |id: &ExternalId| prepared.marked.contains_key(id);
            leavers.try_for_each(|id| write(&leaver(id, action, is_marked(id))))
        })
        .and_then(|()| {
            let mut with_time = prepared.waiting.iter();
            with_time.try_for_each(|(id, left)| write(&waiting(id, *left)))
        })
        .and_then(|()| {
            let mut holds = prepared.holds.iter();
            holds.try_for_each(|hold| {
                let mut held = hold.people.iter();
                held.try_for_each(|person| write(&held_line(hold, person, action)))
            })
        });
        match written {
            Ok(()) | Err(PrintError::Enough) => Ok(writer.finish()?),
            Err(error) => Err(error),
        }
    })
}

/// Somebody who would wait for a decision.
fn held_line(hold: &HoldNow, person: &HeldPerson, leavers: Leavers) -> RowLine {
    RowLine {
        action: plan::action_of(hold.held.kind, leavers),
        message: Some(person.reason.to_string()),
        changed: (person.changed.as_deref())
            .map(field_names)
            .unwrap_or_default(),
        known_as: person.known_as.clone(),
        hold: hold.id.map(HoldId::number),
        ..RowLine::new(person.row, Some(&person.external_id), Outcome::Held)
    }
}

/// Whom the holds hold.
fn held_counts(holds: &[HoldNow]) -> HeldCounts {
    let people = holds.iter().flat_map(|hold| hold.people.iter());
    let leavers = people.clone().filter(|person| person.row.is_none()).count() as u64;
    HeldCounts {
        rows: people.count() as u64 - leavers,
        leavers,
    }
}

/// A row as it would end.
fn line(item: &Item, show_values: bool) -> RowLine {
    match item {
        Item::Change(change) => {
            let (outcome, why) = match change.action {
                Action::Create => (
                    Outcome::Created,
                    Some("no one in the LMS has this external ID"),
                ),
                Action::Adopt => (
                    Outcome::Updated,
                    Some("exists in the LMS without an external ID and would be linked"),
                ),
                Action::Rekey => (Outcome::Updated, Some("would get another external ID")),
                // What changes is said, where it is known.
                _ if !change.changed.is_empty() => (Outcome::Updated, None),
                _ => (
                    Outcome::Updated,
                    Some("differs from the LMS or from the last import"),
                ),
            };
            let changed: Vec<_> = change.changed.iter().map(|it| (*it).to_owned()).collect();
            RowLine {
                action: Some(change.action),
                message: why.map(str::to_owned),
                values: new_values(change, show_values),
                changed,
                known_as: change.rekey.as_ref().map(|rekey| rekey.from.to_string()),
                hold: change.hold,
                ..RowLine::new(Some(change.row), Some(&change.content.external_id), outcome)
            }
        }
        Item::LeftAlone(row) => RowLine {
            message: Some(row.why.message().into()),
            changed: row.changed.iter().map(|it| (*it).to_owned()).collect(),
            hold: row.hold,
            ..RowLine::new(Some(row.row), Some(&row.external_id), Outcome::Unchanged)
        },
        Item::Rejected {
            row,
            external_id,
            findings,
            ..
        } => {
            let messages: Vec<_> = findings.iter().map(Finding::message).collect();
            RowLine {
                message: Some(messages.join("; ")),
                ..RowLine::new(Some(*row), external_id.as_ref(), Outcome::Rejected)
            }
        }
    }
}

/// The new values of the fields that change, if somebody asked for them.
fn new_values(change: &Change, show_values: bool) -> BTreeMap<String, String> {
    let fields = change.content.fields.iter();
    fields
        .filter(|(name, _)| show_values && change.changed.contains(name))
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn unanswered(row: &Unanswered) -> RowLine {
    RowLine {
        action: Some(Action::Create),
        attempts: row.attempts,
        message: Some(row.why.clone()),
        ..RowLine::new(Some(row.row), Some(&row.external_id), Outcome::Failed)
    }
}
