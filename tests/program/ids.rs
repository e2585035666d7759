//! External IDs as programs and spreadsheets write them: read as they are meant where that
//! is certain, and refused with what happened to them where it is not.

use serde_json::Value;

use crate::support::System::AnewSpring;
use crate::support::{IMPORT, KEY, World};

const CHECK: &[&str] = &["check", "people.csv", "-m", "mapping.toml", "--json"];
const PLAN: &[&str] = &["plan", "people.csv", "-m", "mapping.toml", "--json"];

/// A world with this feed, whose columns are ID, Login, First, Last and Phone, and these
/// lines below `[fields]`.
fn world(feed: &str, more: &str) -> World {
    let world = World::new(AnewSpring);
    world.write("people.csv", format!("ID,Login,First,Last,Phone\n{feed}"));
    write_mapping(&world, "\"ID\"", more);
    world
}

fn write_mapping(world: &World, id: &str, more: &str) {
    let mapping = format!(
        "[target]\nsystem = \"anewspring\"\nbase_url = \"{}\"\napi_key = {{ env = \"{KEY}\" }}\n\
         requests_per_second = 5000\n[fields]\nuserID = {id}\nlogin = \"Login\"\n\
         firstName = \"First\"\nlastName = \"Last\"\ntelephoneNumber = \"Phone\"\n{more}\n",
        world.lms.base_url()
    );
    world.write("mapping.toml", mapping);
}

/// The row and the rule of each problem.
fn broken(checked: &Value) -> Vec<(u64, String)> {
    let findings = checked["findings"].as_array().unwrap().iter();
    let of = |it: &Value| (it["row"].as_u64(), it["rule"].as_str().map(str::to_owned));
    findings
        .map(of)
        .map(|(row, rule)| (row.unwrap(), rule.unwrap()))
        .collect()
}

#[test]
fn what_is_certainly_no_part_of_an_id_is_taken_away_and_every_command_says_so() {
    let world = world(
        "=\"00123\",ann,Ann,Lee,=\"0612345678\"\n\
         \"=\"\"00124\"\"\",bo,Bo,Kay,\"=\"\"0612345679\"\"\"\n\
         '00125,cy,Cy,Ray,'0612345670\n\
         \"\"\"00126\"\"\",di,Di,May,\n\
         00\u{200b}127,e\u{ad}d,Ed,Fox,\n\
         \u{202a}00128\u{202c},\u{202a}flo\u{202c},Flo,Poe,\n\
         A\u{a0}129,gus,Gus,Orr,\n",
        "",
    );
    for command in [CHECK, PLAN, IMPORT] {
        let said = world.run(command).exits(0).notes();
        for (note, rows) in [
            (
                "column `ID`: values are written as =\"…\" for Excel",
                "(rows 2, 3)",
            ),
            (
                "column `Phone`: values are written as =\"…\" for Excel",
                "(rows 2, 3)",
            ),
            ("column `ID`: values have an apostrophe in front", "(row 4)"),
            (
                "column `Phone`: values have an apostrophe in front",
                "(row 4)",
            ),
            ("column `ID`: values are in quotation marks", "(row 5)"),
            (
                "column `ID`: values contain characters that cannot be seen",
                "(rows 6, 7)",
            ),
            (
                "column `Login`: values contain characters that cannot be seen",
                "(rows 6, 7)",
            ),
            ("column `ID`: values contain no-break spaces", "(row 8)"),
        ] {
            let is_it = |it: &String| it.starts_with(note) && it.ends_with(rows);
            assert!(said.iter().any(is_it), "{note}: {said:#?}");
        }
        assert_eq!(said.len(), 8, "{said:#?}");
    }
    for (id, login, phone) in [
        ("00123", "ann", "0612345678"),
        ("00124", "bo", "0612345679"),
        ("00125", "cy", "0612345670"),
        ("00126", "di", ""),
        ("00127", "ed", ""),
        ("00128", "flo", ""),
        ("A 129", "gus", ""),
    ] {
        let person = world.lms.person(id);
        assert_eq!(person["login"], login);
        assert_eq!(person["telephoneNumber"], phone);
    }
    assert_eq!(world.lms.people().len(), 7);
    // And the next night nothing differs.
    assert_eq!(world.run(IMPORT).exits(0).count("unchanged"), 7);
}

#[test]
fn an_id_that_was_typed_on_another_keyboard_is_cleaned_and_said() {
    let world = world(
        "1522,ann,Ann,Lee,\n\u{ff11}\u{ff15}\u{ff12}\u{ff13},bo,Bo,Kay,\n\
         \u{2019}00996,cy,Cy,Ray,\u{2019}0612345670\n\u{201c}00997\u{201d},\u{2019}t,Anke,\u{2019}t Hart,\n",
        "",
    );
    for command in [CHECK, PLAN, IMPORT] {
        let said = world.run(command).exits(0).notes();
        for (note, rows) in [
            (
                "column `ID`: values contain full-width letters or digits",
                "(row 3)",
            ),
            ("column `ID`: values have an apostrophe in front", "(row 4)"),
            (
                "column `Phone`: values have an apostrophe in front",
                "(row 4)",
            ),
            ("column `ID`: values are in quotation marks", "(row 5)"),
        ] {
            let is_it = |it: &String| it.starts_with(note) && it.ends_with(rows);
            assert!(said.iter().any(is_it), "{note}: {said:#?}");
        }
        assert_eq!(said.len(), 4, "{said:#?}");
    }
    for id in ["1522", "1523", "00996", "00997"] {
        world.lms.person(id);
    }
    assert_eq!(world.lms.person("00996")["telephoneNumber"], "0612345670");
    assert_eq!(world.lms.person("00997")["lastName"], "\u{2019}t Hart");
}

#[test]
fn an_id_with_thousands_apart_among_plain_numbers_is_refused() {
    let more = "[leavers]\naction = \"delete\"\n[guards]\nmax_rejected = \"100%\"";
    let whole = "996,a,Ann,Lee,\n1524,b,Bo,Kay,\n1525,c,Cy,Ray,\n1526,d,Di,May,\n";
    let world = world(whole, more);
    world.run(IMPORT).exits(0);
    let damaged = "996,a,Ann,Lee,\n1524,b,Bo,Kay,\n1 525,c,Cy,Ray,\n1.526,d,Di,May,\n";
    world.write(
        "people.csv",
        format!("ID,Login,First,Last,Phone\n{damaged}"),
    );
    let checked = world.run(CHECK).exits(3).json();
    let expected = [4, 5].map(|row| (row, "external-id-damaged".to_owned()));
    assert_eq!(broken(&checked), expected);
    let ran = world.run(IMPORT);
    assert_eq!((ran.count("created"), ran.count("deleted")), (0, 0));
    assert_eq!(world.lms.people().len(), 4);
    let message = world.row(5)["message"].to_string();
    assert!(message.contains("thousands separators"), "{message}");

    // Where all are written so, and among words, they are meant.
    for feed in [
        "1.101,a,Ann,Lee,\n1.102,b,Bo,Kay,\n12 345,c,Cy,Ray,\n",
        "A7,a,Ann,Lee,\n1.102,b,Bo,Kay,\n",
        "1522,a,Ann,Lee,\n12.345.678,b,Bo,Kay,\n",
    ] {
        world.write("people.csv", format!("ID,Login,First,Last,Phone\n{feed}"));
        let said = world.run(CHECK).exits(0).notes();
        assert!(said.is_empty(), "{feed}: {said:#?}");
    }
}

#[test]
fn ids_that_are_one_once_they_are_clean_are_a_duplicate() {
    let world = world(
        "00123,ann,Ann,Lee,\n'00123,bo,Bo,Kay,\n00\u{200b}123,cy,Cy,Ray,\n",
        "",
    );
    let checked = world.run(CHECK).exits(3).json();
    let expected = [2, 3, 4].map(|row| (row, "duplicate".to_owned()));
    assert_eq!(broken(&checked), expected);
}

#[test]
fn whoever_is_known_under_an_id_that_was_not_clean_is_no_joiner_and_no_leaver() {
    for (policy, code, held, updated) in [("hold", 4, 1, 0), ("rekey", 0, 0, 1)] {
        let more = format!("[leavers]\naction = \"delete\"\n[identity]\nrenumbered = \"{policy}\"");
        let feed = "00123,ann,Ann,Lee,\n00124,bo,Bo,Kay,\n";
        let world = world(feed, &more);
        // As it was known before.
        let marked = "{ template = \"{% if row['ID'] == '00123' %}'{% endif %}{{ row['ID'] }}\" }";
        write_mapping(&world, marked, &more);
        world.run(IMPORT).exits(0);
        assert_eq!(world.lms.person("'00123")["login"], "ann");

        write_mapping(&world, "\"ID\"", &more);
        world.write(
            "people.csv",
            "ID,Login,First,Last,Phone\n'00123,ann,Ann,Lee,\n00124,bo,Bo,Kay,\n",
        );
        let ran = world.run(IMPORT).exits(code);
        let expected: &[_] = if held == 1 {
            &[("renumbered".to_owned(), 1)]
        } else {
            &[]
        };
        assert_eq!(ran.held(), expected);
        assert_eq!(ran.count("updated"), updated, "{ran:#?}");
        assert_eq!((ran.count("created"), ran.count("deleted")), (0, 0));
        assert_eq!(world.lms.people().len(), 2);
    }
}

#[test]
fn what_a_program_made_of_an_id_is_refused_by_its_name() {
    let feed = "1523.0,a,Ann,Lee,\n\"1,523\",b,Bo,Kay,\n1.5E+03,c,Cy,Ray,\n#REF!,d,Di,May,\n\
                #####,e,Ed,Fox,\nNULL,f,Flo,Poe,\n-,g,Gus,Orr,\nE\u{41d}7,h,Hal,Ives,\n\
                =A9,i,Ida,Jay,\n1\u{a0}523,j,Jo,King,\nE77,k,Kit,Lund,\n";
    let world = world(feed, "[guards]\nmax_rejected = \"100%\"");
    let checked = world.run(CHECK).exits(3).json();
    let expected = [
        "external-id-damaged",
        "external-id-damaged",
        "external-id-scientific",
        "cell-error",
        "cell-error",
        "external-id-nothing",
        "external-id-nothing",
        "external-id-look-alike",
        "external-id-damaged",
        "external-id-damaged",
    ];
    let expected: Vec<_> = (2..).zip(expected.map(str::to_owned)).collect();
    assert_eq!(broken(&checked), expected);

    world.run(IMPORT).exits(3);
    let message = |row: u64| world.row(row)["message"].to_string();
    for (row, words) in [
        (2, "is a number with decimals"),
        (3, "thousands separators"),
        (7, "is a word for nothing"),
        (9, "Cyrillic or Greek"),
        (10, "is the text of a formula"),
    ] {
        assert!(message(row).contains(words), "{row}: {}", message(row));
    }
    assert_eq!(world.lms.people().len(), 1);
}

#[test]
fn a_cell_that_a_spreadsheet_took_for_no_text_is_no_id() {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

    let world = world("", "[guards]\nmax_rejected = \"100%\"");
    let day = Format::new().set_num_format("d-mmm");
    let time = Format::new().set_num_format("h:mm");
    let whole = Format::new().set_num_format("00000");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(["ID", "Login", "First", "Last", "Phone"]) {
        sheet.write(0, column, name).unwrap();
    }
    for row in 1..10_u32 {
        for (column, text) in (1..).zip([format!("a{row}"), "Ann".into(), "Lee".into()]) {
            sheet.write(row, column, text).unwrap();
        }
    }
    let date = ExcelDateTime::from_ymd(2026, 12, 3).unwrap();
    sheet.write_with_format(1, 0, date, &day).unwrap();
    sheet.write_with_format(2, 0, 0.5, &time).unwrap();
    sheet.write(3, 0, true).unwrap();
    sheet.write(4, 0, 1523.5).unwrap();
    sheet.write(5, 0, 0.1 + 0.2).unwrap();
    // As they are meant.
    sheet.write(6, 0, 1523).unwrap();
    sheet.write_with_format(7, 0, 77, &whole).unwrap();
    sheet.write(8, 0, "2026-12-03").unwrap();
    sheet.write(9, 0, "15.5").unwrap();
    world.write("people.xlsx", book.save_to_buffer().unwrap());

    let check = ["check", "people.xlsx", "-m", "mapping.toml", "--json"];
    let checked = world.run(&check).exits(3).json();
    let expected = (2..7).map(|row| (row, "external-id-damaged".to_owned()));
    assert_eq!(broken(&checked), expected.collect::<Vec<_>>());
    let import = ["import", "people.xlsx", "-m", "mapping.toml", "--json"];
    world.run(&import).exits(3);
    for (row, words) in [
        (2, "is a date or a time, and not text"),
        (3, "is a date or a time, and not text"),
        (4, "is TRUE or FALSE, and not text"),
        (5, "is a number with a fraction"),
        (6, "is a number with a fraction"),
    ] {
        let message = world.row(row)["message"].to_string();
        assert!(message.contains(words), "{row}: {message}");
    }
    for id in ["1523", "00077", "2026-12-03", "15.5"] {
        assert_eq!(world.lms.person(id)["lastName"], "Lee", "{id}");
    }

    // A table that says who is meant.
    let table = "userID = { column = \"ID\", map = { \"true\" = \"E9\" } }";
    let mapping = std::fs::read_to_string(world.path("mapping.toml")).unwrap();
    world.write("mapping.toml", mapping.replace("userID = \"ID\"", table));
    let checked = world.run(&check).exits(3).json();
    assert_eq!(broken(&checked).len(), 4);
}

/// Writes a workbook with these cells in the columns ID and Phone, each with its format.
fn write_book(world: &World, cells: &[(&str, f64, &str)]) {
    use rust_xlsxwriter::{Format, Workbook};

    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(["ID", "Login", "First", "Last", "Phone"]) {
        sheet.write(0, column, name).unwrap();
    }
    for (row, (text, number, format)) in (1..).zip(cells) {
        let format = Format::new().set_num_format(*format);
        for (column, text) in (1..).zip([format!("a{row}"), "Ann".into(), "Lee".into()]) {
            sheet.write(row, column, text).unwrap();
        }
        if text.is_empty() {
            sheet.write_with_format(row, 0, *number, &format).unwrap();
        } else {
            sheet.write(row, 0, *text).unwrap();
        }
        sheet.write_with_format(row, 4, *number, &format).unwrap();
    }
    world.write("people.xlsx", book.save_to_buffer().unwrap());
}

const CHECK_BOOK: &[&str] = &["check", "people.xlsx", "-m", "mapping.toml", "--json"];
const IMPORT_BOOK: &[&str] = &["import", "people.xlsx", "-m", "mapping.toml", "--json"];

#[test]
fn a_number_of_which_a_cell_shows_less_is_no_id_and_a_phone_number_even_so() {
    let world = world("", "[guards]\nmax_rejected = \"100%\"");
    let shortened = ["0,", "0.00E+00", "##0.0E+0", "0.0,\"K\"", "#,##0,,"];
    let whole = ["0", "#,##0", "#,##0.00", "00000000", "General"];
    let formats = shortened.into_iter().chain(whole);
    let cells: Vec<_> = (61_523_001..)
        .zip(formats)
        .map(|(number, format)| ("", f64::from(number), format))
        .collect();
    write_book(&world, &cells);
    let checked = world.run(CHECK_BOOK).exits(3).json();
    let expected = (2..7).map(|row| (row, "external-id-damaged".to_owned()));
    assert_eq!(broken(&checked), expected.collect::<Vec<_>>());
    world.run(IMPORT_BOOK).exits(3);
    let message = world.row(3)["message"].to_string();
    assert!(message.contains("shows less than its digits"), "{message}");
    for number in 61_523_006..61_523_011 {
        let person = world.lms.person(&number.to_string());
        assert_eq!(person["telephoneNumber"], number.to_string());
    }

    let world = self::world("", "");
    write_mapping(&world, "\"Login\"", "");
    write_book(&world, &cells);
    world.run(IMPORT_BOOK).exits(0);
    assert_eq!(world.lms.person("a1")["telephoneNumber"], "61523001");
}

#[test]
fn an_id_that_a_template_builds_of_what_is_no_text_is_none() {
    let day = f64::from(46_359);
    let world = world("", "[guards]\nmax_rejected = \"100%\"");
    write_mapping(
        &world,
        "{ template = \"NL{{ row['ID'] }}\" }",
        "[guards]\nmax_rejected = \"100%\"",
    );
    write_book(
        &world,
        &[
            ("", day, "d-mmm"),
            ("", 0.5, "h:mm"),
            ("", 1523.5, "General"),
            ("", 1523.0, "0.00E+00"),
            ("13-12", 1.0, "0"),
            ("", 1524.0, "0"),
        ],
    );
    let checked = world.run(CHECK_BOOK).exits(3).json();
    let expected = (2..6).map(|row| (row, "external-id-damaged".to_owned()));
    let mut found = broken(&checked);
    found.sort();
    assert_eq!(found, expected.collect::<Vec<_>>());
    world.run(IMPORT_BOOK).exits(3);
    for id in ["NL13-12", "NL1524"] {
        assert_eq!(world.lms.person(id)["lastName"], "Lee");
    }
    assert_eq!(world.lms.people().len(), 2);

    // A date that is one in every row, and one that the template writes in its own way.
    write_book(&world, &[("", day, "d-mmm"), ("", day + 1.0, "yyyy")]);
    world.run(CHECK_BOOK).exits(0);
    write_book(&world, &[("", day, "d-mmm"), ("13-12", 1.0, "0")]);
    world.run(CHECK_BOOK).exits(3);
    let own = "{ template = \"NL{{ row['ID']|replace('-', '') }}\" }";
    write_mapping(&world, own, "");
    world.run(CHECK_BOOK).exits(0);
}

#[test]
fn ids_names_and_numbers_that_only_look_so_pass_without_a_word() {
    let feed = "NIL,'tharte,Anke,'t Hart,06 12\n12.345.678,b,\"\"\"Bob\"\"\",Null,+31 6\n\
                01.0,c,Cy,\"5'9\"\" Ray\",'94\nE123,d,Di,May,-1\n";
    let world = world(feed, "");
    for command in [CHECK, PLAN, IMPORT] {
        let said = world.run(command).exits(0).notes();
        assert!(said.is_empty(), "{said:#?}");
    }
    for (id, last, phone) in [
        ("NIL", "'t Hart", "06 12"),
        ("12.345.678", "Null", "+31 6"),
        ("01.0", "5'9\" Ray", "'94"),
        ("E123", "May", "-1"),
    ] {
        let person = world.lms.person(id);
        assert_eq!(person["lastName"], last);
        assert_eq!(person["telephoneNumber"], phone);
    }
    assert_eq!(world.lms.person("12.345.678")["firstName"], "\"Bob\"");
    assert_eq!(world.lms.person("NIL")["login"], "'tharte");
}

#[test]
fn an_id_in_another_alphabet_is_said_where_it_is_the_exception() {
    let one = "\u{415}123,a,Ann,Lee,\nE124,b,Bo,Kay,\nE125,c,Cy,Ray,\n";
    let said = world(one, "").run(CHECK).exits(0).notes();
    assert!(
        said.len() == 1 && said[0].contains("Cyrillic or Greek") && said[0].ends_with("(row 2)"),
        "{said:#?}"
    );
    let all = one.replace('E', "\u{415}");
    let said = world(&all, "").run(CHECK).exits(0).notes();
    assert!(said.is_empty(), "{said:#?}");
}

#[test]
fn a_template_sees_the_values_of_cells_and_not_what_is_around_them() {
    let world = world("=\"00123\",ann,=\"Ann\",Lee,\n", "");
    write_mapping(&world, "{ template = \"NL{{ row['ID'] }}\" }", "");
    let said = world.run(IMPORT).exits(0).notes();
    assert!(
        said.iter()
            .any(|it| it.starts_with("values are written as =\"…\"")),
        "{said:#?}"
    );
    assert_eq!(world.lms.person("NL00123")["firstName"], "Ann");
}
