//! Leavers for whom fields are written (`action = "set"`), and who get them back when they
//! return.

use serde_json::{Value, json};

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::gate::{Gate, Moment, Once};
use crate::support::{Feed, World, calls, on_each_system, side_by_side, wait_until};

/// The day of a run, as the LMS holds it.
fn today() -> String {
    hrfeed::clock::Clock::system().today().to_string()
}

/// What is set: on KMI a field that the mapping has, on aNewSpring one that everybody has
/// and one that no mapping names.
fn set(system: System) -> &'static str {
    match system {
        Kmi => "action = \"set\"\nset = { expirationDate = \"today\" }\n",
        AnewSpring => {
            "action = \"set\"\nset = { active = false, custom1 = \"today\", residence = \"Gone\" }\n"
        }
    }
}

/// A world in which leavers are set aside so, with more lines behind.
fn world(system: System, more: &str) -> World {
    let fields = match system {
        Kmi => "",
        AnewSpring => "active = true",
    };
    let parts = format!("[leavers]\n{}{more}", set(system));
    World::new(system).fields(fields).parts(&parts)
}

/// Forty people were imported there.
fn with_forty(system: System, more: &str) -> (World, Feed) {
    let world = world(system, more);
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

/// The fields that are set, as the LMS shows them of somebody.
fn fields(world: &World, external_id: &str) -> Vec<Value> {
    let person = world.lms.person(external_id);
    let names: &[_] = match world.system {
        Kmi => &["expirationDate"],
        AnewSpring => &["active", "custom1", "residence"],
    };
    names.iter().map(|name| person[*name].clone()).collect()
}

/// Those of somebody who was set aside today.
fn as_set(system: System) -> Vec<Value> {
    match system {
        Kmi => vec![json!(today())],
        AnewSpring => vec![json!(false), json!(today()), json!("Gone")],
    }
}

/// Those of somebody who was not, in a feed in which nobody's contract has an end.
#[track_caller]
fn assert_is_back(world: &World, external_id: &str, end: &str, city: &str) {
    let expected = match world.system {
        Kmi => vec![json!(end)],
        AnewSpring => vec![json!(true), json!(""), json!(city)],
    };
    assert_eq!(fields(world, external_id), expected);
}

/// The calls that set so many people aside.
fn cost_of(system: System, people: u64) -> std::collections::BTreeMap<String, u64> {
    match system {
        Kmi => calls(&[
            ("GET users/external_id/{external_id}/", people),
            ("POST users/external_id/{external_id}/", people),
        ]),
        AnewSpring => calls(&[("POST updateUser/{userID}", people)]),
    }
}

/// The calls that bring so many people back.
fn cost_back(system: System, people: u64) -> std::collections::BTreeMap<String, u64> {
    let name = match system {
        Kmi => "POST users/external_id/{external_id}/",
        AnewSpring => "POST updateUser/{userID}",
    };
    calls(&[(name, people)])
}

#[test]
fn leavers_get_what_set_says_once_and_lose_it_when_they_return() {
    on_each_system(|system| {
        let (world, whole) = with_forty(system, "");
        let before = world.lms.person("E00039");
        let mut feed = whole.clone();
        feed.people.truncate(38);
        assert_eq!(world.cost(&feed, 0), cost_of(system, 2));
        for id in ["E00039", "E00040"] {
            assert_eq!(fields(&world, id), as_set(system), "{id}");
        }
        // Nothing else of them changed.
        let after = world.lms.person("E00039");
        for (name, value) in before.as_object().unwrap() {
            let is_set = ["expirationDate", "active", "custom1", "residence"];
            if !is_set.contains(&name.as_str()) && name != "updatedDate" {
                assert_eq!(after[name], *value, "{name}");
            }
        }
        let rows = world.rows();
        let row = rows.iter().find(|row| row["external_id"] == "E00040");
        let row = row.unwrap();
        assert_eq!(
            (&row["outcome"], &row["action"]),
            (&json!("set"), &json!("set"))
        );
        for _ in 0..2 {
            assert_eq!(world.cost(&feed, 0), calls(&[]), "once is enough");
        }
        // Their rows are as they were before.
        world.feed(&whole);
        assert_eq!(world.plan().exits(0).count("updated"), 2);
        assert_eq!(world.cost(&whole, 0), cost_back(system, 2));
        assert_is_back(&world, "E00039", "", "Zwolle");
        assert_is_back(&world, "E00040", "2030-12-31", "Quedlinburg");
        world.assert_everyone_once(&whole);
        assert_eq!(world.cost(&whole, 0), calls(&[]));
        // And again.
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("set"), ran.count("unchanged")), (2, 38));
        assert_eq!(fields(&world, "E00040"), as_set(system));
    });
}

#[test]
fn what_is_set_is_under_the_limit_of_leavers_and_waits_for_a_decision() {
    on_each_system(|system| {
        let (world, whole) = with_forty(system, "\n[guards]\nmax_leavers = 2");
        let mut feed = whole.clone();
        feed.people.truncate(36);
        world.feed(&feed);
        assert_eq!(world.plan().exits(4).held(), [("leavers".to_owned(), 4)]);
        let ran = world.changes_nothing(World::import).exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 4)]);
        world
            .run(&["approve", "1", "--only", "E00037,E00038"])
            .exits(0);
        let ran = world.import().exits(4);
        assert_eq!((ran.count("set"), ran.held()[0].1), (2, 2));
        world.run(&["refuse", "2"]).exits(0);
        world.changes_nothing(World::import).exits(0);
        // A week's budget: what was approved counts for none of it.
        feed.people.truncate(34);
        assert_eq!(world.import_feed(&feed).exits(0).count("set"), 2);
        feed.people.truncate(33);
        assert_eq!(world.import_feed(&feed).exits(4).count("set"), 0);
        let ran = world.import_with(&["--allow", "leavers=1"]).exits(0);
        assert_eq!(ran.count("set"), 1);
        let ran = world.import_feed(&whole).exits(0);
        assert_eq!(
            ran.count("updated"),
            5,
            "and those who were refused are unchanged"
        );
        assert_is_back(&world, "E00034", "2030-12-31", "Quedlinburg");
    });
}

#[test]
fn an_approval_is_for_these_values_and_for_no_others() {
    let (world, mut feed) = with_forty(Kmi, "[guards]\nmax_leavers = 2");
    feed.people.truncate(36);
    world.import_feed(&feed).exits(4);
    world.run(&["approve", "1"]).exits(0);
    for leavers in [
        "action = \"set\"\nset = { expirationDate = \"2027-01-31\" }\n[guards]\nmax_leavers = 2",
        "action = \"set\"\nset = { city = \"today\" }\n[guards]\nmax_leavers = 2",
        "action = \"delete\"\n[guards]\nmax_leavers = 2",
    ] {
        let other = mapping_with(&world, leavers);
        world.write("mapping.toml", other);
        let plan = world.plan().exits(4);
        assert_eq!(plan.held(), [("leavers".to_owned(), 4)], "{leavers}");
    }
    world.write_mapping();
    assert_eq!(world.import().exits(0).count("set"), 4);
}

/// The mapping of a world with other lines in [leavers].
fn mapping_with(world: &World, leavers: &str) -> String {
    let mapping = world.mapping();
    let (head, _) = mapping.split_once("[leavers]").unwrap();
    format!("{head}[leavers]\n{leavers}\n")
}

#[test]
fn who_was_set_aside_is_left_alone_by_another_set_and_gets_back_what_was_written() {
    on_each_system(|system| {
        let (world, whole) = with_forty(system, "");
        let mut feed = whole.clone();
        feed.people.truncate(39);
        world.import_feed(&feed).exits(0);
        let of_before = fields(&world, "E00040");
        let others: &[_] = match system {
            Kmi => &[
                "action = \"set\"\nset = { city = \"Gone\" }",
                "action = \"delete\"",
                "",
            ],
            AnewSpring => &[
                "action = \"set\"\nset = { custom2 = \"Gone\" }",
                "action = \"deactivate\"",
                "action = \"delete\"",
                "",
            ],
        };
        for leavers in others {
            world.write("mapping.toml", mapping_with(&world, leavers));
            world
                .changes_nothing(|world| world.import_feed(&feed))
                .exits(0);
            assert_eq!(fields(&world, "E00040"), of_before);
        }
        // No mapping says any more what it was.
        let ran = world.import_feed(&whole).exits(0);
        assert_eq!(ran.count("updated"), 1);
        assert_is_back(&world, "E00040", "2030-12-31", "Quedlinburg");
        world.assert_everyone_once(&whole);
        assert_eq!(world.cost(&whole, 0), calls(&[]));
    });
}

#[test]
fn a_resumed_run_writes_the_day_on_which_it_began_and_later_days_change_nothing() {
    let (world, mut feed) = with_forty(Kmi, "[guards]\nmax_leavers = 40\nmax_shrink = \"100%\"");
    feed.people.truncate(10);
    world.feed(&feed);
    world.lms.set_faults(&json!({"latency": 0.05}));
    world.lms.reset_stats();
    let run = world.start_import();
    let is_set = |it: &Value| it["expirationDate"] == today();
    wait_until("some are set", || world.lms.people().iter().any(is_set));
    run.kill();
    world.lms.set_faults(&json!({"latency": 0.0}));
    // As if it had begun the day before: no test can wait for the next one.
    world.pass_days(1);
    let ran = world.resume().exits(0);
    assert_eq!((ran.count("set"), ran.count("unchanged")), (30, 10));
    let clock = hrfeed::clock::Clock::system();
    let yesterday = clock.today().yesterday().unwrap().to_string();
    let mut days: Vec<_> = world
        .lms
        .people()
        .iter()
        .filter_map(|it| it["expirationDate"].as_str().map(str::to_owned))
        .filter(|day| !day.is_empty() && day != "2030-12-31")
        .collect();
    days.sort_unstable();
    days.dedup();
    assert_eq!(
        days,
        [yesterday, today()],
        "those before the kill, and those after it"
    );
    world.pass_days(3);
    assert_eq!(world.cost(&feed, 0), calls(&[]));
}

fn is_update(head: &str) -> bool {
    let line = head.lines().next().unwrap_or_default();
    line.starts_with("POST ") && (line.contains("updateUser") || line.contains("external_id/"))
}

#[test]
fn however_a_run_ends_that_sets_people_aside_the_lms_is_looked_at_before_anything_else() {
    use Moment::{BeforeItIsAnswered, BeforeItIsDone};
    let once = [
        Once::Answered(500),
        Once::Lost(BeforeItIsDone),
        Once::Lost(BeforeItIsAnswered),
        Once::Killed(BeforeItIsDone),
        Once::Killed(BeforeItIsAnswered),
    ];
    let cases = [Kmi, AnewSpring].into_iter().flat_map(|system| {
        once.map(|once| {
            move || {
                end_and_go_on(system, once, false);
                if matches!(once, Once::Killed(_)) {
                    end_and_go_on(system, once, true);
                }
            }
        })
    });
    side_by_side(cases);
}

/// Sets people aside, and something becomes of the second of them; then the same feed comes
/// again, or one that names them.
fn end_and_go_on(system: System, once: Once, resumes: bool) {
    for returns in [false, true] {
        let world = world(system, "");
        let gate = Gate::of(&world);
        let world = world.at(gate.url());
        let whole = Feed::of(6);
        world.import_feed(&whole).exits(0);
        let mut feed = whole.clone();
        feed.people.truncate(3);
        world.feed(&feed);
        assert!(gate.import_with(&world, (is_update, 1), once), "{once:?}");
        if resumes {
            world.resume().exits(0);
            assert_eq!(fields(&world, "E00005"), as_set(system), "{once:?}");
        }
        if returns {
            world.import_feed(&whole).exits(0);
            world.import_feed(&whole).exits(0);
            assert_is_back(&world, "E00004", "2030-12-31", "Quedlinburg");
            assert_is_back(&world, "E00005", "", "Ypsilanti");
            assert_is_back(&world, "E00006", "2030-12-31", "Zwolle");
            world.assert_everyone_once(&whole);
        } else {
            world.import_feed(&feed).exits(0);
            for id in ["E00004", "E00005", "E00006"] {
                assert_eq!(fields(&world, id), as_set(system), "{once:?} {id}");
            }
            assert_eq!(world.cost(&feed, 0), calls(&[]), "{once:?}");
            world.import_feed(&whole).exits(0);
            assert_is_back(&world, "E00005", "", "Ypsilanti");
        }
    }
}

#[test]
fn who_was_being_brought_back_by_a_killed_run_leaves_again_if_the_next_feed_says_so() {
    use Moment::{BeforeItIsAnswered, BeforeItIsDone};
    on_each_system(|system| {
        for moment in [BeforeItIsDone, BeforeItIsAnswered] {
            let world = world(system, "\n[guards]\nmax_leavers = \"100%\"");
            let gate = Gate::of(&world);
            let world = world.at(gate.url());
            let whole = Feed::of(6);
            world.import_feed(&whole).exits(0);
            let mut feed = whole.clone();
            feed.people.truncate(3);
            world.import_feed(&feed).exits(0);
            world.feed(&whole);
            assert!(gate.import_with(&world, (is_update, 1), Once::Killed(moment)));
            world.import_feed(&feed).exits(0);
            for id in ["E00004", "E00005", "E00006"] {
                assert_eq!(fields(&world, id), as_set(system), "{moment:?} {id}");
            }
            assert_eq!(world.cost(&feed, 0), calls(&[]), "{moment:?}");
        }
    });
}

#[test]
fn a_run_that_brings_people_back_can_be_killed_at_any_moment() {
    use Moment::{BeforeItIsAnswered, BeforeItIsDone};
    on_each_system(|system| {
        for moment in [BeforeItIsDone, BeforeItIsAnswered] {
            for resumes in [false, true] {
                let world = world(system, "");
                let gate = Gate::of(&world);
                let world = world.at(gate.url());
                let whole = Feed::of(6);
                world.import_feed(&whole).exits(0);
                let mut feed = whole.clone();
                feed.people.truncate(3);
                world.import_feed(&feed).exits(0);
                world.feed(&whole);
                assert!(gate.import_with(&world, (is_update, 1), Once::Killed(moment)));
                if resumes {
                    world.resume().exits(0);
                }
                world.import_feed(&whole).exits(0);
                assert_is_back(&world, "E00004", "2030-12-31", "Quedlinburg");
                assert_is_back(&world, "E00005", "", "Ypsilanti");
                assert_is_back(&world, "E00006", "2030-12-31", "Zwolle");
                world.assert_everyone_once(&whole);
                assert_eq!(world.cost(&whole, 0), calls(&[]));
            }
        }
    });
}

#[test]
fn whoever_the_lms_refuses_to_set_aside_is_named_and_was_not_changed() {
    let (world, whole) = with_forty(AnewSpring, "");
    // The LMS changes nobody in the archive.
    world
        .lms
        .call("updateUser/E00040", "archived=true&custom1=mine");
    let mut feed = whole.clone();
    feed.people.truncate(38);
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!(ran.count("set"), 1);
    let rows = world.rows();
    let row = rows.iter().find(|row| row["external_id"] == "E00040");
    let row = row.unwrap();
    assert_eq!(row["outcome"], "rejected");
    assert_eq!(
        row["message"],
        "the LMS refuses what `set` writes for the person"
    );
    world.changes_nothing(World::import).exits(3);
    // What somebody else wrote there is not cleared for it.
    world.import_feed(&whole).exits(0);
    assert_eq!(world.lms.person("E00040")["custom1"], "mine");
    assert_is_back(&world, "E00039", "", "Zwolle");
}

#[test]
fn whoever_is_not_there_any_more_is_gone_and_comes_back_as_somebody_new() {
    on_each_system(|system| {
        let (world, whole) = with_forty(system, "");
        let mut feed = whole.clone();
        feed.people.truncate(38);
        world.lms.delete(world.key, "E00039");
        assert_eq!(world.import_feed(&feed).exits(0).count("set"), 2);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
        // One was set aside, and is deleted by hand then.
        world.lms.delete(world.key, "E00040");
        let ran = world.import_feed(&whole).exits(0);
        assert_eq!(ran.count("created"), 2, "{ran:#?}");
        world.assert_everyone_once(&whole);
        assert_is_back(&world, "E00040", "2030-12-31", "Quedlinburg");
        assert_eq!(world.cost(&whole, 0), calls(&[]));
    });
}

#[test]
fn whoever_returns_under_another_external_id_gets_everything_back() {
    on_each_system(|system| {
        let (world, mut feed) = with_forty(system, "[identity]\nrenumbered = \"rekey\"");
        let mut last = feed.people.pop().unwrap();
        let mut other = feed.people.pop().unwrap();
        world.import_feed(&feed).exits(0);
        let accounts = world.accounts().len();
        (last.id, other.id) = ("N40".into(), "N39".into());
        feed.people.extend([other, last]);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(
            (ran.count("updated"), ran.count("created")),
            (2, 0),
            "{ran:#?}"
        );
        assert_is_back(&world, "N40", "2030-12-31", "Quedlinburg");
        assert_is_back(&world, "N39", "", "Zwolle");
        assert_eq!(world.accounts().len(), accounts);
        world.assert_everyone_once(&feed);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
    });
}

/// Somebody whom the feed marks has this status.
const WHEN: &str = "when = \"row['Status'] == 'Terminated'\"\n";

#[test]
fn a_row_that_says_so_sets_its_person_aside_at_once_and_another_row_brings_the_person_back() {
    on_each_system(|system| {
        let delta = "[source]\nfeed = \"delta\"\n";
        for source in ["", delta] {
            let parts = format!("grace = \"3 feeds\"\n{WHEN}");
            let more = if source.is_empty() { &*parts } else { WHEN };
            let (world, whole) = with_forty(system, &format!("{more}{source}"));
            let mut feed = whole.clone();
            feed.people[38].status = "Terminated";
            // What else the row says does not matter.
            feed.people[38].email = "no address".into();
            if !source.is_empty() {
                feed.people.drain(..35);
            }
            let ran = world.import_feed(&feed).exits(0);
            assert_eq!((ran.count("set"), ran.count("rejected")), (1, 0));
            assert_eq!(fields(&world, "E00039"), as_set(system));
            assert_eq!(world.cost(&feed, 0), calls(&[]), "nobody is made of it");
            if !source.is_empty() {
                // The next one does not name the person.
                let next = Feed {
                    people: whole.people[..2].to_vec(),
                };
                assert_eq!(world.cost(&next, 0), calls(&[]));
            }
            let ran = world.import_feed(&whole).exits(0);
            assert_eq!(ran.count("updated"), 1, "{ran:#?}");
            assert_is_back(&world, "E00039", "", "Zwolle");
            world.assert_everyone_once(&whole);
        }
    });
}

#[test]
fn nobody_is_set_aside_before_the_grace_is_over_and_nobody_who_is_protected() {
    on_each_system(|system| {
        let more = "grace = \"2 feeds\"\n[protect]\nids = [\"E00040\"]";
        let (world, whole) = with_forty(system, more);
        let mut feed = whole.clone();
        feed.people.truncate(38);
        world.feed(&feed);
        world.changes_nothing(World::import).exits(0);
        assert_eq!(world.import_feed(&feed).exits(0).count("set"), 1);
        assert_is_back(&world, "E00040", "2030-12-31", "Quedlinburg");
        // Who was set aside and is protected now stays so, whatever the feed says.
        let other = mapping_with(
            &world,
            &format!("{}[protect]\nids = [\"E00039\"]", set(system)),
        );
        world.write("mapping.toml", other);
        world.feed(&whole);
        world.changes_nothing(World::import).exits(0);
        assert_eq!(fields(&world, "E00039"), as_set(system));
        world.write_mapping();
        world.import_feed(&whole).exits(0);
        assert_is_back(&world, "E00039", "", "Zwolle");
    });
}

#[test]
fn people_of_the_lms_whom_nobody_named_are_set_aside_once() {
    on_each_system(|system| {
        let (world, whole) = with_forty(system, "among = \"lms\"");
        world.lms.create(world.key, "stranger", "X1");
        assert_eq!(world.import_feed(&whole).exits(0).count("set"), 1);
        assert_eq!(fields(&world, "X1"), as_set(system));
        let mut feed = whole.clone();
        feed.people.truncate(39);
        assert_eq!(world.import_feed(&feed).exits(0).count("set"), 1);
        for _ in 0..2 {
            let before = world.accounts();
            assert_eq!(world.import_feed(&feed).exits(0).count("set"), 0);
            assert!(before == world.accounts());
        }
        world.import_feed(&whole).exits(0);
        assert_is_back(&world, "E00040", "2030-12-31", "Quedlinburg");
    });
}

#[test]
fn a_list_of_leavers_sets_aside_and_the_full_feed_brings_back() {
    let world = World::new(Kmi);
    let whole = Feed::of(40);
    world.import_feed(&whole).exits(0);
    let list = format!(
        "{}[leavers]\n{}",
        world
            .mapping()
            .replace("[fields]", "[source]\nfeed = \"leavers\"\n[fields]"),
        set(Kmi)
    );
    world.write("list.toml", list);
    world.write("list.csv", "Employee ID\nE00040\nE00099\n");
    let import = ["import", "list.csv", "-m", "list.toml", "--json"];
    let ran = world.run(&import).exits(0);
    assert_eq!(ran.count("set"), 1, "{ran:#?}");
    assert_eq!(fields(&world, "E00040"), as_set(Kmi));
    assert_eq!(world.run(&import).exits(0).count("set"), 0);
    assert_eq!(world.import_feed(&whole).exits(0).count("updated"), 1);
    world.assert_everyone_once(&whole);
}

#[test]
fn another_feed_that_names_somebody_who_was_set_aside_brings_the_person_back() {
    on_each_system(|system| {
        let (world, whole) = with_forty(system, "");
        let mut feed = whole.clone();
        feed.people.truncate(39);
        world.import_feed(&feed).exits(0);
        world.write("other.toml", world.mapping());
        let other = Feed {
            people: whole.people[39..].to_vec(),
        };
        world.write("other.csv", other.csv(system));
        let import = ["import", "other.csv", "-m", "other.toml", "--json"];
        assert_eq!(world.run(&import).exits(0).count("updated"), 1);
        assert_is_back(&world, "E00040", "2030-12-31", "Quedlinburg");
        assert_eq!(world.import_feed(&feed).exits(0).count("set"), 0);
        world.assert_everyone_once(&whole);
    });
}

#[test]
fn audits_and_proofs_find_nothing_wrong_with_people_who_were_set_aside() {
    on_each_system(|system| {
        let (world, whole) = with_forty(system, "");
        let mut feed = whole.clone();
        feed.people.truncate(38);
        world.feed(&feed);
        let ran = world.import_with(&["--verify=all"]).exits(0);
        let proof = &ran.json()["proof"];
        assert_eq!(
            (&proof["read_back"], &proof["differ"]),
            (&json!(2), &json!([]))
        );
        let audit = world
            .run(&["audit", "-m", "mapping.toml", "--json"])
            .exits(0);
        let audit = audit.json();
        for found in ["lost", "renumbered", "in_no_feed"] {
            assert_eq!(audit[found], json!([]), "{found}");
        }
        world.feed(&whole);
        let ran = world.import_with(&["--verify=all"]).exits(0);
        let proof = &ran.json()["proof"];
        assert_eq!(
            (&proof["read_back"], &proof["differ"]),
            (&json!(2), &json!([]))
        );
    });
}

#[test]
fn groups_and_roles_of_somebody_who_was_set_aside_are_as_they_were() {
    let world = world(AnewSpring, "");
    world.lms.group("G1", "student");
    let whole = Feed::of(6).each(|_, it| it.groups = vec!["G1".into()]);
    world.import_feed(&whole).exits(0);
    let mut feed = whole.clone();
    feed.people.truncate(4);
    world.import_feed(&feed).exits(0);
    let person = world.lms.person("E00006");
    assert_eq!(
        (&person["groups"], &person["roles"]),
        (&json!(["G1"]), &json!(["student"]))
    );
    // In another one when the person returns.
    world.lms.group("G2", "student");
    let mut back = whole;
    back.parts(5).groups = vec!["G2".into()];
    world.import_feed(&back).exits(0);
    world.assert_everyone_once(&back);
    assert_is_back(&world, "E00006", "", "Zwolle");
    assert_eq!(world.cost(&back, 0), calls(&[]));
}

#[test]
fn plan_summary_page_rows_and_metrics_say_who_is_set_aside() {
    let (world, whole) = with_forty(Kmi, "");
    let mut feed = whole;
    feed.people.truncate(38);
    world.feed(&feed);
    let plan = world
        .run(&["plan", "people.csv", "-m", "mapping.toml"])
        .exits(0);
    assert!(
        plan.stdout
            .contains("An import would set fields of 2 people."),
        "{plan:#?}"
    );
    let line = "would be set  2  no longer in the feed; `set` says which fields are written";
    assert!(
        squeezed(&plan.stdout).contains(&squeezed(line)),
        "{plan:#?}"
    );
    let csv = [
        "plan",
        "people.csv",
        "-m",
        "mapping.toml",
        "--format",
        "csv",
    ];
    let csv = world.run(&csv).exits(0);
    assert!(
        csv.stdout
            .contains(",E00040,set,set,,0,no longer in the feed"),
        "{csv:#?}"
    );
    assert_eq!(world.plan().exits(0).count("set"), 2);
    let import = [
        "import",
        "people.csv",
        "-m",
        "mapping.toml",
        "--metrics",
        "hrfeed.prom",
    ];
    let ran = world.run(&import).exits(0);
    let said = squeezed(&ran.said());
    assert!(said.contains("set 2 no longer in the feed"), "{ran:#?}");
    assert!(said.contains("2 set"), "{ran:#?}");
    let metrics = std::fs::read_to_string(world.path("hrfeed.prom")).unwrap();
    assert!(metrics.contains("outcome=\"set\"} 2"), "{metrics}");
    world.run(&["report", "-o", "page.html"]).exits(0);
    let page = std::fs::read_to_string(world.path("page.html")).unwrap();
    assert!(page.contains("class=\"set\""), "{page}");
    let rows = world.run(&["rows", "--outcome", "set"]).exits(0);
    assert!(rows.stdout.contains("E00039") && rows.stdout.contains("E00040"));
    let runs = world.run(&["runs", "--json"]).exits(0);
    assert_eq!(runs.json()["runs"][0]["counts"]["set"], 2, "{runs:#?}");
}

/// A text in which one blank is between words.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn no_value_that_is_set_and_nobody_s_data_is_in_the_journal() {
    let world = World::new(Kmi).parts(
        "[leavers]\naction = \"set\"\nset = { city = \"Nowhereville\", address = \"today\" }",
    );
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let whole = Feed::of(4);
    world.import_feed(&whole).exits(0);
    let mut feed = whole.clone();
    feed.people.truncate(2);
    world.feed(&feed);
    gate.import_with(
        &world,
        (is_update, 1),
        Once::Killed(Moment::BeforeItIsAnswered),
    );
    let journal = world.journal_text();
    assert!(!journal.contains("nowhereville") && !journal.contains("quimby"));
    world.resume().exits(0);
    let person = world.lms.person("E00004");
    assert_eq!(
        (&person["city"], &person["address"]),
        (&json!("Nowhereville"), &json!(today()))
    );
    world.import_feed(&whole).exits(0);
    world.assert_everyone_once(&whole);
    assert_eq!(world.lms.person("E00004")["address"], "");
}

#[test]
fn a_key_that_replaces_another_takes_back_what_was_set_under_that() {
    let (mut world, whole) = with_forty(Kmi, "[guards]\nmax_identities = \"100%\"");
    let mut feed = whole.clone();
    feed.people.truncate(38);
    world.import_feed(&feed).exits(0);
    world.key = "another-key";
    world.feed(&whole);
    let ran = world.import_with(&["--replaces-key"]).exits(0);
    let counts = ["created", "updated"].map(|it| ran.count(it));
    assert_eq!(counts, [0, 40], "{ran:#?}");
    assert_is_back(&world, "E00039", "", "Zwolle");
    assert_is_back(&world, "E00040", "2030-12-31", "Quedlinburg");
    assert_eq!(world.cost(&whole, 0), calls(&[]));
}
