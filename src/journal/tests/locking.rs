//! One run at a time for each scope.

use super::*;

#[test]
fn a_scope_is_held_by_one_and_free_again_when_it_lets_go() {
    let world = World::new();
    let lock = world.journal.lock(&scope()).unwrap();
    let other = world.journal.again().unwrap();
    let held = |journal: &Journal| match journal.lock(&scope()) {
        Err(LockError::Held { holder }) => holder.unwrap(),
        other => panic!("{other:?}"),
    };
    let holder = held(&other);
    assert_eq!((holder.pid, holder.run), (std::process::id(), None));

    // Once its run has started, that is told, too.
    let run = world.start(1);
    let holder = held(&other);
    assert_eq!(
        (holder.run, holder.host.as_deref()),
        (Some(run), Some("nightly"))
    );
    assert_eq!(
        LockError::Held {
            holder: Some(Holder {
                pid: 4711,
                since: "2026-11-21T02:00:00.25Z".parse().unwrap(),
                ..holder
            })
        }
        .to_string(),
        "another run is using this LMS: run 1, process 4711 on nightly, \
         since 2026-11-21 02:00:00 UTC"
    );

    // A handle for reading finds it held, and can take it later.
    let reader = Journal::open_existing(&world.path()).unwrap().unwrap();
    held(&reader);
    drop(lock);
    drop(reader.lock(&scope()).unwrap());
    // The file is still there and says nothing.
    assert!(other.lock(&scope()).is_ok());
}

#[test]
fn another_scope_is_not_held() {
    let world = World::new();
    let _lock = world.journal.lock(&scope()).unwrap();
    let other = Scope::new("kmi", "https://lms.example.com", "another key");
    assert!(world.journal.lock(&other).is_ok());
}

#[test]
fn a_new_holder_does_not_inherit_the_run_of_the_last() {
    let world = World::new();
    let lock = world.journal.lock(&scope()).unwrap();
    world.start(1);
    drop(lock);
    let _lock = world.journal.lock(&scope()).unwrap();
    let Err(LockError::Held { holder }) = world.journal.again().unwrap().lock(&scope()) else {
        panic!("not held");
    };
    assert_eq!(holder.unwrap().run, None);
}

/// On Windows nobody can delete the lock file of a run.
#[cfg(unix)]
#[test]
fn a_scope_is_held_without_its_lock_file() {
    let world = World::new();
    let other = world.journal.again().unwrap();
    let lock = world.journal.lock(&scope()).unwrap();
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "lock") {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert!(other.is_under_way(&scope()));
    assert!(matches!(other.lock(&scope()), Err(LockError::Held { .. })));
    drop(lock);
    assert!(!other.is_under_way(&scope()));
    assert!(other.lock(&scope()).is_ok());
}

#[test]
fn a_writer_keeps_the_lock_of_its_run_until_it_ends() {
    let world = World::new();
    let lock = world.journal.lock(&scope()).unwrap();
    let writer = world.journal.again().unwrap().writer_under(&lock).unwrap();
    drop(lock);
    writer.start_run(new_run()).unwrap();
    assert!(world.journal.is_under_way(&scope()));
    drop(writer);
    assert!(!world.journal.is_under_way(&scope()));
}
