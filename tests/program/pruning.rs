//! Old runs leave the journal, and nothing that is still needed goes with them.

use std::fs;

use crate::resume::slow;
use crate::support::System::Kmi;
use crate::support::gate::Gate;
use crate::support::{Feed, World, calls, on_each_system};

/// A year ago, three nights: one created everybody, one refused somebody, one changed
/// nothing.
fn with_old_runs(world: &World, people: usize) -> Feed {
    let feed = Feed::of(people);
    world.import_feed(&feed).exits(0);
    let refused = (feed.clone()).change(4, |person| person.email = "nobody".into());
    world.import_feed(&refused).exits(3);
    world.import_feed(&feed).exits(0);
    world.pass_days(365);
    feed
}

fn runs(world: &World) -> Vec<String> {
    let runs = world.run(&["runs", "--json"]).exits(0).json();
    let runs = runs["runs"].as_array().unwrap().iter();
    runs.map(|run| run["run"].as_str().unwrap().to_owned())
        .collect()
}

const PRUNE: &[&str] = &["runs", "prune", "--older-than", "90d", "--json"];

/// The last five good feeds are the measure for the next ones. Somebody moves and comes back,
/// so that the last run which sent anything is one of these.
fn five_more(world: &World, feed: &Feed) {
    let moved = (feed.clone()).change(0, |person| person.city = "Delft".into());
    world.import_feed(&moved).exits(0);
    for _ in 0..4 {
        world.import_feed(feed).exits(0);
    }
}

#[test]
fn old_runs_go_and_who_is_known_stays() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = with_old_runs(&world, 400);
        five_more(&world, &feed);
        assert_eq!(runs(&world).len(), 8);

        let dry = world.run(&[PRUNE, &["--dry-run"]].concat()).exits(0).json();
        assert_eq!(
            (dry["runs"].as_u64(), dry["dry_run"].as_bool()),
            (Some(3), Some(true))
        );
        assert_eq!(runs(&world).len(), 8, "nothing was removed");

        let pruned = world.run(PRUNE).exits(0).json();
        assert_eq!(
            (&pruned["runs"], &pruned["kept"]),
            (&3.into(), &serde_json::json!([]))
        );
        assert_eq!(pruned["rows"], 401);
        let size = &pruned["journal_bytes"];
        assert!(size["after"].as_u64() < size["before"].as_u64(), "{pruned}");
        let file = fs::metadata(world.path("journal.db")).unwrap().len();
        assert_eq!(size["after"], file, "it is as large as it says");

        assert_eq!(runs(&world), ["8", "7", "6", "5", "4"]);
        world.run(&["show", "1"]).exits(2);
        assert_eq!(world.cost(&feed, 0), calls(&[]), "everybody is known");
        let again = world.run(PRUNE).exits(0).json();
        assert_eq!(
            (&again["runs"], &again["journal_bytes"]),
            (&0.into(), &().into())
        );
    });
}

#[test]
fn old_runs_stay_while_the_next_feeds_are_measured_by_them() {
    let world = World::new(Kmi);
    with_old_runs(&world, 30);
    let pruned = world.run(PRUNE).exits(0).json();
    assert_eq!(pruned["runs"], 0);
    let kept: Vec<_> = pruned["kept"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["why"].as_str().unwrap())
        .collect();
    assert_eq!(kept, ["profile", "profile", "latest"]);
    let said = world
        .run(&["runs", "prune", "--older-than", "90d"])
        .exits(0)
        .stdout;
    assert!(
        said.contains("Runs 1, 2 stay: they are what the next feeds are compared with."),
        "{said}"
    );
    assert!(
        said.contains("Run 3 stays: it is the latest of their mapping."),
        "{said}"
    );
}

#[test]
fn an_interrupted_run_and_a_hold_that_waits_keep_their_runs() {
    let world = World::new(Kmi).parts("[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = 1");
    let feed = with_old_runs(&world, 30);
    let mut fewer = feed.clone();
    fewer.people.truncate(26);
    world.import_feed(&fewer).exits(4);
    let hold = world
        .run(&["holds", "--json"])
        .exits(0)
        .open_holds()
        .pop()
        .unwrap();
    world.pass_days(200);
    // The feed names them again, and the hold has lapsed.
    five_more(&world, &feed);
    world.import_feed(&fewer).exits(4);
    let open = world.run(&["holds", "--json"]).exits(0).open_holds();
    assert!(!open.contains(&hold));
    world.pass_days(200);
    let pruned = world.run(PRUNE).exits(0).json();
    assert_eq!(
        (pruned["runs"].as_u64(), pruned["holds"].as_u64()),
        (Some(5), Some(1)),
        "{pruned}"
    );
    world.run(&["hold", &hold]).exits(2);
    let open = world
        .run(&["holds", "--json"])
        .exits(0)
        .open_holds()
        .pop()
        .unwrap();
    world.run(&["approve", &open]).exits(0);
    let ran = world.import_feed(&fewer).exits(0);
    assert_eq!(ran.count("deleted"), 4);
}

#[test]
fn the_run_since_which_an_open_hold_waits_stays() {
    let world = World::new(Kmi).parts("[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = 1");
    let feed = with_old_runs(&world, 30);
    let mut fewer = feed.clone();
    fewer.people.truncate(26);
    world.import_feed(&fewer).exits(4);
    world.pass_days(200);
    // Somebody moves, so that the first run is not the last that sent anything.
    fewer.people[0].city = "Delft".into();
    for _ in 0..6 {
        world.import_feed(&fewer).exits(4);
    }
    let pruned = world.run(PRUNE).exits(0).json();
    assert_eq!(
        pruned["kept"],
        serde_json::json!([{"run": "4", "why": "hold"}])
    );
    let holds = world.run(&["holds", "--json"]).exits(0).json();
    assert_eq!(holds["holds"][0]["since_run"], "4");
}

#[test]
fn the_latest_finished_run_of_a_mapping_stays_and_what_came_after_it() {
    let world = World::new(Kmi).parts("[guards]\nmin_rows = 2");
    let text = world
        .mapping()
        .replace("[fields]", "[source]\nfeed = \"delta\"\n[fields]");
    world.write("mapping.toml", text);
    for people in [5, 6, 7] {
        world.import_feed(&Feed::of(people)).exits(0);
    }
    // One that is stopped is not finished.
    world.import_feed(&Feed::of(1)).exits(4);
    world.import_feed(&Feed::of(1)).exits(4);
    world.pass_days(200);
    let pruned = world.run(PRUNE).exits(0).json();
    assert_eq!(
        pruned["kept"],
        serde_json::json!([
            {"run": "3", "why": "latest"},
            {"run": "4", "why": "unfinished"},
            {"run": "5", "why": "unfinished"},
        ])
    );
    assert_eq!(runs(&world), ["5", "4", "3"]);
}

#[test]
fn the_mapping_says_how_long_runs_stay() {
    let world = World::new(Kmi).parts("[journal]\nkeep = \"90 days\"");
    let feed = with_old_runs(&world, 30);
    five_more(&world, &feed);
    assert_eq!(runs(&world), ["8", "7", "6", "5", "4"]);
    let text = world.mapping().replace("90 days", "3 days");
    world.write("mapping.toml", text);
    let said = world.import().exits(2).stderr;
    assert!(said.contains("from 7 to 3660"), "{said}");
}

#[test]
fn nothing_is_removed_while_a_run_is_under_way() {
    let world = slow(Kmi);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(40);
    world.feed(&feed);
    let run = gate.start_import(&world, (|head| head.starts_with("POST"), 4));
    world.pass_days(365);
    let said = world.run(PRUNE).exits(6);
    assert!(
        said.stderr.contains("another run is using this LMS: run 1"),
        "{said:#?}"
    );
    assert_eq!(runs(&world), ["1"]);
    gate.open();
    run.wait().exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn an_interrupted_run_stays_and_goes_on_however_old_it_is() {
    let world = slow(Kmi);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(40);
    world.feed(&feed);
    gate.start_import(&world, (|head| head.starts_with("POST"), 4))
        .kill();
    gate.open();
    world.pass_days(365);
    let pruned = world.run(PRUNE).exits(0).json();
    assert_eq!(
        pruned["kept"],
        serde_json::json!([{"run": "1", "why": "unfinished"}])
    );
    world.resume().exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn what_approvals_and_limits_need_is_never_asked_to_go() {
    let world = World::new(Kmi);
    let prune = |age| {
        world
            .run(&["runs", "prune", "--older-than", age])
            .exits(2)
            .stderr
    };
    assert!(
        prune("90d").contains("no journal found"),
        "{}",
        prune("90d")
    );
    assert!(
        prune("6d").contains("runs of the last 7 days stay"),
        "{}",
        prune("6d")
    );
    assert!(
        prune("soon").contains("not a duration"),
        "{}",
        prune("soon")
    );
    assert!(!world.path("journal.db").exists());
}

#[test]
fn copies_of_the_journal_that_still_have_the_runs_are_named() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(3)).exits(0);
    fs::copy(world.path("journal.db"), world.path("journal.db.v8-backup")).unwrap();
    fs::copy(world.path("journal.db"), world.path("journal.db.mine")).unwrap();
    let copies = world.run(PRUNE).exits(0).json()["copies"].clone();
    let copies = copies.as_array().unwrap();
    assert_eq!(copies.len(), 1);
    assert!(
        copies[0]
            .as_str()
            .unwrap()
            .ends_with("journal.db.v8-backup")
    );
}
