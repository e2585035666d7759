//! An older journal becomes one of this format: nothing that was known is lost,
//! and the older file is kept.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::super::schema::{APPLICATION_ID, MIGRATIONS};
use super::*;

/// A journal as the hrfeed before this one wrote it: 300 people with all that
/// was known of them, a group, and a run that was killed.
fn older_journal(path: &Path) {
    let conn = Connection::open(path).unwrap();
    for step in &MIGRATIONS[..2] {
        conn.execute_batch(step).unwrap();
    }
    let digest = scope();
    conn.execute(
        "INSERT INTO scopes VALUES (1, ?1, 'kmi', 'https://lms.example.com')",
        [digest.bytes()],
    )
    .unwrap();
    conn.execute_batch(
        "PRAGMA user_version = 2;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
         INSERT INTO people (scope, external_id, remote_id, fingerprint, state, feed, other_feed,
                             details, picture)
         SELECT 1, printf('E%03d', i), 'r' || i, CAST(printf('%016d', i) AS BLOB),
                1 + (i % 7 = 0), 77, 88, zeroblob(16), NULL FROM n;
         INSERT INTO people (scope, external_id, state) VALUES (1, 'gone', 3);
         INSERT INTO given VALUES (1, 'E001', 4, 'Sales'), (1, 'E001', 1, 'mentor');
         INSERT INTO groups VALUES (1, 'Sales', 1, 77, zeroblob(16));
         INSERT INTO runs (scope, command, state, feed_path, from_stdin, mapping_path,
                           mapping_sha256, rows, skipped, unchanged, started, pid, host)
         VALUES (1, 'import', 1, 'people.csv', 0, 'kmi.toml', zeroblob(32), 4, 0, 1, 0, 1, 'h');
         INSERT INTO reasons VALUES (1, 'email', 'column `Mail`: not an address');
         INSERT INTO rows (run, row, leaver, external_id, action, outcome, attempts, reason, at)
         VALUES (1, 2, '', 'E001', 1, 1, 1, NULL, 5), (1, 3, '', 'E002', NULL, 4, 0, 1, 6),
                (1, 4, '', 'E003', 2, NULL, 0, NULL, NULL);",
    )
    .unwrap();
    conn.pragma_update(None, "application_id", APPLICATION_ID)
        .unwrap();
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .unwrap();
}

/// The names of the files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Everything that the older journal knew is known, in its older kind.
fn assert_all_is_known(journal: &Journal) {
    let mut known = 0;
    journal
        .people(&scope(), |person| {
            known += 1;
            assert!(!person.is_keyed && !person.is_protected && !person.has_fields);
            if person.external_id == "gone" {
                assert_eq!(person.state, PersonState::Deleted);
                return go_on();
            }
            let number: u32 = person.external_id.trim_start_matches('E').parse().unwrap();
            let fingerprint: [u8; 16] = format!("{number:016}").into_bytes().try_into().unwrap();
            assert_eq!(person.remote_id, Some(&*format!("r{number}")));
            assert_eq!(person.fingerprint, Some(u128::from_le_bytes(fingerprint)));
            let inactive = number.is_multiple_of(7);
            assert_eq!(person.state == PersonState::Inactive, inactive);
            assert_eq!(person.feed, Some(FeedKey(77)));
            assert_eq!(person.other_feed, Some(FeedKey(88)));
            go_on()
        })
        .unwrap();
    assert_eq!(known, 301);
    let parts = journal.parts(&scope(), &ExternalId::known("E001")).unwrap();
    assert_eq!((parts.details, parts.given.len()), (Some(0), 2));
    assert_eq!(journal.groups(&scope()).unwrap().len(), 1);
    let run = journal.unfinished_runs(&scope()).unwrap().remove(0);
    assert_eq!((run.counts.created, run.counts.rejected), (1, 1));
    assert_eq!((run.counts.unknown, run.counts.unchanged), (1, 1));
    assert_eq!(rows_of(journal, run.id)[1].code.as_deref(), Some("email"));
    let open = journal.open_intents(run.id).unwrap();
    assert_eq!((open.len(), &open[0].from), (1, &None));
}

#[test]
fn an_upgrade_keeps_everybody_known_and_the_older_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    older_journal(&path);
    let journal = Journal::open(&path).unwrap();
    assert_all_is_known(&journal);
    // The older hrfeed reads the copy as its own.
    let kept = folder.path().join("journal.db.v2-backup");
    assert!(kept.exists());
    let older = Journal::open_with(&kept, &MIGRATIONS[..2]).unwrap();
    let known = "SELECT count(*) FROM people";
    let count = older.conn.query_row(known, (), |row| row.get::<_, i64>(0));
    assert_eq!(count.unwrap(), 301);
    let check = older
        .conn
        .query_row("PRAGMA integrity_check", (), |row| row.get::<_, String>(0));
    assert_eq!(check.unwrap(), "ok");
    // Opened again, nothing more is kept.
    drop((journal, older));
    drop(Journal::open(&path).unwrap());
    assert_eq!(names(folder.path()), ["journal.db", "journal.db.v2-backup"]);
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_the_copy_that_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    older_journal(&path);
    // The older file was for everybody to read.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Journal::open(&path).unwrap());
    let kept = fs::metadata(folder.path().join("journal.db.v2-backup"));
    assert_eq!(kept.unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_copy_that_is_there_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    for name in ["journal.db.v2-backup", "journal.db.v2-backup-2"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    older_journal(&path);
    drop(Journal::open(&path).unwrap());
    for name in ["journal.db.v2-backup", "journal.db.v2-backup-2"] {
        let content = fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(content, name);
    }
    assert!(folder.path().join("journal.db.v2-backup-3").exists());
}

#[test]
fn a_command_that_reads_an_older_journal_keeps_no_copy_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    older_journal(&path);
    let before = fs::read(&path).unwrap();
    let journal = Journal::open_existing(&path).unwrap().unwrap();
    assert_all_is_known(&journal);
    assert!(journal.holds(&HoldFilter::default()).unwrap().is_empty());
    assert!(journal.fingerprint_key().is_ok());
    // Nor does a decision about a hold that cannot be there upgrade it.
    let error = journal.decide(HoldId(1), Verdict::Approved, &[], &decision());
    assert!(matches!(error, Err(HoldError::NoHold(..))), "{error:?}");
    drop(journal);
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(names(folder.path()), ["journal.db"]);
}

#[test]
fn an_upgrade_that_fails_keeps_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    older_journal(&path);
    let broken = [
        MIGRATIONS[0],
        MIGRATIONS[1],
        "INSERT INTO nowhere VALUES (1)",
    ];
    let error = Journal::open_with(&path, &broken).unwrap_err();
    assert!(matches!(error, JournalError::Migration { from: 2, .. }));
    assert_eq!(names(folder.path()), ["journal.db"]);
    assert_all_is_known(&Journal::open(&path).unwrap());
}

#[cfg(unix)]
#[test]
fn a_journal_that_cannot_be_kept_is_not_upgraded() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    older_journal(&path);
    // A folder stands where the copy is written.
    let part = folder.path().join("journal.db.v2-backup.part");
    fs::create_dir(&part).unwrap();
    fs::set_permissions(&part, fs::Permissions::from_mode(0o700)).unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Backup { .. }), "{error:?}");
    assert!(error.to_string().contains("the journal is unchanged"));
    fs::remove_dir(&part).unwrap();
    assert_all_is_known(&Journal::open(&path).unwrap());
}

#[test]
fn many_upgrade_the_same_journal_at_once_and_keep_one_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    older_journal(&path);
    let start = std::sync::Barrier::new(6);
    let keys: Vec<_> = std::thread::scope(|threads| {
        let opened: Vec<_> = (0..6)
            .map(|_| {
                threads.spawn(|| {
                    start.wait();
                    Journal::open(&path).unwrap().fingerprint_key().unwrap()
                })
            })
            .collect();
        let keys = opened.into_iter().map(|it| it.join().unwrap());
        keys.collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(names(folder.path()), ["journal.db", "journal.db.v2-backup"]);
}

#[test]
fn a_kill_at_any_byte_of_the_upgrade_leaves_a_journal_that_knows_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    older_journal(&path);
    let older = fs::read(&path).unwrap();
    // While a connection is open, all that the upgrade wrote is in the log.
    let upgraded = Journal::open(&path).unwrap();
    let key = upgraded.fingerprint_key().unwrap();
    assert!(fs::read(&path).unwrap() == older);
    let log = fs::read(folder.path().join("journal.db-wal")).unwrap();
    assert!(!log.is_empty());

    let (mut upgraded_again, mut recovered) = (0, 0);
    for cut in (0..=log.len()).rev().step_by(1_499) {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("journal.db");
        fs::write(&path, &older).unwrap();
        fs::write(copy.path().join("journal.db-wal"), &log[..cut]).unwrap();
        // The copy that was being written when the process died.
        fs::write(
            copy.path().join("journal.db.v2-backup.part"),
            &older[..cut % 4096],
        )
        .unwrap();
        let journal = Journal::open(&path).unwrap();
        assert_all_is_known(&journal);
        if journal.fingerprint_key().unwrap() == key {
            recovered += 1;
        } else {
            upgraded_again += 1;
            assert!(copy.path().join("journal.db.v2-backup").exists());
            assert!(!copy.path().join("journal.db.v2-backup.part").exists());
        }
    }
    // The whole log is the upgrade, and no part of it is.
    assert!(recovered > 0 && upgraded_again > 0);

    // A kill while the log is written into the file: some pages are there.
    drop(upgraded);
    let whole = fs::read(&path).unwrap();
    for pages in 0..=whole.len() / 4096 {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("journal.db");
        let mut torn = whole[..pages * 4096].to_vec();
        torn.extend_from_slice(older.get(torn.len()..).unwrap_or_default());
        fs::write(&path, torn).unwrap();
        fs::write(copy.path().join("journal.db-wal"), &log).unwrap();
        let journal = Journal::open(&path).unwrap();
        assert_all_is_known(&journal);
        assert_eq!(journal.fingerprint_key().unwrap(), key);
    }
}

#[test]
fn each_journal_has_a_secret_of_its_own_that_stays_the_same() {
    let (one, other) = (World::new(), World::new());
    let key = one.journal.fingerprint_key().unwrap();
    assert_ne!(key, other.journal.fingerprint_key().unwrap());
    assert_eq!(key, one.journal.again().unwrap().fingerprint_key().unwrap());
    let reading = Journal::open_existing(&one.path()).unwrap().unwrap();
    assert_eq!(reading.fingerprint_key().unwrap(), key);
    let conn = &one.journal.conn;
    for sql in ["UPDATE secrets SET value = x'00'", "DELETE FROM secrets"] {
        conn.execute_batch(sql).unwrap();
        let error = one.journal.fingerprint_key().unwrap_err();
        assert!(matches!(error, JournalError::Damaged(..)), "{error:?}");
    }
}

#[test]
fn what_may_still_land_and_who_was_created_twice_is_known_after_an_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    drop(Journal::open_with(&path, &MIGRATIONS[..4]).unwrap());
    let before = Connection::open(&path).unwrap();
    let digest = scope();
    before
        .execute(
            "INSERT INTO scopes VALUES (1, ?1, 'kmi', 'https://lms.example.com')",
            [digest.bytes()],
        )
        .unwrap();
    before
        .execute_batch(
            "INSERT INTO doubts (scope, external_id, sent, kind)
             VALUES (1, 'E1', 5000000, 0), (1, 'E2', 6000000, 1), (1, 'E3', 3600000000, 2);",
        )
        .unwrap();
    drop(before);
    let journal = Journal::open(&path).unwrap();
    let doubts = journal.doubts(&digest).unwrap();
    let doubts: Vec<_> = doubts
        .iter()
        .map(|it| (it.external_id.as_str(), it.sent.as_second(), it.kind))
        .collect();
    let (change, create) = (DoubtKind::Change, DoubtKind::Create);
    assert_eq!(doubts, [("E1", 5, change), ("E2", 6, create)]);
    let twice = journal.sent_twice(&digest).unwrap();
    let twice: Vec<_> = twice
        .iter()
        .map(|it| (it.external_id.as_str(), it.since.as_second()))
        .collect();
    // The first of the two creates went out at most an hour before the second.
    assert_eq!(twice, [("E3", 0)]);
}

#[test]
fn a_doubt_whose_feed_no_release_has_recorded_is_known_after_an_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    drop(Journal::open_with(&path, &MIGRATIONS[..5]).unwrap());
    let before = Connection::open(&path).unwrap();
    let digest = scope();
    before
        .execute(
            "INSERT INTO scopes VALUES (1, ?1, 'kmi', 'https://lms.example.com')",
            [digest.bytes()],
        )
        .unwrap();
    before
        .execute_batch("INSERT INTO doubts VALUES (1, 'E1', 5000000, 1);")
        .unwrap();
    drop(before);
    let journal = Journal::open(&path).unwrap();
    let doubts = journal.doubts(&digest).unwrap();
    assert_eq!(doubts.len(), 1);
    assert_eq!((doubts[0].kind, doubts[0].feed), (DoubtKind::Create, None));
}

#[test]
fn an_intent_to_remove_a_leaver_of_an_older_journal_is_read_and_sets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    drop(Journal::open_with(&path, &MIGRATIONS[..9]).unwrap());
    let before = Connection::open(&path).unwrap();
    let digest = scope();
    before
        .execute(
            "INSERT INTO scopes VALUES (1, ?1, 'kmi', 'https://lms.example.com')",
            [digest.bytes()],
        )
        .unwrap();
    before
        .execute_batch(
            "INSERT INTO people (scope, external_id, state) VALUES (1, 'E1', 1), (1, 'E2', 2);
             INSERT INTO runs (scope, command, state, feed_path, from_stdin, mapping_path,
                               mapping_sha256, skipped, unchanged, started, pid, host)
             VALUES (1, 'import', 1, 'people.csv', 0, 'kmi.toml', zeroblob(32), 0, 0, 0, 1, 'h');
             INSERT INTO rows (run, row, leaver, action, attempts)
             VALUES (1, 4294967296, 'E1', 3, 1);",
        )
        .unwrap();
    drop(before);
    let journal = Journal::open(&path).unwrap();
    let run = journal.unfinished_runs(&digest).unwrap().remove(0);
    let open = journal.open_intents(run.id).unwrap();
    assert_eq!((open[0].action, open[0].set), (Action::Deactivate, None));
    for who in ["E1", "E2"] {
        assert_eq!(journal.set_fields_of(&digest, who).unwrap(), 0);
    }
    assert_eq!(people(&journal)[1].3, PersonState::Inactive);
}
