//! `hrfeed schema`: what editors and scripts are given is true of the program.

use std::path::{Path, PathBuf};

use hrfeed::mapping::Mapping;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use toml::{Table, Value as Toml};

use crate::support::System::Kmi;
use crate::support::schemas::{assert_mapping, editor_errors, errors};
use crate::support::{Feed, World, run};

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The files of a folder of the repository that end so.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.to_str().unwrap().ends_with(ending));
    files.sort();
    files
}

/// The mappings of the repository: those that are ready, and those with every key.
fn mappings() -> Vec<PathBuf> {
    let every_key = files("tests/mappings", ".toml");
    [files("mappings", ".toml"), every_key].concat()
}

#[test]
fn the_ready_mappings_are_right_in_an_editor() {
    let all = mappings();
    assert!(all.len() > 15, "{all:?}");
    for path in all {
        let text = read(&path);
        let errors = editor_errors(&text.parse().unwrap());
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}

/// The pieces of mappings in a page.
fn pieces(page: &str) -> Vec<Table> {
    let blocks = page.split("```toml").skip(1);
    // Behind the word may be the name of a file.
    let texts = blocks.map(|block| {
        let (_, text) = block.split_once('\n').unwrap();
        text.split("```").next().unwrap()
    });
    texts.map(|text| text.parse().unwrap()).collect()
}

/// A mapping with a piece in it.
fn with_piece(mut mapping: Table, piece: &Table) -> Table {
    for (section, value) in piece {
        match (mapping.get_mut(section), value) {
            (Some(Toml::Table(own)), Toml::Table(more)) => own.extend(more.clone()),
            _ => drop(mapping.insert(section.clone(), value.clone())),
        }
    }
    mapping
}

#[test]
fn the_pieces_of_the_documentation_are_right_in_an_editor() {
    let ready = ["kmi.toml", "anewspring.toml"].map(|name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("mappings")
            .join(name);
        read(&path).parse::<Table>().unwrap()
    });
    let pages = [files("docs", ".md"), files(".", "README.md")].concat();
    let mut checked = 0;
    for page in pages {
        for piece in pieces(&read(&page)) {
            let of = |mapping: &Table| {
                let mut errors = editor_errors(&with_piece(mapping.clone(), &piece));
                // What a reader has to fill in.
                errors.retain(|error| !error.contains('…'));
                errors
            };
            let errors = ready.each_ref().map(of);
            // Some pieces are of one system only.
            let is_right = errors.iter().any(Vec::is_empty);
            assert!(is_right, "{}: {errors:#?}\n{piece}", page.display());
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}

/// What is done to one value of a mapping.
#[derive(Clone, Debug)]
enum Mutation {
    Rename(String),
    Remove,
    Replace(Toml),
    List,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let texts = prop_oneof![
        "[a-z%0-9 ]{0,8}",
        prop::sample::select(vec![
            "5%", "30s", "7 days", "keep", "newest", "today", "NL", ".md5"
        ])
        .prop_map(str::to_owned),
    ];
    let value = prop_oneof![
        texts.prop_map(Toml::String),
        (-3_i64..2_000).prop_map(Toml::Integer),
        (-2.5_f64..100.0).prop_map(Toml::Float),
        any::<bool>().prop_map(Toml::Boolean),
        Just(Toml::Array(Vec::new())),
        Just(Toml::Table(Table::new())),
        Just(Toml::Datetime("2027-01-31".parse().unwrap())),
    ];
    prop_oneof![
        2 => "[a-z_]{1,6}".prop_map(Mutation::Rename),
        1 => Just(Mutation::Remove),
        4 => value.prop_map(Mutation::Replace),
        1 => Just(Mutation::List),
    ]
}

/// How many values a table has, with those in it.
fn size(table: &Table) -> usize {
    let below = |value: &Toml| value.as_table().map_or(0, size);
    table.values().map(|value| 1 + below(value)).sum()
}

/// Changes the value with this number.
fn mutate(table: &mut Table, mut number: usize, mutation: &Mutation) {
    let keys: Vec<_> = table.keys().cloned().collect();
    for key in keys {
        if number == 0 {
            let old = table.remove(&key).unwrap();
            match mutation {
                Mutation::Rename(more) => drop(table.insert(key + more, old)),
                Mutation::Remove => {}
                Mutation::Replace(value) => drop(table.insert(key, value.clone())),
                Mutation::List => drop(table.insert(key, Toml::Array(vec![old]))),
            }
            return;
        }
        number -= 1;
        if let Some(Toml::Table(below)) = table.get_mut(&key) {
            let inside = size(below);
            if number < inside {
                return mutate(below, number, mutation);
            }
            number -= inside;
        }
    }
}

/// Whether an error is about a key, a field or a type, which an editor can judge.
fn is_structural(message: &str) -> bool {
    // To an editor, a date is a text.
    let is_of_type = message.contains(" must be ") && message.contains(", not ");
    message.contains("unknown key")
        || message.contains(" has no field `")
        || is_of_type && !message.ends_with("not a date")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_editor_and_the_program_agree_on_mappings_that_somebody_spoiled(
        (base, at, mutation) in (any::<Index>(), any::<Index>(), mutation())
    ) {
        let paths = mappings();
        let path = base.get(&paths);
        let mut mapping: Table = read(path).parse().unwrap();
        let number = at.index(size(&mapping));
        mutate(&mut mapping, number, &mutation);
        let errors = editor_errors(&mapping);
        match Mapping::parse(path, &toml::to_string(&mapping).unwrap()) {
            Ok(_) => prop_assert!(errors.is_empty(), "{:?}\n{}", errors, mapping),
            Err(error) => {
                let message = error.to_string();
                let must_be_seen = is_structural(&message);
                prop_assert!(!must_be_seen || !errors.is_empty(), "{}\n{}", message, mapping);
            }
        }
    }
}

/// Every object within a value, as a pointer to it.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.to_owned());
            for (name, field) in fields {
                objects(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn tests_refuse_a_field_that_the_schema_does_not_have_and_one_that_is_gone_or_another() {
    let world = World::new(Kmi);
    let feed = Feed::of(3).change(1, |person| person.email = "no address".into());
    world.import_feed(&feed).exits(3);
    let check = ["check", "people.csv", "-m", "mapping.toml", "--json"];
    for (name, object) in [
        ("check", world.run(&check).exits(3).json()),
        ("show", world.run(&["show", "--json"]).exits(0).json()),
        ("runs", world.run(&["runs", "--json"]).exits(0).json()),
        ("row", world.rows().remove(0)),
    ] {
        assert_eq!(errors(name, &object), [""; 0]);
        let mut places = Vec::new();
        objects(&object, "", &mut places);
        for place in places {
            let change = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
                let mut changed = object.clone();
                change(
                    changed
                        .pointer_mut(&place)
                        .unwrap()
                        .as_object_mut()
                        .unwrap(),
                );
                errors(name, &changed).is_empty()
            };
            // Its keys are codes of rules, which are more than there are now.
            if !place.ends_with("finding_kinds") {
                let more = change(&|it| drop(it.insert("more".into(), 1.into())));
                assert!(!more, "{name}{place} may have more");
            }
            for field in object.pointer(&place).unwrap().as_object().unwrap().keys() {
                let other =
                    change(&|it| drop(it.insert(field.clone(), Value::Array(vec![7.into()]))));
                assert!(!other, "{name}{place}/{field} may be anything");
            }
        }
    }
    let run = world.run(&["show", "--json"]).json();
    for field in run.as_object().unwrap().keys() {
        let mut less = run.clone();
        less.as_object_mut().unwrap().remove(field);
        assert!(!errors("show", &less).is_empty(), "{field} may be gone");
    }
}

#[test]
fn a_schema_is_printed_or_written_over_an_older_one_and_over_nothing_else() {
    let world = World::new(Kmi);
    let printed = world.run(&["schema"]).exits(0).stdout;
    assert_eq!(printed, world.run(&["schema", "mapping"]).exits(0).stdout);
    let schema: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    let write = ["schema", "-o", "hrfeed-mapping.json"];
    for _ in 0..2 {
        let ran = world.run(&write).exits(0);
        assert_eq!(ran.stdout, "");
        assert_eq!(read(&world.path("hrfeed-mapping.json")), printed);
    }
    world.write(
        "mine.json",
        "{\"$schema\": \"http://json-schema.org/draft-07/schema#\"}",
    );
    let refused = world.run(&["schema", "-o", "mine.json"]).exits(2);
    assert!(
        refused.stderr.contains("not a schema that hrfeed wrote"),
        "{refused:#?}"
    );
    world
        .run(&["schema", "output", "-o", "mine.json", "--force"])
        .exits(0);
    assert!(read(&world.path("mine.json")).contains("Output of hrfeed --json"));
    let object = run(&["schema", "--json"]).exits(0).json();
    assert_eq!(object["document"], schema);
}

#[test]
fn a_mapping_may_name_its_schema_in_its_first_line() {
    let world = World::new(Kmi);
    let text = format!("#:schema hrfeed-mapping.json\n{}", world.mapping());
    let path = world.write("mapping.toml", &text);
    assert_mapping(&path, &text);
    world.feed(&Feed::of(2));
    world
        .run(&["check", "people.csv", "-m", "mapping.toml"])
        .exits(0);
}
