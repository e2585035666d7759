//! `--log-format json`: every line on stderr is an object.

use std::time::Duration;

use hrfeed::sandbox::Faults;
use serde_json::Value;

use crate::support::System::Kmi;
use crate::support::{Feed, Ran, World, on_each_system};

/// The lines on stderr, each of which has what all have.
#[track_caller]
fn lines(ran: &Ran) -> Vec<Value> {
    assert!(!ran.stderr.is_empty(), "{ran:#?}");
    let of_line = |line: &str| {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let time = line["time"].as_str().unwrap();
        assert!(time.ends_with('Z'), "{line}");
        time.parse::<jiff::Timestamp>().unwrap();
        let level = line["level"].as_str().unwrap();
        assert!(
            ["trace", "debug", "info", "warn", "error"].contains(&level),
            "{line}"
        );
        assert!(
            line["message"].is_string() && line["event"].is_string(),
            "{line}"
        );
        line
    };
    ran.stderr.lines().map(of_line).collect()
}

/// The events in their order, each once in a row.
fn events(lines: &[Value]) -> Vec<&str> {
    let mut events: Vec<_> = lines
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    events.dedup();
    events
}

fn run(world: &World, arguments: &[&str]) -> Ran {
    world.run(&[arguments, &["--log-format", "json"]].concat())
}

const IMPORT: &[&str] = &["import", "people.csv", "-m", "mapping.toml"];

#[test]
fn a_night_is_a_line_for_each_thing_that_happens_and_one_for_its_end() {
    on_each_system(|system| {
        let world = World::new(system);
        world.feed(&Feed::of(20).change(4, |person| person.email = "nobody".into()));
        let ran = run(&world, IMPORT).exits(3);
        let lines = lines(&ran);
        let events = events(&lines);
        assert_eq!(events[..2], ["read_started", "read_finished"]);
        assert_eq!(events.last(), Some(&"ended"));
        let of = |event: &str| lines.iter().find(|it| it["event"] == event).unwrap();
        assert_eq!(of("read_finished")["rows"], 20);
        assert_eq!(of("planned")["counts"]["created"], 19);
        assert_eq!(of("send_started")["run"], "1");
        let ended = of("ended");
        assert_eq!(ended["level"], "warn");
        assert_eq!(
            (&ended["run"], &ended["exit_code"]),
            (&"1".into(), &3.into())
        );
        assert_eq!(ended["counts"]["rejected"], 1);
        assert_eq!(ended["command"], "import");
        // The summary for people stays on stdout, and nobody's address is anywhere.
        assert!(ran.stdout.contains("Import finished."), "{ran:#?}");
        assert!(!ran.stderr.contains('@'), "{ran:#?}");
        // With --json, it is the object.
        let ran = run(&world, &[IMPORT, &["--json", "-vvv"]].concat()).exits(3);
        assert_eq!(ran.json()["counts"]["unchanged"], 19);
        self::lines(&ran);
    });
}

#[test]
fn an_outage_is_a_warning_with_its_time() {
    let faults = Faults {
        down_after: Some(2),
        down_for: Duration::from_secs(1),
        ..Faults::default()
    };
    let world = World::failing(Kmi, faults);
    world.feed(&Feed::of(5));
    let ran = run(&world, IMPORT).exits(0);
    let lines = lines(&ran);
    let paused = lines.iter().find(|it| it["event"] == "paused").unwrap();
    assert_eq!(paused["level"], "warn");
    assert!(paused["wait_seconds"].as_f64().unwrap() > 0.0, "{paused}");
    assert!(paused["why"].as_str().unwrap().contains("503"), "{paused}");
}

#[test]
fn an_error_is_an_object_whatever_is_wrong() {
    let world = World::new(Kmi);
    let failed = |arguments: &[&str], code: i32| {
        let ran = run(&world, arguments).exits(code);
        let lines = lines(&ran);
        let last = lines.last().unwrap();
        assert_eq!(
            (&last["level"], &last["event"]),
            (&"error".into(), &"failed".into())
        );
        assert_eq!(last["exit_code"], code);
        last["message"].as_str().unwrap().to_owned()
    };
    assert!(failed(IMPORT, 1).contains("people.csv"));
    assert!(failed(&["import", "people.csv", "-m", "none.toml"], 2).contains("none.toml"));
    assert!(failed(&["runs", "--no-such"], 2).contains("--no-such"));
    assert!(failed(&["no-such-command"], 2).contains("no-such-command"));
    world.write("mapping.toml", "[target]\nsystem = \"kmi\"\ncolum = 1\n");
    let ran = run(&world, &[IMPORT, &["--json", "-q"]].concat()).exits(2);
    assert_eq!(lines(&ran).len(), 1, "quiet is quiet");
    assert_eq!(ran.json()["exit_code"], 2);
    // As text the usage has several lines.
    let ran = world
        .run(&["--log-format=text", "runs", "--no-such"])
        .exits(2);
    assert!(ran.stderr.lines().count() > 1, "{ran:#?}");
    let ran = world
        .run(&["runs", "--no-such", "--log-format=json"])
        .exits(2);
    lines(&ran);
}

#[test]
fn notes_and_quiet_ends_are_objects_too() {
    let world = World::new(Kmi).parts("[notify]\ncommand = \"no-such-program\"");
    world.feed(&Feed::of(5).change(4, |person| person.email = "nobody".into()));
    let ran = run(&world, IMPORT).exits(3);
    let all = lines(&ran);
    let note = all.iter().find(|it| it["event"] == "note").unwrap();
    assert_eq!(note["level"], "warn");
    assert!(
        note["message"]
            .as_str()
            .unwrap()
            .starts_with("the `command` in [notify]")
    );
    let ran = run(&world, &[IMPORT, &["-q"]].concat()).exits(3);
    assert_eq!(lines(&ran)[0]["event"], "ended", "{ran:#?}");
    for arguments in [
        &["check", "people.csv", "-m", "mapping.toml"][..],
        &["plan", "people.csv", "-m", "mapping.toml"],
        &[
            "check",
            "people.csv",
            "-m",
            "mapping.toml",
            "--format",
            "csv",
        ],
    ] {
        lines(&run(&world, arguments).exits(3));
    }
    lines(&run(&world, &["audit", "-m", "mapping.toml"]).exits(0));
    lines(&run(&world, &["rows", "-o", "rows.csv"]).exits(0));
}
