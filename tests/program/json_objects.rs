//! One object for every command: what each prints with `--json`, however it ends.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::System::Kmi;
use crate::support::{Feed, Ran, World, wait_until};

/// How a command ends well, and how badly.
struct Case {
    command: &'static str,
    /// Arguments with which it ends well.
    good: &'static [&'static str],
    /// Arguments that are in order, and what they ask for cannot be done: with the exit code.
    /// Without any, nothing can go wrong but the printing.
    bad: Option<(i32, &'static [&'static str])>,
}

const fn case(
    command: &'static str,
    good: &'static [&'static str],
    code: i32,
    bad: &'static [&'static str],
) -> Case {
    Case {
        command,
        good,
        bad: Some((code, bad)),
    }
}

/// Every command but `resume` and `sandbox`, which take more than one call, in an order in
/// which each finds what it needs.
#[rustfmt::skip]
const CASES: &[Case] = &[
    case("check", &["people.csv", "-m", "mapping.toml"], 1, &["missing.csv", "-m", "mapping.toml"]),
    case("plan", &["people.csv", "-m", "mapping.toml", "--out", "plan.json"], 2, &["people.csv", "-m", "missing.toml"]),
    case("import", &["people.csv", "-m", "mapping.toml"], 2, &["people.csv", "-m", "wrong.toml"]),
    case("show", &["1"], 2, &["77"]),
    case("rows", &["1", "-o", "rows.csv"], 2, &["77"]),
    case("report", &["1", "-o", "page.html"], 2, &["77", "-o", "other.html"]),
    case("runs", &[], 2, &[NO_JOURNAL]),
    case("runs prune", &["--older-than", "90d"], 2, &["--older-than", "90d", NO_JOURNAL]),
    case("holds", &[], 2, &[NO_JOURNAL]),
    case("hold", &["1"], 2, &["77"]),
    case("approve", &["1"], 2, &["77"]),
    case("refuse", &["1"], 2, &["77"]),
    case("audit", &["-m", "mapping.toml"], 2, &["-m", "wrong.toml"]),
    case("undo", &["1", "--created", "keep"], 2, &["77"]),
    case("doctor", &["-m", "mapping.toml"], 2, &["-m", "missing.toml"]),
    case("forget", &["E00001"], 2, &["E00001", NO_JOURNAL]),
    case("init", &["people.csv", "--target", "kmi", "-o", "first.toml"], 1, &["missing.csv", "--target", "kmi"]),
    Case { command: "completions", good: &["fish"], bad: None },
    case("man", &["import"], 2, &["destroy"]),
    case("schema", &["output", "-o", "output.json"], 2, &["-o", "people.csv"]),
];

/// Stands for a journal that is not there.
const NO_JOURNAL: &str = "(no journal)";

impl World {
    /// The command with `--json`, in the world's journal or in none.
    fn json_of(&self, command: &str, arguments: &[&str]) -> Ran {
        let mut journal = self.path("journal.db");
        let mut words: Vec<_> = command.split(' ').collect();
        for argument in arguments {
            if *argument == NO_JOURNAL {
                journal = self.path("missing.db");
            } else {
                words.push(argument);
            }
        }
        words.push("--json");
        self.run_with(&words, &journal)
    }
}

/// A world with a run, and a hold in it.
fn with_hold() -> World {
    let world = World::new(Kmi).parts(
        "[leavers]\naction = \"delete\"\n[guards]\nmax_shrink = \"60%\"\nmax_leavers = \"0%\"",
    );
    world.write("wrong.toml", "[target]\nsystem = \"kmi\"\n");
    world.feed(&Feed::of(6));
    world.import_with(&["--undoable"]).exits(0);
    world.import_feed(&Feed::of(4)).exits(4);
    world
}

/// Every command, as the program itself lists them for its manual pages.
fn commands(world: &World) -> BTreeSet<String> {
    let folder = world.path("man");
    std::fs::create_dir(&folder).unwrap();
    let pages = world.json_of("man", &["--dir", "man"]).exits(0).json();
    let pages = pages["files"].as_array().unwrap().clone();
    let name = |page: &Value| {
        let page = page.as_str().unwrap().replace('\\', "/");
        let page = page.strip_prefix("man/hrfeed").unwrap();
        page.strip_suffix(".1").unwrap().replace('-', " ")
    };
    let names = pages.iter().map(name);
    names.map(|name| name.trim().to_owned()).collect()
}

/// Checks what every object has, whatever the command.
#[track_caller]
fn assert_object(ran: &Ran, command: &Value) {
    let object = ran.json();
    assert_eq!(object["schema"], 1, "{object:#}");
    assert_eq!(object["hrfeed"], env!("CARGO_PKG_VERSION"), "{object:#}");
    assert_eq!(&object["command"], command, "{object:#}");
    assert!(object["notes"].is_array(), "{object:#}");
    let message = object["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.contains('\n'), "{object:#}");
    assert_eq!(object["exit_code"], ran.code, "{object:#}");
}

#[test]
fn every_command_prints_one_object_however_it_ends() {
    let world = with_hold();
    let cases = CASES.iter().map(|case| case.command.to_owned());
    let shown_elsewhere = ["", "resume", "sandbox"].map(str::to_owned);
    let all: BTreeSet<_> = cases.chain(shown_elsewhere).collect();
    assert_eq!(commands(&world), all, "a command has no case");
    for case in CASES {
        let command = Value::from(case.command);
        let good = world.json_of(case.command, case.good);
        // The runs of this world held people.
        assert!([0, 4].contains(&good.code), "{}: {good:#?}", case.command);
        assert_object(&good, &command);
        if let Some((code, bad)) = case.bad {
            let bad = world.json_of(case.command, bad).exits(code);
            assert_object(&bad, &command);
            // What `doctor` finds is its result, and no error.
            let is_error = case.command != "doctor";
            assert_eq!(bad.stderr.starts_with("error: "), is_error, "{bad:#?}");
        }
    }
}

#[test]
fn arguments_that_are_wrong_make_one_object_wherever_json_is() {
    let world = World::new(Kmi);
    for command in commands(&world) {
        let words: Vec<_> = command.split_whitespace().collect();
        let named = if command.is_empty() {
            Value::Null
        } else {
            Value::from(command.as_str())
        };
        for arguments in [
            [words.as_slice(), &["--no-such-option", "--json"]].concat(),
            [&["--json"], words.as_slice(), &["--no-such-option"]].concat(),
            [words.as_slice(), &["--no-such-option", "--json=yes"]].concat(),
        ] {
            let ran = world.run(&arguments).exits(2);
            assert_object(&ran, &named);
            assert!(ran.stderr.starts_with("error: "), "{ran:#?}");
        }
    }
    // A value is not a command, and what follows `--` is not an option.
    let ran = crate::support::run(&["--journal", "runs", "check", "--bad", "--json"]);
    assert_object(&ran.exits(2), &Value::from("check"));
    let ran = crate::support::run(&["check", "--bad", "--", "--json"]).exits(2);
    assert_eq!(ran.stdout, "");
    // The form of the log changes nothing on stdout.
    let ran = world.run(&["check", "--bad", "--json", "--log-format", "json"]);
    assert_object(&ran.exits(2), &Value::from("check"));
}

#[test]
fn a_resumed_run_prints_one_object_and_so_does_one_that_is_not_there() {
    let world = World::new(Kmi).target("requests_per_second = 2");
    world.feed(&Feed::of(4));
    let stopped = world.import_with(&["--deadline", "2s"]).exits(5);
    assert_object(&stopped, &Value::from("import"));
    let resume = Value::from("resume");
    assert_object(&world.json_of("resume", &[]).exits(0), &resume);
    assert_object(&world.json_of("resume", &["77"]).exits(2), &resume);
}

#[test]
fn a_sandbox_prints_one_object_once_it_listens() {
    let world = World::new(Kmi);
    let run = world.start(&["sandbox", "--port", "0", "--json"]);
    wait_until("it listens", || run.read("stdout").ends_with('\n'));
    let stdout = run.read("stdout");
    run.kill();
    let ran = Ran {
        code: 0,
        stdout,
        stderr: String::new(),
    };
    let sandbox = Value::from("sandbox");
    assert_object(&ran, &sandbox);
    assert!(ran.json()["port"].as_u64().unwrap() > 0, "{ran:#?}");
    let bad = world.json_of("sandbox", &["--errors", "3"]).exits(2);
    assert_object(&bad, &sandbox);
}

#[test]
fn rows_are_lines_on_stdout_and_one_object_about_a_file() {
    let world = World::new(Kmi);
    let feed = Feed::of(3).change(1, |person| person.email = "no address".into());
    world.import_feed(&feed).exits(3);
    let lines = world.run(&["rows", "--json"]).exits(0).json_lines();
    assert_eq!(lines.len(), 3);
    for (name, begin) in [
        ("rows.csv", "row,external_id,"),
        ("rows.json", "{\"row\":2,"),
        ("rows", "{\"row\":2,"),
    ] {
        let ran = world.run(&["rows", "-o", name, "--json"]).exits(0);
        assert_object(&ran, &Value::from("rows"));
        let object = ran.json();
        assert_eq!((&object["rows"], &object["run"]), (&3.into(), &"1".into()));
        assert_eq!(object["output"], name);
        let written = std::fs::read_to_string(world.path(name)).unwrap();
        assert!(written.starts_with(begin), "{name}: {written}");
    }
    let to_hr = world.run(&["rows", "--as-feed", "-o", "to-hr.csv", "--json"]);
    assert_object(&to_hr, &Value::from("rows"));
    assert_eq!(to_hr.exits(0).json()["rows"], 1);
    let nowhere = world.run(&["rows", "--as-feed", "--json"]).exits(2);
    assert_object(&nowhere, &Value::from("rows"));
}

#[test]
fn rows_that_cannot_be_read_to_their_end_end_with_an_object_that_says_so() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(3)).exits(0);
    world.change_journal("UPDATE rows SET action = 99 WHERE row = 4");
    let lines = world.run(&["rows", "--json"]).exits(1).json_lines();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert_eq!(
        (&lines[1]["row"], &lines[2]["exit_code"]),
        (&3.into(), &1.into())
    );
    assert_eq!(lines[2]["command"], "rows");
}

#[test]
fn a_plan_that_cannot_be_kept_ends_as_its_object_says() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(2));
    std::fs::create_dir(world.path("folder")).unwrap();
    let arguments = [
        "people.csv",
        "-m",
        "mapping.toml",
        "--out",
        "folder/no/plan.json",
    ];
    let ran = world.json_of("plan", &arguments).exits(1);
    assert_object(&ran, &Value::from("plan"));
}
