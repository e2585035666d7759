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
    /// The condition of a joined file leaves out none of its rows.
    TakesAll,
    /// Another row of the same person counts.
    GaveWay,
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
            Self::NoKey => f.write_str("rows without a key are nobody's: they do not count"),
            Self::TakesAll => f.write_str(
                "`where` in [join] leaves out no row: check its column and its words if it should",
            ),
            Self::LeaverUnknown => f.write_str(
                "rows name nobody whom hrfeed knows in this LMS: nothing happens for them",
            ),
            Self::GaveWay => f.write_str(
                "rows were skipped because another row of the same person counts (`merge` in \
                 [source])",
            ),
        }
    }
}
