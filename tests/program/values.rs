//! What cells say in words: nothing, countries, yes and no, several groups; and a filter
//! that cannot be meant.

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{Feed, IMPORT, KEY, Ran, SECRET, System, World, on_each_system};

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
fn what_people_type_for_nothing_is_told_and_mapped_by_init() {
    let typed = [
        "TBD",
        "geen",
        "Keine Angabe",
        "k.A.",
        "n.v.t.",
        "s/o",
        "nan",
        "leer",
        "néant",
        "ninguno",
    ];
    let rows = (1..).zip(typed).fold(String::new(), |rows, (id, word)| {
        rows + &format!("{id},a{id},Ann,Lee,{word}\n")
    });
    let told = world(&format!("ID,Login,First name,Last name,Phone\n{rows}"), "");
    let mapping = std::fs::read_to_string(told.path("mapping.toml")).unwrap();
    let mapping = mapping.replace("\"First\"", "\"First name\"");
    let mapping = mapping.replace("\"Last\"", "\"Last name\"");
    told.write(
        "mapping.toml",
        format!("{mapping}telephoneNumber = \"Phone\"\n"),
    );
    let notes = notes(&told.run(CHECK).exits(0));
    let init = [
        "init",
        "people.csv",
        "--target",
        "anewspring",
        "-o",
        "new.toml",
    ];
    told.run(&init).exits(0);
    let mapping = std::fs::read_to_string(told.path("new.toml")).unwrap();
    let phone = mapping.lines().find(|it| it.starts_with("telephoneNumber"));
    for word in typed {
        let about = format!("column `Phone`: cells contain `{word}`");
        assert!(notes.contains(&about), "{word}: {notes}");
        assert!(phone.unwrap().contains(word), "{word}: {phone:?}");
    }

    // Towns, names and codes that are like them.
    let feed = "ID,First,Last,Town\nE1,Nan,Geens,Leer\nleer,Nina,Keiner,Geel\n";
    let silent = world(feed, "residence = \"Town\"");
    assert_eq!(self::notes(&silent.run(CHECK).exits(0)), "[]");
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
        "Congo;",
        "Kosovo;",
        "XK;",
        "Oesterreich;",
        "EE.UU.;Armed Forces Europe",
    ]);
    world.run(IMPORT).exits(3);
    let countries: Vec<_> = (1..=6)
        .map(|id| world.lms.person(&id.to_string())["country"].clone())
        .collect();
    assert_eq!(countries, ["NL", "DE", "NL", "ES", "GB", "US"]);
    let countries: Vec<_> = (11..=14)
        .map(|id| world.lms.person(&id.to_string())["country"].clone())
        .collect();
    assert_eq!(countries, ["XK", "XK", "AT", "US"]);
    assert_eq!(world.lms.person("14")["state"], "AE");
    assert_eq!(world.lms.people().len(), 10);
    let said = world.run(CHECK).exits(3).stdout;
    assert!(said.contains("did you mean DE?"), "{said}");
    let either = "could be CG (Republic of the Congo, Brazzaville) or CD (";
    assert!(said.contains(either), "{said}");
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

/// A world of a system with this feed, and these lines for its fields: ID, login, first and
/// last name, e-mail address, `{place}` (a field of text) and more.
fn written(system: System, feed: &str, fields: &str) -> World {
    let world = World::new(system);
    world.write("people.csv", feed);
    let (secret, names) = match system {
        Kmi => (
            format!("api_secret = {{ env = \"{SECRET}\" }}\n"),
            [
                ("{id}", "externalId"),
                ("{login}", "loginName"),
                ("{place}", "address"),
            ],
        ),
        AnewSpring => (
            String::new(),
            [
                ("{id}", "userID"),
                ("{login}", "login"),
                ("{place}", "cellPhoneNumber"),
            ],
        ),
    };
    let fields = names
        .iter()
        .fold(fields.to_owned(), |fields, (name, field)| {
            fields.replace(name, field)
        });
    let mapping = format!(
        "[target]\nsystem = \"{}\"\nbase_url = \"{}\"\napi_key = {{ env = \"{KEY}\" }}\n{secret}\
         requests_per_second = 5000\n[fields]\n{fields}\n",
        format!("{system:?}").to_lowercase(),
        world.lms.base_url(),
    );
    world.write("mapping.toml", mapping);
    world
}

/// The values of a person on the LMS.
fn values_of(world: &World, id: &str, fields: [&str; 3]) -> [String; 3] {
    let person = world.lms.person(id);
    let place = match world.system {
        Kmi => ["loginName", "address"],
        AnewSpring => ["login", "cellPhoneNumber"],
    };
    fields.map(|field| {
        let field = field
            .replace("{login}", place[0])
            .replace("{place}", place[1]);
        person[&field].as_str().unwrap_or_default().to_owned()
    })
}

/// The findings of a check: row, rule and message.
fn found(ran: &Ran) -> Vec<(u64, String, String)> {
    let text = |it: &serde_json::Value| it.as_str().unwrap_or_default().to_owned();
    let found = ran.json();
    let found = found["findings"].as_array().unwrap().iter();
    found
        .map(|it| {
            (
                it["row"].as_u64().unwrap(),
                text(&it["rule"]),
                text(&it["message"]),
            )
        })
        .collect()
}

#[test]
fn names_in_capitals_arrive_as_people_write_them_and_logins_in_ascii() {
    let feed = "ID,Mail,First,Last,Nick\n1,a@example.com,IVA,VAN DER BERG,Zoë Müller\n\
                2,b@example.com,Ann,McDonald,ann\n3,c@example.com,AL,GORE,ИВАН\n\
                4,d@example.com,jean-pierre,o'brien,x\u{1f600}\n";
    let fields = "{id} = \"ID\"\nemail = \"Mail\"\n\
                  {login} = { column = \"Nick\", ascii = true, lower = true }\n\
                  firstName = { column = \"First\", title = true }\n\
                  lastName = { column = \"Last\", title = true }";
    on_each_system(|system| {
        let world = written(system, feed, fields);
        assert_eq!(notes(&world.run(CHECK).exits(3)), "[]");
        world.run(IMPORT).exits(3);
        let of = |id| values_of(&world, id, ["{login}", "firstName", "lastName"]);
        assert_eq!(of("1"), ["zoe muller", "Iva", "van der Berg"]);
        assert_eq!(of("2"), ["ann", "Ann", "McDonald"]);
        assert_eq!(of("3"), ["ivan", "Al", "Gore"]);
        let found = found(&world.run(CHECK).exits(3));
        assert_eq!(
            (found.len(), found[0].0, found[0].1.as_str()),
            (1, 5, "no-ascii")
        );
        assert!(!found[0].2.contains('\u{1f600}'), "{}", found[0].2);
        // Nothing changed, and what is written in another way is the same.
        let again = world.run(IMPORT).exits(3).json();
        assert_eq!(again["counts"]["unchanged"], 3);
    });
}

#[test]
fn a_login_in_ascii_has_no_mark_in_the_place_of_a_letter() {
    let feed = "ID,Mail,First,Last,Nick\n1,a@example.com,Ann,Lee,\u{639}\n\
                2,b@example.com,Bo,Kay,\u{639}\u{645}\u{631}\n3,c@example.com,Cy,Ray,Ольга\n\
                4,d@example.com,Di,May,Əli\n5,e@example.com,Ed,Fox,佐々木\n";
    let fields = "{id} = \"ID\"\nemail = \"Mail\"\nfirstName = \"First\"\nlastName = \"Last\"\n\
                  {login} = { column = \"Nick\", ascii = true, lower = true }\n\
                  [guards]\nmax_rejected = \"100%\"";
    on_each_system(|system| {
        let world = written(system, feed, fields);
        let found = found(&world.run(CHECK).exits(3));
        let found: Vec<_> = found.iter().map(|it| (it.0, it.1.as_str())).collect();
        assert_eq!(found, [2, 3, 6].map(|row| (row, "no-ascii")));
        world.run(IMPORT).exits(3);
        let of = |id| values_of(&world, id, ["{login}", "firstName", "lastName"])[0].clone();
        assert_eq!(["3", "4"].map(of), ["olga", "eli"]);
    });
}

const CENTERS: &str =
    "Code;Name;Place\n0410;Sales;A\n420;Care;B\n430;;C\n0410;Sales;D\n;Nobody;E\n";

fn looking_up(system: System, more: &str) -> World {
    let feed = "ID,Mail,First,Last,Center\n1,a@example.com,Ann,Lee,0410\n2,b@example.com,Bo,Kay,\n\
                3,c@example.com,Cy,Ray,410\n4,d@example.com,Di,Eve, 420 \n5,e@example.com,Ed,Fox,430\n";
    let fields = "{id} = \"ID\"\n{login} = \"ID\"\nemail = \"Mail\"\nfirstName = \"First\"\n\
                  lastName = \"Last\"\n\
                  {place} = { column = \"Center\", lookup = { file = \"centers.csv\", \
                  key = \"Code\", value = \"Name\" }MORE }";
    let world = written(system, feed, &fields.replace("MORE", more));
    world.write("centers.csv", CENTERS);
    world
}

#[test]
fn the_checksum_of_a_file_that_the_mapping_names_is_verified_too() {
    // Of what `CENTERS` is.
    for (name, sum) in [
        (
            "centers.csv.sha256",
            "f66bb5ff7b2533d8e48fd9e57f95776be9187c61234ee97b3d4c85c39ed1f064",
        ),
        ("centers.sha1", "3151ac06ef9930c4c6f3ac1208604f9df6f7957a"),
    ] {
        let world = looking_up(AnewSpring, "");
        world.write(name, sum);
        world.run(CHECK).exits(3);
        world.write("centers.csv", CENTERS.replace("Care", "Cure"));
        let ran = world.run(CHECK).exits(1);
        let said = format!("`centers.csv` does not have the checksum that `{name}` says");
        assert!(
            ran.stderr.contains("does not have the checksum"),
            "{said}: {ran:#?}"
        );
    }
}

#[test]
fn values_are_looked_up_in_a_file_beside_the_mapping() {
    on_each_system(|system| {
        let world = looking_up(system, "");
        let found = found(&world.run(CHECK).exits(3));
        assert_eq!(
            (found.len(), found[0].0, found[0].1.as_str()),
            (1, 4, "lookup")
        );
        assert!(
            found[0].2.ends_with(
                "is not in column `Code` of `centers.csv`: add it there, or set \
                                  `default` for the field"
            ),
            "{}",
            found[0].2
        );
        world.run(IMPORT).exits(3);
        let of = |id| values_of(&world, id, ["{place}", "firstName", "lastName"])[0].clone();
        assert_eq!(["1", "2", "4", "5"].map(of), ["Sales", "", "Care", ""]);

        // The file is read from the folder of the mapping, wherever the program runs.
        let elsewhere = world.run(&[
            "check",
            &world.arg("people.csv"),
            "-m",
            &world.arg("mapping.toml"),
        ]);
        elsewhere.exits(3);

        let world = looking_up(system, ", default = \"Other\"");
        world.run(IMPORT).exits(0);
        let of = |id| values_of(&world, id, ["{place}", "firstName", "lastName"])[0].clone();
        assert_eq!(
            ["1", "2", "3", "4"].map(of),
            ["Sales", "Other", "Other", "Care"]
        );
        // What `map` has is not looked up.
        let world = looking_up(system, ", map = { 410 = \"Old\" }, upper = true");
        world.run(IMPORT).exits(0);
        let of = |id| values_of(&world, id, ["{place}", "firstName", "lastName"])[0].clone();
        assert_eq!(["1", "3"].map(of), ["SALES", "OLD"]);
    });
}

#[test]
fn a_change_of_a_lookup_file_is_a_change_of_the_mapping() {
    let world = looking_up(AnewSpring, ", default = \"Other\"");
    world.run(IMPORT).exits(0);
    // Another order, and another column, say the same.
    world.write("centers.csv", "Name;Code\n;430\nCare;420\nSales;0410\n");
    let same = world.run(IMPORT).exits(0).json();
    assert_eq!(same["counts"]["unchanged"], 5);
    world.write("centers.csv", CENTERS.replace("Sales", "Sale"));
    let planned = world.run(&["plan", "people.csv", "-m", "mapping.toml", "--json"]);
    let planned = planned.exits(0);
    assert_eq!(planned.json()["counts"]["updated"], 1);
    assert!(
        notes(&planned).contains("come from the mapping, which has changed"),
        "{}",
        notes(&planned)
    );
}

#[test]
fn a_lookup_file_that_is_wrong_is_a_mistake_of_the_mapping() {
    let world = looking_up(Kmi, "");
    let said = || {
        let ran = world
            .run(&["check", "people.csv", "-m", "mapping.toml"])
            .exits(2);
        ran.said()
    };
    for (file, expected) in [
        (
            "Code;Title\n410;Sales\n",
            "`centers.csv` has no column `Name`",
        ),
        (
            "Code;Code;Name\n410;1;Sales\n",
            "`Code` appears more than once",
        ),
        (
            "Code;Name\n410;Sales\n9;x\n 410 ;Care\n",
            "rows 2 and 4 of `centers.csv` have the same key and different values",
        ),
        ("Code;Name\na1;Sales\nA1;Care\n", "rows 2 and 3"),
        (
            "Code;Name\n1;A\n2;B\n3;C\n410",
            "`centers.csv` ends inside row 5: it was cut off",
        ),
        ("", "is empty"),
        ("Code;Name\n", "no row with a key"),
        (
            "Code,Name\n410,Sales, North\n",
            "row 2 of `centers.csv` has more cells",
        ),
        (
            "Code,Name\n410,Sales\n411,\"Care\"s\n",
            "row 3 of `centers.csv`, column `B`",
        ),
        (
            "Code;Name\n410;#REF!\n",
            "row 2 of `centers.csv`, column `Name`: contains the error",
        ),
    ] {
        world.write("centers.csv", file);
        let said = said();
        assert!(said.contains(expected), "{file}: {said}");
        assert!(said.contains("mapping.toml, line "), "{said}");
    }
    let rows: Vec<_> = (0..100_001).map(|row| format!("{row};x")).collect();
    world.write("centers.csv", format!("Code;Name\n{}\n", rows.join("\n")));
    assert!(said().contains("has more than 100,000 keys"));
    std::fs::remove_file(world.path("centers.csv")).unwrap();
    let said = said();
    assert!(
        said.contains("does not exist") && said.contains("starts at the folder of the mapping"),
        "{said}"
    );
}

#[test]
fn a_lookup_file_may_be_whatever_a_feed_may_be() {
    let world = looking_up(Kmi, ", default = \"Other\"");
    let place = |id| values_of(&world, id, ["{place}", "firstName", "lastName"])[0].clone();
    let (windows, _, _) = encoding_rs::WINDOWS_1252.encode("Code\tName\r\n0410\tCafé Zürich\r\n");
    world.write("centers.csv", windows);
    let ran = world.run(IMPORT).exits(0);
    assert_eq!(place("1"), "Café Zürich");
    assert!(
        notes(&ran).contains("`centers.csv`: the feed is read as windows-1252"),
        "{}",
        notes(&ran)
    );
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip([["Code", "Name"], ["0410", "Books"], ["420", "Care"]]) {
        sheet.write_row(row, 0, cells).unwrap();
    }
    world.write("centers.csv", book.save_to_buffer().unwrap());
    world.run(IMPORT).exits(0);
    assert_eq!(place("1"), "Books");
}

#[test]
fn each_value_of_a_cell_is_looked_up_by_itself() {
    let feed = "ID,First,Last,Teams\n1,A,B,\"10, 20\"\n2,A,B,\"20,99\"\n3,A,B,\n";
    let fields = "role = { value = \"Learner\" }\n\
                  group = { column = \"Teams\", split = \",\", \
                  lookup = { file = \"teams.csv\", key = \"No\", value = \"Team\" }MORE }";
    let looked_up = world(feed, &format!("{}\n{GROUPS}", fields.replace("MORE", "")));
    looked_up.write("teams.csv", "No,Team\n10,Sales\n20,Care\n");
    let found = found(&looked_up.run(CHECK).exits(3));
    assert_eq!(
        (found.len(), found[0].0, found[0].1.as_str()),
        (1, 3, "lookup")
    );
    looked_up.run(IMPORT).exits(3);
    assert_eq!(group_ids(&looked_up), ["Care", "Sales"]);

    let more = ", default = \"Rest\", upper = true";
    let with_default = world(feed, &format!("{}\n{GROUPS}", fields.replace("MORE", more)));
    with_default.write("teams.csv", "No,Team\n10,Sales\n20,Care\n");
    with_default.run(IMPORT).exits(0);
    assert_eq!(group_ids(&with_default), ["CARE", "REST", "SALES"]);
}

#[test]
fn phone_numbers_arrive_as_every_system_dials_them() {
    let feed = "ID,Mail,First,Last,Phone,Land,Work\n1,a@example.com,Ann,Lee,06 - 123 456 78,Nederland,\n\
                2,b@example.com,Bo,Kay,(201) 555-0123,US,Canada\n\
                3,c@example.com,Cy,Ray,+31 20 123 4567 ext. 89,,\n\
                4,d@example.com,Di,Eve,0612345678,,\n5,e@example.com,Ed,Fox,ask Ann,NL,\n\
                6,f@example.com,Flo,Gee,,NL,\n";
    let fields = "{id} = \"ID\"\n{login} = \"ID\"\nemail = \"Mail\"\nfirstName = \"First\"\n\
                  lastName = \"Last\"\ncountry = \"Land\"\n\
                  {place} = { column = \"Phone\", phone = PHONE }";
    on_each_system(|system| {
        let world = written(system, feed, &fields.replace("PHONE", "\"E164\""));
        let checked = world.run(CHECK).exits(3);
        assert!(
            notes(&checked).contains("column `Phone`: numbers have an extension")
                && notes(&checked).contains("(row 4)"),
            "{}",
            notes(&checked)
        );
        let found = found(&checked);
        let rows: Vec<_> = found
            .iter()
            .map(|(row, rule, _)| (*row, rule.as_str()))
            .collect();
        assert_eq!(rows, [(5, "phone"), (6, "phone")]);
        assert!(
            found[0].2.contains("without a country code"),
            "{}",
            found[0].2
        );
        assert!(
            found[1].2.contains("is not a phone number"),
            "{}",
            found[1].2
        );
        world.run(IMPORT).exits(3);
        let of = |world: &World, id| {
            values_of(world, id, ["{place}", "firstName", "lastName"])[0].clone()
        };
        assert_eq!(
            ["1", "2", "3", "6"].map(|id| of(&world, id)),
            ["+31612345678", "+12015550123", "+31201234567", ""]
        );

        // One country for all, whatever the person's is.
        let phone = "{ form = \"E164\", region = \"NL\" }";
        let dutch = written(system, feed, &fields.replace("PHONE", phone));
        dutch.run(IMPORT).exits(3);
        assert_eq!(of(&dutch, "4"), "+31612345678");
        // One that a column names.
        let phone = "{ form = \"E164\", region = { column = \"Work\", default = \"NL\" } }";
        let of_column = written(system, feed, &fields.replace("PHONE", phone));
        of_column.run(IMPORT).exits(3);
        assert_eq!(
            ["1", "2"].map(|id| of(&of_column, id)),
            ["+31612345678", "+12015550123"]
        );
    });
}

#[test]
fn settings_that_contradict_each_other_are_mistakes_of_the_mapping() {
    for (field, expected) in [
        (
            "function = { column = \"X\", title = true, lower = true }",
            "both `lower` and `title`",
        ),
        (
            "email = { column = \"X\", title = true }",
            "has no names, which `title` is for",
        ),
        (
            "active = { column = \"X\", ascii = true }",
            "no text that `ascii` could change",
        ),
        (
            "function = { column = \"X\", ascii = \"dutch\" }",
            "possible values: \"german\"",
        ),
        (
            "function = { column = \"X\", phone = \"E164\", upper = true }",
            "which writes digits",
        ),
        (
            "function = { column = \"X\", phone = \"E164\", date = \"%d-%m-%Y\" }",
            "both `phone` and `date`",
        ),
        (
            "dateOfBirth = { column = \"X\", phone = \"E164\" }",
            "has no phone numbers",
        ),
        (
            "function = { column = \"X\", phone = \"NL\" }",
            "the form is \"E164\"",
        ),
        (
            "function = { column = \"X\", phone = { region = \"NL\" } }",
            "has no `form`",
        ),
        (
            "function = { column = \"X\", phone = { form = \"E164\", region = \"Atlantis\" } }",
            "`Atlantis` is not a country",
        ),
        (
            "function = { column = \"X\", phone = { form = \"E164\", region = { column = \"Y\" } } }",
            "the feed has no column `Y`",
        ),
        (
            "function = { column = \"X\", lookup = \"x.csv\" }",
            "must be a table",
        ),
        (
            "function = { column = \"X\", lookup = { file = \"x.csv\", keys = \"A\", value = \"B\" } }",
            "did you mean `key`?",
        ),
        (
            "function = { value = \"X\", lookup = { file = \"x.csv\", key = \"A\", value = \"B\" } }",
            "is the same for everybody",
        ),
        (
            "function = { column = \"X\", titel = true }",
            "did you mean `title`?",
        ),
    ] {
        let world = world("ID,First,Last,X\n1,Ann,Lee,x\n", field);
        let ran = world
            .run(&["check", "people.csv", "-m", "mapping.toml"])
            .exits(2);
        let said = ran.said();
        assert!(said.contains(expected), "{field}: {said}");
        assert!(said.contains("mapping.toml, line 11, column "), "{said}");
    }
}
