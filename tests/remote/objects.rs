//! Feeds of storages: S3, Azure, Google.

use std::io::Write as _;
use std::process::Stdio;

use crate::servers::{self, Server};
use crate::support::{side_by_side, wait_until};
use crate::{csv, fails, import, read, run, sha256_of, world};

/// As Azurite has them built in.
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Puts bytes there, in the bucket `exports`; returns what was printed.
fn put(kind: &str, server: &Server, key: &[&str], bytes: &[u8]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/remote/fill.py");
    let mut child = servers::python()
        .args([script, kind, &server.port.to_string(), "exports"])
        .args(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{key:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn s3_settings(port: u16) -> String {
    format!(
        "endpoint = \"http://127.0.0.1:{port}\"\naccess_key = {{ env = \"ACCESS\" }}\n\
         secret_key = {{ env = \"SECRET\" }}"
    )
}

const S3: &[(&str, &str)] = &[("ACCESS", "key"), ("SECRET", "s3cret")];

fn azure_settings(port: u16, secret: &str) -> String {
    format!(
        "endpoint = \"http://127.0.0.1:{port}/{ACCOUNT}\"\naccount = \"{ACCOUNT}\"\n\
         {secret} = {{ env = \"SECRET\" }}"
    )
}

#[test]
fn the_newest_file_of_a_bucket_is_imported() {
    let server = servers::s3();
    let world = world("files = \"newest\"", &s3_settings(server.port));
    put("s3", &server, &["out/people-1.csv"], &csv(3));
    put("s3", &server, &["out/people-2.csv"], &csv(4));
    // The storage counts seconds.
    let second = || std::thread::park_timeout(std::time::Duration::from_millis(1100));
    second();
    put("s3", &server, &["out/deep/er/staff.csv"], &csv(2));
    put("s3", &server, &["out/people-3.csv"], &csv(5));
    second();
    put("s3", &server, &["out/people-4.csv.part"], &csv(9));
    for address in [
        "s3://exports/out",
        "s3://exports/out/",
        "s3://exports/out/people-*",
        "s3://exports/*/people-?.csv",
    ] {
        assert_eq!(
            read(&world, address, S3),
            "s3://exports/out/people-3.csv",
            "{address}"
        );
    }
    for address in [
        "s3://exports/**/staff*",
        "s3://exports/out/*/*/*.csv",
        "s3://exports/out/deep/er",
    ] {
        assert_eq!(
            read(&world, address, S3),
            "s3://exports/out/deep/er/staff.csv",
            "{address}"
        );
    }
    fails(
        &world,
        "s3://exports/out/nobody.csv",
        S3,
        (1, "it is not there"),
    );
    fails(
        &world,
        "s3://exports/out/nobody-*",
        S3,
        (1, "no file matches"),
    );
    fails(
        &world,
        "s3://exports",
        S3,
        (1, "has no file that could be a feed"),
    );
    fails(&world, "s3://nobody/x.csv", S3, (7, "NoSuchBucket"));
    // Nothing secret is said, however much is said.
    let ran = run(
        &world,
        &["import", "s3://exports/out", "-m", "mapping.toml", "-vvv"],
        S3,
    )
    .exits(0);
    let said = ran.said() + &world.journal_text();
    assert!(
        !said.contains("s3cret") && !said.contains("Signature"),
        "{said}"
    );
}

#[test]
fn a_key_is_a_key_whatever_is_in_it() {
    let server = servers::s3();
    let world = world("", &s3_settings(server.port));
    for key in [
        "a b #1 100% ü?&+=.csv",
        "50%20off/x.csv",
        "it's (1) [2] {3} ~!$,;:@.csv",
    ] {
        put("s3", &server, &[key], &csv(2));
        let address = format!("s3://exports/{key}");
        assert_eq!(read(&world, &address, S3), address);
    }
    put("s3", &server, &["empty.csv"], b"");
    fails(&world, "s3://exports/empty.csv", S3, (1, "is empty"));
    fails(&world, "s3://exports/a//b", S3, (2, "not supported"));
}

#[test]
fn a_bucket_of_more_files_than_a_page_has_is_read_to_its_end() {
    let server = servers::s3();
    let world = world("files = \"newest\"", &s3_settings(server.port));
    put("s3", &server, &["out/a-%04d.log", "1300"], b"x");
    put("s3", &server, &["out/z.csv"], &csv(3));
    assert_eq!(
        read(&world, "s3://exports/out", S3),
        "s3://exports/out/z.csv"
    );
}

#[test]
fn a_file_of_a_storage_is_read_once_it_is_whole() {
    let server = servers::s3();
    let done = world(
        "done_file = \"READY\"\nwait = \"1m\"",
        &s3_settings(server.port),
    );
    put("s3", &server, &["out/people.csv"], &csv(3));
    let mut command = done.command(&["import", "s3://exports/out", "-m", "mapping.toml", "--json"]);
    let stderr = done.path("stderr");
    let child = command
        .envs(S3.iter().copied())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&stderr).unwrap())
        .spawn()
        .unwrap();
    wait_until("a look", || {
        let said = std::fs::read_to_string(&stderr).unwrap();
        said.contains("s3://exports/out/READY` is not there")
    });
    put("s3", &server, &["out/READY"], b"");
    assert!(child.wait_with_output().unwrap().status.success());
    done.assert_everyone_once(&crate::support::Feed::of(3));

    let plain = world("", &s3_settings(server.port));
    put(
        "s3",
        &server,
        &["out/people.csv.sha256"],
        "0".repeat(64).as_bytes(),
    );
    let address = "s3://exports/out/people.csv";
    fails(&plain, address, S3, (1, "does not have the checksum"));
    let digest = sha256_of(&csv(3));
    put("s3", &server, &["out/people.csv.sha256"], digest.as_bytes());
    read(&plain, address, S3);
}

#[test]
fn azure_is_read_with_a_key_or_a_signature() {
    let server = servers::azure();
    put("azure", &server, &["out/people.csv"], &csv(3));
    put("azure", &server, &["out/a b #1 100% ü.csv"], &csv(2));
    put("azure", &server, &["out/a-%04d.log", "12"], b"x");
    let signature = put("azure", &server, &["sas"], b"");
    let expired = put("azure", &server, &["expired"], b"");
    let with_key = world("", &azure_settings(server.port, "account_key"));
    let with_sas = world("", &azure_settings(server.port, "sas"));
    side_by_side(
        [(&with_key, ACCOUNT_KEY), (&with_sas, &*signature)].map(|(world, secret)| {
            move || {
                let secret = [("SECRET", secret)];
                for address in [
                    "az://exports/out/p*.csv",
                    "az://exports/**/p*.csv",
                    "az://exports/out/people.csv",
                ] {
                    assert_eq!(
                        read(world, address, &secret),
                        "az://exports/out/people.csv",
                        "{address}"
                    );
                }
                let odd = "az://exports/out/a b #1 100% ü.csv";
                assert_eq!(read(world, odd, &secret), odd);
                fails(
                    world,
                    "az://exports/nobody.csv",
                    &secret,
                    (1, "it is not there"),
                );
                fails(world, "az://exports/out", &secret, (2, "has 2 files"));
            }
        }),
    );
    let address = "az://exports/out/people.csv";
    let wrong = ACCOUNT_KEY.replace("Eby8", "AAAA");
    fails(
        &with_key,
        address,
        &[("SECRET", &wrong)],
        (7, "access was refused"),
    );
    let ran = import(&with_sas, address, &[("SECRET", &expired)]).exits(7);
    let digits = expired.split("sig=").nth(1).unwrap();
    let digits = digits.split('&').next().unwrap();
    assert!(!ran.said().contains(digits), "{ran:#?}");
    let arguments = ["import", address, "-m", "mapping.toml", "-vvv"];
    let ran = run(&with_sas, &arguments, &[("SECRET", &signature)]).exits(0);
    assert!(!ran.said().contains("sig="), "{ran:#?}");
}

#[test]
fn google_s_storage_is_read() {
    let server = servers::google();
    put("google", &server, &["out/people.csv"], &csv(3));
    put("google", &server, &["out/a b #1 100%.csv"], &csv(2));
    let settings = format!("endpoint = \"http://127.0.0.1:{}\"", server.port);
    let public = world("", &settings);
    for address in [
        "gs://exports/out/p*.csv",
        "gs://exports/**/p*.csv",
        "gs://exports/out/people.csv",
    ] {
        assert_eq!(
            read(&public, address, &[]),
            "gs://exports/out/people.csv",
            "{address}"
        );
    }
    let odd = "gs://exports/out/a b #1 100%.csv";
    assert_eq!(read(&public, odd, &[]), odd);
    fails(
        &public,
        "gs://exports/nobody.csv",
        &[],
        (1, "it is not there"),
    );
    let with_key = world(
        "",
        &format!("{settings}\ncredential = {{ env = \"SECRET\" }}"),
    );
    let no_key = [("SECRET", "s3cret")];
    fails(
        &with_key,
        odd,
        &no_key,
        (2, "not the JSON key of a service account"),
    );
}
