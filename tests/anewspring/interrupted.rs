//! Lost answers, kills, outages: everybody ends as wanted, nobody twice.

use std::time::Duration;

use hrfeed::sandbox::Faults;
use serde_json::json;

use crate::school::{School, strings};
use crate::support::{side_by_side, wait_until};

fn busy(school: School) -> School {
    let school = school
        .each(|number, it| {
            it.roles = strings(&["Learner", "Observer"]);
            it.author = vec![format!("L{}", number % 3)];
            it.groups = vec![format!("G{}", number % 2)];
        })
        .target("timeout = \"2s\"");
    for group in ["G0", "G1"] {
        school.group(group, "student");
    }
    school
}

#[test]
fn with_lost_and_broken_answers_everybody_is_there_once_with_everything() {
    let mut school = busy(School::of(60));
    let faults = json!({"lost_after": 0.03, "lost_before": 0.03, "cut": 0.02, "errors": 0.02});
    school.world.lms.set_faults(&faults);
    let ran = school.import().exits(0);
    assert_eq!(ran.count("created"), 60, "{ran:#?}");
    school.assert_as_wanted();
    for (number, it) in (0..).zip(&mut school.pupils) {
        match number % 5 {
            0 => it.first = "Anna".into(),
            1 => it.roles.push("Instructor".into()),
            2 => it.author = strings(&["L9"]),
            3 => it.groups = strings(&["G0", "G1"]),
            _ => {}
        }
    }
    school.import().exits(0);
    school
        .world
        .lms
        .set_faults(&json!({"lost_after": 0, "lost_before": 0, "cut": 0, "errors": 0}));
    school.assert_as_wanted();
    assert_eq!(school.import().exits(0).count("unchanged"), 60);
}

#[test]
fn after_a_lost_create_the_upsert_cannot_meet_a_twin() {
    let school = School::of(40).target("timeout = \"2s\"");
    school.world.lms.set_faults(&json!({"lost_before": 0.2}));
    school.import().exits(0);
    school.assert_as_wanted();
    let calls = school.calls();
    assert!(calls["POST addOrUpdateUser/{userID}"] > 0, "{calls:#?}");
    assert!(calls["GET getUser/{userID}"] > 0, "{calls:#?}");
}

#[test]
fn whoever_is_mailed_is_mailed_once_whatever_is_lost() {
    let school = School::failing(
        40,
        Faults {
            lost_before: 0.1,
            lost_after: 0.1,
            ..Faults::default()
        },
    )
    .target("timeout = \"2s\"")
    .fields("notify = true\ngeneratePassword = true");
    school.import().exits(0);
    for person in school.people() {
        assert_eq!(person["mails"], 1, "{person:#}");
        assert_eq!(person["passwords_set"], 1, "{person:#}");
    }
}

#[test]
fn a_kill_at_any_moment_repeats_nothing_that_was_acknowledged() {
    side_by_side([20, 60, 90, 123].map(|requests| {
        move || {
            let mut school = busy(School::of(60));
            school.target = school
                .target
                .replace("max_in_flight = 8", "max_in_flight = 4");
            school.world.lms.reset_stats();
            school.world.lms.set_faults(&json!({"latency": 0.005}));
            school.write();
            let started = school.world.start_import();
            wait_until("it is in the middle", || {
                school.world.lms.stats().requests() >= requests
            });
            started.kill();
            school.world.lms.set_faults(&json!({"latency": 0.0}));
            let ran = school.world.resume().exits(0);
            let whole = ran.count("created") + ran.count("updated");
            assert_eq!(whole, 60, "{ran:#?}");
            school.assert_as_wanted();
            let calls = school.calls();
            let creates = calls["POST addUser/{userID}"]
                + calls.get("POST addOrUpdateUser/{userID}").unwrap_or(&0);
            assert!(creates <= 60 + 4, "{calls:#?}");
            // What was acknowledged in the last moment may not have reached the
            // disk: to give a right once more changes nothing.
            let links = calls["POST linkAuthorToContentLabels/{userID}"];
            assert!(links <= 60 + 20, "{calls:#?}");
            assert!(calls["POST addGroupUsers/{groupID}"] <= 4, "{calls:#?}");
            let again = school.import().exits(0);
            assert_eq!(again.count("unchanged"), 60, "{again:#?}");
        }
    }));
}

#[test]
fn an_outage_is_waited_for_with_a_harmless_question() {
    let school = busy(School::of(60));
    school
        .world
        .lms
        .set_faults(&json!({"down_after": 50, "down_for": 1.5}));
    let ran = school.import().exits(0);
    assert_eq!(ran.count("created"), 60);
    school.assert_as_wanted();
    assert!(school.calls().contains_key("GET userExists/{userID}"));
    let down = Duration::from_millis(1500).as_secs_f64();
    assert!(ran.json()["elapsed_seconds"].as_f64().unwrap() >= down / 2.0);
}
