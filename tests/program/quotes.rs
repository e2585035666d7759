//! Quotes and line breaks that are not those of RFC 4180: read rightly and said, or refused.

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{Feed, IMPORT, KEY, Ran, World};

const CHECK: &[&str] = &["check", "people.csv", "-m", "mapping.toml"];

/// A world with this feed, whose columns are ID, First, Last, Job and City.
fn world(feed: &str, more: &str) -> World {
    let world = World::new(AnewSpring);
    world.write("people.csv", feed);
    let mapping = format!(
        "[target]\nsystem = \"anewspring\"\nbase_url = \"{}\"\napi_key = {{ env = \"{KEY}\" }}\n\
         requests_per_second = 5000\n[fields]\nuserID = \"ID\"\nlogin = \"ID\"\n\
         firstName = \"First\"\nlastName = \"Last\"\nfunction = \"Job\"\n\
         residence = {{ column = \"City\", empty = \"clear\" }}\n{more}\n",
        world.lms.base_url()
    );
    world.write("mapping.toml", mapping);
    world
}

/// The messages of the rows that were not imported.
fn messages(world: &World, rows: &[u64]) -> String {
    let message = |row: &u64| world.row(*row)["message"].as_str().unwrap().to_owned();
    let messages: Vec<_> = rows
        .iter()
        .map(|row| format!("row {row}: {}", message(row)))
        .collect();
    messages.join("\n")
}

#[test]
fn every_certain_way_of_quoting_is_read_and_said() {
    let cases = [
        (
            "\"ID\",\"First\",\"Last\",\"Job\",\"City\"\n\
             \"7\",\"Ben \\\"Bo\\\"\",\"Lee\",\"A \\\\ B, C\",\"Ghent\"\n",
            "Ben \"Bo\"",
            "A \\ B, C",
            "quotes inside values are written with a backslash (\\\"): read as quotes, and two \
             backslashes as one",
        ),
        (
            "\"ID\",\"First\",\"Last\",\"Job\",\"City\"\n\
             \"7\",\"Ben \"Bo\"\",\"Lee\",\"Head of \"A, B\" team\",\"Ghent\"\n",
            "Ben \"Bo\"",
            "Head of \"A, B\" team",
            "quotes inside quoted values are not doubled: the quote before a delimiter or a line \
             end is read as the end of a value",
        ),
        (
            "ID, \"First\", \"Last\", \"Job\", City\n7, \"Ben\",\t\"Lee\", \"A, B\" , Ghent\n",
            "Ben",
            "A, B",
            "white space is around the quotes of values: read without it (row 2)",
        ),
        (
            "'ID';'First';'Last';'Job';'City'\n'7';'O''Brien';'Lee';'A; B';'Ghent'\n",
            "O'Brien",
            "A; B",
            "values are in single quotes: read without them",
        ),
        (
            "“ID”,“First”,“Last”,“Job”,“City”\n“7”,“Ben”,“Lee”,“A, B”,“Ghent”\n",
            "Ben",
            "A, B",
            "values are in typographic quotes: read without them",
        ),
        (
            "\"ID,\"\"First\"\",Last,Job,City\"\n\"7,Ben,Lee,\"\"A, B\"\",Ghent\"\n",
            "Ben",
            "A, B",
            "whole lines are in quotes, as if the table were one column: read as the rows that \
             they were",
        ),
    ];
    for (feed, first, job, note) in cases {
        let world = world(feed, "");
        let ran = world.run(IMPORT).exits(0);
        assert_eq!(ran.notes(), [note]);
        let person = world.lms.person("7");
        assert_eq!(
            (&person["firstName"], &person["function"]),
            (&first.into(), &job.into())
        );
        assert_eq!(
            (&person["lastName"], &person["residence"]),
            (&"Lee".into(), &"Ghent".into())
        );
    }
}

const HEAD: &str = "ID,First,Last,Job,City\n1,Ann,Lee,\"say \"\"x\"\" y\",Ghent\n";

#[test]
fn quotes_that_are_not_certain_refuse_their_row_and_no_other() {
    let feed = format!(
        "{HEAD}2,Bo,Kay,\"Head of \"Care\" team\",Ghent\n3,Ida,Orr,Cook,Ghent\n\
         4,\"Cy,Roe,Cook,Ghent\n5,Di,\"Poe\",Cook,Ghent\n"
    );
    let world = world(&feed, "[guards]\nmax_rejected = \"100%\"");
    let ran = world.run(IMPORT).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (3, 2));
    insta::assert_snapshot!(messages(&world, &[3, 5]), @r#"
    row 3: line 3, column D (`Job`): a quote is inside the quoted value: write each quote inside a value twice ("")
    row 5: line 5, column B (`First`): a quote opens the value and none closes it: add the closing quote, or remove the opening one
    "#);
    for id in ["1", "3", "5"] {
        assert!(world.lms.person(id)["lastName"].is_string(), "{id}");
    }
}

#[test]
fn lines_that_an_open_quote_takes_in_hold_all_leavers() {
    let people: Vec<_> = (10..40)
        .map(|id| format!("{id},Ann{id},Lee,Cook,Ghent\n"))
        .collect();
    let leavers = "[leavers]\naction = \"delete\"\n[guards]\nmax_rejected = \"100%\"";
    let world = world(&format!("{HEAD}{}", people.concat()), leavers);
    world.run(IMPORT).exits(0);
    // The quote in the second line closes the one of the first.
    let odd = "39,\"Ann39,Lee,Cook,Ghent\n38,Ann38,Lee,Cook,5'9\"\n";
    world.write(
        "people.csv",
        format!("{HEAD}{}{odd}", people[..28].concat()),
    );
    let ran = world.run(IMPORT).exits(4);
    assert_eq!((ran.count("rejected"), ran.count("deleted")), (1, 0));
    assert_eq!(world.lms.people().len(), 31);
    insta::assert_snapshot!(messages(&world, &[31]), @"row 31: line 31, column B (`First`): the value contains lines that look like rows: its closing quote is probably missing; line 32 is not read either");
}

fn checked(feed: &str) -> Ran {
    world(feed, "").run(CHECK)
}

#[test]
fn a_line_break_without_quotes_refuses_both_of_its_lines_and_clears_nothing() {
    let whole = "ID,First,Last,Job,City\n1,Ann,Lee,Cook,Ghent\n2,Bo,Kay,Cook,Ghent\n";
    let world = world(whole, "[guards]\nmax_rejected = \"100%\"");
    world.run(IMPORT).exits(0);
    let cut = "ID,First,Last,Job,City\n1,Ann,Lee,Cook\nand waiter,Ghent\n2,Bo,Kay,Cook,Gent\n";
    world.write("people.csv", cut);
    let ran = world.run(IMPORT).exits(3);
    assert_eq!((ran.count("updated"), ran.count("rejected")), (1, 2));
    assert_eq!(world.lms.person("1")["residence"], "Ghent");
    assert_eq!(world.lms.person("2")["residence"], "Gent");
    insta::assert_snapshot!(messages(&world, &[2]), @"row 2: the row has 4 cells, but the header has 5: with the short rows next to it, it makes one row: a line break without quotes? Quote the value that contains the line break");
}

#[test]
fn short_rows_are_named_among_whole_ones_and_whole_where_empty_cells_are_left_out() {
    let whole = "1,Ann,Lee,Cook,Ghent\n2,Bo,Kay,Cook,Ghent\n3,Cy,Roe,Cook,Ghent\n";
    let ran = checked(&format!("ID,First,Last,Job,City\n{whole}4,Di,Poe\n"));
    let said = ran.exits(3).stdout;
    let why = said.split("Wrong in the feed\n").last().unwrap();
    insta::assert_snapshot!(why.trim(), @"
    1  the row has 3 cells, but the header has 5: most rows are whole: a line break without quotes, or a cell that was
         lost? If the cells are empty, write their delimiters (row 5)

      An import would send up to 3 people, those who are new or changed, and reject 1 row. Other limits need the journal or
      the LMS: `plan` checks them.

      Next
        hrfeed plan people.csv -m mapping.toml   list who is new, changed or missing
    ");
    let ran = checked(&format!(
        "ID,First,Last,Job,City\n{whole}4,Di,Poe\n5,Ed,Fox,Cook\n"
    ));
    ran.exits(0);
    // Two rows are not enough to say that the file was cut off.
    let ran = checked("ID,First,Last,Job,City\n1,Ann,Lee,Cook,Ghent\n2,Bo,Kay,Co");
    let said = ran.exits(3).said().replace("\n    ", " ");
    assert!(
        said.contains("the file ends inside it and looks incomplete"),
        "{said}"
    );
}

#[test]
fn a_text_with_zero_bytes_is_named_as_one() {
    let feed = format!(
        "ID,First,Last,Job,City\n1,A\0n,Lee,Cook,{}\n",
        "Ghent".repeat(9)
    );
    let ran = checked(&feed).exits(1);
    assert!(
        ran.stderr.contains("is a text with zero bytes (NUL)"),
        "{ran:#?}"
    );
}

#[test]
fn a_file_with_quotes_around_its_whole_lines_is_not_blamed_on_the_delimiter_alone() {
    let world = World::new(Kmi);
    let feed = String::from_utf8(Feed::of(20).csv(Kmi)).unwrap();
    let lines: Vec<_> = feed.lines().map(|line| format!("\"{line}\"\n")).collect();
    world.write("people.csv", lines.concat());
    let delimiter = world.mapping() + "[source]\ndelimiter = \",\"\n";
    world.write("delimiter.toml", delimiter);
    for mapping in ["mapping.toml", "delimiter.toml"] {
        let ran = world.run(&["check", "people.csv", "-m", mapping]).exits(2);
        let said = "if whole lines are in quotes, export the file again";
        assert!(ran.stderr.contains(said), "{ran:#?}");
    }
}
