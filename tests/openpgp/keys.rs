//! Which key is missing or does not fit is said, with what to do.

use super::desk::{Desk, people};
use super::encrypted::private;
use super::gnupg::Gnupg;

const HR: &str = "hr@example.com";
const OTHER: &str = "other@example.com";
const KEY: &str = "[source.openpgp]\nkey = { file = \"hr.key\" }";
const PASSPHRASE: &str = "passphrase = { file = \"hr.passphrase\" }";

struct Keys {
    gnupg: Gnupg,
    desk: Desk,
}

impl Keys {
    fn new(passphrase: &str) -> Self {
        let (gnupg, desk) = (Gnupg::new(), Desk::new());
        gnupg.generate(HR, "future-default", passphrase);
        desk.write("hr.key", &gnupg.private_key(HR, passphrase, &["--armor"]));
        private(&desk, "hr.key");
        desk.map(KEY);
        Self { gnupg, desk }
    }

    fn message(&self, to: &str) -> Vec<u8> {
        self.gnupg.run(&["--recipient", to, "--encrypt"], &people())
    }
}

#[test]
fn an_encrypted_feed_without_a_key_names_whom_it_is_for() {
    let Keys { gnupg, desk } = Keys::new("");
    let message = gnupg.run(&["--recipient", HR, "--encrypt"], &people());
    desk.map("");
    let said = desk.check(&message);
    said.assert_refused(
        2,
        &format!("is encrypted for {}, and no key is named", gnupg.ids(HR)[1]),
    );
    said.assert_refused(2, "[source.openpgp]");
    let hidden = gnupg.run(
        &["--throw-keyids", "--recipient", HR, "--encrypt"],
        &people(),
    );
    desk.check(&hidden)
        .assert_refused(2, "is encrypted for a hidden recipient");
}

#[test]
fn a_key_that_does_not_fit_is_named_with_the_one_that_would() {
    let keys = Keys::new("");
    keys.gnupg.generate(OTHER, "future-default", "");
    let message = keys.message(OTHER);
    let [ours, theirs] = [keys.gnupg.ids(HR), keys.gnupg.ids(OTHER)];
    let said = keys.desk.check(&message);
    said.assert_refused(1, &format!("is encrypted for {}", theirs[1]));
    said.assert_refused(1, &format!("has {}", ours[0]));
    let hidden = ["--throw-keyids", "--recipient", OTHER, "--encrypt"];
    let said = keys.desk.check(&keys.gnupg.run(&hidden, &people()));
    said.assert_refused(1, "is encrypted for a hidden recipient");
}

#[test]
fn a_locked_key_opens_with_its_passphrase_alone() {
    let keys = Keys::new("open sesame");
    let message = keys.message(HR);
    keys.desk
        .check(&message)
        .assert_refused(2, "no passphrase is named");
    keys.desk.map(&format!("{KEY}\n{PASSPHRASE}"));
    // An editor ends a line.
    for (passphrase, is_right) in [("open sesame\r\n", true), ("open sesam", false)] {
        keys.desk.write("hr.passphrase", passphrase.as_bytes());
        private(&keys.desk, "hr.passphrase");
        if is_right {
            keys.desk.assert_read(&message);
        } else {
            let ran = keys.desk.check(&message);
            ran.assert_refused(2, "hr.passphrase` does not open");
        }
    }
}

#[test]
fn a_file_may_hold_several_keys() {
    let Keys { gnupg, desk } = Keys::new("");
    gnupg.generate(OTHER, "rsa2048", "");
    let message = gnupg.run(&["--recipient", HR, "--encrypt"], &people());
    let keyring = gnupg.run(&["--export-secret-keys"], b"");
    let [first, second] = [OTHER, HR].map(|it| gnupg.private_key(it, "", &["--armor"]));
    let armoured = [b"# keys of HR\r\n".to_vec(), first, second].concat();
    let crlf = String::from_utf8(armoured.clone())
        .unwrap()
        .replace('\n', "\r\n");
    for keys in [keyring, armoured, crlf.into_bytes()] {
        desk.write("hr.key", &keys);
        desk.assert_read(&message);
    }
    // The primary key of a careful person is elsewhere.
    let subkeys = gnupg.run(&["--export-secret-subkeys", HR], b"");
    desk.write("hr.key", &subkeys);
    desk.assert_read(&message);
}

#[test]
fn a_file_without_a_private_key_is_named() {
    let Keys { gnupg, desk } = Keys::new("");
    let message = gnupg.run(&["--recipient", HR, "--encrypt"], &people());
    let public = gnupg.certificate(HR);
    let private = gnupg.private_key(HR, "", &["--armor"]);
    for (content, why) in [
        (&public[..], "is a public key"),
        (b"my key", "is not an OpenPGP key"),
        (&private[..private.len() / 2], "is not an OpenPGP key"),
        (b"", "is not an OpenPGP key"),
        (&message, "is not an OpenPGP key"),
    ] {
        desk.write("hr.key", content);
        let said = desk.check(&message);
        said.assert_refused(2, why);
        said.assert_refused(2, "hr.key");
    }
    desk.map("[source.openpgp]\nkey = { file = \"gone.key\" }");
    desk.check(&message).assert_refused(2, "gone.key");
}

#[test]
fn a_key_that_expired_or_was_revoked_still_decrypts() {
    let (gnupg, desk) = (Gnupg::new(), Desk::new());
    let time = ["--faked-system-time", "20200101T000000"];
    let generate = [
        "--passphrase",
        "",
        "--quick-generate-key",
        HR,
        "future-default",
        "default",
    ];
    gnupg.run(&[&time[..], &generate, &["1y"]].concat(), b"");
    let encrypt = ["--recipient", HR, "--encrypt"];
    let message = gnupg.run(&[&time[..], &encrypt].concat(), &people());
    desk.write("hr.key", &gnupg.private_key(HR, "", &[]));
    private(&desk, "hr.key");
    desk.map(KEY);
    desk.assert_read(&message);
}

#[test]
fn a_wrong_setting_is_named_with_its_line_and_column() {
    let desk = Desk::new();
    for (lines, line, why) in [
        (
            "[source.openpgp]",
            "line 5, column 1",
            "[source.openpgp] says nothing",
        ),
        (
            "[source.openpgp]\nkey = \"hr.key\"",
            "line 6, column 7",
            "must say where the secret is",
        ),
        (
            "[source.openpgp]\nkeys = { file = \"hr.key\" }",
            "line 6, column 1",
            "keys",
        ),
        (
            "[source.openpgp]\nsigned_by = 7",
            "line 6, column 13",
            "signed_by",
        ),
        (
            "[source.openpgp]\npassphrase = { file = \"a\", env = \"B\" }",
            "line 6, column 14",
            "either",
        ),
        ("[source]\nopenpgp = true", "line 6, column 11", "a table"),
    ] {
        desk.map(lines);
        let said = desk.check(&people());
        said.assert_refused(2, why);
        said.assert_refused(2, line);
    }
}
