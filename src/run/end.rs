//! How a run ends: one state, from which the journal's state and the exit code
//! follow.

use std::time::{Duration, Instant};

use super::begin::has_changed_nothing;
use super::held::{held_in_words, hold_help};
use super::holds::HoldNow;
use super::{Done, RunError, RunResult, Stages, read_run};
use crate::journal::{Journal, Run, RunChange, RunId, ScopeLock};
use crate::model::{Aftermath, Calls, Exit, Limit, Proof, RunState, counted};
use crate::retry::Fatal;
use crate::upload::{Halt, HttpError, RunRecorder};

/// How a run ended.
#[derive(Debug)]
pub enum RunEnd {
    /// Every row has its outcome.
    Finished {
        /// Rows that were rejected or failed, and leavers who are still there.
        refused: u64,
    },
    /// A part waits for a person; the rest is done.
    Held(Vec<HoldNow>),
    /// It is done, and the LMS does not show what it should. A sentence for each
    /// mismatch, without its full stop.
    Mismatch(Vec<String>),
    /// The outcome of some rows or leavers is unknown.
    Unknown {
        /// The run.
        run: RunId,
        /// How many rows.
        rows: u64,
        /// How many leavers.
        leavers: u64,
    },
    /// It was halted in order: everything is recorded, and it can be resumed, if need
    /// be after a repair.
    Interrupted(RunError),
    /// It ended early for any other reason.
    Failed(RunError),
}

impl From<RunError> for RunEnd {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Halted(_) | RunError::StoppedReading => Self::Interrupted(error),
            error => Self::Failed(error),
        }
    }
}

impl RunEnd {
    /// The end of a run that `error` ended early. One that needs a repair, and has
    /// changed nothing by then, is not interrupted: nothing of it is left.
    fn early(error: RunError, has_changed: bool) -> Self {
        match error {
            RunError::Halted(Halt::Fatal(_)) if !has_changed => Self::Failed(error),
            error => error.into(),
        }
    }

    /// The run's state in the journal and the exit code: the one table.
    #[must_use]
    pub fn state_and_exit(&self) -> (RunState, Exit) {
        match self {
            Self::Finished { refused: 0 } => (RunState::Finished, Exit::Done),
            Self::Finished { .. } | Self::Mismatch(_) => (RunState::Finished, Exit::RowsRefused),
            Self::Held(_) => (RunState::Finished, Exit::Guard),
            Self::Unknown { .. } => (RunState::Interrupted, Exit::Interrupted),
            Self::Interrupted(error) => (
                RunState::Interrupted,
                match error {
                    RunError::Halted(Halt::Fatal(Fatal::Machine { .. })) => Exit::Machine,
                    RunError::Halted(Halt::Fatal(_)) => Exit::Repair,
                    RunError::Halted(Halt::RefusedAll(_)) => Exit::Guard,
                    _ => Exit::Interrupted,
                },
            ),
            Self::Failed(error) => (
                RunState::Failed,
                match error {
                    _ if Limit::of(error).is_some() => Exit::Machine,
                    RunError::Halted(Halt::Fatal(Fatal::Machine { .. }))
                    | RunError::Client(HttpError::Setup(_)) => Exit::Machine,
                    RunError::Halted(Halt::Fatal(_)) => Exit::Repair,
                    RunError::SickFeed(_) | RunError::PlanMoved(_) => Exit::Guard,
                    RunError::Busy(_) => Exit::Busy,
                    RunError::Feed(error) if error.is_usage() => Exit::Usage,
                    RunError::Mapping(_)
                    | RunError::NotUndoable(_)
                    | RunError::OtherUndoKey(_)
                    | RunError::Client(_)
                    | RunError::OtherFeed { .. }
                    | RunError::OtherJoined { .. }
                    | RunError::HasFinished(_)
                    | RunError::Superseded(_)
                    | RunError::NotNewest { .. } => Exit::Usage,
                    _ => Exit::Machine,
                },
            ),
        }
    }

    /// The run's message, where the counts do not say it.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Finished { .. } => None,
            Self::Held(holds) => {
                let why: Vec<_> = holds.iter().map(held_in_words).collect();
                Some(format!("held back: {}", why.join("; ")))
            }
            Self::Mismatch(problems) => Some(problems.join("; ")),
            Self::Unknown { rows, leavers, .. } => Some(unknown_in_words(*rows, *leavers)),
            Self::Interrupted(error) | Self::Failed(error) => Some(error.message()),
        }
    }

    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Finished { .. } => None,
            Self::Held(holds) => Some(hold_help(holds)),
            Self::Mismatch(_) => {
                Some("correct these people in the LMS; `hrfeed audit` checks everybody".to_owned())
            }
            Self::Unknown { run, .. } => Some(format!(
                "`hrfeed resume {run}` checks the LMS before it sends anything"
            )),
            Self::Interrupted(error) | Self::Failed(error) => error.help(),
        }
    }
}

impl Stages<'_> {
    /// Settles how the run ended, from the result of the stages and the counts of
    /// the journal, and records it.
    pub(super) fn end(
        self,
        done: Result<Done, RunError>,
        (recorder, lock): (&RunRecorder, &ScopeLock),
        begun: Instant,
    ) -> Result<RunResult, RunError> {
        let (calls, elapsed) = self.resumed.as_ref().map_or_else(
            || (Calls::default(), Duration::ZERO),
            |run| (run.calls, run.elapsed),
        );
        let calls = calls + self.uploader.calls();
        let resumed = self.resumed.as_ref();
        let has_changed = self.uploader.may_have_written()
            || resumed.is_some_and(|run| !has_changed_nothing(run));
        // What was settled is written before it is counted.
        let flushed = recorder.writer.flush().wait_blocking();
        let done = match (done, flushed) {
            // What the writer says of the journal is more than what others met.
            (Ok(_) | Err(RunError::Journal(_)), Err(error)) => Err(error.into()),
            (done, _) => done,
        };
        let journal = self.journal.ok_or(RunError::Lost)?;
        let run = read_run(&journal, recorder.run)?;
        let (counts, leavers) = (run.counts, run.leavers);
        let kept = leavers.rejected + leavers.failed;
        let problems = self.proof.as_ref().map(Proof::problems);
        let problems = problems.unwrap_or_default();
        let names_leavers = self.bound.mapping().names_leavers();
        let guards = &self.bound.mapping().guards;
        let refused = guards.refused(counts.rejected, run.rows.unwrap_or(0));
        let (mut end, done) = match done {
            Err(error) => (RunEnd::early(error, has_changed), None),
            Ok(done) if counts.unknown + leavers.unknown > 0 => {
                let unknown = RunEnd::Unknown {
                    run: run.id,
                    rows: counts.unknown,
                    leavers: leavers.unknown,
                };
                (unknown, Some(done))
            }
            Ok(done) if !done.holds.is_empty() => (RunEnd::Held(done.holds.clone()), Some(done)),
            Ok(done) if !problems.is_empty() => (RunEnd::Mismatch(problems), Some(done)),
            Ok(done) => {
                let refused = refused + counts.failed + kept;
                (RunEnd::Finished { refused }, Some(done))
            }
        };
        let (state, exit) = end.state_and_exit();
        // Those of the run before it was resumed come first.
        let mut aftermath = Aftermath::of(resumed.and_then(|run| run.proof.as_deref()));
        (aftermath.outages).extend_from_slice(self.listener.outages());
        aftermath.proof = self.proof;
        aftermath.leavers_left = match self.leavers_due {
            _ if state == RunState::Finished => 0,
            Some(due) => due.saturating_sub(self.listener.leavers()),
            // It was interrupted again before it came to them.
            None => aftermath.leavers_left,
        };
        let finished = done.as_ref().filter(|_| state == RunState::Finished);
        let kept_for_next = finished.map_or(Ok(()), |done| self.notes.finished(done));
        let change = RunChange {
            state: Some(state),
            // With the state, or a run that is killed here would count as a feed.
            good_feed: finished
                .filter(|done| done.profile.is_some())
                .map(|done| done.is_new_feed),
            calls: Some(calls),
            elapsed: Some(elapsed + begun.elapsed()),
            ended: Some(self.clock.now()),
            exit_code: Some(exit.code()),
            message: end.message(),
            proof: aftermath.to_json(),
            ..RunChange::default()
        };
        let written = recorder.writer.update_run(run.id, change.clone());
        let run = match kept_for_next.and(written) {
            Ok(()) => read_run(&journal, run.id)?,
            Err(error) => {
                // A run that failed says why already.
                if !matches!(end, RunEnd::Failed(_)) {
                    end = RunEnd::Failed(error.into());
                }
                end_unrecorded(&journal, lock, (run.id, change), &end)?
            }
        };
        let shared_rate = self.uploader.shared_rate();
        let notes = self.remarks.into_iter().chain(shared_rate);
        Ok(RunResult {
            names_leavers,
            effects: done.as_ref().map(|done| done.effects),
            run,
            end,
            holds: done.map(|done| done.holds).unwrap_or_default(),
            notes: notes
                .chain(leavers_kept(kept).filter(|_| self.undoes.is_none()))
                .collect(),
            journal,
        })
    }
}

/// The run as this process knows that it ended: what recorded it failed, as on a full disk.
/// The journal is tried once more, for those who ask it later.
fn end_unrecorded(
    journal: &Journal,
    lock: &ScopeLock,
    (id, change): (RunId, RunChange),
    end: &RunEnd,
) -> Result<Run, RunError> {
    let (state, exit) = end.state_and_exit();
    let change = RunChange {
        state: Some(state),
        good_feed: None,
        exit_code: Some(exit.code()),
        message: end.message(),
        ..change
    };
    let run = read_run(journal, id)?;
    let ended = Run {
        state,
        calls: change.calls.unwrap_or(run.calls),
        elapsed: change.elapsed.unwrap_or(run.elapsed),
        ended: change.ended,
        exit_code: change.exit_code,
        message: change.message.clone(),
        proof: change.proof.clone(),
        ..run
    };
    // Why it cannot be recorded is said already.
    drop(journal.end_run_late(lock, id, change));
    Ok(ended)
}

fn unknown_in_words(rows: u64, leavers: u64) -> String {
    let of_rows = counted(rows, "row", "rows");
    let of_leavers = counted(leavers, "leaver", "leavers");
    let of = match (rows, leavers) {
        (_, 0) => of_rows,
        (0, _) => of_leavers,
        _ => format!("{of_rows} and {of_leavers}"),
    };
    format!("the outcome of {of} is unknown")
}

/// Says how many leavers are unchanged on the LMS: no count of rows does.
fn leavers_kept(leavers: u64) -> Option<String> {
    let who = counted(leavers, "leaver is", "leavers are");
    (leavers > 0).then(|| format!("{who} unchanged: the LMS did not carry out the change"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::feed::FeedError;
    use crate::journal::{JournalError, LockError};
    use crate::model::HoldKind;
    use crate::plan::Held;
    use crate::plan::guards::{Allow, Sick, Whom};
    use crate::retry::Fatal;
    use crate::upload::{HttpError, Looks, SameRefusal, UploadError};

    fn ends() -> Vec<(&'static str, RunEnd)> {
        let run: RunId = "7".parse().unwrap();
        let later: RunId = "8".parse().unwrap();
        let held = || HoldNow {
            id: Some("7".parse().unwrap()),
            since_run: None,
            held: Held {
                kind: HoldKind::Leavers,
                whom: Whom::All,
                people: 9,
                bound: "5%".into(),
                why: "9 of 10 people are missing from the feed".into(),
            },
            people: Arc::default(),
            new: 9,
        };
        let sick = Sick {
            why: "the feed has 3 rows; the minimum is 10 (`min_rows`)".into(),
            allow: Allow::Rows(3),
        };
        let path: Arc<Path> = Path::new("people.csv").into();
        let outage = || Halt::Outage {
            why: "HTTP 503".into(),
            down: Duration::ZERO,
            ever_up: true,
        };
        let refused_all = Halt::RefusedAll(SameRefusal {
            rows: 50,
            status: Some(422),
            words: "licence limit reached".into(),
            looks: Looks::Licences,
        });
        let failed = |error: RunError| RunEnd::from(error);
        vec![
            ("done", RunEnd::Finished { refused: 0 }),
            ("rows refused", RunEnd::Finished { refused: 2 }),
            ("held", RunEnd::Held(vec![held()])),
            (
                "mismatch",
                RunEnd::Mismatch(vec!["E7 is not as sent: city".into(), "and so on".into()]),
            ),
            (
                "unknown",
                RunEnd::Unknown {
                    run,
                    rows: 2,
                    leavers: 1,
                },
            ),
            ("sick feed", failed(RunError::SickFeed(vec![sick]))),
            ("on request", failed(Halt::Requested.into())),
            ("deadline", failed(Halt::Deadline.into())),
            ("reading", failed(RunError::StoppedReading)),
            ("outage", failed(outage().into())),
            ("refused all", failed(refused_all.into())),
            ("fatal", failed(Halt::Fatal(Fatal::Unauthorized).into())),
            (
                "fatal at once",
                RunEnd::early(Halt::Fatal(Fatal::Unauthorized).into(), false),
            ),
            ("down at once", RunEnd::early(outage().into(), false)),
            ("busy", failed(LockError::Held { holder: None }.into())),
            ("feed", failed(FeedError::Empty(path.clone()).into())),
            (
                "other feed",
                failed(RunError::OtherFeed {
                    feed: path.to_path_buf(),
                    run,
                }),
            ),
            ("finished", failed(RunError::HasFinished(run))),
            ("superseded", failed(RunError::Superseded(run))),
            ("not newest", failed(RunError::NotNewest { run, later })),
            (
                "secret",
                failed(HttpError::Secret { what: "API key" }.into()),
            ),
            ("journal", failed(JournalError::Misuse("no row").into())),
            (
                "request",
                failed(UploadError::Task("it panicked".into()).into()),
            ),
            ("lost", failed(RunError::Lost)),
        ]
    }

    #[test]
    fn every_end_has_a_state_an_exit_code_and_a_message() {
        let table: Vec<_> = ends()
            .iter()
            .map(|(name, end)| {
                let (state, exit) = end.state_and_exit();
                let message = end.message().unwrap_or_default();
                let line = format!("{name:13} {:12} {}  {message}", state.word(), exit.code());
                line.trim_end().to_owned()
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @"
        done          finished     0
        rows refused  finished     3
        held          finished     4  held back: 9 of 10 people are missing from the feed, so they were not removed (hold 7)
        mismatch      finished     3  E7 is not as sent: city; and so on
        unknown       interrupted  5  the outcome of 2 rows and 1 leaver is unknown
        sick feed     failed       4  the feed has 3 rows; the minimum is 10 (`min_rows`), so the run was stopped (to let it pass once: `--allow rows=3`)
        on request    interrupted  5  stopped on request
        deadline      interrupted  5  stopped at the deadline
        reading       interrupted  5  stopped while the feed was being read
        outage        interrupted  5  the LMS went down and did not come back (HTTP 503)
        refused all   interrupted  4  the LMS refused 50 rows in turn with the same words (HTTP 422): licence limit reached; it looks as if the licences of the LMS are used up
        fatal         interrupted  7  the LMS rejected the API key or secret (401)
        fatal at once failed       7  the LMS rejected the API key or secret (401)
        down at once  interrupted  5  the LMS went down and did not come back (HTTP 503)
        busy          failed       6  another run is using this LMS
        feed          failed       1  feed `people.csv` is empty
        other feed    failed       2  the feed `people.csv` is not the one that run 7 began with
        finished      failed       2  run 7 has finished: there is nothing to resume
        superseded    failed       2  run 7 cannot be resumed: a later run replaced it
        not newest    failed       2  run 7 cannot be resumed: run 8 has imported a newer feed
        secret        failed       2  the API key holds a character that cannot be sent, such as a line break
        journal       failed       1  an outcome cannot be recorded: no row
        request       failed       1  a request ended abnormally: it panicked
        lost          failed       1  the journal no longer has the run
        ");
    }

    #[test]
    fn whoever_must_act_is_told_what_to_do() {
        for (name, end) in ends() {
            let is_helped = end.help().is_some();
            let needs_nobody = ["done", "rows refused", "on request", "reading"];
            let nothing_helps = ["request", "lost"];
            assert_eq!(
                is_helped,
                !needs_nobody.contains(&name) && !nothing_helps.contains(&name),
                "{name}"
            );
        }
    }
}
