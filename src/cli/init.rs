//! `hrfeed init`: reads a feed and writes a first mapping for it.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::context::Context;
use super::exit::{Exit, Failure};
use super::output::write_whole;
use crate::feed::{Feed, FeedOptions, FeedSource};
use crate::schema::System;
use crate::suggest::{Draft, DraftOptions};

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The feed to look at: CSV, CSV.GZ or XLSX; `-` reads stdin
    #[arg(value_name = "FEED")]
    feed: PathBuf,
    /// The LMS that is to be fed
    #[arg(long, value_enum, value_name = "SYSTEM")]
    target: System,
    /// The file to write; stdout unless named
    #[arg(short, long, value_name = "FILE.toml")]
    output: Option<PathBuf>,
    /// The encoding of a CSV file that is neither UTF-8, UTF-16 nor windows-1252
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// The sheet to look at
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// The row of the header, as an editor or Excel counts
    #[arg(long, value_name = "ROW")]
    header_row: Option<u32>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

/// The LMS is named on the command line as in a mapping.
impl ValueEnum for System {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()))
    }
}

pub(super) fn run(context: &Context, args: &InitArgs) -> Result<Exit, Failure> {
    if let Some(output) = args
        .output
        .as_ref()
        .filter(|output| !args.force && output.exists())
    {
        return Err(Failure::usage(
            format!("`{}` is there already", output.display()),
            "name another file, or replace it with `--force`",
        ));
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
    match &args.output {
        Some(output) => {
            write_whole(output, draft.text.as_bytes())?;
            context.note(&format!("wrote {}", output.display()));
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
            "next: read it through, then `hrfeed check {} -m {mapping}`",
            args.feed.display()
        ));
    } else {
        context.note(&format!(
            "no column was recognised for: {}. Fill these lines in; they are marked with `# ?`",
            draft.missing.join(", ")
        ));
    }
    Ok(Exit::Done)
}
