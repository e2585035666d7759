//! `hrfeed import`: imports a feed into the LMS.

use clap::Args;
use url::Url;

use super::allow::AllowArgs;
use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use super::feed::{FeedArgs, open};
use super::output::{finish, reported};
use crate::clock::Clock;
use crate::mapping::{Mapping, TargetSettings};
use crate::report::Command;
use crate::run::{RunRequest, RunResult, execute, seed};
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::upload::{Credentials, Secret};

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    feed: FeedArgs,
    /// Import into a built-in mock LMS instead of the real one: a dry run over
    /// HTTP that needs no setup
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    allow: AllowArgs,
}

/// The least requests per second for a sandbox inside this process.
const SANDBOX_RATE: f64 = 250.0;

/// The journal of `import --sandbox`, apart from the real one.
const SANDBOX_JOURNAL: &str = "sandbox.db";

pub(super) fn run(context: &Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let (result, journal) = reported(context, Command::Import, |_| import(context, args))?;
    finish(context, Command::Import, result, journal.as_deref())
}

fn import(context: &Context, args: &ImportArgs) -> Result<(RunResult, Option<String>), Failure> {
    let mapping = Mapping::load(&args.feed.mapping)?;
    let mut settings = mapping.target.clone();
    let (sandbox, credentials) = if args.sandbox {
        let (sandbox, credentials) = start_sandbox(&mut settings)?;
        (Some(sandbox), credentials)
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
    // The other commands do not find the sandbox's journal by themselves.
    let elsewhere =
        (args.sandbox && !context.journal_is_named()).then(|| journal.display().to_string());
    let mut listener = context.progress();
    let result = execute(RunRequest {
        mapping: &mapping,
        settings,
        credentials,
        feed,
        journal,
        resumed: None,
        allowed: args.allow.allowed(),
        stop: context.stop(),
        clock: Clock::system(),
        listener: &mut *listener,
    })?;
    drop(sandbox);
    Ok((result, elsewhere))
}

/// Starts a sandbox inside this process, and points the target to it.
fn start_sandbox(settings: &mut TargetSettings) -> Result<(Sandbox, Credentials), Failure> {
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
