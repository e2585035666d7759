//! Files that are joined to the feed, and several rows of one person.

use crate::resume::slow;
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::feed::strings;
use crate::support::{Feed, Ran, World, calls, on_each_system, wait_until};

/// The town that the LMS has of a person.
#[track_caller]
fn town(world: &World, id: &str) -> String {
    let field = match world.system {
        Kmi => "city",
        AnewSpring => "residence",
    };
    world.lms.person(id)[field]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// A world whose mapping takes the town from `town` of a joined file, with `join` and
/// what follows before `[fields]`.
fn joining(system: System, join: &str, town: &str) -> World {
    let world = World::new(system);
    remap(&world, join, town);
    world
}

fn remap(world: &World, before: &str, town: &str) {
    let mapping = world.mapping();
    let mapping = mapping.replace("= \"City\"", &format!("= {town}"));
    world.write(
        "mapping.toml",
        mapping.replacen("[fields]", &format!("{before}\n[fields]"), 1),
    );
}

const JOIN: &str = "[join]\nfile = \"contracts.csv\"\non = \"Employee ID\"\n";

/// The same of which the latest counts.
const LATEST: &str = "[join]\nfile = \"contracts.csv\"\non = \"Employee ID\"\n\
    pick = { column = \"Start\", order = \"latest\" }\n";

/// Contracts of the first people, one each.
fn one_each(people: usize) -> String {
    let rows = (1..=people).map(|number| format!("E{number:05},2024-01-01,Town{number}\n"));
    format!("Employee ID,Start,Town\n{}", rows.collect::<String>())
}

/// Nothing reached the LMS.
#[track_caller]
fn sends_nothing(world: &World, ran: &Ran) {
    assert_eq!(world.lms.people().len(), 0, "{ran:#?}");
}

#[test]
fn the_columns_of_a_joined_file_are_columns_of_the_feed() {
    on_each_system(|system| {
        let filter = "[source]\nwhere = \"row['contracts.Kind'] != 'temp'\"\n";
        let made = "{ template = \"{{ row['Town']|upper }} {{ row['First name'] }}\" }";
        let world = joining(system, &format!("{filter}{JOIN}"), made);
        world.write(
            "contracts.csv",
            "Kind,Town,Employee ID\nfixed,Zwolle,E00002\ntemp,Delft,E00003\nfixed,Gouda,E00001\n",
        );
        let ran = world.import_feed(&Feed::of(3)).exits(0);
        assert_eq!(
            (ran.count("created"), ran.json()["feed"]["skipped"].as_u64()),
            (2, Some(1))
        );
        assert_eq!(ran.notes(), [""; 0]);
        assert_eq!(town(&world, "E00001"), "GOUDA \u{17d}ofie1");
        assert_eq!(town(&world, "E00002"), "ZWOLLE \u{17d}ofie2");
        // The same files again are no change.
        assert_eq!(world.cost(&Feed::of(3), 0), calls(&[]));
    });
}

#[test]
fn of_several_rows_the_one_counts_that_the_mapping_picks() {
    on_each_system(|system| {
        let world = joining(system, LATEST, "\"Town\"");
        let contracts = "Employee ID;Start;Town\nE00001;1-3-2020;Old\nE00002;5-1-2021;Only\n\
            E00001;2-1-2024;New\nE00001;28-2-2023;Middle\n";
        world.write("contracts.csv", contracts);
        let ran = world.import_feed(&Feed::of(2)).exits(0);
        assert_eq!(ran.notes(), [""; 0]);
        assert_eq!(
            (town(&world, "E00001"), town(&world, "E00002")),
            ("New".into(), "Only".into())
        );
        // A new contract is a change of the person, although the feed is the same file.
        world.write(
            "contracts.csv",
            format!("{contracts}E00002;6-1-2025;Newest\n"),
        );
        let ran = world.import().exits(0);
        assert_eq!((ran.count("updated"), ran.count("unchanged")), (1, 1));
        assert_eq!(town(&world, "E00002"), "Newest");
    });
}

/// The town of the first person with this `pick`, or what is wrong.
fn picked(pick: &str, contracts: &str) -> String {
    let world = joining(Kmi, &format!("{JOIN}{pick}\n"), "\"Town\"");
    world.write("contracts.csv", contracts);
    world.feed(&Feed::of(2));
    let ran = world.run(&[
        "check",
        "people.csv",
        "-m",
        "mapping.toml",
        "--json",
        "--show-values",
    ]);
    if ran.code == 2 {
        return ran.json()["message"].as_str().unwrap().to_owned();
    }
    match ran.json()["findings"].as_array().unwrap().as_slice() {
        [] => {}
        findings => return findings[0]["message"].as_str().unwrap().to_owned(),
    }
    world.import().exits(0);
    town(&world, "E00001")
}

#[test]
fn dates_that_excel_half_converted_pick_no_row() {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

    let contracts = |days: &[(i32, u8, u8)]| {
        let format = Format::new().set_num_format("dd/mm/yyyy");
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (column, name) in (0..).zip(["Employee ID", "Start", "Town"]) {
            sheet.write(0, column, name).unwrap();
        }
        for (row, (number, day, month)) in (1..).zip(days) {
            sheet.write(row, 0, format!("E{number:05}")).unwrap();
            sheet.write(row, 2, format!("Town{day}")).unwrap();
            // The first rows are those that Excel took for dates of its own order.
            if row <= 3 {
                let date = ExcelDateTime::from_ymd(2024, *month, *day).unwrap();
                sheet.write_with_format(row, 1, date, &format).unwrap();
            } else {
                sheet
                    .write(row, 1, format!("{day:02}/{month:02}/2024"))
                    .unwrap();
            }
        }
        book.save_to_buffer().unwrap()
    };
    let half = [
        (1, 3, 5),
        (2, 4, 6),
        (3, 7, 9),
        (1, 17, 4),
        (2, 18, 4),
        (3, 19, 4),
    ];
    let join = "[join]\nfile = \"contracts.xlsx\"\non = \"Employee ID\"\n";
    for date in ["", ", date = \"%d/%m/%Y\""] {
        let pick = format!("pick = {{ column = \"Start\", order = \"latest\"{date} }}\n");
        let world = joining(Kmi, &format!("{join}{pick}"), "\"Town\"");
        world.feed(&Feed::of(3));
        world.write("contracts.xlsx", contracts(&half));
        let ran = world.import().exits(2);
        let message = ran.json()["message"].to_string();
        assert!(
            message.contains("`Start` in `contracts.xlsx`")
                && message.contains("exchanged day and month"),
            "{message}"
        );
        sends_nothing(&world, &ran);

        // A date cell that can be read in one way only shows that they are right.
        let whole = half.map(|(id, day, month)| (id, if day == 3 { 23 } else { day }, month));
        world.write("contracts.xlsx", contracts(&whole));
        world.import().exits(0);
        assert_eq!(town(&world, "E00001"), "Town23");
    }
}

#[test]
fn each_order_picks_its_row_and_none_is_guessed() {
    let rows =
        |rows: &str| format!("Employee ID,Start,FTE,Town\nE00002,2020-01-01,1,Other\n{rows}");
    let three =
        rows("E00001,2021-05-06,0.4,A\nE00001,2023-05-06,0.25,B\nE00001,2019-05-06,0.8,C\n");
    for (pick, town) in [
        ("pick = { column = \"Start\", order = \"latest\" }", "B"),
        ("pick = { column = \"start\", order = \"earliest\" }", "C"),
        ("pick = { column = \"FTE\", order = \"highest\" }", "C"),
        ("pick = { column = \"FTE\", order = \"lowest\" }", "B"),
        ("pick = { order = \"first\" }", "A"),
        ("pick = { order = \"last\" }", "C"),
        ("where = \"row['FTE'] == '0.4'\"", "A"),
    ] {
        let pick = if pick.starts_with("where") {
            format!("{pick}\npick = {{ order = \"last\" }}")
        } else {
            pick.to_owned()
        };
        let three = three.replace("E00002,2020-01-01,1", "E00002,2020-01-01,0.4");
        assert_eq!(picked(&pick, &three), town, "{pick}");
    }
    let latest = "pick = { column = \"Start\", order = \"latest\" }";
    let differ = rows("E00001,2021-05-06,0.4,A\nE00001,2023-05-06,0.25,B\n");
    insta::assert_snapshot!(picked("", &differ), @r#"column `contracts.Town` (city): rows 3 and 4 of `contracts.csv` are about this person and differ here: say which row counts with `pick` in [join], for example { column = "Start", order = "latest" }"#);
    let same = rows("E00001,2021-05-06,0.4,A\nE00001,2021-05-06,0.25,B\n");
    insta::assert_snapshot!(picked(latest, &same), @"column `contracts.Town` (city): rows 3 and 4 of `contracts.csv` are about this person, have the same `Start`, and differ here");
    let empty = rows("E00001,2021-05-06,0.4,A\nE00001,,0.25,B\n");
    insta::assert_snapshot!(picked(latest, &empty), @"column `contracts.Town` (city): which row of the person counts is not certain: `Start` in row 4 of `contracts.csv` is empty");
    let either = "Employee ID,Start,Town\nE00002,01-02-2020,A\nE00001,03-04-2021,B\n";
    insta::assert_snapshot!(picked(latest, either), @"mapping.toml, line 14, column 8: the dates of `Start` in `contracts.csv` do not show whether day or month comes first");
    let thousands = rows("E00001,2021-05-06,\"1,250\",A\nE00001,2023-05-06,2,B\n");
    insta::assert_snapshot!(picked("pick = { column = \"FTE\", order = \"highest\" }", &thousands), @"column `contracts.Town` (city): which row of the person counts is not certain: `FTE` in row 3 of `contracts.csv` can be a number of thousands or one with a fraction, and no other number in the column shows which");
    let highest = "pick = { column = \"FTE\", order = \"highest\" }";
    let grouped = rows("E00001,2021-05-06,\"1.250\",A\nE00001,2023-05-06,\"32,5\",B\n");
    assert_eq!(picked(highest, &grouped), "A");
    let fractions = rows("E00001,2021-05-06,\"1.250\",A\nE00001,2023-05-06,32.5,B\n");
    assert_eq!(picked(highest, &fractions), "B");
    // By the clock, and as instants where the time zones are written.
    let times = rows("E00001,2021-05-06 17:00,1,A\nE00001,2021-05-06 08:00,1,B\n");
    assert_eq!(picked(latest, &times), "A");
    let zones =
        rows("E00001,2021-05-06T23:30:00-05:00,1,A\nE00001,2021-05-07T01:00:00+05:00,1,B\n");
    assert_eq!(picked(latest, &zones), "A");
    let whole_day = rows("E00001,2021-05-06,1,A\nE00001,2021-05-06 08:00,1,B\n");
    insta::assert_snapshot!(picked(latest, &whole_day), @"column `contracts.Town` (city): rows 3 and 4 of `contracts.csv` are about this person, have a `Start` of which nobody can say which is later, and differ here");
    // In whatever order they are in the file.
    let (day, eight, five) = ("2021-05-06", "2021-05-06 08:00", "2021-05-06 17:00");
    for starts in [
        [day, eight, five],
        [eight, day, five],
        [five, day, eight],
        [eight, five, day],
    ] {
        let of_day = starts.map(|start| format!("E00001,{start},1,{start}\n"));
        let said = picked(latest, &rows(&of_day.concat()));
        assert!(said.contains("nobody can say which is later"), "{said}");
        let later = rows(&format!("{}E00001,2021-05-07,1,D\n", of_day.concat()));
        assert_eq!(picked(latest, &later), "D", "{starts:?}");
    }
    // What says the same is no question.
    let alike = rows("E00001,2021-05-06,0.4,A\nE00001,2023-05-06,0.25, A \n");
    assert_eq!(picked("", &alike), "A");
    let date = "pick = { column = \"Start\", order = \"latest\", date = \"%m-%d-%Y\" }";
    let american = "Employee ID,Start,Town\nE00002,01-02-2020,A\nE00001,03-04-2021,B\n\
        E00001,04-03-2021,C\n";
    assert_eq!(picked(date, american), "C");
}

#[test]
fn a_field_of_several_values_has_those_of_all_rows() {
    let world = World::new(AnewSpring);
    let mapping = world.mapping().replace(
        "{ column = \"Groups\", split = \";\", empty = \"clear\" }",
        "{ column = \"Team\", all = true, split = \"|\", map = { Sales = \"S\" } }",
    );
    world.write(
        "mapping.toml",
        mapping.replacen("[fields]", &format!("{LATEST}\n[fields]"), 1),
    );
    for group in ["S", "Ops", "IT"] {
        world.lms.group(group, "student");
    }
    world.write(
        "contracts.csv",
        "Employee ID,Start,Team\nE00001,2020-01-01,sales\nE00002,2020-01-01,IT\n\
         E00001,2024-01-01,Ops|IT\nE00001,2019-01-01,\n",
    );
    world.import_feed(&Feed::of(2)).exits(0);
    let mut feed = Feed::of(2);
    feed.parts(0).groups = strings(&["IT", "Ops", "S"]);
    feed.parts(1).groups = strings(&["IT"]);
    world.assert_everyone_once(&feed);
}

#[test]
fn groups_that_no_row_names_alone_are_announced_to_have_no_name() {
    let world = World::new(AnewSpring)
        .parts("[groups]\ncreate = true\ntype = { value = \"Learner\" }\nname = \"Team name\"");
    let mapping = world.mapping().replace(
        "{ column = \"Groups\", split = \";\", empty = \"clear\" }",
        "{ column = \"Team\", all = true }",
    );
    world.write(
        "mapping.toml",
        mapping.replacen("[fields]", &format!("{LATEST}\n[fields]"), 1),
    );
    world.write(
        "contracts.csv",
        "Employee ID,Start,Team,Team name\nE00001,2020-01-01,D1,One\nE00001,2024-01-01,D2,Two\n\
         E00002,2024-01-01,D1,One\n",
    );
    world.feed(&Feed::of(2));
    let notes = world.plan().exits(0).notes();
    assert_eq!(
        notes.get(1).map(String::as_str),
        Some(
            "column `contracts.Team`: the groups `D2` are only in rows of people with several \
             groups, so that `name` and `parent` of [groups] say nothing of them: their names are \
             their IDs (use a column that has names for the groups, or name them in the LMS)"
        )
    );
}

#[test]
fn a_joined_file_that_is_not_whole_or_fits_nobody_sends_nothing() {
    let whole = one_each(9);
    let cut = whole.strip_suffix(",Town9\n").unwrap();
    let cases: [(&str, &str, i32, &str); 6] = [
        ("missing", "", 1, "does not exist"),
        ("empty", " ", 1, "is empty"),
        (
            "a header alone",
            "Employee ID,Start,Town\n",
            1,
            "has no rows",
        ),
        ("cut off", cut, 1, "is cut off in row 10"),
        (
            "without its column",
            "Employee ID,Start,City\nE00001,2020-01-01,A\n",
            2,
            "no column `Town`",
        ),
        (
            "without zeros",
            "Employee ID,Start,Town\n1,2020-01-01,A\n2,2020-01-01,B\n",
            1,
            "is about anybody in the feed",
        ),
    ];
    on_each_system(|system| {
        let world = joining(system, JOIN, "{ column = \"Town\", empty = \"clear\" }");
        world.feed(&Feed::of(9));
        for (name, contracts, code, what) in cases {
            match contracts {
                "" => {}
                contracts => drop(world.write("contracts.csv", contracts)),
            }
            let ran = world.import().exits(code);
            assert!(ran.stderr.contains(what), "{name}: {ran:#?}");
            assert!(ran.stderr.contains("help: "), "{name}: {ran:#?}");
            assert!(ran.stderr.contains("contracts.csv"), "{name}: {ran:#?}");
            sends_nothing(&world, &ran);
            let is_of_file = ran.stderr.contains("joined file `");
            assert_eq!(is_of_file, code == 1, "{name}: {ran:#?}");
            assert!(!ran.stderr.contains("feed `"), "{name}: {ran:#?}");
        }
        // What is wrong is in the mapping or in the file: a run is resumed with the same.
        let ran = world
            .run(&["import", "people.csv", "-m", "mapping.toml"])
            .exits(1);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        let keys = "no key of its column `Employee ID` is in column `Employee ID` of the feed, where keys \
                    look like `A00000`; in the file they look like `0`";
        assert!(ran.stderr.contains(keys), "{ran:#?}");
        assert!(!all.contains("hrfeed resume"), "{ran:#?}");
        assert!(all.contains("start again after the repair"), "{ran:#?}");
        assert!(all.contains("Reading `contracts.csv`"), "{ran:#?}");
    });
}

#[test]
fn people_without_a_row_and_rows_without_people_are_announced() {
    on_each_system(|system| {
        let world = joining(system, JOIN, "\"Town\"");
        let mut contracts = one_each(6)
            .replace("E00002", "E90002")
            .replace("E00005", "'E00005");
        contracts.push_str(",2020-01-01,Nobody\n");
        world.write("contracts.csv", contracts);
        let ran = world.import_feed(&Feed::of(8)).exits(0);
        assert_eq!(
            ran.notes(),
            [
                "`contracts.csv`: column `Employee ID`: values have an apostrophe in front, as Excel \
                 marks text: read without it (row 6)",
                "`contracts.csv`: column `Employee ID`: rows without a key are nobody's and do not \
                 count (if one is somebody's, another row counts for that person) (row 8)",
                "`contracts.csv`: it has rows of a person who is not in the feed: they do not count",
                "`contracts.csv` has no row of the person, so that its columns are empty \
                 (rows 3, 8, 9)",
            ]
        );
        assert_eq!(town(&world, "E00005"), "Town5");
        assert_eq!(town(&world, "E00002"), "");
    });
}

#[test]
fn a_joined_file_that_lost_people_is_a_sick_feed() {
    on_each_system(|system| {
        let world = joining(system, JOIN, "{ column = \"Town\", empty = \"clear\" }");
        world.write("contracts.csv", one_each(28));
        let feed = Feed::of(30);
        world.import_feed(&feed).exits(0);
        // Two rows for most people, which the mapping does not read, may not vanish either.
        let twice = one_each(28) + one_each(28).split_once('\n').unwrap().1;
        world.write("contracts.csv", twice);
        world.import().exits(0);
        world.import().exits(0);
        for lost in [10, 21] {
            world.write("contracts.csv", one_each(lost));
            world.lms.reset_stats();
            let ran = world.import().exits(4);
            assert!(ran.stderr.contains("`contracts.csv` has"), "{ran:#?}");
            assert_eq!(world.lms.stats().by_call(), calls(&[]), "{ran:#?}");
        }
        world.write("contracts.csv", one_each(10));
        let ran = world.import().exits(4);
        assert!(
            ran.stderr.contains("has rows for 10 of 30 people"),
            "{ran:#?}"
        );
        assert!(ran.stderr.contains("--allow"), "{ran:#?}");
        assert_eq!(town(&world, "E00020"), "Town20");
    });
}

#[test]
fn a_first_feed_clears_no_more_people_than_the_limit_lets_pass() {
    on_each_system(|system| {
        let world = joining(system, JOIN, "{ column = \"Town\", empty = \"clear\" }");
        world.write("contracts.csv", one_each(10));
        let ran = world.import_feed(&Feed::of(30)).exits(4);
        assert!(
            ran.stderr.contains(
                "`contracts.csv` has rows for 10 of 30 people, and fields of the other 20 would be \
                 cleared (empty = \"clear\")"
            ),
            "{ran:#?}"
        );
        sends_nothing(&world, &ran);
        world
            .import_with(&["--allow", "emptied=contracts.csv"])
            .exits(0);
        assert_eq!(world.lms.people().len(), 30);
        // Now it is known.
        world.import().exits(0);
    });
    let world = joining(Kmi, JOIN, "\"Town\"");
    world.write("contracts.csv", one_each(10));
    world.import_feed(&Feed::of(30)).exits(0);
}

#[test]
fn a_run_is_not_resumed_with_another_joined_file_and_the_digests_are_of_the_files() {
    on_each_system(|system| {
        let world = slow(system);
        remap(&world, JOIN, "\"Town\"");
        world.write("contracts.csv", one_each(80));
        world.feed(&Feed::of(80));
        let sha = |name: &str| {
            let bytes = std::fs::read(world.path(name)).unwrap();
            let digest = <sha2::Sha256 as sha2::Digest>::digest(bytes);
            let digits = digest.iter().map(|byte| format!("{byte:02x}"));
            digits.collect::<Vec<_>>().concat()
        };
        let report = world.plan().exits(0).json();
        assert_eq!(report["feed"]["sha256"], sha("people.csv").as_str());
        assert_eq!(
            report["feed"]["joined_sha256"],
            sha("contracts.csv").as_str()
        );
        let run = world.start_import();
        wait_until("some people are there", || world.lms.stats().creates() >= 5);
        run.kill();
        let before = std::fs::read(world.path("contracts.csv")).unwrap();
        world.write("contracts.csv", one_each(80).replace("Town73", "Town4"));
        world.lms.reset_stats();
        let ran = world.resume().exits(2);
        assert!(ran.stderr.contains("contracts.csv"), "{ran:#?}");
        assert_eq!(world.lms.stats().by_call(), calls(&[]), "{ran:#?}");
        world.write("contracts.csv", before);
        let ran = world.resume().exits(0);
        assert_eq!(
            ran.json()["feed"]["joined_sha256"],
            sha("contracts.csv").as_str()
        );
        assert_eq!(town(&world, "E00073"), "Town73");
    });
}

#[test]
fn a_feed_from_standard_input_is_joined_too() {
    let world = joining(Kmi, JOIN, "\"Town\"");
    world.write("contracts.csv", one_each(3));
    let feed = Feed::of(3).csv(Kmi);
    world
        .run_with_stdin(&["import", "-", "-m", "mapping.toml", "--json"], &feed)
        .exits(0);
    assert_eq!(town(&world, "E00003"), "Town3");
}

#[test]
fn a_name_that_both_files_have_is_written_with_the_files_name() {
    let contracts = "Employee ID,City\nE00001,Paris\nE00002,Rome\n";
    let check = |town: &str, more: &str| {
        let world = joining(Kmi, &format!("{JOIN}{more}"), town);
        world.write("contracts.csv", contracts);
        world.feed(&Feed::of(2));
        world
    };
    let world = check("\"City\"", "");
    let ran = world.import().exits(2);
    assert!(
        ran.stderr
            .contains("column `City` is in the feed and in `contracts.csv`"),
        "{ran:#?}"
    );
    assert!(
        ran.stderr.contains("write `feed.City` or `contracts.City`"),
        "{ran:#?}"
    );
    for (town_of, more, expected) in [
        ("\"contracts.City\"", "", "Paris"),
        ("\"feed.City\"", "", "Quedlinburg"),
        ("\"hr.City\"", "name = \"hr\"\n", "Paris"),
        (
            "{ template = \"{{ row['contracts.City'] }}/{{ row['feed.City'] }}\" }",
            "",
            "Paris/Quedlinburg",
        ),
    ] {
        let world = check(town_of, more);
        world.import().exits(0);
        assert_eq!(town(&world, "E00001"), expected, "{town_of}");
    }
}

#[test]
fn persons_and_contracts_of_helloid_and_departments_by_code_become_people() {
    on_each_system(|system| {
        let joins = "[[join]]\nfile = \"contracts.csv\"\non = { feed = \"Employee ID\", file = \"PersonId\" }\n\
            where = \"row['Type'] != 'Intern'\"\n\
            pick = { column = \"StartDate\", order = \"latest\" }\n\
            [[join]]\nfile = \"departments.csv\"\non = { feed = \"DepartmentCode\", file = \"Code\" }\n";
        let world = joining(system, joins, "\"DisplayName\"");
        world.write(
            "contracts.csv",
            "PersonId,StartDate,Type,DepartmentCode\nE00001,2019-01-01,Fixed,010\n\
             E00001,2022-01-01,Fixed,020\nE00001,2024-01-01,Intern,010\nE00002,2020-01-01,Fixed,010\n",
        );
        world.write(
            "departments.csv",
            "Code,DisplayName\n010,Care\n020,Finance\n10,Wrong\n",
        );
        world.import_feed(&Feed::of(2)).exits(0);
        assert_eq!(
            (town(&world, "E00001"), town(&world, "E00002")),
            ("Finance".into(), "Care".into())
        );
    });
}

/// Two contracts for each of the first people, the newer one in the second half of the file.
fn two_each(people: usize) -> String {
    let rows = |year: u32, town: &'static str| {
        (1..=people).map(move |number| format!("E{number:05},{year}-01-01,{town}{number}\n"))
    };
    let rows = rows(2020, "Old").chain(rows(2024, "New"));
    format!("Employee ID,Start,Town\n{}", rows.collect::<String>())
}

#[test]
fn a_damaged_key_sends_no_older_row_without_a_word() {
    on_each_system(|system| {
        let world = joining(system, LATEST, "\"Town\"");
        let contracts = two_each(12)
            .replace("E00002,2024", "E00002.0,2024")
            .replace("E00003,2024", "\"\"\"E00003\",2024")
            .replace("E00004,2024", "#N/A,2024")
            .replace("E00005,2024", "1.5E+03,2024")
            .replace("E00006,2024", " ,2024")
            .replace("E00007,2024", "e00007,2024")
            .replace("E00008,2024", "\"=\"\"E00008\"\"\",2024");
        world.write("contracts.csv", contracts);
        let ran = world.import_feed(&Feed::of(12)).exits(3);
        assert_eq!((ran.count("created"), ran.count("rejected")), (10, 2));
        for (row, of_file) in [(3, 15), (4, 16)] {
            let message = world.row(row)["message"].as_str().unwrap().to_owned();
            let what = format!("row {of_file} of `contracts.csv` may be about this person");
            assert!(message.starts_with(&what), "{message}");
        }
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.notes().join("\n"), @r#"
            `contracts.csv`: column `Employee ID`: rows have no key that is certain (an error, a formula, a number that Excel shortened) and do not count, so that older rows of their people may: correct them (rows 17, 18)
            `contracts.csv`: column `Employee ID`: rows without a key are nobody's and do not count (if one is somebody's, another row counts for that person) (row 19)
            `contracts.csv`: column `Employee ID`: values are written as ="…" for Excel: read without it (row 21)
            `contracts.csv`: column `Employee ID`: keys are those of people in the feed but for case, spaces or leading zeros: the rows are nobody's and do not count, so correct the keys if they mean the same (row 20)
            `contracts.csv`: it has rows of 3 people who are not in the feed: they do not count
            "#);
        }
        assert_eq!(town(&world, "E00008"), "New8");
        assert_eq!(town(&world, "E00004"), "Old4");
    });
}

#[test]
fn a_joined_file_with_many_rows_of_nobody_is_a_sick_feed() {
    on_each_system(|system| {
        let world = joining(system, LATEST, "\"Town\"");
        let mut contracts = two_each(30);
        for person in 1..=11 {
            contracts = contracts.replace(&format!("E{person:05},2024"), "#REF!,2024");
        }
        world.write("contracts.csv", contracts);
        let ran = world.import_feed(&Feed::of(30)).exits(4);
        assert!(
            ran.stderr
                .contains("`contracts.csv`: 11 of 60 rows have no certain key or cannot be read"),
            "{ran:#?}"
        );
        sends_nothing(&world, &ran);
        world.import_with(&["--allow", "rejected=11"]).exits(0);
        assert_eq!(town(&world, "E00001"), "Old1");
    });
}

#[test]
fn a_person_whose_key_is_damaged_in_the_feed_is_refused() {
    on_each_system(|system| {
        let join = "[join]\nfile = \"towns.csv\"\non = { feed = \"City\", file = \"Code\" }\n";
        let world = joining(system, join, "\"Name\"");
        world.write("towns.csv", "Code,Name\n010,Gouda\n20,Delft\n");
        let feed = rows_of(&[
            (1, "010", ""),
            (2, "#REF!", ""),
            (3, "20.0", ""),
            (4, "", ""),
        ]);
        let ran = world.import_feed(&feed).exits(3);
        assert_eq!((ran.count("created"), ran.count("rejected")), (2, 2));
        assert_eq!(town(&world, "E00001"), "Gouda");
        insta::allow_duplicates! {
            insta::assert_snapshot!(world.row(3)["message"].as_str().unwrap().rsplit(": ").next().unwrap(), @"`towns.csv` has the person's row by column `City`, which has no key that is certain");
            insta::assert_snapshot!(world.row(4)["message"].as_str().unwrap(), @"row 3 of `towns.csv` may be about this person: its `Code` is the person's `City` but for what a program made of one of them (decimals, thousands separators, quotes, look-alike letters); correct it");
        }
    });
}

#[test]
fn short_rows_of_a_joined_file_are_judged_as_those_of_the_feed() {
    on_each_system(|system| {
        let world = joining(system, LATEST, "\"Town\"");
        let contracts = two_each(40)
            .replace("E00007,2024-01-01,New7\n", "E00007\n")
            .replace("E00009,2024-01-01,New9\n", "E00009,2024-01-01\n,New9\n");
        world.write("contracts.csv", contracts);
        let ran = world.import_feed(&Feed::of(40)).exits(3);
        assert_eq!((ran.count("created"), ran.count("rejected")), (38, 2));
        let message = world.row(8)["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains("row 48 of `contracts.csv` has 1 of 3 cells"),
            "{message}"
        );
        assert!(
            ran.notes()
                .iter()
                .any(|note| note.contains("rows cannot be read")),
            "{ran:#?}"
        );
        // A program that leaves out empty cells writes whole rows.
        let world = joining(system, JOIN, "\"Town\"");
        let contracts = one_each(9)
            .replace(",Town2\n", "\n")
            .replace(",Town4\n", "\n");
        world.write("contracts.csv", contracts.replace(",Town6\n", "\n"));
        world.import_feed(&Feed::of(9)).exits(0);
    });
}

/// A world whose mapping has this in `[source]`, and the town from `Town`.
fn merging(system: System, source: &str) -> World {
    joining(system, &format!("[source]\n{source}\n"), "\"City\"")
}

/// A feed with one row for each of these: the person, the town and the status.
fn rows_of(rows: &[(usize, &str, &'static str)]) -> Feed {
    let mut feed = Feed::of(0);
    for (number, city, status) in rows {
        let mut person = crate::support::Person::new(*number);
        (*city).clone_into(&mut person.city);
        person.status = status;
        feed.people.push(person);
    }
    feed
}

#[test]
fn of_several_rows_of_the_feed_one_counts_and_the_others_are_skipped_and_announced() {
    on_each_system(|system| {
        let world = merging(
            system,
            "where = \"row['Status'] != 'left'\"\n\
             merge = { on = \"Employee ID\", pick = { column = \"City\", order = \"highest\" } }",
        );
        let feed = rows_of(&[
            (1, "10", "Employee"),
            (2, "7", "Employee"),
            (1, "200", "Employee"),
            // The filter decides first.
            (1, "900", "left"),
            (2, "6.5", "Employee"),
        ]);
        let ran = world.import_feed(&feed).exits(0);
        let report = ran.json();
        assert_eq!(
            (
                report["feed"]["rows"].as_u64(),
                report["feed"]["skipped"].as_u64()
            ),
            (Some(2), Some(3))
        );
        assert_eq!(
            (town(&world, "E00001"), town(&world, "E00002")),
            ("200".into(), "7".into())
        );
        assert_eq!(
            ran.notes(),
            [
                "rows were skipped because another row of the same person counts (`merge` in [source]) \
              (rows 2, 6)"
            ]
        );
        let rows: Vec<_> = world.rows().iter().map(|row| row["row"].as_u64()).collect();
        assert_eq!(rows, [Some(3), Some(4)]);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
    });
}

#[test]
fn keys_of_people_that_differ_only_in_their_spelling_are_announced() {
    on_each_system(|system| {
        let merge = "merge = { on = \"City\", pick = { order = \"last\" } }";
        let world = merging(system, merge);
        let feed = |cities: &[&'static str]| {
            let rows = (1..).zip(cities).map(|(id, city)| (id, *city, "Employee"));
            rows_of(&rows.collect::<Vec<_>>())
        };
        let ran = world
            .import_feed(&feed(&["E7", "007", "e7", "8", "7"]))
            .exits(0);
        assert_eq!(
            ran.notes(),
            [
                "column `City`: keys of several people differ only in case, spaces or leading zeros, \
                 and each is a person of its own (`merge` in [source]): correct them if they mean \
                 the same (4 rows: 2, 3, 4 and 1 more)"
            ]
        );
        let world = merging(system, merge);
        assert_eq!(
            world
                .import_feed(&feed(&["E7", "E07", "A-1", "A1"]))
                .exits(0)
                .notes(),
            [""; 0]
        );
    });
}

#[test]
fn rows_of_one_person_that_differ_are_refused_until_the_mapping_says_which_counts() {
    on_each_system(|system| {
        let world = merging(system, "merge = { on = \"Employee ID\" }");
        let feed = rows_of(&[(1, "A", ""), (2, "B", ""), (1, "C", ""), (2, "B", "")]);
        let ran = world.import_feed(&feed).exits(3);
        assert_eq!((ran.count("created"), ran.count("rejected")), (1, 1));
        assert_eq!(
            world.row(2)["message"],
            "rows 2 and 4 of the feed are about this person and differ in column `City`: say which \
             row counts with `pick` in `merge`, for example { column = \"Start\", order = \"latest\" }"
        );
        assert_eq!(town(&world, "E00002"), "B");
        assert_eq!(
            ran.notes(),
            [
                "rows were skipped because no row of the person counts: the row that stands for all \
                 of them is rejected (`merge` in [source]) (row 4)",
                "rows were skipped because another row of the same person counts (`merge` in \
                 [source]) (row 5)",
            ]
        );
    });
}

#[test]
fn a_damaged_key_in_the_feed_lets_no_other_row_of_the_person_count_without_a_word() {
    on_each_system(|system| {
        let merge = "merge = { on = \"Employee ID\", pick = { order = \"last\" } }";
        let world = merging(system, merge);
        // A row that counts tonight for each of the first six, with other logins.
        let mut feed = Feed::of(12);
        let ids = [
            ("E00001.0", "Meppel"),
            ("\"E00002", "Meppel"),
            ("#N/A", "Meppel"),
            ("1.5E+03", "Meppel"),
            ("E00005\u{200b}", "Meppel"),
            ("=\"E00006\"", "Meppel"),
        ];
        for (number, (id, city)) in (101..).zip(ids) {
            let mut person = crate::support::Person::new(number);
            (person.id, person.city) = (id.to_owned(), city.to_owned());
            feed.people.push(person);
        }
        let ran = world.import_feed(&feed).exits(3);
        assert_eq!((ran.count("created"), ran.count("rejected")), (10, 6));
        for (row, other) in [(2, 14), (14, 2), (3, 15), (15, 3)] {
            let message = world.row(row)["message"].as_str().unwrap().to_owned();
            let why = format!(
                "row {other} of the feed may be about this person: its `Employee ID` is the person's \
                 but for what a program made of one of them"
            );
            assert!(message.starts_with(&why), "{message}");
        }
        assert_eq!(world.row(16)["outcome"], "rejected");
        assert_eq!(world.row(17)["outcome"], "rejected");
        let lost = "column `Employee ID`: rows have no key that is certain (an error, a formula, a \
                    number that Excel shortened) and do not count, so that older rows of their \
                    people may: correct them (rows 16, 17)";
        assert!(ran.notes().iter().any(|note| note == lost), "{ran:#?}");
        for id in ["E00005", "E00006"] {
            assert_eq!(town(&world, id), "Meppel");
        }
        assert_eq!(town(&world, "E00003"), feed.people[2].city);
    });
}

#[test]
fn a_row_whose_key_is_lost_is_refused_though_its_person_is_known() {
    on_each_system(|system| {
        let merge = "merge = { on = \"Status\", pick = { order = \"first\" } }\n\
                     [unique]\nduplicates = \"last\"";
        let world = merging(system, merge);
        let feed = rows_of(&[
            (1, "A", "P1"),
            (2, "B", "P2"),
            (1, "C", "#REF!"),
            (3, "D", ""),
        ]);
        let ran = world.import_feed(&feed).exits(3);
        assert_eq!(
            world.row(4)["message"],
            "`Status` has no key that is certain (an error, a formula, a number that Excel \
             shortened), so that nobody can say whose row it is (`merge` in [source]): correct it"
        );
        assert_eq!(world.lms.with_id("E00002").len(), 1);
        // Who has no key stays alone, as ever.
        assert_eq!(town(&world, "E00003"), "D");
        let lost = "column `Status`: rows have no key that is certain";
        assert!(
            ran.notes().iter().any(|note| note.starts_with(lost)),
            "{ran:#?}"
        );
    });
}

#[test]
fn the_groups_of_all_rows_of_a_person_are_the_persons_groups() {
    let world = World::new(AnewSpring);
    let mapping = world.mapping().replace(
        "{ column = \"Groups\", split = \";\", empty = \"clear\" }",
        "{ column = \"Groups\", split = \";\", all = true }",
    );
    let source =
        "[source]\nmerge = { on = \"Employee ID\", pick = { order = \"last\" } }\n[fields]";
    world.write("mapping.toml", mapping.replacen("[fields]", source, 1));
    for group in ["S", "Ops", "IT"] {
        world.lms.group(group, "student");
    }
    let mut feed = rows_of(&[(1, "A", ""), (2, "B", ""), (1, "C", "")]);
    feed.parts(0).groups = strings(&["S", "IT"]);
    feed.parts(1).groups = strings(&["IT"]);
    feed.parts(2).groups = strings(&["Ops"]);
    world.import_feed(&feed).exits(0);
    feed.people.remove(0);
    feed.people.swap(0, 1);
    feed.parts(0).groups = strings(&["IT", "Ops", "S"]);
    world.assert_everyone_once(&feed);
}

/// A mapping of its own for a list of leavers, beside that of the full feed.
fn list_leavers(world: &World, more: &str) {
    let mapping = world.mapping();
    let (target, fields) = mapping.split_once("[fields]").unwrap();
    let id = fields
        .lines()
        .find(|line| line.contains("\"Employee ID\""))
        .unwrap();
    let leavers = format!(
        "{target}[source]\nfeed = \"leavers\"\n[fields]\n{}\n[leavers]\naction = \"delete\"\n{more}",
        id.replace("Employee ID", "Number")
    );
    world.write("leavers.toml", leavers);
}

const LEAVE: &[&str] = &["import", "leavers.csv", "-m", "leavers.toml", "--json"];

#[test]
fn a_list_of_leavers_removes_whom_it_names_and_nobody_else() {
    on_each_system(|system| {
        let world = World::new(system).parts("[leavers]\naction = \"delete\"");
        let mut feed = Feed::of(40);
        world.import_feed(&feed).exits(0);
        list_leavers(&world, "[protect]\nids = [\"E00009\"]\n");
        world.write(
            "leavers.csv",
            "Number,Mail\nE00007,no address\nE90000,\nE00009,\nE00008,\nE00007,\n",
        );
        let check = ["check", LEAVE[1], "-m", LEAVE[3], "--json"];
        let checked = world.run(&check).exits(0).json();
        assert_eq!(checked["would"]["send"], 0);
        assert!(checked["would"]["remove"].as_u64() > Some(0), "{checked:#}");
        world.lms.reset_stats();
        let ran = world.run(LEAVE).exits(0);
        assert_eq!(
            (
                ran.count("deleted"),
                ran.count("created"),
                ran.count("updated")
            ),
            (2, 0, 0)
        );
        assert_eq!(
            ran.notes(),
            [
                "rows name nobody whom hrfeed knows in this LMS: nothing happens for them (row 3)",
                "1 person is on the list of leavers and protected ([protect]): left alone",
            ]
        );
        let left: Vec<_> = feed.people.drain(6..8).collect();
        world.assert_everyone_once(&feed);
        // Once more is nothing more, and an empty list is a day on which nobody leaves.
        assert_eq!(world.run(LEAVE).exits(0).count("deleted"), 0);
        world.write("leavers.csv", "Number,Mail\n");
        world.run(LEAVE).exits(0);
        // The full feed is compared with full feeds, still owns its people, and brings back
        // whom it names.
        feed.people.extend(left);
        feed.people.rotate_left(1);
        let gone = feed.people.pop().unwrap();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(
            (ran.count("created"), ran.count("deleted")),
            (2, 1),
            "{}",
            gone.id
        );
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_long_list_of_leavers_waits_until_somebody_approves() {
    on_each_system(|system| {
        let world = World::new(system);
        world.import_feed(&Feed::of(40)).exits(0);
        list_leavers(&world, "");
        let list: Vec<_> = (1..=30).map(|it| format!("E{it:05}")).collect();
        world.write("leavers.csv", format!("Number\n{}\n", list.join("\n")));
        let ran = world.run(LEAVE).exits(4);
        assert!(
            ran.stderr
                .contains("30 of 40 people are on the list of leavers; the limit is 5"),
            "{ran:#?}"
        );
        assert_eq!(world.lms.people().len(), 40);
        let words = ["plan", LEAVE[1], "-m", LEAVE[3]];
        let ran = world.run(&words).exits(4);
        let words = format!("{}{}", ran.stdout, ran.stderr);
        assert!(words.contains("on the list of leavers"), "{words}");
        assert!(!words.contains("no longer in the feed"), "{words}");
        assert!(!words.contains("missing from the feed"), "{words}");
        world.run(&["approve", "1"]).exits(0);
        let ran = world.run(LEAVE).exits(0);
        assert_eq!((ran.count("deleted"), world.lms.people().len()), (30, 10));
    });
}

#[test]
fn a_list_of_leavers_without_an_action_is_a_mistake_of_the_mapping() {
    let world = World::new(Kmi);
    list_leavers(&world, "");
    let mapping = std::fs::read_to_string(world.path("leavers.toml")).unwrap();
    world.write("leavers.csv", "Number\nE1\n");
    for (with, what) in [
        (
            "action = \"ignore\"",
            "a list of leavers requires `action` in [leavers]",
        ),
        (
            "action = \"delete\"\namong = \"lms\"",
            "among = \"lms\" in [leavers] has no place here",
        ),
    ] {
        world.write("leavers.toml", mapping.replace("action = \"delete\"", with));
        let ran = world.run(LEAVE).exits(2);
        assert!(ran.stderr.contains(what), "{ran:#?}");
    }
}
