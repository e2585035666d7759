//! External IDs that are still somebody else's: a row cannot have one before that
//! person has let go of it.

use crate::identity::{HOLD, REKEY, with};
use crate::support::{Feed, Ran, World, on_each_system};

/// What is done with a world on the second night, so that a claim could come through.
type Attempt = fn(&World) -> Ran;

/// The feed in which the row of E00005 carries the human of E00009, whose own row is
/// gone. The human of E00005 is in no row.
fn with_another_human_under_an_id(feed: &Feed, keeps_login: bool) -> Feed {
    let mut feed = feed.clone();
    let mut person = feed.people.remove(8);
    "E00005".clone_into(&mut person.id);
    if !keeps_login {
        "zquimby-new".clone_into(&mut person.login);
    }
    feed.people[4] = person;
    feed
}

/// Shows that the row is rejected for the ID and that nobody is touched, night after
/// night.
#[track_caller]
fn is_rejected(world: &World, attempt: Attempt) {
    for night in 1..=2 {
        let ran = world.changes_nothing(attempt);
        assert_eq!(ran.code, 3, "night {night}: {ran:#?}");
        let counts = ["rejected", "created", "updated", "deleted"].map(|it| ran.count(it));
        assert_eq!(counts, [1, 0, 0, 0], "night {night}: {ran:#?}");
        let message = world.row(6)["message"].to_string();
        for words in ["external ID", "still another person's"] {
            assert!(message.contains(words), "night {night}: {message}");
        }
        assert!(!message.to_lowercase().contains("zquimby"), "{message}");
    }
}

#[test]
fn a_known_human_under_the_id_of_somebody_who_is_in_no_row_is_rejected_and_overwrites_nobody() {
    on_each_system(|system| {
        for keeps_login in [true, false] {
            for identity in [HOLD, REKEY] {
                let (world, feed) = with(40, system, identity);
                world.feed(&with_another_human_under_an_id(&feed, keeps_login));
                is_rejected(&world, World::import);
                // No number lets it pass.
                let allowed: Attempt = |world| world.import_with(&["--allow", "renumbered=1"]);
                is_rejected(&world, allowed);
                // And the sound feed goes through as if nothing had been.
                let ran = world.changes_nothing(|world| world.import_feed(&feed));
                assert_eq!(ran.exits(0).count("unchanged"), 40);
            }
        }
    });
}

#[test]
fn a_plan_says_that_an_id_is_still_somebody_elses() {
    on_each_system(|system| {
        let (world, feed) = with(40, system, HOLD);
        world.feed(&with_another_human_under_an_id(&feed, true));
        let plan = world.changes_nothing(World::plan).exits(3);
        let counts = ["rejected", "created", "updated", "deleted"].map(|it| plan.count(it));
        assert_eq!(counts, [1, 0, 0, 0]);
    });
}

#[test]
fn an_approval_of_another_id_gives_nobody_an_id_that_is_still_somebody_elses() {
    on_each_system(|system| {
        let (world, feed) = with(40, system, HOLD);
        // E00009 was to become N00009, and that was approved.
        let renumbered = feed.clone().change(8, |person| person.id = "N00009".into());
        let hold = world.import_feed(&renumbered).exits(4).hold("renumbered");
        world.run(&["approve", &hold]).exits(0);
        world.feed(&with_another_human_under_an_id(&feed, true));
        is_rejected(&world, World::import);
    });
}

/// The feed in which the first two people have each other's external IDs.
fn with_swapped_ids(feed: &Feed) -> Feed {
    let mut feed = feed.clone();
    "E00002".clone_into(&mut feed.people[0].id);
    "E00001".clone_into(&mut feed.people[1].id);
    feed
}

#[test]
fn two_people_who_swap_ids_are_rejected_together_once_the_swap_is_approved() {
    on_each_system(|system| {
        let (world, feed) = with(40, system, HOLD);
        let swapped = with_swapped_ids(&feed);
        let ran = world.changes_nothing(|world| world.import_feed(&swapped));
        let hold = ran.exits(4).hold("renumbered");
        world.run(&["approve", &hold]).exits(0);
        for _night in 0..2 {
            let ran = world.changes_nothing(World::import).exits(3);
            assert_eq!((ran.count("rejected"), ran.held()), (2, vec![]));
            for (line, known_as) in [(2, "E00001"), (3, "E00002")] {
                let row = world.row(line);
                assert_eq!(row["outcome"], "rejected", "{row:#}");
                let message = row["message"].to_string();
                for words in ["exchange", "LMS", known_as] {
                    assert!(message.contains(words), "{message}");
                }
            }
            let all = world.run(&["holds", "--all", "--json"]).exits(0).json();
            let number = all["holds"].as_array().unwrap().len();
            assert_eq!(number, 1, "a second hold of the same people: {all:#}");
        }
        assert_ne!(world.hold_state(&hold), "carried_out");
    });
}

#[test]
fn half_of_a_swap_that_was_approved_is_not_called_carried_out() {
    on_each_system(|system| {
        let (world, feed) = with(40, system, HOLD);
        let hold = world
            .import_feed(&with_swapped_ids(&feed))
            .exits(4)
            .hold("renumbered");
        world.run(&["approve", &hold, "--only", "E00002"]).exits(0);
        let ran = world.changes_nothing(World::import);
        assert!([3, 4].contains(&ran.code), "{ran:#?}");
        assert_ne!(world.hold_state(&hold), "carried_out", "{ran:#?}");
        // The other half is refused, and nothing comes of this one.
        for open in ran.open_holds() {
            world.run(&["refuse", &open]).exits(0);
        }
        world.changes_nothing(World::import);
        assert_ne!(world.hold_state(&hold), "carried_out");
    });
}
