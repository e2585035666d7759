//! `hrfeed check`: the problems of a feed, row by row. No network, no secret, no
//! journal.

use clap::Args;
use std::collections::BTreeMap;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::feed::{FeedArgs, open};
use super::output::{ROWS_SHOWN, report_of};
use crate::clock::Clock;
use crate::event::Event;
use crate::feed::Feed;
use crate::mapping::{Bound, FeedKind, Leavers, Mapping};
use crate::model::{Counts, Finding};
use crate::plan::guards::{self, Allowed, FeedFacts};
use crate::plan::{self, Item, MAX_FINDINGS, RowState, Scan, ScanError, Wanted};
use crate::report::{
    self, CauseLine, Command, FindingLine, FindingsWriter, Format, NextStep, RunReport, StoppedBy,
    Would,
};
use crate::run::{bind, feed_age, key_expiry, seed};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    feed: FeedArgs,
    /// Print the problems in this format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print all problems, not only the first 50
    #[arg(long)]
    all: bool,
    /// Include the invalid values (personal data)
    #[arg(long)]
    show_values: bool,
}

pub(super) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, Failure> {
    let mut mapping = context.load_mapping(&args.feed.mapping)?;
    let mut feed = open(context, &args.feed, &mut mapping)?;
    let clock = Clock::system();
    let bound = bind(&mapping, &feed, clock.today())?;
    if !context.json {
        feed.skip_digest();
    }
    let mut listener = context.progress();
    let stop = context.stop();
    let scan = plan::scan(
        &mut feed,
        &bound,
        seed(),
        false,
        &move || stop.is_requested(),
        &mut *listener,
    );
    listener.on_event(&Event::Finished);
    let mut scan = scan?;
    let shown = shown(context, args);
    name_losers(&mut feed, &bound, (&mut scan, shown))?;

    let (rows, rejected) = (scan.rows.counted(), scan.rows.count(RowState::Rejected));
    let exit = if mapping.guards.refused(rejected, rows) > 0 {
        Exit::RowsRefused
    } else {
        Exit::Done
    };
    let skipped = scan.rows.skipped(scan.left_out);
    let mut report = report_of(Command::Check, &feed, rows, skipped);
    report.exit_code = exit.code();
    report.elapsed_seconds = context.elapsed_seconds();
    report.counts = Counts {
        rejected,
        pending: rows - rejected,
        ..Counts::default()
    };
    report
        .notes
        .extend(scan.remarks.iter().map(ToString::to_string));
    report.causes = CauseLine::all(&scan.causes);
    report.would = Some(would(&feed, &mapping, &scan, clock));
    report.notes.extend(key_expiry(&mapping.target, clock));
    report.message = report::headline(&report);
    if context.json {
        report
            .notes
            .extend(report.would.as_ref().and_then(stop_note));
        report.findings = Some(scan.findings.iter().map(|it| args.line(it)).collect());
        let kinds = report.finding_kinds.insert(BTreeMap::new());
        for (code, count) in scan.causes.by_rule() {
            *kinds.entry(code.to_owned()).or_insert(0) += count;
        }
        context.finish(&report, &[])?;
    } else {
        print_findings(context, args, &scan, &report)?;
    }
    Ok(exit)
}

/// What an import would do, by what is known without a journal: nothing of earlier feeds
/// and of people.
fn would(feed: &Feed, mapping: &Mapping, scan: &Scan, clock: Clock) -> Would {
    let (rows, reject) = (scan.rows.counted(), scan.rows.count(RowState::Rejected));
    let facts = FeedFacts {
        rows,
        rejected: reject,
        profile: &scan.profile,
        before: &[],
        age: feed_age(feed, clock),
        imported_before: None,
        last: scan.last,
    };
    let sick = guards::feed(&mapping.guards, &Allowed::default(), &facts);
    let allow = match sick.as_slice() {
        [] => String::new(),
        sick => guards::allow_option(sick.iter().map(|sick| &sick.allow)),
    };
    let removes = mapping.leavers != Leavers::Ignore && mapping.kind == FeedKind::Full;
    let if_sound = |people| if sick.is_empty() { people } else { 0 };
    let goes = if_sound(rows - reject);
    let lists_leavers = mapping.lists_leavers();
    // Who is in another row as well stays.
    let marked = scan.marked.keys();
    let marked = marked.filter(|id| scan.rows.named(id.as_str()).is_none());
    let marked = match mapping.leavers {
        // Nobody leaves by rows that came back.
        Leavers::Ignore => 0,
        _ => if_sound(marked.count() as u64),
    };
    Would {
        send: if lists_leavers { 0 } else { goes },
        remove: if lists_leavers { goes } else { marked },
        reject,
        stopped_by: sick
            .into_iter()
            .map(|sick| StoppedBy {
                allow: sick.allow.to_string(),
                why: sick.why,
            })
            .collect(),
        allow,
        may_be_anybody: if removes { scan.unidentified } else { 0 },
    }
}

/// The note for scripts on what would stop an import.
fn stop_note(would: &Would) -> Option<String> {
    let why: Vec<_> = would.stopped_by.iter().map(|it| it.why.as_str()).collect();
    (!why.is_empty()).then(|| {
        format!(
            "an import would stop: {} (if the feed is right, import it once with `{}`)",
            why.join("; "),
            would.allow
        )
    })
}

impl CheckArgs {
    fn line(&self, finding: &Finding) -> FindingLine {
        if self.show_values {
            FindingLine::with_value(finding)
        } else {
            FindingLine::new(finding)
        }
    }
}

/// Prints the problems and the summary.
fn print_findings(
    context: &Context,
    args: &CheckArgs,
    scan: &Scan,
    report: &RunReport,
) -> Result<(), Failure> {
    let format = args.format;
    let shown = shown(context, args);
    if !scan.findings.is_empty() || format == Format::Csv {
        context.print_with(|out| {
            let mut writer = FindingsWriter::new(format, out, &context.out);
            for finding in scan.findings.iter().take(shown) {
                writer.write(&args.line(finding))?;
            }
            Ok(writer.finish()?)
        })?;
    }
    let all = scan.causes.total();
    if format != Format::Table {
        if all > MAX_FINDINGS as u64 {
            context.note(&format!(
                "Only the first {} problems are listed.",
                report::count(MAX_FINDINGS as u64)
            ));
        }
        context.note(&report.message);
        if let Some(would) = &report.would {
            context.note_wrapped(&would.sentences());
        }
        return Ok(());
    }
    let more = all - (scan.findings.len().min(shown) as u64);
    if more > 0 {
        let more = report::counted(more, "more problem", "more problems");
        let is_held = shown < scan.findings.len();
        let how = if is_held {
            " (list them with `--all`)"
        } else {
            ""
        };
        context.print(&format!("… and {more}{how}\n"))?;
    }
    if !scan.findings.is_empty() && !context.quiet {
        context.print("\n")?;
    }
    let mapping = args.feed.mapping.display().to_string();
    let next = [NextStep::plan(&report.feed.path, &mapping)];
    context.finish(report, &next)
}

/// How many problems are shown.
fn shown(context: &Context, args: &CheckArgs) -> usize {
    if context.json || args.all || args.format != Format::Table {
        MAX_FINDINGS
    } else {
        ROWS_SHOWN
    }
}

/// Rows that lose to another are found by hashes: the external IDs and values of those that
/// are shown are read again.
fn name_losers(
    feed: &mut Feed,
    bound: &Bound<'_>,
    (scan, shown): (&mut Scan, usize),
) -> Result<(), ScanError> {
    let shown = scan.findings.iter().take(shown).next_back();
    let Some(last) = shown.map(|finding| finding.row) else {
        return Ok(());
    };
    let losers = scan.rows.rejected_by_others();
    let losers: Vec<_> = losers
        .filter(|row| scan.rows.number(*row) <= last)
        .collect();
    if losers.is_empty() {
        return Ok(());
    }
    let mut named: BTreeMap<_, Vec<Finding>> = BTreeMap::new();
    plan::replay(feed, bound, &scan.rows, Wanted::These, &losers, |items| {
        for item in items {
            if let Item::Rejected { row, findings, .. } = item
                && named.len() < MAX_FINDINGS
            {
                named.insert(row, findings);
            }
        }
        Ok::<(), ScanError>(())
    })?;
    for finding in &mut scan.findings {
        if finding.external_id.is_none()
            && let Some(again) = named.get(&finding.row)
            && let Some(again) = again
                .iter()
                .find(|again| again.rule == finding.rule && again.field == finding.field)
        {
            finding.external_id.clone_from(&again.external_id);
            finding.value.clone_from(&again.value);
        }
    }
    Ok(())
}
