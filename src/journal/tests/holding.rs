//! Holds: what is held, and how it ends.

use super::*;
use crate::model::HoldState;

fn hold(world: &World, hold: HoldId) -> Hold {
    world.flush();
    world.journal.hold(hold).unwrap().unwrap()
}

#[test]
fn a_hold_and_its_people_are_read_back_as_they_were_opened() {
    let world = World::new();
    let run = world.start(10);
    let renumbered = HeldPerson {
        external_id: id(2),
        row: Some(RowNumber::new(12)),
        known_as: Some("00123".into()),
        digest: u64::MAX,
        reason: "00123 without leading zeros".into(),
        changed: Some("city, lastName".into()),
    };
    let mut new = new_hold(run, [3, 1]);
    new.kind = HoldKind::Renumbered;
    new.people = [&*new.people, std::slice::from_ref(&renumbered)]
        .concat()
        .into();
    new.new = 2;
    let id = world.writer.open_hold(new).unwrap();
    assert_eq!((id, id.to_string().as_str()), (HoldId(1), "1"));
    let expected = Hold {
        id,
        scope: scope(),
        system: "kmi".into(),
        base_url: "https://lms.example.com".into(),
        mapping_path: "kmi.toml".into(),
        kind: HoldKind::Renumbered,
        state: HoldState::Open,
        bound: "5%".into(),
        why: "40 people would leave, and 10 may".into(),
        people: 3,
        new: 2,
        since_run: run,
        last_run: run,
        remainder_of: None,
        opened: "2026-11-21T02:00:00Z".parse().unwrap(),
        verdict: None,
        decided: None,
        carried_out_by: None,
        replaced_by: None,
        closed: None,
    };
    assert_eq!(hold(&world, id), expected);
    assert_eq!(
        held_in(&world.journal, id),
        [held(1), renumbered.clone(), held(3)]
    );
    assert!(world.journal.hold(HoldId(2)).unwrap().is_none());

    // The next run finds the same set.
    let next = world.start(10);
    let moved = vec![(renumbered.external_id, Some(RowNumber::new(40)))];
    world.writer.hold_seen(id, next, moved).unwrap();
    let seen = hold(&world, id);
    assert_eq!((seen.since_run, seen.last_run, seen.new), (run, next, 0));
    assert_eq!(held_in(&world.journal, id)[1].row, Some(RowNumber::new(40)));
}

#[test]
fn holds_are_found_by_scope_mapping_state_and_run() {
    let world = World::new();
    let run = world.start(1);
    let elsewhere = RunStart {
        mapping_path: "other.toml".into(),
        scope: Scope::new("kmi", "https://lms.example.com", "another key"),
        ..new_run()
    };
    let other = world.writer.start_run(elsewhere.clone()).unwrap();
    let here = world.writer.open_hold(new_hold(run, 1..=3)).unwrap();
    let there = world.writer.open_hold(new_hold(other, 1..=2)).unwrap();
    let gone = world.writer.open_hold(new_hold(run, 5..=5)).unwrap();
    let lapsed = HoldState::Lapsed;
    world
        .writer
        .hold_state(gone, lapsed, None, decision().at)
        .unwrap();
    world.flush();
    let found = |filter: HoldFilter| -> Vec<HoldId> {
        let holds = world.journal.holds(&filter).unwrap();
        holds.iter().map(|hold| hold.id).collect()
    };
    assert_eq!(found(HoldFilter::default()), [gone, there, here]);
    let of_scope = |scope| HoldFilter {
        scope: Some(scope),
        ..HoldFilter::default()
    };
    assert_eq!(found(of_scope(scope())), [gone, here]);
    assert_eq!(found(of_scope(elsewhere.scope)), [there]);
    let states = |states| HoldFilter {
        states,
        ..HoldFilter::default()
    };
    assert_eq!(found(states(vec![HoldState::Open])), [there, here]);
    assert_eq!(found(states(vec![HoldState::Lapsed])), [gone]);
    let mapping_path = Some("other.toml".into());
    let of_mapping = HoldFilter {
        mapping_path,
        ..HoldFilter::default()
    };
    assert_eq!(found(of_mapping), [there]);
    let of_run = HoldFilter {
        last_run: Some(run),
        ..HoldFilter::default()
    };
    assert_eq!(found(of_run), [gone, here]);
    let heeded = world.journal.holds_of(&scope(), "kmi.toml").unwrap();
    assert_eq!(heeded.len(), 1);
    assert_eq!((heeded[0].0.id, heeded[0].1.len()), (here, 3));
}

/// Brings a new hold into a state, by the ways that lead there.
fn hold_in(world: &World, run: RunId, state: HoldState) -> HoldId {
    let hold = world.writer.open_hold(new_hold(run, [1])).unwrap();
    let way: &[HoldState] = match state {
        HoldState::Open => &[],
        HoldState::CarriedOut => &[HoldState::Approved, HoldState::CarriedOut],
        _ => &[state],
    };
    for &next in way {
        world
            .writer
            .hold_state(hold, next, None, decision().at)
            .unwrap();
    }
    world.flush();
    hold
}

#[test]
fn a_hold_goes_only_where_the_table_allows() {
    let world = World::new();
    let run = world.start(1);
    for from in HoldState::ALL {
        for to in HoldState::ALL {
            let it = hold_in(&world, run, from);
            assert_eq!(hold(&world, it).state, from);
            let by = Some(run).filter(|_| to == HoldState::CarriedOut);
            world.writer.hold_state(it, to, by, decision().at).unwrap();
            let after = hold(&world, it);
            let moved = from.may_become(to);
            assert_eq!(after.state, if moved { to } else { from }, "{from} to {to}");
            let is_by = moved && by.is_some();
            assert_eq!(after.carried_out_by.is_some(), is_by, "{from} to {to}");
            let is_final = !HoldState::ALL.iter().any(|it| after.state.may_become(*it));
            assert_eq!(after.closed.is_some(), is_final, "{from} to {to}");
        }
    }
    // Nobody has this one, and nothing happens.
    let nobody = HoldId(10_000);
    world
        .writer
        .hold_state(nobody, HoldState::Lapsed, None, decision().at)
        .unwrap();
    world.flush();
}

#[test]
fn a_changed_set_replaces_an_open_hold_and_no_decided_one() {
    let world = World::new();
    let run = world.start(1);
    for state in HoldState::ALL {
        let before = hold_in(&world, run, state);
        let mut new = new_hold(run, 1..=4);
        new.replaces = vec![before];
        let after = world.writer.open_hold(new).unwrap();
        let before = hold(&world, before);
        let is_replaced = state == HoldState::Open;
        assert_eq!(
            before.state == HoldState::Replaced,
            is_replaced || state == HoldState::Replaced
        );
        assert_eq!(before.replaced_by, is_replaced.then_some(after));
        let people = held_in(&world.journal, before.id).len();
        assert_eq!(people, usize::from(!is_replaced), "{state}");
        assert_eq!(hold(&world, after).state, HoldState::Open);
        assert_eq!(held_in(&world.journal, after).len(), 4);
    }
}

#[test]
fn held_rows_are_pending_and_a_resumed_run_judges_them_again() {
    let world = World::new();
    let run = world.start(5);
    let hold = world.writer.open_hold(new_hold(run, [3, 4])).unwrap();
    let mut rows: Vec<_> = [3, 4].map(|row| settled(row, Outcome::Held)).into();
    rows.push(leaver(9, Outcome::Held));
    for row in &mut rows {
        row.hold = Some(hold);
        row.changed = Some("email,loginName".into());
        row.message = Some("held".into());
        row.attempts = 0;
    }
    world.writer.settle_all(run, rows).unwrap();
    world.settle(run, created(1));
    world.flush();
    let read = world.journal.run(RunRef::Id(run)).unwrap().unwrap();
    assert_eq!((read.counts.created, read.counts.pending), (1, 4));
    assert_eq!((read.counts.rows(), read.leavers.pending), (5, 1));
    let only_held = RowFilter {
        outcomes: vec![Outcome::Held],
    };
    let mut found = Vec::new();
    world
        .journal
        .rows(run, &only_held, |row| {
            found.push((row.row, row.hold, row.changed));
            go_on()
        })
        .unwrap();
    let changed = Some("email,loginName".to_owned());
    let expected = [Some(RowNumber::new(3)), Some(RowNumber::new(4)), None];
    assert_eq!(
        found,
        expected.map(|row| (row, Some(hold), changed.clone()))
    );
    let mut is_settled = Vec::new();
    world
        .journal
        .settled_rows(run, |it| {
            is_settled.push(it.row);
            go_on()
        })
        .unwrap();
    assert_eq!(is_settled, [RowNumber::new(1)]);
    assert!(world.journal.open_intents(run).unwrap().is_empty());

    let resumed = RunChange {
        resumed: Some(Resumption {
            pid: 1,
            at: jiff::Timestamp::UNIX_EPOCH,
            host: "nightly".into(),
        }),
        ..RunChange::default()
    };
    world.writer.update_run(run, resumed).unwrap();
    assert_eq!(world.rows(run).len(), 1);
    assert_eq!(counts_of(&world.journal, run).pending, 4);
}

#[test]
fn a_row_that_is_sent_after_it_was_held_is_held_no_more() {
    let world = World::new();
    let run = world.start(3);
    let mut row = settled(3, Outcome::Held);
    row.hold = Some(HoldId(1));
    row.changed = Some("email".into());
    world.settle(run, row);
    world.intend(run, [3]);
    let open = world.rows(run).remove(0);
    assert_eq!((open.outcome, open.hold), (Outcome::Unknown, None));
    world.settle(run, created(3));
    world.flush();
    let done = world.rows(run).remove(0);
    assert_eq!((done.outcome, done.hold), (Outcome::Created, None));
    assert_eq!(done.changed.as_deref(), Some("email"));
}

#[test]
fn a_run_that_only_held_does_not_stand_in_the_way_of_resuming_an_older_one() {
    let world = World::new();
    let run = world.start(3);
    let later = world.start(3);
    world.settle(later, settled(3, Outcome::Held));
    world.flush();
    assert_eq!(world.journal.done_since(run).unwrap(), None);
    world.settle(later, created(2));
    world.flush();
    assert_eq!(world.journal.done_since(run).unwrap(), Some(later));
}

#[test]
fn a_hundred_thousand_people_are_held_in_one_transaction() {
    let world = World::new();
    let run = world.start(100_000);
    let hold = world.writer.open_hold(new_hold(run, 1..=100_000)).unwrap();
    assert_eq!(held_in(&world.journal, hold).len(), 100_000);
    let only: Vec<_> = (1..=50_000).map(id).collect();
    let decided = world
        .journal
        .decide(hold, Verdict::Approved, &only, &decision());
    let rest = decided.unwrap().rest.unwrap();
    assert_eq!(held_in(&world.journal, rest).len(), 50_000);
    let reasons = "SELECT count(*) FROM reasons";
    let reasons = world
        .journal
        .conn
        .query_row(reasons, (), |row| row.get::<_, i64>(0));
    assert_eq!(
        reasons.unwrap(),
        1,
        "a reason that is shared is stored once"
    );
}

#[test]
fn a_hold_of_a_run_that_the_journal_lacks_is_an_error_and_leaves_nothing() {
    let world = World::new();
    let error = world
        .writer
        .open_hold(new_hold(RunId(99), [1]))
        .unwrap_err();
    assert!(matches!(error, JournalError::NoRun(..)), "{error:?}");
    assert!(
        world
            .journal
            .holds(&HoldFilter::default())
            .unwrap()
            .is_empty()
    );
}
