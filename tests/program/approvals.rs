//! What an approval covers: what was shown, with every value, and no more.

use serde_json::json;

use crate::identity::{REKEY, renumbered, with as with_identity};
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::feed::strings;
use crate::support::{Feed, Person, Ran, World, on_each_system};

/// The names of what tells who somebody is, as the hold must name them.
fn identity_fields(system: System) -> [&'static str; 4] {
    match system {
        Kmi => ["email", "firstName", "lastName", "loginName"],
        AnewSpring => ["email", "firstName", "lastName", "login"],
    }
}

#[test]
fn a_hold_of_slipped_columns_says_for_each_person_what_an_approval_overwrites() {
    on_each_system(|system| {
        let (world, feed) = with_identity(100, system, "");
        // Names, addresses and logins against the IDs, round twenty people.
        let mut slipped = feed.clone();
        let mut ids: Vec<_> = feed.people[..20].iter().map(|it| it.id.clone()).collect();
        ids.rotate_left(1);
        for (person, id) in slipped.people.iter_mut().zip(ids) {
            person.id = id;
        }
        let ran = world
            .changes_nothing(|world| world.import_feed(&slipped))
            .exits(4);
        assert_eq!(ran.held(), [("identities".to_owned(), 20)]);
        let people = world.held_people(&ran.hold("identities"));
        assert_eq!(people.len(), 20);
        for person in people {
            let reason = &person["reason"];
            assert!(reason.contains("overwrite"), "{person:#?}");
            let all = format!("{person:?}");
            for field in identity_fields(system) {
                assert!(all.contains(field), "{field}: {person:#?}");
            }
            assert!(!all.to_lowercase().contains("zquimby"), "{person:#?}");
        }
        let hold = ran.hold("identities");
        let shown = world.run(&["hold", &hold]).exits(0).stdout;
        let said = shown.matches("overwrite").count();
        assert!(said >= 20, "for each person: {shown}");
    });
}

#[test]
fn a_number_lets_these_accounts_be_changed_and_holds_nobody_as_renumbered() {
    on_each_system(|system| {
        let (world, feed) = with_identity(100, system, "");
        // Or it would take none of them, whose logins others still have.
        world.lms.set_faults(&json!({"shared_logins": true}));
        let mut slipped = feed.clone();
        let mut ids: Vec<_> = feed.people[..20].iter().map(|it| it.id.clone()).collect();
        ids.rotate_left(1);
        for (person, id) in slipped.people.iter_mut().zip(ids) {
            person.id = id;
        }
        let before = world.import_feed(&slipped).exits(4).hold("identities");
        let fewer = world.changes_nothing(|world| world.import_with(&["--allow", "identities=19"]));
        assert_eq!(fewer.exits(4).held(), [("identities".to_owned(), 20)]);
        let ran = world.import_with(&["--allow", "identities=20"]).exits(0);
        assert_eq!((ran.count("updated"), ran.held()), (20, vec![]));
        world.assert_everyone_once(&slipped);
        assert_eq!(world.hold_state(&before), "replaced");
        let holds = world.run(&["holds", "--all", "--json"]).exits(0).json();
        let last = &holds["holds"][0];
        let told = (&last["kind"], &last["state"], &last["people"]);
        assert_eq!(
            told,
            (&json!("identities"), &json!("carried_out"), &json!(20))
        );
        // Nothing else was let pass along with them.
        assert_eq!(holds["holds"].as_array().unwrap().len(), 2, "{holds:#}");
    });
}

/// A change of a value that decides nothing about who somebody is.
type Touch = fn(&mut Person);

/// What a mapping of that system sends apart from who somebody is.
fn touches(system: System) -> Vec<Touch> {
    let city: Touch = |person| person.city = "Meppel".into();
    let role: Touch = |person| person.parts.roles = strings(&["Instructor"]);
    match system {
        Kmi => vec![city],
        AnewSpring => vec![city, role],
    }
}

/// A world that passes none of the kind without a person's word, to which a hundred
/// people were imported.
fn with(system: System, guard: &str) -> (World, Feed) {
    let world = World::new(system).parts(&format!("[guards]\n{guard} = 0"));
    let feed = Feed::of(100);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

/// Imports the feed that was approved, with another value in the row of that person.
fn import_touched(world: &World, feed: &Feed, index: usize, touch: Touch) -> Ran {
    world.import_feed(&feed.clone().change(index, touch))
}

#[test]
fn an_approved_joiner_with_other_values_is_judged_again() {
    on_each_system(|system| {
        for touch in touches(system) {
            let (world, _) = with(system, "max_creates");
            let feed = Feed::of(103);
            let ran = world
                .changes_nothing(|world| world.import_feed(&feed))
                .exits(4);
            assert_eq!(ran.held(), [("creates".to_owned(), 3)]);
            let hold = ran.hold("creates");
            world.run(&["approve", &hold]).exits(0);
            let ran = import_touched(&world, &feed, 101, touch).exits(4);
            assert_eq!((ran.count("created"), ran.count("pending")), (2, 1));
            assert_eq!(ran.held(), [("creates".to_owned(), 1)]);
            assert_ne!(ran.hold("creates"), hold);
            assert_eq!(world.row(103)["outcome"], "held");
            assert!(world.lms.with_id("E00102").is_empty());
            // And what was held now is what is created then.
            world.run(&["approve", &ran.hold("creates")]).exits(0);
            assert_eq!(world.import().exits(0).count("created"), 1);
            world.assert_everyone_once(&feed.change(101, touch));
        }
    });
}

#[test]
fn an_approved_change_of_identity_with_other_values_is_judged_again() {
    on_each_system(|system| {
        for touch in touches(system) {
            let (world, mut feed) = with(system, "max_identities");
            for (person, number) in feed.people[..3].iter_mut().zip(501..) {
                let id = std::mem::take(&mut person.id);
                *person = Person::new(number);
                person.id = id;
            }
            let ran = world
                .changes_nothing(|world| world.import_feed(&feed))
                .exits(4);
            assert_eq!(ran.held(), [("identities".to_owned(), 3)]);
            let hold = ran.hold("identities");
            world.run(&["approve", &hold]).exits(0);
            let before = world.lms.person("E00002");
            let ran = import_touched(&world, &feed, 1, touch).exits(4);
            assert_eq!((ran.count("updated"), ran.count("pending")), (2, 1));
            assert_eq!(ran.held(), [("identities".to_owned(), 1)]);
            assert_ne!(ran.hold("identities"), hold);
            assert_eq!(world.row(3)["outcome"], "held");
            assert_eq!(world.lms.person("E00002"), before);
        }
    });
}

#[test]
fn approved_rows_that_are_as_they_were_shown_pass_whatever_else_the_feed_changes() {
    on_each_system(|system| {
        let (world, _) = with(system, "max_creates");
        let feed = Feed::of(103);
        let ran = world.import_feed(&feed).exits(4);
        world.run(&["approve", &ran.hold("creates")]).exits(0);
        for touch in touches(system) {
            // Somebody who was known before.
            let ran = import_touched(&world, &feed, 7, touch).exits(0);
            assert_eq!((ran.count("updated"), ran.held()), (1, vec![]));
        }
        assert_eq!(world.lms.people().len(), 103);
    });
}

/// A world in which sixty of 200 rekeys wait, and the hold of them.
fn with_sixty_rekeys(system: System) -> (World, Feed, String) {
    let (world, feed) = with_identity(200, system, REKEY);
    let feed = renumbered(&feed, 140, |id| format!("N{id}"));
    let ran = world
        .changes_nothing(|world| world.import_feed(&feed))
        .exits(4);
    assert_eq!(ran.held(), [("identities".to_owned(), 60)]);
    let hold = ran.hold("identities");
    (world, feed, hold)
}

/// Shows that a run carried the sixty rekeys out, and that it is over.
#[track_caller]
fn are_done(world: &World, feed: &Feed, hold: &str, ran: Ran) {
    let ran = ran.exits(0);
    let counts = ["updated", "created", "deleted", "pending"].map(|it| ran.count(it));
    assert_eq!((counts, ran.held()), ([60, 0, 0, 0], vec![]));
    assert_eq!(world.hold_state(hold), "carried_out");
    world.assert_everyone_once(feed);
    let ran = world.changes_nothing(World::import).exits(0);
    assert_eq!((ran.count("unchanged"), ran.held()), (200, vec![]));
}

#[test]
fn approved_rekeys_beyond_the_bound_are_carried_out_by_the_next_import() {
    on_each_system(|system| {
        let (world, feed, hold) = with_sixty_rekeys(system);
        world.run(&["approve", &hold]).exits(0);
        let ran = world.import();
        are_done(&world, &feed, &hold, ran);
    });
}

#[test]
fn rekeys_beyond_the_bound_are_approved_and_carried_out_at_once() {
    on_each_system(|system| {
        let (world, feed, hold) = with_sixty_rekeys(system);
        let ran = world.import_with(&["--approve", &hold]);
        are_done(&world, &feed, &hold, ran);
    });
}

#[test]
fn approved_changes_of_identity_are_sent_in_the_order_in_which_logins_become_free() {
    on_each_system(|system| {
        let (world, feed) = with_identity(100, system, "");
        // Eight people get the identity of the next one, and the last a new one.
        let mut slipped = feed.clone();
        for at in 0..8 {
            let next = feed.people[at + 1].clone();
            slipped.people[at] = Person {
                id: feed.people[at].id.clone(),
                ..next
            };
        }
        slipped.people[8] = Person {
            id: feed.people[8].id.clone(),
            ..Person::new(177)
        };
        let ran = world.changes_nothing(|world| world.import_feed(&slipped));
        let hold = ran.exits(4).hold("identities");
        world.run(&["approve", &hold]).exits(0);
        let ran = world.import().exits(0);
        assert_eq!((ran.count("updated"), ran.held()), (9, vec![]), "{ran:#?}");
        world.assert_everyone_once(&slipped);
    });
}

/// A world in which eight leavers were approved, and an outage ended the run that was to
/// remove them; and whom it removed.
fn with_a_part_done(system: System) -> (World, String, usize) {
    let parts = "[leavers]\naction = \"delete\"";
    let world = World::new(system)
        .parts(parts)
        .target("max_outage = \"1s\"");
    let mut feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    feed.people.truncate(32);
    let hold = world.import_feed(&feed).exits(4).hold("leavers");
    world.run(&["approve", &hold]).exits(0);
    let down = json!({"down_after": 4, "down_for": 3600});
    world.lms.set_faults(&down);
    world.import().exits(5);
    world
        .lms
        .set_faults(&json!({"down_after": null, "down_for": 0}));
    let done = 40 - world.lms.people().len();
    assert!((1..7).contains(&done), "{done}");
    (world, hold, done)
}

#[test]
fn an_approved_hold_that_was_carried_out_in_part_shows_who_is_left() {
    on_each_system(|system| {
        let (world, hold, done) = with_a_part_done(system);
        let left = 8 - done;
        let people = world.held_people(&hold);
        assert_eq!(people.len(), left, "{people:#?}");
        for person in &people {
            let id = &person["external_id"];
            assert_eq!(world.lms.with_id(id).len(), 1, "{id} is gone already");
        }
        let people = if done == 1 { "person" } else { "people" };
        let progress = format!("carried out for {done} {people}, {left} are left");
        for command in [&["hold", &hold][..], &["holds"]] {
            let shown = world.run(command).exits(0).stdout;
            let shown: Vec<_> = shown.split_whitespace().collect();
            assert!(shown.join(" ").contains(&progress), "{shown:?}");
        }
        let shown = world.run(&["hold", &hold, "--json"]).exits(0).json();
        let counts = (
            &shown["holds"][0]["people"],
            &shown["holds"][0]["carried_out"],
        );
        assert_eq!(counts, (&json!(8), &json!(done)), "{shown:#}");
        assert_eq!(shown["people"].as_array().unwrap().len(), left, "{shown:#}");
        // Whatever is decided next, those who are done are not among the others.
        world.run(&["refuse", &hold]).exits(0);
        assert_eq!(world.held_people(&hold).len(), left);
        world.run(&["refuse", &hold, "--take-back"]).exits(0);
        let one = &world.held_people(&hold)[0]["external_id"];
        let split = world.run(&["approve", &hold, "--only", one, "--json"]);
        let split = split.exits(0).json();
        let counts = |at: usize| {
            [
                &split["holds"][at]["people"],
                &split["holds"][at]["carried_out"],
            ]
        };
        assert_eq!(counts(0), [&json!(1), &json!(0)], "{split:#}");
        assert_eq!(counts(1), [&json!(7), &json!(done)], "{split:#}");
    });
}

#[test]
fn a_hold_of_which_all_is_carried_out_still_shows_its_people() {
    on_each_system(|system| {
        let (world, hold, _) = with_a_part_done(system);
        world.resume().exits(0);
        assert_eq!(world.hold_state(&hold), "carried_out");
        assert_eq!(world.held_people(&hold).len(), 8);
        let shown = world.run(&["hold", &hold]).exits(0).stdout;
        assert!(!shown.contains("are left"), "{shown}");
    });
}

#[test]
fn a_hold_of_which_the_lms_refused_some_shows_whom() {
    on_each_system(|system| {
        let (world, _) = with(system, "max_creates");
        let hold = world.import_feed(&Feed::of(103)).exits(4).hold("creates");
        world.run(&["approve", &hold]).exits(0);
        // What the LMS does not take.
        world.lms.set_faults(&json!({"odd_rows": {"E00102": 400}}));
        assert_eq!(world.import().exits(3).count("created"), 2);
        assert_eq!(world.hold_state(&hold), "carried_out");
        let people = world.held_people(&hold);
        let ids: Vec<_> = people.iter().map(|it| &it["external_id"]).collect();
        assert_eq!(ids, ["E00102"]);
        let shown = world.run(&["hold", &hold]).exits(0).stdout;
        assert!(
            shown.contains("carried out for 2 people, not for 1"),
            "{shown}"
        );
    });
}

/// A person with the login or only the address of somebody who has left, and a name in
/// common.
fn joiner_like(gone: &Person, has_login: bool) -> Person {
    let joiner = Person::new(177);
    Person {
        last: gone.last.clone(),
        email: gone.email.clone(),
        login: if has_login {
            gone.login.clone()
        } else {
            joiner.login.clone()
        },
        ..joiner
    }
}

#[test]
fn another_human_than_it_seems_is_created_once_a_person_says_so() {
    on_each_system(|system| {
        for has_login in [false, true] {
            let (world, mut feed) = with_identity(40, system, "");
            let gone = feed.people.remove(0);
            let before = world.account(&gone.id);
            feed.people.push(joiner_like(&gone, has_login));
            let ran = world.changes_nothing(|world| world.import_feed(&feed));
            let hold = ran.exits(4).hold("renumbered");
            assert_eq!(world.held_people(&hold)[0]["known_as"], gone.id);
            let decided = world
                .run(&["approve", &hold, "--as-joiners", "--json"])
                .exits(0)
                .json();
            assert_eq!(decided["holds"][0]["decided"]["as_joiners"], true);
            // The one who left is a leaver like any other.
            let ran = world.import().exits(0);
            let counts = ["created", "updated", "deleted"].map(|it| ran.count(it));
            assert_eq!(counts, [1, 0, 1], "{has_login}: {ran:#?}");
            assert_eq!(world.hold_state(&hold), "carried_out");
            world.assert_everyone_once(&feed);
            assert_ne!(world.account(&feed.people[39].id), before);
            world.changes_nothing(World::import).exits(0);
        }
    });
}

#[test]
fn whose_removal_was_refused_stays_when_a_joiner_is_another_human() {
    on_each_system(|system| {
        let (world, mut feed) = with_identity(40, system, "");
        let gone: Vec<_> = feed.people.drain(..6).collect();
        let refused = world.import_feed(&feed).exits(4).hold("leavers");
        world.run(&["refuse", &refused]).exits(0);
        feed.people.push(joiner_like(&gone[0], false));
        let hold = world.import_feed(&feed).exits(4).hold("renumbered");
        world.run(&["approve", &hold, "--as-joiners"]).exits(0);
        let ran = world.import().exits(0);
        assert_eq!(
            (ran.count("created"), ran.count("deleted")),
            (1, 0),
            "{ran:#?}"
        );
        assert_eq!(world.lms.with_id(&gone[0].id).len(), 1);
        assert_eq!(world.hold_state(&refused), "refused");
    });
}

#[test]
fn nobody_who_comes_under_a_known_id_is_a_joiner() {
    on_each_system(|system| {
        let (world, mut feed) = with_identity(40, system, "");
        // The first comes under the ID of the second, who comes under a new one.
        feed.people[1].id = "N00002".into();
        feed.people[0].id = "E00002".into();
        let hold = world.import_feed(&feed).exits(4).hold("renumbered");
        let before = ["E00001", "E00002"].map(|id| world.account(id));
        let only = ["approve", &hold, "--as-joiners", "--only", "E00002"];
        world.run(&only).exits(0);
        let ran = world.changes_nothing(World::import).exits(4);
        assert_eq!(people_held(&ran), 2, "{ran:#?}");
        assert_eq!(["E00001", "E00002"].map(|id| world.account(id)), before);
    });
}

#[test]
fn only_people_under_other_ids_can_be_approved_as_joiners() {
    let (world, mut feed) = with(Kmi, "max_updates");
    feed.people[0].city = "Meppel".into();
    let hold = world.import_feed(&feed).exits(4).hold("updates");
    let ran = world.run(&["approve", &hold, "--as-joiners"]).exits(2);
    assert!(ran.stderr.contains("--as-joiners"), "{ran:#?}");
    assert_eq!(world.hold_state(&hold), "open");
}

fn people_held(ran: &Ran) -> u64 {
    ran.held().iter().map(|(_, people)| *people).sum()
}
