//! Templates and the filter: `minijinja` over the cells of one row.
//!
//! A template sees `row`, and nothing else: no file, no environment, no other
//! row. `row['Column']` is the cell's text, trimmed and in NFC.
//!
//! # Invariants
//!
//! - A template ends within [`FUEL`] steps, and handles at most
//!   [`filters::MAX_BYTES`] of a row and what [`check`] lets it repeat of these.

mod check;
mod filters;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Environment, UndefinedBehavior, context};

use self::check::{Refusal, Source, checked};
use self::filters::{MAX_BYTES, too_much};
use super::file::Node;
use super::{MappingError, value};
use crate::model::Rule;

/// The templates of a mapping by the name of their field.
#[derive(Debug)]
pub(super) struct Templates {
    environment: Environment<'static>,
    /// With line and column.
    conditions: Vec<(Condition, (usize, usize))>,
}

/// A question that a mapping asks of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Whether the row belongs to the feed.
    Filter,
    /// Whether no run may change or remove the person.
    Protect,
}

impl Condition {
    /// Its name among the templates, where no field has it.
    const fn key(self) -> &'static str {
        match self {
            Self::Filter => "where",
            Self::Protect => "protect.where",
        }
    }

    /// As a person writes it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Filter => "`where` in [source]",
            Self::Protect => "`where` in [protect]",
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::Filter => "where = \"row['Status'] != 'Contractor'\"",
            Self::Protect => "where = \"row['Department'] == 'Board'\"",
        }
    }
}

/// How much a template may work for one row, in instructions of the engine: a
/// loop that never ends is a mistake, not a night.
const FUEL: u64 = 20_000;

impl Templates {
    pub(super) fn new() -> Self {
        let mut environment = filters::environment();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        // The engine's own report quotes the row.
        environment.set_debug(false);
        Self {
            environment,
            conditions: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, name: &'static str, node: &Node<'_>) -> Result<(), MappingError> {
        let text = node.text()?;
        let environment = &mut self.environment;
        let compiled = checked(&text, Source::Template, || {
            environment.add_template_owned(name, text.clone())
        });
        let example = "\"{{ row['First'] }} {{ row['Last'] }}\"";
        refuse(node, compiled, &node.name, "template", example)
    }

    pub(super) fn add_condition(
        &mut self,
        condition: Condition,
        node: &Node<'_>,
    ) -> Result<(), MappingError> {
        let text = node.text()?;
        let environment = &mut self.environment;
        let compiled = checked(&text, Source::Condition, || {
            // By itself first, so that text that closes the `if` below is not read
            // as an expression.
            environment.compile_expression(&text)?;
            let template = format!("{{% if ({text}) %}}y{{% endif %}}");
            environment.add_template_owned(condition.key(), template)
        });
        let (title, example) = (condition.title(), condition.example());
        refuse(node, compiled, title, "expression", example)?;
        self.conditions.push((condition, node.place()));
        Ok(())
    }

    /// The conditions of the mapping, each with its line and column.
    pub(super) fn conditions(&self) -> &[(Condition, (usize, usize))] {
        &self.conditions
    }

    pub(super) fn has(&self, condition: Condition) -> bool {
        self.conditions.iter().any(|(has, _)| *has == condition)
    }

    /// The text of a field's template.
    pub(super) fn source(&self, name: &str) -> String {
        self.environment
            .get_template(name)
            .map_or_else(|_| String::new(), |template| template.source().to_owned())
    }

    pub(super) fn render(&self, name: &str, row: &Arc<TemplateRow>) -> Result<String, String> {
        let template = self
            .environment
            .get_template(name)
            .map_err(|error| problem(&error))?;
        row.handled.store(0, Ordering::Relaxed);
        let mut text = Text {
            bytes: Vec::new(),
            row,
        };
        let rendered = template.render_captured_to(
            context! { row => Value::from_dyn_object(Arc::clone(row)) },
            &mut text,
        );
        if row.handled.load(Ordering::Relaxed) > MAX_BYTES {
            return Err(format!(
                "it handles more than {MAX_BYTES} bytes of the row: a cell is very long, or text \
                 is repeated"
            ));
        }
        rendered.map_err(|error| problem(&error))?;
        String::from_utf8(text.bytes).map_err(|_| "it makes no valid text".to_owned())
    }

    /// What a condition says of the row.
    pub(super) fn is_true(
        &self,
        condition: Condition,
        row: &Arc<TemplateRow>,
    ) -> Result<bool, String> {
        self.render(condition.key(), row)
            .map(|text| !text.is_empty())
    }
}

/// Says where in the mapping a template is wrong, and how.
fn refuse(
    node: &Node<'_>,
    compiled: std::io::Result<Result<(), Refusal>>,
    title: &str,
    kind: &str,
    example: &str,
) -> Result<(), MappingError> {
    match compiled {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Refusal::Syntax(error))) => Err(node.error(
            format!("{title} is not a valid {kind}: {}", problem(&error)),
            Some(format!("for example {example}")),
        )),
        Ok(Err(Refusal::Unbounded { what, help })) => {
            Err(node.error(format!("{title} {what}"), Some(help)))
        }
        Err(error) => Err(node.unreadable(error)),
    }
}

/// The text that a template makes, which counts like what it reads.
struct Text<'r> {
    bytes: Vec<u8>,
    row: &'r TemplateRow,
}

impl std::io::Write for &mut Text<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !self.row.spend(bytes.len()) {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The columns that a template names: `row.Name`, `row['Name']`, `row["Name"]`.
pub(super) fn columns_of(template: &str) -> Vec<String> {
    let is_of_word = |char: char| char.is_alphanumeric() || char == '_';
    let name_after = |(at, row): (usize, &str)| {
        let (before, after) = (template.get(..at)?, template.get(at + row.len()..)?);
        if before.ends_with(is_of_word) {
            return None;
        }
        let after = after.trim_start();
        if let Some(name) = after.strip_prefix('.') {
            return name.trim_start().split(|char| !is_of_word(char)).next();
        }
        let text = after.strip_prefix('[')?.trim_start();
        let quote = text.chars().next().filter(|char| "'\"".contains(*char))?;
        text.get(1..)?.split(quote).next()
    };
    let names = template.match_indices("row").filter_map(name_after);
    names.map(|name| value::clean(name).into_owned()).collect()
}

/// What went wrong, without the values it went wrong on: the engine's details
/// name types and operators, but for a few that quote a value.
fn problem(error: &minijinja::Error) -> String {
    use minijinja::ErrorKind;
    match error.kind() {
        ErrorKind::SyntaxError
        | ErrorKind::UnknownFilter
        | ErrorKind::UnknownFunction
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownMethod => match error.detail() {
            Some(detail) => format!("{} ({detail})", error.kind()),
            None => error.kind().to_string(),
        },
        ErrorKind::OutOfFuel => "it runs too long, perhaps in a loop".into(),
        kind => kind.to_string(),
    }
}

/// The cells of one row, as templates see them.
#[derive(Debug)]
pub(super) struct TemplateRow {
    pub(super) columns: Arc<HashMap<String, usize>>,
    pub(super) cells: Vec<String>,
    /// Cells whose text is not their value, by column.
    pub(super) flaws: Vec<(usize, Rule)>,
    /// The first of these that was asked for.
    pub(super) met: Mutex<Option<String>>,
    /// The first column that was asked for and is not there.
    pub(super) missing: OnceLock<String>,
    /// How many bytes the template that runs has handled.
    pub(super) handled: AtomicUsize,
}

impl TemplateRow {
    /// Counts bytes that a template handles. Returns whether it may.
    fn spend(&self, bytes: usize) -> bool {
        let handled = self.handled.load(Ordering::Relaxed).saturating_add(bytes);
        self.handled.store(handled, Ordering::Relaxed);
        handled <= MAX_BYTES
    }

    /// What was wrong with the cells that were asked for since the last call:
    /// a text made of them is not a value.
    pub(super) fn take_flaw(&self) -> Option<String> {
        if self.flaws.is_empty() {
            return None;
        }
        self.met
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Object for TemplateRow {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let Some(&index) = self.columns.get(name) else {
            self.missing.get_or_init(|| name.to_owned());
            return None;
        };
        if let Some((_, flaw)) = self.flaws.iter().find(|(at, _)| *at == index) {
            self.met
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert_with(|| format!("column `{name}`: {flaw}"));
        }
        let cell = self.cells.get(index).map_or("", String::as_str);
        if !self.spend(cell.len()) {
            return Some(Value::from(too_much()));
        }
        Some(Value::from(cell))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

#[cfg(test)]
mod tests;
