//! [journal]: how long earlier runs stay, and for how long the mapping counts them itself.

use super::file::{Node, Table};
use super::guards::{MAX_DAYS, days_up_to};
use super::leavers::MAX_FEEDS;
use super::{Grace, Mapping, MappingError};

/// The least and the most days that runs are kept: an approval is good for a week.
pub const KEEP_DAYS: std::ops::RangeInclusive<u32> = 7..=3660;

/// Earlier runs that can count: what they did within that number of days, and how many of
/// their feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Days.
    pub days: u32,
    /// Feeds.
    pub feeds: u32,
}

impl Counted {
    /// The most that a mapping can say, for one that cannot be read.
    pub const MAX: Self = Self {
        days: MAX_DAYS,
        feeds: MAX_FEEDS,
    };
}

impl Mapping {
    /// Which earlier runs its limits and its `grace` count.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let guards = &self.guards;
        let limits = [
            &guards.max_leavers,
            &guards.max_creates,
            &guards.max_updates,
        ];
        let days = limits.into_iter().filter_map(|limit| limit.days).max();
        Counted {
            days: days.unwrap_or(0).max(*KEEP_DAYS.start()),
            feeds: match self.grace {
                Some(Grace::Feeds(feeds)) => feeds,
                // A second feed has to say it.
                Some(Grace::Days(_)) => 2,
                None => 1,
            },
        }
    }
}

/// For how many days what people were like before a run is kept, unless the mapping says
/// otherwise.
const KEEP_UNDO: u32 = 30;

/// The least and the most days for that.
const KEEP_UNDO_DAYS: std::ops::RangeInclusive<u32> = 1..=366;

/// What [journal] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For how many days runs are kept; `None` for ever.
    pub keep: Option<u32>,
    /// For how many days what people were like before a run is kept.
    pub keep_undo: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            keep: None,
            keep_undo: KEEP_UNDO,
        }
    }
}

/// Reads [journal].
pub(super) fn read_retention(table: Option<Table<'_>>) -> Result<Retention, MappingError> {
    let Some(mut table) = table else {
        return Ok(Retention::default());
    };
    let keep = table.take("keep");
    let keep_undo = table.take("keep_undo");
    table.finish()?;
    let keep = keep.map(|node| days_in(&node, KEEP_DAYS, "keep = \"90d\""));
    let keep_undo = keep_undo.map(|node| days_in(&node, KEEP_UNDO_DAYS, "keep_undo = \"14d\""));
    Ok(Retention {
        keep: keep.transpose()?,
        keep_undo: keep_undo.transpose()?.unwrap_or(KEEP_UNDO),
    })
}

fn days_in(
    node: &Node<'_>,
    bounds: std::ops::RangeInclusive<u32>,
    example: &str,
) -> Result<u32, MappingError> {
    let (least, most) = (bounds.start(), bounds.end());
    let days = days_up_to(node, *most).filter(|days| bounds.contains(days));
    days.ok_or_else(|| {
        node.error(
            format!(
                "{} must be a number of whole days, from {least} to {most}",
                node.name
            ),
            Some(format!("for example {example}")),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn mapping(more: &str) -> Result<Mapping, MappingError> {
        let text = format!(
            "[target]\nsystem = \"kmi\"\nbase_url = \"https://lms.example.com\"\n\
             api_key = {{ env = \"K\" }}\napi_secret = {{ env = \"S\" }}\n[fields]\n\
             externalId = \"ID\"\nemail = \"M\"\nfirstName = \"F\"\nlastName = \"L\"\n\
             loginName = \"N\"\n{more}"
        );
        Mapping::parse(Path::new("m.toml"), &text)
    }

    #[test]
    fn runs_are_kept_for_a_week_at_least_and_as_long_as_limits_and_grace_count_them() {
        let keep =
            |text: &str| mapping(&format!("[journal]\nkeep = {text}")).map(|it| it.retention.keep);
        for (text, days) in [("\"90d\"", 90), ("\"12 weeks\"", 84), ("\"7 days\"", 7)] {
            assert_eq!(keep(text).unwrap(), Some(days), "{text}");
        }
        for text in ["\"6d\"", "\"36 h\"", "90", "\"20 years\"", "\"\""] {
            let error = keep(text).unwrap_err().to_string();
            assert!(error.contains("`keep` in [journal] must be"), "{error}");
        }
        let keep_undo = |more: &str| mapping(more).map(|it| it.retention.keep_undo);
        assert_eq!(keep_undo("").unwrap(), 30);
        assert_eq!(keep_undo("[journal]\nkeep_undo = \"1d\"").unwrap(), 1);
        let error = keep_undo("[journal]\nkeep_undo = \"367d\"").unwrap_err();
        assert!(error.to_string().contains("from 1 to 366"), "{error}");
        let counted = |more: &str| {
            let it = mapping(more).unwrap().counted();
            (it.days, it.feeds)
        };
        assert_eq!(counted(""), (7, 1));
        let limit = "[guards]\nmax_updates = { share = \"5%\", per = \"30 days\" }\n";
        assert_eq!(counted(limit), (30, 1));
        let grace = "[leavers]\naction = \"delete\"\ngrace = \"9 feeds\"\n";
        assert_eq!(counted(grace), (7, 9));
    }
}
