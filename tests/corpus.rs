//! The corpus of the fuzz targets, on the stable toolchain: what they found and
//! what they begin with stays read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../fuzz/exercise.rs"]
mod exercise;

use std::fs;
use std::path::Path;

/// Exercises every file of one corpus. At least `least` of them are accepted.
#[expect(clippy::print_stdout, reason = "that is where tests talk")]
#[track_caller]
fn each(corpus: &str, least: usize, exercise: impl Fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(corpus);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "only {} files", files.len());
    let mut n_accepted = 0;
    for path in files {
        // The last one that is named is the one at fault.
        println!("{}", path.display());
        n_accepted += usize::from(exercise(&fs::read(&path).unwrap()));
    }
    // Or what is behind the first gate would be exercised by nothing.
    assert!(n_accepted >= least, "only {n_accepted} are accepted");
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

#[test]
fn every_csv_of_the_corpus_is_read_as_the_csv_crate_reads_it() {
    each("csv", 10, exercise::csv);
}

#[test]
fn every_workbook_of_the_corpus_is_read_or_refused() {
    each("workbook", 8, exercise::feed);
}

#[test]
fn every_sheet_of_the_corpus_is_read_or_refused() {
    each("sheet", 10, |bytes| exercise::sheet(text(bytes)));
}

#[test]
fn every_xls_xlsb_and_ods_of_the_corpus_is_read_or_refused() {
    each("xls", 6, exercise::feed);
    each("xlsb", 6, exercise::xlsb);
    each("ods", 6, |bytes| exercise::ods(text(bytes)));
}

#[test]
fn every_mapping_of_the_corpus_is_applied_or_refused() {
    each("mapping", 10, |bytes| exercise::mapping(text(bytes)));
}
