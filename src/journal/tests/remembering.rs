//! What is known of people.

use super::*;

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
    assert_eq!(world.journal.people_count(&scope()).unwrap(), 2);
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
    assert_eq!(world.journal.people_count(&scope()).unwrap(), 0);
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
    assert_eq!(world.journal.people_count(&other).unwrap(), 0);
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
