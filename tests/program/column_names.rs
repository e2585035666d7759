//! Columns whose names the feed spells in another way than the mapping.

use crate::support::System::AnewSpring;
use crate::support::{IMPORT, KEY, World};

const CHECK: &[&str] = &["check", "people.csv", "-m", "mapping.toml", "--json"];
const PLAN: &[&str] = &["plan", "people.csv", "-m", "mapping.toml", "--json"];

fn world(header: &str, source: &str) -> World {
    let world = World::new(AnewSpring);
    world.write("people.csv", format!("{header}\n00123,ann,Ann,Lee\n"));
    let mapping = format!(
        "[target]\nsystem = \"anewspring\"\nbase_url = \"{}\"\napi_key = {{ env = \"{KEY}\" }}\n\
         requests_per_second = 5000\n[source]\n{source}\n[fields]\nuserID = \"Employee ID\"\n\
         login = {{ template = \"{{{{ row['Login Name'] }}}}\" }}\n\
         firstName = \"First Name\"\nlastName = \"Last Name\"\n",
        world.lms.base_url()
    );
    world.write("mapping.toml", mapping);
    world
}

#[test]
fn columns_are_found_by_what_a_person_reads_and_what_differs_is_said() {
    let header =
        "Employee\u{a0}ID,LOGIN  name,\u{feff}First Name,\u{ff2c}\u{ff41}\u{ff53}\u{ff54} Name";
    let world = world(header, "where = \"row['login name'] != 'bo'\"");
    for command in [CHECK, PLAN, IMPORT] {
        let said = world.run(command).exits(0).notes();
        for note in [
            "column `Employee ID` of the mapping is read from `Employee\\u{a0}ID`: they differ in white space",
            "column `Login Name` of the mapping is read from `LOGIN  name`: they differ in case, white space or the form of characters",
            "column `login name` of the mapping is read from `LOGIN  name`: ",
            "column `Last Name` of the mapping is read from `\u{ff2c}\u{ff41}\u{ff53}\u{ff54} Name`: they differ in the form of their characters",
        ] {
            assert!(
                said.iter().any(|it| it.starts_with(note)),
                "{note}: {said:#?}"
            );
        }
    }
    let person = world.lms.person("00123");
    assert_eq!(person["login"], "ann");
    assert_eq!(person["lastName"], "Lee");
}

#[test]
fn names_that_are_spelled_alike_need_no_word() {
    let header = " Employee ID ,Login Name,\"First Name\",Last Name";
    let said = world(header, "").run(CHECK).exits(0).notes();
    assert!(said.is_empty(), "{said:#?}");
}

#[test]
fn a_feed_without_a_header_has_columns_by_letter_and_its_first_row_is_a_person() {
    let rows = [
        "00123,ann,Ann,Lee\n00124,bo,Bo,Kay\n",
        "00123;ann;Ann;Lee\r\n00124;bo;Bo;Kay",
    ];
    for rows in rows {
        let world = world("", "header = false");
        world.write("people.csv", rows);
        let mapping = std::fs::read_to_string(world.path("mapping.toml")).unwrap();
        let by_letter = [
            ("\"Employee ID\"", "\"A\""),
            ("row['Login Name']", "row['B']"),
            ("\"First Name\"", "\"C\""),
            ("\"Last Name\"", "\"D\""),
        ];
        let mapping = by_letter
            .iter()
            .fold(mapping, |text, (name, letter)| text.replace(name, letter));
        world.write("mapping.toml", &mapping);
        let ran = world.run(IMPORT).exits(0);
        assert!(ran.notes().is_empty(), "{ran:#?}");
        assert_eq!(world.lms.people().len(), 2);
        assert_eq!(world.lms.person("00123")["lastName"], "Lee");
        assert_eq!(world.lms.person("00124")["login"], "bo");

        let both = mapping.replace("header = false", "header = false\nheader_row = 2");
        world.write("mapping.toml", both);
        let said = world.run(CHECK).exits(2).said();
        assert!(said.contains("`header = false` and `header_row`"), "{said}");
    }
}

#[test]
fn a_header_row_that_the_mapping_says_is_not_there_is_nobody_and_is_said() {
    let people = "00123,ann,Ann,Lee\n00124,bo,Bo,Kay\n00125,cy,Cy,Ray\n";
    let header = "a header row, although the mapping has `header = false` in [source]";
    for (above, notes) in [
        (
            "Employee ID,Login,First name,Last name\n",
            vec![format!("left out: {header} (row 1)")],
        ),
        // Words that are in no list, and digits only below one of them.
        (
            "PERSKEY,Login,VN1,NN1\n",
            vec![format!("left out: {header} (row 1)")],
        ),
        (
            "Staff 2026\nEmployee ID,Login,First name,Last name\ntext,text,text,text\n",
            vec![
                format!("left out: {header} (row 2)"),
                "left out: a row of types below the header (row 3)".into(),
            ],
        ),
        ("00122,name,First,Last\n", Vec::new()),
        ("A122,date,Mark,Date\n", Vec::new()),
    ] {
        let world = world("", "header = false");
        let mapping = std::fs::read_to_string(world.path("mapping.toml")).unwrap();
        let (head, _) = mapping.split_once("[fields]").unwrap();
        let fields = "userID = \"A\"\nlogin = \"B\"\nfirstName = \"C\"\nlastName = \"D\"\n";
        world.write("mapping.toml", format!("{head}[fields]\n{fields}"));
        world.write("people.csv", format!("{above}{people}"));
        for command in [CHECK, PLAN, IMPORT] {
            let ran = world.run(command).exits(0);
            assert_eq!(ran.notes(), notes, "{above}");
        }
        let all = 3 + usize::from(notes.is_empty());
        assert_eq!(world.lms.people().len(), all, "{above}");
    }
}

#[test]
fn a_name_that_may_be_two_columns_is_a_mistake_and_both_are_named() {
    for (header, columns) in [
        (
            "EMPLOYEE ID,Login Name,employee id,First Name,Last Name",
            "`EMPLOYEE ID`, `employee id` (columns 1, 3)",
        ),
        (
            "Employee ID,LOGIN NAME,Login\u{a0}Name,First Name,Last Name",
            "`LOGIN NAME`, `Login\\u{a0}Name` (columns 2, 3)",
        ),
    ] {
        let ran = world(header, "").run(CHECK).exits(2);
        let said = ran.said().replace("\\\\", "\\");
        assert!(
            said.contains(columns) && said.contains("spell the name"),
            "{said}"
        );
    }
    // The one that is spelled just so is meant.
    let header = "employee id,Employee ID,Login Name,First Name,Last Name";
    let exact = world(header, "");
    exact.write("people.csv", format!("{header}\nx,00123,ann,Ann,Lee\n"));
    exact.run(IMPORT).exits(0);
    assert_eq!(exact.lms.person("00123")["login"], "ann");
}

#[test]
fn names_in_another_row_than_the_header_are_answered_with_the_row_to_set() {
    let rows = "emp_id,login_nm,first_nm,last_nm\nEmployee ID,Login Name,First Name,Last Name";
    let said = world(rows, "").run(CHECK).exits(2).said();
    let help = "row 2 has all columns that the mapping names: set `header_row = 2` in [source]";
    assert!(said.contains(help), "{said}");
    let world = world(rows, "header_row = 2");
    world.run(IMPORT).exits(0);
    assert_eq!(world.lms.person("00123")["lastName"], "Lee");
}
