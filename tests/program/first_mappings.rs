//! What `init` makes of the exports of many systems, and the ready mappings for these.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{KEY, SECRET, System, World};

/// The systems with a ready mapping, each with its fixture and the LMS that it is for.
const SYSTEMS: &[(&str, &str, System)] = &[
    ("successfactors", "csv", Kmi),
    ("workday", "csv", Kmi),
    ("bamboohr", "csv", Kmi),
    ("adp", "csv", Kmi),
    ("ukg", "csv", Kmi),
    ("oracle-hcm", "csv", Kmi),
    ("personio", "csv", AnewSpring),
    ("afas", "csv", AnewSpring),
    ("helloid-persons", "csv", AnewSpring),
    ("school-data-sync", "csv", AnewSpring),
    ("excel", "xlsx", Kmi),
];

fn project_file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read(path).unwrap()
}

/// A world with the fixture of a system, and the name of the fixture there.
fn world_of(name: &str, extension: &str, system: System) -> (World, String) {
    let world = World::new(system);
    let feed = format!("{name}.{extension}");
    world.write(&feed, project_file(&format!("fixtures/{feed}")));
    (world, feed)
}

const fn word(system: System) -> &'static str {
    match system {
        Kmi => "kmi",
        AnewSpring => "anewspring",
    }
}

/// A mapping for this world's LMS, as fast as it can be.
fn for_world(world: &World, mapping: &str) -> String {
    let name = word(world.system).to_uppercase();
    mapping
        .replace("https://lms.example.com", &world.lms.base_url())
        .replace("requests_per_second = 10", "requests_per_second = 5000")
        .replace(&format!("{name}_API_KEY"), KEY)
        .replace(&format!("{name}_API_SECRET"), SECRET)
}

/// Everybody on the LMS, a line each, in the order of the external IDs.
fn people(world: &World) -> String {
    let mut lines: Vec<_> = world.lms.people().iter().map(line).collect();
    lines.sort();
    lines.join("\n")
}

fn line(person: &Value) -> String {
    const FIELDS: &[&str] = &[
        "externalId",
        "userID",
        "loginName",
        "login",
        "email",
        "firstName",
        "middleName",
        "lastName",
        "initials",
        "gender",
        "dateOfBirth",
        "telephoneNumber",
        "cellPhoneNumber",
        "address",
        "city",
        "residence",
        "state",
        "zip",
        "country",
        "function",
        "company",
        "expirationDate",
    ];
    let values = FIELDS.iter().filter_map(|field| person[*field].as_str());
    let values: Vec<_> = values.filter(|value| !value.is_empty()).collect();
    values.join(" | ")
}

#[test]
fn each_ready_mapping_imports_its_fixture_as_it_is() {
    let mut all = String::new();
    for (name, extension, system) in SYSTEMS {
        let (world, feed) = world_of(name, extension, *system);
        let mapping = project_file(&format!("mappings/{name}.toml"));
        let mapping = for_world(&world, std::str::from_utf8(&mapping).unwrap());
        world.write("ready.toml", mapping);
        world.run(&["import", &feed, "-m", "ready.toml"]).exits(0);
        writeln!(all, "{name}\n{}", people(&world)).unwrap();
    }
    insta::assert_snapshot!(all, @"
    successfactors
    204410 | tquill | thea.quillmoor@saltmarrow.example | Thea | Quillmoor | Harbour Row 8 | Lindenby | 4410 AB | NL
    204411 | oferrow | oskar.ferrowhite@saltmarrow.example | Oskar | Ferrowhite | Old Ferry Rd 21 | Lindenby | 4411 CD | NL
    204420 | jkestrel | jonah.kestrelby@saltmarrow.example | Jonah | Kestrelby | 12 Alder St | Port Alder | WA | 98362 | US
    204421 | mzaleska | mira.zaleska@saltmarrow.example | Mira | Zaleska | 40 Alder St | Port Alder | WA | 98362 | US
    workday
    70017 | bea.thornlea@brookwater.example | bea.thornlea@brookwater.example | Bea | Thornlea | Brookwater | IE
    70018 | edda.wolds@brookwater.example | edda.wolds@brookwater.example | Edda | Wolds | Brookwater | IE
    70031 | hal.ostrey@brookwater.example | hal.ostrey@brookwater.example | Hal | Ostrey | Brookwater | IE
    C-0412 | gro.sandvik@brookwater.example | gro.sandvik@brookwater.example | Gro | Sandvik | Fjordvik | NO | 2030-12-31
    bamboohr
    31 | iris.marlowe@crumbworks.example | iris.marlowe@crumbworks.example | Iris | Marlowe | 12 Rye Ln | Dover | DE | 19901 | US
    32 | ned.penhallow@crumbworks.example | ned.penhallow@crumbworks.example | Ned | Penhallow | 9 Oat St | Dover | DE | 19904 | US
    40 | ruth.tolliver@crumbworks.example | ruth.tolliver@crumbworks.example | Ruth Ann | Tolliver | 40 Barley Rd | Camden | DE | 19934 | US
    adp
    F7QD20PLM | cora.ashgrove@panework.example | cora.ashgrove@panework.example | Cora | Ashgrove | 5 Sill St | Toledo | OH | 43604 | US
    H9QL30RTT | esme.cantor@panework.example | esme.cantor@panework.example | Esme | Cantor | 77 Lintel Rd | Oregon | OH | 43616 | US
    J4QM77SVV | felix.dray@panework.example | felix.dray@panework.example | Felix | Dray | 1 Mullion Ct | Maumee | OH | 43537 | US
    ukg
    000611 | greta.abernathy@kilnfield.example | greta.abernathy@kilnfield.example | Greta | Abernathy | Boise | ID | US
    000620 | cole.edwards@kilnfield.example | cole.edwards@kilnfield.example | Cole | Edwards | Nampa | ID | US
    000621 | ida.drewitt@kilnfield.example | ida.drewitt@kilnfield.example | Ida | Drewitt | Eagle | ID | US
    oracle-hcm
    3201 | jory.tremayne@lockmere.example | jory.tremayne@lockmere.example | Jory | Tremayne | Penmere | TR11 2AB | GB
    3202 | karin.uscher@lockmere.example | karin.uscher@lockmere.example | Karin | Uscher | Aue | 08280 | DE
    3204 | maeve.wexford@lockmere.example | maeve.wexford@lockmere.example | Maeve | Wexford | Cork | T12 AB1 | IE
    personio
    5510021 | marit.kernbach@zinnhaus.example | marit.kernbach@zinnhaus.example | Marit | Kernbach | female | Gießerin | Zinnhaus GmbH
    5510022 | nils.lenzfeld@zinnhaus.example | nils.lenzfeld@zinnhaus.example | Nils | Lenzfeld | male | Leiter Guss | Zinnhaus GmbH
    5510041 | pit.nordmeyer@zinnhaus.example | pit.nordmeyer@zinnhaus.example | Pit | Nordmeyer | Fahrer | Zinnhaus GmbH
    afas
    02021 | y.vanderwadden@sluiswerk.example | y.vanderwadden@sluiswerk.example | Yfke | van der Wadden | Y. | female | 1987-05-04 | 010-5552021 | 06-55520201 | Kade 12 a | Rotterdam | 3011 AB | Nederland | Sluiswachter | Sluiswerk B.V.
    02022 | z.dewitte@sluiswerk.example | z.dewitte@sluiswerk.example | Zeger | de Witte - Bosveld | Z. | male | 1979-11-30 | 010-5552022 | Dijk 7 | Rotterdam | 3012 CD | Nederland | Monteur | Sluiswerk B.V.
    02030 | a.vandijken@sluiswerk.example | a.vandijken@sluiswerk.example | Aukje | van Dijken | A.B. | female | 1995-02-17 | 06-55520300 | Gracht 103 bis | Utrecht | 3511 EF | Nederland | Planner | Sluiswerk B.V.
    02031 | b.tencate@sluiswerk.example | b.tencate@sluiswerk.example | Bram | ten Cate | B. | male | 2001-09-09 | 06-55520310 | Plein 1 | Utrecht | 3512 GH | Nederland | Stagiair | Sluiswerk B.V.
    helloid-persons
    1100001 | kloosdorp | kaat.loosdorp@vuurwerf.example | Kaat | Loosdorp | K. | 1990-01-09 | 06-55511001
    1100002 | ldemaanen | lars.demaanen@vuurwerf.example | Lars | de | Maanen | L. | 1985-10-22 | 06-55511002
    1100003 | mnachtegaal | mies.nachtegaal@vuurwerf.example | Mies | Nachtegaal | M.J. | 1977-03-14
    school-data-sync
    u-2001 | nadia.onkelen@hillschool.example | nadia.onkelen@hillschool.example | Nadia | Onkelen
    u-2002 | otis.panther@hillschool.example | otis.panther@hillschool.example | Otis | Panther | 555-0102
    u-2003 | petra.quillon@hillschool.example | petra.quillon@hillschool.example | Petra | Quillon
    u-2004 | ravi.sundar@hillschool.example | ravi.sundar@hillschool.example | Ravi | Sundar | 555-0104
    excel
    S0141 | una.vanstone@tileyard.example | una.vanstone@tileyard.example | Una | Vanstone | Stoke | GB
    S0150 | wes.xander@tileyard.example | wes.xander@tileyard.example | Wes | Xander | Delft | NL
    S0151 | xiu.lam@tileyard.example | xiu.lam@tileyard.example | Xiu | Ying Lam | Delft | NL
    ");
}

/// The mapping for persons and contracts, for files of one folder.
fn of_contracts() -> String {
    let mapping = project_file("mappings/helloid-contracts.toml");
    let mapping = String::from_utf8(mapping).unwrap();
    assert!(mapping.contains("\"../fixtures/helloid-contracts.csv\""));
    mapping.replace("../fixtures/helloid-contracts.csv", "contracts.csv")
}

/// A world with persons and their contracts.
fn world_of_contracts() -> World {
    let (world, _) = world_of("helloid-persons", "csv", AnewSpring);
    world.write(
        "contracts.csv",
        project_file("fixtures/helloid-contracts.csv"),
    );
    world
}

#[test]
fn the_ready_mapping_for_persons_and_contracts_imports_both_as_one() {
    let world = world_of_contracts();
    world.write("ready.toml", for_world(&world, &of_contracts()));
    let ran = world.run(&[
        "import",
        "helloid-persons.csv",
        "-m",
        "ready.toml",
        "--json",
    ]);
    assert_eq!(ran.exits(0).notes(), [""; 0]);
    insta::assert_snapshot!(people(&world), @"
    1100001 | kloosdorp | kaat.loosdorp@vuurwerf.example | Kaat | Loosdorp | K. | 1990-01-09 | 06-55511001 | Glasblazer | Vuurwerf B.V.
    1100002 | ldemaanen | lars.demaanen@vuurwerf.example | Lars | de | Maanen | L. | 1985-10-22 | 06-55511002 | Accountmanager | Vuurwerf B.V.
    1100003 | mnachtegaal | mies.nachtegaal@vuurwerf.example | Mies | Nachtegaal | M.J. | 1977-03-14 | Planner | Vuurwerf Beheer B.V.
    ");
}

#[test]
fn init_names_helloid_and_its_lines_join_the_contracts() {
    let world = world_of_contracts();
    let said = init(&world, "helloid-persons.csv", AnewSpring);
    assert_eq!(said["exported_by"], "a HelloID source file of persons");
    let contracts = init(&world, "contracts.csv", AnewSpring);
    assert_eq!(
        contracts["exported_by"],
        "a HelloID source file of contracts"
    );
    let text = said["mapping"].as_str().unwrap();
    let mut joined = text.replace("userID = \"ExternalId\"", "userID = \"feed.ExternalId\"");
    for key in ["[join]", "file =", "name =", "on =", "pick ="] {
        assert!(joined.contains(&format!("\n# {key}")), "{key} in {text}");
        joined = joined.replacen(&format!("\n# {key}"), &format!("\n{key}"), 1);
    }
    joined = joined.replacen("[fields]", "[fields]\nfunction = \"Title.Name\"", 1);
    world.write("first.toml", for_world(&world, &joined));
    world
        .run(&["import", "helloid-persons.csv", "-m", "first.toml"])
        .exits(0);
    assert_eq!(world.lms.person("1100001")["function"], "Glasblazer");
}

/// Writes a feed into the folder `exports`, so many minutes ago.
fn export(world: &World, name: &str, minutes: u64) {
    std::fs::create_dir_all(world.path("exports")).unwrap();
    let path = world.write(&format!("exports/{name}"), STAFF);
    let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    let time = file.metadata().unwrap().modified().unwrap();
    file.set_modified(time - std::time::Duration::from_mins(minutes))
        .unwrap();
}

#[test]
fn init_looks_at_the_newest_file_of_a_folder_or_a_pattern_and_says_which() {
    let world = World::new(Kmi);
    export(&world, "staff-2026-11-24.csv", 3_000);
    export(&world, "staff-2026-11-25.csv", 1_500);
    export(&world, "staff-2026-11-26.csv.part", 0);
    for feed in ["exports", "exports/staff-*.csv"] {
        let args = [
            "init",
            feed,
            "--target",
            "kmi",
            "-o",
            "staff.toml",
            "--force",
        ];
        let ran = world.run(&args).exits(0);
        let text = std::fs::read_to_string(world.path("staff.toml")).unwrap();
        assert!(text.contains("\n[source]\n"), "{text}");
        assert!(text.contains("\nfiles = \"newest\"\n"), "{text}");
        assert!(text.contains("`staff-2026-11-25.csv`"), "{text}");
        assert!(
            ran.stderr
                .contains("staff-2026-11-25.csv, the newest file of exports"),
            "{ran:?}"
        );
        // The mapping is one for the same argument, which a shell must not replace.
        world.run(&["check", feed, "-m", "staff.toml"]).exits(0);
        let quoted = if feed.contains('*') {
            format!("\"{feed}\"")
        } else {
            feed.into()
        };
        let command = format!("hrfeed plan {quoted} -m staff.toml");
        assert!(ran.stderr.contains(&command), "{command} in {ran:?}");
    }
    let ran = world.run(&["init", "exports/none-*", "--target", "kmi"]);
    assert!(ran.stderr.contains("none-*"), "{ran:?}");
    assert_eq!(ran.stdout, "");
}

#[test]
fn what_stands_in_for_an_id_is_in_the_list_of_what_is_left_to_do() {
    let world = World::new(Kmi);
    let staff = STAFF.replace("Personeelsnummer", "Nr van iets");
    world.write("staff.csv", staff);
    let ran = world
        .run(&["init", "staff.csv", "--target", "kmi"])
        .exits(0);
    let left = ran.stderr.find("Left to do:").unwrap();
    insta::assert_snapshot!(ran.stderr.get(left..).unwrap(), @"
    Left to do:
      1. Look at `where` in [source]: it leaves out 1 of 3 rows.
      2. Look at externalId: no column was recognised as the HR system's ID for a
         person: the e-mail address is used, so a person whose address changes
         becomes a new person.
      3. Read the mapping through. With it, no row of 2 has a problem. After a
         change:
           hrfeed check staff.csv -m MAPPING
      4. Try an import without your LMS and without a key, if you like:
           hrfeed import staff.csv -m MAPPING --sandbox
      5. Set `base_url` in the mapping, and KMI_API_KEY and KMI_API_SECRET in the
         environment.
      6. See what an import would do:
           hrfeed plan staff.csv -m MAPPING
    ");
    assert!(
        !ran.stderr.get(..left).unwrap().contains("externalId"),
        "{ran:?}"
    );
}

/// What `init --json` says of a feed.
fn init(world: &World, feed: &str, system: System) -> Value {
    let ran = world.run(&["init", feed, "--target", word(system), "--json"]);
    ran.exits(0).json()
}

#[test]
fn init_finds_the_required_fields_in_the_export_of_each_system() {
    let mut all = String::new();
    for (name, extension, _) in SYSTEMS {
        for system in [Kmi, AnewSpring] {
            let (world, feed) = world_of(name, extension, system);
            let said = init(&world, &feed, system);
            assert_eq!(
                said["missing"].as_array().unwrap().len(),
                0,
                "{name}: {said}"
            );
            assert_eq!(said["check"]["rejected"], 0, "{name}: {said}");
            let proposals = said["proposals"].as_array().unwrap();
            let required: &[&str] = match system {
                Kmi => &["externalId", "email", "firstName", "lastName", "loginName"],
                AnewSpring => &["userID", "login", "firstName", "lastName"],
            };
            let title = said["exported_by"].as_str().unwrap_or("-");
            writeln!(all, "{name}: {title}").unwrap();
            for field in required {
                let proposal = proposals.iter().find(|it| it["field"] == *field).unwrap();
                let setting = proposal["setting"].as_str().unwrap();
                writeln!(all, "  {field} = {setting}").unwrap();
            }
        }
    }
    insta::assert_snapshot!("required_fields", all);
}

#[test]
fn a_first_mapping_imports_the_export_of_each_system_without_a_change() {
    for (name, extension, system) in SYSTEMS {
        let (world, feed) = world_of(name, extension, *system);
        let text = init(&world, &feed, *system);
        let text = text["mapping"].as_str().unwrap();
        world.write("first.toml", for_world(&world, text));
        world.run(&["import", &feed, "-m", "first.toml"]).exits(0);
        // Whoever has left is not created.
        let ready = World::new(*system);
        let mapping = project_file(&format!("mappings/{name}.toml"));
        ready.write(&feed, project_file(&format!("fixtures/{feed}")));
        let mapping = for_world(&ready, std::str::from_utf8(&mapping).unwrap());
        ready.write("ready.toml", mapping);
        ready.run(&["import", &feed, "-m", "ready.toml"]).exits(0);
        let ids = |world: &World| {
            let ids = people(world);
            let ids = ids
                .lines()
                .map(|line| line.split(" | ").next().unwrap().to_owned());
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids(&world), ids(&ready), "{name}");
    }
}

#[test]
fn no_value_of_a_person_is_in_what_init_writes() {
    for (name, extension, system) in SYSTEMS {
        if *extension != "csv" {
            continue;
        }
        let (world, feed) = world_of(name, extension, *system);
        let ran = world
            .run(&["init", &feed, "--target", word(*system)])
            .exits(0);
        let said = ran.said();
        let text = String::from_utf8(project_file(&format!("fixtures/{feed}"))).unwrap();
        for line in text.lines().skip(1) {
            let cells = line
                .split([',', ';'])
                .map(|cell| cell.trim_matches('"').trim());
            for cell in cells.filter(|it| {
                it.contains('@') || it.chars().filter(char::is_ascii_digit).count() > 4
            }) {
                assert!(!said.contains(cell), "{name}: {cell} in {said}");
            }
        }
    }
}

const STAFF: &str = "Personeelsnummer;Roepnaam;Tussenvoegsel;Achternaam;E-mail werk;E-mail privé;Status;IBAN;Straat;Huisnr\n\
    0017;Ann;van der;Berg;a.vanderberg@example.com;;Actief;NL00;Kade;7\n\
    0018;Bo;;Kay;b.kay@example.com;bo@example.org;Uit dienst;NL01;Dijk;12a\n\
    0018;Cy;de;Ray;c.deray@example.com;;Actief;NL02;Gracht;3\n";

#[test]
fn a_first_mapping_gives_its_reasons_and_says_what_is_left_to_do() {
    let world = World::new(Kmi);
    world.write("staff.csv", STAFF);
    let ran = world
        .run(&["init", "staff.csv", "--target", "kmi", "-o", "staff.toml"])
        .exits(0);
    let text = std::fs::read_to_string(world.path("staff.toml")).unwrap();
    let begin = text.find("\n[source]").unwrap();
    let end = text.find("\n[unique]").unwrap();
    insta::assert_snapshot!(text.get(begin..end).unwrap(), @r#"

    [source]
    # Leaves out 1 of the 3 rows looked at, with "uit dienst": these people have
    # left.
    where = "row['Status']|lower != 'uit dienst'"

    # Field of the LMS = where its value comes from. Above each: why, and what the
    # cells look like (0 is a digit, a and A are letters).
    [fields]
    # By name, all filled, one value is in several rows (rows 3, 4); like 0000
    externalId = "Personeelsnummer"
    # By name, all filled; like a.aaaaaaaaaa@aaaaaaa.aaa
    email = { column = "E-mail werk", lower = true }
    # By name, all filled; like Aa | Aaa
    firstName = "Roepnaam"
    # By name, all filled; with the words before it; like aaa aaa | aa
    lastName = { template = "{{ row['Tussenvoegsel'] }} {{ row['Achternaam'] }}" }
    # No column of its own: the e-mail address is used; like
    # a.aaaaaaaaaa@aaaaaaa.aaa
    loginName = { column = "E-mail werk", lower = true }
    # By name, all filled; with the house number; like Aaaa | Aaaaaa
    address = { template = "{{ row['Straat'] }} {{ row['Huisnr'] }}" }

    # Columns of the feed that are not used:
    #   "E-mail privé": a private address
    #   "Status": see `where` in [source]
    #   "IBAN": a bank account, left alone
    # Fields of the LMS that are not set:
    #   address2, city, state, zip, country, expirationDate
    "#);
    let left = ran.stderr.find("Left to do:").unwrap();
    insta::assert_snapshot!(ran.stderr.get(left..).unwrap(), @"
    Left to do:
      1. Look at `where` in [source]: it leaves out 1 of 3 rows.
      2. Look at externalId: one value is in several rows of `Personeelsnummer`
         (rows 3, 4).
      3. Read the mapping through. With it, no row of 2 has a problem. After a
         change:
           hrfeed check staff.csv -m staff.toml
      4. Try an import without your LMS and without a key, if you like:
           hrfeed import staff.csv -m staff.toml --sandbox
      5. Set `base_url` in the mapping, and KMI_API_KEY and KMI_API_SECRET in the
         environment.
      6. See what an import would do:
           hrfeed plan staff.csv -m staff.toml
    ");
    for line in text
        .get(begin..end)
        .unwrap()
        .lines()
        .filter(|line| line.starts_with('#'))
    {
        // Settings that a person may choose are as long as they are.
        assert!(line.chars().count() <= 80 || line.contains(" = "), "{line}");
    }
}

#[test]
fn a_surname_is_right_with_and_without_what_stands_before_it() {
    let world = World::new(Kmi);
    let staff = STAFF.replace("0018;Cy", "0019;Cy");
    world.write("staff.csv", staff);
    world
        .run(&["init", "staff.csv", "--target", "kmi", "-o", "staff.toml"])
        .exits(0);
    let text = std::fs::read_to_string(world.path("staff.toml")).unwrap();
    world.write("staff.toml", for_world(&world, &text));
    world
        .run(&["import", "staff.csv", "-m", "staff.toml"])
        .exits(0);
    insta::assert_snapshot!(people(&world), @"
    0017 | a.vanderberg@example.com | a.vanderberg@example.com | Ann | van der Berg | Kade 7
    0019 | c.deray@example.com | c.deray@example.com | Cy | de Ray | Gracht 3
    ");
}

#[test]
fn init_prints_one_object_with_json_and_writes_the_mapping_all_the_same() {
    let world = World::new(Kmi);
    world.write("staff.csv", STAFF);
    let ran = world
        .run(&[
            "init",
            "staff.csv",
            "--target",
            "kmi",
            "-o",
            "staff.toml",
            "--json",
        ])
        .exits(0);
    let said = ran.json();
    let written = std::fs::read_to_string(world.path("staff.toml")).unwrap();
    assert_eq!(said["mapping"], written);
    assert_eq!(said["command"], "init");
    assert_eq!(said["schema"], 1);
    assert_eq!(said["check"]["rejected"], 0);
    assert_eq!(said["check"]["skipped"], 1);
    let iban = said["unused"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["column"] == "IBAN");
    assert_eq!(iban.unwrap()["why"], "a bank account, left alone");
    assert!(said["left_to_do"].as_array().unwrap().len() >= 4);
    let id = &said["proposals"][0];
    assert_eq!(id["field"], "externalId");
    assert_eq!(id["setting"], "\"Personeelsnummer\"");
    assert_eq!(id["shapes"][0], "0000");
}

#[test]
fn an_empty_column_of_dates_is_mapped_with_a_word_on_their_form() {
    let world = World::new(Kmi);
    let init = ["init", "staff.csv", "--target", "kmi"];
    let staff = "Employee ID,First name,Last name,E-mail,Termination date\n\
        17,Ann,Lee,ann@example.com,\n18,Bo,Kay,bo@example.com,\n";
    world.write("staff.csv", staff);
    let ran = world.run(&init).exits(0);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        ran.stdout
            .contains("expirationDate = { column = \"Termination date\", empty = \"clear\" }"),
        "{ran:?}"
    );
    let expected = "Look at expirationDate: the column is empty, so nothing shows how its dates are \
                written: if not as 2026-12-31, write it, such as date = \"%d-%m-%Y\"";
    assert!(said.contains(expected), "{ran:?}");
    // A date shows it.
    world.write(
        "staff.csv",
        staff.replace("ann@example.com,", "ann@example.com,2031-01-31"),
    );
    let ran = world.run(&init).exits(0);
    assert!(!ran.stderr.contains("the column is empty"), "{ran:?}");
}

#[test]
fn russian_names_of_columns_are_known() {
    let world = World::new(Kmi);
    world.write(
        "staff.csv",
        "№ п/п;Табельный номер;Фамилия;Имя;Отчество;Должность;Подразделение;E-mail;Дата увольнения;ИНН\n\
         1;00017;Иванов;Пётр;Ильич;Инженер;ИТ;p.ivanov@example.com;31.12.2026;77\n\
         2;00018;Смирнова;Анна;Игоревна;Бухгалтер;ФЭО;a.smirnova@example.com;;78\n\
         3;00021;Попов;Олег;Львович;Инженер;ИТ;o.popov@example.com;;79\n",
    );
    let ran = world
        .run(&["init", "staff.csv", "--target", "kmi"])
        .exits(0);
    for line in [
        "externalId = \"Табельный номер\"",
        "firstName = \"Имя\"",
        "lastName = \"Фамилия\"",
        "email = { column = \"E-mail\", lower = true }",
        "expirationDate = { column = \"Дата увольнения\", date = \"%d.%m.%Y\", empty = \"clear\" }",
        "\"ИНН\": a number of an authority, left alone",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {ran:?}");
    }
}

#[test]
fn a_file_without_a_header_gets_a_mapping_by_letters() {
    let people =
        "K-17;Ann;Lee;ann@example.com\nK-18;Bo;Kay;bo@example.com\nK-21;Cy;Ray;cy@example.com\n";
    let world = World::new(Kmi);
    world.write("staff.csv", people);
    let ran = world
        .run(&["init", "staff.csv", "--target", "kmi"])
        .exits(0);
    for line in [
        "header = false",
        "externalId = \"A\"",
        "email = { column = \"D\", lower = true }",
        "# ? firstName = ",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {ran:?}");
    }
    assert!(
        ran.stderr.contains("row 1 is a person and not a header"),
        "{ran:?}"
    );
    // Stdin can be read once only.
    let init = ["init", "-", "--target", "kmi"];
    let ran = world.run_with_stdin(&init, people.as_bytes()).exits(0);
    assert!(ran.stderr.contains("--no-header"), "{ran:?}");
    let init = ["init", "-", "--target", "kmi", "--no-header"];
    let ran = world.run_with_stdin(&init, people.as_bytes()).exits(0);
    assert!(ran.stdout.contains("externalId = \"A\""), "{ran:?}");
    for odd in [
        "Lee,Ann,1990-01-31,x\nKay,Bo,1991-12-01,y\n",
        "119387,Lee,Ann\n116266,Kay,Bo\n",
    ] {
        world.write("odd.csv", odd);
        let ran = world.run(&["init", "odd.csv", "--target", "kmi"]).exits(0);
        assert!(ran.stdout.contains("header = false"), "{ran:?}");
    }
    // A header is one, whatever it is called.
    world.write("odd.csv", "Aap,Noot,2026\n1,Ann,3\n2,Bo,4\n");
    let ran = world.run(&["init", "odd.csv", "--target", "kmi"]).exits(0);
    assert!(!ran.stdout.contains("header = false"), "{ran:?}");
}

/// A list from Excel in Germany: windows-1252, signs of cars, `Anrede` for the gender.
const PERSONAL: &str = "\
    Personalnummer;Anrede;Titel;Vorname;Nachname;E-Mail;Tel. dienstl.;Straße;Hausnr.;PLZ;Ort;Land;Eintritt;Austritt;Status\r\n\
    00712;Frau;Dr.;Änne;Größl;aenne.groessl@example.com;0341/555-712;Mühlgasse;4;04107;Leipzig;D;01.01.1999;;aktiv\r\n\
    00815;Herr;;Jürgen;Müller;juergen.mueller@example.com;;Ringstraße;17a;1010;Wien;A;25.07.2008;31.12.2031;aktiv\r\n\
    00820;Herr;;Bernd;Auer;bernd.auer@example.com;;Allee;101;1010;Wien;A;15.10.2018;30.06.2026;ausgetreten\r\n";

/// An AFAS export whose first row has technical names, and whose second explains them.
const TWO_ROWS: &str = "\
    EmId;Rn;VvG;Nm;EmW;EmP;Mb;LgMail;DaIn;DaUit\r\n\
    Medewerker;Roepnaam;Voorvoegsel geboortenaam;Geboortenaam;E-mail werk;E-mail privé;Mobiel werk;E-mail leidinggevende;Datum in dienst;Datum uit dienst\r\n\
    001021;Yara;van der;Wal;y.vanderwal@example.com;yara@example.org;06-55510201;h.bos@example.com;01-06-2012;\r\n\
    001022;Zeno;;Bosman;z.bosman@example.com;;;h.bos@example.com;15-01-2008;31-12-2031\r\n";

#[test]
fn crooked_exports_are_imported_by_their_first_mappings_as_they_are() {
    let mut all = String::new();
    let latin: Vec<u8> = PERSONAL
        .chars()
        .map(|char| u8::try_from(u32::from(char)).unwrap())
        .collect();
    for (name, feed) in [("personal", latin), ("afas", TWO_ROWS.into())] {
        for system in [Kmi, AnewSpring] {
            let world = World::new(system);
            world.write("people.csv", &feed);
            let text = init(&world, "people.csv", system);
            let text = text["mapping"].as_str().unwrap();
            world.write("first.toml", for_world(&world, text));
            world
                .run(&["import", "people.csv", "-m", "first.toml"])
                .exits(0);
            writeln!(all, "{name}, {}\n{}", word(system), people(&world)).unwrap();
        }
    }
    insta::assert_snapshot!(all, @"
    personal, kmi
    00712 | aenne.groessl@example.com | aenne.groessl@example.com | Änne | Größl | Mühlgasse 4 | Leipzig | 04107 | DE
    00815 | juergen.mueller@example.com | juergen.mueller@example.com | Jürgen | Müller | Ringstraße 17a | Wien | 1010 | AT | 2031-12-31
    personal, anewspring
    00712 | aenne.groessl@example.com | aenne.groessl@example.com | Änne | Größl | female | 0341/555-712 | Mühlgasse 4 | Leipzig | 04107 | D
    00815 | juergen.mueller@example.com | juergen.mueller@example.com | Jürgen | Müller | male | Ringstraße 17a | Wien | 1010 | A
    afas, kmi
    001021 | y.vanderwal@example.com | y.vanderwal@example.com | Yara | van der Wal
    001022 | z.bosman@example.com | z.bosman@example.com | Zeno | Bosman | 2031-12-31
    afas, anewspring
    001021 | y.vanderwal@example.com | y.vanderwal@example.com | Yara | van der | Wal | 06-55510201
    001022 | z.bosman@example.com | z.bosman@example.com | Zeno | Bosman
    ");
}

#[test]
fn a_first_mapping_fits_a_terminal_and_a_mail_however_long_the_names_are() {
    let long = "What is the name of the department in which you work most of the days of a week";
    let feed =
        format!("Employee ID,{long}?,First name,Surname,E-mail\n1,Care,Ann,Lee,a@example.com\n");
    for system in [Kmi, AnewSpring] {
        let world = World::new(system);
        let name = format!("{} (2026).csv", long.replace(' ', "-"));
        world.write(&name, &feed);
        let ran = world.run(&["init", &name, "--target", word(system)]);
        for line in ran.exits(0).stdout.lines() {
            let words = line.trim_start_matches(['#', ' ']).split(' ');
            let is_word = words.count() == 1;
            // What a program reads is as long as it is.
            let is_setting = line.contains(" = ");
            assert!(
                line.chars().count() <= 79 || is_word || is_setting,
                "{line}"
            );
        }
    }
}

#[test]
fn a_contract_without_an_end_clears_the_last_day_with_the_first_mapping() {
    let world = World::new(Kmi);
    let staff = |end: &str| {
        format!(
            "Employee ID,First name,Last name,E-mail,End date\n\
             17,Ann,Lee,ann@example.com,{end}\n18,Bo,Kay,bo@example.com,31-12-2029\n"
        )
    };
    world.write("staff.csv", staff("30-06-2029"));
    let init = ["init", "staff.csv", "--target", "kmi", "-o", "first.toml"];
    world.run(&init).exits(0);
    let first = std::fs::read_to_string(world.path("first.toml")).unwrap();
    let why = "# The last day on which a person can sign in. A new contract without an end";
    assert!(first.contains(why), "{first}");
    let own = world.mapping();
    let (target, _) = own.split_once("[fields]").unwrap();
    let (_, fields) = first.split_once("[fields]").unwrap();
    world.write("first.toml", format!("{target}[fields]{fields}"));
    let import = ["import", "staff.csv", "-m", "first.toml", "--json"];
    world.run(&import).exits(0);
    assert_eq!(world.lms.person("17")["expirationDate"], "2029-06-30");
    world.write("staff.csv", staff(""));
    assert_eq!(world.run(&import).exits(0).count("updated"), 1);
    let left = &world.lms.person("17")["expirationDate"];
    assert!(left.is_null() || left == "", "{left}");
}
