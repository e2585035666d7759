//! The list of runs.

use jiff::Zoned;
use serde::{Serialize, Serializer};

use super::table::{Column, Fit, Table};
use super::{Style, count, sanitize};
use crate::model::{Counts, Exit, RunState};

/// One run of the list. Serialized, it is an entry of `hrfeed runs --json`.
#[derive(Clone, Debug, Serialize)]
pub struct RunLine {
    /// The run's name.
    pub run: String,
    /// `import` or `resume`.
    pub command: String,
    /// Its state.
    pub state: RunState,
    /// When it started, in the reader's time zone.
    #[serde(serialize_with = "instant")]
    pub started: Zoned,
    /// How long it took, where it has ended.
    pub elapsed_seconds: Option<f64>,
    /// The feed's file.
    pub feed: String,
    /// How its rows ended.
    pub counts: Counts,
    /// The exit code of the process, where it has ended.
    pub exit_code: Option<u8>,
}

impl RunLine {
    /// Its state, and whether a guard stopped it or held a part.
    fn state_word(&self) -> &'static str {
        let is_guarded = self.exit_code == Some(Exit::Guard.code());
        match self.state {
            RunState::Finished if is_guarded => "needs approval",
            RunState::Failed if is_guarded => "stopped by limit",
            state => state.word(),
        }
    }
}

/// An instant for scripts: RFC 3339, UTC.
fn instant<S: Serializer>(time: &Zoned, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.timestamp())
}

/// The runs as a table, in the given order.
#[must_use]
pub fn runs_table(runs: &[RunLine], style: &Style) -> String {
    const COLUMNS: &[Column] = &[
        Column("Run", Fit::Text),
        Column("Started", Fit::Text),
        Column("State", Fit::Text),
        Column("Rows", Fit::Number),
        Column("Changed", Fit::Number),
        Column("Not applied", Fit::Number),
        Column("Feed", Fit::Rest),
    ];
    if runs.is_empty() {
        return "No runs yet. Start one with `hrfeed import FEED -m MAPPING`.\n".to_owned();
    }
    let rows = runs
        .iter()
        .map(|run| {
            let counts = &run.counts;
            let not_applied = counts.rejected + counts.failed + counts.unknown + counts.pending;
            vec![
                sanitize(&run.run).into_owned(),
                run.started.strftime("%Y-%m-%d %H:%M").to_string(),
                run.state_word().to_owned(),
                count(counts.rows()),
                count(counts.changed()),
                count(not_applied),
                sanitize(file_name(&run.feed)).into_owned(),
            ]
        })
        .collect();
    let mut text = Table::lines(COLUMNS, *style, rows).join("\n");
    text.push('\n');
    text
}

/// A list has room for the file's name only; the JSON has the folder.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\'])
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> Vec<RunLine> {
        let started: Zoned = "2026-11-21T02:00:14+01:00[Europe/Amsterdam]"
            .parse()
            .unwrap();
        let run = RunLine {
            run: "12".into(),
            command: "import".into(),
            state: RunState::Finished,
            started,
            elapsed_seconds: Some(41.0),
            feed: "/srv/hr/export/people.csv".into(),
            counts: Counts {
                created: 940,
                updated: 12,
                unchanged: 25,
                rejected: 23,
                ..Counts::default()
            },
            exit_code: Some(3),
        };
        let interrupted = RunLine {
            run: "11".into(),
            state: RunState::Interrupted,
            elapsed_seconds: None,
            counts: Counts {
                created: 120_000,
                pending: 880_000,
                ..Counts::default()
            },
            ..run.clone()
        };
        vec![run, interrupted]
    }

    #[test]
    fn runs_at_80_and_120_columns() {
        let narrow = Style {
            width: 80,
            ..Style::piped()
        };
        insta::assert_snapshot!(runs_table(&runs(), &narrow), @"
        Run  Started           State             Rows  Changed  Not applied  Feed
        ───  ────────────────  ───────────  ─────────  ───────  ───────────  ──────────
        12   2026-11-21 02:00  finished         1,000      952           23  people.csv
        11   2026-11-21 02:00  interrupted  1,000,000  120,000      880,000  people.csv
        ");
        insta::assert_snapshot!(runs_table(&runs(), &Style::piped()), @"
        Run  Started           State             Rows  Changed  Not applied  Feed
        ───  ────────────────  ───────────  ─────────  ───────  ───────────  ─────────────────────────
        12   2026-11-21 02:00  finished         1,000      952           23  people.csv
        11   2026-11-21 02:00  interrupted  1,000,000  120,000      880,000  people.csv
        ");
    }

    #[test]
    fn a_run_that_a_guard_held_or_stopped_says_so() {
        let held = RunLine {
            exit_code: Some(4),
            ..runs().remove(0)
        };
        let stopped = RunLine {
            state: RunState::Failed,
            ..held.clone()
        };
        let table = runs_table(&[held, stopped], &Style::piped());
        assert!(table.contains(" needs approval "), "{table}");
        assert!(table.contains(" stopped by limit "), "{table}");
    }

    #[test]
    fn no_runs_is_said_with_what_makes_one() {
        insta::assert_snapshot!(runs_table(&[], &Style::piped()), @"No runs yet. Start one with `hrfeed import FEED -m MAPPING`.");
    }

    #[test]
    fn a_script_gets_the_instant_in_utc() {
        insta::assert_snapshot!(serde_json::to_string(&runs()[0]).unwrap(), @r#"{"run":"12","command":"import","state":"finished","started":"2026-11-21T01:00:14Z","elapsed_seconds":41.0,"feed":"/srv/hr/export/people.csv","counts":{"created":940,"updated":12,"unchanged":25,"rejected":23,"invalid":23,"refused":0,"failed":0,"unknown":0,"pending":0,"deactivated":0,"deleted":0,"set":0},"exit_code":3}"#);
    }
}
