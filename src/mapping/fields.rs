//! [fields] and [groups]: where each field of the target comes from.

use std::collections::HashMap;
use std::ops::Range;

use jiff::tz::TimeZone;

use super::date::DateForm;
use super::file::{File, Node, Table, nearest};
use super::join::of_all_rows;
use super::lookup::Lookup;
use super::phone::Phone;
use super::spelling::{Case, Spelling, SpellingNodes};
use super::template::Templates;
use super::words;
use super::{Empty, FieldRule, Groups, MappingError, Origin, Work, fold, value};
use crate::schema::{self, FieldKind, Part, Role, System};

pub(super) fn read_fields(
    table: Table<'_>,
    system: System,
    lists_leavers: bool,
    templates: &mut Templates,
) -> Result<Vec<FieldRule>, MappingError> {
    let spec = system.spec();
    // Who leaves needs no other field.
    let is_needed = |field: &&schema::Field| {
        field.required && (!lists_leavers || field.kind == FieldKind::ExternalId)
    };
    let (file, place) = table.place();
    let mut rules = Vec::new();
    for (name, span, node) in table.into_entries() {
        let Some(field) = spec.field(&name) else {
            return Err(unknown_field(node.file, span, &name, system));
        };
        rules.push(read_field(field, system, node, templates)?);
    }
    let absent: Vec<_> = spec
        .fields
        .iter()
        .filter(is_needed)
        .filter(|field| !rules.iter().any(|rule| rule.field == *field))
        .collect();
    if let Some(first) = absent.first() {
        let (message, example) = absent_fields(first, &absent, system);
        return Err(file.error(place, message, Some(example)));
    }
    rules.sort_by_key(|rule| spec.fields.iter().position(|field| field == rule.field));
    Ok(rules)
}

/// A name that is not a field of `system`.
pub(super) fn unknown_field(
    file: &File<'_>,
    span: Range<usize>,
    name: &str,
    system: System,
) -> MappingError {
    let problem = format!("{system} has no field `{name}`");
    file.error(span, problem, Some(instead_of(name, system)))
}

/// What to write instead of a name that is not a field of `system`.
fn instead_of(name: &str, system: System) -> String {
    let spec = system.spec();
    let other_words = OTHER_WORDS
        .iter()
        .filter(|(word, _)| word.eq_ignore_ascii_case(name))
        .find_map(|(_, meant)| spec.field(meant));
    if let Some(field) = other_words {
        return format!("{system} calls it `{}`", field.name);
    }
    if spec.set_by_target.contains(&name) {
        return format!("the LMS sets `{name}` itself: remove the line");
    }
    if OF_TARGET.contains(&name) {
        return format!("`{name}` belongs in [target]: move the line there");
    }
    let names = || spec.fields.iter().map(|field| field.name);
    match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "possible fields: {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// What another system, a vendor's import file or a person calls a field, and
/// what it is called here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("externalId", "userID"),
    ("userID", "externalId"),
    ("loginName", "login"),
    ("login", "loginName"),
    ("userName", "login"),
    ("userName", "loginName"),
    ("city", "residence"),
    ("residence", "city"),
    ("postalCode", "zip"),
    ("phone", "telephoneNumber"),
    ("mobile", "cellPhoneNumber"),
    ("birthDate", "dateOfBirth"),
    ("roles", "role"),
    ("department", "group"),
    ("picture", "avatar"),
    ("photo", "avatar"),
];

/// Keys of [target] that land in [fields] where a line is added at the end of
/// the file.
const OF_TARGET: &[&str] = &[
    "system",
    "base_url",
    "api_key",
    "api_secret",
    "allow_roles",
    "requests_per_second",
    "max_in_flight",
    "settle_after",
    "api_key_expires",
];

/// Reads [groups], which says more of the group that a row names; its fields
/// are added behind those of the person.
pub(super) fn read_groups(
    mut table: Table<'_>,
    system: System,
    rules: &mut Vec<FieldRule>,
    templates: &mut Templates,
) -> Result<Groups, MappingError> {
    let create = table.take("create");
    let remove_unused = table.take("remove_unused");
    let of_group = ["type", "name", "parent"].map(|key| table.take(key));
    let no_group = table.error(
        "[groups] requires `group` in [fields]",
        Some("map a column to it, for example group = \"Department\"".into()),
    );
    let no_type = table.error(
        "[groups] has create = true but no `type`",
        Some("set type = { value = \"Learner\" }, or Instructor or Observer".into()),
    );
    table.finish()?;

    let flag = |node: Option<Node<'_>>| node.map_or(Ok(false), |node| node.flag());
    let groups = Groups {
        create: flag(create)?,
        remove_unused: flag(remove_unused)?,
    };
    if !rules.iter().any(|rule| rule.field.part == Part::Groups) {
        return Err(no_group);
    }
    if groups.create && of_group[0].is_none() {
        return Err(no_type);
    }
    for (field, node) in system.spec().of_group.iter().zip(of_group) {
        if let Some(node) = node {
            rules.push(read_field(field, system, node, templates)?);
        }
    }
    Ok(groups)
}

/// What is to be done to the text of a filled cell that is neither translated nor split.
fn work_of(field: &schema::Field, spelling: Spelling) -> Work {
    match field.kind {
        _ if field.part.is_set() => Work::Any,
        kind if kind.is_date() && spelling.is_kept() => Work::Date,
        FieldKind::Country if spelling.is_kept() => Work::Country,
        FieldKind::Date
        | FieldKind::BirthDate
        | FieldKind::Country
        | FieldKind::Bool
        | FieldKind::Gender
        | FieldKind::GroupType(_)
        | FieldKind::Picture => Work::Any,
        _ => match spelling.case {
            Some(Case::Lower) => Work::Lower,
            Some(Case::Upper) => Work::Upper,
            _ if spelling.is_kept() => Work::None,
            _ => Work::Any,
        },
    }
}

/// What `value` or `default` says. `is_final` where neither `map` nor `split`
/// makes something else of it.
fn constant_of(
    field: &schema::Field,
    node: &Node<'_>,
    is_final: bool,
) -> Result<String, MappingError> {
    if field.kind == FieldKind::Password {
        return Err(node.error(
            "a password in the mapping would be the same for everyone",
            Some("set generatePassword = true, or map a column of the feed".into()),
        ));
    }
    if field.kind == FieldKind::Bool
        && let Ok(flag) = node.flag()
    {
        return Ok(flag.to_string());
    }
    let text = node.text()?;
    // The same for every row, so it is wrong here and not in the feed.
    let possible = match field.kind {
        FieldKind::Bool => "true, false".to_owned(),
        FieldKind::Gender => quoted(&["male", "female"]),
        FieldKind::Role(roles) | FieldKind::GroupType(roles) => quoted(&Role::titles(roles)),
        _ => return Ok(text),
    };
    if is_final && words::canonical(field.kind, text.trim()).is_none() {
        return Err(node.error(
            format!("field {} cannot be \"{text}\"", field.name),
            Some(format!("possible values: {possible}")),
        ));
    }
    Ok(text)
}

fn quoted(words: &[&str]) -> String {
    format!("\"{}\"", words.join("\", \""))
}

/// What divides the values in a cell: a text, or a list of texts.
fn separators(field: &schema::Field, node: Node<'_>) -> Result<Vec<String>, MappingError> {
    const EXAMPLE: &str = "split = \";\" or split = [\";\", \",\"]";
    if !field.part.is_set() {
        return Err(node.error(
            format!(
                "field {} has a single value: it cannot be split",
                field.name
            ),
            None,
        ));
    }
    let empty = node.error(
        format!("`split` of field {} is empty", field.name),
        Some(format!("for example {EXAMPLE}")),
    );
    let texts = if let Some(text) = node.as_text() {
        vec![text.to_owned()]
    } else {
        let texts = node.texts(EXAMPLE)?;
        texts.into_iter().map(|(text, _)| text).collect()
    };
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(empty);
    }
    Ok(texts)
}

/// What to say of required fields that a mapping does not have.
fn absent_fields(
    first: &schema::Field,
    absent: &[&schema::Field],
    system: System,
) -> (String, String) {
    let names = |fields: &[&schema::Field]| {
        let names: Vec<_> = fields.iter().map(|it| format!("`{}`", it.name)).collect();
        names.join(", ")
    };
    let message = match (first.kind, absent) {
        (FieldKind::ExternalId, [first, others @ ..]) => {
            let also = match others {
                [] => String::new(),
                others => format!("; also missing: {}", names(others)),
            };
            format!(
                "[fields] has no `{}`: map it to the column with the HR system's ID for each \
                 person{also}",
                first.name
            )
        }
        _ => format!("[fields] has no {}, which {system} requires", names(absent)),
    };
    let example = format!(
        "each line of [fields] is: field of the LMS = column of the feed, for example {} = \"…\"",
        first.name
    );
    (message, example)
}

fn read_field(
    field: &'static schema::Field,
    system: System,
    node: Node<'_>,
    templates: &mut Templates,
) -> Result<FieldRule, MappingError> {
    let (line, column) = node.place();
    let mut rule = FieldRule {
        field,
        origin: Origin::Constant(String::new()),
        spelling: Spelling::default(),
        values: HashMap::new(),
        lookup: None,
        default: None,
        date: None,
        zone: None,
        phone: None,
        split: Vec::new(),
        all: false,
        empty: Empty::Keep,
        work: work_of(field, Spelling::default()),
        is_exact: false,
        line,
        line_column: column,
    };
    if let Some(name) = node.as_text() {
        rule.origin = Origin::Column(clean_name(name));
        return Ok(rule);
    }
    // `generatePassword = true` reads better than a table with `value`.
    if field.kind == FieldKind::Bool
        && let Ok(flag) = node.flag()
    {
        rule.origin = Origin::Constant(flag.to_string());
        return Ok(rule);
    }
    let name = field.name;
    let example = format!("{name} = \"Column of the feed\"");
    let mut table = node.table(&format!("field {name}"), &example)?;
    let origins = ["column", "template", "value"].map(|key| table.take(key));
    let spelling = SpellingNodes::take(&mut table, field);
    let [values, lookup] = ["map", "lookup"].map(|key| table.take(key));
    let keys = ["date", "zone", "phone", "empty", "default", "split", "all"];
    let [date, zone, phone, empty, default, split, all] = keys.map(|key| table.take(key));
    let one_origin = table.error(
        format!("field {name} needs exactly one of `column`, `template` and `value`"),
        Some(format!(
            "for example {name} = {{ column = \"Column of the feed\" }}"
        )),
    );
    table.finish()?;

    let is_final = values.is_none() && lookup.is_none() && split.is_none();
    rule.origin = match origins {
        [Some(node), None, None] => Origin::Column(clean_name(&node.text()?)),
        [None, Some(node), None] => {
            templates.add(name, &node)?;
            Origin::Template
        }
        [None, None, Some(node)] => Origin::Constant(constant_of(field, &node, is_final)?),
        _ => return Err(one_origin),
    };
    rule.spelling = Spelling::read(spelling, field, system)?;
    if let Some(node) = values {
        rule.values = value_map(field, node)?;
    }
    if let Some(node) = lookup {
        rule.lookup = Some(read_lookup(&rule, node)?);
    }
    rule.date = date.map(|node| date_form(&node)).transpose()?;
    rule.zone = zone.map(|node| time_zone(&rule, &node)).transpose()?;
    if let Some(node) = empty {
        rule.empty = empty_cell(field, &node)?;
    }
    if let Some(node) = default {
        check_default(&rule, &node)?;
        rule.default = Some(constant_of(field, &node, is_final)?);
    }
    rule.split = split.map_or(Ok(Vec::new()), |node| separators(field, node))?;
    rule.phone = phone.map(|node| Phone::read(&rule, node)).transpose()?;
    if let Some(node) = all {
        rule.all = of_all_rows(&rule, &node)?;
    }
    if rule.all {
        rule.split.push(schema::BETWEEN.into());
    }
    let is_translated = !rule.values.is_empty() || rule.lookup.is_some();
    rule.work = match work_of(field, rule.spelling) {
        _ if is_translated => Work::Any,
        Work::Date => Work::Date,
        _ if rule.date.is_some() => Work::Any,
        work => work,
    };
    Ok(rule)
}

/// Reads `lookup`.
fn read_lookup(rule: &FieldRule, node: Node<'_>) -> Result<Lookup, MappingError> {
    let name = rule.field.name;
    let problem = match (&rule.origin, rule.field.kind) {
        (Origin::Constant(_), _) => {
            format!("field {name} is the same for everybody: `lookup` is for columns and templates")
        }
        (_, FieldKind::Password) => format!("field {name} is a password, which no file may list"),
        _ => return Lookup::read(rule.field, node),
    };
    Err(node.error(problem, Some("remove `lookup`".into())))
}

/// Reads `map`.
fn value_map(
    field: &schema::Field,
    node: Node<'_>,
) -> Result<HashMap<String, String>, MappingError> {
    let name = format!("`map` of field {}", field.name);
    let mut values = HashMap::new();
    for (from, span, to) in node
        .table(&name, "{ Netherlands = \"NL\" }")?
        .into_entries()
    {
        let value = to.text()?;
        if let Some(other) = values.insert(fold(&from), value.clone())
            && other != value
        {
            return Err(to.file.error(
                span,
                format!("`{from}` appears twice in `map`, where case and spaces do not count"),
                None,
            ));
        }
    }
    Ok(values)
}

/// Reads `date`.
pub(super) fn date_form(node: &Node<'_>) -> Result<DateForm, MappingError> {
    let form = node.text()?;
    DateForm::compile(&form).map_err(|problem| {
        node.error(
            format!("`{form}` is not a date format: {problem}"),
            Some("for example \"%d-%m-%Y\" for 31-12-2026".into()),
        )
    })
}

/// Reads `zone`.
fn time_zone(rule: &FieldRule, node: &Node<'_>) -> Result<TimeZone, MappingError> {
    if !rule.is_date() {
        let problem = format!(
            "field {} is not a date: it has no time zone",
            rule.field.name
        );
        return Err(node.error(problem, None));
    }
    let name = node.text()?;
    TimeZone::get(&name).map_err(|_| {
        node.error(
            format!("`{name}` is not a time zone"),
            Some("for example zone = \"Europe/Amsterdam\"".into()),
        )
    })
}

/// Reads `empty`.
fn empty_cell(field: &schema::Field, node: &Node<'_>) -> Result<Empty, MappingError> {
    let name = field.name;
    let empty = node.word(&[("clear", Empty::Clear), ("keep", Empty::Keep)])?;
    let problem = if empty == Empty::Keep {
        return Ok(empty);
    } else if field.required {
        format!("the LMS requires field {name}, so it cannot be cleared")
    } else if !field.part.is_compared() {
        format!("field {name} is not part of a person's record, so it cannot be cleared")
    } else {
        return Ok(empty);
    };
    Err(node.error(problem, None))
}

/// Refuses a default that would be the same ID for several people, or that
/// takes the place of an empty cell which clears.
fn check_default(rule: &FieldRule, node: &Node<'_>) -> Result<(), MappingError> {
    let problem = if rule.field.kind == FieldKind::ExternalId {
        "the external ID cannot have a default: several people would share it".to_owned()
    } else if rule.empty == Empty::Clear {
        format!(
            "field {} has both `default` and empty = \"clear\": an empty cell can mean only one \
             of them",
            rule.field.name
        )
    } else {
        return Ok(());
    };
    Err(node.error(problem, None))
}

/// Column names are compared as the feed hands them out: trimmed.
pub(super) fn clean_name(name: &str) -> String {
    value::clean(name).into_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Mapping;

    #[track_caller]
    fn check(fields: &str, expected: &str) {
        let text = format!(
            "[target]\nsystem = \"kmi\"\nbase_url = \"https://lms.example.com\"\n\
             api_key = {{ env = \"K\" }}\napi_secret = {{ env = \"S\" }}\n[fields]\n{fields}"
        );
        let error = Mapping::parse(Path::new("m.toml"), &text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[track_caller]
    fn error_of(more: &str) -> String {
        let text = format!(
            "[target]\nsystem = \"anewspring\"\nbase_url = \"https://school.example.com\"\n\
             api_key = {{ env = \"K\" }}\n[fields]\nuserID = \"ID\"\nlogin = \"L\"\n\
             firstName = \"F\"\nlastName = \"N\"\n{more}\n"
        );
        let columns = ["ID", "L", "F", "N", "Rol"].map(str::to_owned);
        let error = match Mapping::parse(Path::new("m.toml"), &text) {
            Err(error) => error,
            Ok(mapping) => match mapping.bind(&columns, &[], jiff::civil::date(2026, 11, 23)) {
                Err(error) => error,
                Ok(_) => return "nothing".into(),
            },
        };
        format!("{error} | {}", error.help().unwrap_or_default())
    }

    #[test]
    fn what_others_call_a_field_is_answered_in_the_targets_words() {
        for (name, help) in [
            ("externalId", "aNewSpring calls it `userID`"),
            ("ExternalID", "aNewSpring calls it `userID`"),
            ("city", "aNewSpring calls it `residence`"),
            ("loginName", "aNewSpring calls it `login`"),
            ("roles", "aNewSpring calls it `role`"),
            ("uid", "the LMS sets `uid` itself: remove the line"),
            (
                "allow_roles",
                "`allow_roles` belongs in [target]: move the line there",
            ),
        ] {
            assert_eq!(
                error_of(&format!("{name} = \"X\"")),
                format!("m.toml, line 10, column 1: aNewSpring has no field `{name}` | {help}")
            );
        }
    }

    #[test]
    fn a_constant_that_can_be_right_for_nobody_is_a_mistake_of_the_mapping() {
        for (line, what) in [
            (
                "role = { value = \"Cursist\" }",
                "field role cannot be \"Cursist\" | possible values: \"Learner\"",
            ),
            (
                "role = { column = \"Rol\", default = \"Cursist\" }",
                "field role cannot be \"Cursist\"",
            ),
            (
                "notify = { value = \"maybe\" }",
                "field notify cannot be \"maybe\" | possible values: true, false",
            ),
            (
                "group = \"Rol\"\n[groups]\ncreate = true\ntype = { value = \"Author\" }",
                "field groups.type cannot be \"Author\" | possible values: \"Learner\"",
            ),
        ] {
            assert!(error_of(line).contains(what), "{}", error_of(line));
        }
        for right in [
            "role = { column = \"Rol\", default = \"Cursist\", map = { Cursist = \"Learner\" } }",
            "role = { value = \"Learner;Author\", split = \";\" }",
            "role = { value = \"student\" }",
            "notify = { value = \"no\" }",
        ] {
            assert_eq!(error_of(right), "nothing", "{right}");
        }
    }

    #[test]
    fn a_value_where_a_column_is_meant_is_answered_with_how_to_write_it() {
        let role = error_of("role = \"Learner\"");
        assert!(role.contains("the feed has no column `Learner`"), "{role}");
        assert!(role.contains("role = { value = \"Learner\" }"), "{role}");
        let kind = error_of("group = \"Rol\"\n[groups]\ncreate = true\ntype = \"Learner\"");
        assert!(kind.contains("type = { value = \"Learner\" }"), "{kind}");
        let password = error_of("password = \"Welkom01\"");
        assert!(!password.contains("Welkom01"), "{password}");
        assert!(
            password.contains("a mapping cannot contain a password"),
            "{password}"
        );
    }

    #[test]
    fn all_required_fields_that_are_absent_are_named_at_once() {
        check(
            "firstName = \"A\"\nlastName = \"B\"",
            "m.toml, line 6, column 1: [fields] has no `externalId`: map it to the column with the \
             HR system's ID for each person; also missing: `email`, `loginName`",
        );
        check(
            "externalId = \"ID\"\nfirstName = \"A\"\nlastName = \"B\"",
            "m.toml, line 6, column 1: [fields] has no `email`, `loginName`, which KMI LMS requires",
        );
    }
}
