//! The fixtures and the ready mapping: two files, the same people, the same
//! flaws, and a mapping that fits both as it is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../fixtures/generate.rs"]
#[expect(
    dead_code,
    reason = "`main` is called by `cargo run --example fixtures`"
)]
mod generate;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use hrfeed::feed::{Feed, FeedSource};
use hrfeed::mapping::{Mapped, Mapping, Person, Slot};
use serde_json::Value;

const CSV: &str = "fixtures/people.csv";
const XLSX: &str = "fixtures/people.xlsx";
const MAPPING: &str = "mappings/kmi.toml";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What `hrfeed check --json` says of a fixture.
fn check(feed: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_hrfeed"))
        .arg("check")
        .arg(file(feed))
        .arg("-m")
        .arg(file(MAPPING))
        .arg("--json")
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The findings without the rows, which differ by the title and the lines of
/// the addresses.
fn findings(report: &Value) -> Vec<String> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("-").to_owned();
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!(
                "{:<13}{:<23}{}",
                text(finding, "external_id"),
                text(finding, "rule"),
                text(finding, "field")
            )
        })
        .collect()
}

/// Every person of a fixture, field by field, in the order of the file.
fn people(feed: &str) -> Vec<Vec<String>> {
    let mapping = Mapping::load(&file(MAPPING)).unwrap();
    let source = FeedSource::from(file(feed).as_path());
    let mut feed = Feed::open(&source, &mapping.source).unwrap();
    let columns = feed.columns().to_vec();
    let bound = mapping.bind(&columns, &[]).unwrap();
    let mut all = Vec::new();
    feed.read(
        |records| {
            let (mut person, mut faults, mut people) = (Person::default(), Vec::new(), Vec::new());
            while let Some(record) = records.next_record() {
                match bound.apply(record, &mut person, &mut faults) {
                    Ok(Mapped::Row) => people.push(person.slots().map(shown).collect()),
                    Ok(Mapped::Skipped) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(people)
        },
        |people, _| {
            all.extend(people?);
            Ok::<_, Box<dyn Error>>(())
        },
    )
    .unwrap();
    all
}

fn shown(slot: Slot<'_>) -> String {
    match slot {
        Slot::Text(text) => text.to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_same_feed_as_csv_and_as_a_workbook_is_judged_the_same() {
    let (csv, xlsx) = (check(CSV), check(XLSX));
    assert_eq!(csv["counts"], xlsx["counts"]);
    for key in ["rows", "skipped"] {
        assert_eq!(csv["feed"][key], xlsx["feed"][key], "{key}");
    }
    assert_eq!(findings(&csv), findings(&xlsx));
    assert_eq!(csv["finding_kinds"], xlsx["finding_kinds"]);

    // 1,000 people and a stray header; blank rows do not count.
    assert_eq!(csv["feed"]["rows"], 939);
    assert_eq!(csv["feed"]["skipped"], 62);
    assert_eq!(csv["counts"]["rejected"], 27);
    assert_eq!(csv["counts"]["pending"], 912);
}

#[test]
fn the_same_feed_as_csv_and_as_a_workbook_holds_the_same_people() {
    let (csv, xlsx) = (people(CSV), people(XLSX));
    assert_eq!(csv.len(), 939);
    assert_eq!(csv.len(), xlsx.len());
    // Excel writes its own exponent; the row is refused in both.
    let differ: Vec<_> = csv
        .iter()
        .zip(&xlsx)
        .filter(|(one, other)| one != other)
        .map(|(one, other)| (one[0].as_str(), other[0].as_str(), one[1..] == other[1..]))
        .collect();
    assert_eq!(differ, [("1,2E+15", "1.2E+15", true)]);
    assert!(csv.iter().any(|person| person[0] == "00017"));
}

#[test]
fn each_flaw_is_found_and_nothing_else() {
    insta::assert_snapshot!(findings(&check(CSV)).join("\n"), @"
    00417        duplicate              externalId
    BW-0612x     duplicate              externalId
    01902        duplicate              loginName
    01915        duplicate              loginName
    -            external-id-scientific externalId
    -            external-id-missing    externalId
    03007        required               email
    03020        required               email
    03397        email                  email
    03527        email                  email
    03709        email                  email
    04177        date                   expirationDate
    04359        date                   expirationDate
    04697        country                country
    04879        country                country
    bw-0612X     duplicate              externalId
    05737        state                  state
    05880        state                  state
    06517        required               lastName
    06712        required               firstName
    06907        too-long               address2
    Employee ID  email                  email
    Employee ID  country                country
    Employee ID  date                   expirationDate
    08597        too-many-cells         -
    08597        date                   expirationDate
    09117        control-character      loginName
    00417        duplicate              externalId
    10677        duplicate              externalId
    10677        duplicate              loginName
    10677        duplicate              externalId
    10677        duplicate              loginName
    ");
}

#[test]
fn a_first_mapping_finds_every_field_in_both() {
    for feed in [CSV, XLSX] {
        let output = Command::new(env!("CARGO_BIN_EXE_hrfeed"))
            .arg("init")
            .arg(file(feed))
            .args(["--target", "kmi"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{feed}");
        let text = String::from_utf8(output.stdout).unwrap();
        let first = Mapping::parse(Path::new("first.toml"), &text).unwrap();
        let ready = Mapping::load(&file(MAPPING)).unwrap();
        assert_eq!(first.fields().len(), ready.fields().len(), "{text}");
        // The mistyped one, too: whoever reads the mapping sees the guess.
        assert!(text.contains("\"Germny\" = \"DE\""), "{text}");
    }
}

#[test]
fn the_fixtures_are_what_their_generator_writes() {
    let anew = "write them anew with `cargo run --example fixtures`";
    let csv = generate::csv().unwrap();
    assert!(std::fs::read(file(CSV)).unwrap() == csv, "{CSV}: {anew}");
    let xlsx = generate::xlsx().unwrap();
    assert!(std::fs::read(file(XLSX)).unwrap() == xlsx, "{XLSX}: {anew}");
}
