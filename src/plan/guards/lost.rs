//! Known people whom the LMS does not show.

use super::{Held, Tally, unconditional};
use crate::mapping::Guards;
use crate::model::{HoldKind, counted};

/// Whether people whom the LMS does not show may be created again: judged when
/// the whole run knows how many they are.
#[must_use]
pub fn lost(guards: &Guards, lost: u64, known: u64) -> Option<Held> {
    Tally::of(HoldKind::Lost, guards.max_lost, lost, known).held(lost)
}

/// A plan that is carried out creates nobody whom it took for somebody to change.
#[must_use]
pub fn lost_by_plan(lost: u64) -> Option<Held> {
    let who = counted(lost, "person", "people");
    let why = format!(
        "{who} cannot be found on the LMS, and the plan that is carried out creates nobody again"
    );
    (lost > 0).then(|| unconditional(HoldKind::Lost, lost, why))
}
