//! Why rows ended as they did, grouped: the one place that says which faults are one.
//!
//! `check` and `plan` add findings, the journal adds what it has of rows. What they add is
//! grouped by its words alone, so that a fault is the same cause wherever it is read.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::rule_words::{general_sentence, rule_of};
use super::{Finding, MAX_NAMED_ROWS, Outcome, RowNumber};

/// The most causes that are kept apart; further ones of an outcome, rule and status count as
/// one. Keeps memory flat when every message differs.
const MAX_CAUSES: usize = 10_000;

/// A wrong value is named if as many rows have it: what a few people share may be about them.
const SHARED_BY: u64 = 3;

/// The most characters of a wrong value that is named.
const MAX_VALUE: usize = 30;

/// One reason why rows ended as they did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// How they ended.
    pub outcome: Outcome,
    /// The code of the rule that they break.
    pub rule: Option<String>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// Whether the target rejected the rows, which are right as far as hrfeed can tell.
    pub is_refused: bool,
    /// The sentence, with `…` in place of words with a digit (row numbers, IDs) in which the
    /// rows' sentences differ.
    pub message: Option<String>,
    /// The wrong value that all of them have, if it is of a closed list and no person's data.
    pub value: Option<Box<str>>,
    /// How many rows and leavers.
    pub count: u64,
    /// The first of the rows; none if all are leavers.
    pub rows: Vec<RowNumber>,
}

impl Cause {
    /// The feed's column and the field that it is about.
    #[must_use]
    pub fn place(&self) -> (Option<&str>, Option<&str>) {
        // What the LMS says begins as it likes.
        let message = self.message.as_deref().filter(|_| self.rule.is_some());
        let place = message.and_then(|message| split_place(message).0);
        let Some(place) = place else {
            return (None, None);
        };
        let Some(column) = place.strip_prefix("column `") else {
            return (None, Some(place));
        };
        if let Some((column, field)) = column.split_once("` (") {
            return (Some(column), field.strip_suffix(')'));
        }
        // The two have one name.
        let name = column.strip_suffix('`');
        (name, name)
    }

    /// The sentence with the value that it is about.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let message = self.message.as_deref()?;
        let Some(value) = &self.value else {
            return Some(message.to_owned());
        };
        Some(match split_place(message) {
            (Some(place), sentence) => format!("{place}: `{value}` {sentence}"),
            (None, sentence) => format!("`{value}` {sentence}"),
        })
    }
}

/// How rows ended: outcome, status, and whether the target rejected them.
type Ended = (Outcome, Option<u16>, bool);

/// By how they ended, rule, shape of the sentence and value.
type Key = (Ended, Option<String>, Option<String>, Option<Box<str>>);

/// Causes while rows are added, in their order.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    all: Vec<Cause>,
    by_key: HashMap<Key, usize>,
}

impl Causes {
    /// Adds what is wrong with a row.
    pub fn add_finding(&mut self, finding: &Finding) {
        let value = (finding.value.as_deref())
            .filter(|value| finding.rule.is_of_closed_list() && is_word_of_list(value));
        let rule = Some(finding.rule.code().to_owned());
        let place = self.place(
            (Outcome::Rejected, None, false),
            rule,
            Some(finding.message()),
            value.map(Into::into),
        );
        self.count(place, Some(finding.row));
    }

    /// Finds the places of what is said of a row: one for each fault. `code` is that of the
    /// first; the journal has the faults of a row as one text.
    pub fn places_of(
        &mut self,
        (outcome, status): (Outcome, Option<u16>),
        (code, message): (Option<&str>, Option<&str>),
    ) -> Vec<usize> {
        // What the LMS says has no code, unlike a rule.
        let has_no_rule = code.is_none() && message.is_some();
        let is_refused = outcome == Outcome::Rejected && (status.is_some() || has_no_rule);
        let of = (outcome, status, is_refused);
        match (message, code) {
            (Some(message), Some(code)) if outcome == Outcome::Rejected && !is_refused => {
                let faults = faults_of(message).into_iter().enumerate();
                let places = faults.map(|(at, fault)| {
                    let rule = match at {
                        0 => Some(code),
                        _ => rule_of(split_place(fault).1),
                    };
                    self.place(of, rule.map(Into::into), Some(fault.to_owned()), None)
                });
                places.collect()
            }
            _ => {
                let message = message.map(str::to_owned);
                vec![self.place(of, code.map(Into::into), message, None)]
            }
        }
    }

    /// Counts a row or a leaver at a place.
    pub fn count(&mut self, place: usize, row: Option<RowNumber>) {
        if let Some(cause) = self.all.get_mut(place) {
            cause.count += 1;
            if cause.rows.len() < MAX_NAMED_ROWS {
                cause.rows.extend(row);
            }
        }
    }

    /// Takes in the causes of later rows.
    pub fn extend(&mut self, later: Self) {
        for cause in later.all {
            let of = (cause.outcome, cause.status, cause.is_refused);
            let place = self.place(of, cause.rule, cause.message, cause.value);
            if let Some(known) = self.all.get_mut(place) {
                known.count += cause.count;
                let room = MAX_NAMED_ROWS.saturating_sub(known.rows.len());
                known.rows.extend(cause.rows.into_iter().take(room));
            }
        }
    }

    /// The place of the cause with that rule, sentence and value.
    fn place(
        &mut self,
        ended: Ended,
        rule: Option<String>,
        message: Option<String>,
        value: Option<Box<str>>,
    ) -> usize {
        let general = message.as_deref().and_then(|message| {
            let (place, sentence) = split_place(message);
            let general = general_sentence(rule.as_deref()?, sentence)?;
            Some(with_place(place, &general))
        });
        let is_general = general.is_some();
        let shape = general.or_else(|| message.as_deref().map(shape));
        let mut key = (ended, rule, shape, value);
        if self.by_key.len() >= MAX_CAUSES && !self.by_key.contains_key(&key) {
            (key.2, key.3) = (None, None);
        }
        if let Some(&place) = self.by_key.get(&key) {
            if let Some(cause) = self.all.get_mut(place)
                && cause.message != message
            {
                cause.message = if is_general {
                    key.2
                } else {
                    merged(cause.message.as_deref(), message.as_deref(), key.2)
                };
            }
            return place;
        }
        let place = self.all.len();
        self.all.push(Cause {
            outcome: ended.0,
            status: ended.1,
            is_refused: ended.2,
            rule: key.1.clone(),
            message: key.2.as_ref().and(message),
            value: key.3.clone(),
            count: 0,
            rows: Vec::new(),
        });
        self.by_key.insert(key, place);
        place
    }

    /// How many faults there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.all.iter().map(|cause| cause.count).sum()
    }

    /// How many faults there are of each rule.
    pub fn by_rule(&self) -> impl Iterator<Item = (&str, u64)> {
        let all = self.all.iter();
        all.filter_map(|cause| Some((cause.rule.as_deref()?, cause.count)))
    }

    /// Names wrong values only in columns of which `filled` says that most values are right:
    /// another column would be mapped by mistake, with anything in it.
    pub fn keep_values(&mut self, filled: impl Fn(&str) -> Option<u64>) {
        let mut wrong = HashMap::<String, u64>::new();
        let name_of = |cause: &Cause| {
            let (column, field) = cause.place();
            column.or(field).map(str::to_owned)
        };
        for cause in &self.all {
            if let Some(name) = name_of(cause) {
                *wrong.entry(name).or_default() += cause.count;
            }
        }
        let is_mostly_right = |cause: &Cause| {
            name_of(cause).is_some_and(|name| {
                let wrong = wrong.get(&name).copied().unwrap_or(0);
                filled(&name).is_some_and(|filled| wrong <= filled / 2)
            })
        };
        let all = std::mem::take(self);
        for mut cause in all.all {
            if cause.count < SHARED_BY || !is_mostly_right(&cause) {
                cause.value = None;
            }
            let one = Self {
                all: vec![cause],
                by_key: HashMap::new(),
            };
            self.extend(one);
        }
        for cause in &mut self.all {
            cause.rows.sort_unstable();
        }
    }

    /// The causes, the most frequent first.
    #[must_use]
    pub fn sorted(&self) -> Vec<Cause> {
        let mut all: Vec<_> = (self.all.iter())
            .filter(|cause| cause.count > 0)
            .cloned()
            .collect();
        let at = |outcome| Outcome::ALL.into_iter().position(|it| it == outcome);
        all.sort_by(|a, b| {
            let key = |it: &Cause| {
                let first = it.rows.first().copied();
                (Reverse(it.count), first.is_none(), first, at(it.outcome))
            };
            let rest = |it: &Cause| (it.status, it.rule.clone(), it.message.clone());
            key(a).cmp(&key(b)).then_with(|| rest(a).cmp(&rest(b)))
        });
        all
    }
}

/// Whether a value looks like a word of a list, and not like an e-mail address, a number, a
/// date or a sentence.
fn is_word_of_list(value: &str) -> bool {
    let is_of_word = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '.' | '&');
    value.chars().count() <= MAX_VALUE
        && value.chars().any(char::is_alphabetic)
        && value.chars().all(is_of_word)
        && value.split_whitespace().count() <= 4
}

/// The place that a message begins with, `column …` or the name of a field, and what is
/// behind it.
fn split_place(message: &str) -> (Option<&str>, &str) {
    if let Some(rest) = message.strip_prefix("column `") {
        // The name of a column may have anything in it.
        let end = (rest.find("`: ").into_iter()).chain(rest.find("): ")).min();
        if let Some(end) = end {
            let behind = "column `".len() + end + 1;
            let place = message.get(..behind);
            return (place, message.get(behind + 2..).unwrap_or_default());
        }
    }
    match message.split_once(": ") {
        Some((name, rest)) if is_name(name) => (Some(name), rest),
        _ => (None, message),
    }
}

/// Whether it is written as the name of a field: `loginName`.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric())
}

fn with_place(place: Option<&str>, sentence: &str) -> String {
    match place {
        Some(place) => format!("{place}: {sentence}"),
        None => sentence.to_owned(),
    }
}

/// The faults of a row of which the journal has one text. All but the first are about a
/// column or a field.
fn faults_of(message: &str) -> Vec<&str> {
    const GAP: &str = "; ";
    let mut faults = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(gap) = message.get(from..).and_then(|rest| rest.find(GAP)) {
        let (end, next) = (from + gap, from + gap + GAP.len());
        let rest = message.get(next..).unwrap_or_default();
        if split_place(rest).0.is_some() {
            faults.extend(message.get(start..end));
            start = next;
        }
        from = next;
    }
    faults.extend(message.get(start..));
    faults
}

/// What two messages have in common that are of one shape.
fn merged(known: Option<&str>, next: Option<&str>, shape: Option<String>) -> Option<String> {
    let (known, next) = known.zip(next)?;
    let shape = shape?;
    let [known, next, marks] = [known, next, &shape].map(|text| words(text).collect::<Vec<_>>());
    if known.len() != next.len() || known.len() != marks.len() {
        return Some(shape);
    }
    let words = known.iter().zip(&next).zip(&marks);
    let words = words.map(|((known, next), mark)| if known == next { known } else { mark });
    Some(words.copied().collect())
}

/// `message` with `…` for each word that holds a digit, so that messages which
/// differ only in a row number or an ID are one.
fn shape(message: &str) -> String {
    let shaped = words(message).map(|word| {
        if word.chars().any(char::is_numeric) {
            "…"
        } else {
            word
        }
    });
    shaped.collect()
}

/// The words of a text, and each character between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '…');
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if is_of_word(first) {
            rest.find(|c| !is_of_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, behind) = rest.split_at(end);
        rest = behind;
        Some(word)
    })
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
