//! Runs that are killed while somebody known gets another external ID, or while a
//! login or an external ID changes hands.

use serde_json::json;

use crate::identity::{HOLD, REKEY, renumbered};
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::gate::{Gate, Moment};
use crate::support::{Feed, Person, World, on_each_system, side_by_side};

const MOMENTS: [Moment; 2] = [Moment::BeforeItIsDone, Moment::BeforeItIsAnswered];

/// The moments, and whether the LMS lets several people have one login.
const KILLS: [(Moment, bool); 4] = [
    (MOMENTS[0], false),
    (MOMENTS[0], true),
    (MOMENTS[1], false),
    (MOMENTS[1], true),
];

/// A world with a gate in front of its LMS, which deletes leavers and has this in
/// `[identity]`, and to which forty people were imported. Whether several people
/// may have one login, is for the LMS to say.
fn with(system: System, identity: &str, shares_logins: bool) -> (World, Gate, Feed) {
    let parts = format!("[leavers]\naction = \"delete\"\n\n[identity]\n{identity}");
    let world = World::new(system).parts(&parts);
    world
        .lms
        .set_faults(&json!({"shared_logins": shares_logins}));
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    (world, gate, feed)
}

/// The one call that gives a known account another external ID.
fn is_rekey(system: System) -> fn(&str) -> bool {
    match system {
        Kmi => |it| {
            let path = it.strip_prefix("POST /api/v2/users/");
            path.is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()))
        },
        AnewSpring => |it| it.starts_with("POST /api/updateUser/E00001"),
    }
}

/// Starts an import that gives E00001 the ID N00001, and kills it in that call.
#[track_caller]
fn kill_in_the_rekey(world: &World, gate: &Gate, moment: Moment) {
    gate.kill_import(world, moment, is_rekey(world.system));
    let has_it = !world.lms.with_id("N00001").is_empty();
    assert_eq!(has_it, moment == Moment::BeforeItIsAnswered);
}

/// The call that updates E00001.
fn is_update(system: System) -> fn(&str) -> bool {
    match system {
        Kmi => |it| it.starts_with("POST /api/v2/users/external_id/E00001/"),
        AnewSpring => |it| it.starts_with("POST /api/updateUser/E00001"),
    }
}

#[test]
fn whoever_was_getting_another_id_when_the_run_was_killed_has_it_after_the_resume() {
    on_each_system(|system| {
        side_by_side(KILLS.map(|(moment, shares_logins)| {
            move || {
                let what = format!("{moment:?}, shared logins: {shares_logins}");
                let (world, gate, mut feed) = with(system, REKEY, shares_logins);
                let before = ["E00001", "E00002", "E00003"].map(|id| world.account(id));
                for person in &mut feed.people[..3] {
                    person.id = format!("N{}", person.id);
                }
                world.feed(&feed);
                gate.kill_import(&world, moment, is_rekey(system));
                let ran = world.resume();
                assert_eq!(ran.code, 0, "{what}: {ran:#?}");
                let counts = ["created", "updated", "deleted"].map(|it| ran.count(it));
                assert_eq!(counts, [0, 3, 0], "{what}: {ran:#?}");
                world.assert_everyone_once(&feed);
                let after = ["NE00001", "NE00002", "NE00003"].map(|id| world.account(id));
                assert_eq!(before, after, "{what}");
                let ran = world.changes_nothing(World::import).exits(0);
                assert_eq!(ran.count("unchanged"), 40, "{what}: {ran:#?}");
            }
        }));
    });
}

#[test]
fn an_import_after_a_run_that_was_killed_in_a_rekey_makes_nobody_twice() {
    on_each_system(|system| {
        side_by_side(MOMENTS.map(|moment| {
            move || {
                let (world, gate, feed) = with(system, REKEY, true);
                let before = world.account("E00001");
                let feed = feed.change(0, |person| person.id = "N00001".into());
                world.feed(&feed);
                kill_in_the_rekey(&world, &gate, moment);
                // Another feed, so that nothing can be resumed.
                let feed = feed.change(1, |person| person.city = "Meppel".into());
                let ran = world.import_feed(&feed).exits(0);
                assert_eq!((ran.count("created"), ran.count("deleted")), (0, 0));
                world.assert_everyone_once(&feed);
                assert_eq!(world.account("N00001"), before, "{moment:?}");
            }
        }));
    });
}

#[test]
fn an_approved_rekey_that_was_cut_short_is_finished_by_the_resume() {
    on_each_system(|system| {
        side_by_side(MOMENTS.map(|moment| {
            move || {
                let (world, gate, feed) = with(system, HOLD, true);
                let before = world.account("E00001");
                let feed = feed.change(0, |person| person.id = "N00001".into());
                let hold = world.import_feed(&feed).exits(4).hold("renumbered");
                world.run(&["approve", &hold]).exits(0);
                kill_in_the_rekey(&world, &gate, moment);
                let ran = world.resume().exits(0);
                assert_eq!((ran.count("created"), ran.count("updated")), (0, 1));
                world.assert_everyone_once(&feed);
                assert_eq!(world.account("N00001"), before, "{moment:?}");
                assert_eq!(world.hold_state(&hold), "carried_out");
            }
        }));
    });
}

#[test]
fn a_joiner_under_the_id_of_somebody_who_was_moving_on_overwrites_nobody() {
    on_each_system(|system| {
        side_by_side(KILLS.map(|(moment, shares_logins)| {
            move || {
                let (world, gate, feed) = with(system, REKEY, shares_logins);
                let mover = world.account("E00001");
                let mut feed = feed.change(0, |person| person.id = "N00001".into());
                feed.people.push(Person {
                    id: "E00001".into(),
                    ..Person::new(41)
                });
                world.feed(&feed);
                kill_in_the_rekey(&world, &gate, moment);
                let ran = world.resume().exits(0);
                assert_eq!((ran.count("created"), ran.count("updated")), (1, 1));
                world.assert_everyone_once(&feed);
                assert_eq!(world.account("N00001"), mover, "{moment:?}");
            }
        }));
    });
}

#[test]
fn a_joiner_who_waits_for_a_login_that_a_killed_run_was_freeing_gets_it() {
    on_each_system(|system| {
        let kills = [(HOLD, MOMENTS[0]), (REKEY, MOMENTS[0]), (REKEY, MOMENTS[1])];
        side_by_side(kills.map(|(identity, moment)| {
            move || {
                let (world, gate, feed) = with(system, identity, false);
                let login = feed.people[0].login.clone();
                let mut feed = feed.change(0, |person| person.login = "zquimby-married".into());
                feed.people.push(Person {
                    login,
                    ..Person::new(41)
                });
                world.feed(&feed);
                gate.kill_import(&world, moment, is_update(system));
                let ran = world.resume().exits(0);
                assert_eq!((ran.count("created"), ran.count("updated")), (1, 1));
                world.assert_everyone_once(&feed);
            }
        }));
    });
}

#[test]
fn a_chain_of_ids_that_was_cut_short_is_finished_in_its_order() {
    on_each_system(|system| {
        side_by_side(MOMENTS.map(|moment| {
            move || {
                let (world, gate, feed) = with(system, REKEY, true);
                let before = ["E00001", "E00040"].map(|id| world.account(id));
                // E00040 becomes E00001 when that has become N00001.
                let feed = renumbered(&feed, 39, |_| "E00001".into());
                let feed = feed.change(0, |person| person.id = "N00001".into());
                world.feed(&feed);
                kill_in_the_rekey(&world, &gate, moment);
                let ran = world.resume().exits(0);
                assert_eq!((ran.count("created"), ran.count("updated")), (0, 2));
                world.assert_everyone_once(&feed);
                let after = ["N00001", "E00001"].map(|id| world.account(id));
                assert_eq!(before, after, "{moment:?}");
            }
        }));
    });
}
