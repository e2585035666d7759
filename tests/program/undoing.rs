//! The way back of a run that was imported with `--undoable`.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::Value;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, KEY, Person, Ran, UNDO_KEY, World, on_each_system, wait_until};

/// All guards let everything pass.
const ALL: &str = "[guards]\nmax_leavers = \"100%\"\nmax_creates = \"100%\"\n\
                   max_updates = \"100%\"\nmax_lost = \"100%\"\nmax_shrink = \"100%\"\n\
                   max_identities = \"100%\"";

/// What a leaver becomes on a system without further ado.
fn removal(system: System) -> &'static str {
    match system {
        Kmi => "delete",
        AnewSpring => "deactivate",
    }
}

fn world(system: System, action: &str, more: &str) -> World {
    let leavers = match action {
        "set" => match system {
            Kmi => "action = \"set\"\nset = { expirationDate = \"2020-01-31\" }",
            AnewSpring => "action = \"set\"\nset = { active = false, custom1 = \"gone\" }",
        },
        "ignore" => "",
        action => &format!("action = \"{action}\""),
    };
    let fields = match (system, action) {
        (AnewSpring, "set") => "active = true",
        _ => "",
    };
    World::new(system)
        .fields(fields)
        .parts(&format!("[leavers]\n{leavers}\n{ALL}\n{more}"))
}

/// The latest run's number.
fn latest(world: &World) -> String {
    let runs = world.run(&["runs", "--json"]).exits(0).json();
    let id = &runs["runs"][0]["run"];
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// Imports the feed as a run that can be undone. Returns its number.
fn undoable(world: &World, feed: &Feed, code: i32) -> String {
    world.feed(feed);
    world.import_with(&["--undoable"]).exits(code);
    latest(world)
}

fn undo(world: &World, run: &str, more: &[&str]) -> Ran {
    world.run(&[&["undo", run, "-m", "mapping.toml", "--json"], more].concat())
}

/// The LMS's people with an external ID, without what every write changes.
fn people(world: &World) -> BTreeMap<String, Value> {
    let people = world.lms.people().into_iter().map(|mut person| {
        let id = person["externalId"].as_str().unwrap().to_owned();
        let fields = person.as_object_mut().unwrap();
        fields.remove("updatedDate");
        (id, person)
    });
    people.collect()
}

/// Changes the city of somebody, as an administrator would.
fn edit(world: &World, external_id: &str) {
    match world.system {
        Kmi => {
            let path = format!("/api/v2/users/external_id/{external_id}/");
            let city = "{\"city\":\"Edited\"}";
            let (status, body) = world.lms.ask("POST", &path, world.key, city);
            assert_eq!(status, 200, "{body}");
        }
        AnewSpring => world
            .lms
            .call(&format!("updateUser/{external_id}"), "residence=Edited"),
    }
}

/// A night: three are new, four changed, two gone.
fn night(whole: &Feed) -> Feed {
    let mut feed = whole.clone();
    feed.people.truncate(whole.people.len() - 2);
    for number in 0..3 {
        feed.people.push(Person::new(100 + number));
    }
    for index in 0..4 {
        feed = feed.change(index, |person| {
            person.city = "Changed".into();
            person.last = format!("New{index}");
        });
    }
    feed
}

#[test]
fn what_a_run_changed_becomes_what_it_was() {
    on_each_system(|system| {
        for action in [removal(system), "set", "delete"] {
            let world = world(system, action, "");
            let whole = Feed::of(20);
            world.import_feed(&whole).exits(0);
            edit(&world, "E00002");
            let before = people(&world);
            let run = undoable(&world, &night(&whole), 0);
            assert_ne!(people(&world), before);
            let planned = undo(&world, &run, &["--dry-run"]).exits(0);
            assert_ne!(people(&world), before);
            let again = u64::from(action == "delete") * 2;
            assert_eq!(planned.count("created"), again, "{planned:#?}");
            assert_eq!(planned.count("updated"), 6 - again, "{planned:#?}");
            let undone = undo(&world, &run, &[]).exits(0);
            assert_eq!(undone.count("created"), again, "{undone:#?}");
            assert_eq!(undone.count("updated"), 6 - again, "{undone:#?}");
            let lost = undone
                .notes()
                .iter()
                .any(|it| it.contains("history is lost"));
            assert_eq!(lost, again > 0, "{undone:#?}");
            let mut after = people(&world);
            // Whoever was created is gone, or set aside.
            for number in ["E00100", "E00101", "E00102"] {
                match (action, system) {
                    ("delete", _) => assert!(!after.contains_key(number)),
                    ("deactivate", _) => assert_eq!(after[number]["active"], false),
                    (_, Kmi) => assert_eq!(after[number]["expirationDate"], "2020-01-31"),
                    (_, AnewSpring) => assert_eq!(after[number]["custom1"], "gone"),
                }
                after.remove(number);
            }
            let number = match system {
                Kmi => "id",
                AnewSpring => "uid",
            };
            for (id, was) in &before {
                let (mut was, mut is) = (was.clone(), after[id].clone());
                if again > 0 && ["E00019", "E00020"].contains(&id.as_str()) {
                    // They have another account.
                    for it in [&mut was, &mut is] {
                        for name in [number, "registrationDate", "createdDate", "dateCreated"] {
                            it.as_object_mut().unwrap().remove(name);
                        }
                    }
                }
                assert_eq!(is, was, "{action}");
            }
            // Once is enough.
            let requests = world.lms.stats();
            let twice = undo(&world, &run, &[]).exits(0);
            assert_eq!(twice.count("updated") + twice.count("created"), 0);
            let writes = |stats: &crate::support::lms::Stats| stats.creates() + stats.updates();
            assert_eq!(writes(&world.lms.stats()), writes(&requests));
            // The next night of the same feed does what the run did.
            world.feed(&night(&whole));
            world.import().exits(0);
            for (index, person) in night(&whole).people.iter().enumerate() {
                if system == Kmi || index < 18 {
                    person.assert_is(system, &world.lms.person(&person.id));
                }
            }
        }
    });
}

#[test]
fn whom_somebody_changed_since_stays_and_is_named() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let before = people(&world);
        let run = undoable(&world, &night(&whole), 0);
        // One whom it changed, one whom it created.
        edit(&world, "E00001");
        edit(&world, "E00100");
        let edited = people(&world);
        let undone = undo(&world, &run, &[]).exits(3);
        assert_eq!(undone.count("rejected"), 1, "{undone:#?}");
        let after = people(&world);
        for id in ["E00001", "E00100"] {
            assert_eq!(after[id], edited[id]);
        }
        for id in ["E00002", "E00003", "E00004", "E00005"] {
            assert_eq!(after[id], before[id]);
        }
        let rows = world.rows();
        let kept: Vec<_> = (rows.iter())
            .filter(|row| row["outcome"] == "rejected")
            .map(|row| {
                assert!(
                    row["message"].as_str().unwrap().starts_with("kept: "),
                    "{row:#}"
                );
                row["external_id"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(kept, ["E00001", "E00100"]);
    });
}

#[test]
fn a_thousand_changes_go_back_but_for_the_twenty_that_were_edited_since() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(900);
        world.import_feed(&whole).exits(0);
        let before = people(&world);
        let mut feed = whole.clone();
        feed.people.truncate(700);
        for number in 0..400 {
            feed.people.push(Person::new(2_000 + number));
        }
        for index in 0..400 {
            feed = feed.change(index, |person| person.city = format!("Changed{index}"));
        }
        let run = undoable(&world, &feed, 0);
        // Ten whom it changed, ten whom it created.
        let edited: Vec<_> = (0..10)
            .flat_map(|it| [format!("E{:05}", 7 * it + 1), format!("E{:05}", 2_000 + it)])
            .collect();
        for id in &edited {
            edit(&world, id);
        }
        let changed = people(&world);
        let undone = undo(&world, &run, &[]).exits(3);
        assert_eq!(undone.count("rejected"), 10, "{undone:#?}");
        let after = people(&world);
        for (id, was) in &before {
            if edited.contains(id) {
                assert_eq!(after[id], changed[id]);
            } else if system == AnewSpring || id.as_str() <= "E00700" {
                assert_eq!(after[id], *was);
            } else {
                assert_eq!(after[id]["city"], was["city"], "created again");
            }
        }
        for number in 2_000..2_400 {
            let id = format!("E{number:05}");
            match (edited.contains(&id), system) {
                (true, _) => assert_eq!(after[&id], changed[&id]),
                (false, Kmi) => assert!(!after.contains_key(&id)),
                (false, AnewSpring) => assert_eq!(after[&id]["active"], false),
            }
        }
        let mut kept: Vec<_> = (world.rows().iter())
            .filter(|row| row["outcome"] == "rejected")
            .map(|row| row["external_id"].as_str().unwrap().to_owned())
            .collect();
        let mut edited = edited;
        kept.sort();
        edited.sort();
        assert_eq!(kept, edited);
    });
}

#[test]
fn each_person_is_read_once_before_the_first_change() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        world.lms.reset_stats();
        let run = undoable(&world, &night(&whole), 0);
        // Three are new, and looked for in any case.
        let look_ups = world.lms.stats().look_ups();
        assert_eq!(look_ups, 4 + 2 + 3, "{:?}", world.lms.stats().by_call());
        // Of a run without the option nothing is read, and nothing is kept.
        world.lms.reset_stats();
        world.import_feed(&whole).exits(0);
        let plain = latest(&world);
        let ran = undo(&world, &plain, &[]).exits(2);
        assert!(ran.stderr.contains("it kept nothing"), "{ran:#?}");
        assert_ne!(plain, run);
    });
}

#[test]
fn what_is_kept_is_sealed_and_leaves_with_the_person_and_in_time() {
    on_each_system(|system| {
        let world = world(system, removal(system), "[journal]\nkeep_undo = \"10d\"");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let run = undoable(&world, &night(&whole), 0);
        let text = world.journal_text();
        for secret in ["Zwolle", "Quimby", "Changed", "of which nobody knows"] {
            assert!(!text.contains(secret), "{secret}");
        }
        let count = || {
            let journal = rusqlite::Connection::open(world.path("journal.db")).unwrap();
            let sql = "SELECT (SELECT count(*) FROM earlier), (SELECT count(*) FROM undoable)";
            journal
                .query_row(sql, (), |row| <(i64, i64)>::try_from(row))
                .unwrap()
        };
        assert_eq!(count(), (9, 1));
        world.run(&["forget", "E00001"]).exits(0);
        assert_eq!(count(), (8, 1));
        let undone = undo(&world, &run, &["--dry-run"]).exits(0);
        assert_eq!(undone.count("updated"), if system == Kmi { 3 } else { 5 });
        world.pass_days(9);
        world.import().exits(0);
        assert_eq!(count(), (8, 1));
        world.pass_days(2);
        world.import().exits(0);
        assert_eq!(count(), (0, 0));
        undo(&world, &run, &[]).exits(2);
    });
}

#[test]
fn a_run_is_undone_with_its_key_and_its_mapping_alone() {
    let world = world(Kmi, "delete", "");
    let whole = Feed::of(20);
    world.import_feed(&whole).exits(0);
    world.feed(&night(&whole));
    let with = |arguments: &[&str], name: &str, key: Option<&str>| {
        let mut command = world.command(arguments);
        command.env_remove(UNDO_KEY).stdin(Stdio::null());
        if let Some(key) = key {
            command.env(name, key);
        }
        Ran::of(command.output().unwrap())
    };
    let import = [
        "import",
        "people.csv",
        "-m",
        "mapping.toml",
        "--undoable",
        "--json",
    ];
    let before = people(&world);
    let ran = with(&import, UNDO_KEY, None).exits(2);
    assert!(
        ran.stderr.contains("HRFEED_UNDO_KEY is not set"),
        "{ran:#?}"
    );
    let ran = with(&import, UNDO_KEY, Some("too short")).exits(2);
    assert!(ran.stderr.contains("fewer than 32 characters"), "{ran:#?}");
    assert_eq!(people(&world), before);
    let key = "0123456789abcdef0123456789abcdef";
    let file = world.write("undo.key", format!("{key}\n"));
    with(&import, "HRFEED_UNDO_KEY_FILE", file.to_str()).exits(0);
    let run = latest(&world);
    let after = people(&world);
    let undo = ["undo", &run, "--json"];
    let ran = with(&undo, UNDO_KEY, Some("0123456789abcdef0123456789abcdeg")).exits(2);
    assert!(
        ran.stderr.contains("under another HRFEED_UNDO_KEY"),
        "{ran:#?}"
    );
    world.write("other.toml", world.mapping());
    let other = ["undo", &run, "-m", "other.toml", "--json"];
    let ran = with(&other, UNDO_KEY, Some(key)).exits(2);
    assert!(ran.stderr.contains("with another mapping"), "{ran:#?}");
    let mut command = world.command(&undo);
    command.env(KEY, "another-key").env(UNDO_KEY, key);
    let ran = Ran::of(command.output().unwrap()).exits(2);
    assert!(
        ran.stderr.contains("another LMS address or API key"),
        "{ran:#?}"
    );
    assert_eq!(people(&world), after);
    with(&undo, UNDO_KEY, Some(key)).exits(0);
    let undone = latest(&world);
    let ran = with(&["undo", &undone], UNDO_KEY, Some(key)).exits(2);
    assert!(ran.stderr.contains(&format!("undid run {run}")), "{ran:#?}");
}

#[test]
fn whom_a_run_created_is_not_removed_unless_somebody_says_how() {
    on_each_system(|system| {
        let world = world(system, "ignore", "");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let run = undoable(&world, &night(&whole), 0);
        let ran = undo(&world, &run, &[]).exits(2);
        assert!(ran.stderr.contains("created 3 people"), "{ran:#?}");
        assert!(ran.stderr.contains("--created keep"), "{ran:#?}");
        let ran = undo(&world, &run, &["--created", "keep"]).exits(0);
        assert_eq!(ran.count("updated"), 4);
        world.lms.person("E00100");
        let ran = undo(&world, &run, &["--created", "delete"]).exits(0);
        assert_eq!((ran.count("deleted"), ran.count("updated")), (3, 0));
        assert!(world.lms.with_id("E00100").is_empty());
    });
}

#[test]
fn a_way_back_waits_for_approval_like_any_other_run() {
    on_each_system(|system| {
        let limits = "[guards]\nmax_leavers = 2\nmax_creates = \"100%\"\nmax_updates = \"100%\"";
        let world = World::new(system).parts(&format!(
            "[leavers]\naction = \"{}\"\n{limits}",
            removal(system)
        ));
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let mut feed = whole.clone();
        for number in 0..3 {
            feed.people.push(Person::new(100 + number));
        }
        let run = undoable(&world, &feed, 0);
        let waits = undo(&world, &run, &[]).exits(4);
        assert_eq!(waits.held(), [("leavers".to_owned(), 3)]);
        let hold = waits.hold("leavers");
        let is_there = || match system {
            Kmi => !world.lms.with_id("E00100").is_empty(),
            AnewSpring => world.lms.person("E00100")["active"] == true,
        };
        assert!(is_there());
        let other = world.import_with(&["--approve", &hold]).exits(2);
        let other_undo = format!("hold {hold} belongs to the undo of run {run}");
        assert!(other.stderr.contains(&other_undo), "{other:?}");
        assert_eq!(world.hold_state(&hold), "open");
        world.run(&["approve", &hold]).exits(0);
        // Nights between them neither drop the approval nor use it.
        world.import_feed(&feed).exits(0);
        let missing = world.import_feed(&whole).exits(4);
        assert_eq!(missing.held(), [("leavers".to_owned(), 3)]);
        world.import_feed(&feed).exits(0);
        assert!(is_there());
        assert_eq!(world.hold_state(&hold), "approved");
        undo(&world, &run, &[]).exits(0);
        assert!(!is_there());
        assert_eq!(world.hold_state(&hold), "carried_out");
    });
}

#[test]
fn an_interrupted_run_goes_back_from_where_it_was() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(30);
        world.import_feed(&whole).exits(0);
        let before = people(&world);
        let mut feed = whole.clone();
        for index in 0..20 {
            feed = feed.change(index, |person| person.city = "Changed".into());
        }
        world.feed(&feed);
        world.lms.set_faults(&serde_json::json!({"latency": 0.1}));
        let run = world.start(&[
            "import",
            "people.csv",
            "-m",
            "mapping.toml",
            "--undoable",
            "--json",
        ]);
        wait_until("some are changed", || {
            people(&world)
                .values()
                .any(|it| it.to_string().contains("Changed"))
        });
        run.kill();
        world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
        let run = latest(&world);
        undo(&world, &run, &[]).exits(0);
        assert_eq!(people(&world), before);
        // A resume would do again what was taken back.
        world.resume().exits(2);
    });
}

#[test]
fn a_resumed_run_keeps_what_people_were_like_before_its_first_change() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(30);
        world.import_feed(&whole).exits(0);
        let before = people(&world);
        let mut feed = whole.clone();
        for index in 0..20 {
            feed = feed.change(index, |person| person.city = "Changed".into());
        }
        world.feed(&feed);
        world.lms.set_faults(&serde_json::json!({"latency": 0.1}));
        let run = world.start(&[
            "import",
            "people.csv",
            "-m",
            "mapping.toml",
            "--undoable",
            "--json",
        ]);
        wait_until("some are changed", || {
            people(&world)
                .values()
                .any(|it| it.to_string().contains("Changed"))
        });
        run.kill();
        world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
        let run = latest(&world);
        world.resume().exits(0);
        let city = if system == Kmi { "city" } else { "residence" };
        assert_eq!(world.lms.person("E00020")[city], "Changed");
        // And so does a way back that is killed.
        world.lms.set_faults(&serde_json::json!({"latency": 0.1}));
        let back = world.start(&["undo", &run, "--json"]);
        wait_until("some are back", || {
            let people = people(&world);
            let is_back = |id: &str| people[id] == before[id];
            is_back("E00001") || is_back("E00002") || is_back("E00003")
        });
        back.kill();
        world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
        world.resume().exits(0);
        assert_eq!(people(&world), before);
    });
}

#[test]
fn roles_rights_and_groups_that_hrfeed_gave_go_back_too() {
    let world = world(
        AnewSpring,
        "deactivate",
        "[groups]\ncreate = true\ntype = { value = \"Learner\" }",
    );
    let whole = Feed::of(12).each(|index, parts| {
        parts.author = vec![format!("lib{}", index % 2)];
        parts.groups = vec![format!("g{}", index % 3)];
    });
    world.import_feed(&whole).exits(0);
    let before = people(&world);
    let mut feed = whole.clone();
    for index in 0..4 {
        let parts = feed.parts(index);
        parts.author = vec!["lib7".into()];
        parts.groups = Vec::new();
        parts.roles.push("Observer".into());
    }
    let run = undoable(&world, &feed, 0);
    assert_ne!(people(&world), before);
    let undone = undo(&world, &run, &[]).exits(0);
    assert_eq!(undone.count("updated"), 4, "{undone:#?}");
    let after = people(&world);
    for (id, was) in &before {
        let mut is = after[id].clone();
        // No call takes a role away.
        is["roles"] = was["roles"].clone();
        assert_eq!(is, *was);
    }
}

#[test]
fn who_came_back_in_a_run_leaves_again() {
    let world = world(AnewSpring, "deactivate", "");
    let whole = Feed::of(20);
    world.import_feed(&whole).exits(0);
    let mut feed = whole.clone();
    feed.people.truncate(18);
    world.import_feed(&feed).exits(0);
    let before = people(&world);
    assert_eq!(before["E00020"]["active"], false);
    let run = undoable(&world, &whole, 0);
    assert_eq!(world.lms.person("E00020")["active"], true);
    let undone = undo(&world, &run, &[]).exits(0);
    assert_eq!(undone.count("deactivated"), 2);
    assert_eq!(people(&world), before);
}

#[test]
fn what_a_later_run_changed_stays() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let before = people(&world);
        let run = undoable(&world, &night(&whole), 0);
        let later = night(&whole).change(0, |person| person.city = "Later".into());
        world.import_feed(&later).exits(0);
        let after = people(&world);
        let undone = undo(&world, &run, &[]).exits(3);
        assert_eq!(undone.count("rejected"), 1, "{undone:#?}");
        let now = people(&world);
        assert_eq!(now["E00001"], after["E00001"]);
        assert_eq!(now["E00002"], before["E00002"]);
    });
}

#[test]
fn of_whom_nothing_could_be_read_nothing_is_changed() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let before = people(&world);
        world.feed(&night(&whole));
        // For one person in two the LMS has no usable answer.
        world
            .lms
            .set_faults(&serde_json::json!({"wrong_person": 0.5, "latency": 0.0}));
        let ran = world.import_with(&["--undoable"]);
        world
            .lms
            .set_faults(&serde_json::json!({"wrong_person": 0.0}));
        let run = latest(&world);
        let failed = world.rows();
        let failed: Vec<_> = (failed.iter())
            .filter(|row| {
                let message = row["message"].as_str().unwrap_or_default();
                message.contains("earlier values could not be read")
            })
            .map(|row| row["external_id"].as_str().unwrap().to_owned())
            .collect();
        for id in &failed {
            assert_eq!(people(&world)[id], before[id], "{ran:#?}");
        }
        // Whatever else became of it, nobody is lost on the way back.
        undo(&world, &run, &[]);
        let after = people(&world);
        for (id, was) in &before {
            let is_again = system == Kmi && ["E00019", "E00020"].contains(&id.as_str());
            if !is_again {
                assert_eq!(after[id], *was, "{ran:#?}");
            }
        }
    });
}

/// Whether somebody on aNewSpring can sign in.
fn set_active(world: &World, external_id: &str, active: bool) {
    world.lms.call(
        &format!("updateUser/{external_id}"),
        &format!("active={active}"),
    );
}

#[test]
fn nobody_can_sign_in_afterwards_who_could_not_before_and_the_other_way_round() {
    // A leaver of a later run.
    let world = world(AnewSpring, "deactivate", "");
    let whole = Feed::of(20);
    world.import_feed(&whole).exits(0);
    let changed = whole
        .clone()
        .change(19, |person| person.city = "Changed".into());
    let run = undoable(&world, &changed, 0);
    let mut fewer = changed.clone();
    fewer.people.truncate(19);
    world.import_feed(&fewer).exits(0);
    undo(&world, &run, &[]).exits(3);
    assert_eq!(world.lms.person("E00020")["active"], false);

    // Somebody whom an administrator had deactivated before the run did.
    let world = self::world(AnewSpring, "deactivate", "");
    world.import_feed(&whole).exits(0);
    set_active(&world, "E00020", false);
    let mut fewer = whole.clone();
    fewer.people.truncate(19);
    let run = undoable(&world, &fewer, 0);
    undo(&world, &run, &[]).exits(0);
    assert_eq!(world.lms.person("E00020")["active"], false);

    // A leaver whom an administrator had let in again before the run did.
    let world = self::world(AnewSpring, "deactivate", "");
    world.import_feed(&whole).exits(0);
    world.import_feed(&fewer).exits(0);
    set_active(&world, "E00020", true);
    let run = undoable(&world, &whole, 0);
    undo(&world, &run, &[]).exits(0);
    assert_eq!(world.lms.person("E00020")["active"], true);
}

#[test]
fn what_a_right_import_did_afterwards_is_not_undone_with_the_wrong_one() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let run = undoable(&world, &night(&whole), 0);
        undo(&world, &run, &[]).exits(0);
        // The right feed has the same people.
        world.import_feed(&night(&whole)).exits(0);
        let after = people(&world);
        undo(&world, &run, &[]).exits(3);
        assert_eq!(people(&world), after);
    });
}

/// Starts to undo a run and kills it while some of these people are changed.
fn kill_undo(world: &World, run: &str, more: &[&str], is_begun: impl Fn() -> bool) {
    world.lms.set_faults(&serde_json::json!({"latency": 0.1}));
    let back = world.start(&[&["undo", run, "--json"], more].concat());
    wait_until("some are back", is_begun);
    back.kill();
    world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
}

#[test]
fn a_killed_way_back_goes_on_as_it_began() {
    let world = world(AnewSpring, "delete", "");
    let whole = Feed::of(20);
    world.import_feed(&whole).exits(0);
    let mut feed = whole.clone();
    for number in 0..12 {
        feed.people.push(Person::new(100 + number));
    }
    let run = undoable(&world, &feed, 0);
    let id = |number: usize| format!("E{:05}", 100 + number);
    let inactive = || {
        let people = people(&world);
        (0..12)
            .filter(|it| people[&id(*it)]["active"] == false)
            .count()
    };
    kill_undo(&world, &run, &["--created", "deactivate"], || {
        inactive() > 0
    });
    world.resume().exits(0);
    assert_eq!(inactive(), 12);
}

#[test]
fn who_was_edited_while_a_way_back_was_interrupted_stays() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let before = people(&world);
        let mut feed = whole.clone();
        for index in 0..20 {
            feed = feed.change(index, |person| person.city = "Changed".into());
        }
        let run = undoable(&world, &feed, 0);
        kill_undo(&world, &run, &[], || {
            let people = people(&world);
            before.iter().any(|(id, was)| people[id] == *was)
        });
        let ids: Vec<_> = before.keys().cloned().collect();
        for id in &ids {
            edit(&world, id);
        }
        let edited = people(&world);
        let ran = world.resume();
        assert_eq!(people(&world), edited, "{ran:#?}");
    });
}

#[test]
fn whom_the_lms_hid_before_a_run_removed_them_is_named() {
    on_each_system(|system| {
        let world = world(system, "delete", "");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let mut fewer = whole.clone();
        fewer.people.truncate(18);
        world
            .lms
            .set_faults(&serde_json::json!({"blind_look_ups": true}));
        world.feed(&fewer);
        let ran = world.import_with(&["--undoable"]);
        world
            .lms
            .set_faults(&serde_json::json!({"blind_look_ups": false}));
        let run = latest(&world);
        let gone = world.lms.with_id("E00020").is_empty();
        let undone = undo(&world, &run, &[]);
        if gone {
            undone.exits(3);
            let rows = world.rows();
            let row = rows.iter().find(|row| row["external_id"] == "E00020");
            let message = row.unwrap()["message"].as_str().unwrap().to_owned();
            assert!(message.contains("kept no earlier values"), "{message}");
        } else {
            undone.exits(0);
            assert!(!world.lms.with_id("E00020").is_empty(), "{ran:#?}");
        }
    });
}

#[test]
fn a_run_that_is_killed_before_it_reads_anybody_is_resumed_undoable() {
    on_each_system(|system| {
        let world = world(system, removal(system), "");
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let before = people(&world);
        world.feed(&night(&whole));
        world.lms.set_faults(&serde_json::json!({"latency": 1.0}));
        let arguments = ["import", "people.csv", "-m", "mapping.toml", "--undoable"];
        let run = world.start(&arguments);
        wait_until("it asks who is new", || run.has_said("Checking"));
        run.kill();
        world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
        world.resume().exits(0);
        let run = latest(&world);
        undo(&world, &run, &[]).exits(0);
        let after = people(&world);
        assert_eq!(after["E00001"], before["E00001"]);
    });
}

#[test]
fn what_a_killed_run_kept_leaves_in_time_and_by_its_own_mapping() {
    let world = world(Kmi, "delete", "[journal]\nkeep_undo = \"2d\"");
    let whole = Feed::of(20);
    world.import_feed(&whole).exits(0);
    let kept = || {
        let journal = rusqlite::Connection::open(world.path("journal.db")).unwrap();
        let sql = "SELECT count(*) FROM earlier";
        journal
            .query_row(sql, (), |row| row.get::<_, i64>(0))
            .unwrap()
    };
    world.feed(&night(&whole));
    world.lms.set_faults(&serde_json::json!({"latency": 0.1}));
    let arguments = ["import", "people.csv", "-m", "mapping.toml", "--undoable"];
    let run = world.start(&arguments);
    wait_until("something is kept", || kept() > 0);
    run.kill();
    world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
    world.import().exits(0);
    world.pass_days(3);
    // Another mapping keeps what it kept as long as it says.
    world.write("other.toml", world.mapping().replace("\"2d\"", "\"1d\""));
    world.run(&["import", "people.csv", "-m", "other.toml"]);
    assert!(kept() > 0);
    world.import().exits(0);
    assert_eq!(kept(), 0);
}

#[test]
fn who_got_another_external_id_is_named_and_keeps_it() {
    on_each_system(|system| {
        let rekey = "[identity]\nrenumbered = \"rekey\"";
        let world = world(system, removal(system), rekey);
        let whole = Feed::of(20);
        world.import_feed(&whole).exits(0);
        let before = people(&world);
        // Two have another ID, and one of them another city, too.
        let feed = whole.change(3, |it| it.id = "N00004".into());
        let feed = feed.change(4, |it| {
            it.id = "N00005".into();
            it.city = "Changed".into();
        });
        let run = undoable(&world, &feed, 0);
        let plan = undo(&world, &run, &["--dry-run"]).exits(3);
        assert_eq!((plan.count("updated"), plan.count("rejected")), (1, 1));
        let ran = undo(&world, &run, &[]).exits(3);
        assert_eq!((ran.count("updated"), ran.count("rejected")), (1, 1));
        let note = "2 people keep the external IDs that the run gave them";
        assert!(ran.notes().iter().any(|it| it == note), "{ran:#?}");
        let rows = world.rows();
        let kept: Vec<_> = (rows.iter())
            .filter(|row| row["outcome"] == "rejected")
            .map(|row| {
                let message = row["message"].as_str().unwrap();
                assert!(message.starts_with("kept: the external ID"), "{row:#}");
                row["external_id"].as_str().unwrap()
            })
            .collect();
        assert_eq!(kept, ["N00004", "N00005"]);
        let city = match system {
            Kmi => "city",
            AnewSpring => "residence",
        };
        let after = people(&world);
        for (old, new) in [("E00004", "N00004"), ("E00005", "N00005")] {
            assert_eq!(after[new][city], before[old][city]);
            assert!(!after.contains_key(old));
        }
        // Once more there is nothing left to write, and they are named again.
        let ran = undo(&world, &run, &[]).exits(3);
        assert_eq!((ran.count("updated"), ran.count("rejected")), (0, 2));
    });
}

#[test]
fn an_approved_way_back_is_said_as_it_was_begun() {
    let limits = "[guards]\nmax_leavers = 2\nmax_creates = \"100%\"";
    let world = World::new(Kmi).parts(limits);
    let whole = Feed::of(20);
    world.import_feed(&whole).exits(0);
    let mut feed = whole.clone();
    for number in 0..3 {
        feed.people.push(Person::new(100 + number));
    }
    let run = undoable(&world, &feed, 0);
    let waits = undo(&world, &run, &["--created", "delete"]).exits(4);
    let hold = waits.hold("leavers");
    let again = format!("hrfeed undo {run} --created delete");
    assert!(waits.stderr.contains(&again), "{waits:#?}");
    let approved = world.run(&["approve", &hold]).exits(0);
    let text = approved.stdout.split_whitespace().collect::<Vec<_>>();
    let text = text.join(" ");
    assert!(
        text.contains(&format!("The next `{again}` carries it out")),
        "{text}"
    );
    let next = format!("{again} --approve {hold}");
    assert!(text.contains(&next), "{text}");
    let next: Vec<_> = next.split(' ').skip(1).collect();
    world.run(&next).exits(0);
    assert!(world.lms.with_id("E00100").is_empty());
    assert_eq!(world.hold_state(&hold), "carried_out");
}
