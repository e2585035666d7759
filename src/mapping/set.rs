//! `set` in [leavers]: the fields that are written for somebody who leaves.
//!
//! # Invariants
//!
//! - Whatever is written can be taken back: the mapping has a value for everybody, or the
//!   field can be empty.
//! - Nothing that tells who somebody is can be written.

use std::ops::Range;

use jiff::civil::Date;

use super::fields::unknown_field;
use super::file::Node;
use super::fingerprint::{FieldSet, FieldTag, fingerprint};
use super::{COUNTRIES, FieldRule, Identity, Mapping, MappingError, Origin, Unique, value, words};
use crate::model::{FingerprintKey, SetFields, has_control};
use crate::schema::{self, FieldKind, Part, System};

/// What a mapping says otherwise, as far as it bounds what can be written.
#[derive(Clone, Copy)]
pub(super) struct SetBounds<'m> {
    pub(super) system: System,
    pub(super) fields: &'m [FieldRule],
    pub(super) unique: &'m Unique,
    pub(super) identity: &'m Identity,
}

/// The fields that are written for leavers, in the order of the target's schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaverFields(Vec<(&'static schema::Field, Value)>);

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// The day of the run.
    Today,
    Text(String),
}

/// The word for the day of the run.
const TODAY: &str = "today";

const EXAMPLE: &str = "set = { expirationDate = \"today\" }";

impl LeaverFields {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a run of that day writes.
    #[must_use]
    pub fn on(&self, today: Date) -> Vec<(&'static str, String)> {
        let text = |value: &Value| match value {
            Value::Today => today.to_string(),
            Value::Text(text) => text.clone(),
        };
        let fields = self.0.iter();
        fields
            .map(|(field, value)| (field.name, text(value)))
            .collect()
    }

    /// Whether a person has these values, from whichever day.
    #[must_use]
    pub fn are_shown<'v>(&self, shown: impl Fn(&str) -> Option<&'v str>) -> bool {
        self.0.iter().all(|(field, value)| {
            let shown = shown(field.name).unwrap_or_default();
            match value {
                Value::Today => !shown.is_empty(),
                Value::Text(text) => shown == text,
            }
        })
    }

    /// What the mapping says, whichever day it is.
    pub fn as_written(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, value)| match value {
            Value::Today => (field.name, TODAY),
            Value::Text(text) => (field.name, text.as_str()),
        })
    }
}

/// Fields with their values, for the journal: in the order of the schema.
#[must_use]
pub fn set_fields(
    key: &FingerprintKey,
    system: System,
    fields: &[(&'static str, String)],
) -> SetFields {
    let tags = fields
        .iter()
        .filter_map(|(name, _)| FieldTag::of(system, name));
    let values = fields.iter().map(|(name, value)| (*name, value.as_str()));
    SetFields {
        fields: tags.collect::<FieldSet>().bits(),
        fingerprint: fingerprint(key, values),
    }
}

/// Reads `set`.
pub(super) fn read_set(
    node: Node<'_>,
    bounds: SetBounds<'_>,
) -> Result<LeaverFields, MappingError> {
    let spec = bounds.system.spec();
    let nothing = node.error(
        format!("{} names no field", node.name),
        Some(format!("for example {EXAMPLE}")),
    );
    let mut fields = Vec::new();
    for (name, span, value) in node.table("`set` in [leavers]", EXAMPLE)?.into_entries() {
        let Some(field) = spec.field(&name) else {
            return Err(unknown_field(value.file, span, &name, bounds.system));
        };
        check_field(field, &value, span, bounds)?;
        fields.push((field, read_value(field, &value)?));
    }
    if fields.is_empty() {
        return Err(nothing);
    }
    fields.sort_by_key(|(field, _)| spec.fields.iter().position(|it| it == *field));
    Ok(LeaverFields(fields))
}

/// Refuses a field that cannot be written for a leaver, or not be taken back.
fn check_field(
    field: &schema::Field,
    node: &Node<'_>,
    span: Range<usize>,
    bounds: SetBounds<'_>,
) -> Result<(), MappingError> {
    let (name, spec) = (field.name, bounds.system.spec());
    let error = |problem: &str, help: Option<String>| {
        let problem = format!("{} {problem}", node.name);
        Err(node.file.error(span.clone(), problem, help))
    };
    let is_of = |positions: &[usize]| {
        let mut rules = positions.iter().filter_map(|it| bounds.fields.get(*it));
        rules.any(|rule| rule.field == field)
    };
    let is_name = spec.names.contains(&name) || name == spec.login || name == spec.email;
    if is_name || field.required || is_of(&bounds.identity.by) || is_of(&bounds.unique.fields) {
        return error("is a part of who somebody is, so it cannot be set", None);
    }
    let problem = match (field.part, field.kind) {
        (Part::Details, FieldKind::State) => "depends on the country of each person",
        (Part::Details, _) => {
            let has_value =
                |rule: &FieldRule| rule.field == field && rule.has_value_for_everybody();
            if field.kind != FieldKind::Bool || bounds.fields.iter().any(has_value) {
                return Ok(());
            }
            let is_mapped = bounds.fields.iter().any(|rule| rule.field == field);
            let example = if is_mapped {
                format!("{name} = {{ column = \"…\", default = \"true\" }}")
            } else {
                format!("{name} = true")
            };
            let help = format!("say in [fields] what it is for everybody, for example {example}");
            let problem = "could not be taken back when somebody returns: it cannot be empty";
            return error(problem, Some(help));
        }
        (Part::Roles, _) => "could not be taken back: no call takes a role away",
        (Part::Instruction, _) => "could not be taken back: it is not part of a person's record",
        _ => "has calls of its own: only details can be set",
    };
    error(problem, None)
}

/// The value of a field: it passes the same checks as one of a feed.
fn read_value(field: &schema::Field, node: &Node<'_>) -> Result<Value, MappingError> {
    let wrong = |problem: &str, help: Option<String>| {
        Err(node.error(format!("{} {problem}", node.name), help))
    };
    if field.kind == FieldKind::Bool
        && let Ok(flag) = node.flag()
    {
        return Ok(Value::Text(flag.to_string()));
    }
    if field.kind.is_date() && node.as_text().is_none_or(|text| text.trim() != TODAY) {
        let day = node.day().map_err(|error| {
            error.with_help("for example \"today\", the day of the run, or 2027-01-31".into())
        })?;
        return Ok(Value::Text(day.to_string()));
    }
    let text = node.text()?;
    let text = value::clean(&text);
    if text == TODAY && (field.kind.is_date() || field.kind == FieldKind::Text) {
        return Ok(Value::Today);
    }
    if text.is_empty() {
        return wrong("is empty", Some(format!("for example {EXAMPLE}")));
    }
    if let Some(word) = words::canonical(field.kind, &text) {
        return Ok(Value::Text(word.to_owned()));
    }
    let max = field.max_chars as usize;
    let problem = match field.kind {
        FieldKind::Bool => "true or false",
        FieldKind::Gender => "\"male\" or \"female\"",
        FieldKind::Country if !COUNTRIES.contains(&text) => "a country code of two letters",
        _ if has_control(&text) => "a text of one line without control characters",
        _ if text.chars().count() > max => {
            return wrong(&format!("has more than {max} characters"), None);
        }
        _ => return Ok(Value::Text(text.into_owned())),
    };
    let problem = format!("must be {problem}, not \"{}\"", text.escape_default());
    wrong(&problem, None)
}

impl FieldRule {
    /// Whether no row leaves the field empty.
    fn has_value_for_everybody(&self) -> bool {
        let is_said = matches!(self.origin, Origin::Constant(_)) || self.default.is_some();
        is_said && self.lookup.is_none() && self.values.values().all(|value| !value.is_empty())
    }
}

impl Mapping {
    /// The fields that are written for leavers.
    pub fn leaver_fields(&self) -> &LeaverFields {
        &self.leaver_fields
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What a mapping says that has these lines in [fields] and [leavers].
    fn read(system: System, fields: &str, leavers: &str) -> Result<Mapping, MappingError> {
        let (head, own) = match system {
            System::Kmi => (
                "api_secret = { env = \"S\" }\n",
                "externalId = \"ID\"\nemail = \"M\"\nloginName = \"M\"\n",
            ),
            System::ANewSpring => ("", "userID = \"ID\"\nlogin = \"M\"\n"),
        };
        let text = format!(
            "[target]\nsystem = \"{}\"\nbase_url = \"https://lms.example.com\"\n\
             api_key = {{ env = \"K\" }}\n{head}[fields]\n{own}firstName = \"F\"\n\
             lastName = \"L\"\n{fields}\n[leavers]\n{leavers}\n",
            system.word()
        );
        Mapping::parse(Path::new("m.toml"), &text)
    }

    fn error_of(system: System, fields: &str, leavers: &str) -> String {
        match read(system, fields, leavers) {
            Ok(_) => "nothing".into(),
            Err(error) => match error.help() {
                Some(help) => format!("{error} | {help}"),
                None => error.to_string(),
            },
        }
    }

    #[test]
    fn what_is_wrong_with_set_is_said_with_its_place() {
        let (kmi, anewspring) = (System::Kmi, System::ANewSpring);
        let set = |fields: &str| format!("action = \"set\"\nset = {{ {fields} }}");
        let cases = [
            (kmi, "", set("expiryDate = \"today\"")),
            (kmi, "", set("residence = \"x\"")),
            (kmi, "", set("loginName = \"gone\"")),
            (kmi, "", set("externalId = \"gone\"")),
            (kmi, "", set("firstName = \"gone\"")),
            (kmi, "", set("state = \"NY\"")),
            (kmi, "", set("expirationDate = \"tomorrow\"")),
            (kmi, "", set("expirationDate = \"2027-02-30\"")),
            (kmi, "", set("expirationDate = 7")),
            (kmi, "", set("country = \"Atlantis\"")),
            (kmi, "", set("city = \" \"")),
            (kmi, "", set("city = \"a\\u0000b\"")),
            (kmi, "", set(&format!("city = \"{}\"", "x".repeat(256)))),
            (kmi, "", set("")),
            (kmi, "", "action = \"set\"".into()),
            (
                kmi,
                "",
                "action = \"delete\"\nset = { city = \"x\" }".into(),
            ),
            (kmi, "", "set = { city = \"x\" }".into()),
            (
                kmi,
                "city = \"C\"\n[identity]\nby = [\"city\"]",
                set("city = \"x\""),
            ),
            (
                kmi,
                "zip = \"C\"\n[unique]\nfields = [\"zip\"]",
                set("zip = \"x\""),
            ),
            (anewspring, "", set("role = \"Learner\"")),
            (anewspring, "", set("group = \"G\"")),
            (anewspring, "", set("notify = true")),
            (anewspring, "", set("email = \"x\"")),
            (anewspring, "", set("active = false")),
            (anewspring, "active = \"A\"", set("active = false")),
            (anewspring, "", set("gender = \"robot\"")),
        ];
        let said: Vec<_> = cases
            .iter()
            .map(|(system, fields, leavers)| error_of(*system, fields, leavers))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        m.toml, line 15, column 9: KMI LMS has no field `expiryDate` | did you mean `expirationDate`?
        m.toml, line 15, column 9: KMI LMS has no field `residence` | KMI LMS calls it `city`
        m.toml, line 15, column 9: `loginName` in `set` in [leavers] is a part of who somebody is, so it cannot be set
        m.toml, line 15, column 9: `externalId` in `set` in [leavers] is a part of who somebody is, so it cannot be set
        m.toml, line 15, column 9: `firstName` in `set` in [leavers] is a part of who somebody is, so it cannot be set
        m.toml, line 15, column 9: `state` in `set` in [leavers] depends on the country of each person
        m.toml, line 15, column 26: `expirationDate` in `set` in [leavers] must be a date | for example "today", the day of the run, or 2027-01-31
        m.toml, line 15, column 26: `expirationDate` in `set` in [leavers] must be a date | for example "today", the day of the run, or 2027-01-31
        m.toml, line 15, column 26: `expirationDate` in `set` in [leavers] must be a date | for example "today", the day of the run, or 2027-01-31
        m.toml, line 15, column 19: `country` in `set` in [leavers] must be a country code of two letters, not "Atlantis"
        m.toml, line 15, column 16: `city` in `set` in [leavers] is empty | for example set = { expirationDate = "today" }
        m.toml, line 15, column 16: `city` in `set` in [leavers] must be a text of one line without control characters, not "a\u{0}b"
        m.toml, line 15, column 16: `city` in `set` in [leavers] has more than 255 characters
        m.toml, line 15, column 7: `set` in [leavers] names no field | for example set = { expirationDate = "today" }
        m.toml, line 14, column 10: action = "set" requires `set` | add the fields, for example set = { expirationDate = "today" }
        m.toml, line 15, column 7: `set` requires action = "set" | these fields are written instead of a removal
        m.toml, line 14, column 7: `set` requires action = "set" | these fields are written instead of a removal
        m.toml, line 17, column 9: `city` in `set` in [leavers] is a part of who somebody is, so it cannot be set
        m.toml, line 17, column 9: `zip` in `set` in [leavers] is a part of who somebody is, so it cannot be set
        m.toml, line 13, column 9: `role` in `set` in [leavers] could not be taken back: no call takes a role away
        m.toml, line 13, column 9: `group` in `set` in [leavers] has calls of its own: only details can be set
        m.toml, line 13, column 9: `notify` in `set` in [leavers] could not be taken back: it is not part of a person's record
        m.toml, line 13, column 9: `email` in `set` in [leavers] is a part of who somebody is, so it cannot be set
        m.toml, line 13, column 9: `active` in `set` in [leavers] could not be taken back when somebody returns: it cannot be empty | say in [fields] what it is for everybody, for example active = true
        m.toml, line 13, column 9: `active` in `set` in [leavers] could not be taken back when somebody returns: it cannot be empty | say in [fields] what it is for everybody, for example active = { column = "…", default = "true" }
        m.toml, line 13, column 18: `gender` in `set` in [leavers] must be "male" or "female", not "robot"
        "#);
    }

    #[test]
    fn a_value_is_written_in_the_words_of_the_target() {
        let today = Date::constant(2026, 11, 27);
        let on = |system, fields: &str, set: &str| {
            let leavers = format!("action = \"set\"\nset = {{ {set} }}");
            let mapping = read(system, fields, &leavers).unwrap();
            mapping.leaver_fields().on(today)
        };
        let texts = |pairs: &[(&'static str, &str)]| -> Vec<_> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, text)| (*name, (*text).to_owned()))
                .collect()
        };
        assert_eq!(
            on(
                System::Kmi,
                "",
                "expirationDate = \"today\", city = \" Gone  \""
            ),
            texts(&[("city", "Gone"), ("expirationDate", "2026-11-27")])
        );
        for day in ["2027-01-31", "\"2027-01-31\""] {
            let set = format!("expirationDate = {day}, country = \"Netherlands\"");
            assert_eq!(
                on(System::Kmi, "", &set),
                texts(&[("country", "NL"), ("expirationDate", "2027-01-31")])
            );
        }
        for (fields, set) in [
            ("active = true", "active = false"),
            ("active = { value = \"yes\" }", "active = \"no\""),
            (
                "active = { column = \"A\", default = \"true\" }",
                "active = false",
            ),
        ] {
            let written = on(System::ANewSpring, fields, set);
            assert_eq!(written, texts(&[("active", "false")]), "{fields}");
        }
    }

    #[test]
    fn the_fingerprint_is_of_the_fields_and_of_their_values() {
        let of = |city: &str| {
            let fields = [("city", city.to_owned()), ("expirationDate", "x".into())];
            set_fields(&FingerprintKey([7; 32]), System::Kmi, &fields)
        };
        assert_eq!(of("a").fields, 1 << 7 | 1 << 11);
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a").fingerprint, of("b").fingerprint);
    }
}
