//! Known people whom the LMS does not show, people who are to be left alone, and
//! journals and keys that know nobody.

use serde_json::{Value, json};

use crate::support::System::{self, Kmi};
use crate::support::{Feed, Person, World, calls, on_each_system};

/// A world in which several people may have one login, so that nothing but hrfeed
/// keeps anybody from being there twice.
fn with(people: usize, system: System) -> (World, Feed) {
    let world = World::new(system).parts("[leavers]\naction = \"delete\"");
    world.lms.set_faults(&json!({"shared_logins": true}));
    let feed = Feed::of(people);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

/// The feed with other cities for the first people.
fn moved(feed: &Feed, people: usize) -> Feed {
    let mut feed = feed.clone();
    for person in &mut feed.people[..people] {
        person.city = "Meppel".into();
    }
    feed
}

#[test]
fn a_thousand_known_people_the_lms_does_not_show_are_not_made_again() {
    on_each_system(|system| {
        let (world, feed) = with(1000, system);
        let changed = moved(&feed, 100);
        world.lms.set_faults(&json!({"lost_sight": 1000}));
        world.lms.reset_stats();
        let ran = world
            .changes_nothing(|world| world.import_feed(&changed))
            .exits(4);
        assert_eq!(ran.held(), [("lost".to_owned(), 100)]);
        assert_eq!((ran.count("created"), ran.count("pending")), (0, 100));
        assert!(ran.stderr.contains("Sent 100 of 100"), "{ran:#?}");
        assert!(ran.stderr.contains(": 100 held"), "{ran:#?}");
        assert_eq!(ran.count("rejected"), 0, "a 404 is no refusal of a row");
        let stats = world.lms.stats();
        assert_eq!(stats.creates(), 0);
        assert!(stats.look_ups() <= 20, "a sample is enough: {stats:?}");
        // Once the LMS shows them, all is as it should be.
        world.lms.set_faults(&json!({"lost_sight": 0}));
        let ran = world.import().exits(0);
        assert_eq!((ran.count("updated"), ran.held()), (100, vec![]));
        world.assert_everyone_once(&changed);
    });
}

#[test]
fn a_few_people_whom_somebody_deleted_by_hand_are_created_again() {
    on_each_system(|system| {
        let (world, feed) = with(100, system);
        for person in &feed.people[..5] {
            world.lms.delete(world.key, &person.id);
        }
        let changed = moved(&feed, 10);
        let ran = world.import_feed(&changed).exits(0);
        assert_eq!((ran.count("created"), ran.count("updated")), (5, 5));
        world.assert_everyone_once(&changed);
    });
}

#[test]
fn more_lost_people_than_the_bound_wait_and_are_created_once_they_are_approved() {
    on_each_system(|system| {
        let (world, feed) = with(100, system);
        for person in &feed.people[..6] {
            world.lms.delete(world.key, &person.id);
        }
        let changed = moved(&feed, 10);
        let ran = world.import_feed(&changed).exits(4);
        assert_eq!(ran.held(), [("lost".to_owned(), 6)]);
        assert_eq!((ran.count("created"), ran.count("updated")), (0, 4));
        let again = world.changes_nothing(World::import).exits(4);
        assert_eq!(
            again.hold("lost"),
            ran.hold("lost"),
            "the same people, the same hold"
        );
        world.run(&["approve", &ran.hold("lost")]).exits(0);
        let ran = world.import().exits(0);
        assert_eq!(ran.count("created"), 6);
        world.assert_everyone_once(&changed);
    });
}

#[test]
fn a_number_lets_so_many_lost_people_be_created() {
    on_each_system(|system| {
        let (world, feed) = with(100, system);
        for person in &feed.people[..6] {
            world.lms.delete(world.key, &person.id);
        }
        let changed = moved(&feed, 6);
        world.feed(&changed);
        let held = world.import_with(&["--allow", "lost=5"]).exits(4);
        assert_eq!(held.count("created"), 0);
        let ran = world.import_with(&["--allow", "lost=6"]).exits(0);
        assert_eq!(ran.count("created"), 6);
        world.assert_everyone_once(&changed);
        // Who let whom pass is known as of any other hold.
        assert_eq!(world.hold_state(&held.hold("lost")), "replaced");
        let holds = world.run(&["holds", "--all", "--json"]).exits(0).json();
        let holds = holds["holds"].as_array().unwrap();
        let let_pass = (holds.iter()).find(|hold| hold["state"] == "carried_out");
        let let_pass = let_pass.unwrap_or_else(|| panic!("{holds:#?}"));
        assert_eq!(
            (&let_pass["kind"], &let_pass["people"]),
            (&json!("lost"), &json!(6))
        );
        assert_eq!(
            let_pass["decided"]["reason"], "--allow lost=6",
            "{let_pass:#}"
        );
    });
}

#[test]
fn protected_people_are_changed_and_removed_by_no_run() {
    on_each_system(|system| {
        let protect =
            "[protect]\nids = [\"E00001\", \"E00040\"]\nwhere = \"row['City'] == 'Board'\"";
        let parts = format!("[leavers]\naction = \"delete\"\n\n{protect}");
        let world = World::new(system).parts(&parts);
        let mut feed = Feed::of(40);
        feed.people[1].city = "Board".into();
        world.import_feed(&feed).exits(0);
        world.assert_everyone_once(&feed);
        let before = feed.clone();
        feed.people[0].last = "Changed".into();
        feed.people[1].last = "Changed".into();
        feed.people[2].last = "Changed".into();
        feed.people.pop();
        feed.people.pop();
        world.feed(&feed);
        let plan = world.changes_nothing(World::plan).exits(0);
        let counts = (
            plan.count("updated"),
            plan.count("unchanged"),
            plan.count("deleted"),
        );
        assert_eq!(counts, (1, 37, 1));
        assert!(
            plan.json()["notes"].to_string().contains("protected"),
            "{plan:#?}"
        );
        let ran = world.import().exits(0);
        let counts = (
            ran.count("updated"),
            ran.count("unchanged"),
            ran.count("deleted"),
        );
        assert_eq!(counts, (1, 37, 1));
        let mut wanted = before;
        wanted.people.remove(38);
        wanted.people[2].last = "Changed".into();
        world.assert_everyone_once(&wanted);
        // The next night is as quiet, and no approval covers them.
        world
            .changes_nothing(|world| world.import_with(&["--allow", "leavers=5"]))
            .exits(0);
    });
}

#[test]
fn a_plan_tells_which_people_differ_and_are_protected_as_the_import_does() {
    on_each_system(|system| {
        let protect = "[protect]\nids = [\"E00002\", \"E00004\"]";
        let world = World::new(system).parts(protect);
        let mut feed = Feed::of(10);
        world.import_feed(&feed).exits(0);
        for person in [1, 3] {
            feed.people[person].last = "Changed".into();
        }
        world.feed(&feed);
        let why = "differs from the feed and stays as it is: the mapping protects this person \
                   ([protect])";
        let note = json!([format!("2 rows (first: row 3): {why}")]);
        let plan = world.plan().exits(0);
        assert_eq!(
            (plan.count("unchanged"), &plan.json()["notes"]),
            (10, &note)
        );
        let arguments = ["plan", "people.csv", "-m", "mapping.toml"];
        let text = world.run(&arguments).exits(0).stdout;
        for wanted in ["E00002", "E00004", "2 rows (first: row 3)"] {
            assert!(text.contains(wanted), "{text}");
        }
        let rows = world.run(&[&arguments[..], &["--format", "json"]].concat());
        let rows = rows.exits(0).json_lines();
        let told: Vec<_> = rows.iter().map(|row| &row["external_id"]).collect();
        assert_eq!(told, ["E00002", "E00004"]);
        for row in &rows {
            assert_eq!(
                (&row["outcome"], &row["message"], &row["changed"]),
                (&json!("unchanged"), &json!(why), &json!(["lastName"]))
            );
        }
        let ran = world.changes_nothing(World::import).exits(0);
        assert_eq!(ran.json()["notes"], note);
        let recorded = ended(&world, "unchanged");
        let changed: Vec<_> = recorded.iter().map(|row| &row["changed"]).collect();
        assert_eq!(changed, [&json!(["lastName"]); 2]);
    });
}

/// The rows of the latest run with that outcome.
fn ended(world: &World, outcome: &str) -> Vec<Value> {
    let rows = world
        .run(&["rows", "--outcome", outcome, "--json"])
        .exits(0);
    rows.json_lines()
}

#[test]
fn nobody_is_created_and_nobody_is_gone_where_the_lms_shows_nobody() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let mut changed = moved(&feed, 2);
        changed.people.pop();
        world.feed(&changed);
        world.lms.set_faults(&json!({"lost_sight": 1000}));
        let ran = world.changes_nothing(World::import).exits(3);
        let counts = ["created", "updated", "failed", "deleted"].map(|it| ran.count(it));
        assert_eq!(counts, [0, 0, 2, 0], "{ran:#?}");
        assert!(ran.stderr.contains("Sent 3 of 3"), "{ran:#?}");
        assert!(ran.stderr.contains(": 3 failed"), "{ran:#?}");
        let failed = ended(&world, "failed");
        assert_eq!(failed.len(), 3, "{failed:#?}");
        for row in failed {
            let message = row["message"].as_str().unwrap();
            let why = "the LMS shows neither this person nor others who must be there";
            assert!(message.starts_with(why), "{row:#}");
        }
        // Once the LMS shows them, all is as it should be.
        world.lms.set_faults(&json!({"lost_sight": 0}));
        let ran = world.import().exits(0);
        assert_eq!((ran.count("updated"), ran.count("deleted")), (2, 1));
        world.assert_everyone_once(&changed);
    });
}

#[test]
fn whom_the_feed_names_as_protected_for_the_last_time_is_not_removed_after_it() {
    on_each_system(|system| {
        let protect = "[protect]\nwhere = \"row['City'] == 'Board'\"";
        let world =
            World::new(system).parts(&format!("[leavers]\naction = \"delete\"\n\n{protect}"));
        let mut feed = Feed::of(40);
        feed.people[39].city = "Board".into();
        world.import_feed(&feed).exits(0);
        // The row that said so is gone.
        feed.people.pop();
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(0);
        assert_eq!(ran.count("deleted"), 0);
    });
}

#[test]
fn a_protected_person_whom_only_the_lms_shows_is_not_changed() {
    on_each_system(|system| {
        let protect = "[protect]\nids = [\"E00001\"]\nwhere = \"row['City'] == 'Board'\"";
        let world = World::new(system).parts(protect);
        let mut feed = Feed::of(40);
        feed.people[1].city = "Board".into();
        world.import_feed(&feed).exits(0);
        world.forget();
        for person in &mut feed.people[..2] {
            person.last = "Changed".into();
            person.email = format!("changed.{}", person.email);
        }
        feed.people[2].last = "Changed".into();
        let there = |world: &World| ["E00001", "E00002"].map(|id| world.lms.person(id));
        let before = there(&world);
        for _night in 0..2 {
            world.import_feed(&feed).exits(0);
            assert_eq!(there(&world), before);
            for line in [2, 3] {
                assert_eq!(world.row(line)["outcome"], "unchanged");
            }
        }
        // Everybody else is brought to what the feed says.
        assert_eq!(world.lms.person("E00003")["lastName"], "Changed");
    });
}

#[test]
fn a_protected_person_under_another_number_keeps_the_id_and_every_value() {
    on_each_system(|system| {
        for protect in ["ids = [\"E00001\"]", "where = \"row['City'] == 'Board'\""] {
            for renumbered in ["hold", "rekey"] {
                let parts = format!(
                    "[leavers]\naction = \"delete\"\n\n[identity]\n\
                     renumbered = \"{renumbered}\"\n\n[protect]\n{protect}"
                );
                let world = World::new(system).parts(&parts);
                let mut feed = Feed::of(40);
                feed.people[0].city = "Board".into();
                world.import_feed(&feed).exits(0);
                feed.people[0].id = "N00001".into();
                feed.people[0].last = "Changed".into();
                let ran = world.changes_nothing(|world| world.import_feed(&feed));
                for hold in ran.open_holds() {
                    world.run(&["approve", &hold]).exits(0);
                }
                world.changes_nothing(World::import);
                world.changes_nothing(|world| world.import_with(&["--allow", "renumbered=1"]));
            }
        }
    });
}

#[test]
fn a_journal_that_knows_nobody_says_that_leavers_cannot_be_known() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system);
        world.forget();
        feed.people.truncate(30);
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(0);
        let notes = ran.json()["notes"].to_string();
        assert!(
            notes.contains("leavers") && notes.contains("among"),
            "{ran:#?}"
        );
    });
}

#[test]
fn whoever_is_on_the_lms_can_be_a_leaver_where_the_mapping_says_so() {
    on_each_system(|system| {
        let parts = "[leavers]\naction = \"delete\"\namong = \"lms\"\n\n[guards]\nmax_leavers = 10";
        let world = World::new(system).parts(parts);
        let mut feed = Feed::of(40);
        world.import_feed(&feed).exits(0);
        world.forget();
        world.by_hand(&Person::new(99));
        feed.people.truncate(32);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("deleted"), 8);
        // Who has no external ID of this key is nobody's leaver.
        assert_eq!(world.lms.everybody().len(), 33);
        assert_eq!(world.lms.people().len(), 32);
    });
}

#[test]
fn the_leavers_of_an_empty_journal_are_held_against_the_people_that_the_lms_shows() {
    on_each_system(|system| {
        let world = World::new(system).parts("[leavers]\naction = \"delete\"\namong = \"lms\"");
        let mut feed = Feed::of(30);
        world.import_feed(&feed).exits(0);
        world.forget();
        // 5 % of thirty is one person, and at least five may go.
        feed.people.truncate(28);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("deleted"), ran.held()), (2, vec![]));
        world.assert_everyone_once(&feed);
        world.forget();
        feed.people.truncate(22);
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 6)]);
        assert!(
            ran.stderr.contains("6 of 28 people are missing"),
            "{ran:#?}"
        );
    });
}

#[test]
fn a_key_that_expires_soon_is_announced() {
    on_each_system(|system| {
        let expires = |day: &str| {
            let world = World::new(system).target(&format!("api_key_expires = {day}"));
            let ran = world.import_feed(&Feed::of(2)).exits(0);
            ran.json()["notes"].to_string()
        };
        let day = |days: i64| {
            let day = hrfeed::clock::now() + jiff::SignedDuration::from_hours(24 * days);
            day.strftime("%Y-%m-%d").to_string()
        };
        assert!(expires(&day(10)).contains("expires"));
        assert!(!expires(&day(20)).contains("expires"));
    });
}

#[test]
fn whoever_was_deleted_and_is_still_shown_is_written_again_on_return() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system);
        let last = feed.people.pop().unwrap();
        assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 1);
        // An LMS that deletes softly shows the account all the same.
        world
            .lms
            .create(world.key, &last.login.to_lowercase(), &last.id);
        feed.people.push(last);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("created") + ran.count("updated"), 1, "{ran:#?}");
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn an_unchanged_night_of_known_people_costs_no_call() {
    on_each_system(|system| {
        let (world, feed) = with(200, system);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
    });
}

#[test]
fn what_a_run_created_is_proved_at_once() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system);
        feed.people.push(Person::new(41));
        let ran = world.import_feed(&feed).exits(0);
        let proof = &ran.json()["proof"];
        assert_eq!(
            (&proof["twice"], &proof["missing"], &proof["differ"]),
            (&json!([]), &json!([]), &json!([])),
            "{ran:#?}"
        );
    });
}

#[test]
fn whoever_is_there_twice_after_a_run_is_named_and_ends_it_with_3() {
    let (world, mut feed) = with(40, Kmi);
    feed.people.push(Person::new(41));
    world.lms.set_faults(&json!({"twins": 1.0}));
    let ran = world.import_feed(&feed).exits(3);
    let twice = ran.json()["proof"]["twice"].to_string();
    assert!(twice.contains("E00041"), "{ran:#?}");
}

#[test]
fn two_machines_with_two_journals_are_noticed() {
    let world = World::new(Kmi);
    world
        .lms
        .set_faults(&json!({"shared_logins": true, "latency": 1.0}));
    world.feed(&Feed::of(20));
    // Both have asked who is there before either creates anybody.
    let first = world.start_with(crate::support::IMPORT, &world.path("journal-a.db"));
    let second = world.run_with(crate::support::IMPORT, &world.path("journal-b.db"));
    let first = first.wait();
    let noticed = [&first, &second].map(|ran| ran.json()["proof"]["twice"] != json!([]));
    let is_double = world.lms.people().len() > 20;
    assert!(
        !is_double || noticed.contains(&true),
        "{first:#?} {second:#?}"
    );
    assert!(is_double, "the two met: or the test shows nothing");
}
