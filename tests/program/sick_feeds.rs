//! Feeds that look sick stop the run before its first write: too few rows, rows
//! that are wrong, columns that are empty, a file that is old.

use std::fs::File;
use std::time::Duration;

use crate::holds::offered;
use crate::support::System;
use crate::support::{Feed, Person, World, on_each_system};

/// A world with this in `[guards]`, to which so many people were imported.
fn with(people: usize, system: System, guards: &str) -> (World, Feed) {
    let world = World::new(system).parts(&format!("[guards]\n{guards}"));
    let feed = Feed::of(people);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

fn truncated(feed: &Feed, rows: usize) -> Feed {
    Feed {
        people: feed.people[..rows].to_vec(),
    }
}

#[test]
fn three_hundred_of_1_000_rows_are_not_nothing_to_do() {
    on_each_system(|system| {
        let (world, mut feed) = with(100, system, "");
        feed.people[0].city = "Meppel".into();
        let ran = world.changes_nothing(|world| world.import_feed(&truncated(&feed, 30)));
        let ran = ran.exits(4);
        assert!(ran.stderr.contains("max_shrink"), "{ran:#?}");
        let plan = world.plan().exits(4);
        assert!(plan.said().contains("max_shrink"), "{plan:#?}");
    });
}

#[test]
fn a_plan_of_a_sick_feed_says_what_an_import_would_do_and_shows_the_option_once() {
    let (world, feed) = with(100, System::Kmi, "");
    world.feed(&truncated(&feed, 30));
    let plan = world.run(&["plan", "people.csv", "-m", "mapping.toml"]);
    let said = plan.exits(4).stdout.replace("\n    ", " ");
    let note = "an import would send nothing: the feed has 30 rows, 70 fewer than the last good \
                feeds (100); the limit is 20 (`max_shrink` is 20%) (look at the feed with `hrfeed \
                check`; if it is right, import it once with `--allow shrink=70`)";
    assert!(said.contains(note), "{said}");
    assert_eq!(said.matches("--allow").count(), 1, "{said}");
    assert!(!said.contains("stopped"), "no run was: {said}");
}

#[test]
fn a_shrunk_feed_goes_through_once_and_is_what_the_next_one_is_held_against() {
    on_each_system(|system| {
        let (world, feed) = with(100, system, "");
        let mut smaller = truncated(&feed, 79);
        smaller.people[0].city = "Meppel".into();
        let ran = world
            .changes_nothing(|world| world.import_feed(&smaller))
            .exits(4);
        let shrink = offered(&ran, "shrink=");
        let ran = world.import_with(&["--allow", &shrink]).exits(0);
        assert_eq!(ran.count("updated"), 1);
        smaller.people[0].city = "Emden".into();
        assert_eq!(world.import_feed(&smaller).exits(0).count("updated"), 1);
        // Less than what was let through is sick again.
        world
            .changes_nothing(|world| world.import_feed(&truncated(&smaller, 60)))
            .exits(4);
    });
}

#[test]
fn exactly_the_bound_of_shrinking_passes() {
    on_each_system(|system| {
        let (world, feed) = with(100, system, "");
        world.import_feed(&truncated(&feed, 80)).exits(0);
    });
}

#[test]
fn a_number_that_is_too_small_lets_no_shrunk_feed_through() {
    on_each_system(|system| {
        let (world, feed) = with(100, system, "");
        world.feed(&truncated(&feed, 60));
        world
            .changes_nothing(|world| world.import_with(&["--allow", "shrink=39"]))
            .exits(4);
        world.import_with(&["--allow", "shrink=40"]).exits(0);
    });
}

#[test]
fn a_sick_feed_is_not_what_the_next_one_is_held_against() {
    on_each_system(|system| {
        let (world, feed) = with(100, system, "");
        for _ in 0..6 {
            world.import_feed(&truncated(&feed, 30)).exits(4);
        }
    });
}

#[test]
fn a_column_that_was_emptied_clears_nobodys_field() {
    on_each_system(|system| {
        let field = match system {
            System::Kmi => "address2",
            System::AnewSpring => "custom1",
        };
        let cleared = format!("{field} = {{ column = \"Status\", empty = \"clear\" }}");
        let world = World::new(system).fields(&cleared);
        let mut feed = Feed::of(100);
        world.import_feed(&feed).exits(0);
        for person in &mut feed.people {
            person.status = "";
        }
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert!(ran.stderr.contains("max_emptied"), "{ran:#?}");
        assert!(ran.stderr.contains("emptied=Status"), "{ran:#?}");
        // Another column is another word.
        world
            .changes_nothing(|world| world.import_with(&["--allow", "emptied=City"]))
            .exits(4);
        let approved = ["--allow", "emptied=Status", "--allow", "updates=100"];
        let ran = world.import_with(&approved).exits(0);
        assert_eq!(ran.count("updated"), 100);
        world.import().exits(0);
    });
}

#[test]
fn an_emptied_column_that_says_nothing_stops_the_run_as_well() {
    on_each_system(|system| {
        let (world, mut feed) = with(100, system, "");
        for person in &mut feed.people {
            person.city.clear();
        }
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert!(ran.stderr.contains("emptied=City"), "{ran:#?}");
    });
}

#[test]
fn a_fifth_of_a_column_may_be_emptied() {
    on_each_system(|system| {
        let (world, mut feed) = with(100, system, "");
        for person in &mut feed.people[..20] {
            person.city.clear();
        }
        world.import_feed(&feed).exits(0);
    });
}

#[test]
fn a_file_that_is_too_old_stops_the_run() {
    on_each_system(|system| {
        let (world, mut feed) = with(10, system, "max_age = \"36 h\"");
        feed.people[0].city = "Meppel".into();
        world.feed(&feed);
        let old = |hours: u64| {
            let file = File::options().append(true).open(world.path("people.csv"));
            let file = file.unwrap();
            let now = file.metadata().unwrap().modified().unwrap();
            file.set_modified(now - Duration::from_hours(hours))
                .unwrap();
        };
        old(37);
        let ran = world.changes_nothing(World::import).exits(4);
        assert!(ran.stderr.contains("--allow age"), "{ran:#?}");
        assert_eq!(
            world
                .import_with(&["--allow", "age"])
                .exits(0)
                .count("updated"),
            1
        );
        feed.people[0].city = "Emden".into();
        world.feed(&feed);
        old(35);
        world.import().exits(0);
    });
}

#[test]
fn rejected_rows_beyond_the_bound_stop_the_run_and_a_number_lets_them_be() {
    on_each_system(|system| {
        let (world, mut feed) = with(200, system, "");
        for person in &mut feed.people[..21] {
            person.last.clear();
        }
        feed.people[100].city = "Meppel".into();
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        let rejected = offered(&ran, "rejected=");
        assert_eq!(rejected, "rejected=21");
        world
            .changes_nothing(|world| world.import_with(&["--allow", "rejected=20"]))
            .exits(4);
        let ran = world.import_with(&["--allow", "rejected=21"]).exits(3);
        assert_eq!((ran.count("rejected"), ran.count("updated")), (21, 1));
    });
}

#[test]
fn every_row_twice_sends_nothing() {
    on_each_system(|system| {
        let (world, feed) = with(60, system, "");
        let twice = Feed {
            people: [feed.people.clone(), feed.people.clone()].concat(),
        };
        world
            .changes_nothing(|world| world.import_feed(&twice))
            .exits(4);
    });
}

#[test]
fn rejected_rows_that_are_tolerated_end_with_0() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, "tolerate = \"2\"");
        feed.people[0].last.clear();
        feed.people[1].last.clear();
        let check = ["check", "people.csv", "-m", "mapping.toml", "--json"];
        for (code, rejected) in [(0, 2), (3, 3)] {
            world.feed(&feed);
            for ran in [world.run(&check), world.plan(), world.import()] {
                assert_eq!(ran.exits(code).count("rejected"), rejected);
            }
            feed.people[2].last.clear();
        }
    });
}

#[test]
fn a_check_tells_what_would_stop_an_import_and_stops_nothing() {
    let guards = "[guards]\nmin_rows = 20\nmax_rejected = 0\nmax_age = \"1 h\"";
    let world = World::new(System::Kmi).parts(guards);
    let check = ["check", "people.csv", "-m", "mapping.toml"];
    let notes = || {
        let json = world.run(&[&check[..], &["--json"]].concat()).json();
        json["notes"].as_array().unwrap().clone()
    };
    let mut feed = Feed::of(20);
    world.feed(&feed);
    world.run(&check).exits(0);
    assert_eq!(notes(), [""; 0]);
    insta::assert_snapshot!(conclusion(&world.run(&check).exits(0).stdout), @"
    An import would send up to 20 people, those who are new or changed. Other limits need the journal or the LMS: `plan`
    checks them.

    Next
      hrfeed plan people.csv -m mapping.toml   list who is new, changed or missing
    ");

    feed.people.truncate(19);
    world.feed(&feed);
    let why = "an import would stop: the feed has 19 rows; the minimum is 20 (`min_rows`)";
    let said = world.run(&check).exits(0).stdout;
    insta::assert_snapshot!(conclusion(&said), @"
    An import would send nothing: the feed has 19 rows; the minimum is 20 (`min_rows`). If the feed is right, import it
    once with `--allow rows=19`. Other limits need the journal or the LMS: `plan` checks them.

    Next
      hrfeed plan people.csv -m mapping.toml   list who is new, changed or missing
    ");
    let allow = "`--allow rows=19`";
    let [note] = &notes()[..] else {
        panic!("{:#?}", notes());
    };
    let note = note.as_str().unwrap();
    assert!(note.starts_with(why) && note.contains(allow), "{note}");

    feed.people[0].last.clear();
    world.feed(&feed);
    let file = File::options().write(true).open(world.path("people.csv"));
    let file = file.unwrap();
    let now = file.metadata().unwrap().modified().unwrap();
    file.set_modified(now - Duration::from_hours(2)).unwrap();
    let said = world.run(&check).exits(3).stdout.replace("\n  ", " ");
    for guard in ["(`min_rows`)", "(`max_rejected`)", "(`max_age`)"] {
        assert!(said.contains(guard), "{said}");
    }
    assert!(said.contains("`--allow rows=19,rejected=1,age`"), "{said}");
    assert_eq!(notes().len(), 1);
    let json = world.run(&[&check[..], &["--json"]].concat()).json();
    let end = &json["would"];
    assert_eq!((&end["send"], &end["reject"]), (&0.into(), &1.into()));
    let stops = end["stopped_by"].as_array().unwrap().iter();
    let allow: Vec<_> = stops.map(|stop| stop["allow"].as_str().unwrap()).collect();
    assert_eq!(allow, ["rows=19", "rejected=1", "age"]);
    assert_eq!(world.lms.stats().requests(), 0);
}

/// What a check says at its end, below the counts.
fn conclusion(said: &str) -> &str {
    said.find("  An import would")
        .map_or("", |at| said.get(at..).unwrap())
}

#[test]
fn a_check_says_that_leavers_would_wait_for_a_row_that_may_be_anybody() {
    let world = World::new(System::Kmi).parts("[leavers]\naction = \"delete\"");
    world.feed(&Feed::of(30).change(3, |person| person.id.clear()));
    let check = ["check", "people.csv", "-m", "mapping.toml"];
    insta::assert_snapshot!(conclusion(&world.run(&check).exits(3).stdout), @"
    An import would send up to 29 people, those who are new or changed, and reject 1 row. People who are missing from the
    feed would wait for approval, because they may be in 1 row without a readable external ID. Other limits need the
    journal or the LMS: `plan` checks them.

    Next
      hrfeed plan people.csv -m mapping.toml   list who is new, changed or missing
    ");
    let json = world.run(&[&check[..], &["--json"]].concat()).json();
    assert_eq!(json["would"]["may_be_anybody"], 1);
    assert_eq!(json["would"]["send"], 29);
    // A list for a program has it on stderr.
    let listed = world.run(&[&check[..], &["--format", "csv"]].concat());
    assert!(
        listed
            .stderr
            .contains("An import would send up to 29 people"),
        "{listed:#?}"
    );
}

#[test]
fn growth_is_not_sick() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, "");
        feed.people.extend((41..=80).map(Person::new));
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("created"), 40);
    });
}

/// The feed as CSV, without the end of the last line.
fn without_line_end(feed: &Feed, system: System) -> Vec<u8> {
    let csv = feed.csv(system);
    csv.strip_suffix(b"\n").unwrap().to_vec()
}

#[test]
fn a_file_that_was_cut_off_in_a_row_removes_nobody_and_sends_no_half_of_one() {
    on_each_system(|system| {
        let world = World::new(system).parts("[leavers]\naction = \"delete\"");
        let feed = Feed::of(100);
        world.import_feed(&feed).exits(0);
        // Two people are missing, and a part of a third one.
        let (before, whole) = (
            truncated(&feed, 97).csv(system),
            truncated(&feed, 98).csv(system),
        );
        for end in (before.len() + 1..whole.len()).step_by(9) {
            world.write("people.csv", &whole[..end]);
            let ran = world.changes_nothing(World::import).exits(4);
            assert!(ran.stderr.contains("cut off in row 99"), "{ran:#?}");
            let plan = world.plan().exits(4);
            assert!(plan.said().contains("--allow cut"), "{plan:#?}");
        }
        // Somebody lets it pass all the same: not what is left of the row.
        world.write("people.csv", &whole[..before.len() + 30]);
        let ran = world.import_with(&["--allow", "cut"]).exits(3);
        assert_eq!((ran.count("rejected"), ran.count("deleted")), (1, 2));
        let row = world.row(99);
        let message = row["message"].as_str().unwrap();
        assert!(message.starts_with("the row is cut off: "), "{message}");
        world.assert_everyone_once(&truncated(&feed, 98));
    });
}

#[test]
fn the_first_file_of_a_mapping_that_was_cut_off_in_a_row_is_sick_too() {
    on_each_system(|system| {
        let world = World::new(system);
        let csv = without_line_end(&Feed::of(50), system);
        world.write("people.csv", &csv[..csv.len() - 20]);
        let check = ["check", "people.csv", "-m", "mapping.toml"];
        let checked = world.run(&check);
        let said = checked.said().replace("\n  ", " ");
        assert!(
            said.contains("An import would send nothing: the feed is cut off"),
            "{said}"
        );
        let ran = world.import().exits(4);
        assert!(
            ran.stderr.contains("fewer than every other row"),
            "{ran:#?}"
        );
        assert_eq!(world.lms.people().len(), 0);
    });
}

#[test]
fn files_without_a_last_line_end_and_with_short_rows_are_sound() {
    on_each_system(|system| {
        let feed = Feed::of(50);
        // A program that ends no last line.
        let world = World::new(system);
        for city in ["Zwolle", "Meppel"] {
            let feed = feed.clone().change(49, |person| person.city = city.into());
            world.write("people.csv", without_line_end(&feed, system));
            world.import().exits(0);
            world.assert_everyone_once(&feed);
        }
        // One that leaves empty cells at the end of a row out, as Excel does for some.
        for last_line_end in ["", "\n"] {
            let world = World::new(system);
            let csv = String::from_utf8(feed.csv(system)).unwrap();
            let lines = csv.lines().map(|line| line.trim_end_matches(','));
            let csv = lines.collect::<Vec<_>>().join("\n") + last_line_end;
            world.write("people.csv", csv);
            world.import().exits(0);
            world.assert_everyone_once(&feed);
        }
    });
}

#[test]
fn the_file_of_an_earlier_night_that_comes_again_is_not_imported() {
    on_each_system(|system| {
        let leavers = "[leavers]\naction = \"delete\"";
        let world = World::new(system).parts(leavers);
        let (monday, tuesday) = (Feed::of(40), Feed::of(42));
        let written = |hours: u64| {
            let file = File::options().write(true).open(world.path("people.csv"));
            let file = file.unwrap();
            let now = file.metadata().unwrap().modified().unwrap();
            file.set_modified(now - Duration::from_hours(hours))
                .unwrap();
        };
        for (feed, hours) in [(&monday, 48), (&tuesday, 24)] {
            world.feed(feed);
            written(hours);
            world.import().exits(0);
        }
        world.feed(&monday);
        written(48);
        let ran = world.changes_nothing(World::import).exits(4);
        assert!(ran.stderr.contains("the file of run 1 again"), "{ran:#?}");
        assert_eq!(world.plan().exits(4).count("pending"), 0);
        world.import_with(&["--allow", "age"]).exits(0);
        world.assert_everyone_once(&monday);
        // A new export that says the same as an earlier one is as good as any.
        world.import_feed(&tuesday).exits(0);
        world.import_feed(&monday).exits(0);
        world.assert_everyone_once(&monday);
    });
}

#[test]
fn a_second_header_with_the_columns_in_another_order_stops_the_run() {
    on_each_system(|system| {
        let world = World::new(system);
        let text = String::from_utf8(Feed::of(40).csv(system)).unwrap();
        let lines: Vec<Vec<_>> = (text.lines())
            .map(|line| line.split(',').collect())
            .collect();
        let swapped = |cells: &Vec<&str>| {
            let mut cells = cells.clone();
            cells.swap(1, 2);
            cells.join(",")
        };
        let first = lines[..21].iter().map(|cells| cells.join(","));
        let below = lines[21..].iter().map(swapped);
        let feed: Vec<_> = first.chain([swapped(&lines[0])]).chain(below).collect();
        world.write("people.csv", feed.join("\n") + "\n");
        for command in ["check", "plan", "import"] {
            let ran = world.run(&[command, "people.csv", "-m", "mapping.toml"]);
            assert!(![0, 3].contains(&ran.code), "{ran:#?}");
            let said = "row 22 of feed `people.csv` is a header with other columns than the one in \
                        row 1";
            assert!(ran.stderr.contains(said), "{ran:#?}");
        }
        assert!(world.lms.people().is_empty());
        // One in the same order is left out.
        let mut feed: Vec<_> = lines.iter().map(|cells| cells.join(",")).collect();
        feed.insert(21, feed[0].clone());
        world.write("people.csv", feed.join("\n") + "\n");
        let ran = world.import().exits(0);
        assert_eq!(ran.count("created"), 40);
    });
}
