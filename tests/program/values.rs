//! What cells say in words: nothing, countries, yes and no, several groups; and a filter
//! that cannot be meant.

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{Feed, IMPORT, KEY, Ran, SECRET, World};

/// A world with this feed and these lines in `[fields]` and below.
fn world(feed: &str, more: &str) -> World {
    let world = World::new(AnewSpring);
    world.write("people.csv", feed);
    let mapping = format!(
        "[target]\nsystem = \"anewspring\"\nbase_url = \"{}\"\napi_key = {{ env = \"{KEY}\" }}\n\
         requests_per_second = 5000\n[fields]\nuserID = \"ID\"\nlogin = \"ID\"\n\
         firstName = \"First\"\nlastName = \"Last\"\n{more}\n",
        world.lms.base_url()
    );
    world.write("mapping.toml", mapping);
    world
}

fn notes(ran: &Ran) -> String {
    ran.json()["notes"].to_string()
}

const CHECK: &[&str] = &["check", "people.csv", "-m", "mapping.toml", "--json"];

#[test]
fn words_for_nothing_are_told_with_the_line_that_makes_them_nothing() {
    let feed =
        "ID,First,Last,Phone,Job\n1,Ann,Lee,NULL,\\N\n2,Bo,Null,-,Nurse\n3,Cy,Ray,NULL,Rep\n";
    let fields = "telephoneNumber = \"Phone\"\nfunction = \"Job\"";
    let told = world(feed, fields);
    for command in ["check", "plan", "import"] {
        let ran = told.run(&[command, "people.csv", "-m", "mapping.toml", "--json"]);
        let notes = notes(&ran.exits(0));
        assert!(
            notes.contains("column `Phone`: cells contain `NULL`")
                && notes.contains("map = { \\\"NULL\\\" = \\\"\\\" }")
                && notes.contains("(rows 2, 4)"),
            "{command}: {notes}"
        );
        assert!(
            notes.contains("column `Phone`: cells contain `-`"),
            "{notes}"
        );
        assert!(
            notes.contains("column `Job`: cells contain `\\\\N`"),
            "{notes}"
        );
        assert!(!notes.contains("`Last`"), "{notes}");
    }

    let fields = "telephoneNumber = { column = \"Phone\", map = { \"NULL\" = \"\", - = \"\" } }\n\
                  function = { column = \"Job\", map = { \"\\\\N\" = \"\" } }";
    let mapped = world(feed, fields);
    assert_eq!(notes(&mapped.run(IMPORT).exits(0)), "[]");
    assert_eq!(mapped.lms.person("1")["telephoneNumber"], "");
    assert_eq!(mapped.lms.person("3")["function"], "Rep");
}

#[test]
fn somebody_may_be_called_as_a_database_calls_nothing() {
    let one = "ID,First,Last\n1,Jennifer,NULL\n2,Bo,Lee\n";
    assert_eq!(notes(&world(one, "").run(CHECK).exits(0)), "[]");
    let many = "ID,First,Last\n1,Jennifer,NULL\n2,Bo,NULL\n";
    let notes = notes(&world(many, "").run(CHECK).exits(0));
    assert!(
        notes.contains("column `Last`: cells contain `NULL`"),
        "{notes}"
    );
}

#[test]
fn an_error_of_a_spreadsheet_in_a_csv_is_refused_as_in_a_workbook() {
    let feed =
        "ID,First,Last,Phone\n1,Ann,Lee,#REF!\n2,Bo,Kay,#N/A\n3,Cy,Ray,# 12\n4,#NAME?,Ann,1\n";
    let refused = world(feed, "telephoneNumber = \"Phone\"");
    let checked = refused.run(CHECK).exits(3).json();
    let rules: Vec<_> = (checked["findings"].as_array().unwrap().iter())
        .map(|it| (it["row"].as_u64().unwrap(), it["rule"].as_str().unwrap()))
        .collect();
    assert_eq!(rules, [2, 3, 5].map(|row| (row, "cell-error")));

    // What a look-up shows that found nothing may be meant as nothing.
    let mapped = world(
        feed,
        "telephoneNumber = { column = \"Phone\", map = { \"#N/A\" = \"\" } }",
    );
    let checked = mapped.run(CHECK).exits(3).json();
    assert_eq!(checked["counts"]["rejected"], 2);
}

#[test]
fn a_template_or_a_condition_that_names_an_error_handles_it() {
    let feed = "ID,First,Last,Phone,Left\n1,Ann,Lee,#N/A,#N/A\n2,Bo,Kay,#REF!,x\n3,Cy,Ray,1,x\n";
    let phone = "{{ row['Phone'] if row['Phone'] != '#N/A' else '' }}";
    let world = world(
        feed,
        &format!(
            "telephoneNumber = {{ template = \"{phone}\" }}\n\
             [source]\nwhere = \"row['Left'] == '#N/A' or row['Left'] == 'x'\""
        ),
    );
    let checked = world.run(CHECK).exits(3).json();
    let findings = checked["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0]["row"], 3);
    assert_eq!(checked["feed"]["rows"], 3);
}

#[test]
fn init_maps_words_for_nothing() {
    let feed = "ID,Login,First name,Last name,Phone,Date of birth\n1,a,Ann,Null,NULL,31.12.1985\n\
                2,b,Bo,Kay,0612345678,-\n3,c,Cy,Ray,#N/A,30.11.1990\n";
    let world = world(feed, "");
    let init = [
        "init",
        "people.csv",
        "--target",
        "anewspring",
        "-o",
        "new.toml",
    ];
    world.run(&init).exits(0);
    let mapping = std::fs::read_to_string(world.path("new.toml")).unwrap();
    for line in [
        "lastName = \"Last name\"",
        "telephoneNumber = { column = \"Phone\", map = { \"#N/A\" = \"\", NULL = \"\" } }",
        "dateOfBirth = { column = \"Date of birth\", date = \"%d.%m.%Y\", map = { - = \"\" } }",
    ] {
        assert!(mapping.contains(line), "{line}\n{mapping}");
    }
    world
        .run(&["check", "people.csv", "-m", "new.toml"])
        .exits(0);
}

/// A world of KMI whose people live in these countries and states.
fn living_in(places: &[&str]) -> World {
    let world = World::new(Kmi);
    let rows = (1..).zip(places).fold(String::new(), |rows, (id, place)| {
        rows + &format!("{id};{id}@example.com;Ann;Lee;{place}\n")
    });
    world.write(
        "people.csv",
        format!("ID;Mail;First;Last;Country;State\n{rows}"),
    );
    let mapping = format!(
        "[target]\nsystem = \"kmi\"\nbase_url = \"{}\"\napi_key = {{ env = \"{KEY}\" }}\n\
         api_secret = {{ env = \"{SECRET}\" }}\nrequests_per_second = 5000\n[fields]\n\
         externalId = \"ID\"\nemail = \"Mail\"\nloginName = \"Mail\"\nfirstName = \"First\"\n\
         lastName = \"Last\"\ncountry = \"Country\"\nstate = \"State\"\n",
        world.lms.base_url()
    );
    world.write("mapping.toml", mapping);
    world
}

#[test]
fn countries_arrive_as_codes_in_whatever_language_they_are_written() {
    let world = living_in(&[
        "Nederland;",
        "DEUTSCHLAND;",
        "Pays-Bas;",
        "España;",
        "gbr;",
        "us;",
        "Atlantis;",
        "Germny;",
        "na;",
    ]);
    world.run(IMPORT).exits(3);
    let countries: Vec<_> = (1..=6)
        .map(|id| world.lms.person(&id.to_string())["country"].clone())
        .collect();
    assert_eq!(countries, ["NL", "DE", "NL", "ES", "GB", "US"]);
    assert_eq!(world.lms.people().len(), 6);
    let said = world.run(CHECK).exits(3).stdout;
    assert!(said.contains("did you mean DE?"), "{said}");
}

#[test]
fn a_state_of_the_us_is_read_by_name_and_elsewhere_a_state_is_a_text() {
    let world = living_in(&["USA;new york", "Germany;Bayern", "US;OH", "Germany;Georgia"]);
    world.run(IMPORT).exits(0);
    let state = |id| world.lms.person(id)["state"].clone();
    let states = ["1", "2", "3", "4"].map(state);
    assert_eq!(states, ["NY", "Bayern", "OH", "Georgia"]);
}

const GROUPS: &str = "[groups]\ncreate = true\ntype = { value = \"Learner\" }";

fn group_ids(world: &World) -> Vec<String> {
    let mut ids: Vec<_> = (world.lms.groups().iter())
        .map(|group| group["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn several_groups_in_a_cell_are_divided_by_any_of_several_separators() {
    let feed = "ID,First,Last,Teams\n1,A,B,\"Sales, Care\"\n2,A,B,Sales|Care\n3,A,B,Care;Sales\n";
    let fields = "role = { value = \"Learner\" }\n\
                  group = { column = \"Teams\", split = [\",\", \";\", \"|\"] }";
    let world = world(feed, &format!("{fields}\n{GROUPS}"));
    assert_eq!(notes(&world.run(CHECK).exits(0)), "[]");
    world.run(IMPORT).exits(0);
    assert_eq!(group_ids(&world), ["Care", "Sales"]);
}

#[test]
fn groups_that_cannot_be_meant_are_told_before_they_are_made() {
    let feed = "ID,First,Last,Teams\n1,A,B,\"Sales, Care\"\n2,A,B,\"[\"\"Sales\"\",\"\"Care\"\"]\"\n\
                3,A,B,Sales;Care\n4,A,B,sales\n5,A,B,None\n";
    let fields = "role = { value = \"Learner\" }\ngroup = { column = \"Teams\", split = \";\" }";
    let told = world(feed, &format!("{fields}\n{GROUPS}"));
    let said = notes(&told.run(CHECK).exits(0));
    assert!(
        said.contains("`Sales, Care`") && said.contains("look like several"),
        "{said}"
    );
    assert!(
        said.contains("`Sales`, `sales` differ only in case"),
        "{said}"
    );
    assert!(said.contains("cells contain `None`"), "{said}");

    // A comma in a group's name alone says nothing, nor a part that stays in its place.
    for feed in [
        "ID,First,Last,Teams\n1,A,B,\"Research, Development\"\n2,A,B,Sales\n",
        "ID,First,Last,Teams\n1,A,B,Sales / North\n2,A,B,Sales / South\n3,A,B,Care / North\n\
         4,A,B,Sales\n",
    ] {
        let silent = world(feed, &format!("{fields}\n{GROUPS}"));
        assert_eq!(notes(&silent.run(CHECK).exits(0)), "[]", "{feed}");
    }
    // No group stands alone, and a part is the first of one and follows in another.
    let feed = "ID,First,Last,Teams\n1,A,B,\"Sales, Care\"\n2,A,B,\"Care, Sales\"\n";
    let told = world(feed, &format!("{fields}\n{GROUPS}"));
    assert!(notes(&told.run(CHECK).exits(0)).contains("look like several"));
}

#[test]
fn a_filter_that_compares_a_cell_with_a_number_is_a_mistake_of_the_mapping() {
    let world = World::new(Kmi).target("\n[source]\nwhere = \"row['City'] != 1\"");
    world.feed(&Feed::of(3));
    let ran = world.run(CHECK).exits(2);
    let said = ran.stdout + &ran.stderr;
    assert!(said.contains("compares a text with a number"), "{said}");
    assert!(said.contains("in quotes"), "{said}");
}

#[test]
fn a_filter_that_leaves_out_nobody_or_everybody_is_told() {
    for (filter, said, code) in [
        ("row['City'] != 'Nowhere'", "leaves out no row", 0),
        ("row['City'] == 'Nowhere'", "leaves out every row", 0),
        ("row['City'] == 'Zwolle'", "", 0),
    ] {
        let world = World::new(Kmi).target(&format!("\n[source]\nwhere = \"{filter}\""));
        world.feed(&Feed::of(6));
        let ran = world.run(CHECK).exits(code);
        let notes = notes(&ran);
        assert_eq!(
            notes.contains("`where` in [source]"),
            !said.is_empty(),
            "{notes}"
        );
        assert!(notes.contains(said), "{notes}");
    }
}
