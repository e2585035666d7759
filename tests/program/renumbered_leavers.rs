//! Renumbered people whose new rows cannot be imported, or of whom the journal has
//! no fingerprints: they are no leavers, and nobody is created beside them.

use rusqlite::Connection;
use serde_json::json;

use crate::identity::renumbered;
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::gate::{Gate, Moment};
use crate::support::{Feed, World, on_each_system};

/// A world whose LMS lets several people have one login, in which that becomes of
/// leavers. Nobody was imported yet.
fn with(system: System, leavers: &str) -> (World, Feed) {
    let world = World::new(system).parts(&format!("[leavers]\naction = \"{leavers}\""));
    world.lms.set_faults(&json!({"shared_logins": true}));
    (world, Feed::of(40))
}

/// What makes the rows of the people from index 37 on wrong.
type Damage = fn(&mut Feed);

fn bad_addresses(feed: &mut Feed) {
    for person in &mut feed.people[37..] {
        person.email = "not-an-address".into();
    }
}

fn duplicates(feed: &mut Feed) {
    feed.people.push(feed.people[39].clone());
}

fn missing_names(feed: &mut Feed) {
    for person in &mut feed.people[37..] {
        person.last.clear();
    }
}

/// Imports a feed in which three people have other IDs and wrong rows, and then the
/// same feed with sound rows.
#[track_caller]
fn are_no_leavers(world: &World, feed: &Feed, damage: Damage) {
    world.import_feed(feed).exits(0);
    let corrected = renumbered(feed, 37, |id| format!("N{id}"));
    let mut wrong = corrected.clone();
    damage(&mut wrong);
    world.feed(&wrong);
    for _night in 0..2 {
        let ran = world.changes_nothing(World::import);
        assert!([3, 4].contains(&ran.code), "{ran:#?}");
        assert!(ran.count("rejected") > 0, "{ran:#?}");
        let gone = ["created", "deleted", "deactivated"].map(|it| ran.count(it));
        assert_eq!(gone, [0, 0, 0], "{ran:#?}");
    }
    let ran = world.changes_nothing(|world| world.import_feed(&corrected));
    let ran = ran.exits(4);
    assert_eq!(ran.held(), [("renumbered".to_owned(), 3)]);
    world.run(&["approve", &ran.hold("renumbered")]).exits(0);
    world.import().exits(0);
    world.assert_everyone_once(&corrected);
}

#[test]
fn renumbered_people_whose_new_rows_are_rejected_are_not_removed() {
    on_each_system(|system| {
        let damages: [Damage; 3] = [bad_addresses, duplicates, missing_names];
        for damage in damages {
            let (world, feed) = with(system, "delete");
            are_no_leavers(&world, &feed, damage);
        }
    });
}

#[test]
fn renumbered_people_whose_new_rows_are_rejected_are_not_deactivated() {
    let damages: [Damage; 2] = [bad_addresses, duplicates];
    for damage in damages {
        let (world, feed) = with(AnewSpring, "deactivate");
        are_no_leavers(&world, &feed, damage);
    }
}

#[test]
fn renumbered_people_whose_new_rows_name_a_wrong_country_are_not_removed() {
    let (world, mut feed) = with(Kmi, "delete");
    for person in &mut feed.people {
        person.country = "Netherlands";
    }
    let mapping = world.mapping().replace(", default = \"US\"", "");
    world.write("mapping.toml", mapping);
    are_no_leavers(&world, &feed, |feed| {
        for person in &mut feed.people[37..] {
            person.country = "Atlantis";
        }
    });
}

#[test]
fn renumbered_people_with_and_without_sound_rows_are_held_as_far_as_they_are_sound() {
    on_each_system(|system| {
        let (world, feed) = with(system, "delete");
        world.import_feed(&feed).exits(0);
        let mut feed = renumbered(&feed, 35, |id| format!("N{id}"));
        bad_addresses(&mut feed);
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        let counts = ["rejected", "created", "deleted"].map(|it| ran.count(it));
        assert_eq!(counts, [3, 0, 0], "{ran:#?}");
        assert_eq!(ran.held(), [("renumbered".to_owned(), 2)]);
    });
}

/// As after an upgrade, for those who were not in the first feed after it.
fn without_fingerprints(world: &World, ids: &[&str]) {
    let journal = Connection::open(world.path("journal.db")).unwrap();
    for id in ids {
        let sql = "UPDATE people SET fields = NULL, identity = NULL WHERE external_id = ?1";
        assert_eq!(journal.execute(sql, [id]).unwrap(), 1);
    }
}

#[test]
fn people_without_fingerprints_in_the_journal_who_are_renumbered_are_held() {
    on_each_system(|system| {
        let (world, feed) = with(system, "delete");
        world.import_feed(&feed).exits(0);
        without_fingerprints(&world, &["E00038", "E00039", "E00040"]);
        world.feed(&renumbered(&feed, 37, |id| format!("N{id}")));
        let plan = world.changes_nothing(World::plan).exits(4);
        assert_eq!(plan.held(), [("renumbered".to_owned(), 3)]);
        let mut holds = Vec::new();
        for _night in 0..2 {
            let ran = world.changes_nothing(World::import).exits(4);
            assert_eq!(ran.held(), [("renumbered".to_owned(), 3)]);
            assert_eq!((ran.count("created"), ran.count("deleted")), (0, 0));
            holds.push(ran.hold("renumbered"));
        }
        assert_eq!(holds[0], holds[1]);
    });
}

#[test]
fn one_person_without_fingerprints_who_is_renumbered_is_held_too() {
    on_each_system(|system| {
        // To look one new person up costs less than any list.
        let (world, feed) = with(system, "delete");
        world.import_feed(&feed).exits(0);
        without_fingerprints(&world, &["E00040"]);
        world.feed(&renumbered(&feed, 39, |id| format!("N{id}")));
        let ran = world.changes_nothing(World::import).exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
    });
}

/// The call that updates E00030.
fn is_last_update(system: System) -> fn(&str) -> bool {
    match system {
        Kmi => |it| it.starts_with("POST /api/v2/users/external_id/E00030/"),
        AnewSpring => |it| it.starts_with("POST /api/updateUser/E00030"),
    }
}

/// Fails the look-up of N00001.
fn fails_the_look_up(system: System) -> fn(&str) -> Option<u16> {
    match system {
        Kmi => |it| (it.starts_with("GET ") && it.contains("N00001")).then_some(500),
        AnewSpring => |it| it.starts_with("GET /api/getUser/N00001").then_some(500),
    }
}

/// A world that deletes leavers, with a gate in front of its LMS, to which forty people
/// were imported.
fn with_gate(system: System, parts: &str) -> (World, Gate, Feed) {
    let parts = format!("[leavers]\naction = \"delete\"\n\n{parts}");
    let world = World::new(system).parts(&parts);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    (world, gate, feed)
}

#[test]
fn renumbered_people_whose_rows_were_settled_before_a_kill_are_not_removed_by_the_resume() {
    on_each_system(|system| {
        let reject = "[identity]\nrenumbered = \"reject\"";
        for (parts, has_bad_address) in [("", true), (reject, false)] {
            let (world, gate, mut feed) = with_gate(system, parts);
            feed.people[0].id = "N00001".into();
            if has_bad_address {
                feed.people[0].email = "not-an-address".into();
            }
            feed.people[29].city = "Groningen".into();
            world.feed(&feed);
            let before = world.account("E00001");
            gate.kill_import(&world, Moment::BeforeItIsDone, is_last_update(system));
            let ran = world.resume().exits(3);
            let counts = ["created", "updated", "deleted", "rejected"].map(|it| ran.count(it));
            assert_eq!(counts, [0, 1, 0, 1], "{parts}: {ran:#?}");
            assert_eq!(world.account("E00001"), before, "{parts}");
        }
    });
}

#[test]
fn a_refusal_holds_for_a_run_that_is_resumed() {
    on_each_system(|system| {
        let (world, gate, feed) = with_gate(system, "");
        // More than the feed is believed about others.
        let mut feed = renumbered(&feed, 34, |id| format!("N{id}"));
        let refused = world.import_feed(&feed).exits(4).hold("renumbered");
        world.run(&["refuse", &refused]).exits(0);
        feed.people.remove(20);
        feed.people.push(crate::support::Person::new(77));
        feed.people[28].city = "Groningen".into();
        world.feed(&feed);
        gate.kill_import(&world, Moment::BeforeItIsDone, is_last_update(system));
        let ran = world.resume().exits(4);
        let counts = ["created", "updated", "deleted"].map(|it| ran.count(it));
        assert_eq!(counts, [0, 1, 0], "{ran:#?}");
        let held = [("leavers".to_owned(), 1), ("creates".to_owned(), 1)];
        assert_eq!(ran.held(), held, "{ran:#?}");
        assert_eq!(world.hold_state(&refused), "refused");
    });
}

#[test]
fn renumbered_people_about_whom_the_lms_gives_no_answer_are_not_removed() {
    on_each_system(|system| {
        let (world, gate, mut feed) = with_gate(system, "");
        let world = world.target("max_outage = \"2s\"");
        feed.people[0].id = "N00001".into();
        world.feed(&feed);
        let before = world.account("E00001");
        gate.answer(fails_the_look_up(system));
        let ran = world.changes_nothing(World::import);
        assert_eq!(ran.count("deleted"), 0, "{ran:#?}");
        gate.answer_none();
        let ran = world.changes_nothing(World::import).exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
        assert_eq!(world.account("E00001"), before);
    });
}
