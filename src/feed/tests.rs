//! What the reader promises whatever the format.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

fn open(bytes: &[u8]) -> Result<Feed, FeedError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Feed::open(
        &FeedSource::from_argument(file.path()),
        &FeedOptions::default(),
    )
}

fn ids(feed: &mut Feed) -> Vec<String> {
    let mut found = Vec::new();
    feed.read(
        |rows| {
            let mut batch = Vec::new();
            while let Some(record) = rows.next_record() {
                batch.push(record.cell(0).unwrap().text.to_owned());
            }
            batch
        },
        |batch, _| {
            found.extend(batch);
            Ok::<_, FeedError>(())
        },
    )
    .unwrap();
    found
}

fn many(n_rows: usize) -> Vec<u8> {
    let mut text = b"id,name\n".to_vec();
    for id in 0..n_rows {
        text.extend_from_slice(format!("{id},{}\n", "n".repeat(200)).as_bytes());
    }
    text
}

#[test]
fn results_come_in_the_order_of_the_file_with_any_number_of_threads() {
    let expected: Vec<_> = (0..40_000).map(|id| id.to_string()).collect();
    let mut feed = open(&many(40_000)).unwrap();
    assert_eq!(ids(&mut feed), expected);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        // From inside the pool, whose only thread is the calling one.
        assert_eq!(pool.install(|| ids(&mut feed)), expected);
    }
}

#[test]
fn a_panic_of_either_side_reaches_the_caller() {
    let mut feed = open(&many(40_000)).unwrap();
    let work = catch_unwind(AssertUnwindSafe(|| {
        feed.read(
            |rows| {
                while let Some(record) = rows.next_record() {
                    assert_ne!(record.row().row(), 20_000, "as wanted");
                }
            },
            |(), _| Ok::<_, FeedError>(()),
        )
    }));
    assert!(work.is_err());
    let take = catch_unwind(AssertUnwindSafe(|| {
        feed.read(
            |_| (),
            |(), _| -> Result<(), FeedError> { panic!("as wanted") },
        )
    }));
    assert!(take.is_err());
    assert_eq!(ids(&mut feed).len(), 40_000);
}

#[test]
fn progress_ends_at_the_files_length() {
    let mut feed = open(&many(40_000)).unwrap();
    let mut last = 0;
    feed.read(
        |_| (),
        |(), progress| {
            assert!(progress.bytes > last);
            last = progress.bytes;
            Ok::<_, FeedError>(())
        },
    )
    .unwrap();
    assert_eq!(Some(last), feed.bytes());
}

#[test]
fn a_compressed_feed_reads_like_the_plain_one() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&many(1_000)).unwrap();
    let packed = encoder.finish().unwrap();
    let mut feed = open(&packed).unwrap();
    assert_eq!(feed.format().to_string(), "compressed CSV, comma");
    assert_eq!(feed.bytes(), Some(many(1_000).len() as u64));
    let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&packed).into();
    assert_eq!(feed.sha256(), Some(digest));
    assert_eq!(ids(&mut feed), ids(&mut open(&many(1_000)).unwrap()));
    assert_eq!(feed.sha256(), Some(digest));
}

#[test]
fn what_is_no_feed_is_recognised_by_its_content() {
    let ole = |name: &str| {
        let mut file = cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).unwrap();
        file.create_stream(name).unwrap();
        file.into_inner().into_inner()
    };
    let old = |kind: u8| vec![9, kind, 4, 0, 0, 0, 0x10, 0];
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let files = [
        ("empty", Vec::new()),
        ("blank lines", b"\n\n  \n".to_vec()),
        ("zeros", b"id\0name".to_vec()),
        ("pdf", b"%PDF-1.7\n".to_vec()),
        ("html", b"\n<HTML><table>".to_vec()),
        ("json", b"[\n {\"id\": 7}]".to_vec()),
        (
            "zip",
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
        ),
        ("cut zip", b"PK\x03\x04\0\0".to_vec()),
        ("utf-16 mark", utf16("\u{feff}")),
        ("utf-16 html", utf16("<html><table>")),
        ("utf-16 zeros", utf16("\u{feff}id\0name")),
        ("password", ole("EncryptedPackage")),
        ("excel 2", old(0)),
        ("excel 4", old(4)),
        ("cut doc", ole("WordDocument")[..600].to_vec()),
        ("doc", ole("WordDocument")),
        ("header", b"id,\xc3\xa9,n\x81\n7,x\n".to_vec()),
    ];
    let mut listed = String::new();
    for (name, bytes) in files {
        let error = open(&bytes).unwrap_err();
        assert!(error.help().is_some());
        assert!(!error.is_usage());
        let message = error.to_string();
        let (_, rest) = message.split_once("feed `").unwrap();
        let (_, rest) = rest.split_once('`').unwrap();
        listed.extend([name, ":", rest, "\n"]);
    }
    insta::assert_snapshot!(listed, @r"
    empty: is empty
    blank lines: is empty
    zeros: is a binary file, not a CSV or XLSX file
    pdf: is a PDF document, not a CSV or XLSX file
    html: is an HTML page, which is not supported
    json: is a JSON document, not a CSV or XLSX file
    zip: is a ZIP archive that does not hold exactly one file, not a CSV or XLSX file
    cut zip: is a damaged ZIP archive, not a CSV or XLSX file
    utf-16 mark: is empty
    utf-16 html: is an HTML page, which is not supported
    utf-16 zeros: is a binary file, not a CSV or XLSX file
    password: is protected by a password
    excel 2: is a workbook of Excel 4 or older, which is not supported
    excel 4: is a workbook of Excel 4 or older, which is not supported
    cut doc: is a damaged file of an old Office program, not a CSV or XLSX file
    doc: is an old Office document, not a CSV or XLSX file
    header: (line 1, column 3) is not UTF-8 text
    ");
}

#[test]
fn a_missing_feed_is_reported_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| {
        Feed::open(&FeedSource::from_argument(path), &FeedOptions::default()).unwrap_err()
    };
    assert!(matches!(open(folder.path()), FeedError::Directory(_)));
    let error = open(&folder.path().join("none.csv"));
    assert!(matches!(error, FeedError::NotFound(_)));
    assert!(error.to_string().contains("none.csv"));
}

#[test]
fn an_unknown_encoding_or_delimiter_is_wrong_usage() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "id;name\n7;x\n").unwrap();
    let open = |options| Feed::open(&FeedSource::from_argument(file.path()), &options);
    for encoding in ["windows-1253½", "", "replacement"] {
        let options = FeedOptions {
            encoding: Some(encoding.to_owned()),
            ..FeedOptions::default()
        };
        assert!(open(options).unwrap_err().is_usage());
    }
    for delimiter in *b"\"\n\0\xff" {
        let options = FeedOptions {
            delimiter: Some(delimiter),
            ..FeedOptions::default()
        };
        assert!(open(options).unwrap_err().is_usage());
    }
}

#[test]
fn a_dash_is_stdin() {
    assert_eq!(FeedSource::from_argument("-"), FeedSource::Stdin);
    let path = Path::new("./-");
    let source = FeedSource::from_argument(path);
    assert_eq!(source, FeedSource::Path(path.to_owned()));
}

#[test]
fn equal_columns_are_listed_and_no_error() {
    let feed = open(b"id,name,id\n1,2,3\n").unwrap();
    assert_eq!(feed.duplicate_columns(), [("id", vec![0, 2])]);
    assert_eq!(feed.format().to_string(), "CSV, comma");
}
