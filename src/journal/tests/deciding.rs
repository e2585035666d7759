//! A person decides about a hold, whatever else happens.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::model::{HoldState, RunState};

/// A hold of three people, and its run.
fn world_with_hold() -> (World, RunId, HoldId) {
    let world = World::new();
    let run = world.start(3);
    let hold = world.writer.open_hold(new_hold(run, 1..=3)).unwrap();
    (world, run, hold)
}

fn decide(world: &World, hold: HoldId, verdict: Verdict) -> Result<Decided, HoldError> {
    world.journal.decide(hold, verdict, &[], &decision())
}

fn ids(journal: &Journal, hold: HoldId) -> Vec<String> {
    let people = held_in(journal, hold).into_iter();
    people.map(|it| it.external_id.as_str().into()).collect()
}

#[test]
fn a_decision_says_who_decided_when_and_why() {
    for (verdict, state) in [
        (Verdict::Approved, HoldState::Approved),
        (Verdict::Refused, HoldState::Refused),
    ] {
        let (world, _, hold) = world_with_hold();
        // A command that reads has a handle for reading.
        let reading = Journal::open_existing(&world.path()).unwrap().unwrap();
        let decided = reading.decide(hold, verdict, &[], &decision()).unwrap();
        assert_eq!((decided.hold.state, decided.rest), (state, None));
        let read = world.journal.hold(hold).unwrap().unwrap();
        assert_eq!(read.decided, Some(decision()));
        assert_eq!(read, decided.hold);
        assert_eq!(ids(&world.journal, hold), ["E1", "E2", "E3"]);
    }
}

#[test]
fn what_is_decided_so_or_is_over_is_not_decided_again_and_the_error_says_why() {
    let (world, run, hold) = world_with_hold();
    let said = |hold, verdict| {
        let error = decide(&world, hold, verdict).unwrap_err();
        assert!(!error.help().is_empty());
        error.to_string()
    };
    let to = |hold, state, run| {
        let at = decision().at;
        world.writer.hold_state(hold, state, run, at).unwrap();
        world.flush();
    };
    decide(&world, hold, Verdict::Approved).unwrap();
    assert_eq!(said(hold, Verdict::Approved), "hold 1 is already approved");
    // An approval can be taken back.
    decide(&world, hold, Verdict::Refused).unwrap();
    assert_eq!(said(hold, Verdict::Refused), "hold 1 was refused");
    assert_eq!(said(hold, Verdict::Approved), "hold 1 was refused");
    // So can a refusal.
    decide(&world, hold, Verdict::Reopened).unwrap();
    assert_eq!(said(hold, Verdict::Reopened), "hold 1 is open");
    decide(&world, hold, Verdict::Approved).unwrap();
    to(hold, HoldState::Lapsed, None);
    assert_eq!(said(hold, Verdict::Approved), "hold 1 has lapsed");

    let second = world.writer.open_hold(new_hold(run, [1])).unwrap();
    let mut new = new_hold(run, [1, 2]);
    new.replaces = vec![second];
    let third = world.writer.open_hold(new).unwrap();
    assert_eq!(
        said(second, Verdict::Approved),
        "hold 2 was replaced by hold 3, since the people or changes differ"
    );
    decide(&world, third, Verdict::Approved).unwrap();
    to(third, HoldState::CarriedOut, Some(run));
    for verdict in [Verdict::Approved, Verdict::Refused] {
        assert_eq!(said(third, verdict), "hold 3 was carried out by run 1");
    }
    let error = decide(&world, HoldId(99), Verdict::Approved).unwrap_err();
    assert!(matches!(error, HoldError::NoHold(_, HoldId(99))));
    assert!(error.to_string().ends_with("has no hold 99"), "{error}");
}

#[test]
fn a_decision_about_some_leaves_the_others_in_an_open_hold_of_their_own() {
    let (world, run, hold) = world_with_hold();
    let chosen = [id(3), id(1), id(3)];
    let decided = world
        .journal
        .decide(hold, Verdict::Approved, &chosen, &decision());
    let decided = decided.unwrap();
    assert_eq!((decided.hold.people, decided.hold.new), (2, 2));
    assert_eq!(ids(&world.journal, hold), ["E1", "E3"]);
    let rest = world.journal.hold(decided.rest.unwrap()).unwrap().unwrap();
    assert_eq!(
        (rest.remainder_of, decided.hold.remainder_of),
        (Some(hold), None)
    );
    assert_eq!(rest.why, "1 person of hold 1 is still to be decided");
    assert_eq!(
        (rest.state, rest.people, rest.since_run),
        (HoldState::Open, 1, run)
    );
    assert_eq!(
        (rest.kind, rest.opened),
        (decided.hold.kind, decided.hold.opened)
    );
    assert_eq!(
        (rest.decided, rest.mapping_path.as_str()),
        (None, "kmi.toml")
    );
    assert_eq!(held_in(&world.journal, rest.id), [held(2)]);
    // The remainder is decided like any other.
    let decided = decide(&world, rest.id, Verdict::Refused).unwrap();
    assert_eq!(decided.hold.state, HoldState::Refused);
}

#[test]
fn a_decision_about_some_of_those_decided_leaves_the_others_as_they_were_decided() {
    for (before, after) in [
        (Verdict::Approved, Verdict::Refused),
        (Verdict::Refused, Verdict::Reopened),
    ] {
        let (world, _, hold) = world_with_hold();
        let first = decide(&world, hold, before).unwrap().hold;
        let later = Decision {
            at: decision().at + jiff::SignedDuration::from_hours(1),
            by: "bo@hr2".into(),
            reason: None,
            as_joiners: false,
        };
        let decided = world.journal.decide(hold, after, &[id(2)], &later).unwrap();
        assert_eq!(
            (decided.hold.state, decided.hold.people),
            (after.state(), 1)
        );
        assert_eq!(decided.hold.decided, Some(later));
        let rest = world.journal.hold(decided.rest.unwrap()).unwrap().unwrap();
        assert_eq!((rest.state, rest.people), (before.state(), 2));
        assert_eq!(rest.decided, first.decided);
        assert_eq!(ids(&world.journal, rest.id), ["E1", "E3"]);
    }
}

#[test]
fn who_leaves_a_hold_is_not_in_it_any_more_and_the_others_are() {
    let (world, _, hold) = world_with_hold();
    decide(&world, hold, Verdict::Refused).unwrap();
    world.writer.release(hold, vec![id(2), id(9)]).unwrap();
    world.flush();
    assert_eq!(ids(&world.journal, hold), ["E1", "E3"]);
    let read = world.journal.hold(hold).unwrap().unwrap();
    assert_eq!((read.state, read.people), (HoldState::Refused, 2));
}

#[test]
fn a_decision_about_all_by_name_leaves_no_remainder() {
    let (world, _, hold) = world_with_hold();
    let everybody: Vec<_> = (1..=3).map(id).collect();
    let decided = world
        .journal
        .decide(hold, Verdict::Refused, &everybody, &decision());
    assert_eq!(decided.unwrap().rest, None);
    assert_eq!(
        world.journal.holds(&HoldFilter::default()).unwrap().len(),
        1
    );
    assert_eq!(ids(&world.journal, hold).len(), 3);
}

#[test]
fn a_decision_about_somebody_who_is_not_held_changes_nothing() {
    let (world, _, hold) = world_with_hold();
    let before = world.journal.hold(hold).unwrap();
    let strangers: Vec<_> = (2..=9).map(id).collect();
    let error = world
        .journal
        .decide(hold, Verdict::Approved, &strangers, &decision());
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not in hold 1: E4, E5, E6, E7, E8 and 1 more"
    );
    assert_eq!(world.journal.hold(hold).unwrap(), before);
    assert_eq!(
        world.journal.holds(&HoldFilter::default()).unwrap().len(),
        1
    );
    assert_eq!(ids(&world.journal, hold), ["E1", "E2", "E3"]);
}

#[test]
fn an_approval_that_a_run_carries_out_cannot_be_taken_back_until_the_run_is_over() {
    let (world, run, hold) = world_with_hold();
    assert!(
        !world.writer.claim_hold(hold, run).unwrap(),
        "nobody approved"
    );
    decide(&world, hold, Verdict::Approved).unwrap();
    let lock = world.journal.lock(&scope()).unwrap();
    assert!(world.writer.claim_hold(hold, run).unwrap());
    let error = decide(&world, hold, Verdict::Refused).unwrap_err();
    assert_eq!(error.to_string(), "run 1 is carrying out hold 1");
    // The process was killed: what it did not send, nobody need send.
    drop(lock);
    decide(&world, hold, Verdict::Refused).unwrap();
    assert!(
        !world.writer.claim_hold(hold, run).unwrap(),
        "it was refused"
    );
}

#[test]
fn an_approval_of_which_an_interrupted_run_left_something_can_be_taken_back() {
    let (world, run, hold) = world_with_hold();
    decide(&world, hold, Verdict::Approved).unwrap();
    let _lock = world.journal.lock(&scope()).unwrap();
    assert!(world.writer.claim_hold(hold, run).unwrap());
    let interrupted = RunChange {
        state: Some(RunState::Interrupted),
        ..RunChange::default()
    };
    world.writer.update_run(run, interrupted).unwrap();
    decide(&world, hold, Verdict::Refused).unwrap();
}

#[test]
fn a_decision_waits_for_what_a_run_writes_and_is_not_lost() {
    let (world, run, hold) = world_with_hold();
    // A transaction of the run is open for a while.
    let other = world.journal.again().unwrap();
    other.conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    let path = &world.path();
    thread::scope(|threads| {
        let (done, result) = mpsc::channel();
        threads.spawn(move || {
            let journal = Journal::open(path).unwrap();
            let decided = journal.decide(hold, Verdict::Approved, &[id(1)], &decision());
            done.send(decided).unwrap();
        });
        let early = result.recv_timeout(Duration::from_millis(200));
        assert!(early.is_err(), "it did not wait");
        other.conn.execute_batch("COMMIT").unwrap();
        result.recv().unwrap().unwrap();
    });
    // While a run writes without a pause, each decision is recorded, and so is
    // everything of the run.
    let holds: Vec<_> = (0..20)
        .map(|_| world.writer.open_hold(new_hold(run, 1..=5)).unwrap())
        .collect();
    thread::scope(|threads| {
        let writer = world.writer.clone();
        let writing = threads.spawn(move || {
            for row in 1..=2_000 {
                let commit = writer.intend(run, vec![intent(row)]);
                commit.wait_blocking().unwrap();
                writer.settle(run, created(row)).unwrap();
            }
        });
        for &hold in &holds {
            let journal = Journal::open_existing(path).unwrap().unwrap();
            let decided = journal.decide(hold, Verdict::Approved, &[id(2)], &decision());
            assert!(decided.unwrap().rest.is_some());
        }
        writing.join().unwrap();
    });
    world.flush();
    assert_eq!(counts_of(&world.journal, run).created, 2_000);
    for hold in holds {
        let hold = world.journal.hold(hold).unwrap().unwrap();
        assert_eq!((hold.state, hold.people), (HoldState::Approved, 1));
    }
}
