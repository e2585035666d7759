//! The schema against the readers of the mapping: they decide.

use std::collections::BTreeSet;
use std::path::Path;

use jsonschema::Validator;
use toml::{Table, Value as Toml};

use super::super::Mapping;
use super::*;

fn validator() -> Validator {
    jsonschema::draft7::new(&json_schema()).unwrap()
}

/// A TOML value as an editor checks it: a date is a text.
fn as_json(value: &Toml) -> Value {
    match value {
        Toml::Datetime(day) => day.to_string().into(),
        Toml::Array(items) => items.iter().map(as_json).collect(),
        Toml::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| (key.clone(), as_json(value)));
            entries.collect::<Map<_, _>>().into()
        }
        other => serde_json::to_value(other).unwrap(),
    }
}

/// A mapping that is right.
fn base(spec: &SystemSpec) -> Table {
    let secret = if spec.secret_header.is_some() {
        "api_secret = { env = \"S\" }\n"
    } else {
        ""
    };
    let required = spec.fields.iter().filter(|field| field.required);
    let fields: Vec<_> = required
        .map(|field| format!("{0} = \"{0}\"", field.name))
        .collect();
    let fields = fields.join("\n");
    let group = if spec.of_group.is_empty() {
        ""
    } else {
        "group = \"Group\"\n"
    };
    let text = format!(
        "[target]\nsystem = \"{}\"\nbase_url = \"https://lms.example.com\"\n\
         api_key = {{ env = \"K\" }}\n{secret}[fields]\n{fields}\n{group}\
         [leavers]\naction = \"{}\"\n",
        spec.word,
        if spec.can_deactivate {
            "deactivate"
        } else {
            "delete"
        }
    );
    text.parse().unwrap()
}

/// What the program says: nothing, or the error and the advice.
fn verdict(mapping: &Table) -> Result<(), (String, String)> {
    let text = toml::to_string(mapping).unwrap();
    match Mapping::parse(Path::new("m.toml"), &text) {
        Ok(_) => Ok(()),
        Err(error) => Err((error.to_string(), error.help().unwrap_or_default())),
    }
}

/// A value that a kind can have.
fn sample(kind: &Kind) -> Toml {
    let text = |text: &str| Toml::String(text.to_owned());
    match kind {
        Kind::Text | Kind::SomeText | Kind::Constant | Kind::Field => text("Some"),
        Kind::Formed(_, example) => text(example),
        Kind::Flag => true.into(),
        Kind::Whole(least, _) => i64::from(*least).max(1).into(),
        Kind::Positive(_) => 2.5.into(),
        Kind::Word(words) => text(words[0]),
        Kind::System => text(System::ALL[0].word()),
        Kind::Checksum => text(checksum_endings().next().unwrap()),
        Kind::Adoptable => text(System::ALL[0].spec().adoptable[0]),
        Kind::Texts | Kind::SomeTexts => vec![text("Some")].into(),
        Kind::Fields | Kind::SomeFields => vec![text("email")].into(),
        Kind::Roles => vec![text("Administrator")].into(),
        Kind::Table(keys) | Kind::Tables(keys) => filled(keys, None).into(),
        Kind::AllFields => base(System::ALL[0].spec()).remove("fields").unwrap(),
        Kind::SetFields => Table::from_iter([("expirationDate".to_owned(), text("today"))]).into(),
        Kind::Map => Table::from_iter([("from".to_owned(), text("to"))]).into(),
        Kind::No => false.into(),
        Kind::OneOf(kinds) => sample(&kinds[0]),
    }
}

/// A table with what it cannot be without, if `key` is added.
fn filled(keys: &Keys, key: Option<&str>) -> Table {
    let mut table = Table::new();
    for needed in keys.entries.iter().filter(|it| it.is_needed) {
        table.insert(needed.name.to_owned(), sample(&needed.kind));
    }
    let is_said = key.is_some_and(|key| keys.one_of.contains(&key));
    if let (Some(first), false) = (keys.one_of.first(), is_said) {
        let first = keys.entries.iter().find(|it| it.name == *first).unwrap();
        table.insert(first.name.to_owned(), sample(&first.kind));
    }
    for (_, other) in keys.pairs.iter().filter(|(one, _)| Some(*one) == key) {
        let other = keys.entries.iter().find(|it| it.name == *other).unwrap();
        table.insert(other.name.to_owned(), sample(&other.kind));
    }
    table
}

/// A table of the mapping: the keys that lead to it, each with the table in which it is.
type Way = Vec<(&'static Keys, &'static str)>;

/// Every table of a mapping, with the way to it.
fn tables() -> Vec<(Way, &'static Keys)> {
    fn below(way: &Way, keys: &'static Keys, found: &mut Vec<(Way, &'static Keys)>) {
        found.push((way.clone(), keys));
        for key in keys.entries {
            let way: Way = way.iter().copied().chain([(keys, key.name)]).collect();
            of_kind(&way, &key.kind, found);
        }
    }
    fn of_kind(way: &Way, kind: &'static Kind, found: &mut Vec<(Way, &'static Keys)>) {
        match kind {
            Kind::Table(keys) | Kind::Tables(keys) => below(way, keys, found),
            Kind::OneOf(kinds) => kinds.iter().for_each(|kind| of_kind(way, kind, found)),
            Kind::AllFields => {
                static FIELDS: Keys = Keys {
                    entries: &[],
                    one_of: &[],
                    is_never_empty: false,
                    pairs: &[],
                };
                let way = way
                    .iter()
                    .copied()
                    .chain([(&FIELDS, "firstName")])
                    .collect();
                below(&way, &FIELD, found);
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    below(&Vec::new(), &MAPPING, &mut found);
    found
}

/// A mapping with this value of a key in a table, and what else must be there for it.
fn with(spec: &SystemSpec, way: &Way, keys: &Keys, (key, value): (&str, Toml)) -> Table {
    let mut mapping = base(spec);
    let mut at = &mut mapping;
    for (index, (of, name)) in way.iter().enumerate() {
        if index > 0 {
            for (key, value) in filled(of, Some(name)) {
                at.entry(key).or_insert(value);
            }
        }
        let entry = at.entry(*name).or_insert_with(|| Table::new().into());
        if !entry.is_table() {
            *entry = Table::new().into();
        }
        at = entry.as_table_mut().unwrap();
    }
    if !way.is_empty() {
        for (key, value) in filled(keys, Some(key)) {
            at.entry(key).or_insert(value);
        }
    }
    at.insert(key.to_owned(), value);
    mapping
}

fn place(way: &Way, key: &str) -> String {
    let names = way.iter().map(|(_, name)| *name).chain([key]);
    names.collect::<Vec<_>>().join(".")
}

/// Values of every type, and texts of many forms.
fn values() -> Vec<Toml> {
    let texts = [
        "zz",
        "",
        " ",
        "5%",
        "105%",
        "30s",
        "1h 30m",
        "PT5M",
        "7 days",
        "2 weeks",
        "90d",
        "3 feeds",
        "2027-01-31",
        "4 GiB",
        "20000",
        "https://x.example",
        "http://x.example",
        "x.example",
        "SHA256:zz",
        "E164",
        "e.164",
        "NL",
        "today",
        "true",
        "-1",
        "7",
    ];
    let texts = texts.iter().map(|it| Toml::String((*it).to_owned()));
    let others = [
        Toml::Integer(7),
        Toml::Integer(0),
        Toml::Integer(-1),
        Toml::Integer(i64::MAX),
        Toml::Float(1.5),
        Toml::Float(-1.5),
        Toml::Boolean(true),
        Toml::Boolean(false),
        Toml::Array(Vec::new()),
        Toml::Array(vec!["zz".into()]),
        Toml::Array(vec!["email".into()]),
        Toml::Array(vec![7.into()]),
        Toml::Table(Table::new()),
        Toml::Table(Table::from_iter([("zz".to_owned(), Toml::Integer(1))])),
        Toml::Table(Table::from_iter([(
            "zz".to_owned(),
            Toml::String("z".into()),
        )])),
        Toml::Datetime("2027-01-31".parse().unwrap()),
        Toml::Datetime("2027-01-31T10:00:00Z".parse().unwrap()),
    ];
    texts.chain(others).collect()
}

/// Whether an error is about a key, a type or a word, which a schema can judge.
fn is_structural((message, help): &(String, String)) -> bool {
    // To an editor, a date is a text.
    let is_of_type = message.contains(" must be ")
        && message.contains(", not ")
        && !message.ends_with("not a date")
        || message.contains("must be true or false")
        || message.contains("must be a whole number")
        || message.contains("must be a number above 0");
    let is_word = message.contains("cannot be \"") && help.starts_with("possible values: \"");
    message.contains("unknown key") || is_of_type || is_word
}

#[test]
fn the_schema_has_every_key_that_the_readers_know_and_no_other() {
    for (way, keys) in tables() {
        let mut known = BTreeSet::new();
        for spec in System::ALL.iter().map(|it| it.spec()) {
            let is_groups = way.first().is_some_and(|(_, name)| *name == "groups");
            if is_groups && spec.of_group.is_empty() {
                continue;
            }
            let mapping = with(spec, &way, keys, ("zzqqxx", true.into()));
            let (message, help) = verdict(&mapping).unwrap_err();
            if !message.contains("unknown key `zzqqxx`") {
                // This system has no such table.
                assert!(message.contains("API key and no secret"), "{message}");
                continue;
            }
            let all = help.strip_prefix("known keys: ");
            let all = all.unwrap_or_else(|| panic!("{}: {help}", place(&way, "zzqqxx")));
            known.extend(all.split(", ").map(str::to_owned));
        }
        let in_schema = keys.entries.iter().map(|key| key.name.to_owned());
        assert_eq!(
            in_schema.collect::<BTreeSet<_>>(),
            known,
            "{}",
            place(&way, "*")
        );
    }
}

#[test]
fn the_schema_refuses_what_the_readers_refuse_and_nothing_that_they_take() {
    let validator = validator();
    for (way, keys) in tables() {
        for key in keys.entries {
            let at = place(&way, key.name);
            let own = std::iter::once(sample(&key.kind));
            for (value, spec) in own.chain(values()).flat_map(|value| {
                System::ALL
                    .iter()
                    .map(move |system| (value.clone(), system.spec()))
            }) {
                let mapping = with(spec, &way, keys, (key.name, value));
                let program = verdict(&mapping);
                let json = as_json(&mapping.clone().into());
                let errors: Vec<_> = validator
                    .iter_errors(&json)
                    .map(|it| it.to_string())
                    .collect();
                match &program {
                    Ok(()) => assert!(errors.is_empty(), "{at}: {errors:?}\n{mapping}"),
                    Err(error) if is_structural(error) => {
                        assert!(!errors.is_empty(), "{at}: {error:?}\n{mapping}");
                    }
                    Err(_) => {}
                }
            }
        }
    }
}

/// Mappings that have every key between them.
const ALL_KEYS: [&str; 3] = [
    include_str!("../../tests/mappings/kmi.toml"),
    include_str!("../../tests/mappings/anewspring.toml"),
    include_str!("../../tests/mappings/without_header.toml"),
];

/// What a key has in a value, or in each item of a list. All fields have the same keys.
fn below<'v>(value: &'v Value, key: &str) -> Vec<&'v Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| below(item, key)).collect(),
        Value::Object(entries) if key == "firstName" => entries.values().collect(),
        value => value.get(key).into_iter().collect(),
    }
}

#[test]
fn mappings_with_every_key_are_right_for_the_readers_and_the_schema() {
    let validator = validator();
    // The file of a `lookup` is beside them.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mappings/m.toml");
    // Tables with the same keys are one, such as those of all secrets.
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (way, keys) in tables() {
        let all: Vec<_> = keys.entries.iter().map(|key| key.name).collect();
        for key in &all {
            let places = missing
                .entry(format!("{key} of {}", all.join(", ")))
                .or_default();
            places.push(place(&way, key));
        }
    }
    for text in ALL_KEYS {
        Mapping::parse(&path, text).unwrap_or_else(|error| panic!("{error} {:?}", error.help()));
        let mapping: Table = text.parse().unwrap();
        let json = as_json(&mapping.into());
        let errors: Vec<_> = validator
            .iter_errors(&json)
            .map(|it| it.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        let is_there = |place: &String| {
            let mut at = vec![&json];
            for key in place.split('.') {
                at = at.into_iter().flat_map(|value| below(value, key)).collect();
            }
            !at.is_empty()
        };
        missing.retain(|_, places| !places.iter().any(is_there));
    }
    assert!(missing.is_empty(), "no mapping has {missing:?}");
}

#[test]
fn the_schema_lists_the_words_that_the_readers_list() {
    for (way, keys) in tables() {
        for key in keys.entries {
            let Kind::Word(words) = key.kind else {
                continue;
            };
            let said: BTreeSet<String> = System::ALL
                .iter()
                .filter_map(|system| {
                    let mapping = with(system.spec(), &way, keys, (key.name, "qqxxzz".into()));
                    let (_, help) = verdict(&mapping).unwrap_err();
                    let words = help.strip_prefix("possible values: ")?.to_owned();
                    Some(words)
                })
                .flat_map(|words| {
                    let words = words
                        .split("\", \"")
                        .map(|word| word.trim_matches('"').to_owned());
                    words.collect::<Vec<_>>()
                })
                .collect();
            let words: BTreeSet<_> = words.iter().map(|word| (*word).to_owned()).collect();
            let at = place(&way, key.name);
            if key.name == "delimiter" {
                // A tab can be written in three ways, of which the advice names one.
                assert!(said.is_subset(&words), "{at}: {said:?}");
            } else {
                assert_eq!(words, said, "{at}");
            }
        }
    }
}

#[test]
fn every_field_of_each_system_is_a_key_and_no_field_of_another() {
    let validator = validator();
    for spec in System::ALL.iter().map(|it| it.spec()) {
        for name in fields().into_keys() {
            let mut mapping = base(spec);
            let own = mapping["fields"].as_table_mut().unwrap();
            own.insert(name.to_owned(), "Column".into());
            let is_there = spec.field(name).is_some();
            let json = as_json(&mapping.clone().into());
            assert_eq!(validator.is_valid(&json), is_there, "{} {name}", spec.word);
            assert_eq!(verdict(&mapping).is_ok(), is_there, "{} {name}", spec.word);
        }
        for field in spec.fields.iter().filter(|field| field.required) {
            let mut mapping = base(spec);
            mapping["fields"].as_table_mut().unwrap().remove(field.name);
            assert!(
                !validator.is_valid(&as_json(&mapping.clone().into())),
                "{}",
                field.name
            );
            // A list of leavers needs no field but one.
            let list: Table = "[source]\nfeed = \"leavers\"\n[leavers]\naction = \"delete\""
                .parse()
                .unwrap();
            mapping.extend(list);
            let is_optional = field.kind != FieldKind::ExternalId;
            let json = as_json(&mapping.clone().into());
            assert_eq!(validator.is_valid(&json), is_optional, "{}", field.name);
            assert_eq!(verdict(&mapping).is_ok(), is_optional, "{}", field.name);
        }
    }
}

/// Checks that each key of a table, and of those in it, says what it is for.
fn assert_described(schema: &Value, at: &str) {
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{key}");
        let about = value["description"].as_str();
        assert!(about.is_some_and(|it| !it.is_empty()), "{at}");
        assert_described(value, &at);
        for one in value["anyOf"].as_array().into_iter().flatten() {
            assert_described(one, &at);
        }
    }
}

#[test]
fn the_schema_is_one_and_describes_every_key() {
    let schema = json_schema();
    assert!(jsonschema::meta::is_valid(&schema));
    assert_described(&schema, "");
    for (name, definition) in schema["definitions"].as_object().unwrap() {
        assert_described(definition, name);
    }
}
