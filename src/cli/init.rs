//! `hrfeed init`: looks at a feed and writes a first mapping for it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::context::Context;
use super::exit::{Exit, Failure};
use super::look_back::write_whole;
use super::recognise::{Column, date_form, recognise};
use crate::feed::{CellKind, Feed, FeedError, FeedOptions, FeedSource};
use crate::report;
use crate::schema::{Field, Kind, System};
use crate::validate::country_meant;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The feed to look at: CSV, CSV.GZ or XLSX; `-` reads stdin
    #[arg(value_name = "FEED")]
    feed: PathBuf,
    /// The LMS that is to be fed
    #[arg(long, value_enum, value_name = "SYSTEM")]
    target: TargetArg,
    /// The file to write; stdout unless named
    #[arg(short, long, value_name = "FILE.toml")]
    output: Option<PathBuf>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TargetArg {
    Kmi,
    Anewspring,
}

/// Rows that are looked at.
const LOOKED_AT: u32 = 1_000;

pub(super) fn run(context: &Context, args: &InitArgs) -> Result<Exit, Failure> {
    let system = match args.target {
        TargetArg::Kmi => System::Kmi,
        TargetArg::Anewspring => {
            return Err(Failure::usage(
                "target anewspring is not supported yet",
                "supported: kmi",
            ));
        }
    };
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
    let options = FeedOptions {
        sheet: args.sheet.clone(),
        header_row: args.header_row,
        ..FeedOptions::default()
    };
    let mut feed = Feed::open(&FeedSource::from_argument(&args.feed), &options)?;
    let columns = columns(&mut feed)?;
    let (text, missing) = mapping(system, &feed, args, &columns);
    match &args.output {
        Some(output) => {
            write_whole(output, text.as_bytes())?;
            context.note(&format!("wrote {}", output.display()));
        }
        None => context.print(&text)?,
    }
    if missing.is_empty() {
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
            missing.join(", ")
        ));
    }
    Ok(Exit::Done)
}

/// Looks at the first rows.
fn columns(feed: &mut Feed) -> Result<Vec<Column>, Failure> {
    struct Sample {
        cells: Vec<(String, CellKind)>,
    }
    enum Enough {
        Rows,
        Failed(FeedError),
    }
    impl From<FeedError> for Enough {
        fn from(error: FeedError) -> Self {
            Self::Failed(error)
        }
    }
    let width = feed.columns().len();
    let mut columns: Vec<Column> = feed
        .columns()
        .iter()
        .map(|name| Column {
            name: name.clone(),
            ..Column::default()
        })
        .collect();
    let mut seen: Vec<HashSet<String>> = vec![HashSet::new(); width];
    let mut rows = 0;
    let read = feed.read(
        |records| {
            let mut samples = Vec::new();
            while let Some(record) = records.next_record() {
                if samples.len() < LOOKED_AT as usize {
                    let cells = (0..width).filter_map(|index| record.cell(index));
                    samples.push(Sample {
                        cells: cells
                            .map(|cell| (cell.text.trim().to_owned(), cell.kind))
                            .collect(),
                    });
                }
            }
            samples
        },
        |samples, _| {
            for sample in samples {
                if rows >= LOOKED_AT {
                    return Err(Enough::Rows);
                }
                rows += 1;
                for (index, (text, kind)) in sample
                    .cells
                    .into_iter()
                    .enumerate()
                    .filter(|(_, (text, _))| !text.is_empty())
                {
                    let column = &mut columns[index];
                    column.filled += 1;
                    let at = text.find('@');
                    column.emails += u32::from(at.is_some_and(|at| at > 0 && at + 1 < text.len()));
                    // A date cell needs no form.
                    if kind != CellKind::Date && column.samples.len() < 200 {
                        column.samples.push(text.clone());
                    }
                    column.distinct += u32::from(seen[index].insert(text));
                }
            }
            Ok(())
        },
    );
    match read {
        Ok(()) | Err(Enough::Rows) => Ok(columns),
        Err(Enough::Failed(error)) => Err(error.into()),
    }
}

/// The mapping's text, and the required fields that were not recognised.
fn mapping(
    system: System,
    feed: &Feed,
    args: &InitArgs,
    columns: &[Column],
) -> (String, Vec<&'static str>) {
    let mut text = String::new();
    let mut missing = Vec::new();
    let found = recognise(system.fields(), columns);
    // Writing into a String cannot fail.
    let _infallible = write_mapping(&mut text, system, feed, args, columns, &found, &mut missing);
    (text, missing)
}

fn write_mapping(
    text: &mut String,
    system: System,
    feed: &Feed,
    args: &InitArgs,
    columns: &[Column],
    found: &[(&'static Field, Option<usize>)],
    missing: &mut Vec<&'static str>,
) -> std::fmt::Result {
    let name = args.feed.file_name().map_or_else(
        || "stdin".into(),
        |name| name.to_string_lossy().into_owned(),
    );
    writeln!(
        text,
        "# How hrfeed reads `{}` for {}.",
        report::sanitize(&name),
        system.title()
    )?;
    writeln!(
        text,
        "# Found: {}, header in row {}.",
        report::sanitize(&feed.format().to_string()),
        feed.header_row()
    )?;
    writeln!(text, "\n[target]")?;
    writeln!(text, "system = \"{}\"", system.word())?;
    writeln!(
        text,
        "base_url = \"https://lms.example.com\"             # the address of your LMS"
    )?;
    writeln!(
        text,
        "api_key = {{ env = \"KMI_API_KEY\" }}                # the environment variable that holds the key,"
    )?;
    writeln!(
        text,
        "api_secret = {{ env = \"KMI_API_SECRET\" }}          # never the key itself; or {{ file = \"…\" }}"
    )?;
    writeln!(
        text,
        "requests_per_second = 10                         # never exceeded"
    )?;
    writeln!(text, "max_in_flight = 8")?;
    if args.sheet.is_some() || args.header_row.is_some() {
        writeln!(text, "\n[source]")?;
        if let Some(sheet) = &args.sheet {
            writeln!(text, "sheet = {}", quoted(sheet))?;
        }
        if let Some(row) = args.header_row {
            writeln!(text, "header_row = {row}")?;
        }
    }
    writeln!(text, "\n# Field of the LMS = where its value comes from.")?;
    writeln!(text, "[fields]")?;
    let email = found
        .iter()
        .find(|(field, _)| field.kind == Kind::Email)
        .and_then(|(_, column)| *column);
    for (field, column) in found {
        match (column, field.kind) {
            (Some(column), _) => writeln!(text, "{}", line(field, &columns[*column]))?,
            // Most organisations let people sign in with their address.
            (None, Kind::Login) if email.is_some() => {
                let column = email.map_or("", |index| columns[index].name.as_str());
                writeln!(
                    text,
                    "{} = {{ column = {}, lower = true }}  # no column of its own: the e-mail address serves",
                    field.name,
                    quoted(column)
                )?;
            }
            (None, _) if field.required => {
                missing.push(field.name);
                writeln!(
                    text,
                    "# ? {} = \"…\"  # required, and no column was recognised",
                    field.name
                )?;
            }
            (None, _) => {}
        }
    }
    let used: HashSet<usize> = found.iter().filter_map(|(_, column)| *column).collect();
    let unused: Vec<_> = (0..columns.len())
        .filter(|index| !used.contains(index))
        .collect();
    if !unused.is_empty() {
        writeln!(text, "\n# Columns of the feed that are not used:")?;
        for index in unused {
            writeln!(text, "#   {}", quoted(&columns[index].name))?;
        }
    }
    let unmapped: Vec<_> = found
        .iter()
        .filter(|(field, column)| column.is_none() && !field.required)
        .map(|(field, _)| field.name)
        .collect();
    if !unmapped.is_empty() {
        writeln!(
            text,
            "# Fields of the LMS that are left alone: {}",
            unmapped.join(", ")
        )?;
    }
    writeln!(text, "\n[unique]")?;
    writeln!(text, "fields = [\"externalId\", \"loginName\"]")?;
    writeln!(
        text,
        "duplicates = \"reject\"                            # of two rows with one value neither is sent; or first, last"
    )
}

fn line(field: &Field, column: &Column) -> String {
    let name = quoted(&column.name);
    match field.kind {
        Kind::Email => format!("{} = {{ column = {name}, lower = true }}", field.name),
        Kind::Date => match date_form(&column.samples) {
            Some((form, doubtful)) => format!(
                "{} = {{ column = {name}, date = \"{form}\" }}{}",
                field.name,
                if doubtful {
                    "  # day and month could be the other way round: look"
                } else {
                    ""
                }
            ),
            None => format!("{} = {name}", field.name),
        },
        Kind::Country => {
            let mut values: Vec<_> = column
                .samples
                .iter()
                .filter(|sample| sample.chars().count() != 2)
                .collect();
            values.sort();
            values.dedup();
            if values.is_empty() {
                return format!("{} = {name}", field.name);
            }
            let map: Vec<_> = values
                .iter()
                .filter_map(|value| {
                    Some(format!("{} = \"{}\"", quoted(value), country_meant(value)?))
                })
                .take(30)
                .collect();
            if map.is_empty() {
                return format!("{} = {name}", field.name);
            }
            format!(
                "{} = {{ column = {name}, map = {{ {} }} }}",
                field.name,
                map.join(", ")
            )
        }
        _ => format!("{} = {name}", field.name),
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
