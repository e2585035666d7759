//! What a replay hands out, however it cuts it up.

use std::path::Path;

use super::*;
use crate::event::NoListener;
use crate::feed::{FeedOptions, FeedSource};
use crate::mapping::Mapping;
use crate::plan::scan;

const ROWS: u32 = 30_000;

/// A feed of several batches, in which one row in a thousand is wrong.
fn feed() -> String {
    let row = |number: u32| {
        let mail = if number % 1_000 == 7 {
            "nobody"
        } else {
            "p@example.com"
        };
        format!("E{number},{number}{mail},{},Other\n", "n".repeat(80))
    };
    "ID,Mail,First,Last\n".to_owned() + &(0..ROWS).map(row).collect::<String>()
}

fn of(item: &Item) -> (RowIndex, bool) {
    match item {
        Item::Change(change) => (change.index, true),
        Item::LeftAlone(row) => (row.index, true),
        Item::Rejected { index, .. } => (*index, false),
    }
}

#[test]
fn slices_are_small_and_together_what_whole_batches_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    std::fs::write(&path, feed()).unwrap();
    let text = "[target]\nsystem = \"kmi\"\nbase_url = \"https://lms.example.com\"\n\
                api_key = { env = \"K\" }\napi_secret = { env = \"S\" }\n[fields]\n\
                externalId = \"ID\"\nemail = \"Mail\"\nloginName = \"ID\"\nfirstName = \"First\"\n\
                lastName = \"Last\"\n";
    let mapping = Mapping::parse(Path::new("mapping.toml"), text).unwrap();
    let mut feed = Feed::open(&FeedSource::Path(path), &FeedOptions::default()).unwrap();
    let bound = mapping
        .bind(feed.columns(), &[], jiff::civil::date(2026, 11, 23))
        .unwrap();
    let scan = scan(&mut feed, &bound, 1, true, &|| false, &mut NoListener).unwrap();
    let rows = &scan.rows;
    // All of a batch, more than a slice of it, less than one, and hardly any.
    for step in [1, 3, 200, 20_000] {
        let these: Vec<RowIndex> = (0..ROWS).step_by(step).collect();
        let wanted = Wanted::These;
        let asked = Asked {
            rows,
            wanted,
            these: &these,
        };
        let (mut whole, mut sliced) = (Vec::new(), Vec::new());
        replay_as(
            &mut feed,
            &bound,
            &asked,
            |item| of(&item),
            |items| {
                whole.extend(items);
                Ok::<_, ScanError>(())
            },
        )
        .unwrap();
        replay(&mut feed, &bound, rows, wanted, &these, |items| {
            assert!((1..=SLICE).contains(&items.len()), "{}", items.len());
            sliced.extend(items.iter().map(of));
            Ok::<_, ScanError>(())
        })
        .unwrap();
        assert_eq!(sliced, whole, "each {step}th row");
        let expected = these.iter().map(|row| (*row, row % 1_000 != 7));
        assert_eq!(whole, expected.collect::<Vec<_>>(), "each {step}th row");
    }
    // Who takes them may stop within a batch.
    let these: Vec<RowIndex> = (0..ROWS).collect();
    let mut left = 2;
    let stopped = replay(&mut feed, &bound, rows, Wanted::These, &these, |_| {
        left -= 1;
        if left == 0 {
            return Err(ScanError::Stopped);
        }
        Ok(())
    });
    assert!(matches!(stopped, Err(ScanError::Stopped)), "{stopped:?}");
    assert_eq!(left, 0);
}
