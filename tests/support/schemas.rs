//! What `--json` prints, and the mappings of tests, held against the schemas that the
//! program itself gives.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use hrfeed::mapping::Mapping;
use jsonschema::Validator;
use serde_json::{Value, json};

/// A validator for each definition of the schema. They refuse fields that it does not
/// have: readers must let them pass, and a field without a description must not come in.
static DEFINITIONS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let printed = super::run(&["schema", "output"]).exits(0).stdout;
    let mut schema: Value = serde_json::from_str(&printed).unwrap();
    close(&mut schema);
    let names = schema["definitions"].as_object().unwrap().keys();
    let names: Vec<_> = names.cloned().collect();
    let validator = |name: String| {
        let one = json!({
            "$schema": schema["$schema"],
            "$ref": format!("#/definitions/{name}"),
            "definitions": schema["definitions"],
        });
        (name, jsonschema::validator_for(&one).unwrap())
    };
    names.into_iter().map(validator).collect()
});

/// Lets each object have the fields alone that are listed.
fn close(schema: &mut Value) {
    if schema["type"] == "object" && schema.get("properties").is_some() {
        schema["additionalProperties"] = false.into();
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(close),
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Checks the one object of a command, which ended with this exit code.
#[track_caller]
pub(crate) fn assert_object(object: &Value, code: i32) {
    let command = object["command"].as_str();
    let name = command.map_or("no-command".into(), |it| it.replace(' ', "-"));
    assert_valid(&name, object);
    // It shows how a run ended.
    if command != Some("show") || object["run"].is_null() {
        assert_eq!(object["exit_code"], code, "{object:#}");
    }
}

/// Checks one of the lines of a command that prints lines.
#[track_caller]
pub(crate) fn assert_line(line: &Value, code: i32) {
    let has = |field: &str| line.get(field).is_some();
    if has("exit_code") {
        assert_object(line, code);
    } else if has("outcome") {
        assert_valid("row", line);
    } else if has("rule") {
        assert_valid("finding", line);
    } else {
        assert_valid("held-person", line);
    }
}

/// What is not as the schema says in a value that a definition of it is about.
pub(crate) fn errors(name: &str, value: &Value) -> Vec<String> {
    let validator = DEFINITIONS.get(name);
    let validator = validator.unwrap_or_else(|| panic!("the schema has no `{name}`: {value:#}"));
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[track_caller]
fn assert_valid(name: &str, value: &Value) {
    let errors = errors(name, value);
    assert!(
        errors.is_empty(),
        "not as `hrfeed schema output` says: {errors:#?}"
    );
}

/// What an editor has for mappings.
pub(crate) static MAPPING: LazyLock<Validator> = LazyLock::new(|| {
    let printed = super::run(&["schema"]).exits(0).stdout;
    let schema: Value = serde_json::from_str(&printed).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

/// A TOML value as an editor checks it: a date is a text.
pub(crate) fn as_editor(value: &toml::Value) -> Value {
    match value {
        toml::Value::Datetime(day) => day.to_string().into(),
        toml::Value::Array(items) => items.iter().map(as_editor).collect(),
        toml::Value::Table(table) => {
            let entries = table.iter();
            let entries = entries.map(|(key, value)| (key.clone(), as_editor(value)));
            entries.collect::<serde_json::Map<_, _>>().into()
        }
        other => serde_json::to_value(other).unwrap(),
    }
}

/// What the editor says is wrong with a mapping.
pub(crate) fn editor_errors(mapping: &toml::Table) -> Vec<String> {
    let mapping = as_editor(&mapping.clone().into());
    let errors = MAPPING.iter_errors(&mapping);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Checks that the editor finds nothing in a mapping in which the program finds nothing.
#[track_caller]
pub(crate) fn assert_mapping(path: &Path, text: &str) {
    if Mapping::parse(path, text).is_ok() {
        let errors = editor_errors(&text.parse().unwrap());
        assert!(errors.is_empty(), "{errors:#?}\n{text}");
    }
}
