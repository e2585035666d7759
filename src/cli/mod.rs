//! The command line: arguments in, exit code out. One file a command.
//!
//! Only here is the environment read, the terminal asked, a signal caught, and
//! the process ended.

mod allow;
mod audit;
mod check;
mod completions;
mod context;
mod copy;
mod corrections;
mod doctor;
mod environment;
mod exit;
mod feed;
mod files;
mod forget;
mod held_rows;
mod history;
mod holds;
mod import;
mod init;
mod instead_of;
mod kept_plan;
mod key;
mod log;
mod man;
mod metrics;
mod misuse;
mod notify;
mod output;
mod output_file;
mod panics;
mod plan;
mod plan_rows;
mod prune;
mod resume;
mod run_report;
mod sandbox;
mod schema;
mod signals;
mod time;
mod undo;
mod verify;
mod words;

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use self::context::Context;
use self::exit::Exit;
use self::log::LogFormat;
use crate::report;

/// Sync people from an HR export (CSV or Excel) to your LMS
#[derive(Debug, Parser)]
#[command(name = "hrfeed", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(flatten, next_help_heading = "Global options")]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  success: every row is applied or unchanged
  1  the program or the machine failed (file, disk, journal)
  2  invalid usage or mapping; nothing was done
  3  finished, but some rows were rejected or failed (see `hrfeed rows`)
  4  a safety limit stopped the run, or some changes await approval
  5  interrupted: try again later (Ctrl-C, LMS down)
  6  another run is using this LMS
  7  a person must act first (credentials, a right, address, certificate)";

/// The variable that names the journal. An empty one names none, as one that is not set.
const JOURNAL_VARIABLE: &str = "HRFEED_JOURNAL";

/// The options of every command.
#[derive(Clone, Debug, Args)]
struct Global {
    /// Use this journal, the SQLite file that records every run
    #[arg(
        long,
        global = true,
        env = JOURNAL_VARIABLE,
        value_name = "PATH",
        hide_env_values = true
    )]
    journal: Option<PathBuf>,
    /// Print one JSON object to stdout (rows: one per line), all else to stderr
    #[arg(long, global = true)]
    json: bool,
    /// Hide progress and summary; one line says what was not a success
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Log more to stderr (-vv logs every API request)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Choose when to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Write stderr as `text`, or as `json`: one object per line
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Validate a feed without contacting the LMS, and list problems by row
    Check(check::CheckArgs),
    /// Show what an import would change, without changing anything
    Plan(plan::PlanArgs),
    /// Import a feed into the LMS
    Import(import::ImportArgs),
    /// Resume an interrupted run
    Resume(resume::ResumeArgs),
    /// List what waits for a decision
    Holds(holds::HoldsArgs),
    /// List the people of a hold, with the reason for each
    Hold(holds::HoldArgs),
    /// Approve a hold: the next import carries it out
    Approve(holds::ApproveArgs),
    /// Refuse a hold: its people stay as they are
    Refuse(holds::RefuseArgs),
    /// List past runs
    Runs(history::RunsArgs),
    /// Show a run's summary
    Show(history::ShowArgs),
    /// List a run's rows and their outcomes
    Rows(history::RowsArgs),
    /// Create an HTML report about a run
    Report(history::ReportArgs),
    /// Generate a starter mapping from a feed
    Init(init::InitArgs),
    /// Take back what a run changed, if it was imported with `--undoable`
    Undo(undo::UndoArgs),
    /// Find duplicates, missing people and people of no feed in the LMS
    Audit(audit::AuditArgs),
    /// Remove what the journal has of a person, for a data-protection request
    Forget(forget::ForgetArgs),
    /// Check what an import needs: journal, keys, LMS, clock, disks
    Doctor(doctor::DoctorArgs),
    /// Run a local mock LMS (KMI and aNewSpring APIs)
    Sandbox(sandbox::SandboxArgs),
    /// Generate a shell completion script
    Completions(completions::CompletionsArgs),
    /// Print a manual page, or write those of all commands
    Man(man::ManArgs),
    /// Print a JSON Schema: of mappings, for editors, or of what `--json` prints
    Schema(schema::SchemaArgs),
}

impl Command {
    /// The command, as reports name it.
    const fn word(&self) -> report::Command {
        match self {
            Self::Check(_) => report::Command::Check,
            Self::Plan(_) => report::Command::Plan,
            // It prints what `plan` prints.
            Self::Import(args) if args.dry_run => report::Command::Plan,
            Self::Import(_) => report::Command::Import,
            Self::Resume(_) => report::Command::Resume,
            Self::Holds(_) => report::Command::Holds,
            Self::Hold(_) => report::Command::Hold,
            Self::Approve(_) => report::Command::Approve,
            Self::Refuse(_) => report::Command::Refuse,
            Self::Runs(args) if args.is_prune() => report::Command::RunsPrune,
            Self::Runs(_) => report::Command::Runs,
            Self::Show(_) => report::Command::Show,
            Self::Rows(_) => report::Command::Rows,
            Self::Report(_) => report::Command::Report,
            Self::Init(_) => report::Command::Init,
            // It prints what `plan` prints.
            Self::Undo(args) if args.is_dry_run() => report::Command::Plan,
            Self::Undo(_) => report::Command::Undo,
            Self::Audit(_) => report::Command::Audit,
            Self::Forget(_) => report::Command::Forget,
            Self::Doctor(_) => report::Command::Doctor,
            Self::Sandbox(_) => report::Command::Sandbox,
            Self::Completions(_) => report::Command::Completions,
            Self::Man(_) => report::Command::Man,
            Self::Schema(_) => report::Command::Schema,
        }
    }
}

/// Ends the process because of its arguments: they are wrong, or ask for help or
/// the version.
fn misused(error: &clap::Error) -> ExitCode {
    // Help and version are not errors and go to stdout.
    if error.use_stderr() {
        misuse::print(error, Cli::command());
        return Exit::Usage.into();
    }
    match error.print() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Exit::Machine.into(),
        // The reader has read enough: `hrfeed --help | head`.
        Ok(()) | Err(_) => Exit::Done.into(),
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    // The author of a script reads the help of one command.
    let command = Cli::command().mut_subcommands(|command| command.after_help(EXIT_CODES));
    let command = command.mut_arg("journal", |option| {
        if environment::is_empty(JOURNAL_VARIABLE) {
            option.env(None::<&str>)
        } else {
            option
        }
    });
    let parsed = command
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            return misused(&error);
        }
    };
    let context = Context::new(&cli.global, cli.command.word());
    let exit = panics::caught(|| {
        files::are_enough().and_then(|()| match cli.command {
            Command::Check(args) => check::run(&context, &args),
            Command::Plan(args) => plan::run(&context, &args),
            Command::Import(args) => import::run(&context, &args),
            Command::Resume(args) => resume::run(&context, &args),
            Command::Holds(args) => holds::list(&context, &args),
            Command::Hold(args) => holds::show(&context, &args),
            Command::Approve(args) => holds::approve(&context, &args),
            Command::Refuse(args) => holds::refuse(&context, &args),
            Command::Runs(args) => history::runs(&context, &args),
            Command::Show(args) => history::show(&context, &args),
            Command::Rows(args) => history::rows(&context, &args),
            Command::Report(args) => history::report(&context, &args),
            Command::Init(args) => init::run(&context, &args),
            Command::Undo(args) => undo::run(&context, &args),
            Command::Audit(args) => audit::run(&context, &args),
            Command::Forget(args) => forget::run(&context, &args),
            Command::Doctor(args) => doctor::run(&context, &args),
            Command::Sandbox(args) => sandbox::run(&context, &args),
            Command::Completions(args) => completions::run::<Cli>(&context, &args),
            Command::Man(args) => man::run::<Cli>(&context, &args),
            Command::Schema(args) => schema::run(&context, &args),
        })
    });
    match exit {
        Ok(exit) => {
            context.ended(exit);
            exit.into()
        }
        Err(failure) => context.fail(&failure).into(),
    }
}
