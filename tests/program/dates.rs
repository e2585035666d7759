//! Dates as HR systems and spreadsheets write them: read rightly, refused, or asked
//! about, and never another day without a word.

use crate::support::System::AnewSpring;
use crate::support::{IMPORT, KEY, Ran, World};

/// A world with people who have these dates of birth and a mapping that says `date` of
/// the column.
fn born(date: &str, dates: &[&str]) -> World {
    let world = World::new(AnewSpring);
    let rows = (1..).zip(dates).fold(String::new(), |rows, (id, date)| {
        rows + &format!("{id};a{id};Ann;Lee;{date}\n")
    });
    world.write("people.csv", format!("ID;Login;First;Last;Born\n{rows}"));
    let mapping = format!(
        "[target]\nsystem = \"anewspring\"\nbase_url = \"{}\"\napi_key = {{ env = \"{KEY}\" }}\n\
         requests_per_second = 5000\n[fields]\nuserID = \"ID\"\nlogin = \"Login\"\n\
         firstName = \"First\"\nlastName = \"Last\"\ndateOfBirth = {{ column = \"Born\"{date} }}\n",
        world.lms.base_url()
    );
    world.write("mapping.toml", mapping);
    world
}

/// The dates of birth on the LMS, in the order of the IDs.
fn births(world: &World) -> Vec<String> {
    let mut people = world.lms.people();
    people.sort_by_key(|person| person["externalId"].to_string());
    let births = people.iter().map(|person| person["dateOfBirth"].as_str());
    births.map(|day| day.unwrap_or("-").to_owned()).collect()
}

fn notes(ran: &Ran) -> String {
    ran.json()["notes"].to_string()
}

#[test]
fn dates_arrive_as_the_day_that_is_written() {
    for (date, cell, day) in [
        ("", "1985-03-25", "1985-03-25"),
        ("", "1985-03-25T00:00:00+01:00", "1985-03-25"),
        (", date = \"%d/%m/%y\"", "25/11/58", "1958-11-25"),
        (", date = \"%d-%b-%y\"", "25-MRT-85", "1985-03-25"),
        (
            ", date = \"%m/%d/%Y %I:%M:%S %p\"",
            "3/25/1985 12:00:00 AM",
            "1985-03-25",
        ),
        (", date = \"%d-%m-%Y\"", "25-03-1985 00:00", "1985-03-25"),
        (", date = \"%d-%b-%Y\"", "25-Mrz-1985", "1985-03-25"),
        (", date = \"%d %B %Y\"", "25. M\u{e4}rz 1985", "1985-03-25"),
        (", date = \"%d %B %Y\"", "1er mars 1985", "1985-03-01"),
        (
            ", date = \"%A %d %B %Y\"",
            "Monday 25 March 1985",
            "1985-03-25",
        ),
        (", date = \"serial\"", "31131", "1985-03-25"),
        (
            ", zone = \"Europe/Amsterdam\"",
            "1985-03-24T23:00:00.000Z",
            "1985-03-25",
        ),
    ] {
        let world = born(date, &[cell]);
        let ran = world.run(IMPORT).exits(0);
        assert_eq!(births(&world), [day], "{cell}");
        assert_eq!(notes(&ran), "[]", "{cell}");
    }
}

#[test]
fn dates_that_cannot_be_right_are_refused_with_their_reason() {
    for (date, cell, rule) in [
        (", date = \"%d-%b-%Y\"", "25-MAR-85", "date"),
        ("", "0000-07-31", "date-too-early"),
        (
            ", date = \"%A %d %B %Y\"",
            "Tuesday 25 March 1985",
            "weekday",
        ),
        (", date = \"%d/%m/%Y\"", "25/11/2958", "born-in-future"),
        ("", "31107", "date-serial"),
        ("", "1985-03-25 tomorrow", "date"),
        (", date = \"serial\"", "1985-03-25", "date"),
    ] {
        let world = born(date, &["", cell]);
        let checked = world.run(&["check", "people.csv", "-m", "mapping.toml", "--json"]);
        let checked = checked.exits(3).json();
        assert_eq!(checked["findings"][0]["rule"], rule, "{cell}");
        assert!(!checked.to_string().contains(cell), "{cell}");
        world.run(IMPORT).exits(3);
        assert_eq!(births(&world), [""], "{cell}");
    }
}

#[test]
fn a_time_in_utc_that_may_be_the_next_day_is_told_by_every_command() {
    let world = born("", &["1985-03-24T23:00:00.000Z", "1990-12-24T00:00:00Z"]);
    for command in ["check", "plan", "import"] {
        let ran = world.run(&[command, "people.csv", "-m", "mapping.toml", "--json"]);
        let notes = notes(&ran.exits(0));
        assert!(notes.contains("the next day"), "{command}: {notes}");
        assert!(notes.contains("(row 2)"), "{command}: {notes}");
    }
    assert_eq!(births(&world), ["1985-03-24", "1990-12-24"]);
}

#[test]
fn a_column_of_month_first_dates_is_not_read_day_first() {
    let dates = ["01/02/1985", "12/31/1990", "10/30/1971", "03/04/1966"];
    let world = born(", date = \"%d/%m/%Y\"", &dates);
    for command in ["check", "plan", "import"] {
        let ran = world.run(&[command, "people.csv", "-m", "mapping.toml"]);
        let ran = ran.exits(2);
        let said = ran.stderr.as_str();
        assert!(said.contains("the other way round"), "{command}: {said}");
        assert!(
            said.contains("set date = \"%m/%d/%Y\""),
            "{command}: {said}"
        );
        assert!(said.contains("mapping.toml, line 11"), "{command}: {said}");
    }
    assert_eq!(world.lms.stats().creates(), 0);

    // What the mapping itself puts into a cell shows nothing of the feed.
    let with_default = ", date = \"%d/%m/%Y\", default = \"25/12/1990\"";
    born(with_default, &["01/02/1985", "12/31/1990", ""])
        .run(IMPORT)
        .exits(2);

    // One row that is wrong says nothing of the others.
    let world = born(
        ", date = \"%d/%m/%Y\"",
        &["01/02/1985", "12/31/1990", "30/10/1971"],
    );
    world.run(IMPORT).exits(3);
    assert_eq!(births(&world), ["1985-02-01", "1971-10-30"]);
}

#[test]
fn dates_of_another_form_are_answered_with_the_form_that_they_have() {
    for (date, cells, found) in [
        (
            "",
            ["31.12.1985", "01.02.1990"],
            "set date = \\\"%d.%m.%Y\\\" for",
        ),
        (
            ", date = \"%d/%m/%Y\"",
            ["12/31/1985", "10/30/1990"],
            "set date = \\\"%m/%d/%Y\\\" for",
        ),
        (
            "",
            ["01/02/1985", "03/04/1990"],
            "set date = \\\"%d/%m/%Y\\\" or date = \\\"%m/%d/%Y\\\" for",
        ),
    ] {
        let world = born(date, &cells);
        let ran = world.run(&["check", "people.csv", "-m", "mapping.toml", "--json"]);
        let notes = notes(&ran.exits(3));
        assert!(notes.contains("column `Born`: most texts"), "{notes}");
        assert!(notes.contains(found), "{notes}");
    }
}

#[test]
fn init_writes_the_form_of_a_column_whose_cells_have_times_or_names_of_months() {
    for (cells, line) in [
        (
            ["3/25/1985 12:00:00 AM", "12/24/1990 12:00:00 AM"],
            "date = \"%m/%d/%Y\" }",
        ),
        (["25-MAR-85", "01-MAY-90"], "date = \"%d-%b-%y\" }"),
        (["31107", "28000"], "date = \"serial\" }"),
    ] {
        let world = born("", &cells);
        let feed = std::fs::read_to_string(world.path("people.csv")).unwrap();
        world.write("people.csv", feed.replace("Born", "Date of birth"));
        let arguments = [
            "init",
            "people.csv",
            "--target",
            "anewspring",
            "-o",
            "new.toml",
        ];
        world.run(&arguments).exits(0);
        let mapping = std::fs::read_to_string(world.path("new.toml")).unwrap();
        assert!(mapping.contains(line), "{mapping}");
    }
}

#[test]
fn a_setting_of_dates_that_cannot_be_is_a_mistake_of_the_mapping() {
    for (date, message, help) in [
        (
            ", zone = \"Amsterdam\"",
            "is not a time zone",
            "Europe/Amsterdam",
        ),
        (", date = \"%d-%m\"", "is not a date format", "%d-%m-%Y"),
    ] {
        let ran = born(date, &["1985-03-25"]).run(IMPORT).exits(2);
        let said = ran.stdout + &ran.stderr;
        assert!(said.contains(message) && said.contains(help), "{said}");
    }
}

#[test]
fn a_column_of_good_dates_with_a_bad_one_gets_no_advice() {
    let mut dates = vec!["1985-03-25"; 20];
    dates.push("25.03.1985");
    let checked = born("", &dates).run(&["check", "people.csv", "-m", "mapping.toml", "--json"]);
    assert_eq!(notes(&checked.exits(3)), "[]");
}
