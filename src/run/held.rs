//! What a guard holds, in words.

use crate::plan::{Guard, Held};

/// What is held, and the word that approves it: the run's message must contain
/// it, since scripts and `hrfeed show` see no more than that.
#[must_use]
pub fn held_in_words(held: &Held) -> String {
    format!("{} (to approve: `--allow {}`)", held.why, held.guard.word())
}

/// What a guard held back, and what was not done.
pub(super) fn not_done(held: &Held) -> String {
    let not = match held.guard {
        // A resumed run may have sent something before.
        Guard::Rows | Guard::Rejected => "the run was stopped",
        Guard::Creates => "they were not created",
        Guard::Updates => "they were not updated",
        Guard::Leavers => "they were not removed",
    };
    let (why, word) = (&held.why, held.guard.word());
    format!("{why}, so {not} (to approve: `--allow {word}`)")
}

/// How a person overrides the guards.
#[must_use]
pub fn allow_help(held: &[Held]) -> String {
    let words: Vec<_> = held.iter().map(|held| held.guard.word()).collect();
    format!(
        "check with `hrfeed plan`; if the changes are intended, repeat the import with `--allow {}`",
        words.join(",")
    )
}
