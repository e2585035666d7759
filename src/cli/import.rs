//! `hrfeed import`: imports a feed into the LMS.

use std::path::{Path, PathBuf};

use clap::Args;
use url::Url;

use super::allow::AllowArgs;
use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use super::feed::{FeedArgs, check_whose_corrections, open_source, picked_up};
use super::holds::approve_for_import;
use super::kept_plan::Kept;
use super::key::KeyArgs;
use super::metrics::MetricsArgs;
use super::notify;
use super::output::finish;
use super::plan;
use super::prune;
use super::time::TimeArgs;
use super::verify::VerifyArgs;
use crate::clock::Clock;
use crate::journal::{Hold, Run, Scope};
use crate::mapping::TargetSettings;
use crate::model::Secret;
use crate::report::Command;
use crate::run::{RunRequest, RunResult, absolute, execute, scope, seed, undone_by};
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::upload::Credentials;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Feed to read: CSV or a workbook, packed or not; or its folder, or a pattern (`-` for stdin)
    #[arg(value_name = "FEED", required_unless_present = "plan")]
    feed: Option<PathBuf>,
    /// Read the mapping from this TOML file
    #[arg(short, long, value_name = "MAPPING", required_unless_present = "plan")]
    mapping: Option<PathBuf>,
    /// Carry out this plan of `plan --out`: exactly that, or nothing. Feed and mapping are
    /// those of the plan, unless named
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sandbox", "approve", "items", "replaces_key"])]
    plan: Option<PathBuf>,
    /// Import into a built-in mock LMS instead of the real one: a dry run over
    /// HTTP that needs no setup
    #[arg(long)]
    sandbox: bool,
    /// Show what would change, without changing anything: the same as `plan`
    #[arg(
        long,
        conflicts_with_all = ["plan", "approve", "verify", "wait", "deadline", "metrics"]
    )]
    pub(super) dry_run: bool,
    #[command(flatten)]
    key: KeyArgs,
    /// Keep what people are like before they are changed, sealed with the key in
    /// `HRFEED_UNDO_KEY`, so that
    /// `hrfeed undo` can take the run back
    #[arg(long, conflicts_with_all = ["sandbox", "dry_run"])]
    undoable: bool,
    /// Approve this hold and carry it out in this import (repeatable)
    #[arg(long, value_delimiter = ',', value_name = "HOLD")]
    approve: Vec<String>,
    #[command(flatten)]
    allow: AllowArgs,
    #[command(flatten)]
    verify: VerifyArgs,
    #[command(flatten)]
    time: TimeArgs,
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// The least requests per second for a sandbox inside this process.
const SANDBOX_RATE: f64 = 250.0;

/// The journal of `import --sandbox`, apart from the real one.
pub(super) const SANDBOX_JOURNAL: &str = "sandbox.db";

pub(super) fn run(context: &Context, args: &ImportArgs) -> Result<Exit, Failure> {
    if args.dry_run {
        // Both are required without a plan that is carried out.
        let feed = FeedArgs {
            feed: args.feed.clone().unwrap_or_default(),
            mapping: args.mapping.clone().unwrap_or_default(),
        };
        let with = (args.allow.clone(), args.key.clone());
        return plan::of_import(context, feed, args.sandbox, with);
    }
    let (result, journal) = import(context, args)?;
    args.metrics.write(context, &result);
    let from = (journal.as_deref(), args.plan.as_deref());
    finish(context, Command::Import, result, from)
}

fn import(context: &Context, args: &ImportArgs) -> Result<(RunResult, Option<String>), Failure> {
    let stop = args.time.stop(context)?;
    let undo_key = args.undoable.then(|| environment::undo_key(context));
    let undo_key = undo_key.transpose()?;
    let kept = args.plan.as_deref().map(Kept::read).transpose()?;
    let planned = kept.as_ref().map(|kept| Path::new(&kept.header.mapping));
    let mapping = args.mapping.as_deref().or(planned).unwrap_or(Path::new(""));
    let mut mapping = if args.sandbox {
        context.load_mapping(mapping)?
    } else {
        notify::load_mapping(context, mapping)?
    };
    args.metrics.check()?;
    let mut settings = mapping.target.clone();
    let (sandbox, credentials) = if args.sandbox {
        let (sandbox, credentials) = start_sandbox(&mut settings)?;
        (Some(sandbox), credentials)
    } else {
        (None, environment::credentials(context, &settings)?)
    };
    let source = match (&args.feed, &kept) {
        (None, Some(kept)) => kept.feed(context, &mapping)?,
        (feed, _) => picked_up(context, feed.as_deref().unwrap_or(Path::new("")), &mapping)?,
    };
    let feed = open_source(context, &source, &mut mapping)?;
    let name = if args.sandbox {
        SANDBOX_JOURNAL
    } else {
        JOURNAL
    };
    let journal = context.journal_path(name)?;
    if !args.sandbox {
        check_whose_corrections(&journal, &feed, &mapping)?;
    }
    // The other commands do not find the sandbox's journal by themselves.
    let elsewhere =
        (args.sandbox && !context.journal_is_named()).then(|| journal.display().to_string());
    let own = (scope(&settings, &credentials), absolute(mapping.path()));
    approve(context, &journal, (own, None), &args.approve)?;
    let mut listener = context.progress();
    let result = execute(RunRequest {
        mapping: &mapping,
        settings,
        credentials,
        feed,
        journal,
        resumed: None,
        verify: args.verify.verify,
        allowed: match &kept {
            Some(kept) => kept.allowed.clone(),
            None => args.allow.allowed(),
        },
        replaces_key: match &kept {
            Some(kept) => kept.header.replaces_key,
            None => args.key.replaces_key,
        },
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
    drop(sandbox);
    prune::after(context, &mapping, &result);
    Ok((result, elsewhere))
}

/// Approves holds of a scope and the mapping at that path: of imports, or of the undo of a run.
pub(super) fn approve(
    context: &Context,
    journal: &Path,
    ((scope, mapping_path), undone): ((Scope, String), Option<&str>),
    holds: &[String],
) -> Result<(), Failure> {
    // The holds of a mapping that was renamed are taken over.
    let is_gone = |path: &str| !Path::new(path).exists();
    let is_of_import = |hold: &Hold, run: Option<&Run>| {
        let is_of_mapping = hold.mapping_path == mapping_path || is_gone(&hold.mapping_path);
        hold.scope == scope && is_of_mapping && run.and_then(undone_by) == undone
    };
    approve_for_import(context, (journal, is_of_import), holds)
}

/// Starts a sandbox inside this process, and points the target to it.
pub(super) fn start_sandbox(
    settings: &mut TargetSettings,
) -> Result<(Sandbox, Credentials), Failure> {
    let sandbox = Sandbox::start(SandboxOptions::default())
        .map_err(|error| Failure::machine(error.to_string()))?;
    settings.base_url = Url::parse(&sandbox.base_url())
        .map_err(|error| Failure::machine(format!("the sandbox has no address: {error}")))?;
    // A sandbox needs no protection.
    settings.requests_per_second = settings.requests_per_second.max(SANDBOX_RATE);
    // Each sandbox gets a key of its own: the acknowledgements of another sandbox
    // say nothing about this one.
    let key = || Secret::new(format!("sandbox-{:016x}", seed()));
    let credentials = Credentials {
        key: key(),
        secret: settings.system.spec().secret_header.map(|_| key()),
    };
    Ok((sandbox, credentials))
}
