//! What waits for a person: who sees it where, and how a person decides.

use hrfeed::feed::{Feed as OpenFeed, FeedError, FeedOptions, FeedSource};
use serde_json::{Value, json};

use crate::support::System::{self, Kmi};
use crate::support::{Feed, Person, Ran, World, on_each_system, run, wait_until};

const PLAN: &[&str] = &["plan", "people.csv", "-m", "mapping.toml"];

/// A world in which three of forty leavers are held as hold 1, in run 2.
fn with_three_held(system: System) -> (World, Feed) {
    let leavers = "[leavers]\naction = \"delete\"\n\n[guards]\nmax_leavers = 2";
    let world = World::new(system).parts(leavers);
    let mut feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    feed.people.truncate(37);
    feed.people[0].city = "Groningen".into();
    world.import_feed(&feed).exits(4);
    world.lms.reset_stats();
    (world, feed)
}

fn hold_1(world: &World) -> Value {
    let held = world.run(&["hold", "1", "--json"]).exits(0).json();
    held["holds"][0].clone()
}

fn ids(people: &Value) -> Vec<&str> {
    let people = people.as_array().unwrap().iter();
    people
        .map(|it| it["external_id"].as_str().unwrap())
        .collect()
}

#[test]
fn who_is_held_is_listed_and_removed_only_once_a_person_approves() {
    on_each_system(|system| {
        let (world, feed) = with_three_held(system);
        let shown = world.run(&["show", "--json"]).exits(0).json();
        assert_eq!(shown["counts"]["updated"], 1);
        let hold = &shown["holds"][0];
        assert_eq!(
            (&hold["id"], &hold["kind"], &hold["people"], &hold["state"]),
            (&json!(1), &json!("leavers"), &json!(3), &json!("open"))
        );
        assert_eq!((&hold["new"], &hold["since_run"]), (&json!(3), &json!("2")));
        let listed = world.run(&["hold", "1", "--json"]).exits(0).json();
        let three = ["E00038", "E00039", "E00040"];
        assert_eq!(ids(&listed["people"]), three);
        let rows = world.run(&["rows", "--outcome", "held,updated", "--json"]);
        let rows = rows.exits(0).json_lines();
        assert_eq!(rows.len(), 4);
        assert_eq!(
            (&rows[0]["row"], &rows[0]["hold"]),
            (&json!(2), &Value::Null)
        );
        assert_eq!(
            (&rows[1]["hold"], &rows[1]["outcome"]),
            (&json!(1), &json!("held"))
        );

        let reason = ["approve", "1", "--reason", "the site closed", "--json"];
        let approved = world.run(&reason).exits(0).json();
        assert_eq!(approved["holds"][0]["state"], "approved");
        let decided = hold_1(&world)["decided"].clone();
        assert_eq!(decided["reason"], "the site closed");
        assert!(decided["by"].as_str().unwrap().contains('@'), "{decided}");
        assert_eq!(world.lms.stats().requests(), 0, "a decision asks nobody");

        let ran = world.import().exits(0);
        assert_eq!(ran.count("deleted"), 3);
        assert_eq!(ran.json()["holds"][0]["state"], "carried_out");
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_part_is_approved_and_the_others_stay_held_until_they_are_refused() {
    on_each_system(|system| {
        let (world, mut feed) = with_three_held(system);
        let some = ["approve", "1", "--only", "E00038, E00040"];
        let text = world.run(&some).exits(0).stdout;
        assert!(
            text.contains("The other person stays held: hold 2"),
            "{text}"
        );
        let ran = world.import().exits(4);
        assert_eq!(ran.count("deleted"), 2);
        assert_eq!(world.import().exits(4).count("deleted"), 0);
        world.run(&["refuse", "2"]).exits(0);
        let ran = world.import().exits(0);
        assert_eq!((ran.count("deleted"), ran.count("unchanged")), (0, 37));
        feed.people.push(Feed::of(39).people.remove(38));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_refusal_is_taken_back_for_some_and_then_for_the_others() {
    on_each_system(|system| {
        let (world, feed) = with_three_held(system);
        world.run(&["refuse", "1"]).exits(0);
        assert_eq!(world.import().exits(0).count("deleted"), 0);
        // What was refused is not approved by mistake.
        for decision in ["approve", "refuse"] {
            let words = world.run(&[decision, "1"]).exits(2).stderr;
            assert!(words.contains("`hrfeed refuse 1 --take-back`"), "{words}");
        }
        world.import_with(&["--approve", "1"]).exits(2);

        let some = ["refuse", "1", "--take-back", "--only", "E00038"];
        let text = world.run(&some).exits(0).stdout;
        let stays = "The other 2 people stay refused: hold 2";
        assert!(text.contains(stays), "{text}");
        let ran = world.changes_nothing(World::import).exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 1)]);
        let hold = ran.hold("leavers");
        let words = world.run(&["refuse", &hold, "--take-back"]).exits(2).stderr;
        assert!(words.contains("no refusal to take back"), "{words}");
        world.run(&["approve", &hold]).exits(0);
        assert_eq!(world.import().exits(0).count("deleted"), 1);
        assert_eq!(world.import().exits(0).count("deleted"), 0);
        world.run(&["refuse", "2", "--take-back"]).exits(0);
        let ran = world.import_with(&["--approve", "2"]).exits(0);
        assert_eq!(ran.count("deleted"), 2);
        assert_eq!(world.hold_state("2"), "carried_out");
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn the_people_of_a_hold_are_shown_in_the_rows_where_they_are_now() {
    let world = World::new(Kmi);
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    let mut renamed = feed.clone();
    for person in &mut renamed.people[..4] {
        person.id = format!("N{}", person.id);
    }
    world.import_feed(&renamed).exits(4);
    world.run(&["approve", "1", "--only", "NE00001"]).exits(0);
    world.import().exits(4);
    // The rows of those held are others' now.
    let mut turned = renamed.clone().change(20, |it| it.city = "Zutphen".into());
    turned.people.rotate_left(20);
    let ran = world.import_feed(&turned).exits(4);
    assert_eq!((ran.count("updated"), ran.count("pending")), (1, 3));
    assert_eq!(ran.count("unchanged"), 36);
    let message = ran.json()["message"].clone();
    let why = "3 people of hold 1 are still to be decided";
    assert!(message.as_str().unwrap().contains(why), "{message}");
    let rows = world.run(&["rows", "--outcome", "held,updated", "--json"]);
    let found: Vec<_> = (rows.exits(0).json_lines().iter())
        .map(|line| (line["row"].clone(), line["external_id"].clone()))
        .collect();
    let expected = [
        (2, "E00021"),
        (23, "NE00002"),
        (24, "NE00003"),
        (25, "NE00004"),
    ];
    assert_eq!(found, expected.map(|(row, id)| (json!(row), json!(id))));
    let held = world.held_people("2");
    let rows: Vec<_> = held.iter().map(|person| person["row"].as_str()).collect();
    assert_eq!(rows, ["23", "24", "25"]);

    // So are those of a hold about which nobody decided.
    let world = World::new(Kmi);
    world.import_feed(&feed).exits(0);
    world.import_feed(&renamed).exits(4);
    let mut turned = renamed;
    turned.people.rotate_left(20);
    world.import_feed(&turned).exits(4);
    assert_eq!(world.hold_state("1"), "open");
    assert_eq!(world.held_people("1")[0]["row"], "22");
}

#[test]
fn a_hold_whose_refusal_was_taken_back_and_that_lapses_says_so() {
    on_each_system(|system| {
        let (world, _) = with_three_held(system);
        world.run(&["refuse", "1"]).exits(0);
        world.run(&["refuse", "1", "--take-back"]).exits(0);
        let shown = world.run(&["holds"]).exits(0).stdout;
        assert!(!shown.contains(" by "), "{shown}");
        // Everybody is back in the feed.
        world.import_feed(&Feed::of(40)).exits(0);
        let shown = world.run(&["holds", "--all"]).exits(0).stdout;
        assert!(!shown.contains("open by"), "{shown}");
        let words: Vec<_> = shown.split_whitespace().collect();
        assert!(words.join(" ").contains("refusal taken back by"), "{shown}");
    });
}

#[test]
fn an_approval_is_taken_back_for_some_and_stands_for_the_others() {
    on_each_system(|system| {
        let (world, mut feed) = with_three_held(system);
        world.run(&["approve", "1", "--reason", "seen"]).exits(0);
        let some = ["refuse", "1", "--only", "E00038"];
        let text = world.run(&some).exits(0).stdout;
        let stays = "The other 2 people stay approved: hold 2";
        assert!(text.contains(stays), "{text}");
        let hold = world.run(&["hold", "2", "--json"]).exits(0).json();
        assert_eq!(hold["holds"][0]["decided"]["reason"], "seen");
        let ran = world.import().exits(0);
        assert_eq!(ran.count("deleted"), 2);
        assert_eq!(world.hold_state("1"), "refused");
        assert_eq!(world.hold_state("2"), "carried_out");
        feed.people.push(Feed::of(38).people.remove(37));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_refused_change_of_a_row_is_sent_once_the_refusal_is_taken_back() {
    let (world, feed) = with_two_renumbered();
    world.run(&["refuse", "1"]).exits(0);
    let ran = world.import().exits(0);
    assert_eq!((ran.count("updated"), ran.held()), (0, vec![]));
    world.run(&["refuse", "1", "--take-back"]).exits(0);
    let ran = world.import_with(&["--approve", "1"]).exits(0);
    assert_eq!((ran.count("updated"), ran.held()), (2, vec![]));
    assert_eq!(world.hold_state("1"), "carried_out");
    world.assert_everyone_once(&feed);
}

#[test]
fn a_refused_leaver_who_was_back_in_the_feed_is_judged_anew() {
    on_each_system(|system| {
        let (world, mut feed) = with_three_held(system);
        world.run(&["refuse", "1"]).exits(0);
        let back = Feed::of(39).people.remove(38);
        feed.people.push(back.clone());
        // A plan changes nothing.
        world.feed(&feed);
        world.run(PLAN).exits(0);
        assert_eq!(hold_1(&world)["people"], 3);
        world.import().exits(0);
        let hold = hold_1(&world);
        assert_eq!(
            (&hold["people"], &hold["state"]),
            (&json!(2), &json!("refused"))
        );

        feed.people.pop();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("deleted"), 1);
        assert!(world.lms.with_id(&back.id).is_empty());
        assert_eq!(world.lms.people().len(), 39);
        assert_eq!(world.hold_state("1"), "refused");
    });
}

#[test]
fn what_is_held_beside_what_was_approved_is_not_called_all() {
    on_each_system(|system| {
        let (world, mut feed) = with_three_held(system);
        world.run(&["approve", "1"]).exits(0);
        feed.people.truncate(34);
        let ran = world.import_feed(&feed).exits(4);
        assert_eq!((ran.count("deleted"), ran.held()[0].1), (3, 3));
        let message = ran.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(", so they were not removed"), "{message}");
        assert!(!ran.said().contains("nobody"), "{ran:#?}");
    });
}

#[test]
fn an_import_approves_a_hold_and_carries_it_out() {
    on_each_system(|system| {
        let (world, feed) = with_three_held(system);
        // Only where the mapping is that of the hold.
        world.write("other.toml", world.mapping());
        let other = ["import", "people.csv", "-m", "other.toml", "--approve", "1"];
        let ran = world.run(&other).exits(2);
        assert!(ran.stderr.contains("belongs to another import"), "{ran:?}");
        assert_eq!(hold_1(&world)["state"], "open");

        let ran = world.import_with(&["--approve", "1"]).exits(0);
        assert_eq!(ran.count("deleted"), 3);
        let hold = hold_1(&world);
        assert_eq!(hold["state"], "carried_out");
        assert_eq!(hold["carried_out_by"], ran.json()["run"]);
        assert!(hold["decided"]["by"].is_string());
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn what_cannot_be_decided_says_why_and_what_to_do() {
    let (world, mut feed) = with_three_held(Kmi);
    let refused = |arguments: &[&str], words: &[&str]| {
        let ran = world.run(arguments).exits(2);
        for word in words {
            assert!(ran.stderr.contains(word), "`{word}` is missing: {ran:#?}");
        }
    };
    refused(&["approve", "9"], &["no hold 9", "`hrfeed holds`"]);
    refused(&["refuse", "all"], &["`all` is not the number of a hold"]);
    refused(&["hold", "9"], &["no hold 9"]);
    let strangers = ["approve", "1", "--only", "E00038,E7"];
    refused(&strangers, &["not in hold 1: E7", "nothing was recorded"]);
    assert_eq!(hold_1(&world)["state"], "open");

    feed.people.truncate(36);
    world.import_feed(&feed).exits(4);
    let words = ["replaced by hold 2", "`hrfeed hold 2`"];
    refused(&["approve", "1"], &words);
    let hold = world.run(&["hold", "2", "--json"]).exits(0).json();
    let hold = &hold["holds"][0];
    assert_eq!((&hold["people"], &hold["new"]), (&json!(4), &json!(1)));

    world.run(&["approve", "2"]).exits(0);
    refused(
        &["approve", "2"],
        &["already approved", "takes the approval back"],
    );
    world.import().exits(0);
    refused(
        &["refuse", "2"],
        &["carried out by run 4", "`hrfeed rows 4`"],
    );
    world.run(&["holds", "--all"]).exits(0);
    let none = world.run(&["holds"]).exits(0).stdout;
    assert!(none.contains("No hold waits for a decision"), "{none}");
}

/// A world in which two people came under other external IDs, in run 2.
fn with_two_renumbered() -> (World, Feed) {
    let world = World::new(Kmi);
    let mut feed = Feed::of(20);
    world.import_feed(&feed).exits(0);
    feed.people[3].id = "N4".into();
    feed.people[3].first = "=1+1".into();
    feed.people[8].id = "N9".into();
    world.import_feed(&feed).exits(4);
    (world, feed)
}

#[test]
fn the_rows_of_held_people_are_copied_as_they_are_for_somebody_who_knows_them() {
    let (world, feed) = with_two_renumbered();
    let copy = world
        .run(&["hold", "1", "--as-feed", "people.csv"])
        .exits(0);
    let mut reader =
        csv::Reader::from_reader(copy.stdout.trim_start_matches('\u{feff}').as_bytes());
    let columns = reader.headers().unwrap().clone();
    assert_eq!(&columns[0], "Employee ID");
    assert_eq!(&columns[columns.len() - 1], "hrfeed: reason");
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!((&rows[0][0], &rows[1][0]), ("N4", "N9"));
    assert_eq!(&rows[0][1], "'=1+1", "no formula runs");
    assert_eq!(&rows[1][1], feed.people[8].first);
    assert!(rows[0][columns.len() - 1].contains("E00004"), "{rows:?}");

    world
        .run(&["hold", "1", "--as-feed", "people.csv", "-o", "look.xlsx"])
        .exits(0);
    let file = FeedSource::from_argument(world.path("look.xlsx"));
    let mut sheet = OpenFeed::open(&file, &FeedOptions::default()).unwrap();
    assert_eq!(sheet.columns().len(), columns.len());
    let mut firsts = Vec::new();
    let read = sheet.read(
        |records| {
            records
                .next_record()
                .map(|it| it.cell(1).unwrap().text.to_owned())
        },
        |first, _| {
            firsts.extend(first);
            Ok::<_, FeedError>(())
        },
    );
    read.unwrap();
    assert_eq!(firsts, ["=1+1"], "a workbook has it as text");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(world.path("look.xlsx"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // Another feed may have other people in these rows.
    world.feed(&Feed::of(20));
    let ran = world
        .run(&["hold", "1", "--as-feed", "people.csv"])
        .exits(2);
    assert!(
        ran.stderr.contains("is not the one in which run 2"),
        "{ran:?}"
    );
}

#[test]
fn a_value_is_shown_only_to_who_asked_for_it() {
    let (world, feed) = with_two_renumbered();
    let login = feed.people[8].login.to_lowercase();
    for arguments in [
        &["hold", "1"][..],
        &["hold", "1", "--format", "csv"],
        &["hold", "1", "--json"],
        &["rows", "--json"],
        &["show"],
        PLAN,
    ] {
        let said = world.run(arguments).said().to_lowercase();
        assert!(!said.contains(&login), "{arguments:?}: {said}");
    }
    assert!(!world.journal_text().contains(&login));
    let shown = world.run(&["hold", "1", "--show-values"]).exits(0).stdout;
    assert!(shown.contains(&login), "{shown}");
}

#[test]
fn a_hold_that_a_killed_run_had_begun_is_not_called_carried_out() {
    let (world, _) = with_three_held(Kmi);
    world.run(&["approve", "1"]).exits(0);
    world.lms.set_faults(&json!({"latency": 0.1}));
    let world = world.target("max_in_flight = 1");
    let run = world.start_import();
    wait_until("somebody is gone", || world.lms.people().len() < 40);
    run.kill();
    let hold = hold_1(&world);
    assert_eq!(
        (&hold["state"], &hold["carried_out_by"]),
        (&json!("approved"), &Value::Null)
    );
    let ran = world.resume().exits(0);
    let hold = hold_1(&world);
    assert_eq!(
        (&hold["state"], &hold["carried_out_by"]),
        (&json!("carried_out"), &ran.json()["run"])
    );
}

#[test]
fn a_hold_that_a_run_carried_out_before_it_was_killed_is_called_carried_out_by_it() {
    on_each_system(|system| {
        let (world, mut feed) = with_three_held(system);
        world.run(&["approve", "1"]).exits(0);
        feed.people.push(Person::new(50));
        world.feed(&feed);
        let ran = world.import().exits(0);
        assert_eq!((ran.count("deleted"), ran.count("created")), (3, 1));
        // As if it had been killed before its end, with everything sent.
        world.change_journal(
            "UPDATE runs SET state = 1, ended = NULL WHERE id = 3;
             UPDATE holds SET state = 2, closed = NULL WHERE id = 1;",
        );
        let ran = world.import().exits(0);
        assert_eq!((ran.count("deleted"), ran.held()), (0, vec![]));
        let hold = hold_1(&world);
        let by = (&hold["state"], &hold["carried_out_by"]);
        assert_eq!(by, (&json!("carried_out"), &json!("3")));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn an_approval_that_is_too_old_is_shown_as_lapsed_before_any_run_notes_it() {
    let (world, _) = with_three_held(Kmi);
    world.run(&["approve", "1"]).exits(0);
    let hour = 3_600_000_000_i64;
    world.change_journal(&format!(
        "UPDATE holds SET decided = decided - {}",
        169 * hour
    ));
    assert_eq!(hold_1(&world)["state"], "lapsed");
    assert_eq!(world.hold_state("1"), "lapsed");
    let holds = world.run(&["holds"]).exits(0).stdout;
    let (approved, lapsed) = (holds.find("approved by"), holds.find("; lapsed"));
    assert!(approved.is_some() && approved < lapsed, "{holds}");
    assert!(!holds.contains("valid until"), "{holds}");
    for (state, people) in [("lapsed", 1), ("approved", 0)] {
        let holds = world.run(&["holds", "--state", state, "--json"]).exits(0);
        assert_eq!(holds.json()["holds"].as_array().unwrap().len(), people);
    }
    for command in ["approve", "refuse"] {
        let ran = world.run(&[command, "1"]).exits(2);
        assert!(ran.stderr.contains("hold 1 has lapsed"), "{ran:#?}");
    }
    let ran = world.import_with(&["--approve", "1"]).exits(2);
    assert!(ran.stderr.contains("hold 1 has lapsed"), "{ran:#?}");
    // The next import holds these people anew.
    let ran = world.import().exits(4);
    assert_eq!(
        (ran.count("deleted"), ran.hold("leavers")),
        (0, "2".to_owned())
    );
    assert_eq!(world.hold_state("1"), "lapsed");
}

#[test]
fn an_end_that_the_journal_does_not_take_is_a_failure_whatever_is_held() {
    let (world, _) = with_three_held(Kmi);
    world.change_journal(
        "CREATE TRIGGER full BEFORE INSERT ON profiles \
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;",
    );
    let ran = world.import().exits(1);
    assert!(ran.stderr.contains("the disk is full"), "{ran:#?}");
}

#[test]
fn the_object_on_stdout_and_the_file_do_not_shut_each_other_out() {
    let (world, feed) = with_two_renumbered();
    let text = |name: &str| std::fs::read_to_string(world.path(name)).unwrap();
    for (name, more, wanted) in [
        ("list.csv", &[][..], "N9"),
        ("copy.csv", &["--as-feed", "people.csv"], "Work e-mail"),
    ] {
        let arguments = [&["hold", "1", "--json", "-o", name], more].concat();
        let ran = world.run(&arguments).exits(0);
        assert_eq!(ids(&ran.json()["people"]), ["N4", "N9"]);
        assert!(text(name).contains(wanted), "{}", text(name));
        assert!(!ran.stdout.contains(&feed.people[8].city), "{ran:#?}");
    }
    let ran = world.run(&["hold", "1", "--json", "--as-feed", "people.csv"]);
    let ran = ran.exits(2);
    assert_eq!(ran.json()["exit_code"], 2);
    assert!(ran.stderr.contains("`-o look.csv`"), "{ran:#?}");
}

#[test]
fn values_come_from_the_feed_that_is_named() {
    let world = World::new(Kmi);
    let mut feed = Feed::of(20);
    world.import_feed(&feed).exits(0);
    feed.people[8].id = "N9".into();
    let bytes = feed.csv(Kmi);
    world
        .run_with_stdin(&["import", "-", "-m", "mapping.toml"], &bytes)
        .exits(4);
    let hold = ["hold", "1", "--show-values"];
    let ran = world.run(&hold).exits(2);
    assert!(ran.stderr.contains("`--as-feed FEED`"), "{ran:#?}");

    world.write("kept.csv", &bytes);
    let login = feed.people[8].login.to_lowercase();
    let with = |more: &[&str]| {
        let arguments = [&hold[..], &["--as-feed", "kept.csv"], more].concat();
        world.run(&arguments).exits(0).stdout
    };
    let table = with(&[]);
    assert!(
        table.contains("Known as") && table.contains(&login),
        "{table}"
    );
    let json: Value = serde_json::from_str(&with(&["--json"])).unwrap();
    assert_eq!(json["people"][0]["values"]["loginName"], login);
    // A copy has them beside the reason, as the LMS would get them.
    let reason = format!("loginName `{login}`");
    let copy = with(&["--format", "csv"]);
    assert!(
        copy.contains("Work e-mail") && copy.contains(&reason),
        "{copy}"
    );
    with(&["-o", "look.csv"]);
    let copy = std::fs::read_to_string(world.path("look.csv")).unwrap();
    assert!(
        copy.contains("Work e-mail") && copy.contains(&reason),
        "{copy}"
    );
}

#[test]
fn a_plan_says_who_would_be_held_and_what_would_change() {
    on_each_system(|system| {
        let (world, feed) = with_three_held(system);
        let feed = feed.change(4, |person| person.city = "Assen".into());
        world.feed(&feed);
        let plan = world.run(&[PLAN, &["--json"]].concat()).exits(4).json();
        assert_eq!(plan["holds"][0]["people"], 3);
        let lines = world
            .run(&[PLAN, &["--format", "json"]].concat())
            .exits(4)
            .json_lines();
        let city = if system == Kmi { "city" } else { "residence" };
        let changed = lines.iter().find(|line| line["outcome"] == "updated");
        assert_eq!(changed.unwrap()["changed"], json!([city]));
        let held = lines.iter().filter(|line| line["outcome"] == "held");
        assert_eq!(held.count(), 3);
        let plan = world.run(PLAN).exits(4).stdout;
        assert!(
            plan.contains("An import would hold back 3 removals."),
            "{plan}"
        );
        assert!(!plan.contains("Assen"), "{plan}");
        let values = world
            .run(&[PLAN, &["--show-values"]].concat())
            .exits(4)
            .stdout;
        assert!(values.contains("Assen"), "{values}");
    });
}

#[test]
fn what_is_held_and_who_decided_is_on_the_page() {
    let (world, _) = with_three_held(Kmi);
    let page = |name: &str| {
        world.run(&["report", "2", "-o", name]).exits(0);
        std::fs::read_to_string(world.path(name)).unwrap()
    };
    let open = page("open.html");
    for part in ["<b>3</b>leavers held", "hrfeed approve 1", "E00039"] {
        assert!(open.contains(part), "{part}");
    }
    world
        .run(&["refuse", "1", "--reason", "they are on leave"])
        .exits(0);
    let refused = page("refused.html");
    assert!(refused.contains("they are on leave"), "{refused}");
}

fn assert_envelope(ran: &Ran, command: &Value, code: u8) {
    let object = ran.json();
    for field in [
        "target",
        "mapping",
        "started",
        "ended",
        "run",
        "state",
        "feed",
        "counts",
        "calls",
        "elapsed_seconds",
        "message",
        "notes",
        "holds",
        "proof",
    ] {
        assert!(object.get(field).is_some(), "no {field}: {object:#}");
    }
    assert_eq!(
        (&object["schema"], &object["command"]),
        (&json!(1), command)
    );
    assert_eq!(object["exit_code"], code);
    assert_eq!(object["hrfeed"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_command_prints_one_envelope_however_it_ends() {
    let (world, _) = with_three_held(Kmi);
    let check = ["check", "people.csv", "-m", "mapping.toml", "--json"];
    let ran = world.run(&check).exits(0);
    assert_envelope(&ran, &json!("check"), 0);
    assert_eq!(ran.json()["target"]["system"], "kmi");
    assert!(
        ran.json()["mapping"]
            .as_str()
            .unwrap()
            .ends_with("mapping.toml")
    );
    assert_envelope(&world.import().exits(4), &json!("import"), 4);
    // The run's code, not that of the command.
    let shown = world.run(&["show", "--json"]).exits(0);
    assert_envelope(&shown, &json!("show"), 4);
    let listed = world.run(&["holds", "--json"]).exits(0);
    assert_envelope(&listed, &json!("holds"), 0);
    for (arguments, command) in [
        (
            &["import", "--no-such-option", "--json"][..],
            json!("import"),
        ),
        (
            &[
                "import",
                "people.csv",
                "-m",
                "mapping.toml",
                "--allow",
                "leavers",
                "--json",
            ],
            json!("import"),
        ),
        (&["rows", "99", "--json"], json!("rows")),
        (&["approve", "99", "--json"], json!("approve")),
        (
            &["init", "people.csv", "--target", "sap", "--json"],
            json!("init"),
        ),
        (&["destroy", "--json"], Value::Null),
    ] {
        let ran = world.run(arguments).exits(2);
        assert_envelope(&ran, &command, 2);
        assert_eq!(ran.json()["state"], "failed");
        let message = ran.json()["message"].as_str().unwrap().to_owned();
        assert!(ran.stderr.contains(&message), "{ran:#?}");
    }
    let missing = world.run(&["check", "missing.csv", "-m", "mapping.toml", "--json"]);
    assert_eq!(missing.exits(1).json()["feed"]["path"], "missing.csv");
}

#[test]
fn a_kind_without_a_number_is_an_error_that_shows_the_right_form() {
    for (allow, form) in [
        ("leavers", "leavers=40"),
        ("creates=all", "creates=40"),
        ("emptied", "emptied="),
        ("leaver=3", "leavers=N"),
    ] {
        let ran = run(&["import", "people.csv", "-m", "m.toml", "--allow", allow]).exits(2);
        assert!(ran.stderr.contains(form), "{ran:?}");
    }
}
