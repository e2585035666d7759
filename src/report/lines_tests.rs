//! What rows and findings look like, and what no reader may do to them.

use super::*;
use crate::model::{ExternalId, RowNumber, Rule};
use proptest::prelude::*;

fn line(row: u32, person: &str, outcome: Outcome) -> RowLine {
    let person = ExternalId::known(person);
    RowLine::new(Some(RowNumber::new(row)), Some(&person), outcome)
}

fn lines() -> Vec<RowLine> {
    vec![
        RowLine {
            action: Some(Action::Create),
            status: Some(201),
            attempts: 1,
            ..line(2, "E10-05113", Outcome::Created)
        },
        RowLine {
            action: Some(Action::Create),
            status: Some(400),
            attempts: 3,
            message: Some(
                "the LMS says: \"loginName\" is already in use by somebody else,\n\
                 choose another"
                    .into(),
            ),
            ..line(1_048_576, "E7\u{202e}", Outcome::Rejected)
        },
        RowLine {
            row: None,
            action: Some(Action::Deactivate),
            status: Some(200),
            attempts: 1,
            ..line(0, "L1", Outcome::Deactivated)
        },
        RowLine {
            external_id: None,
            message: Some("=HYPERLINK(\"http://evil.example\")".into()),
            ..line(9, "", Outcome::Rejected)
        },
        RowLine {
            action: Some(Action::Update),
            status: Some(200),
            attempts: 1,
            changed: vec!["city".into(), "lastName".into()],
            ..line(10, "E10", Outcome::Updated)
        },
        RowLine {
            action: Some(Action::Rekey),
            message: Some("has the login of somebody who is known under another ID".into()),
            changed: vec!["email".into()],
            known_as: Some("E4".into()),
            hold: Some(7),
            ..line(11, "E11", Outcome::Held)
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
                                                         another (3 requests)
             L1           deactivated  deactivate   200
          9               rejected                       =HYPERLINK("http://evil.exa
                                                         mple")
         10  E10          updated      update       200  changes city and lastName
         11  E11          held         rekey             has the login of somebody
                                                         who is known under another
                                                         ID; known as E4; changes
                                                         email (hold 7)
    "#);
}

#[test]
fn rows_as_a_table_at_120_columns() {
    insta::assert_snapshot!(written(&lines(), Format::Table, 120), @r#"
        Row  External ID  Outcome      Action      HTTP  Details
    ───────  ───────────  ───────────  ──────────  ────  ───────────────────────────────────────────────────────────────────
          2  E10-05113    created      create       201
    1048576  E7\u{202e}   rejected     create       400  the LMS says: "loginName" is already in use by somebody
                                                         else,\nchoose another (3 requests)
             L1           deactivated  deactivate   200
          9               rejected                       =HYPERLINK("http://evil.example")
         10  E10          updated      update       200  changes city and lastName
         11  E11          held         rekey             has the login of somebody who is known under another ID; known as
                                                         E4; changes email (hold 7)
    "#);
}

#[test]
fn rows_as_csv_are_plain_and_harmless() {
    insta::assert_snapshot!(written(&lines(), Format::Csv, 80), @r#"
    row,external_id,outcome,action,status,attempts,message,changed,known_as,hold,file
    2,E10-05113,created,create,201,1,,,,,
    1048576,E7\u{202e},rejected,create,400,3,"the LMS says: ""loginName"" is already in use by somebody else,\nchoose another",,,,
    ,L1,deactivated,deactivate,200,1,,,,,
    9,,rejected,,,0,"'=HYPERLINK(""http://evil.example"")",,,,
    10,E10,updated,update,200,1,,"city, lastName",,,
    11,E11,held,rekey,,0,has the login of somebody who is known under another ID,email,E4,7,
    "#);
}

#[test]
fn rows_as_json_have_every_field_in_every_line() {
    insta::assert_snapshot!(written(&lines(), Format::Json, 80), @r#"
    {"row":2,"external_id":"E10-05113","outcome":"created","action":"create","status":201,"attempts":1,"message":null,"changed":[],"known_as":null,"hold":null}
    {"row":1048576,"external_id":"E7\u202e","outcome":"rejected","action":"create","status":400,"attempts":3,"message":"the LMS says: \"loginName\" is already in use by somebody else,\nchoose another","changed":[],"known_as":null,"hold":null}
    {"row":null,"external_id":"L1","outcome":"deactivated","action":"deactivate","status":200,"attempts":1,"message":null,"changed":[],"known_as":null,"hold":null}
    {"row":9,"external_id":null,"outcome":"rejected","action":null,"status":null,"attempts":0,"message":"=HYPERLINK(\"http://evil.example\")","changed":[],"known_as":null,"hold":null}
    {"row":10,"external_id":"E10","outcome":"updated","action":"update","status":200,"attempts":1,"message":null,"changed":["city","lastName"],"known_as":null,"hold":null}
    {"row":11,"external_id":"E11","outcome":"held","action":"rekey","status":null,"attempts":0,"message":"has the login of somebody who is known under another ID","changed":["email"],"known_as":"E4","hold":7}
    "#);
}

#[test]
fn csv_without_rows_still_has_its_header() {
    assert_eq!(
        written::<RowLine>(&[], Format::Csv, 80),
        "row,external_id,outcome,action,status,attempts,message,changed,known_as,hold,file\n"
    );
    assert_eq!(written::<RowLine>(&[], Format::Table, 80), "");
    assert_eq!(written::<RowLine>(&[], Format::Json, 80), "");
}

fn finding() -> Finding {
    Finding {
        row: RowNumber::new(17),
        cell: Some("D17".into()),
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
    Cell  External ID  Problem
    ────  ───────────  ─────────────────────────────────────────────────────────────
     D17  E17          column `Work Email` (email): is not an e-mail address (the
                       value is `jane@`)
    ");
    insta::assert_snapshot!(written(&lines, Format::Csv, 80), @"
    row,external_id,column,field,rule,message,value,file,cell
    17,E17,Work Email,email,email,column `Work Email` (email): is not an e-mail address,jane@,,D17
    ");
    insta::assert_snapshot!(written(&lines, Format::Json, 80), @r#"{"row":17,"cell":"D17","external_id":"E17","column":"Work Email","field":"email","rule":"email","message":"column `Work Email` (email): is not an e-mail address","value":"jane@"}"#);
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
            let shown = sanitize(given);
            prop_assert!(cell == shown || cell.strip_prefix('\'') == Some(&*shown));
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
