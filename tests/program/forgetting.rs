//! One person leaves the journal, as after a request for erasure.

use std::fs;

use crate::resume::slow;
use crate::support::System::{self, Kmi};
use crate::support::gate::Gate;
use crate::support::{Feed, World, on_each_system};

/// The person at index 6.
const ID: &str = "E00007";

/// Imported, changed, refused once, and in a hold.
fn with_traces(system: System) -> (World, Feed) {
    let action = match system {
        Kmi => "delete",
        System::AnewSpring => "deactivate",
    };
    let parts = format!("[leavers]\naction = \"{action}\"\n[guards]\nmax_leavers = 1");
    let world = World::new(system).parts(&parts);
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    let changed = feed
        .clone()
        .change(6, |person| person.city = "Delft".into());
    world.import_feed(&changed).exits(0);
    let refused = (changed.clone()).change(6, |person| person.email = "nobody".into());
    world.import_feed(&refused).exits(3);
    let mut fewer = changed.clone();
    fewer.people.drain(4..9);
    world.import_feed(&fewer).exits(4);
    assert!(world.journal_text().contains(&ID.to_lowercase()));
    (world, changed)
}

#[test]
fn nothing_of_the_person_is_left_in_any_file_of_the_journal() {
    on_each_system(|system| {
        let (world, _) = with_traces(system);
        let before = world.journal_text();
        let dry = world
            .run(&["forget", ID, "--dry-run", "--json"])
            .exits(0)
            .json();
        assert_eq!(world.journal_text(), before, "nothing was removed");
        let done = world.run(&["forget", ID, "--json"]).exits(0).json();
        assert_eq!(done["scopes"], dry["scopes"]);
        let it = &done["scopes"][0];
        assert_eq!((&it["rows"], &it["held"]), (&4.into(), &1.into()), "{done}");
        assert!(!world.journal_text().contains(&ID.to_lowercase()));
        // The others are as before, and the counts of the runs add up.
        let hold = world.run(&["holds", "--json"]).exits(0).json()["holds"][0].clone();
        assert_eq!(hold["people"], 4);
        for run in ["1", "2", "3", "4"] {
            let counts = world.run(&["show", run, "--json"]).exits(0).json()["counts"].clone();
            assert_eq!(counts["pending"], 0, "run {run}: {counts}");
        }
        let again = world.run(&["forget", ID]).exits(0).stdout;
        assert_eq!(again, format!("The journal has nothing of `{ID}`.\n"));
    });
}

#[test]
fn whom_the_feed_still_names_is_found_on_the_lms_and_not_created_twice() {
    on_each_system(|system| {
        let (world, feed) = with_traces(system);
        let said = world.run(&["forget", ID]).exits(0).stdout;
        assert!(said.contains("creates no second one"), "{said}");
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.count("failed")), (0, 0));
        world.assert_everyone_once(&feed);
        // Somebody who is not named any more stays.
        world.run(&["forget", ID]).exits(0);
        let mut without = feed.clone();
        without.people.remove(6);
        let ran = world.import_feed(&without).exits(0);
        assert_eq!((ran.count("deleted"), ran.count("deactivated")), (0, 0));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_person_goes_with_the_external_id_of_before() {
    let world = World::new(Kmi).parts("[identity]\nrenumbered = \"rekey\"");
    let feed = Feed::of(20);
    world.import_feed(&feed).exits(0);
    let renumbered = feed.clone().change(6, |person| person.id = "N70007".into());
    world.import_feed(&renumbered).exits(0);
    for (named, other) in [("N70007", ID), (ID, "N70007")] {
        let kept = fs::read(world.path("journal.db")).unwrap();
        let done = world.run(&["forget", named, "--json"]).exits(0).json();
        assert_eq!(
            done["scopes"][0]["external_ids"].as_array().unwrap().len(),
            2,
            "{done}"
        );
        for id in [named, other] {
            assert!(!world.journal_text().contains(&id.to_lowercase()), "{id}");
        }
        world.write("journal.db", kept);
    }
}

#[test]
fn whom_somebody_else_has_followed_under_an_external_id_goes_alone() {
    let world = World::new(Kmi).parts("[identity]\nrenumbered = \"rekey\"");
    let feed = Feed::of(20);
    world.import_feed(&feed).exits(0);
    let mut next = feed.clone().change(6, |person| person.id = "N70007".into());
    world.import_feed(&next).exits(0);
    let mut heir = Feed::of(30).people.pop().unwrap();
    heir.id = ID.into();
    next.people.push(heir);
    world.import_feed(&next).exits(0);
    let done = world.run(&["forget", "N70007", "--json"]).exits(0).json();
    assert_eq!(
        done["scopes"][0]["of_others"],
        serde_json::json!([ID]),
        "{done}"
    );
    world.lms.reset_stats();
    assert_eq!(world.import_feed(&next).exits(0).count("created"), 0);
    world.assert_everyone_once(&next);
}

#[test]
fn nobody_is_forgotten_while_a_run_is_under_way_or_a_write_is_unknown() {
    let world = slow(Kmi);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(40);
    world.feed(&feed);
    let run = gate.start_import(&world, (|head| head.starts_with("POST"), 4));
    let said = world.run(&["forget", ID]).exits(6).stderr;
    assert!(said.contains("another run is using this LMS"), "{said}");
    run.kill();
    gate.open();
    // What was sent for the first ones may land still.
    let unknown = world
        .run(&["rows", "--outcome", "unknown", "--json"])
        .exits(0)
        .json_lines();
    let id = unknown[0]["external_id"].as_str().unwrap();
    let said = world.run(&["forget", id]).exits(5).stderr;
    assert!(
        said.contains("it is not known yet what became of a write"),
        "{said}"
    );
    world.resume().exits(0);
    world.run(&["forget", id]).exits(0);
    assert_eq!(world.import().exits(0).count("created"), 0);
    world.assert_everyone_once(&feed);
}

#[test]
fn with_several_keys_a_person_says_which_or_all() {
    let mut world = World::new(Kmi);
    let feed = Feed::of(10);
    world.import_feed(&feed).exits(0);
    world.key = "another-key";
    let mut others = Feed::of(20);
    others.people.drain(..10);
    for person in &mut others.people {
        person.id.replace_range(..1, "Z");
    }
    world.import_feed(&others).exits(0);
    let said = world.run(&["forget", "Z00012"]).exits(2).stderr;
    assert!(said.contains("people of 2 scopes"), "{said}");
    let of_mapping = ["forget", ID, "-m", "mapping.toml", "--json"];
    assert_eq!(
        world.run(&of_mapping).exits(0).json()["scopes"],
        serde_json::json!([])
    );
    let done = world
        .run(&["forget", ID, "--all", "--json"])
        .exits(0)
        .json();
    assert_eq!(done["scopes"].as_array().unwrap().len(), 1);
    assert!(!world.journal_text().contains(&ID.to_lowercase()));
}
