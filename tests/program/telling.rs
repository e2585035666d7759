//! What goes wrong is told in one way by every command, in the summary, in the JSON and on
//! the page.

use hrfeed::sandbox::Faults;
use serde_json::{Value, json};

use crate::support::System::Kmi;
use crate::support::{Feed, World, on_each_system};

const CHECK: &[&str] = &["check", "people.csv", "-m", "mapping.toml"];
const PLAN: &[&str] = &["plan", "people.csv", "-m", "mapping.toml"];

/// Eight rows without an e-mail address, one of which has a second fault, and a duplicate.
fn faulty() -> Feed {
    let mut feed = Feed::of(30);
    for person in &mut feed.people[2..10] {
        person.email = "nobody".into();
    }
    feed.people[2].end = Some((31, 2, 2030));
    feed.people[20].id = "E00022".into();
    feed
}

fn causes(report: &Value) -> Vec<Value> {
    report["causes"].as_array().unwrap().clone()
}

/// A page as its reader sees it.
fn page(world: &World) -> String {
    let path = world.arg("report.html");
    world.run(&["report", "-o", &path]).exits(0);
    let page = std::fs::read_to_string(path).unwrap();
    page.replace("<code>", "`").replace("</code>", "`")
}

#[test]
fn every_command_groups_causes_alike_one_fault_each_with_up_to_five_rows() {
    let world = World::new(Kmi).parts("[guards]\nmax_rejected = \"100%\"");
    world.feed(&faulty());
    let json = |arguments: &[&str]| causes(&world.run(&[arguments, &["--json"]].concat()).json());
    let checked = json(CHECK);
    let [email, duplicate, date] = &checked[..] else {
        panic!("{checked:#?}")
    };
    assert_eq!(
        *email,
        json!({
            "rule": "email", "field": "email", "column": "Work e-mail", "value": null,
            "status": null, "outcome": "rejected",
            "message": "column `Work e-mail` (email): is not an e-mail address", "count": 8,
            "rows": [{"row": 4}, {"row": 5}, {"row": 6}, {"row": 7}, {"row": 8}],
            "help": "Enter one complete address, such as ann@example.com."
        })
    );
    assert_eq!(
        (&duplicate["count"], &duplicate["rule"]),
        (&json!(2), &json!("duplicate"))
    );
    assert_eq!(duplicate["rows"], json!([{"row": 22}, {"row": 23}]));
    assert_eq!((&date["count"], &date["rule"]), (&json!(1), &json!("date")));
    assert_eq!(date["rows"], json!([{"row": 4}]));
    assert_eq!(json(PLAN), checked);
    assert_eq!(causes(&world.import().exits(3).json()), checked);
    assert_eq!(json(&["show"]), checked);

    // The same lines in the texts and on the page.
    let lines = |text: &str| {
        let (_, behind) = text.split_once("Wrong in the feed\n").unwrap();
        let lines = behind.split("\n\n").next().unwrap();
        lines.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said = lines(&world.run(CHECK).stdout);
    assert!(
        said.starts_with(
            "8 column `Work e-mail` (email): is not an e-mail address (rows 4, 5, 6, 7, 8 …) \
                 2 column `Employee ID` ("
        ),
        "{said}"
    );
    assert_eq!(lines(&world.run(PLAN).stdout), said);
    assert_eq!(lines(&world.run(&["show"]).stdout), said);
    let page = page(&world);
    assert!(page.contains("<h3>Wrong in the feed</h3>"), "{page}");
    assert!(page.contains("(rows 4, 5, 6, 7, 8 …)"), "{page}");
}

#[test]
fn rows_that_are_wrong_in_the_feed_and_rows_that_the_lms_refuses_are_two_counts() {
    on_each_system(|system| {
        let faults = Faults {
            refuse: 0.3,
            ..Faults::default()
        };
        let world = World::failing(system, faults).parts("[guards]\nmax_rejected = \"100%\"");
        world.feed(&faulty());
        let plan = world.plan().exits(3);
        assert_eq!((plan.count("invalid"), plan.count("refused")), (10, 0));
        let ran = world.import().exits(3);
        let refused = ran.count("refused");
        assert!(refused > 0, "{ran:#?}");
        assert_eq!(ran.count("invalid"), 10);
        assert_eq!(ran.count("rejected"), 10 + refused);

        let shown = world.run(&["show", "--json"]).exits(0).json();
        assert_eq!(shown["counts"], ran.json()["counts"]);
        let of_lms: Vec<_> = causes(&shown)
            .into_iter()
            .filter(|cause| cause["rule"].is_null())
            .collect();
        let sum: u64 = of_lms.iter().map(|it| it["count"].as_u64().unwrap()).sum();
        assert_eq!(sum, refused);
        assert!(
            of_lms
                .iter()
                .all(|it| it["status"] == 400 && it["help"].is_null())
        );

        let text = world.run(&["show"]).stdout;
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let invalid = "invalid 10 wrong in the feed";
        let said = format!("refused {refused} the LMS did not accept them");
        assert!(words.contains(invalid) && words.contains(&said), "{text}");
        assert!(text.contains("Wrong in the feed\n"), "{text}");
        assert!(text.contains("Refused by the LMS\n"), "{text}");
        let page = page(&world);
        for tile in [
            "<b>10</b>invalid".to_owned(),
            format!("<b>{refused}</b>refused"),
        ] {
            assert!(page.contains(&tile), "{tile} {page}");
        }
        let runs = world.run(&["runs", "--json"]).exits(0).json();
        assert_eq!(runs["runs"][0]["counts"], shown["counts"]);
    });
}

/// A world with rows whose countries are these.
fn with_countries(column: &str, countries: impl IntoIterator<Item = &'static str>) -> World {
    let world = World::new(Kmi).parts("[guards]\nmax_rejected = \"100%\"");
    let mut feed = Feed::of(60);
    for (person, country) in feed.people.iter_mut().zip(countries) {
        person.country = country;
    }
    world.feed(&feed);
    let mapping = world.mapping();
    let line = mapping.lines().find(|line| line.starts_with("country = "));
    let other = format!("country = \"{column}\"");
    world.write("mapping.toml", mapping.replace(line.unwrap(), &other));
    world
}

#[test]
fn a_wrong_country_that_many_rows_have_is_named_where_nothing_is_kept() {
    let wrong = ["Neverland"; 12]
        .into_iter()
        .chain(["Atlantis", "a@b.example"]);
    let world = with_countries("Country", wrong);
    let said = "column `Country` (country): `Neverland` is not a known country";
    for command in [CHECK, PLAN] {
        let ran = world.run(command).exits(3);
        let (_, causes) = ran.stdout.split_once("Wrong in the feed\n").unwrap();
        assert!(causes.contains(said), "{ran:#?}");
        let ran = world.run(&[command, &["--json"]].concat()).exits(3);
        let causes = causes_of_country(&ran.json());
        assert_eq!(causes[0]["value"], "Neverland");
        assert_eq!(causes[0]["count"], 12);
        assert_eq!(causes[0]["rows"].as_array().unwrap().len(), 5);
        // What only one row has may be a person's.
        assert_eq!(causes[1]["value"], Value::Null);
        assert_eq!(causes[1]["count"], 2);
        assert!(!ran.stdout.contains("Atlantis") && !ran.stdout.contains("a@b.example"));
    }
    let ran = world.import().exits(3);
    let page = page(&world);
    for text in [
        ran.said(),
        world.run(&["rows"]).said(),
        page,
        world.journal_text(),
    ] {
        assert!(!text.contains("Neverland"), "{text}");
    }
}

fn causes_of_country(report: &Value) -> Vec<Value> {
    let mut causes = causes(report);
    causes.retain(|cause| cause["rule"] == "country");
    causes
}

#[test]
fn no_value_is_named_of_a_column_that_is_not_of_countries() {
    let world = with_countries("Last name", []);
    for command in [CHECK, PLAN] {
        let ran = world.run(&[command, &["--json"]].concat());
        let causes = causes_of_country(&ran.json());
        assert!(!causes.is_empty());
        assert!(
            causes.iter().all(|cause| cause["value"].is_null()),
            "{ran:#?}"
        );
    }
}
