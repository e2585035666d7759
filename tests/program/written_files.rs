//! Files that are written, over what and for whom; and what is printed of names and
//! values that would act on a terminal.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{Feed, KEY, Ran, World};
#[cfg(unix)]
use crate::support::{on_each_system, wait_until};

/// Half of the people may be missing, and are held.
const LEAVERS: &str = "[leavers]\naction = \"deactivate\"\n[guards]\nmax_shrink = \"60%\"";

/// A world in which one of three rows was rejected.
fn with_history() -> World {
    let world = World::new(Kmi);
    let feed = Feed::of(3).change(1, |person| person.email = "no address".into());
    world.import_feed(&feed).exits(3);
    world
}

/// Runs it, and checks that it refuses and leaves these files as they are.
#[track_caller]
fn refuses(world: &World, arguments: &[&str], words: &str) {
    let names = [
        "journal.db",
        "people.csv",
        "mapping.toml",
        "mine.html",
        "mine.csv",
    ];
    let content = || names.map(|name| fs::read(world.path(name)).unwrap());
    let before = content();
    let ran = world.run(arguments).exits(2);
    assert!(ran.stderr.contains(words), "{ran:#?}");
    assert!(content() == before, "{arguments:?} changed a file");
}

#[test]
fn what_hrfeed_writes_replaces_its_own_files_and_no_others() {
    let world = with_history();
    world.write("mine.html", "<!DOCTYPE html>\n<html lang=\"en\">\nby hand");
    world.write("mine.csv", "row,external_id\n1,E1\n");
    let not_own = "exists and is not a report of hrfeed";
    for name in ["people.csv", "mine.html", "mine.csv"] {
        let words = if name == "people.csv" {
            "is the feed of this run"
        } else {
            not_own
        };
        refuses(&world, &["report", "-o", name], words);
    }
    refuses(
        &world,
        &["report", "-o", "mapping.toml"],
        "is the mapping of this run",
    );
    refuses(
        &world,
        &["report", "-o", "journal.db"],
        "is a part of a journal or another database",
    );
    let cannot_see = "exists, and hrfeed cannot see that it wrote this file";
    refuses(&world, &["rows", "-o", "mine.csv"], cannot_see);
    for (name, words) in [
        ("journal.db", "is a part of a journal"),
        ("people.csv", "is the feed of this run"),
        ("mapping.toml", "is the mapping of this run"),
    ] {
        refuses(&world, &["rows", "-o", name, "--force"], words);
    }
    // The log of a journal, and its index.
    for begin in [b"\x37\x7f\x06\x82", b"\x18\xe2\x2d\0"] {
        world.write("mine.csv", begin);
        let rows = ["rows", "-o", "mine.csv", "--force"];
        refuses(&world, &rows, "is a part of a journal");
    }
    world.write("mine.csv", "");
    refuses(&world, &["report", "-o", "mine.csv"], not_own);
    let init = ["init", "people.csv", "--target", "kmi", "-o"];
    for (name, words) in [
        ("journal.db", "is a part of a journal"),
        ("people.csv", "is the feed"),
    ] {
        refuses(&world, &[&init[..], &[name, "--force"]].concat(), words);
    }
    refuses(
        &world,
        &[&init[..], &["mapping.toml"]].concat(),
        "already exists",
    );

    for arguments in [
        &["report", "-o", "page.html"][..],
        &["rows", "-o", "rows.csv"],
        &["rows", "-o", "rows.json"],
        &["rows", "-o", "mine.csv", "--force"],
        &["rows", "--outcome", "rejected", "-o", "mine.csv"],
    ] {
        for _ in 0..2 {
            world.run(arguments).exits(0);
        }
    }
    let first = |name: &str| {
        let text = fs::read_to_string(world.path(name)).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    assert!(first("rows.json").starts_with("{\"row\":2,\"external_id\":\"E00001\""));
    for name in ["rows.csv", "mine.csv"] {
        assert!(first(name).starts_with("row,external_id,outcome"), "{name}");
    }
}

#[test]
fn the_list_of_a_hold_replaces_its_own_files_and_no_others() {
    let world = World::new(AnewSpring).parts(LEAVERS);
    world.import_feed(&Feed::of(30)).exits(0);
    world.import_feed(&Feed::of(15)).exits(4);
    world.write("mine.csv", "id;reason\n");
    let cannot_see = "exists, and hrfeed cannot see that it wrote this file";
    let hold = |more: &[&str]| world.run(&[&["hold", "1"], more].concat());
    let copy = ["--as-feed", "people.csv", "-o"];
    for more in [
        &["-o", "mine.csv"][..],
        &[&copy[..], &["mine.csv"]].concat(),
    ] {
        let ran = hold(more).exits(2);
        assert!(ran.stderr.contains(cannot_see), "{ran:#?}");
    }
    let ran = hold(&[&copy[..], &["people.csv", "--force"]].concat()).exits(2);
    assert!(ran.stderr.contains("is the feed of this run"), "{ran:#?}");
    assert_eq!(fs::read(world.path("mine.csv")).unwrap(), b"id;reason\n");
    for _ in 0..2 {
        hold(&["-o", "people-of-1.csv"]).exits(0);
        hold(&[&copy[..], &["look.csv"]].concat()).exits(0);
    }
    hold(&[&copy[..], &["look.xlsx"]].concat()).exits(0);
    hold(&[&copy[..], &["look.xlsx"]].concat()).exits(2);
    hold(&[&copy[..], &["look.xlsx", "--force"]].concat()).exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_leaves_the_old_one_whole() {
    let world = with_history();
    let Some(disk) = crate::support::disk::SmallDisk::mount(world.path("disk"), 64) else {
        // Only root may mount, and not in every container.
        return;
    };
    let page = disk.0.join("page.html");
    let report = ["report", "-o", page.to_str().unwrap()];
    world.run(&report).exits(0);
    let old = fs::read(&page).unwrap();
    // No room for another.
    while fs::write(disk.0.join("filler"), vec![0; 64 << 10]).is_ok() {}
    let ran = world.run(&report).exits(1);
    assert!(ran.stderr.contains("No space left"), "{ran:#?}");
    assert!(fs::read(&page).unwrap() == old);
    let names = fs::read_dir(&disk.0).unwrap().count();
    assert_eq!(names, 2, "a part of the new one is left");
}

#[cfg(unix)]
#[test]
fn reports_and_exports_are_for_their_owner_alone_and_a_link_stays_a_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = with_history();
    world.run(&["report", "-o", "page.html"]).exits(0);
    world.run(&["rows", "-o", "rows.csv"]).exits(0);
    world
        .run(&["init", "people.csv", "--target", "kmi", "-o", "first.toml"])
        .exits(0);
    let mode = |name: &str| {
        let about = fs::metadata(world.path(name)).unwrap();
        about.permissions().mode() & 0o777
    };
    assert_eq!((mode("page.html"), mode("rows.csv")), (0o600, 0o600));
    assert_eq!(mode("first.toml"), 0o644);
    std::os::unix::fs::symlink("page.html", world.path("link.html")).unwrap();
    world.run(&["report", "-o", "link.html"]).exits(0);
    assert!(world.path("link.html").is_symlink());
    assert!(!world.path("page.html").is_symlink());
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_others_can_read_or_write_earns_a_word_and_no_stop() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(Kmi);
    let mapping = world.mapping();
    let mapping = mapping.replace(&format!("{{ env = \"{KEY}\" }}"), "{ file = \"kmi.key\" }");
    world.write("mapping.toml", mapping);
    world.write("kmi.key", "test-key\n");
    world.feed(&Feed::of(2));
    for (mode, verb) in [
        (0o600, None),
        (0o640, None),
        (0o644, Some("read")),
        (0o620, Some("changed")),
        (0o666, Some("read and changed")),
    ] {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(world.path("kmi.key"), mode).unwrap();
        for ran in [world.import().exits(0), world.plan().exits(0)] {
            let notes = ran.json()["notes"].to_string();
            match verb {
                Some(verb) => {
                    let words = format!(
                        "the file `kmi.key` (`api_key` in the mapping) can be {verb} by other users"
                    );
                    assert!(notes.contains(&words), "{ran:#?}");
                    assert!(ran.stderr.contains(&words), "{ran:#?}");
                }
                None => assert!(!ran.said().contains("kmi.key"), "{ran:#?}"),
            }
        }
    }
}

#[test]
fn a_key_that_is_where_a_name_belongs_is_not_printed() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    let key = "9f86d081884c7d659a2feaa0c55ad015";
    for place in ["env", "file"] {
        let mapping = world.mapping();
        let of_key = format!("{{ {place} = \"{key}\" }}");
        let mapping = mapping.replace(&format!("{{ env = \"{KEY}\" }}"), &of_key);
        world.write("key.toml", mapping);
        let ran = world.run(&["import", "people.csv", "-m", "key.toml", "--json", "-vv"]);
        let ran = ran.exits(2);
        assert!(!ran.said().contains(key), "{ran:#?}");
        assert!(
            ran.stderr.contains("looks like the secret itself"),
            "{ran:#?}"
        );
        assert!(ran.stderr.contains("`api_key` in the mapping"), "{ran:#?}");
    }
}

#[cfg(unix)]
#[test]
fn the_name_of_a_feed_or_a_mapping_does_not_act_on_the_terminal() {
    let world = World::new(Kmi);
    let (name, mapping) = ("\x1b[2Jpe\u{202e}ople.csv", "\x1b]0;x\x07.toml");
    world.write(name, Feed::of(3).csv(Kmi));
    world.write(mapping, world.mapping());
    let harmless = |ran: Ran| {
        let acts = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
        assert!(!ran.said().contains(acts), "{ran:?}");
    };
    for more in [&[][..], &["-vv"], &["--json"], &["-vv", "--json"]] {
        for command in ["check", "plan", "import"] {
            harmless(world.run(&[&[command, name, "-m", mapping], more].concat()));
        }
        for arguments in [
            &["init", name, "--target", "kmi"][..],
            &[
                "init",
                name,
                "--target",
                "kmi",
                "-o",
                "\x1b[31m.toml",
                "--force",
            ],
            &["check", "\x1b[31m", "-m", mapping],
            &["check", name, "-m", "\x1b[31m"],
            &["runs"],
            &["show"],
            &["report", "-o", "\x1b[31m.html"],
        ] {
            harmless(world.run(&[arguments, more].concat()));
        }
    }
}

#[test]
fn what_turns_text_around_is_shown_escaped_and_is_the_same_to_a_program() {
    let world = World::new(Kmi);
    let feed = Feed::of(2);
    world.import_feed(&feed).exits(0);
    let city = "Em\u{202e}den";
    world.feed(&feed.change(0, |person| person.city = city.into()));
    let plan = |more: &[&str]| {
        let arguments = ["plan", "people.csv", "-m", "mapping.toml", "--show-values"];
        world.run(&[&arguments[..], more].concat()).exits(0)
    };
    let json = plan(&["--format", "json"]);
    assert!(json.stdout.contains("\"Em\\u202eden\""), "{json:?}");
    assert_eq!(json.json_lines()[0]["values"]["city"], city);
    let table = plan(&[]);
    assert!(table.stdout.contains("Em\\u{202e}den"), "{table:?}");
    for ran in [json, table, plan(&["--format", "csv"])] {
        assert!(!ran.said().contains('\u{202e}'), "{ran:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::new(Kmi);
    // More than a pipe holds.
    let feed = Feed::of(3_000);
    world.import_feed(&feed).exits(0);
    for format in ["table", "csv", "json"] {
        let mut child = world
            .command(&["rows", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        reader.read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        drop(reader);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}: {stderr}");
        assert!(!stderr.contains("error"), "{format}: {stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn commands_that_only_read_work_on_a_disk_that_is_read_only() {
    let world = World::new(AnewSpring).parts(LEAVERS);
    let Some(disk) = crate::support::disk::SmallDisk::mount(world.path("disk"), 8 << 10) else {
        // Only root may mount, and not in every container.
        return;
    };
    let journal = disk.0.join("journal.db");
    let import = ["import", "people.csv", "-m", "mapping.toml", "-q"];
    world.feed(&Feed::of(30));
    world.run_with(&import, &journal).exits(0);
    world.feed(&Feed::of(15));
    world.run_with(&import, &journal).exits(4);
    let reading = [
        &["runs", "--json"][..],
        &["show", "--json"],
        &["rows", "--json"],
        &["holds", "--json"],
        &["hold", "1", "--json"],
        &["report", "-o", "page.html"],
        &["plan", "people.csv", "-m", "mapping.toml"],
    ];
    let say = |arguments: &&[&str]| {
        let ran = world.run_with(arguments, &journal);
        let mut said = Vec::new();
        if arguments.contains(&"--json") {
            said = ran.json_lines();
        }
        // When the command ran.
        for line in &mut said {
            for key in ["started", "ended", "elapsed_seconds"] {
                line[key].take();
            }
        }
        (ran.code, said)
    };
    let before: Vec<_> = reading.iter().map(say).collect();
    assert!(
        before.iter().all(|(code, _)| matches!(code, 0 | 4)),
        "{before:?}"
    );
    disk.remount("ro");
    let after: Vec<_> = reading.iter().map(say).collect();
    assert_eq!(after, before);
    world.run_with(&["approve", "1"], &journal).exits(1);
    // And with what a killed run left in the log.
    disk.remount("rw");
    let left = disk.0.join("left.db");
    let open = rusqlite::Connection::open(&journal).unwrap();
    open.execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE runs SET message = 'in the log'")
        .unwrap();
    fs::copy(&journal, &left).unwrap();
    fs::copy(disk.0.join("journal.db-wal"), disk.0.join("left.db-wal")).unwrap();
    drop(open);
    disk.remount("ro");
    let ran = world.run_with(&["show", "--json"], &left).exits(0);
    assert!(ran.stdout.contains("in the log"), "{ran:#?}");
}

/// An import that takes a while.
#[cfg(unix)]
fn slow(system: crate::support::System) -> World {
    let world = World::new(system).target("requests_per_second = 40");
    world.feed(&Feed::of(80));
    world
}

#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_stops_a_run_as_a_request_to_end_does() {
    on_each_system(|system| {
        let world = slow(system);
        let run = world.start_import();
        wait_until("some people are there", || world.lms.stats().creates() >= 5);
        run.signal("HUP");
        let ran = run.wait().exits(5);
        assert_eq!(ran.count("unknown"), 0);
        assert_eq!(ran.count("created"), world.lms.people().len() as u64);
    });
}

#[cfg(unix)]
#[test]
fn a_run_that_was_started_to_outlive_a_hang_up_outlives_it() {
    let world = slow(Kmi);
    let import = world.command(crate::support::IMPORT);
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(import.get_program())
        .args(import.get_args())
        .current_dir(world.folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in import.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let mut run = shell.spawn().unwrap();
    wait_until("some people are there", || world.lms.stats().creates() >= 5);
    let hung_up = std::process::Command::new("kill")
        .args(["-HUP", &run.id().to_string()])
        .status();
    assert!(hung_up.unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(world.lms.people().len(), 80);
}
