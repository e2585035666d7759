//! A feed becomes a first mapping: each field of the LMS gets the column that
//! it probably comes from, and each decision that is a person's a line to
//! choose.
//!
//! # Invariants
//!
//! - The text is a mapping that fits the feed, once the lines marked `# ?` are
//!   filled in.
//! - Who may do what is never guessed: roles, groups and passwords are lines
//!   behind a `#`.

mod columns;
mod fields;
mod names;
mod quote;
mod recognise;
mod settings;
mod words;

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use self::columns::Column;
use self::quote::{listed, quoted};
use self::recognise::recognise;
use crate::feed::{Feed, FeedError, FeedOptions, Format};
use crate::report::sanitize;
use crate::schema::{Field, System};

/// What a first mapping is written from, beside the feed.
#[derive(Clone, Debug)]
pub struct DraftOptions {
    /// The LMS that is to be fed.
    pub system: System,
    /// What people call the feed: the name of its file.
    pub feed_name: String,
    /// How the feed was opened.
    pub source: FeedOptions,
}

/// A first mapping, and what must be said about it.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The mapping.
    pub text: String,
    /// Required fields that were not recognised.
    pub missing: Vec<&'static str>,
    /// What a person should know who will use it.
    pub notes: Vec<String>,
}

/// For each field the column it comes from.
type Found = [(&'static Field, Option<usize>)];

/// Names of fields on one line of a remark.
const FIELDS_A_LINE: usize = 7;

impl Draft {
    /// Reads the first rows of a feed and writes a mapping for it.
    ///
    /// # Errors
    /// The feed cannot be read.
    pub fn of(feed: &mut Feed, options: &DraftOptions) -> Result<Self, FeedError> {
        let columns = columns::read(feed)?;
        let system = options.system;
        let found = recognise(system.spec().fields, &columns);
        let mut draft = Self::default();
        // Writing into a String cannot fail.
        let _infallible = draft
            .head(feed, options)
            .and_then(|()| draft.source(feed, &options.source))
            .and_then(|()| draft.fields(system, &columns, &found))
            .and_then(|()| draft.left_over(&columns, &found))
            .and_then(|()| draft.unique(system))
            .and_then(|()| settings::write(&mut draft.text, system));
        if columns.iter().all(|column| column.rows == 0) {
            draft.notes.push(
                "the feed has no rows: its columns are recognised by their names only".into(),
            );
        }
        Ok(draft)
    }

    fn head(&mut self, feed: &Feed, options: &DraftOptions) -> fmt::Result {
        let (text, system) = (&mut self.text, options.system);
        let name = sanitize(&options.feed_name);
        let format = feed.format().to_string();
        writeln!(text, "# How hrfeed reads `{name}` for {system}.")?;
        writeln!(
            text,
            "# Found: {}, header in row {}.",
            sanitize(&format),
            feed.header_row()
        )?;
        let word = system.word();
        writeln!(
            text,
            "\n[target]\n\
             system = \"{word}\"\n\
             # The address of your LMS.\n\
             base_url = \"https://lms.example.com\""
        )?;
        let name = word.to_uppercase();
        if system.spec().secret_header.is_some() {
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

    /// Where the table is in the file, if a person said it or could doubt it.
    fn source(&mut self, feed: &Feed, asked: &FeedOptions) -> fmt::Result {
        let others = feed.other_sheets();
        let found = match feed.format() {
            Format::Xlsx { sheet } if !others.is_empty() => Some(sheet),
            _ => None,
        };
        let nothing_asked =
            asked.encoding.is_none() && asked.sheet.is_none() && asked.header_row.is_none();
        if nothing_asked && found.is_none() {
            return Ok(());
        }
        writeln!(self.text, "\n[source]")?;
        if let Some(encoding) = &asked.encoding {
            writeln!(self.text, "encoding = {}", quoted(encoding))?;
        }
        if let Some(sheet) = &asked.sheet {
            writeln!(self.text, "sheet = {}", quoted(sheet))?;
        } else if let Some(sheet) = found {
            let others = listed(others.iter().map(String::as_str));
            writeln!(self.text, "# Other sheets hold tables too: {others}.")?;
            writeln!(self.text, "sheet = {}", quoted(sheet))?;
            self.notes.push(format!(
                "note: this is sheet {}; other sheets hold tables too: {others} \
                 (choose one with `--sheet`)",
                sanitize(&quoted(sheet))
            ));
        }
        if let Some(row) = asked.header_row {
            writeln!(self.text, "header_row = {row}")?;
        }
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
                    "  appears more than once: to use one, give them different names in the feed"
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
        let fields = listed(system.spec().unique.iter().copied());
        writeln!(self.text, "fields = [{fields}]")?;
        writeln!(
            self.text,
            "duplicates = \"reject\"  # sends neither of two such rows; or \"first\", \"last\""
        )
    }
}
