//! What is encrypted for us is read.

use std::io::Write as _;

use super::desk::{Desk, PEOPLE, people};
use super::gnupg::Gnupg;

const HR: &str = "hr@example.com";
const KEY: &str = "[source.openpgp]\nkey = { file = \"hr.key\" }";

/// A desk whose mapping names the private key of somebody.
fn desk_of(gnupg: &Gnupg, armour: &[&str]) -> Desk {
    let desk = Desk::new();
    desk.write("hr.key", &gnupg.private_key(HR, "", armour));
    private(&desk, "hr.key");
    desk.map(KEY);
    desk
}

/// Takes a file away from others, so that no note says that they can read it.
pub(crate) fn private(desk: &Desk, name: &str) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(desk.path(name), mode).unwrap();
    }
    #[cfg(not(unix))]
    let _ = (desk, name);
}

#[test]
fn messages_of_any_kind_for_our_key_are_read() {
    for (kind, armour) in [("rsa2048", &[][..]), ("future-default", &["--armor"])] {
        let gnupg = Gnupg::new();
        gnupg.generate(HR, kind, "");
        gnupg.generate("partner@example.com", "future-default", "");
        let desk = desk_of(&gnupg, armour);
        let to = ["--recipient", HR];
        for how in [
            &["--armor"][..],
            &["--compress-algo", "zip"],
            &["--compress-algo", "zlib"],
            &["--compress-algo", "bzip2"],
            &["--compress-algo", "none", "--armor"],
            &["--cipher-algo", "aes128"],
            &["--cipher-algo", "3des", "--compress-algo", "none"],
            &["--cipher-algo", "camellia256"],
            &["--textmode"],
            &["--recipient", "partner@example.com"],
            &["--recipient", "partner@example.com", "--throw-keyids"],
            &[
                "--set-filename",
                "people.csv",
                "--comment",
                "für HR",
                "--armor",
            ],
        ] {
            let message = gnupg.run(&[how, &to[..], &["--encrypt"]].concat(), &people());
            desk.assert_read(&message);
        }
    }
}

#[test]
fn what_is_packed_in_a_message_is_unpacked() {
    let gnupg = Gnupg::new();
    gnupg.generate(HR, "future-default", "");
    let desk = desk_of(&gnupg, &[]);
    let encrypt = ["--recipient", HR, "--encrypt"];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&people()).unwrap();
    let gzip = gzip.finish().unwrap();
    desk.assert_read(&gnupg.run(&encrypt, &gzip));

    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, line) in (0..).zip(String::from_utf8(people()).unwrap().lines()) {
        for (column, cell) in (0..).zip(line.split(',')) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    desk.assert_read(&gnupg.run(&encrypt, &book.save_to_buffer().unwrap()));

    // And what is packed around one.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&gnupg.run(&encrypt, &people())).unwrap();
    desk.assert_read(&packed.finish().unwrap());
}

#[test]
fn a_message_for_a_passphrase_is_read() {
    let gnupg = Gnupg::new();
    let mut desk = Desk::new();
    let words = ["--passphrase", "corréct horse", "--symmetric"];
    let message = gnupg.run(&words, &people());
    desk.map("[source.openpgp]\npassphrase = { env = \"PASS\" }");
    desk.check(&message).assert_refused(2, "PASS");
    desk.set("PASS", "corréct horse\n");
    desk.assert_read(&message);
    desk.set("PASS", "wrong horse");
    let why = "damaged OpenPGP message, or encrypted with another passphrase";
    desk.check(&message).assert_refused(1, why);
    desk.map("");
    desk.check(&message)
        .assert_refused(2, "is encrypted with a passphrase, and no passphrase");
}

#[test]
fn every_command_reads_a_message_from_a_folder_or_standard_input() {
    let gnupg = Gnupg::new();
    gnupg.generate(HR, "future-default", "");
    let mut desk = desk_of(&gnupg, &["--armor"]);
    desk.set("K", "key");
    let message = gnupg.run(&["--recipient", HR, "--encrypt"], &people());
    std::fs::create_dir(desk.path("exports")).unwrap();
    let feed = desk.write("exports/people.csv.gpg", &message);
    let checked = desk.run(&["--json", "check", "exports", "-m", "mapping.toml"], None);
    assert_eq!(checked.json()["feed"]["rows"], PEOPLE);
    let checked = desk.run(&["--json", "check", "-", "-m", "mapping.toml"], Some(&feed));
    assert_eq!(checked.json()["feed"]["rows"], PEOPLE);
    let imported = desk.run(
        &[
            "--json",
            "import",
            "exports",
            "-m",
            "mapping.toml",
            "--sandbox",
        ],
        None,
    );
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert_eq!(
        imported.json()["counts"]["created"],
        PEOPLE,
        "{}",
        imported.stdout
    );
    let init = desk.run(&["init", "exports/people.csv.gpg", "--target", "kmi"], None);
    init.assert_refused(2, "is encrypted for");
    init.assert_refused(2, "gpg --decrypt");
}

#[test]
fn a_joined_file_may_be_encrypted_too() {
    let gnupg = Gnupg::new();
    gnupg.generate(HR, "future-default", "");
    let desk = desk_of(&gnupg, &[]);
    let encrypt = ["--recipient", HR, "--encrypt"];
    let contracts = (1..=PEOPLE).map(|it| format!("E{it:04},Team {it}\n"));
    let contracts = format!("ID,Team\n{}", contracts.collect::<Vec<_>>().concat());
    desk.write(
        "contracts.csv.gpg",
        &gnupg.run(&encrypt, contracts.as_bytes()),
    );
    desk.map(&format!(
        "[join]\nfile = \"contracts.csv.gpg\"\non = \"ID\"\n{KEY}"
    ));
    desk.assert_read(&gnupg.run(&encrypt, &people()));
    desk.map("[join]\nfile = \"contracts.csv.gpg\"\non = \"ID\"");
    desk.check(&people()).assert_refused(2, "joined file");
}

#[test]
fn the_secrets_are_in_no_log() {
    let gnupg = Gnupg::new();
    gnupg.generate(HR, "future-default", "open sesame");
    let mut desk = Desk::new();
    let key = gnupg.private_key(HR, "open sesame", &["--armor"]);
    desk.set("HR_KEY", std::str::from_utf8(&key).unwrap());
    desk.set("HR_PASS", "open sesame");
    desk.map("[source.openpgp]\nkey = { env = \"HR_KEY\" }\npassphrase = { env = \"HR_PASS\" }");
    let message = gnupg.run(&["--recipient", HR, "--encrypt"], &people());
    desk.assert_read(&message);
    let said = desk.run(&["-vvv", "check", "feed", "-m", "mapping.toml"], None);
    let all = format!("{}{}", said.stdout, said.stderr);
    let line = key.split(|byte| *byte == b'\n').nth(4).unwrap();
    for secret in ["open sesame", std::str::from_utf8(line).unwrap(), "Müller"] {
        assert!(!secret.is_empty() && !all.contains(secret), "{all}");
    }
}
