//! Files that are read: what is not a file, is too large, or is another one by the
//! time it is read again.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::System::{AnewSpring, Kmi};
use crate::support::gate::Gate;
use crate::support::{Feed, KEY, Ran, World, side_by_side};

fn png(last: u8) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".as_slice(), &[last; 20]].concat()
}

/// A world with a picture for everybody but the first of `people`, and the gate to it.
fn with_pictures(people: usize) -> (World, Gate, Feed) {
    let world = World::new(AnewSpring);
    let gate = Gate::of(&world);
    let world = world
        .at(gate.url())
        .target("max_in_flight = 1")
        .fields("avatar = { column = \"Photo\" }");
    let mut feed = Feed::of(people);
    fs::create_dir(world.path("photos")).unwrap();
    for at in 1..people {
        feed.parts(at).picture = format!("photos/{at}.png");
        world.write(&format!("photos/{at}.png"), png(1));
    }
    world.feed(&feed);
    (world, gate, feed)
}

fn link(to: impl AsRef<Path>, at: &Path) {
    fs::remove_file(at).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(to, at).unwrap();
    #[cfg(not(unix))]
    let _ = to;
}

/// The message of a row that was not sent.
fn failed(world: &World, line: u64) -> String {
    let row = world.row(line);
    assert_eq!(row["outcome"], "failed", "{row:#}");
    assert_eq!(row["status"], serde_json::Value::Null, "{row:#}");
    assert_eq!(row["attempts"], 0, "{row:#}");
    row["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_picture_that_was_swapped_during_the_run_is_not_sent_and_goes_with_the_next_import() {
    let (world, gate, feed) = with_pictures(8);
    // A private file that even looks like a picture.
    let elsewhere = tempfile::tempdir().unwrap();
    let private = elsewhere.path().join("private.png");
    fs::write(&private, png(9)).unwrap();
    let photo = |at: usize| world.path(&format!("photos/{at}.png"));
    let first = |head: &str| head.starts_with("POST") && head.contains("/E00001");
    let ran = gate.import_and_meanwhile(&world, first, || {
        link(&private, &photo(1));
        link("/etc/passwd", &photo(2));
        link("/dev/zero", &photo(3));
        fs::remove_file(photo(4)).unwrap();
        #[cfg(unix)]
        assert!(
            Command::new("mkfifo")
                .arg(photo(4))
                .status()
                .unwrap()
                .success()
        );
        fs::write(photo(5), png(2)).unwrap();
        fs::remove_file(photo(6)).unwrap();
    });
    let ran = ran.exits(3);
    assert_eq!((ran.count("created"), ran.count("failed")), (2, 6));
    let requests = world.lms.stats().requests();
    assert_eq!(ran.json()["calls"]["total"], requests, "{ran:#?}");
    for line in 3..=8 {
        assert_eq!(
            failed(&world, line),
            "the picture changed while the run was under way, so nothing was sent for this row; \
             the next import sends the picture that is there then"
        );
    }
    let there = |id: &str| world.lms.with_id(id).len();
    assert_eq!((there("E00001"), there("E00008")), (1, 1));
    assert_eq!(world.lms.people().len(), 2);
    for at in 1..8 {
        let _there = fs::remove_file(photo(at));
        fs::write(photo(at), png(3)).unwrap();
    }
    let ran = world.import().exits(0);
    assert_eq!((ran.count("created"), ran.count("updated")), (6, 1));
    world.assert_everyone_once(&feed);
}

#[test]
fn a_picture_that_was_swapped_after_the_scan_is_not_sent_either() {
    let (world, gate, _) = with_pictures(3);
    let list = |head: &str| head.contains("getUsers");
    let ran = gate.import_and_meanwhile(&world, list, || {
        world.write("photos/1.png", png(2));
    });
    let ran = ran.exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (2, 1));
    let message = world.row(3)["message"].to_string();
    assert!(
        message.contains("it changed while the run was under way"),
        "{message}"
    );
    assert_eq!(world.import().exits(0).count("created"), 1);
}

#[cfg(unix)]
#[test]
fn a_picture_that_is_a_pipe_or_a_device_or_elsewhere_is_wrong_from_the_start() {
    let (world, _, _) = with_pictures(4);
    let photo = |at: usize| world.path(&format!("photos/{at}.png"));
    let elsewhere = tempfile::tempdir_in(world.path("..")).unwrap();
    let private = elsewhere.path().join("private.png");
    fs::write(&private, png(9)).unwrap();
    let name = elsewhere.path().file_name().unwrap();
    link("/dev/zero", &photo(1));
    link(Path::new("../..").join(name).join("private.png"), &photo(2));
    fs::remove_file(photo(3)).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(photo(3))
            .status()
            .unwrap()
            .success()
    );
    let ran = world.import().exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (1, 3));
    let message = |line| world.row(line)["message"].as_str().unwrap().to_owned();
    for line in [3, 4] {
        let message = message(line);
        assert!(
            message.contains("it must be in the feed's folder"),
            "{message}"
        );
    }
    assert!(message(5).contains("it is not a file"), "{}", message(5));
}

#[test]
fn nothing_of_a_feed_that_changed_after_the_scan_is_sent() {
    let world = World::new(Kmi);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    world.feed(&Feed::of(50));
    let ran = gate.import_and_meanwhile(
        &world,
        |head| head.starts_with("GET"),
        || {
            let other = Feed::of(50).change(20, |person| person.city = "Delft".into());
            // The same file, as an export writes it, and not another of that name.
            let mut file = fs::OpenOptions::new()
                .write(true)
                .open(world.path("people.csv"))
                .unwrap();
            file.write_all(&other.csv(Kmi)).unwrap();
        },
    );
    let ran = ran.exits(1);
    assert!(ran.stderr.contains("changed while it was read"), "{ran:#?}");
    assert!(world.lms.people().is_empty());
}

/// A feed of several megabytes: each row has a long cell that nobody maps.
fn with_notes(feed: &Feed) -> String {
    let csv = String::from_utf8(feed.csv(Kmi)).unwrap();
    let notes = "x".repeat(20_000);
    csv.replace('\n', &format!(",{notes}\n"))
}

#[test]
fn a_feed_that_changed_where_nothing_is_to_be_sent_ends_the_run_as_well() {
    let world = World::new(Kmi);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let before = with_notes(&Feed::of(120));
    world.write("people.csv", &before);
    world.import().exits(0);
    let after = with_notes(&Feed::of(121));
    world.write("people.csv", &after);
    let ran = gate.import_and_meanwhile(
        &world,
        |head| head.starts_with("GET"),
        || {
            // In the first of several megabytes; the new person is in the last.
            let mut file = fs::OpenOptions::new()
                .write(true)
                .open(world.path("people.csv"))
                .unwrap();
            let mut other = after.clone().into_bytes();
            other[100_000] = b'y';
            file.write_all(&other).unwrap();
        },
    );
    let ran = ran.exits(1);
    assert!(ran.stderr.contains("changed while it was read"), "{ran:#?}");
    assert_eq!(world.lms.people().len(), 120);
    world.write("people.csv", &after);
    world.import().exits(0);
    assert_eq!(world.lms.people().len(), 121);
}

#[test]
fn a_tab_inside_quotes_is_a_character_of_its_cell_in_a_feed_with_tabs() {
    let world = World::new(Kmi);
    let csv = String::from_utf8(Feed::of(3).csv(Kmi)).unwrap();
    let tabs = csv.replace(',', "\t");
    let login = &Feed::of(1).people[0].login;
    let inner = format!("\t\"{login}\tx\"\t");
    let tabs = tabs.replacen(&format!("\t{login}\t"), &inner, 1);
    assert!(tabs.contains(&inner), "{tabs}");
    world.write("people.csv", tabs);
    let ran = world.run(&["check", "people.csv", "-m", "mapping.toml", "--json"]);
    let ran = ran.exits(3);
    assert_eq!(
        ran.json()["finding_kinds"]["control-character"],
        1,
        "{ran:#?}"
    );
}

/// The arguments of `check`.
const CHECK: &[&str] = &["check", "people.csv", "-m", "mapping.toml", "-q"];

#[cfg(unix)]
#[test]
fn a_device_is_neither_a_feed_nor_a_mapping_nor_a_secret() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(3));
    for device in ["/dev/zero", "/dev/urandom", "/dev/null"] {
        let ran = world.run(&["check", device, "-m", "mapping.toml"]).exits(1);
        let words = format!("feed `{device}` is a device, not a file");
        assert!(ran.stderr.contains(&words), "{ran:#?}");
        let ran = world.run(&["check", "people.csv", "-m", device]).exits(2);
        assert!(
            ran.stderr.contains("it is a device, not a file"),
            "{ran:#?}"
        );
        let key = format!("{{ file = \"{device}\" }}");
        let mapping = world
            .mapping()
            .replace(&format!("{{ env = \"{KEY}\" }}"), &key);
        world.write("secret.toml", mapping);
        let ran = world
            .run(&["import", "people.csv", "-m", "secret.toml"])
            .exits(2);
        assert!(
            ran.stderr.contains("it is a device, not a file"),
            "{ran:#?}"
        );
    }
}

/// A pipe in the place of a file would hold the job up for ever, and no monitor would
/// hear of it.
#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_to_is_not_waited_for_without_end() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(3));
    let pipes = [world.path("pipe"), world.path("journal.db")];
    let made = Command::new("mkfifo").args(pipes).status();
    assert!(made.unwrap().success());
    let key = world
        .mapping()
        .replace(&format!("{{ env = \"{KEY}\" }}"), "{ file = \"pipe\" }");
    world.write("secret.toml", key);
    let nobody = "it is a pipe to which nobody writes";
    let says = |arguments: &'static [&'static str], code, words: &'static str| {
        let world = &world;
        move || {
            let ran = world.run(arguments).exits(code);
            assert!(ran.stderr.contains(words), "{ran:#?}");
        }
    };
    let journal = "is a pipe or a device, not a file";
    side_by_side([
        says(&["check", "pipe", "-m", "mapping.toml"], 1, nobody),
        says(&["check", "people.csv", "-m", "pipe"], 2, nobody),
        says(&["import", "people.csv", "-m", "secret.toml"], 2, nobody),
        says(&["runs"], 1, journal),
        says(&["import", "people.csv", "-m", "mapping.toml"], 1, journal),
    ]);
}

#[test]
fn a_mapping_and_a_secret_are_read_up_to_their_bounds() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(3));
    let long = "#".repeat((2 << 20) + 1 - world.mapping().len());
    world.write("long.toml", world.mapping() + &long);
    let ran = world
        .run(&["check", "people.csv", "-m", "long.toml"])
        .exits(2);
    assert!(ran.stderr.contains("it is larger than 2.0 MiB"), "{ran:#?}");
    world.write("kmi.key", "k".repeat((64 << 10) + 1));
    let mapping = world.mapping();
    let mapping = mapping.replace(&format!("{{ env = \"{KEY}\" }}"), "{ file = \"kmi.key\" }");
    world.write("mapping.toml", mapping);
    let ran = world.import().exits(2);
    assert!(
        ran.stderr.contains("it is larger than 64.0 KiB"),
        "{ran:#?}"
    );
}

/// A pipe with a name into which somebody writes `bytes` once.
#[cfg(unix)]
fn pipe(world: &World, name: &str, bytes: Vec<u8>) {
    let path = world.path(name);
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    std::thread::spawn(move || {
        let mut pipe = fs::OpenOptions::new().write(true).open(path).unwrap();
        // Who has read enough goes away.
        let _read = pipe.write_all(&bytes);
    });
}

#[cfg(unix)]
#[test]
fn a_feed_a_mapping_and_a_secret_may_each_come_through_a_pipe() {
    let world = World::new(Kmi);
    let feed = Feed::of(30);
    let mapping = world.mapping();
    let mapping = mapping.replace(&format!("{{ env = \"{KEY}\" }}"), "{ file = \"pipe.key\" }");
    pipe(&world, "pipe.csv", feed.csv(Kmi));
    pipe(&world, "pipe.toml", mapping.into_bytes());
    pipe(&world, "pipe.key", b"test-key\n".to_vec());
    let ran = world
        .run(&["import", "pipe.csv", "-m", "pipe.toml", "--json"])
        .exits(0);
    assert_eq!(ran.count("created"), 30);
    world.assert_everyone_once(&feed);
    pipe(&world, "endless.toml", vec![b'#'; 3 << 20]);
    let ran = world
        .run(&["check", "pipe.csv", "-m", "endless.toml"])
        .exits(2);
    assert!(ran.stderr.contains("it is larger than 2.0 MiB"), "{ran:#?}");
}

/// `check -` with what `write` writes to its standard input until it reads no more.
fn check_stream(world: &World, bytes: &[u8]) -> Ran {
    let mut child = world
        .command(&["check", "-", "-m", "mapping.toml", "-q"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(fs::File::create(world.path("stderr")).unwrap())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    while stdin.write_all(bytes).is_ok() {}
    drop(stdin);
    let status = child.wait().unwrap();
    Ran {
        code: status.code().unwrap(),
        stdout: String::new(),
        stderr: fs::read_to_string(world.path("stderr")).unwrap(),
    }
}

#[test]
fn a_stream_without_an_end_is_refused_at_its_start_or_at_max_feed() {
    let world = World::new(Kmi).parts("[source]\nmax_feed = \"20 MB\"");
    let ran = check_stream(&world, &[0; 4096]).exits(1);
    assert!(ran.stderr.contains("is a binary file"), "{ran:#?}");
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![0; 60 << 20]).unwrap();
    world.write("zeros.gz", packed.finish().unwrap());
    let ran = world
        .run(&["check", "zeros.gz", "-m", "mapping.toml"])
        .exits(1);
    assert!(ran.stderr.contains("is a binary file"), "{ran:#?}");
    let row = b"E00001;Zoe;Quimby;zoe@example.com;zoe;Delft;NL;;\n";
    let ran = check_stream(&world, &row.repeat(100)).exits(1);
    assert!(
        ran.stderr.contains("feed `<stdin>` has more than 20.0 MB"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("`max_feed` in [source]"), "{ran:#?}");
}

#[test]
fn max_feed_bounds_files_and_what_packed_ones_unpack_to() {
    let world = World::new(Kmi).parts("[source]\nmax_feed = \"100 kB\"");
    let feed = Feed::of(1_500);
    let csv = feed.csv(Kmi);
    assert!(csv.len() > 100_000);
    world.write("people.csv", &csv);
    let ran = world.run(CHECK).exits(1);
    assert!(
        ran.stderr
            .contains("feed `people.csv` has more than 100.0 kB"),
        "{ran:#?}"
    );
    let packed = feed.csv_gz(Kmi);
    assert!(packed.len() < 100_000);
    for (name, bytes) in [("people.csv.gz", packed), ("people.xlsx", feed.xlsx(Kmi))] {
        world.write(name, bytes);
        let ran = world.run(&["check", name, "-m", "mapping.toml"]).exits(1);
        let words = format!("feed `{name}` unpacks to more than 100.0 kB");
        assert!(ran.stderr.contains(&words), "{ran:#?}");
    }
    let world = world.parts("[source]\nmax_feed = \"1 MB\"");
    world.run(CHECK).exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_feed_that_would_fill_the_disk_of_temporary_files_is_refused_before_it_does() {
    let world = World::new(Kmi);
    let Some(disk) = crate::support::disk::SmallDisk::mount(world.path("disk"), 16 << 10) else {
        // Only root may mount, and not in every container.
        return;
    };
    let row = b"E00001;Zoe;Quimby;zoe@example.com;zoe;Delft;NL;;\n";
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed
        .write_all(&row.repeat((24 << 20) / row.len()))
        .unwrap();
    world.write("large.csv.gz", packed.finish().unwrap());
    let mut check = world.command(&["check", "large.csv.gz", "-m", "mapping.toml", "-q"]);
    let output = check.env("TMPDIR", &disk.0).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("there is not enough room in"), "{stderr}");
    assert!(stderr.contains("set TMPDIR"), "{stderr}");
    // What is small goes through.
    world.write("small.csv.gz", Feed::of(20).csv_gz(Kmi));
    let mut check = world.command(&["check", "small.csv.gz", "-m", "mapping.toml", "-q"]);
    let output = check.env("TMPDIR", &disk.0).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}
