//! What keeps an accident from the target: a feed that looks sick sends
//! nothing, and a kind of change beyond its bound waits for a person.

use super::{RowState, RowTable};
use crate::mapping::{Allowance, Guards, Leavers};
use crate::model::ExternalId;

/// What a guard watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guard {
    /// `min_rows`: the feed is too short.
    Rows,
    /// `max_rejected`: too many rows are wrong.
    Rejected,
    /// `max_leavers`: too many people are no longer named.
    Leavers,
    /// `max_creates`: too many people would be made.
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

/// A kind of change that waits for a person.
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
    if all < guards.min_rows && !allowed.contains(&Guard::Rows) {
        return Some(Held {
            guard: Guard::Rows,
            changes: 0,
            why: format!(
                "the feed has {}, and `min_rows` in [guards] is {}",
                rows_of(all),
                guards.min_rows
            ),
        });
    }
    if !guards.max_rejected.covers(rejected, all) && !allowed.contains(&Guard::Rejected) {
        return Some(Held {
            guard: Guard::Rejected,
            changes: 0,
            why: format!(
                "{rejected} of {} are wrong, and `max_rejected` in [guards] is {}",
                rows_of(all),
                guards.max_rejected
            ),
        });
    }
    None
}

/// What the changes are held against.
#[derive(Debug)]
pub struct Circumstances<'a> {
    /// People whom the feed no longer names; those that a guard holds are taken
    /// out.
    pub leavers: &'a mut Vec<ExternalId>,
    /// What becomes of them.
    pub action: Leavers,
    /// People whom this feed named before.
    pub named_before: u64,
    /// Rows that have no external ID that can be read.
    pub unidentified: u64,
    /// People who are known at this address while nobody is under this key: it
    /// replaced theirs, perhaps, and then all of them would be created twice.
    pub under_other_keys: u64,
}

/// Holds back each kind of change that goes beyond its bound: the rows are
/// marked, the leavers taken out.
pub fn hold(
    guards: &Guards,
    allowed: &[Guard],
    rows: &mut RowTable,
    around: &mut Circumstances<'_>,
) -> Vec<Held> {
    let (leavers, unidentified) = (&mut *around.leavers, around.unidentified);
    let under_other_keys = around.under_other_keys;
    let mut held = Vec::new();
    let creates = rows.count(RowState::New);
    if under_other_keys > 0 && creates > 0 && !allowed.contains(&Guard::Creates) {
        held.push(Held {
            guard: Guard::Creates,
            changes: creates,
            why: format!(
                "this API key knows nobody yet, and the journal knows {under_other_keys} people of \
                 this LMS under another key: external IDs belong to the key, so if it replaced \
                 the other one, the {creates} people to be made would be there twice"
            ),
        });
        rows.hold(RowState::New);
    }
    let all = rows.len() as u64;
    let mut beyond = |guard, count, of, bound: Option<Allowance>, key: &str, what: &str| {
        let Some(bound) = bound.filter(|bound| !bound.covers(count, of)) else {
            return false;
        };
        if allowed.contains(&guard) {
            return false;
        }
        held.push(Held {
            guard,
            changes: count,
            why: format!("{count} of {of} {what}, and `{key}` in [guards] is {bound}"),
        });
        true
    };
    let creates = rows.count(RowState::New);
    let bound = guards.max_creates;
    if beyond(
        Guard::Creates,
        creates,
        all,
        bound,
        "max_creates",
        "people would be made",
    ) {
        rows.hold(RowState::New);
    }
    let updates = rows.count(RowState::Changed) + rows.count(RowState::Adopt);
    let bound = guards.max_updates;
    if beyond(
        Guard::Updates,
        updates,
        all,
        bound,
        "max_updates",
        "people would be changed",
    ) {
        rows.hold(RowState::Changed);
        rows.hold(RowState::Adopt);
    }
    if around.action == Leavers::Ignore || leavers.is_empty() {
        leavers.clear();
        return held;
    }
    let count = leavers.len() as u64;
    let bound = Some(guards.max_leavers);
    let what = "people are no longer named";
    if beyond(
        Guard::Leavers,
        count,
        around.named_before,
        bound,
        "max_leavers",
        what,
    ) {
        leavers.clear();
    } else if unidentified > 0 && !allowed.contains(&Guard::Leavers) {
        held.push(Held {
            guard: Guard::Leavers,
            changes: count,
            why: format!(
                "{} no external ID that can be read, so any of the {count} people who seem \
                 to have left may be among them",
                match unidentified {
                    1 => "1 row has".to_owned(),
                    many => format!("{many} rows have"),
                }
            ),
        });
        leavers.clear();
    }
    held
}

fn rows_of(count: u64) -> String {
    match count {
        1 => "1 row".into(),
        count => format!("{count} rows"),
    }
}

#[cfg(test)]
#[path = "guards_tests.rs"]
mod tests;
