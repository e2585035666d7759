//! `hrfeed plan`: what an import would do. Reads only, on both sides.

use std::time::Instant;

use clap::Args;

use super::FeedArgs;
use super::begin::{absolute, held_in_words};
use super::check::{
    FormatArg, ROWS_SHOWN, bind, cause_lines, note_encoding, open, report_of, told_as_json,
};
use super::compare::{Compared, Feeds, compare, named_elsewhere, under_other_keys};
use super::context::{Context, JOURNAL, written};
use super::environment;
use super::exit::{Exit, Failure};
use super::groups::plan_groups;
use super::run::{scope, seed};
use crate::event::Event;
use crate::journal::{FeedKey, Journal};
use crate::mapping::{Bound, Leavers, Mapping};
use crate::model::{Action, ExternalId, Outcome};
use crate::plan::{self, Guard, Item, Plan, RowState, RowTable, ScanError, Wanted, guards};
use crate::report::{self, Format, RowLine, RowsWriter};
use crate::upload::{GroupPlan, NotAnswered, Uploader};

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
    plan(context, args, begun).map_err(|failure| told_as_json(context, "plan", failure, begun))
}

#[expect(clippy::too_many_lines, reason = "one stage after the other")]
fn plan(context: &Context, args: &PlanArgs, begun: Instant) -> Result<Exit, Failure> {
    let mapping = Mapping::load(&args.feed.mapping)?;
    let credentials = environment::credentials(&mapping.target)?;
    let mut feed = open(context, &args.feed, &mapping)?;
    let bound = bind(&mapping, &feed)?;
    let told = feed.format().other_encoding();
    let mut listener = context.progress();
    let stop = context.stop();
    let look = plan::scan(
        &mut feed,
        &bound,
        seed(),
        true,
        &move || stop.is_requested(),
        &mut *listener,
    );
    let mut look = look.inspect_err(|_| listener.on_event(&Event::Finished))?;
    let stopped = guards::feed(&mapping.guards, &[], &look.rows);
    let scope = scope(&mapping.target, &credentials);
    let journal = Journal::open_existing(&context.journal_path(JOURNAL)?)?;
    let mut compared = Compared::default();
    let mut under_keys = 0;
    let feed_key = FeedKey::of_mapping(&absolute(mapping.path()));
    if let Some(journal) = &journal {
        under_keys = under_other_keys(
            journal,
            &scope,
            mapping.target.system,
            &mapping.target.base_url,
        )?;
        let feeds = Feeds::of(journal, &scope, mapping.path())?;
        // A plan notes nothing.
        compared = compare(journal, &scope, &feeds, &mut look.rows, &mut |_| Ok(()))?;
    }
    let mut uploader = Uploader::new(&mapping.target, &credentials, context.stop(), seed())?;
    let asked = uploader.survey(
        &mut feed,
        &bound,
        &mut look.rows,
        &mut |_| Ok(()),
        &mut *listener,
    );
    let not_answered = asked.inspect_err(|_| listener.on_event(&Event::Finished))?;
    let groups = plan_groups(
        (journal.as_ref(), None),
        (&scope, feed_key),
        mapping.groups,
        std::mem::take(&mut look.groups),
        &mut look.rows,
        &mut uploader,
        &mut *listener,
    );
    listener.on_event(&Event::Finished);
    let groups = groups?;
    note_encoding(context, &feed, &mapping, told);

    let not_in_feed = compared.not_in_feed;
    let mut held = guards::hold(
        &mapping.guards,
        &[],
        &mut look.rows,
        (&mut compared.leavers, mapping.leavers),
        compared.named_before,
        look.unidentified,
        under_keys,
    );
    held.extend(stopped);
    let plan = Plan::of(&look.rows, compared.leavers, mapping.leavers, held);
    let refused = plan.counts.rejected + not_answered.len() as u64;
    let exit = if !plan.held.is_empty() {
        Exit::Guard
    } else if refused > 0 {
        Exit::RowsRefused
    } else {
        Exit::Done
    };
    let mut report = report_of("plan", &feed, &look, exit, begun);
    report.counts = plan.counts;
    report.counts.failed = not_answered.len() as u64;
    report.calls = uploader.calls();
    report.message = report::headline(&report);
    report.notes = notes(&plan, &groups);
    if compared.named_elsewhere > 0 {
        report.notes.push(named_elsewhere(compared.named_elsewhere));
    }
    let adopted = look.rows.count(RowState::Adopt) + look.rows.count(RowState::UnknownAdopt);
    if adopted > 0 {
        let people = report::counted(adopted, "person is", "people are");
        report.notes.push(format!(
            "{people} there without an external ID, and would get it"
        ));
    }
    if context.json {
        context.finish(&report, &[], &[])?;
        return Ok(exit);
    }
    let format = Format::from(args.format);
    let all = plan.changes() + refused;
    let most = if args.all || format != Format::Table {
        u64::MAX
    } else {
        ROWS_SHOWN as u64
    };
    if all > 0 || format == Format::Csv {
        print_rows(
            context,
            &mut feed,
            &bound,
            (&look.rows, &plan, mapping.leavers),
            &not_answered,
            format,
            most,
        )?;
    }
    if format != Format::Table {
        context.note(&report.message);
        return Ok(exit);
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
    context.finish(&report, &cause_lines(&look.kinds), &[])?;
    if not_in_feed > 0 && mapping.leavers == Leavers::Ignore && !context.quiet {
        context.print(&format!(
            "\n{} the journal knows and the feed does not name: left alone.\n",
            report::counted(not_in_feed, "person whom", "people whom")
        ))?;
    }
    Ok(exit)
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
        ("would be made", groups.make.len()),
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
    feed: &mut crate::feed::Feed,
    bound: &Bound<'_>,
    (rows, plan, leavers): (&RowTable, &Plan, Leavers),
    not_answered: &[NotAnswered],
    format: Format,
    most: u64,
) -> Result<(), Failure> {
    enum Ended {
        Scan(ScanError),
        Io(std::io::Error),
        Enough,
    }
    impl From<ScanError> for Ended {
        fn from(error: ScanError) -> Self {
            Self::Scan(error)
        }
    }
    let mut writer = RowsWriter::new(format, std::io::stdout().lock(), &context.out);
    let mut left = most;
    let mut write = |line: &RowLine| {
        if left == 0 {
            return Err(Ended::Enough);
        }
        left -= 1;
        writer.write(line).map_err(Ended::Io)
    };
    let told = plan::replay(feed, bound, rows, Wanted::Work, &[], |items| {
        items.iter().try_for_each(|item| write(&line(item)))
    });
    let told = told.and_then(|()| {
        not_answered
            .iter()
            .try_for_each(|told| write(&unanswered(told)))
    });
    let told = told.and_then(|()| {
        plan.leavers
            .iter()
            .try_for_each(|id| write(&leaver(id, leavers)))
    });
    match told {
        Ok(()) | Err(Ended::Enough) => written(writer.finish()),
        Err(Ended::Io(error)) => written(Err(error)),
        Err(Ended::Scan(error)) => Err(error.into()),
    }
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
                    .map(super::super::model::Finding::message)
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
        },
    }
}

fn unanswered(told: &NotAnswered) -> RowLine {
    RowLine {
        row: Some(told.row.0),
        external_id: Some(told.external_id.as_str().to_owned()),
        outcome: Outcome::Failed,
        action: Some(Action::Create),
        status: None,
        attempts: told.attempts,
        message: Some(format!(
            "the LMS could not say whether the person exists ({})",
            told.trouble.why()
        )),
    }
}
