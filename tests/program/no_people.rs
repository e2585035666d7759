//! Rows that are plainly no people: left out, and said.

use crate::support::System::AnewSpring;
use crate::support::{IMPORT, KEY, World};

const CHECK: &[&str] = &["check", "people.csv", "-m", "mapping.toml", "--json"];
const PLAN: &[&str] = &["plan", "people.csv", "-m", "mapping.toml", "--json"];

/// A world with this feed, whose columns are EMPID, LOGIN, FIRST, LAST and JOB.
fn world(feed: &str, more: &str) -> World {
    let world = World::new(AnewSpring);
    world.write("people.csv", feed);
    let mapping = format!(
        "[target]\nsystem = \"anewspring\"\nbase_url = \"{}\"\napi_key = {{ env = \"{KEY}\" }}\n\
         requests_per_second = 5000\n[fields]\nuserID = \"EMPID\"\nlogin = \"LOGIN\"\n\
         firstName = \"FIRST\"\nlastName = \"LAST\"\nfunction = \"JOB\"\n{more}\n",
        world.lms.base_url()
    );
    world.write("mapping.toml", mapping);
    world
}

#[test]
fn labels_below_the_keys_and_other_rows_that_are_no_people_are_left_out_and_said() {
    let world = world(
        "Person,,Name,,Work\nEMPID,LOGIN,FIRST,LAST,JOB\nEmp. ID,Login,First name,Last name,Job\n\
         text,text,text,text,text\nRequired,Must be unique,Required,Required,Max. 50\n\
         Example:,jdoe,John,Doe,Rep\n00123,ann,Ann,Lee,Nurse\nEmpid,Login,First,Last,Job\n\
         00124,bo,Bo,Kay,Cook\nTotal,2,employees,exported 03-05-2026,\nEnd of report,,,,\n",
        "",
    );
    for command in [CHECK, PLAN, IMPORT] {
        let ran = world.run(command).exits(0);
        assert_eq!(
            ran.notes(),
            [
                "left out: a second header row (row 3)",
                "left out: a row of types below the header (row 4)",
                "left out: instructions below the header (row 5)",
                "left out: an example row below the header (row 6)",
                "left out: rows that repeat the header (row 8)",
                "left out: rows of totals (row 10)",
                "left out: lines at the end of a report (row 11)",
            ]
        );
        assert_eq!(ran.json()["feed"]["rows"], 2);
    }
    assert_eq!(world.lms.people().len(), 2);
    assert_eq!(world.lms.person("00123")["function"], "Nurse");
    assert_eq!(world.lms.person("00124")["function"], "Cook");
}

#[test]
fn what_a_report_says_below_its_people_is_left_out_and_said() {
    let world = world(
        "EMPID,LOGIN,FIRST,LAST,JOB\n00123,ann,Ann,Lee,Nurse\n00124,bo,Bo,Kay,Cook\n\
         Subtotal Sales,,,,2\n,,Subtotal,,2\nReport run by J. Smith on 2026-01-02,,,,\n\
         Printed: 01-02-2026,,,,\nPrinted,01-02-2026,,,\nReport date\n* = on leave,,,,\n\
         *,on leave,,,\n,,M = male; F = female,,\n",
        "",
    );
    for command in [CHECK, PLAN, IMPORT] {
        let ran = world.run(command).exits(0);
        assert_eq!(
            ran.notes(),
            [
                "left out: rows of totals (rows 4, 5)",
                "left out: lines at the end of a report (4 rows: 6, 7, 8 and 1 more)",
                "left out: lines that explain signs (rows 10, 11, 12)",
            ]
        );
        assert_eq!(ran.json()["feed"]["rows"], 2);
    }
    assert_eq!(world.lms.people().len(), 2);
}

#[test]
fn people_called_total_and_header_words_among_their_data_are_people() {
    let world = world(
        "LAST,EMPID,LOGIN,FIRST,JOB\nTotal,1,ann,Ann,Count\nCount,2,bo,Basie,\nSum,3,on,On,Title\n\
         Label,4,cy,Name,Job\nLAST,5,di,Di,Number\nPage,6,ed,Larry,Total\nTotal,7,,Flo,\n",
        "",
    );
    let ran = world.run(IMPORT).exits(3);
    assert!(ran.notes().is_empty(), "{ran:#?}");
    // The last has no login, and is a person all the same.
    assert_eq!(ran.count("rejected"), 1);
    assert_eq!(world.lms.people().len(), 6);
}

#[test]
fn a_row_that_is_plainly_nobody_holds_no_leavers_and_one_with_a_name_holds_them() {
    let header = "EMPID,LOGIN,FIRST,LAST,JOB\n";
    let people: Vec<_> = (10..40)
        .map(|number| format!("{number},l{number},Ann{number},Lee{number},Nurse\n"))
        .collect();
    let whole = format!("{header}{}", people.concat());
    for (row, held) in [
        (",,,,30 nurses\n", 0),
        (",,,Data of 2026-01-02 for HR,\n", 0),
        (",,30 nurses,15 cooks,\n", 0),
        (",,Note: two on leave,,\n", 0),
        (",,Ann,,\n", 1),
        (",,Ann 2,,\n", 1),
        (",l9,,,\n", 1),
        (",l9,,30 nurses,\n", 1),
    ] {
        let world = world(&whole, "[leavers]\naction = \"delete\"");
        world.run(IMPORT).exits(0);
        world.write(
            "people.csv",
            format!("{header}{}{row}", people[1..].concat()),
        );
        let ran = world.run(IMPORT).exits(if held > 0 { 4 } else { 3 });
        let of_leavers: u64 = ran.held().iter().map(|(_, people)| people).sum();
        assert_eq!(
            (of_leavers, ran.count("deleted")),
            (held, 1 - held),
            "{row}"
        );
        assert_eq!(ran.count("rejected"), 1);
    }
}
