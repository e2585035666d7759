//! What can be wrong with a row, as a code, a sentence and a place.

use std::fmt;

use super::{ExternalId, RowNumber};

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
    /// Neither true nor false.
    Bool,
    /// Neither male nor female.
    Gender,
    /// A password that is too short.
    Password,
    /// No role.
    Role,
    /// A role with which a person could take the target over.
    RoleNotAllowed {
        /// The API's word for it.
        role: &'static str,
    },
    /// No type of a user group.
    GroupType,
    /// No picture that can be sent.
    Picture {
        /// Why, as a fragment of a sentence.
        problem: &'static str,
    },
    /// A group that the target does not have.
    NoSuchGroup {
        /// Its external ID.
        group: Box<str>,
    },
    /// Several people without an external ID could be the row's.
    AdoptAmbiguous {
        /// How many.
        people: u32,
    },
    /// Somebody without an external ID is nearly the row's.
    AdoptVariant,
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
            Self::Bool => "bool",
            Self::Gender => "gender",
            Self::Password => "password",
            Self::Role => "role",
            Self::RoleNotAllowed { .. } => "role-not-allowed",
            Self::GroupType => "group-type",
            Self::Picture { .. } => "picture",
            Self::NoSuchGroup { .. } => "no-such-group",
            Self::AdoptAmbiguous { .. } => "adopt-ambiguous",
            Self::AdoptVariant => "adopt-variant",
            Self::Template { .. } => "template",
            Self::Duplicate { .. } => "duplicate",
            Self::KnownAsVariant { .. } => "known-as-variant",
            Self::AmbiguousOnTarget { .. } => "ambiguous-on-target",
        }
    }
}

impl Rule {
    /// What tells findings of one code apart whose sentences ask for different
    /// repairs, so that they are counted apart.
    #[must_use]
    pub const fn variety(&self) -> &'static str {
        match self {
            Self::Picture { problem } => problem,
            Self::RoleNotAllowed { role } => role,
            _ => "",
        }
    }
}

impl fmt::Display for Rule {
    #[expect(clippy::too_many_lines, reason = "one sentence after the other")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyCells { cells, columns } => write!(
                f,
                "the row has {cells} cells and the header {columns}: something stands beside the table, \
                 or a value that holds the delimiter is not in quotes"
            ),
            Self::NotText => f.write_str(
                "not text in the feed's encoding: save the file again as `CSV UTF-8`, or name its \
                 encoding in [source]",
            ),
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
            Self::Date { form } => write!(
                f,
                "not a date of the form `{form}`, which the field's `date` can change"
            ),
            Self::Bool => f.write_str("neither yes nor no: write true or false, or use `map`"),
            Self::Gender => f.write_str("neither male nor female: the field's `map` can translate"),
            Self::Password => f.write_str("a password has at least 8 characters"),
            Self::Role => f.write_str(
                "not a role: Learner, Instructor, Observer, Author and Designer are, and the \
                 field's `map` can translate; several in one cell need the `split` that stands between them",
            ),
            Self::RoleNotAllowed { role } => write!(
                f,
                "whoever is {role} can take the environment over: only with \
                 allow_roles = [\"{role}\"] in [target]"
            ),
            Self::GroupType => f.write_str("not a type of group: Learner, Instructor, Observer"),
            Self::Picture { problem } => write!(f, "no picture that can be sent: {problem}"),
            Self::NoSuchGroup { group } => write!(
                f,
                "the LMS has no group `{group}`: make it there, or say create = true in [groups]"
            ),
            Self::AdoptAmbiguous { people } => write!(
                f,
                "{people} people without an external ID could be this one: give the right one \
                 the external ID on the LMS"
            ),
            Self::AdoptVariant => f.write_str(
                "the LMS has somebody without an external ID whose value differs in white space \
                 only: spell it the same way, or give the person the external ID on the LMS",
            ),
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
