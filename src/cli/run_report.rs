//! A run of the journal, as a report.

use std::ops::ControlFlow;

use super::exit::Failure;
use super::output::hex;
use crate::journal::{Journal, JournalError, RowFilter, Run, RunId};
use crate::model::{Action, Outcome};
use crate::report::{self, CauseLine, Command, FeedReport, RunReport};

/// A run of the journal as a report.
pub(super) fn of_run(run: &Run) -> RunReport {
    let feed = FeedReport {
        path: if run.start.from_stdin {
            "-".into()
        } else {
            run.start.feed_path.clone()
        },
        sha256: run.feed_sha256.map(hex),
        rows: run.rows.unwrap_or(0),
        skipped: run.skipped,
    };
    // No other command starts a run.
    let mut report = RunReport {
        run: Some(run.id.to_string()),
        state: run.state,
        counts: run.counts,
        calls: run.calls,
        elapsed_seconds: run.elapsed.as_secs_f64(),
        exit_code: run.exit_code.unwrap_or(0),
        ..RunReport::new(Command::Import, feed)
    };
    report.message = run
        .message
        .clone()
        .unwrap_or_else(|| report::headline(&report));
    report
}

/// Why rows of a run were not applied.
pub(super) fn causes(journal: &Journal, run: RunId) -> Result<Vec<CauseLine>, Failure> {
    let causes = journal.causes(run)?;
    Ok(causes
        .into_iter()
        .map(|cause| CauseLine {
            outcome: cause.outcome,
            message: match (cause.message, cause.status) {
                (Some(message), _) => message,
                (None, Some(status)) => format!("HTTP {status}"),
                (None, None) if cause.outcome == Outcome::Unknown => {
                    "sent but not confirmed when the run ended; `hrfeed resume` checks each one and \
                     completes it"
                        .into()
                }
                (None, None) => "no reason recorded".into(),
            },
            count: cause.rows,
            rows: cause.first.map(|row| row.0).into_iter().collect(),
        })
        .collect())
}

/// What a person should know about rows that went well, a sentence each. The
/// journal does not keep everything that the run itself reports at its end, such
/// as the groups that it created.
pub(super) fn remarks(journal: &Journal, run: RunId) -> Result<Vec<String>, Failure> {
    let remarks = journal.remarks(run)?;
    let adopted = adopted(journal, run)?;
    let adopted = (adopted > 0).then(|| {
        let was = "existing person without an external ID was";
        let were = "existing people without an external ID were";
        format!("{} linked", report::counted(adopted, was, were))
    });
    let remarked = remarks
        .into_iter()
        .map(|(message, rows, first)| match rows {
            1 => format!("row {first}: {message}"),
            rows => format!(
                "{} rows (first: row {first}): {message}",
                report::count(rows)
            ),
        });
    Ok(adopted.into_iter().chain(remarked).collect())
}

/// How many people got their external ID in the run.
fn adopted(journal: &Journal, run: RunId) -> Result<u64, Failure> {
    let mut adopted = 0;
    let updated = RowFilter {
        outcomes: vec![Outcome::Updated],
    };
    journal.rows(run, &updated, |row| {
        adopted += u64::from(row.action == Some(Action::Adopt));
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    Ok(adopted)
}
