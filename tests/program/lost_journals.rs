//! A journal that knows nobody, and an LMS where everybody is already: what the LMS
//! shows of the people takes the place of what the journal would know.

use crate::support::System;
use crate::support::{Feed, Person, World, on_each_system};

/// A world to which so many people were imported, and which has lost its journal.
fn with(people: usize, system: System) -> (World, Feed) {
    let world = World::new(system);
    let feed = Feed::of(people);
    world.import_feed(&feed).exits(0);
    world.forget();
    (world, feed)
}

/// Everybody of the feed under the external ID of the one before.
fn slipped(feed: &Feed) -> Feed {
    let mut slipped = feed.clone();
    slipped.people.rotate_left(1);
    for (person, before) in slipped.people.iter_mut().zip(&feed.people) {
        person.id.clone_from(&before.id);
    }
    slipped
}

#[test]
fn a_feed_that_slipped_on_the_night_the_journal_was_lost_overwrites_nobody() {
    on_each_system(|system| {
        let (world, feed) = with(200, system);
        let mut columns = feed.clone();
        for (person, other) in columns.people.iter_mut().zip(slipped(&feed).people) {
            (person.first, person.last) = (other.first, other.last);
            (person.email, person.login) = (other.email, other.login);
        }
        let ran = world
            .changes_nothing(|world| world.import_feed(&columns))
            .exits(4);
        assert_eq!(ran.held(), [("identities".to_owned(), 200)]);
        // The next night knows it without asking.
        world.lms.reset_stats();
        let again = world.changes_nothing(World::import).exits(4);
        assert_eq!(again.hold("identities"), ran.hold("identities"));
        assert_eq!(world.lms.stats().requests(), 0);
        // Nothing was ever acknowledged: it is all sent once.
        world.feed(&feed);
        let ran = world.import_with(&["--allow", "updates=200"]).exits(0);
        assert_eq!(ran.held(), []);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_lost_journal_and_a_sound_feed_hold_nobody() {
    on_each_system(|system| {
        let (world, mut feed) = with(200, system);
        for person in &mut feed.people[..80] {
            person.city = "Meppel".into();
            person.last += "-Jones";
        }
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.held(), ran.count("created")), (vec![], 0));
        world.assert_everyone_once(&feed);
        assert_eq!(world.import().exits(0).count("unchanged"), 200);
    });
}

#[test]
fn people_who_agree_in_their_names_alone_are_the_same_people() {
    on_each_system(|system| {
        let (world, mut feed) = with(100, system);
        for person in &mut feed.people {
            person.email = format!("{}@other.example.org", person.id);
            person.login = person.email.clone();
        }
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.held(), ran.count("updated")), (vec![], 100));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_few_other_people_under_known_ids_pass_as_on_any_night() {
    on_each_system(|system| {
        let (world, mut feed) = with(200, system);
        for (place, person) in feed.people[..5].iter_mut().enumerate() {
            let id = std::mem::take(&mut person.id);
            *person = Person {
                id,
                ..Person::new(900 + place)
            };
        }
        world.import_feed(&feed).exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whoever_is_listed_under_the_id_of_another_row_is_renumbered() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system);
        // Somebody else comes under the first ID, and its human under another one.
        let mut moved = feed.people[0].clone();
        moved.id = "N00001".into();
        let id = feed.people[0].id.clone();
        feed.people[0] = Person {
            id,
            ..Person::new(900)
        };
        feed.people.push(moved);
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 2)], "{ran:#?}");
        let again = world.changes_nothing(World::import).exits(4);
        assert_eq!(again.hold("renumbered"), ran.hold("renumbered"));
    });
}
