//! How a command ended, in one sentence.

use super::hold::awaiting;
use super::text::{enumerate, rows};
use super::{Command, RunReport, count, counted};
use crate::model::{Exit, RunState};

/// The kinds of reports whose words differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Check,
    Plan,
    Run,
}

impl Kind {
    pub(super) fn of(report: &RunReport) -> Self {
        match report.command {
            Command::Check => Self::Check,
            Command::Plan => Self::Plan,
            _ => Self::Run,
        }
    }
}

/// How good the news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Attention,
    Bad,
}

/// The tone of [`headline()`].
pub(super) fn tone(report: &RunReport) -> Tone {
    let counts = &report.counts;
    let is_run = Kind::of(report) == Kind::Run;
    let undone = counts.failed + counts.unknown + counts.pending * u64::from(is_run);
    match report.state {
        // A guard that holds is not a failure, whatever it stopped.
        RunState::Failed | RunState::Finished if is_guarded(report) => Tone::Attention,
        RunState::Failed => Tone::Bad,
        RunState::Running | RunState::Interrupted | RunState::Superseded => Tone::Attention,
        RunState::Finished
            if counts.rejected + undone > 0
                || report.has_mismatches()
                || has_flawed_leavers(report) =>
        {
            Tone::Attention
        }
        RunState::Finished => Tone::Good,
    }
}

/// How many people a run has changed.
const fn changed(report: &RunReport) -> u64 {
    report.counts.changed()
}

/// Whether a run that is all right but for its leavers has some who stayed: they
/// are in no row, so only the exit code tells.
fn has_flawed_leavers(report: &RunReport) -> bool {
    let counts = &report.counts;
    report.exit_code == Exit::RowsRefused.code()
        && counts.rejected + counts.failed == 0
        && !report.has_mismatches()
}

/// Whether a guard stopped the run or held a part of it.
pub(super) const fn is_guarded(report: &RunReport) -> bool {
    report.exit_code == Exit::Guard.code()
}

/// Whether a person must repair something before anything succeeds.
pub(super) const fn needs_repair(report: &RunReport) -> bool {
    report.exit_code == Exit::Repair.code()
}

/// What the headline does not say: the run's message, unless the holds say it
/// better, each in a line.
pub(super) fn detail<'a>(report: &'a RunReport, headline: &str) -> Option<&'a str> {
    let is_held = report.state == RunState::Finished && !report.holds.is_empty();
    let message = report.message.trim();
    (!is_held && !message.is_empty() && message != headline).then_some(message)
}

/// One sentence that says how the command ended.
#[must_use]
pub fn headline(report: &RunReport) -> String {
    let counts = &report.counts;
    let all = counts.rows();
    match (Kind::of(report), report.state) {
        (Kind::Run, RunState::Running) => format!(
            "Not finished ({} of {} pending). The run is in progress or was killed.",
            count(counts.pending),
            rows(all)
        ),
        (Kind::Run, RunState::Superseded) => "Superseded by a later import.".to_owned(),
        (Kind::Run, RunState::Interrupted) if is_guarded(report) || needs_repair(report) => {
            left_over("Stopped", report)
        }
        (Kind::Run, RunState::Interrupted) => left_over("Interrupted", report),
        (Kind::Run, RunState::Failed) if needs_repair(report) => match all {
            0 => "Stopped before anything was changed.".to_owned(),
            all => format!("Stopped before anything was changed ({}).", rows(all)),
        },
        (Kind::Run, RunState::Failed) if is_guarded(report) => {
            let sent = if changed(report) > 0 {
                "Nothing more"
            } else {
                "Nothing"
            };
            format!("Stopped by a safety limit. {sent} was sent.")
        }
        (Kind::Run, RunState::Failed) => left_over("Failed", report),
        (Kind::Check, RunState::Finished) if all == 0 => no_rows(report),
        (Kind::Check, RunState::Finished) => match counts.rejected {
            0 if all == 1 => "The only row is valid.".to_owned(),
            0 => format!("All {} are valid.", rows(all)),
            invalid => format!(
                "{} of {} {} problems.",
                count(invalid),
                rows(all),
                if invalid == 1 { "has" } else { "have" }
            ),
        },
        (Kind::Check, _) => "The check ended early.".to_owned(),
        (Kind::Plan, RunState::Finished) => planned(report),
        (Kind::Plan, _) => "The plan ended early.".to_owned(),
        (Kind::Run, RunState::Finished) => finished(report),
    }
}

/// What an interrupted or failed run has left to do.
fn left_over(how: &str, report: &RunReport) -> String {
    let counts = &report.counts;
    let all = counts.rows();
    let leavers = counted(report.leavers_left, "leaver", "leavers");
    match (counts.pending + counts.unknown, report.leavers_left) {
        (_, 0) if all == 0 && changed(report) == 0 => format!("{how} before anything was sent."),
        (0, 0) => format!("{how} after every row was processed."),
        (0, _) => format!("{how} with {leavers} left to process."),
        // Of rows that are all left, groups may have been created, and people who
        // only await their groups.
        (left, 0) => format!(
            "{how} with {} of {} left to process.",
            count(left),
            rows(all)
        ),
        (left, _) => format!(
            "{how} with {} of {} and {leavers} left to process.",
            count(left),
            rows(all)
        ),
    }
}

fn no_rows(report: &RunReport) -> String {
    match report.feed.skipped {
        0 => "Nothing to do: the feed has no rows.".to_owned(),
        1 => "Nothing to do: the mapping skipped the only row of the feed.".to_owned(),
        all => format!(
            "Nothing to do: the mapping skipped all {} of the feed.",
            rows(all)
        ),
    }
}

/// The parts whose number is above zero: the first in its long form, the others
/// in their short one.
fn listed(parts: impl IntoIterator<Item = (u64, String, String)>) -> String {
    let parts = parts.into_iter().filter(|&(number, ..)| number > 0);
    let parts: Vec<_> = parts
        .enumerate()
        .map(|(at, (_, long, short))| if at == 0 { long } else { short })
        .collect();
    enumerate(&parts)
}

/// What a plan would change, in words.
fn planned(report: &RunReport) -> String {
    let counts = &report.counts;
    if is_guarded(report) {
        return match awaiting(&report.holds) {
            Some((_, changes)) if !report.is_sick => {
                format!("An import would hold back {changes}.")
            }
            _ => "A safety limit would stop this import.".to_owned(),
        };
    }
    let changes = listed(
        [
            ("create", counts.created),
            ("update", counts.updated),
            ("deactivate", counts.deactivated),
            ("delete", counts.deleted),
            ("set fields of", counts.set),
        ]
        .map(|(verb, number)| {
            let people = counted(number, "person", "people");
            let short = format!("{verb} {}", count(number));
            (number, format!("{verb} {people}"), short)
        }),
    );
    let rejected = match counts.rejected {
        0 => String::new(),
        invalid => format!(" {} would be rejected.", rows(invalid)),
    };
    if !changes.is_empty() {
        format!("An import would {changes}.{rejected}")
    } else if counts.rows() == 0 {
        no_rows(report)
    } else {
        format!("An import would change nothing.{rejected}")
    }
}

/// How a finished way back ended.
fn undone(run: &str, report: &RunReport, flaws: &str) -> String {
    let counts = &report.counts;
    let back = changed(report) + counts.unchanged;
    let back = counted(back, "person is", "people are");
    let stay = counts.rejected + counts.failed;
    let others = counted(stay, "person stays", "people stay");
    match stay {
        0 if changed(report) + counts.rows() == 0 => {
            format!("Nothing that run {run} did is left to undo.")
        }
        0 if flaws.is_empty() && !has_flawed_leavers(report) => {
            format!("Run {run} is undone: {back} as before it.")
        }
        0 => format!("Run {run} is undone, but for people who stay: {back} as before it."),
        _ => format!("Run {run} is undone: {back} as before it, and {others} as is."),
    }
}

/// How a finished run ended.
fn finished(report: &RunReport) -> String {
    let counts = &report.counts;
    let changed = changed(report);
    if is_guarded(report) {
        let (verb, held) = match awaiting(&report.holds) {
            Some((1, held)) => ("awaits", held),
            Some((_, held)) => ("await", held),
            None if !report.holds.is_empty() => {
                return "Import finished. What it held back was decided since.".to_owned();
            }
            None => ("await", "some changes".to_owned()),
        };
        return if changed == 0 {
            format!("No person changed: {held} {verb} approval.")
        } else {
            format!("Import finished, but {held} {verb} approval.")
        };
    }
    if report.has_mismatches() {
        return "Import finished, but the LMS does not show what was sent.".to_owned();
    }
    let flaws = listed(
        [
            (counts.rejected, "was rejected", "were rejected"),
            (counts.failed, "failed", "failed"),
            (counts.pending, "was not sent", "were not sent"),
            (
                counts.unknown,
                "has an unknown outcome",
                "have an unknown outcome",
            ),
        ]
        .map(|(number, one, many)| {
            let long = format!("{} {}", rows(number), if number == 1 { one } else { many });
            (number, long, counted(number, one, many))
        }),
    );
    let current = counts.created + counts.updated + counts.unchanged;
    let current = current.saturating_sub(report.left_alone);
    let people = counted(current, "person is", "people are");
    if let Some(run) = &report.undoes {
        return undone(run, report, &flaws);
    }
    let others = counted(report.left_alone, "stays as it is", "stay as they are");
    match counts.rows() {
        _ if !flaws.is_empty() => format!("Import finished. {people} up to date; {flaws}."),
        _ if has_flawed_leavers(report) => {
            "Import finished, but not every leaver was removed.".to_owned()
        }
        _ if report.left_alone > 0 && changed > 0 => {
            format!("Import finished. {people} up to date, and {others}.")
        }
        _ if report.left_alone > 0 => {
            format!("No changes: {people} already up to date, and {others}.")
        }
        _ if changed > 0 => "Import finished. Everyone is up to date.".to_owned(),
        0 => no_rows(report),
        1 => "No changes: the only person is already up to date.".to_owned(),
        all => format!(
            "No changes: all {} people are already up to date.",
            count(all)
        ),
    }
}
