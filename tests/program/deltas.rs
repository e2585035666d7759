//! Feeds that name only who is new or changed: what one of them says is not said again.

use crate::support::System::{AnewSpring, Kmi};
use crate::support::feed::strings;
use crate::support::{Feed, Person, World, calls};

/// A world whose feed is a delta, to which that many people were imported.
fn world(people: usize, more: &str) -> (World, Feed) {
    let world = World::new(Kmi).parts(&format!("[source]\nfeed = \"delta\"\n{more}"));
    let feed = Feed::of(people);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

fn only(people: &[Person]) -> Feed {
    Feed {
        people: people.to_vec(),
    }
}

/// Two may leave in a week.
const TWO: &str = "[leavers]\naction = \"delete\"\nwhen = \"row['Status'] == 'Terminated'\"\n\
                   [guards]\nmax_leavers = 2";

/// Five people of forty are marked as leavers, and held.
fn five_held() -> (World, Feed) {
    let (world, whole) = world(40, TWO);
    let mut feed = only(&whole.people[..5]);
    for person in &mut feed.people {
        person.status = "Terminated";
    }
    let ran = world.import_feed(&feed).exits(4);
    assert_eq!(ran.held(), [("leavers".to_owned(), 5)]);
    (world, whole)
}

#[test]
fn leavers_wait_for_a_decision_although_the_next_deltas_do_not_name_them() {
    let (world, whole) = five_held();
    let next = only(&whole.people[10..11]);
    for _ in 0..2 {
        world.feed(&next);
        assert_eq!(world.plan().exits(4).held(), [("leavers".to_owned(), 5)]);
        let ran = world.import().exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 5)]);
        assert_eq!(ran.json()["holds"][0]["id"], 1, "it is the same hold");
    }
    // Who is back meanwhile does not leave.
    let ran = world.import_feed(&only(&whole.people[4..5])).exits(4);
    assert_eq!(ran.held(), [("leavers".to_owned(), 4)]);
    world
        .run(&["approve", "2", "--only", "E00001,E00002"])
        .exits(0);
    world.run(&["refuse", "3"]).exits(0);
    let ran = world.import_feed(&next).exits(0);
    assert_eq!(ran.count("deleted"), 2);
    // What was refused stays so.
    assert_eq!(
        world
            .import_feed(&Feed::default())
            .exits(0)
            .count("deleted"),
        0
    );
    assert_eq!(world.lms.people().len(), 38);
}

#[test]
fn what_is_held_of_a_delta_waits_until_its_people_are_named_again() {
    let (world, whole) = world(120, "[guards]\nmax_creates = 2");
    let joiners = only(&Feed::of(130).people[120..]);
    let ran = world.import_feed(&joiners).exits(4);
    assert_eq!(ran.held(), [("creates".to_owned(), 10)]);
    // Another one joins, and is not held.
    let next = only(&[whole.people[7].clone(), Person::new(200)]);
    world.feed(&next);
    world.plan().exits(4);
    let ran = world.import().exits(4);
    assert_eq!((ran.count("created"), ran.count("unchanged")), (1, 1));
    assert!(
        ran.stderr.contains(
            "10 people of the delta of run 2, whom this one does not name, wait for a decision, \
             so they were not created (hold 1)"
        ),
        "{ran:#?}"
    );
    world.run(&["approve", "1"]).exits(0);
    let ran = world.import_feed(&next).exits(0);
    assert_eq!(
        ran.notes(),
        [
            "hold 1 is approved, and this delta does not name all of its people: import the feed of \
          run 2 again"
        ]
    );
    assert_eq!(world.import_feed(&joiners).exits(0).count("created"), 10);
    assert_eq!(
        world.import_feed(&next).exits(0).notes(),
        Vec::<String>::new()
    );
    assert_eq!(world.lms.people().len(), 131);
}

#[test]
fn another_external_id_is_held_until_somebody_decides() {
    let (world, whole) = world(40, "");
    let mut renumbered = only(&whole.people[3..4]);
    renumbered.people[0].id = "N4".into();
    world.import_feed(&renumbered).exits(4);
    for feed in [Feed::default(), only(&whole.people[..2])] {
        let ran = world.import_feed(&feed).exits(4);
        assert_eq!(ran.json()["holds"][0]["kind"], "renumbered");
    }
    world.run(&["refuse", "1"]).exits(0);
    world.import_feed(&only(&whole.people[..2])).exits(0);
    // It is the same change, which a person refused.
    world.import_feed(&renumbered).exits(0);
    assert_eq!(world.lms.people().len(), 40);
}

#[test]
fn a_delta_waits_for_the_one_before_it_to_be_finished() {
    let (world, mut feed) = world(40, "[guards]\nmax_updates = \"100%\"");
    for person in &mut feed.people {
        person.city = "Delft".into();
    }
    world.feed(&feed);
    world.lms.set_faults(&serde_json::json!({"latency": 0.05}));
    world.lms.reset_stats();
    let run = world.start_import();
    crate::support::wait_until("some are changed", || world.lms.stats().updates() >= 2);
    run.kill();
    world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
    let next = only(&[Person::new(50)]);
    world.write("next.csv", next.csv(Kmi));
    let import = ["import", "next.csv", "-m", "mapping.toml", "--json"];
    let plan = world
        .run(&["plan", "next.csv", "-m", "mapping.toml"])
        .exits(4);
    let ran = world.changes_nothing(|world| world.run(&import)).exits(4);
    for said in [plan.said(), ran.said()] {
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains("run 2 was not finished, and a delta does not name again"),
            "{said}"
        );
        assert!(said.contains("`--allow unfinished`"), "{said}");
    }
    // Which would go on with the run that has just been stopped.
    world.changes_nothing(World::resume).exits(4);
    world.run(&["resume", "2", "--json"]).exits(0);
    assert_eq!(world.run(&import).exits(0).count("created"), 1);
    feed.people.extend(next.people);
    world.assert_everyone_once(&feed);
}

#[test]
fn the_same_delta_again_goes_on_with_the_one_that_was_not_finished() {
    let (world, mut feed) = world(40, "[guards]\nmax_rejected = 0");
    feed.people[0].email = "no address".into();
    world.import_feed(&feed).exits(4);
    world.import_with(&["--allow", "rejected=1"]).exits(3);
    world.import_feed(&feed).exits(4);
    // Another one says that the first does not matter.
    feed.people[0].email = "one@example.com".into();
    world.feed(&feed);
    world.import().exits(4);
    let ran = world.import_with(&["--allow", "unfinished"]).exits(0);
    assert_eq!(ran.count("updated"), 1);
    world.import_feed(&only(&feed.people[..3])).exits(0);
}

#[test]
fn groups_that_a_delta_does_not_name_are_nobodys_business() {
    let groups = "[groups]\ncreate = true\nremove_unused = true\ntype = { value = \"Learner\" }";
    let world = World::new(AnewSpring).parts(&format!("[source]\nfeed = \"delta\"\n{groups}"));
    let mut feed = Feed::of(6).each(|number, it| it.groups = vec![format!("G{number}")]);
    world.import_feed(&feed).exits(0);
    assert_eq!(world.cost(&only(&feed.people[..1]), 0), calls(&[]));
    assert_eq!(world.import().exits(0).notes(), Vec::<String>::new());
    feed.parts(0).groups = strings(&["G2"]);
    world.import_feed(&only(&feed.people[..1])).exits(0);
    world.assert_everyone_once(&feed);
    assert_eq!(
        world.lms.groups().len(),
        6,
        "only a full feed says that nobody needs one"
    );
}

#[test]
fn a_check_says_whom_the_rows_of_a_delta_would_remove() {
    let (world, mut feed) = world(12, TWO);
    for person in &mut feed.people {
        person.status = "Terminated";
    }
    world.feed(&feed);
    let ran = world
        .run(&["check", "people.csv", "-m", "mapping.toml"])
        .exits(0);
    let said = ran.said().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(
            "An import would remove up to 12 people, those whom the feed names as leavers and \
             hrfeed knows in this LMS."
        ),
        "{said}"
    );
}
