//! A row becomes a person: the TOML file, and its fields compiled once.
//!
//! [`Mapping::load`] reads the file and finds every mistake in it that can be
//! found without a feed; [`Mapping::bind`] ties it to a feed's columns;
//! [`Bound::apply`] makes a person of a record.
//!
//! # Invariants
//!
//! - A mapping holds no secret, only where one is found.
//! - An unknown key is an error; so is a part that is not supported yet.
//! - An empty cell is no value: the field is left alone unless the mapping
//!   says otherwise.

mod bound;
mod date;
mod file;
mod person;
mod settings;
mod template;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use self::bound::{Bound, Fault, Mapped};
pub use self::date::DateForm;
pub(crate) use self::file::nearest;
use self::file::{File, Node, Table};
pub use self::person::{Person, Slot, fingerprint};
pub use self::settings::{SecretSource, TargetSettings};
use self::template::Templates;
use crate::feed::FeedOptions;
use crate::schema::{self, System};

/// A mapping file that makes sense in itself.
#[derive(Debug)]
pub struct Mapping {
    path: PathBuf,
    sha256: [u8; 32],
    /// Which LMS, where, and how fast.
    pub target: TargetSettings,
    /// How to read the feed, where looking at it does not suffice.
    pub source: FeedOptions,
    fields: Vec<FieldRule>,
    templates: Templates,
    /// Line and column of the filter, if there is one.
    filter_place: (usize, usize),
    /// What must stand once.
    pub unique: Unique,
}

/// Where one field of the target comes from.
#[derive(Debug)]
pub struct FieldRule {
    /// The field.
    pub field: &'static schema::Field,
    origin: Origin,
    case: Option<Case>,
    /// By the folded text, see [`fold`].
    values: HashMap<String, String>,
    default: Option<String>,
    date: Option<DateForm>,
    empty: Empty,
    /// The text of a filled cell is the value, as it stands.
    is_plain: bool,
    line: usize,
    line_column: usize,
}

#[derive(Debug)]
enum Origin {
    Column(String),
    /// Its name in [`Templates`] is the field's.
    Template,
    Constant(String),
}

#[derive(Clone, Copy, Debug)]
enum Case {
    Lower,
    Upper,
}

/// What an empty cell means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empty {
    /// Leave the field on the target alone.
    Keep,
    /// Empty the field on the target.
    Clear,
}

/// What must stand once in a feed.
#[derive(Debug)]
pub struct Unique {
    /// Indices into [`Mapping::fields`]; the external ID first.
    pub fields: Vec<usize>,
    /// What becomes of rows that share a value.
    pub duplicates: Duplicates,
    /// Whether values that differ only in case or white space are one.
    pub variants: Variants,
}

/// What becomes of rows that share a value that must be unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// None of them is sent.
    Reject,
    /// The first is sent.
    First,
    /// The last is sent.
    Last,
}

/// Whether `E7` and `e 7` are one external ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variants {
    /// They are one, as a person reads them.
    Same,
    /// They are two: some systems hand out IDs that differ in case only.
    Distinct,
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// The file cannot be read.
    #[error("cannot read the mapping `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}, line {line}, column {column}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<String>,
    },
}

impl MappingError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Read { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
                Some(format!(
                    "`hrfeed init FEED --target kmi -o {}` writes a first mapping",
                    path.display()
                ))
            }
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::InvalidData => {
                Some("a mapping is a text file: save it as UTF-8".into())
            }
            Self::Read { .. } => None,
            Self::Content { help, .. } => help.clone(),
        }
    }
}

impl Mapping {
    /// Reads and checks a mapping file.
    ///
    /// # Errors
    /// The file cannot be read, or what is wrong in it, with its place.
    pub fn load(path: &Path) -> Result<Self, MappingError> {
        let text = std::fs::read_to_string(path).map_err(|source| MappingError::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Checks the text of a mapping file; `path` is for messages, and what
    /// relative file names start from.
    ///
    /// # Errors
    /// What is wrong in it, with its place.
    pub fn parse(path: &Path, text: &str) -> Result<Self, MappingError> {
        // Editors on Windows like to put a byte order mark in front.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let file = File { path, text };
        let mut root = Table::root(&file, file.parse()?);

        let target = root.need("target", "[target] says which LMS, and where it is")?;
        let source = root.take("source");
        let fields = root.need("fields", "[fields] says which column each field comes from")?;
        let unique = root.take("unique");
        let leavers = root.take("leavers");
        let guards = root.take("guards");
        root.finish()?;

        let target = settings::target(target.table("[target]", "[target]")?, path)?;
        let (source, filter) = match source {
            Some(source) => settings::source(source.table("[source]", "[source]")?)?,
            None => (FeedOptions::default(), None),
        };
        let mut templates = Templates::new();
        let mut filter_place = (1, 1);
        if let Some(filter) = filter {
            filter_place = filter.place();
            templates.add_filter(&filter)?;
        }
        let fields = read_fields(
            fields.table("[fields]", "[fields]")?,
            target.system,
            &mut templates,
        )?;
        let unique = match unique {
            Some(unique) => read_unique(
                Some(unique.table("[unique]", "[unique]")?),
                &fields,
                target.system,
            )?,
            None => read_unique(None, &fields, target.system)?,
        };
        if let Some(leavers) = leavers {
            settings::leavers(leavers.table("[leavers]", "[leavers]")?)?;
        }
        if let Some(guards) = guards {
            return Err(guards.error(
                "[guards] is not supported yet",
                Some(
                    "take it out; until it is, `hrfeed plan` shows what an import would do".into(),
                ),
            ));
        }
        Ok(Self {
            path: path.into(),
            sha256: Sha256::digest(text.as_bytes()).into(),
            target,
            source,
            fields,
            templates,
            filter_place,
            unique,
        })
    }

    /// The mapping file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of its text: a run that is resumed must find the same.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The mapped fields, in the order of the target's schema, so that a
    /// mapping whose lines were moved about still maps to the same content.
    pub fn fields(&self) -> &[FieldRule] {
        &self.fields
    }

    /// Where a target's field stands among [`Mapping::fields`].
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|rule| rule.field.name == name)
    }

    fn error_at(&self, rule: &FieldRule, message: String, help: Option<String>) -> MappingError {
        MappingError::Content {
            path: self.path.clone(),
            line: rule.line,
            column: rule.line_column,
            message,
            help,
        }
    }
}

/// One spelling for all that a person reads as one: case and white space do
/// not count.
pub(crate) fn fold(text: &str) -> String {
    text.chars()
        .filter(|char| !char.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

fn read_fields(
    table: Table<'_>,
    system: System,
    templates: &mut Templates,
) -> Result<Vec<FieldRule>, MappingError> {
    let (file, place) = table.place();
    let mut rules = Vec::new();
    for (name, span, node) in table.into_entries() {
        let Some(field) = system.field(&name) else {
            let unknown = |help| {
                node.file
                    .error(span, format!("{system} has no field `{name}`"), Some(help))
            };
            if system.set_by_target().contains(&name.as_str()) {
                return Err(unknown(format!(
                    "`{name}` is set by the LMS itself: take the line out"
                )));
            }
            let names = || system.fields().iter().map(|field| field.name);
            return Err(unknown(match nearest(&name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its fields: {}", names().collect::<Vec<_>>().join(", ")),
            }));
        };
        rules.push(read_field(field, node, templates)?);
    }
    let absent: Vec<_> = system
        .fields()
        .iter()
        .filter(|field| field.required && !rules.iter().any(|rule| rule.field == *field))
        .collect();
    if let Some(first) = absent.first() {
        let (message, example) = absent_fields(first, &absent, system);
        return Err(file.error(place, message, Some(example)));
    }
    rules.sort_by_key(|rule| system.fields().iter().position(|field| field == rule.field));
    Ok(rules)
}

/// What to say of required fields that a mapping does not have.
fn absent_fields(
    first: &schema::Field,
    absent: &[&schema::Field],
    system: System,
) -> (String, String) {
    let names = |fields: &[&schema::Field]| {
        fields
            .iter()
            .map(|field| format!("`{}`", field.name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let message = match (first.kind, absent) {
        (schema::Kind::ExternalId, [_]) => format!(
            "[fields] has no `{}`: map a column to the external ID, \
             the HR system's own key for a person",
            first.name
        ),
        (schema::Kind::ExternalId, [_, others @ ..]) => format!(
            "[fields] has no `{}`: map a column to the external ID, \
             the HR system's own key for a person; missing too: {}",
            first.name,
            names(others)
        ),
        _ => format!("[fields] has no {}, which {system} requires", names(absent)),
    };
    let example = format!(
        "each line of [fields] reads: target field = column of the feed, such as {} = \"…\"",
        first.name
    );
    (message, example)
}

#[expect(clippy::too_many_lines, reason = "one key after the other")]
fn read_field(
    field: &'static schema::Field,
    node: Node<'_>,
    templates: &mut Templates,
) -> Result<FieldRule, MappingError> {
    let (line, column) = node.place();
    let mut rule = FieldRule {
        field,
        origin: Origin::Constant(String::new()),
        case: None,
        values: HashMap::new(),
        default: None,
        date: None,
        empty: Empty::Keep,
        is_plain: field.kind != schema::Kind::Date,
        line,
        line_column: column,
    };
    if let Some(name) = node.as_text() {
        rule.origin = Origin::Column(clean_name(name));
        return Ok(rule);
    }
    let mut table = node.table(
        &format!("field {}", field.name),
        &format!("{} = \"Column of the feed\"", field.name),
    )?;
    let from_column = table.take("column");
    let from_template = table.take("template");
    let constant = table.take("value");
    let lower = table
        .take("lower")
        .map(|node| node.flag())
        .transpose()?
        .unwrap_or(false);
    let upper = table
        .take("upper")
        .map(|node| node.flag())
        .transpose()?
        .unwrap_or(false);
    let values = table.take("map");
    let default = table.take("default");
    let date = table.take("date");
    let empty = table.take("empty");
    let one_origin = table.error(
        format!(
            "field {} needs one of `column`, `template` and `value`",
            field.name
        ),
        Some(format!(
            "for example {} = {{ column = \"Column of the feed\" }}",
            field.name
        )),
    );
    let both_cases = table.error(
        format!("field {} has both `lower` and `upper`", field.name),
        None,
    );
    table.finish()?;

    rule.origin = match (from_column, from_template, constant) {
        (Some(node), None, None) => Origin::Column(clean_name(&node.text()?)),
        (None, Some(node), None) => {
            templates.add(field.name, &node)?;
            Origin::Template
        }
        (None, None, Some(node)) => Origin::Constant(node.text()?),
        _ => return Err(one_origin),
    };
    rule.case = match (lower, upper) {
        (true, true) => return Err(both_cases),
        (true, false) => Some(Case::Lower),
        (false, true) => Some(Case::Upper),
        (false, false) => None,
    };
    if let Some(node) = values {
        for (from, span, to) in node
            .table(
                &format!("`map` of field {}", field.name),
                "{ Netherlands = \"NL\" }",
            )?
            .into_entries()
        {
            let value = to.text()?;
            if let Some(other) = rule.values.insert(fold(&from), value.clone())
                && other != value
            {
                return Err(to.file.error(
                    span,
                    format!("`{from}` stands twice in `map`: case and white space do not count"),
                    None,
                ));
            }
        }
    }
    if let Some(node) = date {
        let form = node.text()?;
        rule.date = Some(DateForm::compile(&form).map_err(|problem| {
            node.error(
                format!("`{form}` is no date form: {problem}"),
                Some("for example \"%d-%m-%Y\" for 31-12-2026".into()),
            )
        })?);
    }
    if let Some(node) = empty {
        rule.empty = node.word(&[("clear", Empty::Clear), ("keep", Empty::Keep)])?;
        if rule.empty == Empty::Clear && field.required {
            return Err(node.error(
                format!(
                    "field {} is required by the target and cannot be cleared",
                    field.name
                ),
                None,
            ));
        }
    }
    if let Some(node) = default {
        if field.kind == schema::Kind::ExternalId {
            return Err(node.error(
                "the external ID cannot have a default: it would be several people's",
                None,
            ));
        }
        if rule.empty == Empty::Clear {
            return Err(node.error(
                format!("field {} has a `default` and `empty = \"clear\"`: an empty cell can mean only one", field.name),
                None,
            ));
        }
        rule.default = Some(node.text()?);
    }
    rule.is_plain &= rule.values.is_empty() && rule.date.is_none() && rule.case.is_none();
    Ok(rule)
}

/// Column names are compared as the feed hands them out: trimmed.
fn clean_name(name: &str) -> String {
    bound::clean(name).into_owned()
}

fn read_unique(
    table: Option<Table<'_>>,
    rules: &[FieldRule],
    system: System,
) -> Result<Unique, MappingError> {
    let position = |name: &str| rules.iter().position(|rule| rule.field.name == name);
    let by_default = || {
        system
            .unique()
            .iter()
            .filter_map(|name| position(name))
            .collect::<Vec<_>>()
    };
    let mut unique = Unique {
        fields: by_default(),
        duplicates: Duplicates::Reject,
        variants: Variants::Same,
    };
    let Some(mut table) = table else {
        return Ok(unique);
    };
    let fields = table.take("fields");
    if let Some(node) = table.take("duplicates") {
        unique.duplicates = node.word(&[
            ("reject", Duplicates::Reject),
            ("first", Duplicates::First),
            ("last", Duplicates::Last),
        ])?;
    }
    if let Some(node) = table.take("variants") {
        unique.variants =
            node.word(&[("same", Variants::Same), ("distinct", Variants::Distinct)])?;
    }
    table.finish()?;
    let Some(node) = fields else {
        return Ok(unique);
    };
    let file = node.file;
    let names = node.texts()?;
    // The external ID is unique whatever the list says: everything stands on it.
    unique.fields = by_default().into_iter().take(1).collect();
    for (name, span) in names {
        let Some(index) = position(&name) else {
            let help = match nearest(&name, rules.iter().map(|rule| rule.field.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "only a field that stands in [fields] can be unique".into(),
            };
            return Err(file.error(
                span,
                format!("[unique] names `{name}`, which is not mapped"),
                Some(help),
            ));
        };
        if !unique.fields.contains(&index) {
            unique.fields.push(index);
        }
    }
    Ok(unique)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &str, expected: &str) {
        let text = format!(
            "[target]\nsystem = \"kmi\"\nbase_url = \"https://lms.example.com\"\n\
             api_key = {{ env = \"K\" }}\napi_secret = {{ env = \"S\" }}\n[fields]\n{fields}"
        );
        let told = Mapping::parse(Path::new("m.toml"), &text).unwrap_err();
        assert_eq!(told.to_string(), expected);
    }

    #[test]
    fn all_required_fields_that_are_absent_are_named_at_once() {
        check(
            "firstName = \"A\"\nlastName = \"B\"",
            "m.toml, line 6, column 1: [fields] has no `externalId`: map a column to the external ID, \
             the HR system's own key for a person; missing too: `email`, `loginName`",
        );
        check(
            "externalId = \"ID\"\nfirstName = \"A\"\nlastName = \"B\"",
            "m.toml, line 6, column 1: [fields] has no `email`, `loginName`, which KMI LMS requires",
        );
    }
}
