//! The file of a plan that is kept: what it is bound to, what it does, and each change, a line
//! each, so that a person can read it and compare two.

use std::fmt;
use std::io::{self, Read, Write};

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::write_json;
use crate::model::{Action, Counts, Effects, ExternalId, RowNumber};
use crate::plan::{Binding, KeptChange, KeptPlan, PlannedChange};

/// The version of the form of such a file.
const FORM: u32 = 1;

/// How such a file begins.
const START: &str = "{\"hrfeed_plan\":1,";

/// Whether a file begins as a plan that hrfeed wrote.
#[must_use]
pub fn is_plan(start: &[u8]) -> bool {
    start.starts_with(START.as_bytes())
}

/// What the file of a plan says before its changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanHeader {
    /// When it was created.
    pub created: String,
    /// The day with which it is carried out.
    pub day: String,
    /// The mapping's path.
    pub mapping: String,
    /// The feed.
    pub feed: PlannedFeed,
    /// The LMS.
    pub target: PlannedTarget,
    /// What it is bound to.
    pub bound_to: Binding,
    /// What a person let pass, as `--allow` has it.
    pub allow: Vec<String>,
    /// The API key replaces another one.
    pub replaces_key: bool,
    /// How the rows would end.
    pub counts: Counts,
    /// What it does beside that.
    pub effects: Effects,
    /// What a guard would hold: a kind of change and the number of people.
    pub holds: Vec<PlannedHold>,
    /// What would be done with groups.
    pub groups: Vec<String>,
}

/// Where the feed of a plan was.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PlannedFeed {
    /// The file, or the folder or pattern of several.
    pub path: String,
    /// The files of a feed of several.
    pub files: Vec<String>,
    /// It came from standard input.
    pub stdin: bool,
    /// Its rows.
    pub rows: u64,
}

/// The LMS of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlannedTarget {
    /// The system.
    pub system: String,
    /// Its address.
    pub base_url: String,
}

/// What a guard would hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlannedHold {
    /// The kind of change.
    pub kind: String,
    /// How many people.
    pub people: u64,
}

/// Writes the file of a plan as its changes come.
#[derive(Debug)]
pub struct PlanWriter<W: Write> {
    out: W,
    is_first: bool,
}

impl<W: Write> PlanWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn new(mut out: W, header: &PlanHeader) -> io::Result<Self> {
        write!(out, "{START}\n\"plan\":")?;
        write_json(header, &mut out)?;
        out.write_all(b",\n\"changes\":[")?;
        Ok(Self {
            out,
            is_first: true,
        })
    }

    /// Adds a change.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn write(&mut self, change: &PlannedChange) -> io::Result<()> {
        let gap: &[u8] = if self.is_first { b"\n" } else { b",\n" };
        self.is_first = false;
        self.out.write_all(gap)?;
        Ok(write_json(&Line::of(change), &mut self.out)?)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }
}

/// Reads the file of a plan.
///
/// # Errors
/// It is none, or not whole.
pub fn read_plan(file: impl Read) -> serde_json::Result<(PlanHeader, KeptPlan)> {
    let whole: WholeFile = serde_json::from_reader(file)?;
    if whole.hrfeed_plan != FORM {
        let why = format!(
            "its form is {}; this program reads {FORM}",
            whole.hrfeed_plan
        );
        return Err(de::Error::custom(why));
    }
    let kept = KeptPlan {
        day: whole.plan.day.parse().map_err(de::Error::custom)?,
        binding: whole.plan.bound_to.clone(),
        groups: whole.plan.groups.clone(),
        changes: whole.changes.0,
    };
    Ok((whole.plan, kept))
}

/// A whole file.
#[derive(Deserialize)]
struct WholeFile {
    hrfeed_plan: u32,
    plan: PlanHeader,
    changes: Changes,
}

/// A change as the file has it.
#[derive(Serialize, Deserialize)]
struct Line {
    row: Option<u32>,
    /// In a feed of several files, the number of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<u16>,
    external_id: String,
    action: Action,
    why: String,
    changed: Vec<String>,
    known_as: Option<String>,
    hold: Option<i64>,
    digest: String,
}

impl Line {
    fn of(change: &PlannedChange) -> Self {
        Self {
            row: change.row.map(RowNumber::row),
            file: change.row.map(RowNumber::file).filter(|file| *file > 0),
            external_id: change.external_id.to_string(),
            action: change.action,
            why: change.why.word().into(),
            changed: change.changed.iter().map(|it| (*it).to_owned()).collect(),
            known_as: change.known_as.as_ref().map(ExternalId::to_string),
            hold: change.hold,
            digest: format!("{:032x}", change.digest),
        }
    }

    fn kept(&self) -> Option<KeptChange> {
        Some(KeptChange {
            row: (self.row).map(|row| RowNumber::new(row).in_file(self.file.unwrap_or(0))),
            action: self.action,
            digest: u128::from_str_radix(&self.digest, 16).ok()?,
        })
    }
}

/// The changes of a file, in a few words each: they may be many.
struct Changes(Vec<KeptChange>);

impl<'de> Deserialize<'de> for Changes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Changes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the changes of a plan")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Changes, A::Error> {
                let mut changes = Vec::new();
                while let Some(line) = all.next_element::<Line>()? {
                    let kept = line.kept();
                    changes.push(kept.ok_or_else(|| de::Error::custom("a digest is not one"))?);
                }
                Ok(Changes(changes))
            }
        }
        deserializer.deserialize_seq(Each)
    }
}
