//! `hrfeed resume`: goes on with an interrupted run.

use std::path::PathBuf;

use clap::Args;

use super::allow::AllowArgs;
use super::context::{Context, JOURNAL, no_journal};
use super::environment;
use super::exit::{Exit, Failure};
use super::feed::open_source;
use super::output::{fail_as_json, finish};
use crate::clock;
use crate::feed::FeedSource;
use crate::journal::{Journal, Run, RunRef};
use crate::mapping::Mapping;
use crate::report::Command;
use crate::run::{RunRequest, RunResult, execute, resumable, scope};

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
    let begun = clock::monotonic();
    let result = resume(context, args)
        .map_err(|failure| fail_as_json(context, Command::Resume, failure, begun))?;
    finish(context, Command::Resume, result, None)
}

fn resume(context: &Context, args: &ResumeArgs) -> Result<RunResult, Failure> {
    let path = context.journal_path(JOURNAL)?;
    let journal = Journal::open_existing(&path)?.ok_or_else(|| no_journal(&path))?;
    let run = find(&journal, args.run.as_deref())?;
    resumable(&run)?;
    let mapping = Mapping::load(std::path::Path::new(&run.start.mapping_path))?;
    if mapping.sha256() != run.start.mapping_sha256 {
        return Err(Failure::usage(
            format!(
                "the mapping `{}` has changed since run {} began",
                run.start.mapping_path, run.id
            ),
            "run `hrfeed import` with the new mapping: it settles the old run first",
        ));
    }
    let credentials = environment::credentials(&mapping.target)?;
    if scope(&mapping.target, &credentials) != run.start.scope {
        return Err(Failure::usage(
            format!(
                "run {} was for {} with another API key than the mapping has now",
                run.id, run.start.base_url
            ),
            "external IDs belong to the key: use the run's own, or begin a new `hrfeed import`",
        ));
    }
    let source = match &args.feed {
        Some(feed) => FeedSource::from_argument(feed),
        None if run.start.from_stdin => {
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
        None => FeedSource::Path(PathBuf::from(&run.start.feed_path)),
    };
    let feed = open_source(context, &source, &mapping)?;
    let mut listener = context.progress();
    // Only now is anything written.
    Ok(execute(RunRequest {
        mapping: &mapping,
        settings: mapping.target.clone(),
        credentials,
        feed,
        journal: path,
        resumed: Some(run),
        allowed: args.allow.guards(),
        stop: context.stop(),
        listener: &mut *listener,
    })?)
}

/// The run that a person named, or the latest.
pub(super) fn find(journal: &Journal, name: Option<&str>) -> Result<Run, Failure> {
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
