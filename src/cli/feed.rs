//! The feed that a command reads.

use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::exit::Failure;
use super::output::path_of;
use crate::feed::{Feed, FeedSource};
use crate::mapping::Mapping;
use crate::report::{self, FeedReport};

/// A feed and its mapping.
#[derive(Clone, Debug, Args)]
pub(super) struct FeedArgs {
    /// Feed to read: CSV, CSV.GZ or XLSX (`-` for stdin)
    #[arg(value_name = "FEED")]
    pub(super) feed: PathBuf,
    /// Read the mapping from this TOML file
    #[arg(short, long, value_name = "MAPPING")]
    pub(super) mapping: PathBuf,
}

/// Opens a feed.
pub(super) fn open(context: &Context, args: &FeedArgs, mapping: &Mapping) -> Result<Feed, Failure> {
    open_source(context, &FeedSource::from_argument(&args.feed), mapping)
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
    let feed = Feed::open(source, &mapping.source)?;
    tracing::info!(
        feed = %report::sanitize(&feed.path().display().to_string()),
        format = %report::sanitize(&feed.format().to_string()), header_row = feed.header_row().0,
        columns = feed.columns().len(), "opened the feed"
    );
    Ok(feed)
}
