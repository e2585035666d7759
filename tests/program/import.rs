//! What an import does to an LMS, and what it says of it.

use hrfeed::sandbox::{Faults, SandboxOptions};
use serde_json::{Value, json};

use crate::support::System::Kmi;
use crate::support::{Feed, World, on_each_system};

/// `rows = created + updated + …`, and both are as expected.
#[track_caller]
fn assert_adds_up(report: &Value, rows: u64) {
    let counts = report["counts"].as_object().unwrap();
    // Leavers are no rows, and the rejected rows are the invalid and the refused ones.
    let no_rows = ["deactivated", "deleted", "set", "invalid", "refused"];
    let sum: u64 = counts
        .iter()
        .filter(|(outcome, _)| !no_rows.contains(&outcome.as_str()))
        .map(|(_, count)| count.as_u64().unwrap())
        .sum();
    let of = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(of("rejected"), of("invalid") + of("refused"), "{report:#}");
    assert_eq!(
        (sum, &report["feed"]["rows"]),
        (rows, &json!(rows)),
        "{report:#}"
    );
}

#[test]
fn a_first_load_creates_everyone_once_with_all_content_for_at_most_40_more_calls() {
    on_each_system(|system| {
        let world = World::with(
            system,
            SandboxOptions {
                people: 150,
                ..SandboxOptions::default()
            },
        );
        let feed = Feed::of(1_000);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("created"), 1_000);
        assert_adds_up(&ran.json(), 1_000);
        world.assert_everyone_once(&feed);
        assert_eq!(world.lms.everybody().len(), 1_150);
        let requests = world.lms.stats().requests();
        // One in a hundred for the proof, and the controls of the list.
        assert!(requests <= 1_040, "{requests} calls for 1,000 people");
        assert_eq!(ran.json()["calls"]["total"], requests);
    });
}

#[test]
fn a_second_run_of_the_same_feed_makes_no_call() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(120);
        world.import_feed(&feed).exits(0);
        world.lms.reset_stats();
        let ran = world.import().exits(0);
        assert_eq!(ran.count("unchanged"), 120);
        assert_adds_up(&ran.json(), 120);
        assert_eq!(world.lms.stats().requests(), 0);
        assert_eq!(ran.json()["calls"]["total"], 0);
    });
}

#[test]
fn one_changed_row_costs_one_call() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(120);
        world.import_feed(&feed).exits(0);
        world.lms.reset_stats();
        let feed = feed.change(40, |person| person.city = "Groningen".into());
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("updated"), ran.count("unchanged")), (1, 119));
        let stats = world.lms.stats();
        assert_eq!((stats.requests(), stats.updates()), (1, 1));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_changed_mapping_sends_what_it_changes_and_nothing_else() {
    let world = World::new(Kmi);
    let feed = Feed::of(30);
    world.import_feed(&feed).exits(0);
    world.lms.reset_stats();
    // Only the people without a country have "US".
    let mapping = world
        .mapping()
        .replace(r#"default = "US""#, r#"default = "CA""#);
    world.write("mapping.toml", mapping);
    let ran = world.import().exits(0);
    assert_eq!((ran.count("updated"), ran.count("unchanged")), (10, 20));
    assert_eq!(world.lms.stats().requests(), 10);
}

#[test]
fn an_empty_cell_leaves_the_field_alone() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(2);
        world.import_feed(&feed).exits(0);
        let emptied = feed.clone().change(1, |person| {
            person.city.clear();
            person.end = None;
        });
        world.import_feed(&emptied).exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_lost_journal_finds_everyone_by_listing_and_updates_only_who_differs() {
    let world = World::new(Kmi);
    let feed = Feed::of(250);
    world.import_feed(&feed).exits(0);
    world.lms.reset_stats();
    std::fs::remove_file(world.path("journal.db")).unwrap();
    let feed = feed
        .change(7, |person| person.city = "Groningen".into())
        .change(8, |person| person.last = "Ångström".into());
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!((ran.count("updated"), ran.count("unchanged")), (2, 248));
    let stats = world.lms.stats();
    assert_eq!(
        (stats.creates(), stats.updates(), stats.look_ups()),
        (0, 2, 0)
    );
    assert!(stats.pages() <= 5, "{stats:?}");
    world.assert_everyone_once(&feed);
    world.lms.reset_stats();
    world.import().exits(0);
    assert_eq!(world.lms.stats().requests(), 0);
}

#[test]
fn where_the_lms_is_large_and_the_feed_small_people_are_asked_for_one_by_one() {
    let world = World::with(
        Kmi,
        SandboxOptions {
            people: 5_000,
            ..SandboxOptions::default()
        },
    );
    // A journal that knows nobody says nothing of who is there: all are listed.
    world.import_feed(&Feed::of(10)).exits(0);
    let stats = world.lms.stats();
    // Of those whom the list does not show, a sample is looked for.
    assert_eq!((stats.creates(), stats.look_ups()), (10, 10));
    assert!(stats.pages() >= 10, "{stats:?}");
    world.lms.reset_stats();
    let feed = Feed::of(14);
    let ran = world.import_feed(&feed).exits(0);
    let stats = world.lms.stats();
    // And somebody whom the LMS must show.
    assert_eq!((stats.creates(), stats.look_ups()), (4, 5));
    assert!(stats.pages() - ran.proof_requests() <= 2, "{stats:?}");
    world.assert_everyone_once(&feed);
}

#[test]
fn of_duplicates_neither_is_sent_and_each_names_the_others_row() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(6).change(4, |person| person.id = "E00002".into());
        let ran = world.import_feed(&feed).exits(3);
        assert_eq!((ran.count("created"), ran.count("rejected")), (4, 2));
        assert_adds_up(&ran.json(), 6);
        for (row, other) in [(3, 6), (6, 3)] {
            let shown = world.row(row);
            assert_eq!(shown["outcome"], "rejected");
            let message = shown["message"].as_str().unwrap();
            assert!(message.contains(&format!("row {other};")), "{message}");
            assert!(message.contains("neither row is imported"), "{message}");
        }
        assert_eq!(world.lms.with_id("E00002").len(), 0);
        assert_eq!(world.lms.people().len(), 4);
    });
}

#[test]
fn neither_row_with_a_duplicate_login_name_is_sent() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(4).change(3, |person| person.login = "zquimby1".into());
        world.import_feed(&feed).exits(3);
        let message = world.row(5)["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains("Login") && message.contains("row 2"),
            "{message}"
        );
        assert_eq!(world.lms.people().len(), 2);
    });
}

#[test]
fn the_first_or_the_last_of_duplicates_wins_where_the_mapping_says_so() {
    on_each_system(|system| {
        for (policy, winner) in [("first", 3_usize), ("last", 6)] {
            let world = World::new(system).parts(&format!("[unique]\nduplicates = \"{policy}\""));
            let feed = Feed::of(6).change(4, |person| person.id = "E00002".into());
            world.feed(&feed);
            let check = ["check", "people.csv", "-m", "mapping.toml", "--json"];
            assert_eq!(world.run(&check).exits(0).json()["feed"]["skipped"], 1);
            assert_eq!(world.plan().exits(0).count("created"), 5);
            let ran = world.import().exits(0);
            assert_eq!((ran.count("created"), ran.count("rejected")), (5, 0));
            assert_eq!((ran.count("unchanged"), ran.count("pending")), (0, 0));
            let feed_facts = ran.json()["feed"].clone();
            assert_eq!(
                (&feed_facts["rows"], &feed_facts["skipped"]),
                (&5.into(), &1.into())
            );
            let there = world.lms.with_id("E00002");
            assert_eq!(there.len(), 1);
            let wanted = &feed.people[winner - 2];
            assert_eq!(there[0]["firstName"], wanted.first, "{policy}");
            // And tomorrow the same one wins, at no cost.
            world.lms.reset_stats();
            let ran = world.import().exits(0);
            assert_eq!((ran.count("unchanged"), ran.count("rejected")), (5, 0));
            assert_eq!(world.lms.stats().requests(), 0);
        }
    });
}

#[test]
fn rows_that_the_mapping_lets_lose_do_not_make_a_feed_look_damaged() {
    let world = World::new(Kmi).parts("[unique]\nduplicates = \"last\"");
    let mut feed = Feed::of(120);
    for row in 0..40 {
        let id = feed.people[row].id.clone();
        let login = feed.people[row].login.clone();
        feed.people[80 + row].id = id;
        feed.people[80 + row].login = login;
    }
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!((ran.count("created"), ran.count("rejected")), (80, 0));
    assert_eq!(
        ran.notes(),
        [
            "left out: rows of people who have another row that counts (`duplicates = \"last\"` in \
          [unique]) (40 rows: 2, 3, 4 and 37 more)"
        ]
    );
    assert_eq!(world.lms.people().len(), 80);
    assert_eq!(
        world.lms.person("E00001")["firstName"],
        feed.people[80].first
    );
    // Nor a shorter one the night after.
    let ran = world.import().exits(0);
    assert_eq!((ran.count("unchanged"), ran.count("pending")), (80, 0));
}

#[test]
fn a_row_that_loses_takes_nobodys_login_even_if_it_is_invalid() {
    let world = World::new(Kmi).parts("[unique]\nduplicates = \"first\"");
    let mut feed = Feed::of(3);
    // Another contract of the first, with the login of the third.
    feed.people[1].id = feed.people[0].id.clone();
    feed.people[1].email = "nothing".into();
    feed.people[1].login = feed.people[2].login.clone();
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (2, 1));
    let numbers = ran.json()["feed"].clone();
    assert_eq!(
        (&numbers["rows"], &numbers["skipped"]),
        (&3.into(), &0.into())
    );
}

#[test]
fn a_login_of_somebody_else_is_not_given_to_the_last_of_several_people() {
    let world = World::new(Kmi).parts("[unique]\nduplicates = \"last\"");
    let feed = Feed::of(4).change(3, |person| person.login = "zquimby1".into());
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (3, 1));
    assert!(world.row(2)["message"].as_str().unwrap().contains("row 5"));
}

#[test]
fn ids_that_differ_in_case_or_white_space_only_are_one_unless_the_mapping_says_otherwise() {
    let feed = Feed::of(4).change(2, |person| person.id = "e 00001".into());
    let world = World::new(Kmi);
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (2, 2));
    let message = world.row(4)["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("matches row 2 except for case or spaces"),
        "{message}"
    );
    let world = World::new(Kmi).parts("[unique]\nvariants = \"distinct\"");
    world.import_feed(&feed).exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn an_id_that_the_lms_has_in_another_case_is_reported_and_not_created_again() {
    on_each_system(|system| {
        let world = World::new(system);
        world.lms.create(world.key, "old", "e00002");
        let ran = world.import_feed(&Feed::of(3)).exits(3);
        assert_eq!((ran.count("created"), ran.count("rejected")), (2, 1));
        let message = world.row(3)["message"].as_str().unwrap().to_owned();
        assert!(message.contains("`e00002`"), "{message}");
        assert_eq!(world.lms.people().len(), 3);
        // The next night nobody else is new, and nobody lists the LMS for one row.
        let ran = world.import().exits(3);
        assert_eq!((ran.count("unchanged"), ran.count("rejected")), (2, 1));
        assert_eq!(world.lms.people().len(), 3);
    });
}

#[test]
fn rows_that_the_lms_refuses_fail_alone_and_nothing_quotes_the_person() {
    on_each_system(|system| {
        let world = World::failing(
            system,
            Faults {
                refuse: 0.3,
                ..Faults::default()
            },
        );
        let feed = Feed::of(60);
        let ran = world.import_feed(&feed).exits(3);
        let refused = ran.count("rejected");
        assert!(
            refused > 0 && ran.count("created") == 60 - refused,
            "{ran:?}"
        );
        assert_adds_up(&ran.json(), 60);
        assert_eq!(world.lms.people().len() as u64, 60 - refused);
        let listed = world
            .run(&["rows", "--outcome", "rejected", "--json"])
            .exits(0);
        assert_eq!(listed.json_lines().len() as u64, refused);
        let first = &listed.json_lines()[0];
        assert_eq!(
            (&first["status"], &first["action"]),
            (&json!(400), &json!("create"))
        );
        let report = world.arg("report.html");
        world.run(&["report", "-o", &report]).exits(0);
        let everything = [
            ran.said(),
            listed.said(),
            world.run(&["rows"]).said(),
            world.run(&["show"]).said(),
            std::fs::read_to_string(report).unwrap(),
            world.journal_text(),
        ];
        for text in everything {
            let text = text.to_lowercase();
            for secret in [
                "quimby",
                "example.com",
                "žofie",
                "zwolle",
                "test-key",
                "s3cret",
            ] {
                assert!(!text.contains(secret), "`{secret}` is in {text}");
            }
        }
    });
}

#[test]
fn a_refused_row_is_sent_again_by_the_next_run() {
    on_each_system(|system| {
        let world = World::failing(
            system,
            Faults {
                refuse: 0.3,
                ..Faults::default()
            },
        );
        let feed = Feed::of(40);
        let refused = world.import_feed(&feed).exits(3).count("rejected");
        world.lms.set_faults(&json!({"refuse": 0.0}));
        let ran = world.import().exits(0);
        assert_eq!(
            (ran.count("created"), ran.count("unchanged")),
            (refused, 40 - refused)
        );
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_login_name_that_somebody_else_has_on_the_lms_fails_that_row_alone() {
    let world = World::new(Kmi);
    // One joiner is looked up by the external ID, and nobody is listed.
    let mut feed = Feed::of(5);
    let joiner = feed.people.remove(2);
    world.import_feed(&feed).exits(0);
    world.lms.create("another-key", "zquimby3", "X1");
    feed.people.insert(2, joiner);
    feed.people[3].city = "Groningen".into();
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("updated"), ran.count("rejected")), (1, 1));
    let shown = world.row(4);
    assert_eq!(shown["outcome"], "rejected");
    let message = shown["message"].as_str().unwrap();
    assert!(message.contains("loginName"), "{message}");
    assert!(!message.contains("zquimby3"), "{message}");
    assert!(!world.journal_text().contains("zquimby"));
}

#[test]
fn a_login_name_that_somebody_has_on_the_list_makes_that_row_alone_wait() {
    let world = World::new(Kmi);
    world.lms.create("another-key", "zquimby3", "X1");
    let ran = world.import_feed(&Feed::of(5)).exits(4);
    assert_eq!((ran.count("created"), ran.count("pending")), (4, 1));
    assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
    assert_eq!(world.row(4)["outcome"], "held");
    assert!(!world.row(4).to_string().contains("zquimby3"));
    assert!(!world.journal_text().contains("zquimby"));
}

#[test]
fn a_changed_person_missing_from_the_lms_is_created_again_once() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(20);
        world.import_feed(&feed).exits(0);
        world.lms.delete(world.key, "E00005");
        let feed = feed.change(4, |person| person.city = "Groningen".into());
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.count("unchanged")), (1, 19));
        world.assert_everyone_once(&feed);
        world.lms.reset_stats();
        world.import().exits(0);
        assert_eq!(world.lms.stats().requests(), 0);
    });
}

#[test]
fn two_people_with_one_external_id_on_the_lms_are_reported_and_not_touched() {
    let world = World::new(Kmi);
    let first = world.lms.create(world.key, "first", "E00002");
    let second = world.lms.create(world.key, "second", "E00002");
    let ran = world.import_feed(&Feed::of(4)).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (3, 1));
    let message = world.row(3)["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("2 people in the LMS have this external ID"),
        "{message}"
    );
    let untouched = |world: &World| {
        let there = world.lms.with_id("E00002");
        assert_eq!(there.len(), 2);
        for (there, before) in there.iter().zip([&first, &second]) {
            for field in ["id", "email", "firstName", "city"] {
                assert_eq!(there[field], before[field]);
            }
        }
    };
    untouched(&world);
}

#[test]
fn two_people_with_one_external_id_are_reported_and_not_touched_by_the_next_run_either() {
    let world = World::new(Kmi);
    world.lms.create(world.key, "first", "E00002");
    world.lms.create(world.key, "second", "E00002");
    world.import_feed(&Feed::of(4)).exits(3);
    let before = world.lms.with_id("E00002");
    let ran = world.import().exits(3);
    assert_eq!((ran.count("rejected"), ran.count("unchanged")), (1, 3));
    assert_eq!(world.lms.with_id("E00002"), before);
    // Once somebody has put it right and an audit has seen that, it goes on.
    world.run(&["audit", "-m", "mapping.toml"]).exits(3);
    world.lms.delete(world.key, "E00002");
    world.import().exits(3);
    world.run(&["audit", "-m", "mapping.toml"]).exits(0);
    let ran = world.import().exits(0);
    assert_eq!((ran.count("updated"), ran.count("unchanged")), (1, 3));
}

#[test]
fn the_json_object_has_the_promised_shape() {
    let world = World::new(Kmi);
    let ran = world.import_feed(&Feed::of(3)).exits(0);
    let mut report = ran.json();
    assert!(report["elapsed_seconds"].as_f64().unwrap() > 0.0);
    report["elapsed_seconds"] = json!(0.5);
    assert_eq!(
        report["feed"]["path"],
        world.arg("people.csv"),
        "a run is resumed from any folder"
    );
    report["feed"]["path"] = json!("people.csv");
    let digest = report["feed"]["sha256"].as_str().unwrap();
    assert_eq!(digest.len(), 64);
    report["feed"]["sha256"] = json!("…");
    let message = report["message"].take();
    assert!(message.as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(report["mapping"], world.arg("mapping.toml"));
    report["mapping"] = json!("mapping.toml");
    let moment = |name: &str| report[name].as_str().unwrap().parse::<jiff::Timestamp>();
    assert!(moment("started").unwrap() <= moment("ended").unwrap());
    for name in ["started", "ended"] {
        report[name] = json!("…");
    }
    assert_eq!(
        report,
        json!({
            "schema": 1, "hrfeed": env!("CARGO_PKG_VERSION"),
            "target": {"system": "kmi", "base_url": world.lms.base_url() + "/"},
            "mapping": "mapping.toml", "started": "…", "ended": "…",
            "run": "1", "command": "import", "state": "finished",
            "feed": {"path": "people.csv", "sha256": "…", "rows": 3, "skipped": 0},
            "counts": {
                "created": 3, "updated": 0, "unchanged": 0, "rejected": 0, "invalid": 0,
                "refused": 0, "failed": 0, "unknown": 0, "pending": 0, "deactivated": 0, "deleted": 0, "set": 0
            },
            "effects": {"mails": 0, "passwords": 0, "closed": 0},
            "calls": {"total": world.lms.stats().requests(), "retried": 0, "throttled": 0},
            "elapsed_seconds": 0.5, "exit_code": 0, "message": null, "undoes": null, "causes": [],
            "outages": [], "leavers_left": 0, "notes": [],
            "holds": [],
            "proof": {
                "checked": 3, "twice": [], "missing": [], "differ": [], "unlisted": 0,
                "searched_duplicates": true, "new_people": 3, "read_back": 0, "requests": 2
            }
        })
    );
    // The object of the other commands has the same fields.
    let names = |ran: &crate::support::Ran| {
        let report = ran.json();
        let names: Vec<_> = report.as_object().unwrap().keys().cloned().collect();
        names
    };
    for command in ["check", "plan"] {
        let other = world
            .run(&[command, "people.csv", "-m", "mapping.toml", "--json"])
            .exits(0);
        assert_eq!(other.json()["command"], command);
        let theirs = names(&other);
        assert!(
            names(&ran).iter().all(|name| theirs.contains(name)),
            "{command}"
        );
    }
    let shown = world.run(&["show", "--json"]).exits(0);
    assert_eq!(names(&shown), names(&ran));
    assert_eq!(shown.json()["counts"], ran.json()["counts"]);
    assert_eq!(
        world.rows()[0],
        json!({"row": 2, "external_id": "E00001", "outcome": "created", "action": "create",
               "status": 201, "attempts": 1, "message": null,
               "changed": [], "known_as": null, "hold": null})
    );
}

#[test]
fn with_json_stdout_carries_one_object_even_where_the_command_fails() {
    let world = World::new(Kmi);
    for command in ["check", "plan", "import"] {
        let ran = world
            .run(&[command, "nobody.csv", "-m", "mapping.toml", "--json"])
            .exits(1);
        let report = ran.json();
        assert_eq!(
            (&report["command"], &report["exit_code"]),
            (&json!(command), &json!(1))
        );
        assert_eq!(report["state"], "failed");
        assert!(ran.stderr.contains("nobody.csv"), "{ran:?}");
    }
    let ran = world.resume().exits(2);
    assert_eq!(ran.json()["exit_code"], 2);
}

#[test]
fn check_and_plan_change_nothing_and_check_needs_neither_network_nor_secret() {
    let world = World::new(Kmi);
    world.lms.create(world.key, "zquimby1", "E00001");
    world.lms.reset_stats();
    let feed = Feed::of(4).change(3, |person| person.email = "none".into());
    world.feed(&feed);
    let checked = world
        .command(&["check", "people.csv", "-m", "mapping.toml", "--json"])
        .env_remove(crate::support::KEY)
        .env_remove(crate::support::SECRET)
        .output()
        .unwrap();
    assert_eq!(checked.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_adds_up(&report, 4);
    assert_eq!(
        (&report["counts"]["rejected"], &report["counts"]["pending"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(report["finding_kinds"], json!({"email": 1}));
    assert_eq!(world.lms.stats().requests(), 0);
    let planned = world
        .run(&["plan", "people.csv", "-m", "mapping.toml", "--json"])
        .exits(3);
    assert_adds_up(&planned.json(), 4);
    let counts = ["created", "updated", "rejected"].map(|outcome| planned.count(outcome));
    assert_eq!(counts, [2, 1, 1]);
    let stats = world.lms.stats();
    assert_eq!(stats.requests(), stats.pages() + stats.look_ups());
    assert_eq!(world.lms.people().len(), 1);
    assert!(!world.path("journal.db").exists());
}

#[test]
fn a_plan_says_what_the_import_then_does() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(30);
        world.import_feed(&feed).exits(0);
        let mut feed = feed.change(3, |person| person.city = "Groningen".into());
        feed.people.extend(Feed::of(34).people.split_off(30));
        world.feed(&feed);
        let planned = world
            .run(&["plan", "people.csv", "-m", "mapping.toml", "--json"])
            .exits(0);
        let imported = world.import().exits(0);
        assert_eq!(planned.json()["counts"], imported.json()["counts"]);
        assert_eq!(imported.count("created"), 4);
    });
}

#[test]
fn import_sandbox_needs_nothing_set_up_and_leaves_the_target_alone() {
    on_each_system(|system| {
        let world = World::new(system);
        world.feed(&Feed::of(30));
        let output = crate::support::program()
            .args([
                "import",
                "people.csv",
                "-m",
                "mapping.toml",
                "--sandbox",
                "--json",
                "--journal",
            ])
            .arg(world.path("rehearsal.db"))
            .current_dir(world.folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["counts"]["created"], 30);
        assert_eq!(world.lms.stats().requests(), 0);
    });
}

#[test]
fn a_csv_and_a_spreadsheet_of_the_same_people_give_the_same_content() {
    let feed = Feed::of(25);
    let csv = World::new(Kmi);
    csv.import_feed(&feed).exits(0);
    csv.assert_everyone_once(&feed);
    let xlsx = World::new(Kmi);
    xlsx.write("people.xlsx", feed.xlsx(Kmi));
    let arguments = ["import", "people.xlsx", "-m", "mapping.toml", "--json"];
    xlsx.run(&arguments).exits(0);
    xlsx.assert_everyone_once(&feed);
    // To the journal they are the same people, too.
    csv.write("people.xlsx", feed.xlsx(Kmi));
    csv.lms.reset_stats();
    let ran = csv.run(&arguments).exits(0);
    assert_eq!(ran.count("unchanged"), 25);
    assert_eq!(csv.lms.stats().requests(), 0);
    // The header is in row 3, under a title and a blank row.
    assert_eq!(xlsx.rows()[0]["row"], 4);
}

#[test]
fn a_feed_comes_from_stdin_and_compressed_just_as_well() {
    let feed = Feed::of(20);
    let world = World::new(Kmi);
    world.write("people.csv.gz", feed.csv_gz(Kmi));
    world
        .run(&["import", "people.csv.gz", "-m", "mapping.toml"])
        .exits(0);
    world.assert_everyone_once(&feed);
    world.lms.reset_stats();
    let arguments = ["import", "-", "-m", "mapping.toml", "--json"];
    for bytes in [feed.csv(Kmi), feed.csv_gz(Kmi), feed.xlsx(Kmi)] {
        let ran = world.run_with_stdin(&arguments, &bytes).exits(0);
        assert_eq!(ran.count("unchanged"), 20);
        assert_eq!(ran.json()["feed"]["path"], "-");
    }
    assert_eq!(world.lms.stats().requests(), 0);
}

#[test]
fn rows_that_the_filter_leaves_out_are_skipped_and_no_rows() {
    on_each_system(|system| {
        let world = World::new(system).parts("[source]\nwhere = \"row['Status'] != 'Contractor'\"");
        let mut feed = Feed::of(10).change(2, |person| person.status = "Contractor");
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.json()["feed"]["skipped"], 1);
        assert_adds_up(&ran.json(), 9);
        feed.people.remove(2);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn rows_with_flaws_are_reported_and_the_rest_goes_on() {
    let world = World::new(Kmi);
    let feed = Feed::of(14)
        .change(0, |person| person.email = "nobody".into())
        .change(1, |person| person.country = "Narnia")
        .change(2, |person| person.id.clear())
        .change(3, |person| person.id = "1.2E+05".into())
        .change(4, |person| person.last.clear())
        .change(5, |person| person.end = Some((31, 2, 2030)));
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (8, 6));
    assert_adds_up(&ran.json(), 14);
    let words = [
        "e-mail",
        "country",
        "no external ID",
        "Excel",
        "requires",
        "not a valid date",
    ];
    for (row, word) in (2..).zip(words) {
        let message = world.row(row)["message"].as_str().unwrap().to_owned();
        assert!(message.contains(word), "{row}: {message}");
    }
    assert_eq!(world.lms.people().len(), 8);
}

#[test]
fn external_ids_that_need_escaping_reach_their_person() {
    on_each_system(|system| {
        let world = World::new(system);
        let ids = [
            "a/b", "100%", "Ü 7", "x?y#z", "007", "E+5", "..x", "a%2Fb", "=1+1",
        ];
        let mut feed = Feed::of(ids.len());
        for (person, id) in feed.people.iter_mut().zip(ids) {
            person.id = id.into();
        }
        world.import_feed(&feed).exits(0);
        world.assert_everyone_once(&feed);
        for person in &mut feed.people {
            person.city = "Groningen".into();
        }
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("updated"), ids.len() as u64);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn another_key_is_another_scope() {
    let mut world = World::new(Kmi);
    let feed = Feed::of(3);
    world.import_feed(&feed).exits(0);
    world.key = "another-key";
    // It may have replaced the first one: everybody would be created twice.
    let held = world.import().exits(4);
    assert_eq!((held.count("pending"), held.count("created")), (3, 0));
    assert!(
        held.stderr.contains("external IDs belong to a key"),
        "{held:#?}"
    );
    // The login names belong to the people of the first key.
    let ran = world.import_with(&["--allow", "creates=3"]).exits(3);
    assert_eq!(ran.count("rejected"), 3);
    world.lms.reset_stats();
    world.key = "test-key";
    assert_eq!(world.import().exits(0).count("unchanged"), 3);
    assert_eq!(world.lms.stats().requests(), 0);
}

#[test]
fn the_exit_code_says_how_it_ended() {
    let world = World::new(Kmi);
    // 5, 6 and 1 are in the other files, with what leads to them.
    world.import_feed(&Feed::of(3)).exits(0);
    // A feed without a row is held: `min_rows` is 1.
    world.import_feed(&Feed::default()).exits(4);
    let wrong = Feed::of(3).change(1, |person| person.email.clear());
    world.import_feed(&wrong).exits(3);
    world.run(&["import", "people.csv"]).exits(2);
    world.run(&["imprt"]).exits(2);
    world
        .run(&["import", "people.csv", "-m", "mapping.toml", "--outcome"])
        .exits(2);
    world.run(&["--version"]).exits(0);
}

#[test]
fn without_json_a_person_reads_what_was_done_and_what_to_do_next() {
    let world = World::new(Kmi);
    let feed = Feed::of(3).change(1, |person| person.email = "nobody".into());
    world.feed(&feed);
    let arguments = ["import", "people.csv", "-m", "mapping.toml"];
    let ran = world.run(&arguments).exits(3);
    for word in ["created", "rejected", "e-mail", "hrfeed rows"] {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
    assert!(!ran.said().contains('\u{1b}'), "colour in a pipe: {ran:?}");
    let quiet = world.run(&[&arguments[..], &["-q"]].concat()).exits(3);
    let said = "Import finished. 2 people are up to date; 1 row was rejected.\n";
    assert_eq!(quiet.said(), said);
}

#[test]
fn no_level_of_logging_shows_a_secret_or_a_person() {
    on_each_system(|system| {
        let world = World::new(system);
        world.feed(&Feed::of(3));
        let ran = world
            .run(&["import", "people.csv", "-m", "mapping.toml", "-vvv"])
            .exits(0);
        let said = ran.said().to_lowercase();
        for secret in ["quimby", "example.com", "žofie", "test-key", "s3cret"] {
            assert!(!said.contains(secret), "`{secret}` is in {said}");
        }
    });
}

#[test]
fn twice_verbose_names_every_call_and_no_person() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(3));
    let ran = world
        .run(&["import", "people.csv", "-m", "mapping.toml", "-vv"])
        .exits(0);
    assert_eq!(
        ran.stderr.matches("POST users/").count(),
        3,
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("GET users/"), "{}", ran.stderr);
    assert!(!ran.stderr.contains('@'), "{}", ran.stderr);
}
