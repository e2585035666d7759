//! `hrfeed resume`: goes on with an interrupted run.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::check::{open_source, told_as_json};
use super::context::{Context, JOURNAL, no_journal};
use super::environment;
use super::exit::{Exit, Failure};
use super::import::{AllowArgs, finish};
use super::run::{self, Ending, Order};
use crate::feed::FeedSource;
use crate::journal::{Journal, RunRef};
use crate::mapping::Mapping;
use crate::model::RunState;

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The run; the latest unless named
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Where the feed lies now, if it was moved or came from stdin; `-` reads
    /// stdin. It must be the same feed
    #[arg(long, value_name = "FEED")]
    feed: Option<PathBuf>,
    #[command(flatten)]
    allow: AllowArgs,
}

pub(super) fn run(context: &Context, args: &ResumeArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    match resume(context, args) {
        Ok(ending) => finish(context, &ending, None),
        Err(failure) => Err(told_as_json(context, "resume", failure, begun)),
    }
}

fn resume(context: &Context, args: &ResumeArgs) -> Result<Ending, Failure> {
    let path = context.journal_path(JOURNAL)?;
    let journal = Journal::open_existing(&path)?.ok_or_else(|| no_journal(&path))?;
    let run = find(&journal, args.run.as_deref())?;
    resumable(&run)?;
    let mapping = Mapping::load(std::path::Path::new(&run.mapping_path))?;
    if mapping.sha256() != run.mapping_sha256 {
        return Err(Failure::usage(
            format!(
                "the mapping `{}` has changed since run {} began",
                run.mapping_path, run.id
            ),
            "run `hrfeed import` with the new mapping: it settles the old run first",
        ));
    }
    let credentials = environment::credentials(&mapping.target)?;
    if run::scope(&mapping.target, &credentials) != run.scope {
        return Err(Failure::usage(
            format!(
                "run {} was for {} with another API key than the mapping has now",
                run.id, run.base_url
            ),
            "external IDs belong to the key: use the run's own, or begin a new `hrfeed import`",
        ));
    }
    let source = match &args.feed {
        Some(feed) => FeedSource::from_argument(feed),
        None if run.from_stdin => {
            return Err(Failure::usage(
                format!(
                    "run {} read its feed from stdin, and hrfeed keeps no copy",
                    run.id
                ),
                format!(
                    "give the same feed again: `hrfeed resume {} --feed FEED`",
                    run.id
                ),
            ));
        }
        None => FeedSource::Path(PathBuf::from(&run.feed_path)),
    };
    let feed = open_source(context, &source, &mapping)?;
    // Only now is anything written.
    run::carry_out(Order {
        context,
        mapping: &mapping,
        settings: mapping.target.clone(),
        credentials,
        feed,
        journal: path,
        resumed: Some(run),
        allowed: args.allow.guards(),
    })
}

/// Judges whether a run can be gone on with.
pub(super) fn resumable(run: &crate::journal::Run) -> Result<(), Failure> {
    match run.state {
        RunState::Running | RunState::Interrupted | RunState::Failed => Ok(()),
        RunState::Finished => Err(Failure::usage(
            format!("run {} has finished: there is nothing to resume", run.id),
            format!(
                "`hrfeed show {}` says how it ended; `hrfeed import` begins a new one",
                run.id
            ),
        )),
        RunState::Superseded => Err(Failure::usage(
            format!(
                "run {} cannot be resumed: a later run took its place",
                run.id
            ),
            "`hrfeed runs` lists them",
        )),
    }
}

/// Judges whether nothing newer was done in the run's scope: going on with its
/// feed would undo that, and take whoever joined since for leavers.
pub(super) fn still_newest(journal: &Journal, run: &crate::journal::Run) -> Result<(), Failure> {
    match journal.done_since(run.id)? {
        None => Ok(()),
        Some(later) => Err(Failure::usage(
            format!(
                "run {} cannot be resumed: run {later} has gone on with a newer feed",
                run.id
            ),
            "run `hrfeed import` with the newest feed: it settles what is left of the old run",
        )),
    }
}

/// The run that a person named, or the latest.
pub(super) fn find(journal: &Journal, name: Option<&str>) -> Result<crate::journal::Run, Failure> {
    let wanted = match name {
        None | Some("latest") => RunRef::Latest,
        Some(name) => RunRef::Id(name.parse().map_err(|_| {
            Failure::usage(
                format!("`{name}` names no run"),
                "runs are named by numbers: see `hrfeed runs`",
            )
        })?),
    };
    journal.run(wanted)?.ok_or_else(|| {
        let what = match name {
            Some(name) => format!(
                "there is no run {name} in the journal `{}`",
                journal.path().display()
            ),
            None => format!(
                "there is no run in the journal `{}` yet",
                journal.path().display()
            ),
        };
        Failure::usage(what, "`hrfeed runs` lists them")
    })
}
