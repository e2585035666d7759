//! A journal that cannot be written stops the run: everybody who waits learns
//! of it, and nothing is half done.

use super::*;
use crate::model::RunState;

/// A writer whose file cannot grow beyond some pages: an honest `SQLITE_FULL`.
fn nearly_full(world: &World) -> Writer {
    let journal = world.journal.again().unwrap();
    let pages: i64 = journal
        .conn
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let bound = journal
        .conn
        .pragma_update_and_check(None, "max_page_count", pages + 4, |row| {
            row.get::<_, i64>(0)
        });
    assert_eq!(bound.unwrap(), pages + 4);
    journal.writer().unwrap()
}

#[test]
fn a_full_disk_fails_the_writer_for_good_and_leaves_nothing_half_done() {
    let world = World::new();
    let run = world.start(100_000);
    let writer = nearly_full(&world);
    let mut durable = 0;
    let error = loop {
        let batch = (durable + 1..=durable + 50).map(intent).collect();
        match writer.intend(run, batch).wait_blocking() {
            Ok(()) => durable += 50,
            Err(error) => break error,
        }
        assert!(durable < 50_000, "it never became full");
    };
    assert!(matches!(error, JournalError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("full"));
    assert!(durable > 0);

    // Later senders get the same failure.
    let is_full = |error: JournalError| assert!(matches!(error, JournalError::Full { .. }));
    is_full(writer.settle(run, created(1)).unwrap_err());
    is_full(writer.not_sent(run, None, &id(1)).unwrap_err());
    is_full(
        writer
            .intend(run, vec![intent(1)])
            .wait_blocking()
            .unwrap_err(),
    );
    is_full(
        writer
            .seen(&scope(), Vec::new())
            .wait_blocking()
            .unwrap_err(),
    );
    is_full(writer.flush().wait_blocking().unwrap_err());
    is_full(writer.start_run(new_run()).unwrap_err());
    is_full(writer.update_run(run, RunChange::default()).unwrap_err());
    drop(writer);

    let rows = world.rows(run);
    assert_eq!(rows.len(), durable as usize);
    let counts = counts_of(&world.journal, run);
    assert_eq!(counts.unknown, u64::from(durable));
    assert_eq!(counts.rows(), 100_000);
    // With room again, a new writer goes on.
    world.intend(run, [durable + 1]);
}

#[test]
fn the_end_of_a_run_is_recorded_after_its_writer_failed() {
    let world = World::new();
    let run = world.start(100_000);
    let lock = world.journal.lock(&scope()).unwrap();
    let writer = nearly_full(&world);
    let mut done = 0;
    let error = loop {
        let batch = (done + 1..=done + 50).map(intent).collect();
        match writer.intend(run, batch).wait_blocking() {
            Ok(()) => done += 50,
            Err(error) => break error.to_string(),
        }
        assert!(done < 50_000, "it never became full");
    };
    let end = RunChange {
        state: Some(RunState::Failed),
        exit_code: Some(1),
        message: Some(error.clone()),
        ..RunChange::default()
    };
    world.journal.end_run_late(&lock, run, end).unwrap();
    let read = world.journal.run(RunRef::Id(run)).unwrap().unwrap();
    assert_eq!(
        (read.state, read.exit_code, read.message),
        (RunState::Failed, Some(1), Some(error))
    );
    assert_eq!(read.counts.unknown, u64::from(done));
}

#[test]
fn everybody_who_waits_gets_the_failure() {
    let world = World::new();
    let run = world.start(100_000);
    let writer = nearly_full(&world);
    let commits: Vec<_> = (0..400)
        .map(|batch| {
            let rows = batch * 50 + 1..=batch * 50 + 50;
            writer.intend(run, rows.map(intent).collect())
        })
        .collect();
    let results: Vec<_> = commits.into_iter().map(Commit::wait_blocking).collect();
    let durable = results.iter().take_while(|it| it.is_ok()).count();
    assert!(durable < results.len());
    for late in results.iter().skip(durable) {
        assert!(matches!(late, Err(JournalError::Full { .. })), "{late:?}");
    }
    assert_eq!(world.rows(run).len(), durable * 50);
}

#[test]
fn nothing_that_was_queued_behind_a_failure_is_written() {
    let world = World::new();
    let run = world.start(10);
    // While another connection writes, the writer waits with its first group,
    // which is full by itself; what comes later is queued behind it.
    let conn = &world.journal.conn;
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    let nowhere = RunId(99);
    let failing = world
        .writer
        .intend(nowhere, (1..=1_000).map(intent).collect());
    let behind = world.writer.intend(run, vec![intent(1)]);
    world.settle(run, created(2));
    conn.execute_batch("ROLLBACK").unwrap();
    for commit in [failing, behind] {
        let error = commit.wait_blocking().unwrap_err();
        assert!(matches!(error, JournalError::NoRun { .. }), "{error:?}");
    }
    let World {
        journal, writer, ..
    } = world;
    drop(writer);
    assert!(rows_of(&journal, run).is_empty());
}

#[test]
fn an_outcome_and_its_person_are_written_together_or_not_at_all() {
    let world = World::new();
    let run = world.start(100_000);
    let writer = nearly_full(&world);
    for row in 1.. {
        if writer.settle(run, created(row)).is_err() {
            break;
        }
    }
    drop(writer);
    let rows = world.rows(run);
    let mut settled: Vec<_> = rows.into_iter().filter_map(|it| it.external_id).collect();
    settled.sort();
    let known: Vec<_> = people(&world.journal).into_iter().map(|it| it.0).collect();
    assert_eq!(settled, known);
}

#[tokio::test]
async fn waiting_works_inside_a_runtime_both_ways() {
    let world = World::new();
    // These block, and must not panic here.
    let run = world.start(2);
    world.writer.update_run(run, RunChange::default()).unwrap();
    let commit = world.writer.intend(run, vec![intent(1)]);
    commit.await.unwrap();
    world.intend(run, [2]);
    assert_eq!(world.journal.open_intents(run).unwrap().len(), 2);
    // A task that has used up its turn still gets its answer.
    for _ in 0..1_000 {
        let (sent, got) = tokio::sync::oneshot::channel();
        sent.send(()).unwrap();
        let both = std::future::poll_fn(|_| {
            world.writer.flush().wait_blocking().unwrap();
            std::task::Poll::Ready(())
        });
        tokio::join!(async { got.await.unwrap() }, both);
    }
}

#[test]
fn what_was_sent_is_durable_when_the_last_handle_is_dropped() {
    let world = World::new();
    let run = world.start(1_000);
    let writer = world.journal.again().unwrap().writer().unwrap();
    let clone = writer.clone();
    for row in 1..=1_000 {
        writer.settle(run, created(row)).unwrap();
    }
    drop(writer);
    drop(clone);
    assert_eq!(counts_of(&world.journal, run).created, 1_000);
}

#[test]
fn what_nobody_waits_for_becomes_durable_by_itself() {
    let world = World::new();
    let run = world.start(1);
    world.settle(run, created(1));
    // The writer stays open and nothing else is sent.
    while counts_of(&world.journal, run).created == 0 {
        std::thread::yield_now();
    }
}
