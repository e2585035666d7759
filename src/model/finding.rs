//! What can be wrong with a row, as a code, a sentence and a place.

use super::sentences::{
    DateExample, country, duplicate, external_id_in_use, external_ids_exchanged, login_taken,
    quotes, renumbered, state, too_few_cells,
};
use super::{ExternalId, NotUndone, RowNumber};

/// What is wrong with one row.
///
/// `value` is a person's data: it is shown only where rows are asked for, and
/// never written to the journal, a log or a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The row it is about.
    pub row: RowNumber,
    /// The cell it is about, as a spreadsheet has it: `D5`.
    pub cell: Option<Box<str>>,
    /// The row's external ID, where it has one.
    pub external_id: Option<ExternalId>,
    /// The feed's column, if the finding is about one.
    pub column: Option<Box<str>>,
    /// The target's field, if the finding is about one.
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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// More cells than the header has columns.
    #[error(
        "the row has {cells} cells, but the header has {columns}: remove what is next to the \
         table, or quote the value that contains the delimiter"
    )]
    TooManyCells {
        /// Cells of the row.
        cells: u32,
        /// Columns of the header.
        columns: u32,
    },
    /// Fewer cells than the header has columns, in a feed whose rows are whole.
    #[error("{}", too_few_cells(*cells, *columns, *short))]
    TooFewCells {
        /// Cells of the row.
        cells: u32,
        /// Columns of the header.
        columns: u32,
        /// What speaks for it.
        short: ShortRow,
    },
    /// The quotes of the row do not show where its cells end.
    #[error("{}", quotes(*line, *last_line, column, *problem))]
    Quotes {
        /// The first cell that is not certain: the letters of its column.
        column: Box<str>,
        /// The line in which it begins.
        line: RowNumber,
        /// The last line that is not read because of it.
        last_line: RowNumber,
        /// What is wrong.
        problem: QuoteProblem,
    },
    /// The file ends inside the row.
    #[error("the row is cut off: the file ends inside it")]
    CutOff,
    /// A cell that is not text in the feed's encoding.
    #[error(
        "is not text in the feed's encoding: save the file again as `CSV UTF-8`, or set \
         `encoding` in [source]"
    )]
    NotText,
    /// A spreadsheet's error value.
    #[error("contains the error {shown}: fix the formula in the spreadsheet")]
    CellError {
        /// As the spreadsheet shows it: `#DIV/0!`.
        shown: Box<str>,
    },
    /// A formula whose result the file does not hold.
    #[error(
        "is a formula without its result: open the file in Excel, save it and export that, or \
         let the program that writes it write values"
    )]
    Uncalculated,
    /// The `0` of a formula that refers to an empty cell.
    #[error(
        "shows 0 because its formula refers to an empty cell: let the formula return an empty \
         text there, such as =A2&\"\""
    )]
    ZeroForNothing,
    /// Several rows are about the person, or a row that cannot be read, so that nobody
    /// knows the value.
    #[error("{why}")]
    Undecided {
        /// Why, with the rows, without a value.
        why: Box<str>,
    },
    /// A field that the target requires has no value.
    #[error("is empty; the LMS requires a value")]
    Required,
    /// The external ID is empty.
    #[error("has no external ID, so hrfeed cannot match this person later")]
    ExternalIdMissing,
    /// The external ID is a number in scientific notation.
    #[error(
        "Excel rounded this number and digits are lost: format the column as Text and \
         export again"
    )]
    ExternalIdScientific,
    /// The external ID is what a program made of one.
    #[error("{problem}")]
    ExternalIdDamaged {
        /// What, and what to do.
        problem: &'static str,
    },
    /// The external ID is a word for nothing, or an error.
    #[error(
        "is a word for nothing and not an external ID: let the HR system write one, or leave the \
         row out with `where` in [source]"
    )]
    ExternalIdNothing,
    /// The external ID mixes Latin letters with others that look like them.
    #[error(
        "mixes Latin letters with Cyrillic or Greek ones that look the same: type the ID again in \
         the HR system"
    )]
    ExternalIdLookAlike,
    /// The external ID is `.` or `..`.
    #[error("`.` and `..` cannot be external IDs: they have a meaning in web addresses")]
    ExternalIdDots,
    /// A control character, for example a line break inside a cell.
    #[error("contains a line break or another control character")]
    ControlCharacter,
    /// Longer than the target accepts.
    #[error("has {chars} characters; the LMS accepts at most {max}")]
    TooLong {
        /// The longest that it accepts, in characters.
        max: u32,
        /// What the cell has.
        chars: u32,
    },
    /// Not an e-mail address.
    #[error("is not an e-mail address")]
    Email,
    /// Not a phone number that can be written as the mapping wants it.
    #[error("{problem}")]
    Phone {
        /// Why, as a fragment of a sentence.
        problem: &'static str,
    },
    /// A character that has no counterpart in ASCII.
    #[error(
        "has characters that cannot be written in ASCII: correct them in the HR system, or remove \
         `ascii` from the field"
    )]
    NoAscii,
    /// Not in the table by which the mapping translates.
    #[error(
        "is not in column `{column}` of `{file}`: add it there, or set `default` for the field"
    )]
    Lookup {
        /// The table's file.
        file: Box<str>,
        /// The column of its keys.
        column: Box<str>,
    },
    /// The name that two countries have in common.
    #[error("could be {either}: add the one that is meant to the field's `map`")]
    CountryOfTwo {
        /// Both, with their codes.
        either: &'static str,
    },
    /// Not an ISO 3166-1 alpha-2 code.
    #[error("{}", country(*meant))]
    Country {
        /// The code that was probably meant.
        meant: Option<&'static str>,
    },
    /// Not a US state or territory (INCITS 38), though the country is US.
    #[error("{}", state(*meant))]
    State {
        /// The code that was probably meant.
        meant: Option<&'static str>,
    },
    /// Not a date in the form that the mapping names.
    #[error(
        "is not a valid date (expected {}): if your file uses another format, set the field's \
         `date`",
        DateExample(form)
    )]
    Date {
        /// The form, as the mapping spells it.
        form: Box<str>,
    },
    /// The number by which a spreadsheet knows a day.
    #[error(
        "is a bare number and not a date: give the column a date format in the spreadsheet, or, \
         if all of its cells are such numbers, set date = \"serial\" for the field"
    )]
    DateSerial,
    /// The name of a day of the week that the date is not on.
    #[error(
        "names a day of the week that the date is not on: correct one of them in the HR system"
    )]
    Weekday,
    /// A date before anybody in a feed was born.
    #[error("is a date before 1900: correct it in the HR system, or leave it empty")]
    DateTooEarly,
    /// A date of birth that is yet to come.
    #[error("is a date of birth in the future: correct it in the HR system")]
    BornInFuture,
    /// Neither true nor false.
    #[error("is neither yes nor no: use true or false, or translate it with the field's `map`")]
    Bool,
    /// Neither male nor female.
    #[error("is neither male nor female: translate it with the field's `map`")]
    Gender,
    /// A password that is too short.
    #[error("is too short: a password has at least 8 characters")]
    Password,
    /// Not a role.
    #[error(
        "is not a role: use Learner, Instructor, Observer, Author or Designer, or translate it \
         with the field's `map`; for several roles in one cell, set `split` to what separates them"
    )]
    Role,
    /// A role that has full control of the target.
    #[error(
        "the role {role} has full control: to permit it, set allow_roles = [\"{role}\"] in \
         [target]"
    )]
    RoleNotAllowed {
        /// The API's word for it.
        role: &'static str,
    },
    /// Not a type of user group.
    #[error("is not a type of group: use Learner, Instructor or Observer")]
    GroupType,
    /// Not a picture that can be sent.
    #[error("cannot be sent as a picture: {problem}")]
    Picture {
        /// Why, as a fragment of a sentence.
        problem: &'static str,
    },
    /// A group that the target does not have.
    #[error("the LMS has no group `{group}`: create it there, or set create = true in [groups]")]
    NoSuchGroup {
        /// Its external ID.
        group: Box<str>,
    },
    /// Several accounts without an external ID match the row.
    #[error(
        "{people} accounts without an external ID match this person: set the external ID on \
         the right one in the LMS"
    )]
    AdoptAmbiguous {
        /// How many.
        people: u32,
    },
    /// The value of an account without an external ID differs only in white
    /// space.
    #[error(
        "the LMS has an account without an external ID whose value differs only in spaces: use \
         the same spelling in the feed, or set the external ID on that account"
    )]
    AdoptVariant,
    /// A template or a filter could not be worked out for this row.
    #[error("{what}: {problem}")]
    Template {
        /// That it failed, as a sentence without its end.
        what: &'static str,
        /// What the template engine says, without the row's data.
        problem: Box<str>,
    },
    /// Another row has the same value in a field that must be unique.
    #[error("{}", duplicate(*other, *variant, *fate))]
    Duplicate {
        /// The first other row that has it.
        other: RowNumber,
        /// The two differ, but only in case or white space.
        variant: bool,
        /// What happens to this row.
        fate: DuplicateFate,
    },
    /// The journal or the target knows the person under an external ID that
    /// differs only in case or white space.
    #[error(
        "differs only in case or spaces from `{known_as}`, which is known already: use the same \
         spelling, or set variants = \"distinct\" in [unique]"
    )]
    KnownAsVariant {
        /// The external ID that is known.
        known_as: Box<str>,
    },
    /// The login is somebody else's, who keeps it.
    #[error("{}", login_taken(by.as_deref(), *row))]
    LoginTaken {
        /// The external ID of the other one, if there is one.
        by: Option<String>,
        /// The row of the other one, if the feed names one.
        row: Option<RowNumber>,
    },
    /// Somebody known comes under another external ID, and the mapping rejects
    /// that.
    #[error("{}", renumbered(known_as.as_deref(), *how))]
    Renumbered {
        /// The external ID so far; `None` for an account without one.
        known_as: Option<String>,
        /// What happened to the external ID, where that is plain.
        how: Option<&'static str>,
    },
    /// The external ID is another human's, who does not give it up.
    #[error("{}", external_id_in_use(known_as.as_deref()))]
    ExternalIdInUse {
        /// The external ID under which the row's person is known; `None` for
        /// somebody who is not.
        known_as: Option<Box<str>>,
    },
    /// People would exchange their external IDs.
    #[error("{}", external_ids_exchanged(known_as.as_deref()))]
    ExternalIdsExchanged {
        /// The external ID under which the row's person is known.
        known_as: Option<Box<str>>,
    },
    /// What a run changed stays.
    #[error("{}", why.text())]
    NotUndone {
        /// Why.
        why: NotUndone,
    },
    /// The target has more than one person with this external ID.
    #[error(
        "{people} people in the LMS have this external ID: change it there for all but one \
         (see `hrfeed audit`)"
    )]
    AmbiguousOnTarget {
        /// How many.
        people: u32,
    },
}

/// Why quotes do not show where cells end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteProblem {
    /// The quote that opens a cell is never closed.
    Unclosed,
    /// Text is behind a quote that may close the cell.
    TextBehind,
    /// The line as a whole is in quotes.
    WholeLine,
    /// A quoted cell holds lines that look like rows.
    TakesLinesIn,
}

impl QuoteProblem {
    /// Every problem.
    pub(super) const ALL: [Self; 4] = [
        Self::Unclosed,
        Self::TextBehind,
        Self::WholeLine,
        Self::TakesLinesIn,
    ];

    /// What is wrong, and what to do.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unclosed => {
                "a quote opens the value and none closes it: add the closing quote, or remove the \
                 opening one"
            }
            Self::TextBehind => {
                "a quote is inside the quoted value: write each quote inside a value twice (\"\")"
            }
            Self::WholeLine => {
                "the whole line is in quotes: export the people again, and do not save the file as \
                 one column"
            }
            Self::TakesLinesIn => {
                "the value contains lines that look like rows: its closing quote is probably missing"
            }
        }
    }
}

/// Why a row with few cells is not one whose empty cells were left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortRow {
    /// With those next to it, it makes exactly one row.
    Piece,
    /// Nearly all other rows are whole.
    Exception,
    /// It is the last one, and the file ends inside it.
    Last,
}

impl ShortRow {
    /// What is probably wrong, and what to do.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Piece => {
                "with the short rows next to it, it makes one row: a line break without quotes? \
                 Quote the value that contains the line break"
            }
            Self::Exception => {
                "most rows are whole: a line break without quotes, or a cell that was lost? If the \
                 cells are empty, write their delimiters"
            }
            Self::Last => {
                "the file ends inside it and looks incomplete: check that the export is complete"
            }
        }
    }
}

/// What the mapping's policy does with one of several rows with one value.
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
            Self::TooFewCells { .. } => "too-few-cells",
            Self::Quotes { .. } => "quotes",
            Self::CutOff => "cut-off",
            Self::NotText => "not-text",
            Self::CellError { .. } => "cell-error",
            Self::Uncalculated => "uncalculated",
            Self::ZeroForNothing => "zero-for-nothing",
            Self::Undecided { .. } => "undecided",
            Self::Required => "required",
            Self::ExternalIdMissing => "external-id-missing",
            Self::ExternalIdScientific => "external-id-scientific",
            Self::ExternalIdDamaged { .. } => "external-id-damaged",
            Self::ExternalIdNothing => "external-id-nothing",
            Self::ExternalIdLookAlike => "external-id-look-alike",
            Self::ExternalIdDots => "external-id-dots",
            Self::ControlCharacter => "control-character",
            Self::TooLong { .. } => "too-long",
            Self::Email => "email",
            Self::Phone { .. } => "phone",
            Self::NoAscii => "no-ascii",
            Self::Lookup { .. } => "lookup",
            Self::Country { .. } | Self::CountryOfTwo { .. } => "country",
            Self::State { .. } => "state",
            Self::Date { .. } => "date",
            Self::DateSerial => "date-serial",
            Self::Weekday => "weekday",
            Self::DateTooEarly => "date-too-early",
            Self::BornInFuture => "born-in-future",
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
            Self::LoginTaken { .. } => "login-taken",
            Self::Renumbered { .. } => "renumbered",
            Self::ExternalIdInUse { .. } => "external-id-in-use",
            Self::ExternalIdsExchanged { .. } => "external-ids-exchanged",
            Self::KnownAsVariant { .. } => "known-as-variant",
            Self::NotUndone { .. } => "not-undone",
            Self::AmbiguousOnTarget { .. } => "ambiguous-on-target",
        }
    }

    /// Whether the value should be one of a closed list that says nothing about a person by
    /// itself: a country, a state, a role.
    #[must_use]
    pub const fn is_of_closed_list(&self) -> bool {
        matches!(
            self,
            Self::Country { .. }
                | Self::CountryOfTwo { .. }
                | Self::State { .. }
                | Self::Bool
                | Self::Role
                | Self::GroupType
        )
    }
}
