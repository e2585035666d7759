//! People who are no longer in the feed, and people who return.

use serde_json::json;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, Ran, World, calls, on_each_system};

/// A world with this in `[leavers]`, to which forty people were imported.
fn with_forty(system: System, leavers: &str) -> (World, Feed) {
    let world = World::new(system).parts(&format!("[leavers]\n{leavers}"));
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

#[test]
fn leavers_are_left_alone_unless_the_mapping_says_otherwise() {
    on_each_system(|system| {
        let world = World::new(system);
        let mut feed = Feed::of(40);
        world.import_feed(&feed).exits(0);
        feed.people.truncate(39);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
        assert_eq!(world.lms.people().len(), 40);
    });
}

#[test]
fn a_leaver_is_deleted_and_comes_back_as_somebody_new() {
    on_each_system(|system| {
        let (world, mut feed) = with_forty(system, "action = \"delete\"");
        let last = feed.people.pop().unwrap();
        world.lms.reset_stats();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("deleted"), ran.count("unchanged")), (1, 39));
        let delete = match system {
            Kmi => "DELETE users/external_id/{external_id}/",
            AnewSpring => "POST deleteUser/{userID}",
        };
        assert_eq!(world.lms.stats().by_call(), calls(&[(delete, 1)]));
        world.assert_everyone_once(&feed);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
        feed.people.push(last);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("created"), 1);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_leaver_is_deactivated_and_active_again_when_the_feed_names_the_person() {
    let (world, mut feed) = with_forty(AnewSpring, "action = \"deactivate\"");
    let last = feed.people.pop().unwrap();
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("deactivated"), 1);
    assert_eq!(world.lms.person("E00040")["active"], false);
    assert_eq!(world.cost(&feed, 0), calls(&[]), "once is enough");
    feed.people.push(last);
    let update = calls(&[("POST updateUser/{userID}", 1)]);
    assert_eq!(world.cost(&feed, 0), update);
    assert_eq!(world.lms.person("E00040")["active"], true);
    world.assert_everyone_once(&feed);
}

#[test]
fn whoever_was_archived_is_brought_back_before_anything_else() {
    let leavers = "action = \"deactivate\"\ndeactivate_by = \"archived\"";
    let (world, mut feed) = with_forty(AnewSpring, leavers);
    let mut last = feed.people.pop().unwrap();
    world.import_feed(&feed).exits(0);
    assert_eq!(world.lms.person("E00040")["archived"], true);
    last.first = "Back".into();
    feed.people.push(last);
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("updated"), 1);
    assert_eq!(world.lms.person("E00040")["archived"], false);
    world.assert_everyone_once(&feed);
}

#[test]
fn an_archived_person_who_is_new_to_hrfeed_is_brought_back_too() {
    let world = World::new(AnewSpring);
    let feed = Feed::of(1);
    let details = "login=zquimby1&firstName=Old&lastName=One";
    world.lms.call("addUser/E00001", details);
    world.lms.call("updateUser/E00001", "archived=true");
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("updated"), 1, "{ran:#?}");
    assert_eq!(world.lms.person("E00001")["archived"], false);
    world.assert_everyone_once(&feed);
}

#[test]
fn too_many_leavers_are_held_until_a_person_approves_and_the_rest_goes_on() {
    on_each_system(|system| {
        let leavers = "action = \"delete\"\n\n[guards]\nmax_leavers = 2";
        let (world, mut feed) = with_forty(system, leavers);
        feed.people.truncate(37);
        feed.people[0].first = "Anna".into();
        let ran = world.import_feed(&feed).exits(4);
        assert_eq!((ran.count("updated"), ran.count("deleted")), (1, 0));
        assert!(
            ran.stderr.contains(
                "3 of 40 people are missing from the feed; the limit is 2 (`max_leavers` is 2 in 7 days), so they were not removed"
            ),
            "{ran:#?}"
        );
        assert!(ran.stderr.contains("`hrfeed approve 1`"), "{ran:#?}");
        // Who sees no more than the run's message finds the people by it.
        let message = ran.json()["message"].to_string();
        assert!(message.contains("(hold 1)"), "{message}");
        let runs = world.run(&["runs"]).exits(0);
        assert!(runs.stdout.contains("needs approval"), "{runs:#?}");
        let plan = world.run(&["plan", "people.csv", "-m", "mapping.toml"]);
        assert!(plan.exits(4).stdout.contains("would hold back"));
        assert_eq!(world.lms.people().len(), 40);
        let ran = world.import_with(&["--allow", "leavers=3"]).exits(0);
        assert_eq!(ran.count("deleted"), 3);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn an_approval_covers_the_number_that_was_seen_and_no_other_feed() {
    on_each_system(|system| {
        let leavers = "action = \"delete\"\n\n[guards]\nmax_leavers = 2\nmax_shrink = \"100%\"";
        let (world, mut feed) = with_forty(system, leavers);
        feed.people.truncate(37);
        world.import_feed(&feed).exits(4);
        // Before the approval is used, the feed is cut.
        feed.people.truncate(3);
        world.feed(&feed);
        let ran = world.import_with(&["--allow", "leavers=3"]).exits(4);
        assert_eq!(ran.count("deleted"), 0);
        assert_eq!(ran.held(), [("leavers".to_owned(), 37)]);
        // Neither does the hold that was shown before.
        let approved = world.run(&["approve", "1"]).exits(2);
        assert!(
            approved.stderr.contains("replaced by hold 2"),
            "{approved:#?}"
        );
        assert_eq!(world.lms.people().len(), 40);
    });
}

#[test]
fn an_approval_without_a_number_is_a_wrong_use_that_shows_the_right_one() {
    let world = World::new(System::Kmi);
    world.feed(&Feed::of(3));
    for (typed, shown) in [
        ("leavers", "leavers=40"),
        ("leaver=3", "did you mean `leavers=N`?"),
        ("creates=3,rejected=some", "rejected=40"),
        ("emptied", "emptied=Department"),
    ] {
        let ran = world.import_with(&["--allow", typed]).exits(2);
        assert!(ran.stderr.contains(shown), "{typed}: {ran:#?}");
    }
    assert_eq!(world.lms.people().len(), 0);
}

#[test]
fn a_row_that_was_refused_is_no_leaver_and_one_that_nobody_can_read_holds_all() {
    on_each_system(|system| {
        let (world, mut feed) = with_forty(system, "action = \"delete\"");
        feed.people[3].login.clear();
        let ran = world.import_feed(&feed).exits(3);
        assert_eq!((ran.count("rejected"), ran.count("deleted")), (1, 0));
        feed.people[5].id = "1.2E+05".into();
        // Whom that row means stays; the other one could be in any.
        feed.people.pop();
        let ran = world.import_feed(&feed).exits(4);
        assert_eq!(ran.count("deleted"), 0);
        assert!(
            ran.stderr
                .contains("could be in 1 row without a readable external ID")
        );
        assert_eq!(world.lms.people().len(), 40);
    });
}

#[test]
fn a_feed_that_looks_sick_sends_nothing() {
    on_each_system(|system| {
        let leavers = "action = \"delete\"\n\n[guards]\nmax_rejected = \"10%\"\nmin_rows = 20";
        let (world, mut feed) = with_forty(system, leavers);
        let whole = feed.clone();
        for person in &mut feed.people[..11] {
            person.last.clear();
        }
        feed.people[39].first = "Anna".into();
        world.lms.reset_stats();
        let ran = world.import_feed(&feed).exits(4);
        assert!(ran.stderr.contains("11 of 40 rows are invalid"), "{ran:#?}");
        feed.people.truncate(19);
        let ran = world.import_feed(&feed).exits(4);
        assert!(ran.stderr.contains("the feed has 19 rows"), "{ran:#?}");
        assert_eq!(world.lms.stats().requests(), 0);
        world.import_feed(&whole).exits(0);
        world.assert_everyone_once(&whole);
    });
}

/// Imports the feed with a mapping of another name: it is another feed.
fn import_as_another(world: &World, feed: &Feed) -> Ran {
    world.feed(feed);
    std::fs::copy(world.path("mapping.toml"), world.path("other.toml")).unwrap();
    let import = ["import", "people.csv", "-m", "other.toml", "--json"];
    world.run(&import).exits(0)
}

#[test]
fn people_of_another_feed_are_nobody_s_leavers() {
    on_each_system(|system| {
        let leavers = "action = \"delete\"\n\n[guards]\nmax_leavers = 100";
        let (world, mut feed) = with_forty(system, leavers);
        feed.people.drain(..35);
        std::fs::rename(world.path("mapping.toml"), world.path("other.toml")).unwrap();
        world.feed(&feed);
        let import = ["import", "people.csv", "-m", "other.toml", "--json"];
        let ran = world.run(&import).exits(0);
        assert_eq!((ran.count("deleted"), ran.count("unchanged")), (0, 5));
        assert_eq!(world.lms.people().len(), 40);
    });
}

#[test]
fn whom_two_feeds_name_leaves_only_when_both_let_go() {
    on_each_system(|system| {
        let leavers = "action = \"delete\"\n\n[guards]\nmax_leavers = 100";
        let (world, mut feed) = with_forty(system, leavers);
        let from = |index: usize| Feed {
            people: Feed::of(40).people.split_off(index),
        };
        // E00036 to E00040 are in both feeds. Then E00036 leaves the other one,
        // and is still in the first.
        import_as_another(&world, &from(35));
        let ran = import_as_another(&world, &from(36));
        assert_eq!(ran.count("deleted"), 0);
        let notes = ran.json()["notes"].to_string();
        assert!(
            notes.contains("1 person is missing here, but named by another feed"),
            "{notes}"
        );
        assert_eq!(world.lms.people().len(), 40);
        // And the first one lets go, too.
        world.import_feed(&feed).exits(0);
        feed.people.remove(35);
        assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 1);
        world.assert_everyone_once(&feed);
        // Whose mapping is gone names nobody any more.
        std::fs::remove_file(world.path("other.toml")).unwrap();
        feed.people.pop();
        assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 1);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn lost_answers_about_leavers_end_as_wanted() {
    on_each_system(|system| {
        let leavers = "action = \"delete\"\n\n[guards]\nmax_leavers = 20\nmax_shrink = \"100%\"";
        let (world, mut feed) = with_forty(system, leavers);
        feed.people.truncate(20);
        let faults = json!({"lost_after": 0.2, "lost_before": 0.1});
        world.lms.set_faults(&faults);
        let ran = world.import_feed(&feed);
        // One of whom five requests in a row are lost is given up, or unknown.
        assert!(matches!(ran.code, 0 | 3 | 5), "{ran:#?}");
        let removed = 40 - world.lms.people().len() as u64;
        let deleted = ran.count("deleted");
        assert!(deleted == removed || ran.code == 5, "{ran:#?}");
        assert!(deleted == 20 || ran.code > 0, "{ran:#?}");
        let none = json!({"lost_after": 0.0, "lost_before": 0.0});
        world.lms.set_faults(&none);
        world.import().exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whoever_returns_is_active_whatever_answers_are_lost() {
    let leavers = "action = \"deactivate\"\n\n[guards]\nmax_leavers = 20\nmax_shrink = \"100%\"";
    let (world, whole) = with_forty(AnewSpring, leavers);
    let mut feed = whole.clone();
    feed.people.truncate(28);
    world.import_feed(&feed).exits(0);
    world.lms.set_faults(&json!({"lost_before": 0.3}));
    world.import_feed(&whole);
    world.lms.set_faults(&json!({"lost_before": 0.0}));
    world.import().exits(0);
    for person in world.lms.people() {
        assert_eq!(person["active"], true, "{person:#}");
    }
}

#[test]
fn whoever_returns_and_is_not_active_by_the_feed_stays_so() {
    let world = World::new(AnewSpring)
        .fields("active = \"Group name\"")
        .parts("[leavers]\naction = \"deactivate\"");
    let mut feed = Feed::of(40).each(|_, it| it.group_name = "yes".into());
    feed.parts(39).group_name = "no".into();
    world.import_feed(&feed).exits(0);
    let last = feed.people.pop().unwrap();
    world.import_feed(&feed).exits(0);
    feed.people.push(last);
    world.import_feed(&feed).exits(0);
    assert_eq!(world.lms.person("E00040")["active"], false);
    assert_eq!(world.import().exits(0).count("unchanged"), 40);
}

#[test]
fn a_leaver_that_the_lms_refuses_to_remove_changes_the_exit_code() {
    let world = World::new(AnewSpring).parts("[leavers]\naction = \"deactivate\"");
    let mut feed = Feed::of(2);
    world.import_feed(&feed).exits(0);
    feed.people.pop();
    world.lms.set_faults(&json!({"refuse": 1.0}));
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!(ran.count("deactivated"), 0);
    let notes = ran.json()["notes"].to_string();
    assert!(notes.contains("1 leaver is unchanged"), "{notes}");
}

#[test]
fn a_leaver_who_returned_in_part_only_can_leave_again() {
    // The week's budget of so few people is one leaver.
    let leavers = "[leavers]\naction = \"deactivate\"\n\n[guards]\nmax_leavers = 2";
    let world = World::new(AnewSpring).parts(leavers);
    let mut feed = Feed::of(2);
    world.import_feed(&feed).exits(0);
    let mut last = feed.people.pop().unwrap();
    world.import_feed(&feed).exits(0);
    last.parts.author = vec!["missing-1".into()];
    feed.people.push(last);
    world.import_feed(&feed).exits(3);
    assert_eq!(world.lms.person("E00002")["active"], true);
    feed.people.pop();
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("deactivated"), 1, "{ran:#?}");
    assert_eq!(world.lms.person("E00002")["active"], false);
}

#[test]
fn whoever_was_there_as_the_feed_says_can_leave_the_night_after() {
    let (world, mut feed) = with_forty(Kmi, "action = \"delete\"");
    world.forget();
    assert_eq!(world.import_feed(&feed).exits(0).count("unchanged"), 40);
    feed.people.pop();
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("deleted"), 1, "{ran:#?}");
}

#[test]
fn an_interrupted_run_says_how_many_leavers_it_did_not_come_to() {
    on_each_system(|system| {
        let parts = "[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = \"100%\"\nmax_shrink = \"100%\"";
        let world = World::new(system).parts(parts);
        let mut feed = Feed::of(60);
        world.import_feed(&feed).exits(0);
        feed.people.truncate(10);
        let slow = "requests_per_second = 20\nmax_in_flight = 1\nmax_outage = \"1s\"";
        let world = world.target(slow);
        world.feed(&feed);
        let ran = world.import_with(&["--deadline", "2s"]).exits(5);
        let left = world.lms.people().len() as u64 - 10;
        assert!(left > 0 && ran.count("deleted") > 0, "{ran:#?}");
        assert_eq!(ran.json()["leavers_left"], left);
        let shown = world.run(&["show"]).exits(0);
        let sentence = format!("Interrupted with {left} leavers left to process.");
        assert!(shown.stdout.contains(&sentence), "{}", shown.stdout);
        let runs = world.run(&["runs", "--json"]).exits(0).json();
        assert_eq!(runs["runs"][0]["leavers_left"], left);
        // Interrupted again, it still says so.
        world.lms.set_faults(&json!({"unavailable": 1.0}));
        let again = world.run(&["resume", "--json"]).exits(5).json();
        assert_eq!(again["leavers_left"], left, "{again:#}");
        world.lms.set_faults(&json!({"unavailable": 0.0}));
        let resumed = world.run(&["resume", "--json"]).exits(0).json();
        assert_eq!(
            (&resumed["leavers_left"], &resumed["counts"]["deleted"]),
            (&json!(0), &json!(50))
        );
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn accounts_that_a_column_would_close_in_one_night_are_held_beyond_the_limit_of_leavers() {
    let world = World::new(AnewSpring).fields("active = \"Group name\"");
    let mut feed = Feed::of(100).each(|_, it| it.group_name = "yes".into());
    world.import_feed(&feed).exits(0);
    let close = |feed: &mut Feed, people: usize| {
        for person in 0..people {
            feed.parts(person).group_name = "no".into();
        }
    };
    close(&mut feed, 5);
    feed.people[99].city = "Meppel".into();
    assert_eq!(world.import_feed(&feed).exits(0).count("updated"), 6);
    close(&mut feed, 11);
    feed.people[98].city = "Meppel".into();
    let ran = world.import_feed(&feed).exits(4);
    assert_eq!(ran.held(), [("updates".to_owned(), 6)]);
    assert_eq!(ran.count("updated"), 1);
    assert!(
        ran.stderr.contains("6 people would no longer be active"),
        "{ran:#?}"
    );
    assert_eq!(world.lms.person("E00006")["active"], true);
    world.run(&["approve", &ran.hold("updates")]).exits(0);
    assert_eq!(world.import().exits(0).count("updated"), 6);
    assert_eq!(world.lms.person("E00006")["active"], false);
}
