//! How a command ended, in one sentence.

use super::text::{enumerate, rows};
use super::{Command, RunReport, count, counted};
use crate::model::{Exit, RunState};

/// The command that a report is about, as far as the words differ.
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
            Command::Import | Command::Resume | Command::Show | Command::Audit => Self::Run,
        }
    }
}

/// How glad the reader may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Attention,
    Bad,
}

/// The tone of [`headline()`].
pub(super) fn tone(report: &RunReport) -> Tone {
    let counts = &report.counts;
    let undone = counts.failed + counts.unknown + counts.pending * u64::from(is_run(report));
    match report.state {
        // A guard that holds is no failure, whatever it stopped.
        RunState::Failed | RunState::Finished if is_guarded(report) => Tone::Attention,
        RunState::Failed => Tone::Bad,
        RunState::Running | RunState::Interrupted | RunState::Superseded => Tone::Attention,
        RunState::Finished if counts.rejected + undone > 0 => Tone::Attention,
        RunState::Finished => Tone::Good,
    }
}

fn is_run(report: &RunReport) -> bool {
    Kind::of(report) == Kind::Run
}

/// Whether a guard stopped the run, or held a part of it.
pub(super) const fn is_guarded(report: &RunReport) -> bool {
    report.exit_code == Exit::Guard.code()
}

/// One sentence that says how it ended.
#[must_use]
pub fn headline(report: &RunReport) -> String {
    let counts = &report.counts;
    let all = counts.rows();
    match (Kind::of(report), report.state) {
        (Kind::Run, RunState::Running) => format!(
            "Not finished: {} of {} not sent yet. The run is under way, or was killed.",
            count(counts.pending),
            rows(all)
        ),
        (Kind::Run, RunState::Superseded) => {
            "A later import took the place of this run.".to_owned()
        }
        (Kind::Run, RunState::Interrupted) => left_over("Interrupted", report),
        (Kind::Run, RunState::Failed) if is_guarded(report) => {
            "Stopped by a guard: nothing was sent.".to_owned()
        }
        (Kind::Run, RunState::Failed) => left_over("Failed", report),
        (Kind::Check, RunState::Finished) if all == 0 => no_rows(report),
        (Kind::Check, RunState::Finished) => match counts.rejected {
            0 if all == 1 => "The only row is right.".to_owned(),
            0 => format!("All {} are right.", rows(all)),
            wrong => format!(
                "{} of {} {} wrong.",
                count(wrong),
                rows(all),
                if wrong == 1 { "is" } else { "are" }
            ),
        },
        (Kind::Check, _) => "The check did not come to its end.".to_owned(),
        (Kind::Plan, RunState::Finished) => planned(report),
        (Kind::Plan, _) => "The plan did not come to its end.".to_owned(),
        (Kind::Run, RunState::Finished) => finished(report),
    }
}

/// What an interrupted or failed run has left to do.
fn left_over(how: &str, report: &RunReport) -> String {
    let counts = &report.counts;
    let all = counts.rows();
    let left = counts.pending + counts.unknown;
    if all == 0 {
        return format!("{how} before anything was sent.");
    }
    if left == 0 {
        return format!("{how}, after every row was done.");
    }
    format!(
        "{how}: {} of {} {} not done.",
        count(left),
        rows(all),
        if left == 1 { "is" } else { "are" }
    )
}

fn no_rows(report: &RunReport) -> String {
    match report.feed.skipped {
        0 => "Nothing to do: the feed has no rows.".to_owned(),
        1 => "Nothing to do: the mapping's filter left out the only row of the feed.".to_owned(),
        all => format!(
            "Nothing to do: the mapping's filter left out all {} of the feed.",
            rows(all)
        ),
    }
}

/// What a plan would change, in words.
fn planned(report: &RunReport) -> String {
    let counts = &report.counts;
    if is_guarded(report) {
        return "A guard would stop this import, or hold back a part of it.".to_owned();
    }
    let changes: Vec<String> = [
        ("create", counts.created),
        ("update", counts.updated),
        ("deactivate", counts.deactivated),
        ("delete", counts.deleted),
    ]
    .into_iter()
    .filter(|&(_, number)| number > 0)
    .enumerate()
    .map(|(at, (verb, number))| match at {
        0 => format!("{verb} {}", counted(number, "person", "people")),
        _ => format!("{verb} {}", count(number)),
    })
    .collect();
    let rejected = match counts.rejected {
        0 => String::new(),
        wrong => format!(" {} would be rejected.", rows(wrong)),
    };
    if changes.is_empty() && counts.rows() == 0 {
        return no_rows(report);
    }
    if changes.is_empty() {
        return format!("An import would change nothing.{rejected}");
    }
    format!("An import would {}.{rejected}", enumerate(&changes))
}

/// How a run that came to its end ended.
fn finished(report: &RunReport) -> String {
    let counts = &report.counts;
    let done = counts.created + counts.updated + counts.deactivated + counts.deleted;
    if is_guarded(report) {
        return if done == 0 {
            "A guard held back changes; nothing else was sent.".to_owned()
        } else {
            "Done, but a guard held back a part of it.".to_owned()
        };
    }
    let flaws: Vec<String> = [
        (counts.rejected, "rejected"),
        (counts.failed, "failed"),
        (counts.pending, "not sent"),
    ]
    .into_iter()
    .filter(|&(number, _)| number > 0)
    .enumerate()
    .map(|(at, (number, word))| match at {
        0 => format!("{} {word}", rows(number)),
        _ => format!("{} {word}", count(number)),
    })
    .collect();
    if counts.unknown > 0 {
        let with = if flaws.is_empty() {
            String::new()
        } else {
            format!(" with {},", enumerate(&flaws))
        };
        return format!(
            "Done,{with} but it is not known what became of {}.",
            rows(counts.unknown)
        );
    }
    if !flaws.is_empty() {
        return format!("Done, with {}.", enumerate(&flaws));
    }
    if done > 0 {
        return "Done: every row is as the feed says.".to_owned();
    }
    match counts.rows() {
        0 => no_rows(report),
        1 => "Nothing to do: the only person is already as the feed says.".to_owned(),
        all => format!(
            "Nothing to do: all {} people are already as the feed says.",
            count(all)
        ),
    }
}
