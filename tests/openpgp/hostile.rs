//! Whatever the bytes are, nothing panics, and nothing is read that was not sent.

use proptest::prelude::*;

use super::desk::{Desk, people};
use super::encrypted::private;
use super::gnupg::Gnupg;

const HR: &str = "hr@example.com";
const DAMAGED: &str = "is a damaged or incomplete OpenPGP message";

fn desk() -> (Gnupg, Desk) {
    let (gnupg, desk) = (Gnupg::new(), Desk::new());
    gnupg.generate(HR, "future-default", "");
    desk.write("hr.key", &gnupg.private_key(HR, "", &[]));
    private(&desk, "hr.key");
    desk.map("[source.openpgp]\nkey = { file = \"hr.key\" }");
    (gnupg, desk)
}

#[test]
fn a_message_that_is_cut_off_is_refused() {
    let (gnupg, desk) = desk();
    for armour in [&[][..], &["--armor"]] {
        let encrypt = [armour, &["--recipient", HR, "--encrypt"]].concat();
        let message = gnupg.run(&encrypt, &people());
        for length in [
            message.len() - 3,
            message.len() - 30,
            message.len() / 2,
            120,
        ] {
            desk.check(&message[..length]).assert_refused(1, DAMAGED);
        }
    }
}

#[test]
fn two_messages_in_a_file_are_not_read_as_one() {
    let (gnupg, desk) = desk();
    for how in [
        &["--encrypt"][..],
        &["--encrypt", "--armor"],
        &["--sign"],
        &["--sign", "--compress-algo", "none"],
        &["--store"],
    ] {
        let message = gnupg.run(&[&["--recipient", HR], how].concat(), &people());
        let twice = [&message[..], &message].concat();
        desk.check(&twice).assert_refused(1, "OpenPGP message");
    }
}

#[test]
fn text_around_the_armour_does_not_matter() {
    let (gnupg, desk) = desk();
    let message = gnupg.run(&["--armor", "--recipient", HR, "--encrypt"], &people());
    let message = String::from_utf8(message).unwrap();
    let crlf = message.replace('\n', "\r\n");
    for text in [
        format!("Dear all, this is\nthe export.\n\n{message}\nGreetings\n"),
        format!("\u{feff}{message}"),
        format!("\r\n\r\n{crlf}\r\n"),
        message.trim_end().to_owned(),
        message.trim_end().to_owned(),
    ] {
        desk.assert_read(text.as_bytes());
    }
    for text in [
        message.replace("-----END PGP MESSAGE-----", ""),
        message.replace("END PGP MESSAGE", "END PGP SIGNATURE"),
        message.replacen("\n\n", "\n\n!!!!\n", 1),
    ] {
        desk.check(text.as_bytes()).assert_refused(1, DAMAGED);
    }
}

#[test]
fn what_is_not_a_message_for_a_feed_is_named() {
    let (gnupg, desk) = desk();
    for (how, why) in [
        (
            &["--clear-sign"][..],
            "a text with an OpenPGP signature around it",
        ),
        (
            &["--detach-sign"],
            "an OpenPGP signature without what it is of",
        ),
        (
            &["--armor", "--detach-sign"],
            "an OpenPGP signature without what it is of",
        ),
        (&["--export"], "an OpenPGP key"),
        (&["--armor", "--export"], "an OpenPGP key"),
    ] {
        desk.check(&gnupg.run(how, &people()))
            .assert_refused(1, why);
    }
    let unprotected = [
        "--rfc2440",
        "--disable-mdc",
        "--cipher-algo",
        "3des",
        "--recipient",
        HR,
    ];
    let unprotected = [&unprotected[..], &["--encrypt"]].concat();
    desk.check(&gnupg.run(&unprotected, &people()))
        .assert_refused(1, "without integrity");
    let empty = gnupg.run(&["--recipient", HR, "--encrypt"], b"");
    desk.check(&empty).assert_refused(1, "is empty");
    let twice = gnupg.run(&["--recipient", HR, "--encrypt"], &people());
    let twice = gnupg.run(&["--recipient", HR, "--encrypt"], &twice);
    desk.check(&twice).assert_refused(1, "inside others");
}

#[test]
fn a_message_is_no_bomb() {
    let (gnupg, desk) = desk();
    let zeros = [b"ID,Login,First,Last\n".to_vec(), vec![b'a'; 40 << 20]].concat();
    let map = "[source]\nmax_feed = \"30 MiB\"\n[source.openpgp]\nkey = { file = \"hr.key\" }";
    desk.map(map);
    for algorithm in ["zip", "zlib", "bzip2"] {
        let how = ["--compress-algo", algorithm, "--recipient", HR, "--encrypt"];
        desk.check(&gnupg.run(&how, &zeros))
            .assert_refused(1, "unpacks to more than 30.0 MiB");
    }
}

/// Compressed packets inside each other.
#[test]
fn layers_without_end_are_refused() {
    let (gnupg, desk) = desk();
    let mut message = gnupg.run(&["--store"], &people());
    desk.assert_read(&message);
    for _ in 0..100 {
        // Compressed, of any length, not packed.
        message = [&[0xa3, 0x00], &message[..]].concat();
    }
    desk.check(&message).assert_refused(1, "inside others");
}

#[test]
fn heads_without_end_are_refused() {
    let (gnupg, desk) = desk();
    let signed = gnupg.run(&["--sign", "--compress-algo", "none"], &people());
    // The packet that announces a signature.
    let announced = &signed[..15];
    let many = [&announced.repeat(100)[..], &signed].concat();
    desk.check(&many).assert_refused(1, "inside others");
    let more = [&announced.repeat(1 << 20)[..], &signed].concat();
    desk.check(&more).assert_refused(1, DAMAGED);
}

#[test]
fn no_change_to_a_message_is_read_or_panics() {
    let (gnupg, desk) = desk();
    let to = ["--recipient", HR];
    let messages: Vec<_> = [
        &["--encrypt"][..],
        &["--encrypt", "--armor"],
        &["--encrypt", "--compress-algo", "bzip2"],
        &["--encrypt", "--sign", "--compress-algo", "none"],
    ]
    .iter()
    .map(|how| gnupg.run(&[&to[..], how].concat(), &people()))
    .collect();
    let change = (
        0..messages.len(),
        any::<prop::sample::Index>(),
        any::<u8>(),
        0..4_u8,
    );
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(96)
    };
    let sent = desk.check(&messages[0]).json();
    proptest!(config, |((which, at, byte, kind) in change)| {
        let mut message = messages[which].clone();
        let at = at.index(message.len());
        match kind {
            0 => message[at] = byte,
            1 => message.truncate(at),
            2 => message.insert(at, byte),
            _ => drop(message.remove(at)),
        }
        let said = desk.check(&message);
        prop_assert!([0, 1, 2, 3].contains(&said.code), "{}", said.stderr);
        prop_assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
        if said.code == 0 {
            // A change that changes nothing, as in the checksum of the armour.
            prop_assert_eq!(&said.json()["counts"], &sent["counts"]);
        }
    });
}
