//! Where a feed comes from: the newest file of a folder, a file that is still being
//! written, a file with a checksum beside it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use hrfeed::clock;

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{Feed, Ran, World, side_by_side, wait_until};

/// A world whose mapping has these lines in `[source]`.
fn world(lines: &str) -> World {
    World::new(Kmi).parts(&format!("[source]\n{lines}"))
}

fn import(world: &World, feed: &str) -> Ran {
    world.run(&["import", feed, "-m", "mapping.toml", "--json"])
}

/// Makes a file so many minutes older.
fn age(path: &Path, minutes: u64) {
    let file = OpenOptions::new().append(true).open(path).unwrap();
    let time = file.metadata().unwrap().modified().unwrap();
    file.set_modified(time - Duration::from_mins(minutes))
        .unwrap();
}

/// Writes a feed into the folder `exports`, so many minutes ago.
fn export(world: &World, name: &str, people: usize, minutes: u64) {
    fs::create_dir_all(world.path("exports")).unwrap();
    let path = world.write(
        &format!("exports/{name}"),
        Feed::of(people).csv(world.system),
    );
    age(&path, minutes);
}

/// The name of the file that was read.
fn read(ran: &Ran) -> String {
    let path = ran.json()["feed"]["path"].as_str().unwrap().to_owned();
    path.rsplit(['/', '\\']).next().unwrap().to_owned()
}

#[test]
fn the_newest_file_of_a_folder_is_the_feed_where_the_mapping_says_so() {
    let world = world("files = \"newest\"");
    export(&world, "people-2026-11-24.csv", 3, 3_000);
    export(&world, "people-2026-11-25.csv", 5, 1_500);
    export(&world, "people-2026-11-26.csv.part", 9, 0);
    for feed in ["exports", "exports/people-*.csv", "exports/*"] {
        let ran = import(&world, feed).exits(0);
        assert_eq!(read(&ran), "people-2026-11-25.csv");
        assert_eq!(ran.json()["feed"]["rows"], 5);
    }
    // The run is finished by that file, and not by what is there meanwhile.
    export(&world, "people-2026-11-26.csv", 6, 10);
    let ran = import(&world, "exports").exits(0);
    assert_eq!(
        (read(&ran).as_str(), ran.count("created")),
        ("people-2026-11-26.csv", 1)
    );
}

#[test]
fn of_several_files_none_is_imported_unless_the_mapping_says_which() {
    let silent = world("");
    export(&silent, "people-2.csv", 5, 20);
    export(&silent, "people-1.csv", 5, 10);
    let ran = silent.changes_nothing(|it| import(it, "exports")).exits(2);
    assert!(
        ran.stderr.contains("`exports` has 2 files, among them"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("files = \"newest\""), "{ran:#?}");
    // Where there is one, it is the feed.
    let ran = import(&silent, "exports/*-2*").exits(0);
    assert_eq!(read(&ran), "people-2.csv");

    let newest = world("files = \"newest\"");
    export(&newest, "people-2026-11-26.csv", 5, 20);
    export(&newest, "people-2026-11-25.csv", 5, 10);
    let ran = newest.changes_nothing(|it| import(it, "exports")).exits(2);
    assert!(ran.stderr.contains("later date in its name"), "{ran:#?}");
    let ran = import(&newest, "nobody-*").exits(1);
    assert!(
        ran.stderr.contains("no file matches `nobody-*`"),
        "{ran:#?}"
    );
    fs::create_dir(newest.path("empty")).unwrap();
    let ran = import(&newest, "empty").exits(1);
    assert!(
        ran.stderr.contains("has no file that could be a feed"),
        "{ran:#?}"
    );
}

#[test]
fn a_file_that_is_still_being_written_is_waited_for() {
    let world = World::new(AnewSpring).parts("[source]\nunchanged_for = \"3s\"");
    let whole = Feed::of(30).csv(world.system);
    let (first, rest) = whole.split_at(whole.len() / 2);
    world.write("people.csv", first);
    let run = world.start_import();
    // It grows more slowly than it is looked at.
    for piece in rest.chunks(rest.len().div_ceil(4)) {
        let began = clock::monotonic();
        wait_until("a while", || began.elapsed() > Duration::from_millis(400));
        let file = OpenOptions::new()
            .append(true)
            .open(world.path("people.csv"));
        file.unwrap().write_all(piece).unwrap();
    }
    let ran = run.wait().exits(0);
    assert_eq!(ran.count("created"), 30);
    assert!(ran.stderr.contains("Waiting for the feed"), "{ran:#?}");
}

#[test]
fn a_feed_is_whole_when_its_done_file_is_there_and_is_not_an_old_one() {
    side_by_side(
        [
            (".done", "people.csv.done"),
            (".done", "people.done"),
            ("READY", "READY"),
        ]
        .map(|(setting, name)| {
            move || {
                let world = world(&format!("done_file = \"{setting}\"\nwait = \"20s\""));
                let feed = Feed::of(4);
                // Yesterday's.
                let old = world.write(name, "");
                age(&old, 1_440);
                world.feed(&feed);
                let run = world.start_import();
                let why = format!("`{name}` is older than `people.csv`");
                wait_until(&why, || run.has_said(&why));
                assert!(world.lms.everybody().is_empty());
                world.write(name, "");
                let ran = run.wait().exits(0);
                assert_eq!(ran.count("created"), 4);
            }
        }),
    );
}

#[test]
fn a_feed_that_does_not_come_in_time_is_not_read_and_ends_with_1() {
    let world = world("done_file = \".done\"\nwait = \"1s\"");
    world.feed(&Feed::of(4));
    let ran = world.changes_nothing(World::import).exits(1);
    assert!(
        ran.stderr
            .contains("waited 1s for the feed: `people.csv.done` is not there"),
        "{ran:#?}"
    );
    assert_eq!(ran.json()["exit_code"], 1);
    // It is waited for where it is not there at all, too.
    fs::remove_file(world.path("people.csv")).unwrap();
    let ran = world.import().exits(1);
    assert!(ran.stderr.contains("`people.csv` is not there"), "{ran:#?}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_wait() {
    let world = world("done_file = \".done\"");
    world.feed(&Feed::of(4));
    let run = world.start_import();
    wait_until("it waits", || run.has_said("Waiting for the feed"));
    run.signal("TERM");
    let ran = run.wait().exits(5);
    assert!(
        ran.stderr.contains("stopped while waiting for the feed"),
        "{ran:#?}"
    );
    assert!(world.lms.everybody().is_empty());
}

#[test]
fn a_feed_that_does_not_fit_its_checksum_is_not_imported() {
    let unsaid = world("");
    unsaid.feed(&Feed::of(4));
    let bytes = fs::read(unsaid.path("people.csv")).unwrap();
    let read = unsaid
        .run(&["check", "people.csv", "-m", "mapping.toml", "--json"])
        .exits(0);
    let digest = read.json()["feed"]["sha256"].as_str().unwrap().to_owned();
    let sum = format!("{digest}  people.csv\n");
    unsaid.write("people.csv.sha256", &sum);
    assert_eq!(unsaid.import().exits(0).count("created"), 4);
    // Half of it arrived.
    unsaid.write("people.csv", &bytes[..bytes.len() / 2]);
    let ran = unsaid.changes_nothing(World::import).exits(1);
    assert!(
        ran.stderr.contains("does not have the checksum that"),
        "{ran:#?}"
    );
    unsaid.write("people.csv.sha256", "soon\n");
    let ran = unsaid.import().exits(1);
    assert!(
        ran.stderr.contains("has no checksum of `people.csv`"),
        "{ran:#?}"
    );

    let ignored = world("checksum = false");
    ignored.feed(&Feed::of(4));
    ignored.write("people.csv.sha256", sum.replace(['1', '2', '3'], "0"));
    ignored.import().exits(0);

    let required = world("checksum = \".sha256\"");
    required.feed(&Feed::of(4));
    let ran = required.changes_nothing(World::import).exits(1);
    let missing = "`people.csv.sha256` is not there, and `checksum` in [source] requires it";
    assert!(ran.stderr.contains(missing), "{ran:#?}");
    required.write("people.csv.sha256", sum);
    required.import().exits(0);
}

#[test]
fn checksums_are_verified_whatever_their_files_are_called() {
    let zeros = "0".repeat(64);
    for (name, text, fails) in [
        ("people.sha256", format!("{zeros}\n"), true),
        ("people.csv.SHA256", format!("{zeros}  people.csv\n"), true),
        ("people.csv.sha256.txt", format!("{zeros}\n"), true),
        ("SHA256SUMS", format!("{zeros}  people.csv\n"), true),
        ("sha256sums.txt", format!("{zeros} *./people.csv\n"), true),
        ("people.csv.sha1", "0".repeat(40), true),
        ("people.csv.sha384", "0".repeat(96), true),
        // They are about other files.
        ("people.sha256", format!("{zeros}  people.xlsx\n"), false),
        ("SHA256SUMS", format!("{zeros}  others.csv\n"), false),
        ("others.csv.sha256", format!("{zeros}\n"), false),
    ] {
        let world = world("");
        world.feed(&Feed::of(2));
        world.write(name, text);
        let ran = world.import().exits(i32::from(fails));
        let said = format!("does not have the checksum that `{name}`");
        assert_eq!(ran.stderr.contains(&said), fails, "{name}: {ran:#?}");
    }
    // A list of checksums is no feed.
    let world = world("");
    export(&world, "people.csv", 3, 0);
    world.write("exports/sha256sums.txt", format!("{zeros}  others.csv\n"));
    assert_eq!(read(&import(&world, "exports").exits(0)), "people.csv");
}

#[cfg(not(feature = "remote"))]
#[test]
fn a_program_without_feeds_of_other_machines_says_so_and_shows_no_secret() {
    let world = world("");
    for (address, shown) in [
        (
            "sftp://hr.example.com/x.csv",
            "`sftp://hr.example.com/x.csv`",
        ),
        (
            "https://hr.example.com/x.csv?sig=s3cret",
            "`https://hr.example.com/x.csv?…`",
        ),
    ] {
        let ran = import(&world, address).exits(2);
        assert!(
            ran.stderr
                .contains("built without feeds from other machines"),
            "{ran:#?}"
        );
        assert!(ran.stderr.contains("--features remote"), "{ran:#?}");
        assert!(ran.stderr.contains(shown), "{ran:#?}");
        assert!(!ran.said().contains("s3cret"), "{ran:#?}");
    }
    let ran = import(&world, "sftp://hr:s3cret@hr.example.com/x.csv").exits(2);
    assert!(
        ran.stderr
            .contains("must not contain a user name or password"),
        "{ran:#?}"
    );
    assert!(!ran.said().contains("s3cret"), "{ran:#?}");
}
