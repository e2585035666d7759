//! `hrfeed check`: what is wrong with a feed, row by row. No network, no
//! secret, no journal.

use std::collections::BTreeMap;
use std::time::Instant;

use clap::{Args, ValueEnum};

use super::FeedArgs;
use super::context::{Context, written};
use super::exit::{Exit, Failure};
use super::run::seed;
use super::told::hex;
use crate::event::Event;
use crate::feed::{Attachments, Feed, FeedSource};
use crate::mapping::{Bound, Mapping};
use crate::model::{Calls, Counts, Finding, Outcome, RunState};
use crate::plan::{self, FindingKind, Item, MAX_FINDINGS, RowState, Scan, ScanError, Wanted};
use crate::report::{
    self, CauseLine, FeedReport, FindingJson, FindingLine, FindingsWriter, Format, RunReport,
};

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

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatArg {
    /// For people
    Table,
    /// For spreadsheets
    Csv,
    /// One object a line
    Json,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Table => Self::Table,
            FormatArg::Csv => Self::Csv,
            FormatArg::Json => Self::Json,
        }
    }
}

/// So many lines fit a person's patience.
pub(super) const ROWS_SHOWN: usize = 50;

pub(super) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let checked = check(context, args, begun);
    match checked {
        Ok(exit) => Ok(exit),
        Err(failure) => Err(told_as_json(context, "check", failure, begun)),
    }
}

fn check(context: &Context, args: &CheckArgs, begun: Instant) -> Result<Exit, Failure> {
    let mapping = Mapping::load(&args.feed.mapping)?;
    let mut feed = open(context, &args.feed, &mapping)?;
    let bound = bind(&mapping, &feed)?;
    if !context.json {
        feed.skip_digest();
    }
    let told = feed.format().other_encoding();
    let mut listener = context.progress();
    let stop = context.stop();
    let look = plan::scan(
        &mut feed,
        &bound,
        seed(),
        false,
        &move || stop.is_requested(),
        &mut *listener,
    );
    listener.on_event(&Event::Finished);
    let mut look = look?;
    note_encoding(context, &feed, &mapping, told);
    name_losers(&mut feed, &bound, &mut look)?;

    let rejected = look.rows.count(RowState::Rejected);
    let exit = if rejected > 0 {
        Exit::RowsRefused
    } else {
        Exit::Done
    };
    let mut report = report_of("check", &feed, &look, exit, begun);
    report.counts = Counts {
        rejected,
        pending: look.rows.len() as u64 - rejected,
        ..Counts::default()
    };
    report.message = report::headline(&report);
    let line = |finding: &Finding| {
        if args.show_values {
            FindingLine::with_value(finding)
        } else {
            FindingLine::new(finding)
        }
    };
    if context.json {
        report.findings = Some(
            look.findings
                .iter()
                .map(|finding| FindingJson::from(line(finding)))
                .collect(),
        );
        let mut kinds = BTreeMap::new();
        for kind in &look.kinds {
            *kinds.entry(kind.first.rule.code().to_owned()).or_insert(0) += kind.count;
        }
        report.finding_kinds = Some(kinds);
        context.finish(&report, &[], &[])?;
        return Ok(exit);
    }
    let format = Format::from(args.format);
    let shown = if args.all || format != Format::Table {
        look.findings.len()
    } else {
        ROWS_SHOWN
    };
    if !look.findings.is_empty() || format == Format::Csv {
        let mut writer = FindingsWriter::new(format, std::io::stdout().lock(), &context.out);
        let findings = look.findings.iter().take(shown).map(line);
        written(
            findings
                .into_iter()
                .try_for_each(|line| writer.write(&line))
                .and_then(|()| writer.finish()),
        )?;
    }
    let all: u64 = look.kinds.iter().map(|kind| kind.count).sum();
    let more = all - (look.findings.len().min(shown) as u64);
    if format == Format::Table {
        if more > 0 {
            let how = if shown < look.findings.len() {
                ": `--all` shows them"
            } else {
                ""
            };
            context.print(&format!(
                "… and {}{how}\n",
                report::counted(more, "more finding", "more findings")
            ))?;
        }
        if !look.findings.is_empty() && !context.quiet {
            context.print("\n")?;
        }
        context.finish(&report, &cause_lines(&look.kinds), &[])?;
    } else {
        if all > MAX_FINDINGS as u64 {
            context.note(&format!(
                "only the first {} findings are listed",
                report::count(MAX_FINDINGS as u64)
            ));
        }
        context.note(&report.message);
    }
    Ok(exit)
}

/// Opens a feed and says what was found, where a person might wonder.
pub(super) fn open(context: &Context, args: &FeedArgs, mapping: &Mapping) -> Result<Feed, Failure> {
    open_source(context, &FeedSource::from_argument(&args.feed), mapping)
}

pub(super) fn open_source(
    context: &Context,
    source: &FeedSource,
    mapping: &Mapping,
) -> Result<Feed, Failure> {
    let feed = Feed::open(source, &mapping.source)?;
    tracing::info!(
        feed = %feed.path().display(), format = %feed.format(), header_row = feed.header_row().0,
        columns = feed.columns().len(), "opened the feed"
    );
    if !feed.other_sheets().is_empty() && mapping.source.sheet.is_none() {
        let others: Vec<_> = feed
            .other_sheets()
            .iter()
            .map(|name| format!("`{}`", report::sanitize(name)))
            .collect();
        context.note(&format!(
            "note: reading {}; other sheets hold tables too: {} (choose with `sheet` in [source])",
            feed.format(),
            others.join(", ")
        ));
    }
    note_encoding(context, &feed, mapping, None);
    Ok(feed)
}

/// Ties the mapping to the feed's columns and to the files beside it.
pub(super) fn bind<'m>(mapping: &'m Mapping, feed: &Feed) -> Result<Bound<'m>, Failure> {
    let beside = match feed.source() {
        FeedSource::Path(path) => Some(Attachments::of(path)),
        FeedSource::Stdin => None,
    };
    let bound = mapping.bind(feed.columns(), &duplicate_columns(feed))?;
    Ok(bound.with_files(beside))
}

/// Says in which encoding a feed is read if that was found and is not UTF-8,
/// since letters could be taken for others. `told` was said before: what the
/// start of a feed does not show, its reading does.
pub(super) fn note_encoding(
    context: &Context,
    feed: &Feed,
    mapping: &Mapping,
    told: Option<&'static str>,
) {
    if let Some(note) = encoding_note(feed, mapping, told) {
        context.note(&format!("note: {note}"));
    }
}

/// What [`note_encoding`] says.
pub(super) fn encoding_note(
    feed: &Feed,
    mapping: &Mapping,
    told: Option<&'static str>,
) -> Option<String> {
    let found = feed
        .format()
        .other_encoding()
        .filter(|_| mapping.source.encoding.is_none() && told.is_none());
    found.map(|encoding| {
        format!(
            "the feed is read as {encoding} text (if names look wrong, name another with \
             `encoding` in [source])"
        )
    })
}

/// Names that stand more than once in the header.
fn duplicate_columns(feed: &Feed) -> Vec<String> {
    feed.duplicate_columns()
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// What `check` and `plan` report of a feed.
pub(super) fn report_of(
    command: &str,
    feed: &Feed,
    look: &Scan,
    exit: Exit,
    begun: Instant,
) -> RunReport {
    RunReport {
        run: None,
        command: command.into(),
        state: RunState::Finished,
        feed: FeedReport {
            path: match feed.source() {
                FeedSource::Stdin => "-".into(),
                FeedSource::Path(path) => path.display().to_string(),
            },
            sha256: feed.sha256().map(hex),
            rows: look.rows.len() as u64,
            skipped: look.skipped,
        },
        counts: Counts::default(),
        calls: Calls::default(),
        elapsed_seconds: begun.elapsed().as_secs_f64(),
        exit_code: exit.code(),
        message: String::new(),
        findings: None,
        finding_kinds: None,
        notes: Vec::new(),
    }
}

/// With `--json` a failure is told on stdout too, as the one object.
pub(super) fn told_as_json(
    context: &Context,
    command: &str,
    failure: Failure,
    begun: Instant,
) -> Failure {
    if context.json {
        let report = RunReport {
            run: None,
            command: command.into(),
            state: if failure.exit == Exit::Interrupted {
                RunState::Interrupted
            } else {
                RunState::Failed
            },
            feed: FeedReport {
                path: String::new(),
                sha256: None,
                rows: 0,
                skipped: 0,
            },
            counts: Counts::default(),
            calls: Calls::default(),
            elapsed_seconds: begun.elapsed().as_secs_f64(),
            exit_code: failure.exit.code(),
            message: failure.what.clone(),
            findings: None,
            finding_kinds: None,
            notes: Vec::new(),
        };
        // The failure is told on stderr in any case.
        let _told = context.print(&format!("{}\n", report.to_json()));
    }
    failure
}

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

/// Rows that lose to another are found by hashes: their external IDs and
/// values are read again, if there are any.
pub(super) fn name_losers(
    feed: &mut Feed,
    bound: &Bound<'_>,
    look: &mut Scan,
) -> Result<(), ScanError> {
    let losers: Vec<_> = look.rows.rejected_by_others().collect();
    if losers.is_empty() {
        return Ok(());
    }
    let mut named: BTreeMap<_, Vec<Finding>> = BTreeMap::new();
    plan::replay(feed, bound, &look.rows, Wanted::These, &losers, |items| {
        for item in items {
            if let Item::Rejected { row, findings, .. } = item
                && named.len() < MAX_FINDINGS
            {
                named.insert(row, findings);
            }
        }
        Ok::<(), ScanError>(())
    })?;
    for finding in &mut look.findings {
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
