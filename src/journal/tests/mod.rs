//! The journal as a whole: what is promised, and what a cut or a failure
//! leaves of it.

mod adding_up;
mod deciding;
mod doubting;
mod failing;
mod holding;
mod identity;
mod killed;
mod locking;
mod opening;
mod past;
mod reading;
mod remembering;
mod set_fields;
mod size;
mod upgrading;

use std::ops::ControlFlow;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::model::{Action, Counts, ExternalId, HoldKind, Outcome, RowNumber};

/// A journal in a folder of its own, for reading, and its writer.
struct World {
    folder: TempDir,
    journal: Journal,
    writer: Writer,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        let writer = journal.again().unwrap().writer().unwrap();
        Self {
            folder,
            journal,
            writer,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    fn start(&self, rows: u64) -> RunId {
        start(&self.writer, rows)
    }

    fn intend(&self, run: RunId, rows: impl IntoIterator<Item = u32>) {
        let intents = rows.into_iter().map(intent).collect();
        self.writer.intend(run, intents).wait_blocking().unwrap();
    }

    fn settle(&self, run: RunId, settled: Settled) {
        self.writer.settle(run, settled).unwrap();
    }

    fn flush(&self) {
        self.writer.flush().wait_blocking().unwrap();
    }

    fn rows(&self, run: RunId) -> Vec<RowEntry> {
        rows_of(&self.journal, run)
    }
}

fn rows_of(journal: &Journal, run: RunId) -> Vec<RowEntry> {
    let mut rows = Vec::new();
    let each = |row| {
        rows.push(row);
        go_on()
    };
    journal.rows(run, &RowFilter::default(), each).unwrap();
    rows
}

fn scope() -> Scope {
    Scope::new("kmi", "https://lms.example.com", "key")
}

fn new_run() -> RunStart {
    RunStart {
        scope: scope(),
        system: "kmi".into(),
        base_url: "https://lms.example.com".into(),
        command: "import".into(),
        feed_path: "people.csv".into(),
        feed_files: Vec::new(),
        from_stdin: false,
        mapping_path: "kmi.toml".into(),
        mapping_sha256: [7; 32],
        replaces_key: false,
        started: "2026-11-21T02:00:00Z".parse().unwrap(),
        pid: 4711,
        host: "nightly".into(),
    }
}

/// Starts a run of a feed with so many rows.
fn start(writer: &Writer, rows: u64) -> RunId {
    let run = writer.start_run(new_run()).unwrap();
    let rows = RunChange {
        rows: Some(rows),
        ..RunChange::default()
    };
    writer.update_run(run, rows).unwrap();
    run
}

/// How many rows of a run ended how.
fn counts_of(journal: &Journal, run: RunId) -> Counts {
    journal.run(RunRef::Id(run)).unwrap().unwrap().counts
}

/// A visitor that wants to see more.
#[expect(clippy::unnecessary_wraps, reason = "what a visitor returns")]
fn go_on() -> Result<ControlFlow<()>, JournalError> {
    Ok(ControlFlow::Continue(()))
}

fn id(row: u32) -> ExternalId {
    ExternalId::known(&format!("E{row}"))
}

fn intent(row: u32) -> Intent {
    Intent {
        row: Some(RowNumber::new(row)),
        external_id: id(row),
        action: Action::Create,
        from: None,
        account: None,
        hold: None,
        set: None,
    }
}

fn leaver_intent(who: u32) -> Intent {
    Intent {
        row: None,
        external_id: id(who),
        action: Action::Deactivate,
        from: None,
        account: None,
        hold: None,
        set: None,
    }
}

fn settled(row: u32, outcome: Outcome) -> Settled {
    Settled {
        row: Some(RowNumber::new(row)),
        external_id: Some(id(row)),
        action: Some(Action::Create),
        outcome,
        status: None,
        attempts: 1,
        code: None,
        message: None,
        awaits_groups: false,
        changed: None,
        hold: None,
        may_land: None,
        rekeyed_from: None,
        person: None,
    }
}

fn leaver(who: u32, outcome: Outcome) -> Settled {
    Settled {
        row: None,
        action: Some(Action::Deactivate),
        ..settled(who, outcome)
    }
}

fn created(row: u32) -> Settled {
    Settled {
        status: Some(201),
        person: Some(PersonNow {
            remote_id: Some(format!("r{row}")),
            fingerprint: Some(u128::from(row)),
            state: PersonState::Active,
            acknowledged: Vec::new(),
            fingerprints: None,
        }),
        ..settled(row, Outcome::Created)
    }
}

/// A decision of somebody.
fn decision() -> Decision {
    Decision {
        at: "2026-11-21T09:00:00Z".parse().unwrap(),
        by: "anna@nightly".into(),
        reason: Some("the branch in Utrecht closed".into()),
        as_joiners: false,
    }
}

/// A hold of these people.
fn new_hold(run: RunId, people: impl IntoIterator<Item = u32>) -> NewHold {
    let people: Vec<_> = people.into_iter().map(held).collect();
    NewHold {
        run,
        kind: HoldKind::Leavers,
        bound: "5%".into(),
        why: "40 people would leave, and 10 may".into(),
        new: people.len() as u64,
        people: people.into(),
        replaces: Vec::new(),
        opened: "2026-11-21T02:00:00Z".parse().unwrap(),
    }
}

fn held(who: u32) -> HeldPerson {
    HeldPerson {
        external_id: id(who),
        row: None,
        known_as: None,
        digest: u64::from(who),
        reason: "the feed does not name the person".into(),
        changed: None,
    }
}

/// The people of a hold.
fn held_in(journal: &Journal, hold: HoldId) -> Vec<HeldPerson> {
    let mut people = Vec::new();
    journal
        .held_people(hold, |person| {
            people.push(person);
            go_on()
        })
        .unwrap();
    people
}

/// Everybody whom the scope knows, in a form that is easy to compare.
fn people(journal: &Journal) -> Vec<(String, Option<String>, Option<u128>, PersonState)> {
    let mut people = Vec::new();
    journal
        .people(&scope(), |it| {
            people.push((
                it.external_id.to_owned(),
                it.remote_id.map(str::to_owned),
                it.fingerprint,
                it.state,
            ));
            go_on()
        })
        .unwrap();
    people.sort_by(|a, b| a.0.cmp(&b.0));
    people
}
