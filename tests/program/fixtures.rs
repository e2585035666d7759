//! The fixtures and the ready mappings, each of which fits its fixtures as it
//! is.

#[path = "../../fixtures/generate.rs"]
#[expect(
    dead_code,
    reason = "`main` is called by `cargo run --example fixtures`"
)]
mod generate;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use hrfeed::feed::{Feed, FeedSource};
use hrfeed::mapping::{Mapped, Mapping, Person, Slot};
use hrfeed::schema::Part;
use serde_json::{Value, json};

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{KEY, Ran, World};

const CSV: &str = "fixtures/people.csv";
const XLSX: &str = "fixtures/people.xlsx";
const MAPPING: &str = "mappings/kmi.toml";
const LEARNERS: &str = "fixtures/anewspring.csv";
const LEARNERS_MAPPING: &str = "mappings/anewspring.toml";
const IMPORT_FILE: &str = "fixtures/anewspring-import.csv";
const IMPORT_MAPPING: &str = "mappings/anewspring-import-file.toml";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What `hrfeed check --json` says of a fixture.
fn check(feed: &str) -> Value {
    check_with(feed, MAPPING)
}

fn check_with(feed: &str, mapping: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_hrfeed"))
        .arg("check")
        .arg(file(feed))
        .arg("-m")
        .arg(file(mapping))
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
    people_with(feed, MAPPING)
}

fn people_with(feed: &str, mapping: &str) -> Vec<Vec<String>> {
    let mapping = Mapping::load(&file(mapping)).unwrap();
    let source = FeedSource::from_argument(file(feed).as_path());
    let mut feed = Feed::open(&source, &mapping.source).unwrap();
    let columns = feed.columns().to_vec();
    let bound = mapping
        .bind(&columns, &[], jiff::civil::date(2026, 11, 23))
        .unwrap();
    let mut all = Vec::new();
    feed.read(
        |records| {
            let (mut faults, mut people) = (Vec::new(), Vec::new());
            while let Some(record) = records.next_record() {
                let mut person = Person::default();
                match bound.apply(record, &mut person, &mut faults) {
                    Ok(Mapped::Row) => people.push(person.slots().map(shown).collect()),
                    Ok(Mapped::Skipped | Mapped::GaveWay | Mapped::Leaver) => {}
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

    // 1,000 people; blank rows and a stray header do not count.
    assert_eq!(csv["feed"]["rows"], 938);
    assert_eq!(csv["feed"]["skipped"], 62);
    assert_eq!(csv["counts"]["rejected"], 25);
    assert_eq!(csv["counts"]["pending"], 913);
}

#[test]
fn the_same_feed_as_csv_and_as_a_workbook_holds_the_same_people() {
    let (csv, xlsx) = (people(CSV), people(XLSX));
    assert_eq!(csv.len(), 938);
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
    05880        state                  state
    06517        required               lastName
    06712        required               firstName
    06907        too-long               address2
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
        // The mistyped one, too: a reader of the mapping sees the guess.
        assert!(text.contains("\"Germny\" = \"DE\""), "{text}");
    }
}

/// A first mapping with the lines that a person can choose.
fn all_chosen(first: &str) -> String {
    let is_setting = |text: &str| {
        text.starts_with('[')
            || text.split_once(" = ").is_some_and(|(key, _)| {
                key.bytes()
                    .all(|it| it.is_ascii_alphanumeric() || it == b'_')
            })
    };
    first
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(text) if is_setting(text) => text,
            _ => line,
        })
        .fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn a_first_mapping_fits_as_it_is_and_with_every_line_that_can_be_chosen() {
    let world = World::new(Kmi);
    for (feed, system, chosen) in [
        (
            LEARNERS,
            "anewspring",
            &["role", "group", "generatePassword"][..],
        ),
        (
            IMPORT_FILE,
            "anewspring",
            &["role", "generatePassword", "forcePasswordChange"],
        ),
        (CSV, "kmi", &[]),
    ] {
        let feed = file(feed);
        let feed = feed.to_str().unwrap();
        let first = world
            .run(&["init", feed, "--target", system])
            .exits(0)
            .stdout;
        for (text, all) in [(first.clone(), false), (all_chosen(&first), true)] {
            let mapping = Mapping::parse(Path::new("first.toml"), &text).unwrap();
            for field in chosen {
                assert_eq!(mapping.position(field).is_some(), all, "{field} in {text}");
            }
            assert_eq!(mapping.adopt_by().is_some(), all, "{text}");
            world.write("first.toml", &text);
            let ran = world
                .run(&["check", feed, "-m", "first.toml", "--json"])
                .exits(3);
            assert!(
                ran.count("pending") > 9 * ran.count("rejected"),
                "{text}\n{ran:?}"
            );
        }
    }
}

#[test]
fn a_first_mapping_for_anewspring_finds_every_detail_that_the_ready_one_has() {
    let world = World::new(Kmi);
    for (feed, ready) in [(LEARNERS, LEARNERS_MAPPING), (IMPORT_FILE, IMPORT_MAPPING)] {
        let feed = file(feed);
        let init = ["init", feed.to_str().unwrap(), "--target", "anewspring"];
        let text = world.run(&init).exits(0).stdout;
        let first = Mapping::parse(Path::new("first.toml"), &text).unwrap();
        let ready = Mapping::load(&file(ready)).unwrap();
        let lacking: Vec<_> = ready
            .fields()
            .iter()
            .filter(|rule| rule.field.part == Part::Details)
            .map(|rule| rule.field.name)
            .filter(|name| first.position(name).is_none())
            // Who may sign in is never guessed.
            .filter(|name| *name != "active")
            .collect();
        assert!(lacking.is_empty(), "{lacking:?} in {text}");
        assert!(!text.contains("# ?"), "{text}");
    }
}

#[test]
fn the_fixtures_are_what_their_generator_writes() {
    let write = "write them again with `cargo run --example fixtures`";
    let csv = generate::csv().unwrap();
    assert!(std::fs::read(file(CSV)).unwrap() == csv, "{CSV}: {write}");
    let xlsx = generate::xlsx().unwrap();
    assert!(
        std::fs::read(file(XLSX)).unwrap() == xlsx,
        "{XLSX}: {write}"
    );
    let learners = generate::anewspring().unwrap();
    assert!(
        std::fs::read(file(LEARNERS)).unwrap() == learners,
        "{LEARNERS}: {write}"
    );
    let import = generate::anewspring_import().unwrap();
    assert!(
        std::fs::read(file(IMPORT_FILE)).unwrap() == import,
        "{IMPORT_FILE}: {write}"
    );
}

#[test]
fn each_flaw_of_the_export_with_roles_is_found_and_nothing_else() {
    let report = check_with(LEARNERS, LEARNERS_MAPPING);
    assert_eq!(
        (&report["feed"]["rows"], &report["feed"]["skipped"]),
        (&json!(570), &json!(30))
    );
    assert_eq!(
        (&report["counts"]["pending"], &report["counts"]["rejected"]),
        (&json!(541), &json!(29))
    );
    insta::assert_snapshot!(findings(&report).join("\n"), @"
    000555x      duplicate              userID
    -            external-id-missing    userID
    -            external-id-scientific userID
    000457       duplicate              login
    000464       duplicate              login
    000590       required               login
    000597       email                  email
    000730       required               firstName
    000737       required               lastName
    000744       too-long               function
    001010       gender                 gender
    001017       gender                 gender
    001150       date                   dateOfBirth
    001157       date                   dateOfBirth
    001164       date                   dateOfBirth
    001290       bool                   active
    001297       bool                   active
    001430       role                   role
    001437       role                   role
    001444       role                   role
    001570       role-not-allowed       role
    001577       role-not-allowed       role
    001710       external-id-scientific group
    001717       external-id-dots       group
    001850       external-id-scientific authorContentLabel
    002200       duplicate              userID
    002200       duplicate              login
    002200       duplicate              userID
    002200       duplicate              login
    002550       too-many-cells         -
    002550       role                   role
    000555 X     duplicate              userID
    ");
}

#[test]
fn each_flaw_of_the_import_file_is_found_and_nothing_else() {
    let report = check_with(IMPORT_FILE, IMPORT_MAPPING);
    assert_eq!(
        (&report["counts"]["pending"], &report["counts"]["rejected"]),
        (&json!(137), &json!(13))
    );
    insta::assert_snapshot!(findings(&report).join("\n"), @"
    BQ-0039      gender                 gender
    -            external-id-missing    userID
    BQ-0081      required               lastName
    BQ-0105      duplicate              login
    BQ-0108      duplicate              login
    BQ-0132      password               password
    BQ-0153      bool                   forcePasswordChange
    BQ-0177      bool                   renewable
    BQ-0195      email                  email
    BQ-0222      date                   dateOfBirth
    BQ-0225      date-serial            dateOfBirth
    BQ-0228      date                   dateOfBirth
    BQ-0252      required               login
    ");
}

#[test]
fn the_import_file_is_read_as_excel_saved_it_without_any_setting() {
    let mapping = std::fs::read_to_string(file(IMPORT_MAPPING)).unwrap();
    assert!(!mapping.contains("[source]"));
    let people = people_with(IMPORT_FILE, IMPORT_MAPPING);
    assert_eq!(people.len(), 150);
    for name in ["Söhnke", "Renée", "Þóra", "Nørrelykke"] {
        assert!(people.iter().flatten().any(|text| text == name), "{name}");
    }
}

/// A ready mapping for the LMS of a world.
fn mapped_to(world: &World, mapping: &str) {
    let text = std::fs::read_to_string(file(mapping))
        .unwrap()
        .replace("https://lms.example.com", &world.lms.base_url())
        .replace("ANEWSPRING_API_KEY", KEY)
        .replace("requests_per_second = 10\n", "requests_per_second = 5000\n");
    world.write("mapping.toml", text);
}

fn import_into(world: &World, feed: &str) -> Ran {
    let feed = file(feed);
    let feed = feed.to_str().unwrap();
    world.run(&["import", feed, "-m", "mapping.toml", "--json"])
}

/// These people or groups by external ID.
fn by_id(all: Vec<Value>) -> BTreeMap<String, Value> {
    all.into_iter()
        .map(|it| (it["id"].as_str().unwrap().to_owned(), it))
        .collect()
}

/// A field of every person that check finds nothing wrong with, by external ID.
fn wanted(feed: &str, mapping: &str, field: &str) -> BTreeMap<String, String> {
    let report = check_with(feed, mapping);
    let refused: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["external_id"].as_str())
        .collect();
    let position = Mapping::load(&file(mapping))
        .unwrap()
        .position(field)
        .unwrap();
    people_with(feed, mapping)
        .into_iter()
        // Who has no external ID is refused, too.
        .filter(|person| person[0] != "Invalid" && person[0] != "Absent" && person[0] != "1.2E+05")
        .filter(|person| !refused.contains(&person[0].as_str()))
        .map(|person| (person[0].clone(), person[position].clone()))
        .collect()
}

#[test]
fn the_lms_agrees_with_the_export_and_a_second_import_costs_no_call() {
    let world = World::new(AnewSpring);
    mapped_to(&world, LEARNERS_MAPPING);
    let ran = import_into(&world, LEARNERS).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (541, 29));

    let there = by_id(world.lms.everybody());
    let groups = by_id(world.lms.groups());
    let values = |text: &Value| -> Vec<String> {
        let mut values: Vec<String> = serde_json::from_value(text.clone()).unwrap();
        values.sort_unstable();
        values
    };
    let set = |text: &str| -> Vec<String> {
        match text {
            "Clear" => Vec::new(),
            text => text.split('\u{1f}').map(str::to_owned).collect(),
        }
    };
    for field in ["login", "middleName", "function", "dateOfBirth", "active"] {
        let wanted = wanted(LEARNERS, LEARNERS_MAPPING, field);
        assert_eq!(wanted.len(), 541);
        assert!(wanted.keys().eq(there.keys()), "{field}");
        for (id, value) in wanted {
            let shown = match &there[&id][field] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let value = if value == "Clear" {
                String::new()
            } else {
                value
            };
            assert_eq!(shown, value, "{field} of {id}");
        }
    }
    for (field, shown) in [
        ("authorContentLabel", "authorContentLabels"),
        ("designerContentLabel", "designerContentLabels"),
        ("group", "groups"),
    ] {
        for (id, value) in wanted(LEARNERS, LEARNERS_MAPPING, field) {
            assert_eq!(values(&there[&id][shown]), set(&value), "{field} of {id}");
        }
    }
    for (id, value) in wanted(LEARNERS, LEARNERS_MAPPING, "role") {
        let mut roles = set(&value);
        for (labels, role) in [
            ("authorContentLabels", "author"),
            ("designerContentLabels", "designer"),
        ] {
            if there[&id][labels] != json!([]) && !roles.iter().any(|it| it == role) {
                roles.push(role.into());
            }
        }
        roles.sort_unstable();
        assert_eq!(values(&there[&id]["roles"]), roles, "roles of {id}");
    }
    for person in there.values() {
        assert_eq!(person["passwords_set"], json!(1), "{person}");
        assert_eq!(person["forcePasswordChange"], json!(true), "{person}");
    }
    let named: Vec<_> = groups
        .values()
        .map(|group| (&group["id"], &group["name"], &group["parent"]))
        .map(|(id, name, parent)| format!("{id} {name} {parent}"))
        .collect();
    insta::assert_snapshot!(named.join("\n"), @r#"
    "D10" "Operations" "North Bank"
    "D20" "Finance" "South Bank"
    "D30" "Quay & Crane" "North Bank"
    "D40" "People" "South Bank"
    "D50" "Legal, Risk & Claims" "South Bank"
    "D60" "Maintenance" "North Bank"
    "D70" "Training" "South Bank"
    "North Bank" "North Bank" null
    "South Bank" "South Bank" null
    "#);

    world.lms.reset_stats();
    let again = import_into(&world, LEARNERS).exits(3);
    assert_eq!(
        (again.count("unchanged"), again.count("rejected")),
        (541, 29)
    );
    assert_eq!(world.lms.stats().requests(), 0);
}

#[test]
fn leavers_of_the_export_wait_while_a_row_has_no_id_that_can_be_read() {
    let world = World::new(AnewSpring);
    mapped_to(&world, LEARNERS_MAPPING);
    import_into(&world, LEARNERS).exits(3);
    let feed = std::fs::read_to_string(file(LEARNERS)).unwrap();
    let gone = ["000114,", "000121,"];
    let shorter = |is_readable: bool| {
        let is_unreadable = |line: &str| line.starts_with(',') || line.starts_with("1.2E+05,");
        feed.lines()
            .filter(|line| !gone.iter().any(|id| line.starts_with(id)))
            .filter(|line| !(is_readable && is_unreadable(line)))
            .fold(String::new(), |text, line| text + line + "\n")
    };
    let import = ["import", "people.csv", "-m", "mapping.toml", "--json"];
    world.lms.reset_stats();
    world.write("people.csv", shorter(false));
    assert_eq!(world.run(&import).exits(4).count("deactivated"), 0);
    assert_eq!(world.lms.stats().requests(), 0);
    world.write("people.csv", shorter(true));
    assert_eq!(world.run(&import).exits(3).count("deactivated"), 2);
    let inactive = |id: &str| {
        let there = by_id(world.lms.everybody());
        there[id]["active"] == json!(false)
    };
    assert!(gone.iter().all(|id| inactive(id.trim_end_matches(','))));
    // And people who return are active again.
    world.write("people.csv", &feed);
    assert_eq!(world.run(&import).exits(3).count("updated"), 2);
    assert!(!gone.iter().any(|id| inactive(id.trim_end_matches(','))));
}

#[test]
fn the_import_file_makes_learners_with_the_passwords_that_it_has() {
    let world = World::new(AnewSpring);
    mapped_to(&world, IMPORT_MAPPING);
    let ran = import_into(&world, IMPORT_FILE).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (137, 13));
    let there = by_id(world.lms.everybody());
    let passwords = wanted(IMPORT_FILE, IMPORT_MAPPING, "password");
    assert!(passwords.keys().eq(there.keys()));
    for (id, person) in &there {
        assert_eq!(person["roles"], json!(["student"]), "{person}");
        assert_eq!(person["passwords_set"], json!(1), "{person}");
        // Who has a password by letter needs no mail with another.
        let mails = u8::from(passwords[id] == "Absent");
        assert_eq!(person["mails"], json!(mails), "{person}");
    }
    world.lms.reset_stats();
    import_into(&world, IMPORT_FILE).exits(3);
    assert_eq!(world.lms.stats().requests(), 0);
}

#[test]
fn a_star_behind_a_column_of_the_import_file_is_answered_with_the_name_to_write() {
    let world = World::new(AnewSpring);
    mapped_to(&world, IMPORT_MAPPING);
    let feed = std::fs::read(file(IMPORT_FILE)).unwrap();
    let end = feed.iter().position(|byte| *byte == b'\n').unwrap();
    let header = String::from_utf8(feed[..end].to_vec()).unwrap();
    let starred = header.replace("FirstName;", "FirstName*;");
    assert_ne!(header, starred);
    world.write("people.csv", [starred.as_bytes(), &feed[end..]].concat());
    let ran = world
        .run(&["check", "people.csv", "-m", "mapping.toml"])
        .exits(2);
    assert!(ran.stderr.contains("did you mean `FirstName*`?"), "{ran:?}");
}

#[test]
fn a_rehearsal_of_the_ready_mappings_needs_nothing() {
    let world = World::new(Kmi);
    for (feed, mapping) in [(LEARNERS, LEARNERS_MAPPING), (IMPORT_FILE, IMPORT_MAPPING)] {
        let (feed, mapping) = (file(feed), file(mapping));
        let paths = [&feed, &mapping].map(|path| path.to_str().unwrap());
        let ran = world
            .run(&["import", paths[0], "-m", paths[1], "--sandbox", "--json"])
            .exits(3);
        assert_eq!(ran.count("failed") + ran.count("unknown"), 0);
        assert!(ran.count("created") > 100, "{ran:?}");
    }
}
