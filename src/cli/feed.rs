//! The feed that a command reads.

use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::exit::Failure;
use super::output::path_of;
use crate::feed::{Feed, FeedSource};
use crate::mapping::Mapping;
use crate::report::{self, FeedReport};
use crate::run::encoding_note;

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

/// Opens a feed, with a note where hrfeed had to guess.
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
    if !feed.other_sheets().is_empty() && mapping.source.sheet.is_none() {
        let others: Vec<_> = feed
            .other_sheets()
            .iter()
            .map(|name| format!("`{}`", report::sanitize(name)))
            .collect();
        context.note(&format!(
            "note: reading {}; other sheets contain tables too: {} (choose one with `sheet` in [source])",
            feed.format(),
            others.join(", ")
        ));
    }
    note_encoding(context, encoding_note(&feed, mapping, None));
    Ok(feed)
}

/// Prints in which encoding a feed is read.
pub(super) fn note_encoding(context: &Context, note: Option<String>) {
    if let Some(note) = note {
        context.note(&format!("note: {note}"));
    }
}
