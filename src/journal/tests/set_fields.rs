//! Fields that were written for leavers, until they are taken back.

use super::*;
use crate::model::SetFields;

const SET: SetFields = SetFields {
    fields: 1 << 63 | 5,
    fingerprint: u128::MAX - 7,
};

/// Notes that fields are about to be written for a leaver.
fn intend(world: &World, run: RunId, who: u32, set: SetFields) {
    let intent = Intent {
        action: Action::Set,
        set: Some(set),
        ..leaver_intent(who)
    };
    let commit = world.writer.intend(run, vec![intent]);
    commit.wait_blocking().unwrap();
}

/// A leaver for whom it was tried.
fn tried(who: u32, outcome: Outcome) -> Settled {
    let state = match outcome {
        Outcome::Set => Some(PersonState::Set),
        _ => None,
    };
    Settled {
        action: Some(Action::Set),
        person: state.map(|state| PersonNow {
            remote_id: None,
            fingerprint: None,
            state,
            acknowledged: Vec::new(),
            fingerprints: None,
        }),
        ..leaver(who, outcome)
    }
}

/// What is to be taken back of a person, read in either way.
fn fields(world: &World, who: u32) -> u64 {
    world.flush();
    let asked = world.journal.set_fields_of(&scope(), id(who).as_str());
    let asked = asked.unwrap();
    let mut of_all = 0;
    world
        .journal
        .people(&scope(), |person| {
            if person.external_id == id(who).as_str() {
                of_all = person.set_fields;
            }
            go_on()
        })
        .unwrap();
    assert_eq!(asked, of_all);
    asked
}

fn world_of_three() -> (World, RunId) {
    let world = World::new();
    let run = world.start(3);
    (1..=3).for_each(|who| world.settle(run, created(who)));
    (world, run)
}

#[test]
fn an_intent_says_which_fields_and_values_until_its_outcome_is_known() {
    let (world, run) = world_of_three();
    intend(&world, run, 1, SET);
    let open = || world.journal.open_intents(run).unwrap();
    assert_eq!((open()[0].action, open()[0].set), (Action::Set, Some(SET)));
    assert_eq!(fields(&world, 1), 0, "nothing is written yet");
    world.settle(run, tried(1, Outcome::Unknown));
    assert_eq!(fields(&world, 1), SET.fields, "it may have been");
    assert_eq!(open()[0].set, Some(SET));
    world.settle(run, tried(1, Outcome::Set));
    assert_eq!(fields(&world, 1), SET.fields);
    assert!(open().is_empty());
    let states: Vec<_> = people(&world.journal).into_iter().map(|it| it.3).collect();
    assert_eq!(
        states,
        [PersonState::Set, PersonState::Active, PersonState::Active]
    );
    let run = world.journal.run(RunRef::Id(run)).unwrap().unwrap();
    assert_eq!((run.counts.set, run.leavers.set), (1, 1));
}

#[test]
fn what_was_certainly_not_written_is_not_taken_back() {
    let (world, run) = world_of_three();
    for (who, outcome) in (1..).zip([Outcome::Rejected, Outcome::Failed, Outcome::Pending]) {
        intend(&world, run, who, SET);
        world.settle(run, tried(who, outcome));
        assert_eq!(fields(&world, who), 0, "{outcome:?}");
    }
    intend(&world, run, 1, SET);
    world.writer.not_sent(run, None, &id(1)).unwrap();
    world.flush();
    let left: i64 = (world.journal.conn)
        .query_row("SELECT count(*) FROM set_intents", (), |row| row.get(0))
        .unwrap();
    assert_eq!((fields(&world, 1), left), (0, 0));
}

#[test]
fn it_is_over_when_the_person_is_as_the_feed_says_or_is_gone() {
    for over in [0, 1] {
        let (world, run) = world_of_three();
        for who in 1..=3 {
            intend(&world, run, who, SET);
            world.settle(run, tried(who, Outcome::Set));
        }
        // A second one adds to the first.
        let more = SetFields { fields: 8, ..SET };
        intend(&world, run, 3, more);
        world.settle(run, tried(3, Outcome::Set));
        assert_eq!(fields(&world, 3), SET.fields | 8);
        match over {
            0 => world.settle(run, created(1)),
            _ => world.writer.gone(&scope(), vec!["E1".into()]).unwrap(),
        }
        assert_eq!(fields(&world, 1), 0);
        // Another outcome of the person says nothing of it.
        world.settle(run, settled(2, Outcome::Rejected));
        assert_eq!(fields(&world, 2), SET.fields);
    }
}

#[test]
fn it_goes_over_to_another_external_id_and_what_may_be_written_is_added() {
    let (world, run) = world_of_three();
    intend(&world, run, 1, SET);
    world.settle(run, tried(1, Outcome::Set));
    let acknowledged = vec![Acknowledged::Rekeyed(id(1))];
    world.writer.acknowledge(run, &id(9), acknowledged).unwrap();
    assert_eq!((fields(&world, 1), fields(&world, 9)), (0, SET.fields));
    let may_be = vec![Acknowledged::Invalidated, Acknowledged::MayBeSet(2)];
    world.writer.acknowledge(run, &id(2), may_be).unwrap();
    assert_eq!(fields(&world, 2), 2);
    let state = world.journal.state_of(&scope(), "E2").unwrap();
    assert_eq!(state, Some(PersonState::Active));
}
