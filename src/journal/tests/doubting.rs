//! For whom a write of unknown outcome may still land, and since when.

use jiff::Timestamp;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// Somebody, when the write went out at the latest, and what it may do.
fn doubts(world: &World) -> Vec<(String, i64, DoubtKind)> {
    let doubts = world.journal.doubts(&scope()).unwrap().into_iter();
    let since = |it: &Doubt| it.sent.duration_since(at(0)).as_secs();
    doubts
        .map(|it| (it.external_id.as_str().to_owned(), since(&it), it.kind))
        .collect()
}

fn doubt(row: u32, seconds: i64, kind: DoubtKind) -> Doubt {
    Doubt {
        external_id: id(row),
        sent: at(seconds),
        kind,
    }
}

fn resume(world: &World, run: RunId, seconds: i64) {
    let resumed = RunChange {
        resumed: Some(Resumption {
            pid: 1,
            host: "nightly".into(),
            at: at(seconds),
        }),
        ..RunChange::default()
    };
    world.writer.update_run(run, resumed).unwrap();
}

#[test]
fn what_a_killed_run_had_begun_is_as_old_as_its_last_sign_of_life() {
    let world = World::new();
    let run = world.start(3);
    world.intend(run, [1, 2, 3]);
    world.writer.alive(run, at(10)).unwrap();
    world.settle(run, created(1));
    world.flush();
    let sent_until = world
        .journal
        .run(RunRef::Id(run))
        .unwrap()
        .unwrap()
        .sent_until;
    // A write goes out less than a second after a sign of life.
    assert_eq!(sent_until, Some(at(11)));
    assert_eq!(doubts(&world), []);
    resume(&world, run, 500);
    let create = DoubtKind::Create;
    let open = [("E2".to_owned(), 11, create), ("E3".to_owned(), 11, create)];
    assert_eq!(doubts(&world), open);
    // Killed again: who was not sent is as old as before, who was sent is not.
    world.writer.sent_again(run, &id(3), at(520)).unwrap();
    world.writer.alive(run, at(520)).unwrap();
    resume(&world, run, 900);
    let open = [
        ("E2".to_owned(), 11, create),
        ("E3".to_owned(), 520, create),
    ];
    assert_eq!(doubts(&world), open);
}

#[test]
fn a_run_that_gave_no_sign_of_life_may_have_sent_until_it_is_resumed() {
    let world = World::new();
    let run = world.start(1);
    world.intend(run, [1]);
    resume(&world, run, 30);
    assert_eq!(doubts(&world), [("E1".to_owned(), 30, DoubtKind::Create)]);
}

#[test]
fn a_doubt_ends_with_the_outcome_and_that_of_a_second_create_with_a_look() {
    let world = World::new();
    let run = world.start(4);
    let noted = [1, 2, 3, 4].map(|row| doubt(row, 5, DoubtKind::Create));
    let commit = world.writer.doubts(&scope(), noted.to_vec());
    commit.wait_blocking().unwrap();
    world.settle(run, settled(1, Outcome::Unknown));
    // It was decided without a request.
    let unsent = Settled {
        attempts: 0,
        ..settled(2, Outcome::Rejected)
    };
    world.settle(run, unsent);
    world.settle(run, created(3));
    let twice = Settled {
        sent_twice: Some(at(60)),
        ..created(4)
    };
    world.settle(run, twice);
    world.flush();
    let left = [
        ("E1".to_owned(), 5, DoubtKind::Create),
        ("E2".to_owned(), 5, DoubtKind::Create),
        ("E4".to_owned(), 60, DoubtKind::Twice),
    ];
    assert_eq!(doubts(&world), left);
    // A later change of the person says nothing of a second one.
    world.settle(run, settled(4, Outcome::Updated));
    world.flush();
    assert_eq!(doubts(&world), left);
    world.writer.no_doubts(&scope(), vec!["E4".into()]).unwrap();
    world.flush();
    assert_eq!(doubts(&world), left[..2]);
}

#[test]
fn of_two_doubts_the_later_time_and_the_graver_kind_last() {
    let world = World::new();
    world.start(1);
    for one in [
        doubt(1, 50, DoubtKind::Change),
        doubt(1, 20, DoubtKind::Create),
    ] {
        let commit = world.writer.doubts(&scope(), vec![one]);
        commit.wait_blocking().unwrap();
    }
    assert_eq!(doubts(&world), [("E1".to_owned(), 50, DoubtKind::Create)]);
}
