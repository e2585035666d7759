//! A run that is interrupted, in whatever way, and what comes after it.

use std::time::Duration;

use hrfeed::sandbox::Faults;
use serde_json::json;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::gate::Gate;
use crate::support::{Feed, Ran, World, on_each_system, side_by_side, wait_until};
use crate::unknown_outcomes::busy;

const MS: Duration = Duration::from_millis(1);

/// An LMS that takes its time, so that a run has a middle.
pub(crate) fn slow(system: System) -> World {
    World::failing(
        system,
        Faults {
            latency: 15 * MS,
            latency_jitter: 10 * MS,
            ..Faults::default()
        },
    )
    .target("requests_per_second = 500\nmax_in_flight = 4")
}

/// Starts an import and kills it once `enough` people are there.
fn killed_after(world: &World, enough: u64) {
    let run = world.start_import();
    wait_until("enough people are there", || {
        world.lms.stats().creates() >= enough
    });
    run.kill();
}

#[test]
fn a_killed_run_that_is_resumed_ends_as_an_undisturbed_one() {
    on_each_system(|system| {
        side_by_side([1, 7, 20, 40, 60].map(|enough| {
            move || {
                let world = slow(system);
                let feed = Feed::of(80);
                world.feed(&feed);
                killed_after(&world, enough);
                let before = world.run(&["show", "--json"]).exits(0);
                assert_eq!(before.json()["state"], "interrupted");
                assert_eq!(
                    before.json()["message"],
                    "the run was killed, or its end could not be recorded"
                );
                assert_eq!(before.json()["exit_code"], 5);
                let listed = world.run(&["runs", "--json"]).exits(0).json();
                assert_eq!(listed["runs"][0]["exit_code"], 5);
                let (unknown, settled) = (before.count("unknown"), before.count("created"));
                assert!(settled < 80);
                world.lms.reset_stats();
                let ran = world.resume().exits(0);
                assert_eq!(ran.count("created"), 80, "{ran:?}");
                world.assert_everyone_once(&feed);
                // A settled row costs nothing; an unknown one is looked up twice, before
                // and after what was sent may land, once more where the first look came
                // too late for that, and others beside somebody who must be there.
                let stats = world.lms.stats();
                assert_eq!(stats.pages(), ran.proof_requests(), "{stats:?}");
                let most = 3 * unknown + 10;
                assert!(stats.look_ups() <= most, "{unknown} unknown: {stats:?}");
                assert!(
                    stats.creates() <= 80 - settled,
                    "{settled} settled: {stats:?}"
                );
                assert_eq!(stats.updates(), 0);
                // And it is over.
                world.resume().exits(2);
                assert_eq!(world.import().exits(0).count("unchanged"), 80);
                // Nobody came twice, as that import has seen.
                world.lms.reset_stats();
                assert_eq!(world.import().exits(0).count("unchanged"), 80);
                assert_eq!(world.lms.stats().requests(), 0);
            }
        }));
    });
}

#[test]
fn what_an_earlier_release_rejected_and_this_one_skips_counts_once() {
    let world = slow(Kmi).parts("[unique]\nduplicates = \"last\"");
    // Two rows of one person, and one that is invalid.
    let mut feed = Feed::of(42);
    feed.people[0].id = feed.people[1].id.clone();
    feed.people[0].login = feed.people[1].login.clone();
    feed.people[2].email = "nothing".into();
    world.feed(&feed);
    killed_after(&world, 20);
    let journal = rusqlite::Connection::open(world.path("journal.db")).unwrap();
    let recorded = "INSERT INTO rows (run, row, leaver, outcome, attempts)
                    SELECT run, 2, leaver, outcome, 0 FROM rows WHERE row = 4";
    assert_eq!(journal.execute(recorded, []).unwrap(), 1);
    drop(journal);
    let ran = world.resume().exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (40, 2));
    let numbers = ran.json()["feed"].clone();
    assert_eq!(
        (&numbers["rows"], &numbers["skipped"]),
        (&42.into(), &0.into())
    );
}

#[test]
fn a_run_killed_before_its_first_write_is_resumed_too() {
    on_each_system(|system| {
        let world = slow(system);
        let feed = Feed::of(20);
        world.feed(&feed);
        let run = world.start_import();
        wait_until("the LMS is asked", || world.lms.stats().requests() > 0);
        run.kill();
        world.resume().exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_run_killed_again_and_again_ends_as_an_undisturbed_one() {
    on_each_system(|system| {
        let world = slow(system);
        let feed = Feed::of(80);
        world.feed(&feed);
        killed_after(&world, 15);
        for enough in [30, 45, 60] {
            let run = world.start(&["resume", "--json"]);
            wait_until("enough people are there", || {
                world.lms.people().len() >= enough
            });
            run.kill();
        }
        assert_eq!(world.resume().exits(0).count("created"), 80);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn updates_that_were_cut_short_by_a_kill_are_finished() {
    on_each_system(|system| {
        let world = slow(system);
        let feed = Feed::of(60);
        world.import_feed(&feed).exits(0);
        let mut feed = feed;
        for person in &mut feed.people {
            person.city = "Groningen".into();
        }
        world.feed(&feed);
        world.lms.reset_stats();
        let run = world.start_import();
        wait_until("enough people are changed", || {
            world.lms.stats().updates() >= 20
        });
        run.kill();
        let ran = world.resume().exits(0);
        assert_eq!(ran.count("updated"), 60, "{ran:?}");
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn an_import_after_a_kill_takes_the_place_of_the_killed_run() {
    on_each_system(|system| {
        side_by_side([1, 20, 50].map(|enough| {
            move || {
                let world = slow(system);
                let feed = Feed::of(60);
                world.feed(&feed);
                killed_after(&world, enough);
                let unknown = world.run(&["show", "--json"]).count("unknown");
                world.lms.reset_stats();
                let ran = world.import().exits(0);
                assert_eq!(
                    ran.count("created") + ran.count("unchanged") + ran.count("updated"),
                    60
                );
                world.assert_everyone_once(&feed);
                let stats = world.lms.stats();
                let most = 2 * unknown + 30;
                assert!(stats.look_ups() <= most, "{unknown} unknown: {stats:?}");
                let old = world.run(&["show", "1", "--json"]).exits(0);
                assert_eq!(old.json()["state"], "superseded");
                assert_eq!(old.count("unknown"), 0);
                world.run(&["resume", "1"]).exits(2);
            }
        }));
    });
}

#[test]
fn an_import_of_another_feed_after_a_kill_settles_the_killed_run_first() {
    on_each_system(|system| {
        let world = slow(system);
        let feed = Feed::of(60);
        world.feed(&feed);
        killed_after(&world, 20);
        let there = || world.lms.people().len() as u64;
        let fewer = Feed::of(3);
        world.import_feed(&fewer).exits(0);
        // The journal knows the people that the killed run created.
        let old = world.run(&["show", "1", "--json"]).exits(0);
        assert_eq!(old.count("unknown"), 0);
        assert_eq!(old.count("created"), there());
        world.import_feed(&feed).exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_waits_for_what_is_in_flight_and_resume_finishes() {
    on_each_system(|system| {
        let world = slow(system);
        let feed = Feed::of(80);
        world.feed(&feed);
        let run = world.start_import();
        wait_until("some people are there", || {
            world.lms.stats().creates() >= 20
        });
        run.interrupt();
        let ran = run.wait().exits(5);
        assert_eq!(
            (&ran.json()["state"], ran.count("unknown")),
            (&json!("interrupted"), 0)
        );
        // The journal knows everybody who is there.
        assert_eq!(ran.count("created"), world.lms.people().len() as u64);
        assert_eq!(ran.count("created") + ran.count("pending"), 80);
        assert!(ran.count("pending") > 0);
        world.lms.reset_stats();
        let ran = world.resume().exits(0);
        assert_eq!(ran.count("created"), 80);
        world.assert_everyone_once(&feed);
        assert_eq!(world.lms.stats().look_ups(), 0);
    });
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_leaves_at_once_and_is_as_safe_as_a_crash() {
    on_each_system(|system| {
        let world = World::failing(
            system,
            Faults {
                slow: 1.0,
                slow_for: Duration::from_secs(3),
                ..Faults::default()
            },
        );
        let feed = Feed::of(10);
        world.feed(&feed);
        // The reads are slow too: only what comes after them shall be.
        world.lms.set_faults(&json!({"slow": 0.0, "latency": 0.05}));
        let run = world.start_import();
        wait_until("somebody is being created", || {
            world.lms.stats().creates() >= 1
        });
        world.lms.set_faults(&json!({"slow": 1.0}));
        wait_until("an answer is slow", || {
            world.lms.stats().played("slow") >= 1
        });
        run.interrupt();
        wait_until("it says that it will stop", || {
            run.has_said("asked to stop")
        });
        run.interrupt();
        run.wait().exits(5);
        // It left without the answers.
        assert!(world.run(&["show", "--json"]).count("unknown") > 0);
        world.lms.set_faults(&json!({"slow": 0.0}));
        world.resume().exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_kill_at_any_moment_repeats_nothing_that_was_acknowledged() {
    side_by_side([20, 60, 90, 123].map(|requests| {
        move || {
            let (world, feed) = busy(60);
            let world = world.target("max_in_flight = 4\ntimeout = \"2s\"");
            world.lms.reset_stats();
            world.lms.set_faults(&json!({"latency": 0.02}));
            world.feed(&feed);
            let started = world.start_import();
            wait_until("it is in the middle", || {
                world.lms.stats().requests() >= requests
            });
            started.kill();
            world.lms.set_faults(&json!({"latency": 0.0}));
            let ran = world.resume().exits(0);
            let whole = ran.count("created") + ran.count("updated");
            assert_eq!(whole, 60, "{ran:#?}");
            world.assert_everyone_once(&feed);
            let stats = world.lms.stats();
            assert!(stats.creates() <= 60 + 4, "{stats:#?}");
            // What was acknowledged in the last moment may not have reached the
            // disk: to give a right once more changes nothing.
            let links = stats.calls("POST linkAuthorToContentLabels/{userID}");
            assert!((1..=60 + 20).contains(&links), "{stats:#?}");
            let groups = stats.calls("POST addGroupUsers/{groupID}");
            assert!((1..=4).contains(&groups), "{stats:#?}");
            let again = world.import().exits(0);
            assert_eq!(again.count("unchanged"), 60, "{again:#?}");
        }
    }));
}

#[test]
fn an_outage_in_the_middle_fails_no_row() {
    on_each_system(|system| {
        let world = World::failing(
            system,
            Faults {
                down_after: Some(50),
                down_for: Duration::from_secs(3),
                ..Faults::default()
            },
        );
        let feed = Feed::of(120);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("created"), 120);
        assert!(world.lms.stats().played("down_after") > 0);
        // A pause, not a storm.
        let requests = world.lms.stats().requests();
        assert!(requests < 120 + 90, "{requests} calls");
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn an_outage_is_waited_for_with_a_harmless_question() {
    let (world, feed) = busy(60);
    let down = json!({"down_after": 50, "down_for": 1.5});
    world.lms.set_faults(&down);
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("created"), 60);
    world.assert_everyone_once(&feed);
    let calls = world.lms.stats().by_call();
    assert!(calls.contains_key("GET userExists/{userID}"), "{calls:#?}");
    let down = Duration::from_millis(1500).as_secs_f64();
    assert!(ran.json()["elapsed_seconds"].as_f64().unwrap() >= down / 2.0);
}

#[test]
fn a_target_that_stays_down_ends_the_run_which_can_be_resumed() {
    on_each_system(|system| {
        let world = World::failing(
            system,
            Faults {
                down_after: Some(50),
                down_for: Duration::from_hours(1),
                ..Faults::default()
            },
        )
        .target("requests_per_second = 5000\nmax_in_flight = 8\nmax_outage = \"2s\"");
        let feed = Feed::of(120);
        let ran = world.import_feed(&feed).exits(5);
        assert_eq!((ran.count("failed"), ran.count("rejected")), (0, 0));
        assert_eq!(ran.json()["state"], "interrupted");
        assert!(
            ran.stderr.contains("went down and did not come back"),
            "{ran:?}"
        );
        world.lms.set_faults(&json!({"down_after": null}));
        let ran = world.resume().exits(0);
        assert_eq!(ran.count("created"), 120);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_run_that_is_resumed_while_the_target_is_still_down_can_be_resumed_again() {
    on_each_system(|system| {
        let world = World::failing(
            system,
            Faults {
                down_after: Some(20),
                down_for: Duration::from_hours(1),
                ..Faults::default()
            },
        )
        .target("requests_per_second = 5000\nmax_in_flight = 8\nmax_outage = \"1s\"");
        let feed = Feed::of(40);
        world.import_feed(&feed).exits(5);
        let ran = world.resume().exits(5);
        assert_eq!((ran.count("failed"), ran.count("rejected")), (0, 0));
        world.lms.set_faults(&json!({"down_after": null}));
        assert_eq!(world.resume().exits(0).count("created"), 40);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn credentials_that_are_refused_stop_the_run_at_once_and_in_words() {
    for (system, key, words) in [
        (Kmi, "expired", "rejected the API key or secret (401)"),
        (
            Kmi,
            "denied",
            "does not allow this API key to call `GET users/`",
        ),
        (AnewSpring, "expired", "rejected the API key"),
        (
            AnewSpring,
            "denied",
            "does not allow this API key to call `GET getUsers`",
        ),
    ] {
        let mut world = World::new(system);
        world.key = key;
        let ran = world.import_feed(&Feed::of(40)).exits(7);
        assert!(ran.stderr.contains(words), "{ran:?}");
        assert!(ran.stderr.contains("API key"), "{ran:?}");
        assert_eq!(world.lms.stats().requests(), 1);
        assert_eq!((ran.count("pending"), ran.count("failed")), (40, 0));
        world.resume().exits(7);
    }
}

#[test]
fn a_second_run_on_the_same_target_is_turned_away_while_the_first_is_under_way() {
    let world = World::new(Kmi);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(24);
    world.feed(&feed);
    let run = gate.start_import(&world, (|head| head.starts_with("POST"), 1));
    let ran = world
        .run(&["import", "people.csv", "-m", "mapping.toml"])
        .exits(6);
    assert!(
        ran.stderr
            .contains("another run is using this LMS: run 1, process"),
        "{ran:?}"
    );
    world.run(&["resume"]).exits(6);
    // Looking on is allowed.
    assert_eq!(
        world.run(&["show", "--json"]).exits(0).json()["state"],
        "running"
    );
    gate.open();
    run.wait().exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_run_stops_at_its_deadline_and_the_next_one_goes_on() {
    on_each_system(|system| {
        let world = World::new(system).target("requests_per_second = 20");
        let feed = Feed::of(200);
        world.feed(&feed);
        let ran = world.import_with(&["--deadline", "3s"]).exits(5);
        assert_eq!(ran.json()["state"], "interrupted");
        assert_eq!(ran.json()["message"], "stopped at the deadline");
        assert!(
            ran.stderr.contains("Stopping (the deadline is reached)"),
            "{ran:#?}"
        );
        assert_eq!(ran.count("unknown"), 0);
        assert_eq!(ran.count("created"), world.lms.people().len() as u64);
        assert!(ran.count("pending") > 0);
        let world = world.target("requests_per_second = 5000");
        world.import().exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_deadline_that_is_no_time_is_a_mistake() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(3));
    for time in ["2", "0s", "soon", "-1h"] {
        let ran = world.import_with(&[&format!("--deadline={time}")]).exits(2);
        assert!(ran.stderr.contains("not a duration"), "{ran:#?}");
    }
}

#[test]
fn a_lock_left_by_a_crash_holds_nobody_up() {
    let world = slow(Kmi);
    world.feed(&Feed::of(60));
    killed_after(&world, 5);
    assert!(
        std::fs::read_dir(world.folder.path())
            .unwrap()
            .any(|entry| entry
                .unwrap()
                .file_name()
                .to_string_lossy()
                .ends_with(".lock"))
    );
    world.import().exits(0);
}

#[test]
fn a_run_is_resumed_with_the_feed_and_mapping_that_it_began_with_or_not_at_all() {
    let world = slow(Kmi);
    let feed = Feed::of(60);
    world.feed(&feed);
    killed_after(&world, 10);
    world.lms.reset_stats();
    let refused = |ran: Ran, words: &str| {
        let ran = ran.exits(2);
        assert!(ran.stderr.contains(words), "{ran:?}");
        assert!(ran.stderr.contains("hrfeed import"), "{ran:?}");
        assert_eq!(world.lms.stats().requests(), 0);
    };
    let other = feed
        .clone()
        .change(30, |person| person.city = "Groningen".into());
    world.feed(&other);
    refused(world.resume(), "is not the one that run 1 began with");
    world.feed(&feed);
    world.write("mapping.toml", world.mapping() + "\n# a word");
    refused(world.resume(), "has changed since run 1 started");
    world.write_mapping();
    assert_eq!(world.resume().exits(0).count("created"), 60);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_resume_that_is_refused_leaves_the_record_of_the_run_as_it_was() {
    on_each_system(|system| {
        let world = World::failing(
            system,
            Faults {
                down_after: Some(20),
                down_for: Duration::from_hours(1),
                ..Faults::default()
            },
        )
        .target("requests_per_second = 5000\nmax_in_flight = 8\nmax_outage = \"1s\"")
        .parts("[guards]\nmin_rows = 50");
        let feed = Feed::of(40);
        world.feed(&feed);
        let allowed = [
            "import",
            "people.csv",
            "-m",
            "mapping.toml",
            "--allow",
            "rows=40",
        ];
        world.run(&allowed).exits(5);
        let record = || {
            let listed = world.run(&["runs", "--json"]).exits(0).json();
            (world.run(&["show", "--json"]).exits(0).json(), listed)
        };
        let before = record();
        assert_eq!(
            (&before.0["state"], &before.0["exit_code"]),
            (&"interrupted".into(), &5.into())
        );
        let refused = |ran: Ran, code: i32, words: &str| {
            let ran = ran.exits(code);
            assert!(ran.stderr.contains(words), "{ran:?}");
            assert_eq!(ran.json()["exit_code"], code);
            assert_eq!(ran.json()["run"], json!(null));
            assert_eq!(record(), before, "{words}");
        };
        // Tonight's file is at the same path.
        world.feed(&Feed::of(41));
        let resume = ["resume", "--json", "--allow", "rows=40"];
        refused(
            world.run(&resume),
            2,
            "is not the one that run 1 began with",
        );
        // It is cut off in the middle.
        world.write("people.csv", "Employee ID\n\"E1");
        refused(world.run(&resume), 1, "people.csv");
        // What was let pass once is to be let pass again.
        world.feed(&feed);
        refused(world.resume(), 4, "--allow rows=40");
        world.lms.set_faults(&json!({"down_after": null}));
        let ran = world.run(&resume).exits(0);
        assert_eq!(
            (ran.count("created"), &ran.json()["run"]),
            (40, &"1".into())
        );
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_run_whose_feed_came_from_stdin_is_resumed_with_the_same_feed() {
    let world = World::failing(
        Kmi,
        Faults {
            down_after: Some(20),
            down_for: Duration::from_hours(1),
            ..Faults::default()
        },
    )
    .target("requests_per_second = 5000\nmax_in_flight = 8\nmax_outage = \"1s\"");
    let feed = Feed::of(40);
    let arguments = ["import", "-", "-m", "mapping.toml"];
    world.run_with_stdin(&arguments, &feed.csv(Kmi)).exits(5);
    world.lms.set_faults(&json!({"down_after": null}));
    let ran = world.run(&["resume"]).exits(2);
    assert!(ran.stderr.contains("--feed FEED"), "{ran:?}");
    world.feed(&feed);
    world.run(&["resume", "--feed", "people.csv"]).exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_person_reported_as_existing_is_not_created_by_the_resumed_run() {
    // The rows are many and long: the person's row is read long after the first
    // rows are sent.
    let world = World::new(Kmi);
    world.lms.create(world.key, "older", "e05999");
    world.lms.create(world.key, "twin", "E05998");
    world.lms.create(world.key, "other-twin", "E05998");
    world.lms.set_faults(&json!({"latency": 0.002}));
    let mut feed = Feed::of(6_000);
    for person in &mut feed.people {
        person.city = "Groningen".repeat(25);
    }
    world.feed(&feed);
    killed_after(&world, 20);
    world.lms.set_faults(&json!({"latency": 0.0}));
    let before = [world.lms.with_id("e05999"), world.lms.with_id("E05998")];
    let ran = world.resume().exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (5_998, 2));
    assert_eq!(world.lms.with_id("E05999").len(), 0);
    assert_eq!(
        [world.lms.with_id("e05999"), world.lms.with_id("E05998")],
        before
    );
    let message = |line| world.row(line)["message"].as_str().unwrap().to_owned();
    assert!(message(6_000).contains("`e05999`"));
    assert!(message(5_999).contains("2 people in the LMS"));
}
