//! `hrfeed import`: makes the LMS agree with the feed.

use std::time::Instant;

use clap::{Args, ValueEnum};
use url::Url;

use super::FeedArgs;
use super::check::{open, told_as_json};
use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use super::run::{self, Ending, Order};
use crate::mapping::Mapping;
use crate::plan::Guard;
use crate::report;
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::upload::{Credentials, Secret};

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    feed: FeedArgs,
    /// Import into a sandbox inside this process instead of the mapping's
    /// target: the whole job over real HTTP, with nothing to set up
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    allow: AllowArgs,
}

/// What a person approves of.
#[derive(Debug, Args)]
pub(super) struct AllowArgs {
    /// Let this through although a guard of the mapping holds it, this once
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GUARD")]
    allow: Vec<GuardArg>,
}

/// A guard's word.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum GuardArg {
    RowTable,
    Rejected,
    Leavers,
    Creates,
    Updates,
}

impl AllowArgs {
    /// The guards that do not count.
    pub(super) fn guards(&self) -> Vec<Guard> {
        let guard = |arg: &GuardArg| match arg {
            GuardArg::RowTable => Guard::RowTable,
            GuardArg::Rejected => Guard::Rejected,
            GuardArg::Leavers => Guard::Leavers,
            GuardArg::Creates => Guard::Creates,
            GuardArg::Updates => Guard::Updates,
        };
        self.allow.iter().map(guard).collect()
    }
}

/// Requests a second that a sandbox of this process's own is asked, at least.
const SANDBOX_RATE: f64 = 250.0;

/// The journal of `import --sandbox`, apart from the real one.
const SANDBOX_JOURNAL: &str = "sandbox.db";

pub(super) fn run(context: &Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    match import(context, args) {
        Ok((ending, journal)) => finish(context, &ending, journal.as_deref()),
        Err(failure) => Err(told_as_json(context, "import", failure, begun)),
    }
}

fn import(context: &Context, args: &ImportArgs) -> Result<(Ending, Option<String>), Failure> {
    let mapping = Mapping::load(&args.feed.mapping)?;
    let mut settings = mapping.target.clone();
    let (sandbox, credentials) = if args.sandbox {
        let sandbox = Sandbox::start(SandboxOptions::default())
            .map_err(|error| Failure::machine(error.to_string()))?;
        settings.base_url = Url::parse(&sandbox.base_url())
            .map_err(|error| Failure::machine(format!("the sandbox has no address: {error}")))?;
        // There is nobody to be gentle with.
        settings.requests_per_second = settings.requests_per_second.max(SANDBOX_RATE);
        // A key of its own for each sandbox: what another one acknowledged
        // says nothing about this one.
        let key = || Secret::new(format!("sandbox-{:016x}", run::seed()));
        (
            Some(sandbox),
            Credentials {
                key: key(),
                secret: settings.system.spec().secret_header.map(|_| key()),
            },
        )
    } else {
        (None, environment::credentials(&settings)?)
    };
    let feed = open(context, &args.feed, &mapping)?;
    let name = if args.sandbox {
        SANDBOX_JOURNAL
    } else {
        JOURNAL
    };
    let journal = context.journal_path(name)?;
    // Only the sandbox's journal lies where the other commands do not look.
    let elsewhere =
        (args.sandbox && !context.journal_is_named()).then(|| journal.display().to_string());
    let ending = run::carry_out(Order {
        context,
        mapping: &mapping,
        settings,
        credentials,
        feed,
        journal,
        resumed: None,
        allowed: args.allow.guards(),
    })?;
    drop(sandbox);
    Ok((ending, elsewhere))
}

/// Prints how a run ended. `journal` is named in the next steps where the
/// commands would not find it by themselves.
pub(super) fn finish(
    context: &Context,
    ending: &Ending,
    journal: Option<&str>,
) -> Result<Exit, Failure> {
    let mut next = report::next_steps(&ending.report);
    if let Some(journal) = journal {
        for step in &mut next {
            *step = step.replacen(
                "hrfeed ",
                &format!("hrfeed --journal {} ", quoted(journal)),
                1,
            );
        }
    }
    context.finish(&ending.report, &ending.causes, &next)?;
    match &ending.failure {
        Some(failure) => Err(failure.clone()),
        None => Ok(if ending.report.exit_code == Exit::RowsRefused.code() {
            Exit::RowsRefused
        } else {
            Exit::Done
        }),
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    if path.contains(' ') {
        format!("\"{path}\"")
    } else {
        path.to_owned()
    }
}
