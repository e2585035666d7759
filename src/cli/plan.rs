//! `hrfeed plan`: what an import would do. It only reads.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::allow::AllowArgs;
use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use super::feed::{FeedArgs, check_whose_corrections, open};
use super::import::{SANDBOX_JOURNAL, start_sandbox};
use super::instead_of::OtherPlan;
use super::kept_plan::OutArgs;
use super::key::KeyArgs;
use super::output::{ROWS_SHOWN, report_of};
use super::plan_rows::{Printed, print_rows};
use super::run_report::{outage_lines, planned_hold, remark};
use crate::clock::Clock;
use crate::event::Listener;
use crate::feed::Feed;
use crate::journal::{FeedKey, Journal};
use crate::mapping::{FeedKind, Leavers, Mapping, TargetSettings};
use crate::plan::{LeftAlone, RowState, RowTable};
use crate::report::{self, CauseLine, Command, Format, HeldCounts, RunReport};
use crate::run::{self, HoldNow, Planned, Prepared, RunRequest, absolute, sick_help, sick_reasons};
use crate::upload::Credentials;

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
    /// Say which changes come from the mapping and which from the feed, compared with this
    /// mapping
    #[arg(long, value_name = "MAPPING")]
    instead_of: Option<PathBuf>,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    allow: AllowArgs,
    /// Plan for a built-in mock LMS that nobody is on yet: needs no key and no LMS
    #[arg(long, conflicts_with_all = ["instead_of", "out"])]
    sandbox: bool,
    #[command(flatten)]
    key: KeyArgs,
}

/// What `import --dry-run` prints.
pub(super) fn of_import(
    context: &Context,
    feed: FeedArgs,
    sandbox: bool,
    (allow, key): (AllowArgs, KeyArgs),
) -> Result<Exit, Failure> {
    let args = PlanArgs {
        feed,
        sandbox,
        key,
        ..PlanArgs::with(allow)
    };
    run(context, &args)
}

impl PlanArgs {
    /// Nothing but what a person lets pass.
    fn with(allow: AllowArgs) -> Self {
        Self {
            feed: FeedArgs::default(),
            format: Format::Table,
            all: false,
            show_values: false,
            instead_of: None,
            out: OutArgs::default(),
            allow,
            sandbox: false,
            key: KeyArgs::default(),
        }
    }
}

/// What `undo --dry-run` prints.
pub(super) fn show(
    context: &Context,
    planned: &mut Planned<'_>,
    allow: AllowArgs,
) -> Result<Exit, Failure> {
    let mut report = report_on(planned);
    report.elapsed_seconds = context.elapsed_seconds();
    let exit = exit_of(planned);
    report.exit_code = exit.code();
    report.message = report::headline(&report);
    if context.json {
        context.finish(&report, &[])?;
    } else {
        print_plan(context, &PlanArgs::with(allow), planned, (&report, None))?;
    }
    Ok(exit)
}

pub(super) fn run(context: &Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let mut mapping = context.load_mapping(&args.feed.mapping)?;
    let mut settings = mapping.target.clone();
    let (_sandbox, credentials) = if args.sandbox {
        let (sandbox, credentials) = start_sandbox(&mut settings)?;
        (Some(sandbox), credentials)
    } else {
        (None, environment::credentials(context, &settings)?)
    };
    args.out.check(&args.feed.feed, &args.feed.mapping)?;
    let old = (args.instead_of.as_deref()).map(|old| context.load_mapping(old));
    let mut old = old.transpose()?;
    let known_as = match &old {
        Some(old) => known_as(context, &mapping, old, &credentials)?,
        None => None,
    };
    let own = absolute(mapping.path());
    if args.out.is_wanted() && known_as.as_ref().is_some_and(|path| *path != own) {
        return Err(Failure::usage(
            "a plan with a copy of the mapping cannot be carried out: nobody is known by the copy",
            "put the copy in the place of the mapping, and plan with that",
        ));
    }
    let other = match &mut old {
        Some(old) => {
            let credentials = environment::credentials(context, &old.target)?;
            let feed = open(context, &args.feed, old)?;
            let (mut listener, known_as) = (context.progress(), known_as.clone());
            let with = (&*old, old.target.clone(), known_as, credentials);
            Some(OtherPlan::of(plan(
                context,
                args,
                (feed, with),
                &mut *listener,
            )?)?)
        }
        None => None,
    };
    let feed = open(context, &args.feed, &mut mapping)?;
    if !args.sandbox && old.is_none() {
        check_whose_corrections(&context.journal_path(JOURNAL)?, &feed, &mapping)?;
    }
    let mut listener = context.progress();
    let with = (&mapping, settings, known_as, credentials);
    let mut planned = plan(context, args, (feed, with), &mut *listener)?;
    let mut report = report_on(&planned);
    if let Some(other) = &other {
        report.notes.extend(other.notes(&mut planned)?);
    }
    report.elapsed_seconds = context.elapsed_seconds();
    let exit = exit_of(&planned);
    report.exit_code = exit.code();
    report.message = report::headline(&report);
    if !context.json {
        print_plan(context, args, &mut planned, (&report, other.as_ref()))?;
    }
    if report.is_sick && args.out.is_wanted() {
        context.note("No plan was kept: an import would send nothing.");
    } else {
        let said = (&report, &args.allow.allowed(), args.key.replaces_key);
        args.out.write(context, &mut planned, said)?;
    }
    // The object has the exit code, which the file may decide.
    if context.json {
        context.finish(&report, &[])?;
    }
    Ok(exit)
}

/// A mapping, its LMS, the path by which the journal knows it if that is another one, and the
/// key.
type Mapped<'a> = (&'a Mapping, TargetSettings, Option<String>, Credentials);

/// What an import with this mapping would do.
fn plan<'a>(
    context: &Context,
    args: &PlanArgs,
    (feed, (mapping, settings, known_as, credentials)): (Feed, Mapped<'a>),
    listener: &'a mut dyn Listener,
) -> Result<Planned<'a>, Failure> {
    Ok(run::plan(RunRequest {
        mapping,
        settings,
        credentials,
        feed,
        journal: context.journal_path(if args.sandbox {
            SANDBOX_JOURNAL
        } else {
            JOURNAL
        })?,
        resumed: None,
        verify: None,
        allowed: args.allow.allowed(),
        replaces_key: args.key.replaces_key,
        known_as,
        kept: None,
        undo_key: None,
        way_back: None,
        by: environment::user_at_host(),
        wait: Duration::ZERO,
        stop: context.stop(),
        clock: Clock::system(),
        listener,
    })?)
}

/// The path by which the journal knows one of the two mappings, of which the other is a copy
/// that was changed; `None` for the first one's own.
fn known_as(
    context: &Context,
    mapping: &Mapping,
    old: &Mapping,
    credentials: &Credentials,
) -> Result<Option<String>, Failure> {
    let Some(journal) = Journal::open_existing(&context.journal_path(JOURNAL)?)? else {
        return Ok(None);
    };
    let scope = run::scope(&mapping.target, credentials);
    let is_known = |mapping: &Mapping| {
        let path = absolute(mapping.path());
        let is_known = journal.has_people_of(&scope, FeedKey::of_mapping(&path))?;
        Ok::<_, Failure>(is_known.then_some(path))
    };
    match is_known(mapping)? {
        Some(path) => Ok(Some(path)),
        None => Ok(is_known(old)?.or_else(|| Some(absolute(mapping.path())))),
    }
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
    report.effects = Some(prepared.effects);
    report.calls = planned.calls;
    let holds = prepared.holds.iter().chain(&prepared.silent);
    report.holds = holds.map(planned_hold).collect();
    report.held = held_counts(&prepared.holds);
    report.is_sick = !prepared.sick.is_empty();
    report.names_leavers = Some(planned.bound.mapping().names_leavers());
    report.causes = CauseLine::all(&prepared.causes);
    report.outages = outage_lines(planned.outages.clone());
    report.notes = notes(prepared);
    report.notes.extend_from_slice(&planned.notes);
    report.notes.extend(left_alone(rows));
    report.notes.extend(report::effects_note(&prepared.effects));
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
    (report, other): (&RunReport, Option<&OtherPlan>),
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
        let printed = Printed {
            format,
            show_values: args.show_values,
            most,
        };
        print_rows(context, planned, printed, other)?;
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
    context.finish(report, &[])?;
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

/// Whom the holds hold.
fn held_counts(holds: &[HoldNow]) -> HeldCounts {
    let people = holds.iter().flat_map(|hold| hold.people.iter());
    let leavers = people.clone().filter(|person| person.row.is_none()).count() as u64;
    HeldCounts {
        rows: people.count() as u64 - leavers,
        leavers,
    }
}
