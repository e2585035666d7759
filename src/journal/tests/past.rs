//! What earlier runs of a feed did, and what its feeds looked like.

use jiff::Timestamp;

use super::*;
use crate::model::RunState;

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// A run that started then and is finished.
fn run_at(world: &World, started: &str, mapping_path: &str) -> RunId {
    let start = RunStart {
        started: at(started),
        mapping_path: mapping_path.into(),
        ..new_run()
    };
    world.writer.start_run(start).unwrap()
}

fn past(world: &World, since: &str) -> Past {
    world.flush();
    let past = world.journal.done_within(&scope(), "kmi.toml", at(since));
    let left = world.journal.left_within(&scope(), "kmi.toml", at(since));
    let past = past.unwrap();
    assert_eq!(left.unwrap(), past.left);
    past
}

#[test]
fn a_window_counts_what_the_runs_of_one_mapping_did_since_then() {
    let world = World::new();
    let first = run_at(&world, "2026-11-10T02:00:00Z", "kmi.toml");
    let second = run_at(&world, "2026-11-12T02:00:00Z", "kmi.toml");
    let other = run_at(&world, "2026-11-12T03:00:00Z", "other.toml");
    for (run, rows) in [(first, 1..=2), (second, 3..=5), (other, 6..=9)] {
        for row in rows {
            world.settle(run, created(row));
            world.settle(run, leaver(row, Outcome::Deleted));
        }
    }
    world.settle(second, settled(20, Outcome::Updated));
    world.settle(second, leaver(21, Outcome::Deactivated));
    for outcome in [
        Outcome::Rejected,
        Outcome::Failed,
        Outcome::Unknown,
        Outcome::Held,
        Outcome::Unchanged,
    ] {
        world.settle(second, settled(30 + outcome as u32, outcome));
    }
    world.settle(second, leaver(40, Outcome::Held));
    let past_of = |created, updated, left| Past {
        created,
        updated,
        left,
    };
    assert_eq!(past(&world, "2026-11-05T02:00:00Z"), past_of(5, 1, 6));
    assert_eq!(past(&world, "2026-11-11T02:00:00Z"), past_of(3, 1, 4));
    assert_eq!(past(&world, "2026-11-12T02:30:00Z"), past_of(0, 0, 0));
    let elsewhere = Scope::new("kmi", "https://lms.example.com", "another key");
    let nothing = world
        .journal
        .done_within(&elsewhere, "kmi.toml", at("2026-11-05T02:00:00Z"));
    assert_eq!(nothing.unwrap(), Past::default());
}

#[test]
fn a_window_leaves_out_what_a_person_approved() {
    let world = World::new();
    let run = run_at(&world, "2026-11-12T02:00:00Z", "kmi.toml");
    world.settle(run, leaver(1, Outcome::Deleted));
    let mut approved = leaver(2, Outcome::Deleted);
    approved.hold = Some(HoldId(7));
    world.settle(run, approved);
    assert_eq!(past(&world, "2026-11-12T01:00:00Z").left, 1);
}

#[test]
fn what_a_resumed_run_did_counts_as_of_its_end() {
    let world = World::new();
    let run = run_at(&world, "2026-11-01T02:00:00Z", "kmi.toml");
    world.settle(run, leaver(1, Outcome::Deleted));
    let resumed = RunChange {
        resumed: Some(Resumption {
            pid: 1,
            at: jiff::Timestamp::UNIX_EPOCH,
            host: "nightly".into(),
        }),
        state: Some(RunState::Finished),
        ended: Some(at("2026-11-11T02:00:00Z")),
        ..RunChange::default()
    };
    world.writer.update_run(run, resumed).unwrap();
    assert_eq!(past(&world, "2026-11-10T02:00:00Z").left, 1);
    assert_eq!(past(&world, "2026-11-11T02:00:01Z").left, 0);
}

#[test]
fn the_newest_five_profiles_of_a_feed_are_kept() {
    let world = World::new();
    let profiles = |mapping: &str| {
        world.flush();
        let feed = FeedKey::of_mapping(mapping);
        world.journal.profiles(&scope(), feed).unwrap()
    };
    for day in 1..=7_u8 {
        let run = run_at(&world, &format!("2026-11-0{day}T02:00:00Z"), "kmi.toml");
        world.writer.profile(run, vec![0], false).unwrap();
        // Said again of the same run, it replaces what was said.
        world.writer.profile(run, vec![day], false).unwrap();
    }
    let kept = profiles("kmi.toml");
    let days: Vec<_> = kept.iter().map(|(_, profile)| profile[0]).collect();
    assert_eq!(days, [7, 6, 5, 4, 3]);
    assert_eq!(kept[0].0, at("2026-11-07T02:00:00Z"));
    assert!(profiles("other.toml").is_empty());

    // One that was let pass is the new measure.
    for (day, resets) in [(8, true), (9, false)] {
        let run = run_at(&world, &format!("2026-11-0{day}T02:00:00Z"), "kmi.toml");
        world.writer.profile(run, vec![day], resets).unwrap();
    }
    let days: Vec<_> = profiles("kmi.toml").iter().map(|it| it.1[0]).collect();
    assert_eq!(days, [9, 8]);
}

#[test]
fn all_that_the_old_name_of_a_mapping_had_goes_over_to_the_new_one_at_once() {
    let world = World::new();
    let run = run_at(&world, "2026-11-12T02:00:00Z", "kmi.toml");
    let other = run_at(&world, "2026-11-12T03:00:00Z", "other.toml");
    world.settle(run, created(1));
    world.settle(run, leaver(2, Outcome::Deleted));
    world.settle(other, created(3));
    world.writer.profile(run, vec![1], false).unwrap();
    let hold = world.writer.open_hold(new_hold(run, [4])).unwrap();
    let of_other = world.writer.open_hold(new_hold(other, [5])).unwrap();
    let [old, new] = ["kmi.toml", "new.toml"].map(FeedKey::of_mapping);
    let journal = &world.journal;
    assert!(!journal.has_people_of(&scope(), new).unwrap());
    let renamed = world.writer.renamed(&scope(), "kmi.toml", "new.toml");
    renamed.wait_blocking().unwrap();
    let has_people = [old, new].map(|feed| journal.has_people_of(&scope(), feed).unwrap());
    assert_eq!(has_people, [false, true]);
    let profiles = [old, new].map(|feed| journal.profiles(&scope(), feed).unwrap().len());
    assert_eq!(profiles, [0, 1]);
    let path = |hold| journal.hold(hold).unwrap().unwrap().mapping_path;
    assert_eq!([path(hold), path(of_other)], ["new.toml", "other.toml"]);
    let done = |mapping| {
        let since = at("2026-11-05T02:00:00Z");
        journal.done_within(&scope(), mapping, since).unwrap()
    };
    assert_eq!((done("new.toml").created, done("new.toml").left), (1, 1));
    assert_eq!(done("kmi.toml"), Past::default());
    assert_eq!(done("other.toml").created, 1);
}
