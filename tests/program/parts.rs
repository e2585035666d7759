//! What a person has in parts, on aNewSpring: details, roles, rights, pictures,
//! passwords, each with its own calls.

use serde_json::json;

use crate::support::System::AnewSpring;
use crate::support::feed::strings;
use crate::support::{Feed, World, calls};

const UPDATE: &[(&str, u64)] = &[("POST updateUser/{userID}", 1)];

/// 300 people with everything.
fn everybody_with_everything(world: &World) -> Feed {
    for group in ["G0", "G1", "G2", "G3", "G4", "All"] {
        world.lms.group(group, "student");
    }
    Feed::of(300).each(|number, it| {
        it.roles = strings(&["Learner", "Author"]);
        it.author = vec![format!("L{}", number % 4), "Common".into()];
        it.designer = vec![format!("D{}", number % 3)];
        it.groups = vec![format!("G{}", number % 5), "All".into()];
    })
}

#[test]
fn three_hundred_people_get_everything_and_each_change_costs_only_its_own_calls() {
    let world = World::new(AnewSpring);
    let mut feed = everybody_with_everything(&world);
    let first = world.cost(&feed, 0);
    world.assert_everyone_once(&feed);
    assert_eq!(
        first,
        calls(&[
            ("GET getUsers", 2),
            ("GET getUser/{userID}", 20),
            ("GET groupExists/{groupID}", 6),
            ("POST addUser/{userID}", 300),
            ("POST linkAuthorToContentLabels/{userID}", 300),
            ("POST linkDesignerToContentLabels/{userID}", 300),
            ("POST addGroupUsers/{groupID}", 6),
        ])
    );
    assert_eq!(world.cost(&feed, 0), calls(&[]), "nothing changed");

    feed.people[0].first = "Anna".into();
    assert_eq!(world.cost(&feed, 0), calls(UPDATE));
    feed.parts(1).roles.push("Observer".into());
    assert_eq!(
        world.cost(&feed, 0),
        calls(&[("POST addUserRoles/{userID}", 1)])
    );
    feed.parts(2).author = strings(&["Common", "New"]);
    assert_eq!(
        world.cost(&feed, 0),
        calls(&[
            ("POST linkAuthorToContentLabels/{userID}", 1),
            ("POST unlinkAuthorFromContentLabels/{userID}", 1),
        ])
    );
    feed.parts(3).designer.clear();
    assert_eq!(
        world.cost(&feed, 0),
        calls(&[("POST unlinkDesignerFromContentLabels/{userID}", 1)])
    );
    feed.parts(4).designer.push("New".into());
    assert_eq!(
        world.cost(&feed, 0),
        calls(&[("POST linkDesignerToContentLabels/{userID}", 1)])
    );
    // Ten people from one group into another: one call each way.
    let of_g1 = feed.people.iter_mut().map(|person| &mut person.parts);
    for it in of_g1.filter(|it| it.groups[0] == "G1").take(10) {
        it.groups[0] = "G2".into();
    }
    assert_eq!(
        world.cost(&feed, 0),
        calls(&[
            ("POST addGroupUsers/{groupID}", 1),
            ("POST deleteGroupUsers/{groupID}", 1),
        ])
    );
    world.assert_everyone_once(&feed);
    let ran = world.import().exits(0);
    assert_eq!((ran.count("unchanged"), ran.count("updated")), (300, 0));
}

#[test]
fn a_thousand_joiners_in_three_groups_take_at_most_1040_calls() {
    let world =
        World::new(AnewSpring).parts("[groups]\ncreate = true\ntype = { value = \"Learner\" }");
    let feed = Feed::of(1000).each(|_, it| it.groups = strings(&["A", "B", "C"]));
    let cost = world.cost(&feed, 0);
    world.assert_everyone_once(&feed);
    assert!(cost.values().sum::<u64>() <= 1040, "{cost:#?}");
}

#[test]
fn whoever_is_there_with_the_same_details_gets_roles_and_groups_all_the_same() {
    let world = World::new(AnewSpring);
    let mut feed = Feed::of(1);
    feed.people[0].first = "Zoe".into();
    feed.people[0].last = "Vries".into();
    feed.people[0].city = "Zwolle".into();
    feed.parts(0).groups = strings(&["G"]);
    world.lms.group("G", "student");
    let details = "login=zquimby1&firstName=Zoe&lastName=Vries&residence=Zwolle\
         &email=zofie.quimby1@example.com";
    world.lms.call("addUser/E00001", details);
    world.import_feed(&feed).exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_right_for_a_library_brings_its_role_along() {
    let world = World::new(AnewSpring);
    let mut feed = Feed::of(1).each(|_, it| it.author = strings(&["L1"]));
    world.import_feed(&feed).exits(0);
    let roles = &world.lms.person("E00001")["roles"];
    assert_eq!(roles.as_array().unwrap().len(), 2);
    feed.parts(0).designer = strings(&["L2"]);
    assert_eq!(
        world.cost(&feed, 0),
        calls(&[
            ("POST addUserRoles/{userID}", 1),
            ("POST linkDesignerToContentLabels/{userID}", 1)
        ])
    );
    world.assert_everyone_once(&feed);
}

#[test]
fn a_role_that_the_feed_withdrew_is_noted_and_costs_no_call() {
    let world = World::new(AnewSpring);
    let mut feed = Feed::of(2).each(|_, it| it.roles = strings(&["Learner", "Observer"]));
    world.import_feed(&feed).exits(0);
    feed.parts(1).roles = strings(&["Learner"]);
    world.lms.reset_stats();
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(world.lms.stats().requests(), 0);
    assert_eq!(ran.count("unchanged"), 2);
    let notes = ran.json()["notes"].to_string();
    assert!(notes.contains("row 3: the role Observer stays"), "{notes}");
    let ran = world.import().exits(0);
    assert_eq!(ran.json()["notes"], json!([]), "said once: {ran:#?}");
    let summary = world.run(&["show"]).exits(0).stdout;
    assert!(!summary.contains("Worth knowing"), "{summary}");
}

#[test]
fn nobody_is_mailed_unless_the_mapping_says_so() {
    let world = World::new(AnewSpring);
    world.import_feed(&Feed::of(2)).exits(0);
    assert_eq!(world.lms.person("E00001")["mails"], 0);
    let world = World::new(AnewSpring).fields("notify = true\ngeneratePassword = true");
    world.import_feed(&Feed::of(2)).exits(0);
    assert_eq!(world.lms.person("E00001")["mails"], 1);
    assert_eq!(world.lms.person("E00001")["passwords_set"], 1);
}

#[test]
fn a_password_is_set_for_a_new_person_and_is_in_no_file() {
    let world =
        World::new(AnewSpring).fields("password = \"Password\"\nforcePasswordChange = true");
    let mut feed = Feed::of(3).each(|number, it| it.password = format!("S3cret-word-{number}"));
    let ran = world.import_feed(&feed).exits(0);
    assert!(!ran.said().contains("S3cret"), "{ran:#?}");
    feed.people[0].first = "Anna".into();
    feed.parts(1).password = "Another-word".into();
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("updated"), 1, "a password is no state");
    for id in ["E00001", "E00002", "E00003"] {
        assert_eq!(world.lms.person(id)["passwords_set"], 1);
    }
    feed.people[2].id = "E9".into();
    feed.people[2].login = "other".into();
    feed.parts(2).password = "short1".into();
    world.feed(&feed);
    let rejected = world.import_with(&["-vv"]).exits(3);
    let row = world.row(4);
    let message =
        "column `Password` (password): is too short: a password has at least 8 characters";
    assert_eq!(row["message"], message);
    let journal = world.journal_text();
    assert!(!journal.contains("s3cret-word") && !journal.contains("short1"));
    assert!(!rejected.said().contains("short1"));
    let check = ["check", "people.csv", "-m", "mapping.toml", "--show-values"];
    let shown = world.run(&check).exits(3).said();
    assert!(!shown.contains("short1"), "{shown}");
}

#[test]
fn a_picture_goes_with_the_person_and_again_only_when_it_is_another() {
    let png = |last: u8| [b"\x89PNG\r\n\x1a\n".as_slice(), &[last; 20]].concat();
    let world = World::new(AnewSpring).fields("avatar = { column = \"Photo\", empty = \"clear\" }");
    let mut feed = Feed::of(3);
    feed.parts(0).picture = "photos/1.png".into();
    feed.parts(1).picture = "photos/2.png".into();
    std::fs::create_dir(world.path("photos")).unwrap();
    world.write("photos/1.png", png(1));
    world.write("photos/2.png", png(2));
    world.import_feed(&feed).exits(0);
    assert_eq!(world.lms.person("E00001")["avatar_bytes"], 28);
    assert_eq!(world.cost(&feed, 0), calls(&[]));
    world.write("photos/1.png", [png(1), vec![7]].concat());
    assert_eq!(world.cost(&feed, 0), calls(UPDATE));
    assert_eq!(world.lms.person("E00001")["avatar_bytes"], 29);
    feed.parts(1).picture.clear();
    assert_eq!(world.cost(&feed, 0), calls(UPDATE));
    assert_eq!(world.lms.person("E00002")["avatar_bytes"], 0);

    let outside = world.write("../outside.png", png(1));
    feed.parts(2).picture = "../outside.png".into();
    feed.parts(0).picture = "photos/9.png".into();
    world.import_feed(&feed).exits(3);
    let message = |line| world.row(line)["message"].to_string();
    assert!(message(4).contains("it must be in the feed's folder"));
    assert!(message(2).contains("the feed's folder has no such file"));
    std::fs::remove_file(outside).unwrap();
}

#[test]
fn a_field_that_is_cleared_on_purpose_is_sent_empty() {
    let world =
        World::new(AnewSpring).fields("function = { column = \"Group name\", empty = \"clear\" }");
    let mut feed = Feed::of(1).each(|_, it| it.group_name = "boss".into());
    world.import_feed(&feed).exits(0);
    assert_eq!(world.lms.person("E00001")["function"], "boss");
    feed.parts(0).group_name.clear();
    world.import_feed(&feed).exits(0);
    assert_eq!(world.lms.person("E00001")["function"], "");
}

#[test]
fn a_plan_counts_whom_an_emptied_cell_leaves_alone_as_the_import_does() {
    let world = World::new(AnewSpring);
    let own = world.mapping();
    let (target, _) = own.split_once("[fields]").unwrap();
    let fields = "[fields]\nuserID = \"ID\"\nlogin = \"ID\"\nemail = \"Mail\"\n\
                  firstName = \"First\"\nlastName = \"Last\"\nrole = \"Role\"\ngroup = \"Team\"\n";
    let rest = "[groups]\ncreate = true\ntype = { value = \"Learner\" }\n\
                [guards]\nmax_emptied = \"100%\"\n";
    world.write("mapping.toml", format!("{target}{fields}{rest}"));
    let feed = |of_two: &str| {
        let rows = (1..=20).map(|number| {
            let parts = if number <= 2 { of_two } else { "Learner,ICU" };
            format!("{number},p{number}@example.com,Ann,Berg{number},{parts}\n")
        });
        let header = "ID,Mail,First,Last,Role,Team\n".to_owned();
        let rows = std::iter::once(header).chain(rows);
        rows.collect::<String>()
    };
    world.write("people.csv", feed("Learner,ICU"));
    world.import().exits(0);
    world.write("people.csv", feed("Learner,"));
    let plan = world.plan().exits(0);
    assert_eq!((plan.count("updated"), plan.count("unchanged")), (0, 20));
    world.lms.reset_stats();
    let ran = world.import().exits(0);
    assert_eq!((ran.count("updated"), ran.count("unchanged")), (0, 20));
    assert_eq!(world.lms.stats().by_call(), calls(&[]));
    // Whatever else changes is done still, and so is what was not done before.
    world.write("people.csv", feed("Learner,Lab"));
    assert_eq!(world.plan().exits(0).count("updated"), 2);
    assert_eq!(world.import().exits(0).count("updated"), 2);
}
