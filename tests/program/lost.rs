//! Known people whom the LMS no longer shows.

use std::time::Duration;

use hrfeed::clock;
use serde_json::{Value, json};

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{Feed, Person, World, on_each_system, wait_until};

#[test]
fn lost_people_are_counted_first_and_created_after_one_look_at_a_sample() {
    on_each_system(|system| {
        let guards = "[guards]\nmax_updates = \"100%\"\nmax_lost = 3";
        let world = World::new(system).parts(guards);
        let mut feed = Feed::of(200);
        world.import_feed(&feed).exits(0);
        for id in ["E00003", "E00011", "E00200"] {
            world.lms.delete(world.key, id);
        }
        for person in &mut feed.people {
            person.city = "Groningen".into();
        }
        world.lms.reset_stats();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.count("updated")), (3, 197));
        let stats = world.lms.stats();
        let calls = (stats.updates(), stats.look_ups(), stats.creates());
        assert_eq!(calls, (200, 3, 3), "{stats:#?}");
        world.assert_everyone_once(&feed);
        world.lms.reset_stats();
        assert_eq!(world.import().exits(0).count("unchanged"), 200);
        assert_eq!(world.lms.stats().requests(), 0);
    });
}

#[test]
fn of_lost_people_only_those_who_are_approved_are_created() {
    on_each_system(|system| {
        let world = World::new(system);
        let mut feed = Feed::of(100);
        world.import_feed(&feed).exits(0);
        for person in &mut feed.people[..8] {
            world.lms.delete(world.key, &person.id);
            person.city = "Groningen".into();
        }
        let ran = world.import_feed(&feed).exits(4);
        assert_eq!(ran.held(), [("lost".to_owned(), 8)]);
        let hold = ran.hold("lost");
        let some = ["approve", &hold, "--only", "E00001,E00004,E00008"];
        world.run(&some).exits(0);
        let open = world.run(&["holds", "--json"]).exits(0).hold("lost");
        let ran = world.import().exits(4);
        assert_eq!((ran.count("created"), ran.count("pending")), (3, 5));
        assert_eq!(ran.held(), [("lost".to_owned(), 5)]);
        assert_eq!(ran.hold("lost"), open, "the others keep their number");
        assert_eq!(world.hold_state(&hold), "carried_out");
        for (id, is_there) in [("E00001", 1), ("E00004", 1), ("E00008", 1), ("E00002", 0)] {
            assert_eq!(world.lms.with_id(id).len(), is_there, "{id}");
        }
        let again = world.changes_nothing(World::import).exits(4);
        assert_eq!(again.hold("lost"), open);
        // And they are created once somebody says so.
        world.run(&["approve", &open]).exits(0);
        assert_eq!(world.import().exits(0).count("created"), 5);
        world.assert_everyone_once(&feed);
    });
}

/// The messages of the rejected rows.
fn rejected(world: &World) -> Vec<String> {
    let rows = world.rows().into_iter();
    let rejected = rows.filter(|row| row["outcome"] == "rejected");
    rejected
        .map(|row| row["message"].as_str().unwrap().to_owned())
        .collect()
}

/// The accounts of the LMS with that login.
fn with_login(world: &World, login: &str) -> Vec<Value> {
    let everybody = world.lms.everybody().into_iter();
    let has = |account: &Value| {
        ["login", "loginName"].iter().any(|field| {
            let value = account[*field].as_str().unwrap_or_default();
            value.eq_ignore_ascii_case(login)
        })
    };
    everybody.filter(has).collect()
}

#[test]
fn whose_external_id_somebody_changed_in_the_lms_is_named_and_not_created_a_second_time() {
    on_each_system(|system| {
        for shared_logins in [false, true] {
            let world = World::new(system);
            let mut feed = Feed::of(100);
            world.import_feed(&feed).exits(0);
            let faults = json!({"shared_logins": shared_logins});
            world.lms.set_faults(&faults);
            let account = world.lms.person("E00001");
            world.lms.give_id(world.key, &account, "OTHER");
            world.lms.delete(world.key, "E00002");
            for person in &mut feed.people[..2] {
                person.city = "Meppel".into();
            }
            let ran = world.import_feed(&feed).exits(3);
            assert_eq!((ran.count("created"), ran.count("rejected")), (1, 1));
            let number = match system {
                Kmi => account["id"].to_string(),
                AnewSpring => account["uid"].as_str().unwrap().to_owned(),
            };
            let message = rejected(&world).remove(0);
            let expected = format!(
                "the account with the LMS's id {number} is this person's and has the external ID \
                 OTHER: give it E00001 in the LMS"
            );
            assert!(message.starts_with(&expected), "{message}");
            let ran = world.changes_nothing(World::import).exits(3);
            assert_eq!((ran.count("created"), ran.count("rejected")), (0, 1));
            assert_eq!(with_login(&world, &feed.people[0].login).len(), 1);
            // As the message says.
            world.lms.give_id(world.key, &account, "E00001");
            world.import().exits(0);
            world.assert_everyone_once(&feed);
        }
    });
}

#[test]
fn an_account_that_lost_its_external_id_is_named_and_nobody_is_created_beside_it() {
    on_each_system(|system| {
        for shared_logins in [false, true] {
            let world = World::new(system);
            let mut feed = Feed::of(100);
            world.import_feed(&feed).exits(0);
            let faults = json!({"shared_logins": shared_logins});
            world.lms.set_faults(&faults);
            match system {
                Kmi => {
                    let account = world.lms.person("E00001");
                    world.lms.give_id(world.key, &account, "");
                }
                // No call takes an ID away: the account was made anew by hand.
                AnewSpring => {
                    world.lms.delete(world.key, "E00001");
                    world.by_hand(&feed.people[0]);
                }
            }
            feed.people[0].city = "Meppel".into();
            world.feed(&feed);
            for _ in 0..2 {
                let ran = world.changes_nothing(World::import).exits(3);
                assert_eq!((ran.count("created"), ran.count("rejected")), (0, 1));
                let message = rejected(&world).remove(0);
                let expected = "is this person's and has no external ID: give it E00001";
                assert!(message.contains(expected), "{message}");
            }
        }
    });
}

#[test]
fn accounts_are_asked_for_by_their_ids_only_where_somebody_would_be_created() {
    on_each_system(|system| {
        let world = World::new(system);
        let mut feed = Feed::of(100);
        world.import_feed(&feed).exits(0);
        let by_id = |world: &World| match system {
            Kmi => world.lms.stats().calls("GET users/{id}/"),
            AnewSpring => world.lms.stats().calls("GET getUsers"),
        };
        for person in &mut feed.people[..40] {
            person.city = "Meppel".into();
        }
        world.lms.reset_stats();
        world.import_feed(&feed).exits(0);
        assert_eq!(by_id(&world), 0);
        for id in ["E00001", "E00002", "E00003"] {
            world.lms.delete(world.key, id);
        }
        for person in &mut feed.people[..40] {
            person.city = "Emden".into();
        }
        world.lms.reset_stats();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("created"), 3);
        // A list is asked for twice, and the proof reads it once more.
        assert_eq!(by_id(&world), 3);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whom_the_lms_shows_by_its_own_id_and_does_not_find_is_not_created_a_second_time() {
    let world = World::new(Kmi);
    let mut feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    // The witnesses are not new enough to be hidden.
    let imported = clock::monotonic();
    wait_until("the witnesses are old", || {
        imported.elapsed() > Duration::from_secs(7)
    });
    world.lms.set_faults(&json!({"lag": 6.0}));
    let begun = clock::monotonic();
    feed.people.push(Person::new(41));
    assert_eq!(world.import_feed(&feed).count("created"), 1);
    let lag = begun.elapsed().as_secs_f64() + 6.0;
    let odd_rows = json!({"E00041": 404});
    world
        .lms
        .set_faults(&json!({"lag": lag, "odd_rows": odd_rows}));
    feed.people[40].city = "Meppel".into();
    world.lms.reset_stats();
    let ran = world.import_feed(&feed).exits(3);
    let counts = (ran.count("created"), ran.count("rejected"));
    assert_eq!(counts, (0, 1), "{ran:#?} {:#?}", world.row(42));
    let message = rejected(&world).remove(0);
    assert!(
        message.contains("shows the account with its own id"),
        "{message}"
    );
    assert_eq!(world.lms.stats().calls("POST users/"), 0);
    // By then it is found again.
    world.lms.set_faults(&json!({"lag": 0.0, "odd_rows": {}}));
    world.import().exits(0);
    world.assert_everyone_once(&feed);
}
