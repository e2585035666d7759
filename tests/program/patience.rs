//! Leavers with patience: `grace`, `when`, and feeds that do not name everybody.

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{Feed, Ran, System, World, calls, on_each_system};

/// Forty people were imported by a mapping with this in [leavers].
fn with_forty(system: System, leavers: &str) -> (World, Feed) {
    let world = World::new(system).parts(&format!("[leavers]\n{leavers}"));
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

/// The action of the system that people come back from.
fn action(system: System) -> &'static str {
    match system {
        Kmi => "action = \"delete\"",
        AnewSpring => "action = \"deactivate\"",
    }
}

/// How many people left.
fn left(ran: &Ran) -> u64 {
    ran.count("deleted") + ran.count("deactivated")
}

#[test]
fn who_is_missing_leaves_with_the_feed_that_ends_the_grace() {
    on_each_system(|system| {
        let leavers = format!("{}\ngrace = \"3 feeds\"", action(system));
        let (world, mut feed) = with_forty(system, &leavers);
        feed.people.pop();
        for after in ["2 more feeds", "1 more feed"] {
            let ran = world.import_feed(&feed).exits(0);
            assert_eq!((left(&ran), ran.count("unchanged")), (0, 39));
            assert_eq!(
                ran.notes(),
                [format!(
                    "1 person is missing from the feed and stays for now (`grace` is 3 feeds): \
                     that person leaves after {after}, unless named again"
                )]
            );
            assert_eq!(world.lms.people().len(), 40);
        }
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((left(&ran), ran.notes()), (1, Vec::new()));
        assert_eq!(world.cost(&feed, 0), calls(&[]), "once is enough");
    });
}

#[test]
fn a_plan_says_who_stays_for_now_and_for_how_long_and_counts_no_feed() {
    let (world, mut feed) = with_forty(Kmi, "action = \"delete\"\ngrace = \"2 feeds\"");
    feed.people.drain(37..);
    world.feed(&feed);
    let plan = [
        "plan",
        "people.csv",
        "-m",
        "mapping.toml",
        "--format",
        "csv",
    ];
    for _ in 0..3 {
        let ran = world.run(&plan).exits(0);
        let line = ",E00039,unchanged,,,0,no longer in the feed: leaves after 1 more feed";
        assert!(ran.stdout.contains(line), "{ran:#?}");
        assert_eq!(world.plan().exits(0).count("deleted"), 0);
    }
    world.import().exits(0);
    world.feed(&feed);
    assert_eq!(world.plan().exits(0).count("deleted"), 3);
}

#[test]
fn the_same_file_again_is_no_other_feed() {
    let (world, mut feed) = with_forty(Kmi, "action = \"delete\"\ngrace = \"2 feeds\"");
    feed.people.pop();
    world.import_feed(&feed).exits(0);
    for _ in 0..3 {
        assert_eq!(world.import().exits(0).count("deleted"), 0);
    }
    // The same people in a file that was written since.
    assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 1);
}

#[test]
fn from_standard_input_the_same_bytes_are_the_same_feed() {
    let (world, mut feed) = with_forty(Kmi, "action = \"delete\"\ngrace = \"2 feeds\"");
    feed.people.pop();
    let import = ["import", "-", "-m", "mapping.toml", "--json"];
    let gone = |feed: &Feed| {
        let ran = world.run_with_stdin(&import, &feed.csv(Kmi));
        ran.exits(0).count("deleted")
    };
    assert_eq!((gone(&feed), gone(&feed)), (0, 0));
    feed.people[0].city = "Delft".into();
    assert_eq!(gone(&feed), 1);
}

#[test]
fn who_returns_within_the_grace_was_never_away() {
    on_each_system(|system| {
        let leavers = format!("{}\ngrace = \"2 feeds\"", action(system));
        let (world, whole) = with_forty(system, &leavers);
        let mut feed = whole.clone();
        feed.people.pop();
        world.import_feed(&feed).exits(0);
        assert_eq!(
            world.cost(&whole, 0),
            calls(&[]),
            "nothing was done to undo"
        );
        // The count begins anew.
        assert_eq!(left(&world.import_feed(&feed).exits(0)), 0);
        assert_eq!(left(&world.import_feed(&feed).exits(0)), 1);
    });
}

#[test]
fn a_sick_feed_takes_nobody_s_time() {
    let leavers = "action = \"delete\"\ngrace = \"2 feeds\"\n[guards]\nmax_leavers = 40";
    let (world, whole) = with_forty(Kmi, leavers);
    let mut shrunk = whole.clone();
    shrunk.people.truncate(20);
    world.import_feed(&shrunk).exits(4);
    world.import_feed(&shrunk).exits(4);
    let mut feed = whole;
    feed.people.pop();
    assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 0);
    assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 1);
}

#[test]
fn whose_grace_is_over_is_under_the_limit_of_leavers() {
    let leavers = "action = \"delete\"\ngrace = \"2 feeds\"\n[guards]\nmax_leavers = 2";
    let (world, mut feed) = with_forty(Kmi, leavers);
    feed.people.truncate(36);
    world.import_feed(&feed).exits(0);
    // It stays held, night after night, and is not given time again.
    for _ in 0..2 {
        let ran = world.import_feed(&feed).exits(4);
        assert_eq!(ran.held(), [("leavers".to_owned(), 4)]);
    }
    world.run(&["approve", "1"]).exits(0);
    assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 4);
}

#[test]
fn days_end_with_another_feed_and_not_without_one() {
    let (world, mut feed) = with_forty(Kmi, "action = \"delete\"\ngrace = \"7 days\"");
    feed.people.pop();
    let ran = world.import_feed(&feed).exits(0);
    assert!(ran.notes()[0].contains("(`grace` is 7 days): that person leaves from 20"));
    world.pass_days(6);
    assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 0);
    world.pass_days(1);
    assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 1);
    // An export that is not written any more says nothing of anybody.
    feed.people.pop();
    world.import_feed(&feed).exits(0);
    world.pass_days(30);
    let ran = world.import().exits(0);
    assert_eq!(ran.count("deleted"), 0);
    assert!(
        ran.notes()[0].contains("that person leaves after 1 more feed"),
        "{ran:?}"
    );
    assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 1);
}

#[test]
fn a_run_that_was_killed_and_resumed_counts_as_one_feed() {
    let (world, mut feed) = with_forty(Kmi, "action = \"delete\"\ngrace = \"2 feeds\"");
    feed.people.pop();
    for person in &mut feed.people[..30] {
        person.city = "Delft".into();
    }
    world.feed(&feed);
    world.write_mapping();
    let world = world.parts(
        "[leavers]\naction = \"delete\"\ngrace = \"2 feeds\"\n[guards]\nmax_updates = \"100%\"",
    );
    world.lms.set_faults(&serde_json::json!({"latency": 0.05}));
    world.lms.reset_stats();
    let run = world.start_import();
    crate::support::wait_until("some are changed", || world.lms.stats().updates() >= 2);
    run.kill();
    world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
    assert_eq!(world.resume().exits(0).count("deleted"), 0);
    assert_eq!(world.import_feed(&feed).exits(0).count("deleted"), 1);
}

#[test]
fn people_of_the_lms_whom_nobody_named_have_the_same_time() {
    on_each_system(|system| {
        let leavers = format!("{}\namong = \"lms\"\ngrace = \"2 feeds\"", action(system));
        let world = World::new(system).parts(&format!("[leavers]\n{leavers}"));
        let feed = Feed::of(10);
        world.import_feed(&feed).exits(0);
        world.lms.create(world.key, "stranger", "X1");
        assert_eq!(left(&world.import_feed(&feed).exits(0)), 0);
        assert_eq!(left(&world.import_feed(&feed).exits(0)), 1);
        assert_eq!(left(&world.import_feed(&feed).exits(0)), 0);
    });
}

#[test]
fn as_many_new_as_missing_people_are_held_although_the_missing_have_time() {
    let leavers = "action = \"delete\"\ngrace = \"3 feeds\"\n[guards]\nmax_shrink = \"100%\"";
    let (world, mut feed) = with_forty(Kmi, leavers);
    for (person, number) in feed.people[20..].iter_mut().zip(900..) {
        *person = crate::support::Person::new(number);
    }
    let ran = world.import_feed(&feed).exits(4);
    assert_eq!(ran.held(), [("creates".to_owned(), 20)]);
    assert_eq!(left(&ran), 0);
}

/// Rows of people with this status leave.
const WHEN: &str = "when = \"row['Status'] == 'Terminated'\"";

#[test]
fn a_row_that_says_so_makes_its_person_a_leaver_at_once() {
    on_each_system(|system| {
        let leavers = format!("{}\ngrace = \"3 feeds\"\n{WHEN}", action(system));
        let (world, mut feed) = with_forty(system, &leavers);
        feed.people[3].status = "Terminated";
        // What else the row says does not matter.
        feed.people[3].email = "no address".into();
        world.feed(&feed);
        let plan = world.run(&[
            "plan",
            "people.csv",
            "-m",
            "mapping.toml",
            "--format",
            "csv",
        ]);
        assert!(
            plan.stdout.contains("marked as a leaver by the feed"),
            "{plan:?}"
        );
        world.lms.reset_stats();
        let ran = world.import().exits(0);
        assert_eq!(
            (left(&ran), ran.count("unchanged"), ran.count("rejected")),
            (1, 39, 0)
        );
        assert_eq!(ran.json()["feed"]["skipped"], 1);
        // And nobody is made of it.
        let cost = world.cost(&feed, 0);
        assert_eq!(cost, calls(&[]));
        feed.people[3].status = "Employee";
        feed.people[3].email = "back@example.com".into();
        world.import_feed(&feed).exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_person_who_is_in_another_row_too_stays() {
    let (world, mut feed) = with_forty(Kmi, &format!("action = \"delete\"\n{WHEN}"));
    let mut old = feed.people[3].clone();
    old.status = "Terminated";
    feed.people.push(old);
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!((ran.count("deleted"), ran.count("unchanged")), (0, 40));
}

#[test]
fn too_many_marked_rows_are_held_with_that_reason() {
    let leavers = format!("action = \"delete\"\n{WHEN}\n[guards]\nmax_leavers = 2");
    let (world, mut feed) = with_forty(Kmi, &leavers);
    for person in &mut feed.people[..5] {
        person.status = "Terminated";
    }
    let ran = world.import_feed(&feed).exits(4);
    assert_eq!(ran.held(), [("leavers".to_owned(), 5)]);
    assert!(
        ran.stderr
            .contains("5 of 40 people are marked as leavers by the feed; the limit is 2"),
        "{ran:#?}"
    );
    let hold = world.run(&["hold", "1"]).exits(0);
    assert!(
        hold.stdout.contains("marked as a leaver by the feed"),
        "{hold:#?}"
    );
    // One who is missing beside them, and a row that may be that person.
    feed.people.pop();
    feed.people[20].id = String::new();
    let ran = world.import_feed(&feed).exits(4);
    assert!(
        ran.stderr
            .contains("missing from the feed or marked as leavers by it"),
        "{ran:#?}"
    );
}

#[test]
fn who_is_protected_or_in_another_feed_is_not_removed_by_a_row() {
    let leavers =
        format!("action = \"delete\"\n{WHEN}\n[protect]\nwhere = \"row['City'] == 'Rome'\"");
    let (world, mut feed) = with_forty(Kmi, &leavers);
    feed.people[3].status = "Terminated";
    feed.people[3].city = "Rome".into();
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("deleted"), 0);
    assert!(ran.notes()[0].contains("protected"), "{:?}", ran.notes());
    let mapping = world.mapping();
    world.write("other.toml", mapping);
    feed.people[5].status = "Terminated";
    let other = Feed {
        people: vec![Feed::of(6).people.remove(5)],
    };
    world.write("other.csv", other.csv(Kmi));
    let import = ["import", "other.csv", "-m", "other.toml", "--json"];
    world.run(&import).exits(0);
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("deleted"), 0, "{ran:#?}");
}

#[test]
fn who_is_protected_no_longer_leaves_by_the_row_that_says_so() {
    let leavers =
        format!("action = \"delete\"\n{WHEN}\n[protect]\nwhere = \"row['City'] == 'Rome'\"");
    let (world, mut feed) = with_forty(Kmi, &leavers);
    feed.people[3].city = "Rome".into();
    world.import_feed(&feed).exits(0);
    feed.people[3].city = "Delft".into();
    feed.people[3].status = "Terminated";
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!((ran.count("deleted"), ran.notes()), (1, Vec::new()));
}

#[test]
fn nobody_leaves_by_cells_that_a_row_has_lost() {
    let leavers = "action = \"delete\"\nwhen = \"row['Status'] != 'Employee'\"";
    let (world, feed) = with_forty(Kmi, leavers);
    let text = String::from_utf8(feed.csv(Kmi)).unwrap();
    // A line break without quotes has cut the row.
    let line = text.lines().nth(4).unwrap();
    let (head, _) = line.split_at(line.find("O'Q").unwrap());
    world.write("people.csv", text.replace(line, head));
    let ran = world.import().exits(3);
    assert_eq!((ran.count("deleted"), ran.count("rejected")), (0, 1));
    let message = world.row(5)["message"].to_string();
    assert!(
        message.contains("cannot judge the row: the row ends before column `Status`"),
        "{message}"
    );
    // In a workbook there is no cell where there is nothing.
    let workbook = |feed: &Feed| {
        world.write("people.xlsx", feed.xlsx(Kmi));
        world.run(&["import", "people.xlsx", "-m", "mapping.toml", "--json"])
    };
    let feed = feed.change(3, |person| person.status = "");
    assert_eq!(workbook(&feed).exits(0).count("deleted"), 1);
}

#[test]
fn a_resumed_run_goes_on_with_the_day_on_which_it_began() {
    let leavers = "action = \"delete\"\nwhen = \"row['End date']|date('%d-%m-%Y') < today\"\n\
                   [guards]\nmax_leavers = 0";
    let world = World::new(Kmi).parts(&format!("[leavers]\n{leavers}"));
    let today = hrfeed::clock::Clock::system().today();
    let (day, month) = (today.day().unsigned_abs(), today.month().unsigned_abs());
    let mut feed = Feed::of(40);
    for person in &mut feed.people {
        person.end = Some((day, month, today.year().unsigned_abs()));
    }
    world.feed(&feed);
    world.lms.set_faults(&serde_json::json!({"latency": 0.05}));
    let run = world.start_import();
    crate::support::wait_until("some are created", || world.lms.people().len() > 2);
    run.kill();
    world.lms.set_faults(&serde_json::json!({"latency": 0.0}));
    // As if it had begun tomorrow: no test can wait for that.
    world.pass_days(-1);
    let resumed = world.resume().exits(4);
    assert!(
        resumed.stderr.contains("the feed has 0 rows"),
        "{resumed:#?}"
    );
}

#[test]
fn nobody_leaves_by_a_row_that_cannot_be_judged() {
    let leavers = "action = \"delete\"\nwhen = \"row['Status'] | int > 3\"";
    let world = World::new(Kmi).parts(&format!("[leavers]\n{leavers}"));
    let mut feed = Feed::of(40);
    for person in &mut feed.people {
        person.status = "1";
    }
    world.import_feed(&feed).exits(0);
    feed.people[3].status = "unknown";
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("deleted"), ran.count("rejected")), (0, 1));
    let message = world.row(5)["message"].to_string();
    assert!(
        message.contains("`when` in [leavers] cannot judge the row"),
        "{message}"
    );
}

/// A world whose feed is a delta, to which forty people were imported.
fn delta(system: System, more: &str) -> (World, Feed) {
    let world = World::new(system).parts(&format!("[source]\nfeed = \"delta\"\n{more}"));
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

#[test]
fn a_delta_changes_whom_it_names_and_nobody_else() {
    on_each_system(|system| {
        let leavers = format!("[leavers]\n{}\n{WHEN}", action(system));
        let (world, whole) = delta(system, &leavers);
        let mut feed = Feed {
            people: Feed::of(43).people.split_off(38),
        };
        feed.people[0].city = "Delft".into();
        let ran = world.import_feed(&feed).exits(0);
        let counts = ["created", "updated", "unchanged"].map(|it| ran.count(it));
        assert_eq!((counts, left(&ran)), ([3, 1, 1], 0), "{ran:#?}");
        assert_eq!(ran.notes(), Vec::<String>::new());
        assert_eq!(world.lms.people().len(), 43);
        // Whose row says so leaves, and nobody else.
        let mut one = Feed {
            people: vec![whole.people[7].clone()],
        };
        one.people[0].status = "Terminated";
        assert_eq!(left(&world.import_feed(&one).exits(0)), 1);
        // A quiet day.
        world.import_feed(&Feed::default()).exits(0);
    });
}

#[test]
fn what_has_no_place_beside_a_feed_that_does_not_name_everybody_is_a_mistake() {
    for (parts, expected) in [
        (
            "[source]\nfeed = \"delta\"\n[leavers]\naction = \"delete\"",
            "a delta names nobody who is missing: `action` in [leavers] requires `when`",
        ),
        (
            "[source]\nfeed = \"delta\"\n[leavers]\naction = \"delete\"\nwhen = \"row['Status']\"\ngrace = \"3 feeds\"",
            "nobody is missing from a delta: `grace` in [leavers] has no place here",
        ),
        (
            "[source]\nfeed = \"leavers\"\n[leavers]\naction = \"delete\"\ngrace = \"3 feeds\"",
            "a list of leavers names who leaves: `grace` in [leavers] has no place here",
        ),
        (
            "[leavers]\ngrace = \"3 feeds\"",
            "`grace` in [leavers] requires an `action`",
        ),
        (
            "[leavers]\naction = \"delete\"\ngrace = \"0 feeds\"",
            "`grace` in [leavers] must be a number of feeds or of whole days, at most 366",
        ),
        (
            "[leavers]\naction = \"delete\"\ngrace = 3",
            "`grace` in [leavers] must be a number of feeds or of whole days, at most 366",
        ),
    ] {
        let world = World::new(Kmi).parts(parts);
        world.feed(&Feed::of(3));
        let ran = world.run(&["check", "people.csv", "-m", "mapping.toml"]);
        let ran = ran.exits(2);
        assert!(ran.stderr.contains(expected), "{ran:#?}");
    }
}

/// What `grace = "3 feeds"` promises, counted by hand.
#[derive(Default)]
struct Counted {
    /// For each person who is in the LMS, how many good feeds in a row came without.
    missing: std::collections::BTreeMap<usize, u32>,
}

impl Counted {
    /// A good feed that names these people; the same file again is not another one.
    fn feed(&mut self, named: &[usize], is_another: bool) {
        for count in self.missing.values_mut() {
            *count += u32::from(is_another);
        }
        self.missing.retain(|_, count| *count < 3);
        self.missing.extend(named.iter().map(|person| (*person, 0)));
    }
}

#[test]
fn whatever_comes_in_whichever_order_nobody_leaves_too_early_or_too_late() {
    let seeds = [1, 2, 3, 4].map(|seed| {
        move || {
            let mut random = fastrand::Rng::with_seed(seed);
            let guards = "[guards]\nmax_leavers = \"100%\"\nmax_shrink = \"100%\"\nmin_rows = 3";
            let leavers = format!("[leavers]\naction = \"delete\"\ngrace = \"3 feeds\"\n{guards}");
            let world = World::new(Kmi).parts(&leavers);
            let all = Feed::of(8).people;
            let write = |named: &[usize]| {
                let people = named.iter().map(|at| all[*at].clone());
                world.feed(&Feed {
                    people: people.collect(),
                });
            };
            let mut counted = Counted::default();
            let mut named: Vec<usize> = (0..8).collect();
            let mut is_written = false;
            for night in 0..14 {
                match random.u8(..10) {
                    // A feed that looks sick, in place of the other.
                    0 | 1 => {
                        write(&[0, 1]);
                        world.import().exits(4);
                        is_written = false;
                        continue;
                    }
                    // The export did not run.
                    2 | 3 if is_written => counted.feed(&named, false),
                    _ => {
                        named = (0..8).filter(|at| *at < 3 || random.u8(..10) < 6).collect();
                        write(&named);
                        is_written = true;
                        counted.feed(&named, true);
                    }
                }
                world.plan().exits(0);
                let ran = world.import().exits(0);
                let there: Vec<_> = world
                    .lms
                    .people()
                    .iter()
                    .map(|it| it["externalId"].clone())
                    .collect();
                let wanted: Vec<_> = counted.missing.keys().map(|at| &all[*at].id).collect();
                let mut there: Vec<_> = there.iter().map(|id| id.as_str().unwrap()).collect();
                there.sort_unstable();
                assert_eq!(there, wanted, "seed {seed}, night {night}: {ran:#?}");
            }
        }
    });
    crate::support::side_by_side(seeds);
}

/// People leave the day after the one in `End date`.
const LAST_DAY: &str = "when = \"row['End date'] and row['End date']|date('%d-%m-%Y') < today\"";

#[test]
fn nobody_leaves_by_dates_whose_days_and_months_are_exchanged() {
    let leavers = format!("[leavers]\naction = \"delete\"\n{LAST_DAY}");
    // The dates decide who leaves, and go to no field.
    let world = World::new(Kmi).parts(&leavers);
    let mapping = world.mapping();
    let line = mapping.lines().find(|it| it.starts_with("expirationDate"));
    let mapping = mapping.replace(&format!("{}\n", line.unwrap()), "");
    world.write("mapping.toml", &mapping);
    let mut feed = Feed::of(20);
    for person in &mut feed.people {
        person.end = None;
    }
    world.feed(&feed);
    world.import().exits(0);
    // 3 December is written as 12-03, and 31 December as 12-31.
    for (at, person) in feed.people.iter_mut().enumerate() {
        person.end = Some((12, [3, 31, 17, 25][at % 4], 2030));
    }
    world.feed(&feed);
    let check = world.run(&["check", "people.csv", "-m", "mapping.toml"]);
    let ran = world.changes_nothing(World::import).exits(2);
    for said in [check.exits(2).stderr, ran.stderr] {
        let expected = "the dates of `when` in [leavers] are not of the form \"%d-%m-%Y\": those \
                        that tell day and month apart have them the other way round";
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("date('%m-%d-%Y')"), "{said}");
    }
    assert_eq!(world.lms.people().len(), 20);
}

#[test]
fn a_form_of_dates_that_is_none_is_a_mistake_of_the_mapping() {
    for (form, expected) in [
        ("date('%Q')", "gives `date` a form that is not one of dates"),
        ("date", "gives `date` no form of dates"),
    ] {
        let when = format!("action = \"delete\"\nwhen = \"row['End date']|{form} < today\"");
        let world = World::new(Kmi).parts(&format!("[leavers]\n{when}"));
        world.feed(&Feed::of(3));
        let ran = world.run(&["check", "people.csv", "-m", "mapping.toml"]);
        let ran = ran.exits(2);
        assert!(ran.stderr.contains(expected), "{ran:#?}");
    }
}

#[test]
fn nobody_leaves_by_dates_that_a_spreadsheet_half_converted() {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

    let mapping = |world: &World| {
        let mapping = world.mapping();
        let (head, _) = mapping.split_once("[fields]").unwrap();
        format!(
            "{head}[fields]\nexternalId = \"ID\"\nemail = \"Mail\"\nfirstName = \"Name\"\n\
             lastName = \"Name\"\nloginName = \"Mail\"\n[leavers]\naction = \"delete\"\n\
             when = \"row['Last day']|date('%d/%m/%Y') < today\"\n"
        )
    };
    let book = |days: &[(u16, u8, u8)]| {
        let format = Format::new().set_num_format("dd/mm/yyyy");
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (column, name) in (0..).zip(["ID", "Name", "Mail", "Last day"]) {
            sheet.write(0, column, name).unwrap();
        }
        for (row, (year, day, month)) in (1..).zip(days) {
            sheet.write(row, 0, format!("E{row}")).unwrap();
            sheet.write(row, 1, "Somebody").unwrap();
            sheet.write(row, 2, format!("p{row}@example.com")).unwrap();
            // Excel took the days up to the 12th for months.
            if *day <= 12 {
                let date = ExcelDateTime::from_ymd(*year, *day, *month).unwrap();
                sheet.write_with_format(row, 3, date, &format).unwrap();
            } else {
                sheet
                    .write(row, 3, format!("{day:02}/{month:02}/{year}"))
                    .unwrap();
            }
        }
        book.save_to_buffer().unwrap()
    };
    let world = World::new(Kmi);
    world.write("mapping.toml", mapping(&world));
    let import = ["import", "people.xlsx", "-m", "mapping.toml", "--json"];
    let days = [
        (2090, 3, 5),
        (2090, 4, 6),
        (2090, 7, 9),
        (2090, 17, 4),
        (2090, 18, 4),
        (2090, 19, 4),
    ];
    world.write("people.xlsx", book(&days));
    let ran = world.run(&import).exits(2);
    let message = ran.json()["message"].to_string();
    assert!(
        message.contains("exchanged day and month in dates of `when` in [leavers]"),
        "{message}"
    );
    // Texts alone are as they are.
    let days = [(2090, 13, 5), (2090, 14, 6), (2090, 17, 4)];
    world.write("people.xlsx", book(&days));
    assert_eq!(world.run(&import).exits(0).count("created"), 3);
}
