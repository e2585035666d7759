//! `hrfeed init`: looks at a feed and writes a first mapping for it.

mod settings;

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::context::Context;
use super::exit::{Exit, Failure};
use super::output::write_whole;
use super::recognise::{Column, Genders, date_form, recognise, suits};
use crate::feed::{CellKind, Feed, FeedError, FeedOptions, FeedSource, Format};
use crate::mapping::fold;
use crate::report;
use crate::schema::{Field, Kind, System};
use crate::validate::{country_meant, is_email};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TargetArg {
    Kmi,
    Anewspring,
}

/// Names of fields on one line of a remark.
const FIELDS_A_LINE: usize = 7;
/// Rows that are looked at.
const LOOKED_AT: u32 = 1_000;
/// Values of a column that are kept, no value twice.
const SAMPLES: usize = 200;

pub(super) fn run(context: &Context, args: &InitArgs) -> Result<Exit, Failure> {
    let system = match args.target {
        TargetArg::Kmi => System::Kmi,
        TargetArg::Anewspring => System::ANewSpring,
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
        encoding: args.encoding.clone(),
        sheet: args.sheet.clone(),
        header_row: args.header_row,
        ..FeedOptions::default()
    };
    let mut feed = Feed::open(&FeedSource::from_argument(&args.feed), &options)?;
    let columns = columns(&mut feed)?;
    let draft = Draft::new(system, &feed, args, &columns);
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
    for (_, same) in feed.duplicate_columns() {
        for index in same {
            columns[index].repeated = true;
        }
    }
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
                    column.emails += u32::from(is_email(&text));
                    if seen[index].contains(&text) {
                        continue;
                    }
                    column.distinct += 1;
                    // A date cell needs no form.
                    if kind != CellKind::Date && column.samples.len() < SAMPLES {
                        column.samples.push(text.clone());
                    }
                    seen[index].insert(text);
                }
            }
            Ok(())
        },
    );
    for column in &mut columns {
        column.rows = rows;
    }
    match read {
        Ok(()) | Err(Enough::Rows) => Ok(columns),
        Err(Enough::Failed(error)) => Err(error.into()),
    }
}

/// For each field the column it comes from.
type Found = [(&'static Field, Option<usize>)];

/// A first mapping, and what must be said about it.
#[derive(Default)]
struct Draft {
    text: String,
    /// Required fields that were not recognised.
    missing: Vec<&'static str>,
    notes: Vec<String>,
}

impl Draft {
    fn new(system: System, feed: &Feed, args: &InitArgs, columns: &[Column]) -> Self {
        let mut draft = Self::default();
        let found = recognise(system.fields(), columns);
        // Writing into a String cannot fail.
        let _infallible = draft
            .head(system, feed, args)
            .and_then(|()| draft.source(feed, args))
            .and_then(|()| draft.fields(system, columns, &found))
            .and_then(|()| draft.left_over(columns, &found))
            .and_then(|()| draft.unique(system))
            .and_then(|()| settings::write(&mut draft.text, system));
        if columns.iter().all(|column| column.rows == 0) {
            draft.notes.push(
                "the feed has no rows: its columns are recognised by their names only".into(),
            );
        }
        draft
    }

    fn head(&mut self, system: System, feed: &Feed, args: &InitArgs) -> fmt::Result {
        let text = &mut self.text;
        let name = match args.feed.file_name() {
            Some(name) if name != "-" => name.to_string_lossy(),
            _ => "stdin".into(),
        };
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
        writeln!(text, "# The address of your LMS.")?;
        writeln!(text, "base_url = \"https://lms.example.com\"")?;
        let name = system.word().to_uppercase();
        if system.has_secret() {
            writeln!(
                text,
                "# The environment variables that hold key and secret, never these themselves;\n\
                 # or {{ file = \"…\" }}.\n\
                 api_key = {{ env = \"{name}_API_KEY\" }}\n\
                 api_secret = {{ env = \"{name}_API_SECRET\" }}"
            )?;
        } else {
            writeln!(
                text,
                "# The environment variable that holds the key, never the key itself;\n\
                 # or {{ file = \"…\" }}.\n\
                 api_key = {{ env = \"{name}_API_KEY\" }}"
            )?;
        }
        writeln!(text, "requests_per_second = 10  # never exceeded")?;
        writeln!(text, "max_in_flight = 8")
    }

    /// Where to look in the file, if it was said or could be doubted.
    fn source(&mut self, feed: &Feed, args: &InitArgs) -> fmt::Result {
        let others = feed.other_sheets();
        let found = match feed.format() {
            Format::Xlsx { sheet } if !others.is_empty() => Some(sheet),
            _ => None,
        };
        let nothing_said =
            args.encoding.is_none() && args.sheet.is_none() && args.header_row.is_none();
        if nothing_said && found.is_none() {
            return Ok(());
        }
        writeln!(self.text, "\n[source]")?;
        if let Some(encoding) = &args.encoding {
            writeln!(self.text, "encoding = {}", quoted(encoding))?;
        }
        if let Some(sheet) = &args.sheet {
            writeln!(self.text, "sheet = {}", quoted(sheet))?;
        } else if let Some(sheet) = found {
            let others = listed(others.iter().map(String::as_str));
            writeln!(self.text, "# Other sheets hold tables too: {others}.")?;
            writeln!(self.text, "sheet = {}", quoted(sheet))?;
            self.notes.push(format!(
                "note: this is sheet {}; other sheets hold tables too: {others} \
                 (choose one with `--sheet`)",
                report::sanitize(&quoted(sheet))
            ));
        }
        if let Some(row) = args.header_row {
            writeln!(self.text, "header_row = {row}")?;
        }
        Ok(())
    }

    fn fields(&mut self, system: System, columns: &[Column], found: &Found) -> fmt::Result {
        writeln!(
            self.text,
            "\n# Field of the LMS = where its value comes from."
        )?;
        writeln!(self.text, "[fields]")?;
        let email = found
            .iter()
            .find(|(field, _)| field.kind == Kind::Email)
            .and_then(|(_, column)| column.and_then(|index| columns.get(index)));
        let mut below = String::new();
        for (field, column) in found {
            let name = field.name;
            let column = column.and_then(|index| columns.get(index));
            match (column, field.kind, email) {
                (Some(column), Kind::Country, _) => {
                    country(&mut self.text, &mut below, name, column)?;
                }
                (Some(column), Kind::Gender, _) => gender(&mut self.text, name, column)?,
                (Some(column), ..) => writeln!(self.text, "{}", line(field, column))?,
                // Most organisations let people sign in with their address.
                (None, Kind::Login, Some(email)) => writeln!(
                    self.text,
                    "# No column of its own: the e-mail address serves.\n\
                     {name} = {{ column = {}, lower = true }}",
                    quoted(&email.name)
                )?,
                (None, Kind::ExternalId, Some(email)) if suits(field, email) => {
                    writeln!(
                        self.text,
                        "# No column was recognised as the HR system's own key for a person, so the\n\
                         # e-mail address serves. Whose address changes becomes a new person: name a\n\
                         # better column if there is one.\n\
                         {name} = {{ column = {}, lower = true }}",
                        quoted(&email.name)
                    )?;
                    self.notes.push(format!(
                        "no column was recognised for {name}: the e-mail address serves, \
                         and whose address changes becomes a new person"
                    ));
                }
                (None, ..) if field.required => {
                    self.missing.push(name);
                    writeln!(
                        self.text,
                        "# ? {name} = \"…\"  # required, and no column was recognised"
                    )?;
                }
                (None, ..) => {}
            }
        }
        settings::write_fields(&mut self.text, system, columns)?;
        self.text.push_str(&below);
        Ok(())
    }

    /// What is on one side only.
    fn left_over(&mut self, columns: &[Column], found: &Found) -> fmt::Result {
        let used: HashSet<usize> = found.iter().filter_map(|(_, column)| *column).collect();
        let unused: Vec<_> = (0..columns.len())
            .filter(|index| !used.contains(index))
            .collect();
        if !unused.is_empty() {
            writeln!(self.text, "\n# Columns of the feed that are not used:")?;
            for index in unused {
                let column = &columns[index];
                let remark = if column.repeated {
                    "  stands more than once: to use one, give them different names in the feed"
                } else {
                    ""
                };
                writeln!(self.text, "#   {}{remark}", quoted(&column.name))?;
            }
        }
        let unmapped: Vec<_> = found
            .iter()
            .filter(|(field, column)| column.is_none() && !field.required)
            .map(|(field, _)| field.name)
            .collect();
        if !unmapped.is_empty() {
            writeln!(self.text, "# Fields of the LMS that are left alone:")?;
            // Some systems have more fields than a line has room for.
            let lines: Vec<_> = unmapped
                .chunks(FIELDS_A_LINE)
                .map(|names| names.join(", "))
                .collect();
            writeln!(self.text, "#   {}", lines.join(",\n#   "))?;
        }
        let mut repeated: Vec<_> = columns
            .iter()
            .filter(|column| column.repeated)
            .map(|column| column.name.as_str())
            .collect();
        repeated.sort_unstable();
        repeated.dedup();
        if !repeated.is_empty() {
            self.notes.push(format!(
                "note: names that more than one column has: {}",
                listed(repeated.into_iter())
            ));
        }
        Ok(())
    }

    fn unique(&mut self, system: System) -> fmt::Result {
        writeln!(self.text, "\n[unique]")?;
        let fields = listed(system.unique().iter().copied());
        writeln!(self.text, "fields = [{fields}]")?;
        writeln!(
            self.text,
            "duplicates = \"reject\"  # sends neither of two such rows; or \"first\", \"last\""
        )
    }
}

/// The country's line; a map of some length has a part of its own below the
/// other fields.
fn country(text: &mut String, below: &mut String, field: &str, column: &Column) -> fmt::Result {
    const ON_ONE_LINE: usize = 3;
    let mut words: Vec<_> = column
        .samples
        .iter()
        .filter_map(|word| Some((word, country_meant(word)?)))
        .filter(|(word, code)| word != code)
        .collect();
    words.sort_unstable();
    let mut seen = HashSet::new();
    // Case does not count in a map.
    words.retain(|(word, _)| seen.insert(fold(word)));
    let name = quoted(&column.name);
    let mut map = words
        .iter()
        .map(|(word, code)| format!("{} = \"{code}\"", quoted(word)));
    if words.is_empty() {
        writeln!(text, "{field} = {name}")
    } else if words.len() <= ON_ONE_LINE {
        let map = map.collect::<Vec<_>>().join(", ");
        writeln!(text, "{field} = {{ column = {name}, map = {{ {map} }} }}")
    } else {
        writeln!(below, "\n[fields.{field}]\ncolumn = {name}")?;
        writeln!(below, "\n[fields.{field}.map]")?;
        map.try_for_each(|line| writeln!(below, "{line}"))
    }
}

/// The gender's line, with a translation for the words of the feed that hrfeed
/// does not know by itself.
fn gender(text: &mut String, field: &str, column: &Column) -> fmt::Result {
    // More words than that are not meant as a gender.
    const ROWS_SHOWN: usize = 8;
    let genders = Genders::of(&column.samples);
    if !genders.neither.is_empty() {
        let words = listed(genders.neither.iter().take(ROWS_SHOWN).map(String::as_str));
        writeln!(
            text,
            "# Neither female nor male, so such rows are refused: {words}. To send no\n\
             # gender for one, give it the value \"\" in `map`."
        )?;
    }
    let name = quoted(&column.name);
    if genders.map.is_empty() {
        return writeln!(text, "{field} = {name}");
    }
    let map: Vec<_> = genders
        .map
        .iter()
        .map(|(word, meant)| format!("{} = \"{meant}\"", key(word)))
        .collect();
    let map = map.join(", ");
    writeln!(text, "{field} = {{ column = {name}, map = {{ {map} }} }}")
}

/// A TOML key: in quotes only where it needs them.
fn key(word: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !word.is_empty() && word.bytes().all(is_bare) {
        word.to_owned()
    } else {
        quoted(word)
    }
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
        _ => format!("{} = {name}", field.name),
    }
}

/// Names in a row, each in quotes.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(quoted).collect::<Vec<_>>().join(", ")
}

/// A TOML string on one line, which is a key and a remark as well: headers of
/// spreadsheets hold line breaks.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if char.is_control() => {
                // Writing into a String cannot fail.
                let _infallible = write!(quoted, "\\u{:04X}", u32::from(char));
            }
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_name_is_a_key_a_value_and_a_remark_on_one_line(name in "\\PC*|[\\x00-\\x7f]*") {
            let quoted = quoted(&name);
            prop_assert!(!quoted.contains(['\n', '\r']));
            let table: toml::Table = format!("# {quoted}\n{quoted} = {quoted}").parse().unwrap();
            prop_assert_eq!(table.get(&name).and_then(toml::Value::as_str), Some(name.as_str()));
        }
    }
}
