//! Rows and findings, one a line: as a table, as CSV, as JSON lines.
//!
//! All three are written as the lines come, so a million rows need no memory.

use std::io::{self, BufWriter, Write};
use std::marker::PhantomData;

use serde::Serialize;

use super::table::{Column, Fit, Table};
use super::{Style, sanitize};
use crate::model::{Action, Finding, Outcome};

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

/// What became of one row, or of one leaver. Serialized, it is a line of
/// `hrfeed rows --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowLine {
    /// Where the row starts in the feed; a leaver stands in no row.
    pub row: Option<u32>,
    /// Whom it is about.
    pub external_id: Option<String>,
    /// What became of it.
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

/// One thing that is wrong with a row. Serialized, it is an entry of
/// `findings` in [`super::RunReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingLine {
    /// Where the row starts in the feed.
    pub row: u32,
    /// The row's external ID, where it has one.
    pub external_id: Option<String>,
    /// The feed's column, where one is to blame.
    pub column: Option<String>,
    /// The target's field, where one is to blame.
    pub field: Option<String>,
    /// The code of the rule that it breaks.
    pub rule: String,
    /// What is wrong and what to do, without the person's data.
    pub message: String,
    /// The offending text: a person's data, only where somebody asked for it.
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

    /// A finding with the offending text: for somebody who asked to see it.
    #[must_use]
    pub fn with_value(finding: &Finding) -> Self {
        Self {
            value: finding.value.as_deref().map(str::to_owned),
            ..Self::new(finding)
        }
    }
}

/// Writes what became of rows.
pub type RowsWriter<W> = LinesWriter<RowLine, W>;

/// Writes what is wrong with rows.
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
    Csv {
        writer: Box<csv::Writer<W>>,
        headed: bool,
    },
    Json(BufWriter<W>),
}

impl<L: Line, W: Write> LinesWriter<L, W> {
    /// Writes to `out`; `style` matters to [`Format::Table`] only.
    pub fn new(format: Format, out: W, style: &Style) -> Self {
        let sink = match format {
            Format::Table => Sink::Table(Table::new(L::COLUMNS, *style), BufWriter::new(out)),
            Format::Csv => Sink::Csv {
                writer: Box::new(csv::Writer::from_writer(out)),
                headed: false,
            },
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
            Sink::Csv { writer, headed } => {
                if !std::mem::replace(headed, true) {
                    writer.write_record(L::HEADER)?;
                }
                writer.write_record(line.record().iter().map(|cell| defuse(cell).into_owned()))?;
                Ok(())
            }
            Sink::Json(out) => {
                serde_json::to_writer(&mut *out, line)?;
                out.write_all(b"\n")
            }
        }
    }

    /// Writes what is held back. Without a line, CSV still has its header.
    pub fn finish(self) -> io::Result<()> {
        match self.sink {
            Sink::Table(mut table, mut out) => {
                table.finish(&mut out)?;
                out.flush()
            }
            Sink::Csv { mut writer, headed } => {
                if !headed {
                    writer.write_record(L::HEADER)?;
                }
                writer.flush()
            }
            Sink::Json(mut out) => out.flush(),
        }
    }
}

/// A line that [`LinesWriter`] can write.
pub trait Line: Serialize + sealed::Cells {}

impl Line for RowLine {}
impl Line for FindingLine {}

mod sealed {
    use super::Column;

    /// How a line becomes cells; closed, so that it stays free to change.
    pub trait Cells {
        #[expect(private_interfaces, reason = "the trait cannot be named outside")]
        const COLUMNS: &'static [Column];
        const HEADER: &'static [&'static str];

        /// The cells of a table, safe to show.
        fn cells(&self) -> Vec<String>;

        /// The cells of a CSV record, as they are.
        fn record(&self) -> Vec<String>;
    }
}

impl sealed::Cells for RowLine {
    #[expect(private_interfaces, reason = "the trait cannot be named outside")]
    const COLUMNS: &'static [Column] = &[
        column("Row", Fit::Number),
        column("External ID", Fit::Text),
        column("Outcome", Fit::Text),
        column("Action", Fit::Text),
        column("HTTP", Fit::Number),
        column("What happened", Fit::Rest),
    ];
    const HEADER: &'static [&'static str] = &[
        "row",
        "external_id",
        "outcome",
        "action",
        "status",
        "attempts",
        "message",
    ];

    fn cells(&self) -> Vec<String> {
        let mut message = self
            .message
            .as_deref()
            .map(sanitize)
            .unwrap_or_default()
            .into_owned();
        if self.attempts > 1 {
            let blank = if message.is_empty() { "" } else { " " };
            message = format!("{message}{blank}(sent {} times)", self.attempts);
        }
        vec![
            text(self.row),
            self.external_id
                .as_deref()
                .map(sanitize)
                .unwrap_or_default()
                .into_owned(),
            self.outcome.word().to_owned(),
            self.action.map(Action::word).unwrap_or_default().to_owned(),
            text(self.status),
            message,
        ]
    }

    fn record(&self) -> Vec<String> {
        vec![
            text(self.row),
            self.external_id.clone().unwrap_or_default(),
            self.outcome.word().to_owned(),
            self.action.map(Action::word).unwrap_or_default().to_owned(),
            text(self.status),
            self.attempts.to_string(),
            self.message.clone().unwrap_or_default(),
        ]
    }
}

impl sealed::Cells for FindingLine {
    #[expect(private_interfaces, reason = "the trait cannot be named outside")]
    const COLUMNS: &'static [Column] = &[
        column("Row", Fit::Number),
        column("External ID", Fit::Text),
        column("What is wrong", Fit::Rest),
    ];
    const HEADER: &'static [&'static str] = &[
        "row",
        "external_id",
        "column",
        "field",
        "rule",
        "message",
        "value",
    ];

    fn cells(&self) -> Vec<String> {
        let mut message = sanitize(&self.message).into_owned();
        if let Some(value) = &self.value {
            message = format!("{message} (the cell holds `{}`)", sanitize(value));
        }
        vec![
            self.row.to_string(),
            self.external_id
                .as_deref()
                .map(sanitize)
                .unwrap_or_default()
                .into_owned(),
            message,
        ]
    }

    fn record(&self) -> Vec<String> {
        vec![
            self.row.to_string(),
            self.external_id.clone().unwrap_or_default(),
            self.column.clone().unwrap_or_default(),
            self.field.clone().unwrap_or_default(),
            self.rule.clone(),
            self.message.clone(),
            self.value.clone().unwrap_or_default(),
        ]
    }
}

const fn column(title: &'static str, fit: Fit) -> Column {
    Column { title, fit }
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Keeps a spreadsheet from running a cell as a formula: what starts like one
/// gets the apostrophe that spreadsheets read as "this is text".
fn defuse(cell: &str) -> std::borrow::Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{cell}").into()
    } else {
        cell.into()
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
            Row  External ID  Outcome      Action      HTTP  What happened
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
            Row  External ID  Outcome      Action      HTTP  What happened
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
        Row  External ID  What is wrong
        ───  ───────────  ──────────────────────────────────────────────────────────────
         17  E17          column `Work Email` (email): not an e-mail address (the cell
                          holds `jane@`)
        ");
        insta::assert_snapshot!(written(&lines, Format::Csv, 80), @"
        row,external_id,column,field,rule,message,value
        17,E17,Work Email,email,email,column `Work Email` (email): not an e-mail address,jane@
        ");
        insta::assert_snapshot!(written(&lines, Format::Json, 80), @r#"{"row":17,"external_id":"E17","column":"Work Email","field":"email","rule":"email","message":"column `Work Email` (email): not an e-mail address","value":"jane@"}"#);
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
