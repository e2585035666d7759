//! What was written is what is read.

use std::time::Duration;

use super::*;
use crate::model::{Calls, Counts, RowNumber, RunState};

#[test]
fn a_run_is_read_back_as_it_was_written() {
    let world = World::new();
    let run = world.start(10);
    let ended = "2026-11-21T02:10:00.5Z".parse().unwrap();
    let calls = Calls {
        total: 5,
        retried: 2,
        throttled: 1,
    };
    let change = RunChange {
        state: Some(RunState::Interrupted),
        feed_sha256: Some([9; 32]),
        joined_sha256: Some([8; 32]),
        feed_modified: Some(ended),
        good_feed: Some(true),
        rows: Some(12),
        skipped: Some(3),
        unchanged: Some(4),
        calls: Some(calls),
        surveyed_at: Some("2026-11-21T02:01:00Z".parse().unwrap()),
        elapsed: Some(Duration::from_millis(600_500)),
        ended: Some(ended),
        exit_code: Some(5),
        message: Some("Ctrl-C".into()),
        proof: Some("{}".into()),
        resumed: None,
    };
    world.writer.update_run(run, change).unwrap();
    let read = world.journal.run(RunRef::Latest).unwrap().unwrap();
    assert_eq!(
        (read.id, read.start.scope, read.state),
        (run, scope(), RunState::Interrupted)
    );
    assert_eq!((read.start.system.as_str(), read.rows), ("kmi", Some(12)));
    assert_eq!((read.skipped, read.unchanged, read.calls), (3, 4, calls));
    assert_eq!((read.ended, read.exit_code), (Some(ended), Some(5)));
    assert_eq!(read.elapsed, Duration::from_millis(600_500));
    assert_eq!(read.feed_sha256, Some([9; 32]));
    assert_eq!(read.joined_sha256, Some([8; 32]));
    assert_eq!(read.start.mapping_sha256, [7; 32]);
    assert_eq!((read.counts.pending, read.counts.unchanged), (8, 4));
    assert_eq!(read.proof.as_deref(), Some("{}"));

    // A change of one thing leaves the others; a resume takes the end back.
    let resumed = RunChange {
        resumed: Some(Resumption {
            pid: 12,
            at: jiff::Timestamp::UNIX_EPOCH,
            host: "other".into(),
        }),
        ..RunChange::default()
    };
    world.writer.update_run(run, resumed).unwrap();
    let read = world.journal.run(RunRef::Id(run)).unwrap().unwrap();
    assert_eq!((read.state, read.resumed), (RunState::Running, 1));
    assert_eq!(
        (read.ended, read.exit_code, read.message, read.proof),
        (None, None, None, None)
    );
    assert_eq!((read.start.pid, read.start.host.as_str()), (12, "other"));
    assert_eq!((read.rows, read.calls), (Some(12), calls));
}

#[test]
fn runs_come_newest_first_and_only_unfinished_ones_are_found_to_resume() {
    let world = World::new();
    assert!(world.journal.run(RunRef::Latest).unwrap().is_none());
    let runs: Vec<_> = (0..5).map(|_| world.start(1)).collect();
    let states = [
        RunState::Interrupted,
        RunState::Failed,
        RunState::Running,
        RunState::Superseded,
        RunState::Finished,
    ];
    for (&run, state) in runs.iter().zip(states) {
        let change = RunChange {
            state: Some(state),
            ..RunChange::default()
        };
        world.writer.update_run(run, change).unwrap();
    }
    let newest: Vec<_> = world.journal.runs(2).unwrap();
    let newest: Vec<_> = newest.iter().map(|run| run.id).collect();
    assert_eq!(newest, [runs[4], runs[3]]);
    for &expected in [&runs[2], &runs[1], &runs[0]] {
        let found = world.journal.unfinished_runs(&scope()).unwrap().remove(0);
        assert_eq!(found.id, expected);
        let change = RunChange {
            state: Some(RunState::Superseded),
            ..RunChange::default()
        };
        world.writer.update_run(found.id, change).unwrap();
    }
    assert!(world.journal.unfinished_runs(&scope()).unwrap().is_empty());
}

#[test]
fn a_run_of_another_scope_is_never_found_to_resume() {
    let world = World::new();
    world.start(1);
    let other = Scope::new("kmi", "https://lms.example.com", "another key");
    assert!(world.journal.unfinished_runs(&other).unwrap().is_empty());
}

#[test]
fn rows_come_in_row_order_with_leavers_last() {
    let world = World::new();
    let run = world.start(10);
    world.settle(run, leaver(1, Outcome::Deactivated));
    world.settle(run, settled(9, Outcome::Failed));
    world.settle(
        run,
        Settled {
            external_id: None,
            action: None,
            status: None,
            attempts: 0,
            code: Some("external-id-missing"),
            message: Some("no external ID".into()),
            ..settled(2, Outcome::Rejected)
        },
    );
    world.intend(run, [4]);
    let rows = world.rows(run);
    let order: Vec<_> = rows.iter().map(|it| it.row.map(RowNumber::row)).collect();
    assert_eq!(order, [Some(2), Some(4), Some(9), None]);
    assert_eq!(rows[0].external_id, None);
    assert_eq!(rows[0].code.as_deref(), Some("external-id-missing"));
    assert_eq!(rows[0].message.as_deref(), Some("no external ID"));
    assert_eq!((rows[1].outcome, rows[1].at), (Outcome::Unknown, None));
    assert_eq!(rows[3].external_id.as_deref(), Some("E1"));

    let filter = RowFilter {
        outcomes: vec![Outcome::Unknown, Outcome::Failed],
    };
    let mut some = Vec::new();
    let each = |row: RowEntry| {
        some.push(row.row.unwrap().row());
        go_on()
    };
    world.journal.rows(run, &filter, each).unwrap();
    assert_eq!(some, [4, 9]);

    let mut seen = 0;
    let first = |_| {
        seen += 1;
        Ok::<_, JournalError>(ControlFlow::Break(()))
    };
    world
        .journal
        .rows(run, &RowFilter::default(), first)
        .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn every_row_is_settled_or_open_or_pending() {
    let world = World::new();
    let run = world.start(6);
    world.intend(run, [1, 2, 3, 4]);
    world.settle(run, created(1));
    let lost = Settled {
        attempts: 3,
        ..settled(3, Outcome::Unknown)
    };
    world.settle(run, lost);
    world
        .writer
        .not_sent(run, Some(RowNumber::new(4)), &id(4))
        .unwrap();
    world.settle(run, settled(5, Outcome::Rejected));
    let commit = world.writer.intend(run, vec![leaver_intent(50)]);
    commit.wait_blocking().unwrap();

    let open = world.journal.open_intents(run).unwrap();
    let open: Vec<_> = open
        .iter()
        .map(|it| {
            (
                it.row.map(RowNumber::row),
                it.external_id.as_str(),
                it.attempts,
            )
        })
        .collect();
    assert_eq!(
        open,
        [(Some(2), "E2", 0), (Some(3), "E3", 3), (None, "E50", 0)]
    );
    let mut done = Vec::new();
    let each = |it: SettledRow| {
        done.push((it.row.row(), it.outcome));
        go_on()
    };
    world.journal.settled_rows(run, each).unwrap();
    assert_eq!(done, [(1, Outcome::Created), (5, Outcome::Rejected)]);
    let counts = counts_of(&world.journal, run);
    let expected = Counts {
        created: 1,
        rejected: 1,
        unknown: 2,
        pending: 2,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    let stored = world.journal.run(RunRef::Id(run)).unwrap().unwrap();
    assert_eq!(stored.leavers.unknown, 1);
}

#[test]
fn an_outcome_replaces_the_one_before_and_keeps_what_it_does_not_say() {
    let world = World::new();
    let run = world.start(1);
    world.intend(run, [1]);
    world.settle(
        run,
        Settled {
            status: Some(502),
            message: Some("bad gateway".into()),
            ..settled(1, Outcome::Failed)
        },
    );
    world.settle(
        run,
        Settled {
            external_id: None,
            action: None,
            attempts: 2,
            ..settled(1, Outcome::Created)
        },
    );
    world.flush();
    let rows = world.rows(run);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].external_id.as_deref(), Some("E1"));
    assert_eq!(rows[0].action, Some(Action::Create));
    assert_eq!((rows[0].outcome, rows[0].attempts), (Outcome::Created, 2));
    assert_eq!((rows[0].status, &rows[0].message), (None, &None));
}

#[test]
fn an_intent_after_an_unknown_outcome_keeps_the_attempts() {
    let world = World::new();
    let run = world.start(1);
    let lost = Settled {
        attempts: 2,
        ..settled(1, Outcome::Unknown)
    };
    world.settle(run, lost);
    world.intend(run, [1]);
    let open = world.journal.open_intents(run).unwrap();
    assert_eq!(open[0].attempts, 2);
}

#[test]
fn a_row_that_has_an_outcome_is_not_taken_back() {
    let world = World::new();
    let run = world.start(2);
    world.settle(run, created(1));
    world
        .writer
        .not_sent(run, Some(RowNumber::new(1)), &id(1))
        .unwrap();
    world.intend(run, [2]);
    world.settle(run, settled(2, Outcome::Pending));
    world.flush();
    let counts = counts_of(&world.journal, run);
    assert_eq!((counts.created, counts.pending), (1, 1));
}

#[test]
fn causes_are_grouped_and_the_most_frequent_comes_first() {
    let world = World::new();
    let run = world.start(20);
    let rejected = |row, message: &str| Settled {
        code: Some("duplicate"),
        message: Some(message.into()),
        ..settled(row, Outcome::Rejected)
    };
    for row in 3..6 {
        let message = format!("the same as in row {}", row + 9);
        world.settle(run, rejected(row, &message));
    }
    for row in 6..10 {
        let full = Settled {
            status: Some(500),
            message: Some("ISO 3166-1".into()),
            ..settled(row, Outcome::Failed)
        };
        world.settle(run, full);
    }
    world.intend(run, [1]);
    let causes = world.journal.causes(run).unwrap();
    let grouped: Vec<_> = causes
        .iter()
        .map(|it| (it.outcome, it.status, it.message.as_deref(), it.count))
        .collect();
    assert_eq!(
        grouped,
        [
            (Outcome::Failed, Some(500), Some("ISO 3166-1"), 4),
            (Outcome::Rejected, None, Some("the same as in row …"), 3),
            (Outcome::Unknown, None, None, 1),
        ]
    );
    assert_eq!(causes[1].rows, [3, 4, 5].map(RowNumber::new));
    assert_eq!(causes[1].rule.as_deref(), Some("duplicate"));
}

#[test]
fn rejected_rows_are_those_that_a_rule_rejects_and_those_that_the_lms_refuses() {
    let world = World::new();
    let run = world.start(6);
    let rejected = |row, status, code, message: Option<&str>| Settled {
        status,
        code,
        message: message.map(str::to_owned),
        ..settled(row, Outcome::Rejected)
    };
    for row in [
        rejected(1, None, Some("email"), Some("is not an e-mail address")),
        rejected(2, Some(422), None, Some("taken")),
        rejected(3, Some(400), None, None),
        // A group refuses somebody for whom nothing else was sent.
        rejected(4, None, None, Some("group `A`: no such member")),
        // What was said is gone.
        rejected(5, None, None, None),
    ] {
        world.settle(run, row);
    }
    world.flush();
    let counts = world.journal.run(RunRef::Id(run)).unwrap().unwrap().counts;
    assert_eq!(
        (counts.rejected, counts.refused, counts.invalid()),
        (5, 3, 2)
    );
    let causes = world.journal.causes(run).unwrap();
    let refused: u64 = (causes.iter().filter(|it| it.is_refused))
        .map(|it| it.count)
        .sum();
    assert_eq!(refused, 3);
}

#[test]
fn causes_are_bounded_when_every_message_differs() {
    let world = World::new();
    let run = world.start(300);
    let letters = |mut n: u32| {
        let mut text = String::new();
        while n > 0 {
            text.push(char::from(b'a' + (n % 26) as u8));
            n /= 26;
        }
        text
    };
    for row in 1..=300 {
        let settled = Settled {
            message: Some(format!("no: {}", letters(row + 26))),
            ..settled(row, Outcome::Rejected)
        };
        world.settle(run, settled);
    }
    world.flush();
    assert_eq!(world.journal.causes(run).unwrap().len(), 100);
}

#[test]
fn a_resumed_run_goes_on_from_the_time_it_had_taken() {
    let world = World::new();
    let run = world.start(2);
    world.settle(run, created(1));
    let elapsed = RunChange {
        elapsed: Some(Duration::from_secs(100)),
        ..RunChange::default()
    };
    world.writer.update_run(run, elapsed).unwrap();
    // Another process: its writer does not know the run yet.
    let writer = world.journal.again().unwrap().writer().unwrap();
    writer.settle(run, created(2)).unwrap();
    writer.flush().wait_blocking().unwrap();
    let rows = world.rows(run);
    assert!(rows[0].at.unwrap() < Duration::from_secs(100));
    assert!(rows[1].at.unwrap() >= Duration::from_secs(100));
}

#[test]
fn an_outcome_that_cannot_be_is_refused_and_the_writer_goes_on() {
    let world = World::new();
    let run = world.start(1);
    let nobody = Settled {
        row: None,
        external_id: None,
        ..settled(1, Outcome::Failed)
    };
    for wrong in [nobody, settled(1, Outcome::Deleted)] {
        let error = world.writer.settle(run, wrong).unwrap_err();
        assert!(matches!(error, JournalError::Misuse { .. }));
    }
    world.settle(run, created(1));
    world.flush();
    assert_eq!(counts_of(&world.journal, run).created, 1);
}

#[test]
fn a_run_that_the_journal_does_not_hold_is_an_error() {
    let world = World::new();
    let run = RunId(5);
    assert!(world.journal.run(RunRef::Id(run)).unwrap().is_none());
    // For the writer it is a reason to stop: the outcome would be lost.
    world.settle(run, created(1));
    let error = world.writer.flush().wait_blocking().unwrap_err();
    assert!(matches!(error, JournalError::NoRun { .. }));
}

#[test]
fn a_later_run_that_did_something_is_known_to_an_older_one() {
    let world = World::new();
    let old = world.start(1);
    world.flush();
    assert_eq!(world.journal.done_since(old).unwrap(), None);
    let idle = world.start(1);
    world.flush();
    assert_eq!(world.journal.done_since(old).unwrap(), None);
    let later = world.start(1);
    world.settle(later, created(1));
    world.flush();
    assert_eq!(world.journal.done_since(old).unwrap(), Some(later));
    assert_eq!(world.journal.done_since(idle).unwrap(), Some(later));
    assert_eq!(world.journal.done_since(later).unwrap(), None);
}
