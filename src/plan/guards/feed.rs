//! A feed as a whole: whether it looks sick, so that nothing may be sent.

use std::time::Duration;

use super::{Allow, Allowed, limit_of};
use crate::feed::{FileEnd, LastRow};
use crate::mapping::{Allowance, Guards, Limit};
use crate::model::{count, counted};
use crate::plan::profile::{JoinedProfile, Profile, median, scaled};

/// This number of cells may become empty in any column, in a small feed half of
/// them or two: a column that is filled in a few rows is emptied by a few people.
const FLOOR_EMPTIED: u64 = 5;

/// What a feed looks like, and what those before it looked like.
#[derive(Clone, Copy, Debug)]
pub struct FeedFacts<'a> {
    /// Its rows.
    pub rows: u64,
    /// Those of them that are invalid.
    pub rejected: u64,
    /// Its profile.
    pub profile: &'a Profile,
    /// The profiles of the last good feeds of this mapping, at most five.
    pub before: &'a [Profile],
    /// How old the file is; `None` where nobody can know.
    pub age: Option<Duration>,
    /// Where its file was imported before, and a newer one since: the two runs.
    pub imported_before: Option<[&'a str; 2]>,
    /// Its last row.
    pub last: Option<LastRow>,
}

/// What makes a feed look sick. Nothing may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sick {
    /// Why, as a sentence without its full stop.
    pub why: String,
    /// What a person types to let it through.
    pub allow: Allow,
}

/// All that makes a feed look sick, but what a person allowed.
#[must_use]
pub fn feed(guards: &Guards, allowed: &Allowed, facts: &FeedFacts<'_>) -> Vec<Sick> {
    let rules = [
        too_short,
        too_wrong,
        files_missing,
        shrunk,
        too_old,
        imported_before,
        cut_off,
    ];
    rules
        .iter()
        .filter_map(|rule| rule(guards, facts))
        .chain(emptied(guards, facts))
        .chain(
            facts
                .profile
                .joined
                .iter()
                .flat_map(|file| joined(guards, facts, file)),
        )
        .filter(|sick| !allowed.covers(&sick.allow))
        .collect()
}

/// `min_rows`.
fn too_short(guards: &Guards, facts: &FeedFacts<'_>) -> Option<Sick> {
    let (rows, minimum) = (facts.rows, guards.min_rows);
    (rows < minimum).then(|| Sick {
        why: format!(
            "the feed has {}; the minimum is {} (`min_rows`)",
            counted(rows, "row", "rows"),
            count(minimum)
        ),
        allow: Allow::Rows(rows),
    })
}

/// `max_rejected`. Ten invalid rows pass, unless they are most of the feed.
fn too_wrong(guards: &Guards, facts: &FeedFacts<'_>) -> Option<Sick> {
    let (rows, rejected, limit) = (facts.rows, facts.rejected, guards.max_rejected);
    let most = of_rows(limit, rows, Guards::FLOOR_REJECTED);
    let invalid = || {
        let verb = if rejected == 1 { "is" } else { "are" };
        let (rejected, rows) = (count(rejected), counted(rows, "row", "rows"));
        format!("{rejected} of {rows} {verb} invalid")
    };
    let is_mostly_wrong = rejected > Guards::FLOOR && rejected > rows / 2;
    let why = if rejected > most {
        let limit = limit_of("max_rejected", limit, most, rows);
        format!("{}; the limit is {limit}", invalid())
    } else if is_mostly_wrong && !guards.is_max_rejected_written {
        format!(
            "{}, more than half of the feed (set `max_rejected` to allow that)",
            invalid()
        )
    } else {
        return None;
    };
    Some(Sick {
        why,
        allow: Allow::Rejected(rejected),
    })
}

/// Fewer files than the last good feeds had: whose people are in a file that did not come
/// would be leavers.
fn files_missing(_: &Guards, facts: &FeedFacts<'_>) -> Option<Sick> {
    let files = facts.profile.files;
    let before = facts.before.iter().map(|profile| profile.files);
    let usual = median(before.filter(|files| *files > 0).collect())?;
    (files > 0 && files < usual).then(|| Sick {
        why: format!(
            "the feed has {} with rows, {} fewer than the last good feeds ({})",
            counted(files, "file", "files"),
            count(usual - files),
            count(usual)
        ),
        allow: Allow::Files(files),
    })
}

/// `max_shrink`.
fn shrunk(guards: &Guards, facts: &FeedFacts<'_>) -> Option<Sick> {
    let usual = median(facts.before.iter().map(|profile| profile.rows).collect())?;
    // As many as the earlier profiles counted, also those that other rows stand for.
    let rows = facts.profile.rows;
    let (missing, limit) = (usual.saturating_sub(rows), guards.max_shrink);
    let most = limit.most(usual, Guards::FLOOR);
    (missing > most).then(|| Sick {
        why: format!(
            "the feed has {}, {} fewer than the last good feeds ({}); the limit is {}",
            counted(rows, "row", "rows"),
            count(missing),
            count(usual),
            limit_of("max_shrink", limit, most, usual)
        ),
        allow: Allow::Shrink(missing),
    })
}

/// `max_age`.
fn too_old(guards: &Guards, facts: &FeedFacts<'_>) -> Option<Sick> {
    let (age, limit) = (facts.age?, guards.max_age?);
    (age > limit).then(|| Sick {
        why: format!(
            "the feed is {} old; the limit is {} (`max_age`)",
            // Never the same as the limit.
            in_words(age.max(limit.saturating_add(Duration::from_mins(1)))),
            in_words(limit)
        ),
        allow: Allow::Age,
    })
}

/// The file of an earlier night, delivered again: it would undo what a newer one said.
fn imported_before(_: &Guards, facts: &FeedFacts<'_>) -> Option<Sick> {
    let [earlier, last] = facts.imported_before?;
    Some(Sick {
        why: format!(
            "the feed is the file of run {earlier} again, and older than the one of run {last}, \
             which was imported since"
        ),
        allow: Allow::Age,
    })
}

/// Whether the feed itself is cut off in its last row, let pass or not.
#[must_use]
pub fn is_cut_off(facts: &FeedFacts<'_>) -> bool {
    cut_off(&Guards::default(), facts).is_some()
}

/// A text file that was cut off in its last row. Where a person let a feed pass that ends in
/// a short row, the feeds after it may, too.
fn cut_off(_: &Guards, facts: &FeedFacts<'_>) -> Option<Sick> {
    let last = facts.last?;
    let ends = facts.before.iter().map(|profile| profile.end);
    let mut ends = ends.filter(|end| *end != FileEnd::Unknown).peekable();
    let (row, cells) = (last.row, counted(last.cells as u64, "cell", "cells"));
    let why = match last.end {
        FileEnd::InShortRow if ends.clone().all(|end| end != FileEnd::InShortRow) => format!(
            "the feed is cut off in row {row}, which has {cells} of {}, fewer than every other \
             row, and no line end",
            count(last.columns as u64)
        ),
        FileEnd::InRow if ends.peek().is_some() && ends.all(|end| end == FileEnd::OfLine) => {
            format!(
                "the feed may be cut off in row {row}: the file ends without a line end, and the \
                 last good feeds had one"
            )
        }
        _ => return None,
    };
    Some(Sick {
        why,
        allow: Allow::CutOff,
    })
}

/// `max_emptied`, for each column that good feeds had. A shorter feed has fewer
/// filled cells; what joiners do not have yet was not emptied.
fn emptied(guards: &Guards, facts: &FeedFacts<'_>) -> impl Iterator<Item = Sick> {
    let (limit, rows) = (guards.max_emptied, facts.profile.rows);
    facts.profile.columns.iter().filter_map(move |column| {
        let before = facts.before.iter().filter_map(|profile| {
            let filled = profile.column(&column.name)?.filled;
            (profile.rows > 0).then(|| scaled(filled, profile.rows, rows).min(filled))
        });
        let expected = median(before.collect())?;
        let most = of_rows(limit, expected, (rows / 2).clamp(2, FLOOR_EMPTIED));
        let missing = expected.saturating_sub(column.filled);
        (missing > most).then(|| Sick {
            why: format!(
                "`{}` is filled in {} of {}, {} fewer than the last good feeds suggest ({}); the \
                 limit is {}",
                column.name,
                count(column.filled),
                counted(rows, "row", "rows"),
                count(missing),
                count(expected),
                limit_of("max_emptied", limit, most, expected)
            ),
            allow: Allow::emptied(&column.name),
        })
    })
}

/// A joined file that has shrunk, was cut off, or no longer has rows of people who are in
/// the feed.
fn joined(guards: &Guards, facts: &FeedFacts<'_>, now: &JoinedProfile) -> Vec<Sick> {
    let before = || {
        facts
            .before
            .iter()
            .filter_map(|it| Some((it, it.joined(&now.file)?)))
    };
    let mut sick: Vec<_> = given_to_nobody(guards, now).into_iter().collect();
    if let Some(usual) = median(before().map(|(_, file)| file.rows).collect()) {
        let missing = usual.saturating_sub(now.rows);
        let limit = guards.max_shrink;
        let most = limit.most(usual, Guards::FLOOR);
        if missing > most {
            sick.push(Sick {
                why: format!(
                    "`{}` has {}, {} fewer than with the last good feeds ({}); the limit is {}",
                    now.file,
                    counted(now.rows, "row", "rows"),
                    count(missing),
                    count(usual),
                    limit_of("max_shrink", limit, most, usual)
                ),
                allow: Allow::Shrink(missing),
            });
        }
    }
    let mut ends = before()
        .map(|(_, file)| file.end)
        .filter(|end| *end != FileEnd::Unknown);
    if now.end == FileEnd::InRow && ends.next().is_some_and(|end| end == FileEnd::OfLine) {
        sick.push(Sick {
            why: format!(
                "`{}` may be cut off: it ends without a line end, and had one with the last good \
                 feeds",
                now.file
            ),
            allow: Allow::CutOff,
        });
    }
    let rows = facts.profile.rows;
    let usual = before().filter(|(profile, _)| profile.rows > 0);
    let usual = usual.map(|(profile, file)| scaled(file.people, profile.rows, rows));
    // Without anything to compare with, nobody may be cleared beyond the limit.
    let expected = median(usual.collect()).or_else(|| now.clears.then_some(rows));
    if let Some(expected) = expected {
        let limit = guards.max_emptied;
        let most = of_rows(limit, expected, (rows / 2).clamp(2, FLOOR_EMPTIED));
        let missing = expected.saturating_sub(now.people);
        if missing > most {
            let comparison = match before().next() {
                Some(_) => format!(
                    "{} fewer than the last good feeds suggest ({})",
                    count(missing),
                    count(expected)
                ),
                None => format!(
                    "and fields of the other {} would be cleared (empty = \"clear\")",
                    count(missing)
                ),
            };
            sick.push(Sick {
                why: format!(
                    "`{}` has rows for {} of {}, {comparison}; the limit is {}",
                    now.file,
                    count(now.people),
                    counted(rows, "person", "people"),
                    limit_of("max_emptied", limit, most, expected)
                ),
                allow: Allow::emptied(&now.file),
            });
        }
    }
    sick
}

/// A joined file with too many rows of which nobody can say whose they are: another row may
/// count for their people. `max_rejected`, as for rows of the feed.
fn given_to_nobody(guards: &Guards, now: &JoinedProfile) -> Option<Sick> {
    let (limit, rows) = (guards.max_rejected, now.rows);
    let most = of_rows(limit, rows, Guards::FLOOR_REJECTED);
    (now.nobodys > most).then(|| Sick {
        why: format!(
            "`{}`: {} of {} have no certain key or cannot be read; the limit is {} (correct them; if \
             they are nobody's, leave them out with `where` in [join])",
            now.file,
            count(now.nobodys),
            counted(rows, "row", "rows"),
            limit_of("max_rejected", limit, most, rows)
        ),
        allow: Allow::Rejected(now.nobodys),
    })
}

/// The most of `base` that pass, with a floor that does not depend on `base`.
fn of_rows(limit: Limit, base: u64, floor: u64) -> u64 {
    match limit.bound {
        Allowance::Percent(percent) if percent > 0.0 => limit.most(base, 0).max(floor),
        _ => limit.most(base, 0),
    }
}

/// A time in hours and minutes.
fn in_words(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{} h", count(hours)),
        (hours, minutes) => format!("{} h {minutes} min", count(hours)),
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
pub(super) mod tests;
