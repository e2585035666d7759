//! `hrfeed init`: generates a starter mapping from a feed.

use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::output_file::{Kind, OutputFile};
use crate::feed::{Feed, FeedOptions, FeedSource};
use crate::schema::System;
use crate::suggest::{Draft, DraftOptions};

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Feed to read: CSV, CSV.GZ or XLSX (`-` for stdin)
    #[arg(value_name = "FEED")]
    feed: PathBuf,
    /// Choose the LMS
    #[arg(long, value_enum, value_name = "SYSTEM")]
    target: System,
    /// Write the mapping to this file instead of stdout
    #[arg(short, long, value_name = "FILE.toml")]
    output: Option<PathBuf>,
    /// Read the CSV file in this encoding, if it is not UTF-8, UTF-16 or windows-1252
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// Read this sheet of the workbook
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Find the header in this row, counted as in an editor or in Excel
    #[arg(long, value_name = "ROW")]
    header_row: Option<u32>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

pub(super) fn run(context: &Context, args: &InitArgs) -> Result<Exit, Failure> {
    let output = args
        .output
        .as_deref()
        .map(|path| OutputFile::new(path, Kind::Mapping, args.force).but(&args.feed, "the feed"));
    if let Some(output) = &output {
        output.check()?;
    }
    let source = FeedOptions {
        encoding: args.encoding.clone(),
        sheet: args.sheet.clone(),
        header_row: args.header_row,
        ..FeedOptions::default()
    };
    let mut feed = Feed::open(&FeedSource::from_argument(&args.feed), &source)?;
    let name = args.feed.file_name().filter(|name| *name != "-");
    let options = DraftOptions {
        system: args.target,
        feed_name: name.map_or("stdin".into(), |name| name.to_string_lossy().into_owned()),
        source,
    };
    let draft = Draft::of(&mut feed, &options)?;
    match &output {
        Some(output) => {
            output.write(context, |out| Ok(out.write_all(draft.text.as_bytes())?))?;
        }
        None => context.print(&draft.text)?,
    }
    for note in &draft.notes {
        context.note(note);
    }
    if draft.missing.is_empty() {
        let mapping = args
            .output
            .as_ref()
            .map_or("MAPPING".into(), |output| output.display().to_string());
        context.note(&format!(
            "Next: review the mapping, then run `hrfeed check {} -m {mapping}`",
            args.feed.display()
        ));
    } else {
        context.note(&format!(
            "No column was recognised for: {}. Fill in the lines marked with `# ?`.",
            draft.missing.join(", ")
        ));
    }
    Ok(Exit::Done)
}
