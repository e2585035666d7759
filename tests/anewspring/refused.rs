//! What the LMS refuses: rows, calls, roles that are too powerful.

use serde_json::json;

use crate::school::{School, calls, strings};

#[test]
fn a_call_that_the_key_may_not_make_stops_the_run_with_its_name() {
    for key in ["denied:addUserRoles", "notlisted:addUserRoles"] {
        let mut school = School::of(3);
        school.import().exits(0);
        school.world.key = key;
        // The key is the scope: with another one everybody is seen anew.
        let ran = school.import().exits(5);
        let told = "does not allow this key to make the call `POST addUserRoles/{userID}`";
        assert!(ran.stderr.contains(told), "{ran:#?}");
        assert_eq!(ran.count("rejected") + ran.count("failed"), 0, "{ran:#?}");
    }
}

#[test]
fn a_role_that_takes_the_environment_over_needs_a_word_in_the_mapping() {
    let school = School::of(2).each(|number, it| {
        if number == 1 {
            it.roles = strings(&["Learner", "administrator"]);
        }
    });
    school.import().exits(3);
    assert_eq!(
        school.world.row(2)["message"],
        "column `Roles` (role): the role administrator has full control: to permit it, set \
         allow_roles = [\"administrator\"] in [target]"
    );
    assert_eq!(school.people().len(), 1);
    let school = school.target("allow_roles = [\"administrator\"]");
    school.import().exits(0);
    school.assert_as_wanted();
}

#[test]
fn a_library_that_is_not_there_keeps_nothing_else_from_the_person() {
    let school = School::of(2).each(|number, it| {
        it.groups = strings(&["G"]);
        if number == 1 {
            it.author = strings(&["A", "B", "missing-1"]);
        }
    });
    school.group("G", "student");
    let ran = school.import().exits(3);
    assert_eq!(
        (ran.count("created"), ran.count("rejected")),
        (1, 1),
        "{ran:#?}"
    );
    let told = "the LMS has no content library `missing-1`";
    assert_eq!(school.world.row(2)["message"], told);
    let person = school.person("E1");
    assert_eq!(person["authorContentLabels"], json!(["A", "B"]));
    assert_eq!(person["groups"], json!(["G"]));
    let again = calls(&[("POST linkAuthorToContentLabels/{userID}", 1)]);
    assert_eq!(school.cost(3), again, "only that is tried again");
}

#[test]
fn values_that_mean_nothing_are_refused_before_anything_is_sent() {
    let school = School::of(4)
        .each(|number, it| match number {
            1 => it.roles = strings(&["Chief"]),
            2 => it.group_name = "maybe".into(),
            3 => it.groups = vec!["x".repeat(300)],
            _ => {}
        })
        .fields("active = \"Group name\"");
    school.import().exits(3);
    let told = |line| school.world.row(line)["message"].to_string();
    assert!(told(2).contains("not a role"), "{}", told(2));
    assert!(told(3).contains("neither yes nor no"), "{}", told(3));
    assert!(told(4).contains("300 characters"), "{}", told(4));
    assert_eq!(school.people().len(), 1);
}

#[test]
fn a_server_s_own_page_is_no_answer() {
    let mut school = School::of(30).target("max_outage = \"20s\"");
    school.world.lms.set_faults(&json!({"garbage": 0.1}));
    school.import().exits(0);
    school.assert_as_wanted();
    school.pupils[0].first = "Anna".into();
    school.import().exits(0);
    school.assert_as_wanted();
}
