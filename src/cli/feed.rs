//! The feed that a command reads.

use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::environment;
use super::exit::Failure;
use super::output::path_of;
use crate::clock::Clock;
use crate::feed::{Feed, FeedOptions, FeedSource};
use crate::journal::Run;
use crate::mapping::{Mapping, Watch, attach};
use crate::pickup::{PickedUp, Waiting, pick_up};
use crate::report::{self, FeedReport};

/// A feed and its mapping.
#[derive(Clone, Debug, Args)]
pub(super) struct FeedArgs {
    /// Feed to read: CSV or a workbook, packed or not; or its folder, or a pattern (`-` for stdin)
    #[arg(value_name = "FEED")]
    pub(super) feed: PathBuf,
    /// Read the mapping from this TOML file
    #[arg(short, long, value_name = "MAPPING")]
    pub(super) mapping: PathBuf,
}

/// Opens a feed.
pub(super) fn open(context: &Context, args: &FeedArgs, mapping: &Mapping) -> Result<Feed, Failure> {
    let source = picked_up(context, &args.feed, mapping)?;
    open_source(context, &source, mapping)
}

/// What an argument of the command line means: stdin, or a file that is whole.
pub(super) fn picked_up(
    context: &Context,
    feed: &Path,
    mapping: &Mapping,
) -> Result<FeedSource, Failure> {
    let source = FeedSource::from_argument(feed);
    let FeedSource::Path(path) = &source else {
        return Ok(source);
    };
    context.note_feed(FeedReport {
        path: path_of(&source),
        ..FeedReport::default()
    });
    let stop = context.stop();
    let is_stopped = || stop.is_requested();
    let picked = pick_up(
        path.as_os_str(),
        &mapping.pick_up,
        &is_stopped,
        &mut |it| match it {
            Waiting::For(why) => context.note(&format!("Waiting for the feed: {why}.")),
            Waiting::Over(_) => context.note("The feed is whole."),
        },
    )?;
    Ok(match picked {
        PickedUp::One(path) => FeedSource::Path(path),
        PickedUp::Several(files) => FeedSource::Files {
            place: path.clone(),
            files,
        },
    })
}

/// What a run has read; not of a run that read stdin.
pub(super) fn source_of(run: &Run) -> FeedSource {
    let place = PathBuf::from(&run.start.feed_path);
    match run.start.feed_files.as_slice() {
        [] => FeedSource::Path(place),
        files => FeedSource::Files {
            place,
            files: files.iter().map(PathBuf::from).collect(),
        },
    }
}

pub(super) fn open_source(
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
        ..mapping.source.clone()
    };
    let feed = Feed::open(source, &options)?;
    let (mut listener, stop) = (context.progress(), context.stop());
    let mut watch = Watch {
        stop: &|| stop.is_requested(),
        listener: &mut *listener,
    };
    let feed = attach(feed, mapping, Clock::system().today(), &mut watch)?;
    tracing::info!(
        feed = %report::sanitize(&feed.path().display().to_string()),
        format = %report::sanitize(&feed.format().to_string()), header_row = feed.header_row().row(),
        columns = feed.columns().len(), "opened the feed"
    );
    Ok(feed)
}
