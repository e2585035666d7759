//! Holds: what waits for a person's decision, and what the decision covers.

use serde_json::{Value, json};

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, Ran, World, calls, on_each_system};

/// A world that deletes leavers, to which so many people were imported.
fn with(people: usize, system: System) -> (World, Feed) {
    let world = World::new(system).parts("[leavers]\naction = \"delete\"");
    let feed = Feed::of(people);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

/// The feed without its last people.
fn without(feed: &Feed, last: usize) -> Feed {
    let people = feed.people.len() - last;
    Feed {
        people: feed.people[..people].to_vec(),
    }
}

/// The approval that the run offers, such as `shrink=197`.
#[track_caller]
pub(super) fn offered(ran: &Ran, begin: &str) -> String {
    let said = ran.said();
    let Some((_, after)) = said.split_once(begin) else {
        panic!("{begin} is not offered: {ran:#?}");
    };
    let digits = after.chars().take_while(char::is_ascii_digit);
    format!("{begin}{}", digits.collect::<String>())
}

#[test]
fn an_approval_of_40_leavers_does_not_cover_197() {
    on_each_system(|system| {
        let (world, feed) = with(200, system);
        let ran = world.changes_nothing(|world| world.import_feed(&without(&feed, 40)));
        let ran = ran.exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 40)]);
        let hold = ran.hold("leavers");
        world.run(&["approve", &hold]).exits(0);
        // The file of the next night is cut off after three rows.
        world.feed(&without(&feed, 197));
        let ran = world.changes_nothing(World::import).exits(4);
        let shrink = offered(&ran, "shrink=");
        let cut = ["--allow", &shrink, "--allow", "leavers=40"];
        let ran = world.import_with(&cut).exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 157)]);
        assert_eq!(
            ran.count("deleted"),
            40,
            "who was approved, and nobody else"
        );
        assert_eq!(world.lms.people().len(), 160);
    });
}

#[test]
fn a_number_covers_all_changes_of_a_kind_or_none() {
    on_each_system(|system| {
        let (world, feed) = with(100, system);
        let feed = without(&feed, 20);
        world.feed(&feed);
        let fewer = |world: &World| world.import_with(&["--allow", "leavers=19"]);
        let ran = world.changes_nothing(fewer).exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 20)]);
        let ran = world.import_with(&["--allow", "leavers=20"]).exits(0);
        assert_eq!(ran.count("deleted"), 20);
        assert_eq!(ran.held(), []);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_kind_without_a_number_is_an_error_of_usage_that_shows_the_right_form() {
    let (world, feed) = with(10, Kmi);
    world.feed(&without(&feed, 6));
    for kind in [
        "leavers",
        "creates",
        "updates",
        "renumbered",
        "lost",
        "identities",
        "rejected",
        "shrink",
        "rows",
    ] {
        let ran = world.changes_nothing(|world| world.import_with(&["--allow", kind]));
        let form = format!("`{kind}=40`");
        assert!(ran.exits(2).said().contains(&form), "{kind}");
    }
    for wrong in [
        "leavers=",
        "leavers=-1",
        "leavers=all",
        "joiners=3",
        "=3",
        "",
    ] {
        world.import_with(&["--allow", wrong]).exits(2);
    }
}

#[test]
fn approved_leavers_go_with_the_next_import_and_only_once() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let fewer = without(&feed, 8);
        let hold = world.import_feed(&fewer).exits(4).hold("leavers");
        world
            .run(&["approve", &hold, "--reason", "closed a branch"])
            .exits(0);
        assert_eq!(world.hold_state(&hold), "approved");
        world.run(&["approve", &hold]).exits(2);
        let ran = world.import().exits(0);
        assert_eq!((ran.count("deleted"), ran.held()), (8, vec![]));
        assert_eq!(world.hold_state(&hold), "carried_out");
        world.assert_everyone_once(&fewer);
        // They return, and go again: that was not approved.
        world.import_feed(&feed).exits(0);
        let ran = world
            .changes_nothing(|world| world.import_feed(&fewer))
            .exits(4);
        assert_ne!(ran.hold("leavers"), hold);
    });
}

#[test]
fn who_approved_what_when_and_why_is_in_the_journal_and_on_the_page() {
    let (world, feed) = with(40, Kmi);
    let hold = world
        .import_feed(&without(&feed, 8))
        .exits(4)
        .hold("leavers");
    let reason = "closed the branch in Meppel";
    world.run(&["approve", &hold, "--reason", reason]).exits(0);
    let shown = world.run(&["hold", &hold]).exits(0).stdout;
    assert!(shown.contains(reason), "{shown}");
    world.import().exits(0);
    world.run(&["report", "-o", "page.html"]).exits(0);
    let page = std::fs::read_to_string(world.path("page.html")).unwrap();
    assert!(page.contains(reason), "{page}");
    let holds = world.run(&["holds", "--all", "--json"]).exits(0).json();
    let decision = &holds["holds"][0]["decided"];
    assert_eq!(decision["reason"], reason, "{holds:#}");
    assert!(
        decision["at"].is_string() && decision["by"].is_string(),
        "{holds:#}"
    );
}

#[test]
fn an_unchanged_night_with_an_open_hold_ends_with_4_and_keeps_the_number() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let ran = world.import_feed(&without(&feed, 8)).exits(4);
        let first = &ran.json()["holds"][0];
        assert_eq!((&first["people"], &first["new"]), (&json!(8), &json!(8)));
        world.lms.reset_stats();
        let ran = world.import().exits(4);
        let again = &ran.json()["holds"][0];
        assert_eq!(
            (&again["id"], &again["since_run"]),
            (&first["id"], &first["since_run"])
        );
        assert_eq!((&again["people"], &again["new"]), (&json!(8), &json!(0)));
        assert_eq!(again["state"], "open");
        assert_eq!(world.lms.stats().by_call(), calls(&[]));
    });
}

#[test]
fn a_hold_whose_set_changed_gets_another_number_and_the_old_one_cannot_be_approved() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let old = world
            .import_feed(&without(&feed, 6))
            .exits(4)
            .hold("leavers");
        let ran = world.import_feed(&without(&feed, 7)).exits(4);
        let new = ran.hold("leavers");
        assert_ne!(old, new);
        let hold = &ran.json()["holds"][0];
        assert_eq!((&hold["people"], &hold["new"]), (&json!(7), &json!(1)));
        assert_eq!(world.hold_state(&old), "replaced");
        let ran = world.run(&["approve", &old]).exits(2);
        assert!(
            ran.stderr.contains(&new),
            "it names the hold in its place: {ran:#?}"
        );
        world.run(&["approve", &new]).exits(0);
        assert_eq!(world.import().exits(0).count("deleted"), 7);
    });
}

#[test]
fn an_approved_leaver_who_is_back_in_the_feed_stays() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let hold = world
            .import_feed(&without(&feed, 8))
            .exits(4)
            .hold("leavers");
        world.run(&["approve", &hold]).exits(0);
        let fewer = without(&feed, 5);
        let ran = world.import_feed(&fewer).exits(0);
        assert_eq!(ran.count("deleted"), 5);
        world.assert_everyone_once(&fewer);
    });
}

#[test]
fn who_leaves_after_an_approval_is_judged_alone() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let hold = world
            .import_feed(&without(&feed, 6))
            .exits(4)
            .hold("leavers");
        world.run(&["approve", &hold]).exits(0);
        // Two more are within the bound: the approved ones do not use it up.
        let fewer = without(&feed, 8);
        let ran = world.import_feed(&fewer).exits(0);
        assert_eq!((ran.count("deleted"), ran.held()), (8, vec![]));
        world.assert_everyone_once(&fewer);
    });
}

#[test]
fn whoever_is_refused_stays_as_is_and_is_no_alarm_any_more() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let hold = world
            .import_feed(&without(&feed, 6))
            .exits(4)
            .hold("leavers");
        world
            .run(&["refuse", &hold, "--reason", "on leave"])
            .exits(0);
        let ran = world.changes_nothing(World::import).exits(0);
        assert_eq!((ran.count("deleted"), ran.held()), (0, vec![]));
        assert_eq!(world.hold_state(&hold), "refused");
        // One more person leaves, and goes alone.
        let ran = world.import_feed(&without(&feed, 7)).exits(0);
        assert_eq!(ran.count("deleted"), 1);
        assert_eq!(world.lms.people().len(), 39);
        world.run(&["refuse", &hold]).exits(2);
        world.run(&["approve", &hold]).exits(2);
    });
}

#[test]
fn only_those_of_a_hold_who_are_named_are_approved() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let hold = world
            .import_feed(&without(&feed, 8))
            .exits(4)
            .hold("leavers");
        world
            .run(&["approve", &hold, "--only", "E00040,E99999"])
            .exits(2);
        world
            .run(&["approve", &hold, "--only", "E00040,E00033"])
            .exits(0);
        let ran = world.import().exits(4);
        assert_eq!(
            (ran.count("deleted"), ran.held()),
            (2, vec![("leavers".to_owned(), 6)])
        );
        for (id, is_there) in [("E00040", 0), ("E00033", 0), ("E00034", 1), ("E00039", 1)] {
            assert_eq!(world.lms.with_id(id).len(), is_there, "{id}");
        }
        // The others wait although they would be within the bound by now.
        world.changes_nothing(World::import).exits(4);
    });
}

#[test]
fn a_hold_can_be_approved_and_carried_out_at_once() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let fewer = without(&feed, 8);
        let hold = world.import_feed(&fewer).exits(4).hold("leavers");
        let ran = world.import_with(&["--approve", &hold]).exits(0);
        assert_eq!(ran.count("deleted"), 8);
        assert_eq!(world.hold_state(&hold), "carried_out");
        world.assert_everyone_once(&fewer);
        let ran = world.import_with(&["--approve", &hold]);
        assert_eq!(ran.exits(2).code, 2, "once");
        world.import_with(&["--approve", "99"]).exits(2);
    });
}

#[test]
fn a_hold_of_which_nothing_is_wanted_any_more_lapses() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let hold = world
            .import_feed(&without(&feed, 8))
            .exits(4)
            .hold("leavers");
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.held(), []);
        assert_eq!(world.hold_state(&hold), "lapsed");
        world.run(&["approve", &hold]).exits(2);
        // It lapsed for good: who goes again is another hold.
        let again = world
            .import_feed(&without(&feed, 8))
            .exits(4)
            .hold("leavers");
        assert_ne!(hold, again);
    });
}

#[test]
fn the_holds_are_listed_and_each_person_of_one_with_the_reason() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        let hold = world
            .import_feed(&without(&feed, 8))
            .exits(4)
            .hold("leavers");
        let list = world.run(&["holds"]).exits(0).stdout;
        assert!(list.contains("leavers") && list.contains('8'), "{list}");
        let holds = world.run(&["holds", "--json"]).exits(0).json();
        let listed = holds["holds"].as_array().unwrap();
        assert_eq!(listed.len(), 1, "{holds:#}");
        assert_eq!(
            (
                &listed[0]["kind"],
                &listed[0]["people"],
                &listed[0]["state"]
            ),
            (&json!("leavers"), &json!(8), &json!("open"))
        );
        let people = world.held_people(&hold);
        let ids: Vec<_> = people.iter().map(|it| it["external_id"].clone()).collect();
        let wanted: Vec<_> = (33..=40).map(|number| format!("E{number:05}")).collect();
        assert_eq!(ids, wanted);
        assert!(
            people.iter().all(|it| !it["reason"].is_empty()),
            "{people:#?}"
        );
        let shown = world.run(&["hold", &hold]).exits(0).stdout;
        assert!(
            shown.contains("E00033") && shown.contains("E00040"),
            "{shown}"
        );
        world.run(&["hold", "99"]).exits(2);
    });
}

#[test]
fn held_rows_are_pending_and_listed_and_can_be_handed_to_hr_as_a_feed() {
    on_each_system(|system| {
        let (world, _) = with(120, system);
        let more = Feed::of(200);
        let ran = world
            .changes_nothing(|world| world.import_feed(&more))
            .exits(4);
        assert_eq!(ran.held(), [("creates".to_owned(), 80)]);
        assert_eq!((ran.count("pending"), ran.count("unchanged")), (80, 120));
        let rows = world.run(&["rows", "--outcome", "held", "--json"]).exits(0);
        let rows = rows.json_lines();
        assert_eq!(rows.len(), 80);
        assert_eq!(
            (&rows[0]["external_id"], &rows[0]["outcome"]),
            (&json!("E00121"), &json!("held"))
        );
        let hold = ran.hold("creates");
        let arguments = ["hold", &hold, "--as-feed", "people.csv", "-o", "held.csv"];
        world.run(&arguments).exits(0);
        let text = std::fs::read_to_string(world.path("held.csv")).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        assert!(
            header.iter().any(|name| name == "Work e-mail"),
            "{header:?}"
        );
        assert_eq!(reader.records().count(), 80);
    });
}

#[test]
fn a_plan_shows_what_would_be_held_and_whom_and_records_nothing() {
    on_each_system(|system| {
        let (world, feed) = with(40, system);
        world.feed(&without(&feed, 8));
        let ran = world.changes_nothing(World::plan).exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 8)]);
        assert_eq!(ran.json()["holds"][0]["id"], Value::Null);
        let text = world
            .run(&["plan", "people.csv", "-m", "mapping.toml"])
            .exits(4);
        assert!(text.stdout.contains("E00040"), "{text:#?}");
        let holds = world.run(&["holds", "--json"]).exits(0).json();
        assert_eq!(holds["holds"], json!([]));
    });
}

#[test]
fn nobody_of_a_first_load_is_held() {
    on_each_system(|system| {
        let world = World::new(system);
        let ran = world.import_feed(&Feed::of(150)).exits(0);
        assert_eq!((ran.count("created"), ran.held()), (150, vec![]));
    });
}

#[test]
fn more_joiners_than_a_quarter_wait_once_a_hundred_people_are_known() {
    on_each_system(|system| {
        let (world, _) = with(200, system);
        let ran = world.changes_nothing(|world| world.import_feed(&Feed::of(251)));
        assert_eq!(ran.exits(4).held(), [("creates".to_owned(), 51)]);
        let ran = world.import_feed(&Feed::of(250)).exits(0);
        assert_eq!((ran.count("created"), ran.held()), (50, vec![]));
    });
}

#[test]
fn more_changes_than_half_of_the_people_wait() {
    on_each_system(|system| {
        let (world, feed) = with(100, system);
        let moved = |people: usize| {
            let mut feed = feed.clone();
            for person in &mut feed.people[..people] {
                person.city = "Meppel".into();
            }
            feed
        };
        let ran = world.changes_nothing(|world| world.import_feed(&moved(51)));
        assert_eq!(ran.exits(4).held(), [("updates".to_owned(), 51)]);
        let ran = world.import_feed(&moved(50)).exits(0);
        assert_eq!((ran.count("updated"), ran.held()), (50, vec![]));
        world.assert_everyone_once(&moved(50));
    });
}

#[test]
fn rows_that_wait_name_the_fields_that_change() {
    on_each_system(|system| {
        let (world, mut feed) = with(100, system);
        for person in &mut feed.people[..60] {
            person.last = "Changed".into();
        }
        world.feed(&feed);
        let wanted = json!(["lastName"]);
        let name_it = |rows: &[Value], people: usize| {
            assert_eq!(rows.len(), people);
            for row in rows {
                let told = (&row["outcome"], &row["changed"], &row["message"]);
                assert_eq!(told, (&json!("held"), &wanted, &json!("changes lastName")));
            }
        };
        let plan = ["plan", "people.csv", "-m", "mapping.toml"];
        let planned = world.run(&[&plan[..], &["--format", "json"]].concat());
        name_it(&planned.exits(4).json_lines(), 60);
        let text = world.run(&plan).exits(4).stdout;
        let row = text.lines().find(|line| line.contains("E00001")).unwrap();
        assert_eq!(row.matches("lastName").count(), 1, "once: {row}");
        let hold = world.import().exits(4).hold("updates");
        name_it(&world.rows(), 60);
        // What is left of a decision, too.
        let one = ["approve", &hold, "--only", "E00001"];
        world.run(&one).exits(0);
        assert_eq!(world.import().exits(4).count("updated"), 1);
        let rows = world.run(&["rows", "--outcome", "held", "--json"]).exits(0);
        name_it(&rows.json_lines(), 59);
    });
}

#[test]
fn a_leak_is_held_when_the_budget_of_a_week_is_used() {
    on_each_system(|system| {
        let (world, feed) = with(200, system);
        // 4.5 % tonight, and 4.5 % of the rest tomorrow.
        assert_eq!(
            world
                .import_feed(&without(&feed, 9))
                .exits(0)
                .count("deleted"),
            9
        );
        let ran = world.changes_nothing(|world| world.import_feed(&without(&feed, 18)));
        let ran = ran.exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 9)]);
        assert!(ran.stderr.contains("7 days"), "{ran:#?}");
        // One more is exactly the bound.
        assert_eq!(
            world
                .import_feed(&without(&feed, 10))
                .exits(0)
                .count("deleted"),
            1
        );
    });
}

#[test]
fn of_ten_people_nine_do_not_go_in_two_nights() {
    on_each_system(|system| {
        // Of so few people half a feed is no smaller than a person can see.
        let of_ten = || {
            let guards = "[leavers]\naction = \"delete\"\n\n[guards]\nmax_shrink = \"100%\"";
            let world = World::new(system).parts(guards);
            world.import_feed(&Feed::of(10)).exits(0);
            (world, Feed::of(10))
        };
        let (world, feed) = of_ten();
        let ran = world.import_feed(&without(&feed, 5)).exits(0);
        assert_eq!(ran.count("deleted"), 5);
        let ran = world.changes_nothing(|world| world.import_feed(&without(&feed, 9)));
        assert_eq!(ran.exits(4).held(), [("leavers".to_owned(), 4)]);
        // And not six in one.
        let (world, feed) = of_ten();
        let ran = world.changes_nothing(|world| world.import_feed(&without(&feed, 6)));
        assert_eq!(ran.exits(4).held(), [("leavers".to_owned(), 6)]);
    });
}

#[test]
fn a_population_that_was_exchanged_waits_as_leavers_and_as_joiners() {
    on_each_system(|system| {
        let (world, feed) = with(200, system);
        // A tenth of the people, and as many new ones: within `max_creates`.
        let mut exchanged = without(&feed, 20);
        exchanged.people.extend(Feed::of(320).people.split_off(300));
        let ran = world.changes_nothing(|world| world.import_feed(&exchanged));
        let mut held = ran.exits(4).held();
        held.sort();
        assert_eq!(
            held,
            [("creates".to_owned(), 20), ("leavers".to_owned(), 20)]
        );
    });
}

#[test]
fn another_companys_file_creates_nobody_and_removes_nobody() {
    on_each_system(|system| {
        let (world, _) = with(120, system);
        let mut others = Feed::of(520);
        others.people.drain(..400);
        let ran = world.changes_nothing(|world| world.import_feed(&others));
        let mut held = ran.exits(4).held();
        held.sort();
        assert_eq!(
            held,
            [("creates".to_owned(), 120), ("leavers".to_owned(), 120)]
        );
    });
}

#[test]
fn everything_that_is_not_held_goes_on() {
    on_each_system(|system| {
        let (world, feed) = with(100, system);
        let mut tonight = without(&feed, 20);
        tonight.people[0].city = "Meppel".into();
        tonight.people.push(Feed::of(101).people.remove(100));
        let ran = world.import_feed(&tonight).exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 20)]);
        let counts = (
            ran.count("created"),
            ran.count("updated"),
            ran.count("deleted"),
        );
        assert_eq!(counts, (1, 1, 0));
    });
}

#[test]
fn a_resumed_run_judges_what_was_held_again() {
    let world = World::new(Kmi)
        .parts("[leavers]\naction = \"delete\"")
        .target("max_outage = \"1s\"");
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    let mut fewer = without(&feed, 8);
    fewer.people[0].city = "Meppel".into();
    world
        .lms
        .set_faults(&json!({"down_after": 0, "down_for": 3600}));
    world.import_feed(&fewer).exits(5);
    world
        .lms
        .set_faults(&json!({"down_after": null, "down_for": 0}));
    let ran = world.resume().exits(4);
    assert_eq!((ran.count("updated"), ran.count("deleted")), (1, 0));
    assert_eq!(ran.held(), [("leavers".to_owned(), 8)]);
    assert_eq!(world.lms.people().len(), 40);
}

#[test]
fn deactivated_leavers_are_held_alike() {
    let world = World::new(AnewSpring).parts("[leavers]\naction = \"deactivate\"");
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    let hold = world
        .import_feed(&without(&feed, 8))
        .exits(4)
        .hold("leavers");
    assert_eq!(world.lms.person("E00040")["active"], true);
    world.run(&["approve", &hold]).exits(0);
    assert_eq!(world.import().exits(0).count("deactivated"), 8);
    assert_eq!(world.lms.person("E00040")["active"], false);
    assert_eq!(world.import().exits(0).held(), [], "once is enough");
}
