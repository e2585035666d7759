//! What the reader of CSV promises.

use std::fs::File;
use std::io::Write as _;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::feed::encoding::Charset;

pub(super) type Found = Vec<(u32, Vec<Vec<u8>>)>;

pub(super) fn path() -> Arc<Path> {
    Arc::from(Path::new("people.csv"))
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

pub(super) fn text(bytes: &[u8], encoding: Option<Charset>) -> Text {
    let file = file(bytes);
    Text {
        path: path(),
        opened: file.metadata().ok(),
        file,
        length: bytes.len() as u64,
        sha256: None,
        encoding,
        mark: 0,
    }
}

pub(super) fn open(
    bytes: &[u8],
    options: &FeedOptions,
    block: usize,
) -> Result<CsvFile, FeedError> {
    CsvFile::open_with(text(bytes, Some(Charset::UTF_8)), options, block)
}

/// All records of one pass; a cell that is not text is `?`.
pub(super) fn records(feed: &mut CsvFile) -> Result<Found, FeedError> {
    Ok(records_of(feed)?.0)
}

/// The same, and whether all of them keep to RFC 4180.
fn records_of(feed: &mut CsvFile) -> Result<(Found, bool), FeedError> {
    let mut found = Vec::new();
    let mut is_plain = feed.dialect.quoting == quoting::Quoting::PLAIN;
    feed.read(
        &|_, _| true,
        |rows| {
            let (mut batch, mut is_plain) = (Vec::new(), true);
            while let Some(record) = rows.next_record() {
                let cells = (0..record.len())
                    .map(|index| record.cell(index).unwrap().text.as_bytes().to_vec())
                    .collect();
                is_plain &= record.flaw().is_none();
                batch.push((record.row().row(), cells));
            }
            (batch, is_plain && rows.take_remarks().is_empty())
        },
        |(batch, is_batch_plain): (Vec<_>, _), _, _| {
            is_plain &= is_batch_plain;
            found.extend(batch);
            Ok::<_, FeedError>(())
        },
    )?;
    Ok((found, is_plain))
}

fn rows(found: Found) -> Vec<(u32, String)> {
    found
        .into_iter()
        .map(|(row, cells)| (row, String::from_utf8(cells.join(&b'/')).unwrap()))
        .collect()
}

#[track_caller]
fn check(bytes: &[u8], expected: &[(u32, &str)]) {
    for block in [1, 2, 3, 7, 1 << 20] {
        let mut feed = open(bytes, &FeedOptions::default(), block).unwrap();
        let expected: Vec<_> = expected
            .iter()
            .map(|&(row, it)| (row, it.to_owned()))
            .collect();
        assert_eq!(
            rows(records(&mut feed).unwrap()),
            expected,
            "block of {block}"
        );
    }
}

/// The csv crate's records after the first, with the lines on which they start
/// counted by hand.
fn oracle(bytes: &[u8], delimiter: u8) -> Found {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(bytes);
    let mut found = Vec::new();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).unwrap() {
        // The crate's position may lie before blank lines.
        let mut start = usize::try_from(record.position().unwrap().byte()).unwrap();
        if start == 0 && bytes.starts_with(b"\xef\xbb\xbf") {
            start = 3;
        }
        while matches!(bytes.get(start), Some(b'\r' | b'\n')) {
            start += 1;
        }
        let mut line = 1;
        for at in 0..start {
            let ends = match bytes[at] {
                b'\n' => true,
                b'\r' => bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            line += u32::from(ends);
        }
        let blank = record
            .iter()
            .all(|cell| str::from_utf8(cell).is_ok_and(|it| it.trim().is_empty()));
        if !blank {
            let cells = record
                .iter()
                .map(|cell| match str::from_utf8(cell) {
                    Ok(_) => cell.to_vec(),
                    Err(_) => Vec::new(),
                })
                .collect();
            found.push((line, cells));
        }
    }
    found
}

fn csv_like() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop::sample::select(vec![
            &b"\""[..],
            &b"\"\""[..],
            &b",\""[..],
            &b"\","[..],
            &b"\n\""[..],
            &b"\"\n"[..],
            &b","[..],
            &b";"[..],
            &b"\n"[..],
            &b"\r\n"[..],
            &b"\r"[..],
            &b" "[..],
            &b"ab"[..],
            &b"\xc3\xa9"[..],
            &b"\xc3"[..],
            &b"\xef\xbb\xbf"[..],
        ]),
        0..80,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    // Each reads some dozens of kilobytes four times.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn letters_beyond_the_sample_read_like_those_in_it(
        tail in csv_like(),
        western: bool,
        block in 1_usize..3_000,
    ) {
        let mut bytes = b"id,name\n".to_vec();
        while bytes.len() <= SAMPLE {
            bytes.extend_from_slice(&[&[b'n'; 1 << 12][..], b",x\n"].concat());
        }
        bytes.extend_from_slice(&tail);
        if western {
            // Or half of the letters would say UTF-8.
            bytes.retain(|&byte| byte != b'\xc3');
        }
        let options = FeedOptions { delimiter: Some(b','), ..FeedOptions::default() };
        let mut late = CsvFile::open_with(text(&bytes, None), &options, block).unwrap();
        prop_assert_eq!(late.encoding(), "UTF-8");
        let known = match text(&bytes, None).judge(0) {
            Ok(known) => text(&bytes, Some(known)),
            Err(error) => {
                let found = records(&mut late).map_err(|error| error.to_string());
                prop_assert_eq!(found, Err(error.to_string()));
                return Ok(());
            }
        };
        let mut known = CsvFile::open_with(known, &options, block).unwrap();
        let expected = records(&mut known).map_err(|error| error.to_string());
        let found = records(&mut late).map_err(|error| error.to_string());
        prop_assert_eq!(&found, &expected);
        if found.is_ok() {
            prop_assert_eq!(late.encoding(), known.encoding());
            prop_assert_eq!(late.length(), known.length());
            prop_assert_eq!(late.sha256(), Some(Sha256::digest(&bytes).into()));
            prop_assert_eq!(records(&mut late).map_err(|error| error.to_string()), expected);
        }
    }
}

/// Bytes of a text in an encoding, some of them damaged: what `bytes` are in Latin-1, or
/// themselves where an encoding has a byte for each letter of ASCII.
fn in_bytes_of(charset: Charset, bytes: &[u8]) -> Vec<u8> {
    // Half of a character of two in UTF-16, and none in UTF-32, in some cases.
    let wide = bytes.iter().map(|&byte| match byte {
        0..=0x7f => u16::from(byte),
        beyond => u16::from(beyond) * 0x101,
    });
    match charset.name() {
        "UTF-16LE" => wide.flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => wide.flat_map(u16::to_be_bytes).collect(),
        "UTF-32LE" => wide.flat_map(|it| u32::from(it).to_le_bytes()).collect(),
        "UTF-32BE" => wide.flat_map(|it| u32::from(it).to_be_bytes()).collect(),
        _ => bytes.to_vec(),
    }
}

/// CSV with bytes of any encoding between what parts cells and rows.
fn csv_like_in_any_encoding() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        2 => csv_like(),
        // What begins a character of several bytes, and escapes of those that have them.
        1 => prop::sample::select(vec![
            &b"\x81"[..], b"\x8e", b"\x8f", b"\xe3\x81", b"\xa1\xa1", b"\x83|", b"\x81\x30\x81\x30",
            b"\x1b$B", b"\x1b(B", b"\x1b(J", b"$\"", b"\xa0",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(1..=255_u8, 0..8),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn text_in_any_encoding_reads_like_the_whole_of_it_decoded_in_blocks_of_any_size(
        label in prop::sample::select(vec![
            "windows-1252", "windows-1250", "macintosh", "cp850", "cp437", "shift_jis", "euc-jp",
            "iso-2022-jp", "euc-kr", "gbk", "gb18030", "big5", "utf-16le", "utf-16be", "utf-32le",
            "utf-32be", "windows-874",
        ]),
        tail in csv_like_in_any_encoding(),
        block in 1_usize..40,
        cut in 0_usize..4,
    ) {
        let charset = crate::feed::encoding::named(label).unwrap();
        let mut bytes = in_bytes_of(charset, &[&b"id,name,mail\n1,\"a\",b\n"[..], &tail].concat());
        bytes.truncate(bytes.len() - cut.min(tail.len()));
        let mut utf8 = Vec::new();
        charset.decoder().decode(&bytes, true, &mut utf8);
        let options = FeedOptions { delimiter: Some(b','), ..FeedOptions::default() };
        let of = |text: Text, block: usize| {
            let mut feed = CsvFile::open_with(text, &options, block)?;
            let (length, digest) = (feed.length(), Sha256::digest(&bytes));
            let found = records_of(&mut feed)?;
            assert_eq!(records_of(&mut feed)?, found);
            Ok::<_, FeedError>((found, feed.sha256() == Some(digest.into()), length))
        };
        let expected = of(text(&utf8, Some(Charset::UTF_8)), BLOCK).map(|it| it.0);
        let found = of(text(&bytes, Some(charset)), block);
        if let Ok((_, is_digest, length)) = &found {
            prop_assert!(is_digest);
            prop_assert_eq!(*length, bytes.len() as u64);
        }
        let text = |error: FeedError| error.to_string();
        prop_assert_eq!(found.map(|it| it.0).map_err(text), expected.map_err(text));
    }
}

#[test]
fn a_row_whose_quotes_are_not_doubled_is_the_same_however_much_is_read_with_it() {
    let bytes = b"id,name,mail\n1,\"a\",b\n2,\"a\",b\n\"\",\"\"ab,\",\n\",\n,;\"\",;\"\n\"\"\"\"";
    let of = |block| records(&mut open(bytes, &FeedOptions::default(), block).unwrap()).unwrap();
    for block in 1..40 {
        assert_eq!(of(block), of(BLOCK), "{block}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn records_and_cells_are_those_of_the_csv_crate(
        tail in csv_like(),
        mark: bool,
        semicolon: bool,
        block in 1_usize..40,
    ) {
        let delimiter = if semicolon { b';' } else { b',' };
        let mut bytes = if mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        bytes.extend_from_slice(b"id,name;mail\n");
        bytes.extend_from_slice(&tail);
        let options = FeedOptions {
            delimiter: Some(delimiter),
            header_row: Some(1),
            ..FeedOptions::default()
        };
        let expected: Found = oracle(&bytes, delimiter).split_off(1);
        let found = open(&bytes, &options, block).and_then(|mut feed| {
            let found = records_of(&mut feed)?;
            assert_eq!(feed.sha256(), Some(Sha256::digest(&bytes).into()));
            // And once more, now that the hashes are compared.
            assert_eq!(records_of(&mut feed)?, found);
            Ok(found)
        });
        match found {
            // A byte order mark among the rows is one to the csv crate only.
            Ok((found, true)) if !tail.windows(3).any(|it| it == b"\xef\xbb\xbf") => {
                prop_assert_eq!(found, expected);
            }
            Ok(_) => {}
            Err(error) => {
                let is_unclosed = matches!(error, FeedError::UnclosedQuote { .. });
                prop_assert!(is_unclosed, "{:?}", error);
            }
        }
    }

    #[test]
    fn blocks_of_any_size_hold_the_same_records(tail in csv_like(), block in 1_usize..40) {
        let bytes = [b"id,name,mail\n1,\"a\",b\n2,\"a\",b\n", &tail[..]].concat();
        let of = |block| {
            let mut feed = open(&bytes, &FeedOptions::default(), block)?;
            records(&mut feed)
        };
        let (small, large) = (of(block), of(BLOCK));
        let text = |found: Result<Found, FeedError>| found.map_err(|error| error.to_string());
        prop_assert_eq!(text(small), text(large));
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200), block in 1_usize..9) {
        if let Ok(mut feed) = open(&bytes, &FeedOptions::default(), block) {
            records(&mut feed).unwrap();
        }
    }
}

#[test]
fn rows_are_numbered_as_an_editor_does() {
    check(
        b"id,name\r\n\r\n1,\"a\r\nb\"\r\n\r\n\r\n2,c\r\n",
        &[(3, "1/a\r\nb"), (7, "2/c")],
    );
    check(b"id,name\r1,a\r\r2,b", &[(2, "1/a"), (4, "2/b")]);
    check(
        b"\xef\xbb\xbf\n\nid,name\n1,a\n,\n  , \n2,b",
        &[(4, "1/a"), (7, "2/b")],
    );
    check(b"sep=;\nid;name\n1;a,b\n2;\n", &[(3, "1/a,b"), (4, "2/")]);
    check(b"People\n\nid,name,mail\n1,a,b\n", &[(4, "1/a/b")]);
}

#[test]
fn the_header_is_trimmed_and_a_nameless_column_gets_a_name() {
    let feed = open(
        b"\xef\xbb\xbf\" id \",,e\xcc\x81\n1,2,3\n",
        &FeedOptions::default(),
        9,
    )
    .unwrap();
    assert_eq!(feed.columns, ["id", "column B", "\u{e9}"]);
    assert_eq!(feed.header_row, RowNumber::new(1));
}

#[test]
fn a_quote_that_is_never_closed_before_the_end_is_reported_with_its_line() {
    let text = b"id,name\n1,a\n2,\"b\n";
    let error = open(text, &FeedOptions::default(), 4).unwrap_err();
    let is_of = |error: &FeedError, expected: u32| matches!(error, FeedError::UnclosedQuote { line, .. } if line.row() == expected);
    assert!(is_of(&error, 3), "{error:?}");
    // Beyond the part that is read first, and with a line behind it.
    let mut text = b"id,name\n".to_vec();
    for id in 0..20_000 {
        text.extend_from_slice(format!("{id},somebody\n").as_bytes());
    }
    text.extend_from_slice(b"x,\"y\nz");
    let error = records(&mut open(&text, &FeedOptions::default(), 1 << 16).unwrap()).unwrap_err();
    assert!(is_of(&error, 20_002), "{error:?}");
}

#[test]
fn a_record_of_many_megabytes_is_reported_with_the_line_of_its_quote() {
    let mut text = b"id,name\n".to_vec();
    for id in 0..9_000 {
        text.extend_from_slice(format!("{id},somebody\n").as_bytes());
    }
    text.extend_from_slice(b"x,\"");
    text.resize(text.len() + MAX_RECORD + (1 << 20), b'\n');
    text.extend_from_slice(b"\"\n");
    let mut feed = open(&text, &FeedOptions::default(), BLOCK).unwrap();
    let error = feed
        .read(&|_, _| true, |_| (), |(), _, _| Ok::<_, FeedError>(()))
        .unwrap_err();
    assert!(
        matches!(
            error,
            FeedError::RecordTooLong { line, .. } if line == RowNumber::new(9_002)
        ),
        "{error:?}"
    );
}

#[test]
fn a_header_without_end_is_refused() {
    let text = [&b"id,\""[..], &vec![b'x'; MAX_RECORD + (1 << 20)]].concat();
    let error = open(&text, &FeedOptions::default(), BLOCK).unwrap_err();
    assert!(
        matches!(
            error,
            FeedError::RecordTooLong { line, .. } if line == RowNumber::new(1)
        ),
        "{error:?}"
    );
    let error = open(&vec![b','; 20_000], &FeedOptions::default(), BLOCK).unwrap_err();
    assert!(matches!(error, FeedError::Empty(_)), "{error:?}");
    let text = [&b"x"[..], &vec![b','; 20_000]].concat();
    let error = open(&text, &FeedOptions::default(), BLOCK).unwrap_err();
    assert!(
        matches!(
            error,
            FeedError::TooManyColumns {
                columns: 20_001,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn the_mapping_may_say_where_the_header_is() {
    let options = |row| FeedOptions {
        header_row: Some(row),
        ..FeedOptions::default()
    };
    let text = b"a,b\n\n1,2\n3,4\n";
    let mut feed = open(text, &options(3), 64).unwrap();
    assert_eq!(feed.columns, ["1", "2"]);
    assert_eq!(rows(records(&mut feed).unwrap()), [(4, "3/4".to_owned())]);
    for row in [0, 2, 5, 9_999] {
        let error = open(text, &options(row), 64).unwrap_err();
        assert!(
            matches!(error, FeedError::HeaderRowNotFound { .. }),
            "{error:?}"
        );
        assert!(error.is_usage());
    }
    let mut long = b"title\n".repeat(30_000);
    long.extend_from_slice(b"id,name\n7,x\n");
    let mut feed = open(&long, &options(30_001), 1 << 16).unwrap();
    assert_eq!(
        rows(records(&mut feed).unwrap()),
        [(30_002, "7/x".to_owned())]
    );
}

#[test]
fn the_estimate_is_near_and_rather_too_large() {
    let mut text = b"id,name\n".to_vec();
    for id in 0..50_000 {
        text.extend_from_slice(format!("{id},somebody\n").as_bytes());
    }
    let feed = open(&text, &FeedOptions::default(), 64).unwrap();
    assert!(
        (50_000..90_000).contains(&feed.estimated_rows),
        "{}",
        feed.estimated_rows
    );
}
