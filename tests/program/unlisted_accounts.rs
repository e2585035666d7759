//! Accounts without an external ID that have the login or the e-mail address of a
//! joiner, on the nights after they were listed and held.

use serde_json::json;

use crate::support::System::{self, Kmi};
use crate::support::gate::{Gate, Moment};
use crate::support::{Feed, Person, Ran, World, on_each_system};

/// A world whose LMS would let a joiner have the login of somebody else, to which
/// so many people were imported.
fn with(people: usize, system: System) -> (World, Feed) {
    let world = World::new(system);
    world.lms.set_faults(&json!({"shared_logins": true}));
    let feed = Feed::of(people);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

/// Adds a joiner who has an account without an external ID, and one who has none,
/// and imports them. By the next night only the first is unknown, and to look up
/// one person costs less than any list.
fn with_one_held(system: System) -> (World, Feed, Ran) {
    let (world, mut feed) = with(40, system);
    world.by_hand(&Person::new(41));
    feed.people.extend([Person::new(41), Person::new(42)]);
    let ran = world.import_feed(&feed).exits(4);
    assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
    assert_eq!((ran.count("created"), ran.count("pending")), (1, 1));
    (world, feed, ran)
}

#[test]
fn an_account_without_an_external_id_is_held_every_night_and_nobody_is_created_beside_it() {
    on_each_system(|system| {
        let (world, mut feed, ran) = with_one_held(system);
        for city in ["Meppel", "Emden"] {
            feed.people[0].city = city.into();
            let again = world.import_feed(&feed).exits(4);
            assert_eq!((again.count("created"), again.count("updated")), (0, 1));
            assert_eq!(again.hold("renumbered"), ran.hold("renumbered"));
        }
        world.changes_nothing(World::import).exits(4);
        assert_eq!(world.lms.everybody().len(), 42);
    });
}

#[test]
fn an_account_without_an_external_id_gets_it_the_night_after_it_was_approved() {
    on_each_system(|system| {
        let (world, feed, ran) = with_one_held(system);
        let before = world.accounts();
        world.run(&["approve", &ran.hold("renumbered")]).exits(0);
        let ran = world.import().exits(0);
        assert_eq!((ran.count("updated"), ran.count("created")), (1, 0));
        world.assert_everyone_once(&feed);
        let after = world.accounts();
        assert!(before.keys().eq(after.keys()), "the same accounts");
        assert_eq!(world.import().exits(0).count("unchanged"), 42);
    });
}

#[test]
fn an_account_without_an_external_id_stays_as_is_once_it_was_refused() {
    on_each_system(|system| {
        let (world, _, ran) = with_one_held(system);
        let hold = ran.hold("renumbered");
        world.run(&["refuse", &hold]).exits(0);
        for _night in 0..3 {
            let ran = world.changes_nothing(World::import).exits(0);
            assert_eq!((ran.count("unchanged"), ran.held()), (42, vec![]));
        }
        assert_eq!(world.hold_state(&hold), "refused");
    });
}

/// The feed with three joiners, of whom accounts have the e-mail addresses and no
/// more, and with nine others.
fn with_three_addresses(world: &World, feed: &Feed) -> Feed {
    let mut feed = feed.clone();
    for number in 401..=412 {
        let person = Person::new(number);
        if number <= 403 {
            let login = format!("by-hand-{number}");
            world.lms.by_hand(&login, &person.email.to_lowercase());
        }
        feed.people.push(person);
    }
    feed
}

#[test]
fn accounts_known_by_their_addresses_are_held_where_look_ups_cost_less_than_the_list() {
    // Three look-ups, or four pages.
    let (world, feed) = with(350, Kmi);
    let feed = with_three_addresses(&world, &feed);
    let ran = world.import_feed(&feed).exits(4);
    assert_eq!(ran.held(), [("renumbered".to_owned(), 3)]);
    assert_eq!(ran.count("created"), 9);
    let again = world.changes_nothing(World::import).exits(4);
    assert_eq!(again.hold("renumbered"), ran.hold("renumbered"));
    world.run(&["approve", &ran.hold("renumbered")]).exits(0);
    let ran = world.import().exits(0);
    assert_eq!((ran.count("updated"), ran.count("created")), (3, 0));
    world.assert_everyone_once(&feed);
}

#[test]
fn a_run_that_was_killed_and_resumed_holds_the_accounts_that_it_held() {
    on_each_system(|system| {
        let world = World::new(system);
        world.lms.set_faults(&json!({"shared_logins": true}));
        let gate = Gate::of(&world);
        let world = world.at(gate.url());
        let mut feed = Feed::of(100);
        world.import_feed(&feed).exits(0);
        for number in 101..=104 {
            world.by_hand(&Person::new(number));
            feed.people.push(Person::new(number));
        }
        feed.people[0].city = "Meppel".into();
        world.feed(&feed);
        let update: fn(&str) -> bool = match system {
            Kmi => |it| it.starts_with("POST /api/v2/users/external_id/E00001/"),
            System::AnewSpring => |it| it.starts_with("POST /api/updateUser/E00001"),
        };
        gate.kill_import(&world, Moment::BeforeItIsDone, update);
        let open = |world: &World| {
            let holds = world.run(&["holds", "--json"]).exits(0).json();
            let holds = holds["holds"].as_array().unwrap().clone();
            let holds = holds.iter();
            holds
                .map(|hold| (hold["kind"].clone(), hold["people"].clone()))
                .collect::<Vec<_>>()
        };
        let wanted = [(json!("renumbered"), json!(4))];
        assert_eq!(open(&world), wanted);
        let ran = world.resume().exits(4);
        assert_eq!((ran.count("created"), ran.count("updated")), (0, 1));
        assert_eq!(ran.held(), [("renumbered".to_owned(), 4)]);
        assert_eq!(world.lms.everybody().len(), 104);
        assert_eq!(open(&world), wanted);
        // And the night after it holds the same.
        let again = world.changes_nothing(World::import).exits(4);
        assert_eq!(again.hold("renumbered"), ran.hold("renumbered"));
    });
}
