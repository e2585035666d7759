//! Bad input: a sentence with the place and what to do, the right exit code,
//! nothing half done, and no panic.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::support::System::Kmi;
use crate::support::compound::compound;
use crate::support::{Feed, World};

/// Runs the command quietly and returns what a person reads, without the
/// folder of the test. Checks that nothing was half done: no request, and the
/// journal as it was.
#[track_caller]
fn output_of(world: &World, arguments: &[&str]) -> String {
    let journal = fs::read(world.path("journal.db")).ok();
    let ran = world.run(&[arguments, &["-q"]].concat());
    let text = redacted(world, &ran);
    assert_eq!(world.lms.stats().requests(), 0, "{text}");
    let left = fs::read(world.path("journal.db")).ok();
    assert!(
        left == journal,
        "the journal was created or changed: {text}"
    );
    text
}

#[track_caller]
fn redacted(world: &World, ran: &crate::support::Ran) -> String {
    assert_eq!(ran.stdout, "");
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    let folder = world.folder.path().to_str().unwrap();
    // Windows says `\` where others say `/`.
    let said = ran.stderr.replace(folder, "…").replace("…\\", "…/");
    let said: String = said
        .lines()
        .map(|line| without_system(line) + "\n")
        .collect();
    format!("exit code {}\n{said}", ran.code)
}

/// The line without what the operating system says, since each says it in its
/// own words.
fn without_system(line: &str) -> String {
    match line.split_once(" (os error ") {
        Some((before, _)) => match before.rsplit_once(": ") {
            Some((what, _)) => format!("{what}: …"),
            None => "…".into(),
        },
        None => line.to_owned(),
    }
}

/// Imports a file of these bytes.
#[track_caller]
fn feed_output(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let world = World::new(Kmi);
    world.write(name, bytes);
    let checked = output_of(&world, &["check", name, "-m", "mapping.toml"]);
    let imported = output_of(&world, &["import", name, "-m", "mapping.toml"]);
    assert_eq!(checked, imported);
    imported
}

/// Imports with the mapping changed.
#[track_caller]
fn mapping_output(from: &str, to: &str) -> String {
    let world = World::new(Kmi);
    world.feed(&Feed::of(3));
    let mapping = world.mapping();
    assert!(mapping.contains(from), "`{from}` is not in it");
    world.write("mapping.toml", mapping.replacen(from, to, 1));
    let checked = output_of(&world, &["check", "people.csv", "-m", "mapping.toml"]);
    let imported = output_of(&world, &["import", "people.csv", "-m", "mapping.toml"]);
    assert_eq!(checked, imported);
    imported
}

#[test]
fn a_feed_that_does_not_exist() {
    let world = World::new(Kmi);
    insta::assert_snapshot!(output_of(&world, &["import", "people.csv", "-m", "mapping.toml"]), @"
    exit code 1
    error: feed `people.csv` does not exist
    help: check the path; a relative path starts at the current folder
    ");
}

#[test]
fn a_feed_that_is_a_folder_without_one() {
    let world = World::new(Kmi);
    fs::create_dir(world.path("people")).unwrap();
    insta::assert_snapshot!(output_of(&world, &["import", "people", "-m", "mapping.toml"]), @r#"
    exit code 1
    error: the folder `people` has no file that could be a feed
    help: a feed ends in .csv, .txt, .tsv, .xlsx, .xlsm, .xlsb, .xls, .ods, .gz, .zip, .pgp, .gpg or .asc; write a pattern such as "exports/people-*" for other names
    "#);
}

#[test]
fn a_feed_that_is_empty() {
    insta::assert_snapshot!(feed_output("people.csv", ""), @"
    exit code 1
    error: feed `people.csv` is empty
    help: check that the export is complete: the first row must contain the column names
    ");
    insta::assert_snapshot!(feed_output("people.csv", "\n \n\n"), @"
    exit code 1
    error: feed `people.csv` is empty
    help: check that the export is complete: the first row must contain the column names
    ");
}

#[test]
fn a_feed_that_is_a_binary_file() {
    let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
    insta::assert_snapshot!(feed_output("people.csv", bytes), @"
    exit code 1
    error: feed `people.csv` is a binary file, not a CSV or XLSX file
    help: export the people as CSV or XLSX
    ");
    insta::assert_snapshot!(feed_output("people.xlsx", b"%PDF-1.7\n"), @"
    exit code 1
    error: feed `people.xlsx` is a PDF document, not a CSV or XLSX file
    help: export the people as CSV or XLSX
    ");
    insta::assert_snapshot!(feed_output("people.xlsx", b"PK\x03\x04 and then nothing"), @"
    exit code 1
    error: feed `people.xlsx` is a damaged ZIP archive, not a CSV or XLSX file
    help: export the people as CSV or XLSX
    ");
}

#[test]
fn a_feed_that_is_a_web_page() {
    let page = "<!DOCTYPE html><html><body>Please log in</body></html>";
    insta::assert_snapshot!(feed_output("people.csv", page), @"
    exit code 1
    error: feed `people.csv` is an HTML page, which is not supported
    help: if Excel shows the people in it, save it there as `Excel Workbook (.xlsx)`, or let the HR system export XLSX or CSV
    ");
}

#[test]
fn a_spreadsheet_with_a_password() {
    // Excel puts an encrypted workbook into a stream of that name.
    let bytes = compound("EncryptedPackage", b"encrypted");
    insta::assert_snapshot!(feed_output("people.xlsx", bytes), @"
    exit code 1
    error: feed `people.xlsx` is protected by a password
    help: open it in Excel or LibreOffice, remove the password (in Excel: File, Info, Protect Workbook) or the sensitivity label that encrypts it, and save it
    ");
}

#[test]
fn a_spreadsheet_that_was_not_copied_to_its_end() {
    let bytes = Feed::of(50).xlsx(Kmi);
    let half = &bytes[..bytes.len() / 2];
    insta::assert_snapshot!(feed_output("people.xlsx", half), @"
    exit code 1
    error: feed `people.xlsx` is a damaged ZIP archive, not a CSV or XLSX file
    help: export the people as CSV or XLSX
    ");
}

#[test]
fn a_compressed_feed_that_was_not_copied_to_its_end() {
    let bytes = Feed::of(500).csv_gz(Kmi);
    let half = &bytes[..bytes.len() / 2];
    let text = feed_output("people.csv.gz", half);
    insta::assert_snapshot!(text, @"
    exit code 1
    error: feed `people.csv.gz` is a damaged gzip file: incomplete deflate stream
    help: check that the copy is complete, for example with `gzip -t`
    ");
}

#[test]
fn a_quote_that_is_never_closed() {
    let mut csv = Feed::of(3).csv(Kmi);
    csv.extend(b"E00004,\"Ann,Lee,ann@example.com,alee,,,,\n");
    insta::assert_snapshot!(feed_output("people.csv", csv), @r#"
    exit code 1
    error: a quote in line 5 of feed `people.csv` is never closed
    help: check that line: a quote inside a quoted value must be doubled ("")
    "#);
}

#[test]
fn a_header_without_the_column_of_the_external_id() {
    let csv = String::from_utf8(Feed::of(2).csv(Kmi)).unwrap();
    let csv = csv.replacen("Employee ID", "Emplyee ID", 1);
    insta::assert_snapshot!(feed_output("people.csv", csv), @"
    exit code 2
    error: mapping.toml, line 12, column 14: the feed has no column `Employee ID` (field externalId)
    help: did you mean `Emplyee ID`? The feed's columns: `Emplyee ID`, `First name`, `Last name`, `Work e-mail`, `Login`, `City`, `Country`, `End date`, `Status`
    ");
}

#[test]
fn a_header_that_names_a_mapped_column_twice() {
    let csv = String::from_utf8(Feed::of(2).csv(Kmi)).unwrap();
    let csv = csv.replacen("Status", "Login", 1);
    insta::assert_snapshot!(feed_output("people.csv", csv), @"
    exit code 2
    error: mapping.toml, line 16, column 13: column `Login` appears more than once in the feed's header (columns 5, 9) (field loginName)
    help: rename the columns in the feed
    ");
}

#[test]
fn rows_with_too_few_or_too_many_cells_are_rows_that_are_wrong_and_no_more() {
    let world = World::new(Kmi);
    let mut csv = Feed::of(2).csv(Kmi);
    csv.extend(b"E00003,Ann\nE00004,Bo,Lee,bo@example.com,blee,Delft,,,Employee,and,more\n");
    world.write("people.csv", csv);
    let ran = world.import().exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (2, 2));
    let message = |line| world.row(line)["message"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(message(4), @"the row has 2 cells, but the header has 9: most rows are whole: a line break without quotes, or a cell that was lost? If the cells are empty, write their delimiters; column `Work e-mail` (email): is empty; the LMS requires a value; column `Last name` (lastName): is empty; the LMS requires a value; column `Login` (loginName): is empty; the LMS requires a value");
    insta::assert_snapshot!(message(5), @"the row has 11 cells, but the header has 9: remove what is next to the table, or quote the value that contains the delimiter");
}

#[test]
fn a_mapping_that_does_not_exist() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    insta::assert_snapshot!(output_of(&world, &["import", "people.csv", "-m", "kmi.toml"]), @"
    exit code 2
    error: cannot read the mapping `kmi.toml`: …
    help: create one with `hrfeed init FEED --target kmi -o kmi.toml` (or `--target anewspring`)
    ");
}

#[test]
fn a_mapping_that_is_a_folder_or_no_text() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    let text = output_of(&world, &["import", "people.csv", "-m", "."]);
    assert!(
        text.starts_with("exit code 2\nerror: cannot read the mapping `.`"),
        "{text}"
    );
    world.write("mapping.toml", b"\xff\xfe\x00");
    insta::assert_snapshot!(output_of(&world, &["import", "people.csv", "-m", "mapping.toml"]), @"
    exit code 2
    error: cannot read the mapping `mapping.toml`: it is not UTF-8 text
    help: a mapping is a text file: save it as UTF-8
    ");
}

#[test]
fn a_mapping_with_a_typing_mistake_in_a_key() {
    insta::assert_snapshot!(mapping_output("max_in_flight", "max_in_fligth"), @"
    exit code 2
    error: mapping.toml, line 7, column 1: unknown key `max_in_fligth` in [target]
    help: did you mean `max_in_flight`?
    ");
    insta::assert_snapshot!(mapping_output("lower = true", "lowr = true"), @"
    exit code 2
    error: mapping.toml, line 13, column 35: unknown key `lowr` in field email
    help: did you mean `lower`?
    ");
    insta::assert_snapshot!(mapping_output("[fields]", "[feilds]"), @"
    exit code 2
    error: mapping.toml, line 11, column 2: unknown key `feilds`
    help: did you mean `fields`?
    ");
}

#[test]
fn a_mapping_with_a_typing_mistake_in_the_name_of_a_field() {
    insta::assert_snapshot!(mapping_output("firstName =", "fristName ="), @"
    exit code 2
    error: mapping.toml, line 14, column 1: KMI LMS has no field `fristName`
    help: did you mean `firstName`?
    ");
}

#[test]
fn a_mapping_that_is_no_toml() {
    insta::assert_snapshot!(mapping_output("city = \"City\"", "city = \"City"), @r#"
    exit code 2
    error: mapping.toml, line 17, column 13: not valid TOML: invalid basic string, expected `"`
    "#);
}

#[test]
fn a_mapping_that_names_a_column_which_the_feed_does_not_have() {
    insta::assert_snapshot!(mapping_output("\"First name\"", "\"Frist name\""), @"
    exit code 2
    error: mapping.toml, line 14, column 13: the feed has no column `Frist name` (field firstName)
    help: did you mean `First name`? The feed's columns: `Employee ID`, `First name`, `Last name`, `Work e-mail`, `Login`, `City`, `Country`, `End date`, `Status`
    ");
}

#[test]
fn a_mapping_without_a_field_that_the_target_requires() {
    insta::assert_snapshot!(mapping_output("lastName = \"Last name\"\n", ""), @r#"
    exit code 2
    error: mapping.toml, line 11, column 1: [fields] has no `lastName`, which KMI LMS requires
    help: each line of [fields] is: field of the LMS = column of the feed, for example lastName = "…"
    "#);
}

#[test]
fn a_template_that_makes_no_sense() {
    insta::assert_snapshot!(mapping_output("\"City\"", "{ template = \"{{ row['City' }}\" }"), @r#"
    exit code 2
    error: mapping.toml, line 17, column 21: `template` in field city is not a valid template: syntax error (unexpected `}`, expected `]`)
    help: for example "{{ row['First'] }} {{ row['Last'] }}"
    "#);
}

#[test]
fn a_secret_in_the_mapping() {
    let text = mapping_output("{ env = \"HRFEED_TEST_KEY\" }", "\"k3y-0f-mine\"");
    assert!(!text.contains("k3y-0f-mine"));
    insta::assert_snapshot!(text, @r#"
    exit code 2
    error: mapping.toml, line 4, column 11: `api_key` in [target] must say where the secret is, not contain it
    help: write { env = "KMI_API_KEY" } or { file = "kmi.key" }; this secret was in a file, so have it replaced
    "#);
}

#[test]
fn an_address_without_tls_that_is_not_this_machine() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    let mapping = world
        .mapping()
        .replace(&world.lms.base_url(), "http://lms.example.com");
    world.write("mapping.toml", mapping);
    insta::assert_snapshot!(output_of(&world, &["import", "people.csv", "-m", "mapping.toml"]), @r#"
    exit code 2
    error: mapping.toml, line 3, column 12: base_url must begin with https://: http:// would send the API key unencrypted
    help: for example base_url = "https://lms.example.com"
    "#);
}

#[test]
fn a_guard_or_a_leaver_s_fate_that_makes_no_sense() {
    insta::assert_snapshot!(mapping_output("[fields]", "[guards]\nmax_leavers = \"5\"\n\n[fields]"), @r#"
    exit code 2
    error: mapping.toml, line 12, column 15: `max_leavers` in [guards] cannot be "5"
    help: use a percentage in quotes, such as "5%", or a whole number without, such as 20, or { share = "5%", per = "7 days" }
    "#);
    let leavers = mapping_output("[fields]", "[leavers]\naction = \"deactivate\"\n\n[fields]");
    insta::assert_snapshot!(leavers, @r#"
    exit code 2
    error: mapping.toml, line 12, column 10: KMI LMS cannot make people inactive
    help: possible values: "ignore", "set", "delete"
    "#);
    let leavers = mapping_output("[fields]", "[leavers]\naction = \"fire\"\n\n[fields]");
    insta::assert_snapshot!(leavers, @r#"
    exit code 2
    error: mapping.toml, line 12, column 10: `action` in [leavers] cannot be "fire"
    help: possible values: "ignore", "set", "deactivate", "delete"
    "#);
}

#[test]
fn a_limit_that_makes_no_sense() {
    let guards = |line: &str| mapping_output("[fields]", &format!("[guards]\n{line}\n\n[fields]"));
    insta::assert_snapshot!(guards("max_identites = \"2%\""), @"
    exit code 2
    error: mapping.toml, line 12, column 1: unknown key `max_identites` in [guards]
    help: did you mean `max_identities`?
    ");
    insta::assert_snapshot!(guards("max_leavers = { share = \"5%\", pr = \"7 days\" }"), @"
    exit code 2
    error: mapping.toml, line 12, column 31: unknown key `pr` in `max_leavers` in [guards]
    help: known keys: share, number, per
    ");
    insta::assert_snapshot!(guards("max_leavers = { share = \"5%\", per = \"a week\" }"), @r#"
    exit code 2
    error: mapping.toml, line 12, column 37: `per` in `max_leavers` in [guards] must be a number of whole days, at most 366
    help: for example per = "7 days"
    "#);
    insta::assert_snapshot!(guards("max_lost = { share = \"1%\", per = \"7 days\" }"), @r#"
    exit code 2
    error: mapping.toml, line 12, column 12: `max_lost` in [guards] cannot be counted over days
    help: use a percentage in quotes, such as "5%", or a whole number without, such as 20
    "#);
    insta::assert_snapshot!(guards("max_emptied = 20"), @r#"
    exit code 2
    error: mapping.toml, line 12, column 15: `max_emptied` in [guards] must be a percentage in quotes
    help: for example max_emptied = "20%"
    "#);
    insta::assert_snapshot!(guards("max_age = 36"), @r#"
    exit code 2
    error: mapping.toml, line 12, column 11: `max_age` in [guards] must be a duration of at most 366 days
    help: for example max_age = "36 h" or "3 days"
    "#);
    insta::assert_snapshot!(guards("tolerate = \"a few\""), @r#"
    exit code 2
    error: mapping.toml, line 12, column 12: `tolerate` in [guards] cannot be "a few"
    help: use a percentage in quotes, such as "5%", or a whole number without, such as 20
    "#);
}

#[test]
fn an_identity_that_makes_no_sense() {
    let identity =
        |line: &str| mapping_output("[fields]", &format!("[identity]\n{line}\n\n[fields]"));
    insta::assert_snapshot!(identity("by = [\"email\", \"loginname\"]"), @"
    exit code 2
    error: mapping.toml, line 12, column 16: [identity] names `loginname`, which is not mapped
    help: did you mean `loginName`?
    ");
    insta::assert_snapshot!(identity("by = [\"zip\"]"), @"
    exit code 2
    error: mapping.toml, line 12, column 7: [identity] names `zip`, which is not mapped
    help: possible fields: email, firstName, lastName, loginName, city, country, expirationDate
    ");
    insta::assert_snapshot!(identity("by = [\"externalId\"]"), @"
    exit code 2
    error: mapping.toml, line 12, column 7: [identity] names `externalId`, which is the external ID itself
    help: possible fields: email, firstName, lastName, loginName, city, country, expirationDate
    ");
    insta::assert_snapshot!(identity("by = []"), @r#"
    exit code 2
    error: mapping.toml, line 12, column 6: `by` in [identity] names no field
    help: for example by = ["loginName", "email"]
    "#);
    insta::assert_snapshot!(identity("by = \"email\""), @r#"
    exit code 2
    error: mapping.toml, line 12, column 6: `by` in [identity] must be a list of texts in quotes, not text in quotes
    help: for example ["loginName", "email"]
    "#);
    insta::assert_snapshot!(identity("renumbered = \"rekeyed\""), @r#"
    exit code 2
    error: mapping.toml, line 12, column 14: `renumbered` in [identity] cannot be "rekeyed"
    help: did you mean "rekey"?
    "#);
    insta::assert_snapshot!(identity("renumberd = \"hold\""), @"
    exit code 2
    error: mapping.toml, line 12, column 1: unknown key `renumberd` in [identity]
    help: did you mean `renumbered`?
    ");
}

#[test]
fn a_protection_that_makes_no_sense() {
    let protect =
        |line: &str| mapping_output("[fields]", &format!("[protect]\n{line}\n\n[fields]"));
    insta::assert_snapshot!(protect("ids = [7]"), @r#"
    exit code 2
    error: mapping.toml, line 12, column 8: `ids` in [protect] must contain only text in quotes, not a number
    help: for example ["E1", "E2"]
    "#);
    insta::assert_snapshot!(protect("ids = [\"E1\", \" \"]"), @"
    exit code 2
    error: mapping.toml, line 12, column 14: `ids` in [protect] has an empty external ID
    ");
    insta::assert_snapshot!(protect(""), @r#"
    exit code 2
    error: mapping.toml, line 11, column 1: [protect] names nobody
    help: add ids = ["E1"], or where = "row['Department'] == 'Board'"
    "#);
    insta::assert_snapshot!(protect("were = \"row.Status\""), @"
    exit code 2
    error: mapping.toml, line 12, column 1: unknown key `were` in [protect]
    help: did you mean `where`?
    ");
    insta::assert_snapshot!(protect("where = \"row['Status' == 'Board'\""), @r#"
    exit code 2
    error: mapping.toml, line 12, column 9: `where` in [protect] is not a valid expression: syntax error (unexpected end of input, expected `]`)
    help: for example where = "row['Department'] == 'Board'"
    "#);
    insta::assert_snapshot!(protect("where = \"row.Statsu == 'Board'\""), @"
    exit code 2
    error: mapping.toml, line 12, column 9: the feed has no column `Statsu` (`where` in [protect])
    help: did you mean `Status`? The feed's columns: `Employee ID`, `First name`, `Last name`, `Work e-mail`, `Login`, `City`, `Country`, `End date`, `Status`
    ");
}

#[test]
fn a_setting_of_the_key_or_of_the_leavers_that_makes_no_sense() {
    let target = |line: &str| mapping_output("[fields]", &format!("{line}\n\n[fields]"));
    insta::assert_snapshot!(target("api_key_expires = 2027-02-30"), @"
    exit code 2
    error: mapping.toml, line 11, column 19: not valid TOML: invalid date, expected day between 01 and 28
    ");
    insta::assert_snapshot!(target("api_key_expires = \"31-01-2027\""), @"
    exit code 2
    error: mapping.toml, line 11, column 19: `api_key_expires` in [target] must be a date
    help: for example 2027-01-31
    ");
    insta::assert_snapshot!(target("api_key_expires = 2027-01-31T12:00:00Z"), @"
    exit code 2
    error: mapping.toml, line 11, column 19: `api_key_expires` in [target] must be a date
    help: for example 2027-01-31
    ");
    insta::assert_snapshot!(target("settle_after = 30"), @"
    exit code 2
    error: mapping.toml, line 11, column 1: not valid TOML: duplicate key
    ");
    let leavers = mapping_output("[fields]", "[leavers]\namong = \"LMS\"\n\n[fields]");
    insta::assert_snapshot!(leavers, @r#"
    exit code 2
    error: mapping.toml, line 12, column 9: `among` in [leavers] cannot be "LMS"
    help: did you mean "lms"?
    "#);
}

#[test]
fn an_environment_variable_that_is_missing_or_empty() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    let import = |change: fn(&mut Command) -> &mut Command| {
        let mut command = world.command(&["import", "people.csv", "-m", "mapping.toml", "-q"]);
        change(&mut command);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(!world.path("journal.db").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    let missing = import(|command| command.env_remove(crate::support::SECRET));
    insta::assert_snapshot!(missing, @r#"
    error: the environment variable HRFEED_TEST_SECRET (`api_secret` in the mapping) is not set
    help: set HRFEED_TEST_SECRET for the user who runs hrfeed, or use a file: api_secret = { file = "…" }
    "#);
    let empty = import(|command| command.env(crate::support::KEY, "  "));
    insta::assert_snapshot!(empty, @"
    error: the environment variable HRFEED_TEST_KEY (`api_key` in the mapping) is empty
    help: store the secret there
    ");
    let unsendable = import(|command| command.env(crate::support::KEY, "k3\ny"));
    insta::assert_snapshot!(unsendable, @"
    error: the API key holds a character that cannot be sent, such as a line break
    help: check the file or environment variable that the mapping names
    ");
    assert_eq!(world.lms.stats().requests(), 0);
}

#[test]
fn a_secret_in_a_file_that_is_missing() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    let mapping = world.mapping();
    let mapping = mapping.replace("{ env = \"HRFEED_TEST_KEY\" }", "{ file = \"kmi.key\" }");
    world.write("mapping.toml", mapping);
    let text = output_of(&world, &["import", "people.csv", "-m", "mapping.toml"]);
    assert!(
        text.starts_with(
            "exit code 2\nerror: cannot read the file `kmi.key` (`api_key` in the mapping): "
        ),
        "{text}"
    );
    world.write("kmi.key", "test-key\r\n");
    world.import().exits(0);
}

#[test]
fn a_journal_that_is_no_sqlite_file() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    world.write("journal.db", "Dear diary,\n".repeat(1_000));
    insta::assert_snapshot!(output_of(&world, &["import", "people.csv", "-m", "mapping.toml"]), @"
    exit code 1
    error: `…/journal.db` is not a journal: it is not an SQLite file
    help: the file was not changed; choose another one with `--journal PATH`
    ");
    insta::assert_snapshot!(output_of(&world, &["runs"]), @"
    exit code 1
    error: `…/journal.db` is not a journal: it is not an SQLite file
    help: the file was not changed; choose another one with `--journal PATH`
    ");
}

#[test]
fn a_journal_of_another_program() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    let other = rusqlite::Connection::open(world.path("journal.db")).unwrap();
    other
        .execute_batch("CREATE TABLE songs (title TEXT)")
        .unwrap();
    drop(other);
    insta::assert_snapshot!(output_of(&world, &["import", "people.csv", "-m", "mapping.toml"]), @"
    exit code 1
    error: `…/journal.db` is not a journal: it is another program's SQLite file
    help: the file was not changed; choose another one with `--journal PATH`
    ");
}

#[test]
fn a_journal_of_a_newer_version() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    world.import().exits(0);
    let journal = rusqlite::Connection::open(world.path("journal.db")).unwrap();
    journal.pragma_update(None, "user_version", 99).unwrap();
    drop(journal);
    world.lms.reset_stats();
    insta::assert_snapshot!(output_of(&world, &["import", "people.csv", "-m", "mapping.toml"]), @"
    exit code 1
    error: journal `…/journal.db` was written by a newer hrfeed (format 99; this version reads up to 11)
    help: the file was not changed; use the newer hrfeed, or choose another file with `--journal PATH`
    ");
    insta::assert_snapshot!(output_of(&world, &["resume"]), @"
    exit code 1
    error: journal `…/journal.db` was written by a newer hrfeed (format 99; this version reads up to 11)
    help: the file was not changed; use the newer hrfeed, or choose another file with `--journal PATH`
    ");
}

#[test]
fn a_journal_that_is_a_folder_or_lies_where_nothing_can() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(1));
    fs::create_dir(world.path("journal.db")).unwrap();
    insta::assert_snapshot!(output_of(&world, &["import", "people.csv", "-m", "mapping.toml"]), @"
    exit code 1
    error: journal `…/journal.db` is a folder
    help: name a file inside the folder with `--journal PATH`
    ");
    // Below a file there can be no folder.
    let below = world.path("people.csv").join("journal.db");
    let ran = world
        .start_with(
            &["import", "people.csv", "-m", "mapping.toml", "-q"],
            &below,
        )
        .wait()
        .exits(1);
    assert!(ran.stderr.contains("journal.db"), "{ran:?}");
    assert!(ran.stderr.contains("--journal PATH"), "{ran:?}");
    assert_eq!(world.lms.stats().requests(), 0);
}

#[test]
fn history_without_a_journal_or_a_run() {
    let world = World::new(Kmi);
    insta::assert_snapshot!(output_of(&world, &["show"]), @"
    exit code 2
    error: no journal found at `…/journal.db`
    help: the first `hrfeed import` creates one; choose another with `--journal PATH`
    ");
    world.feed(&Feed::of(1));
    world.import().exits(0);
    world.lms.reset_stats();
    insta::assert_snapshot!(output_of(&world, &["show", "99"]), @"
    exit code 2
    error: the journal `…/journal.db` has no run 99
    help: `hrfeed runs` lists the runs with their numbers
    ");
    insta::assert_snapshot!(output_of(&world, &["rows", "yesterday"]), @"
    exit code 2
    error: `yesterday` is not a run number
    help: `hrfeed runs` lists the runs with their numbers
    ");
    insta::assert_snapshot!(output_of(&world, &["resume"]), @"
    exit code 2
    error: run 1 has finished: there is nothing to resume
    help: `hrfeed show 1` shows its summary; `hrfeed import` starts a new run
    ");
}

#[test]
fn a_port_that_nobody_listens_on() {
    let world = World::new(Kmi).target("max_outage = \"1s\"");
    world.feed(&Feed::of(5));
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mapping = world
        .mapping()
        .replace(&world.lms.base_url(), &format!("http://127.0.0.1:{port}"));
    world.write("mapping.toml", mapping);
    let import = ["import", "people.csv", "-m", "mapping.toml", "-q"];
    let text = redacted(&world, &world.run(&import));
    assert!(
        text.starts_with("exit code 5\nerror: the LMS gives no usable answer (no connection: "),
        "{text}"
    );
    let help = "help: check `base_url` in the mapping, and whether the LMS is up\n";
    assert!(text.ends_with(help), "{text}");
    let shown = world.run(&["show", "--json"]).exits(0);
    assert_eq!((shown.count("pending"), shown.count("failed")), (5, 0));
}

#[test]
fn an_address_that_is_not_this_api() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(5));
    let base_url = world.lms.base_url();
    let mapping = world
        .mapping()
        .replace(&base_url, &format!("{base_url}/lms"));
    world.write("mapping.toml", mapping);
    let import = ["import", "people.csv", "-m", "mapping.toml", "-q"];
    insta::assert_snapshot!(redacted(&world, &world.run(&import)), @"
    exit code 7
    error: there is no such API at this address
    help: check `base_url`: it must end before `/api/`
    ");
    assert_eq!(world.lms.stats().requests(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_on_a_full_disk() {
    let world = World::new(Kmi);
    let feed = Feed::of(30).change(3, |person| person.email.clear());
    world.import_feed(&feed).exits(3);
    for arguments in [
        &["rows"][..],
        &["rows", "--json"],
        &["runs"],
        &["show"],
        &["check", "people.csv", "-m", "mapping.toml"],
        &[
            "check",
            "people.csv",
            "-m",
            "mapping.toml",
            "--format",
            "csv",
        ],
        &["completions", "bash"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = world.command(arguments).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains("cannot write to stdout"), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_onto_a_device_leaves_the_device_a_device() {
    use std::os::unix::fs::FileTypeExt as _;
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(3)).exits(0);
    // A device of one's own, since a test must not put the machine's at risk;
    // only root may make one.
    let device = world.arg("full");
    let created = Command::new("mknod")
        .args([&device, "c", "1", "7"])
        .output();
    if !created.is_ok_and(|ran| ran.status.success()) {
        return;
    }
    let ran = world.run(&["report", "-o", &device, "-q"]);
    let is_device = |path: &str| fs::metadata(path).unwrap().file_type().is_char_device();
    assert!(is_device(&device), "{ran:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_gets_full_stops_the_run_which_is_resumed_once_there_is_room() {
    let world = World::new(Kmi);
    let Some(disk) = crate::support::disk::SmallDisk::mount(world.path("disk"), 240) else {
        // Only root may mount, and not in every container.
        return;
    };
    let feed = Feed::of(3_000);
    world.feed(&feed);
    let journal = disk.0.join("small.db");
    let on_disk = |arguments: &[&str]| {
        let mut run = world.start_with(arguments, &journal);
        crate::support::wait_until("it ends", || !run.is_running());
        let ran = run.wait();
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
        (ran.code, ran.stderr)
    };
    let (code, stderr) = on_disk(&["import", "people.csv", "-m", "mapping.toml", "-q"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("the disk is full"), "{stderr}");
    assert!(stderr.contains("hrfeed resume"), "{stderr}");
    let created = world.lms.people().len();
    assert!(created < 3_000, "the disk was too large for this test");
    // Now there is room.
    disk.remount("size=20000k");
    let (code, stderr) = on_disk(&["resume"]);
    assert_eq!(code, 0, "{stderr}");
    world.assert_everyone_once(&feed);
}

#[cfg(target_os = "linux")]
#[test]
fn a_journal_on_a_disk_without_any_room_says_that_the_disk_is_full() {
    let world = World::new(Kmi);
    let Some(disk) = crate::support::disk::SmallDisk::mount(world.path("disk"), 800) else {
        // Only root may mount, and not in every container.
        return;
    };
    world.feed(&Feed::of(5));
    let import = ["import", "people.csv", "-m", "mapping.toml"];
    let (old, new) = (disk.0.join("old.db"), disk.0.join("new.db"));
    world.run_with(&import, &old).exits(0);
    // Until nothing more goes in.
    assert!(fs::write(disk.0.join("other"), vec![b'x'; 1 << 20]).is_err());
    for journal in [old, new] {
        let ran = world.run_with(&import, &journal).exits(1);
        assert!(ran.stderr.contains("the disk is full"), "{ran:?}");
        assert!(ran.stderr.contains("free some disk space"), "{ran:?}");
    }
}
