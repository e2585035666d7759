//! What the summary says, state by state.

use super::super::cause::tests::cause;
use super::super::run::tests::import;
use super::*;
use crate::model::{Calls, Counts, Outcome, RunState};
use crate::report::{Command, next_steps};

fn style(width: usize) -> Style {
    Style {
        width,
        ..Style::piped()
    }
}

/// The summary as the commands show it: with the usual next steps.
fn summarized(report: &RunReport, causes: &[CauseLine]) -> String {
    summarized_at(80, report, causes)
}

fn summarized_at(width: usize, report: &RunReport, causes: &[CauseLine]) -> String {
    let mut report = report.clone();
    report.causes = causes.to_vec();
    if report.message == "Done." {
        report.message = headline(&report);
    }
    summary(&report, &next_steps(&report), &style(width))
}

fn with_counts(counts: Counts) -> RunReport {
    let mut report = import();
    report.feed.rows = counts.rows();
    report.counts = counts;
    report
}

fn causes() -> Vec<CauseLine> {
    vec![
        cause(
            Outcome::Rejected,
            2,
            "the LMS says: loginName is already in use",
            &[4, 5],
        ),
        cause(
            Outcome::Rejected,
            20,
            "column `Work Email` (email): not an e-mail address",
            &[17, 88, 113, 200],
        ),
        cause(
            Outcome::Rejected,
            1,
            "column `Country` (country): not a country code of two letters (ISO 3166-1); meant is probably NL: add it to the field's `map`",
            &[9],
        ),
        cause(
            Outcome::Failed,
            2,
            "the LMS answered 500 five times\u{202e}",
            &[12, 13],
        ),
    ]
}

#[test]
fn finished_clean() {
    insta::assert_snapshot!(summarized(&import(), &[]), @"
    Import finished. Everyone is up to date.                           run 12 · 41 s

      created      940
      updated       12
      unchanged     48
      invalid        0
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
      requests   1,021  3 retries; rate-limited once
    ");
}

#[test]
fn finished_with_rows_rejected_and_failed() {
    let mut report = with_counts(Counts {
        created: 938,
        updated: 12,
        unchanged: 25,
        rejected: 23,
        refused: 2,
        failed: 2,
        ..Counts::default()
    });
    report.exit_code = 3;
    insta::assert_snapshot!(summarized(&report, &causes()), @r"
    Import finished. 975 people are up to date; 23 rows were rejected and 2 failed.
    run 12 · 41 s

      created      938
      updated       12
      unchanged     25
      invalid       21  wrong in the feed, so nothing was sent
      refused        2  the LMS did not accept them
      failed         2  the LMS could not process them; the next import retries
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
      requests   1,021  3 retries; rate-limited once

      Wrong in the feed
      20  column `Work Email` (email): not an e-mail address (rows 17, 88, 113, 200
          …)
       1  column `Country` (country): not a country code of two letters (ISO
          3166-1); meant is probably NL: add it to the field's `map` (row 9)

      Refused by the LMS
      2  the LMS says: loginName is already in use (rows 4, 5)

      Why rows failed
      2  the LMS answered 500 five times\u{202e} (rows 12, 13)

      Next
        hrfeed rows 12 --outcome rejected        list the rejected rows
        hrfeed rows 12 --outcome failed          list the failed rows
        hrfeed rows 12 --as-feed -o to-hr.xlsx   write them for HR to correct
        hrfeed report 12 -o report.html          create an HTML report you can share
    ");
    insta::assert_snapshot!(summarized_at(120, &report, &causes()), @r"
    Import finished. 975 people are up to date; 23 rows were rejected and 2 failed.
    run 12 · 41 s

      created      938
      updated       12
      unchanged     25
      invalid       21  wrong in the feed, so nothing was sent
      refused        2  the LMS did not accept them
      failed         2  the LMS could not process them; the next import retries
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
      requests   1,021  3 retries; rate-limited once

      Wrong in the feed
      20  column `Work Email` (email): not an e-mail address (rows 17, 88, 113, 200 …)
       1  column `Country` (country): not a country code of two letters (ISO 3166-1); meant is probably NL: add it to the
          field's `map` (row 9)

      Refused by the LMS
      2  the LMS says: loginName is already in use (rows 4, 5)

      Why rows failed
      2  the LMS answered 500 five times\u{202e} (rows 12, 13)

      Next
        hrfeed rows 12 --outcome rejected        list the rejected rows
        hrfeed rows 12 --outcome failed          list the failed rows
        hrfeed rows 12 --as-feed -o to-hr.xlsx   write them for HR to correct
        hrfeed report 12 -o report.html          create an HTML report you can share
    ");
}

#[test]
fn finished_without_knowing_all() {
    let report = with_counts(Counts {
        created: 998,
        rejected: 1,
        unknown: 1,
        ..Counts::default()
    });
    insta::assert_snapshot!(summarized(&report, &[]), @"
    Import finished. 998 people are up to date; 1 row was rejected and 1 has an unknown outcome.
    run 12 · 41 s

      created      998
      updated        0
      unchanged      0
      invalid        1  wrong in the feed, so nothing was sent
      unknown        1  sent but not confirmed; checked before any retry
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
      requests   1,021  3 retries; rate-limited once

      Next
        hrfeed rows 12 --outcome rejected        list the rejected rows
        hrfeed rows 12 --outcome unknown         list rows with unknown outcomes
        hrfeed rows 12 --as-feed -o to-hr.xlsx   write them for HR to correct
        hrfeed report 12 -o report.html          create an HTML report you can share
    ");
}

#[test]
fn interrupted() {
    let mut report = with_counts(Counts {
        created: 300,
        unknown: 2,
        pending: 698,
        ..Counts::default()
    });
    report.state = RunState::Interrupted;
    report.exit_code = 5;
    report.message = "the LMS refused the credentials: is KMI_API_KEY still valid?".into();
    insta::assert_snapshot!(summarized(&report, &[]), @"
    Interrupted with 700 of 1,000 rows left to process.                run 12 · 41 s
    the LMS refused the credentials: is KMI_API_KEY still valid?

      created      300
      updated        0
      unchanged      0
      invalid        0
      unknown        2  sent but not confirmed; checked before any retry
      pending      698  not finished
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
      requests   1,021  3 retries; rate-limited once

      Next
        hrfeed resume 12                   continue; no one is created twice
        hrfeed rows 12 --outcome unknown   list rows with unknown outcomes
        hrfeed report 12 -o report.html    create an HTML report you can share
    ");
}

#[test]
fn failed() {
    let mut report = with_counts(Counts {
        created: 300,
        pending: 700,
        ..Counts::default()
    });
    report.state = RunState::Failed;
    report.exit_code = 1;
    report.message =
        "failed to write the journal `/var/lib/hrfeed/journal.db`: the disk is full".into();
    insta::assert_snapshot!(summarized(&report, &[]), @"
    Failed with 700 of 1,000 rows left to process.                     run 12 · 41 s
    failed to write the journal `/var/lib/hrfeed/journal.db`: the disk is full

      created      300
      updated        0
      unchanged      0
      invalid        0
      pending      700  not finished
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
      requests   1,021  3 retries; rate-limited once

      Next
        hrfeed resume 12                  continue; no one is created twice
        hrfeed report 12 -o report.html   create an HTML report you can share
    ");
}

#[test]
fn killed() {
    let mut report = with_counts(Counts {
        created: 300,
        pending: 700,
        ..Counts::default()
    });
    report.command = Command::Show;
    report.state = RunState::Running;
    report.elapsed_seconds = 0.0;
    insta::assert_snapshot!(summarized(&report, &[]), @"
    Not finished (700 of 1,000 rows pending). The run is in progress or was killed.
    run 12

      created      300
      updated        0
      unchanged      0
      invalid        0
      pending      700  not finished
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
      requests   1,021  3 retries; rate-limited once

      Next
        hrfeed resume 12                  continue; no one is created twice
        hrfeed report 12 -o report.html   create an HTML report you can share
    ");
}

#[test]
fn superseded() {
    let mut report = with_counts(Counts {
        created: 300,
        pending: 700,
        ..Counts::default()
    });
    report.command = Command::Show;
    report.state = RunState::Superseded;
    insta::assert_snapshot!(summarized(&report, &[]), @"
    Superseded by a later import.                                      run 12 · 41 s

      created      300
      updated        0
      unchanged      0
      invalid        0
      pending      700  not finished
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
      requests   1,021  3 retries; rate-limited once

      Next
        hrfeed report 12 -o report.html   create an HTML report you can share
    ");
}

#[test]
fn plan() {
    let mut report = with_counts(Counts {
        created: 940,
        updated: 12,
        unchanged: 25,
        rejected: 23,
        deleted: 1,
        ..Counts::default()
    });
    report.command = Command::Plan;
    report.run = None;
    report.calls = Calls {
        total: 13,
        ..Calls::default()
    };
    insta::assert_snapshot!(summarized(&report, &causes()[1..2]), @"
    An import would create 940 people, update 12 and delete 1. 23 rows would be rejected.
    41 s

      would be created    940
      would be updated     12
      unchanged            25
      invalid              23  wrong in the feed, so nothing would be sent
      ───────────────────────
      rows              1,000  in fixtures/people.csv (2 skipped by the mapping)
      would be deleted      1  no longer in the feed
      requests             13

      Wrong in the feed
      20  column `Work Email` (email): not an e-mail address (rows 17, 88, 113, 200
          …)
    ");
}

#[test]
fn plan_that_changes_nothing() {
    let mut report = with_counts(Counts {
        unchanged: 1_000,
        ..Counts::default()
    });
    report.command = Command::Plan;
    report.run = None;
    assert_eq!(headline(&report), "An import would change nothing.");
}

#[test]
fn check() {
    let mut report = with_counts(Counts {
        rejected: 23,
        pending: 977,
        ..Counts::default()
    });
    report.command = Command::Check;
    report.run = None;
    report.calls = Calls::default();
    report.elapsed_seconds = 0.3;
    insta::assert_snapshot!(summarized(&report, &causes()[1..2]), @"
    23 of 1,000 rows have problems.                                            0.3 s

      valid      977
      invalid     23  wrong in the feed
      ──────────────
      rows     1,000  in fixtures/people.csv (2 skipped by the mapping)

      Wrong in the feed
      20  column `Work Email` (email): not an e-mail address (rows 17, 88, 113, 200
          …)
    ");
    report.counts = Counts {
        pending: 1_000,
        ..Counts::default()
    };
    assert_eq!(headline(&report), "All 1,000 rows are valid.");
    assert_eq!(tone(&report), Tone::Good);
    report.counts = Counts {
        pending: 1,
        rejected: 1,
        ..Counts::default()
    };
    assert_eq!(headline(&report), "1 of 2 rows has problems.");
}

#[test]
fn nothing_to_do() {
    let mut report = with_counts(Counts {
        unchanged: 1_000,
        ..Counts::default()
    });
    report.calls = Calls::default();
    insta::assert_snapshot!(summarized(&report, &[]), @"
    No changes: all 1,000 people are already up to date.               run 12 · 41 s

      created        0
      updated        0
      unchanged  1,000
      invalid        0
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
    ");
    report.counts.unchanged = 1;
    assert_eq!(
        headline(&report),
        "No changes: the only person is already up to date."
    );
}

#[test]
fn empty_feed() {
    let mut report = with_counts(Counts::default());
    report.calls = Calls::default();
    report.feed.skipped = 0;
    insta::assert_snapshot!(summarized(&report, &[]), @"
    Nothing to do: the feed has no rows.                               run 12 · 41 s

      created    0
      updated    0
      unchanged  0
      invalid    0
      ────────────
      rows       0  in fixtures/people.csv
    ");
    report.feed.skipped = 12;
    assert_eq!(
        headline(&report),
        "Nothing to do: the mapping skipped all 12 rows of the feed."
    );
}

#[test]
fn a_guard_is_said_first() {
    let mut report = with_counts(Counts {
        pending: 1_000,
        ..Counts::default()
    });
    report.exit_code = 4;
    report.state = RunState::Failed;
    report.message = "max_rejected: 300 of 1,000 rows are wrong, more than 10%".into();
    insta::assert_snapshot!(summarized(&report, &[]), @"
    Stopped by a safety limit. Nothing was sent.                       run 12 · 41 s
    max_rejected: 300 of 1,000 rows are wrong, more than 10%

      created        0
      updated        0
      unchanged      0
      invalid        0
      pending    1,000  not finished
      ────────────────
      rows       1,000  in fixtures/people.csv (2 skipped by the mapping)
      requests   1,021  3 retries; rate-limited once

      Next
        hrfeed report 12 -o report.html   create an HTML report you can share
    ");
    report.state = RunState::Finished;
    assert_eq!(
        headline(&report),
        "No person changed: some changes await approval."
    );
    report.counts.created = 3;
    assert_eq!(
        headline(&report),
        "Import finished, but some changes await approval."
    );
}

#[test]
fn rows_that_all_wait_are_not_said_to_be_untouched() {
    // Their groups may have been created, and they themselves, but for these.
    let mut report = with_counts(Counts {
        pending: 20,
        ..Counts::default()
    });
    report.state = RunState::Interrupted;
    assert_eq!(
        headline(&report),
        "Interrupted with 20 of 20 rows left to process."
    );
}

#[test]
fn a_leaver_who_stayed_is_in_the_headline() {
    let mut report = with_counts(Counts {
        unchanged: 19,
        ..Counts::default()
    });
    report.exit_code = 3;
    assert_eq!(
        headline(&report),
        "Import finished, but not every leaver was removed."
    );
    assert_eq!(tone(&report), Tone::Attention);
}

#[test]
fn one_is_singular() {
    let report = with_counts(Counts {
        created: 5,
        rejected: 1,
        ..Counts::default()
    });
    assert_eq!(
        headline(&report),
        "Import finished. 5 people are up to date; 1 row was rejected."
    );
    let report = with_counts(Counts {
        created: 5,
        rejected: 1,
        failed: 1,
        pending: 1,
        unknown: 1,
        ..Counts::default()
    });
    assert_eq!(
        headline(&report),
        "Import finished. 5 people are up to date; 1 row was rejected, 1 failed, 1 was not sent and 1 has an unknown outcome."
    );
}

#[test]
fn more_causes_than_anyone_reads_are_summed_up() {
    let many: Vec<_> = (1..=13)
        .map(|at| cause(Outcome::Rejected, at, &format!("cause {at}"), &[]))
        .collect();
    let text = summarized(
        &with_counts(Counts {
            rejected: 91,
            ..Counts::default()
        }),
        &many,
    );
    assert!(text.contains("6  for 3 other reasons"), "{text}");
    assert!(
        text.contains("cause 13") && !text.contains("cause 3\n"),
        "{text}"
    );
}

#[test]
fn with_colour_the_words_stay_the_same() {
    let mut report = with_counts(Counts {
        created: 5,
        rejected: 4,
        ..Counts::default()
    });
    report.causes = causes();
    let plain = summary(&report, &next_steps(&report), &style(80));
    let coloured = Style {
        color: true,
        ..style(80)
    };
    let coloured = summary(&report, &next_steps(&report), &coloured);
    let mut stripped = coloured.clone();
    for code in ["1", "2", "1;32", "1;33", "1;31", "1;36", "0"] {
        stripped = stripped.replace(&format!("\x1b[{code}m"), "");
    }
    assert_ne!(coloured, plain);
    assert_eq!(stripped, plain);
}

#[test]
fn the_tone_follows_the_state() {
    let mut report = import();
    assert_eq!(tone(&report), Tone::Good);
    report.counts.pending = 1;
    assert_eq!(tone(&report), Tone::Attention);
    report.state = RunState::Failed;
    assert_eq!(tone(&report), Tone::Bad);
}
