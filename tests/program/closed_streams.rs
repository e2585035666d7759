//! Whoever reads stdout or stderr goes away: the run goes on to its end.

use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::support::System::Kmi;
use crate::support::{Feed, World, side_by_side};

/// What is said, from nothing to all.
const HOW_LOUD: [&[&str]; 6] = [&["-q"], &[], &["-v"], &["-vv"], &["-vvv"], &["--json"]];

/// Imports thirty people, of whom one is invalid, by way of `run`, which returns the exit
/// code. Checks that the run went to its end.
fn ends_as_always(what: &str, how_loud: &[&str], run: impl FnOnce(Command) -> Option<i32>) {
    let world = World::new(Kmi);
    let feed = Feed::of(30).change(3, |person| person.email.clear());
    world.feed(&feed);
    let import = ["import", "people.csv", "-m", "mapping.toml", "--verify=all"];
    let mut command = world.command(&[&import, how_loud].concat());
    command.stdin(Stdio::null());
    let code = run(command);
    assert_eq!(code, Some(3), "{what} with {how_loud:?}");
    let shown = world.run(&["show", "--json"]).exits(0);
    assert_eq!(
        shown.json()["state"],
        "finished",
        "{what} with {how_loud:?}"
    );
    assert_eq!((shown.count("created"), shown.count("rejected")), (29, 1));
    assert_eq!(world.lms.people().len(), 29);
    world.lms.reset_stats();
    world.import().exits(3);
    assert_eq!(world.lms.stats().requests(), 0, "the journal is whole");
}

#[test]
fn a_reader_that_goes_away_ends_no_run() {
    side_by_side(HOW_LOUD.map(|how_loud| {
        move || {
            // At once, and in mid-run.
            for read in [0, 1] {
                ends_as_always("stderr without a reader", how_loud, |mut command| {
                    let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
                    let mut child = command.spawn().unwrap();
                    let mut stderr = child.stderr.take().unwrap();
                    // A silent run says nothing and closes it.
                    let _silent = stderr.read(&mut [0; 1][..read]).unwrap();
                    drop(stderr);
                    child.wait().unwrap().code()
                });
                ends_as_always("stdout without a reader", how_loud, |mut command| {
                    let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
                    let mut child = command.spawn().unwrap();
                    let mut stdout = child.stdout.take().unwrap();
                    let _silent = stdout.read(&mut [0; 1][..read]).unwrap();
                    drop(stdout);
                    child.wait().unwrap().code()
                });
            }
        }
    }));
}

#[cfg(unix)]
#[test]
fn a_closed_stdout_or_stderr_ends_no_run() {
    side_by_side(HOW_LOUD.map(|how_loud| {
        move || {
            for closed in ["2>&-", ">&-", "<&- >&- 2>&-"] {
                ends_as_always(closed, how_loud, |command| {
                    let mut shell = Command::new("sh");
                    let line = format!("exec \"$0\" \"$@\" {closed}");
                    shell.args(["-c", &line]).arg(command.get_program());
                    shell.args(command.get_args());
                    let set = command.get_envs();
                    shell.envs(set.filter_map(|(name, value)| Some((name, value?))));
                    shell.current_dir(command.get_current_dir().unwrap());
                    shell.stdout(Stdio::null()).stderr(Stdio::null());
                    shell.status().unwrap().code()
                });
            }
        }
    }));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_stdout_or_stderr_ends_no_run() {
    let full = || {
        let device = std::fs::OpenOptions::new().write(true).open("/dev/full");
        device.unwrap()
    };
    side_by_side(HOW_LOUD.map(|how_loud| {
        move || {
            ends_as_always("a full disk behind stderr", how_loud, |mut command| {
                let command = command.stdout(Stdio::null()).stderr(full());
                command.status().unwrap().code()
            });
            ends_as_always("a full disk behind stdout", how_loud, |mut command| {
                let output = command.stdout(full()).stderr(Stdio::piped()).output();
                let output = output.unwrap();
                let stderr = String::from_utf8(output.stderr).unwrap();
                assert!(!stderr.contains("panicked"), "{stderr}");
                let is_told = stderr.contains("cannot write to stdout");
                assert_eq!(is_told, !how_loud.contains(&"-q"), "{stderr}");
                output.status.code()
            });
        }
    }));
}

#[cfg(unix)]
#[test]
fn help_that_nobody_reads_to_its_end_is_no_failure() {
    let world = World::new(Kmi);
    let mut command = world.command(&["import", "--help"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_quiet_command_says_in_one_line_what_was_not_a_success() {
    let world = World::new(Kmi);
    let feed = Feed::of(20).change(4, |person| person.email = "nobody".into());
    world.feed(&feed);
    for command in ["check", "plan", "import"] {
        let arguments = [command, "people.csv", "-m", "mapping.toml", "-q"];
        let ran = world.run(&arguments).exits(3);
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        assert!(ran.stderr.contains("1 "), "{ran:?}");
        // JSON says it itself.
        let ran = world.run(&[&arguments[..], &["--json"]].concat());
        assert_eq!(ran.exits(3).stderr, "");
    }
    world.feed(&Feed::of(20));
    let import = ["import", "people.csv", "-m", "mapping.toml", "-q"];
    assert_eq!(world.run(&import).exits(0).stderr, "");
    // A failure says it once.
    let ran = world.run(&["import", "people.csv", "-m", "no.toml", "-q"]);
    assert_eq!(ran.exits(2).stderr.matches("error:").count(), 1);
}
