//! A mapping that was renamed: its people, its holds and its leavers go with it.

use crate::support::{Feed, Ran, World, on_each_system};

const NAMES: [&str; 2] = ["mapping.toml", "other.toml"];

/// A world with this in `[guards]`, whose leavers are deleted and to which forty
/// people were imported.
fn with_forty(system: crate::support::System, guards: &str) -> (World, Feed) {
    let parts = format!("[leavers]\naction = \"delete\"\n\n[guards]\n{guards}");
    let world = World::new(system).parts(&parts);
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

fn rename(world: &World) {
    std::fs::rename(world.path(NAMES[0]), world.path(NAMES[1])).unwrap();
}

/// A command with the mapping of the new name.
fn with_new_name(world: &World, command: &str, more: &[&str]) -> Ran {
    let arguments = [command, "people.csv", "-m", NAMES[1], "--json"];
    world.run(&[&arguments[..], more].concat())
}

#[test]
fn what_was_held_refused_or_approved_under_the_old_name_of_a_mapping_still_is() {
    on_each_system(|system| {
        let (world, mut feed) = with_forty(system, "max_leavers = 0");
        let account = world.account("E00011");
        feed.people[10].id = "N00011".into();
        feed.people.drain(..2);
        world.feed(&feed);
        let ran = world.import().exits(4);
        let held = [("leavers".to_owned(), 2), ("renumbered".to_owned(), 1)];
        assert_eq!(ran.held(), held);
        let (leavers, renumbered) = (ran.hold("leavers"), ran.hold("renumbered"));
        let only = ["refuse", &leavers, "--only", "E00001"];
        world.run(&only).exits(0);
        world.run(&["approve", &renumbered]).exits(0);
        rename(&world);
        let plan = world.changes_nothing(|world| with_new_name(world, "plan", &[]));
        let ran = with_new_name(&world, "import", &[]).exits(4);
        assert_eq!(plan.exits(4).json()["counts"], ran.json()["counts"]);
        assert_eq!((ran.count("updated"), ran.count("created")), (1, 0));
        assert_eq!(world.account("N00011"), account);
        assert_eq!(world.hold_state(&renumbered), "carried_out");
        assert_eq!(world.hold_state(&leavers), "refused");
        // The other leaver still waits, in the hold that was left of it.
        assert_eq!(ran.held(), [("leavers".to_owned(), 1)]);
        let notes = ran.json()["notes"].to_string();
        assert!(notes.contains("mapping.toml"), "{notes}");
        world.run(&["approve", &ran.hold("leavers")]).exits(0);
        let ran = with_new_name(&world, "import", &[]).exits(0);
        assert_eq!(ran.count("deleted"), 1);
        assert_eq!(world.lms.with_id("E00001").len(), 1);
        let notes = ran.json()["notes"].to_string();
        assert!(!notes.contains("mapping.toml"), "{notes}");
    });
}

#[test]
fn a_hold_of_the_old_name_is_approved_by_the_import_with_the_new_one() {
    on_each_system(|system| {
        let (world, mut feed) = with_forty(system, "max_leavers = 0");
        feed.people.drain(..2);
        let hold = world.import_feed(&feed).exits(4).hold("leavers");
        rename(&world);
        let ran = with_new_name(&world, "import", &["--approve", &hold]).exits(0);
        assert_eq!(ran.count("deleted"), 2);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn who_leaves_on_the_night_a_mapping_is_renamed_is_a_leaver_and_the_limits_go_on() {
    on_each_system(|system| {
        let (world, mut feed) = with_forty(system, "max_leavers = 2");
        feed.people.pop();
        assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 1);
        rename(&world);
        feed.people.pop();
        world.feed(&feed);
        let ran = with_new_name(&world, "import", &[]).exits(0);
        assert_eq!(ran.count("deleted"), 1, "{ran:#?}");
        world.assert_everyone_once(&feed);
        feed.people.pop();
        world.feed(&feed);
        let ran = with_new_name(&world, "import", &[]).exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 1)]);
    });
}

#[test]
fn a_sick_feed_is_as_sick_under_the_new_name() {
    on_each_system(|system| {
        let (world, mut feed) = with_forty(system, "max_leavers = 40");
        rename(&world);
        feed.people.truncate(25);
        world.feed(&feed);
        let ran = world.changes_nothing(|world| with_new_name(world, "import", &[]));
        assert_eq!(ran.exits(4).json()["counts"]["deleted"], 0);
    });
}
