//! People who are there by hand, without an external ID.

use hrfeed::sandbox::Faults;
use serde_json::json;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, IMPORT, World, calls, on_each_system, wait_until};

fn by_login(system: System) -> &'static str {
    match system {
        Kmi => "[adopt]\nby = \"loginName\"",
        AnewSpring => "[adopt]\nby = \"login\"",
    }
}

fn by_email(system: System) -> &'static str {
    match system {
        Kmi => {
            "[unique]\nfields = [\"externalId\", \"loginName\", \"email\"]\n\n\
             [adopt]\nby = \"email\""
        }
        AnewSpring => {
            "[unique]\nfields = [\"userID\", \"login\", \"email\"]\n\n[adopt]\nby = \"email\""
        }
    }
}

#[test]
fn whoever_is_there_by_hand_gets_the_external_id_instead_of_a_twin() {
    on_each_system(|system| {
        let world = World::new(system).parts(by_login(system));
        let feed = Feed::of(3);
        world.lms.by_hand("ZQUIMBY2", "zofie.quimby2@example.com");
        let adopting = match system {
            Kmi => calls(&[
                ("GET users/", 3),
                ("GET users/external_id/{external_id}/", 3),
                ("POST users/", 2),
                ("POST users/{id}/", 1),
            ]),
            AnewSpring => calls(&[
                ("GET getUsers", 2),
                ("GET getUser/{userID}", 3),
                ("POST addUser/{userID}", 2),
                ("POST initializeId/{login}/{userID}", 1),
                ("POST updateUser/{userID}", 1),
                ("POST addUserRoles/{userID}", 1),
            ]),
        };
        assert_eq!(world.cost(&feed, 0), adopting);
        world.assert_everyone_once(&feed);
        let row = world.row(3);
        assert_eq!(
            (&row["action"], &row["outcome"]),
            (&json!("adopt"), &json!("updated"))
        );
        assert_eq!(world.cost(&feed, 0), calls(&[]));
    });
}

#[test]
fn people_adopted_by_a_run_are_listed_before_it_and_in_every_report() {
    on_each_system(|system| {
        let world = World::new(system).parts(by_login(system));
        let feed = Feed::of(3);
        world.by_hand(&feed.people[1]);
        world.feed(&feed);
        let notes = |arguments: &[&str]| world.run(arguments).exits(0).json()["notes"].clone();
        let planned = notes(&["plan", "people.csv", "-m", "mapping.toml", "--json"]);
        assert_eq!(
            planned,
            json!(["1 existing person without an external ID would be linked"])
        );
        let note = "1 existing person without an external ID was linked";
        let imported = world.import().exits(0).json()["notes"].clone();
        assert_eq!(imported, json!([note]));
        assert_eq!(notes(&["show", "--json"]), imported);
        world.run(&["report", "-o", "page.html"]).exits(0);
        let page = std::fs::read_to_string(world.path("page.html")).unwrap();
        assert!(page.contains(note), "{page}");
    });
}

#[test]
fn an_account_that_is_not_linked_since_its_login_differs_is_held_and_nobody_is_created_twice() {
    on_each_system(|system| {
        for parts in ["", by_login(system)] {
            let world = World::new(system).parts(parts);
            let mut feed = Feed::of(4);
            world.by_hand(&feed.people[1]);
            feed.people[1].login = "quimby.after.marriage".into();
            let ran = world.import_feed(&feed).exits(4);
            assert_eq!(ran.held(), [("renumbered".to_owned(), 1)], "{parts}");
            assert_eq!((ran.count("created"), ran.count("pending")), (3, 1));
            assert_eq!(world.lms.everybody().len(), 4);
        }
    });
}

#[test]
fn adopting_by_e_mail_goes_by_the_uid() {
    let world = World::new(AnewSpring).parts(by_email(AnewSpring));
    let feed = Feed::of(2);
    world.by_hand(&feed.people[0]);
    let cost = world.cost(&feed, 0);
    assert_eq!(cost["POST updateUser?userUID={userUID}"], 1, "{cost:#?}");
    world.assert_everyone_once(&feed);
}

#[test]
fn somebody_in_the_archive_is_adopted_and_leaves_it() {
    for parts in [by_login(AnewSpring), by_email(AnewSpring)] {
        let world = World::new(AnewSpring).parts(parts);
        let feed = Feed::of(3);
        let person = &feed.people[1];
        let (login, email) = (person.login.to_lowercase(), person.email.to_lowercase());
        let archived = json!({
            "login": login, "email": email, "firstName": "By", "lastName": "Hand",
            "archived": true,
        });
        let (status, body) =
            (world.lms).ask("POST", "/sandbox/people", "by-hand", &archived.to_string());
        assert_eq!(status, 201, "{body}");
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.count("updated")), (2, 1));
        world.assert_everyone_once(&feed);
        assert_eq!(world.lms.person(&person.id)["archived"], false);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
    }
}

#[test]
fn on_kmi_the_account_gets_the_external_id_by_its_own_id() {
    for parts in [by_login(Kmi), by_email(Kmi)] {
        let world = World::new(Kmi).parts(parts);
        let feed = Feed::of(3);
        world.by_hand(&feed.people[1]);
        world.lms.reset_stats();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.count("updated")), (2, 1));
        world.assert_everyone_once(&feed);
        assert_eq!(world.lms.everybody().len(), 3, "a twin");
        assert_eq!(world.lms.stats().calls("POST users/{id}/"), 1);
    }
}

#[test]
fn an_adoption_whose_answer_was_lost_is_seen_and_gone_on_with() {
    on_each_system(|system| {
        for parts in [by_login(system), by_email(system)] {
            let world = World::new(system).parts(parts);
            let feed = Feed::of(30);
            for person in &feed.people {
                world.by_hand(person);
            }
            world.lms.set_faults(&json!({"lost_after": 0.3}));
            let ran = world.import_feed(&feed);
            world.lms.set_faults(&json!({"lost_after": 0.0}));
            assert_eq!(
                (ran.count("rejected"), ran.count("created")),
                (0, 0),
                "{ran:#?}"
            );
            world.import().exits(0);
            world.assert_everyone_once(&feed);
        }
    });
}

#[test]
fn an_adoption_whose_answer_was_lost_is_no_conflict() {
    on_each_system(|system| {
        let world = World::new(system)
            .parts(by_login(system))
            .target("timeout = \"2s\"");
        let feed = Feed::of(20);
        for person in &feed.people {
            world.by_hand(person);
        }
        world.lms.set_faults(&json!({"lost_after": 0.2}));
        let ran = world.import_feed(&feed).exits(0);
        world.lms.set_faults(&json!({"lost_after": 0.0}));
        assert_eq!(ran.count("updated"), 20, "{ran:#?}");
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn an_adoption_that_was_cut_short_makes_no_twin() {
    on_each_system(|system| {
        let world = World::new(system)
            .parts(by_login(system))
            .target("timeout = \"2s\"");
        let feed = Feed::of(30);
        for person in &feed.people {
            world.by_hand(person);
        }
        world.lms.set_faults(&json!({"latency": 0.03}));
        world.feed(&feed);
        let started = world.start_import();
        wait_until("some are adopted", || world.lms.people().len() > 5);
        started.kill();
        world.lms.set_faults(&json!({"latency": 0.0}));
        let ran = world.resume().exits(0);
        assert_eq!(ran.count("created"), 0, "{ran:#?}");
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn an_account_that_is_only_nearly_the_person_s_is_not_adopted() {
    on_each_system(|system| {
        let world = World::new(system).parts(by_login(system));
        world.lms.by_hand("zquimby 1", "another@example.com");
        let ran = world.import_feed(&Feed::of(2)).exits(3);
        assert_eq!((ran.count("created"), ran.count("rejected")), (1, 1));
        let message = world.row(2)["message"].to_string();
        assert!(message.contains("differs only in spaces"), "{message}");
        assert!(!message.contains("zquimby"), "{message}");
    });
}

#[test]
fn without_adopt_a_login_in_use_is_reported_in_the_words_of_the_row() {
    let world = World::new(AnewSpring);
    world.import_feed(&Feed::of(1)).exits(0);
    // One joiner is looked up by the external ID, which shows no other account.
    let feed = Feed::of(2);
    world.by_hand(&feed.people[1]);
    world.import_feed(&feed).exits(3);
    let row = world.row(3);
    let message = row["message"].to_string();
    assert!(
        message.contains("another account has this login"),
        "{message}"
    );
    assert_eq!(row["status"], 409, "not that of the look that followed");
    assert!(!message.contains("zquimby2"), "{message}");
    assert_eq!(world.lms.everybody().len(), 2);
}

#[test]
fn without_adopt_a_listed_account_with_the_login_of_a_joiner_makes_the_row_wait() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(2);
        world.by_hand(&feed.people[1]);
        let ran = world.import_feed(&feed).exits(4);
        assert_eq!((ran.count("created"), ran.count("pending")), (1, 1));
        assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
        let row = world.row(3);
        assert_eq!(row["outcome"], "held", "{row:#}");
        assert!(!row.to_string().contains("zquimby2"), "{row:#}");
        assert_eq!(world.lms.everybody().len(), 2);
    });
}

#[test]
fn two_who_could_be_the_person_are_left_alone() {
    on_each_system(|system| {
        let world = World::new(system).parts(by_email(system));
        let feed = Feed::of(2);
        for login in ["one", "two"] {
            world.lms.by_hand(login, &feed.people[0].email);
        }
        let ran = world.import_feed(&feed).exits(3);
        assert_eq!((ran.count("created"), ran.count("rejected")), (1, 1));
        let message = world.row(2)["message"].to_string();
        assert!(
            message.contains("2 accounts without an external ID match this person"),
            "{message}"
        );
    });
}

/// An LMS on which nothing but hrfeed keeps a second account with one login away.
fn with_shared_logins(system: System) -> World {
    let faults = Faults {
        shared_logins: true,
        ..Faults::default()
    };
    World::failing(system, faults)
}

/// Starts the program, and kills it while the LMS has not yet done the first
/// writes: they never arrive.
fn killed_while_linking(world: &World, arguments: &[&str], looked_for: u64) {
    world.lms.reset_stats();
    world.lms.set_faults(&json!({"latency": 0.4}));
    let started = world.start(arguments);
    // Those whom the list does not show are looked for one by one.
    wait_until("all are looked for", || {
        world.lms.stats().look_ups() >= looked_for
    });
    world.lms.set_faults(&json!({"latency": 60.0}));
    wait_until("it is about to link them", || {
        let rows = world.rows();
        (rows.iter()).any(|row| row["action"] == "adopt" && row["outcome"] == "unknown")
    });
    started.kill();
    world.lms.set_faults(&json!({"latency": 0.0}));
}

/// Two of 22 have accounts that an administrator created, which was approved as
/// theirs; the import that links them is killed.
fn linking_was_killed(system: System) -> (World, Feed) {
    let world = with_shared_logins(system);
    let feed = Feed::of(22);
    world.import_feed(&Feed::of(20)).exits(0);
    for person in &feed.people[20..] {
        world.by_hand(person);
    }
    let hold = world.import_feed(&feed).exits(4).hold("renumbered");
    world.run(&["approve", &hold]).exits(0);
    killed_while_linking(&world, IMPORT, 2);
    (world, feed)
}

#[test]
fn an_account_that_was_approved_as_somebodys_is_linked_by_the_resumed_run() {
    on_each_system(|system| {
        let (world, feed) = linking_was_killed(system);
        let ran = world.resume().exits(0);
        assert_eq!((ran.count("created"), ran.count("updated")), (0, 2));
        let row = world.row(22);
        assert_eq!((&row["action"], &row["hold"]), (&json!("adopt"), &json!(1)));
        world.assert_everyone_once(&feed);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
    });
}

#[test]
fn an_import_after_a_kill_links_the_approved_accounts_too() {
    on_each_system(|system| {
        let (world, feed) = linking_was_killed(system);
        let ran = world.import().exits(0);
        assert_eq!((ran.count("created"), ran.count("updated")), (0, 2));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whose_account_is_gone_when_it_is_tried_again_is_not_created_by_the_resumed_run() {
    on_each_system(|system| {
        let (world, feed) = linking_was_killed(system);
        world.lms.delete_by_hand(&feed.people[20].login);
        let ran = world.resume().exits(3);
        let counts = ["created", "updated", "rejected"].map(|it| ran.count(it));
        assert_eq!(counts, [0, 1, 1], "{ran:#?}");
        let message = world.row(22)["message"].to_string();
        assert!(message.contains("is not there any more"), "{message}");
        assert_eq!(world.lms.everybody().len(), 21);
        // Nobody has an account of the person by now: the next night says so.
        assert_eq!(world.import().exits(0).count("created"), 1);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn accounts_that_the_mapping_adopts_are_linked_by_the_resumed_run_or_left_alone() {
    on_each_system(|system| {
        for parts in [by_login(system), by_email(system)] {
            let world = with_shared_logins(system).parts(parts);
            let feed = Feed::of(3);
            world.by_hand(&feed.people[1]);
            world.by_hand(&feed.people[2]);
            world.feed(&feed);
            killed_while_linking(&world, IMPORT, 3);
            world.lms.delete_by_hand(&feed.people[2].login);
            let ran = world.resume().exits(3);
            let counts = ["created", "updated", "rejected"].map(|it| ran.count(it));
            assert_eq!(counts, [1, 1, 1], "{ran:#?}");
            let message = world.row(4)["message"].to_string();
            assert!(message.contains("is not there any more"), "{message}");
            assert_eq!(world.import().exits(0).count("created"), 1);
            world.assert_everyone_once(&feed);
        }
    });
}
