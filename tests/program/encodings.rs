//! Feeds that are not UTF-8, through the program: found without asking,
//! reported, and named where they cannot be found.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use encoding_rs::{Encoding, UTF_16LE, WINDOWS_1250, WINDOWS_1252};
use serde_json::Value;
use tempfile::TempDir;

const MAPPING: &str = r#"[target]
system = "kmi"
base_url = "https://lms.example.com"
api_key = { env = "KEY" }
api_secret = { env = "SECRET" }
[source]
[fields]
externalId = "Id"
email = "E-mail"
firstName = "Voornaam"
lastName = "Achternaam"
loginName = "Id"
city = { column = "Plaats", map = { "Köln" = "Cologne" } }
"#;

const FEED: &str = "Id;E-mail;Voornaam;Achternaam;Plaats\r\n\
    7;zoe@example.com;Zoë;Müller;Köln\r\n\
    8;jerome@example.com;Jérôme;D’Août;Liège\r\n";

/// A folder with a feed and a mapping that says `source` of it.
fn folder(feed: &[u8], source: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mapping = MAPPING.replace("[source]", &format!("[source]\n{source}"));
    std::fs::write(folder.path().join("m.toml"), mapping).unwrap();
    std::fs::write(folder.path().join("feed.csv"), feed).unwrap();
    folder
}

/// The exit code, stdout and stderr of the program, run in `folder`.
fn hrfeed(folder: &Path, arguments: &[&str], stdin: &[u8]) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hrfeed"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments reads nothing.
    drop(child.stdin.take().unwrap().write_all(stdin));
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// What the program said beside the rows, as JSON.
fn notes(stdout: &str) -> Value {
    let report: Value = serde_json::from_str(stdout).unwrap();
    report["notes"].clone()
}

fn encoded(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    if encoding == UTF_16LE {
        return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    let (bytes, _, unmappable) = encoding.encode(text);
    assert!(!unmappable);
    bytes.into_owned()
}

#[test]
fn check_finds_the_encoding_of_a_file_and_of_stdin_and_tells_it() {
    for encoding in [WINDOWS_1252, UTF_16LE] {
        let bytes = encoded(encoding, FEED);
        let folder = folder(&bytes, "");
        for feed in ["feed.csv", "-"] {
            let check = ["check", feed, "-m", "m.toml", "--json"];
            let (code, stdout, stderr) = hrfeed(folder.path(), &check, &bytes);
            assert_eq!(code, 0, "{stdout}{stderr}");
            let report: Value = serde_json::from_str(&stdout).unwrap();
            assert_eq!(report["feed"]["rows"], 2);
            let told = format!(
                "the feed is read as {} text (if names look wrong, set `encoding` in [source])",
                encoding.name()
            );
            assert_eq!(notes(&stdout), Value::from([told]));
        }
    }
}

#[test]
fn a_feed_in_another_encoding_needs_no_room_for_temporary_files() {
    for encoding in [WINDOWS_1252, UTF_16LE] {
        let folder = folder(&encoded(encoding, FEED), "");
        let mut check = Command::new(env!("CARGO_BIN_EXE_hrfeed"));
        check
            .args(["check", "feed.csv", "-m", "m.toml"])
            .current_dir(folder.path());
        for variable in ["TMPDIR", "TMP", "TEMP"] {
            check.env(variable, folder.path().join("none"));
        }
        let output = check.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[test]
fn an_encoding_that_shows_only_deep_in_the_feed_is_reported_too() {
    let mut bytes = FEED.lines().next().unwrap().as_bytes().to_vec();
    for id in 0..3_000 {
        bytes.extend(format!("\r\n{id};p{id}@example.com;Ann;Lee;Delft").bytes());
    }
    bytes.extend(encoded(
        WINDOWS_1252,
        "\r\nx;zoe@example.com;Zoë;Lee;Köln\r\n",
    ));
    let folder = folder(&bytes, "");
    let (code, stdout, stderr) = hrfeed(folder.path(), &["check", "feed.csv", "-m", "m.toml"], b"");
    assert_eq!(code, 0, "{stdout}{stderr}");
    let (_, told) = stdout.split_once("Worth knowing").unwrap();
    insta::assert_snapshot!(told.trim(), @"
    the feed is read as windows-1252 text (if names look wrong, set `encoding` in [source])

      An import would send up to 3,001 people, those who are new or changed. Other limits need the journal or the LMS:
      `plan` checks them.

      Next
        hrfeed plan feed.csv -m m.toml   list who is new, changed or missing
    ");
}

#[test]
fn utf_8_a_named_encoding_and_a_mark_are_nothing_to_tell() {
    let marked = format!("\u{feff}{FEED}");
    for (encoding, text, source) in [
        (encoding_rs::UTF_8, FEED, ""),
        (WINDOWS_1252, FEED, "encoding = \"Latin1\""),
        (UTF_16LE, FEED, "encoding = \"utf-16\""),
        (UTF_16LE, &marked, ""),
    ] {
        let folder = folder(&encoded(encoding, text), source);
        let (code, stdout, stderr) =
            hrfeed(folder.path(), &["check", "feed.csv", "-m", "m.toml"], b"");
        assert_eq!(code, 0, "{stdout}{stderr}");
        assert!(!stdout.contains("Worth knowing"), "{stdout}");
    }
}

#[test]
fn init_reports_what_it_found_and_names_only_what_it_was_given() {
    let text = "Id;E-mail;First name;Last name;Straße\n7;a@example.com;Zoë;Müller;x\n";
    let feed_1252 = folder(&encoded(WINDOWS_1252, text), "");
    let (code, stdout, stderr) = hrfeed(
        feed_1252.path(),
        &["init", "feed.csv", "--target", "kmi"],
        b"",
    );
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.contains("# Found: CSV, semicolon, windows-1252, header in row 1.\n"),
        "{stdout}"
    );
    assert!(!stdout.contains("encoding"), "{stdout}");

    let polish = text
        .replace("Straße", "Miejscowość")
        .replace("Zoë", "Michał");
    let feed_1250 = folder(&encoded(WINDOWS_1250, &polish), "");
    let init = [
        "init",
        "feed.csv",
        "--target",
        "kmi",
        "--encoding",
        "windows-1250",
    ];
    let (code, stdout, stderr) = hrfeed(feed_1250.path(), &init, b"");
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.contains("\n[source]\nencoding = \"windows-1250\"\n"),
        "{stdout}"
    );
    assert!(stdout.contains("Miejscowość"), "{stdout}");
}

#[test]
fn a_feed_whose_letters_do_not_decide_is_refused_with_the_likely_encodings() {
    let header = "Id;E-mail;Voornaam;Achternaam;Plaats\r";
    // Košic in Windows, Koöic on a Mac.
    let feed = [header.as_bytes(), b"7;zoe@example.com;Ann;Ko\x9aic;Delft\r"].concat();
    let folder = folder(&feed, "");
    let (code, _, stderr) = hrfeed(folder.path(), &["check", "feed.csv", "-m", "m.toml"], b"");
    assert_eq!(code, 2);
    insta::assert_snapshot!(stderr, @r#"
    error: the encoding of feed `feed.csv` is not certain: it may be windows-1252, macintosh or cp850
    help: ask who makes the export and set its encoding, such as `encoding = "windows-1252"` in [source] or `init --encoding windows-1252`, or save the file again as `CSV UTF-8`
    "#);
}

#[test]
fn a_feed_of_an_old_mac_or_of_dos_is_read_and_its_encoding_is_said() {
    let macintosh = FEED.replace("\r\n", "\r");
    let dos: Vec<u8> = FEED
        .replace('’', "'")
        .replace("D'Août", "Dupré")
        .chars()
        .map(|char| match char {
            'ü' => 0x81,
            'é' => 0x82,
            'ë' => 0x89,
            'è' => 0x8a,
            'ô' => 0x93,
            'ö' => 0x94,
            char => u8::try_from(char).unwrap(),
        })
        .collect();
    for (bytes, name) in [
        (encoded(encoding_rs::MACINTOSH, &macintosh), "macintosh"),
        (dos, "cp850"),
    ] {
        let folder = folder(&bytes, "");
        let check = ["check", "feed.csv", "-m", "m.toml", "--json"];
        let (code, stdout, stderr) = hrfeed(folder.path(), &check, b"");
        assert_eq!(code, 0, "{stdout}{stderr}");
        let told = format!(
            "the feed is read as {name} text (if names look wrong, set `encoding` in [source])"
        );
        assert_eq!(notes(&stdout), Value::from([told]));
    }
}

#[test]
fn names_that_were_spoilt_before_hrfeed_are_told_by_column_and_row() {
    let feed = "Id;E-mail;Voornaam;Achternaam;Plaats\n\
        7;zoe@example.com;ZoÃ«;MÃ¼ller;KÃ¶ln\n\
        8;jose@example.com;Jos\u{fffd};K?hler;Delft\n\
        9;ann@example.com;Ann;\"O&#39;Brien\";Delft\n\
        10;bob@example.com;Bob;Möller;Delft\n";
    let folder = folder(feed.as_bytes(), "");
    let check = ["check", "feed.csv", "-m", "m.toml"];
    let (code, stdout, stderr) = hrfeed(folder.path(), &check, b"");
    assert_eq!(code, 0, "{stdout}{stderr}");
    let (_, told) = stdout.split_once("Worth knowing").unwrap();
    insta::assert_snapshot!(told.trim(), @"
    column `Voornaam`: texts look as if they had been encoded twice (`Ã¼` for `ü`): let the export write UTF-8 once; if
        the mapping sets `encoding`, check that too (row 2)
        column `Achternaam`: texts look as if they had been encoded twice (`Ã¼` for `ü`): let the export write UTF-8 once;
        if the mapping sets `encoding`, check that too (row 2)
        column `Plaats`: texts look as if they had been encoded twice (`Ã¼` for `ü`): let the export write UTF-8 once; if
        the mapping sets `encoding`, check that too (row 2)
        column `Voornaam`: letters are lost: a program before hrfeed wrote `�` for them, so export the people again as UTF-8
        (row 3)
        column `Achternaam`: words have `?` where letters may have been that the export cannot write: let it write UTF-8
        (row 3)
        column `Achternaam`: texts have characters as HTML writes them, such as `&amp;` or `&eacute;`, and are sent as they
        are: let the export write plain text (row 4)

      An import would send up to 4 people, those who are new or changed. Other limits need the journal or the LMS: `plan`
      checks them.

      Next
        hrfeed plan feed.csv -m m.toml   list who is new, changed or missing
    ");
}

#[test]
fn letters_in_utf_7_and_hz_are_told_by_column_and_row() {
    let feed = "Id;E-mail;Voornaam;Achternaam;Plaats\n\
        7;zoe+ann@example.com;Zo+AOs-;M+APw-ller;Delft\n\
        8;wei@example.com;~{N0~};~{Mu~};+32 475-12\n";
    let folder = folder(feed.as_bytes(), "");
    let check = ["check", "feed.csv", "-m", "m.toml", "--json"];
    let (code, stdout, stderr) = hrfeed(folder.path(), &check, b"");
    assert_eq!(code, 0, "{stdout}{stderr}");
    let told = |column: &str| {
        format!(
            "column `{column}`: texts are in UTF-7 (`+APw-` for `ü`) or HZ (`~{{…~}}`), which hrfeed \
             does not read, and are sent as they are: let the export write UTF-8 (rows 2, 3)"
        )
    };
    let expected = Value::from(["Voornaam", "Achternaam"].map(told).to_vec());
    assert_eq!(notes(&stdout), expected);
}

#[test]
fn an_old_mac_of_central_europe_is_never_taken_for_utf_8_and_read_where_it_is_named() {
    // Two of eight letters and more, which are one of another script in UTF-8.
    let feed = b"Id;E-mail;Voornaam;Achternaam;Plaats\n\
        7;jiri@example.com;Ji\xde\x92;Novotn;Brno\n";
    let unnamed = folder(feed, "");
    let check = ["check", "feed.csv", "-m", "m.toml", "--json"];
    let (code, _, stderr) = hrfeed(unnamed.path(), &check, b"");
    assert_eq!(code, 2, "{stderr}");
    assert!(
        stderr.contains("the encoding of feed `feed.csv` is not certain"),
        "{stderr}"
    );
    for name in ["x-mac-ce", "MacCentralEurope"] {
        let source = format!("encoding = \"{name}\"\nwhere = \"row['Voornaam'] == 'Jiří'\"");
        let named = folder(feed, &source);
        let (code, stdout, stderr) = hrfeed(named.path(), &check, b"");
        assert_eq!(code, 0, "{stdout}{stderr}");
        // It is he: the filter leaves out nobody.
        let notes = notes(&stdout).to_string();
        assert!(notes.contains("leaves out no row"), "{notes}");
    }
}

#[test]
fn an_encoding_that_nobody_knows_is_an_error_of_the_mapping_with_the_nearest() {
    let stderr = |source| {
        let folder = folder(FEED.as_bytes(), source);
        let (code, _, stderr) = hrfeed(folder.path(), &["check", "feed.csv", "-m", "m.toml"], b"");
        assert_eq!(code, 2);
        stderr
    };
    insta::assert_snapshot!(stderr("encoding = \"windows-1525\""), @r#"
    error: m.toml, line 7, column 12: encoding `windows-1525` is not known
    help: did you mean "windows-1255"?
    "#);
    insta::assert_snapshot!(stderr("encoding = \"ansi\""), @r#"
    error: m.toml, line 7, column 12: encoding `ansi` is not known
    help: Windows calls so what it writes in each country: set "windows-1252" in Western Europe and America, "windows-1250" in Central Europe, "windows-1251" for Cyrillic, "windows-1253" for Greek and "windows-1254" for Turkish
    "#);
    insta::assert_snapshot!(stderr("encoding = \"ebcdic\""), @r#"
    error: m.toml, line 7, column 12: encoding `ebcdic` is not known
    help: use for example "windows-1252", "windows-1250" or "utf-16", or save the file as `CSV UTF-8` and remove `encoding`
    "#);
}
