//! What it costs to remember: outcomes a second in groups, intents that are
//! waited for, and known people read back.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot go on has nothing to measure"
)]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use hrfeed::journal::{
    HeldPerson, HoldFilter, Intent, Journal, JournalError, Needed, NewHold, Pack, PersonNow,
    PersonState, Pruning, RowFilter, RunChange, RunId, RunRef, RunStart, Scope, SeenPerson,
    Settled, Writer,
};
use hrfeed::model::{Action, ExternalId, HoldKind, HoldState, Outcome, RowNumber, RunState};
use jiff::SignedDuration;
use tempfile::TempDir;

fn scope() -> Scope {
    Scope::new("kmi", "https://lms.example.com", "key")
}

fn external_id(row: u32) -> ExternalId {
    ExternalId::known(&format!("ID10-{row:07}"))
}

/// A new journal with one run.
fn start(folder: &Path) -> (Writer, RunId) {
    let journal = Journal::open(&folder.join("journal.db")).unwrap();
    let writer = journal.writer().unwrap();
    let run = writer
        .start_run(run_start(jiff::Timestamp::UNIX_EPOCH))
        .unwrap();
    (writer, run)
}

fn run_start(started: jiff::Timestamp) -> RunStart {
    RunStart {
        scope: scope(),
        system: "kmi".into(),
        base_url: "https://lms.example.com".into(),
        command: "import".into(),
        feed_path: "people.csv".into(),
        feed_files: Vec::new(),
        from_stdin: false,
        mapping_path: "kmi.toml".into(),
        mapping_sha256: [0; 32],
        replaces_key: false,
        started,
        pid: 1,
        host: "bench".into(),
    }
}

fn settled(row: u32) -> Settled {
    Settled {
        row: Some(RowNumber::new(row)),
        external_id: Some(external_id(row)),
        action: Some(Action::Create),
        outcome: Outcome::Created,
        status: Some(201),
        attempts: 1,
        code: None,
        message: None,
        awaits_groups: false,
        changed: None,
        hold: None,
        may_land: None,
        rekeyed_from: None,
        person: Some(PersonNow {
            remote_id: Some(format!("{row}")),
            fingerprint: Some(u128::from(row) << 64),
            state: PersonState::Active,
            acknowledged: Vec::new(),
            fingerprints: None,
        }),
    }
}

fn intent(row: u32) -> Intent {
    Intent {
        row: Some(RowNumber::new(row)),
        external_id: external_id(row),
        action: Action::Create,
        from: None,
        account: None,
        hold: None,
        set: None,
    }
}

/// A folder, a writer and its run; the folder goes last.
type World = (Writer, RunId, TempDir);

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let (writer, run) = start(folder.path());
    (writer, run, folder)
}

fn outcomes(c: &mut Criterion) {
    let mut group = c.benchmark_group("journal");
    group.sample_size(10);
    // A round takes seconds where the disk is slow to sync.
    group.sampling_mode(SamplingMode::Flat);
    for rows in [10_000_u32, 100_000] {
        group.throughput(Throughput::Elements(rows.into()));
        let settle_all = |(writer, run, folder): World| {
            for row in 1..=rows {
                writer.settle(run, settled(row)).unwrap();
            }
            writer.flush().wait_blocking().unwrap();
            (writer, folder)
        };
        group.bench_function(format!("outcomes with their people, {rows}"), |b| {
            b.iter_batched(world, settle_all, BatchSize::PerIteration);
        });
        // As an upload does it: 32 intents wait for each other, then settle.
        let whole_rows = |(writer, run, folder): World| {
            for first in (1..=rows).step_by(32) {
                let some = first..=rows.min(first + 31);
                let intents = some.clone().map(intent).collect();
                writer.intend(run, intents).wait_blocking().unwrap();
                for row in some {
                    writer.settle(run, settled(row)).unwrap();
                }
            }
            writer.flush().wait_blocking().unwrap();
            (writer, folder)
        };
        group.bench_function(format!("intents by 32 and outcomes, {rows}"), |b| {
            b.iter_batched(world, whole_rows, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn people(c: &mut Criterion) {
    const PEOPLE: u32 = 1_000_000;
    let (writer, _, folder) = world();
    let everybody = (1..=PEOPLE).map(|row| SeenPerson {
        external_id: external_id(row).as_str().into(),
        remote_id: Some(format!("{row}")),
        fingerprint: Some(u128::from(row) << 64),
        is_ambiguous: false,
        fingerprints: None,
    });
    let commit = writer.seen(&scope(), everybody.collect());
    commit.wait_blocking().unwrap();
    drop(writer);
    let journal = Journal::open_existing(&folder.path().join("journal.db"))
        .unwrap()
        .unwrap();
    let mut group = c.benchmark_group("journal");
    group.sample_size(10);
    group.measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Elements(PEOPLE.into()));
    group.bench_function(format!("known people, {PEOPLE}"), |b| {
        b.iter(|| {
            let mut bytes = 0;
            journal
                .people(&scope(), |it| {
                    bytes += black_box(it).external_id.len();
                    Ok::<_, JournalError>(ControlFlow::Continue(()))
                })
                .unwrap();
            bytes
        });
    });
    group.finish();
}

/// A journal of a year of nights: 100,000 people, of whom 1,000 change each night, and a hold
/// a month.
fn a_year(folder: &Path) {
    const CHANGED: u32 = 1_000;
    let (writer, first) = start(folder);
    let day = |night: i64| jiff::Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * night);
    let finish = |run, night, rows| {
        let change = RunChange {
            state: Some(RunState::Finished),
            rows: Some(rows),
            unchanged: Some(u64::from(PEOPLE) - rows),
            ended: Some(day(night)),
            exit_code: Some(0),
            ..RunChange::default()
        };
        writer.update_run(run, change).unwrap();
        writer.profile(run, vec![7; 600], false).unwrap();
    };
    (1..=PEOPLE).for_each(|row| writer.settle(first, settled(row)).unwrap());
    finish(first, 0, u64::from(PEOPLE));
    for night in 1..365_u32 {
        let run = writer.start_run(run_start(day(night.into()))).unwrap();
        for number in 0..CHANGED {
            let row = (night * 7919 + number * 97) % PEOPLE + 1;
            writer.settle(run, settled(row)).unwrap();
        }
        finish(run, night.into(), u64::from(CHANGED));
        if night % 30 == 0 {
            let people = (1..=200).map(|row| HeldPerson {
                external_id: external_id(row),
                row: None,
                known_as: None,
                digest: u64::from(row),
                reason: "no longer in the feed".into(),
                changed: None,
            });
            let hold = NewHold {
                run,
                kind: HoldKind::Leavers,
                bound: "5%".into(),
                why: "200 of 100,000 people are missing from the feed".into(),
                people: people.collect(),
                new: 200,
                replaces: Vec::new(),
                opened: day(night.into()),
            };
            let hold = writer.open_hold(hold).unwrap();
            let (lapsed, at) = (HoldState::Lapsed, day(i64::from(night) + 1));
            writer.hold_state(hold, lapsed, None, at).unwrap();
        }
    }
}

const PEOPLE: u32 = 100_000;

fn year(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    a_year(folder.path());
    let path = folder.path().join("journal.db");
    let journal = Journal::open_existing(&path).unwrap().unwrap();
    let mut group = c.benchmark_group("a year of nights");
    group.sample_size(10);
    group.bench_function("open, and the latest 20 runs", |b| {
        b.iter(|| {
            let journal = Journal::open_existing(&path).unwrap().unwrap();
            black_box(journal.runs(20).unwrap())
        });
    });
    group.bench_function("all runs", |b| {
        b.iter(|| black_box(journal.runs(1_000).unwrap()));
    });
    let latest = journal.run(RunRef::Latest).unwrap().unwrap().id;
    group.bench_function("rows of the latest run", |b| {
        b.iter(|| {
            let mut rows = 0;
            let each = |row| {
                black_box(row);
                rows += 1;
                Ok::<_, JournalError>(ControlFlow::Continue(()))
            };
            journal.rows(latest, &RowFilter::default(), each).unwrap();
            rows
        });
    });
    group.bench_function("all holds", |b| {
        b.iter(|| black_box(journal.holds(&HoldFilter::default()).unwrap()));
    });
    let copy = || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(&path, folder.path().join("journal.db")).unwrap();
        folder
    };
    let now = jiff::Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365);
    let prune = |folder: TempDir| {
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        let locks = journal.lock_all().unwrap();
        let pruning = Pruning {
            before: now - SignedDuration::from_hours(24 * 90),
            now,
            only: None,
            needed: &|_| Needed { days: 7, feeds: 1 },
        };
        let prunable = journal.prunable(&pruning).unwrap();
        journal.prune_all(&prunable, &locks).unwrap();
        let packed = journal.pack(Pack::Always, &locks).unwrap().unwrap();
        assert!(packed.after * 2 < packed.before, "{packed:?}");
        folder
    };
    group.bench_function("prune, older than 90 days", |b| {
        b.iter_batched(copy, prune, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, outcomes, people, year);
criterion_main!(benches);
