//! What keeps an accident from the target: a feed that looks wrong sends
//! nothing, and a kind of change beyond its limit waits for approval.

use super::{RowState, RowTable};
use crate::mapping::{Guards, Leavers, Limit};
use crate::model::{ExternalId, count, counted};

/// What a guard watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guard {
    /// `min_rows`: the feed is too short.
    Rows,
    /// `max_rejected`: too many rows are invalid.
    Rejected,
    /// `max_leavers`: too many people are missing from the feed.
    Leavers,
    /// `max_creates`: too many people would be created.
    Creates,
    /// `max_updates`: too many people would be changed.
    Updates,
}

impl Guard {
    /// The word with which a person approves.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Rejected => "rejected",
            Self::Leavers => "leavers",
            Self::Creates => "creates",
            Self::Updates => "updates",
        }
    }
}

/// How many people must be known before `max_creates` and `max_updates` count.
const CREATES_AND_UPDATES_COUNT_FROM: u64 = 100;

/// A kind of change that waits for approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which guard holds it.
    pub guard: Guard,
    /// How many changes wait.
    pub changes: u64,
    /// Why, as a sentence without its full stop.
    pub why: String,
}

/// What `allowed` does not cover of a feed as a whole. Nothing may be sent.
#[must_use]
pub fn feed(guards: &Guards, allowed: &[Guard], rows: &RowTable) -> Option<Held> {
    let (all, rejected) = (rows.len() as u64, rows.count(RowState::Rejected));
    let rows = counted(all, "row", "rows");
    let too_few = all < guards.min_rows && !allowed.contains(&Guard::Rows);
    let floor = if guards.is_max_rejected_written {
        0
    } else {
        50
    };
    let too_wrong = rejected > guards.max_rejected.bound.of(all).max(floor);
    let (guard, why) = if too_few {
        let minimum = count(guards.min_rows);
        let why = format!("the feed has {rows}; the minimum is {minimum} (`min_rows`)");
        (Guard::Rows, why)
    } else if too_wrong && !allowed.contains(&Guard::Rejected) {
        let (rejected, limit) = (count(rejected), guards.max_rejected);
        let why =
            format!("{rejected} of {rows} are invalid; the limit is {limit} (`max_rejected`)");
        (Guard::Rejected, why)
    } else {
        return None;
    };
    Some(Held {
        guard,
        changes: 0,
        why,
    })
}

/// What the changes are held against.
#[derive(Debug)]
pub struct Circumstances<'a> {
    /// People who are missing from the feed; those that a guard holds are
    /// removed.
    pub leavers: &'a mut Vec<ExternalId>,
    /// What the mapping does with them.
    pub action: Leavers,
    /// How many people this feed named before.
    pub named_before: u64,
    /// Rows without a readable external ID.
    pub unidentified: u64,
    /// People who are known at this address under another API key, while nobody
    /// is known under this one. If it replaced the other, all of them would be
    /// created twice.
    pub under_other_keys: u64,
}

/// Holds back each kind of change that goes beyond its limit: the rows are
/// marked, the leavers removed.
pub fn hold(
    guards: &Guards,
    allowed: &[Guard],
    rows: &mut RowTable,
    around: &mut Circumstances<'_>,
) -> Vec<Held> {
    let mut held = Vec::new();
    let mut holds = |guard: Guard, changes: u64, why: Option<String>| {
        let why = why.filter(|_| changes > 0 && !allowed.contains(&guard));
        let is_held = why.is_some();
        held.extend(why.map(|why| Held {
            guard,
            changes,
            why,
        }));
        is_held
    };
    let all = rows.len() as u64;
    let counts = around.named_before >= CREATES_AND_UPDATES_COUNT_FROM;
    let creates = rows.count(RowState::New);
    let what = "people would be created";
    let why = under_another_key(creates, around.under_other_keys).or_else(|| {
        let limit = (guards.max_creates, "max_creates");
        beyond(creates, all, what, limit, Guards::FLOOR_CREATES).filter(|_| counts)
    });
    if holds(Guard::Creates, creates, why) {
        rows.hold(RowState::New);
    }
    let updates = rows.count(RowState::Changed) + rows.count(RowState::Adopt);
    let what = "people would be updated";
    let limit = (guards.max_updates, "max_updates");
    let why = beyond(updates, all, what, limit, Guards::FLOOR).filter(|_| counts);
    if holds(Guard::Updates, updates, why) {
        rows.hold(RowState::Changed);
        rows.hold(RowState::Adopt);
    }
    if around.action == Leavers::Ignore {
        around.leavers.clear();
    }
    let leavers = around.leavers.len() as u64;
    let (named, limit) = (around.named_before, (guards.max_leavers, "max_leavers"));
    let what = "people are missing from the feed";
    let why = beyond(leavers, named, what, limit, Guards::FLOOR)
        .or_else(|| in_unreadable_rows(leavers, around.unidentified));
    if holds(Guard::Leavers, leavers, why) {
        around.leavers.clear();
    }
    held
}

/// Why `changes` are too many of `all`, if they are: what they are, and the limit
/// with its key.
fn beyond(
    changes: u64,
    all: u64,
    what: &str,
    (limit, key): (Limit, &str),
    floor: u64,
) -> Option<String> {
    if changes <= limit.most(all, floor) {
        return None;
    }
    let (limit, changes, all) = (limit.bound, count(changes), count(all));
    Some(format!(
        "{changes} of {all} {what}; the limit is {limit} (`{key}`)"
    ))
}

fn under_another_key(creates: u64, others: u64) -> Option<String> {
    let (creates, others) = (
        counted(creates, "new person", "new people"),
        (others > 0).then(|| counted(others, "person", "people"))?,
    );
    Some(format!(
        "the journal has {others} for another API key of this LMS and nobody for this one; if this \
         key replaced the other, {creates} would be created twice (external IDs belong to a key)"
    ))
}

fn in_unreadable_rows(leavers: u64, rows: u64) -> Option<String> {
    let who = counted(leavers, "person is", "people are");
    let rows = (rows > 0).then(|| counted(rows, "row", "rows"))?;
    Some(format!(
        "{who} missing from the feed, but could be in {rows} without a readable external ID"
    ))
}

#[cfg(test)]
#[path = "guards_tests.rs"]
mod tests;
