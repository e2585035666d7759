//! User groups: created, changed, filled, emptied, deleted. KMI has none.

use serde_json::{Value, json};

use crate::support::System::AnewSpring;
use crate::support::feed::strings;
use crate::support::{Feed, Person, World, calls};

const CREATE: &str = "[groups]\ncreate = true\nremove_unused = true\n\
    type = { value = \"Learner\" }\nname = \"Group name\"\nparent = \"Group parent\"";

/// That many people, all in the group G.
fn all_in_g(people: usize) -> Feed {
    Feed::of(people).each(|_, it| it.groups = strings(&["G"]))
}

#[test]
fn a_group_that_does_not_exist_refuses_its_rows_before_anything_is_sent() {
    let world = World::new(AnewSpring);
    let mut feed = Feed::of(3);
    feed.parts(1).groups = strings(&["Nowhere"]);
    let cost = world.cost(&feed, 3);
    assert_eq!(cost["POST addUser/{userID}"], 2);
    assert_eq!(
        world.row(3)["message"],
        "column `Groups` (group): the LMS has no group `Nowhere`: create it there, or set \
         create = true in [groups]"
    );
    assert_eq!(world.row(3)["attempts"], 0);
}

#[test]
fn a_protected_person_is_not_rejected_for_a_group_and_needs_none() {
    const PROTECT: &str = "[protect]\nids = [\"E00001\"]\n";
    for (groups, new) in [("", 0), (CREATE, 1)] {
        let world = World::new(AnewSpring).parts(&format!("{PROTECT}{groups}"));
        let mut feed = Feed::of(3);
        world.import_feed(&feed).exits(0);
        feed.people[0].last = "Changed".into();
        feed.parts(0).groups = strings(&["Nowhere"]);
        feed.parts(0).group_name = "Nowhere".into();
        feed.people[1].city = "Zutphen".into();
        if new > 0 {
            feed.parts(1).groups = strings(&["New"]);
            feed.parts(1).group_name = "New".into();
        }
        world.feed(&feed);
        let plan = world.plan().exits(0);
        assert_eq!((plan.count("unchanged"), plan.count("updated")), (2, 1));
        let ran = world.import().exits(0);
        assert_eq!((ran.count("unchanged"), ran.count("updated")), (2, 1));
        let notes = ran.json()["notes"].to_string();
        assert!(notes.contains("protects this person"), "{notes}");
        let groups = world.lms.groups();
        let ids: Vec<_> = groups.iter().map(|group| &group["id"]).collect();
        assert_eq!(ids, vec!["New"; new], "{groups:#?}");
    }
}

#[test]
fn a_row_that_is_held_or_refused_is_not_rejected_for_a_group_and_needs_none() {
    for (groups, new) in [("", 0), (CREATE, 1)] {
        let world = World::new(AnewSpring).parts(groups);
        let mut feed = Feed::of(3);
        world.import_feed(&feed).exits(0);
        feed.people[0].id = "N00001".into();
        world.import_feed(&feed).exits(4);
        let ids = || {
            let groups = world.lms.groups();
            groups.iter().map(|it| it["id"].clone()).collect::<Vec<_>>()
        };
        let mut name = |row: usize, group: &str| {
            feed.parts(row).groups = strings(&[group]);
            feed.parts(row).group_name = group.into();
        };
        name(0, "Nowhere");
        if new > 0 {
            name(1, "New");
            // Nobody has decided: the row is held, and its group can wait.
            let ran = world.import_feed(&feed).exits(4);
            assert_eq!((ran.count("updated"), ran.count("pending")), (1, 1));
            assert_eq!(ids(), ["New"]);
        }
        world.run(&["refuse", "1"]).exits(0);
        feed.people[2].city = "Zutphen".into();
        if new > 0 {
            feed.parts(2).groups = strings(&["New"]);
            feed.parts(2).group_name = "New".into();
        }
        world.feed(&feed);
        world.plan().exits(0);
        let ran = world.import().exits(0);
        assert_eq!((ran.count("unchanged"), ran.count("updated")), (2, 1));
        assert_eq!(ids(), vec!["New"; new]);
    }
}

#[test]
fn groups_follow_the_feed_from_their_making_to_their_end() {
    let world = World::new(AnewSpring).parts(CREATE);
    let feed = Feed::of(4).each(|number, it| {
        it.groups = vec![format!("G{}", number % 2)];
        it.group_name = format!("Group {}", number % 2);
        it.group_parent = "School".into();
    });
    assert_eq!(
        world.cost(&feed, 0),
        calls(&[
            ("GET getUsers", 2),
            ("GET getUser/{userID}", 4),
            ("GET groupExists/{groupID}", 3),
            ("POST addUser/{userID}", 4),
            ("POST addGroup/{groupID}", 3),
            ("POST addGroupUsers/{groupID}", 2),
        ])
    );
    world.assert_everyone_once(&feed);
    let group = |id: &str| -> Option<Value> {
        let groups = world.lms.groups();
        groups.into_iter().find(|group| group["id"] == id)
    };
    let g0 = group("G0").unwrap();
    assert_eq!(g0["name"], "Group 0");
    assert_eq!(g0["parent"], "School");
    assert_eq!(g0["type"], "student");
    assert_eq!(g0["users"], json!(["E00002", "E00004"]));

    let mut feed = feed.each(|number, it| it.group_name = format!("Class {}", number % 2));
    assert_eq!(
        world.cost(&feed, 0),
        calls(&[("POST updateGroup/{groupID}", 2)])
    );
    assert_eq!(group("G1").unwrap()["name"], "Class 1");

    feed = feed.each(|_, it| {
        it.groups = strings(&["G0"]);
        it.group_name = "Class 0".into();
    });
    assert_eq!(
        world.cost(&feed, 0),
        calls(&[
            ("POST addGroupUsers/{groupID}", 1),
            ("POST deleteGroupUsers/{groupID}", 1),
            ("GET getGroupUsers/{groupID}", 1),
            ("POST deleteGroup/{groupID}", 1),
        ])
    );
    assert_eq!(group("G1"), None);
    world.assert_everyone_once(&feed);
    assert_eq!(world.cost(&feed, 0), calls(&[]));
}

#[test]
fn whom_somebody_else_put_into_a_group_stays_and_so_does_the_group() {
    let world = World::new(AnewSpring)
        .parts("[groups]\ncreate = true\nremove_unused = true\ntype = { value = \"student\" }");
    let feed = all_in_g(2);
    world.import_feed(&feed).exits(0);
    let details = "login=x1&firstName=X&lastName=One&role=student";
    world.lms.call("addUser/X1", details);
    world.lms.call("addGroupUsers/G", "user=X1");
    let ran = world.import_feed(&Feed::of(2)).exits(0);
    assert_eq!(world.lms.groups()[0]["users"], json!(["X1"]));
    let notes = ran.json()["notes"].to_string();
    assert!(notes.contains("group `G` is unchanged"), "{notes}");
}

#[test]
fn one_person_refused_by_a_group_keeps_nobody_else_out() {
    let world = World::new(AnewSpring);
    let mut feed = all_in_g(40);
    feed.parts(16).roles = strings(&["Observer"]);
    world.lms.group("G", "student");
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (39, 1));
    assert_eq!(
        world.row(18)["message"],
        "group `G`: the LMS does not take the person: the role of the group's type is needed first \
         (the person was created even so)"
    );
    let groups = world.lms.groups();
    assert_eq!(groups[0]["users"].as_array().unwrap().len(), 39);
    // The person is there; only the group is tried again.
    assert_eq!(
        world.cost(&feed, 3),
        calls(&[
            ("POST addGroupUsers/{groupID}", 2),
            ("GET groupExists/{groupID}", 1)
        ])
    );
}

#[test]
fn a_deleted_group_is_created_again_the_night_after() {
    let world =
        World::new(AnewSpring).parts("[groups]\ncreate = true\ntype = { value = \"student\" }");
    world.import_feed(&all_in_g(3)).exits(0);
    world.lms.call("deleteGroup/G", "force=true");
    let feed = all_in_g(4);
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!(ran.count("rejected"), 1);
    let ran = world.import().exits(0);
    assert_eq!(ran.count("updated"), 4, "{ran:#?}");
    world.assert_everyone_once(&feed);
}

#[test]
fn whoever_comes_into_one_group_while_another_is_found_gone_is_put_back_into_that_too() {
    let world = World::new(AnewSpring)
        .target("max_in_flight = 1")
        .parts("[groups]\ncreate = true\ntype = { value = \"student\" }");
    let mut feed = Feed::of(1);
    feed.parts(0).groups = strings(&["G1"]);
    world.import_feed(&feed).exits(0);
    world.lms.call("deleteGroup/G1", "force=true");
    feed.parts(0).groups = strings(&["G1", "G2"]);
    feed.people.push(Person::new(2));
    feed.parts(1).groups = strings(&["G1"]);
    world.import_feed(&feed).exits(3);
    world.import().exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_lost_answer_about_a_group_is_settled_by_looking_who_is_in_it() {
    let world = World::new(AnewSpring);
    let mut feed = Feed::of(3);
    world.lms.group("G", "student");
    world.import_feed(&feed).exits(0);
    for (people, call) in [
        (2..3, "GET groupUserExists/{groupID}/{userID}"),
        (0..2, "GET getGroupUsers/{groupID}"),
    ] {
        for person in &mut feed.people[people] {
            person.parts.groups = strings(&["G"]);
        }
        world.lms.reset_stats();
        world.lms.set_faults(&json!({"lost_after": 0.7}));
        let ran = world.import_feed(&feed);
        world.lms.set_faults(&json!({"lost_after": 0.0}));
        let cost = world.lms.stats().by_call();
        assert!(cost.contains_key(call), "{cost:#?} {ran:#?}");
        assert_eq!(cost["POST addGroupUsers/{groupID}"], 1, "{cost:#?}");
    }
    world.import().exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn an_audit_names_the_people_removed_from_a_group() {
    let world = World::new(AnewSpring);
    world.lms.group("G", "student");
    world.import_feed(&all_in_g(3)).exits(0);
    let audit = ["audit", "-m", "mapping.toml", "--json"];
    let found = world.run(&audit).exits(0).json();
    assert_eq!(found["lost_members"], json!([]));
    world.lms.call("deleteGroupUsers/G", "user=E00002");
    let found = world.run(&audit).exits(3).json();
    assert_eq!(
        found["lost_members"],
        json!([{"group": "G", "external_id": "E00002"}])
    );
}

#[test]
fn what_the_lms_says_of_a_group_that_is_in_use_is_not_repeated() {
    let world = World::new(AnewSpring)
        .parts("[groups]\ncreate = true\nremove_unused = true\ntype = { value = \"student\" }");
    world.import_feed(&all_in_g(1)).exits(0);
    let below = "type=student&name=below&parent=G";
    world.lms.call("addGroup/below", below);
    let ran = world.import_feed(&Feed::of(1)).exits(0);
    let notes = ran.json()["notes"].to_string();
    let note = "group `G` is unchanged: the LMS does not delete it (HTTP 409)";
    assert!(notes.contains(note), "{notes}");
}
