//! Templates and the filter: `minijinja` over the cells of one row.
//!
//! A template sees `row`, and nothing else: no file, no environment, no other
//! row. `row['Column']` is the cell's text, trimmed and in NFC.
//!
//! # Invariants
//!
//! - A template ends within [`FUEL`] steps, and handles at most
//!   [`filters::MAX_BYTES`] of a row and what [`check`] lets it repeat of these.

mod cells;
mod check;
mod comparisons;
mod filters;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::civil::Date;
use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Environment, UndefinedBehavior};

pub(super) use self::cells::TemplateCells;
use self::check::{Refusal, Source, checked};
use self::filters::{MAX_BYTES, too_much};
use super::MappingError;
use super::date::Evidence;
use super::file::Node;
use super::person::IdCells;
use super::value::no_id;
use crate::feed::CellKind;
use crate::model::{Removed, Rule};

/// The templates of a mapping by the name of their field.
#[derive(Debug)]
pub(super) struct Templates {
    environment: Environment<'static>,
    /// With line and column.
    conditions: Vec<(Condition, (usize, usize))>,
    /// What each of them asks for, by its name.
    columns: HashMap<&'static str, Columns>,
    /// Their texts, by their names.
    sources: HashMap<&'static str, String>,
}

/// The columns that a template asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    /// By the names that are in its text.
    pub(super) named: BTreeSet<String>,
    /// It makes names as it runs, so that it may ask for any other as well.
    are_computed: bool,
    /// The first form of dates in its text.
    form: Option<String>,
}

impl Columns {
    /// Whether a column may be among them.
    fn may_be(&self, column: &str) -> bool {
        self.are_computed || self.named.contains(column)
    }
}

/// A question that a mapping asks of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Whether the row belongs to the feed.
    Filter,
    /// Whether a row of a joined file counts.
    Joined,
    /// Whether no run may change or remove the person.
    Protect,
    /// Whether the person leaves, whom the row is about.
    Leaver,
}

impl Condition {
    /// Its name among the templates, where no field has it.
    const fn key(self) -> &'static str {
        match self {
            Self::Filter => "where",
            Self::Joined => "join.where",
            Self::Protect => "protect.where",
            Self::Leaver => "leavers.when",
        }
    }

    /// As a person writes it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Filter => "`where` in [source]",
            Self::Joined => "`where` in [join]",
            Self::Protect => "`where` in [protect]",
            Self::Leaver => "`when` in [leavers]",
        }
    }

    /// What is said of a row that it cannot judge.
    pub(super) const fn cannot_judge(self) -> &'static str {
        match self {
            Self::Filter => "`where` in [source] cannot judge the row",
            Self::Joined => "`where` in [join] cannot judge the row",
            Self::Protect => "`where` in [protect] cannot judge the row",
            Self::Leaver => "`when` in [leavers] cannot judge the row",
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::Filter => "where = \"row['Status'] != 'Contractor'\"",
            Self::Joined => "where = \"row['Primary'] == 'yes'\"",
            Self::Protect => "where = \"row['Department'] == 'Board'\"",
            Self::Leaver => "when = \"row['Status'] == 'Terminated'\"",
        }
    }
}

/// How much a template may work for one row, in instructions of the engine: a
/// loop that never ends is a mistake, not a night.
const FUEL: u64 = 20_000;

/// Room for the text that most templates make, in bytes.
const USUAL_LENGTH: usize = 64;

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
            columns: HashMap::new(),
            sources: HashMap::new(),
        }
    }

    pub(super) fn add(&mut self, name: &'static str, node: &Node<'_>) -> Result<(), MappingError> {
        let text = node.text()?;
        let environment = &mut self.environment;
        let compiled = checked(&text, Source::Template, || {
            environment.add_template_owned(name, text.clone())
        });
        let example = "\"{{ row['First'] }} {{ row['Last'] }}\"";
        let columns = accepted(node, compiled, &node.name, "template", example)?;
        self.columns.insert(name, columns);
        self.sources.insert(name, text);
        Ok(())
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
        let columns = accepted(node, compiled, title, "expression", example)?;
        self.columns.insert(condition.key(), columns);
        self.sources.insert(condition.key(), text);
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

    /// What a field's template asks for.
    pub(super) fn columns(&self, name: &str) -> Option<&Columns> {
        self.columns.get(name)
    }

    /// Whether one of them may ask for a column.
    pub(super) fn ask_for(&self, column: &str) -> bool {
        self.columns.values().any(|of| of.may_be(column))
    }

    /// The form of the dates that a condition compares.
    pub(super) fn date_form(&self, condition: Condition) -> Option<&str> {
        self.columns.get(condition.key())?.form.as_deref()
    }

    /// The columns that they ask for by the names in their text.
    pub(super) fn named_columns(&self) -> impl Iterator<Item = &str> {
        let all = self.columns.values();
        all.flat_map(|of| of.named.iter().map(String::as_str))
    }

    /// The text that a field's template makes of a row, or why it cannot.
    pub(super) fn render(&self, name: &str, row: &Arc<TemplateRow>) -> Result<String, String> {
        let rendered = self.run(name, row);
        if row.flaws.is_empty() {
            return rendered;
        }
        let source = self.sources.get(name).map_or("", String::as_str);
        row.take_flaw(source).map_or(rendered, Err)
    }

    fn run(&self, name: &str, row: &Arc<TemplateRow>) -> Result<String, String> {
        let template = self
            .environment
            .get_template(name)
            .map_err(|error| problem(&error))?;
        row.handled.store(0, Ordering::Relaxed);
        let mut text = Text {
            bytes: Vec::with_capacity(USUAL_LENGTH),
            row,
        };
        let names = Value::from_object(Names(Arc::clone(row)));
        let rendered = template.render_captured_to(names, &mut text);
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

/// What a template asks for; or where in the mapping it is wrong, and how.
fn accepted(
    node: &Node<'_>,
    compiled: std::io::Result<Result<Columns, Refusal>>,
    title: &str,
    kind: &str,
    example: &str,
) -> Result<Columns, MappingError> {
    match compiled {
        Ok(Ok(columns)) => Ok(columns),
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
        _ if error.detail() == Some(filters::NO_DATE) => filters::NO_DATE.into(),
        kind => kind.to_string(),
    }
}

/// The names that a template knows: `row` and `today`, and no other.
#[derive(Debug)]
struct Names(Arc<TemplateRow>);

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "row" => Some(Value::from_dyn_object(Arc::clone(&self.0))),
            "today" => Some(Value::from(filters::number_of(self.0.today))),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["row", "today"])
    }
}

/// The cells of one row that templates may ask for.
#[derive(Debug)]
pub(super) struct TemplateRow {
    /// The place of each column's cell in `cells`.
    columns: Arc<HashMap<String, usize>>,
    /// The day on which the feed is read.
    today: Date,
    cells: Vec<Value>,
    /// Cells whose text is not their value, by their place in `cells`.
    flaws: Vec<Flaw>,
    /// Cells that a spreadsheet took for something that no external ID is, by their place.
    not_ids: Vec<(usize, CellKind)>,
    /// What was around the value of a cell and is not part of it.
    removed: Option<Removed>,
    /// The columns of those that were asked for, in this order.
    met: Mutex<Vec<String>>,
    /// Cells that the row has no more, by their place: it has ended before.
    beyond: Vec<usize>,
    /// The column of the last of them that was asked for.
    met_beyond: Mutex<Option<String>>,
    /// What the dates show that the template read.
    dates: Mutex<Vec<Evidence>>,
    /// The first column that was asked for and is not there.
    missing: OnceLock<String>,
    /// How many bytes the template that runs has handled.
    handled: AtomicUsize,
}

/// A cell whose text is not its value.
#[derive(Debug)]
struct Flaw {
    /// Its place among the cells.
    at: usize,
    rule: Rule,
    /// It is the text alone that says so: a template that names it handles it.
    is_text: bool,
}

impl TemplateRow {
    /// A row without cells, of a feed that is read on the day `today`; `columns` says
    /// where the cells that follow belong.
    pub(super) fn new(columns: Arc<HashMap<String, usize>>, today: Date) -> Self {
        Self {
            today,
            cells: Vec::with_capacity(columns.len()),
            columns,
            flaws: Vec::new(),
            not_ids: Vec::new(),
            removed: None,
            met: Mutex::new(Vec::new()),
            beyond: Vec::new(),
            met_beyond: Mutex::new(None),
            dates: Mutex::new(Vec::new()),
            missing: OnceLock::new(),
            handled: AtomicUsize::new(0),
        }
    }

    /// Adds the next cell: its text, what it is, and why its text is not its value.
    pub(super) fn push(&mut self, text: &str, kind: CellKind, flaw: Option<Rule>) {
        self.flaws.extend(flaw.map(|rule| Flaw {
            at: self.cells.len(),
            rule,
            is_text: kind == CellKind::Text,
        }));
        if no_id(kind, text).is_some() {
            self.not_ids.push((self.cells.len(), kind));
        }
        self.cells.push(Value::from(text));
    }

    /// What an external ID that a template has built is built of, which asks for `columns`;
    /// `None` if a time, TRUE or a number with a fraction is in it as it is.
    pub(super) fn built_of(&self, columns: &Columns, id: &str) -> Option<IdCells> {
        let mut built = IdCells::default();
        let id = match self.not_ids.as_slice() {
            [] => String::new(),
            _ => id.to_lowercase(),
        };
        let asked = self.columns.iter();
        let asked = asked.filter(|(name, _)| columns.may_be(name));
        for at in asked.map(|(_, at)| *at) {
            let shown = self.cells.get(at).and_then(Value::as_str).unwrap_or("");
            let bit = u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at));
            let bit = bit.unwrap_or(0);
            let refused = self.not_ids.iter().find(|(other, _)| *other == at);
            // What the template has changed, it handles.
            match refused.filter(|_| id.contains(&shown.to_lowercase())) {
                Some((_, CellKind::Date)) => built.dates |= bit,
                Some(_) => return None,
                None if refused.is_none() && !shown.is_empty() => built.others |= bit,
                None => {}
            }
        }
        Some(built)
    }

    /// Whether a date cell of a spreadsheet has this text.
    pub(super) fn is_date_cell(&self, text: &str) -> bool {
        let has_text = |at: usize| self.cells.get(at).and_then(Value::as_str) == Some(text);
        let mut cells = self.not_ids.iter();
        cells.any(|(at, kind)| *kind == CellKind::Date && has_text(*at))
    }

    /// Takes note of what a date shows that the template read.
    pub(super) fn note_date(&self, evidence: Evidence) {
        let dates = self.dates.lock();
        dates.unwrap_or_else(PoisonError::into_inner).push(evidence);
    }

    /// What the dates show that were read since the last call.
    pub(super) fn take_dates(&self) -> Vec<Evidence> {
        let mut dates = self.dates.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *dates)
    }

    /// Takes note that the row has ended before the cell that was added last.
    pub(super) fn note_end(&mut self) {
        self.beyond.extend(self.cells.len().checked_sub(1));
    }

    /// A column before which the row has ended, if one was asked for since the last call.
    pub(super) fn take_beyond(&self) -> Option<String> {
        let beyond = self.met_beyond.lock();
        beyond.unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes note of what was around the value of a cell.
    pub(super) fn note_removed(&mut self, removed: Removed) {
        self.removed.get_or_insert(removed);
    }

    /// What was around the value of a cell.
    pub(super) fn removed(&self) -> Option<Removed> {
        self.removed
    }

    /// The first column that a template asked for and the feed does not have.
    pub(super) fn missing(&self) -> Option<&str> {
        self.missing.get().map(String::as_str)
    }

    /// Counts bytes that a template handles. Returns whether it may.
    fn spend(&self, bytes: usize) -> bool {
        let handled = self.handled.load(Ordering::Relaxed).saturating_add(bytes);
        self.handled.store(handled, Ordering::Relaxed);
        handled <= MAX_BYTES
    }

    /// What was wrong with the cells that were asked for since the last call, by the
    /// template with that text: a text made of them is not a value.
    fn take_flaw(&self, source: &str) -> Option<String> {
        let met = std::mem::take(&mut *self.met.lock().unwrap_or_else(PoisonError::into_inner));
        met.into_iter().find_map(|name| {
            let flaw = self.flaw(*self.columns.get(&name)?)?;
            let shown = self.cells.get(flaw.at)?.as_str()?;
            let is_handled = flaw.is_text && source.contains(shown);
            (!is_handled).then(|| format!("column `{name}`: {}", flaw.rule))
        })
    }

    fn flaw(&self, at: usize) -> Option<&Flaw> {
        self.flaws.iter().find(|flaw| flaw.at == at)
    }
}

impl Object for TemplateRow {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Value> {
        let Some(&index) = self.columns.get(name) else {
            self.missing.get_or_init(|| name.to_owned());
            return None;
        };
        if self.flaw(index).is_some() {
            let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
            if !met.iter().any(|it| it == name) {
                met.push(name.to_owned());
            }
        }
        if self.beyond.contains(&index) {
            let beyond = self.met_beyond.lock();
            *beyond.unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
        }
        // A row that ends early: its missing cells are empty.
        let cell = self.cells.get(index).cloned();
        let cell = cell.unwrap_or_else(|| Value::from(""));
        if !self.spend(cell.as_str().map_or(0, str::len)) {
            return Some(Value::from(too_much()));
        }
        Some(cell)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

#[cfg(test)]
mod tests;
