//! What guards stopped or hold, in words.

use super::holds::HoldNow;
use crate::plan::guards::{Allow, Sick, Whom, allow_option};

/// What is wrong with a feed.
#[must_use]
pub fn sick_reasons(all: &[Sick]) -> String {
    let why: Vec<_> = all.iter().map(|sick| sick.why.as_str()).collect();
    why.join("; ")
}

/// What is wrong with a feed, and what was not done.
#[must_use]
pub(super) fn sick_in_words(all: &[Sick]) -> String {
    let allow = allow_option(all.iter().map(|sick| &sick.allow));
    // A resumed run may have sent something before.
    format!(
        "{}, so the run was stopped (to let it pass once: `{allow}`)",
        sick_reasons(all)
    )
}

/// How a person lets a feed through once.
#[must_use]
pub fn sick_help(all: &[Sick]) -> String {
    let allow = allow_option(all.iter().map(|sick| &sick.allow));
    if all.iter().all(|sick| sick.allow == Allow::Unfinished) {
        return format!(
            "finish that run first; to leave undone what it left, import once with `{allow}`"
        );
    }
    format!("look at the feed with `hrfeed check`; if it is right, import it once with `{allow}`")
}

/// Who is held, why, and what was not done: the run's message must contain it,
/// since scripts and `hrfeed show` see no more than that.
#[must_use]
pub fn held_in_words(hold: &HoldNow) -> String {
    let (why, not_done) = (&hold.held.why, hold.held.not_done());
    match hold.id {
        Some(id) => format!("{why}, so {not_done} (hold {id})"),
        None => format!("{why}, so {not_done}"),
    }
}

/// How a person looks at what is held, and decides.
#[must_use]
pub fn hold_help(holds: &[HoldNow]) -> String {
    let numbers: Vec<_> = holds.iter().filter_map(|hold| hold.id).collect();
    let decide = match numbers.as_slice() {
        [] => {
            "an import gives each hold a number; `hrfeed hold NUMBER` then lists its people".into()
        }
        [id] => format!(
            "`hrfeed hold {id}` lists the people; `hrfeed approve {id}` lets the next import carry it \
             out, `hrfeed refuse {id}` leaves them as they are"
        ),
        _ => "`hrfeed holds` lists what is held, `hrfeed hold NUMBER` the people; \
              `hrfeed approve NUMBER` lets the next import carry it out"
            .into(),
    };
    let are_under_other_keys = |hold: &HoldNow| hold.held.whom == Whom::UnderOtherKeys;
    if holds.iter().any(are_under_other_keys) {
        return format!(
            "if this API key replaced another one, import once with `--replaces-key`: their \
             accounts get their external IDs back; if not, {decide}"
        );
    }
    decide
}
