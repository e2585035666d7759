//! What is known of people.

use super::*;
use crate::model::RunState;

fn seen(who: u32, remote_id: Option<&str>, fingerprint: Option<u128>) -> SeenPerson {
    SeenPerson {
        external_id: id(who).as_str().into(),
        remote_id: remote_id.map(str::to_owned),
        fingerprint,
        is_ambiguous: false,
        fingerprints: None,
    }
}

fn see(world: &World, people: Vec<SeenPerson>) {
    let commit = world.writer.seen(&scope(), people);
    commit.wait_blocking().unwrap();
}

#[test]
fn a_person_who_is_only_seen_has_no_fingerprint_and_one_who_is_known_keeps_it() {
    let world = World::new();
    let run = world.start(1);
    world.settle(run, created(1));
    see(&world, vec![seen(1, None, None), seen(2, Some("r2"), None)]);
    assert_eq!(
        people(&world.journal),
        [
            ("E1".into(), Some("r1".into()), Some(1), PersonState::Active),
            ("E2".into(), Some("r2".into()), None, PersonState::Active),
        ]
    );
}

#[test]
fn an_outcome_without_a_remote_id_keeps_the_known_one() {
    let world = World::new();
    let run = world.start(1);
    see(&world, vec![seen(1, Some("r1"), None)]);
    let mut updated = settled(1, Outcome::Updated);
    updated.person = Some(PersonNow {
        remote_id: None,
        fingerprint: Some(u128::MAX),
        state: PersonState::Inactive,
        acknowledged: Vec::new(),
        fingerprints: None,
    });
    world.settle(run, updated);
    see(&world, vec![seen(1, None, None)]);
    assert_eq!(
        people(&world.journal),
        [(
            "E1".into(),
            Some("r1".into()),
            Some(u128::MAX),
            PersonState::Inactive
        )]
    );
}

#[test]
fn somebody_deleted_is_remembered_as_deleted_and_comes_back_without_a_past() {
    let world = World::new();
    let run = world.start(1);
    world.settle(run, created(1));
    let mut deleted = leaver(1, Outcome::Deleted);
    deleted.person = Some(PersonNow {
        remote_id: Some("r1".into()),
        fingerprint: Some(1),
        state: PersonState::Deleted,
        acknowledged: Vec::new(),
        fingerprints: None,
    });
    world.settle(run, deleted);
    world.flush();
    assert_eq!(
        people(&world.journal),
        [("E1".into(), None, None, PersonState::Deleted)]
    );
    see(&world, vec![seen(1, Some("new"), None)]);
    assert_eq!(
        people(&world.journal),
        [("E1".into(), Some("new".into()), None, PersonState::Active)]
    );
}

#[test]
fn one_scope_does_not_know_the_people_of_another() {
    let world = World::new();
    see(&world, vec![seen(1, None, None)]);
    let other = Scope::new("kmi", "https://lms.example.com", "another key");
    let mut strangers = 0;
    world
        .journal
        .people(&other, |_| {
            strangers += 1;
            go_on()
        })
        .unwrap();
    assert_eq!(strangers, 0);
}

#[test]
fn a_damaged_entry_is_an_error_and_no_panic() {
    let world = World::new();
    see(&world, vec![seen(1, None, Some(1))]);
    world
        .journal
        .conn
        .execute("UPDATE people SET fingerprint = x'00'", ())
        .unwrap();
    let error = world.journal.people(&scope(), |_| go_on()).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }));
}

#[test]
fn the_last_finished_run_is_that_of_the_mapping_and_of_no_other() {
    let world = World::new();
    let last = |mapping: &str| {
        let last = world.journal.last_finished_run(&scope(), mapping).unwrap();
        last.map(|run| run.ended.unwrap().to_string())
    };
    let end = |mapping: &str, state, ended: &str| {
        let start = RunStart {
            mapping_path: mapping.into(),
            ..new_run()
        };
        let run = world.writer.start_run(start).unwrap();
        let change = RunChange {
            state: Some(state),
            ended: Some(ended.parse().unwrap()),
            ..RunChange::default()
        };
        world.writer.update_run(run, change).unwrap();
    };
    end("kmi.toml", RunState::Interrupted, "2026-11-21T03:00:00Z");
    assert_eq!(last("kmi.toml"), None);
    end("kmi.toml", RunState::Finished, "2026-11-22T03:00:00Z");
    end("kmi.toml", RunState::Superseded, "2026-11-23T03:00:00Z");
    end("other.toml", RunState::Finished, "2026-11-24T03:00:00Z");
    assert_eq!(last("kmi.toml").as_deref(), Some("2026-11-22T03:00:00Z"));
    end("kmi.toml", RunState::Finished, "2026-11-25T03:00:00Z");
    assert_eq!(last("kmi.toml").as_deref(), Some("2026-11-25T03:00:00Z"));
    let other = Scope::new("kmi", "https://lms.example.com", "another key");
    let of_other = world.journal.last_finished_run(&other, "kmi.toml");
    assert!(of_other.unwrap().is_none());
}

/// The feeds that name a person: the last one, another one, and the last one where it
/// has come without the person since.
fn feeds_of(world: &World, who: u32) -> [Option<FeedKey>; 3] {
    world.flush();
    let mut feeds = None;
    let each = |it: Known<'_>| {
        if it.external_id == id(who).as_str() {
            feeds = Some([it.feed, it.other_feed, it.absent_from]);
        }
        go_on()
    };
    world.journal.people(&scope(), each).unwrap();
    feeds.unwrap()
}

#[test]
fn a_feed_names_a_person_until_it_has_come_without() {
    let world = World::new();
    let run = world.start(1);
    world.settle(run, created(1));
    let [first, other, third] = ["kmi.toml", "other.toml", "third.toml"].map(FeedKey::of_mapping);
    let people = || vec![id(1).as_str().to_owned()];
    let is = |feeds| assert_eq!(feeds_of(&world, 1), feeds);
    is([Some(first), None, None]);
    world.writer.named(&scope(), other, people()).unwrap();
    is([Some(other), Some(first), None]);
    // Whether it named the person last or before.
    world.writer.dropped(&scope(), first, people()).unwrap();
    is([Some(other), None, None]);
    world.writer.dropped(&scope(), third, people()).unwrap();
    is([Some(other), None, None]);
    world.writer.named(&scope(), first, people()).unwrap();
    world.writer.dropped(&scope(), first, people()).unwrap();
    is([Some(other), None, None]);
    world.writer.absent(&scope(), first, people()).unwrap();
    is([Some(other), None, None]);
    world.writer.absent(&scope(), other, people()).unwrap();
    is([Some(other), None, Some(other)]);
    world.writer.named(&scope(), third, people()).unwrap();
    is([Some(third), None, None]);
    world.writer.absent(&scope(), third, people()).unwrap();
    world.settle(run, created(1));
    is([Some(first), None, None]);
}
