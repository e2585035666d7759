//! `--allow`: what a person approves for one run, with the number that the
//! person saw.

use std::fmt;
use std::str::FromStr;

use crate::mapping::nearest;
use crate::model::HoldKind;

/// One thing that a person approves. Its text is what a person types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// All changes of a kind, if they are at most this many.
    Held(HoldKind, u64),
    /// At most this many rejected rows.
    Rejected(u64),
    /// At most this many rows fewer than the last good feeds had.
    Shrink(u64),
    /// A feed of this many rows or more.
    Rows(u64),
    /// A feed of this many files or more.
    Files(u64),
    /// That this column is emptied.
    Emptied(String),
    /// That the feed is old.
    Age,
    /// That the last row is cut off: the others are sent.
    CutOff,
    /// That what earlier deltas left is not done.
    Unfinished,
}

/// What a person approves for one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    items: Vec<Allow>,
}

impl FromIterator<Allow> for Allowed {
    fn from_iter<I: IntoIterator<Item = Allow>>(items: I) -> Self {
        Self {
            items: items.into_iter().collect(),
        }
    }
}

impl Allowed {
    /// Each thing that a person approves.
    pub fn items(&self) -> impl Iterator<Item = &Allow> {
        self.items.iter()
    }

    /// Whether a person approved all of what is `needed`.
    #[must_use]
    pub fn covers(&self, needed: &Allow) -> bool {
        self.items.iter().any(|allow| allow.covers(needed))
    }
}

impl Allow {
    /// That a column is emptied, by a name that can be typed. The parts of
    /// `--allow` are divided by commas, and a shell must leave the rest alone.
    pub(super) fn emptied(column: &str) -> Self {
        const UNTYPABLE: &[char] = &[',', '"', '\\', '$', '`', '!'];
        let typed = column.replace(
            |char: char| char.is_control() || UNTYPABLE.contains(&char),
            " ",
        );
        let words: Vec<_> = typed.split_whitespace().collect();
        Self::Emptied(words.join(" "))
    }

    fn covers(&self, needed: &Self) -> bool {
        match (self, needed) {
            (Self::Held(kind, most), Self::Held(needed, people)) => {
                kind == needed && most >= people
            }
            (Self::Rejected(most), Self::Rejected(rows))
            | (Self::Shrink(most), Self::Shrink(rows))
            // A feed that has become shorter still is another one.
            | (Self::Rows(rows), Self::Rows(most))
            | (Self::Files(rows), Self::Files(most)) => most >= rows,
            (Self::Emptied(column), Self::Emptied(needed)) => column == needed,
            (Self::Age, Self::Age)
            | (Self::CutOff, Self::CutOff)
            | (Self::Unfinished, Self::Unfinished) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(kind, people) => write!(f, "{kind}={people}"),
            Self::Rejected(rows) => write!(f, "rejected={rows}"),
            Self::Shrink(rows) => write!(f, "shrink={rows}"),
            Self::Rows(rows) => write!(f, "rows={rows}"),
            Self::Files(files) => write!(f, "files={files}"),
            Self::Emptied(column) => write!(f, "emptied={column}"),
            Self::Age => f.write_str("age"),
            Self::CutOff => f.write_str("cut"),
            Self::Unfinished => f.write_str("unfinished"),
        }
    }
}

/// The option that approves all of `items`, as a person types it in a shell.
#[must_use]
pub fn allow_option<'a>(items: impl IntoIterator<Item = &'a Allow>) -> String {
    let words: Vec<_> = items.into_iter().map(Allow::to_string).collect();
    let words = words.join(",");
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "=,_-.".contains(char);
    if words.chars().all(is_plain) {
        format!("--allow {words}")
    } else {
        format!("--allow \"{words}\"")
    }
}

type Build = fn(u64) -> Allow;

/// The words that take a number, with what 40 would allow.
const NUMBERS: &[(&str, Build, &str)] = &[
    (
        "leavers",
        |it| Allow::Held(HoldKind::Leavers, it),
        "at most 40 people",
    ),
    (
        "creates",
        |it| Allow::Held(HoldKind::Creates, it),
        "at most 40 people",
    ),
    (
        "updates",
        |it| Allow::Held(HoldKind::Updates, it),
        "at most 40 people",
    ),
    (
        "renumbered",
        |it| Allow::Held(HoldKind::Renumbered, it),
        "at most 40 people",
    ),
    (
        "lost",
        |it| Allow::Held(HoldKind::Lost, it),
        "at most 40 people",
    ),
    (
        "identities",
        |it| Allow::Held(HoldKind::Identities, it),
        "at most 40 people",
    ),
    ("rejected", Allow::Rejected, "at most 40 invalid rows"),
    ("shrink", Allow::Shrink, "a feed with 40 rows fewer"),
    ("rows", Allow::Rows, "a feed of 40 rows or more"),
    ("files", Allow::Files, "a feed of 40 files or more"),
];

/// Why a text approves nothing, with the form that does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AllowError(String);

impl FromStr for Allow {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, AllowError> {
        let (word, value) = match text.split_once('=') {
            Some((word, value)) => (word.trim(), Some(value.trim())),
            None => (text.trim(), None),
        };
        if let Some((word, allow, what)) = NUMBERS.iter().find(|it| it.0 == word) {
            let example = format!("`{word}=40` allows {what}");
            let Some(value) = value.filter(|value| !value.is_empty()) else {
                return Err(AllowError(format!(
                    "`{word}` requires the number that you have seen: write `--allow {word}=N` ({example})"
                )));
            };
            // No sign and no separators: a number is what it looks like.
            let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
            let number = is_number.then(|| value.parse().ok()).flatten();
            return number.map(allow).ok_or_else(|| {
                AllowError(format!(
                    "`{value}` is not a number of rows or people: {example}"
                ))
            });
        }
        match (word, value) {
            ("age", None) => Ok(Self::Age),
            ("cut", None) => Ok(Self::CutOff),
            ("unfinished", None) => Ok(Self::Unfinished),
            ("age" | "cut" | "unfinished", Some(_)) => Err(AllowError(format!(
                "`{word}` takes no value: write `{word}`"
            ))),
            ("emptied", Some(column)) if !column.is_empty() => Ok(Self::emptied(column)),
            ("emptied", _) => Err(AllowError(
                "`emptied` requires the name of the column: for example `emptied=Department`"
                    .into(),
            )),
            _ => Err(unknown(word)),
        }
    }
}

fn unknown(word: &str) -> AllowError {
    let mut forms: Vec<_> = NUMBERS.iter().map(|it| format!("{}=N", it.0)).collect();
    forms.extend(["emptied=COLUMN", "age", "cut", "unfinished"].map(String::from));
    let near = nearest(word, forms.iter().map(String::as_str));
    let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    let forms = forms.join(", ");
    AllowError(format!(
        "`{word}` cannot be allowed{hint}: possible values are {forms}"
    ))
}

#[cfg(test)]
#[path = "allowed_tests.rs"]
mod tests;
