//! A cell whose text is not its content gives no value and no decision: the
//! row is refused, also where only a template or the filter uses the cell.

use std::process::Command;

use rust_xlsxwriter::{Formula, Workbook};
use serde_json::Value;

const MAPPING: &str = r#"
[target]
system = "kmi"
base_url = "https://lms.example.com"
api_key = { env = "KEY" }
api_secret = { env = "SECRET" }
[source]
where = "row.Status == 'Active'"
[fields]
externalId = "ID"
email = { template = "{{ row.ID }}@example.com" }
firstName = { template = "{{ row.Called or row.Name }}" }
lastName = "Name"
loginName = "ID"
"#;

/// Rows, rows left out, and the findings of a feed.
fn check(feed: &[u8]) -> (u64, u64, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (path, mapping) = (folder.path().join("feed"), folder.path().join("m.toml"));
    std::fs::write(&path, feed).unwrap();
    std::fs::write(&mapping, MAPPING).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hrfeed"))
        .args(["check".as_ref(), path.as_os_str()])
        .args(["-m".as_ref(), mapping.as_os_str()])
        .arg("--json")
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let messages = findings
        .iter()
        .map(|finding| {
            format!(
                "{} {}",
                finding["row"],
                finding["message"].as_str().unwrap()
            )
        })
        .collect();
    let feed = &report["feed"];
    (
        feed["rows"].as_u64().unwrap(),
        feed["skipped"].as_u64().unwrap(),
        messages,
    )
}

#[test]
fn bytes_that_are_no_text() {
    let feed = b"ID,Name,Called,Status\n1,Ann,Ann\xc3\xa9,Active\n2,Bob,B\x81b,Active\n\
        3,Cem,,Aktif\n4,Dan,,\xc4ctive\n";
    let (rows, skipped, messages) = check(feed);
    assert_eq!((rows, skipped), (3, 1));
    insta::assert_snapshot!(messages.join("\n"), @r"
    3 firstName: the template failed: column `Called`: is not text in the feed's encoding: save the file again as `CSV UTF-8`, or set `encoding` in [source]
    5 `where` in [source] cannot judge the row: column `Status`: is not text in the feed's encoding: save the file again as `CSV UTF-8`, or set `encoding` in [source]
    ");
}

#[test]
fn errors_of_a_spreadsheet() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let error = Formula::new("=NA()").set_result("#N/A");
    for (row, cells) in (0..).zip([
        ["ID", "Name", "Called", "Status"],
        ["E1", "Ann", "Annie", "Active"],
        ["E2", "Bob", "!", "Active"],
        ["E3", "Cem", "", "Gone"],
        ["E4", "Dan", "", "!"],
    ]) {
        for (column, cell) in (0..).zip(cells) {
            match cell {
                "!" => sheet.write_formula(row, column, error.clone()),
                text => sheet.write_string(row, column, text),
            }
            .unwrap();
        }
    }
    let (rows, skipped, messages) = check(&workbook.save_to_buffer().unwrap());
    assert_eq!((rows, skipped), (3, 1));
    insta::assert_snapshot!(messages.join("\n"), @r"
    3 firstName: the template failed: column `Called`: contains the error #N/A: fix the formula in the spreadsheet
    5 `where` in [source] cannot judge the row: column `Status`: contains the error #N/A: fix the formula in the spreadsheet
    ");
}
