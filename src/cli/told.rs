//! What the journal holds of a run, as a report tells it.

use super::exit::Failure;
use crate::journal::{Journal, RowFilter, Run, RunId};
use crate::model::{Action, Outcome};
use crate::report::{self, CauseLine, FeedReport, RunReport};

/// A run of the journal as a report.
pub(super) fn of_run(run: &Run) -> RunReport {
    let mut report = RunReport {
        run: Some(run.id.to_string()),
        command: run.command.clone(),
        state: run.state,
        feed: FeedReport {
            path: if run.from_stdin {
                "-".into()
            } else {
                run.feed_path.clone()
            },
            sha256: run.feed_sha256.map(hex),
            rows: run.rows.unwrap_or(0),
            skipped: run.skipped,
        },
        counts: run.counts,
        calls: run.calls,
        elapsed_seconds: run.elapsed.as_secs_f64(),
        exit_code: run.exit_code.unwrap_or(0),
        message: String::new(),
        findings: None,
        finding_kinds: None,
        notes: Vec::new(),
    };
    report.message = run
        .message
        .clone()
        .unwrap_or_else(|| report::headline(&report));
    report
}

/// Why rows of a run did not go through.
pub(super) fn causes(journal: &Journal, run: RunId) -> Result<Vec<CauseLine>, Failure> {
    let causes = journal.causes(run)?;
    Ok(causes
        .into_iter()
        .map(|cause| CauseLine {
            outcome: cause.outcome,
            message: match (cause.message, cause.status) {
                (Some(message), _) => message,
                (None, Some(status)) => format!("status {status}"),
                (None, None) if cause.outcome == Outcome::Unknown => {
                    "begun when the run ended: `hrfeed resume` finds out how far each came, and \
                     completes it"
                        .into()
                }
                (None, None) => "no reason is recorded".into(),
            },
            count: cause.rows,
            rows: cause.first.map(|row| row.0).into_iter().collect(),
        })
        .collect())
}

/// A digest as people and JSON see it.
pub(super) fn hex(digest: [u8; 32]) -> String {
    use std::fmt::Write as _;
    digest
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing into a String cannot fail.
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}

/// What a person should know of rows that went well, a sentence each. Of what
/// a run knew while it was under way, this is what the journal keeps: which
/// groups were made is told at its end only.
pub(super) fn remarks(journal: &Journal, run: RunId) -> Result<Vec<String>, Failure> {
    let remarks = journal.remarks(run)?;
    let adopted = adopted(journal, run)?;
    let adopted = (adopted > 0).then(|| {
        let people = report::counted(adopted, "person was", "people were");
        format!("{people} there without an external ID, and got it")
    });
    let remarked = remarks
        .into_iter()
        .map(|(message, rows, first)| match rows {
            1 => format!("row {first}: {message}"),
            rows => format!(
                "{}, the first is row {first}: {message}",
                report::counted(rows, "row", "rows")
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
    journal.rows(run, &updated, &mut |row| {
        adopted += u64::from(row.action == Some(Action::Adopt));
        true
    })?;
    Ok(adopted)
}

/// Says of how many rows and leavers nobody knows what became.
pub(super) fn not_known(rows: u64, leavers: u64) -> String {
    let of_rows = report::counted(rows, "row", "rows");
    let of_leavers = report::counted(leavers, "leaver", "leavers");
    let of = match (rows, leavers) {
        (_, 0) => of_rows,
        (0, _) => of_leavers,
        _ => format!("{of_rows} and {of_leavers}"),
    };
    format!("it is not known what became of {of}")
}

/// Tells of leavers whom the LMS did not let go: no count of rows does.
pub(super) fn stayed(leavers: u64) -> Option<String> {
    let who = report::counted(leavers, "leaver stays", "leavers stay");
    (leavers > 0).then(|| format!("{who} as before: the LMS did not do it"))
}
