//! People who are there by hand, without an external ID.

use serde_json::json;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, World, calls, on_each_system, wait_until};

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
                ("GET users/", 2),
                ("POST users/", 2),
                ("POST users/{id}/", 1),
            ]),
            AnewSpring => calls(&[
                ("GET getUsers", 1),
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
fn adopting_by_e_mail_goes_by_the_uid() {
    let world = World::new(AnewSpring).parts(by_email(AnewSpring));
    let feed = Feed::of(2);
    world.by_hand(&feed.people[0]);
    let cost = world.cost(&feed, 0);
    assert_eq!(cost["POST updateUser?userUID={userUID}"], 1, "{cost:#?}");
    world.assert_everyone_once(&feed);
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
    let feed = Feed::of(2);
    world.by_hand(&feed.people[1]);
    world.import_feed(&feed).exits(3);
    let message = world.row(3)["message"].to_string();
    assert!(
        message.contains("another account has this login"),
        "{message}"
    );
    assert!(!message.contains("zquimby2"), "{message}");
    assert_eq!(world.lms.everybody().len(), 2);
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
