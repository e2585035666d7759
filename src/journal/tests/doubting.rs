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
        feed: None,
    }
}

/// An update that goes out while an earlier write may still land.
fn again(row: u32, seconds: i64) -> SentAgain {
    SentAgain {
        external_id: id(row),
        at: at(seconds),
        creates_twice: false,
    }
}

/// The people whose create was sent twice, and since when.
fn twice(world: &World) -> Vec<(String, i64)> {
    let twice = world.journal.sent_twice(&scope()).unwrap().into_iter();
    let since = |it: &SentTwice| it.since.duration_since(at(0)).as_secs();
    twice
        .map(|it| (it.external_id.as_str().to_owned(), since(&it)))
        .collect()
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
    world.writer.sent_again(run, again(3, 520)).unwrap();
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
    let create = DoubtKind::Create;
    let noted = [1, 2, 3, 4].map(|row| doubt(row, 5, create));
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
    let second = SentAgain {
        creates_twice: true,
        ..again(4, 60)
    };
    world.writer.sent_again(run, second).unwrap();
    // Until its outcome is known, it may land as well.
    assert!(doubts(&world).contains(&("E4".to_owned(), 60, create)));
    world.settle(run, created(4));
    world.flush();
    let left = [("E1".to_owned(), 5, create), ("E2".to_owned(), 5, create)];
    assert_eq!(doubts(&world), left);
    // The first of the two went out by then.
    assert_eq!(twice(&world), [("E4".to_owned(), 5)]);
    // A later change of the person says nothing of a second one.
    let commit = world
        .writer
        .doubts(&scope(), vec![doubt(4, 90, DoubtKind::Change)]);
    commit.wait_blocking().unwrap();
    assert_eq!(doubts(&world)[2], ("E4".to_owned(), 90, DoubtKind::Change));
    world.settle(run, settled(4, Outcome::Updated));
    world.flush();
    assert_eq!(doubts(&world), left);
    assert_eq!(twice(&world), [("E4".to_owned(), 5)]);
    world.writer.not_twice(&scope(), vec!["E4".into()]).unwrap();
    world.flush();
    assert_eq!(twice(&world), []);
    assert_eq!(doubts(&world), left);
    world
        .writer
        .no_doubts(&scope(), vec!["E1".into(), "E2".into()])
        .unwrap();
    world.flush();
    assert_eq!(doubts(&world), []);
}

#[test]
fn a_second_create_is_known_after_a_kill_at_once() {
    let world = World::new();
    let run = world.start(1);
    world.intend(run, [1]);
    world.writer.alive(run, at(10)).unwrap();
    let second = SentAgain {
        creates_twice: true,
        ..again(1, 70)
    };
    world.writer.sent_again(run, second).unwrap();
    resume(&world, run, 100);
    // Two of the same run: the first one went out before that.
    assert_eq!(twice(&world), [("E1".to_owned(), 70)]);
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

#[test]
fn a_doubt_knows_the_feed_that_sent_it_under_its_new_name_as_well() {
    let world = World::new();
    let run = world.start(2);
    world.intend(run, [1]);
    let start = world.journal.run(RunRef::Id(run)).unwrap().unwrap().start;
    resume(&world, run, 30);
    let feed = || world.journal.doubts(&scope()).unwrap()[0].feed;
    let of = |mapping: &str| Some(FeedKey::of_mapping(mapping));
    assert_eq!(feed(), of(&start.mapping_path));
    // Recorded again by a release that knows none, it is still that one's.
    let commit = world
        .writer
        .doubts(&scope(), vec![doubt(1, 50, DoubtKind::Create)]);
    commit.wait_blocking().unwrap();
    assert_eq!(feed(), of(&start.mapping_path));
    let renamed = world
        .writer
        .renamed(&scope(), &start.mapping_path, "new.toml");
    renamed.wait_blocking().unwrap();
    assert_eq!(feed(), of("new.toml"));
}
