//! `hrfeed holds`, `hold`, `approve` and `refuse`: what waits for a person, and
//! the decision. From the journal alone; no request is made.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::context::Context;
use super::copy;
use super::environment;
use super::exit::{Exit, Failure};
use super::held_rows::{self, HeldFeed};
use super::history::not_over_the_run;
use super::output_file::{Kind, OutputArgs, OutputFile};
use super::run_report::{hold_line, lms};
use crate::journal::{
    Decided, Decision, Hold, HoldError, HoldFilter, HoldId, Journal, JournalError, Run, RunRef,
    Verdict,
};
use crate::model::corrections::REASON;
use crate::model::{ExternalId, HoldKind, HoldState};
use crate::report::{
    self, Command, CopyCell, CopyRow, FeedReport, Format, HeldLine, HoldLine, HoldsWriter,
    NextStep, RunReport, TargetReport, XlsxCopy, XlsxLayout,
};
use crate::run;

/// Arguments of `holds`.
#[derive(Debug, Args)]
pub(super) struct HoldsArgs {
    /// List decided and outdated holds too, not only what still waits
    #[arg(long, conflicts_with = "state")]
    all: bool,
    /// List only holds in this state (repeatable, or separated by commas)
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STATE")]
    state: Vec<HoldState>,
}

/// Arguments of `hold`.
#[derive(Debug, Args)]
pub(super) struct HoldArgs {
    /// Hold whose people are listed: its number
    #[arg(value_name = "HOLD")]
    hold: String,
    /// Print the people in this format (default: what the name of the output
    /// file says, else table)
    #[arg(long, value_enum)]
    format: Option<HoldFormat>,
    /// Copy the rows of these people from this feed, with the reason beside each;
    /// with `--show-values`, take the values from it
    #[arg(long, value_name = "FEED")]
    as_feed: Option<PathBuf>,
    #[command(flatten)]
    to: OutputArgs,
    /// Include what the feed says of these people (personal data)
    #[arg(long)]
    show_values: bool,
}

/// Arguments of `approve`.
#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    #[command(flatten)]
    decide: DecideArgs,
    /// These are other people than they seem to be: create them (only for people under
    /// other external IDs)
    #[arg(long)]
    as_joiners: bool,
}

/// Arguments of `refuse`.
#[derive(Debug, Args)]
pub(super) struct RefuseArgs {
    #[command(flatten)]
    decide: DecideArgs,
    /// Take a refusal back: the hold waits for a decision again
    #[arg(long)]
    take_back: bool,
}

/// Arguments of `approve` and of `refuse`.
#[derive(Debug, Args)]
pub(super) struct DecideArgs {
    /// Hold to decide about: its number
    #[arg(value_name = "HOLD")]
    hold: String,
    /// Decide only about these people; nothing changes for the others
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    only: Vec<String>,
    /// Record why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// What the people of a hold are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum HoldFormat {
    Table,
    Csv,
    Xlsx,
    Json,
}

pub(super) fn list(context: &Context, args: &HoldsArgs) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let states = match args.state.as_slice() {
        [] if args.all => Vec::new(),
        [] => vec![HoldState::Open, HoldState::Approved],
        // An approval that nobody used lapses, and no run may have noted it.
        some if some.contains(&HoldState::Lapsed) => [some, &[HoldState::Approved]].concat(),
        some => some.to_vec(),
    };
    let mut holds = journal.holds(&HoldFilter {
        states,
        ..HoldFilter::default()
    })?;
    if !args.state.is_empty() {
        holds.retain(|hold| args.state.contains(&hold.state_at(context.began)));
    }
    let open = holds.iter().filter(|hold| hold.state == HoldState::Open);
    let one = "hold waits for a decision.";
    let message = match open.count() as u64 {
        0 => "No hold waits for a decision.".to_owned(),
        open => report::counted(open, one, "holds wait for a decision."),
    };
    let holds: Result<Vec<_>, _> = holds.iter().map(|hold| hold_line(&journal, hold)).collect();
    let holds = holds?;
    if !context.json {
        let mut text = report::holds_table(&holds, &context.out);
        if holds.is_empty() {
            let more = if args.all {
                ""
            } else {
                " (`--all` lists all holds)"
            };
            text = format!("{}{more}\n", message.trim_end_matches('.'));
        }
        context.print(&text)?;
        return Ok(Exit::Done);
    }
    let report = RunReport {
        message,
        holds,
        ..RunReport::new(Command::Holds, FeedReport::default())
    };
    context.finish(&report, &[])?;
    Ok(Exit::Done)
}

pub(super) fn show(context: &Context, args: &HoldArgs) -> Result<Exit, Failure> {
    let copy = args.copy(context.json)?;
    let journal = context.existing_journal()?;
    let hold = find(&journal, &args.hold)?;
    let output = args.output_file(&journal, &hold)?;
    let line = hold_line(&journal, &hold)?;
    let mut people = people_of(&journal, &hold)?;
    let mut feed = match (&args.as_feed, args.show_values) {
        (Some(feed), _) => Some(HeldFeed::named(context, &journal, &hold, feed)?),
        (None, true) => Some(HeldFeed::of_run(context, &journal, &hold)?),
        (None, false) => None,
    };
    if let Some(feed) = feed.as_mut().filter(|_| args.show_values) {
        feed.add_values(&mut people)?;
    }
    match (&mut feed, copy) {
        (Some(feed), Some(format)) => {
            held_rows::write_copy(context, feed, &people, (format, output.as_ref()))?;
        }
        _ if context.json && args.to.output.is_none() => {}
        _ => {
            let mut next = line.next_steps();
            if let Some(look) = next.first_mut() {
                // The people are listed already.
                *look = NextStep::look_through(&feed_of(&journal, &hold)?, &hold.id.to_string());
                if hold.kind == HoldKind::Renumbered {
                    next.push(NextStep::as_joiners(&hold.id.to_string()));
                }
            }
            let target = lms(&hold.system, &hold.base_url);
            args.print(context, output.as_ref(), ((&line, &target), &people, &next))?;
        }
    }
    if context.json {
        let report = RunReport {
            people: Some(people),
            ..about(&hold, Command::Hold, vec![line])
        };
        context.finish(&report, &[])?;
    }
    Ok(Exit::Done)
}

/// The feed of the run that held these people last, as an argument.
fn feed_of(journal: &Journal, hold: &Hold) -> Result<String, JournalError> {
    let run = journal.run(RunRef::Id(hold.last_run))?;
    let feed = run.filter(|run| !run.start.from_stdin);
    Ok(feed.map_or_else(|| "FEED".to_owned(), |run| run.start.feed_path))
}

impl HoldArgs {
    /// The file to write, which must not be what was read.
    fn output_file(
        &self,
        journal: &Journal,
        hold: &Hold,
    ) -> Result<Option<OutputFile<'_>>, Failure> {
        let Some(path) = self.to.output.as_deref() else {
            return Ok(None);
        };
        let mut output = OutputFile::new(path, Kind::Export, self.to.force);
        if let Some(run) = journal.run(RunRef::Id(hold.last_run))? {
            output = not_over_the_run(output, &run);
        }
        if let Some(feed) = &self.as_feed {
            output = output.but(feed, "the feed");
        }
        output.check()?;
        Ok(Some(output))
    }

    /// The format that was named, or the one of the output's name.
    fn format(&self) -> Option<HoldFormat> {
        let name = self.to.output.as_deref().and_then(Path::extension);
        let of_name = name.and_then(|name| HoldFormat::from_str(name.to_str()?, true).ok());
        self.format.or(of_name)
    }

    /// The format of the copy of the rows, if one is wanted: with values, a feed may
    /// be named only for them.
    fn copy(&self, json: bool) -> Result<Option<HoldFormat>, Failure> {
        if self.as_feed.is_none() {
            return Ok(None);
        }
        match self.format() {
            None if self.show_values && self.to.output.is_none() => Ok(None),
            Some(HoldFormat::Table | HoldFormat::Json) if self.show_values => Ok(None),
            Some(HoldFormat::Table | HoldFormat::Json) => Err(Failure::usage(
                "rows of a feed are written as csv or xlsx",
                "name the file accordingly, for example `-o look.xlsx`, or choose `--format csv`",
            )),
            Some(HoldFormat::Xlsx) if self.to.output.is_none() => Err(no_file()),
            _ if json && self.to.output.is_none() => Err(Failure::usage(
                "`--json` prints one object on stdout, and there is no file for the rows",
                "leave `--json` out, or name a file: `-o look.csv`",
            )),
            format => Ok(Some(format.unwrap_or(HoldFormat::Csv))),
        }
    }

    /// Prints the people, or writes them to a file.
    fn print(
        &self,
        context: &Context,
        output: Option<&OutputFile<'_>>,
        ((line, target), people, next): ((&HoldLine, &str), &[HeldLine], &[NextStep]),
    ) -> Result<(), Failure> {
        let format = match self.format().unwrap_or(HoldFormat::Table) {
            HoldFormat::Table => Format::Table,
            HoldFormat::Csv => Format::Csv,
            HoldFormat::Json => Format::Json,
            HoldFormat::Xlsx => {
                let output = output.ok_or_else(no_file)?;
                let bytes = workbook(people).map_err(copy::not_copied)?;
                return output.write(context, |out| Ok(out.write_all(&bytes)?));
            }
        };
        let write = |out: &mut dyn std::io::Write| {
            if format == Format::Table {
                let head = report::hold_head(line, Some(target), &context.out);
                out.write_all(head.as_bytes())?;
            }
            let mut writer = HoldsWriter::new(format, &mut *out, &context.out);
            for person in people {
                writer.write(person)?;
            }
            writer.finish()?;
            if format == Format::Table {
                let next = report::next_lines(next, &context.out);
                out.write_all(next.as_bytes())?;
            }
            Ok(())
        };
        match output {
            Some(output) => output.write(context, write),
            None => context.print_with(|out| write(out)),
        }
    }
}

fn no_file() -> Failure {
    Failure::usage(
        "a workbook is not printed on stdout",
        "name a file for it: `-o look.xlsx`",
    )
}

/// The people as a workbook.
fn workbook(people: &[HeldLine]) -> Result<Vec<u8>, report::CopyError> {
    let columns = ["row", "external ID", "known as"].map(str::to_owned);
    let layout = XlsxLayout {
        sheet: "Held",
        is_text: true,
    };
    let mut copy = XlsxCopy::new(layout, &columns, &[REASON])?;
    for person in people {
        let row = person.row.map(|row| row.to_string()).unwrap_or_default();
        let known_as = person.known_as.as_deref().unwrap_or_default();
        let (id, known_as) = (
            report::sanitize(&person.external_id),
            report::sanitize(known_as),
        );
        copy.write(&CopyRow {
            cells: &[row.as_str(), &*id, &*known_as].map(CopyCell::text),
            notes: &[&person.reason_with_values()],
            wrong: &[],
        })?;
    }
    copy.finish()
}

/// The people of a hold whose change is not carried out, or all of them once it is for
/// everybody, in the order of the feed; those who are not in it come last.
fn people_of(journal: &Journal, hold: &Hold) -> Result<Vec<HeldLine>, Failure> {
    let mut done = journal.done_of(hold)?;
    if done.len() as u64 >= hold.people {
        done.clear();
    }
    let mut people = Vec::new();
    journal.held_people(hold.id, |person| {
        if done.contains(&person.external_id) {
            return Ok(ControlFlow::Continue(()));
        }
        people.push(HeldLine {
            row: person.row,
            external_id: person.external_id.to_string(),
            known_as: person.known_as,
            reason: person.reason.to_string(),
            values: BTreeMap::new(),
        });
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    people.sort_by_key(|person: &HeldLine| (person.row.is_none(), person.row));
    Ok(people)
}

/// A report on one hold.
fn about(hold: &Hold, command: Command, holds: Vec<HoldLine>) -> RunReport {
    let message = holds.first().map(|line| {
        let name = line.name();
        let of_it = line.progress().map(|it| format!("; {it}"));
        let (changes, fate) = (line.changes(), line.fate());
        format!("{name}: {changes}; {fate}{}", of_it.unwrap_or_default())
    });
    RunReport {
        message: message.unwrap_or_default(),
        holds,
        target: Some(TargetReport {
            system: hold.system.clone(),
            base_url: hold.base_url.clone(),
        }),
        mapping: Some(hold.mapping_path.clone()),
        ..RunReport::new(command, FeedReport::default())
    }
}

/// Finds a hold by what a person typed.
pub(super) fn find(journal: &Journal, name: &str) -> Result<Hold, Failure> {
    let id: HoldId = name.parse().map_err(|_| {
        Failure::usage(
            format!("`{name}` is not the number of a hold"),
            "`hrfeed holds` lists the holds with their numbers",
        )
    })?;
    let missing = || HoldError::NoHold(journal.path().into(), id);
    let hold = journal.hold(id)?;
    hold.ok_or_else(|| undecided(&missing()))
}

pub(super) fn approve(context: &Context, args: &ApproveArgs) -> Result<Exit, Failure> {
    decide(context, &args.decide, (Verdict::Approved, args.as_joiners))
}

pub(super) fn refuse(context: &Context, args: &RefuseArgs) -> Result<Exit, Failure> {
    let verdict = if args.take_back {
        Verdict::Reopened
    } else {
        Verdict::Refused
    };
    decide(context, &args.decide, (verdict, false))
}

fn decide(
    context: &Context,
    args: &DecideArgs,
    (verdict, as_joiners): (Verdict, bool),
) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let hold = find(&journal, &args.hold)?;
    if as_joiners && hold.kind != HoldKind::Renumbered {
        return Err(Failure::usage(
            format!(
                "`--as-joiners` is for people under other external IDs, and hold {} is not",
                hold.id
            ),
            format!("`hrfeed approve {}` approves it as it is", hold.id),
        ));
    }
    let only = args.only.iter().map(|id| ExternalId::known(id.trim()));
    let only: Vec<_> = only.collect();
    let decision = Decision {
        as_joiners,
        ..decision(context, args.reason.as_deref())
    };
    let decided = journal
        .decide(hold.id, verdict, &only, &decision)
        .map_err(|error| undecided(&error))?;
    let command = match verdict {
        Verdict::Approved => Command::Approve,
        Verdict::Refused | Verdict::Reopened => Command::Refuse,
    };
    let rest = decided.rest.map(|rest| journal.hold(rest)).transpose()?;
    let holds = std::iter::once(&decided.hold).chain(rest.iter().flatten());
    let lines: Result<Vec<_>, _> = holds.map(|hold| hold_line(&journal, hold)).collect();
    let next = next_of(&journal, &decided)?;
    let report = about(&decided.hold, command, lines?);
    if context.json {
        context.finish(&report, &[])?;
    } else {
        context.print(&report::decision_text(&report, next.as_ref(), &context.out))?;
    }
    Ok(Exit::Done)
}

/// The import that carries an approved hold out at once.
fn next_of(journal: &Journal, decided: &Decided) -> Result<Option<NextStep>, Failure> {
    let hold = &decided.hold;
    if hold.state != HoldState::Approved {
        return Ok(None);
    }
    let last = journal.run(RunRef::Id(hold.last_run))?;
    if let Some(undo) = last.as_ref().and_then(run::undo_again) {
        return Ok(Some(NextStep::approved_undo(undo, &hold.id.to_string())));
    }
    Ok(Some(NextStep::approved(
        &feed_of(journal, hold)?,
        &hold.mapping_path,
        &hold.id.to_string(),
    )))
}

/// Who decides now.
fn decision(context: &Context, reason: Option<&str>) -> Decision {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    Decision {
        at: context.began,
        by: environment::user_at_host(),
        reason: reason.map(str::to_owned),
        as_joiners: false,
    }
}

/// Records the approvals of `import --approve`, for an import that is about to
/// begin. One that is recorded already is as good.
pub(super) fn approve_for_import(
    context: &Context,
    (journal, is_of_import): (&Path, impl Fn(&Hold, Option<&Run>) -> bool),
    names: &[String],
) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let journal = Journal::open_existing(journal)?.ok_or_else(|| {
        Failure::usage(
            format!(
                "no journal found at `{}`, so no hold can be approved",
                journal.display()
            ),
            "import without `--approve` first, or choose the journal with `--journal PATH`",
        )
    })?;
    let holds = names.iter().map(|name| find(&journal, name));
    let holds = holds.collect::<Result<Vec<_>, _>>()?;
    for hold in &holds {
        let run = journal.run(RunRef::Id(hold.last_run))?;
        if is_of_import(hold, run.as_ref()) {
            continue;
        }
        let whose = match run.as_ref().and_then(run::undone_by) {
            Some(undone) => format!("the undo of run {undone}"),
            None => "another import".to_owned(),
        };
        return Err(Failure::usage(
            format!(
                "hold {} belongs to {whose}: mapping `{}`, {}",
                hold.id,
                hold.mapping_path,
                lms(&hold.system, &hold.base_url)
            ),
            format!("approve it with `hrfeed approve {}`", hold.id),
        ));
    }
    for hold in holds {
        if hold.state_at(context.began) != HoldState::Approved {
            let decision = decision(context, None);
            journal
                .decide(hold.id, Verdict::Approved, &[], &decision)
                .map_err(|error| undecided(&error))?;
        }
    }
    Ok(())
}

/// Why nothing was decided, and what to do.
fn undecided(error: &HoldError) -> Failure {
    let help = match error {
        HoldError::Journal(error) => return error.clone().into(),
        HoldError::NotOpen(hold) => match (hold.state, hold.replaced_by, hold.carried_out_by) {
            (HoldState::Replaced, Some(other), _) => {
                format!("`hrfeed hold {other}` lists who is held now; decide about hold {other}")
            }
            (HoldState::CarriedOut, _, Some(run)) => {
                format!("`hrfeed rows {run}` lists what the run did")
            }
            (HoldState::Approved, ..) => format!(
                "the next import carries it out; `hrfeed refuse {}` takes the approval back",
                hold.id
            ),
            (HoldState::Refused, ..) => format!(
                "these people stay as they are until the change differs; `hrfeed refuse {} \
                 --take-back` takes the refusal back",
                hold.id
            ),
            (HoldState::Open, ..) => {
                "it waits for a decision: there is no refusal to take back".into()
            }
            (HoldState::Lapsed, ..) => "if the changes are still wanted, the next import holds \
                                        them under a new number: `hrfeed holds` lists it"
                .to_owned(),
            _ => error.help().to_owned(),
        },
        HoldError::NotInHold { hold, .. } => {
            format!("`hrfeed hold {hold}` lists the people of the hold; nothing was recorded")
        }
        _ => error.help().to_owned(),
    };
    Failure::usage(error.to_string(), help)
}
