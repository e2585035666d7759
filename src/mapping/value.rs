//! A cell's text becomes a field's value.

use std::borrow::Cow;

use jiff::civil::Date;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::cleaning::{self, is_key, may_be_wrapped};
use super::date::{self, NotADate};
use super::nothing::{self, NoValue, may_be_no_value};
use super::person::{Person, Slot};
use super::spelling::Case;
use super::words;
use super::{Empty, FieldRule, Work};
use crate::feed::{Cell, CellKind};
use crate::model::{InWorkbook, Remark, Removed, Rule, looks_latin};
use crate::schema::{self, FieldKind};

/// Something that could not be mapped, or that validation found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The position of the field in the mapping.
    pub field: Option<usize>,
    /// What is wrong.
    pub rule: Rule,
    /// The offending text, where it is not the field's own value.
    pub value: Option<Box<str>>,
}

/// Why a cell's text is not its value.
pub(super) fn flaw(cell: Cell<'_>) -> Option<Rule> {
    match cell.kind {
        CellKind::NotText => Some(Rule::NotText),
        CellKind::Error => Some(Rule::CellError {
            shown: cell.text.into(),
        }),
        CellKind::Uncalculated => Some(Rule::Uncalculated),
        CellKind::ZeroForNothing => Some(Rule::ZeroForNothing),
        CellKind::Undecided => Some(Rule::Undecided {
            why: cell.text.into(),
        }),
        CellKind::Text if may_be_error(cell.text) => {
            let shown = cell.text.trim();
            let is_error = nothing::is_error(shown);
            is_error.then(|| Rule::CellError {
                shown: shown.into(),
            })
        }
        _ => None,
    }
}

/// Whether a text could be an error, by its first byte: asked for nearly each cell.
#[inline]
fn may_be_error(text: &str) -> bool {
    // Or white space before it, of ASCII or not.
    let first = text.as_bytes().first();
    first.is_some_and(|first| matches!(first, b'#' | b'E' | ..=b' ' | 0x80..))
}

pub(super) fn invalid(
    field: usize,
    rule: Rule,
    value: Option<&str>,
    person: &mut Person,
    faults: &mut Vec<Fault>,
) {
    faults.push(Fault {
        field: Some(field),
        rule,
        value: value.map(Into::into),
    });
    person.push(Slot::Invalid);
}

/// The values of a set, sorted and each once, so that their order in the cell
/// does not matter.
fn push_set(
    (field, rule): (usize, &FieldRule),
    text: &str,
    is_cell: bool,
    person: &mut Person,
    faults: &mut Vec<Fault>,
) {
    let parts = rule.split.iter().fold(vec![text], |parts, separator| {
        let parts = parts.into_iter();
        let parts = parts.flat_map(|part| part.split(separator.as_str()));
        parts.collect()
    });
    let mut values = Vec::with_capacity(parts.len());
    for part in parts.into_iter().map(str::trim).filter(|it| !it.is_empty()) {
        if is_cell && let Some(remark) = word_for_nothing(rule, part) {
            person.remark(Some(field), remark);
        }
        match member(rule, part) {
            Ok(value) if value.is_empty() => {}
            Ok(value) => values.push(value),
            Err(broken) => return invalid(field, broken, Some(part), person, faults),
        }
    }
    values.sort_unstable();
    values.dedup();
    match (values.is_empty(), rule.empty) {
        (false, _) => person.push(Slot::Text(
            &values.join(schema::BETWEEN.encode_utf8(&mut [0; 4])),
        )),
        (true, Empty::Keep) => person.push(Slot::Absent),
        (true, Empty::Clear) => person.push(Slot::Clear),
    }
}

/// One value of a set.
fn member<'t>(rule: &'t FieldRule, text: &'t str) -> Result<Cow<'t, str>, Rule> {
    let value = rule.translated(text)?.unwrap_or(text);
    match words::canonical(rule.field.kind, value) {
        Some(word) => Ok(Cow::Borrowed(word)),
        None => rule.spelling.of(value),
    }
}

/// What to say of a value that means nothing, unless it may be an external ID, which
/// has rules of its own, or a secret.
fn word_for_nothing(rule: &FieldRule, text: &str) -> Option<Remark> {
    let is_other = matches!(rule.field.kind, FieldKind::ExternalId | FieldKind::Password);
    if !may_be_no_value(text) || is_other || rule.listed(text).is_some() {
        return None;
    }
    match nothing::no_value(text) {
        Some(NoValue::Word { word, is_name }) => Some(Remark::WordForNothing {
            word,
            may_be_name: is_name && rule.field.required,
        }),
        Some(NoValue::Error) | None => None,
    }
}

/// Where a text comes from, as far as that says what it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct From {
    /// It is a cell's own text.
    pub(super) is_cell: bool,
    /// It is the feed's, and not the mapping's own words: its dates show what those of the
    /// column are like.
    pub(super) is_of_feed: bool,
    /// What its cell is; text if it comes from none.
    pub(super) kind: CellKind,
    /// The day on which the feed is read.
    pub(super) today: Date,
}

impl From {
    /// The same for a text of the mapping's own.
    pub(super) const fn of_mapping(self) -> Self {
        Self {
            is_cell: false,
            is_of_feed: false,
            ..self
        }
    }
}

/// The day that a text means, and what it shows of the dates of its column.
pub(super) fn push_date(
    field: usize,
    rule: &FieldRule,
    text: &str,
    from: From,
    person: &mut Person,
    faults: &mut Vec<Fault>,
) {
    let context = date::Context {
        today: from.today,
        is_birth: matches!(rule.field.kind, FieldKind::BirthDate),
        zone: rule.zone.as_ref(),
    };
    let form = rule.date.as_ref().filter(|_| from.kind != CellKind::Date);
    let (read, evidence) = date::read(form, text, context);
    if from.is_of_feed {
        let evidence = match from.kind {
            CellKind::Date => date::of_cell(rule.date.as_ref(), text),
            _ => Some(evidence),
        };
        if let Some(evidence) = evidence {
            person.show_date(field, evidence);
        }
    }
    let broken = match read {
        Ok(read) => {
            if read.is_doubtful {
                person.remark(Some(field), Remark::TimeInUtc);
            }
            person.push_plain(date::iso(read.day, &mut [0; 10]));
            return;
        }
        Err(NotADate::Form) => Rule::Date {
            form: rule.form().into(),
        },
        Err(NotADate::Serial) => Rule::DateSerial,
        Err(NotADate::Weekday) => Rule::Weekday,
        Err(NotADate::Early) => Rule::DateTooEarly,
        Err(NotADate::Unborn) => Rule::BornInFuture,
    };
    invalid(field, broken, Some(text), person, faults);
}

/// What a spreadsheet made of an external ID, as a sentence without its subject, where the
/// cell is something that no ID is.
pub(super) fn no_id(kind: CellKind, text: &str) -> Option<&'static str> {
    match kind {
        CellKind::Date | CellKind::Time => Some(
            "is a date or a time, and not text: the spreadsheet took the ID for one (`3-12` for \
             3 December); format the column as Text and enter the ID again, or export it as text",
        ),
        CellKind::Bool => Some(
            "is TRUE or FALSE, and not text: the spreadsheet took the ID for that, or it is \
             another column; format the column as Text and enter the ID again",
        ),
        CellKind::Shortened => Some(
            "is a number of which the cell shows less than its digits, such as `1.5E+03`, and not \
             text: the spreadsheet took the ID for a number; format the column as Text and enter \
             the ID again",
        ),
        // Of a number that Excel shortened, validation says that.
        CellKind::Number if text.contains(['.', ',']) && !text.contains('E') => Some(
            "is a number with a fraction, and not text: the spreadsheet took the ID for a number, \
             or calculated it; format the column as Text and enter the ID again",
        ),
        _ => None,
    }
}

/// Default, `map` and `lookup`, date and letters, in this order, so that the keys of a
/// table are spelled as in the feed. Phone numbers follow once the row's country is known.
pub(super) fn finish(
    field: usize,
    rule: &FieldRule,
    text: &str,
    from: From,
    person: &mut Person,
    faults: &mut Vec<Fault>,
) {
    let visible = is_key(rule.field.kind)
        .then(|| cleaning::visible(text))
        .flatten();
    let text = match &visible {
        Some((text, removed)) => {
            let removed = *removed;
            person.remark(Some(field), Remark::Cleaned { removed });
            text.as_str()
        }
        None => text,
    };
    if matches!(rule.field.kind, FieldKind::ExternalId) && looks_latin(text) {
        person.remark(Some(field), Remark::LooksLatin);
    }
    // What `map` or `lookup` translates is meant.
    if from.is_cell
        && matches!(rule.field.kind, FieldKind::ExternalId)
        && let Some(problem) = no_id(from.kind, text)
        && !matches!(rule.translated(text), Ok(Some(_)))
    {
        let broken = Rule::ExternalIdDamaged { problem };
        return invalid(field, broken, Some(text), person, faults);
    }
    if from.kind == CellKind::Date
        && !matches!(rule.field.kind, FieldKind::ExternalId)
        && !rule.is_date()
        && !matches!(rule.translated(text), Ok(Some(_)))
    {
        person.remark(Some(field), Remark::Workbook(InWorkbook::DateInText));
    }
    if from.kind == CellKind::ZeroOfReference && rule.listed(text).is_none() {
        let remark = Remark::Workbook(InWorkbook::ZeroOfReference);
        person.remark(Some(field), remark);
    }
    if rule.work == Work::None && !text.is_empty() && !may_be_no_value(text) {
        person.push(Slot::Text(text));
        return;
    }
    let (mut text, mut from) = (text, from);
    if let (Some(default), "") = (&rule.default, text) {
        (text, from) = (default, from.of_mapping());
    }
    // The values of a set are looked up one by one. A value without an entry passes as it
    // is: validation judges it, so that an unforeseen country is reported instead of
    // becoming the default.
    if rule.split.is_empty() && !text.is_empty() {
        match rule.translated(text) {
            Ok(Some(translated)) => (text, from) = (translated, from.of_mapping()),
            Ok(None) => {}
            Err(broken) => return invalid(field, broken, Some(text), person, faults),
        }
    }
    if text.is_empty() {
        person.push(match rule.empty {
            Empty::Keep => Slot::Absent,
            Empty::Clear => Slot::Clear,
        });
        return;
    }
    if rule.field.part.is_set() {
        push_set((field, rule), text, from.is_cell, person, faults);
        return;
    }
    if from.is_cell
        && let Some(remark) = word_for_nothing(rule, text)
    {
        person.remark(Some(field), remark);
    }
    if let Some(word) = words::canonical(rule.field.kind, text) {
        person.push(Slot::Text(word));
        return;
    }
    if rule.is_date() {
        push_date(field, rule, text, from, person, faults);
        return;
    }
    match rule.spelling.case {
        Some(Case::Lower) if text.is_ascii() => person.push_with(text, str::make_ascii_lowercase),
        Some(Case::Upper) if text.is_ascii() => person.push_with(text, str::make_ascii_uppercase),
        _ => match rule.spelling.of(text) {
            Ok(spelled) => person.push(Slot::Text(&spelled)),
            Err(broken) => invalid(field, broken, Some(text), person, faults),
        },
    }
}

/// With this byte begins U+0300 in UTF-8: what is below it is in NFC.
const MARKS: u8 = 0xcc;

/// Trimmed, in NFC. What cannot be seen counts as white space at the ends.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text.trim_ascii());
    }
    let trimmed = cleaning::trimmed(text);
    if trimmed.bytes().all(|byte| byte < MARKS) {
        return Cow::Borrowed(trimmed);
    }
    match is_nfc_quick(trimmed.chars()) {
        IsNormalized::Yes => Cow::Borrowed(trimmed),
        _ => Cow::Owned(trimmed.nfc().collect()),
    }
}

/// The value of a cell as a field's: trimmed, in NFC, and without what a program put
/// around it.
pub(super) fn cell_value(
    cell: Cell<'_>,
    is_ascii: bool,
    kind: FieldKind,
    mut on_removed: impl FnMut(Removed),
) -> Cow<'_, str> {
    let text = if is_ascii {
        Cow::Borrowed(cell.text.trim_ascii())
    } else {
        if is_key(kind) && cleaning::has_unseen_ends(cell.text) {
            on_removed(Removed::Invisible);
        }
        clean(cell.text)
    };
    if cell.kind != CellKind::Text || !may_be_wrapped(&text) {
        return text;
    }
    match cleaning::unwrapped(&text, is_key(kind)) {
        Some((value, removed)) => {
            on_removed(removed);
            Cow::Owned(clean(&value).into_owned())
        }
        None => text,
    }
}
