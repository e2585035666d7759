//! Who hears that a run begins, and how it ended: a command, and an address that is pinged.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use crate::support::System::Kmi;
#[cfg(target_os = "linux")]
use crate::support::disk::SmallDisk;
use crate::support::{Feed, Ran, World, on_each_system, wait_until};

/// The variable that has the address.
const URL: &str = "HRFEED_TEST_PING";

/// A service that watches scheduled jobs. It answers each request with the next of its
/// statuses, and then with 200.
struct Receiver {
    address: String,
    came: Arc<Mutex<Vec<(String, String)>>>,
}

impl Receiver {
    fn answering(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!(
            "http://{}/pings/s3cret-token",
            listener.local_addr().unwrap()
        );
        let came = Arc::new(Mutex::new(Vec::new()));
        let (into, statuses) = (Arc::clone(&came), statuses.to_vec());
        let mut statuses = statuses.into_iter();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut line, mut length) = (String::new(), 0);
                let mut first = String::new();
                loop {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                    if first.is_empty() {
                        first.clone_from(&line);
                    }
                    let header = line.to_lowercase();
                    if let Some(value) = header.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let path = first.split(' ').take(2).collect::<Vec<_>>().join(" ");
                let body = String::from_utf8(body).unwrap();
                into.lock().unwrap().push((path, body));
                let status = statuses.next().unwrap_or(200);
                let _gone = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:1/\r\n\
                     content-length: 0\r\nconnection: close\r\n\r\n"
                );
            }
        });
        Self { address, came }
    }

    /// What came since the last question, without what all have: `start` or `fail`, or nothing.
    fn paths(&self) -> Vec<String> {
        let came = std::mem::take(&mut *self.came.lock().unwrap());
        let of = |(path, _): (String, String)| {
            let path = path.strip_prefix("POST /pings/s3cret-token").unwrap();
            path.trim_start_matches('/').to_owned()
        };
        came.into_iter().map(of).collect()
    }

    fn bodies(&self) -> Vec<String> {
        let came = std::mem::take(&mut *self.came.lock().unwrap());
        came.into_iter().map(|(_, body)| body).collect()
    }
}

fn run(world: &World, receiver: &Receiver, arguments: &[&str]) -> Ran {
    let mut command = world.command(arguments);
    Ran::of(command.env(URL, &receiver.address).output().unwrap())
}

const IMPORT: &[&str] = &["import", "people.csv", "-m", "mapping.toml", "--json"];

/// Where the mapping finds the address.
const PINGED: &str = "[notify]\nurl = { env = \"HRFEED_TEST_PING\" }";

#[test]
fn a_watcher_hears_that_a_run_begins_and_how_it_ends() {
    on_each_system(|system| {
        let receiver = Receiver::answering(&[]);
        let world = World::new(system).parts(PINGED);
        world.feed(&Feed::of(20));
        run(&world, &receiver, IMPORT).exits(0);
        assert_eq!(receiver.paths(), ["start", ""]);
        // Rows that HR has to correct are no alarm.
        world.feed(&Feed::of(20).change(4, |person| person.email = "nobody".into()));
        run(&world, &receiver, IMPORT).exits(3);
        assert_eq!(
            receiver.bodies(),
            [
                "",
                "Import finished. 19 people are up to date; 1 row was rejected.\nexit code 3, run 2\n"
            ]
        );
        // A feed that looks sick is one.
        world.feed(&Feed::of(3));
        run(&world, &receiver, IMPORT).exits(4);
        assert_eq!(receiver.paths(), ["start", "fail"]);
        run(&world, &receiver, &["resume"]).exits(4);
        assert_eq!(receiver.paths(), ["start", "fail"]);
    });
}

#[test]
fn a_run_that_ends_before_it_begins_is_an_alarm_too() {
    let receiver = Receiver::answering(&[]);
    let world = World::new(Kmi).parts(PINGED);
    // No feed.
    let ran = run(&world, &receiver, &IMPORT[..4]).exits(1);
    assert_eq!(receiver.paths(), ["start", "fail"]);
    assert!(ran.stderr.starts_with("error: "), "{ran:#?}");
    // No key.
    world.feed(&Feed::of(3));
    let mut command = world.command(IMPORT);
    command
        .env(URL, &receiver.address)
        .env_remove(crate::support::KEY);
    Ran::of(command.output().unwrap()).exits(2);
    assert_eq!(receiver.paths(), ["start", "fail"]);
    // A place for figures that cannot be.
    world.write("people.prom", "node_load1 0.5\n");
    run(
        &world,
        &receiver,
        &[IMPORT, &["--metrics", "people.prom"]].concat(),
    )
    .exits(2);
    assert_eq!(receiver.paths(), ["start", "fail"]);
    // A mapping that is wrong elsewhere.
    let wrong = world.mapping().replace("externalId", "externalID");
    world.write("mapping.toml", wrong);
    let ran = run(&world, &receiver, IMPORT).exits(2);
    assert_eq!(receiver.paths(), ["start", "fail"]);
    assert_eq!(ran.json()["state"], "failed");
}

#[test]
fn what_changes_nothing_notifies_nobody() {
    let receiver = Receiver::answering(&[]);
    let world = World::new(Kmi).parts(PINGED);
    world.feed(&Feed::of(3));
    for arguments in [
        &["check", "people.csv", "-m", "mapping.toml"][..],
        &["plan", "people.csv", "-m", "mapping.toml"],
        &["import", "people.csv", "-m", "mapping.toml", "--dry-run"],
        &["import", "people.csv", "-m", "mapping.toml", "--sandbox"],
        &["audit", "-m", "mapping.toml"],
    ] {
        run(&world, &receiver, arguments).exits(0);
        assert_eq!(receiver.paths(), [""; 0], "{arguments:?}");
    }
}

#[test]
fn a_ping_that_does_not_arrive_is_a_note_without_the_address() {
    let world = World::new(Kmi).parts(PINGED);
    world.feed(&Feed::of(3));
    // What may pass is tried again, once; what does not, and a redirect, is not.
    for (statuses, came, warned) in [
        (&[200, 503][..], &["start", "", ""][..], None),
        (&[200, 503, 503], &["start", "", ""], Some("HTTP 503")),
        (&[200, 404], &["start", ""], Some("HTTP 404")),
        (&[200, 302], &["start", ""], Some("HTTP 302")),
    ] {
        let receiver = Receiver::answering(statuses);
        let ran = run(&world, &receiver, &[IMPORT, &["-vvv"]].concat()).exits(0);
        assert_eq!(receiver.paths(), came);
        let about = |it: &&String| it.contains("how the run ended (`url` in [notify])");
        let notes = ran.notes();
        let note = notes.iter().find(about);
        assert_eq!(note.is_some(), warned.is_some(), "{ran:#?}");
        if let Some((note, why)) = note.zip(warned) {
            assert!(note.ends_with(why), "{note}");
            assert!(ran.stderr.contains(&format!("note: {note}\n")), "{ran:#?}");
        }
        assert!(!ran.said().contains("s3cret"), "{ran:#?}");
    }
    // Nobody there.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let receiver = Receiver {
        address: format!("http://{free}/pings/s3cret-token"),
        came: Arc::default(),
    };
    let ran = run(&world, &receiver, &IMPORT[..4]).exits(0);
    let lines = ran.stderr.matches("`url` in [notify]").count();
    assert_eq!(lines, 2, "start and end, once each: {ran:#?}");
    assert!(!ran.said().contains(&free.port().to_string()), "{ran:#?}");
    for file in fs::read_dir(world.folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let has = bytes.windows(6).any(|it| it == b"s3cret");
        assert!(!has, "the address is in a file");
    }
}

#[test]
fn an_address_that_cannot_be_pinged_is_a_note_and_the_run_goes_on() {
    let world = World::new(Kmi).parts(PINGED);
    world.feed(&Feed::of(3));
    for (address, why) in [
        ("http://hc.example/s3cret", "must begin with https://"),
        ("s3cret", "not a web address"),
        ("", "is empty"),
    ] {
        let receiver = Receiver {
            address: address.into(),
            came: Arc::default(),
        };
        let ran = run(&world, &receiver, IMPORT).exits(0);
        let notes = ran.notes().join("\n");
        assert!(notes.contains("nothing is pinged"), "{notes}");
        assert!(notes.contains(why), "{notes}");
        assert!(!ran.said().contains("s3cret"), "{ran:#?}");
    }
    let ran = world.import().exits(0);
    assert!(ran.stderr.contains("HRFEED_TEST_PING"), "{ran:#?}");
    // The address itself is none of the mapping's.
    let world = world.parts("[notify]\nurl = \"https://hc.example/s3cret\"");
    let ran = world.import().exits(2);
    assert!(
        ran.stderr.contains("must say where the secret is"),
        "{ran:#?}"
    );
}

#[cfg(unix)]
#[test]
fn a_command_gets_the_summary_and_learns_which_holds_are_new() {
    on_each_system(|system| {
        let script = "#!/bin/sh\ncat > summary.json\nenv > environment\necho to-nobody\n";
        let world = World::new(system).parts(
            "[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = 1\n\
             [notify]\ncommand = [\"./tell.sh\", \"two words\"]",
        );
        executable(&world, "tell.sh", script);
        world.import_feed(&Feed::of(20)).exits(0);
        let heard = |ran: &Ran| {
            let summary = fs::read_to_string(world.path("summary.json")).unwrap();
            assert_eq!(summary, ran.stdout, "exactly what --json prints");
            let environment = fs::read_to_string(world.path("environment")).unwrap();
            // What the mapping names.
            let is_named = |hidden: &&str| *hidden != "test-s3cret" || system == Kmi;
            for hidden in ["HRFEED_TEST_KEY", "test-key", "test-s3cret"]
                .iter()
                .filter(|it| is_named(it))
            {
                assert!(
                    !environment.contains(hidden),
                    "{hidden} is in its environment"
                );
            }
            let of = |name: &str| {
                let mut lines = environment.lines();
                let found = lines.find_map(|line| line.strip_prefix(&format!("{name}=")));
                found.map_or_else(|| panic!("{name}"), str::to_owned)
            };
            assert_eq!(
                of("HRFEED_MAPPING"),
                ran.json()["mapping"].as_str().unwrap()
            );
            assert_eq!(of("HRFEED_JOURNAL"), world.arg("journal.db"));
            ["EXIT_CODE", "RUN", "STATE", "NEW_HOLDS"].map(|it| of(&format!("HRFEED_{it}")))
        };
        world.feed(&Feed::of(17));
        // Held for the first time, held again, and others besides.
        assert_eq!(heard(&world.import().exits(4)), ["4", "2", "finished", "1"]);
        assert_eq!(heard(&world.import().exits(4)), ["4", "3", "finished", "0"]);
        world.feed(&Feed::of(16));
        assert_eq!(heard(&world.import().exits(4)), ["4", "4", "finished", "1"]);
        // No run, no number.
        world.write("people.csv", "");
        let ran = world.import().exits(1);
        assert_eq!(heard(&ran), ["1", "", "failed", "0"]);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_cannot_record_its_end_says_it_to_everybody_who_asks() {
    let world = World::new(Kmi).parts("[notify]\ncommand = \"./tell.sh\"");
    let Some(disk) = SmallDisk::mount(world.path("disk"), 240) else {
        // Only root may mount, and not in every container.
        return;
    };
    let script = "#!/bin/sh\ncat > summary.json\nenv > environment\n";
    executable(&world, "tell.sh", script);
    let feed = Feed::of(3_000);
    world.feed(&feed);
    let journal = disk.0.join("small.db");
    let import = [IMPORT, &["--metrics", "hrfeed.prom"]].concat();
    let ran = world.run_with(&import, &journal).exits(1);
    let object = ran.json();
    let full = "the disk is full";
    assert!(
        object["message"].as_str().unwrap().contains(full),
        "{ran:?}"
    );
    assert_eq!(
        (&object["state"], &object["exit_code"]),
        (&"failed".into(), &1.into())
    );
    assert!(object["ended"].is_string(), "{ran:?}");
    assert!(object["elapsed_seconds"].as_f64().unwrap() > 0.0);
    // Those that the LMS got, also if the journal does not know what became of them.
    let calls = &object["calls"]["total"];
    assert_eq!(calls.as_u64(), Some(world.lms.stats().requests()));
    let summary = fs::read_to_string(world.path("summary.json")).unwrap();
    assert_eq!(summary, ran.stdout);
    let environment = fs::read_to_string(world.path("environment")).unwrap();
    for line in ["HRFEED_STATE=failed", "HRFEED_EXIT_CODE=1", "HRFEED_RUN=1"] {
        assert!(environment.lines().any(|it| it == line), "{environment}");
    }
    let metrics = fs::read_to_string(world.path("hrfeed.prom")).unwrap();
    let figures: Vec<_> = metrics.lines().filter(|it| !it.starts_with('#')).collect();
    let has = |name: &str, value: &str| {
        let is_it = |it: &&str| it.starts_with(name) && it.ends_with(&format!(" {value}"));
        assert!(figures.iter().any(is_it), "{name}: {figures:#?}");
    };
    has("hrfeed_exit_code", "1");
    has("hrfeed_calls_total", &calls.to_string());
    assert!(
        !figures
            .iter()
            .any(|it| it.starts_with("hrfeed_last_success"))
    );
    // There may have been room for as little as the end.
    let shown = world
        .run_with(&["show", "--json"], &journal)
        .exits(0)
        .json();
    if shown["state"] == "failed" {
        for field in ["message", "exit_code", "calls", "ended", "elapsed_seconds"] {
            assert_eq!(shown[field], object[field], "{field}");
        }
    } else {
        let message = "the run was killed, or its end could not be recorded";
        assert_eq!(
            (&shown["state"], &shown["message"]),
            (&"interrupted".into(), &message.into())
        );
    }
    disk.remount("size=20000k");
    world.run_with(&["resume"], &journal).exits(0);
    world.assert_everyone_once(&feed);
}

#[cfg(unix)]
fn executable(world: &World, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = world.write(name, script);
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_hangs_or_is_missing_changes_nothing_but_a_note() {
    use std::time::Duration;

    use hrfeed::clock;

    let mut world = World::new(Kmi);
    world.feed(&Feed::of(3));
    for (command, why) in [
        (
            "[\"sh\", \"-c\", \"echo no such list >&2; exit 3\"]",
            "no such list",
        ),
        (
            "[\"sh\", \"-c\", \"sleep 1000\"]\ntimeout = \"1s\"",
            "more than 1 second",
        ),
        ("\"no-such-program\"", "cannot be started"),
        ("\"mail -s x\"", "arguments are words of their own"),
        ("\"mapping.toml\"", "cannot be started"),
    ] {
        let begun = clock::monotonic();
        world = world.parts(&format!("[notify]\ncommand = {command}"));
        let ran = world.import().exits(0);
        assert!(begun.elapsed() < Duration::from_secs(20));
        let notes = ran.notes();
        let about = |it: &&String| it.starts_with("the `command` in [notify] did not do its work");
        let note = notes
            .iter()
            .find(about)
            .unwrap_or_else(|| panic!("{ran:#?}"));
        assert!(note.contains(why), "{note}");
        // For people the summary comes first.
        let ran = world.run(&IMPORT[..4]).exits(0);
        assert_eq!(ran.stderr.matches("[notify]").count(), 1, "{ran:#?}");
        assert!(ran.stdout.contains("No changes: all 3 people"), "{ran:#?}");
    }
}

#[test]
fn a_watcher_hears_of_a_run_before_it_waits_and_that_it_waited_in_vain() {
    let receiver = Receiver::answering(&[]);
    let world = World::new(Kmi)
        .target("requests_per_second = 1")
        .parts(PINGED);
    world.feed(&Feed::of(60));
    // Nobody hears of this one: it has no address.
    let mut first = world.command(IMPORT);
    let mut first = (first.stdout(Stdio::null()).stderr(Stdio::null()))
        .spawn()
        .unwrap();
    wait_until("the first run asks the LMS", || {
        world.lms.stats().requests() > 0
    });
    let mut second = world.command(&[IMPORT, &["--wait", "2s"]].concat());
    second.env(URL, &receiver.address).stdout(Stdio::piped());
    let mut second = second.stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the start is said", || {
        !receiver.came.lock().unwrap().is_empty()
    });
    assert_eq!(receiver.paths(), ["start"]);
    assert!(second.try_wait().unwrap().is_none(), "it does not wait");
    let ran = Ran::of(second.wait_with_output().unwrap()).exits(6);
    assert_eq!(receiver.paths(), ["fail"], "{ran:#?}");
    first.kill().unwrap();
    first.wait().unwrap();
}
