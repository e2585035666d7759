//! The uploader against the sandbox, over real HTTP and with a real journal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::clock;
use crate::clock::Clock;
use crate::event::NoListener;
use crate::journal::{Journal, OpenIntent, PersonState, RunStart, Scope};
use crate::model::{Action, Content, ExternalId, Outcome, Parts, RowNumber};
use crate::plan::{Change, Item, Rekey, Why};
use crate::sandbox::{Faults, Sandbox, SandboxOptions};

const SYSTEMS: [System; 2] = [System::Kmi, System::ANewSpring];

/// An LMS, a journal and an uploader.
struct World {
    system: System,
    _folder: TempDir,
    _sandbox: Sandbox,
    journal: Journal,
    scope: Scope,
    recorder: RunRecorder,
    uploader: Uploader,
}

/// Who is on the LMS: by the LMS's own id, the external ID and the first name.
type There = BTreeMap<String, (String, String)>;

impl World {
    fn new(system: System, faults: Faults) -> Self {
        let options = SandboxOptions {
            faults,
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::start(options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        let writer = journal.again().unwrap().writer().unwrap();
        let base_url = sandbox.base_url();
        let scope = Scope::new(system.word(), &base_url, "key");
        let run = writer
            .start_run(RunStart {
                scope,
                system: system.word().into(),
                base_url: base_url.clone(),
                command: "import".into(),
                feed_path: "people.csv".into(),
                feed_files: Vec::new(),
                from_stdin: false,
                mapping_path: "mapping.toml".into(),
                mapping_sha256: [0; 32],
                replaces_key: false,
                started: clock::now(),
                pid: 1,
                host: "here".into(),
            })
            .unwrap();
        let connection = Connection {
            system,
            base_url: base_url.parse().unwrap(),
            requests_per_second: 1_000.0,
            shared_rates: None,
            max_in_flight: 8,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
            settle_after: Duration::from_secs(1),
            max_outage: Duration::from_mins(1),
        };
        let credentials = Credentials {
            key: Secret::new("key".into()),
            secret: (system == System::Kmi).then(|| Secret::new("secret".into())),
        };
        Self {
            system,
            _folder: folder,
            _sandbox: sandbox,
            journal,
            scope,
            recorder: RunRecorder {
                writer,
                run,
                clock: Clock::system(),
            },
            uploader: Uploader::new(&connection, &credentials, Stop::default(), 7).unwrap(),
        }
    }

    /// How the person of that number is to be.
    fn change(&self, number: u32, (id, first): (String, &str), action: Action) -> Change {
        let login = match self.system {
            System::Kmi => "loginName",
            System::ANewSpring => "login",
        };
        Change {
            index: number,
            row: RowNumber::new(number + 1),
            action,
            why: Why::Changed,
            may_have_applied: false,
            doubt: None,
            content: Content {
                fields: vec![
                    ("email", format!("p{number}@example.com")),
                    ("firstName", first.into()),
                    ("lastName", "Other".into()),
                    (login, format!("login{number}")),
                ],
                ..Content::only(ExternalId::known(&id))
            },
            fingerprint: number.into(),
            details: number.into(),
            picture: 0,
            takes_back: false,
            adopt: None,
            adopt_by: "",
            rekey: None,
            hold: None,
            changed: Vec::new(),
            fingerprints: crate::mapping::FieldFingerprints::default(),
            before_groups: None,
        }
    }

    fn create(&mut self, numbers: impl IntoIterator<Item = u32>) {
        let changes = numbers
            .into_iter()
            .map(|number| self.change(number, (format!("E{number}"), "Ann"), Action::Create));
        let changes = changes.collect();
        assert_eq!(self.send(changes).lost, []);
    }

    fn send(&mut self, changes: Vec<Change>) -> SendResult {
        let (sender, work) = mpsc::channel(1);
        let items = changes.into_iter().map(|it| Item::Change(Box::new(it)));
        let items: Work = items.map(|item| (item, Parts::default())).collect();
        sender.try_send(items).unwrap();
        drop(sender);
        let sent = self.uploader.send(work, &self.recorder, &mut NoListener);
        let sent = sent.unwrap();
        self.recorder.writer.flush().wait_blocking().unwrap();
        sent
    }

    fn there(&mut self) -> There {
        let mut there = There::new();
        let mut each = |people: &[crate::targets::Remote]| {
            there.extend(people.iter().map(|person| {
                let id = person.external_id.clone().unwrap_or_default();
                let first = person.get("firstName").unwrap_or_default().to_owned();
                (person.id.clone(), (id, first))
            }));
            Ok(())
        };
        let listed = self.uploader.everybody(None, &mut each, &mut NoListener);
        assert_eq!(listed.unwrap(), Listed::All);
        there
    }

    /// The external IDs of the people whom the journal knows.
    fn known(&self) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        self.journal
            .people(&self.scope, |person| {
                known.insert(person.external_id.to_owned());
                Ok::<_, JournalError>(std::ops::ControlFlow::Continue(()))
            })
            .unwrap();
        known
    }

    /// What the journal says of a person.
    fn state(&self, external_id: &str) -> Option<PersonState> {
        let mut state = None;
        self.journal
            .people(&self.scope, |person| {
                if person.external_id == external_id {
                    state = Some(person.state);
                }
                Ok::<_, JournalError>(std::ops::ControlFlow::Continue(()))
            })
            .unwrap();
        state
    }

    /// The outcomes of the rows, by external ID.
    fn outcomes(&self) -> BTreeMap<String, Outcome> {
        let mut outcomes = BTreeMap::new();
        let all = crate::journal::RowFilter::default();
        self.journal
            .rows(self.recorder.run, &all, |row| {
                outcomes.insert(row.external_id.unwrap_or_default(), row.outcome);
                Ok::<_, JournalError>(std::ops::ControlFlow::Continue(()))
            })
            .unwrap();
        outcomes
    }
}

/// Tests worlds that wait most of the time.
fn side_by_side<W: Send>(worlds: impl IntoIterator<Item = W>, test: impl Fn(W) + Sync) {
    let test = &test;
    std::thread::scope(|threads| {
        for world in worlds {
            threads.spawn(move || test(world));
        }
    });
}

/// Answers that get lost, before and after the LMS has acted.
fn losing() -> Faults {
    Faults {
        lost_before: 0.1,
        lost_after: 0.15,
        ..Faults::default()
    }
}

#[test]
fn a_rekey_moves_the_account_and_makes_nobody_whatever_answers_are_lost() {
    let worlds = SYSTEMS.into_iter().flat_map(|it| [(it, true), (it, false)]);
    side_by_side(worlds, |(system, has_handle)| rekey(system, has_handle));
}

fn rekey(system: System, has_handle: bool) {
    let mut world = World::new(system, losing());
    world.create(1..=20);
    let before = world.there();
    assert_eq!(before.len(), 20);
    let change_of = |world: &World, own: &str, id: &str| {
        let number = id.trim_start_matches('E').parse().unwrap();
        let new = (format!("N{number}"), "Bea");
        let mut change = world.change(number, new, Action::Rekey);
        change.rekey = Some(Rekey {
            from: ExternalId::known(id),
            handle: has_handle.then(|| own.to_owned()),
        });
        change
    };
    let changes = before
        .iter()
        .map(|(own, (id, _))| change_of(&world, own, id));
    let changes = changes.collect();
    assert_eq!(world.send(changes).lost, []);
    // A row is given up after five calls in turn that nothing answers. Each of those
    // is as it was, and the next run sends it again.
    for _ in 0..3 {
        let (outcomes, there) = (world.outcomes(), world.there());
        let failed: Vec<_> = (before.iter())
            .filter(|(_, (id, _))| outcomes[&id.replace('E', "N")] == Outcome::Failed)
            .collect();
        assert!(failed.iter().all(|(own, (id, _))| there[*own].0 == *id));
        let again = failed
            .iter()
            .map(|(own, (id, _))| change_of(&world, own, id));
        let again = again.collect();
        assert_eq!(world.send(again).lost, []);
    }
    let after = world.there();
    let own = |there: &There| there.keys().cloned().collect::<Vec<_>>();
    assert_eq!(own(&before), own(&after), "the same accounts");
    for (own, (former, _)) in &before {
        let (id, first) = &after[own];
        assert_eq!(*id, former.replace('E', "N"));
        // A list of aNewSpring does not show it.
        assert!(system == System::ANewSpring || first == "Bea");
    }
    assert_eq!(
        world.known(),
        after.values().map(|(id, _)| id.clone()).collect()
    );
    let outcomes = world.outcomes();
    let updated = outcomes.iter().filter(|(id, _)| id.starts_with('N'));
    assert!(
        updated
            .clone()
            .all(|(_, outcome)| *outcome == Outcome::Updated)
    );
    assert_eq!(updated.count(), 20);
}

#[test]
fn lost_people_are_handed_back_and_their_rows_are_pending() {
    for system in SYSTEMS {
        let hidden = Faults {
            lost_sight: 30,
            ..Faults::default()
        };
        let mut world = World::new(system, hidden);
        // Those who are created first are hidden.
        world.create(1..=30);
        world.create(31..=40);
        let updates = |world: &World, action, numbers: &[u32]| {
            let of = |number: &u32| world.change(*number, (format!("E{number}"), "Bea"), action);
            numbers.iter().map(of).collect::<Vec<_>>()
        };
        let everybody: Vec<u32> = (1..=40).collect();
        let calls = world.uploader.calls().total;
        let sent = world.send(updates(&world, Action::Update, &everybody));
        assert_eq!(world.uploader.calls().total - calls, 40, "and no look-up");
        let mut lost = sent.lost;
        lost.sort_by_key(|person| person.index);
        let indices: Vec<_> = lost.iter().map(|person| person.index).collect();
        assert_eq!(indices, everybody[..30]);
        let outcomes = world.outcomes();
        assert_eq!(outcomes.len(), 10, "the others are pending: {outcomes:?}");

        let ids: Vec<_> = lost.iter().map(|it| it.external_id.clone()).collect();
        let sample = sample(&ids);
        assert_eq!(sample.len(), 20);
        let calls = world.uploader.calls().total;
        let check = world
            .uploader
            .confirm_lost(sample, &mut NoListener)
            .unwrap();
        assert!(check.confirms_all(), "{check:?}");
        assert_eq!(world.uploader.calls().total - calls, 20);
        let others = vec![ExternalId::known("E40"), ExternalId::known("E1")];
        let check = world
            .uploader
            .confirm_lost(others, &mut NoListener)
            .unwrap();
        assert_eq!(check.there, [ExternalId::known("E40")]);

        let sent = world.send(updates(&world, Action::Create, &indices));
        assert_eq!(sent.lost, []);
        assert_eq!(world.there().len(), 40, "they are there a second time");
        assert_eq!(world.outcomes().len(), 40);
    }
}

#[test]
fn leavers_come_before_changes_and_leave_their_logins_to_others() {
    side_by_side(SYSTEMS, |system| {
        let mut world = World::new(system, losing());
        world.create(1..=6);
        let leavers: Vec<_> = (1..=3)
            .map(|number| ExternalId::known(&format!("E{number}")))
            .collect();
        world
            .uploader
            .leave(
                leaving(&leavers),
                &LeaverAction::Delete,
                Vec::new(),
                &world.recorder,
                &mut NoListener,
            )
            .unwrap();
        // Their logins go to others in the same run.
        let heirs = (1..=3)
            .map(|number| world.change(number, (format!("N{number}"), "Bea"), Action::Create));
        let heirs = heirs.collect();
        world.send(heirs);
        let outcomes = world.outcomes();
        assert!((1..=3).all(|number| outcomes[&format!("N{number}")] == Outcome::Created));
        let is_gone = |id: &ExternalId| {
            let state = world.state(id.as_str());
            outcomes[id.as_str()] == Outcome::Deleted && state == Some(PersonState::Deleted)
        };
        assert!(leavers.iter().all(is_gone));
        assert_eq!(world.there().len(), 6);
    });
}

#[test]
fn a_leaver_who_is_only_inactive_keeps_the_login() {
    let mut world = World::new(System::ANewSpring, Faults::default());
    world.create([1]);
    let leavers = vec![ExternalId::known("E1"), ExternalId::known("E2")];
    let how = LeaverAction::Deactivate { archive: true };
    world
        .uploader
        .leave(
            leaving(&leavers),
            &how,
            Vec::new(),
            &world.recorder,
            &mut NoListener,
        )
        .unwrap();
    world.recorder.writer.flush().wait_blocking().unwrap();
    let outcomes = world.outcomes();
    let ends = ["E1", "E2"].map(|id| (outcomes[id], world.state(id).unwrap()));
    let deactivated = Outcome::Deactivated;
    // Of the second there was no account any more.
    let states = [PersonState::Inactive, PersonState::Deleted];
    assert_eq!(ends, states.map(|state| (deactivated, state)));
}

#[test]
fn a_rekey_that_a_killed_run_left_unknown_is_recorded_only_if_it_was_done() {
    for system in SYSTEMS {
        let mut world = World::new(system, Faults::default());
        world.create(1..=3);
        let intents = [("E9", "E1"), ("E2", "N2"), ("E3", "E1")];
        let intents = (2..).zip(intents).map(|(row, (from, to))| OpenIntent {
            row: Some(RowNumber::new(row)),
            external_id: ExternalId::known(to),
            action: Action::Rekey,
            from: Some(ExternalId::known(from)),
            account: None,
            hold: None,
            attempts: 1,
            set: None,
        });
        let left = world
            .uploader
            .settle_left_over(
                intents.collect(),
                (&[], &|_, _| false),
                Some(&world.recorder),
                &mut NoListener,
            )
            .unwrap();
        let settlements: Vec<_> = left.iter().map(|left| left.settlement).collect();
        let stands = Settlement::Stands(PersonState::Active);
        let not_done = Settlement::NotDone;
        // Of the last, somebody else has the new external ID.
        assert_eq!(settlements, [stands, not_done, not_done], "{system:?}");
        world.recorder.writer.flush().wait_blocking().unwrap();
        let known: Vec<_> = world.known().into_iter().collect();
        assert_eq!(known, ["E1", "E2", "E3"], "nobody was moved");
    }
}

#[test]
fn a_sample_is_spread_over_all_and_holds_twenty_at_most() {
    let lost: Vec<_> = (0..1_000).collect();
    let expected: Vec<_> = (0..20).map(|n| n * 50).collect();
    assert_eq!(sample(&lost), expected);
    assert_eq!(sample(&lost[..3]), [0, 1, 2]);
    assert!(sample::<u32>(&[]).is_empty());
}

fn leaving(people: &[ExternalId]) -> Vec<Leaver> {
    let leaver = |external_id: &ExternalId| Leaver {
        external_id: external_id.clone(),
        hold: None,
    };
    people.iter().map(leaver).collect()
}
