//! [guards]: the limits of a run.

use std::fmt;
use std::time::Duration;

use super::MappingError;
use super::file::{Node, Table};
use crate::model::duration_of;

/// How many of something are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    /// A fixed number.
    Number(u64),
    /// A percentage, rounded down.
    Percent(f64),
}

/// How many of something are allowed, in one run or within some days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// How many.
    pub bound: Allowance,
    /// Within how many days; `None` means in one run.
    pub days: Option<u32>,
}

/// The limits of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guards {
    /// Leavers.
    pub max_leavers: Limit,
    /// People to create.
    pub max_creates: Limit,
    /// People to change.
    pub max_updates: Limit,
    /// Known people whom the LMS does not show.
    pub max_lost: Limit,
    /// People who change in every field that identifies them, or get another
    /// external ID.
    pub max_identities: Limit,
    /// People whom the LMS mails because of a run, if that is limited.
    pub max_mails: Option<Limit>,
    /// Rejected rows.
    pub max_rejected: Limit,
    /// The mapping itself says `max_rejected`.
    pub is_max_rejected_written: bool,
    /// Rows fewer than the last good feeds had.
    pub max_shrink: Limit,
    /// Filled cells of a column fewer than the last good feeds had: always a
    /// share.
    pub max_emptied: Limit,
    /// The oldest file that is imported.
    pub max_age: Option<Duration>,
    /// The fewest rows of a feed.
    pub min_rows: u64,
    /// Up to this, rejected rows do not change the exit code.
    pub tolerate: Allowance,
}

impl Guards {
    /// The floor of a share of people, see [`Limit::most`].
    pub const FLOOR: u64 = 5;
    /// The floor of `max_creates`.
    pub const FLOOR_CREATES: u64 = 50;
    /// The floor of `max_rejected`.
    pub const FLOOR_REJECTED: u64 = 10;

    /// How many rejected rows of a feed count for the exit code: all of them, or
    /// none if `tolerate` lets that number pass.
    #[must_use]
    pub fn refused(&self, rejected: u64, rows: u64) -> u64 {
        if rejected > self.tolerate.of(rows) {
            rejected
        } else {
            0
        }
    }
}

impl Default for Guards {
    fn default() -> Self {
        let percent = |percent| Limit {
            bound: Allowance::Percent(percent),
            days: None,
        };
        Self {
            max_leavers: Limit {
                days: Some(DAYS_OF_LEAVERS),
                ..percent(5.0)
            },
            max_creates: percent(25.0),
            max_updates: percent(50.0),
            max_lost: percent(1.0),
            max_identities: percent(2.0),
            max_mails: None,
            max_rejected: percent(10.0),
            is_max_rejected_written: false,
            max_shrink: percent(20.0),
            max_emptied: percent(20.0),
            max_age: None,
            min_rows: 1,
            tolerate: Allowance::Number(0),
        }
    }
}

/// Over how many days leavers are counted, unless the mapping says otherwise: a
/// few each night empty an LMS as surely as all at once.
const DAYS_OF_LEAVERS: u32 = 7;

/// The longest window of a limit.
pub(super) const MAX_DAYS: u32 = 366;

impl Allowance {
    /// The most of `base` that it allows: a number as it is, a share rounded
    /// down.
    #[must_use]
    pub fn of(self, base: u64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of people are far below 2^52, and a percentage is not negative"
        )]
        let share = |percent: f64| {
            // 0.57% of 10,000 is 57, although the product is a hair below it.
            let exact = percent * base as f64 / 100.0;
            (exact * (1.0 + 1e-12)).floor() as u64
        };
        match self {
            Self::Number(most) => most,
            Self::Percent(percent) => share(percent).min(base),
        }
    }
}

impl Limit {
    /// The most of `base` that pass: a number as it is; a share rounded down,
    /// but at least `floor`, so that a small organisation is not stopped by
    /// one person. The floor is never more than half of `base`, so that it is
    /// not emptied either; `0%` has none.
    #[must_use]
    pub fn most(self, base: u64, floor: u64) -> u64 {
        match self.bound {
            Allowance::Percent(percent) if percent > 0.0 => {
                self.bound.of(base).max(floor.min(base / 2))
            }
            bound => bound.of(base),
        }
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(most) => write!(f, "{most}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days {
            None => self.bound.fmt(f),
            Some(1) => write!(f, "{} in 1 day", self.bound),
            Some(days) => write!(f, "{} in {days} days", self.bound),
        }
    }
}

/// Reads [guards].
pub(super) fn guards(mut table: Table<'_>) -> Result<Guards, MappingError> {
    let default = Guards::default();
    let mut limit = |key: &'static str, default: Limit, is_counted_over_days: bool| {
        let node = table.take(key);
        move || match node {
            Some(node) => read_limit(node, default.days, is_counted_over_days),
            None => Ok(default),
        }
    };
    let max_leavers = limit("max_leavers", default.max_leavers, true);
    let max_creates = limit("max_creates", default.max_creates, true);
    let max_updates = limit("max_updates", default.max_updates, true);
    let max_lost = limit("max_lost", default.max_lost, false);
    let max_identities = limit("max_identities", default.max_identities, false);
    let max_shrink = limit("max_shrink", default.max_shrink, false);
    let max_mails = table.take("max_mails");
    let max_rejected = table.take("max_rejected");
    let max_emptied = table.take("max_emptied");
    let max_age = table.take("max_age");
    let min_rows = table.take("min_rows");
    let tolerate = table.take("tolerate");
    table.finish()?;
    Ok(Guards {
        max_leavers: max_leavers()?,
        max_creates: max_creates()?,
        max_updates: max_updates()?,
        max_lost: max_lost()?,
        max_identities: max_identities()?,
        max_mails: (max_mails.map(|node| read_limit(node, None, false))).transpose()?,
        is_max_rejected_written: max_rejected.is_some(),
        max_rejected: match max_rejected {
            Some(node) => read_limit(node, None, false)?,
            None => default.max_rejected,
        },
        max_shrink: max_shrink()?,
        max_emptied: match max_emptied {
            Some(node) => share_only(&node)?,
            None => default.max_emptied,
        },
        max_age: max_age.map(|node| age(&node)).transpose()?,
        min_rows: match min_rows {
            Some(node) => node.whole(0, u32::MAX)?.into(),
            None => default.min_rows,
        },
        tolerate: match tolerate {
            Some(node) => tolerated(&node)?,
            None => default.tolerate,
        },
    })
}

/// A share, a number, or a table of one of them and `per`.
fn read_limit(
    node: Node<'_>,
    days: Option<u32>,
    is_counted_over_days: bool,
) -> Result<Limit, MappingError> {
    const EXAMPLE: &str = "{ share = \"5%\", per = \"7 days\" }";
    if !node.is_table() {
        let bound = allowance(&node, is_counted_over_days)?;
        return Ok(Limit { bound, days });
    }
    let name = node.name.clone();
    if !is_counted_over_days {
        return Err(node.error(
            format!("{name} cannot be counted over days"),
            Some(ONE_VALUE.into()),
        ));
    }
    let mut table = node.table(&name, EXAMPLE)?;
    let (share, number) = (table.take("share"), table.take("number"));
    let per = table.take("per");
    let lacks = |what: &str| {
        let help = Some(format!("for example {EXAMPLE}"));
        table.error(format!("{name} needs {what}"), help)
    };
    let (no_per, one_bound) = (lacks("`per`"), lacks("either `share` or `number`"));
    table.finish()?;
    let bound = match (share, number) {
        (Some(node), None) => match percentage(&node)? {
            Some(percent) => Allowance::Percent(percent),
            None => {
                return Err(node.error(
                    format!("{} must be a percentage in quotes", node.name),
                    Some("for example share = \"5%\"".into()),
                ));
            }
        },
        (None, Some(node)) => match node.whole(0, u32::MAX) {
            Ok(most) => Allowance::Number(most.into()),
            Err(_) => {
                return Err(node.error(
                    format!("{} must be a whole number", node.name),
                    Some("for example number = 20".into()),
                ));
            }
        },
        _ => return Err(one_bound),
    };
    Ok(Limit {
        bound,
        days: Some(days_of(&per.ok_or(no_per)?)?),
    })
}

/// What a limit that is not counted over days can be.
const ONE_VALUE: &str =
    "use a percentage in quotes, such as \"5%\", or a whole number without, such as 20";

/// `"5%"` or a whole number.
fn allowance(node: &Node<'_>, can_be_table: bool) -> Result<Allowance, MappingError> {
    if let Some(percent) = percentage(node)? {
        return Ok(Allowance::Percent(percent));
    }
    let mut help = ONE_VALUE.to_owned();
    if can_be_table {
        help += ", or { share = \"5%\", per = \"7 days\" }";
    }
    match (node.as_text(), node.whole(0, u32::MAX)) {
        (_, Ok(most)) => Ok(Allowance::Number(most.into())),
        (Some(text), _) => {
            Err(node.error(format!("{} cannot be \"{text}\"", node.name), Some(help)))
        }
        (None, _) => Err(node.error(
            format!("{} must be a percentage or a whole number", node.name),
            Some(help),
        )),
    }
}

/// The percentage that a text is, if it is one.
fn percentage(node: &Node<'_>) -> Result<Option<f64>, MappingError> {
    let text = node.as_text().unwrap_or_default();
    let percent = text
        .trim()
        .strip_suffix('%')
        .and_then(|number| number.trim_end().parse::<f64>().ok());
    match percent {
        // Without the sign of a negative zero.
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Some(percent.abs())),
        Some(_) => Err(node.error(
            format!("{} cannot be \"{text}\"", node.name),
            Some("a percentage is from \"0%\" to \"100%\"".into()),
        )),
        None => Ok(None),
    }
}

/// A share: columns have too few cells in common for a number to fit several.
fn share_only(node: &Node<'_>) -> Result<Limit, MappingError> {
    match percentage(node)? {
        Some(percent) => Ok(Limit {
            bound: Allowance::Percent(percent),
            days: None,
        }),
        None => Err(node.error(
            format!("{} must be a percentage in quotes", node.name),
            Some("for example max_emptied = \"20%\"".into()),
        )),
    }
}

/// As [`allowance`], and a number may be in quotes, since none here is a share
/// whose sign was forgotten.
fn tolerated(node: &Node<'_>) -> Result<Allowance, MappingError> {
    match node.as_text().map(|text| text.trim().parse::<u32>()) {
        Some(Ok(most)) => Ok(Allowance::Number(most.into())),
        _ => allowance(node, false),
    }
}

/// A duration in any words.
fn duration(node: &Node<'_>) -> Option<Duration> {
    duration_of(node.as_text()?)
}

/// `"7 days"`.
fn days_of(node: &Node<'_>) -> Result<u32, MappingError> {
    whole_days(node).ok_or_else(|| {
        node.error(
            format!(
                "{} must be a number of whole days, at most {MAX_DAYS}",
                node.name
            ),
            Some("for example per = \"7 days\"".into()),
        )
    })
}

/// A number of whole days, if it is one.
pub(super) fn whole_days(node: &Node<'_>) -> Option<u32> {
    days_up_to(node, MAX_DAYS)
}

/// A number of whole days up to a limit.
pub(super) fn days_up_to(node: &Node<'_>, most: u32) -> Option<u32> {
    let day = Duration::from_hours(24);
    let window = duration(node)?;
    let days = u32::try_from(window.as_secs() / day.as_secs()).ok()?;
    ((1..=most).contains(&days) && window == day * days).then_some(days)
}

/// `"36 h"`.
fn age(node: &Node<'_>) -> Result<Duration, MappingError> {
    let longest = Duration::from_hours(24 * u64::from(MAX_DAYS));
    duration(node)
        .filter(|age| !age.is_zero() && *age <= longest)
        .ok_or_else(|| {
            node.error(
                format!(
                    "{} must be a duration of at most {MAX_DAYS} days",
                    node.name
                ),
                Some("for example max_age = \"36 h\" or \"3 days\"".into()),
            )
        })
}

#[cfg(test)]
#[path = "guards_tests.rs"]
mod tests;
