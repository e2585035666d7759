//! The command line: arguments in, exit code out. One file a command.
//!
//! Only here is the environment read, the terminal asked, a signal caught, and
//! the process ended.

mod allow;
mod audit;
mod check;
mod completions;
mod context;
mod environment;
mod exit;
mod feed;
mod import;
mod init;
mod history;
mod output;
mod plan;
mod recognise;
mod resume;
mod run_report;
mod sandbox;
mod signals;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use self::context::Context;
pub use self::exit::{Exit, Failure};

/// Makes an LMS agree with the people file that an HR system exports.
#[derive(Debug, Parser)]
#[command(name = "hrfeed", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done: every row applied or unchanged
  1  the program or the machine failed (file, disk, journal)
  2  wrong usage or a wrong mapping; nothing was done
  3  done, and some rows were rejected or failed: see `hrfeed rows`
  4  a guard stopped the run before its first write, or held a part of it
  5  interrupted, can be resumed: Ctrl-C, target down, credentials refused
  6  another run holds this target";

/// What every command takes.
#[derive(Clone, Debug, Args)]
struct Global {
    /// The journal: an SQLite file that remembers every run
    #[arg(
        long,
        global = true,
        env = "HRFEED_JOURNAL",
        value_name = "PATH",
        hide_env_values = true
    )]
    journal: Option<PathBuf>,
    /// Print one JSON object (rows: one a line) on stdout, all else on stderr
    #[arg(long, global = true)]
    json: bool,
    /// Print no progress and no summary
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print what is done, on stderr; twice: every call
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read, map and validate a feed; say what is wrong, row by row
    Check(check::CheckArgs),
    /// Say who would be created, updated or left alone, and why
    Plan(plan::PlanArgs),
    /// Make the LMS agree with a feed
    Import(import::ImportArgs),
    /// Go on with an interrupted run
    Resume(resume::ResumeArgs),
    /// List the runs
    Runs(history::RunsArgs),
    /// Say how a run ended
    Show(history::ShowArgs),
    /// List the rows of a run, with what became of each
    Rows(history::RowsArgs),
    /// Write one HTML page about a run
    Report(history::ReportArgs),
    /// Look at a feed and write a first mapping for it
    Init(init::InitArgs),
    /// Look for external IDs that stand twice on the LMS, and for people it lost
    Audit(audit::AuditArgs),
    /// Start a local LMS to rehearse on, which speaks KMI's and aNewSpring's API
    Sandbox(sandbox::SandboxArgs),
    /// Print a script that completes commands in a shell
    Completions(completions::CompletionsArgs),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    // Whoever writes a script reads the help of one command.
    let command = Cli::command().mut_subcommands(|command| command.after_help(EXIT_CODES));
    let parsed = command
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors and go to stdout.
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            return match error.print() {
                Ok(()) => exit.into(),
                Err(_) => Exit::Machine.into(),
            };
        }
    };
    let context = Context::new(&cli.global);
    let exit = match cli.command {
        Command::Check(args) => check::run(&context, &args),
        Command::Plan(args) => plan::run(&context, &args),
        Command::Import(args) => import::run(&context, &args),
        Command::Resume(args) => resume::run(&context, &args),
        Command::Runs(args) => history::runs(&context, &args),
        Command::Show(args) => history::show(&context, &args),
        Command::Rows(args) => history::rows(&context, &args),
        Command::Report(args) => history::report(&context, &args),
        Command::Init(args) => init::run(&context, &args),
        Command::Audit(args) => audit::run(&context, &args),
        Command::Sandbox(args) => sandbox::run(&context, &args),
        Command::Completions(args) => completions::run::<Cli>(&context, &args),
    };
    match exit {
        Ok(exit) => exit.into(),
        Err(failure) => context.fail(&failure).into(),
    }
}
