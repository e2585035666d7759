//! What is taken for done must have been done: what a look shows, what a
//! killed run left, what somebody else took away.

use serde_json::json;

use crate::school::{School, pupil, strings};
use crate::support::{Feed, World, wait_until};

const DETAILS: &str =
    "login=pupil1@example.com&firstName=Zo%C3%AB1&lastName=de+Vries&email=pupil1@example.com";

/// The LMS does what it is asked, and nobody hears of it.
fn mute(school: &School) {
    school
        .world
        .lms
        .set_faults(&json!({"slow": 1.0, "slow_for": 60}));
}

fn heard(school: &School) {
    school.world.lms.set_faults(&json!({"slow": 0.0}));
}

/// Imports, and kills that once the LMS has done it.
fn killed_once(school: &School, done: impl FnMut() -> bool) {
    mute(school);
    school.write();
    let started = school.world.start_import();
    wait_until("the LMS has done it", done);
    started.kill();
    heard(school);
}

#[test]
fn whoever_is_there_with_the_same_details_gets_roles_and_groups_all_the_same() {
    let school = School::of(1).each(|_, it| it.groups = strings(&["G"]));
    school.group("G", "student");
    school.call("addUser/E1", DETAILS);
    school.import().exits(0);
    school.assert_as_wanted();
}

#[test]
fn a_change_of_a_killed_run_that_the_next_feed_takes_back_is_taken_back() {
    let mut school = School::of(1);
    school.import().exits(0);
    let before = school.pupils[0].first.clone();
    school.pupils[0].first = "Anna".into();
    killed_once(&school, || school.person("E1")["firstName"] == "Anna");
    school.pupils[0].first = before;
    school.import().exits(0);
    school.assert_as_wanted();
}

#[test]
fn a_leaver_of_a_killed_run_whom_the_next_feed_names_is_active_and_there() {
    for (action, is_done) in [("deactivate", json!(false)), ("delete", json!(null))] {
        let mut school = School::of(2).parts(&format!("[leavers]\naction = \"{action}\""));
        school.import().exits(0);
        let last = school.pupils.pop().unwrap();
        killed_once(&school, || {
            let people = school.people();
            let there = people.iter().find(|it| it["id"] == "E2");
            there.map_or(json!(null), |it| it["active"].clone()) == is_done
        });
        school.pupils.push(last);
        school.import().exits(0);
        assert_eq!(school.person("E2")["active"], true, "{action}");
        school.assert_as_wanted();
    }
}

#[test]
fn a_leaver_of_a_killed_run_is_a_leaver_still() {
    for action in ["deactivate", "delete"] {
        let mut school = School::of(2).parts(&format!("[leavers]\naction = \"{action}\""));
        school.import().exits(0);
        school.pupils.pop();
        school.write();
        school.world.lms.set_faults(&json!({"latency": 30}));
        let started = school.world.start_import();
        wait_until("it intends to", || intends(&school));
        started.kill();
        school.world.lms.set_faults(&json!({"latency": 0}));
        school.import().exits(0);
        let people = school.people();
        let there = people.iter().find(|it| it["id"] == "E2");
        assert!(there.is_none_or(|it| it["active"] == false), "{people:#?}");
    }
}

fn intends(school: &School) -> bool {
    school
        .world
        .rows()
        .iter()
        .any(|row| row["external_id"] == "E2" && row["outcome"] == "unknown")
}

#[test]
fn a_leaver_whom_the_lms_does_not_let_go_is_told_by_the_exit_code() {
    let mut school = School::of(2).parts("[leavers]\naction = \"deactivate\"");
    school.import().exits(0);
    school.pupils.pop();
    school.world.lms.set_faults(&json!({"refuse": 1.0}));
    let ran = school.import().exits(3);
    assert_eq!(ran.count("deactivated"), 0);
    let notes = ran.json()["notes"].to_string();
    assert!(notes.contains("1 leaver stays as before"), "{notes}");
}

#[test]
fn an_adoption_whose_answer_was_lost_is_no_conflict() {
    let school = School::of(20)
        .parts("[adopt]\nby = \"login\"")
        .target("timeout = \"2s\"");
    for number in 1..=20 {
        school.by_hand(&format!("pupil{number}@example.com"));
    }
    school.world.lms.set_faults(&json!({"lost_after": 0.2}));
    let ran = school.import().exits(0);
    school.world.lms.set_faults(&json!({"lost_after": 0.0}));
    assert_eq!(ran.count("updated"), 20, "{ran:#?}");
    school.assert_as_wanted();
}

#[test]
fn whoever_comes_into_one_group_while_another_is_found_gone_is_put_back_into_that_too() {
    let mut school = School::of(1)
        .each(|_, it| it.groups = strings(&["G1"]))
        .parts("[groups]\ncreate = true\ntype = { value = \"student\" }");
    school.target = school
        .target
        .replace("max_in_flight = 8", "max_in_flight = 1");
    school.import().exits(0);
    school.call("deleteGroup/G1", "force=true");
    school.pupils[0].groups = strings(&["G1", "G2"]);
    school.pupils.push(pupil(2));
    school.pupils[1].groups = strings(&["G1"]);
    school.import().exits(3);
    school.import().exits(0);
    school.assert_as_wanted();
}

#[test]
fn a_leaver_who_returned_in_part_only_can_leave_again() {
    let mut school = School::of(2).parts("[leavers]\naction = \"deactivate\"");
    school.import().exits(0);
    let mut last = school.pupils.pop().unwrap();
    school.import().exits(0);
    last.author = strings(&["missing-1"]);
    school.pupils.push(last);
    school.import().exits(3);
    assert_eq!(school.person("E2")["active"], true);
    school.pupils.pop();
    let ran = school.import().exits(0);
    assert_eq!(ran.count("deactivated"), 1, "{ran:#?}");
    assert_eq!(school.person("E2")["active"], false);
}

#[test]
fn whoever_was_there_as_the_feed_says_can_leave_the_night_after() {
    let world = World::new().parts("[leavers]\naction = \"delete\"");
    let mut feed = Feed::of(4);
    world.import_feed(&feed).exits(0);
    for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let _perhaps_none = std::fs::remove_file(world.path(file));
    }
    assert_eq!(world.import_feed(&feed).exits(0).count("unchanged"), 4);
    feed.people.pop();
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("deleted"), 1, "{ran:#?}");
}
