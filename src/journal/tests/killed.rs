//! A process that dies at any moment leaves what was acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

/// Rows of one batch of the child.
const BATCH: u32 = 5;

/// Not a test: the process that [`acknowledged_intents_outlive_the_process`]
/// kills. Says on stdout which batch of intents is durable.
#[test]
#[ignore = "runs as a child process of another test"]
fn child() {
    let Some(path) = std::env::args().next_back() else {
        return;
    };
    let path = Path::new(&path);
    if !path.ends_with("journal.db") {
        return;
    }
    let journal = Journal::open(path).unwrap();
    let _lock = journal.lock(&scope()).unwrap();
    let writer = journal.again().unwrap().writer().unwrap();
    let run = start(&writer, 1_000_000);
    let mut out = std::io::stdout();
    for batch in 0..200_000 {
        let rows = batch * BATCH + 1..=(batch + 1) * BATCH;
        let commit = writer.intend(run, rows.clone().map(intent).collect());
        commit.wait_blocking().unwrap();
        if writeln!(out, "durable {batch}").is_err() {
            return;
        }
        for row in rows.skip(1) {
            writer.settle(run, created(row)).unwrap();
        }
    }
}

#[test]
fn acknowledged_intents_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("journal::tests::killed::child")
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut durable = None;
    for line in out.lines() {
        // The test harness writes lines of its own, and does not end the one
        // that names the test.
        let line = line.unwrap();
        if let Some((_, batch)) = line.split_once("durable ") {
            durable = Some(batch.parse::<u32>().unwrap());
        }
        if durable == Some(40) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let durable = durable.expect("the child acknowledged nothing");

    let journal = Journal::open(&path).unwrap();
    // The system has released the lock.
    let _lock = journal.lock(&scope()).unwrap();
    let run = journal.unfinished_runs(&scope()).unwrap().remove(0);
    assert_eq!(run.counts.rows(), 1_000_000);
    let rows = rows_of(&journal, run.id);
    for row in 1..=(durable + 1) * BATCH {
        assert_eq!(rows[row as usize - 1].row, Some(RowNumber::new(row)));
    }
    // A row is open, or it is settled and its person is known: nothing between.
    let open = journal.open_intents(run.id).unwrap().len();
    let known = people(&journal).len();
    assert_eq!(open + known, rows.len());
    assert!(open > durable as usize);
}
