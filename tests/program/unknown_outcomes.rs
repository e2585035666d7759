//! Answers that are lost, late, cut or nonsense, and what a killed run left:
//! what counts as done must have been done, and nothing is done twice.

use std::time::Duration;

use hrfeed::sandbox::Faults;
use serde_json::json;

use crate::support::System::{AnewSpring, Kmi};
use crate::support::feed::strings;
use crate::support::{Feed, World, on_each_system, side_by_side, wait_until};

const MS: Duration = Duration::from_millis(1);

/// Imports until nothing is left to be done, as a cron job and a person would;
/// after each run nobody may be there twice.
#[track_caller]
fn carried_through(world: &World, feed: &Feed) {
    world.feed(feed);
    let mut ran = world.import();
    for _ in 0..5 {
        let mut ids: Vec<_> = world
            .lms
            .people()
            .iter()
            .map(|person| person["externalId"].as_str().unwrap().to_owned())
            .collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all, "somebody is there twice: {ran:#?}");
        ran = match ran.code {
            0 => break,
            5 => world.resume(),
            3 => world.import(),
            _ => panic!("{ran:#?}"),
        };
    }
    let ran = ran.exits(0);
    assert_eq!(ran.count("rejected") + ran.count("failed"), 0);
    world.assert_everyone_once(feed);
}

/// Makes faults, named by the one that must have been played.
type Case = (&'static str, fn(&mut Faults));

/// One world a case, side by side, since most of the time is waiting.
const CASES: [Case; 9] = [
    ("lost_after", |faults| faults.lost_after = 0.2),
    ("lost_before", |faults| faults.lost_before = 0.1),
    ("cut", |faults| faults.cut = 0.2),
    ("garbage", |faults| faults.garbage = 0.1),
    ("wrong_person", |faults| faults.wrong_person = 0.2),
    ("errors", |faults| faults.errors = 0.1),
    ("unavailable", |faults| faults.unavailable = 0.05),
    ("requests_per_second", |faults| {
        faults.requests_per_second = Some(60);
    }),
    // Longer than the timeout.
    ("slow", |faults| {
        faults.slow = 0.05;
        faults.slow_for = Duration::from_secs(3);
    }),
];

/// All of them at once, and rarer.
fn everything(faults: &mut Faults) {
    faults.lost_after = 0.04;
    faults.lost_before = 0.02;
    faults.cut = 0.04;
    faults.garbage = 0.02;
    faults.wrong_person = 0.04;
    faults.errors = 0.02;
    faults.unavailable = 0.01;
    faults.latency_jitter = 10 * MS;
}

#[test]
fn everyone_exists_once_whatever_happens_to_requests_and_answers() {
    on_each_system(|system| {
        let cases = CASES
            .into_iter()
            .chain([("lost_after", everything as fn(&mut Faults))])
            // An answer of aNewSpring to a write shows nobody.
            .filter(|(played, _)| system == Kmi || *played != "wrong_person");
        side_by_side(cases.map(|(played, make)| {
            move || {
                let mut faults = Faults::default();
                make(&mut faults);
                let world = World::failing(system, faults)
                    .target("requests_per_second = 2000\nmax_in_flight = 40\ntimeout = \"1s\"");
                carried_through(&world, &Feed::of(200));
                let times = world.lms.stats().played(played);
                // After a request was turned away, the others come more slowly.
                let least = if played == "requests_per_second" {
                    1
                } else {
                    3
                };
                assert!(times >= least, "{played} was played {times} times");
            }
        }));
    });
}

/// That many people of many parts, and a world for them.
pub(crate) fn busy(people: usize) -> (World, Feed) {
    let world = World::new(AnewSpring).target("timeout = \"2s\"");
    for group in ["G0", "G1"] {
        world.lms.group(group, "student");
    }
    let feed = Feed::of(people).each(|number, it| {
        it.roles = strings(&["Learner", "Observer"]);
        it.author = vec![format!("L{}", number % 3)];
        it.groups = vec![format!("G{}", number % 2)];
    });
    (world, feed)
}

#[test]
fn with_lost_and_broken_answers_everybody_is_there_once_with_everything() {
    let (world, mut feed) = busy(60);
    let faults = json!({"lost_after": 0.03, "lost_before": 0.03, "cut": 0.02, "errors": 0.02});
    world.lms.set_faults(&faults);
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("created"), 60, "{ran:#?}");
    world.assert_everyone_once(&feed);
    for (number, person) in (0..).zip(&mut feed.people) {
        match number % 5 {
            0 => person.first = "Anna".into(),
            1 => person.parts.roles.push("Instructor".into()),
            2 => person.parts.author = strings(&["L9"]),
            3 => person.parts.groups = strings(&["G0", "G1"]),
            _ => {}
        }
    }
    world.import_feed(&feed).exits(0);
    let none = json!({"lost_after": 0, "lost_before": 0, "cut": 0, "errors": 0});
    world.lms.set_faults(&none);
    world.assert_everyone_once(&feed);
    assert_eq!(world.import().exits(0).count("unchanged"), 60);
}

#[test]
fn after_a_lost_create_the_upsert_cannot_meet_a_twin() {
    let world = World::new(AnewSpring).target("timeout = \"2s\"");
    let feed = Feed::of(40);
    world.lms.set_faults(&json!({"lost_before": 0.2}));
    carried_through(&world, &feed);
    let calls = world.lms.stats().by_call();
    assert!(calls["POST addOrUpdateUser/{userID}"] > 0, "{calls:#?}");
    assert!(calls["GET getUser/{userID}"] > 0, "{calls:#?}");
}

#[test]
fn whoever_is_mailed_is_mailed_once_whatever_is_lost() {
    let faults = Faults {
        lost_before: 0.1,
        lost_after: 0.1,
        ..Faults::default()
    };
    let world = World::failing(AnewSpring, faults)
        .target("timeout = \"2s\"")
        .fields("notify = true\ngeneratePassword = true");
    world.import_feed(&Feed::of(40)).exits(0);
    for person in world.lms.people() {
        assert_eq!(person["mails"], 1, "{person:#}");
        assert_eq!(person["passwords_set"], 1, "{person:#}");
    }
}

/// Imports the feed, and kills that once the LMS has done it: it does what it
/// is asked, and nobody hears of it.
fn killed_once(world: &World, feed: &Feed, done: impl FnMut() -> bool) {
    world.lms.set_faults(&json!({"slow": 1.0, "slow_for": 60}));
    world.feed(feed);
    let started = world.start_import();
    wait_until("the LMS has done it", done);
    started.kill();
    world.lms.set_faults(&json!({"slow": 0.0}));
}

#[test]
fn a_change_of_a_killed_run_that_the_next_feed_reverts_is_reverted() {
    on_each_system(|system| {
        let world = World::new(system);
        let before = Feed::of(1);
        world.import_feed(&before).exits(0);
        let after = before
            .clone()
            .change(0, |person| person.first = "Anna".into());
        killed_once(&world, &after, || {
            world.lms.person("E00001")["firstName"] == "Anna"
        });
        world.import_feed(&before).exits(0);
        world.assert_everyone_once(&before);
    });
}

#[test]
fn a_leaver_of_a_killed_run_who_is_in_the_next_feed_is_active_and_there() {
    for (system, action, is_done) in [
        (AnewSpring, "deactivate", json!(false)),
        (AnewSpring, "delete", json!(null)),
        (Kmi, "delete", json!(null)),
    ] {
        let world = World::new(system).parts(&format!("[leavers]\naction = \"{action}\""));
        let whole = Feed::of(2);
        world.import_feed(&whole).exits(0);
        killed_once(&world, &Feed::of(1), || {
            let there = world.lms.with_id("E00002");
            there.first().map_or(json!(null), |it| match system {
                Kmi => json!(true),
                AnewSpring => it["active"].clone(),
            }) == is_done
        });
        world.import_feed(&whole).exits(0);
        if system == AnewSpring {
            assert_eq!(world.lms.person("E00002")["active"], true, "{action}");
        }
        world.assert_everyone_once(&whole);
    }
}

#[test]
fn a_leaver_of_a_killed_run_is_a_leaver_still() {
    for (system, action) in [
        (AnewSpring, "deactivate"),
        (AnewSpring, "delete"),
        (Kmi, "delete"),
    ] {
        let world = World::new(system).parts(&format!("[leavers]\naction = \"{action}\""));
        world.import_feed(&Feed::of(2)).exits(0);
        world.feed(&Feed::of(1));
        world.lms.set_faults(&json!({"latency": 30}));
        let started = world.start_import();
        wait_until("it intends to", || intends_for(&world, "E00002"));
        started.kill();
        world.lms.set_faults(&json!({"latency": 0}));
        world.import().exits(0);
        let there = world.lms.with_id("E00002");
        let is_active = |it: &serde_json::Value| system == Kmi || it["active"] != false;
        assert!(!there.iter().any(is_active), "{there:#?}");
    }
}

fn intends_for(world: &World, id: &str) -> bool {
    world
        .rows()
        .iter()
        .any(|row| row["external_id"] == id && row["outcome"] == "unknown")
}
