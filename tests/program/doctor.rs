//! What would be in the way of the next import, and what to do. Nothing is changed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use hrfeed::clock;
use hrfeed::sandbox::{Faults, SandboxOptions};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{Feed, KEY, Ran, World, on_each_system};

const DOCTOR: &[&str] = &["doctor", "-m", "mapping.toml", "--json"];

/// How the check of that name ended, and what it says.
#[track_caller]
fn check(ran: &Ran, name: &str) -> (String, String) {
    let json = ran.json();
    let checks = json["checks"].as_array().unwrap();
    let of = |name: &str| checks.iter().find(|it| it["check"] == name);
    let found = of(name).unwrap_or_else(|| panic!("{name}: {ran:#?}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let said = format!("{} → {}", text(&found["message"]), text(&found["help"]));
    (text(&found["health"]), said)
}

#[track_caller]
fn is(ran: &Ran, name: &str, health: &str, words: &str) {
    let (found, said) = check(ran, name);
    assert_eq!(found, health, "{name}: {said}");
    assert!(said.contains(words), "{name}: {said}");
}

#[test]
fn before_the_first_night_nothing_is_wrong_and_nothing_is_created() {
    on_each_system(|system| {
        let world = World::new(system);
        let ran = world.run(DOCTOR).exits(0);
        is(&ran, "journal", "ok", "the first import creates it");
        is(&ran, "mapping", "ok", "no mistakes");
        is(&ran, "api_key", "ok", KEY);
        is(&ran, "lms", "ok", "accepted the key");
        is(&ran, "clock", "ok", "agree");
        assert!(!world.path("journal.db").exists());
        // One cheap request, and nothing that writes.
        assert_eq!(ran.json()["calls"], 1);
        assert_eq!(world.lms.stats().requests(), 1);
        assert!(!ran.said().contains("test-key"), "{ran:#?}");
        // Without a mapping no LMS is asked.
        let ran = world.run(&["doctor", "--json"]).exits(0);
        is(&ran, "mapping", "skipped", "-m MAPPING");
        assert_eq!(world.lms.stats().requests(), 1);
    });
}

#[test]
fn a_journal_that_is_in_use_is_whole_and_stays_as_it_is() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(5)).exits(0);
    let before = fs::read(world.path("journal.db")).unwrap();
    let ran = world.run(DOCTOR).exits(0);
    is(&ran, "journal", "ok", "has format");
    is(&ran, "integrity", "ok", "whole");
    is(&ran, "access", "ok", "can be written");
    is(&ran, "lock", "ok", "no run is using");
    assert_eq!(fs::read(world.path("journal.db")).unwrap(), before);
}

#[test]
fn damage_in_the_journal_is_found_also_where_nobody_reads_by_day() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(300)).exits(0);
    let mut bytes = fs::read(world.path("journal.db")).unwrap();
    // A page in the middle, as a bad disk leaves it.
    let page = bytes.len() / 2 / 4096 * 4096;
    bytes[page..page + 4096].fill(0xa5);
    world.write("journal.db", bytes);
    let ran = world.run(DOCTOR).exits(1);
    let json = ran.json();
    let mut checks = json["checks"].as_array().unwrap().iter();
    let is_found = checks.any(|it| {
        let message = it["message"].as_str().unwrap();
        it["health"] == "problem" && message.contains("damaged")
    });
    assert!(is_found, "{ran:#?}");
    assert!(
        ran.stdout.contains("restore the file from a backup"),
        "{ran:#?}"
    );
    // What is no journal at all.
    world.write("journal.db", "people and so on\n".repeat(1000));
    let ran = world.run(DOCTOR).exits(1);
    is(&ran, "journal", "problem", "not an SQLite file");
}

#[cfg(unix)]
#[test]
fn files_that_others_can_read_are_named_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(2)).exits(0);
    let open = |name: &str| {
        let mode = fs::Permissions::from_mode(0o644);
        fs::set_permissions(world.path(name), mode).unwrap();
    };
    let key = format!("api_key = {{ env = \"{KEY}\" }}");
    let mapping = world.mapping();
    assert!(mapping.contains(&key), "{mapping}");
    let mapping = mapping.replace(&key, "api_key = { file = \"lms.key\" }");
    world.write(
        "mapping.toml",
        mapping + "[notify]\nurl = { file = \"ping.url\" }\ncommand = \"./gone.sh\"\n",
    );
    world.write("lms.key", "test-key\n");
    world.write("ping.url", "https://hc.example/s3cret\n");
    for name in ["lms.key", "ping.url", "journal.db"] {
        open(name);
    }
    let ran = world.run(DOCTOR).exits(0);
    is(&ran, "api_key", "warning", "make it private");
    is(&ran, "permissions", "warning", "chmod 600");
    is(&ran, "notify_url", "warning", "make it private");
    is(&ran, "notify_command", "warning", "there is no program");
    is(&ran, "lms", "ok", "accepted the key");
    assert!(
        !ran.said().contains("s3cret") && !ran.said().contains("test-key"),
        "{ran:#?}"
    );
    // Nobody can get at it, and a text for people.
    fs::set_permissions(world.path("lms.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let ran = world.run(&DOCTOR[..3]).exits(0);
    assert!(ran.stdout.contains("Imports can run."), "{ran:#?}");
    assert!(ran.stderr.is_empty(), "{ran:#?}");
}

#[test]
fn a_key_is_checked_where_it_is_and_by_the_lms() {
    on_each_system(|system| {
        let world = World::new(system);
        let mut command = world.command(DOCTOR);
        let ran = Ran::of(command.env_remove(KEY).output().unwrap()).exits(2);
        is(&ran, "api_key", "problem", "is not set");
        let mut command = world.command(DOCTOR);
        let ran = Ran::of(command.env(KEY, " ").output().unwrap()).exits(2);
        is(&ran, "api_key", "problem", "is empty");
        assert_eq!(world.lms.stats().requests(), 0);
        let soon = clock::now().to_zoned(TimeZone::system()).date();
        let soon = soon.checked_add(3.days()).unwrap();
        let world = world.target(&format!("api_key_expires = {soon}"));
        let ran = world.run(DOCTOR).exits(0);
        is(&ran, "key_expiry", "warning", "in 3 days");
    });
}

#[test]
fn what_is_wrong_with_the_way_to_the_lms_is_said_apart() {
    let doctor = |address: &str| World::new(Kmi).at(address).run(DOCTOR);
    let answering = |status: u16, body: &'static str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _request = stream.read(&mut [0; 4096]);
                let _sent = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:1/\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        address
    };
    for (status, body, code, words) in [
        (401, "", 7, "check the API key and secret"),
        (403, "", 7, "permissions of the API key"),
        (404, "", 7, "it must end before `/api/`"),
        (308, "", 7, "set `base_url` to the final address"),
        (200, "<html>Sign in</html>", 7, "a web page answers"),
        (200, "7", 5, "not one of the API"),
        (503, "", 5, "HTTP 503"),
        (429, "", 5, "HTTP 429"),
    ] {
        let ran = doctor(&answering(status, body)).exits(code);
        is(&ran, "lms", "problem", words);
    }
    // Never to be given to anybody (RFC 6761).
    let ran = doctor("https://lms.invalid").exits(7);
    is(&ran, "lms", "problem", "host name cannot be resolved");
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ran = doctor(&format!("http://{free}")).exits(5);
    is(&ran, "lms", "problem", "no connection");
    is(&ran, "clock", "skipped", "no date");
}

#[test]
fn a_clock_that_is_wrong_is_noticed() {
    for (skew, how) in [
        (600, "behind that of the LMS"),
        (-600, "ahead of that of the LMS"),
    ] {
        let faults = Faults {
            clock_skew: skew,
            ..Faults::default()
        };
        let options = SandboxOptions {
            faults,
            ..SandboxOptions::default()
        };
        let world = World::with(AnewSpring, options);
        let ran = world.run(DOCTOR).exits(0);
        is(&ran, "clock", "warning", how);
    }
}

#[test]
fn a_mapping_with_a_mistake_is_a_problem_beside_the_others() {
    let world = World::new(Kmi);
    let wrong = world.mapping().replace("externalId", "externalID");
    world.write("mapping.toml", wrong);
    let ran = world.run(DOCTOR).exits(2);
    is(&ran, "mapping", "problem", "externalID");
    is(&ran, "journal", "ok", "there is none yet");
    // What is in the way of all imports counts.
    world.write("journal.db", "people and so on\n".repeat(1000));
    world.run(DOCTOR).exits(1);
    let ran = world.run(&["doctor", "-m", "mapping.toml", "-q"]).exits(1);
    assert_eq!(ran.stdout, "");
    // The machine of the test may have too little room, too.
    assert!(ran.stderr.starts_with("2 problems"), "{ran:#?}");
}

#[test]
fn a_key_for_messages_need_not_be_text() {
    let world = World::new(Kmi).parts(
        "[source.openpgp]\nkey = { file = \"hr.key\" }\npassphrase = { file = \"hr.passphrase\" }",
    );
    world.write("hr.key", [0x95, 0x01, 0xff, 0xfe]);
    let ran = world.run(DOCTOR).exits(2);
    assert_ne!(check(&ran, "key").0, "problem", "{ran:#?}");
    is(&ran, "passphrase", "problem", "hr.passphrase");
}
