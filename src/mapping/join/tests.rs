use std::fmt::Write as _;
use std::fs;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::mapping::{Mapped, Person};
use crate::schema::BETWEEN;

/// Which of several rows counts, as the mapping says it and by hand.
type ByHand = (&'static str, fn(&[&[String; 3]]) -> usize);

const PICKS: [ByHand; 4] = [
    ("order = \"first\"", |_| 0),
    ("order = \"last\"", |rows| rows.len() - 1),
    ("column = \"Start\", order = \"latest\"", |rows| {
        let best = rows.iter().map(|row| &row[1]).max();
        rows.iter().position(|row| Some(&row[1]) == best).unwrap()
    }),
    ("column = \"Start\", order = \"lowest\"", |rows| {
        let best = rows.iter().map(|row| &row[1]).min();
        rows.iter().position(|row| Some(&row[1]) == best).unwrap()
    }),
];

fn csv(header: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!("{header}\n");
    for row in rows {
        let cells = row
            .iter()
            .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        writeln!(text, "{}", cells.collect::<Vec<_>>().join(",")).unwrap();
    }
    text
}

/// What the mapping reads of each row: its number, its values, and how many faults.
fn read(
    folder: &std::path::Path,
    more: &str,
    town: &str,
    groups: &str,
) -> Vec<(u32, Vec<String>, usize)> {
    let text = format!(
        "[target]\nsystem = \"anewspring\"\nbase_url = \"https://lms.example.com\"\n\
         api_key = {{ env = \"K\" }}\n{more}\n[fields]\nuserID = \"ID\"\nlogin = \"ID\"\n\
         firstName = \"Name\"\nlastName = \"Name\"\nresidence = {town}\ngroup = {groups}\n"
    );
    let mapping = Mapping::parse(&folder.join("m.toml"), &text).unwrap();
    let source = FeedSource::Path(folder.join(if more.is_empty() {
        "hand.csv"
    } else {
        "people.csv"
    }));
    let feed = Feed::open(&source, &mapping.source).unwrap();
    let mut watch = Watch {
        stop: &|| false,
        listener: &mut crate::event::NoListener,
    };
    let mut feed = attach(feed, &mapping, date(2026, 11, 23), &mut watch).unwrap();
    let bound = mapping.bind_feed(&feed, date(2026, 11, 23)).unwrap();
    let mut people = Vec::new();
    feed.read(
        |records| {
            let mut faults = Vec::new();
            let mut rows = Vec::new();
            while let Some(record) = records.next_record() {
                let mut person = Person::default();
                if bound.apply(record, &mut person, &mut faults).unwrap() == Mapped::Row {
                    let values = person.slots().map(|slot| format!("{slot:?}")).collect();
                    rows.push((record.row().row(), values, faults.len()));
                }
            }
            rows
        },
        |rows, _| {
            people.extend(rows);
            Ok::<_, FeedError>(())
        },
    )
    .unwrap();
    people
}

#[test]
fn reading_a_joined_file_is_announced_and_stops_when_the_program_is_to_stop() {
    struct Heard(Vec<String>);
    impl crate::event::Listener for Heard {
        fn on_event(&mut self, event: &crate::event::Event<'_>) {
            self.0.push(format!("{event:?}"));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("people.csv", "ID,Name\n1,Ann\n");
    write("contracts.csv", "ID,Town\n1,Ghent\n2,Delft\n");
    let text = "[target]\nsystem = \"anewspring\"\nbase_url = \"https://lms.example.com\"\n\
         api_key = { env = \"K\" }\n[join]\nfile = \"contracts.csv\"\non = \"ID\"\n[fields]\n\
         userID = \"ID\"\nlogin = \"ID\"\nfirstName = \"Name\"\nlastName = \"Name\"\nresidence = \"Town\"\n";
    let mapping = Mapping::parse(&folder.path().join("m.toml"), text).unwrap();
    for is_stopped in [false, true] {
        let source = FeedSource::Path(folder.path().join("people.csv"));
        let feed = Feed::open(&source, &mapping.source).unwrap();
        let mut heard = Heard(Vec::new());
        let mut watch = Watch {
            stop: &|| is_stopped,
            listener: &mut heard,
        };
        let attached = attach(feed, &mapping, date(2026, 11, 23), &mut watch);
        assert_eq!(attached.is_err(), is_stopped);
        assert_eq!(
            matches!(attached, Err(JoinError::Stopped)),
            is_stopped,
            "{attached:?}"
        );
        let said = heard.0.join("\n");
        assert!(
            said.starts_with("JoinStarted { file: \"`contracts.csv`\""),
            "{said}"
        );
        let end = "ReadFinished { rows: 2, skipped: 0, rejected: 0 }";
        assert_eq!(said.ends_with(end), !is_stopped, "{said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// As a person looks each row up by hand.
    #[test]
    fn a_joined_feed_is_the_feed_that_a_person_makes_with_look_ups(
        people in proptest::collection::vec((0..12_u32, "[a-zé]{1,6}"), 1..14),
        contracts in proptest::collection::vec((0..14_u32, 1..90_u32, "[A-Za-zé\", ]{0,9}"), 1..40),
        pick in 0..PICKS.len(),
    ) {
        let (setting, choose) = PICKS[pick];
        // Rows that are alike but for their place are no question of this test.
        let contracts: Vec<[String; 3]> = contracts.into_iter().enumerate().map(|(at, row)| {
            let order = row.1 * 100 + u32::try_from(at).unwrap();
            let start = if setting.contains("latest") {
                let (year, month, day) = (order / 360 % 100, order / 30 % 12 + 1, order % 28 + 1);
                format!("20{year:02}-{month:02}-{day:02}")
            } else {
                format!("{order:05}")
            };
            [format!("{:03}", row.0), start, row.2]
        }).collect();
        let starts = |id: &str| contracts.iter().filter(|row| row[0] == id).map(|row| &row[1]).collect::<Vec<_>>();
        for row in &contracts {
            let same = starts(&row[0]).iter().filter(|it| **it == &row[1]).count();
            prop_assume!(same == 1);
        }
        let known = people.iter().any(|it| !starts(&format!("{:03}", it.0)).is_empty());
        prop_assume!(known);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        let id = |number: u32| format!("{number:03}");
        write("people.csv", csv("ID,Name", people.iter().map(|it| vec![id(it.0), it.1.clone()])));
        write("contracts.csv", csv("ID,Start,Town", contracts.iter().map(|row| row.to_vec())));
        let by_hand = people.iter().map(|(number, name)| {
            let id = id(*number);
            let rows: Vec<_> = contracts.iter().filter(|row| row[0] == id).collect();
            let town = if rows.is_empty() { String::new() } else { rows[choose(&rows)][2].clone() };
            let towns: Vec<_> = rows.iter().map(|row| row[2].trim().to_owned()).collect();
            vec![id, name.clone(), town, towns.join("|")]
        });
        write("hand.csv", csv("ID,Name,Town,Towns", by_hand));
        let join = format!("[join]\nfile = \"contracts.csv\"\non = \"ID\"\npick = {{ {setting} }}");
        let joined = read(folder.path(), &join, "\"Town\"", "{ column = \"Town\", all = true }");
        let hand = read(folder.path(), "", "\"Town\"", "{ column = \"Towns\", split = \"|\" }");
        prop_assert_eq!(joined, hand);
    }

    /// As a person deletes the rows that do not count, by hand.
    #[test]
    fn merged_rows_are_the_rows_that_a_person_leaves_in_the_feed(
        rows in proptest::collection::vec((0..6_u32, 0..50_u32, "[A-Z]{0,3}", any::<bool>()), 1..30),
    ) {
        let row = |(at, row): (usize, (u32, u32, String, bool))| {
            let start = row.1 * 100 + u32::try_from(at).unwrap();
            let ended = if row.3 { "yes" } else { "no" };
            [format!("{:03}", row.0), start.to_string(), row.2, ended.to_owned()]
        };
        let rows: Vec<_> = rows.into_iter().enumerate().map(row).collect();
        let folder = tempfile::tempdir().unwrap();
        let text = csv("ID,Start,Name,Ended", rows.iter().map(|row| row.to_vec()));
        fs::write(folder.path().join("people.csv"), text).unwrap();
        let source = "[source]\nwhere = \"row['Ended'] == 'no'\"\n\
            merge = { on = \"ID\", pick = { column = \"Start\", order = \"highest\" } }";
        let merged = read(folder.path(), source, "\"Start\"", "{ column = \"Name\", all = true }");
        let counts = |row: &&[String; 4]| row[3] == "no";
        let mut expected = Vec::new();
        for (at, row) in rows.iter().enumerate().filter(|(_, row)| counts(row)) {
            let same: Vec<_> = rows.iter().filter(counts).filter(|it| it[0] == row[0]).collect();
            let best = same.iter().map(|it| it[1].parse::<u32>().unwrap()).max().unwrap();
            if row[1] == best.to_string() {
                let mut names: Vec<_> = same.iter().map(|it| it[2].clone()).filter(|it| !it.is_empty()).collect();
                names.sort();
                names.dedup();
                let names = names.join(&BETWEEN.to_string());
                expected.push((u32::try_from(at + 2).unwrap(), row[1].clone(), names));
            }
        }
        let of = |text: &str| if text.is_empty() { "Absent".to_owned() } else { format!("Text({text:?})") };
        let expected: Vec<_> = expected.into_iter().map(|(row, start, names)| (row, of(&start), of(&names))).collect();
        let found: Vec<_> = merged.into_iter().map(|(row, values, _)| {
            (row, values[values.len() - 2].clone(), values[values.len() - 1].clone())
        }).collect();
        prop_assert_eq!(found, expected);
    }
}
