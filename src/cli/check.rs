//! `hrfeed check`: what is wrong with a feed, row by row. No network, no
//! secret, no journal.

use std::collections::BTreeMap;
use std::time::Instant;

use clap::Args;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::feed::{FeedArgs, note_encoding, open};
use super::output::{FormatArg, ROWS_SHOWN, cause_lines, fail_as_json, report_of};
use crate::clock;
use crate::event::Event;
use crate::feed::Feed;
use crate::mapping::{Bound, Mapping};
use crate::model::{Counts, Finding};
use crate::plan::{self, Item, MAX_FINDINGS, RowState, Scan, ScanError, Wanted};
use crate::report::{self, Command, FindingLine, FindingsWriter, Format, RunReport};
use crate::run::{bind, encoding_note, seed};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    feed: FeedArgs,
    /// How to print what is wrong
    #[arg(long, value_enum, default_value_t = FormatArg::Table)]
    format: FormatArg,
    /// Print everything that is wrong, not the first 50
    #[arg(long)]
    all: bool,
    /// Show the offending values too: they are people's data
    #[arg(long)]
    show_values: bool,
}

pub(super) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, Failure> {
    let begun = clock::monotonic();
    check(context, args, begun)
        .map_err(|failure| fail_as_json(context, Command::Check, failure, begun))
}

fn check(context: &Context, args: &CheckArgs, begun: Instant) -> Result<Exit, Failure> {
    let mapping = Mapping::load(&args.feed.mapping)?;
    let mut feed = open(context, &args.feed, &mapping)?;
    let bound = bind(&mapping, &feed)?;
    if !context.json {
        feed.skip_digest();
    }
    let announced = feed.format().other_encoding();
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
    note_encoding(context, encoding_note(&feed, &mapping, announced));
    name_losers(&mut feed, &bound, &mut scan)?;

    let (rows, rejected) = (scan.rows.len() as u64, scan.rows.count(RowState::Rejected));
    let exit = if rejected > 0 {
        Exit::RowsRefused
    } else {
        Exit::Done
    };
    let mut report = report_of(Command::Check, &feed, rows, scan.skipped);
    report.exit_code = exit.code();
    report.elapsed_seconds = begun.elapsed().as_secs_f64();
    report.counts = Counts {
        rejected,
        pending: rows - rejected,
        ..Counts::default()
    };
    report.message = report::headline(&report);
    if context.json {
        report.findings = Some(scan.findings.iter().map(|it| args.line(it)).collect());
        let mut kinds = BTreeMap::new();
        for kind in &scan.kinds {
            *kinds.entry(kind.first.rule.code().to_owned()).or_insert(0) += kind.count;
        }
        report.finding_kinds = Some(kinds);
        context.finish(&report, &[], &[])?;
    } else {
        print_findings(context, args, &scan, &report)?;
    }
    Ok(exit)
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

/// Prints what is wrong, and the summary.
fn print_findings(
    context: &Context,
    args: &CheckArgs,
    scan: &Scan,
    report: &RunReport,
) -> Result<(), Failure> {
    let format = Format::from(args.format);
    let shown = if args.all || format != Format::Table {
        scan.findings.len()
    } else {
        ROWS_SHOWN
    };
    if !scan.findings.is_empty() || format == Format::Csv {
        context.print_with(|out| {
            let mut writer = FindingsWriter::new(format, out, &context.out);
            for finding in scan.findings.iter().take(shown) {
                writer.write(&args.line(finding))?;
            }
            Ok(writer.finish()?)
        })?;
    }
    let all: u64 = scan.kinds.iter().map(|kind| kind.count).sum();
    if format != Format::Table {
        if all > MAX_FINDINGS as u64 {
            context.note(&format!(
                "only the first {} findings are listed",
                report::count(MAX_FINDINGS as u64)
            ));
        }
        context.note(&report.message);
        return Ok(());
    }
    let more = all - (scan.findings.len().min(shown) as u64);
    if more > 0 {
        let how = if shown < scan.findings.len() {
            ": `--all` shows them"
        } else {
            ""
        };
        context.print(&format!(
            "… and {}{how}\n",
            report::counted(more, "more finding", "more findings")
        ))?;
    }
    if !scan.findings.is_empty() && !context.quiet {
        context.print("\n")?;
    }
    context.finish(report, &cause_lines(&scan.kinds), &[])
}

/// Rows that lose to another are found by hashes: their external IDs and
/// values are read again, if there are any.
pub(super) fn name_losers(
    feed: &mut Feed,
    bound: &Bound<'_>,
    scan: &mut Scan,
) -> Result<(), ScanError> {
    let losers: Vec<_> = scan.rows.rejected_by_others().collect();
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
