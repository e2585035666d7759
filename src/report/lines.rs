//! Rows and findings, one a line: as a table, as CSV, as JSON lines.
//!
//! All three are written as the lines come, so a million rows need no memory.

use std::io::{self, BufWriter, Write};
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::Value;

use super::table::{Column, Fit, Table};
use super::{Style, sanitize};
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

/// How one row or one leaver ended. Serialized, it is a line of
/// `hrfeed rows --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowLine {
    /// Where the row starts in the feed; a leaver has no row.
    pub row: Option<u32>,
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
    /// Why it ended so, and what to do.
    pub message: Option<String>,
}

impl RowLine {
    /// A line about a row or a leaver for whom nothing was sent.
    #[must_use]
    pub fn new(row: Option<RowNumber>, person: Option<&ExternalId>, outcome: Outcome) -> Self {
        Self {
            row: row.map(|row| row.0),
            external_id: person.map(ToString::to_string),
            outcome,
            action: None,
            status: None,
            attempts: 0,
            message: None,
        }
    }
}

/// One problem of a row. Serialized, it is an entry of `findings` in
/// [`super::RunReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingLine {
    /// Where the row starts in the feed.
    pub row: u32,
    /// The row's external ID, where it has one.
    pub external_id: Option<String>,
    /// The feed's column with the problem.
    pub column: Option<String>,
    /// The target's field with the problem.
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
            row: finding.row.0,
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
            writer.write_record(names)?;
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
                writer.write_record(L::FIELDS.iter().map(|field| csv_cell(&line[field])))?;
                Ok(())
            }
            Sink::Json(out) => {
                serde_json::to_writer(&mut *out, line)?;
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
    ];

    fn cells(&self) -> Vec<String> {
        let mut message = shown(self.message.as_deref());
        if self.attempts > 1 {
            let gap = if message.is_empty() { "" } else { " " };
            message = format!("{message}{gap}(sent {} times)", self.attempts);
        }
        vec![
            text(self.row),
            shown(self.external_id.as_deref()),
            self.outcome.word().to_owned(),
            text(self.action.map(Action::word)),
            text(self.status),
            message,
        ]
    }
}

impl Line for FindingLine {
    const COLUMNS: &'static [Column] = &[
        Column("Row", Fit::Number),
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
    ];

    fn cells(&self) -> Vec<String> {
        let mut message = shown(Some(&self.message));
        if let Some(value) = &self.value {
            message = format!("{message} (the value is `{}`)", sanitize(value));
        }
        let external_id = shown(self.external_id.as_deref());
        vec![self.row.to_string(), external_id, message]
    }
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn shown(text: Option<&str>) -> String {
    text.map(sanitize).unwrap_or_default().into_owned()
}

/// A field as a cell of CSV that no spreadsheet runs as a formula: text that
/// starts like one gets the apostrophe that spreadsheets read as "this is text".
fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => {
            let is_formula =
                text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
            format!("{}{text}", if is_formula { "'" } else { "" })
        }
        number => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExternalId, RowNumber, Rule};
    use proptest::prelude::*;

    fn lines() -> Vec<RowLine> {
        vec![
            RowLine {
                row: Some(2),
                external_id: Some("E10-05113".into()),
                outcome: Outcome::Created,
                action: Some(Action::Create),
                status: Some(201),
                attempts: 1,
                message: None,
            },
            RowLine {
                row: Some(1_048_576),
                external_id: Some("E7\u{202e}".into()),
                outcome: Outcome::Rejected,
                action: Some(Action::Create),
                status: Some(400),
                attempts: 3,
                message: Some(
                    "the LMS says: \"loginName\" is already in use by somebody else,\n\
                     choose another"
                        .into(),
                ),
            },
            RowLine {
                row: None,
                external_id: Some("L1".into()),
                outcome: Outcome::Deactivated,
                action: Some(Action::Deactivate),
                status: Some(200),
                attempts: 1,
                message: None,
            },
            RowLine {
                row: Some(9),
                external_id: None,
                outcome: Outcome::Rejected,
                action: None,
                status: None,
                attempts: 0,
                message: Some("=HYPERLINK(\"http://evil.example\")".into()),
            },
        ]
    }

    fn written<L: Line>(lines: &[L], format: Format, width: usize) -> String {
        let mut out = Vec::new();
        let style = Style {
            width,
            ..Style::piped()
        };
        let mut writer = LinesWriter::new(format, &mut out, &style);
        for line in lines {
            writer.write(line).unwrap();
        }
        writer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_as_a_table_at_80_columns_wrap_under_their_column() {
        insta::assert_snapshot!(written(&lines(), Format::Table, 80), @r#"
            Row  External ID  Outcome      Action      HTTP  Details
        ───────  ───────────  ───────────  ──────────  ────  ───────────────────────────
              2  E10-05113    created      create       201
        1048576  E7\u{202e}   rejected     create       400  the LMS says: "loginName"
                                                             is already in use by
                                                             somebody else,\nchoose
                                                             another (sent 3 times)
                 L1           deactivated  deactivate   200
              9               rejected                       =HYPERLINK("http://evil.exa
                                                             mple")
        "#);
    }

    #[test]
    fn rows_as_a_table_at_120_columns() {
        insta::assert_snapshot!(written(&lines(), Format::Table, 120), @r#"
            Row  External ID  Outcome      Action      HTTP  Details
        ───────  ───────────  ───────────  ──────────  ────  ───────────────────────────────────────────────────────────────────
              2  E10-05113    created      create       201
        1048576  E7\u{202e}   rejected     create       400  the LMS says: "loginName" is already in use by somebody
                                                             else,\nchoose another (sent 3 times)
                 L1           deactivated  deactivate   200
              9               rejected                       =HYPERLINK("http://evil.example")
        "#);
    }

    #[test]
    fn rows_as_csv_are_plain_and_harmless() {
        insta::assert_snapshot!(written(&lines(), Format::Csv, 80).replace('\u{202e}', "<U+202E>"), @r#"
        row,external_id,outcome,action,status,attempts,message
        2,E10-05113,created,create,201,1,
        1048576,E7<U+202E>,rejected,create,400,3,"the LMS says: ""loginName"" is already in use by somebody else,
        choose another"
        ,L1,deactivated,deactivate,200,1,
        9,,rejected,,,0,"'=HYPERLINK(""http://evil.example"")"
        "#);
    }

    #[test]
    fn rows_as_json_have_every_field_in_every_line() {
        insta::assert_snapshot!(written(&lines(), Format::Json, 80).replace('\u{202e}', "<U+202E>"), @r#"
        {"row":2,"external_id":"E10-05113","outcome":"created","action":"create","status":201,"attempts":1,"message":null}
        {"row":1048576,"external_id":"E7<U+202E>","outcome":"rejected","action":"create","status":400,"attempts":3,"message":"the LMS says: \"loginName\" is already in use by somebody else,\nchoose another"}
        {"row":null,"external_id":"L1","outcome":"deactivated","action":"deactivate","status":200,"attempts":1,"message":null}
        {"row":9,"external_id":null,"outcome":"rejected","action":null,"status":null,"attempts":0,"message":"=HYPERLINK(\"http://evil.example\")"}
        "#);
    }

    #[test]
    fn csv_without_rows_still_has_its_header() {
        assert_eq!(
            written::<RowLine>(&[], Format::Csv, 80),
            "row,external_id,outcome,action,status,attempts,message\n"
        );
        assert_eq!(written::<RowLine>(&[], Format::Table, 80), "");
        assert_eq!(written::<RowLine>(&[], Format::Json, 80), "");
    }

    fn finding() -> Finding {
        Finding {
            row: RowNumber(17),
            external_id: Some(ExternalId::known("E17")),
            column: Some("Work Email".into()),
            field: Some("email".into()),
            rule: Rule::Email,
            value: Some("jane@".into()),
        }
    }

    #[test]
    fn a_findings_value_is_shown_only_to_who_asked_for_it() {
        for format in [Format::Table, Format::Csv, Format::Json] {
            let without = written(&[FindingLine::new(&finding())], format, 80);
            assert!(!without.contains("jane"), "{without}");
            let with = written(&[FindingLine::with_value(&finding())], format, 80);
            assert!(with.contains("jane@"), "{with}");
        }
    }

    #[test]
    fn findings_as_table_csv_and_json() {
        let lines = [FindingLine::with_value(&finding())];
        insta::assert_snapshot!(written(&lines, Format::Table, 80), @"
        Row  External ID  Problem
        ───  ───────────  ──────────────────────────────────────────────────────────────
         17  E17          column `Work Email` (email): is not an e-mail address (the
                          value is `jane@`)
        ");
        insta::assert_snapshot!(written(&lines, Format::Csv, 80), @"
        row,external_id,column,field,rule,message,value
        17,E17,Work Email,email,email,column `Work Email` (email): is not an e-mail address,jane@
        ");
        insta::assert_snapshot!(written(&lines, Format::Json, 80), @r#"{"row":17,"external_id":"E17","column":"Work Email","field":"email","rule":"email","message":"column `Work Email` (email): is not an e-mail address","value":"jane@"}"#);
    }

    #[test]
    fn a_reader_that_went_away_is_an_error() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        for format in [Format::Table, Format::Csv, Format::Json] {
            let mut writer = RowsWriter::new(format, Gone, &Style::piped());
            let ended = lines().iter().try_for_each(|line| writer.write(line));
            let ended = ended.and_then(|()| writer.finish());
            assert_eq!(
                ended.unwrap_err().kind(),
                io::ErrorKind::BrokenPipe,
                "{format:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_csv_cell_starts_like_a_formula_and_none_loses_text(
            id in "[=+@\\-\t\r\na-z\",;']{0,8}",
            message in any::<String>(),
        ) {
            let line = RowLine {
                external_id: Some(id.clone()),
                message: Some(message.clone()),
                ..lines().remove(0)
            };
            let text = written(&[line], Format::Csv, 80);
            let record = csv::Reader::from_reader(text.as_bytes()).records().next().unwrap().unwrap();
            for cell in &record {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", cell);
            }
            for (cell, given) in [(&record[1], &id), (&record[6], &message)] {
                prop_assert!(cell == given || cell.strip_prefix('\'') == Some(given.as_str()));
            }
        }

        #[test]
        fn a_json_line_is_one_line_whatever_a_server_says(message in any::<String>()) {
            let line = RowLine { message: Some(message.clone()), ..lines().remove(0) };
            let text = written(&[line], Format::Json, 80);
            prop_assert_eq!(text.matches('\n').count(), 1);
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read["message"].as_str(), Some(message.as_str()));
        }
    }
}
