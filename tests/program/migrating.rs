//! The first nights with a journal of an older hrfeed.

use std::fs;

use hrfeed::journal::Scope;
use rusqlite::Connection;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, IMPORT, World, calls, on_each_system};

/// A world with twelve people and the journal of the hrfeed that imported them,
/// which was in format 2.
fn with_an_old_journal(system: System) -> (World, Feed) {
    let world = World::new(system).target("max_in_flight = 1");
    let feed = Feed::of(12);
    world.feed(&feed);
    world.run_with(IMPORT, &world.path("elsewhere.db")).exits(0);
    let (name, sql) = match system {
        Kmi => ("kmi", include_str!("journal_v2/kmi.sql")),
        AnewSpring => ("anewspring", include_str!("journal_v2/anewspring.sql")),
    };
    let base_url = format!("{}/", world.lms.base_url());
    let scope = Scope::new(name, &base_url, world.key).hex();
    let folder = fs::canonicalize(world.folder.path()).unwrap();
    let mapping = folder.join("mapping.toml").display().to_string();
    let feed_key = xxh3_64(mapping.as_bytes()).cast_signed().to_string();
    let sql = sql
        .replace("@SCOPE@", &scope)
        .replace("@BASE_URL@", &base_url)
        .replace("@FEED@", &feed_key)
        .replace("@MAPPING@", &mapping);
    let journal = Connection::open(world.path("journal.db")).unwrap();
    journal.execute_batch(&sql).unwrap();
    world.lms.reset_stats();
    (world, feed)
}

/// The files that keep the journal as it was.
fn kept(world: &World) -> usize {
    let files = fs::read_dir(world.folder.path()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let backups = names.filter(|name| name.starts_with("journal.db.v2-backup"));
    backups.count()
}

#[test]
fn the_first_night_after_a_migration_makes_fingerprints_without_a_call() {
    on_each_system(|system| {
        let (world, mut feed) = with_an_old_journal(system);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("unchanged"), 12);
        assert_eq!(world.lms.stats().by_call(), calls(&[]));
        assert_eq!(kept(&world), 1, "the old journal is kept");
        assert_eq!(world.cost(&feed, 0), calls(&[]));
        // From now on the people are known by more than their IDs.
        feed.people[11].id = "N00012".into();
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
    });
}

#[test]
fn a_change_on_the_first_night_after_a_migration_is_one_update() {
    on_each_system(|system| {
        let (world, mut feed) = with_an_old_journal(system);
        feed.people[4].city = "Meppel".into();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("updated"), ran.count("unchanged")), (1, 11));
        assert_eq!(world.lms.stats().updates(), 1);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn few_changes_on_the_first_night_after_a_migration_cost_no_list() {
    on_each_system(|system| {
        let (world, mut feed) = with_an_old_journal(system);
        for person in &mut feed.people[..5] {
            person.city = "Meppel".into();
        }
        let update = match system {
            Kmi => "POST users/external_id/{external_id}/",
            AnewSpring => "POST updateUser/{userID}",
        };
        assert_eq!(world.cost(&feed, 0), calls(&[(update, 5)]));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_feed_that_slipped_on_the_first_night_after_a_migration_overwrites_nobody() {
    on_each_system(|system| {
        let (world, feed) = with_an_old_journal(system);
        let mut slipped = feed.clone();
        for (place, person) in slipped.people.iter_mut().enumerate() {
            let other = &feed.people[(place + 1) % 12];
            person.first.clone_from(&other.first);
            person.last.clone_from(&other.last);
            person.email.clone_from(&other.email);
            person.login.clone_from(&other.login);
        }
        let ran = world
            .changes_nothing(|world| world.import_feed(&slipped))
            .exits(4);
        assert_eq!(ran.held(), [("identities".to_owned(), 12)]);
        // What the LMS showed is known from then on.
        world.lms.reset_stats();
        let again = world.changes_nothing(World::import).exits(4);
        assert_eq!(again.hold("identities"), ran.hold("identities"));
        assert_eq!(world.lms.stats().by_call(), calls(&[]));
        world.import_feed(&feed).exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn many_sound_changes_on_the_first_night_after_a_migration_are_sent() {
    on_each_system(|system| {
        let (world, mut feed) = with_an_old_journal(system);
        for person in &mut feed.people {
            person.city = "Meppel".into();
        }
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("updated"), ran.held()), (12, vec![]));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whoever_is_renumbered_on_the_first_night_after_a_migration_is_made_twice_by_no_run() {
    on_each_system(|system| {
        // Nobody's login is known yet but by its row: what the LMS shows must do.
        let (world, mut feed) = with_an_old_journal(system);
        feed.people[11].id = "N00012".into();
        let ran = world.import_feed(&feed);
        let there = world.lms.everybody().len();
        assert_eq!(there, 12, "{ran:#?}");
    });
}

#[test]
fn whoever_is_renumbered_on_the_first_night_after_a_migration_is_held_and_not_removed() {
    on_each_system(|system| {
        let (world, mut feed) = with_an_old_journal(system);
        // Nothing but hrfeed keeps anybody from being there twice.
        world.lms.set_faults(&json!({"shared_logins": true}));
        let world = world.parts("[leavers]\naction = \"delete\"");
        feed.people[11].id = "N00012".into();
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
        assert_eq!((ran.count("created"), ran.count("deleted")), (0, 0));
        let again = world.changes_nothing(World::import).exits(4);
        assert_eq!(again.hold("renumbered"), ran.hold("renumbered"));
    });
}

#[test]
fn a_plan_leaves_an_old_journal_as_it_is() {
    on_each_system(|system| {
        let (world, feed) = with_an_old_journal(system);
        world.feed(&feed);
        world.plan().exits(0);
        assert_eq!(kept(&world), 0);
        let journal = Connection::open(world.path("journal.db")).unwrap();
        let format: i64 = journal
            .query_row("SELECT user_version FROM pragma_user_version", (), |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(format, 2);
    });
}
