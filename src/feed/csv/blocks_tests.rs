//! What a later pass over a file promises.

use std::fs::File;
use std::time::Duration;

use super::tests::{open, path, records};
use super::*;
use crate::feed::encoding::Charset;

#[test]
fn nothing_of_a_file_that_changed_is_handed_out() {
    let mut text = b"id,name\n".to_vec();
    for id in 0..5_000 {
        text.extend_from_slice(format!("{id:05},somebody\n").as_bytes());
    }
    for (at, new) in [
        (40_000, Some(b'x')),
        (3, Some(b'x')),
        (text.len(), Some(b'x')),
        (60_000, None),
    ] {
        let named = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(named.path(), &text).unwrap();
        let mut feed = CsvFile::open_with(
            Text {
                file: named.reopen().unwrap(),
                ..super::tests::text(&text, Some(Charset::UTF_8))
            },
            &FeedOptions::default(),
            1 << 10,
        )
        .unwrap();
        let before = records(&mut feed).unwrap();
        assert_eq!(before.len(), 5_000);

        let mut changed = text.clone();
        match new {
            Some(byte) if at < changed.len() => changed[at] = byte,
            Some(byte) => changed.push(byte),
            None => changed.truncate(at),
        }
        std::fs::write(named.path(), &changed).unwrap();
        let mut seen = Vec::new();
        let result = feed.read(
            &|_, _| true,
            |rows| {
                let mut batch = Vec::new();
                while let Some(record) = rows.next_record() {
                    batch.push(record.cell(0).unwrap().text.to_owned());
                }
                batch
            },
            |batch, _, _| {
                seen.extend(batch);
                Ok::<_, FeedError>(())
            },
        );
        assert!(matches!(result, Err(FeedError::Changed(_))), "{at}");
        assert!(seen.len() < 5_000 || at == text.len());
        for (id, seen) in seen.iter().enumerate() {
            assert_eq!(*seen, format!("{id:05}"));
        }
    }
}

#[test]
fn a_later_pass_skips_what_nobody_wants_until_somebody_writes_to_the_file() {
    let mut text = b"id\n".to_vec();
    text.extend((0..999).flat_map(|id| format!("{id}\n").into_bytes()));
    let named = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(named.path(), &text).unwrap();
    let opened = named.as_file().metadata().unwrap();
    let of_file = Text {
        file: File::open(named.path()).unwrap(),
        opened: Some(opened.clone()),
        ..super::tests::text(&text, Some(Charset::UTF_8))
    };
    let mut feed = CsvFile::open_with(of_file, &FeedOptions::default(), 64).unwrap();
    assert_eq!(records(&mut feed).unwrap().len(), 999);
    let mut lines_of = |line: u32| {
        let mut lines = Vec::new();
        feed.read(
            &|from, behind| (from.row()..behind.row()).contains(&line),
            |rows| {
                let mut batch = Vec::new();
                while let Some(record) = rows.next_record() {
                    let id = record.cell(0).unwrap().text.to_owned();
                    batch.push((record.row().row(), id));
                }
                batch
            },
            |batch, _, _| {
                lines.extend(batch);
                Ok::<_, FeedError>(())
            },
        )
        .map(|()| lines)
    };
    for line in [2, 500, 1_000] {
        let lines = lines_of(line).unwrap();
        assert!(lines.len() < 40, "{}", lines.len());
        assert!(lines.contains(&(line, (line - 2).to_string())), "{line}");
    }
    let mut other = text.clone();
    other[3 + 10 * 2 + 90 * 3 + 400 * 4] = b'7';
    std::fs::write(named.path(), &other).unwrap();
    let at_another_time = opened.modified().unwrap() + Duration::from_secs(1);
    named.as_file().set_modified(at_another_time).unwrap();
    assert!(matches!(lines_of(2), Err(FeedError::Changed(_))));
    // Only what is read can show it where the system says that nobody wrote.
    named
        .as_file()
        .set_modified(opened.modified().unwrap())
        .unwrap();
    assert!(lines_of(2).is_ok());
    assert!(matches!(lines_of(502), Err(FeedError::Changed(_))));
    text.truncate(1_000);
    std::fs::write(named.path(), &text).unwrap();
    named
        .as_file()
        .set_modified(opened.modified().unwrap())
        .unwrap();
    assert!(matches!(lines_of(2), Err(FeedError::Changed(_))));
}

#[test]
fn what_a_program_of_long_ago_ends_a_text_with_may_be_longer_than_a_block() {
    let text = [b"id\n1\n2\n", &[0x1a; 500][..]].concat();
    let mut feed = open(&text, &FeedOptions::default(), 64).unwrap();
    for _ in 0..2 {
        assert_eq!(records(&mut feed).unwrap().len(), 2);
    }
}

#[test]
fn a_pass_that_was_ended_early_leaves_the_feed_as_it_was() {
    let mut text = b"id\n".to_vec();
    text.extend((0..999).flat_map(|id| format!("{id}\n").into_bytes()));
    let mut feed = open(&text, &FeedOptions::default(), 64).unwrap();
    let mut results = 0;
    let result = feed.read(
        &|_, _| true,
        |_| (),
        |(), _, _| {
            results += 1;
            if results == 3 {
                return Err(FeedError::NoHeader(path()));
            }
            Ok(())
        },
    );
    assert!(result.is_err());
    assert_eq!((results, feed.sha256()), (3, None));
    assert_eq!(records(&mut feed).unwrap().len(), 999);
    assert!(feed.sha256().is_some());
}
