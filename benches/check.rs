//! Reading, mapping and validating a whole feed, against what the parser alone
//! needs. `cargo bench --bench check`.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot run must say so at once"
)]

mod support;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{Reader as _, Xlsx};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hrfeed::event::NoListener;
use hrfeed::feed::{Feed, FeedOptions, FeedSource};
use hrfeed::plan::{RowState, scan};

use self::support::Shape;

fn check(path: &Path, fingerprints: bool) -> u64 {
    let mapping = support::mapping("https://lms.example.com", 10, 8);
    let mut feed = Feed::open(&FeedSource::Path(path.into()), &FeedOptions::default()).unwrap();
    let bound = mapping
        .bind(feed.columns(), &[], jiff::civil::date(2026, 11, 23))
        .unwrap();
    let scan = scan(
        &mut feed,
        &bound,
        1,
        fingerprints,
        &|| false,
        &mut NoListener,
    )
    .unwrap();
    scan.rows.count(RowState::Rejected)
}

fn check_sound(path: &Path, fingerprints: bool) {
    assert_eq!(check(path, fingerprints), 0);
}

/// Reads a file with the csv crate alone.
fn byte_records(path: &Path) -> u64 {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let (mut record, mut read) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).unwrap() {
        read += 1;
    }
    read
}

fn csv(criterion: &mut Criterion) {
    for rows in [100_000, 1_000_000, 5_000_000] {
        let path = support::csv(rows);
        let mut group = criterion.benchmark_group(format!("csv {rows}"));
        group.sample_size(10).throughput(Throughput::Elements(rows));
        group.bench_function("csv crate, ByteRecord", |bencher| {
            bencher.iter(|| assert_eq!(byte_records(&path), rows));
        });
        group.bench_function("check", |bencher| {
            bencher.iter(|| check_sound(&path, false));
        });
        group.bench_function("check, with fingerprints", |bencher| {
            bencher.iter(|| check_sound(&path, true));
        });
        group.finish();
    }
}

/// The same people in several encodings, none of which is named: what a feed takes that is
/// not UTF-8, against what the parser alone needs of the same people in UTF-8.
fn encodings(criterion: &mut Criterion) {
    const ROWS: u64 = 500_000;
    for (is_japanese, labels) in [
        (false, &["utf-8", "windows-1252", "cp850", "utf-16le"][..]),
        (true, &["utf-8", "shift_jis", "euc-jp", "utf-16le"][..]),
    ] {
        let language = if is_japanese { "Japanese" } else { "German" };
        let mut group = criterion.benchmark_group(format!("{language} csv {ROWS}"));
        group.sample_size(10).throughput(Throughput::Elements(ROWS));
        let path = support::csv_in("utf-8", is_japanese, ROWS);
        group.bench_function("csv crate, ByteRecord", |bencher| {
            bencher.iter(|| assert_eq!(byte_records(&path), ROWS));
        });
        for label in labels {
            let path = support::csv_in(label, is_japanese, ROWS);
            group.bench_function(*label, |bencher| bencher.iter(|| check_sound(&path, false)));
        }
        group.finish();
    }
}

/// Feeds that are not as plain as that of [`csv`], each against what the parser alone needs.
fn shapes(criterion: &mut Criterion) {
    const ROWS: u64 = 1_000_000;
    let mut group = criterion.benchmark_group(format!("csv {ROWS}, other shapes"));
    group.sample_size(10).throughput(Throughput::Elements(ROWS));
    for (shape, rejected) in [
        (Shape::Quoted, 0),
        (Shape::Wide, 0),
        (Shape::OneDuplicate, 2),
        (Shape::Wrong, ROWS / 1_000 * 6),
    ] {
        let path = support::csv_of(shape, ROWS);
        group.bench_function(format!("{shape:?}, csv crate, ByteRecord"), |bencher| {
            bencher.iter(|| assert_eq!(byte_records(&path), ROWS));
        });
        group.bench_function(format!("{shape:?}, check"), |bencher| {
            bencher.iter(|| assert_eq!(check(&path, false), rejected));
        });
    }
    group.finish();
}

fn xlsx(criterion: &mut Criterion) {
    for rows in [50_000, 500_000] {
        let path = support::xlsx(rows);
        let mut group = criterion.benchmark_group(format!("xlsx {rows}"));
        group
            .sample_size(10)
            .throughput(Throughput::Elements(u64::from(rows)));
        group.bench_function("calamine, cells", |bencher| {
            bencher.iter(|| {
                let mut book: Xlsx<_> =
                    Xlsx::new(BufReader::new(File::open(&path).unwrap())).unwrap();
                let mut cells = book.worksheet_cells_reader("Sheet1").unwrap();
                let mut read = 0;
                while cells.next_cell_with_style_id().unwrap().is_some() {
                    read += 1;
                }
                assert_eq!(read, (rows + 1) * 12);
            });
        });
        group.bench_function("check", |bencher| {
            bencher.iter(|| check_sound(&path, false));
        });
        group.finish();
    }
}

criterion_group!(benches, csv, shapes, encodings, xlsx);
criterion_main!(benches);
