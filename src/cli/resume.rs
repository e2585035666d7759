//! `hrfeed resume`: resumes an interrupted run.

use std::path::{Path, PathBuf};

use clap::Args;

use super::allow::AllowArgs;
use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use super::feed::{of_run, open_source, picked_up};
use super::kept_plan::Kept;
use super::metrics::MetricsArgs;
use super::notify;
use super::output::finish;
use super::prune;
use super::time::TimeArgs;
use super::undo;
use super::verify::VerifyArgs;
use crate::clock::Clock;
use crate::journal::{Journal, Run, RunRef};
use crate::mapping::Mapping;
use crate::report::Command;
use crate::run::{
    RunRequest, RunResult, WITH_PLAN, execute, has_changed_nothing, resumable, scope, undone_by,
};
use crate::upload::Credentials;

/// What to do in place of resuming a run that ended before it changed anything.
const NOTHING_LEFT: &str =
    "the run changed nothing, so nothing is left of it: start a new `hrfeed import`";

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// Run to resume (default: the latest)
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Read the same feed from here, if it was moved or came from stdin (`-` for
    /// stdin)
    #[arg(long, value_name = "FEED")]
    feed: Option<PathBuf>,
    /// The plan that the run carries out
    #[arg(long, value_name = "FILE", conflicts_with = "items")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    allow: AllowArgs,
    #[command(flatten)]
    verify: VerifyArgs,
    #[command(flatten)]
    time: TimeArgs,
    #[command(flatten)]
    metrics: MetricsArgs,
}

pub(super) fn run(context: &Context, args: &ResumeArgs) -> Result<Exit, Failure> {
    let result = resume(context, args)?;
    args.metrics.write(context, &result);
    finish(
        context,
        Command::Resume,
        result,
        (None, args.plan.as_deref()),
    )
}

fn resume(context: &Context, args: &ResumeArgs) -> Result<RunResult, Failure> {
    let journal = context.existing_journal()?;
    let run = find(&journal, args.run.as_deref())?;
    resumable(&run)?;
    if let Some(undone) = undone_by(&run) {
        let with = undo::With {
            resumed: None,
            allow: &args.allow,
            verify: &args.verify,
            time: &args.time,
        };
        let undone = undone.to_owned();
        return undo::resume(context, &journal, run, &undone, with);
    }
    let undoable = journal.undoable(run.id)?;
    let kept = args.plan.as_deref().map(Kept::read).transpose()?;
    match (&kept, run.start.command == WITH_PLAN) {
        (None, true) => {
            return Err(Failure::usage(
                format!("run {} carries out a plan, and nothing beyond it", run.id),
                format!(
                    "name the plan: `hrfeed resume {} --plan FILE`; or start a new `hrfeed import`, \
                     which settles the old run first",
                    run.id
                ),
            ));
        }
        (Some(_), false) => {
            return Err(Failure::usage(
                format!("run {} carries out no plan", run.id),
                format!("`hrfeed resume {}` goes on with it", run.id),
            ));
        }
        _ => {}
    }
    let (mut mapping, credentials) = of_run_again(context, &run)?;
    args.metrics.check()?;
    let source = match &args.feed {
        Some(feed) => picked_up(context, feed, &mapping)?,
        None if run.start.from_stdin => {
            return Err(Failure::usage(
                format!(
                    "run {} read its feed from stdin, and hrfeed keeps no copy",
                    run.id
                ),
                format!(
                    "provide the same feed again: `hrfeed resume {} --feed FEED`",
                    run.id
                ),
            ));
        }
        None => of_run(context, &run, &mapping)?,
    };
    let feed = open_source(context, &source, &mut mapping)?;
    let undo_key = undoable
        .map(|_| environment::undo_key(context))
        .transpose()?;
    let stop = args.time.stop(context)?;
    let mut listener = context.progress();
    let replaces_key = run.start.replaces_key;
    // Only now is anything written.
    let result = execute(RunRequest {
        mapping: &mapping,
        settings: mapping.target.clone(),
        credentials,
        feed,
        journal: context.journal_path(JOURNAL)?,
        resumed: Some(run),
        verify: args.verify.verify,
        allowed: match &kept {
            Some(kept) => kept.allowed.clone(),
            None => args.allow.allowed(),
        },
        replaces_key,
        known_as: None,
        kept: kept.map(|kept| kept.plan),
        undo_key,
        way_back: None,
        by: environment::user_at_host(),
        wait: args.time.wait(),
        stop,
        clock: Clock::system(),
        listener: &mut *listener,
    })?;
    prune::after(context, &mapping, &result);
    Ok(result)
}

/// The mapping with which a run began and what it authenticates with now, if both are as
/// they were.
fn of_run_again(context: &Context, run: &Run) -> Result<(Mapping, Credentials), Failure> {
    let mapping = notify::load_mapping(context, Path::new(&run.start.mapping_path))?;
    if mapping.sha256() != run.start.mapping_sha256 {
        return Err(Failure::usage(
            format!(
                "the mapping `{}` has changed since run {} started",
                run.start.mapping_path, run.id
            ),
            if has_changed_nothing(run) {
                NOTHING_LEFT
            } else {
                "start a new `hrfeed import` with the changed mapping; it settles the old run first"
            },
        ));
    }
    let credentials = environment::credentials(context, &mapping.target)?;
    if scope(&mapping.target, &credentials) != run.start.scope {
        return Err(Failure::usage(
            format!(
                "run {} was for another LMS address or API key than the mapping has now ({})",
                run.id, run.start.base_url
            ),
            if has_changed_nothing(run) {
                NOTHING_LEFT
            } else {
                "external IDs belong to the API key: restore both, or start a new `hrfeed import`"
            },
        ));
    }
    Ok((mapping, credentials))
}

/// The run that a person named, or the latest.
pub(super) fn find(journal: &Journal, name: Option<&str>) -> Result<Run, Failure> {
    let name = name.filter(|name| *name != "latest");
    let wanted = match name {
        None => RunRef::Latest,
        Some(name) => RunRef::Id(name.parse().map_err(|_| {
            Failure::usage(
                format!("`{name}` is not a run number"),
                "`hrfeed runs` lists the runs with their numbers",
            )
        })?),
    };
    let path = journal.path().display();
    journal.run(wanted)?.ok_or_else(|| match name {
        Some(name) => Failure::usage(
            format!("the journal `{path}` has no run {name}"),
            "`hrfeed runs` lists the runs with their numbers",
        ),
        None => Failure::usage(
            format!("the journal `{path}` has no runs yet"),
            "start one with `hrfeed import FEED -m MAPPING`",
        ),
    })
}
