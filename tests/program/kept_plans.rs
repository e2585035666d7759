//! Plans that are kept: carried out exactly as they are, or not at all; with the reason for
//! each change.

use std::collections::BTreeMap;

use hrfeed::sandbox::Faults;
use serde_json::{Value, json};

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::gate::{Gate, Moment};
use crate::support::{Feed, Person, Ran, World, on_each_system};

const PLAN: &[&str] = &["plan", "people.csv", "-m", "mapping.toml"];

/// Makes a plan of `people.csv` in `plan.json`, and reads it.
#[track_caller]
fn keep(world: &World, more: &[&str], code: i32) -> Value {
    let out = ["--out", "plan.json", "--json"];
    world.run(&[PLAN, &out, more].concat()).exits(code);
    serde_json::from_slice(&std::fs::read(world.path("plan.json")).unwrap()).unwrap()
}

fn carry_out(world: &World) -> Ran {
    world.run(&["import", "--plan", "plan.json", "--json"])
}

/// The reason of each change, by external ID.
fn reasons(plan: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let changes = plan["changes"].as_array().unwrap().iter();
    changes
        .map(|it| (text(&it["external_id"]), text(&it["why"])))
        .collect()
}

/// A world that knows 40 people, and a feed with a joiner, a change and a leaver.
fn night(system: System) -> (World, Feed) {
    let world = World::new(system).parts("[leavers]\naction = \"delete\"");
    let mut feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    feed.people.remove(7);
    feed.people[3].city = "Delft".into();
    feed.people.push(Person::new(90));
    world.feed(&feed);
    (world, feed)
}

#[test]
fn a_kept_plan_is_carried_out_as_it_is_and_once() {
    on_each_system(|system| {
        let (world, feed) = night(system);
        let plan = world.changes_nothing(|world| {
            keep(world, &[], 0);
            world.plan()
        });
        assert_eq!(plan.exits(0).count("updated"), 1);
        let plan = keep(&world, &[], 0);
        let wanted = [
            ("E00004", "changed"),
            ("E00008", "leaver"),
            ("E00090", "joiner"),
        ];
        let wanted = wanted.map(|(id, why)| (id.to_owned(), why.to_owned()));
        assert_eq!(reasons(&plan), BTreeMap::from(wanted));
        let ran = carry_out(&world).exits(0);
        let counts = ["created", "updated", "deleted", "unchanged"];
        assert_eq!(counts.map(|it| ran.count(it)), [1, 1, 1, 38]);
        world.assert_everyone_once(&feed);
        let ran = world.changes_nothing(carry_out).exits(4);
        assert!(
            ran.stderr.contains("something was sent or decided"),
            "{ran:#?}"
        );
    });
}

#[test]
fn a_plan_that_is_not_what_would_be_done_now_does_nothing_and_says_why() {
    type Move = fn(&World, &mut Feed);
    let moves: [(Move, &str); 6] = [
        (
            |world, feed| {
                feed.people[9].city = "Ulm".into();
                world.feed(feed);
            },
            "the feed has changed",
        ),
        (
            |world, _| {
                let mapping = std::fs::read_to_string(world.path("mapping.toml")).unwrap();
                world.write("mapping.toml", mapping.replace("\"delete\"", "\"ignore\""));
            },
            "the mapping has changed",
        ),
        (
            |world, feed| {
                let mut other = feed.clone();
                other.people[20].city = "Ulm".into();
                world.write("other.csv", other.csv(world.system));
                world
                    .run(&["import", "other.csv", "-m", "mapping.toml"])
                    .exits(0);
            },
            "something was sent or decided about a hold since",
        ),
        (
            |world, _| {
                world.lms.create(world.key, "ZQuimby90", "E00090");
            },
            "1 change of the plan would not be sent any more: row 41 (create); 1 change would be \
             sent that the plan does not have: row 41 (update)",
        ),
        (
            |world, _| {
                let plan = std::fs::read_to_string(world.path("plan.json")).unwrap();
                let without = plan.lines().filter(|line| !line.contains("E00008"));
                world.write("plan.json", without.collect::<Vec<_>>().join("\n"));
            },
            "1 change would be sent that the plan does not have: a leaver (delete)",
        ),
        (
            |world, _| {
                let plan = std::fs::read_to_string(world.path("plan.json")).unwrap();
                let release = format!("\"hrfeed\":\"{}\"", env!("CARGO_PKG_VERSION"));
                world.write("plan.json", plan.replace(&release, "\"hrfeed\":\"0.0.1\""));
            },
            "the release of hrfeed is another one",
        ),
    ];
    for (make, why) in moves {
        let (world, mut feed) = night(Kmi);
        keep(&world, &[], 0);
        make(&world, &mut feed);
        let ran = world.changes_nothing(carry_out).exits(4);
        assert!(ran.stderr.contains(why), "{why}: {ran:#?}");
        assert_eq!(ran.json()["state"], "failed");
        // Nor is the rest of it done by going on.
        let resume = ["resume", "--plan", "plan.json"];
        let ran = world.changes_nothing(|world| world.run(&resume));
        assert!([2, 4].contains(&ran.code), "{why}: {ran:#?}");
        // The next import needs no plan, and goes its own way.
        world.import().exits(0);
    }
}

#[test]
fn a_run_that_sent_nothing_leaves_a_plan_as_good_as_it_was() {
    let (world, feed) = night(Kmi);
    keep(&world, &[], 0);
    // The same as before, a sick one, and one of which all is held.
    world.write("same.csv", Feed::of(40).csv(Kmi));
    world.write("none.csv", Feed::of(1).csv(Kmi));
    world.write("fewer.csv", Feed::of(33).csv(Kmi));
    for (name, code) in [("same.csv", 0), ("none.csv", 4), ("fewer.csv", 4)] {
        let import = ["import", name, "-m", "mapping.toml"];
        world
            .changes_nothing(|world| world.run(&import))
            .exits(code);
    }
    carry_out(&world).exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_plan_holds_neither_data_of_people_nor_the_key() {
    let (world, _) = night(AnewSpring);
    keep(&world, &[], 0);
    let text = std::fs::read_to_string(world.path("plan.json")).unwrap();
    for word in ["Zofie", "Quimby", "@", "Zwolle", "Delft", world.key] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_killed_run_of_a_plan_goes_on_with_the_plan_and_does_nothing_beyond_it() {
    let world = World::new(Kmi);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(12);
    world.feed(&feed);
    keep(&world, &[], 0);
    let is_create = |head: &str| head.starts_with("POST /") && head.contains("users/ ");
    let import = ["import", "--plan", "plan.json"];
    gate.kill(&world, &import, (Moment::BeforeItIsAnswered, is_create));
    let ran = world.changes_nothing(World::resume).exits(2);
    assert!(ran.stderr.contains("run 1 carries out a plan"), "{ran:#?}");
    let resume = ["resume", "--plan", "plan.json", "--json"];
    world.run(&resume).exits(0);
    world.assert_everyone_once(&feed);
    world.run(&resume).exits(2);
    // A run without a plan is not one of a plan.
    let ran = world.import().exits(0);
    assert_eq!(ran.count("unchanged"), 12);
}

#[test]
fn a_run_of_a_plan_goes_on_with_nothing_else_although_it_has_sent_nothing() {
    let world = World::new(Kmi);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(12);
    world.feed(&feed);
    keep(&world, &[], 0);
    gate.answer(|_| Some(401));
    world.changes_nothing(carry_out).exits(7);
    gate.answer_none();
    let ran = world.changes_nothing(World::resume).exits(2);
    assert!(ran.stderr.contains("carries out a plan"), "{ran:#?}");
    world
        .run(&["resume", "--plan", "plan.json", "--json"])
        .exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn whom_the_lms_has_lost_no_plan_creates_again() {
    let (world, _) = night(Kmi);
    keep(&world, &[], 0);
    world.lms.delete(world.key, "E00004");
    let ran = carry_out(&world).exits(4);
    assert_eq!(ran.held(), [("lost".to_owned(), 1)]);
    assert_eq!((ran.count("created"), ran.count("deleted")), (1, 1));
    assert!(world.lms.with_id("E00004").is_empty());
    world.run(&["approve", "1"]).exits(0);
    assert_eq!(world.import().exits(0).count("created"), 1);
}

#[test]
fn what_is_allowed_is_said_when_the_plan_is_made() {
    let world = World::new(Kmi).parts("[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = 2");
    world.import_feed(&Feed::of(40)).exits(0);
    world.feed(&Feed::of(30));
    let held = keep(&world, &["--allow", "shrink=10"], 4);
    assert_eq!(
        held["plan"]["holds"][0],
        json!({"kind": "leavers", "people": 10})
    );
    let ran = world.changes_nothing(carry_out).exits(4);
    assert_eq!(ran.held(), [("leavers".to_owned(), 10)]);
    let beyond = ["import", "--plan", "plan.json", "--allow", "leavers=10"];
    world.changes_nothing(|world| world.run(&beyond)).exits(2);
    let allowed = ["--allow", "leavers=10,shrink=10"];
    let plan = keep(&world, &allowed, 0);
    assert_eq!(plan["plan"]["allow"], json!(["leavers=10", "shrink=10"]));
    assert_eq!(plan["changes"].as_array().unwrap().len(), 10);
    assert_eq!(carry_out(&world).exits(0).count("deleted"), 10);
}

#[test]
fn of_a_feed_that_looks_sick_no_plan_is_kept() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(40)).exits(0);
    world.feed(&Feed::of(2));
    let ran = world
        .run(&[PLAN, &["--out", "plan.json"]].concat())
        .exits(4);
    assert!(ran.stderr.contains("No plan was kept"), "{ran:#?}");
    assert!(!world.path("plan.json").exists());
}

#[test]
fn what_is_no_plan_is_not_carried_out() {
    let (world, _) = night(Kmi);
    for text in [
        "",
        "{}",
        "[1]",
        "{\"hrfeed_plan\":2,\"plan\":{},\"changes\":[]}",
    ] {
        world.write("plan.json", text);
        let ran = world.changes_nothing(carry_out).exits(2);
        assert!(ran.stderr.contains("cannot read the plan"), "{ran:#?}");
    }
    // Nor is anything else replaced by one.
    let ran = world
        .run(&[PLAN, &["--out", "people.csv", "--force"]].concat())
        .exits(2);
    assert!(ran.stderr.contains("is the feed"), "{ran:#?}");
    let ran = world
        .run(&[PLAN, &["--out", "plan.json"]].concat())
        .exits(2);
    assert!(ran.stderr.contains("is not a plan"), "{ran:#?}");
}

#[test]
fn a_plan_of_a_feed_from_stdin_needs_the_feed_again() {
    let (world, feed) = night(Kmi);
    let bytes = feed.csv(Kmi);
    let plan = ["plan", "-", "-m", "mapping.toml", "--out", "plan.json"];
    world.run_with_stdin(&plan, &bytes).exits(0);
    let ran = carry_out(&world).exits(2);
    assert!(ran.stderr.contains("from stdin"), "{ran:#?}");
    let import = ["import", "-", "--plan", "plan.json"];
    world.run_with_stdin(&import, &bytes).exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn every_change_says_why_it_is_made() {
    let world = World::failing(
        Kmi,
        Faults {
            odd_rows: BTreeMap::from([("E00005".into(), 422)]),
            ..Faults::default()
        },
    )
    .parts(
        "[leavers]\naction = \"delete\"\n[adopt]\nby = \"loginName\"\n\
         [identity]\nrenumbered = \"rekey\"\n[guards]\nmax_identities = \"100%\"",
    );
    let mut feed = Feed::of(40);
    // Somebody who left comes back, another one is refused, one is there with other values.
    let left = feed.people.remove(29);
    world.import_feed(&Feed::of(40)).exits(3);
    world.import_feed(&feed).exits(3);
    feed.people.push(left);
    feed.people[1].city = "Delft".into();
    feed.people[2].id = "N3".into();
    feed.people.remove(20);
    feed.people.push(Person::new(91));
    feed.people.push(Person::new(92));
    world.lms.by_hand("ZQuimby91", "zofie.quimby91@example.com");
    world.lms.create(world.key, "ZQuimby93", "E00093");
    feed.people.push(Person::new(93));
    world.feed(&feed);
    let wanted = [
        ("E00002", "changed"),
        ("E00005", "retry"),
        ("E00021", "leaver"),
        ("E00030", "back"),
        ("E00091", "adopted"),
        ("E00092", "joiner"),
        ("E00093", "drift"),
        ("N3", "renumbered"),
    ];
    let wanted = wanted.map(|(id, why)| (id.to_owned(), why.to_owned()));
    assert_eq!(reasons(&keep(&world, &[], 0)), BTreeMap::from(wanted));
    // Without a file, each line says it, and in words.
    let table = world.run(PLAN).exits(0).stdout;
    let first: Vec<_> = table.lines().skip(2).take(8).collect();
    insta::assert_snapshot!(first.join("\n"), @"
    - delete         E00021       no longer in the feed
    ~ update      3  E00002       changes city
    ~ renumber    4  N3           known under another external ID; known as E00003
    ~ link       41  E00091       in the LMS without an external ID
    ~ update     43  E00093       the LMS has other values; changes email, firstName, lastName, loginName, city and country
    + create      6  E00005       an earlier run did not get it done
    + create     40  E00030       left, and named by the feed again
    + create     42  E00092       nobody in the LMS has this external ID
    ");
}

#[test]
fn a_field_that_the_mapping_gains_is_told_from_one_that_changed() {
    let world = World::new(Kmi);
    let mut feed = Feed::of(10);
    world.import_feed(&feed).exits(0);
    feed.people[3].city = "Delft".into();
    world.feed(&feed);
    let mapping = std::fs::read_to_string(world.path("mapping.toml")).unwrap();
    world.write("old.toml", &mapping);
    let more = mapping.replacen("[fields]", "[fields]\naddress = \"City\"", 1);
    world.write("mapping.toml", &more);
    let plan = keep(&world, &[], 0);
    let reasons = reasons(&plan);
    assert_eq!(reasons["E00004"], "changed");
    assert_eq!(reasons.values().filter(|why| *why == "mapping").count(), 9);
    // Compared with the mapping as it was.
    let instead = ["--instead-of", "old.toml", "--format", "json"];
    let ran = world.run(&[PLAN, &instead].concat()).exits(0);
    let causes: Vec<_> = ran
        .json_lines()
        .iter()
        .map(|it| it["because_of"].clone())
        .collect();
    assert_eq!(causes.iter().filter(|it| **it == "mapping").count(), 9);
    assert_eq!(causes.iter().filter(|it| **it == "both").count(), 1);
    let ran = world.run(&[PLAN, &["--instead-of", "old.toml", "--json"]].concat());
    assert!(
        ran.notes().contains(
            &"9 changes because of the mapping alone, 0 because of the feed alone, 1 because of both"
                .to_owned()
        ),
        "{ran:#?}"
    );
    // The new one may also be the copy: the journal knows the old one.
    world.write("mapping.toml", &mapping);
    world.write("new.toml", more);
    let plan = [
        "plan",
        "people.csv",
        "-m",
        "new.toml",
        "--instead-of",
        "mapping.toml",
        "--json",
    ];
    assert_eq!(world.run(&plan).exits(0).notes(), ran.notes());
}

#[test]
fn mails_passwords_and_closed_accounts_are_counted_before_anything_is_sent() {
    let world = World::new(AnewSpring)
        .fields("notify = true\ngeneratePassword = true")
        .parts("[leavers]\naction = \"deactivate\"\n[guards]\nmax_mails = 4");
    let mut feed = Feed::of(4);
    world.feed(&feed);
    let effects = json!({"mails": 4, "passwords": 4, "closed": 0});
    assert_eq!(world.plan().exits(0).json()["effects"], effects);
    let ran = world.import().exits(0);
    assert_eq!(ran.json()["effects"], effects);
    assert!(
        ran.stderr.contains(
            "Planned: 4 to create. This will make the LMS mail up to 4 people and make the LMS \
             generate 4 passwords"
        ),
        "{ran:#?}"
    );
    // Five would be mailed: nobody is.
    feed.people.remove(3);
    feed.people[0].city = "Delft".into();
    feed.people[1].city = "Delft".into();
    feed.people.extend((10..13).map(Person::new));
    let ran = world.import_feed(&feed).exits(4);
    assert_eq!(
        ran.held(),
        [("creates".to_owned(), 3), ("updates".to_owned(), 2)]
    );
    assert_eq!(
        ran.json()["effects"],
        json!({"mails": 0, "passwords": 0, "closed": 1})
    );
    assert_eq!(world.lms.person("E00001")["mails"], 1);
    world.run(&["approve", "1"]).exits(0);
    // Two are within the limit then.
    let ran = world.import().exits(0);
    assert_eq!(
        ran.json()["effects"],
        json!({"mails": 5, "passwords": 3, "closed": 0})
    );
    assert_eq!(world.lms.person("E00001")["mails"], 2);
}

#[test]
fn a_look_up_without_an_answer_and_other_reasons_leave_a_plan_as_good_as_it_was() {
    let world = World::new(Kmi).parts("[guards]\nmax_updates = 3");
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let mut feed = Feed::of(120);
    world.import_feed(&feed).exits(0);
    for person in &mut feed.people[..4] {
        person.city = "Delft".into();
    }
    world.feed(&feed);
    let mapping = std::fs::read_to_string(world.path("mapping.toml")).unwrap();
    world.write("mapping.toml", mapping + "\n# And nothing else.\n");
    let plan = keep(&world, &["--allow", "updates=4"], 0);
    assert_eq!(plan["changes"].as_array().unwrap().len(), 4);
    // All of it is held, by the mapping as it is now.
    world.changes_nothing(World::import).exits(4);
    // A joiner of whom the LMS does not say whether the person is there.
    gate.answer(|head| (head.starts_with("GET") && head.contains("E00500")).then_some(503));
    let joiner = Feed {
        people: [feed.people.clone(), vec![Person::new(500)]].concat(),
    };
    world.write("joiner.csv", joiner.csv(Kmi));
    let ran = world.changes_nothing(|world| {
        world.run(&["import", "joiner.csv", "-m", "mapping.toml", "--json"])
    });
    assert_eq!(ran.exits(4).count("failed"), 1);
    gate.answer_none();
    assert_eq!(carry_out(&world).exits(0).count("updated"), 4);
    world.assert_everyone_once(&feed);
}

#[test]
fn what_is_pruned_changes_no_plan() {
    let world = World::new(Kmi).parts("[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = 0");
    world.import_feed(&Feed::of(40)).exits(0);
    let mut feed = Feed::of(39);
    world.feed(&feed);
    world.import_with(&["--allow", "leavers=1"]).exits(0);
    feed.people[4].city = "Delft".into();
    for _ in 0..2 {
        world.import_feed(&feed).exits(0);
    }
    world.pass_days(365);
    for _ in 0..6 {
        world.import().exits(0);
    }
    feed.people[3].city = "Delft".into();
    world.feed(&feed);
    keep(&world, &[], 0);
    let pruned = world
        .run(&["runs", "prune", "--older-than", "90d", "--json"])
        .exits(0)
        .json();
    assert!(pruned["runs"].as_u64() > Some(0), "{pruned}");
    let last = json!({"run": "3", "why": "plans"});
    assert!(
        pruned["kept"].as_array().unwrap().contains(&last),
        "{pruned}"
    );
    carry_out(&world).exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_plan_that_was_carried_out_and_is_refused_then_stops_no_delta() {
    let world = World::new(Kmi).parts("[source]\nfeed = \"delta\"");
    world.feed(&Feed::of(12));
    keep(&world, &[], 0);
    carry_out(&world).exits(0);
    carry_out(&world).exits(4);
    let next = Feed {
        people: vec![Person::new(50)],
    };
    assert_eq!(world.import_feed(&next).exits(0).count("created"), 1);
    // One that was not carried out named people whom the next one does not name again.
    let mut third = next.clone();
    third.people[0].city = "Delft".into();
    world.feed(&third);
    keep(&world, &[], 0);
    world.lms.delete(world.key, "E00050");
    world.write("other.csv", Feed::of(13).csv(Kmi));
    world
        .run(&["import", "other.csv", "-m", "mapping.toml"])
        .exits(0);
    carry_out(&world).exits(4);
    let ran = world.import_feed(&Feed::of(2)).exits(4);
    assert!(ran.stderr.contains("was not finished"), "{ran:#?}");
}

#[test]
fn a_plan_is_carried_out_with_the_day_on_which_it_was_kept() {
    let world =
        World::new(Kmi).parts("[leavers]\naction = \"set\"\nset = { expirationDate = \"today\" }");
    world.import_feed(&Feed::of(40)).exits(0);
    world.feed(&Feed::of(39));
    let day = keep(&world, &[], 0)["plan"]["day"].clone();
    let text = std::fs::read_to_string(world.path("plan.json")).unwrap();
    let day = day.as_str().unwrap();
    world.write("plan.json", text.replace(day, "2026-01-31"));
    let ran = world.changes_nothing(carry_out).exits(4);
    assert!(ran.stderr.contains("a leaver (set)"), "{ran:#?}");
    world.write("plan.json", text);
    assert_eq!(carry_out(&world).exits(0).count("set"), 1);
    let person = world.lms.person("E00040");
    let date = person["expirationDate"].as_str().unwrap();
    assert!(date.starts_with(day), "{person}");
}

#[test]
fn fields_that_close_accounts_are_counted_and_groups_are_not_named() {
    let world = World::new(AnewSpring).fields("active = true").parts(
        "[leavers]\naction = \"set\"\nset = { active = false }\n\
             [groups]\ncreate = true\ntype = { value = \"Learner\" }\nname = \"Group name\"",
    );
    world.import_feed(&Feed::of(40)).exits(0);
    let mut feed = Feed::of(39);
    feed.parts(0).groups = vec!["G1".into()];
    feed.parts(0).group_name = "Mrs Quimby's team".into();
    world.feed(&feed);
    let plan = keep(&world, &[], 0);
    assert_eq!(plan["plan"]["effects"]["closed"], 1);
    let groups = plan["plan"]["groups"].to_string();
    assert!(groups.contains("create G1 ("), "{groups}");
    assert!(!plan.to_string().contains("Quimby"), "{plan}");
    carry_out(&world).exits(0);
}

#[test]
fn a_refused_plan_that_was_begun_names_the_run_that_goes_on_with_it() {
    let world = World::new(Kmi);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(12);
    world.feed(&feed);
    keep(&world, &[], 0);
    let is_create = |head: &str| head.starts_with("POST /") && head.contains("users/ ");
    let import = ["import", "--plan", "plan.json"];
    gate.kill(&world, &import, (Moment::BeforeItIsAnswered, is_create));
    let ran = world.changes_nothing(carry_out).exits(4);
    assert!(
        ran.stderr
            .contains("`hrfeed resume 1 --plan FILE` goes on with it"),
        "{ran:#?}"
    );
    world
        .run(&["resume", "1", "--plan", "plan.json", "--json"])
        .exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_plan_with_a_copy_of_the_mapping_is_not_kept() {
    let (world, _) = night(Kmi);
    let mapping = std::fs::read_to_string(world.path("mapping.toml")).unwrap();
    world.write("copy.toml", mapping);
    let plan = [
        "plan",
        "people.csv",
        "-m",
        "copy.toml",
        "--instead-of",
        "mapping.toml",
    ];
    world.run(&plan).exits(0);
    let kept = [&plan[..], &["--out", "plan.json"]].concat();
    let ran = world.run(&kept).exits(2);
    assert!(ran.stderr.contains("cannot be carried out"), "{ran:#?}");
}
