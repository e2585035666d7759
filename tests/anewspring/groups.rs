//! User groups: made, changed, filled, emptied, deleted.

use serde_json::json;

use crate::school::{School, calls, strings};

const CREATE: &str = "[groups]\ncreate = true\nremove_unused = true\n\
    type = { value = \"Learner\" }\nname = \"Group name\"\nparent = \"Group parent\"";

#[test]
fn a_group_that_does_not_exist_refuses_its_rows_before_anything_is_sent() {
    let school = School::of(3).each(|number, it| {
        if number == 2 {
            it.groups = strings(&["Nowhere"]);
        }
    });
    let cost = school.cost(3);
    assert_eq!(cost["POST addUser/{userID}"], 2);
    assert_eq!(
        school.world.row(3)["message"],
        "column `Groups` (group): the LMS has no group `Nowhere`: create it there, or set \
         create = true in [groups]"
    );
    assert_eq!(school.world.row(3)["attempts"], 0);
}

#[test]
fn groups_follow_the_feed_from_their_making_to_their_end() {
    let mut school = School::of(4)
        .each(|number, it| {
            it.groups = vec![format!("G{}", number % 2)];
            it.group_name = format!("Group {}", number % 2);
            it.group_parent = "School".into();
        })
        .parts(CREATE);
    assert_eq!(
        school.cost(0),
        calls(&[
            ("GET getUsers", 1),
            ("GET groupExists/{groupID}", 3),
            ("POST addUser/{userID}", 4),
            ("POST addGroup/{groupID}", 3),
            ("POST addGroupUsers/{groupID}", 2),
        ])
    );
    school.assert_as_wanted();
    let group = |id: &str| {
        let groups = school.world.lms.dump("/sandbox/groups");
        groups.into_iter().find(|group| group["id"] == id)
    };
    let g0 = group("G0").unwrap();
    assert_eq!(g0["name"], "Group 0");
    assert_eq!(g0["parent"], "School");
    assert_eq!(g0["type"], "student");
    assert_eq!(g0["users"], json!(["E2", "E4"]));

    for it in &mut school.pupils {
        it.group_name = it.group_name.replace("Group", "Class");
    }
    assert_eq!(school.cost(0), calls(&[("POST updateGroup/{groupID}", 2)]));
    let group = |school: &School, id: &str| {
        let groups = school.world.lms.dump("/sandbox/groups");
        groups.into_iter().find(|group| group["id"] == id)
    };
    assert_eq!(group(&school, "G1").unwrap()["name"], "Class 1");

    for it in &mut school.pupils {
        it.groups = strings(&["G0"]);
        it.group_name = "Class 0".into();
    }
    assert_eq!(
        school.cost(0),
        calls(&[
            ("POST addGroupUsers/{groupID}", 1),
            ("POST deleteGroupUsers/{groupID}", 1),
            ("GET getGroupUsers/{groupID}", 1),
            ("POST deleteGroup/{groupID}", 1),
        ])
    );
    assert_eq!(group(&school, "G1"), None);
    school.assert_as_wanted();
    assert_eq!(school.cost(0), calls(&[]));
}

#[test]
fn whom_somebody_else_put_into_a_group_stays_and_so_does_the_group() {
    let mut school = School::of(2)
        .each(|_, it| it.groups = strings(&["G"]))
        .parts("[groups]\ncreate = true\nremove_unused = true\ntype = { value = \"student\" }");
    school.import().exits(0);
    school.call(
        "addUser/X1",
        "login=x1&firstName=X&lastName=One&role=student",
    );
    school.call("addGroupUsers/G", "user=X1");
    for it in &mut school.pupils {
        it.groups.clear();
    }
    let ran = school.import().exits(0);
    let groups = school.world.lms.dump("/sandbox/groups");
    assert_eq!(groups[0]["users"], json!(["X1"]));
    let notes = ran.json()["notes"].to_string();
    assert!(notes.contains("group `G` stays as it is"), "{notes}");
}

#[test]
fn one_person_whom_a_group_does_not_take_keeps_nobody_else_out() {
    let school = School::of(40).each(|number, it| {
        it.groups = strings(&["G"]);
        if number == 17 {
            it.roles = strings(&["Observer"]);
        }
    });
    school.group("G", "student");
    let ran = school.import().exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (39, 1));
    assert_eq!(
        school.world.row(18)["message"],
        "group `G`: the LMS does not take the person: the role of the group's type is needed first"
    );
    let groups = school.world.lms.dump("/sandbox/groups");
    assert_eq!(groups[0]["users"].as_array().unwrap().len(), 39);
    // The person is there; only the group is tried again.
    let cost = school.cost(3);
    assert_eq!(
        cost,
        calls(&[
            ("POST addGroupUsers/{groupID}", 2),
            ("GET groupExists/{groupID}", 1)
        ])
    );
}

#[test]
fn a_group_that_somebody_deleted_is_made_again_the_night_after() {
    let mut school = School::of(3)
        .each(|_, it| it.groups = strings(&["G"]))
        .parts("[groups]\ncreate = true\ntype = { value = \"student\" }");
    school.import().exits(0);
    school.call("deleteGroup/G", "force=true");
    school.pupils.push(crate::school::pupil(4));
    school.pupils[3].groups = strings(&["G"]);
    let ran = school.import().exits(3);
    assert_eq!(ran.count("rejected"), 1);
    let ran = school.import().exits(0);
    assert_eq!(ran.count("updated"), 4, "{ran:#?}");
    school.assert_as_wanted();
}

#[test]
fn a_lost_answer_about_a_group_is_settled_by_looking_who_is_in_it() {
    let mut school = School::of(3);
    school.group("G", "student");
    school.import().exits(0);
    for (pupils, call) in [
        (2..3, "GET groupUserExists/{groupID}/{userID}"),
        (0..2, "GET getGroupUsers/{groupID}"),
    ] {
        for it in &mut school.pupils[pupils] {
            it.groups = strings(&["G"]);
        }
        school.world.lms.reset_stats();
        school.world.lms.set_faults(&json!({"lost_after": 0.7}));
        let ran = school.import();
        school.world.lms.set_faults(&json!({"lost_after": 0.0}));
        let cost = school.calls();
        assert!(cost.contains_key(call), "{cost:#?} {ran:#?}");
        assert_eq!(cost["POST addGroupUsers/{groupID}"], 1, "{cost:#?}");
    }
    school.import().exits(0);
    school.assert_as_wanted();
}

#[test]
fn an_audit_names_who_was_taken_out_of_a_group() {
    let school = School::of(3).each(|_, it| it.groups = strings(&["G"]));
    school.group("G", "student");
    school.import().exits(0);
    let audit = ["audit", "-m", "mapping.toml", "--json"];
    let found = school.world.run(&audit).exits(0).json();
    assert_eq!(found["lost_members"], json!([]));
    school.call("deleteGroupUsers/G", "user=E2");
    let found = school.world.run(&audit).exits(3).json();
    assert_eq!(
        found["lost_members"],
        json!([{"group": "G", "external_id": "E2"}])
    );
}

#[test]
fn what_the_lms_says_of_a_group_that_is_in_use_is_not_repeated() {
    let mut school = School::of(1)
        .each(|_, it| it.groups = strings(&["G"]))
        .parts("[groups]\ncreate = true\nremove_unused = true\ntype = { value = \"student\" }");
    school.import().exits(0);
    school.call("addGroup/below", "type=student&name=below&parent=G");
    school.pupils[0].groups.clear();
    let notes = school.import().exits(0).json()["notes"].to_string();
    let told = "group `G` stays as it is: the LMS does not delete it (status 409)";
    assert!(notes.contains(told), "{notes}");
}
