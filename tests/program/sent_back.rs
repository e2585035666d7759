//! Rejected rows that go back to the HR department, and come round corrected.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use crate::support::System::Kmi;
use crate::support::{Feed, Person, Ran, World, on_each_system, wait_until};

/// A table: the header first.
pub(crate) type Table = Vec<Vec<String>>;

/// The columns that hrfeed adds.
pub(crate) const ADDED: [&str; 3] = ["hrfeed: problem", "hrfeed: what to do", "hrfeed: row"];

/// The positions of columns of [`Feed`].
pub(crate) const FIRST: usize = 1;
pub(crate) const EMAIL: usize = 3;
pub(crate) const LOGIN: usize = 4;

pub(crate) fn table(text: &str, delimiter: u8) -> Table {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let records = reader.records().map(Result::unwrap);
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

pub(crate) fn text(table: &[Vec<String>], delimiter: u8) -> String {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(Vec::new());
    for row in table {
        writer.write_record(row).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// The rows of the latest run that were not applied, from `feed` to `output`.
#[track_caller]
pub(crate) fn send_back(world: &World, feed: &str, output: &str) -> Ran {
    world
        .run(&["rows", "--as-feed", feed, "-o", output, "--force"])
        .exits(0)
}

#[track_caller]
fn csv_sent_back(world: &World) -> Table {
    send_back(world, "people.csv", "back.csv");
    table(&fs::read_to_string(world.path("back.csv")).unwrap(), b',')
}

pub(crate) fn import(world: &World, file: &str, more: &[&str]) -> Ran {
    let arguments = ["import", file, "-m", "mapping.toml", "--json"];
    world.run(&[&arguments[..], more].concat())
}

/// Forty people, of whom one has no address, one a formula for a name and a wrong address,
/// and two the same login.
fn wrong_feed() -> Feed {
    Feed::of(40)
        .change(4, |it| it.email = "nobody".into())
        .change(8, |it| {
            it.email = "at@".into();
            it.first = "=1+1".into();
        })
        .change(20, |it| it.login = "ZQuimby20".into())
}

/// Corrects what is wrong with them.
fn correct(table: &mut [Vec<String>]) {
    let right = Feed::of(40);
    for row in &mut table[1..] {
        let number: usize = row[0].trim_start_matches('E').parse().unwrap();
        let person = &right.people[number - 1];
        row[EMAIL].clone_from(&person.email);
        row[LOGIN].clone_from(&person.login);
    }
}

/// What the LMS must have then.
fn right_feed() -> Feed {
    Feed::of(40).change(8, |it| it.first = "=1+1".into())
}

const DELETES: &str = "[leavers]\naction = \"delete\"";

#[test]
fn rejected_rows_go_to_hr_with_what_is_wrong_and_come_round_without_further_options() {
    on_each_system(|system| {
        let world = World::new(system).parts(DELETES);
        world.import_feed(&wrong_feed()).exits(3);
        let mut rows = csv_sent_back(&world);
        let width = rows[0].len() - ADDED.len();
        assert_eq!(rows[0][width..], ADDED);
        let ids: Vec<_> = rows[1..].iter().map(|row| row[0].as_str()).collect();
        assert_eq!(ids, ["E00005", "E00009", "E00020", "E00021"]);
        assert_eq!(rows[2][FIRST], "'=1+1", "no formula runs");
        let said: Vec<_> = rows[1..]
            .iter()
            .map(|row| row[width..].join(" | "))
            .collect();
        assert!(
            said[0].starts_with(
                "column `Work e-mail` (email): is not an e-mail address | Enter one complete \
                 address, such as ann@example.com. | run 1, row 6; letters éßŽłğķαЖ; ID E00005"
            ),
            "{said:#?}"
        );
        assert!(said[2].contains("duplicate of row 22"), "{said:#?}");
        correct(&mut rows);
        world.write("back.csv", text(&rows, b','));
        let arguments = ["check", "back.csv", "-m", "mapping.toml", "--json"];
        assert_eq!(world.run(&arguments).exits(0).count("rejected"), 0);
        let arguments = ["plan", "back.csv", "-m", "mapping.toml", "--json"];
        assert_eq!(world.run(&arguments).exits(0).count("created"), 4);
        let ran = import(&world, "back.csv", &[]).exits(0);
        assert_eq!((ran.count("created"), ran.count("deleted")), (4, 0));
        let note = "the file has rows of run 1 that came back: it counts as a delta, so nobody is \
                    missing from it, and other feeds are not compared with it";
        assert!(ran.notes().iter().any(|it| it == note), "{ran:#?}");
        world.assert_everyone_once(&right_feed());
        // The HR system has not been corrected: nobody who was corrected leaves.
        let ran = world.import_feed(&wrong_feed()).exits(3);
        assert_eq!((ran.count("rejected"), ran.count("deleted")), (4, 0));
        world.assert_everyone_once(&right_feed());
        let ran = world.import_feed(&right_feed()).exits(0);
        assert_eq!(ran.count("unchanged"), 40);
    });
}

#[test]
fn rows_that_are_still_wrong_are_rejected_again_and_can_go_back_again() {
    let world = World::new(Kmi);
    let mut feed = Feed::of(40);
    for person in &mut feed.people[..14] {
        person.email = "nobody".into();
    }
    feed.people[30].city = "x".repeat(3_000);
    world.import_feed(&feed).exits(4);
    world.import_with(&["--allow", "rejected=15"]).exits(3);
    let mut rows = csv_sent_back(&world);
    assert_eq!(rows.len(), 1 + 15);
    rows[3][EMAIL] = "three@example.com".into();
    world.write("back.csv", text(&rows, b','));
    // Most of them are wrong, and that stops nothing.
    let ran = import(&world, "back.csv", &[]).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (1, 14));
    send_back(&world, "back.csv", "again.csv");
    let again = table(&fs::read_to_string(world.path("again.csv")).unwrap(), b',');
    assert_eq!(again.len(), 1 + 14);
    assert_eq!(again[0], rows[0], "the columns are added once");
    assert!(
        again[1].last().unwrap().starts_with("run 3, row 2"),
        "{again:?}"
    );
}

#[test]
fn holds_of_the_feed_wait_as_they_are_and_what_is_approved_is_not_carried_out() {
    let bounds = "[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = 2";
    let world = World::new(Kmi).parts(bounds);
    world.import_feed(&Feed::of(40)).exits(0);
    let mut feed = wrong_feed();
    feed.people.truncate(33);
    let ran = world.import_feed(&feed).exits(4);
    assert_eq!(ran.held(), [("leavers".to_owned(), 7)]);
    let mut rows = csv_sent_back(&world);
    correct(&mut rows);
    world.write("back.csv", text(&rows, b','));
    let ran = import(&world, "back.csv", &[]).exits(0);
    assert_eq!((ran.count("deleted"), ran.held().len()), (0, 0), "{ran:#?}");
    let open = world.run(&["holds", "--json"]).exits(0).json();
    assert_eq!(
        (&open["holds"][0]["id"], &open["holds"][0]["state"]),
        (&1.into(), &"open".into())
    );
    // An approval waits for a feed that shows that they are still missing.
    world.run(&["approve", "1"]).exits(0);
    rows[1][EMAIL] = "another@example.com".into();
    world.write("back.csv", text(&rows, b','));
    let ran = import(&world, "back.csv", &[]).exits(0);
    assert_eq!((ran.count("updated"), ran.count("deleted")), (1, 0));
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!(ran.count("deleted"), 7);
}

#[test]
fn whom_a_hold_keeps_stays_held_whichever_of_the_rows_come_back() {
    let world = World::new(Kmi).parts("[guards]\nmax_creates = 4");
    world.import_feed(&Feed::of(120)).exits(0);
    let mut feed = Feed::of(130);
    feed.people[125].email = "nobody".into();
    let ran = world.import_feed(&feed).exits(4);
    assert_eq!(ran.held(), [("creates".to_owned(), 9)]);
    let whole = csv_sent_back(&world);
    assert_eq!(whole.len(), 1 + 10);
    let said = whole[1].join("|");
    assert!(said.contains("waits for a decision (hold 1)"), "{said}");
    // All of them: the hold is the same one.
    world.write("back.csv", text(&whole, b','));
    let ran = import(&world, "back.csv", &[]).exits(4);
    assert_eq!(ran.json()["holds"][0]["id"], 1, "{ran:#?}");
    // Three of them, of whom one is corrected: that is another change.
    let mut some = whole[..4].to_vec();
    some.push(whole[6].clone());
    some[1][EMAIL] = "first@example.com".into();
    some[4][EMAIL] = "nobody@example.com".into();
    world.write("back.csv", text(&some, b','));
    let arguments = ["plan", "back.csv", "-m", "mapping.toml", "--json"];
    assert_eq!(world.run(&arguments).exits(4).count("created"), 2);
    let ran = import(&world, "back.csv", &[]).exits(4);
    assert_eq!(
        (ran.count("created"), ran.count("pending")),
        (2, 2),
        "{ran:#?}"
    );
    let held = world.run(&["rows", "--outcome", "held", "--json"]).exits(0);
    let held: Vec<_> = held
        .json_lines()
        .iter()
        .map(|it| it["hold"].clone())
        .collect();
    assert_eq!(held, [1, 1]);
    assert_eq!(world.lms.people().len(), 122);
    world.run(&["approve", "1"]).exits(0);
    let ran = import(&world, "back.csv", &[]).exits(0);
    assert_eq!(ran.count("created"), 2, "{ran:#?}");
    let note = "the rows that came back do not name all of its people: the next feed does the rest";
    assert!(ran.notes().iter().any(|it| it.contains(note)), "{ran:#?}");
    // The night after, the approved ones are created; the one that was corrected is there.
    feed.people[120].email = "first@example.com".into();
    feed.people[125].email = "nobody@example.com".into();
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("created"), 6, "{ran:#?}");
    world.assert_everyone_once(&feed);
}

#[test]
fn patience_counts_feeds_and_not_rows_that_came_back() {
    let world = World::new(Kmi).parts("[leavers]\naction = \"delete\"\ngrace = \"2 feeds\"");
    world.import_feed(&Feed::of(40)).exits(0);
    let mut feed = wrong_feed();
    feed.people.truncate(39);
    world.import_feed(&feed).exits(3);
    let mut rows = csv_sent_back(&world);
    for city in ["Delft", "Gouda", "Breda"] {
        correct(&mut rows);
        rows[1][5] = city.into();
        world.write("back.csv", text(&rows, b','));
        let ran = import(&world, "back.csv", &[]).exits(0);
        assert_eq!(
            (ran.count("updated"), ran.count("deleted")),
            (if city == "Delft" { 2 } else { 1 }, 0),
            "{ran:#?}"
        );
    }
    // The second feed in a row without the last one.
    feed.people[0].city = "Delft".into();
    assert_eq!(world.import_feed(&feed).exits(3).count("deleted"), 1);
}

#[test]
fn later_feeds_are_not_compared_with_rows_that_came_back() {
    let world = World::new(Kmi).parts("[guards]\nmin_rows = 30\nmax_age = \"1 h\"");
    world.import_feed(&wrong_feed()).exits(3);
    let mut rows = csv_sent_back(&world);
    correct(&mut rows);
    for night in 0..6 {
        rows[1][5] = format!("Town{night}");
        world.write("back.csv", text(&rows, b','));
        let old = UNIX_EPOCH + Duration::from_hours(24 * 365 * 50);
        let file = fs::File::options()
            .append(true)
            .open(world.path("back.csv"))
            .unwrap();
        file.set_modified(old).unwrap();
        import(&world, "back.csv", &[]).exits(0);
    }
    let mut shrunk = Feed::of(40);
    shrunk.people.truncate(31);
    let ran = world.import_feed(&shrunk).exits(4);
    assert!(
        ran.said().contains("9 fewer than the last good feeds (40)"),
        "{ran:#?}"
    );
    world.import_feed(&Feed::of(40)).exits(0);
}

#[test]
fn a_night_that_was_not_finished_is_resumed_first_and_the_next_feed_needs_no_permission() {
    let world = World::new(Kmi);
    world.feed(&wrong_feed());
    world.lms.set_faults(&serde_json::json!({"latency": 0.05}));
    let run = world.start_import();
    wait_until("some are created", || world.lms.stats().creates() >= 3);
    run.kill();
    world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
    // What the killed run had come to is enough to send it back.
    let early = world
        .run(&["rows", "--as-feed", "people.csv", "-o", "early.csv"])
        .exits(0);
    assert!(early.stderr.contains("of run 1"), "{early:#?}");
    let rows = table(&fs::read_to_string(world.path("early.csv")).unwrap(), b',');
    let ran = world
        .changes_nothing(|world| import(world, "early.csv", &[]))
        .exits(4);
    assert!(ran.said().contains("`hrfeed resume 1` goes on"), "{ran:#?}");
    assert!(rows.len() >= 2);
    world.resume().exits(4);
    world.run(&["resume", "1"]).exits(3);
    let again = ["rows", "1", "--as-feed", "people.csv", "-o", "back.csv"];
    world.run(&again).exits(0);
    let mut rows = table(&fs::read_to_string(world.path("back.csv")).unwrap(), b',');
    correct(&mut rows);
    world.write("back.csv", text(&rows, b','));
    import(&world, "back.csv", &[]).exits(0);
    world.assert_everyone_once(&right_feed());
    assert_eq!(
        world.import_feed(&right_feed()).exits(0).count("unchanged"),
        40
    );
}

#[test]
fn a_killed_import_of_corrected_rows_is_resumed_and_does_not_stop_the_next_feed() {
    let world = World::new(Kmi);
    let mut feed = Feed::of(40);
    for person in &mut feed.people[..20] {
        person.email = "nobody".into();
    }
    world.import_feed(&feed).exits(4);
    world.import_with(&["--allow", "rejected=20"]).exits(3);
    let mut rows = csv_sent_back(&world);
    correct(&mut rows);
    world.write("back.csv", text(&rows, b','));
    for is_resumed in [true, false] {
        world.lms.set_faults(&serde_json::json!({"latency": 0.05}));
        for (number, row) in rows[1..].iter_mut().enumerate() {
            row[5] = format!("Town{number}{is_resumed}");
        }
        world.write("back.csv", text(&rows, b','));
        world.lms.reset_stats();
        let sent = || world.lms.stats().creates() + world.lms.stats().updates();
        let run = world.start(&["import", "back.csv", "-m", "mapping.toml", "--json"]);
        wait_until("some are sent", || sent() >= 3);
        run.kill();
        world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
        if is_resumed {
            let ran = world.resume().exits(0);
            assert_eq!(ran.count("created"), 20, "{ran:#?}");
        }
    }
    for (number, person) in feed.people[..20].iter_mut().enumerate() {
        person.email = Person::new(number + 1).email;
    }
    world.import_feed(&feed).exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn rows_are_copied_only_from_the_feed_that_the_run_read_and_over_no_other_file() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(40)).exits(0);
    world.import_feed(&wrong_feed()).exits(3);
    let rows = |more: &[&str]| world.run(&[&["rows", "--as-feed", "people.csv"], more].concat());
    let ran = rows(&["-o", "people.csv", "--force"]).exits(2);
    assert!(ran.stderr.contains("is not replaced"), "{ran:#?}");
    rows(&["-o", "back.csv"]).exits(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(world.path("back.csv"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let from_where_it_was = world.run(&["rows", "--as-feed", "-o", "same.csv"]).exits(0);
    assert!(from_where_it_was.stderr.contains("4 rows of run 2"));
    let [same, back] = ["same.csv", "back.csv"].map(|it| fs::read(world.path(it)).unwrap());
    assert_eq!(same, back);
    // Somebody may have corrected it by now.
    let ran = rows(&["-o", "back.csv"]).exits(2);
    assert!(ran.stderr.contains("`--force`"), "{ran:#?}");
    for wrong in [&["--format", "json"][..], &["-o", "back.ods"], &["--json"]] {
        rows(wrong).exits(2);
    }
    assert_eq!(table(&rows(&[]).exits(0).stdout, b',').len(), 1 + 4);
    let ran = rows(&["--outcome", "unchanged"]).exits(2);
    assert!(ran.stderr.contains("counts 36 unchanged rows"), "{ran:#?}");
    assert_eq!(
        table(&rows(&["--outcome", "created"]).exits(0).stdout, b',').len(),
        1
    );
    world.feed(&right_feed());
    let ran = rows(&["-o", "other.csv"]).exits(2);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("is not the one that run 2 read"), "{ran:#?}");
    assert!(!world.path("other.csv").exists());
}

#[test]
fn of_a_folder_the_file_is_copied_that_the_run_read() {
    let world = World::new(Kmi);
    fs::create_dir(world.path("exports")).unwrap();
    world.write("exports/monday.csv", wrong_feed().csv(Kmi));
    let arguments = ["import", "exports", "-m", "mapping.toml", "--json"];
    world.run(&arguments).exits(3);
    let monday = fs::File::options()
        .append(true)
        .open(world.path("exports/monday.csv"));
    let old = UNIX_EPOCH + Duration::from_hours(24 * 365 * 50);
    monday.unwrap().set_modified(old).unwrap();
    world.write("exports/tuesday.csv", Feed::of(3).csv(Kmi));
    send_back(&world, "exports", "back.csv");
    let rows = table(&fs::read_to_string(world.path("back.csv")).unwrap(), b',');
    assert_eq!(rows.len(), 1 + 4);
}

#[test]
fn the_rows_of_a_feed_of_several_files_and_of_an_archive_go_back() {
    let world = World::new(Kmi).parts("[source]\nfiles = \"all\"");
    fs::create_dir(world.path("exports")).unwrap();
    let whole = wrong_feed();
    for (name, people) in [
        ("a.csv", &whole.people[..10]),
        ("b.csv.gz", &whole.people[10..]),
    ] {
        let feed = Feed {
            people: people.to_vec(),
        };
        let bytes = if name.ends_with("gz") {
            feed.csv_gz(Kmi)
        } else {
            feed.csv(Kmi)
        };
        world.write(&format!("exports/{name}"), bytes);
    }
    world
        .run(&["import", "exports", "-m", "mapping.toml", "--json"])
        .exits(3);
    send_back(&world, "exports", "back.csv");
    let mut rows = table(&fs::read_to_string(world.path("back.csv")).unwrap(), b',');
    let places: Vec<_> = rows[1..]
        .iter()
        .map(|row| row.last().unwrap().as_str())
        .collect();
    assert_eq!(
        places[0],
        "run 1, row 6 of file 1; letters éßŽłğķαЖ; ID E00005"
    );
    assert_eq!(
        places[3],
        "run 1, row 12 of file 2; letters éßŽłğķαЖ; ID E00021"
    );
    correct(&mut rows);
    world.write("back.csv", text(&rows, b','));
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 4);
    world.assert_everyone_once(&right_feed());
}

#[test]
fn a_delta_waits_for_the_rows_that_came_back_to_be_imported_whole() {
    let world = World::new(Kmi).parts("[source]\nfeed = \"delta\"");
    world.import_feed(&wrong_feed()).exits(3);
    let mut rows = csv_sent_back(&world);
    correct(&mut rows);
    world.write("back.csv", text(&rows, b','));
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 4);
    let next = Feed {
        people: vec![Person::new(77)],
    };
    assert_eq!(world.import_feed(&next).exits(0).count("created"), 1);
    assert_eq!(world.lms.people().len(), 41);
}

#[test]
fn nobody_leaves_by_a_row_that_came_back() {
    let world = World::new(Kmi)
        .parts("[leavers]\naction = \"delete\"\nwhen = \"row['Status'] == 'Terminated'\"");
    world.import_feed(&Feed::of(40)).exits(0);
    world.import_feed(&wrong_feed()).exits(3);
    let mut rows = csv_sent_back(&world);
    correct(&mut rows);
    rows[1][8] = "Terminated".into();
    world.write("back.csv", text(&rows, b','));
    let ran = import(&world, "back.csv", &[]).exits(0);
    assert_eq!(
        (ran.count("deleted"), ran.json()["feed"]["skipped"].clone()),
        (0, 1.into())
    );
    assert!(
        ran.notes()
            .iter()
            .any(|it| it.contains("nobody leaves before a feed says so")),
        "{ran:#?}"
    );
    assert_eq!(
        world
            .run(&["check", "back.csv", "-m", "mapping.toml", "--json"])
            .exits(0)
            .json()["would"]["remove"],
        0
    );
    assert_eq!(world.lms.people().len(), 40);
}

#[test]
fn all_rows_of_a_person_go_back_together() {
    let merge = "[source]\nmerge = { on = \"Employee ID\", pick = { order = \"last\" } }";
    let world = World::new(Kmi).parts(merge);
    let mut feed = wrong_feed();
    let mut former = feed.people[4].clone();
    former.city = "Delft".into();
    feed.people.insert(0, former);
    world.import_feed(&feed).exits(3);
    let mut rows = csv_sent_back(&world);
    let ids: Vec<_> = rows[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ids, ["E00005", "E00005", "E00009", "E00020", "E00021"]);
    assert!(
        rows[1]
            .join("|")
            .contains("same person as another row here"),
        "{rows:#?}"
    );
    correct(&mut rows);
    world.write("back.csv", text(&rows, b','));
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 4);
    world.assert_everyone_once(&right_feed());
}

#[test]
fn joined_files_are_read_for_rows_that_came_back_and_not_needed_to_send_them() {
    let world = World::new(Kmi);
    let join = "[join]\nfile = \"towns.csv\"\non = \"Employee ID\"\n[fields]";
    let mapping = world.mapping().replacen("[fields]", join, 1);
    world.write("mapping.toml", mapping.replace("= \"City\"", "= \"Town\""));
    let towns = (1..=40).map(|number| format!("E{number:05},Gouda\n"));
    let towns = format!("Employee ID,Town\n{}", towns.collect::<String>());
    world.write("towns.csv", &towns);
    world.import_feed(&wrong_feed()).exits(3);
    fs::remove_file(world.path("towns.csv")).unwrap();
    let mut rows = csv_sent_back(&world);
    assert_eq!(
        rows[0].len(),
        9 + ADDED.len(),
        "only the feed's own columns"
    );
    assert!(
        rows[1].join("|").contains("Enter one complete address"),
        "{rows:#?}"
    );
    correct(&mut rows);
    world.write("back.csv", text(&rows, b','));
    import(&world, "back.csv", &[]).exits(1);
    world.write("towns.csv", &towns);
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 4);
    assert_eq!(world.lms.person("E00005")["city"], "Gouda");
}

#[test]
fn a_list_of_leavers_stays_one_when_its_rows_come_back() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(40)).exits(0);
    let mapping = world.mapping() + "[source]\nfeed = \"leavers\"\n[leavers]\naction = \"delete\"";
    world.write("leavers.toml", mapping);
    world.write(
        "leavers.csv",
        "Employee ID,Why\nE00007,retired\n1.2E+05,left\n",
    );
    let run = |file: &str| world.run(&["import", file, "-m", "leavers.toml", "--json"]);
    let ran = run("leavers.csv").exits(3);
    assert_eq!(
        (ran.count("deleted"), ran.count("rejected")),
        (1, 1),
        "{ran:#?}"
    );
    world.run(&["rows", "--as-feed", "-o", "back.csv"]).exits(0);
    let back = fs::read_to_string(world.path("back.csv")).unwrap();
    world.write("back.csv", back.replace("1.2E+05", "E00009"));
    assert_eq!(run("back.csv").exits(0).count("deleted"), 1);
    assert_eq!(world.lms.people().len(), 38);
}

#[test]
fn what_a_person_corrected_is_not_waited_for_as_what_a_program_writes() {
    let source = "[source]\ndone_file = \".done\"\nchecksum = \".sha256\"\nwait = \"2s\"";
    let world = World::new(Kmi);
    world.import_feed(&wrong_feed()).exits(3);
    let mut rows = csv_sent_back(&world);
    correct(&mut rows);
    let world = world.parts(source);
    // Neither is the feed of a run that is over.
    send_back(&world, "people.csv", "back.xlsx");
    world.write("back.csv", text(&rows, b','));
    assert_eq!(
        import(&world, "back.xlsx", &[]).exits(3).count("rejected"),
        4
    );
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 4);
    assert_ne!(world.import().code, 0, "a feed is waited for");
}

#[test]
fn a_feed_without_a_header_gets_the_letters_of_its_columns() {
    let world = World::new(Kmi);
    let mut mapping = world.mapping();
    for (column, letter) in [
        ("Employee ID", "A"),
        ("First name", "B"),
        ("Last name", "C"),
        ("Work e-mail", "D"),
        ("Login", "E"),
        ("City", "F"),
        ("Country", "G"),
        ("End date", "H"),
    ] {
        mapping = mapping.replace(&format!("\"{column}\""), &format!("\"{letter}\""));
    }
    world.write("mapping.toml", mapping + "[source]\nheader = false");
    let feed = String::from_utf8(wrong_feed().csv(Kmi)).unwrap();
    world.write("people.csv", feed.split_once('\n').unwrap().1);
    world.import().exits(3);
    let mut rows = csv_sent_back(&world);
    assert_eq!(rows[0][..3], ["A", "B", "C"]);
    correct(&mut rows);
    world.write("back.csv", text(&rows, b','));
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 4);
    world.assert_everyone_once(&right_feed());
}

#[test]
fn rows_that_came_back_are_imported_with_the_mapping_of_their_run_alone() {
    let world = World::new(Kmi).parts(DELETES);
    world.import_feed(&wrong_feed()).exits(3);
    let mut rows = csv_sent_back(&world);
    correct(&mut rows);
    world.write("back.csv", text(&rows, b','));
    world.write("other.toml", world.mapping());
    for command in ["plan", "import"] {
        let ran = world.run(&[command, "back.csv", "-m", "other.toml"]);
        let ran = ran.exits(2);
        let said = "has rows of run 1 that came back, and that run had another mapping";
        assert!(ran.stderr.contains(said), "{ran:#?}");
        let help = format!("-m {}`", world.path("mapping.toml").display());
        assert!(ran.stderr.contains(&help), "{ran:#?}");
    }
    assert_eq!(world.lms.with_id("E00005").len(), 0, "nothing was sent");
    // A rehearsal has a journal of its own.
    let rehearsal = ["import", "back.csv", "-m", "other.toml", "--sandbox"];
    world.run(&rehearsal).exits(0);
    // A mapping that was moved is the same one.
    fs::rename(world.path("mapping.toml"), world.path("moved.toml")).unwrap();
    let moved = ["import", "back.csv", "-m", "moved.toml", "--json"];
    assert_eq!(world.run(&moved).exits(0).count("created"), 4);
    world.assert_everyone_once(&right_feed());
}

#[test]
fn what_is_to_be_done_about_rows_of_one_person_that_differ_helps() {
    let merge = "[source]\nmerge = { on = \"Employee ID\" }";
    let world = World::new(Kmi).parts(merge);
    let mut feed = Feed::of(12);
    feed.people.push(feed.people[3].clone());
    feed.people[12].city = "Leiden".into();
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (11, 1));
    let mut rows = csv_sent_back(&world);
    let advice = &rows[1][rows[0].len() - 2];
    let said = "enter it in each of them.";
    assert!(advice.ends_with(said), "{advice}");
    let city = rows[0].iter().position(|name| name == "City").unwrap();
    for row in &mut rows[1..] {
        row[city] = "Leiden".into();
    }
    world.write("back.csv", text(&rows, b','));
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 1);
    assert_eq!(world.lms.person("E00004")["city"], "Leiden");
}
