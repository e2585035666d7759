//! Two runs never send for one LMS and key at the same time, whatever becomes of the
//! lock file and by whichever name they reach the journal. A run whose journal is
//! taken from its place stops.

use std::fs::{self, File};
use std::path::PathBuf;

use crate::resume::slow;
use crate::support::System::{self, Kmi};
use crate::support::gate::Gate;
use crate::support::{Feed, IMPORT, Started, World, wait_until};

const PEOPLE: usize = 80;

/// What a run is kept from once it has made some.
const SOME: (fn(&str) -> bool, usize) = (|head| head.starts_with("POST"), 8);

/// A run under way that has created somebody, and is kept from going on.
struct UnderWay {
    world: World,
    gate: Gate,
    run: Started,
    feed: Feed,
}

impl UnderWay {
    fn of(system: System) -> Self {
        let world = slow(system);
        let gate = Gate::of(&world);
        let world = world.at(gate.url());
        Self::in_world(world, gate)
    }

    fn in_world(world: World, gate: Gate) -> Self {
        let feed = Feed::of(PEOPLE);
        world.feed(&feed);
        let run = gate.start_import(&world, SOME);
        assert!(world.lms.stats().creates() >= 1);
        Self {
            world,
            gate,
            run,
            feed,
        }
    }

    /// Checks that the run ends as if it had been alone, and returns its world.
    #[track_caller]
    fn ends_alone(self) -> World {
        self.gate.open();
        let ran = self.run.wait().exits(0);
        assert_eq!(ran.count("created"), PEOPLE as u64);
        self.world.assert_everyone_once(&self.feed);
        self.world
    }
}

/// The files of the world's folder whose names have these ends.
fn files(world: &World, start: &str, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.folder.path()).unwrap();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(start) && name.ends_with(end)
        })
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_run_of_an_older_version_that_holds_the_lock_file_alone_turns_a_new_one_away() {
    let world = World::new(Kmi);
    let feed = Feed::of(3);
    world.import_feed(&feed).exits(0);
    let file = &files(&world, "journal", ".lock")[0];
    let file = File::options().write(true).open(file).unwrap();
    file.try_lock().unwrap();
    world.changes_nothing(World::import).exits(6);
    drop(file);
    world.import().exits(0);
}

#[test]
fn two_lms_share_a_journal_and_are_served_at_the_same_time() {
    let one = UnderWay::of(Kmi);
    let other = slow(Kmi);
    other.feed(&one.feed);
    let journal = one.world.path("journal.db");
    let ran = other.run_with(IMPORT, &journal).exits(0);
    assert_eq!(ran.count("created"), PEOPLE as u64);
    other.assert_everyone_once(&one.feed);
    one.ends_alone();
}

#[test]
fn a_run_that_may_wait_begins_when_the_other_one_has_ended() {
    let first = UnderWay::of(Kmi);
    let world = &first.world;
    let import = ["import", "people.csv", "-m", "mapping.toml", "--json"];
    let refused = world.run(&[&import[..], &["--wait", "1s"]].concat());
    let refused = refused.exits(6);
    let said = "Waiting for another run on this LMS to end: run 1, process";
    assert!(refused.stderr.contains(said), "{refused:#?}");
    let waits = world.start(&[&import[..], &["--wait", "10m"]].concat());
    wait_until("it waits", || waits.has_said("Waiting for another run"));
    let _world = first.ends_alone();
    let ran = waits.wait().exits(0);
    assert_eq!(ran.count("unchanged"), PEOPLE as u64);
}

/// Windows replaces no file that a program has open.
#[cfg(unix)]
#[test]
fn a_run_that_waited_imports_the_file_as_it_was() {
    let first = UnderWay::of(Kmi);
    let world = &first.world;
    let mut feed = first.feed.clone();
    feed.people[3].city = "Delft".into();
    world.write("new.csv", feed.csv(Kmi));
    let import = [
        "import",
        "new.csv",
        "-m",
        "mapping.toml",
        "--json",
        "--wait",
        "10m",
    ];
    let waits = world.start(&import);
    wait_until("it waits", || waits.has_said("Waiting for another run"));
    // Another export takes its place, by another name of a column.
    let text = String::from_utf8(feed.csv(Kmi)).unwrap();
    let other = text.replace("Delft", "Zwolle").replace("City", "Town");
    fs::remove_file(world.path("new.csv")).unwrap();
    world.write("new.csv", other);
    let world = first.ends_alone();
    assert_eq!(waits.wait().exits(0).count("updated"), 1);
    world.assert_everyone_once(&feed);
}

#[cfg(unix)]
#[test]
fn a_run_that_waits_can_be_stopped() {
    let first = UnderWay::of(Kmi);
    let waits = first.world.start(&[IMPORT, &["--wait", "10m"]].concat());
    wait_until("it waits", || waits.has_said("Waiting for another run"));
    waits.interrupt();
    waits.wait().exits(5);
    first.ends_alone();
}

#[cfg(unix)]
mod names {
    //! By whichever name.

    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::support::Ran;

    #[test]
    fn a_second_run_is_turned_away_although_the_lock_file_was_deleted() {
        let first = UnderWay::of(Kmi);
        let world = &first.world;
        for file in files(world, "journal", ".lock") {
            fs::remove_file(file).unwrap();
        }
        let ran = world.import().exits(6);
        assert!(
            ran.stderr
                .contains("another run is using this LMS: run 1, process"),
            "{ran:?}"
        );
        world.run(&["resume"]).exits(6);
        // Somebody who looks on is not told that it was killed.
        let shown = world.run(&["show", "--json"]).exits(0);
        assert_eq!(shown.json()["state"], "running");
        assert_eq!(shown.json()["exit_code"], 0);
        let listed = world.run(&["runs", "--json"]).exits(0).json();
        assert_eq!(listed["runs"][0]["exit_code"], serde_json::json!(null));
        first.ends_alone();
    }

    #[test]
    fn the_lock_of_a_killed_run_is_free_at_once() {
        let first = UnderWay::of(Kmi);
        let world = &first.world;
        for file in files(world, "journal", ".lock") {
            fs::remove_file(file).unwrap();
        }
        first.gate.end(first.run);
        world.import().exits(0);
        world.assert_everyone_once(&first.feed);
    }

    #[test]
    fn a_second_run_by_a_symbolic_link_is_turned_away() {
        let first = UnderWay::of(Kmi);
        let world = &first.world;
        for file in files(world, "journal", ".lock") {
            fs::remove_file(file).unwrap();
        }
        let link = world.path("link.db");
        symlink("journal.db", &link).unwrap();
        world.run_with(IMPORT, &link).exits(6);
        let world = first.ends_alone();
        // It is the same journal: nobody is new.
        let ran = world.run_with(IMPORT, &link).exits(0);
        assert_eq!(ran.count("unchanged"), PEOPLE as u64);
    }

    #[test]
    fn a_journal_with_a_hard_link_is_refused_by_both_names() {
        let first = UnderWay::of(Kmi);
        let world = &first.world;
        let link = world.path("link.db");
        fs::hard_link(world.path("journal.db"), &link).unwrap();
        let refused = |ran: Ran| {
            let ran = ran.exits(1);
            assert!(ran.stderr.contains("has 2 names (hard links)"), "{ran:?}");
            assert!(ran.stderr.contains("delete the other names"), "{ran:?}");
        };
        refused(world.run_with(IMPORT, &link));
        refused(world.run_with(&["runs"], &link));
        // The run itself goes on: it began with one name.
        let world = first.ends_alone();
        refused(world.changes_nothing(World::import));
        fs::remove_file(link).unwrap();
        assert_eq!(world.import().exits(0).count("unchanged"), PEOPLE as u64);
    }

    /// Where a user may mount in a space of the own. What recognises such a file
    /// has a test of its own, for all other systems.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_journal_that_is_mounted_without_its_folder_is_refused() {
        let may_mount = Command::new("unshare")
            .args(["-rm", "true"])
            .stderr(Stdio::null())
            .status();
        if !may_mount.is_ok_and(|status| status.success()) {
            return;
        }
        let first = UnderWay::of(Kmi);
        let world = &first.world;
        let folder = world.path("the container");
        fs::create_dir(&folder).unwrap();
        let mounted = folder.join("journal.db");
        fs::write(&mounted, "").unwrap();
        let import = world.command_with(IMPORT, &mounted);
        let script = r#"mount --bind journal.db "the container/journal.db" && exec "$@""#;
        let mut command = Command::new("unshare");
        command
            .args(["-rm", "sh", "-c", script, "sh"])
            .arg(import.get_program())
            .args(import.get_args())
            .envs(
                import
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(world.folder.path())
            .stdin(Stdio::null());
        let ran = Ran::of(command.output().unwrap()).exits(1);
        assert!(
            ran.stderr.contains("is mounted without its folder"),
            "{ran:?}"
        );
        assert!(ran.stderr.contains("mount the folder"), "{ran:?}");
        first.ends_alone();
    }
}

#[cfg(unix)]
mod displaced {
    //! A journal that is taken from its place under a run. Windows deletes, renames and
    //! replaces no file that a program has open.

    use serde_json::json;

    use super::*;
    use crate::support::on_each_system;

    /// Checks how a run ends whose journal lost its place, and returns the copy.
    #[track_caller]
    fn stopped(world: &World, run: Started, what: &str) -> PathBuf {
        let ran = run.wait().exits(1);
        assert!(ran.stderr.contains(what), "{ran:?}");
        assert!(ran.stderr.contains("nothing more was sent"), "{ran:?}");
        assert!(ran.stderr.contains("`hrfeed resume`"), "{ran:?}");
        assert_eq!(ran.json()["exit_code"], 1);
        assert_ne!(ran.json()["state"], "finished");
        // What was on its way has come to its end by now, and nobody was sent since.
        let there = world.lms.people().len();
        assert!(there < PEOPLE, "everybody is there");
        let kept = files(world, "journal.db.rescued", "");
        assert_eq!(kept.len(), 1, "{ran:?}");
        assert!(ran.stderr.contains("journal.db.rescued`"), "{ran:?}");
        kept.into_iter().next().unwrap()
    }

    /// Checks that the run goes on with the copy in the journal's place.
    #[track_caller]
    fn goes_on(world: &World, feed: &Feed) {
        let ran = world.resume().exits(0);
        assert_eq!(ran.count("created"), PEOPLE as u64, "{ran:?}");
        world.assert_everyone_once(feed);
        // This one sees that nobody came twice.
        world.import().exits(0);
        world.lms.reset_stats();
        assert_eq!(world.import().exits(0).count("unchanged"), PEOPLE as u64);
        assert_eq!(world.lms.stats().requests(), 0);
    }

    #[test]
    fn a_run_whose_journal_is_deleted_stops_and_is_resumed_with_the_copy() {
        on_each_system(|system| {
            let first = UnderWay::of(system);
            let world = &first.world;
            fs::remove_file(world.path("journal.db")).unwrap();
            first.gate.open();
            let kept = stopped(world, first.run, "was deleted or moved during the run");
            fs::rename(kept, world.path("journal.db")).unwrap();
            goes_on(world, &first.feed);
        });
    }

    #[test]
    fn a_run_whose_journal_is_deleted_before_its_first_write_sends_nothing() {
        on_each_system(|system| {
            let world = slow(system);
            let feed = Feed::of(PEOPLE);
            world.feed(&feed);
            world.lms.set_faults(&json!({"latency": 1.0}));
            let run = world.start_import();
            wait_until("the LMS is asked", || world.lms.stats().requests() > 0);
            fs::remove_file(world.path("journal.db")).unwrap();
            let kept = stopped(&world, run, "was deleted or moved during the run");
            assert_eq!(world.lms.people().len(), 0);
            world.lms.set_faults(&json!({"latency": 0.0}));
            fs::rename(kept, world.path("journal.db")).unwrap();
            goes_on(&world, &feed);
        });
    }

    #[test]
    fn a_run_whose_journal_is_deleted_when_all_is_sent_is_not_done() {
        let world = slow(Kmi);
        let feed = Feed::of(4);
        world.feed(&feed);
        world.lms.set_faults(&json!({"latency": 0.3}));
        let run = world.start_import();
        wait_until("all is sent", || world.lms.stats().creates() >= 4);
        world.lms.set_faults(&json!({"latency": 2.0}));
        let pages = world.lms.stats().pages();
        wait_until("it is proved", || world.lms.stats().pages() > pages);
        fs::remove_file(world.path("journal.db")).unwrap();
        let kept = stopped(&world, run, "was deleted or moved during the run");
        world.lms.set_faults(&json!({"latency": 0.0}));
        fs::rename(kept, world.path("journal.db")).unwrap();
        assert_eq!(world.resume().exits(0).count("created"), 4);
        world.assert_everyone_once(&feed);
    }

    #[test]
    fn a_run_whose_journal_and_all_beside_it_are_deleted_stops_too() {
        let first = UnderWay::of(Kmi);
        let world = &first.world;
        for file in files(world, "journal.db", "") {
            fs::remove_file(file).unwrap();
        }
        first.gate.open();
        let kept = stopped(world, first.run, "was deleted or moved during the run");
        fs::rename(kept, world.path("journal.db")).unwrap();
        goes_on(world, &first.feed);
    }

    #[test]
    fn a_run_whose_journal_is_renamed_stops_and_is_resumed_with_the_file_itself() {
        let first = UnderWay::of(Kmi);
        let world = &first.world;
        fs::rename(world.path("journal.db"), world.path("elsewhere.db")).unwrap();
        first.gate.open();
        stopped(world, first.run, "was deleted or moved during the run");
        // With nothing of what is beside it: the file is whole.
        for file in files(world, "journal.db", "") {
            fs::remove_file(file).unwrap();
        }
        fs::rename(world.path("elsewhere.db"), world.path("journal.db")).unwrap();
        goes_on(world, &first.feed);
    }

    #[test]
    fn a_run_whose_journal_is_replaced_stops_and_leaves_the_other_file_as_it_is() {
        let world = slow(Kmi);
        let gate = Gate::of(&world);
        let world = world.at(gate.url());
        // A backup from before anybody was sent.
        world.import_feed(&Feed::of(0));
        let backup = world.path("backup.db");
        fs::copy(world.path("journal.db"), &backup).unwrap();
        let content = fs::read(&backup).unwrap();
        let first = UnderWay::in_world(world, gate);
        let world = &first.world;
        fs::rename(&backup, world.path("journal.db")).unwrap();
        first.gate.open();
        let kept = stopped(
            world,
            first.run,
            "was replaced by another file during the run",
        );
        assert!(fs::read(world.path("journal.db")).unwrap() == content);
        fs::rename(kept, world.path("journal.db")).unwrap();
        goes_on(world, &first.feed);
    }

    #[test]
    fn a_run_whose_folder_is_moved_stops_and_says_that_it_kept_no_copy() {
        let world = slow(Kmi);
        let (state, moved) = (world.path("state"), world.path("moved"));
        let feed = Feed::of(PEOPLE);
        world.feed(&feed);
        let run = world.start_with(IMPORT, &state.join("journal.db"));
        wait_until("it is under way", || world.lms.stats().creates() >= 1);
        fs::rename(&state, &moved).unwrap();
        let ran = run.wait().exits(1);
        assert!(
            ran.stderr.contains("was deleted or moved during the run\n"),
            "{ran:?}"
        );
        assert!(ran.stderr.contains("put the file back"), "{ran:?}");
        assert!(world.lms.people().len() < PEOPLE);
        fs::rename(&moved, &state).unwrap();
        let resumed = world.run_with(&["resume", "--json"], &state.join("journal.db"));
        assert_eq!(resumed.exits(0).count("created"), PEOPLE as u64);
        world.assert_everyone_once(&feed);
    }

    #[test]
    fn an_import_that_begins_after_the_deletion_is_no_second_run_beside_the_first() {
        let first = UnderWay::of(Kmi);
        let world = &first.world;
        fs::remove_file(world.path("journal.db")).unwrap();
        first.gate.open();
        // It makes a new journal and finds the lock file held, unless the first has
        // stopped by then.
        let ran = world.import();
        assert!([0, 6].contains(&ran.code), "{ran:?}");
        first.run.wait().exits(1);
        let kept = files(world, "journal.db.rescued", "").remove(0);
        for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            let _perhaps_none = fs::remove_file(world.path(file));
        }
        fs::rename(kept, world.path("journal.db")).unwrap();
        world.import().exits(0);
        world.assert_everyone_once(&first.feed);
    }
}
