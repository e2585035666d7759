//! People who are there by hand, without an external ID.

use serde_json::{Value, json};

use crate::school::{School, calls};
use crate::support::{Feed, World};

#[test]
fn whoever_is_there_by_hand_gets_the_external_id_instead_of_a_twin() {
    let school = School::of(3).parts("[adopt]\nby = \"login\"");
    school.by_hand("PUPIL2@example.com");
    assert_eq!(
        school.cost(0),
        calls(&[
            ("GET getUsers", 1),
            ("POST addUser/{userID}", 2),
            ("POST initializeId/{login}/{userID}", 1),
            ("POST updateUser/{userID}", 1),
            ("POST addUserRoles/{userID}", 1),
        ])
    );
    school.assert_as_wanted();
    let row = school.world.row(3);
    assert_eq!(
        (&row["action"], &row["outcome"]),
        (&json!("adopt"), &json!("updated"))
    );
    assert_eq!(school.cost(0), calls(&[]));
}

#[test]
fn whom_a_run_adopted_is_told_before_it_and_wherever_it_is_told() {
    let school = School::of(3).parts("[adopt]\nby = \"login\"");
    school.by_hand("pupil2@example.com");
    school.write();
    let notes = |arguments: &[&str]| school.world.run(arguments).exits(0).json()["notes"].clone();
    let planned = notes(&["plan", "people.csv", "-m", "mapping.toml", "--json"]);
    assert_eq!(
        planned,
        json!(["1 person is there without an external ID, and would get it"])
    );
    let told = "1 person was there without an external ID, and got it";
    let imported = school.import().exits(0).json()["notes"].clone();
    assert_eq!(imported, json!([told]));
    assert_eq!(notes(&["show", "--json"]), imported);
    school.world.run(&["report", "-o", "page.html"]).exits(0);
    let page = std::fs::read_to_string(school.world.path("page.html")).unwrap();
    assert!(page.contains(told), "{page}");
}

#[test]
fn adopting_by_e_mail_goes_by_the_uid() {
    let school = School::of(2)
        .parts("[unique]\nfields = [\"userID\", \"login\", \"email\"]\n\n[adopt]\nby = \"email\"");
    school.by_hand("pupil1@example.com");
    let cost = school.cost(0);
    assert_eq!(cost["POST updateUser?userUID={userUID}"], 1, "{cost:#?}");
    school.assert_as_wanted();
}

#[test]
fn an_adoption_whose_answer_was_lost_is_seen_and_gone_on_with() {
    let by_login = "[adopt]\nby = \"login\"";
    let by_email =
        "[unique]\nfields = [\"userID\", \"login\", \"email\"]\n\n[adopt]\nby = \"email\"";
    for parts in [by_login, by_email] {
        let school = School::of(30).parts(parts);
        for number in 1..=30 {
            school.by_hand(&format!("pupil{number}@example.com"));
        }
        school.world.lms.set_faults(&json!({"lost_after": 0.3}));
        let ran = school.import();
        school.world.lms.set_faults(&json!({"lost_after": 0.0}));
        assert_eq!(
            (ran.count("rejected"), ran.count("created")),
            (0, 0),
            "{ran:#?}"
        );
        school.import().exits(0);
        school.assert_as_wanted();
    }
}

#[test]
fn an_account_that_is_only_nearly_the_person_s_is_not_adopted() {
    let school = School::of(2).parts("[adopt]\nby = \"login\"");
    school.by_hand("pupil 1@example.com");
    let ran = school.import().exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (1, 1));
    let told = school.world.row(2)["message"].to_string();
    assert!(told.contains("differs only in spaces"), "{told}");
    assert!(!told.contains("pupil"), "{told}");
}

#[test]
fn without_adopt_a_login_that_is_taken_is_told_in_the_words_of_the_row() {
    let school = School::of(2);
    school.by_hand("pupil2@example.com");
    school.import().exits(3);
    let told = school.world.row(3)["message"].to_string();
    assert!(told.contains("somebody else has this login"), "{told}");
    assert!(!told.contains("pupil2@"), "{told}");
    assert_eq!(school.people().len(), 2);
}

#[test]
fn two_who_could_be_the_person_are_left_alone() {
    let world = World::new().parts(
        "[unique]\nfields = [\"externalId\", \"loginName\", \"email\"]\n\n[adopt]\nby = \"email\"",
    );
    let feed = Feed::of(2);
    for login in ["one", "two"] {
        let user = json!({
            "email": feed.people[0].email, "firstName": "By", "lastName": "Hand",
            "loginName": login,
        });
        let (status, body) = world
            .lms
            .ask("POST", "/api/v2/users/", "k", &user.to_string());
        assert_eq!(status, 201, "{body}");
    }
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (1, 1));
    let told = world.row(2)["message"].to_string();
    assert!(
        told.contains("2 accounts without an external ID match this person"),
        "{told}"
    );
}

#[test]
fn on_kmi_the_account_gets_the_external_id_by_its_own_id() {
    for by in ["loginName", "email"] {
        let world = World::new().parts(&format!(
            "[unique]\nfields = [\"externalId\", \"loginName\", \"email\"]\n\n[adopt]\nby = \"{by}\""
        ));
        let feed = Feed::of(3);
        let person = &feed.people[1];
        let user = json!({
            "email": person.email.to_lowercase(), "firstName": "By", "lastName": "Hand",
            "loginName": person.login.to_lowercase(),
        });
        let (status, body) = world
            .lms
            .ask("POST", "/api/v2/users/", "k", &user.to_string());
        assert_eq!(status, 201, "{body}");
        world.lms.reset_stats();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.count("updated")), (2, 1));
        world.assert_everyone_once(&feed);
        assert_eq!(world.lms.everybody().len(), 3, "a twin");
        assert_eq!(world.lms.stats().calls("POST users/{id}/"), 1);
    }
}

#[test]
fn an_adoption_that_was_cut_short_makes_no_twin() {
    let school = School::of(30)
        .parts("[adopt]\nby = \"login\"")
        .target("timeout = \"2s\"");
    for number in 1..=30 {
        school.by_hand(&format!("pupil{number}@example.com"));
    }
    school.world.lms.set_faults(&json!({"latency": 0.03}));
    school.write();
    let started = school.world.start_import();
    crate::support::wait_until("some are adopted", || {
        school
            .people()
            .iter()
            .filter(|it| it["id"] != Value::Null)
            .count()
            > 5
    });
    started.kill();
    school.world.lms.set_faults(&json!({"latency": 0.0}));
    let ran = school.world.resume().exits(0);
    assert_eq!(ran.count("created"), 0, "{ran:#?}");
    school.assert_as_wanted();
}
