//! An API key that replaces another one: KMI keeps external IDs for each key.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::System::Kmi;
use crate::support::{Feed, IMPORT, Ran, World, calls, wait_until};

const REPLACES: &str = "--replaces-key";

/// A feed that one key imported, and a world with another key.
fn with(people: usize) -> (World, Feed) {
    let mut world = World::new(Kmi).parts("[leavers]\naction = \"delete\"");
    let feed = Feed::of(people);
    world.import_feed(&feed).exits(0);
    world.key = "another-key";
    (world, feed)
}

fn plan(world: &World, more: &[&str]) -> Ran {
    let plan = ["plan", "people.csv", "-m", "mapping.toml", "--json"];
    world.changes_nothing(|world| world.run(&[&plan[..], more].concat()))
}

/// The LMS's own numbers of all accounts.
fn numbers(world: &World) -> BTreeSet<String> {
    world.accounts().into_keys().collect()
}

#[test]
fn under_the_new_key_each_account_gets_its_external_id_and_nobody_is_created() {
    let (world, feed) = with(120);
    let before = numbers(&world);
    let ran = world.changes_nothing(World::import).exits(4);
    assert_eq!(ran.held(), [("creates".to_owned(), 120)]);
    let helps = (ran.stderr.lines()).any(|it| it.starts_with("help: ") && it.contains(REPLACES));
    assert!(helps, "{ran:#?}");
    let planned = plan(&world, &[REPLACES]).exits(0);
    assert_eq!(
        planned.json()["notes"],
        json!(["120 existing people without an external ID would be linked"])
    );
    let ran = world.import_with(&[REPLACES]).exits(0);
    assert_eq!(planned.json()["counts"], ran.json()["counts"]);
    assert_eq!((ran.count("created"), ran.count("updated")), (0, 120));
    assert_eq!(numbers(&world), before);
    for account in world.lms.everybody() {
        let ids = account["externalIds"].as_array().unwrap();
        assert_eq!(ids.len(), 2, "{account:#}");
        assert_eq!(ids[0]["externalId"], ids[1]["externalId"], "{account:#}");
    }
    world.assert_everyone_once(&feed);
    assert_eq!(world.cost(&feed, 0), calls(&[]), "a quiet night");
    let holds = world.run(&["holds", "--all", "--json"]).exits(0).json();
    assert_eq!(holds["holds"][0]["state"], "lapsed");
}

#[test]
fn a_key_that_knows_a_hundred_people_takes_over_the_accounts_without_an_option() {
    let (world, _) = with(150);
    let budget = "[guards]\nmax_updates = { share = \"50%\", per = \"7 days\" }";
    let world = world.parts(budget);
    let whole = Feed::of(260);
    let ran = world.import_feed(&whole).exits(4);
    assert_eq!(ran.held(), [("creates".to_owned(), 150)]);
    assert_eq!(ran.count("created"), 110, "joiners are nobody's business");
    let before = numbers(&world);
    // Others change as well, and these are counted.
    let mut changed = whole.clone();
    for person in &mut changed.people[150..210] {
        person.city = "Meppel".into();
    }
    world.feed(&changed);
    let ran = world.import_with(&[REPLACES]).exits(4);
    assert_eq!(ran.held(), [("updates".to_owned(), 60)]);
    assert_eq!((ran.count("created"), ran.count("updated")), (0, 150));
    assert_eq!(numbers(&world), before);
    world.assert_everyone_once(&whole);
    assert_eq!(world.cost(&whole, 0), calls(&[]));
    // Nor do they use up the budget of the days after.
    let mut changed = whole.clone();
    for person in &mut changed.people[..100] {
        person.city = "Meppel".into();
    }
    assert_eq!(world.import_feed(&changed).exits(0).count("updated"), 100);
}

#[test]
fn an_interrupted_import_with_a_replaced_key_is_resumed_as_such() {
    for linked in [0, 5] {
        let (world, feed) = with(40);
        let before = numbers(&world);
        world.lms.reset_stats();
        world.lms.set_faults(&json!({"latency": 0.05}));
        let links = |world: &World| world.lms.stats().calls("POST users/{id}/");
        let started = world.start(&[IMPORT, &[REPLACES]].concat());
        if linked == 0 {
            wait_until("it has begun", || world.lms.stats().pages() > 0);
        } else {
            wait_until("some are linked", || links(&world) >= linked);
        }
        started.kill();
        world.lms.set_faults(&json!({"latency": 0.0}));
        let ran = world.resume().exits(0);
        let counts = (ran.count("created"), ran.count("updated"), ran.held());
        assert_eq!(counts, (0, 40, vec![]), "{ran:#?}");
        assert_eq!(numbers(&world), before);
        world.assert_everyone_once(&feed);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
    }
}

#[test]
fn whose_account_is_gone_waits_and_is_created_once_that_is_approved() {
    let (world, feed) = with(30);
    world.lms.delete("test-key", "E00007");
    let ran = world.import_with(&[REPLACES]).exits(4);
    assert_eq!((ran.count("created"), ran.count("updated")), (0, 29));
    assert_eq!(ran.held(), [("creates".to_owned(), 1)]);
    world.run(&["approve", &ran.hold("creates")]).exits(0);
    assert_eq!(world.import().exits(0).count("created"), 1);
    world.assert_everyone_once(&feed);
}

/// Other humans with the external IDs of the feed.
fn others(people: usize) -> Feed {
    let mut feed = Feed::of(people + 1000);
    feed.people.drain(..1000);
    for (other, person) in feed.people.iter_mut().zip(Feed::of(people).people) {
        other.id = person.id;
    }
    feed
}

/// A world in which the people of another company came under a key of their own,
/// with the external IDs of the feed.
fn with_others(people: usize) -> (World, Feed) {
    let mut world = World::new(Kmi);
    let mut others = others(people);
    let feed = Feed::of(people);
    // That happens.
    others.people[6].first.clone_from(&feed.people[6].first);
    world.key = "key-of-others";
    world.import_feed(&others).exits(0);
    world.key = "test-key";
    (world, feed)
}

/// The feed with all but the external IDs moved up a row.
fn shifted(feed: &Feed) -> Feed {
    let mut shifted = feed.clone();
    shifted.people.rotate_left(1);
    for (person, before) in shifted.people.iter_mut().zip(&feed.people) {
        person.id.clone_from(&before.id);
    }
    shifted
}

/// The reasons for which people are held, each once.
fn reasons(world: &World, hold: &str) -> BTreeSet<String> {
    let people = world.held_people(hold);
    people
        .iter()
        .map(|person| person["reason"].clone())
        .collect()
}

const OF_ANOTHER: &str = "another API key of this LMS has this external ID, for somebody else, it seems: \
     would be created";

#[test]
fn people_of_another_company_under_another_key_are_never_overwritten() {
    let (world, feed) = with_others(100);
    let accounts = world.accounts();
    world.feed(&feed);
    for more in [&[][..], &[REPLACES]] {
        let ran = world.changes_nothing(|world| world.import_with(more));
        let ran = ran.exits(4);
        assert_eq!(ran.held(), [("creates".to_owned(), 100)]);
        assert!(!ran.said().contains(REPLACES), "{ran:#?}");
        let why = BTreeSet::from([OF_ANOTHER.to_owned()]);
        assert_eq!(reasons(&world, &ran.hold("creates")), why);
    }
    assert_eq!(world.accounts(), accounts);
    let ran = world.import_with(&["--allow", "creates=100"]).exits(0);
    assert_eq!(ran.count("created"), 100);
    for (number, account) in accounts {
        assert_eq!(world.accounts()[&number], account);
    }
}

#[test]
fn of_two_keys_with_the_same_external_ids_the_one_is_replaced_whose_people_they_are() {
    let (mut world, feed) = with_others(100);
    let of_others = world.accounts();
    world.feed(&feed);
    world.import_with(&["--allow", "creates=100"]).exits(0);
    let before = numbers(&world);
    world.key = "another-key";
    let ran = world.changes_nothing(World::import).exits(4);
    assert_eq!(ran.held(), [("creates".to_owned(), 100)]);
    assert!(ran.said().contains(REPLACES), "{ran:#?}");
    let ran = world.import_with(&[REPLACES]).exits(0);
    assert_eq!((ran.count("created"), ran.count("updated")), (0, 100));
    assert_eq!(numbers(&world), before);
    for (number, account) in of_others {
        assert_eq!(world.accounts()[&number], account);
    }
}

#[test]
fn a_feed_whose_columns_slipped_on_the_night_of_a_new_key_overwrites_nobody() {
    let (world, feed) = with(100);
    world.feed(&shifted(&feed));
    // Each row has the login of somebody else, who has an account.
    for more in [&[][..], &[REPLACES]] {
        let ran = world.changes_nothing(|world| world.import_with(more));
        let ran = ran.exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 100)]);
        assert!(!ran.said().contains(REPLACES), "{ran:#?}");
    }
}

#[test]
fn a_login_that_is_made_from_the_external_id_tells_nothing_of_the_account() {
    for parts in ["", "[adopt]\nby = \"loginName\""] {
        let mut world = World::new(Kmi).parts(parts);
        let feed = Feed::of(100);
        let mapping = world.mapping();
        let mapping = mapping.replace("column = \"Login\"", "column = \"Employee ID\"");
        world.write("mapping.toml", mapping);
        world.import_feed(&feed).exits(0);
        world.key = "another-key";
        world.feed(&shifted(&feed));
        let ran = world.changes_nothing(|world| world.import_with(&[REPLACES]));
        assert_eq!(ran.exits(4).held(), [("creates".to_owned(), 100)]);
        world.feed(&feed);
        let ran = world.import_with(&[REPLACES]).exits(0);
        assert_eq!((ran.count("created"), ran.count("updated")), (0, 100));
    }
}

/// The people before that place get other names but the first, and other logins and
/// e-mail addresses.
fn married(feed: &Feed, people: usize) -> Feed {
    let mut feed = feed.clone();
    for (number, person) in (1..).zip(&mut feed.people[..people]) {
        person.last = format!("Berg{number}");
        person.login = format!("berg{number}");
        person.email = format!("berg{number}@example.com");
    }
    feed
}

#[test]
fn who_keeps_but_a_name_is_the_same_where_most_of_the_key_are_and_counts_as_an_identity() {
    for (people, identities) in [(5, 0), (6, 6)] {
        let (world, feed) = with(100);
        let before = numbers(&world);
        world.feed(&married(&feed, people));
        let held: Vec<_> = (identities > 0)
            .then(|| ("identities".to_owned(), identities))
            .into_iter()
            .collect();
        let ran = world
            .import_with(&[REPLACES])
            .exits(if held.is_empty() { 0 } else { 4 });
        assert_eq!((ran.held(), ran.count("created")), (held, 0));
        assert_eq!(ran.count("updated"), 100 - identities);
        if identities > 0 {
            world.run(&["approve", &ran.hold("identities")]).exits(0);
            let ran = world.import_with(&[REPLACES]).exits(0);
            assert_eq!(
                (ran.count("updated"), ran.count("created")),
                (identities, 0)
            );
        }
        assert_eq!(numbers(&world), before);
        world.assert_everyone_once(&married(&feed, people));
    }
}

#[test]
fn whose_fingerprints_are_not_known_is_compared_with_what_the_lms_shows() {
    for is_shifted in [false, true] {
        let (world, feed) = with(30);
        let journal = rusqlite::Connection::open(world.path("journal.db")).unwrap();
        let forget = "UPDATE people SET fields = NULL, identity = NULL";
        assert_eq!(journal.execute(forget, ()).unwrap(), 30);
        drop(journal);
        if is_shifted {
            world.feed(&shifted(&feed));
            let ran = world.changes_nothing(|world| world.import_with(&[REPLACES]));
            assert_eq!(ran.exits(4).held(), [("renumbered".to_owned(), 30)]);
        } else {
            let ran = world.import_with(&[REPLACES]).exits(0);
            assert_eq!((ran.count("created"), ran.count("updated")), (0, 30));
            world.assert_everyone_once(&feed);
        }
    }
}

#[test]
fn a_protected_person_whom_another_key_knows_is_left_alone_with_and_without_the_option() {
    let mut world = World::new(Kmi).parts("[protect]\nids = [\"E00001\"]");
    world.lms.set_faults(&json!({"shared_logins": true}));
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    world.key = "another-key";
    let mut accounts = world.lms.everybody();
    accounts.retain(|it| it["loginName"] == feed.people[0].login.to_lowercase());
    let account = accounts.remove(0);
    let ran = world.changes_nothing(World::import).exits(4);
    assert_eq!(ran.held(), [("creates".to_owned(), 39)]);
    assert_eq!(ran.count("unchanged"), 1);
    let ran = world.import_with(&[REPLACES]).exits(0);
    assert_eq!((ran.count("updated"), ran.count("unchanged")), (39, 1));
    for more in [&[][..], &[REPLACES]] {
        let ran = world.changes_nothing(|world| world.import_with(more));
        let ran = ran.exits(0);
        assert_eq!((ran.count("unchanged"), ran.held()), (40, vec![]));
    }
    assert_eq!(world.accounts().len(), 40);
    assert!(world.lms.everybody().contains(&account), "{account:#}");
}
