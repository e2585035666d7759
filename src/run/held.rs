//! What a guard holds, in words.

use crate::plan::guards::allow_option;
use crate::plan::{Allow, Held, Sick};

/// What is held, and the option that approves it: the run's message must contain
/// it, since scripts and `hrfeed show` see no more than that.
#[must_use]
pub fn held_in_words(held: &Held) -> String {
    format!("{} {}", held.why, approval([&held.allow()]))
}

/// What makes a feed look sick, and the option that lets it through.
#[must_use]
pub fn sick_in_words(sick: &[Sick]) -> String {
    format!(
        "{} {}",
        why_sick(sick),
        approval(sick.iter().map(|it| &it.allow))
    )
}

/// What a guard held back, and what was not done.
pub(super) fn not_done(held: &Held) -> String {
    let (why, not) = (&held.why, held.not_done());
    format!("{why}, so {not} {}", approval([&held.allow()]))
}

/// What made a feed look sick, and that it was not imported. A resumed run may
/// have sent something before.
pub(super) fn stopped(sick: &[Sick]) -> String {
    let approval = approval(sick.iter().map(|it| &it.allow));
    format!("{}, so the run was stopped {approval}", why_sick(sick))
}

fn why_sick(sick: &[Sick]) -> String {
    let why: Vec<_> = sick.iter().map(|it| it.why.as_str()).collect();
    why.join("; ")
}

fn approval<'a>(items: impl IntoIterator<Item = &'a Allow>) -> String {
    format!("(to approve: `{}`)", allow_option(items))
}

/// How a person overrides the guards.
#[must_use]
pub fn allow_help(items: &[Allow]) -> String {
    let option = allow_option(items);
    format!(
        "check with `hrfeed plan`; if the changes are intended, repeat the import with `{option}`"
    )
}
