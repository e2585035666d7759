//! Rows and findings, one a line: as a table, as CSV, as JSON lines.
//!
//! All three are written as the lines come, so a million rows need no memory.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::planned::PlannedLine;
use super::table::{Column, Fit, Table};
use super::text::enumerate;
use super::{HeldLine, Style, sanitize, write_json};
use crate::model::corrections::{REASON, defused};
use crate::model::{Action, ExternalId, Finding, Outcome, RowNumber};

/// What rows and findings are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: columns, wrapped to the style's width.
    Table,
    /// For spreadsheets: a header line, then one record each.
    Csv,
    /// For scripts: one JSON object a line.
    Json,
}

/// How one row or one leaver ended: a line of `hrfeed rows --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowLine {
    /// Where the row starts in the feed; a leaver has no row. Serialized as `row`, and as
    /// `file` in a feed of several.
    #[serde(flatten, serialize_with = "place")]
    #[schemars(with = "Place")]
    pub row: Option<RowNumber>,
    /// The person.
    pub external_id: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was to be done.
    pub action: Option<Action>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// Requests that were sent to write it.
    pub attempts: u32,
    /// Why something is to be done, in one word; only in a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// Whether the mapping or the feed is the cause; only in a plan that is compared with one
    /// of another mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because_of: Option<&'static str>,
    /// Why it ended so, and what to do.
    pub message: Option<String>,
    /// The fields that change, by their names.
    pub changed: Vec<String>,
    /// The external ID by which the person was known until now, where it is
    /// another one.
    pub known_as: Option<String>,
    /// The hold that keeps the change back, or that approved it.
    pub hold: Option<i64>,
    /// The new values of the fields that change, by the names of the fields:
    /// personal data, only where somebody asked for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

/// Where a row is, as fields of its line.
#[derive(Serialize, JsonSchema)]
pub(super) struct Place {
    /// Where the row starts in the feed: the line of a CSV file, the row of a sheet. Null for
    /// somebody who is not in the feed.
    row: Option<u32>,
    /// In a feed of several files, the number of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<u16>,
}

impl Place {
    fn of(row: Option<RowNumber>) -> Self {
        Self {
            row: row.map(RowNumber::row),
            file: row.map(RowNumber::file).filter(|file| *file > 0),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde's signature")]
pub(super) fn place<S: Serializer>(
    row: &Option<RowNumber>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    Place::of(*row).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn place_of<S: Serializer>(row: &RowNumber, serializer: S) -> Result<S::Ok, S::Error> {
    place(&Some(*row), serializer)
}

/// Where several rows are, each as an object.
pub(super) fn places<S: Serializer>(rows: &[RowNumber], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.iter().map(|row| Place::of(Some(*row))))
}

impl RowLine {
    /// A line about a row or a leaver for whom nothing was sent.
    #[must_use]
    pub fn new(row: Option<RowNumber>, person: Option<&ExternalId>, outcome: Outcome) -> Self {
        Self {
            row,
            external_id: person.map(ToString::to_string),
            outcome,
            action: None,
            status: None,
            attempts: 0,
            why: None,
            because_of: None,
            message: None,
            changed: Vec::new(),
            known_as: None,
            hold: None,
            values: BTreeMap::new(),
        }
    }

    /// Why, what changes, and what else there is to say, safe to show.
    pub(super) fn details(&self) -> String {
        let message = self.message.as_deref().map(|it| shown(Some(it)));
        let parts: Vec<_> = message.into_iter().chain(self.change()).collect();
        let message = parts.join("; ");
        let notes = [
            self.hold.map(|hold| format!("hold {hold}")),
            (self.attempts > 1).then(|| format!("{} requests", self.attempts)),
        ];
        let notes: Vec<_> = notes.into_iter().flatten().collect();
        if notes.is_empty() {
            return message;
        }
        let gap = if message.is_empty() { "" } else { " " };
        format!("{message}{gap}({})", notes.join(", "))
    }

    /// Whether the message names this external ID already.
    fn is_named(&self, id: &str) -> bool {
        (self.message.as_deref()).is_some_and(|message| message.contains(id))
    }

    /// What changes, and who it was: `known as E4; changes city and lastName`.
    fn change(&self) -> Option<String> {
        let name = |field: &String| match self.values.get(field) {
            Some(value) => format!("{} `{}`", sanitize(field), sanitize(value)),
            None => sanitize(field).into_owned(),
        };
        let changed: Vec<_> = self.changed.iter().map(name).collect();
        // Why a change is held names the fields, too.
        let is_said = (self.message.as_deref()).is_some_and(|it| it.starts_with("changes "));
        let changed =
            (!changed.is_empty() && !is_said).then(|| format!("changes {}", enumerate(&changed)));
        let known_as = self.known_as.as_deref().filter(|id| !self.is_named(id));
        let known_as = known_as.map(|id| format!("known as {}", sanitize(id)));
        let parts: Vec<_> = known_as.into_iter().chain(changed).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// One problem of a row: an entry of `findings` of `hrfeed check --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingLine {
    /// Where the row starts in the feed; see [`RowLine::row`].
    #[serde(flatten, serialize_with = "place_of")]
    #[schemars(with = "Place")]
    pub row: RowNumber,
    /// The cell with the problem, as a spreadsheet has it: `D5`.
    pub cell: Option<String>,
    /// The row's external ID, where it has one.
    pub external_id: Option<String>,
    /// The feed's column with the problem.
    pub column: Option<String>,
    /// The field of the LMS with the problem.
    pub field: Option<String>,
    /// The code of the rule that it breaks.
    pub rule: String,
    /// The problem and what to do, without the person's data.
    pub message: String,
    /// The invalid text: a person's data, only where somebody asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl FindingLine {
    /// A finding without the person's data.
    #[must_use]
    pub fn new(finding: &Finding) -> Self {
        Self {
            row: finding.row,
            cell: finding.cell.as_deref().map(str::to_owned),
            external_id: finding.external_id.as_ref().map(ToString::to_string),
            column: finding.column.as_deref().map(str::to_owned),
            field: finding.field.as_deref().map(str::to_owned),
            rule: finding.rule.code().to_owned(),
            message: finding.message(),
            value: None,
        }
    }

    /// A finding with the invalid text, for somebody who asked to see it.
    #[must_use]
    pub fn with_value(finding: &Finding) -> Self {
        Self {
            value: finding.value.as_deref().map(str::to_owned),
            ..Self::new(finding)
        }
    }
}

/// Writes how rows ended.
pub type RowsWriter<W> = LinesWriter<RowLine, W>;

/// Writes what a plan would do.
pub type PlannedWriter<W> = LinesWriter<PlannedLine, W>;

/// Writes the people of a hold.
pub type HoldsWriter<W> = LinesWriter<HeldLine, W>;

/// Writes the problems of rows.
pub type FindingsWriter<W> = LinesWriter<FindingLine, W>;

/// Writes lines of one kind in one [`Format`].
#[derive(Debug)]
pub struct LinesWriter<L, W: Write> {
    sink: Sink<W>,
    kind: PhantomData<fn(&L)>,
}

#[derive(Debug)]
enum Sink<W: Write> {
    Table(Table, BufWriter<W>),
    Csv(Box<csv::Writer<W>>, Header),
    Json(BufWriter<W>),
}

/// Whether the header of CSV is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Due,
    Written,
}

impl Header {
    fn write<W: Write>(&mut self, names: &[&str], writer: &mut csv::Writer<W>) -> io::Result<()> {
        if std::mem::replace(self, Self::Written) == Self::Due {
            writer.write_record(names).map_err(io_error)?;
        }
        Ok(())
    }
}

impl<L: Line, W: Write> LinesWriter<L, W> {
    /// Writes to `out`; `style` matters to [`Format::Table`] only.
    pub fn new(format: Format, out: W, style: &Style) -> Self {
        let sink = match format {
            Format::Table => Sink::Table(Table::new(L::COLUMNS, *style), BufWriter::new(out)),
            Format::Csv => Sink::Csv(Box::new(csv::Writer::from_writer(out)), Header::Due),
            Format::Json => Sink::Json(BufWriter::new(out)),
        };
        Self {
            sink,
            kind: PhantomData,
        }
    }

    /// Writes one line.
    pub fn write(&mut self, line: &L) -> io::Result<()> {
        match &mut self.sink {
            Sink::Table(table, out) => table.push(line.cells(), out),
            Sink::Csv(writer, header) => {
                header.write(L::FIELDS, writer)?;
                let line = serde_json::to_value(line)?;
                writer
                    .write_record(L::FIELDS.iter().map(|field| csv_cell(&line[field])))
                    .map_err(io_error)
            }
            Sink::Json(out) => {
                write_json(line, &mut *out)?;
                out.write_all(b"\n")
            }
        }
    }

    /// Writes what is held back. CSV has its header even without a line.
    pub fn finish(self) -> io::Result<()> {
        match self.sink {
            Sink::Table(mut table, mut out) => {
                table.finish(&mut out)?;
                out.flush()
            }
            Sink::Csv(mut writer, mut header) => {
                header.write(L::FIELDS, &mut writer)?;
                writer.flush()
            }
            Sink::Json(mut out) => out.flush(),
        }
    }
}

/// A line that [`LinesWriter`] can write.
pub trait Line: Serialize {
    /// The columns of a table.
    const COLUMNS: &'static [Column];
    /// The fields of a CSV record, which are those of the JSON.
    const FIELDS: &'static [&'static str];

    /// The cells of a table, safe to show.
    fn cells(&self) -> Vec<String>;
}

impl Line for RowLine {
    const COLUMNS: &'static [Column] = &[
        Column("Row", Fit::Number),
        Column("External ID", Fit::Text),
        Column("Outcome", Fit::Text),
        Column("Action", Fit::Text),
        Column("HTTP", Fit::Number),
        Column("Details", Fit::Rest),
    ];
    const FIELDS: &'static [&'static str] = &[
        "row",
        "external_id",
        "outcome",
        "action",
        "status",
        "attempts",
        "message",
        "changed",
        "known_as",
        "hold",
        "file",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            text(self.row),
            shown(self.external_id.as_deref()),
            self.outcome.word().to_owned(),
            text(self.action.map(Action::word)),
            text(self.status),
            self.details(),
        ]
    }
}

impl Line for FindingLine {
    const COLUMNS: &'static [Column] = &[
        Column("Cell", Fit::Number),
        Column("External ID", Fit::Text),
        Column("Problem", Fit::Rest),
    ];
    const FIELDS: &'static [&'static str] = &[
        "row",
        "external_id",
        "column",
        "field",
        "rule",
        "message",
        "value",
        "file",
        "cell",
    ];

    fn cells(&self) -> Vec<String> {
        let mut message = shown(Some(&self.message));
        if let Some(value) = &self.value {
            message = format!("{message} (the value is `{}`)", sanitize(value));
        }
        let external_id = shown(self.external_id.as_deref());
        // Of a problem of no single cell, the row.
        let cell = match (&self.cell, self.row.file()) {
            (Some(cell), 0) => cell.clone(),
            (Some(cell), file) => format!("{cell} of file {file}"),
            (None, _) => self.row.to_string(),
        };
        vec![cell, external_id, message]
    }
}

pub(super) fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

pub(super) fn shown(text: Option<&str>) -> String {
    text.map(sanitize).unwrap_or_default().into_owned()
}

/// A field as a cell of CSV.
fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => defused(&sanitize(text)).into_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(csv_cell).collect();
            items.join(", ")
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| format!("{name}: {}", plain(value)));
            defused(&sanitize(&fields.collect::<Vec<_>>().join("; "))).into_owned()
        }
        number => number.to_string(),
    }
}

/// What the system says of a failed write; csv wraps it, and the one who prints must
/// know a reader that went away.
pub(super) fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Whether a file that begins so is one of rows or people that hrfeed wrote: CSV by
/// its header, JSON by the keys of its first line. A table for people and a workbook
/// cannot be recognised.
#[must_use]
pub fn is_export(start: &[u8]) -> bool {
    // Of a copy in UTF-16 the letters remain.
    let start: Vec<u8> = start.iter().copied().filter(|byte| *byte != 0).collect();
    let first = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    let first = first.trim_end_matches('\r');
    let headers = [RowLine::FIELDS, HeldLine::FIELDS, FindingLine::FIELDS];
    // Earlier releases had fewer fields at the end.
    headers.iter().any(|fields| {
        let header = fields.join(",");
        let more = header.strip_prefix(first);
        more.is_some_and(|more| ["", ",file", ",file,cell"].contains(&more))
    }) || first.trim_end_matches('"').ends_with(REASON)
        || (first.starts_with("{\"row\":") && first.contains("\"external_id\":"))
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
