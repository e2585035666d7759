//! The feed that a command reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::environment;
use super::exit::Failure;
use super::output::path_of;
use crate::clock::Clock;
use crate::feed::{AmongSheets, Feed, FeedCopy, FeedOptions, FeedSource, may_be_corrections};
use crate::journal::{Journal, Run, RunRef};
use crate::mapping::{Mapping, Watch, attach};
use crate::pickup::{
    Access, Checksum, PickUpOptions, Picked, Waiting, Watcher, is_address, pick_up,
    verify_checksums,
};
use crate::report::{self, FeedReport};

/// A feed and its mapping.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct FeedArgs {
    /// Feed to read: CSV or a workbook, packed or not; or its folder, or a pattern (`-` for stdin)
    #[arg(value_name = "FEED")]
    pub(super) feed: PathBuf,
    /// Read the mapping from this TOML file
    #[arg(short, long, value_name = "MAPPING")]
    pub(super) mapping: PathBuf,
}

/// Opens a feed, and fits the mapping to what it is.
pub(super) fn open(
    context: &Context,
    args: &FeedArgs,
    mapping: &mut Mapping,
) -> Result<Feed, Failure> {
    let source = picked_up(context, &args.feed, mapping)?;
    open_source(context, &source, mapping)
}

/// What an argument of the command line means: stdin, or a file that is whole.
pub(super) fn picked_up(
    context: &Context,
    feed: &Path,
    mapping: &Mapping,
) -> Result<FeedSource, Failure> {
    let others = &mapping.pick_up;
    verify_checksums(&others.not_feeds, &others.checksum)?;
    let source = FeedSource::from_argument(feed);
    let FeedSource::Path(path) = &source else {
        return Ok(source);
    };
    // Of an address only what is not secret is shown, once it is known what that is.
    if !is_address(path) {
        context.note_feed(FeedReport {
            path: path_of(&source),
            ..FeedReport::default()
        });
    }
    if mapping.pick_up.is_for_programs() && !is_address(path) && may_be_corrections(path) {
        return fetched(context, path, mapping, &AT_ONCE);
    }
    fetched(context, path, mapping, &mapping.pick_up)
}

/// The feed of a run that a person named: its digest says whether it is the same.
pub(super) fn picked_up_at_once(
    context: &Context,
    feed: &Path,
    mapping: &Mapping,
) -> Result<FeedSource, Failure> {
    match FeedSource::from_argument(feed) {
        FeedSource::Path(path) => {
            let files = mapping.pick_up.files.clone();
            let options = PickUpOptions { files, ..AT_ONCE };
            fetched(context, &path, mapping, &options)
        }
        source => Ok(source),
    }
}

/// How a file is picked up that nobody writes any more.
const AT_ONCE: PickUpOptions = PickUpOptions {
    files: None,
    unchanged_for: None,
    done_file: None,
    wait: None,
    checksum: Checksum::Ignored,
    not_feeds: Vec::new(),
};

/// The feed that a run read, where it still is.
pub(super) fn of_run(
    context: &Context,
    run: &Run,
    mapping: &Mapping,
) -> Result<FeedSource, Failure> {
    let start = &run.start;
    of_kept(context, (&start.feed_path, &start.feed_files), mapping)
}

/// The feed that was at this path, or in these files, where it still is.
pub(super) fn of_kept(
    context: &Context,
    (path, files): (&str, &[String]),
    mapping: &Mapping,
) -> Result<FeedSource, Failure> {
    let source = |kept: &str| one_of_run(context, kept, mapping);
    if files.is_empty() {
        return source(path);
    }
    let files = files.iter().map(|file| source(file));
    Ok(FeedSource::Files {
        place: PathBuf::from(path),
        files: files.collect::<Result<_, _>>()?,
    })
}

fn one_of_run(context: &Context, kept: &str, mapping: &Mapping) -> Result<FeedSource, Failure> {
    let path = Path::new(kept);
    if !is_address(path) {
        return Ok(FeedSource::Path(path.into()));
    }
    if kept.ends_with("?…") {
        return Err(Failure::usage(
            format!("the address `{kept}` had a part that hrfeed keeps no copy of"),
            "provide the same feed again: `import FEED --plan FILE`, `resume --feed FEED`, or \
             `--as-feed FEED` for rows",
        ));
    }
    // The digest of the feed says whether it is the same.
    fetched(context, path, mapping, &AT_ONCE)
}

fn fetched(
    context: &Context,
    path: &Path,
    mapping: &Mapping,
    options: &PickUpOptions,
) -> Result<FeedSource, Failure> {
    let access = if is_address(path) {
        environment::access(context, &mapping.remote)?
    } else {
        Access::default()
    };
    let stop = context.stop();
    let mut watcher = Watcher {
        is_stopped: &|| stop.is_requested(),
        tell: &mut |it| match it {
            Waiting::For(why) => context.note(&format!("Waiting for the feed: {why}.")),
            Waiting::Over(_) => context.note("The feed is whole."),
        },
    };
    let access = (&access, mapping.source.max_bytes());
    let picked = pick_up(path.as_os_str(), options, access, &mut watcher)?;
    let mut files: Vec<_> = picked.files.into_iter().map(source_of).collect();
    match files.pop() {
        Some(only) if files.is_empty() && !options.may_be_several() => Ok(only),
        last => Ok(FeedSource::Files {
            place: picked.place,
            files: files.into_iter().chain(last).collect(),
        }),
    }
}

/// What is read of a file that was picked up.
fn source_of(picked: Picked) -> FeedSource {
    match picked.copy {
        None => FeedSource::Path(picked.path),
        Some(copy) => FeedSource::Copy(FeedCopy {
            address: picked.path,
            file: Arc::new(copy.file),
            length: copy.length,
            sha256: copy.sha256,
            modified: copy.modified,
        }),
    }
}

/// Opens what was picked up, with the files that are joined to it, and fits the mapping to
/// what it is.
pub(super) fn open_source(
    context: &Context,
    source: &FeedSource,
    mapping: &mut Mapping,
) -> Result<Feed, Failure> {
    let feed = open_alone(context, source, mapping)?;
    mapping.fit(&feed);
    let (mut listener, stop) = (context.progress(), context.stop());
    let mut watch = Watch {
        stop: &|| stop.is_requested(),
        listener: &mut *listener,
    };
    Ok(attach(feed, mapping, Clock::system().today(), &mut watch)?)
}

/// Refuses rows that came back for another mapping than that of the run they are of: its
/// next feed would not name these people, and remove them. `journal` says which mapping that
/// was, as long as its file is there: a mapping that was moved has another path.
pub(super) fn check_whose_corrections(
    journal: &Path,
    feed: &Feed,
    mapping: &Mapping,
) -> Result<(), Failure> {
    let run = feed.corrections().and_then(|it| it.run);
    let Some(Ok(run)) = run.map(|run| run.to_string().parse::<RunRef>()) else {
        return Ok(());
    };
    let Some(journal) = Journal::open_existing(journal)? else {
        return Ok(());
    };
    let Some(run) = journal.run(run)? else {
        return Ok(());
    };
    let then = Path::new(&run.start.mapping_path);
    let is_other = match (then.canonicalize(), mapping.path().canonicalize()) {
        (Ok(then), Ok(now)) => then != now,
        _ => false,
    };
    if !is_other {
        return Ok(());
    }
    Err(Failure::usage(
        format!(
            "feed `{}` has rows of run {} that came back, and that run had another mapping",
            feed.path().display(),
            run.id
        ),
        format!(
            "import it with that one: `-m {}`; if the rows are of another journal's run {}, delete \
             the column `hrfeed: row` first",
            then.display(),
            run.id
        ),
    ))
}

/// Opens what was picked up, and nothing else.
pub(super) fn open_alone(
    context: &Context,
    source: &FeedSource,
    mapping: &Mapping,
) -> Result<Feed, Failure> {
    context.note_feed(FeedReport {
        path: path_of(source),
        ..FeedReport::default()
    });
    let options = FeedOptions {
        openpgp: environment::openpgp(context, mapping.openpgp.as_ref())?,
        among_sheets: AmongSheets::With(mapping.feed_columns()),
        ..mapping.source.clone()
    };
    let feed = Feed::open(source, &options)?;
    tracing::info!(
        feed = %report::sanitize(&feed.path().display().to_string()),
        format = %report::sanitize(&feed.format().to_string()), header_row = feed.header_row().row(),
        columns = feed.own_columns().len(), "opened the feed"
    );
    Ok(feed)
}
