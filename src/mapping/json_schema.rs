//! The schema of a mapping, for editors: JSON Schema, draft 7, which the editors of TOML
//! understand best.
//!
//! # Invariants
//!
//! - It refuses nothing that the program takes. What only the program can judge passes:
//!   names of columns, expressions, what contradicts what.
//! - It refuses keys and words that the program does not know, and values of a wrong type.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::keys::{FIELD, Key, Keys, Kind, MAPPING};
use crate::pickup::checksum_endings;
use crate::schema::{Field, FieldKind, Role, System, SystemSpec};

/// JSON Schema, draft 7.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// The schema of a mapping file.
#[must_use]
pub fn json_schema() -> Value {
    let mut mapping = table(&MAPPING);
    let more = json!({
        "$schema": DRAFT,
        "title": "hrfeed mapping",
        "description": "How a feed from an HR system becomes people of an LMS. One file for each feed.",
        "definitions": {
            "field": field(&json!({"type": "string"})),
            "flag": field(&json!({"type": ["string", "boolean"]})),
        },
    });
    add(&mut mapping, more);
    // Not in a list: editors do not offer the keys of a table that has `allOf`.
    let of_systems = System::ALL.iter().rev().fold(None, |others, system| {
        let mut of_system = of_system(system.spec());
        if let Some(others) = others {
            add(&mut of_system, json!({ "else": others }));
        }
        Some(of_system)
    });
    add(&mut mapping, of_systems.unwrap_or_default());
    mapping
}

/// Adds what another object has.
fn add(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

fn table(keys: &Keys) -> Value {
    let needed = keys.entries.iter().filter(|key| key.is_needed);
    let needed: Vec<_> = needed.map(|key| key.name).collect();
    let properties = keys
        .entries
        .iter()
        .map(|key| (key.name.to_owned(), described(key)));
    let mut table = json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "additionalProperties": false,
    });
    if !needed.is_empty() {
        add(&mut table, json!({ "required": needed }));
    }
    if !keys.one_of.is_empty() {
        let one_of = keys.one_of.iter().map(|key| json!({ "required": [key] }));
        // Of another type, nothing is required.
        add(
            &mut table,
            json!({ "if": { "type": "object" }, "then": { "oneOf": one_of.collect::<Vec<_>>() } }),
        );
    }
    if keys.is_never_empty {
        add(&mut table, json!({ "minProperties": 1 }));
    }
    if !keys.pairs.is_empty() {
        let pairs = keys
            .pairs
            .iter()
            .map(|(key, other)| ((*key).to_owned(), json!([other])));
        add(
            &mut table,
            json!({ "dependencies": pairs.collect::<Map<_, _>>() }),
        );
    }
    table
}

fn described(key: &Key) -> Value {
    let mut value = of(&key.kind);
    // Beside a reference, nothing counts.
    if value.get("$ref").is_some() {
        value = json!({ "allOf": [value] });
    }
    add(&mut value, json!({ "description": key.about }));
    value
}

fn of(kind: &Kind) -> Value {
    let text = || json!({ "type": "string" });
    match kind {
        Kind::Text | Kind::Constant => text(),
        Kind::SomeText => json!({ "type": "string", "minLength": 1 }),
        Kind::Formed(form, example) => {
            json!({ "type": "string", "pattern": form, "examples": [example] })
        }
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Whole(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Positive(most) => {
            json!({ "type": "number", "exclusiveMinimum": 0, "maximum": most })
        }
        Kind::Word(words) => words_of(words.iter().copied()),
        Kind::System => words_of(System::ALL.iter().map(|it| it.word())),
        Kind::Checksum => words_of(checksum_endings()),
        Kind::Adoptable => {
            let all = System::ALL.iter().flat_map(|it| it.spec().adoptable);
            words_of(all.copied())
        }
        Kind::Texts => json!({ "type": "array", "items": text() }),
        Kind::SomeTexts => {
            json!({ "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 })
        }
        Kind::Fields => json!({ "type": "array", "items": words_of(fields().into_keys()) }),
        Kind::SomeFields => {
            json!({ "type": "array", "items": words_of(fields().into_keys()), "minItems": 1 })
        }
        Kind::Roles => {
            let roles = System::ALL.iter().flat_map(|it| it.spec().roles);
            json!({ "type": "array", "items": { "anyOf": roles.map(role).collect::<Vec<_>>() } })
        }
        Kind::Table(keys) => table(keys),
        Kind::Tables(keys) => one_of(vec![
            table(keys),
            json!({ "type": "array", "items": table(keys) }),
        ]),
        Kind::Field => json!({ "$ref": "#/definitions/field" }),
        Kind::AllFields => of_fields(|field| {
            let name = if field.kind == FieldKind::Bool {
                "flag"
            } else {
                "field"
            };
            json!({ "allOf": [{ "$ref": format!("#/definitions/{name}") }] })
        }),
        Kind::SetFields => {
            let mut fields = of_fields(|field| match field.kind {
                FieldKind::Bool => json!({ "type": ["string", "boolean"] }),
                _ => json!({ "type": "string", "minLength": 1 }),
            });
            add(&mut fields, json!({ "minProperties": 1 }));
            fields
        }
        Kind::Map => json!({ "type": "object", "additionalProperties": text() }),
        Kind::No => json!({ "const": false }),
        Kind::OneOf(kinds) => one_of(kinds.iter().map(of).collect()),
    }
}

/// Any of some schemas. Those of different types are one, of which each type has its part:
/// then an editor says what is wrong, and not that none of them fits.
fn one_of(schemas: Vec<Value>) -> Value {
    let type_of = |schema: &Value| Some(schema.get("type")?.as_str()?.to_owned());
    let types: Option<Vec<String>> = schemas.iter().map(type_of).collect();
    let is_mixed = types.is_some_and(|types| {
        let differ: BTreeSet<_> = types.iter().collect();
        differ.len() == types.len()
    });
    let is_list = |schema: &Value| schema.get("enum").is_some();
    if !is_mixed || schemas.iter().any(is_list) {
        return json!({ "anyOf": schemas });
    }
    let types: Vec<_> = schemas.iter().filter_map(type_of).collect();
    let mut one = json!({});
    for schema in schemas {
        add(&mut one, schema);
    }
    add(&mut one, json!({ "type": types }));
    one
}

fn words_of<'w>(words: impl Iterator<Item = &'w str>) -> Value {
    // A list of the systems may have a word twice.
    let mut all: Vec<&str> = Vec::new();
    for word in words {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    json!({ "type": "string", "enum": all })
}

/// A role by either of its names, in any case.
fn role(role: &Role) -> Value {
    let any_case = |char: char| {
        format!(
            "[{}{}]",
            char.to_ascii_lowercase(),
            char.to_ascii_uppercase()
        )
    };
    let names = [role.word, role.title].map(|name| name.chars().map(any_case).collect::<String>());
    json!({ "anyOf": [
        { "const": role.word },
        { "type": "string", "pattern": format!(r"^\s*({})\s*$", names.join("|")) },
    ] })
}

/// The fields of all systems, each with the systems that have it.
fn fields() -> BTreeMap<&'static str, Vec<(&'static SystemSpec, &'static Field)>> {
    let mut fields: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for spec in System::ALL.iter().map(|it| it.spec()) {
        for field in spec.fields {
            fields.entry(field.name).or_default().push((spec, field));
        }
    }
    fields
}

/// A table with a key for each field.
fn of_fields(value: impl Fn(&Field) -> Value) -> Value {
    let properties = fields().into_iter().map(|(name, of)| {
        let mut value = of.first().map_or(Value::Null, |(_, field)| value(field));
        let about = of.iter().map(|(spec, field)| {
            let required = if field.required { ", required" } else { "" };
            format!("{}: {}{required}", spec.title, meaning(field.kind))
        });
        let about = about.collect::<Vec<_>>().join("\n");
        add(&mut value, json!({ "description": about }));
        (name.to_owned(), value)
    });
    json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "additionalProperties": false,
    })
}

/// What the values of a field mean, for people.
fn meaning(kind: FieldKind) -> String {
    let roles = |roles: &[Role]| {
        let titles: Vec<_> = roles.iter().map(|role| role.title).collect();
        titles.join(", ")
    };
    match kind {
        FieldKind::ExternalId => "the external ID of the person".into(),
        FieldKind::Text => "text".into(),
        FieldKind::Login => "the login".into(),
        FieldKind::Email => "the e-mail address".into(),
        FieldKind::Country => "the country".into(),
        FieldKind::State => "the state or territory of the USA".into(),
        FieldKind::Date => "a date".into(),
        FieldKind::BirthDate => "the date of birth".into(),
        FieldKind::Bool => "true or false".into(),
        FieldKind::Gender => "male or female".into(),
        FieldKind::Password => "a password for new people".into(),
        FieldKind::Role(of) => format!("roles: {}", roles(of)),
        FieldKind::GroupType(of) => format!("one of {}", roles(of)),
        FieldKind::Reference => "external IDs".into(),
        FieldKind::Picture => "the file name of a picture".into(),
    }
}

/// A field: the name of a column, or a table. `constant` is what can be the same for
/// everybody.
fn field(constant: &Value) -> Value {
    let mut table = table(&FIELD);
    for key in FIELD
        .entries
        .iter()
        .filter(|key| matches!(key.kind, Kind::Constant))
    {
        if let Some(value) = table.pointer_mut(&format!("/properties/{}", key.name)) {
            add(value, constant.clone());
        }
    }
    let mut types = vec![json!("object")];
    match constant.get("type") {
        Some(Value::Array(several)) => types.extend(several.iter().cloned()),
        Some(one) => types.push(one.clone()),
        None => {}
    }
    add(&mut table, json!({ "type": types }));
    table
}

/// What is so for one system.
fn of_system(spec: &SystemSpec) -> Value {
    let names = spec.fields.iter().map(|field| field.name);
    let required = spec.fields.iter().filter(|field| field.required);
    let required: Vec<_> = required.map(|field| field.name).collect();
    let mut target = Map::new();
    if spec.secret_header.is_none() {
        target.insert("api_secret".into(), false.into());
    }
    if spec.roles.is_empty() {
        target.insert("allow_roles".into(), false.into());
    }
    let mut target = json!({ "properties": target });
    if spec.secret_header.is_some() {
        add(&mut target, json!({ "required": ["api_secret"] }));
    }
    let mut properties = json!({
        "target": target,
        "fields": { "propertyNames": { "enum": names.collect::<Vec<_>>() } },
        "adopt": { "properties": { "by": { "enum": spec.adoptable } } },
    });
    if spec.of_group.is_empty() {
        add(&mut properties, json!({ "groups": false }));
    }
    if !spec.can_deactivate {
        let leavers =
            json!({ "action": { "not": { "const": "deactivate" } }, "deactivate_by": false });
        add(
            &mut properties,
            json!({ "leavers": { "properties": leavers } }),
        );
    }
    // Who leaves needs no other field.
    let only_leavers = json!({
        "properties": {
            "source": { "properties": { "feed": { "const": "leavers" } }, "required": ["feed"] }
        },
        "required": ["source"],
    });
    json!({
        "if": {
            "properties": {
                "target": { "properties": { "system": { "const": spec.word } }, "required": ["system"] }
            },
            "required": ["target"],
        },
        "then": {
            "properties": properties,
            "if": only_leavers,
            "then": { "properties": { "fields": { "required": required.iter().take(1).collect::<Vec<_>>() } } },
            "else": { "properties": { "fields": { "required": required } } },
        },
    })
}

#[cfg(test)]
#[path = "json_schema_tests.rs"]
mod tests;
