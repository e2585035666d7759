//! The words of hrfeed as types: rows, people, changes, outcomes, findings.
//!
//! Everything here is plain data. Nothing in this module reads a file, opens a
//! socket or asks the clock, so every other module may depend on it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a record starts, as a person sees it: the line of a CSV file in an
/// editor, or the row of a sheet in Excel. The first line is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowNumber(pub u32);

impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The HR system's key for a person.
///
/// Text, never a number: `007` is not `7`. Trimmed, in Unicode NFC, 1 to
/// [`ExternalId::MAX_CHARS`] characters, no control characters, case
/// significant. The KMI page types it as an integer, but its own example is
/// `ID10-05113`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ExternalId(Box<str>);

impl ExternalId {
    /// The longest external ID that is sent, in characters. No API page states
    /// a bound; a longer "ID" is a sentence that slipped into the column.
    pub const MAX_CHARS: u32 = 255;

    /// Reads the text of a cell that is already trimmed and in NFC.
    ///
    /// # Errors
    /// The [`Rule`] that the text breaks.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        Self::check(text).map(|()| Self(text.into()))
    }

    /// Judges the text of a cell that is already trimmed and in NFC.
    ///
    /// # Errors
    /// The [`Rule`] that the text breaks: absent, too long, a control
    /// character, or a number that a spreadsheet wrote in scientific notation.
    pub fn check(text: &str) -> Result<(), Rule> {
        if text.is_empty() {
            return Err(Rule::ExternalIdMissing);
        }
        // Bytes bound characters from above, and are at hand.
        if text.len() > Self::MAX_CHARS as usize {
            let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            if chars > Self::MAX_CHARS {
                return Err(Rule::TooLong {
                    max: Self::MAX_CHARS,
                    chars,
                });
            }
        }
        if has_control(text) {
            return Err(Rule::ControlCharacter);
        }
        if is_scientific(text) {
            return Err(Rule::ExternalIdScientific);
        }
        // A path segment of dots is taken for a directory by every proxy on
        // the way, even percent-encoded.
        if matches!(text, "." | "..") {
            return Err(Rule::ExternalIdDots);
        }
        Ok(())
    }

    /// An ID that the journal or the target holds: taken as it stands, since
    /// it was accepted once.
    #[must_use]
    pub fn known(text: &str) -> Self {
        Self(text.into())
    }

    /// The ID as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `1.2E+05`, `1,2E+05` and `1E5` are what Excel makes of long numbers;
/// `8E467` is an ID, since no spreadsheet writes an exponent without a sign or
/// a fraction for it.
fn is_scientific(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(at) = bytes.iter().position(|byte| matches!(byte, b'e' | b'E')) else {
        return false;
    };
    let (number, exponent) = (&bytes[..at], &bytes[at + 1..]);
    let number = number.strip_prefix(b"-").unwrap_or(number);
    let (signed, digits) = match exponent {
        [b'+' | b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',');
    let fraction = || number.iter().any(|byte| matches!(byte, b'.' | b','));
    number.first().is_some_and(u8::is_ascii_digit)
        && number.iter().all(is_number)
        && !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && (signed || fraction())
}

/// Whether a text holds a control character, such as a line break.
pub(crate) fn has_control(text: &str) -> bool {
    let bytes = text.as_bytes();
    // No branch in the loop, which runs over every value of a feed.
    let (mut control, mut beyond) = (0, 0);
    for &byte in bytes {
        control |= u8::from(byte < b' ') | u8::from(byte == 0x7f);
        beyond |= byte;
    }
    // Beyond ASCII the control characters are U+0080 to U+009F.
    let is_c1 = |at: usize| {
        bytes
            .get(at + 1)
            .is_some_and(|byte| (0x80..=0x9f).contains(byte))
    };
    control != 0 || (beyond >= 0x80 && memchr::memchr_iter(0xc2, bytes).any(is_c1))
}

/// What must be done for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A joiner: nobody on the target has the external ID.
    Create,
    /// The person is there and the mapped content differs.
    Update,
    /// A leaver, to be made inactive.
    Deactivate,
    /// A leaver, to be deleted.
    Delete,
}

impl Action {
    /// The word that the journal's readers, the JSON and the tables use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
        }
    }
}

/// A person's mapped content, as a target sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The external ID.
    pub external_id: ExternalId,
    /// The other fields that the feed says something of, in the order of the
    /// target's schema; an empty value clears the field.
    pub fields: Vec<(&'static str, String)>,
}

/// What became of a row. Each row of a feed ends with exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The person was made.
    Created,
    /// The person was changed.
    Updated,
    /// The person already was as the feed says: no call was made.
    Unchanged,
    /// The row is wrong: hrfeed or the target refused it. Sending it again
    /// without a change is useless.
    Rejected,
    /// The row may be right, but the target could not do it: another run may.
    Failed,
    /// Sent, and what became of it could not be learned. It is looked up
    /// before anything is sent again.
    Unknown,
    /// Not sent yet.
    Pending,
    /// A leaver was made inactive.
    Deactivated,
    /// A leaver was deleted.
    Deleted,
}

impl Outcome {
    /// All outcomes, in the order in which counts are told.
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::Updated,
        Self::Unchanged,
        Self::Rejected,
        Self::Failed,
        Self::Unknown,
        Self::Pending,
        Self::Deactivated,
        Self::Deleted,
    ];

    /// The word that the journal's readers, the JSON and the tables use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
        }
    }
}

/// How many rows ended how. `deactivated` and `deleted` are people, not rows
/// of the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// People made.
    pub created: u64,
    /// People changed.
    pub updated: u64,
    /// Rows that cost no call.
    pub unchanged: u64,
    /// Rows that are wrong.
    pub rejected: u64,
    /// Rows that the target could not do.
    pub failed: u64,
    /// Rows sent, of which it is not known what became.
    pub unknown: u64,
    /// Rows not sent yet.
    pub pending: u64,
    /// Leavers made inactive.
    pub deactivated: u64,
    /// Leavers deleted.
    pub deleted: u64,
}

impl Counts {
    /// The count of one outcome.
    #[must_use]
    pub const fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Created => self.created,
            Outcome::Updated => self.updated,
            Outcome::Unchanged => self.unchanged,
            Outcome::Rejected => self.rejected,
            Outcome::Failed => self.failed,
            Outcome::Unknown => self.unknown,
            Outcome::Pending => self.pending,
            Outcome::Deactivated => self.deactivated,
            Outcome::Deleted => self.deleted,
        }
    }

    /// The same, to be changed.
    pub const fn of_mut(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Failed => &mut self.failed,
            Outcome::Unknown => &mut self.unknown,
            Outcome::Pending => &mut self.pending,
            Outcome::Deactivated => &mut self.deactivated,
            Outcome::Deleted => &mut self.deleted,
        }
    }

    /// The rows of the feed: every outcome that is a row's.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.created
            + self.updated
            + self.unchanged
            + self.rejected
            + self.failed
            + self.unknown
            + self.pending
    }
}

/// The calls that a run made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// All requests, reads and retries included.
    pub total: u64,
    /// Requests that repeated one which got no usable answer.
    pub retried: u64,
    /// Answers with which the target asked to slow down (429, or 503 with
    /// `Retry-After`).
    pub throttled: u64,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Under way, or killed before it could say otherwise.
    Running,
    /// Every row has an outcome.
    Finished,
    /// Ended early in order; `hrfeed resume` goes on with it.
    Interrupted,
    /// Ended by a failure of the machine or the program; can be resumed too.
    Failed,
    /// A later import of the same scope took its place.
    Superseded,
}

impl RunState {
    /// The word that the journal's readers, the JSON and the tables use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }
}

/// What validation has to say of one row.
///
/// `value` is a person's data: it is shown only where somebody asked to see
/// rows, and never written to the journal, a log or a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The row it is about.
    pub row: RowNumber,
    /// The row's external ID, where it has one.
    pub external_id: Option<ExternalId>,
    /// The feed's column, where one is to blame.
    pub column: Option<Box<str>>,
    /// The target's field, where one is to blame.
    pub field: Option<Box<str>>,
    /// What is wrong.
    pub rule: Rule,
    /// The offending text.
    pub value: Option<Box<str>>,
}

impl Finding {
    /// A sentence that a person understands, without the person's data.
    #[must_use]
    pub fn message(&self) -> String {
        match self.place() {
            Some(place) => format!("{place}: {}", self.rule),
            None => self.rule.to_string(),
        }
    }

    /// The column and the field that it is about, as a fragment of a sentence.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        match (&self.column, &self.field) {
            (Some(column), Some(field)) if column != field => {
                Some(format!("column `{column}` ({field})"))
            }
            (Some(name), _) => Some(format!("column `{name}`")),
            (None, Some(name)) => Some(name.to_string()),
            (None, None) => None,
        }
    }
}

/// A rule that a row can break. The code is stable, the sentence may improve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// More cells than the header has columns.
    TooManyCells {
        /// Cells of the row.
        cells: u32,
        /// Columns of the header.
        columns: u32,
    },
    /// A cell that is not text in the feed's encoding.
    NotText,
    /// A spreadsheet's error value.
    CellError {
        /// As the spreadsheet shows it: `#DIV/0!`.
        shown: Box<str>,
    },
    /// A field that the target requires has no value.
    Required,
    /// The external ID is empty.
    ExternalIdMissing,
    /// The external ID is a number in scientific notation.
    ExternalIdScientific,
    /// The external ID is `.` or `..`.
    ExternalIdDots,
    /// A control character, for example a line break inside a cell.
    ControlCharacter,
    /// Longer than the target takes.
    TooLong {
        /// What it takes, in characters.
        max: u32,
        /// What the cell has.
        chars: u32,
    },
    /// No e-mail address.
    Email,
    /// No ISO 3166-1 alpha-2 code.
    Country {
        /// The code that was probably meant.
        meant: Option<&'static str>,
    },
    /// No US state or territory (INCITS 38), though the country is US.
    State {
        /// The code that was probably meant.
        meant: Option<&'static str>,
    },
    /// No date in the form that the mapping names.
    Date {
        /// The form, as the mapping spells it.
        form: Box<str>,
    },
    /// A template or a filter could not be worked out for this row.
    Template {
        /// What the template engine says, without the row's data.
        problem: Box<str>,
    },
    /// Another row has the same value in a field that must be unique.
    Duplicate {
        /// The first other row that has it.
        other: RowNumber,
        /// The two differ, but only in case or white space.
        variant: bool,
        /// What becomes of this row.
        fate: DuplicateFate,
    },
    /// The journal or the target knows the person under an external ID that
    /// differs only in case or white space.
    KnownAsVariant {
        /// Who knows it so.
        known_as: Box<str>,
    },
    /// The target holds more than one person with this external ID.
    AmbiguousOnTarget {
        /// How many.
        people: u32,
    },
}

/// What the mapping's policy makes of one of several rows with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateFate {
    /// `duplicates = "reject"`: none of them is sent.
    AllRejected,
    /// `first` or `last`: another row wins, this one is not sent.
    OtherWins,
}

impl Rule {
    /// A stable code, for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooManyCells { .. } => "too-many-cells",
            Self::NotText => "not-text",
            Self::CellError { .. } => "cell-error",
            Self::Required => "required",
            Self::ExternalIdMissing => "external-id-missing",
            Self::ExternalIdScientific => "external-id-scientific",
            Self::ExternalIdDots => "external-id-dots",
            Self::ControlCharacter => "control-character",
            Self::TooLong { .. } => "too-long",
            Self::Email => "email",
            Self::Country { .. } => "country",
            Self::State { .. } => "state",
            Self::Date { .. } => "date",
            Self::Template { .. } => "template",
            Self::Duplicate { .. } => "duplicate",
            Self::KnownAsVariant { .. } => "known-as-variant",
            Self::AmbiguousOnTarget { .. } => "ambiguous-on-target",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyCells { cells, columns } => write!(
                f,
                "the row has {cells} cells and the header {columns}: something stands beside the table, \
                 or a value that holds the delimiter is not in quotes"
            ),
            Self::NotText => f.write_str("not UTF-8 text: save the file again as `CSV UTF-8`"),
            Self::CellError { shown } => {
                write!(
                    f,
                    "the cell shows {shown}: repair its formula in the spreadsheet"
                )
            }
            Self::Required => f.write_str("empty, but the target requires it"),
            Self::ExternalIdMissing => {
                f.write_str("no external ID: without one the person cannot be found again")
            }
            Self::ExternalIdScientific => f.write_str(
                "a number in scientific notation: Excel shortened it and the digits are lost; \
                 format the column as text and export again",
            ),
            Self::ExternalIdDots => {
                f.write_str("`.` and `..` cannot stand in a web address, so not be an external ID")
            }
            Self::ControlCharacter => {
                f.write_str("holds a line break or another control character")
            }
            Self::TooLong { max, chars } => {
                write!(f, "{chars} characters, but the target takes {max}")
            }
            Self::Email => f.write_str("not an e-mail address"),
            Self::Country { meant: None } => {
                f.write_str("not a country code of two letters (ISO 3166-1), such as NL or US")
            }
            Self::Country { meant: Some(code) } => write!(
                f,
                "not a country code of two letters (ISO 3166-1); meant is probably {code}: \
                 add it to the field's `map`"
            ),
            Self::State { meant: None } => {
                f.write_str("not a US state or territory of two letters, such as OH")
            }
            Self::State { meant: Some(code) } => write!(
                f,
                "not a US state or territory of two letters; meant is probably {code}: \
                 add it to the field's `map`"
            ),
            Self::Date { form } => write!(f, "not a date of the form `{form}`"),
            Self::Template { problem } => write!(f, "the template failed: {problem}"),
            Self::Duplicate {
                other,
                variant,
                fate,
            } => {
                let same = if *variant {
                    "the same but for case or white space"
                } else {
                    "the same"
                };
                match fate {
                    DuplicateFate::AllRejected => {
                        write!(f, "{same} as in row {other}: neither row is sent")
                    }
                    DuplicateFate::OtherWins => {
                        write!(
                            f,
                            "{same} as in row {other}, which wins: this row is not sent"
                        )
                    }
                }
            }
            Self::KnownAsVariant { known_as } => write!(
                f,
                "the same but for case or white space as `{known_as}`, under which the target knows somebody: \
                 spell it the same way, or say `variants = \"distinct\"` in [unique]"
            ),
            Self::AmbiguousOnTarget { people } => write!(
                f,
                "{people} people on the target have this external ID: \
                 give all but one of them another there (see `hrfeed audit`)"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_excel_shortens_is_refused_and_ids_with_an_e_are_not() {
        for text in ["1.2E+05", "1,2E+05", "1E+15", "1.5E5", "4e-7"] {
            assert_eq!(
                ExternalId::parse(text),
                Err(Rule::ExternalIdScientific),
                "{text}"
            );
        }
        for text in ["8E467", "E7", "ID10-05113", "007", "1E", "E+5", "12-3E+4x"] {
            assert!(ExternalId::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn every_control_character_is_one_and_nothing_else() {
        for char in (0..=0x2100).filter_map(char::from_u32) {
            assert_eq!(
                has_control(&format!("aé{char}ß")),
                char.is_control(),
                "{char:?}"
            );
        }
    }

    #[test]
    fn counts_add_up_to_rows_without_leavers() {
        let mut counts = Counts::default();
        for outcome in Outcome::ALL {
            *counts.of_mut(outcome) += 1;
        }
        assert_eq!(counts.rows(), 7);
        assert!(Outcome::ALL.iter().all(|&outcome| counts.of(outcome) == 1));
    }
}
