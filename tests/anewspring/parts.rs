//! Details, roles, rights, pictures, passwords: each with its own calls.

use crate::school::{School, calls, strings};

/// 300 people with everything.
fn everybody_with_everything() -> School {
    let school = School::of(300).each(|number, it| {
        it.roles = strings(&["Learner", "Author"]);
        it.author = vec![format!("L{}", number % 4), "Common".into()];
        it.designer = vec![format!("D{}", number % 3)];
        it.groups = vec![format!("G{}", number % 5), "All".into()];
    });
    for group in ["G0", "G1", "G2", "G3", "G4", "All"] {
        school.group(group, "student");
    }
    school
}

#[test]
fn three_hundred_people_get_everything_and_each_change_costs_only_its_own_calls() {
    let mut school = everybody_with_everything();
    let first = school.cost(0);
    school.assert_as_wanted();
    assert_eq!(
        first,
        calls(&[
            ("GET getUsers", 1),
            ("GET groupExists/{groupID}", 6),
            ("POST addUser/{userID}", 300),
            ("POST linkAuthorToContentLabels/{userID}", 300),
            ("POST linkDesignerToContentLabels/{userID}", 300),
            ("POST addGroupUsers/{groupID}", 6),
        ])
    );
    assert_eq!(school.cost(0), calls(&[]), "nothing changed");

    school.pupils[0].first = "Anna".into();
    assert_eq!(school.cost(0), calls(&[("POST updateUser/{userID}", 1)]));
    school.pupils[1].roles.push("Observer".into());
    assert_eq!(school.cost(0), calls(&[("POST addUserRoles/{userID}", 1)]));
    school.pupils[2].author = strings(&["Common", "New"]);
    assert_eq!(
        school.cost(0),
        calls(&[
            ("POST linkAuthorToContentLabels/{userID}", 1),
            ("POST unlinkAuthorFromContentLabels/{userID}", 1),
        ])
    );
    school.pupils[3].designer.clear();
    assert_eq!(
        school.cost(0),
        calls(&[("POST unlinkDesignerFromContentLabels/{userID}", 1)])
    );
    school.pupils[4].designer.push("New".into());
    assert_eq!(
        school.cost(0),
        calls(&[("POST linkDesignerToContentLabels/{userID}", 1)])
    );
    // Ten people from one group into another: one call each way.
    for it in school
        .pupils
        .iter_mut()
        .filter(|it| it.groups[0] == "G1")
        .take(10)
    {
        it.groups[0] = "G2".into();
    }
    assert_eq!(
        school.cost(0),
        calls(&[
            ("POST addGroupUsers/{groupID}", 1),
            ("POST deleteGroupUsers/{groupID}", 1),
        ])
    );
    school.assert_as_wanted();
    let ran = school.import().exits(0);
    assert_eq!((ran.count("unchanged"), ran.count("updated")), (300, 0));
}

#[test]
fn a_thousand_joiners_in_three_groups_take_at_most_1020_calls() {
    let school = School::of(1000)
        .each(|_, it| it.groups = strings(&["A", "B", "C"]))
        .parts("[groups]\ncreate = true\ntype = { value = \"Learner\" }");
    let cost = school.cost(0);
    school.assert_as_wanted();
    assert!(cost.values().sum::<u64>() <= 1020, "{cost:#?}");
}

#[test]
fn a_right_for_a_library_brings_its_role_along() {
    let mut school = School::of(1).each(|_, it| it.author = strings(&["L1"]));
    school.import().exits(0);
    assert_eq!(school.person("E1")["roles"].as_array().unwrap().len(), 2);
    school.pupils[0].designer = strings(&["L2"]);
    assert_eq!(
        school.cost(0),
        calls(&[
            ("POST addUserRoles/{userID}", 1),
            ("POST linkDesignerToContentLabels/{userID}", 1)
        ])
    );
    school.assert_as_wanted();
}

#[test]
fn a_role_that_the_feed_withdrew_is_told_and_costs_no_call() {
    let mut school = School::of(2).each(|_, it| it.roles = strings(&["Learner", "Observer"]));
    school.import().exits(0);
    school.pupils[1].roles = strings(&["Learner"]);
    school.world.lms.reset_stats();
    let ran = school.import().exits(0);
    assert_eq!(school.world.lms.stats().requests(), 0);
    assert_eq!(ran.count("unchanged"), 2);
    let notes = ran.json()["notes"].to_string();
    assert!(notes.contains("row 3: the role Observer stays"), "{notes}");
    let ran = school.import().exits(0);
    assert!(ran.json()["notes"].is_null(), "told once: {ran:#?}");
    let summary = school.world.run(&["show"]).exits(0).stdout;
    assert!(!summary.contains("Worth knowing"), "{summary}");
}

#[test]
fn nobody_is_mailed_unless_the_mapping_says_so() {
    let school = School::of(2);
    school.import().exits(0);
    assert_eq!(school.person("E1")["mails"], 0);
    let school = School::of(2).fields("notify = true\ngeneratePassword = true");
    school.import().exits(0);
    assert_eq!(school.person("E1")["mails"], 1);
    assert_eq!(school.person("E1")["passwords_set"], 1);
}

#[test]
fn a_password_is_set_for_somebody_new_and_stands_in_no_file() {
    let mut school = School::of(3)
        .each(|number, it| it.password = format!("S3cret-word-{number}"))
        .fields("password = \"Password\"\nforcePasswordChange = true");
    let ran = school.import().exits(0);
    assert!(!ran.said().contains("S3cret"), "{ran:#?}");
    school.pupils[0].first = "Anna".into();
    school.pupils[1].password = "Another-word".into();
    let ran = school.import().exits(0);
    assert_eq!(ran.count("updated"), 1, "a password is no state");
    for id in ["E1", "E2", "E3"] {
        assert_eq!(school.person(id)["passwords_set"], 1);
    }
    school.pupils[2].id = "E9".into();
    school.pupils[2].login = "other@example.com".into();
    school.pupils[2].password = "short1".into();
    let rejected = school.import_with(&["-vv"]).exits(3);
    let row = school.world.row(4);
    let told = "column `Password` (password): is too short: a password has at least 8 characters";
    assert_eq!(row["message"], told);
    let journal = school.world.journal_text();
    assert!(!journal.contains("s3cret-word") && !journal.contains("short1"));
    assert!(!rejected.said().contains("short1"));
    let check = ["check", "people.csv", "-m", "mapping.toml", "--show-values"];
    let shown = school.world.run(&check).exits(3).said();
    assert!(!shown.contains("short1"), "{shown}");
}

#[test]
fn a_picture_goes_with_the_person_and_again_only_when_it_is_another() {
    let png = |last: u8| [b"\x89PNG\r\n\x1a\n".as_slice(), &[last; 20]].concat();
    let mut school = School::of(3)
        .each(|number, it| {
            if number < 3 {
                it.picture = format!("photos/{number}.png");
            }
        })
        .fields("avatar = { column = \"Photo\", empty = \"clear\" }");
    std::fs::create_dir(school.world.path("photos")).unwrap();
    school.world.write("photos/1.png", png(1));
    school.world.write("photos/2.png", png(2));
    school.import().exits(0);
    assert_eq!(school.person("E1")["avatar_bytes"], 28);
    assert_eq!(school.cost(0), calls(&[]));
    school
        .world
        .write("photos/1.png", [png(1), vec![7]].concat());
    assert_eq!(school.cost(0), calls(&[("POST updateUser/{userID}", 1)]));
    assert_eq!(school.person("E1")["avatar_bytes"], 29);
    school.pupils[1].picture.clear();
    assert_eq!(school.cost(0), calls(&[("POST updateUser/{userID}", 1)]));
    assert_eq!(school.person("E2")["avatar_bytes"], 0);

    school.world.write("../outside.png", png(1));
    school.pupils[2].picture = "../outside.png".into();
    school.pupils[0].picture = "photos/9.png".into();
    school.import().exits(3);
    let told = |line| school.world.row(line)["message"].to_string();
    assert!(told(4).contains("it must be in the feed's folder"));
    assert!(told(2).contains("the feed's folder has no such file"));
    std::fs::remove_file(school.world.path("../outside.png")).unwrap();
}

#[test]
fn a_field_that_is_cleared_on_purpose_is_sent_empty() {
    let mut school = School::of(1)
        .each(|_, it| it.group_name = "boss".into())
        .fields("function = { column = \"Group name\", empty = \"clear\" }");
    school.import().exits(0);
    assert_eq!(school.person("E1")["function"], "boss");
    school.pupils[0].group_name.clear();
    school.import().exits(0);
    assert_eq!(school.person("E1")["function"], "");
}
