//! Feeds of servers of SFTP.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use hrfeed::clock;
use tempfile::TempDir;

use crate::servers::{OpenSsh, async_ssh, user};
use crate::support::System::Kmi;
use crate::support::{Feed, wait_until};
use crate::{csv, fails, import, read, run, sha256_of, world};

/// Makes a file so many minutes older.
fn age(path: &Path, minutes: u64) {
    let file = fs::OpenOptions::new().append(true).open(path).unwrap();
    let time = file.metadata().unwrap().modified().unwrap();
    file.set_modified(time - Duration::from_mins(minutes))
        .unwrap();
}

#[test]
fn the_newest_file_of_a_folder_is_imported_with_a_key() {
    let server = OpenSsh::start();
    let world = world("files = \"newest\"", &server.settings());
    age(&server.write("people-2026-11-24.csv", csv(3)), 3000);
    age(&server.write("people-2026-11-25.csv", csv(5)), 1500);
    age(&server.write("people-2026-11-26.csv.part", csv(9)), 1);
    age(&server.write("other.txt", "x"), 5000);
    age(&server.write("deep/er/staff.csv", csv(2)), 1);
    let newest = server.address("people-2026-11-25.csv");
    for name in ["", "people-*.csv", "people-*", "*-2026-11-2[345].csv", "/"] {
        let address = server.address(name);
        assert_eq!(
            read(&world, &address, &[]).replace("//people", "/people"),
            newest,
            "{name}"
        );
    }
    let ran = import(&world, &server.address("people-*"), &[]).exits(0);
    assert_eq!(
        (ran.count("created"), &ran.json()["feed"]["path"]),
        (5, &newest.into())
    );
    assert_eq!(
        read(&world, &server.address("**/st?ff.csv"), &[]),
        server.address("deep/er/staff.csv")
    );
    assert_eq!(
        read(&world, &server.address("d*/*/*.csv"), &[]),
        server.address("deep/er/staff.csv")
    );
    fails(
        &world,
        &server.address("nobody-*"),
        &[],
        (1, "no file matches"),
    );
    fails(
        &world,
        &server.address("no/folder/*.csv"),
        &[],
        (1, "no file matches"),
    );
    fails(
        &world,
        &server.address("nobody.csv"),
        &[],
        (1, "it is not there"),
    );
    // Where the mapping does not say how, none is chosen.
    let silent = crate::world("", &server.settings());
    fails(
        &silent,
        &server.address("people-*.csv"),
        &[],
        (2, "has 2 files, among them"),
    );
}

#[test]
fn feeds_of_every_format_are_read_as_if_they_were_here() {
    let server = OpenSsh::start();
    let world = world("", &server.settings());
    let feed = Feed::of(4);
    server.write("people.csv", feed.csv(Kmi));
    server.write("people.csv.gz", feed.csv_gz(Kmi));
    server.write("people.xlsx", feed.xlsx(Kmi));
    for name in ["people.csv", "people.csv.gz", "people.xlsx"] {
        let ran = import(&world, &server.address(name), &[]).exits(0);
        assert_eq!(ran.json()["feed"]["rows"], 4, "{name}");
    }
    world.assert_everyone_once(&feed);
    // What the digest is of is the file as it is there.
    let ran = import(&world, &server.address("people.csv.gz"), &[]).exits(0);
    let digest = sha256_of(&feed.csv_gz(Kmi));
    assert_eq!(ran.json()["feed"]["sha256"], digest);
}

#[test]
fn a_name_is_the_name_of_a_file_whatever_is_in_it() {
    let server = OpenSsh::start();
    let world = world("", &server.settings());
    for name in [
        "a b #1 100%.csv",
        "Žofie's [1].csv",
        "q?&x=y.csv",
        "..people.csv",
        "é\u{301}.csv",
    ] {
        let folder = format!("{}/", name.len());
        server.write(&format!("{folder}{name}"), csv(2));
        let whole = server.address(&format!("{folder}{name}"));
        assert_eq!(read(&world, &whole, &[]), whole);
    }
    // What a link leads to counts, and not the folder behind one.
    let out = server.folder.path().join("out");
    server.write("links/real/people.csv", csv(3));
    symlink(
        out.join("links/real/people.csv"),
        out.join("links/today.csv"),
    )
    .unwrap();
    symlink(out.join("links/gone.csv"), out.join("links/broken.csv")).unwrap();
    symlink(out.join("links"), out.join("links/round.csv")).unwrap();
    let today = server.address("links/today.csv");
    assert_eq!(read(&world, &server.address("links"), &[]), today);
    assert_eq!(read(&world, &server.address("links/**/t*.csv"), &[]), today);
}

#[test]
fn a_file_is_read_once_it_is_whole() {
    let server = OpenSsh::start();
    let growing = world("unchanged_for = \"3s\"\nwait = \"1m\"", &server.settings());
    let whole = csv(30);
    let (first, rest) = whole.split_at(whole.len() / 2);
    let path = server.write("people.csv", first);
    let address = server.address("people.csv");
    let run = growing.start(&["import", &address, "-m", "mapping.toml", "--json"]);
    wait_until("a look", || run.has_said("Waiting for the feed"));
    let file = fs::OpenOptions::new().append(true).open(path);
    file.unwrap().write_all(rest).unwrap();
    let ran = run.wait().exits(0);
    assert_eq!(ran.count("created"), 30);

    // The file that says so.
    let done = world("done_file = \".done\"\nwait = \"1m\"", &server.settings());
    let run = done.start(&["import", &address, "-m", "mapping.toml", "--json"]);
    wait_until("a look", || run.has_said("people.csv.done` is not there"));
    server.write("people.csv.done", "");
    assert_eq!(run.wait().exits(0).count("created"), 30);

    // One that comes later.
    let late = world("wait = \"1m\"", &server.settings());
    let address = server.address("late.csv");
    let run = late.start(&["import", &address, "-m", "mapping.toml", "--json"]);
    wait_until("a look", || run.has_said("late.csv` is not there"));
    server.write("late.csv", csv(2));
    assert_eq!(run.wait().exits(0).count("created"), 2);
}

#[test]
fn a_checksum_beside_a_feed_is_verified() {
    let server = OpenSsh::start();
    let plain = world("", &server.settings());
    let address = server.address("people.csv");
    server.write("people.csv", csv(3));
    server.write(
        "people.csv.sha256",
        format!("{}  people.csv\n", "0".repeat(64)),
    );
    fails(&plain, &address, &[], (1, "does not have the checksum"));
    let digest = sha256_of(&csv(3));
    server.write("people.csv.sha256", format!("{digest}  people.csv\n"));
    read(&plain, &address, &[]);
    let required = world("checksum = \".md5\"", &server.settings());
    fails(
        &required,
        &address,
        &[],
        (1, "people.csv.md5` is not there, and `checksum`"),
    );
}

#[test]
fn a_host_is_known_by_its_key_and_no_other_is_spoken_to() {
    let server = OpenSsh::start();
    server.write("people.csv", csv(3));
    let address = server.address("people.csv");
    let fingerprint = server.fingerprint();
    let settings = server.settings();
    let (login, _) = settings.split_once("host_key").unwrap();

    let unknown = world("", login);
    fails(
        &unknown,
        &address,
        &[],
        (7, &format!("the host key {fingerprint} is not known")),
    );
    // The user's own file counts where the mapping says nothing.
    fs::create_dir(unknown.path("home/.ssh")).unwrap();
    fs::write(
        unknown.path("home/.ssh/known_hosts"),
        server.known_host(server.port),
    )
    .unwrap();
    read(&unknown, &address, &[]);

    let file = world("", &format!("{login}host_key = {{ file = \"hosts\" }}"));
    fails(&file, &address, &[], (2, "hosts` cannot be read"));
    file.write("hosts", server.known_host(server.port + 1));
    fails(&file, &address, &[], (7, "is not known"));
    file.write("hosts", server.known_host(server.port));
    read(&file, &address, &[]);
    let other = OpenSsh::start();
    file.write("hosts", other.known_host(server.port));
    fails(&file, &address, &[], (7, "and not the one that is known"));

    let other = format!("SHA256:{}", "a".repeat(43));
    let wrong = world("", &format!("{login}host_key = \"{other}\""));
    fails(
        &wrong,
        &address,
        &[],
        (7, &format!("the host has the key {fingerprint}")),
    );
    let one_of = world(
        "",
        &format!("{login}host_key = [\"{other}\", \"{fingerprint}\"]"),
    );
    read(&one_of, &address, &[]);
}

#[test]
fn whoever_is_not_let_in_is_told_so() {
    let server = OpenSsh::start();
    server.write("people.csv", csv(3));
    let address = server.address("people.csv");
    let host = format!(
        "host_key = \"{}\"\nuser = \"{}\"\n",
        server.fingerprint(),
        user()
    );
    let key = |name: &str| {
        let path = server.folder.path().join(name);
        format!("{host}private_key = {{ file = \"{}\" }}\n", path.display())
    };
    fails(
        &world("", &key("stranger")),
        &address,
        &[],
        (7, "the login was refused"),
    );
    fails(
        &world("", &key("authorized")),
        &address,
        &[],
        (2, "not a private key"),
    );
    fails(
        &world("", &key("locked")),
        &address,
        &[],
        (2, "with the `passphrase`"),
    );
    let locked = format!("{}passphrase = {{ env = \"PHRASE\" }}\n", key("locked"));
    fails(
        &world("", &locked),
        &address,
        &[("PHRASE", "wr0ng")],
        (2, "with the `passphrase`"),
    );
    read(&world("", &locked), &address, &[("PHRASE", "open sesame")]);
    fails(
        &world("", &host),
        &address,
        &[],
        (2, "neither `private_key` nor `password`"),
    );
    fails(&world("", ""), &address, &[], (2, "has no `user`"));
}

#[test]
fn a_password_lets_in_however_the_server_asks_for_it() {
    for method in ["password", "questions"] {
        let folder = TempDir::new().unwrap();
        let server = async_ssh(folder.path(), method);
        fs::create_dir(folder.path().join("out")).unwrap();
        fs::write(folder.path().join("out/people.csv"), csv(3)).unwrap();
        let key = fs::read_to_string(folder.path().join("host.pub")).unwrap();
        let world = world(
            "",
            "user = \"hr\"\npassword = { env = \"PASSWORD\" }\nhost_key = { file = \"hosts\" }",
        );
        world.write("hosts", format!("[127.0.0.1]:{} {key}", server.port));
        let address = format!("sftp://127.0.0.1:{}/out/people.csv", server.port);
        let wrong = [("PASSWORD", "wr0ng h0rse")];
        fails(&world, &address, &wrong, (7, "the login was refused"));
        let right = [("PASSWORD", "correct horse")];
        read(&world, &address, &right);
        // Below the folder in which a login ends.
        let home = format!("sftp://127.0.0.1:{}/~/out", server.port);
        read(&world, &home, &right);
    }
}

#[test]
fn a_run_that_was_interrupted_fetches_the_same_feed_again() {
    let server = OpenSsh::start();
    let world = world("", &server.settings()).target("requests_per_second = 20");
    server.write("people.csv", csv(60));
    let address = server.address("people.csv");
    let run = world.start(&["import", &address, "-m", "mapping.toml", "--json"]);
    wait_until("some people", || world.lms.everybody().len() > 5);
    run.kill();
    // Another feed under that address is not gone on with.
    server.write("people.csv", csv(61));
    let ran = world
        .changes_nothing(crate::support::World::resume)
        .exits(2);
    assert!(ran.stderr.contains("feed"), "{ran:#?}");
    server.write("people.csv", csv(60));
    world.resume().exits(0);
    world.assert_everyone_once(&Feed::of(60));
}

#[test]
fn several_files_of_another_machine_are_one_feed_that_is_resumed() {
    let server = OpenSsh::start();
    let settings = server.settings();
    let world = crate::world("files = \"all\"", &settings).target("requests_per_second = 40");
    let feed = Feed::of(60);
    let (be, nl) = feed.people.split_at(20);
    let csv = |people: &[crate::support::Person]| {
        let people = people.to_vec();
        Feed { people }.csv(Kmi)
    };
    server.write("be.csv", csv(be));
    server.write("nl.csv", csv(nl));
    let run = world.start(&["import", &server.address(""), "-m", "mapping.toml"]);
    wait_until("some people", || world.lms.people().len() > 25);
    run.kill();
    // What came meanwhile is no part of the run.
    server.write("de.csv", csv(&[]));
    let resumed = world.run(&["resume", "--json"]).exits(0).json();
    let files = &resumed["feed"]["files"];
    assert!(files[1].as_str().unwrap().ends_with("/nl.csv"), "{files}");
    world.assert_everyone_once(&feed);
    assert_eq!(world.rows().len(), 60);
    let named = crate::world("files = [\"nl.csv\", \"fr.csv\"]", &settings);
    fails(
        &named,
        &server.address(""),
        &[],
        (1, "fr.csv` is not there"),
    );
}

#[test]
fn a_huge_folder_is_read_in_pieces() {
    let server = OpenSsh::start();
    let world = world("files = \"newest\"", &server.settings());
    for number in 0..20_000 {
        server.write(&format!("old-{number}.log"), "");
    }
    age(&server.write("people-1.csv", csv(2)), 10);
    server.write("people-2.csv", csv(3));
    let began = clock::monotonic();
    assert_eq!(
        read(&world, &server.address("people-*.csv"), &[]),
        server.address("people-2.csv")
    );
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn nothing_secret_is_in_a_log_or_the_journal() {
    let server = OpenSsh::start();
    server.write("people.csv", csv(2));
    let locked = server.folder.path().join("locked");
    let settings = format!(
        "host_key = \"{}\"\nuser = \"{}\"\nprivate_key = {{ file = \"{}\" }}\n\
         passphrase = {{ env = \"PHRASE\" }}\npassword = {{ env = \"PASSWORD\" }}",
        server.fingerprint(),
        user(),
        locked.display()
    );
    let world = world("", &settings);
    let secrets = [("PHRASE", "open sesame"), ("PASSWORD", "s3cret w0rd")];
    let address = server.address("people.csv");
    let ran = run(
        &world,
        &["import", &address, "-m", "mapping.toml", "-vvv"],
        &secrets,
    );
    let said = ran.exits(0).said() + &world.journal_text();
    let key = fs::read_to_string(locked).unwrap();
    let line = key.lines().nth(3).unwrap();
    for secret in ["open sesame", "s3cret w0rd", line, &line.to_lowercase()] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
    assert!(said.contains("logged in to a server of SFTP"), "{said}");
}

#[test]
fn a_secret_in_an_address_is_refused_by_name() {
    let world = world("", "user = \"hr\"");
    for address in [
        "sftp://hr:s3cret@127.0.0.1/x",
        "https://hr:s3cret@127.0.0.1/x",
    ] {
        let ran = import(&world, address, &[]).exits(2);
        assert!(
            ran.stderr
                .contains("must not contain a user name or password"),
            "{ran:#?}"
        );
        assert!(!ran.said().contains("s3cret"), "{ran:#?}");
    }
    let joined = crate::world(
        "",
        "user = \"hr\"\n[[join]]\nfile = \"sftp://h/x\"\non = \"ID\"",
    );
    let not_here = (2, "must be a file of this machine");
    fails(&joined, "people.csv", &[], not_here);
    fails(
        &world,
        "ftp://127.0.0.1/x",
        &[],
        (2, "does not read from ftp://"),
    );
}
