//! How much longer somebody stays whom the feed no longer names.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::mapping::Grace;
use crate::model::counted;

/// How long somebody has been missing from the feed, without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// How many good feeds came without the person, this one included. The same file again
    /// is no other feed.
    pub feeds: u32,
    /// When the run of the first of them started; now, if that is this one.
    pub since: Timestamp,
}

/// What must come before somebody leaves who is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeLeft {
    /// That number of further feeds without the person.
    Feeds(u32),
    /// A feed without the person, at this time or later.
    Until(Timestamp),
}

impl fmt::Display for TimeLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feeds(feeds) => {
                let feeds = u64::from(*feeds);
                write!(f, "after {}", counted(feeds, "more feed", "more feeds"))
            }
            Self::Until(time) => write!(f, "from {} on", time.strftime("%Y-%m-%d %H:%M UTC")),
        }
    }
}

/// What must come before the person leaves; `None` if nothing must any more. Days alone do
/// not do: a second feed has to say it, since one that is not written any more says nothing.
#[must_use]
pub fn time_left(grace: Grace, absence: Absence, now: Timestamp) -> Option<TimeLeft> {
    match grace {
        Grace::Feeds(wanted) => {
            let left = wanted.saturating_sub(absence.feeds);
            (left > 0).then_some(TimeLeft::Feeds(left))
        }
        Grace::Days(days) => {
            let end = absence.since + SignedDuration::from_hours(24 * i64::from(days));
            if now < end {
                Some(TimeLeft::Until(end))
            } else {
                (absence.feeds < 2).then_some(TimeLeft::Feeds(1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    #[track_caller]
    fn check(grace: Grace, feeds: u32, days: i64, expected: Option<TimeLeft>) {
        let absence = Absence {
            feeds,
            since: at(0),
        };
        assert_eq!(time_left(grace, absence, at(days)), expected);
    }

    #[test]
    fn whoever_was_missing_from_so_many_feeds_has_no_time_left() {
        check(Grace::Feeds(3), 0, 90, Some(TimeLeft::Feeds(3)));
        check(Grace::Feeds(3), 2, 90, Some(TimeLeft::Feeds(1)));
        check(Grace::Feeds(3), 3, 0, None);
        check(Grace::Feeds(3), 9, 0, None);
        check(Grace::Feeds(1), 1, 0, None);
    }

    #[test]
    fn days_end_with_the_first_other_feed_after_them() {
        check(Grace::Days(7), 1, 0, Some(TimeLeft::Until(at(7))));
        check(Grace::Days(7), 6, 6, Some(TimeLeft::Until(at(7))));
        check(Grace::Days(7), 2, 7, None);
        // The file of a week ago, again and again.
        check(Grace::Days(7), 1, 30, Some(TimeLeft::Feeds(1)));
    }

    #[test]
    fn it_is_said_in_words() {
        assert_eq!(TimeLeft::Feeds(1).to_string(), "after 1 more feed");
        assert_eq!(TimeLeft::Feeds(2).to_string(), "after 2 more feeds");
        assert_eq!(
            TimeLeft::Until(at(7)).to_string(),
            "from 1970-01-08 00:00 UTC on"
        );
    }
}
