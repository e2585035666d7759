//! Rows that mark leavers (`when`), together with all else that a mapping can say of rows.

use std::fs;

use serde_json::json;

use crate::support::System::Kmi;
use crate::support::{Feed, Person, Ran, World, calls};

const WHEN: &str = "when = \"row['Status'] == 'Terminated'\"";

/// Forty people were imported by a mapping that deletes whom a row marks, with more lines.
fn with_forty(more: &str) -> (World, Feed) {
    let world = World::new(Kmi).parts(&format!("[leavers]\naction = \"delete\"\n{WHEN}\n{more}"));
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

fn left(ran: &Ran) -> u64 {
    ran.count("deleted")
}

#[test]
fn who_is_marked_by_another_spelling_of_the_external_id_stays_and_is_noted() {
    for more in ["", "grace = \"2 feeds\"", "[source]\nfeed = \"delta\""] {
        let (world, mut feed) = with_forty(more);
        feed.people[0].id = "e00001".into();
        feed.people[0].status = "Terminated";
        for _ in 0..2 {
            let ran = world.import_feed(&feed).exits(0);
            assert_eq!(left(&ran), 0, "{more}");
            let expected = "1 person is known by another spelling of an external ID that a row marks \
                            as a leaver's, such as `E00001` for `e00001`, and stays: give the row the \
                            known spelling if it means that person";
            assert_eq!(ran.notes(), [expected], "{more}");
        }
        assert_eq!(world.plan().exits(0).notes().len(), 1);
        // Spelled so, the person leaves.
        feed.people[0].id = "E00001".into();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((left(&ran), ran.notes()), (1, Vec::new()), "{more}");
        feed.people[0].id = "e00001".into();
        assert_eq!(
            world.import_feed(&feed).exits(0).notes(),
            Vec::<String>::new()
        );
    }
}

#[test]
fn zeros_in_front_are_a_spelling_unless_somebody_is_known_so() {
    let world = World::new(Kmi).parts(&format!("[leavers]\naction = \"delete\"\n{WHEN}"));
    let mut feed = Feed::of(10);
    for (person, id) in feed.people.iter_mut().zip(["00123", "0456", "456"]) {
        person.id = id.into();
    }
    world.import_feed(&feed).exits(0);
    feed.people[0].id = "123".into();
    feed.people[0].status = "Terminated";
    // This one is known, and the other one is missing.
    feed.people[1].status = "Terminated";
    feed.people.remove(2);
    let ran = world.import_feed(&feed);
    assert!(
        ran.notes()
            .iter()
            .any(|note| note.contains("`00123` for `123`")),
        "{ran:#?}"
    );
    let there = ["00123", "0456", "456"].map(|id| world.lms.with_id(id).len());
    assert_eq!(there, [1, 0, 0], "{ran:#?}");
}

#[test]
fn spellings_that_the_mapping_keeps_apart_are_other_people() {
    let (world, mut feed) = with_forty("[unique]\nvariants = \"distinct\"");
    feed.people[0].id = "e00001".into();
    feed.people[0].status = "Terminated";
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!((left(&ran), ran.notes()), (1, Vec::new()), "it is missing");
}

#[test]
fn of_several_rows_of_a_person_the_one_marks_that_the_mapping_picks() {
    let merge = "[source]\nmerge = { on = \"Employee ID\", pick = { order = \"last\" } }";
    let (world, whole) = with_forty(merge);
    let ended = |person: &Person| Person {
        status: "Terminated",
        ..person.clone()
    };
    // An older contract ended.
    let mut feed = whole.clone();
    feed.people.insert(0, ended(&whole.people[3]));
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!((left(&ran), ran.count("unchanged")), (0, 40), "{ran:#?}");
    // The last one did.
    let mut feed = whole.clone();
    feed.people.push(ended(&whole.people[3]));
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!((left(&ran), ran.count("unchanged")), (1, 39), "{ran:#?}");
    assert!(world.lms.with_id("E00004").is_empty());
    assert_eq!(world.cost(&feed, 0), calls(&[]));
    world.import_feed(&whole).exits(0);
    world.assert_everyone_once(&whole);
}

#[test]
fn a_column_of_a_joined_file_can_mark_leavers() {
    let leavers = "[leavers]\naction = \"delete\"\nwhen = \"row['contracts.Kind'] == 'ended'\"\n\
                   [join]\nfile = \"contracts.csv\"\non = \"Employee ID\"";
    let world = World::new(Kmi).parts(leavers);
    let feed = Feed::of(40);
    let contracts = |ended: &[usize], without: Option<usize>| {
        let rows = (1..=40).filter(|number| Some(*number) != without);
        let rows = rows.map(|number| {
            let kind = if ended.contains(&number) {
                "ended"
            } else {
                "fixed"
            };
            format!("E{number:05},{kind}\n")
        });
        let text = format!("Employee ID,Kind\n{}", rows.collect::<String>());
        world.write("contracts.csv", text);
    };
    contracts(&[], None);
    world.import_feed(&feed).exits(0);
    // A person without a row there has not left.
    contracts(&[7], Some(9));
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!((left(&ran), ran.count("unchanged")), (1, 39), "{ran:#?}");
    assert!(world.lms.with_id("E00007").is_empty());
    contracts(&[], None);
    assert_eq!(world.import_feed(&feed).exits(0).count("created"), 1);
}

#[test]
fn of_several_files_any_row_that_names_a_person_otherwise_keeps_the_person() {
    let parts = format!(
        "[source]\nfiles = \"all\"\n[leavers]\naction = \"delete\"\n{WHEN}\n\
         [guards]\nmax_leavers = 50"
    );
    let world = World::new(Kmi).parts(&parts);
    let whole = Feed::of(40);
    let export = |name: &str, people: &[Person]| {
        let feed = Feed {
            people: people.to_vec(),
        };
        fs::create_dir_all(world.path("exports")).unwrap();
        world.write(&format!("exports/{name}"), feed.csv(Kmi));
    };
    let import = || world.run(&["import", "exports", "-m", "mapping.toml", "--json"]);
    export("a.csv", &whole.people[..20]);
    export("b.csv", &whole.people[20..]);
    import().exits(0);
    let mut first = whole.people[..20].to_vec();
    first[3].status = "Terminated";
    first[5].status = "Terminated";
    let mut second = whole.people[20..].to_vec();
    second.push(whole.people[5].clone());
    export("a.csv", &first);
    export("b.csv", &second);
    let ran = import().exits(0);
    assert_eq!((left(&ran), ran.count("unchanged")), (1, 39), "{ran:#?}");
    assert!(world.lms.with_id("E00004").is_empty());
    assert_eq!(world.lms.with_id("E00006").len(), 1);
}

#[test]
fn audits_and_proofs_go_by_everybody_who_is_known_and_not_by_the_delta() {
    let (world, whole) = with_forty("[source]\nfeed = \"delta\"");
    let mut feed = Feed {
        people: Feed::of(41).people.split_off(38),
    };
    feed.people[0].city = "Delft".into();
    feed.people[1].status = "Terminated";
    world.feed(&feed);
    let ran = world.import_with(&["--verify=all"]).exits(0);
    let proof = &ran.json()["proof"];
    let counts = ["created", "updated", "deleted"].map(|it| ran.count(it));
    assert_eq!(
        (counts, &proof["differ"]),
        ([1, 1, 1], &json!([])),
        "{ran:#?}"
    );
    assert_eq!(proof["missing"], json!([]));
    let audit = || world.run(&["audit", "-m", "mapping.toml", "--json"]);
    let found = audit().exits(0).json();
    for what in ["lost", "renumbered", "in_no_feed", "duplicates"] {
        assert_eq!(found[what], json!([]), "{what}");
    }
    // Who was deleted by hand is lost, although no delta names the person.
    world.lms.delete(world.key, &whole.people[4].id);
    assert_eq!(audit().exits(3).json()["lost"], json!(["E00005"]));
}
