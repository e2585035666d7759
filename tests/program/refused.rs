//! What the LMS refuses on aNewSpring: rows, calls, roles that are too
//! powerful. `import.rs` has the rows that KMI refuses.

use serde_json::json;

use crate::support::System::AnewSpring;
use crate::support::feed::strings;
use crate::support::{Feed, World, calls, on_each_system};

#[test]
fn a_call_that_the_key_may_not_make_stops_the_run_with_its_name() {
    for key in ["denied:addUserRoles", "notlisted:addUserRoles"] {
        let mut world = World::new(AnewSpring);
        let feed = Feed::of(3);
        world.import_feed(&feed).exits(0);
        world.key = key;
        // The key is the scope: with another one everybody is new.
        let ran = world.import().exits(7);
        let message = "does not allow this API key to call `POST addUserRoles/{userID}`";
        assert!(ran.stderr.contains(message), "{ran:#?}");
        assert_eq!(ran.count("rejected") + ran.count("failed"), 0, "{ran:#?}");
    }
}

#[test]
fn a_role_that_takes_the_environment_over_needs_a_word_in_the_mapping() {
    let world = World::new(AnewSpring);
    let mut feed = Feed::of(2);
    feed.parts(0).roles = strings(&["Learner", "administrator"]);
    world.import_feed(&feed).exits(3);
    assert_eq!(
        world.row(2)["message"],
        "column `Roles` (role): the role administrator has full control: to permit it, set \
         allow_roles = [\"administrator\"] in [target]"
    );
    assert_eq!(world.lms.people().len(), 1);
    let world = world.target("allow_roles = [\"administrator\"]");
    world.import().exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_library_that_is_not_there_keeps_nothing_else_from_the_person() {
    let world = World::new(AnewSpring);
    let mut feed = Feed::of(2).each(|_, it| it.groups = strings(&["G"]));
    feed.parts(0).author = strings(&["A", "B", "missing-1"]);
    world.lms.group("G", "student");
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!(
        (ran.count("created"), ran.count("rejected")),
        (1, 1),
        "{ran:#?}"
    );
    let message = "the LMS has no content library `missing-1`";
    assert_eq!(world.row(2)["message"], message);
    let person = world.lms.person("E00001");
    assert_eq!(person["authorContentLabels"], json!(["A", "B"]));
    assert_eq!(person["groups"], json!(["G"]));
    // And a look tells the library from the person, who could be lost.
    let again = calls(&[
        ("GET getUser/{userID}", 1),
        ("POST linkAuthorToContentLabels/{userID}", 1),
    ]);
    assert_eq!(world.cost(&feed, 3), again, "only that is tried again");
}

#[test]
fn values_that_mean_nothing_are_refused_before_anything_is_sent() {
    let world = World::new(AnewSpring).fields("active = \"Group name\"");
    let mut feed = Feed::of(4);
    feed.parts(0).roles = strings(&["Chief"]);
    feed.parts(1).group_name = "maybe".into();
    feed.parts(2).groups = vec!["x".repeat(300)];
    world.import_feed(&feed).exits(3);
    let message = |line| world.row(line)["message"].to_string();
    assert!(message(2).contains("not a role"), "{}", message(2));
    assert!(message(3).contains("neither yes nor no"), "{}", message(3));
    assert!(message(4).contains("300 characters"), "{}", message(4));
    assert_eq!(world.lms.people().len(), 1);
}

#[test]
fn a_server_s_own_page_is_no_answer() {
    on_each_system(|system| {
        let world = World::new(system).target("max_outage = \"20s\"");
        let mut feed = Feed::of(30);
        world.lms.set_faults(&json!({"garbage": 0.1}));
        world.import_feed(&feed).exits(0);
        world.assert_everyone_once(&feed);
        feed.people[0].first = "Anna".into();
        world.import_feed(&feed).exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn what_an_lms_quotes_of_keys_and_addresses_is_not_kept_and_not_shown() {
    on_each_system(|system| {
        let world = World::new(system);
        let words = format!("key {} may not: Po <ann.po@other.example>", world.key);
        world.lms.set_faults(&json!({"refuse_all": words}));
        let ran = world.import_feed(&Feed::of(3)).exits(3);
        assert_eq!(ran.count("rejected"), 3);
        let rows = world.run(&["rows", "--json"]).exits(0);
        assert!(rows.stdout.contains("key **** may not: Po <<e-mail>>"));
        world.run(&["report", "-o", "page.html"]).exits(0);
        let mut said = vec![ran.stdout, ran.stderr, rows.stdout];
        for file in ["journal.db", "journal.db-wal", "page.html"] {
            let bytes = std::fs::read(world.path(file)).unwrap_or_default();
            said.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        for said in said {
            assert!(
                !said.contains(world.key) && !said.contains("ann.po"),
                "{said}"
            );
        }
    });
}
