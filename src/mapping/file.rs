//! The mapping file as TOML: keys, types and places.
//!
//! A thin reader over `toml`'s spanned tree, so that every error can say line
//! and column and the nearest right name, which `serde` cannot.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::MappingError;
use crate::pickup::is_address;

/// The text of a mapping file and where it came from.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl File<'_> {
    /// An error at `span` of the file.
    pub(super) fn error(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> MappingError {
        let (line, column) = self.place(&span);
        MappingError::Content {
            path: PathBuf::from(self.path),
            line,
            column,
            message: message.into(),
            help,
        }
    }

    /// Line and column where `span` begins, from 1.
    fn place(&self, span: &Range<usize>) -> (usize, usize) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// Parses the file as TOML.
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'_>>, MappingError> {
        DeTable::parse(self.text).map_err(|error| {
            let end = self.text.len();
            let help = error.message().contains("escape").then(|| {
                "in \"double quotes\" a backslash starts an escape sequence: write two of them, or \
                 use 'single quotes'"
                    .to_owned()
            });
            self.error(
                error.span().unwrap_or(end..end),
                format!("not valid TOML: {}", error.message().replace('\n', ", ")),
                help,
            )
        })
    }
}

/// A table whose keys are taken one by one; what is left over is unknown.
pub(super) struct Table<'a> {
    file: &'a File<'a>,
    /// As a person writes it: `[target]`, `field email`.
    name: String,
    span: Range<usize>,
    entries: BTreeMap<String, (Range<usize>, Node<'a>)>,
    asked: Vec<&'static str>,
}

/// A value with its place.
pub(super) struct Node<'a> {
    pub(super) file: &'a File<'a>,
    /// As a person writes it: `base_url in [target]`.
    pub(super) name: String,
    pub(super) span: Range<usize>,
    value: DeValue<'a>,
}

impl<'a> Table<'a> {
    pub(super) fn root(file: &'a File<'a>, root: Spanned<DeTable<'a>>) -> Self {
        Self::new(file, "the mapping".into(), root.span(), root.into_inner())
    }

    fn new(file: &'a File<'a>, name: String, span: Range<usize>, table: DeTable<'a>) -> Self {
        let place = match name.as_str() {
            "the mapping" => String::new(),
            name => format!(" in {name}"),
        };
        let entries = table
            .into_iter()
            .map(|(key, value)| {
                let key_span = key.span();
                let key = key.into_inner().into_owned();
                let node = Node {
                    file,
                    name: format!("`{key}`{place}"),
                    span: value.span(),
                    value: value.into_inner(),
                };
                (key, (key_span, node))
            })
            .collect();
        Self {
            file,
            name,
            span,
            entries,
            asked: Vec::new(),
        }
    }

    /// The value of an optional key.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Node<'a>> {
        self.asked.push(key);
        self.entries.remove(key).map(|(_, node)| node)
    }

    /// Whether it has a key that nobody took yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of a key that has no place here, for an error that says why. The
    /// key is not among the known ones.
    pub(super) fn take_misplaced(&mut self, key: &str) -> Option<Node<'a>> {
        self.entries.remove(key).map(|(_, node)| node)
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, key: &'static str, help: &str) -> Result<Node<'a>, MappingError> {
        // A key that is missing is often there with a typing mistake, and
        // naming that mistake helps more.
        match self.take(key) {
            Some(node) => Ok(node),
            None => match self.unknown(&[key]) {
                Some(error) => Err(error),
                None => Err(self.error(format!("{} has no `{key}`", self.name), Some(help.into()))),
            },
        }
    }

    /// An error about the table as a whole.
    pub(super) fn error(&self, message: impl Into<String>, help: Option<String>) -> MappingError {
        self.file.error(self.span.clone(), message, help)
    }

    /// Where the table is, for an error found once its keys are taken.
    pub(super) fn place(&self) -> (&'a File<'a>, Range<usize>) {
        (self.file, self.span.clone())
    }

    /// The keys in the order of the file, for tables whose
    /// keys are names.
    pub(super) fn into_entries(self) -> Vec<(String, Range<usize>, Node<'a>)> {
        let mut entries: Vec<_> = self
            .entries
            .into_iter()
            .map(|(key, (span, node))| (key, span, node))
            .collect();
        entries.sort_by_key(|(_, span, _)| span.start);
        entries
    }

    /// Complains of keys that nobody asked for.
    pub(super) fn finish(self) -> Result<(), MappingError> {
        self.unknown(&[]).map_or(Ok(()), Err)
    }

    fn unknown(&self, only_near: &[&'static str]) -> Option<MappingError> {
        let known = if only_near.is_empty() {
            &self.asked
        } else {
            only_near
        };
        let mut left: Vec<_> = self.entries.iter().collect();
        left.sort_by_key(|(_, (span, _))| span.start);
        left.into_iter().find_map(|(key, (span, _))| {
            let near = nearest(key, known.iter().copied());
            if near.is_none() && !only_near.is_empty() {
                return None;
            }
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", known.join(", ")),
            };
            let place = match self.name.as_str() {
                "the mapping" => String::new(),
                name => format!(" in {name}"),
            };
            Some(self.file.error(
                span.clone(),
                format!("unknown key `{key}`{place}"),
                Some(help),
            ))
        })
    }
}

impl<'a> Node<'a> {
    /// Its line and column in the file, from 1.
    pub(super) fn place(&self) -> (usize, usize) {
        self.file.place(&self.span)
    }

    /// An error at this value.
    pub(super) fn error(&self, message: impl Into<String>, help: Option<String>) -> MappingError {
        self.file.error(self.span.clone(), message, help)
    }

    /// An error of the machine, which could not look at this value.
    pub(super) fn unreadable(&self, source: std::io::Error) -> MappingError {
        MappingError::Read {
            path: PathBuf::from(self.file.path),
            source,
        }
    }

    fn wrong(&self, wanted: &str, example: &str) -> MappingError {
        self.error(
            format!("{} must be {wanted}, not {}", self.name, kind(&self.value)),
            (!example.is_empty()).then(|| format!("for example {example}")),
        )
    }

    /// A text.
    pub(super) fn text(&self) -> Result<String, MappingError> {
        match self.value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong("text in quotes", "")),
        }
    }

    /// The path of a file of this machine, from the folder of the mapping.
    pub(super) fn path(&self) -> Result<PathBuf, MappingError> {
        let text = self.text()?;
        if is_address(&text) {
            return Err(self.error(
                format!("{} must be a file of this machine", self.name),
                Some("only the feed can be an address: copy the file here first".into()),
            ));
        }
        let folder = self.file.path.parent().unwrap_or(Path::new(""));
        Ok(folder.join(text))
    }

    /// A text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    /// A day: a date of TOML, or the same in quotes.
    pub(super) fn day(&self) -> Result<jiff::civil::Date, MappingError> {
        let text = match &self.value {
            DeValue::Datetime(day) => day.to_string(),
            DeValue::String(day) => day.trim().to_owned(),
            _ => String::new(),
        };
        // Without the length, a time would be cut off without a word.
        text.parse()
            .ok()
            .filter(|_| text.len() == "2027-01-31".len())
            .ok_or_else(|| {
                self.error(
                    format!("{} must be a date", self.name),
                    Some("for example 2027-01-31".into()),
                )
            })
    }

    /// `true` or `false`.
    pub(super) fn flag(&self) -> Result<bool, MappingError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("true or false", ""))
    }

    /// A whole number from `least` to `most`.
    pub(super) fn whole(&self, least: u32, most: u32) -> Result<u32, MappingError> {
        self.value
            .as_integer()
            .and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| {
                let bounds = match (least, most) {
                    (0, u32::MAX) => String::new(),
                    (least, u32::MAX) => format!(" of at least {least}"),
                    (least, most) => format!(" from {least} to {most}"),
                };
                self.error(
                    format!("{} must be a whole number{bounds}", self.name),
                    None,
                )
            })
    }

    /// A number above 0, with or without a fraction.
    pub(super) fn positive(&self, most: f64) -> Result<f64, MappingError> {
        let number = match &self.value {
            DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            _ => None,
        };
        number
            .filter(|number| *number > 0.0 && *number <= most)
            .ok_or_else(|| {
                self.error(
                    format!("{} must be a number above 0 and at most {most}", self.name),
                    None,
                )
            })
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Result<T, MappingError> {
        let known = || {
            words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let Some(text) = self.value.as_str() else {
            return Err(self.wrong(&format!("one of {}", known()), ""));
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*value);
        }
        let help = match nearest(text, words.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("possible values: {}", known()),
        };
        Err(self.error(format!("{} cannot be \"{text}\"", self.name), Some(help)))
    }

    /// A list of texts.
    pub(super) fn texts(self, example: &str) -> Result<Vec<(String, Range<usize>)>, MappingError> {
        let wrong = self.wrong("a list of texts in quotes", example);
        let DeValue::Array(items) = self.value else {
            return Err(wrong);
        };
        items
            .into_iter()
            .map(|item| match item.get_ref().as_str() {
                Some(text) => Ok((text.to_owned(), item.span())),
                None => Err(self.file.error(
                    item.span(),
                    format!(
                        "{} must contain only text in quotes, not {}",
                        self.name,
                        kind(item.get_ref())
                    ),
                    Some(format!("for example {example}")),
                )),
            })
            .collect()
    }

    /// One table, or a list of tables, each `named` as a person would write it.
    pub(super) fn tables(self, named: &str, example: &str) -> Result<Vec<Table<'a>>, MappingError> {
        let wrong = self.wrong("a table or a list of tables", example);
        let DeValue::Array(items) = self.value else {
            return Ok(vec![self.table(named, example)?]);
        };
        let tables = items.into_iter().map(|item| {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(table) => Ok(Table::new(self.file, named.into(), span, table)),
                _ => Err(()),
            }
        });
        tables.collect::<Result<_, _>>().map_err(|()| wrong)
    }

    /// A table, `named` as a person would write it.
    pub(super) fn table(self, named: &str, example: &str) -> Result<Table<'a>, MappingError> {
        let wrong = self.wrong("a table", example);
        match self.value {
            DeValue::Table(table) => Ok(Table::new(self.file, named.into(), self.span, table)),
            _ => Err(wrong),
        }
    }
}

/// The environment variables that a mapping names, wherever it does: `{ env = "…" }`.
pub(super) fn variables(table: &DeTable<'_>) -> Vec<String> {
    fn of_value(value: &DeValue<'_>, found: &mut Vec<String>) {
        match value {
            DeValue::Table(table) => of_table(table, found),
            DeValue::Array(items) => {
                for item in items {
                    of_value(item.get_ref(), found);
                }
            }
            _ => {}
        }
    }
    fn of_table(table: &DeTable<'_>, found: &mut Vec<String>) {
        for (key, value) in table {
            match value.get_ref().as_str() {
                Some(name) if key.get_ref() == "env" => found.push(name.to_owned()),
                _ => of_value(value.get_ref(), found),
            }
        }
    }
    let mut found = Vec::new();
    of_table(table, &mut found);
    found
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text in quotes",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The known name that `wrong` was probably meant to be.
pub(crate) fn nearest<'k>(
    wrong: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    let folded = wrong.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&folded, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;

    #[test]
    fn no_mapping_is_nested_too_deeply_for_the_stack() {
        let deep =
            |begin: &str, piece: &str, end: &str| format!("{begin}{}{end}", piece.repeat(100_000));
        for text in [
            deep("x = ", "[", ""),
            deep("x = ", "[", &"]".repeat(100_000)),
            deep("x = ", "{a=", ""),
            deep("x = ", "{a=", &format!("1{}", "}".repeat(100_000))),
            deep("", "a.", "a = 1"),
            deep("[", "a.", "a]"),
            deep("[[", "a.", "a]]"),
            deep("x = {", "a.", "a = 1}"),
        ] {
            let begin: String = text.chars().take(20).collect();
            let error = Mapping::parse(Path::new("m.toml"), &text).map(drop);
            assert!(error.is_err(), "{begin}");
        }
    }
}
