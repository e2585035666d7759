//! People whom the feed no longer names, and people who return.

use serde_json::json;

use crate::school::{School, calls};

fn leavers(action: &str) -> School {
    School::of(40).parts(&format!("[leavers]\n{action}"))
}

#[test]
fn leavers_are_left_alone_unless_the_mapping_says_otherwise() {
    let mut school = School::of(40);
    school.import().exits(0);
    school.pupils.truncate(39);
    assert_eq!(school.cost(0), calls(&[]));
    assert_eq!(school.people().len(), 40);
}

#[test]
fn a_leaver_is_deleted_and_comes_back_as_somebody_new() {
    let mut school = leavers("action = \"delete\"");
    school.import().exits(0);
    let last = school.pupils.pop().unwrap();
    school.world.lms.reset_stats();
    let ran = school.import().exits(0);
    assert_eq!(ran.count("deleted"), 1);
    assert_eq!(school.calls(), calls(&[("POST deleteUser/{userID}", 1)]));
    school.assert_as_wanted();
    assert_eq!(school.cost(0), calls(&[]));
    school.pupils.push(last);
    let ran = school.import().exits(0);
    assert_eq!(ran.count("created"), 1);
    school.assert_as_wanted();
}

#[test]
fn a_leaver_is_deactivated_and_active_again_when_the_feed_names_the_person() {
    let mut school = leavers("action = \"deactivate\"");
    school.import().exits(0);
    let last = school.pupils.pop().unwrap();
    let ran = school.import().exits(0);
    assert_eq!(ran.count("deactivated"), 1);
    assert_eq!(school.person("E40")["active"], false);
    assert_eq!(school.cost(0), calls(&[]), "once is enough");
    school.pupils.push(last);
    assert_eq!(school.cost(0), calls(&[("POST updateUser/{userID}", 1)]));
    assert_eq!(school.person("E40")["active"], true);
    school.assert_as_wanted();
}

#[test]
fn whoever_was_archived_is_brought_back_before_anything_else() {
    let mut school = leavers("action = \"deactivate\"\ndeactivate_by = \"archived\"");
    school.import().exits(0);
    let mut last = school.pupils.pop().unwrap();
    school.import().exits(0);
    assert_eq!(school.person("E40")["archived"], true);
    last.first = "Back".into();
    school.pupils.push(last);
    let ran = school.import().exits(0);
    assert_eq!(ran.count("updated"), 1);
    assert_eq!(school.person("E40")["archived"], false);
    school.assert_as_wanted();
}

#[test]
fn somebody_new_to_hrfeed_whom_the_lms_has_in_its_archive_is_brought_back_too() {
    let school = School::of(1);
    let details = "login=pupil1@example.com&firstName=Old&lastName=One";
    school.call("addUser/E1", details);
    school.call("updateUser/E1", "archived=true");
    let ran = school.import().exits(0);
    assert_eq!(ran.count("updated"), 1, "{ran:#?}");
    assert_eq!(school.person("E1")["archived"], false);
    school.assert_as_wanted();
}

#[test]
fn too_many_leavers_are_held_until_a_person_approves_and_the_rest_goes_on() {
    let mut school = leavers("action = \"delete\"\n\n[guards]\nmax_leavers = \"5%\"");
    school.import().exits(0);
    school.pupils.truncate(37);
    school.pupils[0].first = "Anna".into();
    let ran = school.import().exits(4);
    assert_eq!((ran.count("updated"), ran.count("deleted")), (1, 0));
    assert!(
        ran.stderr
            .contains("3 of 40 people are no longer named, and `max_leavers` in [guards] is 5%"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("--allow leavers"), "{ran:#?}");
    // A script and whoever looks later see no more than the run's message.
    let message = ran.json()["message"].to_string();
    assert!(message.contains("(`--allow leavers`)"), "{message}");
    let runs = school.world.run(&["runs"]).exits(0);
    assert!(runs.stdout.contains("held by guard"), "{runs:#?}");
    let plan = school
        .world
        .run(&["plan", "people.csv", "-m", "mapping.toml"]);
    assert!(plan.exits(4).stdout.contains("would hold back"));
    assert_eq!(school.people().len(), 40);
    let ran = school.import_with(&["--allow", "leavers"]).exits(0);
    assert_eq!(ran.count("deleted"), 3);
    school.assert_as_wanted();
}

#[test]
fn a_row_that_was_refused_is_no_leaver_and_one_that_nobody_can_read_holds_all() {
    let mut school = leavers("action = \"delete\"");
    school.import().exits(0);
    school.pupils[3].login.clear();
    let ran = school.import().exits(3);
    assert_eq!((ran.count("rejected"), ran.count("deleted")), (1, 0));
    school.pupils[5].id = "1.2E+05".into();
    let ran = school.import().exits(4);
    assert_eq!(ran.count("deleted"), 0);
    assert!(
        ran.stderr
            .contains("1 row has no external ID that can be read")
    );
    assert_eq!(school.people().len(), 40);
}

#[test]
fn a_feed_that_looks_sick_sends_nothing() {
    let mut school =
        leavers("action = \"delete\"\n\n[guards]\nmax_rejected = \"10%\"\nmin_rows = 20");
    school.import().exits(0);
    let whole = school.pupils.clone();
    for it in &mut school.pupils[..5] {
        it.last.clear();
    }
    school.pupils[39].first = "Anna".into();
    school.world.lms.reset_stats();
    let ran = school.import().exits(4);
    assert!(ran.stderr.contains("5 of 40 rows are wrong"), "{ran:#?}");
    school.pupils.truncate(19);
    let ran = school.import().exits(4);
    assert!(ran.stderr.contains("the feed has 19 rows"), "{ran:#?}");
    assert_eq!(school.world.lms.stats().requests(), 0);
    school.pupils = whole;
    school.import().exits(0);
    school.assert_as_wanted();
}

#[test]
fn people_of_another_feed_are_nobody_s_leavers() {
    let mut school = leavers("action = \"delete\"\n\n[guards]\nmax_leavers = 100");
    school.import().exits(0);
    let import = ["import", "people.csv", "-m", "other.toml", "--json"];
    school.pupils.drain(..35);
    school.write();
    std::fs::rename(
        school.world.path("mapping.toml"),
        school.world.path("other.toml"),
    )
    .unwrap();
    let ran = school.world.run(&import).exits(0);
    assert_eq!((ran.count("deleted"), ran.count("unchanged")), (0, 5));
    assert_eq!(school.people().len(), 40);
}

#[test]
fn lost_answers_about_leavers_end_as_wanted() {
    let mut school = leavers("action = \"delete\"\n\n[guards]\nmax_leavers = 20");
    school.import().exits(0);
    school.pupils.truncate(20);
    school
        .world
        .lms
        .set_faults(&json!({"lost_after": 0.2, "lost_before": 0.1}));
    let ran = school.import().exits(0);
    assert_eq!(ran.count("deleted"), 20);
    school.assert_as_wanted();
}

#[test]
fn whoever_returns_is_active_whatever_answers_are_lost() {
    let mut school = leavers("action = \"deactivate\"\n\n[guards]\nmax_leavers = 20");
    school.import().exits(0);
    let whole = school.pupils.clone();
    school.pupils.truncate(28);
    school.import().exits(0);
    school.pupils = whole;
    school.world.lms.set_faults(&json!({"lost_before": 0.3}));
    school.import();
    school.world.lms.set_faults(&json!({"lost_before": 0.0}));
    school.import().exits(0);
    for person in school.people() {
        assert_eq!(person["active"], true, "{person:#}");
    }
}

#[test]
fn whoever_returns_and_is_not_active_by_the_feed_stays_so() {
    let mut school = leavers("action = \"deactivate\"")
        .each(|_, it| it.group_name = "yes".into())
        .fields("active = \"Group name\"");
    school.pupils[39].group_name = "no".into();
    school.import().exits(0);
    let last = school.pupils.pop().unwrap();
    school.import().exits(0);
    school.pupils.push(last);
    school.import().exits(0);
    assert_eq!(school.person("E40")["active"], false);
    assert_eq!(school.import().exits(0).count("unchanged"), 40);
}

#[test]
fn whom_two_feeds_name_leaves_only_when_both_let_go() {
    let mut school = leavers("action = \"delete\"\n\n[guards]\nmax_leavers = 100");
    school.import().exits(0);
    let all = school.pupils.clone();
    let other = |school: &mut School, from: usize| {
        school.pupils = all[from..].to_vec();
        school.write();
        std::fs::copy(
            school.world.path("mapping.toml"),
            school.world.path("other.toml"),
        )
        .unwrap();
        let import = ["import", "people.csv", "-m", "other.toml", "--json"];
        school.world.run(&import).exits(0)
    };
    // Both name E36 to E40; then the other one lets E36 go, whom the first names.
    other(&mut school, 35);
    let ran = other(&mut school, 36);
    assert_eq!(ran.count("deleted"), 0);
    let notes = ran.json()["notes"].to_string();
    assert!(
        notes.contains("1 person is no longer named here, but by another feed"),
        "{notes}"
    );
    assert_eq!(school.people().len(), 40);
    // And the first one lets go, too.
    school.pupils = all.clone();
    school.import().exits(0);
    school.pupils.remove(35);
    assert_eq!(school.import().exits(0).count("deleted"), 1);
    school.assert_as_wanted();
    // Whose mapping is gone names nobody any more.
    std::fs::remove_file(school.world.path("other.toml")).unwrap();
    school.pupils.pop();
    assert_eq!(school.import().exits(0).count("deleted"), 1);
    school.assert_as_wanted();
}
