//! A feed of several files: one export for each country, say.

use std::fs;

use serde_json::{Value, json};

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, Person, Ran, World, calls, on_each_system};

/// A world whose feed is all files of a folder.
fn world(system: System) -> World {
    World::new(system).parts("[source]\nfiles = \"all\"")
}

/// A world whose mapping says so, and that leavers are deleted.
fn with_leavers(files: &str) -> World {
    World::new(Kmi).parts(&format!(
        "[source]\nfiles = {files}\n[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = 50"
    ))
}

/// Writes these people into a file of the folder `exports`.
fn export(world: &World, name: &str, people: &[Person]) {
    let feed = Feed {
        people: people.to_vec(),
    };
    fs::create_dir_all(world.path("exports")).unwrap();
    let path = std::path::Path::new(name);
    let is_workbook = path.extension().is_some_and(|ending| ending == "xlsx");
    let bytes = if is_workbook {
        feed.xlsx(world.system)
    } else {
        feed.csv(world.system)
    };
    world.write(&format!("exports/{name}"), bytes);
}

fn import(world: &World) -> Ran {
    import_with(world, &[])
}

fn import_with(world: &World, more: &[&str]) -> Ran {
    let arguments = ["import", "exports", "-m", "mapping.toml", "--json"];
    world.run(&[&arguments, more].concat())
}

/// Row and file of each line.
fn places(lines: &[Value]) -> Vec<(u64, u64)> {
    let place = |line: &Value| {
        (
            line["row"].as_u64().unwrap(),
            line["file"].as_u64().unwrap(),
        )
    };
    lines.iter().map(place).collect()
}

#[test]
fn all_files_of_a_folder_are_one_feed_and_a_second_night_costs_nothing() {
    on_each_system(|system| {
        let world = world(system);
        let feed = Feed::of(60);
        export(&world, "be.csv", &feed.people[..20]);
        export(&world, "de.xlsx", &feed.people[20..45]);
        export(&world, "nl.csv", &feed.people[45..]);
        let ran = import(&world).exits(0);
        assert_eq!(ran.count("created"), 60);
        let files = &ran.json()["feed"]["files"];
        let names: Vec<_> = files.as_array().unwrap().iter().collect();
        assert_eq!(names.len(), 3);
        assert!(names[1].as_str().unwrap().ends_with("de.xlsx"), "{files}");
        let said = "the feed is 3 files: 1 `be.csv`, 2 `de.xlsx`, 3 `nl.csv`";
        assert!(ran.notes().iter().any(|note| note == said), "{ran:#?}");
        world.assert_everyone_once(&feed);
        world.lms.reset_stats();
        assert_eq!(import(&world).exits(0).count("unchanged"), 60);
        assert_eq!(world.lms.stats().by_call(), calls(&[]));
        // Who moves from one country to another stays the same person.
        export(&world, "be.csv", &feed.people[..21]);
        export(&world, "de.xlsx", &feed.people[21..45]);
        assert_eq!(import(&world).exits(0).count("unchanged"), 60);
        assert_eq!(world.lms.stats().by_call(), calls(&[]));
    });
}

#[test]
fn a_row_of_several_files_is_named_with_its_file() {
    let world = world(Kmi);
    let mut feed = Feed::of(9);
    feed.people[7].id = "E00002".into();
    feed.people[8].email = "nobody".into();
    export(&world, "be.csv", &feed.people[..5]);
    export(&world, "nl.csv", &feed.people[5..]);
    let checked = world.run(&["check", "exports", "-m", "mapping.toml", "--json"]);
    let checked = checked.exits(3).json();
    let findings = checked["findings"].as_array().unwrap();
    assert_eq!(places(findings), [(3, 1), (4, 2), (5, 2)]);
    let message = findings[0]["message"].as_str().unwrap();
    assert!(
        message.contains("duplicate of row 4 of file 2"),
        "{message}"
    );

    let ran = import(&world).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (6, 3));
    let rejected = ["rows", "--outcome", "rejected"];
    let rows = world.run(&[&rejected[..], &["--json"]].concat()).exits(0);
    assert_eq!(places(&rows.json_lines()), [(3, 1), (4, 2), (5, 2)]);
    let text = world.run(&rejected).exits(0);
    assert!(text.stdout.contains("\n4 of file 2  E00002"), "{text:#?}");
    assert!(text.stderr.contains("1 `be.csv`, 2 `nl.csv`"), "{text:#?}");
    let csv = world.run(&[&rejected[..], &["--format", "csv"]].concat());
    let csv = csv.exits(0).stdout;
    assert!(
        csv.starts_with("row,external_id,") && csv.contains(",file\n"),
        "{csv}"
    );
    assert!(csv.lines().nth(2).unwrap().ends_with(",2"), "{csv}");
    let shown = world.run(&["show", "--json"]).exits(0).json();
    assert_eq!(shown["feed"]["files"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_that_does_not_come_stops_the_run_before_its_people_are_removed() {
    let world = with_leavers("\"all\"");
    let feed = Feed::of(100);
    export(&world, "be.csv", &feed.people[..3]);
    export(&world, "nl.csv", &feed.people[3..]);
    import(&world).exits(0);
    fs::remove_file(world.path("exports/be.csv")).unwrap();
    let ran = world.changes_nothing(import).exits(4);
    let why = "the feed has 1 file with rows, 1 fewer than the last good feeds (2)";
    assert!(ran.said().contains(why), "{ran:#?}");
    assert!(ran.said().contains("--allow files=1"), "{ran:#?}");
    // Nor is a header without people an export.
    export(&world, "be.csv", &[]);
    let ran = world.changes_nothing(import).exits(4);
    assert!(ran.said().contains(why), "{ran:#?}");
    // One of the files on the command line is a feed of one file.
    let one = ["import", "exports/nl.csv", "-m", "mapping.toml", "--json"];
    let ran = world.changes_nothing(|world| world.run(&one)).exits(4);
    assert!(ran.said().contains(why), "{ran:#?}");
    // A file that a person knows to be gone is gone, and the feed is so from now on.
    fs::remove_file(world.path("exports/be.csv")).unwrap();
    let ran = import_with(&world, &["--allow", "files=1"]).exits(0);
    assert_eq!(ran.count("deleted"), 3);
    import(&world).exits(0);
}

#[test]
fn a_file_that_the_mapping_names_has_to_be_there() {
    let world = with_leavers("[\"nl.csv\", \"be.csv\"]");
    let feed = Feed::of(20);
    export(&world, "be.csv", &feed.people[..3]);
    let ran = world.changes_nothing(import).exits(1);
    assert!(ran.stderr.contains("nl.csv` is not there"), "{ran:#?}");
    export(&world, "nl.csv", &feed.people[3..]);
    // Of no interest.
    export(&world, "old.csv", &feed.people);
    assert_eq!(import(&world).exits(0).count("created"), 20);
    let names = world.run(&["show", "--json"]).json()["feed"]["files"].clone();
    assert!(names[0].as_str().unwrap().ends_with("nl.csv"), "{names}");
    let ran = world.run(&["import", "exports/nl.csv", "-m", "mapping.toml"]);
    assert!(ran.exits(2).stderr.contains("is not a folder"));
}

#[test]
fn a_file_with_other_columns_is_no_part_of_the_feed() {
    let world = world(Kmi);
    let feed = Feed::of(6);
    export(&world, "be.csv", &feed.people[..3]);
    export(&world, "nl.csv", &feed.people[3..]);
    let path = world.path("exports/nl.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("City", "Phone", 1)).unwrap();
    let ran = world.changes_nothing(import).exits(1);
    assert!(
        ran.stderr.contains("nl.csv` has other columns than"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("`Phone`"), "{ran:#?}");
}

#[test]
fn a_killed_run_of_several_files_is_resumed_where_it_was() {
    let world = world(AnewSpring).target("requests_per_second = 40");
    let feed = Feed::of(80);
    export(&world, "be.csv", &feed.people[..30]);
    export(&world, "nl.csv", &feed.people[30..]);
    let run = world.start(&["import", "exports", "-m", "mapping.toml"]);
    crate::support::wait_until("some people", || world.lms.people().len() > 35);
    run.kill();
    // The run's own files count, not what is there meanwhile.
    export(&world, "de.csv", &[]);
    world.resume().exits(0);
    world.assert_everyone_once(&feed);
    assert_eq!(world.rows().len(), 80);
}

#[test]
fn a_file_that_is_cut_off_is_noticed_among_others() {
    let world = world(Kmi);
    let feed = Feed::of(40);
    export(&world, "be.csv", &feed.people[..20]);
    export(&world, "nl.csv", &feed.people[20..]);
    let path = world.path("exports/be.csv");
    let whole = fs::read_to_string(&path).unwrap();
    let last = whole.trim_end().rfind('\n').unwrap();
    fs::write(&path, whole.get(..last + 12).unwrap()).unwrap();
    let ran = world.changes_nothing(import).exits(4);
    assert!(
        ran.said().contains("is cut off in row 21 of file 1"),
        "{ran:#?}"
    );
}

#[test]
fn rows_of_one_person_in_two_files_become_one_where_the_mapping_says_how() {
    let world = World::new(Kmi).parts(
        "[source]\nfiles = \"all\"\nmerge = { on = \"Employee ID\", pick = { order = \"last\" } }",
    );
    let mut feed = Feed::of(8);
    let mut earlier = feed.people[1].clone();
    earlier.city = "Meppel".into();
    export(&world, "a.csv", &[&feed.people[..1], &[earlier]].concat());
    export(&world, "b.csv", &feed.people[1..]);
    assert_eq!(import(&world).exits(0).count("created"), 8);
    world.assert_everyone_once(&feed);
    feed.people[1].city = "Assen".into();
    export(&world, "b.csv", &feed.people[1..]);
    assert_eq!(import(&world).exits(0).count("updated"), 1);
    world.assert_everyone_once(&feed);
}

#[test]
fn people_of_several_files_are_held_with_their_rows_and_shown_with_their_values() {
    let world = World::new(Kmi).parts("[source]\nfiles = \"all\"\n[guards]\nmax_creates = 0\n");
    let mut feed = Feed::of(110);
    export(&world, "be.csv", &feed.people[..60]);
    export(&world, "nl.csv", &feed.people[60..]);
    import(&world).exits(0);
    feed.people.extend(Feed::of(112).people.split_off(110));
    export(
        &world,
        "be.csv",
        &[&feed.people[..60], &feed.people[110..111]].concat(),
    );
    export(
        &world,
        "nl.csv",
        &[&feed.people[60..110], &feed.people[111..]].concat(),
    );
    let hold = import(&world).exits(4).hold("creates");
    let people = world.run(&["hold", &hold, "--show-values", "--format", "json"]);
    let people = people.exits(0).json_lines();
    assert_eq!(places(&people), [(62, 1), (52, 2)]);
    assert_eq!(people[1]["external_id"], "E00112");
    assert_ne!(people[1]["values"], json!(null));
    world
        .run(&["hold", &hold, "--as-feed", "exports", "-o", "held.csv"])
        .exits(0);
    let copy = fs::read_to_string(world.path("held.csv")).unwrap();
    assert_eq!(copy.lines().count(), 3, "{copy}");
    world.run(&["approve", &hold]).exits(0);
    assert_eq!(import(&world).exits(0).count("created"), 2);
    world.assert_everyone_once(&feed);
}
