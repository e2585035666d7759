//! Which files are taken for a journal, and what becomes of the others.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::super::schema::MIGRATIONS;
use super::*;

/// A format that an hrfeed to come could have.
fn next() -> Vec<&'static str> {
    with(&["ALTER TABLE runs ADD COLUMN note TEXT"])
}

/// The steps that there are, and these.
fn with(steps: &[&'static str]) -> Vec<&'static str> {
    [MIGRATIONS, steps].concat()
}

/// Every file of a folder with its content.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// What both ways of opening say of a file that is left exactly as it is.
fn refused(path: &Path) -> JournalError {
    let before = content(path.parent().unwrap());
    let error = Journal::open(path).unwrap_err();
    let reading = Journal::open_existing(path).unwrap_err();
    assert_eq!(error.to_string(), reading.to_string());
    assert!(error.to_string().contains(&path.display().to_string()));
    assert!(!error.help().is_empty());
    assert!(content(path.parent().unwrap()) == before, "it was touched");
    error
}

/// A journal with one run of one row, closed.
fn journal_with_a_run(path: &Path) {
    let writer = Journal::open(path).unwrap().writer().unwrap();
    let run = start(&writer, 1);
    writer.settle(run, created(1)).unwrap();
}

#[test]
fn a_command_that_reads_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none").join("journal.db");
    assert!(Journal::open_existing(&path).unwrap().is_none());
    assert!(!folder.path().join("none").exists());
    let path = folder.path().join("empty.db");
    fs::write(&path, "").unwrap();
    assert!(Journal::open_existing(&path).unwrap().is_none());
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_a_journal_and_the_files_beside_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("state").join("hrfeed");
    let path = folder.join("journal.db");
    let journal = Journal::open(&path).unwrap();
    let _lock = journal.lock(&scope()).unwrap();
    let writer = journal.again().unwrap().writer().unwrap();
    writer.start_run(new_run()).unwrap();
    assert_eq!(
        (mode(&folder), mode(&outer.path().join("state"))),
        (0o700, 0o700)
    );
    let files = content(&folder);
    // The journal, its log, the log's index, the lock.
    assert_eq!(files.len(), 4);
    for (file, _) in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    // An empty file that everybody could read.
    let path = outer.path().join("given.db");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    Journal::open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_file_that_is_no_sqlite_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    fs::write(&path, "Employee ID;Name\n".repeat(200)).unwrap();
    assert!(matches!(refused(&path), JournalError::NotSqlite { .. }));
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE runs (id INTEGER); PRAGMA user_version = 1")
        .unwrap();
    drop(conn);
    assert!(matches!(refused(&path), JournalError::Foreign { .. }));
}

#[test]
fn a_journal_of_a_newer_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    drop(Journal::open_with(&path, &next()).unwrap());
    let error = refused(&path);
    assert!(
        matches!(error, JournalError::Newer { found, known, .. } if found == known + 1),
        "{error:?}"
    );
}

#[test]
fn a_folder_and_a_path_below_a_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for open in [
        |path: &Path| Journal::open(path).map(drop),
        |path: &Path| Journal::open_existing(path).map(drop),
    ] {
        let error = open(folder.path()).unwrap_err();
        assert!(matches!(error, JournalError::IsFolder { .. }));
    }
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Journal::open(&file.join("journal.db")).unwrap_err();
    assert!(
        matches!(
            error,
            JournalError::Folder { .. } | JournalError::File { .. }
        ),
        "{error:?}"
    );
}

#[test]
fn a_journal_with_a_hole_in_it_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    journal_with_a_run(&path);
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_newer_program_brings_an_older_journal_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    journal_with_a_run(&path);
    let journal = Journal::open_with(&path, &next()).unwrap();
    journal
        .conn
        .execute("UPDATE runs SET note = 'x'", ())
        .unwrap();
    let run = journal.run(RunRef::Latest).unwrap().unwrap();
    assert_eq!(run.counts.created, 1);
    assert_eq!(people(&journal).len(), 1);
}

#[test]
fn a_newer_program_reads_an_older_journal_without_changing_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    journal_with_a_run(&path);
    let before = content(folder.path());
    let journal = Journal::open_existing_with(&path, &next())
        .unwrap()
        .unwrap();
    assert_ne!(journal.conn.path(), path.to_str());
    assert_eq!(journal.path(), path);
    journal.conn.execute_batch("SELECT note FROM runs").unwrap();
    let run = journal.run(RunRef::Latest).unwrap().unwrap();
    assert_eq!(run.counts.created, 1);
    drop(journal);
    assert!(content(folder.path()) == before);
}

#[test]
fn a_migration_that_fails_leaves_the_journal_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    journal_with_a_run(&path);
    let broken = with(&[
        "CREATE TABLE extra (x); DELETE FROM people",
        "INSERT INTO nowhere VALUES (1)",
    ]);
    let error = Journal::open_with(&path, &broken).unwrap_err();
    assert!(
        matches!(
            error,
            JournalError::Migration {
                from: 11,
                to: 13,
                ..
            }
        ),
        "{error:?}"
    );
    let journal = Journal::open(&path).unwrap();
    assert!(journal.conn.prepare("SELECT * FROM extra").is_err());
    assert_eq!(people(&journal).len(), 1);
}

#[cfg(unix)]
#[test]
fn a_journal_with_two_names_is_refused_by_both() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (
        folder.path().join("journal.db"),
        folder.path().join("link.db"),
    );
    journal_with_a_run(&path);
    fs::hard_link(&path, &link).unwrap();
    for path in [&path, &link] {
        assert!(matches!(refused(path), JournalError::ManyNames(_, 2)));
    }
    fs::remove_file(link).unwrap();
    Journal::open(&path).unwrap();
}

/// Windows deletes and renames no file that is open.
#[cfg(unix)]
#[test]
fn nothing_is_recorded_once_the_journal_has_lost_its_place() {
    let displaced = |error| match error {
        JournalError::Displaced {
            is_replaced, kept, ..
        } => (is_replaced, kept),
        other => panic!("{other:?}"),
    };
    for is_replaced in [false, true] {
        let world = World::new();
        let run = world.start(2);
        world.intend(run, [1]);
        let path = world.path();
        fs::rename(&path, path.with_extension("moved")).unwrap();
        if is_replaced {
            journal_with_a_run(&path);
        }
        // Nor is another file taken for it, or created.
        let error = world.journal.again().unwrap_err();
        assert_eq!(displaced(error), (is_replaced, None));
        assert_eq!(path.exists(), is_replaced);
        let commit = world.writer.intend(run, vec![intent(2)]);
        let (replaced, kept) = displaced(commit.wait_blocking().unwrap_err());
        assert_eq!(replaced, is_replaced);
        assert!(world.writer.start_run(new_run()).is_err());
        // The copy has what was recorded up to then.
        let kept = Journal::open(&kept.unwrap()).unwrap();
        assert_eq!(kept.open_intents(run).unwrap().len(), 2);
    }
}

/// Windows deletes no file that is open.
#[cfg(unix)]
#[test]
fn a_new_journal_takes_nothing_from_what_was_beside_a_deleted_one() {
    let beside = |path: &Path| ["-wal", "-shm"].map(|end| format!("{}{end}", path.display()));
    for under_a_run in [false, true] {
        let world = World::new();
        let run = world.start(300);
        world.intend(run, 1..=300);
        let path = world.path();
        let left = beside(&path).map(|file| fs::read(file).unwrap());
        fs::remove_file(&path).unwrap();
        let (folder, writer) = if under_a_run {
            (world.folder, Some(world.writer))
        } else {
            // As a kill leaves them.
            drop(world.writer);
            for (file, content) in beside(&path).into_iter().zip(left) {
                fs::write(file, content).unwrap();
            }
            (world.folder, None)
        };
        let newer = Journal::open(&path).unwrap().writer().unwrap();
        let first = start(&newer, 1);
        newer.settle(first, created(1)).unwrap();
        if let Some(older) = writer {
            let commit = older.intend(run, vec![intent(301)]);
            assert!(commit.wait_blocking().is_err());
        }
        newer.flush().wait_blocking().unwrap();
        drop(newer);
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.runs(10).unwrap().len(), 1, "{folder:?}");
        let check = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let sound = journal.conn.query_row("PRAGMA integrity_check", (), check);
        assert_eq!(sound.unwrap(), "ok");
    }
}

#[test]
fn a_handle_for_reading_writes_nothing_and_still_makes_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    journal_with_a_run(&path);
    let journal = Journal::open_existing(&path).unwrap().unwrap();
    let error = journal.conn.execute("DELETE FROM runs", ()).unwrap_err();
    let error = journal.sql(error);
    assert!(matches!(error, JournalError::ReadOnly { .. }), "{error:?}");
    let writer = journal.writer().unwrap();
    writer.start_run(new_run()).unwrap();
}

#[test]
fn many_can_make_the_same_new_journal_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let start = std::sync::Barrier::new(8);
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                start.wait();
                let writer = Journal::open(&path).unwrap().writer().unwrap();
                writer.start_run(new_run()).unwrap();
            });
        }
    });
    let journal = Journal::open_existing(&path).unwrap().unwrap();
    assert_eq!(journal.runs(100).unwrap().len(), 8);
}

#[test]
fn the_journal_is_durable_at_each_commit() {
    let world = World::new();
    let pragma = |name: &str| {
        world
            .journal
            .conn
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
    assert_eq!(pragma("synchronous"), 2.into());
}

/// A journal as the first hrfeed wrote it, with one person.
fn first_journal(path: &Path) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(MIGRATIONS[0]).unwrap();
    conn.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO scopes (id, digest) VALUES (1, zeroblob(32));
         INSERT INTO people VALUES (1, 'E1', 'r1', zeroblob(16), 1);",
    )
    .unwrap();
    let id = super::super::schema::APPLICATION_ID;
    conn.pragma_update(None, "application_id", id).unwrap();
}

#[test]
fn whom_the_first_hrfeed_knew_is_nobody_s_leaver_until_a_feed_names_the_person() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    first_journal(&path);
    let journal = Journal::open(&path).unwrap();
    let scope = Scope::from_bytes([0; 32]);
    let feeds = |journal: &Journal| {
        let mut feeds = Vec::new();
        journal
            .people(&scope, |person| {
                feeds.push(person.feed);
                go_on()
            })
            .unwrap();
        feeds
    };
    assert_eq!(feeds(&journal), [None]);
    let feed = FeedKey::of_mapping("/etc/hr.toml");
    let (journal, writer) = (journal.again().unwrap(), journal.writer().unwrap());
    writer.named(&scope, feed, vec!["E1".into()]).unwrap();
    writer.flush().wait_blocking().unwrap();
    assert_eq!(feeds(&journal), [Some(feed)]);
}
