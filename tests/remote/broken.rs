//! Lines to other machines that break.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hrfeed::clock;

use crate::servers::{Breaks, OpenSsh, free_port, line, s3};
use crate::support::{side_by_side, wait_until};
use crate::{csv, fails, import, read, world};

/// How long a server may be silent in these tests.
const SHORT: &str = "timeout = \"2s\"\nconnect_timeout = \"2s\"\n";

#[test]
fn a_line_that_breaks_at_any_moment_ends_the_run_and_reads_nothing() {
    let server = OpenSsh::start();
    // So many that most breaks are in the middle of the file.
    server.write("people.csv", csv(20_000));
    let server = &server;
    side_by_side([0, 500, 2_000, 4_000, 200_000, 1_000_000].map(|after| {
        move || {
            for breaks in [Breaks::Silent, Breaks::Cut] {
                let (port, came) = line(server.port, after, breaks);
                let world = world("", &format!("{}{SHORT}", server.settings()));
                let began = clock::monotonic();
                fails(
                    &world,
                    &server.address_at(port, "people.csv"),
                    &[],
                    (5, "no answer"),
                );
                assert!(
                    began.elapsed() < Duration::from_secs(30),
                    "{:?}",
                    began.elapsed()
                );
                assert!(came.load(Ordering::SeqCst) >= 1);
            }
        }
    }));
}

#[test]
fn a_web_server_that_goes_silent_or_away_is_not_waited_for_for_ever() {
    let server = s3();
    side_by_side([Breaks::Silent, Breaks::Cut].map(|breaks| {
        let port = server.port;
        move || {
            for after in [0, 100] {
                let (port, _) = line(port, after, breaks);
                let web = world("", SHORT);
                let address = format!("http://127.0.0.1:{port}/moto-api/data.json");
                fails(&web, &address, &[], (5, "no answer"));
                let settings = format!(
                    "{SHORT}endpoint = \"http://127.0.0.1:{port}\"\n\
                     access_key = {{ env = \"ACCESS\" }}\nsecret_key = {{ env = \"SECRET\" }}"
                );
                let objects = world("", &settings);
                let secrets = [("ACCESS", "key"), ("SECRET", "s3cret")];
                fails(
                    &objects,
                    "s3://exports/people.csv",
                    &secrets,
                    (5, "no answer"),
                );
            }
        }
    }));
}

#[test]
fn a_host_that_is_down_or_unknown_is_told_from_one_another() {
    let closed = free_port();
    let sftp = "user = \"hr\"\npassword = { env = \"SECRET\" }";
    let secret = [("SECRET", "s3cret")];
    let down = format!("127.0.0.1:{closed}/x.csv");
    fails(
        &world("", sftp),
        &format!("sftp://{down}"),
        &secret,
        (5, "no answer"),
    );
    fails(
        &world("", ""),
        &format!("https://{down}"),
        &[],
        (5, "no answer"),
    );
    // Never to be given to anybody (RFC 6761).
    fails(
        &world("", sftp),
        "sftp://hr.invalid/x",
        &secret,
        (7, "the host was not found"),
    );
    fails(
        &world("", ""),
        "https://hr.invalid/x",
        &[],
        (7, "the host was not found"),
    );
}

#[test]
fn ctrl_c_ends_a_download_at_once() {
    let server = OpenSsh::start();
    server.write("people.csv", csv(20_000));
    for after in [100, 500_000] {
        let (port, came) = line(server.port, after, Breaks::Silent);
        let world = world("", &server.settings());
        let address = server.address_at(port, "people.csv");
        let run = world.start(&["import", &address, "-m", "mapping.toml", "--json"]);
        wait_until("a connection", || came.load(Ordering::SeqCst) > 0);
        std::thread::park_timeout(Duration::from_millis(500));
        let began = clock::monotonic();
        run.interrupt();
        let ran = run.wait().exits(5);
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
        assert!(ran.stderr.contains("stopped"), "{ran:#?}");
    }
}

#[test]
fn no_more_is_copied_than_a_feed_may_have() {
    let server = OpenSsh::start();
    let small = world("max_feed = \"10 kB\"", &server.settings());
    server.write("people.csv", csv(1000));
    fails(
        &small,
        &server.address("people.csv"),
        &[],
        (1, "it is larger than 10.0 kB"),
    );
    server.write("people.csv", csv(10));
    read(&small, &server.address("people.csv"), &[]);
    server.write("empty.csv", "");
    fails(&small, &server.address("empty.csv"), &[], (1, "is empty"));
}

#[test]
fn a_file_that_changes_while_it_is_copied_is_copied_again_or_refused() {
    let server = OpenSsh::start();
    let path = server.write("people.csv", csv(10));
    let world = world("", &server.settings());
    let address = server.address("people.csv");
    // It grows all the time: sometimes within a copy, sometimes between two.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let line = csv(1);
            while !stop.load(Ordering::SeqCst) {
                use std::io::Write as _;
                let file = std::fs::OpenOptions::new().append(true).open(&path);
                file.unwrap().write_all(&line).unwrap();
                std::thread::park_timeout(Duration::from_millis(1));
            }
        });
        let ran = world.changes_nothing(|world| import(world, &address, &[]));
        stop.store(true, Ordering::SeqCst);
        let ran = ran.exits(1);
        assert!(
            ran.stderr.contains("changed while it was fetched"),
            "{ran:#?}"
        );
    });
}
