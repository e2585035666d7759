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
//! - Nobody is removed by it: a filter leaves people out, and they are left alone.
//! - No value of a person is in it, only shapes, and the words of short lists.

mod columns;
mod dates;
mod fields;
mod genders;
mod keys;
mod left_over;
mod names;
mod places;
mod quote;
mod recognise;
mod settings;
mod shape;
mod status;
mod systems;
mod words;

use std::fmt::{self, Write as _};

use schemars::JsonSchema;
use serde::Serialize;

use self::quote::{listed, quoted, remark};
use self::recognise::{Origin, recognise};
use self::status::Filter;
use crate::feed::{Feed, FeedError, FeedOptions, Format};
use crate::headers;
use crate::mapping::likely_forms;
use crate::model::{InWorkbook, NoPerson, Remark};
use crate::report::sanitize;
use crate::schema::System;
use crate::validate::is_email;

/// What a first mapping is written from, apart from the feed.
#[derive(Clone, Debug)]
pub struct DraftOptions {
    /// The LMS to feed.
    pub system: System,
    /// The feed's name for people: that of its file.
    pub feed_name: String,
    /// How the feed was opened.
    pub source: FeedOptions,
    /// The feed is the newest of several files.
    pub is_newest: bool,
}

/// A first mapping, and remarks on it.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The mapping.
    pub text: String,
    /// What was decided about each field that has a column or needs one.
    pub proposals: Vec<Proposal>,
    /// Columns that no field uses.
    pub unused: Vec<Unused>,
    /// Required fields that were not recognised.
    pub missing: Vec<&'static str>,
    /// Lines that a person must look at, each with the field.
    pub checks: Vec<String>,
    /// The system that exported the feed, such as `a Workday report`.
    pub exported_by: Option<&'static str>,
    /// Remarks for the person who will use it.
    pub notes: Vec<String>,
}

/// Where a field's value comes from, and why.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Proposal {
    /// The field of the LMS.
    pub field: &'static str,
    /// What the mapping says behind the `=`; nothing where a person must fill it in.
    pub setting: Option<String>,
    /// The columns that it is about.
    pub columns: Vec<String>,
    /// Why, for a person.
    pub why: String,
    /// What the first column's cells look like.
    pub shapes: Vec<String>,
    /// Settings that a person could prefer.
    pub others: Vec<String>,
}

/// A column that no field uses.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Unused {
    /// Its name.
    pub column: String,
    /// Why, where that is not plain.
    pub why: Option<String>,
}

/// The lines of [source] for the newest of several files.
const NEWEST: &str = "\
# Of several files the one that was written last is the feed. It can be half\n\
# written when hrfeed starts: the line below the next one waits until it is\n\
# whole.\n\
files = \"newest\"\n\
# unchanged_for = \"30s\"\n";

/// The lines that join the contracts of `HelloID`.
const CONTRACTS: &str = "\n\
# The contracts are in a file of their own. These lines make its columns those\n\
# of the feed; the contract that began last counts. `feed.ExternalId` is then\n\
# the person's.\n\
# [join]\n\
# file = \"contracts.csv\"\n\
# name = \"contracts\"\n\
# on = { feed = \"ExternalId\", file = \"PersonId\" }\n\
# pick = { column = \"StartDate\", order = \"latest\" }\n";

/// Whether the row that was taken for a header is a person: a header has no addresses, no
/// days, and no numbers but years and the like.
#[must_use]
pub fn lacks_header(feed: &Feed) -> bool {
    const LONG: usize = 5;
    let is_number = |name: &&String| {
        let is_sign = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',');
        name.bytes().all(is_sign) && name.bytes().any(|byte| byte.is_ascii_digit())
    };
    let is_day = |name: &String| {
        let forms = likely_forms([name.as_str()]);
        forms.iter().any(|form| form.contains("%d"))
    };
    let columns = feed.columns();
    let is_known = columns.iter().any(|name| headers::is_known(name));
    let has_value = columns.iter().any(|name| is_email(name) || is_day(name));
    let numbers: Vec<_> = columns.iter().filter(is_number).collect();
    let are_values = numbers.len() >= 2 || numbers.iter().any(|it| it.len() >= LONG);
    !is_known && columns.len() > 1 && (has_value || are_values)
}

impl Draft {
    /// Reads the first rows of a feed and writes a mapping for it.
    ///
    /// # Errors
    /// The feed cannot be read.
    pub fn of(feed: &mut Feed, options: &DraftOptions) -> Result<Self, FeedError> {
        let sample = columns::read(feed)?;
        let system = options.system;
        let found = recognise(system, &sample);
        let email = system.spec().email;
        let has_email =
            (found.choices.iter()).any(|it| it.field.name == email && it.origin != Origin::Nothing);
        let mut draft = Self {
            exported_by: systems::of(&sample.columns),
            ..Self::default()
        };
        // Writing into a String cannot fail.
        let _infallible = draft
            .head(feed, options)
            .and_then(|()| draft.source(feed, options, found.filter.as_ref()))
            .map(|()| draft.contracts())
            .and_then(|()| draft.fields(system, &sample, &found))
            .and_then(|()| draft.left_over(&sample, &found))
            .and_then(|()| draft.unique(system))
            .and_then(|()| settings::write(&mut draft.text, system, has_email));
        if sample.columns.iter().all(|column| column.rows == 0) {
            draft
                .notes
                .push("the feed has no rows, so its columns were recognised by name only".into());
        }
        // What the mapping itself says is not said again.
        let said = |remark: &Remark| {
            matches!(
                remark,
                Remark::Encoding { .. } | Remark::Workbook(InWorkbook::OtherSheets { .. })
            )
        };
        let remarks = feed.remarks().into_iter();
        let unsaid = remarks.filter(|it| !said(&it.remark));
        draft
            .notes
            .extend(unsaid.map(|it| sanitize(&it.to_string()).into_owned()));
        Ok(draft)
    }

    fn head(&mut self, feed: &Feed, options: &DraftOptions) -> fmt::Result {
        let (text, system) = (&mut self.text, options.system);
        let name = sanitize(&options.feed_name);
        let format = feed.format().to_string();
        text.push_str(&remark(&format!("How hrfeed reads `{name}` for {system}.")));
        let format = sanitize(&format);
        let header = if options.source.has_no_header {
            "no header".to_owned()
        } else {
            format!("header in row {}", feed.header_row())
        };
        text.push_str(&remark(&format!("Found: {format}, {header}.")));
        let labels = feed.remarks().into_iter();
        let labels = labels.filter_map(|it| match it.remark {
            Remark::NoPerson {
                what: NoPerson::Labels,
            } => it.rows.first().copied(),
            _ => None,
        });
        let two_rows =
            labels.map(|row| format!(" The header has two rows: row {row} is left out."));
        let two_rows = two_rows.collect::<String>();
        if let Some(title) = self.exported_by {
            text.push_str(&remark(&format!("This looks like {title}.{two_rows}")));
        } else {
            text.push_str(&if two_rows.is_empty() {
                two_rows
            } else {
                remark(&two_rows)
            });
        }
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
        writeln!(
            text,
            "max_in_flight = 8\n\
             # How long a request may take, and how much later one without an answer may\n\
             # still be carried out.\n\
             # timeout = \"60s\"\n\
             # settle_after = \"30s\""
        )
    }

    /// Where the table is in the file, if that was given or is ambiguous, and which rows
    /// belong to the feed.
    fn source(
        &mut self,
        feed: &Feed,
        options: &DraftOptions,
        filter: Option<&Filter>,
    ) -> fmt::Result {
        let asked = &options.source;
        let others = feed.other_sheets();
        let found = match feed.format() {
            Format::Workbook { sheet } if !others.is_empty() => Some(sheet),
            _ => None,
        };
        let mut lines = String::new();
        if options.is_newest {
            lines.push_str(NEWEST);
        }
        if let Some(encoding) = &asked.encoding {
            writeln!(lines, "encoding = {}", quoted(encoding))?;
        }
        if let Some(sheet) = &asked.sheet {
            writeln!(lines, "sheet = {}", quoted(sheet))?;
        } else if let Some(sheet) = found {
            let others = listed(others.iter().map(String::as_str));
            lines.push_str(&remark(&format!(
                "Other sheets contain tables, too: {others}."
            )));
            writeln!(lines, "sheet = {}", quoted(sheet))?;
            self.notes.push(format!(
                "this is sheet {}; other sheets contain tables, too: {others} \
                 (choose one with `--sheet`)",
                sanitize(&quoted(sheet))
            ));
        }
        if let Some(row) = asked.header_row {
            writeln!(lines, "header_row = {row}")?;
        }
        if asked.has_no_header {
            writeln!(
                lines,
                "# No row names the columns: they are called as in a spreadsheet.\n\
                 header = false"
            )?;
        }
        let is_active = !lines.is_empty() || filter.is_some_and(|it| it.is_certain);
        if let Some(filter) = filter {
            lines.push_str(&filter.lines(is_active));
            if filter.is_certain {
                self.checks.push(format!(
                    "`where` in [source]: it leaves out {} of {} rows",
                    filter.leaves_out, filter.rows
                ));
            }
        }
        match (is_active, lines.is_empty()) {
            (_, true) => Ok(()),
            (true, false) => write!(self.text, "\n[source]\n{lines}"),
            (false, false) => write!(self.text, "\n{lines}"),
        }
    }

    /// The lines for a file of contracts, where the system writes one beside that of people.
    fn contracts(&mut self) {
        if self.exported_by == Some(systems::HELLOID_PERSONS) {
            self.text.push_str(CONTRACTS);
        }
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

#[cfg(test)]
mod draft_tests;
#[cfg(test)]
mod header_tests;
#[cfg(test)]
mod measure_tests;
#[cfg(test)]
mod recognise_tests;
