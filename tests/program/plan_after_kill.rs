//! A plan after a kill: it must say what the import that follows then does.

use std::time::Duration;

use hrfeed::sandbox::Faults;
use serde_json::Value;

use crate::support::gate::Gate;
use crate::support::{Feed, Ran, System, World, side_by_side, wait_until};

const MS: Duration = Duration::from_millis(1);

/// An LMS that takes its time, so that a run has a middle.
fn slow() -> World {
    let faults = Faults {
        latency: 15 * MS,
        latency_jitter: 10 * MS,
        ..Faults::default()
    };
    World::failing(System::Kmi, faults)
        .target("requests_per_second = 500\nmax_in_flight = 4")
        .parts("[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = \"100%\"\n")
}

/// Starts an import and kills it once `enough` calls of that kind came in.
fn kill_import(world: &World, enough: u64, calls: impl Fn(&World) -> u64) {
    let run = world.start_import();
    wait_until("enough is done", || calls(world) >= enough);
    run.kill();
}

fn plan(world: &World) -> Ran {
    let writes = |world: &World| {
        let stats = world.lms.stats();
        (stats.creates(), stats.updates())
    };
    let before = writes(world);
    let plan = world.run(&["plan", "people.csv", "-m", "mapping.toml", "--json"]);
    assert_eq!(writes(world), before, "a plan reads only");
    plan
}

fn counts(ran: &Ran) -> Value {
    ran.json()["counts"].clone()
}

/// What the plan says is what the import then does, also twice in a row.
fn assert_predicted(world: &World) {
    let planned = plan(world).exits(0);
    let again = plan(world).exits(0);
    assert_eq!(counts(&planned), counts(&again), "a plan changes nothing");
    let done = world.import().exits(0);
    assert_eq!(counts(&planned), counts(&done), "{planned:?}");
}

#[test]
fn a_plan_after_a_kill_says_what_the_import_then_does() {
    side_by_side([1, 20, 50].map(|enough| {
        move || {
            let world = slow();
            let feed = Feed::of(60);
            world.feed(&feed);
            kill_import(&world, enough, |world| world.lms.stats().creates());
            assert_predicted(&world);
            world.assert_everyone_once(&feed);
        }
    }));
}

#[test]
fn a_plan_after_a_kill_of_another_feed_counts_its_people_as_leavers() {
    let world = slow();
    world.feed(&Feed::of(60));
    kill_import(&world, 20, |world| world.lms.stats().creates());
    let fewer = Feed::of(3);
    world.feed(&fewer);
    assert_predicted(&world);
    world.assert_everyone_once(&fewer);
}

#[test]
fn a_plan_after_a_kill_among_updates_compares_these_people_again() {
    let world = slow();
    let before = Feed::of(60);
    world.import_feed(&before).exits(0);
    let mut after = before.clone();
    for person in &mut after.people {
        person.city = "Groningen".into();
    }
    world.feed(&after);
    world.lms.reset_stats();
    kill_import(&world, 20, |world| world.lms.stats().updates());
    // Back to the feed of before: who was acknowledged as it says need not be
    // as it says any more.
    world.feed(&before);
    assert_predicted(&world);
    world.assert_everyone_once(&before);
}

#[test]
fn a_plan_while_an_import_is_under_way_asks_nobody_for_it() {
    let world = slow();
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    world.feed(&Feed::of(60));
    let run = gate.start_import(&world, (|head| head.starts_with("POST"), 10));
    let plan = ["plan", "people.csv", "-m", "mapping.toml", "--json"];
    world.run(&plan).exits(0);
    gate.open();
    run.wait().exits(0);
    // Each of them has looked for a sample of those who are new, and for nobody else.
    assert!(world.lms.stats().look_ups() <= 40);
}
