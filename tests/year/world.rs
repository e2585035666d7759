//! One night through the library: an LMS, a journal, a mapping and a run.

use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;

use hrfeed::clock::Clock;
use hrfeed::event::NoListener;
use hrfeed::feed::{Feed, FeedSource};
use hrfeed::journal::{Decision, HoldFilter, HoldId, Journal, Verdict};
use hrfeed::mapping::Mapping;
use hrfeed::model::{HoldKind, HoldState, RunState};
use hrfeed::run::{self, RunRequest};
use hrfeed::sandbox::{Faults, SandboxOptions};
use hrfeed::upload::{Credentials, Secret, Stop};
use jiff::SignedDuration;
use serde_json::json;
use tempfile::TempDir;

use crate::lms::{Accounts, accounts, fields};
use crate::organisation::{COLUMNS, Row};
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::lms::Lms;

/// What the mapping does with somebody known under another external ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renumbered {
    Hold,
    Rekey,
}

/// What a run is given besides the mapping.
pub(crate) struct Tonight<'a> {
    pub(crate) rows: &'a [Row],
    /// How many nights after the first.
    pub(crate) night: usize,
    /// How many nights the file is old.
    pub(crate) age: usize,
    pub(crate) key: &'static str,
    /// The key does not see the accounts with the numbers up to this one.
    pub(crate) unseen: u32,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: u8,
    /// Nothing was sent, since the feed is sick.
    pub(crate) is_stopped: bool,
    /// The holds that are open now.
    pub(crate) holds: Vec<Open>,
    /// Why, as the run says it.
    message: String,
}

/// An open hold.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    id: HoldId,
    pub(crate) kind: HoldKind,
    pub(crate) people: usize,
}

impl Ended {
    /// The run ended since the LMS does not show who must be there.
    pub(crate) fn is_blind(&self) -> bool {
        self.code == 5
            && self
                .message
                .contains("does not find people who must be there")
    }

    /// How many people wait in holds of these kinds; `None` where one of another
    /// kind is open, or none at all.
    pub(crate) fn held_as(&self, kinds: &[HoldKind]) -> Option<usize> {
        let is_one = |hold: &Open| kinds.contains(&hold.kind);
        let all = !self.holds.is_empty() && self.holds.iter().all(is_one);
        all.then(|| self.holds.iter().map(|hold| hold.people).sum())
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}", self.code)?;
        for Open { id, kind, people } in &self.holds {
            write!(f, ", hold {id}: {people} {kind}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// An LMS, a journal and a mapping.
pub(crate) struct World {
    pub(crate) system: System,
    renumbered: Renumbered,
    folder: TempDir,
    lms: Lms,
}

impl World {
    pub(crate) fn new(system: System, renumbered: Renumbered) -> Self {
        // Nothing but hrfeed keeps anybody on KMI from being there twice.
        let faults = Faults {
            shared_logins: system == Kmi,
            ..Faults::default()
        };
        let options = SandboxOptions {
            faults,
            ..SandboxOptions::default()
        };
        let it = Self {
            system,
            renumbered,
            folder: TempDir::new().unwrap(),
            lms: Lms::start(system, options),
        };
        fs::write(it.path("mapping.toml"), it.mapping()).unwrap();
        it
    }

    /// The same anew: nobody is known, and nobody is there.
    pub(crate) fn again(&self) -> Self {
        Self::new(self.system, self.renumbered)
    }

    pub(crate) fn accounts(&self) -> Accounts {
        accounts(&self.lms, self.system)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mapping(&self) -> String {
        let (system, secret) = match self.system {
            Kmi => ("kmi", "api_secret = { env = \"UNUSED\" }"),
            AnewSpring => ("anewspring", ""),
        };
        let renumbered = match self.renumbered {
            Renumbered::Hold => "hold",
            Renumbered::Rekey => "rekey",
        };
        let fields = fields(self.system).into_iter().zip(COLUMNS);
        let fields = fields.map(|(field, column)| match column {
            "City" => format!("{field} = {{ column = \"{column}\", empty = \"clear\" }}\n"),
            _ => format!("{field} = \"{column}\"\n"),
        });
        format!(
            r#"[target]
system = "{system}"
base_url = "{}"
api_key = {{ env = "UNUSED" }}
{secret}
requests_per_second = 100000
max_in_flight = 16

[fields]
{}
[identity]
renumbered = "{renumbered}"

[leavers]
action = "delete"

[guards]
max_age = "36 h"
"#,
            self.lms.base_url(),
            fields.collect::<String>()
        )
    }

    fn write_feed(&self, tonight: &Tonight<'_>) -> PathBuf {
        let path = self.path("people.csv");
        let mut csv = csv::Writer::from_path(&path).unwrap();
        csv.write_record(COLUMNS).unwrap();
        for row in tonight.rows {
            csv.write_record(row).unwrap();
        }
        drop(csv);
        let written = clock(tonight.night).now() - nights(tonight.age);
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(written.into()).unwrap();
        path
    }

    pub(crate) fn import(&self, tonight: &Tonight<'_>) -> Ended {
        let feed = FeedSource::Path(self.write_feed(tonight));
        let mapping = Mapping::load(&self.path("mapping.toml")).unwrap();
        self.lms.set_faults(&json!({"lost_sight": tonight.unseen}));
        let result = run::execute(RunRequest {
            settings: mapping.target.clone(),
            credentials: Credentials {
                key: Secret::new(tonight.key.into()),
                secret: (self.system == Kmi).then(|| Secret::new("secret".into())),
            },
            feed: Feed::open(&feed, &mapping.source).unwrap(),
            journal: self.path("journal.db"),
            verify: None,
            resumed: None,
            allowed: hrfeed::plan::Allowed::default(),
            replaces_key: false,
            known_as: None,
            kept: None,
            undo_key: None,
            way_back: None,
            by: "ann@host".into(),
            wait: std::time::Duration::ZERO,
            stop: Stop::default(),
            clock: clock(tonight.night),
            mapping: &mapping,
            listener: &mut NoListener,
        })
        .unwrap();
        self.lms.set_faults(&json!({"lost_sight": 0}));
        let (state, exit) = result.end.state_and_exit();
        let open = HoldFilter {
            scope: Some(run::scope(
                &mapping.target,
                &Credentials {
                    key: Secret::new(tonight.key.into()),
                    secret: None,
                },
            )),
            states: vec![HoldState::Open],
            ..HoldFilter::default()
        };
        let holds = result.journal.holds(&open).unwrap().into_iter();
        Ended {
            code: exit.code(),
            is_stopped: state == RunState::Failed,
            holds: holds
                .map(|hold| Open {
                    id: hold.id,
                    kind: hold.kind,
                    people: usize::try_from(hold.people).unwrap(),
                })
                .collect(),
            message: result.end.message().unwrap_or_default(),
        }
    }

    /// The administrator looks through what is held and approves it. Leavers beyond
    /// the budget of a week can wait for the next one.
    pub(crate) fn approve(&self, ended: &Ended, night: usize) {
        let journal = Journal::open(&self.path("journal.db")).unwrap();
        let holds = ended.holds.iter();
        for hold in holds.filter(|hold| hold.kind != HoldKind::Leavers) {
            let decision = Decision {
                at: clock(night).now(),
                by: "administrator@example".into(),
                reason: None,
                as_joiners: false,
            };
            journal
                .decide(hold.id, Verdict::Approved, &[], &decision)
                .unwrap();
        }
    }
}

pub(crate) fn clock(night: usize) -> Clock {
    Clock::shifted(nights(night))
}

fn nights(nights: usize) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::try_from(nights).unwrap())
}
