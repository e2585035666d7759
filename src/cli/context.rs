//! What every command needs: where to print and how, and where the journal is.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, IsTerminal as _, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use console::Term;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::environment;
use super::exit::{Exit, Failure};
use super::log::{self, LogFormat, write_line};
use super::notify::Notifier;
use super::signals;
use super::{Color, Global};
use crate::clock::{self, Clock};
use crate::event::Listener;
use crate::journal::{Journal, JournalError};
use crate::mapping::Mapping;
use crate::model::RunState;
use crate::plan::ScanError;
use crate::report::{
    self, Command, FeedReport, Level, LogFields, LogLine, NextStep, Object, ProgressMode,
    RunReport, Style, TargetReport, log_fields,
};
use crate::run;
use crate::upload::Stop;

/// Decided once, at the start.
pub(super) struct Context {
    pub(super) json: bool,
    pub(super) quiet: bool,
    /// How to print on stdout.
    pub(super) out: Style,
    /// How to print on stderr.
    pub(super) err: Style,
    mode: ProgressMode,
    log_format: LogFormat,
    journal: Option<PathBuf>,
    stop: OnceLock<Stop>,
    command: report::Command,
    /// When the command began.
    pub(super) began: Timestamp,
    begun: Instant,
    /// What is known of the mapping and the feed, for a failure.
    about: RefCell<About>,
    /// What stdout has on it.
    printed: Cell<Printed>,
    /// Who hears how the run ends, until they do.
    notifier: RefCell<Option<Notifier>>,
}

/// What stdout has on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Printed {
    Nothing,
    /// Whatever it is, it is complete.
    Object,
    /// Lines, to which another can be added.
    Lines,
}

/// What a command is about, as far as it is known.
#[derive(Debug, Default)]
struct About {
    target: Option<TargetReport>,
    mapping: Option<String>,
    feed: FeedReport,
    /// What a person should know beside what the run knows.
    notes: Vec<String>,
    /// How the command ended, where `--quiet` kept the summary back.
    kept_back: Option<String>,
    /// How it ended, for those who hear of it after the summary.
    ended: Option<RunReport>,
}

impl Context {
    pub(super) fn new(global: &Global, command: report::Command) -> Self {
        let stderr_is_terminal = std::io::stderr().is_terminal();
        let mode = if global.quiet {
            ProgressMode::Silent
        } else if global.log_format == LogFormat::Json {
            ProgressMode::Json(Clock::system())
        } else if stderr_is_terminal && !environment::dumb_terminal() && global.verbose == 0 {
            ProgressMode::Bars
        } else {
            ProgressMode::Lines
        };
        log::begin(
            global.verbose,
            global.log_format,
            style(global.color, stderr_is_terminal, &Term::stderr()).color,
        );
        Self {
            json: global.json,
            quiet: global.quiet,
            out: style(
                global.color,
                std::io::stdout().is_terminal(),
                &Term::stdout(),
            ),
            err: style(global.color, stderr_is_terminal, &Term::stderr()),
            mode,
            log_format: global.log_format,
            journal: global.journal.clone(),
            stop: OnceLock::new(),
            command,
            began: Clock::system().now(),
            begun: clock::monotonic(),
            about: RefCell::default(),
            printed: Cell::new(Printed::Nothing),
            notifier: RefCell::default(),
        }
    }

    /// How long the command has been at work, in seconds.
    pub(super) fn elapsed_seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Reads the mapping that a command is about.
    pub(super) fn load_mapping(&self, path: &Path) -> Result<Mapping, Failure> {
        self.about.borrow_mut().mapping = Some(run::absolute(path));
        let mut mapping = Mapping::load(path)?;
        if mapping.target.share_rate {
            mapping.target.shared_rates = Some(environment::state_folder()?.join("rates"));
        }
        let target = &mapping.target;
        self.about.borrow_mut().target = Some(TargetReport {
            system: target.system.word().to_owned(),
            base_url: target.base_url.as_str().to_owned(),
        });
        Ok(mapping)
    }

    /// Notes the feed that a command is about.
    pub(super) fn note_feed(&self, feed: FeedReport) {
        self.about.borrow_mut().feed = feed;
    }

    /// An empty report of the command.
    fn blank_report(&self) -> RunReport {
        RunReport::new(self.command, self.about.borrow().feed.clone())
    }

    /// The report with what every command knows. Only runs of the journal know it
    /// themselves.
    fn completed(&self, report: &RunReport) -> RunReport {
        let mut report = report.clone();
        let about = self.about.borrow();
        report.notes.extend_from_slice(&about.notes);
        if report.run.is_none() {
            report.target = report.target.or_else(|| about.target.clone());
            report.mapping = report.mapping.or_else(|| about.mapping.clone());
            report.started = Some(self.began);
            report.ended = Some(Clock::system().now());
            report.elapsed_seconds = self.elapsed_seconds();
        }
        report
    }

    /// The request to stop: from now on signals are caught.
    pub(super) fn stop(&self) -> Stop {
        self.stop.get_or_init(signals::catch).clone()
    }

    /// Bars, lines or nothing, on stderr.
    pub(super) fn progress(&self) -> Box<dyn Listener> {
        report::progress(self.mode, &self.err)
    }

    /// The journal's path: as named, or `name` in the platform's state folder.
    pub(super) fn journal_path(&self, name: &str) -> Result<PathBuf, Failure> {
        match &self.journal {
            Some(path) => Ok(path.clone()),
            None => Ok(environment::state_folder()?.join(name)),
        }
    }

    /// Whether a person named the journal.
    pub(super) fn journal_is_named(&self) -> bool {
        self.journal.is_some()
    }

    /// The journal for a command about past runs.
    pub(super) fn existing_journal(&self) -> Result<Journal, Failure> {
        let path = self.journal_path(JOURNAL)?;
        Journal::open_existing(&path)?.ok_or_else(|| no_journal(&path))
    }

    /// Prints text on stdout.
    pub(super) fn print(&self, text: &str) -> Result<(), Failure> {
        self.print_with(|out| Ok(out.write_all(text.as_bytes())?))
    }

    /// Prints on stdout what `write` writes. A reader that went away is not a
    /// failure: `hrfeed rows | head`.
    pub(super) fn print_with(
        &self,
        write: impl FnOnce(&mut StdoutLock<'static>) -> Result<(), PrintError>,
    ) -> Result<(), Failure> {
        if self.printed.get() == Printed::Nothing {
            self.printed.set(Printed::Object);
        }
        let mut out = std::io::stdout().lock();
        match write(&mut out).and_then(|()| Ok(out.flush()?)) {
            Err(PrintError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(PrintError::Io(error)) => {
                Err(Failure::machine(format!("cannot write to stdout: {error}")))
            }
            Err(PrintError::Failed(failure)) => Err(failure),
            Ok(()) | Err(PrintError::Enough) => Ok(()),
        }
    }

    /// Prints on stdout what `write` writes with `--json`: a line for each of many. If that
    /// fails, one more says so.
    pub(super) fn print_lines(
        &self,
        write: impl FnOnce(&mut StdoutLock<'static>) -> Result<(), PrintError>,
    ) -> Result<(), Failure> {
        self.printed.set(Printed::Lines);
        self.print_with(write)
    }

    /// Prints the one object of `--json` of a command whose result is not a run.
    pub(super) fn print_object(
        &self,
        result: impl Serialize,
        exit: Exit,
        message: impl Into<String>,
    ) -> Result<(), Failure> {
        let said = (exit.code(), message.into());
        let mut object = Object::new(self.command, result, said);
        object.notes.clone_from(&self.about.borrow().notes);
        let json = report::to_json(&object);
        let json = json.map_err(|error| Failure::machine(error.to_string()))?;
        self.print(&format!("{json}\n"))
    }

    /// Writes a line to stderr: in the log's format the first, else the text for people.
    fn say(&self, line: &LogLine<'_>, text: &str) {
        match self.log_format {
            LogFormat::Json => write_line(line),
            LogFormat::Text => {
                // With stderr closed there is nothing left to do.
                let _gone = std::io::stderr().lock().write_all(text.as_bytes());
            }
        }
    }

    /// Prints on stderr what a person should know, unless `--quiet` was given.
    pub(super) fn note(&self, text: &str) {
        self.note_as(Level::Info, text, text);
    }

    fn note_as(&self, level: Level, message: &str, text: &str) {
        if !self.quiet {
            let line = LogLine {
                level,
                event: "note",
                message,
                fields: LogFields::new(),
            };
            self.say(&line, &format!("{}\n", report::sanitize_lines(text)));
        }
    }

    /// Keeps back how a command ended, for the one line of a quiet command that was not a
    /// success.
    pub(super) fn keep_back(&self, line: &str) {
        self.about.borrow_mut().kept_back = Some(line.to_owned());
    }

    /// Prints text on stderr, wrapped as its terminal is wide.
    pub(super) fn note_wrapped(&self, text: &str) {
        let lines = self.err.paragraph(text);
        self.note_as(Level::Info, text, &lines.join("\n"));
    }

    /// Prints on stderr what a person should know, and keeps it for the notes of the
    /// JSON object.
    pub(super) fn warn(&self, text: String) {
        self.note_as(Level::Warn, &text, &format!("note: {text}"));
        self.about.borrow_mut().notes.push(text);
    }

    /// Keeps notes that stderr has already for the JSON object.
    pub(super) fn keep_notes(&self, notes: &[String]) {
        self.about.borrow_mut().notes.extend_from_slice(notes);
    }

    /// Prints the end of a command that creates a report.
    pub(super) fn finish(&self, report: &RunReport, next: &[NextStep]) -> Result<(), Failure> {
        let is_over = matches!(
            report.command,
            Command::Check | Command::Plan | Command::Import | Command::Resume | Command::Undo
        );
        if is_over && self.log_format == LogFormat::Json && !self.quiet {
            write_line(&ended(&self.completed(report)));
        }
        if self.json {
            return self.print_json(report);
        }
        // People see the summary before anything else takes its time.
        if self.notifier.borrow().is_some() {
            self.about.borrow_mut().ended = Some(self.completed(report));
        }
        if self.quiet {
            self.keep_back(&report::headline(report));
            Ok(())
        } else {
            self.print(&report::summary(report, next, &self.out))
        }
    }

    fn print_json(&self, report: &RunReport) -> Result<(), Failure> {
        let mut report = self.completed(report);
        // What did not arrive is one of the notes.
        report.notes.extend(self.end_notifier(&report));
        self.print(&format!("{}\n", report.to_json()))
    }

    /// Says in one line on stderr how a quiet command ended that was not a success: the mail of
    /// a scheduler would be empty otherwise.
    pub(super) fn ended(&self, exit: Exit) {
        let kept_back = self.about.borrow_mut().kept_back.take();
        if let Some(line) = kept_back.filter(|_| exit != Exit::Done) {
            let short = LogLine {
                level: Level::Warn,
                event: "ended",
                message: &line,
                fields: log_fields([("exit_code", exit.code().into())]),
            };
            self.say(&short, &format!("{}\n", report::sanitize_lines(&line)));
        }
        self.end_notifier_late(|| self.blank_report());
    }

    /// Says to `notifier` how the command ends.
    pub(super) fn notify(&self, notifier: Notifier) {
        *self.notifier.borrow_mut() = Some(notifier);
    }

    /// Says how the command ended to those who are to hear it and did not yet. `report` is for
    /// a command that ended without one.
    fn end_notifier_late(&self, report: impl FnOnce() -> RunReport) {
        let ended = self.about.borrow_mut().ended.take();
        let report = ended.unwrap_or_else(|| self.completed(&report()));
        self.end_notifier(&report);
    }

    /// Says the end of the command to those who did not hear it yet. Returns what did not
    /// arrive, which stderr has then.
    fn end_notifier(&self, report: &RunReport) -> Vec<String> {
        let Some(notifier) = self.notifier.borrow_mut().take() else {
            return Vec::new();
        };
        let journal = self.journal_path(JOURNAL).ok();
        let missed = notifier.end(report, journal.as_deref());
        for missed in &missed {
            self.note_as(Level::Warn, missed, &format!("note: {missed}"));
        }
        missed
    }

    /// Prints a failure, once: on stderr, and with `--json` on stdout too, as the
    /// one object.
    pub(super) fn fail(&self, failure: &Failure) -> Exit {
        let report = || RunReport {
            state: if failure.exit == Exit::Interrupted {
                RunState::Interrupted
            } else {
                RunState::Failed
            },
            exit_code: failure.exit.code(),
            message: failure.what.clone(),
            notes: failure.help.iter().cloned().collect(),
            ..self.blank_report()
        };
        if self.json && self.printed.get() != Printed::Object {
            // The failure is printed on stderr in any case.
            let _printed = self.print_json(&report());
        }
        let exit_code = failure.exit.code().into();
        self.say_failure(failure, "failed", log_fields([("exit_code", exit_code)]));
        self.end_notifier_late(report);
        failure.exit
    }

    /// Prints a failure on stderr alone: one that does not decide how the command ends.
    pub(super) fn print_failure(&self, failure: &Failure) {
        self.say_failure(failure, "error", LogFields::new());
    }

    fn say_failure(&self, failure: &Failure, event: &str, mut fields: LogFields) {
        // A program that reads it finds a sentence on one line.
        let width = if std::io::stderr().is_terminal() {
            self.err.width
        } else {
            usize::MAX
        };
        let style = Style { width, ..self.err };
        fields.extend(log_fields([("help", failure.help.as_deref().into())]));
        let line = LogLine {
            level: Level::Error,
            event,
            message: &failure.what,
            fields,
        };
        let text = report::error(&failure.what, failure.help.as_deref(), &style);
        self.say(&line, &text);
    }
}

/// The summary of a command as a line of the log.
fn ended(report: &RunReport) -> LogLine<'_> {
    let is_good = report.exit_code == Exit::Done.code();
    let holds = report.holds.iter().filter(|hold| hold.is_open()).count();
    LogLine {
        level: if is_good { Level::Info } else { Level::Warn },
        event: "ended",
        message: &report.message,
        fields: log_fields([
            ("command", json!(report.command)),
            ("run", json!(report.run)),
            ("state", json!(report.state)),
            ("exit_code", json!(report.exit_code)),
            ("mapping", json!(report.mapping)),
            ("rows", json!(report.feed.rows)),
            ("counts", json!(report.counts)),
            ("calls", json!(report.calls)),
            ("open_holds", json!(holds)),
            (
                "elapsed_seconds",
                json!((report.elapsed_seconds * 1_000.0).round() / 1_000.0),
            ),
            ("notes", json!(report.notes)),
        ]),
    }
}

/// The journal's name in the state folder.
pub(super) const JOURNAL: &str = "journal.db";

fn no_journal(path: &Path) -> Failure {
    Failure::usage(
        format!("no journal found at `{}`", path.display()),
        "the first `hrfeed import` creates one; choose another with `--journal PATH`",
    )
}

/// Why printing ended early.
pub(super) enum PrintError {
    /// The wanted number of lines is printed.
    Enough,
    /// Stdout takes no more.
    Io(std::io::Error),
    /// The data to print cannot be read.
    Failed(Failure),
}

impl From<std::io::Error> for PrintError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Failure> for PrintError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<JournalError> for PrintError {
    fn from(error: JournalError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ScanError> for PrintError {
    fn from(error: ScanError) -> Self {
        Self::Failed(error.into())
    }
}

fn style(color: Color, is_terminal: bool, term: &Term) -> Style {
    let width = if is_terminal {
        term.size_checked().map(|(_, width)| usize::from(width))
    } else {
        None
    };
    Style {
        color: match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !environment::no_color(),
        },
        width: width.unwrap_or(Style::piped().width),
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::machine(error.to_string())
    }
}
