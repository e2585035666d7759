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
    Intent, Journal, JournalError, PersonNow, PersonState, RunId, RunStart, Scope, SeenPerson,
    Settled, Writer,
};
use hrfeed::model::{Action, ExternalId, Outcome, RowNumber};

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
        .start_run(RunStart {
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
            started: jiff::Timestamp::UNIX_EPOCH,
            pid: 1,
            host: "bench".into(),
        })
        .unwrap();
    (writer, run)
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
type World = (Writer, RunId, tempfile::TempDir);

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

criterion_group!(benches, outcomes, people);
criterion_main!(benches);
