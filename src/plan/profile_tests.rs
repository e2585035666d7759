//! What a profile counts, keeps and finds odd.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::event::NoListener;
use crate::feed::{Feed, FeedOptions, FeedSource};
use crate::mapping::Mapping;
use crate::plan::scan;

/// The profile of columns of which each row has these values.
fn profile_of(names: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Profile {
    let mut tally = ProfileTally::new(names.len());
    for row in rows {
        for (column, text) in row.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            tally.add(column, text);
        }
        tally.end_row();
    }
    tally.finish(names.iter().map(ToString::to_string))
}

fn of_one(values: impl IntoIterator<Item = String>) -> Profile {
    profile_of(&["Column"], values.into_iter().map(|value| vec![value]))
}

#[test]
fn a_profile_counts_rows_filled_cells_and_characters_exactly() {
    let rows = [["E1", "Zoë", ""], ["E2", "", ""], ["E3", "Zoë", "x"]];
    let rows = rows.map(|row| row.map(String::from).to_vec());
    let profile = profile_of(&["ID", "Name", "Note"], rows);
    let column = |name: &str, filled, distinct, chars| ColumnProfile {
        name: name.into(),
        filled,
        distinct,
        chars,
    };
    assert_eq!(
        profile,
        Profile {
            rows: 3,
            columns: vec![
                column("ID", 3, 3, 6),
                column("Name", 2, 1, 6),
                column("Note", 1, 1, 1)
            ],
            ..Profile::default()
        }
    );
}

#[test]
fn different_values_are_estimated_to_a_tenth_however_many_there_are() {
    for differ in [0, 1, 2, 10, 100, 1_000, 3_000, 10_000, 100_000] {
        let values = (0..2 * differ).map(|number| format!("value {}", number % differ));
        let estimate = of_one(values).columns[0].distinct;
        let off = estimate.abs_diff(differ);
        assert!(off * 10 <= differ, "{estimate} for {differ}");
    }
}

#[test]
fn batches_in_any_order_come_to_the_profile_of_the_whole() {
    let value = |number: usize| (number % 700).to_string();
    let whole = of_one((0..5_000).map(value));
    for batch in [1, 7, 1_000, 5_000] {
        let mut merged = ProfileTally::new(1);
        for first in (0..5_000).step_by(batch).rev() {
            let mut tally = ProfileTally::new(1);
            for number in first..(first + batch).min(5_000) {
                tally.add(0, &value(number));
                tally.end_row();
            }
            merged.merge(&tally);
        }
        assert_eq!(
            merged.finish(["Column".into()]),
            whole,
            "batches of {batch}"
        );
    }
}

#[test]
fn a_column_that_nobody_asked_for_is_ignored() {
    let mut tally = ProfileTally::new(1);
    tally.add(1, "x");
    tally.end_row();
    tally.merge(&ProfileTally::new(3));
    assert_eq!(tally.finish(["A".into(), "B".into()]).columns.len(), 1);
}

/// The profile that a scan of this feed makes with these fields, a line for each
/// column: how many cells are filled, how many values differ, how many characters.
fn scanned(fields: &str, feed: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    std::fs::write(&path, feed).unwrap();
    let text = format!(
        "[target]\nsystem = \"anewspring\"\nbase_url = \"https://lms.example.com\"\n\
         api_key = {{ env = \"K\" }}\n[source]\nwhere = \"row['ID'] != 'E9'\"\n[fields]\n{fields}"
    );
    let mapping = Mapping::parse(Path::new("mapping.toml"), &text).unwrap();
    let mut feed = Feed::open(&FeedSource::Path(path), &FeedOptions::default()).unwrap();
    let bound = mapping
        .bind(feed.columns(), &[], jiff::civil::date(2026, 11, 23))
        .unwrap();
    let scan = scan(&mut feed, &bound, 1, true, &|| false, &mut NoListener).unwrap();
    let columns = scan
        .profile
        .columns
        .iter()
        .map(|it| format!("{}: {} {} {}", it.name, it.filled, it.distinct, it.chars));
    let rows = format!("{} rows", scan.profile.rows);
    [rows]
        .into_iter()
        .chain(columns)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_scan_counts_what_the_feed_has_and_nothing_of_passwords() {
    let fields = "userID = \"ID\"\nlogin = \"Mail\"\nemail = { column = \"Mail\", lower = true }\n\
                  firstName = { template = \"{{ row.Name[:1] }}\" }\nlastName = \"Name\"\n\
                  password = \"Secret\"\nresidence = { column = \"City\", default = \"Utrecht\" }\n\
                  country = { value = \"NL\" }\n";
    // A row of the filter is not counted, an invalid one is.
    let feed = "ID,Mail,Name,Secret,City,Other\n\
                E1,ann@example.com,Ann,secret12,  ,x\n\
                E2,nobody,Zoë,secret12,Berlin,x\n\
                E3,cy@example.com,Cy,secret12,,x\n\
                E9,di@example.com,Di,secret12,Paris,x\n";
    insta::assert_snapshot!(scanned(fields, feed), @"
    3 rows
    ID: 3 3 6
    Mail: 3 3 35
    firstName: 3 3 3
    Name: 3 3 8
    City: 1 1 6
    country: 3 1 6
    ");
}

#[test]
fn a_stored_profile_is_read_by_every_release() {
    let profile = Profile {
        rows: 258,
        columns: vec![ColumnProfile {
            name: "É".into(),
            filled: 3,
            distinct: 2,
            chars: 1,
        }],
        ..Profile::default()
    };
    let number = |number: u8| [number, 0, 0, 0, 0, 0, 0, 0];
    let mut bytes = vec![1, 2, 1, 0, 0, 0, 0, 0, 0];
    bytes.extend(number(2));
    bytes.extend("É".as_bytes());
    bytes.extend([3, 2, 1].map(number).concat());
    assert_eq!(profile.to_bytes(), bytes);
    assert_eq!(Profile::from_bytes(&bytes), Some(profile));
    for (end, version) in FileEnd::ALL.into_iter().zip(1..) {
        bytes[0] = version;
        let stored = Profile::from_bytes(&bytes).unwrap();
        assert_eq!(stored.end, end);
        assert_eq!(stored.to_bytes(), bytes);
    }
    bytes[0] = 5;
    assert_eq!(Profile::from_bytes(&bytes), None, "of a later release");
}

#[test]
fn no_value_is_in_a_stored_profile() {
    let secret = "jansen@example.com";
    let stored = of_one(vec![secret.to_owned(); 30]).to_bytes();
    let hash = xxh3_64(secret.as_bytes()).to_le_bytes();
    for trace in [&secret.as_bytes()[..4], &hash[..4]] {
        assert!(!stored.windows(4).any(|bytes| bytes == trace));
    }
}

/// What is worth telling of one column, as it was and as it is.
fn told(before: impl Fn(usize) -> String, now: impl Fn(usize) -> String) -> String {
    let before = vec![of_one((0..1_000).map(before)); 5];
    worth_telling(&of_one((0..1_000).map(now)), &before).join("\n")
}

#[test]
fn what_is_odd_about_a_column_is_told_and_what_is_usual_is_not() {
    let id = |row: usize| format!("{:08}", row * 37);
    let mail = |row: usize| format!("person{row}@example.com");
    let department = |row: usize| format!("Department {}", row % 40);
    let same = |_: usize| "Somewhere".to_owned();
    let cases = [
        ("as ever", told(mail, mail)),
        ("one for all", told(mail, |_| mail(7))),
        ("a few for all", told(mail, |row| mail(row % 12))),
        ("half as many", told(mail, |row| mail(row / 2))),
        ("one department", told(department, |_| department(3))),
        (
            "fewer departments",
            told(department, |row| department(row / 2)),
        ),
        ("another column", told(department, mail)),
        ("always one value", told(same, same)),
        ("now several", told(same, department)),
        ("zeros cut", told(id, |row| (row * 37).to_string())),
        ("a digit more", told(id, |row| format!("{}0", id(row)))),
        (
            "cut short",
            told(mail, |row| mail(row).chars().take(9).collect()),
        ),
        ("emptied", told(mail, |_| String::new())),
    ];
    let lines: Vec<_> = cases
        .iter()
        .map(|(case, told)| format!("{case}: {told}"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    as ever: 
    one for all: `Column` now has the same value in all 1,000 rows where it is filled; it used to differ from row to row
    a few for all: `Column` now has about 12 different values in 1,000 rows; it used to differ from row to row
    half as many: 
    one department: `Column` now has the same value in all 1,000 rows where it is filled; it used to have about 41 different values
    fewer departments: 
    another column: `Column` now differs from row to row; it used to have about 41 different values
    always one value: 
    now several: 
    zeros cut: values of `Column` now have 5 characters on average; they used to have 8
    a digit more: 
    cut short: values of `Column` now have 9 characters on average; they used to have 21
    emptied:
    ");
}

#[test]
fn nothing_is_told_of_a_first_feed_or_a_few_rows() {
    let mail = |row: usize| format!("person{row}@example.com");
    let now = of_one((0..1_000).map(|_| mail(1)));
    assert_eq!(worth_telling(&now, &[]), Vec::<String>::new());
    let few = of_one((0..19).map(mail));
    assert_eq!(
        worth_telling(&now, std::slice::from_ref(&few)),
        Vec::<String>::new()
    );
    assert_eq!(worth_telling(&few, &[now]), Vec::<String>::new());
}

#[test]
fn the_median_is_in_the_middle() {
    let cases: &[(&[u64], Option<u64>)] = &[
        (&[], None),
        (&[7], Some(7)),
        (&[9, 4], Some(6)),
        (&[1_000, 3, 990], Some(990)),
        (&[u64::MAX, u64::MAX], Some(u64::MAX)),
    ];
    for (figures, expected) in cases {
        assert_eq!(median(figures.to_vec()), *expected, "{figures:?}");
    }
}

fn any_profile() -> impl Strategy<Value = Profile> {
    // No column's name begins with a control character.
    let column =
        ("[^\u{1}]{0,12}", any::<[u64; 3]>()).prop_map(|(name, [filled, distinct, chars])| {
            ColumnProfile {
                name,
                filled,
                distinct,
                chars,
            }
        });
    let columns = proptest::collection::vec(column, 0..6);
    let joined = ("[a-z.]{0,9}", any::<[u64; 2]>(), 0..FileEnd::ALL.len());
    let joined = joined.prop_map(|(file, [rows, people], end)| JoinedProfile {
        file,
        rows,
        people,
        end: FileEnd::ALL[end],
        nobodys: 0,
        clears: false,
    });
    let joined = proptest::collection::vec(joined, 0..3);
    let all = (
        any::<u64>(),
        columns,
        joined,
        any::<u64>(),
        0..FileEnd::ALL.len(),
    );
    all.prop_map(|(rows, columns, joined, files, end)| Profile {
        rows,
        columns,
        joined,
        files,
        end: FileEnd::ALL[end],
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_stored_comes_back(profile in any_profile()) {
        prop_assert_eq!(Profile::from_bytes(&profile.to_bytes()), Some(profile));
    }

    #[test]
    fn any_bytes_are_a_profile_or_none(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        cut in any::<proptest::sample::Index>(),
        of in any_profile(),
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = VERSION;
        }
        let stored = of.to_bytes();
        for bytes in [&bytes[..], &stored[..cut.index(stored.len())]] {
            if let Some(profile) = Profile::from_bytes(bytes) {
                prop_assert_eq!(profile.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn whatever_was_stored_can_be_compared(
        now in any_profile(), before in proptest::collection::vec(any_profile(), 0..6),
    ) {
        let mut before = before;
        for profile in &mut before {
            profile.columns.extend(now.columns.iter().cloned());
        }
        let _remarks = worth_telling(&now, &before);
    }
}
