//! What a person corrected in the LMS by hand, and the journal does not know.

use serde_json::{Value, json};

use crate::support::System::Kmi;
use crate::support::{Feed, Person, World, on_each_system};

/// A world to which forty people were imported, of whom the first is in no feed any more
/// and was deleted in the LMS by hand. Nothing becomes of leavers.
fn with_one_deleted(world: World) -> (World, Feed, Person) {
    let mut feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    let gone = feed.people.remove(0);
    world.import_feed(&feed).exits(0);
    world.lms.delete(world.key, &gone.id);
    (world, feed, gone)
}

#[test]
fn the_login_of_an_account_that_was_deleted_by_hand_is_free() {
    on_each_system(|system| {
        let (world, mut feed, gone) = with_one_deleted(World::new(system));
        let mut joiner = Person::new(77);
        joiner.login = gone.login;
        feed.people.push(joiner);
        world.feed(&feed);
        assert_eq!(world.plan().exits(0).count("created"), 1);
        let ran = world.import().exits(0);
        assert_eq!(ran.count("created"), 1, "{ran:#?}");
        world.assert_everyone_once(&feed);
        let again = world.changes_nothing(World::import).exits(0);
        assert_eq!(again.count("unchanged"), 40);
    });
}

#[test]
fn a_login_that_is_still_in_use_stays_taken() {
    on_each_system(|system| {
        let world = World::new(system);
        let mut feed = Feed::of(40);
        world.import_feed(&feed).exits(0);
        let stays = feed.people.remove(0);
        let mut joiner = Person::new(77);
        joiner.login = stays.login;
        feed.people.push(joiner);
        world.feed(&feed);
        for _night in 0..2 {
            let ran = world.changes_nothing(World::import).exits(3);
            assert_eq!(ran.count("rejected"), 1, "{ran:#?}");
        }
    });
}

#[test]
fn the_login_of_an_account_that_lost_its_external_id_only_stays_taken() {
    let world = World::new(Kmi);
    world.lms.set_faults(&json!({"shared_logins": true}));
    let mut feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    let away = feed.people.remove(0);
    world.import_feed(&feed).exits(0);
    correct(&world, &away.id, &json!({"externalId": "OTHER"}));
    let mut joiner = Person::new(77);
    joiner.login = away.login;
    feed.people.push(joiner);
    let ran = world
        .changes_nothing(|world| world.import_feed(&feed))
        .exits(3);
    assert_eq!(ran.count("rejected"), 1, "{ran:#?}");
}

#[test]
fn whoever_comes_back_after_the_account_was_deleted_by_hand_is_created_once_approved() {
    on_each_system(|system| {
        let (world, mut feed, mut back) = with_one_deleted(World::new(system));
        back.id = "N00001".into();
        feed.people.push(back);
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        let hold = ran.hold("renumbered");
        world.run(&["approve", &hold]).exits(0);
        let ran = world.import().exits(0);
        assert_eq!((ran.count("created"), ran.held()), (1, vec![]), "{ran:#?}");
        assert_eq!(world.hold_state(&hold), "carried_out");
        world.assert_everyone_once(&feed);
        let again = world.changes_nothing(World::import).exits(0);
        assert_eq!(again.count("unchanged"), 40);
        assert_eq!(world.lms.people().len(), 40);
    });
}

/// Changes somebody in the LMS by hand.
fn correct(world: &World, external_id: &str, change: &Value) {
    let path = format!("/api/v2/users/external_id/{external_id}/");
    let (status, body) = world.lms.ask("POST", &path, world.key, &change.to_string());
    assert_eq!(status, 200, "{body}");
}

#[test]
fn people_whose_ids_and_logins_were_swapped_by_hand_wait_for_nothing() {
    let world = World::new(Kmi);
    let mut feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    let swap = |feed: &mut Feed, one: usize, two: usize| {
        let id = feed.people[one].id.clone();
        feed.people[one].id = std::mem::replace(&mut feed.people[two].id, id);
    };
    swap(&mut feed, 0, 1);
    let login = feed.people[9].login.clone();
    feed.people[9].login = std::mem::replace(&mut feed.people[10].login, login);
    let ran = world
        .changes_nothing(|world| world.import_feed(&feed))
        .exits(4);
    assert_eq!(ran.held(), [("renumbered".to_owned(), 2)]);
    assert_eq!(ran.count("rejected"), 2);
    for (id, now) in [("E00001", "TEMP"), ("E00002", "E00001"), ("TEMP", "E00002")] {
        correct(&world, id, &json!({"externalId": now}));
    }
    let logins = [9, 10].map(|at| feed.people[at].login.clone());
    correct(&world, "E00010", &json!({"loginName": "temporary"}));
    correct(&world, "E00011", &json!({"loginName": logins[1]}));
    correct(&world, "E00010", &json!({"loginName": logins[0]}));
    let ran = world.import().exits(0);
    assert_eq!((ran.count("rejected"), ran.held()), (0, vec![]), "{ran:#?}");
    world.assert_everyone_once(&feed);
    world.changes_nothing(World::import).exits(0);
}
