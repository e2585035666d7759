//! A run as one value, for `--json` and for the summary.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::FindingLine;
use crate::model::{Calls, Counts, Exit, RunState};

/// A command with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// `hrfeed check`.
    Check,
    /// `hrfeed plan`.
    Plan,
    /// `hrfeed import`.
    Import,
    /// `hrfeed resume`.
    Resume,
    /// `hrfeed show`.
    Show,
    /// `hrfeed audit`.
    Audit,
}

/// The result of a command. Serialized, it is the JSON object that scripts read:
/// fields may be added, none renamed.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// The run's name in the journal; `check` and `plan` have none.
    pub run: Option<String>,
    /// Which command it was.
    pub command: Command,
    /// Its state.
    pub state: RunState,
    /// What was read.
    pub feed: FeedReport,
    /// How the rows ended; for `plan`, how they would end. For `check`, a valid
    /// row is pending.
    pub counts: Counts,
    /// The requests that it took.
    pub calls: Calls,
    /// How long it took.
    #[serde(serialize_with = "milliseconds")]
    pub elapsed_seconds: f64,
    /// The exit code of the process.
    pub exit_code: u8,
    /// One sentence: [`super::headline()`], or what stopped the run.
    pub message: String,
    /// The problems, row by row, where the command was asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<FindingLine>>,
    /// How many findings there are of each rule, by the rule's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding_kinds: Option<BTreeMap<String, u64>>,
    /// What a person should know besides the rows, a sentence each: groups that
    /// were created, roles that stay, changes that a guard holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The feed of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FeedReport {
    /// The file as the command line named it, for a run with all its folders;
    /// `-` is stdin.
    pub path: String,
    /// The digest of the file's bytes, in hexadecimal.
    pub sha256: Option<String>,
    /// Rows of the feed.
    pub rows: u64,
    /// Rows that the mapping's filter left out; not in `rows`.
    pub skipped: u64,
}

impl RunReport {
    /// A finished report of `command` on `feed`, with nothing counted.
    #[must_use]
    pub fn new(command: Command, feed: FeedReport) -> Self {
        Self {
            run: None,
            command,
            state: RunState::Finished,
            feed,
            counts: Counts::default(),
            calls: Calls::default(),
            elapsed_seconds: 0.0,
            exit_code: Exit::Done.code(),
            message: String::new(),
            findings: None,
            finding_kinds: None,
            notes: Vec::new(),
        }
    }

    /// The report as one line of JSON, without a line break at its end.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "every key is text and every value serializes, so there is nothing to fail"
    )]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a report serializes")
    }
}

/// More digits than a person or a script can use are noise.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn milliseconds<S: Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((seconds * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A clean import of 1,000 rows, to be bent into other states.
    pub(crate) fn import() -> RunReport {
        RunReport {
            run: Some("12".into()),
            command: Command::Import,
            state: RunState::Finished,
            feed: FeedReport {
                path: "fixtures/people.csv".into(),
                sha256: Some("9f86d081884c7d659a2feaa0c55ad015".into()),
                rows: 1_000,
                skipped: 2,
            },
            counts: Counts {
                created: 940,
                updated: 12,
                unchanged: 48,
                ..Counts::default()
            },
            calls: Calls {
                total: 1_021,
                retried: 3,
                throttled: 1,
            },
            elapsed_seconds: 41.234_567,
            exit_code: 0,
            message: "Done.".into(),
            findings: None,
            finding_kinds: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_json_object_is_one_line_with_the_promised_fields_in_order() {
        insta::assert_snapshot!(import().to_json(), @r#"{"run":"12","command":"import","state":"finished","feed":{"path":"fixtures/people.csv","sha256":"9f86d081884c7d659a2feaa0c55ad015","rows":1000,"skipped":2},"counts":{"created":940,"updated":12,"unchanged":48,"rejected":0,"failed":0,"unknown":0,"pending":0,"deactivated":0,"deleted":0},"calls":{"total":1021,"retried":3,"throttled":1},"elapsed_seconds":41.235,"exit_code":0,"message":"Done."}"#);
        let mut check = import();
        check.run = None;
        check.command = Command::Check;
        check.feed.sha256 = None;
        check.elapsed_seconds = f64::NAN;
        check.findings = Some(Vec::new());
        check.finding_kinds = Some(BTreeMap::from([("email".into(), 9)]));
        insta::assert_snapshot!(check.to_json(), @r#"{"run":null,"command":"check","state":"finished","feed":{"path":"fixtures/people.csv","sha256":null,"rows":1000,"skipped":2},"counts":{"created":940,"updated":12,"unchanged":48,"rejected":0,"failed":0,"unknown":0,"pending":0,"deactivated":0,"deleted":0},"calls":{"total":1021,"retried":3,"throttled":1},"elapsed_seconds":null,"exit_code":0,"message":"Done.","findings":[],"finding_kinds":{"email":9}}"#);
    }
}
