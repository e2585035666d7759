//! What a long or hostile answer takes, and what is said of the limits of the
//! machine.
//!
//! Memory is measured on Linux only, where the system knows its peak.

use std::io::{Read as _, Write};
use std::net::{TcpListener, TcpStream};

use hrfeed::sandbox::SandboxOptions;

use crate::hostile::measured;
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, IMPORT, Ran, World, on_each_system, side_by_side};

/// A world whose LMS answers every request like this, and then hangs up.
fn answering(system: System, answer: impl Fn(&mut TcpStream) + Send + 'static) -> World {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4_096];
            if stream.read(&mut request).is_ok() {
                answer(&mut stream);
            }
        }
    });
    let world = World::new(system)
        .target("max_outage = \"1s\"\ntimeout = \"20s\"")
        .at(&format!("http://127.0.0.1:{port}/"));
    world.feed(&Feed::of(12));
    world
}

/// Writes a head, and pieces until the client has had enough.
fn send(stream: &mut TcpStream, pieces: impl IntoIterator<Item = String>) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    let mut written = stream.write_all(head.as_bytes());
    for piece in pieces {
        if written.is_err() {
            break;
        }
        written = stream.write_all(piece.as_bytes());
    }
}

/// Imports a dozen people. Returns how it ended and the most memory that it took.
fn imported(people: u64) -> (Ran, u64) {
    let options = SandboxOptions {
        people,
        ..SandboxOptions::default()
    };
    // However slow the machine is, an answer of many megabytes has its time.
    let world = World::with(AnewSpring, options).target("timeout = \"60s\"");
    world.feed(&Feed::of(12));
    measured(&world, IMPORT)
}

#[test]
fn memory_does_not_grow_with_the_people_of_the_lms() {
    let (ran, little) = imported(0);
    assert_eq!(ran.exits(0).count("created"), 12);
    let (ran, much) = imported(60_000);
    assert_eq!(ran.exits(0).count("created"), 12);
    assert!(
        much <= little + 24,
        "{little} MiB, and {much} MiB for 60,000 people"
    );
}

/// With the program as users have it:
/// `cargo test --release --test program half_a_million -- --ignored --nocapture`.
#[test]
#[ignore = "it takes a minute"]
fn half_a_million_people_on_the_lms_take_less_than_60_megabytes() {
    let (ran, peak) = imported(500_000);
    assert_eq!(ran.exits(0).count("created"), 12);
    assert!(peak < 60, "{peak} MiB");
}

#[test]
fn a_list_that_is_cut_off_is_not_the_whole_list() {
    // It ends without a word: only its last bytes say whether it is whole.
    let somebody = format!(r#"{{"uid":"1","x":"{}"}}"#, "x".repeat(1_000));
    let many = format!("{somebody},").repeat(3_000);
    let bodies = [
        r#"{"users":["#.to_owned(),
        r#"{"users":[{"id":"E90000","uid":"1","login":"x"}"#.to_owned(),
        format!(r#"{{"users":[{many}"#),
        format!(r#"{{"users":[{many}{somebody}]"#),
    ];
    side_by_side(bodies.map(|body| {
        move || {
            let world = answering(AnewSpring, move |stream| send(stream, [body.clone()]));
            let (ran, _) = measured(&world, IMPORT);
            let ran = ran.exits(5);
            assert!(ran.stderr.contains("no usable answer"), "{ran:#?}");
            assert_eq!(ran.count("created"), 0);
        }
    }));
}

#[test]
fn hostile_answers_of_many_megabytes_take_no_memory() {
    let answers = [
        (AnewSpring, r#"{"users":[{"id":""#, "x"),
        (AnewSpring, r#"{"users":[{"uid":"#, "["),
        (AnewSpring, r#"{"users":[{"uid":"1","#, r#""x":1,"#),
        (AnewSpring, "", " "),
        (Kmi, r#"[{"id":""#, "x"),
        (Kmi, r#"[{"externalId":"#, "["),
        (Kmi, "[", r#"{"id":1},"#),
    ];
    side_by_side(answers.map(|(system, begin, piece)| {
        move || {
            let piece = piece.repeat((1 << 20) / piece.len());
            let world = answering(system, move |stream| {
                let pieces = std::iter::repeat_n(piece.clone(), 40);
                send(stream, std::iter::once(begin.to_owned()).chain(pieces));
            });
            let (ran, peak) = measured(&world, IMPORT);
            assert!(peak <= 120, "{peak} MiB for {begin}");
            let ran = ran.exits(5);
            assert!(ran.stderr.len() < 1_000, "{ran:#?}");
        }
    }));
}

/// Runs the program under a limit of the shell.
#[cfg(unix)]
fn limited(world: &World, limit: &str, arguments: &[&str]) -> Ran {
    let program = world.command(arguments);
    let script = format!("ulimit {limit}; exec \"$0\" \"$@\"");
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(script);
    shell.arg(program.get_program()).args(program.get_args());
    if let Some(folder) = program.get_current_dir() {
        shell.current_dir(folder);
    }
    shell.env_clear();
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    let output = shell.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[cfg(unix)]
#[test]
fn a_process_that_may_open_too_few_files_says_so() {
    on_each_system(|system| {
        // With fewer the system cannot even load the program.
        for files in [6, 8, 11, 14, 17, 20, 28, 34] {
            let world = World::new(system).target("max_outage = \"1s\"");
            world.feed(&Feed::of(5));
            let ran = limited(&world, &format!("-n {files}"), IMPORT).exits(1);
            assert!(ran.stderr.contains("may open only"), "{ran:#?}");
            assert!(ran.stderr.contains("ulimit -n"), "{ran:#?}");
            assert_eq!(ran.json()["exit_code"], 1);
        }
        let world = World::new(system);
        world.feed(&Feed::of(5));
        let ran = limited(&world, "-n 64", IMPORT).exits(0);
        assert_eq!(ran.count("created"), 5);
    });
}

/// What is wrong with a feed is kept, but not the whole of a value without an end.
#[test]
fn a_feed_of_long_wrong_values_takes_little_memory() {
    let columns = "Employee ID,Work e-mail,First name,Last name,Login,City,Country,End date,Status";
    let address = "y".repeat(30_000);
    let row = |row: u32| format!("E{row},{address},A,B,u{row},,,,Employee");
    let rows: Vec<_> = std::iter::once(columns.to_owned())
        .chain((0..4_000).map(row))
        .collect();
    let world = World::new(Kmi);
    world.write_mapping();
    world.write("people.csv", rows.join("\n"));
    let (ran, peak) = measured(&world, &["check", "people.csv", "-m", "mapping.toml"]);
    ran.exits(3);
    assert!(peak < 100, "{peak} MiB");
    // It takes seconds, so it was seen.
    assert!(peak > 0 || !cfg!(target_os = "linux"));
}

/// A file that may not grow is told like a full disk, and not by a signal that ends the
/// process.
#[cfg(unix)]
#[test]
fn a_limit_on_the_size_of_files_is_an_error_of_the_journal_and_resume_continues() {
    let world = World::new(Kmi);
    let feed = Feed::of(2_000);
    world.feed(&feed);
    let ran = limited(&world, "-f 240", IMPORT).exits(1);
    assert!(ran.stderr.contains("failed to use journal"), "{ran:#?}");
    world.resume().exits(0);
    world.assert_everyone_once(&feed);
}

#[test]
fn a_page_of_more_than_a_page_may_have_is_no_page() {
    let world = answering(Kmi, |stream| {
        let people = (0..20_000).map(|id| format!("{{\"id\":{id}}},"));
        let pieces = std::iter::once("[".to_owned()).chain(people);
        send(stream, pieces.chain([r#"{"id":1}]"#.to_owned()]));
    });
    let (ran, _) = measured(&world, IMPORT);
    let ran = ran.exits(5);
    assert!(
        ran.stderr.contains("the answer is not the API's"),
        "{ran:#?}"
    );
}

#[test]
fn a_list_that_never_ends_ends_an_import_that_must_read_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4_096];
            let read = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let number = |name: &str| -> u64 {
                let rest = request.split_once(name).map_or("", |it| it.1);
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().unwrap_or_default()
            };
            let (offset, limit) = (number("offset="), number("limit="));
            // Whatever is asked for, a full page of people who were not there before.
            let people = (offset..offset + limit).map(|id| format!("{{\"id\":{id}}}"));
            let people = people.collect::<Vec<_>>().join(",");
            send(&mut stream, [format!("[{people}]")]);
        }
    });
    let world = World::new(Kmi)
        .parts("[adopt]\nby = \"loginName\"")
        .at(&format!("http://127.0.0.1:{port}/"));
    world.feed(&Feed::of(12));
    let ran = world.import().exits(7);
    assert!(
        ran.stderr.contains("list of people does not end"),
        "{ran:#?}"
    );
    assert_eq!(ran.count("created"), 0);
}
