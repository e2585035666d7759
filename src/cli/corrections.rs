//! `hrfeed rows --as-feed`: rows of a run as they are in its feed, for the HR department to
//! correct, with what is wrong and what to do.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::context::{Context, PrintError};
use super::copy::{Copy, CopyColumns, CopyFormat, WriteRow};
use super::exit::Failure;
use super::feed::{of_run, open_alone, open_source, picked_up_at_once};
use super::history::{RowsArgs, not_over_the_run};
use super::output_file::{Kind, OutputFile};
use super::run_report::held_counts;
use crate::clock;
use crate::feed::{Batch, Feed, FeedError, FeedSource};
use crate::journal::{HoldId, Journal, JournalError, RowEntry, RowFilter, Run};
use crate::mapping::{Bound, Mapping, MappingError, key_in_common};
use crate::model::corrections::{ADVICE, PLACE, PROBLEM, Place, is_to_enter};
use crate::model::{Finding, Outcome, RowNumber, RunState, advice};
use crate::plan::own_findings;
use crate::report::{self, CopyCell, CopyRow, Format};
use crate::run::{absolute, bind};

/// What is added to the feed's columns.
const ADDED: [&str; 3] = [PROBLEM, ADVICE, PLACE];

/// The outcomes of rows that somebody may have to correct.
const NOT_APPLIED: [Outcome; 4] = [
    Outcome::Rejected,
    Outcome::Failed,
    Outcome::Unknown,
    Outcome::Held,
];

/// What the journal says of a row.
#[derive(Clone, Debug)]
struct Listed {
    outcome: Outcome,
    code: Option<Arc<str>>,
    message: Option<Arc<str>>,
    hold: Option<HoldId>,
    external_id: Option<String>,
}

/// The rows that are listed.
#[derive(Debug, Default)]
struct Rows {
    by_number: HashMap<RowNumber, Listed>,
    /// Leavers, who have no row.
    leavers: u64,
}

/// A row of the feed that is listed, or is of the same person as one that is.
struct Found {
    row: RowNumber,
    cells: Vec<CopyCell>,
    findings: Vec<Finding>,
}

/// One thing that is wrong with a row.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    text: String,
    advice: String,
    /// The feed's column that it is about.
    column: Option<String>,
}

/// Writes the rows of the run that `args` asks for, from the feed that it read. Returns how
/// many they are.
pub(super) fn write(
    context: &Context,
    (journal, run): (&Journal, &Run),
    args: &RowsArgs,
    feed: Option<&Path>,
) -> Result<u64, Failure> {
    let output = args.output.output.as_deref();
    let is_workbook = is_workbook(context, args, output)?;
    let outcomes = wanted(journal, run, &args.outcome)?;
    let output = output.map(|path| {
        let output = OutputFile::new(path, Kind::Export, args.output.force);
        let output = not_over_the_run(output, run);
        match feed {
            Some(feed) => output.but(feed, "the feed"),
            None => output,
        }
    });
    if let Some(output) = &output {
        output.check()?;
    }
    let rows = listed(journal, run, outcomes)?;
    let mut feed = CopiedFeed::open(context, run, feed)?;
    let group = feed.check(run, &rows)?;
    let format = if is_workbook {
        CopyFormat::xlsx(&feed.feed, None)
    } else {
        CopyFormat::csv(&feed.feed)
    };
    let columns = CopyColumns::of(&feed.feed);
    let copy = Copy {
        format,
        columns: &columns,
        added: &ADDED,
    };
    let said = Said {
        rows: &rows,
        columns: &columns,
        run: &run.id.to_string(),
        format: &copy.format,
    };
    let mut written = 0_u64;
    copy.write(context, output.as_ref(), |write| {
        feed.each(&columns, (&rows, &group), |found| {
            written += 1;
            said.write(&found, write)
        })
    })?;
    context.note(&summary(run, written, rows.leavers));
    if written == 0 && run.state == RunState::Failed {
        context.note_wrapped(
            "The run was stopped before its rows were recorded. `hrfeed check` lists what is \
             wrong; if the feed is right but for these rows, import it with `--allow`.",
        );
    }
    Ok(written)
}

/// Whether a workbook is to be written.
fn is_workbook(context: &Context, args: &RowsArgs, output: Option<&Path>) -> Result<bool, Failure> {
    let is_json = context.json && output.is_none();
    let format = is_json.then_some(Format::Json).or(args.format);
    if matches!(format, Some(Format::Table | Format::Json)) {
        return Err(Failure::usage(
            "a copy of the feed is a CSV file or a workbook",
            "leave `--format` out and name the file: `-o back-to-hr.xlsx` or `-o back-to-hr.csv`",
        ));
    }
    let name = output.and_then(Path::extension).and_then(|it| it.to_str());
    match name.map(str::to_ascii_lowercase).as_deref() {
        _ if format == Some(Format::Csv) => Ok(false),
        Some("xlsx") => Ok(true),
        Some(other @ ("xls" | "xlsm" | "xlsb" | "ods")) => Err(Failure::usage(
            format!("hrfeed does not write `.{other}` files"),
            "name a file that ends in `.xlsx` or `.csv`",
        )),
        _ => Ok(false),
    }
}

/// The outcomes that are wanted, all of which the journal lists row by row.
fn wanted(journal: &Journal, run: &Run, outcomes: &[Outcome]) -> Result<Vec<Outcome>, Failure> {
    if outcomes.is_empty() {
        return Ok(NOT_APPLIED.into());
    }
    let held = held_counts(journal, run.id)?;
    let pending = run.counts.pending.saturating_sub(held.rows);
    let (number, remedy) = match outcomes {
        _ if outcomes.contains(&Outcome::Pending) && pending > 0 => (
            format!("{} pending", report::count(pending)),
            "a resumed run goes on with them, and so does the next import; held rows have the \
             outcome `held`",
        ),
        _ if outcomes.contains(&Outcome::Unchanged) && run.unchanged > 0 => (
            format!("{} unchanged", report::count(run.unchanged)),
            "leave `unchanged` out",
        ),
        _ => return Ok(outcomes.to_vec()),
    };
    Err(Failure::usage(
        format!(
            "of run {} the journal counts {number} rows and does not say which they are",
            run.id
        ),
        remedy,
    ))
}

/// The rows with these outcomes, as the journal has them.
fn listed(journal: &Journal, run: &Run, outcomes: Vec<Outcome>) -> Result<Rows, JournalError> {
    let (mut rows, mut texts) = (Rows::default(), HashSet::<Arc<str>>::new());
    // Thousands of rows may be wrong for one reason.
    let mut shared = |text: String| {
        if let Some(text) = texts.get(text.as_str()) {
            return Arc::clone(text);
        }
        let text: Arc<str> = text.into();
        texts.insert(Arc::clone(&text));
        text
    };
    journal.rows(run.id, &RowFilter { outcomes }, |entry: RowEntry| {
        let Some(row) = entry.row else {
            rows.leavers += 1;
            return Ok(ControlFlow::Continue(()));
        };
        let message = entry
            .message
            .or_else(|| Some(format!("HTTP {}", entry.status?)));
        let listed = Listed {
            outcome: entry.outcome,
            code: entry.code.map(&mut shared),
            message: message.map(&mut shared),
            hold: entry.hold,
            external_id: entry.external_id,
        };
        rows.by_number.insert(row, listed);
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}

/// The feed from which rows are copied.
struct CopiedFeed {
    mapping: Mapping,
    feed: Feed,
    /// Everything that the mapping reads is there.
    is_complete: bool,
    today: jiff::civil::Date,
}

/// Keys of people who have several rows, and their column.
struct Group {
    column: usize,
    keys: HashSet<u64>,
}

impl CopiedFeed {
    fn open(context: &Context, run: &Run, named: Option<&Path>) -> Result<Self, Failure> {
        let mut mapping = context.load_mapping(Path::new(&run.start.mapping_path))?;
        let source = source(context, run, named, &mapping)?;
        let (feed, is_complete) = match open_source(context, &source, &mut mapping) {
            Ok(feed) => (feed, true),
            // Rows can be copied without the files that are joined to the feed.
            Err(error) if source == FeedSource::Stdin => return Err(error),
            Err(_) => (open_alone(context, &source, &mapping)?, false),
        };
        Ok(Self {
            mapping,
            feed,
            is_complete,
            today: clock::day(run.start.started),
        })
    }

    /// Makes sure that it is the feed that the run read. Returns whose rows go together.
    fn check(&mut self, run: &Run, rows: &Rows) -> Result<Option<Group>, Failure> {
        let column = self.mapping.merged_by(&self.feed);
        let read = |records: &mut Batch<'_>| {
            let mut keys = Vec::new();
            while let Some(record) = records.next_record() {
                let is_listed = rows.by_number.contains_key(&record.row());
                let cell = column
                    .filter(|_| is_listed)
                    .and_then(|it| record.own_cell(it));
                keys.extend(cell.and_then(key_in_common));
            }
            keys
        };
        let mut keys = HashSet::new();
        self.feed.read(read, |found, _| {
            keys.extend(found);
            Ok::<_, FeedError>(())
        })?;
        let path = &run.start.feed_path;
        match run.feed_sha256 {
            Some(digest) if self.feed.sha256() == Some(digest) => {
                Ok(column.map(|column| Group { column, keys }))
            }
            Some(_) => Err(Failure::usage(
                format!(
                    "the feed `{}` is not the one that run {} read",
                    self.feed.path().display(),
                    run.id
                ),
                format!(
                    "name the file that the run read, `{path}`, as it was then: hrfeed keeps no \
                     copy"
                ),
            )),
            None => Err(Failure::usage(
                format!("run {} ended before its feed was read", run.id),
                format!("import `{path}` again"),
            )),
        }
    }

    /// Hands out the rows that are listed, and those of the same people, in the order of the
    /// feed.
    fn each(
        &mut self,
        columns: &CopyColumns,
        (rows, group): (&Rows, &Option<Group>),
        mut take: impl FnMut(Found) -> Result<(), PrintError>,
    ) -> Result<(), PrintError> {
        struct Failed(PrintError);
        impl From<FeedError> for Failed {
            fn from(error: FeedError) -> Self {
                Self(PrintError::Failed(error.into()))
            }
        }
        // What is wrong is known from the journal, too.
        let bound = self.is_complete;
        let bound = bound.then(|| bind(&self.mapping, &self.feed, self.today).ok());
        let bound = bound.flatten();
        let read = |records: &mut Batch<'_>| found(bound.as_ref(), columns, (rows, group), records);
        self.feed
            .read(read, |found, _| {
                let found = found.map_err(|error| Failed(PrintError::Failed(error.into())))?;
                found.into_iter().try_for_each(&mut take).map_err(Failed)
            })
            .map_err(|Failed(error)| error)
    }
}

/// The feed that a person named, or the one that the run read, where it still is. Of a folder,
/// it is the file that the run read.
fn source(
    context: &Context,
    run: &Run,
    named: Option<&Path>,
    mapping: &Mapping,
) -> Result<FeedSource, Failure> {
    let named = match named {
        Some(named) => named,
        None if run.start.from_stdin => {
            return Err(Failure::usage(
                format!(
                    "run {} read its feed from stdin, and hrfeed keeps no copy",
                    run.id
                ),
                "save the same feed and name it with `--as-feed FEED`",
            ));
        }
        None => return of_run(context, run, mapping),
    };
    let folder = PathBuf::from(absolute(named));
    let files = run.start.feed_files.iter();
    let mut read = files
        .chain([&run.start.feed_path])
        .take(1.max(run.start.feed_files.len()));
    let is_of_folder = named.is_dir() && read.all(|file| Path::new(file).starts_with(&folder));
    if is_of_folder && !run.start.from_stdin {
        return of_run(context, run, mapping);
    }
    picked_up_at_once(context, named, mapping)
}

/// The rows of a batch that are copied.
fn found(
    bound: Option<&Bound<'_>>,
    columns: &CopyColumns,
    (rows, group): (&Rows, &Option<Group>),
    records: &mut Batch<'_>,
) -> Result<Vec<Found>, MappingError> {
    let mut faults = Vec::new();
    let mut all = Vec::new();
    while let Some(record) = records.next_record() {
        let listed = rows.by_number.get(&record.row());
        let is_of_group = || {
            let group = group.as_ref()?;
            let key = key_in_common(record.own_cell(group.column)?)?;
            group.keys.contains(&key).then_some(())
        };
        if listed.is_none() && is_of_group().is_none() {
            continue;
        }
        let code = listed.and_then(|it| it.code.as_deref());
        let is_rejected = listed.is_some_and(|it| it.outcome == Outcome::Rejected);
        let findings = match bound.filter(|_| is_rejected) {
            Some(bound) => own_findings(bound, record, &mut faults)?,
            None => Vec::new(),
        };
        let is_short = |code: &str| matches!(code, "too-few-cells" | "cut-off");
        all.push(Found {
            row: record.row(),
            cells: columns.cells(record, code.is_some_and(is_short)),
            findings,
        });
    }
    Ok(all)
}

/// What is said of rows.
struct Said<'a> {
    rows: &'a Rows,
    columns: &'a CopyColumns,
    run: &'a str,
    format: &'a CopyFormat,
}

impl Said<'_> {
    fn write(&self, found: &Found, write: &mut WriteRow<'_>) -> Result<(), PrintError> {
        let listed = self.rows.by_number.get(&found.row);
        let problems = match listed {
            Some(listed) => problems(listed, &found.findings),
            None => vec![Problem {
                text: String::new(),
                advice: "Keep it: it belongs to the same person as another row here.".to_owned(),
                column: None,
            }],
        };
        let names = self.columns.names.iter().enumerate();
        let is_in = |name: &String| problems.iter().any(|it| it.column.as_ref() == Some(name));
        let of_problems = names.filter(|(_, name)| is_in(name));
        let to_enter = found.cells.iter().enumerate();
        let to_enter = to_enter.filter(|(_, cell)| is_to_enter(&cell.text));
        let wrong: Vec<_> = (of_problems.map(|(at, _)| at))
            .chain(to_enter.map(|(at, _)| at))
            .collect();
        let place = Place {
            run: self.run.into(),
            row: found.row.to_string().into(),
            is_of_workbook: self.columns.is_of_workbook,
            external_id: listed.and_then(|it| it.external_id.as_deref()),
        };
        let gap = match self.format {
            CopyFormat::Csv { .. } => " ",
            CopyFormat::Xlsx { .. } => "\n",
        };
        let mut advice: Vec<_> = problems.iter().map(|it| it.advice.as_str()).collect();
        advice.dedup();
        write(&CopyRow {
            cells: &found.cells,
            notes: &[
                &numbered(problems.iter().map(|it| it.text.as_str()), gap),
                &numbered(advice.into_iter(), gap),
                &place.cell(|char| self.format.can_have(char)),
            ],
            wrong: &wrong,
        })?;
        Ok(())
    }
}

/// Several texts one after the other, each with its number.
fn numbered<'a>(texts: impl ExactSizeIterator<Item = &'a str>, gap: &str) -> String {
    let is_one = texts.len() <= 1;
    let texts = texts.zip(1..).map(|(text, number)| {
        if is_one {
            text.to_owned()
        } else {
            format!("{number}. {text}")
        }
    });
    texts.collect::<Vec<_>>().join(gap)
}

/// What is wrong with a row, one thing each.
fn problems(listed: &Listed, findings: &[Finding]) -> Vec<Problem> {
    let message = listed.message.as_deref().map(report::sanitize);
    let message = message.as_deref().unwrap_or("no reason was recorded");
    match (listed.outcome, listed.hold) {
        (Outcome::Held, Some(hold)) => vec![Problem {
            text: format!("waits for a decision (hold {hold}): {message}"),
            advice: "Correct the row if it is wrong. If it is right, leave it: the administrator decides."
                .to_owned(),
            column: None,
        }],
        (Outcome::Rejected, _) => split(message, findings, listed.code.as_deref()),
        (outcome, _) => vec![Problem {
            text: message.to_owned(),
            advice: match outcome {
                Outcome::Failed => {
                    "Correct what the problem names. If it names no value, the next import tries \
                     again."
                }
                Outcome::Unknown => "Nothing has to be corrected: the next import finds out.",
                _ => "Nothing has to be corrected.",
            }
            .to_owned(),
            column: None,
        }],
    }
}

/// Takes the message of a rejected row apart, by what is wrong with it. What only the whole
/// feed, the journal or the LMS showed is not among the findings, and `code` is that of the
/// first.
fn split(message: &str, findings: &[Finding], code: Option<&str>) -> Vec<Problem> {
    const GAP: &str = "; ";
    let findings: Vec<_> = findings
        .iter()
        .map(|it| (report::sanitize(&it.message()).into_owned(), it))
        .collect();
    let mut problems = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let known = findings.iter().find_map(|(text, finding)| {
            let behind = rest.strip_prefix(text.as_str())?;
            let next = behind.strip_prefix(GAP);
            (behind.is_empty() || next.is_some()).then(|| (finding, next.unwrap_or_default()))
        });
        if let Some((finding, next)) = known {
            let text = rest.get(..rest.len() - next.len()).unwrap_or(rest);
            problems.push(Problem {
                text: text.strip_suffix(GAP).unwrap_or(text).to_owned(),
                advice: advice(finding.rule.code()).to_owned(),
                column: finding.column.as_deref().map(str::to_owned),
            });
            rest = next;
            continue;
        }
        // Up to where something known begins.
        let starts = findings
            .iter()
            .filter_map(|(text, _)| rest.find(&format!("{GAP}{text}")));
        let end = starts.min().unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or(rest);
        let code = code.filter(|_| problems.is_empty());
        problems.push(Problem {
            advice: advice(code.unwrap_or_default()).to_owned(),
            column: column_of(text).map(str::to_owned),
            text: text.to_owned(),
        });
        rest = rest.get(end..).unwrap_or_default();
        rest = rest.strip_prefix(GAP).unwrap_or(rest);
    }
    problems
}

/// The column that a sentence is about, where it begins with it.
fn column_of(sentence: &str) -> Option<&str> {
    let (column, _) = sentence.strip_prefix("column `")?.split_once('`')?;
    Some(column)
}

fn summary(run: &Run, written: u64, leavers: u64) -> String {
    let rows = report::counted(written, "row", "rows");
    let leavers = match leavers {
        0 => String::new(),
        _ => format!(
            "; {} not in the feed",
            report::counted(leavers, "leaver is", "leavers are")
        ),
    };
    format!("{rows} of run {}{leavers}", run.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Rule;

    fn finding(column: &str, rule: Rule) -> Finding {
        Finding {
            row: RowNumber::new(7),
            cell: None,
            external_id: None,
            column: Some(column.into()),
            field: Some(column.into()),
            rule,
            value: None,
        }
    }

    fn texts(problems: &[Problem]) -> Vec<(&str, Option<&str>, &str)> {
        let parts = problems.iter();
        let parts = parts.map(|it| (it.text.as_str(), it.column.as_deref(), it.advice.as_str()));
        parts.collect()
    }

    #[test]
    fn a_message_is_taken_apart_where_one_problem_ends() {
        let findings = [
            finding("Mail", Rule::Email),
            // Its sentence has what is between two.
            finding("City", Rule::Required),
        ];
        let duplicate = "column `ID`: duplicate of row 3; neither row is imported";
        let message = format!(
            "{duplicate}; {}; {}",
            findings[0].message(),
            findings[1].message()
        );
        let found = split(&message, &findings, Some("duplicate"));
        let expected = [
            (duplicate, Some("ID"), advice("duplicate")),
            (
                "column `Mail`: is not an e-mail address",
                Some("Mail"),
                advice("email"),
            ),
            (
                "column `City`: is empty; the LMS requires a value",
                Some("City"),
                advice("required"),
            ),
        ];
        assert_eq!(texts(&found), expected);
    }

    #[test]
    fn a_message_of_which_nothing_is_known_is_one_problem() {
        let found = split("the LMS says no; and nothing else", &[], None);
        let expected = [("the LMS says no; and nothing else", None, advice(""))];
        assert_eq!(texts(&found), expected);
    }
}
