//! The figures of a run as Prometheus reads them from a file.
//!
//! The format is Prometheus' text format, version 0.0.4, for the textfile collector of its
//! node exporter: no time stamps, and each name with its help and type once.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Calls, Counts, HoldState, Outcome};

/// How a file of metrics begins.
const START: &str = "# HELP hrfeed_last_run_timestamp_seconds ";

/// Whether a file begins as one that hrfeed wrote.
#[must_use]
pub fn is_metrics(start: &[u8]) -> bool {
    start.starts_with(START.as_bytes())
}

/// The figures of a run.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// What the run was for: system, address and a digest of the key.
    pub scope: String,
    /// The mapping's path.
    pub mapping: String,
    /// When the run ended.
    pub ended: Timestamp,
    /// Its exit code.
    pub exit_code: u8,
    /// When a run of this mapping finished last.
    pub last_success: Option<Timestamp>,
    /// How old the file of the feed was when the run began.
    pub feed_age: Option<Duration>,
    /// Rows of the feed, once it was read.
    pub rows: Option<u64>,
    /// How many rows and leavers ended how.
    pub counts: Counts,
    /// The requests, over all resumes.
    pub calls: Calls,
    /// How many holds of this mapping are in each state that asks for attention.
    pub holds: Vec<(HoldState, u64)>,
    /// How long the run was under way, over all resumes.
    pub elapsed: Duration,
}

impl Metrics {
    /// The counts by outcome.
    fn outcomes(&self) -> Vec<(String, f64)> {
        let outcomes = Outcome::ALL.into_iter();
        let labelled = outcomes.map(|outcome| {
            let label = format!(",outcome=\"{}\"", outcome.word());
            (label, number(self.counts.of(outcome)))
        });
        labelled.collect()
    }

    /// The rejected rows by who rejected them.
    fn rejected(&self) -> [(String, f64); 2] {
        let (invalid, refused) = (self.counts.invalid(), self.counts.refused);
        [("invalid", invalid), ("refused", refused)]
            .map(|(why, rows)| (format!(",why=\"{why}\""), number(rows)))
    }

    /// The text of the file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let labels = format!(
            "scope=\"{}\",mapping=\"{}\"",
            escaped(&self.scope),
            escaped(&self.mapping)
        );
        let mut text = String::new();
        let mut add = |(name, kind, help): (&str, &str, &str), values: &[(String, f64)]| {
            if values.is_empty() {
                return;
            }
            // Writing into a String cannot fail.
            let _infallible = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (label, value) in values {
                let _infallible = writeln!(text, "{name}{{{labels}{label}}} {value}");
            }
        };
        let one = |value: f64| vec![(String::new(), value)];
        let some = |value: Option<f64>| value.map(one).unwrap_or_default();
        add(
            (
                "hrfeed_last_run_timestamp_seconds",
                "gauge",
                "When the last run ended, in seconds since 1970.",
            ),
            &one(seconds_since_1970(self.ended)),
        );
        add(
            (
                "hrfeed_last_success_timestamp_seconds",
                "gauge",
                "When a run finished last, in seconds since 1970; rejected or held rows do not matter.",
            ),
            &some(self.last_success.map(seconds_since_1970)),
        );
        add(
            (
                "hrfeed_exit_code",
                "gauge",
                "The exit code of the last run.",
            ),
            &one(f64::from(self.exit_code)),
        );
        add(
            (
                "hrfeed_feed_age_seconds",
                "gauge",
                "How old the file of the feed was when the last run began.",
            ),
            &some(self.feed_age.map(|age| age.as_secs_f64())),
        );
        add(
            ("hrfeed_rows", "gauge", "Rows of the last run's feed."),
            &some(self.rows.map(number)),
        );
        add(
            (
                "hrfeed_outcomes",
                "gauge",
                "Rows of the last run by outcome; deactivated, deleted and set are people who left.",
            ),
            &self.outcomes(),
        );
        add(
            (
                "hrfeed_rejected",
                "gauge",
                "Rejected rows of the last run: wrong in the feed (invalid), or refused by the LMS.",
            ),
            &self.rejected(),
        );
        add(
            (
                "hrfeed_calls_total",
                "counter",
                "Requests of the last run to the LMS; each run begins at 0.",
            ),
            &one(number(self.calls.total)),
        );
        let holds: Vec<_> = (self.holds.iter())
            .map(|(state, holds)| (format!(",state=\"{}\"", state.word()), number(*holds)))
            .collect();
        add(
            (
                "hrfeed_holds",
                "gauge",
                "Holds by state: open ones wait for a decision.",
            ),
            &holds,
        );
        add(
            (
                "hrfeed_duration_seconds",
                "gauge",
                "How long the last run took.",
            ),
            &one(self.elapsed.as_secs_f64()),
        );
        text
    }
}

/// The value of a label, by the rules of the format.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', r"\\").replace('"', "\\\"");
    text.replace('\n', r"\n")
}

fn seconds_since_1970(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of people are far below 2^52"
)]
const fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_metrics_says_how_the_last_run_went() {
        let metrics = Metrics {
            scope: "kmi https://lms.example.com/ 1a2b3c4d".into(),
            mapping: "C:\\hr\\\"new\".toml".into(),
            ended: "2026-11-21T01:00:55.5Z".parse().unwrap(),
            exit_code: 3,
            last_success: None,
            feed_age: Some(Duration::from_mins(90)),
            rows: Some(1_000),
            counts: Counts {
                created: 940,
                rejected: 60,
                ..Counts::default()
            },
            calls: Calls {
                total: 1_021,
                ..Calls::default()
            },
            holds: vec![(HoldState::Open, 2)],
            elapsed: Duration::from_millis(41_250),
        };
        let text = metrics.to_text();
        assert!(is_metrics(text.as_bytes()));
        let values: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let values = values.join("\n").replace(
            "scope=\"kmi https://lms.example.com/ 1a2b3c4d\",mapping=\"C:\\\\hr\\\\\\\"new\\\".toml\"",
            "…",
        );
        insta::assert_snapshot!(values, @r#"
        hrfeed_last_run_timestamp_seconds{…} 1795222855.5
        hrfeed_exit_code{…} 3
        hrfeed_feed_age_seconds{…} 5400
        hrfeed_rows{…} 1000
        hrfeed_outcomes{…,outcome="created"} 940
        hrfeed_outcomes{…,outcome="updated"} 0
        hrfeed_outcomes{…,outcome="unchanged"} 0
        hrfeed_outcomes{…,outcome="rejected"} 60
        hrfeed_outcomes{…,outcome="failed"} 0
        hrfeed_outcomes{…,outcome="unknown"} 0
        hrfeed_outcomes{…,outcome="pending"} 0
        hrfeed_outcomes{…,outcome="deactivated"} 0
        hrfeed_outcomes{…,outcome="deleted"} 0
        hrfeed_outcomes{…,outcome="set"} 0
        hrfeed_rejected{…,why="invalid"} 60
        hrfeed_rejected{…,why="refused"} 0
        hrfeed_calls_total{…} 1021
        hrfeed_holds{…,state="open"} 2
        hrfeed_duration_seconds{…} 41.25
        "#);
    }
}
