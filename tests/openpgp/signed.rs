//! Who signed a feed counts where the mapping says so, and is a note where it does not.

use super::desk::{Desk, people};
use super::encrypted::private;
use super::gnupg::Gnupg;

const HR: &str = "hr@example.com";
const PARTNER: &str = "partner@example.com";
const STRANGER: &str = "stranger@example.com";
const KEY: &str = "[source.openpgp]\nkey = { file = \"hr.key\" }";

struct Signing {
    gnupg: Gnupg,
    desk: Desk,
}

impl Signing {
    fn new(kind: &str) -> Self {
        let (gnupg, desk) = (Gnupg::new(), Desk::new());
        for person in [HR, PARTNER, STRANGER] {
            gnupg.generate(person, kind, "");
        }
        desk.write("hr.key", &gnupg.private_key(HR, "", &[]));
        private(&desk, "hr.key");
        desk.write("partner.asc", &gnupg.certificate(PARTNER));
        Self { gnupg, desk }
    }

    /// Demands the partner's signature.
    fn demand(&self) {
        self.desk
            .map(&format!("{KEY}\nsigned_by = \"partner.asc\""));
    }

    fn message(&self, by: &[&str], how: &[&str]) -> Vec<u8> {
        let mut arguments = vec!["--recipient", HR];
        for person in by {
            arguments.extend(["--local-user", person]);
        }
        arguments.extend(how);
        self.gnupg.run(&arguments, &people())
    }
}

const ENCRYPTED: [&str; 2] = ["--sign", "--encrypt"];

#[test]
fn a_signed_feed_is_read_if_the_right_one_signed_it() {
    for kind in ["future-default", "rsa2048"] {
        let signing = Signing::new(kind);
        signing.demand();
        for how in [
            &ENCRYPTED[..],
            &["--sign", "--encrypt", "--armor", "--compress-algo", "none"],
            &[
                "--sign",
                "--encrypt",
                "--textmode",
                "--digest-algo",
                "sha512",
            ],
            &["--sign"],
            &["--sign", "--armor"],
            &["--sign", "--compress-algo", "none"],
        ] {
            signing.desk.assert_read(&signing.message(&[PARTNER], how));
            signing
                .desk
                .assert_read(&signing.message(&[STRANGER, PARTNER], how));
            let said = signing.desk.check(&signing.message(&[STRANGER], how));
            let stranger = &signing.gnupg.ids(STRANGER)[0];
            said.assert_refused(1, &format!("is signed by {stranger}, and has to be"));
        }
    }
}

#[test]
fn a_feed_that_has_to_be_signed_and_is_not_is_refused() {
    let signing = Signing::new("future-default");
    signing.demand();
    let encrypted = signing.message(&[], &["--encrypt"]);
    for feed in [&encrypted[..], &people()] {
        signing
            .desk
            .check(feed)
            .assert_refused(1, "is not signed, and has to be");
    }
}

#[test]
fn a_note_says_that_nobody_checked_a_signature() {
    let signing = Signing::new("future-default");
    signing.desk.map(KEY);
    for how in [
        &ENCRYPTED[..],
        &["--sign"],
        &["--sign", "--compress-algo", "none"],
    ] {
        let notes = signing
            .desk
            .assert_read_with_notes(&signing.message(&[STRANGER], how));
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].contains("the feed is signed, and nobody checked by whom"),
            "{notes:?}"
        );
    }
}

#[test]
fn a_changed_content_has_no_valid_signature() {
    let signing = Signing::new("future-default");
    let mut message = signing.message(&[PARTNER], &["--sign", "--compress-algo", "none"]);
    let name = message.windows(6).position(|it| it == b"Anna7,").unwrap();
    message[name] = b'H';
    signing.demand();
    signing
        .desk
        .check(&message)
        .assert_refused(1, "which is not valid");
    signing.desk.map(KEY);
    signing
        .desk
        .check(&message)
        .assert_refused(1, "is a damaged or incomplete OpenPGP message");
}

#[test]
fn a_key_that_expired_or_was_revoked_signs_nothing() {
    let signing = Signing::new("future-default");
    signing.demand();
    let old = "old@example.com";
    let then = ["--faked-system-time", "20200101T000000"];
    let generate = [
        "--passphrase",
        "",
        "--quick-generate-key",
        old,
        "future-default",
        "default",
    ];
    signing
        .gnupg
        .run(&[&then[..], &generate, &["1y"]].concat(), b"");
    signing
        .desk
        .write("partner.asc", &signing.gnupg.certificate(old));
    // What it signed while it was valid counts.
    let in_time = [&then[..], &["--sign"]].concat();
    signing.desk.assert_read(&signing.message(&[old], &in_time));

    let message = signing.message(&[PARTNER], &["--sign"]);
    let file = signing.gnupg.fingerprint(PARTNER);
    let revocation = signing.gnupg.revocation(&file);
    signing.gnupg.import(&revocation);
    signing
        .desk
        .write("partner.asc", &signing.gnupg.certificate(PARTNER));
    signing
        .desk
        .check(&message)
        .assert_refused(1, "which is revoked");
}

#[test]
fn a_file_without_certificates_is_named() {
    let signing = Signing::new("future-default");
    signing.demand();
    let message = signing.message(&[PARTNER], &ENCRYPTED);
    let private = signing.gnupg.private_key(PARTNER, "", &[]);
    for (content, why) in [
        (&private[..], "is a private key"),
        (b"x", "is not an OpenPGP cert"),
    ] {
        signing.desk.write("partner.asc", content);
        let said = signing.desk.check(&message);
        said.assert_refused(2, why);
        said.assert_refused(2, "signed_by");
    }
}
