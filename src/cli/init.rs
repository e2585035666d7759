//! `hrfeed init`: generates a starter mapping from a feed, checks the feed with it and
//! says what is left to do.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::output::path_of;
use super::output_file::{Kind, OutputFile};
use crate::clock::Clock;
use crate::event::Event;
use crate::feed::{AmongSheets, Feed, FeedOptions, FeedSource};
use crate::mapping::Mapping;
use crate::pickup::{Access, Files, PickUpOptions, Watcher, is_address, pick_up};
use crate::plan::{self, RowState};
use crate::report::{self, Style};
use crate::run::{bind, seed};
use crate::schema::System;
use crate::suggest::{Draft, DraftOptions, Proposal, Unused, lacks_header};

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Feed to read: CSV or a workbook, packed or not; or its folder, or a pattern (`-` for stdin)
    #[arg(value_name = "FEED")]
    feed: PathBuf,
    /// Choose the LMS
    #[arg(long, value_enum, value_name = "SYSTEM")]
    target: System,
    /// Write the mapping to this file instead of stdout
    #[arg(short, long, value_name = "FILE.toml")]
    output: Option<PathBuf>,
    /// Read the CSV file in this encoding, if it is not UTF-8, UTF-16 or windows-1252
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// Read this sheet of the workbook
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Find the header in this row, counted as in an editor or in Excel
    #[arg(long, value_name = "ROW")]
    header_row: Option<u32>,
    /// Take the first row for a person: no row names the columns
    #[arg(long, conflicts_with = "header_row")]
    no_header: bool,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// What was recognised, in the object of `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct InitReport<'d> {
    /// The LMS.
    system: &'static str,
    /// What the feed is.
    feed: FoundFeed,
    /// The system whose export the feed looks like.
    exported_by: Option<&'static str>,
    /// The text of the mapping.
    mapping: &'d str,
    /// The file of `-o`.
    output: Option<String>,
    /// The fields that have a value or need one.
    proposals: &'d [Proposal],
    /// Columns that no field uses.
    unused: &'d [Unused],
    /// Required fields without a column.
    missing: &'d [&'static str],
    /// What a person should look at.
    checks: &'d [String],
    /// What `check` says of the feed with this mapping; null while a required field is
    /// missing.
    check: Option<Checked>,
    /// The steps that are left, in order.
    left_to_do: Vec<Step>,
}

/// What the feed was found to be.
#[derive(Debug, Serialize, JsonSchema)]
struct FoundFeed {
    /// The file.
    path: String,
    /// What it is, in words for people.
    format: String,
    /// The row of the header; null without one.
    header_row: Option<u32>,
    /// How many columns it has.
    columns: usize,
}

/// What `check` would say of the feed with the new mapping.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Checked {
    /// Rows of the feed.
    rows: u64,
    /// Rows that the mapping skips.
    skipped: u64,
    /// Rows with problems.
    rejected: u64,
    /// How many problems there are of each rule, by its code.
    finding_kinds: BTreeMap<String, u64>,
    /// The most frequent problems, in words.
    problems: Vec<String>,
}

pub(super) fn run(context: &Context, args: &InitArgs) -> Result<Exit, Failure> {
    let output = args
        .output
        .as_deref()
        .map(|path| OutputFile::new(path, Kind::Mapping, args.force).but(&args.feed, "the feed"));
    if let Some(output) = &output {
        output.check()?;
    }
    let picked = picked_up(context, &args.feed)?;
    let is_newest = picked != FeedSource::from_argument(&args.feed);
    let (mut feed, source) = open(context, args, &picked)?;
    let name = match &picked {
        FeedSource::Stdin => None,
        source => source.place().file_name(),
    };
    let options = DraftOptions {
        system: args.target,
        feed_name: name.map_or("stdin".into(), |name| name.to_string_lossy().into_owned()),
        source,
        is_newest,
    };
    let draft = Draft::of(&mut feed, &options)?;
    match &output {
        Some(output) => {
            output.write(context, |out| Ok(out.write_all(draft.text.as_bytes())?))?;
        }
        None if context.json => {}
        None => context.print(&draft.text)?,
    }
    let checked = if draft.missing.is_empty() {
        check(context, &draft, &mut feed)?
    } else {
        None
    };
    let left = left_to_do(args, &draft, checked.as_ref());
    if let Some(title) = draft.exported_by {
        context.note_wrapped(&format!("This looks like {title}."));
    }
    for note in &draft.notes {
        context.note_wrapped(&format!("note: {note}"));
    }
    context.note("Left to do:");
    for (number, step) in (1..).zip(&left) {
        context.note(&step.lines(number, context.err));
    }
    if context.json {
        context.keep_notes(&draft.notes);
        let message = message(&draft, checked.as_ref());
        let report = InitReport {
            system: args.target.word(),
            feed: FoundFeed {
                path: path_of(feed.source()),
                format: feed.format().to_string(),
                header_row: Some(feed.header_row().row()).filter(|row| *row > 0),
                columns: feed.columns().len(),
            },
            exported_by: draft.exported_by,
            mapping: &draft.text,
            output: args.output.as_deref().map(|it| it.display().to_string()),
            proposals: &draft.proposals,
            unused: &draft.unused,
            missing: &draft.missing,
            checks: &draft.checks,
            check: checked,
            left_to_do: left,
        };
        context.print_object(report, Exit::Done, message)?;
    }
    Ok(Exit::Done)
}

/// How far the mapping is, in one sentence.
fn message(draft: &Draft, checked: Option<&Checked>) -> String {
    match checked {
        Some(it) => format!(
            "A mapping was proposed: {} of {} have problems with it.",
            report::count(it.rejected),
            report::counted(it.rows, "row", "rows"),
        ),
        None if draft.missing.is_empty() => {
            "A mapping was proposed, and it does not fit the feed yet.".to_owned()
        }
        None => format!(
            "A mapping was proposed. No column was recognised for: {}.",
            draft.missing.join(", ")
        ),
    }
}

/// What FEED means: of a folder or a pattern the newest file, which is named.
fn picked_up(context: &Context, feed: &Path) -> Result<FeedSource, Failure> {
    let source = FeedSource::from_argument(feed);
    let FeedSource::Path(path) = &source else {
        return Ok(source);
    };
    if is_address(path) {
        return Err(Failure::usage(
            "`hrfeed init` looks at a file of this machine, and not at an address",
            "copy one export to this machine and give its path: the mapping that `init` writes \
             then reads the address too, once [source.remote] says who hrfeed is",
        ));
    }
    let newest = PickUpOptions {
        files: Some(Files::Newest),
        ..PickUpOptions::default()
    };
    let stop = context.stop();
    let mut watcher = Watcher {
        is_stopped: &|| stop.is_requested(),
        tell: &mut |_| {},
    };
    let access = (&Access::default(), FeedOptions::default().max_bytes());
    let picked = pick_up(path.as_os_str(), &newest, access, &mut watcher)?;
    let picked = picked.files.into_iter().next();
    let picked = picked.map_or_else(|| path.clone(), |it| it.path);
    if picked != *path {
        context.note_wrapped(&format!(
            "note: looked at {}, the newest file of {}",
            picked.display(),
            path.display()
        ));
    }
    Ok(FeedSource::Path(picked))
}

/// Opens the feed; without a header if the row in its place is a person.
fn open(
    context: &Context,
    args: &InitArgs,
    source: &FeedSource,
) -> Result<(Feed, FeedOptions), Failure> {
    let mut options = FeedOptions {
        encoding: args.encoding.clone(),
        sheet: args.sheet.clone(),
        among_sheets: AmongSheets::OfPeople,
        header_row: args.header_row,
        has_no_header: args.no_header,
        ..FeedOptions::default()
    };
    let feed = Feed::open(source, &options)?;
    let is_person = !args.no_header && args.header_row.is_none() && lacks_header(&feed);
    if !is_person {
        return Ok((feed, options));
    }
    let row = feed.header_row();
    if *source == FeedSource::Stdin {
        context.note_wrapped(&format!(
            "note: row {row} looks like a person and not like a header: if it is one, add `--no-header`"
        ));
        return Ok((feed, options));
    }
    context.note_wrapped(&format!(
        "note: row {row} is a person and not a header, so the columns are called A, B, C \
         (otherwise add `--header-row`)"
    ));
    options.has_no_header = true;
    Ok((Feed::open(source, &options)?, options))
}

/// Checks the feed with the new mapping. That needs no LMS and no secret.
fn check(context: &Context, draft: &Draft, feed: &mut Feed) -> Result<Option<Checked>, Failure> {
    let mapping = Mapping::parse(Path::new("mapping.toml"), &draft.text);
    let mapping = mapping.inspect_err(|error| context.note_wrapped(&format!("note: {error}")));
    let Ok(mapping) = mapping else {
        return Ok(None);
    };
    let bound = bind(&mapping, feed, Clock::system().today());
    let bound = bound.inspect_err(|error| context.note_wrapped(&format!("note: {error}")));
    let Ok(bound) = bound else {
        return Ok(None);
    };
    feed.skip_digest();
    let mut listener = context.progress();
    let stop = context.stop();
    let scan = plan::scan(
        feed,
        &bound,
        seed(),
        false,
        &move || stop.is_requested(),
        &mut *listener,
    );
    listener.on_event(&Event::Finished);
    let scan = scan?;
    let mut checked = Checked {
        rows: scan.rows.counted(),
        skipped: scan.rows.skipped(scan.left_out),
        rejected: scan.rows.count(RowState::Rejected),
        ..Checked::default()
    };
    for (code, count) in scan.causes.by_rule() {
        *checked.finding_kinds.entry(code.to_owned()).or_insert(0) += count;
    }
    let problems = scan.causes.sorted().into_iter();
    checked.problems = problems.filter_map(|cause| cause.sentence()).collect();
    Ok(Some(checked))
}

/// A step that a person must still take.
#[derive(Debug, Serialize, JsonSchema)]
struct Step {
    /// What to do.
    what: String,
    /// The command that does it.
    command: Option<String>,
}

impl Step {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            command: None,
        }
    }

    fn with(what: impl Into<String>, command: String) -> Self {
        Self {
            what: what.into(),
            command: Some(command),
        }
    }

    /// Lines that fit a terminal, and a mail, and the command on one of its own.
    fn lines(&self, number: usize, style: Style) -> String {
        const WIDTH: usize = 79;
        let text = Style {
            width: style.width.min(WIDTH).saturating_sub(5),
            ..style
        };
        let mut text = format!(
            "{number:>3}. {}",
            text.paragraph(&self.what).join("\n     ")
        );
        if let Some(command) = &self.command {
            text.push_str("\n       ");
            text.push_str(command);
        }
        text
    }
}

/// What a person must still do, in order.
fn left_to_do(args: &InitArgs, draft: &Draft, checked: Option<&Checked>) -> Vec<Step> {
    // What is only on a screen is in no file yet; a pipe leads to one that is not known.
    let is_on_screen = args.output.is_none() && std::io::stdout().is_terminal();
    let other = if is_on_screen { "my.toml" } else { "MAPPING" };
    let mapping = args
        .output
        .as_ref()
        .map_or(other.into(), |output| output.display().to_string());
    let mapping = report::shell_word(&mapping);
    let feed = report::shell_word(&args.feed.display().to_string());
    let mut steps = Vec::new();
    if is_on_screen {
        steps.push(Step::new(format!(
            "Keep the mapping: run the command again with `-o {mapping}`."
        )));
    }
    if !draft.missing.is_empty() {
        steps.push(Step::new(format!(
            "No column was recognised for: {}. Fill in the lines marked with `# ?`.",
            draft.missing.join(", ")
        )));
    }
    for check in &draft.checks {
        steps.push(Step::new(format!("Look at {check}.")));
    }
    let check = format!("hrfeed check {feed} -m {mapping}");
    steps.push(match checked {
        Some(it) if it.rejected > 0 => Step::with(
            format!(
                "Read the mapping through. Rows that have problems with it: {} of {}, most often \
                 {}. List them:",
                report::count(it.rejected),
                report::count(it.rows),
                it.problems.first().map_or("", String::as_str),
            ),
            check,
        ),
        Some(it) => Step::with(
            format!(
                "Read the mapping through. With it, no row of {} has a problem. After a change:",
                report::count(it.rows)
            ),
            check,
        ),
        None => Step::with("Read the mapping through, then:", check),
    });
    if draft.missing.is_empty() {
        steps.push(Step::with(
            "Try an import without your LMS and without a key, if you like:",
            format!("hrfeed import {feed} -m {mapping} --sandbox"),
        ));
    }
    let secrets = args.target.word().to_uppercase();
    let secrets = if args.target.spec().secret_header.is_some() {
        format!("{secrets}_API_KEY and {secrets}_API_SECRET")
    } else {
        format!("{secrets}_API_KEY")
    };
    steps.push(Step::new(format!(
        "Set `base_url` in the mapping, and {secrets} in the environment."
    )));
    steps.push(Step::with(
        "See what an import would do:",
        format!("hrfeed plan {feed} -m {mapping}"),
    ));
    steps
}
