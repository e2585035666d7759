//! `hrfeed undo`: what a run changed becomes what it was.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::allow::AllowArgs;
use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use super::feed::open_source;
use super::import::approve;
use super::metrics::MetricsArgs;
use super::notify;
use super::output::finish;
use super::plan;
use super::prune;
use super::resume::find;
use super::time::TimeArgs;
use super::verify::VerifyArgs;
use crate::clock::Clock;
use crate::journal::{Journal, Run};
use crate::mapping::{Leavers, Mapping};
use crate::report::{self, Command};
use crate::run::{
    self, RunRequest, RunResult, WayBack, absolute, execute, said_of_created, scope, undone_by,
};
use crate::upload::Credentials;

/// Arguments of `undo`.
#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// Run to undo; it was imported with `--undoable`
    #[arg(value_name = "RUN")]
    run: String,
    /// The mapping of that run (default: from where it was)
    #[arg(short, long, value_name = "MAPPING")]
    mapping: Option<PathBuf>,
    /// What happens to people whom the run created (default: `action` in [leavers])
    #[arg(long, value_enum, value_name = "ACTION")]
    created: Option<Created>,
    /// Show what would change, without changing anything
    #[arg(
        long,
        conflicts_with_all = ["approve", "verify", "wait", "deadline", "metrics"]
    )]
    dry_run: bool,
    /// Approve this hold and carry it out (repeatable)
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

impl UndoArgs {
    /// Whether nothing is to be changed.
    pub(super) const fn is_dry_run(&self) -> bool {
        self.dry_run
    }
}

/// What happens to people whom the run created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Created {
    /// They can no longer sign in
    Deactivate,
    /// They are deleted for good
    Delete,
    /// `set` in [leavers] is written for them
    Set,
    /// They stay
    Keep,
}

/// A way back that can be gone.
struct Bound {
    mapping: Mapping,
    credentials: Credentials,
    way_back: WayBack,
}

pub(super) fn run(context: &Context, args: &UndoArgs) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let run = find(&journal, Some(&args.run))?;
    if let Some(undone) = undone_by(&run) {
        return Err(Failure::usage(
            format!(
                "run {} undid run {undone}, and kept nothing of what was before",
                run.id
            ),
            "import a feed: people become what it says",
        ));
    }
    let bound = bind(
        context,
        &journal,
        &run,
        (args.mapping.as_deref(), args.created),
        !args.dry_run,
    )?;
    if args.dry_run {
        return dry_run(context, bound, args);
    }
    args.metrics.check()?;
    let place = journal.path().to_path_buf();
    drop(journal);
    let own = (
        scope(&bound.mapping.target, &bound.credentials),
        absolute(bound.mapping.path()),
    );
    let undone = run.id.to_string();
    approve(context, &place, (own, Some(&undone)), &args.approve)?;
    let with = With {
        resumed: None,
        allow: &args.allow,
        verify: &args.verify,
        time: &args.time,
    };
    let result = go(context, bound, with)?;
    args.metrics.write(context, &result);
    finish(context, Command::Undo, result, (None, None))
}

/// What else a person says of it.
pub(super) struct With<'a> {
    pub(super) resumed: Option<Run>,
    pub(super) allow: &'a AllowArgs,
    pub(super) verify: &'a VerifyArgs,
    pub(super) time: &'a TimeArgs,
}

/// Goes on with a run that undid another one and was interrupted.
pub(super) fn resume(
    context: &Context,
    journal: &Journal,
    run: Run,
    undone: &str,
    mut with: With<'_>,
) -> Result<RunResult, Failure> {
    let undone = find(journal, Some(undone))?;
    let created = said_of_created(&run).and_then(|said| Created::from_str(said, true).ok());
    with.resumed = Some(run);
    let bound = bind(context, journal, &undone, (None, created), true)?;
    go(context, bound, with)
}

/// Reads what the run kept, and makes its mapping the one of the way back.
fn bind(
    context: &Context,
    journal: &Journal,
    run: &Run,
    (mapping, created): (Option<&Path>, Option<Created>),
    notifies: bool,
) -> Result<Bound, Failure> {
    let path = Path::new(&run.start.mapping_path);
    let mapping = mapping.unwrap_or(path);
    let mapping = if notifies {
        notify::load_mapping(context, mapping)?
    } else {
        context.load_mapping(mapping)?
    };
    if absolute(mapping.path()) != run.start.mapping_path {
        return Err(Failure::usage(
            format!("run {} was imported with another mapping", run.id),
            format!("undo it with that one: `-m {}`", path.display()),
        ));
    }
    let credentials = environment::credentials(context, &mapping.target)?;
    if scope(&mapping.target, &credentials) != run.start.scope {
        return Err(Failure::usage(
            format!(
                "run {} was for another LMS address or API key than the mapping has now ({})",
                run.id, run.start.base_url
            ),
            "external IDs belong to the API key: restore both",
        ));
    }
    let leaves = leaves(&mapping, created)?;
    let key = environment::undo_key(context)?;
    let system = mapping.target.system;
    let mut way_back = WayBack::read(journal, run, &key, (system, leaves))?;
    if leaves == Leavers::Ignore && created != Some(Created::Keep) && way_back.leaving > 0 {
        let people = report::counted(way_back.leaving, "person", "people");
        return Err(Failure::usage(
            format!(
                "run {} created {people}, and the mapping does not say what happens to people who \
                 leave",
                run.id
            ),
            format!(
                "say it with `--created {}`, or leave them with `--created keep`",
                if system.spec().can_deactivate {
                    "deactivate"
                } else {
                    "delete"
                }
            ),
        ));
    }
    way_back.created = created.and_then(|created| {
        let value = created.to_possible_value()?;
        Some(value.get_name().to_owned())
    });
    Ok(Bound {
        mapping: mapping.into_way_back(leaves)?,
        credentials,
        way_back,
    })
}

/// What happens to people whom the run created.
fn leaves(mapping: &Mapping, created: Option<Created>) -> Result<Leavers, Failure> {
    let system = mapping.target.system;
    match created {
        None => Ok(mapping.leavers),
        Some(Created::Keep) => Ok(Leavers::Ignore),
        Some(Created::Delete) => Ok(Leavers::Delete),
        Some(Created::Deactivate) if !system.spec().can_deactivate => Err(Failure::usage(
            format!("{system} cannot make people inactive"),
            "possible: `--created delete`, `set` or `keep`",
        )),
        Some(Created::Deactivate) => Ok(match mapping.leavers {
            of_mapping @ Leavers::Deactivate { .. } => of_mapping,
            _ => Leavers::Deactivate { archive: false },
        }),
        Some(Created::Set) if mapping.leavers != Leavers::Set => Err(Failure::usage(
            "the mapping does not say what is written for people who leave",
            "add action = \"set\" with `set` to [leavers]",
        )),
        Some(Created::Set) => Ok(Leavers::Set),
    }
}

fn go(context: &Context, bound: Bound, with: With<'_>) -> Result<RunResult, Failure> {
    let stop = with.time.stop(context)?;
    let Bound {
        mut mapping,
        credentials,
        way_back,
    } = bound;
    let feed = open_source(context, &way_back.source, &mut mapping)?;
    let mut listener = context.progress();
    let result = execute(RunRequest {
        mapping: &mapping,
        settings: mapping.target.clone(),
        credentials,
        feed,
        journal: context.journal_path(JOURNAL)?,
        resumed: with.resumed,
        verify: with.verify.verify,
        allowed: with.allow.allowed(),
        replaces_key: false,
        known_as: None,
        kept: None,
        undo_key: None,
        way_back: Some(way_back),
        by: environment::user_at_host(),
        wait: with.time.wait(),
        stop,
        clock: Clock::system(),
        listener: &mut *listener,
    })?;
    prune::after(context, &mapping, &result);
    Ok(result)
}

fn dry_run(context: &Context, bound: Bound, args: &UndoArgs) -> Result<Exit, Failure> {
    let Bound {
        mut mapping,
        credentials,
        way_back,
    } = bound;
    let feed = open_source(context, &way_back.source, &mut mapping)?;
    let mut listener = context.progress();
    let mut planned = run::plan(RunRequest {
        mapping: &mapping,
        settings: mapping.target.clone(),
        credentials,
        feed,
        journal: context.journal_path(JOURNAL)?,
        resumed: None,
        verify: None,
        allowed: args.allow.allowed(),
        replaces_key: false,
        known_as: None,
        kept: None,
        undo_key: None,
        way_back: Some(way_back),
        by: environment::user_at_host(),
        wait: std::time::Duration::ZERO,
        stop: context.stop(),
        clock: Clock::system(),
        listener: &mut *listener,
    })?;
    plan::show(context, &mut planned, args.allow.clone())
}
