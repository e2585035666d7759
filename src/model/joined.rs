//! What to say of files that are joined to the feed, and of several rows of one person.

use std::fmt;

use super::counted;

/// What a joined file says, or other rows of the same person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Joined {
    /// A joined file has no row of the person.
    NoRow {
        /// The file.
        file: Box<str>,
    },
    /// A joined file has rows of people who are not in the feed.
    OfNobody {
        /// How many people.
        people: u64,
    },
    /// Rows of a joined file have no key.
    NoKey,
    /// Rows of a joined file, or of those of which one counts for a person, have keys that
    /// cannot be read.
    KeyLost,
    /// Rows of a joined file cannot be read.
    Unreadable,
    /// Rows of a joined file are not read because of a quote before them.
    HidesRows,
    /// Rows of a joined file have keys that are those of people but for their spelling.
    OtherSpelling,
    /// Keys of those rows of which one counts for a person differ only in their spelling.
    AlikeKeys,
    /// The condition of a joined file leaves out none of its rows.
    TakesAll,
    /// Another row of the same person counts.
    GaveWay,
    /// Rows are of a person of whose rows none counts.
    GaveWayToNone,
    /// Groups are named only in rows with several groups, so that a name or a parent there
    /// is of none of them.
    GroupsUnnamed {
        /// Some of them.
        groups: Box<[Box<str>]>,
        /// How many there are.
        count: u64,
    },
    /// A row of a list of leavers names nobody who is known.
    LeaverUnknown,
}

impl fmt::Display for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRow { file } => write!(
                f,
                "`{file}` has no row of the person, so that its columns are empty"
            ),
            Self::OfNobody { people: 1 } => {
                f.write_str("it has rows of a person who is not in the feed: they do not count")
            }
            Self::OfNobody { people } => {
                let people = counted(*people, "person", "people");
                write!(
                    f,
                    "it has rows of {people} who are not in the feed: they do not count"
                )
            }
            Self::NoKey => f.write_str(
                "rows without a key are nobody's and do not count (if one is somebody's, another row \
                 counts for that person)",
            ),
            Self::KeyLost => f.write_str(
                "rows have no key that is certain (an error, a formula, a number that Excel \
                 shortened) and do not count, so that older rows of their people may: correct them",
            ),
            Self::Unreadable => f.write_str(
                "rows cannot be read with certainty: no person is sent whose key is in one of them, \
                 and if the key is wrong, an older row may count for somebody",
            ),
            Self::HidesRows => f.write_str(
                "a quote that is never closed hides the rows behind it, so that older rows of their \
                 people may count: correct the quote",
            ),
            Self::OtherSpelling => f.write_str(
                "keys are those of people in the feed but for case, spaces or leading zeros: the \
                 rows are nobody's and do not count, so correct the keys if they mean the same",
            ),
            Self::AlikeKeys => f.write_str(
                "keys of several people differ only in case, spaces or leading zeros, and each is a \
                 person of its own (`merge` in [source]): correct them if they mean the same",
            ),
            Self::TakesAll => f.write_str(
                "`where` in [join] leaves out no row: check its column and its words if it should",
            ),
            Self::GroupsUnnamed { groups, count } => {
                let some: Vec<_> = groups.iter().map(|group| format!("`{group}`")).collect();
                let more = match *count - groups.len() as u64 {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                write!(
                    f,
                    "the groups {}{more} are only in rows of people with several groups, so that \
                     `name` and `parent` of [groups] say nothing of them: their names are their IDs \
                     (use a column that has names for the groups, or name them in the LMS)",
                    some.join(", ")
                )
            }
            Self::LeaverUnknown => f.write_str(
                "rows name nobody whom hrfeed knows in this LMS: nothing happens for them",
            ),
            Self::GaveWayToNone => f.write_str(
                "rows were skipped because no row of the person counts: the row that stands for all \
                 of them is rejected (`merge` in [source])",
            ),
            Self::GaveWay => f.write_str(
                "rows were skipped because another row of the same person counts (`merge` in \
                 [source])",
            ),
        }
    }
}
