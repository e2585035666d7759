//! The commands that change nothing: about runs, rows, files, and the LMS.

use hrfeed::sandbox::Faults;
use serde_json::json;

use crate::support::System::Kmi;
use crate::support::{Feed, Ran, World, run};

/// A world with one run behind it: 6 created, 2 rejected (rows 4 and 6), and
/// then one with 1 updated.
fn with_two_runs() -> World {
    let world = World::new(Kmi);
    let feed = Feed::of(8)
        .change(2, |person| person.email = "zofie at example.com".into())
        .change(4, |person| person.country = "Narnia");
    world.import_feed(&feed).exits(3);
    let feed = feed.change(0, |person| person.city = "Groningen".into());
    world.import_feed(&feed).exits(3);
    world.lms.reset_stats();
    world
}

#[test]
fn runs_lists_the_runs_newest_first() {
    let world = with_two_runs();
    let runs = world.run(&["runs", "--json"]).exits(0).json();
    let runs = runs["runs"].as_array().unwrap();
    let names: Vec<_> = runs
        .iter()
        .map(|run| run["run"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["2", "1"]);
    assert_eq!(
        (&runs[1]["state"], &runs[1]["counts"]["created"]),
        (&json!("finished"), &json!(6))
    );
    let table = world.run(&["runs"]).exits(0).stdout;
    assert!(
        table.contains("finished") && table.contains("people.csv"),
        "{table}"
    );
    // The second is the first one's old name.
    for limit in ["--limit", "--most"] {
        let one = world.run(&["runs", limit, "1", "--json"]).exits(0).json();
        assert_eq!(one["runs"].as_array().unwrap().len(), 1);
    }
    assert_eq!(world.lms.stats().requests(), 0);
}

#[test]
fn runs_name_mapping_and_lms_and_are_chosen_by_them() {
    let world = with_two_runs();
    world.write("other.toml", world.mapping());
    world
        .run(&["import", "people.csv", "-m", "other.toml"])
        .exits(3);
    let listed = |arguments: &[&str]| {
        let json = world
            .run(&[&["runs", "--json"], arguments].concat())
            .exits(0)
            .json();
        let runs = json["runs"].as_array().unwrap().clone();
        let names: Vec<_> = runs.iter().map(|run| run["run"].to_string()).collect();
        (names.join(" "), runs)
    };
    let (all, runs) = listed(&[]);
    assert_eq!(all, r#""3" "2" "1""#);
    let base_url = world.lms.base_url();
    assert_eq!(
        runs[0]["target"],
        json!({"system": "kmi", "base_url": format!("{base_url}/")})
    );
    assert_eq!(runs[0]["mapping"], world.arg("other.toml"));
    let address = base_url.trim_start_matches("http://");
    let path = world.arg("other.toml");
    for (filter, expected) in [
        (["--mapping", "other.toml"], r#""3""#),
        (["--mapping", &path], r#""3""#),
        (["--mapping", "mapping.toml"], r#""2" "1""#),
        (["--mapping", "nobodys.toml"], ""),
        (["--target", "kmi"], r#""3" "2" "1""#),
        (["--target", &base_url], r#""3" "2" "1""#),
        (["--target", address], r#""3" "2" "1""#),
        (["--target", "anewspring"], ""),
        (["--target", "https://lms.example.com"], ""),
    ] {
        assert_eq!(listed(&filter).0, expected, "{filter:?}");
    }
    // The newest of those that are chosen.
    let filter = ["--mapping", "mapping.toml", "--limit", "1"];
    assert_eq!(listed(&filter).0, r#""2""#);
    let table = world.run(&["runs"]).exits(0).stdout;
    assert!(
        table.contains("other.toml") && table.contains(address),
        "{table}"
    );
    let none = world
        .run(&["runs", "--target", "anewspring"])
        .exits(0)
        .stdout;
    assert_eq!(none, "No runs with this mapping and this LMS.\n");
}

#[test]
fn show_tells_the_latest_run_or_the_one_that_is_named() {
    let world = with_two_runs();
    let latest = world.run(&["show", "--json"]).exits(0);
    assert_eq!(
        (&latest.json()["run"], latest.count("updated")),
        (&json!("2"), 1)
    );
    let first = world.run(&["show", "1", "--json"]).exits(0);
    assert_eq!((first.count("created"), first.count("rejected")), (6, 2));
    assert_eq!(first.json()["exit_code"], 3);
    let text = world.run(&["show", "1"]).exits(0).stdout;
    assert!(
        text.contains("created") && text.contains("country"),
        "{text}"
    );
}

#[test]
fn rows_lists_the_outcome_of_each_row() {
    let world = with_two_runs();
    let rows = world.run(&["rows", "1", "--json"]).exits(0).json_lines();
    assert_eq!(rows.len(), 8);
    let numbers: Vec<_> = rows
        .iter()
        .map(|row| row["row"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (2..=9).collect::<Vec<_>>());
    let rejected = world
        .run(&["rows", "1", "--outcome", "rejected", "--json"])
        .exits(0)
        .json_lines();
    let numbers: Vec<_> = rejected
        .iter()
        .map(|row| row["row"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [4, 6]);
    let both = [
        "rows",
        "1",
        "--outcome",
        "rejected",
        "--outcome",
        "created",
        "--json",
    ];
    assert_eq!(world.run(&both).exits(0).json_lines().len(), 8);
    let ran = world.run(&["rows", "2"]).exits(0);
    assert!(ran.stderr.contains("5 unchanged"), "{ran:?}");
}

#[test]
fn rows_that_are_held_are_listed_and_not_counted_as_pending_beside() {
    let world = World::new(Kmi);
    let mut feed = Feed::of(20);
    world.import_feed(&feed).exits(0);
    feed.people[3].id = "N00004".into();
    world.import_feed(&feed).exits(4);
    let rows = world.run(&["rows"]).exits(0);
    assert!(rows.stdout.contains("seems to be E00004"), "{rows:#?}");
    assert!(!rows.stdout.contains("known as E00004"), "{rows:#?}");
    let footer = "1 row of run 2 (not listed: 19 unchanged)";
    assert!(rows.stderr.contains(footer), "{rows:#?}");
}

#[test]
fn rows_come_as_a_table_as_csv_and_as_json() {
    let world = with_two_runs();
    let format = |format| {
        world
            .run(&["rows", "1", "--format", format])
            .exits(0)
            .stdout
    };
    let table = format("table");
    assert!(
        table.contains("External ID") && table.contains("E00003"),
        "{table}"
    );
    let csv = format("csv");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(
        reader.headers().unwrap(),
        vec![
            "row",
            "external_id",
            "outcome",
            "action",
            "status",
            "attempts",
            "message",
            "changed",
            "known_as",
            "hold",
            "file"
        ]
    );
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 8);
    assert_eq!((&records[2][0], &records[2][2]), ("4", "rejected"));
    assert_eq!(format("json"), world.run(&["rows", "1", "--json"]).stdout);
}

#[test]
fn rows_in_csv_run_as_no_formula() {
    let world = World::new(Kmi);
    world
        .import_feed(&Feed::of(1).change(0, |person| person.id = "=1+1".into()))
        .exits(0);
    let csv = world.run(&["rows", "--format", "csv"]).exits(0).stdout;
    assert!(csv.contains("'=1+1"), "{csv}");
}

#[test]
fn a_report_is_one_self_contained_page_that_names_no_person() {
    let world = with_two_runs();
    let page = world.arg("report.html");
    let ran = world.run(&["report", "1", "-o", &page]).exits(0);
    assert_eq!(ran.stdout, "");
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.starts_with("<!") && html.trim_end().ends_with("</html>"));
    for word in ["E00003", "country", "rejected", "people.csv"] {
        assert!(html.contains(word), "{word}");
    }
    for outside in ["<script src", "<link", "@import", "url(http", "src=\"http"] {
        assert!(!html.contains(outside), "{outside}");
    }
    let lower = html.to_lowercase();
    for secret in [
        "quimby",
        "example.com",
        "narnia",
        "zofie",
        "žofie",
        "test-key",
    ] {
        assert!(!lower.contains(secret), "{secret}");
    }
}

#[test]
fn a_report_into_a_missing_folder_is_an_error() {
    let world = with_two_runs();
    let page = world.arg("nowhere/report.html");
    let ran = world.run(&["report", "-o", &page]).exits(1);
    assert!(
        ran.stderr.contains("check that the folder exists"),
        "{ran:?}"
    );
}

#[test]
fn check_shows_values_only_where_it_is_asked_to() {
    let world = with_two_runs();
    let check = |more: &[&str]| {
        let arguments = ["check", "people.csv", "-m", "mapping.toml"];
        world.run(&[&arguments[..], more].concat()).exits(3).said()
    };
    for format in [
        &[][..],
        &["--json"],
        &["--format", "csv"],
        &["--format", "json"],
    ] {
        let without = check(format);
        assert!(without.contains("E00003"), "{without}");
        assert!(
            !without.contains("Narnia") && !without.contains("zofie"),
            "{without}"
        );
        let with = check(&[format, &["--show-values"]].concat());
        assert!(
            with.contains("Narnia") && with.contains("zofie at"),
            "{with}"
        );
    }
}

#[test]
fn check_shows_the_first_findings_and_with_all_every_one() {
    let world = World::new(Kmi);
    let mut feed = Feed::of(80);
    for person in &mut feed.people {
        person.email = "none".into();
    }
    world.feed(&feed);
    let arguments = ["check", "people.csv", "-m", "mapping.toml"];
    let shown = world.run(&arguments).exits(3).stdout;
    assert!(
        shown.contains("30 more problems (list them with `--all`)"),
        "{shown}"
    );
    assert!(!shown.contains("E00080"));
    let all = world
        .run(&[&arguments[..], &["--all"]].concat())
        .exits(3)
        .stdout;
    assert!(all.contains("E00080"));
}

/// Runs `init` on a file, checks that the mapping it writes needs only the
/// address changed, and returns it.
#[track_caller]
fn first_mapping(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let world = World::new(Kmi);
    world.write(name, bytes);
    let ran = world
        .run(&["init", name, "--target", "kmi", "-o", "first.toml"])
        .exits(0);
    assert!(ran.stderr.contains("hrfeed check"), "{ran:?}");
    let text = std::fs::read_to_string(world.path("first.toml")).unwrap();
    assert!(!text.contains("# ?"), "{text}");
    world.run(&["check", name, "-m", "first.toml"]).exits(0);
    let real = text
        .replace("https://lms.example.com", &world.lms.base_url())
        .replace("KMI_API_KEY", crate::support::KEY)
        .replace("KMI_API_SECRET", crate::support::SECRET);
    world.write("first.toml", real);
    world.run(&["import", name, "-m", "first.toml"]).exits(0);
    assert_eq!(world.lms.people().len(), 2);
    text
}

#[test]
fn init_writes_a_mapping_that_works_for_a_feed_of_its_own_kind() {
    let text = first_mapping("people.csv", Feed::of(2).csv(Kmi));
    for line in [
        "externalId = \"Employee ID\"",
        "firstName = \"First name\"",
        "country = \"Country\"",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    first_mapping("people.xlsx", Feed::of(2).xlsx(Kmi));
}

#[test]
fn init_understands_other_peoples_habits() {
    // A Dutch export: semicolons, a byte order mark, dates with the day first.
    let dutch = "\u{feff}Personeelsnummer;Voornaam;Achternaam;E-mailadres;Woonplaats;Land;Datum uit dienst\r\n\
         0017;Ann;de Boer;a.deboer@example.com;Delft;Nederland;31-12-2030\r\n\
         0018;Bo;\"Jansen; jr\";b.jansen@example.com;Assen;België;\r\n";
    let text = first_mapping("personeel.csv", dutch);
    for line in [
        "externalId = \"Personeelsnummer\"",
        "%d-%m-%Y",
        "country = \"Land\"",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    // A German one, with tabs.
    let german = "Personalnummer\tVorname\tNachname\tE-Mail-Adresse\tBenutzername\tOrt\n\
         A-1\tÄnne\tGroß\taenne@example.com\tagross\tKöln\nA-2\tJörg\tWeiß\tjoerg@example.com\tjweiss\tBonn\n";
    let text = first_mapping("leute.txt", german);
    assert!(text.contains("loginName = \"Benutzername\""), "{text}");
    // An American one: title lines, pipes, dates with the month first.
    let american = "Active Workers\nRun 2026-11-20\n\n\
         Emplid|Legal First Name|Legal Last Name|Business Email|State|Country|Termination Date\n\
         8E467|Ann|Lee|ann@example.com|OH|United States of America|12/31/2030\n\
         8E468|Bo|Lee|bo@example.com|NY|United States of America|1/15/2031\n";
    let text = first_mapping("workers.csv", american);
    assert!(
        text.contains("%m/%d/%Y") && text.contains("country = \"Country\""),
        "{text}"
    );
}

#[test]
fn init_says_what_it_could_not_recognise_and_replaces_no_file() {
    let world = World::new(Kmi);
    world.write("odd.csv", "Key,Given name,Rank\n1,Ann,3\n2,Bo,4\n");
    let ran = world.run(&["init", "odd.csv", "--target", "kmi"]).exits(0);
    assert!(ran.stdout.contains("# ? email"), "{ran:?}");
    assert!(ran.stdout.contains("\"Rank\""), "{ran:?}");
    assert!(
        ran.stderr.contains("No column was recognised for"),
        "{ran:?}"
    );
    world.write("mine.toml", "precious");
    let into = ["init", "odd.csv", "--target", "kmi", "-o", "mine.toml"];
    let ran = world.run(&into).exits(2);
    assert!(ran.stderr.contains("--force"), "{ran:?}");
    assert_eq!(std::fs::read(world.path("mine.toml")).unwrap(), b"precious");
    world.run(&[&into[..], &["--force"]].concat()).exits(0);
    let ran = world
        .run(&["init", "odd.csv", "--target", "anewspring"])
        .exits(0);
    assert!(ran.stdout.contains("# ? lastName"), "{ran:?}");
    // The ID serves as the login where nothing else does.
    assert!(ran.stdout.contains("\nlogin = \"Key\""), "{ran:?}");
}

#[test]
fn audit_finds_duplicate_ids_and_people_missing_from_the_lms() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(120)).exits(0);
    let audit = |json: bool| {
        let more: &[&str] = if json { &["--json"] } else { &[] };
        world.run(&[&["audit", "-m", "mapping.toml"], more].concat())
    };
    let report = audit(true).exits(0).json();
    assert_eq!(
        (&report["duplicates"], &report["lost"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        (&report["people"], &report["with_external_id"]),
        (&json!(120), &json!(120))
    );
    let twin = world.lms.create(world.key, "twin", "E00003");
    let first = world.lms.with_id("E00003")[0]["id"].clone();
    world.lms.delete(world.key, "E00110");
    world.lms.reset_stats();
    let report = audit(true).exits(3).json();
    assert_eq!(
        report["duplicates"],
        json!([{"external_id": "E00003", "people": [first.to_string(), twin["id"].to_string()]}])
    );
    assert_eq!(report["lost"], json!(["E00110"]));
    assert_eq!(report["exit_code"], 3);
    let stats = world.lms.stats();
    assert_eq!(stats.requests(), stats.pages(), "audit reads only");
    let text = audit(false).exits(3).stdout;
    assert!(
        text.contains("E00003: people ") && text.contains("E00110"),
        "{text}"
    );
}

#[test]
fn audit_without_a_journal_looks_for_twins_only() {
    let world = World::new(Kmi);
    world.lms.create(world.key, "one", "E1");
    world.lms.create(world.key, "two", "E1");
    let ran = world
        .run(&["audit", "-m", "mapping.toml", "--json"])
        .exits(3);
    assert_eq!(ran.json()["duplicates"][0]["external_id"], "E1");
    assert!(!world.path("journal.db").exists());
}

#[test]
fn audit_of_a_target_that_is_down_can_be_asked_again() {
    let world = World::failing(
        Kmi,
        Faults {
            errors: 1.0,
            ..Faults::default()
        },
    )
    .target("max_outage = \"1s\"");
    let ran = world
        .run(&["audit", "-m", "mapping.toml", "--json"])
        .exits(5);
    assert_eq!(ran.json()["exit_code"], 5);
}

#[test]
fn completions_are_scripts_that_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).exits(0).stdout;
        for command in ["import", "resume", "report"] {
            assert!(script.contains(command), "{shell}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_empty_variable_for_the_journal_names_the_default_one() {
    let folder = tempfile::tempdir().unwrap();
    let runs = |options: &[&str]| {
        let mut command = crate::support::program();
        command.args(options).arg("runs");
        command.envs([("HRFEED_JOURNAL", "")]);
        command.env("XDG_STATE_HOME", folder.path());
        Ran::of(command.output().unwrap()).exits(2).stderr
    };
    let default = folder.path().join("hrfeed/journal.db");
    let stderr = runs(&[]);
    assert!(stderr.contains(default.to_str().unwrap()), "{stderr}");
    // Whoever names it on the command line means it.
    let stderr = runs(&["--journal", ""]);
    assert!(stderr.contains("a value is required"), "{stderr}");
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    // It need not be there.
    let folder = folder.path().join("share/man1");
    run(&["man", "--dir", folder.to_str().unwrap()]).exits(0);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let main = read("hrfeed.1");
    assert_eq!(run(&["man"]).exits(0).stdout, main);
    for command in ["check", "import", "approve", "man"] {
        assert!(main.contains(&format!("hrfeed\\-{command}(1)")), "{main}");
        let page = read(&format!("hrfeed-{command}.1"));
        assert_eq!(run(&["man", command]).exits(0).stdout, page);
        assert!(page.contains("Exit codes:"), "{page}");
    }
    assert!(read("hrfeed-import.1").contains("\\-\\-deadline"));
    let pages = std::fs::read_dir(&folder).unwrap().count();
    let commands = run(&["--help"]).exits(0).stdout;
    let listed = commands.lines().skip_while(|line| *line != "Commands:");
    let listed = listed.skip(1).take_while(|line| !line.is_empty());
    // All but `help`, and the program itself and what is below `runs`.
    assert_eq!(pages, listed.count() + 1);
    assert!(read("hrfeed-runs-prune.1").contains("\\-\\-older\\-than"));
    run(&["man", "improt"]).exits(2);
}

#[test]
fn each_help_names_the_exit_codes() {
    let help = run(&["--help"]).exits(0).stdout;
    let commands = [
        "check",
        "plan",
        "import",
        "resume",
        "runs",
        "show",
        "rows",
        "report",
        "init",
        "audit",
        "sandbox",
        "completions",
        "man",
    ];
    for command in commands {
        assert!(help.contains(&format!("  {command}")), "{command}");
        for flag in ["--help", "-h"] {
            let help = run(&[command, flag]).exits(0).stdout;
            assert!(help.contains("Exit codes:"), "{command} {flag}: {help}");
            assert!(help.contains("6  another run is using"), "{command} {flag}");
        }
    }
}

#[test]
fn colour_comes_where_it_is_asked_for() {
    let world = with_two_runs();
    let shown = |colour| world.run(&["show", "--color", colour]).exits(0).stdout;
    assert!(shown("always").contains('\u{1b}'));
    assert!(!shown("auto").contains('\u{1b}'));
    assert!(!shown("never").contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::io::Read as _;
    use std::process::Stdio;
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(3_000)).exits(0);
    let mut child = world
        .command(&["rows", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 100];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut start).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stderr, b"");
}

#[test]
fn the_sandbox_as_a_command_says_where_it_listens_and_stops_when_asked() {
    let world = World::new(Kmi);
    let run = world.start(&["sandbox", "--port", "0", "--people", "7", "--json"]);
    let said = || run.read("stdout");
    crate::support::wait_until("it says where it listens", || said().ends_with('\n'));
    let announced: serde_json::Value = serde_json::from_str(&said()).unwrap();
    let base_url = announced["base_url"].as_str().unwrap();
    let world = world.at(base_url);
    let ran = world.import_feed(&Feed::of(3)).exits(0);
    assert_eq!(ran.count("created"), 3);
    assert_eq!(world.lms.stats().requests(), 0);
    #[cfg(unix)]
    {
        run.interrupt();
        run.wait().exits(0);
    }
    #[cfg(not(unix))]
    run.kill();
}
