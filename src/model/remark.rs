//! What was decided about a feed that nobody asked for, so that a person hears of it.

use std::fmt;

use super::{InWorkbook, Joined};

/// Something that was read in another way than it is written, left out, or guessed.
///
/// Nothing is wrong with the row: that is a [`Finding`](super::Finding). A remark
/// holds no person's data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Remark {
    /// The feed is several files, which have these numbers.
    Files {
        /// How many, and their names with their numbers.
        files: Box<str>,
    },
    /// The file has rows that hrfeed wrote for the HR department.
    Corrections {
        /// Of which run.
        run: Option<u64>,
    },
    /// The text's encoding was guessed.
    Encoding {
        /// Its name.
        encoding: &'static str,
    },
    /// The feed is signed, and the mapping does not say by whom it has to be.
    SignatureUnchecked,
    /// Cells are quoted in another way than RFC 4180 says.
    Quoting {
        /// In which way.
        style: QuotingStyle,
    },
    /// A value is a word that often means nothing.
    WordForNothing {
        /// The word.
        word: &'static str,
        /// Somebody could be called so.
        may_be_name: bool,
    },
    /// Texts were garbled before the feed reached hrfeed.
    Garbled {
        /// How.
        how: Garbled,
    },
    /// What a program put around values or into them was taken away.
    Cleaned {
        /// What.
        removed: Removed,
    },
    /// External IDs have letters of another alphabet that look Latin, and no Latin ones.
    LooksLatin,
    /// The feed spells a column's name in another way than the mapping.
    ColumnSpelling {
        /// The name in the mapping.
        name: Box<str>,
        /// The name in the feed.
        of_feed: Box<str>,
        /// What differs, as the end of a sentence.
        difference: &'static str,
    },
    /// Rows that are plainly no people were left out.
    NoPerson {
        /// What they are.
        what: NoPerson,
    },
    /// External IDs of groups that differ only in case or white space.
    GroupSpellings {
        /// The groups.
        groups: Box<[Box<str>]>,
    },
    /// External IDs of groups that look like several groups each.
    SeveralGroupsInOne {
        /// Some of them.
        groups: Box<[Box<str>]>,
    },
    /// The mapping's filter leaves out nobody.
    FilterTakesAll,
    /// The mapping's filter leaves out everybody.
    FilterTakesNone,
    /// A date has a time of day in UTC that is not midnight.
    TimeInUtc,
    /// A few dates of a column have day and month in the other order.
    DateOrder {
        /// The form that the mapping names.
        expected: Box<str>,
    },
    /// The dates of a column have another form than the mapping says.
    DateForms {
        /// The form that the mapping says.
        expected: Box<str>,
        /// The forms that nearly all of them have; of several any can be right.
        found: Box<[&'static str]>,
    },
    /// Rows were left out because another row of the person counts.
    OtherRowCounts {
        /// What the mapping says: `first`, `last`.
        which: &'static str,
    },
    /// Phone numbers have an extension, which the form that the mapping wants has not.
    PhoneExtension,
    /// Something about a file that the mapping looks values up in.
    OfLookup {
        /// The file.
        file: Box<str>,
        /// What, as a sentence.
        said: Box<str>,
    },
    /// What a workbook has beside the cells that are read.
    Workbook(InWorkbook),
    /// What a joined file says, or other rows of the same person.
    Joined(Joined),
}

/// What a row is that is plainly no person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoPerson {
    /// The names of the columns, although the mapping says that there are none.
    Header,
    /// The names of the columns once more, among the people.
    RepeatedHeader,
    /// Other names of the columns, below the header.
    Labels,
    /// A line that is drawn with characters below the header.
    Line,
    /// The types of the columns, or which of them must be filled.
    Types,
    /// How to fill the columns in.
    Instructions,
    /// How a row may look.
    Example,
    /// Sums and counts.
    Total,
    /// What a report says at its end.
    EndOfReport,
    /// What signs and codes of a report mean.
    Legend,
}

impl fmt::Display for NoPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "a header row, although the mapping has `header = false` in [source]",
            Self::RepeatedHeader => "rows that repeat the header",
            Self::Labels => "a second header row",
            Self::Line => "a line without words below the header",
            Self::Types => "a row of types below the header",
            Self::Instructions => "instructions below the header",
            Self::Example => "an example row below the header",
            Self::Total => "rows of totals",
            Self::EndOfReport => "lines at the end of a report",
            Self::Legend => "lines that explain signs",
        })
    }
}

/// A way of quoting cells that is not that of RFC 4180.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuotingStyle {
    /// A backslash before a quote inside a cell.
    Backslash,
    /// Quotes inside a quoted cell as they are.
    InnerQuotes,
    /// White space between quotes and delimiters.
    SpacesAround,
    /// Single quotes around cells.
    SingleQuotes,
    /// Typographic quotes around cells.
    CurlyQuotes,
    /// Quotes around whole lines.
    WholeLines,
}

impl fmt::Display for QuotingStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backslash => {
                "quotes inside values are written with a backslash (\\\"): read as quotes, and two \
                 backslashes as one"
            }
            Self::InnerQuotes => {
                "quotes inside quoted values are not doubled: the quote before a delimiter or a \
                 line end is read as the end of a value"
            }
            Self::SpacesAround => "white space is around the quotes of values: read without it",
            Self::SingleQuotes => "values are in single quotes: read without them",
            Self::CurlyQuotes => "values are in typographic quotes: read without them",
            Self::WholeLines => {
                "whole lines are in quotes, as if the table were one column: read as the rows that \
                 they were"
            }
        })
    }
}

/// How texts were garbled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Garbled {
    /// Their UTF-8 was taken for another encoding and encoded again.
    EncodedTwice,
    /// They have the sign that programs write for letters that they cannot read.
    LostLetters,
    /// They have characters as HTML writes them.
    HtmlCodes,
    /// They have question marks where letters may have been.
    MarksForLetters,
    /// They are in UTF-7 or HZ, which write all letters with those of ASCII.
    Shifted,
}

impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EncodedTwice => {
                "texts look as if they had been encoded twice (`Ã¼` for `ü`): let the export write \
                 UTF-8 once; if the mapping sets `encoding`, check that too"
            }
            Self::LostLetters => {
                "letters are lost: a program before hrfeed wrote `\u{fffd}` for them, so export the \
                 people again as UTF-8"
            }
            Self::HtmlCodes => {
                "texts have characters as HTML writes them, such as `&amp;` or `&eacute;`, and are \
                 sent as they are: let the export write plain text"
            }
            Self::Shifted => {
                "texts are in UTF-7 (`+APw-` for `ü`) or HZ (`~{…~}`), which hrfeed does not read, \
                 and are sent as they are: let the export write UTF-8"
            }
            Self::MarksForLetters => {
                "words have `?` where letters may have been that the export cannot write: let it \
                 write UTF-8"
            }
        })
    }
}

/// What is not part of a value, and was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Removed {
    /// A formula around a text: `="00123"`.
    Formula,
    /// The mark in front that makes a text of a number: `'00123`.
    Apostrophe,
    /// Quotation marks: `"00123"`.
    Quotes,
    /// Characters that nobody sees.
    Invisible,
    /// No-break spaces, which are spaces now.
    NoBreakSpaces,
    /// The width of letters and digits as East Asian keyboards write them.
    FullWidth,
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Formula => "values are written as =\"…\" for Excel: read without it",
            Self::Apostrophe => {
                "values have an apostrophe in front, as Excel marks text: read without it"
            }
            Self::Quotes => "values are in quotation marks: read without them",
            Self::Invisible => "values contain characters that cannot be seen: read without them",
            Self::NoBreakSpaces => "values contain no-break spaces: read as spaces",
            Self::FullWidth => {
                "values contain full-width letters or digits: read as those of ASCII"
            }
        })
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { files } => write!(f, "the feed is {files}"),
            Self::Corrections { run } => {
                let of_run = run.map(|run| format!(" of run {run}")).unwrap_or_default();
                write!(
                    f,
                    "the file has rows{of_run} that came back: it counts as a delta, so nobody is \
                     missing from it, and other feeds are not compared with it"
                )
            }
            Self::Encoding { encoding } => write!(
                f,
                "the feed is read as {encoding} text (if names look wrong, set `encoding` in \
                 [source])"
            ),
            Self::SignatureUnchecked => f.write_str(SIGNATURE_UNCHECKED),
            Self::Quoting { style } => style.fmt(f),
            Self::WordForNothing { word, .. } => {
                let key = toml_string(word);
                write!(
                    f,
                    "cells contain `{word}`: if that means nothing, translate it with the field's \
                     map = {{ {key} = \"\" }}"
                )
            }
            Self::Garbled { how } => how.fmt(f),
            Self::Cleaned { removed } => removed.fmt(f),
            Self::NoPerson { what } => write!(f, "left out: {what}"),
            Self::LooksLatin => f.write_str(
                "external IDs have Cyrillic or Greek letters that look like Latin ones, and most \
                 others have none: check how they were typed",
            ),
            Self::ColumnSpelling {
                name,
                of_feed,
                difference,
            } => write!(
                f,
                "column `{name}` of the mapping is read from `{of_feed}`: they differ in \
                 {difference}"
            ),
            Self::GroupSpellings { groups } => write!(
                f,
                "the groups {} differ only in case or spaces, and each is a group of its own: \
                 translate them with the field's `map`",
                in_backticks(groups)
            ),
            Self::SeveralGroupsInOne { groups } => write!(
                f,
                "the groups {} look like several groups in one cell: set `split` of the field to \
                 what separates them, for example split = [\";\", \",\"]",
                in_backticks(groups)
            ),
            Self::FilterTakesAll => f.write_str(
                "`where` in [source] leaves out no row: check its column and its words if it should",
            ),
            Self::FilterTakesNone => f.write_str(
                "`where` in [source] leaves out every row: check its column and its words",
            ),
            Self::TimeInUtc => f.write_str(
                "dates have a time of day in UTC that is not midnight, so that elsewhere it may be \
                 the next day: set `zone` for the field, for example zone = \"Europe/Amsterdam\"",
            ),
            Self::DateOrder { expected } => f.write_str(&date_order(expected)),
            Self::DateForms { expected, found } => {
                let found: Vec<_> = found.iter().map(|form| format!("\"{form}\"")).collect();
                write!(
                    f,
                    "most texts are not dates of the form \"{expected}\": set date = {} for the \
                     field",
                    found.join(" or date = ")
                )
            }
            Self::OtherRowCounts { which } => f.write_str(&other_row_counts(which)),
            Self::PhoneExtension => f.write_str(
                "numbers have an extension, for which the form E.164 has no place: it is left out",
            ),
            Self::OfLookup { file, said } => write!(f, "`{file}`: {}", of_lookup(said)),
            Self::Workbook(what) => what.fmt(f),
            Self::Joined(what) => what.fmt(f),
        }
    }
}

impl Remark {
    /// Whether it is worth saying of that number of rows.
    pub(super) fn is_worth_saying(&self, rows: u64) -> bool {
        match self {
            // One person may be called so.
            Self::WordForNothing { may_be_name, .. } => !may_be_name || rows > 1,
            _ => true,
        }
    }
}

const SIGNATURE_UNCHECKED: &str = "the feed is signed, and nobody checked by whom (name the \
     sender's certificate with `signed_by` in [source.openpgp])";

fn date_order(expected: &str) -> String {
    format!(
        "some dates are dates only with day and month the other way round than in \"{expected}\", \
         and few or none only as they are there: check the dates whose day is up to 12"
    )
}

fn other_row_counts(which: &str) -> String {
    format!(
        "left out: rows of people who have another row that counts (`duplicates = \"{which}\"` in \
         [unique])"
    )
}

/// What is said of a feed, about the file of a `lookup`.
fn of_lookup(said: &str) -> String {
    said.replace("[source]", "its `lookup`")
}

/// `` `Staff`, `Leavers` ``.
pub(super) fn in_backticks(names: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

/// A word as a mapping spells it.
fn toml_string(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\"))
}
