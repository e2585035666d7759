//! What a guard holds, in words.

use crate::plan::Held;

/// What is held, and the word that lets it through: the run's message must say
/// it, since scripts and `hrfeed show` see no more than that.
#[must_use]
pub fn held_in_words(held: &Held) -> String {
    format!("{} (`--allow {}`)", held.why, held.guard.word())
}

/// How a person overrides the guards.
#[must_use]
pub fn allow_help(held: &[Held]) -> String {
    let words: Vec<_> = held.iter().map(|held| held.guard.word()).collect();
    format!(
        "look at it with `hrfeed plan`; if it is meant, run the same import with `--allow {}`",
        words.join(",")
    )
}
