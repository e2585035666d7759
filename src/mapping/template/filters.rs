//! The filters and tests that templates have, and what they may handle of one row.
//!
//! Each byte that a template gets to work on is counted: the cells that it asks
//! for, what goes into a filter and comes out of it, and the text that it gives.
//! A filter that makes more than it takes is asked how much before it works.

use std::borrow::Cow;

use minijinja::value::{Rest, Value, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, filters, tests};

use jiff::civil::Date;

use super::TemplateRow;
use crate::mapping::date::{self, Context, DateForm};

/// How much one template may handle of one row, in bytes.
pub(super) const MAX_BYTES: usize = 128 << 10;

/// What an item of a list counts, beside its text.
const ITEM: usize = 16;

/// The longest number that the filter `format` may write, in digits.
const MAX_WIDTH: usize = 255;

/// A filter of the engine.
struct Filter {
    name: &'static str,
    builtin: fn() -> Value,
    /// How much it makes beyond what it takes, at most, in bytes.
    growth: fn(&[Value]) -> Result<usize, Error>,
}

const fn filter(name: &'static str, builtin: fn() -> Value) -> Filter {
    Filter {
        name,
        builtin,
        growth: |_| Ok(0),
    }
}

const FILTERS: &[Filter] = &[
    filter("abs", || Value::from_function(filters::abs)),
    filter("bool", || Value::from_function(filters::bool)),
    filter("capitalize", || Value::from_function(filters::capitalize)),
    filter("count", || Value::from_function(filters::length)),
    filter("d", || Value::from_function(filters::default)),
    filter("date", || Value::from_function(day)),
    filter("default", || Value::from_function(filters::default)),
    filter("first", || Value::from_function(filters::first)),
    filter("float", || Value::from_function(filters::float)),
    Filter {
        name: "format",
        builtin: || Value::from_function(filters::format),
        growth: formatted,
    },
    filter("int", || Value::from_function(filters::int)),
    Filter {
        name: "join",
        builtin: || Value::from_function(filters::join),
        growth: joined,
    },
    filter("last", || Value::from_function(filters::last)),
    filter("length", || Value::from_function(filters::length)),
    filter("lines", || Value::from_function(filters::lines)),
    filter("list", || Value::from_function(filters::list)),
    filter("lower", || Value::from_function(filters::lower)),
    filter("map", || Value::from_function(filters::map)),
    filter("max", || Value::from_function(filters::max)),
    filter("min", || Value::from_function(filters::min)),
    filter("reject", || Value::from_function(filters::reject)),
    Filter {
        name: "replace",
        builtin: || Value::from_function(filters::replace),
        growth: replaced,
    },
    filter("reverse", || Value::from_function(filters::reverse)),
    filter("round", || Value::from_function(filters::round)),
    filter("select", || Value::from_function(filters::select)),
    filter("sort", || Value::from_function(filters::sort)),
    filter("split", || Value::from_function(filters::split)),
    filter("string", || Value::from_function(filters::string)),
    filter("title", || Value::from_function(filters::title)),
    filter("trim", || Value::from_function(filters::trim)),
    filter("unique", || Value::from_function(filters::unique)),
    filter("upper", || Value::from_function(filters::upper)),
];

/// The filters that give a number or fail.
pub(super) const NUMBERS: [&str; 7] = ["abs", "count", "date", "float", "int", "length", "round"];

/// The filters that make a text.
pub(super) const TEXTS: [&str; 8] = [
    "capitalize",
    "format",
    "join",
    "lower",
    "replace",
    "string",
    "trim",
    "upper",
];

/// A name and what makes the test.
type Test = (&'static str, fn(&mut Environment<'static>, &'static str));

/// None of them makes anything.
const TESTS: &[Test] = &[
    ("defined", |env, name| env.add_test(name, tests::is_defined)),
    ("divisibleby", |env, name| {
        env.add_test(name, tests::is_divisibleby);
    }),
    ("endingwith", |env, name| {
        env.add_test(name, tests::is_endingwith);
    }),
    ("eq", |env, name| env.add_test(name, tests::is_eq)),
    ("equalto", |env, name| env.add_test(name, tests::is_eq)),
    ("even", |env, name| env.add_test(name, tests::is_even)),
    ("false", |env, name| env.add_test(name, tests::is_false)),
    ("ge", |env, name| env.add_test(name, tests::is_ge)),
    ("greaterthan", |env, name| env.add_test(name, tests::is_gt)),
    ("gt", |env, name| env.add_test(name, tests::is_gt)),
    ("in", |env, name| env.add_test(name, tests::is_in)),
    ("integer", |env, name| env.add_test(name, tests::is_integer)),
    ("le", |env, name| env.add_test(name, tests::is_le)),
    ("lessthan", |env, name| env.add_test(name, tests::is_lt)),
    ("lower", |env, name| env.add_test(name, tests::is_lower)),
    ("lt", |env, name| env.add_test(name, tests::is_lt)),
    ("ne", |env, name| env.add_test(name, tests::is_ne)),
    ("none", |env, name| env.add_test(name, tests::is_none)),
    ("number", |env, name| env.add_test(name, tests::is_number)),
    ("odd", |env, name| env.add_test(name, tests::is_odd)),
    ("sequence", |env, name| {
        env.add_test(name, tests::is_sequence);
    }),
    ("startingwith", |env, name| {
        env.add_test(name, tests::is_startingwith);
    }),
    ("string", |env, name| env.add_test(name, tests::is_string)),
    ("true", |env, name| env.add_test(name, tests::is_true)),
    ("undefined", |env, name| {
        env.add_test(name, tests::is_undefined);
    }),
    ("upper", |env, name| env.add_test(name, tests::is_upper)),
];

/// Whether templates have a filter of that name.
pub(super) fn is_filter(name: &str) -> bool {
    FILTERS.iter().any(|it| it.name == name)
}

/// Whether templates have a test of that name.
pub(super) fn is_test(name: &str) -> bool {
    TESTS.iter().any(|(it, _)| *it == name)
}

/// An environment that has these filters and tests, and no functions.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    for filter in FILTERS {
        let (builtin, growth) = ((filter.builtin)(), filter.growth);
        environment.add_filter(
            filter.name,
            move |state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>| {
                let arguments = arguments.into_values();
                // Nothing else can have that name.
                let row = state.lookup("row");
                let row = row.as_ref().and_then(Value::downcast_object_ref);
                spend(row, arguments.iter().map(size).sum())?;
                spend(row, growth(&arguments)?)?;
                let output = builtin.call(state, &arguments)?;
                spend(row, size(&output))?;
                Ok::<_, Error>(output)
            },
        );
    }
    for (name, add) in TESTS {
        add(&mut environment, name);
    }
    environment
}

/// Why the filter `date` fails. The only detail of an error that quotes no value for
/// certain.
pub(super) const NO_DATE: &str = "the text is not a date of that form (where a cell may be empty, write `row['End'] and …` \
     before)";

/// The filter `date`: the number of a day, to be compared with `today`. A date as a
/// spreadsheet's date cell has it is read with any form.
fn day(state: &State<'_, '_>, text: &str, form: &str) -> Result<i64, Error> {
    let row = state.lookup("row");
    let row = row
        .as_ref()
        .and_then(Value::downcast_object_ref::<TemplateRow>);
    let no_date = || Error::new(ErrorKind::InvalidOperation, NO_DATE);
    let form = DateForm::compile(form).map_err(|_| no_date())?;
    let context = Context {
        today: row.map_or(Date::ZERO, |row| row.today),
        is_birth: false,
        zone: None,
    };
    let text = text.trim();
    let iso = || date::read(None, text, context).0;
    let (reading, evidence) = match row {
        Some(row) if row.is_date_cell(text) => (iso(), date::of_cell(Some(&form), text)),
        _ => match (date::read(Some(&form), text, context), iso()) {
            ((Err(_), _), Ok(day)) => (Ok(day), None),
            ((reading, evidence), _) => (reading, Some(evidence)),
        },
    };
    if let (Some(row), Some(evidence)) = (row, evidence) {
        row.note_date(evidence);
    }
    Ok(number_of(reading.map_err(|_| no_date())?.day))
}

/// The number of a day: days since 1970.
pub(super) fn number_of(day: Date) -> i64 {
    let since = day.duration_since(Date::constant(1970, 1, 1));
    since.as_hours() / 24
}

/// Counts bytes that a template handles of a row.
fn spend(row: Option<&TemplateRow>, bytes: usize) -> Result<(), Error> {
    match row {
        Some(row) if !row.spend(bytes) => Err(too_much()),
        _ => Ok(()),
    }
}

/// The error that ends a template; [`TemplateRow::spend`] has noted why.
pub(super) fn too_much() -> Error {
    Error::new(ErrorKind::InvalidOperation, "more than may be handled")
}

/// What a value counts.
fn size(value: &Value) -> usize {
    match value.as_str() {
        Some(text) => text.len(),
        None if value.as_object().is_some() => {
            let items = value.len();
            let counted = || value.try_iter().map_or(0, Iterator::count);
            ITEM.saturating_mul(items.unwrap_or_else(counted))
        }
        None => ITEM,
    }
}

fn replaced(arguments: &[Value]) -> Result<usize, Error> {
    plain(arguments)?;
    let [text, from, to] = arguments else {
        return Ok(0);
    };
    let times = as_text(text).matches(&*as_text(from)).count();
    Ok(times.saturating_mul(as_text(to).len()))
}

fn joined(arguments: &[Value]) -> Result<usize, Error> {
    let Some((list, others)) = arguments.split_first() else {
        return Ok(0);
    };
    plain(others)?;
    let between: usize = others.iter().map(size).sum();
    let mut bytes = 0_usize;
    for item in list.try_iter()? {
        plain(std::slice::from_ref(&item))?;
        bytes = bytes.saturating_add(size(&item)).saturating_add(between);
        if bytes > MAX_BYTES {
            break;
        }
    }
    Ok(bytes)
}

fn formatted(arguments: &[Value]) -> Result<usize, Error> {
    plain(arguments)?;
    let Some((format, values)) = arguments.split_first() else {
        return Ok(0);
    };
    let format = as_text(format);
    let (mut rest, mut times) = (&*format, 0_usize);
    while let Some((_, behind)) = rest.split_once('%') {
        if let Some(behind) = behind.strip_prefix('%') {
            rest = behind;
            continue;
        }
        let kind = behind.find(|char: char| !"#0123456789 .+-".contains(char));
        let (flags, behind) = behind
            .split_at_checked(kind.unwrap_or(behind.len()))
            .unwrap_or_default();
        let mut numbers = flags.split(|char: char| !char.is_ascii_digit());
        let is_wide = |digits: &str| {
            !digits.is_empty() && digits.parse().map_or(true, |it: usize| it > MAX_WIDTH)
        };
        // A width that is itself a value, or a value by its name.
        if numbers.any(is_wide) || behind.starts_with(['*', '(']) {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "a width that is not small",
            ));
        }
        (rest, times) = (behind, times + 1);
    }
    let longest = values.iter().map(size).max().unwrap_or_default();
    Ok(times.saturating_mul(longest.saturating_add(MAX_WIDTH)))
}

fn as_text(value: &Value) -> Cow<'_, str> {
    match value.as_str() {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(value.to_string()),
    }
}

/// Refuses lists, where a filter would make text of them.
fn plain(values: &[Value]) -> Result<(), Error> {
    if values.iter().any(|value| value.as_object().is_some()) {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "a list where text is wanted",
        ));
    }
    Ok(())
}
