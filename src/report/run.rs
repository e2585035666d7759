//! A run as one value, for `--json` and for the summary.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::object::SCHEMA;
use super::{CauseLine, FindingLine, HeldLine, HoldLine, OutageLine, Would};
use crate::mapping::NamesLeavers;
use crate::model::{Calls, Counts, Effects, Exit, Proof, RunState};

/// A command, as the JSON names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// `hrfeed undo`.
    Undo,
    /// `hrfeed audit`.
    Audit,
    /// `hrfeed holds`.
    Holds,
    /// `hrfeed hold`.
    Hold,
    /// `hrfeed approve`.
    Approve,
    /// `hrfeed refuse`.
    Refuse,
    /// `hrfeed runs`.
    Runs,
    /// `hrfeed runs prune`.
    RunsPrune,
    /// `hrfeed rows`.
    Rows,
    /// `hrfeed report`.
    Report,
    /// `hrfeed init`.
    Init,
    /// `hrfeed forget`.
    Forget,
    /// `hrfeed doctor`.
    Doctor,
    /// `hrfeed sandbox`.
    Sandbox,
    /// `hrfeed completions`.
    Completions,
    /// `hrfeed man`.
    Man,
    /// `hrfeed schema`.
    Schema,
    /// The arguments name none: null in the JSON.
    Unknown,
}

impl Command {
    /// Every command that can be named.
    pub const ALL: [Self; 22] = [
        Self::Check,
        Self::Plan,
        Self::Import,
        Self::Resume,
        Self::Show,
        Self::Undo,
        Self::Audit,
        Self::Holds,
        Self::Hold,
        Self::Approve,
        Self::Refuse,
        Self::Runs,
        Self::RunsPrune,
        Self::Rows,
        Self::Report,
        Self::Init,
        Self::Forget,
        Self::Doctor,
        Self::Sandbox,
        Self::Completions,
        Self::Man,
        Self::Schema,
    ];

    /// How it is called: `runs`, `runs prune`.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Check => "check",
            Self::Plan => "plan",
            Self::Import => "import",
            Self::Resume => "resume",
            Self::Show => "show",
            Self::Undo => "undo",
            Self::Audit => "audit",
            Self::Holds => "holds",
            Self::Hold => "hold",
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Runs => "runs",
            Self::RunsPrune => "runs prune",
            Self::Rows => "rows",
            Self::Report => "report",
            Self::Init => "init",
            Self::Forget => "forget",
            Self::Doctor => "doctor",
            Self::Sandbox => "sandbox",
            Self::Completions => "completions",
            Self::Man => "man",
            Self::Schema => "schema",
            Self::Unknown => return None,
        })
    }

    /// The command of that name.
    #[must_use]
    pub fn named(word: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.word() == Some(word))
            .unwrap_or(Self::Unknown)
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.word().serialize(serializer)
    }
}

impl JsonSchema for Command {
    fn schema_name() -> Cow<'static, str> {
        "Command".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = Self::ALL.into_iter().chain([Self::Unknown]);
        json_schema!({ "enum": words.map(Self::word).collect::<Vec<_>>() })
    }
}

/// The result of a command that is about a run or that failed, as scripts read it: fields
/// may be added, none renamed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunReport {
    /// The version of this object: another one where a field would change its
    /// meaning.
    pub schema: u32,
    /// The version of hrfeed.
    pub hrfeed: &'static str,
    /// The LMS, where the command is about one.
    pub target: Option<TargetReport>,
    /// The mapping's file.
    pub mapping: Option<String>,
    /// When it started.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "Option<Timestamp>")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "Option<Timestamp>")]
    pub ended: Option<Timestamp>,
    /// The run's name in the journal; most commands have none.
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
    /// Whom a guard holds back.
    #[serde(skip)]
    pub held: HeldCounts,
    /// Unchanged rows of people who differ and stay as they are: protected, or somebody
    /// refused the change.
    #[serde(skip)]
    pub left_alone: u64,
    /// The file of the plan that the run carries out, as far as it is known.
    #[serde(skip)]
    pub plan: Option<String>,
    /// The run that this one undid; null for an import.
    pub undoes: Option<String>,
    /// The feed of a plan looks sick: an import would send nothing.
    #[serde(skip)]
    pub is_sick: bool,
    /// How the feed says who leaves, where that is known.
    #[serde(skip)]
    pub names_leavers: Option<NamesLeavers>,
    /// What the changes do beside the LMS's data; for `plan`, what they would do. `None` where
    /// that is not known.
    pub effects: Option<Effects>,
    /// The requests that it took.
    pub calls: Calls,
    /// How long it took.
    #[serde(serialize_with = "milliseconds")]
    pub elapsed_seconds: f64,
    /// The exit code of the process; for `show`, of the run: 5 if it was killed, and 0 while it
    /// is under way.
    pub exit_code: u8,
    /// One sentence: how it ended, or what stopped it.
    pub message: String,
    /// The problems, row by row, where the command was asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<FindingLine>>,
    /// How many findings there are of each rule, by the rule's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding_kinds: Option<BTreeMap<String, u64>>,
    /// What an import of the feed would do, for a check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would: Option<Would>,
    /// Why rows were not applied, the most frequent reason first; at most a hundred.
    pub causes: Vec<CauseLine>,
    /// When the LMS kept the run waiting, the earliest first.
    pub outages: Vec<OutageLine>,
    /// People to deactivate, delete or write fields for who were not, or not for certain, when
    /// the run was interrupted. The counts are without them.
    pub leavers_left: u64,
    /// What a person should know besides the rows, a sentence each: groups that
    /// were created, roles that stay.
    pub notes: Vec<String>,
    /// What waits for a person, and what was decided.
    pub holds: Vec<HoldLine>,
    /// The people of the hold, where the command is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<Vec<HeldLine>>,
    /// What was read back after the run; `None` where nothing was.
    pub proof: Option<Proof>,
}

/// How many changes a guard holds back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldCounts {
    /// Rows of the feed: they are among the pending ones.
    pub rows: u64,
    /// Leavers.
    pub leavers: u64,
}

/// The LMS of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TargetReport {
    /// The system: `kmi`, `anewspring`.
    pub system: String,
    /// Its address.
    pub base_url: String,
}

/// The feed of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FeedReport {
    /// The file as the command line named it, for a run with all its folders;
    /// `-` is stdin.
    pub path: String,
    /// Of a feed of several files: the files, whose numbers count from 1; left out
    /// otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The digest of the file's bytes, in hexadecimal; of several files, that of their
    /// digests one after the other.
    pub sha256: Option<String>,
    /// The digest of the files that are joined to it; left out without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined_sha256: Option<String>,
    /// Rows of the feed.
    pub rows: u64,
    /// Rows that the mapping left out; not in `rows`.
    pub skipped: u64,
}

impl RunReport {
    /// A finished report of `command` on `feed`, with nothing counted.
    #[must_use]
    pub fn new(command: Command, feed: FeedReport) -> Self {
        Self {
            schema: SCHEMA,
            hrfeed: env!("CARGO_PKG_VERSION"),
            target: None,
            mapping: None,
            started: None,
            ended: None,
            run: None,
            command,
            state: RunState::Finished,
            feed,
            counts: Counts::default(),
            effects: None,
            held: HeldCounts::default(),
            left_alone: 0,
            names_leavers: Some(NamesLeavers::ByAbsence),
            plan: None,
            undoes: None,
            is_sick: false,
            calls: Calls::default(),
            elapsed_seconds: 0.0,
            exit_code: Exit::Done.code(),
            message: String::new(),
            findings: None,
            finding_kinds: None,
            would: None,
            causes: Vec::new(),
            outages: Vec::new(),
            leavers_left: 0,
            notes: Vec::new(),
            holds: Vec::new(),
            people: None,
            proof: None,
        }
    }

    /// Whether the LMS does not show what it should.
    pub(super) fn has_mismatches(&self) -> bool {
        self.proof.as_ref().is_some_and(|it| it.mismatches() > 0)
    }

    /// The report as one line of JSON, without a line break at its end.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "every key is text and every value serializes, so there is nothing to fail"
    )]
    pub fn to_json(&self) -> String {
        super::to_json(self).expect("a report serializes")
    }
}

/// An instant for scripts: RFC 3339, UTC.
#[expect(clippy::ref_option, reason = "serde's signature")]
fn instant<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| format!("{time:.3}")).serialize(serializer)
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
            hrfeed: "0.2.0",
            target: Some(TargetReport {
                system: "kmi".into(),
                base_url: "https://lms.example.com/".into(),
            }),
            mapping: Some("/srv/hr/kmi.toml".into()),
            started: Some("2026-11-21T01:00:14Z".parse().unwrap()),
            ended: Some("2026-11-21T01:00:55Z".parse().unwrap()),
            run: Some("12".into()),
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
            ..RunReport::new(
                Command::Import,
                FeedReport {
                    path: "fixtures/people.csv".into(),
                    files: Vec::new(),
                    sha256: Some("9f86d081884c7d659a2feaa0c55ad015".into()),
                    joined_sha256: None,
                    rows: 1_000,
                    skipped: 2,
                },
            )
        }
    }

    #[test]
    fn every_command_is_found_by_its_word() {
        for command in Command::ALL {
            assert_eq!(Command::named(command.word().unwrap()), command);
        }
        assert_eq!(Command::named("destroy"), Command::Unknown);
    }

    #[test]
    fn the_json_object_is_one_line_with_the_promised_fields_in_order() {
        insta::assert_snapshot!(import().to_json(), @r#"{"schema":1,"hrfeed":"0.2.0","target":{"system":"kmi","base_url":"https://lms.example.com/"},"mapping":"/srv/hr/kmi.toml","started":"2026-11-21T01:00:14.000Z","ended":"2026-11-21T01:00:55.000Z","run":"12","command":"import","state":"finished","feed":{"path":"fixtures/people.csv","sha256":"9f86d081884c7d659a2feaa0c55ad015","rows":1000,"skipped":2},"counts":{"created":940,"updated":12,"unchanged":48,"rejected":0,"invalid":0,"refused":0,"failed":0,"unknown":0,"pending":0,"deactivated":0,"deleted":0,"set":0},"undoes":null,"effects":null,"calls":{"total":1021,"retried":3,"throttled":1},"elapsed_seconds":41.235,"exit_code":0,"message":"Done.","causes":[],"outages":[],"leavers_left":0,"notes":[],"holds":[],"proof":null}"#);
        let mut check = import();
        check.run = None;
        check.command = Command::Check;
        check.feed.sha256 = None;
        check.elapsed_seconds = f64::NAN;
        check.findings = Some(Vec::new());
        check.finding_kinds = Some(BTreeMap::from([("email".into(), 9)]));
        insta::assert_snapshot!(check.to_json(), @r#"{"schema":1,"hrfeed":"0.2.0","target":{"system":"kmi","base_url":"https://lms.example.com/"},"mapping":"/srv/hr/kmi.toml","started":"2026-11-21T01:00:14.000Z","ended":"2026-11-21T01:00:55.000Z","run":null,"command":"check","state":"finished","feed":{"path":"fixtures/people.csv","sha256":null,"rows":1000,"skipped":2},"counts":{"created":940,"updated":12,"unchanged":48,"rejected":0,"invalid":0,"refused":0,"failed":0,"unknown":0,"pending":0,"deactivated":0,"deleted":0,"set":0},"undoes":null,"effects":null,"calls":{"total":1021,"retried":3,"throttled":1},"elapsed_seconds":null,"exit_code":0,"message":"Done.","findings":[],"finding_kinds":{"email":9},"causes":[],"outages":[],"leavers_left":0,"notes":[],"holds":[],"proof":null}"#);
    }
}
