//! What is promised of feeds in other encodings.

use std::io::Write as _;
use std::mem::{Discriminant, discriminant};

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::feed::{CellKind, Feed, FeedOptions};

type Rows = Vec<(u32, Vec<(String, CellKind)>)>;

fn open(bytes: &[u8], encoding: Option<&str>) -> Result<Feed, FeedError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let options = FeedOptions {
        encoding: encoding.map(str::to_owned),
        ..FeedOptions::default()
    };
    Feed::open(
        &crate::feed::FeedSource::from_argument(file.path()),
        &options,
    )
}

fn rows(feed: &mut Feed) -> Result<Rows, FeedError> {
    let mut found = Vec::new();
    feed.read(
        |rows| {
            let mut batch = Vec::new();
            while let Some(record) = rows.next_record() {
                let cells = (0..record.len())
                    .map(|index| record.cell(index).unwrap())
                    .map(|cell| (cell.text.to_owned(), cell.kind))
                    .collect();
                batch.push((record.row().row(), cells));
            }
            batch
        },
        |batch: Vec<_>, _| {
            found.extend(batch);
            Ok::<_, FeedError>(())
        },
    )?;
    Ok(found)
}

/// The columns and rows, or how reading failed.
type Read = Result<(Vec<String>, Rows), Discriminant<FeedError>>;

fn read(bytes: &[u8], encoding: Option<&str>) -> Read {
    open(bytes, encoding)
        .and_then(|mut feed| {
            let rows = rows(&mut feed)?;
            Ok((feed.columns().to_owned(), rows))
        })
        .map_err(|error| discriminant(&error))
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn in_encoding(label: &str, text: &str) -> Vec<u8> {
    let (bytes, _, unmappable) = encoding_rs::Encoding::for_label(label.as_bytes())
        .unwrap()
        .encode(text);
    assert!(!unmappable);
    bytes.into_owned()
}

#[track_caller]
fn check(bytes: &[u8], format: &str, expected: &[(u32, &str)]) {
    let mut feed = open(bytes, None).unwrap();
    let found: Vec<_> = rows(&mut feed)
        .unwrap()
        .into_iter()
        .map(|(row, cells)| {
            let cells: Vec<_> = cells
                .into_iter()
                .map(|(text, kind)| {
                    if kind == CellKind::NotText {
                        "?".into()
                    } else {
                        text
                    }
                })
                .collect();
            (row, cells.join("|"))
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|&(row, it)| (row, it.to_owned()))
        .collect();
    assert_eq!(
        (feed.format().to_string(), found),
        (format.to_owned(), expected)
    );
    assert_eq!(feed.sha256(), Some(Sha256::digest(bytes).into()));
}

/// Letters of all kinds, and all that parts cells and rows.
fn any_text() -> impl Strategy<Value = String> {
    let char = prop_oneof![
        3 => prop::sample::select(",;\t\"\n\r abc7".chars().collect::<Vec<_>>()),
        1 => prop::sample::select("éßŁжあ漢\u{a0}\u{85}\u{2028}\u{feff}🦀".chars().collect::<Vec<_>>()),
        1 => any::<char>().prop_filter("a binary file", |&char| char != '\0'),
    ];
    prop::collection::vec(char, 0..60).prop_map(|chars| chars.into_iter().collect())
}

/// The same, of the letters that windows-1252 has.
fn western_text() -> impl Strategy<Value = String> {
    let byte = prop_oneof![
        1 => prop::sample::select(b",;\t\"\n\r abc7".to_vec()),
        1 => 1..=255_u8,
    ];
    prop::collection::vec(byte, 0..60).prop_map(|bytes| {
        encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(&bytes)
            .0
            .into()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn text_in_utf_16_reads_like_text_in_utf_8(text in any_text()) {
        let text = format!("id,name\n{text}");
        let expected = read(text.as_bytes(), Some("utf-8"));
        let with_mark = format!("\u{feff}{text}");
        prop_assert_eq!(&read(&utf16(&with_mark, u16::to_le_bytes), None), &expected);
        prop_assert_eq!(&read(&utf16(&with_mark, u16::to_be_bytes), None), &expected);
        prop_assert_eq!(&read(&utf16(&text, u16::to_le_bytes), Some("utf-16")), &expected);
        prop_assert_eq!(&read(&utf16(&text, u16::to_be_bytes), Some("utf-16be")), &expected);
    }

    #[test]
    fn text_in_windows_1252_reads_like_text_in_utf_8(text in western_text()) {
        let text = format!("id,name\n{text}");
        let expected = read(text.as_bytes(), Some("utf-8"));
        let bytes = in_encoding("windows-1252", &text);
        prop_assert_eq!(read(&bytes, Some("windows-1252")), expected);
    }

    #[test]
    fn no_bytes_are_too_odd_for_any_encoding(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        label in prop::sample::select(vec![
            None, Some("windows-1252"), Some("utf-16"), Some("gb18030"), Some("iso-2022-jp"),
        ]),
    ) {
        // Whether it is a feed or not.
        drop(read(&bytes, label));
    }
}

#[test]
fn what_excel_saves_is_read_without_asking() {
    let text = "id;naam;functie\r\n7;Zoë;\"Café, „bar”\"\r\n\r\n8;Jérôme;€ 5\r\n";
    let expected = [(2, "7|Zoë|Café, „bar”"), (4, "8|Jérôme|€ 5")];
    check(
        &in_encoding("windows-1252", text),
        "CSV, semicolon, windows-1252",
        &expected,
    );
    check(text.as_bytes(), "CSV, semicolon", &expected);
    check(
        format!("\u{feff}{text}").as_bytes(),
        "CSV, semicolon",
        &expected,
    );
    let tabs = text.replace(';', "\t");
    for (text, format) in [
        (format!("\u{feff}{tabs}"), "CSV, tab, UTF-16LE"),
        (tabs, "CSV, tab, UTF-16LE"),
    ] {
        check(&utf16(&text, u16::to_le_bytes), format, &expected);
    }
    check(
        &utf16(&format!("\u{feff}sep=;\r\n{text}"), u16::to_be_bytes),
        "CSV, semicolon, UTF-16BE",
        &[(3, "7|Zoë|Café, „bar”"), (5, "8|Jérôme|€ 5")],
    );
}

#[test]
fn a_header_may_hold_the_only_letters_beyond_ascii() {
    for encoding in ["windows-1252", "utf-8"] {
        let feed = open(&in_encoding(encoding, "id,première\n7,x\n"), None).unwrap();
        assert_eq!(feed.columns(), ["id", "première"]);
    }
    let bytes = utf16("\u{feff}première,second,troisième\r\n", u16::to_le_bytes);
    let mut feed = open(&bytes, None).unwrap();
    assert_eq!(feed.columns(), ["première", "second", "troisième"]);
    assert_eq!(rows(&mut feed).unwrap(), []);
}

#[test]
fn damaged_utf_8_is_refused_row_by_row_and_not_read_as_windows_1252() {
    // Two files joined, a letter cut in half, a file that ends within a letter.
    check(
        b"id,name\n1,Jos\xc3\xa9\n2,Jos\xe9\n",
        "CSV, comma",
        &[(2, "1|José"), (3, "2|?")],
    );
    check(
        b"id,name\n1,Jos\xc3\n2,Zo\xc3\xab\n",
        "CSV, comma",
        &[(2, "1|?"), (3, "2|Zoë")],
    );
    check(
        b"id,name\n1,Jos\xc3\xa9\n2,Zo\xc3",
        "CSV, comma",
        &[(2, "1|José"), (3, "2|?")],
    );
}

#[test]
fn damaged_utf_16_is_refused_row_by_row() {
    let mut bytes = utf16("\u{feff}id,name\n1,x\n2,", u16::to_le_bytes);
    bytes.extend(0xd83d_u16.to_le_bytes());
    bytes.extend(utf16("\n3,y\n4,z", u16::to_le_bytes));
    bytes.push(b'!');
    let expected = [(2, "1|x"), (3, "2|?"), (4, "3|y"), (5, "4|?")];
    check(&bytes, "CSV, comma, UTF-16LE", &expected);
}

#[test]
fn text_that_the_named_encoding_does_not_have_is_refused_row_by_row() {
    for (label, bytes) in [
        ("utf-8", &b"id,name\n1,Zo\xeb\n2,Ann\n"[..]),
        ("shift_jis", b"id,name\n1,\x81\n2,Ann\n"),
        ("iso-8859-7", b"id,name\n1,\xae\n2,Ann\n"),
    ] {
        let mut feed = open(bytes, Some(label)).unwrap();
        let found = rows(&mut feed).unwrap();
        let kinds: Vec<_> = found.iter().map(|(_, cells)| cells[1].1).collect();
        assert_eq!(kinds, [CellKind::NotText, CellKind::Text], "{label}");
    }
}

#[test]
fn a_named_encoding_is_trusted() {
    for (label, name) in [
        ("windows-1250", "Łukasz Ďábel"),
        ("Windows-1251", "Иван"),
        ("latin1", "Łukasz".trim_start_matches('Ł')),
        ("shift_jis", "山田 太郎"),
        ("macintosh", "Müller"),
    ] {
        let bytes = in_encoding(label, &format!("id;name\n7;{name}\n"));
        let mut feed = open(&bytes, Some(label)).unwrap();
        let found = rows(&mut feed).unwrap();
        assert_eq!(found[0].1[1], (name.to_owned(), CellKind::Text), "{label}");
    }
    // But a byte order mark is there or not.
    let feed = open("\u{feff}id;naïve\n".as_bytes(), Some("latin1")).unwrap();
    assert_eq!(feed.columns(), ["id", "naïve"]);
}

/// More ASCII than is read when a feed is opened, then `tail`.
fn late(tail: &[u8]) -> Vec<u8> {
    let mut bytes = b"id,name\n".to_vec();
    for id in 0..25_000 {
        bytes.extend_from_slice(format!("{id},{}\n", "n".repeat(100)).as_bytes());
    }
    bytes.extend_from_slice(tail);
    bytes
}

#[test]
fn letters_deep_in_a_file_are_read_in_their_encoding() {
    let tail = "x,Zoë\n\"y\",Jérôme\n";
    for (label, format) in [
        ("windows-1252", "CSV, comma, windows-1252"),
        ("utf-8", "CSV, comma"),
    ] {
        let bytes = late(&in_encoding(label, tail));
        let mut feed = open(&bytes, None).unwrap();
        assert_eq!(feed.format().to_string(), "CSV, comma");
        let found = rows(&mut feed).unwrap();
        assert_eq!(feed.format().to_string(), format);
        assert_eq!(feed.sha256(), Some(Sha256::digest(&bytes).into()));
        assert_eq!(found.len(), 25_002);
        assert_eq!(found[25_000].0, 25_002);
        assert_eq!(found[25_000].1[1].0, "Zoë");
        assert_eq!(found[25_001].1[1].0, "Jérôme");
        assert_eq!(rows(&mut feed).unwrap(), found);
    }
    // The first bytes could be windows-1252, and a later row says that they are not.
    let mut feed = open(&late(b"x,Zo\xeb\ny,Zo\xc3\xab\n"), None).unwrap();
    let found = rows(&mut feed).unwrap();
    assert_eq!(found[25_000].1[1].1, CellKind::NotText);
    assert_eq!(found[25_001].1[1].0, "Zoë");
}

#[test]
fn a_pass_that_ends_early_does_not_settle_the_encoding() {
    let bytes = late(b"x,Zo\xeb\n");
    let mut feed = open(&bytes, None).unwrap();
    let stopped = feed.read(|_| (), |(), _| Err(FeedError::Empty(Path::new("").into())));
    assert!(stopped.is_err());
    assert_eq!(feed.format().to_string(), "CSV, comma");
    assert_eq!(rows(&mut feed).unwrap()[25_000].1[1].0, "Zoë");
    assert_eq!(feed.format().to_string(), "CSV, comma, windows-1252");
}

#[test]
fn the_digest_of_a_compressed_feed_is_that_of_its_packed_bytes() {
    for bytes in [b"id,name\n7,Zo\xeb\n".to_vec(), late(b"7,Zo\xeb\n")] {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).unwrap();
        let packed = encoder.finish().unwrap();
        let mut feed = open(&packed, None).unwrap();
        assert_eq!(rows(&mut feed).unwrap().last().unwrap().1[1].0, "Zoë");
        let format = feed.format().to_string();
        assert_eq!(format, "compressed CSV, comma, windows-1252");
        assert_eq!(feed.sha256(), Some(Sha256::digest(&packed).into()));
    }
}

#[test]
fn a_file_that_grows_after_it_was_opened_is_refused() {
    for grown in ["7,Zo\u{eb}\n", "8,Ann\n"] {
        let bytes = in_encoding("windows-1252", "id,name\n7,Zo\u{eb}\n");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let source = crate::feed::FeedSource::from_argument(file.path());
        let mut feed = Feed::open(&source, &FeedOptions::default()).unwrap();
        file.write_all(&in_encoding("windows-1252", grown)).unwrap();
        let error = rows(&mut feed).unwrap_err();
        assert!(matches!(error, FeedError::Changed(_)), "{error:?}");
    }
}

#[test]
fn progress_ends_at_the_length_of_a_file_in_any_encoding() {
    let text = "id,name\n".to_owned() + &"7,山田 太郎\n8,Ann\n".repeat(200_000);
    for bytes in [
        in_encoding("shift_jis", &text),
        utf16(&text, u16::to_le_bytes),
    ] {
        let mut feed = open(&bytes, None).unwrap();
        let mut last = 0;
        feed.read(
            |_| (),
            |(), progress| {
                assert!(progress.bytes >= last);
                last = progress.bytes;
                Ok::<_, FeedError>(())
            },
        )
        .unwrap();
        assert_eq!((last, feed.bytes()), (bytes.len() as u64, Some(last)));
        let rows = feed.estimated_rows();
        assert!((400_000..600_000).contains(&rows), "{rows}");
    }
}
